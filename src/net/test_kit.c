#include "net/test_kit.h"

#include "core/base/check.h"
#include "core/transport/clock.h"
#include "net/addr.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static const uint64_t patience_ns = 10 * LM_NS_PER_S;

struct call {
    void (*call)(void *arg);
    void *arg;
    struct loop_inbox *inbox;
    bool done;
};

static void note_done(void *user, uint64_t arg)
{
    ((struct call *)user)->done = true;
}

static void *call_thread(void *arg)
{
    struct call *c = arg;
    const struct loop_task task = {.run = note_done, .user = c};

    c->call(c->arg);
    LM_CHECK(loop_inbox_post(c->inbox, &task) == LM_OK);
    return NULL;
}

void test_call_while_looping(struct loop *loop, void (*call)(void *arg), void *arg)
{
    struct call c = {.call = call, .arg = arg, .inbox = loop_inbox_create(loop, 2)};
    pthread_t thread;

    LM_CHECK(c.inbox);
    LM_CHECK(pthread_create(&thread, NULL, call_thread, &c) == 0);
    test_loop_until(loop, &c.done);
    pthread_join(thread, NULL);
    loop_inbox_destroy(c.inbox);
}

void test_loop_until(struct loop *loop, const bool *flag)
{
    uint64_t deadline_ns = lm_clock_now_ns() + patience_ns;

    while (!*flag) {
        LM_CHECK(lm_clock_now_ns() < deadline_ns);
        LM_CHECK(loop_step(loop, 100 * LM_NS_PER_MS) == LM_OK);
    }
}

void test_loop_for(struct loop *loop, uint64_t duration_ns)
{
    uint64_t end_ns = lm_clock_now_ns() + duration_ns;

    for (uint64_t now_ns = lm_clock_now_ns(); now_ns < end_ns; now_ns = lm_clock_now_ns())
        LM_CHECK(loop_step(loop, end_ns - now_ns) == LM_OK);
}

static char *bio_text(BIO *bio)
{
    char *data;
    long size = BIO_get_mem_data(bio, &data);
    char *text = strndup(data, (size_t)size);

    BIO_free(bio);
    return text;
}

void test_identity_init(struct test_identity *identity, int valid_days)
{
    EVP_PKEY *key = EVP_RSA_gen(2048);
    X509 *cert = X509_new();
    X509_NAME *name = X509_get_subject_name(cert);
    BIO *cert_bio = BIO_new(BIO_s_mem()), *key_bio = BIO_new(BIO_s_mem());
    const long day = 24 * 60 * 60;

    X509_set_version(cert, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
    X509_gmtime_adj(X509_getm_notBefore(cert), -365 * day);
    X509_gmtime_adj(X509_getm_notAfter(cert), valid_days * day);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"test", -1, -1, 0);
    X509_set_issuer_name(cert, name);
    X509_set_pubkey(cert, key);
    LM_CHECK(X509_sign(cert, key, EVP_sha256()) > 0);
    identity->der = NULL;
    identity->der_bytes = (size_t)i2d_X509(cert, &identity->der);
    LM_CHECK(PEM_write_bio_X509(cert_bio, cert) == 1);
    LM_CHECK(PEM_write_bio_PrivateKey(key_bio, key, NULL, NULL, 0, NULL, NULL) == 1);
    identity->cert_pem = bio_text(cert_bio);
    identity->key_pem = bio_text(key_bio);
    X509_free(cert);
    EVP_PKEY_free(key);
}

void test_identity_finish(struct test_identity *identity)
{
    OPENSSL_free(identity->der);
    free(identity->cert_pem);
    free(identity->key_pem);
}

int test_connect(uint16_t port)
{
    int fd = net_connect_tcp("127.0.0.1", port, lm_clock_now_ns() + patience_ns);

    LM_CHECK(fd >= 0);
    return fd;
}

void test_send(int fd, const void *data, size_t size_bytes)
{
    LM_CHECK(send(fd, data, size_bytes, MSG_NOSIGNAL) == (ssize_t)size_bytes);
}

int test_read_to_end(struct loop *loop, int fd, char *out, size_t capacity_bytes)
{
    uint64_t deadline_ns = lm_clock_now_ns() + patience_ns;
    size_t size = 0;

    for (;;) {
        LM_CHECK(lm_clock_now_ns() < deadline_ns && size < capacity_bytes);
        ssize_t n = recv(fd, out + size, capacity_bytes - size, MSG_DONTWAIT);
        if (n == 0)
            return (int)size;
        if (n < 0 && errno != EAGAIN)
            return -errno;
        if (n > 0)
            size += (size_t)n;
        else
            LM_CHECK(loop_step(loop, LM_NS_PER_MS) == LM_OK);
    }
}

bool test_is_closed_within(struct loop *loop, int fd, uint64_t limit_ns)
{
    uint64_t deadline_ns = lm_clock_now_ns() + limit_ns;
    char byte;

    while (lm_clock_now_ns() < deadline_ns) {
        ssize_t n = recv(fd, &byte, 1, MSG_DONTWAIT);
        if (n == 0 || (n < 0 && errno != EAGAIN))
            return true;
        LM_CHECK(loop_step(loop, LM_NS_PER_MS) == LM_OK);
    }
    return false;
}
