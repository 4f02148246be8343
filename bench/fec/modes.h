/* Measurements that are not the big table. */
#ifndef LUMEN_BENCH_FEC_MODES_H
#define LUMEN_BENCH_FEC_MODES_H

#include "bench/fec/fec_plugin.h"

/* lumen16's decoding methods over the number of losses, and what its cost model makes of it. */
int fec_mode_crossover(const struct fec_shape *shape, uint32_t rounds);

/* Microseconds for few losses: 1, 3 and 11 of (212, 42) with 1408-byte shards, the data of a
 * GameStream block, and 1 of (1000, 200). */
int fec_mode_few(const struct fec_plugin *const plugins[], uint32_t count, enum fec_level level,
                 uint32_t rounds);

/* Incremental encoding with lumen16: ns from the last shard to the parity; 0 when the shape is
 * none of its. */
double fec_mode_finish_ns(const struct fec_shape *shape, uint32_t rounds);

#endif
