/* The definition: short, and checked against the field's own arithmetic by checkdsp. */
#include "core/dsp/gf16_levels.h"
#include "core/dsp/gf16_tables.h"

#include <string.h>

enum { BLOCK = LM_GF16_BLOCK_BYTES, HALF = BLOCK / 2 };

typedef uint8_t block[BLOCK];

static uint8_t map_byte(const uint8_t nibbles[32], uint8_t v)
{
    return nibbles[v & 15] ^ nibbles[16 + (v >> 4)];
}

static void add_block(uint8_t *to, const uint8_t *from)
{
    for (unsigned i = 0; i < BLOCK; i++)
        to[i] ^= from[i];
}

/* to += t * from, in tower form. */
static void add_product(const struct lm_gf_field *field, uint16_t t, uint8_t *to,
                        const uint8_t *from)
{
    const uint8_t *map[LM_GF16_PARTS];
    uint8_t part[LM_GF16_PARTS];
    lm_gf16_parts(field, t, part);
    for (unsigned i = 0; i < LM_GF16_PARTS; i++)
        map[i] = field->nibbles[part[i]];
    if (t < 256) {
        for (unsigned i = 0; i < BLOCK; i++)
            to[i] ^= map_byte(map[LM_LOW_LOW], from[i]);
        return;
    }
    for (unsigned i = 0; i < HALF; i++) {
        uint8_t low = from[i], high = from[HALF + i];
        to[i] ^= map_byte(map[LM_LOW_LOW], low) ^ map_byte(map[LM_HIGH_LOW], high);
        to[HALF + i] ^= map_byte(map[LM_LOW_HIGH], low) ^ map_byte(map[LM_HIGH_HIGH], high);
    }
}

static void change_form(const struct lm_gf_field *field, uint8_t *v)
{
    for (unsigned i = 0; i < HALF; i++)
        v[i] ^= field->form[v[HALF + i]];
}

static void load(const struct lm_butterflies *b, const struct lm_gf_rows *rows, size_t at, block *v)
{
    for (size_t r = 0; r < 1u << b->levels; r++) {
        const uint8_t *src = rows->src[r * rows->stride];
        memset(v[r], 0, BLOCK);
        if (!src)
            continue;
        memcpy(v[r], src + rows->src_at + at, BLOCK);
        if (!b->tower_src)
            change_form(b->field, v[r]);
    }
}

static void store(const struct lm_butterflies *b, const struct lm_gf_rows *rows, size_t at,
                  block *v, bool add)
{
    for (size_t r = 0; r < 1u << b->levels; r++) {
        uint8_t *dst = rows->dst[r * rows->stride];
        if (!dst)
            continue;
        if (!b->tower_dst)
            change_form(b->field, v[r]);
        if (add)
            add_block(v[r], dst + rows->dst_at + at);
        memcpy(dst + rows->dst_at + at, v[r], BLOCK);
    }
}

static uint16_t factor(const struct lm_butterflies *b, unsigned level, size_t row)
{
    return b->twiddle[(1u << (b->levels - 1 - level)) - 1 + (row >> (level + 1))];
}

static void inverse(const struct lm_butterflies *b, const struct lm_gf_rows *rows, bool add)
{
    block v[LM_BUTTERFLY_MAX_ROWS], scaled[LM_BUTTERFLY_MAX_ROWS];
    for (size_t at = 0; at < rows->size_bytes; at += BLOCK) {
        load(b, rows, at, v);
        for (unsigned level = 0; level < b->levels; level++)
            for (size_t r = 0; r < 1u << b->levels; r++) {
                size_t upper = r | (size_t)1 << level;
                if (r == upper)
                    continue;
                add_block(v[upper], v[r]);
                add_product(b->field, factor(b, level, r), v[r], v[upper]);
            }
        for (size_t r = 0; b->scale != 1 && r < 1u << b->levels; r++) {
            memset(scaled[r], 0, BLOCK);
            add_product(b->field, b->scale, scaled[r], v[r]);
        }
        store(b, rows, at, b->scale != 1 ? scaled : v, add);
    }
}

static void forward(const struct lm_butterflies *b, const struct lm_gf_rows *rows)
{
    block v[LM_BUTTERFLY_MAX_ROWS];
    for (size_t at = 0; at < rows->size_bytes; at += BLOCK) {
        load(b, rows, at, v);
        for (unsigned level = b->levels; level-- > 0;)
            for (size_t r = 0; r < 1u << b->levels; r++) {
                size_t upper = r | (size_t)1 << level;
                if (r == upper)
                    continue;
                add_product(b->field, factor(b, level, r), v[r], v[upper]);
                add_block(v[upper], v[r]);
            }
        store(b, rows, at, v, false);
    }
}

void lm_gf16_inverse_c(const struct lm_butterflies *b, const struct lm_gf_rows *rows, bool add)
{
    struct lm_gf_rows set = *rows;
    for (size_t q = 0; q == 0 || q < rows->stripes; q++, set.src++, set.dst++)
        inverse(b, &set, add);
}

void lm_gf16_forward_c(const struct lm_butterflies *b, const struct lm_gf_rows *rows)
{
    struct lm_gf_rows set = *rows;
    for (size_t q = 0; q == 0 || q < rows->stripes; q++, set.src++, set.dst++)
        forward(b, &set);
}

void lm_gf16_apply_c(const struct lm_gf16_map *map, const struct lm_gf_rows *rows, bool add)
{
    for (size_t at = 0; at < rows->size_bytes; at += BLOCK)
        for (unsigned r = 0; r < map->rows; r++) {
            uint8_t *dst = rows->dst[r] + rows->dst_at + at;
            block sum = {0}, v;
            for (unsigned i = 0; i < map->sources; i++) {
                memcpy(v, rows->src[i] + rows->src_at + at, BLOCK);
                change_form(map->field, v);
                add_product(map->field, map->coefficients[i * map->stride + r], sum, v);
            }
            change_form(map->field, sum);
            if (add)
                add_block(sum, dst);
            memcpy(dst, sum, BLOCK);
        }
}
