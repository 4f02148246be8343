/* What the client remembers: its key and certificate, and the hosts it is paired with, each with
 * the one certificate it may show. Files of mode 0600 in a directory of 0700, replaced as a whole
 * and synced, so that a crash leaves the old or the new. Main thread. */
#ifndef LUMEN_CLIENT_STATE_H
#define LUMEN_CLIENT_STATE_H

#include "core/base/err.h"
#include "core/crypto/cert.h"

#include <stddef.h>
#include <stdint.h>

enum {
    STATE_MAX_HOSTS = 64,
    STATE_NAME_BYTES = 128,
    STATE_UID_BYTES = 17, /* 16 hex digits */
};

struct state_host {
    char unique_id[STATE_NAME_BYTES]; /* of the host */
    char name[STATE_NAME_BYTES];      /* as it calls itself */
    char address[STATE_NAME_BYTES];   /* as the user wrote it, with the port */
    struct lm_cert *cert;
};

struct state {
    char *dir;
    struct lm_key *key;
    struct lm_cert *cert;
    char key_pem[4096];
    char unique_id[STATE_UID_BYTES]; /* of this client, made from its certificate */
    struct state_host hosts[STATE_MAX_HOSTS];
    size_t host_count;
};

/* Opens or creates. `dir` NULL: $XDG_STATE_HOME/lumen-client, else ~/.local/state/lumen-client.
 * LM_ECORRUPT: a file is not what we write (it is left alone), LM_EIO (errno tells), LM_ENOMEM. */
int state_create(const char *dir, struct state **out) LM_MUST_USE;
void state_destroy(struct state *s);

/* NULL when not paired. Borrowed until the next state_put_host. */
const struct state_host *state_find_host(const struct state *s, const char *unique_id);

/* Adds, or replaces the one with the same unique id; copies, also the certificate; `host` is not
 * one of our own. On disk when it returns. LM_EFULL, LM_EIO, LM_ENOMEM: then what was there still
 * holds. */
int state_put_host(struct state *s, const struct state_host *host) LM_MUST_USE;

#endif
