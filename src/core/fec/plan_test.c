#include "core/fec/plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

static unsigned number(const json_t *object, const char *name)
{
    return (unsigned)json_integer_value(json_object_get(object, name));
}

static void frames_match_the_vectors(void **state) /* gs-media 37, 39 */
{
    size_t i, j;
    json_t *item, *block, *root = json_load_file(LUMEN_VECTORS "/fec-block-plan.json", 0, NULL);
    assert_non_null(root);
    json_array_foreach(json_object_get(root, "cases"), i, item)
    {
        struct lm_plan plan;
        struct lm_plan_params params = {number(item, "fec_percentage"), number(item, "min_parity")};
        assert_int_equal(lm_plan_frame(&plan, number(item, "data_packets"), &params), 0);
        json_t *blocks = json_object_get(item, "blocks");
        assert_int_equal(plan.count, json_array_size(blocks));
        json_array_foreach(blocks, j, block)
        {
            assert_int_equal(plan.blocks[j].k, json_integer_value(json_array_get(block, 0)));
            assert_int_equal(plan.blocks[j].m, json_integer_value(json_array_get(block, 1)));
            assert_int_equal(plan.blocks[j].percent, json_integer_value(json_array_get(block, 2)));
        }
    }
    assert_int_equal(i, 175);
    json_decref(root);
}

static void expect_block(const struct lm_plan_block *b, unsigned k)
{
    assert_int_equal(b->k, k);
    assert_int_equal(b->m, (b->k * b->percent + 99) / 100);
    assert_true(b->percent <= 255);
    assert_true(b->m == 0 || b->k + b->m <= 255);
}

/* Every block size that parity allows, each percentage, a spread of minima. */
static void parity_follows_from_the_percentage(void **state) /* gs-media 37, 38 */
{
    static const unsigned minima[] = {0, 1, 2, 3, 7, 40, 255};
    for (unsigned percent = 1; percent <= 255; percent++)
        for (unsigned k = 1; k <= LM_PLAN_MAX_DATA; k++)
            for (unsigned q = 0; q < sizeof minima / sizeof minima[0]; q++) {
                struct lm_plan_params params = {percent, minima[q]};
                struct lm_plan_block b;
                assert_int_equal(lm_plan_block(&b, k, &params), 0);
                expect_block(&b, k);
                assert_true(b.m >= 1);
                if (k <= lm_plan_max_data(percent))
                    assert_true(b.percent >= percent);
            }
}

static void small_blocks_reach_the_minimum_exactly(void **state) /* gs-media 42 */
{
    struct lm_plan_params params = {20, 2};
    static const unsigned expected[][3] = {{1, 2, 200},   {2, 2, 100},  {3, 2, 66},  {4, 2, 50},
                                           {5, 2, 40},    {6, 2, 20},   {10, 2, 20}, {11, 3, 20},
                                           {121, 25, 20}, {212, 43, 20}};
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        struct lm_plan_block b;
        assert_int_equal(lm_plan_block(&b, expected[i][0], &params), 0);
        assert_int_equal(b.m, expected[i][1]);
        assert_int_equal(b.percent, expected[i][2]);
    }
}

static void no_percentage_means_no_minimum(void **state) /* gs-media 42 */
{
    struct lm_plan_params params = {0, 2};
    struct lm_plan_block b;
    assert_int_equal(lm_plan_block(&b, 1023, &params), 0);
    assert_int_equal(b.m, 0);
    assert_int_equal(b.percent, 0);
    assert_int_equal(lm_plan_block(&b, 1024, &params), LM_ELIMIT);
    assert_int_equal(lm_plan_block(&b, 0, &params), LM_EINVAL);
}

static void frames_keep_every_shard_and_at_most_four_blocks(void **state) /* gs-media 38, 39 */
{
    for (unsigned percent = 0; percent <= 255; percent += 5)
        for (unsigned total = 1; total <= 4 * 1023; total += total < 1100 ? 1 : 37) {
            struct lm_plan_params params = {percent, 2};
            struct lm_plan plan;
            unsigned sum = 0;
            assert_int_equal(lm_plan_frame(&plan, total, &params), 0);
            assert_true(plan.count >= 1 && plan.count <= 4);
            assert_int_equal(plan.bare, percent && total > 4 * lm_plan_max_data(percent));
            for (unsigned i = 0; i < plan.count; i++) {
                expect_block(&plan.blocks[i], plan.blocks[i].k);
                assert_true(plan.blocks[i].k >= 1 && plan.blocks[i].k <= 1023);
                assert_true((plan.blocks[i].m > 0) == (percent && !plan.bare));
                sum += plan.blocks[i].k;
            }
            assert_int_equal(sum, total);
        }
}

static void frames_out_of_range_are_refused(void **state)
{
    struct lm_plan_params params = {20, 2}, wrong = {256, 2};
    struct lm_plan plan;
    assert_int_equal(lm_plan_frame(&plan, 0, &params), LM_EINVAL);
    assert_int_equal(lm_plan_frame(&plan, 4 * 1023 + 1, &params), LM_ELIMIT);
    assert_int_equal(lm_plan_frame(&plan, 1, &wrong), LM_EINVAL);
}

static void slices_keep_their_blocks(void **state) /* gs-media 38 */
{
    struct lm_plan_params params = {20, 2};
    struct lm_plan plan;
    unsigned slices[4] = {1, 212, 213, 252};
    assert_int_equal(lm_plan_slices(&plan, slices, 4, &params), 0);
    assert_int_equal(plan.count, 4);
    for (unsigned i = 0; i < 4; i++)
        expect_block(&plan.blocks[i], slices[i]);
    assert_int_equal(plan.blocks[1].percent, 20);
    assert_int_equal(plan.blocks[2].percent, 19); /* lowered: 213 + 43 would be 256 */
    assert_int_equal(plan.blocks[3].m, 3);
    slices[3] = LM_PLAN_MAX_DATA + 1;
    assert_int_equal(lm_plan_slices(&plan, slices, 4, &params), LM_ELIMIT);
    slices[3] = 0;
    assert_int_equal(lm_plan_slices(&plan, slices, 4, &params), LM_EINVAL);
    assert_int_equal(lm_plan_slices(&plan, slices, 0, &params), LM_EINVAL);
    assert_int_equal(lm_plan_slices(&plan, slices, 5, &params), LM_EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_match_the_vectors),
        cmocka_unit_test(parity_follows_from_the_percentage),
        cmocka_unit_test(small_blocks_reach_the_minimum_exactly),
        cmocka_unit_test(no_percentage_means_no_minimum),
        cmocka_unit_test(frames_keep_every_shard_and_at_most_four_blocks),
        cmocka_unit_test(frames_out_of_range_are_refused),
        cmocka_unit_test(slices_keep_their_blocks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
