#include "core/recv/receiver.h"

#include "core/base/check.h"
#include "core/base/time.h"
#include "core/crypto/hash.h"
#include "core/recv/reassemble.h"

#include <stdlib.h>
#include <string.h>

enum {
    CODES = 16,
    DEFAULT_IN_FLIGHT = 4,
    MAX_IN_FLIGHT = 16,
    /* A frame number further ahead is forged or garbage: stock clients compare 16 bits. */
    MAX_JUMP = 32768,
    STATUSES = 64,
    HISTORY = 64, /* frames whose outcome is remembered */
    SLOT_ALIGN = 64,
};

struct lm_receiver {
    struct lm_receiver_config config;
    size_t payload_bytes;
    struct lm_open open;
    struct lm_code8_cache *codes;

    /* Frame i is in frames[i % in_flight] while next <= i < next + in_flight. */
    struct lm_reassemble frames[MAX_IN_FLIGHT];
    uint64_t passed_ns[MAX_IN_FLIGHT]; /* since when a shard of a later frame is there */
    uint8_t *lent;                     /* buffer of the frame the caller holds, or a spare one */
    uint32_t next;                     /* frame to deliver next */
    uint64_t delivered;                /* bit i: frame next - 1 - i was delivered */
    uint32_t lost_before;
    uint16_t highest_sequence;
    bool any;

    struct lm_losses losses;
    struct lm_fec_status statuses[STATUSES];
    uint32_t statuses_put, statuses_get;
    struct lm_receiver_stats stats;
};

static bool config_is_valid(const struct lm_receiver_config *c)
{
    return c->packet_size >= LM_GSV_MIN_PACKET_SIZE && c->packet_size <= LM_GSV_MAX_PACKET_SIZE &&
           c->max_frame_bytes >= 1 &&
           c->max_frame_bytes <=
               (uint64_t)LM_GSV_MAX_FRAME_SHARDS * (c->packet_size - LM_GSV_NV_BYTES) &&
           (c->frames_in_flight == 0 ||
            (c->frames_in_flight >= 2 && c->frames_in_flight <= MAX_IN_FLIGHT));
}

static uint8_t *take_buffer(size_t payloads, size_t payload_bytes)
{
    size_t bytes = payloads * payload_bytes;
    return aligned_alloc(SLOT_ALIGN, (bytes + SLOT_ALIGN - 1) / SLOT_ALIGN * SLOT_ALIGN);
}

static int receiver_init(struct lm_receiver *r)
{
    struct lm_receiver_config *c = &r->config;
    r->payload_bytes = c->packet_size - LM_GSV_NV_BYTES;
    r->next = c->first_frame ? c->first_frame : 1;
    if (!c->frames_in_flight)
        c->frames_in_flight = DEFAULT_IN_FLIGHT;
    size_t content = (c->max_frame_bytes + LM_GSV_FRAME_BYTES + r->payload_bytes - 1);
    uint32_t capacity = (uint32_t)(content / r->payload_bytes) + LM_GSV_MAX_BLOCKS - 1;
    capacity = LM_MIN(capacity, (uint32_t)LM_GSV_MAX_FRAME_SHARDS);
    r->lent = take_buffer(2 * (size_t)capacity, r->payload_bytes);
    bool ok = r->lent != NULL;
    for (uint32_t i = 0; i < c->frames_in_flight; i++) {
        struct lm_reassemble *f = &r->frames[i];
        f->capacity = capacity;
        f->payload_bytes = r->payload_bytes;
        f->data = take_buffer(2 * (size_t)capacity, r->payload_bytes);
        f->parity = take_buffer(LM_GSV_MAX_BLOCKS * LM_REASSEMBLE_MAX_PARITY, r->payload_bytes);
        ok = ok && f->data && f->parity;
    }
    if (!ok)
        return LM_ENOMEM;
    int rc = lm_code8_cache_create(&r->codes, CODES);
    return rc < 0 ? rc : lm_open_init(&r->open, c->packet_size, c->encrypted ? c->key : NULL);
}

int lm_receiver_create(const struct lm_receiver_config *config, struct lm_receiver **out)
{
    *out = NULL;
    if (!config_is_valid(config))
        return LM_EINVAL;
    struct lm_receiver *r = calloc(1, sizeof *r);
    if (!r)
        return LM_ENOMEM;
    r->config = *config;
    int rc = receiver_init(r);
    if (rc < 0) {
        lm_receiver_destroy(r);
        return rc;
    }
    *out = r;
    return 0;
}

void lm_receiver_destroy(struct lm_receiver *r)
{
    if (!r)
        return;
    lm_open_finish(&r->open);
    lm_code8_cache_destroy(r->codes);
    for (int i = 0; i < MAX_IN_FLIGHT; i++) {
        free(r->frames[i].data);
        free(r->frames[i].parity);
    }
    free(r->lent);
    lm_wipe(r->config.key, sizeof r->config.key);
    free(r);
}

static struct lm_reassemble *frame_of(struct lm_receiver *r, uint32_t index)
{
    return &r->frames[index % r->config.frames_in_flight];
}

static uint64_t *passed_of(struct lm_receiver *r, uint32_t index)
{
    return &r->passed_ns[index % r->config.frames_in_flight];
}

static void add_status(struct lm_receiver *r, const struct lm_reassemble *f, uint32_t index,
                       uint32_t b)
{
    const struct lm_reassemble_block *block = &f->blocks[b];
    if (r->statuses_put - r->statuses_get == STATUSES) {
        r->stats.events_dropped++;
        return;
    }
    uint32_t gap = 0;
    while (gap < block->top && block->present[gap])
        gap++;
    r->statuses[r->statuses_put++ % STATUSES] = (struct lm_fec_status){
        .frame_index = index,
        .highest_sequence = (uint16_t)(block->base + block->top - 1),
        .next_contiguous_sequence = (uint16_t)(block->base + gap),
        .missing_before_highest = (uint16_t)(block->top - block->data_count - block->parity_count),
        .data_packets = (uint16_t)block->data_shards,
        .parity_packets = (uint16_t)block->parity_shards,
        .received_data = (uint16_t)block->data_count,
        .received_parity = (uint16_t)block->parity_count,
        .percent = (uint8_t)block->percent,
        .block = (uint8_t)b,
        .block_count = (uint8_t)f->block_count,
    };
}

/* Moves on to the next frame; the slot serves a later one from now on. */
static void leave_frame(struct lm_receiver *r, bool was_delivered)
{
    lm_reassemble_reset(frame_of(r, r->next));
    *passed_of(r, r->next) = 0;
    r->delivered = r->delivered << 1 | was_delivered;
    r->next++;
}

static void give_up(struct lm_receiver *r)
{
    const struct lm_reassemble *f = frame_of(r, r->next);
    for (uint32_t b = 0; f->started && b < f->block_count; b++)
        if (f->blocks[b].known && !f->blocks[b].complete)
            add_status(r, f, r->next, b);
    r->stats.frames_lost++;
    r->lost_before++;
    r->stats.events_dropped += !lm_losses_add(&r->losses, r->next, r->next);
    leave_frame(r, false);
}

/* When the frame to deliver next is to be given up; LM_TIME_MAX: not foreseen. */
static uint64_t deadline(const struct lm_receiver *r)
{
    uint32_t slot = r->next % r->config.frames_in_flight;
    if (r->frames[slot].complete)
        return LM_TIME_MAX;
    uint64_t since = r->passed_ns[slot], doomed = lm_reassemble_doomed_since(&r->frames[slot]);
    if (doomed && (!since || doomed < since))
        since = doomed;
    return since ? since + r->config.reorder_ns : LM_TIME_MAX;
}

/* Makes room for frame `index`, which is at most MAX_JUMP ahead. False: a complete frame that was
 * not popped is in the way. */
static bool reach(struct lm_receiver *r, uint32_t index)
{
    while (index - r->next >= r->config.frames_in_flight) {
        if (frame_of(r, r->next)->complete)
            return false;
        give_up(r);
    }
    return true;
}

/* True when the datagram is of a frame that is over; counts it. */
static bool count_if_over(struct lm_receiver *r, uint32_t index)
{
    uint32_t behind = r->next - 1 - index;
    if (behind > INT32_MAX)
        return false;
    if (behind < HISTORY && r->delivered >> behind & 1)
        r->stats.surplus++;
    else
        r->stats.late++;
    return true;
}

static void count_order(struct lm_receiver *r, uint16_t sequence)
{
    if (r->any && (uint16_t)(sequence - r->highest_sequence) > INT16_MAX) {
        r->stats.reordered++;
        return;
    }
    r->any = true;
    r->highest_sequence = sequence;
}

static void count_result(struct lm_receiver *r, enum lm_reassemble_result result)
{
    switch (result) {
    case LM_REASSEMBLE_STORED:
    case LM_REASSEMBLE_COMPLETED:
        r->stats.accepted++;
        break;
    case LM_REASSEMBLE_SURPLUS:
        r->stats.surplus++;
        break;
    case LM_REASSEMBLE_DUPLICATE:
        r->stats.duplicate++;
        break;
    case LM_REASSEMBLE_REFUSED:
        r->stats.malformed++;
        break;
    }
}

static void add_shard(struct lm_receiver *r, const struct lm_opened *shard, uint64_t now_ns)
{
    const struct lm_gsv_header *h = &shard->header;
    struct lm_reassemble *f = frame_of(r, h->frame_index);
    bool was_started = f->started, repaired;
    enum lm_reassemble_result result = lm_reassemble_add(f, r->codes, shard, now_ns, &repaired);
    count_result(r, result);
    if (result == LM_REASSEMBLE_STORED || result == LM_REASSEMBLE_COMPLETED)
        count_order(r, h->sequence);
    if (repaired) {
        r->stats.blocks_repaired++;
        r->stats.shards_repaired += f->blocks[h->block].repaired;
        add_status(r, f, h->frame_index, h->block);
    }
    if (was_started || !f->started)
        return;
    /* The sender never interleaves frames: what is missing of those before was sent earlier. */
    for (uint32_t i = r->next; i != h->frame_index; i++)
        if (!*passed_of(r, i))
            *passed_of(r, i) = now_ns;
}

void lm_receiver_push(struct lm_receiver *r, uint8_t *datagram, size_t size_bytes, uint64_t now_ns)
{
    now_ns = LM_MAX(now_ns, 1); /* 0 means "not yet" in the fields that remember it */
    r->stats.datagrams++;
    r->stats.bytes += size_bytes;
    uint32_t claimed = lm_open_peek_frame(&r->open, datagram, size_bytes);
    if (claimed && count_if_over(r, claimed))
        return;
    struct lm_opened shard;
    int rc = lm_open_datagram(&r->open, datagram, size_bytes, &shard);
    if (rc < 0) {
        r->stats.unauthentic += rc == LM_EAUTH;
        r->stats.malformed += rc != LM_EAUTH;
        return;
    }
    if (count_if_over(r, shard.header.frame_index))
        return;
    if (shard.header.frame_index - r->next > MAX_JUMP) {
        r->stats.malformed++;
        return;
    }
    if (!reach(r, shard.header.frame_index)) {
        r->stats.overflow++;
        return;
    }
    add_shard(r, &shard, now_ns);
}

/* Hands the complete next frame out. False: its header is impossible, it is lost. */
static bool deliver(struct lm_receiver *r, struct lm_received_frame *out)
{
    struct lm_reassemble *f = frame_of(r, r->next);
    struct lm_gsv_frame_header h;
    size_t size_bytes = lm_reassemble_size(f);
    if (lm_gsv_parse_frame_header(f->data, r->payload_bytes, &h) < 0 ||
        size_bytes - r->payload_bytes + h.last_payload_bytes <= LM_GSV_FRAME_BYTES)
        return false;
    size_bytes -= r->payload_bytes - h.last_payload_bytes;
    uint32_t repaired = 0;
    for (uint32_t b = 0; b < f->block_count; b++)
        repaired += f->blocks[b].repaired;
    *out = (struct lm_received_frame){
        .data = f->data + LM_GSV_FRAME_BYTES,
        .size_bytes = size_bytes - LM_GSV_FRAME_BYTES,
        .frame_index = r->next,
        .type = h.type,
        .timestamp_90k = f->timestamp_90k,
        .latency_100us = h.latency_100us,
        .first_packet_ns = f->first_packet_ns,
        .complete_ns = f->complete_ns,
        .repaired_shards = repaired,
        .lost_before = r->lost_before,
    };
    uint8_t *given_back = r->lent;
    r->lent = f->data;
    f->data = given_back;
    return true;
}

int lm_receiver_pop(struct lm_receiver *r, uint64_t now_ns, struct lm_received_frame *out)
{
    for (;;) {
        if (!frame_of(r, r->next)->complete) {
            if (now_ns < deadline(r))
                return 0;
            give_up(r);
            continue;
        }
        if (deliver(r, out))
            break;
        r->stats.frames_malformed++;
        give_up(r);
    }
    r->lost_before = 0;
    r->stats.frames_delivered++;
    leave_frame(r, true);
    return 1;
}

bool lm_receiver_pop_loss(struct lm_receiver *r, struct lm_loss *out)
{
    return lm_losses_pop(&r->losses, out);
}

bool lm_receiver_pop_status(struct lm_receiver *r, struct lm_fec_status *out)
{
    if (r->statuses_put == r->statuses_get)
        return false;
    *out = r->statuses[r->statuses_get++ % STATUSES];
    return true;
}

uint64_t lm_receiver_wake_at(const struct lm_receiver *r)
{
    return deadline(r);
}

void lm_receiver_get_stats(const struct lm_receiver *r, struct lm_receiver_stats *out)
{
    *out = r->stats;
}
