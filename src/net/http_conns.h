/* The connections of one HTTP server: caps in total and per address, and a deadline for each.
 *
 * evhttp tells nobody about a connection before its request is whole, and frees it silently. So a
 * connection is noted when evhttp asks for its bufferevent, gets its descriptor a moment later, and
 * is known to live as long as the descriptor still names the same socket (its inode). */
#ifndef LUMEN_NET_HTTP_CONNS_H
#define LUMEN_NET_HTTP_CONNS_H

#include "net/addr.h"
#include "net/loop.h"

#include <sys/stat.h>

struct bufferevent;
struct event;

struct http_conn {
    int fd; /* -1: free slot */
    dev_t device;
    ino_t inode;
    struct net_addr peer;
    uint64_t deadline_ns; /* LM_TIME_MAX: none */
};

struct http_conns {
    struct loop *loop;
    struct http_conn *slots;
    uint32_t max, max_per_address;
    uint64_t read_timeout_ns;
    struct bufferevent **pending; /* accepted, descriptor not known yet; holds a reference each */
    uint32_t pending_count;
    struct event *settle;
    struct loop_timer *sweep;
    uint64_t refused, timed_out;
};

struct http_conns_params {
    uint32_t max, max_per_address;
    uint64_t read_timeout_ns;
};

int http_conns_init(struct http_conns *conns, struct loop *loop,
                    const struct http_conns_params *params) LM_MUST_USE;
void http_conns_finish(struct http_conns *conns);

/* From evhttp's bufferevent callback. */
void http_conns_accepted(struct http_conns *conns, struct bufferevent *bev);

/* Moves the deadline of the connection on `fd`: LM_TIME_MAX for none. */
void http_conns_set_deadline(struct http_conns *conns, int fd, uint64_t deadline_ns);

/* The connection on `fd` is about to be closed. */
void http_conns_forget(struct http_conns *conns, int fd);

uint32_t http_conns_open_count(struct http_conns *conns);

#endif
