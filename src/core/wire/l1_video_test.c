#include "core/wire/l1_video.h"

#include "core/base/bytes.h"
#include "core/base/check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

enum { SHARD = 1344 };

static uint8_t datagram[LM_L1_VIDEO_BYTES + SHARD + 1];

static void header_reads_back(void **state)
{
    const struct lm_l1_header rows[] = {
        {0, 0, 0, 0},
        {LM_L1_VIDEO, LM_L1_CLEAR, 0x01020304, 0x05060708090a0b0c},
        {LM_L1_MICROPHONE, LM_L1_EPOCH, UINT32_MAX, UINT64_MAX},
        {15, LM_L1_EPOCH | LM_L1_CLEAR, 1, LM_L1_MAX_SEQUENCE},
    };
    for (size_t i = 0; i < LM_ARRAY_LEN(rows); i++) {
        uint8_t bytes[LM_L1_HEADER_BYTES];
        struct lm_l1_header back;
        lm_l1_write_header(bytes, &rows[i]);
        assert_int_equal(lm_l1_parse_header(bytes, sizeof bytes, &back), 0);
        assert_int_equal(back.kind, rows[i].kind);
        assert_int_equal(back.flags, rows[i].flags);
        assert_int_equal(back.session_id, rows[i].session_id);
        assert_true(back.sequence == rows[i].sequence);
        assert_int_equal(lm_l1_parse_header(bytes, sizeof bytes - 1, &back), LM_EPROTO);
    }
}

static void header_lies_as_documented(void **state)
{
    const struct lm_l1_header h = {LM_L1_PROBE, LM_L1_CLEAR, 0x01020304, 0x05060708090a0b0c};
    const uint8_t want[] = {0x15, 0x80, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
    const uint8_t salt[] = {0xa0, 0xa1, 0xa2, 0xa3};
    const uint8_t want_nonce[] = {0xa0, 0xa1, 0xa2, 0xa3, 5, 6, 7, 8, 9, 10, 11, 12};
    uint8_t bytes[LM_L1_HEADER_BYTES], nonce[LM_L1_NONCE_BYTES];
    lm_l1_write_header(bytes, &h);
    lm_l1_write_nonce(nonce, salt, h.sequence);
    assert_memory_equal(bytes, want, sizeof want);
    assert_memory_equal(nonce, want_nonce, sizeof want_nonce);
}

static void headers_of_another_version_or_with_unknown_bits_are_refused(void **state)
{
    const struct {
        size_t offset;
        uint8_t value;
    } rows[] = {{0, 0x00}, {0, 0x20}, {0, 0xf0}, {1, 0x02}, {1, 0x40}, {1, 0xff}, {2, 1}, {3, 1}};
    for (size_t i = 0; i < LM_ARRAY_LEN(rows); i++) {
        uint8_t bytes[LM_L1_HEADER_BYTES];
        lm_l1_write_header(bytes, &(struct lm_l1_header){.kind = LM_L1_VIDEO});
        bytes[rows[i].offset] = rows[i].value;
        struct lm_l1_header h;
        assert_int_equal(lm_l1_parse_header(bytes, sizeof bytes, &h), LM_EPROTO);
    }
}

static void blocks_are_limited_by_their_code(void **state)
{
    const struct {
        uint8_t code;
        uint32_t k, m;
        bool good;
    } rows[] = {
        {0, 1, 0, true},         {0, 0, 0, false},          {0, 65535, 0, true},
        {0, 65536, 0, false},    {0, 1, 1, false},          {1, 1, 1, true},
        {1, 1, 0, false},        {1, 0, 1, false},          {1, 1, 254, true},
        {1, 1, 255, false},      {1, 254, 1, true},         {1, 255, 1, false},
        {1, 212, 43, true},      {1, 213, 43, false},       {2, 1, 1, true},
        {2, 1, 0, false},        {2, 1, 2, false},          {2, 65534, 1, true},
        {2, 65535, 1, false},    {2, 65533, 2, true},       {2, 65534, 2, false},
        {2, 65532, 3, true},     {2, 65533, 3, false},      {2, 32767, 32767, true},
        {2, 0, 0, false},        {2, 32768, 32768, false},  {2, 32767, 32768, false},
        {2, 49152, 16383, true}, {2, 49153, 16382, false},  {3, 10, 2, false},
        {255, 1, 0, false},      {2, UINT32_MAX, 1, false}, {2, 1, UINT32_MAX, false},
    };
    for (size_t i = 0; i < LM_ARRAY_LEN(rows); i++)
        assert_int_equal(lm_l1_code_covers(rows[i].code, rows[i].k, rows[i].m), rows[i].good);
}

static const struct lm_l1_video typical = {
    .frame = 0xdeadbeef,
    .block = 3,
    .shard = 250,
    .data_shards = 212,
    .parity_shards = 43,
    .code = LM_L1_CODE_GF8,
    .flags = LM_L1_LAST_BLOCK | LM_L1_RECOVERY_POINT,
    .last_shard_bytes = 0x123,
};

static int parse(size_t size_bytes, struct lm_l1_video *out)
{
    return lm_l1_parse_video(datagram, size_bytes, SHARD, out);
}

static void video_lies_as_documented_and_reads_back(void **state)
{
    const uint8_t want[] = {0xde, 0xad, 0xbe, 0xef, 0, 3, 0, 250, 0, 212, 0, 43, 1, 5, 1, 0x23};
    struct lm_l1_video back;
    lm_l1_write_video(datagram, &typical);
    assert_memory_equal(datagram, want, sizeof want);
    assert_int_equal(parse(LM_L1_VIDEO_BYTES + SHARD, &back), 0);
    assert_int_equal(back.frame, typical.frame);
    assert_int_equal(back.block, typical.block);
    assert_int_equal(back.shard, typical.shard);
    assert_int_equal(back.data_shards, typical.data_shards);
    assert_int_equal(back.parity_shards, typical.parity_shards);
    assert_int_equal(back.code, typical.code);
    assert_int_equal(back.flags, typical.flags);
    assert_int_equal(back.last_shard_bytes, typical.last_shard_bytes);
}

/* One field of a good payload changed: at its limit, and one past. */
static void video_fields_are_taken_up_to_their_limits(void **state)
{
    const struct {
        size_t offset, bytes;
        uint32_t value;
        int rc;
    } rows[] = {
        {0, 4, 0, 0},
        {0, 4, UINT32_MAX, 0},
        {4, 2, 65535, 0},
        {6, 2, 0, 0},
        {6, 2, 254, 0},
        {6, 2, 255, LM_EPROTO},
        {6, 2, 65535, LM_EPROTO},
        {8, 2, 0, LM_EPROTO},
        {8, 2, 208, 0},
        {8, 2, 207, LM_EPROTO},
        {8, 2, 213, LM_EPROTO},
        {10, 2, 39, 0},
        {10, 2, 38, LM_EPROTO},
        {10, 2, 44, LM_EPROTO},
        {10, 2, 0, LM_EPROTO},
        {12, 1, 2, 0},
        {12, 1, 0, LM_EPROTO},
        {12, 1, 3, LM_EPROTO},
        {12, 1, 255, LM_EPROTO},
        {13, 1, 7, 0},
        {13, 1, 1, 0},
        {13, 1, 8, LM_EPROTO},
        {13, 1, 128, LM_EPROTO},
        {13, 1, 4, LM_EPROTO},
        {14, 2, 1, 0},
        {14, 2, 0, LM_EPROTO},
        {14, 2, SHARD, 0},
        {14, 2, SHARD + 1, LM_EPROTO},
    };
    struct lm_l1_video out;
    for (size_t i = 0; i < LM_ARRAY_LEN(rows); i++) {
        lm_l1_write_video(datagram, &typical);
        for (size_t b = 0; b < rows[i].bytes; b++)
            datagram[rows[i].offset + b] =
                (uint8_t)(rows[i].value >> (8 * (rows[i].bytes - 1 - b)));
        assert_int_equal(parse(LM_L1_VIDEO_BYTES + SHARD, &out), rows[i].rc);
    }
}

static void video_is_exactly_one_shard(void **state)
{
    struct lm_l1_video out;
    const size_t bad[] = {0, 15, 16, 17, 16 + 0x123, 16 + SHARD - 1, 16 + SHARD + 1};
    lm_l1_write_video(datagram, &typical);
    for (size_t i = 0; i < LM_ARRAY_LEN(bad); i++)
        assert_int_equal(parse(bad[i], &out), LM_EPROTO);
}

static void only_the_last_shard_without_parity_may_be_cut(void **state)
{
    struct lm_l1_video v = {.data_shards = 10, .shard = 9, .flags = LM_L1_LAST_BLOCK}, out;
    v.last_shard_bytes = 100;
    const struct {
        uint16_t shard;
        size_t shard_bytes;
        int rc;
    } rows[] = {{9, 100, 0},         {9, SHARD, 0},     {9, 99, LM_EPROTO},
                {9, 101, LM_EPROTO}, {9, 0, LM_EPROTO}, {9, SHARD - 1, LM_EPROTO},
                {8, 100, LM_EPROTO}, {8, SHARD, 0},     {0, SHARD, 0}};
    for (size_t i = 0; i < LM_ARRAY_LEN(rows); i++) {
        v.shard = rows[i].shard;
        lm_l1_write_video(datagram, &v);
        assert_int_equal(parse(LM_L1_VIDEO_BYTES + rows[i].shard_bytes, &out), rows[i].rc);
    }
}

static void frame_header_reads_back(void **state)
{
    const struct lm_l1_frame rows[] = {
        {0, 0, 0, 0},
        {0x0102030405060708, 0x11121314, 0x21222324, 0x31323334},
        {UINT64_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX},
    };
    const uint8_t want[] = {1,    2,    3,    4,    5,    6,    7,    8,    0x11, 0x12, 0x13, 0x14,
                            0x21, 0x22, 0x23, 0x24, 0x31, 0x32, 0x33, 0x34, 0,    0,    0,    0};
    for (size_t i = 0; i < LM_ARRAY_LEN(rows); i++) {
        uint8_t bytes[LM_L1_FRAME_BYTES];
        struct lm_l1_frame back;
        lm_l1_write_frame(bytes, &rows[i]);
        if (i == 1)
            assert_memory_equal(bytes, want, sizeof want);
        assert_int_equal(lm_l1_parse_frame(bytes, sizeof bytes, &back), 0);
        assert_true(back.capture_ns == rows[i].capture_ns);
        assert_int_equal(back.capture_to_send_us, rows[i].capture_to_send_us);
        assert_int_equal(back.display_hint_us, rows[i].display_hint_us);
        assert_int_equal(back.flags, rows[i].flags);
        assert_int_equal(lm_l1_parse_frame(bytes, sizeof bytes - 1, &back), LM_EPROTO);
    }
}

/* What is taken is consistent, and written again gives the same bytes. */
static void random_payloads_are_refused_or_read_back(void **state)
{
    srand(3);
    print_message("seed 3\n");
    uint32_t taken = 0;
    for (int i = 0; i < 300000; i++) {
        struct lm_l1_video v;
        uint8_t again[LM_L1_VIDEO_BYTES];
        for (size_t b = 0; b < LM_L1_VIDEO_BYTES; b++)
            datagram[b] = (uint8_t)(rand() >> 7);
        datagram[12] &= 3;
        datagram[13] &= 15;
        if (i % 2)
            datagram[6] = datagram[8] = datagram[10] = 0;
        size_t size = rand() % 8 ? LM_L1_VIDEO_BYTES + SHARD : (size_t)rand() % sizeof datagram;
        if (parse(size, &v) < 0)
            continue;
        taken++;
        assert_true(v.shard < v.data_shards + v.parity_shards);
        assert_true(lm_l1_code_covers(v.code, v.data_shards, v.parity_shards));
        assert_in_range(v.last_shard_bytes, 1, SHARD);
        lm_l1_write_video(again, &v);
        assert_memory_equal(again, datagram, sizeof again);
    }
    assert_true(taken > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(header_reads_back),
        cmocka_unit_test(header_lies_as_documented),
        cmocka_unit_test(headers_of_another_version_or_with_unknown_bits_are_refused),
        cmocka_unit_test(blocks_are_limited_by_their_code),
        cmocka_unit_test(video_lies_as_documented_and_reads_back),
        cmocka_unit_test(video_fields_are_taken_up_to_their_limits),
        cmocka_unit_test(video_is_exactly_one_shard),
        cmocka_unit_test(only_the_last_shard_without_parity_may_be_cut),
        cmocka_unit_test(frame_header_reads_back),
        cmocka_unit_test(random_payloads_are_refused_or_read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
