#include "client/flags.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

enum { MAX_ARGS = 16 };

/* Splits `line` at blanks (in place) and parses it behind the program's name. */
static int parse(char *line, struct flags *out, char *error)
{
    char *argv[MAX_ARGS] = {(char *)"lumen-client"}, *save;
    int argc = 1;
    for (char *word = strtok_r(line, " ", &save); word; word = strtok_r(NULL, " ", &save))
        argv[argc++] = word;
    return flags_parse(out, argc, argv, error);
}

static void wrong_arguments_are_refused_with_a_reason(void **state)
{
    static const struct {
        const char *line, *reason;
    } cases[] = {
        {"", "no command"},
        {"strem h", "strem"},
        {"pair", "usage: lumen-client pair HOST"},
        {"pair h x", "\"x\""},
        {"pair h --pin 12a4", "--pin"},
        {"pair h --pin 123", "--pin"},
        {"pair h --size 640x480", "--size"},
        {"stream h --size 640", "--size"},
        {"stream h --size 640x48000", "--size"},
        {"stream h --fps 0", "--fps"},
        {"stream h --fps 60fps", "--fps"},
        {"stream h --bitrate", "--bitrate"},
        {"stream h --bitrate 1", "--bitrate"},
        {"stream h --bitrate -5", "--bitrate"},
        {"stream h --encrypt some", "--encrypt"},
        {"stream h --channels 3", "--channels"},
        {"stream h --headless=1", "--headless"},
        {"stream h --nonsense", "--nonsense"},
        {"stream h:0", "h:0"},
        {"stream h:99999", "h:99999"},
        {"stream [::1", "[::1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char line[128], error[FLAGS_ERROR_BYTES] = "";
        struct flags f;
        snprintf(line, sizeof line, "%s", cases[i].line);
        assert_int_equal(parse(line, &f, error), LM_EINVAL);
        assert_non_null(strstr(error, cases[i].reason));
    }
}

static void stream_options_are_read(void **state)
{
    char line[] = "stream box:1234 Desktop --size 1920x1081 --fps=59.94 --bitrate 5000 --headless "
                  "--encrypt none --codec av1 --frames 7";
    char error[FLAGS_ERROR_BYTES];
    struct flags f;
    assert_int_equal(parse(line, &f, error), 0);
    assert_int_equal(f.command, FLAGS_STREAM);
    assert_string_equal(f.host, "box:1234");
    assert_string_equal(f.app, "Desktop");
    assert_int_equal(f.width, 1920);
    assert_int_equal(f.height, 1080);
    assert_int_equal(f.rate_mhz, 59940);
    assert_int_equal(f.bitrate_kbps, 5000);
    assert_true(f.headless);
    assert_int_equal(f.encrypt, FLAGS_ENCRYPT_NONE);
    assert_int_equal(f.codec, FLAGS_AV1);
    assert_int_equal(f.frames, 7);
    assert_int_equal(f.packet_size, 1392);
}

static void hosts_are_split_from_their_ports(void **state)
{
    static const struct {
        const char *text, *name;
        int port; /* 0: none given */
    } cases[] = {
        {"den-pc", "den-pc", 0},
        {"den-pc:1", "den-pc", 1},
        {"10.0.0.2:47989", "10.0.0.2", 47989},
        {"[fe80::1%eth0]:65535", "fe80::1%eth0", 65535},
        {"[::1]", "::1", 0},
        {"::1", "::1", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char name[64];
        uint16_t port = 0;
        assert_int_equal(flags_split_host(cases[i].text, name, sizeof name, &port), 0);
        assert_string_equal(name, cases[i].name);
        assert_int_equal(port, cases[i].port);
    }
    static const char *const bad[] = {"", ":1", "a:", "a:b", "[]", "[::1]x", "a b", "a/b", "a@b"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char name[64];
        uint16_t port = 0;
        assert_int_equal(flags_split_host(bad[i], name, sizeof name, &port), LM_EINVAL);
    }
}

static void help_names_every_command_and_fits(void **state)
{
    char text[16384];
    assert_in_range(flags_help(text, sizeof text), 1000, sizeof text - 1);
    static const char *const words[] = {"discover",       "pair",          "list",
                                        "stream",         "quit",          "--packet-size",
                                        "--input-script", "Ctrl+Alt+Shift"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        assert_non_null(strstr(text, words[i]));
    assert_int_equal(flags_help(text, 100), LM_ELIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_arguments_are_refused_with_a_reason),
        cmocka_unit_test(stream_options_are_read),
        cmocka_unit_test(hosts_are_split_from_their_ports),
        cmocka_unit_test(help_names_every_command_and_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
