#include "core/recv/l1_repair.h"

#include "core/base/check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void parity_kept_is_its_share_as_far_as_the_code_goes(void **state)
{
    const struct {
        uint32_t max_data, percent;
        uint8_t code;
        uint16_t k, m;
        uint32_t kept;
    } rows[] = {
        {1000, 0, LM_L1_CODE_GF8, 100, 20, 0},
        {1000, 0, LM_L1_CODE_GF16, 100, 20, 0},
        {1000, 20, LM_L1_CODE_NONE, 100, 0, 0},
        {1000, 20, LM_L1_CODE_GF8, 100, 20, 20},
        {1000, 20, LM_L1_CODE_GF8, 101, 22, 21},
        {1000, 20, LM_L1_CODE_GF8, 1, 254, 1},
        {1000, 20, LM_L1_CODE_GF16, 1000, 200, 200},
        {1000, 20, LM_L1_CODE_GF16, 1000, 199, 199},
        {1000, 20, LM_L1_CODE_GF16, 300, 200, 60},
        {1000, 20, LM_L1_CODE_GF16, 300, 201, 0}, /* not of the code's size */
        {1000, 20, LM_L1_CODE_GF16, 1001, 200, 0},
        {1, 100, LM_L1_CODE_GF16, 1, 1, 1},
        {1, 1, LM_L1_CODE_GF8, 1, 1, 1},
        {1 << 22, 20, LM_L1_CODE_GF16, 49152, 9831, 9831},
        {1 << 22, 20, LM_L1_CODE_GF16, 49153, 9831, 0},
        {1 << 22, 1, LM_L1_CODE_GF16, 64512, 646, 646},
    };
    for (size_t i = 0; i < LM_ARRAY_LEN(rows); i++) {
        struct lm_l1_repair r;
        struct lm_l1_video v = {
            .code = rows[i].code, .data_shards = rows[i].k, .parity_shards = rows[i].m};
        assert_int_equal(lm_l1_repair_init(&r, rows[i].max_data, rows[i].percent, 512), 0);
        assert_int_equal(lm_l1_repair_kept(&r, &v), rows[i].kept);
        lm_l1_repair_finish(&r);
        lm_l1_repair_finish(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parity_kept_is_its_share_as_far_as_the_code_goes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
