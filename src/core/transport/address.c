#include "core/transport/address.h"

#include "core/base/check.h"

#include <arpa/inet.h>
#include <assert.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HOST_TEXT_BYTES = INET6_ADDRSTRLEN + 1 + IF_NAMESIZE };

static_assert(HOST_TEXT_BYTES + sizeof "[]:65535" <= LM_ADDRESS_TEXT_BYTES, "text fits");

static const struct sockaddr_in *v4_of(const struct lm_address *a)
{
    return (const struct sockaddr_in *)&a->storage;
}

static const struct sockaddr_in6 *v6_of(const struct lm_address *a)
{
    return (const struct sockaddr_in6 *)&a->storage;
}

static void set_v4(struct lm_address *out, const void *host, in_port_t port)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = port};
    memcpy(&in.sin_addr, host, sizeof in.sin_addr);
    memset(out, 0, sizeof *out);
    memcpy(&out->storage, &in, sizeof in);
    out->size_bytes = sizeof in;
}

static void set_v6(struct lm_address *out, const struct sockaddr_in6 *from)
{
    if (IN6_IS_ADDR_V4MAPPED(&from->sin6_addr)) {
        set_v4(out, from->sin6_addr.s6_addr + 12, from->sin6_port);
        return;
    }
    struct sockaddr_in6 in = {
        .sin6_family = AF_INET6,
        .sin6_port = from->sin6_port,
        .sin6_addr = from->sin6_addr,
        .sin6_scope_id = from->sin6_scope_id,
    };
    memset(out, 0, sizeof *out);
    memcpy(&out->storage, &in, sizeof in);
    out->size_bytes = sizeof in;
}

int lm_address_from_sockaddr(const struct sockaddr *from, socklen_t size_bytes,
                             struct lm_address *out)
{
    struct sockaddr_storage copy = {0};
    memset(out, 0, sizeof *out);
    memcpy(&copy, from, LM_MIN(size_bytes, sizeof copy));
    if (copy.ss_family == AF_INET && size_bytes >= sizeof(struct sockaddr_in)) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)&copy;
        set_v4(out, &in->sin_addr, in->sin_port);
        return 0;
    }
    if (copy.ss_family == AF_INET6 && size_bytes >= sizeof(struct sockaddr_in6)) {
        set_v6(out, (const struct sockaddr_in6 *)&copy);
        return 0;
    }
    return LM_EUNSUPPORTED;
}

/* Takes host and port apart; `port` keeps its value when there is none. */
static int split(const char *text, char host[HOST_TEXT_BYTES], uint16_t *port)
{
    const char *colon = strrchr(text, ':'), *first = strchr(text, ':');
    const char *close = strchr(text, ']'), *end = text + strlen(text), *digits = NULL;
    if (*text == '[') {
        if (!close || (close[1] && close[1] != ':'))
            return LM_EINVAL;
        text++;
        end = close;
        digits = close[1] ? close + 2 : NULL;
    } else if (colon && colon == first) {
        end = colon;
        digits = colon + 1;
    }
    if ((size_t)(end - text) >= HOST_TEXT_BYTES)
        return LM_EINVAL;
    memcpy(host, text, (size_t)(end - text));
    host[end - text] = '\0';
    if (!digits)
        return 0;
    size_t length = strlen(digits);
    if (length < 1 || length > 5 || strspn(digits, "0123456789") != length)
        return LM_EINVAL;
    unsigned long value = strtoul(digits, NULL, 10);
    *port = (uint16_t)value;
    return value <= UINT16_MAX ? 0 : LM_EINVAL;
}

static int parse_v6(char *host, uint16_t port, struct lm_address *out)
{
    struct sockaddr_in6 in = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    char *scope = strchr(host, '%');
    if (scope) {
        *scope++ = '\0';
        char *end;
        unsigned long number = strtoul(scope, &end, 10);
        in.sin6_scope_id = *scope && !*end ? (uint32_t)number : if_nametoindex(scope);
        if (!in.sin6_scope_id)
            return LM_EINVAL;
    }
    if (inet_pton(AF_INET6, host, &in.sin6_addr) != 1)
        return LM_EINVAL;
    set_v6(out, &in);
    return 0;
}

int lm_address_parse(const char *text, uint16_t default_port, struct lm_address *out)
{
    char host[HOST_TEXT_BYTES];
    uint16_t port = default_port;
    struct in_addr v4;
    memset(out, 0, sizeof *out);
    int rc = split(text, host, &port);
    if (rc < 0)
        return rc;
    if (inet_pton(AF_INET, host, &v4) != 1)
        return parse_v6(host, port, out);
    set_v4(out, &v4, htons(port));
    return 0;
}

bool lm_address_is_set(const struct lm_address *a)
{
    return a->storage.ss_family != AF_UNSPEC;
}

bool lm_address_is_ipv4(const struct lm_address *a)
{
    return a->storage.ss_family == AF_INET;
}

bool lm_address_same_host(const struct lm_address *a, const struct lm_address *b)
{
    if (a->storage.ss_family != b->storage.ss_family)
        return false;
    if (a->storage.ss_family == AF_INET)
        return v4_of(a)->sin_addr.s_addr == v4_of(b)->sin_addr.s_addr;
    if (a->storage.ss_family == AF_INET6)
        return v6_of(a)->sin6_scope_id == v6_of(b)->sin6_scope_id &&
               IN6_ARE_ADDR_EQUAL(&v6_of(a)->sin6_addr, &v6_of(b)->sin6_addr);
    return true;
}

bool lm_address_equal(const struct lm_address *a, const struct lm_address *b)
{
    return lm_address_same_host(a, b) && lm_address_port(a) == lm_address_port(b);
}

bool lm_address_is_any(const struct lm_address *a)
{
    if (a->storage.ss_family == AF_INET)
        return v4_of(a)->sin_addr.s_addr == htonl(INADDR_ANY);
    return a->storage.ss_family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&v6_of(a)->sin6_addr);
}

bool lm_address_is_loopback(const struct lm_address *a)
{
    if (a->storage.ss_family == AF_INET)
        return ntohl(v4_of(a)->sin_addr.s_addr) >> 24 == 127;
    return a->storage.ss_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&v6_of(a)->sin6_addr);
}

uint16_t lm_address_port(const struct lm_address *a)
{
    if (a->storage.ss_family == AF_INET)
        return ntohs(v4_of(a)->sin_port);
    return a->storage.ss_family == AF_INET6 ? ntohs(v6_of(a)->sin6_port) : 0;
}

void lm_address_set_port(struct lm_address *a, uint16_t port)
{
    if (a->storage.ss_family == AF_INET)
        ((struct sockaddr_in *)&a->storage)->sin_port = htons(port);
    else if (a->storage.ss_family == AF_INET6)
        ((struct sockaddr_in6 *)&a->storage)->sin6_port = htons(port);
}

char *lm_address_format_host(const struct lm_address *a, char text[LM_ADDRESS_TEXT_BYTES])
{
    char host[INET6_ADDRSTRLEN] = "none";
    uint32_t scope = 0;
    if (a->storage.ss_family == AF_INET) {
        inet_ntop(AF_INET, &v4_of(a)->sin_addr, host, sizeof host);
    } else if (a->storage.ss_family == AF_INET6) {
        inet_ntop(AF_INET6, &v6_of(a)->sin6_addr, host, sizeof host);
        scope = v6_of(a)->sin6_scope_id;
    }
    if (scope)
        snprintf(text, LM_ADDRESS_TEXT_BYTES, "%s%%%u", host, scope);
    else
        snprintf(text, LM_ADDRESS_TEXT_BYTES, "%s", host);
    return text;
}

char *lm_address_format(const struct lm_address *a, char text[LM_ADDRESS_TEXT_BYTES])
{
    char host[LM_ADDRESS_TEXT_BYTES];
    lm_address_format_host(a, host);
    if (!lm_address_is_set(a))
        snprintf(text, LM_ADDRESS_TEXT_BYTES, "none");
    else if (lm_address_is_ipv4(a))
        snprintf(text, LM_ADDRESS_TEXT_BYTES, "%.40s:%u", host, lm_address_port(a));
    else
        snprintf(text, LM_ADDRESS_TEXT_BYTES, "[%.64s]:%u", host, lm_address_port(a));
    return text;
}
