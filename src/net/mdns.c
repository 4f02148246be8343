#include "net/mdns.h"

#include "core/base/check.h"
#include "core/base/time.h"
#include "net/mdns_poll.h"

#include <avahi-client/client.h>
#include <avahi-client/publish.h>
#include <avahi-common/alternative.h>
#include <avahi-common/error.h>
#include <avahi-common/malloc.h>
#include <stdlib.h>
#include <string.h>

static const char service_type[] = "_nvstream._tcp";
static const uint64_t retry_ns = 15 * LM_NS_PER_S;

struct mdns_service {
    struct loop *loop;
    struct mdns_poll poll;
    struct loop_timer *retry; /* opens the client anew after D-Bus itself went away */
    AvahiClient *client;
    AvahiEntryGroup *group;
    char *wanted; /* NULL: the machine's host name */
    char *name;   /* in use, after collisions; Avahi's allocator */
    uint16_t port;
    bool published;
};

static void register_service(struct mdns_service *service);

static void next_name(struct mdns_service *service)
{
    char *name = avahi_alternative_service_name(service->name);

    avahi_free(service->name);
    service->name = name;
}

static void on_group(AvahiEntryGroup *group, AvahiEntryGroupState state, void *user)
{
    struct mdns_service *service = user;

    service->published = state == AVAHI_ENTRY_GROUP_ESTABLISHED;
    if (state != AVAHI_ENTRY_GROUP_COLLISION)
        return;
    service->group = group; /* the callback may come before avahi_entry_group_new() returns */
    next_name(service);
    register_service(service);
}

static int add_and_commit(struct mdns_service *service)
{
    avahi_entry_group_reset(service->group);
    /* No TXT strings: Avahi then publishes the one empty TXT record that RFC 6763 asks for. */
    int rc =
        avahi_entry_group_add_service(service->group, AVAHI_IF_UNSPEC, AVAHI_PROTO_UNSPEC, 0,
                                      service->name, service_type, NULL, NULL, service->port, NULL);
    return rc < 0 ? rc : avahi_entry_group_commit(service->group);
}

static void register_service(struct mdns_service *service)
{
    enum { NAME_TRIES = 32 };
    int rc = AVAHI_OK;

    if (!service->group)
        service->group = avahi_entry_group_new(service->client, on_group, service);
    if (!service->group)
        return;
    if (!service->name)
        service->name = avahi_strdup(service->wanted ? service->wanted
                                                     : avahi_client_get_host_name(service->client));
    for (int i = 0; i < NAME_TRIES && service->name; i++) {
        rc = add_and_commit(service);
        if (rc != AVAHI_ERR_COLLISION)
            break;
        next_name(service);
    }
    if (rc < 0)
        lm_warn(loop_log(service->loop), "mdns", "cannot publish: %s", avahi_strerror(rc));
}

static void drop_group(struct mdns_service *service)
{
    if (service->group)
        avahi_entry_group_free(service->group);
    service->group = NULL;
    service->published = false;
}

static void on_client(AvahiClient *client, AvahiClientState state, void *user)
{
    struct mdns_service *service = user;

    service->client = client; /* first called before avahi_client_new() returns */
    switch (state) {
    case AVAHI_CLIENT_S_RUNNING:
        register_service(service);
        break;
    case AVAHI_CLIENT_S_COLLISION:
    case AVAHI_CLIENT_S_REGISTERING:
        /* The host name is changing; our records would point at the old one. */
        if (service->group)
            avahi_entry_group_reset(service->group);
        service->published = false;
        break;
    case AVAHI_CLIENT_CONNECTING:
        drop_group(service);
        break;
    case AVAHI_CLIENT_FAILURE:
        /* The client must not be freed in its own callback. */
        service->published = false;
        loop_timer_start_once(service->retry, retry_ns);
        break;
    }
}

static void close_client(struct mdns_service *service)
{
    drop_group(service);
    if (service->client)
        avahi_client_free(service->client);
    service->client = NULL;
}

static int open_client(struct mdns_service *service)
{
    int error = 0;

    AvahiClient *client =
        avahi_client_new(&service->poll.api, AVAHI_CLIENT_NO_FAIL, on_client, service, &error);
    service->client = client;
    if (!client) {
        loop_timer_start_once(service->retry, retry_ns);
        return LM_EDEVICE;
    }
    return avahi_client_get_state(client) == AVAHI_CLIENT_CONNECTING ? LM_EDEVICE : LM_OK;
}

static void on_retry(void *user)
{
    struct mdns_service *service = user;
    int rc;

    close_client(service);
    rc = open_client(service); /* without the daemon: told once, at publish */
    (void)rc;
}

int mdns_publish(struct mdns_service **out, struct loop *loop, const char *name, uint16_t port)
{
    struct mdns_service *service = calloc(1, sizeof *service);

    *out = NULL;
    if (!service)
        return LM_ENOMEM;
    service->loop = loop;
    service->port = port;
    mdns_poll_init(&service->poll, loop);
    service->retry = loop_timer_create(loop, on_retry, service);
    if (name)
        service->wanted = strndup(name, MDNS_NAME_MAX - 1);
    if (!service->retry || (name && !service->wanted)) {
        mdns_destroy(service);
        return LM_ENOMEM;
    }
    *out = service;
    return open_client(service);
}

bool mdns_published(const struct mdns_service *service, char *name)
{
    if (service->published && name) {
        strncpy(name, service->name, MDNS_NAME_MAX - 1);
        name[MDNS_NAME_MAX - 1] = '\0';
    }
    return service->published;
}

void mdns_destroy(struct mdns_service *service)
{
    if (!service)
        return;
    /* The daemon says goodbye for us when the client's connection ends. */
    close_client(service);
    loop_timer_destroy(service->retry);
    avahi_free(service->name);
    free(service->wanted);
    free(service);
}
