#include "core/recv/audio_receiver.h"

#include "core/base/check.h"
#include "core/base/time.h"
#include "core/crypto/cbc.h"
#include "core/crypto/hash.h"
#include "core/fec/code8.h"
#include "core/wire/gs_audio.h"

#include <stdlib.h>
#include <string.h>

enum {
    DATA = LM_GSA_BLOCK_DATA,
    SHARDS = LM_GSA_BLOCK_DATA + LM_GSA_BLOCK_PARITY,
    BLOCKS = 8,
    WINDOW =
        (BLOCKS - 1) * DATA, /* packets ahead of the next: each block in it has its own place */
    BODY_BYTES = LM_GSA_MAX_DATAGRAM_BYTES - LM_RTP_BYTES,
    FAR = 1000,      /* a jump so far is believed only when it is repeated */
    FAR_REPEATS = 8, /* packets in a row */
};

#define REORDER_MEMORY_NS  (10 * LM_NS_PER_S)
#define REORDER_DEFAULT_NS (10 * LM_NS_PER_MS)

enum presence { MISSING = 0, RECEIVED, REPAIRED };

/* Four packets and their parity. Sequence numbers here are 32 bits wide, 16 of them from the wire.
 */
struct block {
    bool used;
    uint32_t base;
    uint64_t passed_ns; /* since when its last shard or a later block is there; 0: not */
    uint8_t present[SHARDS];
    size_t size_bytes[SHARDS];
    uint64_t arrived_ns[SHARDS];
    uint8_t body[SHARDS][BODY_BYTES];
};

struct lm_audio_receiver {
    struct lm_audio_receiver_config config;
    struct lm_cbc *cbc;
    struct lm_code8 *code;
    bool started;
    uint32_t next;    /* sequence to deliver next */
    uint32_t highest; /* data sequence received + 1 */
    uint32_t newest;  /* base of the latest block seen */
    uint64_t newest_ns;
    uint32_t clock_sequence, clock_ms; /* a packet and its time stamp */
    uint64_t reordered_ns;
    uint32_t far_count;
    struct block blocks[BLOCKS];
    uint8_t plain[BODY_BYTES];
    struct lm_audio_receiver_stats stats;
};

static int audio_receiver_init(struct lm_audio_receiver *r)
{
    if (!r->config.reorder_ns)
        r->config.reorder_ns = REORDER_DEFAULT_NS;
    int rc = lm_code8_create_audio(&r->code);
    if (rc == 0 && r->config.encrypted)
        rc = lm_cbc_create(&r->cbc, r->config.key);
    return rc;
}

int lm_audio_receiver_create(const struct lm_audio_receiver_config *config,
                             struct lm_audio_receiver **out)
{
    *out = NULL;
    if (config->packet_duration_ms < 1 || config->packet_duration_ms > 120)
        return LM_EINVAL;
    struct lm_audio_receiver *r = calloc(1, sizeof *r);
    if (!r)
        return LM_ENOMEM;
    r->config = *config;
    int rc = audio_receiver_init(r);
    if (rc < 0) {
        lm_audio_receiver_destroy(r);
        return rc;
    }
    *out = r;
    return 0;
}

void lm_audio_receiver_destroy(struct lm_audio_receiver *r)
{
    if (!r)
        return;
    lm_cbc_destroy(r->cbc);
    lm_code8_destroy(r->code);
    lm_wipe(r->config.key, sizeof r->config.key);
    free(r);
}

static struct block *slot_of(struct lm_audio_receiver *r, uint32_t sequence)
{
    return &r->blocks[sequence / DATA % BLOCKS];
}

/* Begins anew at `sequence`; what was not delivered of the old run is gone. */
static void start_at(struct lm_audio_receiver *r, uint16_t sequence)
{
    for (int i = 0; i < BLOCKS; i++)
        r->blocks[i].used = false;
    /* Not 0: numbers a little below must not wrap. */
    r->next = r->highest = UINT32_C(0x10000) + sequence;
    r->newest = r->next - r->next % DATA;
    r->started = true;
    r->far_count = 0;
}

/* The 32-bit number of a wire sequence, nearest to the next one. */
static uint32_t widen(const struct lm_audio_receiver *r, uint16_t sequence)
{
    return r->next + (uint32_t)(int16_t)(sequence - (uint16_t)r->next);
}

/* The block of `base`, taken over from an old one if need be. */
static struct block *open_block(struct lm_audio_receiver *r, uint32_t base, uint64_t now_ns)
{
    struct block *b = slot_of(r, base);
    if (b->used && b->base == base)
        return b;
    b->used = true;
    b->base = base;
    memset(b->present, 0, sizeof b->present);
    b->passed_ns = 0;
    if ((int32_t)(base - r->newest) < 0) {
        b->passed_ns = r->newest_ns;
    } else if (base != r->newest) {
        r->newest = base;
        r->newest_ns = now_ns;
    }
    return b;
}

/* Restores what is missing when enough of the block is there, all of one size. */
static void repair(struct lm_audio_receiver *r, struct block *b, uint64_t now_ns)
{
    uint8_t *shards[SHARDS];
    size_t size_bytes = 0;
    int count = 0, data = 0;
    for (int i = 0; i < SHARDS; i++) {
        shards[i] = b->body[i];
        if (!b->present[i])
            continue;
        if (size_bytes && b->size_bytes[i] != size_bytes)
            return;
        size_bytes = b->size_bytes[i];
        count++;
        data += i < DATA;
    }
    if (count < DATA || data == DATA)
        return;
    if (lm_code8_decode(r->code, shards, b->present, size_bytes) < 0)
        return;
    for (int i = 0; i < DATA; i++) {
        if (b->present[i])
            continue;
        b->present[i] = REPAIRED;
        b->size_bytes[i] = size_bytes;
        b->arrived_ns[i] = now_ns;
    }
}

static void count_order(struct lm_audio_receiver *r, uint32_t sequence, uint64_t now_ns)
{
    if ((int32_t)(sequence - r->highest) < 0)
        r->reordered_ns = now_ns;
    else
        r->highest = sequence + 1;
}

static void store(struct lm_audio_receiver *r, uint32_t sequence, const struct lm_gsa_packet *p,
                  uint64_t now_ns)
{
    uint32_t shard = p->is_parity ? DATA + p->row : sequence % DATA;
    struct block *b = open_block(r, sequence - sequence % DATA, now_ns);
    if (b->present[shard]) {
        /* A packet that was repaired meanwhile is late rather than doubled. */
        r->stats.duplicate += b->present[shard] == RECEIVED;
        r->stats.late += b->present[shard] == REPAIRED;
        return;
    }
    b->present[shard] = RECEIVED;
    b->size_bytes[shard] = p->body_bytes;
    b->arrived_ns[shard] = now_ns;
    memcpy(b->body[shard], p->body, p->body_bytes);
    r->clock_sequence = sequence;
    r->clock_ms = p->timestamp_ms;
    if (p->is_parity) {
        r->stats.parity++;
    } else {
        r->stats.accepted++;
        count_order(r, sequence, now_ns);
    }
    repair(r, b, now_ns);
    if (shard == SHARDS - 1 && !b->passed_ns)
        b->passed_ns = now_ns;
}

/* All blocks before the newest: their missing packets were sent earlier than what just came. */
static void mark_passed(struct lm_audio_receiver *r, uint64_t now_ns)
{
    for (int i = 0; i < BLOCKS; i++) {
        struct block *b = &r->blocks[i];
        if (b->used && !b->passed_ns && (int32_t)(b->base - r->newest) < 0)
            b->passed_ns = now_ns;
    }
    /* One of which nothing came has no place of its own yet. */
    uint32_t base = r->next - r->next % DATA;
    if ((int32_t)(base - r->newest) < 0)
        (void)open_block(r, base, now_ns);
}

/* True when the packet comes after its turn; counts it. */
static bool is_over(struct lm_audio_receiver *r, const struct lm_gsa_packet *p, uint32_t sequence,
                    uint64_t now_ns)
{
    int32_t ahead = (int32_t)(sequence - r->next);
    if (p->is_parity) {
        /* That of the block being delivered has a base before the next packet. */
        r->stats.parity += ahead + DATA <= 0;
        return ahead + DATA <= 0;
    }
    if (ahead >= 0)
        return false;
    const struct block *b = slot_of(r, sequence);
    if (b->used && b->base == sequence - sequence % DATA && b->present[sequence % DATA]) {
        r->stats.duplicate++;
    } else {
        r->stats.late++;
        r->reordered_ns = now_ns;
    }
    return true;
}

/* False: not to be taken. */
static bool is_in_window(struct lm_audio_receiver *r, const struct lm_gsa_packet *p,
                         uint32_t sequence, uint64_t now_ns)
{
    int32_t ahead = (int32_t)(sequence - r->next);
    bool is_far = ahead >= FAR || ahead <= -FAR;
    r->far_count = is_far ? r->far_count + 1 : 0;
    if (is_far && (p->is_parity || r->far_count < FAR_REPEATS)) {
        r->stats.malformed++;
        return false;
    }
    if (is_far || (ahead >= WINDOW && !p->is_parity)) {
        /* A pause in the stream: what is missing is not concealed packet by packet. */
        r->stats.lost += ahead > 0 && !is_far ? (uint64_t)ahead : 0;
        r->stats.resyncs++;
        start_at(r, p->sequence);
        return true;
    }
    return !is_over(r, p, sequence, now_ns) && ahead < WINDOW;
}

void lm_audio_receiver_push(struct lm_audio_receiver *r, const uint8_t *datagram, size_t size_bytes,
                            uint64_t now_ns)
{
    now_ns = LM_MAX(now_ns, 1); /* 0 means "not yet" in the fields that remember it */
    r->stats.datagrams++;
    struct lm_gsa_packet p;
    if (lm_gsa_parse(datagram, size_bytes, &p) < 0) {
        r->stats.malformed++;
        return;
    }
    if (!r->started && p.is_parity) {
        r->stats.parity++;
        return;
    }
    if (!r->started)
        start_at(r, p.sequence);
    if (!is_in_window(r, &p, widen(r, p.sequence), now_ns))
        return;
    store(r, widen(r, p.sequence), &p, now_ns);
    mark_passed(r, now_ns);
}

/* When the next packet, which is missing, is to be given up. */
static uint64_t deadline(const struct lm_audio_receiver *r)
{
    const struct block *b = &r->blocks[r->next / DATA % BLOCKS];
    if (!r->started || !b->used || b->base != r->next - r->next % DATA || !b->passed_ns)
        return LM_TIME_MAX;
    bool waits = r->reordered_ns && b->passed_ns < r->reordered_ns + REORDER_MEMORY_NS;
    return b->passed_ns + (waits ? r->config.reorder_ns : 0);
}

static uint32_t timestamp_of_next(const struct lm_audio_receiver *r)
{
    return r->clock_ms + (r->next - r->clock_sequence) * r->config.packet_duration_ms;
}

static void give_lost(struct lm_audio_receiver *r, struct lm_audio_packet *out)
{
    *out = (struct lm_audio_packet){
        .sequence = (uint16_t)r->next,
        .timestamp_ms = timestamp_of_next(r),
    };
    r->stats.lost++;
    r->next++;
}

static void give_packet(struct lm_audio_receiver *r, const struct block *b,
                        struct lm_audio_packet *out)
{
    uint32_t shard = r->next % DATA;
    const uint8_t *data = b->body[shard];
    size_t size_bytes = b->size_bytes[shard];
    if (r->cbc) {
        uint8_t iv[16];
        lm_gsa_iv(iv, r->config.rikeyid, (uint16_t)r->next);
        int rc = lm_cbc_decrypt(r->cbc, iv, data, size_bytes, r->plain, sizeof r->plain);
        if (rc <= 0) {
            r->stats.undecryptable++;
            give_lost(r, out);
            return;
        }
        data = r->plain;
        size_bytes = (size_t)rc;
    }
    *out = (struct lm_audio_packet){
        .data = data,
        .size_bytes = size_bytes,
        .sequence = (uint16_t)r->next,
        .timestamp_ms = timestamp_of_next(r),
        .repaired = b->present[shard] == REPAIRED,
        .arrived_ns = b->arrived_ns[shard],
    };
    r->stats.repaired += out->repaired;
    r->stats.delivered++;
    r->next++;
}

int lm_audio_receiver_pop(struct lm_audio_receiver *r, uint64_t now_ns, struct lm_audio_packet *out)
{
    if (!r->started)
        return 0;
    const struct block *b = slot_of(r, r->next);
    bool is_there = b->used && b->base == r->next - r->next % DATA && b->present[r->next % DATA];
    if (!is_there && now_ns < deadline(r))
        return 0;
    if (is_there)
        give_packet(r, b, out);
    else
        give_lost(r, out);
    mark_passed(r, LM_MAX(now_ns, 1));
    return 1;
}

uint64_t lm_audio_receiver_wake_at(const struct lm_audio_receiver *r)
{
    return deadline(r);
}

void lm_audio_receiver_get_stats(const struct lm_audio_receiver *r,
                                 struct lm_audio_receiver_stats *out)
{
    *out = r->stats;
}
