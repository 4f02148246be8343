/* HTTP and HTTPS for the control plane: one request per connection, answered now or later. Loop
 * thread only. A stalled connection, TLS or not, delays nobody else.
 *
 * TLS: 1.2 and 1.3, no tickets, no session cache, no ALPN, exactly one certificate in the chain. A
 * client certificate is asked for with an empty CA list; any or none is accepted at the handshake,
 * and the caller decides on the DER bytes it is given. */
#ifndef LUMEN_NET_HTTP_SERVER_H
#define LUMEN_NET_HTTP_SERVER_H

#include "net/addr.h"
#include "net/loop.h"

#include <stddef.h>

struct http_server;
struct http_exchange;

enum {
    HTTP_REQUEST_LINE_MAX_BYTES = 24 * 1024, /* request line and headers together */
    HTTP_HEADERS_MAX = 64,
};

/* Borrowed until the handler returns, or, of a parked exchange, until it is answered or gone. */
struct http_request {
    const char *method; /* "GET" */
    const char *path;   /* as sent, not percent-decoded; begins with '/' */
    const char *query;  /* raw, without '?'; "" when there is none */
    const uint8_t *body;
    size_t body_bytes;
    const uint8_t *client_cert_der; /* NULL: none presented, or plain HTTP */
    size_t client_cert_der_bytes;
    bool secure;
    struct net_addr peer, local;
};

struct http_server_params {
    struct net_listen_params listen; /* socktype is set here */
    /* TLS when both are set: PEM text, NUL-terminated, borrowed during create. */
    const char *cert_pem, *key_pem;
    uint32_t max_connections;             /* 0: 256 */
    uint32_t max_connections_per_address; /* 0: 32 */
    uint32_t max_body_bytes;              /* 0: 4096 */
    uint64_t read_timeout_ns;             /* whole request, handshake included; 0: 10 s */
    /* Must lead to exactly one http_exchange_answer() per exchange, here or later. */
    void (*handle)(void *user, struct http_exchange *x, const struct http_request *request);
    /* The client of a parked exchange went away, or the server is being destroyed: `x` is invalid
     * when this returns and must not be answered. May be NULL when nothing is ever parked. */
    void (*gone)(void *user, struct http_exchange *x);
    void *user;
};

/* Listens when it returns. LM_EINVAL (certificate and key do not fit), LM_EEXIST (port taken),
 * LM_ENOMEM, LM_EIO; then *out is NULL. */
int http_server_create(struct http_server **out, struct loop *loop,
                       const struct http_server_params *params) LM_MUST_USE;

/* Closes the listeners and all connections; `gone` is called for each parked exchange. NULL-safe.
 */
void http_server_destroy(struct http_server *server);

/* The port in use, also when 0 was asked for. */
uint16_t http_server_port(const struct http_server *server);

/* Connections open now, and connections refused because of the caps so far. */
struct http_server_stats {
    uint32_t open;
    uint64_t refused, timed_out;
};
void http_server_stats(struct http_server *server, struct http_server_stats *out);

/* Of an exchange that is neither answered nor gone. `user` is free for the caller. */
void http_exchange_set_user(struct http_exchange *x, void *user);
void *http_exchange_user(const struct http_exchange *x);
const struct http_request *http_exchange_request(const struct http_exchange *x);

/* A request header's value, case-insensitive name; NULL when absent. Borrowed like the request. */
const char *http_exchange_header(const struct http_exchange *x, const char *name);

/* An additional response header, before the answer. Name and value are copied; ones that contain a
 * line end are dropped. */
void http_exchange_add_header(struct http_exchange *x, const char *name, const char *value);

/* Answers with Content-Length and "Connection: close"; `body` is copied. `x` is invalid after. */
void http_exchange_answer(struct http_exchange *x, int status, const char *content_type,
                          const void *body, size_t body_bytes);

#endif
