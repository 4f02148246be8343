/* lumen's codes as bench-fec sees them. */
#include "bench/fec/codes.h"
#include "core/dsp/cpu.h"
#include "core/fec/code16.h"
#include "core/fec/code8.h"

#include <stdlib.h>
#include <string.h>

struct lumen {
    struct fec_shape shape;
    struct lm_code16 *code16;
    struct lm_code8 *code8;
    uint8_t present[];
};

int fec_lumen_level(enum fec_level level)
{
    static const uint32_t flags[] = {
        [FEC_LEVEL_AUTO] = UINT32_MAX,
        [FEC_LEVEL_C] = 0,
        [FEC_LEVEL_AVX2] = LM_CPU_AVX2,
        [FEC_LEVEL_GFNI256] = LM_CPU_AVX2 | LM_CPU_GFNI,
        [FEC_LEVEL_GFNI512] = LM_CPU_AVX2 | LM_CPU_GFNI | LM_CPU_AVX512,
    };
    lm_cpu_mask(flags[level]);
    return level == FEC_LEVEL_AUTO || lm_cpu_flags() == flags[level] ? 0 : -1;
}

static void lumen_destroy(void *code)
{
    struct lumen *self = code;
    if (!self)
        return;
    lm_code16_destroy(self->code16);
    lm_code8_destroy(self->code8);
    free(self);
}

static struct lumen *lumen_new(const struct fec_shape *shape)
{
    struct lumen *self = calloc(1, sizeof *self + shape->k + shape->m);
    if (!self)
        return NULL;
    self->shape = *shape;
    memset(self->present, 1, shape->k + shape->m);
    if (fec_lumen_level(shape->level)) {
        free(self);
        return NULL;
    }
    return self;
}

static int lumen16_create(void **code, const struct fec_shape *shape)
{
    struct lm_code16_limits limits = {
        .data = shape->k, .parity = shape->m, .shard_bytes = shape->shard_bytes};
    struct lumen *self = lumen_new(shape);
    *code = self;
    if (!self)
        return -1;
    if (!lm_code16_create(&self->code16, &limits))
        return 0;
    lumen_destroy(self);
    return -1;
}

static int lumen16_encode(void *code, const uint8_t *const data[], uint8_t *parity[])
{
    struct lumen *self = code;
    return lm_code16_encode(self->code16, self->shape.k, self->shape.m, data, parity,
                            self->shape.shard_bytes);
}

static void mark(struct lumen *self, const uint32_t lost[], uint32_t count, uint8_t value)
{
    for (uint32_t i = 0; i < count; i++)
        self->present[lost[i]] = value;
}

static int lumen16_decode(void *code, uint8_t *shards[], const uint32_t lost[], uint32_t count)
{
    struct lumen *self = code;
    mark(self, lost, count, 0);
    int err = lm_code16_decode(self->code16, self->shape.k, self->shape.m, shards, self->present,
                               self->shape.shard_bytes);
    mark(self, lost, count, 1);
    return err < 0;
}

static int lumen8_create(void **code, const struct fec_shape *shape)
{
    *code = NULL;
    if (shape->k + shape->m > LM_CODE8_MAX_SHARDS)
        return -1;
    struct lumen *self = lumen_new(shape);
    *code = self;
    if (!self)
        return -1;
    if (!lm_code8_create(&self->code8, shape->k, shape->m))
        return 0;
    lumen_destroy(self);
    return -1;
}

static int lumen8_encode(void *code, const uint8_t *const data[], uint8_t *parity[])
{
    struct lumen *self = code;
    lm_code8_encode(self->code8, data, parity, self->shape.shard_bytes);
    return 0;
}

static int lumen8_decode(void *code, uint8_t *shards[], const uint32_t lost[], uint32_t count)
{
    struct lumen *self = code;
    mark(self, lost, count, 0);
    int err = lm_code8_decode(self->code8, shards, self->present, self->shape.shard_bytes);
    mark(self, lost, count, 1);
    return err < 0;
}

const struct fec_plugin fec_lumen16 = {
    .abi = FEC_PLUGIN_ABI,
    .name = "lumen16",
    .version = "this build",
    .field = "2^16 Leopard",
    .create = lumen16_create,
    .destroy = lumen_destroy,
    .encode = lumen16_encode,
    .decode = lumen16_decode,
};

const struct fec_plugin fec_lumen8 = {
    .abi = FEC_PLUGIN_ABI,
    .name = "lumen8",
    .version = "this build",
    .field = "2^8 GameStream",
    .create = lumen8_create,
    .destroy = lumen_destroy,
    .encode = lumen8_encode,
    .decode = lumen8_decode,
};
