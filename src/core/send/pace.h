/* When bytes may leave: a token bucket kept as the absolute time at which all that was spent is
 * paid for, so late wake-ups do not add up. Bursts after a pause are capped. */
#ifndef LUMEN_CORE_SEND_PACE_H
#define LUMEN_CORE_SEND_PACE_H

#include <stdint.h>

struct lm_pace {
    uint64_t bytes_per_s; /* 0: unpaced */
    uint32_t burst_bytes;
    uint64_t burst_ns; /* the time in which burst_bytes are earned */
    uint64_t paid_ns;  /* when what was spent so far is earned */
};

/* Full at first. What was spent before keeps counting when a pace is set again. */
void lm_pace_set(struct lm_pace *p, uint64_t bytes_per_s, uint32_t burst_bytes);

/* Bytes that may leave now; UINT32_MAX when unpaced. */
uint32_t lm_pace_available(const struct lm_pace *p, uint64_t now_ns);

/* From when on `bytes` (at most burst_bytes) are available. */
uint64_t lm_pace_when(const struct lm_pace *p, uint32_t bytes);

/* How many of `run` datagrams (>= 1) of `size` bytes may leave now; 0: not before *wake_at. Half a
 * burst is worth a wake-up, single datagrams are not. */
uint32_t lm_pace_run(const struct lm_pace *p, uint32_t run, uint32_t size, uint64_t now_ns,
                     uint64_t *wake_at);

/* More than available is allowed, and waited for afterwards. */
void lm_pace_spend(struct lm_pace *p, uint64_t now_ns, uint32_t bytes);

/* Time that `bytes` take at the pace. */
uint64_t lm_pace_duration_ns(const struct lm_pace *p, uint64_t bytes);

#endif
