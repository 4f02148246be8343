#include "core/recv/receiver.h"

#include "core/base/bytes.h"
#include "core/base/check.h"
#include "core/base/time.h"
#include "core/send/sender.h"
#include "core/send/test_vectors.h"
#include "core/wire/gs_video.h"

#define NOW_NS UINT64_C(1000000000)

enum { N = 64, D = N - 16, MAX_DATAGRAMS = 8192 };

static const struct lm_sender_config send_config = {
    .packet_size = N, .fec_percent = 20, .min_parity = 2, .max_frame_bytes = 50000};
static const struct lm_receiver_config receive_config = {
    .packet_size = N, .max_frame_bytes = 50000, .reorder_ns = 2 * LM_NS_PER_MS};

/* Datagrams of a stream, to be pushed in whatever order a test wants. */
static struct {
    uint8_t bytes[MAX_DATAGRAMS][N + 48];
    size_t size;
    uint32_t count;
} wire;

static uint8_t source[60000];

static struct lm_sender *make_sender(bool encrypt)
{
    struct lm_sender_config config = send_config;
    struct lm_sender *s;
    config.encrypt = encrypt;
    assert_int_equal(lm_sender_create(&config, &s), 0);
    for (size_t i = 0; i < sizeof source; i++)
        source[i] = (uint8_t)(i * 7 + i / 251);
    wire.count = 0;
    return s;
}

static struct lm_receiver *make_receiver(bool encrypted)
{
    struct lm_receiver_config config = receive_config;
    struct lm_receiver *r;
    config.encrypted = encrypted;
    assert_int_equal(lm_receiver_create(&config, &r), 0);
    return r;
}

static void drain(struct lm_sender *s)
{
    struct lm_batch batch;
    uint64_t wake_at;
    while (lm_sender_pull(s, NOW_NS, &batch, &wake_at)) {
        wire.size = batch.segment_bytes;
        for (uint32_t i = 0; i < batch.segments; i++) {
            assert_true(wire.count < MAX_DATAGRAMS);
            memcpy(wire.bytes[wire.count++], batch.data + i * batch.segment_bytes, wire.size);
        }
        lm_sender_done(s, batch.segments, NOW_NS);
    }
}

/* A frame whose content depends on its number; the result is the index of its first datagram. */
static uint32_t send_frame(struct lm_sender *s, size_t size)
{
    uint32_t first = wire.count;
    struct lm_frame_begin begin = {.type = LM_FRAME_P, .latency_100us = 33, .block_count = 1};
    begin.timestamp_90k = lm_sender_next_frame(s) * 1500;
    struct lm_piece piece = {source + lm_sender_next_frame(s), size};
    assert_int_equal(lm_sender_push_frame(s, &begin, &piece, 1), 0);
    drain(s);
    return first;
}

/* A copy: an encrypted datagram is changed by the push. */
static void push(struct lm_receiver *r, uint32_t datagram, uint64_t now_ns)
{
    uint8_t copy[N + 48];
    memcpy(copy, wire.bytes[datagram], wire.size);
    lm_receiver_push(r, copy, wire.size, now_ns);
}

static void expect_frame(struct lm_receiver *r, uint64_t now_ns, uint32_t index, size_t size)
{
    struct lm_received_frame frame;
    assert_int_equal(lm_receiver_pop(r, now_ns, &frame), 1);
    assert_int_equal(frame.frame_index, index);
    assert_int_equal(frame.size_bytes, size);
    assert_memory_equal(frame.data, source + index, size);
    assert_int_equal(frame.timestamp_90k, index * 1500);
    assert_int_equal(frame.type, 1);
    assert_int_equal(frame.latency_100us, 33);
}

static void expect_nothing(struct lm_receiver *r, uint64_t now_ns)
{
    struct lm_received_frame frame;
    assert_int_equal(lm_receiver_pop(r, now_ns, &frame), 0);
}

static void expect_loss(struct lm_receiver *r, uint32_t first, uint32_t last)
{
    struct lm_loss loss;
    assert_true(lm_receiver_pop_loss(r, &loss));
    assert_int_equal(loss.first, first);
    assert_int_equal(loss.last, last);
}

static struct lm_receiver_stats stats_of(const struct lm_receiver *r)
{
    struct lm_receiver_stats stats;
    lm_receiver_get_stats(r, &stats);
    return stats;
}

static void receiver_takes_golden_packets(void **state)
{
    json_t *root = vectors_load("video-packets.json"), *set, *frame, *packet;
    size_t i, j, p;
    json_array_foreach(json_object_get(root, "sets"), i, set)
    {
        struct lm_receiver_config config = receive_config;
        config.packet_size = (uint32_t)vectors_number(set, "packet_size");
        config.encrypted = json_is_true(json_object_get(set, "encrypted"));
        if (config.encrypted)
            vectors_hex(set, "key_hex", config.key, sizeof config.key);
        struct lm_receiver *r;
        assert_int_equal(lm_receiver_create(&config, &r), 0);
        json_array_foreach(json_object_get(set, "frames"), j, frame)
        {
            uint8_t bytes[256], au[4096];
            size_t size = vectors_hex(frame, "au_hex", au, sizeof au);
            json_array_foreach(json_object_get(frame, "packets"), p, packet)
            {
                if (p == 0 && j > 0)
                    continue; /* repaired from parity */
                size_t n = vectors_hex(packet, "hex", bytes, sizeof bytes);
                lm_receiver_push(r, bytes, n, NOW_NS);
            }
            struct lm_received_frame got;
            assert_int_equal(lm_receiver_pop(r, NOW_NS, &got), 1);
            assert_int_equal(got.frame_index, vectors_number(frame, "frame_index"));
            assert_int_equal(got.type, vectors_number(frame, "frame_type"));
            assert_int_equal(got.timestamp_90k, vectors_number(frame, "rtp_timestamp"));
            assert_int_equal(got.latency_100us, vectors_number(frame, "host_latency_0.1ms"));
            assert_int_equal(got.repaired_shards, j > 0);
            assert_int_equal(got.size_bytes, size);
            assert_memory_equal(got.data, au, size);
        }
        lm_receiver_destroy(r);
    }
    json_decref(root);
}

static void any_k_of_the_block_suffice_and_one_less_does_not(void **state)
{
    const size_t size = 10 * D - 8; /* k = 10, m = 2 */
    for (int encrypted = 0; encrypted < 2; encrypted++) {
        for (uint32_t a = 0; a < 12; a++) {
            struct lm_sender *s = make_sender(encrypted);
            struct lm_receiver *r = make_receiver(encrypted);
            uint32_t first = send_frame(s, size), second = send_frame(s, 10);
            uint32_t b = (a + 5) % 12, c = (a + 7) % 12;
            for (uint32_t i = first; i < first + 12; i++)
                if (i != a && i != b && i != c)
                    push(r, i, NOW_NS);
            expect_nothing(r, NOW_NS);
            push(r, a, NOW_NS + 5);
            expect_frame(r, NOW_NS + 5, 1, size);
            struct lm_fec_status status;
            bool was_needed = b < 10 || c < 10;
            assert_int_equal(lm_receiver_pop_status(r, &status), was_needed);
            assert_int_equal(stats_of(r).shards_repaired, (b < 10) + (c < 10));
            push(r, b, NOW_NS + 6);
            assert_int_equal(stats_of(r).surplus, 1);
            push(r, second, NOW_NS + 6);
            expect_frame(r, NOW_NS + 6, 2, 10);
            lm_receiver_destroy(r);
            lm_sender_destroy(s);
        }
    }
}

static void status_tells_what_was_missing(void **state)
{
    struct lm_sender *s = make_sender(false);
    struct lm_receiver *r = make_receiver(false);
    send_frame(s, 10 * D - 8);
    for (uint32_t i = 0; i < 12; i++)
        if (i != 3 && i != 8)
            push(r, i, NOW_NS);
    struct lm_fec_status t;
    assert_true(lm_receiver_pop_status(r, &t));
    assert_int_equal(t.frame_index, 1);
    assert_int_equal(t.highest_sequence, 11);
    assert_int_equal(t.next_contiguous_sequence, 3);
    assert_int_equal(t.missing_before_highest, 2);
    assert_int_equal(t.data_packets, 10);
    assert_int_equal(t.parity_packets, 2);
    assert_int_equal(t.received_data, 8);
    assert_int_equal(t.received_parity, 2);
    assert_int_equal(t.percent, 20);
    assert_int_equal(t.block, 0);
    assert_int_equal(t.block_count, 1);
    assert_false(lm_receiver_pop_status(r, &t));
    lm_receiver_destroy(r);
    lm_sender_destroy(s);
}

static void a_frame_that_cannot_complete_is_lost_after_the_reorder_time(void **state)
{
    struct lm_sender *s = make_sender(false);
    struct lm_receiver *r = make_receiver(false);
    const uint64_t reorder = receive_config.reorder_ns;
    send_frame(s, 10 * D - 8); /* 12 datagrams */
    uint32_t second = send_frame(s, 10);
    for (uint32_t i = 3; i < 12; i++) /* three missing, two parities */
        push(r, i, NOW_NS);
    expect_nothing(r, NOW_NS);
    assert_int_equal(lm_receiver_wake_at(r), NOW_NS + reorder);
    push(r, second, NOW_NS + 1);
    expect_nothing(r, NOW_NS + reorder - 1);
    expect_frame(r, NOW_NS + reorder, 2, 10);
    expect_loss(r, 1, 1);
    assert_int_equal(lm_receiver_wake_at(r), LM_TIME_MAX);
    push(r, 0, NOW_NS + reorder);
    assert_int_equal(stats_of(r).late, 1);
    assert_int_equal(stats_of(r).frames_lost, 1);
    struct lm_fec_status status;
    assert_true(lm_receiver_pop_status(r, &status));
    assert_int_equal(status.frame_index, 1);
    lm_receiver_destroy(r);
    lm_sender_destroy(s);
}

static void a_late_shard_within_the_reorder_time_saves_the_frame(void **state)
{
    struct lm_sender *s = make_sender(false);
    struct lm_receiver *r = make_receiver(false);
    send_frame(s, 10 * D - 8);
    uint32_t second = send_frame(s, 10);
    for (uint32_t i = 3; i < 12; i++)
        push(r, i, NOW_NS);
    push(r, second, NOW_NS + 1);
    expect_nothing(r, NOW_NS + 1);
    push(r, 1, NOW_NS + 100);
    expect_frame(r, NOW_NS + 100, 1, 10 * D - 8);
    expect_frame(r, NOW_NS + 100, 2, 10);
    struct lm_loss loss;
    assert_false(lm_receiver_pop_loss(r, &loss));
    assert_int_equal(stats_of(r).reordered, 1);
    lm_receiver_destroy(r);
    lm_sender_destroy(s);
}

static void a_filled_hole_starts_the_wait_anew(void **state)
{
    struct lm_sender *s = make_sender(false);
    struct lm_receiver *r = make_receiver(false);
    send_frame(s, 10 * D - 8);
    push(r, 3, NOW_NS); /* 0-2 are missing, more than two parities repair */
    push(r, 9, NOW_NS + 1 * LM_NS_PER_MS);
    for (uint32_t i = 0; i < 3; i++)
        push(r, i, NOW_NS + 3 * LM_NS_PER_MS / 2);
    /* Now 4-8 are, and they may be on their way for the whole time from here. */
    expect_nothing(r, NOW_NS + 3 * LM_NS_PER_MS);
    for (uint32_t i = 4; i < 8; i++)
        push(r, i, NOW_NS + 3 * LM_NS_PER_MS);
    push(r, 8, NOW_NS + 3 * LM_NS_PER_MS);
    expect_frame(r, NOW_NS + 3 * LM_NS_PER_MS, 1, 10 * D - 8);
    lm_receiver_destroy(r);
    lm_sender_destroy(s);
}

static void frames_of_which_nothing_came_are_lost_as_a_range(void **state)
{
    struct lm_sender *s = make_sender(false);
    struct lm_receiver *r = make_receiver(false);
    uint32_t first[12];
    for (int i = 0; i < 12; i++)
        first[i] = send_frame(s, 10);
    push(r, first[0], NOW_NS);
    expect_frame(r, NOW_NS, 1, 10);
    push(r, first[9], NOW_NS + 1); /* frame 10: the window makes room at once */
    expect_nothing(r, NOW_NS + 1);
    expect_loss(r, 2, 6);
    struct lm_received_frame frame;
    assert_int_equal(lm_receiver_pop(r, NOW_NS + LM_NS_PER_S, &frame), 1);
    assert_int_equal(frame.frame_index, 10);
    assert_int_equal(frame.lost_before, 8);
    expect_loss(r, 7, 9);
    assert_int_equal(stats_of(r).frames_lost, 8);
    lm_receiver_destroy(r);
    lm_sender_destroy(s);
}

static void blocks_may_come_in_any_order(void **state)
{
    struct lm_sender *s = make_sender(false);
    uint32_t bounds[5] = {0};
    const size_t sizes[4] = {700, 90, 1500, 333};
    struct lm_frame_begin begin = {.type = LM_FRAME_KEY, .timestamp_90k = 9, .block_count = 4};
    assert_int_equal(lm_sender_begin(s, &begin), 0);
    for (int b = 0; b < 4; b++) {
        assert_int_equal(lm_sender_push_block(s, source + 100 * b, sizes[b], NOW_NS), 0);
        drain(s);
        bounds[b + 1] = wire.count;
    }
    const int orders[][4] = {{0, 1, 2, 3}, {3, 2, 1, 0}, {2, 0, 3, 1}, {1, 3, 0, 2}};
    for (size_t o = 0; o < LM_ARRAY_LEN(orders); o++) {
        struct lm_receiver *r = make_receiver(false);
        for (int b = 0; b < 4; b++)
            for (uint32_t i = bounds[orders[o][b]] + 1; i < bounds[orders[o][b] + 1]; i++)
                push(r, i, NOW_NS); /* the first of each block is lost */
        struct lm_received_frame frame;
        assert_int_equal(lm_receiver_pop(r, NOW_NS, &frame), 1);
        assert_int_equal(frame.type, LM_FRAME_KEY);
        assert_int_equal(frame.repaired_shards, 4);
        const uint8_t *at = frame.data;
        for (int b = 0; b < 4; b++) {
            assert_memory_equal(at, source + 100 * b, sizes[b]);
            size_t head = b == 0 ? 8 : 0;
            size_t padded = (sizes[b] + head + D - 1) / D * D - head;
            for (size_t z = sizes[b]; z < padded; z++)
                assert_int_equal(at[z], 0);
            at += padded;
        }
        assert_int_equal(frame.size_bytes, at - frame.data);
        lm_receiver_destroy(r);
    }
    lm_sender_destroy(s);
}

static void duplicates_are_counted_and_change_nothing(void **state)
{
    struct lm_sender *s = make_sender(true);
    struct lm_receiver *r = make_receiver(true);
    send_frame(s, 10 * D - 8);
    for (uint32_t i = 0; i < 9; i++) {
        push(r, i, NOW_NS);
        push(r, i, NOW_NS);
    }
    expect_nothing(r, NOW_NS);
    push(r, 9, NOW_NS);
    expect_frame(r, NOW_NS, 1, 10 * D - 8);
    push(r, 9, NOW_NS);
    assert_int_equal(stats_of(r).duplicate, 9);
    assert_int_equal(stats_of(r).surplus, 1);
    lm_receiver_destroy(r);
    lm_sender_destroy(s);
}

static void forged_datagrams_never_reach_a_frame(void **state)
{
    struct lm_sender *s = make_sender(true);
    struct lm_receiver *r = make_receiver(true);
    send_frame(s, 10 * D - 8);
    for (uint32_t i = 0; i < 12; i++) {
        uint8_t copy[N + 48];
        memcpy(copy, wire.bytes[i], wire.size);
        copy[i * 9 % 11] ^= 1; /* IV */
        lm_receiver_push(r, copy, wire.size, NOW_NS);
        memcpy(copy, wire.bytes[i], wire.size);
        copy[16 + i * 7] ^= 1; /* tag or text */
        lm_receiver_push(r, copy, wire.size, NOW_NS);
        lm_receiver_push(r, copy, i, NOW_NS);
    }
    assert_int_equal(stats_of(r).unauthentic, 24);
    assert_int_equal(stats_of(r).malformed, 12);
    for (uint32_t i = 0; i < 10; i++)
        push(r, i, NOW_NS);
    expect_frame(r, NOW_NS, 1, 10 * D - 8);
    lm_receiver_destroy(r);
    lm_sender_destroy(s);
}

static void contradicting_headers_are_dropped(void **state)
{
    struct lm_sender *s = make_sender(false);
    struct lm_receiver *r = make_receiver(false);
    const size_t size = 10 * D - 8;
    send_frame(s, size);
    push(r, 0, NOW_NS);
    const struct {
        size_t offset;
        uint8_t flip;
    } rows[] = {{3, 1}, {7, 1}, {27, 0x40}, {28, 0x10}, {30, 0x40}, {29, 0x10}};
    for (size_t i = 0; i < LM_ARRAY_LEN(rows); i++) {
        uint8_t copy[N + 48];
        memcpy(copy, wire.bytes[4], wire.size);
        copy[rows[i].offset] ^= rows[i].flip;
        lm_receiver_push(r, copy, wire.size, NOW_NS);
        assert_int_equal(stats_of(r).malformed, i + 1);
    }
    /* Too short in the middle, too long anywhere, far ahead. */
    lm_receiver_push(r, wire.bytes[4], wire.size - 1, NOW_NS);
    lm_receiver_push(r, wire.bytes[4], wire.size + 1, NOW_NS);
    uint8_t copy[N + 48];
    memcpy(copy, wire.bytes[4], wire.size);
    lm_put_le32(copy + 20, 40000);
    lm_receiver_push(r, copy, wire.size, NOW_NS);
    assert_int_equal(stats_of(r).malformed, LM_ARRAY_LEN(rows) + 3);
    for (uint32_t i = 1; i < 10; i++)
        push(r, i, NOW_NS);
    expect_frame(r, NOW_NS, 1, size);
    lm_receiver_destroy(r);
    lm_sender_destroy(s);
}

static void last_shard_may_be_cut_short(void **state)
{
    struct lm_sender *s = make_sender(false);
    struct lm_receiver *r = make_receiver(false);
    const size_t size = 10 * D - 8 - 20;
    send_frame(s, size);
    for (uint32_t i = 1; i < 9; i++)
        push(r, i, NOW_NS);
    lm_receiver_push(r, wire.bytes[9], wire.size - 20, NOW_NS);
    push(r, 11, NOW_NS); /* parity counts the cut bytes as zeros */
    expect_frame(r, NOW_NS, 1, size);
    lm_receiver_destroy(r);
    lm_sender_destroy(s);
}

static void too_large_a_frame_is_lost(void **state)
{
    struct lm_sender *s = make_sender(false);
    struct lm_receiver_config config = receive_config;
    config.max_frame_bytes = 300;
    struct lm_receiver *r;
    assert_int_equal(lm_receiver_create(&config, &r), 0);
    uint32_t large = send_frame(s, 1000), small = send_frame(s, 300);
    for (uint32_t i = large; i < wire.count; i++)
        push(r, i, NOW_NS + (i >= small));
    expect_frame(r, NOW_NS + LM_NS_PER_S, 2, 300);
    expect_loss(r, 1, 1);
    lm_receiver_destroy(r);
    lm_sender_destroy(s);
}

static void frames_not_popped_are_kept_and_newer_ones_refused(void **state)
{
    struct lm_sender *s = make_sender(false);
    struct lm_receiver *r = make_receiver(false);
    for (int i = 0; i < 10; i++)
        push(r, send_frame(s, 10), NOW_NS);
    assert_int_equal(stats_of(r).overflow, 6);
    for (uint32_t i = 1; i <= 4; i++)
        expect_frame(r, NOW_NS, i, 10);
    expect_nothing(r, NOW_NS);
    lm_receiver_destroy(r);
    lm_sender_destroy(s);
}

static void a_popped_frame_stays_until_the_next_pop(void **state)
{
    struct lm_sender *s = make_sender(false);
    struct lm_receiver *r = make_receiver(false);
    struct lm_received_frame frame;
    push(r, send_frame(s, 40), NOW_NS);
    assert_int_equal(lm_receiver_pop(r, NOW_NS, &frame), 1);
    for (int i = 0; i < 4; i++)
        push(r, send_frame(s, 40), NOW_NS);
    assert_memory_equal(frame.data, source + 1, 40);
    for (uint32_t i = 2; i <= 5; i++)
        expect_frame(r, NOW_NS, i, 40);
    lm_receiver_destroy(r);
    lm_sender_destroy(s);
}

static void refuses_what_is_out_of_range(void **state)
{
    struct lm_receiver *r;
    struct lm_receiver_config rows[5];
    for (int i = 0; i < 5; i++)
        rows[i] = receive_config;
    rows[0].packet_size = 24;
    rows[1].packet_size = LM_GSV_MAX_PACKET_SIZE + 1;
    rows[2].max_frame_bytes = 0;
    rows[3].frames_in_flight = 17;
    rows[4].frames_in_flight = 1;
    for (int i = 0; i < 5; i++)
        assert_int_equal(lm_receiver_create(&rows[i], &r), LM_EINVAL);
    lm_receiver_destroy(NULL);
}

static void nothing_is_allocated_after_create(void **state)
{
    struct lm_sender *s = make_sender(true);
    struct lm_receiver *r = make_receiver(true);
    for (int i = 0; i < 60; i++)
        send_frame(s, 1000 + 97 * (size_t)i);
    uint64_t before = heap_calls;
    struct lm_received_frame frame;
    uint32_t frames = 0;
    for (uint32_t i = 0; i < wire.count; i++) {
        if (i % 29 != 3)
            lm_receiver_push(r, wire.bytes[i], wire.size, NOW_NS + i);
        while (lm_receiver_pop(r, NOW_NS + i, &frame))
            frames++;
    }
    uint64_t after = heap_calls;
    assert_true(!COUNTS_HEAP || before > 0);
    assert_int_equal(after - before, 0);
    assert_int_equal(frames, 60);
    assert_true(stats_of(r).shards_repaired > 20);
    lm_receiver_destroy(r);
    lm_sender_destroy(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(receiver_takes_golden_packets),
        cmocka_unit_test(any_k_of_the_block_suffice_and_one_less_does_not),
        cmocka_unit_test(status_tells_what_was_missing),
        cmocka_unit_test(a_frame_that_cannot_complete_is_lost_after_the_reorder_time),
        cmocka_unit_test(a_late_shard_within_the_reorder_time_saves_the_frame),
        cmocka_unit_test(a_filled_hole_starts_the_wait_anew),
        cmocka_unit_test(frames_of_which_nothing_came_are_lost_as_a_range),
        cmocka_unit_test(blocks_may_come_in_any_order),
        cmocka_unit_test(duplicates_are_counted_and_change_nothing),
        cmocka_unit_test(forged_datagrams_never_reach_a_frame),
        cmocka_unit_test(contradicting_headers_are_dropped),
        cmocka_unit_test(last_shard_may_be_cut_short),
        cmocka_unit_test(too_large_a_frame_is_lost),
        cmocka_unit_test(frames_not_popped_are_kept_and_newer_ones_refused),
        cmocka_unit_test(a_popped_frame_stays_until_the_next_pop),
        cmocka_unit_test(refuses_what_is_out_of_range),
        cmocka_unit_test(nothing_is_allocated_after_create),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
