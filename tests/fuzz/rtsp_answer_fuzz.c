/* What a host answers, read by our client: the first byte chooses the step of the handshake. */
#include "core/base/check.h"
#include "session/rtsp_client.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct rtsp_client client;
    struct sdp_description description;
    struct rtsp_client_params params = {
        .url = "rtsp://10.0.0.1:48010", .host_ip = "10.0.0.1", .first_sequence = 1};
    if (size < 1)
        return 0;
    LM_CHECK(rtsp_client_init(&client, &params) == LM_OK);
    client.step = data[0] % RTSP_STEP_COUNT;
    (void)!rtsp_client_answer(&client, data + 1, size - 1);
    (void)!sdp_describe_parse((const char *)data + 1, size - 1, &description);
    return 0;
}
