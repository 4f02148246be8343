#include "core/send/pace.h"

#include "core/base/check.h"

#include "core/base/time.h"

uint64_t lm_pace_duration_ns(const struct lm_pace *p, uint64_t bytes)
{
    if (!p->bytes_per_s)
        return 0;
    /* Whole seconds apart, so that the product stays below 2^64 up to 18 GB/s; rounded up: never
     * faster than the rate. */
    uint64_t seconds = bytes / p->bytes_per_s, rest = bytes % p->bytes_per_s;
    return seconds * LM_NS_PER_S + (rest * LM_NS_PER_S + p->bytes_per_s - 1) / p->bytes_per_s;
}

void lm_pace_set(struct lm_pace *p, uint64_t bytes_per_s, uint32_t burst_bytes)
{
    const uint64_t fastest = UINT64_C(10000000000);
    p->bytes_per_s = bytes_per_s < fastest ? bytes_per_s : fastest;
    p->burst_bytes = burst_bytes;
    p->burst_ns = lm_pace_duration_ns(p, burst_bytes);
}

uint32_t lm_pace_available(const struct lm_pace *p, uint64_t now_ns)
{
    if (!p->bytes_per_s)
        return UINT32_MAX;
    uint64_t debt_ns = p->paid_ns > now_ns ? p->paid_ns - now_ns : 0;
    if (debt_ns >= p->burst_ns)
        return 0;
    uint64_t free_ns = p->burst_ns - debt_ns;
    uint64_t whole = free_ns / LM_NS_PER_S, rest = free_ns % LM_NS_PER_S;
    uint64_t bytes = whole * p->bytes_per_s + rest * p->bytes_per_s / LM_NS_PER_S;
    return bytes < p->burst_bytes ? (uint32_t)bytes : p->burst_bytes;
}

uint64_t lm_pace_when(const struct lm_pace *p, uint32_t bytes)
{
    uint64_t need_ns = lm_pace_duration_ns(p, bytes);
    uint64_t ahead_ns = p->burst_ns > need_ns ? p->burst_ns - need_ns : 0;
    return p->paid_ns > ahead_ns ? p->paid_ns - ahead_ns : 0;
}

uint32_t lm_pace_run(const struct lm_pace *p, uint32_t run, uint32_t size, uint64_t now_ns,
                     uint64_t *wake_at)
{
    uint32_t allowed = lm_pace_available(p, now_ns) / size;
    if (!p->bytes_per_s || allowed >= run)
        return run;
    uint32_t worth = LM_MIN(LM_MAX(p->burst_bytes / 2 / size, 1), run);
    if (allowed >= worth)
        return allowed;
    *wake_at = lm_pace_when(p, worth * size);
    return 0;
}

void lm_pace_spend(struct lm_pace *p, uint64_t now_ns, uint32_t bytes)
{
    uint64_t from = p->paid_ns > now_ns ? p->paid_ns : now_ns;
    p->paid_ns = from + lm_pace_duration_ns(p, bytes);
}
