#include "core/send/audio_sender.h"

#include "core/base/bytes.h"
#include "core/send/test_vectors.h"

#define NOW_NS UINT64_C(1000000000)

static struct lm_audio_sender *make(const struct lm_audio_sender_config *config)
{
    struct lm_audio_sender *s;
    assert_int_equal(lm_audio_sender_create(config, &s), 0);
    return s;
}

static void check_set(const json_t *set)
{
    struct lm_audio_sender_config config = {
        .packet_duration_ms = (uint32_t)vectors_number(set, "packet_duration_ms"),
        .fec = true,
        .encrypt = json_is_true(json_object_get(set, "encrypted")),
        .rikeyid = (uint32_t)vectors_number(set, "rikeyid"),
        .first_sequence = (uint16_t)vectors_number(set, "first_sequence"),
        .first_timestamp_ms = (uint32_t)vectors_number(set, "first_timestamp"),
    };
    if (config.encrypt)
        vectors_hex(set, "key_hex", config.key, sizeof config.key);
    struct lm_audio_sender *s = make(&config);
    json_t *packets = json_object_get(set, "packets");
    json_t *payloads = json_object_get(set, "payloads_plain_hex"), *payload;
    size_t i, at = 0;
    json_array_foreach(payloads, i, payload)
    {
        uint8_t opus[256], want[256];
        size_t size = vectors_hex_text(json_string_value(payload), opus, sizeof opus);
        assert_int_equal(lm_audio_sender_push(s, opus, size, NOW_NS), 0);
        struct lm_batch batch;
        while (lm_audio_sender_pull(s, &batch)) {
            for (uint32_t d = 0; d < batch.segments; d++) {
                size = vectors_hex(json_array_get(packets, at++), "hex", want, sizeof want);
                assert_int_equal(batch.segment_bytes, size);
                assert_memory_equal(batch.data + d * size, want, size);
            }
            lm_audio_sender_done(s, batch.segments);
        }
    }
    assert_int_equal(at, json_array_size(packets));
    lm_audio_sender_destroy(s);
}

static void audio_sender_reproduces_golden_packets(void **state) /* gs-media 48, 51, 53, 54 */
{
    json_t *root = vectors_load("audio.json"), *set;
    size_t i;
    json_array_foreach(json_object_get(root, "sets"), i, set) check_set(set);
    json_decref(root);
}

static void sequence_wraps_and_parity_is_not_counted(void **state) /* gs-media 48, 51, 52 */
{
    struct lm_audio_sender_config config = {
        .packet_duration_ms = 5, .fec = true, .first_sequence = 65534};
    struct lm_audio_sender *s = make(&config);
    uint8_t opus[100] = {0};
    uint16_t expected = 65534;
    uint32_t parities = 0;
    for (int i = 0; i < 22; i++) {
        assert_int_equal(lm_audio_sender_push(s, opus, sizeof opus, NOW_NS), 0);
        struct lm_batch batch;
        while (lm_audio_sender_pull(s, &batch)) {
            if (batch.data[1] == 97) {
                assert_int_equal(lm_get_be16(batch.data + 2), expected++);
                assert_int_equal(lm_get_be32(batch.data + 4), i * 5);
            } else {
                assert_int_equal(lm_get_be16(batch.data + 14) % 4, 0);
                assert_int_equal(lm_get_be16(batch.data + 14), (uint16_t)(expected - 4));
                parities += batch.segments;
            }
            lm_audio_sender_done(s, batch.segments);
        }
    }
    /* The first two packets end a block that the stream did not begin. */
    assert_int_equal(parities, 10);
    lm_audio_sender_destroy(s);
}

static void unequal_or_skipped_payloads_have_no_parity(void **state) /* gs-media 49 */
{
    struct lm_audio_sender_config config = {.packet_duration_ms = 10, .fec = true};
    struct lm_audio_sender *s = make(&config);
    uint8_t opus[100] = {0};
    for (int i = 0; i < 12; i++) {
        if (i == 5)
            lm_audio_sender_skip(s);
        else
            assert_int_equal(lm_audio_sender_push(s, opus, i == 2 ? 99 : 100, NOW_NS), 0);
        struct lm_batch batch;
        while (lm_audio_sender_pull(s, &batch)) {
            if (batch.data[1] == 97)
                assert_int_equal(lm_get_be16(batch.data + 2), i);
            lm_audio_sender_done(s, batch.segments);
        }
    }
    struct lm_audio_sender_stats stats;
    lm_audio_sender_get_stats(s, &stats);
    assert_int_equal(stats.data_datagrams, 11);
    assert_int_equal(stats.parity_datagrams, 2);
    assert_int_equal(stats.blocks_without_parity, 2);
    assert_int_equal(stats.datagrams_sent, 13);
    lm_audio_sender_destroy(s);
}

static void datagrams_never_pass_1400_bytes(void **state) /* gs-media 55 */
{
    static uint8_t opus[LM_GSA_MAX_BODY_BYTES + 1];
    for (int encrypt = 0; encrypt < 2; encrypt++) {
        struct lm_audio_sender_config config = {
            .packet_duration_ms = 5, .fec = true, .encrypt = encrypt};
        struct lm_audio_sender *s = make(&config);
        size_t most = encrypt ? LM_GSA_MAX_BODY_BYTES - 1 : LM_GSA_MAX_BODY_BYTES;
        assert_int_equal(lm_audio_sender_push(s, opus, most + 1, NOW_NS), LM_ELIMIT);
        assert_int_equal(lm_audio_sender_push(s, opus, 0, NOW_NS), LM_EINVAL);
        for (int i = 0; i < 4; i++)
            assert_int_equal(lm_audio_sender_push(s, opus, most, NOW_NS), 0);
        struct lm_batch batch;
        while (lm_audio_sender_pull(s, &batch)) {
            assert_true(batch.segment_bytes <= LM_GSA_MAX_DATAGRAM_BYTES);
            lm_audio_sender_done(s, 1);
        }
        struct lm_audio_sender_stats stats;
        lm_audio_sender_get_stats(s, &stats);
        assert_int_equal(stats.datagrams_sent, 6);
        lm_audio_sender_destroy(s);
    }
}

static void a_full_queue_refuses_and_loses_no_number(void **state)
{
    struct lm_audio_sender_config config = {.packet_duration_ms = 5, .fec = true};
    struct lm_audio_sender *s = make(&config);
    uint8_t opus[10] = {0};
    int pushed = 0;
    while (lm_audio_sender_push(s, opus, sizeof opus, NOW_NS) == 0)
        pushed++;
    assert_int_equal(pushed, 8);
    struct lm_batch batch;
    uint16_t expected = 0;
    while (lm_audio_sender_pull(s, &batch)) {
        if (batch.data[1] == 97)
            assert_int_equal(lm_get_be16(batch.data + 2), expected++);
        lm_audio_sender_done(s, batch.segments);
    }
    assert_int_equal(expected, 8);
    assert_int_equal(lm_audio_sender_push(s, opus, sizeof opus, NOW_NS), 0);
    lm_audio_sender_destroy(s);
}

static void nothing_is_allocated_after_create(void **state)
{
    struct lm_audio_sender_config config = {.packet_duration_ms = 5, .fec = true, .encrypt = true};
    struct lm_audio_sender *s = make(&config);
    uint8_t opus[240] = {0};
    uint64_t before = heap_calls;
    int rc = 0;
    for (int i = 0; i < 1000; i++) {
        struct lm_batch batch;
        rc |= lm_audio_sender_push(s, opus, sizeof opus, NOW_NS);
        while (lm_audio_sender_pull(s, &batch))
            lm_audio_sender_done(s, batch.segments);
    }
    uint64_t after = heap_calls;
    assert_true(!COUNTS_HEAP || before > 0);
    assert_int_equal(after - before, 0);
    assert_int_equal(rc, 0);
    lm_audio_sender_destroy(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(audio_sender_reproduces_golden_packets),
        cmocka_unit_test(sequence_wraps_and_parity_is_not_counted),
        cmocka_unit_test(unequal_or_skipped_payloads_have_no_parity),
        cmocka_unit_test(datagrams_never_pass_1400_bytes),
        cmocka_unit_test(a_full_queue_refuses_and_loses_no_number),
        cmocka_unit_test(nothing_is_allocated_after_create),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
