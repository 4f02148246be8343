/* Control messages after decryption, of both directions. */
#include "core/wire/gs_control.h"

#include "core/base/check.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct lm_gs_client_message from_client;
    struct lm_gs_host_message from_host;
    uint8_t plain[LM_GS_CONTROL_MAX_BYTES];
    if (lm_gs_client_message_parse(data, size, &from_client) == LM_OK) {
        int made = lm_gs_client_message_encode(&from_client, plain, sizeof plain);
        LM_CHECK(made >= LM_GS_CONTROL_HEADER_BYTES);
        LM_CHECK(lm_gs_client_message_parse(plain, (size_t)made, &from_client) == LM_OK);
        LM_CHECK(lm_gs_client_message_channel(&from_client) < 48);
        (void)lm_gs_client_message_reliable(&from_client);
    }
    if (lm_gs_host_message_parse(data, size, &from_host) == LM_OK) {
        int made = lm_gs_host_message_encode(&from_host, plain, sizeof plain);
        LM_CHECK(made >= LM_GS_CONTROL_HEADER_BYTES);
        LM_CHECK(lm_gs_host_message_parse(plain, (size_t)made, &from_host) == LM_OK);
    }
    return 0;
}
