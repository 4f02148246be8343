#include "core/fec/code8_blocks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

void code8_block_init(struct code8_block *b, unsigned k, unsigned m, size_t size)
{
    *b = (struct code8_block){.k = k, .m = m, .size = size};
    b->memory = calloc(k + m, size);
    b->original = calloc(k + m, size);
    assert_true(b->memory && b->original);
    for (unsigned i = 0; i < k + m; i++)
        b->shards[i] = b->memory + i * size;
    memset(b->present, 1, sizeof b->present);
}

void code8_block_finish(struct code8_block *b)
{
    free(b->memory);
    free(b->original);
}

void code8_block_encode(struct code8_block *b, const struct lm_code8 *code)
{
    lm_code8_encode(code, (const uint8_t *const *)b->shards, b->shards + b->k, b->size);
    memcpy(b->original, b->memory, (b->k + b->m) * b->size);
}
