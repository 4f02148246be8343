#include "client/ping.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void pings_carry_the_payload_and_count_from_one(void **state)
{
    struct ping ping;
    struct net_addr host;
    uint8_t out[PING_BYTES];
    assert_int_equal(net_addr_parse(&host, "127.0.0.1", 0), 0);
    assert_int_equal(ping_init(&ping, &host, 47998, "A1B2C3D4E5F60718"), 0);
    static const uint8_t first[] = {0x41, 0x31, 0x42, 0x32, 0x43, 0x33, 0x44, 0x34, 0x45, 0x35,
                                    0x46, 0x36, 0x30, 0x37, 0x31, 0x38, 0,    0,    0,    1};
    assert_int_equal(ping_write(&ping, out), 20);
    assert_memory_equal(out, first, sizeof first);
    assert_int_equal(ping_write(&ping, out), 20);
    assert_int_equal(out[19], 2);
    assert_int_equal(lm_address_port(&ping.route.to), 47998);
}

static void without_payload_the_ping_is_the_old_one(void **state)
{
    static const char *const payloads[] = {"", "short"};
    for (size_t i = 0; i < 2; i++) {
        struct ping ping;
        struct net_addr host;
        uint8_t out[PING_BYTES];
        assert_int_equal(net_addr_parse(&host, "::1", 0), 0);
        assert_int_equal(ping_init(&ping, &host, 1, payloads[i]), 0);
        assert_int_equal(ping_write(&ping, out), 4);
        assert_memory_equal(out, "PING", 4);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pings_carry_the_payload_and_count_from_one),
        cmocka_unit_test(without_payload_the_ping_is_the_old_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
