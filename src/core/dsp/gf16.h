/* Kernels of Leopard's GF(2^16): butterflies of the additive transforms and dense products, on rows
 * of bytes. Any thread; nothing here allocates.
 *
 * A constant is a label (Cantor basis). A row is 64-byte blocks, the low bytes of 32 words first,
 * then their high bytes. The labels below 256 are a subfield; the high byte of a word counts
 * multiples of an element outside it, but in the Cantor basis with something of the subfield added.
 * Rows in "tower form" have that something taken away: low byte ^= a fixed bit matrix times high
 * byte, which is its own inverse. There, multiplication by a label below 256 ("narrow") is a
 * bytewise map, one instruction where a full one takes several. Zero rows and sums are the same in
 * both forms. Butterflies work in tower form and convert plain rows on their way in and out, so
 * rows between two calls are best kept in tower form. */
#ifndef LUMEN_CORE_DSP_GF16_H
#define LUMEN_CORE_DSP_GF16_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    LM_GF16_BLOCK_BYTES = 64,
    LM_BUTTERFLY_MAX_LEVELS = 4,
    LM_BUTTERFLY_MAX_ROWS = 1 << LM_BUTTERFLY_MAX_LEVELS,
};

/* The field's constants in the forms that the kernels want. Static storage. */
struct lm_gf_field;

/* Made on the first call (under 1 ms, under 512 KiB); any thread. */
const struct lm_gf_field *lm_gf16_field(void);

/* Arithmetic on labels, for codes. The logarithm of 0 does not exist; 0..65534. */
uint16_t lm_gf16_log(uint16_t label);
uint16_t lm_gf16_exp(uint32_t logarithm); /* any value: taken modulo 65535 */
uint16_t lm_gf16_multiply(uint16_t a, uint16_t b);
uint16_t lm_gf16_inverse(uint16_t a); /* a is not 0 */
/* The table behind lm_gf16_log, 65536 entries, entry 0 is 0; and that of lm_gf16_exp, for 0..65535.
 */
const uint16_t *lm_gf16_log_table(void);
const uint16_t *lm_gf16_exp_table(void);

/* Where rows lie: row r is src[r * stride] + src_at and dst[r * stride] + dst_at, size_bytes long
 * (a multiple of 64, >= 64; any alignment). A src of NULL is a row of zero bytes. A dst of NULL is
 * a row that nobody wants. A dst may be the src of the same row; other overlaps are forbidden. The
 * same happens to `stripes` sets of rows, of which the q-th begins at src[q] and dst[q]. */
struct lm_gf_rows {
    const uint8_t *const *src;
    uint8_t *const *dst;
    size_t stride;
    size_t stripes; /* 0 counts as 1 */
    size_t src_at, dst_at;
    size_t size_bytes;
};

/* Up to four levels of butterflies on 2^levels rows, fused. Level l (0: neighbouring rows) has
 * 2^(levels - 1 - l) blocks of 2^(l + 1) rows, each with one factor:
 *   factor of block b at level l = twiddle[(1 << (levels - 1 - l)) - 1 + b]. */
struct lm_butterflies {
    const struct lm_gf_field *field;
    uint32_t levels; /* 1..4 */
    uint16_t twiddle[LM_BUTTERFLY_MAX_ROWS - 1];
    uint16_t scale; /* inverse only: every result times this; 1: no scaling, 0 is forbidden */
    bool tower_src, tower_dst; /* the form of the rows read and written; false: plain */
};

/* Dense, of plain rows: dst[r] = XOR over sources of coefficients[source * stride + r] *
 * src[source]. */
struct lm_gf16_map {
    const struct lm_gf_field *field;
    const uint16_t *coefficients;
    unsigned rows, sources; /* >= 1 */
    unsigned stride;        /* >= rows */
};

struct lm_gf16_kernel {
    const char *name;
    uint32_t cpu_flags; /* all needed */
    /* From level 0 up: with t the factor, lower and upper row: upper ^= lower; lower ^= t * upper.
     * `add`: results are XORed onto dst instead of stored; dst is then never a src. */
    void (*inverse)(const struct lm_butterflies *b, const struct lm_gf_rows *rows, bool add);
    /* From the highest level down: lower ^= t * upper; upper ^= lower. */
    void (*forward)(const struct lm_butterflies *b, const struct lm_gf_rows *rows);
    /* `rows->stride` is not looked at here (it is 1); src has map->sources pointers (none NULL),
     * dst map->rows (none NULL). No dst is a src, but for a map of one row and one source, which
     * may work in place. `add` as above. */
    void (*apply)(const struct lm_gf16_map *map, const struct lm_gf_rows *rows, bool add);
};

/* The best kernel for these flags (lm_cpu_flags()); never NULL. */
const struct lm_gf16_kernel *lm_gf16_kernel(uint32_t cpu_flags);

/* All kernels of this build, best first, the last one plain C. */
const struct lm_gf16_kernel *lm_gf16_kernels(size_t *count);

#endif
