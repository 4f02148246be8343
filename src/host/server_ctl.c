/* What the command line asks the running host, and the PIN typed on its terminal. Answers are text
 * for people except `status`, which is JSON. The first word is "ok" or "error". */
#include "core/transport/clock.h"
#include "host/server_parts.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void answer(struct ctl_request *request, bool ok, const char *text)
{
    char line[2048];
    int size = snprintf(line, sizeof line, "%s %s\n", ok ? "ok" : "error", text);
    ctl_request_answer(request, line, (size_t)LM_MIN(size, (int)sizeof line - 1));
}

/* "pair PIN [--request N] [--name NAME]", already split by the command line into one line with
 * tabs between the words. */
static void do_pair(struct server *s, struct ctl_request *request, char *rest)
{
    char *pin = strsep(&rest, "\t"), *id = rest ? strsep(&rest, "\t") : NULL;
    char text[256];
    int code = server_pairing_enter(s, id ? (uint32_t)strtoul(id, NULL, 10) : 0, pin ? pin : "",
                                    rest, text, sizeof text);
    answer(request, code == LM_OK, text);
}

static void do_devices(struct server *s, struct ctl_request *request)
{
    struct store_device *list = calloc(STORE_MAX_DEVICES, sizeof *list);
    int count = list ? store_list_devices(s->params.store, list, STORE_MAX_DEVICES) : LM_ENOMEM;
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (out && count >= 0) {
        fprintf(out, "ok %d paired device%s\n", count, count == 1 ? "" : "s");
        for (int i = 0; i < count; i++) {
            char paired[32], seen[32];
            struct tm tm;
            strftime(paired, sizeof paired, "%F", localtime_r(&list[i].paired_at, &tm));
            strftime(seen, sizeof seen, "%F %R", localtime_r(&list[i].seen_at, &tm));
            fprintf(out, "%-32s paired %s, last seen %s\n", list[i].name, paired, seen);
        }
    }
    if (out)
        fclose(out);
    if (count >= 0 && text)
        ctl_request_answer(request, text, size);
    else
        answer(request, false, "the devices cannot be read");
    free(text);
    free(list);
}

static void do_unpair(struct server *s, struct ctl_request *request, const char *name)
{
    struct store_device device;
    int code = store_remove_device(s->params.store, name, &device);
    if (code) {
        answer(request, false,
               code == LM_ENOENT ? "no device of this name; lumen-host devices lists them"
                                 : "the device cannot be removed: is the disk full?");
        return;
    }
    lm_info(s->log, "pairing", "\"%s\" is no longer paired", device.name);
    struct host_session *h = server_session_of(s, &device);
    if (h)
        server_session_end(h, "its device was unpaired");
    answer(request, true, "unpaired");
}

static json_t *describe_stream(const struct host_session *h)
{
    struct pipeline_stats stats;
    const struct stream_params *p = &h->rtsp.stream;
    pipeline_get_stats(h->stream->pipeline, &stats);
    return json_pack(
        "{sisisf sIsIsIsI sIsI sIsI}", "width", (int)p->width_px, "height", (int)p->height_px,
        "fps", p->rate_mhz / 1000.0, "frames", (json_int_t)stats.frames, "key_frames",
        (json_int_t)stats.key_frames, "recovery_frames", (json_int_t)stats.recovery_frames,
        "repeated_frames", (json_int_t)stats.repeated_frames, "video_bytes",
        (json_int_t)stats.video_bytes, "blocks_unprotected", (json_int_t)stats.blocks_unprotected,
        "client_blocks_repaired", (json_int_t)stats.client_blocks_repaired, "client_blocks_lost",
        (json_int_t)stats.client_blocks_lost);
}

static json_t *describe_session(const struct host_session *h)
{
    json_t *o = json_pack("{sisssssssf}", "session", (int)h->number, "device", h->device.name,
                          "application", h->app ? h->app->config->name : "", "state",
                          h->ending ? "ending" : session_state_name(h->life.state), "age_s",
                          (double)(lm_clock_now_ns() - h->launched_ns) / (double)LM_NS_PER_S);
    if (h->stream && h->rtsp.state >= RTSP_ANNOUNCED)
        json_object_set_new(o, "stream", describe_stream(h));
    return o;
}

static json_t *describe_prompts(const struct server *s)
{
    struct pairing_prompt prompts[PAIRING_MAX_OPEN];
    size_t count = pairing_prompts(s->pairing, prompts);
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, json_pack("{sissss}", "request", (int)prompts[i].id, "from",
                                              prompts[i].peer, "name", prompts[i].device_name));
    return list;
}

static void do_status(struct server *s, struct ctl_request *request)
{
    char name[MDNS_NAME_MAX] = "";
    json_t *sessions = json_array();
    for (int i = 0; i < SERVER_MAX_SESSIONS; i++)
        if (s->sessions[i].used)
            json_array_append_new(sessions, describe_session(&s->sessions[i]));
    bool found = s->mdns && mdns_published(s->mdns, name);
    json_t *o = json_pack("{sssisisbsoso}", "name", s->name, "port", (int)s->config->port, "pid",
                          (int)getpid(), "discoverable", found, "pairing_requests",
                          describe_prompts(s), "sessions", sessions);
    char *text = json_dumps(o, JSON_INDENT(2));
    if (text)
        ctl_request_answer(request, text, strlen(text));
    else
        answer(request, false, "out of memory");
    free(text);
    json_decref(o);
}

static void handle(void *user, struct ctl_request *request, const char *line)
{
    struct server *s = user;
    char words[CTL_LINE_MAX_BYTES + 1];
    snprintf(words, sizeof words, "%s", line);
    char *rest = words, *verb = strsep(&rest, "\t");
    if (!strcmp(verb, "pair")) {
        do_pair(s, request, rest ? rest : verb + strlen(verb));
    } else if (!strcmp(verb, "devices")) {
        do_devices(s, request);
    } else if (!strcmp(verb, "unpair")) {
        do_unpair(s, request, rest ? rest : "");
    } else if (!strcmp(verb, "status")) {
        do_status(s, request);
    } else if (!strcmp(verb, "quit")) {
        answer(request, true, "the host shuts down");
        s->quit_asked = true; /* on the next tick: the answer must leave first */
    } else {
        answer(request, false, "unknown command");
    }
}

static void on_stdin(void *user, unsigned events)
{
    struct server *s = user;
    char line[128], text[256];
    ssize_t size = read(STDIN_FILENO, line, sizeof line - 1);
    if (size <= 0) {
        if (size < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        loop_watch_destroy(s->stdin_watch); /* the terminal is closed: go on without it */
        s->stdin_watch = NULL;
        return;
    }
    line[size] = 0;
    line[strcspn(line, " \t\r\n")] = 0;
    if (!*line)
        return;
    int code = server_pairing_enter(s, 0, line, NULL, text, sizeof text);
    printf("%s\n%s", text, code == LM_EINVAL ? "PIN: " : "");
    fflush(stdout);
}

int server_ctl_open(struct server *s)
{
    char path[512];
    snprintf(path, sizeof path, "%s/host.sock", s->params.runtime_dir);
    const struct ctl_server_params params = {.path = path, .handle = handle, .user = s};
    int code = ctl_server_create(&s->ctl, s->params.loop, &params);
    if (code) {
        lm_error(s->log, "host", "%s cannot be used: %s%s", path, lm_err_text(code),
                 code == LM_EEXIST ? ". Another lumen-host runs (lumen-host quit ends it)." : "");
        return code;
    }
    if (s->params.ask_pin)
        s->stdin_watch =
            loop_watch_create(s->params.loop, STDIN_FILENO, LOOP_READABLE, on_stdin, s);
    return LM_OK;
}
