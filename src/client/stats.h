/* Measurements of one stream: distributions with percentiles, the cadence of frames, what the
 * painted clock tells, and the pitch of the sound. No allocation after init, no clock. Each object
 * is written by one thread and read when that thread has ended (or, for counters of the overlay,
 * copied by it). */
#ifndef LUMEN_CLIENT_STATS_H
#define LUMEN_CLIENT_STATS_H

#include "media/stamp.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    STATS_STEP_US = 20,    /* resolution of a distribution */
    STATS_BUCKETS = 50000, /* up to 1 s; what is longer counts as 1 s but for max */
    STATS_TONE_SAMPLES = 32768,
    STATS_MAX_CHANNELS = 8,
};

/* A distribution of durations. */
struct stats_spread {
    uint64_t count, sum_us, max_us;
    uint32_t buckets[STATS_BUCKETS];
};

void stats_spread_add(struct stats_spread *s, uint64_t duration_ns);

/* The duration that `share` (0..1) of all lie at or below, ms; 0 when there are none. */
double stats_spread_ms(const struct stats_spread *s, double share);
double stats_spread_mean_ms(const struct stats_spread *s);

/* Intervals between frames in units of the nominal one. */
struct stats_cadence {
    uint64_t nominal_ns, last_ns;
    uint64_t early, on_time, late, missed; /* below 0.5, to 1.5, to 2.5, above */
    struct stats_spread spread;
};

void stats_cadence_init(struct stats_cadence *c, uint32_t rate_mhz);
void stats_cadence_add(struct stats_cadence *c, uint64_t now_ns);

/* Stamps of the painted clock, in the order of decoded pictures. */
struct stats_pattern {
    uint64_t read, unreadable;
    uint64_t distinct, doubles, skipped, out_of_order;
    bool started;
    uint32_t last_counter;
    struct stats_spread age; /* painted to received; means something on the same machine only */
};

/* `stamp` NULL: none could be read from the picture. `received_ns`: its last datagram arrived. */
void stats_pattern_add(struct stats_pattern *p, const struct stamp *stamp, uint64_t received_ns);

/* The last STATS_TONE_SAMPLES samples of the first channel, and the power of all channels. */
struct stats_tone {
    uint32_t channels, at;
    uint64_t count; /* per channel */
    double power[STATS_MAX_CHANNELS];
    float samples[STATS_TONE_SAMPLES];
};

void stats_tone_add(struct stats_tone *t, const float *interleaved, uint32_t channels,
                    uint32_t count);

/* Frequency with the most power, Hz; 0 when there is too little sound. Takes a few ms. */
double stats_tone_hz(const struct stats_tone *t, uint32_t rate_hz);

/* Root mean square of one channel over the whole stream; full scale is 1. */
double stats_tone_rms(const struct stats_tone *t, uint32_t channel);

#endif
