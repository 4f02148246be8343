#include "options.h"

#include "core/base/check.h"
#include "core/base/text.h"
#include "core/wire/wire.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FRAME_HEADER_BYTES = LM_L1_FRAME_BYTES, MIN_FRAME = 64, MAX_FRAME = 64 * 1000 * 1000 };

enum kind {
    KIND_BOOL = 1,
    KIND_TEXT,
    KIND_NUMBER, /* decimal fraction */
    KIND_WHOLE,  /* k, m, g: times 10^3, 10^6, 10^9 */
    KIND_NUMBERS,
    KIND_WHOLES,
    KIND_CODES,
    KIND_LAYOUTS,
};

static const char *const codes[] = {[CODE_GAMESTREAM] = "gamestream",
                                    [CODE_NONE] = "none",
                                    [CODE_GF8] = "gf8",
                                    [CODE_GF16] = "gf16"};
static const char *const layouts[] = {
    [LAYOUT_CONTIGUOUS] = "contiguous", [LAYOUT_INTERLEAVED] = "interleaved"};

struct option_row {
    const char *name, *argument;
    enum kind kind;
    size_t offset;
    double min, max;
    const char *preset; /* NULL: zeros */
    const char *help;
};

#define AT(field) offsetof(struct options, field)

static const struct option_row options[] = {
    {"loss", "LIST", KIND_NUMBERS, AT(axes[AXIS_LOSS]), 0, 50, "0.5,1,2,5",
     "datagrams lost, % of all"},
    {"burst", "LIST", KIND_NUMBERS, AT(axes[AXIS_BURST]), 1, 10000, "1,10",
     "mean length of a burst of losses, datagrams; 1: each for itself"},
    {"trace", "FILE", KIND_TEXT, AT(trace), 0, 0, NULL,
     "losses as recorded there, instead of --loss and --burst (see below)"},
    {"rate", "LIST", KIND_WHOLES, AT(axes[AXIS_RATE]), 100000, 400e9, "1g",
     "speed of the path's narrowest link, bit/s"},
    {"queue", "LIST", KIND_WHOLES, AT(axes[AXIS_QUEUE]), 0, 4e9, "0",
     "what that link can hold, bytes; what comes on top is lost; 0: all"},
    {"reorder", "PERCENT", KIND_NUMBER, AT(reorder_percent), 0, 100, "0",
     "datagrams that come late, behind others"},
    {"duplicate", "PERCENT", KIND_NUMBER, AT(duplicate_percent), 0, 100, "0",
     "datagrams that come twice"},
    {"reorder-by", "MS", KIND_NUMBER, AT(reorder_ms), 0.001, 1000, "1",
     "how late those are at most"},
    {"code", "LIST", KIND_CODES, AT(axes[AXIS_CODE]), 0, 0, "gamestream,gf16",
     "gamestream, or lumen/1 with: none, gf8, gf16"},
    {"parity", "LIST", KIND_WHOLES, AT(axes[AXIS_PARITY]), 0, 100, "5,10,20,40",
     "datagrams added to repair losses, % of the frame's"},
    {"layout", "LIST", KIND_LAYOUTS, AT(axes[AXIS_LAYOUT]), 0, 0, "interleaved",
     "order of a lumen/1 frame's blocks: contiguous, interleaved"},
    {"max-block", "SHARDS", KIND_WHOLE, AT(max_block), 0, 65535, "0",
     "most data shards of a lumen/1 block; 0: what the code can"},
    {"frame", "LIST", KIND_WHOLES, AT(axes[AXIS_FRAME]), MIN_FRAME, MAX_FRAME, "64k",
     "size of a frame, bytes"},
    {"shards", "LIST", KIND_WHOLES, AT(shards), 1, 65535, NULL, "the same in data shards"},
    {"bitrate", "LIST", KIND_WHOLES, AT(bitrate_bps), 10000, 100e9, NULL,
     "the same as the stream's bit/s"},
    {"fps", "F", KIND_NUMBER, AT(fps), 1, 1000, "60", "frames per second"},
    {"shard-bytes", "N", KIND_WHOLE, AT(shard_bytes), LM_L1_MIN_SHARD_BYTES,
     LM_GSV_MAX_PACKET_SIZE - LM_L1_SHARD_STEP_BYTES, "1344",
     "payload of a datagram, a multiple of 64"},
    {"pace", "LIST", KIND_WHOLES, AT(axes[AXIS_PACE]), 0, 400e9, "0",
     "the sender spreads a frame at so many bit/s; 0: all at once"},
    {"pace-burst", "BYTES", KIND_WHOLE, AT(pace_burst_bytes), 1, 1e9, "128k",
     "what may leave at once for all that"},
    {"wait", "MS", KIND_NUMBER, AT(wait_ms), 0, 1000, "2",
     "how long the receiver waits for datagrams that later ones overtook"},
    {"encrypt", NULL, KIND_BOOL, AT(encrypt), 0, 0, NULL, "seal and open the datagrams, too"},
    {"target", "PERCENT", KIND_NUMBER, AT(target_percent), 0.001, 50, "0.1",
     "lost frames that are still good, for the verdict"},
    {"frames", "N", KIND_WHOLE, AT(frames), 1, 10e6, "4000", "most frames per combination"},
    {"enough", "N", KIND_WHOLE, AT(enough), 1, 10e6, "100",
     "lost frames after which a combination ends early"},
    {"seed", "N", KIND_WHOLE, AT(seed), 0, 4294967295.0, "1",
     "another one, other random numbers; the same, the same result"},
    {"json", "FILE", KIND_TEXT, AT(json), 0, 0, NULL,
     "write all results there; -: to standard output, nothing else"},
    {"svg", "FILE", KIND_TEXT, AT(svg), 0, 0, NULL, "draw lost frames against lost datagrams"},
    {"no-cpu", NULL, KIND_BOOL, AT(no_cpu), 0, 0, NULL,
     "leave measured times out: then all output is repeatable"},
    {"help", NULL, KIND_BOOL, AT(help), 0, 0, NULL, "this text"},
    {"version", NULL, KIND_BOOL, AT(version), 0, 0, NULL, "the version"},
};

static_assert(LM_ARRAY_LEN(options) <= 64, "options.given has a bit for each");

__attribute__((format(printf, 2, 3))) static int fail(char *error, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(error, OPTIONS_ERROR_BYTES, format, args);
    va_end(args);
    return LM_EINVAL;
}

const char *options_code_name(enum code code)
{
    return codes[code];
}

const char *options_layout_name(enum layout layout)
{
    return layout == LAYOUT_SINGLE ? "-" : layouts[layout];
}

/* "1.5", for whole ones "64k", up to a comma or the end. */
static bool read_number(const struct option_row *row, bool whole, const char *text, size_t length,
                        double *out)
{
    static const char suffixes[] = "kmg";
    char copy[32], *end;
    if (length == 0 || length >= sizeof copy || strspn(text, "0123456789.") == 0)
        return false;
    memcpy(copy, text, length);
    copy[length] = 0;
    if (strspn(copy, "0123456789.kmgKMG") != length)
        return false;
    double value = strtod(copy, &end);
    const char *suffix = *end ? strchr(suffixes, *end | 0x20) : NULL;
    if (whole && suffix && end != copy) {
        value *= pow(1000, (double)(suffix - suffixes + 1));
        /* 1.2m is whole, but not in binary. */
        value = fabs(value - round(value)) < 1e-4 ? round(value) : value;
        end++;
    }
    if (*end || end == copy || (whole && value != floor(value)))
        return false;
    *out = value;
    return value >= row->min && value <= row->max;
}

static int set_number(const struct option_row *row, const char *text, double *out, char *error)
{
    if (read_number(row, row->kind == KIND_WHOLE, text, strlen(text), out))
        return LM_OK;
    return fail(error, "--%s: \"%s\" is not a %snumber from %.12g to %.12g", row->name, text,
                row->kind == KIND_WHOLE ? "whole " : "", row->min, row->max);
}

static bool read_word(const char *const *words, size_t count, const char *text, size_t length,
                      double *out)
{
    for (size_t i = 1; i < count; i++)
        if (strlen(words[i]) == length && memcmp(words[i], text, length) == 0) {
            *out = (double)i;
            return true;
        }
    return false;
}

static bool read_item(const struct option_row *row, const char *text, size_t length, double *out)
{
    if (row->kind == KIND_CODES)
        return read_word(codes, LM_ARRAY_LEN(codes), text, length, out);
    if (row->kind == KIND_LAYOUTS)
        return read_word(layouts, LM_ARRAY_LEN(layouts), text, length, out);
    return read_number(row, row->kind == KIND_WHOLES, text, length, out);
}

static int fail_item(const struct option_row *row, const char *text, size_t length, char *error)
{
    int shown = (int)LM_MIN(length, (size_t)60);
    if (row->kind == KIND_CODES)
        return fail(error, "--%s: \"%.*s\" is none of gamestream, none, gf8, gf16", row->name,
                    shown, text);
    if (row->kind == KIND_LAYOUTS)
        return fail(error, "--%s: \"%.*s\" is none of contiguous, interleaved", row->name, shown,
                    text);
    return fail(error, "--%s: \"%.*s\" is not a %snumber from %.12g to %.12g", row->name, shown,
                text, row->kind == KIND_WHOLES ? "whole " : "", row->min, row->max);
}

static int set_list(const struct option_row *row, const char *text, struct options_list *out,
                    char *error)
{
    out->count = 0;
    for (const char *at = text;; at++) {
        size_t length = strcspn(at, ",");
        double value = 0;
        if (!read_item(row, at, length, &value))
            return fail_item(row, at, length, error);
        for (uint32_t i = 0; i < out->count; i++)
            if (out->at[i] == value)
                return fail(error, "--%s: %.*s is there twice", row->name, (int)length, at);
        if (out->count == OPTIONS_LIST_MAX)
            return fail(error, "--%s: more than %d values", row->name, OPTIONS_LIST_MAX);
        out->at[out->count++] = value;
        at += length;
        if (!*at)
            return LM_OK;
    }
}

static int set_option(struct options *o, const struct option_row *row, const char *text,
                      char *error)
{
    void *at = (char *)o + row->offset;
    switch (row->kind) {
    case KIND_BOOL:
        *(bool *)at = true;
        return LM_OK;
    case KIND_TEXT:
        if (!*text)
            return fail(error, "--%s needs %s", row->name, row->argument);
        *(const char **)at = text;
        return LM_OK;
    case KIND_NUMBER:
    case KIND_WHOLE:
        return set_number(row, text, at, error);
    default:
        return set_list(row, text, at, error);
    }
}

/* "--name value" and "--name=value". */
static int parse_option(struct options *o, int argc, char **argv, int *i, char *error)
{
    const char *name = argv[*i] + 2, *text = strchr(name, '=');
    size_t length = text ? (size_t)(text - name) : strlen(name), r = 0;
    while (r < LM_ARRAY_LEN(options) &&
           (strlen(options[r].name) != length || strncmp(options[r].name, name, length) != 0))
        r++;
    if (r == LM_ARRAY_LEN(options))
        return fail(error, "there is no option --%.*s; see loss-harness --help",
                    (int)LM_MIN(length, (size_t)60), name);
    const struct option_row *row = &options[r];
    if (row->kind == KIND_BOOL && text)
        return fail(error, "--%s takes no value", row->name);
    if (row->kind != KIND_BOOL && !text && *i + 1 >= argc)
        return fail(error, "--%s needs %s", row->name, row->argument);
    o->given |= UINT64_C(1) << r;
    if (row->kind != KIND_BOOL && !text)
        text = argv[++*i];
    else if (text)
        text++;
    return set_option(o, row, text, error);
}

static bool is_given(const struct options *o, const char *name)
{
    for (size_t r = 0; r < LM_ARRAY_LEN(options); r++)
        if (strcmp(options[r].name, name) == 0)
            return o->given >> r & 1;
    LM_CHECK(false);
}

/* The frame sizes from whichever way they were given. */
static int set_frames(struct options *o, char *error)
{
    struct options_list *frames = &o->axes[AXIS_FRAME];
    const struct options_list *from = o->shards.count ? &o->shards : &o->bitrate_bps;
    if (!from->count)
        return LM_OK;
    frames->count = from->count;
    for (uint32_t i = 0; i < from->count; i++) {
        frames->at[i] = from == &o->shards ? from->at[i] * o->shard_bytes - FRAME_HEADER_BYTES
                                           : floor(from->at[i] / 8 / o->fps);
        if (frames->at[i] < MIN_FRAME || frames->at[i] > MAX_FRAME)
            return fail(error, "frames of %.0f bytes: %d to %d are possible", frames->at[i],
                        MIN_FRAME, MAX_FRAME);
    }
    return LM_OK;
}

static int check_together(struct options *o, char *error)
{
    if (is_given(o, "frame") + is_given(o, "shards") + is_given(o, "bitrate") > 1)
        return fail(error, "--frame, --shards, --bitrate: only one of them");
    if (o->trace && (is_given(o, "loss") || is_given(o, "burst")))
        return fail(error, "--trace takes the place of --loss and --burst");
    if (fmod(o->shard_bytes, LM_L1_SHARD_STEP_BYTES) != 0)
        return fail(error, "--shard-bytes: %.0f is not a multiple of %d", o->shard_bytes,
                    LM_L1_SHARD_STEP_BYTES);
    if (o->svg && strcmp(o->svg, "-") == 0)
        return fail(error, "--svg needs a file");
    if (o->trace) {
        o->axes[AXIS_LOSS] = (struct options_list){.count = 1};
        o->axes[AXIS_BURST] = (struct options_list){.count = 1, .at = {1}};
    }
    return set_frames(o, error);
}

static void set_presets(struct options *o)
{
    char error[OPTIONS_ERROR_BYTES];
    *o = (struct options){0};
    for (size_t r = 0; r < LM_ARRAY_LEN(options); r++)
        if (options[r].preset)
            LM_CHECK(set_option(o, &options[r], options[r].preset, error) == LM_OK);
}

int options_parse(struct options *out, int argc, char **argv, char error[OPTIONS_ERROR_BYTES])
{
    set_presets(out);
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "-h") == 0) {
            out->help = true;
            continue;
        }
        if (strncmp(argv[i], "--", 2) != 0)
            return fail(error, "\"%.60s\" is no option; see loss-harness --help", argv[i]);
        int rc = parse_option(out, argc, argv, &i, error);
        if (rc < 0)
            return rc;
    }
    return check_together(out, error);
}

static const char help_head[] =
    "loss-harness: what loss does to a stream, tried out in virtual time\n\n"
    "Usage: loss-harness [OPTION...]\n\n"
    "Sends frames through the real sender and the real receiver over a simulated path, for every\n"
    "combination of the values given. A LIST is one value or several with commas between them;\n"
    "whole numbers may end in k, m or g (thousand, million, billion).\n\nOptions:\n";

static const char help_tail[] =
    "\nA trace has one run of datagrams per line; it is repeated as often as needed:\n"
    "  + N      N datagrams arrived          - N      N datagrams were lost\n"
    "  +, -     one                          #        starts a comment\n"
    "\nExamples:\n"
    "  loss-harness --bitrate 50m --loss 1,3 --burst 1,30\n"
    "  loss-harness --shards 852 --code gf8,gf16 --layout contiguous,interleaved --burst 30\n"
    "  loss-harness --loss 0 --rate 100m --queue 48k,96k --pace 0,60m --pace-burst 16k\n"
    "\nExit status: 0 good, 1 failed, 2 wrong arguments or a bad trace.\n";

int options_help(char *out, size_t capacity_bytes)
{
    struct lm_text t = lm_text_of(out, capacity_bytes);
    lm_text_add(&t, "%s", help_head);
    for (size_t i = 0; i < LM_ARRAY_LEN(options); i++) {
        char left[64];
        snprintf(left, sizeof left, "--%s %s", options[i].name,
                 options[i].argument ? options[i].argument : "");
        lm_text_add(&t, "  %-22s %s", left, options[i].help);
        if (options[i].preset)
            lm_text_add(&t, " (%s)", options[i].preset);
        lm_text_add(&t, "\n");
    }
    lm_text_add(&t, "%s", help_tail);
    return lm_text_end(&t);
}
