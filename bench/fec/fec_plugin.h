/* What an erasure code brings to be measured by bench-fec. A plug-in is a shared object that
 * exports
 *
 *     const struct fec_plugin *fec_plugin_get(void);
 *
 * and needs nothing but this header. One thread calls it. */
#ifndef LUMEN_BENCH_FEC_PLUGIN_H
#define LUMEN_BENCH_FEC_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#define FEC_PLUGIN_ABI 1

/* Which instructions a code may use; AUTO: its own choice. A code that cannot be held to a level
 * declines the shape unless its own choice lies within the level. */
enum fec_level {
    FEC_LEVEL_AUTO = 1,
    FEC_LEVEL_C,       /* no vectors asked for */
    FEC_LEVEL_AVX2,    /* no GFNI, no AVX-512 */
    FEC_LEVEL_GFNI256, /* GFNI on 32-byte vectors */
    FEC_LEVEL_GFNI512,
};

struct fec_shape {
    uint32_t k, m;        /* data and parity shards */
    uint32_t shard_bytes; /* a multiple of 64 */
    enum fec_level level;
};

struct fec_plugin {
    uint32_t abi;        /* FEC_PLUGIN_ABI */
    const char *name;    /* one word */
    const char *version; /* of the library measured */
    const char *field;   /* "2^8", "2^16" or what else the reader must know */

    /* 0, or non-zero where the code cannot do this shape: then it has no row. */
    int (*create)(void **code, const struct fec_shape *shape);
    void (*destroy)(void *code);

    /* data[k] in, parity[m] out. Buffers are 64-byte aligned. A code that keeps its results in
     * memory of its own may point parity[j] there instead, so that no copy is charged to it; they
     * stay valid until its next call. Non-zero: failed. */
    int (*encode)(void *code, const uint8_t *const data[], uint8_t *parity[]);

    /* shards[k + m]; lost[] lists the `count` indices of shards that did not arrive, ascending, at
     * most m. Lost data is rebuilt into its buffer, or shards[i] pointed at it as above; the other
     * shards are not changed. Lost parity need not be rebuilt. */
    int (*decode)(void *code, uint8_t *shards[], const uint32_t lost[], uint32_t count);

    /* May be NULL. The same work `times` times over, for a library in a language to which each call
     * from C costs as much as a small block. */
    int (*encode_times)(void *code, const uint8_t *const data[], uint8_t *parity[], uint32_t times);
    int (*decode_times)(void *code, uint8_t *shards[], const uint32_t lost[], uint32_t count,
                        uint32_t times);
};

#ifdef __cplusplus
extern "C"
#endif
    const struct fec_plugin *
    fec_plugin_get(void);

#endif
