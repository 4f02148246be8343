/* One experiment: frames of one size through a real sender, a simulated path and a real receiver,
 * in virtual time. */
#ifndef LOSS_HARNESS_RUN_H
#define LOSS_HARNESS_RUN_H

#include "model.h"
#include "stats.h"
#include "stream.h"

#include "core/base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct run_path {
    uint64_t rate_bps;         /* of the narrowest link, > 0 */
    uint64_t queue_bytes;      /* 0: endless */
    double loss, burst;        /* 0..0.5; mean length, 1: each for itself */
    const struct trace *trace; /* instead of the two; NULL: none */
    double reorder, duplicate; /* 0..1 */
    uint64_t reorder_ns;
};

struct run_config {
    struct stream_config stream;
    struct run_path path;
    uint64_t interval_ns;    /* between frames */
    uint32_t frames, enough; /* ends after so many, or so many lost ones */
    uint64_t seed;
    bool measure_cpu;
    /* Now and then, with the frames done so far; NULL: not wanted. */
    void (*progress)(void *user, uint32_t frames);
    void *user;
};

struct run_result {
    const char *impossible; /* why not, in a few words, and no more is filled in; NULL: it was */
    uint32_t frames, frames_lost;
    struct stats_interval lost_share;
    uint64_t blocks;
    uint64_t data_datagrams, parity_datagrams;
    uint64_t datagrams, datagrams_lost; /* sent; on all of the path */
    uint64_t lost_in_queue;
    uint64_t shards_repaired;
    /* How much later a frame comes out than without losses. */
    int64_t latency_p50_ns, latency_p99_ns;
    uint64_t send_cpu_ns, receive_cpu_ns, datagrams_received; /* measured */
};

/* LM_ENOMEM; LM_ECORRUPT: a frame came out other than it went in, which is a bug of the core. */
int run_experiment(const struct run_config *config, struct run_result *out) LM_MUST_USE;

#endif
