/* Encrypts finished shards in place, each under an IV of its own: a counter that never goes back,
 * not even when sealed datagrams are thrown away unsent. */
#ifndef LUMEN_CORE_SEND_SEAL_H
#define LUMEN_CORE_SEND_SEAL_H

#include "core/base/err.h"
#include "core/crypto/aead.h"

#include <stddef.h>
#include <stdint.h>

struct lm_seal {
    struct lm_aead *aead;
    uint64_t counter; /* of the next datagram */
};

/* Datagrams in a row: the prefix, then the shard. */
struct lm_seal_run {
    uint8_t *first;
    size_t datagram_bytes;
    uint32_t count;
};

int lm_seal_init(struct lm_seal *s, const uint8_t key[16], uint64_t first_counter) LM_MUST_USE;
void lm_seal_finish(struct lm_seal *s); /* zeroed is fine */

/* LM_EIO when the cipher fails; the run is then not to be sent. */
int lm_seal_datagrams(struct lm_seal *s, const struct lm_seal_run *run,
                      uint32_t frame_index) LM_MUST_USE;

#endif
