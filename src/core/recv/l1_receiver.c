#include "core/recv/l1_receiver.h"

#include "core/base/check.h"
#include "core/base/time.h"
#include "core/crypto/aead.h"
#include "core/crypto/hash.h"
#include "core/recv/l1_reassemble.h"
#include "core/recv/l1_replay.h"

#include <stdlib.h>
#include <string.h>

enum {
    DEFAULT_IN_FLIGHT = 4,
    MAX_IN_FLIGHT = 16,
    HISTORY = 64, /* frames whose outcome is remembered */
    /* Frames further ahead, and in clear sequence numbers further ahead, are not followed at once:
     * a single damaged or forged datagram would make all that come after it late. */
    MAX_JUMP = 32768,
    MAX_SEQUENCE_JUMP = 1 << 24,
    /* So many such datagrams with nothing good between: the sender began anew, follow it. */
    ANEW_AFTER = 64,
};

#define MAX_FRAME_BYTES (UINT64_C(1) << 31)

struct lm_l1_receiver {
    struct lm_l1_receiver_config config; /* without the key */
    struct lm_aead *aead;                /* NULL: in clear */
    struct lm_l1_repair repair;
    struct lm_l1_replay replay;

    /* Frame next + i is in slots[(head + i) % in_flight], i < in_flight. */
    struct slot {
        struct lm_l1_reassemble frame;
        uint64_t passed_ns; /* since when a shard of a later frame is there; 0: none is */
    } slots[MAX_IN_FLIGHT];
    uint32_t head;
    uint8_t *lent;      /* buffer of the frame the caller holds, or a spare one */
    uint32_t next;      /* frame to deliver next */
    uint64_t delivered; /* bit i: frame next - 1 - i was delivered */
    uint32_t lost_before;

    bool any;
    uint64_t highest;   /* sequence number of a datagram that was placed in a frame */
    uint32_t newest;    /* that frame */
    uint32_t odd_count; /* datagrams in a row that do not continue the stream */
    uint32_t odd_frame; /* of the last of them */
    struct lm_losses losses;
    struct lm_l1_receiver_stats stats;
};

static bool config_is_valid(const struct lm_l1_receiver_config *c)
{
    return c->shard_bytes >= LM_L1_MIN_SHARD_BYTES && c->shard_bytes <= LM_L1_MAX_SHARD_BYTES &&
           c->shard_bytes % LM_L1_SHARD_STEP_BYTES == 0 && c->max_frame_bytes >= 1 &&
           c->max_frame_bytes <= MAX_FRAME_BYTES && c->max_fec_percent <= 100 &&
           c->max_blocks <= LM_L1_MAX_BLOCKS &&
           (c->frames_in_flight == 0 ||
            (c->frames_in_flight >= 2 && c->frames_in_flight <= MAX_IN_FLIGHT));
}

static int receiver_init(struct lm_l1_receiver *r)
{
    struct lm_l1_receiver_config *c = &r->config;
    struct lm_l1_limits limits;
    lm_l1_limits_of(&limits, c->max_frame_bytes, c->shard_bytes, c->max_fec_percent, c->max_blocks);
    r->next = c->first_frame ? c->first_frame : 1;
    if (!c->frames_in_flight)
        c->frames_in_flight = DEFAULT_IN_FLIGHT;
    r->lent = lm_l1_reassemble_buffer(&limits);
    int rc = r->lent ? 0 : LM_ENOMEM;
    for (uint32_t i = 0; rc == 0 && i < c->frames_in_flight; i++)
        rc = lm_l1_reassemble_init(&r->slots[i].frame, &limits);
    if (rc == 0)
        rc = lm_l1_repair_init(&r->repair, limits.data, c->max_fec_percent, c->shard_bytes);
    if (rc == 0 && c->encrypted)
        rc = lm_aead_create(&r->aead, c->key, LM_AEAD_ANY);
    return rc;
}

int lm_l1_receiver_create(const struct lm_l1_receiver_config *config, struct lm_l1_receiver **out)
{
    *out = NULL;
    if (!config_is_valid(config))
        return LM_EINVAL;
    struct lm_l1_receiver *r = calloc(1, sizeof *r);
    if (!r)
        return LM_ENOMEM;
    r->config = *config;
    int rc = receiver_init(r);
    lm_wipe(r->config.key, sizeof r->config.key);
    if (rc < 0) {
        lm_l1_receiver_destroy(r);
        return rc;
    }
    *out = r;
    return 0;
}

void lm_l1_receiver_destroy(struct lm_l1_receiver *r)
{
    if (!r)
        return;
    lm_aead_destroy(r->aead);
    lm_l1_repair_finish(&r->repair);
    for (int i = 0; i < MAX_IN_FLIGHT; i++)
        lm_l1_reassemble_finish(&r->slots[i].frame);
    free(r->lent);
    free(r);
}

/* --- frames in flight --- */

/* The slot of frame next + ahead. */
static struct slot *slot_of(struct lm_l1_receiver *r, uint32_t ahead)
{
    uint32_t i = r->head + ahead;
    return &r->slots[i < r->config.frames_in_flight ? i : i - r->config.frames_in_flight];
}

static void lose(struct lm_l1_receiver *r, uint32_t first, uint32_t last)
{
    uint32_t count = last - first + 1;
    r->stats.frames_lost += count;
    r->lost_before += count;
    r->stats.events_dropped += !lm_losses_add(&r->losses, first, last);
}

/* Moves on to the next frame; the slot serves a later one from now on. */
static void leave_frame(struct lm_l1_receiver *r, bool was_delivered)
{
    struct slot *slot = slot_of(r, 0);
    lm_l1_reassemble_reset(&slot->frame);
    slot->passed_ns = 0;
    r->delivered = r->delivered << 1 | was_delivered;
    r->next++;
    r->head = r->head + 1 < r->config.frames_in_flight ? r->head + 1 : 0;
}

static void give_up(struct lm_l1_receiver *r)
{
    lose(r, r->next, r->next);
    leave_frame(r, false);
}

/* When the frame to deliver next is to be given up; 1: at once; LM_TIME_MAX: not foreseen. */
static uint64_t deadline(const struct lm_l1_receiver *r)
{
    const struct slot *slot = &r->slots[r->head];
    uint64_t since = slot->passed_ns, doomed = slot->frame.doomed_ns;
    if (slot->frame.complete)
        return LM_TIME_MAX;
    if (slot->frame.beyond)
        return 1;
    if (doomed && (!since || doomed < since))
        since = doomed;
    return since ? since + r->config.reorder_ns : LM_TIME_MAX;
}

/* Makes room for frame next + *ahead. False: a complete frame that was not popped is in the way. */
static bool reach(struct lm_l1_receiver *r, uint32_t *ahead)
{
    uint32_t in_flight = r->config.frames_in_flight;
    for (uint32_t i = 0; i < in_flight && *ahead >= in_flight; i++, --*ahead) {
        if (slot_of(r, 0)->frame.complete)
            return false;
        give_up(r);
    }
    if (*ahead < in_flight)
        return true;
    uint32_t skipped = *ahead - in_flight + 1; /* of these nothing ever came */
    lose(r, r->next, r->next + skipped - 1);
    r->next += skipped;
    r->delivered = skipped < HISTORY ? r->delivered << skipped : 0;
    *ahead -= skipped;
    return true;
}

/* Forgets the stream so far, and goes on with `frame`. */
static void begin_anew(struct lm_l1_receiver *r, uint32_t frame)
{
    uint32_t started = 0;
    for (uint32_t i = 0; i < r->config.frames_in_flight; i++) {
        struct slot *slot = slot_of(r, i);
        if (slot->frame.started)
            started = i + 1;
        lm_l1_reassemble_reset(&slot->frame);
        slot->passed_ns = 0;
    }
    if (frame - r->next <= INT32_MAX && frame != r->next)
        lose(r, r->next, frame - 1);
    else if (started)
        lose(r, r->next, r->next + started - 1);
    r->next = frame;
    r->delivered = 0;
    r->any = false;
    r->odd_count = 0;
    if (!r->aead)
        r->replay = (struct lm_l1_replay){0};
}

/* --- datagrams --- */

/* Decrypts in place. False: it is not the sender's. */
static bool open_sealed(struct lm_l1_receiver *r, uint8_t *datagram, size_t size_bytes,
                        uint64_t sequence)
{
    uint8_t nonce[LM_L1_NONCE_BYTES];
    lm_l1_write_nonce(nonce, r->config.salt, sequence);
    struct lm_aead_message message = {
        .iv = nonce,
        .iv_bytes = sizeof nonce,
        .aad = datagram,
        .aad_bytes = LM_L1_HEADER_BYTES,
        .data = datagram + LM_L1_HEADER_BYTES,
        .data_bytes = size_bytes - LM_L1_HEADER_BYTES - LM_L1_TAG_BYTES,
        .tag = datagram + size_bytes - LM_L1_TAG_BYTES,
    };
    return lm_aead_open_message(r->aead, &message) == 0;
}

/* What can be told before decrypting. False: the datagram is dropped, and counted. */
static bool admit(struct lm_l1_receiver *r, const uint8_t *datagram, size_t size_bytes,
                  struct lm_l1_header *h)
{
    size_t over = LM_L1_OVERHEAD_BYTES - (r->aead ? 0 : LM_L1_TAG_BYTES);
    if (lm_l1_parse_header(datagram, size_bytes, h) < 0 || h->kind != LM_L1_VIDEO) {
        r->stats.malformed++;
        return false;
    }
    if (h->session_id != r->config.session_id || !(h->flags & LM_L1_CLEAR) != (r->aead != NULL)) {
        r->stats.unauthentic++;
        return false;
    }
    if (size_bytes <= over || size_bytes > over + r->config.shard_bytes) {
        r->stats.malformed++;
        return false;
    }
    enum lm_l1_replay_result seen = lm_l1_replay_check(&r->replay, h->sequence);
    r->stats.duplicate += seen == LM_L1_REPLAY_SEEN;
    /* In clear nobody vouches for the number: whether the sender began anew is seen below. */
    if (r->aead)
        r->stats.late += seen == LM_L1_REPLAY_OLD;
    return seen == LM_L1_REPLAY_FRESH || (seen == LM_L1_REPLAY_OLD && !r->aead);
}

/* The shard of an admitted datagram. False: dropped, and counted. */
static bool open_datagram(struct lm_l1_receiver *r, uint8_t *datagram, size_t size_bytes,
                          struct lm_l1_shard *out)
{
    size_t tag = r->aead ? LM_L1_TAG_BYTES : 0;
    if (r->aead) {
        if (!open_sealed(r, datagram, size_bytes, out->sequence)) {
            r->stats.unauthentic++;
            return false;
        }
        lm_l1_replay_mark(&r->replay, out->sequence);
    }
    const uint8_t *payload = datagram + LM_L1_HEADER_BYTES;
    size_t payload_bytes = size_bytes - LM_L1_HEADER_BYTES - tag;
    if (lm_l1_parse_video(payload, payload_bytes, r->config.shard_bytes, &out->header) < 0) {
        r->stats.malformed++;
        return false;
    }
    out->bytes = payload + LM_L1_VIDEO_BYTES;
    out->size_bytes = payload_bytes - LM_L1_VIDEO_BYTES;
    return true;
}

/* How a datagram's numbers relate to the stream. */
enum course {
    CURRENT = 1, /* of a frame in flight or to come */
    OVER,        /* of a frame delivered or given up */
    OUTDATED,    /* of an earlier frame than it should be by its sequence number, or too old */
    ASTRAY,      /* far from all that came before */
};

static enum course course_of(const struct lm_l1_receiver *r, const struct lm_l1_shard *s)
{
    uint32_t frame = s->header.frame, ahead = frame - r->next, behind = r->next - frame;
    if (!r->aead) {
        if (lm_l1_replay_check(&r->replay, s->sequence) == LM_L1_REPLAY_OLD)
            return OUTDATED;
        if (r->replay.any && s->sequence > r->replay.highest &&
            s->sequence - r->replay.highest > MAX_SEQUENCE_JUMP)
            return ASTRAY;
    }
    if (ahead > MAX_JUMP && behind > MAX_JUMP)
        return ASTRAY;
    /* Frames leave one after the other. */
    if (r->any && s->sequence > r->highest && r->newest - frame - 1 < INT32_MAX)
        return OUTDATED;
    return ahead <= MAX_JUMP ? CURRENT : OVER;
}

/* A datagram that does not continue the stream. True: it is one of many in a row, the stream goes
 * on from it. */
static bool begins_anew(struct lm_l1_receiver *r, uint32_t frame)
{
    bool follows = r->odd_count && frame - r->odd_frame <= MAX_JUMP;
    r->odd_count = follows ? r->odd_count + 1 : 1;
    r->odd_frame = frame;
    return r->odd_count >= ANEW_AFTER;
}

static void count_over(struct lm_l1_receiver *r, uint32_t frame)
{
    uint32_t behind = r->next - 1 - frame;
    bool was_delivered = behind < HISTORY && r->delivered >> behind & 1;
    r->stats.surplus += was_delivered;
    r->stats.late += !was_delivered;
}

static void note_order(struct lm_l1_receiver *r, const struct lm_l1_shard *s, bool is_accepted)
{
    if (r->any && s->sequence < r->highest) {
        r->stats.reordered += is_accepted;
        return;
    }
    r->any = true;
    r->highest = s->sequence;
    r->newest = s->header.frame;
}

static bool count_result(struct lm_l1_receiver *r, enum lm_l1_reassemble_result result)
{
    struct lm_l1_receiver_stats *stats = &r->stats;
    stats->accepted += result == LM_L1_STORED || result == LM_L1_REPAIRED;
    stats->surplus += result == LM_L1_SURPLUS;
    stats->duplicate += result == LM_L1_DUPLICATE;
    stats->malformed += result == LM_L1_REFUSED;
    stats->overflow += result == LM_L1_BEYOND;
    return result == LM_L1_STORED || result == LM_L1_REPAIRED;
}

static void add_shard(struct lm_l1_receiver *r, const struct lm_l1_shard *s, uint64_t now_ns)
{
    uint32_t ahead = s->header.frame - r->next;
    if (!reach(r, &ahead)) {
        r->stats.overflow++;
        return;
    }
    struct lm_l1_reassemble *f = &slot_of(r, ahead)->frame;
    bool was_seen = f->started || f->beyond;
    uint32_t repaired = f->repaired;
    enum lm_l1_reassemble_result result = lm_l1_reassemble_add(f, &r->repair, s, now_ns);
    bool is_accepted = count_result(r, result);
    if (result != LM_L1_REFUSED)
        note_order(r, s, is_accepted);
    if (is_accepted)
        r->odd_count = 0;
    if (result == LM_L1_REPAIRED) {
        r->stats.blocks_repaired++;
        r->stats.shards_repaired += f->repaired - repaired;
    }
    if (was_seen || !(f->started || f->beyond))
        return;
    /* What is missing of the frames before was sent earlier. */
    for (uint32_t i = 0; i < ahead; i++) {
        struct slot *slot = slot_of(r, i);
        if (!slot->passed_ns)
            slot->passed_ns = now_ns;
    }
}

void lm_l1_receiver_push(struct lm_l1_receiver *r, uint8_t *datagram, size_t size_bytes,
                         uint64_t now_ns)
{
    now_ns = LM_MAX(now_ns, 1); /* 0 means "not yet" in the fields that remember it */
    r->stats.datagrams++;
    r->stats.bytes += size_bytes;
    struct lm_l1_header h;
    if (!admit(r, datagram, size_bytes, &h))
        return;
    struct lm_l1_shard shard = {.sequence = h.sequence};
    if (!open_datagram(r, datagram, size_bytes, &shard))
        return;
    enum course course = course_of(r, &shard);
    if (course == OUTDATED || course == ASTRAY) {
        if (!begins_anew(r, shard.header.frame)) {
            r->stats.late += course == OUTDATED;
            r->stats.malformed += course == ASTRAY;
            return;
        }
        begin_anew(r, shard.header.frame);
        course = CURRENT;
    }
    if (!r->aead)
        lm_l1_replay_mark(&r->replay, shard.sequence);
    if (course == OVER)
        count_over(r, shard.header.frame);
    else
        add_shard(r, &shard, now_ns);
}

/* --- frames out --- */

/* Hands the complete next frame out. False: its content is impossible, it is lost. */
static bool deliver(struct lm_l1_receiver *r, struct lm_l1_received_frame *out)
{
    struct lm_l1_reassemble *f = &slot_of(r, 0)->frame;
    size_t size_bytes = lm_l1_reassemble_size(f);
    *out = (struct lm_l1_received_frame){
        .data = f->data + LM_L1_FRAME_BYTES,
        .size_bytes = size_bytes - LM_L1_FRAME_BYTES,
        .frame_index = r->next,
        .first_packet_ns = f->first_packet_ns,
        .complete_ns = f->complete_ns,
        .repaired_shards = f->repaired,
        .lost_before = r->lost_before,
    };
    if (size_bytes <= LM_L1_FRAME_BYTES || out->size_bytes > r->config.max_frame_bytes ||
        lm_l1_parse_frame(f->data, size_bytes, &out->header) < 0)
        return false;
    uint8_t *given_back = r->lent;
    r->lent = f->data;
    f->data = given_back;
    return true;
}

int lm_l1_receiver_pop(struct lm_l1_receiver *r, uint64_t now_ns, struct lm_l1_received_frame *out)
{
    for (;;) {
        if (!slot_of(r, 0)->frame.complete) {
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

bool lm_l1_receiver_pop_loss(struct lm_l1_receiver *r, struct lm_loss *out)
{
    return lm_losses_pop(&r->losses, out);
}

uint64_t lm_l1_receiver_wake_at(const struct lm_l1_receiver *r)
{
    return deadline(r);
}

void lm_l1_receiver_get_stats(const struct lm_l1_receiver *r, struct lm_l1_receiver_stats *out)
{
    *out = r->stats;
}
