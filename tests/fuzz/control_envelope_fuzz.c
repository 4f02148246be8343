/* The encrypted envelope as it comes from the network, and what hides behind a right tag: the
 * input is opened as it is, then sealed by the peer and opened again. */
#include "core/base/check.h"
#include "session/control.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t key[16] = {1};
    struct control *host, *client;
    struct lm_gs_client_message message;
    uint8_t packet[LM_GS_ENVELOPE_MAX_BYTES], plain[LM_GS_CONTROL_MAX_BYTES];
    LM_CHECK(control_create(&host, CONTROL_HOST, CONTROL_IV_V2, key) == LM_OK);
    LM_CHECK(control_create(&client, CONTROL_CLIENT, CONTROL_IV_V2, key) == LM_OK);
    (void)!control_open(host, data, size, plain, sizeof plain);
    int sealed = control_seal(client, data, size, packet, sizeof packet);
    if (sealed > 0) {
        (void)!control_read_client(host, packet, (size_t)sealed, &message);
        LM_CHECK(control_read_client(host, packet, (size_t)sealed, &message) < 0);
    }
    control_destroy(host);
    control_destroy(client);
    return 0;
}
