#include "core/recv/l1_reassemble.h"

#include "core/base/check.h"

#include <stdlib.h>
#include <string.h>

enum {
    ALIGN = 64,
    /* Blocks at least as many as this, when the frame's size alone would need fewer: a sender that
     * gets slices makes blocks of each. */
    SLICES = 64,
};

void lm_l1_limits_of(struct lm_l1_limits *out, uint64_t max_frame_bytes, uint32_t shard_bytes,
                     uint32_t percent, uint32_t max_blocks)
{
    uint64_t data = (max_frame_bytes + LM_L1_FRAME_BYTES + shard_bytes - 1) / shard_bytes;
    uint64_t blocks = max_blocks ? max_blocks : data / LM_L1_MIN_BLOCK_DATA + 1 + SLICES;
    blocks = LM_MIN(blocks, LM_MIN(data, (uint64_t)LM_L1_MAX_BLOCKS));
    /* Each block's share is rounded up. */
    uint64_t parity = percent ? LM_MIN(data * percent / 100 + blocks, data) : 0;
    *out = (struct lm_l1_limits){.shard_bytes = shard_bytes,
                                 .data = (uint32_t)data,
                                 .parity = (uint32_t)parity,
                                 .blocks = (uint32_t)blocks};
}

uint8_t *lm_l1_reassemble_buffer(const struct lm_l1_limits *limits)
{
    return aligned_alloc(ALIGN, 2 * (size_t)limits->data * limits->shard_bytes);
}

int lm_l1_reassemble_init(struct lm_l1_reassemble *f, const struct lm_l1_limits *limits)
{
    *f = (struct lm_l1_reassemble){.limits = *limits};
    f->data = lm_l1_reassemble_buffer(limits);
    f->parity = aligned_alloc(ALIGN, LM_MAX(limits->parity, 1u) * (size_t)limits->shard_bytes);
    f->present = malloc((size_t)limits->data + limits->parity);
    f->blocks = calloc(limits->blocks, sizeof *f->blocks);
    return f->data && f->parity && f->present && f->blocks ? 0 : LM_ENOMEM;
}

void lm_l1_reassemble_finish(struct lm_l1_reassemble *f)
{
    free(f->data);
    free(f->parity);
    free(f->present);
    free(f->blocks);
    *f = (struct lm_l1_reassemble){0};
}

void lm_l1_reassemble_reset(struct lm_l1_reassemble *f)
{
    for (uint32_t b = 0; b < f->known_end; b++)
        f->blocks[b].known = f->blocks[b].complete = f->blocks[b].doomed = false;
    *f = (struct lm_l1_reassemble){.limits = f->limits,
                                   .data = f->data,
                                   .parity = f->parity,
                                   .present = f->present,
                                   .blocks = f->blocks};
}

static uint8_t *data_at(const struct lm_l1_reassemble *f, uint32_t shard)
{
    return f->data + (size_t)shard * f->limits.shard_bytes;
}

static uint8_t *parity_at(const struct lm_l1_reassemble *f, uint32_t shard)
{
    return f->parity + (size_t)shard * f->limits.shard_bytes;
}

static bool is_last(const struct lm_l1_video *h)
{
    return h->flags & LM_L1_LAST_BLOCK;
}

/* Whether the header agrees with the frame and its block as known so far. */
static bool agrees(const struct lm_l1_reassemble *f, const struct lm_l1_video *h)
{
    if (!f->started)
        return true;
    const struct lm_l1_reassemble_block *block = &f->blocks[h->block];
    if (block->known)
        return block->data_shards == h->data_shards && block->parity_shards == h->parity_shards &&
               block->code == h->code && block->flags == h->flags &&
               block->last_shard_bytes == h->last_shard_bytes;
    if ((h->flags & ~LM_L1_LAST_BLOCK) != f->flags)
        return false;
    if (f->block_count)
        return h->block < f->block_count && !is_last(h);
    return !is_last(h) || h->block >= f->known_end;
}

/* Whether the frame has room for the block, and for one shard of each block still unknown. */
static bool fits(const struct lm_l1_reassemble *f, const struct lm_l1_video *h)
{
    if (h->block >= f->limits.blocks)
        return false;
    uint32_t end = LM_MAX(f->known_end, h->block + 1u);
    uint32_t unknown = end - f->known_count - 1;
    return (uint64_t)f->shards + unknown + h->data_shards <= f->limits.data;
}

/* Gives their place to blocks that now have all blocks in front of them known. */
static void place(struct lm_l1_reassemble *f)
{
    while (f->placed < f->known_end && f->blocks[f->placed].known) {
        struct lm_l1_reassemble_block *block = &f->blocks[f->placed++];
        uint32_t used =
            block->complete ? block->data_shards : LM_MIN(block->top, block->data_shards);
        memcpy(data_at(f, f->placed_shards), data_at(f, block->first_shard),
               (size_t)used * f->limits.shard_bytes);
        block->first_shard = f->placed_shards;
        f->placed_shards += block->data_shards;
    }
}

static void meet_block(struct lm_l1_reassemble *f, const struct lm_l1_repair *repair,
                       const struct lm_l1_video *h, uint64_t now_ns)
{
    struct lm_l1_reassemble_block *block = &f->blocks[h->block];
    bool was_doomed = block->doomed;
    if (!f->started) {
        f->started = true;
        f->first_packet_ns = now_ns;
    }
    *block = (struct lm_l1_reassemble_block){
        .known = true,
        .doomed = was_doomed,
        .code = h->code,
        .flags = h->flags,
        .last_shard_bytes = h->last_shard_bytes,
        .data_shards = h->data_shards,
        .parity_shards = h->parity_shards,
        .kept = lm_l1_repair_kept(repair, h),
        .first_parity = f->parity_shards,
        .marks = f->marks,
    };
    f->flags = h->flags & ~LM_L1_LAST_BLOCK;
    f->parity_shards += block->kept;
    f->marks += block->data_shards + block->kept;
    LM_DCHECK(f->parity_shards <= f->limits.parity);
    memset(f->present + block->marks, 0, block->data_shards + block->kept);
    f->shards += block->data_shards;
    f->known_count++;
    f->known_end = LM_MAX(f->known_end, h->block + 1u);
    if (is_last(h))
        f->block_count = h->block + 1u;
    if (h->block == f->placed) {
        block->first_shard = f->placed_shards;
        f->placed_shards += block->data_shards;
        f->placed++;
        place(f);
        return;
    }
    block->first_shard = f->limits.data + f->spare_shards;
    f->spare_shards += block->data_shards;
}

/* How many shards of a block the sender is known to have sent. Blocks that leave together do so row
 * by row, block by block within a row, either by shard number or all data in front of all parity;
 * what is said here holds for both. */
static uint32_t sent_of(const struct lm_l1_reassemble *f, uint32_t b)
{
    const struct lm_l1_reassemble_block *block = &f->blocks[b];
    if (b < f->group)
        return block->data_shards + block->parity_shards;
    uint32_t same_row = b <= f->at.block;
    uint32_t sent = LM_MIN(f->at.row + same_row, block->data_shards);
    if (f->at.is_parity)
        sent = LM_MIN(block->data_shards + f->at.row + same_row, f->at.shard + same_row);
    sent = LM_MIN(sent, block->data_shards + block->parity_shards);
    return LM_MAX(sent, block->top);
}

/* Whether the block cannot complete from what is there and what was not sent yet. */
static bool is_doomed(const struct lm_l1_reassemble *f, uint32_t b)
{
    const struct lm_l1_reassemble_block *block = &f->blocks[b];
    if (!block->known)
        return b < f->group;
    if (block->complete)
        return false;
    uint32_t sent = sent_of(f, b), end = block->data_shards + block->kept;
    uint32_t to_come = end - LM_MIN(sent, end);
    return block->data_count + block->parity_count + to_come < block->data_shards;
}

static void judge(struct lm_l1_reassemble *f, uint32_t b, uint64_t now_ns)
{
    bool doomed = is_doomed(f, b);
    if (doomed == f->blocks[b].doomed)
        return;
    f->blocks[b].doomed = doomed;
    f->doomed_blocks += doomed ? 1 : -1u;
    if (f->doomed_blocks == 0)
        f->doomed_ns = 0;
    else if (!f->doomed_ns)
        f->doomed_ns = now_ns;
}

/* Follows the sender's progress to a shard with a sequence number above all before. */
static void advance(struct lm_l1_reassemble *f, const struct lm_l1_shard *s, uint64_t now_ns)
{
    const struct lm_l1_video *h = &s->header;
    struct lm_l1_reassemble_point before = f->at;
    bool is_parity = h->shard >= h->data_shards;
    f->at = (struct lm_l1_reassemble_point){
        .sequence = s->sequence,
        .block = h->block,
        .shard = h->shard,
        .row = is_parity ? h->shard - (uint32_t)h->data_shards : h->shard,
        .is_parity = is_parity,
    };
    if (before.block == h->block && f->known_count == 1)
        return;
    /* Data of a later block in an earlier row: those blocks do not leave together, so the earlier
     * one, and all before it, have left. */
    uint32_t from = f->group;
    if (h->block > before.block && !is_parity && h->shard < before.shard)
        f->group = LM_MAX(f->group, before.block + 1);
    else if (before.row == f->at.row && before.is_parity == is_parity)
        return;
    for (uint32_t b = from; b < f->known_end; b++)
        judge(f, b, now_ns);
}

/* Where the shard goes; NULL: it is parity beyond its share. */
static uint8_t *room_for(struct lm_l1_reassemble *f, struct lm_l1_reassemble_block *block,
                         uint32_t shard)
{
    if (shard < block->data_shards)
        return data_at(f, block->first_shard + shard);
    uint32_t row = shard - block->data_shards;
    return row < block->kept ? parity_at(f, block->first_parity + row) : NULL;
}

/* LM_L1_STORED also when nothing was missing. */
static enum lm_l1_reassemble_result try_complete(struct lm_l1_reassemble *f,
                                                 struct lm_l1_repair *repair,
                                                 struct lm_l1_reassemble_block *block,
                                                 uint64_t now_ns)
{
    if (block->data_count + block->parity_count < block->data_shards)
        return LM_L1_STORED;
    if (block->data_count < block->data_shards) {
        struct lm_l1_repair_block in = {.code = block->code,
                                        .data_shards = block->data_shards,
                                        .parity_shards = block->parity_shards,
                                        .kept = block->kept,
                                        .present = f->present + block->marks,
                                        .data = data_at(f, block->first_shard),
                                        .parity = parity_at(f, block->first_parity)};
        block->repaired = lm_l1_repair_block(repair, &in);
        f->repaired += block->repaired;
    }
    block->complete = true;
    f->complete_count++;
    if (f->complete_count == f->block_count) {
        f->complete = true;
        f->complete_ns = now_ns;
    }
    return block->repaired ? LM_L1_REPAIRED : LM_L1_STORED;
}

/* A shard that was thought lost begins the wait anew: others that are missing may be of later
 * date than those counted first. */
static void judge_own(struct lm_l1_reassemble *f, uint32_t b, bool is_late, uint64_t now_ns)
{
    bool was_doomed = f->blocks[b].doomed;
    judge(f, b, now_ns);
    if (was_doomed && is_late && f->doomed_blocks)
        f->doomed_ns = now_ns;
}

/* Copies the shard where it belongs, unless it is of no use. */
static enum lm_l1_reassemble_result store(struct lm_l1_reassemble *f, struct lm_l1_repair *repair,
                                          const struct lm_l1_shard *s, uint64_t now_ns)
{
    struct lm_l1_reassemble_block *block = &f->blocks[s->header.block];
    uint32_t shard = s->header.shard;
    uint8_t *to = room_for(f, block, shard);
    if (!to)
        return LM_L1_SURPLUS;
    uint8_t *mark = &f->present[block->marks + shard];
    if (*mark)
        return LM_L1_DUPLICATE;
    if (block->complete)
        return LM_L1_SURPLUS;
    memcpy(to, s->bytes, s->size_bytes);
    *mark = 1;
    block->data_count += shard < block->data_shards;
    block->parity_count += shard >= block->data_shards;
    return try_complete(f, repair, block, now_ns);
}

enum lm_l1_reassemble_result lm_l1_reassemble_add(struct lm_l1_reassemble *f,
                                                  struct lm_l1_repair *repair,
                                                  const struct lm_l1_shard *s, uint64_t now_ns)
{
    const struct lm_l1_video *h = &s->header;
    bool is_in_table = h->block < f->limits.blocks;
    if (is_in_table && !agrees(f, h))
        return LM_L1_REFUSED;
    if (!is_in_table || (!f->blocks[h->block].known && !fits(f, h))) {
        f->beyond = true;
        return LM_L1_BEYOND;
    }
    struct lm_l1_reassemble_block *block = &f->blocks[h->block];
    if (!block->known)
        meet_block(f, repair, h, now_ns);
    enum lm_l1_reassemble_result result = store(f, repair, s, now_ns);
    if (result == LM_L1_DUPLICATE || f->complete)
        return result;
    bool is_late = s->sequence < f->at.sequence;
    block->top = LM_MAX(block->top, h->shard + 1u);
    if (!is_late)
        advance(f, s, now_ns);
    judge_own(f, h->block, is_late, now_ns);
    return result;
}

size_t lm_l1_reassemble_size(const struct lm_l1_reassemble *f)
{
    const struct lm_l1_reassemble_block *last = &f->blocks[f->block_count - 1];
    return (size_t)(f->shards - 1) * f->limits.shard_bytes + last->last_shard_bytes;
}
