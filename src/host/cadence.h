/* When the next frame may go: the client's rate exactly, over time, without making a punctual
 * picture wait. Pictures a little early or late pass at once; a faster source is thinned to the
 * rate (the newest picture wins). Pure arithmetic; owned by the encode thread. */
#ifndef LUMEN_HOST_CADENCE_H
#define LUMEN_HOST_CADENCE_H

#include <stdint.h>

struct cadence {
    uint64_t period_ns, tolerance_ns;
    uint64_t remainder, divisor; /* the period's fraction: remainder / divisor ns */
    uint64_t fraction;           /* accumulated, below divisor */
    uint64_t due_ns;             /* when the next frame would be on time; 0: at once */
};

/* `refresh_mhz` in 1000..1000000. */
void cadence_init(struct cadence *c, uint32_t refresh_mhz);

/* The earliest time at which the next frame may be taken. */
uint64_t cadence_ready_ns(const struct cadence *c);

/* A frame was taken at `now_ns` (not before cadence_ready_ns). `waited_ns`: how long the picture
 * had to wait for that, 0 when it replaced an older one that was never taken. A source of the same
 * rate but another phase would wait for ever; the grid moves towards it instead, by less than 1 %
 * of the rate. */
void cadence_take(struct cadence *c, uint64_t now_ns, uint64_t waited_ns);

#endif
