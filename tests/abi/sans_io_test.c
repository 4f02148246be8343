/* Sender, receiver and codes of the public interface, without sockets and clock. */
#include "rig.h"

enum { MS = 1000000 };

static LumenSender *make_sender(LumenConfig c)
{
    LumenSender *sender;
    assert_int_equal(lumen_sender_create(&c, &sender), LUMEN_STATUS_OK);
    return sender;
}

static LumenReceiver *make_receiver(LumenConfig c)
{
    LumenReceiver *receiver;
    assert_int_equal(lumen_receiver_create(&c, &receiver), LUMEN_STATUS_OK);
    return receiver;
}

static LumenFrameStart start_of(uint32_t parts)
{
    LumenFrameStart start;
    memset(&start, 0, sizeof start);
    start.struct_size = sizeof start;
    start.pts_ns = 20 * MS;
    start.flags = LUMEN_FRAME_KEY;
    start.parts = parts;
    return start;
}

/* Everything that can be pulled, but every drop-th datagram (0: none), to the receiver. */
static uint32_t carry(LumenSender *sender, LumenReceiver *receiver, uint64_t now_ns, uint32_t drop)
{
    static uint8_t datagram[65536];
    LumenBatch batch;
    uint64_t wake_at;
    uint32_t count = 0;
    while (lumen_sender_pull(sender, now_ns, &batch, &wake_at) == LUMEN_STATUS_OK) {
        for (uint32_t i = 0; i < batch.datagrams; i++) {
            memcpy(datagram, batch.data + i * batch.datagram_bytes, batch.datagram_bytes);
            if (!drop || ++count % drop)
                assert_int_equal(
                    lumen_receiver_push(receiver, datagram, batch.datagram_bytes, now_ns),
                    LUMEN_STATUS_OK);
        }
        assert_int_equal(lumen_sender_done(sender, batch.datagrams, now_ns), LUMEN_STATUS_OK);
    }
    return count;
}

static void frames_go_through_whole_and_in_parts(void **state)
{
    static uint8_t data[100000];
    rig_fill(data, sizeof data, 1);
    for (size_t w = 0; w < RIG_LEN(rig_ways); w++) {
        LumenSender *sender = make_sender(rig_config(rig_ways[w], LUMEN_ROLE_HOST));
        LumenReceiver *receiver = make_receiver(rig_config(rig_ways[w], LUMEN_ROLE_CLIENT));
        LumenFrameStart start = start_of(3);
        LumenFrame f;
        assert_int_equal(lumen_sender_push_frame(sender, &start, data, sizeof data, 1 * MS),
                         LUMEN_STATUS_OK);
        carry(sender, receiver, 1 * MS, 8);
        assert_int_equal(lumen_receiver_pop(receiver, 1 * MS, &f), LUMEN_STATUS_OK);
        assert_int_equal(f.len, sizeof data);
        assert_memory_equal(f.data, data, sizeof data);
        assert_true(f.pts_ns == 20 * MS);
        assert_int_equal(f.flags, LUMEN_FRAME_KEY);
        size_t part = 24000;
        for (uint32_t i = 0; i < 3; i++) {
            assert_int_equal(
                lumen_sender_push(sender, i ? NULL : &start, data + i * part, part, 2 * MS),
                LUMEN_STATUS_OK);
            carry(sender, receiver, 2 * MS, 0);
        }
        assert_int_equal(lumen_receiver_pop(receiver, 2 * MS, &f), LUMEN_STATUS_OK);
        assert_int_equal(f.frame_index, 2);
        if (rig_ways[w].phase == 2) {
            assert_int_equal(f.len, 3 * part);
            assert_memory_equal(f.data, data, f.len);
        } else {
            assert_true(f.len >= 3 * part); /* each part filled up with zeros */
            assert_memory_equal(f.data, data, part);
        }
        LumenStats s, r;
        assert_int_equal(lumen_sender_stats(sender, &s), LUMEN_STATUS_OK);
        assert_int_equal(lumen_receiver_stats(receiver, &r), LUMEN_STATUS_OK);
        assert_int_equal(s.frames_completed, 2);
        assert_int_equal(r.frames_completed, 2);
        assert_true(r.fec_recovered_shards > 0);
        assert_true(s.packets_sent > r.packets_received && r.packets_dropped == 0);
        lumen_sender_destroy(sender);
        lumen_receiver_destroy(receiver);
    }
}

static void pushes_that_make_no_sense_are_refused(void **state)
{
    static uint8_t data[200001];
    for (size_t w = 0; w < RIG_LEN(rig_ways); w++) {
        LumenSender *sender = make_sender(rig_config(rig_ways[w], LUMEN_ROLE_HOST));
        LumenFrameStart start = start_of(2), none = start_of(0), many = start_of(65);
        LumenFrameStart small = start_of(1);
        LumenBatch batch;
        uint64_t wake_at;
        small.struct_size--;
        assert_int_equal(lumen_sender_push(sender, NULL, data, 1, 0), LUMEN_STATUS_INVALID_ARG);
        assert_int_equal(lumen_sender_push(sender, &none, data, 1, 0), LUMEN_STATUS_INVALID_ARG);
        assert_int_equal(lumen_sender_push(sender, &many, data, 1, 0), LUMEN_STATUS_INVALID_ARG);
        assert_int_equal(lumen_sender_push(sender, &small, data, 1, 0), LUMEN_STATUS_INVALID_ARG);
        assert_int_equal(lumen_sender_push(sender, &start, data, 0, 0), LUMEN_STATUS_INVALID_ARG);
        assert_int_equal(lumen_sender_push(sender, &start, data, 200001, 0),
                         LUMEN_STATUS_INVALID_ARG);
        assert_int_equal(lumen_sender_push(sender, NULL, data, 1, 0), LUMEN_STATUS_INVALID_ARG);
        assert_int_equal(lumen_sender_push_frame(sender, &start, data, 200001, 0),
                         LUMEN_STATUS_INVALID_ARG);
        assert_int_equal(lumen_sender_push_frame(sender, &start, data, 0, 0),
                         LUMEN_STATUS_INVALID_ARG);
        assert_int_equal(lumen_sender_pull(sender, 0, &batch, &wake_at), LUMEN_STATUS_NO_FRAME);
        assert_true(wake_at == UINT64_MAX);
        assert_int_equal(lumen_sender_done(sender, 0, 0), LUMEN_STATUS_INVALID_ARG);
        /* Two frames fit, a third does not until one is pulled. */
        for (int i = 0; i < 3; i++)
            assert_int_equal(lumen_sender_push_frame(sender, &start, data, 5000, 0),
                             i < 2 ? LUMEN_STATUS_OK : LUMEN_STATUS_FULL);
        assert_int_equal(lumen_sender_pull(sender, 0, &batch, &wake_at), LUMEN_STATUS_OK);
        assert_int_equal(lumen_sender_done(sender, batch.datagrams + 1, 0),
                         LUMEN_STATUS_INVALID_ARG);
        assert_int_equal(lumen_sender_done(sender, batch.datagrams, 0), LUMEN_STATUS_OK);
        assert_int_equal(lumen_sender_done(sender, 1, 0), LUMEN_STATUS_INVALID_ARG);
        lumen_sender_destroy(sender);
    }
}

static void a_new_start_ends_an_unfinished_frame(void **state)
{
    static uint8_t data[60000];
    rig_fill(data, sizeof data, 2);
    for (size_t w = 0; w < RIG_LEN(rig_ways); w++) {
        LumenSender *sender = make_sender(rig_config(rig_ways[w], LUMEN_ROLE_HOST));
        LumenReceiver *receiver = make_receiver(rig_config(rig_ways[w], LUMEN_ROLE_CLIENT));
        LumenFrameStart start = start_of(2);
        LumenFrame f;
        assert_int_equal(lumen_sender_push(sender, &start, data, 30000, 0), LUMEN_STATUS_OK);
        assert_int_equal(lumen_sender_push(sender, &start, data, 30000, 0), LUMEN_STATUS_OK);
        assert_int_equal(lumen_sender_push(sender, NULL, data + 30000, 30000, 0), LUMEN_STATUS_OK);
        carry(sender, receiver, 0, 0);
        assert_int_equal(lumen_receiver_pop(receiver, 0, &f), LUMEN_STATUS_OK);
        assert_int_equal(f.frame_index, 1); /* nothing of the first left: its number is free */
        assert_int_equal(lumen_receiver_pop(receiver, 0, &f), LUMEN_STATUS_NO_FRAME);
        lumen_sender_destroy(sender);
        lumen_receiver_destroy(receiver);
    }
}

static void pace_and_lateness_follow_the_callers_time(void **state)
{
    static uint8_t data[100000];
    LumenConfig c = rig_config(rig_ways[4], LUMEN_ROLE_HOST);
    c.pace_bytes_per_s = 10000000;
    c.burst_bytes = 20000;
    LumenSender *sender = make_sender(c);
    c = rig_config(rig_ways[4], LUMEN_ROLE_CLIENT);
    c.reorder_us = 5000;
    LumenReceiver *receiver = make_receiver(c);
    LumenFrameStart start = start_of(1);
    LumenBatch batch;
    LumenFrame f;
    LumenLoss loss;
    uint64_t wake_at;
    assert_int_equal(lumen_sender_push_frame(sender, &start, data, sizeof data, MS),
                     LUMEN_STATUS_OK);
    carry(sender, receiver, MS, 0);
    assert_int_equal(lumen_sender_pull(sender, MS, &batch, &wake_at), LUMEN_STATUS_NO_FRAME);
    assert_true(wake_at > MS && wake_at < 20 * MS);
    assert_int_equal(lumen_sender_pull(sender, wake_at, &batch, &wake_at), LUMEN_STATUS_OK);
    lumen_sender_destroy(sender);
    lumen_receiver_destroy(receiver);
    /* The first frame goes astray; the second says so. */
    sender = make_sender(rig_config(rig_ways[4], LUMEN_ROLE_HOST));
    receiver = make_receiver(c);
    for (uint64_t i = 0; i < 2; i++) {
        LumenReceiver *astray = make_receiver(c);
        assert_int_equal(lumen_sender_push_frame(sender, &start, data, 100, 2 * MS),
                         LUMEN_STATUS_OK);
        carry(sender, i ? receiver : astray, 30 * MS, 0);
        lumen_receiver_destroy(astray);
    }
    assert_int_equal(lumen_receiver_pop(receiver, 30 * MS, &f), LUMEN_STATUS_NO_FRAME);
    assert_true(lumen_receiver_wake_at(receiver) == 35 * MS);
    assert_int_equal(lumen_receiver_pop(receiver, 35 * MS, &f), LUMEN_STATUS_OK);
    assert_int_equal(f.frame_index, 2);
    assert_int_equal(lumen_receiver_pop_loss(receiver, &loss), LUMEN_STATUS_OK);
    assert_int_equal(loss.first, 1);
    assert_int_equal(loss.last, 1);
    assert_int_equal(lumen_receiver_pop_loss(receiver, &loss), LUMEN_STATUS_NO_FRAME);
    lumen_sender_destroy(sender);
    lumen_receiver_destroy(receiver);
}

/* --- codes ------------------------------------------------------------------------------------ */

enum { MAX_K = 300, MAX_M = 60, SHARD = 512 };

struct shards {
    uint8_t bytes[MAX_K + MAX_M][SHARD];
    uint8_t *at[MAX_K + MAX_M];
    uint8_t present[MAX_K + MAX_M];
};

static LumenFec *make_fec(uint32_t scheme, uint32_t k, uint32_t m)
{
    LumenFecConfig c;
    LumenFec *fec;
    memset(&c, 0, sizeof c);
    c.struct_size = sizeof c;
    c.scheme = scheme;
    c.max_data = k;
    c.max_parity = m;
    c.max_shard_bytes = SHARD;
    assert_int_equal(lumen_fec_create(&c, &fec), LUMEN_STATUS_OK);
    return fec;
}

static void lost_shards_come_back(void **state)
{
    static const struct {
        uint32_t scheme, k, m;
    } cases[] = {{LUMEN_FEC_GF8, 1, 1},    {LUMEN_FEC_GF8, 20, 5},  {LUMEN_FEC_GF8, 200, 50},
                 {LUMEN_FEC_GF16, 1, 1},   {LUMEN_FEC_GF16, 20, 5}, {LUMEN_FEC_GF16, 300, 60},
                 {LUMEN_FEC_GF16, 33, 33}, {LUMEN_FEC_GF8, 10, 60}};
    static struct shards s;
    static uint8_t again[MAX_M][SHARD];
    for (size_t c = 0; c < RIG_LEN(cases); c++) {
        uint32_t k = cases[c].k, m = cases[c].m, restored;
        LumenFec *fec = make_fec(cases[c].scheme, k, m);
        uint8_t *parity[MAX_M];
        for (uint32_t i = 0; i < k + m; i++)
            s.at[i] = s.bytes[i];
        for (uint32_t j = 0; j < m; j++)
            parity[j] = again[j];
        rig_fill(s.bytes[0], (size_t)k * SHARD, k);
        assert_int_equal(lumen_fec_encode(fec, k, m, (const uint8_t *const *)s.at, s.at + k, SHARD),
                         LUMEN_STATUS_OK);
        assert_int_equal(lumen_fec_begin(fec, k, m, SHARD), LUMEN_STATUS_OK);
        for (uint32_t i = 0; i < k; i++)
            assert_int_equal(lumen_fec_add(fec, s.at[i]), LUMEN_STATUS_OK);
        assert_int_equal(lumen_fec_add(fec, s.at[0]), LUMEN_STATUS_INVALID_ARG);
        assert_int_equal(lumen_fec_finish(fec, parity), LUMEN_STATUS_OK);
        assert_memory_equal(again, s.bytes[k], (size_t)m * SHARD);
        uint32_t lost = m < k ? m : k;
        memset(s.present, 1, sizeof s.present);
        for (uint32_t i = 0; i < lost; i++) {
            s.present[i * k / lost] = 0;
            memset(s.bytes[i * k / lost], 0xee, SHARD);
        }
        assert_int_equal(lumen_fec_decode(fec, k, m, s.at, s.present, SHARD, &restored),
                         LUMEN_STATUS_OK);
        assert_int_equal(restored, lost);
        static uint8_t expected[MAX_K * SHARD];
        assert_memory_equal(s.bytes, rig_fill(expected, (size_t)k * SHARD, k), (size_t)k * SHARD);
        memset(s.present, 0, sizeof s.present); /* one fewer than needed */
        memset(s.present + m + 1, 1, k - 1);
        assert_int_equal(lumen_fec_decode(fec, k, m, s.at, s.present, SHARD, &restored),
                         LUMEN_STATUS_UNRECOVERABLE);
        assert_int_equal(restored, 0);
        lumen_fec_destroy(fec);
    }
}

static void codes_out_of_range_are_refused(void **state)
{
    static const struct {
        uint32_t scheme, k, m, bytes;
        LumenStatus status;
    } cases[] = {
        {LUMEN_FEC_GF8, 254, 1, 1, LUMEN_STATUS_OK},
        {LUMEN_FEC_GF8, 255, 1, 1, LUMEN_STATUS_INVALID_ARG},
        {LUMEN_FEC_GF8, 1, 254, 1, LUMEN_STATUS_OK},
        {LUMEN_FEC_GF8, 1, 255, 1, LUMEN_STATUS_INVALID_ARG},
        {LUMEN_FEC_GF8, 0, 1, 1, LUMEN_STATUS_INVALID_ARG},
        {LUMEN_FEC_GF8, 1, 0, 1, LUMEN_STATUS_INVALID_ARG},
        {LUMEN_FEC_GF8, 0xffffffff, 2, 1, LUMEN_STATUS_INVALID_ARG},
        {LUMEN_FEC_GF8, 4, 2, 0, LUMEN_STATUS_INVALID_ARG},
        {LUMEN_FEC_GF8, 4, 2, 65473, LUMEN_STATUS_INVALID_ARG},
        {LUMEN_FEC_GF16, 4, 2, 3, LUMEN_STATUS_INVALID_ARG},
        {LUMEN_FEC_GF16, 4, 5, 2, LUMEN_STATUS_INVALID_ARG},
        {LUMEN_FEC_GF16, 65535, 1, 2, LUMEN_STATUS_OK},
        {LUMEN_FEC_GF16, 65535, 2, 2, LUMEN_STATUS_INVALID_ARG},
        {LUMEN_FEC_GF16, 65536, 1, 2, LUMEN_STATUS_INVALID_ARG},
        {LUMEN_FEC_GF16, 0xffffffff, 0xffffffff, 2, LUMEN_STATUS_INVALID_ARG},
        {2, 4, 2, 2, LUMEN_STATUS_INVALID_ARG},
    };
    for (size_t i = 0; i < RIG_LEN(cases); i++) {
        LumenFecConfig c;
        LumenFec *fec = (LumenFec *)&c;
        memset(&c, 0, sizeof c);
        c.struct_size = sizeof c;
        c.scheme = cases[i].scheme;
        c.max_data = cases[i].k;
        c.max_parity = cases[i].m;
        c.max_shard_bytes = cases[i].bytes;
        assert_int_equal(lumen_fec_create(&c, &fec), cases[i].status);
        assert_true((fec != NULL) == (cases[i].status == LUMEN_STATUS_OK));
        lumen_fec_destroy(fec);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_go_through_whole_and_in_parts),
        cmocka_unit_test(pushes_that_make_no_sense_are_refused),
        cmocka_unit_test(a_new_start_ends_an_unfinished_frame),
        cmocka_unit_test(pace_and_lateness_follow_the_callers_time),
        cmocka_unit_test(lost_shards_come_back),
        cmocka_unit_test(codes_out_of_range_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
