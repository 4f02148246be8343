/* Recordings of losses, as a user hands them to loss-harness. */
#include "trace.h"

#include "core/base/check.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char error[TRACE_ERROR_BYTES];
    struct trace trace;
    FILE *file = size ? fmemopen((void *)(uintptr_t)data, size, "r") : NULL;
    if (!file)
        return 0;
    if (trace_read(&trace, file, "x", error) == LM_OK) {
        uint64_t packets = 0, lost = 0;
        for (size_t i = 0; i < trace.count; i++) {
            LM_CHECK(trace.runs[i].packets >= 1 && trace.runs[i].packets <= TRACE_MAX_RUN);
            packets += trace.runs[i].packets;
            lost += trace.runs[i].lost ? trace.runs[i].packets : 0;
        }
        LM_CHECK(trace.count && packets == trace.packets && lost == trace.lost);
        LM_CHECK(trace.bursts <= trace.count);
    }
    trace_finish(&trace);
    fclose(file);
    return 0;
}
