/* Bit-matrix products on 64 bytes. Sources pass by in pairs so that one three-way XOR adds two
 * products: XOR and product share an execution port on some processors. */
#include "core/dsp/gf8.h"
#include "core/dsp/gf8_tables.h"

#include <immintrin.h>

#define VECTOR_BYTES 64
#define GROUP_ROWS   8
#define MAX_COLUMNS  8
#define XOR3         0x96
#define INLINE       static inline __attribute__((always_inline))

INLINE __m512i matrix_of(uint8_t c)
{
    return _mm512_set1_epi64((long long)lm_gf8_affine[c]);
}

INLINE __m512i product(__m512i v, __m512i matrix)
{
    return _mm512_gf2p8affine_epi64_epi8(v, matrix, 0);
}

/* Masked lanes are neither read nor written; a full mask costs nothing. */
INLINE __m512i load(const uint8_t *p, __mmask64 mask)
{
    return mask == UINT64_MAX ? _mm512_loadu_si512(p) : _mm512_maskz_loadu_epi8(mask, p);
}

INLINE void store(uint8_t *p, __mmask64 mask, __m512i v)
{
    if (mask == UINT64_MAX)
        _mm512_storeu_si512(p, v);
    else
        _mm512_mask_storeu_epi8(p, mask, v);
}

/* Rows `row`.. of `columns` vectors; the products stay in registers. */
INLINE void tile(const struct lm_gf8_map *map, unsigned row, const unsigned rows,
                 const unsigned columns, const uint8_t *const src[], uint8_t *const dst[],
                 size_t at, __mmask64 mask)
{
    __m512i sum[GROUP_ROWS][MAX_COLUMNS], s[2][MAX_COLUMNS];
    const uint8_t *coefficients = map->coefficients + row;
    unsigned i = 0;
    for (unsigned r = 0; r < rows; r++)
        for (unsigned c = 0; c < columns; c++)
            sum[r][c] = map->add ? load(dst[row + r] + at + c * VECTOR_BYTES, mask)
                                 : _mm512_setzero_si512();
    for (; i + 2 <= map->sources; i += 2) {
        for (unsigned c = 0; c < columns; c++) {
            s[0][c] = load(src[i] + at + c * VECTOR_BYTES, mask);
            s[1][c] = load(src[i + 1] + at + c * VECTOR_BYTES, mask);
        }
        for (unsigned r = 0; r < rows; r++) {
            __m512i m0 = matrix_of(coefficients[r]), m1 = matrix_of(coefficients[map->stride + r]);
            for (unsigned c = 0; c < columns; c++)
                sum[r][c] = _mm512_ternarylogic_epi64(sum[r][c], product(s[0][c], m0),
                                                      product(s[1][c], m1), XOR3);
        }
        coefficients += 2 * map->stride;
    }
    for (unsigned c = 0; i < map->sources && c < columns; c++) {
        s[0][c] = load(src[i] + at + c * VECTOR_BYTES, mask);
        for (unsigned r = 0; r < rows; r++)
            sum[r][c] = _mm512_xor_si512(sum[r][c], product(s[0][c], matrix_of(coefficients[r])));
    }
    for (unsigned r = 0; r < rows; r++)
        for (unsigned c = 0; c < columns; c++)
            store(dst[row + r] + at + c * VECTOR_BYTES, mask, sum[r][c]);
}

INLINE void group(const struct lm_gf8_map *map, unsigned row, unsigned rows, const unsigned columns,
                  const uint8_t *const src[], uint8_t *const dst[], size_t at, __mmask64 mask)
{
    switch (rows) {
    case 1:
        tile(map, row, 1, columns, src, dst, at, mask);
        break;
    case 2:
        tile(map, row, 2, columns, src, dst, at, mask);
        break;
    case 3:
        tile(map, row, 3, columns, src, dst, at, mask);
        break;
    case 4:
        tile(map, row, 4, columns, src, dst, at, mask);
        break;
    case 5:
        tile(map, row, 5, columns, src, dst, at, mask);
        break;
    case 6:
        tile(map, row, 6, columns, src, dst, at, mask);
        break;
    case 7:
        tile(map, row, 7, columns, src, dst, at, mask);
        break;
    default:
        tile(map, row, 8, columns, src, dst, at, mask);
        break;
    }
}

/* At most five rows. */
INLINE void narrow(const struct lm_gf8_map *map, const unsigned columns, const uint8_t *const src[],
                   uint8_t *const dst[], size_t at)
{
    switch (map->rows) {
    case 1:
        tile(map, 0, 1, columns, src, dst, at, UINT64_MAX);
        break;
    case 2:
        tile(map, 0, 2, columns, src, dst, at, UINT64_MAX);
        break;
    case 3:
        tile(map, 0, 3, columns, src, dst, at, UINT64_MAX);
        break;
    case 4:
        tile(map, 0, 4, columns, src, dst, at, UINT64_MAX);
        break;
    default:
        tile(map, 0, 5, columns, src, dst, at, UINT64_MAX);
        break;
    }
}

/* All rows, in groups of even size: nine rows are five and four, not eight and a slow one. */
INLINE void strip(const struct lm_gf8_map *map, const unsigned columns, const uint8_t *const src[],
                  uint8_t *const dst[], size_t at, __mmask64 mask)
{
    unsigned left = (map->rows + GROUP_ROWS - 1) / GROUP_ROWS;
    for (unsigned row = 0; left; left--) {
        unsigned rows = (map->rows - row + left - 1) / left;
        group(map, row, rows, columns, src, dst, at, mask);
        row += rows;
    }
}

/* Few rows leave registers for more columns, which saves looking up coefficients. */
void lm_gf8_apply_gfni512(const struct lm_gf8_map *map, const uint8_t *const src[],
                          uint8_t *const dst[], size_t size_bytes)
{
    size_t at = 0;
    for (; map->rows == 1 && at + 8 * VECTOR_BYTES <= size_bytes; at += 8 * VECTOR_BYTES)
        tile(map, 0, 1, 8, src, dst, at, UINT64_MAX);
    for (; map->rows <= 5 && at + 4 * VECTOR_BYTES <= size_bytes; at += 4 * VECTOR_BYTES)
        narrow(map, 4, src, dst, at);
    for (; at + 2 * VECTOR_BYTES <= size_bytes; at += 2 * VECTOR_BYTES)
        strip(map, 2, src, dst, at, UINT64_MAX);
    for (; at < size_bytes; at += VECTOR_BYTES) {
        size_t left = size_bytes - at;
        __mmask64 mask = left >= VECTOR_BYTES ? UINT64_MAX : (UINT64_C(1) << left) - 1;
        strip(map, 1, src, dst, at, mask);
    }
}
