#include "core/recv/reassemble.h"

#include "core/base/check.h"

#include <string.h>

static_assert(LM_GSV_MAX_BLOCK_DATA + 1 >= LM_GSV_MAX_BLOCK_SHARDS, "present holds both kinds");

void lm_reassemble_reset(struct lm_reassemble *f)
{
    f->started = f->complete = false;
    f->block_count = f->spare_used = 0;
    f->first_packet_ns = f->complete_ns = 0;
    for (int b = 0; b < LM_GSV_MAX_BLOCKS; b++) {
        struct lm_reassemble_block *block = &f->blocks[b];
        block->known = block->complete = false;
        block->passed_ns = block->holes_ns = 0;
    }
}

static uint8_t *data_at(const struct lm_reassemble *f, const struct lm_reassemble_block *block,
                        uint32_t shard)
{
    return f->data + (size_t)(block->first_shard + shard) * f->payload_bytes;
}

static uint8_t *parity_at(const struct lm_reassemble *f, uint32_t b, uint32_t row)
{
    return f->parity + ((size_t)b * LM_REASSEMBLE_MAX_PARITY + row) * f->payload_bytes;
}

/* Decides where block `b` goes. False: the frame would pass its limit. */
static bool place(struct lm_reassemble *f, uint32_t b, uint32_t data_shards)
{
    uint32_t before = 0, elsewhere = 0, unknown_before = 0;
    for (uint32_t i = 0; i < f->block_count; i++) {
        const struct lm_reassemble_block *other = &f->blocks[i];
        if (i == b)
            continue;
        if (i < b && !other->known)
            unknown_before++;
        else if (i < b)
            before += other->data_shards;
        else
            elsewhere += other->known ? other->data_shards : 1;
    }
    if (before + unknown_before + data_shards + elsewhere > f->capacity)
        return false;
    struct lm_reassemble_block *block = &f->blocks[b];
    block->placed = unknown_before == 0;
    block->first_shard = block->placed ? before : f->capacity + f->spare_used;
    if (!block->placed)
        f->spare_used += data_shards;
    return true;
}

static bool meet_block(struct lm_reassemble *f, const struct lm_gsv_header *h, uint64_t now_ns)
{
    struct lm_reassemble_block *block = &f->blocks[h->block];
    if (!place(f, h->block, h->data_shards))
        return false;
    block->known = true;
    block->base = (uint16_t)(h->sequence - h->shard);
    block->data_shards = h->data_shards;
    block->parity_shards = h->parity_shards;
    block->percent = h->percent;
    block->data_count = block->parity_count = block->top = block->repaired = 0;
    memset(block->present, 0, h->data_shards + h->parity_shards);
    /* The sender never interleaves blocks: what is missing of those before was sent earlier. */
    for (uint32_t b = 0; b < h->block; b++)
        if (!f->blocks[b].complete && !f->blocks[b].passed_ns)
            f->blocks[b].passed_ns = now_ns;
    return true;
}

/* Whether the header agrees with the frame and its block as known so far. */
static bool agrees(const struct lm_reassemble *f, const struct lm_gsv_header *h)
{
    if (f->started && (h->block_count != f->block_count || h->timestamp_90k != f->timestamp_90k))
        return false;
    const struct lm_reassemble_block *block = &f->blocks[h->block];
    return !block->known || (block->data_shards == h->data_shards && block->percent == h->percent &&
                             block->base == (uint16_t)(h->sequence - h->shard));
}

static void store(struct lm_reassemble *f, const struct lm_opened *in)
{
    const struct lm_gsv_header *h = &in->header;
    struct lm_reassemble_block *block = &f->blocks[h->block];
    bool is_data = h->shard < h->data_shards;
    uint8_t *to =
        is_data ? data_at(f, block, h->shard) : parity_at(f, h->block, h->shard - h->data_shards);
    memcpy(to, in->payload, in->payload_bytes);
    memset(to + in->payload_bytes, 0, f->payload_bytes - in->payload_bytes);
    block->present[h->shard] = 1;
    block->data_count += is_data;
    block->parity_count += !is_data;
    block->top = LM_MAX(block->top, h->shard + 1);
}

static void repair(struct lm_reassemble *f, struct lm_code8_cache *codes, uint32_t b)
{
    struct lm_reassemble_block *block = &f->blocks[b];
    const struct lm_code8 *code =
        lm_code8_cache_get(codes, block->data_shards, block->parity_shards);
    LM_CHECK(code);
    uint8_t *shards[LM_CODE8_MAX_SHARDS];
    for (uint32_t i = 0; i < block->data_shards; i++)
        shards[i] = data_at(f, block, i);
    for (uint32_t i = 0; i < block->parity_shards; i++)
        shards[block->data_shards + i] = parity_at(f, b, i);
    int rc = lm_code8_decode(code, shards, block->present, f->payload_bytes);
    LM_CHECK(rc > 0);
    block->repaired = (uint32_t)rc;
}

/* True when the block has become complete. */
static bool try_complete(struct lm_reassemble *f, struct lm_code8_cache *codes, uint32_t b)
{
    struct lm_reassemble_block *block = &f->blocks[b];
    if (block->data_count + block->parity_count < block->data_shards)
        return false;
    if (block->data_count < block->data_shards)
        repair(f, codes, b);
    block->complete = true;
    return true;
}

/* After shard `shard` was stored, when `top` was the highest before. A shard that fills a hole
 * starts the wait anew: those still missing may be of later date than those that were counted
 * first. */
static void watch_holes(struct lm_reassemble_block *block, uint32_t shard, uint32_t top,
                        uint64_t now_ns)
{
    uint32_t holes = block->top - block->data_count - block->parity_count;
    if (holes <= block->parity_shards)
        block->holes_ns = 0;
    else if (!block->holes_ns || shard < top)
        block->holes_ns = now_ns;
}

/* All blocks are there: brings those that came too early to their place. */
static void join(struct lm_reassemble *f)
{
    uint32_t at = 0;
    for (uint32_t b = 0; b < f->block_count; b++) {
        struct lm_reassemble_block *block = &f->blocks[b];
        LM_DCHECK(!block->placed || block->first_shard == at);
        if (!block->placed)
            memcpy(f->data + at * f->payload_bytes, data_at(f, block, 0),
                   block->data_shards * f->payload_bytes);
        at += block->data_shards;
    }
}

static bool all_complete(const struct lm_reassemble *f)
{
    for (uint32_t b = 0; b < f->block_count; b++)
        if (!f->blocks[b].complete)
            return false;
    return true;
}

enum lm_reassemble_result lm_reassemble_add(struct lm_reassemble *f, struct lm_code8_cache *codes,
                                            const struct lm_opened *shard, uint64_t now_ns,
                                            bool *repaired)
{
    const struct lm_gsv_header *h = &shard->header;
    struct lm_reassemble_block *block = &f->blocks[h->block];
    *repaired = false;
    if (!agrees(f, h))
        return LM_REASSEMBLE_REFUSED;
    if (block->known && block->present[h->shard])
        return LM_REASSEMBLE_DUPLICATE;
    if (block->complete)
        return LM_REASSEMBLE_SURPLUS;
    if (!f->started) {
        f->block_count = h->block_count;
        f->timestamp_90k = h->timestamp_90k;
    }
    if (!block->known && !meet_block(f, h, now_ns))
        return LM_REASSEMBLE_REFUSED;
    if (!f->started) {
        f->started = true;
        f->first_packet_ns = now_ns;
    }
    uint32_t top = block->top;
    store(f, shard);
    if (!try_complete(f, codes, h->block)) {
        watch_holes(block, h->shard, top, now_ns);
        return LM_REASSEMBLE_STORED;
    }
    *repaired = block->repaired > 0;
    if (!all_complete(f))
        return LM_REASSEMBLE_STORED;
    join(f);
    f->complete = true;
    f->complete_ns = now_ns;
    return LM_REASSEMBLE_COMPLETED;
}

uint64_t lm_reassemble_doomed_since(const struct lm_reassemble *f)
{
    uint64_t since = 0;
    for (uint32_t b = 0; b < f->block_count; b++) {
        const struct lm_reassemble_block *block = &f->blocks[b];
        if (block->complete)
            continue;
        if (block->passed_ns && (!since || block->passed_ns < since))
            since = block->passed_ns;
        if (block->holes_ns && (!since || block->holes_ns < since))
            since = block->holes_ns;
    }
    return since;
}

size_t lm_reassemble_size(const struct lm_reassemble *f)
{
    size_t shards = 0;
    for (uint32_t b = 0; b < f->block_count; b++)
        shards += f->blocks[b].data_shards;
    return shards * f->payload_bytes;
}
