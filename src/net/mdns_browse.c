#include "core/base/check.h"
#include "core/transport/clock.h"
#include "net/mdns.h"

#include <arpa/inet.h>
#include <avahi-client/client.h>
#include <avahi-client/lookup.h>
#include <avahi-common/simple-watch.h>
#include <netinet/in.h>
#include <string.h>

/* Each unresolved service keeps a resolver, and anyone on the network can announce one. */
enum { RESOLVERS_MAX = 64 };

struct browse {
    AvahiSimplePoll *poll;
    AvahiClient *client;
    struct mdns_host *out;
    int count, capacity;
    int resolvers;
};

static int take_address(struct net_addr *out, const AvahiAddress *address, AvahiIfIndex interface,
                        uint16_t port)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};

    if (address->proto == AVAHI_PROTO_INET) {
        v4.sin_addr.s_addr = address->data.ipv4.address;
        return net_addr_from_sockaddr(out, (const struct sockaddr *)&v4);
    }
    memcpy(&v6.sin6_addr, address->data.ipv6.address, 16);
    v6.sin6_scope_id = interface > 0 ? (uint32_t)interface : 0;
    return net_addr_from_sockaddr(out, (const struct sockaddr *)&v6);
}

static void on_resolved(AvahiServiceResolver *resolver, AvahiIfIndex interface,
                        AvahiProtocol protocol, AvahiResolverEvent event, const char *name,
                        const char *type, const char *domain, const char *host_name,
                        const AvahiAddress *address, uint16_t port, AvahiStringList *txt,
                        AvahiLookupResultFlags flags, void *user)
{
    struct browse *browse = user;
    struct mdns_host found = {0};

    browse->resolvers--;
    if (event == AVAHI_RESOLVER_FOUND && browse->count < browse->capacity &&
        take_address(&found.addr, address, interface, port) == LM_OK) {
        strncpy(found.name, name, sizeof found.name - 1);
        bool known = false;
        for (int i = 0; i < browse->count && !known; i++)
            known = strcmp(browse->out[i].name, found.name) == 0 &&
                    net_addr_equal(&browse->out[i].addr, &found.addr);
        if (!known)
            browse->out[browse->count++] = found;
    }
    avahi_service_resolver_free(resolver);
}

static void on_browsed(AvahiServiceBrowser *browser, AvahiIfIndex interface, AvahiProtocol protocol,
                       AvahiBrowserEvent event, const char *name, const char *type,
                       const char *domain, AvahiLookupResultFlags flags, void *user)
{
    struct browse *browse = user;

    if (event == AVAHI_BROWSER_NEW && browse->resolvers < RESOLVERS_MAX &&
        avahi_service_resolver_new(browse->client, interface, protocol, name, type, domain,
                                   AVAHI_PROTO_UNSPEC, 0, on_resolved, browse))
        browse->resolvers++;
}

static void on_client(AvahiClient *client, AvahiClientState state, void *user)
{
    struct browse *browse = user;

    browse->client = client;
    if (state == AVAHI_CLIENT_FAILURE && browse->poll)
        avahi_simple_poll_quit(browse->poll);
}

static void run_until(struct browse *browse, uint64_t deadline_ns)
{
    for (;;) {
        uint64_t now_ns = lm_clock_now_ns();
        if (now_ns >= deadline_ns)
            return;
        uint64_t left_ms = LM_MIN((deadline_ns - now_ns) / LM_NS_PER_MS + 1, UINT64_C(60000));
        if (avahi_simple_poll_iterate(browse->poll, (int)left_ms) != 0)
            return;
    }
}

int mdns_browse(struct mdns_host *out, int capacity, uint64_t duration_ns)
{
    uint64_t deadline_ns = lm_clock_now_ns() + duration_ns;
    struct browse browse = {.out = out, .capacity = capacity};
    AvahiServiceBrowser *browser = NULL;
    int error = 0;

    browse.poll = avahi_simple_poll_new();
    if (!browse.poll)
        return LM_ENOMEM;
    AvahiClient *client =
        avahi_client_new(avahi_simple_poll_get(browse.poll), 0, on_client, &browse, &error);
    browse.client = client;
    if (client)
        browser = avahi_service_browser_new(client, AVAHI_IF_UNSPEC, AVAHI_PROTO_UNSPEC,
                                            "_nvstream._tcp", NULL, 0, on_browsed, &browse);
    if (browser) {
        run_until(&browse, deadline_ns);
        avahi_service_browser_free(browser);
    }
    if (client)
        avahi_client_free(client); /* frees resolvers still at work */
    avahi_simple_poll_free(browse.poll);
    return browser ? browse.count : LM_EDEVICE;
}
