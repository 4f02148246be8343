/* DNS-SD through the Avahi daemon: `_nvstream._tcp` with the plain-HTTP port. */
#ifndef LUMEN_NET_MDNS_H
#define LUMEN_NET_MDNS_H

#include "net/addr.h"
#include "net/loop.h"

struct mdns_service;

enum { MDNS_NAME_MAX = 64 };

/* Publishes as soon as the daemon runs, and again when it restarts; call it once both HTTP
 * listeners accept. A taken instance name gets a number. `name` NULL: the machine's host name. Loop
 * thread. 0 when the daemon is there; LM_EDEVICE when it is not running now: *out is valid all the
 * same and publishes later, so warn and go on. LM_EUNSUPPORTED in a build without Avahi, LM_ENOMEM,
 * LM_EIO: *out is NULL. */
int mdns_publish(struct mdns_service **out, struct loop *loop, const char *name,
                 uint16_t port) LM_MUST_USE;

/* True while the name is on the network; `name` (MDNS_NAME_MAX bytes, may be NULL) then receives
 * the instance name in use. */
bool mdns_published(const struct mdns_service *service, char *name);

/* Withdraws (goodbye). NULL-safe. */
void mdns_destroy(struct mdns_service *service);

struct mdns_host {
    char name[MDNS_NAME_MAX];
    struct net_addr addr; /* with the plain-HTTP port */
};

/* Blocks for `duration_ns`, any thread. Returns the number of hosts found, at most `capacity`; one
 * entry per name and address. LM_EDEVICE without the daemon, LM_EUNSUPPORTED. */
int mdns_browse(struct mdns_host *out, int capacity, uint64_t duration_ns) LM_MUST_USE;

#endif
