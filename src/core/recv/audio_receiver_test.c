#include "core/recv/audio_receiver.h"

#include "core/base/bytes.h"
#include "core/base/time.h"
#include "core/send/audio_sender.h"
#include "core/send/test_vectors.h"

#define NOW_NS UINT64_C(1000000000)

enum { OPUS = 60, MAX_DATAGRAMS = 600 };

/* In send order: 4 data, 2 parity, 4 data ... */
static struct {
    uint8_t bytes[MAX_DATAGRAMS][LM_GSA_MAX_DATAGRAM_BYTES];
    size_t size[MAX_DATAGRAMS];
    uint32_t count;
} wire;

static void opus_of(uint32_t number, uint8_t out[OPUS])
{
    for (int i = 0; i < OPUS; i++)
        out[i] = (uint8_t)(number * 31 + (uint32_t)i * 7 + 1);
}

static void send_packets(uint32_t packets, bool encrypt, uint16_t first)
{
    struct lm_audio_sender_config config = {.packet_duration_ms = 5,
                                            .fec = true,
                                            .encrypt = encrypt,
                                            .rikeyid = 0xfffffff0,
                                            .first_sequence = first,
                                            .first_timestamp_ms = 1000};
    struct lm_audio_sender *s;
    assert_int_equal(lm_audio_sender_create(&config, &s), 0);
    wire.count = 0;
    for (uint32_t i = 0; i < packets; i++) {
        uint8_t opus[OPUS];
        opus_of(i, opus);
        assert_int_equal(lm_audio_sender_push(s, opus, sizeof opus, NOW_NS), 0);
        struct lm_batch batch;
        while (lm_audio_sender_pull(s, &batch)) {
            for (uint32_t d = 0; d < batch.segments; d++) {
                memcpy(wire.bytes[wire.count], batch.data + d * batch.segment_bytes,
                       batch.segment_bytes);
                wire.size[wire.count++] = batch.segment_bytes;
            }
            lm_audio_sender_done(s, batch.segments);
        }
    }
    lm_audio_sender_destroy(s);
}

static struct lm_audio_receiver *make(bool encrypted)
{
    struct lm_audio_receiver_config config = {
        .encrypted = encrypted, .rikeyid = 0xfffffff0, .packet_duration_ms = 5};
    struct lm_audio_receiver *r;
    assert_int_equal(lm_audio_receiver_create(&config, &r), 0);
    return r;
}

static void push(struct lm_audio_receiver *r, uint32_t i, uint64_t now_ns)
{
    lm_audio_receiver_push(r, wire.bytes[i], wire.size[i], now_ns);
}

/* Packet `number` of the stream that began at `first`, or the mark of its loss. */
static void expect(struct lm_audio_receiver *r, uint64_t now_ns, uint32_t number, bool is_lost)
{
    struct lm_audio_packet p;
    assert_int_equal(lm_audio_receiver_pop(r, now_ns, &p), 1);
    assert_int_equal(p.timestamp_ms, 1000 + 5 * number);
    assert_int_equal(p.data == NULL, is_lost);
    if (is_lost)
        return;
    uint8_t opus[OPUS];
    opus_of(number, opus);
    assert_int_equal(p.size_bytes, OPUS);
    assert_memory_equal(p.data, opus, OPUS);
}

static void expect_nothing(struct lm_audio_receiver *r, uint64_t now_ns)
{
    struct lm_audio_packet p;
    assert_int_equal(lm_audio_receiver_pop(r, now_ns, &p), 0);
}

static void audio_receiver_takes_golden_packets(void **state)
{
    json_t *root = vectors_load("audio.json"), *set, *packet;
    size_t i, p;
    json_array_foreach(json_object_get(root, "sets"), i, set)
    {
        struct lm_audio_receiver_config config = {
            .encrypted = json_is_true(json_object_get(set, "encrypted")),
            .rikeyid = (uint32_t)vectors_number(set, "rikeyid"),
            .packet_duration_ms = 5};
        if (config.encrypted)
            vectors_hex(set, "key_hex", config.key, sizeof config.key);
        struct lm_audio_receiver *r;
        assert_int_equal(lm_audio_receiver_create(&config, &r), 0);
        json_t *payloads = json_object_get(set, "payloads_plain_hex");
        uint32_t next = 0;
        json_array_foreach(json_object_get(set, "packets"), p, packet)
        {
            uint8_t bytes[256], want[256];
            if (p == 7 || p == 9)
                continue; /* two of the second block, repaired */
            size_t n = vectors_hex(packet, "hex", bytes, sizeof bytes);
            lm_audio_receiver_push(r, bytes, n, NOW_NS);
            struct lm_audio_packet got;
            while (lm_audio_receiver_pop(r, NOW_NS, &got)) {
                n = vectors_hex_text(json_string_value(json_array_get(payloads, next)), want,
                                     sizeof want);
                assert_int_equal(got.sequence, 8 + next);
                assert_int_equal(got.timestamp_ms, 40 + 5 * next);
                assert_int_equal(got.repaired, next == 5 || next == 7);
                assert_int_equal(got.size_bytes, n);
                assert_memory_equal(got.data, want, n);
                next++;
            }
        }
        assert_int_equal(next, 8);
        lm_audio_receiver_destroy(r);
    }
    json_decref(root);
}

static void packets_in_order_come_out_at_once_over_the_wrap(void **state)
{
    for (int encrypted = 0; encrypted < 2; encrypted++) {
        send_packets(40, encrypted, 65520);
        struct lm_audio_receiver *r = make(encrypted);
        uint32_t next = 0;
        for (uint32_t i = 0; i < wire.count; i++) {
            push(r, i, NOW_NS);
            if (i % 6 < 4)
                expect(r, NOW_NS, next++, false);
            expect_nothing(r, NOW_NS);
        }
        assert_int_equal(next, 40);
        struct lm_audio_receiver_stats stats;
        lm_audio_receiver_get_stats(r, &stats);
        assert_int_equal(stats.late + stats.duplicate + stats.malformed + stats.lost, 0);
        lm_audio_receiver_destroy(r);
    }
}

static void two_losses_are_repaired_and_three_are_marked(void **state)
{
    for (unsigned mask = 0; mask < 64; mask++) {
        send_packets(12, mask & 1, 0);
        struct lm_audio_receiver *r = make(mask & 1);
        for (uint32_t i = 0; i < wire.count; i++)
            if (i / 6 != 1 || !(mask >> i % 6 & 1))
                push(r, i, NOW_NS);
        bool is_repairable = __builtin_popcount(mask) <= 2;
        for (uint32_t n = 0; n < 12; n++) {
            bool was_dropped = n / 4 == 1 && mask >> n % 4 & 1;
            expect(r, NOW_NS, n, was_dropped && !is_repairable);
        }
        expect_nothing(r, NOW_NS);
        lm_audio_receiver_destroy(r);
    }
}

static void a_gap_waits_for_parity_and_not_longer(void **state)
{
    send_packets(8, false, 0);
    struct lm_audio_receiver *r = make(false);
    push(r, 0, NOW_NS);
    push(r, 2, NOW_NS);
    expect(r, NOW_NS, 0, false);
    expect_nothing(r, NOW_NS + LM_NS_PER_S);
    push(r, 6, NOW_NS); /* the next block begins: nothing more is expected of the first */
    expect(r, NOW_NS, 1, true);
    expect(r, NOW_NS, 2, false);
    expect(r, NOW_NS, 3, true);
    expect(r, NOW_NS, 4, false);
    expect_nothing(r, NOW_NS);
    lm_audio_receiver_destroy(r);
}

static void after_reordering_gaps_wait_for_late_packets(void **state)
{
    send_packets(16, false, 0);
    struct lm_audio_receiver *r = make(false);
    push(r, 1, NOW_NS); /* 0 never came: the stream begins at 1 */
    expect(r, NOW_NS, 1, false);
    push(r, 3, NOW_NS);
    push(r, 2, NOW_NS); /* out of order */
    expect(r, NOW_NS, 2, false);
    expect(r, NOW_NS, 3, false);
    push(r, 7, NOW_NS);
    push(r, 12, NOW_NS); /* block 2 begins while 4 is missing */
    expect_nothing(r, NOW_NS + 9 * LM_NS_PER_MS);
    assert_int_equal(lm_audio_receiver_wake_at(r), NOW_NS + 10 * LM_NS_PER_MS);
    push(r, 6, NOW_NS + 9 * LM_NS_PER_MS);
    expect(r, NOW_NS + 9 * LM_NS_PER_MS, 4, false);
    expect(r, NOW_NS + 9 * LM_NS_PER_MS, 5, false);
    expect_nothing(r, NOW_NS + 9 * LM_NS_PER_MS);
    expect(r, NOW_NS + 10 * LM_NS_PER_MS, 6, true);
    expect(r, NOW_NS + 10 * LM_NS_PER_MS, 7, true);
    expect(r, NOW_NS + 10 * LM_NS_PER_MS, 8, false);
    lm_audio_receiver_destroy(r);
}

static void whole_blocks_missing_are_marked_one_by_one(void **state)
{
    send_packets(20, false, 0);
    struct lm_audio_receiver *r = make(false);
    push(r, 0, NOW_NS);
    push(r, 24, NOW_NS); /* packet 16 */
    expect(r, NOW_NS, 0, false);
    for (uint32_t n = 1; n < 16; n++)
        expect(r, NOW_NS, n, true);
    expect(r, NOW_NS, 16, false);
    expect_nothing(r, NOW_NS);
    lm_audio_receiver_destroy(r);
}

static void a_long_pause_starts_anew(void **state)
{
    send_packets(300, false, 0);
    struct lm_audio_receiver *r = make(false);
    push(r, 0, NOW_NS);
    expect(r, NOW_NS, 0, false);
    push(r, 300, NOW_NS); /* packet 200 */
    expect(r, NOW_NS, 200, false);
    expect_nothing(r, NOW_NS);
    push(r, 0, NOW_NS); /* far too late */
    expect_nothing(r, NOW_NS);
    push(r, 301, NOW_NS);
    expect(r, NOW_NS, 201, false);
    struct lm_audio_receiver_stats stats;
    lm_audio_receiver_get_stats(r, &stats);
    assert_int_equal(stats.resyncs, 1);
    assert_int_equal(stats.lost, 199);
    lm_audio_receiver_destroy(r);
}

static void one_wild_packet_does_not_move_the_stream(void **state)
{
    send_packets(8, false, 0);
    struct lm_audio_receiver *r = make(false);
    push(r, 0, NOW_NS);
    expect(r, NOW_NS, 0, false);
    uint8_t wild[100];
    memcpy(wild, wire.bytes[0], 72);
    lm_put_be16(wild + 2, 30000);
    lm_audio_receiver_push(r, wild, 72, NOW_NS);
    push(r, 1, NOW_NS);
    expect(r, NOW_NS, 1, false);
    for (int i = 0; i < 8; i++)
        lm_audio_receiver_push(r, wild, 72, NOW_NS);
    struct lm_audio_packet p;
    assert_int_equal(lm_audio_receiver_pop(r, NOW_NS, &p), 1);
    assert_int_equal(p.sequence, 30000);
    lm_audio_receiver_destroy(r);
}

static void unequal_sizes_are_never_repaired_into_garbage(void **state)
{
    send_packets(8, false, 0);
    struct lm_audio_receiver *r = make(false);
    push(r, 0, NOW_NS);
    lm_audio_receiver_push(r, wire.bytes[1], wire.size[1] - 4, NOW_NS);
    push(r, 3, NOW_NS);
    push(r, 4, NOW_NS);
    push(r, 5, NOW_NS);
    struct lm_audio_packet p;
    uint32_t lost = 0, repaired = 0;
    push(r, 6, NOW_NS);
    while (lm_audio_receiver_pop(r, NOW_NS, &p)) {
        lost += p.data == NULL;
        repaired += p.repaired;
    }
    assert_int_equal(lost, 1);
    assert_int_equal(repaired, 0);
    lm_audio_receiver_destroy(r);
}

static void wrong_padding_is_a_loss(void **state)
{
    send_packets(4, true, 0);
    struct lm_audio_receiver *r = make(true);
    push(r, 0, NOW_NS);
    expect(r, NOW_NS, 0, false);
    lm_audio_receiver_push(r, wire.bytes[1], wire.size[1] - 1, NOW_NS);
    expect(r, NOW_NS, 1, true);
    lm_audio_receiver_destroy(r);
}

static void nothing_is_allocated_after_create(void **state)
{
    send_packets(300, true, 0);
    struct lm_audio_receiver *r = make(true);
    uint64_t before = heap_calls;
    uint32_t got = 0;
    for (uint32_t i = 0; i < wire.count; i++) {
        struct lm_audio_packet p;
        if (i % 7 != 3)
            push(r, i, NOW_NS + i * LM_NS_PER_MS);
        while (lm_audio_receiver_pop(r, NOW_NS + i * LM_NS_PER_MS, &p))
            got += p.data != NULL;
    }
    uint64_t after = heap_calls;
    assert_true(!COUNTS_HEAP || before > 0);
    assert_int_equal(after - before, 0);
    assert_int_equal(got, 300);
    lm_audio_receiver_destroy(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(audio_receiver_takes_golden_packets),
        cmocka_unit_test(packets_in_order_come_out_at_once_over_the_wrap),
        cmocka_unit_test(two_losses_are_repaired_and_three_are_marked),
        cmocka_unit_test(a_gap_waits_for_parity_and_not_longer),
        cmocka_unit_test(after_reordering_gaps_wait_for_late_packets),
        cmocka_unit_test(whole_blocks_missing_are_marked_one_by_one),
        cmocka_unit_test(a_long_pause_starts_anew),
        cmocka_unit_test(one_wild_packet_does_not_move_the_stream),
        cmocka_unit_test(unequal_sizes_are_never_repaired_into_garbage),
        cmocka_unit_test(wrong_padding_is_a_loss),
        cmocka_unit_test(nothing_is_allocated_after_create),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
