/* A socket address with its length. An IPv4 address that came as an IPv4-mapped IPv6 one is kept as
 * plain IPv4, so equal addresses compare equal whatever socket they came through. */
#ifndef LUMEN_CORE_TRANSPORT_ADDRESS_H
#define LUMEN_CORE_TRANSPORT_ADDRESS_H

#include "core/base/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

enum { LM_ADDRESS_TEXT_BYTES = 80 }; /* "[v6%scope]:port" with its end */

struct lm_address {
    struct sockaddr_storage storage; /* ss_family AF_UNSPEC (zeroed struct): none */
    socklen_t size_bytes;
};

/* "192.0.2.1", "192.0.2.1:80", "2001:db8::1", "[fe80::1%eth0]:80": numbers only, no names looked
 * up. `default_port` when the text has none. LM_EINVAL when it is no address. */
int lm_address_parse(const char *text, uint16_t default_port, struct lm_address *out) LM_MUST_USE;

/* From what the kernel gave; mapped addresses become IPv4. LM_EUNSUPPORTED: neither v4 nor v6. */
int lm_address_from_sockaddr(const struct sockaddr *from, socklen_t size_bytes,
                             struct lm_address *out) LM_MUST_USE;

bool lm_address_is_set(const struct lm_address *a);
bool lm_address_equal(const struct lm_address *a, const struct lm_address *b);     /* with port */
bool lm_address_same_host(const struct lm_address *a, const struct lm_address *b); /* without */
bool lm_address_is_any(const struct lm_address *a);
bool lm_address_is_loopback(const struct lm_address *a);
bool lm_address_is_ipv4(const struct lm_address *a);
uint16_t lm_address_port(const struct lm_address *a); /* 0 when not set */
void lm_address_set_port(struct lm_address *a, uint16_t port);

/* "192.0.2.1:80" or "[2001:db8::1]:80"; "none" when not set. Always ended. Returns `text`. */
char *lm_address_format(const struct lm_address *a, char text[LM_ADDRESS_TEXT_BYTES]);
/* The same without the port and brackets. */
char *lm_address_format_host(const struct lm_address *a, char text[LM_ADDRESS_TEXT_BYTES]);

#endif
