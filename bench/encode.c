/* What encoder settings cost and give: time to the first slice and to the last, processor time,
 * PSNR and SSIM of the luma against the source, the bitrate that came out.
 * bench-encode [width height fps kbps frames [name-part]] */
#include "host/encode/encode.h"
#include "bench/content.h"
#include "core/base/check.h"
#include "host/convert/convert.h"

#include <libavcodec/avcodec.h>
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <x264.h>

enum { FRAME_MAX_BYTES = 4 << 20, MAX_SLICES = 16, MAX_FRAMES = 4096 };

struct run {
    struct encode *encode; /* this or x264 */
    x264_t *x264;
    uint8_t *nals;            /* MAX_SLICES + 2 regions of FRAME_MAX_BYTES / 4 */
    size_t sizes[MAX_SLICES]; /* headers in region 0 */
    _Atomic uint64_t first_ns;
    _Atomic uint32_t count;
};

struct sums {
    double first_ms[MAX_FRAMES], total_ms[MAX_FRAMES];
    double cpu_ms, convert_ms, psnr, ssim;
    uint64_t bytes, largest;
    uint32_t frames, measured;
};

struct variant {
    const char *name;
    void (*tune)(x264_param_t *p);
    uint32_t threads, slices;
};

static uint64_t clock_ns(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void on_nal(x264_t *x264, x264_nal_t *nal, void *opaque)
{
    struct run *run = opaque;
    if (nal->i_type == NAL_SEI)
        return;
    uint32_t at = atomic_fetch_add(&run->count, 1);
    LM_CHECK(at < MAX_SLICES);
    uint8_t *to = run->nals + (size_t)at * (FRAME_MAX_BYTES / 4);
    x264_nal_encode(x264, to, nal);
    run->sizes[at] = (size_t)nal->i_payload;
    memmove(to + 8, to, run->sizes[at]);
    memcpy(to, &nal->i_first_mb, 4);
    to[4] = nal->i_type == NAL_SLICE || nal->i_type == NAL_SLICE_IDR;
    uint64_t zero = 0;
    if (to[4] && nal->i_first_mb == 0)
        atomic_compare_exchange_strong(&run->first_ns, &zero, clock_ns(CLOCK_MONOTONIC));
}

static void on_slice(void *user, const struct encode_slice *slice)
{
    struct run *run = user;
    if (slice->index == 0)
        atomic_store(&run->first_ns, clock_ns(CLOCK_MONOTONIC));
    run->sizes[slice->index] = slice->size_bytes;
    atomic_fetch_add(&run->count, 1);
}

/* superfast + zerolatency with what the stream needs anyway */
static void base(x264_param_t *p)
{
    p->rc.i_rc_method = X264_RC_ABR;
    p->i_keyint_max = X264_KEYINT_MAX_INFINITE;
    p->i_scenecut_threshold = 0;
    p->b_vfr_input = 0;
    p->b_repeat_headers = 1;
    p->b_annexb = 1;
    p->i_log_level = X264_LOG_ERROR;
    p->nalu_process = on_nal;
}

static void plain(x264_param_t *p)
{
    (void)p;
}

static void slow(x264_param_t *p)
{
    p->analyse.i_subpel_refine = 2;
    p->analyse.i_me_method = X264_ME_HEX;
    p->analyse.inter |= X264_ANALYSE_PSUB16x16;
}

/* Without `tune` it is lumen's own encoder. */
static const struct variant variants[] = {
    {"lumen 4 slices", NULL, 0, 4},       {"lumen 2 slices", NULL, 0, 2},
    {"superfast 2 slices", plain, 2, 2},  {"superfast 4 slices", plain, 2, 4},
    {"superfast 4 threads", plain, 4, 4}, {"veryfast-like", slow, 2, 4},
};

static x264_t *open_x264(const struct variant *v, const uint32_t size[2], uint32_t fps,
                         uint32_t kbps)
{
    x264_param_t p;
    LM_CHECK(x264_param_default_preset(&p, "superfast", "zerolatency") == 0);
    base(&p);
    p.i_width = (int)size[0];
    p.i_height = (int)size[1];
    p.i_csp = X264_CSP_NV12;
    p.i_fps_num = fps;
    p.i_fps_den = 1;
    p.i_threads = (int)v->threads;
    p.b_sliced_threads = v->threads > 1;
    p.rc.i_bitrate = p.rc.i_vbv_max_bitrate = (int)kbps;
    p.rc.i_vbv_buffer_size = (int)(kbps / fps);
    if (v->slices > v->threads) {
        uint32_t rows = (size[1] + 15) / 16, band = (rows + v->threads - 1) / v->threads;
        uint32_t each = v->slices / v->threads;
        p.i_slice_max_mbs = (int)((band + each - 1) / each * ((size[0] + 15) / 16));
    }
    v->tune(&p);
    if (p.rc.i_rc_method == X264_RC_CQP)
        p.rc.i_vbv_max_bitrate = p.rc.i_vbv_buffer_size = 0;
    return x264_encoder_open(&p);
}

static struct encode *open_lumen(const struct variant *v, const uint32_t numbers[5],
                                 struct run *run)
{
    struct encode_params params = {
        .codec = ENCODE_H264,
        .width = numbers[0],
        .height = numbers[1],
        .refresh_mhz = numbers[2] * 1000,
        .bitrate_kbps = numbers[3],
        .max_frame_bytes = FRAME_MAX_BYTES / 4,
        .slices = v->slices,
        .matrix = CONVERT_BT709,
        .on_slice = on_slice,
        .user = run,
    };
    struct encode *encode;
    LM_CHECK(encode_open(&params, &encode) == LM_OK);
    return encode;
}

/* The regions of one frame joined in the order of macroblocks. */
static size_t join(struct run *run, uint8_t *out)
{
    uint32_t count = atomic_load(&run->count);
    size_t size = 0;
    bool used[MAX_SLICES] = {false};
    for (uint32_t i = 0; i < count && run->encode; size += run->sizes[i++])
        memcpy(out + size, run->nals + (size_t)i * (FRAME_MAX_BYTES / 4), run->sizes[i]);
    if (run->encode)
        return size;
    for (uint32_t n = 0; n < count; n++) {
        uint32_t best = MAX_SLICES;
        int32_t best_key = INT32_MAX;
        for (uint32_t i = 0; i < count; i++) {
            const uint8_t *region = run->nals + (size_t)i * (FRAME_MAX_BYTES / 4);
            int32_t key;
            memcpy(&key, region, 4);
            key = region[4] ? key : -100 + (int32_t)i;
            if (!used[i] && key < best_key) {
                best_key = key;
                best = i;
            }
        }
        used[best] = true;
        memcpy(out + size, run->nals + (size_t)best * (FRAME_MAX_BYTES / 4) + 8, run->sizes[best]);
        size += run->sizes[best];
    }
    return size;
}

static double psnr_of(const struct image *a, const AVFrame *b)
{
    double sum = 0;
    for (uint32_t y = 0; y < a->height; y++) {
        const uint8_t *p = a->plane[0] + (size_t)y * a->stride_bytes[0];
        const uint8_t *q = b->data[0] + (ptrdiff_t)y * b->linesize[0];
        uint32_t row = 0;
        for (uint32_t x = 0; x < a->width; x++)
            row += (uint32_t)((p[x] - q[x]) * (p[x] - q[x]));
        sum += row;
    }
    double mse = sum / a->width / a->height;
    return mse > 0 ? LM_MIN(10 * log10(255.0 * 255.0 / mse), 60) : 60;
}

/* Mean structural similarity of 8x8 blocks, every 4 pixels. */
static double ssim_of(const struct image *a, const AVFrame *b)
{
    const double c1 = 6.5025 * 64 * 64, c2 = 58.5225 * 64 * 64;
    double total = 0;
    uint64_t count = 0;
    for (uint32_t y = 0; y + 8 <= a->height; y += 4)
        for (uint32_t x = 0; x + 8 <= a->width; x += 4, count++) {
            int32_t s1 = 0, s2 = 0, ss = 0, s12 = 0;
            for (uint32_t j = 0; j < 8; j++) {
                const uint8_t *p = a->plane[0] + (size_t)(y + j) * a->stride_bytes[0] + x;
                const uint8_t *q = b->data[0] + (ptrdiff_t)(y + j) * b->linesize[0] + x;
                for (uint32_t i = 0; i < 8; i++) {
                    s1 += p[i];
                    s2 += q[i];
                    ss += p[i] * p[i] + q[i] * q[i];
                    s12 += p[i] * q[i];
                }
            }
            double vars = 64.0 * ss - (double)s1 * s1 - (double)s2 * s2;
            double covar = 64.0 * s12 - (double)s1 * s2;
            total += (2.0 * s1 * s2 + c1) * (2 * covar + c2) /
                     (((double)s1 * s1 + (double)s2 * s2 + c1) * (vars + c2));
        }
    return total / (double)count;
}

static void judge(AVCodecContext *decoder, uint8_t *data, size_t size, const struct image *picture,
                  struct sums *sums)
{
    AVPacket *packet = av_packet_alloc();
    AVFrame *frame = av_frame_alloc();
    packet->data = data;
    packet->size = (int)size;
    LM_CHECK(avcodec_send_packet(decoder, packet) == 0);
    LM_CHECK(avcodec_receive_frame(decoder, frame) == 0);
    sums->psnr += psnr_of(picture, frame);
    sums->ssim += ssim_of(picture, frame);
    sums->measured++;
    av_frame_free(&frame);
    av_packet_free(&packet);
}

static void encode_x264(struct run *run, const struct image *picture, uint32_t index)
{
    x264_picture_t in, out;
    x264_nal_t *nals;
    int count;
    x264_picture_init(&in);
    in.img.i_csp = X264_CSP_NV12;
    in.img.i_plane = 2;
    for (int i = 0; i < 2; i++) {
        in.img.plane[i] = picture->plane[i];
        in.img.i_stride[i] = (int)picture->stride_bytes[i];
    }
    in.i_pts = index;
    in.opaque = run;
    LM_CHECK(x264_encoder_encode(run->x264, &nals, &count, &in, &out) > 0);
}

static void encode_one(struct run *run, const struct image *picture, uint32_t index,
                       struct sums *sums)
{
    atomic_store(&run->first_ns, 0);
    atomic_store(&run->count, 0);
    struct encode_buffer buffer = {run->nals, FRAME_MAX_BYTES / 4};
    struct encode_result result;
    enum encode_kind kind;
    uint64_t start = clock_ns(CLOCK_MONOTONIC);
    if (run->encode)
        LM_CHECK(encode_picture(run->encode, picture, index, false, &buffer, &kind, &result) ==
                 LM_OK);
    else
        encode_x264(run, picture, index);
    uint64_t end = clock_ns(CLOCK_MONOTONIC);
    sums->first_ms[sums->frames] = (double)(atomic_load(&run->first_ns) - start) / 1e6;
    sums->total_ms[sums->frames++] = (double)(end - start) / 1e6;
    if (getenv("BENCH_FRAMES"))
        printf("%u key %d qp %.0f %zu bytes\n", index, kind == ENCODE_KIND_KEY,
               run->encode ? (double)result.qp : 0, run->encode ? result.size_bytes : 0);
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static void print(const char *name, struct sums *s, uint32_t fps)
{
    qsort(s->first_ms, s->frames, sizeof(double), compare);
    qsort(s->total_ms, s->frames, sizeof(double), compare);
    uint32_t mid = s->frames / 2, high = s->frames * 99 / 100;
    printf("%-18s %5.2f %6.2f  %5.2f %6.2f  %6.2f %7.4f %7.0f %7.1f %6.2f %5.2f\n", name,
           s->first_ms[mid], s->first_ms[high], s->total_ms[mid], s->total_ms[high],
           s->psnr / s->measured, s->ssim / s->measured,
           (double)s->bytes * 8 * fps / s->frames / 1000, (double)s->largest / 1000,
           s->cpu_ms / s->frames, s->convert_ms / s->frames);
    fflush(stdout);
}

static AVCodecContext *open_decoder(void)
{
    AVCodecContext *decoder = avcodec_alloc_context3(avcodec_find_decoder(AV_CODEC_ID_H264));
    decoder->flags |= AV_CODEC_FLAG_LOW_DELAY;
    decoder->thread_count = 1;
    LM_CHECK(avcodec_open2(decoder, NULL, NULL) == 0);
    return decoder;
}

static void measure(const struct variant *v, enum content_kind kind, const uint32_t numbers[5])
{
    uint32_t frames = LM_MIN(numbers[4], (uint32_t)MAX_FRAMES);
    struct run run = {0};
    if (v->tune)
        run.x264 = open_x264(v, numbers, numbers[2], numbers[3]);
    else
        run.encode = open_lumen(v, numbers, &run);
    run.nals = malloc((size_t)MAX_SLICES * FRAME_MAX_BYTES / 4);
    uint8_t *joined = calloc(1, (size_t)FRAME_MAX_BYTES * 2);
    struct sums *sums = calloc(1, sizeof *sums);
    LM_CHECK((run.x264 || run.encode) && run.nals && joined && sums);
    struct content *content = content_create(kind, numbers[0], numbers[1]);
    struct convert *convert;
    LM_CHECK(convert_open(&(struct convert_params){.width = numbers[0],
                                                   .height = numbers[1],
                                                   .matrix = CONVERT_BT709},
                          &convert) == LM_OK);
    AVCodecContext *decoder = open_decoder();
    for (uint32_t i = 0; i < frames; i++) {
        const struct image *image = content_draw(content, i);
        uint64_t start = clock_ns(CLOCK_MONOTONIC);
        LM_CHECK(convert_run(convert, image, image->damage) == LM_OK);
        sums->convert_ms += (double)(clock_ns(CLOCK_MONOTONIC) - start) / 1e6;
        uint64_t cpu = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
        encode_one(&run, &convert->picture, i, sums);
        /* What the encoder does after its answer belongs to it as well. */
        nanosleep(&(struct timespec){.tv_nsec = 3000000}, NULL);
        sums->cpu_ms += (double)(clock_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu) / 1e6;
        size_t size = join(&run, joined);
        sums->bytes += size;
        sums->largest = LM_MAX(sums->largest, size);
        judge(decoder, joined, size, &convert->picture, sums);
    }
    print(v->name, sums, numbers[2]);
    avcodec_free_context(&decoder);
    encode_close(run.encode);
    if (run.x264)
        x264_encoder_close(run.x264);
    convert_close(convert);
    content_destroy(content);
    free(sums);
    free(joined);
    free(run.nals);
}

int main(int argc, char **argv)
{
    uint32_t numbers[5] = {1280, 720, 60, 20000, 200};
    static const char *const kinds[] = {NULL, "scroll", "game", "typing"};
    for (int i = 0; i < 5 && i + 1 < argc; i++)
        numbers[i] = (uint32_t)strtoul(argv[i + 1], NULL, 10);
    if (!numbers[0] || !numbers[1] || !numbers[2] || !numbers[3] || !numbers[4]) {
        fprintf(stderr, "Usage: bench-encode [width height fps kbps frames [name-part]]\n");
        return 2;
    }
    for (enum content_kind kind = CONTENT_SCROLL; kind <= CONTENT_TYPING; kind++) {
        printf("%s %ux%u@%u %u kbit/s\n%-18s first ms p50/p99  total p50/p99  PSNR-Y    SSIM    "
               "kbps  max KB cpu ms  conv\n",
               kinds[kind], numbers[0], numbers[1], numbers[2], numbers[3], "setting");
        for (size_t i = 0; i < LM_ARRAY_LEN(variants); i++)
            if (argc < 7 || strstr(variants[i].name, argv[6]))
                measure(&variants[i], kind, numbers);
    }
    return 0;
}
