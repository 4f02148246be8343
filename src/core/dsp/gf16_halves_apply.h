/* The dense products of gf16_halves.h, which includes this. */
enum { CONSTANTS = 64 }; /* of a dense product at a time */

/* Some rows of a dense product and some of its sources. The factors take words in plain form, and
 * the sums are in tower form. */
struct part {
    const uint8_t *src[CONSTANTS];
    uint8_t *dst[GROUP_ROWS];
    unsigned sources;
    bool add;
    const table *form;
    table factor[CONSTANTS][LM_GF16_PARTS]; /* [source][row] */
};

static void expand(struct part *p, const struct lm_gf16_map *map, const uint16_t *coefficients,
                   unsigned rows)
{
    const struct lm_gf_field *field = map->field;
    table(*factor)[LM_GF16_PARTS] = p->factor;
    for (unsigned i = 0; i < p->sources; i++, coefficients += map->stride)
        for (unsigned r = 0; r < rows; r++, factor++) {
            uint8_t part[LM_GF16_PARTS];
            lm_gf16_parts(field, coefficients[r], part);
            memcpy(&(*factor)[LM_LOW_LOW], &field->TABLES[part[LM_LOW_LOW]], sizeof(table));
            memcpy(&(*factor)[LM_LOW_HIGH], &field->TABLES[part[LM_LOW_HIGH]], sizeof(table));
            table_add(&(*factor)[LM_HIGH_LOW], &field->TABLES[part[LM_HIGH_LOW]],
                      &field->FORMED_TABLES[part[LM_LOW_LOW]]);
            table_add(&(*factor)[LM_HIGH_HIGH], &field->TABLES[part[LM_HIGH_HIGH]],
                      &field->FORMED_TABLES[part[LM_LOW_HIGH]]);
        }
}

INLINE void tile(const struct part *p, const unsigned rows, size_t at)
{
    struct words sum[GROUP_ROWS];
    const table(*factor)[LM_GF16_PARTS] = (const table(*)[LM_GF16_PARTS])p->factor;
    for (unsigned r = 0; r < rows; r++)
        sum[r] = zero_words();
    for (unsigned i = 0; i < p->sources; i++, factor += rows) {
        struct operands o = operands_of(load(p->src[i] + at));
        for (unsigned r = 0; r < rows; r++) {
            const table *part = factor[r];
            sum[r].low = add_product(sum[r].low, o.low, constant_of(&part[LM_LOW_LOW]));
            sum[r].high = add_product(sum[r].high, o.low, constant_of(&part[LM_LOW_HIGH]));
            sum[r].low = add_product(sum[r].low, o.high, constant_of(&part[LM_HIGH_LOW]));
            sum[r].high = add_product(sum[r].high, o.high, constant_of(&part[LM_HIGH_HIGH]));
        }
    }
    for (unsigned r = 0; r < rows; r++) {
        struct words w = change_form(sum[r], constant_of(p->form));
        store(p->dst[r] + at, p->add ? add_words(w, load(p->dst[r] + at)) : w);
    }
}

INLINE void tiles(const struct part *p, const unsigned rows, size_t size_bytes)
{
    EACH_WORDS(at, size_bytes)
    tile(p, rows, at);
}

/* Rows `row`.. of a dense product; 1 or GROUP_ROWS of them. */
static void group(struct part *p, const struct lm_gf16_map *map, const struct lm_gf_rows *at,
                  unsigned row, unsigned rows)
{
    const unsigned most = CONSTANTS / rows;
    for (unsigned r = 0; r < rows; r++)
        p->dst[r] = at->dst[row + r] + at->dst_at;
    for (unsigned first = 0; first < map->sources; first += most) {
        p->sources = LM_MIN(map->sources - first, most);
        for (unsigned i = 0; i < p->sources; i++)
            p->src[i] = at->src[first + i] + at->src_at;
        expand(p, map, map->coefficients + (size_t)first * map->stride + row, rows);
        if (rows == GROUP_ROWS)
            tiles(p, GROUP_ROWS, at->size_bytes);
        else
            tiles(p, 1, at->size_bytes);
        p->add = true;
    }
}

INLINE void apply(const struct lm_gf16_map *map, const struct lm_gf_rows *at, bool add_to_dst)
{
    struct part p;
    unsigned rows;
    p.form = &map->field->FORM;
    for (unsigned row = 0; row < map->rows; row += rows) {
        rows = map->rows - row < GROUP_ROWS ? 1 : GROUP_ROWS;
        p.add = add_to_dst;
        group(&p, map, at, row, rows);
    }
}
