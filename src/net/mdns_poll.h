/* Avahi's view of the event loop: its watches and timeouts as libevent events. Loop thread only. */
#ifndef LUMEN_NET_MDNS_POLL_H
#define LUMEN_NET_MDNS_POLL_H

#include "net/loop.h"

#include <avahi-common/watch.h>

struct mdns_poll {
    AvahiPoll api; /* hand out &api */
    struct loop *loop;
};

/* Must outlive the Avahi client that uses it. Nothing to finish: Avahi frees what it made. */
void mdns_poll_init(struct mdns_poll *poll, struct loop *loop);

#endif
