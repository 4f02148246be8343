/* Documents of a host, read by our client. */
#include "core/base/check.h"
#include "session/hostinfo.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct hostinfo_server server;
    static struct hostinfo_applist applist;
    static struct hostinfo_launched launched;
    static struct hostinfo_paired paired;
    const char *xml = (const char *)data;
    (void)!hostinfo_parse_server(xml, size, &server);
    (void)!hostinfo_parse_applist(xml, size, &applist);
    (void)!hostinfo_parse_launched(xml, size, &launched);
    (void)!hostinfo_parse_paired(xml, size, &paired);
    LM_CHECK(applist.count <= HOSTINFO_MAX_APPS && server.mode_count <= HOSTINFO_MAX_MODES);
    return 0;
}
