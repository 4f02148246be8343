#include "core/send/sender.h"

#include "core/base/bytes.h"
#include "core/base/time.h"
#include "core/crypto/hash.h"
#include "core/send/test_vectors.h"
#include "core/wire/gs_video.h"

#define NOW_NS UINT64_C(1000000000)

enum { OUT_BYTES = 8 << 20 };

static const struct lm_sender_config plain = {
    .packet_size = 64, .fec_percent = 20, .min_parity = 2, .max_frame_bytes = 100000};

/* Everything the sender gives at once, one datagram behind the other. */
struct output {
    uint8_t *data;
    size_t datagram_bytes;
    uint32_t count;
    uint32_t batches;
    bool saw_last;
};

static uint8_t out_bytes[OUT_BYTES];

static struct output drain(struct lm_sender *s)
{
    struct output out = {.data = out_bytes};
    struct lm_batch batch;
    uint64_t wake_at;
    while (lm_sender_pull(s, NOW_NS, &batch, &wake_at)) {
        size_t bytes = batch.segments * batch.segment_bytes;
        assert_in_range(batch.segments, 1, LM_UDP_MAX_SEGMENTS);
        assert_true(bytes <= LM_UDP_MAX_BYTES);
        assert_true(out.count * batch.segment_bytes + bytes <= OUT_BYTES);
        memcpy(out.data + out.count * batch.segment_bytes, batch.data, bytes);
        out.datagram_bytes = batch.segment_bytes;
        out.count += batch.segments;
        out.batches++;
        out.saw_last = batch.last_of_frame;
        lm_sender_done(s, batch.segments, NOW_NS);
    }
    assert_true(wake_at == LM_TIME_MAX);
    return out;
}

static struct lm_sender *make(const struct lm_sender_config *config)
{
    struct lm_sender *s;
    assert_int_equal(lm_sender_create(config, &s), 0);
    return s;
}

static struct lm_frame_begin begin_of(uint32_t blocks)
{
    return (struct lm_frame_begin){
        .type = LM_FRAME_P, .timestamp_90k = 3000, .block_count = blocks, .now_ns = NOW_NS};
}

static int push_whole(struct lm_sender *s, const struct lm_frame_begin *begin, const uint8_t *data,
                      size_t size)
{
    /* Cut oddly, so that pieces straddle shards. */
    struct lm_piece pieces[3] = {{data, size / 3}, {data + size / 3, 0}, {data + size / 3, 0}};
    pieces[2].size_bytes = size - size / 3;
    return lm_sender_push_frame(s, begin, pieces, 3);
}

static void check_vector_set(const json_t *set, bool as_block)
{
    struct lm_sender_config config = plain;
    config.packet_size = (uint32_t)vectors_number(set, "packet_size");
    config.encrypt = json_is_true(json_object_get(set, "encrypted"));
    if (config.encrypt)
        vectors_hex(set, "key_hex", config.key, sizeof config.key);
    struct lm_sender *s = make(&config);
    size_t i, j;
    json_t *frame, *packet;
    json_array_foreach(json_object_get(set, "frames"), i, frame)
    {
        uint8_t au[4096], want[256];
        size_t size = vectors_hex(frame, "au_hex", au, sizeof au);
        struct lm_frame_begin begin = {
            .type = (enum lm_frame_type)vectors_number(frame, "frame_type"),
            .timestamp_90k = (uint32_t)vectors_number(frame, "rtp_timestamp"),
            .latency_100us = (uint32_t)vectors_number(frame, "host_latency_0.1ms"),
            .block_count = 1,
        };
        assert_int_equal(lm_sender_next_frame(s), vectors_number(frame, "frame_index"));
        if (as_block) {
            assert_int_equal(lm_sender_begin(s, &begin), 0);
            assert_int_equal(lm_sender_push_block(s, au, size, NOW_NS), 0);
        } else {
            assert_int_equal(push_whole(s, &begin, au, size), 0);
        }
        struct output out = drain(s);
        json_t *packets = json_object_get(frame, "packets");
        assert_int_equal(out.count, json_array_size(packets));
        json_array_foreach(packets, j, packet)
        {
            size_t bytes = vectors_hex(packet, "hex", want, sizeof want);
            assert_int_equal(bytes, out.datagram_bytes);
            assert_memory_equal(out.data + j * bytes, want, bytes);
        }
    }
    lm_sender_destroy(s);
}

/* gs-media 11, 12, 20, 22, 40, 41, 43, 45 */
static void sender_reproduces_golden_packets(void **state)
{
    json_t *root = vectors_load("video-packets.json"), *set;
    size_t i;
    json_array_foreach(json_object_get(root, "sets"), i, set)
    {
        check_vector_set(set, false);
        check_vector_set(set, true);
    }
    json_decref(root);
}

static void sender_reproduces_golden_blocks(void **state) /* gs-media 39, 43 */
{
    json_t *root = vectors_load("video-multiblock.json"), *c;
    static uint8_t au[20000];
    const uint8_t head[] = {0, 0, 0, 1, 0x41, 0x9a};
    memcpy(au, head, sizeof head);
    for (size_t i = 0; i + sizeof head < sizeof au; i++)
        au[sizeof head + i] = (uint8_t)(1 + (11 * i + 9) % 254);
    size_t i;
    json_array_foreach(json_object_get(root, "cases"), i, c)
    {
        struct lm_sender_config config = plain;
        config.packet_size = 32;
        config.max_frame_bytes = 20000;
        struct lm_sender *s = make(&config);
        struct lm_frame_begin begin = begin_of(1);
        assert_int_equal(push_whole(s, &begin, au, vectors_number(c, "au_length")), 0);
        struct output out = drain(s);
        assert_int_equal(out.count, vectors_number(c, "total_packets"));
        uint8_t hash[LM_SHA256_BYTES], want[LM_SHA256_BYTES];
        struct lm_part part = {out.data, out.count * out.datagram_bytes};
        lm_sha256(&part, 1, hash);
        vectors_hex(c, "payload_sha256", want, sizeof want);
        assert_memory_equal(hash, want, sizeof want);
        struct lm_sender_stats stats;
        lm_sender_get_stats(s, &stats);
        bool is_bare = vectors_number(c, "data_packets") == 849;
        assert_int_equal(stats.blocks_unprotected, is_bare ? 4 : 0);
        lm_sender_destroy(s);
    }
    json_decref(root);
}

/* gs-media 20, 21, 22 */
static void last_payload_length_counts_the_header_only_when_alone(void **state)
{
    const uint32_t d = 48;
    const size_t sizes[] = {1, d - 9, d - 8, d - 7, 2 * d - 9, 2 * d - 8, 2 * d - 7, 10 * d};
    uint8_t au[1000];
    memset(au, 0xab, sizeof au);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct lm_sender *s = make(&plain);
        struct lm_frame_begin begin = begin_of(1);
        assert_int_equal(push_whole(s, &begin, au, sizes[i]), 0);
        struct output out = drain(s);
        const uint8_t *header = out.data + LM_GSV_HEADER_BYTES;
        assert_int_equal(header[0], 1);
        assert_int_equal(lm_get_le16(header + 4), (8 + sizes[i] - 1) % d + 1);
        assert_int_equal(lm_get_le16(header + 6), 0);
        struct lm_gsv_header h;
        assert_int_equal(lm_gsv_parse_header(out.data, out.datagram_bytes, &h), 0);
        const uint8_t *last = out.data + (h.data_shards - 1) * out.datagram_bytes;
        for (size_t b = lm_get_le16(header + 4); b < d; b++)
            assert_int_equal(last[LM_GSV_HEADER_BYTES + b], 0);
        lm_sender_destroy(s);
    }
}

/* What must hold from one datagram to the next of a whole stream in clear. */
struct order {
    bool any;
    struct lm_gsv_header last;
};

static void check_next(struct order *o, const struct lm_gsv_header *h)
{
    const struct lm_gsv_header *p = &o->last;
    assert_int_equal(h->parity_shards, (h->data_shards * h->percent + 99) / 100);
    if (h->parity_shards)
        assert_true(h->data_shards + h->parity_shards <= 255);
    if (o->any) {
        assert_int_equal(h->sequence, (uint16_t)(p->sequence + 1));
        bool same_block = h->frame_index == p->frame_index && h->block == p->block;
        if (same_block) {
            assert_int_equal(h->shard, p->shard + 1);
            assert_int_equal(h->data_shards, p->data_shards);
            assert_int_equal(h->percent, p->percent);
            if (h->shard < h->data_shards)
                assert_int_equal(h->packet_index, (p->packet_index + 1) & 0xffffff);
        } else {
            assert_int_equal(h->shard, 0);
            assert_int_equal(p->shard + 1, p->data_shards + p->parity_shards);
        }
        if (h->frame_index == p->frame_index) {
            assert_int_equal(h->timestamp_90k, p->timestamp_90k);
            assert_int_equal(h->block_count, p->block_count);
            assert_int_equal(h->block, p->block + !same_block);
        } else {
            assert_int_equal(h->frame_index, p->frame_index + 1);
            assert_int_equal(h->block, 0);
            assert_int_equal(p->block + 1, p->block_count);
        }
    }
    o->any = true;
    o->last = *h;
}

static void check_stream(struct order *order, const struct output *out, uint32_t packet_size)
{
    for (uint32_t i = 0; i < out->count; i++) {
        struct lm_gsv_header h;
        assert_int_equal(out->datagram_bytes, packet_size + 16);
        const uint8_t *at = out->data + i * out->datagram_bytes;
        assert_int_equal(at[0], 0x90);
        assert_int_equal(lm_get_be32(at + 8), 0);
        assert_int_equal(lm_gsv_parse_header(at, out->datagram_bytes, &h), 0);
        check_next(order, &h);
    }
}

/* gs-media 9, 10, 13, 14, 15, 16, 18, 19 */
static void slices_go_out_as_blocks_in_order(void **state)
{
    struct lm_sender_config config = plain;
    config.first_sequence = 32767; /* wraps within the test */
    struct lm_sender *s = make(&config);
    struct order order = {0};
    static uint8_t slice[20000];
    memset(slice, 0x55, sizeof slice);
    uint32_t seed = 1, frames = 600;
    for (uint32_t f = 0; f < frames; f++) {
        struct lm_frame_begin begin = begin_of(1 + f % 4);
        begin.timestamp_90k = f * 1500;
        assert_int_equal(lm_sender_begin(s, &begin), 0);
        for (uint32_t b = 0; b < begin.block_count; b++) {
            seed = seed * 1664525 + 1013904223;
            size_t size = 1 + (seed >> 8) % (f % 50 == 0 ? 9000 : 900);
            assert_int_equal(lm_sender_push_block(s, slice, size, NOW_NS), 0);
            /* Out before the next slice is there. */
            struct output out = drain(s);
            assert_true(out.count > 0);
            assert_int_equal(out.saw_last, b + 1 == begin.block_count);
            check_stream(&order, &out, config.packet_size);
            if (b == 0 && begin.block_count > 1)
                assert_int_equal(lm_get_le16(out.data + LM_GSV_HEADER_BYTES + 4), 48);
        }
    }
    struct lm_sender_stats stats;
    lm_sender_get_stats(s, &stats);
    assert_int_equal(stats.frames, frames);
    assert_int_equal(stats.datagrams_sent, stats.data_datagrams + stats.parity_datagrams);
    assert_int_equal(lm_sender_next_frame(s), frames + 1);
    lm_sender_destroy(s);
}

/* gs-media 37, 38, 42 */
static void parity_follows_the_percentage_for_every_block_size(void **state)
{
    static uint8_t au[212 * 48];
    const uint32_t percents[] = {1, 5, 10, 20, 33, 50, 100, 255};
    for (size_t p = 0; p < sizeof percents / sizeof percents[0]; p++) {
        struct lm_sender_config config = plain;
        config.fec_percent = percents[p];
        struct lm_sender *s = make(&config);
        for (uint32_t k = 1; k <= 212; k += k < 20 ? 1 : 19) {
            struct order order = {0};
            struct lm_frame_begin begin = begin_of(1);
            assert_int_equal(push_whole(s, &begin, au, k * 48 - 8), 0);
            struct output out = drain(s);
            check_stream(&order, &out, config.packet_size);
            if (k == 1 && percents[p] >= 20)
                assert_true(order.last.parity_shards >= 2);
        }
        lm_sender_destroy(s);
    }
}

static void blocks_beyond_the_code_get_less_parity_or_none(void **state) /* gs-media 38, 39 */
{
    static uint8_t slice[1024 * 48];
    const struct {
        uint32_t shards, parity;
        uint64_t under, bare;
    } rows[] = {{212, 43, 0, 0}, {230, 23, 1, 0}, {252, 3, 1, 0},
                {253, 0, 0, 1},  {256, 0, 0, 1},  {1023, 0, 0, 1}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct lm_sender *s = make(&plain);
        struct lm_frame_begin begin = begin_of(2);
        assert_int_equal(lm_sender_begin(s, &begin), 0);
        assert_int_equal(lm_sender_push_block(s, slice, rows[i].shards * 48 - 8, NOW_NS), 0);
        struct output out = drain(s);
        struct lm_gsv_header h;
        assert_int_equal(lm_gsv_parse_header(out.data, out.datagram_bytes, &h), 0);
        assert_int_equal(h.data_shards, rows[i].shards);
        assert_int_equal(h.parity_shards, rows[i].parity);
        assert_int_equal(out.count, h.data_shards + h.parity_shards);
        struct lm_sender_stats stats;
        lm_sender_get_stats(s, &stats);
        assert_int_equal(stats.blocks_underprotected, rows[i].under);
        assert_int_equal(stats.blocks_unprotected, rows[i].bare);
        lm_sender_destroy(s);
    }
}

static void a_frame_dropped_before_it_left_uses_no_number(void **state) /* gs-media 14 */
{
    static uint8_t slice[1100 * 48];
    struct lm_sender *s = make(&plain);
    struct order order = {0};
    struct lm_frame_begin begin = begin_of(2);
    struct lm_sender_stats stats;
    for (int i = 0; i < 3; i++) {
        /* Too long a block at once; too long a block after a good one; given up by the caller. */
        assert_int_equal(lm_sender_begin(s, &begin), 0);
        if (i > 0)
            assert_int_equal(lm_sender_push_block(s, slice, 100, NOW_NS), 0);
        if (i < 2)
            assert_int_equal(lm_sender_push_block(s, slice, 1024 * 48, NOW_NS), LM_ELIMIT);
        else
            lm_sender_abort(s);
        lm_sender_get_stats(s, &stats);
        assert_int_equal(stats.frames_dropped, i * 2 + 1);
        assert_int_equal(lm_sender_next_frame(s), i + 1);
        assert_int_equal(drain(s).count, 0);
        struct lm_piece piece = {slice, 200};
        assert_int_equal(lm_sender_push_frame(s, &begin, &piece, 1), 0);
        struct output out = drain(s);
        check_stream(&order, &out, plain.packet_size);
        assert_int_equal(order.last.frame_index, i + 1);
        piece.size_bytes = plain.max_frame_bytes + 1;
        assert_int_equal(lm_sender_push_frame(s, &begin, &piece, 1), LM_ELIMIT);
    }
    lm_sender_destroy(s);
}

static void a_frame_aborted_on_its_way_keeps_its_number(void **state)
{
    static uint8_t slice[1100 * 48];
    struct lm_sender *s = make(&plain);
    struct lm_frame_begin begin = begin_of(3);
    struct lm_batch batch;
    uint64_t wake_at;
    assert_int_equal(lm_sender_begin(s, &begin), 0);
    assert_int_equal(lm_sender_push_block(s, slice, 4000, NOW_NS), 0);
    assert_int_equal(lm_sender_pull(s, NOW_NS, &batch, &wake_at), 1);
    uint32_t lent = batch.segments;
    assert_true(lent < 80);
    /* The batch stays valid over the abort and is the last of the frame. */
    assert_int_equal(lm_sender_push_block(s, slice, 1024 * 48, NOW_NS), LM_ELIMIT);
    assert_int_equal(lm_sender_pull(s, NOW_NS, &batch, &wake_at), 1);
    assert_int_equal(batch.segments, lent);
    assert_true(batch.last_of_frame);
    lm_sender_done(s, lent, NOW_NS);
    assert_int_equal(lm_sender_pull(s, NOW_NS, &batch, &wake_at), 0);
    assert_int_equal(lm_sender_next_frame(s), 2);
    struct lm_sender_stats stats;
    lm_sender_get_stats(s, &stats);
    assert_int_equal(stats.frames_abandoned, 1);
    /* No sequence number of the part that was made but not sent comes back. */
    struct lm_piece piece = {slice, 100};
    assert_int_equal(lm_sender_push_frame(s, &begin, &piece, 1), 0);
    struct output out = drain(s);
    struct lm_gsv_header h;
    assert_int_equal(lm_gsv_parse_header(out.data, out.datagram_bytes, &h), 0);
    assert_int_equal(h.frame_index, 2);
    assert_true(h.sequence > lent);
    lm_sender_destroy(s);
}

static void two_frames_wait_and_the_third_is_refused(void **state)
{
    uint8_t au[100] = {0};
    struct lm_sender *s = make(&plain);
    struct lm_frame_begin begin = begin_of(1);
    struct lm_piece piece = {au, sizeof au};
    struct order order = {0};
    assert_int_equal(lm_sender_push_frame(s, &begin, &piece, 1), 0);
    assert_int_equal(lm_sender_push_frame(s, &begin, &piece, 1), 0);
    assert_int_equal(lm_sender_push_frame(s, &begin, &piece, 1), LM_EFULL);
    assert_int_equal(lm_sender_begin(s, &begin), LM_EFULL);
    assert_int_equal(lm_sender_next_frame(s), 3);
    struct output out = drain(s);
    check_stream(&order, &out, plain.packet_size);
    assert_int_equal(order.last.frame_index, 2);
    assert_int_equal(lm_sender_push_frame(s, &begin, &piece, 1), 0);
    out = drain(s);
    check_stream(&order, &out, plain.packet_size);
    lm_sender_destroy(s);
}

static void what_the_kernel_refused_comes_again(void **state)
{
    static uint8_t au[2000];
    struct lm_sender *s = make(&plain);
    struct lm_frame_begin begin = begin_of(1);
    struct lm_piece piece = {au, sizeof au};
    struct lm_batch first, again;
    uint64_t wake_at;
    struct order order = {0};
    assert_int_equal(lm_sender_push_frame(s, &begin, &piece, 1), 0);
    uint32_t taken = 0;
    while (lm_sender_pull(s, NOW_NS, &first, &wake_at)) {
        assert_int_equal(lm_sender_pull(s, NOW_NS, &again, &wake_at), 1);
        assert_ptr_equal(first.data, again.data);
        assert_int_equal(first.segments, again.segments);
        struct output part = {(uint8_t *)(uintptr_t)again.data, again.segment_bytes, 1, 1, false};
        check_stream(&order, &part, plain.packet_size);
        lm_sender_done(s, 0, NOW_NS);
        assert_int_equal(lm_sender_pull(s, NOW_NS, &again, &wake_at), 1);
        assert_ptr_equal(first.data, again.data);
        lm_sender_done(s, 1, NOW_NS);
        taken++;
    }
    struct lm_sender_stats stats;
    lm_sender_get_stats(s, &stats);
    assert_int_equal(taken, stats.data_datagrams + stats.parity_datagrams);
    lm_sender_destroy(s);
}

static void pace_holds_over_a_whole_stream(void **state) /* gs-media 85 */
{
    static uint8_t au[90000];
    struct lm_sender_config config = plain;
    config.packet_size = 1024;
    config.pace_bytes_per_s = 10 * 1000 * 1000;
    config.burst_bytes = 16 * 1040;
    struct lm_sender *s = make(&config);
    struct lm_frame_begin begin = begin_of(1);
    struct lm_piece piece = {au, sizeof au};
    uint64_t now = NOW_NS, sent = 0;
    assert_int_equal(lm_sender_push_frame(s, &begin, &piece, 1), 0);
    uint64_t expected = lm_sender_backlog_ns(s, now);
    for (;;) {
        struct lm_batch batch;
        uint64_t wake_at;
        if (lm_sender_pull(s, now, &batch, &wake_at)) {
            sent += batch.segments * batch.segment_bytes;
            lm_sender_done(s, batch.segments, now);
            assert_true(sent <= config.burst_bytes + (now - NOW_NS) / 100 + 1);
            continue;
        }
        if (wake_at == LM_TIME_MAX)
            break;
        assert_true(wake_at > now);
        now = wake_at;
    }
    assert_int_equal(lm_sender_backlog_ns(s, now), 0);
    assert_in_range(now - NOW_NS, expected - 2000, expected + 2000);
    lm_sender_destroy(s);
}

static void ivs_are_never_used_twice(void **state) /* gs-media 46, 47 */
{
    struct lm_sender_config config = plain;
    config.encrypt = true;
    struct lm_sender *s = make(&config);
    static uint8_t slice[1100 * 48];
    struct lm_frame_begin begin = begin_of(2);
    uint64_t expected = 0;
    for (int i = 0; i < 50; i++) {
        assert_int_equal(lm_sender_begin(s, &begin), 0);
        assert_int_equal(lm_sender_push_block(s, slice, 500, NOW_NS), 0);
        lm_sender_abort(s);
        struct lm_piece piece = {slice, 600};
        assert_int_equal(lm_sender_push_frame(s, &begin, &piece, 1), 0);
        struct output out = drain(s);
        for (uint32_t d = 0; d < out.count; d++) {
            const uint8_t *at = out.data + d * out.datagram_bytes;
            assert_int_equal(out.datagram_bytes, config.packet_size + 48);
            assert_true(lm_get_le64(at) >= expected);
            expected = lm_get_le64(at) + 1;
            assert_memory_equal(at + 8, "\0\0\0V", 4);
            assert_int_equal(lm_get_le32(at + 12), i + 1);
        }
    }
    lm_sender_destroy(s);
}

static void refuses_what_is_out_of_range(void **state) /* gs-media 13 */
{
    struct lm_sender *s;
    struct lm_sender_config rows[8];
    for (int i = 0; i < 8; i++)
        rows[i] = plain;
    rows[0].packet_size = 24;
    rows[1].packet_size = LM_GSV_MAX_PACKET_SIZE + 1;
    rows[2].fec_percent = 256;
    rows[3].min_parity = 255;
    rows[4].first_sequence = 32768;
    rows[5].max_frame_bytes = 0;
    rows[6].max_frame_bytes = 4092 * 48 + 1;
    rows[7].fec_percent = UINT32_MAX;
    for (int i = 0; i < 8; i++)
        assert_int_equal(lm_sender_create(&rows[i], &s), LM_EINVAL);
    s = make(&plain);
    uint8_t byte = 0;
    struct lm_frame_begin begin = begin_of(5);
    assert_int_equal(lm_sender_push_block(s, &byte, 1, NOW_NS), LM_EINVAL);
    assert_int_equal(lm_sender_begin(s, &begin), LM_EINVAL);
    begin = begin_of(0);
    assert_int_equal(lm_sender_begin(s, &begin), LM_EINVAL);
    begin = begin_of(1);
    assert_int_equal(lm_sender_begin(s, &begin), 0);
    assert_int_equal(lm_sender_begin(s, &begin), LM_EINVAL);
    assert_int_equal(lm_sender_push_block(s, &byte, 0, NOW_NS), LM_EINVAL);
    assert_int_equal(lm_sender_push_block(s, &byte, 1, NOW_NS), 0);
    assert_int_equal(lm_sender_set_fec(s, 256, 0), LM_EINVAL);
    lm_sender_destroy(s);
    lm_sender_destroy(NULL);
}

static void nothing_is_allocated_after_create(void **state)
{
    static uint8_t au[60000];
    struct lm_sender_config config = plain;
    config.packet_size = 1024;
    config.encrypt = true;
    struct lm_sender *s = make(&config);
    uint64_t before = heap_calls;
    for (uint32_t f = 0; f < 300; f++) {
        struct lm_frame_begin begin = begin_of(4);
        int rc = lm_sender_begin(s, &begin);
        for (int b = 0; b < 4; b++)
            rc |= lm_sender_push_block(s, au, 100 + f * 37, NOW_NS);
        struct lm_piece piece = {au, 200 * f + 1};
        rc |= lm_sender_push_frame(s, &begin, &piece, 1);
        struct lm_batch batch;
        uint64_t wake_at;
        while (lm_sender_pull(s, NOW_NS, &batch, &wake_at))
            lm_sender_done(s, batch.segments, NOW_NS);
        if (rc)
            break;
    }
    uint64_t after = heap_calls;
    assert_true(!COUNTS_HEAP || before > 0);
    assert_int_equal(after - before, 0);
    struct lm_sender_stats stats;
    lm_sender_get_stats(s, &stats);
    assert_int_equal(stats.frames, 600);
    lm_sender_destroy(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sender_reproduces_golden_packets),
        cmocka_unit_test(sender_reproduces_golden_blocks),
        cmocka_unit_test(last_payload_length_counts_the_header_only_when_alone),
        cmocka_unit_test(slices_go_out_as_blocks_in_order),
        cmocka_unit_test(parity_follows_the_percentage_for_every_block_size),
        cmocka_unit_test(blocks_beyond_the_code_get_less_parity_or_none),
        cmocka_unit_test(a_frame_dropped_before_it_left_uses_no_number),
        cmocka_unit_test(a_frame_aborted_on_its_way_keeps_its_number),
        cmocka_unit_test(two_frames_wait_and_the_third_is_refused),
        cmocka_unit_test(what_the_kernel_refused_comes_again),
        cmocka_unit_test(pace_holds_over_a_whole_stream),
        cmocka_unit_test(ivs_are_never_used_twice),
        cmocka_unit_test(refuses_what_is_out_of_range),
        cmocka_unit_test(nothing_is_allocated_after_create),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
