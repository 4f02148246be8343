#include "trace.h"

#include "core/base/check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

static int read_text(struct trace *out, const char *text, char *error)
{
    FILE *file = fmemopen((void *)(uintptr_t)text, strlen(text), "r");
    assert_non_null(file);
    int rc = trace_read(out, file, "wlan.trace", error);
    fclose(file);
    return rc;
}

static void good_text_is_read(void **state)
{
    static const struct {
        const char *text;
        uint64_t packets, lost, bursts;
        size_t runs;
    } rows[] = {
        {"+ 120\n- 3\n", 123, 3, 1, 2},
        {"+\n+\n-\n+\n", 4, 1, 1, 3},
        {"# wlan, 12 m\n\n  + 7 # quiet\n-2\n\t-  1\r\n+", 11, 3, 1, 3},
        {"- 1000000000\n- 1000000000\n", 2000000000, 2000000000, 1, 2},
    };
    for (size_t i = 0; i < LM_ARRAY_LEN(rows); i++) {
        char error[TRACE_ERROR_BYTES];
        struct trace trace;
        assert_int_equal(read_text(&trace, rows[i].text, error), 0);
        assert_int_equal(trace.packets, rows[i].packets);
        assert_int_equal(trace.lost, rows[i].lost);
        assert_int_equal(trace.bursts, rows[i].bursts);
        assert_int_equal(trace.count, rows[i].runs);
        trace_finish(&trace);
    }
}

static void bad_text_is_named_by_line(void **state)
{
    static const struct {
        const char *text, *told;
    } rows[] = {
        {"#nothing\n", "wlan.trace: no run"},
        {"+ 1\nx 3\n", "wlan.trace:2: \"x 3\""},
        {"+ 0\n", "wlan.trace:1: \"+ 0\""},
        {"+ -3\n", "wlan.trace:1: \"+ -3\""},
        {"+ 3 4\n", "wlan.trace:1: \"+ 3 4\""},
        {"+ 1.5\n", "wlan.trace:1:"},
        {"-\n\n\n+ 1000000001\n", "wlan.trace:4:"},
        {"+ 99999999999999999999999\n", "wlan.trace:1:"},
        {"+\n\xff\x01\n", "wlan.trace:2: \"??\""},
    };
    for (size_t i = 0; i < LM_ARRAY_LEN(rows); i++) {
        char error[TRACE_ERROR_BYTES];
        struct trace trace;
        assert_int_equal(read_text(&trace, rows[i].text, error), LM_EINVAL);
        assert_null(trace.runs);
        if (!strstr(error, rows[i].told))
            fail_msg("\"%s\" does not tell \"%s\"", error, rows[i].told);
    }
}

static void long_line_is_refused(void **state)
{
    char text[1000], error[TRACE_ERROR_BYTES];
    struct trace trace;
    memset(text, ' ', sizeof text);
    memcpy(text, "+\n-", 3);
    text[sizeof text - 1] = 0;
    assert_int_equal(read_text(&trace, text, error), LM_EINVAL);
    assert_non_null(strstr(error, "wlan.trace:2: a line longer"));
}

static void missing_file_is_told(void **state)
{
    char error[TRACE_ERROR_BYTES];
    struct trace trace;
    assert_int_equal(trace_load(&trace, "/nowhere/x.trace", error), LM_EIO);
    assert_non_null(strstr(error, "/nowhere/x.trace: No such file"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_text_is_read),
        cmocka_unit_test(bad_text_is_named_by_line),
        cmocka_unit_test(long_line_is_refused),
        cmocka_unit_test(missing_file_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
