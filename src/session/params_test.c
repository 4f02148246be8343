#include "session/params.h"

#include "core/wire/gs_test.h"

static void names_ignore_case_and_order(void **state) /* gs-session 21 */
{
    static const char *const queries[] = {"appid=7&mode=x&rikey=00ff", "RIKEY=00FF&Mode=x&APPID=7",
                                          "a&&b=&mode=x&rikey=00Ff&appid=7",
                                          "appid=7&appid=8&mode=x&rikey=00ff"};
    for (size_t i = 0; i < LM_ARRAY_LEN(queries); i++) {
        struct params p = params_of_query(queries[i]);
        int64_t app_id;
        uint8_t key[2];
        char mode[8];
        assert_int_equal(params_number(&p, "appid", 0, 100, &app_id), LM_OK);
        assert_int_equal(app_id, 7);
        assert_int_equal(params_text(&p, "mode", mode, sizeof mode), 1);
        assert_int_equal(params_hex(&p, "rikey", key, 2), LM_OK);
        assert_int_equal(key[1], 0xff);
        assert_false(params_has(&p, "app"));
    }
}

static void text_is_decoded_and_bounded(void **state)
{
    static const struct {
        const char *query;
        int result;
        const char *text;
    } cases[] = {
        {"x=a%20b", 3, "a b"},
        {"x=%c3%A9", 2, "\xc3\xa9"},
        {"x=", 0, ""},
        {"x", 0, ""},
        {"y=1", LM_ENOENT, ""},
        {"x=%", LM_EPROTO, ""},
        {"x=%4", LM_EPROTO, ""},
        {"x=%zz", LM_EPROTO, ""},
        {"x=%00", LM_EPROTO, ""},
        {"x=a%0ab", LM_EPROTO, ""},
        {"x=1234567", 7, "1234567"},
        {"x=12345678", LM_ELIMIT, ""},
        {"x=a+b=c", 5, "a+b=c"},
    };
    for (size_t i = 0; i < LM_ARRAY_LEN(cases); i++) {
        struct params p = params_of_query(cases[i].query);
        char text[8];
        assert_int_equal(params_text(&p, "x", text, sizeof text), cases[i].result);
        assert_string_equal(text, cases[i].text);
    }
}

static void numbers_are_strict(void **state)
{
    static const struct {
        const char *query;
        int result;
        int64_t number;
    } cases[] = {
        {"x=0", LM_OK, 0},
        {"x=-5", LM_OK, -5},
        {"x=100", LM_OK, 100},
        {"x=+7", LM_OK, 7},
        {"x=101", LM_EPROTO, 0},
        {"x=-6", LM_EPROTO, 0},
        {"x=", LM_EPROTO, 0},
        {"x=-", LM_EPROTO, 0},
        {"x=1 ", LM_EPROTO, 0},
        {"x=0x10", LM_EPROTO, 0},
        {"x=1e1", LM_EPROTO, 0},
        {"y=1", LM_ENOENT, 0},
        {"x=99999999999999999999999999", LM_EPROTO, 0},
        {"x=--5", LM_EPROTO, 0},
    };
    for (size_t i = 0; i < LM_ARRAY_LEN(cases); i++) {
        struct params p = params_of_query(cases[i].query);
        int64_t number = 0;
        assert_int_equal(params_number(&p, "x", -5, 100, &number), cases[i].result);
        assert_int_equal(number, cases[i].number);
    }
}

static void hex_has_exact_length(void **state)
{
    static const struct {
        const char *query;
        int exact, any;
    } cases[] = {
        {"x=0011", LM_OK, 2},
        {"x=00AaFf", LM_EPROTO, 3},
        {"x=001", LM_EPROTO, LM_EPROTO},
        {"x=00g1", LM_EPROTO, LM_EPROTO},
        {"x=", LM_EPROTO, LM_EPROTO},
        {"x=0011223344", LM_EPROTO, LM_ELIMIT},
    };
    for (size_t i = 0; i < LM_ARRAY_LEN(cases); i++) {
        struct params p = params_of_query(cases[i].query);
        uint8_t bytes[4];
        assert_int_equal(params_hex(&p, "x", bytes, 2), cases[i].exact);
        assert_int_equal(params_hex_upto(&p, "x", bytes, sizeof bytes), cases[i].any);
    }
}

static void query_starts_after_the_question_mark(void **state)
{
    struct params with = params_of_target("/launch?a=1?2"), without = params_of_target("/launch");
    char text[8];
    assert_int_equal(params_text(&with, "a", text, sizeof text), 3);
    assert_int_equal(without.size_bytes, 0);
    assert_false(params_has(&without, "a"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_ignore_case_and_order),
        cmocka_unit_test(text_is_decoded_and_bounded),
        cmocka_unit_test(numbers_are_strict),
        cmocka_unit_test(hex_has_exact_length),
        cmocka_unit_test(query_starts_after_the_question_mark),
    };
    return cmocka_run_group_tests_name("params", tests, NULL, NULL);
}
