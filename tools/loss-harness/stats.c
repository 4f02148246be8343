#include "stats.h"

#include <math.h>
#include <stdlib.h>

struct stats_interval stats_interval_of(uint64_t hits, uint64_t trials)
{
    const double z = 1.959964; /* of the normal distribution, 2.5 % on each side */
    if (!trials)
        return (struct stats_interval){0, 1};
    double n = (double)trials, p = (double)hits / n;
    double middle = (p + z * z / (2 * n)) / (1 + z * z / n);
    double half = z * sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n);
    return (struct stats_interval){hits ? fmax(0, middle - half) : 0,
                                   hits < trials ? fmin(1, middle + half) : 1};
}

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

int64_t stats_quantile(int64_t *values, size_t count, double share)
{
    if (!count)
        return 0;
    qsort(values, count, sizeof *values, compare);
    size_t rank = (size_t)ceil(share * (double)count);
    return values[rank ? rank - 1 : 0];
}
