/* Text that grows in a caller's buffer; what does not fit sets `bad`, checked once at the end.
 * For this folder's writers of XML, RTSP and SDP. */
#ifndef LUMEN_SESSION_TEXTBUF_H
#define LUMEN_SESSION_TEXTBUF_H

#include "core/base/err.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

struct textbuf {
    char *out;
    size_t size_bytes, capacity_bytes;
    bool bad;
};

static inline struct textbuf textbuf_of(char *out, size_t capacity_bytes)
{
    return (struct textbuf){.out = out, .capacity_bytes = capacity_bytes};
}

__attribute__((format(printf, 2, 3))) static inline void textbuf_add(struct textbuf *t,
                                                                     const char *format, ...)
{
    size_t left = t->capacity_bytes - t->size_bytes;
    va_list args;
    va_start(args, format);
    int made = t->bad ? -1 : vsnprintf(t->out + t->size_bytes, left, format, args);
    va_end(args);
    if (made < 0 || (size_t)made >= left)
        t->bad = true;
    else
        t->size_bytes += (size_t)made;
}

/* The length without the NUL, or LM_ELIMIT. */
static inline int textbuf_end(const struct textbuf *t)
{
    return t->bad ? LM_ELIMIT : (int)t->size_bytes;
}

#endif
