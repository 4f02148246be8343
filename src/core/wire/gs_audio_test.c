#include "core/wire/gs_audio.h"

#include "core/base/check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

static void data_packet_reads_back(void **state)
{
    uint8_t datagram[100] = {0};
    struct lm_gsa_packet p;
    lm_gsa_write_data_header(datagram, 0xfffe, 0x01020304);
    assert_int_equal(lm_gsa_parse(datagram, sizeof datagram, &p), 0);
    assert_false(p.is_parity);
    assert_int_equal(p.sequence, 0xfffe);
    assert_int_equal(p.timestamp_ms, 0x01020304);
    assert_ptr_equal(p.body, datagram + 12);
    assert_int_equal(p.body_bytes, 88);
}

static void parity_packet_reads_back(void **state)
{
    uint8_t datagram[100] = {0};
    struct lm_gsa_packet p;
    lm_gsa_write_parity_header(datagram, 1, 0xfffc, 77);
    assert_memory_equal(datagram, "\x80\x7f\x00\x01", 4);
    assert_int_equal(lm_gsa_parse(datagram, sizeof datagram, &p), 0);
    assert_true(p.is_parity);
    assert_int_equal(p.row, 1);
    assert_int_equal(p.sequence, 0xfffc);
    assert_int_equal(p.timestamp_ms, 77);
    assert_int_equal(p.body_bytes, 76);
}

static void impossible_packets_are_refused(void **state)
{
    const struct {
        size_t offset;
        uint8_t value;
    } rows[] = {{0, 0x90}, {1, 96}, {12, 2}, {13, 96}, {15, 1}};
    uint8_t datagram[1500] = {0};
    struct lm_gsa_packet p;
    for (size_t i = 0; i < LM_ARRAY_LEN(rows); i++) {
        lm_gsa_write_parity_header(datagram, 0, 4, 77);
        datagram[rows[i].offset] = rows[i].value;
        assert_int_equal(lm_gsa_parse(datagram, 100, &p), LM_EPROTO);
    }
    lm_gsa_write_parity_header(datagram, 0, 4, 77);
    assert_int_equal(lm_gsa_parse(datagram, 24, &p), LM_EPROTO);
    assert_int_equal(lm_gsa_parse(datagram, 1401, &p), LM_EPROTO);
    lm_gsa_write_data_header(datagram, 1, 1);
    assert_int_equal(lm_gsa_parse(datagram, 12, &p), LM_EPROTO);
    assert_int_equal(lm_gsa_parse(datagram, 0, &p), LM_EPROTO);
}

static void iv_wraps_at_32_bits(void **state) /* gs-media 54 */
{
    uint8_t iv[16];
    lm_gsa_iv(iv, 0xfffffff0, 0x20);
    assert_memory_equal(iv, "\0\0\0\x10\0\0\0\0\0\0\0\0\0\0\0\0", 16);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(data_packet_reads_back),
        cmocka_unit_test(parity_packet_reads_back),
        cmocka_unit_test(impossible_packets_are_refused),
        cmocka_unit_test(iv_wraps_at_32_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
