#include "host/encode/rate.h"

#include "core/base/check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    ROW_STEP = 4,    /* every 4th row is looked at */
    FINER_STEPS = 3, /* of the quantiser, per frame of a moving picture */
};

/* Octaves of bits per step of the quantiser: text is flat, grain is steep. */
static const double slope_start = 0.15, slope_min = 0.08, slope_max = 0.6;

/* Going coarser counts on less, going finer expects more, so that errors fall to the small side. */
static const double caution_coarser = 0.75, caution_finer = 1.25;

/* Share of a frame's bits that a P frame, and a key or recovery frame aim at. */
static const double aim_p = 1, aim_key = 1.5;

/* How much of what changed since a recovery frame's reference is as good as new. */
static const double recovery_share = 0.7;

int encode_rate_init(struct encode_rate *rate, const struct encode_rate_params *params)
{
    *rate = (struct encode_rate){.params = *params};
    if (!params->width || !params->height || !params->refresh_mhz || !params->bitrate_kbps ||
        !params->max_frame_bytes)
        return LM_EINVAL;
    rate->before = calloc((params->height + ROW_STEP - 1) / ROW_STEP, params->width);
    if (!rate->before)
        return LM_ENOMEM;
    rate->picture_qp = ENCODE_RATE_QP_MAX;
    rate->change = (struct encode_rate_anchor){0.03, 26, slope_start};
    rate->detail = (struct encode_rate_anchor){0.12, 26, slope_start};
    rate->refine_factor = 0.4;
    encode_rate_set_bitrate(rate, params->bitrate_kbps);
    return LM_OK;
}

void encode_rate_finish(struct encode_rate *rate)
{
    free(rate->before);
    rate->before = NULL;
}

void encode_rate_set_bitrate(struct encode_rate *rate, uint32_t kbps)
{
    rate->params.bitrate_kbps = kbps;
    rate->frame_bits = kbps * 1000.0 * 1000.0 / rate->params.refresh_mhz;
}

/* Sums of differences to the row before in time and to the pixel to the left. */
static void look(struct encode_rate *rate, const struct image *picture)
{
    uint32_t width = rate->params.width;
    uint64_t inter = 0, intra = 0;
    for (uint32_t y = 0, row = 0; y < rate->params.height; y += ROW_STEP, row++) {
        const uint8_t *now = picture->plane[0] + (size_t)y * picture->stride_bytes[0];
        uint8_t *before = rate->before + (size_t)row * width;
        uint32_t change = 0, detail = 0;
        for (uint32_t x = 0; x < width; x++)
            change += (uint32_t)abs(now[x] - before[x]);
        for (uint32_t x = 1; x < width; x++)
            detail += (uint32_t)abs(now[x] - now[x - 1]);
        if (change)
            memcpy(before, now, width);
        inter += change;
        intra += detail;
    }
    rate->inter = (double)inter * ROW_STEP;
    rate->intra = (double)intra * ROW_STEP + rate->params.width;
    rate->damage_share = (double)picture->damage.width * picture->damage.height /
                         ((double)rate->params.width * rate->params.height);
    rate->recent_damage_share = LM_MAX(rate->damage_share, rate->recent_damage_share * 0.8);
}

/* The share of this picture that costs as much as in a key frame. */
static double fresh_share(const struct encode_rate *rate, double new_share)
{
    if (rate->kind == ENCODE_KIND_KEY)
        return 1;
    if (rate->kind == ENCODE_KIND_RECOVERY)
        return LM_MAX(new_share, recovery_share) * LM_MIN(rate->recent_damage_share, 1.0);
    return new_share * LM_MIN(rate->damage_share, 1.0);
}

static double cost(const struct encode_rate_anchor *a, double units, double qp)
{
    double slope = a->slope * (qp > a->qp ? caution_coarser : caution_finer);
    return a->bits_per_unit * units * exp2((a->qp - qp) * slope);
}

/* How much of this picture's change is nothing that motion explains, 0..1. */
static double surprise(const struct encode_rate *rate)
{
    if (!rate->primed)
        return 0;
    double unseen = (double)rate->params.width * rate->params.height / 64;
    double ratio = rate->inter / (rate->inter_before + unseen);
    return LM_CLAMP((ratio - 1.15) * 2, 0.0, 1.0);
}

/* Expected bits at quantiser qp: motion, plus new content, plus what refining the rest costs. */
static double expect(struct encode_rate *rate, double qp, double new_share)
{
    double detail = cost(&rate->detail, rate->intra, qp);
    double fresh = fresh_share(rate, new_share);
    double finer = LM_MAX(rate->picture_qp - qp, 0.0);
    double moved = LM_MIN(cost(&rate->change, rate->inter, qp), detail);
    rate->fresh_bits = fresh * detail;
    rate->moved_bits = (1 - fresh) * moved;
    rate->refined_bits = (1 - fresh) * detail * rate->refine_factor * (1 - exp2(-finer * 0.17));
    return rate->fresh_bits + rate->moved_bits + rate->refined_bits;
}

static double aim_bits(const struct encode_rate *rate)
{
    double aim = rate->frame_bits * (rate->kind == ENCODE_KIND_P ? aim_p : aim_key);
    aim = LM_MAX(aim - rate->debt_bits * 0.5, rate->frame_bits * 0.3);
    return LM_MIN(aim, rate->params.max_frame_bytes * 8.0 * 0.6);
}

int32_t encode_rate_next(struct encode_rate *rate, const struct image *picture,
                         enum encode_kind kind)
{
    look(rate, picture);
    rate->kind = kind;
    double aim = aim_bits(rate), new_share = surprise(rate);
    int32_t qp = ENCODE_RATE_QP_MIN;
    while (qp < ENCODE_RATE_QP_MAX && expect(rate, qp, new_share) > aim)
        qp++;
    /* Grain costs nothing until the quantiser is fine enough, and then everything: towards finer
     * in moving pictures only by steps. */
    if (rate->primed && rate->moved_bits > rate->refined_bits && qp < rate->qp - FINER_STEPS) {
        qp = rate->qp - FINER_STEPS;
        expect(rate, qp, new_share);
    }
    rate->qp = qp;
    return qp;
}

static void learn(struct encode_rate_anchor *a, double qp, double ratio)
{
    a->bits_per_unit = LM_CLAMP(cost(a, 1, qp) * ratio, 1e-6, 1e3);
    a->qp = qp;
}

/* Two moving pictures in a row at different quantisers tell how steep this content is. */
static void learn_slope(struct encode_rate *rate, double bits)
{
    bool moving =
        rate->kind == ENCODE_KIND_P && rate->moved_bits > rate->refined_bits + rate->fresh_bits;
    int32_t step = rate->qp - rate->moved_qp;
    if (moving && rate->moved_before > 0 && step != 0) {
        double slope = log2(rate->moved_before / LM_MAX(bits, 1.0)) / step;
        slope = LM_CLAMP(slope, slope_min, slope_max);
        rate->change.slope += (slope - rate->change.slope) * 0.5;
    }
    rate->moved_before = moving ? bits : 0;
    rate->moved_qp = rate->qp;
}

/* The error of the guess goes to its three parts, each by its share. */
static void learn_costs(struct encode_rate *rate, double bits)
{
    double expected = LM_MAX(rate->fresh_bits + rate->moved_bits + rate->refined_bits, 1.0);
    double error = LM_CLAMP((bits + 1) / expected, 0.05, 20.0);
    if (rate->fresh_bits > expected * 0.3 && bits > rate->frame_bits * 0.1)
        learn(&rate->detail, rate->qp, pow(error, 0.7 * rate->fresh_bits / expected));
    if (rate->inter > rate->params.width)
        learn(&rate->change, rate->qp, pow(error, 0.7 * rate->moved_bits / expected));
    rate->refine_factor *= pow(error, 0.9 * rate->refined_bits / expected);
    /* Room is left and yet no step was taken: doubt what the last step seemed to cost. */
    if (rate->refined_bits <= 0 && bits < rate->frame_bits * 0.85)
        rate->refine_factor *= 0.9;
    rate->refine_factor = LM_CLAMP(rate->refine_factor, 0.02, 4.0);
}

void encode_rate_done(struct encode_rate *rate, uint64_t bits)
{
    bool key = rate->kind == ENCODE_KIND_KEY;
    learn_slope(rate, (double)bits);
    if (rate->kind != ENCODE_KIND_RECOVERY) /* how far its reference is, others do not learn from */
        learn_costs(rate, (double)bits);
    /* A little credit lets whole steps of the quantiser alternate around the bitrate. */
    rate->debt_bits += (double)bits - rate->frame_bits;
    rate->debt_bits = LM_MAX(rate->debt_bits, -0.5 * rate->frame_bits);
    if (key || rate->qp < rate->picture_qp)
        rate->picture_qp = rate->qp;
    else
        rate->picture_qp += (rate->qp - rate->picture_qp) * LM_MIN(rate->damage_share, 1.0);
    /* A key frame says nothing about motion; a quiet picture is forgotten slowly, so that blinking
     * content is no surprise each time. */
    if (!key)
        rate->inter_before = LM_MAX(rate->inter, rate->inter_before * 0.8);
    rate->primed = rate->primed || !key;
}
