#include "media/opus.h"

#include "core/base/check.h"

#include <opus/opus_multistream.h>
#include <stdbool.h>
#include <stdlib.h>

struct opus_enc {
    OpusMSEncoder *codec;
    uint32_t frame_samples;
};

struct opus_dec {
    OpusMSDecoder *codec;
    uint32_t frame_samples;
};

static bool layout_is_valid(const struct sdp_layout *layout)
{
    if (layout->channels < 1 || layout->channels > SDP_MAX_CHANNELS || layout->streams < 1 ||
        layout->streams > SDP_MAX_CHANNELS || layout->coupled > layout->streams)
        return false;
    for (int c = 0; c < layout->channels; c++)
        if (layout->mapping[c] != 255 && layout->mapping[c] >= layout->streams + layout->coupled)
            return false;
    return true;
}

static bool frame_samples_are_valid(uint32_t frame_samples)
{
    return frame_samples == 240 || frame_samples == 480;
}

static int set_options(OpusMSEncoder *codec, uint32_t bitrate_bps)
{
    /* Constant size is what the parity packets of the stream need. */
    int error = opus_multistream_encoder_ctl(codec, OPUS_SET_BITRATE((opus_int32)bitrate_bps));
    if (error == OPUS_OK)
        error = opus_multistream_encoder_ctl(codec, OPUS_SET_VBR(0));
    if (error == OPUS_OK)
        error = opus_multistream_encoder_ctl(codec, OPUS_SET_DTX(0));
    return error == OPUS_OK ? LM_OK : LM_EINVAL;
}

int opus_enc_create(const struct opus_enc_params *params, struct opus_enc **out)
{
    const struct sdp_layout *layout = &params->layout;
    uint64_t packet_bytes =
        (uint64_t)params->bitrate_bps * params->frame_samples / OPUS_RATE_HZ / 8;
    if (!layout_is_valid(layout) || !frame_samples_are_valid(params->frame_samples) ||
        params->bitrate_bps < (uint32_t)OPUS_BITRATE_MIN_BPS * layout->streams ||
        params->bitrate_bps > OPUS_BITRATE_MAX_BPS || packet_bytes > OPUS_PACKET_MAX_BYTES)
        return LM_EINVAL;

    int error = LM_ENOMEM, code;
    struct opus_enc *enc = calloc(1, sizeof *enc);
    if (!enc)
        goto fail;
    enc->frame_samples = params->frame_samples;
    enc->codec = opus_multistream_encoder_create(OPUS_RATE_HZ, layout->channels, layout->streams,
                                                 layout->coupled, layout->mapping,
                                                 OPUS_APPLICATION_RESTRICTED_LOWDELAY, &code);
    if (!enc->codec) {
        error = code == OPUS_ALLOC_FAIL ? LM_ENOMEM : LM_EINVAL;
        goto fail;
    }
    error = set_options(enc->codec, params->bitrate_bps);
    if (error < 0)
        goto fail;
    *out = enc;
    return LM_OK;

fail:
    opus_enc_destroy(enc);
    return error;
}

void opus_enc_destroy(struct opus_enc *enc)
{
    if (!enc)
        return;
    if (enc->codec)
        opus_multistream_encoder_destroy(enc->codec);
    free(enc);
}

int opus_enc_push(struct opus_enc *enc, const float *samples, uint8_t *out, uint32_t capacity_bytes)
{
    LM_DCHECK(capacity_bytes >= OPUS_PACKET_MAX_BYTES);
    int size = opus_multistream_encode_float(enc->codec, samples, (int)enc->frame_samples, out,
                                             (opus_int32)capacity_bytes);
    return size > 0 ? size : LM_EIO;
}

int opus_dec_create(const struct sdp_layout *layout, uint32_t frame_samples, struct opus_dec **out)
{
    if (!layout_is_valid(layout) || !frame_samples_are_valid(frame_samples))
        return LM_EINVAL;

    int code;
    struct opus_dec *dec = calloc(1, sizeof *dec);
    if (!dec)
        return LM_ENOMEM;
    dec->frame_samples = frame_samples;
    dec->codec = opus_multistream_decoder_create(OPUS_RATE_HZ, layout->channels, layout->streams,
                                                 layout->coupled, layout->mapping, &code);
    if (!dec->codec) {
        opus_dec_destroy(dec);
        return code == OPUS_ALLOC_FAIL ? LM_ENOMEM : LM_EINVAL;
    }
    *out = dec;
    return LM_OK;
}

void opus_dec_destroy(struct opus_dec *dec)
{
    if (!dec)
        return;
    if (dec->codec)
        opus_multistream_decoder_destroy(dec->codec);
    free(dec);
}

int opus_dec_push(struct opus_dec *dec, const uint8_t *packet, uint32_t size_bytes, float *samples)
{
    if (packet && (size_bytes == 0 || size_bytes > OPUS_PACKET_MAX_BYTES))
        return LM_EPROTO;
    int count =
        opus_multistream_decode_float(dec->codec, packet, packet ? (opus_int32)size_bytes : 0,
                                      samples, (int)dec->frame_samples, 0);
    return count == (int)dec->frame_samples ? count : LM_EPROTO;
}
