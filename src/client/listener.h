/* The sound thread: datagrams in, samples to the sound device. */
#ifndef LUMEN_CLIENT_LISTENER_H
#define LUMEN_CLIENT_LISTENER_H

#include "client/sound/sound.h"
#include "client/stats.h"
#include "core/recv/audio_receiver.h"
#include "net/addr.h"
#include "session/sdp.h"

struct listener_params {
    struct net_addr host;
    uint16_t port;
    char ping[17];
    bool encrypted;
    uint8_t key[16];
    uint32_t key_id;
    struct sdp_layout layout;
    uint32_t packet_ms;  /* 5 or 10 */
    struct sound *sound; /* borrowed until listener_stop */
};

struct listener_results {
    struct lm_audio_receiver_stats stats;
    uint64_t undecodable; /* delivered, but not Opus of the right length */
    struct stats_tone tone;
};

struct listener;

/* Main thread, as all below. Opens the socket. LM_ENOMEM, LM_EIO, LM_EUNSUPPORTED. */
int listener_create(const struct listener_params *params, struct listener **out) LM_MUST_USE;
int listener_start(struct listener *l) LM_MUST_USE;
void listener_stop(struct listener *l);
void listener_destroy(struct listener *l);

/* After listener_stop. Borrowed until destroy. */
const struct listener_results *listener_results(const struct listener *l);

#endif
