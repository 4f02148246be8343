/* AES-128-GCM, in place, with a 16-byte tag. One object belongs to one thread; create takes all
 * memory, seal and open take none. That an IV is never used twice under one key is the caller's
 * duty. */
#ifndef LUMEN_CORE_CRYPTO_AEAD_H
#define LUMEN_CORE_CRYPTO_AEAD_H

#include "core/base/err.h"

#include <stddef.h>
#include <stdint.h>

#define LM_AEAD_KEY_BYTES 16
#define LM_AEAD_TAG_BYTES 16

/* IVs of other sizes than 12 go through GHASH (NIST SP 800-38D 7.1), never cut or padded. */
#define LM_AEAD_IV_BYTES       12
#define LM_AEAD_IV_MIN_BYTES   12
#define LM_AEAD_IV_MAX_BYTES   16
#define LM_AEAD_DATA_MAX_BYTES (1 << 24)

enum lm_aead_impl {
    LM_AEAD_ANY = 1, /* the fastest this build and machine have */
    LM_AEAD_IPSECMB, /* x86-64 only */
    LM_AEAD_OPENSSL,
};

struct lm_aead;

/* Bytes of one message. All borrowed for the call only; `aad` may be NULL when `aad_bytes` is 0. */
struct lm_aead_message {
    const uint8_t *iv;
    size_t iv_bytes; /* 12..16 */
    const uint8_t *aad;
    size_t aad_bytes;
    uint8_t *data;     /* replaced in place */
    size_t data_bytes; /* 0..LM_AEAD_DATA_MAX_BYTES */
    uint8_t *tag;      /* 16 bytes: written by seal, read by open; must not overlap data */
};

/* `key` is copied. LM_EUNSUPPORTED when `impl` is not in this build or the processor lacks what it
 * needs, LM_ENOMEM; then *out is NULL. */
int lm_aead_create(struct lm_aead **out, const uint8_t key[LM_AEAD_KEY_BYTES],
                   enum lm_aead_impl impl) LM_MUST_USE;

/* Wipes the key. NULL is fine. */
void lm_aead_destroy(struct lm_aead *aead);

/* "ipsec-mb" or "openssl"; static storage. */
const char *lm_aead_name(const struct lm_aead *aead);

/* Encrypts and writes the tag. LM_EINVAL for sizes out of range, with nothing written. */
int lm_aead_seal_message(struct lm_aead *aead, const struct lm_aead_message *message) LM_MUST_USE;

/* Checks the tag in constant time and decrypts. LM_EAUTH when it does not match: the data is then
 * all zero bytes, never plaintext that nobody vouches for. LM_EINVAL for sizes out of range. */
int lm_aead_open_message(struct lm_aead *aead, const struct lm_aead_message *message) LM_MUST_USE;

/* The same without additional data. */
static inline int LM_MUST_USE lm_aead_seal(struct lm_aead *aead, const uint8_t *iv, size_t iv_bytes,
                                           uint8_t *data, size_t data_bytes, uint8_t *tag)
{
    struct lm_aead_message message = {
        .iv = iv, .iv_bytes = iv_bytes, .data = data, .data_bytes = data_bytes, .tag = tag};
    return lm_aead_seal_message(aead, &message);
}

static inline int LM_MUST_USE lm_aead_open(struct lm_aead *aead, const uint8_t *iv, size_t iv_bytes,
                                           uint8_t *data, size_t data_bytes, const uint8_t *tag)
{
    struct lm_aead_message message = {.iv = iv,
                                      .iv_bytes = iv_bytes,
                                      .data = data,
                                      .data_bytes = data_bytes,
                                      .tag = (uint8_t *)(uintptr_t)tag};
    return lm_aead_open_message(aead, &message);
}

#endif
