/* For tests of lumen/1's sender: what it sends, opened and taken apart by the fields of each
 * datagram alone, and a frame put together again without loss. */
#ifndef LUMEN_CORE_SEND_L1_TEST_H
#define LUMEN_CORE_SEND_L1_TEST_H

#include "core/base/check.h"
#include "core/base/time.h"
#include "core/crypto/aead.h"
#include "core/fec/code16.h"
#include "core/fec/code8.h"
#include "core/send/l1_sender.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#define L1_NOW_NS UINT64_C(5000000000)

struct l1_datagram {
    struct lm_l1_header header;
    struct lm_l1_video video;
    uint8_t *shard; /* into l1_output.bytes */
    size_t shard_bytes;
    uint32_t batch; /* number of the batch it came in */
};

struct l1_output {
    struct lm_aead *aead; /* NULL: in clear */
    uint8_t salt[LM_L1_SALT_BYTES];
    uint32_t shard_bytes;
    struct l1_datagram *datagrams;
    size_t count, capacity;
    uint8_t *bytes;
    size_t size_bytes, capacity_bytes;
    uint32_t batches;
    bool saw_last;
};

static inline void l1_output_init(struct l1_output *o, const struct lm_l1_sender_config *c)
{
    *o = (struct l1_output){.shard_bytes = c->shard_bytes, .capacity = 200000};
    memcpy(o->salt, c->salt, sizeof o->salt);
    if (c->encrypt)
        assert_int_equal(lm_aead_create(&o->aead, c->key, LM_AEAD_OPENSSL), 0);
    o->capacity_bytes = 16 << 20;
    o->datagrams = calloc(o->capacity, sizeof *o->datagrams);
    o->bytes = malloc(o->capacity_bytes);
    assert_true(o->datagrams && o->bytes);
}

static inline void l1_output_finish(struct l1_output *o)
{
    lm_aead_destroy(o->aead);
    free(o->datagrams);
    free(o->bytes);
}

static inline void l1_output_clear(struct l1_output *o)
{
    o->count = o->size_bytes = 0;
    o->batches = 0;
    o->saw_last = false;
}

/* Opens by salt and sequence, the header as additional data. */
static inline size_t l1_open(struct l1_output *o, uint8_t *datagram, size_t size_bytes)
{
    uint8_t nonce[12];
    if (!o->aead)
        return size_bytes;
    assert_true(size_bytes > 48);
    memcpy(nonce, o->salt, 4);
    memcpy(nonce + 4, datagram + 8, 8);
    struct lm_aead_message message = {
        nonce, 12, datagram, 16, datagram + 16, size_bytes - 32, datagram + size_bytes - 16};
    assert_int_equal(lm_aead_open_message(o->aead, &message), 0);
    return size_bytes - 16;
}

static inline void l1_output_add(struct l1_output *o, const uint8_t *datagram, size_t size_bytes)
{
    assert_true(o->count < o->capacity && o->size_bytes + size_bytes <= o->capacity_bytes);
    uint8_t *copy = o->bytes + o->size_bytes;
    memcpy(copy, datagram, size_bytes);
    o->size_bytes += size_bytes;
    struct l1_datagram *d = &o->datagrams[o->count++];
    d->batch = o->batches;
    assert_int_equal(lm_l1_parse_header(copy, size_bytes, &d->header), 0);
    assert_int_equal(d->header.flags, o->aead ? 0 : LM_L1_CLEAR);
    size_t plain = l1_open(o, copy, size_bytes) - 16;
    assert_int_equal(lm_l1_parse_video(copy + 16, plain, o->shard_bytes, &d->video), 0);
    d->shard = copy + 32;
    d->shard_bytes = plain - 16;
}

static inline void l1_output_add_batch(struct l1_output *o, const struct lm_batch *batch,
                                       uint32_t segments)
{
    assert_in_range(batch->segments, 1, LM_UDP_MAX_SEGMENTS);
    assert_true(batch->segments * batch->segment_bytes <= LM_UDP_MAX_BYTES);
    for (uint32_t i = 0; i < segments; i++)
        l1_output_add(o, batch->data + i * batch->segment_bytes, batch->segment_bytes);
    if (segments) {
        const struct l1_datagram *first = &o->datagrams[o->count - segments];
        assert_int_equal(first->video.block, batch->block);
        assert_int_equal(first->video.frame, batch->frame_index);
    }
    o->batches++;
    o->saw_last = batch->last_of_frame;
}

/* All that can be pulled now. */
static inline void l1_drain(struct lm_l1_sender *s, struct l1_output *o)
{
    struct lm_batch batch;
    uint64_t wake_at;
    while (lm_l1_sender_pull(s, L1_NOW_NS, &batch, &wake_at) == 1) {
        l1_output_add_batch(o, &batch, batch.segments);
        lm_l1_sender_done(s, batch.segments, L1_NOW_NS);
    }
    assert_true(wake_at == LM_TIME_MAX);
}

static inline const struct l1_datagram *l1_find(const struct l1_output *o, uint32_t frame,
                                                uint32_t block, uint32_t shard)
{
    for (size_t i = 0; i < o->count; i++) {
        const struct l1_datagram *d = &o->datagrams[i];
        if (d->video.frame == frame && d->video.block == block && d->video.shard == shard)
            return d;
    }
    return NULL;
}

/* That the parity shards are those of the code over the data shards. */
static inline void l1_check_parity(const struct lm_l1_video *v, const uint8_t *const data[],
                                   const struct l1_datagram *const parity[], size_t shard_bytes)
{
    uint32_t k = v->data_shards, m = v->parity_shards;
    uint8_t *want = malloc(m * shard_bytes), **rows = calloc(m, sizeof *rows);
    assert_true(want && rows);
    for (uint32_t j = 0; j < m; j++)
        rows[j] = want + j * shard_bytes;
    if (v->code == LM_L1_CODE_GF8) {
        struct lm_code8 *code;
        assert_int_equal(lm_code8_create(&code, k, m), 0);
        lm_code8_encode(code, data, rows, shard_bytes);
        lm_code8_destroy(code);
    } else {
        struct lm_code16_limits limits = {k, m, shard_bytes};
        struct lm_code16 *code;
        assert_int_equal(lm_code16_create(&code, &limits), 0);
        assert_int_equal(lm_code16_encode(code, k, m, data, rows, shard_bytes), 0);
        lm_code16_destroy(code);
    }
    for (uint32_t j = 0; j < m; j++)
        assert_memory_equal(parity[j]->shard, rows[j], shard_bytes);
    free(rows);
    free(want);
}

/* The payload of one block behind `out`; checks that all its datagrams agree. */
static inline size_t l1_rebuild_block(const struct l1_output *o, const struct l1_datagram *first,
                                      uint8_t *out)
{
    const struct lm_l1_video *v = &first->video;
    uint32_t all = (uint32_t)v->data_shards + v->parity_shards;
    const struct l1_datagram **shards = calloc(all, sizeof *shards);
    const uint8_t **data = calloc(all, sizeof *data);
    size_t size_bytes = 0;
    assert_true(shards && data);
    for (size_t i = 0; i < o->count; i++) {
        const struct l1_datagram *d = &o->datagrams[i];
        if (d->video.frame != v->frame || d->video.block != v->block)
            continue;
        assert_int_equal(d->video.data_shards, v->data_shards);
        assert_int_equal(d->video.parity_shards, v->parity_shards);
        assert_int_equal(d->video.code, v->code);
        assert_int_equal(d->video.flags, v->flags);
        assert_int_equal(d->video.last_shard_bytes, v->last_shard_bytes);
        assert_null(shards[d->video.shard]);
        shards[d->video.shard] = d;
    }
    for (uint32_t i = 0; i < all; i++) {
        assert_non_null(shards[i]);
        data[i] = shards[i]->shard;
        if (i >= v->data_shards)
            continue;
        size_t n = i + 1 == v->data_shards ? v->last_shard_bytes : o->shard_bytes;
        memcpy(out + size_bytes, data[i], n);
        for (size_t z = n; z < shards[i]->shard_bytes; z++)
            assert_int_equal(data[i][z], 0);
        size_bytes += n;
    }
    if (v->parity_shards)
        l1_check_parity(v, data, shards + v->data_shards, o->shard_bytes);
    free(shards);
    free(data);
    return size_bytes;
}

/* The frame's bytes, header included, into `out`; returns how many. Block after block up to the one
 * that says it is the last, behind which there must be none. */
static inline size_t l1_rebuild(const struct l1_output *o, uint32_t frame, uint8_t *out)
{
    size_t size_bytes = 0;
    const struct l1_datagram *d;
    uint32_t block = 0;
    do {
        d = l1_find(o, frame, block++, 0);
        assert_non_null(d);
        size_bytes += l1_rebuild_block(o, d, out + size_bytes);
    } while (!(d->video.flags & LM_L1_LAST_BLOCK));
    for (size_t i = 0; i < o->count; i++)
        assert_true(o->datagrams[i].video.frame != frame || o->datagrams[i].video.block < block);
    return size_bytes;
}

#endif
