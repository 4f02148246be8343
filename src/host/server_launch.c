/* /launch, /resume, /cancel. An answer leaves when the desktop is ready, so that a client which
 * gets one can connect at once. */
#include "core/base/check.h"
#include "core/crypto/hash.h"
#include "core/transport/clock.h"
#include "host/server_parts.h"

#include <stdio.h>
#include <string.h>

struct host_session *server_session_of(struct server *s, const struct store_device *device)
{
    for (int i = 0; i < SERVER_MAX_SESSIONS; i++) {
        struct host_session *h = &s->sessions[i];
        if (h->used && !h->ending &&
            !memcmp(h->device.fingerprint, device->fingerprint, sizeof device->fingerprint))
            return h;
    }
    return NULL;
}

static void refuse(struct http_exchange *x, bool resume, enum hostinfo_status status,
                   const char *message)
{
    char xml[HOSTINFO_MAX_BYTES];
    server_answer_xml(x, xml,
                      hostinfo_write_refusal(resume ? HOSTINFO_RESUME : HOSTINFO_LAUNCH, status,
                                             message, xml, sizeof xml));
}

/* GCM must never see a key twice: its counters start afresh with every stream. */
static bool key_is_fresh(struct server *s, const uint8_t key[16])
{
    uint8_t hash[32];
    lm_sha256(&(struct lm_part){key, 16}, 1, hash);
    uint32_t known = LM_MIN(s->used_key_count, (uint32_t)SERVER_KEYS_REMEMBERED);
    for (uint32_t i = 0; i < known; i++)
        if (!memcmp(s->used_keys[i], hash, sizeof hash))
            return false;
    memcpy(s->used_keys[s->used_key_count++ % SERVER_KEYS_REMEMBERED], hash, sizeof hash);
    return true;
}

static bool must_encrypt(const struct server *s, const struct launch_params *launch)
{
    return s->config->encryption == CONFIG_ENCRYPTION_REQUIRED && launch->core_version < 1;
}

static struct display_mode mode_of(const struct launch_params *launch)
{
    struct display_mode mode = {launch->width_px, launch->height_px, launch->rate_mhz};
    if (mode.width < 64 || mode.width > 16384 || mode.height < 64 || mode.height > 16384) {
        mode.width = 1280;
        mode.height = 720;
    }
    if (mode.refresh_mhz < 1000 || mode.refresh_mhz > 1000000)
        mode.refresh_mhz = 60000;
    return mode;
}

/* Everything that can be refused, before anything has an effect. NULL: go on. */
static const char *check(struct server *s, const struct launch_params *launch, bool resume,
                         const struct host_session *running, enum hostinfo_status *status)
{
    *status = HOSTINFO_UNAVAILABLE;
    if (s->shutting_down)
        return "This host is shutting down.";
    if (resume && !running)
        return "Nothing is running that could be resumed.";
    if (running && running->parked.exchange)
        return "The desktop is still starting. Try again in a moment.";
    if (!resume && !running && server_session_count(s) >= (size_t)s->config->max_sessions)
        return "All desktops of this host are in use.";
    *status = HOSTINFO_NOT_FOUND;
    if (!resume && !apps_by_id(&s->apps, launch->app_id))
        return "This application does not exist any more.";
    *status = HOSTINFO_BAD_REQUEST;
    if (!resume && running)
        return "An application is running already. Resume or quit it first.";
    *status = HOSTINFO_FORBIDDEN;
    if (must_encrypt(s, launch))
        return "This host requires encryption, which this client is too old for.";
    *status = HOSTINFO_BAD_REQUEST;
    return key_is_fresh(s, launch->key) ? NULL : "The stream key was used before.";
}

static void start_new(struct server *s, struct host_session *h, struct http_exchange *x)
{
    h->app = apps_by_id(&s->apps, h->launch.app_id);
    h->mode = mode_of(&h->launch);
    int code = server_session_event(h, SESSION_EV_LAUNCH);
    if (!code)
        code = server_desktop_open(h);
    if (code) {
        h->parked.exchange = NULL;
        refuse(x, false, HOSTINFO_UNAVAILABLE, "The desktop cannot be started.");
        server_session_end(h, "the desktop cannot be started");
    }
}

static void resume_running(struct host_session *h, struct http_exchange *x)
{
    struct display_mode mode = mode_of(&h->launch);
    if (server_session_event(h, SESSION_EV_RESUME)) {
        h->parked.exchange = NULL;
        refuse(x, true, HOSTINFO_UNAVAILABLE, "The session is ending.");
        return;
    }
    if (memcmp(&mode, &h->mode, sizeof mode)) {
        h->mode = mode;
        desktop_set_mode(h->desktop, &mode); /* answered when it is set */
    } else {
        server_answer_launch(h, NULL);
    }
}

void server_launch(struct server *s, struct http_exchange *x, const struct http_request *request,
                   const struct store_device *device, bool resume)
{
    const struct params query = params_of_query(request->query);
    struct launch_params launch;
    const char *why;
    enum hostinfo_status status;
    if (launch_parse(&query, resume, &launch, &why)) {
        refuse(x, resume, HOSTINFO_BAD_REQUEST, why);
        return;
    }
    struct host_session *h = server_session_of(s, device);
    why = check(s, &launch, resume, h, &status);
    if (!why && !h && !(h = server_session_new(s, device)))
        why = "All desktops of this host are in use.";
    if (why) {
        lm_info(s->log, "launch", "refused for \"%s\": %s", device->name, why);
        refuse(x, resume, status, why);
        lm_wipe(&launch, sizeof launch);
        return;
    }
    h->launch = launch;
    lm_wipe(&launch, sizeof launch);
    h->launch_peer = request->peer;
    h->launched_ns = lm_clock_now_ns();
    h->parked = (struct parked_launch){
        .exchange = x,
        .resume = resume,
        .encrypted = h->launch.core_version >= 1,
        .since_ns = h->launched_ns,
    };
    if (resume)
        resume_running(h, x);
    else
        start_new(s, h, x);
}

void server_answer_launch(struct host_session *h, const char *error)
{
    struct http_exchange *x = h->parked.exchange;
    if (!x)
        return;
    h->parked.exchange = NULL;
    if (error) {
        refuse(x, h->parked.resume, HOSTINFO_UNAVAILABLE, error);
        return;
    }
    char xml[HOSTINFO_MAX_BYTES];
    server_stream_arm(h);
    int size = hostinfo_write_launch(
        h->parked.resume, h->parked.encrypted, http_exchange_request(x)->local.text,
        (uint16_t)(h->server->config->port + PORT_RTSP), xml, sizeof xml);
    server_answer_xml(x, xml, size);
}

void server_cancel(struct server *s, struct http_exchange *x, const struct store_device *device)
{
    char xml[HOSTINFO_MAX_BYTES];
    struct host_session *h = server_session_of(s, device);
    if (h)
        server_session_end(h, "the client quit it");
    server_answer_xml(x, xml, hostinfo_write_cancel(xml, sizeof xml));
}

void server_launch_gone(struct server *s, struct http_exchange *x)
{
    for (int i = 0; i < SERVER_MAX_SESSIONS; i++)
        if (s->sessions[i].used && s->sessions[i].parked.exchange == x)
            s->sessions[i].parked.exchange = NULL;
}
