#include "net/http_server.h"

#include "core/base/check.h"
#include "core/transport/clock.h"
#include "net/http_conns.h"
#include "net/http_tls.h"
#include "net/loop_libevent.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    DEFAULT_CONNECTIONS = 256,
    DEFAULT_CONNECTIONS_PER_ADDRESS = 32,
    DEFAULT_BODY_BYTES = 4096,
    /* What a client may send after its request before we stop reading. */
    SURPLUS_MAX_BYTES = 4096,
    /* CONNECT stays with evhttp, which refuses it: after it, evhttp never closes. */
    METHODS = EVHTTP_REQ_GET | EVHTTP_REQ_POST | EVHTTP_REQ_HEAD | EVHTTP_REQ_PUT |
              EVHTTP_REQ_DELETE | EVHTTP_REQ_OPTIONS | EVHTTP_REQ_TRACE | EVHTTP_REQ_PATCH,
};

static const uint64_t default_read_timeout_ns = 10 * LM_NS_PER_S;
static const uint64_t write_timeout_ns = 30 * LM_NS_PER_S;

struct http_server {
    struct loop *loop;
    struct http_server_params params;
    struct evhttp *http;
    SSL_CTX *tls; /* NULL: plain */
    struct http_conns conns;
    struct net_listen listen;
};

/* Lives from the request until its connection closes, also after the answer. */
struct http_exchange {
    struct http_server *server;
    struct evhttp_request *req;
    struct http_request request;
    uint8_t *cert_der;
    void *user;
    int fd;
    bool answered;
};

static const char *method_name(enum evhttp_cmd_type type)
{
    switch (type) {
    case EVHTTP_REQ_GET:
        return "GET";
    case EVHTTP_REQ_POST:
        return "POST";
    case EVHTTP_REQ_HEAD:
        return "HEAD";
    case EVHTTP_REQ_PUT:
        return "PUT";
    case EVHTTP_REQ_DELETE:
        return "DELETE";
    case EVHTTP_REQ_OPTIONS:
        return "OPTIONS";
    case EVHTTP_REQ_TRACE:
        return "TRACE";
    case EVHTTP_REQ_PATCH:
        return "PATCH";
    case EVHTTP_REQ_CONNECT:
        break;
    }
    return "";
}

static struct bufferevent *exchange_bev(const struct http_exchange *x)
{
    return evhttp_connection_get_bufferevent(evhttp_request_get_connection(x->req));
}

/* evhttp frees the connection after this returns: answered, client gone, timed out, or shut down.
 */
static void connection_closing(struct evhttp_connection *evcon, void *arg)
{
    struct http_exchange *x = arg;

    http_conns_forget(&x->server->conns, x->fd);
    if (!x->answered) {
        if (x->server->params.gone)
            x->server->params.gone(x->server->params.user, x);
        /* When the network failed, evhttp has let go of an unanswered request: it is ours. */
        if (!evhttp_request_get_connection(x->req))
            evhttp_request_free(x->req);
    }
    free(x->cert_der);
    free(x);
}

/* All of the answer is in the kernel; without this alert some clients take the end for an attack.
 */
static void answer_sent(struct evhttp_request *req, void *arg)
{
    struct http_exchange *x = arg;

    SSL *ssl = x->server->tls ? bufferevent_openssl_get_ssl(exchange_bev(x)) : NULL;
    if (ssl) {
        SSL_shutdown(ssl);
        ERR_clear_error();
    }
}

static void take_client_cert(struct http_exchange *x)
{
    SSL *ssl = bufferevent_openssl_get_ssl(exchange_bev(x));
    size_t size = 0;

    if (ssl && http_tls_peer_der(ssl, &x->cert_der, &size) == LM_OK) {
        x->request.client_cert_der = x->cert_der;
        x->request.client_cert_der_bytes = size;
    }
}

/* LM_EPROTO when the request is one that no caller of ours wants to see. */
static int describe_request(struct http_exchange *x)
{
    const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(x->req);
    struct evbuffer *body = evhttp_request_get_input_buffer(x->req);
    struct http_request *out = &x->request;
    uint32_t headers = 0;

    for (struct evkeyval *at = evhttp_request_get_input_headers(x->req)->tqh_first; at;
         at = at->next.tqe_next)
        headers++;
    out->method = method_name(evhttp_request_get_command(x->req));
    out->path = uri ? evhttp_uri_get_path(uri) : NULL;
    out->query = uri ? evhttp_uri_get_query(uri) : NULL;
    if (!out->query)
        out->query = "";
    if (out->path && out->path[0] == '\0')
        out->path = "/";
    out->body_bytes = evbuffer_get_length(body);
    out->body = out->body_bytes ? evbuffer_pullup(body, -1) : NULL;
    out->secure = x->server->tls != NULL;
    if (net_addr_of_peer(&out->peer, x->fd) != LM_OK ||
        net_addr_of_local(&out->local, x->fd) != LM_OK)
        return LM_EPROTO;
    return out->path && out->path[0] == '/' && headers <= HTTP_HEADERS_MAX ? LM_OK : LM_EPROTO;
}

/* Nothing is due from the client any more but its going away must be noticed, so reading goes on.
 * The read callback must go: evhttp ends the process when bytes arrive in this state. */
static void park(struct http_exchange *x)
{
    struct bufferevent *bev = exchange_bev(x);
    bufferevent_data_cb on_read, on_write;
    bufferevent_event_cb on_event;
    void *arg;

    http_conns_set_deadline(&x->server->conns, x->fd, LM_TIME_MAX);
    bufferevent_getcb(bev, &on_read, &on_write, &on_event, &arg);
    bufferevent_setcb(bev, NULL, on_write, on_event, arg);
    bufferevent_enable(bev, EV_READ);
}

static void request_arrived(struct evhttp_request *req, void *arg)
{
    struct http_server *server = arg;
    struct evhttp_connection *evcon = evhttp_request_get_connection(req);
    struct bufferevent *bev = evhttp_connection_get_bufferevent(evcon);
    struct http_exchange *x = NULL;

    if (!server->tls || bufferevent_openssl_get_ssl(bev))
        x = calloc(1, sizeof *x);
    if (!x) {
        evhttp_send_error(req, HTTP_SERVUNAVAIL, NULL);
        return;
    }
    bufferevent_setwatermark(bev, EV_READ, 0, SURPLUS_MAX_BYTES);
    *x = (struct http_exchange){.server = server, .req = req};
    x->fd = (int)bufferevent_getfd(bev);
    evhttp_connection_set_closecb(evcon, connection_closing, x);
    evhttp_request_set_on_complete_cb(req, answer_sent, x);
    int rc = describe_request(x);
    if (rc == LM_OK && server->tls)
        take_client_cert(x);
    if (rc != LM_OK) {
        http_exchange_answer(x, HTTP_BADREQUEST, "text/plain", NULL, 0);
        return;
    }
    server->params.handle(server->params.user, x, &x->request);
    if (!x->answered)
        park(x);
}

static struct bufferevent *make_bufferevent(struct event_base *base, void *arg)
{
    struct http_server *server = arg;
    struct bufferevent *bev = NULL;

    if (server->tls) {
        SSL *ssl = SSL_new(server->tls);
        if (ssl)
            bev = bufferevent_openssl_socket_new(base, -1, ssl, BUFFEREVENT_SSL_ACCEPTING,
                                                 BEV_OPT_CLOSE_ON_FREE);
        /* Without memory evhttp would make a plain one, which request_arrived() refuses. */
        if (bev)
            bufferevent_openssl_set_allow_dirty_shutdown(bev, 1);
    } else {
        bev = bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
    }
    if (bev)
        http_conns_accepted(&server->conns, bev);
    return bev;
}

static int accept_on(struct http_server *server, int *fd)
{
    if (*fd < 0)
        return LM_OK;
    if (!evhttp_accept_socket_with_handle(server->http, *fd))
        return LM_ENOMEM;
    *fd = -1; /* evhttp's now */
    return LM_OK;
}

static void apply_defaults(struct http_server_params *p)
{
    p->listen.socktype = SOCK_STREAM;
    p->max_connections = p->max_connections ? p->max_connections : DEFAULT_CONNECTIONS;
    p->max_connections_per_address = p->max_connections_per_address
                                         ? p->max_connections_per_address
                                         : DEFAULT_CONNECTIONS_PER_ADDRESS;
    p->max_body_bytes = p->max_body_bytes ? p->max_body_bytes : DEFAULT_BODY_BYTES;
    p->read_timeout_ns = p->read_timeout_ns ? p->read_timeout_ns : default_read_timeout_ns;
}

static int start(struct http_server *server)
{
    const struct http_server_params *p = &server->params;
    const struct http_conns_params conns = {.max = p->max_connections,
                                            .max_per_address = p->max_connections_per_address,
                                            .read_timeout_ns = p->read_timeout_ns};

    if (p->cert_pem || p->key_pem) {
        if (p->cert_pem && p->key_pem)
            server->tls = http_tls_server_context(p->cert_pem, p->key_pem);
        if (!server->tls)
            return LM_EINVAL;
    }
    int rc = http_conns_init(&server->conns, server->loop, &conns);
    if (rc != LM_OK)
        return rc;
    server->http = evhttp_new(loop_base(server->loop));
    if (!server->http)
        return LM_ENOMEM;
    evhttp_set_max_headers_size(server->http, HTTP_REQUEST_LINE_MAX_BYTES);
    evhttp_set_max_body_size(server->http, (ev_ssize_t)p->max_body_bytes);
    evhttp_set_allowed_methods(server->http, METHODS);
    evhttp_set_default_content_type(server->http, NULL);
    evhttp_set_bevcb(server->http, make_bufferevent, server);
    evhttp_set_gencb(server->http, request_arrived, server);
    rc = net_listen_open(&server->listen, &p->listen);
    if (rc == LM_OK)
        rc = accept_on(server, &server->listen.fd_v4);
    return rc == LM_OK ? accept_on(server, &server->listen.fd_v6) : rc;
}

int http_server_create(struct http_server **out, struct loop *loop,
                       const struct http_server_params *params)
{
    struct http_server *server = calloc(1, sizeof *server);

    LM_CHECK(params->handle);
    *out = NULL;
    if (!server)
        return LM_ENOMEM;
    server->loop = loop;
    server->params = *params;
    server->listen = (struct net_listen){.fd_v4 = -1, .fd_v6 = -1};
    apply_defaults(&server->params);
    int rc = start(server);
    server->params.cert_pem = server->params.key_pem = NULL; /* borrowed during create only */
    if (rc == LM_OK)
        *out = server;
    else
        http_server_destroy(server);
    return rc;
}

void http_server_destroy(struct http_server *server)
{
    if (!server)
        return;
    if (server->http)
        evhttp_free(server->http);
    http_conns_finish(&server->conns);
    net_listen_close(&server->listen);
    SSL_CTX_free(server->tls);
    free(server);
}

uint16_t http_server_port(const struct http_server *server)
{
    return server->listen.port;
}

void http_server_stats(struct http_server *server, struct http_server_stats *out)
{
    *out = (struct http_server_stats){.open = http_conns_open_count(&server->conns),
                                      .refused = server->conns.refused,
                                      .timed_out = server->conns.timed_out};
}

void http_exchange_set_user(struct http_exchange *x, void *user)
{
    x->user = user;
}

void *http_exchange_user(const struct http_exchange *x)
{
    return x->user;
}

const struct http_request *http_exchange_request(const struct http_exchange *x)
{
    return &x->request;
}

const char *http_exchange_header(const struct http_exchange *x, const char *name)
{
    return evhttp_find_header(evhttp_request_get_input_headers(x->req), name);
}

void http_exchange_add_header(struct http_exchange *x, const char *name, const char *value)
{
    if (!strpbrk(name, "\r\n:") && !strpbrk(value, "\r\n"))
        (void)evhttp_add_header(evhttp_request_get_output_headers(x->req), name, value);
}

void http_exchange_answer(struct http_exchange *x, int status, const char *content_type,
                          const void *body, size_t body_bytes)
{
    struct evkeyvalq *headers = evhttp_request_get_output_headers(x->req);
    char length[24];

    LM_CHECK(!x->answered);
    x->answered = true;
    snprintf(length, sizeof length, "%zu", body_bytes);
    http_exchange_add_header(x, "Content-Type", content_type);
    http_exchange_add_header(x, "Content-Length", length);
    /* evhttp would repeat a client's keep-alive beside our close. */
    (void)evhttp_remove_header(evhttp_request_get_input_headers(x->req), "Connection");
    (void)evhttp_add_header(headers, "Connection", "close");
    http_conns_set_deadline(&x->server->conns, x->fd, lm_clock_now_ns() + write_timeout_ns);
    struct evbuffer *out = evhttp_request_get_output_buffer(x->req);
    if (body_bytes)
        evbuffer_add(out, body, body_bytes);
    evhttp_send_reply(x->req, status, NULL, NULL);
}
