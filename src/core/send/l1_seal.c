#include "core/send/l1_seal.h"

#include <assert.h>
#include <string.h>

enum { SEQUENCE_OFFSET = 8, SEQUENCE_BYTES = 8 }; /* in the header as in the nonce: big-endian */

static_assert((int)LM_L1_NONCE_BYTES == LM_AEAD_IV_BYTES &&
                  (int)LM_L1_TAG_BYTES == LM_AEAD_TAG_BYTES,
              "AES-GCM");

int lm_l1_seal(struct lm_aead *aead, const uint8_t salt[LM_L1_SALT_BYTES], uint8_t *datagram,
               size_t size_bytes)
{
    uint8_t nonce[LM_L1_NONCE_BYTES];
    if (size_bytes < LM_L1_HEADER_BYTES + LM_L1_TAG_BYTES)
        return LM_EINVAL;
    memcpy(nonce, salt, LM_L1_SALT_BYTES);
    memcpy(nonce + LM_L1_SALT_BYTES, datagram + SEQUENCE_OFFSET, SEQUENCE_BYTES);
    struct lm_aead_message message = {
        .iv = nonce,
        .iv_bytes = sizeof nonce,
        .aad = datagram,
        .aad_bytes = LM_L1_HEADER_BYTES,
        .data = datagram + LM_L1_HEADER_BYTES,
        .data_bytes = size_bytes - LM_L1_HEADER_BYTES - LM_L1_TAG_BYTES,
        .tag = datagram + size_bytes - LM_L1_TAG_BYTES,
    };
    return lm_aead_seal_message(aead, &message) < 0 ? LM_EIO : 0;
}
