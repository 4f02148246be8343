#include "core/crypto/cert.h"

#include "core/base/check.h"

#include <limits.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <string.h>

#define CERT_VALID_DAYS (20 * 365 + 5) /* 20 years and their leap days */
#define NAME_MAX_BYTES  64             /* the upper bound of a common name, RFC 5280 A.1 */

struct lm_cert {
    X509 *x509;
    uint8_t *der;
    size_t der_bytes;
    char *pem;
    size_t pem_bytes;
    const ASN1_BIT_STRING *signature;
    uint8_t fingerprint[LM_SHA256_BYTES];
};

struct lm_key {
    EVP_PKEY *pkey;
};

/* OpenSSL keeps a queue of errors per thread, and what we leave there the TLS layer would take for
 * its own: each function here leaves the queue empty. */
static int leave(int result)
{
    ERR_clear_error();
    return result;
}

static int check_rsa(const EVP_PKEY *pkey)
{
    if (!pkey || EVP_PKEY_get_base_id(pkey) != EVP_PKEY_RSA)
        return LM_EUNSUPPORTED;
    int bits = EVP_PKEY_get_bits(pkey);
    return bits >= LM_CERT_RSA_MIN_BITS && bits <= LM_CERT_RSA_MAX_BITS ? 0 : LM_EUNSUPPORTED;
}

static int cert_make_pem(struct lm_cert *cert)
{
    int err = LM_ENOMEM;
    char *text = NULL;
    BIO *bio = BIO_new(BIO_s_mem());
    if (!bio || !PEM_write_bio_X509(bio, cert->x509))
        goto done;
    long size = BIO_get_mem_data(bio, &text);
    cert->pem = OPENSSL_zalloc((size_t)size + 1);
    if (size <= 0 || !cert->pem)
        goto done;
    memcpy(cert->pem, text, (size_t)size);
    cert->pem_bytes = (size_t)size;
    err = 0;
done:
    BIO_free(bio);
    return err;
}

/* Takes the reference to `x509`, also on failure. */
static int cert_adopt(struct lm_cert **out, X509 *x509)
{
    const X509_ALGOR *algorithm;
    int err = LM_ENOMEM, size = -1;
    struct lm_cert *cert = OPENSSL_zalloc(sizeof *cert);
    if (!cert) {
        X509_free(x509);
        return LM_ENOMEM;
    }
    cert->x509 = x509;
    err = check_rsa(X509_get0_pubkey(x509));
    if (err)
        goto done;
    err = LM_ENOMEM;
    size = i2d_X509(x509, &cert->der);
    if (size <= 0)
        goto done;
    cert->der_bytes = (size_t)size;
    err = cert_make_pem(cert);
    if (err)
        goto done;
    X509_get0_signature(&cert->signature, &algorithm, x509);
    struct lm_part part = {cert->der, cert->der_bytes};
    lm_sha256(&part, 1, cert->fingerprint);
    *out = cert;
    cert = NULL;
done:
    lm_cert_destroy(cert);
    return err;
}

int lm_cert_from_der(struct lm_cert **out, const uint8_t *der, size_t size_bytes)
{
    const uint8_t *at = der;
    *out = NULL;
    if (size_bytes > LM_CERT_PEM_MAX_BYTES)
        return LM_ELIMIT;
    X509 *x509 = d2i_X509(NULL, &at, (long)size_bytes);
    if (!x509 || at != der + size_bytes) {
        X509_free(x509);
        return leave(LM_EPROTO);
    }
    int err = cert_adopt(out, x509);
    /* Looser encodings parse too, and then our DER would not be the peer's: its fingerprint would
     * depend on who computes it. */
    if (!err && ((*out)->der_bytes != size_bytes || memcmp((*out)->der, der, size_bytes) != 0)) {
        lm_cert_destroy(*out);
        *out = NULL;
        err = LM_EPROTO;
    }
    return leave(err);
}

/* No PEM block of any kind may be left. */
static int check_no_more(BIO *bio)
{
    char *name = NULL, *header = NULL;
    uint8_t *data = NULL;
    long size = 0;
    ERR_clear_error();
    int more = PEM_read_bio(bio, &name, &header, &data, &size);
    int reason = ERR_GET_REASON(ERR_peek_last_error());
    OPENSSL_free(name);
    OPENSSL_free(header);
    OPENSSL_free(data);
    return !more && reason == PEM_R_NO_START_LINE ? 0 : LM_EPROTO;
}

int lm_cert_from_pem(struct lm_cert **out, const char *pem, size_t size_bytes)
{
    char *name = NULL, *header = NULL;
    uint8_t *der = NULL;
    long size = 0;
    int err = LM_EPROTO;
    *out = NULL;
    if (size_bytes > LM_CERT_PEM_MAX_BYTES)
        return LM_ELIMIT;
    BIO *bio = BIO_new_mem_buf(pem, (int)size_bytes);
    if (!bio)
        return leave(LM_ENOMEM);
    if (!PEM_read_bio(bio, &name, &header, &der, &size) || strcmp(name, PEM_STRING_X509) != 0 ||
        header[0] != '\0')
        goto done;
    err = check_no_more(bio);
    if (!err)
        err = lm_cert_from_der(out, der, (size_t)size);
done:
    OPENSSL_free(name);
    OPENSSL_free(header);
    OPENSSL_free(der);
    BIO_free(bio);
    return leave(err);
}

int lm_cert_from_x509(struct lm_cert **out, const struct x509_st *x509)
{
    uint8_t *der = NULL;
    *out = NULL;
    int size = i2d_X509(x509, &der);
    int err = size > 0 ? lm_cert_from_der(out, der, (size_t)size) : LM_EPROTO;
    OPENSSL_free(der);
    return leave(err);
}

void lm_cert_destroy(struct lm_cert *cert)
{
    if (!cert)
        return;
    OPENSSL_free(cert->der);
    OPENSSL_free(cert->pem);
    X509_free(cert->x509);
    OPENSSL_free(cert);
}

const uint8_t *lm_cert_der(const struct lm_cert *cert, size_t *size_bytes)
{
    *size_bytes = cert->der_bytes;
    return cert->der;
}

const char *lm_cert_pem(const struct lm_cert *cert, size_t *size_bytes)
{
    *size_bytes = cert->pem_bytes;
    return cert->pem;
}

const uint8_t *lm_cert_fingerprint(const struct lm_cert *cert)
{
    return cert->fingerprint;
}

const uint8_t *lm_cert_signature(const struct lm_cert *cert, size_t *size_bytes)
{
    *size_bytes = (size_t)ASN1_STRING_length(cert->signature);
    return ASN1_STRING_get0_data(cert->signature);
}

struct x509_st *lm_cert_x509(const struct lm_cert *cert)
{
    return cert->x509;
}

int lm_cert_verify(const struct lm_cert *cert, const void *data, size_t size_bytes,
                   const uint8_t *signature, size_t signature_bytes)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    if (!ctx)
        return leave(LM_ENOMEM);
    /* PKCS#1 v1.5 is the default padding of an RSA key. */
    int ok =
        EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, X509_get0_pubkey(cert->x509)) > 0 &&
        EVP_DigestVerify(ctx, signature, signature_bytes, data, size_bytes) == 1;
    EVP_MD_CTX_free(ctx);
    return leave(ok ? 0 : LM_EAUTH);
}

static int key_adopt(struct lm_key **out, EVP_PKEY *pkey)
{
    int err = check_rsa(pkey);
    struct lm_key *key = err ? NULL : OPENSSL_zalloc(sizeof *key);
    if (!key) {
        EVP_PKEY_free(pkey);
        return err ? err : LM_ENOMEM;
    }
    key->pkey = pkey;
    *out = key;
    return 0;
}

int lm_key_generate(struct lm_key **out)
{
    *out = NULL;
    EVP_PKEY *pkey = EVP_RSA_gen(2048);
    return leave(pkey ? key_adopt(out, pkey) : LM_ENOMEM);
}

/* Without a callback OpenSSL would ask on the terminal. */
static int no_passphrase(char *buffer, int size, int writing, void *user)
{
    return -1;
}

int lm_key_from_pem(struct lm_key **out, const char *pem, size_t size_bytes)
{
    *out = NULL;
    if (size_bytes > LM_CERT_PEM_MAX_BYTES)
        return LM_ELIMIT;
    BIO *bio = BIO_new_mem_buf(pem, (int)size_bytes);
    if (!bio)
        return leave(LM_ENOMEM);
    EVP_PKEY *pkey = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);
    BIO_free(bio);
    return leave(pkey ? key_adopt(out, pkey) : LM_EPROTO);
}

void lm_key_destroy(struct lm_key *key)
{
    if (!key)
        return;
    EVP_PKEY_free(key->pkey);
    OPENSSL_free(key);
}

int lm_key_pem(const struct lm_key *key, char *out, size_t capacity)
{
    char *text = NULL;
    int result = LM_ENOMEM;
    BIO *bio = BIO_new(BIO_s_mem());
    if (!bio || !PEM_write_bio_PrivateKey(bio, key->pkey, NULL, NULL, 0, NULL, NULL))
        goto done;
    long size = BIO_get_mem_data(bio, &text);
    result = LM_EFULL;
    if (size > 0 && size < INT_MAX && (size_t)size < capacity) {
        memcpy(out, text, (size_t)size);
        out[size] = '\0';
        result = (int)size;
    }
done:
    BIO_free(bio); /* wipes its memory */
    return leave(result);
}

int lm_key_sign(const struct lm_key *key, const void *data, size_t size_bytes, uint8_t *out,
                size_t capacity)
{
    size_t size = capacity;
    if (capacity < (size_t)EVP_PKEY_get_size(key->pkey))
        return LM_EFULL;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    if (!ctx)
        return leave(LM_ENOMEM);
    int ok = EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key->pkey) > 0 &&
             EVP_DigestSign(ctx, out, &size, data, size_bytes) == 1;
    EVP_MD_CTX_free(ctx);
    return leave(ok ? (int)size : LM_ENOMEM);
}

int lm_key_matches(const struct lm_key *key, const struct lm_cert *cert)
{
    return leave(EVP_PKEY_eq(key->pkey, X509_get0_pubkey(cert->x509)) == 1 ? 0 : LM_EAUTH);
}

struct evp_pkey_st *lm_key_pkey(const struct lm_key *key)
{
    return key->pkey;
}

static int set_serial(X509 *x509)
{
    uint8_t bytes[16];
    lm_random(bytes, sizeof bytes);
    bytes[0] = (uint8_t)((bytes[0] & 0x7f) | 0x40); /* positive, and of one length */
    BIGNUM *number = BN_bin2bn(bytes, sizeof bytes, NULL);
    int ok = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(x509));
    BN_free(number);
    return ok;
}

static int set_names(X509 *x509, const char *common_name, size_t size_bytes)
{
    X509_NAME *name = X509_get_subject_name(x509);
    return X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const uint8_t *)common_name,
                                      (int)size_bytes, -1, 0) &&
           X509_set_issuer_name(x509, name);
}

int lm_cert_self_signed(struct lm_cert **out, const struct lm_key *key, const char *common_name,
                        int64_t now_s)
{
    size_t name_bytes = strlen(common_name);
    *out = NULL;
    if (now_s <= 0 || name_bytes == 0 || name_bytes > NAME_MAX_BYTES)
        return LM_EINVAL;
    X509 *x509 = X509_new();
    if (!x509 || !X509_set_version(x509, X509_VERSION_3) || !set_serial(x509) ||
        !ASN1_TIME_set(X509_getm_notBefore(x509), (time_t)now_s) ||
        !ASN1_TIME_adj(X509_getm_notAfter(x509), (time_t)now_s, CERT_VALID_DAYS, 0) ||
        !set_names(x509, common_name, name_bytes) || !X509_set_pubkey(x509, key->pkey) ||
        X509_sign(x509, key->pkey, EVP_sha256()) <= 0) {
        X509_free(x509);
        return leave(LM_ENOMEM);
    }
    int err = cert_adopt(out, x509);
    return leave(err);
}
