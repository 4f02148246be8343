#include "core/wire/gs_video.h"

#include "core/base/check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

static const struct lm_gsv_header typical = {
    .sequence = 0xfffe,
    .timestamp_90k = 0x12345678,
    .packet_index = 0xabcdef,
    .frame_index = 0xdeadbeef,
    .flags = LM_GSV_FLAG_PICTURE,
    .block = 2,
    .block_count = 4,
    .data_shards = 200,
    .shard = 7,
    .percent = 20,
};

/* Member by member: what lies between them is undefined. */
static void assert_headers_equal(const struct lm_gsv_header *a, const struct lm_gsv_header *b)
{
    assert_int_equal(a->sequence, b->sequence);
    assert_int_equal(a->timestamp_90k, b->timestamp_90k);
    assert_int_equal(a->packet_index, b->packet_index);
    assert_int_equal(a->frame_index, b->frame_index);
    assert_int_equal(a->flags, b->flags);
    assert_int_equal(a->extra_flags, b->extra_flags);
    assert_int_equal(a->block, b->block);
    assert_int_equal(a->block_count, b->block_count);
    assert_int_equal(a->data_shards, b->data_shards);
    assert_int_equal(a->parity_shards, b->parity_shards);
    assert_int_equal(a->shard, b->shard);
    assert_int_equal(a->percent, b->percent);
}

static void data_header_reads_back(void **state)
{
    uint8_t shard[40] = {0};
    struct lm_gsv_header back, want = typical;
    want.parity_shards = 40;
    lm_gsv_write_data_header(shard, &typical);
    assert_int_equal(lm_gsv_parse_header(shard, sizeof shard, &back), 0);
    assert_headers_equal(&back, &want);
}

static void parity_header_keeps_the_columns_that_are_restored(void **state)
{
    uint8_t shard[40];
    memset(shard, 0xa5, sizeof shard);
    struct lm_gsv_header h = typical, back;
    h.shard = 210;
    lm_gsv_write_parity_header(shard, &h);
    assert_int_equal(lm_gsv_parse_header(shard, sizeof shard, &back), 0);
    assert_int_equal(back.shard, 210);
    assert_int_equal(back.frame_index, typical.frame_index);
    for (int i = 16; i < 20; i++)
        assert_int_equal(shard[i], 0xa5);
    for (int i = 24; i < 27; i++)
        assert_int_equal(shard[i], 0xa5);
}

static void flags_mark_first_and_last(void **state) /* gs-media 17 */
{
    assert_int_equal(lm_gsv_data_flags(0, 1), 7);
    assert_int_equal(lm_gsv_data_flags(0, 2), 5);
    assert_int_equal(lm_gsv_data_flags(1, 2), 3);
    assert_int_equal(lm_gsv_data_flags(1, 3), 1);
}

static void impossible_headers_are_refused(void **state)
{
    const struct {
        size_t offset;
        uint8_t value;
    } rows[] = {
        {0, 0x80},    /* no extension bit */
        {24, 0x05},   /* SOF in the middle */
        {24, 0x09},   /* unknown flag */
        {27, 3 << 4}, /* block 3 of 1 */
    };
    uint8_t shard[40] = {0};
    struct lm_gsv_header h;
    for (size_t i = 0; i < LM_ARRAY_LEN(rows); i++) {
        lm_gsv_write_data_header(shard, &typical);
        shard[rows[i].offset] = rows[i].value;
        assert_int_equal(lm_gsv_parse_header(shard, sizeof shard, &h), LM_EPROTO);
    }
    lm_gsv_write_data_header(shard, &typical);
    assert_int_equal(lm_gsv_parse_header(shard, LM_GSV_HEADER_BYTES, &h), LM_EPROTO);
    memset(shard + 28, 0, 4); /* k = 0 */
    assert_int_equal(lm_gsv_parse_header(shard, sizeof shard, &h), LM_EPROTO);
    struct lm_gsv_header beyond = typical;
    beyond.shard = 240; /* k + m */
    lm_gsv_write_parity_header(shard, &beyond);
    assert_int_equal(lm_gsv_parse_header(shard, sizeof shard, &h), LM_EPROTO);
}

static void too_large_a_code_leaves_a_block_of_data_only(void **state)
{
    uint8_t shard[40] = {0};
    struct lm_gsv_header h = typical, back;
    h.data_shards = 230; /* 230 + 46 > 255 */
    lm_gsv_write_data_header(shard, &h);
    assert_int_equal(lm_gsv_parse_header(shard, sizeof shard, &back), 0);
    assert_int_equal(back.parity_shards, 0);
    h.shard = 231;
    lm_gsv_write_parity_header(shard, &h);
    assert_int_equal(lm_gsv_parse_header(shard, sizeof shard, &back), LM_EPROTO);
}

static void frame_header_reads_back_within_limits(void **state)
{
    uint8_t bytes[LM_GSV_FRAME_BYTES];
    struct lm_gsv_frame_header back,
        h = {.latency_100us = 70000, .type = 5, .last_payload_bytes = 976};
    lm_gsv_write_frame_header(bytes, &h);
    assert_int_equal(lm_gsv_parse_frame_header(bytes, 976, &back), 0);
    assert_int_equal(back.latency_100us, 65535);
    assert_int_equal(back.type, 5);
    assert_int_equal(back.last_payload_bytes, 976);
    assert_int_equal(lm_gsv_parse_frame_header(bytes, 975, &back), LM_EPROTO);
    bytes[4] = bytes[5] = 0;
    assert_int_equal(lm_gsv_parse_frame_header(bytes, 976, &back), LM_EPROTO);
    lm_gsv_write_frame_header(bytes, &h);
    bytes[0] = 0x81;
    assert_int_equal(lm_gsv_parse_frame_header(bytes, 976, &back), LM_EPROTO);
}

static void prefix_of_another_channel_is_refused(void **state)
{
    uint8_t datagram[128] = {0};
    struct lm_gsv_prefix prefix;
    lm_gsv_write_prefix(datagram, UINT64_C(0x0102030405060708), 99);
    assert_memory_equal(datagram, "\x08\x07\x06\x05\x04\x03\x02\x01\0\0\0V\x63\0\0\0", 16);
    assert_int_equal(lm_gsv_parse_prefix(datagram, sizeof datagram, &prefix), 0);
    assert_int_equal(prefix.frame_index, 99);
    assert_int_equal(lm_gsv_parse_prefix(datagram, 64, &prefix), LM_EPROTO);
    datagram[11] = 'C';
    assert_int_equal(lm_gsv_parse_prefix(datagram, sizeof datagram, &prefix), LM_EPROTO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(data_header_reads_back),
        cmocka_unit_test(parity_header_keeps_the_columns_that_are_restored),
        cmocka_unit_test(flags_mark_first_and_last),
        cmocka_unit_test(impossible_headers_are_refused),
        cmocka_unit_test(too_large_a_code_leaves_a_block_of_data_only),
        cmocka_unit_test(frame_header_reads_back_within_limits),
        cmocka_unit_test(prefix_of_another_channel_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
