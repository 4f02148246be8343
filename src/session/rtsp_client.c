#include "session/rtsp_client.h"

#include "core/base/check.h"
#include "core/base/text.h"

#include <stdlib.h>

enum {
    CLIENT_VERSION = 14, /* X-GS-ClientVersion for hosts of generation 7 */
    STATUS_OK = 200,
    DEFAULT_VIDEO_PORT = 47998,
    DEFAULT_CONTROL_PORT = 47999,
    DEFAULT_AUDIO_PORT = 48000,
    DEFAULT_RTSP_PORT = 48010,
};

typedef int (*learn_fn)(struct rtsp_client *c, const struct rtsp_message *answer);

struct step {
    const char *method, *target; /* target NULL: the session's URL */
    const char *headers;
    bool with_session, with_body;
    learn_fn learn;
};

#define LONG_AGO     "If-Modified-Since: Thu, 01 Jan 1970 00:00:00 GMT\r\n"
#define SETUP_HEADER "Transport: unicast;X-GS-ClientPort=50000-50001\r\n" LONG_AGO

static void copy_text(char *out, size_t capacity_bytes, struct rtsp_text text)
{
    size_t size_bytes = text.at && text.size_bytes < capacity_bytes ? text.size_bytes : 0;
    if (size_bytes)
        memcpy(out, text.at, size_bytes);
    out[size_bytes] = '\0';
}

static uint16_t learn_port(const struct rtsp_message *answer, uint16_t fallback)
{
    char text[256];
    copy_text(text, sizeof text, rtsp_header(answer, "Transport"));
    const char *at = strstr(text, "server_port=");
    unsigned long port = at ? strtoul(at + 12, NULL, 10) : 0;
    return port >= 1 && port <= UINT16_MAX ? (uint16_t)port : fallback;
}

/* Only exactly 16 characters count; otherwise the legacy ping is used. */
static void learn_ping(const struct rtsp_message *answer, char out[17])
{
    struct rtsp_text ping = rtsp_header(answer, "X-SS-Ping-Payload");
    copy_text(out, 17, ping.size_bytes == 16 ? ping : (struct rtsp_text){NULL, 0});
}

static int learn_nothing(struct rtsp_client *c, const struct rtsp_message *answer)
{
    return LM_OK;
}

static int learn_description(struct rtsp_client *c, const struct rtsp_message *answer)
{
    return sdp_describe_parse(answer->body.at, answer->body.size_bytes, &c->description);
}

static int learn_audio(struct rtsp_client *c, const struct rtsp_message *answer)
{
    struct rtsp_text session = rtsp_header(answer, "Session");
    const char *tail = session.at ? memchr(session.at, ';', session.size_bytes) : NULL;
    if (tail)
        session.size_bytes = (size_t)(tail - session.at);
    copy_text(c->session, sizeof c->session, session);
    c->audio_port = learn_port(answer, DEFAULT_AUDIO_PORT);
    learn_ping(answer, c->audio_ping);
    return c->session[0] ? LM_OK : LM_EPROTO;
}

static int learn_video(struct rtsp_client *c, const struct rtsp_message *answer)
{
    c->video_port = learn_port(answer, DEFAULT_VIDEO_PORT);
    learn_ping(answer, c->video_ping);
    return LM_OK;
}

static int learn_control(struct rtsp_client *c, const struct rtsp_message *answer)
{
    char text[32];
    copy_text(text, sizeof text, rtsp_header(answer, "X-SS-Connect-Data"));
    c->connect_data = (uint32_t)strtoul(text, NULL, 0);
    c->control_port = learn_port(answer, DEFAULT_CONTROL_PORT);
    return LM_OK;
}

enum { ANNOUNCE_STEP = 5 };

static const struct step steps[RTSP_STEP_COUNT] = {
    {"OPTIONS", NULL, "", false, false, learn_nothing},
    {"DESCRIBE", NULL, "Accept: application/sdp\r\n" LONG_AGO, false, false, learn_description},
    {"SETUP", "streamid=audio/0/0", SETUP_HEADER, false, false, learn_audio},
    {"SETUP", "streamid=video/0/0", SETUP_HEADER, true, false, learn_video},
    {"SETUP", "streamid=control/13/0", SETUP_HEADER, true, false, learn_control},
    [ANNOUNCE_STEP] = {"ANNOUNCE", "streamid=control/13/0", "", true, true, learn_nothing},
    {"PLAY", "/", "", true, false, learn_nothing},
};

int rtsp_client_init(struct rtsp_client *c, const struct rtsp_client_params *params)
{
    *c = (struct rtsp_client){.encrypted = params->key != NULL,
                              .modest_audio = params->modest_audio,
                              .sequence = params->first_sequence - 1};
    if (strlen(params->url) >= sizeof c->url || strlen(params->host_ip) >= sizeof c->host_ip ||
        params->first_sequence == 0)
        return LM_EINVAL;
    if (params->key)
        memcpy(c->key, params->key, sizeof c->key);
    strcpy(c->url, params->url);
    strcpy(c->host_ip, params->host_ip);
    return LM_OK;
}

bool rtsp_client_done(const struct rtsp_client *c)
{
    return c->step >= RTSP_STEP_COUNT;
}

bool rtsp_client_wants_stream(const struct rtsp_client *c)
{
    return c->step == ANNOUNCE_STEP;
}

/* Hiding the address is how normal-quality stereo is asked for. */
static void add_target(struct lm_text *t, const struct rtsp_client *c, const struct step *step)
{
    const char *port = strrchr(c->url, ':');
    unsigned long number = port ? strtoul(port + 1, NULL, 10) : 0;
    if (step->target)
        lm_text_add(t, "%s", step->target);
    else if (!c->modest_audio)
        lm_text_add(t, "%s", c->url);
    else
        lm_text_add(t, "rtsp://0.0.0.0:%lu", number ? number : DEFAULT_RTSP_PORT);
}

static int format_request(const struct rtsp_client *c, char *out, size_t capacity_bytes)
{
    const struct step *step = &steps[c->step];
    char body[SDP_MAX_BYTES] = "";
    int body_bytes = 0;
    if (step->with_body) {
        body_bytes = sdp_announce_write(&c->stream, c->host_ip, c->video_port, body, sizeof body);
        if (body_bytes < 0)
            return body_bytes;
    }
    struct lm_text t = lm_text_of(out, capacity_bytes);
    lm_text_add(&t, "%s ", step->method);
    add_target(&t, c, step);
    lm_text_add(&t, " RTSP/1.0\r\nCSeq: %u\r\nX-GS-ClientVersion: %d\r\nHost: %s\r\n%s",
                c->step + 1, CLIENT_VERSION, c->modest_audio ? "0.0.0.0" : c->host_ip,
                step->headers);
    if (step->with_session)
        lm_text_add(&t, "Session: %s\r\n", c->session);
    if (step->with_body)
        lm_text_add(&t, "Content-type: application/sdp\r\nContent-length: %d\r\n", body_bytes);
    lm_text_add(&t, "\r\n%s", body);
    return lm_text_end(&t);
}

int rtsp_client_request(struct rtsp_client *c, uint8_t *out, size_t capacity_bytes)
{
    char text[RTSP_MAX_MESSAGE_BYTES];
    LM_CHECK(!rtsp_client_done(c));
    int size_bytes = format_request(c, text, sizeof text);
    if (size_bytes < 0)
        return size_bytes;
    if (c->encrypted)
        return rtsp_frame_seal(c->key, RTSP_FROM_CLIENT, ++c->sequence, text, (size_t)size_bytes,
                               out, capacity_bytes);
    if ((size_t)size_bytes > capacity_bytes)
        return LM_ELIMIT;
    memcpy(out, text, (size_t)size_bytes);
    return size_bytes;
}

int rtsp_client_answer(struct rtsp_client *c, const uint8_t *data, size_t size_bytes)
{
    uint8_t plain[RTSP_MAX_MESSAGE_BYTES];
    const uint8_t *text = data;
    if (rtsp_client_done(c) || size_bytes > RTSP_MAX_FRAME_BYTES)
        return LM_EPROTO;
    if (c->encrypted) {
        uint32_t sequence;
        int opened = rtsp_frame_open(c->key, RTSP_FROM_HOST, data, size_bytes, plain, sizeof plain,
                                     &sequence);
        if (opened < 0)
            return opened;
        if (sequence <= c->host_sequence)
            return LM_EAUTH;
        c->host_sequence = sequence;
        text = plain;
        size_bytes = (size_t)opened;
    }
    struct rtsp_message answer;
    int result = rtsp_response_parse((const char *)text, size_bytes, &answer);
    if (result < 0)
        return result;
    c->status = answer.status;
    if (answer.status != STATUS_OK)
        return LM_EUNSUPPORTED;
    result = steps[c->step].learn(c, &answer);
    if (result == LM_OK)
        c->step++;
    return result;
}
