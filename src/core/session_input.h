/* Input of a session, without its transport: what the client has not had acknowledged, and what the
 * host has dispatched. Datagrams are lumen/1's of kind input, in either phase, under keys derived
 * from the session's, one per direction (docs/core.md). */
#ifndef LUMEN_CORE_SESSION_INPUT_H
#define LUMEN_CORE_SESSION_INPUT_H

#include "core/recv/l1_replay.h"
#include "core/wire/l1_input.h"
#include "core/wire/l1_video.h"
#include "lumen_core.h"

#include <pthread.h>
#include <stdatomic.h>

struct lm_aead;

enum {
    LM_INPUT_DATAGRAM_BYTES = LM_L1_HEADER_BYTES + LM_L1_INPUT_MAX_BYTES + LM_L1_TAG_BYTES,
    LM_INPUT_ACK_DATAGRAM_BYTES = LM_L1_HEADER_BYTES + LM_L1_INPUT_ACK_BYTES + LM_L1_TAG_BYTES,
    LM_INPUT_WAITING = 256, /* edges without acknowledgement */
    LM_INPUT_REPEAT_MS = 20,
};

/* One direction's key and numbers. Embedded; zeroed is finished. */
struct lm_input_seal {
    struct lm_aead *aead; /* NULL: in clear */
    uint8_t salt[LM_L1_SALT_BYTES];
    uint32_t session_id;
    uint64_t sequence;
};

/* The client's side. Everything but `acked`, `repeat_at` and `ack_seal` is under `lock`. */
struct lm_input_out {
    pthread_mutex_t lock;
    bool has_lock;
    struct lm_input_seal seal;
    struct lm_l1_edge edges[LM_INPUT_WAITING]; /* number i at i % LM_INPUT_WAITING */
    uint32_t first, next;                      /* numbers: oldest waiting, next to be given */
    struct lm_l1_pointer pointer;
    uint32_t acked_counter;
    struct lm_input_seal ack_seal; /* of the receiving thread */
    _Atomic uint64_t acked;        /* newest acknowledgement: next edge << 32 | counter */
    _Atomic uint64_t repeat_at;    /* when to send again; UINT64_MAX: nothing waits */
};

/* The host's side, of the input thread. */
struct lm_input_in {
    struct lm_input_seal seal, ack_seal;
    struct lm_l1_replay replay;
    uint32_t next_edge;
    struct lm_l1_pointer pointer; /* as dispatched */
};

/* LM_EUNSUPPORTED (no cipher), LM_ENOMEM. */
int lm_input_out_init(struct lm_input_out *o, const LumenConfig *config) LM_MUST_USE;
void lm_input_out_finish(struct lm_input_out *o);
int lm_input_in_init(struct lm_input_in *in, const LumenConfig *config) LM_MUST_USE;
void lm_input_in_finish(struct lm_input_in *in);

/* Locked. LM_EINVAL: a member out of range. LM_EFULL: nothing has changed. */
int lm_input_out_add(struct lm_input_out *o, const LumenInputEvent *event) LM_MUST_USE;
/* Locked. Takes note of acknowledgements; whether anything waits. */
bool lm_input_out_waits(struct lm_input_out *o);
/* Locked. A sealed datagram with the edges from *from on, which moves behind those that fit; its
 * size. LM_EIO: the cipher failed. */
int lm_input_out_write(struct lm_input_out *o, uint32_t *from,
                       uint8_t datagram[LM_INPUT_DATAGRAM_BYTES]) LM_MUST_USE;
/* The receiving thread. LM_EPROTO or LM_EAUTH when it is no acknowledgement. */
int lm_input_out_acknowledge(struct lm_input_out *o, uint8_t *datagram,
                             size_t size_bytes) LM_MUST_USE;

/* 0: *out is input of the client, borrowed from the datagram, which is changed. LM_EPROTO;
 * LM_EAUTH: forged; LM_EEXIST: replayed, or too old to tell. */
int lm_input_in_open(struct lm_input_in *in, uint8_t *datagram, size_t size_bytes,
                     struct lm_l1_input *out) LM_MUST_USE;
/* Up to 3 events that lead from what was dispatched to `pointer`, which is that from now on; how
 * many. 0 for an older state. */
int lm_input_in_move(struct lm_input_in *in, const struct lm_l1_pointer *pointer,
                     LumenInputEvent events[3]);
void lm_input_edge_event(const struct lm_l1_edge *edge, LumenInputEvent *out);
/* Sealed; its size. LM_EIO. */
int lm_input_in_write_ack(struct lm_input_in *in,
                          uint8_t datagram[LM_INPUT_ACK_DATAGRAM_BYTES]) LM_MUST_USE;

/* Whether a datagram that a client received is an acknowledgement of input rather than video: in
 * phase 1 by its size, which no video datagram has. */
bool lm_input_is_ack(const LumenConfig *config, const uint8_t *datagram, size_t size_bytes);

#endif
