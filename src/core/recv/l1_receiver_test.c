#include "core/recv/l1_receiver.h"

#include "core/base/bytes.h"
#include "core/recv/l1_rig.h"
#include "core/send/test_vectors.h"

static const struct made_frame shapes[] = {
    {.blocks = {{LM_L1_CODE_NONE, 1, 0}}, .last_bytes = 25},
    {.blocks = {{LM_L1_CODE_NONE, 30, 0}}, .last_bytes = 511},
    {.blocks = {{LM_L1_CODE_GF8, 1, 1}}, .flags = LM_L1_KEY_FRAME},
    {.blocks = {{LM_L1_CODE_GF8, 100, 20}}, .last_bytes = 300},
    {.blocks = {{LM_L1_CODE_GF16, 150, 30}}, .last_bytes = 30},
    {.blocks = {{LM_L1_CODE_GF8, 21, 5}, {LM_L1_CODE_GF8, 21, 5}, {LM_L1_CODE_GF8, 20, 4}},
     .last_bytes = 88},
    {.blocks = {{LM_L1_CODE_GF8, 16, 4}, {LM_L1_CODE_GF16, 64, 16}, {LM_L1_CODE_NONE, 3, 0}},
     .last_bytes = 1,
     .contiguous = true},
};

static void frames_come_out_as_they_went_in(void **state)
{
    for (uint32_t i = 0; i < 4 * LM_ARRAY_LEN(shapes); i++) {
        struct made m;
        struct made_frame f = shapes[i / 4];
        made_init(&m, i & 1);
        struct lm_l1_receiver *r = make_receiver(m.encrypt);
        for (f.number = 1; f.number < 8; f.number++) {
            uint32_t from = made_frame(&m, &f);
            for (uint32_t d = m.count; d-- > from;) /* every second time backwards */
                push(r, &m, i & 2 ? d : from + m.count - 1 - d, NOW_NS);
            expect_frame(r, NOW_NS, &f);
        }
        expect_nothing(r, NOW_NS);
        assert_int_equal(stats_of(r).frames_delivered, 7);
        assert_int_equal(stats_of(r).datagrams, m.count);
        assert_int_equal(lm_l1_receiver_wake_at(r), LM_TIME_MAX);
        lm_l1_receiver_destroy(r);
        made_finish(&m);
    }
}

static void the_datagram_that_makes_k_repairs(void **state)
{
    struct made m;
    made_init(&m, true);
    struct lm_l1_receiver *r = make_receiver(true);
    add_plain(&m, 1, 20, 4);
    for (uint32_t i = 4; i < 24; i++) {
        expect_nothing(r, NOW_NS + i);
        push(r, &m, i, NOW_NS + i);
    }
    struct lm_l1_received_frame frame;
    assert_int_equal(lm_l1_receiver_pop(r, NOW_NS + 23, &frame), 1);
    assert_int_equal(frame.repaired_shards, 4);
    assert_int_equal(frame.first_packet_ns, NOW_NS + 4);
    assert_int_equal(frame.complete_ns, NOW_NS + 23);
    for (uint32_t i = 0; i < 4; i++)
        push(r, &m, i, NOW_NS + 30);
    assert_int_equal(stats_of(r).surplus, 4);
    assert_int_equal(stats_of(r).blocks_repaired, 1);
    assert_int_equal(stats_of(r).shards_repaired, 4);
    lm_l1_receiver_destroy(r);
    made_finish(&m);
}

static void what_came_before_is_a_duplicate_and_what_left_the_window_late(void **state)
{
    for (int encrypt = 0; encrypt < 2; encrypt++) {
        struct made m;
        made_init(&m, encrypt);
        struct lm_l1_receiver *r = make_receiver(encrypt);
        add_plain(&m, 1, 20, 0);
        for (uint32_t i = 0; i < 20; i++) {
            push(r, &m, i, NOW_NS);
            push(r, &m, i / 2, NOW_NS);
        }
        expect_plain(r, NOW_NS, 1, 20);
        for (uint32_t i = 0; i < 20; i++)
            push(r, &m, i, NOW_NS);
        assert_int_equal(stats_of(r).duplicate, 40);
        /* The same shard under another number: known only by its place. */
        m.sequence += 50;
        uint32_t second = add_plain(&m, 2, 5, 0);
        push(r, &m, second, NOW_NS);
        m.datagrams[second].sequence += 40;
        push(r, &m, second, NOW_NS);
        assert_int_equal(stats_of(r).duplicate, 41);
        m.datagrams[second + 1].sequence = m.datagrams[second].sequence + LM_L1_REPLAY_WINDOW;
        push(r, &m, second + 1, NOW_NS);
        m.datagrams[second + 2].sequence = m.datagrams[second].sequence;
        push(r, &m, second + 2, NOW_NS);
        assert_int_equal(stats_of(r).late, 1);
        m.datagrams[second + 2].sequence++;
        push(r, &m, second + 2, NOW_NS);
        assert_int_equal(stats_of(r).accepted, 23);
        assert_int_equal(stats_of(r).reordered, 1);
        lm_l1_receiver_destroy(r);
        made_finish(&m);
    }
}

static void forged_datagrams_change_nothing(void **state)
{
    struct made m;
    made_init(&m, true);
    struct lm_l1_receiver *r = make_receiver(true);
    add_plain(&m, 1, 10, 2);
    for (uint32_t i = 0; i < 10; i++) {
        uint8_t bytes[MADE_DATAGRAM], copy[MADE_DATAGRAM];
        size_t size_bytes = made_datagram(&m, &m.datagrams[i], bytes);
        for (size_t at = 0; at < size_bytes; at += at < 20 ? 1 : 37) {
            memcpy(copy, bytes, size_bytes);
            copy[at] ^= (uint8_t)(1 << at % 8);
            lm_l1_receiver_push(r, copy, size_bytes, NOW_NS);
        }
        for (size_t cut = 0; cut < size_bytes; cut += cut < 50 ? 1 : 61) {
            memcpy(copy, bytes, size_bytes);
            lm_l1_receiver_push(r, copy, cut, NOW_NS);
        }
        /* Far ahead: must not move the window. */
        memcpy(copy, bytes, size_bytes);
        memset(copy + 8, 0xff, 8);
        lm_l1_receiver_push(r, copy, size_bytes, NOW_NS);
        assert_int_equal(stats_of(r).accepted, i);
        push(r, &m, i, NOW_NS);
    }
    assert_int_equal(stats_of(r).accepted, 10);
    assert_true(stats_of(r).unauthentic > 200 && stats_of(r).malformed > 200);
    expect_plain(r, NOW_NS, 1, 10);
    lm_l1_receiver_destroy(r);
    made_finish(&m);
}

static void only_datagrams_of_this_session_kind_and_manner_are_taken(void **state)
{
    for (int encrypt = 0; encrypt < 2; encrypt++) {
        struct made m;
        uint8_t bytes[MADE_DATAGRAM + 1];
        made_init(&m, encrypt);
        struct lm_l1_receiver *r = make_receiver(encrypt), *other = make_receiver(!encrypt);
        add_plain(&m, 1, 2, 0);
        push(other, &m, 0, NOW_NS);
        assert_int_equal(stats_of(other).unauthentic, 1);
        const struct {
            size_t at;
            uint8_t flip;
            uint64_t malformed, unauthentic;
        } rows[] = {
            {0, 0x01, 1, 0}, {0, 0x08, 1, 0}, {0, 0x10, 1, 0}, {1, 0x02, 1, 0}, {2, 0x01, 1, 0},
            {3, 0x80, 1, 0}, {4, 0x01, 0, 1}, {7, 0x80, 0, 1}, {1, 0x80, 0, 1},
        };
        for (size_t i = 0; i < LM_ARRAY_LEN(rows); i++) {
            struct lm_l1_receiver_stats before = stats_of(r);
            size_t size_bytes = made_datagram(&m, &m.datagrams[0], bytes);
            bytes[rows[i].at] ^= rows[i].flip;
            lm_l1_receiver_push(r, bytes, size_bytes, NOW_NS);
            assert_int_equal(stats_of(r).malformed, before.malformed + rows[i].malformed);
            assert_int_equal(stats_of(r).unauthentic, before.unauthentic + rows[i].unauthentic);
        }
        struct lm_l1_receiver_stats before = stats_of(r);
        size_t size_bytes = made_datagram(&m, &m.datagrams[0], bytes);
        lm_l1_receiver_push(r, bytes, size_bytes + 1, NOW_NS);
        assert_int_equal(stats_of(r).malformed, before.malformed + 1);
        lm_l1_receiver_destroy(r);
        lm_l1_receiver_destroy(other);
        made_finish(&m);
    }
}

static void authentic_but_impossible_headers_are_malformed(void **state)
{
    struct made m;
    made_init(&m, true);
    struct lm_l1_receiver *r = make_receiver(true);
    uint32_t n = 0;
    add_plain(&m, 1, 10, 2);
    add_plain(&m, 1, 10, 2);
    for (uint32_t i = 12; i < 19; i++) {
        struct lm_l1_video *v = &m.datagrams[i].video;
        switch (i) {
        case 12:
            v->data_shards = 0;
            break;
        case 13:
            v->shard = 12;
            break;
        case 14:
            v->code = 3;
            break;
        case 15:
            v->flags = 0x80;
            break;
        case 16:
            v->last_shard_bytes = MADE_SHARD + 1;
            break;
        case 17:
            v->last_shard_bytes = 0;
            break;
        default:
            m.datagrams[i].shard_bytes--;
        }
        push(r, &m, i, NOW_NS);
        assert_int_equal(stats_of(r).malformed, ++n);
    }
    for (uint32_t i = 0; i < 10; i++)
        push(r, &m, i, NOW_NS);
    expect_plain(r, NOW_NS, 1, 10);
    lm_l1_receiver_destroy(r);
    made_finish(&m);
}

static void a_frame_that_cannot_complete_is_lost_after_the_reorder_time(void **state)
{
    struct made m;
    made_init(&m, true);
    struct lm_l1_receiver *r = make_receiver(true);
    const uint64_t reorder = base_config.reorder_ns;
    add_plain(&m, 1, 10, 2);
    uint32_t second = add_plain(&m, 2, 1, 0);
    assert_int_equal(lm_l1_receiver_wake_at(r), LM_TIME_MAX);
    push(r, &m, 2, NOW_NS); /* two missing, two parities */
    assert_int_equal(lm_l1_receiver_wake_at(r), LM_TIME_MAX);
    push(r, &m, 4, NOW_NS + 5);
    assert_int_equal(lm_l1_receiver_wake_at(r), NOW_NS + 5 + reorder);
    push(r, &m, second, NOW_NS + 7);
    expect_nothing(r, NOW_NS + 4 + reorder);
    expect_plain(r, NOW_NS + 5 + reorder, 2, 1);
    expect_loss(r, 1, 1);
    assert_int_equal(lm_l1_receiver_wake_at(r), LM_TIME_MAX);
    push(r, &m, 0, NOW_NS + reorder);
    assert_int_equal(stats_of(r).late, 1);
    assert_int_equal(stats_of(r).frames_lost, 1);
    lm_l1_receiver_destroy(r);
    made_finish(&m);
}

static void a_later_frame_ends_the_wait_for_an_earlier_one(void **state)
{
    struct made m;
    made_init(&m, false);
    struct lm_l1_receiver *r = make_receiver(false);
    add_plain(&m, 1, 10, 2);
    uint32_t second = add_plain(&m, 2, 2, 0);
    for (uint32_t i = 0; i < 9; i++)
        push(r, &m, i, NOW_NS);
    assert_int_equal(lm_l1_receiver_wake_at(r), LM_TIME_MAX);
    push(r, &m, second, NOW_NS + 9);
    assert_int_equal(lm_l1_receiver_wake_at(r), NOW_NS + 9 + base_config.reorder_ns);
    push(r, &m, 10, NOW_NS + 10); /* just late: saved */
    expect_plain(r, NOW_NS + 10, 1, 10);
    expect_nothing(r, NOW_NS + LM_NS_PER_S);
    push(r, &m, second + 1, NOW_NS + 11);
    expect_plain(r, NOW_NS + 11, 2, 2);
    struct lm_loss loss;
    assert_false(lm_l1_receiver_pop_loss(r, &loss));
    assert_int_equal(stats_of(r).reordered, 1);
    lm_l1_receiver_destroy(r);
    made_finish(&m);
}

static void a_frame_beyond_the_limits_is_lost_at_once(void **state)
{
    struct made m;
    made_init(&m, true);
    struct lm_l1_receiver_config config = base_config;
    struct lm_l1_receiver *r;
    struct lm_loss loss;
    config.max_frame_bytes = 10 * MADE_SHARD - LM_L1_FRAME_BYTES;
    config.max_blocks = 2;
    config.encrypted = true;
    memcpy(config.key, made_key, sizeof config.key);
    memcpy(config.salt, made_salt, sizeof config.salt);
    assert_int_equal(lm_l1_receiver_create(&config, &r), 0);
    const struct made_frame frames[] = {
        {.number = 1, .blocks = {{0, 10, 0}}},
        {.number = 2, .blocks = {{0, 11, 0}}},
        {.number = 3, .blocks = {{0, 5, 0}, {0, 5, 0}}},
        {.number = 4, .blocks = {{0, 1, 0}, {0, 1, 0}, {0, 1, 0}}},
        {.number = 5, .blocks = {{0, 5, 0}, {0, 6, 0}}},
        {.number = 6, .blocks = {{LM_L1_CODE_GF8, 9, 1}, {LM_L1_CODE_GF8, 1, 1}}},
    };
    for (uint32_t i = 0; i < LM_ARRAY_LEN(frames); i++) {
        bool is_good = i % 2 == 0 || i == 5;
        is_good = is_good && i != 4;
        m.count = 0;
        made_frame(&m, &frames[i]);
        for (uint32_t d = 0; d < m.count; d++)
            push(r, &m, d, NOW_NS);
        if (is_good) {
            expect_frame(r, NOW_NS, &frames[i]);
            assert_false(lm_l1_receiver_pop_loss(r, &loss));
            continue;
        }
        assert_true(lm_l1_receiver_wake_at(r) <= NOW_NS);
        expect_nothing(r, NOW_NS);
        expect_loss(r, i + 1, i + 1);
        assert_true(stats_of(r).overflow > 0);
    }
    lm_l1_receiver_destroy(r);
    made_finish(&m);
}

static void a_frame_with_less_than_a_header_is_malformed(void **state)
{
    struct made m;
    made_init(&m, false);
    struct lm_l1_receiver *r = make_receiver(false);
    struct made_datagram d = {.video = {.data_shards = 1, .flags = LM_L1_LAST_BLOCK}};
    const uint16_t sizes[] = {1, 23, 24, 25};
    for (uint32_t i = 0; i < 4; i++) {
        uint8_t bytes[MADE_DATAGRAM];
        d.sequence = d.video.frame = i + 1;
        d.shard_bytes = d.video.last_shard_bytes = sizes[i];
        lm_l1_receiver_push(r, bytes, made_datagram(&m, &d, bytes), NOW_NS);
    }
    struct lm_l1_received_frame frame;
    assert_int_equal(lm_l1_receiver_pop(r, NOW_NS, &frame), 1);
    assert_int_equal(frame.frame_index, 4);
    assert_int_equal(frame.size_bytes, 1);
    assert_int_equal(frame.lost_before, 3);
    expect_loss(r, 1, 3);
    assert_int_equal(stats_of(r).frames_malformed, 3);
    assert_int_equal(stats_of(r).frames_lost, 3);
    lm_l1_receiver_destroy(r);
    made_finish(&m);
}

static void frames_not_popped_are_kept_and_newer_ones_refused(void **state)
{
    struct made m;
    made_init(&m, true);
    struct lm_l1_receiver *r = make_receiver(true);
    for (uint32_t i = 1; i <= 10; i++)
        push(r, &m, add_plain(&m, i, 1, 0), NOW_NS);
    assert_int_equal(stats_of(r).overflow, 6);
    for (uint32_t i = 1; i <= 4; i++)
        expect_plain(r, NOW_NS, i, 1);
    expect_nothing(r, NOW_NS);
    lm_l1_receiver_destroy(r);
    made_finish(&m);
}

static void a_popped_frame_stays_until_the_next_pop(void **state)
{
    struct made m;
    made_init(&m, false);
    struct lm_l1_receiver *r = make_receiver(false);
    struct lm_l1_received_frame frame;
    push(r, &m, add_plain(&m, 1, 1, 0), NOW_NS);
    assert_int_equal(lm_l1_receiver_pop(r, NOW_NS, &frame), 1);
    for (uint32_t i = 2; i <= 5; i++)
        push(r, &m, add_plain(&m, i, 1, 0), NOW_NS);
    for (size_t i = 0; i < frame.size_bytes; i++)
        assert_int_equal(frame.data[i], made_byte(1, i));
    for (uint32_t i = 2; i <= 5; i++)
        expect_plain(r, NOW_NS, i, 1);
    lm_l1_receiver_destroy(r);
    made_finish(&m);
}

static void losses_not_popped_are_merged_into_the_last(void **state)
{
    struct made m;
    struct lm_l1_received_frame frame;
    made_init(&m, false);
    struct lm_l1_receiver *r = make_receiver(false);
    for (uint32_t n = 2; n <= 40; n += 2) { /* every second is lost */
        push_single(r, &m, n, NOW_NS);
        assert_int_equal(lm_l1_receiver_pop(r, NOW_NS + LM_NS_PER_S, &frame), 1);
    }
    for (uint32_t n = 1; n < 31; n += 2)
        expect_loss(r, n, n);
    expect_loss(r, 31, 39);
    struct lm_loss loss;
    assert_false(lm_l1_receiver_pop_loss(r, &loss));
    assert_int_equal(stats_of(r).events_dropped, 4);
    assert_int_equal(stats_of(r).frames_lost, 20);
    lm_l1_receiver_destroy(r);
    made_finish(&m);
}

static void refuses_what_is_out_of_range(void **state)
{
    const struct {
        uint32_t shard_bytes;
        uint64_t max_frame_bytes;
        uint32_t percent, blocks, in_flight;
        int result;
    } rows[] = {
        {512, 1, 0, 0, 0, 0},
        {448, 1, 0, 0, 0, LM_EINVAL},
        {513, 1, 0, 0, 0, LM_EINVAL},
        {544, 1, 0, 0, 0, LM_EINVAL},
        {LM_L1_MAX_SHARD_BYTES, 1000000, 20, 1, 2, 0},
        {LM_L1_MAX_SHARD_BYTES + 64, 1, 0, 0, 0, LM_EINVAL},
        {0, 1, 0, 0, 0, LM_EINVAL},
        {1344, 0, 20, 0, 0, LM_EINVAL},
        {1344, (UINT64_C(1) << 31) + 1, 20, 0, 0, LM_EINVAL},
        {1344, 5000000, 100, 4096, 16, 0},
        {1344, 100000, 101, 0, 0, LM_EINVAL},
        {1344, 100000, 20, 4097, 0, LM_EINVAL},
        {1344, 100000, 20, 0, 17, LM_EINVAL},
        {1344, 100000, 20, 0, 1, LM_EINVAL},
    };
    for (size_t i = 0; i < LM_ARRAY_LEN(rows); i++) {
        struct lm_l1_receiver *r;
        struct lm_l1_receiver_config config = {.shard_bytes = rows[i].shard_bytes,
                                               .max_frame_bytes = rows[i].max_frame_bytes,
                                               .max_fec_percent = rows[i].percent,
                                               .max_blocks = rows[i].blocks,
                                               .frames_in_flight = rows[i].in_flight};
        assert_int_equal(lm_l1_receiver_create(&config, &r), rows[i].result);
        assert_true((r == NULL) == (rows[i].result < 0));
        lm_l1_receiver_destroy(r);
    }
}

static void nothing_is_allocated_after_create(void **state)
{
    static uint8_t bytes[MADE_MAX][MADE_DATAGRAM];
    static size_t sizes[MADE_MAX];
    struct made m;
    made_init(&m, true);
    struct lm_l1_receiver *r = make_receiver(true);
    for (uint32_t n = 1; n <= 40; n++) {
        struct made_frame f = shapes[3 + n % 4];
        f.number = n;
        made_frame(&m, &f);
    }
    for (uint32_t i = 0; i < m.count; i++)
        sizes[i] = made_datagram(&m, &m.datagrams[i], bytes[i]);
    uint64_t before = heap_calls;
    uint32_t frames = 0;
    struct lm_l1_received_frame frame;
    for (uint32_t i = 0; i < m.count; i++) {
        if (i % 19 != 3)
            lm_l1_receiver_push(r, bytes[i], sizes[i], NOW_NS + i);
        frames += (uint32_t)lm_l1_receiver_pop(r, NOW_NS + i, &frame);
    }
    assert_int_equal(heap_calls - before, 0);
    assert_true(!COUNTS_HEAP || before > 0);
    assert_true(frames > 25 && stats_of(r).shards_repaired > 100);
    lm_l1_receiver_destroy(r);
    made_finish(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_come_out_as_they_went_in),
        cmocka_unit_test(the_datagram_that_makes_k_repairs),
        cmocka_unit_test(what_came_before_is_a_duplicate_and_what_left_the_window_late),
        cmocka_unit_test(forged_datagrams_change_nothing),
        cmocka_unit_test(only_datagrams_of_this_session_kind_and_manner_are_taken),
        cmocka_unit_test(authentic_but_impossible_headers_are_malformed),
        cmocka_unit_test(a_frame_that_cannot_complete_is_lost_after_the_reorder_time),
        cmocka_unit_test(a_later_frame_ends_the_wait_for_an_earlier_one),
        cmocka_unit_test(a_frame_beyond_the_limits_is_lost_at_once),
        cmocka_unit_test(a_frame_with_less_than_a_header_is_malformed),
        cmocka_unit_test(frames_not_popped_are_kept_and_newer_ones_refused),
        cmocka_unit_test(a_popped_frame_stays_until_the_next_pop),
        cmocka_unit_test(losses_not_popped_are_merged_into_the_last),
        cmocka_unit_test(refuses_what_is_out_of_range),
        cmocka_unit_test(nothing_is_allocated_after_create),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
