/* For tests of lumen/1's receiver: one, what goes in and what must come out. Include from one file
 * per program. */
#ifndef LUMEN_CORE_RECV_L1_RIG_H
#define LUMEN_CORE_RECV_L1_RIG_H

#include "core/base/time.h"
#include "core/recv/l1_make.h"
#include "core/recv/l1_receiver.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define NOW_NS UINT64_C(1000000000)

enum { MAX_FRAME = 100000 };

static const struct lm_l1_receiver_config base_config = {.session_id = MADE_SESSION,
                                                         .shard_bytes = MADE_SHARD,
                                                         .max_frame_bytes = MAX_FRAME,
                                                         .max_fec_percent = 50,
                                                         .reorder_ns = 2 * LM_NS_PER_MS};

static inline struct lm_l1_receiver *make_receiver(bool encrypted)
{
    struct lm_l1_receiver_config config = base_config;
    struct lm_l1_receiver *r;
    config.encrypted = encrypted;
    memcpy(config.key, made_key, sizeof config.key);
    memcpy(config.salt, made_salt, sizeof config.salt);
    assert_int_equal(lm_l1_receiver_create(&config, &r), 0);
    return r;
}

static inline void push(struct lm_l1_receiver *r, struct made *m, uint32_t index, uint64_t now_ns)
{
    uint8_t bytes[MADE_DATAGRAM];
    size_t size_bytes = made_datagram(m, &m->datagrams[index], bytes);
    lm_l1_receiver_push(r, bytes, size_bytes, now_ns);
}

static inline struct lm_l1_receiver_stats stats_of(const struct lm_l1_receiver *r)
{
    struct lm_l1_receiver_stats s;
    lm_l1_receiver_get_stats(r, &s);
    assert_int_equal(s.datagrams, s.accepted + s.surplus + s.late + s.duplicate + s.malformed +
                                      s.unauthentic + s.overflow);
    return s;
}

/* A frame of `k` data and `m` parity shards. */
static inline struct made_frame plain(uint32_t number, uint16_t k, uint16_t m)
{
    return (struct made_frame){
        .number = number, .blocks = {{m ? LM_L1_CODE_GF8 : 0, k, m}}, .last_bytes = 200};
}

static inline uint32_t add_plain(struct made *m, uint32_t number, uint16_t k, uint16_t parity)
{
    struct made_frame f = plain(number, k, parity);
    return made_frame(m, &f);
}

static inline void expect_frame(struct lm_l1_receiver *r, uint64_t now_ns,
                                const struct made_frame *f)
{
    struct lm_l1_received_frame got;
    assert_int_equal(lm_l1_receiver_pop(r, now_ns, &got), 1);
    assert_int_equal(got.frame_index, f->number);
    assert_int_equal(got.size_bytes, made_size(f));
    for (size_t i = 0; i < got.size_bytes; i++)
        if (got.data[i] != made_byte(f->number, i))
            fail_msg("byte %zu of frame %u", i, f->number);
    assert_int_equal(got.header.capture_ns, f->number * UINT64_C(1000003));
    assert_int_equal(got.header.capture_to_send_us, 77);
    assert_int_equal(got.header.flags, f->flags);
    assert_true(got.first_packet_ns <= got.complete_ns && got.complete_ns <= now_ns);
}

static inline void expect_plain(struct lm_l1_receiver *r, uint64_t now_ns, uint32_t number,
                                uint16_t k)
{
    struct made_frame f = plain(number, k, 0);
    expect_frame(r, now_ns, &f);
}

static inline void expect_nothing(struct lm_l1_receiver *r, uint64_t now_ns)
{
    struct lm_l1_received_frame frame;
    assert_int_equal(lm_l1_receiver_pop(r, now_ns, &frame), 0);
}

static inline void expect_loss(struct lm_l1_receiver *r, uint32_t first, uint32_t last)
{
    struct lm_loss loss;
    assert_true(lm_l1_receiver_pop_loss(r, &loss));
    assert_int_equal(loss.first, first);
    assert_int_equal(loss.last, last);
}

/* One datagram that is a whole frame. */
static inline void push_single(struct lm_l1_receiver *r, struct made *m, uint32_t number,
                               uint64_t now_ns)
{
    m->count = 0;
    push(r, m, add_plain(m, number, 1, 0), now_ns);
}

#endif
