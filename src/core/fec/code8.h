/* GameStream's erasure code: systematic Cauchy Reed-Solomon over GF(2^8), polynomial 0x11D. Parity
 * row j of data i has the coefficient 1 / ((m + i) ^ j), so the code depends on m: both ends must
 * use the same. A code does not change after it is made; encode may run on several threads with
 * one code, decode too. Nothing here allocates after create. */
#ifndef LUMEN_CORE_FEC_CODE8_H
#define LUMEN_CORE_FEC_CODE8_H

#include "core/base/err.h"

#include <stddef.h>
#include <stdint.h>

#define LM_CODE8_MAX_SHARDS   255 /* k + m */
#define LM_CODE8_AUDIO_DATA   4
#define LM_CODE8_AUDIO_PARITY 2

struct lm_code8;
struct lm_code8_cache;
struct lm_code8_encoder;

/* k >= 1, m >= 1, k + m <= 255, else LM_EINVAL; LM_ENOMEM. */
int lm_code8_create(struct lm_code8 **out, unsigned k, unsigned m) LM_MUST_USE;

/* The fixed 4 + 2 matrix of GameStream's sound, which is no Cauchy matrix of the above form. */
int lm_code8_create_audio(struct lm_code8 **out) LM_MUST_USE;

/* NULL is fine. */
void lm_code8_destroy(struct lm_code8 *code);

unsigned lm_code8_data(const struct lm_code8 *code);
unsigned lm_code8_parity(const struct lm_code8 *code);

/* Computes parity[0..m-1] from data[0..k-1], `shard_bytes` bytes each (>= 1, any alignment); no
 * parity shard overlaps another shard. Only these bytes are touched. */
void lm_code8_encode(const struct lm_code8 *code, const uint8_t *const data[],
                     uint8_t *const parity[], size_t shard_bytes);

/* shards[0..k-1] are data, shards[k..k+m-1] parity; present[i] is non-zero where shards[i] holds
 * what was sent. Missing data shards need a buffer and are rebuilt in place; absent parity may be
 * NULL and is neither read nor rebuilt. Returns how many shards were rebuilt; the cost grows with
 * that. LM_ENOENT when fewer than k shards are present; then nothing is written. `present` is not
 * changed. */
int lm_code8_decode(const struct lm_code8 *code, uint8_t *const shards[], const uint8_t *present,
                    size_t shard_bytes) LM_MUST_USE;

/* Codes by shape, all memory taken at create: `slots` (1..64) codes, the least recently used makes
 * room. About 20 KiB per slot. One thread only. */
int lm_code8_cache_create(struct lm_code8_cache **out, unsigned slots) LM_MUST_USE;

/* NULL is fine. */
void lm_code8_cache_destroy(struct lm_code8_cache *cache);

/* The code of a shape, made now if needed (no allocation; tens of microseconds). Borrowed until
 * `slots` other shapes were asked for. NULL when the shape is out of range. */
const struct lm_code8 *lm_code8_cache_get(struct lm_code8_cache *cache, unsigned k, unsigned m);

/* Parity of data that arrives shard by shard, with the work done as early as it can be, so that
 * finish is short. One thread at a time; nothing is allocated after create. Codes up to
 * `max_parity` parity shards (1..254), shards up to `max_shard_bytes` (1..65535). LM_EINVAL,
 * LM_ENOMEM. Memory: the least power of two >= max_parity times max_shard_bytes, and a little. */
int lm_code8_encoder_create(struct lm_code8_encoder **out, unsigned max_parity,
                            size_t max_shard_bytes) LM_MUST_USE;

/* NULL is fine. */
void lm_code8_encoder_destroy(struct lm_code8_encoder *encoder);

/* Starts a block and forgets an unfinished one. `code` is borrowed until finish or the next begin.
 * LM_EINVAL when the code or the size is beyond what create was told. */
int lm_code8_encoder_begin(struct lm_code8_encoder *encoder, const struct lm_code8 *code,
                           size_t shard_bytes) LM_MUST_USE;

/* The next data shard, in order; borrowed and unchanged until finish or the next begin. LM_EINVAL
 * when all shards of the block were there already, or none was begun. */
int lm_code8_encoder_add(struct lm_code8_encoder *encoder, const uint8_t *shard) LM_MUST_USE;

/* Writes parity[0..m-1], exactly as lm_code8_encode would; no parity shard overlaps another shard.
 * LM_EINVAL, with nothing written, before the last data shard was added. */
int lm_code8_encoder_finish(struct lm_code8_encoder *encoder, uint8_t *const parity[]) LM_MUST_USE;

#endif
