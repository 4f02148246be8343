/* loss-harness: what loss does to a stream, through the real sender and receiver, in virtual time.
 */
#include "json.h"
#include "options.h"
#include "report.h"
#include "run.h"
#include "svg.h"
#include "sweep.h"

#include "core/base/check.h"
#include "core/base/time.h"
#include "core/transport/clock.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { HELP_BYTES = 16384, STATUS_FAILED = 1, STATUS_ARGUMENTS = 2 };

static_assert((int)TRACE_ERROR_BYTES <= (int)OPTIONS_ERROR_BYTES, "one buffer for both");

#define PROGRESS_NS (100 * LM_NS_PER_MS)

struct progress {
    bool is_shown; /* standard error is a terminal */
    const struct sweep *sweep;
    size_t point;
    uint64_t next_ns;
};

struct output {
    FILE *json, *svg; /* NULL: not wanted */
};

static void show_progress(void *user, uint32_t frames)
{
    struct progress *p = user;
    uint64_t now_ns = lm_clock_now_ns();
    if (now_ns < p->next_ns)
        return;
    const struct sweep_point *point = &p->sweep->points[p->point];
    char setting[REPORT_TEXT_BYTES];
    report_setting(point, setting);
    p->next_ns = now_ns + PROGRESS_NS;
    fprintf(stderr, "\r\033[K%zu of %zu: %s, %g %% parity, %g %% loss: %u frames", p->point + 1,
            p->sweep->count, setting, point->at[AXIS_PARITY], point->at[AXIS_LOSS], frames);
    fflush(stderr);
}

static int run_all(struct sweep *sweep, const struct options *o, const struct trace *trace)
{
    struct progress progress = {.is_shown = isatty(STDERR_FILENO), .sweep = sweep};
    int rc = LM_OK;
    for (size_t i = 0; i < sweep->count && rc == LM_OK; i++) {
        struct run_config config;
        sweep_config(&sweep->points[i], o, trace, &config);
        progress.point = i;
        config.progress = progress.is_shown ? show_progress : NULL;
        config.user = &progress;
        rc = run_experiment(&config, &sweep->points[i].result);
    }
    if (progress.is_shown)
        fputs("\r\033[K", stderr);
    if (rc == LM_ECORRUPT)
        fputs("loss-harness: a frame came out changed: a fault of this program\n", stderr);
    else if (rc < 0)
        fprintf(stderr, "loss-harness: %s\n", lm_err_text(rc));
    return rc;
}

static int open_file(const char *path, FILE **out)
{
    *out = NULL;
    if (!path)
        return LM_OK;
    *out = strcmp(path, "-") == 0 ? stdout : fopen(path, "we");
    if (*out)
        return LM_OK;
    fprintf(stderr, "loss-harness: %s: %s\n", path, strerror(errno));
    return LM_EIO;
}

static int fail_to_write(const char *name, int error)
{
    fprintf(stderr, "loss-harness: %s: %s\n", name, strerror(error));
    return LM_EIO;
}

static int close_file(const char *path, FILE *file, int rc)
{
    if (!file || file == stdout || fclose(file) == 0)
        return rc;
    return fail_to_write(path, errno);
}

static int write_bytes(const char *path, FILE *file, const char *bytes, size_t size_bytes)
{
    if (fwrite(bytes, 1, size_bytes, file) == size_bytes && fflush(file) == 0)
        return LM_OK;
    return fail_to_write(file == stdout ? "standard output" : path, errno);
}

struct results {
    const struct sweep *sweep;
    const struct options *options;
    const struct trace *trace;
};

static int print_report(const struct results *r, FILE *out)
{
    int rc = report_table(r->sweep, r->options, r->trace, out);
    report_verdict(r->sweep, r->options, out);
    return rc;
}

static int print_json(const struct results *r, FILE *out)
{
    return json_write(r->sweep, r->options, out);
}

static int print_svg(const struct results *r, FILE *out)
{
    svg_write(r->sweep, r->options, out);
    return LM_OK;
}

/* By way of memory, so that the cause of an error is at hand. */
static int write_file(const struct results *r, int (*print)(const struct results *, FILE *),
                      const char *path, FILE *file)
{
    char *bytes = NULL;
    size_t size_bytes = 0;
    if (!file)
        return LM_OK;
    FILE *memory = open_memstream(&bytes, &size_bytes);
    int rc = memory ? print(r, memory) : LM_ENOMEM;
    if (memory && fclose(memory) == EOF)
        rc = LM_ENOMEM;
    if (rc == LM_OK)
        rc = write_bytes(path, file, bytes, size_bytes);
    else
        fprintf(stderr, "loss-harness: %s\n", lm_err_text(rc));
    free(bytes);
    return rc;
}

static int write_all(const struct results *results, const struct output *output)
{
    const struct options *o = results->options;
    int rc = LM_OK;
    if (output->json != stdout)
        rc = write_file(results, print_report, NULL, stdout);
    if (rc == LM_OK)
        rc = write_file(results, print_json, o->json, output->json);
    if (rc == LM_OK)
        rc = write_file(results, print_svg, o->svg, output->svg);
    return rc;
}

static int run(const struct options *o, const struct trace *trace)
{
    struct sweep sweep = {0};
    struct output output = {0};
    int rc = sweep_init(&sweep, o);
    if (rc == LM_ELIMIT) {
        fprintf(stderr, "loss-harness: more than %d combinations: give shorter lists\n", SWEEP_MAX);
        return STATUS_ARGUMENTS;
    }
    if (rc < 0)
        fprintf(stderr, "loss-harness: %s\n", lm_err_text(rc));
    if (rc == LM_OK)
        rc = open_file(o->json, &output.json);
    if (rc == LM_OK)
        rc = open_file(o->svg, &output.svg);
    if (rc == LM_OK)
        rc = run_all(&sweep, o, trace);
    if (rc == LM_OK)
        rc = write_all(&(struct results){&sweep, o, trace}, &output);
    rc = close_file(o->json, output.json, rc);
    rc = close_file(o->svg, output.svg, rc);
    sweep_finish(&sweep);
    return rc < 0 ? STATUS_FAILED : 0;
}

static int print_text(const char *text)
{
    return write_bytes(NULL, stdout, text, strlen(text)) < 0 ? STATUS_FAILED : 0;
}

static int print_help(void)
{
    char text[HELP_BYTES];
    if (options_help(text, sizeof text) < 0)
        return STATUS_FAILED;
    return print_text(text);
}

/* The manual page is the help, laid out as it stands. */
static int print_manual(void)
{
    char text[HELP_BYTES];
    if (options_help(text, sizeof text) < 0)
        return STATUS_FAILED;
    printf(".TH LOSS-HARNESS 1 \"\" \"lumen %s\" \"User Commands\"\n.SH NAME\n"
           "loss-harness \\- what loss does to a stream\n.SH SYNOPSIS\n"
           ".B loss-harness\n[\\fIOPTION\\fR...]\n.SH DESCRIPTION\n.nf\n",
           LUMEN_VERSION);
    for (const char *c = text; *c; c++) {
        if ((c == text || c[-1] == '\n') && (*c == '.' || *c == '\''))
            fputs("\\&", stdout);
        fputs(*c == '\\' ? "\\e" : *c == '-' ? "\\-" : (char[]){*c, 0}, stdout);
    }
    puts(".fi");
    return 0;
}

int main(int argc, char **argv)
{
    struct options options;
    struct trace trace = {0};
    char error[OPTIONS_ERROR_BYTES];
    if (argc == 2 && strcmp(argv[1], "--manual") == 0) /* for the build, not for people */
        return print_manual();
    if (options_parse(&options, argc, argv, error) < 0 ||
        (options.trace && trace_load(&trace, options.trace, error) < 0)) {
        fprintf(stderr, "loss-harness: %s\n", error);
        return STATUS_ARGUMENTS;
    }
    if (options.help)
        return print_help();
    if (options.version)
        return print_text("loss-harness " LUMEN_VERSION "\n");
    int status = run(&options, options.trace ? &trace : NULL);
    trace_finish(&trace);
    return status;
}
