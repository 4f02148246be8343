#include "session/sdp.h"

#include "core/base/check.h"
#include "core/base/text.h"

#include <stdlib.h>

#define SURROUND_LINE "a=fmtp:97 surround-params="

/* Normal quality couples front, rear and side pairs; high quality codes each channel alone. */
static const struct layout_row {
    struct sdp_layout normal, high;
    uint16_t mask;
    uint32_t normal_bps, high_bps;
} rows[] = {
    {{2, 1, 1, {0, 1}}, {2, 1, 1, {0, 1}}, 0x3, 96000, 512000},
    {{6, 4, 2, {0, 1, 4, 5, 2, 3}}, {6, 6, 0, {0, 1, 2, 3, 4, 5}}, 0x3f, 256000, 1536000},
    {{8, 5, 3, {0, 1, 6, 7, 2, 3, 4, 5}},
     {8, 8, 0, {0, 1, 2, 3, 4, 5, 6, 7}},
     0x63f,
     450000,
     2048000},
};

static const struct layout_row *row_of(unsigned channels)
{
    for (size_t i = 0; i < LM_ARRAY_LEN(rows); i++)
        if (rows[i].normal.channels == channels)
            return &rows[i];
    return NULL;
}

int sdp_layout_of(unsigned channels, bool high_quality, struct sdp_layout *out)
{
    const struct layout_row *row = row_of(channels);
    if (!row)
        return LM_EINVAL;
    *out = high_quality ? row->high : row->normal;
    return LM_OK;
}

uint16_t sdp_channel_mask(unsigned channels)
{
    const struct layout_row *row = row_of(channels);
    return row ? row->mask : 0;
}

uint32_t sdp_opus_bps(unsigned channels, bool high_quality)
{
    const struct layout_row *row = row_of(channels);
    if (!row)
        return 0;
    return high_quality ? row->high_bps : row->normal_bps;
}

/* Which output channel the wire's digit `i` belongs to. Clients expect LFE, channel 3, last on the
 * normal line of surround layouts. */
static unsigned wire_channel(unsigned i, unsigned channels, bool high_quality)
{
    if (high_quality || channels <= 2 || i < 3)
        return i;
    return i == channels - 1 ? 3 : i + 1;
}

void sdp_layout_to_wire(const struct sdp_layout *layout, bool high_quality, char out[12])
{
    unsigned n = layout->channels;
    LM_CHECK(n >= 1 && n <= SDP_MAX_CHANNELS);
    out[0] = (char)('0' + n);
    out[1] = (char)('0' + layout->streams);
    out[2] = (char)('0' + layout->coupled);
    for (unsigned i = 0; i < n; i++)
        out[3 + i] = (char)('0' + layout->mapping[wire_channel(i, n, high_quality)]);
    out[3 + n] = '\0';
}

int sdp_layout_from_wire(const char *digits, bool high_quality, struct sdp_layout *out)
{
    size_t count = strspn(digits, "0123456789");
    if (count < 4 || digits[count] || count != 3u + (unsigned)(digits[0] - '0'))
        return LM_EPROTO;
    struct sdp_layout layout = {
        (uint8_t)(digits[0] - '0'), (uint8_t)(digits[1] - '0'), (uint8_t)(digits[2] - '0'), {0}};
    unsigned coded = layout.streams + layout.coupled;
    if (layout.channels > SDP_MAX_CHANNELS || layout.streams == 0 ||
        layout.coupled > layout.streams || coded > layout.channels)
        return LM_EPROTO;
    for (unsigned i = 0; i < layout.channels; i++) {
        unsigned digit = (unsigned)(digits[3 + i] - '0');
        if (digit >= coded)
            return LM_EPROTO;
        layout.mapping[wire_channel(i, layout.channels, high_quality)] = (uint8_t)digit;
    }
    *out = layout;
    return LM_OK;
}

int sdp_offer_layout(const struct sdp_offer *offer, unsigned channels, bool high_quality,
                     struct sdp_layout *out)
{
    bool custom = channels > 2 && offer->surround[0] == (char)('0' + channels);
    if (custom && sdp_layout_from_wire(offer->surround, high_quality, out) == LM_OK)
        return LM_OK;
    return sdp_layout_of(channels, high_quality, out);
}

/* ---- DESCRIBE ---- */

int sdp_describe_write(const struct sdp_offer *offer, char *out, size_t capacity_bytes)
{
    struct lm_text t = lm_text_of(out, capacity_bytes);
    lm_text_add(&t, "a=x-ss-general.featureFlags:%u\r\n", offer->feature_flags);
    lm_text_add(&t, "a=x-ss-general.encryptionSupported:%u\r\n", offer->encryption_supported);
    lm_text_add(&t, "a=x-ss-general.encryptionRequested:%u\r\n",
                offer->encryption_requested & offer->encryption_supported);
    if (offer->invalidate_refs)
        lm_text_add(&t, "a=x-nv-video[0].refPicInvalidation:1\r\n");
    if (offer->hevc)
        lm_text_add(&t, "sprop-parameter-sets=AAAAAU\r\n");
    if (offer->av1)
        lm_text_add(&t, "a=rtpmap:98 AV1/90000\r\n");
    /* The first line of a channel count is its normal quality, the second its high quality. */
    if (offer->surround[0])
        for (int i = 0; i < 2; i++)
            lm_text_add(&t, SURROUND_LINE "%s\r\n", offer->surround);
    for (size_t i = 0; i < 2 * LM_ARRAY_LEN(rows); i++) {
        char digits[12];
        bool high_quality = i % 2;
        sdp_layout_to_wire(high_quality ? &rows[i / 2].high : &rows[i / 2].normal, high_quality,
                           digits);
        lm_text_add(&t, SURROUND_LINE "%s\r\n", digits);
    }
    return lm_text_end(&t);
}

static uint32_t number_after(const char *body, const char *marker)
{
    const char *at = strstr(body, marker);
    return at ? (uint32_t)strtoul(at + strlen(marker), NULL, 0) : 0;
}

/* The first line of the channel count into *normal, the second into *high. */
static void find_layouts(const char *body, unsigned channels, struct sdp_layout *normal,
                         struct sdp_layout *high)
{
    const char *at = body;
    for (int found = 0; found < 2;) {
        at = strstr(at, SURROUND_LINE);
        if (!at)
            return;
        at += strlen(SURROUND_LINE);
        char digits[12];
        size_t count = strspn(at, "0123456789");
        if (count >= sizeof digits || at[0] != (char)('0' + channels))
            continue;
        memcpy(digits, at, count);
        digits[count] = '\0';
        struct sdp_layout layout;
        if (sdp_layout_from_wire(digits, found == 1, &layout) == LM_OK)
            *(found == 1 ? high : normal) = layout;
        found++;
    }
}

int sdp_describe_parse(const char *body, size_t size_bytes, struct sdp_description *out)
{
    char text[SDP_MAX_BYTES + 1];
    memset(out, 0, sizeof *out);
    if (size_bytes == 0 || size_bytes > SDP_MAX_BYTES || memchr(body, 0, size_bytes))
        return LM_EPROTO;
    memcpy(text, body, size_bytes);
    text[size_bytes] = '\0';
    out->feature_flags = number_after(text, "a=x-ss-general.featureFlags:");
    out->encryption_supported = number_after(text, "a=x-ss-general.encryptionSupported:");
    out->encryption_requested = number_after(text, "a=x-ss-general.encryptionRequested:");
    out->hevc = strstr(text, "sprop-parameter-sets=AAAAAU") != NULL;
    out->av1 = strstr(text, "AV1/90000") != NULL;
    out->invalidate_refs = strstr(text, "x-nv-video[0].refPicInvalidation:1") != NULL;
    find_layouts(text, 6, &out->normal[0], &out->high[0]);
    find_layouts(text, 8, &out->normal[1], &out->high[1]);
    return LM_OK;
}

/* ---- the budget ---- */

uint32_t sdp_video_kbps(uint32_t configured_kbps, uint32_t parity_percent, unsigned channels,
                        bool high_quality_audio)
{
    enum { MAX_COUNTED_PERCENT = 80, HIGH_KBPS = 256, NORMAL_KBPS = 96, CONTROL_KBPS = 500 };
    uint64_t kbps = configured_kbps;
    if (parity_percent <= MAX_COUNTED_PERCENT)
        kbps = kbps * (100 - parity_percent) / 100;
    uint64_t audio = (uint64_t)(high_quality_audio ? HIGH_KBPS : NORMAL_KBPS) * channels;
    kbps -= LM_MIN(audio, kbps / 5);
    kbps -= LM_MIN((uint64_t)CONTROL_KBPS, kbps / 10);
    return (uint32_t)kbps;
}

uint32_t stream_video_kbps(const struct stream_params *params, uint32_t parity_percent)
{
    if (!params->configured_kbps)
        return params->maximum_kbps;
    return sdp_video_kbps(params->configured_kbps, parity_percent, params->audio_channels,
                          params->high_quality_audio);
}
