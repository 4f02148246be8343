/* Software decoding through libavcodec: slices of one frame in parallel, never frames, because a
 * frame thread holds its frame back. libavcodec takes references (small heap blocks) per frame;
 * pixels come from its own pool. */
#include "client/decode/decode.h"

#include "core/base/check.h"

#include <libavcodec/avcodec.h>
#include <stdlib.h>
#include <unistd.h>

struct avc {
    struct decode base;
    AVCodecContext *context;
    AVPacket *packet;
    AVFrame *frames[DECODE_SLOTS];
    bool taken[DECODE_SLOTS];
};

static struct avc *avc_of(struct decode *d)
{
    LM_CHECK(d->ops == &decode_avcodec);
    return (struct avc *)d;
}

static enum AVCodecID codec_id(enum decode_codec codec)
{
    switch (codec) {
    case DECODE_H264:
        return AV_CODEC_ID_H264;
    case DECODE_HEVC:
        return AV_CODEC_ID_HEVC;
    case DECODE_AV1:
        break;
    }
    return AV_CODEC_ID_NONE;
}

static void avc_close(struct decode *d)
{
    struct avc *a = avc_of(d);
    for (int i = 0; i < DECODE_SLOTS; i++)
        av_frame_free(&a->frames[i]);
    av_packet_free(&a->packet);
    avcodec_free_context(&a->context);
    free(a);
}

static int open_context(struct avc *a, const AVCodec *codec, const struct decode_params *params)
{
    a->context = avcodec_alloc_context3(codec);
    if (!a->context)
        return LM_ENOMEM;
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    a->context->width = (int)params->width;
    a->context->height = (int)params->height;
    a->context->thread_type = FF_THREAD_SLICE;
    a->context->thread_count = params->threads ? (int)params->threads : (int)LM_CLAMP(cpus, 1, 4);
    a->context->flags |= AV_CODEC_FLAG_LOW_DELAY;
    /* What is damaged is reported and not shown: the host sends something better. */
    a->context->err_recognition = AV_EF_BITSTREAM | AV_EF_BUFFER | AV_EF_EXPLODE;
    a->context->error_concealment = 0;
    return avcodec_open2(a->context, codec, NULL) == 0 ? LM_OK : LM_EUNSUPPORTED;
}

static int avc_open(const struct decode_params *params, struct decode **out)
{
    av_log_set_level(AV_LOG_QUIET);
    const AVCodec *codec = avcodec_find_decoder(codec_id(params->codec));
    if (!codec)
        return LM_EUNSUPPORTED;
    struct avc *a = calloc(1, sizeof *a);
    if (!a)
        return LM_ENOMEM;
    a->base.ops = &decode_avcodec;

    int result = LM_ENOMEM;
    a->packet = av_packet_alloc();
    if (!a->packet)
        goto fail;
    for (int i = 0; i < DECODE_SLOTS; i++) {
        a->frames[i] = av_frame_alloc();
        if (!a->frames[i])
            goto fail;
    }
    result = open_context(a, codec, params);
    if (result < 0)
        goto fail;
    *out = &a->base;
    return LM_OK;

fail:
    avc_close(&a->base);
    return result;
}

static void describe(const AVFrame *frame, uint32_t slot, struct decode_picture *out)
{
    *out = (struct decode_picture){
        .slot = slot,
        .width = (uint32_t)frame->width,
        .height = (uint32_t)frame->height,
        .full_range =
            frame->color_range == AVCOL_RANGE_JPEG || frame->format == AV_PIX_FMT_YUVJ420P,
        .bt709 = frame->colorspace == AVCOL_SPC_BT709,
        .key = frame->key_frame != 0,
    };
    for (int i = 0; i < 3; i++) {
        out->plane[i] = frame->data[i];
        out->stride_bytes[i] = (uint32_t)frame->linesize[i];
    }
}

static bool can_show(const AVFrame *frame)
{
    return (frame->format == AV_PIX_FMT_YUV420P || frame->format == AV_PIX_FMT_YUVJ420P) &&
           frame->width > 0 && frame->height > 0 && frame->linesize[0] > 0;
}

static void keep(void *opaque, uint8_t *data)
{
}

/* Lends the bytes, so that they are not copied. With slice threads the codec reads them within
 * these calls; a reference it forgets to drop earlier keeps nothing alive. */
static int send_packet(struct avc *a, const uint8_t *data, size_t size_bytes)
{
    a->packet->buf = av_buffer_create((uint8_t *)(uintptr_t)data, size_bytes + DECODE_PADDING_BYTES,
                                      keep, NULL, AV_BUFFER_FLAG_READONLY);
    if (!a->packet->buf)
        return AVERROR(ENOMEM);
    a->packet->data = a->packet->buf->data;
    a->packet->size = (int)size_bytes;
    int sent = avcodec_send_packet(a->context, a->packet);
    av_packet_unref(a->packet);
    return sent;
}

static int avc_push(struct decode *d, const uint8_t *data, size_t size_bytes,
                    struct decode_picture *out)
{
    struct avc *a = avc_of(d);
    uint32_t slot = 0;
    while (slot < DECODE_SLOTS && a->taken[slot])
        slot++;
    if (slot == DECODE_SLOTS)
        return LM_EFULL;
    if (size_bytes == 0 || size_bytes > INT32_MAX - DECODE_PADDING_BYTES)
        return LM_EPROTO;

    AVFrame *frame = a->frames[slot];
    int sent = send_packet(a, data, size_bytes);
    int received = avcodec_receive_frame(a->context, frame);
    if (sent < 0) {
        av_frame_unref(frame);
        return LM_EPROTO;
    }
    if (received == AVERROR(EAGAIN))
        return 0;
    if (received < 0 || frame->decode_error_flags || frame->flags & AV_FRAME_FLAG_CORRUPT ||
        !can_show(frame)) {
        av_frame_unref(frame);
        return LM_EPROTO;
    }
    a->taken[slot] = true;
    describe(frame, slot, out);
    return 1;
}

static void avc_give(struct decode *d, uint32_t slot)
{
    struct avc *a = avc_of(d);
    av_frame_unref(a->frames[slot]);
    a->taken[slot] = false;
}

_Static_assert(DECODE_PADDING_BYTES >= AV_INPUT_BUFFER_PADDING_SIZE, "libavcodec reads further");

const struct decode_ops decode_avcodec = {
    .name = "avcodec",
    .codecs = 1 << DECODE_H264 | 1 << DECODE_HEVC,
    .open = avc_open,
    .push = avc_push,
    .give = avc_give,
    .close = avc_close,
};
