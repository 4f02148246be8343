#include "core/transport/address.h"

#include "core/base/check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

static void text_reads_and_writes_back(void **state)
{
    const struct {
        const char *in, *out, *host;
    } rows[] = {
        {"192.0.2.1", "192.0.2.1:47998", "192.0.2.1"},
        {"192.0.2.1:80", "192.0.2.1:80", "192.0.2.1"},
        {"2001:db8::1", "[2001:db8::1]:47998", "2001:db8::1"},
        {"[2001:db8::1]", "[2001:db8::1]:47998", "2001:db8::1"},
        {"[2001:db8::1]:65535", "[2001:db8::1]:65535", "2001:db8::1"},
        {"::", "[::]:47998", "::"},
        {"::ffff:192.0.2.7", "192.0.2.7:47998", "192.0.2.7"},
        {"[fe80::1%3]:9", "[fe80::1%3]:9", "fe80::1%3"},
        {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff%4000000000",
         "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff%4000000000]:47998",
         "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff%4000000000"},
    };
    for (size_t i = 0; i < LM_ARRAY_LEN(rows); i++) {
        struct lm_address a;
        char text[LM_ADDRESS_TEXT_BYTES];
        assert_int_equal(lm_address_parse(rows[i].in, 47998, &a), 0);
        assert_string_equal(lm_address_format(&a, text), rows[i].out);
        assert_string_equal(lm_address_format_host(&a, text), rows[i].host);
    }
}

static void what_is_no_address_is_refused(void **state)
{
    const char *rows[] = {
        "",           "localhost",           "1.2.3",          "1.2.3.4:", "1.2.3.4:x",
        "1.2.3.4:-1", "1.2.3.4:65536",       "1.2.3.4:999999", "[::1",     "[::1]x",
        "[::1]:",     "::1%nosuchinterface", "1.2.3.4:80 ",    ":80",      "[]:80",
        "::1%"};
    struct lm_address a;
    for (size_t i = 0; i < LM_ARRAY_LEN(rows); i++)
        assert_int_equal(lm_address_parse(rows[i], 1, &a), LM_EINVAL);
    char text[200];
    memset(text, '1', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    assert_int_equal(lm_address_parse(text, 1, &a), LM_EINVAL);
}

static void a_mapped_address_is_the_ipv4_address(void **state)
{
    struct sockaddr_in6 mapped = {.sin6_family = AF_INET6, .sin6_port = htons(5)};
    inet_pton(AF_INET6, "::ffff:192.0.2.9", &mapped.sin6_addr);
    struct lm_address a, b;
    assert_int_equal(lm_address_from_sockaddr((struct sockaddr *)&mapped, sizeof mapped, &a), 0);
    assert_int_equal(lm_address_parse("192.0.2.9:5", 0, &b), 0);
    assert_true(lm_address_equal(&a, &b));
    assert_true(lm_address_is_ipv4(&a));
    lm_address_set_port(&b, 6);
    assert_false(lm_address_equal(&a, &b));
    assert_true(lm_address_same_host(&a, &b));
    assert_int_equal(lm_address_from_sockaddr((struct sockaddr *)&mapped, 8, &a), LM_EUNSUPPORTED);
    assert_false(lm_address_is_set(&a));
}

static void kinds_are_told_apart(void **state)
{
    struct lm_address a = {0};
    char text[LM_ADDRESS_TEXT_BYTES];
    assert_false(lm_address_is_set(&a));
    assert_string_equal(lm_address_format(&a, text), "none");
    assert_int_equal(lm_address_port(&a), 0);
    assert_int_equal(lm_address_parse("127.9.9.9", 0, &a), 0);
    assert_true(lm_address_is_loopback(&a));
    assert_int_equal(lm_address_parse("::1", 0, &a), 0);
    assert_true(lm_address_is_loopback(&a));
    assert_false(lm_address_is_any(&a));
    assert_int_equal(lm_address_parse("::", 0, &a), 0);
    assert_true(lm_address_is_any(&a));
    assert_int_equal(lm_address_parse("0.0.0.0", 0, &a), 0);
    assert_true(lm_address_is_any(&a));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_reads_and_writes_back),
        cmocka_unit_test(what_is_no_address_is_refused),
        cmocka_unit_test(a_mapped_address_is_the_ipv4_address),
        cmocka_unit_test(kinds_are_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
