#include "net/mdns_poll.h"

#include "core/base/time.h"
#include "net/loop_libevent.h"

#include <event2/event.h>
#include <stdlib.h>
#include <sys/time.h>

struct AvahiWatch {
    struct event *event;
    struct loop *loop;
    int fd;
    AvahiWatchEvent wanted, happened;
    AvahiWatchCallback callback;
    void *user;
};

struct AvahiTimeout {
    struct event *event;
    AvahiTimeoutCallback callback;
    void *user;
};

static void watch_ready(evutil_socket_t fd, short what, void *arg)
{
    AvahiWatch *watch = arg;

    watch->happened = (AvahiWatchEvent)((what & EV_READ ? AVAHI_WATCH_IN : 0) |
                                        (what & EV_WRITE ? AVAHI_WATCH_OUT : 0));
    watch->callback(watch, watch->fd, watch->happened, watch->user);
}

static void watch_arm(AvahiWatch *watch)
{
    short what = EV_PERSIST;

    if (watch->wanted & (AVAHI_WATCH_IN | AVAHI_WATCH_HUP | AVAHI_WATCH_ERR))
        what |= EV_READ; /* libevent reports an error or hang-up as readable */
    if (watch->wanted & AVAHI_WATCH_OUT)
        what |= EV_WRITE;
    event_del(watch->event);
    if (event_assign(watch->event, loop_base(watch->loop), watch->fd, what, watch_ready, watch) ==
            0 &&
        (what & (EV_READ | EV_WRITE)))
        event_add(watch->event, NULL);
}

static AvahiWatch *watch_new(const AvahiPoll *api, int fd, AvahiWatchEvent wanted,
                             AvahiWatchCallback callback, void *user)
{
    struct mdns_poll *poll = api->userdata;
    AvahiWatch *watch = calloc(1, sizeof *watch);

    if (!watch)
        return NULL;
    *watch = (AvahiWatch){
        .loop = poll->loop, .fd = fd, .wanted = wanted, .callback = callback, .user = user};
    watch->event = event_new(loop_base(poll->loop), fd, 0, watch_ready, watch);
    if (!watch->event) {
        free(watch);
        return NULL;
    }
    watch_arm(watch);
    return watch;
}

static void watch_update(AvahiWatch *watch, AvahiWatchEvent wanted)
{
    watch->wanted = wanted;
    watch_arm(watch);
}

static AvahiWatchEvent watch_get_events(AvahiWatch *watch)
{
    return watch->happened;
}

static void watch_free(AvahiWatch *watch)
{
    event_free(watch->event);
    free(watch);
}

static void timeout_fired(evutil_socket_t fd, short what, void *arg)
{
    AvahiTimeout *timeout = arg;

    timeout->callback(timeout, timeout->user);
}

/* Avahi names a moment of the wall clock; NULL stops. */
static void timeout_update(AvahiTimeout *timeout, const struct timeval *when)
{
    struct timeval now, delay = {0};

    event_del(timeout->event);
    if (!when)
        return;
    gettimeofday(&now, NULL);
    if (timercmp(when, &now, >))
        timersub(when, &now, &delay);
    event_add(timeout->event, &delay);
}

static AvahiTimeout *timeout_new(const AvahiPoll *api, const struct timeval *when,
                                 AvahiTimeoutCallback callback, void *user)
{
    struct mdns_poll *poll = api->userdata;
    AvahiTimeout *timeout = calloc(1, sizeof *timeout);

    if (!timeout)
        return NULL;
    *timeout = (AvahiTimeout){.callback = callback, .user = user};
    timeout->event = event_new(loop_base(poll->loop), -1, 0, timeout_fired, timeout);
    if (!timeout->event) {
        free(timeout);
        return NULL;
    }
    timeout_update(timeout, when);
    return timeout;
}

static void timeout_free(AvahiTimeout *timeout)
{
    event_free(timeout->event);
    free(timeout);
}

void mdns_poll_init(struct mdns_poll *poll, struct loop *loop)
{
    *poll = (struct mdns_poll){.loop = loop,
                               .api = {.watch_new = watch_new,
                                       .watch_update = watch_update,
                                       .watch_get_events = watch_get_events,
                                       .watch_free = watch_free,
                                       .timeout_new = timeout_new,
                                       .timeout_update = timeout_update,
                                       .timeout_free = timeout_free}};
    poll->api.userdata = poll;
}
