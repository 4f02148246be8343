#include "client/negotiate.h"

#include "core/wire/wire.h"
#include "net/rtsp_client.h"
#include "session/rtsp_client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    CONTROL_ENCRYPTED = 13, /* protocol type: ENet with the encrypted envelope */
    MIN_PARITY_PACKETS = 2,
    HIGH_QUALITY_KBPS = 15000, /* from here on the best sound is asked for */
    PACKET_SIZE_STEP = 16,
};

static const struct sdp_layout stereo = {
    .channels = 2, .streams = 1, .coupled = 1, .mapping = {0, 1}};

static uint32_t choose_encryption(const struct flags *flags, const struct sdp_description *d)
{
    uint32_t wanted = SDP_ENCRYPT_CONTROL;
    if (flags->encrypt == FLAGS_ENCRYPT_ALL)
        wanted |= SDP_ENCRYPT_VIDEO;
    if (flags->encrypt != FLAGS_ENCRYPT_NONE)
        wanted |= SDP_ENCRYPT_AUDIO;
    return (wanted | d->encryption_requested) & d->encryption_supported;
}

/* The layouts offered for a channel count; NULL for stereo, which has only one. */
static const struct sdp_layout *offered(const struct sdp_description *d, uint32_t channels,
                                        bool high)
{
    if (channels != 6 && channels != 8)
        return NULL;
    const struct sdp_layout *layout = &(high ? d->high : d->normal)[channels == 8];
    return layout->channels ? layout : NULL;
}

void negotiate_choose(const struct flags *flags, const struct sdp_description *d,
                      struct stream_params *out)
{
    uint32_t encryption = choose_encryption(flags, d);
    uint32_t packet_size = flags->packet_size / PACKET_SIZE_STEP * PACKET_SIZE_STEP;
    bool high = flags->bitrate_kbps >= HIGH_QUALITY_KBPS;
    uint32_t channels = flags->channels;
    if (channels > 2 && !offered(d, channels, false))
        channels = 2;
    if (channels > 2)
        high = high && offered(d, channels, true);
    if (encryption & SDP_ENCRYPT_VIDEO)
        packet_size -= LM_GSV_PREFIX_BYTES; /* so that datagrams do not grow */
    *out = (struct stream_params){
        .width_px = flags->width,
        .height_px = flags->height,
        .rate_mhz = flags->rate_mhz,
        .refresh_x100 = flags->rate_mhz % 1000 ? flags->rate_mhz / 10 : 0,
        .packet_size_bytes = packet_size,
        .configured_kbps = flags->bitrate_kbps,
        .maximum_kbps = flags->bitrate_kbps * 8 / 10,
        .codec = SDP_H264,
        .single_reference = flags->no_invalidation || !d->invalidate_refs,
        .slices = flags->slices,
        .color_space = 1,
        .min_parity_packets = MIN_PARITY_PACKETS,
        .client_features =
            SDP_CLIENT_SESSION_ID | (flags->no_fec_status ? 0 : (uint32_t)SDP_CLIENT_FEC_STATUS),
        .encryption = encryption,
        .control_type = CONTROL_ENCRYPTED,
        .mark_video = true,
        .mark_audio = true,
        .audio_channels = (uint8_t)channels,
        .channel_mask = sdp_channel_mask(channels),
        .high_quality_audio = high,
        .packet_ms = (uint8_t)flags->sound_ms,
    };
}

static int rtsp_failed(const struct rtsp_client *rtsp, int result, struct failure *failure)
{
    if (result == LM_EUNSUPPORTED)
        return failure_set(failure, FAILURE_REFUSED, "the host refuses the stream (RTSP status %d)",
                           rtsp->status);
    if (result == LM_EAUTH || result == LM_EPROTO)
        return failure_set(failure, FAILURE_OTHER, "the host's RTSP answer cannot be understood");
    return failure_set(failure, FAILURE_UNREACHABLE,
                       "host not reachable: RTSP: %s; is TCP port 48010 open?",
                       lm_err_text(result));
}

static int run_step(const struct connect_host *host, uint16_t port, struct rtsp_client *rtsp,
                    uint8_t *buffer)
{
    int size = rtsp_client_request(rtsp, buffer, RTSP_MAX_FRAME_BYTES);
    if (size < 0)
        return size;
    struct rtsp_call_params call = {
        .host = host->address, .port = port, .request = buffer, .request_bytes = (size_t)size};
    uint8_t *answer = buffer + RTSP_MAX_FRAME_BYTES;
    size = rtsp_call(&call, answer, RTSP_MAX_FRAME_BYTES);
    return size < 0 ? size : rtsp_client_answer(rtsp, answer, (size_t)size);
}

static void keep_results(const struct rtsp_client *rtsp, const struct flags *flags,
                         struct connect_stream *out)
{
    const struct sdp_description *d = &rtsp->description;
    const struct sdp_layout *layout =
        offered(d, rtsp->stream.audio_channels, rtsp->stream.high_quality_audio);
    out->params = rtsp->stream;
    out->layout = layout ? *layout : stereo;
    out->sound_bps = sdp_opus_bps(out->layout.channels, rtsp->stream.high_quality_audio);
    out->can_invalidate = d->invalidate_refs && !flags->no_invalidation;
    out->control_v2 = rtsp->stream.encryption & SDP_ENCRYPT_CONTROL;
    out->video_port = rtsp->video_port;
    out->audio_port = rtsp->audio_port;
    out->control_port = rtsp->control_port;
    out->connect_data = rtsp->connect_data;
    memcpy(out->video_ping, rtsp->video_ping, sizeof out->video_ping);
    memcpy(out->audio_ping, rtsp->audio_ping, sizeof out->audio_ping);
}

int negotiate_stream(const struct connect_host *host, const struct flags *flags,
                     const struct hostinfo_launched *launched, struct connect_stream *out,
                     struct failure *failure)
{
    struct rtsp_client_params params = {.key = launched->encrypted ? out->key : NULL,
                                        .url = launched->session_url,
                                        .modest_audio = flags->bitrate_kbps < HIGH_QUALITY_KBPS,
                                        .host_ip = host->addr.text,
                                        .first_sequence = 1};
    struct rtsp_client *rtsp = calloc(1, sizeof *rtsp);
    uint8_t *buffer = malloc(2 * RTSP_MAX_FRAME_BYTES);
    int result = rtsp && buffer ? rtsp_client_init(rtsp, &params) : LM_ENOMEM;
    if (result < 0)
        failure_set(failure, FAILURE_OTHER, "cannot negotiate: %s", lm_err_text(result));
    while (result == LM_OK && !rtsp_client_done(rtsp)) {
        if (rtsp_client_wants_stream(rtsp))
            negotiate_choose(flags, &rtsp->description, &rtsp->stream);
        result = run_step(host, launched->rtsp_port, rtsp, buffer);
        if (result < 0)
            rtsp_failed(rtsp, result, failure);
    }
    if (result == LM_OK)
        keep_results(rtsp, flags, out);
    if (rtsp)
        explicit_bzero(rtsp->key, sizeof rtsp->key);
    free(rtsp);
    free(buffer);
    return result < 0 ? LM_EIO : LM_OK;
}
