/* Payload of lumen/1's input datagrams (kind 2): client to host the state of the pointer and the
 * keys, buttons and texts ("edges") that are not acknowledged yet, host to client the
 * acknowledgement. All fields big-endian; docs/core.md has the layout. No state; any thread. */
#ifndef LUMEN_CORE_WIRE_L1_INPUT_H
#define LUMEN_CORE_WIRE_L1_INPUT_H

#include "core/base/bytes.h"
#include "core/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    LM_L1_INPUT_MAX_BYTES = 1200, /* of the payload */
    LM_L1_INPUT_HEAD_BYTES = 36,  /* in front of the edges */
    LM_L1_INPUT_ACK_BYTES = 8,
    LM_L1_INPUT_MAX_EDGES = 32, /* in one datagram */
    LM_L1_TEXT_BYTES = 31,      /* largest text, without its end */

    LM_L1_MAX_KEY = 767, /* KEY_MAX of Linux */
    LM_L1_MAX_BUTTON = 32,
};

enum lm_l1_edge_kind {
    LM_L1_EDGE_KEY = 1,
    LM_L1_EDGE_BUTTON = 2,
    LM_L1_EDGE_TEXT = 3,
};

/* The pointer as of some moment. Movements are sums since the start, modulo 2^32, so that a lost
 * datagram loses none of them. */
struct lm_l1_pointer {
    uint32_t counter; /* +1 per change; newest wins */
    uint32_t moved_x, moved_y;
    uint32_t scrolled_x, scrolled_y;
    uint16_t x, y;   /* position, 0..65535 of the picture */
    uint16_t placed; /* +1 per position given; 0 at the start: x and y say nothing yet */
};

struct lm_l1_edge {
    uint8_t kind; /* enum lm_l1_edge_kind */
    uint8_t down; /* key, button: 1 or 0; text: 0 */
    uint16_t code;
    struct lm_l1_pointer before; /* the pointer when it happened */
    uint8_t text_bytes;          /* text: 1..31 */
    char text[LM_L1_TEXT_BYTES + 1];
};

struct lm_l1_input {
    uint32_t first; /* number of the first edge; edges count up from 0 */
    uint16_t edges;
    struct lm_l1_pointer pointer; /* now, behind all edges */
    struct lm_reader rest;        /* for lm_l1_input_next */
};

struct lm_l1_input_ack {
    uint32_t next_edge; /* all before it were dispatched */
    uint32_t counter;   /* of the newest pointer state seen */
};

/* `w` has room for at least LM_L1_INPUT_HEAD_BYTES; head->edges and rest are not looked at. */
void lm_l1_input_begin(struct lm_writer *w, const struct lm_l1_input *head);

/* The next edge. False when the payload would pass LM_L1_INPUT_MAX_BYTES or _MAX_EDGES, or the
 * writer's room: it is unchanged. `payload` is what begin wrote. */
bool lm_l1_input_add(struct lm_writer *w, uint8_t *payload, const struct lm_l1_edge *edge);

/* LM_EPROTO unless everything, to the last edge and byte, is well-formed: then each edge is what
 * a sound client sends. `data` stays borrowed by *out. */
int lm_l1_parse_input(const uint8_t *data, size_t size_bytes, struct lm_l1_input *out) LM_MUST_USE;

/* The edges of a parsed input, one after the other; false after the last. */
bool lm_l1_input_next(struct lm_l1_input *input, struct lm_l1_edge *out) LM_MUST_USE;

void lm_l1_write_input_ack(uint8_t out[LM_L1_INPUT_ACK_BYTES], const struct lm_l1_input_ack *ack);
int lm_l1_parse_input_ack(const uint8_t *data, size_t size_bytes,
                          struct lm_l1_input_ack *out) LM_MUST_USE;

/* Whether an edge is one that a sound client sends: kind, code and value in range, text UTF-8
 * without NUL. */
bool lm_l1_edge_is_valid(const struct lm_l1_edge *edge);

#endif
