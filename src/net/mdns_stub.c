/* A build without Avahi: hosts are added by address. */
#include "net/mdns.h"

#include <stddef.h>

int mdns_publish(struct mdns_service **out, struct loop *loop, const char *name, uint16_t port)
{
    *out = NULL;
    return LM_EUNSUPPORTED;
}

bool mdns_published(const struct mdns_service *service, char *name)
{
    return false;
}

void mdns_destroy(struct mdns_service *service)
{
}

int mdns_browse(struct mdns_host *out, int capacity, uint64_t duration_ns)
{
    return LM_EUNSUPPORTED;
}
