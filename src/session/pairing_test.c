#include "session/pairing.h"

#include "core/crypto/cert_vectors.h"
#include "core/crypto/ecb.h"
#include "core/crypto/hash.h"
#include "core/crypto/hex.h"
#include "core/wire/gs_test.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdlib.h>

#define PEER      "192.168.1.20"
#define UID       "0123456789ABCDEF"
#define SALT      "f0e1d2c3b4a5968778695a4b3c2d1e0f"
#define CHALLENGE "8982601fe785b488d2c814cc3fecb5a6"
#define RESPONSE  "67fccc5643139a01fb7f8fe7ace8a49e9a8d4ebcf01d8365779903b457358b5f"
#define SECRET    "404142434445464748494a4b4c4d4e4f"
#define CHALLENGED                                                                                 \
    "ec3c84c528aacbe9acece4a76d116d01e09ea3c8f1876ce80697f3f7ad1f6ffc832b08d332c2470798d2f8357"    \
    "ba96958"

static struct lm_cert *host_cert, *client_cert;
static struct lm_key *host_key, *client_key;

static int load_identities(void **state)
{
    LM_CHECK(lm_cert_from_pem(&host_cert, host_cert_pem, strlen(host_cert_pem)) == LM_OK);
    LM_CHECK(lm_cert_from_pem(&client_cert, client_cert_pem, strlen(client_cert_pem)) == LM_OK);
    LM_CHECK(lm_key_from_pem(&host_key, host_key_pem, strlen(host_key_pem)) == LM_OK);
    LM_CHECK(lm_key_from_pem(&client_key, client_key_pem, strlen(client_key_pem)) == LM_OK);
    return 0;
}

static int drop_identities(void **state)
{
    lm_cert_destroy(host_cert);
    lm_cert_destroy(client_cert);
    lm_key_destroy(host_key);
    lm_key_destroy(client_key);
    return 0;
}

/* The host draws its secret and then its challenge: 0x20.., 0x30... */
static void host_random(void *user, void *out, size_t size_bytes)
{
    int *next = user;
    for (size_t i = 0; i < size_bytes; i++)
        ((uint8_t *)out)[i] = (uint8_t)(*next + (int)i);
    *next = *next == 0x20 ? 0x30 : 0x20;
}

struct bench {
    struct pairing *p;
    int random_state;
    uint64_t now_ns;
    struct pairing_answer answer;
    char query[24000];
};

static void bench_open(struct bench *b)
{
    b->random_state = 0x20;
    b->now_ns = LM_NS_PER_S;
    struct pairing_params params = {.host_cert = host_cert,
                                    .host_key = host_key,
                                    .random = host_random,
                                    .user = &b->random_state};
    assert_int_equal(pairing_create(&b->p, &params), LM_OK);
}

static void ask_as(struct bench *b, const char *unique_id, const char *peer, const char *rest)
{
    snprintf(b->query, sizeof b->query, "uniqueid=%s&devicename=roth&%s", unique_id, rest);
    struct params query = params_of_query(b->query);
    pairing_request(b->p, &query, peer, b->now_ns, &b->answer);
}

static void ask(struct bench *b, const char *rest)
{
    ask_as(b, UID, PEER, rest);
}

static void phase1_as(struct bench *b, const char *unique_id, const char *peer)
{
    static char rest[9000];
    int head = snprintf(rest, sizeof rest, "phrase=getservercert&salt=" SALT "&clientcert=");
    lm_hex_encode(client_cert_pem, strlen(client_cert_pem), rest + head);
    ask_as(b, unique_id, peer, rest);
}

static void secret_query(char out[2048], bool right_secret, bool right_signature)
{
    const char *secret = right_secret ? SECRET : "404142434445464748494a4b4c4d4e50";
    snprintf(out, 2048, "clientpairingsecret=%s%s", secret, client_secret_signature);
    if (!right_signature)
        out[strlen(out) - 1] ^= 1;
}

static bool says(const struct bench *b, const char *text)
{
    return strstr(b->answer.xml, text) != NULL;
}

/* Runs phases 1..last with the right values. */
static void run_to(struct bench *b, int last)
{
    char query[2048];
    phase1_as(b, UID, PEER);
    assert_int_equal(b->answer.action, PAIRING_PARKED);
    assert_int_equal(pairing_enter_pin(b->p, 0, "5823", b->now_ns, &b->answer), LM_OK);
    if (last >= 2)
        ask(b, "clientchallenge=" CHALLENGE);
    if (last >= 3)
        ask(b, "serverchallengeresp=" RESPONSE);
    secret_query(query, true, true);
    if (last >= 4)
        ask(b, query);
}

static void hash_and_cipher_match_set_a(void **state) /* gs-session 28 */
{
    uint8_t salt[16], hash[32], key[16], cc[16], block[48], signature[256], want[48];
    gs_test_hex(SALT, salt, sizeof salt);
    const struct lm_part pin[] = {{salt, sizeof salt}, {"5823", 4}};
    lm_sha256(pin, 2, hash);
    gs_test_hex("77781a7368a8567ef2967f57aaabed8f", key, sizeof key);
    assert_memory_equal(hash, key, sizeof key);
    for (size_t i = 0; i < sizeof cc; i++)
        cc[i] = (uint8_t)(0x10 + i);
    assert_int_equal(lm_ecb_encrypt(key, cc, sizeof cc, block), LM_OK);
    gs_test_hex(CHALLENGE, want, sizeof want);
    assert_memory_equal(block, want, 16);
    for (size_t i = 0; i < sizeof signature; i++)
        signature[i] = (uint8_t)i;
    uint8_t ss[16], sc[16];
    for (size_t i = 0; i < sizeof ss; i++) {
        ss[i] = (uint8_t)(0x20 + i);
        sc[i] = (uint8_t)(0x30 + i);
    }
    const struct lm_part h1[] = {{cc, 16}, {signature, 256}, {ss, 16}};
    lm_sha256(h1, 3, block);
    memcpy(block + 32, sc, 16);
    assert_int_equal(lm_ecb_encrypt(key, block, sizeof block, block), LM_OK);
    gs_test_hex("26d9952a59feee58b82f923e6256d24111209d3a5d2cf26323adb59555155d65832b08d332c247079"
                "8d2f8357ba96958",
                want, sizeof want);
    assert_memory_equal(block, want, sizeof want);
}

static void host_reproduces_set_b(void **state) /* gs-session 28 29 */
{
    static struct bench b;
    char text[2200], query[2048];
    bench_open(&b);
    phase1_as(&b, UID, PEER);
    assert_int_equal(b.answer.action, PAIRING_PARKED);
    uint32_t id = b.answer.id;
    assert_int_equal(pairing_enter_pin(b.p, id, "5823", b.now_ns, &b.answer), LM_OK);
    assert_int_equal(b.answer.id, id);
    lm_hex_encode(host_cert_pem, strlen(host_cert_pem), text);
    assert_int_equal(strlen(text), 2010);
    assert_true(says(&b, "<paired>1</paired>"));
    assert_true(says(&b, text));
    ask(&b, "clientchallenge=" CHALLENGE);
    assert_true(says(&b, "<challengeresponse>" CHALLENGED "</challengeresponse>"));
    ask(&b, "serverchallengeresp=" RESPONSE);
    snprintf(text, sizeof text, "<pairingsecret>202122232425262728292a2b2c2d2e2f%s</pairingsecret>",
             host_secret_signature);
    assert_true(says(&b, text));
    secret_query(query, true, true);
    ask(&b, query);
    assert_int_equal(b.answer.action, PAIRING_COMMIT);
    assert_string_equal(lm_cert_pem(b.answer.cert, &(size_t){0}), client_cert_pem);
    assert_string_equal(b.answer.device_name, "roth");
    pairing_committed(b.p, id, true, &b.answer);
    assert_true(b.answer.paired && says(&b, "<paired>1</paired>"));
    assert_int_equal(pairing_deadline_ns(b.p), LM_TIME_MAX);
    pairing_destroy(b.p);
}

static void storing_that_fails_is_not_paired(void **state)
{
    static struct bench b;
    bench_open(&b);
    run_to(&b, 4);
    assert_int_equal(b.answer.action, PAIRING_COMMIT);
    pairing_committed(b.p, b.answer.id, false, &b.answer);
    assert_true(says(&b, "<paired>0</paired>"));
    pairing_destroy(b.p);
}

static void wrong_pin_is_refused_in_phase_4_and_stores_nothing(void **state) /* gs-session 30 */
{
    static struct bench b;
    char query[2048];
    bench_open(&b);
    phase1_as(&b, UID, PEER);
    assert_int_equal(pairing_enter_pin(b.p, 0, "5824", b.now_ns, &b.answer), LM_OK);
    ask(&b, "clientchallenge=" CHALLENGE);
    assert_true(b.answer.paired);
    ask(&b, "serverchallengeresp=" RESPONSE);
    assert_true(b.answer.paired);
    secret_query(query, true, true);
    ask(&b, query);
    assert_int_equal(b.answer.action, PAIRING_ANSWERED);
    assert_true(b.answer.failed);
    assert_true(says(&b, "status_code=\"200\"") && says(&b, "<paired>0</paired>"));
    pairing_destroy(b.p);
}

struct deviation {
    const char *name;
    int run_to; /* 0: only phase 1, no PIN */
    const char *query;
};

static void deviations_end_the_transaction(void **state) /* gs-session 31 32 33 41 */
{
    static const struct deviation cases[] = {
        {"phase 2 before the PIN", 0, "clientchallenge=" CHALLENGE},
        {"phase 3 before the PIN", 0, "serverchallengeresp=" RESPONSE},
        {"phase 3 without 2", 1, "serverchallengeresp=" RESPONSE},
        {"phase 4 without 2 and 3", 1, "clientpairingsecret=" SECRET SECRET},
        {"phase 4 without 3", 2, "clientpairingsecret=" SECRET SECRET},
        {"phase 2 twice", 2, "clientchallenge=" CHALLENGE},
        {"phase 3 twice", 3, "serverchallengeresp=" RESPONSE},
        {"phase 2 after 3", 3, "clientchallenge=" CHALLENGE},
        {"short challenge", 1, "clientchallenge=8982601fe785b488d2c814cc3fecb5"},
        {"long challenge", 1, "clientchallenge=" CHALLENGE "00"},
        {"odd challenge", 1, "clientchallenge=" CHALLENGE "0"},
        {"challenge not hex", 1, "clientchallenge=x982601fe785b488d2c814cc3fecb5a6"},
        {"short response", 2, "serverchallengeresp=" CHALLENGE},
        {"secret without signature", 3, "clientpairingsecret=" SECRET},
        {"empty secret", 3, "clientpairingsecret="},
    };
    for (size_t i = 0; i < LM_ARRAY_LEN(cases); i++) {
        static struct bench b;
        bench_open(&b);
        if (cases[i].run_to)
            run_to(&b, cases[i].run_to);
        else
            phase1_as(&b, UID, PEER);
        uint32_t parked_id = cases[i].run_to ? 0 : b.answer.id;
        ask(&b, cases[i].query);
        bool right = b.answer.action == PAIRING_ANSWERED && b.answer.failed &&
                     says(&b, "status_code=\"400\"") && says(&b, "<paired>0</paired>") &&
                     b.answer.dropped_id == parked_id && pairing_deadline_ns(b.p) == LM_TIME_MAX;
        if (!right)
            fail_msg("%s", cases[i].name);
        pairing_destroy(b.p);
    }
}

static void hash_and_signature_must_both_hold(void **state) /* gs-session 34 35 */
{
    static const struct {
        bool secret, signature;
    } cases[] = {{true, false}, {false, true}, {false, false}};
    for (size_t i = 0; i < LM_ARRAY_LEN(cases); i++) {
        static struct bench b;
        char query[2048];
        bench_open(&b);
        run_to(&b, 3);
        secret_query(query, cases[i].secret, cases[i].signature);
        ask(&b, query);
        assert_int_equal(b.answer.action, PAIRING_ANSWERED);
        assert_true(says(&b, "<paired>0</paired>"));
        pairing_destroy(b.p);
    }
}

/* The hash covers another secret, the signature is valid over it: the other half of the rule. */
static void signature_over_another_secret_is_refused(void **state) /* gs-session 35 */
{
    static struct bench b;
    uint8_t secret[16] = {1}, signature[512];
    char query[2048] = "clientpairingsecret=";
    bench_open(&b);
    run_to(&b, 3);
    int size_bytes = lm_key_sign(client_key, secret, sizeof secret, signature, sizeof signature);
    lm_hex_encode(secret, sizeof secret, query + strlen(query));
    lm_hex_encode(signature, (size_t)size_bytes, query + strlen(query));
    ask(&b, query);
    assert_true(b.answer.failed && says(&b, "<paired>0</paired>"));
    pairing_destroy(b.p);
}

static void same_id_from_two_addresses_pairs_apart(void **state) /* gs-session 39 */
{
    static struct bench b;
    struct pairing_prompt prompts[PAIRING_MAX_OPEN];
    bench_open(&b);
    phase1_as(&b, UID, PEER);
    uint32_t first = b.answer.id;
    b.now_ns++;
    phase1_as(&b, UID, "192.168.1.21");
    uint32_t second = b.answer.id;
    assert_int_equal(pairing_prompts(b.p, prompts), 2);
    assert_int_equal(prompts[0].id, first);
    assert_string_equal(prompts[1].peer, "192.168.1.21");
    assert_string_equal(prompts[1].device_name, "roth");
    assert_int_equal(pairing_enter_pin(b.p, 0, "5823", b.now_ns, &b.answer), LM_EEXIST);
    assert_int_equal(pairing_enter_pin(b.p, second, "1111", b.now_ns, &b.answer), LM_OK);
    assert_int_equal(pairing_enter_pin(b.p, first, "5823", b.now_ns, &b.answer), LM_OK);
    ask(&b, "clientchallenge=" CHALLENGE);
    assert_true(says(&b, CHALLENGED));
    pairing_destroy(b.p);
}

static void newer_phase_1_replaces_the_older(void **state) /* gs-session 40 */
{
    static struct bench b;
    struct pairing_prompt prompts[PAIRING_MAX_OPEN];
    bench_open(&b);
    phase1_as(&b, UID, PEER);
    uint32_t first = b.answer.id;
    phase1_as(&b, UID, PEER);
    assert_int_equal(b.answer.dropped_id, first);
    assert_int_equal(pairing_prompts(b.p, prompts), 1);
    assert_int_equal(prompts[0].id, b.answer.id);
    assert_int_equal(pairing_enter_pin(b.p, first, "5823", b.now_ns, &b.answer), LM_ENOENT);
    pairing_destroy(b.p);
}

static void table_is_bounded(void **state)
{
    static struct bench b;
    bench_open(&b);
    char id[16], peer[32];
    for (int i = 0; i < 3; i++) {
        snprintf(id, sizeof id, "id%d", i);
        phase1_as(&b, id, PEER);
        assert_int_equal(b.answer.action, i < 2 ? PAIRING_PARKED : PAIRING_ANSWERED);
    }
    assert_true(says(&b, "status_code=\"503\""));
    for (int i = 0; i < 7; i++) {
        snprintf(peer, sizeof peer, "10.0.0.%d", i);
        phase1_as(&b, UID, peer);
        assert_int_equal(b.answer.action, i < 6 ? PAIRING_PARKED : PAIRING_ANSWERED);
    }
    pairing_destroy(b.p);
}

static void bad_client_certificates_are_refused_in_phase_1(void **state) /* gs-session 42 */
{
    static const char *const pems[] = {
        "no certificate",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        NULL, /* two */
        "",
    };
    for (size_t i = 0; i < LM_ARRAY_LEN(pems); i++) {
        static struct bench b;
        static char pem[4096], query[9000] = "phrase=getservercert&salt=" SALT "&clientcert=";
        snprintf(pem, sizeof pem, "%s%s", pems[i] ? pems[i] : client_cert_pem,
                 pems[i] ? "" : host_cert_pem);
        char *at = strrchr(query, '=') + 1;
        lm_hex_encode(pem, strlen(pem), at);
        bench_open(&b);
        ask(&b, query);
        assert_int_equal(b.answer.action, PAIRING_ANSWERED);
        assert_true(says(&b, "status_code=\"400\""));
        pairing_destroy(b.p);
    }
}

/* A self-signed certificate over `pkey`, as hex of its PEM text. */
static void make_cert_query(EVP_PKEY *pkey, const EVP_MD *md, char *out)
{
    X509 *cert = X509_new();
    X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC,
                               (const unsigned char *)"x", -1, -1, 0);
    X509_set_pubkey(cert, pkey);
    X509_gmtime_adj(X509_getm_notBefore(cert), -200000);
    X509_gmtime_adj(X509_getm_notAfter(cert), -100000); /* expired; serial 0, no extensions */
    LM_CHECK(X509_sign(cert, pkey, md) > 0);
    BIO *bio = BIO_new(BIO_s_mem());
    LM_CHECK(PEM_write_bio_X509(bio, cert) == 1);
    char *pem;
    long pem_bytes = BIO_get_mem_data(bio, &pem);
    out += sprintf(out, "phrase=getservercert&salt=" SALT "&clientcert=");
    lm_hex_encode(pem, (size_t)pem_bytes, out);
    BIO_free(bio);
    X509_free(cert);
}

static void keys_are_judged_but_dates_are_not(void **state) /* gs-session 42 46 */
{
    static char query[20000];
    struct {
        EVP_PKEY *pkey;
        enum pairing_action want;
    } cases[] = {
        {EVP_RSA_gen(1024), PAIRING_ANSWERED},
        {EVP_EC_gen("P-256"), PAIRING_ANSWERED},
        {EVP_RSA_gen(2048), PAIRING_PARKED},
    };
    for (size_t i = 0; i < LM_ARRAY_LEN(cases); i++) {
        static struct bench b;
        bench_open(&b);
        make_cert_query(cases[i].pkey, EVP_sha256(), query);
        ask(&b, query);
        assert_int_equal(b.answer.action, cases[i].want);
        pairing_destroy(b.p);
        EVP_PKEY_free(cases[i].pkey);
    }
}

static void open_requests_expire(void **state) /* gs-session 43 */
{
    static struct bench b;
    bench_open(&b);
    phase1_as(&b, UID, PEER);
    uint32_t id = b.answer.id;
    assert_int_equal(pairing_deadline_ns(b.p), b.now_ns + 300 * LM_NS_PER_S);
    assert_int_equal(pairing_expire(b.p, b.now_ns + 300 * LM_NS_PER_S - 1, &b.answer), 0);
    assert_int_equal(pairing_expire(b.p, b.now_ns + 300 * LM_NS_PER_S, &b.answer), 1);
    assert_int_equal(b.answer.id, id);
    assert_int_equal(b.answer.action, PAIRING_ANSWERED);
    assert_true(says(&b, "status_code=\"400\""));
    assert_int_equal(pairing_expire(b.p, b.now_ns + 300 * LM_NS_PER_S, &b.answer), 0);
    pairing_destroy(b.p);
}

static void silence_after_the_pin_ends_the_run(void **state)
{
    for (int phase = 1; phase <= 3; phase++) {
        static struct bench b;
        bench_open(&b);
        run_to(&b, phase);
        b.now_ns += 10 * LM_NS_PER_S;
        char query[2048];
        secret_query(query, true, true);
        ask(&b, phase == 1   ? "clientchallenge=" CHALLENGE
                : phase == 2 ? "serverchallengeresp=" RESPONSE
                             : query);
        assert_true(says(&b, "status_code=\"400\""));
        pairing_destroy(b.p);
    }
}

static void unpair_cancels_only_what_is_unfinished(void **state) /* gs-session 44 */
{
    static struct bench b;
    bench_open(&b);
    assert_int_equal(pairing_cancel(b.p, "unknown", PEER, b.now_ns), 0);
    phase1_as(&b, UID, PEER);
    uint32_t id = b.answer.id;
    assert_int_equal(pairing_cancel(b.p, UID, "192.168.1.99", b.now_ns), 0);
    assert_int_equal(pairing_cancel(b.p, UID, PEER, b.now_ns), id);
    assert_int_equal(pairing_deadline_ns(b.p), LM_TIME_MAX);
    run_to(&b, 3);
    assert_int_equal(pairing_cancel(b.p, UID, PEER, b.now_ns), 0);
    char query[2048];
    secret_query(query, true, true);
    ask(&b, query);
    assert_true(b.answer.action == PAIRING_ANSWERED && says(&b, "status_code=\"400\""));
    pairing_destroy(b.p);
}

static void closed_connection_drops_the_prompt(void **state) /* gs-session 36 */
{
    static struct bench b;
    bench_open(&b);
    phase1_as(&b, UID, PEER);
    pairing_close(b.p, b.answer.id);
    assert_int_equal(pairing_deadline_ns(b.p), LM_TIME_MAX);
    pairing_destroy(b.p);
}

static void pairchallenge_over_http_never_says_paired(void **state) /* gs-session 45 */
{
    static struct bench b;
    char xml[512];
    bench_open(&b);
    ask(&b, "phrase=pairchallenge");
    assert_true(says(&b, "status_code=\"400\"") && says(&b, "<paired>0</paired>"));
    assert_true(pairing_write_challenge(false, xml, sizeof xml) > 0);
    assert_non_null(strstr(xml, "status_code=\"401\""));
    assert_true(pairing_write_challenge(true, xml, sizeof xml) > 0);
    assert_non_null(strstr(xml, "<paired>1</paired>"));
    pairing_destroy(b.p);
}

static void hex_of_either_case_is_equal(void **state) /* gs-session 49 */
{
    static struct bench b;
    bench_open(&b);
    run_to(&b, 1);
    ask(&b, "clientchallenge=8982601FE785B488D2C814CC3FECB5A6");
    assert_true(says(&b, CHALLENGED));
    pairing_destroy(b.p);
}

static void failures_are_limited_per_hour(void **state)
{
    static struct bench b;
    char query[2048];
    bench_open(&b);
    secret_query(query, false, true);
    for (int i = 0; i < 5; i++) {
        run_to(&b, 3);
        ask(&b, query);
        assert_true(b.answer.failed);
    }
    phase1_as(&b, UID, PEER);
    assert_true(says(&b, "status_code=\"503\""));
    b.now_ns += 3600 * LM_NS_PER_S;
    phase1_as(&b, UID, PEER);
    assert_int_equal(b.answer.action, PAIRING_PARKED);
    pairing_destroy(b.p);
}

static void unanswered_prompts_do_not_count_as_failures(void **state)
{
    static struct bench b;
    bench_open(&b);
    for (int i = 0; i < 20; i++) {
        phase1_as(&b, UID, PEER);
        assert_int_equal(b.answer.action, PAIRING_PARKED);
        ask(&b, "clientchallenge=" CHALLENGE);
    }
    pairing_destroy(b.p);
}

static void pins_are_four_digits(void **state)
{
    static const char *const pins[] = {"", "123", "12345", "12a4", " 123"};
    static struct bench b;
    bench_open(&b);
    phase1_as(&b, UID, PEER);
    for (size_t i = 0; i < LM_ARRAY_LEN(pins); i++)
        assert_int_equal(pairing_enter_pin(b.p, 0, pins[i], b.now_ns, &b.answer), LM_EINVAL);
    assert_int_equal(pairing_reject(b.p, 0, &b.answer), LM_OK);
    assert_true(says(&b, "<paired>0</paired>"));
    pairing_destroy(b.p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hash_and_cipher_match_set_a),
        cmocka_unit_test(host_reproduces_set_b),
        cmocka_unit_test(storing_that_fails_is_not_paired),
        cmocka_unit_test(wrong_pin_is_refused_in_phase_4_and_stores_nothing),
        cmocka_unit_test(deviations_end_the_transaction),
        cmocka_unit_test(hash_and_signature_must_both_hold),
        cmocka_unit_test(signature_over_another_secret_is_refused),
        cmocka_unit_test(same_id_from_two_addresses_pairs_apart),
        cmocka_unit_test(newer_phase_1_replaces_the_older),
        cmocka_unit_test(table_is_bounded),
        cmocka_unit_test(bad_client_certificates_are_refused_in_phase_1),
        cmocka_unit_test(keys_are_judged_but_dates_are_not),
        cmocka_unit_test(open_requests_expire),
        cmocka_unit_test(silence_after_the_pin_ends_the_run),
        cmocka_unit_test(unpair_cancels_only_what_is_unfinished),
        cmocka_unit_test(closed_connection_drops_the_prompt),
        cmocka_unit_test(pairchallenge_over_http_never_says_paired),
        cmocka_unit_test(hex_of_either_case_is_equal),
        cmocka_unit_test(failures_are_limited_per_hour),
        cmocka_unit_test(unanswered_prompts_do_not_count_as_failures),
        cmocka_unit_test(pins_are_four_digits),
    };
    return cmocka_run_group_tests_name("pairing", tests, load_identities, drop_identities);
}
