/* Kernels of Leopard's GF(2^16): butterflies of the additive transforms and dense products, on rows
 * of bytes. Any thread; nothing here allocates.
 *
 * A constant is a label (Cantor basis). A row is 64-byte blocks, the low bytes of 32 words first,
 * then their high bytes. The labels below 256 are a subfield; the high byte of a word counts
 * multiples of an element outside it, but in the Cantor basis with something of the subfield added.
 * Rows in "tower form" have that something taken away: low byte ^= a fixed bit matrix times high
 * byte, which is its own inverse. There, multiplication by a label below 256 ("narrow") is a
 * bytewise map, one instruction where a full one takes several.
 *
 * Rows that are handed in or out are plain and lie anywhere. In the middle of a transform they are
 * in tower form and lie in an area, block beside block of one column, so that a few columns of all
 * rows stay in the innermost cache, and lie at distances that need no pointers. */
#ifndef LUMEN_CORE_DSP_GF16_H
#define LUMEN_CORE_DSP_GF16_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    LM_GF16_BLOCK_BYTES = 64,
    LM_GF16_STAGE_LEVELS = 4, /* at most */
    LM_GF16_STAGE_ROWS = 1 << LM_GF16_STAGE_LEVELS,
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

/* Block c of row r lies at memory + c * column_bytes + r * 64. Both are multiples of 64, the
 * address too. */
struct lm_gf16_area {
    uint8_t *memory;
    size_t column_bytes;
};

/* One to four levels of a transform, fused, on `blocks` blocks of 2^(first + levels) rows, one
 * after the other, the first row of which is at `point`. At level l, first <= l < first + levels,
 * rows 2^l apart are a pair, and the factor of the pairs of 2^(l + 1) rows from point p on is p >>
 * l. */
struct lm_gf16_stage {
    const struct lm_gf_field *field;
    uint32_t first, levels; /* levels 1..4, first + levels <= 15 */
    uint32_t point;         /* a multiple of 2^(first + levels); the last row's is <= 65535 */
    uint32_t blocks;        /* >= 1 */
    uint32_t columns;       /* >= 1 */
    uint16_t scale;         /* inverse only: every result times this; 1: none, 0 is forbidden */
};

/* Dense, of plain rows: dst[r] = XOR over sources of coefficients[source * stride + r] *
 * src[source]. */
struct lm_gf16_map {
    const struct lm_gf_field *field;
    const uint16_t *coefficients;
    unsigned rows, sources; /* >= 1 */
    unsigned stride;        /* >= rows */
};

/* Where rows lie: row r is src[r] + src_at and dst[r] + dst_at, size_bytes long (a multiple of 64,
 * >= 64; any alignment). */
struct lm_gf_rows {
    const uint8_t *const *src;
    uint8_t *const *dst;
    size_t src_at, dst_at;
    size_t size_bytes;
};

struct lm_gf16_kernel {
    const char *name;
    uint32_t cpu_flags; /* all needed */
    /* Inverse: from the lowest level up: with t the factor, lower and upper row: upper ^= lower;
     * lower ^= t * upper. `add`: results are XORed onto what is there, instead of stored.
     * From plain rows (first == 0): row r is src[r] + src_at, as long as the columns, any
     * alignment; NULL: zeros. */
    void (*inverse_in)(const struct lm_gf16_stage *s, const uint8_t *const src[], size_t src_at,
                       const struct lm_gf16_area *to, bool add);
    /* The areas are the same or apart; apart if `add`. */
    void (*inverse)(const struct lm_gf16_stage *s, const struct lm_gf16_area *from,
                    const struct lm_gf16_area *to, bool add);
    /* Forward: from the highest level down: lower ^= t * upper; upper ^= lower. The areas are the
     * same or apart. */
    void (*forward)(const struct lm_gf16_stage *s, const struct lm_gf16_area *from,
                    const struct lm_gf16_area *to);
    /* To plain rows (first == 0): dst[r] + dst_at; NULL: nobody wants it. */
    void (*forward_out)(const struct lm_gf16_stage *s, const struct lm_gf16_area *from,
                        uint8_t *const dst[], size_t dst_at);
    /* src has map->sources pointers (none NULL), dst map->rows (none NULL). No dst is a src, but
     * for a map of one row and one source, which may work in place. `add` as above. */
    void (*apply)(const struct lm_gf16_map *map, const struct lm_gf_rows *rows, bool add);
};

/* The best kernel for these flags (lm_cpu_flags()); never NULL. */
const struct lm_gf16_kernel *lm_gf16_kernel(uint32_t cpu_flags);

/* All kernels of this build, best first, the last one plain C. */
const struct lm_gf16_kernel *lm_gf16_kernels(size_t *count);

#endif
