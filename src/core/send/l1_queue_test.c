/* The sender as a queue: frames in flight, aborts, pace, and numbers that are never used twice. */
#include "core/send/l1_sender.h"

#include "core/send/l1_test.h"

enum { SHARD = 512, MOST = 100000, DATAGRAM = SHARD + LM_L1_OVERHEAD_BYTES };

static uint8_t frame_bytes[MOST];

static const struct lm_l1_sender_config sealed = {
    .session_id = 9,
    .shard_bytes = SHARD,
    .code = LM_L1_CODE_GF8,
    .fec_percent = 20,
    .max_frame_bytes = MOST,
    .max_pushes = 4,
    .encrypt = true,
};

static const struct lm_l1_frame_begin begin = {.capture_ns = 5, .now_ns = 5};

static struct lm_l1_sender *make(const struct lm_l1_sender_config *config)
{
    struct lm_l1_sender *s;
    assert_int_equal(lm_l1_sender_create(config, &s), 0);
    return s;
}

static int push(struct lm_l1_sender *s, size_t size, bool last)
{
    struct lm_piece piece = {frame_bytes, size};
    return lm_l1_sender_push(s, &piece, 1, last, L1_NOW_NS);
}

static int push_frame(struct lm_l1_sender *s, size_t size)
{
    struct lm_piece piece = {frame_bytes, size};
    return lm_l1_sender_push_frame(s, &begin, &piece, 1);
}

static int pull(struct lm_l1_sender *s, struct lm_batch *batch)
{
    uint64_t wake_at;
    return lm_l1_sender_pull(s, L1_NOW_NS, batch, &wake_at);
}

static uint32_t drain(struct lm_l1_sender *s)
{
    struct lm_batch batch;
    uint32_t count = 0;
    while (pull(s, &batch)) {
        count += batch.segments;
        lm_l1_sender_done(s, batch.segments, L1_NOW_NS);
    }
    return count;
}

static void two_frames_are_in_flight_and_no_third(void **state)
{
    struct lm_l1_sender *s = make(&sealed);
    assert_int_equal(lm_l1_sender_next_frame(s), 1);
    assert_int_equal(push_frame(s, 1000), 0);
    assert_int_equal(push_frame(s, 1000), 0);
    assert_int_equal(push_frame(s, 1000), LM_EFULL);
    assert_int_equal(lm_l1_sender_begin(s, &begin), LM_EFULL);
    assert_int_equal(lm_l1_sender_next_frame(s), 3);
    struct lm_batch batch;
    assert_int_equal(pull(s, &batch), 1);
    assert_int_equal(batch.frame_index, 1);
    assert_true(batch.last_of_frame);
    assert_int_equal(push_frame(s, 1000), LM_EFULL);
    lm_l1_sender_done(s, batch.segments, L1_NOW_NS);
    assert_int_equal(push_frame(s, 1000), 0);
    assert_int_equal(drain(s), 6);
    lm_l1_sender_destroy(s);
}

static void frames_are_numbered_from_the_first(void **state)
{
    struct lm_l1_sender_config config = sealed;
    config.first_frame = UINT32_MAX;
    struct lm_l1_sender *s = make(&config);
    struct lm_batch batch;
    const uint32_t want[] = {UINT32_MAX, 0, 1};
    for (size_t i = 0; i < LM_ARRAY_LEN(want); i++) {
        assert_int_equal(push_frame(s, 10), 0);
        assert_int_equal(pull(s, &batch), 1);
        assert_int_equal(batch.frame_index, want[i]);
        lm_l1_sender_done(s, batch.segments, L1_NOW_NS);
    }
    lm_l1_sender_destroy(s);
}

static void what_does_not_belong_is_refused(void **state)
{
    struct lm_l1_sender *s = make(&sealed);
    struct lm_l1_sender_stats stats;
    assert_int_equal(push(s, 10, true), LM_EINVAL);
    assert_int_equal(push_frame(s, 0), LM_EINVAL);
    assert_int_equal(lm_l1_sender_begin(s, &begin), 0);
    assert_int_equal(lm_l1_sender_begin(s, &begin), LM_EINVAL);
    assert_int_equal(push_frame(s, 10), LM_EINVAL);
    assert_int_equal(push(s, MOST, false), 0);
    assert_int_equal(push(s, 1, true), LM_ELIMIT); /* over as by abort */
    assert_int_equal(push(s, 1, true), LM_EINVAL);
    for (int i = 0; i < 5; i++) /* four pushes are allowed */
        assert_int_equal(i ? push(s, 10, false) : lm_l1_sender_begin(s, &begin), 0);
    assert_int_equal(push(s, 10, true), LM_ELIMIT);
    struct lm_piece endless[2] = {{frame_bytes, SIZE_MAX}, {frame_bytes, 2}};
    assert_int_equal(lm_l1_sender_push_frame(s, &begin, endless, 2), LM_ELIMIT);
    struct lm_piece large = {frame_bytes, MOST + 1};
    assert_int_equal(lm_l1_sender_push_frame(s, &begin, &large, 1), LM_ELIMIT);
    assert_int_equal(push_frame(s, MOST), 0);
    assert_int_equal(lm_l1_sender_next_frame(s), 2);
    lm_l1_sender_get_stats(s, &stats);
    assert_int_equal(stats.frames, 1);
    assert_int_equal(stats.frames_dropped, 4);
    assert_int_equal(stats.frames_abandoned, 0);
    lm_l1_sender_destroy(s);
}

static void an_aborted_frame_keeps_its_number_only_if_some_of_it_left(void **state)
{
    struct lm_l1_sender *s = make(&sealed);
    struct lm_l1_sender_stats stats;
    struct lm_batch batch;
    lm_l1_sender_abort(s); /* nothing begun */
    assert_int_equal(lm_l1_sender_begin(s, &begin), 0);
    assert_int_equal(push(s, 20 * SHARD, false), 0);
    lm_l1_sender_abort(s);
    assert_int_equal(pull(s, &batch), 0);
    assert_int_equal(lm_l1_sender_next_frame(s), 1);
    assert_int_equal(lm_l1_sender_begin(s, &begin), 0);
    assert_int_equal(push(s, 20 * SHARD, false), 0);
    assert_int_equal(pull(s, &batch), 1);
    lm_l1_sender_abort(s);
    lm_l1_sender_done(s, 0, L1_NOW_NS); /* lent at the abort: still to be sent */
    assert_int_equal(pull(s, &batch), 1);
    assert_int_equal(batch.segments, 24);
    assert_true(batch.last_of_frame);
    lm_l1_sender_done(s, 24, L1_NOW_NS);
    assert_int_equal(pull(s, &batch), 0);
    assert_int_equal(lm_l1_sender_next_frame(s), 2);
    lm_l1_sender_get_stats(s, &stats);
    assert_int_equal(stats.frames_dropped, 1);
    assert_int_equal(stats.frames_abandoned, 1);
    assert_int_equal(push_frame(s, 10), 0);
    assert_int_equal(drain(s), 2);
    lm_l1_sender_destroy(s);
}

static void a_pulled_batch_stays_until_done(void **state)
{
    struct lm_l1_sender *s = make(&sealed);
    struct lm_batch batch, again;
    uint8_t copy[64 * DATAGRAM];
    assert_int_equal(lm_l1_sender_begin(s, &begin), 0);
    assert_int_equal(push(s, 20 * SHARD, false), 0);
    assert_int_equal(pull(s, &batch), 1);
    size_t bytes = batch.segments * batch.segment_bytes;
    memcpy(copy, batch.data, bytes);
    assert_int_equal(push(s, 20 * SHARD, true), 0);
    assert_int_equal(push_frame(s, MOST), 0);
    assert_int_equal(pull(s, &again), 1);
    assert_ptr_equal(again.data, batch.data);
    assert_int_equal(again.segments, batch.segments);
    assert_memory_equal(copy, again.data, bytes);
    lm_l1_sender_done(s, 5, L1_NOW_NS);
    assert_int_equal(pull(s, &again), 1); /* sealed already: not again */
    assert_memory_equal(copy + 5 * DATAGRAM, again.data, bytes - 5 * DATAGRAM);
    lm_l1_sender_destroy(s);
}

static void pace_never_exceeds_its_burst_and_rate(void **state)
{
    struct lm_l1_sender_config config = sealed;
    config.pace_bytes_per_s = 1000 * DATAGRAM; /* a datagram each millisecond */
    config.burst_bytes = 10 * DATAGRAM;
    struct lm_l1_sender *s = make(&config);
    assert_int_equal(push_frame(s, 50000), 0);
    uint64_t now_ns = L1_NOW_NS, wake_at;
    struct lm_batch batch;
    uint32_t sent = 0, wakes = 0;
    for (;;) {
        int rc = lm_l1_sender_pull(s, now_ns, &batch, &wake_at);
        if (rc == 1) {
            sent += batch.segments;
            lm_l1_sender_done(s, batch.segments, now_ns);
            assert_true(sent <= 10 + (now_ns - L1_NOW_NS) / LM_NS_PER_MS);
        } else if (wake_at == LM_TIME_MAX) {
            break;
        } else {
            assert_true(wake_at > now_ns);
            now_ns = wake_at;
            wakes++;
        }
    }
    assert_int_equal(sent, 98 + 20);
    assert_true(now_ns - L1_NOW_NS >= (118 - 10) * LM_NS_PER_MS);
    assert_in_range(wakes, 1, 118 / 5 + 1); /* half a burst at a time */
    lm_l1_sender_set_pace(s, 0, 0);
    assert_int_equal(push_frame(s, 50000), 0);
    assert_int_equal(drain(s), 118);
    lm_l1_sender_destroy(s);
}

static void parity_follows_what_is_set(void **state)
{
    struct lm_l1_sender *s = make(&sealed);
    const struct {
        uint32_t percent, datagrams; /* of 100 data shards */
    } rows[] = {{20, 120}, {1, 101}, {0, 100}, {15, 115}};
    for (size_t i = 0; i < LM_ARRAY_LEN(rows); i++) {
        assert_int_equal(lm_l1_sender_set_fec(s, rows[i].percent), 0);
        assert_int_equal(push_frame(s, 100 * SHARD - LM_L1_FRAME_BYTES), 0);
        assert_int_equal(drain(s), rows[i].datagrams);
    }
    assert_int_equal(lm_l1_sender_set_fec(s, 21), LM_EINVAL);
    lm_l1_sender_destroy(s);
}

static void a_used_up_key_takes_no_more_frames(void **state)
{
    struct lm_l1_sender_config config = sealed;
    config.first_sequence = LM_L1_MAX_SEQUENCE - 1;
    struct lm_l1_sender *s = make(&config);
    assert_int_equal(push_frame(s, 10), 0);
    assert_int_equal(drain(s), 2);
    assert_int_equal(push_frame(s, 10), LM_ELIMIT);
    lm_l1_sender_destroy(s);
}

/* Takes what comes next as the kernel would, sometimes only a part of it, and checks the numbers of
 * what was sent. */
static void send_some(struct lm_l1_sender *s, uint64_t *last)
{
    struct lm_batch batch;
    if (!pull(s, &batch))
        return;
    uint32_t count = rand() % 3 ? batch.segments : (uint32_t)rand() % (batch.segments + 1);
    for (uint32_t i = 0; i < count; i++) {
        struct lm_l1_header h;
        assert_int_equal(lm_l1_parse_header(batch.data + i * batch.segment_bytes, 16, &h), 0);
        assert_true(h.sequence > *last);
        *last = h.sequence;
    }
    if (rand() % 4 == 0)
        lm_l1_sender_abort(s);
    lm_l1_sender_done(s, count, L1_NOW_NS);
}

static void no_number_is_used_twice_whatever_happens(void **state)
{
    srand(5);
    print_message("seed 5\n");
    struct lm_l1_sender_config config = sealed;
    config.max_pushes = 64;
    struct lm_l1_sender *s = make(&config);
    uint64_t last = 0;
    lm_l1_sender_take_sequence(s); /* 0 */
    int rc = 0;
    for (int i = 0; i < 20000; i++) {
        switch (rand() % 8) {
        case 0:
            rc = push_frame(s, 1 + (size_t)rand() % 30000);
            break;
        case 1:
            rc = lm_l1_sender_begin(s, &begin);
            break;
        case 2:
        case 3:
            rc = push(s, (size_t)rand() % 20000, rand() % 4 == 0);
            break;
        case 4:
            if (rand() % 8 == 0)
                lm_l1_sender_abort(s);
            break;
        case 5: {
            uint64_t taken = lm_l1_sender_take_sequence(s);
            /* Datagrams sealed and not sent yet may be below it. */
            assert_true(taken > last);
            break;
        }
        default:
            send_some(s, &last);
        }
        assert_true(rc == 0 || rc == LM_EINVAL || rc == LM_EFULL || rc == LM_ELIMIT);
    }
    assert_true(last > 1000);
    lm_l1_sender_destroy(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_frames_are_in_flight_and_no_third),
        cmocka_unit_test(frames_are_numbered_from_the_first),
        cmocka_unit_test(what_does_not_belong_is_refused),
        cmocka_unit_test(an_aborted_frame_keeps_its_number_only_if_some_of_it_left),
        cmocka_unit_test(a_pulled_batch_stays_until_done),
        cmocka_unit_test(pace_never_exceeds_its_burst_and_rate),
        cmocka_unit_test(parity_follows_what_is_set),
        cmocka_unit_test(a_used_up_key_takes_no_more_frames),
        cmocka_unit_test(no_number_is_used_twice_whatever_happens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
