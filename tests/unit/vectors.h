/*
 * Reading of the files in tests/vectors. Each function ends the test when it finds something else
 * than it asks for.
 */
#ifndef TESTS_UNIT_VECTORS_H
#define TESTS_UNIT_VECTORS_H

#include "harness.h"

#include <hawse/hex.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A whole file; the caller releases it. */
static inline json_t *vectors_load(const char *name)
{
    char path[4096];
    json_error_t error;
    (void)snprintf(path, sizeof(path), "%s/vectors/%s", test_source_dir(), name);
    json_t *root = json_load_file(path, 0, &error);
    if (!root)
        FAIL("%s: %s", path, error.text);
    return root;
}

static inline const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    if (!text)
        FAIL("no text \"%s\"", key);
    return text;
}

/* "0x..." into new memory of exactly its length, so that a sanitizer sees what reads beyond it. */
static inline uint8_t *data_of(const json_t *object, const char *key, uint64_t *len)
{
    const char *text = text_of(object, key);
    uint8_t *out = malloc(strlen(text) / 2 + 1);
    *len = 0;
    if (!out ||
        hawse_hex_data((const uint8_t *)text, strlen(text), out, strlen(text) / 2, len) != 0)
        FAIL("\"%s\" is not hexadecimal", key);
    return out;
}

/* "0x..." of a known length. */
static inline void fixed_of(const json_t *object, const char *key, uint8_t *out, uint64_t len)
{
    const char *text = text_of(object, key);
    if (hawse_hex_fixed((const uint8_t *)text, strlen(text), out, len) != 0)
        FAIL("\"%s\" is not %u bytes", key, (unsigned)len);
}

/* Do `len` bytes equal the hexadecimal text at `key`? */
static inline void check_hex(const char *row, const json_t *object, const char *key,
                             const uint8_t *got, uint64_t len)
{
    const char *want = text_of(object, key);
    char *text = calloc(1, 2 * len + 3);
    memcpy(text, "0x", 2);
    hawse_hex_encode(got, len, text + 2);
    if (strcmp(text, want) != 0)
        FAIL("%s: %s is %s, expected %s", row, key, text, want);
    free(text);
}

#endif
