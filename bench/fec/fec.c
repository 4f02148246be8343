/* Speed of erasure codes, ours beside others, in one run.
 * bench-fec [--shape k,m]... [--shard bytes] [--plugin file.so]... [--level name] [--only name]...
 *           [--rounds n] [--json] [--crossover | --decode8] */
#include "bench/fec/codes.h"
#include "bench/fec/measure.h"
#include "bench/fec/modes.h"
#include "bench/fec/report.h"
#include "core/base/check.h"

#include <dlfcn.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_CODES = 32, MAX_SHAPES = 64, DEFAULT_ROUNDS = 31 };

enum mode { MODE_TABLE = 1, MODE_CROSSOVER, MODE_DECODE8 };

struct options {
    struct fec_shape shapes[MAX_SHAPES];
    uint32_t shape_count;
    const struct fec_plugin *plugins[MAX_CODES];
    uint32_t plugin_count;
    const char *only[MAX_CODES];
    uint32_t only_count;
    uint32_t shard_bytes, rounds;
    enum fec_level level;
    enum mode mode;
    bool json;
};

static const struct {
    uint32_t k, m;
} default_shapes[] = {{32, 8},   {64, 16},    {128, 32},    {200, 50},
                      {256, 64}, {1000, 200}, {4096, 1024}, {10000, 2000}};

static const char *const level_names[] = {[FEC_LEVEL_AUTO] = "auto",
                                          [FEC_LEVEL_C] = "c",
                                          [FEC_LEVEL_AVX2] = "avx2",
                                          [FEC_LEVEL_GFNI256] = "gfni256",
                                          [FEC_LEVEL_GFNI512] = "gfni512"};

static bool ours(const struct fec_plugin *plugin)
{
    return plugin == &fec_lumen16 || plugin == &fec_lumen8;
}

static int add_plugin(struct options *o, const char *path)
{
    /* Never closed: some runtimes cannot be. */
    void *object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!object) {
        fprintf(stderr, "bench-fec: %s\n", dlerror());
        return -1;
    }
    const struct fec_plugin *(*get)(void) = NULL;
    *(void **)&get = dlsym(object, "fec_plugin_get");
    const struct fec_plugin *plugin = get ? get() : NULL;
    if (!plugin || plugin->abi != FEC_PLUGIN_ABI || o->plugin_count == MAX_CODES) {
        fprintf(stderr, "bench-fec: %s: no plug-in of this interface\n", path);
        return -1;
    }
    o->plugins[o->plugin_count++] = plugin;
    return 0;
}

static int add_shape(struct options *o, const char *text)
{
    struct fec_shape *s = &o->shapes[o->shape_count];
    if (o->shape_count == MAX_SHAPES || sscanf(text, "%u,%u", &s->k, &s->m) != 2 || !s->k ||
        !s->m || s->k > 65536 || s->m > s->k)
        return -1;
    o->shape_count++;
    return 0;
}

static int set_level(struct options *o, const char *name)
{
    for (size_t i = FEC_LEVEL_AUTO; i < LM_ARRAY_LEN(level_names); i++)
        if (!strcmp(name, level_names[i])) {
            o->level = (enum fec_level)i;
            return fec_lumen_level(o->level);
        }
    return -1;
}

static int set_number(uint32_t *to, const char *text, uint32_t lowest, uint32_t highest)
{
    char *end;
    unsigned long value = strtoul(text, &end, 10);
    if (*end || value < lowest || value > highest)
        return -1;
    *to = (uint32_t)value;
    return 0;
}

static int set_option(struct options *o, int option)
{
    switch (option) {
    case 's':
        return add_shape(o, optarg);
    case 'b':
        return set_number(&o->shard_bytes, optarg, 64, 65472) || o->shard_bytes % 64;
    case 'p':
        return add_plugin(o, optarg);
    case 'l':
        return set_level(o, optarg);
    case 'o':
        if (o->only_count == MAX_CODES)
            return -1;
        o->only[o->only_count++] = optarg;
        return 0;
    case 'r':
        return set_number(&o->rounds, optarg, 1, MEASURE_MAX_ROUNDS);
    case 'j':
        o->json = true;
        return 0;
    case 'x':
        o->mode = MODE_CROSSOVER;
        return 0;
    case '8':
        o->mode = MODE_DECODE8;
        return 0;
    default:
        return -1;
    }
}

static void keep_only(struct options *o)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < o->plugin_count; i++) {
        bool keep = !o->only_count;
        for (uint32_t j = 0; j < o->only_count; j++)
            keep = keep || !strcmp(o->only[j], o->plugins[i]->name);
        if (keep)
            o->plugins[kept++] = o->plugins[i];
    }
    o->plugin_count = kept;
}

static int parse(struct options *o, int argc, char **argv)
{
    static const struct option long_options[] = {
        {"shape", required_argument, NULL, 's'},  {"shard", required_argument, NULL, 'b'},
        {"plugin", required_argument, NULL, 'p'}, {"level", required_argument, NULL, 'l'},
        {"only", required_argument, NULL, 'o'},   {"rounds", required_argument, NULL, 'r'},
        {"json", no_argument, NULL, 'j'},         {"crossover", no_argument, NULL, 'x'},
        {"decode8", no_argument, NULL, '8'},      {NULL, 0, NULL, 0}};
    int option;
    while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1)
        if (set_option(o, option))
            return -1;
    if (optind != argc)
        return -1;
    if (!o->shape_count)
        for (size_t i = 0; i < LM_ARRAY_LEN(default_shapes); i++)
            o->shapes[o->shape_count++] =
                (struct fec_shape){.k = default_shapes[i].k, .m = default_shapes[i].m};
    for (uint32_t i = 0; i < o->shape_count; i++) {
        o->shapes[i].shard_bytes = o->shard_bytes;
        o->shapes[i].level = o->level;
    }
    keep_only(o);
    return 0;
}

static long resident_kib(void)
{
    long pages = 0;
    FILE *f = fopen("/proc/self/statm", "re");
    if (f && fscanf(f, "%*d %ld", &pages) != 1)
        pages = 0;
    if (f)
        fclose(f);
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

/* What a code's tables cost: they are made with its first object or first use. */
static void measure_setup(const struct options *o)
{
    const struct fec_shape shape = {.k = 64, .m = 16, .shard_bytes = 1024, .level = o->level};
    for (uint32_t i = 0; i < o->plugin_count; i++) {
        void *code;
        long before = resident_kib();
        uint64_t start = measure_now_ns();
        if (o->plugins[i]->create(&code, &shape))
            continue;
        struct fec_setup setup = {
            .first_create_us = (double)(measure_now_ns() - start) * 1e-3,
            .resident_kib = resident_kib() - before,
        };
        fec_report_setup(o->plugins[i], &setup, o->json);
        o->plugins[i]->destroy(code);
    }
}

static void measure_column(struct fec_block *blocks, struct fec_row *rows, uint32_t count,
                           enum fec_column column, uint32_t rounds)
{
    struct measure_job jobs[MAX_CODES];
    for (uint32_t i = 0; i < count; i++)
        jobs[i] = (struct measure_job){
            .call = column == FEC_ENCODE ? fec_block_encode : fec_block_decode,
            .context = &blocks[i],
        };
    measure_run(jobs, count, rounds);
    for (uint32_t i = 0; i < count; i++) {
        const struct fec_shape *s = &blocks[i].data->shape;
        rows[i].median_ns[column] = jobs[i].median_ns;
        rows[i].best_ns[column] = jobs[i].best_ns;
        rows[i].gb_s[column] = (double)s->k * s->shard_bytes / jobs[i].median_ns;
    }
}

/* 5 % of the data, at least one shard, all parity at hand. */
static uint32_t few_lost(const struct fec_shape *shape)
{
    uint32_t count = (shape->k + 10) / 20;
    return LM_MAX(1u, LM_MIN(count, shape->m));
}

static bool measure_shape(const struct options *o, const struct fec_shape *shape)
{
    struct fec_block blocks[MAX_CODES];
    struct fec_row rows[MAX_CODES];
    struct fec_data data;
    uint32_t count = 0, few = few_lost(shape);
    bool ok = true;
    fec_data_init(&data, shape);
    for (uint32_t i = 0; i < o->plugin_count; i++)
        if (!fec_block_init(&blocks[count], o->plugins[i], &data)) {
            rows[count] = (struct fec_row){.plugin = o->plugins[i], .ours = ours(o->plugins[i])};
            rows[count].create_us = blocks[count].create_us;
            rows[count].digest = fec_block_digest(&blocks[count]);
            count++;
        }
    measure_column(blocks, rows, count, FEC_ENCODE, o->rounds);
    for (enum fec_column c = FEC_FEW_LOST; c <= FEC_ALL_LOST; c++) {
        for (uint32_t i = 0; i < count; i++)
            fec_block_lose(&blocks[i], c == FEC_FEW_LOST ? few : shape->m);
        measure_column(blocks, rows, count, c, o->rounds);
    }
    for (uint32_t i = 0; i < count; i++) {
        rows[i].failed = blocks[i].failed;
        ok = ok && !rows[i].failed;
        if (rows[i].plugin == &fec_lumen16)
            rows[i].finish_ns = fec_mode_finish_ns(shape, o->rounds);
        fec_block_finish(&blocks[i]);
    }
    (o->json ? fec_report_json : fec_report_shape)(shape, few, rows, count);
    fflush(stdout);
    fec_data_finish(&data);
    return ok;
}

int main(int argc, char **argv)
{
    static struct options o = {.plugins = {&fec_lumen16, &fec_lumen8},
                               .plugin_count = 2,
                               .shard_bytes = 1024,
                               .rounds = DEFAULT_ROUNDS,
                               .level = FEC_LEVEL_AUTO,
                               .mode = MODE_TABLE};
    bool ok = true;
#ifdef HAVE_ISAL
    o.plugins[o.plugin_count++] = &fec_isal;
#endif
    if (parse(&o, argc, argv)) {
        fprintf(stderr,
                "usage: %s [--shape k,m]... [--shard bytes] [--plugin file.so]...\n"
                "       [--level auto|c|avx2|gfni256|gfni512] [--only code]... [--rounds n]\n"
                "       [--json] [--crossover | --decode8]\n",
                argv[0]);
        return 2;
    }
    if (o.mode == MODE_DECODE8)
        return fec_mode_few(o.plugins, o.plugin_count, o.level, o.rounds) ? 1 : 0;
    if (o.mode == MODE_CROSSOVER) {
        for (uint32_t i = 0; i < o.shape_count; i++)
            ok = !fec_mode_crossover(&o.shapes[i], o.rounds) && ok;
        return ok ? 0 : 1;
    }
    measure_setup(&o);
    for (uint32_t i = 0; i < o.shape_count; i++)
        ok = measure_shape(&o, &o.shapes[i]) && ok;
    return ok ? 0 : 1;
}
