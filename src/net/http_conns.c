#include "net/http_conns.h"

#include "core/base/check.h"
#include "core/transport/clock.h"
#include "net/loop_libevent.h"

#include <event2/bufferevent.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

/* evconnlistener accepts until the backlog is empty before anything else runs. */
enum { PENDING_MAX = 256 };

static bool is_alive(const struct http_conn *conn)
{
    struct stat st;

    return conn->fd >= 0 && fstat(conn->fd, &st) == 0 && st.st_dev == conn->device &&
           st.st_ino == conn->inode;
}

/* Frees the slots of connections that evhttp has closed; returns how many are open. */
static uint32_t collect(struct http_conns *conns)
{
    uint32_t open = 0;

    for (uint32_t i = 0; i < conns->max; i++) {
        struct http_conn *conn = &conns->slots[i];
        if (is_alive(conn))
            open++;
        else
            conn->fd = -1;
    }
    return open;
}

static void sweep(void *user)
{
    struct http_conns *conns = user;
    uint64_t now_ns = lm_clock_now_ns();
    uint32_t open = collect(conns);

    for (uint32_t i = 0; i < conns->max; i++) {
        struct http_conn *conn = &conns->slots[i];
        if (conn->fd < 0 || now_ns < conn->deadline_ns)
            continue;
        conns->timed_out++;
        conn->deadline_ns = LM_TIME_MAX;
        shutdown(conn->fd, SHUT_RDWR); /* evhttp sees the end of the stream and closes */
    }
    if (open == 0)
        loop_timer_stop(conns->sweep);
}

static struct http_conn *free_slot(struct http_conns *conns, const struct net_addr *peer)
{
    struct http_conn *found = NULL;
    uint32_t same = 0;

    for (uint32_t i = 0; i < conns->max; i++) {
        if (conns->slots[i].fd < 0)
            found = &conns->slots[i];
        else if (net_addr_same_host(&conns->slots[i].peer, peer))
            same++;
    }
    return same < conns->max_per_address ? found : NULL;
}

static void settle_one(struct http_conns *conns, int fd)
{
    struct net_addr peer;
    struct stat st;

    /* A client that is gone already has no peer address; evhttp notices by itself. */
    if (fd < 0 || fstat(fd, &st) != 0 || net_addr_of_peer(&peer, fd) != LM_OK)
        return;
    struct http_conn *conn = free_slot(conns, &peer);
    if (!conn) {
        collect(conns);
        conn = free_slot(conns, &peer);
    }
    if (!conn) {
        conns->refused++;
        shutdown(fd, SHUT_RDWR);
        return;
    }
    *conn = (struct http_conn){.fd = fd,
                               .device = st.st_dev,
                               .inode = st.st_ino,
                               .peer = peer,
                               .deadline_ns = lm_clock_now_ns() + conns->read_timeout_ns};
}

static void settle(evutil_socket_t unused, short what, void *arg)
{
    struct http_conns *conns = arg;

    for (uint32_t i = 0; i < conns->pending_count; i++) {
        settle_one(conns, (int)bufferevent_getfd(conns->pending[i]));
        bufferevent_decref(conns->pending[i]);
    }
    conns->pending_count = 0;
    uint64_t period_ns = conns->read_timeout_ns / 8;
    loop_timer_start_every(conns->sweep, LM_CLAMP(period_ns, 5 * LM_NS_PER_MS, 250 * LM_NS_PER_MS));
}

int http_conns_init(struct http_conns *conns, struct loop *loop,
                    const struct http_conns_params *params)
{
    *conns = (struct http_conns){.loop = loop,
                                 .max = params->max,
                                 .max_per_address = params->max_per_address,
                                 .read_timeout_ns = params->read_timeout_ns};
    conns->slots = calloc(conns->max, sizeof *conns->slots);
    conns->pending = calloc(PENDING_MAX, sizeof(struct bufferevent *));
    conns->settle = event_new(loop_base(loop), -1, 0, settle, conns);
    conns->sweep = loop_timer_create(loop, sweep, conns);
    for (uint32_t i = 0; conns->slots && i < conns->max; i++)
        conns->slots[i].fd = -1;
    if (conns->slots && conns->pending && conns->settle && conns->sweep)
        return LM_OK;
    http_conns_finish(conns);
    return LM_ENOMEM;
}

void http_conns_finish(struct http_conns *conns)
{
    for (uint32_t i = 0; i < conns->pending_count; i++)
        bufferevent_decref(conns->pending[i]);
    if (conns->settle)
        event_free(conns->settle);
    loop_timer_destroy(conns->sweep);
    free(conns->pending);
    free(conns->slots);
    *conns = (struct http_conns){0};
}

void http_conns_accepted(struct http_conns *conns, struct bufferevent *bev)
{
    if (conns->pending_count == PENDING_MAX) {
        const struct timeval at_once = {.tv_usec = 1};
        bufferevent_set_timeouts(bev, &at_once, &at_once);
        conns->refused++;
        return;
    }
    bufferevent_incref(bev);
    conns->pending[conns->pending_count++] = bev;
    event_active(conns->settle, EV_TIMEOUT, 0);
}

static struct http_conn *find(struct http_conns *conns, int fd)
{
    for (uint32_t i = 0; i < conns->max; i++)
        if (conns->slots[i].fd == fd && is_alive(&conns->slots[i]))
            return &conns->slots[i];
    return NULL;
}

void http_conns_set_deadline(struct http_conns *conns, int fd, uint64_t deadline_ns)
{
    struct http_conn *conn = find(conns, fd);

    if (conn)
        conn->deadline_ns = deadline_ns;
}

void http_conns_forget(struct http_conns *conns, int fd)
{
    struct http_conn *conn = find(conns, fd);

    if (conn)
        conn->fd = -1;
}

uint32_t http_conns_open_count(struct http_conns *conns)
{
    return collect(conns);
}
