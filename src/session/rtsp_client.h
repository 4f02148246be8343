/* The client's side of the RTSP handshake, a table of steps: for each, connect, send
 * rtsp_client_request, read to the end of the connection, give it to rtsp_client_answer. One
 * thread. */
#ifndef LUMEN_SESSION_RTSP_CLIENT_H
#define LUMEN_SESSION_RTSP_CLIENT_H

#include "session/rtsp.h"
#include "session/sdp.h"

enum { RTSP_STEP_COUNT = 7 };

struct rtsp_client {
    uint8_t key[16];
    bool encrypted, modest_audio;
    char url[256];     /* sessionUrl0 */
    char host_ip[64];  /* the address the client uses for the host, without brackets */
    uint32_t sequence; /* last one sent; continue over launches of a process */
    uint32_t host_sequence;
    unsigned step; /* RTSP_STEP_COUNT: done */
    char session[64];
    /* learnt */
    struct sdp_description description;
    uint16_t audio_port, video_port, control_port;
    char audio_ping[17], video_ping[17]; /* "" : use the legacy ping */
    uint32_t connect_data;
    int status; /* RTSP status of the last answer */
    /* to be set by the caller once the description is known, before the ANNOUNCE step */
    struct stream_params stream;
};

struct rtsp_client_params {
    const uint8_t *key; /* 16 bytes; NULL for rtsp:// */
    const char *url, *host_ip;
    uint32_t first_sequence; /* >= 1 */
    bool modest_audio;       /* ask for normal-quality stereo, by hiding the host's address */
};

int rtsp_client_init(struct rtsp_client *c, const struct rtsp_client_params *params) LM_MUST_USE;

bool rtsp_client_done(const struct rtsp_client *c);

/* The next step is ANNOUNCE: set c->stream from c->description now. */
bool rtsp_client_wants_stream(const struct rtsp_client *c);

/* The bytes of the next request; returns their size. */
int rtsp_client_request(struct rtsp_client *c, uint8_t *out, size_t capacity_bytes) LM_MUST_USE;

/* Everything that came until the host closed. LM_OK: the step is done. LM_EAUTH, LM_EPROTO: give
 * up. LM_EUNSUPPORTED: a status other than 200, in c->status. */
int rtsp_client_answer(struct rtsp_client *c, const uint8_t *data, size_t size_bytes) LM_MUST_USE;

#endif
