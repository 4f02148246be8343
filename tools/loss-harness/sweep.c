#include "sweep.h"

#include "core/base/check.h"
#include "core/base/time.h"
#include "core/wire/wire.h"

#include <stdlib.h>
#include <string.h>

void sweep_config(const struct sweep_point *p, const struct options *o, const struct trace *trace,
                  struct run_config *out)
{
    *out = (struct run_config){
        .stream = {.code = (enum code)p->at[AXIS_CODE],
                   .layout = (enum layout)p->at[AXIS_LAYOUT],
                   .parity_percent = (uint32_t)p->at[AXIS_PARITY],
                   .frame_bytes = (uint32_t)p->at[AXIS_FRAME],
                   .shard_bytes = (uint32_t)o->shard_bytes,
                   .max_block = (uint32_t)o->max_block,
                   .encrypt = o->encrypt,
                   .pace_bytes_per_s = (uint64_t)(p->at[AXIS_PACE] / 8),
                   .pace_burst_bytes = (uint32_t)o->pace_burst_bytes,
                   .reorder_ns = (uint64_t)(o->wait_ms * 1e6)},
        .path = {.rate_bps = (uint64_t)p->at[AXIS_RATE],
                 .queue_bytes = (uint64_t)p->at[AXIS_QUEUE],
                 .loss = p->at[AXIS_LOSS] / 100,
                 .burst = p->at[AXIS_BURST],
                 .trace = trace,
                 .reorder = o->reorder_percent / 100,
                 .duplicate = o->duplicate_percent / 100,
                 .reorder_ns = (uint64_t)(o->reorder_ms * 1e6)},
        .interval_ns = (uint64_t)(1e9 / o->fps),
        .frames = (uint32_t)o->frames,
        .enough = (uint32_t)o->enough,
        .seed = (uint64_t)o->seed,
        .measure_cpu = !o->no_cpu,
    };
}

/* The same for all combinations that come to the same. */
static void normalize(struct sweep_point *p, const struct options *o)
{
    struct run_config config;
    if (p->at[AXIS_CODE] != CODE_GAMESTREAM && p->at[AXIS_PARITY] == 0)
        p->at[AXIS_CODE] = CODE_NONE;
    if (p->at[AXIS_CODE] == CODE_NONE)
        p->at[AXIS_PARITY] = 0;
    if (p->at[AXIS_CODE] == CODE_GAMESTREAM)
        p->at[AXIS_LAYOUT] = LAYOUT_CONTIGUOUS;
    if (p->at[AXIS_LOSS] == 0)
        p->at[AXIS_BURST] = 1;
    sweep_config(p, o, NULL, &config);
    p->blocks = stream_blocks(&config.stream);
    if (p->blocks == 1)
        p->at[AXIS_LAYOUT] = LAYOUT_SINGLE;
    uint32_t header = p->at[AXIS_CODE] == CODE_GAMESTREAM ? LM_GSV_FRAME_BYTES : LM_L1_FRAME_BYTES;
    p->data_shards = (config.stream.frame_bytes + header + config.stream.shard_bytes - 1) /
                     config.stream.shard_bytes;
}

static bool is_known(const struct sweep *s, const struct sweep_point *p)
{
    for (size_t i = s->count; i-- > 0;)
        if (memcmp(s->points[i].at, p->at, sizeof p->at) == 0)
            return true;
    return false;
}

int sweep_init(struct sweep *s, const struct options *o)
{
    size_t total = 1;
    *s = (struct sweep){0};
    for (int axis = 0; axis < AXES; axis++) {
        total *= o->axes[axis].count;
        if (total > SWEEP_MAX)
            return LM_ELIMIT;
    }
    s->points = calloc(total, sizeof *s->points);
    if (!s->points)
        return LM_ENOMEM;
    for (size_t i = 0; i < total; i++) {
        struct sweep_point *p = &s->points[s->count];
        size_t rest = i;
        *p = (struct sweep_point){0};
        for (int axis = AXES - 1; axis >= 0; axis--) { /* the last one changes fastest */
            p->at[axis] = o->axes[axis].at[rest % o->axes[axis].count];
            rest /= o->axes[axis].count;
        }
        normalize(p, o);
        s->count += !is_known(s, p);
    }
    return LM_OK;
}

void sweep_finish(struct sweep *sweep)
{
    free(sweep->points);
    *sweep = (struct sweep){0};
}

size_t sweep_environment_end(const struct sweep *s, size_t from)
{
    size_t end = from;
    while (end < s->count &&
           memcmp(s->points[end].at, s->points[from].at, AXIS_CODE * sizeof(double)) == 0)
        end++;
    return end;
}

double sweep_overhead(const struct run_result *r)
{
    return r->data_datagrams ? (double)r->parity_datagrams / (double)r->data_datagrams : 0;
}

double sweep_datagram_loss(const struct run_result *r)
{
    return r->datagrams ? (double)r->datagrams_lost / (double)r->datagrams : 0;
}
