#include "core/wire/l1_input.h"

#include "core/base/check.h"

enum { COUNT_OFFSET = 4, POINTER_BYTES = 28, EDGE_BYTES = 4 + POINTER_BYTES };

_Static_assert(LM_L1_INPUT_HEAD_BYTES == 8 + POINTER_BYTES, "input head");

static void write_pointer(struct lm_writer *w, const struct lm_l1_pointer *p)
{
    const uint32_t words[] = {p->counter, p->moved_x, p->moved_y, p->scrolled_x, p->scrolled_y};
    const uint16_t halves[] = {p->x, p->y, p->placed, 0};
    for (size_t i = 0; i < LM_ARRAY_LEN(words); i++)
        lm_write_be32(w, words[i]);
    for (size_t i = 0; i < LM_ARRAY_LEN(halves); i++)
        lm_write_be16(w, halves[i]);
}

static void read_pointer(struct lm_reader *r, struct lm_l1_pointer *p)
{
    p->counter = lm_read_be32(r);
    p->moved_x = lm_read_be32(r);
    p->moved_y = lm_read_be32(r);
    p->scrolled_x = lm_read_be32(r);
    p->scrolled_y = lm_read_be32(r);
    p->x = lm_read_be16(r);
    p->y = lm_read_be16(r);
    p->placed = lm_read_be16(r);
    r->bad |= lm_read_be16(r) != 0;
}

void lm_l1_input_begin(struct lm_writer *w, const struct lm_l1_input *head)
{
    lm_write_be32(w, head->first);
    lm_write_be16(w, 0); /* counted up as edges are added */
    lm_write_be16(w, 0);
    write_pointer(w, &head->pointer);
}

bool lm_l1_input_add(struct lm_writer *w, uint8_t *payload, const struct lm_l1_edge *edge)
{
    LM_DCHECK(lm_l1_edge_is_valid(edge));
    bool is_text = edge->kind == LM_L1_EDGE_TEXT;
    size_t size_bytes = EDGE_BYTES + (is_text ? edge->text_bytes : 0u);
    uint16_t count = lm_get_be16(payload + COUNT_OFFSET);
    if (count == LM_L1_INPUT_MAX_EDGES ||
        (size_t)(w->at - payload) + size_bytes > LM_L1_INPUT_MAX_BYTES ||
        (size_t)(w->end - w->at) < size_bytes)
        return false;
    lm_write_u8(w, edge->kind);
    lm_write_u8(w, edge->down);
    lm_write_be16(w, is_text ? edge->text_bytes : edge->code);
    write_pointer(w, &edge->before);
    if (is_text)
        lm_write_bytes(w, edge->text, edge->text_bytes);
    lm_put_be16(payload + COUNT_OFFSET, (uint16_t)(count + 1));
    return true;
}

static void read_edge(struct lm_reader *r, struct lm_l1_edge *e)
{
    memset(e, 0, sizeof *e);
    e->kind = lm_read_u8(r);
    e->down = lm_read_u8(r);
    e->code = lm_read_be16(r);
    read_pointer(r, &e->before);
    if (e->kind != LM_L1_EDGE_TEXT)
        return;
    size_t bytes = e->code;
    const uint8_t *text = bytes <= LM_L1_TEXT_BYTES ? lm_read_bytes(r, bytes) : NULL;
    r->bad |= !text;
    if (r->bad)
        return;
    e->code = 0;
    e->text_bytes = (uint8_t)bytes;
    memcpy(e->text, text, bytes);
}

int lm_l1_parse_input(const uint8_t *data, size_t size_bytes, struct lm_l1_input *out)
{
    struct lm_reader r = lm_reader_of(data, size_bytes);
    memset(out, 0, sizeof *out);
    if (size_bytes > LM_L1_INPUT_MAX_BYTES)
        return LM_EPROTO;
    out->first = lm_read_be32(&r);
    out->edges = lm_read_be16(&r);
    r.bad |= lm_read_be16(&r) != 0;
    read_pointer(&r, &out->pointer);
    if (r.bad || out->edges > LM_L1_INPUT_MAX_EDGES)
        return LM_EPROTO;
    out->rest = r;
    for (uint16_t i = 0; i < out->edges; i++) {
        struct lm_l1_edge edge;
        read_edge(&r, &edge);
        if (r.bad || !lm_l1_edge_is_valid(&edge))
            return LM_EPROTO;
    }
    return lm_reader_left(&r) ? LM_EPROTO : 0;
}

bool lm_l1_input_next(struct lm_l1_input *input, struct lm_l1_edge *out)
{
    if (!lm_reader_left(&input->rest))
        return false;
    read_edge(&input->rest, out);
    return !input->rest.bad;
}

void lm_l1_write_input_ack(uint8_t out[LM_L1_INPUT_ACK_BYTES], const struct lm_l1_input_ack *ack)
{
    lm_put_be32(out, ack->next_edge);
    lm_put_be32(out + 4, ack->counter);
}

int lm_l1_parse_input_ack(const uint8_t *data, size_t size_bytes, struct lm_l1_input_ack *out)
{
    if (size_bytes != LM_L1_INPUT_ACK_BYTES)
        return LM_EPROTO;
    *out = (struct lm_l1_input_ack){lm_get_be32(data), lm_get_be32(data + 4)};
    return 0;
}

/* Bytes of the UTF-8 character at `s`, 0 when it is none: overlong forms, surrogates, beyond
 * U+10FFFF and NUL are none. */
static size_t character_bytes(const uint8_t *s, size_t left)
{
    static const uint32_t least[] = {0, 1, 0x80, 0x800, 0x10000};
    size_t bytes = s[0] < 0x80 ? 1 : (s[0] & 0xe0) == 0xc0 ? 2 : (s[0] & 0xf0) == 0xe0 ? 3 : 4;
    if (bytes > left || (s[0] & 0xc0) == 0x80 || s[0] >= 0xf8)
        return 0;
    uint32_t code = bytes == 1 ? s[0] : s[0] & (0x7fu >> bytes);
    for (size_t i = 1; i < bytes; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (s[i] & 0x3f);
    }
    if (code < least[bytes] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
        return 0;
    return bytes;
}

static bool text_is_valid(const uint8_t *text, size_t size_bytes)
{
    size_t at = 0;
    while (at < size_bytes) {
        size_t bytes = character_bytes(text + at, size_bytes - at);
        if (!bytes)
            return false;
        at += bytes;
    }
    return size_bytes >= 1 && size_bytes <= LM_L1_TEXT_BYTES;
}

bool lm_l1_edge_is_valid(const struct lm_l1_edge *e)
{
    switch (e->kind) {
    case LM_L1_EDGE_KEY:
        return e->down <= 1 && e->code >= 1 && e->code <= LM_L1_MAX_KEY;
    case LM_L1_EDGE_BUTTON:
        return e->down <= 1 && e->code >= 1 && e->code <= LM_L1_MAX_BUTTON;
    case LM_L1_EDGE_TEXT:
        return e->down == 0 && text_is_valid((const uint8_t *)e->text, e->text_bytes);
    default:
        return false;
    }
}
