#include "trace.h"

#include "core/base/check.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_BYTES = 256, SHOWN = 40 };

__attribute__((format(printf, 3, 4))) static int fail(char *error, int code, const char *format,
                                                      ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(error, TRACE_ERROR_BYTES, format, args);
    va_end(args);
    return code;
}

static const char *skip_blanks(const char *at)
{
    return at + strspn(at, " \t\r\n");
}

/* 1: a run. 0: the line says nothing. LM_EINVAL: neither. */
static int parse_line(const char *line, struct trace_run *out)
{
    const char *at = skip_blanks(line);
    if (!*at || *at == '#')
        return 0;
    if (*at != '+' && *at != '-')
        return LM_EINVAL;
    out->lost = *at == '-';
    out->packets = 1;
    at = skip_blanks(at + 1);
    if (!*at || *at == '#')
        return 1;
    if (*at < '0' || *at > '9')
        return LM_EINVAL;
    char *end;
    errno = 0;
    unsigned long long packets = strtoull(at, &end, 10);
    at = skip_blanks(end);
    if (errno || packets < 1 || packets > TRACE_MAX_RUN || (*at && *at != '#'))
        return LM_EINVAL;
    out->packets = (uint32_t)packets;
    return 1;
}

static int add_run(struct trace *t, const struct trace_run *run)
{
    struct trace_run *last = t->count ? &t->runs[t->count - 1] : NULL;
    bool joins = last && last->lost == run->lost && last->packets <= TRACE_MAX_RUN - run->packets;
    t->packets += run->packets;
    t->lost += run->lost ? run->packets : 0;
    t->bursts += run->lost && !(last && last->lost);
    if (joins) {
        last->packets += run->packets;
        return LM_OK;
    }
    if (t->count == TRACE_MAX_RUNS)
        return LM_ELIMIT;
    if (t->count == t->capacity) {
        size_t capacity = t->capacity ? 2 * t->capacity : 256;
        struct trace_run *runs = realloc(t->runs, capacity * sizeof *runs);
        if (!runs)
            return LM_ENOMEM;
        t->runs = runs;
        t->capacity = capacity;
    }
    t->runs[t->count++] = *run;
    return LM_OK;
}

/* The line as far as it can be shown, in `shown`. */
static void show(const char *line, char shown[SHOWN + 4])
{
    size_t length = strcspn(line, "\r\n");
    bool cut = length > SHOWN;
    length = cut ? SHOWN : length;
    for (size_t i = 0; i < length; i++)
        shown[i] = line[i] >= ' ' && line[i] < 127 ? line[i] : '?';
    memcpy(shown + length, cut ? "..." : "", cut ? 4 : 1);
}

static int read_line(struct trace *t, const char *line, const char *name, size_t number,
                     char *error)
{
    struct trace_run run;
    char shown[SHOWN + 4];
    int rc = parse_line(line, &run);
    if (rc < 0) {
        show(line, shown);
        return fail(error, rc,
                    "%s:%zu: \"%s\" is no run: want + (arrived) or - (lost), then how many, 1 to "
                    "%d, or nothing for one",
                    name, number, shown, TRACE_MAX_RUN);
    }
    if (rc == 0)
        return LM_OK;
    rc = add_run(t, &run);
    if (rc == LM_ELIMIT)
        return fail(error, LM_EINVAL, "%s:%zu: more than %d runs", name, number, TRACE_MAX_RUNS);
    return rc < 0 ? fail(error, rc, "%s:%zu: %s", name, number, lm_err_text(rc)) : LM_OK;
}

static int read_lines(struct trace *t, FILE *file, const char *name, char *error)
{
    char line[LINE_BYTES];
    int rc = LM_OK;
    for (size_t number = 1; rc == LM_OK && fgets(line, sizeof line, file); number++) {
        if (!strchr(line, '\n') && !feof(file) && strlen(line) == sizeof line - 1)
            return fail(error, LM_EINVAL, "%s:%zu: a line longer than %d characters", name, number,
                        LINE_BYTES - 2);
        rc = read_line(t, line, name, number, error);
    }
    if (rc == LM_OK && ferror(file))
        return fail(error, LM_EIO, "%s: %s", name, strerror(errno));
    if (rc == LM_OK && !t->count)
        return fail(error, LM_EINVAL, "%s: no run in it: want lines such as \"+ 120\", \"- 3\"",
                    name);
    return rc;
}

int trace_read(struct trace *out, FILE *file, const char *name, char error[TRACE_ERROR_BYTES])
{
    *out = (struct trace){0};
    int rc = read_lines(out, file, name, error);
    if (rc < 0)
        trace_finish(out);
    return rc;
}

int trace_load(struct trace *out, const char *path, char error[TRACE_ERROR_BYTES])
{
    *out = (struct trace){0};
    FILE *file = fopen(path, "re");
    if (!file)
        return fail(error, LM_EIO, "%s: %s", path, strerror(errno));
    int rc = trace_read(out, file, path, error);
    fclose(file);
    return rc;
}

void trace_finish(struct trace *trace)
{
    if (!trace)
        return;
    free(trace->runs);
    *trace = (struct trace){0};
}
