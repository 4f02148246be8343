#include "session/control.h"

#include "core/base/bytes.h"
#include "core/wire/gs_test.h"

static const uint8_t key[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

static struct control *make(enum control_role role, enum control_iv iv)
{
    struct control *c;
    assert_int_equal(control_create(&c, role, iv, key), LM_OK);
    return c;
}

static void host_packets(const char *field, enum control_iv iv)
{
    json_t *root = gs_test_load("control.json");
    const json_t *list = json_object_get(root, "host_to_client");
    struct control *host = make(CONTROL_HOST, iv), *client = make(CONTROL_CLIENT, iv);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *item = json_array_get(list, i);
        uint8_t plain[256], want[256], got[LM_GS_ENVELOPE_MAX_BYTES];
        size_t plain_bytes = gs_test_bytes(item, "plaintext_hex", plain, sizeof plain);
        size_t want_bytes = gs_test_bytes(item, field, want, sizeof want);
        assert_int_equal(control_seal(host, plain, plain_bytes, got, sizeof got), want_bytes);
        assert_memory_equal(got, want, want_bytes);
        int opened = control_open(client, want, want_bytes, got, sizeof got);
        assert_int_equal(opened, plain_bytes);
        assert_memory_equal(got, plain, plain_bytes);
    }
    control_destroy(host);
    control_destroy(client);
    json_decref(root);
}

static void host_packets_match_the_vectors(void **state) /* gs-media 59 60 */
{
    host_packets("packet_v2_hex", CONTROL_IV_V2);
    host_packets("packet_legacy_iv_hex", CONTROL_IV_LEGACY);
}

static void client_packets(const char *list_name, const char *field, enum control_iv iv)
{
    json_t *root = gs_test_load("control.json");
    const json_t *list = json_object_get(root, list_name);
    struct control *host = make(CONTROL_HOST, iv), *client = make(CONTROL_CLIENT, iv);
    uint32_t next = 0;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *item = json_array_get(list, i);
        uint8_t plain[256], packet[256], got[LM_GS_ENVELOPE_MAX_BYTES];
        size_t plain_bytes = gs_test_bytes(item, "plaintext_hex", plain, sizeof plain);
        size_t packet_bytes = gs_test_bytes(item, field, packet, sizeof packet);
        int opened = control_open(host, packet, packet_bytes, got, sizeof got);
        assert_int_equal(opened, plain_bytes);
        assert_memory_equal(got, plain, plain_bytes);
        /* Our own client makes the same packet once its counter is there. */
        for (uint32_t seq = lm_get_le32(packet + 4); next < seq; next++)
            assert_true(control_seal(client, plain, plain_bytes, got, sizeof got) > 0);
        assert_int_equal(control_seal(client, plain, plain_bytes, got, sizeof got), packet_bytes);
        assert_memory_equal(got, packet, packet_bytes);
        next++;
    }
    control_destroy(host);
    control_destroy(client);
    json_decref(root);
}

static void client_packets_match_the_vectors(void **state) /* gs-media 59 */
{
    client_packets("client_to_host", "packet_v2_hex", CONTROL_IV_V2);
    client_packets("client_to_host_legacy_iv", "packet_hex", CONTROL_IV_LEGACY);
}

static int make_pings(struct control *client, uint8_t packets[][64], int count)
{
    int size_bytes = 0;
    for (int i = 0; i < count; i++) {
        struct lm_gs_client_message ping = {.kind = LM_GS_CLIENT_PING};
        size_bytes = control_write_client(client, &ping, packets[i], 64);
        assert_true(size_bytes > 0);
    }
    return size_bytes;
}

static void order_does_not_matter_but_replays_do(void **state) /* gs-media 61 */
{
    static uint8_t packets[1500][64];
    struct control *host = make(CONTROL_HOST, CONTROL_IV_V2);
    struct control *client = make(CONTROL_CLIENT, CONTROL_IV_V2);
    struct lm_gs_client_message got;
    size_t size_bytes = (size_t)make_pings(client, packets, 1500);
    static const struct {
        int packet, result;
    } cases[] = {
        {5, LM_OK},      {3, LM_OK},       {4, LM_OK},       {4, LM_EAUTH},
        {5, LM_EAUTH},   {1100, LM_OK},    {77, LM_OK},      {76, LM_EAUTH},
        {3, LM_EAUTH},   {1100, LM_EAUTH}, {1499, LM_OK},    {500, LM_OK},
        {500, LM_EAUTH}, {1498, LM_OK},    {1498, LM_EAUTH}, {1100, LM_EAUTH},
    };
    for (size_t i = 0; i < LM_ARRAY_LEN(cases); i++) {
        int result = control_read_client(host, packets[cases[i].packet], size_bytes, &got);
        if (result != cases[i].result)
            fail_msg("row %zu: %d", i, result);
    }
    control_destroy(host);
    control_destroy(client);
}

static void damaged_packets_are_dropped_and_harm_nothing(void **state) /* gs-media 63 */
{
    uint8_t packets[3][64], plain[64];
    struct control *host = make(CONTROL_HOST, CONTROL_IV_V2);
    struct control *client = make(CONTROL_CLIENT, CONTROL_IV_V2);
    struct lm_gs_client_message got;
    size_t size_bytes = (size_t)make_pings(client, packets, 3);
    for (size_t at = 0; at < size_bytes; at++) {
        packets[0][at] ^= 0x40;
        assert_true(control_read_client(host, packets[0], size_bytes, &got) < 0);
        packets[0][at] ^= 0x40;
    }
    for (size_t cut = 0; cut < size_bytes; cut++)
        assert_true(control_read_client(host, packets[0], cut, &got) < 0);
    /* Our own direction does not authenticate: a reflected packet is refused. */
    assert_int_equal(control_open(client, packets[1], size_bytes, plain, sizeof plain), LM_EAUTH);
    assert_int_equal(control_read_client(host, packets[0], size_bytes, &got), LM_OK);
    assert_int_equal(control_read_client(host, packets[2], size_bytes, &got), LM_OK);
    control_destroy(host);
    control_destroy(client);
}

static void unknown_messages_are_authentic_and_ignored(void **state) /* gs-media 62 */
{
    const uint8_t clipboard[] = {0x01, 0x30, 2, 0, 7, 7};
    uint8_t packet[LM_GS_ENVELOPE_MAX_BYTES];
    struct control *host = make(CONTROL_HOST, CONTROL_IV_V2);
    struct control *client = make(CONTROL_CLIENT, CONTROL_IV_V2);
    struct lm_gs_client_message from_client;
    struct lm_gs_host_message from_host;
    int size_bytes = control_seal(client, clipboard, sizeof clipboard, packet, sizeof packet);
    assert_int_equal(control_read_client(host, packet, (size_t)size_bytes, &from_client),
                     LM_ENOENT);
    size_bytes = control_seal(host, clipboard, sizeof clipboard, packet, sizeof packet);
    assert_int_equal(control_read_host(client, packet, (size_t)size_bytes, &from_host), LM_ENOENT);
    control_destroy(host);
    control_destroy(client);
}

static void typed_messages_cross_both_ways(void **state)
{
    uint8_t packet[LM_GS_ENVELOPE_MAX_BYTES];
    struct control *host = make(CONTROL_HOST, CONTROL_IV_V2);
    struct control *client = make(CONTROL_CLIENT, CONTROL_IV_V2);
    struct lm_gs_host_message end = {.kind = LM_GS_HOST_TERMINATION, .reason = 7}, got;
    int size_bytes = control_write_host(host, &end, packet, sizeof packet);
    assert_int_equal(control_read_host(client, packet, (size_t)size_bytes, &got), LM_OK);
    assert_int_equal(got.reason, 7);
    assert_int_equal(control_write_host(host, &end, packet, 8), LM_ELIMIT);
    control_destroy(host);
    control_destroy(client);
    control_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(host_packets_match_the_vectors),
        cmocka_unit_test(client_packets_match_the_vectors),
        cmocka_unit_test(order_does_not_matter_but_replays_do),
        cmocka_unit_test(damaged_packets_are_dropped_and_harm_nothing),
        cmocka_unit_test(unknown_messages_are_authentic_and_ignored),
        cmocka_unit_test(typed_messages_cross_both_ways),
    };
    return cmocka_run_group_tests_name("control", tests, NULL, NULL);
}
