/* The stages of transforms of gf16_halves.h, which includes this. */
static void finish_rows(const struct stage *p, struct rows from, struct rows to, size_t size_bytes,
                        bool add_to)
{
    for (size_t r = 0; r < (size_t)1 << p->levels; r++)
        EACH_WORDS(at, size_bytes)
        {
            uint8_t *dst = to.at + at + r * to.distance;
            struct words old = add_to ? load(dst) : zero_words();
            struct words w = load(from.at + at + r * from.distance);
            store(dst, p->scaled ? add_wide(old, operands_of(w), &p->scale) : add_words(old, w));
        }
}

/* Or nothing at all is to be done, but to move rows. */
static bool has_fused(const struct stage *p)
{
    return p->paired < p->levels || p->paired == 0;
}

/* The levels above the paired ones. They are those of 2^paired sets of rows, which lie side by
 * side if each row is whole. */
INLINE void fused_sets(const struct stage *p, struct rows from, struct rows to, size_t size_bytes,
                       void (*run)(const struct stage *, struct rows, struct rows, size_t))
{
    const size_t sets = (size_t)1 << p->paired;
    const struct rows a = {from.at, from.distance * sets}, b = {to.at, to.distance * sets};
    if (from.distance == size_bytes && to.distance == size_bytes) {
        run(p, a, b, size_bytes * sets);
        return;
    }
    for (size_t i = 0; i < sets; i++)
        run(p, (struct rows){from.at + i * from.distance, a.distance},
            (struct rows){to.at + i * to.distance, b.distance}, size_bytes);
}

/* The paired levels; says where the rows lie then. */
static struct rows inverse_paired(const struct stage *p, struct rows from, struct rows to,
                                  size_t size_bytes)
{
    for (unsigned l = 0; l < p->paired; l++, from = to)
        inverse_pairs(p, l, from, to, size_bytes);
    return from;
}

/* The others. Paired levels alone, and what is to be scaled, lead to `between` first. */
static void inverse_rest(const struct stage *p, struct rows from, struct rows between,
                         struct rows to, size_t size_bytes, bool add_to)
{
    if (has_fused(p) && !p->scaled) {
        fused_sets(p, from, to, size_bytes, add_to ? fused_inverse_add : fused_inverse);
        return;
    }
    if (has_fused(p))
        fused_sets(p, from, between, size_bytes, fused_inverse);
    if (between.at != to.at)
        finish_rows(p, between, to, size_bytes, add_to);
}

static void inverse_column(const struct stage *p, struct rows from, struct rows to, bool add_to)
{
    _Alignas(BLOCK) uint8_t memory[MAX_ROWS * BLOCK];
    const struct rows between = {memory, BLOCK};
    if (!p->scaled && (!add_to || p->paired == 0)) {
        struct rows now = inverse_paired(p, from, to, from.distance);
        inverse_rest(p, now, to, to, from.distance, add_to);
        return;
    }
    for (size_t q = 0; q < to.distance; q += BLOCK, from.at += BLOCK, to.at += BLOCK) {
        struct rows now = inverse_paired(p, from, between, BLOCK);
        inverse_rest(p, now, between, to, BLOCK, add_to);
    }
}

static void forward_levels(const struct stage *p, struct rows from, struct rows to,
                           size_t size_bytes)
{
    if (has_fused(p)) {
        fused_sets(p, from, to, size_bytes, p->at_zero ? fused_forward_at_zero : fused_forward);
        from = to;
    }
    for (unsigned l = p->paired; l-- > 0; from = to)
        forward_pairs(p, l, from, to, size_bytes);
}

/* A row of a column, and with it those of its block. */
static struct rows rows_of(const struct lm_gf16_area *a, const struct lm_gf16_stage *s, size_t row,
                           size_t column)
{
    return (struct rows){a->memory + row * BLOCK + column * a->column_bytes,
                         (size_t)BLOCK << s->first};
}

static void inverse(const struct lm_gf16_stage *s, const struct lm_gf16_area *from,
                    const struct lm_gf16_area *to, bool add_to)
{
    const unsigned rows = 1u << (s->first + s->levels);
    struct stage p;
    prepare(&p, s, s->first, s->levels);
    for (unsigned row = 0; row < s->blocks * rows; row += rows) {
        move_to(&p, s->point + row);
        for (size_t c = 0; c < s->columns; c++)
            inverse_column(&p, rows_of(from, s, row, c), rows_of(to, s, row, c), add_to);
    }
}

static void forward(const struct lm_gf16_stage *s, const struct lm_gf16_area *from,
                    const struct lm_gf16_area *to)
{
    const unsigned rows = 1u << (s->first + s->levels);
    struct stage p;
    prepare(&p, s, s->first, s->levels);
    for (unsigned row = 0; row < s->blocks * rows; row += rows) {
        move_to(&p, s->point + row);
        for (size_t c = 0; c < s->columns; c++) {
            struct rows src = rows_of(from, s, row, c);
            forward_levels(&p, src, rows_of(to, s, row, c), src.distance);
        }
    }
}

/* One column of an edge of a transform: an even number of rows from an even point on. */
struct edge {
    const struct lm_gf_field *field;
    unsigned point, rows;
    size_t at; /* the column, in plain rows */
};

static _Alignas(BLOCK) const uint8_t zeros[BLOCK];

/* The lowest level from plain rows, where all labels share the high byte. The sum is made before
 * the form changes, for the change and the product to share an operand. */
INLINE void pairs_in(const struct edge *e, const uint8_t *const src[], uint8_t *to,
                     const bool is_wide)
{
    const struct constant form = constant_of(&e->field->FORM);
    const struct level l = level_of(e->field, e->point);
    const size_t plain_at = e->at, rows = e->rows;
    for (size_t r = 0; r < rows; r += 2, to += 2 * BLOCK) {
        const struct factor wide = wide_factor(e->field, &l, l.low + r);
        const table *narrow = e->field->TABLES + l.low + r;
        const uint8_t *lower = src[r] ? src[r] + plain_at : zeros;
        const uint8_t *upper = src[r + 1] ? src[r + 1] + plain_at : zeros;
        EACH_WORDS(at, BLOCK)
        {
            struct words a = load(lower + at);
            struct words b = change_form(add_words(load(upper + at), a), form);
            struct operands o = operands_of(b);
            a = change_form(a, form);
            store(to + at, is_wide ? add_wide(a, o, &wide) : add_narrow(a, o, narrow));
            store(to + BLOCK + at, b);
        }
    }
}

/* The lowest level to plain rows. */
INLINE void pairs_out(const struct edge *e, const uint8_t *from, uint8_t *const dst[],
                      const bool is_wide)
{
    const struct constant form = constant_of(&e->field->FORM);
    const struct level l = level_of(e->field, e->point);
    const size_t plain_at = e->at, rows = e->rows;
    uint8_t sink[BLOCK];
    for (size_t r = 0; r < rows; r += 2, from += 2 * BLOCK) {
        const struct factor wide = wide_factor(e->field, &l, l.low + r);
        const table *narrow = e->field->TABLES + l.low + r;
        uint8_t *lower = dst[r] ? dst[r] + plain_at : sink;
        uint8_t *upper = dst[r + 1] ? dst[r + 1] + plain_at : sink;
        if (lower == upper)
            continue;
        EACH_WORDS(at, BLOCK)
        {
            struct words a = load(from + at), b = load(from + BLOCK + at);
            struct operands o = operands_of(b);
            a = is_wide ? add_wide(a, o, &wide) : add_narrow(a, o, narrow);
            store(lower + at, change_form(a, form));
            store(upper + at, change_form(add_words(b, a), form));
        }
    }
}

/* So many rows from this one on that share the high byte. */
static struct edge part_of(const struct edge *e, unsigned row)
{
    struct edge part = *e;
    part.point += row;
    part.rows = LM_MIN(e->rows - row, 256 - part.point % 256);
    return part;
}

static void edge_in(const struct edge *e, const uint8_t *const src[], uint8_t *to)
{
    struct edge part;
    for (unsigned row = 0; row < e->rows; row += part.rows) {
        part = part_of(e, row);
        if (part.point > 255)
            pairs_in(&part, src + row, to + (size_t)row * BLOCK, true);
        else
            pairs_in(&part, src + row, to + (size_t)row * BLOCK, false);
    }
}

static void edge_out(const struct edge *e, const uint8_t *from, uint8_t *const dst[])
{
    struct edge part;
    for (unsigned row = 0; row < e->rows; row += part.rows) {
        part = part_of(e, row);
        if (part.point > 255)
            pairs_out(&part, from + (size_t)row * BLOCK, dst + row, true);
        else
            pairs_out(&part, from + (size_t)row * BLOCK, dst + row, false);
    }
}

/* Of the rows from `row` on some, in one column. */
static struct edge edge_of(const struct lm_gf16_stage *s, unsigned row, size_t at)
{
    const unsigned rows = (s->blocks << s->levels) - row;
    return (struct edge){s->field, s->point + row, LM_MIN(rows, BETWEEN_ROWS), at};
}

/* Each level of some rows comes before the next of any, for these not to wait for it. */
static void inverse_in_some(struct stage *above, const struct edge *e, unsigned rows,
                            struct rows between, struct rows to, bool add_to)
{
    for (unsigned r = 0; r < e->rows; r += rows) {
        const struct rows at = {between.at + (size_t)r * BLOCK, between.distance};
        move_to(above, e->point + r);
        inverse_paired(above, at, at, at.distance);
    }
    for (unsigned r = 0; r < e->rows; r += rows) {
        const struct rows at = {between.at + (size_t)r * BLOCK, between.distance};
        move_to(above, e->point + r);
        inverse_rest(above, at, at, (struct rows){to.at + (size_t)r * BLOCK, to.distance},
                     at.distance, add_to);
    }
}

static void inverse_in(const struct lm_gf16_stage *s, const uint8_t *const src[], size_t src_at,
                       const struct lm_gf16_area *to, bool add_to)
{
    _Alignas(BLOCK) uint8_t memory[BETWEEN_ROWS * BLOCK];
    const struct rows between = {memory, 2 * BLOCK};
    const bool alone = s->levels == 1 && s->scale == 1 && !add_to;
    const unsigned rows = 1u << s->levels;
    struct stage above;
    prepare(&above, s, 1, s->levels - 1);
    for (unsigned row = 0; row < s->blocks * rows; row += BETWEEN_ROWS)
        for (size_t c = 0; c < s->columns; c++) {
            const struct edge e = edge_of(s, row, src_at + c * BLOCK);
            const struct rows out = {rows_of(to, s, row, c).at, 2 * BLOCK};
            edge_in(&e, src + row, alone ? out.at : memory);
            if (!alone)
                inverse_in_some(&above, &e, rows, between, out, add_to);
        }
}

static void forward_out(const struct lm_gf16_stage *s, const struct lm_gf16_area *from,
                        uint8_t *const dst[], size_t dst_at)
{
    _Alignas(BLOCK) uint8_t memory[BETWEEN_ROWS * BLOCK];
    const bool alone = s->levels == 1;
    const unsigned rows = 1u << s->levels;
    struct stage above;
    prepare(&above, s, 1, s->levels - 1);
    for (unsigned row = 0; row < s->blocks * rows; row += BETWEEN_ROWS)
        for (size_t c = 0; c < s->columns; c++) {
            const struct edge e = edge_of(s, row, dst_at + c * BLOCK);
            struct rows in = {rows_of(from, s, row, c).at, 2 * BLOCK}, to = {memory, 2 * BLOCK};
            for (unsigned r = 0; r < e.rows && !alone; r += rows) {
                move_to(&above, e.point + r);
                forward_levels(&above, in, to, to.distance);
                in.at += rows * BLOCK;
                to.at += rows * BLOCK;
            }
            edge_out(&e, alone ? in.at : memory, dst + row);
        }
}
