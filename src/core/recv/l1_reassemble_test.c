#include "core/recv/l1_reassemble.h"

#include "core/recv/l1_make.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define NOW_NS UINT64_C(1000000000)

enum { MAX_BYTES = 400 * MADE_SHARD - LM_L1_FRAME_BYTES, PERCENT = 50, BLOCKS = 8 };

struct rig {
    struct lm_l1_limits limits;
    struct lm_l1_repair repair;
    struct lm_l1_reassemble frame;
    struct made made;
};

static void rig_init(struct rig *g, uint32_t percent)
{
    lm_l1_limits_of(&g->limits, MAX_BYTES, MADE_SHARD, percent, BLOCKS);
    assert_int_equal(g->limits.data, 400);
    assert_int_equal(lm_l1_repair_init(&g->repair, g->limits.data, percent, MADE_SHARD), 0);
    assert_int_equal(lm_l1_reassemble_init(&g->frame, &g->limits), 0);
    made_init(&g->made, false);
}

static void rig_finish(struct rig *g)
{
    made_finish(&g->made);
    lm_l1_reassemble_finish(&g->frame);
    lm_l1_repair_finish(&g->repair);
}

static enum lm_l1_reassemble_result add(struct rig *g, const struct made_datagram *d)
{
    struct lm_l1_shard shard = {d->video, d->sequence, d->shard, d->shard_bytes};
    return lm_l1_reassemble_add(&g->frame, &g->repair, &shard, NOW_NS + d->sequence);
}

static void expect_content(const struct rig *g, const struct made_frame *f)
{
    assert_true(g->frame.complete);
    assert_int_equal(lm_l1_reassemble_size(&g->frame), made_size(f) + LM_L1_FRAME_BYTES);
    const uint8_t *at = g->frame.data + LM_L1_FRAME_BYTES;
    for (size_t i = 0; i < made_size(f); i++)
        if (at[i] != made_byte(f->number, i))
            fail_msg("byte %zu of frame %u", i, f->number);
}

static const struct made_frame shapes[] = {
    {.number = 1, .blocks = {{LM_L1_CODE_NONE, 1, 0}}, .last_bytes = 25},
    {.number = 2, .blocks = {{LM_L1_CODE_NONE, 9, 0}}, .last_bytes = 1},
    {.number = 3, .blocks = {{LM_L1_CODE_GF8, 1, 1}}},
    {.number = 4, .blocks = {{LM_L1_CODE_GF8, 10, 5}}, .last_bytes = 100},
    {.number = 5, .blocks = {{LM_L1_CODE_GF8, 169, 85}}, .last_bytes = 511},
    {.number = 6, .blocks = {{LM_L1_CODE_GF16, 30, 6}}, .last_bytes = 40},
    {.number = 7, .blocks = {{LM_L1_CODE_GF16, 260, 40}}, .last_bytes = 512},
    {.number = 8,
     .blocks = {{LM_L1_CODE_GF8, 11, 3}, {LM_L1_CODE_GF8, 11, 3}, {LM_L1_CODE_GF8, 10, 2}},
     .last_bytes = 7},
    {.number = 9,
     .blocks = {{LM_L1_CODE_GF8, 3, 1}, {LM_L1_CODE_GF16, 40, 9}, {LM_L1_CODE_NONE, 5, 0}},
     .last_bytes = 99},
    {.number = 10,
     .blocks = {{LM_L1_CODE_NONE, 2, 0},
                {LM_L1_CODE_GF16, 17, 4},
                {LM_L1_CODE_GF8, 30, 15},
                {LM_L1_CODE_GF8, 1, 1},
                {LM_L1_CODE_GF16, 50, 25},
                {LM_L1_CODE_GF8, 4, 2},
                {LM_L1_CODE_GF8, 16, 4},
                {LM_L1_CODE_GF8, 2, 1}},
     .last_bytes = 300,
     .flags = LM_L1_KEY_FRAME | LM_L1_RECOVERY_POINT},
};

static void shuffle(uint32_t *list, uint32_t count, uint64_t *random)
{
    for (uint32_t i = count; i > 1; i--) {
        uint32_t other = (uint32_t)(made_random(random) % i), kept = list[i - 1];
        list[i - 1] = list[other];
        list[other] = kept;
    }
}

/* Pushes the datagrams in this order until each block has all but `short_of` of what it needs. */
static void push_needed(struct rig *g, const struct made_frame *f, const uint32_t *order,
                        uint32_t short_of)
{
    uint32_t got[8] = {0};
    for (uint32_t i = 0; i < g->made.count; i++) {
        const struct made_datagram *d = &g->made.datagrams[order[i]];
        uint32_t b = d->video.block;
        if (got[b] + (b == 0 ? short_of : 0) >= f->blocks[b].k)
            continue;
        got[b]++;
        assert_false(g->frame.complete);
        enum lm_l1_reassemble_result result = add(g, d);
        assert_true(result == LM_L1_STORED || result == LM_L1_REPAIRED);
    }
}

static void any_k_of_each_block_in_any_order_complete_the_frame(void **state)
{
    static uint32_t order[MADE_MAX];
    struct rig g;
    uint64_t random = 20250101;
    print_message("seed %llu\n", (unsigned long long)random);
    rig_init(&g, PERCENT);
    for (size_t s = 0; s < LM_ARRAY_LEN(shapes); s++) {
        g.made.count = 0;
        made_frame(&g.made, &shapes[s]);
        for (uint32_t i = 0; i < g.made.count; i++)
            order[i] = i;
        for (int round = 0; round < 12; round++) {
            if (round)
                shuffle(order, g.made.count, &random);
            push_needed(&g, &shapes[s], order, 0);
            expect_content(&g, &shapes[s]);
            assert_int_equal(g.frame.flags, shapes[s].flags);
            for (uint32_t i = 0; i < g.made.count; i++) {
                enum lm_l1_reassemble_result result = add(&g, &g.made.datagrams[i]);
                assert_true(result == LM_L1_DUPLICATE || result == LM_L1_SURPLUS);
            }
            expect_content(&g, &shapes[s]);
            lm_l1_reassemble_reset(&g.frame);
            push_needed(&g, &shapes[s], order, 1);
            assert_false(g.frame.complete);
            lm_l1_reassemble_reset(&g.frame);
        }
    }
    rig_finish(&g);
}

static void blocks_in_any_order_find_their_place(void **state)
{
    struct rig g;
    rig_init(&g, PERCENT);
    struct made_frame f = {.number = 3,
                           .blocks = {{LM_L1_CODE_GF8, 20, 4},
                                      {LM_L1_CODE_GF8, 7, 2},
                                      {LM_L1_CODE_GF16, 33, 8},
                                      {LM_L1_CODE_NONE, 3, 0}},
                           .last_bytes = 30,
                           .contiguous = true};
    const uint32_t from[] = {0, 24, 33, 74, 77};
    const int orders[][4] = {{0, 1, 2, 3}, {3, 2, 1, 0}, {2, 0, 3, 1}, {1, 3, 0, 2}};
    made_frame(&g.made, &f);
    assert_int_equal(g.made.count, from[4]);
    for (size_t o = 0; o < LM_ARRAY_LEN(orders); o++) {
        for (int i = 0; i < 4; i++) {
            int b = orders[o][i];
            /* Backwards, and the first is missing where there is parity. */
            for (uint32_t d = from[b + 1]; d-- > from[b] + (b < 3);)
                add(&g, &g.made.datagrams[d]);
        }
        expect_content(&g, &f);
        lm_l1_reassemble_reset(&g.frame);
    }
    rig_finish(&g);
}

static void datagrams_that_contradict_are_refused(void **state)
{
    struct rig g;
    rig_init(&g, PERCENT);
    struct made_frame f = {
        .number = 3,
        .blocks = {{LM_L1_CODE_GF8, 20, 4}, {LM_L1_CODE_GF8, 20, 4}, {LM_L1_CODE_GF8, 20, 4}},
        .last_bytes = 30,
        .contiguous = true};
    made_frame(&g.made, &f);
    struct made_datagram of0 = g.made.datagrams[5], of2 = g.made.datagrams[53], bad[12];
    for (int i = 0; i < 12; i++)
        bad[i] = i < 7 ? of0 : of2;
    bad[0].video.data_shards = 19;
    bad[1].video.parity_shards = 5;
    bad[2].video.code = LM_L1_CODE_GF16;
    bad[3].video.flags |= LM_L1_KEY_FRAME;
    bad[4].video.flags |= LM_L1_LAST_BLOCK; /* block 0 is known not to be the last */
    bad[5].video.block = 1;                 /* not known, but of another kind of frame */
    bad[5].video.flags |= LM_L1_RECOVERY_POINT;
    bad[6].video.block = 1; /* not known, but said to be the last */
    bad[6].video.flags |= LM_L1_LAST_BLOCK;
    bad[7].video.flags = 0; /* block 2 is known to be the last */
    bad[8].video.last_shard_bytes++;
    bad[9].video.block = 3; /* behind the last */
    bad[10].video.block = 3;
    bad[10].video.flags = 0;
    bad[11].video.block = 7;
    bad[11].video.flags = 0;
    assert_int_equal(add(&g, &g.made.datagrams[0]), LM_L1_STORED);
    assert_int_equal(add(&g, &g.made.datagrams[48]), LM_L1_STORED);
    for (int i = 0; i < 12; i++)
        assert_int_equal(add(&g, &bad[i]), LM_L1_REFUSED);
    for (uint32_t i = 0; i < g.made.count; i++)
        assert_int_not_equal(add(&g, &g.made.datagrams[i]), LM_L1_REFUSED);
    expect_content(&g, &f);
    /* An earlier block said to be the last when a later one is known. */
    lm_l1_reassemble_reset(&g.frame);
    assert_int_equal(add(&g, &g.made.datagrams[24]), LM_L1_STORED);
    of0.video.flags |= LM_L1_LAST_BLOCK;
    assert_int_equal(add(&g, &of0), LM_L1_REFUSED);
    rig_finish(&g);
}

static void what_is_beyond_the_limits_is_told(void **state)
{
    struct rig g;
    rig_init(&g, PERCENT);
    const struct {
        uint16_t block[2], k[2];
        enum lm_l1_reassemble_result result[2];
    } rows[] = {
        {{0, 1}, {400, 1}, {LM_L1_STORED, LM_L1_BEYOND}},
        {{0, 1}, {399, 1}, {LM_L1_STORED, LM_L1_STORED}},
        {{0, 0}, {401, 401}, {LM_L1_BEYOND, LM_L1_BEYOND}},
        {{7, 0}, {393, 1}, {LM_L1_STORED, LM_L1_STORED}},
        {{7, 0}, {393, 2}, {LM_L1_STORED, LM_L1_BEYOND}},
        {{7, 0}, {394, 1}, {LM_L1_BEYOND, LM_L1_STORED}},
        {{0, 7}, {394, 1}, {LM_L1_STORED, LM_L1_BEYOND}},
        {{8, 65535}, {1, 1}, {LM_L1_BEYOND, LM_L1_BEYOND}},
        {{0, 1}, {65535, 400}, {LM_L1_BEYOND, LM_L1_BEYOND}},
    };
    for (size_t i = 0; i < LM_ARRAY_LEN(rows); i++) {
        bool is_beyond = false;
        for (int d = 0; d < 2; d++) {
            struct made_datagram datagram = {.video = {.frame = 1,
                                                       .block = rows[i].block[d],
                                                       .data_shards = rows[i].k[d],
                                                       .last_shard_bytes = MADE_SHARD},
                                             .sequence = (uint64_t)d,
                                             .shard_bytes = MADE_SHARD};
            assert_int_equal(add(&g, &datagram), rows[i].result[d]);
            is_beyond = is_beyond || rows[i].result[d] == LM_L1_BEYOND;
        }
        assert_int_equal(g.frame.beyond, is_beyond);
        lm_l1_reassemble_reset(&g.frame);
        assert_false(g.frame.beyond);
    }
    rig_finish(&g);
}

static void parity_beyond_its_share_is_surplus(void **state)
{
    const struct {
        uint32_t percent, kept;
    } rows[] = {{0, 0}, {1, 1}, {10, 2}, {11, 3}, {20, 4}, {50, 10}, {100, 10}};
    struct made_frame f = {.number = 5, .blocks = {{LM_L1_CODE_GF8, 20, 10}}};
    for (size_t i = 0; i < LM_ARRAY_LEN(rows); i++) {
        struct rig g;
        rig_init(&g, rows[i].percent);
        made_frame(&g.made, &f);
        for (uint32_t d = 20; d < 30; d++)
            assert_int_equal(add(&g, &g.made.datagrams[d]),
                             d - 20 < rows[i].kept ? LM_L1_STORED : LM_L1_SURPLUS);
        for (uint32_t d = rows[i].kept; d < 20; d++)
            add(&g, &g.made.datagrams[d]);
        expect_content(&g, &f);
        assert_int_equal(g.frame.repaired, rows[i].kept);
        rig_finish(&g);
    }
}

/* Whether the frame could still complete if all datagrams from `next` on arrived. */
static bool is_possible(const struct rig *g, const struct made_frame *f, const bool *arrives,
                        uint32_t next)
{
    uint32_t have[8] = {0};
    for (uint32_t i = 0; i < g->made.count; i++)
        have[g->made.datagrams[i].video.block] += i >= next || arrives[i];
    for (uint32_t b = 0; b < made_block_count(f); b++)
        if (have[b] < f->blocks[b].k)
            return false;
    return true;
}

/* In the order of sending: never is a frame thought lost that can complete, and once its last
 * datagram, or one of a row behind the loss, is there, one that cannot is known. */
static void a_frame_is_doomed_exactly_when_it_cannot_complete(void **state)
{
    static bool arrives[MADE_MAX];
    struct rig g;
    uint64_t random = 4711;
    uint32_t doomed = 0, early = 0;
    print_message("seed %llu\n", (unsigned long long)random);
    rig_init(&g, PERCENT);
    for (uint32_t round = 0; round < 1200; round++) {
        struct made_frame f = shapes[3 + round % 7];
        f.contiguous = round / 7 % 2;
        g.made.count = 0;
        made_frame(&g.made, &f);
        uint32_t n = g.made.count, burst = 0, rate = 2 + round % 17;
        for (uint32_t i = 0; i < n; i++) {
            if (made_random(&random) % (8 * rate) == 0)
                burst = 1 + (uint32_t)(made_random(&random) % (n / 4 + 1));
            arrives[i] = burst == 0 && made_random(&random) % rate != 0;
            burst -= burst > 0;
        }
        uint32_t known_at = n;
        for (uint32_t i = 0; i < n; i++) {
            if (arrives[i])
                add(&g, &g.made.datagrams[i]);
            if (g.frame.doomed_ns && is_possible(&g, &f, arrives, i + 1))
                fail_msg("round %u: frame of shape %u thought lost at %u of %u", round,
                         3 + round % 7, i, n);
            if (g.frame.doomed_ns && known_at == n)
                known_at = i;
        }
        bool is_lost = !is_possible(&g, &f, arrives, n);
        assert_int_equal(g.frame.complete, !is_lost);
        doomed += is_lost;
        early += known_at < n;
        if (is_lost && arrives[n - 1] && made_block_count(&f) == 1)
            assert_true(g.frame.doomed_ns);
        lm_l1_reassemble_reset(&g.frame);
    }
    print_message("%u lost, of these %u known within the frame\n", doomed, early);
    assert_true(doomed > 200 && early > doomed * 3 / 4);
    rig_finish(&g);
}

static void a_block_sent_to_its_end_is_known_with_the_next_one(void **state)
{
    struct rig g;
    rig_init(&g, PERCENT);
    struct made_frame f = {
        .number = 3,
        .blocks = {{LM_L1_CODE_GF8, 20, 4}, {LM_L1_CODE_GF8, 20, 4}, {LM_L1_CODE_GF8, 20, 4}},
        .contiguous = true};
    made_frame(&g.made, &f);
    for (uint32_t i = 0; i < 15; i++)
        add(&g, &g.made.datagrams[i]);
    assert_int_equal(g.frame.doomed_ns, 0);
    add(&g, &g.made.datagrams[24]); /* the first of block 1 */
    assert_true(g.frame.doomed_ns > 0);
    /* Five more came late: it completes. */
    for (uint32_t i = 15; i < 20; i++) {
        assert_true(g.frame.doomed_ns > 0);
        add(&g, &g.made.datagrams[i]);
    }
    assert_int_equal(g.frame.doomed_ns, 0);
    rig_finish(&g);
}

static void a_filled_hole_starts_the_wait_anew(void **state)
{
    struct rig g;
    rig_init(&g, PERCENT);
    struct made_frame f = {.number = 3, .blocks = {{LM_L1_CODE_GF8, 10, 2}}};
    made_frame(&g.made, &f);
    struct made_datagram *d = g.made.datagrams;
    add(&g, &d[3]); /* 0-2 are missing, more than two parities repair */
    assert_int_equal(g.frame.doomed_ns, NOW_NS + d[3].sequence);
    add(&g, &d[9]);
    assert_int_equal(g.frame.doomed_ns, NOW_NS + d[3].sequence);
    add(&g, &d[1]);
    assert_int_equal(g.frame.doomed_ns, NOW_NS + d[1].sequence);
    rig_finish(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_k_of_each_block_in_any_order_complete_the_frame),
        cmocka_unit_test(blocks_in_any_order_find_their_place),
        cmocka_unit_test(datagrams_that_contradict_are_refused),
        cmocka_unit_test(what_is_beyond_the_limits_is_told),
        cmocka_unit_test(parity_beyond_its_share_is_surplus),
        cmocka_unit_test(a_frame_is_doomed_exactly_when_it_cannot_complete),
        cmocka_unit_test(a_block_sent_to_its_end_is_known_with_the_next_one),
        cmocka_unit_test(a_filled_hole_starts_the_wait_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
