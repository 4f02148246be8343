/* Opus as GameStream uses it: 48 kHz, multistream, restricted low delay, constant bitrate, one
 * packet per 5 or 10 ms. The host encodes, the client decodes. All memory is taken at create. An
 * object belongs to one thread at a time. Samples are interleaved FL FR C LFE BL BR SL SR in -1..1;
 * a layout's mapping may also hold 255: that channel stays silent. */
#ifndef LUMEN_MEDIA_OPUS_H
#define LUMEN_MEDIA_OPUS_H

#include "core/base/err.h"
#include "session/sdp.h"

#include <stdint.h>

enum {
    OPUS_RATE_HZ = 48000,
    OPUS_FRAME_MAX_SAMPLES = 480,  /* per channel, 10 ms */
    OPUS_PACKET_MAX_BYTES = 1372,  /* encrypted 1376, with the header of parity 1400 */
    OPUS_BITRATE_MIN_BPS = 24000,  /* per coded stream */
    OPUS_BITRATE_MAX_BPS = 2048000 /* all streams together */
};

struct opus_enc;

struct opus_enc_params {
    struct sdp_layout layout;
    uint32_t bitrate_bps;   /* constant, over all streams */
    uint32_t frame_samples; /* per channel and packet: 240 (5 ms) or 480 (10 ms) */
};

/* LM_EINVAL for parameters out of range or a bitrate whose packets exceed OPUS_PACKET_MAX_BYTES,
 * LM_ENOMEM. */
int opus_enc_create(const struct opus_enc_params *params, struct opus_enc **out) LM_MUST_USE;
void opus_enc_destroy(struct opus_enc *enc);

/* One packet from exactly frame_samples * channels floats. Returns its size in bytes, the
 * same for every packet; LM_EIO when the codec refuses. `capacity_bytes` is at least
 * OPUS_PACKET_MAX_BYTES. */
int opus_enc_push(struct opus_enc *enc, const float *samples, uint8_t *out,
                  uint32_t capacity_bytes) LM_MUST_USE;

struct opus_dec;

/* `frame_samples` as above. LM_EINVAL for parameters out of range, LM_ENOMEM. */
int opus_dec_create(const struct sdp_layout *layout, uint32_t frame_samples,
                    struct opus_dec **out) LM_MUST_USE;
void opus_dec_destroy(struct opus_dec *dec);

/* One packet into frame_samples * channels interleaved floats. `packet` NULL: the packet is lost,
 * its sound is made up from what came before. Returns samples per channel; LM_EPROTO for a
 * malformed packet or one of another duration. */
int opus_dec_push(struct opus_dec *dec, const uint8_t *packet, uint32_t size_bytes,
                  float *samples) LM_MUST_USE;

#endif
