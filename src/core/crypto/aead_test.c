#include "core/crypto/aead.h"

#include "core/base/check.h"
#include "core/crypto/cbc.h"
#include "core/crypto/hash.h"
#include "core/crypto/hex.h"

#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>
#include <openssl/crypto.h>

#define MAX_BYTES 4096

static const enum lm_aead_impl impls[] = {LM_AEAD_OPENSSL, LM_AEAD_IPSECMB};

struct bytes {
    uint8_t data[MAX_BYTES];
    size_t size;
};

static struct bytes unhex(const char *text)
{
    struct bytes b = {.size = strlen(text) / 2};
    assert_int_equal(lm_hex_decode_any(text, strlen(text), b.data, sizeof b.data), (int)b.size);
    return b;
}

static struct bytes hex_member(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    assert_non_null(text);
    return unhex(text);
}

static json_t *vectors(const char *name)
{
    char path[512];
    json_error_t error;
    snprintf(path, sizeof path, "%s/%s", LUMEN_VECTORS, name);
    json_t *root = json_load_file(path, 0, &error);
    assert_non_null(root);
    return root;
}

/* NULL when this build or machine lacks it. */
static struct lm_aead *aead_of(enum lm_aead_impl impl, const uint8_t *key)
{
    struct lm_aead *aead;
    int err = lm_aead_create(&aead, key, impl);
    if (err == LM_EUNSUPPORTED && impl == LM_AEAD_IPSECMB) {
        printf("SKIP: no ipsec-mb here\n");
        return NULL;
    }
    assert_int_equal(err, 0);
    return aead;
}

/* Sealing gives exactly this, opening gives it back, on each implementation. */
static void expect_message(const uint8_t *key, const struct bytes *iv, const struct bytes *aad,
                           const struct bytes *plain, const uint8_t *sealed, const uint8_t *tag)
{
    for (size_t i = 0; i < LM_ARRAY_LEN(impls); i++) {
        struct bytes work = *plain;
        uint8_t got[LM_AEAD_TAG_BYTES];
        struct lm_aead *aead = aead_of(impls[i], key);
        if (!aead)
            continue;
        struct lm_aead_message m = {.iv = iv->data,
                                    .iv_bytes = iv->size,
                                    .aad = aad ? aad->data : NULL,
                                    .aad_bytes = aad ? aad->size : 0,
                                    .data = work.data,
                                    .data_bytes = work.size,
                                    .tag = got};
        assert_int_equal(lm_aead_seal_message(aead, &m), 0);
        assert_memory_equal(work.data, sealed, plain->size);
        assert_memory_equal(got, tag, LM_AEAD_TAG_BYTES);
        assert_int_equal(lm_aead_open_message(aead, &m), 0);
        assert_memory_equal(work.data, plain->data, plain->size);
        lm_aead_destroy(aead);
    }
}

/* Test case 4 of the GCM paper: a ragged size and additional data. */
static void aead_matches_published_gcm_vector(void **state)
{
    struct bytes key = unhex("feffe9928665731c6d6a8f9467308308");
    struct bytes iv = unhex("cafebabefacedbaddecaf888");
    struct bytes aad = unhex("feedfacedeadbeeffeedfacedeadbeefabaddad2");
    struct bytes plain = unhex("d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
                               "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39");
    struct bytes sealed = unhex("42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e"
                                "21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091");
    struct bytes tag = unhex("5bc94fbc3221a5db94fae95ae7121a47");
    expect_message(key.data, &iv, &aad, &plain, sealed.data, tag.data);
}

/* Frames of encrypted RTSP: type and length, sequence, tag, text. */
static void aead_matches_encrypted_rtsp(void **state) /* gs-session 78 */
{
    static const struct {
        const char *iv, *plain, *frame;
    } cases[] = {
        {"010000000000000000004352",
         "4f5054494f4e532072747370656e633a2f2f3139322e3136382e312e31303a343830313020525453502f312e3"
         "0"
         "0d0a435365713a20310d0a582d47532d436c69656e7456657273696f6e3a2031340d0a486f73743a203139322"
         "e"
         "3136382e312e31300d0a0d0a",
         "8000006600000001820576eb4ea7bbd036ab043eab0cce97e357b2c7617de92fb0f84f5746b8cc24f3d06ce6a"
         "3"
         "114c951d38e433348145323584441e88e556f129d6e6a2208169e6a0ae0b0530d00177d7e8b8ffcfaab441cd8"
         "0"
         "f2a9b0639929ea60b84b810fdcef326292670c5f905c646e9cee30ae10d864697d954904"},
        {"010000000000000000004852", "525453502f312e3020323030204f4b0d0a435365713a20310d0a0d0a",
         "8000001c0000000135ddc66007450443984931687160fbd8b85bae3ebd0cf14becb0829bc39b2a91fc5511122"
         "d"
         "535ea3a491e2ee"},
        {"040302010000000000004852", "525453502f312e3020323030204f4b0d0a435365713a20310d0a0d0a",
         "8000001c010203045a79ba8b6ff830243a0626b89cf693d379d97ad0c1e304b7acf9b4b0afe723b0524bed3e5"
         "6"
         "8a263acde5640c"},
    };
    struct bytes key = unhex("2b7e151628aed2a6abf7158809cf4f3c");
    for (size_t i = 0; i < LM_ARRAY_LEN(cases); i++) {
        struct bytes iv = unhex(cases[i].iv), plain = unhex(cases[i].plain);
        struct bytes frame = unhex(cases[i].frame);
        assert_int_equal(frame.size, 24 + plain.size);
        expect_message(key.data, &iv, NULL, &plain, frame.data + 24, frame.data + 8);
    }
}

/* Control messages: 12-byte IVs, and the 16-byte ones that must go through GHASH. */
static void expect_control(const uint8_t *key, const json_t *item, const char *iv_name,
                           const char *packet_name, size_t iv_bytes)
{
    struct bytes plain = hex_member(item, "plaintext_hex"), packet = hex_member(item, packet_name);
    struct bytes iv = {.size = iv_bytes};
    if (iv_name)
        iv = hex_member(item, iv_name);
    else
        iv.data[0] = (uint8_t)json_integer_value(json_object_get(item, "seq"));
    assert_int_equal(iv.size, iv_bytes);
    assert_int_equal(packet.size, 24 + plain.size);
    expect_message(key, &iv, NULL, &plain, packet.data + 24, packet.data + 8);
}

static void aead_matches_control_messages(void **state) /* gs-media 59, 60 */
{
    size_t i;
    json_t *item, *root = vectors("control.json");
    struct bytes key = hex_member(root, "key_hex");
    json_array_foreach(json_object_get(root, "host_to_client"), i, item)
    {
        expect_control(key.data, item, "iv_hex", "packet_v2_hex", 12);
        expect_control(key.data, item, NULL, "packet_legacy_iv_hex", 16);
    }
    assert_int_equal(i, 8);
    json_array_foreach(json_object_get(root, "client_to_host"), i, item)
        expect_control(key.data, item, "iv_hex", "packet_v2_hex", 12);
    assert_int_equal(i, 9);
    json_array_foreach(json_object_get(root, "client_to_host_legacy_iv"), i, item)
        expect_control(key.data, item, "iv_hex", "packet_hex", 16);
    assert_int_equal(i, 3);
    json_decref(root);
}

static void aead_matches_video_packets(void **state)
{
    size_t i, j, count = 0;
    json_t *frame, *packet, *root = vectors("video-packets.json");
    json_t *sets = json_object_get(root, "sets");
    json_t *plain_frames = json_object_get(json_array_get(sets, 0), "frames");
    struct bytes key = hex_member(json_array_get(sets, 1), "key_hex");
    json_array_foreach(json_object_get(json_array_get(sets, 1), "frames"), i, frame)
    {
        json_t *plain = json_object_get(json_array_get(plain_frames, i), "packets");
        json_array_foreach(json_object_get(frame, "packets"), j, packet)
        {
            struct bytes sealed = hex_member(packet, "hex"), iv = sealed;
            struct bytes open = hex_member(json_array_get(plain, j), "hex");
            iv.size = 12;
            assert_int_equal(sealed.size, 32 + open.size);
            expect_message(key.data, &iv, NULL, &open, sealed.data + 32, sealed.data + 16);
            count++;
        }
    }
    assert_true(count > 10);
    json_decref(root);
}

static void implementations_agree_on_random_messages(void **state)
{
    unsigned seed;
    uint8_t key[16], iv[16], aad[48], tag[16];
    struct bytes plain, sealed;
    lm_random(&seed, sizeof seed);
    printf("seed %u\n", seed);
    srand(seed);
    for (int round = 0; round < 200; round++) {
        for (size_t i = 0; i < sizeof plain.data; i++)
            plain.data[i] = (uint8_t)rand();
        memcpy(key, plain.data, 16);
        memcpy(iv, plain.data + 16, 16);
        memcpy(aad, plain.data + 32, 48);
        plain.size = round < 70 ? (size_t)round : (size_t)rand() % 2000;
        struct bytes iv_part = {.size = round % 2 ? 12 : 12 + (size_t)rand() % 5};
        struct bytes aad_part = {.size = round % 3 ? 0 : (size_t)rand() % sizeof aad};
        memcpy(iv_part.data, iv, sizeof iv);
        memcpy(aad_part.data, aad, sizeof aad);
        sealed = plain;
        struct lm_aead *aead = aead_of(LM_AEAD_OPENSSL, key);
        struct lm_aead_message m = {.iv = iv,
                                    .iv_bytes = iv_part.size,
                                    .aad = aad,
                                    .aad_bytes = aad_part.size,
                                    .data = sealed.data,
                                    .data_bytes = sealed.size,
                                    .tag = tag};
        assert_int_equal(lm_aead_seal_message(aead, &m), 0);
        lm_aead_destroy(aead);
        expect_message(key, &iv_part, &aad_part, &plain, sealed.data, tag);
    }
}

/* One changed bit anywhere is refused, and no plaintext is left behind. */
static void open_refuses_every_changed_bit(void **state)
{
    static const uint8_t key[16] = {1}, zero[40];
    for (size_t i = 0; i < LM_ARRAY_LEN(impls); i++) {
        struct lm_aead *aead = aead_of(impls[i], key);
        if (!aead)
            continue;
        for (unsigned bit = 0; bit < (12 + 16 + 40) * 8; bit++) {
            uint8_t all[12 + 16 + 40] = {0}; /* IV, tag, data */
            memset(all + 28, 0x5a, 40);
            assert_int_equal(lm_aead_seal(aead, all, 12, all + 28, 40, all + 12), 0);
            all[bit / 8] ^= (uint8_t)(1 << bit % 8);
            assert_int_equal(lm_aead_open(aead, all, 12, all + 28, 40, all + 12), LM_EAUTH);
            assert_memory_equal(all + 28, zero, 40);
        }
        lm_aead_destroy(aead);
    }
}

/* A refused message must not disturb those after it, nor a change of the IV's size. */
static void aead_goes_on_after_a_refusal(void **state)
{
    static const uint8_t key[16] = {7};
    for (size_t i = 0; i < LM_ARRAY_LEN(impls); i++) {
        struct lm_aead *aead = aead_of(impls[i], key);
        if (!aead)
            continue;
        uint8_t iv[16] = {0}, data[33] = {0}, expected[33], tag[16], bad[16] = {0};
        for (uint8_t n = 0; n < 20; n++) {
            size_t iv_bytes = n % 3 ? 12 : 16;
            iv[0] = n;
            memset(data, n, sizeof data);
            memcpy(expected, data, sizeof data);
            assert_int_equal(lm_aead_seal(aead, iv, iv_bytes, data, sizeof data, tag), 0);
            uint8_t copy[33];
            memcpy(copy, data, sizeof data);
            assert_int_equal(lm_aead_open(aead, iv, iv_bytes, copy, sizeof copy, bad), LM_EAUTH);
            assert_int_equal(lm_aead_open(aead, iv, iv_bytes, data, sizeof data, tag), 0);
            assert_memory_equal(data, expected, sizeof data);
        }
        lm_aead_destroy(aead);
    }
}

static void aead_refuses_sizes_out_of_range(void **state)
{
    static const uint8_t key[16] = {0};
    uint8_t iv[32] = {0}, data[16] = {0}, tag[16];
    struct lm_aead *aead = aead_of(LM_AEAD_OPENSSL, key);
    assert_int_equal(lm_aead_seal(aead, iv, 11, data, 16, tag), LM_EINVAL);
    assert_int_equal(lm_aead_seal(aead, iv, 17, data, 16, tag), LM_EINVAL);
    assert_int_equal(lm_aead_open(aead, iv, 12, data, (size_t)LM_AEAD_DATA_MAX_BYTES + 1, tag),
                     LM_EINVAL);
    lm_aead_destroy(aead);
    lm_aead_destroy(NULL);
}

static size_t heap_calls;

static void *counting_malloc(size_t size, const char *file, int line)
{
    heap_calls++;
    return malloc(size);
}

static void *counting_realloc(void *old, size_t size, const char *file, int line)
{
    heap_calls++;
    return realloc(old, size);
}

static void counting_free(void *old, const char *file, int line)
{
    free(old);
}

static void packets_cost_no_heap_calls(void **state)
{
    static const uint8_t key[16] = {3};
    uint8_t iv[16] = {0}, data[1424] = {0}, tag[16];
    struct lm_cbc *cbc;
    struct lm_aead *aead = aead_of(LM_AEAD_OPENSSL, key);
    assert_int_equal(lm_cbc_create(&cbc, key), 0);
    size_t before = heap_calls;
    assert_true(before > 0);
    for (int i = 0; i < 1000; i++) {
        size_t iv_bytes = i % 10 ? 12 : 16;
        memcpy(iv, &i, sizeof i);
        assert_int_equal(lm_aead_seal(aead, iv, iv_bytes, data, sizeof data, tag), 0);
        assert_int_equal(lm_aead_open(aead, iv, iv_bytes, data, sizeof data, tag), 0);
        assert_int_equal(lm_cbc_encrypt(cbc, iv, data, 100, data, sizeof data), 112);
        assert_int_equal(lm_cbc_decrypt(cbc, iv, data, 112, data, sizeof data), 100);
    }
    assert_int_equal(heap_calls, before);
    lm_aead_destroy(aead);
    lm_cbc_destroy(cbc);
}

static const uint8_t watched_key[LM_AEAD_KEY_BYTES] = {
    0x91, 0x0d, 0x5e, 0xaa, 0x37, 0xc2, 0x18, 0xf4, 0x6b, 0xe9, 0x03, 0x74, 0xdc, 0x25, 0xb0, 0x4f};
static size_t blocks_freed, keys_freed;

void __real_free(void *block);
void __wrap_free(void *block);

/* The linker sends every free() of this program and of the library under test here. Both ciphers
 * keep the key as it came, at the head of their key schedules. */
void __wrap_free(void *block)
{
    if (block) {
        blocks_freed++;
        if (memmem(block, malloc_usable_size(block), watched_key, sizeof watched_key))
            keys_freed++;
    }
    __real_free(block);
}

static void keys_are_wiped_before_memory_is_freed(void **state)
{
    uint8_t iv[16] = {0}, data[100] = {0}, tag[16];
    uint8_t *volatile careless = malloc(200); /* volatile: its bytes are written, though freed */
    struct lm_cbc *cbc;
    keys_freed = 0;
    assert_non_null(careless);
    memcpy(careless + 50, watched_key, sizeof watched_key);
    free(careless);
    assert_int_equal(keys_freed, 1); /* the test sees what it looks for */

    keys_freed = blocks_freed = 0;
    for (size_t i = 0; i < LM_ARRAY_LEN(impls); i++) {
        struct lm_aead *aead = aead_of(impls[i], watched_key);
        if (!aead)
            continue;
        assert_int_equal(lm_aead_seal(aead, iv, 12, data, sizeof data, tag), 0);
        lm_aead_destroy(aead);
    }
    assert_int_equal(lm_cbc_create(&cbc, watched_key), 0);
    assert_int_equal(lm_cbc_encrypt(cbc, iv, data, 64, data, sizeof data), 80);
    lm_cbc_destroy(cbc);
    assert_true(blocks_freed >= 2);
    assert_int_equal(keys_freed, 0);
}

/* No byte on either stream, so none of a key: also not where something goes wrong. (They are given
 * no log to write to.) */
static void ciphers_print_nothing(void **state)
{
    uint8_t iv[32] = {0}, data[32] = {0}, tag[16] = {0};
    int out = dup(1), err = dup(2), file = memfd_create("printed", MFD_CLOEXEC);
    struct lm_aead *aead[LM_ARRAY_LEN(impls)];
    int failed = 0;
    assert_true(out >= 0 && err >= 0 && file >= 0);
    for (size_t i = 0; i < LM_ARRAY_LEN(impls); i++)
        aead[i] = aead_of(impls[i], watched_key);
    fflush(stdout);
    assert_true(dup2(file, 1) == 1 && dup2(file, 2) == 2);
    for (size_t i = 0; i < LM_ARRAY_LEN(impls); i++) {
        if (!aead[i])
            continue;
        failed |= lm_aead_seal(aead[i], iv, 12, data, sizeof data, tag);
        tag[0] ^= 1;
        failed |= lm_aead_open(aead[i], iv, 12, data, sizeof data, tag) != LM_EAUTH;
        failed |= lm_aead_seal(aead[i], iv, 32, data, sizeof data, tag) != LM_EINVAL;
        lm_aead_destroy(aead[i]);
    }
    fflush(stdout);
    assert_true(dup2(out, 1) == 1 && dup2(err, 2) == 2);
    assert_false(failed);
    assert_int_equal(lseek(file, 0, SEEK_END), 0);
    close(file);
    close(out);
    close(err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(aead_matches_published_gcm_vector),
        cmocka_unit_test(aead_matches_encrypted_rtsp),
        cmocka_unit_test(aead_matches_control_messages),
        cmocka_unit_test(aead_matches_video_packets),
        cmocka_unit_test(implementations_agree_on_random_messages),
        cmocka_unit_test(open_refuses_every_changed_bit),
        cmocka_unit_test(aead_goes_on_after_a_refusal),
        cmocka_unit_test(aead_refuses_sizes_out_of_range),
        cmocka_unit_test(packets_cost_no_heap_calls),
        cmocka_unit_test(keys_are_wiped_before_memory_is_freed),
        cmocka_unit_test(ciphers_print_nothing),
    };
    /* Before OpenSSL's first own allocation, or it declines. */
    if (!CRYPTO_set_mem_functions(counting_malloc, counting_realloc, counting_free))
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
