/* A network path in virtual time: delay, jitter that reorders, losses alone and in bursts, copies,
 * damage. Same seed, same fate of every datagram. */
#ifndef LUMEN_TESTS_SIM_SIM_LINK_H
#define LUMEN_TESTS_SIM_SIM_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SIM_LINK_DATAGRAM_BYTES = 2048, SIM_LINK_IN_FLIGHT = 4096 };

/* Probabilities are parts of a million, per datagram. */
struct sim_link_params {
    uint64_t delay_ns;
    uint64_t jitter_ns;    /* most that a delayed datagram comes later than the others */
    uint32_t jitter_ppm;   /* how many are delayed so */
    uint32_t loss_ppm;     /* lost alone */
    uint32_t burst_ppm;    /* begins a run of losses */
    uint32_t burst_length; /* mean length of a run */
    uint32_t copy_ppm;     /* arrives twice, the second within jitter_ns */
    uint32_t damage_ppm;   /* arrives again with a byte changed or its end cut off */
};

struct sim_link {
    struct sim_link_params params;
    uint64_t random;
    uint32_t burst_left;
    uint32_t count; /* in flight, as a heap by arrival, then order of sending */
    uint64_t sent, lost, order;
    struct sim_link_item {
        uint64_t at_ns, order;
        size_t size_bytes;
        uint8_t data[SIM_LINK_DATAGRAM_BYTES];
    } * items;
    uint32_t heap[SIM_LINK_IN_FLIGHT];
};

void sim_link_init(struct sim_link *link, const struct sim_link_params *params, uint64_t seed);
void sim_link_finish(struct sim_link *link);

/* From now on only the delay remains. */
void sim_link_calm(struct sim_link *link);

uint64_t sim_random(uint64_t *state);

/* True when the datagram will arrive at least once undamaged. */
bool sim_link_send(struct sim_link *link, const uint8_t *data, size_t size_bytes, uint64_t now_ns);

/* When the next one arrives; UINT64_MAX when nothing is in flight. */
uint64_t sim_link_next_ns(const struct sim_link *link);

/* Takes the next one into `out`; its size. */
size_t sim_link_receive(struct sim_link *link, uint8_t out[SIM_LINK_DATAGRAM_BYTES]);

#endif
