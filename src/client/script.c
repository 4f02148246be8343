#include "client/script.h"

#include "client/grab/keys.h"
#include "core/base/check.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_MAX_BYTES = 1 << 20, LINE_MAX_BYTES = 512 };

enum argument {
    ARGUMENT_NONE = 1,
    ARGUMENT_COUNT,  /* one number, not negative */
    ARGUMENT_NUMBER, /* one number */
    ARGUMENT_PAIR,   /* two numbers */
    ARGUMENT_POINT,  /* two numbers, not negative */
    ARGUMENT_KEY,
    ARGUMENT_BUTTON,
    ARGUMENT_TEXT,
};

static const struct {
    const char *name;
    enum script_verb verb;
    enum argument argument;
    int halves;
} verbs[] = {
    {"wait-frames", SCRIPT_WAIT_FRAMES, ARGUMENT_COUNT, 0},
    {"key", SCRIPT_KEY, ARGUMENT_KEY, SCRIPT_DOWN | SCRIPT_UP},
    {"keydown", SCRIPT_KEY, ARGUMENT_KEY, SCRIPT_DOWN},
    {"keyup", SCRIPT_KEY, ARGUMENT_KEY, SCRIPT_UP},
    {"text", SCRIPT_TEXT, ARGUMENT_TEXT, 0},
    {"move", SCRIPT_PLACE, ARGUMENT_POINT, 0},
    {"rel", SCRIPT_MOVE, ARGUMENT_PAIR, 0},
    {"button", SCRIPT_BUTTON, ARGUMENT_BUTTON, SCRIPT_DOWN | SCRIPT_UP},
    {"buttondown", SCRIPT_BUTTON, ARGUMENT_BUTTON, SCRIPT_DOWN},
    {"buttonup", SCRIPT_BUTTON, ARGUMENT_BUTTON, SCRIPT_UP},
    {"scroll", SCRIPT_SCROLL, ARGUMENT_NUMBER, 0},
    {"hscroll", SCRIPT_HSCROLL, ARGUMENT_NUMBER, 0},
    {"quit", SCRIPT_QUIT, ARGUMENT_NONE, 0},
};

static const char *const buttons[] = {"left", "middle", "right", "x1", "x2"};

static bool read_number(char **at, int32_t min, int32_t *out)
{
    char *end;
    errno = 0;
    long value = strtol(*at, &end, 10);
    if (errno || end == *at || value < min || value > INT16_MAX * 1000L)
        return false;
    *out = (int32_t)value;
    *at = end + strspn(end, " \t");
    return true;
}

static bool read_button(const char *text, int32_t *out)
{
    for (size_t i = 0; i < LM_ARRAY_LEN(buttons); i++)
        if (strcmp(buttons[i], text) == 0) {
            *out = LM_GS_BUTTON_LEFT + (int32_t)i;
            return true;
        }
    return false;
}

static bool read_arguments(enum argument kind, char *rest, struct script_step *step)
{
    const int32_t lowest = -INT16_MAX * 1000;
    switch (kind) {
    case ARGUMENT_NONE:
        return !*rest;
    case ARGUMENT_COUNT:
        return read_number(&rest, 0, &step->a) && !*rest;
    case ARGUMENT_NUMBER:
        return read_number(&rest, lowest, &step->a) && !*rest;
    case ARGUMENT_PAIR:
        return read_number(&rest, lowest, &step->a) && read_number(&rest, lowest, &step->b) &&
               !*rest;
    case ARGUMENT_POINT:
        return read_number(&rest, 0, &step->a) && read_number(&rest, 0, &step->b) && !*rest;
    case ARGUMENT_KEY:
        step->a = keys_vk_of_name(rest);
        return step->a != 0;
    case ARGUMENT_BUTTON:
        return read_button(rest, &step->a);
    case ARGUMENT_TEXT:
        if (!*rest || strlen(rest) >= sizeof step->text)
            return false;
        strcpy(step->text, rest);
        return true;
    }
    return false;
}

/* One line without its end. 0: nothing on it, 1: a step. */
static int parse_line(char *line, struct script_step *step)
{
    char *end = line + strlen(line);
    while (end > line && strchr(" \t\r", end[-1]))
        *--end = 0;
    line += strspn(line, " \t");
    if (!*line || *line == '#')
        return 0;
    size_t length = strcspn(line, " \t");
    char *rest = line + length + strspn(line + length, " \t");
    for (size_t i = 0; i < LM_ARRAY_LEN(verbs); i++) {
        if (strlen(verbs[i].name) != length || strncmp(verbs[i].name, line, length) != 0)
            continue;
        *step = (struct script_step){.verb = verbs[i].verb, .halves = verbs[i].halves};
        return read_arguments(verbs[i].argument, rest, step) ? 1 : LM_EPROTO;
    }
    return LM_EPROTO;
}

int script_parse(struct script *s, const char *source, char error[SCRIPT_ERROR_BYTES])
{
    *s = (struct script){.steps = calloc(SCRIPT_MAX_STEPS, sizeof *s->steps)};
    if (!s->steps)
        return LM_ENOMEM;
    unsigned number = 1;
    for (const char *at = source; *at; number++) {
        size_t length = strcspn(at, "\n");
        char line[LINE_MAX_BYTES];
        snprintf(line, sizeof line, "%.*s", (int)LM_MIN(length, sizeof line - 1), at);
        int result = s->count == SCRIPT_MAX_STEPS ? LM_ELIMIT
                     : length >= sizeof line      ? LM_EPROTO
                                                  : parse_line(line, &s->steps[s->count]);
        if (result < 0) {
            snprintf(error, SCRIPT_ERROR_BYTES, "line %u: \"%.80s\" is no step; see --help", number,
                     line);
            script_finish(s);
            return result;
        }
        s->count += (size_t)result;
        at += length + (at[length] == '\n');
    }
    return LM_OK;
}

int script_load(struct script *s, const char *path, char error[SCRIPT_ERROR_BYTES])
{
    *s = (struct script){0};
    FILE *file = fopen(path, "re");
    char *text = malloc(FILE_MAX_BYTES + 1);
    int result = text ? LM_EIO : LM_ENOMEM;
    if (file && text) {
        size_t size_bytes = fread(text, 1, FILE_MAX_BYTES, file);
        text[size_bytes] = 0;
        result = ferror(file) ? LM_EIO : script_parse(s, text, error);
    }
    if (result == LM_EIO)
        snprintf(error, SCRIPT_ERROR_BYTES, "%s: %s", path, strerror(errno));
    free(text);
    if (file)
        fclose(file);
    return result;
}

void script_finish(struct script *s)
{
    free(s->steps);
    *s = (struct script){0};
}

static void play(const struct script_step *step, struct grab *g)
{
    switch (step->verb) {
    case SCRIPT_KEY:
        if (step->halves & SCRIPT_DOWN)
            grab_key(g, (uint8_t)step->a, true);
        if (step->halves & SCRIPT_UP)
            grab_key(g, (uint8_t)step->a, false);
        break;
    case SCRIPT_TEXT:
        grab_text(g, step->text);
        break;
    case SCRIPT_PLACE:
        grab_place(g, (uint32_t)step->a, (uint32_t)step->b);
        break;
    case SCRIPT_MOVE:
        grab_move(g, step->a, step->b);
        break;
    case SCRIPT_BUTTON:
        if (step->halves & SCRIPT_DOWN)
            grab_button(g, (uint8_t)step->a, true);
        if (step->halves & SCRIPT_UP)
            grab_button(g, (uint8_t)step->a, false);
        break;
    case SCRIPT_SCROLL:
        grab_wheel(g, 0, (float)step->a / 120);
        break;
    case SCRIPT_HSCROLL:
        grab_wheel(g, (float)step->a / 120, 0);
        break;
    case SCRIPT_WAIT_FRAMES:
    case SCRIPT_QUIT:
        break;
    }
    grab_flush(g);
}

bool script_run(struct script *s, struct grab *g, uint64_t frames)
{
    while (s->next < s->count) {
        const struct script_step *step = &s->steps[s->next];
        if (step->verb == SCRIPT_QUIT)
            return true;
        if (step->verb == SCRIPT_WAIT_FRAMES) {
            if (!s->waiting)
                s->wait_until = frames + (uint64_t)step->a;
            s->waiting = frames < s->wait_until;
            if (s->waiting)
                return false;
        }
        play(step, g);
        s->next++;
    }
    return false;
}
