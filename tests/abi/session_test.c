/* Frames through a session: whole, repaired or lost, in memory and over UDP. */
#include "rig.h"

static void frames_of_any_size_arrive_as_they_were(void **state)
{
    static const size_t sizes[] = {1,    2,    999,   1000,  1001,  1016,   1017,
                                   1024, 1025, 16376, 16384, 50000, 199999, 200000};
    for (size_t w = 0; w < RIG_LEN(rig_ways); w++) {
        struct rig_pair p = rig_pair(rig_ways[w]);
        LumenFrame none;
        rig_loopback(&p);
        for (uint32_t i = 0; i < RIG_LEN(sizes); i++) {
            assert_int_equal(rig_submit(p.host, sizes[i], i + 1), LUMEN_STATUS_OK);
            rig_expect(p.client, sizes[i], i + 1);
            assert_int_equal(lumen_client_poll_frame(p.client, &none), LUMEN_STATUS_NO_FRAME);
            assert_null(none.data);
        }
        rig_free(&p);
    }
}

static void frames_wait_for_the_client_in_order(void **state)
{
    for (size_t w = 0; w < RIG_LEN(rig_ways); w++) {
        struct rig_pair p = rig_pair(rig_ways[w]);
        rig_loopback(&p);
        for (uint32_t i = 1; i <= 60; i++)
            assert_int_equal(rig_submit(p.host, 300 * i, i), LUMEN_STATUS_OK);
        for (uint32_t i = 1; i <= 60; i++)
            rig_expect(p.client, 300 * i, i);
        rig_free(&p);
    }
}

static void flags_and_numbers_arrive(void **state)
{
    static const uint32_t flags[] = {0, LUMEN_FRAME_KEY, LUMEN_FRAME_RECOVERY, 0x80000001,
                                     0xffffffff};
    for (size_t w = 0; w < RIG_LEN(rig_ways); w++) {
        struct rig_pair p = rig_pair(rig_ways[w]);
        rig_loopback(&p);
        for (uint32_t i = 0; i < RIG_LEN(flags); i++) {
            LumenFrame f;
            uint64_t pts_ns = UINT64_C(1000000000) * (i + 1);
            assert_int_equal(
                lumen_host_submit_frame(p.host, (const uint8_t *)"x", 1, pts_ns, flags[i]),
                LUMEN_STATUS_OK);
            assert_int_equal(rig_poll(p.client, &f), LUMEN_STATUS_OK);
            assert_int_equal(f.frame_index, i + 1);
            assert_true(f.pts_ns == pts_ns);
            uint32_t expected = flags[i];
            if (rig_ways[w].phase == 1)
                expected &= flags[i] & LUMEN_FRAME_KEY ? LUMEN_FRAME_KEY : LUMEN_FRAME_RECOVERY;
            assert_int_equal(f.flags, expected);
        }
        rig_free(&p);
    }
}

static void times_of_phase_1_count_on_beyond_32_bits(void **state)
{
    struct rig_pair p = rig_pair(rig_ways[0]);
    const uint64_t step_ns = UINT64_C(10000000000000); /* 10000 s: 2^32 / 90000 is 47721 */
    rig_loopback(&p);
    for (uint64_t i = 0; i < 20; i++) {
        LumenFrame f;
        assert_int_equal(lumen_host_submit_frame(p.host, (const uint8_t *)"x", 1, i * step_ns, 0),
                         LUMEN_STATUS_OK);
        assert_int_equal(rig_poll(p.client, &f), LUMEN_STATUS_OK);
        assert_true(f.pts_ns == i * step_ns);
    }
    rig_free(&p);
}

static void frames_beyond_the_limit_are_refused(void **state)
{
    for (size_t w = 0; w < RIG_LEN(rig_ways); w++) {
        struct rig_pair p = rig_pair(rig_ways[w]);
        rig_loopback(&p);
        assert_int_equal(rig_submit(p.host, 200001, 1), LUMEN_STATUS_INVALID_ARG);
        assert_int_equal(rig_submit(p.host, 0, 1), LUMEN_STATUS_INVALID_ARG);
        assert_int_equal(rig_stats(p.host).frames_submitted, 0);
        assert_int_equal(rig_submit(p.host, 200000, 2), LUMEN_STATUS_OK);
        rig_expect(p.client, 200000, 2);
        rig_free(&p);
    }
}

/* 4092 shards, of whose bytes 8 are the frame's header. */
static void phase_1_ends_where_its_format_ends(void **state)
{
    struct rig_pair p = rig_pair(rig_ways[1]);
    const size_t most = 4092 * 64 - 8;
    p.configs[0].shard_payload = p.configs[1].shard_payload = 64;
    p.configs[0].max_frame_bytes = p.configs[1].max_frame_bytes = UINT64_C(1) << 31;
    rig_loopback(&p);
    assert_int_equal(rig_submit(p.host, most + 1, 1), LUMEN_STATUS_INVALID_ARG);
    assert_int_equal(rig_submit(p.host, most, 2), LUMEN_STATUS_OK);
    rig_expect(p.client, most, 2);
    rig_free(&p);
}

/* In blocks as small as they are set, the client has room for all that the host makes. */
static void frames_of_small_blocks_arrive(void **state)
{
    static const uint32_t most[] = {1, 2, 4, 15, 16, 17, 65535};
    for (size_t i = 0; i < RIG_LEN(most) * 4; i++) {
        struct rig_pair p = rig_pair(rig_ways[2 + i % 4]);
        for (int end = 0; end < 2; end++) {
            p.configs[end].max_data_per_block = most[i / 4];
            p.configs[end].shard_payload = 512;
            p.configs[end].max_frame_bytes = 1 << 20;
        }
        rig_loopback(&p);
        assert_int_equal(rig_submit(p.host, 1 << 20, 1), LUMEN_STATUS_OK);
        rig_expect(p.client, 1 << 20, 1);
        rig_free(&p);
    }
}

/* 4096, which is as many as a client has room for. */
static void hosts_that_could_need_more_blocks_are_refused(void **state)
{
    static const struct {
        uint32_t most, fec_percent;
        uint64_t last;
    } cases[] = {
        {1, 20, 4096 * 512 - 24},
        {2, 0, 4096 * 2 * 512 - 24},
        {15, 100, 4096 * 15 * 512 - 24},
    };
    for (size_t i = 0; i < RIG_LEN(cases); i++) {
        LumenConfig c = rig_config(rig_ways[2], LUMEN_ROLE_HOST);
        c.shard_payload = 512;
        c.max_data_per_block = cases[i].most;
        c.fec_percent = cases[i].fec_percent;
        c.max_frame_bytes = cases[i].last;
        LumenSession *session;
        assert_int_equal(lumen_session_open(&c, NULL, NULL, &session), LUMEN_STATUS_OK);
        lumen_session_free(session);
        c.max_frame_bytes += 512;
        assert_int_equal(lumen_session_open(&c, NULL, NULL, &session), LUMEN_STATUS_INVALID_ARG);
    }
}

static void drops_within_the_parity_are_repaired(void **state)
{
    for (size_t w = 0; w < RIG_LEN(rig_ways); w++) {
        struct rig_pair p = rig_pair(rig_ways[w]);
        p.configs[0].loopback_drop_period = 7;
        p.configs[0].fec_percent = p.configs[1].fec_percent = 40;
        rig_loopback(&p);
        for (uint32_t i = 1; i <= 50; i++) {
            assert_int_equal(rig_submit(p.host, 20000 + 777 * i, i), LUMEN_STATUS_OK);
            rig_expect(p.client, 20000 + 777 * i, i);
        }
        LumenFrame none; /* what is left of the last frame */
        assert_int_equal(lumen_client_poll_frame(p.client, &none), LUMEN_STATUS_NO_FRAME);
        LumenStats host = rig_stats(p.host), client = rig_stats(p.client);
        assert_int_equal(host.packets_dropped, host.packets_sent / 7);
        assert_int_equal(client.packets_dropped, host.packets_sent / 7);
        assert_int_equal(client.packets_received, host.packets_sent - host.packets_sent / 7);
        assert_true(client.fec_recovered_shards > 0);
        assert_int_equal(client.frames_completed, 50);
        assert_int_equal(client.frames_dropped, 0);
        rig_free(&p);
    }
}

static void drops_beyond_it_lose_the_frame_and_no_other(void **state)
{
    for (size_t w = 0; w < RIG_LEN(rig_ways); w++) {
        struct rig_pair p = rig_pair(rig_ways[w]);
        uint32_t got = 0, lost = 0, last = 0;
        p.configs[0].loopback_drop_period = 3;
        p.configs[0].fec_percent = p.configs[1].fec_percent = 0;
        rig_loopback(&p);
        for (uint32_t i = 1; i <= 30; i++) { /* every third cannot come, nor the large one */
            LumenFrame f;
            LumenLoss loss;
            size_t len = i == 10 ? 100000 : 100;
            assert_int_equal(rig_submit(p.host, len, i), LUMEN_STATUS_OK);
            while (lumen_client_poll_frame(p.client, &f) == LUMEN_STATUS_OK) {
                assert_true(f.frame_index > last);
                assert_int_not_equal(f.frame_index, 10);
                assert_int_equal(f.len, 100);
                last = f.frame_index;
                got++;
            }
            while (lumen_client_poll_loss(p.client, &loss) == LUMEN_STATUS_OK) {
                assert_true(loss.first <= loss.last);
                lost += loss.last - loss.first + 1;
            }
        }
        LumenStats client = rig_stats(p.client);
        assert_true(got >= 18 && got <= 20);
        assert_true(lost >= 9 && got + lost <= 30);
        assert_int_equal(client.frames_completed, got);
        assert_int_equal(client.frames_dropped, lost);
        rig_free(&p);
    }
}

static void a_full_loopback_drops_the_newest(void **state)
{
    struct rig_pair p = rig_pair(rig_ways[4]);
    LumenFrame f;
    uint32_t got = 0;
    rig_loopback(&p);
    for (uint32_t i = 1; i <= 30; i++)
        assert_int_equal(rig_submit(p.host, 200000, i), LUMEN_STATUS_OK);
    while (lumen_client_poll_frame(p.client, &f) == LUMEN_STATUS_OK)
        assert_int_equal(f.frame_index, ++got);
    assert_true(got >= 4 && got < 30);
    assert_true(rig_stats(p.host).packets_dropped > 0);
    rig_submit(p.host, 5000, 31);
    assert_int_equal(rig_poll(p.client, &f), LUMEN_STATUS_OK);
    assert_int_equal(f.frame_index, 31);
    rig_free(&p);
}

static void without_the_key_nothing_gets_through(void **state)
{
    enum { KEY, SALT, ID, CLEAR, CASES };
    for (int i = 0; i < CASES; i++) {
        for (uint32_t way = 1; way < RIG_LEN(rig_ways); way += 2) { /* the encrypted ones */
            struct rig_pair p = rig_pair(rig_ways[way]);
            bool is_l1 = rig_ways[way].phase == 2;
            LumenFrame f;
            if (!is_l1 && (i == SALT || i == ID))
                continue;
            p.configs[1].key[3] ^= i == KEY;
            p.configs[1].salt[3] ^= i == SALT;
            p.configs[1].session_id ^= i == ID;
            p.configs[1].encrypt ^= i == CLEAR;
            rig_loopback(&p);
            assert_int_equal(rig_submit(p.host, 5000, 1), LUMEN_STATUS_OK);
            assert_int_equal(lumen_client_poll_frame(p.client, &f), LUMEN_STATUS_NO_FRAME);
            LumenStats s = rig_stats(p.client);
            assert_true(s.packets_received > 5);
            assert_int_equal(s.packets_dropped, s.packets_received);
            rig_free(&p);
        }
    }
}

static void stats_add_up(void **state)
{
    for (size_t w = 0; w < RIG_LEN(rig_ways); w++) {
        struct rig_pair p = rig_pair(rig_ways[w]);
        uint64_t each = w % 2 ? 1024 + (rig_ways[w].phase == 1 ? 64 : 48) : 1024 + 32;
        rig_loopback(&p);
        assert_int_equal(rig_info(p.host).datagram_bytes, each);
        for (uint32_t i = 1; i <= 10; i++) {
            assert_int_equal(rig_submit(p.host, 10240, i), LUMEN_STATUS_OK);
            rig_expect(p.client, 10240, i);
        }
        LumenStats h = rig_stats(p.host), c = rig_stats(p.client);
        assert_int_equal(h.frames_submitted, 10);
        assert_int_equal(h.frames_completed, 10);
        assert_int_equal(h.frames_dropped, 0);
        assert_int_equal(h.packets_sent, 10 * 14); /* 11 of data, 3 of parity */
        assert_int_equal(h.bytes_sent, h.packets_sent * each);
        assert_int_equal(h.packets_received, 0);
        assert_int_equal(h.packets_dropped, 0);
        assert_int_equal(c.frames_submitted, 0);
        assert_int_equal(c.frames_completed, 10);
        assert_int_equal(c.packets_sent, 0);
        assert_int_equal(c.packets_dropped, 0);
        /* What of the last frame is left once it was complete comes with the next poll. */
        assert_true(c.packets_received <= h.packets_sent &&
                    c.packets_received >= h.packets_sent - 3);
        LumenFrame none;
        assert_int_equal(lumen_client_poll_frame(p.client, &none), LUMEN_STATUS_NO_FRAME);
        c = rig_stats(p.client);
        assert_int_equal(c.packets_received, h.packets_sent);
        assert_int_equal(c.bytes_received, h.bytes_sent);
        rig_free(&p);
    }
}

static void a_freed_end_is_closed_for_the_other(void **state)
{
    for (size_t w = 0; w < RIG_LEN(rig_ways); w++) {
        struct rig_pair p = rig_pair(rig_ways[w]);
        LumenFrame f;
        rig_loopback(&p);
        rig_submit(p.host, 3000, 1);
        lumen_session_free(p.host);
        rig_expect(p.client, 3000, 1); /* was on its way */
        assert_int_equal(lumen_client_poll_frame(p.client, &f), LUMEN_STATUS_CLOSED);
        assert_int_equal(lumen_session_wait(p.client, 1000), LUMEN_STATUS_OK);
        lumen_session_free(p.client);
        p = rig_pair(rig_ways[w]);
        rig_loopback(&p);
        lumen_session_free(p.client);
        assert_int_equal(rig_submit(p.host, 3000, 1), LUMEN_STATUS_CLOSED);
        lumen_session_free(p.host);
    }
}

static void waiting_ends_with_the_time_or_a_datagram(void **state)
{
    struct rig_pair p = rig_pair(rig_ways[4]);
    rig_loopback(&p);
    assert_int_equal(lumen_session_wait(p.client, 0), LUMEN_STATUS_NO_FRAME);
    assert_int_equal(lumen_session_wait(p.client, 1), LUMEN_STATUS_NO_FRAME);
    assert_int_equal(lumen_session_wait(p.host, 1), LUMEN_STATUS_NO_FRAME);
    rig_submit(p.host, 100, 1);
    rig_submit(p.host, 100, 2);
    assert_int_equal(lumen_session_wait(p.client, 60000), LUMEN_STATUS_OK);
    rig_expect(p.client, 100, 1);
    assert_int_equal(lumen_session_wait(p.client, 60000), LUMEN_STATUS_OK);
    rig_expect(p.client, 100, 2);
    rig_free(&p);
}

static void both_address_families_carry_frames(void **state)
{
    static const char *const locals[] = {"127.0.0.1:0", "[::1]:0"};
    for (size_t l = 0; l < RIG_LEN(locals); l++) {
        for (size_t w = 0; w < RIG_LEN(rig_ways); w++) {
            struct rig_pair p = rig_pair(rig_ways[w]);
            if (!rig_udp(&p, locals[l])) {
                printf("SKIPPED %s: this machine does not have it\n", locals[l]);
                rig_free(&p);
                break;
            }
            assert_int_equal(rig_info(p.host).transport, LUMEN_TRANSPORT_UDP);
            assert_true(rig_info(p.host).fd >= 0);
            for (uint32_t i = 1; i <= 20; i++) {
                size_t len = 3000 * i + 1; /* a small receive buffer holds the largest */
                assert_int_equal(rig_submit(p.host, len, i), LUMEN_STATUS_OK);
                rig_expect(p.client, len, i);
            }
            rig_free(&p);
        }
    }
}

static void datagrams_from_elsewhere_are_dropped(void **state)
{
    struct rig_pair p = rig_pair(rig_ways[0]), q = rig_pair(rig_ways[0]);
    LumenFrame f;
    assert_true(rig_udp(&p, "127.0.0.1:0") && rig_udp(&q, "127.0.0.1:0"));
    assert_int_equal(lumen_session_set_peer(q.host, rig_info(p.client).local), LUMEN_STATUS_OK);
    assert_int_equal(rig_submit(q.host, 5000, 1), LUMEN_STATUS_OK);
    assert_int_equal(lumen_session_wait(p.client, 5000), LUMEN_STATUS_OK);
    assert_int_equal(lumen_client_poll_frame(p.client, &f), LUMEN_STATUS_NO_FRAME);
    LumenStats s = rig_stats(p.client);
    assert_true(s.packets_dropped > 0);
    assert_int_equal(s.packets_dropped, s.packets_received);
    assert_int_equal(rig_submit(p.host, 5000, 2), LUMEN_STATUS_OK);
    rig_expect(p.client, 5000, 2);
    rig_free(&p);
    rig_free(&q);
}

static void an_address_in_use_is_told(void **state)
{
    struct rig_pair p = rig_pair(rig_ways[4]);
    LumenSession *other;
    assert_true(rig_udp(&p, "127.0.0.1:0"));
    LumenSessionInfo info = rig_info(p.host);
    assert_int_equal(lumen_session_open(&p.configs[0], info.local, NULL, &other),
                     LUMEN_STATUS_IN_USE);
    assert_null(other);
    rig_free(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_of_any_size_arrive_as_they_were),
        cmocka_unit_test(frames_wait_for_the_client_in_order),
        cmocka_unit_test(flags_and_numbers_arrive),
        cmocka_unit_test(times_of_phase_1_count_on_beyond_32_bits),
        cmocka_unit_test(frames_beyond_the_limit_are_refused),
        cmocka_unit_test(phase_1_ends_where_its_format_ends),
        cmocka_unit_test(frames_of_small_blocks_arrive),
        cmocka_unit_test(hosts_that_could_need_more_blocks_are_refused),
        cmocka_unit_test(drops_within_the_parity_are_repaired),
        cmocka_unit_test(drops_beyond_it_lose_the_frame_and_no_other),
        cmocka_unit_test(a_full_loopback_drops_the_newest),
        cmocka_unit_test(without_the_key_nothing_gets_through),
        cmocka_unit_test(stats_add_up),
        cmocka_unit_test(a_freed_end_is_closed_for_the_other),
        cmocka_unit_test(waiting_ends_with_the_time_or_a_datagram),
        cmocka_unit_test(both_address_families_carry_frames),
        cmocka_unit_test(datagrams_from_elsewhere_are_dropped),
        cmocka_unit_test(an_address_in_use_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
