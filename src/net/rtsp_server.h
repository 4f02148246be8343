/* Carries RTSP-like requests: TCP, one request and one answer per connection. It knows no RTSP: the
 * callback sees bytes and says when the request is whole. Loop thread only.
 *
 * After the answer the sending side is shut down and what still arrives is drained until the client
 * closes, or for 2 s, so that the client sees FIN and never RST. */
#ifndef LUMEN_NET_RTSP_SERVER_H
#define LUMEN_NET_RTSP_SERVER_H

#include "net/addr.h"
#include "net/loop.h"

#include <stddef.h>

struct rtsp_server;

enum {
    RTSP_REQUEST_MAX_BYTES = 16 * 1024,
    RTSP_ANSWER_MAX_BYTES = 64 * 1024,
};

/* Filled by the callback. size_bytes 0: close without a byte. */
struct rtsp_answer {
    uint8_t *data; /* room for capacity_bytes, owned by the server */
    size_t capacity_bytes;
    size_t size_bytes;
};

/* One connection, as the callback sees it; borrowed during the call. */
struct rtsp_conn {
    struct net_addr peer, local;
};

enum rtsp_verdict {
    RTSP_MORE = 0,   /* not whole yet */
    RTSP_ANSWER = 1, /* send `answer`, then close; a negative value closes without an answer */
};

struct rtsp_server_params {
    struct net_listen_params listen;      /* socktype is set here */
    uint32_t max_connections;             /* 0: 64 */
    uint32_t max_connections_per_address; /* 0: 16 */
    uint64_t read_timeout_ns;             /* whole request; 0: 10 s */
    uint64_t drain_timeout_ns;            /* 0: 2 s */
    /* All bytes received so far on this connection, from the first one; called each time there are
     * more. A request that grows past RTSP_REQUEST_MAX_BYTES is closed without an answer. */
    int (*on_bytes)(void *user, const struct rtsp_conn *conn, const uint8_t *data,
                    size_t size_bytes, struct rtsp_answer *answer);
    void *user;
};

/* Listens when it returns. LM_EEXIST (port taken), LM_ENOMEM, LM_EIO; then *out is NULL. */
int rtsp_server_create(struct rtsp_server **out, struct loop *loop,
                       const struct rtsp_server_params *params) LM_MUST_USE;
void rtsp_server_destroy(struct rtsp_server *server);
uint16_t rtsp_server_port(const struct rtsp_server *server);

/* Open connections, draining ones included. */
uint32_t rtsp_server_open_count(const struct rtsp_server *server);

#endif
