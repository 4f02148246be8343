/* The send thread: slices into the sender as they come out of the encoder, and the sender's batches
 * to the kernel. The last slices of a frame are often being encoded while its first are on the
 * network. */
#include "core/base/check.h"
#include "core/transport/clock.h"
#include "host/pipeline_parts.h"

#include <poll.h>
#include <string.h>

static void take_routes(struct pipeline *p)
{
    while (lm_ring_pop(&p->video_routes, &p->video_route))
        atomic_store_explicit(&p->video_routed, true, memory_order_release);
}

static uint32_t latency_100us(const struct coded *coded, uint64_t now)
{
    if (coded->trace.repeated || now <= coded->trace.captured_ns)
        return 0;
    uint64_t units = (now - coded->trace.captured_ns) / (100 * LM_NS_PER_US);
    return units > 65535 ? 65535 : (uint32_t)units;
}

static enum lm_frame_type frame_type(enum encode_kind kind)
{
    switch (kind) {
    case ENCODE_KIND_KEY:
        return LM_FRAME_KEY;
    case ENCODE_KIND_RECOVERY:
        return LM_FRAME_RECOVERED;
    case ENCODE_KIND_P:
        break;
    }
    return LM_FRAME_P;
}

/* The slices of block b are [first, end). */
static uint32_t block_first(const struct pipeline *p, uint32_t b)
{
    return b * p->encode->slices / p->blocks;
}

static bool block_is_ready(const struct pipeline *p, struct coded *coded, uint32_t b)
{
    for (uint32_t i = block_first(p, b); i < block_first(p, b + 1); i++)
        if (!atomic_load_explicit(&coded->slice[i].ready_ns, memory_order_acquire))
            return false;
    return true;
}

static int push_block(struct pipeline *p, struct coded *coded, uint32_t b, uint64_t now)
{
    struct lm_piece pieces[ENCODE_MAX_SLICES];
    uint32_t count = 0;
    for (uint32_t i = block_first(p, b); i < block_first(p, b + 1); i++) {
        pieces[count++] = (struct lm_piece){coded->slice[i].data, coded->slice[i].size_bytes};
        coded->trace.size_bytes += (uint32_t)coded->slice[i].size_bytes;
        coded->trace.slice_ns[b] =
            LM_MAX(coded->trace.slice_ns[b],
                   atomic_load_explicit(&coded->slice[i].ready_ns, memory_order_relaxed));
    }
    return lm_sender_push_block_pieces(p->sender, pieces, count, now);
}

static int begin_frame(struct pipeline *p, struct coded *coded, uint64_t now)
{
    const struct lm_frame_begin begin = {
        .type = frame_type(coded->kind),
        .timestamp_90k = coded->timestamp_90k,
        .latency_100us = latency_100us(coded, now),
        .block_count = p->blocks,
        .now_ns = now,
    };
    uint32_t index = lm_sender_next_frame(p->sender);
    int code = lm_sender_begin(p->sender, &begin);
    if (!code) {
        coded->trace.frame_index = index;
        coded->trace.blocks = p->blocks;
        coded->trace.kind = (uint8_t)coded->kind;
    }
    return code;
}

/* The frame cannot be sent as it is. The sender may use its index again, so the encoder's count
 * may run ahead of it, and the client cannot tell that there was such a frame: when the encoder
 * does not know either, nothing that may refer to it can follow before a key frame. */
static void drop_frame(struct pipeline *p, bool need_key)
{
    lm_sender_abort(p->sender);
    atomic_store_explicit(&p->index_offset,
                          p->sending->encode_index + 1 - lm_sender_next_frame(p->sender),
                          memory_order_relaxed);
    PIPELINE_COUNT(p, frames_dropped, 1);
    if (!need_key)
        return;
    p->await_key = true;
    atomic_store_explicit(&p->key_wanted, true, memory_order_release);
    lm_wake_signal(&p->encode_wake);
}

static void finish_coded(struct pipeline *p)
{
    struct coded *coded = p->sending;
    p->sending = NULL;
    p->sending_begun = false;
    p->blocks_pushed = 0;
    LM_CHECK(lm_ring_push(&p->to_encode, &coded));
    lm_wake_signal(&p->encode_wake);
}

/* What is known of a frame whose datagrams are still to be sent, or have begun to be. */
static void note_in_flight(struct pipeline *p, const struct coded *coded, uint32_t block)
{
    struct pipeline_trace *trace = &p->in_flight[coded->trace.frame_index % PIPELINE_CODED];
    if (!p->params.trace)
        return;
    if (block == 0)
        *trace = coded->trace;
    trace->slice_ns[block] = coded->trace.slice_ns[block];
    trace->size_bytes = coded->trace.size_bytes;
}

/* The encoder's result, once every block is in the sender: its last words about the frame. */
static bool frame_is_over(struct pipeline *p)
{
    struct coded *coded = p->sending;
    int result = atomic_load_explicit(&coded->result, memory_order_acquire);
    if (result == CODED_RUNNING)
        return false;
    if (p->blocks_pushed < p->blocks) {
        if (result == LM_OK)
            return false; /* all slices are there: push_ready goes on */
        /* Too large: the encoder recovers by itself, but not from an earlier drop. */
        drop_frame(p, result != LM_ELIMIT || p->await_key);
    }
    return true;
}

static void push_ready(struct pipeline *p, uint64_t now)
{
    struct coded *coded = p->sending;
    while (p->blocks_pushed < p->blocks && block_is_ready(p, coded, p->blocks_pushed)) {
        if (p->await_key && coded->kind != ENCODE_KIND_KEY) {
            drop_frame(p, false); /* the key frame was asked for */
            p->blocks_pushed = p->blocks;
            return;
        }
        if (!p->sending_begun) {
            int code = begin_frame(p, coded, now);
            if (code == LM_EFULL)
                return; /* earlier frames are still leaving */
            LM_CHECK(code == LM_OK);
            p->sending_begun = true;
            p->await_key = false;
        }
        if (push_block(p, coded, p->blocks_pushed, now)) {
            drop_frame(p, true);
            p->blocks_pushed = p->blocks;
            return;
        }
        note_in_flight(p, coded, p->blocks_pushed);
        p->blocks_pushed++;
    }
}

static void feed_sender(struct pipeline *p, uint64_t now)
{
    for (;;) {
        if (!p->sending && !lm_ring_pop(&p->to_send, &p->sending)) {
            p->sending = NULL;
            return;
        }
        push_ready(p, now);
        if (!frame_is_over(p))
            return;
        finish_coded(p);
    }
}

static void note_sent(struct pipeline *p, const struct lm_batch *batch, uint64_t now)
{
    if (!p->params.trace)
        return;
    struct pipeline_trace *trace = &p->in_flight[batch->frame_index % PIPELINE_CODED];
    if (trace->frame_index != batch->frame_index || batch->block >= PIPELINE_MAX_BLOCKS)
        return;
    if (!trace->first_sent_ns[batch->block])
        trace->first_sent_ns[batch->block] = now;
    trace->last_sent_ns[batch->block] = now;
    if (batch->last_of_frame && !lm_ring_push(&p->traces, trace))
        trace->frame_index = 0; /* nobody reads: this record is dropped */
}

/* True while the socket is full. */
static bool send_batches(struct pipeline *p, uint64_t *wake_at)
{
    struct lm_batch batch;
    uint64_t now = lm_clock_now_ns();
    while (lm_sender_pull(p->sender, now, &batch, wake_at)) {
        int sent = lm_udp_send_batch(p->params.video_socket, &p->video_route, &batch);
        if (sent == LM_EAGAIN)
            return true;
        /* Unreachable or forbidden: as lost on the way; the control channel notices a dead peer. */
        uint32_t done = sent > 0 ? (uint32_t)sent : batch.segments;
        now = lm_clock_now_ns();
        if (done == batch.segments)
            note_sent(p, &batch, now);
        PIPELINE_COUNT(p, video_datagrams, done);
        PIPELINE_COUNT(p, video_bytes, done * batch.segment_bytes);
        lm_sender_done(p->sender, done, now);
    }
    return false;
}

static void publish_counts(struct pipeline *p)
{
    struct lm_sender_stats s;
    lm_sender_get_stats(p->sender, &s);
    atomic_store_explicit(&p->count.blocks_unprotected, s.blocks_unprotected, memory_order_relaxed);
    atomic_store_explicit(&p->count.blocks_underprotected, s.blocks_underprotected,
                          memory_order_relaxed);
}

void pipeline_run_send(void *pipeline)
{
    struct pipeline *p = pipeline;
    while (!pipeline_stopping(p)) {
        lm_wake_clear(&p->send_wake);
        uint64_t wake_at = LM_TIME_MAX;
        bool was_routed = atomic_load_explicit(&p->video_routed, memory_order_relaxed);
        take_routes(p);
        if (!was_routed && atomic_load_explicit(&p->video_routed, memory_order_relaxed))
            lm_wake_signal(&p->encode_wake);
        feed_sender(p, lm_clock_now_ns());
        bool full = send_batches(p, &wake_at);
        if (p->sending && !full)
            feed_sender(p, lm_clock_now_ns()); /* room was made */
        publish_counts(p);
        pipeline_sleep(&p->send_wake, full ? lm_udp_fd(p->params.video_socket) : -1, POLLOUT,
                       full ? LM_TIME_MAX : wake_at);
    }
}
