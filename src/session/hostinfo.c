#include "session/hostinfo.h"

#include "core/base/check.h"
#include "core/base/text.h"
#include "core/crypto/hex.h"

#include <arpa/inet.h>

#define XML_HEAD        "<?xml version=\"1.0\" encoding=\"utf-8\"?>"
#define PLACEHOLDER_MAC "00:00:00:00:00:00"
#define STATE_PREFIX    "LUMEN"

/* What a client with HEVC at hand expects to read. */
enum { MAX_LUMA_PIXELS_HEVC = 1869449984 };

static const char *entity_of(char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&apos;";
    default:
        return NULL;
    }
}

/* Size of the well-formed UTF-8 sequence at `s` that XML 1.0 allows, 0 if there is none: one bad
 * byte in a title would make clients drop the whole document. */
static size_t utf8_size(const unsigned char *s)
{
    static const struct {
        unsigned char mask, lead;
        uint32_t min;
    } forms[] = {
        {0x80, 0x00, 0x20}, {0xe0, 0xc0, 0x80}, {0xf0, 0xe0, 0x800}, {0xf8, 0xf0, 0x10000}};
    for (size_t i = 0; i < LM_ARRAY_LEN(forms); i++) {
        if ((s[0] & forms[i].mask) != forms[i].lead)
            continue;
        uint32_t code = s[0] & (unsigned char)~forms[i].mask;
        for (size_t k = 1; k <= i; k++) {
            if ((s[k] & 0xc0) != 0x80)
                return 0;
            code = code << 6 | (s[k] & 0x3f);
        }
        bool surrogate = code >= 0xd800 && code <= 0xdfff;
        bool allowed = code >= forms[i].min && code <= 0x10ffff && !surrogate && code != 0xfffe &&
                       code != 0xffff && code != 0x7f;
        return allowed ? i + 1 : 0;
    }
    return 0;
}

static void add_escaped(struct lm_text *t, const char *text)
{
    while (*text) {
        size_t size_bytes = utf8_size((const unsigned char *)text);
        const char *entity = entity_of(*text);
        if (entity)
            lm_text_add(t, "%s", entity);
        else if (size_bytes)
            lm_text_add(t, "%.*s", (int)size_bytes, text);
        text += size_bytes ? size_bytes : 1;
    }
}

static void add_text(struct lm_text *t, const char *element, const char *text)
{
    lm_text_add(t, "<%s>", element);
    add_escaped(t, text);
    lm_text_add(t, "</%s>", element);
}

static void add_number(struct lm_text *t, const char *element, uint32_t number)
{
    lm_text_add(t, "<%s>%u</%s>", element, number, element);
}

static void add_root(struct lm_text *t)
{
    lm_text_add(t, XML_HEAD "<root status_code=\"200\">");
}

static int end_root(struct lm_text *t)
{
    lm_text_add(t, "</root>");
    return lm_text_end(t);
}

/* The root of an error, its start tag still open. */
static void add_error_root(struct lm_text *t, enum hostinfo_status status, const char *message)
{
    lm_text_add(t, XML_HEAD "<root status_code=\"%d\" status_message=\"", (int)status);
    add_escaped(t, message);
    lm_text_add(t, "\"");
}

/* ---- addresses ---- */

struct address {
    int family;
    char text[INET6_ADDRSTRLEN];
};

static int read_address(const char *ip, struct address *out)
{
    char bare[64];
    size_t size_bytes = strcspn(ip, "%");
    if (size_bytes >= sizeof bare)
        return LM_EINVAL;
    memcpy(bare, ip, size_bytes);
    bare[size_bytes] = '\0';
    struct in_addr v4;
    struct in6_addr v6;
    if (inet_pton(AF_INET, bare, &v4) == 1) {
        out->family = AF_INET;
    } else if (inet_pton(AF_INET6, bare, &v6) == 1) {
        out->family = IN6_IS_ADDR_V4MAPPED(&v6) ? AF_INET : AF_INET6;
        memcpy(&v4, v6.s6_addr + 12, sizeof v4);
    } else {
        return LM_EINVAL;
    }
    const void *bytes = out->family == AF_INET ? (const void *)&v4 : (const void *)&v6;
    return inet_ntop(out->family, bytes, out->text, sizeof out->text) ? LM_OK : LM_EINVAL;
}

int hostinfo_normal_ip(const char *ip, char *out, size_t capacity_bytes)
{
    struct address address;
    int result = read_address(ip, &address);
    if (result < 0)
        return result;
    struct lm_text t = lm_text_of(out, capacity_bytes);
    lm_text_add(&t, "%s", address.text);
    return lm_text_end(&t);
}

int hostinfo_session_url(bool encrypted, const char *local_ip, uint16_t rtsp_port, char *out,
                         size_t capacity_bytes)
{
    struct address address;
    int result = read_address(local_ip, &address);
    if (result < 0)
        return result;
    struct lm_text t = lm_text_of(out, capacity_bytes);
    const char *scheme = encrypted ? "rtspenc" : "rtsp";
    bool v6 = address.family == AF_INET6;
    lm_text_add(&t, "%s://%s%s%s:%u", scheme, v6 ? "[" : "", address.text, v6 ? "]" : "",
                (unsigned)rtsp_port);
    return lm_text_end(&t);
}

/* ---- documents ---- */

static const char *local_ipv4(const char *local_ip, struct address *storage)
{
    bool v4 = local_ip && read_address(local_ip, storage) == LM_OK && storage->family == AF_INET;
    return v4 ? storage->text : "127.0.0.1";
}

static void add_modes(struct lm_text *t, const struct hostinfo_params *params)
{
    if (!params->mode_count)
        return;
    lm_text_add(t, "<SupportedDisplayMode>");
    for (size_t i = 0; i < LM_MIN(params->mode_count, (size_t)HOSTINFO_MAX_MODES); i++) {
        lm_text_add(t, "<DisplayMode>");
        add_number(t, "Width", params->modes[i].width_px);
        add_number(t, "Height", params->modes[i].height_px);
        add_number(t, "RefreshRate", params->modes[i].refresh_hz);
        lm_text_add(t, "</DisplayMode>");
    }
    lm_text_add(t, "</SupportedDisplayMode>");
}

int hostinfo_write_serverinfo(const struct hostinfo_params *params, char *out,
                              size_t capacity_bytes)
{
    struct lm_text t = lm_text_of(out, capacity_bytes);
    struct address storage;
    uint32_t codecs = (params->codecs & HOSTINFO_ALL_CODECS) | HOSTINFO_H264;
    bool told_mac = params->paired && params->mac && params->mac[0];
    bool named = params->hostname && params->hostname[0];
    add_root(&t);
    add_text(&t, "hostname", named ? params->hostname : "lumen");
    add_text(&t, "appversion", HOSTINFO_APP_VERSION);
    add_text(&t, "GfeVersion", HOSTINFO_GFE_VERSION);
    add_text(&t, "uniqueid", params->unique_id);
    add_number(&t, "HttpsPort", params->https_port);
    add_number(&t, "ExternalPort", params->http_port);
    add_number(&t, "MaxLumaPixelsHEVC", codecs & HOSTINFO_ANY_HEVC ? MAX_LUMA_PIXELS_HEVC : 0);
    add_text(&t, "mac", told_mac ? params->mac : PLACEHOLDER_MAC);
    add_text(&t, "LocalIP", local_ipv4(params->local_ip, &storage));
    if (params->external_ip && params->external_ip[0])
        add_text(&t, "ExternalIP", params->external_ip);
    add_number(&t, "ServerCodecModeSupport", codecs);
    add_modes(&t, params);
    add_number(&t, "PairStatus", params->paired);
    add_number(&t, "currentgame", params->current_app_id);
    add_text(&t, "state",
             params->current_app_id ? STATE_PREFIX "_SERVER_BUSY" : STATE_PREFIX "_SERVER_FREE");
    if (params->gpu && params->gpu[0])
        add_text(&t, "gputype", params->gpu);
    return end_root(&t);
}

int hostinfo_write_applist(const struct hostinfo_app *apps, size_t count, char *out,
                           size_t capacity_bytes)
{
    struct lm_text t = lm_text_of(out, capacity_bytes);
    add_root(&t);
    for (size_t i = 0; i < count; i++) {
        lm_text_add(&t, "<App>");
        add_number(&t, "IsHdrSupported", apps[i].hdr);
        add_text(&t, "AppTitle", apps[i].title[0] ? apps[i].title : "Untitled");
        add_number(&t, "ID", apps[i].id);
        lm_text_add(&t, "</App>");
    }
    return end_root(&t);
}

int hostinfo_write_error(enum hostinfo_status status, const char *message, const char *query,
                         char *out, size_t capacity_bytes)
{
    struct lm_text t = lm_text_of(out, capacity_bytes);
    add_error_root(&t, status, message);
    if (query) {
        lm_text_add(&t, " query=\"");
        add_escaped(&t, query);
        lm_text_add(&t, "\"");
    }
    lm_text_add(&t, "/>");
    return lm_text_end(&t);
}

int hostinfo_write_unauthorized(const char *query, char *out, size_t capacity_bytes)
{
    return hostinfo_write_error(HOSTINFO_UNAUTHORIZED,
                                "The client is not authorized. Certificate verification failed.",
                                query, out, capacity_bytes);
}

int hostinfo_write_ok(char *out, size_t capacity_bytes)
{
    struct lm_text t = lm_text_of(out, capacity_bytes);
    add_root(&t);
    return end_root(&t);
}

static const char *verb_element(enum hostinfo_verb verb)
{
    return verb == HOSTINFO_LAUNCH ? "gamesession" : verb == HOSTINFO_RESUME ? "resume" : "cancel";
}

int hostinfo_write_launch(bool resume, bool encrypted, const char *local_ip, uint16_t rtsp_port,
                          char *out, size_t capacity_bytes)
{
    char url[100];
    int result = hostinfo_session_url(encrypted, local_ip, rtsp_port, url, sizeof url);
    if (result < 0)
        return result;
    struct lm_text t = lm_text_of(out, capacity_bytes);
    add_root(&t);
    add_text(&t, "sessionUrl0", url);
    add_number(&t, verb_element(resume ? HOSTINFO_RESUME : HOSTINFO_LAUNCH), 1);
    return end_root(&t);
}

int hostinfo_write_refusal(enum hostinfo_verb verb, enum hostinfo_status status,
                           const char *message, char *out, size_t capacity_bytes)
{
    struct lm_text t = lm_text_of(out, capacity_bytes);
    add_error_root(&t, status, message);
    lm_text_add(&t, ">");
    add_number(&t, verb_element(verb), 0);
    return end_root(&t);
}

int hostinfo_write_cancel(char *out, size_t capacity_bytes)
{
    struct lm_text t = lm_text_of(out, capacity_bytes);
    add_root(&t);
    add_number(&t, verb_element(HOSTINFO_CANCEL), 1);
    return end_root(&t);
}

int hostinfo_write_pair(bool paired, const char *element, const void *data, size_t size_bytes,
                        char *out, size_t capacity_bytes)
{
    struct lm_text t = lm_text_of(out, capacity_bytes);
    add_root(&t);
    add_number(&t, "paired", paired);
    if (element) {
        lm_text_add(&t, "<%s>", element);
        if (!t.bad && 2 * size_bytes < capacity_bytes - t.size_bytes) {
            lm_hex_encode(data, size_bytes, out + t.size_bytes);
            t.size_bytes += 2 * size_bytes;
        } else {
            t.bad = true;
        }
        lm_text_add(&t, "</%s>", element);
    }
    return end_root(&t);
}

int hostinfo_write_pair_error(enum hostinfo_status status, const char *message, char *out,
                              size_t capacity_bytes)
{
    struct lm_text t = lm_text_of(out, capacity_bytes);
    add_error_root(&t, status, message);
    lm_text_add(&t, ">");
    add_number(&t, "paired", 0);
    return end_root(&t);
}
