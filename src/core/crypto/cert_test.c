#include "core/crypto/cert.h"

#include "core/base/check.h"
#include "core/crypto/cert_vectors.h"
#include "core/crypto/hex.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#define NOW_S INT64_C(1760000000)

static struct lm_cert *cert_of(const char *pem)
{
    struct lm_cert *cert;
    assert_int_equal(lm_cert_from_pem(&cert, pem, strlen(pem)), 0);
    return cert;
}

static struct lm_key *key_of(const char *pem)
{
    struct lm_key *key;
    assert_int_equal(lm_key_from_pem(&key, pem, strlen(pem)), 0);
    return key;
}

static void expect_hex(const uint8_t *data, size_t size_bytes, const char *expected)
{
    char text[2 * 1024 + 1];
    assert_true(size_bytes <= 1024);
    lm_hex_encode(data, size_bytes, text);
    assert_string_equal(text, expected);
}

static void certificates_match_the_vectors(void **state) /* gs-session 28 */
{
    static const struct {
        const char *pem, *fingerprint, *signature;
    } cases[] = {
        {host_cert_pem, "9810b1b8d6b7646de90ed0947b61f1fd0c0b541b726191f789095559e3b5c18a",
         host_cert_signature},
        {client_cert_pem, "16be9ff95acf728f6bf2abe710d7f45b9dd9f8e2eb9566979263dcb69dfe62bb",
         client_cert_signature},
    };
    for (size_t i = 0; i < LM_ARRAY_LEN(cases); i++) {
        size_t size;
        struct lm_cert *cert = cert_of(cases[i].pem), *again, *third;
        expect_hex(lm_cert_fingerprint(cert), LM_SHA256_BYTES, cases[i].fingerprint);
        const uint8_t *signature = lm_cert_signature(cert, &size);
        expect_hex(signature, size, cases[i].signature);
        assert_string_equal(lm_cert_pem(cert, &size), cases[i].pem);
        assert_int_equal(size, strlen(cases[i].pem));
        const uint8_t *der = lm_cert_der(cert, &size);
        assert_int_equal(lm_cert_from_der(&again, der, size), 0);
        assert_int_equal(lm_cert_from_x509(&third, lm_cert_x509(cert)), 0);
        assert_memory_equal(lm_cert_fingerprint(again), lm_cert_fingerprint(cert), 32);
        assert_memory_equal(lm_cert_fingerprint(third), lm_cert_fingerprint(cert), 32);
        lm_cert_destroy(cert);
        lm_cert_destroy(again);
        lm_cert_destroy(third);
    }
}

/* PKCS#1 v1.5 is deterministic: the pairing secrets' signatures are known. */
static void signatures_match_the_vectors(void **state) /* gs-session 28 */
{
    static const struct {
        const char *key, *cert, *signature;
        uint8_t first;
    } cases[] = {{host_key_pem, host_cert_pem, host_secret_signature, 0x20},
                 {client_key_pem, client_cert_pem, client_secret_signature, 0x40}};
    for (size_t i = 0; i < LM_ARRAY_LEN(cases); i++) {
        uint8_t secret[16], signature[LM_SIGNATURE_MAX_BYTES];
        struct lm_key *key = key_of(cases[i].key);
        struct lm_cert *cert = cert_of(cases[i].cert);
        for (uint8_t j = 0; j < 16; j++)
            secret[j] = (uint8_t)(cases[i].first + j);
        assert_int_equal(lm_key_matches(key, cert), 0);
        assert_int_equal(lm_key_sign(key, secret, 16, signature, 255), LM_EFULL);
        assert_int_equal(lm_key_sign(key, secret, 16, signature, sizeof signature), 256);
        expect_hex(signature, 256, cases[i].signature);
        assert_int_equal(lm_cert_verify(cert, secret, 16, signature, 256), 0);
        assert_int_equal(lm_cert_verify(cert, secret, 15, signature, 256), LM_EAUTH);
        assert_int_equal(lm_cert_verify(cert, secret, 16, signature, 255), LM_EAUTH);
        assert_int_equal(lm_cert_verify(cert, secret, 16, signature, 257), LM_EAUTH);
        assert_int_equal(lm_cert_verify(cert, secret, 16, signature, 0), LM_EAUTH);
        signature[100] ^= 1;
        assert_int_equal(lm_cert_verify(cert, secret, 16, signature, 256), LM_EAUTH);
        lm_key_destroy(key);
        lm_cert_destroy(cert);
    }
}

static void other_keys_do_not_match(void **state)
{
    struct lm_key *key = key_of(host_key_pem);
    struct lm_cert *cert = cert_of(client_cert_pem);
    uint8_t signature[256];
    assert_int_equal(lm_key_matches(key, cert), LM_EAUTH);
    assert_int_equal(lm_key_sign(key, "x", 1, signature, sizeof signature), 256);
    assert_int_equal(lm_cert_verify(cert, "x", 1, signature, 256), LM_EAUTH);
    lm_key_destroy(key);
    lm_cert_destroy(cert);
}

static void expect_refused(const char *pem, size_t size_bytes, int expected)
{
    struct lm_cert *cert = (struct lm_cert *)(uintptr_t)1;
    assert_int_equal(lm_cert_from_pem(&cert, pem, size_bytes), expected);
    assert_null(cert);
    assert_int_equal(ERR_peek_error(), 0);
}

static void pem_holds_exactly_one_certificate(void **state) /* gs-session 42 */
{
    char text[LM_CERT_PEM_MAX_BYTES + 8];
    size_t size = strlen(host_cert_pem);
    int n = snprintf(text, sizeof text, "%s%s", host_cert_pem, client_cert_pem);
    expect_refused(text, (size_t)n, LM_EPROTO);
    n = snprintf(text, sizeof text, "%s%s", host_cert_pem, host_key_pem);
    expect_refused(text, (size_t)n, LM_EPROTO);
    n = snprintf(text, sizeof text, "%s-----BEGIN CERTIFICATE-----\n!\n", host_cert_pem);
    expect_refused(text, (size_t)n, LM_EPROTO);
    expect_refused(host_key_pem, strlen(host_key_pem), LM_EPROTO);
    expect_refused("", 0, LM_EPROTO);
    expect_refused("no certificate", 14, LM_EPROTO);
    for (size_t cut = 1; cut < size - 2; cut += 7)
        expect_refused(host_cert_pem, cut, LM_EPROTO);
    memset(text, '\n', sizeof text);
    memcpy(text, host_cert_pem, size);
    expect_refused(text, LM_CERT_PEM_MAX_BYTES + 1, LM_ELIMIT);
    struct lm_cert *cert;
    assert_int_equal(lm_cert_from_pem(&cert, text, LM_CERT_PEM_MAX_BYTES), 0);
    lm_cert_destroy(cert);
    lm_cert_destroy(NULL);
}

static void der_has_no_trailing_bytes(void **state)
{
    size_t size;
    uint8_t copy[1200];
    struct lm_cert *cert = cert_of(host_cert_pem), *again;
    const uint8_t *der = lm_cert_der(cert, &size);
    memset(copy, 0, sizeof copy);
    memcpy(copy, der, size);
    assert_int_equal(lm_cert_from_der(&again, copy, size + 1), LM_EPROTO);
    assert_int_equal(lm_cert_from_der(&again, copy, size - 1), LM_EPROTO);
    assert_int_equal(lm_cert_from_der(&again, copy, 0), LM_EPROTO);
    assert_null(again);
    lm_cert_destroy(cert);
}

/* A certificate's PEM over any key; `years` may lie in the past. Bare: v1, serial 0. */
static void make_pem(EVP_PKEY *key, long from_s, long to_s, char *out, size_t capacity)
{
    char *text;
    X509 *x509 = X509_new();
    BIO *bio = BIO_new(BIO_s_mem());
    assert_true(ASN1_INTEGER_set(X509_get_serialNumber(x509), 0));
    assert_non_null(ASN1_TIME_set(X509_getm_notBefore(x509), from_s));
    assert_non_null(ASN1_TIME_set(X509_getm_notAfter(x509), to_s));
    assert_true(X509_set_pubkey(x509, key));
    assert_true(X509_sign(x509, key, EVP_sha256()) > 0);
    assert_true(PEM_write_bio_X509(bio, x509));
    size_t size = (size_t)BIO_get_mem_data(bio, &text);
    assert_true(size < capacity);
    memcpy(out, text, size);
    out[size] = '\0';
    BIO_free(bio);
    X509_free(x509);
}

static void only_rsa_keys_of_2048_to_4096_bits(void **state) /* gs-session 42 */
{
    char pem[LM_CERT_PEM_MAX_BYTES];
    EVP_PKEY *keys[] = {EVP_EC_gen("P-256"), EVP_RSA_gen(1024)};
    for (size_t i = 0; i < LM_ARRAY_LEN(keys); i++) {
        assert_non_null(keys[i]);
        make_pem(keys[i], 0, NOW_S, pem, sizeof pem);
        expect_refused(pem, strlen(pem), LM_EUNSUPPORTED);
        BIO *bio = BIO_new(BIO_s_mem());
        struct lm_key *key;
        char *text;
        assert_true(PEM_write_bio_PrivateKey(bio, keys[i], NULL, NULL, 0, NULL, NULL));
        size_t size = (size_t)BIO_get_mem_data(bio, &text);
        assert_int_equal(lm_key_from_pem(&key, text, size), LM_EUNSUPPORTED);
        BIO_free(bio);
        EVP_PKEY_free(keys[i]);
    }
}

static void dates_serial_and_version_are_not_judged(void **state) /* gs-session 46 */
{
    char pem[LM_CERT_PEM_MAX_BYTES];
    struct lm_key *key = key_of(client_key_pem);
    static const long validity[][2] = {{0, 86400}, {2000000000, 2100000000}, {100, 50}};
    for (size_t i = 0; i < LM_ARRAY_LEN(validity); i++) {
        make_pem(lm_key_pkey(key), validity[i][0], validity[i][1], pem, sizeof pem);
        struct lm_cert *cert = cert_of(pem);
        assert_int_equal(lm_key_matches(key, cert), 0);
        lm_cert_destroy(cert);
    }
    lm_key_destroy(key);
}

static void new_keys_survive_storing(void **state) /* gs-session 27 */
{
    char pem[4096], other[4096];
    struct lm_key *key, *again;
    assert_int_equal(lm_key_generate(&key), 0);
    int size = lm_key_pem(key, pem, sizeof pem);
    assert_true(size > 1000);
    assert_int_equal((size_t)size, strlen(pem));
    assert_int_equal(lm_key_pem(key, other, (size_t)size), LM_EFULL);
    assert_int_equal(lm_key_from_pem(&again, pem, (size_t)size), 0);
    assert_int_equal(lm_key_pem(again, other, sizeof other), size);
    assert_string_equal(pem, other);
    assert_int_equal(EVP_PKEY_get_bits(lm_key_pkey(key)), 2048);
    lm_key_destroy(key);
    lm_key_destroy(again);
    lm_key_destroy(NULL);
}

static void bad_key_text_is_refused_without_asking(void **state)
{
    static const char encrypted[] = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n"
                                    "DEK-Info: AES-128-CBC,000102030405060708090A0B0C0D0E0F\n\n"
                                    "AAAAAAAAAAAAAAAAAAAAAA==\n-----END RSA PRIVATE KEY-----\n";
    struct lm_key *key;
    assert_int_equal(lm_key_from_pem(&key, encrypted, sizeof encrypted - 1), LM_EPROTO);
    assert_int_equal(lm_key_from_pem(&key, host_cert_pem, strlen(host_cert_pem)), LM_EPROTO);
    assert_int_equal(lm_key_from_pem(&key, "", 0), LM_EPROTO);
    assert_int_equal(lm_key_from_pem(&key, host_key_pem, LM_CERT_PEM_MAX_BYTES + 1), LM_ELIMIT);
    assert_null(key);
    assert_int_equal(ERR_peek_error(), 0);
}

static void self_signed_certificates_are_v3_for_20_years(void **state)
{
    struct lm_cert *cert, *other;
    size_t size;
    int days, seconds;
    struct lm_key *key = key_of(host_key_pem);
    assert_int_equal(lm_cert_self_signed(&cert, key, "lumen", NOW_S), 0);
    assert_int_equal(lm_cert_self_signed(&other, key, "lumen", NOW_S), 0);
    X509 *x509 = lm_cert_x509(cert);
    assert_int_equal(X509_get_version(x509), X509_VERSION_3);
    assert_int_equal(X509_verify(x509, lm_key_pkey(key)), 1);
    assert_int_equal(X509_get_signature_nid(x509), NID_sha256WithRSAEncryption);
    assert_int_equal(X509_NAME_cmp(X509_get_subject_name(x509), X509_get_issuer_name(x509)), 0);
    char name[80];
    assert_int_equal(
        X509_NAME_get_text_by_NID(X509_get_subject_name(x509), NID_commonName, name, sizeof name),
        5);
    assert_string_equal(name, "lumen");
    assert_true(
        ASN1_TIME_diff(&days, &seconds, X509_get0_notBefore(x509), X509_get0_notAfter(x509)));
    assert_int_equal(days, 20 * 365 + 5);
    const ASN1_INTEGER *serial = X509_get0_serialNumber(x509);
    assert_int_equal(ASN1_STRING_type(serial), V_ASN1_INTEGER); /* not negative */
    assert_int_not_equal(ASN1_INTEGER_cmp(serial, X509_get0_serialNumber(lm_cert_x509(other))), 0);
    lm_cert_signature(cert, &size);
    assert_int_equal(size, 256);
    struct lm_cert *again = cert_of(lm_cert_pem(cert, &size));
    assert_memory_equal(lm_cert_fingerprint(again), lm_cert_fingerprint(cert), 32);
    lm_cert_destroy(again);
    lm_cert_destroy(other);
    lm_cert_destroy(cert);
    lm_key_destroy(key);
}

static void self_signed_checks_its_arguments(void **state)
{
    struct lm_cert *cert;
    char name[66] = {0};
    struct lm_key *key = key_of(host_key_pem);
    memset(name, 'a', 65);
    assert_int_equal(lm_cert_self_signed(&cert, key, name, NOW_S), LM_EINVAL);
    assert_int_equal(lm_cert_self_signed(&cert, key, "", NOW_S), LM_EINVAL);
    assert_int_equal(lm_cert_self_signed(&cert, key, "a", 0), LM_EINVAL);
    assert_null(cert);
    assert_int_equal(lm_cert_self_signed(&cert, key, name + 1, NOW_S), 0);
    lm_cert_destroy(cert);
    lm_key_destroy(key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(certificates_match_the_vectors),
        cmocka_unit_test(signatures_match_the_vectors),
        cmocka_unit_test(other_keys_do_not_match),
        cmocka_unit_test(pem_holds_exactly_one_certificate),
        cmocka_unit_test(der_has_no_trailing_bytes),
        cmocka_unit_test(only_rsa_keys_of_2048_to_4096_bits),
        cmocka_unit_test(dates_serial_and_version_are_not_judged),
        cmocka_unit_test(new_keys_survive_storing),
        cmocka_unit_test(bad_key_text_is_refused_without_asking),
        cmocka_unit_test(self_signed_certificates_are_v3_for_20_years),
        cmocka_unit_test(self_signed_checks_its_arguments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
