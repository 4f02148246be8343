/* lumen/1's erasure code for large blocks: Reed-Solomon over GF(2^16), parity byte for byte that of
 * Leopard's GF(2^16) code. With M the least power of two >= m, parity j sits at point j, data i at
 * point M + i.
 *
 * An object is a workspace for shapes up to its limits: changing the shape from block to block
 * costs nothing. It belongs to one thread at a time. Nothing here allocates after create. */
#ifndef LUMEN_CORE_FEC_CODE16_H
#define LUMEN_CORE_FEC_CODE16_H

#include "core/base/err.h"

#include <stddef.h>
#include <stdint.h>

enum {
    LM_CODE16_MAX_POINTS = 65536,      /* M + k */
    LM_CODE16_MAX_SHARD_BYTES = 65472, /* of a datagram's shard, a multiple of 64 */
};

struct lm_code16;

/* The largest k, m and shard. k >= 1, m >= 1, M + k <= 65536. More parity than data works, but
 * where M exceeds the least power of two >= k, implementations of this code disagree. */
struct lm_code16_limits {
    unsigned data, parity;
    size_t shard_bytes; /* even, 2..65472 */
};

/* How lost data is found. */
enum lm_code16_method {
    LM_CODE16_AUTO = 1,  /* the cost model chooses */
    LM_CODE16_DENSE,     /* syndromes by dense rows, dense solve */
    LM_CODE16_MIXED,     /* syndromes by transforms, dense solve */
    LM_CODE16_TRANSFORM, /* transforms throughout */
};

/* Memory: about (2 * M + m) * shard_bytes + 100 * (M + k) bytes, touched as far as shapes need it.
 * LM_EINVAL, LM_ENOMEM. */
int lm_code16_create(struct lm_code16 **out, const struct lm_code16_limits *limits) LM_MUST_USE;
/* NULL is fine. */
void lm_code16_destroy(struct lm_code16 *code);

/* 0 when (k, m) with shards of this size is a code and within the limits, else LM_EINVAL. */
int lm_code16_check(const struct lm_code16 *code, unsigned k, unsigned m,
                    size_t shard_bytes) LM_MUST_USE;

/* Computes parity[0..m-1] from data[0..k-1], shard_bytes each (even; any alignment); no parity
 * shard overlaps another shard. LM_EINVAL as of lm_code16_check, with nothing written. */
int lm_code16_encode(struct lm_code16 *code, unsigned k, unsigned m, const uint8_t *const data[],
                     uint8_t *const parity[], size_t shard_bytes) LM_MUST_USE;

/* The same as data arrives: begin, add k times in the order of the shards, finish. A shard stays
 * borrowed until finish or the next begin. The work of a shard is done as early as it can be, so
 * that finish is short. An encode or decode in between ends the block: what follows fails.
 * LM_EINVAL: out of range, nothing begun, or more or fewer shards than k. */
int lm_code16_begin(struct lm_code16 *code, unsigned k, unsigned m, size_t shard_bytes) LM_MUST_USE;
int lm_code16_add(struct lm_code16 *code, const uint8_t *shard) LM_MUST_USE;
int lm_code16_finish(struct lm_code16 *code, uint8_t *const parity[]) LM_MUST_USE;

/* shards[0..k-1] are data, shards[k..k+m-1] parity; present[i] is non-zero where shards[i] holds
 * what was sent. Missing data shards need a buffer and are rebuilt in place; absent parity may be
 * NULL and is neither read nor rebuilt; present shards are not changed. Returns how many shards
 * were rebuilt. LM_ENOENT when fewer than k shards are present, LM_EINVAL as above; then nothing is
 * written. */
int lm_code16_decode(struct lm_code16 *code, unsigned k, unsigned m, uint8_t *const shards[],
                     const uint8_t *present, size_t shard_bytes) LM_MUST_USE;

/* For tests and benchmarks: decode uses this method from now on. Fewer than two lost shards are
 * always found the dense way. */
void lm_code16_set_method(struct lm_code16 *code, enum lm_code16_method method);

#endif
