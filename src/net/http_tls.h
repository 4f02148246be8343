/* TLS contexts of the HTTP server and client. Trust is decided by comparing whole certificates, so
 * nothing here builds or verifies chains. */
#ifndef LUMEN_NET_HTTP_TLS_H
#define LUMEN_NET_HTTP_TLS_H

#include "core/base/err.h"

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* NULL when the PEM texts are not one certificate and its key. Freed with SSL_CTX_free(). */
SSL_CTX *http_tls_server_context(const char *cert_pem, const char *key_pem);

/* What the client expects of the server, and what it saw during the handshake. */
struct http_tls_pin {
    const uint8_t *der; /* NULL: any certificate */
    size_t der_bytes;
    bool mismatch;
    uint8_t *seen_der; /* the server's leaf, malloc()ed, the caller's; NULL before */
    size_t seen_der_bytes;
};

/* `cert_pem` and `key_pem` NULL: no client certificate. `pin` is borrowed for the context's life.
 */
SSL_CTX *http_tls_client_context(const char *cert_pem, const char *key_pem,
                                 struct http_tls_pin *pin);

/* The client's leaf, malloc()ed. LM_ENOENT when it presented none, LM_ENOMEM. */
int http_tls_peer_der(SSL *ssl, uint8_t **der, size_t *der_bytes) LM_MUST_USE;

#endif
