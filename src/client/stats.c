#include "client/stats.h"

#include "core/base/check.h"
#include "core/base/time.h"

#include <complex.h>
#include <math.h>
#include <stdlib.h>

void stats_spread_add(struct stats_spread *s, uint64_t duration_ns)
{
    uint64_t us = duration_ns / LM_NS_PER_US;
    uint64_t bucket = us / STATS_STEP_US;
    s->buckets[LM_MIN(bucket, (uint64_t)STATS_BUCKETS - 1)]++;
    s->count++;
    s->sum_us += us;
    s->max_us = LM_MAX(s->max_us, us);
}

double stats_spread_ms(const struct stats_spread *s, double share)
{
    if (s->count == 0)
        return 0;
    uint64_t rank = (uint64_t)ceil(share * (double)s->count), below = 0;
    rank = LM_CLAMP(rank, 1, s->count);
    for (uint32_t i = 0; i < STATS_BUCKETS; i++) {
        below += s->buckets[i];
        if (below >= rank)
            return LM_MIN((i + 0.5) * STATS_STEP_US, (double)s->max_us) / 1000;
    }
    return (double)s->max_us / 1000;
}

double stats_spread_mean_ms(const struct stats_spread *s)
{
    return s->count ? (double)s->sum_us / (double)s->count / 1000 : 0;
}

void stats_cadence_init(struct stats_cadence *c, uint32_t rate_mhz)
{
    *c = (struct stats_cadence){.nominal_ns = rate_mhz ? LM_NS_PER_S * 1000 / rate_mhz : 0};
}

void stats_cadence_add(struct stats_cadence *c, uint64_t now_ns)
{
    uint64_t last = c->last_ns;
    c->last_ns = now_ns;
    if (last == 0 || now_ns < last)
        return;
    uint64_t interval = now_ns - last;
    stats_spread_add(&c->spread, interval);
    if (interval * 2 < c->nominal_ns)
        c->early++;
    else if (interval * 2 < c->nominal_ns * 3)
        c->on_time++;
    else if (interval * 2 < c->nominal_ns * 5)
        c->late++;
    else
        c->missed++;
}

void stats_pattern_add(struct stats_pattern *p, const struct stamp *stamp, uint64_t received_ns)
{
    if (!stamp) {
        p->unreadable++;
        return;
    }
    p->read++;
    uint32_t step = stamp->counter - p->last_counter;
    if (p->started && step == 0) {
        p->doubles++;
        return; /* the age of a repeated picture says nothing about the way it came */
    }
    if (p->started && step > UINT32_MAX / 2) {
        p->out_of_order++;
        return;
    }
    /* What the stream begins with may have stood there for long: its age says nothing either. */
    bool fresh = p->started;
    if (p->started)
        p->skipped += step - 1;
    p->started = true;
    p->distinct++;
    p->last_counter = stamp->counter;
    if (fresh && received_ns >= stamp->time_ns)
        stats_spread_add(&p->age, received_ns - stamp->time_ns);
}

void stats_tone_add(struct stats_tone *t, const float *interleaved, uint32_t channels,
                    uint32_t count)
{
    LM_CHECK(channels >= 1 && channels <= STATS_MAX_CHANNELS);
    t->channels = channels;
    for (uint32_t i = 0; i < count; i++, interleaved += channels) {
        for (uint32_t c = 0; c < channels; c++)
            t->power[c] += (double)interleaved[c] * interleaved[c];
        t->samples[t->at] = interleaved[0];
        t->at = (t->at + 1) % STATS_TONE_SAMPLES;
    }
    t->count += count;
}

double stats_tone_rms(const struct stats_tone *t, uint32_t channel)
{
    return t->count && channel < t->channels ? sqrt(t->power[channel] / (double)t->count) : 0;
}

static void swap_bits(double complex *x, size_t n)
{
    for (size_t i = 1, j = 0; i < n; i++) {
        size_t bit = n >> 1;
        for (; j & bit; bit >>= 1)
            j ^= bit;
        j |= bit;
        if (i < j) {
            double complex swap = x[i];
            x[i] = x[j];
            x[j] = swap;
        }
    }
}

/* In place, n a power of two. */
static void fft(double complex *x, size_t n)
{
    swap_bits(x, n);
    for (size_t half = 1; half < n; half *= 2) {
        double complex turn = cexp(-I * M_PI / (double)half);
        for (size_t start = 0; start < n; start += 2 * half) {
            double complex w = 1;
            for (size_t i = start; i < start + half; i++, w *= turn) {
                double complex odd = w * x[i + half];
                x[i + half] = x[i] - odd;
                x[i] += odd;
            }
        }
    }
}

/* Where a parabola through three neighbours has its top, in bins off the middle one. */
static double parabola_top(double left, double middle, double right)
{
    double bend = left - 2 * middle + right;
    return bend < 0 ? 0.5 * (left - right) / bend : 0;
}

double stats_tone_hz(const struct stats_tone *t, uint32_t rate_hz)
{
    const size_t n = STATS_TONE_SAMPLES;
    if (t->count < n)
        return 0;
    double complex *x = malloc(n * sizeof *x);
    if (!x)
        return 0;
    for (size_t i = 0; i < n; i++) {
        double window = 0.5 - 0.5 * cos(2 * M_PI * (double)i / (double)n);
        x[i] = window * (double)t->samples[(t->at + i) % n];
    }
    fft(x, n);
    size_t best = 0;
    double most = 1e-3; /* about -120 dB of full scale: silence has no pitch */
    for (size_t i = 10; i < n / 2 - 1; i++)
        if (cabs(x[i]) > most) {
            most = cabs(x[i]);
            best = i;
        }
    double bin = 0;
    if (best)
        bin = (double)best + parabola_top(log(cabs(x[best - 1]) + 1e-12), log(most),
                                          log(cabs(x[best + 1]) + 1e-12));
    free(x);
    return bin * rate_hz / (double)n;
}
