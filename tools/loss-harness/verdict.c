/* What the results mean, in words. */
#include "report.h"

#include "core/base/check.h"

#include <math.h>
#include <string.h>

enum { TOLD_MAX = 24 }; /* environments; more nobody reads */

static double share_of(const struct sweep_point *p)
{
    return (double)p->result.frames_lost / p->result.frames;
}

static bool is_cheaper(const struct sweep_point *a, const struct sweep_point *b)
{
    double x = sweep_overhead(&a->result), y = sweep_overhead(&b->result);
    return fabs(x - y) > 0.002 ? x < y : share_of(a) < share_of(b);
}

static bool is_of(const struct sweep_point *p, bool gamestream)
{
    return !p->result.impossible && (p->at[AXIS_CODE] == CODE_GAMESTREAM) == gamestream;
}

/* The cheapest setting that is good enough, or else the one that loses least. NULL: none. */
static const struct sweep_point *choose(const struct sweep_point *points, size_t count,
                                        bool gamestream, double target)
{
    const struct sweep_point *good = NULL, *best = NULL;
    for (size_t i = 0; i < count; i++) {
        const struct sweep_point *p = &points[i];
        if (!is_of(p, gamestream))
            continue;
        if (share_of(p) <= target && (!good || is_cheaper(p, good)))
            good = p;
        if (!best || share_of(p) < share_of(best))
            best = p;
    }
    return good ? good : best;
}

static void describe_pace(double share, double fps, char out[REPORT_TEXT_BYTES])
{
    double per_s = share * fps;
    if (per_s >= 1)
        snprintf(out, REPORT_TEXT_BYTES, "%.*f a second", per_s < 10 ? 1 : 0, per_s);
    else if (per_s > 1.0 / 90)
        snprintf(out, REPORT_TEXT_BYTES, "one every %.*f s", per_s > 0.1 ? 1 : 0, 1 / per_s);
    else
        snprintf(out, REPORT_TEXT_BYTES, "one every %.1f min", 1 / per_s / 60);
}

static void describe_losses(const struct sweep_point *p, double fps, char out[REPORT_TEXT_BYTES])
{
    char pace[REPORT_TEXT_BYTES];
    if (!p->result.frames_lost) {
        snprintf(out, REPORT_TEXT_BYTES, "none of %u lost", p->result.frames);
        return;
    }
    describe_pace(share_of(p), fps, pace);
    if (share_of(p) >= 0.0995)
        snprintf(out, REPORT_TEXT_BYTES, "%.0f %% lost, %.60s", 100 * share_of(p), pace);
    else
        snprintf(out, REPORT_TEXT_BYTES, "%.2g %% lost, %.60s", 100 * share_of(p), pace);
}

static bool is_unsure(const struct sweep_point *p, double target)
{
    return share_of(p) <= target && p->result.lost_share.high > target;
}

static void tell(const char *who, const struct sweep_point *p, const struct options *o, FILE *out)
{
    char setting[REPORT_TEXT_BYTES], losses[REPORT_TEXT_BYTES];
    double target = o->target_percent / 100;
    bool is_gamestream = p->at[AXIS_CODE] == CODE_GAMESTREAM;
    report_setting(p, setting);
    describe_losses(p, o->fps, losses);
    const char *judgement = share_of(p) > target   ? "is not enough"
                            : is_unsure(p, target) ? "is probably enough"
                                                   : "is enough";
    fprintf(out, "    %-11s %s%s%g %% parity %s: %s", who, is_gamestream ? "" : setting,
            is_gamestream ? "" : ", ", p->at[AXIS_PARITY], judgement, losses);
    fputc('\n', out);
}

/* With one block a frame the protocols differ in nothing that counts here. */
static bool is_same(const struct sweep_point *a, const struct sweep_point *b)
{
    return a && b && a->at[AXIS_PARITY] == b->at[AXIS_PARITY] &&
           a->result.frames == b->result.frames && a->result.frames_lost == b->result.frames_lost;
}

/* True when something was told that is likely, no more. */
static bool tell_environment(const struct sweep_point *points, size_t count,
                             const struct options *o, FILE *out)
{
    char text[REPORT_TEXT_BYTES];
    double target = o->target_percent / 100;
    const struct sweep_point *stock = choose(points, count, true, target);
    const struct sweep_point *own = choose(points, count, false, target);
    report_environment(points, o, text);
    fprintf(out, "  %s\n", text);
    if (is_same(stock, own))
        tell("either", stock, o, out);
    else if (stock)
        tell("GameStream", stock, o, out);
    if (own && !is_same(stock, own))
        tell("lumen/1", own, o, out);
    if (!stock && !own)
        fputs("    nothing tried is possible here\n", out);
    return (stock && is_unsure(stock, target)) || (own && is_unsure(own, target));
}

void report_verdict(const struct sweep *s, const struct options *o, FILE *out)
{
    char pace[REPORT_TEXT_BYTES];
    size_t told = 0;
    bool unsure = false;
    describe_pace(o->target_percent / 100, o->fps, pace);
    fprintf(
        out,
        "\nThe least parity tried that keeps lost frames at or below %g %% (%s at %g frames/s):\n",
        o->target_percent, pace, o->fps);
    for (size_t i = 0, end; i < s->count; i = end) {
        end = sweep_environment_end(s, i);
        if (told++ < TOLD_MAX)
            unsure |= tell_environment(&s->points[i], end - i, o, out);
    }
    if (told > TOLD_MAX)
        fprintf(out, "  and %zu more, see the table\n", told - TOLD_MAX);
    if (unsure)
        fputs("  Probably: more --frames would tell.\n", out);
}
