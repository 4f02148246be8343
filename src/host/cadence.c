#include "host/cadence.h"

#include "core/base/check.h"

/* A quarter of a period: more than a compositor's jitter, and less than what would let two
 * pictures of one period through. */
enum { TOLERANCE_DIVISOR = 4, SHIFT_DIVISOR = 128 };

void cadence_init(struct cadence *c, uint32_t refresh_mhz)
{
    LM_CHECK(refresh_mhz >= 1000 && refresh_mhz <= 1000000);
    const uint64_t ns_per_1000_s = UINT64_C(1000000000000);
    *c = (struct cadence){
        .period_ns = ns_per_1000_s / refresh_mhz,
        .remainder = ns_per_1000_s % refresh_mhz,
        .divisor = refresh_mhz,
    };
    c->tolerance_ns = c->period_ns / TOLERANCE_DIVISOR;
}

uint64_t cadence_ready_ns(const struct cadence *c)
{
    return c->due_ns > c->tolerance_ns ? c->due_ns - c->tolerance_ns : 0;
}

void cadence_take(struct cadence *c, uint64_t now_ns, uint64_t waited_ns)
{
    /* A whole period too late: the source paused; start counting anew. A smaller delay is jitter:
     * keeping the grid keeps the mean rate exact and lets the next picture, on time, go at once. */
    if (now_ns > c->due_ns + c->period_ns) {
        c->due_ns = now_ns;
        c->fraction = 0;
    }
    c->due_ns += c->period_ns;
    if (waited_ns < c->period_ns)
        c->due_ns -= LM_MIN(waited_ns, c->period_ns / SHIFT_DIVISOR);
    c->fraction += c->remainder;
    if (c->fraction >= c->divisor) {
        c->fraction -= c->divisor;
        c->due_ns++;
    }
}
