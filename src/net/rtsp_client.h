/* The client's end of rtsp_server.h: one blocking request. Any thread. */
#ifndef LUMEN_NET_RTSP_CLIENT_H
#define LUMEN_NET_RTSP_CLIENT_H

#include "core/base/err.h"

#include <stddef.h>
#include <stdint.h>

struct rtsp_call_params {
    const char *host; /* name or numeric, IPv6 without brackets */
    uint16_t port;
    const uint8_t *request;
    size_t request_bytes;
    uint64_t timeout_ns; /* for everything together; 0: 15 s */
};

/* Connects, sends, reads until the server closes. Returns the number of bytes put into `answer`;
 * LM_ENOENT (name), LM_ECLOSED (refused, reset, or closed without a byte), LM_ETIMEOUT, LM_ELIMIT
 * (answer longer than capacity_bytes), LM_EIO. */
int rtsp_call(const struct rtsp_call_params *params, uint8_t *answer,
              size_t capacity_bytes) LM_MUST_USE;

#endif
