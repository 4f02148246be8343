/* The shape of the kernels with 16 or 32 registers and no masked stores: up to four rows of two
 * vectors stay in registers while all sources pass by, each loaded once per four rows; of one or
 * two rows it is four vectors. The file that includes this defines VECTOR_BYTES and struct source,
 * source_at(p)            what of a source vector is needed struct factor, factor_of(c) a
 * coefficient, ready to multiply vector, vector_zero(), vector_load(), vector_store(),
 * add_product(sum, source, factor) A size that is no multiple of the vector is finished by
 * computing the last full vector anew, which is harmless because results are stored: they are added
 * only where there is no remainder. */
#include "core/dsp/gf8.h"

#define GROUP_ROWS  4
#define MAX_COLUMNS 4
#define INLINE      static inline __attribute__((always_inline))

INLINE void tile(const struct lm_gf8_map *map, unsigned row, const unsigned rows,
                 const unsigned columns, const uint8_t *const src[], uint8_t *const dst[],
                 size_t at)
{
    vector sum[GROUP_ROWS][MAX_COLUMNS];
    const uint8_t *coefficients = map->coefficients + row;
    for (unsigned r = 0; r < rows; r++)
        for (unsigned c = 0; c < columns; c++)
            sum[r][c] =
                map->add ? vector_load(dst[row + r] + at + c * VECTOR_BYTES) : vector_zero();
    for (unsigned i = 0; i < map->sources; i++, coefficients += map->stride) {
        struct source s[MAX_COLUMNS];
        for (unsigned c = 0; c < columns; c++)
            s[c] = source_at(src[i] + at + c * VECTOR_BYTES);
        for (unsigned r = 0; r < rows; r++) {
            struct factor f = factor_of(coefficients[r]);
            for (unsigned c = 0; c < columns; c++)
                sum[r][c] = add_product(sum[r][c], s[c], f);
        }
    }
    for (unsigned r = 0; r < rows; r++)
        for (unsigned c = 0; c < columns; c++)
            vector_store(dst[row + r] + at + c * VECTOR_BYTES, sum[r][c]);
}

/* All rows of `columns` vectors from byte `at`. */
INLINE void strip(const struct lm_gf8_map *map, const unsigned columns, const uint8_t *const src[],
                  uint8_t *const dst[], size_t at)
{
    unsigned row = 0;
    for (; row + 4 <= map->rows; row += 4)
        tile(map, row, 4, columns, src, dst, at);
    if (map->rows - row == 3)
        tile(map, row, 3, columns, src, dst, at);
    else if (map->rows - row == 2)
        tile(map, row, 2, columns, src, dst, at);
    else if (map->rows - row == 1)
        tile(map, row, 1, columns, src, dst, at);
}

INLINE void apply(const struct lm_gf8_map *map, const uint8_t *const src[], uint8_t *const dst[],
                  size_t size_bytes)
{
    size_t at = 0;
    if (size_bytes < VECTOR_BYTES) {
        lm_gf8_apply_c(map, src, dst, size_bytes);
        return;
    }
    for (; map->rows == 1 && at + 4 * VECTOR_BYTES <= size_bytes; at += 4 * VECTOR_BYTES)
        tile(map, 0, 1, 4, src, dst, at);
    for (; map->rows == 2 && at + 4 * VECTOR_BYTES <= size_bytes; at += 4 * VECTOR_BYTES)
        tile(map, 0, 2, 4, src, dst, at);
    for (; at + 2 * VECTOR_BYTES <= size_bytes; at += 2 * VECTOR_BYTES)
        strip(map, 2, src, dst, at);
    if (at + VECTOR_BYTES <= size_bytes) {
        strip(map, 1, src, dst, at);
        at += VECTOR_BYTES;
    }
    if (at < size_bytes)
        strip(map, 1, src, dst, size_bytes - VECTOR_BYTES);
}
