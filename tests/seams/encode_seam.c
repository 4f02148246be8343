/* The contract of host/encode on every backend that opens; what x264 makes is decoded too. */
#include "core/base/check.h"
#include "host/convert/convert.h"
#include "host/encode/encode.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <libavcodec/avcodec.h>

enum { CAPACITY = 1 << 20, FRAME_BYTES = 8 << 20, FIRST_SLICE_MAX = 963 - 13 };

struct stage {
    struct encode *encode;
    struct encode_params params;
    struct image picture;
    uint8_t *data, *joined;
    struct encode_slice slices[ENCODE_MAX_SLICES];
    _Atomic uint32_t count;
    _Atomic bool kind_was_late;
    enum encode_kind kind;
    struct encode_result result;
    uint32_t next_index, seed;
};

static void on_slice(void *user, const struct encode_slice *slice)
{
    struct stage *s = user;
    LM_CHECK(slice->index < s->params.slices);
    if (!s->kind)
        atomic_store(&s->kind_was_late, true);
    s->slices[slice->index] = *slice;
    atomic_fetch_add(&s->count, 1);
}

static void open_stage(struct stage *s, const char *backend, const uint32_t size[3],
                       uint32_t max_frame_bytes, uint32_t references)
{
    memset(s, 0, sizeof *s);
    s->params = (struct encode_params){
        .backend = backend,
        .codec = ENCODE_H264,
        .width = size[0],
        .height = size[1],
        .refresh_mhz = 59940,
        .bitrate_kbps = 8000,
        .max_frame_bytes = max_frame_bytes,
        .slices = size[2],
        .reference_frames = references,
        .matrix = CONVERT_BT709,
        .on_slice = on_slice,
        .user = s,
    };
    assert_int_equal(encode_open(&s->params, &s->encode), LM_OK);
    assert_int_equal(s->encode->slices, size[2]);
    s->picture = (struct image){.format = IMAGE_NV12, .width = size[0], .height = size[1]};
    for (int i = 0; i < 2; i++) {
        s->picture.stride_bytes[i] = (size[0] + 63) & ~63u;
        s->picture.plane[i] = malloc((size_t)s->picture.stride_bytes[i] * size[1]);
        assert_non_null(s->picture.plane[i]);
        memset(s->picture.plane[i], 128, (size_t)s->picture.stride_bytes[i] * size[1]);
    }
    s->picture.damage = (struct image_rect){0, 0, size[0], size[1]};
    s->data = malloc((size_t)CAPACITY * ENCODE_MAX_SLICES);
    s->joined = malloc(FRAME_BYTES);
    assert_true(s->data && s->joined);
    s->next_index = 1;
}

static void close_stage(struct stage *s)
{
    encode_close(s->encode);
    free(s->picture.plane[0]);
    free(s->picture.plane[1]);
    free(s->data);
    free(s->joined);
}

static uint32_t next_random(struct stage *s)
{
    s->seed = s->seed * 1664525u + 1013904223u;
    return s->seed >> 16;
}

/* A texture that moves by (3, 2) pixels per frame; or noise below `noise`, new in each frame. */
static void draw(struct stage *s, uint32_t noise)
{
    uint32_t t = s->next_index;
    for (uint32_t y = 0; y < s->picture.height; y++)
        for (uint32_t x = 0; x < s->picture.width; x++) {
            uint32_t u = x + 3 * t, v = y + 2 * t;
            uint32_t value = ((u / 7 ^ v / 5) * 37 + (u & v) / 3 + u * v / 512) & 0xFF;
            s->picture.plane[0][(size_t)y * s->picture.stride_bytes[0] + x] =
                (uint8_t)(noise ? next_random(s) % noise : value);
        }
}

static int encode_next(struct stage *s, bool force_key)
{
    struct encode_buffer buffer = {s->data, CAPACITY};
    s->kind = 0;
    atomic_store(&s->count, 0);
    return encode_picture(s->encode, &s->picture, s->next_index++, force_key, &buffer, &s->kind,
                          &s->result);
}

/* Types of the NAL units of one slice's bytes, 0 at the end; each must follow a start code. */
static uint32_t nal_types(const struct encode_slice *slice, uint8_t types[8], size_t offsets[8])
{
    uint32_t count = 0;
    assert_int_equal(slice->data[0] | slice->data[1], 0);
    for (size_t i = 0; i + 3 < slice->size_bytes; i++)
        if (slice->data[i] == 0 && slice->data[i + 1] == 0 && slice->data[i + 2] == 1) {
            assert_true(count < 8);
            offsets[count] = i;
            types[count++] = slice->data[i + 3] & 0x1F;
        }
    return count;
}

static void check_frame(struct stage *s)
{
    bool key = s->kind == ENCODE_KIND_KEY;
    size_t total = 0;
    assert_int_equal(atomic_load(&s->count), s->params.slices);
    assert_false(atomic_load(&s->kind_was_late));
    assert_int_equal(s->kind, s->result.kind);
    for (uint32_t i = 0; i < s->params.slices; i++) {
        const struct encode_slice *slice = &s->slices[i];
        uint8_t types[8];
        size_t at[8];
        assert_ptr_equal(slice->data, s->data + (size_t)i * CAPACITY);
        uint32_t count = nal_types(slice, types, at), head = i == 0 && key ? 2 : 0;
        assert_int_equal(count, head + 1);
        if (head) {
            assert_int_equal(types[0], 7);
            assert_int_equal(types[1], 8);
        }
        assert_int_equal(types[head], key ? 5 : 1);
        assert_true(at[head] <= FIRST_SLICE_MAX);
        total += slice->size_bytes;
    }
    assert_int_equal(total, s->result.size_bytes);
    assert_true(total <= s->params.max_frame_bytes);
}

/* The slices in order, each padded with zeros as whole packets are. */
static size_t join(struct stage *s)
{
    size_t size = 0;
    for (uint32_t i = 0; i < s->params.slices; i++) {
        assert_true(size + s->slices[i].size_bytes + 2000 < FRAME_BYTES);
        memcpy(s->joined + size, s->slices[i].data, s->slices[i].size_bytes);
        size += s->slices[i].size_bytes;
        memset(s->joined + size, 0, 1000);
        size += i * 7 % 900;
    }
    return size;
}

static AVCodecContext *open_decoder(void)
{
    AVCodecContext *decoder = avcodec_alloc_context3(avcodec_find_decoder(AV_CODEC_ID_H264));
    assert_non_null(decoder);
    decoder->flags |= AV_CODEC_FLAG_LOW_DELAY;
    decoder->thread_count = 1;
    assert_int_equal(avcodec_open2(decoder, NULL, NULL), 0);
    return decoder;
}

/* One frame in, exactly one picture out, without errors. */
static AVFrame *decode(AVCodecContext *decoder, uint8_t *data, size_t size)
{
    AVPacket *packet = av_packet_alloc();
    AVFrame *frame = av_frame_alloc();
    packet->data = data;
    packet->size = (int)size;
    assert_int_equal(avcodec_send_packet(decoder, packet), 0);
    assert_int_equal(avcodec_receive_frame(decoder, frame), 0);
    assert_int_equal(frame->decode_error_flags, 0);
    av_packet_free(&packet);
    return frame;
}

static double error_of(const struct stage *s, const AVFrame *frame)
{
    uint64_t sum = 0;
    for (uint32_t y = 0; y < s->picture.height; y++)
        for (uint32_t x = 0; x < s->picture.width; x++) {
            int d = s->picture.plane[0][(size_t)y * s->picture.stride_bytes[0] + x] -
                    frame->data[0][(ptrdiff_t)y * frame->linesize[0] + (ptrdiff_t)x];
            sum += (uint64_t)(d * d);
        }
    return (double)sum / s->picture.width / s->picture.height;
}

static bool same_pixels(const AVFrame *a, const AVFrame *b)
{
    for (int plane = 0; plane < 3; plane++)
        for (int y = 0; y < (plane ? a->height / 2 : a->height); y++)
            if (memcmp(a->data[plane] + (ptrdiff_t)y * a->linesize[plane],
                       b->data[plane] + (ptrdiff_t)y * b->linesize[plane],
                       (size_t)(plane ? a->width / 2 : a->width)) != 0)
                return false;
    return true;
}

/* gs-media 24, 25, 26, 27, 28, 32, 33 */
static void frame_has_its_slices_and_headers_only_on_key_frames(void **state)
{
    static const uint32_t sizes[][3] = {{640, 360, 4},  {854, 480, 3}, {320, 240, 1},
                                        {322, 82, 4},   {958, 538, 2}, {64, 16, 1},
                                        {1280, 720, 4}, {640, 720, 5}};
    for (size_t i = 0; i < LM_ARRAY_LEN(sizes); i++) {
        struct stage s;
        open_stage(&s, *state, sizes[i], 1 << 20, 0);
        for (int f = 0; f < 12; f++) {
            draw(&s, 0);
            assert_int_equal(encode_next(&s, f == 6), LM_OK);
            assert_int_equal(s.kind, f % 6 == 0 ? ENCODE_KIND_KEY : ENCODE_KIND_P);
            check_frame(&s);
        }
        close_stage(&s);
    }
}

static void invalidation_is_answered_with_a_recovery_frame(void **state) /* gs-media 34 */
{
    struct stage s;
    open_stage(&s, *state, (const uint32_t[]){320, 240, 2}, 1 << 20, 0);
    for (int f = 0; f < 9; f++) {
        draw(&s, 0);
        assert_int_equal(encode_next(&s, false), LM_OK);
    }
    assert_int_equal(encode_invalidate(s.encode, 9, 8), LM_EINVAL);
    assert_int_equal(encode_invalidate(s.encode, 8, 9), LM_OK);
    assert_int_equal(encode_next(&s, false), LM_OK);
    assert_int_equal(s.kind, ENCODE_KIND_RECOVERY);
    check_frame(&s);
    assert_int_equal(encode_invalidate(s.encode, 8, 9), LM_OK); /* said again: answered already */
    assert_int_equal(encode_next(&s, false), LM_OK);
    assert_int_equal(s.kind, ENCODE_KIND_P);
    assert_int_equal(encode_invalidate(s.encode, 2, 11), LM_OK); /* nothing good is left */
    assert_int_equal(encode_next(&s, false), LM_OK);
    assert_int_equal(s.kind, ENCODE_KIND_KEY);
    check_frame(&s);
    close_stage(&s);
    open_stage(&s, *state, (const uint32_t[]){320, 240, 2}, 1 << 20, 1);
    assert_int_equal(encode_next(&s, false), LM_OK);
    assert_int_equal(encode_invalidate(s.encode, 1, 1), LM_EUNSUPPORTED);
    close_stage(&s);
}

/* Two decoders, one loses frames: from the recovery frame on both show the same pixels. */
static void decoder_that_lost_frames_recovers_bit_exact(void **state) /* gs-media 34 */
{
    for (uint32_t lost = 1; lost <= 3; lost++) {
        struct stage s;
        open_stage(&s, *state, (const uint32_t[]){640, 362, 4}, 1 << 20, 0);
        AVCodecContext *whole = open_decoder(), *lossy = open_decoder();
        bool waiting = false;
        for (uint32_t f = 1; f <= 60; f++) {
            draw(&s, 0);
            /* the client speaks with each frame it must drop; ranges grow */
            if (waiting)
                assert_int_equal(encode_invalidate(s.encode, f - f % 20, f - 1), LM_OK);
            assert_int_equal(encode_next(&s, false), LM_OK);
            size_t size = join(&s);
            AVFrame *a = decode(whole, s.joined, size);
            bool drop = f >= 20 && f % 20 < lost;
            waiting = waiting || drop;
            if (f % 20 == lost && f > 20)
                assert_int_equal(s.kind, ENCODE_KIND_RECOVERY);
            if (s.kind != ENCODE_KIND_P && f % 20 >= lost)
                waiting = false;
            if (!drop && !waiting) {
                AVFrame *b = decode(lossy, s.joined, size);
                assert_true(same_pixels(a, b));
                av_frame_free(&b);
            }
            assert_true(f < 10 || error_of(&s, a) < 60);
            av_frame_free(&a);
        }
        avcodec_free_context(&whole);
        avcodec_free_context(&lossy);
        close_stage(&s);
    }
}

/* libavcodec shows nothing for a while if it has to count frame numbers past their wrap itself. */
static void decoder_shows_the_first_frame_after_a_loss_at_any_place(void **state)
{
    for (uint32_t lost = 1; lost <= 3; lost++)
        for (uint32_t first = 10; first < 30; first++) {
            struct stage s;
            open_stage(&s, *state, (const uint32_t[]){320, 240, 1}, 1 << 20, 0);
            AVCodecContext *decoder = open_decoder();
            for (uint32_t f = 1; f < first + lost + 3; f++) {
                bool drop = f >= first && f < first + lost;
                draw(&s, 0);
                if (f > first && f <= first + lost)
                    assert_int_equal(encode_invalidate(s.encode, first, f - 1), LM_OK);
                assert_int_equal(encode_next(&s, false), LM_OK);
                if (f == first + lost)
                    assert_int_not_equal(s.kind, ENCODE_KIND_P);
                if (drop)
                    continue;
                AVFrame *frame = decode(decoder, s.joined, join(&s));
                av_frame_free(&frame);
            }
            avcodec_free_context(&decoder);
            close_stage(&s);
        }
}

static void stream_describes_itself_and_decodes_without_delay(void **state) /* gs-media 30 */
{
    struct stage s;
    open_stage(&s, *state, (const uint32_t[]){638, 362, 4}, 1 << 20, 0);
    AVCodecContext *decoder = open_decoder();
    for (uint32_t f = 0; f < 20; f++) {
        draw(&s, 0);
        assert_int_equal(encode_next(&s, false), LM_OK);
        AVFrame *frame = decode(decoder, s.joined, join(&s));
        assert_int_equal(frame->width, 638);
        assert_int_equal(frame->height, 362);
        assert_int_equal(frame->colorspace, AVCOL_SPC_BT709);
        assert_int_equal(frame->color_range, AVCOL_RANGE_MPEG);
        av_frame_free(&frame);
    }
    assert_int_equal(decoder->has_b_frames, 0);
    assert_int_equal(decoder->profile, FF_PROFILE_H264_HIGH);
    avcodec_free_context(&decoder);
    close_stage(&s);
}

/* Damage limits what is looked at: a still picture costs next to nothing, and stays right. */
static void still_picture_becomes_small_and_sharp(void **state)
{
    struct stage s;
    open_stage(&s, *state, (const uint32_t[]){640, 360, 4}, 1 << 20, 0);
    AVCodecContext *decoder = open_decoder();
    draw(&s, 0);
    double error = 1e9;
    for (uint32_t f = 0; f < 80; f++) {
        assert_int_equal(encode_next(&s, false), LM_OK);
        AVFrame *frame = decode(decoder, s.joined, join(&s));
        error = error_of(&s, frame);
        av_frame_free(&frame);
        s.picture.damage = (struct image_rect){0, 0, 0, 0};
    }
    assert_true(s.result.size_bytes < 400);
    assert_true(error < 2);
    avcodec_free_context(&decoder);
    close_stage(&s);
}

/* Quiet, then noise that nothing predicts: a frame keeps below the limit or is not handed out, and
 * then the next one does not build on it. */
static void frame_never_exceeds_its_limit(void **state)
{
    struct stage s;
    const uint32_t limit = 200000;
    open_stage(&s, *state, (const uint32_t[]){1280, 720, 4}, limit, 0);
    uint32_t refused = 0;
    bool after_refused = false;
    for (uint32_t f = 0; f < 60; f++) {
        draw(&s, f % 20 >= 10 ? 256 : 0);
        int result = encode_next(&s, f % 15 == 0);
        size_t out = 0;
        for (uint32_t i = 0; i < atomic_load(&s.count) && result == LM_OK; i++)
            out += s.slices[i].size_bytes;
        assert_true(out <= limit);
        if (after_refused)
            assert_int_not_equal(s.kind, ENCODE_KIND_P);
        after_refused = result == LM_ELIMIT;
        refused += after_refused;
        assert_true(result == LM_OK || after_refused);
    }
    print_message("%u of 60 frames refused\n", refused);
    assert_true(refused <= 6);
    close_stage(&s);
}

static void bitrate_changes_while_running(void **state)
{
    struct stage s;
    size_t bytes[2] = {0};
    open_stage(&s, *state, (const uint32_t[]){640, 360, 4}, 1 << 20, 0);
    assert_int_equal(encode_set_bitrate(s.encode, 0), LM_EINVAL);
    for (uint32_t f = 0; f < 100; f++) {
        draw(&s, 40);
        if (f == 50)
            assert_int_equal(encode_set_bitrate(s.encode, 24000), LM_OK);
        assert_int_equal(encode_next(&s, false), LM_OK);
        if (f % 50 >= 25)
            bytes[f / 50] += s.result.size_bytes;
    }
    assert_true(bytes[1] > bytes[0] * 2);
    close_stage(&s);
}

static void parameters_out_of_range_are_refused(void **state)
{
    struct encode_params good = {.backend = *state,
                                 .codec = ENCODE_H264,
                                 .width = 64,
                                 .height = 64,
                                 .refresh_mhz = 60000,
                                 .bitrate_kbps = 1000,
                                 .slices = 1,
                                 .max_frame_bytes = 100000,
                                 .on_slice = on_slice};
    struct encode *encode;
    struct encode_params bad = good;
    bad.width = 63;
    assert_int_equal(encode_open(&bad, &encode), LM_EINVAL);
    bad = good;
    bad.slices = ENCODE_MAX_SLICES + 1;
    assert_int_equal(encode_open(&bad, &encode), LM_EINVAL);
    bad = good;
    bad.slices = 5; /* more than rows of macroblocks */
    assert_int_equal(encode_open(&bad, &encode), LM_EINVAL);
    bad = good;
    bad.codec = 9;
    assert_int_equal(encode_open(&bad, &encode), LM_EUNSUPPORTED);
    bad = good;
    bad.backend = "no such";
    assert_int_equal(encode_open(&bad, &encode), LM_EUNSUPPORTED);
    assert_null(encode);
    encode_close(NULL);
}

int main(void)
{
    av_log_set_level(AV_LOG_FATAL);
    int failed = 0;
    for (size_t i = 0; encode_backends[i]; i++) {
        void *name = (void *)(uintptr_t)encode_backends[i]->name;
        bool real = strcmp(name, "fake") != 0;
        const struct CMUnitTest always[] = {
            cmocka_unit_test_prestate(frame_has_its_slices_and_headers_only_on_key_frames, name),
            cmocka_unit_test_prestate(invalidation_is_answered_with_a_recovery_frame, name),
            cmocka_unit_test_prestate(bitrate_changes_while_running, name),
            cmocka_unit_test_prestate(parameters_out_of_range_are_refused, name),
        };
        const struct CMUnitTest decoded[] = {
            cmocka_unit_test_prestate(decoder_that_lost_frames_recovers_bit_exact, name),
            cmocka_unit_test_prestate(decoder_shows_the_first_frame_after_a_loss_at_any_place,
                                      name),
            cmocka_unit_test_prestate(stream_describes_itself_and_decodes_without_delay, name),
            cmocka_unit_test_prestate(still_picture_becomes_small_and_sharp, name),
            cmocka_unit_test_prestate(frame_never_exceeds_its_limit, name),
        };
        printf("encode backend %s\n", encode_backends[i]->name);
        failed += cmocka_run_group_tests(always, NULL, NULL);
        failed += real ? cmocka_run_group_tests(decoded, NULL, NULL) : 0;
    }
    return failed;
}
