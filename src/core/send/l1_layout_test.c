#include "core/send/l1_layout.h"

#include "core/base/check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

static void parity_is_rounded_up(void **state)
{
    const struct {
        uint32_t k, percent, m;
    } rows[] = {{1, 0, 0},     {1, 1, 1},     {16, 20, 4},         {212, 20, 43},     {100, 20, 20},
                {101, 20, 21}, {65535, 0, 0}, {32767, 100, 32767}, {54612, 20, 10923}};
    for (size_t i = 0; i < LM_ARRAY_LEN(rows); i++)
        assert_int_equal(lm_l1_parity(rows[i].k, rows[i].percent), rows[i].m);
}

static void a_block_is_as_large_as_its_code_allows(void **state)
{
    const struct {
        enum lm_l1_code code;
        uint32_t percent, most;
    } rows[] = {
        {LM_L1_CODE_NONE, 0, 65535}, {LM_L1_CODE_NONE, 1, 0},       {LM_L1_CODE_GF8, 0, 0},
        {LM_L1_CODE_GF8, 1, 252},    {LM_L1_CODE_GF8, 20, 212},     {LM_L1_CODE_GF8, 100, 127},
        {LM_L1_CODE_GF16, 0, 0},     {LM_L1_CODE_GF16, 100, 32767}, {LM_L1_CODE_GF16, 20, 49152},
        {LM_L1_CODE_GF16, 1, 64512},
    };
    for (size_t i = 0; i < LM_ARRAY_LEN(rows); i++)
        assert_int_equal(lm_l1_max_data(rows[i].code, rows[i].percent), rows[i].most);
    for (uint32_t percent = 1; percent <= LM_L1_MAX_PERCENT; percent++) {
        for (uint8_t code = LM_L1_CODE_GF8; code <= LM_L1_CODE_GF16; code++) {
            uint32_t k = lm_l1_max_data(code, percent);
            assert_true(lm_l1_code_covers(code, k, lm_l1_parity(k, percent)));
            assert_false(lm_l1_code_covers(code, k + 1, lm_l1_parity(k + 1, percent)));
        }
    }
}

static void blocks_are_even_and_the_larger_come_first(void **state)
{
    const struct {
        uint32_t data, max_data, percent, blocks, first_k, first_m, last_k, last_m;
    } rows[] = {
        {1, 212, 20, 1, 1, 1, 1, 1},
        {212, 212, 20, 1, 212, 43, 212, 43},
        {213, 212, 20, 2, 107, 22, 106, 22},
        {893, 212, 20, 5, 179, 36, 178, 36},
        {893, 49152, 20, 1, 893, 179, 893, 179},
        {10, 3, 0, 4, 3, 0, 2, 0},
        {5, 1, 100, 5, 1, 1, 1, 1},
    };
    for (size_t i = 0; i < LM_ARRAY_LEN(rows); i++) {
        struct lm_l1_split split = {rows[i].data, rows[i].max_data, rows[i].percent, false};
        struct lm_l1_layout l;
        lm_l1_layout_make(&l, &split);
        assert_int_equal(l.blocks, rows[i].blocks);
        struct lm_l1_block first = lm_l1_layout_block(&l, 0);
        struct lm_l1_block last = lm_l1_layout_block(&l, l.blocks - 1);
        assert_int_equal(first.k, rows[i].first_k);
        assert_int_equal(first.m, rows[i].first_m);
        assert_int_equal(last.k, rows[i].last_k);
        assert_int_equal(last.m, rows[i].last_m);
        assert_int_equal(last.from + last.k, rows[i].data);
    }
}

static void interleaved_blocks_take_turns(void **state)
{
    const uint8_t want[] = {0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 0, 1, 2, 0, 1, 2}; /* 4+2, 3+2, 3+2 */
    struct lm_l1_split split = {10, 4, 50, false};
    struct lm_l1_layout l;
    lm_l1_layout_make(&l, &split);
    assert_int_equal(l.data + l.parity, LM_ARRAY_LEN(want));
    for (uint32_t i = 0; i < LM_ARRAY_LEN(want); i++)
        assert_int_equal(lm_l1_layout_block_at(&l, i), want[i]);
}

/* Each shard of each block has a place of its own, places are dense, and block_at is right. */
static void check_places(const struct lm_l1_split *split)
{
    struct lm_l1_layout l;
    lm_l1_layout_make(&l, split);
    uint8_t *taken = calloc(l.data + l.parity, 1);
    assert_non_null(taken);
    uint32_t seen = 0, from = 0;
    for (uint32_t b = 0; b < l.blocks; b++) {
        struct lm_l1_block block = lm_l1_layout_block(&l, b);
        assert_int_equal(block.from, from);
        assert_in_range(block.k, 1, split->max_data);
        assert_int_equal(block.m, lm_l1_parity(block.k, split->percent));
        for (uint32_t i = 0; i < block.k + block.m; i++) {
            uint32_t place = lm_l1_layout_place(&l, b, i);
            assert_true(place < l.data + l.parity && !taken[place]);
            assert_int_equal(lm_l1_layout_block_at(&l, place), b);
            if (!split->contiguous)
                assert_int_equal(place < l.data, i < block.k);
            taken[place] = 1;
            seen++;
        }
        from += block.k;
    }
    assert_int_equal(seen, l.data + l.parity);
    assert_int_equal(from, l.data);
    free(taken);
}

static void every_shard_has_its_own_place(void **state)
{
    srand(7);
    print_message("seed 7\n");
    for (int i = 0; i < 300; i++) {
        struct lm_l1_split split = {
            .data = 1 + (uint32_t)rand() % 1200,
            .max_data = 1 + (uint32_t)rand() % 252,
            .percent = (uint32_t)rand() % 101,
            .contiguous = i % 2,
        };
        check_places(&split);
    }
    check_places(&(struct lm_l1_split){65535, 1, 100, false});
    check_places(&(struct lm_l1_split){65535, 65535, 0, true});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parity_is_rounded_up),
        cmocka_unit_test(a_block_is_as_large_as_its_code_allows),
        cmocka_unit_test(blocks_are_even_and_the_larger_come_first),
        cmocka_unit_test(interleaved_blocks_take_turns),
        cmocka_unit_test(every_shard_has_its_own_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
