/* Intel ISA-L: dense products over GF(2^8), polynomial 0x11D, its own Cauchy matrix. Built in from
 * Debian's package; with -DFEC_PLUGIN it is a plug-in, for another version of the library. */
#include "bench/fec/fec_plugin.h"

#include <isa-l.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_OF(x) #x
#define TEXT(x)    TEXT_OF(x)

enum { MAX_SHARDS = 255, TABLE_BYTES = 32 };

/* Each block has losses of its own, so decoding counts in the making of their matrix. It is made
 * the cheap way: only the square of the losses is inverted, and the library multiplies the rest. */
struct isal {
    int k, m, shard_bytes;
    uint8_t *matrix; /* (k + m) rows of k */
    uint8_t *square, *inverse, *small_tables;
    uint8_t *rows; /* of k: how each lost shard follows from what arrived */
    uint8_t *encode_tables, *decode_tables;
    void (*tables)(int, int, unsigned char *, unsigned char *);
    void (*product)(int, int, int, unsigned char *, unsigned char **, unsigned char **);
    uint8_t *from[MAX_SHARDS], *to[MAX_SHARDS];
};

static void isal_destroy(void *code)
{
    struct isal *self = code;
    if (!self)
        return;
    free(self->matrix);
    free(self->square);
    free(self->inverse);
    free(self->small_tables);
    free(self->rows);
    free(self->encode_tables);
    free(self->decode_tables);
    free(self);
}

/* From 2.31 on the library's own choice of tables may suit GFNI only. */
static void choose(struct isal *self, enum fec_level level)
{
    self->tables = ec_init_tables;
    self->product = ec_encode_data;
#if defined(__x86_64__)
    if (level == FEC_LEVEL_AVX2)
        self->product = ec_encode_data_avx2;
#endif
    if (level == FEC_LEVEL_C)
        self->product = ec_encode_data_base;
#if ISAL_MINOR_VERSION >= 31
    if (self->product != ec_encode_data)
        self->tables = ec_init_tables_base;
#endif
}

static int isal_create(void **code, const struct fec_shape *shape)
{
    size_t k = shape->k, m = shape->m;
    *code = NULL;
    if (k + m > MAX_SHARDS)
        return -1;
    struct isal *self = calloc(1, sizeof *self);
    if (!self)
        return -1;
    self->k = (int)k;
    self->m = (int)m;
    self->shard_bytes = (int)shape->shard_bytes;
    choose(self, shape->level);
    self->matrix = malloc((k + m) * k);
    self->square = malloc(m * m);
    self->inverse = malloc(m * m);
    self->small_tables = malloc(m * m * TABLE_BYTES);
    self->rows = malloc(m * k);
    self->encode_tables = malloc(m * k * TABLE_BYTES);
    self->decode_tables = malloc(m * k * TABLE_BYTES);
    if (shape->level == FEC_LEVEL_GFNI256 || !self->matrix || !self->square || !self->inverse ||
        !self->small_tables || !self->rows || !self->encode_tables || !self->decode_tables) {
        isal_destroy(self);
        return -1;
    }
    gf_gen_cauchy1_matrix(self->matrix, self->k + self->m, self->k);
    self->tables(self->k, self->m, self->matrix + k * k, self->encode_tables);
    *code = self;
    return 0;
}

static int isal_encode(void *code, const uint8_t *const data[], uint8_t *parity[])
{
    struct isal *self = code;
    memcpy(self->from, data, sizeof *data * (size_t)self->k);
    self->product(self->shard_bytes, self->k, self->m, self->encode_tables, self->from, parity);
    return 0;
}

/* Lost data from the first `count` parity shards, which take the places of the lost, and the rest.
 */
static int prepare(struct isal *self, const uint32_t lost[], uint32_t count)
{
    size_t k = (size_t)self->k;
    uint8_t *parity_rows = self->matrix + k * k;
    for (uint32_t r = 0; r < count; r++) {
        for (uint32_t q = 0; q < count; q++)
            self->square[r * count + q] = parity_rows[r * k + lost[q]];
        self->from[r] = parity_rows + r * k;
        self->to[r] = self->rows + r * k;
    }
    if (gf_invert_matrix(self->square, self->inverse, (int)count))
        return -1;
    self->tables((int)count, (int)count, self->inverse, self->small_tables);
    self->product(self->k, (int)count, (int)count, self->small_tables, self->from, self->to);
    for (uint32_t q = 0; q < count; q++)
        for (uint32_t r = 0; r < count; r++)
            self->rows[q * k + lost[r]] = self->inverse[q * count + r];
    self->tables(self->k, (int)count, self->rows, self->decode_tables);
    return 0;
}

static int isal_decode(void *code, uint8_t *shards[], const uint32_t lost[], uint32_t count)
{
    struct isal *self = code;
    if (!count || lost[count - 1] >= (uint32_t)self->k || prepare(self, lost, count))
        return -1;
    memcpy(self->from, shards, sizeof *shards * (size_t)self->k);
    for (uint32_t i = 0; i < count; i++) {
        self->to[i] = shards[lost[i]];
        self->from[lost[i]] = shards[(uint32_t)self->k + i];
    }
    self->product(self->shard_bytes, self->k, (int)count, self->decode_tables, self->from,
                  self->to);
    return 0;
}

extern const struct fec_plugin fec_isal;
const struct fec_plugin fec_isal = {
    .abi = FEC_PLUGIN_ABI,
    .name = "isa-l-" TEXT(ISAL_MAJOR_VERSION) "." TEXT(ISAL_MINOR_VERSION),
    .version = TEXT(ISAL_MAJOR_VERSION) "." TEXT(ISAL_MINOR_VERSION) "." TEXT(ISAL_PATCH_VERSION),
    .field = "2^8, other matrix",
    .create = isal_create,
    .destroy = isal_destroy,
    .encode = isal_encode,
    .decode = isal_decode,
};

#ifdef FEC_PLUGIN
const struct fec_plugin *fec_plugin_get(void)
{
    return &fec_isal;
}
#endif
