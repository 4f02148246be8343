/* A pipeline on fakes, with an encoder that fails where it is told to: what is dropped, and which
 * frames the encoder hears of. This file's encode_* take the place of the seam's own. */
#include "host/pipeline.h"

#include "core/base/check.h"
#include "core/send/sender.h"
#include "host/encode/backends.h"
#include "host/test_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { FAULT_FRAME = 20, MARK_AT = 5 /* behind start code and NAL header */ };

enum fault {
    FAULT_NONE = 0,
    FAULT_NOTHING_OUT, /* over its limit before any slice came out */
    FAULT_HALF_OUT,    /* after the first block */
    FAULT_OVERSIZED,   /* a slice that the sender refuses */
    FAULT_DEVICE,      /* the encoder is gone */
};

/* What the encode thread was told and the receiving thread saw. */
static struct {
    enum fault fault;
    struct rig rig;
    struct encode_params params;
    _Atomic uint32_t lost_first, lost_last, losses;
    _Atomic uint64_t newest;        /* received: the sender's index << 32 | the encoder's */
    _Atomic uint32_t jumps;         /* of the sender's index */
    _Atomic uint32_t gap, gap_type; /* first jump of the encoder's index, and that frame's type */
} test;

const struct encode_ops *const encode_backends[] = {&encode_fake, NULL};

int encode_open(const struct encode_params *params, struct encode **out)
{
    test.params = *params;
    return encode_fake.open(params, out);
}

static int go_wrong(const struct encode_buffer *buffer, enum encode_kind *kind)
{
    struct encode_slice slice = {.data = buffer->data, .size_bytes = 1000};
    *kind = ENCODE_KIND_P;
    memset(buffer->data, 1, slice.size_bytes);
    switch (test.fault) {
    case FAULT_HALF_OUT:
        test.params.on_slice(test.params.user, &slice);
        return LM_ELIMIT;
    case FAULT_OVERSIZED:
        for (slice.index = 0; slice.index < test.params.slices; slice.index++) {
            slice.size_bytes = slice.index ? 1000 : test.params.max_frame_bytes + 1;
            test.params.on_slice(test.params.user, &slice);
        }
        return LM_OK;
    case FAULT_DEVICE:
        return LM_EDEVICE;
    default:
        return LM_ELIMIT;
    }
}

int encode_picture(struct encode *encode, const struct image *picture, uint32_t frame_index,
                   bool force_key, const struct encode_buffer *buffer, enum encode_kind *kind,
                   struct encode_result *result)
{
    if (test.fault && frame_index == FAULT_FRAME)
        return go_wrong(buffer, kind);
    return encode->ops->picture(encode, picture, frame_index, force_key, buffer, kind, result);
}

int encode_invalidate(struct encode *encode, uint32_t first_frame, uint32_t last_frame)
{
    atomic_store(&test.lost_first, first_frame);
    atomic_store(&test.lost_last, last_frame);
    int code = encode->ops->invalidate(encode, first_frame, last_frame);
    atomic_fetch_add(&test.losses, 1);
    return code;
}

int encode_set_bitrate(struct encode *encode, uint32_t kbps)
{
    return encode->ops->set_bitrate(encode, kbps);
}

void encode_close(struct encode *encode)
{
    if (encode)
        encode->ops->close(encode);
}

/* The index that the fake encoder wrote behind the header of the first slice. */
static uint32_t encoder_index(const struct lm_received_frame *frame)
{
    static const uint8_t key[] = {0, 0, 0, 1, 0x65}, p[] = {0, 0, 0, 1, 0x41};
    const uint8_t *at = memmem(frame->data, frame->size_bytes, key, sizeof key);
    if (!at)
        at = memmem(frame->data, frame->size_bytes, p, sizeof p);
    LM_CHECK(at);
    uint32_t index = 0;
    for (int i = 0; i < 5; i++)
        index = index << 7 | (at[MARK_AT + i] & 0x7f);
    return index;
}

static void on_frame(void *user, const struct lm_received_frame *frame)
{
    uint64_t before = atomic_load(&test.newest);
    uint32_t encoded = encoder_index(frame), skipped = encoded - (uint32_t)before - 1;
    if (skipped && !atomic_load(&test.gap)) {
        atomic_store(&test.gap_type, frame->type);
        atomic_store(&test.gap, skipped);
    }
    if (frame->frame_index != (before >> 32) + 1)
        atomic_fetch_add(&test.jumps, 1);
    atomic_store(&test.newest, (uint64_t)frame->frame_index << 32 | encoded);
}

static void start(enum fault fault)
{
    memset(&test, 0, sizeof test);
    test.fault = fault;
    const struct rig_params params = {.encoder = "fake",
                                      .width = 160,
                                      .height = 96,
                                      .rate_mhz = 240000,
                                      .kbps = 2000,
                                      .slices = 4,
                                      .trace = true,
                                      .on_frame = on_frame};
    rig_start(&test.rig, &params);
}

/* The client says that it lost the newest frames it has: the encoder must hear of those very ones.
 * Returns the key frames until then. */
static uint32_t check_indices_are_in_step(void)
{
    assert_true(rig_wait(&test.rig, &test.rig.frames, FAULT_FRAME + 20));
    uint32_t losses = atomic_load(&test.losses);
    uint32_t keys = atomic_load(&test.rig.key_frames);
    uint64_t newest = atomic_load(&test.newest);
    uint32_t frame = newest >> 32, encoded = (uint32_t)newest;
    pipeline_invalidate(test.rig.pipeline, frame - 2, frame);
    assert_true(rig_wait(&test.rig, &test.losses, losses + 1));
    assert_int_equal(atomic_load(&test.lost_first), encoded - 2);
    assert_int_equal(atomic_load(&test.lost_last), encoded);
    assert_true(rig_wait(&test.rig, &test.rig.frames, (uint32_t)test.rig.frames + 10));
    /* A key frame only if, on a busy machine, no frame before those is left. */
    assert_true(atomic_load(&test.rig.key_frames) + atomic_load(&test.rig.recovery_frames) > keys);
    return keys;
}

static struct pipeline_stats stop(void)
{
    struct pipeline_stats stats;
    pipeline_get_stats(test.rig.pipeline, &stats);
    rig_stop(&test.rig);
    assert_int_equal(atomic_load(&test.rig.failures), 0);
    return stats;
}

static void a_reported_loss_makes_the_encoder_leave_the_frames_behind(void **state)
{
    start(FAULT_NONE);
    assert_int_equal(check_indices_are_in_step(), 1); /* the first of the stream */
    struct pipeline_stats stats = stop();
    assert_int_equal(test.gap, 0);
    assert_int_equal(stats.frames_dropped, 0);
}

static void a_request_for_a_key_frame_makes_one(void **state)
{
    start(FAULT_NONE);
    assert_true(rig_wait(&test.rig, &test.rig.frames, 5));
    pipeline_request_key(test.rig.pipeline);
    assert_true(rig_wait(&test.rig, &test.rig.key_frames, 2));
    /* It is counted when the encoder returns: surely once there are more. */
    assert_true(rig_wait(&test.rig, &test.rig.frames, (uint32_t)test.rig.frames + 3));
    assert_int_equal(stop().key_frames, 2);
    assert_int_equal(test.losses, 0);
}

static void a_frame_that_the_encoder_gives_up_uses_no_index(void **state)
{
    start(FAULT_NOTHING_OUT);
    check_indices_are_in_step();
    struct pipeline_stats stats = stop();
    assert_int_equal(test.gap, 1);
    assert_int_equal(test.gap_type, LM_FRAME_P); /* it recovers by itself */
    assert_int_equal(test.jumps, 0);
    assert_int_equal(stats.frames_dropped, 1);
}

static void a_frame_that_ends_half_way_keeps_both_counts_in_step(void **state)
{
    start(FAULT_HALF_OUT);
    check_indices_are_in_step();
    struct pipeline_stats stats = stop();
    assert_int_equal(test.gap, 1);
    assert_true(test.jumps <= 1); /* its index is used if a datagram had left */
    assert_int_equal(stats.frames_dropped, 1);
}

static void a_refused_frame_is_followed_by_a_key_frame_alone(void **state)
{
    start(FAULT_OVERSIZED);
    assert_int_equal(check_indices_are_in_step(), 2);
    struct pipeline_stats stats = stop();
    assert_true(test.gap >= 1); /* and whatever was encoded before the key frame */
    assert_int_equal(test.gap_type, LM_FRAME_KEY);
    assert_int_equal(test.jumps, 0);
    assert_int_equal(stats.frames_dropped, test.gap);
}

static void an_encoder_that_is_gone_is_told_once(void **state)
{
    start(FAULT_DEVICE);
    assert_true(rig_wait(&test.rig, &test.rig.failures, 1));
    rig_stop(&test.rig);
    assert_int_equal(test.rig.failures, 1);
    assert_true(test.rig.frames < FAULT_FRAME);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reported_loss_makes_the_encoder_leave_the_frames_behind),
        cmocka_unit_test(a_request_for_a_key_frame_makes_one),
        cmocka_unit_test(a_frame_that_the_encoder_gives_up_uses_no_index),
        cmocka_unit_test(a_frame_that_ends_half_way_keeps_both_counts_in_step),
        cmocka_unit_test(a_refused_frame_is_followed_by_a_key_frame_alone),
        cmocka_unit_test(an_encoder_that_is_gone_is_told_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
