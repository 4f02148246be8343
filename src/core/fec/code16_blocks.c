#include "core/fec/code16_blocks.h"

#include "core/dsp/cpu.h"
#include "core/dsp/gf16.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { GUARD_BYTES = 32, GUARD = 0x5a };

void code16_block_init(struct code16_block *b, unsigned k, unsigned m, size_t size)
{
    *b = (struct code16_block){.k = k, .m = m, .size = size, .distance = size + GUARD_BYTES + 1};
    b->memory = malloc((k + m) * b->distance + GUARD_BYTES);
    b->original = malloc((k + m) * b->distance + GUARD_BYTES);
    b->shards = calloc(k + m, sizeof *b->shards);
    b->present = calloc(k + m, 1);
    assert_true(b->memory && b->original && b->shards && b->present);
    memset(b->memory, GUARD, (k + m) * b->distance + GUARD_BYTES);
    memset(b->present, 1, k + m);
    for (unsigned i = 0; i < k + m; i++)
        b->shards[i] = b->memory + GUARD_BYTES + i * b->distance;
}

void code16_block_finish(struct code16_block *b)
{
    free(b->memory);
    free(b->original);
    free(b->shards);
    free(b->present);
}

size_t code16_block_bytes(const struct code16_block *b)
{
    return (b->k + b->m) * b->distance + GUARD_BYTES;
}

static uint64_t mix(uint64_t z)
{
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9;
    z = (z ^ z >> 27) * 0x94D049BB133111EB;
    return z ^ z >> 31;
}

void code16_block_fill(struct code16_block *b, uint64_t seed)
{
    uint64_t z = 0;
    for (size_t at = 0; at < b->k * b->size; at++) {
        if (at % 8 == 0)
            z = mix(seed + (at / 8 + 1) * 0x9E3779B97F4A7C15);
        b->shards[at / b->size][at % b->size] = (uint8_t)(z >> at % 8 * 8);
    }
}

const uint8_t *const *code16_data_of(const struct code16_block *b)
{
    return (const uint8_t *const *)b->shards;
}

void code16_block_encode(struct code16_block *b, struct lm_code16 *code)
{
    assert_int_equal(
        lm_code16_encode(code, b->k, b->m, code16_data_of(b), b->shards + b->k, b->size), 0);
    memcpy(b->original, b->memory, code16_block_bytes(b));
}

struct lm_code16 *code16_for(unsigned k, unsigned m, size_t size)
{
    struct lm_code16 *code;
    struct lm_code16_limits limits = {k, m, size};
    assert_int_equal(lm_code16_create(&code, &limits), 0);
    return code;
}

static unsigned lost_data(const struct code16_block *b)
{
    unsigned n = 0;
    for (unsigned i = 0; i < b->k; i++)
        n += !b->present[i];
    return n;
}

void code16_expect_repair(struct code16_block *b, struct lm_code16 *code,
                          enum lm_code16_method method)
{
    memcpy(b->memory, b->original, code16_block_bytes(b));
    for (unsigned i = 0; i < b->k + b->m; i++) {
        b->shards[i] = b->memory + GUARD_BYTES + i * b->distance;
        if (!b->present[i] && i < b->k)
            memset(b->shards[i], rand(), b->size);
        if (!b->present[i] && i >= b->k)
            b->shards[i] = NULL;
    }
    lm_code16_set_method(code, method);
    int result = lm_code16_decode(code, b->k, b->m, b->shards, b->present, b->size);
    for (unsigned i = b->k; i < b->k + b->m; i++)
        b->shards[i] = b->memory + GUARD_BYTES + i * b->distance;
    assert_int_equal(result, lost_data(b));
    assert_memory_equal(b->memory, b->original, code16_block_bytes(b));
}

void code16_expect_repairs(struct code16_block *b, struct lm_code16 *code)
{
    enum { MOST_PRODUCTS_IN_C = 200000 }; /* for the plain kernel to be done in time */
    double products = (double)lost_data(b) * b->k * (double)(b->size / LM_GF16_BLOCK_BYTES + 1);
    if (lm_gf16_kernel(lm_cpu_flags())->cpu_flags || products < MOST_PRODUCTS_IN_C)
        code16_expect_repair(b, code, LM_CODE16_DENSE);
    code16_expect_repair(b, code, LM_CODE16_MIXED);
    code16_expect_repair(b, code, LM_CODE16_TRANSFORM);
    code16_expect_repair(b, code, LM_CODE16_AUTO);
}

void code16_add_all(struct lm_code16 *code, const struct code16_block *b)
{
    assert_int_equal(lm_code16_begin(code, b->k, b->m, b->size), 0);
    for (unsigned i = 0; i < b->k; i++)
        assert_int_equal(lm_code16_add(code, b->shards[i]), 0);
    assert_int_equal(lm_code16_finish(code, b->shards + b->k), 0);
}

void code16_erase_parity(const struct code16_block *b)
{
    for (unsigned j = b->k; j < b->k + b->m; j++)
        memset(b->shards[j], 0xee, b->size);
}

bool code16_next_kernel(size_t *index)
{
    size_t count;
    const struct lm_gf16_kernel *kernels = lm_gf16_kernels(&count);
    lm_cpu_mask(UINT32_MAX);
    uint32_t flags = lm_cpu_flags();
    while (*index < count && (kernels[*index].cpu_flags & ~flags))
        ++*index;
    if (*index == count)
        return false;
    lm_cpu_mask(kernels[(*index)++].cpu_flags);
    return true;
}
