#include "client/viewer.h"

#include "core/base/check.h"
#include "core/base/ring.h"
#include "core/base/time.h"
#include "core/transport/clock.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { NO_PICTURE = -1 };

struct queued {
    uint32_t slot;
    uint32_t size_bytes;
    bool key;
    uint64_t complete_ns;
};

struct viewer {
    struct viewer_params params;
    struct decode *decode;
    uint8_t *slots[VIEWER_SLOTS];
    struct lm_ring waiting; /* struct queued, receive to decode */
    struct lm_ring empty;   /* slot numbers, decode to receive */
    struct lm_ring given;   /* picture slots, main to decode */
    struct lm_wake wake;
    /* The newest picture not taken yet; its description was written before its slot. */
    _Atomic int newest;
    struct decode_picture pictures[DECODE_SLOTS];
    _Atomic uint64_t picture_count;
    _Atomic bool broken, stop;
    bool wait_key; /* decode thread: after a failure */
    bool running;
    pthread_t thread;
    struct viewer_results results;
};

static int take_memory(struct viewer *v)
{
    size_t slot_bytes = (size_t)v->params.max_frame_bytes + DECODE_PADDING_BYTES;
    int result = lm_ring_init(&v->waiting, sizeof(struct queued), VIEWER_SLOTS);
    if (result == LM_OK)
        result = lm_ring_init(&v->empty, sizeof(uint32_t), VIEWER_SLOTS);
    if (result == LM_OK)
        result = lm_ring_init(&v->given, sizeof(uint32_t), 2 * DECODE_SLOTS);
    for (uint32_t i = 0; i < VIEWER_SLOTS && result == LM_OK; i++) {
        v->slots[i] = malloc(slot_bytes);
        result = v->slots[i] ? LM_OK : LM_ENOMEM;
        LM_CHECK(lm_ring_push(&v->empty, &i));
    }
    return result;
}

int viewer_create(const struct viewer_params *params, struct viewer **out)
{
    *out = NULL;
    struct viewer *v = calloc(1, sizeof *v);
    if (!v)
        return LM_ENOMEM;
    v->params = *params;
    v->wake.fd = -1;
    atomic_init(&v->newest, NO_PICTURE);
    int result = lm_wake_init(&v->wake);
    if (result == LM_OK)
        result = take_memory(v);
    if (result == LM_OK)
        result = decode_open(params->decoder, &params->decode, &v->decode);
    if (result == LM_OK)
        *out = v;
    else
        viewer_destroy(v);
    return result;
}

void viewer_destroy(struct viewer *v)
{
    if (!v)
        return;
    decode_close(v->decode);
    for (int i = 0; i < VIEWER_SLOTS; i++)
        free(v->slots[i]);
    lm_ring_finish(&v->given);
    lm_ring_finish(&v->empty);
    lm_ring_finish(&v->waiting);
    if (v->wake.fd >= 0)
        lm_wake_finish(&v->wake);
    free(v);
}

int viewer_push(struct viewer *v, const struct viewer_frame *frame)
{
    struct queued q = {.size_bytes = (uint32_t)frame->size_bytes,
                       .key = frame->key,
                       .complete_ns = frame->complete_ns};
    if (frame->size_bytes > v->params.max_frame_bytes)
        return LM_ELIMIT;
    if (!lm_ring_pop(&v->empty, &q.slot))
        return LM_EFULL;
    memcpy(v->slots[q.slot], frame->data, frame->size_bytes);
    memset(v->slots[q.slot] + frame->size_bytes, 0, DECODE_PADDING_BYTES);
    LM_CHECK(lm_ring_push(&v->waiting, &q)); /* as large as there are slots */
    lm_wake_signal(&v->wake);
    return LM_OK;
}

bool viewer_take_broken(struct viewer *v)
{
    return atomic_exchange(&v->broken, false);
}

static void publish(struct viewer *v, const struct decode_picture *picture)
{
    v->pictures[picture->slot] = *picture;
    int unseen = atomic_exchange(&v->newest, (int)picture->slot);
    if (unseen != NO_PICTURE)
        decode_give(v->decode, (uint32_t)unseen);
    atomic_fetch_add(&v->picture_count, 1);
    if (v->params.picture)
        v->params.picture(v->params.user);
}

static void measure(struct viewer *v, const struct queued *q, const struct decode_picture *picture,
                    uint64_t start_ns)
{
    struct viewer_results *r = &v->results;
    uint64_t now_ns = lm_clock_now_ns();
    stats_spread_add(&r->decode, now_ns - start_ns);
    r->pictures++;
    r->width = picture->width;
    r->height = picture->height;
    if (!r->first_picture_ns)
        r->first_picture_ns = now_ns;
    if (!v->params.read_stamps)
        return;
    struct stamp stamp;
    int found = stamp_read_luma(picture->plane[0], picture->stride_bytes[0], picture->width,
                                picture->height, &stamp);
    stats_pattern_add(&r->pattern, found == LM_OK ? &stamp : NULL, q->complete_ns);
}

static void decode_one(struct viewer *v, const struct queued *q)
{
    if (v->wait_key && !q->key)
        return;
    v->wait_key = false;
    v->results.frames++;
    struct decode_picture picture;
    uint64_t start_ns = lm_clock_now_ns();
    int result = decode_push(v->decode, v->slots[q->slot], q->size_bytes, &picture);
    if (result == 1) {
        measure(v, q, &picture, start_ns);
        publish(v, &picture);
    } else if (result < 0) {
        v->results.errors++;
        v->wait_key = true;
        atomic_store(&v->broken, true);
        lm_wake_signal(v->params.receive);
    }
}

static void take_back_pictures(struct viewer *v)
{
    uint32_t slot;
    while (lm_ring_pop(&v->given, &slot))
        decode_give(v->decode, slot);
}

static void *run(void *user)
{
    struct viewer *v = user;
    pthread_setname_np(pthread_self(), "decode");
    struct pollfd ready = {.fd = v->wake.fd, .events = POLLIN};
    while (!atomic_load(&v->stop)) {
        if (poll(&ready, 1, -1) < 0 && errno != EINTR)
            break;
        lm_wake_clear(&v->wake);
        struct queued q;
        while (!atomic_load(&v->stop) && lm_ring_pop(&v->waiting, &q)) {
            take_back_pictures(v);
            decode_one(v, &q);
            LM_CHECK(lm_ring_push(&v->empty, &q.slot));
        }
    }
    return NULL;
}

int viewer_start(struct viewer *v)
{
    v->running = pthread_create(&v->thread, NULL, run, v) == 0;
    return v->running ? LM_OK : LM_EIO;
}

void viewer_stop(struct viewer *v)
{
    if (!v || !v->running)
        return;
    atomic_store(&v->stop, true);
    lm_wake_signal(&v->wake);
    pthread_join(v->thread, NULL);
    v->running = false;
}

bool viewer_take_picture(struct viewer *v, struct decode_picture *out)
{
    int slot = atomic_exchange(&v->newest, NO_PICTURE);
    if (slot == NO_PICTURE)
        return false;
    *out = v->pictures[slot];
    return true;
}

void viewer_give_picture(struct viewer *v, uint32_t slot)
{
    LM_CHECK(lm_ring_push(&v->given, &slot));
}

uint64_t viewer_pictures(const struct viewer *v)
{
    return atomic_load(&v->picture_count);
}

const struct viewer_results *viewer_results(const struct viewer *v)
{
    return &v->results;
}
