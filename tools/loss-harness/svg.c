#include "svg.h"

#include "report.h"

#include "core/base/check.h"

#include <math.h>
#include <string.h>

enum {
    PLOT_WIDTH = 250,
    PLOT_HEIGHT = 190,
    NONE_HEIGHT = 26, /* below the plot: the points that lost no frame */
    LEFT = 74,
    GAP = 34,
    RIGHT = 26,
    TOP = 108,
    ROW_HEAD = 44,
    ROW_FOOT = 48,
    MAX_ROWS = 64,
    SERIES = 6,
};

/* Colours that the colour-blind can tell apart, on white. */
static const struct series {
    enum code code;
    enum layout layout; /* 0: any */
    const char *name, *colour, *marker, *dash;
} series[SERIES] = {
    {CODE_NONE, (enum layout)0, "no parity", "#767676", "x", "2 3"},
    {CODE_GAMESTREAM, (enum layout)0, "GameStream", "#d55e00", "square", "none"},
    {CODE_GF8, LAYOUT_CONTIGUOUS, "gf8, contiguous blocks", "#cc79a7", "diamond", "none"},
    {CODE_GF8, LAYOUT_INTERLEAVED, "gf8", "#0072b2", "circle", "none"},
    {CODE_GF16, LAYOUT_CONTIGUOUS, "gf16, contiguous blocks", "#9a8700", "diamond", "none"},
    {CODE_GF16, LAYOUT_INTERLEAVED, "gf16", "#009e73", "triangle", "none"},
};

struct svg {
    FILE *out;
    const struct sweep *sweep;
    const struct options *options;
    double x_low, x_high, y_low; /* %; y_high is 100 */
    bool x_is_log;
    double parities[OPTIONS_LIST_MAX + 1];
    uint32_t columns, rows;
    const struct sweep_point *heads[MAX_ROWS]; /* the first point of each row */
    bool used[SERIES];
};

static const struct series *series_of(const struct sweep_point *p)
{
    for (size_t i = 0; i < SERIES; i++) {
        const struct series *s = &series[i];
        bool fits = !s->layout || s->layout == (enum layout)p->at[AXIS_LAYOUT] ||
                    (s->layout == LAYOUT_INTERLEAVED && p->at[AXIS_LAYOUT] == LAYOUT_SINGLE);
        if (s->code == (enum code)p->at[AXIS_CODE] && fits)
            return s;
    }
    LM_CHECK(false);
}

/* The simulated loss, or what was counted where that is not all. */
static double x_of(const struct svg *v, const struct sweep_point *p)
{
    bool counted = v->options->trace || p->at[AXIS_QUEUE] > 0;
    return counted ? 100 * sweep_datagram_loss(&p->result) : p->at[AXIS_LOSS];
}

static double y_of(const struct sweep_point *p)
{
    return 100.0 * p->result.frames_lost / p->result.frames;
}

/* --- what there is to draw --- */

static bool same_row(const struct sweep_point *a, const struct sweep_point *b)
{
    for (int axis = 0; axis < AXIS_LOSS; axis++)
        if (a->at[axis] != b->at[axis] && !(axis == AXIS_BURST && b->at[AXIS_LOSS] == 0))
            return false;
    return true;
}

static void note_row(struct svg *v, const struct sweep_point *p)
{
    for (uint32_t r = 0; r < v->rows; r++)
        if (same_row(v->heads[r], p))
            return;
    if (v->rows < MAX_ROWS)
        v->heads[v->rows++] = p;
}

static void note_column(struct svg *v, double parity)
{
    for (uint32_t c = 0; c < v->columns; c++)
        if (v->parities[c] == parity)
            return;
    v->parities[v->columns++] = parity;
}

static void survey(struct svg *v)
{
    double y_least = 100, x_least = INFINITY, x_most = 0;
    for (size_t i = 0; i < v->sweep->count; i++) {
        const struct sweep_point *p = &v->sweep->points[i];
        if (p->result.impossible)
            continue;
        if (p->at[AXIS_LOSS] > 0 || !v->rows)
            note_row(v, p);
        if (p->at[AXIS_CODE] != CODE_NONE)
            note_column(v, p->at[AXIS_PARITY]);
        v->used[series_of(p) - series] = true;
        if (p->result.frames_lost)
            y_least = fmin(y_least, y_of(p));
        x_least = fmin(x_least, x_of(v, p));
        x_most = fmax(x_most, x_of(v, p));
    }
    if (!v->columns)
        v->parities[v->columns++] = 0;
    v->y_low = pow(10, fmin(-2, fmax(-3, floor(log10(y_least) + 1e-9))));
    v->x_is_log = x_least > 0 && x_most / x_least >= 4;
    v->x_low = v->x_is_log ? x_least : 0;
    v->x_high = x_most > 0 ? x_most : 1;
}

/* --- places --- */

static double plot_left(uint32_t column)
{
    return LEFT + column * (double)(PLOT_WIDTH + GAP);
}

static double plot_top(uint32_t row)
{
    return TOP + ROW_HEAD + row * (double)(ROW_HEAD + PLOT_HEIGHT + NONE_HEIGHT + ROW_FOOT);
}

static double place_x(const struct svg *v, double percent)
{
    double share = v->x_is_log ? log(percent / v->x_low) / log(v->x_high / v->x_low)
                               : (percent - v->x_low) / (v->x_high - v->x_low);
    const double inset = 14;
    return inset + share * (PLOT_WIDTH - 2 * inset);
}

static double place_y(const struct svg *v, double percent)
{
    double share = log10(fmax(percent, v->y_low) / v->y_low) / log10(100 / v->y_low);
    return PLOT_HEIGHT * (1 - share);
}

/* Points without losses lie below the plot, those of each line a little apart. */
static double point_y(const struct svg *v, const struct sweep_point *p)
{
    double nudge = ((double)(series_of(p) - series) - 2.5) * 3.0;
    return p->result.frames_lost ? place_y(v, y_of(p)) : PLOT_HEIGHT + NONE_HEIGHT / 2.0 + nudge;
}

/* --- drawing --- */

static void draw_text(FILE *out, double x, double y, const char *anchor, const char *kind,
                      const char *text)
{
    fprintf(out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\" class=\"%s\">%s</text>\n", x, y,
            anchor, kind, text);
}

/* Of the series that are drawn over this one, those in use: lines that coincide show as stripes,
 * their markers as rings. */
static uint32_t covers(const struct svg *v, const struct series *s)
{
    uint32_t count = 0;
    for (const struct series *over = s + 1; over < series + SERIES; over++)
        count += v->used[over - series];
    return count;
}

static void draw_marker(const struct svg *v, const struct series *s, double x, double y,
                        bool hollow)
{
    FILE *out = v->out;
    double scale = 0.9 + 0.14 * covers(v, s);
    const char *fill = hollow ? "#ffffff" : s->colour;
    fprintf(out,
            "<path transform=\"translate(%.1f %.1f) scale(%.2f)\" fill=\"%s\" stroke=\"%s\" "
            "stroke-width=\"1.6\" d=\"",
            x, y, scale, fill, s->colour);
    if (strcmp(s->marker, "square") == 0)
        fputs("M-3.6-3.6h7.2v7.2h-7.2z", out);
    else if (strcmp(s->marker, "diamond") == 0)
        fputs("M0-5L4.4 0L0 5L-4.4 0z", out);
    else if (strcmp(s->marker, "triangle") == 0)
        fputs("M0-4.8L4.6 3.6h-9.2z", out);
    else if (strcmp(s->marker, "x") == 0)
        fputs("M-3.4-3.4l6.8 6.8M-3.4 3.4l6.8-6.8", out);
    else
        fputs("M-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0z", out);
    fputs("\"/>\n", out);
}

static void draw_y_axis(const struct svg *v, bool labels)
{
    char text[32];
    for (double y = 100; y > v->y_low * 0.99; y /= 10) {
        double at = place_y(v, y);
        fprintf(v->out, "<path class=\"grid\" d=\"M0 %.1fh%d\"/>\n", at, PLOT_WIDTH);
        snprintf(text, sizeof text, "%g %%", y);
        if (labels)
            draw_text(v->out, -8, at + 4, "end", "tick", text);
        for (int i = 2; i <= 9 && y > v->y_low * 1.01; i++)
            fprintf(v->out, "<path class=\"fine\" d=\"M0 %.1fh%d\"/>\n", place_y(v, y / 10 * i),
                    PLOT_WIDTH);
    }
    if (labels)
        draw_text(v->out, -8, PLOT_HEIGHT + NONE_HEIGHT / 2.0 + 7, "end", "tick", "none");
}

static void draw_x_tick(const struct svg *v, double percent)
{
    char text[32];
    double at = place_x(v, percent);
    fprintf(v->out, "<path class=\"fine\" d=\"M%.1f 0v%d\"/>\n", at, PLOT_HEIGHT + NONE_HEIGHT);
    snprintf(text, sizeof text, "%g", percent);
    draw_text(v->out, at, PLOT_HEIGHT + NONE_HEIGHT + 15, "middle", "tick", text);
}

static void draw_x_axis(const struct svg *v)
{
    static const double steps[] = {1, 2, 5};
    if (v->x_is_log) {
        for (double decade = 1e-4; decade < 100; decade *= 10)
            for (size_t i = 0; i < LM_ARRAY_LEN(steps); i++)
                if (decade * steps[i] >= v->x_low * 0.999 && decade * steps[i] <= v->x_high * 1.001)
                    draw_x_tick(v, decade * steps[i]);
    } else {
        double decade = pow(10, floor(log10(v->x_high / 2)));
        double step = decade * (v->x_high / decade > 10 ? 5 : v->x_high / decade > 5 ? 2 : 1);
        for (double x = 0; x <= v->x_high * 1.001; x += step)
            draw_x_tick(v, x);
    }
    draw_text(v->out, PLOT_WIDTH / 2.0, PLOT_HEIGHT + NONE_HEIGHT + 33, "middle", "label",
              "datagrams lost, %");
}

static bool is_in(const struct svg *v, const struct sweep_point *p, const struct series *s,
                  uint32_t row, double parity)
{
    return !p->result.impossible && series_of(p) == s && same_row(v->heads[row], p) &&
           (s->code == CODE_NONE || p->at[AXIS_PARITY] == parity);
}

static void draw_series(const struct svg *v, const struct series *s, uint32_t row, double parity)
{
    const struct sweep *sweep = v->sweep;
    bool any = false;
    for (size_t i = 0; i < sweep->count; i++) {
        const struct sweep_point *p = &sweep->points[i];
        if (!is_in(v, p, s, row, parity))
            continue;
        fprintf(v->out, any ? "L%.1f %.1f" : "<path class=\"line\" d=\"M%.1f %.1f",
                place_x(v, x_of(v, p)), point_y(v, p));
        any = true;
    }
    if (any)
        fprintf(v->out, "\" stroke=\"%s\" stroke-dasharray=\"%s\" stroke-width=\"%.1f\"/>\n",
                s->colour, s->dash, 1.8 + 1.3 * covers(v, s));
    for (size_t i = 0; i < sweep->count; i++) {
        const struct sweep_point *p = &sweep->points[i];
        if (!is_in(v, p, s, row, parity))
            continue;
        double x = place_x(v, x_of(v, p));
        if (p->result.frames_lost)
            fprintf(v->out, "<path class=\"sure\" stroke=\"%s\" d=\"M%.1f %.1fV%.1f\"/>\n",
                    s->colour, x, place_y(v, 100 * p->result.lost_share.low),
                    place_y(v, 100 * p->result.lost_share.high));
        draw_marker(v, s, x, point_y(v, p), !p->result.frames_lost);
    }
}

static void draw_goal(const struct svg *v)
{
    fprintf(v->out, "<path class=\"goal\" d=\"M0 %.1fh%d\"/>\n",
            place_y(v, v->options->target_percent), PLOT_WIDTH);
}

static void draw_goal_label(const struct svg *v)
{
    char text[48];
    snprintf(text, sizeof text, "goal: %g %%", v->options->target_percent);
    draw_text(v->out, PLOT_WIDTH - 4, place_y(v, v->options->target_percent) - 4, "end",
              "note halo", text);
}

static void draw_panel(const struct svg *v, uint32_t row, uint32_t column)
{
    char text[48];
    double parity = v->parities[column];
    fprintf(v->out, "<g transform=\"translate(%.1f %.1f)\">\n", plot_left(column), plot_top(row));
    fprintf(v->out, "<rect class=\"none\" y=\"%d\" width=\"%d\" height=\"%d\"/>\n", PLOT_HEIGHT,
            PLOT_WIDTH, NONE_HEIGHT);
    draw_y_axis(v, column == 0);
    draw_x_axis(v);
    draw_goal(v);
    fprintf(v->out, "<rect class=\"frame\" width=\"%d\" height=\"%d\"/>\n", PLOT_WIDTH,
            PLOT_HEIGHT + NONE_HEIGHT);
    snprintf(text, sizeof text, "%g %% parity", parity);
    draw_text(v->out, PLOT_WIDTH / 2.0, -8, "middle", "label", text);
    for (size_t i = 0; i < SERIES; i++)
        draw_series(v, &series[i], row, parity);
    if (column == 0)
        draw_goal_label(v);
    fputs("</g>\n", v->out);
}

static void draw_row_head(const struct svg *v, uint32_t row)
{
    const struct sweep_point *p = v->heads[row];
    char text[REPORT_TEXT_BYTES];
    report_bytes(p->at[AXIS_FRAME], text);
    fprintf(v->out, "<text x=\"%d\" y=\"%.1f\" class=\"head\">Frames of %s (%u datagrams)", LEFT,
            plot_top(row) - 28, text, p->data_shards);
    if (v->options->trace)
        fputs(", losses as recorded", v->out);
    else if (p->at[AXIS_BURST] > 1)
        fprintf(v->out, ", losses in bursts of %g", p->at[AXIS_BURST]);
    else if (p->at[AXIS_LOSS] > 0)
        fputs(", losses one by one", v->out);
    report_bytes(p->at[AXIS_QUEUE], text);
    if (p->at[AXIS_QUEUE] > 0)
        fprintf(v->out, ", queue of %s", text);
    report_rate(p->at[AXIS_PACE], text);
    if (p->at[AXIS_PACE] > 0)
        fprintf(v->out, ", paced at %s", text);
    fprintf(v->out,
            "</text>\n<text transform=\"translate(18 %.1f) rotate(-90)\" "
            "text-anchor=\"middle\" class=\"label\">frames lost, %% of all</text>\n",
            plot_top(row) + PLOT_HEIGHT / 2.0);
}

static void draw_legend(const struct svg *v)
{
    double x = LEFT;
    for (size_t i = 0; i < SERIES; i++) {
        const struct series *s = &series[i];
        if (!v->used[i])
            continue;
        fprintf(v->out,
                "<path class=\"line\" stroke=\"%s\" stroke-width=\"2\" stroke-dasharray=\"%s\" "
                "d=\"M%.1f 76h28\"/>\n",
                s->colour, s->dash, x);
        draw_marker(v, s, x + 14, 76, false);
        draw_text(v->out, x + 35, 80, "start", "label", s->name);
        x += 60 + 6.6 * (double)strlen(s->name);
    }
}

static const char style[] =
    "<style>text{font-family:\"DejaVu Sans\",Verdana,Arial,sans-serif;fill:#222}"
    ".title{font-size:18px;font-weight:bold}.note{font-size:11px;fill:#555}"
    ".halo{paint-order:stroke;stroke:#ffffff;stroke-width:3px}"
    ".head{font-size:13px;font-weight:bold}.label{font-size:12px}.tick{font-size:11px;fill:#444}"
    ".grid{stroke:#c8c8c8;stroke-width:1}.fine{stroke:#ececec;stroke-width:1}"
    ".goal{stroke:#555;stroke-width:1;stroke-dasharray:5 4}"
    ".frame{fill:none;stroke:#888;stroke-width:1}.none{fill:#f3f5f7}"
    ".line{fill:none;stroke-linejoin:round}"
    ".sure{fill:none;stroke-width:5;opacity:.28;stroke-linecap:round}</style>\n";

void svg_write(const struct sweep *sweep, const struct options *options, FILE *out)
{
    struct svg v = {.out = out, .sweep = sweep, .options = options};
    char text[160];
    survey(&v);
    double legend = LEFT;
    for (size_t i = 0; i < SERIES; i++)
        legend += v.used[i] ? 60 + 6.6 * (double)strlen(series[i].name) : 0;
    double width = fmax(fmax(legend, 620), plot_left(v.columns) - GAP) + RIGHT;
    double height = plot_top(v.rows) - ROW_HEAD + 6;
    fprintf(out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" height=\"%.0f\" "
            "viewBox=\"0 0 %.0f %.0f\">\n%s<rect width=\"100%%\" height=\"100%%\" "
            "fill=\"#ffffff\"/>\n",
            width, height, width, height, style);
    draw_text(out, LEFT, 30, "start", "title", "Lost frames against lost datagrams");
    snprintf(text, sizeof text,
             "%g frames/s, seed %.0f, up to %.0f frames a point; pale bars: 95 %% sure; "
             "hollow: none lost",
             options->fps, options->seed, options->frames);
    draw_text(out, LEFT, 50, "start", "note", text);
    draw_legend(&v);
    for (uint32_t row = 0; row < v.rows; row++) {
        draw_row_head(&v, row);
        for (uint32_t column = 0; column < v.columns; column++)
            draw_panel(&v, row, column);
    }
    fputs("</svg>\n", out);
}
