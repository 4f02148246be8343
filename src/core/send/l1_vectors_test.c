/* The sender against datagrams that were made without it (tests/vectors/make_lumen1_video.py). */
#include "core/send/test_vectors.h"

#include "core/send/l1_test.h"

enum { MOST = 40000 };

static void case_config(const json_t *c, struct lm_l1_sender_config *config)
{
    const json_t *frame = json_object_get(c, "frame");
    *config = (struct lm_l1_sender_config){
        .session_id = (uint32_t)vectors_number(c, "session_id"),
        .shard_bytes = (uint32_t)vectors_number(c, "shard_bytes"),
        .code = (enum lm_l1_code)vectors_number(c, "code"),
        .fec_percent = (uint32_t)vectors_number(c, "percent"),
        .max_data_per_block = (uint32_t)vectors_number(c, "max_data_per_block"),
        .contiguous = json_is_true(json_object_get(c, "contiguous")),
        .encrypt = json_is_true(json_object_get(c, "encrypted")),
        .max_frame_bytes = MOST,
        .max_pushes = 64,
        .first_frame = (uint32_t)vectors_number(frame, "number"),
        .first_sequence = vectors_number(c, "first_sequence"),
    };
    vectors_hex(c, "key_hex", config->key, sizeof config->key);
    vectors_hex(c, "salt_hex", config->salt, sizeof config->salt);
}

static void push_all(const json_t *c, struct lm_l1_sender *s)
{
    static uint8_t unit[MOST];
    const json_t *frame = json_object_get(c, "frame"), *pushes = json_object_get(c, "pushes");
    struct lm_l1_frame_begin begin = {
        .capture_ns = vectors_number(frame, "capture_ns"),
        .flags = (uint32_t)vectors_number(frame, "flags"),
        .display_hint_us = (uint32_t)vectors_number(frame, "display_hint_us"),
    };
    begin.now_ns = begin.capture_ns + 1000 * vectors_number(frame, "capture_to_send_us");
    uint64_t seed = vectors_number(c, "seed"), at = 0;
    for (size_t i = 0; i < MOST; i++)
        unit[i] = (uint8_t)(7 * i + i / 251 + seed);
    assert_int_equal(lm_l1_sender_begin(s, &begin), 0);
    for (size_t i = 0; i < json_array_size(pushes); i++) {
        size_t size = (size_t)json_integer_value(json_array_get(pushes, i));
        struct lm_piece piece = {unit + at, size};
        bool last = i + 1 == json_array_size(pushes);
        assert_int_equal(lm_l1_sender_push(s, &piece, 1, last, begin.now_ns), 0);
        at += size;
    }
}

/* The fields as parsed, after opening, are those in the file. */
static void check_fields(const json_t *want, const struct l1_datagram *d)
{
    const json_t *video = json_object_get(want, "video");
    assert_true(d->header.sequence == vectors_number(want, "sequence"));
    assert_int_equal(d->video.frame, vectors_number(video, "frame"));
    assert_int_equal(d->video.block, vectors_number(video, "block"));
    assert_int_equal(d->video.shard, vectors_number(video, "shard"));
    assert_int_equal(d->video.data_shards, vectors_number(video, "data_shards"));
    assert_int_equal(d->video.parity_shards, vectors_number(video, "parity_shards"));
    assert_int_equal(d->video.code, vectors_number(video, "code"));
    assert_int_equal(d->video.flags, vectors_number(video, "flags"));
    assert_int_equal(d->video.last_shard_bytes, vectors_number(video, "last_shard_bytes"));
}

static void check_case(const json_t *c)
{
    struct lm_l1_sender_config config;
    struct lm_l1_sender *s;
    struct l1_output o;
    struct lm_batch batch;
    uint64_t wake_at;
    uint8_t want[1024];
    size_t at = 0;
    const json_t *datagrams = json_object_get(c, "datagrams");
    case_config(c, &config);
    assert_int_equal(lm_l1_sender_create(&config, &s), 0);
    l1_output_init(&o, &config);
    uint64_t before = heap_calls;
    push_all(c, s);
    assert_true(heap_calls == before);
    while (lm_l1_sender_pull(s, 0, &batch, &wake_at) == 1) {
        for (uint32_t i = 0; i < batch.segments; i++, at++) {
            const json_t *d = json_array_get(datagrams, at);
            size_t bytes = vectors_hex(d, "hex", want, sizeof want);
            assert_int_equal(bytes, batch.segment_bytes);
            assert_memory_equal(batch.data + i * bytes, want, bytes);
        }
        l1_output_add_batch(&o, &batch, batch.segments);
        lm_l1_sender_done(s, batch.segments, 0);
    }
    assert_int_equal(at, json_array_size(datagrams));
    for (size_t i = 0; i < o.count; i++)
        check_fields(json_array_get(datagrams, i), &o.datagrams[i]);
    l1_output_finish(&o);
    lm_l1_sender_destroy(s);
}

static void sender_reproduces_datagrams_made_without_it(void **state)
{
    json_t *root = vectors_load("lumen1-video.json"), *c;
    size_t i;
    json_array_foreach(json_object_get(root, "cases"), i, c)
    {
        print_message("%s\n", json_string_value(json_object_get(c, "name")));
        check_case(c);
    }
    assert_true(i >= 10);
    json_decref(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sender_reproduces_datagrams_made_without_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
