/* The inside of code16.h, shared by its files: the workspace, and transforms of whole shards in
 * stages of up to four levels. Private to core/fec.
 *
 * A column is 64 bytes of each row. Transforms lead from rows to an area and back, see gf16.h. */
#ifndef LUMEN_CORE_FEC_CODE16_PARTS_H
#define LUMEN_CORE_FEC_CODE16_PARTS_H

#include "core/dsp/gf16.h"
#include "core/fec/code16.h"

#include <stdbool.h>

enum {
    LM_C16_BLOCK = LM_GF16_BLOCK_BYTES,
    LM_C16_ORDER = 65535, /* of the multiplicative group */
    LM_C16_MAX_STAGES = 5,
    LM_C16_DENSE_ROWS = 32,     /* of one part of a dense product, */
    LM_C16_COEFFICIENTS = 4096, /* and rows times sources of it */
};

struct lm_c16_shape {
    unsigned k, m, slots, log_slots; /* slots: M */
    size_t size_bytes;
};

/* A range of columns: where it begins in shards, in bytes, and in the areas. */
struct lm_c16_columns {
    size_t at;
    unsigned first, count;
};

/* The locator: logarithms of products of differences of points. */
struct lm_c16_locator {
    const uint16_t *log_table;
    uint32_t *log_of; /* [2^bits]: after lm_c16_locate, 0..65534 */
    int16_t *spectra; /* of the table of logarithms: that of size 2^s at 2^s */
    uint32_t known;   /* bit s: spectrum s is there */
};

/* What a decode is to do; arrays of M unless said. */
struct lm_c16_repair {
    enum lm_code16_method method;
    unsigned lost_count;         /* as many parity shards are used */
    unsigned sources;            /* data at hand */
    unsigned log_size, first;    /* a block of slots that holds the used ones, */
    unsigned log_sum, sum_first; /* and that which transforms of the data lead to */
    const uint8_t *present;
    uint16_t *lost, *used;         /* indices of data and of parity, ascending; the latter are */
    uint16_t *lost_point;          /* points, too */
    uint16_t *lost_log, *used_log; /* of the dense solve's rows and sources, */
    uint32_t *lost_sum, *used_sum; /* and on the way to them */
    uint16_t *source_point, *source_log; /* of the dense syndromes: [k] */
    uint16_t *sigma_scale, *lost_scale;  /* of the transforms' input and output */
};

struct lm_code16 {
    struct lm_code16_limits limits;
    const struct lm_gf16_kernel *kernel;
    const struct lm_gf_field *field;
    const uint16_t *log_table, *exp_table; /* of the field */
    enum lm_code16_method method;
    bool adding;               /* between begin and finish */
    unsigned added, add_step;  /* shards so far; how many at a time are worked on */
    struct lm_c16_shape shape; /* of the block being added */
    void *memory;              /* holds all that follows */
    uint8_t *work, *sum;       /* areas of M rows, as wide as shards */
    uint8_t **row;             /* [m]: rows as wide as shards */
    const uint8_t **src;       /* [k]: data by index; NULL: lost */
    const uint8_t **picked;    /* [k]: without gaps */
    uint8_t **dst, **wanted;   /* [M] */
    uint8_t *tails, **tail;    /* [k + m] blocks, and a pointer to each */
    struct lm_c16_locator locator;
    struct lm_c16_repair repair;
    uint16_t coefficients[LM_C16_COEFFICIENTS];
};

/* Stage s does the levels first[s] .. first[s + 1] - 1. */
struct lm_c16_split {
    unsigned stages;
    unsigned first[LM_C16_MAX_STAGES + 1];
};

struct lm_c16_transform {
    const struct lm_gf16_kernel *kernel;
    const struct lm_gf_field *field;
    struct lm_c16_split split;
    unsigned base; /* first point, a multiple of the transform's size */
    unsigned columns;
    struct lm_gf16_area work; /* between the stages */
    struct lm_gf16_area area; /* coefficients */
    /* Inverse: from src to area, by way of work, which is another. */
    const uint8_t *const *src; /* NULL: zeros */
    size_t src_at;
    unsigned rows;  /* sources from here on are zeros, and not looked at */
    uint16_t scale; /* of the results */
    bool add;       /* onto area */
    /* Forward: from area to dst, by way of work, which may be area, or else leaves it as it is. */
    uint8_t *const *dst; /* NULL: not wanted */
    size_t dst_at;
};

/* The transform of 2^log_size rows, 1..15, the rest zero. */
void lm_c16_transform_init(struct lm_c16_transform *t, const struct lm_code16 *code,
                           unsigned log_size);
/* Sets columns, work and area: these columns of code->work and code->sum. */
void lm_c16_transform_place(struct lm_c16_transform *t, const struct lm_code16 *code,
                            const struct lm_c16_columns *c);
/* Points to coefficients: all of it, or what can be done once the first `upto` sources are there
 * (a step of every lm_c16_inverse_step rows, the last one with the whole size). */
void lm_c16_inverse(const struct lm_c16_transform *t);
void lm_c16_inverse_upto(const struct lm_c16_transform *t, unsigned upto);
unsigned lm_c16_inverse_step(const struct lm_c16_transform *t);
/* Coefficients to points. */
void lm_c16_forward(const struct lm_c16_transform *t);

/* How many columns to take at once in transforms of `rows` rows. */
unsigned lm_c16_columns(unsigned rows);
/* The next range of at most `most` columns of `size_bytes`, after *c (all zero at first); false:
 * there is none. It begins in the areas at 0. */
bool lm_c16_next_columns(struct lm_c16_columns *c, unsigned most, size_t size_bytes);

/* A Cauchy product: the coefficient of a row and a source is
 * exp(row_log + source_log - log(row_point ^ source_point)). */
struct lm_c16_cauchy {
    const uint16_t *row_point, *row_log, *source_point, *source_log;
    unsigned rows, sources;
};
/* dst = product of src; `add`: onto dst. */
void lm_c16_dense(struct lm_code16 *code, const struct lm_c16_cauchy *cauchy,
                  const uint8_t *const src[], uint8_t *const dst[], size_t size_bytes, bool add);
/* dst = XOR of src; `add`: onto dst. */
void lm_c16_xor(struct lm_code16 *code, const uint8_t *const src[], unsigned sources, uint8_t *dst,
                size_t src_at, size_t size_bytes, bool add);

/* 2^bits zeros, in which the caller sets the erased points to 1, and then the locator of them:
 * for all x < 2^bits the sum of log(x ^ f) over the erased points f other than x. */
uint32_t *lm_c16_erasures(struct lm_c16_locator *l, unsigned bits);
void lm_c16_locate(struct lm_c16_locator *l, unsigned bits);

/* Chooses, by cost, log_sum, and the method where code->method leaves it open, for the repair whose
 * lost_count, sources and log_size are known. */
void lm_c16_choose(struct lm_code16 *code, const struct lm_c16_shape *s);

/* Bytes of a tail, less than 64 and even, in the form of a block of 64 and back. */
void lm_c16_tail_pad(uint8_t *block, const uint8_t *tail, size_t tail_bytes);
void lm_c16_tail_unpad(uint8_t *tail, const uint8_t *block, size_t tail_bytes);

void lm_c16_shape_init(struct lm_c16_shape *s, unsigned k, unsigned m, size_t size_bytes);
unsigned lm_c16_log_ceiling(unsigned n); /* of the least power of two >= n */

#endif
