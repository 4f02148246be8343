/* One connection's bytes on the host: framing, request, the handler in every state. The first byte
 * chooses the state and the size of the segments. */
#include "core/base/check.h"
#include "session/rtsp_server.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int feed(struct rtsp_input *in, const uint8_t *data, size_t size, size_t segment)
{
    int result = RTSP_NEED_MORE;
    rtsp_input_reset(in);
    while (size && result == RTSP_NEED_MORE) {
        size_t step = LM_MIN(segment, size);
        result = rtsp_input_feed(in, data, step);
        data += step;
        size -= step;
    }
    return result;
}

static void handle(const uint8_t *request, size_t size, unsigned state, size_t segment)
{
    static struct rtsp_input in;
    static struct rtsp_session session;
    static uint8_t out[RTSP_MAX_FRAME_BYTES];
    struct rtsp_session_params params = {.peer_ip = "10.0.0.1",
                                         .codecs = HOSTINFO_ALL_CODECS,
                                         .token = "0123456789abcdef",
                                         .offer.encryption_supported = 7};
    if (feed(&in, request, size, segment) != RTSP_COMPLETE)
        return;
    params.encrypted = rtsp_input_encrypted(&in);
    rtsp_session_init(&session, &params);
    session.state = (enum rtsp_state)(RTSP_WAITING + state % RTSP_TORN_DOWN);
    session.setup_mask = session.state >= RTSP_DESCRIBED ? 7 : 0;
    int size_bytes = rtsp_session_handle(&session, &in, "10.0.0.1", out, sizeof out);
    LM_CHECK(size_bytes < (int)sizeof out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t frame[RTSP_MAX_FRAME_BYTES];
    if (size < 2)
        return 0;
    unsigned state = data[0] & 7;
    size_t segment = (size_t)1 << (data[0] >> 4);
    handle(data + 1, size - 1, state, segment);
    /* And the same text behind a right tag. */
    static const uint8_t key[16];
    int framed = rtsp_frame_seal(key, RTSP_FROM_CLIENT, 1, data + 1, size - 1, frame, sizeof frame);
    if (framed > 0)
        handle(frame, (size_t)framed, state, segment);
    return 0;
}
