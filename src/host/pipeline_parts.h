/* Inside of a pipeline, shared by its stages. Each member is touched by the thread named above it;
 * what two threads share is a ring, an atomic or a wake. */
#ifndef LUMEN_HOST_PIPELINE_PARTS_H
#define LUMEN_HOST_PIPELINE_PARTS_H

#include "core/base/ring.h"
#include "core/base/wake.h"
#include "core/send/audio_sender.h"
#include "core/send/sender.h"
#include "host/audio/audio.h"
#include "host/cadence.h"
#include "host/capture/capture.h"
#include "host/convert/convert.h"
#include "host/encode/encode.h"
#include "host/pipeline.h"
#include "host/thread.h"

enum { PIPELINE_CODED = 4, PIPELINE_TRACE = 1024, PIPELINE_REQUESTS = 64 };

/* A coded frame on its way from encode to send. The slices arrive on the encoder's threads. */
struct coded {
    struct encode_buffer buffer;
    enum encode_kind kind; /* written before the first slice */
    uint32_t timestamp_90k, encode_index;
    struct pipeline_trace trace; /* encode writes up to converted_ns, then send */
    struct {
        const uint8_t *data;
        size_t size_bytes;
        _Atomic uint64_t ready_ns; /* 0: not yet; set last, releases the others */
    } slice[ENCODE_MAX_SLICES];
    _Atomic int result; /* CODED_RUNNING until encode_picture returned */
};

enum { CODED_RUNNING = 1 }; /* else LM_OK or the error */

struct loss_request {
    uint32_t first, last; /* 0, 0: key frame */
};

struct pipeline {
    struct pipeline_params params;
    struct stream_params stream;
    uint8_t key[16];    /* wiped at destroy */
    char texts[6][256]; /* copies of the params' strings */
    _Atomic bool stopping, started;

    /* capture thread */
    struct thread capture_thread;
    struct capture *capture;
    struct lm_wake capture_wake;

    /* capture -> encode: the newest image; encode gives slots back through capture_give */
    _Atomic(struct image *) newest;
    struct lm_wake encode_wake;

    /* encode thread */
    struct thread encode_thread;
    struct convert *convert;
    struct encode *encode;
    struct cadence cadence;
    struct coded *filling; /* what on_slice writes into */
    uint32_t encode_frame; /* index of the next frame */
    bool have_picture;
    uint32_t repeats_left; /* quick repeats after a change */
    uint64_t repeat_ns, first_ns;
    uint64_t skipped_before; /* images_skipped when a frame was last taken */
    uint32_t last_timestamp;

    /* control -> encode */
    struct lm_ring requests; /* struct loss_request */
    _Atomic bool key_wanted;

    /* encode -> send -> encode */
    struct coded coded[PIPELINE_CODED];
    struct lm_ring to_send, to_encode; /* struct coded * */
    struct lm_wake send_wake;

    /* send thread */
    struct thread send_thread;
    struct lm_sender *sender;
    struct coded *sending;
    uint32_t blocks_pushed, blocks;
    bool sending_begun, await_key; /* await_key: no other frame may leave */
    struct lm_udp_route video_route;
    struct lm_ring video_routes, audio_routes; /* struct lm_udp_route, from main */
    struct lm_ring traces;                     /* struct pipeline_trace, to whoever reads them */
    struct pipeline_trace in_flight[PIPELINE_CODED];
    _Atomic uint32_t index_offset; /* encoder's index minus the sender's */
    _Atomic bool video_routed;

    /* audio thread */
    struct thread audio_thread;
    struct lm_wake audio_wake;

    /* counters, each written by one thread */
    struct {
        _Atomic uint64_t images_captured, images_skipped, frames, key_frames, recovery_frames,
            repeated_frames, frames_dropped, blocks_unprotected, blocks_underprotected,
            video_datagrams, video_bytes, audio_datagrams, encode_ns, convert_ns,
            client_blocks_repaired, client_blocks_lost, client_packets_missing;
    } count;
};

/* The thread bodies; each returns when p->stopping is set and its wake was signalled. */
void pipeline_run_capture(void *pipeline);
void pipeline_run_encode(void *pipeline);
void pipeline_run_send(void *pipeline);
void pipeline_run_audio(void *pipeline);

/* encode_params.on_slice */
void pipeline_on_slice(void *pipeline, const struct encode_slice *slice);

void pipeline_fail(struct pipeline *p, const char *what, int code);

/* Sleeps until one of the wakes or `fd` (-1: none) is ready, or `until_ns`. */
void pipeline_sleep(struct lm_wake *wake, int fd, short events, uint64_t until_ns);

static inline bool pipeline_stopping(const struct pipeline *p)
{
    return atomic_load_explicit(&p->stopping, memory_order_acquire);
}

/* Single-writer counters: no locked instruction is needed. */
#define PIPELINE_COUNT(p, name, n)                                                                 \
    atomic_store_explicit(&(p)->count.name,                                                        \
                          atomic_load_explicit(&(p)->count.name, memory_order_relaxed) + (n),      \
                          memory_order_relaxed)

#endif
