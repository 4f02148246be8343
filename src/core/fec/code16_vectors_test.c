#include "core/fec/code16_blocks.h"

#include "core/base/check.h"
#include "core/crypto/hash.h"
#include "core/crypto/hex.h"
#include "core/dsp/cpu.h"
#include "core/dsp/gf16.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

static json_t *load_vectors(void)
{
    json_t *root = json_load_file(LUMEN_VECTORS "/leopard-gf16.json", 0, NULL);
    assert_non_null(root);
    return root;
}

static unsigned long number_of(const json_t *value)
{
    return json_is_string(value) ? strtoul(json_string_value(value), NULL, 0)
                                 : (unsigned long)json_integer_value(value);
}

static unsigned long number(const json_t *object, const char *name)
{
    return number_of(json_object_get(object, name));
}

static uint16_t word(const json_t *array, size_t i)
{
    return (uint16_t)number_of(json_array_get(array, i));
}

static void field_matches_the_vectors(void **state)
{
    size_t i;
    json_t *item, *root = load_vectors(), *field = json_object_get(root, "field");
    json_t *powers = json_object_get(field, "powers_of_x");
    json_array_foreach(json_object_get(field, "mul"), i, item)
        assert_int_equal(lm_gf16_multiply(word(item, 0), word(item, 1)), word(item, 2));
    assert_int_equal(i, 20);
    json_array_foreach(json_object_get(field, "inverse"), i, item)
        assert_int_equal(lm_gf16_inverse(word(item, 0)), word(item, 1));
    assert_int_equal(i, 8);
    json_array_foreach(json_object_get(powers, "e"), i, item)
    {
        uint16_t label = word(json_object_get(powers, "label"), i);
        assert_int_equal(lm_gf16_exp((uint32_t)number_of(item)), label);
        assert_int_equal(lm_gf16_log(label), number_of(item));
    }
    assert_int_equal(i, 10);
    json_decref(root);
}

/* A word of a block, which areas hold in tower form: see gf16.h. */
static unsigned plain_word(const uint8_t *block, unsigned i)
{
    return (block[i] ^ (lm_gf16_multiply(0x100, block[32 + i]) & 255u)) | block[32 + i] << 8;
}

/* Eight points as the kernels' three levels. */
static void transform_matches_the_vectors(void **state)
{
    json_t *root = load_vectors(), *t = json_object_get(root, "transform");
    json_t *values = json_object_get(t, "values");
    json_t *inverse = json_object_get(t, "coefficients_after_ifft_at_8");
    json_t *forward = json_object_get(t, "values_after_fft_at_0");
    for (size_t kernel = 0; code16_next_kernel(&kernel);) {
        const struct lm_gf16_kernel *k = lm_gf16_kernel(lm_cpu_flags());
        _Alignas(LM_GF16_BLOCK_BYTES) uint8_t memory[8][LM_GF16_BLOCK_BYTES];
        uint8_t source[8][LM_GF16_BLOCK_BYTES] = {{0}}, *rows[8];
        struct lm_gf16_area area = {memory[0], sizeof memory};
        struct lm_gf16_stage stage = {.field = lm_gf16_field(),
                                      .levels = 3,
                                      .point = 8,
                                      .blocks = 1,
                                      .columns = 1,
                                      .scale = 1};
        for (size_t i = 0; i < 8; i++) {
            rows[i] = source[i];
            source[i][5] = (uint8_t)word(values, i);
            source[i][32 + 5] = (uint8_t)(word(values, i) >> 8);
        }
        k->inverse_in(&stage, (const uint8_t *const *)rows, 0, &area, false);
        for (size_t i = 0; i < 8; i++)
            assert_int_equal(plain_word(memory[i], 5), word(inverse, i));
        stage.point = 0;
        k->forward_out(&stage, &area, rows, 0);
        for (size_t i = 0; i < 8; i++)
            assert_int_equal(source[i][5] | source[i][37] << 8, word(forward, i));
    }
    lm_cpu_mask(UINT32_MAX);
    json_decref(root);
}

/* A shard of words 1 among shards of zeros reads coefficients off the code. */
static void generator_matches_the_vectors(void **state)
{
    size_t i;
    json_t *item, *root = load_vectors();
    json_array_foreach(json_object_get(root, "generator"), i, item)
    {
        struct code16_block b;
        unsigned m = (unsigned)number(item, "m"), data = (unsigned)number(item, "data");
        unsigned parity = (unsigned)number(item, "parity");
        struct lm_code16 *code = code16_for(data + 1, m, 2);
        code16_block_init(&b, data + 1, m, 2);
        for (unsigned d = 0; d <= data; d++)
            memset(b.shards[d], 0, 2);
        b.shards[data][0] = 1;
        code16_block_encode(&b, code);
        const uint8_t *p = b.shards[b.k + parity];
        assert_int_equal(p[0] | p[1] << 8, number(item, "coefficient"));
        code16_block_finish(&b);
        lm_code16_destroy(code);
    }
    assert_int_equal(i, 9);
    json_decref(root);
}

static void expect_digest(const struct code16_block *b, unsigned first, unsigned count,
                          const json_t *hex)
{
    struct lm_part *parts = calloc(count, sizeof *parts);
    uint8_t digest[LM_SHA256_BYTES];
    char text[2 * LM_SHA256_BYTES + 1];
    assert_non_null(parts);
    for (unsigned i = 0; i < count; i++)
        parts[i] = (struct lm_part){b->shards[first + i], b->size};
    lm_sha256(parts, count, digest);
    lm_hex_encode(digest, sizeof digest, text);
    assert_string_equal(text, json_string_value(hex));
    free(parts);
}

static void expect_hex(const struct code16_block *b, unsigned first, const json_t *array)
{
    size_t i;
    json_t *item;
    uint8_t expected[256];
    json_array_foreach(array, i, item)
    {
        const char *text = json_string_value(item);
        assert_int_equal(lm_hex_decode(text, strlen(text), expected, b->size), 0);
        assert_memory_equal(b->shards[first + i], expected, b->size);
    }
}

static void expect_parity(const struct code16_block *b, const json_t *item)
{
    size_t j;
    const char *index;
    json_t *hex;
    expect_digest(b, b->k, b->m, json_object_get(item, "parity_sha256_all"));
    json_array_foreach(json_object_get(item, "parity_sha256"), j, hex)
        expect_digest(b, b->k + (unsigned)j, 1, hex);
    json_object_foreach(json_object_get(item, "parity_sha256_at"), index, hex)
        expect_digest(b, b->k + (unsigned)strtoul(index, NULL, 10), 1, hex);
    expect_hex(b, 0, json_object_get(item, "data_hex"));
    expect_hex(b, b->k, json_object_get(item, "parity_hex"));
}

static void expect_case(const json_t *item)
{
    struct code16_block b;
    unsigned k = (unsigned)number(item, "k"), m = (unsigned)number(item, "m");
    struct lm_code16 *code = code16_for(k, m, number(item, "shard_bytes"));
    code16_block_init(&b, k, m, number(item, "shard_bytes"));
    code16_block_fill(&b, number(item, "seed"));
    expect_digest(&b, 0, k, json_object_get(item, "data_sha256"));
    code16_block_encode(&b, code);
    expect_parity(&b, item);
    code16_erase_parity(&b);
    code16_add_all(code, &b);
    assert_memory_equal(b.memory, b.original, code16_block_bytes(&b));
    code16_block_finish(&b);
    lm_code16_destroy(code);
}

static void parity_matches_the_vectors(void **state)
{
    size_t i;
    json_t *item, *root = load_vectors();
    json_array_foreach(json_object_get(root, "cases"), i, item) expect_case(item);
    assert_int_equal(i, 32);
    json_decref(root);
}

static void small_parity_matches_the_vectors_with_each_kernel(void **state)
{
    size_t i;
    json_t *item, *root = load_vectors();
    for (size_t kernel = 0; code16_next_kernel(&kernel);)
        json_array_foreach(json_object_get(root, "cases"), i, item)
        {
            if (number(item, "k") * number(item, "shard_bytes") <= 70000)
                expect_case(item);
        }
    lm_cpu_mask(UINT32_MAX);
    json_decref(root);
}

static const json_t *case_of(const json_t *root, const json_t *decode)
{
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(root, "cases"), i, item)
    {
        if (number(item, "k") == number(decode, "k") && number(item, "m") == number(decode, "m") &&
            number(item, "shard_bytes") == number(decode, "shard_bytes"))
            return item;
    }
    fail();
    return NULL;
}

/* A list of indices, or a rule "i mod A == B", "j mod A != B" or "all". */
static void lose(uint8_t *present, unsigned count, const json_t *list, const char *rule)
{
    size_t i;
    json_t *index;
    unsigned a = 1, b = 0;
    json_array_foreach(list, i, index) present[number_of(index)] = 0;
    if (!rule)
        return;
    bool equal = strstr(rule, "==") || strcmp(rule, "all") == 0;
    if (strcmp(rule, "all") != 0)
        assert_int_equal(sscanf(rule + 1, " mod %u %*[!=] %u", &a, &b), 2);
    for (unsigned n = 0; n < count; n++)
        if ((n % a == b) == equal)
            present[n] = 0;
}

static void repair_matches_the_vectors(void **state)
{
    size_t i;
    json_t *item, *root = load_vectors();
    json_array_foreach(json_object_get(root, "decode"), i, item)
    {
        struct code16_block b;
        unsigned k = (unsigned)number(item, "k"), m = (unsigned)number(item, "m");
        struct lm_code16 *code = code16_for(k, m, number(item, "shard_bytes"));
        const json_t *seed = json_object_get(case_of(root, item), "seed");
        code16_block_init(&b, k, m, number(item, "shard_bytes"));
        code16_block_fill(&b, number_of(seed));
        code16_block_encode(&b, code);
        lose(b.present, k, json_object_get(item, "lost_data"),
             json_string_value(json_object_get(item, "lost_data_rule")));
        lose(b.present + k, m, json_object_get(item, "lost_parity"),
             json_string_value(json_object_get(item, "lost_parity_rule")));
        if (k > 2000)
            code16_expect_repair(&b, code, LM_CODE16_AUTO);
        else
            code16_expect_repairs(&b, code);
        code16_block_finish(&b);
        lm_code16_destroy(code);
    }
    assert_int_equal(i, 5);
    json_decref(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(field_matches_the_vectors),
        cmocka_unit_test(transform_matches_the_vectors),
        cmocka_unit_test(generator_matches_the_vectors),
        cmocka_unit_test(parity_matches_the_vectors),
        cmocka_unit_test(small_parity_matches_the_vectors_with_each_kernel),
        cmocka_unit_test(repair_matches_the_vectors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
