#include "net/rtsp_server.h"

#include "core/base/check.h"
#include "core/transport/clock.h"
#include "net/loop_libevent.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    DEFAULT_CONNECTIONS = 64,
    DEFAULT_CONNECTIONS_PER_ADDRESS = 16,
};

static const uint64_t default_read_timeout_ns = 10 * LM_NS_PER_S;
static const uint64_t default_drain_timeout_ns = 2 * LM_NS_PER_S;
static const uint64_t write_timeout_ns = 10 * LM_NS_PER_S;

enum conn_state {
    CONN_FREE = 0,
    CONN_RECEIVING,
    CONN_ANSWERING,
    CONN_DRAINING, /* our side is shut down; waiting for the client's end */
};

struct conn {
    struct rtsp_server *server;
    struct bufferevent *bev;
    struct event *deadline; /* absolute for each state: a trickle of bytes does not move it */
    enum conn_state state;
    bool peer_ended; /* the client shut its side down before it had our answer */
    struct rtsp_conn ends;
};

struct rtsp_server {
    struct loop *loop;
    struct rtsp_server_params params;
    struct net_listen listen;
    struct evconnlistener *listener_v4, *listener_v6;
    struct conn *conns;
    uint8_t *answer; /* RTSP_ANSWER_MAX_BYTES, reused: the answer is copied at once */
};

static void conn_close(struct conn *conn)
{
    if (conn->deadline)
        event_free(conn->deadline);
    if (conn->bev)
        bufferevent_free(conn->bev);
    *conn = (struct conn){.server = conn->server};
}

static void conn_enter(struct conn *conn, enum conn_state state, uint64_t limit_ns)
{
    const struct timeval limit = loop_timeval(limit_ns);

    conn->state = state;
    event_add(conn->deadline, &limit);
}

static void conn_drain(struct conn *conn)
{
    if (conn->peer_ended) {
        conn_close(conn);
        return;
    }
    shutdown((int)bufferevent_getfd(conn->bev), SHUT_WR);
    conn_enter(conn, CONN_DRAINING, conn->server->params.drain_timeout_ns);
}

static void conn_answer(struct conn *conn, const struct rtsp_answer *answer)
{
    LM_CHECK(answer->size_bytes <= answer->capacity_bytes);
    if (answer->size_bytes == 0) {
        conn_drain(conn);
        return;
    }
    conn_enter(conn, CONN_ANSWERING, write_timeout_ns);
    if (bufferevent_write(conn->bev, answer->data, answer->size_bytes) != 0 ||
        bufferevent_enable(conn->bev, EV_WRITE) != 0)
        conn_close(conn);
}

static void on_read(struct bufferevent *bev, void *arg)
{
    struct conn *conn = arg;
    struct rtsp_server *server = conn->server;
    struct evbuffer *input = bufferevent_get_input(bev);
    size_t size = evbuffer_get_length(input);
    struct rtsp_answer answer = {.data = server->answer, .capacity_bytes = RTSP_ANSWER_MAX_BYTES};

    if (conn->state != CONN_RECEIVING) {
        evbuffer_drain(input, size);
        return;
    }
    int verdict = LM_ELIMIT;
    const uint8_t *data = size <= RTSP_REQUEST_MAX_BYTES ? evbuffer_pullup(input, -1) : NULL;
    if (data)
        verdict = server->params.on_bytes(server->params.user, &conn->ends, data, size, &answer);
    if (verdict == RTSP_MORE && size < RTSP_REQUEST_MAX_BYTES)
        return;
    if (verdict != RTSP_ANSWER)
        answer.size_bytes = 0;
    evbuffer_drain(input, size);
    conn_answer(conn, &answer);
}

static void on_written(struct bufferevent *bev, void *arg)
{
    struct conn *conn = arg;

    if (conn->state == CONN_ANSWERING)
        conn_drain(conn);
}

static void on_event(struct bufferevent *bev, short what, void *arg)
{
    struct conn *conn = arg;

    conn->peer_ended = true;
    if (!(what & BEV_EVENT_EOF) || conn->state != CONN_ANSWERING)
        conn_close(conn);
}

static void on_deadline(evutil_socket_t fd, short what, void *arg)
{
    conn_close(arg);
}

static struct conn *free_conn(struct rtsp_server *server, const struct net_addr *peer)
{
    struct conn *found = NULL;
    uint32_t same = 0;

    for (uint32_t i = 0; i < server->params.max_connections; i++) {
        struct conn *conn = &server->conns[i];
        if (conn->state == CONN_FREE)
            found = conn;
        else if (net_addr_same_host(&conn->ends.peer, peer))
            same++;
    }
    return same < server->params.max_connections_per_address ? found : NULL;
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *sa,
                      int sa_size, void *arg)
{
    struct rtsp_server *server = arg;
    struct rtsp_conn ends;
    struct conn *conn = NULL;

    if (net_addr_from_sockaddr(&ends.peer, sa) == LM_OK &&
        net_addr_of_local(&ends.local, (int)fd) == LM_OK)
        conn = free_conn(server, &ends.peer);
    if (!conn) {
        close((int)fd);
        return;
    }
    *conn = (struct conn){.server = server, .ends = ends};
    conn->bev = bufferevent_socket_new(loop_base(server->loop), fd, BEV_OPT_CLOSE_ON_FREE);
    if (!conn->bev)
        close((int)fd);
    conn->deadline = event_new(loop_base(server->loop), -1, 0, on_deadline, conn);
    if (!conn->bev || !conn->deadline) {
        conn_close(conn);
        return;
    }
    bufferevent_setcb(conn->bev, on_read, on_written, on_event, conn);
    conn_enter(conn, CONN_RECEIVING, server->params.read_timeout_ns);
    if (bufferevent_enable(conn->bev, EV_READ) != 0)
        conn_close(conn);
}

static struct evconnlistener *listen_on(struct rtsp_server *server, int *fd)
{
    struct evconnlistener *listener =
        evconnlistener_new(loop_base(server->loop), on_accept, server,
                           LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, *fd);

    if (listener)
        *fd = -1; /* the listener's now */
    return listener;
}

static int start(struct rtsp_server *server)
{
    struct rtsp_server_params *p = &server->params;

    p->listen.socktype = SOCK_STREAM;
    p->max_connections = p->max_connections ? p->max_connections : DEFAULT_CONNECTIONS;
    p->max_connections_per_address = p->max_connections_per_address
                                         ? p->max_connections_per_address
                                         : DEFAULT_CONNECTIONS_PER_ADDRESS;
    p->read_timeout_ns = p->read_timeout_ns ? p->read_timeout_ns : default_read_timeout_ns;
    p->drain_timeout_ns = p->drain_timeout_ns ? p->drain_timeout_ns : default_drain_timeout_ns;
    server->conns = calloc(p->max_connections, sizeof *server->conns);
    server->answer = malloc(RTSP_ANSWER_MAX_BYTES);
    if (!server->conns || !server->answer)
        return LM_ENOMEM;
    int rc = net_listen_open(&server->listen, &p->listen);
    if (rc != LM_OK)
        return rc;
    bool want_v4 = server->listen.fd_v4 >= 0, want_v6 = server->listen.fd_v6 >= 0;
    if (want_v4)
        server->listener_v4 = listen_on(server, &server->listen.fd_v4);
    if (want_v6)
        server->listener_v6 = listen_on(server, &server->listen.fd_v6);
    bool ok = (!want_v4 || server->listener_v4) && (!want_v6 || server->listener_v6);
    return ok ? LM_OK : LM_ENOMEM;
}

int rtsp_server_create(struct rtsp_server **out, struct loop *loop,
                       const struct rtsp_server_params *params)
{
    struct rtsp_server *server = calloc(1, sizeof *server);

    LM_CHECK(params->on_bytes);
    *out = NULL;
    if (!server)
        return LM_ENOMEM;
    server->loop = loop;
    server->params = *params;
    server->listen = (struct net_listen){.fd_v4 = -1, .fd_v6 = -1};
    int rc = start(server);
    if (rc == LM_OK)
        *out = server;
    else
        rtsp_server_destroy(server);
    return rc;
}

void rtsp_server_destroy(struct rtsp_server *server)
{
    if (!server)
        return;
    if (server->listener_v4)
        evconnlistener_free(server->listener_v4);
    if (server->listener_v6)
        evconnlistener_free(server->listener_v6);
    for (uint32_t i = 0; server->conns && i < server->params.max_connections; i++)
        conn_close(&server->conns[i]);
    net_listen_close(&server->listen);
    free(server->answer);
    free(server->conns);
    free(server);
}

uint16_t rtsp_server_port(const struct rtsp_server *server)
{
    return server->listen.port;
}

uint32_t rtsp_server_open_count(const struct rtsp_server *server)
{
    uint32_t open = 0;

    for (uint32_t i = 0; i < server->params.max_connections; i++)
        open += server->conns[i].state != CONN_FREE;
    return open;
}
