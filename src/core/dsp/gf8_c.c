/* The definition: short, and checked against the field's own arithmetic by checkdsp. */
#include "core/dsp/gf8.h"
#include "core/dsp/gf8_tables.h"

#include <string.h>

void lm_gf8_apply_c(const struct lm_gf8_map *map, const uint8_t *const src[], uint8_t *const dst[],
                    size_t size_bytes)
{
    for (unsigned row = 0; row < map->rows; row++) {
        if (!map->add)
            memset(dst[row], 0, size_bytes);
        for (unsigned i = 0; i < map->sources; i++) {
            const uint8_t *table = lm_gf8_nibbles[map->coefficients[i * map->stride + row]];
            for (size_t b = 0; b < size_bytes; b++)
                dst[row][b] ^= table[src[i][b] & 15] ^ table[16 + (src[i][b] >> 4)];
        }
    }
}

static void add_product(uint8_t *to, const uint8_t *from, uint8_t factor, size_t size)
{
    const uint8_t *table = lm_gf8_nibbles[factor];
    for (size_t i = 0; i < size; i++)
        to[i] ^= table[from[i] & 15] ^ table[16 + (from[i] >> 4)];
}

static uint8_t factor(const struct lm_gf8_transform *t, unsigned level, unsigned row)
{
    return lm_gf8_twiddles[t->first + level]
                          [t->base + (row >> (level + 1) << (t->first + level + 1))];
}

enum { COLUMN = 64 };

void lm_gf8_inverse_c(const struct lm_gf8_transform *t, const uint8_t *const values[])
{
    uint8_t v[1 << LM_GF8_MAX_LEVELS][COLUMN];
    unsigned rows = 1u << t->levels;
    for (size_t at = 0; at < t->size_bytes; at += COLUMN) {
        memset(v, 0, sizeof v);
        for (unsigned r = 0; r < rows; r++)
            if (values[r])
                memcpy(v[r], values[r] + t->at + at, COLUMN);
        for (unsigned level = 0; level < t->levels; level++)
            for (unsigned r = 0; r < rows; r++) {
                unsigned upper = r | 1u << level;
                if (upper == r)
                    continue;
                add_product(v[upper], v[r], 1, COLUMN);
                add_product(v[r], v[upper], factor(t, level, r), COLUMN);
            }
        for (unsigned r = 0; r < rows; r++) {
            uint8_t *to = t->area + r * t->stride + at;
            if (!t->add)
                memset(to, 0, COLUMN);
            add_product(to, v[r], t->scale, COLUMN);
        }
    }
}

void lm_gf8_forward_c(const struct lm_gf8_transform *t, uint8_t *const values[])
{
    uint8_t v[1 << LM_GF8_MAX_LEVELS][COLUMN];
    unsigned rows = 1u << t->levels;
    for (size_t at = 0; at < t->size_bytes; at += COLUMN) {
        for (unsigned r = 0; r < rows; r++)
            memcpy(v[r], t->area + r * t->stride + at, COLUMN);
        for (unsigned level = t->levels; level-- > 0;)
            for (unsigned r = 0; r < rows; r++) {
                unsigned upper = r | 1u << level;
                if (upper == r)
                    continue;
                add_product(v[r], v[upper], factor(t, level, r), COLUMN);
                add_product(v[upper], v[r], 1, COLUMN);
            }
        for (unsigned r = 0; r < rows; r++)
            if (values[r])
                memcpy(values[r] + t->at + at, v[r], COLUMN);
    }
}
