/* What the receiver does when numbers jump: frames lost in between, damage, senders that begin
 * anew. */
#include "core/recv/l1_rig.h"

enum { JUMP = 32768, ANEW = 64 };

static void a_jump_loses_the_frames_between(void **state)
{
    const uint32_t jumps[] = {1, 2, 3, 4, 5, 8, 63, 64, 65, 1000, JUMP};
    for (int encrypt = 0; encrypt < 2; encrypt++) {
        struct made m;
        struct lm_loss loss;
        uint32_t at = UINT32_MAX - 1200; /* numbers wrap on the way */
        made_init(&m, encrypt);
        struct lm_l1_receiver_config config = base_config;
        config.first_frame = at;
        config.frames_in_flight = 3;
        config.encrypted = encrypt;
        memcpy(config.key, made_key, sizeof config.key);
        memcpy(config.salt, made_salt, sizeof config.salt);
        struct lm_l1_receiver *r;
        assert_int_equal(lm_l1_receiver_create(&config, &r), 0);
        for (size_t i = 0; i < LM_ARRAY_LEN(jumps); i++) {
            push_single(r, &m, at, NOW_NS);
            expect_plain(r, NOW_NS, at, 1);
            uint32_t next = at + 1 + jumps[i];
            push_single(r, &m, next, NOW_NS);
            struct lm_l1_received_frame frame;
            assert_int_equal(lm_l1_receiver_pop(r, NOW_NS + config.reorder_ns, &frame), 1);
            assert_int_equal(frame.frame_index, next);
            assert_int_equal(frame.lost_before, jumps[i]);
            expect_loss(r, at + 1, next - 1);
            assert_false(lm_l1_receiver_pop_loss(r, &loss));
            /* What was given up or delivered stays so. */
            struct lm_l1_receiver_stats before = stats_of(r);
            m.sequence -= 1000;
            push_single(r, &m, next - 1, NOW_NS);
            push_single(r, &m, next, NOW_NS);
            m.sequence += 998;
            assert_int_equal(stats_of(r).late, before.late + 1);
            assert_int_equal(stats_of(r).surplus, before.surplus + 1);
            at = next + 1;
        }
        lm_l1_receiver_destroy(r);
        made_finish(&m);
    }
}

static void a_number_far_away_is_followed_only_when_it_persists(void **state)
{
    const uint32_t first[] = {1 + JUMP + 1, 1u << 31, UINT32_MAX - JUMP - 500};
    for (size_t i = 0; i < 2 * LM_ARRAY_LEN(first); i++) {
        struct made m;
        struct lm_l1_received_frame frame;
        made_init(&m, i & 1);
        struct lm_l1_receiver *r = make_receiver(i & 1);
        uint32_t far = first[i / 2];
        /* Now and then one: dropped. */
        for (uint32_t n = 1; n <= 100; n++) {
            push_single(r, &m, far + 200, NOW_NS);
            push_single(r, &m, n, NOW_NS);
            expect_plain(r, NOW_NS, n, 1);
        }
        assert_int_equal(stats_of(r).malformed, 100);
        for (uint32_t n = 0; n < ANEW - 1; n++)
            push_single(r, &m, far + 200 + n, NOW_NS);
        expect_nothing(r, NOW_NS + LM_NS_PER_S);
        push_single(r, &m, far + 200 + ANEW, NOW_NS);
        assert_int_equal(lm_l1_receiver_pop(r, NOW_NS, &frame), 1);
        assert_int_equal(frame.frame_index, far + 200 + ANEW);
        assert_int_equal(stats_of(r).malformed, 100 + ANEW - 1);
        lm_l1_receiver_destroy(r);
        made_finish(&m);
    }
}

static void a_sender_that_begins_anew_is_followed(void **state)
{
    /* In clear its sequence may begin anew too; sealed it cannot: the old ones are replays. */
    for (int encrypt = 0; encrypt < 2; encrypt++) {
        struct made m;
        struct lm_l1_received_frame frame;
        made_init(&m, encrypt);
        struct lm_l1_receiver *r = make_receiver(encrypt);
        m.sequence = 100000;
        for (uint32_t n = 1; n <= 500; n++) {
            push_single(r, &m, n, NOW_NS);
            expect_plain(r, NOW_NS, n, 1);
        }
        /* Frame 502 is in the making: it is lost, with the one before. */
        m.count = 0;
        push(r, &m, add_plain(&m, 502, 2, 0), NOW_NS);
        uint64_t sequence = m.sequence;
        m.sequence = 0;
        for (uint32_t n = 1; n < ANEW + 100; n++) {
            push_single(r, &m, n, NOW_NS);
            int popped = lm_l1_receiver_pop(r, NOW_NS, &frame);
            assert_int_equal(popped, !encrypt && n >= ANEW);
        }
        assert_int_equal(stats_of(r).late, encrypt ? ANEW + 99 : ANEW - 1);
        m.sequence = sequence;
        for (uint32_t n = 1; encrypt && n < ANEW + 100; n++) {
            push_single(r, &m, n, NOW_NS);
            assert_int_equal(lm_l1_receiver_pop(r, NOW_NS, &frame), n >= ANEW);
        }
        expect_loss(r, 501, 502);
        lm_l1_receiver_destroy(r);
        made_finish(&m);
    }
}

static void a_forged_sequence_in_clear_stops_the_stream_for_a_moment_only(void **state)
{
    const uint64_t jumps[] = {5000, 1 << 24, (1 << 24) + 1, UINT64_C(1) << 48, UINT64_MAX - 2000};
    for (size_t i = 0; i < LM_ARRAY_LEN(jumps); i++) {
        struct made m;
        struct lm_l1_received_frame frame;
        made_init(&m, false);
        struct lm_l1_receiver *r = make_receiver(false);
        push_single(r, &m, 1, NOW_NS);
        expect_plain(r, NOW_NS, 1, 1);
        m.sequence += jumps[i];
        push_single(r, &m, 2, NOW_NS);
        m.sequence -= jumps[i] + 1;
        uint32_t got = 0;
        for (uint32_t n = 3; n < 3 + 2 * ANEW; n++) {
            push_single(r, &m, n, NOW_NS);
            got += (uint32_t)lm_l1_receiver_pop(r, NOW_NS + LM_NS_PER_S, &frame);
        }
        assert_true(got > ANEW);
        lm_l1_receiver_destroy(r);
        made_finish(&m);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_jump_loses_the_frames_between),
        cmocka_unit_test(a_number_far_away_is_followed_only_when_it_persists),
        cmocka_unit_test(a_sender_that_begins_anew_is_followed),
        cmocka_unit_test(a_forged_sequence_in_clear_stops_the_stream_for_a_moment_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
