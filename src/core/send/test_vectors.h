/* For the tests of this folder and of recv: golden packets from LUMEN_VECTORS, and a count of heap
 * calls. Include from one file per test program. */
#ifndef LUMEN_CORE_SEND_TEST_VECTORS_H
#define LUMEN_CORE_SEND_TEST_VECTORS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static inline json_t *vectors_load(const char *name)
{
    char path[512];
    json_error_t error;
    snprintf(path, sizeof path, "%s/%s", LUMEN_VECTORS, name);
    json_t *root = json_load_file(path, 0, &error);
    if (!root)
        fail_msg("%s: %s", path, error.text);
    return root;
}

static inline uint64_t vectors_number(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return json_is_integer(value) ? (uint64_t)json_integer_value(value) : 0;
}

static inline size_t vectors_hex_text(const char *text, uint8_t *out, size_t capacity)
{
    size_t n = strlen(text) / 2;
    assert_true(n <= capacity);
    for (size_t i = 0; i < n; i++) {
        unsigned byte;
        assert_int_equal(sscanf(text + 2 * i, "%2x", &byte), 1);
        out[i] = (uint8_t)byte;
    }
    return n;
}

static inline size_t vectors_hex(const json_t *object, const char *key, uint8_t *out,
                                 size_t capacity)
{
    const char *text = json_string_value(json_object_get(object, key));
    assert_non_null(text);
    return vectors_hex_text(text, out, capacity);
}

/* Heap calls of the whole process, libraries included; always 0 under sanitizers, which own the
 * heap then. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define COUNTS_HEAP 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ||                         \
    __has_feature(memory_sanitizer)
#define COUNTS_HEAP 0
#endif
#endif
#if !defined(COUNTS_HEAP) && defined(__GLIBC__)
#define COUNTS_HEAP 1
#endif
#ifndef COUNTS_HEAP
#define COUNTS_HEAP 0
#endif

static uint64_t heap_calls;

#if COUNTS_HEAP
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t align, size_t size);
void *malloc(size_t size)
{
    heap_calls++;
    return __libc_malloc(size);
}
void *calloc(size_t count, size_t size)
{
    heap_calls++;
    return __libc_calloc(count, size);
}
void *realloc(void *old, size_t size)
{
    heap_calls++;
    return __libc_realloc(old, size);
}
void *aligned_alloc(size_t align, size_t size)
{
    heap_calls++;
    return __libc_memalign(align, size);
}
#endif

#endif
