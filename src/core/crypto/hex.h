/* Hexadecimal text. Any thread. */
#ifndef LUMEN_CORE_CRYPTO_HEX_H
#define LUMEN_CORE_CRYPTO_HEX_H

#include "core/base/err.h"

#include <stddef.h>
#include <stdint.h>

/* Lower case, NUL-terminated: `out` has room for 2 * size_bytes + 1. */
void lm_hex_encode(const void *data, size_t size_bytes, char *out);

/* Exactly `size_bytes` bytes from `text_bytes` characters (no NUL needed), either case. LM_EPROTO
 * when the length is not 2 * size_bytes or any character is no hex digit; `out` is then
 * undefined. */
int lm_hex_decode(const char *text, size_t text_bytes, void *out, size_t size_bytes) LM_MUST_USE;

/* Any even length up to 2 * capacity: returns the count of bytes. LM_EPROTO as above, LM_ELIMIT
 * when it does not fit. */
int lm_hex_decode_any(const char *text, size_t text_bytes, void *out, size_t capacity) LM_MUST_USE;

#endif
