/* Results of one shape, as a table for people and as JSON. */
#ifndef LUMEN_BENCH_FEC_REPORT_H
#define LUMEN_BENCH_FEC_REPORT_H

#include "bench/fec/block.h"

enum fec_column { FEC_ENCODE, FEC_FEW_LOST, FEC_ALL_LOST, FEC_COLUMNS };

struct fec_row {
    const struct fec_plugin *plugin;
    bool ours;
    double gb_s[FEC_COLUMNS]; /* of original data, medians */
    double median_ns[FEC_COLUMNS], best_ns[FEC_COLUMNS];
    double create_us;
    double finish_ns; /* incremental encoding: after the last shard; 0: has none */
    uint32_t digest;
    bool failed;
};

/* Once per plug-in, with its first code. */
struct fec_setup {
    double first_create_us;
    long resident_kib;
};

void fec_report_setup(const struct fec_plugin *plugin, const struct fec_setup *setup, bool json);
void fec_report_shape(const struct fec_shape *shape, uint32_t few, const struct fec_row *rows,
                      uint32_t count);
void fec_report_json(const struct fec_shape *shape, uint32_t few, const struct fec_row *rows,
                     uint32_t count);

#endif
