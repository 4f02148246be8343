#include "client/flags.h"

#include "core/base/check.h"
#include "core/base/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STREAM = 1 << FLAGS_STREAM, ANY = ~0 };

enum kind {
    KIND_BOOL = 1,
    KIND_TEXT,
    KIND_NUMBER,
    KIND_RATE,   /* decimal fraction, stored times 1000 */
    KIND_SIZE,   /* WxH */
    KIND_CHOICE, /* one of the words of `argument`, separated by '|', counted from 1 */
    KIND_PIN,
};

struct option_row {
    const char *name, *argument;
    enum kind kind;
    int commands; /* bit 1 << enum flags_command */
    size_t offset;
    uint32_t min, max;
    const char *help;
};

#define AT(field) offsetof(struct flags, field)

static const struct option_row options[] = {
    {"state", "DIR", KIND_TEXT, ANY, AT(state_dir), 0, 0,
     "where key, certificate and known hosts are kept"},
    {"verbose", NULL, KIND_BOOL, ANY, AT(verbose), 0, 0, "tell more on standard error"},
    {"json", NULL, KIND_BOOL, 1 << FLAGS_DISCOVER | 1 << FLAGS_LIST | STREAM, AT(json), 0, 0,
     "print the result as JSON"},
    {"timeout", "S", KIND_NUMBER, 1 << FLAGS_DISCOVER | 1 << FLAGS_PAIR, AT(timeout_s), 1, 3600,
     "discover: search this long (3); pair: wait this long for the PIN (300)"},
    {"pin", "NNNN", KIND_PIN, 1 << FLAGS_PAIR, AT(pin), 0, 0,
     "four digits to type on the host; made up when not given"},
    {"size", "WxH", KIND_SIZE, STREAM, AT(width), 64, 16384, "size of the picture (1280x720)"},
    {"fps", "F", KIND_RATE, STREAM, AT(rate_mhz), 1000, 1000000, "frames per second (60)"},
    {"bitrate", "KBPS", KIND_NUMBER, STREAM, AT(bitrate_kbps), 100, 2000000,
     "all of the stream, kbit/s (20000)"},
    {"codec", "h264|hevc|av1", KIND_CHOICE, STREAM, AT(codec), 1, 3,
     "wanted video codec (h264); another one is used, and said, if that is not possible"},
    {"slices", "N", KIND_NUMBER, STREAM, AT(slices), 1, 32, "slices per frame (4)"},
    {"packet-size", "N", KIND_NUMBER, STREAM, AT(packet_size), 256, 8960,
     "size of video packets, bytes (1392)"},
    {"encrypt", "all|audio|none", KIND_CHOICE, STREAM, AT(encrypt), 1, 3,
     "what to encrypt besides control and input (all)"},
    {"channels", "2|6|8", KIND_NUMBER, STREAM, AT(channels), 2, 8, "sound channels (2)"},
    {"sound-ms", "5|10", KIND_NUMBER, STREAM, AT(sound_ms), 5, 10, "length of sound packets (5)"},
    {"host-sound", NULL, KIND_BOOL, STREAM, AT(host_sound), 0, 0,
     "keep playing on the host's speakers too"},
    {"full-screen", NULL, KIND_BOOL, STREAM, AT(full_screen), 0, 0, "start with the whole screen"},
    {"overlay", NULL, KIND_BOOL, STREAM, AT(overlay), 0, 0, "start with statistics shown"},
    {"no-sound", NULL, KIND_BOOL, STREAM, AT(no_sound), 0, 0, "open no sound device"},
    {"no-input", NULL, KIND_BOOL, STREAM, AT(no_input), 0, 0, "send no keys and no mouse"},
    {"no-vsync", NULL, KIND_BOOL, STREAM, AT(no_vsync), 0, 0,
     "show each picture at once, even if it tears"},
    {"no-invalidation", NULL, KIND_BOOL, STREAM, AT(no_invalidation), 0, 0,
     "after a loss ask for a key frame, never for other references"},
    {"no-fec-status", NULL, KIND_BOOL, STREAM, AT(no_fec_status), 0, 0,
     "do not report repaired losses"},
    {"headless", NULL, KIND_BOOL, STREAM, AT(headless), 0, 0,
     "no window, no sound: decode, verify, print one JSON object at the end"},
    {"duration", "S", KIND_NUMBER, STREAM, AT(duration_s), 1, 1000000, "stop after so long"},
    {"frames", "N", KIND_NUMBER, STREAM, AT(frames), 1, 100000000, "stop after so many frames"},
    {"png", "FILE", KIND_TEXT, STREAM, AT(png), 0, 0, "write the last picture there"},
    {"input-script", "FILE", KIND_TEXT, STREAM, AT(input_script), 0, 0,
     "play input from a file (see below)"},
    {"drop-connection-after", "N", KIND_NUMBER, STREAM, AT(drop_after_frames), 1, 100000000,
     "vanish after N frames as if the network had died"},
    {"quit-app", NULL, KIND_BOOL, STREAM, AT(quit_app), 0, 0,
     "end the application on the host with the stream"},
};

static const struct command_row {
    const char *name, *arguments;
    enum flags_command command;
    int min_arguments, max_arguments;
    const char *help;
} commands[] = {
    {"discover", "", FLAGS_DISCOVER, 0, 0, "find hosts on this network"},
    {"pair", "HOST", FLAGS_PAIR, 1, 1, "make this client known to a host, once"},
    {"list", "HOST", FLAGS_LIST, 1, 1, "what the host can run"},
    {"stream", "HOST [APP]", FLAGS_STREAM, 1, 2, "start or resume APP (the first one) and show it"},
    {"quit", "HOST", FLAGS_QUIT, 1, 1, "end what runs on the host"},
};

__attribute__((format(printf, 2, 3))) static int fail(char *error, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(error, FLAGS_ERROR_BYTES, format, args);
    va_end(args);
    return LM_EINVAL;
}

static void set_defaults(struct flags *f)
{
    *f = (struct flags){
        .width = 1280,
        .height = 720,
        .rate_mhz = 60000,
        .bitrate_kbps = 20000,
        .packet_size = 1392,
        .slices = 4,
        .channels = 2,
        .sound_ms = 5,
        .encrypt = FLAGS_ENCRYPT_ALL,
        .codec = FLAGS_H264,
    };
}

/* A whole decimal number without sign; false when it is anything else. */
static bool read_number(const char *text, const char **end, uint32_t *out)
{
    if (*text < '0' || *text > '9')
        return false;
    char *after;
    errno = 0;
    unsigned long long value = strtoull(text, &after, 10);
    if (errno || value > UINT32_MAX)
        return false;
    *end = after;
    *out = (uint32_t)value;
    return true;
}

static int set_number(const struct option_row *row, uint32_t *at, const char *text, char *error)
{
    const char *end;
    if (!read_number(text, &end, at) || *end || *at < row->min || *at > row->max)
        return fail(error, "--%s: \"%s\" is not a number from %u to %u", row->name, text, row->min,
                    row->max);
    return LM_OK;
}

static int set_rate(const struct option_row *row, uint32_t *at, const char *text, char *error)
{
    const char *end;
    uint32_t whole = 0, thousandths = 0, unit = 100;
    bool good = read_number(text, &end, &whole) && whole <= row->max / 1000;
    if (good && *end == '.')
        for (end++; *end >= '0' && *end <= '9'; end++, unit /= 10)
            thousandths += (uint32_t)(*end - '0') * unit;
    *at = whole * 1000 + thousandths;
    if (!good || *end || *at < row->min || *at > row->max)
        return fail(error, "--%s: \"%s\" is not a rate from %u to %u", row->name, text,
                    row->min / 1000, row->max / 1000);
    return LM_OK;
}

static int set_size(const struct option_row *row, uint32_t *at, const char *text, char *error)
{
    const char *end;
    if (!read_number(text, &end, &at[0]) || *end != 'x' || !read_number(end + 1, &end, &at[1]) ||
        *end || at[0] < row->min || at[0] > row->max || at[1] < row->min || at[1] > row->max)
        return fail(error, "--%s: \"%s\" is not WIDTHxHEIGHT, each from %u to %u", row->name, text,
                    row->min, row->max);
    at[1] &= ~1u; /* the protocol knows even heights only */
    return LM_OK;
}

static int set_choice(const struct option_row *row, void *at, const char *text, char *error)
{
    int choice = 1;
    size_t length = strlen(text);
    for (const char *word = row->argument; length && word; choice++) {
        if (strncmp(word, text, length) == 0 && (word[length] == '|' || word[length] == 0)) {
            memcpy(at, &choice, sizeof choice);
            return LM_OK;
        }
        word = strchr(word, '|');
        word = word ? word + 1 : NULL;
    }
    return fail(error, "--%s: \"%s\" is none of %s", row->name, text, row->argument);
}

static int set_option(struct flags *f, const struct option_row *row, const char *text, char *error)
{
    void *at = (char *)f + row->offset;
    switch (row->kind) {
    case KIND_BOOL:
        *(bool *)at = true;
        return LM_OK;
    case KIND_NUMBER:
        return set_number(row, at, text, error);
    case KIND_RATE:
        return set_rate(row, at, text, error);
    case KIND_SIZE:
        return set_size(row, at, text, error);
    case KIND_CHOICE:
        return set_choice(row, at, text, error);
    case KIND_PIN:
        if (strlen(text) != 4 || strspn(text, "0123456789") != 4)
            return fail(error, "--pin: a PIN has four digits");
        break;
    case KIND_TEXT:
        if (!*text)
            return fail(error, "--%s: needs %s", row->name, row->argument);
        break;
    }
    *(const char **)at = text;
    return LM_OK;
}

/* "--name value" and "--name=value". */
static int parse_option(struct flags *f, int argc, char **argv, int *i, char *error)
{
    const char *name = argv[*i] + 2, *text = strchr(name, '=');
    size_t length = text ? (size_t)(text - name) : strlen(name);
    const struct option_row *row = NULL;
    for (size_t r = 0; r < LM_ARRAY_LEN(options) && !row; r++)
        if (strlen(options[r].name) == length && strncmp(options[r].name, name, length) == 0)
            row = &options[r];
    if (!row)
        return fail(error, "there is no option --%.*s; see lumen-client --help", (int)length, name);
    if (!(row->commands & 1 << f->command))
        return fail(error, "--%s does not belong to this command; see lumen-client --help",
                    row->name);
    if (row->kind == KIND_BOOL)
        return text ? fail(error, "--%s takes no value", row->name)
                    : set_option(f, row, NULL, error);
    if (text)
        return set_option(f, row, text + 1, error);
    if (*i + 1 >= argc)
        return fail(error, "--%s needs %s", row->name, row->argument);
    *i += 1;
    return set_option(f, row, argv[*i], error);
}

static int check_together(const struct flags *f, char *error)
{
    if (f->channels != 2 && f->channels != 6 && f->channels != 8)
        return fail(error, "--channels: 2, 6 or 8");
    if (f->sound_ms != 5 && f->sound_ms != 10)
        return fail(error, "--sound-ms: 5 or 10");
    char name[FLAGS_HOST_BYTES];
    uint16_t port = 0;
    if (f->host && flags_split_host(f->host, name, sizeof name, &port) < 0)
        return fail(error,
                    "\"%s\" is no host: give a name, an address or [v6], with :port if need "
                    "be",
                    f->host);
    return LM_OK;
}

static const struct command_row *find_command(const char *name)
{
    for (size_t i = 0; i < LM_ARRAY_LEN(commands); i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

static int parse_arguments(struct flags *f, const struct command_row *command, int argc,
                           char **argv, char *error)
{
    int count = 0;
    bool options_end = false;
    for (int i = 2; i < argc; i++) {
        if (!options_end && strcmp(argv[i], "--") == 0) {
            options_end = true;
        } else if (!options_end && strncmp(argv[i], "--", 2) == 0) {
            if (strcmp(argv[i], "--help") == 0) {
                f->command = FLAGS_HELP;
                return LM_OK;
            }
            int result = parse_option(f, argc, argv, &i, error);
            if (result < 0)
                return result;
        } else if (count == command->max_arguments) {
            return fail(error, "\"%s\" is one argument too many", argv[i]);
        } else {
            *(count++ == 0 ? &f->host : &f->app) = argv[i];
        }
    }
    if (count < command->min_arguments)
        return fail(error, "usage: lumen-client %s %s", command->name, command->arguments);
    return check_together(f, error);
}

int flags_parse(struct flags *out, int argc, char **argv, char error[FLAGS_ERROR_BYTES])
{
    set_defaults(out);
    if (argc < 2)
        return fail(error, "no command given; see lumen-client --help");
    const char *name = argv[1];
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0) {
        out->command = FLAGS_HELP;
        return LM_OK;
    }
    if (strcmp(name, "--version") == 0) {
        out->command = FLAGS_VERSION;
        return LM_OK;
    }
    const struct command_row *command = find_command(name);
    if (!command)
        return fail(error, "there is no command \"%s\"; see lumen-client --help", name);
    out->command = command->command;
    return parse_arguments(out, command, argc, argv, error);
}

static int copy_name(const char *from, size_t length, char *name, size_t capacity_bytes)
{
    if (length == 0 || length >= capacity_bytes)
        return LM_EINVAL;
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)from[i] <= ' ' || strchr("/?#@\"<>\\", from[i]))
            return LM_EINVAL;
    memcpy(name, from, length);
    name[length] = 0;
    return LM_OK;
}

int flags_split_host(const char *text, char *name, size_t capacity_bytes, uint16_t *port)
{
    const char *end = text + strlen(text), *colon = strchr(text, ':');
    if (*text == '[') {
        end = strchr(text, ']');
        if (!end || (end[1] && end[1] != ':'))
            return LM_EINVAL;
        text++;
        colon = end[1] ? end + 1 : NULL;
    } else if (colon && strchr(colon + 1, ':')) {
        colon = NULL; /* an IPv6 address without brackets */
    } else if (colon) {
        end = colon;
    }
    if (colon) {
        const char *after;
        uint32_t number;
        if (!read_number(colon + 1, &after, &number) || *after || number < 1 || number > 65535)
            return LM_EINVAL;
        *port = (uint16_t)number;
    }
    return copy_name(text, (size_t)(end - text), name, capacity_bytes);
}

static const char help_head[] = "lumen-client: see and use a desktop of another machine\n\n"
                                "Usage: lumen-client COMMAND [OPTION...]\n\nCommands:\n";

static const char help_tail[] =
    "\nHOST is a name, an address or [v6], with :port if it is not 47989.\n"
    "\nKeys while streaming, all with Ctrl+Alt+Shift:\n"
    "  Q leave   F full screen   S statistics   Z catch or free mouse and keyboard\n"
    "\nAn input script has one step per line; # starts a comment:\n"
    "  wait-frames N            go on N frames later\n"
    "  key K, keydown K, keyup K    K is a letter, digit, name (ENTER, F1, CTRL) or 0xNN\n"
    "  text WORDS               typed as text, not as keys\n"
    "  move X Y                 to a pixel of the picture\n"
    "  rel DX DY                by so much\n"
    "  button B, buttondown B, buttonup B    B is left, middle, right, x1 or x2\n"
    "  scroll N, hscroll N      120 is one notch up or right\n"
    "  quit                     end the stream\n"
    "\nExit status: 0 good, 1 failed, 2 wrong arguments, 3 host not reachable, 4 not paired,\n"
    "5 refused by the host, 6 the connection was lost.\n";

int flags_help(char *out, size_t capacity_bytes)
{
    struct lm_text t = lm_text_of(out, capacity_bytes);
    lm_text_add(&t, "%s", help_head);
    for (size_t i = 0; i < LM_ARRAY_LEN(commands); i++)
        lm_text_add(&t, "  %-8s %-12s  %s\n", commands[i].name, commands[i].arguments,
                    commands[i].help);
    lm_text_add(&t, "  --help, --version\n\nOptions:\n");
    for (size_t i = 0; i < LM_ARRAY_LEN(options); i++) {
        char left[64];
        snprintf(left, sizeof left, "--%s %s", options[i].name,
                 options[i].argument ? options[i].argument : "");
        lm_text_add(&t, "  %-26s ", left);
        if (options[i].commands != ANY)
            for (size_t c = 0; c < LM_ARRAY_LEN(commands); c++)
                if (options[i].commands & 1 << commands[c].command && options[i].commands != STREAM)
                    lm_text_add(&t, "[%s] ", commands[c].name);
        lm_text_add(&t, "%s\n", options[i].help);
    }
    lm_text_add(&t, "%s", help_tail);
    return lm_text_end(&t);
}
