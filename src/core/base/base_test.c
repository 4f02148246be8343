#include "core/base/bytes.h"
#include "core/base/check.h"
#include "core/base/log.h"
#include "core/base/ring.h"
#include "core/base/text.h"
#include "core/base/wake.h"

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static void reader_past_the_end_is_bad_and_zero(void **state)
{
    const uint8_t data[3] = {1, 2, 3};
    struct lm_reader r = lm_reader_of(data, sizeof data);
    assert_int_equal(lm_read_be16(&r), 0x0102);
    assert_int_equal(lm_read_le16(&r), 0);
    assert_true(r.bad);
    assert_int_equal(lm_read_u8(&r), 0);
    assert_int_equal(lm_reader_left(&r), 1);
}

static void writer_past_the_end_keeps_what_fits(void **state)
{
    uint8_t data[4] = {0};
    struct lm_writer w = lm_writer_of(data, sizeof data);
    lm_write_le16(&w, 0x0201);
    lm_write_be32(&w, 0xffffffff);
    assert_true(w.bad);
    assert_int_equal(lm_writer_size(&w), 2);
    assert_memory_equal(data, "\1\2\0\0", 4);
}

static void ring_keeps_order_and_refuses_when_full(void **state)
{
    struct lm_ring ring;
    assert_int_equal(lm_ring_init(&ring, sizeof(int), 3), LM_EINVAL);
    assert_int_equal(lm_ring_init(&ring, sizeof(int), 4), LM_OK);
    for (int i = 0; i < 4; i++)
        assert_true(lm_ring_push(&ring, &i));
    int v = 9;
    assert_false(lm_ring_push(&ring, &v));
    for (int i = 0; i < 4; i++) {
        assert_true(lm_ring_pop(&ring, &v));
        assert_int_equal(v, i);
    }
    assert_false(lm_ring_pop(&ring, &v));
    lm_ring_finish(&ring);
}

enum { RING_ITEMS = 200000 };

static void *produce(void *arg)
{
    struct lm_ring *ring = arg;
    for (uint32_t i = 0; i < RING_ITEMS;)
        if (lm_ring_push(ring, &i))
            i++;
        else
            sched_yield();
    return NULL;
}

static void ring_passes_every_item_between_threads(void **state)
{
    struct lm_ring ring;
    assert_int_equal(lm_ring_init(&ring, sizeof(uint32_t), 64), LM_OK);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, produce, &ring), 0);
    for (uint32_t want = 0, got; want < RING_ITEMS;)
        if (lm_ring_pop(&ring, &got)) {
            LM_CHECK(got == want);
            want++;
        } else {
            sched_yield();
        }
    pthread_join(thread, NULL);
    lm_ring_finish(&ring);
}

static void wake_coalesces(void **state)
{
    struct lm_wake wake;
    assert_int_equal(lm_wake_init(&wake), LM_OK);
    lm_wake_signal(&wake);
    lm_wake_signal(&wake);
    lm_wake_clear(&wake);
    lm_wake_clear(&wake); /* nothing left: must not block */
    lm_wake_finish(&wake);
    assert_int_equal(wake.fd, -1);
}

static void text_that_does_not_fit_is_no_text(void **state)
{
    char out[8];
    struct lm_text t = lm_text_of(out, sizeof out);
    assert_int_equal(lm_text_end(&t), 0);
    lm_text_add(&t, "%s-%d", "abc", 12);
    lm_text_add(&t, "x");
    assert_int_equal(lm_text_end(&t), 7);
    assert_string_equal(out, "abc-12x");
    lm_text_add(&t, "y"); /* no room for the end */
    assert_int_equal(lm_text_end(&t), LM_ELIMIT);
    lm_text_add(&t, "%s", "");
    assert_int_equal(lm_text_end(&t), LM_ELIMIT);
}

static void take_line(void *user, enum lm_log_level level, const char *area, const char *text)
{
    snprintf(user, 64, "%d %s %s", (int)level, area, text);
}

static void log_filters_by_level(void **state)
{
    char line[64] = "";
    struct lm_log log = {.write = take_line, .user = line, .max_level = LM_LOG_INFO};
    lm_debug(&log, "x", "hidden");
    assert_string_equal(line, "");
    lm_info(&log, "x", "shown %d", 7);
    assert_string_equal(line, "3 x shown 7");
    lm_error(NULL, "x", "no sink");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reader_past_the_end_is_bad_and_zero),
        cmocka_unit_test(writer_past_the_end_keeps_what_fits),
        cmocka_unit_test(ring_keeps_order_and_refuses_when_full),
        cmocka_unit_test(ring_passes_every_item_between_threads),
        cmocka_unit_test(wake_coalesces),
        cmocka_unit_test(text_that_does_not_fit_is_no_text),
        cmocka_unit_test(log_filters_by_level),
    };
    return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
