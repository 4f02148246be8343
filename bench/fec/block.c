#include "bench/fec/block.h"

#include "bench/fec/measure.h"
#include "core/base/check.h"

#include <stdlib.h>
#include <string.h>

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static uint8_t *take_pages(size_t bytes)
{
    size_t whole = (bytes + 4095) / 4096 * 4096;
    uint8_t *p = aligned_alloc(4096, whole);
    LM_CHECK(p);
    memset(p, 0, whole);
    return p;
}

void fec_data_init(struct fec_data *data, const struct fec_shape *shape)
{
    uint64_t state = 0x9e3779b97f4a7c15u;
    size_t bytes = (size_t)shape->k * shape->shard_bytes;
    *data = (struct fec_data){.shape = *shape};
    data->bytes = take_pages(bytes);
    data->shards = malloc(shape->k * sizeof *data->shards);
    LM_CHECK(data->shards);
    for (size_t i = 0; i < bytes; i += 8) {
        uint64_t r = next_random(&state);
        memcpy(data->bytes + i, &r, 8);
    }
    for (uint32_t i = 0; i < shape->k; i++)
        data->shards[i] = data->bytes + (size_t)i * shape->shard_bytes;
}

void fec_data_finish(struct fec_data *data)
{
    free(data->bytes);
    free(data->shards);
}

int fec_block_init(struct fec_block *block, const struct fec_plugin *plugin,
                   const struct fec_data *data)
{
    const struct fec_shape *s = &data->shape;
    *block = (struct fec_block){.plugin = plugin, .data = data};
    uint64_t start = measure_now_ns();
    if (plugin->create(&block->code, s))
        return -1;
    block->create_us = (double)(measure_now_ns() - start) * 1e-3;
    block->parity_bytes = take_pages((size_t)s->m * s->shard_bytes);
    block->rebuilt_bytes = take_pages((size_t)s->m * s->shard_bytes);
    block->parity = malloc(s->m * sizeof *block->parity);
    block->shards = malloc((s->k + s->m) * sizeof *block->shards);
    block->lost = malloc(s->k * sizeof *block->lost);
    LM_CHECK(block->parity && block->shards && block->lost);
    for (uint32_t i = 0; i < s->m; i++)
        block->parity[i] = block->parity_bytes + (size_t)i * s->shard_bytes;
    fec_block_encode(block, 1);
    /* Decoding must not depend on memory that the next encode uses. */
    for (uint32_t i = 0; i < s->m; i++)
        memmove(block->parity_bytes + (size_t)i * s->shard_bytes, block->parity[i], s->shard_bytes);
    return 0;
}

void fec_block_finish(struct fec_block *block)
{
    block->plugin->destroy(block->code);
    free(block->parity_bytes);
    free(block->rebuilt_bytes);
    free(block->parity);
    free(block->shards);
    free(block->lost);
}

static int by_value(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* The first `count` of a shuffle of 0..k-1, ascending. */
static void choose_lost(uint32_t *lost, uint32_t k, uint32_t count)
{
    uint64_t state = 88172645463325252u + k;
    for (uint32_t i = 0; i < k; i++)
        lost[i] = i;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t j = i + (uint32_t)(next_random(&state) % (k - i)), swap = lost[i];
        lost[i] = lost[j];
        lost[j] = swap;
    }
    qsort(lost, count, sizeof *lost, by_value);
}

static bool rebuilt(const struct fec_block *block)
{
    size_t size = block->data->shape.shard_bytes;
    for (uint32_t i = 0; i < block->lost_count; i++)
        if (memcmp(block->shards[block->lost[i]], block->data->shards[block->lost[i]], size))
            return false;
    return true;
}

void fec_block_lose(struct fec_block *block, uint32_t count)
{
    const struct fec_shape *s = &block->data->shape;
    LM_CHECK(count <= s->m && count <= s->k);
    choose_lost(block->lost, s->k, count);
    block->lost_count = count;
    memset(block->rebuilt_bytes, 0xee, (size_t)s->m * s->shard_bytes);
    for (uint32_t i = 0; i < s->k; i++)
        block->shards[i] = (uint8_t *)(uintptr_t)block->data->shards[i];
    for (uint32_t i = 0; i < s->m; i++)
        block->shards[s->k + i] = block->parity_bytes + (size_t)i * s->shard_bytes;
    for (uint32_t i = 0; i < count; i++)
        block->shards[block->lost[i]] = block->rebuilt_bytes + (size_t)i * s->shard_bytes;
    fec_block_decode(block, 1);
    if (!rebuilt(block))
        block->failed = true;
}

void fec_block_encode(void *context, uint32_t times)
{
    struct fec_block *block = context;
    const struct fec_plugin *plugin = block->plugin;
    int err = 0;
    if (plugin->encode_times)
        err = plugin->encode_times(block->code, block->data->shards, block->parity, times);
    else
        while (times-- && !err)
            err = plugin->encode(block->code, block->data->shards, block->parity);
    if (err)
        block->failed = true;
}

void fec_block_decode(void *context, uint32_t times)
{
    struct fec_block *block = context;
    const struct fec_plugin *plugin = block->plugin;
    int err = 0;
    if (plugin->decode_times)
        err =
            plugin->decode_times(block->code, block->shards, block->lost, block->lost_count, times);
    else
        while (times-- && !err)
            err = plugin->decode(block->code, block->shards, block->lost, block->lost_count);
    if (err)
        block->failed = true;
}

uint32_t fec_block_digest(const struct fec_block *block)
{
    uint32_t hash = 2166136261u;
    size_t bytes = (size_t)block->data->shape.m * block->data->shape.shard_bytes;
    for (size_t i = 0; i < bytes; i++)
        hash = (hash ^ block->parity_bytes[i]) * 16777619u;
    return hash;
}
