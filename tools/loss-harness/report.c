#include "report.h"

#include "table.h"

#include "core/base/check.h"
#include "core/base/time.h"

#include <math.h>
#include <stdarg.h>
#include <string.h>

static void scaled(double value, const char *unit, char *out)
{
    static const char *const prefixes[] = {"", "k", "M", "G"};
    size_t i = 0;
    for (; i + 1 < LM_ARRAY_LEN(prefixes) && value >= 999.5; i++)
        value /= 1000;
    snprintf(out, REPORT_TEXT_BYTES, "%.3g %s%s", value, prefixes[i], unit);
}

void report_bytes(double bytes, char out[REPORT_TEXT_BYTES])
{
    scaled(bytes, "B", out);
}

void report_rate(double bps, char out[REPORT_TEXT_BYTES])
{
    scaled(bps, "bit/s", out);
}

void report_setting(const struct sweep_point *p, char out[REPORT_TEXT_BYTES])
{
    enum layout layout = (enum layout)p->at[AXIS_LAYOUT];
    bool tells = layout != LAYOUT_SINGLE && p->at[AXIS_CODE] != CODE_GAMESTREAM;
    snprintf(out, REPORT_TEXT_BYTES, "%s%s%s", options_code_name((enum code)p->at[AXIS_CODE]),
             tells ? " " : "", tells ? options_layout_name(layout) : "");
}

__attribute__((format(printf, 2, 3))) static void append(char out[REPORT_TEXT_BYTES],
                                                         const char *format, ...)
{
    size_t length = strlen(out);
    va_list args;
    va_start(args, format);
    if (length)
        length += (size_t)snprintf(out + length, REPORT_TEXT_BYTES - length, ", ");
    if (length < REPORT_TEXT_BYTES)
        vsnprintf(out + length, REPORT_TEXT_BYTES - length, format, args);
    va_end(args);
}

static bool varies(const struct options *o, enum axis axis)
{
    return o->axes[axis].count > 1;
}

void report_environment(const struct sweep_point *p, const struct options *o,
                        char out[REPORT_TEXT_BYTES])
{
    char text[REPORT_TEXT_BYTES];
    out[0] = 0;
    if (o->trace)
        append(out, "losses as recorded");
    else if (p->at[AXIS_LOSS] > 0 && p->at[AXIS_BURST] > 1)
        append(out, "%g %% loss in bursts of %g", p->at[AXIS_LOSS], p->at[AXIS_BURST]);
    else if (p->at[AXIS_LOSS] > 0)
        append(out, "%g %% loss, one by one", p->at[AXIS_LOSS]);
    else if (varies(o, AXIS_LOSS))
        append(out, "no loss but the queue's");
    report_bytes(p->at[AXIS_FRAME], text);
    if (varies(o, AXIS_FRAME))
        append(out, "frames of %s", text);
    report_rate(p->at[AXIS_RATE], text);
    if (varies(o, AXIS_RATE))
        append(out, "link of %s", text);
    report_bytes(p->at[AXIS_QUEUE], text);
    if (varies(o, AXIS_QUEUE))
        append(out, "%s%s", p->at[AXIS_QUEUE] > 0 ? "queue of " : "endless queue",
               p->at[AXIS_QUEUE] > 0 ? text : "");
    report_rate(p->at[AXIS_PACE], text);
    if (varies(o, AXIS_PACE))
        append(out, "%s%s", p->at[AXIS_PACE] > 0 ? "paced at " : "unpaced",
               p->at[AXIS_PACE] > 0 ? text : "");
    if (!out[0])
        append(out, "this path");
}

static void print_preface(const struct sweep *s, const struct options *o, const struct trace *trace,
                          FILE *out)
{
    const struct sweep_point *p = &s->points[0];
    char text[REPORT_TEXT_BYTES];
    fprintf(out, "%zu combinations, seed %.0f; %g frames/s", s->count, o->seed, o->fps);
    report_bytes(p->at[AXIS_FRAME], text);
    if (!varies(o, AXIS_FRAME))
        fprintf(out, " of %s (%u datagrams", text, p->data_shards);
    report_rate(p->at[AXIS_FRAME] * 8 * o->fps, text);
    if (!varies(o, AXIS_FRAME))
        fprintf(out, ", %s)", text);
    report_rate(p->at[AXIS_RATE], text);
    if (!varies(o, AXIS_RATE))
        fprintf(out, ", link of %s", text);
    report_bytes(p->at[AXIS_QUEUE], text);
    if (!varies(o, AXIS_QUEUE) && p->at[AXIS_QUEUE] > 0)
        fprintf(out, " with a queue of %s", text);
    report_rate(p->at[AXIS_PACE], text);
    if (!varies(o, AXIS_PACE) && p->at[AXIS_PACE] > 0)
        fprintf(out, ", paced at %s", text);
    if (o->reorder_percent > 0)
        fprintf(out, ", %g %% late", o->reorder_percent);
    if (o->duplicate_percent > 0)
        fprintf(out, ", %g %% twice", o->duplicate_percent);
    fprintf(out, "%s\n", o->encrypt ? ", encrypted" : "");
    if (trace)
        fprintf(out, "%s: %llu datagrams, %.3g %% lost, in bursts of %.3g\n", o->trace,
                (unsigned long long)trace->packets,
                100.0 * (double)trace->lost / (double)trace->packets,
                trace->bursts ? (double)trace->lost / (double)trace->bursts : 0.0);
    fputc('\n', out);
}

/* --- the table --- */

static bool lost_parity(const struct sweep_point *p)
{
    return p->at[AXIS_PARITY] > 0 && !p->result.impossible && !p->result.parity_datagrams;
}

/* A number, "-" for 0. */
static void add_number(struct table *t, double value)
{
    if (value > 0)
        table_add(t, "%.4g", value);
    else
        table_add(t, "-");
}

static void cell_frame(struct table *t, const struct sweep_point *p)
{
    char text[REPORT_TEXT_BYTES];
    report_bytes(p->at[AXIS_FRAME], text);
    table_add(t, "%.16s", text);
}

static void cell_link(struct table *t, const struct sweep_point *p)
{
    table_add(t, "%.4g", p->at[AXIS_RATE] / 1e6);
}

static void cell_queue(struct table *t, const struct sweep_point *p)
{
    add_number(t, p->at[AXIS_QUEUE] / 1e3);
}

static void cell_pace(struct table *t, const struct sweep_point *p)
{
    add_number(t, p->at[AXIS_PACE] / 1e6);
}

static void cell_burst(struct table *t, const struct sweep_point *p)
{
    add_number(t, p->at[AXIS_BURST] > 1 ? p->at[AXIS_BURST] : 0);
}

static void cell_loss(struct table *t, const struct sweep_point *p)
{
    table_add(t, "%g", p->at[AXIS_LOSS]);
}

static void cell_code(struct table *t, const struct sweep_point *p)
{
    table_add(t, "%s", options_code_name((enum code)p->at[AXIS_CODE]));
}

static void cell_layout(struct table *t, const struct sweep_point *p)
{
    table_add(t, "%s", options_layout_name((enum layout)p->at[AXIS_LAYOUT]));
}

static void cell_parity(struct table *t, const struct sweep_point *p)
{
    table_add(t, "%g%s", p->at[AXIS_PARITY], lost_parity(p) ? "!" : "");
}

static void cell_sent(struct table *t, const struct sweep_point *p)
{
    table_add(t, "%u", p->result.frames);
}

static void cell_lost(struct table *t, const struct sweep_point *p)
{
    table_add(t, "%u", p->result.frames_lost);
}

static void cell_share(struct table *t, const struct sweep_point *p)
{
    table_add(t, "%.2f", 100.0 * p->result.frames_lost / p->result.frames);
}

static void cell_interval(struct table *t, const struct sweep_point *p)
{
    table_add(t, "%.2f - %.2f", 100 * p->result.lost_share.low, 100 * p->result.lost_share.high);
}

static void cell_datagrams(struct table *t, const struct sweep_point *p)
{
    table_add(t, "%.2f", 100 * sweep_datagram_loss(&p->result));
}

static void cell_repaired(struct table *t, const struct sweep_point *p)
{
    table_add(t, "%.2f", (double)p->result.shards_repaired / p->result.frames);
}

static void cell_overhead(struct table *t, const struct sweep_point *p)
{
    table_add(t, "%.1f", 100 * sweep_overhead(&p->result));
}

static void cell_p50(struct table *t, const struct sweep_point *p)
{
    table_add(t, "%.2f", (double)p->result.latency_p50_ns / 1e6);
}

static void cell_p99(struct table *t, const struct sweep_point *p)
{
    table_add(t, "%.2f", (double)p->result.latency_p99_ns / 1e6);
}

static void cell_send_cpu(struct table *t, const struct sweep_point *p)
{
    uint64_t made = p->result.data_datagrams + p->result.parity_datagrams;
    table_add(t, "%.0f", made ? (double)p->result.send_cpu_ns / (double)made : 0);
}

static void cell_receive_cpu(struct table *t, const struct sweep_point *p)
{
    uint64_t got = p->result.datagrams_received;
    table_add(t, "%.0f", got ? (double)p->result.receive_cpu_ns / (double)got : 0);
}

enum { SHOW_ALWAYS = -1, SHOW_LAYOUT = -2, SHOW_CPU = -3 };

static const struct column {
    const char *title, *below;
    int when; /* SHOW_..., or the axis that has to vary for it */
    bool is_left, is_result;
    void (*cell)(struct table *t, const struct sweep_point *p);
} columns[] = {
    {"frame", "", AXIS_FRAME, false, false, cell_frame},
    {"link", "Mbit/s", AXIS_RATE, false, false, cell_link},
    {"queue", "kB", AXIS_QUEUE, false, false, cell_queue},
    {"pace", "Mbit/s", AXIS_PACE, false, false, cell_pace},
    {"burst", "mean", AXIS_BURST, false, false, cell_burst},
    {"loss", "%", AXIS_LOSS, false, false, cell_loss},
    {"code", "", SHOW_ALWAYS, true, false, cell_code},
    {"layout", "", SHOW_LAYOUT, true, false, cell_layout},
    {"parity", "%", SHOW_ALWAYS, false, false, cell_parity},
    {"frames", "sent", SHOW_ALWAYS, false, true, cell_sent},
    {"frames", "lost", SHOW_ALWAYS, false, true, cell_lost},
    {"lost", "%", SHOW_ALWAYS, false, true, cell_share},
    {"95 % sure", "%", SHOW_ALWAYS, false, true, cell_interval},
    {"datagrams", "lost, %", SHOW_ALWAYS, false, true, cell_datagrams},
    {"repaired", "a frame", SHOW_ALWAYS, false, true, cell_repaired},
    {"overhead", "%", SHOW_ALWAYS, false, true, cell_overhead},
    {"later, ms", "p50", SHOW_ALWAYS, false, true, cell_p50},
    {"later, ms", "p99", SHOW_ALWAYS, false, true, cell_p99},
    {"CPU ns*", "send", SHOW_CPU, false, true, cell_send_cpu},
    {"CPU ns*", "receive", SHOW_CPU, false, true, cell_receive_cpu},
};

static bool is_shown(const struct column *column, const struct sweep *s, const struct options *o)
{
    if (column->when == SHOW_CPU)
        return !o->no_cpu;
    for (size_t i = 0; i < s->count; i++) {
        const double *at = s->points[i].at;
        if (column->when >= 0 && at[column->when] != s->points[0].at[column->when])
            return true;
        if (column->when == SHOW_LAYOUT && at[AXIS_LAYOUT] != LAYOUT_SINGLE)
            return true;
    }
    return column->when == SHOW_ALWAYS;
}

static void add_point(struct table *t, const struct column *const *shown,
                      const struct sweep_point *p)
{
    for (uint32_t c = 0; c < t->columns; c++)
        if (shown[c]->is_result && p->result.impossible)
            table_add(t, "x");
        else
            shown[c]->cell(t, p);
}

static void print_footnotes(const struct sweep *s, const struct options *o, FILE *out)
{
    bool any = false;
    const char *told = NULL;
    for (size_t i = 0; i < s->count; i++) {
        const char *why = s->points[i].result.impossible;
        any = any || lost_parity(&s->points[i]);
        if (why && (!told || strcmp(told, why) != 0))
            fprintf(out, "x  impossible: %s\n", told = why);
    }
    if (any)
        fputs("!  more than GameStream's four blocks: its frames go without parity then\n", out);
    if (!o->no_cpu)
        fputs("*  measured here and now, per datagram sent or received; all else is repeatable\n",
              out);
}

int report_table(const struct sweep *s, const struct options *o, const struct trace *trace,
                 FILE *out)
{
    const struct column *shown[LM_ARRAY_LEN(columns)];
    struct table t = {0};
    for (size_t c = 0; c < LM_ARRAY_LEN(columns); c++)
        if (is_shown(&columns[c], s, o)) {
            t.is_left[t.columns] = columns[c].is_left;
            shown[t.columns++] = &columns[c];
        }
    for (uint32_t c = 0; c < t.columns; c++)
        table_add(&t, "%s", shown[c]->title);
    for (uint32_t c = 0; c < t.columns; c++)
        table_add(&t, "%s", shown[c]->below);
    for (size_t i = 0, end = 0; i < s->count; i++) {
        if (i == end) {
            end = sweep_environment_end(s, i);
            table_add_gap(&t);
        }
        add_point(&t, shown, &s->points[i]);
    }
    print_preface(s, o, trace, out);
    int rc = table_print(&t, out);
    fputc('\n', out);
    print_footnotes(s, o, out);
    table_finish(&t);
    return rc;
}
