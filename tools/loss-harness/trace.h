/* A recording of which datagrams of a path arrived. The text has one run of datagrams per line:
 *
 *     + 120        120 datagrams that arrived
 *     - 3          3 that were lost
 *     +            one; a line per datagram is a recording, too
 *     # anything   a comment; empty lines are skipped as well */
#ifndef LOSS_HARNESS_TRACE_H
#define LOSS_HARNESS_TRACE_H

#include "core/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum {
    TRACE_ERROR_BYTES = 512,
    TRACE_MAX_RUNS = 10000000,
    TRACE_MAX_RUN = 1000000000, /* datagrams */
};

struct trace {
    struct trace_run {
        uint32_t packets; /* 1..TRACE_MAX_RUN */
        bool lost;        /* neighbours differ */
    } * runs;
    size_t count, capacity;
    uint64_t packets, lost, bursts; /* in all */
};

/* Reads a whole recording; `name` is the file's, for messages. On each error `error` is a sentence
 * for the user with file and line, and nothing is to be freed: LM_EINVAL (the text is none),
 * LM_EIO (reading failed), LM_ENOMEM. */
int trace_read(struct trace *out, FILE *file, const char *name,
               char error[TRACE_ERROR_BYTES]) LM_MUST_USE;

/* The same from a file, which may be missing (LM_EIO). */
int trace_load(struct trace *out, const char *path, char error[TRACE_ERROR_BYTES]) LM_MUST_USE;

/* NULL and zeroed ones are fine. */
void trace_finish(struct trace *trace);

#endif
