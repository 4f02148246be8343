/* Query strings, and the launch parameters read from them. */
#include "core/base/check.h"
#include "session/launch.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct params query = {(const char *)data, size};
    struct launch_params launch, again;
    const char *why;
    char text[32], made[LAUNCH_QUERY_MAX_BYTES];
    uint8_t bytes[16];
    int text_bytes = params_text(&query, "devicename", text, sizeof text);
    LM_CHECK(text_bytes < (int)sizeof text && strlen(text) < sizeof text);
    (void)!params_hex_upto(&query, "clientcert", bytes, sizeof bytes);
    if (launch_parse(&query, false, &launch, &why) != LM_OK)
        return 0;
    /* An id with reserved characters would have to be encoded again; ours never has them. */
    launch.unique_id[0] = '\0';
    int made_bytes = launch_format(&launch, false, made, sizeof made);
    LM_CHECK(made_bytes > 0);
    struct params formed = params_of_query(made);
    LM_CHECK(launch_parse(&formed, false, &again, &why) == LM_OK);
    LM_CHECK(again.rate_mhz == launch.rate_mhz && again.key_id == launch.key_id);
    return 0;
}
