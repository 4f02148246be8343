/* The one place that reads the clock. Threads read it once per batch and pass the time down. */
#ifndef LUMEN_CORE_TRANSPORT_CLOCK_H
#define LUMEN_CORE_TRANSPORT_CLOCK_H

#include "core/base/time.h"

#include <time.h>

/* CLOCK_MONOTONIC, the clock of Wayland presentation and of timerfd. Any thread. */
static inline uint64_t lm_clock_now_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * LM_NS_PER_S + (uint64_t)ts.tv_nsec;
}

#endif
