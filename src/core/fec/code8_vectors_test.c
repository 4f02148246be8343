#include "core/fec/code8_blocks.h"

#include "core/crypto/hash.h"
#include "core/crypto/hex.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#define MAX_BYTES 1536

static void block_pattern(struct code8_block *b, const json_t *pattern)
{
    unsigned p[3];
    for (size_t n = 0; n < 3; n++)
        p[n] = (unsigned)json_integer_value(json_array_get(pattern, n));
    for (unsigned i = 0; i < b->k; i++)
        for (unsigned j = 0; j < b->size; j++)
            b->shards[i][j] = (uint8_t)(p[0] * i + p[1] * j + p[2]);
}

static unsigned number(const json_t *object, const char *name)
{
    return (unsigned)json_integer_value(json_object_get(object, name));
}

static void expect_shard(const struct code8_block *b, unsigned index, const json_t *hex)
{
    uint8_t expected[MAX_BYTES];
    const char *text = json_string_value(hex);
    assert_int_equal(lm_hex_decode(text, strlen(text), expected, b->size), 0);
    assert_memory_equal(b->shards[index], expected, b->size);
}

/* Encoding unit vectors reads the matrix off the code. */
static void expect_matrix(const struct lm_code8 *code, const json_t *rows)
{
    struct code8_block b;
    uint8_t row[LM_CODE8_MAX_SHARDS];
    code8_block_init(&b, lm_code8_data(code), lm_code8_parity(code), lm_code8_data(code));
    for (unsigned i = 0; i < b.k; i++)
        b.shards[i][i] = 1;
    code8_block_encode(&b, code);
    assert_int_equal(json_array_size(rows), b.m);
    for (unsigned j = 0; j < b.m; j++) {
        const char *text = json_string_value(json_array_get(rows, j));
        assert_int_equal(lm_hex_decode(text, strlen(text), row, b.k), 0);
        assert_memory_equal(b.shards[b.k + j], row, b.k);
    }
    code8_block_finish(&b);
}

static void expect_encode(const struct lm_code8 *code, const json_t *item)
{
    struct code8_block b;
    json_t *parity = json_object_get(item, "parity");
    code8_block_init(&b, lm_code8_data(code), lm_code8_parity(code), number(item, "L"));
    block_pattern(&b, json_object_get(item, "pattern"));
    code8_block_encode(&b, code);
    assert_int_equal(json_array_size(parity), b.m);
    for (unsigned j = 0; j < b.m; j++)
        expect_shard(&b, b.k + j, json_array_get(parity, j));
    code8_block_finish(&b);
}

static struct lm_code8 *code_of(const json_t *item)
{
    struct lm_code8 *code;
    assert_int_equal(lm_code8_create(&code, number(item, "k"), number(item, "m")), 0);
    return code;
}

static void video_code_matches_the_vectors(void **state) /* gs-media 36 */
{
    size_t i;
    json_t *item, *root = json_load_file(LUMEN_VECTORS "/fec.json", 0, NULL);
    assert_non_null(root);
    json_array_foreach(json_object_get(root, "matrices"), i, item)
    {
        struct lm_code8 *code = code_of(item);
        expect_matrix(code, json_object_get(item, "rows"));
        lm_code8_destroy(code);
    }
    assert_int_equal(i, 15);
    json_array_foreach(json_object_get(root, "encode"), i, item)
    {
        struct lm_code8 *code = code_of(item);
        expect_encode(code, item);
        lm_code8_destroy(code);
    }
    assert_int_equal(i, 18);
    json_decref(root);
}

static void packet_sized_parity_matches_the_vectors(void **state) /* gs-media 36 */
{
    size_t i;
    json_t *item, *root = json_load_file(LUMEN_VECTORS "/fec.json", 0, NULL);
    assert_non_null(root);
    json_array_foreach(json_object_get(root, "encode_large"), i, item)
    {
        struct lm_code8 *code = code_of(item);
        struct code8_block b;
        uint8_t digest[LM_SHA256_BYTES];
        char text[2 * LM_SHA256_BYTES + 1];
        code8_block_init(&b, lm_code8_data(code), lm_code8_parity(code), number(item, "L"));
        block_pattern(&b, json_object_get(item, "pattern"));
        code8_block_encode(&b, code);
        struct lm_part part = {b.shards[b.k], b.m * b.size};
        lm_sha256(&part, 1, digest);
        lm_hex_encode(digest, sizeof digest, text);
        assert_string_equal(
            text, json_string_value(json_object_get(item, "sha256_of_concatenated_parity")));
        lm_hex_encode(b.shards[b.k], 16, text);
        assert_string_equal(text,
                            json_string_value(json_object_get(item, "first_parity_first_16")));
        lm_hex_encode(b.shards[b.k + b.m - 1] + b.size - 16, 16, text);
        assert_string_equal(text, json_string_value(json_object_get(item, "last_parity_last_16")));
        code8_block_finish(&b);
        lm_code8_destroy(code);
    }
    assert_int_equal(i, 4);
    json_decref(root);
}

static void audio_code_matches_the_vectors(void **state) /* gs-media 51 */
{
    size_t i;
    struct lm_code8 *code;
    json_t *item, *root = json_load_file(LUMEN_VECTORS "/fec.json", 0, NULL);
    assert_non_null(root);
    json_t *audio = json_object_get(root, "audio");
    assert_int_equal(lm_code8_create_audio(&code), 0);
    expect_matrix(code, json_object_get(audio, "rows"));
    json_array_foreach(json_object_get(audio, "encode"), i, item) expect_encode(code, item);
    assert_int_equal(i, 2);
    lm_code8_destroy(code);
    json_decref(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(video_code_matches_the_vectors),
        cmocka_unit_test(packet_sized_parity_matches_the_vectors),
        cmocka_unit_test(audio_code_matches_the_vectors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
