/* What every input promises, on the recording fake always and on wlr-virtual where a compositor
 * can be started: there a full-screen window tells what programs see. */
#include "core/base/check.h"
#include "core/transport/clock.h"
#include "desktop.h"
#include "host/input/input.h"
#include "host/input/record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <inttypes.h>
#include <jansson.h>
#include <linux/input-event-codes.h>
#include <math.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WIDTH = 1280, HEIGHT = 720, TIMEOUT_MS = 3000 };

/* One event as a program sees it. */
struct seen {
    char what[16]; /* "key", "button", "motion", "axis", "mods", "keymap", "focus" */
    uint32_t code; /* of key and button; 'v' or 'h' of axis */
    bool down;
    double x, y, value;
    int source, steps; /* of axis; source -1: not told */
    uint32_t mods[3];
    char sym[64], text[16]; /* of key */
};

struct subject {
    const char *backend;
    bool real; /* a compositor is behind it */
    struct desktop desktop;
    struct input *input;
    uint32_t recorded; /* events of the record that have been looked at */
    double x, y;       /* where the record's pointer is */
    char buffer[8192];
    size_t filled;
};

static struct subject subject;

/* --- what was seen --------------------------------------------------------------------- */

static bool parse(const char *line, struct seen *seen)
{
    char a[16] = "", b[16] = "", c[64] = "", d[16] = "";
    *seen = (struct seen){.source = -1};
    int n = sscanf(line, "%*u %15s %15s %15s %63s %15s", seen->what, a, b, c, d);
    seen->code = (uint32_t)strtoul(a, NULL, 10);
    seen->down = !strcmp(b, "down");
    if (!strcmp(seen->what, "key")) {
        memcpy(seen->sym, c, sizeof seen->sym);
        memcpy(seen->text, d, sizeof seen->text);
    } else if (!strcmp(seen->what, "button")) {
        seen->x = atof(c);
        seen->y = atof(d);
    } else if (!strcmp(seen->what, "motion")) {
        seen->x = atof(a);
        seen->y = atof(b);
    } else if (!strcmp(seen->what, "axis")) {
        seen->code = (uint32_t)a[0];
        seen->value = atof(b);
        seen->source = strcmp(c, "-") ? atoi(c) : -1;
        seen->steps = atoi(d);
    } else if (!strcmp(seen->what, "mods")) {
        seen->mods[0] = (uint32_t)strtoul(a, NULL, 16);
        seen->mods[1] = (uint32_t)strtoul(b, NULL, 16);
        seen->mods[2] = (uint32_t)strtoul(c, NULL, 16);
    }
    return n >= 1;
}

/* The next line of the window; false when none comes. */
static bool next_line(char *line, size_t size_bytes)
{
    struct subject *s = &subject;
    int fd = fileno(s->desktop.from_program);
    for (;;) {
        char *end = memchr(s->buffer, '\n', s->filled);
        if (end) {
            size_t length = (size_t)(end - s->buffer);
            snprintf(line, size_bytes, "%.*s", (int)length, s->buffer);
            s->filled -= length + 1;
            memmove(s->buffer, end + 1, s->filled);
            return true;
        }
        struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
        if (poll(&poll_fd, 1, TIMEOUT_MS) != 1)
            return false;
        ssize_t n = read(fd, s->buffer + s->filled, sizeof s->buffer - s->filled);
        if (n <= 0)
            return false;
        s->filled += (size_t)n;
    }
}

static bool next_record(struct seen *seen)
{
    uint32_t count;
    const struct record_event *events = record_events(subject.input, &count);
    if (subject.recorded >= count)
        return false;
    const struct record_event *e = &events[subject.recorded++];
    *seen = (struct seen){.code = e->code, .down = e->down, .source = -1};
    static const char *const names[] = {
        [RECORD_KEY] = "key",        [RECORD_TEXT] = "text",     [RECORD_MOVE] = "motion",
        [RECORD_MOVE_TO] = "motion", [RECORD_BUTTON] = "button", [RECORD_SCROLL] = "axis",
        [RECORD_FLUSH] = "flush"};
    snprintf(seen->what, sizeof seen->what, "%s", names[e->kind]);
    if (e->kind == RECORD_MOVE_TO)
        subject.x = subject.y = 0;
    if (e->kind == RECORD_MOVE_TO || e->kind == RECORD_MOVE) {
        subject.x += e->x;
        subject.y += e->y;
    }
    if (e->kind == RECORD_SCROLL) {
        bool vertical = e->code == INPUT_AXIS_VERTICAL;
        int amount = vertical ? -e->x : e->x;
        seen->code = vertical ? 'v' : 'h';
        seen->value = amount / 8.0;
        seen->steps = amount % 120 ? 0 : amount / 120;
    }
    seen->x = subject.x;
    seen->y = subject.y;
    return true;
}

/* The next event of a kind; others are passed over. */
static struct seen expect(const char *what)
{
    struct seen seen;
    char line[256];
    for (;;) {
        bool got =
            subject.real ? next_line(line, sizeof line) && parse(line, &seen) : next_record(&seen);
        if (!got)
            fail_msg("no %s arrives", what);
        if (!strcmp(seen.what, what))
            return seen;
    }
}

static void flush(void)
{
    assert_int_equal(input_flush(subject.input), LM_OK);
}

static void expect_key(uint32_t code, bool down)
{
    struct seen seen = expect("key");
    assert_int_equal(seen.code, code);
    assert_int_equal(seen.down, down);
}

static struct seen tap(uint32_t code)
{
    input_key(subject.input, code, true);
    input_key(subject.input, code, false);
    flush();
    struct seen seen = expect("key");
    assert_int_equal(seen.code, code);
    assert_true(seen.down);
    expect_key(code, false);
    return seen;
}

/* --- life ------------------------------------------------------------------------------ */

static int open_with(const char *layout)
{
    const struct input_params params = {.backend = subject.backend,
                                        .wayland_socket = subject.desktop.socket,
                                        .output_name = DESKTOP_OUTPUT,
                                        .width = WIDTH,
                                        .height = HEIGHT,
                                        .keyboard_layout = layout};
    subject.recorded = 0;
    subject.filled = 0;
    if (input_open(&params, &subject.input) < 0)
        return -1;
    if (!subject.real)
        return 0;
    const char *const argv[] = {PAINTED_CLOCK, "--interval-ms", "1000", "--log-events", "-", NULL};
    if (!desktop_run(&subject.desktop, argv))
        return -1;
    expect("keymap");
    expect("focus");
    return 0;
}

static int open_us(void **state)
{
    return open_with(NULL);
}

static int open_german(void **state)
{
    return open_with("de(nodeadkeys)");
}

static int close_all(void **state)
{
    input_close(subject.input);
    subject.input = NULL;
    if (subject.real)
        desktop_end_program(&subject.desktop);
    return 0;
}

/* --- the contract ---------------------------------------------------------------------- */

static void every_mapped_key_arrives_with_its_code(void **state)
{
    json_t *root = json_load_file(LUMEN_VECTORS "/vk-to-evdev.json", 0, NULL);
    const json_t *map = json_object_get(root, "map");
    assert_true(json_array_size(map) > 100);
    for (size_t i = 0; i < json_array_size(map); i++) {
        const json_t *code = json_object_get(json_array_get(map, i), "evdev_code");
        tap((uint32_t)json_integer_value(code));
    }
    json_decref(root);
}

static void a_click_lands_on_the_pixel_aimed_at(void **state)
{
    unsigned seed = 20240229;
    print_message("seed %u\n", seed);
    srand(seed);
    for (int i = 0; i < 60; i++) {
        int corner = i < 4 ? i : -1;
        int x = corner >= 0 ? corner % 2 * (WIDTH - 1) : rand() % WIDTH;
        int y = corner >= 0 ? corner / 2 * (HEIGHT - 1) : rand() % HEIGHT;
        input_move_to(subject.input, (float)x / (WIDTH - 1), (float)y / (HEIGHT - 1));
        input_button(subject.input, BTN_LEFT, true);
        input_button(subject.input, BTN_LEFT, false);
        flush();
        for (int down = 1; down >= 0; down--) {
            struct seen seen = expect("button");
            assert_int_equal(seen.code, BTN_LEFT);
            assert_int_equal(seen.down, down);
            assert_true(seen.x == x && seen.y == y);
        }
    }
}

static void every_button_arrives(void **state)
{
    static const uint32_t codes[] = {BTN_LEFT, BTN_RIGHT, BTN_MIDDLE, BTN_SIDE, BTN_EXTRA};
    input_move_to(subject.input, 0.5f, 0.5f);
    for (size_t i = 0; i < LM_ARRAY_LEN(codes); i++) {
        input_button(subject.input, codes[i], true);
        input_button(subject.input, codes[i], false);
        flush();
        assert_int_equal(expect("button").code, codes[i]);
        assert_false(expect("button").down);
    }
}

static void relative_motion_counts_pixels(void **state)
{
    static const int steps[][2] = {{1, 0}, {0, 1}, {-7, 5}, {100, -80}, {-1, -1}};
    double x = 640, y = 360;
    input_move_to(subject.input, 640.0f / (WIDTH - 1), 360.0f / (HEIGHT - 1));
    flush();
    expect("motion");
    for (size_t i = 0; i < LM_ARRAY_LEN(steps); i++) {
        input_move(subject.input, steps[i][0], steps[i][1]);
        flush();
        x += steps[i][0];
        y += steps[i][1];
        struct seen seen = expect("motion");
        assert_true(seen.x == x && seen.y == y);
    }
}

static void scrolling_keeps_its_amount(void **state) /* gs-media 75 */
{
    static const struct {
        enum input_axis axis;
        int32_t amount;
        uint32_t code;
        double value;
        int steps;
    } cases[] = {
        {INPUT_AXIS_VERTICAL, 120, 'v', -15, -1},   {INPUT_AXIS_VERTICAL, -240, 'v', 30, 2},
        {INPUT_AXIS_HORIZONTAL, 120, 'h', 15, 1},   {INPUT_AXIS_HORIZONTAL, -360, 'h', -45, -3},
        {INPUT_AXIS_VERTICAL, 30, 'v', -3.75, 0},   {INPUT_AXIS_VERTICAL, -1, 'v', 0.125, 0},
        {INPUT_AXIS_HORIZONTAL, 17, 'h', 2.125, 0}, {INPUT_AXIS_VERTICAL, 150, 'v', -18.75, 0},
        {INPUT_AXIS_VERTICAL, 120, 'v', -15, -1},
    };
    input_move_to(subject.input, 0.5f, 0.5f);
    for (size_t i = 0; i < LM_ARRAY_LEN(cases); i++) {
        input_scroll(subject.input, cases[i].axis, cases[i].amount);
        flush();
        struct seen seen = expect("axis");
        assert_int_equal(seen.code, cases[i].code);
        assert_true(fabs(seen.value - cases[i].value) <= 0.0006);
        assert_int_equal(seen.steps, cases[i].steps);
        if (subject.real)
            assert_int_equal(seen.source, cases[i].steps ? 0 : 2);
    }
}

static void release_all_lets_go_of_everything(void **state) /* gs-media 81 */
{
    static const uint32_t keys[] = {KEY_A, KEY_LEFTSHIFT, KEY_LEFTCTRL};
    input_move_to(subject.input, 0.5f, 0.5f);
    input_button(subject.input, BTN_LEFT, true);
    flush();
    assert_true(expect("button").down);
    for (size_t i = 0; i < LM_ARRAY_LEN(keys); i++) {
        input_key(subject.input, keys[i], true);
        flush();
        expect_key(keys[i], true);
    }
    input_release_all(subject.input);
    flush();
    struct seen seen = expect("button");
    assert_true(seen.code == BTN_LEFT && !seen.down);
    uint32_t released = 0;
    for (size_t i = 0; i < LM_ARRAY_LEN(keys); i++) {
        seen = expect("key");
        assert_false(seen.down);
        released += seen.code;
    }
    assert_int_equal(released, KEY_A + KEY_LEFTSHIFT + KEY_LEFTCTRL);
    seen = tap(KEY_A);
    if (subject.real)
        assert_string_equal(seen.text, "a");
}

static void closing_releases_too(void **state) /* gs-media 81 */
{
    if (!subject.real)
        skip();
    /* Another input keeps the seat's keyboard, as a second session's would. */
    struct input *first = subject.input;
    const struct input_params params = {.backend = subject.backend,
                                        .wayland_socket = subject.desktop.socket,
                                        .output_name = DESKTOP_OUTPUT,
                                        .width = WIDTH,
                                        .height = HEIGHT};
    assert_int_equal(input_open(&params, &subject.input), LM_OK);
    input_key(first, KEY_A, true);
    assert_int_equal(input_flush(first), LM_OK);
    expect_key(KEY_A, true);
    input_close(first);
    expect_key(KEY_A, false);
}

/* --- keymap, modifiers, text: what only a compositor can show -------------------------- */

static void expect_sym(uint32_t code, const char *sym)
{
    assert_string_equal(tap(code).sym, sym);
}

static void modifiers_follow_the_keys(void **state)
{
    if (!subject.real)
        skip();
    struct input *in = subject.input;
    expect_sym(KEY_A, "a");
    input_key(in, KEY_LEFTSHIFT, true);
    flush();
    expect_key(KEY_LEFTSHIFT, true);
    expect_sym(KEY_A, "A");
    expect_sym(KEY_1, "exclam");
    input_key(in, KEY_RIGHTSHIFT, true);
    input_key(in, KEY_LEFTSHIFT, false);
    flush();
    expect_key(KEY_RIGHTSHIFT, true);
    expect_key(KEY_LEFTSHIFT, false);
    expect_sym(KEY_A, "A");
    input_key(in, KEY_RIGHTSHIFT, false);
    flush();
    expect_key(KEY_RIGHTSHIFT, false);
    expect_sym(KEY_A, "a");
    tap(KEY_CAPSLOCK);
    expect_sym(KEY_A, "A");
    tap(KEY_CAPSLOCK);
    expect_sym(KEY_A, "a");
    input_key(in, KEY_LEFTCTRL, true);
    input_key(in, KEY_LEFTALT, true);
    flush();
    uint32_t depressed = 0;
    while (depressed != 0xC) /* Control 4, Mod1 8 */
        depressed = expect("mods").mods[0];
}

static void the_layout_is_the_one_asked_for(void **state)
{
    if (!subject.real)
        skip();
    expect_sym(KEY_Y, "z");
    expect_sym(KEY_MINUS, "ssharp");
    expect_sym(KEY_GRAVE, "asciicircum");
    input_key(subject.input, KEY_RIGHTALT, true);
    flush();
    expect("key");
    expect_sym(KEY_Q, "at");
    expect_sym(KEY_E, "EuroSign");
    input_key(subject.input, KEY_RIGHTALT, false);
    flush();
    expect("key");
    expect_sym(KEY_Q, "q");
}

/* Types `text` and reads it back from what the keys stand for. */
static void type(const uint32_t *text, size_t length, const char *const *arrives)
{
    for (size_t i = 0; i < length; i++) {
        input_text(subject.input, text[i]);
        flush();
        struct seen seen = expect("key");
        assert_true(seen.down);
        assert_string_equal(seen.text[0] ? seen.text : seen.sym, arrives[i]);
        assert_false(expect("key").down);
    }
}

static const uint32_t sample[] = {'G', 'r',     0xFC, 0xDF, 'e', ' ', 0x20AC, ' ', 0x6F22,
                                  ' ', 0x1F600, '\n', '\t', '^', '{', '~',    '"'};
static const char *const sample_arrives[] = {"G",   "r",     "ü",  "ß",     "e", "space",
                                             "€",   "space", "漢", "space", "😀", "Return",
                                             "Tab", "^",     "{",  "~",     "\""};

static void any_text_arrives(void **state) /* gs-media 84 */
{
    if (!subject.real)
        skip();
    type(sample, LM_ARRAY_LEN(sample), sample_arrives);
    expect_sym(KEY_A, "a");
    type(sample, LM_ARRAY_LEN(sample), sample_arrives);
    assert_int_equal(tap(KEY_LEFTBRACE).code, KEY_LEFTBRACE);
}

static void text_arrives_under_held_and_locked_modifiers(void **state)
{
    if (!subject.real)
        skip();
    tap(KEY_CAPSLOCK);
    type(sample, LM_ARRAY_LEN(sample), sample_arrives);
    tap(KEY_CAPSLOCK);
    input_key(subject.input, KEY_LEFTSHIFT, true);
    input_key(subject.input, KEY_R, true);
    flush();
    expect_key(KEY_LEFTSHIFT, true);
    expect_key(KEY_R, true);
    type(sample, LM_ARRAY_LEN(sample), sample_arrives);
    expect_sym(KEY_A, "A");
    input_release_all(subject.input);
    flush();
    expect("key");
    expect("key");
    expect_sym(KEY_A, "a");
}

static void more_characters_than_one_keymap_holds_arrive(void **state)
{
    if (!subject.real)
        skip();
    for (uint32_t code_point = 0x4E00; code_point < 0x4E00 + 120; code_point++) {
        const char utf8[] = {(char)(0xE0 | code_point >> 12),
                             (char)(0x80 | (code_point >> 6 & 0x3F)),
                             (char)(0x80 | (code_point & 0x3F)), 0};
        const char *arrives = utf8;
        type(&code_point, 1, &arrives);
    }
    expect_sym(KEY_Z, "z");
}

static void a_dead_compositor_is_a_lost_device(void **state)
{
    if (!subject.real)
        skip();
    input_key(subject.input, KEY_A, true);
    flush();
    expect_key(KEY_A, true);
    desktop_kill(&subject.desktop);
    struct pollfd fd = {.fd = subject.input->fd, .events = POLLIN};
    assert_int_equal(poll(&fd, 1, TIMEOUT_MS), 1);
    assert_int_equal(input_flush(subject.input), LM_EDEVICE);
    input_text(subject.input, 0x20AC);
    input_move_to(subject.input, 0.5f, 0.5f);
    assert_int_equal(input_flush(subject.input), LM_EDEVICE);
}

#define US(test)     cmocka_unit_test_setup_teardown(test, open_us, close_all)
#define GERMAN(test) cmocka_unit_test_setup_teardown(test, open_german, close_all)

static int run(const char *name)
{
    subject.backend = name;
    print_message("backend %s\n", name);
    const struct CMUnitTest tests[] = {
        US(every_mapped_key_arrives_with_its_code),
        US(a_click_lands_on_the_pixel_aimed_at),
        US(every_button_arrives),
        US(relative_motion_counts_pixels),
        US(scrolling_keeps_its_amount),
        US(release_all_lets_go_of_everything),
        US(closing_releases_too),
        US(modifiers_follow_the_keys),
        GERMAN(the_layout_is_the_one_asked_for),
        US(any_text_arrives),
        GERMAN(any_text_arrives),
        US(text_arrives_under_held_and_locked_modifiers),
        GERMAN(text_arrives_under_held_and_locked_modifiers),
        US(more_characters_than_one_keymap_holds_arrive),
        US(a_dead_compositor_is_a_lost_device),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(void)
{
    int failed = run("record");
    subject.real = desktop_start(&subject.desktop, "1280x720@60Hz");
    if (!subject.real) {
        print_message("SKIPPED: wlr-virtual, no compositor can be started here\n");
        return failed ? 1 : 77;
    }
    failed += run("wlr-virtual");
    desktop_stop(&subject.desktop);
    return failed ? 1 : 0;
}
