/* lumen_receiver_*: either phase's receiver without sockets and clock. */
#include "core/abi_common.h"
#include "core/abi_handle.h"
#include "core/base/time.h"
#include "core/crypto/hash.h"
#include "core/video_in.h"

#include <stdlib.h>
#include <string.h>

enum { DEFAULT_REORDER_US = 2000 };

struct receiver {
    struct lm_video_in video;
};

static void destroy(struct receiver *r)
{
    if (!r)
        return;
    lm_video_in_finish(&r->video);
    free(r);
}

static LumenStatus get(const LumenReceiver *handle, struct receiver **out)
{
    void *object;
    LumenStatus status = lm_handle_get(LM_HANDLE_RECEIVER, handle, &object);
    *out = object;
    return status;
}

LumenStatus lumen_receiver_create(const LumenConfig *config, LumenReceiver **out)
{
    LumenConfig c;
    LM_NEED(out);
    *out = NULL;
    LumenStatus status = lm_config_read(config, LUMEN_ROLE_CLIENT, &c);
    if (status != LUMEN_STATUS_OK)
        return status;
    struct receiver *r = calloc(1, sizeof *r);
    if (!r)
        return LUMEN_STATUS_NO_MEMORY;
    uint64_t reorder_us = c.reorder_us ? c.reorder_us : DEFAULT_REORDER_US;
    status = lm_create_status(lm_video_in_init(&r->video, &c, reorder_us * LM_NS_PER_US));
    lm_wipe(&c, sizeof c);
    if (status == LUMEN_STATUS_OK) {
        *out = lm_handle_make(LM_HANDLE_RECEIVER, r);
        status = *out ? LUMEN_STATUS_OK : LUMEN_STATUS_NO_MEMORY;
    }
    if (status != LUMEN_STATUS_OK)
        destroy(r);
    return status;
}

void lumen_receiver_destroy(LumenReceiver *receiver)
{
    destroy(lm_handle_take(LM_HANDLE_RECEIVER, receiver));
}

LumenStatus lumen_receiver_push(LumenReceiver *receiver, uint8_t *datagram, size_t len,
                                uint64_t now_ns)
{
    struct receiver *r;
    LumenStatus status = get(receiver, &r);
    if (status != LUMEN_STATUS_OK)
        return status;
    LM_NEED(datagram);
    if (len > LM_UDP_MAX_BYTES)
        return LUMEN_STATUS_INVALID_ARG;
    lm_video_in_push(&r->video, datagram, len, now_ns);
    return LUMEN_STATUS_OK;
}

LumenStatus lumen_receiver_pop(LumenReceiver *receiver, uint64_t now_ns, LumenFrame *out)
{
    struct receiver *r;
    LumenStatus status = get(receiver, &r);
    if (status != LUMEN_STATUS_OK)
        return status;
    LM_NEED(out);
    memset(out, 0, sizeof *out);
    return lm_video_in_pop(&r->video, now_ns, out) ? LUMEN_STATUS_OK : LUMEN_STATUS_NO_FRAME;
}

LumenStatus lumen_receiver_pop_loss(LumenReceiver *receiver, LumenLoss *out)
{
    struct receiver *r;
    LumenStatus status = get(receiver, &r);
    if (status != LUMEN_STATUS_OK)
        return status;
    LM_NEED(out);
    memset(out, 0, sizeof *out);
    return lm_video_in_pop_loss(&r->video, out) ? LUMEN_STATUS_OK : LUMEN_STATUS_NO_FRAME;
}

uint64_t lumen_receiver_wake_at(LumenReceiver *receiver)
{
    struct receiver *r;
    return get(receiver, &r) == LUMEN_STATUS_OK ? lm_video_in_wake_at(&r->video) : LM_TIME_MAX;
}

LumenStatus lumen_receiver_stats(LumenReceiver *receiver, LumenStats *out)
{
    struct receiver *r;
    LumenStatus status = get(receiver, &r);
    if (status != LUMEN_STATUS_OK)
        return status;
    LM_NEED(out);
    lm_video_in_get_stats(&r->video, out);
    return LUMEN_STATUS_OK;
}
