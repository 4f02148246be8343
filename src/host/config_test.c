#include "host/config.h"

#include "core/base/check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void defaults_are_in_range_and_have_a_desktop(void **state)
{
    struct config c;
    config_defaults(&c);
    assert_int_equal(c.port, 47989);
    assert_int_equal(c.grace_s, 300);
    assert_true(c.discovery);
    assert_int_equal(c.encryption, CONFIG_ENCRYPTION_AUTO);
    assert_int_equal(c.app_count, 1);
    assert_string_equal(c.apps[0].name, "Desktop");
    assert_string_equal(c.apps[0].command, "");
}

static void values_replace_defaults(void **state)
{
    struct config c;
    char error[512];
    const char *text = "[host]\nport = 50000\ngrace_s=-1\ndiscovery = no\n"
                       "[pairing]\nnetworks = any\nmax_failures = 7\n"
                       "[app:Editor]\ncommand = gedit --new-window\non_exit = keep\n";
    assert_int_equal(config_parse(&c, "x.conf", text, error, sizeof error), LM_OK);
    assert_int_equal(c.port, 50000);
    assert_int_equal(c.grace_s, -1);
    assert_false(c.discovery);
    assert_int_equal(c.pairing_networks, CONFIG_NETWORKS_ANY);
    assert_int_equal(c.pairing_max_failures, 7);
    assert_int_equal(c.app_count, 2);
    assert_string_equal(c.apps[1].command, "gedit --new-window");
    assert_int_equal(c.apps[1].on_exit, CONFIG_ON_EXIT_KEEP);
}

static void indented_line_goes_on_with_a_text(void **state)
{
    struct config c;
    char error[512];
    const char *text = "[app:A]\ncommand = first part\n    second part\n";
    assert_int_equal(config_parse(&c, "x.conf", text, error, sizeof error), LM_OK);
    assert_string_equal(c.apps[1].command, "first part second part");
    text = "[host]\nport = 50000\n  1\n";
    assert_int_equal(config_parse(&c, "x.conf", text, error, sizeof error), LM_EINVAL);
}

static void errors_name_file_line_key_and_range(void **state)
{
    static const struct {
        const char *text;
        const char *says[4];
    } rows[] = {
        {"[host]\nport = 80\n", {"x.conf:2", "port", "80", "1030..65513"}},
        {"[host]\nport = 5e4\n", {"x.conf:2", "port", "5e4", "1030..65513"}},
        {"[host]\ncolour = red\n", {"x.conf:2", "colour", "[host]", "--help"}},
        {"[nowhere]\nport = 50000\n", {"x.conf:2", "port", "[nowhere]", "--help"}},
        {"\n[stream]\nencryption = some\n", {"x.conf:3", "encryption", "some", "required"}},
        {"[host]\ndiscovery = maybe\n", {"x.conf:2", "discovery", "maybe", "yes or no"}},
        {"[app:A]\nicon = x\n", {"x.conf:2", "icon", "app:A", "art"}},
        {"[host]\nport\n", {"x.conf:2", "key = value", "", ""}},
    };
    for (size_t i = 0; i < LM_ARRAY_LEN(rows); i++) {
        struct config c;
        char error[512] = "";

        assert_int_equal(config_parse(&c, "x.conf", rows[i].text, error, sizeof error), LM_EINVAL);
        for (size_t k = 0; k < 4; k++)
            if (!strstr(error, rows[i].says[k]))
                fail_msg("\"%s\" lacks \"%s\"", error, rows[i].says[k]);
    }
}

static void overlong_line_is_an_error_with_its_number(void **state)
{
    char text[4096] = "[host]\nname = ", error[512] = "";
    memset(text + strlen(text), 'x', sizeof text - strlen(text) - 1);
    struct config c;
    assert_int_equal(config_parse(&c, "x.conf", text, error, sizeof error), LM_EINVAL);
    assert_non_null(strstr(error, "x.conf:2"));
}

static void missing_file_is_told_apart(void **state)
{
    struct config c;
    char error[512];
    assert_int_equal(config_load(&c, "/nonexistent/lumen.conf", error, sizeof error), LM_ENOENT);
    assert_int_equal(c.port, 47989);
}

/* The default file, with every key uncommented, must be accepted and change nothing. */
static void default_file_is_valid_and_equals_the_defaults(void **state)
{
    char *text = NULL, error[512];
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    config_print_default_file(out);
    fclose(out);
    for (char *line = text; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
        if (line[0] == '#' && line[1] != ' ' && line[1] != '[')
            line[0] = ' ';
    char *app = strstr(text, "\n# One section");
    assert_non_null(app);
    *app = 0;
    struct config parsed, defaults;
    for (char *line = text; *line;) { /* a leading blank would continue the value before */
        char *end = strchr(line, '\n');
        if (line[0] == ' ')
            memmove(line, line + 1, strlen(line));
        end = strchr(line, '\n');
        line = end ? end + 1 : line + strlen(line);
    }
    if (config_parse(&parsed, "default", text, error, sizeof error) != LM_OK)
        fail_msg("%s", error);
    config_defaults(&defaults);
    assert_memory_equal(&parsed, &defaults, sizeof parsed);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_in_range_and_have_a_desktop),
        cmocka_unit_test(values_replace_defaults),
        cmocka_unit_test(indented_line_goes_on_with_a_text),
        cmocka_unit_test(errors_name_file_line_key_and_range),
        cmocka_unit_test(overlong_line_is_an_error_with_its_number),
        cmocka_unit_test(missing_file_is_told_apart),
        cmocka_unit_test(default_file_is_valid_and_equals_the_defaults),
    };
    return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
