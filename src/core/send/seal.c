#include "core/send/seal.h"

#include "core/wire/gs_video.h"

enum { TAG_OFFSET = 16 };

int lm_seal_init(struct lm_seal *s, const uint8_t key[16], uint64_t first_counter)
{
    s->counter = first_counter;
    return lm_aead_create(&s->aead, key, LM_AEAD_ANY);
}

void lm_seal_finish(struct lm_seal *s)
{
    lm_aead_destroy(s->aead);
    s->aead = NULL;
}

int lm_seal_datagrams(struct lm_seal *s, const struct lm_seal_run *run, uint32_t frame_index)
{
    for (uint32_t i = 0; i < run->count; i++) {
        uint8_t *at = run->first + i * run->datagram_bytes;
        lm_gsv_write_prefix(at, s->counter++, frame_index);
        int rc = lm_aead_seal(s->aead, at, LM_AEAD_IV_BYTES, at + LM_GSV_PREFIX_BYTES,
                              run->datagram_bytes - LM_GSV_PREFIX_BYTES, at + TAG_OFFSET);
        if (rc < 0)
            return LM_EIO;
    }
    return 0;
}
