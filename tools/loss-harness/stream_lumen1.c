/* lumen/1's video: GF(2^8), GF(2^16) or no code, any number of blocks in either order. */
#include "stream.h"

#include "core/base/check.h"
#include "core/recv/l1_receiver.h"
#include "core/send/l1_sender.h"

#include <stdlib.h>

struct lumen1 {
    struct stream base;
    struct lm_l1_sender *sender;
    struct lm_l1_receiver *receiver;
};

enum { SESSION_ID = 1 };

static struct lumen1 *of(struct stream *stream)
{
    LM_CHECK(stream->ops == &stream_lumen1);
    return LM_CONTAINER_OF(stream, struct lumen1, base);
}

static const struct lumen1 *of_const(const struct stream *stream)
{
    LM_CHECK(stream->ops == &stream_lumen1);
    return (const struct lumen1 *)stream;
}

static void lumen1_destroy(struct stream *stream)
{
    if (!stream)
        return;
    struct lumen1 *l = of(stream);
    lm_l1_sender_destroy(l->sender);
    lm_l1_receiver_destroy(l->receiver);
    free(l);
}

static int lumen1_create(const struct stream_config *c, struct stream **out)
{
    *out = NULL;
    struct lumen1 *l = calloc(1, sizeof *l);
    if (!l)
        return LM_ENOMEM;
    l->base.ops = &stream_lumen1;
    struct lm_l1_sender_config send = {.session_id = SESSION_ID,
                                       .shard_bytes = c->shard_bytes,
                                       .code = stream_l1_code(c->code),
                                       .fec_percent = c->parity_percent,
                                       .max_data_per_block = c->max_block,
                                       .contiguous = c->layout != LAYOUT_INTERLEAVED,
                                       .encrypt = c->encrypt,
                                       .key = "loss-harness key",
                                       .max_frame_bytes = c->frame_bytes,
                                       .pace_bytes_per_s = c->pace_bytes_per_s,
                                       .burst_bytes = c->pace_burst_bytes};
    struct lm_l1_receiver_config receive = {.session_id = SESSION_ID,
                                            .shard_bytes = c->shard_bytes,
                                            .encrypted = c->encrypt,
                                            .key = "loss-harness key",
                                            .max_frame_bytes = c->frame_bytes,
                                            .max_fec_percent = c->parity_percent,
                                            .max_blocks = stream_blocks(c),
                                            .reorder_ns = c->reorder_ns};
    int rc = lm_l1_sender_create(&send, &l->sender);
    if (rc == 0)
        rc = lm_l1_receiver_create(&receive, &l->receiver);
    if (rc < 0) {
        lumen1_destroy(&l->base);
        return rc;
    }
    *out = &l->base;
    return 0;
}

static int lumen1_push_frame(struct stream *stream, const uint8_t *data, size_t size_bytes,
                             uint64_t now_ns)
{
    struct lm_l1_frame_begin begin = {.capture_ns = now_ns, .now_ns = now_ns};
    struct lm_piece piece = {data, size_bytes};
    return lm_l1_sender_push_frame(of(stream)->sender, &begin, &piece, 1);
}

static int lumen1_pull(struct stream *stream, uint64_t now_ns, struct lm_batch *batch,
                       uint64_t *wake_at)
{
    return lm_l1_sender_pull(of(stream)->sender, now_ns, batch, wake_at);
}

static void lumen1_done(struct stream *stream, uint32_t segments, uint64_t now_ns)
{
    lm_l1_sender_done(of(stream)->sender, segments, now_ns);
}

static void lumen1_receive(struct stream *stream, uint8_t *data, size_t size_bytes, uint64_t now_ns)
{
    lm_l1_receiver_push(of(stream)->receiver, data, size_bytes, now_ns);
}

static int lumen1_pop(struct stream *stream, uint64_t now_ns, struct stream_frame *out)
{
    struct lm_l1_receiver *receiver = of(stream)->receiver;
    struct lm_l1_received_frame got;
    struct lm_loss loss;
    int rc = lm_l1_receiver_pop(receiver, now_ns, &got);
    while (lm_l1_receiver_pop_loss(receiver, &loss))
        ;
    if (rc > 0)
        *out = (struct stream_frame){got.data, got.size_bytes, got.frame_index};
    return rc;
}

static uint64_t lumen1_wake_at(const struct stream *stream)
{
    return lm_l1_receiver_wake_at(of_const(stream)->receiver);
}

static void lumen1_counts(const struct stream *stream, struct stream_counts *out)
{
    struct lm_l1_sender_stats sent;
    struct lm_l1_receiver_stats got;
    lm_l1_sender_get_stats(of_const(stream)->sender, &sent);
    lm_l1_receiver_get_stats(of_const(stream)->receiver, &got);
    *out = (struct stream_counts){.blocks = sent.blocks,
                                  .data_datagrams = sent.data_datagrams,
                                  .parity_datagrams = sent.parity_datagrams,
                                  .shards_repaired = got.shards_repaired,
                                  .frames_delivered = got.frames_delivered,
                                  .frames_lost = got.frames_lost};
}

const struct stream_ops stream_lumen1 = {
    .create = lumen1_create,
    .destroy = lumen1_destroy,
    .push_frame = lumen1_push_frame,
    .pull = lumen1_pull,
    .done = lumen1_done,
    .receive = lumen1_receive,
    .pop = lumen1_pop,
    .wake_at = lumen1_wake_at,
    .counts = lumen1_counts,
};
