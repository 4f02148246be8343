/* The two session descriptions of GameStream's RTSP: DESCRIBE (host to client: what the host can
 * do) and ANNOUNCE (client to host: the stream that was chosen). Any thread, no state. */
#ifndef LUMEN_SESSION_SDP_H
#define LUMEN_SESSION_SDP_H

#include "core/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SDP_MAX_BYTES = 8192, SDP_MAX_CHANNELS = 8 };

/* Encryption bits of encryptionSupported, encryptionRequested, encryptionEnabled. */
enum { SDP_ENCRYPT_CONTROL = 1, SDP_ENCRYPT_VIDEO = 2, SDP_ENCRYPT_AUDIO = 4 };

/* x-ss-general.featureFlags: what the host accepts. */
enum { SDP_HOST_PEN_TOUCH = 1, SDP_HOST_PAD_TOUCH = 2 };

/* x-ml-general.featureFlags: what the client does. */
enum { SDP_CLIENT_FEC_STATUS = 1, SDP_CLIENT_SESSION_ID = 2 };

enum sdp_codec { SDP_H264 = 1, SDP_HEVC, SDP_AV1 };

/* An Opus multistream layout; mapping[i] is the coded channel of output channel i in the order
 * FL FR C LFE RL RR SL SR. Encoder and decoder use it as it stands. */
struct sdp_layout {
    uint8_t channels, streams, coupled;
    uint8_t mapping[SDP_MAX_CHANNELS];
};

/* The layout we advertise for 2, 6 or 8 channels; LM_EINVAL for other counts. */
int sdp_layout_of(unsigned channels, bool high_quality, struct sdp_layout *out) LM_MUST_USE;

/* The digits of a surround-params line for `layout`: the normal-quality line has LFE moved last.
 * `out` needs 3 + channels + 1 bytes. */
void sdp_layout_to_wire(const struct sdp_layout *layout, bool high_quality, char out[12]);

/* The inverse, as a client reads it. LM_EPROTO when the digits are no sound layout. */
int sdp_layout_from_wire(const char *digits, bool high_quality, struct sdp_layout *out) LM_MUST_USE;

/* Default speaker mask (0x3, 0x3f, 0x63f) of a channel count, 0 for others. */
uint16_t sdp_channel_mask(unsigned channels);

/* ---- DESCRIBE ---- */

struct sdp_offer {
    uint32_t feature_flags;        /* SDP_HOST_* */
    uint32_t encryption_supported; /* SDP_ENCRYPT_* */
    uint32_t encryption_requested; /* bits outside supported are dropped */
    bool hevc, av1, invalidate_refs;
    char surround[16]; /* digits of a custom layout (launch), sent first; or "" */
};

/* The layout the encoder must use for this offer: the custom one if it was sent. LM_EINVAL for
 * other counts than 2, 6, 8. */
int sdp_offer_layout(const struct sdp_offer *offer, unsigned channels, bool high_quality,
                     struct sdp_layout *out) LM_MUST_USE;

/* What a client learns. A layout with channels 0 was not offered. */
struct sdp_description {
    uint32_t feature_flags, encryption_supported, encryption_requested;
    bool hevc, av1, invalidate_refs;
    struct sdp_layout normal[2], high[2]; /* [0] 5.1, [1] 7.1 */
};

/* Returns the length, LM_ELIMIT when `capacity_bytes` is too small. NUL-terminated. */
int sdp_describe_write(const struct sdp_offer *offer, char *out, size_t capacity_bytes) LM_MUST_USE;

/* LM_EPROTO: empty, or with NUL bytes. Everything else is optional. */
int sdp_describe_parse(const char *body, size_t size_bytes,
                       struct sdp_description *out) LM_MUST_USE;

/* ---- ANNOUNCE ---- */

struct stream_params {
    uint32_t width_px, height_px;
    uint32_t rate_mhz;          /* frames per 1000 s */
    uint32_t refresh_x100;      /* the client's display when within 1 % of the rate, else 0 */
    uint32_t packet_size_bytes; /* video packetSize */
    uint32_t configured_kbps;   /* total chosen by the user; 0 when not told */
    uint32_t maximum_kbps;      /* video alone; the budget when configured_kbps is 0 */
    enum sdp_codec codec;
    bool chroma444;
    bool ten_bit;
    bool single_reference;
    bool intra_refresh;
    uint32_t slices;
    uint8_t color_space; /* 0 Rec.601, 1 Rec.709, 2 Rec.2020 */
    bool full_range;
    uint32_t min_parity_packets;
    uint32_t parity_percent;     /* only old clients tell; 0: host's setting */
    uint32_t client_features;    /* SDP_CLIENT_* */
    uint32_t encryption;         /* SDP_ENCRYPT_*, audio also through featureFlags 0x20 */
    uint32_t control_type;       /* 13: encrypted ENet control */
    bool mark_video, mark_audio; /* set DSCP */
    uint8_t audio_channels;
    uint16_t channel_mask;
    bool high_quality_audio; /* surround; for stereo rtsp.c sets it from Host */
    uint8_t packet_ms;       /* 5 or 10 */
};

/* LM_EPROTO with a short reason in `*why` (static): answer 400. */
int sdp_announce_parse(const char *body, size_t size_bytes, struct stream_params *out,
                       const char **why) LM_MUST_USE;

/* The body a client sends; `host_ip` is the host's address as the client sees it. Fields that
 * are the client's habit (initial bit rates, recovery mode, ...) are derived here. */
int sdp_announce_write(const struct stream_params *params, const char *host_ip, uint16_t video_port,
                       char *out, size_t capacity_bytes) LM_MUST_USE;

/* The video encoder's share of a configured total: parity, sound and control are taken off. */
uint32_t sdp_video_kbps(uint32_t configured_kbps, uint32_t parity_percent, unsigned channels,
                        bool high_quality_audio);

/* The same for a whole description: uses maximum_kbps when no total was told. */
uint32_t stream_video_kbps(const struct stream_params *params, uint32_t parity_percent);

/* Opus rate for a layout, bits per second. */
uint32_t sdp_opus_bps(unsigned channels, bool high_quality);

#endif
