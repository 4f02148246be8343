/* The grid of the exact frame clock: the multiples of a whole number of nanoseconds on
 * CLOCK_MONOTONIC. Host and compositor compute the same grid without talking to each other;
 * rounding the period to 1 ns costs less than 0.1 ppm of the rate. Pure; any thread. */
#ifndef LUMEN_HOST_DISPLAY_FRAME_GRID_H
#define LUMEN_HOST_DISPLAY_FRAME_GRID_H

#include <stdint.h>

/* refresh_mhz > 0; 59940 is 59.94 Hz. */
static inline uint64_t frame_grid_period_ns(uint32_t refresh_mhz)
{
    return (UINT64_C(1000000000000) + refresh_mhz / 2) / refresh_mhz;
}

/* The last tick that is not after `now_ns`. */
static inline uint64_t frame_grid_floor_ns(uint64_t now_ns, uint64_t period_ns)
{
    return now_ns - now_ns % period_ns;
}

/* The first tick that is not before `now_ns`. */
static inline uint64_t frame_grid_ceil_ns(uint64_t now_ns, uint64_t period_ns)
{
    uint64_t rest = now_ns % period_ns;
    return rest ? now_ns + period_ns - rest : now_ns;
}

#endif
