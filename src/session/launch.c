#include "session/launch.h"

#include "core/base/bytes.h"
#include "core/base/check.h"
#include "core/base/text.h"
#include "core/crypto/hash.h"
#include "core/crypto/hex.h"
#include "session/hostinfo.h"
#include "session/sdp.h"

enum {
    MAX_SIDE_PX = 16384,
    MAX_RATE_MHZ = 1000000,
    MAX_PLAIN_FPS = 1000, /* above it a number means fps x 1000 */
    STEREO_INFO = 196610,
};

uint32_t launch_rate_mhz(uint32_t fps)
{
    return fps > MAX_PLAIN_FPS ? fps : fps * 1000;
}

/* Digits at *text up to `max`; -1 when there is none or the number is larger. */
static int64_t take_number(const char **text, int64_t max)
{
    int64_t number = 0;
    const char *start = *text;
    for (; **text >= '0' && **text <= '9'; (*text)++) {
        number = number * 10 + (**text - '0');
        if (number > max)
            return -1;
    }
    return *text == start ? -1 : number;
}

/* ".94" as thousandths. */
static int64_t take_thousandths(const char **text)
{
    int64_t sum = 0, weight = 100;
    const char *start = ++*text;
    for (; **text >= '0' && **text <= '9'; (*text)++) {
        sum += weight * (**text - '0');
        weight /= 10;
    }
    return *text == start ? -1 : sum;
}

int launch_parse_mode(const char *text, struct launch_params *out)
{
    int64_t width = take_number(&text, MAX_SIDE_PX);
    if (width < 0 || *text++ != 'x')
        return LM_EPROTO;
    int64_t height = take_number(&text, MAX_SIDE_PX);
    if (height < 0 || *text++ != 'x')
        return LM_EPROTO;
    int64_t fps = take_number(&text, MAX_RATE_MHZ);
    if (fps < 0)
        return LM_EPROTO;
    int64_t rate_mhz = launch_rate_mhz((uint32_t)fps);
    if (*text == '.') {
        int64_t thousandths = take_thousandths(&text);
        if (thousandths < 0 || fps >= MAX_PLAIN_FPS)
            return LM_EPROTO;
        rate_mhz += thousandths;
    }
    if (*text)
        return LM_EPROTO;
    out->width_px = (uint32_t)width;
    out->height_px = (uint32_t)height;
    out->rate_mhz = (uint32_t)rate_mhz;
    return LM_OK;
}

static int parse_mode(const struct params *query, struct launch_params *out)
{
    char text[40];
    int result = params_text(query, "mode", text, sizeof text);
    if (result == LM_ENOENT)
        return LM_OK;
    return result < 0 ? LM_EPROTO : launch_parse_mode(text, out);
}

static int parse_surround(const struct params *query, struct launch_params *out)
{
    int64_t info;
    if (params_number_or(query, "surroundAudioInfo", 0, UINT32_MAX, STEREO_INFO, &info) < 0)
        return LM_EPROTO;
    unsigned channels = (unsigned)(info & 0xffff);
    if (!sdp_channel_mask(channels))
        return LM_EPROTO;
    out->audio_channels = (uint8_t)channels;
    out->channel_mask = (uint16_t)(info >> 16);
    if (!out->channel_mask)
        out->channel_mask = sdp_channel_mask(channels);
    /* A custom layout is a wish: one that makes no sense is not worth a failed launch. */
    struct sdp_layout layout;
    bool usable = params_text(query, "surroundParams", out->surround, sizeof out->surround) > 0 &&
                  channels != 2 && sdp_layout_from_wire(out->surround, true, &layout) == LM_OK &&
                  layout.channels == channels && layout.streams + layout.coupled == channels;
    if (!usable)
        out->surround[0] = '\0';
    return LM_OK;
}

struct flag {
    const char *name;
    size_t offset;
};

#define FLAG(name, member)                                                                         \
    {                                                                                              \
        name, offsetof(struct launch_params, member)                                               \
    }

static const struct flag flags[] = {
    FLAG("sops", optimize),
    FLAG("hdrMode", hdr),
    FLAG("localAudioPlayMode", local_audio),
    FLAG("gcpersist", persist_pads),
    FLAG("continuousAudio", continuous_audio),
    FLAG("virtualDisplay", virtual_display),
};

static int parse_flags(const struct params *query, struct launch_params *out)
{
    for (size_t i = 0; i < LM_ARRAY_LEN(flags); i++) {
        int64_t value;
        if (params_number_or(query, flags[i].name, 0, INT32_MAX, 0, &value) < 0)
            return LM_EPROTO;
        *(bool *)((char *)out + flags[i].offset) = value != 0;
    }
    return LM_OK;
}

static int parse_numbers(const struct params *query, struct launch_params *out)
{
    int64_t pads, gcmap, core, scale;
    if (params_number_or(query, "gcmap", 0, UINT32_MAX, 0, &gcmap) < 0 ||
        params_number_or(query, "remoteControllersBitmap", 0, UINT32_MAX, gcmap, &pads) < 0 ||
        params_number_or(query, "corever", 0, INT32_MAX, -1, &core) < 0 ||
        params_number_or(query, "scaleFactor", 0, 1000, 0, &scale) < 0)
        return LM_EPROTO;
    out->pad_mask = (uint32_t)pads;
    out->core_version = (int32_t)core;
    out->scale_percent = (uint32_t)scale;
    return LM_OK;
}

static int parse_app(const struct params *query, bool resume, struct launch_params *out)
{
    int64_t app_id = 0;
    int result = params_number(query, "appid", 0, INT32_MAX, &app_id);
    if (resume)
        return LM_OK; /* whatever runs is resumed */
    out->app_id = (uint32_t)app_id;
    return result;
}

int launch_parse(const struct params *query, bool resume, struct launch_params *out,
                 const char **why)
{
    int64_t key_id = 0;
    memset(out, 0, sizeof *out);
    *why = "";
    int uid = params_text(query, "uniqueid", out->unique_id, sizeof out->unique_id);
    if (uid < 0 && uid != LM_ENOENT)
        *why = "The uniqueid is malformed.";
    else if (params_hex(query, "rikey", out->key, sizeof out->key) < 0)
        *why = "The rikey is missing or malformed.";
    else if (params_number(query, "rikeyid", INT32_MIN, UINT32_MAX, &key_id) < 0)
        *why = "The rikeyid is missing or malformed.";
    else if (parse_app(query, resume, out) < 0)
        *why = "The appid is missing or malformed.";
    else if (parse_mode(query, out) < 0)
        *why = "The mode is malformed.";
    else if (parse_surround(query, out) < 0)
        *why = "The surroundAudioInfo is not supported.";
    else if (parse_flags(query, out) < 0 || parse_numbers(query, out) < 0)
        *why = "A parameter is malformed.";
    out->key_id = (uint32_t)key_id;
    return **why ? LM_EPROTO : LM_OK;
}

static void add_mode(struct lm_text *t, const struct launch_params *params)
{
    lm_text_add(t, "&mode=%ux%ux%u", params->width_px, params->height_px, params->rate_mhz / 1000);
    unsigned thousandths = params->rate_mhz % 1000;
    if (thousandths % 10)
        lm_text_add(t, ".%03u", thousandths);
    else if (thousandths)
        lm_text_add(t, ".%02u", thousandths / 10);
}

int launch_format(const struct launch_params *params, bool resume, char *out, size_t capacity_bytes)
{
    struct lm_text t = lm_text_of(out, capacity_bytes);
    char key[2 * sizeof params->key + 1];
    lm_hex_encode(params->key, sizeof params->key, key);
    lm_text_add(&t, "uniqueid=%s", params->unique_id[0] ? params->unique_id : HOSTINFO_DEFAULT_UID);
    if (!resume || params->app_id)
        lm_text_add(&t, "&appid=%u", params->app_id);
    add_mode(&t, params);
    lm_text_add(&t, "&additionalStates=1&sops=%d&rikey=%s&rikeyid=%d", params->optimize, key,
                (int32_t)params->key_id);
    if (params->hdr)
        lm_text_add(&t, "&hdrMode=1&clientHdrCapVersion=0&clientHdrCapSupportedFlagsInUint32=0"
                        "&clientHdrCapMetaDataId=NV_STATIC_METADATA_TYPE_1"
                        "&clientHdrCapDisplayData=0x0x0x0x0x0x0x0x0x0x0");
    lm_text_add(&t, "&localAudioPlayMode=%d&surroundAudioInfo=%u", params->local_audio,
                (unsigned)params->channel_mask << 16 | params->audio_channels);
    lm_text_add(&t, "&remoteControllersBitmap=%u&gcmap=%u&gcpersist=%d", params->pad_mask,
                params->pad_mask, params->persist_pads);
    if (params->core_version >= 0)
        lm_text_add(&t, "&corever=%d", params->core_version);
    if (params->continuous_audio)
        lm_text_add(&t, "&continuousAudio=1");
    if (params->virtual_display)
        lm_text_add(&t, "&virtualDisplay=1");
    if (params->scale_percent)
        lm_text_add(&t, "&scaleFactor=%u", params->scale_percent);
    if (params->surround[0])
        lm_text_add(&t, "&surroundParams=%s", params->surround);
    lm_wipe(key, sizeof key);
    return lm_text_end(&t);
}

void launch_iv(uint32_t key_id, uint8_t iv[16])
{
    memset(iv, 0, 16);
    lm_put_be32(iv, key_id);
}
