/* X.509 certificates and RSA keys. Objects do not change after create and may be shared between
 * threads for reading. Control plane: allocates. */
#ifndef LUMEN_CORE_CRYPTO_CERT_H
#define LUMEN_CORE_CRYPTO_CERT_H

#include "core/base/err.h"
#include "core/crypto/hash.h"

#include <stddef.h>
#include <stdint.h>

#define LM_CERT_PEM_MAX_BYTES  8192
#define LM_CERT_RSA_MIN_BITS   2048
#define LM_CERT_RSA_MAX_BITS   4096
#define LM_SIGNATURE_MAX_BYTES (LM_CERT_RSA_MAX_BITS / 8)

struct lm_cert;
struct lm_key;
struct x509_st;     /* OpenSSL's X509 */
struct evp_pkey_st; /* OpenSSL's EVP_PKEY */

/* One certificate from PEM text (`size_bytes` without a NUL, at most 8 KiB). Nothing else is
 * judged: not validity dates, serial, version or extensions. LM_EPROTO for no PEM, a damaged one,
 * or more than one certificate; LM_EUNSUPPORTED for a key that is not RSA of 2048..4096 bits;
 * LM_ELIMIT when too long; LM_ENOMEM. *out is NULL on failure. */
int lm_cert_from_pem(struct lm_cert **out, const char *pem, size_t size_bytes) LM_MUST_USE;

/* The same from DER, without trailing bytes. */
int lm_cert_from_der(struct lm_cert **out, const uint8_t *der, size_t size_bytes) LM_MUST_USE;

/* From a certificate of the TLS layer, which keeps its own reference. */
int lm_cert_from_x509(struct lm_cert **out, const struct x509_st *x509) LM_MUST_USE;

/* NULL is fine. */
void lm_cert_destroy(struct lm_cert *cert);

/* Accessors; the memory is the certificate's and lives as long as it. */
const uint8_t *lm_cert_der(const struct lm_cert *cert, size_t *size_bytes);
/* PEM with LF line ends and a final LF, NUL-terminated; made from the DER, so text around the
 * original is not kept. */
const char *lm_cert_pem(const struct lm_cert *cert, size_t *size_bytes);
/* SHA-256 of the DER, 32 bytes. */
const uint8_t *lm_cert_fingerprint(const struct lm_cert *cert);
/* Contents of the signatureValue BIT STRING: what pairing hashes in place of the certificate. */
const uint8_t *lm_cert_signature(const struct lm_cert *cert, size_t *size_bytes);
/* For the TLS layer; take your own reference to keep it. Never NULL. */
struct x509_st *lm_cert_x509(const struct lm_cert *cert);

/* RSASSA-PKCS1-v1_5 with SHA-256 under the certificate's key. LM_EAUTH when it does not match,
 * whatever its length. */
int lm_cert_verify(const struct lm_cert *cert, const void *data, size_t size_bytes,
                   const uint8_t *signature, size_t signature_bytes) LM_MUST_USE;

/* A fresh RSA-2048 key, e = 65537. Takes 50 to 500 ms. LM_ENOMEM. */
int lm_key_generate(struct lm_key **out) LM_MUST_USE;

/* An unencrypted PKCS#8 or PKCS#1 private key, RSA of 2048..4096 bits; errors as
 * lm_cert_from_pem. */
int lm_key_from_pem(struct lm_key **out, const char *pem, size_t size_bytes) LM_MUST_USE;

/* Wipes. NULL is fine. */
void lm_key_destroy(struct lm_key *key);

/* Unencrypted PKCS#8 PEM, NUL-terminated; returns its size without the NUL. LM_EFULL when
 * `capacity` is too small (4096 is enough). The caller wipes it. */
int lm_key_pem(const struct lm_key *key, char *out, size_t capacity) LM_MUST_USE;

/* RSASSA-PKCS1-v1_5 with SHA-256. Returns the signature's size: 256 for RSA-2048, at most
 * LM_SIGNATURE_MAX_BYTES; LM_EFULL when `capacity` is too small. */
int lm_key_sign(const struct lm_key *key, const void *data, size_t size_bytes, uint8_t *out,
                size_t capacity) LM_MUST_USE;

/* Whether the certificate carries this key's public half: 0, or LM_EAUTH. */
int lm_key_matches(const struct lm_key *key, const struct lm_cert *cert) LM_MUST_USE;

/* For the TLS layer; take your own reference to keep it. Never NULL. */
struct evp_pkey_st *lm_key_pkey(const struct lm_key *key);

/* An X.509 v3 certificate over `key`, signed by itself: the given common name (1..64 bytes) as
 * subject and issuer, a random positive serial, 20 years from `now_s` (Unix time, passed in because
 * the core reads no clock; 0 is refused), SHA-256. LM_EINVAL, LM_ENOMEM. */
int lm_cert_self_signed(struct lm_cert **out, const struct lm_key *key, const char *common_name,
                        int64_t now_s) LM_MUST_USE;

#endif
