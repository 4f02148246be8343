/* One block of shards per code: the data shared, parity and rebuilt shards its own. */
#ifndef LUMEN_BENCH_FEC_BLOCK_H
#define LUMEN_BENCH_FEC_BLOCK_H

#include "bench/fec/fec_plugin.h"

#include <stdbool.h>

struct fec_data {
    struct fec_shape shape;
    uint8_t *bytes; /* k shards, contiguous */
    const uint8_t **shards;
};

struct fec_block {
    const struct fec_plugin *plugin;
    const struct fec_data *data; /* borrowed */
    void *code;
    uint8_t *parity_bytes, *rebuilt_bytes;
    uint8_t **parity; /* m; the plug-in may point them elsewhere */
    uint8_t **shards; /* k + m, for the losses set last */
    uint32_t *lost, lost_count;
    double create_us;
    bool failed;
};

void fec_data_init(struct fec_data *data, const struct fec_shape *shape);
void fec_data_finish(struct fec_data *data);

/* Creates the code and encodes once. Non-zero: the plug-in has no such shape. */
int fec_block_init(struct fec_block *block, const struct fec_plugin *plugin,
                   const struct fec_data *data);
void fec_block_finish(struct fec_block *block);

/* `count` data shards, the same for every code and run, are lost from now on; decodes once and
 * compares. Sets `failed` when a byte differs. */
void fec_block_lose(struct fec_block *block, uint32_t count);

/* What is timed; `context` is a block. */
void fec_block_encode(void *context, uint32_t times);
void fec_block_decode(void *context, uint32_t times);

/* A digest of the parity: equal for codes that agree. */
uint32_t fec_block_digest(const struct fec_block *block);

#endif
