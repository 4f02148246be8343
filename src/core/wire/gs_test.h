/* What unit tests of GameStream messages share: the vector files. Tests only. */
#ifndef LUMEN_CORE_WIRE_GS_TEST_H
#define LUMEN_CORE_WIRE_GS_TEST_H

#include "core/base/check.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* A vector file; json_decref when done. */
static inline json_t *gs_test_load(const char *name)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", LUMEN_VECTORS, name);
    json_t *root = json_load_file(path, 0, NULL);
    LM_CHECK(root);
    return root;
}

static inline const char *gs_test_text(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    LM_CHECK(text);
    return text;
}

/* Bytes of a hex text; returns their count. */
static inline size_t gs_test_hex(const char *hex, uint8_t *out, size_t capacity_bytes)
{
    size_t size_bytes = strlen(hex) / 2;
    LM_CHECK(size_bytes <= capacity_bytes);
    for (size_t i = 0; i < size_bytes; i++) {
        unsigned byte;
        LM_CHECK(sscanf(hex + 2 * i, "%2x", &byte) == 1);
        out[i] = (uint8_t)byte;
    }
    return size_bytes;
}

static inline size_t gs_test_bytes(const json_t *object, const char *key, uint8_t *out,
                                   size_t capacity_bytes)
{
    return gs_test_hex(gs_test_text(object, key), out, capacity_bytes);
}

#endif
