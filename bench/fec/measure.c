#include "bench/fec/measure.h"

#include "core/base/check.h"

#include <stdlib.h>
#include <time.h>

/* A sample is long beside the clock's grain and short beside a time slice. */
enum { SAMPLE_NS = 25000, TURN_SAMPLES = 3 };

uint64_t measure_now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static double sample(const struct measure_job *job)
{
    uint64_t sum = 0;
    if (!job->before) {
        uint64_t start = measure_now_ns();
        job->call(job->context, job->batch);
        return (double)(measure_now_ns() - start) / job->batch;
    }
    for (uint32_t i = 0; i < job->batch; i++) {
        job->before(job->context);
        uint64_t start = measure_now_ns();
        job->call(job->context, 1);
        sum += measure_now_ns() - start;
    }
    return (double)sum / job->batch;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void prepare(struct measure_job *job, uint32_t rounds)
{
    double once;
    job->samples = malloc(rounds * TURN_SAMPLES * sizeof *job->samples);
    LM_CHECK(job->samples);
    job->batch = 1;
    sample(job);
    once = sample(job);
    job->batch = once < SAMPLE_NS ? (uint32_t)(SAMPLE_NS / (once + 1)) + 1 : 1;
}

static void one_turn(struct measure_job *job, uint32_t round)
{
    if (job->before)
        job->before(job->context);
    job->call(job->context, 1);
    for (uint32_t i = 0; i < TURN_SAMPLES; i++)
        job->samples[round * TURN_SAMPLES + i] = sample(job);
}

void measure_run(struct measure_job *jobs, size_t count, uint32_t rounds)
{
    LM_CHECK(rounds >= 1 && rounds <= MEASURE_MAX_ROUNDS);
    for (size_t i = 0; i < count; i++)
        prepare(&jobs[i], rounds);
    for (uint32_t round = 0; round < rounds; round++)
        for (size_t i = 0; i < count; i++)
            one_turn(&jobs[i], round);
    for (size_t i = 0; i < count; i++) {
        uint32_t samples = rounds * TURN_SAMPLES;
        qsort(jobs[i].samples, samples, sizeof *jobs[i].samples, by_value);
        jobs[i].median_ns = jobs[i].samples[samples / 2];
        jobs[i].best_ns = jobs[i].samples[0];
        free(jobs[i].samples);
        jobs[i].samples = NULL;
    }
}
