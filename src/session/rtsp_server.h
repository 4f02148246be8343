/* The host's side of one stream's RTSP handshake. Connections carry no credentials, so a finished
 * request is offered to each pending stream until one claims it. One thread. */
#ifndef LUMEN_SESSION_RTSP_SERVER_H
#define LUMEN_SESSION_RTSP_SERVER_H

#include "session/hostinfo.h"
#include "session/rtsp.h"
#include "session/sdp.h"

enum { RTSP_PING_BYTES = 16, RTSP_TOKEN_BYTES = 16 };

enum rtsp_state {
    RTSP_WAITING = 1, /* nothing received */
    RTSP_GREETED,     /* OPTIONS */
    RTSP_DESCRIBED,   /* DESCRIBE; SETUPs follow */
    RTSP_ANNOUNCED,   /* `stream` is valid and was accepted */
    RTSP_PLAYING,
    RTSP_TORN_DOWN,
};

struct rtsp_session_params {
    uint8_t key[16];  /* rikey */
    bool encrypted;   /* the launch answered rtspenc:// */
    char peer_ip[64]; /* of the launch, through hostinfo_normal_ip; plain requests must match */
    uint16_t audio_port, video_port, control_port;
    char audio_ping[RTSP_PING_BYTES + 1], video_ping[RTSP_PING_BYTES + 1]; /* printable, random */
    uint32_t connect_data;                                                 /* random */
    char token[RTSP_TOKEN_BYTES + 1];                                      /* random hex */
    uint32_t codecs;              /* HOSTINFO_*, as /serverinfo told */
    struct sdp_offer offer;       /* hevc and av1 are taken from `codecs` */
    uint32_t encryption_required; /* SDP_ENCRYPT_*: ANNOUNCE without them gets 403 */
    bool allow_legacy_control;    /* control protocol types other than 13 */

    /* Starts the encoder for `stream`; returns the RTSP status: 200, or 400, 403, 500, 503. It
     * may correct `stream` (slices, bit rate). NULL accepts. */
    int (*announce)(void *user, struct stream_params *stream);
    void *user;
};

struct rtsp_session {
    struct rtsp_session_params params;
    enum rtsp_state state;
    struct stream_params stream; /* from RTSP_ANNOUNCED on */
    uint32_t setup_mask;         /* bit 0 audio, 1 video, 2 control */
    uint32_t client_sequence;    /* last one seen */
    uint32_t host_sequence;      /* last one used */
    bool high_quality_stereo;    /* from Host */
};

/* The random members may be filled by rtsp_session_randomize before. */
void rtsp_session_init(struct rtsp_session *s, const struct rtsp_session_params *params);

/* Fills audio_ping, video_ping, connect_data and token. */
void rtsp_session_randomize(struct rtsp_session_params *params);

/* Wipes the key. */
void rtsp_session_finish(struct rtsp_session *s);

/* Offers a complete request from `peer_ip` (normal form). Returns the size of the answer in `out`
 * (RTSP_MAX_FRAME_BYTES suffices), to be sent before FIN. LM_EAUTH: not this stream's, ask the
 * next one, and if none claims it close without an answer. LM_EPROTO: claimed, but close without
 * an answer. The state changes only when the return value is positive. */
int rtsp_session_handle(struct rtsp_session *s, const struct rtsp_input *in, const char *peer_ip,
                        uint8_t *out, size_t capacity_bytes) LM_MUST_USE;

#endif
