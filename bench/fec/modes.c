#include "bench/fec/modes.h"

#include "bench/fec/block.h"
#include "bench/fec/codes.h"
#include "bench/fec/measure.h"
#include "core/base/check.h"
#include "core/fec/code16.h"

#include <stdio.h>
#include <stdlib.h>

enum { METHODS = 4, MAX_CODES = 32 };

/* lumen16 held to one method: the table of the code, with another create. */
struct method_code {
    struct fec_block block;
    struct lm_code16 *code;
    uint8_t *present;
};

static void method_decode(void *context, uint32_t times)
{
    struct method_code *m = context;
    const struct fec_shape *s = &m->block.data->shape;
    while (times--)
        if (lm_code16_decode(m->code, s->k, s->m, m->block.shards, m->present, s->shard_bytes) !=
            (int)m->block.lost_count)
            m->block.failed = true;
}

static int method_init(struct method_code *m, const struct fec_data *data,
                       enum lm_code16_method method)
{
    const struct fec_shape *s = &data->shape;
    struct lm_code16_limits limits = {.data = s->k, .parity = s->m, .shard_bytes = s->shard_bytes};
    m->code = NULL;
    m->present = malloc(s->k + s->m);
    if (fec_block_init(&m->block, &fec_lumen16, data) || !m->present ||
        lm_code16_create(&m->code, &limits))
        return -1;
    lm_code16_set_method(m->code, method);
    return 0;
}

static void method_lose(struct method_code *m, uint32_t count)
{
    const struct fec_shape *s = &m->block.data->shape;
    fec_block_lose(&m->block, count);
    for (uint32_t i = 0; i < s->k + s->m; i++)
        m->present[i] = 1;
    for (uint32_t i = 0; i < count; i++)
        m->present[m->block.lost[i]] = 0;
}

static bool crossover_row(struct method_code methods[METHODS], uint32_t losses, uint32_t rounds)
{
    static const char *const names[METHODS] = {"auto", "dense", "mixed", "transform"};
    struct measure_job jobs[METHODS] = {{0}};
    size_t fastest = 1;
    bool ok = true;
    for (size_t i = 0; i < METHODS; i++) {
        method_lose(&methods[i], losses);
        jobs[i] = (struct measure_job){.call = method_decode, .context = &methods[i]};
    }
    measure_run(jobs, METHODS, rounds);
    for (size_t i = 1; i < METHODS; i++)
        if (jobs[i].median_ns < jobs[fastest].median_ns)
            fastest = i;
    printf("%6u", losses);
    for (size_t i = 0; i < METHODS; i++) {
        printf(" %10.1f", jobs[i].median_ns * 1e-3);
        ok = ok && !methods[i].block.failed;
    }
    printf("  %-9s %5.2f%s\n", names[fastest], jobs[0].median_ns / jobs[fastest].median_ns,
           ok ? "" : "  FAILED");
    return ok;
}

int fec_mode_crossover(const struct fec_shape *shape, uint32_t rounds)
{
    static const enum lm_code16_method order[METHODS] = {LM_CODE16_AUTO, LM_CODE16_DENSE,
                                                         LM_CODE16_MIXED, LM_CODE16_TRANSFORM};
    struct method_code methods[METHODS];
    struct fec_data data;
    bool ok = true;
    fec_data_init(&data, shape);
    for (size_t i = 0; i < METHODS; i++)
        if (method_init(&methods[i], &data, order[i]))
            return -1;
    printf("\nk %u, m %u, %u-byte shards; decode, us\n%6s %10s %10s %10s %10s  %-9s %s\n", shape->k,
           shape->m, shape->shard_bytes, "lost", "auto", "dense", "mixed", "transform", "fastest",
           "auto / fastest");
    /* About four steps an octave. */
    for (uint32_t n = 1; n < shape->m; n += n < 4 ? 1 : n / 4)
        ok = crossover_row(methods, n, rounds) && ok;
    ok = crossover_row(methods, shape->m, rounds) && ok;
    for (size_t i = 0; i < METHODS; i++) {
        fec_block_finish(&methods[i].block);
        lm_code16_destroy(methods[i].code);
        free(methods[i].present);
    }
    fec_data_finish(&data);
    return ok ? 0 : -1;
}

static bool few_shape(const struct fec_plugin *const plugins[], uint32_t count,
                      const struct fec_shape *shape, const uint32_t *losses, uint32_t rounds)
{
    struct fec_block blocks[MAX_CODES];
    struct measure_job jobs[MAX_CODES];
    struct fec_data data;
    uint32_t used = 0;
    bool ok = true;
    LM_CHECK(count <= MAX_CODES);
    fec_data_init(&data, shape);
    for (uint32_t i = 0; i < count; i++)
        if (!fec_block_init(&blocks[used], plugins[i], &data))
            used++;
    for (; *losses; losses++) {
        for (uint32_t i = 0; i < used; i++) {
            fec_block_lose(&blocks[i], *losses);
            jobs[i] = (struct measure_job){.call = fec_block_decode, .context = &blocks[i]};
        }
        measure_run(jobs, used, rounds);
        printf("\nk %u, m %u, %u-byte shards, %u lost\n", shape->k, shape->m, shape->shard_bytes,
               *losses);
        for (uint32_t i = 0; i < used; i++) {
            printf("  %-14s %10.2f us  (best %.2f)%s\n", blocks[i].plugin->name,
                   jobs[i].median_ns * 1e-3, jobs[i].best_ns * 1e-3,
                   blocks[i].failed ? "  FAILED" : "");
            ok = ok && !blocks[i].failed;
        }
    }
    for (uint32_t i = 0; i < used; i++)
        fec_block_finish(&blocks[i]);
    fec_data_finish(&data);
    return ok;
}

int fec_mode_few(const struct fec_plugin *const plugins[], uint32_t count, enum fec_level level,
                 uint32_t rounds)
{
    const struct fec_shape small = {.k = 212, .m = 42, .shard_bytes = 1408, .level = level};
    const struct fec_shape large = {.k = 1000, .m = 200, .shard_bytes = 1024, .level = level};
    static const uint32_t few[] = {1, 3, 11, 0}, one[] = {1, 0};
    bool ok = few_shape(plugins, count, &small, few, rounds);
    ok = few_shape(plugins, count, &large, one, rounds) && ok;
    return ok ? 0 : -1;
}

struct stream {
    struct fec_data data;
    struct lm_code16 *code;
    uint8_t *bytes, **parity;
};

static void stream_add_all(void *context)
{
    struct stream *s = context;
    const struct fec_shape *shape = &s->data.shape;
    int err = lm_code16_begin(s->code, shape->k, shape->m, shape->shard_bytes);
    for (uint32_t i = 0; i < shape->k && !err; i++)
        err = lm_code16_add(s->code, s->data.shards[i]);
    LM_CHECK(!err);
}

/* A block is finished once: `times` is 1, as there is something before. */
static void stream_finish(void *context, uint32_t times)
{
    struct stream *s = context;
    LM_CHECK(times == 1);
    int err = lm_code16_finish(s->code, s->parity);
    LM_CHECK(!err);
}

double fec_mode_finish_ns(const struct fec_shape *shape, uint32_t rounds)
{
    struct lm_code16_limits limits = {
        .data = shape->k, .parity = shape->m, .shard_bytes = shape->shard_bytes};
    struct stream s = {.code = NULL};
    struct measure_job job = {.call = stream_finish, .before = stream_add_all, .context = &s};
    if (fec_lumen_level(shape->level) || lm_code16_create(&s.code, &limits))
        return 0;
    fec_data_init(&s.data, shape);
    s.bytes = aligned_alloc(64, (size_t)shape->m * shape->shard_bytes);
    s.parity = malloc(shape->m * sizeof *s.parity);
    LM_CHECK(s.bytes && s.parity);
    for (uint32_t i = 0; i < shape->m; i++)
        s.parity[i] = s.bytes + (size_t)i * shape->shard_bytes;
    measure_run(&job, 1, rounds);
    lm_code16_destroy(s.code);
    fec_data_finish(&s.data);
    free(s.bytes);
    free(s.parity);
    return job.median_ns;
}
