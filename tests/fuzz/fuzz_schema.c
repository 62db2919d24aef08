/*
 * A schema, a NUL, and settings. A schema that is accepted must not surprise: what it accepts must
 * pass again with its defaults in, unchanged, and the lenient form accepts at least as much.
 */
#include "base/schema.h"

#include <hawse/types.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int truth)
{
    if (!truth)
        abort();
}

static void apply(const json_t *schema, json_t *value)
{
    struct fault fault = {0}, again = {0}, lenient = {0};
    json_t *other = json_deep_copy(value), *unknown = json_array();
    int32_t code = schema_apply(schema, value, "s", &fault);
    require(code == HAWSE_OK || (fault.code == code && fault.message[0]));
    int32_t loose = schema_apply_lenient(schema, other, "s", unknown, &lenient);
    require(code != HAWSE_OK || loose == HAWSE_OK);
    require(code != HAWSE_OK || json_array_size(unknown) == 0);
    if (code == HAWSE_OK) {
        json_t *filled = json_deep_copy(value);
        require(schema_apply(schema, value, "s", &again) == HAWSE_OK);
        require(json_equal(filled, value));
        json_decref(filled);
    }
    json_decref(other);
    json_decref(unknown);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    const char *cut = memchr(text, '\0', size);
    size_t len = cut ? (size_t)(cut - text) : size;
    struct fault fault = {0};
    json_t *schema = json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL);
    json_t *value =
        cut ? json_loadb(cut + 1, size - len - 1, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL)
            : json_object();
    int32_t code = schema ? schema_check(schema, "schema", &fault) : HAWSE_E_FORMAT;
    require(!schema || code == HAWSE_OK || (fault.code == code && fault.message[0]));
    if (code == HAWSE_OK && value)
        apply(schema, value);
    json_decref(value);
    json_decref(schema);
    return 0;
}
