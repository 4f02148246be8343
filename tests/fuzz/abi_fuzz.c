/* The public interface, driven by bytes: each record is a call and its arguments, on live, freed
 * and foreign handles alike. Whatever the order, nothing may crash, and what arrives is what was
 * sent. */
#include "core/base/bytes.h"
#include "core/base/check.h"
#include "lumen_core.h"

#include <stdlib.h>

enum { SESSIONS = 4, MAX_CALLS = 200, FRAME_BYTES = 6000, MAX_K = 40, MAX_M = 20, SHARD = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct world {
    struct lm_reader in;
    LumenSession
        *sessions[SESSIONS]; /* hosts at even places, their clients behind them; some freed */
    LumenSender *sender;
    LumenReceiver *receiver;
    LumenFec *fec;
    uint32_t events;
};

static void note(const LumenInputEvent *event, void *user)
{
    struct world *w = user;
    LM_CHECK(event->type >= LUMEN_INPUT_KEY && event->type <= LUMEN_INPUT_TEXT);
    LM_CHECK(memchr(event->text, 0, sizeof event->text));
    w->events++;
    if (event->type == LUMEN_INPUT_TEXT && event->text[0] == 'F') /* freed inside its callback */
        for (int i = 0; i < SESSIONS; i += 2)
            lumen_session_free(w->sessions[i]);
}

/* Mostly valid, so that something happens; now and then any value. */
static uint32_t pick(struct world *w, uint32_t usual, uint32_t range)
{
    uint8_t how = lm_read_u8(&w->in);
    if (how == 0xff)
        return lm_read_le32(&w->in);
    return range ? how % range : usual;
}

static LumenConfig read_config(struct world *w, uint32_t role)
{
    LumenConfig c = {
        .struct_size = pick(w, sizeof c, 0),
        .role = role,
        .phase = 1 + pick(w, 0, 2),
        .shard_payload = 512,
        .fec_percent = pick(w, 20, 101),
        .max_data_per_block = pick(w, 0, 4) * 16,
        .encrypt = pick(w, 0, 2),
        .loopback_drop_period = pick(w, 0, 8),
        .max_frame_bytes = FRAME_BYTES,
    };
    c.fec_scheme = c.phase == 2 ? pick(w, 0, 2) : 0;
    return c;
}

static void make_pair(struct world *w, uint32_t at)
{
    LumenConfig host = read_config(w, LUMEN_ROLE_HOST), client = host;
    client.role = LUMEN_ROLE_CLIENT;
    lumen_session_free(w->sessions[at]);
    lumen_session_free(w->sessions[at + 1]);
    /* A frame of 2^31 bytes would take its memory for real under a sanitizer. */
    LumenStatus status =
        lumen_test_loopback_pair(&host, &client, &w->sessions[at], &w->sessions[at + 1]);
    if (status == LUMEN_STATUS_OK)
        LM_CHECK(lumen_set_input_callback(w->sessions[at], note, w) == LUMEN_STATUS_OK);
}

static void submit(struct world *w, LumenSession *session)
{
    static uint8_t frame[FRAME_BYTES + 1];
    size_t len = pick(w, 0, 250) * UINT32_C(25) % sizeof frame;
    memset(frame, (int)(len & 0xff), len);
    (void)lumen_host_submit_frame(session, frame, len, lm_read_u8(&w->in), lm_read_u8(&w->in));
}

static void poll_all(LumenSession *session)
{
    LumenFrame f;
    LumenLoss loss;
    while (lumen_client_poll_frame(session, &f) == LUMEN_STATUS_OK) {
        LM_CHECK(f.len >= 1 && f.len <= FRAME_BYTES);
        for (size_t i = 0; i < f.len; i++)
            LM_CHECK(f.data[i] == (f.len & 0xff));
    }
    LM_CHECK(!f.data);
    while (lumen_client_poll_loss(session, &loss) == LUMEN_STATUS_OK)
        LM_CHECK(loss.first <= loss.last);
}

static void send_input(struct world *w, LumenSession *session)
{
    LumenInputEvent e = {
        .type = pick(w, 1, 8), .code = pick(w, 1, 200), .value = lm_read_u8(&w->in)};
    e.value = e.value == 0xff ? -1 : e.value % 2;
    e.x = (int32_t)pick(w, 1, 100);
    e.y = (int32_t)pick(w, 1, 100);
    size_t bytes = lm_read_u8(&w->in) % (sizeof e.text + 1);
    const uint8_t *text = lm_read_bytes(&w->in, bytes);
    if (text)
        memcpy(e.text, text, bytes);
    (void)lumen_send_input(session, &e);
}

static void look(LumenSession *session)
{
    LumenStats stats;
    LumenSessionInfo info = {.struct_size = sizeof info};
    if (lumen_get_stats(session, &stats) == LUMEN_STATUS_OK)
        LM_CHECK(stats.frames_submitted == 0 ||
                 stats.frames_submitted == stats.frames_completed + stats.frames_dropped);
    (void)lumen_session_get_info(session, &info);
    (void)lumen_session_wait(session, 0);
}

static void session_call(struct world *w, uint8_t which)
{
    uint32_t at = lm_read_u8(&w->in) % (SESSIONS + 2);
    LumenSession *session = at < SESSIONS    ? w->sessions[at]
                            : at == SESSIONS ? (LumenSession *)w->sender
                                             : (LumenSession *)(uintptr_t)lm_read_le32(&w->in);
    switch (which) {
    case 0:
        make_pair(w, at / 2 * 2 % SESSIONS);
        break;
    case 1:
        submit(w, session);
        break;
    case 2:
        poll_all(session);
        break;
    case 3:
        send_input(w, session);
        break;
    case 4:
        (void)lumen_host_poll_input(session);
        break;
    case 5:
        look(session);
        break;
    case 6:
        lumen_session_free(session);
        break;
    default:
        (void)lumen_set_input_callback(session, at & 1 ? note : NULL, w);
        break;
    }
}

static void make_streams(struct world *w)
{
    LumenConfig host = read_config(w, LUMEN_ROLE_HOST), client = host;
    client.role = LUMEN_ROLE_CLIENT;
    host.pace_bytes_per_s = pick(w, 0, 3) * UINT64_C(1000000);
    lumen_sender_destroy(w->sender);
    lumen_receiver_destroy(w->receiver);
    (void)lumen_sender_create(&host, &w->sender);
    (void)lumen_receiver_create(&client, &w->receiver);
}

/* Some datagrams as they are, some changed, some not at all. */
static void carry(struct world *w, uint64_t now_ns)
{
    static uint8_t datagram[65536];
    LumenBatch batch;
    LumenFrame f;
    uint64_t wake_at;
    if (lumen_sender_pull(w->sender, now_ns, &batch, &wake_at) == LUMEN_STATUS_OK) {
        for (uint32_t i = 0; i < batch.datagrams; i++) {
            uint8_t how = lm_read_u8(&w->in);
            memcpy(datagram, batch.data + i * batch.datagram_bytes, batch.datagram_bytes);
            if (how & 2)
                datagram[lm_read_u8(&w->in) % batch.datagram_bytes] ^= how;
            if (!(how & 1))
                (void)lumen_receiver_push(w->receiver, datagram, batch.datagram_bytes, now_ns);
        }
        (void)lumen_sender_done(w->sender, pick(w, batch.datagrams, 0), now_ns);
    }
    while (lumen_receiver_pop(w->receiver, now_ns, &f) == LUMEN_STATUS_OK)
        LM_CHECK(f.len >= 1 && f.data);
}

static void stream_call(struct world *w, uint8_t which, uint64_t now_ns)
{
    static const uint8_t part[FRAME_BYTES + 1];
    LumenFrameStart start = {.struct_size = sizeof start, .parts = pick(w, 1, 6)};
    size_t len = pick(w, 0, 250) * UINT32_C(25) % sizeof part;
    LumenStats stats;
    switch (which) {
    case 0:
        make_streams(w);
        break;
    case 1:
        (void)lumen_sender_push(w->sender, len & 1 ? &start : NULL, part, len, now_ns);
        break;
    case 2:
        (void)lumen_sender_push_frame(w->sender, &start, part, len, now_ns);
        break;
    case 3:
        (void)lumen_sender_stats(w->sender, &stats);
        (void)lumen_receiver_stats(w->receiver, &stats);
        (void)lumen_receiver_wake_at(w->receiver);
        break;
    default:
        carry(w, now_ns);
        break;
    }
}

struct shards {
    uint8_t bytes[MAX_K + MAX_M][SHARD];
    uint8_t *at[MAX_K + MAX_M];
    uint8_t present[MAX_K + MAX_M];
};

/* Encodes, loses what the input says, and decodes: the data is back when enough is left. */
static void round_trip(struct world *w, uint32_t k, uint32_t m, size_t bytes)
{
    static struct shards s;
    uint32_t left = 0, restored;
    for (uint32_t i = 0; i < MAX_K + MAX_M; i++) {
        s.at[i] = s.bytes[i];
        memset(s.bytes[i], (int)i + 1, SHARD);
    }
    uint8_t **parity = s.at + LM_MIN(k, (uint32_t)MAX_K); /* what exceeds that is refused */
    if (lumen_fec_encode(w->fec, k, m, (const uint8_t *const *)s.at, parity, bytes))
        return;
    for (uint32_t i = 0; i < k + m; i++) {
        s.present[i] = lm_read_u8(&w->in) % 4 != 0;
        left += s.present[i];
        if (!s.present[i])
            memset(s.bytes[i], 0, SHARD);
    }
    LumenStatus status = lumen_fec_decode(w->fec, k, m, s.at, s.present, bytes, &restored);
    LM_CHECK(status == (left >= k ? LUMEN_STATUS_OK : LUMEN_STATUS_UNRECOVERABLE));
    for (uint32_t i = 0; i < k && left >= k; i++)
        LM_CHECK(s.bytes[i][0] == i + 1 && s.bytes[i][bytes - 1] == i + 1);
}

static void fec_call(struct world *w, uint8_t which)
{
    static uint8_t shard[SHARD], parity[MAX_M][SHARD];
    uint8_t *rows[MAX_M];
    uint32_t k = pick(w, 1, MAX_K + 1), m = pick(w, 1, MAX_M + 1);
    size_t bytes = pick(w, SHARD, SHARD + 1);
    for (uint32_t j = 0; j < MAX_M; j++)
        rows[j] = parity[j];
    if (which == 0) {
        LumenFecConfig c = {.struct_size = sizeof c,
                            .scheme = pick(w, 0, 2),
                            .max_data = MAX_K,
                            .max_parity = MAX_M,
                            .max_shard_bytes = SHARD};
        lumen_fec_destroy(w->fec);
        (void)lumen_fec_create(&c, &w->fec);
    } else if (which == 1) {
        (void)lumen_fec_begin(w->fec, k, m, bytes);
    } else if (which == 2) {
        for (uint32_t i = 0; i < k && i < MAX_K; i++)
            (void)lumen_fec_add(w->fec, shard);
    } else if (which == 3) {
        (void)lumen_fec_finish(w->fec, rows);
    } else {
        round_trip(w, k, m, bytes);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct world w = {.in = lm_reader_of(data, size)};
    uint64_t now_ns = 1;
    for (int i = 0; i < MAX_CALLS && lm_reader_left(&w.in); i++) {
        uint8_t call = lm_read_u8(&w.in);
        now_ns += (call & 0xc0) * UINT64_C(10000);
        if (call % 3 == 0)
            session_call(&w, call / 3 % 8);
        else if (call % 3 == 1)
            stream_call(&w, call / 3 % 6, now_ns);
        else
            fec_call(&w, call / 3 % 6);
    }
    for (int i = 0; i < SESSIONS; i++)
        lumen_session_free(w.sessions[i]);
    lumen_sender_destroy(w.sender);
    lumen_receiver_destroy(w.receiver);
    lumen_fec_destroy(w.fec);
    return 0;
}
