#include "net/http_tls.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

enum { PEM_MAX_BYTES = 64 * 1024 };

static BIO *text_bio(const char *text)
{
    size_t size = strnlen(text, PEM_MAX_BYTES);

    return size < PEM_MAX_BYTES ? BIO_new_mem_buf(text, (int)size) : NULL;
}

/* Exactly one certificate: clients compare the length of the chain they are sent. */
static X509 *one_certificate(const char *pem)
{
    BIO *bio = text_bio(pem);
    X509 *cert = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
    X509 *second = cert ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;

    if (second) {
        X509_free(cert);
        cert = NULL;
    }
    X509_free(second);
    BIO_free(bio);
    ERR_clear_error();
    return cert;
}

static int use_identity(SSL_CTX *ctx, const char *cert_pem, const char *key_pem)
{
    int rc = LM_EINVAL;
    X509 *cert = one_certificate(cert_pem);
    BIO *bio = text_bio(key_pem);
    EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL) : NULL;

    if (cert && key && SSL_CTX_use_certificate(ctx, cert) == 1 &&
        SSL_CTX_use_PrivateKey(ctx, key) == 1 && SSL_CTX_check_private_key(ctx) == 1)
        rc = LM_OK;
    EVP_PKEY_free(key);
    BIO_free(bio);
    X509_free(cert);
    ERR_clear_error();
    return rc;
}

/* Any certificate passes here; authorisation compares its DER bytes after the handshake. A refusal
 * in the handshake would reach clients as a network failure. */
static int accept_any(X509_STORE_CTX *store, void *arg)
{
    X509_STORE_CTX_set_error(store, X509_V_OK);
    return 1;
}

SSL_CTX *http_tls_server_context(const char *cert_pem, const char *key_pem)
{
    static const unsigned char session_context[] = "lumen";
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

    if (!ctx)
        return NULL;
    SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
    SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                 SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_num_tickets(ctx, 0);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_session_id_context(ctx, session_context, sizeof session_context - 1);
    SSL_CTX_set_mode(ctx, SSL_MODE_NO_AUTO_CHAIN | SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_cert_verify_callback(ctx, accept_any, NULL);
    if (use_identity(ctx, cert_pem, key_pem) == LM_OK)
        return ctx;
    SSL_CTX_free(ctx);
    return NULL;
}

static int copy_der(X509 *cert, uint8_t **der, size_t *der_bytes)
{
    int size = i2d_X509(cert, NULL);
    uint8_t *at = size > 0 ? malloc((size_t)size) : NULL;

    if (!at)
        return LM_ENOMEM;
    *der = at;
    *der_bytes = (size_t)size;
    i2d_X509(cert, &at);
    return LM_OK;
}

static int check_pin(X509_STORE_CTX *store, void *arg)
{
    struct http_tls_pin *pin = arg;
    X509 *leaf = X509_STORE_CTX_get0_cert(store);

    free(pin->seen_der);
    pin->seen_der = NULL;
    bool same = leaf && copy_der(leaf, &pin->seen_der, &pin->seen_der_bytes) == LM_OK;
    if (same && pin->der)
        same = pin->seen_der_bytes == pin->der_bytes &&
               memcmp(pin->seen_der, pin->der, pin->der_bytes) == 0;
    pin->mismatch = !same;
    X509_STORE_CTX_set_error(store, same ? X509_V_OK : X509_V_ERR_CERT_REJECTED);
    return same;
}

SSL_CTX *http_tls_client_context(const char *cert_pem, const char *key_pem,
                                 struct http_tls_pin *pin)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

    if (!ctx)
        return NULL;
    SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
    SSL_CTX_set_options(ctx, SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_cert_verify_callback(ctx, check_pin, pin);
    if (!cert_pem || (key_pem && use_identity(ctx, cert_pem, key_pem) == LM_OK))
        return ctx;
    SSL_CTX_free(ctx);
    return NULL;
}

int http_tls_peer_der(SSL *ssl, uint8_t **der, size_t *der_bytes)
{
    X509 *cert = SSL_get0_peer_certificate(ssl);

    *der = NULL;
    *der_bytes = 0;
    return cert ? copy_der(cert, der, der_bytes) : LM_ENOENT;
}
