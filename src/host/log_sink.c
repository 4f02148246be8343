#include "host/log_sink.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

struct sink {
    bool journal, color;
};

static struct sink sink; /* written once at start */

static const struct {
    const char *name;
    const char *color;
    int priority; /* of syslog, sd-daemon(3) */
} levels[] = {
    [LM_LOG_ERROR] = {"error", "\033[31m", 3},
    [LM_LOG_WARN] = {"warn ", "\033[33m", 4},
    [LM_LOG_INFO] = {"info ", "", 6},
    [LM_LOG_DEBUG] = {"debug", "\033[2m", 7},
};

static void write_line(void *user, enum lm_log_level level, const char *area, const char *text)
{
    const struct sink *s = user;
    if (s->journal) { /* the journal stamps and colours lines itself */
        fprintf(stderr, "<%d>%s: %s\n", levels[level].priority, area, text);
        return;
    }
    struct timespec now;
    struct tm tm;
    char stamp[16];
    clock_gettime(CLOCK_REALTIME, &now);
    strftime(stamp, sizeof stamp, "%T", localtime_r(&now.tv_sec, &tm));
    fprintf(stderr, "%s.%03ld %s%s %s: %s%s\n", stamp, now.tv_nsec / 1000000,
            s->color ? levels[level].color : "", levels[level].name, area, text,
            s->color && *levels[level].color ? "\033[0m" : "");
}

void log_sink_init(struct lm_log *log, enum lm_log_level max_level)
{
    sink.journal = getenv("JOURNAL_STREAM") != NULL && !isatty(STDERR_FILENO);
    sink.color = isatty(STDERR_FILENO);
    setvbuf(stderr, NULL, _IOLBF, 0); /* whole lines, also from several threads */
    *log = (struct lm_log){.write = write_line, .user = &sink, .max_level = max_level};
}
