/* Seals a lumen/1 datagram of any kind, in place. */
#ifndef LUMEN_CORE_SEND_L1_SEAL_H
#define LUMEN_CORE_SEND_L1_SEAL_H

#include "core/base/err.h"
#include "core/crypto/aead.h"
#include "core/wire/l1_video.h"

#include <stddef.h>
#include <stdint.h>

/* `datagram` is size_bytes long: the header, whose sequence makes the nonce and is used only once,
 * the payload, and 16 bytes for the tag. LM_EINVAL: no room for both; LM_EIO: the cipher failed. */
int lm_l1_seal(struct lm_aead *aead, const uint8_t salt[LM_L1_SALT_BYTES], uint8_t *datagram,
               size_t size_bytes) LM_MUST_USE;

#endif
