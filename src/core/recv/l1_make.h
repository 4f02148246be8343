/* For tests of lumen/1's receiver: frames of any shape as datagrams, made by the layout of the
 * bytes alone and independent of the sender. Include from one file per program. */
#ifndef LUMEN_CORE_RECV_L1_MAKE_H
#define LUMEN_CORE_RECV_L1_MAKE_H

#include "core/base/bytes.h"
#include "core/base/check.h"
#include "core/crypto/aead.h"
#include "core/fec/code16.h"
#include "core/fec/code8.h"
#include "core/wire/l1_video.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
    MADE_SHARD = 512,
    MADE_DATAGRAM = MADE_SHARD + LM_L1_OVERHEAD_BYTES,
    MADE_MAX = 6000,
    MADE_SESSION = 0x5e551011,
};

struct made_block {
    uint8_t code;
    uint16_t k, m;
};

struct made_frame {
    uint32_t number;
    struct made_block blocks[8]; /* up to the first with k == 0 */
    uint16_t last_bytes;         /* payload of the last shard; 0: all */
    bool contiguous;             /* else row by row, data before parity */
    uint8_t flags;
};

/* What was made, in the order of sending. */
struct made {
    bool encrypt;
    struct lm_aead *aead;
    uint64_t sequence; /* next */
    uint32_t count;
    struct made_datagram {
        struct lm_l1_video video;
        uint64_t sequence;
        size_t shard_bytes;
        uint8_t shard[MADE_SHARD];
    } * datagrams;
};

static const uint8_t made_key[16] = "sixteen bytes it", made_salt[LM_L1_SALT_BYTES] = "salt";

static inline void made_init(struct made *m, bool encrypt)
{
    *m = (struct made){.encrypt = encrypt, .sequence = 1000};
    m->datagrams = malloc(MADE_MAX * sizeof *m->datagrams);
    LM_CHECK(m->datagrams);
    if (encrypt)
        LM_CHECK(lm_aead_create(&m->aead, made_key, LM_AEAD_OPENSSL) == 0);
}

static inline void made_finish(struct made *m)
{
    lm_aead_destroy(m->aead);
    free(m->datagrams);
}

/* Byte `at` of the access unit of a frame. */
static inline uint8_t made_byte(uint32_t frame, size_t at)
{
    return (uint8_t)((frame * 31 + at * 7 + at / 509) ^ (at >> 11));
}

static inline uint32_t made_block_count(const struct made_frame *f)
{
    uint32_t n = 0;
    while (n < LM_ARRAY_LEN(f->blocks) && f->blocks[n].k)
        n++;
    return n;
}

/* Of the access unit. */
static inline size_t made_size(const struct made_frame *f)
{
    size_t shards = 0;
    for (uint32_t b = 0; b < made_block_count(f); b++)
        shards += f->blocks[b].k;
    size_t last = f->last_bytes ? f->last_bytes : MADE_SHARD;
    return (shards - 1) * MADE_SHARD + last - LM_L1_FRAME_BYTES;
}

static inline struct made_datagram *made_add(struct made *m, const struct made_frame *f, uint32_t b,
                                             uint32_t shard, const uint8_t *bytes)
{
    const struct made_block *block = &f->blocks[b];
    LM_CHECK(m->count < MADE_MAX);
    struct made_datagram *d = &m->datagrams[m->count++];
    bool is_last = b + 1 == made_block_count(f);
    uint16_t last_bytes = is_last && f->last_bytes ? f->last_bytes : MADE_SHARD;
    bool is_short = block->code == LM_L1_CODE_NONE && shard + 1u == block->k;
    *d = (struct made_datagram){
        .video = {.frame = f->number,
                  .block = (uint16_t)b,
                  .shard = (uint16_t)shard,
                  .data_shards = block->k,
                  .parity_shards = block->m,
                  .code = block->code,
                  .flags = (uint8_t)(f->flags | (is_last ? LM_L1_LAST_BLOCK : 0)),
                  .last_shard_bytes = last_bytes},
        .sequence = m->sequence++,
        .shard_bytes = is_short ? last_bytes : MADE_SHARD,
    };
    memcpy(d->shard, bytes, d->shard_bytes);
    return d;
}

static inline void made_parity(const struct made_block *block, uint8_t **shards)
{
    const uint8_t *const *data = (const uint8_t *const *)shards;
    if (block->code == LM_L1_CODE_GF8) {
        struct lm_code8 *code;
        LM_CHECK(lm_code8_create(&code, block->k, block->m) == 0);
        lm_code8_encode(code, data, shards + block->k, MADE_SHARD);
        lm_code8_destroy(code);
    } else if (block->code == LM_L1_CODE_GF16) {
        struct lm_code16_limits limits = {block->k, block->m, MADE_SHARD};
        struct lm_code16 *code;
        LM_CHECK(lm_code16_create(&code, &limits) == 0);
        LM_CHECK(lm_code16_encode(code, block->k, block->m, data, shards + block->k, MADE_SHARD) ==
                 0);
        lm_code16_destroy(code);
    }
}

/* Shards of all blocks, block by block, data then parity, into `shards`. The caller frees the
 * result once they are used. */
static inline uint8_t *made_shards(const struct made_frame *f, uint8_t **shards)
{
    size_t size_bytes = made_size(f), at = 0, all = 0, n = 0;
    for (uint32_t b = 0; b < made_block_count(f); b++)
        all += (size_t)f->blocks[b].k + f->blocks[b].m;
    uint8_t *bytes = calloc(all, MADE_SHARD);
    LM_CHECK(bytes && all <= MADE_MAX);
    for (size_t i = 0; i < all; i++)
        shards[i] = bytes + i * MADE_SHARD;
    struct lm_l1_frame header = {
        .capture_ns = f->number * UINT64_C(1000003), .capture_to_send_us = 77, .flags = f->flags};
    uint8_t head[LM_L1_FRAME_BYTES];
    lm_l1_write_frame(head, &header);
    for (uint32_t b = 0; b < made_block_count(f); b++) {
        for (size_t i = 0; i < (size_t)f->blocks[b].k * MADE_SHARD; i++, at++)
            if (at < sizeof head)
                shards[n][i] = head[at];
            else if (at - sizeof head < size_bytes)
                shards[n][i] = made_byte(f->number, at - sizeof head);
        made_parity(&f->blocks[b], shards + n);
        n += (size_t)f->blocks[b].k + f->blocks[b].m;
    }
    return bytes;
}

/* Adds a frame's datagrams; the index of the first. */
static inline uint32_t made_frame(struct made *m, const struct made_frame *f)
{
    static uint8_t *shards[MADE_MAX];
    uint8_t *bytes = made_shards(f, shards), **at[8];
    uint32_t first = m->count, blocks = made_block_count(f), rows = 0;
    for (uint32_t b = 0, n = 0; b < blocks; b++) {
        at[b] = shards + n;
        n += (uint32_t)f->blocks[b].k + f->blocks[b].m;
        rows = LM_MAX(rows, LM_MAX(f->blocks[b].k, f->blocks[b].m));
    }
    for (uint32_t b = 0; f->contiguous && b < blocks; b++)
        for (uint32_t s = 0; s < (uint32_t)f->blocks[b].k + f->blocks[b].m; s++)
            made_add(m, f, b, s, at[b][s]);
    for (uint32_t i = 0; !f->contiguous && i < 2 * rows; i++)
        for (uint32_t b = 0; b < blocks; b++) {
            uint32_t row = i % rows, k = f->blocks[b].k, s = i < rows ? row : k + row;
            if (row < (i < rows ? k : f->blocks[b].m))
                made_add(m, f, b, s, at[b][s]);
        }
    free(bytes);
    return first;
}

/* Also what no sender would write. */
static inline void made_write_video(uint8_t out[LM_L1_VIDEO_BYTES], const struct lm_l1_video *v)
{
    struct lm_writer w = lm_writer_of(out, LM_L1_VIDEO_BYTES);
    lm_write_be32(&w, v->frame);
    lm_write_be16(&w, v->block);
    lm_write_be16(&w, v->shard);
    lm_write_be16(&w, v->data_shards);
    lm_write_be16(&w, v->parity_shards);
    lm_write_u8(&w, v->code);
    lm_write_u8(&w, v->flags);
    lm_write_be16(&w, v->last_shard_bytes);
}

/* The datagram, sealed or in clear; its size. */
static inline size_t made_datagram(struct made *m, const struct made_datagram *d,
                                   uint8_t out[MADE_DATAGRAM])
{
    struct lm_l1_header header = {.kind = LM_L1_VIDEO,
                                  .flags = m->encrypt ? 0 : LM_L1_CLEAR,
                                  .session_id = MADE_SESSION,
                                  .sequence = d->sequence};
    uint8_t nonce[LM_L1_NONCE_BYTES], *text = out + LM_L1_HEADER_BYTES;
    lm_l1_write_header(out, &header);
    made_write_video(text, &d->video);
    memcpy(text + LM_L1_VIDEO_BYTES, d->shard, d->shard_bytes);
    size_t size_bytes = LM_L1_HEADER_BYTES + LM_L1_VIDEO_BYTES + d->shard_bytes;
    if (!m->encrypt)
        return size_bytes;
    lm_l1_write_nonce(nonce, made_salt, d->sequence);
    struct lm_aead_message message = {nonce,
                                      sizeof nonce,
                                      out,
                                      LM_L1_HEADER_BYTES,
                                      text,
                                      size_bytes - LM_L1_HEADER_BYTES,
                                      out + size_bytes};
    LM_CHECK(lm_aead_seal_message(m->aead, &message) == 0);
    return size_bytes + LM_L1_TAG_BYTES;
}

static inline uint64_t made_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state * UINT64_C(0x2545f4914f6cdd1d) >> 16;
}

#endif
