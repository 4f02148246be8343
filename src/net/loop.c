#include "net/loop.h"

#include "core/base/check.h"
#include "core/base/ring.h"
#include "core/base/time.h"
#include "core/base/wake.h"
#include "net/loop_libevent.h"

#include <event2/event.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>

struct loop {
    struct event_base *base;
    struct event *step_end; /* bounds loop_step() */
    const struct lm_log *log;
};

struct loop_timer {
    struct event *event;
    void (*fire)(void *user);
    void *user;
    struct loop *loop;
    bool periodic;
};

struct loop_watch {
    struct event *event;
    void (*ready)(void *user, unsigned events);
    void *user;
};

struct loop_signal {
    struct event *event;
    void (*fire)(void *user, int signal_number);
    void *user;
};

struct loop_inbox {
    struct lm_ring ring;
    struct lm_wake wake;
    struct event *event;
};

static void drop_message(int severity, const char *text)
{
}

void loop_quiet_libevent(void)
{
    event_set_log_callback(drop_message);
}

struct timeval loop_timeval(uint64_t ns)
{
    uint64_t us = ns / LM_NS_PER_US + (ns % LM_NS_PER_US != 0);

    us = LM_MIN(us, UINT64_C(1) << 50);
    return (struct timeval){.tv_sec = (time_t)(us / 1000000),
                            .tv_usec = (suseconds_t)(us % 1000000)};
}

static void step_is_over(evutil_socket_t fd, short what, void *arg)
{
}

struct loop *loop_create(const struct lm_log *log)
{
    struct loop *loop = calloc(1, sizeof *loop);
    struct event_config *config = event_config_new();

    loop_quiet_libevent();
    if (loop && config) {
        event_config_set_flag(config, EVENT_BASE_FLAG_PRECISE_TIMER);
        loop->log = log;
        loop->base = event_base_new_with_config(config);
    }
    if (config)
        event_config_free(config);
    if (loop && loop->base)
        loop->step_end = event_new(loop->base, -1, 0, step_is_over, NULL);
    if (loop && loop->step_end)
        return loop;
    loop_destroy(loop);
    return NULL;
}

void loop_destroy(struct loop *loop)
{
    if (!loop)
        return;
    if (loop->step_end)
        event_free(loop->step_end);
    if (loop->base)
        event_base_free(loop->base);
    free(loop);
}

int loop_run(struct loop *loop)
{
    int rc = event_base_loop(loop->base, EVLOOP_NO_EXIT_ON_EMPTY);

    return rc < 0 ? LM_EIO : LM_OK;
}

int loop_step(struct loop *loop, uint64_t max_wait_ns)
{
    struct timeval wait = loop_timeval(max_wait_ns);
    int flags = max_wait_ns ? EVLOOP_ONCE : EVLOOP_NONBLOCK;

    if (max_wait_ns)
        event_add(loop->step_end, &wait);
    int rc = event_base_loop(loop->base, flags);
    event_del(loop->step_end);
    return rc < 0 ? LM_EIO : LM_OK;
}

void loop_stop(struct loop *loop)
{
    event_base_loopbreak(loop->base);
}

struct event_base *loop_base(struct loop *loop)
{
    return loop->base;
}

const struct lm_log *loop_log(const struct loop *loop)
{
    return loop->log;
}

static void timer_fired(evutil_socket_t fd, short what, void *arg)
{
    struct loop_timer *timer = arg;

    timer->fire(timer->user);
}

struct loop_timer *loop_timer_create(struct loop *loop, void (*fire)(void *user), void *user)
{
    struct loop_timer *timer = calloc(1, sizeof *timer);

    if (!timer)
        return NULL;
    *timer = (struct loop_timer){.fire = fire, .user = user, .loop = loop};
    timer->event = event_new(loop->base, -1, 0, timer_fired, timer);
    if (timer->event)
        return timer;
    free(timer);
    return NULL;
}

static void timer_start(struct loop_timer *timer, uint64_t ns, bool periodic)
{
    struct timeval delay = loop_timeval(ns);

    event_del(timer->event);
    if (timer->periodic != periodic)
        LM_CHECK(event_assign(timer->event, timer->loop->base, -1, periodic ? EV_PERSIST : 0,
                              timer_fired, timer) == 0);
    timer->periodic = periodic;
    event_add(timer->event, &delay);
}

void loop_timer_start_once(struct loop_timer *timer, uint64_t delay_ns)
{
    timer_start(timer, delay_ns, false);
}

void loop_timer_start_every(struct loop_timer *timer, uint64_t period_ns)
{
    LM_CHECK(period_ns > 0);
    timer_start(timer, period_ns, true);
}

void loop_timer_stop(struct loop_timer *timer)
{
    event_del(timer->event);
}

void loop_timer_destroy(struct loop_timer *timer)
{
    if (!timer)
        return;
    event_free(timer->event);
    free(timer);
}

static void watch_ready(evutil_socket_t fd, short what, void *arg)
{
    struct loop_watch *watch = arg;
    unsigned events =
        (what & EV_READ ? LOOP_READABLE : 0u) | (what & EV_WRITE ? LOOP_WRITABLE : 0u);

    watch->ready(watch->user, events);
}

struct loop_watch *loop_watch_create(struct loop *loop, int fd, unsigned events,
                                     void (*ready)(void *user, unsigned events), void *user)
{
    short what = EV_PERSIST;
    struct loop_watch *watch = calloc(1, sizeof *watch);

    if (!watch)
        return NULL;
    *watch = (struct loop_watch){.ready = ready, .user = user};
    if (events & LOOP_READABLE)
        what |= EV_READ;
    if (events & LOOP_WRITABLE)
        what |= EV_WRITE;
    watch->event = event_new(loop->base, fd, what, watch_ready, watch);
    if (watch->event && event_add(watch->event, NULL) == 0)
        return watch;
    loop_watch_destroy(watch);
    return NULL;
}

void loop_watch_destroy(struct loop_watch *watch)
{
    if (!watch)
        return;
    if (watch->event)
        event_free(watch->event);
    free(watch);
}

static void signal_fired(evutil_socket_t number, short what, void *arg)
{
    struct loop_signal *sig = arg;

    sig->fire(sig->user, (int)number);
}

struct loop_signal *loop_signal_create(struct loop *loop, int signal_number,
                                       void (*fire)(void *user, int signal_number), void *user)
{
    struct loop_signal *sig = calloc(1, sizeof *sig);

    if (!sig)
        return NULL;
    *sig = (struct loop_signal){.fire = fire, .user = user};
    sig->event = evsignal_new(loop->base, signal_number, signal_fired, sig);
    if (sig->event && event_add(sig->event, NULL) == 0)
        return sig;
    loop_signal_destroy(sig);
    return NULL;
}

void loop_signal_destroy(struct loop_signal *signal)
{
    if (!signal)
        return;
    if (signal->event)
        event_free(signal->event);
    free(signal);
}

static void inbox_ready(evutil_socket_t fd, short what, void *arg)
{
    struct loop_inbox *inbox = arg;
    struct loop_task task;

    lm_wake_clear(&inbox->wake);
    /* Only what waits now: a busy producer must not starve the rest of the loop. */
    for (uint32_t left = lm_ring_count(&inbox->ring); left > 0; left--) {
        if (!lm_ring_pop(&inbox->ring, &task))
            break;
        task.run(task.user, task.arg);
    }
    if (lm_ring_count(&inbox->ring) > 0)
        lm_wake_signal(&inbox->wake);
}

struct loop_inbox *loop_inbox_create(struct loop *loop, uint32_t capacity)
{
    struct loop_inbox *inbox = aligned_alloc(_Alignof(struct loop_inbox), sizeof *inbox);

    if (!inbox)
        return NULL;
    *inbox = (struct loop_inbox){.wake = {.fd = -1}};
    if (lm_ring_init(&inbox->ring, sizeof(struct loop_task), capacity) != LM_OK ||
        lm_wake_init(&inbox->wake) != LM_OK)
        goto fail;
    inbox->event = event_new(loop->base, inbox->wake.fd, EV_READ | EV_PERSIST, inbox_ready, inbox);
    if (inbox->event && event_add(inbox->event, NULL) == 0)
        return inbox;
fail:
    loop_inbox_destroy(inbox);
    return NULL;
}

void loop_inbox_destroy(struct loop_inbox *inbox)
{
    if (!inbox)
        return;
    if (inbox->event)
        event_free(inbox->event);
    lm_wake_finish(&inbox->wake);
    lm_ring_finish(&inbox->ring);
    free(inbox);
}

int loop_inbox_post(struct loop_inbox *inbox, const struct loop_task *task)
{
    if (!lm_ring_push(&inbox->ring, task))
        return LM_EFULL;
    lm_wake_signal(&inbox->wake);
    return LM_OK;
}
