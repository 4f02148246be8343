#include "core/recv/l1_replay.h"

#include "core/base/check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#define W ((uint64_t)LM_L1_REPLAY_WINDOW)

static void a_number_is_fresh_once(void **state)
{
    struct lm_l1_replay w = {0};
    const uint64_t numbers[] = {0, 1, 5, 3, 2, 4, 63, 64, 127, 128, 65, 4000};
    for (size_t i = 0; i < LM_ARRAY_LEN(numbers); i++) {
        assert_int_equal(lm_l1_replay_check(&w, numbers[i]), LM_L1_REPLAY_FRESH);
        lm_l1_replay_mark(&w, numbers[i]);
        assert_int_equal(lm_l1_replay_check(&w, numbers[i]), LM_L1_REPLAY_SEEN);
    }
}

static void the_window_ends_after_4096_numbers(void **state)
{
    const uint64_t tops[] = {W - 1, W, W + 1, W + 63, 10 * W + 17, UINT64_MAX};
    for (size_t i = 0; i < LM_ARRAY_LEN(tops); i++) {
        struct lm_l1_replay w = {0};
        uint64_t oldest = tops[i] - (W - 1);
        lm_l1_replay_mark(&w, tops[i]);
        assert_int_equal(lm_l1_replay_check(&w, oldest), LM_L1_REPLAY_FRESH);
        if (oldest)
            assert_int_equal(lm_l1_replay_check(&w, oldest - 1), LM_L1_REPLAY_OLD);
        lm_l1_replay_mark(&w, oldest);
        assert_int_equal(lm_l1_replay_check(&w, oldest), LM_L1_REPLAY_SEEN);
        assert_int_equal(lm_l1_replay_check(&w, oldest + 1), LM_L1_REPLAY_FRESH);
    }
}

static void a_jump_forgets_only_what_leaves_the_window(void **state)
{
    const uint64_t jumps[] = {1, 63, 64, 65, W - 2, W - 1, W, W + 64, 3 * W, UINT64_MAX / 2};
    for (size_t i = 0; i < LM_ARRAY_LEN(jumps); i++) {
        struct lm_l1_replay w = {0};
        for (uint64_t n = 70; n < 70 + W; n += 3)
            lm_l1_replay_mark(&w, n);
        uint64_t highest = w.highest, top = highest + jumps[i];
        lm_l1_replay_mark(&w, top);
        for (uint64_t n = top - LM_MIN(W - 1, top); n < top; n++) {
            bool was_seen = n <= highest && n >= 70 && (n - 70) % 3 == 0;
            assert_int_equal(lm_l1_replay_check(&w, n),
                             was_seen ? LM_L1_REPLAY_SEEN : LM_L1_REPLAY_FRESH);
        }
    }
}

/* Against a list of all numbers ever seen. */
static void random_numbers_are_judged_as_by_a_list(void **state)
{
    enum { SPAN = 40000, ROUNDS = 60000 };
    static bool seen[SPAN + 9000];
    struct lm_l1_replay w = {0};
    uint64_t random = 77, base = 0, highest = 0;
    print_message("seed %llu\n", (unsigned long long)random);
    for (int i = 0; i < ROUNDS && base < SPAN; i++) {
        random = random * UINT64_C(6364136223846793005) + 1442695040888963407u;
        uint64_t n = base + (random >> 33) % 5000;
        base += (random >> 20) % 3 == 0;
        enum lm_l1_replay_result want = LM_L1_REPLAY_FRESH;
        if (n <= highest && highest - n >= W)
            want = LM_L1_REPLAY_OLD;
        else if (seen[n])
            want = LM_L1_REPLAY_SEEN;
        assert_int_equal(lm_l1_replay_check(&w, n), want);
        if (want != LM_L1_REPLAY_FRESH)
            continue;
        lm_l1_replay_mark(&w, n);
        seen[n] = true;
        highest = LM_MAX(highest, n);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_number_is_fresh_once),
        cmocka_unit_test(the_window_ends_after_4096_numbers),
        cmocka_unit_test(a_jump_forgets_only_what_leaves_the_window),
        cmocka_unit_test(random_numbers_are_judged_as_by_a_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
