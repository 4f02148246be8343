#include "host/server.h"

#include "core/transport/clock.h"
#include "host/server_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define TICK_NS (50 * LM_NS_PER_MS)

static void make_uuid(char out[40])
{
    uint8_t b[16];
    lm_random(b, sizeof b);
    b[6] = (uint8_t)((b[6] & 0x0f) | 0x40); /* RFC 9562, version 4 */
    b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
    snprintf(out, 40, "%02X%02X%02X%02X-%02X%02X-%02X%02X-%02X%02X-%02X%02X%02X%02X%02X%02X", b[0],
             b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13],
             b[14], b[15]);
}

static int make_identity(struct server *s)
{
    int code = lm_key_generate(&s->key);
    if (!code)
        code = lm_cert_self_signed(&s->cert, s->key, "lumen host", time(NULL));
    if (code)
        return code;
    code = lm_key_pem(s->key, s->identity.key_pem, sizeof s->identity.key_pem);
    if (code < 0)
        return code;
    size_t size;
    const char *pem = lm_cert_pem(s->cert, &size);
    if (size >= sizeof s->identity.cert_pem)
        return LM_ELIMIT;
    memcpy(s->identity.cert_pem, pem, size + 1);
    make_uuid(s->identity.unique_id);
    lm_info(s->log, "host", "made this host's key and certificate");
    return store_set_identity(s->params.store, &s->identity);
}

static int open_identity(struct server *s)
{
    int code = store_identity(s->params.store, &s->identity);
    if (code == LM_ENOENT)
        return make_identity(s);
    if (!code)
        code = lm_key_from_pem(&s->key, s->identity.key_pem, strlen(s->identity.key_pem));
    if (!code)
        code = lm_cert_from_pem(&s->cert, s->identity.cert_pem, strlen(s->identity.cert_pem));
    return code ? code : lm_key_matches(s->key, s->cert);
}

static void choose_name(struct server *s)
{
    if (*s->config->name)
        snprintf(s->name, sizeof s->name, "%s", s->config->name);
    else if (gethostname(s->name, sizeof s->name) || !*s->name)
        snprintf(s->name, sizeof s->name, "lumen");
    s->name[sizeof s->name - 1] = 0;
}

static void on_tick(void *user)
{
    struct server *s = user;
    uint64_t now = lm_clock_now_ns();
    server_pairing_tick(s, now);
    server_stream_tick(s);
    server_session_tick(s, now);
    if (s->quit_asked) {
        s->quit_asked = false;
        server_shut_down(s);
    }
}

static void publish(struct server *s)
{
    if (!s->config->discovery)
        return;
    int code = mdns_publish(&s->mdns, s->params.loop, s->name, (uint16_t)s->config->port);
    if (code)
        lm_warn(s->log, "discovery",
                "clients will not find this host by themselves (%s); add it by its address. For "
                "discovery, install and start avahi-daemon.",
                lm_err_text(code));
}

static int open_all(struct server *s)
{
    int code = open_identity(s);
    if (code) {
        lm_error(s->log, "host", "the stored key and certificate cannot be used: %s",
                 lm_err_text(code));
        return code;
    }
    choose_name(s);
    code = apps_init(&s->apps, s->config, s->params.store, s->log);
    if (!code)
        code = server_pairing_open(s);
    if (!code)
        code = server_ctl_open(s); /* first of the sockets: says best that another host runs */
    if (!code)
        code = server_stream_open(s);
    if (!code)
        code = server_http_open(s);
    if (code)
        return code;
    s->tick = loop_timer_create(s->params.loop, on_tick, s);
    if (!s->tick)
        return LM_ENOMEM;
    loop_timer_start_every(s->tick, TICK_NS);
    publish(s); /* last: clients come as soon as they see it */
    return LM_OK;
}

int server_create(const struct server_params *params, struct server **out)
{
    *out = NULL;
    struct server *s = calloc(1, sizeof *s);
    if (!s)
        return LM_ENOMEM;
    s->params = *params;
    s->config = params->config;
    s->log = params->log;
    int code = open_all(s);
    if (code) {
        server_destroy(s);
        return code;
    }
    *out = s;
    return LM_OK;
}

void server_shut_down(struct server *s)
{
    if (s->shutting_down) {
        loop_stop(s->params.loop); /* asked twice: do not wait for programs that linger */
        return;
    }
    s->shutting_down = true;
    mdns_destroy(s->mdns);
    s->mdns = NULL;
    for (int i = 0; i < SERVER_MAX_SESSIONS; i++)
        if (s->sessions[i].used)
            server_session_end(&s->sessions[i], "the host shuts down");
    server_session_tick(s, lm_clock_now_ns());
}

void server_destroy(struct server *s)
{
    if (!s)
        return;
    mdns_destroy(s->mdns);
    http_server_destroy(s->http);
    http_server_destroy(s->https);
    ctl_server_destroy(s->ctl);
    if (s->stdin_watch)
        loop_watch_destroy(s->stdin_watch);
    if (s->tick)
        loop_timer_destroy(s->tick);
    server_stream_close(s);
    for (int i = 0; i < SERVER_MAX_SESSIONS; i++) {
        desktop_destroy(s->sessions[i].desktop);
        loop_inbox_destroy(s->sessions[i].desktop_inbox);
    }
    pairing_destroy(s->pairing);
    apps_finish(&s->apps);
    lm_cert_destroy(s->cert);
    lm_key_destroy(s->key);
    explicit_bzero(s, sizeof *s);
    free(s);
}
