/* Input packets after decryption: what parses is in range and reads back as itself. */
#include "core/wire/gs_input.h"

#include "core/base/check.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct lm_gs_input_event event, again;
    uint8_t packet[LM_GS_INPUT_MAX_BYTES], second[LM_GS_INPUT_MAX_BYTES];
    if (lm_gs_input_parse(data, size, &event) != LM_OK)
        return 0;
    LM_CHECK(lm_gs_input_channel(&event) < 48);
    (void)lm_gs_input_reliable(&event);
    int made = lm_gs_input_encode(&event, packet, sizeof packet);
    LM_CHECK(made > 0);
    LM_CHECK(lm_gs_input_parse(packet, (size_t)made, &again) == LM_OK);
    LM_CHECK(lm_gs_input_encode(&again, second, sizeof second) == made);
    LM_CHECK(memcmp(packet, second, (size_t)made) == 0);
    return 0;
}
