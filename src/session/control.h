/* The encrypted envelope of the control stream, both ends: AES-128-GCM with the launch key, one
 * counter per direction. One thread per object. */
#ifndef LUMEN_SESSION_CONTROL_H
#define LUMEN_SESSION_CONTROL_H

#include "core/wire/gs_control.h"

enum control_role { CONTROL_HOST = 1, CONTROL_CLIENT };

/* How the nonce is made. LEGACY repeats nonces by construction: only for clients that did not
 * enable control encryption v2. */
enum control_iv { CONTROL_IV_V2 = 1, CONTROL_IV_LEGACY };

struct control;

/* A new object for each launch or resume: counters restart only with a new key. LM_ENOMEM. */
int control_create(struct control **out, enum control_role role, enum control_iv iv,
                   const uint8_t key[16]) LM_MUST_USE;
void control_destroy(struct control *c);

/* Seals one plain message; returns the packet's size. LM_ELIMIT: too large, or the counter is
 * used up. */
int control_seal(struct control *c, const uint8_t *plain, size_t size_bytes, uint8_t *out,
                 size_t capacity_bytes) LM_MUST_USE;

/* Opens one packet of the other end; returns the plain size. LM_EPROTO: no envelope; LM_EAUTH: bad
 * tag, or a sequence number seen before (a window of 1024; order does not matter). Drop and go
 * on. */
int control_open(struct control *c, const uint8_t *packet, size_t size_bytes, uint8_t *plain,
                 size_t capacity_bytes) LM_MUST_USE;

/* Typed forms: encode and seal, open and parse. LM_ENOENT: authentic but unknown, ignore it.
 * A packet never exceeds LM_GS_ENVELOPE_MAX_BYTES. */
int control_write_host(struct control *c, const struct lm_gs_host_message *message, uint8_t *out,
                       size_t capacity_bytes) LM_MUST_USE;
int control_write_client(struct control *c, const struct lm_gs_client_message *message,
                         uint8_t *out, size_t capacity_bytes) LM_MUST_USE;
int control_read_client(struct control *c, const uint8_t *packet, size_t size_bytes,
                        struct lm_gs_client_message *out) LM_MUST_USE;
int control_read_host(struct control *c, const uint8_t *packet, size_t size_bytes,
                      struct lm_gs_host_message *out) LM_MUST_USE;

#endif
