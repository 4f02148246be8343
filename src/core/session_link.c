#include "core/session_link.h"

#include "core/base/check.h"
#include "core/base/time.h"

#include <errno.h>
#include <poll.h>
#include <time.h>

/* Receives that bring nothing but strangers' datagrams, in one call. */
enum { MAX_ROUNDS = 64 };

void lm_link_finish(struct lm_link *link)
{
    lm_udp_close(link->udp);
    lm_loopback_leave(link->loopback, link->end);
    *link = (struct lm_link){0};
}

static int send_loopback(struct lm_link *link, enum lm_link_lane lane, const struct lm_batch *batch)
{
    for (uint32_t i = 0; i < batch->segments; i++) {
        int rc = lm_loopback_send(link->loopback, lane, batch->data + i * batch->segment_bytes,
                                  batch->segment_bytes);
        LM_CHECK(rc != LM_EINVAL); /* slots fit what this end sends */
        if (rc < 0)
            return rc;
    }
    return (int)batch->segments;
}

int lm_link_send(struct lm_link *link, enum lm_link_lane lane, const struct lm_batch *batch)
{
    if (link->loopback)
        return send_loopback(link, lane, batch);
    return lm_udp_send_batch(link->udp, &link->route, batch);
}

void lm_link_wait_writable(const struct lm_link *link, int timeout_ms)
{
    struct pollfd writable = {.events = POLLOUT};
    if (!link->udp)
        return;
    writable.fd = lm_udp_fd(link->udp);
    (void)!poll(&writable, 1, timeout_ms);
}

/* The next datagram of the messages at hand. */
static bool next_segment(struct lm_link *link, uint8_t **data, size_t *size_bytes)
{
    while (link->at < link->count) {
        struct lm_udp_message *m = &link->messages[link->at];
        size_t left = m->size_bytes - link->offset;
        if (!left || !m->segment_bytes) {
            link->at++;
            link->offset = 0;
            continue;
        }
        *data = m->data + link->offset;
        *size_bytes = LM_MIN(left, m->segment_bytes);
        link->offset += *size_bytes;
        if (lm_address_equal(&m->from, &link->route.to))
            return true;
        link->strangers++;
    }
    return false;
}

static int receive_udp(struct lm_link *link, uint8_t **data, size_t *size_bytes)
{
    for (int round = 0; round < MAX_ROUNDS; round++) {
        if (next_segment(link, data, size_bytes))
            return 1;
        link->at = link->count = 0;
        link->offset = 0;
        int n = lm_udp_receive(link->udp, link->messages, LM_LINK_MESSAGES);
        if (n <= 0)
            return n;
        link->count = (uint32_t)n;
    }
    return 0;
}

static int receive_loopback(struct lm_link *link, uint8_t **data, size_t *size_bytes)
{
    if (link->end == LM_LINK_HOST)
        return lm_loopback_receive(link->loopback, LM_LANE_INPUT, data, size_bytes);
    int rc = lm_loopback_receive(link->loopback, LM_LANE_ACK, data, size_bytes);
    return rc == 1 ? rc : lm_loopback_receive(link->loopback, LM_LANE_VIDEO, data, size_bytes);
}

int lm_link_receive(struct lm_link *link, uint8_t **data, size_t *size_bytes)
{
    if (link->loopback)
        return receive_loopback(link, data, size_bytes);
    return receive_udp(link, data, size_bytes);
}

int lm_link_wait(struct lm_link *link, uint64_t timeout_ns)
{
    if (link->loopback)
        return lm_loopback_wait(link->loopback, link->end, timeout_ns);
    if (link->at < link->count)
        return 1;
    struct pollfd readable = {.fd = lm_udp_fd(link->udp), .events = POLLIN};
    const struct timespec timeout = {.tv_sec = (time_t)(timeout_ns / LM_NS_PER_S),
                                     .tv_nsec = (long)(timeout_ns % LM_NS_PER_S)};
    int n = ppoll(&readable, 1, &timeout, NULL);
    if (n < 0)
        return errno == EINTR ? 0 : LM_EIO;
    return n > 0;
}

bool lm_link_has_peer(const struct lm_link *link)
{
    return link->loopback || lm_address_is_set(&link->route.to);
}

bool lm_link_is_closed(const struct lm_link *link)
{
    return link->loopback && lm_loopback_other_left(link->loopback, link->end);
}
