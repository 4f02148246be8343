#include "net/loop.h"

#include "core/base/check.h"
#include "core/transport/clock.h"
#include "net/addr.h"
#include "net/test_kit.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct counter {
    struct loop *loop;
    struct loop_timer *timer;
    int count, stop_at;
    bool done;
};

static void count_up(void *user)
{
    struct counter *c = user;

    if (++c->count < c->stop_at)
        return;
    loop_timer_destroy(c->timer);
    c->timer = NULL;
    c->done = true;
}

static void periodic_timer_repeats_and_may_destroy_itself(void **state)
{
    struct counter c = {.loop = loop_create(NULL), .stop_at = 3};
    uint64_t start_ns = lm_clock_now_ns();

    c.timer = loop_timer_create(c.loop, count_up, &c);
    loop_timer_start_every(c.timer, 2 * LM_NS_PER_MS);
    test_loop_until(c.loop, &c.done);
    assert_int_equal(c.count, 3);
    assert_true(lm_clock_now_ns() - start_ns >= 5 * LM_NS_PER_MS);
    loop_destroy(c.loop);
}

static void one_shot_timer_fires_once_and_can_be_stopped(void **state)
{
    struct counter c = {.loop = loop_create(NULL), .stop_at = 100};

    c.timer = loop_timer_create(c.loop, count_up, &c);
    loop_timer_start_once(c.timer, LM_NS_PER_MS);
    test_loop_for(c.loop, 10 * LM_NS_PER_MS);
    assert_int_equal(c.count, 1);
    loop_timer_start_once(c.timer, LM_NS_PER_MS);
    loop_timer_stop(c.timer);
    test_loop_for(c.loop, 10 * LM_NS_PER_MS);
    assert_int_equal(c.count, 1);
    loop_timer_destroy(c.timer);
    loop_destroy(c.loop);
}

struct sum {
    struct loop *loop;
    struct loop_inbox *inbox;
    uint64_t sum, next;
    bool ordered;
};

static void add(void *user, uint64_t arg)
{
    struct sum *s = user;

    s->ordered = s->ordered && arg == s->next++;
    s->sum += arg;
}

static void post_many(void *arg)
{
    struct sum *s = arg;

    for (uint64_t i = 0; i < 100; i++) {
        const struct loop_task task = {.run = add, .user = s, .arg = i};
        LM_CHECK(loop_inbox_post(s->inbox, &task) == LM_OK);
    }
}

static void inbox_runs_tasks_of_another_thread_in_order(void **state)
{
    struct sum s = {.loop = loop_create(NULL), .ordered = true};

    s.inbox = loop_inbox_create(s.loop, 128);
    test_call_while_looping(s.loop, post_many, &s);
    test_loop_for(s.loop, LM_NS_PER_MS);
    assert_int_equal(s.sum, 4950);
    assert_true(s.ordered);
    loop_inbox_destroy(s.inbox);
    loop_destroy(s.loop);
}

static void inbox_says_when_it_is_full(void **state)
{
    struct sum s = {.loop = loop_create(NULL)};
    const struct loop_task task = {.run = add, .user = &s};

    s.inbox = loop_inbox_create(s.loop, 2);
    assert_int_equal(loop_inbox_post(s.inbox, &task), LM_OK);
    assert_int_equal(loop_inbox_post(s.inbox, &task), LM_OK);
    assert_int_equal(loop_inbox_post(s.inbox, &task), LM_EFULL);
    loop_inbox_destroy(s.inbox);
    loop_destroy(s.loop);
}

static void stop_on_signal(void *user, int number)
{
    assert_int_equal(number, SIGUSR1);
    loop_stop(user);
}

static void raise_it(void *user, unsigned events)
{
    char byte;

    assert_int_equal(events, LOOP_READABLE);
    assert_int_equal(read(*(int *)user, &byte, 1), 1);
    raise(SIGUSR1);
}

static void watch_and_signal_reach_their_callbacks(void **state)
{
    struct loop *loop = loop_create(NULL);
    int ends[2];

    assert_int_equal(pipe(ends), 0);
    struct loop_watch *watch = loop_watch_create(loop, ends[0], LOOP_READABLE, raise_it, &ends[0]);
    struct loop_signal *sig = loop_signal_create(loop, SIGUSR1, stop_on_signal, loop);
    assert_int_equal(write(ends[1], "x", 1), 1);
    assert_int_equal(loop_run(loop), LM_OK);
    loop_signal_destroy(sig);
    loop_watch_destroy(watch);
    loop_destroy(loop);
    close(ends[0]);
    close(ends[1]);
}

static void mapped_addresses_become_plain_ipv4(void **state)
{
    static const struct {
        const char *in, *text;
        int family;
    } rows[] = {
        {"192.168.1.9", "192.168.1.9", AF_INET},
        {"::ffff:192.168.1.9", "192.168.1.9", AF_INET},
        {"::1", "::1", AF_INET6},
        {"2001:db8:0:0::5", "2001:db8::5", AF_INET6},
    };

    for (size_t i = 0; i < LM_ARRAY_LEN(rows); i++) {
        struct net_addr addr, again;
        struct sockaddr_storage sa;
        assert_int_equal(net_addr_parse(&addr, rows[i].in, 47989), LM_OK);
        assert_int_equal(addr.family, rows[i].family);
        assert_string_equal(addr.text, rows[i].text);
        assert_true(net_addr_to_sockaddr(&addr, &sa) > 0);
        assert_int_equal(net_addr_from_sockaddr(&again, (const struct sockaddr *)&sa), LM_OK);
        assert_true(net_addr_equal(&addr, &again));
    }
}

static void what_is_no_address_is_refused(void **state)
{
    static const char *const rows[] = {"", "host", "1.2.3.256", "[::1]", "1.2.3.4:80", ":::1"};
    struct net_addr addr;

    for (size_t i = 0; i < LM_ARRAY_LEN(rows); i++)
        assert_int_equal(net_addr_parse(&addr, rows[i], 1), LM_EINVAL);
}

static void both_families_listen_on_one_chosen_port(void **state)
{
    const struct net_listen_params params = {.loopback_only = true, .socktype = SOCK_STREAM};
    struct net_listen first, second;
    struct net_addr local;

    assert_int_equal(net_listen_open(&first, &params), LM_OK);
    assert_int_not_equal(first.port, 0);
    if (first.fd_v4 >= 0 && first.fd_v6 >= 0) {
        assert_int_equal(net_addr_of_local(&local, first.fd_v6), LM_OK);
        assert_int_equal(local.port, first.port);
    }
    const struct net_listen_params same = {
        .port = first.port, .loopback_only = true, .socktype = SOCK_STREAM};
    assert_int_equal(net_listen_open(&second, &same), LM_EEXIST);
    assert_int_equal(second.fd_v4, -1);
    net_listen_close(&first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(periodic_timer_repeats_and_may_destroy_itself),
        cmocka_unit_test(one_shot_timer_fires_once_and_can_be_stopped),
        cmocka_unit_test(inbox_runs_tasks_of_another_thread_in_order),
        cmocka_unit_test(inbox_says_when_it_is_full),
        cmocka_unit_test(watch_and_signal_reach_their_callbacks),
        cmocka_unit_test(mapped_addresses_become_plain_ipv4),
        cmocka_unit_test(what_is_no_address_is_refused),
        cmocka_unit_test(both_families_listen_on_one_chosen_port),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
