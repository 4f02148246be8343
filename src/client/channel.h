/* The control channel of a running stream, on a thread of its own: start messages, a ping every
 * 100 ms, what the receive thread asks for, the user's input; and what the host has to say. */
#ifndef LUMEN_CLIENT_CHANNEL_H
#define LUMEN_CLIENT_CHANNEL_H

#include "client/ending.h"
#include "core/wire/gs_control.h"
#include "net/addr.h"

struct channel;

struct channel_params {
    struct net_addr host; /* with the control port */
    uint32_t connect_data;
    uint8_t key[16];
    bool v2;               /* how nonces are made */
    struct ending *ending; /* borrowed until destroy */
};

/* Main thread, as all below unless said. LM_ENOMEM, LM_EIO. */
int channel_create(const struct channel_params *params, struct channel **out) LM_MUST_USE;

/* Waits for the connection, then sends the start messages. LM_ETIMEOUT, LM_ECLOSED. */
int channel_connect(struct channel *c, uint64_t deadline_ns) LM_MUST_USE;

/* Starts the thread. LM_EIO. */
int channel_start(struct channel *c) LM_MUST_USE;

/* Ends the thread; `graceful`: says goodbye and waits for it to be heard, at most 2 s. */
void channel_stop(struct channel *c, bool graceful);
void channel_destroy(struct channel *c);

/* The receive thread. Never blocks; when the channel cannot keep up, the message is dropped. */
void channel_post_media(struct channel *c, const struct lm_gs_client_message *message);

/* The main thread, as above. */
void channel_post_input(struct channel *c, const struct lm_gs_input_event *event);

/* Any thread. */
uint32_t channel_rtt_ms(const struct channel *c);

#endif
