/* GameStream's video: GF(2^8), at most four blocks a frame, one after the other. */
#include "stream.h"

#include "core/base/check.h"
#include "core/base/time.h"
#include "core/recv/receiver.h"
#include "core/send/sender.h"

#include <stdlib.h>

struct gamestream {
    struct stream base;
    struct lm_sender *sender;
    struct lm_receiver *receiver;
    uint32_t timestamp_90k;
};

static struct gamestream *of(struct stream *stream)
{
    LM_CHECK(stream->ops == &stream_gamestream);
    return LM_CONTAINER_OF(stream, struct gamestream, base);
}

static const struct gamestream *of_const(const struct stream *stream)
{
    LM_CHECK(stream->ops == &stream_gamestream);
    return (const struct gamestream *)stream;
}

static void gamestream_destroy(struct stream *stream)
{
    if (!stream)
        return;
    struct gamestream *g = of(stream);
    lm_sender_destroy(g->sender);
    lm_receiver_destroy(g->receiver);
    free(g);
}

static int gamestream_create(const struct stream_config *c, struct stream **out)
{
    *out = NULL;
    uint32_t packet_size = c->shard_bytes + LM_GSV_NV_BYTES;
    if (c->frame_bytes + LM_GSV_FRAME_BYTES > LM_GSV_MAX_FRAME_SHARDS * (uint64_t)c->shard_bytes)
        return LM_ELIMIT;
    struct gamestream *g = calloc(1, sizeof *g);
    if (!g)
        return LM_ENOMEM;
    g->base.ops = &stream_gamestream;
    struct lm_sender_config send = {.packet_size = packet_size,
                                    .fec_percent = c->parity_percent,
                                    .encrypt = c->encrypt,
                                    .key = "loss-harness key",
                                    .max_frame_bytes = c->frame_bytes,
                                    .pace_bytes_per_s = c->pace_bytes_per_s,
                                    .burst_bytes = c->pace_burst_bytes};
    struct lm_receiver_config receive = {.packet_size = packet_size,
                                         .encrypted = c->encrypt,
                                         .key = "loss-harness key",
                                         .max_frame_bytes = c->frame_bytes,
                                         .reorder_ns = c->reorder_ns};
    int rc = lm_sender_create(&send, &g->sender);
    if (rc == 0)
        rc = lm_receiver_create(&receive, &g->receiver);
    if (rc < 0) {
        gamestream_destroy(&g->base);
        return rc;
    }
    *out = &g->base;
    return 0;
}

static int gamestream_push_frame(struct stream *stream, const uint8_t *data, size_t size_bytes,
                                 uint64_t now_ns)
{
    struct gamestream *g = of(stream);
    uint32_t index = lm_sender_next_frame(g->sender);
    struct lm_frame_begin begin = {.type = index == 1 ? LM_FRAME_KEY : LM_FRAME_P,
                                   .timestamp_90k = ++g->timestamp_90k,
                                   .now_ns = now_ns};
    struct lm_piece piece = {data, size_bytes};
    return lm_sender_push_frame(g->sender, &begin, &piece, 1);
}

static int gamestream_pull(struct stream *stream, uint64_t now_ns, struct lm_batch *batch,
                           uint64_t *wake_at)
{
    return lm_sender_pull(of(stream)->sender, now_ns, batch, wake_at);
}

static void gamestream_done(struct stream *stream, uint32_t segments, uint64_t now_ns)
{
    lm_sender_done(of(stream)->sender, segments, now_ns);
}

static void gamestream_receive(struct stream *stream, uint8_t *data, size_t size_bytes,
                               uint64_t now_ns)
{
    lm_receiver_push(of(stream)->receiver, data, size_bytes, now_ns);
}

static int gamestream_pop(struct stream *stream, uint64_t now_ns, struct stream_frame *out)
{
    struct lm_receiver *receiver = of(stream)->receiver;
    struct lm_received_frame got;
    struct lm_loss loss;
    struct lm_fec_status status;
    int rc = lm_receiver_pop(receiver, now_ns, &got);
    while (lm_receiver_pop_loss(receiver, &loss) || lm_receiver_pop_status(receiver, &status))
        ;
    if (rc > 0)
        *out = (struct stream_frame){got.data, got.size_bytes, got.frame_index};
    return rc;
}

static uint64_t gamestream_wake_at(const struct stream *stream)
{
    return lm_receiver_wake_at(of_const(stream)->receiver);
}

static void gamestream_counts(const struct stream *stream, struct stream_counts *out)
{
    struct lm_sender_stats sent;
    struct lm_receiver_stats got;
    lm_sender_get_stats(of_const(stream)->sender, &sent);
    lm_receiver_get_stats(of_const(stream)->receiver, &got);
    *out = (struct stream_counts){.blocks = sent.blocks,
                                  .data_datagrams = sent.data_datagrams,
                                  .parity_datagrams = sent.parity_datagrams,
                                  .shards_repaired = got.shards_repaired,
                                  .frames_delivered = got.frames_delivered,
                                  .frames_lost = got.frames_lost};
}

const struct stream_ops stream_gamestream = {
    .create = gamestream_create,
    .destroy = gamestream_destroy,
    .push_frame = gamestream_push_frame,
    .pull = gamestream_pull,
    .done = gamestream_done,
    .receive = gamestream_receive,
    .pop = gamestream_pop,
    .wake_at = gamestream_wake_at,
    .counts = gamestream_counts,
};
