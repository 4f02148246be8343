#include "session/rtsp_server.h"

#include "core/base/check.h"
#include "core/base/text.h"
#include "core/crypto/hash.h"
#include "core/crypto/hex.h"

enum {
    SETUP_AUDIO = 1 << 0,
    SETUP_VIDEO = 1 << 1,
    SETUP_CONTROL = 1 << 2,
    SETUP_ALL = SETUP_AUDIO | SETUP_VIDEO | SETUP_CONTROL,
    CONTROL_ENCRYPTED = 13, /* useReliableUdp of the encrypted control protocol */
    STATUS_OK = 200,
    STATUS_BAD_REQUEST = 400,
    STATUS_FORBIDDEN = 403,
    STATUS_NOT_FOUND = 404,
    STATUS_NO_SESSION = 454,
    STATUS_WRONG_STATE = 455,
    STATUS_UNKNOWN_METHOD = 501,
};

/* Headers and body of an answer while its status is being found out. */
struct answer {
    struct lm_text headers, body;
};

void rtsp_session_randomize(struct rtsp_session_params *params)
{
    uint8_t bytes[RTSP_PING_BYTES / 2];
    lm_random(bytes, sizeof bytes);
    lm_hex_encode(bytes, sizeof bytes, params->audio_ping);
    lm_random(bytes, sizeof bytes);
    lm_hex_encode(bytes, sizeof bytes, params->video_ping);
    lm_random(bytes, sizeof bytes);
    lm_hex_encode(bytes, sizeof bytes, params->token);
    /* Zero is what clients send that were told nothing. */
    do
        lm_random(&params->connect_data, sizeof params->connect_data);
    while (params->connect_data == 0);
}

void rtsp_session_init(struct rtsp_session *s, const struct rtsp_session_params *params)
{
    *s = (struct rtsp_session){.params = *params, .state = RTSP_WAITING};
    s->params.offer.hevc = (params->codecs & HOSTINFO_ANY_HEVC) != 0;
    s->params.offer.av1 = (params->codecs & HOSTINFO_ANY_AV1) != 0;
}

void rtsp_session_finish(struct rtsp_session *s)
{
    lm_wipe(s->params.key, sizeof s->params.key);
    s->state = RTSP_TORN_DOWN;
}

static bool text_is(struct rtsp_text text, const char *want)
{
    return text.at && text.size_bytes == strlen(want) &&
           memcmp(text.at, want, text.size_bytes) == 0;
}

/* ---- the methods: each returns the status ---- */

static int on_options(struct rtsp_session *s)
{
    if (s->state > RTSP_DESCRIBED)
        return STATUS_WRONG_STATE;
    if (s->state == RTSP_WAITING)
        s->state = RTSP_GREETED;
    return STATUS_OK;
}

static int on_describe(struct rtsp_session *s, struct answer *answer)
{
    if (s->state < RTSP_GREETED || s->state > RTSP_DESCRIBED)
        return STATUS_WRONG_STATE;
    int size_bytes =
        sdp_describe_write(&s->params.offer, answer->body.out, answer->body.capacity_bytes);
    LM_CHECK(size_bytes > 0);
    answer->body.size_bytes = (size_t)size_bytes;
    s->state = RTSP_DESCRIBED;
    return STATUS_OK;
}

/* "audio" of "streamid=audio/0/0"; the suffix differs between client generations. */
static struct rtsp_text stream_of(struct rtsp_text target)
{
    static const char key[] = "streamid=";
    const char *at = memmem(target.at, target.size_bytes, key, sizeof key - 1);
    if (!at)
        return (struct rtsp_text){NULL, 0};
    at += sizeof key - 1;
    size_t left = (size_t)(target.at + target.size_bytes - at);
    const char *slash = memchr(at, '/', left);
    return (struct rtsp_text){at, slash ? (size_t)(slash - at) : left};
}

/* From the second SETUP on the client repeats the token, with or without its tail. */
static bool token_is_ours(const struct rtsp_session *s, const struct rtsp_message *request)
{
    struct rtsp_text token = rtsp_header(request, "Session");
    const char *tail = token.at ? memchr(token.at, ';', token.size_bytes) : NULL;
    if (tail)
        token.size_bytes = (size_t)(tail - token.at);
    return text_is(token, s->params.token);
}

static int on_setup(struct rtsp_session *s, const struct rtsp_message *request,
                    struct answer *answer)
{
    if (s->state != RTSP_DESCRIBED)
        return STATUS_WRONG_STATE;
    struct rtsp_text stream = stream_of(request->target);
    lm_text_add(&answer->headers, "Session: %s;timeout = 90\r\n", s->params.token);
    if (text_is(stream, "audio")) {
        lm_text_add(&answer->headers, "Transport: server_port=%u\r\nX-SS-Ping-Payload: %s\r\n",
                    (unsigned)s->params.audio_port, s->params.audio_ping);
        s->setup_mask |= SETUP_AUDIO;
    } else if (text_is(stream, "video")) {
        lm_text_add(&answer->headers, "Transport: server_port=%u\r\nX-SS-Ping-Payload: %s\r\n",
                    (unsigned)s->params.video_port, s->params.video_ping);
        s->setup_mask |= SETUP_VIDEO;
    } else if (text_is(stream, "control")) {
        lm_text_add(&answer->headers, "Transport: server_port=%u\r\nX-SS-Connect-Data: %u\r\n",
                    (unsigned)s->params.control_port, s->params.connect_data);
        s->setup_mask |= SETUP_CONTROL;
    } else {
        answer->headers.size_bytes = 0;
        return STATUS_NOT_FOUND;
    }
    return STATUS_OK;
}

/* The codec bit a stream needs, 0 when there is no such profile. */
static uint32_t codec_bit(const struct stream_params *stream)
{
    static const uint32_t bits[3][4] = {
        /* 8 bit, 10 bit, 4:4:4, 4:4:4 10 bit */
        {HOSTINFO_H264, 0, HOSTINFO_H264_444, 0},
        {HOSTINFO_HEVC, HOSTINFO_HEVC_MAIN10, HOSTINFO_HEVC_444, HOSTINFO_HEVC_444_10},
        {HOSTINFO_AV1, HOSTINFO_AV1_MAIN10, HOSTINFO_AV1_444, HOSTINFO_AV1_444_10},
    };
    return bits[stream->codec - SDP_H264][2 * stream->chroma444 + stream->ten_bit];
}

static int check_stream(const struct rtsp_session *s, const struct stream_params *stream)
{
    const struct rtsp_session_params *params = &s->params;
    /* H.264 is always there: /serverinfo says so whatever the caller's mask. */
    if (!(codec_bit(stream) & (params->codecs | HOSTINFO_H264)))
        return STATUS_BAD_REQUEST;
    /* Sound has a switch of its own, older than the offer. */
    if (stream->encryption & ~(params->offer.encryption_supported | SDP_ENCRYPT_AUDIO))
        return STATUS_BAD_REQUEST;
    if (params->encryption_required & ~stream->encryption)
        return STATUS_FORBIDDEN;
    if (stream->control_type != CONTROL_ENCRYPTED && !params->allow_legacy_control)
        return STATUS_FORBIDDEN;
    return STATUS_OK;
}

static int on_announce(struct rtsp_session *s, const struct rtsp_message *request)
{
    struct rtsp_text target = stream_of(request->target);
    if (s->state != RTSP_DESCRIBED || s->setup_mask != SETUP_ALL)
        return STATUS_WRONG_STATE;
    if (!text_is(target, "control") && !text_is(target, "video"))
        return STATUS_NOT_FOUND;
    struct stream_params stream;
    const char *why;
    if (sdp_announce_parse(request->body.at, request->body.size_bytes, &stream, &why) < 0)
        return STATUS_BAD_REQUEST;
    if (stream.audio_channels == 2)
        stream.high_quality_audio = s->high_quality_stereo;
    int status = check_stream(s, &stream);
    if (status == STATUS_OK && s->params.announce)
        status = s->params.announce(s->params.user, &stream);
    if (status != STATUS_OK)
        return status;
    s->stream = stream;
    s->state = RTSP_ANNOUNCED;
    return STATUS_OK;
}

static int on_play(struct rtsp_session *s)
{
    if (s->state != RTSP_ANNOUNCED && s->state != RTSP_PLAYING)
        return STATUS_WRONG_STATE;
    s->state = RTSP_PLAYING; /* old clients play video and audio apart */
    return STATUS_OK;
}

/* Naming the host's address is how clients ask for good stereo. */
static void learn_quality(struct rtsp_session *s, const struct rtsp_message *request)
{
    struct rtsp_text host = rtsp_header(request, "Host");
    if (host.at)
        s->high_quality_stereo = !text_is(host, "0.0.0.0");
}

static int dispatch(struct rtsp_session *s, const struct rtsp_message *request,
                    struct answer *answer)
{
    bool bound = request->method == RTSP_ANNOUNCE || request->method == RTSP_PLAY ||
                 (request->method == RTSP_SETUP && s->setup_mask);
    if (s->state == RTSP_TORN_DOWN || (bound && !token_is_ours(s, request)))
        return STATUS_NO_SESSION;
    learn_quality(s, request);
    switch (request->method) {
    case RTSP_OPTIONS:
        return on_options(s);
    case RTSP_DESCRIBE:
        return on_describe(s, answer);
    case RTSP_SETUP:
        return on_setup(s, request, answer);
    case RTSP_ANNOUNCE:
        return on_announce(s, request);
    case RTSP_PLAY:
        return on_play(s);
    case RTSP_TEARDOWN:
        s->state = RTSP_TORN_DOWN;
        return STATUS_OK;
    case RTSP_UNKNOWN:
        break;
    }
    return STATUS_UNKNOWN_METHOD;
}

/* ---- the connection ---- */

static const char *reason_of(int status)
{
    static const struct {
        int status;
        const char *reason;
    } reasons[] = {
        {STATUS_OK, "OK"},
        {STATUS_BAD_REQUEST, "Bad Request"},
        {STATUS_FORBIDDEN, "Forbidden"},
        {STATUS_NOT_FOUND, "Not Found"},
        {STATUS_NO_SESSION, "Session Not Found"},
        {STATUS_WRONG_STATE, "Method Not Valid in This State"},
        {500, "Internal Server Error"},
        {STATUS_UNKNOWN_METHOD, "Not Implemented"},
        {503, "Service Unavailable"},
    };
    for (size_t i = 0; i < LM_ARRAY_LEN(reasons); i++)
        if (reasons[i].status == status)
            return reasons[i].reason;
    return "Error"; /* never empty: clients refuse that */
}

static int respond(struct rtsp_session *s, const struct rtsp_message *request, char *out,
                   size_t capacity_bytes)
{
    char headers[512], body[2048];
    struct answer answer = {lm_text_of(headers, sizeof headers), lm_text_of(body, sizeof body)};
    int status = dispatch(s, request, &answer);
    struct lm_text t = lm_text_of(out, capacity_bytes);
    lm_text_add(&t, "RTSP/1.0 %d %s\r\nCSeq: %u\r\n%.*s", status, reason_of(status), request->cseq,
                (int)answer.headers.size_bytes, headers);
    if (answer.body.size_bytes)
        lm_text_add(&t, "Content-type: application/sdp\r\nContent-length: %zu\r\n",
                    answer.body.size_bytes);
    lm_text_add(&t, "\r\n%.*s", (int)answer.body.size_bytes, body);
    return lm_text_end(&t);
}

/* The plain request into `plain`; LM_EAUTH when it belongs to another stream. */
static int authenticate(struct rtsp_session *s, const struct rtsp_input *in, const char *peer_ip,
                        uint8_t *plain, size_t capacity_bytes)
{
    const struct rtsp_session_params *params = &s->params;
    if (rtsp_input_encrypted(in) != params->encrypted)
        return LM_EAUTH;
    if (!params->encrypted) {
        if (strcmp(peer_ip, params->peer_ip) != 0)
            return LM_EAUTH;
        LM_CHECK(in->size_bytes <= capacity_bytes);
        memcpy(plain, in->data, in->size_bytes);
        return (int)in->size_bytes;
    }
    uint32_t sequence;
    int size_bytes = rtsp_frame_open(params->key, RTSP_FROM_CLIENT, in->data, in->size_bytes, plain,
                                     capacity_bytes, &sequence);
    if (size_bytes < 0)
        return LM_EAUTH;
    if (sequence <= s->client_sequence)
        return LM_EPROTO; /* a replay */
    s->client_sequence = sequence;
    return size_bytes;
}

int rtsp_session_handle(struct rtsp_session *s, const struct rtsp_input *in, const char *peer_ip,
                        uint8_t *out, size_t capacity_bytes)
{
    uint8_t plain[RTSP_MAX_FRAME_BYTES];
    char text[4096];
    struct rtsp_message request;
    int size_bytes = authenticate(s, in, peer_ip, plain, sizeof plain);
    if (size_bytes < 0)
        return size_bytes;
    if (rtsp_request_parse((const char *)plain, (size_t)size_bytes, &request) < 0)
        return LM_EPROTO;
    size_bytes = respond(s, &request, text, sizeof text);
    if (size_bytes < 0)
        return size_bytes;
    if (s->params.encrypted)
        return rtsp_frame_seal(s->params.key, RTSP_FROM_HOST, ++s->host_sequence, text,
                               (size_t)size_bytes, out, capacity_bytes);
    if ((size_t)size_bytes > capacity_bytes)
        return LM_ELIMIT;
    memcpy(out, text, (size_t)size_bytes);
    return size_bytes;
}
