/*
 * What a schema demands of one value, without looking inside it: type, choice, range, text; see
 * schema.h. Owns nothing. Must never put a secret (writeOnly) into a fault.
 */
#include "base/schema_internal.h"

#include <ctype.h>
#include <hawse/types.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The name of a value's type, as JSON Schema calls it. */
static const char *schema_type_name(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return "object";
    case JSON_ARRAY:
        return "array";
    case JSON_STRING:
        return "string";
    case JSON_INTEGER:
        return "integer";
    case JSON_REAL:
        return "number";
    case JSON_NULL:
        return "null";
    default:
        return "boolean";
    }
}

bool schema_type_matches(const char *type, const json_t *value)
{
    if (strcmp(type, "number") == 0)
        return json_is_number(value);
    return strcmp(type, schema_type_name(value)) == 0;
}

/* ---- words for faults ---- */

static const char *article(const char *noun)
{
    return strchr("aio", noun[0]) ? "an" : "a";
}

static void append(char *out, size_t cap, const char *text)
{
    size_t at = strlen(out);
    (void)snprintf(out + at, cap - at, "%s", text);
}

void schema_found(const json_t *rule, const json_t *value, char *out, size_t cap)
{
    const char *type = schema_type_name(value);
    bool secret = json_is_true(json_object_get(rule, "writeOnly"));
    bool scalar = !json_is_object(value) && !json_is_array(value);
    char *text =
        scalar && !secret ? json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(15)) : NULL;
    if (text && strlen(text) <= 40)
        (void)snprintf(out, cap, "%s", text);
    else if (json_is_string(value) && !secret)
        (void)snprintf(out, cap, "a string of %zu bytes", json_string_length(value));
    else
        (void)snprintf(out, cap, "%s%s%s", json_is_null(value) ? "" : article(type),
                       json_is_null(value) ? "" : " ", type);
    free(text);
}

int32_t schema_refuse(struct schema_context *c, const json_t *rule, const char *where,
                      const json_t *value, const char *allowed)
{
    char text[96];
    schema_found(rule, value, text, sizeof(text));
    return fault_set(c->fault, HAWSE_E_INVAL, "%s: found %s, expected %s", where, text, allowed);
}

/* ---- type ---- */

static int32_t check_type(struct schema_context *c, const json_t *rule, const json_t *value,
                          const char *where)
{
    const json_t *type = json_object_get(rule, "type");
    const char *only = json_string_value(type);
    char allowed[160] = "";
    if (!type || (only && schema_type_matches(only, value)))
        return HAWSE_OK;
    if (only) {
        (void)snprintf(allowed, sizeof(allowed), "%s %s", article(only), only);
        return schema_refuse(c, rule, where, value, allowed);
    }
    for (size_t i = 0; i < json_array_size(type); i++) {
        const char *name = json_string_value(json_array_get(type, i));
        if (schema_type_matches(name, value))
            return HAWSE_OK;
        append(allowed, sizeof(allowed), i ? " or " : "");
        append(allowed, sizeof(allowed), name);
    }
    return schema_refuse(c, rule, where, value, allowed);
}

/* ---- const and enum ---- */

static int32_t refuse_choice(struct schema_context *c, const json_t *rule, const json_t *list,
                             const json_t *value, const char *where)
{
    char allowed[400] = "one of ";
    const char *words[32];
    size_t count = 0;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *option = json_array_get(list, i);
        char text[64];
        schema_found(NULL, option, text, sizeof(text));
        append(allowed, sizeof(allowed), i ? ", " : "");
        append(allowed, sizeof(allowed), text);
        if (json_is_string(option) && count < sizeof(words) / sizeof(words[0]))
            words[count++] = json_string_value(option);
    }
    int32_t code = schema_refuse(c, rule, where, value, allowed);
    const char *near =
        json_is_string(value) ? schema_nearest(json_string_value(value), words, count) : NULL;
    if (near)
        fault_hint(c->fault, "did you mean \"%s\"?", near);
    return code;
}

static int32_t check_choice(struct schema_context *c, const json_t *rule, const json_t *value,
                            const char *where)
{
    const json_t *only = json_object_get(rule, "const"), *list = json_object_get(rule, "enum");
    if (only && !json_equal(only, value)) {
        char allowed[96];
        schema_found(NULL, only, allowed, sizeof(allowed));
        return schema_refuse(c, rule, where, value, allowed);
    }
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (json_equal(json_array_get(list, i), value))
            return HAWSE_OK;
    }
    return list ? refuse_choice(c, rule, list, value, where) : HAWSE_OK;
}

/* ---- numbers ---- */

/* Integers are compared as such: a double cannot hold the larger ones. */
static bool less(const json_t *a, const json_t *b)
{
    if (json_is_integer(a) && json_is_integer(b))
        return json_integer_value(a) < json_integer_value(b);
    return json_number_value(a) < json_number_value(b);
}

static int32_t check_number(struct schema_context *c, const json_t *rule, const json_t *value,
                            const char *where)
{
    const json_t *low = json_object_get(rule, "minimum"), *high = json_object_get(rule, "maximum");
    char bound[64], allowed[96];
    if (!json_is_number(value))
        return HAWSE_OK;
    bool small = low && less(value, low);
    if (!small && !(high && less(high, value)))
        return HAWSE_OK;
    schema_found(NULL, small ? low : high, bound, sizeof(bound));
    (void)snprintf(allowed, sizeof(allowed), "%s %s", small ? "at least" : "at most", bound);
    return schema_refuse(c, rule, where, value, allowed);
}

/* ---- texts ---- */

static bool is_hex(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (!isxdigit((unsigned char)text[i]))
            return false;
    }
    return len > 0;
}

static bool is_uint256(const char *text)
{
    static const char largest[] = /* 2^256 - 1 */
        "115792089237316195423570985008687907853269984665640564039457584007913129639935";
    size_t digits = sizeof(largest) - 1;
    if (strncmp(text, "0x", 2) == 0)
        return strlen(text) <= 66 && is_hex(text + 2, strlen(text + 2));
    size_t len = strspn(text, "0123456789");
    if (len == 0 || text[len] != '\0')
        return false;
    size_t zeros = strspn(text, "0");
    text += zeros;
    len -= zeros;
    return len < digits || (len == digits && strcmp(text, largest) <= 0);
}

static bool is_url(const char *text)
{
    size_t n = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789+.-");
    return n > 0 && isalpha((unsigned char)text[0]) && strncmp(text + n, "://", 3) == 0 &&
           text[n + 3] != '\0' && strpbrk(text, " \t\r\n") == NULL;
}

static int32_t check_format(struct schema_context *c, const json_t *rule, const json_t *value,
                            const char *where)
{
    const char *format = json_string_value(json_object_get(rule, "format"));
    const char *text = json_string_value(value);
    if (!format)
        return HAWSE_OK;
    if (strcmp(format, "address") == 0) {
        bool good = strlen(text) == 42 && strncmp(text, "0x", 2) == 0 && is_hex(text + 2, 40);
        return good ? HAWSE_OK
                    : schema_refuse(c, rule, where, value, "an address: 0x and 40 hex digits");
    }
    if (strcmp(format, "uint256") == 0)
        return is_uint256(text)
                   ? HAWSE_OK
                   : schema_refuse(c, rule, where, value,
                                   "an unsigned number below 2^256, decimal or 0x hex, as a "
                                   "string");
    return is_url(text) ? HAWSE_OK
                        : schema_refuse(c, rule, where, value, "a URL: scheme://host...");
}

/* As JSON Schema counts them: in code points. */
static json_int_t characters(const json_t *value)
{
    const char *text = json_string_value(value);
    json_int_t n = 0;
    for (size_t i = 0; text[i]; i++)
        n += ((unsigned char)text[i] & 0xc0) != 0x80;
    return n;
}

static int32_t check_text(struct schema_context *c, const json_t *rule, const json_t *value,
                          const char *where)
{
    const json_t *low = json_object_get(rule, "minLength");
    const json_t *high = json_object_get(rule, "maxLength");
    char allowed[96];
    if (!json_is_string(value))
        return HAWSE_OK;
    json_int_t n = characters(value);
    bool small = low && n < json_integer_value(low);
    if (!small && !(high && n > json_integer_value(high)))
        return check_format(c, rule, value, where);
    (void)snprintf(allowed, sizeof(allowed), "%s %lld characters", small ? "at least" : "at most",
                   (long long)json_integer_value(small ? low : high));
    return schema_refuse(c, rule, where, value, allowed);
}

int32_t schema_check_value(struct schema_context *c, const json_t *rule, const json_t *value,
                           const char *where)
{
    int32_t code = check_type(c, rule, value, where);
    if (code == HAWSE_OK)
        code = check_choice(c, rule, value, where);
    if (code == HAWSE_OK)
        code = check_number(c, rule, value, where);
    return code == HAWSE_OK ? check_text(c, rule, value, where) : code;
}
