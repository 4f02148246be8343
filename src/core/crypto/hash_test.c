#include "core/crypto/hash.h"

#include "core/base/check.h"
#include "core/crypto/hex.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void expect_digest(const struct lm_part *parts, size_t count, const char *expected)
{
    uint8_t digest[LM_SHA256_BYTES];
    char text[2 * LM_SHA256_BYTES + 1];
    lm_sha256(parts, count, digest);
    lm_hex_encode(digest, sizeof digest, text);
    assert_string_equal(text, expected);
}

static void sha256_joins_its_parts(void **state)
{
    static const char *const abc =
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    struct lm_part whole[] = {{"abc", 3}}, split[] = {{"a", 1}, {NULL, 0}, {"bc", 2}};
    expect_digest(whole, 1, abc);
    expect_digest(split, 3, abc);
    expect_digest(NULL, 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

static void pairing_hashes_match_the_vectors(void **state) /* gs-session 28 */
{
    uint8_t rising[256], falling[256], secrets[4][16];
    for (int i = 0; i < 256; i++) {
        rising[i] = (uint8_t)i;
        falling[i] = (uint8_t)(255 - i);
        if (i < 64)
            secrets[i / 16][i % 16] = (uint8_t)(0x10 + i);
    }
    struct lm_part h1[] = {{secrets[0], 16}, {rising, 256}, {secrets[1], 16}};
    struct lm_part h2[] = {{secrets[2], 16}, {falling, 256}, {secrets[3], 16}};
    expect_digest(h1, 3, "640f81e6099bb076b3b3f317b3662dce6bd7b5bbb81b77649e1269a8ff441110");
    expect_digest(h2, 3, "d2751fb0a8ee058701d4c6f0a5a1427d31cb5321b25a157be5a59d1320b6f01c");
}

static void hex_round_trips_in_either_case(void **state) /* gs-session 49 */
{
    uint8_t bytes[256], back[256];
    char text[513], upper[513];
    for (int i = 0; i < 256; i++)
        bytes[i] = (uint8_t)i;
    lm_hex_encode(bytes, sizeof bytes, text);
    assert_int_equal(strlen(text), 512);
    for (int i = 0; i <= 512; i++)
        upper[i] = text[i] >= 'a' && text[i] <= 'f' ? (char)(text[i] - 32) : text[i];
    assert_int_equal(lm_hex_decode(text, 512, back, 256), 0);
    assert_memory_equal(back, bytes, 256);
    memset(back, 0, sizeof back);
    assert_int_equal(lm_hex_decode_any(upper, 512, back, 256), 256);
    assert_memory_equal(back, bytes, 256);
}

static void hex_refuses_anything_else(void **state) /* gs-session 41 */
{
    static const struct {
        const char *text;
        size_t text_bytes, size_bytes;
    } cases[] = {
        {"00", 2, 2},
        {"0000", 4, 1},
        {"000", 3, 1},
        {"0", 1, 0},
        {"0g", 2, 1},
        {"@0", 2, 1},
        {"0`", 2, 1},
        {" 0", 2, 1},
        {"0x", 2, 1},
        {"+1", 2, 1},
        {"\0"
         "0",
         2, 1},
        {"/:", 2, 1},
    };
    uint8_t out[2];
    for (size_t i = 0; i < LM_ARRAY_LEN(cases); i++)
        assert_int_equal(
            lm_hex_decode(cases[i].text, cases[i].text_bytes, out, cases[i].size_bytes), LM_EPROTO);
    assert_int_equal(lm_hex_decode("", 0, out, 0), 0);
    assert_int_equal(lm_hex_decode_any("000000", 6, out, 2), LM_ELIMIT);
    assert_int_equal(lm_hex_decode_any("000", 3, out, 2), LM_EPROTO);
    assert_int_equal(lm_hex_decode_any("", 0, out, 2), 0);
}

static void random_differs_and_wipe_zeroes(void **state)
{
    static const uint8_t zero[32];
    uint8_t a[32], b[32];
    lm_random(a, sizeof a);
    lm_random(b, sizeof b);
    assert_false(lm_crypto_equal(a, b, sizeof a));
    assert_false(lm_crypto_equal(a, zero, sizeof a));
    lm_wipe(a, sizeof a);
    assert_true(lm_crypto_equal(a, zero, sizeof a));
    b[31] ^= 1;
    assert_true(lm_crypto_equal(b, b, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha256_joins_its_parts),
        cmocka_unit_test(pairing_hashes_match_the_vectors),
        cmocka_unit_test(hex_round_trips_in_either_case),
        cmocka_unit_test(hex_refuses_anything_else),
        cmocka_unit_test(random_differs_and_wipe_zeroes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
