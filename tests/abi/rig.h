/* What the tests of the public interface share: only lumen_core.h, as others use it. */
#ifndef LUMEN_TESTS_ABI_RIG_H
#define LUMEN_TESTS_ABI_RIG_H

#include "lumen_core.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define RIG_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* Each way that video can take. */
struct rig_way {
    uint32_t phase, fec_scheme, encrypt;
};

static const struct rig_way rig_ways[] = {
    {1, LUMEN_FEC_GF8, 0}, {1, LUMEN_FEC_GF8, 1},  {2, LUMEN_FEC_GF8, 0},
    {2, LUMEN_FEC_GF8, 1}, {2, LUMEN_FEC_GF16, 0}, {2, LUMEN_FEC_GF16, 1},
};

static inline LumenConfig rig_config(struct rig_way way, uint32_t role)
{
    LumenConfig c;
    memset(&c, 0, sizeof c);
    c.struct_size = sizeof c;
    c.role = role;
    c.phase = way.phase;
    c.fec_scheme = way.fec_scheme;
    c.fec_percent = 20;
    c.shard_payload = 1024;
    c.encrypt = way.encrypt;
    memcpy(c.key, "0123456789abcdef", 16);
    memcpy(c.salt, "salt", 4);
    c.max_frame_bytes = 200000;
    c.session_id = 77;
    return c;
}

struct rig_pair {
    LumenConfig configs[2]; /* host, client: changed before rig_loopback or rig_udp */
    LumenSession *host, *client;
};

static inline struct rig_pair rig_pair(struct rig_way way)
{
    struct rig_pair p = {
        .configs = {rig_config(way, LUMEN_ROLE_HOST), rig_config(way, LUMEN_ROLE_CLIENT)}};
    return p;
}

static inline void rig_loopback(struct rig_pair *p)
{
    assert_int_equal(lumen_test_loopback_pair(&p->configs[0], &p->configs[1], &p->host, &p->client),
                     LUMEN_STATUS_OK);
}

static inline LumenSessionInfo rig_info(LumenSession *session)
{
    LumenSessionInfo info;
    memset(&info, 0, sizeof info);
    info.struct_size = sizeof info;
    assert_int_equal(lumen_session_get_info(session, &info), LUMEN_STATUS_OK);
    return info;
}

/* `local` with port 0; false when the machine does not have that family. */
static inline bool rig_udp(struct rig_pair *p, const char *local)
{
    p->host = lumen_session_new(&p->configs[0], local, NULL);
    p->client = lumen_session_new(&p->configs[1], local, NULL);
    if (!p->host || !p->client)
        return false;
    assert_int_equal(lumen_session_set_peer(p->host, rig_info(p->client).local), LUMEN_STATUS_OK);
    assert_int_equal(lumen_session_set_peer(p->client, rig_info(p->host).local), LUMEN_STATUS_OK);
    return true;
}

static inline void rig_free(struct rig_pair *p)
{
    lumen_session_free(p->host);
    lumen_session_free(p->client);
    p->host = p->client = NULL;
}

static inline LumenStats rig_stats(LumenSession *session)
{
    LumenStats stats;
    assert_int_equal(lumen_get_stats(session, &stats), LUMEN_STATUS_OK);
    return stats;
}

/* Bytes that differ from frame to frame and place to place. */
static inline uint8_t *rig_fill(uint8_t *data, size_t len, uint32_t seed)
{
    uint32_t x = seed * 2654435761u + 1;
    for (size_t i = 0; i < len; i++) {
        x = x * 1664525u + 1013904223u;
        data[i] = (uint8_t)(x >> 24);
    }
    return data;
}

static inline LumenStatus rig_submit(LumenSession *host, size_t len, uint32_t seed)
{
    static uint8_t data[1 << 20];
    assert_true(len <= sizeof data);
    return lumen_host_submit_frame(host, rig_fill(data, len, seed), len, seed * UINT64_C(20000000),
                                   0);
}

/* The next frame; over a socket it may take a moment. */
static inline LumenStatus rig_poll(LumenSession *client, LumenFrame *frame)
{
    for (int i = 0; i < 50; i++) {
        LumenStatus status = lumen_client_poll_frame(client, frame);
        if (status != LUMEN_STATUS_NO_FRAME || rig_info(client).transport == 1)
            return status;
        status = lumen_session_wait(client, 100);
        assert_true(status == LUMEN_STATUS_OK || status == LUMEN_STATUS_NO_FRAME);
    }
    return LUMEN_STATUS_NO_FRAME;
}

static inline void rig_expect(LumenSession *client, size_t len, uint32_t seed)
{
    static uint8_t data[1 << 20];
    LumenFrame frame;
    assert_int_equal(rig_poll(client, &frame), LUMEN_STATUS_OK);
    assert_int_equal(frame.len, len);
    assert_memory_equal(frame.data, rig_fill(data, len, seed), len);
    assert_true(frame.pts_ns == seed * UINT64_C(20000000));
}

#endif
