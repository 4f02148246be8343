/* The path of one stream on the host: threads and rings from the captured image to the datagrams.
 *
 *   capture thread --newest image--> encode thread --slices--> send thread --> video socket
 *   audio thread ----------------------------------------------------------> audio socket
 *
 * Created when a stream is negotiated, destroyed when it ends; the desktop it shows lives longer.
 * Frames flow once pipeline_start was called and a video route is known. */
#ifndef LUMEN_HOST_PIPELINE_H
#define LUMEN_HOST_PIPELINE_H

#include "core/base/err.h"
#include "core/base/log.h"
#include "core/transport/udp.h"
#include "session/sdp.h"

#include <stdbool.h>
#include <stdint.h>

enum { PIPELINE_MAX_BLOCKS = 4 };

enum pipeline_event {
    PIPELINE_EVENT_FAILED = 1, /* capture or encoder cannot go on: end the stream */
};

struct pipeline_params {
    const char *capture_backend;              /* NULL: the first that works */
    const char *wayland_socket, *output_name; /* of the desktop */
    const char *pipewire_dir;                 /* NULL: no sound server, silence */
    const char *audio_backend;                /* NULL: the first that works */
    const char *encoder;                      /* NULL: the first that works */
    uint32_t encoder_threads, slices;
    uint32_t fec_percent;
    uint64_t pace_bytes_per_s;
    const struct stream_params *stream; /* copied */
    const uint8_t *key;                 /* 16 bytes, copied; wiped at destroy */
    uint32_t key_id;
    bool sound, continuous_audio;
    struct lm_udp *video_socket, *audio_socket; /* borrowed until destroy */
    bool trace; /* keep a record of every frame for pipeline_pop_trace */
    void (*on_event)(void *user, enum pipeline_event event); /* on any thread of the pipeline */
    void *user;
    const struct lm_log *log;
};

/* One frame's way; times in ns of the monotonic clock, 0 where it did not happen. */
struct pipeline_trace {
    uint32_t frame_index, size_bytes, blocks;
    uint8_t kind;  /* enum encode_kind */
    bool repeated; /* nothing had changed */
    uint64_t captured_ns, ready_ns, begun_ns, converted_ns;
    uint64_t slice_ns[PIPELINE_MAX_BLOCKS];      /* the block's last slice came out */
    uint64_t first_sent_ns[PIPELINE_MAX_BLOCKS]; /* its first datagram is with the kernel */
    uint64_t last_sent_ns[PIPELINE_MAX_BLOCKS];
};

/* Counters since create; a snapshot, not a transaction. */
struct pipeline_stats {
    uint64_t images_captured, images_skipped; /* skipped: a newer one came first */
    uint64_t frames, key_frames, recovery_frames, repeated_frames;
    uint64_t frames_dropped, blocks_unprotected, blocks_underprotected;
    uint64_t video_datagrams, video_bytes, audio_datagrams;
    uint64_t encode_ns, convert_ns;                                              /* summed */
    uint64_t client_blocks_repaired, client_blocks_lost, client_packets_missing; /* as it reports */
};

struct pipeline;

/* Opens capture and encoder. LM_EDEVICE, LM_EUNSUPPORTED, LM_ENOMEM; said in the log. */
int pipeline_create(const struct pipeline_params *params, struct pipeline **out) LM_MUST_USE;

/* NULL-safe. Joins all threads; sends nothing more. */
void pipeline_destroy(struct pipeline *p);

/* Main thread: media may flow as soon as the routes are known. */
void pipeline_start(struct pipeline *p);
void pipeline_set_video_route(struct pipeline *p, const struct lm_udp_route *route);
void pipeline_set_audio_route(struct pipeline *p, const struct lm_udp_route *route);

/* Control thread: what the client asks for after a loss. */
void pipeline_request_key(struct pipeline *p);
void pipeline_invalidate(struct pipeline *p, uint32_t first_frame, uint32_t last_frame);

/* Control thread: what the client reports; counted for `lumen-host status` and later rate control.
 */
struct lm_gs_fec_status;
void pipeline_note_fec_status(struct pipeline *p, const struct lm_gs_fec_status *status);
void pipeline_note_losses(struct pipeline *p, uint32_t lost_packets);

/* Any thread. */
void pipeline_get_stats(const struct pipeline *p, struct pipeline_stats *out);

/* One thread, while trace was asked for. False: none waiting. */
bool pipeline_pop_trace(struct pipeline *p, struct pipeline_trace *out);

#endif
