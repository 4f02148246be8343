#include "json.h"

#include "report.h"

#include "core/base/time.h"

#include <jansson.h>

static void set_number(json_t *object, const char *name, double value)
{
    json_object_set_new(object, name, json_real(value));
}

static void set_count(json_t *object, const char *name, uint64_t value)
{
    json_object_set_new(object, name, json_integer((json_int_t)value));
}

static void set_text(json_t *object, const char *name, const char *text)
{
    json_object_set_new(object, name, json_string(text));
}

static void add_setting(json_t *object, const struct sweep_point *p)
{
    enum layout layout = (enum layout)p->at[AXIS_LAYOUT];
    set_count(object, "frame_bytes", (uint64_t)p->at[AXIS_FRAME]);
    set_count(object, "data_shards", p->data_shards);
    set_count(object, "rate_bps", (uint64_t)p->at[AXIS_RATE]);
    set_count(object, "queue_bytes", (uint64_t)p->at[AXIS_QUEUE]);
    set_count(object, "pace_bps", (uint64_t)p->at[AXIS_PACE]);
    set_number(object, "burst", p->at[AXIS_BURST]);
    set_number(object, "loss_percent", p->at[AXIS_LOSS]);
    set_text(object, "code", options_code_name((enum code)p->at[AXIS_CODE]));
    set_text(object, "layout", layout == LAYOUT_SINGLE ? "single" : options_layout_name(layout));
    set_count(object, "parity_percent", (uint64_t)p->at[AXIS_PARITY]);
}

static void add_result(json_t *object, const struct run_result *r)
{
    set_count(object, "frames", r->frames);
    set_count(object, "frames_lost", r->frames_lost);
    set_number(object, "lost_percent", 100.0 * r->frames_lost / r->frames);
    set_number(object, "lost_percent_low", 100 * r->lost_share.low);
    set_number(object, "lost_percent_high", 100 * r->lost_share.high);
    set_count(object, "blocks", r->blocks);
    set_count(object, "datagrams", r->datagrams);
    set_count(object, "datagrams_lost", r->datagrams_lost);
    set_count(object, "datagrams_lost_in_queue", r->lost_in_queue);
    set_count(object, "shards_repaired", r->shards_repaired);
    set_number(object, "overhead_percent", 100 * sweep_overhead(r));
    set_number(object, "later_p50_ms", (double)r->latency_p50_ns / 1e6);
    set_number(object, "later_p99_ms", (double)r->latency_p99_ns / 1e6);
}

static void add_cpu(json_t *object, const struct run_result *r)
{
    uint64_t made = r->data_datagrams + r->parity_datagrams, got = r->datagrams_received;
    set_number(object, "measured_send_ns", made ? (double)r->send_cpu_ns / (double)made : 0);
    set_number(object, "measured_receive_ns", got ? (double)r->receive_cpu_ns / (double)got : 0);
}

static json_t *make(const struct sweep *s, const struct options *o)
{
    json_t *root = json_object(), *results = json_array();
    set_count(root, "seed", (uint64_t)o->seed);
    set_number(root, "fps", o->fps);
    set_count(root, "shard_bytes", (uint64_t)o->shard_bytes);
    set_count(root, "max_block", (uint64_t)o->max_block);
    set_count(root, "pace_burst_bytes", (uint64_t)o->pace_burst_bytes);
    set_number(root, "wait_ms", o->wait_ms);
    set_number(root, "reorder_percent", o->reorder_percent);
    set_number(root, "duplicate_percent", o->duplicate_percent);
    set_number(root, "reorder_by_ms", o->reorder_ms);
    json_object_set_new(root, "encrypted", json_boolean(o->encrypt));
    json_object_set_new(root, "trace", o->trace ? json_string(o->trace) : json_null());
    for (size_t i = 0; i < s->count; i++) {
        const struct sweep_point *p = &s->points[i];
        json_t *object = json_object();
        add_setting(object, p);
        if (p->result.impossible)
            set_text(object, "impossible", p->result.impossible);
        else
            add_result(object, &p->result);
        if (!p->result.impossible && !o->no_cpu)
            add_cpu(object, &p->result);
        json_array_append_new(results, object);
    }
    json_object_set_new(root, "results", results);
    return root;
}

int json_write(const struct sweep *sweep, const struct options *options, FILE *out)
{
    json_t *root = make(sweep, options);
    if (!root)
        return LM_ENOMEM;
    int rc = json_dumpf(root, out, JSON_INDENT(2) | JSON_REAL_PRECISION(6)) < 0 ? LM_EIO : LM_OK;
    json_decref(root);
    return rc == LM_OK && fputc('\n', out) == EOF ? LM_EIO : rc;
}
