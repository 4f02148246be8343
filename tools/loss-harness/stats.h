/* What counts say about chances. */
#ifndef LOSS_HARNESS_STATS_H
#define LOSS_HARNESS_STATS_H

#include <stddef.h>
#include <stdint.h>

struct stats_interval {
    double low, high; /* 0..1 */
};

/* Where the chance lies, with 95 % confidence, of which `hits` of `trials` events tell (Wilson).
 * No trials: 0..1. */
struct stats_interval stats_interval_of(uint64_t hits, uint64_t trials);

/* The value below which a share of 0..1 of the values lies; sorts them. 0 when there are none. */
int64_t stats_quantile(int64_t *values, size_t count, double share);

#endif
