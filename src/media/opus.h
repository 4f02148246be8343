/* Opus as GameStream uses it: 48 kHz, multistream, restricted low delay, constant bitrate, one
 * packet per 5 or 10 ms. The host encodes, the client decodes. All memory is taken at create. An
 * object belongs to one thread at a time. */
#ifndef LUMEN_MEDIA_OPUS_H
#define LUMEN_MEDIA_OPUS_H

#include "core/base/err.h"

#include <stdint.h>

enum {
    OPUS_RATE_HZ = 48000,
    OPUS_LAYOUT_MAX_CHANNELS = 8,
    OPUS_MAX_FRAMES = 480,         /* samples per channel in one packet of 10 ms */
    OPUS_PACKET_MAX_BYTES = 1400,  /* no packet is larger */
    OPUS_MIN_BITRATE_BPS = 16000,  /* all streams together */
    OPUS_MAX_BITRATE_BPS = 1536000 /* no packet of 5 ms can be larger than 960 bytes */
};

/* Which channels are coded how. Channel order of the samples: FL FR FC LFE SL SR / BL BR as in the
 * launch request; `mapping[c]` is the Opus channel that carries channel c. */
struct opus_layout {
    uint8_t channels;                           /* 1..8 */
    uint8_t streams;                            /* coded streams, >= coupled */
    uint8_t coupled;                            /* how many of them are stereo pairs */
    uint8_t mapping[OPUS_LAYOUT_MAX_CHANNELS];  /* each < streams + coupled, or 255: silent */
};

/* The layouts GameStream knows, mapping as the host encodes. `high_quality` is meaningless for
 * stereo. LM_EUNSUPPORTED for other counts than 2, 6 and 8. */
int opus_layout_of(uint32_t channels, int high_quality, struct opus_layout *out) LM_MUST_USE;

/* The bitrate a host uses for a layout, bits per second over all streams. */
uint32_t opus_layout_bitrate_bps(const struct opus_layout *layout);

struct opus_encode;

struct opus_encode_params {
    struct opus_layout layout;
    uint32_t bitrate_bps;  /* constant; 0: opus_layout_bitrate_bps */
    uint32_t frame_frames; /* samples per channel and packet: 240 (5 ms) or 480 (10 ms) */
};

/* LM_EINVAL for parameters out of range, LM_ENOMEM. */
int opus_encode_create(const struct opus_encode_params *params,
                       struct opus_encode **out) LM_MUST_USE;
void opus_encode_destroy(struct opus_encode *encode);

/* One packet from exactly frame_frames * channels interleaved samples. Returns its size in bytes,
 * the same for every packet; LM_EIO when the codec refuses (samples not finite). */
int opus_encode_push(struct opus_encode *encode, const float *samples, uint8_t *out,
                     uint32_t capacity_bytes) LM_MUST_USE;

struct opus_decode;

/* `frame_frames` as above; LM_EINVAL for parameters out of range, LM_ENOMEM. */
int opus_decode_create(const struct opus_layout *layout, uint32_t frame_frames,
                       struct opus_decode **out) LM_MUST_USE;
void opus_decode_destroy(struct opus_decode *decode);

/* One packet into interleaved samples, room for frame_frames * channels. `packet` NULL: the packet
 * is lost, conceal it. Returns samples per channel; LM_EPROTO for a malformed packet or one of
 * another duration. */
int opus_decode_push(struct opus_decode *decode, const uint8_t *packet, uint32_t size_bytes,
                     float *samples) LM_MUST_USE;

#endif
