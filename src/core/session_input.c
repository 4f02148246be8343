#include "core/session_input.h"

#include "core/base/check.h"
#include "core/crypto/aead.h"
#include "core/crypto/hash.h"

#include <string.h>

enum { MAX_MOTION = 32767 };

/* In phase 1 the size tells them apart: a GameStream datagram has more than 32 bytes of headers,
 * and 32 more when encrypted. */
_Static_assert(LM_L1_HEADER_BYTES + LM_L1_INPUT_ACK_BYTES < LM_GSV_HEADER_BYTES &&
                   LM_INPUT_ACK_DATAGRAM_BYTES < LM_GSV_HEADER_BYTES + LM_GSV_PREFIX_BYTES,
               "no video datagram is as short as an acknowledgement");

/* --- keys and datagrams ----------------------------------------------------------------------- */

/* Keys of its own per direction, so that no nonce of theirs can be one of the video's. */
static int seal_init(struct lm_input_seal *s, const LumenConfig *c, const char *label)
{
    uint8_t derived[LM_SHA256_BYTES];
    const struct lm_part parts[] = {
        {label, strlen(label) + 1}, {c->key, sizeof c->key}, {c->salt, sizeof c->salt}};
    *s = (struct lm_input_seal){.session_id = c->session_id};
    if (!c->encrypt)
        return 0;
    lm_sha256(parts, LM_ARRAY_LEN(parts), derived);
    memcpy(s->salt, derived + LM_AEAD_KEY_BYTES, sizeof s->salt);
    int rc = lm_aead_create(&s->aead, derived, LM_AEAD_ANY);
    lm_wipe(derived, sizeof derived);
    return rc;
}

static const char input_label[] = "lumen-core 1 input";
static const char ack_label[] = "lumen-core 1 input acknowledgement";

static void seal_finish(struct lm_input_seal *s)
{
    lm_aead_destroy(s->aead);
    lm_wipe(s, sizeof *s);
}

/* The payload lies behind the header's place already. */
static int seal(struct lm_input_seal *s, uint8_t *datagram, size_t payload_bytes)
{
    struct lm_l1_header header = {.kind = LM_L1_INPUT,
                                  .flags = s->aead ? 0 : LM_L1_CLEAR,
                                  .session_id = s->session_id,
                                  .sequence = s->sequence++};
    uint8_t nonce[LM_L1_NONCE_BYTES];
    lm_l1_write_header(datagram, &header);
    if (!s->aead)
        return (int)(LM_L1_HEADER_BYTES + payload_bytes);
    lm_l1_write_nonce(nonce, s->salt, header.sequence);
    struct lm_aead_message message = {
        .iv = nonce,
        .iv_bytes = sizeof nonce,
        .aad = datagram,
        .aad_bytes = LM_L1_HEADER_BYTES,
        .data = datagram + LM_L1_HEADER_BYTES,
        .data_bytes = payload_bytes,
        .tag = datagram + LM_L1_HEADER_BYTES + payload_bytes,
    };
    if (lm_aead_seal_message(s->aead, &message) < 0)
        return LM_EIO;
    return (int)(LM_L1_HEADER_BYTES + payload_bytes + LM_L1_TAG_BYTES);
}

/* The payload's size, or LM_EPROTO, LM_EAUTH; `replay` may be NULL. */
static int unseal(const struct lm_input_seal *s, struct lm_l1_replay *replay, uint8_t *datagram,
                  size_t size_bytes)
{
    struct lm_l1_header header;
    uint8_t nonce[LM_L1_NONCE_BYTES];
    uint8_t flags = s->aead ? 0 : LM_L1_CLEAR;
    size_t over = LM_L1_HEADER_BYTES + (s->aead ? LM_L1_TAG_BYTES : 0u);
    if (size_bytes < over || size_bytes > LM_INPUT_DATAGRAM_BYTES ||
        lm_l1_parse_header(datagram, size_bytes, &header) < 0 || header.kind != LM_L1_INPUT ||
        header.flags != flags || header.session_id != s->session_id)
        return LM_EPROTO;
    if (!s->aead) /* anyone can send any number: a window would only let them shut us */
        return (int)(size_bytes - over);
    if (replay && lm_l1_replay_check(replay, header.sequence) != LM_L1_REPLAY_FRESH)
        return LM_EEXIST;
    lm_l1_write_nonce(nonce, s->salt, header.sequence);
    struct lm_aead_message message = {
        .iv = nonce,
        .iv_bytes = sizeof nonce,
        .aad = datagram,
        .aad_bytes = LM_L1_HEADER_BYTES,
        .data = datagram + LM_L1_HEADER_BYTES,
        .data_bytes = size_bytes - over,
        .tag = datagram + size_bytes - LM_L1_TAG_BYTES,
    };
    if (lm_aead_open_message(s->aead, &message) < 0)
        return LM_EAUTH;
    if (replay)
        lm_l1_replay_mark(replay, header.sequence);
    return (int)message.data_bytes;
}

bool lm_input_is_ack(const LumenConfig *config, const uint8_t *datagram, size_t size_bytes)
{
    if (config->phase == LUMEN_PHASE_LUMEN1)
        return size_bytes && (datagram[0] & 0xf) == LM_L1_INPUT;
    return size_bytes == (config->encrypt ? (size_t)LM_INPUT_ACK_DATAGRAM_BYTES
                                          : LM_L1_HEADER_BYTES + LM_L1_INPUT_ACK_BYTES);
}

/* --- the client ------------------------------------------------------------------------------- */

int lm_input_out_init(struct lm_input_out *o, const LumenConfig *config)
{
    atomic_store(&o->repeat_at, UINT64_MAX);
    if (pthread_mutex_init(&o->lock, NULL))
        return LM_ENOMEM;
    o->has_lock = true;
    int rc = seal_init(&o->seal, config, input_label);
    return rc < 0 ? rc : seal_init(&o->ack_seal, config, ack_label);
}

void lm_input_out_finish(struct lm_input_out *o)
{
    seal_finish(&o->seal);
    seal_finish(&o->ack_seal);
    if (o->has_lock)
        pthread_mutex_destroy(&o->lock);
    o->has_lock = false;
    lm_wipe(o->edges, sizeof o->edges); /* what was typed may be a password */
}

static bool is_small(int32_t v)
{
    return v >= -MAX_MOTION && v <= MAX_MOTION;
}

static int move(struct lm_l1_pointer *p, const LumenInputEvent *e)
{
    if (e->type == LUMEN_INPUT_POSITION) {
        if (e->x < 0 || e->x > UINT16_MAX || e->y < 0 || e->y > UINT16_MAX)
            return LM_EINVAL;
        p->x = (uint16_t)e->x;
        p->y = (uint16_t)e->y;
        if (++p->placed == 0)
            p->placed = 1;
    } else {
        bool moves = e->type == LUMEN_INPUT_MOTION;
        if (!is_small(e->x) || !is_small(e->y))
            return LM_EINVAL;
        *(moves ? &p->moved_x : &p->scrolled_x) += (uint32_t)e->x;
        *(moves ? &p->moved_y : &p->scrolled_y) += (uint32_t)e->y;
    }
    p->counter++;
    return 0;
}

static int edge_of(const LumenInputEvent *e, struct lm_l1_edge *out)
{
    memset(out, 0, sizeof *out);
    if (e->type == LUMEN_INPUT_TEXT) {
        const char *end = memchr(e->text, 0, sizeof e->text);
        if (!end)
            return LM_EINVAL;
        out->kind = LM_L1_EDGE_TEXT;
        out->text_bytes = (uint8_t)(end - e->text);
        memcpy(out->text, e->text, out->text_bytes);
    } else {
        if (e->code > UINT16_MAX || e->value < 0 || e->value > 1)
            return LM_EINVAL;
        out->kind = e->type == LUMEN_INPUT_KEY ? LM_L1_EDGE_KEY : LM_L1_EDGE_BUTTON;
        out->code = (uint16_t)e->code;
        out->down = (uint8_t)e->value;
    }
    return lm_l1_edge_is_valid(out) ? 0 : LM_EINVAL;
}

int lm_input_out_add(struct lm_input_out *o, const LumenInputEvent *event)
{
    struct lm_l1_edge edge;
    switch (event->type) {
    case LUMEN_INPUT_MOTION:
    case LUMEN_INPUT_POSITION:
    case LUMEN_INPUT_SCROLL:
        return move(&o->pointer, event);
    case LUMEN_INPUT_KEY:
    case LUMEN_INPUT_BUTTON:
    case LUMEN_INPUT_TEXT:
        break;
    default:
        return LM_EINVAL;
    }
    int rc = edge_of(event, &edge);
    if (rc < 0)
        return rc;
    (void)!lm_input_out_waits(o);
    if (o->next - o->first == LM_INPUT_WAITING)
        return LM_EFULL;
    edge.before = o->pointer;
    o->edges[o->next++ % LM_INPUT_WAITING] = edge;
    return 0;
}

bool lm_input_out_waits(struct lm_input_out *o)
{
    uint64_t acked = atomic_load_explicit(&o->acked, memory_order_relaxed);
    uint32_t edge = (uint32_t)(acked >> 32), counter = (uint32_t)acked;
    if (edge - o->first <= o->next - o->first) /* else of what was never sent */
        o->first = edge;
    if (o->pointer.counter - counter < o->pointer.counter - o->acked_counter)
        o->acked_counter = counter;
    return o->first != o->next || o->acked_counter != o->pointer.counter;
}

int lm_input_out_write(struct lm_input_out *o, uint32_t *from,
                       uint8_t datagram[LM_INPUT_DATAGRAM_BYTES])
{
    uint8_t *payload = datagram + LM_L1_HEADER_BYTES;
    struct lm_writer w = lm_writer_of(payload, LM_L1_INPUT_MAX_BYTES);
    lm_l1_input_begin(&w, &(struct lm_l1_input){.first = *from, .pointer = o->pointer});
    while (*from != o->next && lm_l1_input_add(&w, payload, &o->edges[*from % LM_INPUT_WAITING]))
        ++*from;
    LM_DCHECK(!w.bad);
    return seal(&o->seal, datagram, lm_writer_size(&w));
}

int lm_input_out_acknowledge(struct lm_input_out *o, uint8_t *datagram, size_t size_bytes)
{
    struct lm_l1_input_ack ack;
    int bytes = unseal(&o->ack_seal, NULL, datagram, size_bytes);
    if (bytes < 0)
        return bytes;
    if (lm_l1_parse_input_ack(datagram + LM_L1_HEADER_BYTES, (size_t)bytes, &ack) < 0)
        return LM_EPROTO;
    /* Only this thread writes it; late and repeated ones change nothing. */
    uint64_t old = atomic_load_explicit(&o->acked, memory_order_relaxed);
    uint32_t edge = (uint32_t)(old >> 32), counter = (uint32_t)old;
    if ((int32_t)(ack.next_edge - edge) > 0)
        edge = ack.next_edge;
    if ((int32_t)(ack.counter - counter) > 0)
        counter = ack.counter;
    atomic_store_explicit(&o->acked, (uint64_t)edge << 32 | counter, memory_order_relaxed);
    return 0;
}

/* --- the host --------------------------------------------------------------------------------- */

int lm_input_in_init(struct lm_input_in *in, const LumenConfig *config)
{
    int rc = seal_init(&in->seal, config, input_label);
    return rc < 0 ? rc : seal_init(&in->ack_seal, config, ack_label);
}

void lm_input_in_finish(struct lm_input_in *in)
{
    seal_finish(&in->seal);
    seal_finish(&in->ack_seal);
}

int lm_input_in_open(struct lm_input_in *in, uint8_t *datagram, size_t size_bytes,
                     struct lm_l1_input *out)
{
    int bytes = unseal(&in->seal, &in->replay, datagram, size_bytes);
    if (bytes < 0)
        return bytes;
    return lm_l1_parse_input(datagram + LM_L1_HEADER_BYTES, (size_t)bytes, out);
}

int lm_input_in_move(struct lm_input_in *in, const struct lm_l1_pointer *pointer,
                     LumenInputEvent events[3])
{
    const struct lm_l1_pointer old = in->pointer;
    int count = 0;
    if ((int32_t)(pointer->counter - old.counter) <= 0)
        return 0;
    in->pointer = *pointer;
    if (pointer->moved_x != old.moved_x || pointer->moved_y != old.moved_y)
        events[count++] = (LumenInputEvent){.type = LUMEN_INPUT_MOTION,
                                            .x = (int32_t)(pointer->moved_x - old.moved_x),
                                            .y = (int32_t)(pointer->moved_y - old.moved_y)};
    if (pointer->placed != old.placed)
        events[count++] =
            (LumenInputEvent){.type = LUMEN_INPUT_POSITION, .x = pointer->x, .y = pointer->y};
    if (pointer->scrolled_x != old.scrolled_x || pointer->scrolled_y != old.scrolled_y)
        events[count++] = (LumenInputEvent){.type = LUMEN_INPUT_SCROLL,
                                            .x = (int32_t)(pointer->scrolled_x - old.scrolled_x),
                                            .y = (int32_t)(pointer->scrolled_y - old.scrolled_y)};
    return count;
}

void lm_input_edge_event(const struct lm_l1_edge *edge, LumenInputEvent *out)
{
    static const uint32_t types[] = {
        [LM_L1_EDGE_KEY] = LUMEN_INPUT_KEY,
        [LM_L1_EDGE_BUTTON] = LUMEN_INPUT_BUTTON,
        [LM_L1_EDGE_TEXT] = LUMEN_INPUT_TEXT,
    };
    *out = (LumenInputEvent){.type = types[edge->kind], .code = edge->code, .value = edge->down};
    memcpy(out->text, edge->text, edge->text_bytes);
}

int lm_input_in_write_ack(struct lm_input_in *in, uint8_t datagram[LM_INPUT_ACK_DATAGRAM_BYTES])
{
    struct lm_l1_input_ack ack = {in->next_edge, in->pointer.counter};
    lm_l1_write_input_ack(datagram + LM_L1_HEADER_BYTES, &ack);
    return seal(&in->ack_seal, datagram, LM_L1_INPUT_ACK_BYTES);
}
