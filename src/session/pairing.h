/* The host's side of pairing: a table of transactions, each going strictly through phases 1-4.
 * Phase 1 parks until a person enters the PIN. Phase 5 is the caller's: over HTTPS it knows whether
 * the certificate is authorized. The client's side is pairing_client.h. One thread.
 *
 *   /pair on HTTP    -> pairing_request -> ANSWERED: send out->xml
 *                                          PARKED:   keep the connection under out->id
 *                                          COMMIT:   store out->cert, then pairing_committed
 *   PIN typed        -> pairing_enter_pin -> answer for the connection parked under out->id
 *   connection gone, /unpair -> pairing_cancel
 *   timer            -> pairing_expire, until it returns 0 */
#ifndef LUMEN_SESSION_PAIRING_H
#define LUMEN_SESSION_PAIRING_H

#include "core/base/time.h"
#include "core/crypto/cert.h"
#include "session/hostinfo.h"
#include "session/params.h"

enum {
    PAIRING_MAX_OPEN = 8,
    PAIRING_MAX_PER_PEER = 2,
    PAIRING_PIN_DIGITS = 4,
    PAIRING_PEM_BYTES = 8192,
    PAIRING_NAME_BYTES = 65,
    PAIRING_PEER_BYTES = 64,
};

enum pairing_action {
    PAIRING_ANSWERED = 1, /* xml is the answer */
    PAIRING_PARKED,       /* no answer yet */
    PAIRING_COMMIT,       /* store cert, then call pairing_committed for the answer */
};

struct pairing_answer {
    enum pairing_action action;
    uint32_t id;                    /* the transaction; 0 when the request made none */
    uint32_t dropped_id;            /* a parked transaction this request replaced, or 0: answer its
                                       connection with pairing_write_dropped and close it */
    bool paired;                    /* ANSWERED: the answer says paired 1 */
    bool failed;                    /* ANSWERED: this run is over without success; tell the user */
    const struct lm_cert *cert;     /* COMMIT: the client's, borrowed until pairing_committed */
    const char *device_name, *peer; /* COMMIT: as long */
    size_t xml_size;
    char xml[HOSTINFO_MAX_BYTES];
};

struct pairing_params {
    const struct lm_cert *host_cert; /* borrowed until destroy */
    const struct lm_key *host_key;   /* borrowed until destroy */
    uint64_t prompt_ns;              /* 0: 300 s */
    uint64_t silence_ns;             /* 0: 10 s */
    unsigned max_failures_per_hour;  /* 0: 5 */
    /* NULL: the system's randomness. */
    void (*random)(void *user, void *out, size_t size_bytes);
    void *user;
};

struct pairing;

/* An open request, for the prompt. */
struct pairing_prompt {
    uint32_t id;
    char peer[PAIRING_PEER_BYTES];
    char device_name[PAIRING_NAME_BYTES];
    uint64_t started_ns;
};

/* LM_EAUTH: the key does not belong to the certificate; LM_ENOMEM. */
int pairing_create(struct pairing **out, const struct pairing_params *params) LM_MUST_USE;
void pairing_destroy(struct pairing *p);

/* One /pair request of phases 1-4, `peer` through hostinfo_normal_ip. phrase=pairchallenge is
 * refused here (400): see pairing_write_challenge. Always fills `out`. */
void pairing_request(struct pairing *p, const struct params *query, const char *peer,
                     uint64_t now_ns, struct pairing_answer *out);

/* The PIN for an open request; id 0 takes the only one. Fills `out` for the connection parked under
 * out->id. LM_ENOENT: no such request; LM_EEXIST: id 0 and several; LM_EINVAL: not 4 digits. */
int pairing_enter_pin(struct pairing *p, uint32_t id, const char *pin, uint64_t now_ns,
                      struct pairing_answer *out) LM_MUST_USE;

/* The user said no; answers the parked connection. LM_ENOENT. */
int pairing_reject(struct pairing *p, uint32_t id, struct pairing_answer *out) LM_MUST_USE;

/* After PAIRING_COMMIT: whether the certificate is stored and effective. Fills the answer. */
void pairing_committed(struct pairing *p, uint32_t id, bool stored, struct pairing_answer *out);

/* The connection parked under `id` closed: the request is gone, unless it was answered. */
void pairing_close(struct pairing *p, uint32_t id);

/* /unpair: drops unfinished transactions of (unique_id, peer), never a stored client; returns the
 * id of a parked one that needs pairing_write_dropped, or 0. Answer hostinfo_write_ok. */
uint32_t pairing_cancel(struct pairing *p, const char *unique_id, const char *peer,
                        uint64_t now_ns);

/* Drops one transaction whose time is over: 1 with `out` filled (out->id != 0 and action ANSWERED:
 * answer the parked connection; action 0: nobody waits), 0 when none is left. */
int pairing_expire(struct pairing *p, uint64_t now_ns, struct pairing_answer *out) LM_MUST_USE;

/* When to call pairing_expire; LM_TIME_MAX: never. */
uint64_t pairing_deadline_ns(const struct pairing *p);

/* Open requests, oldest first; returns their number. */
size_t pairing_prompts(const struct pairing *p, struct pairing_prompt out[PAIRING_MAX_OPEN]);

/* Answers for connections whose transaction was dropped, and for phase 5 over HTTPS. */
int pairing_write_dropped(char *out, size_t capacity_bytes) LM_MUST_USE;
int pairing_write_challenge(bool authorized, char *out, size_t capacity_bytes) LM_MUST_USE;

#endif
