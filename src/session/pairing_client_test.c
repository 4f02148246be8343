#include "session/pairing_client.h"

#include "core/crypto/cert_vectors.h"
#include "core/wire/gs_test.h"

#define PEER      "192.168.1.20"
#define SALT      "f0e1d2c3b4a5968778695a4b3c2d1e0f"
#define CHALLENGE "8982601fe785b488d2c814cc3fecb5a6"
#define RESPONSE  "67fccc5643139a01fb7f8fe7ace8a49e9a8d4ebcf01d8365779903b457358b5f"
#define SECRET    "404142434445464748494a4b4c4d4e4f"

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

/* The client draws salt, challenge, secret. */
static void client_random(void *user, void *out, size_t size_bytes)
{
    static const char *const draws[] = {SALT, "101112131415161718191a1b1c1d1e1f", SECRET};
    int *next = user;
    gs_test_hex(draws[(*next)++ % 3], out, size_bytes);
}

struct ends {
    struct pairing *host;
    int host_state;
    struct pairing_answer answer;
    struct pairing_client *client;
    int draws;
    char target[PAIRING_TARGET_BYTES];
};

static void ends_open(struct ends *e)
{
    e->draws = 0;
    e->host_state = 0x20;
    struct pairing_params host = {.host_cert = host_cert,
                                  .host_key = host_key,
                                  .random = host_random,
                                  .user = &e->host_state};
    assert_int_equal(pairing_create(&e->host, &host), LM_OK);
    struct pairing_client_params params = {.cert = client_cert,
                                           .key = client_key,
                                           .pin = "5823",
                                           .random = client_random,
                                           .user = &e->draws};
    assert_int_equal(pairing_client_create(&e->client, &params), LM_OK);
}

static int step(struct ends *e, const char *pin)
{
    struct pairing_answer *answer = &e->answer;
    assert_true(pairing_client_target(e->client, e->target, sizeof e->target) > 0);
    assert_true(strncmp(e->target, "/pair?", 6) == 0);
    struct params query = params_of_target(e->target);
    if (pairing_client_state(e->client) == PAIRING_CLIENT_PHASE5) {
        int made = pairing_write_challenge(true, answer->xml, sizeof answer->xml);
        return pairing_client_answer(e->client, answer->xml, (size_t)made);
    }
    pairing_request(e->host, &query, PEER, 1, answer);
    if (answer->action == PAIRING_PARKED)
        assert_int_equal(pairing_enter_pin(e->host, 0, pin, 1, answer), LM_OK);
    if (answer->action == PAIRING_COMMIT)
        pairing_committed(e->host, answer->id, true, answer);
    return pairing_client_answer(e->client, answer->xml, answer->xml_size);
}

static void ends_close(struct ends *e)
{
    pairing_client_destroy(e->client);
    pairing_destroy(e->host);
}

static void client_and_host_pair(void **state) /* gs-session 28 29 */
{
    static struct ends e;
    static const char *const marks[] = {
        "&phrase=getservercert&salt=" SALT "&clientcert=2d2d2d2d2d424547494e",
        "&clientchallenge=" CHALLENGE,
        "&serverchallengeresp=" RESPONSE,
        "&clientpairingsecret=" SECRET,
        "&phrase=pairchallenge",
    };
    ends_open(&e);
    for (size_t i = 0; i < LM_ARRAY_LEN(marks); i++) {
        assert_int_equal(pairing_client_state(e.client), PAIRING_CLIENT_PHASE1 + i);
        assert_int_equal(step(&e, "5823"), LM_OK);
        assert_non_null(strstr(e.target, marks[i]));
        if (i == 3)
            assert_non_null(strstr(e.target, client_secret_signature));
    }
    assert_int_equal(pairing_client_state(e.client), PAIRING_CLIENT_DONE);
    assert_string_equal(lm_cert_pem(pairing_client_host_cert(e.client), &(size_t){0}),
                        host_cert_pem);
    assert_true(pairing_client_unpair_target(e.client, e.target, sizeof e.target) < 0);
    ends_close(&e);
}

static void client_finds_the_wrong_pin_after_phase_3(void **state)
{
    static struct ends e;
    ends_open(&e);
    assert_int_equal(step(&e, "5824"), LM_OK);
    assert_int_equal(step(&e, NULL), LM_OK);
    assert_int_equal(step(&e, NULL), LM_EAUTH);
    assert_int_equal(pairing_client_state(e.client), PAIRING_CLIENT_FAILED);
    assert_int_equal(pairing_client_failure(e.client), PAIRING_WRONG_PIN);
    assert_true(pairing_client_unpair_target(e.client, e.target, sizeof e.target) > 0);
    ends_close(&e);
}

static void client_refuses_what_a_host_must_not_say(void **state)
{
    static const struct {
        int after; /* steps that went well */
        const char *xml;
        enum pairing_failure want;
    } cases[] = {
        {0, "<root status_code=\"200\"><paired>1</paired></root>", PAIRING_BUSY},
        {0, "<root status_code=\"200\"><paired>0</paired></root>", PAIRING_REFUSED},
        {0, "<root status_code=\"200\"><paired>1</paired><plaincert>00</plaincert></root>",
         PAIRING_REFUSED},
        {0, "no xml", PAIRING_REFUSED},
        {1,
         "<root status_code=\"200\"><paired>1</paired><challengeresponse>00</challengeresponse>"
         "</root>",
         PAIRING_REFUSED},
        {2,
         "<root status_code=\"200\"><paired>1</paired>"
         "<pairingsecret>202122232425262728292a2b2c2d2e2f00</pairingsecret></root>",
         PAIRING_FORGED},
        {3, "<root status_code=\"400\"><paired>1</paired></root>", PAIRING_REFUSED},
    };
    for (size_t i = 0; i < LM_ARRAY_LEN(cases); i++) {
        static struct ends e;
        ends_open(&e);
        for (int k = 0; k < cases[i].after; k++)
            assert_int_equal(step(&e, "5823"), LM_OK);
        assert_true(pairing_client_answer(e.client, cases[i].xml, strlen(cases[i].xml)) < 0);
        assert_int_equal(pairing_client_failure(e.client), cases[i].want);
        ends_close(&e);
    }
}

static void made_pins_are_four_digits(void **state)
{
    char pin[PAIRING_PIN_DIGITS + 1];
    for (int i = 0; i < 100; i++) {
        pairing_make_pin(pin);
        assert_int_equal(strspn(pin, "0123456789"), PAIRING_PIN_DIGITS);
        assert_int_equal(strlen(pin), PAIRING_PIN_DIGITS);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(client_and_host_pair),
        cmocka_unit_test(client_finds_the_wrong_pin_after_phase_3),
        cmocka_unit_test(client_refuses_what_a_host_must_not_say),
        cmocka_unit_test(made_pins_are_four_digits),
    };
    return cmocka_run_group_tests_name("pairing_client", tests, load_identities, drop_identities);
}
