#include "host/display/sway_ipc.h"

#include "core/base/check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void header_is_magic_size_type_in_native_order(void **state)
{
    uint8_t header[SWAY_IPC_HEADER_BYTES];
    uint32_t size = 0, words[2];
    (void)state;
    sway_ipc_header_encode(header, 5, SWAY_IPC_GET_OUTPUTS);
    assert_memory_equal(header, "i3-ipc", 6);
    memcpy(words, header + 6, sizeof words);
    assert_int_equal(words[0], 5);
    assert_int_equal(words[1], SWAY_IPC_GET_OUTPUTS);
    assert_int_equal(sway_ipc_header_parse(header, SWAY_IPC_GET_OUTPUTS, &size), LM_OK);
    assert_int_equal(size, 5);
}

static void header_of_another_type_or_size_is_refused(void **state)
{
    uint8_t header[SWAY_IPC_HEADER_BYTES];
    uint32_t size;
    (void)state;
    sway_ipc_header_encode(header, 5, SWAY_IPC_GET_OUTPUTS);
    assert_int_equal(sway_ipc_header_parse(header, SWAY_IPC_RUN_COMMAND, &size), LM_EPROTO);
    sway_ipc_header_encode(header, SWAY_IPC_REPLY_BYTES, SWAY_IPC_RUN_COMMAND);
    assert_int_equal(sway_ipc_header_parse(header, SWAY_IPC_RUN_COMMAND, &size), LM_OK);
    sway_ipc_header_encode(header, SWAY_IPC_REPLY_BYTES + 1, SWAY_IPC_RUN_COMMAND);
    assert_int_equal(sway_ipc_header_parse(header, SWAY_IPC_RUN_COMMAND, &size), LM_EPROTO);
    header[0] = 'x';
    assert_int_equal(sway_ipc_header_parse(header, SWAY_IPC_RUN_COMMAND, &size), LM_EPROTO);
}

static void command_succeeds_only_if_each_part_did(void **state)
{
    static const struct {
        const char *json;
        int code;
    } cases[] = {
        {"[{\"success\":true}]", LM_OK},
        {"[{\"success\":true},{\"success\":false,\"error\":\"no\"}]", LM_EUNSUPPORTED},
        {"[{}]", LM_EUNSUPPORTED},
        {"[]", LM_EPROTO},
        {"{\"success\":true}", LM_EPROTO},
        {"", LM_EPROTO},
        {"[{\"success\":true}", LM_EPROTO},
    };
    (void)state;
    for (size_t i = 0; i < LM_ARRAY_LEN(cases); i++)
        assert_int_equal(sway_ipc_parse_success(cases[i].json, strlen(cases[i].json)),
                         cases[i].code);
}

#define OUTPUT(name, active, mode)                                                                 \
    "{\"name\":\"" name "\",\"active\":" active ",\"current_mode\":" mode "}"
#define MODE "{\"width\":1606,\"height\":902,\"refresh\":59940}"

static void mode_is_that_of_the_named_active_output(void **state)
{
    static const struct {
        const char *json;
        int code;
    } cases[] = {
        {"[" OUTPUT("A", "true", "{}") "," OUTPUT("H", "true", MODE) "]", LM_OK},
        {"[" OUTPUT("H", "false", MODE) "]", LM_ENOENT},
        {"[" OUTPUT("A", "true", MODE) "]", LM_ENOENT},
        {"[]", LM_ENOENT},
        {"[" OUTPUT("H", "true", "null") "]", LM_EPROTO},
        {"[" OUTPUT("H", "true", "{\"width\":-1,\"height\":2,\"refresh\":3}") "]", LM_EPROTO},
        {"[" OUTPUT("H", "true", "{\"width\":1,\"height\":2,\"refresh\":\"60\"}") "]", LM_EPROTO},
        {"[1,\"x\",null]", LM_ENOENT},
        {"7", LM_EPROTO},
    };
    (void)state;
    for (size_t i = 0; i < LM_ARRAY_LEN(cases); i++) {
        struct display_mode mode = {0};
        assert_int_equal(sway_ipc_parse_mode(cases[i].json, strlen(cases[i].json), "H", &mode),
                         cases[i].code);
        if (cases[i].code)
            continue;
        assert_int_equal(mode.width, 1606);
        assert_int_equal(mode.height, 902);
        assert_int_equal(mode.refresh_mhz, 59940);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(header_is_magic_size_type_in_native_order),
        cmocka_unit_test(header_of_another_type_or_size_is_refused),
        cmocka_unit_test(command_succeeds_only_if_each_part_did),
        cmocka_unit_test(mode_is_that_of_the_named_active_output),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
