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

enum { FRAMES = 4096, FAULT_FRAME = 20, MARK_AT = 5 };

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
    _Atomic uint32_t frame, encoded; /* the newest received: the sender's index, the encoder's */
    _Atomic uint32_t bad_order;      /* indices not in sequence */
    _Atomic uint32_t gap, gap_type;  /* first jump of the encoder's index, and that frame's type */
} test;

const struct encode_ops *const encode_backends[] = {&encode_fake, NULL};

int encode_open(const struct encode_params *params, struct encode **out)
{
    test.params = *params;
    return encode_fake.open(params, out);
}

static int fail(const struct encode_buffer *buffer, enum encode_kind *kind)
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
        return fail(buffer, kind);
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
    uint32_t encoded = encoder_index(frame), before = atomic_load(&test.encoded);
    if (encoded != before + 1 && !atomic_load(&test.gap)) {
        atomic_store(&test.gap_type, frame->type);
        atomic_store(&test.gap, encoded - before - 1);
    }
    if (frame->frame_index != atomic_load(&test.frame) + 1)
        atomic_fetch_add(&test.jumps, 1);
    atomic_store(&test.frame, frame->frame_index);
    atomic_store(&test.encoded, encoded);
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

/* The client says that it lost the newest frame it has: the encoder must hear of that very one. */
static void check_indices_are_in_step(void)
{
    assert_true(rig_wait(&test.rig, &test.rig.frames, FAULT_FRAME + 40));
    uint32_t losses = atomic_load(&test.losses);
    rig_pause(&test.rig);
    uint32_t frame = atomic_load(&test.frame), encoded = atomic_load(&test.encoded);
    pipeline_invalidate(test.rig.pipeline, frame - 2, frame);
    rig_resume(&test.rig);
    assert_true(rig_wait(&test.rig, &test.losses, losses + 1));
    assert_int_equal(atomic_load(&test.lost_first), encoded - 2);
    assert_int_equal(atomic_load(&test.lost_last), encoded);
}

static struct pipeline_stats stop(void)
{
    struct pipeline_stats stats;
    pipeline_get_stats(test.rig.pipeline, &stats);
    rig_stop(&test.rig);
    return stats;
}
