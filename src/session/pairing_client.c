#include "session/pairing_client.h"

#include "core/base/check.h"
#include "core/base/text.h"
#include "core/crypto/ecb.h"
#include "core/crypto/hash.h"
#include "core/crypto/hex.h"

#include <stdlib.h>

enum { SECRET_BYTES = 16, CHALLENGE_BYTES = LM_SHA256_BYTES + SECRET_BYTES };

struct pairing_client {
    struct pairing_client_params params;
    enum pairing_client_state state;
    enum pairing_failure failure;
    bool host_waits; /* the host holds a transaction: /unpair is due after a failure */
    struct lm_cert *host_cert;
    uint8_t salt[16], key[16];
    uint8_t challenge[SECRET_BYTES], secret[SECRET_BYTES];
    uint8_t host_hash[LM_SHA256_BYTES], host_challenge[SECRET_BYTES];
};

static void system_random(void *user, void *out, size_t size_bytes)
{
    lm_random(out, size_bytes);
}

void pairing_make_pin(char pin[PAIRING_PIN_DIGITS + 1])
{
    uint8_t byte;
    for (int i = 0; i < PAIRING_PIN_DIGITS; i++) {
        do
            lm_random(&byte, 1);
        while (byte >= 250); /* so that all digits are equally likely */
        pin[i] = (char)('0' + byte % 10);
    }
    pin[PAIRING_PIN_DIGITS] = '\0';
}

int pairing_client_create(struct pairing_client **out, const struct pairing_client_params *params)
{
    *out = NULL;
    if (strlen(params->pin) != PAIRING_PIN_DIGITS)
        return LM_EINVAL;
    struct pairing_client *c = calloc(1, sizeof *c);
    if (!c)
        return LM_ENOMEM;
    c->params = *params;
    if (!c->params.unique_id)
        c->params.unique_id = HOSTINFO_DEFAULT_UID;
    if (!c->params.device_name)
        c->params.device_name = "roth";
    if (!c->params.random)
        c->params.random = system_random;
    c->state = PAIRING_CLIENT_PHASE1;
    c->params.random(c->params.user, c->salt, sizeof c->salt);
    c->params.random(c->params.user, c->challenge, sizeof c->challenge);
    c->params.random(c->params.user, c->secret, sizeof c->secret);
    uint8_t hash[LM_SHA256_BYTES];
    const struct lm_part parts[] = {{c->salt, sizeof c->salt}, {params->pin, PAIRING_PIN_DIGITS}};
    lm_sha256(parts, LM_ARRAY_LEN(parts), hash);
    memcpy(c->key, hash, sizeof c->key);
    lm_wipe(hash, sizeof hash);
    c->params.pin = NULL; /* not ours to keep */
    *out = c;
    return LM_OK;
}

void pairing_client_destroy(struct pairing_client *c)
{
    if (!c)
        return;
    lm_cert_destroy(c->host_cert);
    lm_wipe(c, sizeof *c);
    free(c);
}

enum pairing_client_state pairing_client_state(const struct pairing_client *c)
{
    return c->state;
}

enum pairing_failure pairing_client_failure(const struct pairing_client *c)
{
    return c->failure;
}

const struct lm_cert *pairing_client_host_cert(const struct pairing_client *c)
{
    return c->host_cert;
}

/* ---- requests ---- */

static void add_encoded(struct lm_text *t, const char *text)
{
    for (; *text; text++) {
        bool plain = (*text >= '0' && *text <= '9') || (*text >= 'a' && *text <= 'z') ||
                     (*text >= 'A' && *text <= 'Z') || strchr("-._", *text);
        lm_text_add(t, plain ? "%c" : "%%%02X", (unsigned char)*text);
    }
}

static void add_head(struct lm_text *t, const struct pairing_client *c, const char *path)
{
    uint8_t uuid[16];
    char hex[2 * sizeof uuid + 1];
    lm_random(uuid, sizeof uuid);
    lm_hex_encode(uuid, sizeof uuid, hex);
    lm_text_add(t, "%s?uniqueid=", path);
    add_encoded(t, c->params.unique_id);
    lm_text_add(t, "&uuid=%s", hex);
}

static void add_hex(struct lm_text *t, const char *name, const void *data, size_t size_bytes)
{
    char hex[2 * LM_CERT_PEM_MAX_BYTES + 1];
    if (size_bytes > LM_CERT_PEM_MAX_BYTES) {
        t->bad = true;
        return;
    }
    lm_hex_encode(data, size_bytes, hex);
    lm_text_add(t, "&%s=%s", name, hex);
}

static void add_certificate(struct lm_text *t, const struct pairing_client *c)
{
    size_t pem_bytes;
    const char *pem = lm_cert_pem(c->params.cert, &pem_bytes);
    lm_text_add(t, "&phrase=getservercert");
    add_hex(t, "salt", c->salt, sizeof c->salt);
    add_hex(t, "clientcert", pem, pem_bytes);
}

static void add_challenge(struct lm_text *t, const struct pairing_client *c)
{
    uint8_t sealed[SECRET_BYTES];
    int result = lm_ecb_encrypt(c->key, c->challenge, sizeof sealed, sealed);
    LM_CHECK(result == LM_OK);
    add_hex(t, "clientchallenge", sealed, sizeof sealed);
}

static void add_response(struct lm_text *t, const struct pairing_client *c)
{
    uint8_t hash[LM_SHA256_BYTES];
    size_t signature_bytes;
    const uint8_t *signature = lm_cert_signature(c->params.cert, &signature_bytes);
    const struct lm_part parts[] = {
        {c->host_challenge, SECRET_BYTES}, {signature, signature_bytes}, {c->secret, SECRET_BYTES}};
    lm_sha256(parts, LM_ARRAY_LEN(parts), hash);
    int result = lm_ecb_encrypt(c->key, hash, sizeof hash, hash);
    LM_CHECK(result == LM_OK);
    add_hex(t, "serverchallengeresp", hash, sizeof hash);
}

static void add_secret(struct lm_text *t, const struct pairing_client *c)
{
    uint8_t secret[SECRET_BYTES + LM_SIGNATURE_MAX_BYTES];
    memcpy(secret, c->secret, SECRET_BYTES);
    int signature_bytes = lm_key_sign(c->params.key, c->secret, SECRET_BYTES, secret + SECRET_BYTES,
                                      LM_SIGNATURE_MAX_BYTES);
    LM_CHECK(signature_bytes > 0);
    add_hex(t, "clientpairingsecret", secret, SECRET_BYTES + (size_t)signature_bytes);
}

int pairing_client_target(const struct pairing_client *c, char *out, size_t capacity_bytes)
{
    struct lm_text t = lm_text_of(out, capacity_bytes);
    add_head(&t, c, "/pair");
    lm_text_add(&t, "&devicename=");
    add_encoded(&t, c->params.device_name);
    lm_text_add(&t, "&updateState=1");
    switch (c->state) {
    case PAIRING_CLIENT_PHASE1:
        add_certificate(&t, c);
        break;
    case PAIRING_CLIENT_PHASE2:
        add_challenge(&t, c);
        break;
    case PAIRING_CLIENT_PHASE3:
        add_response(&t, c);
        break;
    case PAIRING_CLIENT_PHASE4:
        add_secret(&t, c);
        break;
    case PAIRING_CLIENT_PHASE5:
        lm_text_add(&t, "&phrase=pairchallenge");
        break;
    case PAIRING_CLIENT_DONE:
    case PAIRING_CLIENT_FAILED:
        return LM_EINVAL;
    }
    return lm_text_end(&t);
}

int pairing_client_unpair_target(const struct pairing_client *c, char *out, size_t capacity_bytes)
{
    if (!c->host_waits)
        return LM_EINVAL;
    struct lm_text t = lm_text_of(out, capacity_bytes);
    add_head(&t, c, "/unpair");
    return lm_text_end(&t);
}

/* ---- answers: each check returns what went wrong ---- */

static enum pairing_failure take_cert(struct pairing_client *c,
                                      const struct hostinfo_paired *answer)
{
    uint8_t pem[LM_CERT_PEM_MAX_BYTES];
    if (!answer->plaincert[0])
        return PAIRING_BUSY;
    int pem_bytes =
        lm_hex_decode_any(answer->plaincert, strlen(answer->plaincert), pem, sizeof pem);
    if (pem_bytes < 0 || lm_cert_from_pem(&c->host_cert, (const char *)pem, (size_t)pem_bytes) < 0)
        return PAIRING_REFUSED;
    c->host_waits = true;
    return PAIRING_NOT_FAILED;
}

static enum pairing_failure take_challenge(struct pairing_client *c,
                                           const struct hostinfo_paired *answer)
{
    uint8_t plain[CHALLENGE_BYTES];
    const char *hex = answer->challengeresponse;
    if (lm_hex_decode(hex, strlen(hex), plain, sizeof plain) < 0 ||
        lm_ecb_decrypt(c->key, plain, sizeof plain, plain) < 0)
        return PAIRING_REFUSED;
    memcpy(c->host_hash, plain, LM_SHA256_BYTES);
    memcpy(c->host_challenge, plain + LM_SHA256_BYTES, SECRET_BYTES);
    return PAIRING_NOT_FAILED;
}

static enum pairing_failure take_secret(struct pairing_client *c,
                                        const struct hostinfo_paired *answer)
{
    uint8_t secret[SECRET_BYTES + LM_SIGNATURE_MAX_BYTES], hash[LM_SHA256_BYTES];
    const char *hex = answer->pairingsecret;
    int size_bytes = lm_hex_decode_any(hex, strlen(hex), secret, sizeof secret);
    if (size_bytes <= SECRET_BYTES)
        return PAIRING_REFUSED;
    if (lm_cert_verify(c->host_cert, secret, SECRET_BYTES, secret + SECRET_BYTES,
                       (size_t)size_bytes - SECRET_BYTES) < 0)
        return PAIRING_FORGED;
    size_t signature_bytes;
    const uint8_t *signature = lm_cert_signature(c->host_cert, &signature_bytes);
    const struct lm_part parts[] = {
        {c->challenge, SECRET_BYTES}, {signature, signature_bytes}, {secret, SECRET_BYTES}};
    lm_sha256(parts, LM_ARRAY_LEN(parts), hash);
    return lm_crypto_equal(hash, c->host_hash, sizeof hash) ? PAIRING_NOT_FAILED
                                                            : PAIRING_WRONG_PIN;
}

static enum pairing_failure take(struct pairing_client *c, const struct hostinfo_paired *answer)
{
    /* A host that never heard of the transaction, or ended it, holds nothing to unpair. */
    if (answer->root.status_code != HOSTINFO_OK || !answer->paired) {
        c->host_waits = false;
        return PAIRING_REFUSED;
    }
    switch (c->state) {
    case PAIRING_CLIENT_PHASE1:
        return take_cert(c, answer);
    case PAIRING_CLIENT_PHASE2:
        return take_challenge(c, answer);
    case PAIRING_CLIENT_PHASE3:
        return take_secret(c, answer);
    case PAIRING_CLIENT_PHASE4:
        c->host_waits = false;
        return PAIRING_NOT_FAILED;
    default:
        return PAIRING_NOT_FAILED;
    }
}

int pairing_client_answer(struct pairing_client *c, const char *xml, size_t size_bytes)
{
    if (c->state >= PAIRING_CLIENT_DONE)
        return LM_EINVAL;
    struct hostinfo_paired *answer = malloc(sizeof *answer);
    if (!answer)
        return LM_ENOMEM;
    bool parsed = hostinfo_parse_paired(xml, size_bytes, answer) == LM_OK;
    c->failure = parsed ? take(c, answer) : PAIRING_REFUSED;
    free(answer);
    if (c->failure != PAIRING_NOT_FAILED) {
        c->state = PAIRING_CLIENT_FAILED;
        return parsed ? LM_EAUTH : LM_EPROTO;
    }
    c->state++;
    return LM_OK;
}
