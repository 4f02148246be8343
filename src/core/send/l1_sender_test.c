#include "core/send/l1_sender.h"

#include "core/send/test_vectors.h"

#include "core/base/bytes.h"
#include "core/send/l1_layout.h"
#include "core/send/l1_test.h"

enum { SHARD = 512, MOST = 700000 };

static uint8_t frame_bytes[MOST], rebuilt[MOST + LM_L1_FRAME_BYTES];

static const struct lm_l1_sender_config plain = {
    .session_id = 0x01020304,
    .shard_bytes = SHARD,
    .code = LM_L1_CODE_GF8,
    .fec_percent = 20,
    .max_frame_bytes = MOST,
    .max_pushes = 64,
    .key = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16},
    .salt = {0xa1, 0xa2, 0xa3, 0xa4},
};

static const struct lm_l1_frame_begin begin = {
    .capture_ns = L1_NOW_NS - 1234567,
    .flags = LM_L1_KEY_FRAME | 0x50000000,
    .display_hint_us = 777,
    .now_ns = L1_NOW_NS,
};

static struct lm_l1_sender *make(const struct lm_l1_sender_config *config)
{
    struct lm_l1_sender *s;
    assert_int_equal(lm_l1_sender_create(config, &s), 0);
    return s;
}

static int push_frame(struct lm_l1_sender *s, size_t size)
{
    /* Cut oddly, so that pieces straddle shards. */
    struct lm_piece pieces[3] = {{frame_bytes, size / 3}, {NULL, 0}, {frame_bytes + size / 3, 0}};
    pieces[2].size_bytes = size - size / 3;
    return lm_l1_sender_push_frame(s, &begin, pieces, 3);
}

static int push(struct lm_l1_sender *s, size_t from, size_t size, bool last)
{
    struct lm_piece piece = {frame_bytes + from, size};
    return lm_l1_sender_push(s, &piece, 1, last, L1_NOW_NS);
}

static void check_frame(const struct l1_output *o, uint32_t frame, size_t size)
{
    struct lm_l1_frame h;
    assert_int_equal(l1_rebuild(o, frame, rebuilt), LM_L1_FRAME_BYTES + size);
    assert_int_equal(lm_l1_parse_frame(rebuilt, LM_L1_FRAME_BYTES, &h), 0);
    assert_true(h.capture_ns == begin.capture_ns && h.flags == begin.flags);
    assert_int_equal(h.display_hint_us, begin.display_hint_us);
    assert_int_equal(h.capture_to_send_us, 1234);
    assert_memory_equal(rebuilt + LM_L1_FRAME_BYTES, frame_bytes, size);
}

static int create_rc(const struct lm_l1_sender_config *config)
{
    struct lm_l1_sender *s;
    int rc = lm_l1_sender_create(config, &s);
    assert_true((rc == 0) == (s != NULL));
    lm_l1_sender_destroy(s);
    return rc;
}

static void set_member(struct lm_l1_sender_config *config, size_t offset, size_t bytes,
                       uint64_t value)
{
    uint32_t narrow = (uint32_t)value;
    memcpy((uint8_t *)config + offset, bytes == sizeof narrow ? (void *)&narrow : &value, bytes);
}

static void config_is_taken_up_to_its_limits_and_no_further(void **state)
{
    const struct {
        size_t offset, bytes;
        uint64_t good, bad;
    } rows[] = {
#define ROW(member, good, bad)                                                                     \
    {offsetof(struct lm_l1_sender_config, member),                                                 \
     sizeof(((struct lm_l1_sender_config *)0)->member), good, bad}
        ROW(shard_bytes, 512, 448),
        ROW(shard_bytes, 65408, 65472),
        ROW(shard_bytes, 1344, 1345),
        ROW(code, 1, 3),
        ROW(code, 2, 0), /* 20 % of no code */
        ROW(fec_percent, 0, 101),
        ROW(fec_percent, 100, UINT32_MAX),
        ROW(max_data_per_block, 212, 213),
        ROW(max_data_per_block, 1, UINT32_MAX),
        ROW(max_frame_bytes, 1, 0),
        ROW(max_frame_bytes, 65536, (UINT64_C(1) << 31) + 1),
        ROW(max_pushes, 0, 65),
        ROW(max_pushes, 64, UINT32_MAX),
        ROW(first_sequence, LM_L1_MAX_SEQUENCE - 1, LM_L1_MAX_SEQUENCE),
#undef ROW
    };
    for (size_t i = 0; i < LM_ARRAY_LEN(rows); i++) {
        struct lm_l1_sender_config config = plain;
        set_member(&config, rows[i].offset, rows[i].bytes, rows[i].good);
        assert_int_equal(create_rc(&config), 0);
        set_member(&config, rows[i].offset, rows[i].bytes, rows[i].bad);
        assert_int_equal(create_rc(&config), LM_EINVAL);
    }
    struct lm_l1_sender_config config = plain;
    config.code = LM_L1_CODE_NONE;
    config.fec_percent = 0;
    config.max_data_per_block = 65535;
    assert_int_equal(create_rc(&config), 0);
    config.max_data_per_block = 65536;
    assert_int_equal(create_rc(&config), LM_EINVAL);
    lm_l1_sender_destroy(NULL);
}

static void a_frame_never_has_more_blocks_than_a_receiver_takes(void **state)
{
    struct lm_l1_sender_config config = plain;
    const struct {
        uint32_t max_data, pushes, shards; /* shards: of the largest frame that is possible */
    } rows[] = {
        {1, 1, LM_L1_MAX_BLOCKS},
        {1, 64, LM_L1_MAX_BLOCKS}, /* no block without data */
        {2, 1, 2 * LM_L1_MAX_BLOCKS},
        {7, 64, 7 * (LM_L1_MAX_BLOCKS - 63)}, /* each push rounds up */
    };
    config.fec_percent = 0;
    for (size_t i = 0; i < LM_ARRAY_LEN(rows); i++) {
        config.max_data_per_block = rows[i].max_data;
        config.max_pushes = rows[i].pushes;
        config.max_frame_bytes = rows[i].shards * SHARD - LM_L1_FRAME_BYTES;
        assert_int_equal(create_rc(&config), 0);
        config.max_frame_bytes++;
        assert_int_equal(create_rc(&config), LM_EINVAL);
    }
}

/* The largest frames: as much memory as there is, or none, but no overflow. */
static void the_largest_frame_size_is_taken_or_refused_cleanly(void **state)
{
    struct lm_l1_sender_config config = plain;
    config.code = LM_L1_CODE_GF16;
    config.max_frame_bytes = UINT64_C(1) << 31;
    int rc = create_rc(&config);
    assert_true(rc == 0 || rc == LM_ENOMEM);
}

static void frames_come_back_by_the_fields_of_their_datagrams(void **state)
{
    const struct {
        enum lm_l1_code code;
        uint32_t percent, max_data;
        size_t size;
        uint32_t blocks, k, m; /* k and m of block 0 */
    } rows[] = {
        {LM_L1_CODE_NONE, 0, 0, 1, 1, 1, 0},
        {LM_L1_CODE_NONE, 0, 0, SHARD - 24, 1, 1, 0},
        {LM_L1_CODE_NONE, 0, 0, SHARD - 23, 1, 2, 0},
        {LM_L1_CODE_NONE, 0, 0, 500000, 1, 977, 0},
        {LM_L1_CODE_NONE, 0, 100, 500000, 10, 98, 0},
        {LM_L1_CODE_GF8, 20, 0, 1, 1, 1, 1},
        {LM_L1_CODE_GF8, 20, 0, 212 * SHARD - 24, 1, 212, 43},
        {LM_L1_CODE_GF8, 20, 0, 212 * SHARD - 23, 2, 107, 22},
        {LM_L1_CODE_GF8, 20, 0, 457000, 5, 179, 36},
        {LM_L1_CODE_GF8, 100, 0, 70000, 2, 69, 69},
        {LM_L1_CODE_GF8, 7, 10, 70000, 14, 10, 1},
        {LM_L1_CODE_GF16, 20, 0, 1, 1, 1, 1},
        {LM_L1_CODE_GF16, 20, 0, 457000, 1, 893, 179},
        {LM_L1_CODE_GF16, 100, 0, 457000, 1, 893, 893},
        {LM_L1_CODE_GF16, 33, 300, 457000, 3, 298, 99},
        {LM_L1_CODE_GF16, 1, 1, 5000, 10, 1, 1},
    };
    struct lm_l1_sender_stats stats;
    for (size_t i = 0; i < LM_ARRAY_LEN(rows) * 4; i++) {
        size_t r = i / 4;
        struct lm_l1_sender_config config = plain;
        config.code = rows[r].code;
        config.fec_percent = rows[r].percent;
        config.max_data_per_block = rows[r].max_data;
        config.encrypt = i & 1;
        config.contiguous = i & 2;
        struct lm_l1_sender *s = make(&config);
        struct l1_output o;
        l1_output_init(&o, &config);
        assert_int_equal(push_frame(s, rows[r].size), 0);
        l1_drain(s, &o);
        assert_true(o.saw_last);
        check_frame(&o, 1, rows[r].size);
        const struct l1_datagram *first = l1_find(&o, 1, 0, 0);
        assert_int_equal(first->video.data_shards, rows[r].k);
        assert_int_equal(first->video.parity_shards, rows[r].m);
        assert_int_equal(first->video.code, rows[r].code);
        assert_true(first->video.flags & LM_L1_KEY_FRAME);
        lm_l1_sender_get_stats(s, &stats);
        assert_int_equal(stats.blocks, rows[r].blocks);
        assert_int_equal(stats.data_datagrams, (rows[r].size + 24 + SHARD - 1) / SHARD);
        assert_int_equal(stats.data_datagrams + stats.parity_datagrams, o.count);
        assert_int_equal(stats.datagrams_sent, o.count);
        assert_int_equal(stats.bytes_sent, o.size_bytes);
        assert_int_equal(stats.frames, 1);
        l1_output_finish(&o);
        lm_l1_sender_destroy(s);
    }
}

static void any_shard_size_is_carried(void **state)
{
    const uint32_t sizes[] = {512, 576, 1344, 8896, 65408};
    for (size_t i = 0; i < LM_ARRAY_LEN(sizes); i++) {
        struct lm_l1_sender_config config = plain;
        config.shard_bytes = sizes[i];
        config.encrypt = true;
        struct lm_l1_sender *s = make(&config);
        struct l1_output o;
        l1_output_init(&o, &config);
        assert_int_equal(push_frame(s, MOST), 0);
        l1_drain(s, &o);
        check_frame(&o, 1, MOST);
        l1_output_finish(&o);
        lm_l1_sender_destroy(s);
    }
}

/* The blocks in which the datagrams of a frame of 10 shards leave. */
static void check_order(bool contiguous, const uint8_t *blocks, const uint8_t *shards, size_t count)
{
    struct lm_l1_sender_config config = plain;
    config.max_data_per_block = 4;
    config.fec_percent = 50;
    config.contiguous = contiguous;
    config.first_sequence = 77;
    struct lm_l1_sender *s = make(&config);
    struct l1_output o;
    l1_output_init(&o, &config);
    assert_int_equal(push_frame(s, 10 * SHARD - 30), 0);
    l1_drain(s, &o);
    assert_int_equal(o.count, count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(o.datagrams[i].video.block, blocks[i]);
        assert_int_equal(o.datagrams[i].video.shard, shards[i]);
        assert_true(o.datagrams[i].header.sequence == 77 + i);
        assert_int_equal(o.datagrams[i].header.session_id, config.session_id);
        assert_int_equal(o.datagrams[i].header.kind, LM_L1_VIDEO);
    }
    l1_output_finish(&o);
    lm_l1_sender_destroy(s);
}

static void blocks_leave_interleaved_or_one_after_the_other(void **state)
{
    const uint8_t blocks[] = {0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 0, 1, 2, 0, 1, 2};
    const uint8_t shards[] = {0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 4, 3, 3, 5, 4, 4};
    const uint8_t one_by_one[] = {0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2};
    const uint8_t rising[] = {0, 1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 0, 1, 2, 3, 4};
    check_order(false, blocks, shards, LM_ARRAY_LEN(blocks));
    check_order(true, one_by_one, rising, LM_ARRAY_LEN(rising));
}

/* Random pushes; what is complete leaves before the next push. */
static void push_in_parts(struct lm_l1_sender *s, struct l1_output *o, size_t size)
{
    size_t at = 0;
    uint32_t pushes = 0;
    assert_int_equal(lm_l1_sender_begin(s, &begin), 0);
    while (at < size) {
        size_t n = (size_t)rand() % (rand() % 2 ? 40000 : 3000);
        bool last = n >= size - at || ++pushes == 63;
        n = last ? size - at : n;
        size_t before = o->count;
        assert_int_equal(push(s, at, n, last), 0);
        l1_drain(s, o);
        at += n;
        /* No more than 16 whole shards and a byte wait for the rest. */
        uint64_t waiting = 0;
        for (size_t i = 0; i < o->count; i++)
            waiting += o->datagrams[i].video.shard < o->datagrams[i].video.data_shards;
        waiting = at + LM_L1_FRAME_BYTES - LM_MIN(waiting * SHARD, at + LM_L1_FRAME_BYTES);
        assert_true(last ? waiting == 0 : waiting <= LM_L1_MIN_BLOCK_DATA * SHARD);
        if (!last && o->count > before)
            assert_false(o->saw_last);
    }
    assert_true(o->saw_last);
}

static void parts_leave_as_whole_shards_and_come_back(void **state)
{
    srand(11);
    print_message("seed 11\n");
    for (int i = 0; i < 60; i++) {
        struct lm_l1_sender_config config = plain;
        config.code = i % 3 == 0 ? LM_L1_CODE_NONE : i % 3 == 1 ? LM_L1_CODE_GF8 : LM_L1_CODE_GF16;
        config.fec_percent = i % 3 ? 1 + (uint32_t)rand() % 100 : 0;
        config.contiguous = rand() % 2;
        config.encrypt = rand() % 2;
        config.max_data_per_block = rand() % 2 ? 1 + (uint32_t)rand() % 60 : 0;
        struct lm_l1_sender *s = make(&config);
        struct l1_output o;
        l1_output_init(&o, &config);
        size_t size = 1 + (size_t)rand() % (rand() % 2 ? 200000 : 2000);
        push_in_parts(s, &o, size);
        check_frame(&o, 1, size);
        uint32_t floor = LM_MIN(16, config.max_data_per_block ? config.max_data_per_block : 16);
        for (size_t d = 0; d < o.count; d++) {
            const struct lm_l1_video *v = &o.datagrams[d].video;
            if (!(v->flags & LM_L1_LAST_BLOCK) && !config.max_data_per_block)
                assert_true(v->data_shards >= floor);
        }
        l1_output_finish(&o);
        lm_l1_sender_destroy(s);
    }
}

static void a_last_push_always_has_bytes_left(void **state)
{
    struct lm_l1_sender *s = make(&plain);
    struct l1_output o;
    l1_output_init(&o, &plain);
    assert_int_equal(lm_l1_sender_begin(s, &begin), 0);
    assert_int_equal(push(s, 0, 0, true), LM_EINVAL);
    assert_int_equal(push(s, 0, 20 * SHARD - 24, false), 0); /* whole shards, one is kept */
    l1_drain(s, &o);
    assert_int_equal(l1_find(&o, 1, 0, 0)->video.data_shards, 19);
    assert_int_equal(push(s, 0, 0, true), 0);
    l1_drain(s, &o);
    check_frame(&o, 1, 20 * SHARD - 24);
    l1_output_finish(&o);
    lm_l1_sender_destroy(s);
}

static void one_bare_datagram_is_not_padded(void **state)
{
    struct lm_l1_sender_config config = plain;
    config.fec_percent = 0;
    config.encrypt = true;
    struct lm_l1_sender *s = make(&config);
    struct l1_output o;
    l1_output_init(&o, &config);
    assert_int_equal(push_frame(s, 100), 0);
    l1_drain(s, &o);
    assert_int_equal(o.count, 1);
    assert_int_equal(o.size_bytes, LM_L1_OVERHEAD_BYTES + LM_L1_FRAME_BYTES + 100);
    check_frame(&o, 1, 100);
    /* Behind others, in a batch of its own. */
    assert_int_equal(lm_l1_sender_begin(s, &begin), 0);
    assert_int_equal(push(s, 0, 20 * SHARD, false), 0);
    assert_int_equal(push(s, 20 * SHARD, 5, true), 0);
    l1_output_clear(&o);
    l1_drain(s, &o);
    assert_int_equal(o.count, 21);
    assert_int_equal(o.batches, 2);
    assert_int_equal(o.datagrams[20].shard_bytes, LM_L1_FRAME_BYTES + 5);
    check_frame(&o, 2, 20 * SHARD + 5);
    l1_output_finish(&o);
    lm_l1_sender_destroy(s);
}

static void a_changed_tag_or_header_does_not_open(void **state)
{
    struct lm_l1_sender_config config = plain;
    config.encrypt = true;
    struct lm_l1_sender *s = make(&config);
    struct lm_batch batch;
    uint64_t wake_at;
    assert_int_equal(push_frame(s, 1000), 0);
    assert_int_equal(lm_l1_sender_pull(s, L1_NOW_NS, &batch, &wake_at), 1);
    size_t size = batch.segment_bytes;
    const size_t at[] = {0, 1, 2, 4, 8, 15, 16, 32, size - 16, size - 1};
    struct lm_aead *aead;
    assert_int_equal(lm_aead_create(&aead, config.key, LM_AEAD_OPENSSL), 0);
    for (size_t i = 0; i <= LM_ARRAY_LEN(at); i++) {
        uint8_t d[SHARD + LM_L1_OVERHEAD_BYTES], nonce[LM_L1_NONCE_BYTES];
        memcpy(d, batch.data, size);
        lm_l1_write_nonce(nonce, config.salt, 0);
        if (i < LM_ARRAY_LEN(at))
            d[at[i]] ^= 1;
        struct lm_aead_message m = {nonce, 12, d, 16, d + 16, size - 32, d + size - 16};
        assert_int_equal(lm_aead_open_message(aead, &m), i < LM_ARRAY_LEN(at) ? LM_EAUTH : 0);
    }
    lm_aead_destroy(aead);
    lm_l1_sender_destroy(s);
}

static void nothing_is_allocated_after_create(void **state)
{
    for (int i = 0; i < 3; i++) {
        struct lm_l1_sender_config config = plain;
        config.code = i == 0 ? LM_L1_CODE_NONE : (enum lm_l1_code)i;
        config.fec_percent = i ? 20 : 0;
        config.encrypt = true;
        struct lm_l1_sender *s = make(&config);
        struct lm_batch batch;
        uint64_t wake_at, before = heap_calls;
        for (size_t size = 100; size < MOST; size = size * 3 / 2) {
            assert_int_equal(push_frame(s, size), 0);
            while (lm_l1_sender_pull(s, L1_NOW_NS, &batch, &wake_at) == 1)
                lm_l1_sender_done(s, batch.segments, L1_NOW_NS);
        }
        assert_true(heap_calls == before);
        lm_l1_sender_destroy(s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(config_is_taken_up_to_its_limits_and_no_further),
        cmocka_unit_test(a_frame_never_has_more_blocks_than_a_receiver_takes),
        cmocka_unit_test(the_largest_frame_size_is_taken_or_refused_cleanly),
        cmocka_unit_test(frames_come_back_by_the_fields_of_their_datagrams),
        cmocka_unit_test(any_shard_size_is_carried),
        cmocka_unit_test(blocks_leave_interleaved_or_one_after_the_other),
        cmocka_unit_test(parts_leave_as_whole_shards_and_come_back),
        cmocka_unit_test(a_last_push_always_has_bytes_left),
        cmocka_unit_test(one_bare_datagram_is_not_padded),
        cmocka_unit_test(a_changed_tag_or_header_does_not_open),
        cmocka_unit_test(nothing_is_allocated_after_create),
    };
    for (size_t i = 0; i < sizeof frame_bytes; i++)
        frame_bytes[i] = (uint8_t)(i * 167 + i / 251 + 3);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
