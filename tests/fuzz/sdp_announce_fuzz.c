/* The ANNOUNCE body: what is accepted is in range and can be written and read again. */
#include "core/base/check.h"
#include "session/sdp.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char body[SDP_MAX_BYTES];
    struct stream_params params, again;
    const char *why;
    if (sdp_announce_parse((const char *)data, size, &params, &why) != LM_OK)
        return 0;
    LM_CHECK(params.width_px >= 64 && params.width_px <= 16384);
    LM_CHECK(params.rate_mhz >= 1000 && params.rate_mhz <= 1000000);
    LM_CHECK(params.codec >= SDP_H264 && params.codec <= SDP_AV1);
    LM_CHECK(stream_video_kbps(&params, 20) > 0);
    int made = sdp_announce_write(&params, "10.0.0.1", 1, body, sizeof body);
    LM_CHECK(made > 0);
    LM_CHECK(sdp_announce_parse(body, (size_t)made, &again, &why) == LM_OK ||
             params.configured_kbps == 0);
    return 0;
}
