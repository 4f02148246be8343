/* What the codes withstand, through the real sender and receiver. The seed is fixed, so each run
 * gives the same numbers; another seed may pass a bound by its chance. */
#include "run.h"

#include "core/base/check.h"
#include "core/base/time.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#define SANITIZED __has_feature(address_sanitizer)
#else
#define SANITIZED 0
#endif

/* Sanitizers make it 20 times as slow, and look for other things than shares. */
enum { SHARD_BYTES = 512, SHARDS = 852, FRAMES = SANITIZED ? 250 : 1500, SEED = 2 };

static struct run_config config_of(enum code code, enum layout layout, uint32_t shards)
{
    return (struct run_config){
        .stream = {.code = code,
                   .layout = layout,
                   .parity_percent = code == CODE_NONE ? 0 : 20,
                   .frame_bytes = shards * SHARD_BYTES - 24,
                   .shard_bytes = SHARD_BYTES,
                   .reorder_ns = 2 * LM_NS_PER_MS},
        .path = {.rate_bps = UINT64_C(1000000000), .burst = 1, .reorder_ns = LM_NS_PER_MS},
        .interval_ns = LM_NS_PER_S / 60,
        .frames = FRAMES,
        .enough = UINT32_MAX,
        .seed = SEED,
    };
}

static struct run_result run(const struct run_config *config)
{
    struct run_result result;
    assert_int_equal(run_experiment(config, &result), 0);
    return result;
}

static double share_of(const struct run_result *r)
{
    return (double)r->frames_lost / r->frames;
}

static void large_frames_withstand_what_they_should(void **state)
{
    static const struct {
        double loss, burst;
        enum code code;
        enum layout layout;
        double low, high;
    } rows[] = {
        {0.02, 30, CODE_GF8, LAYOUT_CONTIGUOUS, 0.14, 0.22},
        {0.02, 30, CODE_GF8, LAYOUT_INTERLEAVED, 0, 0.0099},
        {0.02, 30, CODE_GF16, LAYOUT_SINGLE, 0, 0.0099},
        {0.12, 1, CODE_GF8, LAYOUT_INTERLEAVED, 0.05, 0.11},
        {0.12, 1, CODE_GF16, LAYOUT_SINGLE, 0, 0},
    };
    for (size_t i = 0; i < LM_ARRAY_LEN(rows); i++) {
        struct run_config config = config_of(rows[i].code, rows[i].layout, SHARDS);
        config.path.loss = rows[i].loss;
        config.path.burst = rows[i].burst;
        struct run_result r = run(&config);
        double lost = (double)r.datagrams_lost / (double)r.datagrams;
        print_message("%s, %g %% loss, bursts of %g: %.2f %% of %u frames lost\n",
                      options_code_name(rows[i].code), 100 * rows[i].loss, rows[i].burst,
                      100 * share_of(&r), r.frames);
        assert_int_equal(r.frames, FRAMES);
        assert_true(fabs(lost - rows[i].loss) < 0.1 * rows[i].loss);
        /* The bounds are for the full number of frames. */
        double margin = SANITIZED ? 3 * sqrt(rows[i].high * (1 - rows[i].high) / r.frames) : 0;
        assert_true(share_of(&r) >= rows[i].low - margin && share_of(&r) <= rows[i].high + margin);
    }
}

/* The chance that more than m of k + m datagrams are lost. */
static double block_loss(int k, int m, double loss)
{
    double sum = 0;
    for (int lost = 0; lost <= m; lost++)
        sum += exp(lgamma(k + m + 1) - lgamma(lost + 1) - lgamma(k + m - lost + 1) +
                   lost * log(loss) + (k + m - lost) * log1p(-loss));
    return 1 - sum;
}

/* A block is repaired whenever enough of it arrived, and never otherwise. */
static void independent_losses_follow_the_binomial(void **state)
{
    static const struct {
        enum code code;
        uint32_t shards, m;
        double loss;
    } rows[] = {
        {CODE_GAMESTREAM, 40, 8, 0.10}, {CODE_GF8, 40, 8, 0.10},    {CODE_GF16, 40, 8, 0.10},
        {CODE_NONE, 40, 0, 0.02},       {CODE_GF16, 300, 60, 0.16},
    };
    for (size_t i = 0; i < LM_ARRAY_LEN(rows); i++) {
        struct run_config config = config_of(rows[i].code, LAYOUT_SINGLE, rows[i].shards);
        config.path.loss = rows[i].loss;
        config.frames = 2 * FRAMES;
        struct run_result r = run(&config);
        double wanted = block_loss((int)rows[i].shards, (int)rows[i].m, rows[i].loss);
        double deviation = sqrt(wanted * (1 - wanted) / r.frames);
        print_message("%s, %u shards: %.4f lost, %.4f wanted\n", options_code_name(rows[i].code),
                      rows[i].shards, share_of(&r), wanted);
        assert_true(fabs(share_of(&r) - wanted) < 4 * deviation);
    }
}

static void without_loss_nothing_is_lost_or_late(void **state)
{
    static const enum code codes[] = {CODE_GAMESTREAM, CODE_NONE, CODE_GF8, CODE_GF16};
    for (size_t i = 0; i < 2 * LM_ARRAY_LEN(codes); i++) {
        struct run_config config = config_of(codes[i / 2], LAYOUT_INTERLEAVED, 300);
        config.frames = 50;
        config.stream.encrypt = i & 1;
        struct run_result r = run(&config);
        assert_null(r.impossible);
        assert_int_equal(r.frames_lost + r.datagrams_lost + r.shards_repaired, 0);
        assert_int_equal(r.latency_p50_ns, 0);
        assert_int_equal(r.latency_p99_ns, 0);
        double parity = (double)r.parity_datagrams / (double)r.data_datagrams;
        assert_true(fabs(parity - (codes[i / 2] == CODE_NONE ? 0 : 0.2)) < 0.01);
    }
}

static void disorder_and_copies_lose_nothing(void **state)
{
    static const enum code codes[] = {CODE_GAMESTREAM, CODE_NONE, CODE_GF8, CODE_GF16};
    for (size_t i = 0; i < LM_ARRAY_LEN(codes); i++) {
        struct run_config config = config_of(codes[i], LAYOUT_INTERLEAVED, 300);
        config.frames = 200;
        config.path.reorder = 0.3;
        config.path.duplicate = 0.2;
        struct run_result r = run(&config);
        assert_int_equal(r.frames_lost, 0);
        assert_true(r.latency_p99_ns <= (int64_t)LM_NS_PER_MS);
    }
}

static void repairs_cost_only_the_time_of_the_parity(void **state)
{
    struct run_config config = config_of(CODE_GF16, LAYOUT_SINGLE, 100);
    config.path.rate_bps = 50000000;
    config.path.loss = 0.03;
    config.frames = 1000;
    struct run_result r = run(&config);
    /* 20 datagrams of parity of 560 + 28 bytes at most */
    int64_t parity_ns = 20 * 588 * 8 * INT64_C(20);
    assert_int_equal(r.frames_lost, 0);
    assert_true(r.latency_p50_ns > 0 && r.latency_p50_ns < r.latency_p99_ns);
    assert_true(r.latency_p99_ns <= parity_ns);
}

static void short_queue_loses_the_end_of_each_frame(void **state)
{
    struct run_config config = config_of(CODE_GF16, LAYOUT_SINGLE, 100);
    config.frames = 100;
    config.path.rate_bps = 100000000;
    config.path.queue_bytes = 40000;
    struct run_result r = run(&config);
    assert_int_equal(r.frames_lost, 100);
    assert_int_equal(r.lost_in_queue, r.datagrams_lost);
    config.stream.pace_bytes_per_s = 10000000;
    config.stream.pace_burst_bytes = 20000;
    r = run(&config);
    assert_int_equal(r.frames_lost, 0);
    assert_int_equal(r.datagrams_lost, 0);
}

static void what_cannot_be_is_said(void **state)
{
    struct run_config config = config_of(CODE_GF16, LAYOUT_SINGLE, 100);
    config.path.rate_bps = 1000000;
    assert_non_null(strstr(run(&config).impossible, "link is slower"));
    config.path.rate_bps = 1000000000;
    config.stream.pace_bytes_per_s = 100000;
    config.stream.pace_burst_bytes = 2000;
    assert_non_null(strstr(run(&config).impossible, "pace is slower"));
    config = config_of(CODE_GAMESTREAM, LAYOUT_CONTIGUOUS, 5000);
    assert_non_null(strstr(run(&config).impossible, "too large"));
}

static void same_seed_has_the_same_result(void **state)
{
    struct run_config config = config_of(CODE_GF8, LAYOUT_INTERLEAVED, 300);
    config.path.loss = 0.1;
    config.path.burst = 20;
    config.path.duplicate = 0.1;
    config.frames = 300;
    struct run_result a = run(&config), b = run(&config);
    assert_memory_equal(&a, &b, sizeof a);
    config.seed++;
    b = run(&config);
    assert_memory_not_equal(&a, &b, sizeof a);
}

static void enough_losses_end_a_run(void **state)
{
    struct run_config config = config_of(CODE_NONE, LAYOUT_SINGLE, 100);
    config.path.loss = 0.05;
    config.enough = 10;
    struct run_result r = run(&config);
    assert_in_range(r.frames_lost, 10, 12);
    assert_true(r.frames < 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(large_frames_withstand_what_they_should),
        cmocka_unit_test(independent_losses_follow_the_binomial),
        cmocka_unit_test(without_loss_nothing_is_lost_or_late),
        cmocka_unit_test(disorder_and_copies_lose_nothing),
        cmocka_unit_test(repairs_cost_only_the_time_of_the_parity),
        cmocka_unit_test(short_queue_loses_the_end_of_each_frame),
        cmocka_unit_test(what_cannot_be_is_said),
        cmocka_unit_test(same_seed_has_the_same_result),
        cmocka_unit_test(enough_losses_end_a_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
