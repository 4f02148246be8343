#include "core/wire/l1_input.h"

#include "core/base/check.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct lm_l1_pointer somewhere = {.counter = 7,
                                               .moved_x = 0xfffffffd,
                                               .moved_y = 3,
                                               .scrolled_x = 0,
                                               .scrolled_y = 0xffffff88,
                                               .x = 65535,
                                               .y = 1,
                                               .placed = 2};

static const struct lm_l1_edge key = {
    .kind = LM_L1_EDGE_KEY, .down = 1, .code = 30, .before = {.counter = 6}};
static const struct lm_l1_edge text = {
    .kind = LM_L1_EDGE_TEXT, .text_bytes = 3, .text = "\xe2\x82\xac"};

static struct lm_writer begin(uint8_t *payload, size_t room)
{
    struct lm_writer w = lm_writer_of(payload, room);
    lm_l1_input_begin(&w, &(struct lm_l1_input){.first = 0x01020304, .pointer = somewhere});
    return w;
}

static void what_is_written_is_read(void **state)
{
    uint8_t payload[LM_L1_INPUT_MAX_BYTES];
    struct lm_writer w = begin(payload, sizeof payload);
    struct lm_l1_input in;
    struct lm_l1_edge edge;
    assert_int_equal(lm_writer_size(&w), LM_L1_INPUT_HEAD_BYTES);
    assert_int_equal(lm_l1_parse_input(payload, lm_writer_size(&w), &in), 0);
    assert_int_equal(in.edges, 0);
    assert_false(lm_l1_input_next(&in, &edge));
    assert_true(lm_l1_input_add(&w, payload, &key));
    assert_true(lm_l1_input_add(&w, payload, &text));
    assert_int_equal(lm_l1_parse_input(payload, lm_writer_size(&w), &in), 0);
    assert_int_equal(in.first, 0x01020304);
    assert_int_equal(in.edges, 2);
    assert_memory_equal(&in.pointer, &somewhere, sizeof somewhere);
    assert_true(lm_l1_input_next(&in, &edge));
    assert_memory_equal(&edge, &key, sizeof key);
    assert_true(lm_l1_input_next(&in, &edge));
    assert_memory_equal(&edge, &text, sizeof text);
    assert_false(lm_l1_input_next(&in, &edge));
}

static void cut_or_longer_input_is_refused(void **state)
{
    uint8_t payload[LM_L1_INPUT_MAX_BYTES + 1] = {0};
    struct lm_writer w = begin(payload, sizeof payload);
    struct lm_l1_input in;
    assert_true(lm_l1_input_add(&w, payload, &key));
    assert_true(lm_l1_input_add(&w, payload, &text));
    size_t size = lm_writer_size(&w);
    for (size_t cut = 0; cut <= sizeof payload; cut++)
        assert_int_equal(lm_l1_parse_input(payload, cut, &in), cut == size ? 0 : LM_EPROTO);
}

static void a_payload_holds_32_edges_or_1200_bytes(void **state)
{
    uint8_t payload[2 * LM_L1_INPUT_MAX_BYTES];
    struct lm_l1_edge long_text = {.kind = LM_L1_EDGE_TEXT, .text_bytes = 31};
    const struct lm_l1_edge *edges[] = {&key, &text, &long_text};
    memset(long_text.text, 'x', 31);
    for (size_t i = 0; i < LM_ARRAY_LEN(edges); i++) {
        struct lm_writer w = begin(payload, sizeof payload);
        struct lm_l1_input in;
        unsigned count = 0;
        while (lm_l1_input_add(&w, payload, edges[i]))
            count++;
        size_t each = 32u + edges[i]->text_bytes;
        size_t fits = (LM_L1_INPUT_MAX_BYTES - LM_L1_INPUT_HEAD_BYTES) / each;
        assert_int_equal(count, LM_MIN(fits, (size_t)LM_L1_INPUT_MAX_EDGES));
        assert_int_equal(lm_l1_parse_input(payload, lm_writer_size(&w), &in), 0);
        assert_int_equal(in.edges, count);
    }
    struct lm_writer small = begin(payload, LM_L1_INPUT_HEAD_BYTES + 31);
    assert_false(lm_l1_input_add(&small, payload, &key));
    assert_false(small.bad);
}

static void only_sound_edges_are_valid(void **state)
{
    static const struct {
        struct lm_l1_edge edge;
        bool valid;
    } cases[] = {
        {{.kind = LM_L1_EDGE_KEY, .code = 1}, true},
        {{.kind = LM_L1_EDGE_KEY, .code = 767, .down = 1}, true},
        {{.kind = LM_L1_EDGE_KEY, .code = 0}, false},
        {{.kind = LM_L1_EDGE_KEY, .code = 768}, false},
        {{.kind = LM_L1_EDGE_KEY, .code = 1, .down = 2}, false},
        {{.kind = LM_L1_EDGE_BUTTON, .code = 32}, true},
        {{.kind = LM_L1_EDGE_BUTTON, .code = 33}, false},
        {{.kind = LM_L1_EDGE_BUTTON, .code = 0}, false},
        {{.kind = 0, .code = 1}, false},
        {{.kind = 4, .code = 1}, false},
        {{.kind = LM_L1_EDGE_TEXT, .text_bytes = 0}, false},
        {{.kind = LM_L1_EDGE_TEXT, .text_bytes = 1, .text = "a"}, true},
        {{.kind = LM_L1_EDGE_TEXT, .text_bytes = 1, .text = ""}, false},
        {{.kind = LM_L1_EDGE_TEXT, .text_bytes = 2, .text = "a"}, false},
        {{.kind = LM_L1_EDGE_TEXT, .text_bytes = 1, .text = "a", .down = 1}, false},
        {{.kind = LM_L1_EDGE_TEXT, .text_bytes = 2, .text = "\xc3\xa4"}, true},
        {{.kind = LM_L1_EDGE_TEXT, .text_bytes = 1, .text = "\xc3"}, false},
        {{.kind = LM_L1_EDGE_TEXT, .text_bytes = 1, .text = "\xa4"}, false},
        {{.kind = LM_L1_EDGE_TEXT, .text_bytes = 2, .text = "\xc1\xbf"}, false},
        {{.kind = LM_L1_EDGE_TEXT, .text_bytes = 3, .text = "\xed\xa0\x80"}, false},
        {{.kind = LM_L1_EDGE_TEXT, .text_bytes = 4, .text = "\xf0\x9f\x98\x80"}, true},
        {{.kind = LM_L1_EDGE_TEXT, .text_bytes = 4, .text = "\xf4\x90\x80\x80"}, false},
        {{.kind = LM_L1_EDGE_TEXT, .text_bytes = 4, .text = "\xf8\x88\x80\x80"}, false},
        {{.kind = LM_L1_EDGE_TEXT, .text_bytes = 2, .text = "\xc3x"}, false},
    };
    for (size_t i = 0; i < LM_ARRAY_LEN(cases); i++)
        assert_int_equal(lm_l1_edge_is_valid(&cases[i].edge), cases[i].valid);
}

static void unsound_bytes_are_refused(void **state)
{
    uint8_t payload[LM_L1_INPUT_MAX_BYTES];
    static const struct {
        size_t at;
        uint8_t value;
    } cases[] = {
        {5, 2},  /* more edges than there are */
        {5, 0},  /* fewer */
        {4, 1},  /* more than any datagram has */
        {6, 1},  /* reserved */
        {35, 1}, /* reserved, of the pointer */
        {36, 0}, /* kind */
        {37, 2}, /* neither down nor up */
        {38, 3}, /* code 768 + 30 */
        {67, 1}, /* reserved, of the edge's pointer */
    };
    for (size_t i = 0; i < LM_ARRAY_LEN(cases); i++) {
        struct lm_writer w = begin(payload, sizeof payload);
        struct lm_l1_input in;
        assert_true(lm_l1_input_add(&w, payload, &key));
        assert_int_equal(lm_l1_parse_input(payload, lm_writer_size(&w), &in), 0);
        payload[cases[i].at] = cases[i].value;
        assert_int_equal(lm_l1_parse_input(payload, lm_writer_size(&w), &in), LM_EPROTO);
    }
}

static void acknowledgements_are_eight_bytes(void **state)
{
    uint8_t bytes[LM_L1_INPUT_ACK_BYTES + 1] = {0};
    struct lm_l1_input_ack ack = {0xfffffffe, 0x10203};
    struct lm_l1_input_ack read;
    lm_l1_write_input_ack(bytes, &ack);
    for (size_t size = 0; size <= sizeof bytes; size++)
        assert_int_equal(lm_l1_parse_input_ack(bytes, size, &read),
                         size == LM_L1_INPUT_ACK_BYTES ? 0 : LM_EPROTO);
    assert_int_equal(lm_l1_parse_input_ack(bytes, LM_L1_INPUT_ACK_BYTES, &read), 0);
    assert_memory_equal(&ack, &read, sizeof ack);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(cut_or_longer_input_is_refused),
        cmocka_unit_test(a_payload_holds_32_edges_or_1200_bytes),
        cmocka_unit_test(only_sound_edges_are_valid),
        cmocka_unit_test(unsound_bytes_are_refused),
        cmocka_unit_test(acknowledgements_are_eight_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
