#include "session/hostinfo.h"

#include "core/base/check.h"

#include <expat.h>
#include <stdlib.h>
#include <string.h>

enum {
    MAX_DOCUMENT_BYTES = 1 << 20,
    DEFAULT_HTTPS_PORT = 47984,
    DEFAULT_HTTP_PORT = 47989,
    DEFAULT_RTSP_PORT = 48010,
};

struct reader {
    XML_Parser parser;
    struct hostinfo_root *root;
    void *out;
    void (*open)(void *out, const char *name);                   /* a child starts; may be NULL */
    bool (*leaf)(void *out, const char *name, const char *text); /* false: out of range */
    int depth;
    bool bad;
    size_t text_bytes;
    char text[HOSTINFO_PEM_HEX_BYTES];
};

static void refuse(struct reader *r)
{
    r->bad = true;
    XML_StopParser(r->parser, XML_FALSE);
}

static bool number_of(const char *text, uint32_t max, uint32_t *out)
{
    uint64_t number = 0;
    if (!*text || strlen(text) > 10)
        return false;
    for (; *text; text++) {
        if (*text < '0' || *text > '9')
            return false;
        number = number * 10 + (uint64_t)(*text - '0');
    }
    if (number > max)
        return false;
    *out = (uint32_t)number;
    return true;
}

/* Cuts at a character boundary. */
static void copy_text(char *out, size_t capacity_bytes, const char *text)
{
    size_t size_bytes = strlen(text);
    if (size_bytes >= capacity_bytes) {
        size_bytes = capacity_bytes - 1;
        while (size_bytes && ((unsigned char)text[size_bytes] & 0xc0) == 0x80)
            size_bytes--;
    }
    memcpy(out, text, size_bytes);
    out[size_bytes] = '\0';
}

static void read_root(struct reader *r, const char *name, const char **attributes)
{
    uint32_t status = 0;
    bool told = false;
    for (size_t i = 0; attributes[i]; i += 2) {
        if (strcmp(attributes[i], "status_code") == 0)
            told = number_of(attributes[i + 1], UINT32_MAX, &status);
        else if (strcmp(attributes[i], "status_message") == 0)
            copy_text(r->root->status_message, sizeof r->root->status_message, attributes[i + 1]);
    }
    if (strcmp(name, "root") != 0 || !told) {
        refuse(r);
        return;
    }
    r->root->status_code = status <= INT32_MAX ? (int)status : -1;
}

static void XMLCALL on_start(void *user, const char *name, const char **attributes)
{
    struct reader *r = user;
    r->text_bytes = 0;
    if (r->depth++ == 0)
        read_root(r, name, attributes);
    else if (r->open)
        r->open(r->out, name);
}

static void XMLCALL on_end(void *user, const char *name)
{
    struct reader *r = user;
    r->text[r->text_bytes] = '\0';
    r->text_bytes = 0;
    if (--r->depth > 0 && !r->leaf(r->out, name, r->text))
        refuse(r);
}

static void XMLCALL on_text(void *user, const char *text, int size_bytes)
{
    struct reader *r = user;
    if ((size_t)size_bytes >= sizeof r->text - r->text_bytes) {
        refuse(r);
        return;
    }
    memcpy(r->text + r->text_bytes, text, (size_t)size_bytes);
    r->text_bytes += (size_t)size_bytes;
}

/* No document of ours declares entities; whoever does wants them expanded. */
static void XMLCALL on_doctype(void *user, const char *name, const char *system_id,
                               const char *public_id, int has_internal_subset)
{
    refuse(user);
}

static int parse(const char *xml, size_t size_bytes, const struct reader *form)
{
    int result = LM_ENOMEM;
    struct reader *r = malloc(sizeof *r);
    XML_Parser parser = XML_ParserCreate("UTF-8");
    if (!r || !parser)
        goto out;
    result = LM_EPROTO;
    if (size_bytes > MAX_DOCUMENT_BYTES)
        goto out;
    *r = *form;
    r->parser = parser;
    XML_SetUserData(parser, r);
    XML_SetElementHandler(parser, on_start, on_end);
    XML_SetCharacterDataHandler(parser, on_text);
    XML_SetStartDoctypeDeclHandler(parser, on_doctype);
    if (XML_Parse(parser, xml, (int)size_bytes, XML_TRUE) == XML_STATUS_OK && !r->bad)
        result = LM_OK;
out:
    if (parser)
        XML_ParserFree(parser);
    free(r);
    return result;
}

/* ---- /serverinfo ---- */

struct text_field {
    const char *name;
    size_t offset, capacity_bytes;
};

#define SERVER_TEXT(name, member)                                                                  \
    {                                                                                              \
        name, offsetof(struct hostinfo_server, member),                                            \
            sizeof((struct hostinfo_server *)0)->member                                            \
    }

static const struct text_field server_texts[] = {
    SERVER_TEXT("hostname", hostname),
    SERVER_TEXT("uniqueid", unique_id),
    SERVER_TEXT("appversion", app_version),
    SERVER_TEXT("GfeVersion", gfe_version),
    SERVER_TEXT("mac", mac),
    SERVER_TEXT("LocalIP", local_ip),
    SERVER_TEXT("ExternalIP", external_ip),
    SERVER_TEXT("state", state),
};

struct server_reader {
    struct hostinfo_server *server;
    uint32_t https_port, external_port, pair_status;
};

static bool set_number(const char *text, uint32_t max, uint32_t *out)
{
    return !*text || number_of(text, max, out); /* empty: keep the default */
}

static struct hostinfo_mode *last_mode(struct hostinfo_server *server)
{
    return server->mode_count ? &server->modes[server->mode_count - 1] : NULL;
}

static void server_open(void *out, const char *name)
{
    struct hostinfo_server *server = ((struct server_reader *)out)->server;
    if (strcmp(name, "DisplayMode") == 0 && server->mode_count < HOSTINFO_MAX_MODES)
        server->mode_count++;
}

static bool server_mode_leaf(struct hostinfo_server *server, const char *name, const char *text)
{
    struct hostinfo_mode *mode = last_mode(server);
    if (mode && strcmp(name, "Width") == 0)
        return set_number(text, UINT16_MAX, &mode->width_px);
    if (mode && strcmp(name, "Height") == 0)
        return set_number(text, UINT16_MAX, &mode->height_px);
    if (mode && strcmp(name, "RefreshRate") == 0)
        return set_number(text, UINT16_MAX, &mode->refresh_hz);
    return true;
}

static bool server_leaf(void *out, const char *name, const char *text)
{
    struct server_reader *r = out;
    struct hostinfo_server *server = r->server;
    for (size_t i = 0; i < LM_ARRAY_LEN(server_texts); i++) {
        char *to = (char *)server + server_texts[i].offset;
        if (strcmp(name, server_texts[i].name) != 0 || *to)
            continue;
        copy_text(to, server_texts[i].capacity_bytes, text);
        return true;
    }
    const struct {
        const char *name;
        uint32_t max, *to;
    } numbers[] = {
        {"HttpsPort", UINT16_MAX, &r->https_port},
        {"ExternalPort", UINT16_MAX, &r->external_port},
        {"PairStatus", UINT32_MAX, &r->pair_status},
        {"ServerCodecModeSupport", UINT32_MAX, &server->codecs},
        {"MaxLumaPixelsHEVC", UINT32_MAX, &server->max_luma_pixels_hevc},
        {"currentgame", INT32_MAX, &server->current_app_id},
    };
    for (size_t i = 0; i < LM_ARRAY_LEN(numbers); i++)
        if (strcmp(name, numbers[i].name) == 0)
            return set_number(text, numbers[i].max, numbers[i].to);
    return server_mode_leaf(server, name, text);
}

static bool ends_with(const char *text, const char *tail)
{
    size_t text_bytes = strlen(text), tail_bytes = strlen(tail);
    return text_bytes >= tail_bytes && strcmp(text + text_bytes - tail_bytes, tail) == 0;
}

int hostinfo_parse_server(const char *xml, size_t size_bytes, struct hostinfo_server *out)
{
    memset(out, 0, sizeof *out);
    struct server_reader reader = {.server = out};
    struct reader form = {
        .root = &out->root, .out = &reader, .open = server_open, .leaf = server_leaf};
    int result = parse(xml, size_bytes, &form);
    out->https_port = (uint16_t)(reader.https_port ? reader.https_port : DEFAULT_HTTPS_PORT);
    out->external_port =
        (uint16_t)(reader.external_port ? reader.external_port : DEFAULT_HTTP_PORT);
    out->paired = reader.pair_status == 1;
    out->busy = ends_with(out->state, "_SERVER_BUSY");
    if (!out->busy)
        out->current_app_id = 0;
    return result;
}

/* ---- /applist ---- */

struct applist_reader {
    struct hostinfo_applist *list;
    struct hostinfo_app app; /* being read */
};

static void applist_open(void *out, const char *name)
{
    if (strcmp(name, "App") == 0)
        ((struct applist_reader *)out)->app = (struct hostinfo_app){0};
}

static bool applist_leaf(void *out, const char *name, const char *text)
{
    struct applist_reader *r = out;
    uint32_t hdr = 0;
    if (strcmp(name, "AppTitle") == 0)
        copy_text(r->app.title, sizeof r->app.title, text);
    else if (strcmp(name, "ID") == 0)
        return number_of(text, INT32_MAX, &r->app.id);
    else if (strcmp(name, "IsHdrSupported") == 0)
        r->app.hdr = number_of(text, 1, &hdr) && hdr;
    else if (strcmp(name, "App") == 0 && r->app.id && r->list->count < HOSTINFO_MAX_APPS)
        r->list->apps[r->list->count++] = r->app;
    return true;
}

int hostinfo_parse_applist(const char *xml, size_t size_bytes, struct hostinfo_applist *out)
{
    memset(out, 0, sizeof *out);
    struct applist_reader reader = {.list = out};
    struct reader form = {
        .root = &out->root, .out = &reader, .open = applist_open, .leaf = applist_leaf};
    return parse(xml, size_bytes, &form);
}

/* ---- /launch, /resume, /cancel ---- */

static bool launched_leaf(void *out, const char *name, const char *text)
{
    struct hostinfo_launched *launched = out;
    if (strcmp(name, "sessionUrl0") == 0) {
        if (strlen(text) >= sizeof launched->session_url)
            return false;
        copy_text(launched->session_url, sizeof launched->session_url, text);
    } else if (strcmp(name, "gamesession") == 0 || strcmp(name, "resume") == 0 ||
               strcmp(name, "cancel") == 0) {
        uint32_t value = 0;
        launched->accepted |= number_of(text, UINT32_MAX, &value) && value != 0;
    }
    return true;
}

int hostinfo_parse_launched(const char *xml, size_t size_bytes, struct hostinfo_launched *out)
{
    memset(out, 0, sizeof *out);
    struct reader form = {.root = &out->root, .out = out, .leaf = launched_leaf};
    int result = parse(xml, size_bytes, &form);
    const char *colon = strrchr(out->session_url, ':');
    uint32_t port = 0;
    if (!colon || !number_of(colon + 1, UINT16_MAX, &port) || port == 0)
        port = DEFAULT_RTSP_PORT;
    out->rtsp_port = (uint16_t)port;
    out->encrypted = strncmp(out->session_url, "rtspenc://", 10) == 0;
    return result;
}

/* ---- /pair ---- */

static bool paired_leaf(void *out, const char *name, const char *text)
{
    struct hostinfo_paired *paired = out;
    const struct {
        const char *name;
        char *to;
        size_t capacity_bytes;
    } texts[] = {
        {"plaincert", paired->plaincert, sizeof paired->plaincert},
        {"challengeresponse", paired->challengeresponse, sizeof paired->challengeresponse},
        {"pairingsecret", paired->pairingsecret, sizeof paired->pairingsecret},
    };
    for (size_t i = 0; i < LM_ARRAY_LEN(texts); i++) {
        if (strcmp(name, texts[i].name) != 0)
            continue;
        if (strlen(text) >= texts[i].capacity_bytes)
            return false;
        copy_text(texts[i].to, texts[i].capacity_bytes, text);
    }
    if (strcmp(name, "paired") == 0)
        paired->paired = strcmp(text, "1") == 0;
    return true;
}

int hostinfo_parse_paired(const char *xml, size_t size_bytes, struct hostinfo_paired *out)
{
    memset(out, 0, sizeof *out);
    struct reader form = {.root = &out->root, .out = out, .leaf = paired_leaf};
    return parse(xml, size_bytes, &form);
}
