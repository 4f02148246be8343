/* painted-clock: a full-screen window that shows, in every picture, when that picture was painted.
 * A test reads the stamp back from captured or decoded pixels and knows how old they are. */
#include "core/base/check.h"
#include "core/base/time.h"
#include "core/transport/clock.h"
#include "window.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

struct options {
    uint64_t period_ns; /* 0: one picture per frame callback */
    uint64_t duration_ns;
    uint32_t pictures; /* 0: no limit */
    enum paint_motion motion;
    FILE *event_log; /* NULL: none */
};

static const char usage[] =
    "painted-clock [OPTION...]\n"
    "  --every-frame           a new picture whenever the compositor wants one (default)\n"
    "  --fps N                 N pictures per second by its own clock\n"
    "  --interval-ms N         one picture every N milliseconds\n"
    "  --motion KIND           none (default): the stamp alone changes; scroll: text runs up;\n"
    "                          video: a zooming picture with noise\n"
    "  --pattern               blocks of known colours under the stamp\n"
    "  --log-events FILE       writes the input it gets, one event per line; - is stdout\n"
    "  --frames N              ends after N pictures\n"
    "  --duration SECONDS      ends after so long\n";

static double number(const char *text, double low, double high)
{
    char *end;
    double value = strtod(text, &end);
    if (*end || end == text || !(value >= low && value <= high)) {
        fprintf(stderr, "painted-clock: %s is not a number from %g to %g\n", text, low, high);
        exit(2);
    }
    return value;
}

static enum paint_motion motion_named(const char *name)
{
    static const char *const names[] = {
        [PAINT_NONE] = "none", [PAINT_SCROLL] = "scroll", [PAINT_VIDEO] = "video"};
    for (int i = PAINT_NONE; i <= PAINT_VIDEO; i++)
        if (!strcmp(name, names[i]))
            return (enum paint_motion)i;
    fprintf(stderr, "painted-clock: no motion is called %s\n", name);
    exit(2);
}

static FILE *open_log(const char *path)
{
    FILE *file = strcmp(path, "-") ? fopen(path, "we") : stdout;
    if (file)
        return file;
    fprintf(stderr, "painted-clock: %s: %s\n", path, strerror(errno));
    exit(1);
}

static struct options parse(int argc, char **argv)
{
    static const struct option longs[] = {{"every-frame", no_argument, NULL, 'e'},
                                          {"fps", required_argument, NULL, 'f'},
                                          {"interval-ms", required_argument, NULL, 'i'},
                                          {"motion", required_argument, NULL, 'm'},
                                          {"pattern", no_argument, NULL, 'p'},
                                          {"log-events", required_argument, NULL, 'l'},
                                          {"frames", required_argument, NULL, 'n'},
                                          {"duration", required_argument, NULL, 'd'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    struct options o = {.motion = PAINT_NONE, .duration_ns = LM_TIME_MAX};
    for (int c; (c = getopt_long(argc, argv, "h", longs, NULL)) != -1;)
        switch (c) {
        case 'e':
            o.period_ns = 0;
            break;
        case 'f':
            o.period_ns = (uint64_t)(1e9 / number(optarg, 0.01, 1000));
            break;
        case 'i':
            o.period_ns = (uint64_t)(1e6 * number(optarg, 1, 1e6));
            break;
        case 'm':
            o.motion = motion_named(optarg);
            break;
        case 'p':
            o.motion = PAINT_PATTERN;
            break;
        case 'l':
            o.event_log = open_log(optarg);
            break;
        case 'n':
            o.pictures = (uint32_t)number(optarg, 1, 4e9);
            break;
        case 'd':
            o.duration_ns = (uint64_t)(1e9 * number(optarg, 0.001, 1e6));
            break;
        default:
            fputs(usage, c == 'h' ? stdout : stderr);
            exit(c == 'h' ? 0 : 2);
        }
    return o;
}

/* Paints when it is time; returns when to come back. */
static uint64_t paint_if_due(struct window *window, const struct options *o, uint64_t *next_ns,
                             int *rc)
{
    if (!window_can_paint(window))
        return LM_TIME_MAX;
    if (!o->period_ns) {
        if (!window->frame)
            *rc = window_paint(window);
        return LM_TIME_MAX;
    }
    uint64_t now_ns = lm_clock_now_ns();
    if (now_ns >= *next_ns) {
        *rc = window_paint(window);
        /* Absolute deadlines; those that were missed are left out. */
        uint64_t late = *next_ns ? (now_ns - *next_ns) / o->period_ns : 0;
        *next_ns = (*next_ns ? *next_ns : now_ns) + (late + 1) * o->period_ns;
    }
    return *next_ns;
}

static int run(struct window *window, const struct options *o)
{
    uint64_t end_ns =
        o->duration_ns == LM_TIME_MAX ? LM_TIME_MAX : lm_clock_now_ns() + o->duration_ns;
    uint64_t next_ns = 0;
    int rc = LM_OK;
    while (rc == LM_OK && lm_clock_now_ns() < end_ns) {
        if (o->pictures && window->counter >= o->pictures)
            return LM_OK;
        uint64_t wake_ns = paint_if_due(window, o, &next_ns, &rc);
        if (rc == LM_OK)
            rc = window_wait(window, LM_MIN(wake_ns, end_ns));
    }
    return rc;
}

int main(int argc, char **argv)
{
    struct options options = parse(argc, argv);
    struct window window;
    int rc = window_open(&window, options.motion, options.event_log);
    if (rc == LM_OK)
        rc = run(&window, &options);
    window_close(&window);
    if (rc == LM_OK || rc == LM_ECLOSED)
        return 0;
    fprintf(stderr, "painted-clock: %s\n", lm_err_text(rc));
    return 1;
}
