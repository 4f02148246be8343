/* What a stream was like, as one JSON object, and as lines for the overlay. Main thread. */
#ifndef LUMEN_CLIENT_REPORT_H
#define LUMEN_CLIENT_REPORT_H

#include "client/pipeline.h"

#include <jansson.h>

enum { REPORT_OVERLAY_BYTES = 640 };

struct report {
    const char *host;
    const struct connect_stream *stream;
    const struct viewer_results *viewer;
    const struct receive_results *receive;
    const struct listener_results *listener;
    enum ending_cause cause;
    uint32_t code;
    uint64_t duration_ns; /* from the first frame to the last */
    uint32_t rtt_ms;
};

/* The caller's. NULL when there is no memory. */
json_t *report_json(const struct report *report);

/* Prints one object and a line end; true on success. Takes the object. */
bool report_print(json_t *object);

/* "host-ended", "lost", ...; static storage. */
const char *report_cause_name(enum ending_cause cause, uint32_t code);

/* How a stream's end is told to the user: fills `failure` and returns LM_EIO, or LM_OK when it
 * ended as wished. `seen`: at least one picture was decoded. */
int report_failure(enum ending_cause cause, uint32_t code, bool seen,
                   struct failure *failure) LM_MUST_USE;

/* Numbers while streaming; `last` keeps what the rates are made from. */
struct report_live {
    uint64_t at_ns, frames, bytes, pictures;
};
void report_overlay(const struct pipeline *p, const struct connect_stream *stream, uint64_t now_ns,
                    struct report_live *last, char out[REPORT_OVERLAY_BYTES]);

#endif
