/* SHA-256, random bytes, wiping and comparing. Any thread. */
#ifndef LUMEN_CORE_CRYPTO_HASH_H
#define LUMEN_CORE_CRYPTO_HASH_H

#include "core/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LM_SHA256_BYTES 32

struct lm_part {
    const void *data; /* borrowed; may be NULL when size_bytes is 0 */
    size_t size_bytes;
};

/* Hash of the parts, one after the other. */
void lm_sha256(const struct lm_part *parts, size_t count, uint8_t out[LM_SHA256_BYTES]);

/* Time depends on the size only. */
bool lm_crypto_equal(const void *a, const void *b, size_t size_bytes);

/* Fills with bytes fit for keys. Stops the program when the system has no randomness: every key
 * made without it would be worthless. */
void lm_random(void *out, size_t size_bytes);

/* Zeroes memory in a way the compiler keeps. */
void lm_wipe(void *data, size_t size_bytes);

#endif
