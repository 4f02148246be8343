/* The XML documents of the HTTP service. The host generates (hostinfo.c) and never parses XML;
 * the client parses (hostinfo_parse.c). A document is one line without text between elements.
 * Writers fill a caller's buffer, NUL-terminated, and return the length, or LM_ELIMIT when it is
 * too small. Texts are UTF-8 and escaped here. Any thread, no state. */
#ifndef LUMEN_SESSION_HOSTINFO_H
#define LUMEN_SESSION_HOSTINFO_H

#include "core/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    HOSTINFO_MAX_BYTES = 16384, /* enough for every document below with full tables */
    HOSTINFO_MAX_APPS = 64,
    HOSTINFO_MAX_MODES = 32,
    HOSTINFO_NAME_BYTES = 128,
    HOSTINFO_PEM_HEX_BYTES = 2 * 4096 + 1,
};

#define HOSTINFO_APP_VERSION "7.1.431.-1"
#define HOSTINFO_GFE_VERSION "3.23.0.74"
#define HOSTINFO_DEFAULT_UID "0123456789ABCDEF" /* what clients without an own id send */

/* ServerCodecModeSupport bits. */
enum {
    HOSTINFO_H264 = 0x1,
    HOSTINFO_HEVC = 0x100,
    HOSTINFO_HEVC_MAIN10 = 0x200,
    HOSTINFO_AV1 = 0x10000,
    HOSTINFO_AV1_MAIN10 = 0x20000,
    HOSTINFO_H264_444 = 0x40000,
    HOSTINFO_HEVC_444 = 0x80000,
    HOSTINFO_HEVC_444_10 = 0x100000,
    HOSTINFO_AV1_444 = 0x200000,
    HOSTINFO_AV1_444_10 = 0x400000,
    HOSTINFO_ANY_HEVC =
        HOSTINFO_HEVC | HOSTINFO_HEVC_MAIN10 | HOSTINFO_HEVC_444 | HOSTINFO_HEVC_444_10,
    HOSTINFO_ANY_AV1 = HOSTINFO_AV1 | HOSTINFO_AV1_MAIN10 | HOSTINFO_AV1_444 | HOSTINFO_AV1_444_10,
    HOSTINFO_ALL_CODECS = HOSTINFO_H264 | HOSTINFO_ANY_HEVC | HOSTINFO_ANY_AV1 | HOSTINFO_H264_444,
};

/* status_code of a document; every one travels as HTTP 200. */
enum hostinfo_status {
    HOSTINFO_OK = 200,
    HOSTINFO_BAD_REQUEST = 400,
    HOSTINFO_UNAUTHORIZED = 401,
    HOSTINFO_FORBIDDEN = 403,
    HOSTINFO_NOT_FOUND = 404,
    HOSTINFO_NOT_OWNER = 470,
    HOSTINFO_UNAVAILABLE = 503,
};

struct hostinfo_mode {
    uint32_t width_px, height_px, refresh_hz;
};

struct hostinfo_params {
    const char *hostname;    /* "" is sent as "lumen" */
    const char *unique_id;   /* persistent UUID text */
    const char *mac;         /* "aa:bb:cc:dd:ee:ff"; NULL if unknown; only told when `paired` */
    const char *local_ip;    /* where the request arrived, IPv4, mapped or IPv6 text */
    const char *external_ip; /* optional */
    const char *gpu;         /* optional */
    uint16_t https_port, http_port;
    uint32_t codecs;         /* HOSTINFO_*; H264 is always added, undefined bits dropped */
    uint32_t current_app_id; /* 0: nothing runs */
    bool paired;             /* HTTPS and the certificate is authorized */
    const struct hostinfo_mode *modes; /* optional */
    size_t mode_count;
};

struct hostinfo_app {
    uint32_t id; /* 1..INT32_MAX */
    bool hdr;
    char title[HOSTINFO_NAME_BYTES];
};

/* ---- host ---- */

int hostinfo_write_serverinfo(const struct hostinfo_params *params, char *out,
                              size_t capacity_bytes) LM_MUST_USE;
int hostinfo_write_applist(const struct hostinfo_app *apps, size_t count, char *out,
                           size_t capacity_bytes) LM_MUST_USE;

/* An error root: status_code, status_message and, unless NULL, query (the request path). */
int hostinfo_write_error(enum hostinfo_status status, const char *message, const char *query,
                         char *out, size_t capacity_bytes) LM_MUST_USE;

/* The 401 document for a certificate that is not authorized. */
int hostinfo_write_unauthorized(const char *query, char *out, size_t capacity_bytes) LM_MUST_USE;

/* The empty success of /unpair. */
int hostinfo_write_ok(char *out, size_t capacity_bytes) LM_MUST_USE;

/* Success of /launch or /resume: sessionUrl0 and gamesession or resume 1. `local_ip` is the
 * address of the HTTPS connection: IPv4, IPv4-mapped, or IPv6 with or without zone. */
int hostinfo_write_launch(bool resume, bool encrypted, const char *local_ip, uint16_t rtsp_port,
                          char *out, size_t capacity_bytes) LM_MUST_USE;

/* Failure of /launch, /resume or /cancel: the status with the 0 element that clients look for. */
enum hostinfo_verb { HOSTINFO_LAUNCH = 1, HOSTINFO_RESUME, HOSTINFO_CANCEL };
int hostinfo_write_refusal(enum hostinfo_verb verb, enum hostinfo_status status,
                           const char *message, char *out, size_t capacity_bytes) LM_MUST_USE;

int hostinfo_write_cancel(char *out, size_t capacity_bytes) LM_MUST_USE;

/* An answer of /pair with status 200: paired and, unless `element` is NULL, one element whose
 * text is `size_bytes` bytes in hex ("plaincert", "challengeresponse", "pairingsecret"). */
int hostinfo_write_pair(bool paired, const char *element, const void *data, size_t size_bytes,
                        char *out, size_t capacity_bytes) LM_MUST_USE;

/* A failed /pair with a status other than 200, and paired 0. */
int hostinfo_write_pair_error(enum hostinfo_status status, const char *message, char *out,
                              size_t capacity_bytes) LM_MUST_USE;

/* "rtspenc://[fe80::1]:48010"; returns the length, LM_EINVAL when `local_ip` is no address. */
int hostinfo_session_url(bool encrypted, const char *local_ip, uint16_t rtsp_port, char *out,
                         size_t capacity_bytes) LM_MUST_USE;

/* `ip` in one spelling: IPv4-mapped becomes dotted, a zone is dropped, IPv6 is canonical. Use it
 * before comparing peers. LM_EINVAL when it is no address. */
int hostinfo_normal_ip(const char *ip, char *out, size_t capacity_bytes) LM_MUST_USE;

/* ---- client (hostinfo_parse.c) ---- */

struct hostinfo_root {
    int status_code; /* 200 is the only success */
    char status_message[HOSTINFO_NAME_BYTES];
};

struct hostinfo_server {
    struct hostinfo_root root;
    char hostname[HOSTINFO_NAME_BYTES], unique_id[HOSTINFO_NAME_BYTES];
    char app_version[32], gfe_version[32], mac[24], local_ip[64], external_ip[64], state[64];
    uint16_t https_port, external_port; /* 47984, 47989 when absent */
    uint32_t codecs;
    uint32_t max_luma_pixels_hevc;
    uint32_t current_app_id; /* 0 unless the state says busy */
    bool paired, busy;
    struct hostinfo_mode modes[HOSTINFO_MAX_MODES];
    size_t mode_count;
};

struct hostinfo_applist {
    struct hostinfo_root root;
    struct hostinfo_app apps[HOSTINFO_MAX_APPS];
    size_t count;
};

struct hostinfo_launched {
    struct hostinfo_root root;
    char session_url[256];
    bool accepted;  /* gamesession, resume or cancel is not 0 */
    bool encrypted; /* rtspenc:// */
    uint16_t rtsp_port;
};

struct hostinfo_paired {
    struct hostinfo_root root;
    bool paired;
    char plaincert[HOSTINFO_PEM_HEX_BYTES]; /* hex as received; "" when absent */
    char challengeresponse[128], pairingsecret[2 * (16 + 512) + 1];
};

/* Parse a whole document of at most 1 MiB. LM_EPROTO: not well-formed, no root with a
 * status_code, or a number out of range. A status_code other than 200 is success of parsing. */
int hostinfo_parse_server(const char *xml, size_t size_bytes,
                          struct hostinfo_server *out) LM_MUST_USE;
int hostinfo_parse_applist(const char *xml, size_t size_bytes,
                           struct hostinfo_applist *out) LM_MUST_USE;
int hostinfo_parse_launched(const char *xml, size_t size_bytes,
                            struct hostinfo_launched *out) LM_MUST_USE;
int hostinfo_parse_paired(const char *xml, size_t size_bytes,
                          struct hostinfo_paired *out) LM_MUST_USE;

#endif
