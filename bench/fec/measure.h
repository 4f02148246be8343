/* Times several calls fairly on a machine that is not quiet: they take turns, many short turns
 * each, so that a slow moment meets all of them; the medians are compared. */
#ifndef LUMEN_BENCH_FEC_MEASURE_H
#define LUMEN_BENCH_FEC_MEASURE_H

#include <stddef.h>
#include <stdint.h>

enum { MEASURE_MAX_ROUNDS = 1001 };

struct measure_job {
    void (*call)(void *context, uint32_t times); /* does its work `times` times */
    void (*before)(void *context);               /* untimed, ahead of each one; NULL: none */
    void *context;
    double median_ns, best_ns; /* of one time: results */
    double *samples;
    uint32_t batch; /* times per sample */
};

uint64_t measure_now_ns(void);

/* `rounds` turns of each job (1..1001). A turn begins with an untimed call, which brings its data
 * back into the caches. */
void measure_run(struct measure_job *jobs, size_t count, uint32_t rounds);

#endif
