#include "client/script.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

enum { MAX_SENT = 64 };

static struct lm_gs_input_event sent[MAX_SENT];
static size_t sent_count;

static void keep(void *user, const struct lm_gs_input_event *event)
{
    assert_in_range(sent_count, 0, MAX_SENT - 1);
    sent[sent_count++] = *event;
}

static void steps_are_played_in_order_of_frames(void **state)
{
    static const char source[] = "# start\n"
                                 "wait-frames 30\n"
                                 "key A\r\n"
                                 "\n"
                                 "  text h\xC3\xA9llo w\n"
                                 "wait-frames 2\n"
                                 "move 100 200\n"
                                 "button left\n"
                                 "wait-frames 0\n"
                                 "rel -5 6\n"
                                 "scroll -120\n"
                                 "hscroll 60\n"
                                 "keydown CTRL\n"
                                 "quit\n"
                                 "key B";
    char error[SCRIPT_ERROR_BYTES];
    struct script script;
    struct grab grab;
    sent_count = 0;
    grab_init(&grab, 1280, 720, keep, NULL);
    assert_int_equal(script_parse(&script, source, error), 0);

    assert_false(script_run(&script, &grab, 5)); /* waits for 35 from here on */
    assert_false(script_run(&script, &grab, 34));
    assert_int_equal(sent_count, 0);
    assert_false(script_run(&script, &grab, 35));
    assert_int_equal(sent_count, 2 + 7);
    assert_false(script_run(&script, &grab, 36));
    assert_int_equal(sent_count, 9);
    assert_true(script_run(&script, &grab, 40));
    static const enum lm_gs_input_kind kinds[] = {
        LM_GS_INPUT_MOUSE_PLACE, LM_GS_INPUT_MOUSE_BUTTON, LM_GS_INPUT_MOUSE_BUTTON,
        LM_GS_INPUT_MOUSE_MOVE,  LM_GS_INPUT_SCROLL,       LM_GS_INPUT_HSCROLL,
        LM_GS_INPUT_KEY};
    assert_int_equal(sent_count, 9 + 7);
    for (size_t i = 0; i < 7; i++)
        assert_int_equal(sent[9 + i].kind, kinds[i]);
    assert_int_equal(sent[9].place.x, 100);
    assert_int_equal(sent[12].move.dx, -5);
    assert_int_equal(sent[13].scroll.amount, -120);
    assert_int_equal(sent[14].scroll.amount, 60);
    script_finish(&script);
}

static void wrong_lines_are_named(void **state)
{
    static const char *const bad[] = {
        "sleep 5",   "key",  "key NOSUCH", "move 1",      "move -1 2",
        "button up", "text", "quit now",   "scroll many", "wait-frames 1 2"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char source[128] = "key A\n", error[SCRIPT_ERROR_BYTES] = "";
        struct script script;
        strcat(source, bad[i]);
        assert_int_equal(script_parse(&script, source, error), LM_EPROTO);
        assert_non_null(strstr(error, "line 2"));
        assert_null(script.steps);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_are_played_in_order_of_frames),
        cmocka_unit_test(wrong_lines_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
