/* The encode thread: takes the newest image when the client's cadence allows, converts what
 * changed, and has it encoded; the slices go to the send thread from the encoder's own threads. */
#include "core/base/check.h"
#include "core/transport/clock.h"
#include "host/pipeline_parts.h"

#include <string.h>

/* After the last change a few repeats let the quality settle and let a client that lost the last
 * frame notice; then one a second keeps it alive. */
enum { SETTLE_REPEATS = 3 };
#define SETTLE_INTERVAL_NS (50 * LM_NS_PER_MS)
#define IDLE_INTERVAL_NS   LM_NS_PER_S

void pipeline_on_slice(void *pipeline, const struct encode_slice *slice)
{
    struct pipeline *p = pipeline;
    struct coded *coded = p->filling;
    LM_CHECK(slice->index < p->encode->slices);
    coded->slice[slice->index].data = slice->data;
    coded->slice[slice->index].size_bytes = slice->size_bytes;
    atomic_store_explicit(&coded->slice[slice->index].ready_ns, lm_clock_now_ns(),
                          memory_order_release);
    lm_wake_signal(&p->send_wake);
}

/* What the client asked for since the last frame. True when a frame should go out for it. */
static bool take_requests(struct pipeline *p, bool *force_key)
{
    struct loss_request r;
    bool any = false;
    while (lm_ring_pop(&p->requests, &r)) {
        uint32_t offset = atomic_load_explicit(&p->index_offset, memory_order_relaxed);
        any = true;
        if (encode_invalidate(p->encode, r.first + offset, r.last + offset))
            *force_key = true;
    }
    if (atomic_exchange_explicit(&p->key_wanted, false, memory_order_acq_rel))
        *force_key = any = true;
    return any;
}

static struct image *take_newest(struct pipeline *p)
{
    return atomic_exchange_explicit(&p->newest, NULL, memory_order_acq_rel);
}

/* 90 kHz from the capture's time, strictly rising and never 0 after the first frame. */
static uint32_t timestamp_of(struct pipeline *p, uint64_t captured_ns)
{
    if (!p->first_ns)
        p->first_ns = captured_ns;
    uint64_t since = captured_ns > p->first_ns ? captured_ns - p->first_ns : 0;
    uint32_t ts = (uint32_t)(since / 1000 * 90 / 1000);
    if ((int32_t)(ts - p->last_timestamp) <= 0)
        ts = p->last_timestamp + 1;
    return p->last_timestamp = ts;
}

static void prepare(struct pipeline *p, struct coded *coded, uint64_t now, bool repeated)
{
    const struct image *picture = &p->convert->picture;
    uint64_t captured = repeated ? now : picture->captured_ns;
    coded->timestamp_90k = timestamp_of(p, captured);
    coded->trace = (struct pipeline_trace){
        .repeated = repeated,
        .captured_ns = captured,
        .ready_ns = repeated ? now : picture->ready_ns,
        .begun_ns = now,
    };
    for (uint32_t i = 0; i < ENCODE_MAX_SLICES; i++)
        atomic_store_explicit(&coded->slice[i].ready_ns, 0, memory_order_relaxed);
    atomic_store_explicit(&coded->result, CODED_RUNNING, memory_order_relaxed);
}

static void count_frame(struct pipeline *p, enum encode_kind kind, bool repeated)
{
    PIPELINE_COUNT(p, frames, 1);
    PIPELINE_COUNT(p, repeated_frames, repeated);
    PIPELINE_COUNT(p, key_frames, kind == ENCODE_KIND_KEY);
    PIPELINE_COUNT(p, recovery_frames, kind == ENCODE_KIND_RECOVERY);
}

/* `coded` is ours until it is pushed; the send thread sees it before the first slice is there. */
static int encode_into(struct pipeline *p, struct coded *coded, bool force_key)
{
    struct encode_result result = {0};
    bool repeated = coded->trace.repeated; /* the send thread owns the trace from here on */
    uint64_t started = lm_clock_now_ns();
    coded->trace.converted_ns = started;
    coded->encode_index = p->encode_frame;
    p->filling = coded;
    LM_CHECK(lm_ring_push(&p->to_send, &coded)); /* as many places as coded frames */
    int code = encode_picture(p->encode, &p->convert->picture, p->encode_frame, force_key,
                              &coded->buffer, &coded->kind, &result);
    PIPELINE_COUNT(p, encode_ns, lm_clock_now_ns() - started);
    if (!code)
        count_frame(p, result.kind, repeated);
    if (!code || code == LM_ELIMIT)
        p->encode_frame++; /* a frame beyond the limits is a lost one: the next recovers from it */
    atomic_store_explicit(&coded->result, code, memory_order_release);
    lm_wake_signal(&p->send_wake);
    return code == LM_ELIMIT ? LM_OK : code;
}

static int convert_newest(struct pipeline *p, struct image *image, uint64_t now)
{
    int code = convert_run(p->convert, image, image->damage);
    p->have_picture = true;
    PIPELINE_COUNT(p, convert_ns, lm_clock_now_ns() - now);
    capture_give(p->capture, image);
    return code;
}

static void schedule_repeat(struct pipeline *p, uint64_t now, bool repeated)
{
    if (!repeated)
        p->repeats_left = SETTLE_REPEATS;
    else if (p->repeats_left)
        p->repeats_left--;
    p->repeat_ns = now + (p->repeats_left ? SETTLE_INTERVAL_NS : IDLE_INTERVAL_NS);
}

/* How long this picture had to wait for the cadence; 0 when others were left out for it. */
static uint64_t waited_ns(struct pipeline *p, uint64_t now)
{
    uint64_t skipped = atomic_load_explicit(&p->count.images_skipped, memory_order_relaxed);
    bool replaced = skipped != p->skipped_before;
    uint64_t ready = p->convert->picture.ready_ns;
    p->skipped_before = skipped;
    return replaced || now < ready ? 0 : now - ready;
}

/* One frame from `image` (NULL: the picture again). False: the encoder gave up. */
static bool encode_one(struct pipeline *p, struct image *image, struct coded *coded, bool force_key,
                       uint64_t now)
{
    int code = LM_OK;
    if (image)
        code = convert_newest(p, image, now);
    else
        p->convert->picture.damage = (struct image_rect){0}; /* the same again, a little finer */
    if (code) {
        pipeline_fail(p, "the picture cannot be converted", code);
        return false;
    }
    prepare(p, coded, now, !image);
    if (image) /* a repeat does not make the next change wait */
        cadence_take(&p->cadence, now, waited_ns(p, now));
    code = encode_into(p, coded, force_key);
    schedule_repeat(p, now, !image);
    if (code)
        pipeline_fail(p, "the encoder failed", code);
    return code == LM_OK;
}

static bool may_flow(const struct pipeline *p)
{
    return atomic_load_explicit(&p->started, memory_order_acquire) &&
           atomic_load_explicit(&p->video_routed, memory_order_acquire);
}

/* When the thread has something to do without being woken. */
static uint64_t next_time(struct pipeline *p, bool waiting, bool has_coded)
{
    if (!may_flow(p) || !has_coded)
        return LM_TIME_MAX;
    if (waiting)
        return cadence_ready_ns(&p->cadence);
    return p->have_picture ? p->repeat_ns : LM_TIME_MAX;
}

void pipeline_run_encode(void *pipeline)
{
    struct pipeline *p = pipeline;
    struct coded *coded = NULL;
    bool force_key = true, asked = false; /* a stream begins with a key frame */
    while (!pipeline_stopping(p)) {
        lm_wake_clear(&p->encode_wake);
        uint64_t now = lm_clock_now_ns();
        asked |= take_requests(p, &force_key);
        if (!coded && !lm_ring_pop(&p->to_encode, &coded))
            coded = NULL;
        bool newer = atomic_load_explicit(&p->newest, memory_order_acquire) != NULL;
        bool due = newer || (p->have_picture && (asked || now >= p->repeat_ns));
        if (coded && may_flow(p) && due && now >= cadence_ready_ns(&p->cadence)) {
            struct image *image = take_newest(p);
            if (!image && !p->have_picture)
                continue; /* it is being replaced by a newer one: its wake follows */
            if (!encode_one(p, image, coded, force_key, now))
                return;
            coded = NULL;
            force_key = asked = false;
            continue;
        }
        pipeline_sleep(&p->encode_wake, -1, 0, next_time(p, due, coded != NULL));
    }
}
