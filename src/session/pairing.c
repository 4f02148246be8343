#include "session/pairing.h"

#include "core/base/check.h"
#include "core/crypto/ecb.h"
#include "core/crypto/hash.h"

#include <stdlib.h>
#include <string.h>

enum {
    SALT_BYTES = 16,
    SECRET_BYTES = 16,
    MAX_FAILURES = 32,
    DEFAULT_FAILURES = 5,
};

#define FAILURE_SPAN_NS (3600 * LM_NS_PER_S)

/* What a transaction waits for. */
enum stage {
    STAGE_FREE = 0,
    STAGE_PIN,
    STAGE_CHALLENGE,
    STAGE_RESPONSE,
    STAGE_SECRET,
    STAGE_COMMIT,
};

struct transaction {
    enum stage stage;
    uint32_t id;
    uint64_t started_ns, deadline_ns;
    char unique_id[PAIRING_NAME_BYTES], peer[PAIRING_PEER_BYTES], device_name[PAIRING_NAME_BYTES];
    struct lm_cert *cert;
    uint8_t salt[SALT_BYTES], key[16];
    uint8_t server_secret[SECRET_BYTES], server_challenge[SECRET_BYTES];
    uint8_t client_hash[LM_SHA256_BYTES];
};

struct pairing {
    struct pairing_params params;
    uint32_t last_id;
    struct transaction open[PAIRING_MAX_OPEN];
    uint64_t failures_ns[MAX_FAILURES]; /* the latest ones, a ring */
    size_t failure_count;               /* ever */
};

static void system_random(void *user, void *out, size_t size_bytes)
{
    lm_random(out, size_bytes);
}

int pairing_create(struct pairing **out, const struct pairing_params *params)
{
    *out = NULL;
    int result = lm_key_matches(params->host_key, params->host_cert);
    if (result < 0)
        return result;
    struct pairing *p = calloc(1, sizeof *p);
    if (!p)
        return LM_ENOMEM;
    p->params = *params;
    if (!p->params.prompt_ns)
        p->params.prompt_ns = 300 * LM_NS_PER_S;
    if (!p->params.silence_ns)
        p->params.silence_ns = 10 * LM_NS_PER_S;
    if (!p->params.max_failures_per_hour)
        p->params.max_failures_per_hour = DEFAULT_FAILURES;
    p->params.max_failures_per_hour = LM_MIN(p->params.max_failures_per_hour, MAX_FAILURES);
    if (!p->params.random)
        p->params.random = system_random;
    *out = p;
    return LM_OK;
}

static void discard(struct transaction *t)
{
    lm_cert_destroy(t->cert);
    lm_wipe(t, sizeof *t);
}

void pairing_destroy(struct pairing *p)
{
    if (!p)
        return;
    for (size_t i = 0; i < PAIRING_MAX_OPEN; i++)
        discard(&p->open[i]);
    free(p);
}

/* ---- bookkeeping ---- */

static struct transaction *by_id(struct pairing *p, uint32_t id)
{
    for (size_t i = 0; i < PAIRING_MAX_OPEN; i++)
        if (p->open[i].stage != STAGE_FREE && p->open[i].id == id)
            return &p->open[i];
    return NULL;
}

static struct transaction *by_client(struct pairing *p, const char *unique_id, const char *peer)
{
    for (size_t i = 0; i < PAIRING_MAX_OPEN; i++) {
        struct transaction *t = &p->open[i];
        if (t->stage != STAGE_FREE && strcmp(t->unique_id, unique_id) == 0 &&
            strcmp(t->peer, peer) == 0)
            return t;
    }
    return NULL;
}

static struct transaction *free_slot(struct pairing *p, const char *peer)
{
    struct transaction *slot = NULL;
    size_t of_peer = 0;
    for (size_t i = 0; i < PAIRING_MAX_OPEN; i++) {
        struct transaction *t = &p->open[i];
        if (t->stage == STAGE_FREE)
            slot = slot ? slot : t;
        else if (strcmp(t->peer, peer) == 0)
            of_peer++;
    }
    return of_peer < PAIRING_MAX_PER_PEER ? slot : NULL;
}

/* Only runs that used up a typed PIN count, so that nobody can lock pairing from afar. */
static void count_failure(struct pairing *p, uint64_t now_ns)
{
    p->failures_ns[p->failure_count++ % MAX_FAILURES] = now_ns;
}

static bool too_many_failures(const struct pairing *p, uint64_t now_ns)
{
    size_t limit = p->params.max_failures_per_hour;
    if (p->failure_count < limit)
        return false;
    return now_ns - p->failures_ns[(p->failure_count - limit) % MAX_FAILURES] < FAILURE_SPAN_NS;
}

/* ---- answers ---- */

static void finish_xml(struct pairing_answer *out, int size_bytes)
{
    LM_CHECK(size_bytes > 0);
    out->xml_size = (size_t)size_bytes;
    out->action = PAIRING_ANSWERED;
}

static void answer_data(struct pairing_answer *out, const char *element, const void *data,
                        size_t size_bytes)
{
    out->paired = true;
    finish_xml(out,
               hostinfo_write_pair(true, element, data, size_bytes, out->xml, sizeof out->xml));
}

static void answer_refused(struct pairing_answer *out)
{
    out->failed = true;
    finish_xml(out, hostinfo_write_pair(false, NULL, NULL, 0, out->xml, sizeof out->xml));
}

static void answer_error(struct pairing_answer *out, enum hostinfo_status status,
                         const char *message)
{
    finish_xml(out, hostinfo_write_pair_error(status, message, out->xml, sizeof out->xml));
}

/* A deviation from the protocol ends the transaction, whoever caused it. */
static void answer_deviation(struct pairing *p, struct transaction *t, uint64_t now_ns,
                             struct pairing_answer *out)
{
    answer_error(out, HOSTINFO_BAD_REQUEST, "The pairing request is out of order or malformed.");
    if (!t)
        return;
    out->failed = true;
    if (t->stage == STAGE_PIN)
        out->dropped_id = t->id;
    else
        count_failure(p, now_ns);
    discard(t);
}

int pairing_write_dropped(char *out, size_t capacity_bytes)
{
    return hostinfo_write_pair_error(HOSTINFO_BAD_REQUEST, "The pairing request was given up.", out,
                                     capacity_bytes);
}

int pairing_write_challenge(bool authorized, char *out, size_t capacity_bytes)
{
    if (authorized)
        return hostinfo_write_pair(true, NULL, NULL, 0, out, capacity_bytes);
    return hostinfo_write_unauthorized("/pair", out, capacity_bytes);
}

/* ---- the phases ---- */

struct request {
    const struct params *query;
    const char *unique_id, *peer;
    uint64_t now_ns;
};

static int read_cert(const struct params *query, struct lm_cert **cert)
{
    uint8_t pem[LM_CERT_PEM_MAX_BYTES];
    int size_bytes = params_hex_upto(query, "clientcert", pem, sizeof pem);
    if (size_bytes < 0)
        return size_bytes;
    return lm_cert_from_pem(cert, (const char *)pem, (size_t)size_bytes);
}

static void open_transaction(struct pairing *p, const struct request *r, struct transaction *t,
                             struct pairing_answer *out)
{
    if (++p->last_id == 0)
        p->last_id = 1;
    t->id = p->last_id;
    t->stage = STAGE_PIN;
    t->started_ns = r->now_ns;
    t->deadline_ns = r->now_ns + p->params.prompt_ns;
    strcpy(t->unique_id, r->unique_id);
    strcpy(t->peer, r->peer);
    if (params_text(r->query, "devicename", t->device_name, sizeof t->device_name) < 0)
        t->device_name[0] = '\0';
    out->id = t->id;
    out->action = PAIRING_PARKED;
}

static void on_getservercert(struct pairing *p, const struct request *r, struct transaction *old,
                             struct pairing_answer *out)
{
    struct lm_cert *cert = NULL;
    uint8_t salt[SALT_BYTES];
    if (params_hex(r->query, "salt", salt, sizeof salt) < 0 || read_cert(r->query, &cert) < 0) {
        answer_deviation(p, old, r->now_ns, out);
        return;
    }
    if (old) {
        out->dropped_id = old->stage == STAGE_PIN ? old->id : 0;
        if (old->stage != STAGE_PIN)
            count_failure(p, r->now_ns);
        discard(old);
    }
    struct transaction *t = free_slot(p, r->peer);
    if (!t || too_many_failures(p, r->now_ns)) {
        lm_cert_destroy(cert);
        answer_error(out, HOSTINFO_UNAVAILABLE,
                     t ? "Pairing failed too often. Try again later."
                       : "Too many pairing requests are open.");
        return;
    }
    t->cert = cert;
    memcpy(t->salt, salt, sizeof salt);
    open_transaction(p, r, t, out);
}

static void on_challenge(struct pairing *p, const struct request *r, struct transaction *t,
                         struct pairing_answer *out)
{
    uint8_t challenge[SECRET_BYTES], plain[LM_SHA256_BYTES + SECRET_BYTES], sealed[sizeof plain];
    if (!t || t->stage != STAGE_CHALLENGE ||
        params_hex(r->query, "clientchallenge", challenge, sizeof challenge) < 0 ||
        lm_ecb_decrypt(t->key, challenge, sizeof challenge, challenge) < 0) {
        answer_deviation(p, t, r->now_ns, out);
        return;
    }
    p->params.random(p->params.user, t->server_secret, SECRET_BYTES);
    p->params.random(p->params.user, t->server_challenge, SECRET_BYTES);
    size_t signature_bytes;
    const uint8_t *signature = lm_cert_signature(p->params.host_cert, &signature_bytes);
    const struct lm_part parts[] = {{challenge, sizeof challenge},
                                    {signature, signature_bytes},
                                    {t->server_secret, SECRET_BYTES}};
    lm_sha256(parts, LM_ARRAY_LEN(parts), plain);
    memcpy(plain + LM_SHA256_BYTES, t->server_challenge, SECRET_BYTES);
    int result = lm_ecb_encrypt(t->key, plain, sizeof plain, sealed);
    LM_CHECK(result == LM_OK);
    t->stage = STAGE_RESPONSE;
    t->deadline_ns = r->now_ns + p->params.silence_ns;
    answer_data(out, "challengeresponse", sealed, sizeof sealed);
}

static void on_response(struct pairing *p, const struct request *r, struct transaction *t,
                        struct pairing_answer *out)
{
    uint8_t sealed[LM_SHA256_BYTES], secret[SECRET_BYTES + LM_SIGNATURE_MAX_BYTES];
    if (!t || t->stage != STAGE_RESPONSE ||
        params_hex(r->query, "serverchallengeresp", sealed, sizeof sealed) < 0 ||
        lm_ecb_decrypt(t->key, sealed, sizeof sealed, t->client_hash) < 0) {
        answer_deviation(p, t, r->now_ns, out);
        return;
    }
    memcpy(secret, t->server_secret, SECRET_BYTES);
    int signature_bytes = lm_key_sign(p->params.host_key, t->server_secret, SECRET_BYTES,
                                      secret + SECRET_BYTES, LM_SIGNATURE_MAX_BYTES);
    LM_CHECK(signature_bytes > 0);
    t->stage = STAGE_SECRET;
    t->deadline_ns = r->now_ns + p->params.silence_ns;
    answer_data(out, "pairingsecret", secret, SECRET_BYTES + (size_t)signature_bytes);
}

/* Both must hold: the hash proves the PIN, the signature the certificate. */
static bool secret_is_right(const struct transaction *t, const uint8_t *secret, size_t size_bytes)
{
    uint8_t hash[LM_SHA256_BYTES];
    size_t signature_bytes;
    const uint8_t *signature = lm_cert_signature(t->cert, &signature_bytes);
    const struct lm_part parts[] = {
        {t->server_challenge, SECRET_BYTES}, {signature, signature_bytes}, {secret, SECRET_BYTES}};
    lm_sha256(parts, LM_ARRAY_LEN(parts), hash);
    bool hash_right = lm_crypto_equal(hash, t->client_hash, sizeof hash);
    bool signature_right = lm_cert_verify(t->cert, secret, SECRET_BYTES, secret + SECRET_BYTES,
                                          size_bytes - SECRET_BYTES) == LM_OK;
    return hash_right && signature_right;
}

static void on_secret(struct pairing *p, const struct request *r, struct transaction *t,
                      struct pairing_answer *out)
{
    uint8_t secret[SECRET_BYTES + LM_SIGNATURE_MAX_BYTES];
    int size_bytes = params_hex_upto(r->query, "clientpairingsecret", secret, sizeof secret);
    if (!t || t->stage != STAGE_SECRET || size_bytes <= SECRET_BYTES) {
        answer_deviation(p, t, r->now_ns, out);
        return;
    }
    out->id = t->id;
    if (!secret_is_right(t, secret, (size_t)size_bytes)) {
        count_failure(p, r->now_ns);
        discard(t);
        answer_refused(out);
        return;
    }
    t->stage = STAGE_COMMIT;
    t->deadline_ns = LM_TIME_MAX;
    out->action = PAIRING_COMMIT;
    out->cert = t->cert;
    out->device_name = t->device_name;
    out->peer = t->peer;
}

static void reset(struct pairing_answer *out)
{
    *out = (struct pairing_answer){0};
}

typedef void (*phase_fn)(struct pairing *p, const struct request *r, struct transaction *t,
                         struct pairing_answer *out);

static phase_fn phase_of(const struct params *query)
{
    char phrase[32];
    int phrased = params_text(query, "phrase", phrase, sizeof phrase);
    if (phrased != LM_ENOENT)
        return phrased > 0 && strcmp(phrase, "getservercert") == 0 ? on_getservercert : NULL;
    if (params_has(query, "clientchallenge"))
        return on_challenge;
    if (params_has(query, "serverchallengeresp"))
        return on_response;
    return params_has(query, "clientpairingsecret") ? on_secret : NULL;
}

void pairing_request(struct pairing *p, const struct params *query, const char *peer,
                     uint64_t now_ns, struct pairing_answer *out)
{
    char unique_id[PAIRING_NAME_BYTES];
    reset(out);
    LM_CHECK(strlen(peer) < PAIRING_PEER_BYTES);
    phase_fn phase = phase_of(query);
    if (!phase || params_text(query, "uniqueid", unique_id, sizeof unique_id) <= 0) {
        answer_deviation(p, NULL, now_ns, out);
        return;
    }
    struct request request = {query, unique_id, peer, now_ns};
    struct transaction *t = by_client(p, unique_id, peer);
    /* Silence is over even if the caller's timer was late. */
    if (t && t->stage != STAGE_PIN && t->deadline_ns <= now_ns) {
        count_failure(p, now_ns);
        discard(t);
        t = NULL;
    }
    phase(p, &request, t, out);
}

/* ---- the user ---- */

static int find_open(struct pairing *p, uint32_t id, struct transaction **out)
{
    struct transaction *found = NULL;
    for (size_t i = 0; i < PAIRING_MAX_OPEN; i++) {
        struct transaction *t = &p->open[i];
        if (t->stage != STAGE_PIN || (id && t->id != id))
            continue;
        if (found)
            return LM_EEXIST;
        found = t;
    }
    *out = found;
    return found ? LM_OK : LM_ENOENT;
}

int pairing_enter_pin(struct pairing *p, uint32_t id, const char *pin, uint64_t now_ns,
                      struct pairing_answer *out)
{
    struct transaction *t;
    uint8_t hash[LM_SHA256_BYTES];
    reset(out);
    if (strlen(pin) != PAIRING_PIN_DIGITS || strspn(pin, "0123456789") != PAIRING_PIN_DIGITS)
        return LM_EINVAL;
    int result = find_open(p, id, &t);
    if (result < 0)
        return result;
    if (t->deadline_ns <= now_ns)
        return LM_ENOENT;
    const struct lm_part parts[] = {{t->salt, sizeof t->salt}, {pin, PAIRING_PIN_DIGITS}};
    lm_sha256(parts, LM_ARRAY_LEN(parts), hash);
    memcpy(t->key, hash, sizeof t->key);
    lm_wipe(hash, sizeof hash);
    t->stage = STAGE_CHALLENGE;
    t->deadline_ns = now_ns + p->params.silence_ns;
    out->id = t->id;
    size_t pem_bytes;
    const char *pem = lm_cert_pem(p->params.host_cert, &pem_bytes);
    answer_data(out, "plaincert", pem, pem_bytes);
    return LM_OK;
}

int pairing_reject(struct pairing *p, uint32_t id, struct pairing_answer *out)
{
    struct transaction *t;
    reset(out);
    int result = find_open(p, id, &t);
    if (result < 0)
        return result;
    out->id = t->id;
    discard(t);
    answer_refused(out);
    return LM_OK;
}

void pairing_committed(struct pairing *p, uint32_t id, bool stored, struct pairing_answer *out)
{
    struct transaction *t = by_id(p, id);
    reset(out);
    LM_CHECK(t && t->stage == STAGE_COMMIT);
    out->id = id;
    discard(t);
    if (stored)
        answer_data(out, NULL, NULL, 0);
    else
        answer_refused(out);
}

void pairing_close(struct pairing *p, uint32_t id)
{
    struct transaction *t = by_id(p, id);
    /* Once answered, phase 1's connection closes as a matter of course. */
    if (t && t->stage == STAGE_PIN)
        discard(t);
}

uint32_t pairing_cancel(struct pairing *p, const char *unique_id, const char *peer, uint64_t now_ns)
{
    struct transaction *t = by_client(p, unique_id, peer);
    if (!t || t->stage == STAGE_COMMIT)
        return 0;
    uint32_t parked_id = t->stage == STAGE_PIN ? t->id : 0;
    if (!parked_id)
        count_failure(p, now_ns); /* how clients say that the PIN was wrong */
    discard(t);
    return parked_id;
}

int pairing_expire(struct pairing *p, uint64_t now_ns, struct pairing_answer *out)
{
    reset(out);
    for (size_t i = 0; i < PAIRING_MAX_OPEN; i++) {
        struct transaction *t = &p->open[i];
        if (t->stage == STAGE_FREE || t->stage == STAGE_COMMIT || t->deadline_ns > now_ns)
            continue;
        bool parked = t->stage == STAGE_PIN;
        out->id = t->id;
        discard(t);
        out->failed = true;
        if (parked)
            answer_error(out, HOSTINFO_BAD_REQUEST, "Nobody entered the PIN in time.");
        else
            count_failure(p, now_ns);
        return 1;
    }
    return 0;
}

uint64_t pairing_deadline_ns(const struct pairing *p)
{
    uint64_t deadline_ns = LM_TIME_MAX;
    for (size_t i = 0; i < PAIRING_MAX_OPEN; i++)
        if (p->open[i].stage != STAGE_FREE && p->open[i].stage != STAGE_COMMIT)
            deadline_ns = LM_MIN(deadline_ns, p->open[i].deadline_ns);
    return deadline_ns;
}

size_t pairing_prompts(const struct pairing *p, struct pairing_prompt out[PAIRING_MAX_OPEN])
{
    size_t count = 0;
    for (size_t i = 0; i < PAIRING_MAX_OPEN; i++) {
        const struct transaction *t = &p->open[i];
        if (t->stage != STAGE_PIN)
            continue;
        size_t at = count++;
        for (; at > 0 && out[at - 1].started_ns > t->started_ns; at--)
            out[at] = out[at - 1];
        out[at] = (struct pairing_prompt){.id = t->id, .started_ns = t->started_ns};
        strcpy(out[at].peer, t->peer);
        strcpy(out[at].device_name, t->device_name);
    }
    return count;
}
