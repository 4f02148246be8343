#include "core/send/sender.h"

#include "core/base/check.h"
#include "core/base/time.h"
#include "core/crypto/hash.h"
#include "core/fec/plan.h"
#include "core/send/pace.h"
#include "core/send/packetize.h"
#include "core/send/seal.h"

#include <stdlib.h>
#include <string.h>

enum {
    FRAMES = 2, /* one being sent while the next is pushed */
    CODES = 32, /* block shapes kept ready */
    MAX_PIECES = 64,
    SLOT_ALIGN = 64,
};

static_assert(LM_PLAN_MAX_BLOCKS == LM_GSV_MAX_BLOCKS, "one limit");
static_assert(LM_PLAN_MAX_BARE_SHARDS == LM_GSV_MAX_BLOCK_DATA, "one limit");
static_assert(LM_CODE8_MAX_SHARDS == LM_GSV_MAX_BLOCK_SHARDS, "one limit");

/* A frame on its way out. Datagram i lies at data + i * datagram_bytes, blocks in a row. */
struct outgoing {
    uint8_t *data;
    struct lm_frame_begin begin;
    uint32_t index;
    uint32_t first_counter;
    size_t size_bytes; /* pushed so far, frame header included */
    uint32_t made, sent;
    uint32_t blocks;
    uint32_t block_end[LM_GSV_MAX_BLOCKS]; /* datagrams up to the end of each block */
    bool whole;                            /* nothing more will be made */
};

struct lm_sender {
    struct lm_sender_config config;
    size_t payload_bytes, datagram_bytes;
    uint32_t capacity; /* datagrams per frame */
    struct outgoing frames[FRAMES];
    uint32_t head, tail; /* frames[head % FRAMES] is being sent; tail - head are in use */
    bool building;       /* the newest is begun and not whole */
    uint32_t next_frame;
    uint32_t counter; /* of the next datagram: RTP sequence and packet index are its low bits */
    uint32_t lent;    /* datagrams of the head frame pulled and not done */
    struct lm_pace pace;
    struct lm_seal seal;
    struct lm_code8_cache *codes;
    struct lm_sender_stats stats;
};

static bool config_is_valid(const struct lm_sender_config *c)
{
    return c->packet_size >= LM_GSV_MIN_PACKET_SIZE && c->packet_size <= LM_GSV_MAX_PACKET_SIZE &&
           c->fec_percent <= LM_GSV_MAX_PERCENT && c->min_parity < LM_GSV_MAX_BLOCK_SHARDS &&
           c->max_frame_bytes >= 1 &&
           c->max_frame_bytes <=
               (uint64_t)LM_GSV_MAX_FRAME_SHARDS * (c->packet_size - LM_GSV_NV_BYTES) &&
           c->first_sequence <= LM_GSV_MAX_FIRST_SEQUENCE;
}

/* The payload, one shard of padding per block, and the most parity four blocks can have; never more
 * than four blocks can hold at all. */
static uint32_t frame_capacity(const struct lm_sender_config *c)
{
    uint32_t payload = c->packet_size - LM_GSV_NV_BYTES;
    uint32_t data = (c->max_frame_bytes + LM_GSV_FRAME_BYTES + payload - 1) / payload;
    uint32_t most =
        data + LM_GSV_MAX_BLOCKS - 1 + LM_GSV_MAX_BLOCKS * (LM_GSV_MAX_BLOCK_SHARDS - 1);
    return LM_MIN(most, (uint32_t)LM_GSV_MAX_FRAME_SHARDS);
}

static int sender_init(struct lm_sender *s)
{
    const struct lm_sender_config *c = &s->config;
    s->payload_bytes = c->packet_size - LM_GSV_NV_BYTES;
    s->datagram_bytes = c->packet_size + LM_GSV_OVER_BYTES + (c->encrypt ? LM_GSV_PREFIX_BYTES : 0);
    s->capacity = frame_capacity(c);
    s->next_frame = c->first_frame ? c->first_frame : 1;
    s->counter = c->first_sequence;
    lm_sender_set_pace(s, c->pace_bytes_per_s, c->burst_bytes);
    for (int i = 0; i < FRAMES; i++) {
        size_t bytes = s->capacity * s->datagram_bytes;
        bytes = (bytes + SLOT_ALIGN - 1) / SLOT_ALIGN * SLOT_ALIGN;
        s->frames[i].data = aligned_alloc(SLOT_ALIGN, bytes);
        if (!s->frames[i].data)
            return LM_ENOMEM;
    }
    int rc = lm_code8_cache_create(&s->codes, CODES);
    if (rc == 0 && c->encrypt)
        rc = lm_seal_init(&s->seal, c->key, c->first_iv_counter);
    return rc;
}

int lm_sender_create(const struct lm_sender_config *config, struct lm_sender **out)
{
    *out = NULL;
    if (!config_is_valid(config))
        return LM_EINVAL;
    struct lm_sender *s = calloc(1, sizeof *s);
    if (!s)
        return LM_ENOMEM;
    s->config = *config;
    int rc = sender_init(s);
    if (rc < 0) {
        lm_sender_destroy(s);
        return rc;
    }
    *out = s;
    return 0;
}

void lm_sender_destroy(struct lm_sender *s)
{
    if (!s)
        return;
    lm_seal_finish(&s->seal);
    lm_code8_cache_destroy(s->codes);
    for (int i = 0; i < FRAMES; i++)
        free(s->frames[i].data);
    lm_wipe(s->config.key, sizeof s->config.key);
    free(s);
}

static struct outgoing *newest(struct lm_sender *s)
{
    return &s->frames[(s->tail - 1) % FRAMES];
}

static struct outgoing *oldest(struct lm_sender *s)
{
    return &s->frames[s->head % FRAMES];
}

/* Takes the sent frame off the queue. */
static void retire(struct lm_sender *s)
{
    const struct outgoing *f = oldest(s);
    if (s->head != s->tail && f->whole && f->sent == f->made && !s->lent)
        s->head++;
}

int lm_sender_begin(struct lm_sender *s, const struct lm_frame_begin *begin)
{
    if (s->building || begin->block_count < 1 || begin->block_count > LM_GSV_MAX_BLOCKS ||
        begin->type < 1 || (unsigned)begin->type > UINT8_MAX)
        return LM_EINVAL;
    if (s->tail - s->head == FRAMES)
        return LM_EFULL;
    s->tail++;
    s->building = true;
    struct outgoing *f = newest(s);
    *f = (struct outgoing){.data = f->data,
                           .begin = *begin,
                           .index = s->next_frame,
                           .first_counter = s->counter,
                           .size_bytes = LM_GSV_FRAME_BYTES};
    return 0;
}

void lm_sender_abort(struct lm_sender *s)
{
    if (!s->building)
        return;
    s->building = false;
    struct outgoing *f = newest(s);
    uint32_t gone = f->sent + (f == oldest(s) ? s->lent : 0);
    if (gone == 0) {
        s->counter = f->first_counter;
        s->tail--;
        s->stats.frames_dropped++;
        return;
    }
    /* The sequence goes on behind what was made: a number on the wire must not come back. */
    f->made = gone;
    f->whole = true;
    s->next_frame++;
    s->stats.frames_abandoned++;
    retire(s);
}

static void write_frame_header(const struct lm_sender *s, const struct outgoing *f,
                               uint8_t header[LM_GSV_FRAME_BYTES])
{
    /* Where the last block's slice ends is not known yet when several are to come: each is padded
     * to whole shards. Otherwise size_bytes is that of the whole frame already. */
    struct lm_gsv_frame_header h = {
        .latency_100us = f->begin.latency_100us,
        .type = f->begin.type,
        .last_payload_bytes = (uint32_t)((f->size_bytes - 1) % s->payload_bytes + 1),
    };
    lm_gsv_write_frame_header(header, &h);
}

static void count_block(struct lm_sender *s, const struct lm_plan_block *plan)
{
    s->stats.blocks++;
    s->stats.data_datagrams += plan->k;
    s->stats.parity_datagrams += plan->m;
    if (s->config.fec_percent && !plan->m)
        s->stats.blocks_unprotected++;
    else if (plan->percent < s->config.fec_percent)
        s->stats.blocks_underprotected++;
}

/* Makes the datagrams of the next block; `header` is NULL except for block 0. */
static int make_block(struct lm_sender *s, const struct lm_plan_block *plan, const uint8_t *header,
                      struct lm_piece_reader *in)
{
    struct outgoing *f = newest(s);
    uint32_t count = plan->k + plan->m;
    if (f->made + count > s->capacity)
        return LM_ELIMIT;
    uint8_t *first = f->data + f->made * s->datagram_bytes;
    struct lm_packetize_slots slots = {
        .first = first + (s->config.encrypt ? LM_GSV_PREFIX_BYTES : 0),
        .stride_bytes = s->datagram_bytes,
        .payload_bytes = s->payload_bytes,
    };
    struct lm_gsv_header h = {
        .sequence = (uint16_t)s->counter,
        .timestamp_90k = f->begin.timestamp_90k,
        .packet_index = s->counter,
        .frame_index = f->index,
        .block = f->blocks,
        .block_count = f->begin.block_count,
        .data_shards = plan->k,
        .percent = plan->percent,
    };
    lm_packetize_data(&slots, &h, header, in);
    if (plan->m) {
        const struct lm_code8 *code = lm_code8_cache_get(s->codes, plan->k, plan->m);
        LM_CHECK(code);
        lm_packetize_parity(&slots, &h, code);
    }
    if (s->config.encrypt) {
        struct lm_seal_run run = {first, s->datagram_bytes, count};
        int rc = lm_seal_datagrams(&s->seal, &run, f->index);
        if (rc < 0)
            return rc;
    }
    s->counter += count;
    f->made += count;
    f->block_end[f->blocks++] = f->made;
    count_block(s, plan);
    return 0;
}

static void end_frame(struct lm_sender *s)
{
    newest(s)->whole = true;
    s->building = false;
    s->next_frame++;
    s->stats.frames++;
}

static int pieces_size(const struct lm_piece *pieces, size_t count, size_t *size_bytes)
{
    if (count > MAX_PIECES)
        return LM_EINVAL;
    int rc = lm_pieces_size(pieces, count, size_bytes);
    return rc == 0 && !*size_bytes ? LM_EINVAL : rc;
}

/* The block's parity, or none when the code cannot cover so many shards. */
static int plan_block(const struct lm_sender *s, unsigned k, struct lm_plan_block *plan)
{
    struct lm_plan_params params = {s->config.fec_percent, s->config.min_parity};
    if (k > LM_GSV_MAX_BLOCK_DATA)
        return LM_ELIMIT;
    if (lm_plan_block(plan, k, &params) < 0)
        *plan = (struct lm_plan_block){.k = k};
    LM_CHECK(plan->k == k && plan->m == lm_plan_parity(k, plan->percent));
    return 0;
}

static int push_block(struct lm_sender *s, const struct lm_piece *pieces, size_t count,
                      size_t size_bytes)
{
    struct outgoing *f = newest(s);
    bool is_first = f->blocks == 0;
    if (size_bytes > s->config.max_frame_bytes + LM_GSV_FRAME_BYTES - f->size_bytes)
        return LM_ELIMIT;
    size_t block_bytes = size_bytes + (is_first ? LM_GSV_FRAME_BYTES : 0);
    unsigned k = (unsigned)((block_bytes + s->payload_bytes - 1) / s->payload_bytes);
    struct lm_plan_block plan;
    int rc = plan_block(s, k, &plan);
    if (rc < 0)
        return rc;
    f->size_bytes += size_bytes;
    uint8_t header[LM_GSV_FRAME_BYTES];
    if (is_first) {
        struct outgoing padded = *f;
        if (f->begin.block_count > 1)
            padded.size_bytes = k * s->payload_bytes;
        write_frame_header(s, &padded, header);
    }
    struct lm_piece_reader in = {pieces, count, 0};
    return make_block(s, &plan, is_first ? header : NULL, &in);
}

int lm_sender_push_block_pieces(struct lm_sender *s, const struct lm_piece *pieces, size_t count,
                                uint64_t now_ns)
{
    (void)now_ns;
    size_t size_bytes;
    if (!s->building)
        return LM_EINVAL;
    int rc = pieces_size(pieces, count, &size_bytes);
    if (rc == LM_EINVAL)
        return rc;
    if (rc == 0)
        rc = push_block(s, pieces, count, size_bytes);
    if (rc < 0) {
        lm_sender_abort(s);
        return rc;
    }
    if (newest(s)->blocks == newest(s)->begin.block_count)
        end_frame(s);
    return 0;
}

int lm_sender_push_block(struct lm_sender *s, const uint8_t *data, size_t size_bytes,
                         uint64_t now_ns)
{
    struct lm_piece piece = {data, size_bytes};
    return lm_sender_push_block_pieces(s, &piece, 1, now_ns);
}

/* All blocks of a frame whose size is known. */
static int push_planned(struct lm_sender *s, const struct lm_plan *plan,
                        const struct lm_piece *pieces, size_t count)
{
    struct lm_piece_reader in = {pieces, count, 0};
    uint8_t header[LM_GSV_FRAME_BYTES];
    write_frame_header(s, newest(s), header);
    for (unsigned b = 0; b < plan->count; b++) {
        int rc = make_block(s, &plan->blocks[b], b == 0 ? header : NULL, &in);
        if (rc < 0)
            return rc;
    }
    return 0;
}

int lm_sender_push_frame(struct lm_sender *s, const struct lm_frame_begin *begin,
                         const struct lm_piece *pieces, size_t count)
{
    size_t size_bytes;
    int rc = pieces_size(pieces, count, &size_bytes);
    if (rc == LM_EINVAL)
        return rc;
    if (rc < 0 || size_bytes > s->config.max_frame_bytes) {
        s->stats.frames_dropped++;
        return LM_ELIMIT;
    }
    size_t total = (size_bytes + LM_GSV_FRAME_BYTES + s->payload_bytes - 1) / s->payload_bytes;
    struct lm_plan_params params = {s->config.fec_percent, s->config.min_parity};
    struct lm_plan plan;
    rc = lm_plan_frame(&plan, (unsigned)total, &params);
    if (rc < 0) {
        s->stats.frames_dropped++;
        return rc;
    }
    struct lm_frame_begin planned = *begin;
    planned.block_count = plan.count;
    rc = lm_sender_begin(s, &planned);
    if (rc < 0)
        return rc;
    newest(s)->size_bytes += size_bytes;
    rc = push_planned(s, &plan, pieces, count);
    if (rc < 0) {
        lm_sender_abort(s);
        return rc;
    }
    end_frame(s);
    return 0;
}

uint32_t lm_sender_next_frame(const struct lm_sender *s)
{
    return s->next_frame + (s->building ? 1 : 0);
}

/* The datagrams of one block that come next, as many as one send takes. */
static uint32_t next_run(const struct lm_sender *s, const struct outgoing *f, uint32_t *block)
{
    uint32_t b = 0;
    while (f->block_end[b] <= f->sent)
        b++;
    *block = b;
    uint32_t left = LM_MIN(f->block_end[b], f->made) - f->sent;
    return LM_MIN(left, lm_batch_most(s->datagram_bytes));
}

int lm_sender_pull(struct lm_sender *s, uint64_t now_ns, struct lm_batch *batch, uint64_t *wake_at)
{
    *wake_at = LM_TIME_MAX;
    const struct outgoing *f = oldest(s);
    if (s->head == s->tail || (f->sent == f->made && !s->lent))
        return 0;
    uint32_t block, run = next_run(s, f, &block);
    if (!s->lent)
        s->lent = lm_pace_run(&s->pace, run, (uint32_t)s->datagram_bytes, now_ns, wake_at);
    if (!s->lent)
        return 0;
    *batch = (struct lm_batch){
        .data = f->data + f->sent * s->datagram_bytes,
        .segment_bytes = s->datagram_bytes,
        .segments = s->lent,
        .frame_index = f->index,
        .block = block,
        .last_of_frame = f->whole && f->sent + s->lent == f->made,
    };
    return 1;
}

void lm_sender_done(struct lm_sender *s, uint32_t segments, uint64_t now_ns)
{
    LM_CHECK(segments <= s->lent);
    uint32_t bytes = segments * (uint32_t)s->datagram_bytes;
    lm_pace_spend(&s->pace, now_ns, bytes);
    s->stats.datagrams_sent += segments;
    s->stats.bytes_sent += bytes;
    oldest(s)->sent += segments;
    s->lent = 0;
    retire(s);
}

uint64_t lm_sender_backlog_ns(const struct lm_sender *s, uint64_t now_ns)
{
    uint64_t datagrams = 0;
    for (uint32_t i = s->head; i != s->tail; i++)
        datagrams += s->frames[i % FRAMES].made - s->frames[i % FRAMES].sent;
    if (!datagrams || !s->pace.bytes_per_s)
        return 0;
    uint64_t owed = s->pace.paid_ns > now_ns ? s->pace.paid_ns - now_ns : 0;
    uint64_t all = owed + lm_pace_duration_ns(&s->pace, datagrams * s->datagram_bytes);
    return all > s->pace.burst_ns ? all - s->pace.burst_ns : 0;
}

int lm_sender_set_fec(struct lm_sender *s, uint32_t percent, uint32_t min_parity)
{
    if (percent > LM_GSV_MAX_PERCENT || min_parity >= LM_GSV_MAX_BLOCK_SHARDS)
        return LM_EINVAL;
    s->config.fec_percent = percent;
    s->config.min_parity = min_parity;
    return 0;
}

void lm_sender_set_pace(struct lm_sender *s, uint64_t bytes_per_s, uint32_t burst_bytes)
{
    uint32_t least = (uint32_t)s->datagram_bytes;
    lm_pace_set(&s->pace, bytes_per_s, LM_MAX(burst_bytes, least));
}

void lm_sender_get_stats(const struct lm_sender *s, struct lm_sender_stats *out)
{
    *out = s->stats;
}
