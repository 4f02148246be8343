/* Pairing: parks a client's first request until a person types the PIN here, and stores the
 * client's certificate before the last answer leaves. */
#include "core/transport/clock.h"
#include "host/server_parts.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static struct http_exchange **parked_place(struct server *s, uint32_t id)
{
    for (int i = 0; i < PAIRING_MAX_OPEN; i++)
        if (s->parked_pairings[i] &&
            (uint32_t)(uintptr_t)http_exchange_user(s->parked_pairings[i]) == id)
            return &s->parked_pairings[i];
    return NULL;
}

static void answer_dropped(struct server *s, uint32_t id)
{
    struct http_exchange **place = id ? parked_place(s, id) : NULL;
    if (!place)
        return;
    char xml[HOSTINFO_MAX_BYTES];
    struct http_exchange *x = *place;
    *place = NULL;
    server_answer_xml(x, xml, pairing_write_dropped(xml, sizeof xml));
}

static void answer_parked(struct server *s, const struct pairing_answer *answer)
{
    struct http_exchange **place = parked_place(s, answer->id);
    if (!place)
        return;
    struct http_exchange *x = *place;
    *place = NULL;
    server_answer_xml(x, answer->xml, (int)answer->xml_size);
}

static void park(struct server *s, struct http_exchange *x, const struct http_request *request,
                 uint32_t id)
{
    http_exchange_set_user(x, (void *)(uintptr_t)id);
    for (int i = 0; i < PAIRING_MAX_OPEN; i++)
        if (!s->parked_pairings[i]) {
            s->parked_pairings[i] = x;
            break;
        }
    lm_info(s->log, "pairing",
            "a device at %s asks to pair (request %u). Type the PIN it shows: lumen-host pair PIN",
            request->peer.text, id);
    if (s->params.ask_pin) {
        printf("PIN shown by the device at %s: ", request->peer.text);
        fflush(stdout);
    }
}

/* The name asked for with the PIN, else what the device calls itself, else a plain one. */
static void name_device(struct server *s, const struct pairing_answer *answer,
                        struct store_device *device)
{
    const char *own = answer->device_name;
    bool has_own = own && *own && strcmp(own, "roth"); /* every stock client says "roth" */
    snprintf(device->name, sizeof device->name, "%.50s", has_own ? own : "moonlight");
    for (int i = 0; i < PAIRING_MAX_OPEN; i++)
        if (s->pending_ids[i] == answer->id && *s->pending_names[i])
            memcpy(device->name, s->pending_names[i], sizeof device->name);
}

static bool store_device(struct server *s, const struct pairing_answer *answer)
{
    struct store_device device = {.paired_at = time(NULL), .seen_at = time(NULL)};
    const uint8_t *der = lm_cert_der(answer->cert, &device.cert_bytes);
    if (device.cert_bytes > sizeof device.cert_der)
        return false;
    memcpy(device.cert_der, der, device.cert_bytes);
    memcpy(device.fingerprint, lm_cert_fingerprint(answer->cert), sizeof device.fingerprint);
    name_device(s, answer, &device);
    int code = store_add_device(s->params.store, &device);
    if (code) {
        lm_error(s->log, "pairing", "the device cannot be stored: %s. Check the free disk space.",
                 lm_err_text(code));
        return false;
    }
    lm_info(s->log, "pairing", "\"%s\" at %s is paired", device.name, answer->peer);
    return true;
}

static void answer_refused(struct http_exchange *x, const char *message)
{
    char xml[HOSTINFO_MAX_BYTES];
    server_answer_xml(x, xml,
                      hostinfo_write_pair_error(HOSTINFO_FORBIDDEN, message, xml, sizeof xml));
}

void server_pairing_request(struct server *s, struct http_exchange *x,
                            const struct http_request *request)
{
    if (s->config->pairing_networks == CONFIG_NETWORKS_LOCAL && !server_is_local(&request->peer)) {
        answer_refused(x, "This host pairs on its local network only.");
        return;
    }
    const struct params query = params_of_query(request->query);
    struct pairing_answer answer;
    pairing_request(s->pairing, &query, request->peer.text, lm_clock_now_ns(), &answer);
    answer_dropped(s, answer.dropped_id);
    if (answer.action == PAIRING_PARKED) {
        park(s, x, request, answer.id);
        return;
    }
    if (answer.action == PAIRING_COMMIT)
        pairing_committed(s->pairing, answer.id, store_device(s, &answer), &answer);
    if (answer.failed)
        lm_warn(s->log, "pairing",
                "pairing with %s did NOT complete; if that device claims success, remove this host "
                "there",
                request->peer.text);
    server_answer_xml(x, answer.xml, (int)answer.xml_size);
}

void server_pairing_unpair(struct server *s, struct http_exchange *x,
                           const struct http_request *request)
{
    const struct params query = params_of_query(request->query);
    char uid[PAIRING_NAME_BYTES], xml[HOSTINFO_MAX_BYTES];
    if (params_text(&query, "uniqueid", uid, sizeof uid) > 0)
        answer_dropped(s, pairing_cancel(s->pairing, uid, request->peer.text, lm_clock_now_ns()));
    server_answer_xml(x, xml, hostinfo_write_ok(xml, sizeof xml));
}

void server_pairing_gone(struct server *s, struct http_exchange *x)
{
    for (int i = 0; i < PAIRING_MAX_OPEN; i++)
        if (s->parked_pairings[i] == x) {
            pairing_close(s->pairing, (uint32_t)(uintptr_t)http_exchange_user(x));
            s->parked_pairings[i] = NULL;
            lm_info(s->log, "pairing", "the device gave up waiting for its PIN");
        }
}

void server_pairing_tick(struct server *s, uint64_t now_ns)
{
    struct pairing_answer answer;
    while (pairing_expire(s->pairing, now_ns, &answer) == 1)
        if (answer.action == PAIRING_ANSWERED)
            answer_parked(s, &answer);
}

static void remember_name(struct server *s, uint32_t id, const char *name)
{
    uint32_t place = id % PAIRING_MAX_OPEN;
    s->pending_ids[place] = id;
    snprintf(s->pending_names[place], sizeof s->pending_names[place], "%s", name ? name : "");
}

int server_pairing_enter(struct server *s, uint32_t id, const char *pin, const char *name,
                         char *text, size_t text_bytes)
{
    struct pairing_answer answer;
    int code = pairing_enter_pin(s->pairing, id, pin, lm_clock_now_ns(), &answer);
    const char *what = "PIN taken. The device shows whether it was right.";
    if (code == LM_ENOENT)
        what = "No device asks to pair. Choose this host on the device first; it then shows a PIN.";
    else if (code == LM_EEXIST)
        what = "Several devices ask to pair: say which with --request N (see lumen-host status).";
    else if (code)
        what = "A PIN is four digits.";
    snprintf(text, text_bytes, "%s", what);
    if (code)
        return code;
    remember_name(s, answer.id, name);
    answer_parked(s, &answer);
    return LM_OK;
}

int server_pairing_open(struct server *s)
{
    const struct pairing_params params = {
        .host_cert = s->cert,
        .host_key = s->key,
        .max_failures_per_hour = (unsigned)s->config->pairing_max_failures,
    };
    return pairing_create(&s->pairing, &params);
}
