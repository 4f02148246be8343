/* The receive thread: video datagrams in, frames to the decode thread, and whatever a loss calls
 * for to the control channel. */
#ifndef LUMEN_CLIENT_RECEIVE_H
#define LUMEN_CLIENT_RECEIVE_H

#include "client/channel.h"
#include "client/stats.h"
#include "client/viewer.h"
#include "core/recv/receiver.h"

struct receive_params {
    struct net_addr host;
    uint16_t port;
    char ping[17];
    uint32_t packet_size, max_frame_bytes, rate_mhz;
    bool encrypted;
    uint8_t key[16];
    bool can_invalidate;   /* the host offered it */
    bool fec_status;       /* tell the host about repaired blocks */
    struct ending *ending; /* these are borrowed until destroy */
    struct channel *channel;
};

struct receive_results {
    struct lm_receiver_stats stats;
    uint64_t frames, overflows; /* complete; of them not taken by the decode thread */
    uint64_t keys, recoveries, frames_dropped;
    uint64_t first_packet_ns, last_frame_ns;
    struct stats_spread network; /* first datagram of a frame to complete */
    struct stats_spread host;    /* the host's own latency, as frames tell it */
    struct stats_cadence cadence;
};

/* For a display while streaming; each number is current, together they may be a frame apart. */
struct receive_live {
    _Atomic uint64_t frames, lost, repaired, bytes;
    _Atomic uint32_t host_latency_us, network_us;
};

struct receive;

/* Main thread, as all below. Opens the socket. LM_ENOMEM, LM_EIO, LM_EUNSUPPORTED (no cipher). */
int receive_create(const struct receive_params *params, struct receive **out) LM_MUST_USE;

/* `viewer` is borrowed until receive_stop. */
int receive_start(struct receive *r, struct viewer *viewer) LM_MUST_USE;
void receive_stop(struct receive *r);
void receive_destroy(struct receive *r);

/* Signalled by the viewer when its decoder fails. */
struct lm_wake *receive_wake(struct receive *r);
const struct receive_live *receive_live(const struct receive *r);

/* After receive_stop. Borrowed until destroy. */
const struct receive_results *receive_results(const struct receive *r);

#endif
