/* H.264 through x264. Slices come out while others are being encoded: the picture is cut into as
 * many bands as there are processors, each band into slices one after the other, so that slice 0
 * is ready after a fraction of the frame. x264 runs at a quantiser given per frame (rate.h). */
#include "core/base/check.h"
#include "host/convert/convert.h"
#include "host/encode/backends.h"
#include "host/encode/rate.h"
#include "host/encode/refs.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <x264.h>

enum {
    BLOCK = 16,           /* pixels, a macroblock's side */
    BAND_MIN_ROWS = 4,    /* x264 refuses thinner bands */
    DPB_BLOCKS = 34816,   /* level 4.2, which every hardware decoder has */
    REFERENCES_MIN = 4,   /* of the buffer, whatever the level */
    FRAME_NUMBERS = 16,   /* frame_num counts up to this, with buffers of up to 14 frames */
    REFERENCES_MAX = 6,   /* 100 ms at 60 Hz to hear of a loss; each costs 5 bytes per pixel */
    ESCAPE_ROOM = 5 + 64, /* x264_nal_encode wants 3/2 of the payload and this */
};

_Static_assert(ENCODE_RATE_QP_MAX - ENCODE_RATE_QP_MIN == 40, "the widest span x264 takes");

struct x264 {
    struct encode encode;
    struct encode_params params;
    x264_t *handle;
    struct encode_rate rate;
    struct encode_refs refs;
    bool rate_ready;
    uint32_t columns, rows;               /* of macroblocks */
    uint32_t first_mb[ENCODE_MAX_SLICES]; /* of each slice */
    uint8_t *still[2]; /* per macroblock: nothing changed. By turns: x264 reads on after a frame */
    uint32_t turn;

    /* of the frame being encoded; the callback runs on x264's threads */
    const struct encode_buffer *buffer;
    size_t header_bytes;
    _Atomic size_t size_bytes;
    _Atomic bool too_large;
};

static struct x264 *x264_of(struct encode *encode)
{
    LM_CHECK(encode->ops == &encode_x264);
    return LM_CONTAINER_OF(encode, struct x264, encode);
}

static uint32_t slice_of(const struct x264 *x, uint32_t first_mb)
{
    for (uint32_t i = 0; i < x->params.slices; i++)
        if (x->first_mb[i] == first_mb)
            return i;
    LM_CHECK(!"a slice where none was planned");
    return 0;
}

/* On x264's threads. The parameter sets come first, on the caller's thread. */
static void on_nal(x264_t *handle, x264_nal_t *nal, void *opaque)
{
    struct x264 *x = opaque;
    bool header = nal->i_type == NAL_SPS || nal->i_type == NAL_PPS;
    if (!header && nal->i_type != NAL_SLICE && nal->i_type != NAL_SLICE_IDR)
        return; /* x264 presents itself in an SEI: clients drop it, and it is in the way */
    uint32_t index = header ? 0 : slice_of(x, (uint32_t)nal->i_first_mb);
    uint8_t *region = x->buffer->data + index * x->buffer->slice_capacity;
    size_t used = index == 0 ? x->header_bytes : 0;
    size_t worst = (size_t)nal->i_payload * 3 / 2 + ESCAPE_ROOM;
    if (used + worst > x->buffer->slice_capacity) {
        atomic_store(&x->too_large, true);
        return;
    }
    x264_nal_encode(handle, region + used, nal);
    size_t size = (size_t)nal->i_payload;
    if (atomic_fetch_add(&x->size_bytes, size) + size > x->params.max_frame_bytes)
        atomic_store(&x->too_large, true);
    if (header)
        x->header_bytes += size;
    else if (!atomic_load(&x->too_large))
        x->params.on_slice(x->params.user, &(struct encode_slice){region, used + size, index});
}

static void on_log(void *user, int level, const char *format, va_list args)
{
    const struct x264 *x = user;
    char line[256];
    vsnprintf(line, sizeof line, format, args);
    line[strcspn(line, "\n")] = '\0';
    lm_log_write(x->params.log, level <= X264_LOG_ERROR ? LM_LOG_WARN : LM_LOG_DEBUG, "encode",
                 "x264: %s", line);
}

/* Rows where band `i` of `bands` begins, as x264 cuts them. */
static uint32_t band_start(const struct x264 *x, uint32_t bands, uint32_t i)
{
    return (x->rows * i + bands / 2) / bands;
}

/* Fills first_mb when `bands` bands give exactly the wanted slices; returns rows per slice. */
static uint32_t try_bands(struct x264 *x, uint32_t bands)
{
    uint32_t per_band = x->params.slices / bands, tallest = 0, at = 0;
    if (x->params.slices % bands || (bands > 1 && x->rows / bands < BAND_MIN_ROWS))
        return 0;
    for (uint32_t i = 0; i < bands; i++)
        tallest = LM_MAX(tallest, band_start(x, bands, i + 1) - band_start(x, bands, i));
    uint32_t slice_rows = (tallest + per_band - 1) / per_band;
    for (uint32_t i = 0; i < bands; i++) {
        uint32_t start = band_start(x, bands, i), end = band_start(x, bands, i + 1);
        if ((end - start + slice_rows - 1) / slice_rows != per_band)
            return 0;
        for (uint32_t s = 0; s < per_band; s++)
            x->first_mb[at++] = (start + s * slice_rows) * x->columns;
    }
    return slice_rows;
}

/* As few bands as keep all processors busy. Without one that fits, a single thread cuts exactly. */
static void plan_slices(struct x264 *x, x264_param_t *p)
{
    uint32_t threads = x->params.threads;
    if (threads == 0)
        threads = (uint32_t)LM_MAX(sysconf(_SC_NPROCESSORS_ONLN), 1);
    uint32_t bands = LM_MIN(threads, x->params.slices), slice_rows = 0;
    if (bands > 1) {
        for (; bands <= x->params.slices && !slice_rows; bands++)
            slice_rows = try_bands(x, bands);
        bands--;
    }
    p->i_threads = p->i_lookahead_threads = slice_rows ? (int)bands : 1;
    p->b_sliced_threads = slice_rows != 0;
    if (slice_rows) {
        if (bands < x->params.slices)
            p->i_slice_max_mbs = (int)(slice_rows * x->columns);
        return;
    }
    uint32_t slices = x->params.slices;
    p->i_slice_count = (int)slices;
    for (uint32_t i = 0; i < slices; i++)
        x->first_mb[i] = (x->rows * i + (i ? slices / 2 : 0)) / slices * x->columns;
}

static void describe_colour(const struct encode_params *params, x264_param_t *p)
{
    /* Primaries, transfer and matrix of H.264 table E-3 to E-5. */
    static const int codes[][3] = {
        [CONVERT_BT601] = {6, 6, 6}, [CONVERT_BT709] = {1, 1, 1}, [CONVERT_BT2020] = {9, 14, 9}};
    if (params->matrix < CONVERT_BT601 || params->matrix > CONVERT_BT2020)
        return;
    p->vui.i_colorprim = codes[params->matrix][0];
    p->vui.i_transfer = codes[params->matrix][1];
    p->vui.i_colmatrix = codes[params->matrix][2];
    p->vui.b_fullrange = params->full_range;
    p->vui.i_chroma_loc = 1; /* the converter takes the mean of 2x2 */
}

/* CAVLC takes four fifths of the time of CABAC and a sixth more bits: right where bits are plenty,
 * not where a picture is starved. In bits per pixel. */
#define CABAC_BELOW_BPP 0.17

static bool is_starved(const struct encode_params *params)
{
    double pixels_per_s = (double)params->width * params->height * params->refresh_mhz / 1000;
    return params->bitrate_kbps * 1000.0 / pixels_per_s < CABAC_BELOW_BPP;
}

/* superfast without what a constant quantiser makes useless, and no delay anywhere. */
static int fill_param(struct x264 *x, x264_param_t *p)
{
    if (x264_param_default_preset(p, "superfast", "zerolatency") < 0)
        return LM_EDEVICE;
    p->i_width = (int)x->params.width;
    p->i_height = (int)x->params.height;
    p->i_csp = X264_CSP_NV12;
    p->i_fps_num = p->i_timebase_den = x->params.refresh_mhz;
    p->i_fps_den = p->i_timebase_num = 1000;
    p->b_vfr_input = 0;
    p->i_keyint_max = X264_KEYINT_MAX_INFINITE;
    p->i_scenecut_threshold = 0;
    p->i_frame_reference = 1;
    p->analyse.inter = X264_ANALYSE_I8x8; /* a sixth of the time of text for .0003 of SSIM */
    p->b_cabac = is_starved(&x->params);
    p->i_dpb_size = (int)x->refs.capacity;
    p->rc.i_rc_method = X264_RC_CQP;
    /* A picture's own quantiser is clipped to what these three span: 28 - 20 to 28 + 20. */
    p->rc.i_qp_constant = (ENCODE_RATE_QP_MIN + ENCODE_RATE_QP_MAX) / 2;
    p->rc.f_ip_factor = p->rc.f_pb_factor = 10;
    p->rc.i_aq_mode = X264_AQ_NONE;
    p->analyse.i_weighted_pred = X264_WEIGHTP_NONE;
    p->analyse.b_mb_info = 1;
    p->b_repeat_headers = 1;
    p->b_annexb = 1;
    p->b_aud = 0;
    p->nalu_process = on_nal;
    p->pf_log = on_log;
    p->p_log_private = x;
    p->i_log_level = X264_LOG_ERROR;
    describe_colour(&x->params, p);
    plan_slices(x, p);
    return x264_param_apply_profile(p, "high") < 0 ? LM_EDEVICE : LM_OK;
}

static void x264_close(struct encode *encode)
{
    struct x264 *x = x264_of(encode);
    if (x->handle)
        x264_encoder_close(x->handle);
    encode_rate_finish(&x->rate);
    free(x->still[0]);
    free(x->still[1]);
    free(x);
}

static uint32_t references_of(const struct x264 *x)
{
    uint32_t fit = DPB_BLOCKS / (x->columns * x->rows);
    fit = LM_CLAMP(fit, (uint32_t)REFERENCES_MIN, (uint32_t)REFERENCES_MAX);
    return x->params.reference_frames ? LM_MIN(x->params.reference_frames, fit) : fit;
}

static int x264_open(const struct encode_params *params, struct encode **out)
{
    struct x264 *x = calloc(1, sizeof *x);
    if (!x)
        return LM_ENOMEM;
    x->encode = (struct encode){.ops = &encode_x264, .slices = params->slices};
    x->params = *params;
    x->columns = (params->width + BLOCK - 1) / BLOCK;
    x->rows = (params->height + BLOCK - 1) / BLOCK;
    encode_refs_init(&x->refs, references_of(x));
    int result = encode_rate_init(
        &x->rate, &(struct encode_rate_params){params->width, params->height, params->refresh_mhz,
                                               params->bitrate_kbps, params->max_frame_bytes});
    x264_param_t p;
    if (result == LM_OK)
        result = fill_param(x, &p);
    for (uint32_t i = 0; i < 2 && result == LM_OK; i++) {
        x->still[i] = calloc(x->rows, x->columns);
        result = x->still[i] ? LM_OK : LM_ENOMEM;
    }
    if (result == LM_OK) {
        x->handle = x264_encoder_open(&p);
        result = x->handle ? LM_OK : LM_EDEVICE;
    }
    if (result < 0) {
        x264_close(&x->encode);
        return result;
    }
    *out = &x->encode;
    return LM_OK;
}

/* Macroblocks without damage: x264 skips them unless the quantiser became finer. */
static uint8_t *mark_still(struct x264 *x, struct image_rect damage)
{
    uint8_t *still = x->still[x->turn ^= 1];
    memset(still, X264_MBINFO_CONSTANT, (size_t)x->columns * x->rows);
    if (image_rect_is_empty(damage))
        return still;
    uint32_t left = damage.x / BLOCK, right = (damage.x + damage.width + BLOCK - 1) / BLOCK;
    uint32_t bottom = LM_MIN((damage.y + damage.height + BLOCK - 1) / BLOCK, x->rows);
    right = LM_MIN(right, x->columns);
    for (uint32_t y = damage.y / BLOCK; y < bottom && left < right; y++)
        memset(still + (size_t)y * x->columns + left, 0, right - left);
    return still;
}

/* Where a frame with frame_num 0 is missing, libavcodec numbers the pictures after it too low,
 * takes them for late ones and shows none until their number has caught up: up to a quarter second.
 */
static enum encode_kind decide_kind(const struct x264 *x, uint32_t frame_index, bool force_key)
{
    if (force_key || !encode_refs_any(&x->refs) ||
        encode_refs_gap_wraps(&x->refs, frame_index, FRAME_NUMBERS))
        return ENCODE_KIND_KEY;
    return x->refs.pending ? ENCODE_KIND_RECOVERY : ENCODE_KIND_P;
}

static int x264_invalidate(struct encode *encode, uint32_t first_frame, uint32_t last_frame)
{
    struct x264 *x = x264_of(encode);
    uint32_t from;
    if (x->refs.capacity < 2)
        return LM_EUNSUPPORTED;
    if (encode_refs_lose(&x->refs, first_frame, last_frame, &from) == ENCODE_REFS_BAD_FROM &&
        x264_encoder_invalidate_reference(x->handle, from) < 0)
        return LM_EUNSUPPORTED;
    return LM_OK;
}

static int x264_picture(struct encode *encode, const struct image *picture, uint32_t frame_index,
                        bool force_key, const struct encode_buffer *buffer, enum encode_kind *kind,
                        struct encode_result *result)
{
    struct x264 *x = x264_of(encode);
    LM_CHECK(picture->width == x->params.width && picture->height == x->params.height);
    x264_picture_t in, out;
    x264_nal_t *nals;
    int count;
    *kind = decide_kind(x, frame_index, force_key);
    bool key = *kind == ENCODE_KIND_KEY;
    int32_t qp = encode_rate_next(&x->rate, picture, *kind);
    x264_picture_init(&in);
    in.i_type = key ? X264_TYPE_IDR : X264_TYPE_P;
    in.i_qpplus1 = qp + 1;
    in.i_pts = frame_index;
    in.img.i_csp = X264_CSP_NV12;
    in.img.i_plane = 2;
    for (int i = 0; i < 2; i++) {
        in.img.plane[i] = picture->plane[i];
        in.img.i_stride[i] = (int)picture->stride_bytes[i];
    }
    in.prop.mb_info = mark_still(x, picture->damage);
    in.opaque = x;
    x->buffer = buffer;
    x->header_bytes = 0;
    atomic_store(&x->size_bytes, 0);
    atomic_store(&x->too_large, false);
    int size = x264_encoder_encode(x->handle, &nals, &count, &in, &out);
    if (size < 0)
        return LM_EDEVICE;
    encode_refs_add(&x->refs, frame_index, key);
    size_t size_bytes = atomic_load(&x->size_bytes);
    encode_rate_done(&x->rate, LM_MAX(size_bytes, (size_t)size) * 8);
    *result = (struct encode_result){.kind = *kind, .size_bytes = size_bytes, .qp = (float)qp};
    if (!atomic_load(&x->too_large))
        return LM_OK;
    /* Nobody gets this frame whole: nothing may refer to it. */
    if (x264_invalidate(encode, frame_index, frame_index) < 0)
        encode_refs_init(&x->refs, x->refs.capacity);
    return LM_ELIMIT;
}

static int x264_set_bitrate(struct encode *encode, uint32_t kbps)
{
    encode_rate_set_bitrate(&x264_of(encode)->rate, kbps);
    return LM_OK;
}

const struct encode_ops encode_x264 = {
    .name = "x264",
    .flags = ENCODE_FLAG_INVALIDATES,
    .open = x264_open,
    .picture = x264_picture,
    .invalidate = x264_invalidate,
    .set_bitrate = x264_set_bitrate,
    .close = x264_close,
};
