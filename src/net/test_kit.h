/* What the tests of net/ share: blocking calls on a second thread while the loop runs, throw-away
 * certificates, raw sockets. Waiting is always for an event, with a deadline. */
#ifndef LUMEN_NET_TEST_KIT_H
#define LUMEN_NET_TEST_KIT_H

#include "net/loop.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Runs `call(arg)` on another thread and the loop on this one until the call has returned. */
void test_call_while_looping(struct loop *loop, void (*call)(void *arg), void *arg);

/* Steps the loop until *flag; fails the test after 10 s. */
void test_loop_until(struct loop *loop, const bool *flag);

/* Steps the loop for this long, whatever happens. */
void test_loop_for(struct loop *loop, uint64_t duration_ns);

struct test_identity {
    char *cert_pem, *key_pem;
    uint8_t *der;
    size_t der_bytes;
};

/* A self-signed RSA-2048 certificate; `valid_days` negative: expired. */
void test_identity_init(struct test_identity *identity, int valid_days);
void test_identity_finish(struct test_identity *identity);

/* A connected blocking-free socket to 127.0.0.1. */
int test_connect(uint16_t port);
void test_send(int fd, const void *data, size_t size_bytes);

/* Reads while the loop runs until the peer ends the connection: the bytes, or -errno. */
int test_read_to_end(struct loop *loop, int fd, char *out, size_t capacity_bytes);

/* True when the peer has ended the connection within `limit_ns`. */
bool test_is_closed_within(struct loop *loop, int fd, uint64_t limit_ns);

#endif
