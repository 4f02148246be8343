/* Text that grows in a caller's buffer; what does not fit sets `bad`, checked once at the end. */
#ifndef LUMEN_CORE_BASE_TEXT_H
#define LUMEN_CORE_BASE_TEXT_H

#include "core/base/err.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

struct lm_text {
    char *out;
    size_t size_bytes, capacity_bytes;
    bool bad;
};

static inline struct lm_text lm_text_of(char *out, size_t capacity_bytes)
{
    return (struct lm_text){.out = out, .capacity_bytes = capacity_bytes};
}

__attribute__((format(printf, 2, 3))) static inline void lm_text_add(struct lm_text *t,
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
static inline int lm_text_end(const struct lm_text *t)
{
    return t->bad ? LM_ELIMIT : (int)t->size_bytes;
}

#endif
