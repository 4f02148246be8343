/* Inside of the server, shared by server*.c. Main thread only. */
#ifndef LUMEN_HOST_SERVER_PARTS_H
#define LUMEN_HOST_SERVER_PARTS_H

#include "core/base/check.h"
#include "core/crypto/cert.h"
#include "core/transport/udp.h"
#include "host/apps.h"
#include "host/control_thread.h"
#include "host/desktop.h"
#include "host/pipeline.h"
#include "host/server.h"
#include "net/ctl_socket.h"
#include "net/http_server.h"
#include "net/mdns.h"
#include "net/rtsp_server.h"
#include "session/launch.h"
#include "session/pairing.h"
#include "session/rtsp_server.h"
#include "session/session.h"

#include <stdatomic.h>

enum { SERVER_MAX_SESSIONS = 16, SERVER_MAX_STREAMS = 32, SERVER_KEYS_REMEMBERED = 256 };

/* Ports, relative to the configured base. */
enum {
    PORT_HTTPS = -5,
    PORT_VIDEO = 9,
    PORT_CONTROL = 10,
    PORT_AUDIO = 11,
    PORT_RTSP = 21,
};

/* A stream that was announced. It outlives its session's interest until the control thread has let
 * go of it. */
struct stream {
    bool used, dying, added; /* added: to the control thread */
    uint64_t token;          /* in the control thread's events */
    struct host_session *session;
    struct pipeline *pipeline;
    _Atomic bool failed; /* set on the pipeline's threads */
    uint64_t counted_ns; /* when the counters were last logged */
    struct pipeline_stats counted;
};

/* A launch or resume that is answered when the desktop is ready. */
struct parked_launch {
    struct http_exchange *exchange; /* NULL: none */
    bool resume, encrypted;
    uint64_t since_ns;
};

struct host_session {
    bool used;
    struct server *server;
    uint32_t number; /* in logs and directories */
    struct store_device device;
    const struct app *app;
    struct session life;
    struct launch_params launch;
    struct net_addr launch_peer;
    struct parked_launch parked;
    struct desktop *desktop;
    struct loop_inbox *desktop_inbox; /* desktop's thread -> main */
    bool desktop_ready, desktop_stopping, desktop_closed;
    bool ending; /* the desktop is stopped as soon as no stream uses it */
    struct display_mode mode;
    struct rtsp_session rtsp;
    bool rtsp_open;
    struct stream *stream;                        /* NULL: none */
    struct lm_udp_route audio_route, video_route; /* to AF_UNSPEC: no ping yet */
    uint64_t launched_ns, connected_ns;
};

struct server {
    struct server_params params;
    const struct config *config;
    const struct lm_log *log;
    struct store_identity identity;
    struct lm_cert *cert;
    struct lm_key *key;
    char name[CONFIG_NAME_BYTES];
    struct apps apps;

    struct http_server *http, *https;
    struct rtsp_server *rtsp;
    struct rtsp_input *rtsp_input; /* scratch of server_rtsp */
    struct mdns_service *mdns;
    struct ctl_server *ctl;
    struct lm_udp *video_socket, *audio_socket;
    struct loop_watch *video_watch, *audio_watch, *stdin_watch;
    struct loop_timer *tick;
    struct control_thread *control;
    struct loop_inbox *control_inbox; /* control thread -> main */

    struct pairing *pairing;
    struct http_exchange *parked_pairings[PAIRING_MAX_OPEN]; /* user: the transaction's id */
    char pending_names[PAIRING_MAX_OPEN][STORE_NAME_BYTES];  /* what `pair --name` asked for */
    uint32_t pending_ids[PAIRING_MAX_OPEN];

    struct host_session sessions[SERVER_MAX_SESSIONS];
    struct stream streams[SERVER_MAX_STREAMS];
    uint64_t next_token;
    uint32_t next_number;
    uint8_t used_keys[SERVER_KEYS_REMEMBERED][32]; /* hashes, newest over oldest */
    uint32_t used_key_count;
    bool quit_asked, shutting_down;
};

/* server_http.c */
int server_http_open(struct server *s) LM_MUST_USE;
bool server_is_local(const struct net_addr *peer); /* private, link-local or loopback */

/* server_pairing.c */
int server_pairing_open(struct server *s) LM_MUST_USE;
void server_pairing_request(struct server *s, struct http_exchange *x,
                            const struct http_request *request);
void server_pairing_unpair(struct server *s, struct http_exchange *x,
                           const struct http_request *request);
void server_pairing_gone(struct server *s, struct http_exchange *x);
void server_pairing_tick(struct server *s, uint64_t now_ns);
/* Writes one line for people into `text`. LM_OK when the PIN was taken. */
int server_pairing_enter(struct server *s, uint32_t id, const char *pin, const char *name,
                         char *text, size_t text_bytes) LM_MUST_USE;

/* server_launch.c: sessions as HTTP sees them */
struct host_session *server_session_of(struct server *s, const struct store_device *device);
void server_launch(struct server *s, struct http_exchange *x, const struct http_request *request,
                   const struct store_device *device, bool resume);
void server_cancel(struct server *s, struct http_exchange *x, const struct store_device *device);
void server_launch_gone(struct server *s, struct http_exchange *x);

/* server_session.c: what sessions do */
struct host_session *server_session_new(struct server *s, const struct store_device *device);
/* Feeds an event and does what it asks for. LM_EPROTO as session_event. */
int server_session_event(struct host_session *h, enum session_event event) LM_MUST_USE;
void server_session_end(struct host_session *h, const char *why);
void server_session_tick(struct server *s, uint64_t now_ns);
int server_desktop_open(struct host_session *h) LM_MUST_USE;
void server_answer_launch(struct host_session *h, const char *error);
size_t server_session_count(const struct server *s);
void server_session_release(struct host_session *h); /* stops the desktop if it is time */

/* server_stream.c: RTSP, pings, control and pipelines */
int server_stream_open(struct server *s) LM_MUST_USE;
void server_stream_arm(struct host_session *h);
int server_stream_expect(struct host_session *h) LM_MUST_USE;
void server_stream_start(struct host_session *h);
void server_stream_stop(struct host_session *h, bool terminate);
bool server_stream_uses(const struct server *s, const struct host_session *h);
void server_stream_tick(struct server *s);
void server_stream_close(struct server *s);

/* server_ctl.c: the command line's questions and the terminal */
int server_ctl_open(struct server *s) LM_MUST_USE;

/* Answers with an XML document; `size` as a hostinfo_write_... returned it. */
void server_answer_xml(struct http_exchange *x, const char *xml, int size);

#endif
