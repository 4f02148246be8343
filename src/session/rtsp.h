/* GameStream's RTSP dialect, messages and framing, both ends: one request and one answer per TCP
 * connection, in the clear or as one AES-128-GCM frame each way. The server's handler is
 * rtsp_server.h, the client's table of steps rtsp_client.h. Bytes in, bytes out. Any thread. */
#ifndef LUMEN_SESSION_RTSP_H
#define LUMEN_SESSION_RTSP_H

#include "core/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    RTSP_MAX_MESSAGE_BYTES = 16384, /* plain text, either way */
    RTSP_MAX_HEADERS = 32,
    RTSP_MAX_LINE_BYTES = 1024,
    RTSP_MAX_BODY_BYTES = 8192,
    RTSP_FRAME_HEADER_BYTES = 24, /* type and length, sequence, tag */
    RTSP_MAX_FRAME_BYTES = RTSP_MAX_MESSAGE_BYTES + RTSP_FRAME_HEADER_BYTES,
};

enum rtsp_method {
    RTSP_UNKNOWN = 1,
    RTSP_OPTIONS,
    RTSP_DESCRIBE,
    RTSP_SETUP,
    RTSP_ANNOUNCE,
    RTSP_PLAY,
    RTSP_TEARDOWN,
};

struct rtsp_text {
    const char *at; /* borrowed from the message, not NUL-terminated; NULL when absent */
    size_t size_bytes;
};

struct rtsp_header {
    struct rtsp_text name, value;
};

struct rtsp_message {
    enum rtsp_method method; /* requests; 0 for a response */
    struct rtsp_text target; /* requests */
    int status;              /* responses */
    uint32_t cseq;           /* 0 when absent */
    struct rtsp_header headers[RTSP_MAX_HEADERS];
    size_t header_count;
    struct rtsp_text body;
};

/* Bytes of one connection as they arrive, in segments of any size. */
struct rtsp_input {
    size_t size_bytes;
    size_t total_bytes; /* of the whole message, 0 while unknown */
    uint8_t data[RTSP_MAX_FRAME_BYTES];
};

enum rtsp_feed { RTSP_NEED_MORE = 0, RTSP_COMPLETE = 1 };

void rtsp_input_reset(struct rtsp_input *in);

/* Appends bytes; RTSP_COMPLETE once the request is whole, then call no more. LM_EPROTO, LM_ELIMIT:
 * close without an answer. */
int rtsp_input_feed(struct rtsp_input *in, const uint8_t *data, size_t size_bytes) LM_MUST_USE;

/* The request, or response, is an encrypted frame. */
bool rtsp_input_encrypted(const struct rtsp_input *in);

/* Read a whole plain message. LM_EPROTO: malformed, LM_ELIMIT: too many or too long headers. */
int rtsp_request_parse(const char *data, size_t size_bytes, struct rtsp_message *out) LM_MUST_USE;
int rtsp_response_parse(const char *data, size_t size_bytes, struct rtsp_message *out) LM_MUST_USE;

/* The value of the last header with this name, case-insensitive; at == NULL if absent. */
struct rtsp_text rtsp_header(const struct rtsp_message *message, const char *name);

/* ---- framing ---- */

enum rtsp_direction { RTSP_FROM_CLIENT = 'C', RTSP_FROM_HOST = 'H' };

/* Seals `plain` into a frame; returns its size (plain + 24). */
int rtsp_frame_seal(const uint8_t key[16], enum rtsp_direction direction, uint32_t sequence,
                    const void *plain, size_t size_bytes, uint8_t *out,
                    size_t capacity_bytes) LM_MUST_USE;

/* Opens one exact frame; returns the plain size. LM_EPROTO: no frame or a wrong length, LM_EAUTH:
 * not sealed with this key. */
int rtsp_frame_open(const uint8_t key[16], enum rtsp_direction direction, const uint8_t *frame,
                    size_t size_bytes, uint8_t *out, size_t capacity_bytes,
                    uint32_t *sequence) LM_MUST_USE;

#endif
