/* From a host's name to a negotiated stream: server information, pairing, applications, launch or
 * resume, RTSP. Blocking calls on the main thread, before and after streaming; each fills `failure`
 * and returns a negative code when it does not work. */
#ifndef LUMEN_CLIENT_CONNECT_H
#define LUMEN_CLIENT_CONNECT_H

#include "client/failure.h"
#include "client/flags.h"
#include "client/state.h"
#include "net/addr.h"
#include "session/hostinfo.h"
#include "session/sdp.h"

enum { CONNECT_DEFAULT_PORT = 47989 };

struct connect_host {
    char spelled[FLAGS_HOST_BYTES]; /* as the user wrote it */
    char address[64];               /* numeric, with zone; every connection goes there */
    struct net_addr addr;           /* the same, with the plain-HTTP port */
    struct hostinfo_server info;
    struct state *state;            /* borrowed */
    const struct state_host *known; /* NULL: never paired */
    bool paired;                    /* and the host still thinks so */
};

/* Everything the threads of a stream need. */
struct connect_stream {
    struct net_addr host; /* port 0 */
    char app_title[HOSTINFO_NAME_BYTES];
    bool resumed;
    uint64_t launched_ns; /* when the launch request went out */
    uint8_t key[16];
    uint32_t key_id;
    struct stream_params params; /* as announced; encryption holds what is in use */
    struct sdp_layout layout;    /* of the sound */
    uint32_t sound_bps;
    bool can_invalidate, control_v2;
    uint16_t video_port, audio_port, control_port;
    char video_ping[17], audio_ping[17]; /* "": the legacy ping */
    uint32_t connect_data;
};

/* Asks the host who it is, over HTTPS too when it is known. `state` is borrowed by `out`. */
int connect_find(struct state *state, const char *text, struct connect_host *out,
                 struct failure *failure) LM_MUST_USE;

/* Waits up to `timeout_s` for the PIN to be typed at the host; remembers the host. */
int connect_pair(struct connect_host *host, const char *pin, uint32_t timeout_s,
                 struct failure *failure) LM_MUST_USE;

int connect_list(const struct connect_host *host, struct hostinfo_applist *out,
                 struct failure *failure) LM_MUST_USE;

/* Launches or resumes flags->app and negotiates the stream. */
int connect_launch(const struct connect_host *host, const struct flags *flags,
                   struct connect_stream *out, struct failure *failure) LM_MUST_USE;

/* Ends what runs on the host. */
int connect_quit(const struct connect_host *host, struct failure *failure) LM_MUST_USE;

#endif
