/* Lookup in a raw query string, "a=1&b=%20": names compare without case, order is free, unknown
 * names are ignored, the first of equal names wins. Nothing is stored or allocated. Any thread. */
#ifndef LUMEN_SESSION_PARAMS_H
#define LUMEN_SESSION_PARAMS_H

#include "core/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct params {
    const char *query; /* borrowed; what follows '?', percent-encoded */
    size_t size_bytes;
};

/* The part of a request target after '?', or an empty query. Borrows `target`. */
struct params params_of_target(const char *target);
struct params params_of_query(const char *query);

bool params_has(const struct params *p, const char *name);

/* All getters: LM_ENOENT when the name is absent, LM_EPROTO when the value is malformed. */

/* The decoded value, NUL-terminated; returns its length. '+' stays '+'. LM_EPROTO for a broken
 * percent sequence or a control character, LM_ELIMIT when it does not fit (out is then ""). */
int params_text(const struct params *p, const char *name, char *out,
                size_t capacity_bytes) LM_MUST_USE;

/* A decimal number within min..max, an optional sign, nothing before or after it. */
int params_number(const struct params *p, const char *name, int64_t min, int64_t max,
                  int64_t *out) LM_MUST_USE;

/* As params_number, but an absent value is `fallback`. */
int params_number_or(const struct params *p, const char *name, int64_t min, int64_t max,
                     int64_t fallback, int64_t *out) LM_MUST_USE;

/* Hex digits in either case that give exactly `size_bytes` bytes. */
int params_hex(const struct params *p, const char *name, uint8_t *out,
               size_t size_bytes) LM_MUST_USE;

/* Hex digits that give 1..capacity_bytes bytes; returns their count, LM_ELIMIT when longer. */
int params_hex_upto(const struct params *p, const char *name, uint8_t *out,
                    size_t capacity_bytes) LM_MUST_USE;

#endif
