#include "net/http_client.h"

#include "core/base/check.h"
#include "core/transport/clock.h"
#include "net/addr.h"
#include "net/http_tls.h"
#include "net/loop_libevent.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <event2/http.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ADDRESSES_MAX = 4, HEADERS_MAX_BYTES = 64 * 1024 };

static const uint64_t default_timeout_ns = 10 * LM_NS_PER_S;

/* One attempt at one address. */
struct attempt {
    const struct http_get_params *params;
    struct http_response *out;
    struct event_base *base;
    struct bufferevent *bev; /* evhttp's */
    struct evhttp_connection *evcon;
    struct http_tls_pin pin;
    SSL_CTX *tls;
    int rc;
    bool done;
};

static void failed(enum evhttp_request_error error, void *arg)
{
    struct attempt *a = arg;

    if (a->pin.mismatch)
        a->rc = LM_EAUTH;
    else if (error == EVREQ_HTTP_DATA_TOO_LONG)
        a->rc = LM_ELIMIT;
    else if (error == EVREQ_HTTP_TIMEOUT)
        a->rc = LM_ETIMEOUT;
    else
        a->rc = error == EVREQ_HTTP_EOF ? LM_ECLOSED : LM_EPROTO;
}

static int take_response(struct attempt *a, struct evhttp_request *req)
{
    struct evbuffer *body = evhttp_request_get_input_buffer(req);
    struct http_response *out = a->out;

    out->status = evhttp_request_get_response_code(req);
    out->body_bytes = evbuffer_get_length(body);
    if (out->body_bytes > HTTP_BODY_MAX_BYTES)
        return LM_ELIMIT;
    out->body = malloc(out->body_bytes + 1);
    if (!out->body)
        return LM_ENOMEM;
    evbuffer_copyout(body, out->body, out->body_bytes);
    out->body[out->body_bytes] = 0;
    out->server_cert_der = a->pin.seen_der;
    out->server_cert_der_bytes = a->pin.seen_der_bytes;
    a->pin.seen_der = NULL;
    return LM_OK;
}

static void finished(struct evhttp_request *req, void *arg)
{
    struct attempt *a = arg;

    a->done = true;
    if (req && evhttp_request_get_response_code(req) != 0)
        a->rc = take_response(a, req);
    else if (a->pin.mismatch)
        a->rc = LM_EAUTH;
    event_base_loopbreak(a->base);
}

static int open_connection(struct attempt *a, const struct net_addr *addr)
{
    const struct http_get_params *p = a->params;

    if (p->secure) {
        a->tls = http_tls_client_context(p->cert_pem, p->key_pem, &a->pin);
        if (!a->tls)
            return LM_EINVAL;
        SSL *ssl = SSL_new(a->tls);
        if (!ssl)
            return LM_ENOMEM;
        if (strcmp(p->host, addr->text) != 0)
            SSL_set_tlsext_host_name(ssl, p->host);
        a->bev = bufferevent_openssl_socket_new(a->base, -1, ssl, BUFFEREVENT_SSL_CONNECTING,
                                                BEV_OPT_CLOSE_ON_FREE);
        if (a->bev)
            bufferevent_openssl_set_allow_dirty_shutdown(a->bev, 1);
    } else {
        a->bev = bufferevent_socket_new(a->base, -1, BEV_OPT_CLOSE_ON_FREE);
    }
    if (!a->bev)
        return LM_ENOMEM;
    a->evcon =
        evhttp_connection_base_bufferevent_new(a->base, NULL, a->bev, addr->text, addr->port);
    if (!a->evcon)
        return LM_ENOMEM;
    evhttp_connection_set_max_body_size(a->evcon, HTTP_BODY_MAX_BYTES);
    evhttp_connection_set_max_headers_size(a->evcon, HEADERS_MAX_BYTES);
    return LM_OK;
}

static int send_request(struct attempt *a, uint64_t left_ns)
{
    const struct http_get_params *p = a->params;
    const struct timeval timeout = loop_timeval(left_ns);
    struct evhttp_request *req = evhttp_request_new(finished, a);
    bool v6 = strchr(p->host, ':') != NULL;
    char host[300];

    if (!req)
        return LM_ENOMEM;
    int size = snprintf(host, sizeof host, v6 ? "[%s]:%u" : "%s:%u", p->host, (unsigned)p->port);
    evhttp_request_set_error_cb(req, failed);
    struct evkeyvalq *headers = evhttp_request_get_output_headers(req);
    if (size < 0 || (size_t)size >= sizeof host || evhttp_add_header(headers, "Host", host) != 0 ||
        evhttp_add_header(headers, "Connection", "close") != 0) {
        evhttp_request_free(req);
        return LM_EINVAL;
    }
    evhttp_connection_set_timeout_tv(a->evcon, &timeout);
    /* From here the request is evhttp's, also on failure. */
    return evhttp_make_request(a->evcon, req, EVHTTP_REQ_GET, p->target) == 0 ? LM_OK : LM_EIO;
}

static int get_from(const struct net_addr *addr, const struct http_get_params *params,
                    uint64_t deadline_ns, struct http_response *out)
{
    struct attempt a = {.params = params,
                        .out = out,
                        .pin = {.der = params->pin_der, .der_bytes = params->pin_der_bytes},
                        .rc = LM_ECLOSED};
    uint64_t now_ns = lm_clock_now_ns();
    const struct timeval limit = loop_timeval(deadline_ns > now_ns ? deadline_ns - now_ns : 0);

    a.base = event_base_new();
    int rc = a.base ? open_connection(&a, addr) : LM_ENOMEM;
    if (rc == LM_OK)
        rc = send_request(&a, deadline_ns > now_ns ? deadline_ns - now_ns : LM_NS_PER_MS);
    if (rc == LM_OK && !a.done) {
        event_base_loopexit(a.base, &limit);
        event_base_dispatch(a.base);
    }
    if (rc == LM_OK)
        rc = a.done ? a.rc : LM_ETIMEOUT;
    if (a.evcon)
        evhttp_connection_free(a.evcon);
    else if (a.bev)
        bufferevent_free(a.bev);
    if (a.base)
        event_base_free(a.base);
    SSL_CTX_free(a.tls);
    free(a.pin.seen_der);
    return rc;
}

int http_get(const struct http_get_params *params, struct http_response *out)
{
    struct net_addr addrs[ADDRESSES_MAX];
    uint64_t timeout_ns = params->timeout_ns ? params->timeout_ns : default_timeout_ns;
    uint64_t deadline_ns = lm_clock_now_ns() + timeout_ns;

    LM_CHECK(params->host && params->target && params->target[0] == '/');
    memset(out, 0, sizeof *out);
    loop_quiet_libevent();
    int count = net_resolve(params->host, params->port, SOCK_STREAM, addrs, ADDRESSES_MAX);
    int rc = count;
    for (int i = 0; i < count; i++) {
        rc = get_from(&addrs[i], params, deadline_ns, out);
        /* Another address only helps when this one did not take the connection. */
        if (rc != LM_ECLOSED)
            break;
    }
    if (rc != LM_OK)
        http_response_finish(out);
    return rc;
}

void http_response_finish(struct http_response *response)
{
    if (!response)
        return;
    free(response->body);
    free(response->server_cert_der);
    memset(response, 0, sizeof *response);
}
