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

static uint8_t *block_at(const struct lm_gf16_area *area, size_t column, size_t row)
{
    return area->memory + column * area->column_bytes + row * BLOCK;
}

/* The blocks that a stage mixes with that of `row` lie 2^first rows apart. */
static void load(const struct lm_gf16_stage *s, const struct lm_gf16_area *from, size_t column,
                 size_t row, block *v)
{
    for (size_t i = 0; i < 1u << s->levels; i++)
        memcpy(v[i], block_at(from, column, row + (i << s->first)), BLOCK);
}

static void store(const struct lm_gf16_stage *s, const struct lm_gf16_area *to, size_t column,
                  size_t row, block *v, bool add)
{
    for (size_t i = 0; i < 1u << s->levels; i++) {
        uint8_t *at = block_at(to, column, row + (i << s->first));
        if (add)
            add_block(v[i], at);
        memcpy(at, v[i], BLOCK);
    }
}

/* Of block i's pair at the stage's level `level`. */
static uint16_t factor(const struct lm_gf16_stage *s, unsigned level, size_t i)
{
    return (uint16_t)((s->point >> (s->first + level)) + 2 * (i >> (level + 1)));
}

static void inverse(const struct lm_gf16_stage *s, block *v)
{
    for (unsigned level = 0; level < s->levels; level++)
        for (size_t i = 0; i < 1u << s->levels; i++) {
            size_t upper = i | (size_t)1 << level;
            if (i == upper)
                continue;
            add_block(v[upper], v[i]);
            add_product(s->field, factor(s, level, i), v[i], v[upper]);
        }
    for (size_t i = 0; s->scale != 1 && i < 1u << s->levels; i++) {
        block unscaled;
        memcpy(unscaled, v[i], BLOCK);
        memset(v[i], 0, BLOCK);
        add_product(s->field, s->scale, v[i], unscaled);
    }
}

static void forward(const struct lm_gf16_stage *s, block *v)
{
    for (unsigned level = s->levels; level-- > 0;)
        for (size_t i = 0; i < 1u << s->levels; i++) {
            size_t upper = i | (size_t)1 << level;
            if (i == upper)
                continue;
            add_product(s->field, factor(s, level, i), v[i], v[upper]);
            add_block(v[upper], v[i]);
        }
}

void lm_gf16_inverse_in_c(const struct lm_gf16_stage *stage, const uint8_t *const src[],
                          size_t src_at, const struct lm_gf16_area *to, bool add)
{
    block v[LM_GF16_STAGE_ROWS];
    for (unsigned b = 0; b < stage->blocks; b++, src += (size_t)1 << stage->levels) {
        struct lm_gf16_stage s = lm_gf16_block(stage, b);
        struct lm_gf16_area dst = lm_gf16_block_area(stage, to, b);
        for (size_t column = 0; column < s.columns; column++) {
            for (size_t i = 0; i < 1u << s.levels; i++) {
                memset(v[i], 0, BLOCK);
                if (src[i])
                    memcpy(v[i], src[i] + src_at + column * BLOCK, BLOCK);
                change_form(s.field, v[i]);
            }
            inverse(&s, v);
            store(&s, &dst, column, 0, v, add);
        }
    }
}

/* All of a stage between areas. */
static void between(const struct lm_gf16_stage *stage, const struct lm_gf16_area *from,
                    const struct lm_gf16_area *to, bool add,
                    void (*levels)(const struct lm_gf16_stage *s, block *v))
{
    block v[LM_GF16_STAGE_ROWS];
    for (unsigned b = 0; b < stage->blocks; b++) {
        struct lm_gf16_stage s = lm_gf16_block(stage, b);
        struct lm_gf16_area src = lm_gf16_block_area(stage, from, b);
        struct lm_gf16_area dst = lm_gf16_block_area(stage, to, b);
        for (size_t column = 0; column < s.columns; column++)
            for (size_t row = 0; row < 1u << s.first; row++) {
                load(&s, &src, column, row, v);
                levels(&s, v);
                store(&s, &dst, column, row, v, add);
            }
    }
}

void lm_gf16_inverse_c(const struct lm_gf16_stage *s, const struct lm_gf16_area *from,
                       const struct lm_gf16_area *to, bool add)
{
    between(s, from, to, add, inverse);
}

void lm_gf16_forward_c(const struct lm_gf16_stage *s, const struct lm_gf16_area *from,
                       const struct lm_gf16_area *to)
{
    between(s, from, to, false, forward);
}

void lm_gf16_forward_out_c(const struct lm_gf16_stage *stage, const struct lm_gf16_area *from,
                           uint8_t *const dst[], size_t dst_at)
{
    block v[LM_GF16_STAGE_ROWS];
    for (unsigned b = 0; b < stage->blocks; b++, dst += (size_t)1 << stage->levels) {
        struct lm_gf16_stage s = lm_gf16_block(stage, b);
        struct lm_gf16_area src = lm_gf16_block_area(stage, from, b);
        for (size_t column = 0; column < s.columns; column++) {
            load(&s, &src, column, 0, v);
            forward(&s, v);
            for (size_t i = 0; i < 1u << s.levels; i++) {
                change_form(s.field, v[i]);
                if (dst[i])
                    memcpy(dst[i] + dst_at + column * BLOCK, v[i], BLOCK);
            }
        }
    }
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
