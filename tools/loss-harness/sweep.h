/* All combinations of what is varied, and what came out of each. */
#ifndef LOSS_HARNESS_SWEEP_H
#define LOSS_HARNESS_SWEEP_H

#include "options.h"
#include "run.h"

#include "core/base/err.h"

#include <stddef.h>
#include <stdint.h>

enum { SWEEP_MAX = 10000 };

struct sweep_point {
    double at[AXES];      /* by enum axis */
    uint32_t blocks;      /* per frame; 0: impossible */
    uint32_t data_shards; /* per frame */
    struct run_result result;
};

/* Points that differ in the setting (code, layout, parity) only are neighbours: an environment. */
struct sweep {
    struct sweep_point *points;
    size_t count;
};

/* The combinations, those that come to the same left out: a layout where there is one block, a
 * code without parity. LM_ELIMIT: more than SWEEP_MAX. LM_ENOMEM. */
int sweep_init(struct sweep *sweep, const struct options *options) LM_MUST_USE;
void sweep_finish(struct sweep *sweep);

/* The experiment of a point; without progress. */
void sweep_config(const struct sweep_point *point, const struct options *options,
                  const struct trace *trace, struct run_config *out);

/* The first point behind `from` that is of another environment, or the count. */
size_t sweep_environment_end(const struct sweep *sweep, size_t from);

/* Datagrams of parity per datagram of data. */
double sweep_overhead(const struct run_result *result);

/* 0..1: what got lost of the datagrams. */
double sweep_datagram_loss(const struct run_result *result);

#endif
