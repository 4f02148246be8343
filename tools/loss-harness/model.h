/* What a network path does to datagrams, in virtual time: models that each datagram passes one
 * after the other, each of which may lose it, delay it or double it. Same seed, same fates. */
#ifndef LOSS_HARNESS_MODEL_H
#define LOSS_HARNESS_MODEL_H

#include "trace.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    MODEL_CHAIN_MAX = 8,
    MODEL_IP_UDP_BYTES = 28, /* IPv4 and UDP headers, which a link carries too */
};

struct model_packet {
    size_t size_bytes;   /* of the datagram, without IP and UDP headers */
    uint64_t at_ns;      /* when it is at this point of the path */
    uint64_t copy_at_ns; /* when its copy is; 0: there is none */
};

struct model {
    /* False: lost. */
    bool (*pass)(struct model *model, struct model_packet *packet);
    uint64_t random;
    uint64_t passed, lost; /* datagrams */
    union {
        struct {
            uint64_t rate_bps, size_bytes, busy_until_ns;
        } queue;
        struct {
            uint64_t lose;
        } independent;
        struct {
            uint64_t enter, leave; /* chance per datagram, of 2^64 */
            bool inside;
        } bursts;
        struct {
            const struct trace *trace;
            size_t run;
            uint64_t left;
        } recorded;
        struct {
            uint64_t chance, most_ns;
        } delay; /* duplicate and reorder */
    };
};

struct model_chain {
    struct model models[MODEL_CHAIN_MAX];
    uint32_t count;
};

/* The random numbers of everything here (splitmix64). */
uint64_t model_random(uint64_t *state);

/* Each call adds a model at the end of the chain, which starts zeroed. Chances are 0..1. */

/* A link of `rate_bps` (> 0) behind a queue that drops what does not fit; size 0: endless. */
void model_add_queue(struct model_chain *chain, uint64_t rate_bps, uint64_t size_bytes);

/* Each datagram for itself. */
void model_add_independent(struct model_chain *chain, double loss, uint64_t seed);

/* Gilbert-Elliott: all datagrams of a burst are lost, none between. `loss` is the mean over all,
 * at most 0.5, `burst` the mean length of a burst in datagrams, at least 1. */
void model_add_bursts(struct model_chain *chain, double loss, double burst, uint64_t seed);

/* Fates as recorded, from a place that the seed chooses, over and over. Borrows the trace. */
void model_add_trace(struct model_chain *chain, const struct trace *trace, uint64_t seed);

/* A second copy follows, at most `most_ns` later. */
void model_add_duplicate(struct model_chain *chain, double chance, uint64_t most_ns, uint64_t seed);

/* Comes at most `most_ns` later, behind others. */
void model_add_reorder(struct model_chain *chain, double chance, uint64_t most_ns, uint64_t seed);

/* Sends a packet through all models; false: lost on the way. */
bool model_chain_pass(struct model_chain *chain, struct model_packet *packet);

#endif
