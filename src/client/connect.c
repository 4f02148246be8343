#include "client/connect.h"

#include "client/negotiate.h"
#include "core/base/check.h"
#include "core/transport/clock.h"
#include "net/http_client.h"
#include "net/mdns.h"
#include "session/launch.h"
#include "session/pairing_client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

enum { MAX_ADDRESSES = 8, MAX_FOUND = 32, QUERY_BYTES = LAUNCH_QUERY_MAX_BYTES + 128 };

static const uint64_t answer_ns = 5 * LM_NS_PER_S, launch_ns = 120 * LM_NS_PER_S,
                      quit_ns = 30 * LM_NS_PER_S, browse_ns = 2 * LM_NS_PER_S;

static const char *why_unreachable(int result)
{
    switch (result) {
    case LM_ENOENT:
        return "there is no such name";
    case LM_ECLOSED:
        return "nothing answers there";
    case LM_ETIMEOUT:
        return "no answer in time";
    case LM_EPROTO:
    case LM_ELIMIT:
        return "what answers there is no GameStream host";
    default:
        return lm_err_text(result);
    }
}

static int unreachable(struct failure *failure, const char *host, int result)
{
    return failure_set(failure, FAILURE_UNREACHABLE, "host not reachable: %s: %s", host,
                       why_unreachable(result));
}

static int not_paired(struct failure *failure, const struct connect_host *host)
{
    return failure_set(failure, FAILURE_NOT_PAIRED,
                       "not paired with this host: run lumen-client pair %s", host->spelled);
}

static void number_address(const struct net_addr *addr, char *out, size_t capacity_bytes)
{
    if (addr->scope_id)
        snprintf(out, capacity_bytes, "%s%%%u", addr->text, addr->scope_id);
    else
        snprintf(out, capacity_bytes, "%s", addr->text);
}

struct request {
    const char *target;
    bool secure;
    const struct lm_cert *pin; /* with `secure` */
    uint64_t timeout_ns;
};

static int get(const struct connect_host *host, const struct request *request,
               struct http_response *out)
{
    size_t der_bytes = 0, pem_bytes;
    const uint8_t *der = request->pin ? lm_cert_der(request->pin, &der_bytes) : NULL;
    struct http_get_params params = {
        .host = host->address,
        .port = request->secure ? host->info.https_port : host->addr.port,
        .target = request->target,
        .secure = request->secure,
        .cert_pem = lm_cert_pem(host->state->cert, &pem_bytes),
        .key_pem = host->state->key_pem,
        .pin_der = der,
        .pin_der_bytes = der_bytes,
        .timeout_ns = request->timeout_ns,
    };
    if (!request->secure)
        params.cert_pem = params.key_pem = NULL;
    return http_get(&params, out);
}

/* "/path?uniqueid=...&uuid=...", further parameters to follow. */
static int make_target(const struct connect_host *host, const char *path, char *out,
                       size_t capacity_bytes)
{
    uint32_t uuid[4];
    LM_CHECK(getrandom(uuid, sizeof uuid, 0) == sizeof uuid);
    return snprintf(out, capacity_bytes, "%s?uniqueid=%s&uuid=%08x%08x%08x%08x", path,
                    host->state->unique_id, uuid[0], uuid[1], uuid[2], uuid[3]);
}

static int get_serverinfo(struct connect_host *host, bool secure)
{
    char target[QUERY_BYTES];
    make_target(host, "/serverinfo", target, sizeof target);
    struct request request = {.target = target,
                              .secure = secure,
                              .pin = secure ? host->known->cert : NULL,
                              .timeout_ns = answer_ns};
    struct http_response response;
    int result = get(host, &request, &response);
    if (result < 0)
        return result;
    struct hostinfo_server info;
    result = hostinfo_parse_server((const char *)response.body, response.body_bytes, &info);
    http_response_finish(&response);
    if (result < 0)
        return result;
    if (info.root.status_code == HOSTINFO_UNAUTHORIZED)
        return LM_EAUTH;
    if (info.root.status_code != HOSTINFO_OK)
        return LM_EPROTO;
    host->info = info;
    return LM_OK;
}

/* A name that DNS does not know may be one of DNS-SD. */
static int resolve(const char *name, uint16_t port, struct net_addr *out, int capacity)
{
    int count = net_resolve(name, port, SOCK_STREAM, out, capacity);
    if (count > 0)
        return count;
    struct mdns_host found[MAX_FOUND];
    int found_count = mdns_browse(found, MAX_FOUND, browse_ns), used = 0;
    for (int i = 0; i < found_count && used < capacity; i++)
        if (strcasecmp(found[i].name, name) == 0)
            out[used++] = found[i].addr;
    return used ? used : count;
}

static int find_address(struct connect_host *host, const char *name, uint16_t port)
{
    struct net_addr addresses[MAX_ADDRESSES];
    int count = resolve(name, port, addresses, MAX_ADDRESSES);
    int result = count < 0 ? count : LM_ENOENT;
    for (int i = 0; i < count; i++) {
        host->addr = addresses[i];
        number_address(&host->addr, host->address, sizeof host->address);
        result = get_serverinfo(host, false);
        if (result == LM_OK)
            break;
    }
    return result;
}

int connect_find(struct state *state, const char *text, struct connect_host *out,
                 struct failure *failure)
{
    char name[FLAGS_HOST_BYTES];
    uint16_t port = CONNECT_DEFAULT_PORT;
    *out = (struct connect_host){.state = state};
    snprintf(out->spelled, sizeof out->spelled, "%s", text);
    if (flags_split_host(text, name, sizeof name, &port) < 0)
        return failure_set(failure, FAILURE_ARGUMENTS, "\"%s\" is no host", text);

    int result = find_address(out, name, port);
    if (result < 0)
        return unreachable(failure, text, result);
    out->known = state_find_host(state, out->info.unique_id);
    if (!out->known)
        return LM_OK;
    result = get_serverinfo(out, true);
    if (result == LM_EAUTH) /* forgot us, or shows another certificate: pairing cures both */
        return LM_OK;
    if (result < 0)
        return unreachable(failure, text, result);
    out->paired = out->info.paired;
    return LM_OK;
}

/* ---- pairing ---- */

static int pairing_failed(const struct pairing_client *pairing, struct failure *failure)
{
    switch (pairing_client_failure(pairing)) {
    case PAIRING_WRONG_PIN:
        return failure_set(failure, FAILURE_REFUSED, "wrong PIN");
    case PAIRING_BUSY:
        return failure_set(failure, FAILURE_REFUSED,
                           "another pairing is in progress at the host: try again later");
    case PAIRING_FORGED:
        return failure_set(failure, FAILURE_REFUSED,
                           "the host cannot prove its identity: somebody may be in between");
    default:
        return failure_set(failure, FAILURE_REFUSED, "the host refused to pair");
    }
}

static void abort_pairing(const struct connect_host *host, const struct pairing_client *pairing)
{
    char target[PAIRING_TARGET_BYTES];
    struct http_response response;
    struct request request = {.target = target, .timeout_ns = answer_ns};
    if (pairing_client_unpair_target(pairing, target, sizeof target) < 0)
        return;
    if (get(host, &request, &response) == LM_OK)
        http_response_finish(&response);
}

static int run_phase(const struct connect_host *host, struct pairing_client *pairing,
                     uint32_t timeout_s, struct failure *failure)
{
    static char target[PAIRING_TARGET_BYTES];
    enum pairing_client_state phase = pairing_client_state(pairing);
    bool secure = phase == PAIRING_CLIENT_PHASE5;
    if (pairing_client_target(pairing, target, sizeof target) < 0)
        return failure_set(failure, FAILURE_OTHER, "pairing went wrong");
    struct request request = {
        .target = target,
        .secure = secure,
        .pin = secure ? pairing_client_host_cert(pairing) : NULL,
        .timeout_ns = phase == PAIRING_CLIENT_PHASE1 ? timeout_s * LM_NS_PER_S : answer_ns,
    };
    struct http_response response;
    int result = get(host, &request, &response);
    if (result == LM_ETIMEOUT && phase == PAIRING_CLIENT_PHASE1)
        return failure_set(failure, FAILURE_REFUSED, "nobody typed the PIN at the host in time");
    if (result < 0)
        return unreachable(failure, host->spelled, result);
    result = pairing_client_answer(pairing, (const char *)response.body, response.body_bytes);
    http_response_finish(&response);
    return result < 0 ? pairing_failed(pairing, failure) : LM_OK;
}

static int remember(struct connect_host *host, const struct pairing_client *pairing,
                    struct failure *failure)
{
    struct state_host entry = {.cert =
                                   (struct lm_cert *)(uintptr_t)pairing_client_host_cert(pairing)};
    snprintf(entry.unique_id, sizeof entry.unique_id, "%s", host->info.unique_id);
    snprintf(entry.name, sizeof entry.name, "%s", host->info.hostname);
    snprintf(entry.address, sizeof entry.address, "%.127s", host->spelled);
    int result = state_put_host(host->state, &entry);
    if (result < 0)
        return failure_set(failure, FAILURE_OTHER, "cannot remember the host in %s: %s",
                           host->state->dir, lm_err_text(result));
    host->known = state_find_host(host->state, host->info.unique_id);
    host->paired = true;
    return LM_OK;
}

int connect_pair(struct connect_host *host, const char *pin, uint32_t timeout_s,
                 struct failure *failure)
{
    struct pairing_client *pairing = NULL;
    struct pairing_client_params params = {.cert = host->state->cert,
                                           .key = host->state->key,
                                           .unique_id = host->state->unique_id,
                                           .pin = pin};
    int result = pairing_client_create(&pairing, &params);
    if (result < 0)
        return failure_set(failure, FAILURE_OTHER, "cannot pair: %s", lm_err_text(result));
    while (result == LM_OK && pairing_client_state(pairing) != PAIRING_CLIENT_DONE)
        result = run_phase(host, pairing, timeout_s, failure);
    if (result == LM_OK)
        result = remember(host, pairing, failure);
    else
        abort_pairing(host, pairing);
    pairing_client_destroy(pairing);
    return result;
}

/* ---- applications ---- */

/* One request that only a paired client may make. */
static int get_paired(const struct connect_host *host, const char *target, uint64_t timeout_ns,
                      struct http_response *out, struct failure *failure)
{
    if (!host->paired)
        return not_paired(failure, host);
    struct request request = {
        .target = target, .secure = true, .pin = host->known->cert, .timeout_ns = timeout_ns};
    int result = get(host, &request, out);
    if (result == LM_EAUTH)
        return not_paired(failure, host);
    return result < 0 ? unreachable(failure, host->spelled, result) : LM_OK;
}

static int check_root(const struct connect_host *host, const struct hostinfo_root *root,
                      struct failure *failure)
{
    if (root->status_code == HOSTINFO_UNAUTHORIZED)
        return not_paired(failure, host);
    if (root->status_code != HOSTINFO_OK)
        return failure_set(failure, FAILURE_REFUSED, "the host refuses: %s (%d)",
                           root->status_message[0] ? root->status_message : "no reason given",
                           root->status_code);
    return LM_OK;
}

int connect_list(const struct connect_host *host, struct hostinfo_applist *out,
                 struct failure *failure)
{
    char target[QUERY_BYTES];
    struct http_response response;
    make_target(host, "/applist", target, sizeof target);
    int result = get_paired(host, target, answer_ns, &response, failure);
    if (result < 0)
        return result;
    result = hostinfo_parse_applist((const char *)response.body, response.body_bytes, out);
    http_response_finish(&response);
    if (result < 0)
        return failure_set(failure, FAILURE_OTHER, "the host's list of applications is damaged");
    return check_root(host, &out->root, failure);
}

static const struct hostinfo_app *find_app(const struct hostinfo_applist *list, const char *name)
{
    for (size_t i = 0; i < list->count; i++)
        if (!name || strcasecmp(list->apps[i].title, name) == 0)
            return &list->apps[i];
    for (size_t i = 0; i < list->count; i++)
        if (strtoul(name ? name : "0", NULL, 10) == list->apps[i].id)
            return &list->apps[i];
    return NULL;
}

static int choose_app(const struct connect_host *host, const char *name, struct hostinfo_app *out,
                      struct failure *failure)
{
    struct hostinfo_applist *list = malloc(sizeof *list);
    if (!list)
        return failure_set(failure, FAILURE_OTHER, "no memory");
    int result = connect_list(host, list, failure);
    const struct hostinfo_app *app = result == LM_OK ? find_app(list, name) : NULL;
    if (app)
        *out = *app;
    else if (result == LM_OK)
        result = failure_set(failure, FAILURE_REFUSED,
                             "this host has no application \"%s\": see lumen-client list %s",
                             name ? name : "", host->spelled);
    free(list);
    if (result < 0)
        return result;
    if (host->info.current_app_id && host->info.current_app_id != out->id)
        return failure_set(
            failure, FAILURE_REFUSED,
            "another application runs on this host: end it with lumen-client quit %s",
            host->spelled);
    return LM_OK;
}

static void fill_launch(const struct connect_host *host, const struct flags *flags, uint32_t app_id,
                        struct launch_params *out)
{
    *out = (struct launch_params){
        .app_id = app_id,
        .width_px = flags->width,
        .height_px = flags->height,
        .rate_mhz = flags->rate_mhz,
        .local_audio = flags->host_sound,
        .audio_channels = (uint8_t)flags->channels,
        .channel_mask = sdp_channel_mask(flags->channels),
        .core_version = 1,
    };
    snprintf(out->unique_id, sizeof out->unique_id, "%s", host->state->unique_id);
    LM_CHECK(getrandom(out->key, sizeof out->key, 0) == sizeof out->key);
    LM_CHECK(getrandom(&out->key_id, sizeof out->key_id, 0) == sizeof out->key_id);
}

static int request_launch(const struct connect_host *host, const struct launch_params *params,
                          bool resume, struct hostinfo_launched *out, struct failure *failure)
{
    char target[QUERY_BYTES];
    struct http_response response;
    int length = snprintf(target, sizeof target, "%s?", resume ? "/resume" : "/launch");
    if (launch_format(params, resume, target + length, sizeof target - (size_t)length) < 0)
        return failure_set(failure, FAILURE_OTHER, "the launch request is too long");
    int result = get_paired(host, target, launch_ns, &response, failure);
    explicit_bzero(target, sizeof target);
    if (result < 0)
        return result;
    result = hostinfo_parse_launched((const char *)response.body, response.body_bytes, out);
    http_response_finish(&response);
    if (result < 0)
        return failure_set(failure, FAILURE_OTHER, "the host's answer to the launch is damaged");
    result = check_root(host, &out->root, failure);
    if (result == LM_OK && !out->accepted)
        result = failure_set(failure, FAILURE_REFUSED, "the host did not start the application");
    return result;
}

int connect_launch(const struct connect_host *host, const struct flags *flags,
                   struct connect_stream *out, struct failure *failure)
{
    struct hostinfo_app app = {0};
    struct launch_params params;
    struct hostinfo_launched launched;
    int result = choose_app(host, flags->app, &app, failure);
    if (result < 0)
        return result;
    fill_launch(host, flags, app.id, &params);
    *out = (struct connect_stream){.host = host->addr,
                                   .resumed = host->info.current_app_id == app.id,
                                   .launched_ns = lm_clock_now_ns(),
                                   .key_id = params.key_id};
    memcpy(out->key, params.key, sizeof out->key);
    memcpy(out->app_title, app.title, sizeof out->app_title);
    result = request_launch(host, &params, out->resumed, &launched, failure);
    explicit_bzero(params.key, sizeof params.key);
    if (result == LM_OK)
        result = negotiate_stream(host, flags, &launched, out, failure);
    return result;
}

int connect_quit(const struct connect_host *host, struct failure *failure)
{
    char target[QUERY_BYTES];
    struct http_response response;
    make_target(host, "/cancel", target, sizeof target);
    int result = get_paired(host, target, quit_ns, &response, failure);
    if (result < 0)
        return result;
    struct hostinfo_launched answer;
    result = hostinfo_parse_launched((const char *)response.body, response.body_bytes, &answer);
    http_response_finish(&response);
    if (result < 0)
        return failure_set(failure, FAILURE_OTHER, "the host's answer is damaged");
    return check_root(host, &answer.root, failure);
}
