#include "session/rtsp.h"

#include "core/base/bytes.h"
#include "core/base/check.h"
#include "core/crypto/aead.h"

#include <strings.h>

enum {
    FRAME_BIT = 0x80, /* of the first byte; no method starts with it */
    IV_BYTES = 12,
    MAX_CSEQ = 1000000000,
};

static const struct rtsp_text crlf = {"\r\n", 2}, blank_line = {"\r\n\r\n", 4};

static size_t find(const char *data, size_t size_bytes, struct rtsp_text what)
{
    const char *at = memmem(data, size_bytes, what.at, what.size_bytes);
    return at ? (size_t)(at - data) : SIZE_MAX;
}

static int number_of(struct rtsp_text text, uint32_t max, uint32_t *out)
{
    uint64_t number = 0;
    if (text.size_bytes == 0 || text.size_bytes > 10)
        return LM_EPROTO;
    for (size_t i = 0; i < text.size_bytes; i++) {
        if (text.at[i] < '0' || text.at[i] > '9')
            return LM_EPROTO;
        number = number * 10 + (uint64_t)(text.at[i] - '0');
    }
    if (number > max)
        return LM_EPROTO;
    *out = (uint32_t)number;
    return LM_OK;
}

/* ---- messages ---- */

/* Takes the text up to `stop` off the head of `rest`; false when there is no `stop`. */
static bool take_until(struct rtsp_text *rest, struct rtsp_text stop, struct rtsp_text *out)
{
    size_t at = find(rest->at, rest->size_bytes, stop);
    if (at == SIZE_MAX)
        return false;
    *out = (struct rtsp_text){rest->at, at};
    rest->at += at + stop.size_bytes;
    rest->size_bytes -= at + stop.size_bytes;
    return true;
}

static struct rtsp_text trimmed(struct rtsp_text text)
{
    while (text.size_bytes && (text.at[0] == ' ' || text.at[0] == '\t')) {
        text.at++;
        text.size_bytes--;
    }
    while (text.size_bytes &&
           (text.at[text.size_bytes - 1] == ' ' || text.at[text.size_bytes - 1] == '\t'))
        text.size_bytes--;
    return text;
}

static int parse_header(struct rtsp_text line, struct rtsp_message *out)
{
    struct rtsp_text name;
    if (line.size_bytes > RTSP_MAX_LINE_BYTES || out->header_count == RTSP_MAX_HEADERS)
        return LM_ELIMIT;
    if (!take_until(&line, (struct rtsp_text){":", 1}, &name) || name.size_bytes == 0 ||
        memchr(name.at, ' ', name.size_bytes))
        return LM_EPROTO;
    out->headers[out->header_count++] = (struct rtsp_header){name, trimmed(line)};
    return LM_OK;
}

/* The lines after the first, up to and with the blank one; leaves the body in `rest`. */
static int parse_headers(struct rtsp_text *rest, struct rtsp_message *out)
{
    struct rtsp_text line;
    while (take_until(rest, crlf, &line)) {
        if (line.size_bytes == 0)
            return LM_OK;
        int result = parse_header(line, out);
        if (result < 0)
            return result;
    }
    return LM_EPROTO;
}

struct rtsp_text rtsp_header(const struct rtsp_message *message, const char *name)
{
    struct rtsp_text found = {NULL, 0};
    for (size_t i = 0; i < message->header_count; i++) {
        struct rtsp_text has = message->headers[i].name;
        if (has.size_bytes == strlen(name) && strncasecmp(has.at, name, has.size_bytes) == 0)
            found = message->headers[i].value;
    }
    return found;
}

static int parse_common(struct rtsp_text rest, struct rtsp_message *out)
{
    int result = parse_headers(&rest, out);
    if (result < 0)
        return result;
    struct rtsp_text cseq = rtsp_header(out, "CSeq");
    if (cseq.at && number_of(cseq, MAX_CSEQ, &out->cseq) < 0)
        return LM_EPROTO;
    out->body = rest;
    return LM_OK;
}

static enum rtsp_method method_of(struct rtsp_text text)
{
    static const struct {
        const char *name;
        enum rtsp_method method;
    } methods[] = {
        {"OPTIONS", RTSP_OPTIONS},   {"DESCRIBE", RTSP_DESCRIBE}, {"SETUP", RTSP_SETUP},
        {"ANNOUNCE", RTSP_ANNOUNCE}, {"PLAY", RTSP_PLAY},         {"TEARDOWN", RTSP_TEARDOWN},
    };
    for (size_t i = 0; i < LM_ARRAY_LEN(methods); i++)
        if (strlen(methods[i].name) == text.size_bytes &&
            memcmp(methods[i].name, text.at, text.size_bytes) == 0)
            return methods[i].method;
    return RTSP_UNKNOWN;
}

int rtsp_request_parse(const char *data, size_t size_bytes, struct rtsp_message *out)
{
    struct rtsp_text rest = {data, size_bytes}, line, method;
    memset(out, 0, sizeof *out);
    if (size_bytes > RTSP_MAX_MESSAGE_BYTES || memchr(data, 0, size_bytes))
        return LM_EPROTO;
    if (!take_until(&rest, crlf, &line))
        return LM_EPROTO;
    if (line.size_bytes > RTSP_MAX_LINE_BYTES)
        return LM_ELIMIT;
    struct rtsp_text space = {" ", 1};
    if (!take_until(&line, space, &method) || !take_until(&line, space, &out->target) ||
        out->target.size_bytes == 0 || line.size_bytes != 8 || memcmp(line.at, "RTSP/1.0", 8) != 0)
        return LM_EPROTO;
    out->method = method_of(method);
    int result = parse_common(rest, out);
    if (result < 0)
        return result;
    struct rtsp_text length = rtsp_header(out, "Content-length");
    uint32_t body_bytes = (uint32_t)out->body.size_bytes;
    if (length.at && number_of(length, RTSP_MAX_BODY_BYTES, &body_bytes) < 0)
        return LM_EPROTO;
    if (out->body.size_bytes > RTSP_MAX_BODY_BYTES)
        return LM_ELIMIT;
    return body_bytes == out->body.size_bytes ? LM_OK : LM_EPROTO;
}

int rtsp_response_parse(const char *data, size_t size_bytes, struct rtsp_message *out)
{
    struct rtsp_text rest = {data, size_bytes}, line, version, code;
    uint32_t status;
    memset(out, 0, sizeof *out);
    if (memchr(data, 0, size_bytes) || !take_until(&rest, crlf, &line))
        return LM_EPROTO;
    struct rtsp_text space = {" ", 1};
    if (!take_until(&line, space, &version) || !take_until(&line, space, &code) ||
        version.size_bytes != 8 || memcmp(version.at, "RTSP/1.0", 8) != 0 || line.size_bytes == 0 ||
        number_of(code, 999, &status) < 0)
        return LM_EPROTO;
    out->status = (int)status;
    int result = parse_common(rest, out);
    if (result < 0)
        return result;
    return out->header_count ? LM_OK : LM_EPROTO;
}

/* ---- one connection's bytes ---- */

void rtsp_input_reset(struct rtsp_input *in)
{
    in->size_bytes = 0;
    in->total_bytes = 0;
}

bool rtsp_input_encrypted(const struct rtsp_input *in)
{
    return in->size_bytes && (in->data[0] & FRAME_BIT);
}

static int learn_frame_size(struct rtsp_input *in)
{
    if (in->size_bytes < 4)
        return LM_OK;
    uint32_t plain_bytes = lm_get_be32(in->data) & INT32_MAX;
    if (plain_bytes == 0 || plain_bytes > RTSP_MAX_MESSAGE_BYTES)
        return LM_ELIMIT;
    in->total_bytes = RTSP_FRAME_HEADER_BYTES + plain_bytes;
    return LM_OK;
}

/* `fresh`: bytes before this were searched already. */
static int learn_plain_size(struct rtsp_input *in, size_t fresh)
{
    const char *text = (const char *)in->data;
    size_t from = fresh < 3 ? 0 : fresh - 3;
    size_t at = find(text + from, in->size_bytes - from, blank_line);
    if (at == SIZE_MAX)
        return in->size_bytes > RTSP_MAX_MESSAGE_BYTES ? LM_ELIMIT : LM_OK;
    size_t head_bytes = from + at + blank_line.size_bytes;
    struct rtsp_text rest = {text, head_bytes}, line;
    struct rtsp_message head = {0};
    if (!take_until(&rest, crlf, &line))
        return LM_EPROTO;
    int result = parse_headers(&rest, &head);
    if (result < 0)
        return result;
    struct rtsp_text length = rtsp_header(&head, "Content-length");
    uint32_t body_bytes = 0;
    if (length.at && number_of(length, RTSP_MAX_BODY_BYTES, &body_bytes) < 0)
        return LM_EPROTO;
    in->total_bytes = head_bytes + body_bytes;
    return in->total_bytes > RTSP_MAX_MESSAGE_BYTES ? LM_ELIMIT : LM_OK;
}

int rtsp_input_feed(struct rtsp_input *in, const uint8_t *data, size_t size_bytes)
{
    size_t fresh = in->size_bytes;
    if (size_bytes > sizeof in->data - fresh)
        return LM_ELIMIT;
    memcpy(in->data + fresh, data, size_bytes);
    in->size_bytes += size_bytes;
    if (in->size_bytes == 0)
        return RTSP_NEED_MORE;
    if (!in->total_bytes) {
        int result = rtsp_input_encrypted(in) ? learn_frame_size(in) : learn_plain_size(in, fresh);
        if (result < 0)
            return result;
    }
    if (!in->total_bytes || in->size_bytes < in->total_bytes)
        return RTSP_NEED_MORE;
    /* Requests are never pipelined: more than one whole message is not a client of ours. */
    return in->size_bytes == in->total_bytes ? RTSP_COMPLETE : LM_EPROTO;
}

/* ---- framing ---- */

static void make_iv(enum rtsp_direction direction, uint32_t sequence, uint8_t iv[IV_BYTES])
{
    memset(iv, 0, IV_BYTES);
    lm_put_le32(iv, sequence);
    iv[10] = (uint8_t)direction;
    iv[11] = 'R';
}

int rtsp_frame_seal(const uint8_t key[16], enum rtsp_direction direction, uint32_t sequence,
                    const void *plain, size_t size_bytes, uint8_t *out, size_t capacity_bytes)
{
    uint8_t iv[IV_BYTES];
    struct lm_aead *aead;
    if (size_bytes > RTSP_MAX_MESSAGE_BYTES || size_bytes == 0 ||
        size_bytes + RTSP_FRAME_HEADER_BYTES > capacity_bytes)
        return LM_ELIMIT;
    int result = lm_aead_create(&aead, key, LM_AEAD_ANY);
    if (result < 0)
        return result;
    make_iv(direction, sequence, iv);
    lm_put_be32(out, (uint32_t)FRAME_BIT << 24 | (uint32_t)size_bytes);
    lm_put_be32(out + 4, sequence);
    memmove(out + RTSP_FRAME_HEADER_BYTES, plain, size_bytes);
    result = lm_aead_seal(aead, iv, sizeof iv, out + RTSP_FRAME_HEADER_BYTES, size_bytes, out + 8);
    lm_aead_destroy(aead);
    return result < 0 ? result : (int)size_bytes + RTSP_FRAME_HEADER_BYTES;
}

int rtsp_frame_open(const uint8_t key[16], enum rtsp_direction direction, const uint8_t *frame,
                    size_t size_bytes, uint8_t *out, size_t capacity_bytes, uint32_t *sequence)
{
    uint8_t iv[IV_BYTES];
    struct lm_aead *aead;
    if (size_bytes <= RTSP_FRAME_HEADER_BYTES || !(frame[0] & FRAME_BIT) ||
        (lm_get_be32(frame) & INT32_MAX) != size_bytes - RTSP_FRAME_HEADER_BYTES ||
        size_bytes - RTSP_FRAME_HEADER_BYTES > capacity_bytes)
        return LM_EPROTO;
    int result = lm_aead_create(&aead, key, LM_AEAD_ANY);
    if (result < 0)
        return result;
    size_t plain_bytes = size_bytes - RTSP_FRAME_HEADER_BYTES;
    *sequence = lm_get_be32(frame + 4);
    make_iv(direction, *sequence, iv);
    memcpy(out, frame + RTSP_FRAME_HEADER_BYTES, plain_bytes);
    result = lm_aead_open(aead, iv, sizeof iv, out, plain_bytes, frame + 8);
    lm_aead_destroy(aead);
    return result < 0 ? result : (int)plain_bytes;
}
