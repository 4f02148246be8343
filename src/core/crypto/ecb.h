/* AES-128-ECB without padding, for GameStream's pairing alone. Control plane: allocates. */
#ifndef LUMEN_CORE_CRYPTO_ECB_H
#define LUMEN_CORE_CRYPTO_ECB_H

#include "core/base/err.h"

#include <stddef.h>
#include <stdint.h>

/* `size_bytes` is a multiple of 16, at most 1 MiB, else LM_EINVAL. `in` may equal `out`. Any
 * thread. */
int lm_ecb_encrypt(const uint8_t key[16], const uint8_t *in, size_t size_bytes,
                   uint8_t *out) LM_MUST_USE;
int lm_ecb_decrypt(const uint8_t key[16], const uint8_t *in, size_t size_bytes,
                   uint8_t *out) LM_MUST_USE;

#endif
