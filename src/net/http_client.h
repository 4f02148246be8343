/* One blocking HTTP or HTTPS GET, for the client program and for tests. Any thread; no state is
 * kept between calls. */
#ifndef LUMEN_NET_HTTP_CLIENT_H
#define LUMEN_NET_HTTP_CLIENT_H

#include "core/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HTTP_BODY_MAX_BYTES = 4 * 1024 * 1024 };

struct http_get_params {
    const char *host; /* name or numeric, IPv6 without brackets */
    uint16_t port;
    const char *target;             /* path and query, "/serverinfo?uniqueid=1" */
    bool secure;                    /* TLS 1.2 or 1.3 */
    const char *cert_pem, *key_pem; /* client certificate and key as text; NULL: none */
    /* With `secure`: the server's leaf must equal these DER bytes, checked before the request is
     * sent. NULL: any certificate is accepted and handed back. */
    const uint8_t *pin_der;
    size_t pin_der_bytes;
    uint64_t timeout_ns; /* for everything together; 0: 10 s */
};

struct http_response {
    int status; /* 200 */
    uint8_t
        *body; /* owned; followed by a NUL that body_bytes does not count; never NULL on success */
    size_t body_bytes;
    uint8_t *server_cert_der; /* owned; NULL over plain HTTP */
    size_t server_cert_der_bytes;
};

/* LM_ENOENT (name), LM_ECLOSED (refused, or closed before a whole answer), LM_ETIMEOUT, LM_EAUTH
 * (pin), LM_ELIMIT (body above HTTP_BODY_MAX_BYTES), LM_EPROTO, LM_EINVAL (own certificate). On
 * failure `out` is zeroed. */
int http_get(const struct http_get_params *params, struct http_response *out) LM_MUST_USE;

/* NULL-safe for a zeroed response. */
void http_response_finish(struct http_response *response);

#endif
