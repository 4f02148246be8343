/* The definition: short, and checked against the field's own arithmetic by checkdsp. */
#include "core/dsp/gf8.h"
#include "core/dsp/gf8_tables.h"

#include <string.h>

void lm_gf8_apply_c(const struct lm_gf8_map *map, const uint8_t *const src[], uint8_t *const dst[],
                    size_t size_bytes)
{
    for (unsigned row = 0; row < map->rows; row++) {
        memset(dst[row], 0, size_bytes);
        for (unsigned i = 0; i < map->sources; i++) {
            const uint8_t *table = lm_gf8_nibbles[map->coefficients[i * map->stride + row]];
            for (size_t b = 0; b < size_bytes; b++)
                dst[row][b] ^= table[src[i][b] & 15] ^ table[16 + (src[i][b] >> 4)];
        }
    }
}
