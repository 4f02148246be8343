#include "core/crypto/cbc.h"

#include "core/base/bytes.h"
#include "core/base/check.h"
#include "core/crypto/ecb.h"
#include "core/crypto/hash.h"
#include "core/crypto/hex.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

/* The sound of set 1: each data packet's body is the payload under an IV of rikeyid + sequence,
 * which overflows 32 bits on the way. */
static void cbc_matches_encrypted_sound(void **state) /* gs-media 54 */
{
    size_t i, payload = 0;
    json_t *packet, *root = json_load_file(LUMEN_VECTORS "/audio.json", 0, NULL);
    assert_non_null(root);
    json_t *set = json_array_get(json_object_get(root, "sets"), 1);
    const char *key_hex = json_string_value(json_object_get(set, "key_hex"));
    uint32_t key_id = (uint32_t)json_integer_value(json_object_get(set, "rikeyid"));
    json_t *payloads = json_object_get(set, "payloads_plain_hex");
    uint8_t key[16], iv[16] = {0}, plain[256], wire[256], out[256];
    struct lm_cbc *cbc;
    assert_int_equal(lm_hex_decode(key_hex, strlen(key_hex), key, 16), 0);
    assert_int_equal(lm_cbc_create(&cbc, key), 0);
    json_array_foreach(json_object_get(set, "packets"), i, packet)
    {
        if (strcmp(json_string_value(json_object_get(packet, "kind")), "data") != 0)
            continue;
        const char *hex = json_string_value(json_object_get(packet, "hex"));
        const char *plain_hex = json_string_value(json_array_get(payloads, payload++));
        int wire_bytes = lm_hex_decode_any(hex, strlen(hex), wire, sizeof wire);
        int plain_bytes = lm_hex_decode_any(plain_hex, strlen(plain_hex), plain, sizeof plain);
        lm_put_be32(iv, key_id + lm_get_be16(wire + 2));
        assert_int_equal(lm_cbc_encrypt(cbc, iv, plain, (size_t)plain_bytes, out, sizeof out),
                         wire_bytes - 12);
        assert_memory_equal(out, wire + 12, wire_bytes - 12);
        assert_int_equal(
            lm_cbc_decrypt(cbc, iv, wire + 12, (size_t)wire_bytes - 12, out, sizeof out),
            plain_bytes);
        assert_memory_equal(out, plain, plain_bytes);
    }
    assert_int_equal(payload, 8);
    lm_cbc_destroy(cbc);
    json_decref(root);
}

static void cbc_pads_every_size(void **state)
{
    static const uint8_t key[16] = {9}, iv[16] = {4};
    uint8_t data[96], original[64];
    struct lm_cbc *cbc;
    assert_int_equal(lm_cbc_create(&cbc, key), 0);
    for (size_t size = 0; size <= sizeof original; size++) {
        size_t sealed = LM_CBC_SEALED_BYTES(size);
        assert_true(sealed > size && sealed <= size + 16);
        memset(original, (int)size, sizeof original);
        memcpy(data, original, size);
        assert_int_equal(lm_cbc_encrypt(cbc, iv, data, size, data, sealed - 1), LM_EINVAL);
        assert_int_equal(lm_cbc_encrypt(cbc, iv, data, size, data, sealed), (int)sealed);
        assert_int_equal(lm_cbc_decrypt(cbc, iv, data, sealed, data, sealed), (int)size);
        assert_memory_equal(data, original, size);
    }
    lm_cbc_destroy(cbc);
    lm_cbc_destroy(NULL);
}

static void cbc_refuses_malformed_input_and_goes_on(void **state)
{
    static const uint8_t key[16] = {9}, iv[16] = {4};
    uint8_t data[32] = {0}, out[32];
    struct lm_cbc *cbc;
    assert_int_equal(lm_cbc_create(&cbc, key), 0);
    assert_int_equal(lm_cbc_encrypt(cbc, iv, data, 20, data, 32), 32);
    assert_int_equal(lm_cbc_decrypt(cbc, iv, data, 0, out, 32), LM_EPROTO);
    assert_int_equal(lm_cbc_decrypt(cbc, iv, data, 31, out, 32), LM_EPROTO);
    data[15] ^= 1; /* flips the same bit of the last padding byte: 12 becomes 13 */
    assert_int_equal(lm_cbc_decrypt(cbc, iv, data, 32, out, 32), LM_EPROTO);
    data[15] ^= 1;
    assert_int_equal(lm_cbc_decrypt(cbc, iv, data, 32, out, 31), LM_EINVAL);
    assert_int_equal(lm_cbc_decrypt(cbc, iv, data, 32, out, 32), 20);
    lm_cbc_destroy(cbc);
}

static void expect_ecb(const uint8_t *key, const char *plain_hex, const char *sealed_hex)
{
    uint8_t plain[64], sealed[64], out[64];
    int size = lm_hex_decode_any(plain_hex, strlen(plain_hex), plain, sizeof plain);
    assert_int_equal(lm_hex_decode_any(sealed_hex, strlen(sealed_hex), sealed, sizeof sealed),
                     size);
    assert_int_equal(lm_ecb_encrypt(key, plain, (size_t)size, out), 0);
    assert_memory_equal(out, sealed, size);
    assert_int_equal(lm_ecb_decrypt(key, out, (size_t)size, out), 0);
    assert_memory_equal(out, plain, size);
}

static void pairing_key(const char *pin, uint8_t key[16])
{
    uint8_t salt[16], digest[LM_SHA256_BYTES];
    assert_int_equal(lm_hex_decode("f0e1d2c3b4a5968778695a4b3c2d1e0f", 32, salt, 16), 0);
    struct lm_part parts[] = {{salt, 16}, {pin, 4}};
    lm_sha256(parts, 2, digest);
    memcpy(key, digest, 16);
}

static void pairing_primitives_match_the_vectors(void **state) /* gs-session 28 */
{
    uint8_t key[16], other[16];
    char text[33];
    pairing_key("5823", key);
    lm_hex_encode(key, 16, text);
    assert_string_equal(text, "77781a7368a8567ef2967f57aaabed8f");
    expect_ecb(key, "101112131415161718191a1b1c1d1e1f", "8982601fe785b488d2c814cc3fecb5a6");
    expect_ecb(key,
               "640f81e6099bb076b3b3f317b3662dce6bd7b5bbb81b77649e1269a8ff441110"
               "303132333435363738393a3b3c3d3e3f",
               "26d9952a59feee58b82f923e6256d24111209d3a5d2cf26323adb59555155d65"
               "832b08d332c2470798d2f8357ba96958");
    expect_ecb(key, "d2751fb0a8ee058701d4c6f0a5a1427d31cb5321b25a157be5a59d1320b6f01c",
               "553514387f559c5d78ed1412da74bab9cbf57a1599e58f282c70e636a4821b9a");
    pairing_key("5824", other);
    lm_hex_encode(other, 16, text);
    assert_string_equal(text, "5fa97d4a54a10818bd4072cd5c67411b");
    expect_ecb(other, "4273ceba6dde03489f6b31d8f4a6c0082c9b5af1a7461c0f6d99e336d091b9d9",
               "67fccc5643139a01fb7f8fe7ace8a49e9a8d4ebcf01d8365779903b457358b5f");
}

static void ecb_refuses_ragged_sizes(void **state)
{
    uint8_t key[16] = {0}, data[32] = {0};
    assert_int_equal(lm_ecb_encrypt(key, data, 17, data), LM_EINVAL);
    assert_int_equal(lm_ecb_decrypt(key, data, 15, data), LM_EINVAL);
    assert_int_equal(lm_ecb_decrypt(key, data, 0, data), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cbc_matches_encrypted_sound),
        cmocka_unit_test(cbc_pads_every_size),
        cmocka_unit_test(cbc_refuses_malformed_input_and_goes_on),
        cmocka_unit_test(pairing_primitives_match_the_vectors),
        cmocka_unit_test(ecb_refuses_ragged_sizes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
