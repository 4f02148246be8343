/* The client's side of pairing: gives the request of each phase, checks each answer. One thread. */
#ifndef LUMEN_SESSION_PAIRING_CLIENT_H
#define LUMEN_SESSION_PAIRING_CLIENT_H

#include "core/base/err.h"
#include "session/pairing.h"

enum { PAIRING_TARGET_BYTES = 2 * PAIRING_PEM_BYTES + 512 };

enum pairing_client_state {
    PAIRING_CLIENT_PHASE1 = 1, /* HTTP, no time limit: the PIN is being typed */
    PAIRING_CLIENT_PHASE2,
    PAIRING_CLIENT_PHASE3,
    PAIRING_CLIENT_PHASE4,
    PAIRING_CLIENT_PHASE5, /* HTTPS, with the host's certificate pinned */
    PAIRING_CLIENT_DONE,
    PAIRING_CLIENT_FAILED, /* send pairing_client_unpair_target over HTTP if it gives one */
};

enum pairing_failure {
    PAIRING_NOT_FAILED = 0,
    PAIRING_REFUSED,   /* the host said no, or the answer was malformed */
    PAIRING_WRONG_PIN, /* the host proved another PIN than ours */
    PAIRING_BUSY,      /* another pairing is in progress */
    PAIRING_FORGED,    /* the host's signature does not match its certificate */
};

struct pairing_client_params {
    const struct lm_cert *cert; /* our identity, borrowed until destroy */
    const struct lm_key *key;
    const char *unique_id, *device_name; /* NULL: the defaults every client uses */
    const char *pin;                     /* 4 digits, shown to the user by the caller */
    void (*random)(void *user, void *out, size_t size_bytes); /* NULL: the system's */
    void *user;
};

struct pairing_client;

int pairing_client_create(struct pairing_client **out,
                          const struct pairing_client_params *params) LM_MUST_USE;
void pairing_client_destroy(struct pairing_client *c);

/* A random PIN of 4 digits, NUL-terminated. */
void pairing_make_pin(char pin[PAIRING_PIN_DIGITS + 1]);

enum pairing_client_state pairing_client_state(const struct pairing_client *c);
enum pairing_failure pairing_client_failure(const struct pairing_client *c);

/* The target ("/pair?...") of the current phase; returns its length. PAIRING_TARGET_BYTES
 * suffices. LM_EINVAL when done or failed. */
int pairing_client_target(const struct pairing_client *c, char *out,
                          size_t capacity_bytes) LM_MUST_USE;

/* "/unpair?...", for a failed run that the host still holds open. */
int pairing_client_unpair_target(const struct pairing_client *c, char *out,
                                 size_t capacity_bytes) LM_MUST_USE;

/* The body of the answer; LM_OK: the next phase (or DONE). Otherwise the state is FAILED. */
int pairing_client_answer(struct pairing_client *c, const char *xml, size_t size_bytes) LM_MUST_USE;

/* The host's certificate, after phase 1 (else NULL); pin it, store it at DONE. Borrowed. */
const struct lm_cert *pairing_client_host_cert(const struct pairing_client *c);

#endif
