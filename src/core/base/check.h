/* Assertions for our own bugs, never for what a peer or the system does. LM_CHECK stays in
 * release builds; LM_DCHECK is for the hot path and exists only in debug builds. */
#ifndef LUMEN_CORE_BASE_CHECK_H
#define LUMEN_CORE_BASE_CHECK_H

#include <stdio.h>
#include <stdlib.h>

#define LM_CHECK(cond)                                                                             \
    do {                                                                                           \
        if (__builtin_expect(!(cond), 0)) {                                                        \
            fprintf(stderr, "%s:%d: check failed: %s\n", __FILE__, __LINE__, #cond);               \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

#ifdef LUMEN_DEBUG
#define LM_DCHECK(cond) LM_CHECK(cond)
#else
#define LM_DCHECK(cond) ((void)sizeof(cond))
#endif

#define LM_ARRAY_LEN(a)      (sizeof(a) / sizeof((a)[0]))
#define LM_MIN(a, b)         ((a) < (b) ? (a) : (b))
#define LM_MAX(a, b)         ((a) > (b) ? (a) : (b))
#define LM_CLAMP(v, low, hi) ((v) < (low) ? (low) : (v) > (hi) ? (hi) : (v))

/* The struct that holds `member` at `ptr`. */
#define LM_CONTAINER_OF(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

#endif
