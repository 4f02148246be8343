#include "core/send/l1_sender.h"

#include "core/base/check.h"
#include "core/base/time.h"
#include "core/crypto/hash.h"
#include "core/send/l1_coder.h"
#include "core/send/l1_layout.h"
#include "core/send/l1_seal.h"
#include "core/send/pace.h"

#include <stdlib.h>
#include <string.h>

enum {
    FRAMES = 2, /* one being sent while the next is pushed */
    MAX_PUSHES = 64,
    SLOT_ALIGN = 64,
    SHARD_OFFSET = LM_L1_HEADER_BYTES + LM_L1_VIDEO_BYTES,
};

static_assert((int)LM_CODE16_MAX_SHARD_BYTES >= LM_L1_MAX_SHARD_BYTES, "any shard can be coded");
/* What one push made: places `from`.. of the frame, blocks `first_block`.. */
struct group {
    uint32_t from, first_block;
    struct lm_l1_layout layout;
};

/* A frame on its way out. The datagrams lie in the order of sending, datagram i at
 * data + i * datagram_bytes; only a frame's last may be shorter. */
struct outgoing {
    uint8_t *data;
    struct lm_l1_frame_begin begin;
    uint32_t index;
    uint64_t size_bytes;         /* pushed so far, frame header included */
    uint32_t made, sealed, sent; /* datagrams */
    uint32_t blocks, pushes, groups;
    size_t last_bytes; /* of the last datagram made */
    bool whole;        /* nothing more will be made */
    struct group group[MAX_PUSHES];
};

/* The bytes of a push: what the pushes before left over, then the pieces. */
struct source {
    const uint8_t *stage;
    size_t stage_bytes;
    struct lm_piece_reader pieces;
};

struct lm_l1_sender {
    struct lm_l1_sender_config config;
    uint32_t percent; /* <= config.fec_percent, from which max_data and capacity follow */
    uint32_t max_data, max_bare_data; /* of a block with parity, and without */
    size_t datagram_bytes;
    uint32_t capacity; /* datagrams per frame */
    struct outgoing frames[FRAMES];
    uint32_t head, tail; /* frames[head % FRAMES] is being sent; tail - head are in use */
    bool building;       /* the newest is begun and not whole */
    uint8_t *stage;      /* bytes of the begun frame that are in no block yet */
    size_t stage_bytes;
    uint32_t next_frame;
    uint64_t sequence; /* of the next datagram sealed */
    uint32_t lent;     /* datagrams of the head frame pulled and not done */
    struct lm_pace pace;
    struct lm_l1_coder coder;
    struct lm_aead *aead;
    struct lm_l1_sender_stats stats;
};

/* Parity and max_data_per_block fit the code. */
static bool fec_is_valid(const struct lm_l1_sender_config *c)
{
    if (c->code != LM_L1_CODE_NONE && c->code != LM_L1_CODE_GF8 && c->code != LM_L1_CODE_GF16)
        return false;
    if (c->fec_percent > LM_L1_MAX_PERCENT || (c->fec_percent && c->code == LM_L1_CODE_NONE))
        return false;
    enum lm_l1_code code = c->fec_percent ? c->code : LM_L1_CODE_NONE;
    return c->max_data_per_block <= lm_l1_max_data(code, c->fec_percent);
}

static bool config_is_valid(const struct lm_l1_sender_config *c)
{
    return c->shard_bytes >= LM_L1_MIN_SHARD_BYTES && c->shard_bytes <= LM_L1_MAX_SHARD_BYTES &&
           c->shard_bytes % LM_L1_SHARD_STEP_BYTES == 0 && fec_is_valid(c) &&
           c->max_frame_bytes >= 1 && c->max_frame_bytes <= UINT64_C(1) << 31 &&
           c->max_pushes <= MAX_PUSHES && c->first_sequence < LM_L1_MAX_SEQUENCE;
}

/* Block and datagram counts at their largest. Each push rounds the number of its blocks up, each
 * block its parity. LM_EINVAL: more blocks than a receiver takes. */
static int size_frames(struct lm_l1_sender *s)
{
    const struct lm_l1_sender_config *c = &s->config;
    enum lm_l1_code code = c->fec_percent ? c->code : LM_L1_CODE_NONE;
    uint32_t most = c->max_data_per_block;
    s->max_bare_data = most ? most : LM_L1_MAX_BLOCK_SHARDS;
    s->max_data = most ? most : lm_l1_max_data(code, c->fec_percent);
    uint64_t bytes = c->max_frame_bytes + LM_L1_FRAME_BYTES;
    uint32_t data = (uint32_t)((bytes + c->shard_bytes - 1) / c->shard_bytes);
    uint32_t blocks = LM_MIN((data - 1) / s->max_data + c->max_pushes, data);
    if (blocks > LM_L1_MAX_BLOCKS)
        return LM_EINVAL;
    s->max_data = LM_MIN(s->max_data, data);
    s->max_bare_data = LM_MIN(s->max_bare_data, data);
    s->capacity = data;
    if (c->fec_percent)
        s->capacity += (uint32_t)((uint64_t)data * c->fec_percent / 100) + blocks;
    return 0;
}

static int take_memory(struct lm_l1_sender *s)
{
    for (int i = 0; i < FRAMES; i++) {
        size_t bytes = s->capacity * s->datagram_bytes;
        bytes = (bytes + SLOT_ALIGN - 1) / SLOT_ALIGN * SLOT_ALIGN;
        s->frames[i].data = aligned_alloc(SLOT_ALIGN, bytes);
        if (!s->frames[i].data)
            return LM_ENOMEM;
    }
    s->stage = malloc((size_t)LM_L1_MIN_BLOCK_DATA * s->config.shard_bytes);
    return s->stage ? 0 : LM_ENOMEM;
}

static int sender_init(struct lm_l1_sender *s)
{
    struct lm_l1_sender_config *c = &s->config;
    c->max_pushes = c->max_pushes ? c->max_pushes : 1;
    s->datagram_bytes = SHARD_OFFSET + c->shard_bytes + (c->encrypt ? LM_L1_TAG_BYTES : 0);
    s->percent = c->fec_percent;
    s->next_frame = c->first_frame ? c->first_frame : 1;
    s->sequence = c->first_sequence;
    lm_l1_sender_set_pace(s, c->pace_bytes_per_s, c->burst_bytes);
    int rc = size_frames(s);
    if (rc == 0)
        rc = take_memory(s);
    struct lm_l1_coder_limits limits = {
        .code = c->fec_percent ? c->code : LM_L1_CODE_NONE,
        .data = s->max_data,
        .parity = lm_l1_parity(s->max_data, c->fec_percent),
        .shard_bytes = c->shard_bytes,
    };
    if (rc == 0)
        rc = lm_l1_coder_init(&s->coder, &limits);
    if (rc == 0 && c->encrypt)
        rc = lm_aead_create(&s->aead, c->key, LM_AEAD_ANY);
    return rc;
}

int lm_l1_sender_create(const struct lm_l1_sender_config *config, struct lm_l1_sender **out)
{
    *out = NULL;
    if (!config_is_valid(config))
        return LM_EINVAL;
    struct lm_l1_sender *s = calloc(1, sizeof *s);
    if (!s)
        return LM_ENOMEM;
    s->config = *config;
    int rc = sender_init(s);
    lm_wipe(s->config.key, sizeof s->config.key);
    if (rc < 0) {
        lm_l1_sender_destroy(s);
        return rc;
    }
    *out = s;
    return 0;
}

void lm_l1_sender_destroy(struct lm_l1_sender *s)
{
    if (!s)
        return;
    lm_aead_destroy(s->aead);
    lm_l1_coder_finish(&s->coder);
    free(s->stage);
    for (int i = 0; i < FRAMES; i++)
        free(s->frames[i].data);
    lm_wipe(s->config.salt, sizeof s->config.salt);
    free(s);
}

static struct outgoing *newest(struct lm_l1_sender *s)
{
    return &s->frames[(s->tail - 1) % FRAMES];
}

static struct outgoing *oldest(struct lm_l1_sender *s)
{
    return &s->frames[s->head % FRAMES];
}

/* Takes the sent frame off the queue. */
static void retire(struct lm_l1_sender *s)
{
    const struct outgoing *f = oldest(s);
    if (s->head != s->tail && f->whole && f->sent == f->made && !s->lent)
        s->head++;
}

int lm_l1_sender_begin(struct lm_l1_sender *s, const struct lm_l1_frame_begin *begin)
{
    if (s->building)
        return LM_EINVAL;
    if (s->sequence >= LM_L1_MAX_SEQUENCE)
        return LM_ELIMIT;
    if (s->tail - s->head == FRAMES)
        return LM_EFULL;
    if (s->head == s->tail) /* the memory that is in the cache from the frame before */
        s->head = s->tail = 0;
    s->tail++;
    s->building = true;
    struct outgoing *f = newest(s);
    f->begin = *begin;
    f->index = s->next_frame;
    f->size_bytes = LM_L1_FRAME_BYTES;
    f->made = f->sealed = f->sent = 0;
    f->blocks = f->pushes = f->groups = 0;
    f->last_bytes = s->datagram_bytes;
    f->whole = false;
    s->stage_bytes = LM_L1_FRAME_BYTES; /* written when the first block is made */
    return 0;
}

void lm_l1_sender_abort(struct lm_l1_sender *s)
{
    if (!s->building)
        return;
    s->building = false;
    struct outgoing *f = newest(s);
    uint32_t gone = f->sent + (f == oldest(s) ? s->lent : 0);
    if (gone == 0) {
        s->tail--;
        s->stats.frames_dropped++;
        return;
    }
    f->made = gone;
    f->whole = true;
    s->next_frame++;
    s->stats.frames_abandoned++;
    retire(s);
}

static size_t source_take(struct source *in, uint8_t *out, size_t size_bytes)
{
    size_t staged = LM_MIN(in->stage_bytes, size_bytes);
    if (staged) {
        memcpy(out, in->stage, staged);
        in->stage += staged;
        in->stage_bytes -= staged;
    }
    return staged + lm_piece_reader_take(&in->pieces, out + staged, size_bytes - staged);
}

static uint8_t *slot(const struct lm_l1_sender *s, const struct outgoing *f, uint32_t place)
{
    return f->data + place * s->datagram_bytes;
}

/* Fills the shards of one block of a group, makes their parity and the video headers of both. */
static void make_block(struct lm_l1_sender *s, const struct group *g, uint32_t b,
                       struct lm_l1_video *video, struct source *in)
{
    struct outgoing *f = newest(s);
    struct lm_l1_block block = lm_l1_layout_block(&g->layout, b);
    uint32_t step = g->layout.contiguous ? 1 : g->layout.blocks;
    size_t stride = step * s->datagram_bytes, shard_bytes = s->config.shard_bytes;
    video->block = (uint16_t)(g->first_block + b);
    video->data_shards = (uint16_t)block.k;
    video->parity_shards = (uint16_t)block.m;
    video->shard = 0;
    lm_l1_coder_begin_block(&s->coder, block.k, block.m);
    uint8_t *at = slot(s, f, g->from + lm_l1_layout_place(&g->layout, b, 0));
    for (uint32_t i = 0; i < block.k; i++, at += stride) {
        uint8_t *shard = at + SHARD_OFFSET;
        size_t filled = source_take(in, shard, shard_bytes);
        memset(shard + filled, 0, shard_bytes - filled);
        lm_l1_write_video(at + LM_L1_HEADER_BYTES, video);
        lm_l1_coder_add(&s->coder, shard);
        video->shard++;
    }
    if (!block.m)
        return;
    at = slot(s, f, g->from + lm_l1_layout_place(&g->layout, b, block.k));
    for (uint32_t j = 0; j < block.m; j++, at += stride) {
        s->coder.parity[j] = at + SHARD_OFFSET;
        lm_l1_write_video(at + LM_L1_HEADER_BYTES, video);
        video->shard++;
    }
    lm_l1_coder_end_block(&s->coder);
}

/* The next `shards` shards of the frame, which hold `bytes` bytes, into blocks. */
static void make_group(struct lm_l1_sender *s, uint32_t shards, uint64_t bytes, bool last,
                       struct source *in)
{
    struct outgoing *f = newest(s);
    struct group *g = &f->group[f->groups++];
    *g = (struct group){.from = f->made, .first_block = f->blocks};
    struct lm_l1_split split = {
        .data = shards,
        .max_data = s->percent ? s->max_data : s->max_bare_data,
        .percent = s->percent,
        .contiguous = s->config.contiguous,
    };
    lm_l1_layout_make(&g->layout, &split);
    uint32_t blocks = g->layout.blocks, made = g->layout.data + g->layout.parity;
    LM_CHECK(f->made + made <= s->capacity && f->blocks + blocks <= LM_L1_MAX_BLOCKS);
    uint8_t marks = f->begin.flags & (LM_L1_KEY_FRAME | LM_L1_RECOVERY_POINT);
    struct lm_l1_video video = {
        .frame = f->index,
        .code = s->percent ? (uint8_t)s->config.code : LM_L1_CODE_NONE,
        .flags = marks,
        .last_shard_bytes = (uint16_t)s->config.shard_bytes,
    };
    for (uint32_t b = 0; b < blocks; b++) {
        if (last && b + 1 == blocks) {
            video.flags |= LM_L1_LAST_BLOCK;
            video.last_shard_bytes =
                (uint16_t)(bytes - (uint64_t)(shards - 1) * s->config.shard_bytes);
        }
        make_block(s, g, b, &video, in);
    }
    /* One bare datagram needs no padding; among others it would leave the run of equal ones. */
    if (last && made == 1)
        f->last_bytes -= s->config.shard_bytes - video.last_shard_bytes;
    f->blocks += blocks;
    f->made += made;
    s->stats.blocks += blocks;
    s->stats.data_datagrams += g->layout.data;
    s->stats.parity_datagrams += g->layout.parity;
}

static void write_frame_header(struct lm_l1_sender *s, uint64_t now_ns)
{
    const struct lm_l1_frame_begin *begin = &newest(s)->begin;
    uint64_t age_us = now_ns > begin->capture_ns ? (now_ns - begin->capture_ns) / 1000 : 0;
    struct lm_l1_frame header = {
        .capture_ns = begin->capture_ns,
        .capture_to_send_us = (uint32_t)LM_MIN(age_us, UINT32_MAX),
        .display_hint_us = begin->display_hint_us,
        .flags = begin->flags,
    };
    lm_l1_write_frame(s->stage, &header);
}

/* Whole shards that the bytes at hand make. A block that does not end the frame leaves at least one
 * byte for the one that does, and is not made of crumbs. */
static uint32_t shards_of(const struct lm_l1_sender *s, uint64_t bytes, bool last)
{
    uint32_t shard_bytes = s->config.shard_bytes;
    if (last)
        return (uint32_t)((bytes + shard_bytes - 1) / shard_bytes);
    uint32_t whole = (uint32_t)((bytes - 1) / shard_bytes);
    return whole < LM_L1_MIN_BLOCK_DATA ? 0 : whole;
}

static void push_bytes(struct lm_l1_sender *s, const struct lm_piece *pieces, size_t count,
                       size_t size_bytes, bool last, uint64_t now_ns)
{
    struct outgoing *f = newest(s);
    uint64_t bytes = s->stage_bytes + size_bytes;
    uint32_t shards = shards_of(s, bytes, last);
    struct source in = {s->stage, s->stage_bytes, {pieces, count, 0}};
    f->size_bytes += size_bytes;
    if (shards) {
        if (f->groups == 0)
            write_frame_header(s, now_ns);
        make_group(s, shards, bytes, last, &in);
        LM_DCHECK(in.stage_bytes == 0);
        s->stage_bytes = 0;
    }
    if (last)
        return;
    size_t room = (size_t)LM_L1_MIN_BLOCK_DATA * s->config.shard_bytes - s->stage_bytes;
    s->stage_bytes += lm_piece_reader_take(&in.pieces, s->stage + s->stage_bytes, room);
    LM_DCHECK(in.pieces.pieces_left == 0 || in.pieces.piece->size_bytes == 0);
}

static int check_push(struct lm_l1_sender *s, int rc, size_t size_bytes)
{
    struct outgoing *f = newest(s);
    if (rc < 0)
        return rc;
    if (size_bytes > s->config.max_frame_bytes + LM_L1_FRAME_BYTES - f->size_bytes)
        return LM_ELIMIT;
    return ++f->pushes > s->config.max_pushes ? LM_ELIMIT : 0;
}

int lm_l1_sender_push(struct lm_l1_sender *s, const struct lm_piece *pieces, size_t count,
                      bool last, uint64_t now_ns)
{
    if (!s->building)
        return LM_EINVAL;
    size_t size_bytes;
    int rc = lm_pieces_size(pieces, count, &size_bytes);
    if (rc == 0 && last && newest(s)->size_bytes + size_bytes == LM_L1_FRAME_BYTES)
        return LM_EINVAL;
    rc = check_push(s, rc, size_bytes);
    if (rc < 0) {
        lm_l1_sender_abort(s);
        return rc;
    }
    push_bytes(s, pieces, count, size_bytes, last, now_ns);
    if (last) {
        newest(s)->whole = true;
        s->building = false;
        s->next_frame++;
        s->stats.frames++;
    }
    return 0;
}

int lm_l1_sender_push_frame(struct lm_l1_sender *s, const struct lm_l1_frame_begin *begin,
                            const struct lm_piece *pieces, size_t count)
{
    size_t size_bytes;
    int rc = lm_pieces_size(pieces, count, &size_bytes);
    if (s->building || (rc == 0 && !size_bytes))
        return LM_EINVAL;
    if (rc < 0 || size_bytes > s->config.max_frame_bytes) {
        s->stats.frames_dropped++;
        return LM_ELIMIT;
    }
    rc = lm_l1_sender_begin(s, begin);
    if (rc < 0)
        return rc;
    return lm_l1_sender_push(s, pieces, count, true, begin->now_ns);
}

uint32_t lm_l1_sender_next_frame(const struct lm_l1_sender *s)
{
    return s->next_frame + (s->building ? 1 : 0);
}

static size_t size_at(const struct lm_l1_sender *s, const struct outgoing *f, uint32_t place)
{
    return f->whole && place + 1 == f->made ? f->last_bytes : s->datagram_bytes;
}

/* The datagrams that come next and are of one size, as many as one send takes. */
static uint32_t next_run(const struct lm_l1_sender *s, const struct outgoing *f)
{
    uint32_t left = f->made - f->sent;
    if (left > 1 && size_at(s, f, f->made - 1) != s->datagram_bytes)
        left--;
    return LM_MIN(left, lm_batch_most(s->datagram_bytes));
}

/* Numbers and seals the datagrams up to place `end`: as late as can be, so that the bytes are in
 * the cache when the kernel copies them, and numbers rise in the order of sending. What was sealed
 * before keeps its number. */
static int seal_up_to(struct lm_l1_sender *s, struct outgoing *f, uint32_t end)
{
    struct lm_l1_header header = {
        .kind = LM_L1_VIDEO,
        .flags = s->aead ? 0 : LM_L1_CLEAR,
        .session_id = s->config.session_id,
    };
    for (; f->sealed < end; f->sealed++) {
        uint8_t *datagram = slot(s, f, f->sealed);
        header.sequence = s->sequence++;
        lm_l1_write_header(datagram, &header);
        if (!s->aead)
            continue;
        int rc = lm_l1_seal(s->aead, s->config.salt, datagram, size_at(s, f, f->sealed));
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* The rest of the head frame is not to be sent. */
static void drop_rest(struct lm_l1_sender *s, struct outgoing *f)
{
    s->lent = 0;
    if (s->building && f == newest(s)) {
        lm_l1_sender_abort(s);
        return;
    }
    f->made = f->sent;
    retire(s);
}

static uint32_t block_at(const struct outgoing *f, uint32_t place)
{
    const struct group *g = f->group;
    while (g + 1 < f->group + f->groups && g[1].from <= place)
        g++;
    return g->first_block + lm_l1_layout_block_at(&g->layout, place - g->from);
}

int lm_l1_sender_pull(struct lm_l1_sender *s, uint64_t now_ns, struct lm_batch *batch,
                      uint64_t *wake_at)
{
    *wake_at = LM_TIME_MAX;
    struct outgoing *f = oldest(s);
    if (s->head == s->tail || (f->sent == f->made && !s->lent))
        return 0;
    if (!s->lent)
        s->lent =
            lm_pace_run(&s->pace, next_run(s, f), (uint32_t)s->datagram_bytes, now_ns, wake_at);
    if (!s->lent)
        return 0;
    int rc = seal_up_to(s, f, f->sent + s->lent);
    if (rc < 0) {
        drop_rest(s, f);
        return rc;
    }
    *batch = (struct lm_batch){
        .data = slot(s, f, f->sent),
        .segment_bytes = size_at(s, f, f->sent),
        .segments = s->lent,
        .frame_index = f->index,
        .block = block_at(f, f->sent),
        .last_of_frame = f->whole && f->sent + s->lent == f->made,
    };
    return 1;
}

void lm_l1_sender_done(struct lm_l1_sender *s, uint32_t segments, uint64_t now_ns)
{
    struct outgoing *f = oldest(s);
    LM_CHECK(segments <= s->lent);
    uint32_t bytes = segments * (uint32_t)size_at(s, f, f->sent);
    lm_pace_spend(&s->pace, now_ns, bytes);
    s->stats.datagrams_sent += segments;
    s->stats.bytes_sent += bytes;
    f->sent += segments;
    s->lent = 0;
    retire(s);
}

uint64_t lm_l1_sender_take_sequence(struct lm_l1_sender *s)
{
    return s->sequence++;
}

int lm_l1_sender_set_fec(struct lm_l1_sender *s, uint32_t percent)
{
    if (percent > s->config.fec_percent)
        return LM_EINVAL;
    s->percent = percent;
    return 0;
}

void lm_l1_sender_set_pace(struct lm_l1_sender *s, uint64_t bytes_per_s, uint32_t burst_bytes)
{
    uint32_t least = (uint32_t)s->datagram_bytes;
    lm_pace_set(&s->pace, bytes_per_s, LM_MAX(burst_bytes, least));
}

void lm_l1_sender_get_stats(const struct lm_l1_sender *s, struct lm_l1_sender_stats *out)
{
    *out = s->stats;
}
