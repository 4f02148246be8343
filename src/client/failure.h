/* What went wrong, in words for the user and as an exit status. Main thread. */
#ifndef LUMEN_CLIENT_FAILURE_H
#define LUMEN_CLIENT_FAILURE_H

#include "core/base/err.h"

#include <stdbool.h>

enum failure_status {
    FAILURE_NONE = 0,
    FAILURE_OTHER = 1,
    FAILURE_ARGUMENTS = 2,
    FAILURE_UNREACHABLE = 3,
    FAILURE_NOT_PAIRED = 4,
    FAILURE_REFUSED = 5,
    FAILURE_LOST = 6,
};

enum { FAILURE_TEXT_BYTES = 512 };

struct failure {
    enum failure_status status;
    bool in_report;                /* the JSON object printed already tells it */
    char text[FAILURE_TEXT_BYTES]; /* one sentence without its full stop */
};

/* Fills it; returns LM_EIO so that callers can return it at once. */
int failure_set(struct failure *f, enum failure_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
