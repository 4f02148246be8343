#include "options.h"

#include "core/base/check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

enum { WORDS_MAX = 8 };

static int parse(struct options *out, const char *const words[WORDS_MAX], char *error)
{
    char *argv[WORDS_MAX + 2] = {(char *)(uintptr_t) "loss-harness"};
    int argc = 1;
    for (; argc <= WORDS_MAX && words[argc - 1]; argc++)
        argv[argc] = (char *)(uintptr_t)words[argc - 1];
    return options_parse(out, argc, argv, error);
}

static void defaults_are_set(void **state)
{
    char error[OPTIONS_ERROR_BYTES];
    struct options o;
    assert_int_equal(parse(&o, (const char *[WORDS_MAX]){NULL}, error), 0);
    assert_int_equal(o.axes[AXIS_LOSS].count, 4);
    assert_true(o.axes[AXIS_LOSS].at[0] == 0.5);
    assert_int_equal(o.axes[AXIS_CODE].count, 2);
    assert_true(o.axes[AXIS_RATE].at[0] == 1e9);
    assert_true(o.frames == 4000 && o.seed == 1 && !o.encrypt && !o.json);
}

static void values_are_read(void **state)
{
    static const char *const words[WORDS_MAX] = {
        "--loss=0.5,12",          "--code",  "none,gf8", "--layout",
        "contiguous,interleaved", "--frame", "64k,1.2m", "--encrypt"};
    char error[OPTIONS_ERROR_BYTES];
    struct options o;
    assert_int_equal(parse(&o, words, error), 0);
    assert_true(o.axes[AXIS_LOSS].count == 2 && o.axes[AXIS_LOSS].at[1] == 12);
    assert_true(o.axes[AXIS_CODE].at[0] == CODE_NONE && o.axes[AXIS_CODE].at[1] == CODE_GF8);
    assert_true(o.axes[AXIS_LAYOUT].at[1] == LAYOUT_INTERLEAVED);
    assert_true(o.axes[AXIS_FRAME].at[0] == 64000 && o.axes[AXIS_FRAME].at[1] == 1200000);
    assert_true(o.encrypt);
}

static void frame_size_has_three_forms(void **state)
{
    char error[OPTIONS_ERROR_BYTES];
    struct options o;
    assert_int_equal(
        parse(&o, (const char *[WORDS_MAX]){"--shards", "852", "--shard-bytes", "512"}, error), 0);
    assert_true(o.axes[AXIS_FRAME].at[0] == 852 * 512 - 24);
    assert_int_equal(
        parse(&o, (const char *[WORDS_MAX]){"--bitrate", "48m", "--fps", "120"}, error), 0);
    assert_true(o.axes[AXIS_FRAME].at[0] == 50000);
}

static void wrong_arguments_are_told(void **state)
{
    static const struct {
        const char *words[WORDS_MAX], *told;
    } rows[] = {
        {{"--losses", "1"}, "no option --losses"},
        {{"1"}, "\"1\" is no option"},
        {{"--loss"}, "--loss needs LIST"},
        {{"--loss", "51"}, "--loss: \"51\" is not a number from 0 to 50"},
        {{"--loss", "1,,2"}, "--loss: \"\" is not"},
        {{"--loss", "-1"}, "--loss: \"-1\" is not"},
        {{"--loss", "nan"}, "--loss: \"nan\" is not"},
        {{"--loss", "0x10"}, "--loss: \"0x10\" is not"},
        {{"--loss", "1e1"}, "--loss: \"1e1\" is not"},
        {{"--loss", "1k"}, "--loss: \"1k\" is not"},
        {{"--loss", "2,2"}, "--loss: 2 is there twice"},
        {{"--burst", "0.5"}, "--burst:"},
        {{"--code", "gf32"}, "none of gamestream, none, gf8, gf16"},
        {{"--layout", "gf8"}, "none of contiguous, interleaved"},
        {{"--parity", "10.5"}, "--parity: \"10.5\" is not a whole number from 0 to 100"},
        {{"--frame", "1.23456k"}, "--frame:"},
        {{"--frame", "64kk"}, "--frame:"},
        {{"--frame", "63"}, "--frame:"},
        {{"--shards", "60000"}, "frames of "},
        {{"--shards", "9", "--frame", "64k"}, "only one of them"},
        {{"--trace", "x", "--loss", "2"}, "--trace takes the place"},
        {{"--shard-bytes", "1000"}, "not a multiple of 64"},
        {{"--encrypt=yes"}, "--encrypt takes no value"},
        {{"--svg", "-"}, "--svg needs a file"},
        {{"--json", ""}, "--json needs FILE"},
        {{"--seed", "1", "--frames", "0"}, "--frames:"},
    };
    for (size_t i = 0; i < LM_ARRAY_LEN(rows); i++) {
        char error[OPTIONS_ERROR_BYTES] = "";
        struct options o;
        assert_int_equal(parse(&o, rows[i].words, error), LM_EINVAL);
        if (!strstr(error, rows[i].told))
            fail_msg("\"%s\" does not tell \"%s\"", error, rows[i].told);
    }
}

static void help_names_each_option(void **state)
{
    static const char *const names[] = {"--loss ", "--trace ", "--queue ", "--pace ",  "--seed ",
                                        "--json ", "--svg ",   "--no-cpu", "--frames "};
    char text[16384];
    assert_true(options_help(text, sizeof text) > 0);
    for (size_t i = 0; i < LM_ARRAY_LEN(names); i++)
        assert_non_null(strstr(text, names[i]));
    for (const char *line = text; line; line = strchr(line + 1, '\n'))
        assert_true(strcspn(line + 1, "\n") <= 100);
    assert_int_equal(options_help(text, 100), LM_ELIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_set),           cmocka_unit_test(values_are_read),
        cmocka_unit_test(frame_size_has_three_forms), cmocka_unit_test(wrong_arguments_are_told),
        cmocka_unit_test(help_names_each_option),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
