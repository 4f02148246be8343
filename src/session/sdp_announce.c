#include "session/sdp.h"

#include "core/base/check.h"
#include "core/base/text.h"
#include "session/launch.h"

#include <stdlib.h>

enum {
    FEATURES_BASE = 135,          /* x-nv-general.featureFlags every client sets */
    FEATURES_AUDIO_CRYPTO = 0x20, /* audio encryption, whatever encryptionEnabled says */
    ALL_ENCRYPTION = SDP_ENCRYPT_CONTROL | SDP_ENCRYPT_VIDEO | SDP_ENCRYPT_AUDIO,
    MIN_KBPS = 100,
    MAX_KBPS = 2000000,
    INITIAL_CAP_KBPS = 100000,
    REMOTE_ALLOWANCE_KBPS = 500,
    TRAFFIC_VIDEO = 5,
    TRAFFIC_AUDIO = 4,
};

enum attribute {
    ATTR_ML_FEATURES,
    ATTR_ENCRYPTION,
    ATTR_CHROMA,
    ATTR_WIDTH,
    ATTR_HEIGHT,
    ATTR_FPS,
    ATTR_PACKET_SIZE,
    ATTR_MAX_KBPS,
    ATTR_CONFIGURED_KBPS,
    ATTR_VIDEO_QOS,
    ATTR_AUDIO_QOS,
    ATTR_NV_FEATURES,
    ATTR_CONTROL_TYPE,
    ATTR_REPAIR_PERCENT,
    ATTR_MIN_PARITY,
    ATTR_SLICES,
    ATTR_CODEC,
    ATTR_DYNAMIC_RANGE,
    ATTR_REFERENCES,
    ATTR_REFRESH,
    ATTR_CHANNELS,
    ATTR_CHANNEL_MASK,
    ATTR_AUDIO_QUALITY,
    ATTR_PACKET_MS,
    ATTR_CSC,
    ATTR_INTRA_REFRESH,
    ATTR_COUNT,
};

enum demand { REJECT = 1, REQUIRED, CLAMP };

/* What is out of min..max is refused, or with CLAMP drawn in. */
static const struct rule {
    const char *name;
    int64_t min, max, fallback;
    enum demand demand;
} rules[ATTR_COUNT] = {
    [ATTR_ML_FEATURES] = {"x-ml-general.featureFlags", 0, UINT32_MAX, 0, REJECT},
    [ATTR_ENCRYPTION] = {"x-ss-general.encryptionEnabled", 0, UINT32_MAX, 0, REJECT},
    [ATTR_CHROMA] = {"x-ss-video[0].chromaSamplingType", 0, 1, 0, REJECT},
    [ATTR_WIDTH] = {"x-nv-video[0].clientViewportWd", 64, 16384, 0, REQUIRED},
    [ATTR_HEIGHT] = {"x-nv-video[0].clientViewportHt", 64, 16384, 0, REQUIRED},
    [ATTR_FPS] = {"x-nv-video[0].maxFPS", 1, 1000000, 0, REQUIRED},
    [ATTR_PACKET_SIZE] = {"x-nv-video[0].packetSize", 256, 65000, 0, REQUIRED},
    [ATTR_MAX_KBPS] = {"x-nv-vqos[0].bw.maximumBitrateKbps", MIN_KBPS, MAX_KBPS, 0, CLAMP},
    [ATTR_CONFIGURED_KBPS] = {"x-ml-video.configuredBitrateKbps", 0, MAX_KBPS, 0, CLAMP},
    [ATTR_VIDEO_QOS] = {"x-nv-vqos[0].qosTrafficType", 0, 255, TRAFFIC_VIDEO, REJECT},
    [ATTR_AUDIO_QOS] = {"x-nv-aqos.qosTrafficType", 0, 255, TRAFFIC_AUDIO, REJECT},
    [ATTR_NV_FEATURES] = {"x-nv-general.featureFlags", 0, UINT32_MAX, FEATURES_BASE, REJECT},
    [ATTR_CONTROL_TYPE] = {"x-nv-general.useReliableUdp", 0, 255, 1, REJECT},
    [ATTR_REPAIR_PERCENT] = {"x-nv-vqos[0].fec.repairPercent", 0, 255, 0, REJECT},
    [ATTR_MIN_PARITY] = {"x-nv-vqos[0].fec.minRequiredFecPackets", 0, 255, 0, REJECT},
    [ATTR_SLICES] = {"x-nv-video[0].videoEncoderSlicesPerFrame", 1, 255, 1, CLAMP},
    [ATTR_CODEC] = {"x-nv-vqos[0].bitStreamFormat", 0, 2, 0, REJECT},
    [ATTR_DYNAMIC_RANGE] = {"x-nv-video[0].dynamicRangeMode", 0, 1, 0, REJECT},
    [ATTR_REFERENCES] = {"x-nv-video[0].maxNumReferenceFrames", 0, 255, 1, REJECT},
    [ATTR_REFRESH] = {"x-nv-video[0].clientRefreshRateX100", 0, 1000000, 0, REJECT},
    [ATTR_CHANNELS] = {"x-nv-audio.surround.numChannels", 2, 8, 2, REJECT},
    [ATTR_CHANNEL_MASK] = {"x-nv-audio.surround.channelMask", 0, UINT16_MAX, 0, REJECT},
    [ATTR_AUDIO_QUALITY] = {"x-nv-audio.surround.AudioQuality", 0, 1, 0, REJECT},
    [ATTR_PACKET_MS] = {"x-nv-aqos.packetDuration", 5, 10, 5, REJECT},
    [ATTR_CSC] = {"x-nv-video[0].encoderCscMode", 0, 5, 0, REJECT},
    [ATTR_INTRA_REFRESH] = {"x-ss-video[0].intraRefresh", 0, 1, 0, REJECT},
};

struct values {
    int64_t value[ATTR_COUNT];
    bool seen[ATTR_COUNT];
};

static int read_value(const struct rule *rule, const char *text, size_t size_bytes, int64_t *out)
{
    enum { MAX_DIGITS = 18 };
    int64_t number = 0;
    if (size_bytes == 0 || size_bytes > MAX_DIGITS)
        return LM_EPROTO;
    for (size_t i = 0; i < size_bytes; i++) {
        if (text[i] < '0' || text[i] > '9')
            return LM_EPROTO;
        number = number * 10 + (text[i] - '0');
    }
    bool outside = number < rule->min || number > rule->max;
    if (outside && rule->demand != CLAMP)
        return LM_EPROTO;
    *out = LM_CLAMP(number, rule->min, rule->max);
    return LM_OK;
}

/* One line without its end; lines that are no known attribute are skipped. */
static int read_line(struct values *v, const char *line, size_t size_bytes, const char **why)
{
    while (size_bytes && (line[size_bytes - 1] == ' ' || line[size_bytes - 1] == '\r' ||
                          line[size_bytes - 1] == '\t'))
        size_bytes--;
    const char *colon = memchr(line, ':', size_bytes);
    if (!colon || size_bytes < 2 || memcmp(line, "a=", 2) != 0)
        return LM_OK;
    size_t name_bytes = (size_t)(colon - line) - 2;
    for (size_t i = 0; i < ATTR_COUNT; i++) {
        if (v->seen[i] || strlen(rules[i].name) != name_bytes ||
            memcmp(rules[i].name, line + 2, name_bytes) != 0)
            continue;
        *why = rules[i].name;
        v->seen[i] = true; /* of repeated attributes the first counts */
        return read_value(&rules[i], colon + 1, size_bytes - name_bytes - 3, &v->value[i]);
    }
    return LM_OK;
}

static int read_values(struct values *v, const char *body, size_t size_bytes, const char **why)
{
    *why = "NUL or too long";
    if (size_bytes > SDP_MAX_BYTES || memchr(body, 0, size_bytes))
        return LM_EPROTO;
    for (size_t i = 0; i < ATTR_COUNT; i++)
        v->value[i] = rules[i].fallback;
    while (size_bytes) {
        const char *end = memchr(body, '\n', size_bytes);
        size_t line_bytes = end ? (size_t)(end - body) : size_bytes;
        int result = read_line(v, body, line_bytes, why);
        if (result < 0)
            return result;
        size_t step = end ? line_bytes + 1 : line_bytes;
        body += step;
        size_bytes -= step;
    }
    for (size_t i = 0; i < ATTR_COUNT; i++) {
        *why = rules[i].name;
        if (rules[i].demand == REQUIRED && !v->seen[i])
            return LM_EPROTO;
    }
    return LM_OK;
}

/* The display's rate is only worth something when it is about the frame rate. */
static uint32_t matching_refresh(uint32_t rate_mhz, int64_t refresh_x100)
{
    int64_t difference_mhz = refresh_x100 * 10 - rate_mhz;
    bool near = llabs(difference_mhz) * 100 <= rate_mhz;
    return near ? (uint32_t)refresh_x100 : 0;
}

static int check_together(const struct values *v, const char **why)
{
    const int64_t *value = v->value;
    *why = "x-nv-audio.surround.numChannels";
    if (!sdp_channel_mask((unsigned)value[ATTR_CHANNELS]))
        return LM_EPROTO;
    *why = "x-nv-aqos.packetDuration";
    if (value[ATTR_PACKET_MS] != 5 && value[ATTR_PACKET_MS] != 10)
        return LM_EPROTO;
    *why = rules[ATTR_MAX_KBPS].name;
    if (!value[ATTR_MAX_KBPS] && !value[ATTR_CONFIGURED_KBPS])
        return LM_EPROTO;
    *why = "";
    return LM_OK;
}

int sdp_announce_parse(const char *body, size_t size_bytes, struct stream_params *out,
                       const char **why)
{
    struct values v = {{0}, {false}};
    int result = read_values(&v, body, size_bytes, why);
    if (result < 0)
        return result;
    result = check_together(&v, why);
    if (result < 0)
        return result;
    const int64_t *value = v.value;
    uint32_t rate_mhz = launch_rate_mhz((uint32_t)value[ATTR_FPS]);
    uint32_t configured = (uint32_t)value[ATTR_CONFIGURED_KBPS];
    bool audio_crypto = value[ATTR_NV_FEATURES] & FEATURES_AUDIO_CRYPTO;
    uint16_t mask = (uint16_t)value[ATTR_CHANNEL_MASK];
    memset(out, 0, sizeof *out);
    out->width_px = (uint32_t)value[ATTR_WIDTH];
    out->height_px = (uint32_t)value[ATTR_HEIGHT];
    out->rate_mhz = rate_mhz;
    out->refresh_x100 = matching_refresh(rate_mhz, value[ATTR_REFRESH]);
    out->packet_size_bytes = (uint32_t)value[ATTR_PACKET_SIZE];
    out->configured_kbps = configured ? LM_MAX(configured, (uint32_t)MIN_KBPS) : 0;
    out->maximum_kbps = (uint32_t)value[ATTR_MAX_KBPS];
    out->codec = (enum sdp_codec)(value[ATTR_CODEC] + SDP_H264);
    out->chroma444 = value[ATTR_CHROMA];
    out->ten_bit = value[ATTR_DYNAMIC_RANGE];
    out->single_reference = value[ATTR_REFERENCES] == 1;
    out->intra_refresh = value[ATTR_INTRA_REFRESH];
    out->slices = (uint32_t)value[ATTR_SLICES];
    out->color_space = (uint8_t)(value[ATTR_CSC] >> 1);
    out->full_range = value[ATTR_CSC] & 1;
    out->min_parity_packets = (uint32_t)value[ATTR_MIN_PARITY];
    out->parity_percent = (uint32_t)value[ATTR_REPAIR_PERCENT];
    out->client_features = (uint32_t)value[ATTR_ML_FEATURES];
    out->encryption = ((uint32_t)value[ATTR_ENCRYPTION] & ALL_ENCRYPTION) |
                      (audio_crypto ? SDP_ENCRYPT_AUDIO : 0);
    out->control_type = (uint32_t)value[ATTR_CONTROL_TYPE];
    out->mark_video = value[ATTR_VIDEO_QOS];
    out->mark_audio = value[ATTR_AUDIO_QOS];
    out->audio_channels = (uint8_t)value[ATTR_CHANNELS];
    out->channel_mask = mask ? mask : sdp_channel_mask((unsigned)value[ATTR_CHANNELS]);
    out->high_quality_audio = value[ATTR_AUDIO_QUALITY];
    out->packet_ms = (uint8_t)value[ATTR_PACKET_MS];
    return LM_OK;
}

/* ---- the client's side ---- */

static void add(struct lm_text *t, const char *name, uint32_t value)
{
    /* Clients put a blank before the line's end. */
    lm_text_add(t, "a=%s:%u \r\n", name, value);
}

static uint32_t initial_kbps(const struct stream_params *params)
{
    uint32_t kbps = (uint32_t)((uint64_t)params->configured_kbps * 80 / 100);
    if (!params->mark_video && kbps > 2 * REMOTE_ALLOWANCE_KBPS)
        kbps -= REMOTE_ALLOWANCE_KBPS;
    return LM_MIN(kbps, (uint32_t)INITIAL_CAP_KBPS);
}

static void add_rates(struct lm_text *t, const struct stream_params *params)
{
    uint32_t kbps = initial_kbps(params);
    add(t, rules[ATTR_PACKET_SIZE].name, params->packet_size_bytes);
    add(t, "x-nv-video[0].rateControlMode", 4);
    add(t, "x-nv-video[0].timeoutLengthMs", 7000);
    add(t, "x-nv-video[0].framesWithInvalidRefThreshold", 0);
    add(t, "x-nv-video[0].initialBitrateKbps", kbps);
    add(t, "x-nv-video[0].initialPeakBitrateKbps", kbps);
    add(t, "x-nv-vqos[0].bw.minimumBitrateKbps", kbps);
    add(t, rules[ATTR_MAX_KBPS].name, kbps);
    add(t, rules[ATTR_CONFIGURED_KBPS].name, params->configured_kbps);
    add(t, "x-nv-vqos[0].fec.enable", 1);
    add(t, "x-nv-vqos[0].videoQualityScoreUpdateTime", 5000);
    add(t, rules[ATTR_VIDEO_QOS].name, params->mark_video ? TRAFFIC_VIDEO : 0);
    add(t, rules[ATTR_AUDIO_QOS].name, params->mark_audio ? TRAFFIC_AUDIO : 0);
}

static void add_video(struct lm_text *t, const struct stream_params *params)
{
    bool audio_crypto = params->encryption & SDP_ENCRYPT_AUDIO;
    add(t, rules[ATTR_NV_FEATURES].name,
        FEATURES_BASE | (audio_crypto ? FEATURES_AUDIO_CRYPTO : 0));
    add(t, rules[ATTR_CONTROL_TYPE].name, params->control_type);
    add(t, rules[ATTR_MIN_PARITY].name, params->min_parity_packets);
    add(t, "x-nv-vqos[0].bllFec.enable", 0);
    add(t, "x-nv-vqos[0].drc.enable", 0);
    add(t, "x-nv-general.enableRecoveryMode", 0);
    add(t, rules[ATTR_SLICES].name, params->slices);
    if (params->codec != SDP_AV1)
        add(t, "x-nv-clientSupportHevc", params->codec == SDP_HEVC);
    add(t, rules[ATTR_CODEC].name, (uint32_t)params->codec - SDP_H264);
    add(t, rules[ATTR_DYNAMIC_RANGE].name, params->ten_bit);
    add(t, rules[ATTR_REFERENCES].name, params->single_reference);
    add(t, rules[ATTR_REFRESH].name, params->refresh_x100);
    if (params->intra_refresh)
        add(t, rules[ATTR_INTRA_REFRESH].name, 1);
}

static void add_audio(struct lm_text *t, const struct stream_params *params)
{
    bool surround = params->audio_channels > 2;
    add(t, rules[ATTR_CHANNELS].name, params->audio_channels);
    add(t, rules[ATTR_CHANNEL_MASK].name, params->channel_mask);
    add(t, "x-nv-audio.surround.enable", surround);
    add(t, rules[ATTR_AUDIO_QUALITY].name, surround && params->high_quality_audio);
    add(t, rules[ATTR_PACKET_MS].name, params->packet_ms);
}

int sdp_announce_write(const struct stream_params *params, const char *host_ip, uint16_t video_port,
                       char *out, size_t capacity_bytes)
{
    struct lm_text t = lm_text_of(out, capacity_bytes);
    bool v6 = strchr(host_ip, ':') != NULL;
    lm_text_add(&t, "v=0\r\no=android 0 14 IN %s %s%s%s\r\ns=NVIDIA Streaming Client\r\n",
                v6 ? "IPv6" : "IPv4", v6 ? "[" : "", host_ip, v6 ? "]" : "");
    add(&t, rules[ATTR_ML_FEATURES].name, params->client_features);
    add(&t, rules[ATTR_ENCRYPTION].name, params->encryption);
    add(&t, rules[ATTR_CHROMA].name, params->chroma444);
    add(&t, rules[ATTR_WIDTH].name, params->width_px);
    add(&t, rules[ATTR_HEIGHT].name, params->height_px);
    /* Hosts read an integer; the exact rate goes into clientRefreshRateX100. */
    add(&t, rules[ATTR_FPS].name, (params->rate_mhz + 500) / 1000);
    add_rates(&t, params);
    add_video(&t, params);
    add_audio(&t, params);
    add(&t, rules[ATTR_CSC].name, (uint32_t)params->color_space << 1 | params->full_range);
    lm_text_add(&t, "t=0 0\r\nm=video %u  \r\n", (unsigned)video_port);
    return lm_text_end(&t);
}
