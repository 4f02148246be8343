/* AES-128-CBC with PKCS#7 padding and a caller's IV per message (GameStream sound). One object
 * belongs to one thread; create takes all memory, the calls take none. */
#ifndef LUMEN_CORE_CRYPTO_CBC_H
#define LUMEN_CORE_CRYPTO_CBC_H

#include "core/base/err.h"

#include <stddef.h>
#include <stdint.h>

#define LM_CBC_KEY_BYTES   16
#define LM_CBC_BLOCK_BYTES 16
#define LM_CBC_MAX_BYTES   (1 << 20)

/* Ciphertext bytes of `plain_bytes`: the next multiple of 16 above, never equal. */
#define LM_CBC_SEALED_BYTES(plain_bytes) (((size_t)(plain_bytes) / 16 + 1) * 16)

struct lm_cbc;

/* `key` is copied. LM_ENOMEM leaves *out NULL. */
int lm_cbc_create(struct lm_cbc **out, const uint8_t key[LM_CBC_KEY_BYTES]) LM_MUST_USE;

/* Wipes the key. NULL is fine. */
void lm_cbc_destroy(struct lm_cbc *cbc);

/* Writes LM_CBC_SEALED_BYTES(in_bytes) bytes to `out` and returns that count. `in` may equal `out`,
 * but not overlap it otherwise. LM_EINVAL when `out` is too small or `in` too large. */
int lm_cbc_encrypt(struct lm_cbc *cbc, const uint8_t iv[16], const uint8_t *in, size_t in_bytes,
                   uint8_t *out, size_t out_capacity) LM_MUST_USE;

/* Returns the plaintext's size; `out` needs room for `in_bytes`. LM_EPROTO when the size is no
 * positive multiple of 16 or the padding is wrong (`out` is then undefined). CBC proves nothing
 * about the sender: the result is as trustworthy as the network. */
int lm_cbc_decrypt(struct lm_cbc *cbc, const uint8_t iv[16], const uint8_t *in, size_t in_bytes,
                   uint8_t *out, size_t out_capacity) LM_MUST_USE;

#endif
