/* What a client sees of the TLS handshake itself. */
#include "net/http_server.h"

#include "core/base/check.h"
#include "core/transport/clock.h"
#include "net/test_kit.h"

#include <fcntl.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct test_identity host_id;

static void handle(void *user, struct http_exchange *x, const struct http_request *request)
{
    http_exchange_answer(x, 200, "text/xml", "ok", 2);
}

struct handshake {
    uint16_t port;
    int version;          /* the only one offered */
    SSL_SESSION *session; /* offered when not NULL */
    /* results */
    bool ok, reused, alpn_chosen, wants_client_cert, clean_end;
    int chain_length, ca_names;
    bool leaf_is_hosts;
    SSL_SESSION *got_session;
    char answer[512];
};

static int note_client_cert_request(SSL *ssl, void *arg)
{
    struct handshake *h = arg;
    const STACK_OF(X509_NAME) *names = SSL_get_client_CA_list(ssl);

    h->wants_client_cert = true;
    h->ca_names = names ? sk_X509_NAME_num(names) : 0;
    return 1;
}

static int accept_any(X509_STORE_CTX *store, void *arg)
{
    return 1;
}

static void inspect(struct handshake *h, SSL *ssl)
{
    const unsigned char *alpn = NULL;
    unsigned alpn_bytes = 0;
    STACK_OF(X509) *chain = SSL_get_peer_cert_chain(ssl);
    uint8_t *der = NULL;

    SSL_get0_alpn_selected(ssl, &alpn, &alpn_bytes);
    h->alpn_chosen = alpn_bytes > 0;
    h->chain_length = sk_X509_num(chain);
    int size = i2d_X509(sk_X509_value(chain, 0), &der);
    h->leaf_is_hosts =
        (size_t)size == host_id.der_bytes && memcmp(der, host_id.der, host_id.der_bytes) == 0;
    OPENSSL_free(der);
    h->reused = SSL_session_reused(ssl);
}

static void shake(void *arg)
{
    static const char request[] = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
    struct handshake *h = arg;
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    SSL *ssl;
    int fd = test_connect(h->port), size = 0, n;

    SSL_CTX_set_min_proto_version(ctx, h->version);
    SSL_CTX_set_max_proto_version(ctx, h->version);
    SSL_CTX_set_alpn_protos(ctx, (const unsigned char *)"\x02h2\x08http/1.1", 12);
    SSL_CTX_set_cert_cb(ctx, note_client_cert_request, h);
    SSL_CTX_set_cert_verify_callback(ctx, accept_any, NULL);
    ssl = SSL_new(ctx);
    if (h->session)
        SSL_set_session(ssl, h->session);
    SSL_set_fd(ssl, fd);
    /* A blocking socket keeps this side simple; the server's deadline bounds it. */
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
    h->ok = SSL_connect(ssl) == 1;
    if (h->ok) {
        inspect(h, ssl);
        SSL_write(ssl, request, sizeof request - 1);
        while ((n = SSL_read(ssl, h->answer + size, (int)sizeof h->answer - 1 - size)) > 0)
            size += n;
        h->clean_end = SSL_get_error(ssl, n) == SSL_ERROR_ZERO_RETURN;
        h->got_session = SSL_get1_session(ssl);
    }
    SSL_free(ssl);
    SSL_CTX_free(ctx);
    close(fd);
}

static struct handshake run(struct loop *loop, struct http_server *server, int version,
                            SSL_SESSION *session)
{
    struct handshake h = {.port = http_server_port(server), .version = version, .session = session};

    test_call_while_looping(loop, shake, &h);
    return h;
}

static void handshake_suits_every_stock_client(void **state) /* gs-session 25, 26 */
{
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    struct loop *loop = loop_create(NULL);
    struct http_server *server;
    const struct http_server_params params = {.listen.loopback_only = true,
                                              .cert_pem = host_id.cert_pem,
                                              .key_pem = host_id.key_pem,
                                              .handle = handle};

    assert_int_equal(http_server_create(&server, loop, &params), LM_OK);
    for (size_t i = 0; i < LM_ARRAY_LEN(versions); i++) {
        struct handshake h = run(loop, server, versions[i], NULL);
        assert_true(h.ok);
        assert_int_equal(h.chain_length, 1);
        assert_true(h.leaf_is_hosts);
        assert_true(h.wants_client_cert);
        assert_int_equal(h.ca_names, 0);
        assert_false(h.alpn_chosen);
        assert_true(h.clean_end);
        assert_non_null(strstr(h.answer, "\r\n\r\nok"));
        assert_int_equal(SSL_SESSION_has_ticket(h.got_session), 0);
        struct handshake again = run(loop, server, versions[i], h.got_session);
        assert_true(again.ok);
        assert_false(again.reused);
        SSL_SESSION_free(again.got_session);
        SSL_SESSION_free(h.got_session);
    }
    assert_false(run(loop, server, TLS1_1_VERSION, NULL).ok);
    http_server_destroy(server);
    loop_destroy(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(handshake_suits_every_stock_client)};

    test_identity_init(&host_id, 3650);
    int rc = cmocka_run_group_tests(tests, NULL, NULL);
    test_identity_finish(&host_id);
    return rc;
}
