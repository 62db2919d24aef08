/*
 * JSON into values of the ABI; see abi_json.h. Goes down by recursion, at most HAWSE_ABI_DEPTH
 * deep; long strings pass through in parts, so that no memory is needed for them.
 */
#include "abi_json.h"

#include "abi_value.h"

#include <hawse/eip55.h>
#include <hawse/hex.h>
#include <hawse/u256.h>

#include <string.h>

enum { PART = 256 };

/* ---- elementary values ---- */

static int is_prefixed(const hawse_json_value_t *v)
{
    return v->len >= 2 && v->data[0] == '0' && v->data[1] == 'x';
}

static int32_t read_uint(const hawse_json_value_t *v, uint32_t bits, hawse_u256_t *n)
{
    int32_t result =
        is_prefixed(v) ? hawse_hex_u256(v->data, v->len, n) : hawse_u256_parse(v->data, v->len, n);
    return result == HAWSE_OK && !abi_fits_uint(n, bits) ? HAWSE_E_RANGE : result;
}

static int32_t read_int(const hawse_json_value_t *v, uint32_t bits, hawse_u256_t *n)
{
    int32_t result =
        is_prefixed(v) ? hawse_hex_u256(v->data, v->len, n) : hawse_i256_parse(v->data, v->len, n);
    if (result == HAWSE_OK && is_prefixed(v) && hawse_i256_is_negative(n))
        result = HAWSE_E_RANGE;
    return result == HAWSE_OK && !abi_fits_int(n, bits) ? HAWSE_E_RANGE : result;
}

static int32_t read_number(const hawse_abi_node_t *node, const hawse_json_value_t *v,
                           uint8_t word[32])
{
    hawse_u256_t n = hawse_u256(0);
    uint32_t bits = 8u * node->size;
    if (v->kind != HAWSE_JSON_NUMBER && v->kind != HAWSE_JSON_STRING)
        return HAWSE_E_FORMAT;
    int32_t result = node->kind == HAWSE_ABI_UINT ? read_uint(v, bits, &n) : read_int(v, bits, &n);
    hawse_u256_to_be(&n, word);
    return result;
}

static int32_t read_word(const hawse_abi_node_t *node, const hawse_json_value_t *v,
                         uint8_t word[32])
{
    memset(word, 0, 32);
    switch (node->kind) {
    case HAWSE_ABI_UINT:
    case HAWSE_ABI_INT:
        return read_number(node, v, word);
    case HAWSE_ABI_BOOL:
        word[31] = v->kind == HAWSE_JSON_TRUE;
        return v->kind == HAWSE_JSON_TRUE || v->kind == HAWSE_JSON_FALSE ? HAWSE_OK
                                                                         : HAWSE_E_FORMAT;
    case HAWSE_ABI_ADDRESS:
        if (v->kind != HAWSE_JSON_STRING || hawse_eip55_parse(v->data, v->len, word + 12) != 0)
            return HAWSE_E_FORMAT;
        return HAWSE_OK;
    default: /* HAWSE_ABI_FIXED_BYTES */
        if (v->kind != HAWSE_JSON_STRING)
            return HAWSE_E_FORMAT;
        return hawse_hex_fixed(v->data, v->len, word, node->size);
    }
}

/* ---- bytes and strings ---- */

static int32_t hex_parts(struct abi_json *j, const hawse_json_value_t *v)
{
    uint8_t part[PART];
    if (!is_prefixed(v) || v->len % 2 != 0)
        return HAWSE_E_FORMAT;
    for (uint64_t at = 2; at < v->len;) {
        uint64_t n = (v->len - at) / 2 < PART ? (v->len - at) / 2 : PART;
        if (hawse_hex_decode(v->data + at, part, n) != HAWSE_OK)
            return HAWSE_E_FORMAT;
        j->sink->bytes_part(j->self, part, n);
        at += 2 * n;
    }
    return HAWSE_OK;
}

/* Bytes of the escape at p: "\n", "\u00e9", or a pair of surrogates. */
static uint32_t escape_length(const uint8_t *p, uint64_t left)
{
    if (left < 6 || p[1] != 'u')
        return left < 2 ? 1 : 2;
    int high = (p[2] | 0x20) == 'd' &&
               (p[3] == '8' || p[3] == '9' || (p[3] | 0x20) == 'a' || (p[3] | 0x20) == 'b');
    return high && left >= 12 ? 12 : 6;
}

static int32_t string_parts(struct abi_json *j, const hawse_json_value_t *v)
{
    for (uint64_t at = 0; at < v->len;) {
        const uint8_t *p = v->data + at, *escape = memchr(p, '\\', v->len - at);
        uint64_t plain = escape ? (uint64_t)(escape - p) : v->len - at, n = 0;
        j->sink->bytes_part(j->self, p, plain);
        at += plain;
        if (!escape)
            break;
        uint8_t out[4];
        hawse_json_value_t one = *v;
        one.data = escape;
        one.len = escape_length(escape, v->len - at);
        int32_t result = hawse_json_unescape(&one, out, sizeof(out), &n);
        if (result != HAWSE_OK)
            return HAWSE_E_FORMAT;
        j->sink->bytes_part(j->self, out, n);
        at += one.len;
    }
    return HAWSE_OK;
}

static int32_t read_bytes(struct abi_json *j, const hawse_abi_node_t *node,
                          const hawse_json_value_t *v)
{
    if (v->kind != HAWSE_JSON_STRING)
        return HAWSE_E_FORMAT;
    j->sink->bytes_begin(j->self);
    int32_t result = node->kind == HAWSE_ABI_BYTES ? hex_parts(j, v) : string_parts(j, v);
    if (result == HAWSE_OK)
        j->sink->bytes_end(j->self);
    return result;
}

/* ---- tuples and lists ---- */

static int32_t fault(struct abi_json *j, const uint8_t *where, int32_t code)
{
    if (code < 0 && !j->where)
        j->where = where;
    return code;
}

static int64_t count_items(const hawse_json_t *doc, hawse_json_value_t *container)
{
    hawse_json_value_t item;
    int64_t n = 0;
    int32_t more;
    hawse_json_rewind(container);
    while ((more = hawse_json_next(doc, container, NULL, &item)) > 0)
        n++;
    hawse_json_rewind(container);
    return more < 0 ? more : n;
}

/* The member `node` of an object, sought from where the last one was found. */
static int32_t find_member(struct abi_json *j, uint32_t node, hawse_json_value_t *object,
                           uint64_t members, hawse_json_value_t *value)
{
    const hawse_abi_node_t *m = &j->nodes[node];
    hawse_view_t key;
    for (uint64_t i = 0; i <= members; i++) { /* the end takes one step too */
        int32_t more = hawse_json_next(j->doc, object, &key, value);
        if (more < 0)
            return more;
        if (more == 0)
            hawse_json_rewind(object);
        else if (key.len == m->name_len && memcmp(key.data, j->names + m->name_at, key.len) == 0)
            return HAWSE_OK;
    }
    return HAWSE_E_NOTFOUND;
}

/* Says which member of an object is one too many. */
static int32_t too_many(struct abi_json *j, uint32_t tuple, hawse_json_value_t *object)
{
    hawse_view_t key;
    hawse_json_value_t value;
    hawse_json_rewind(object);
    while (hawse_json_next(j->doc, object, &key, &value) > 0) {
        uint32_t child = tuple + 1;
        int known = 0;
        for (uint32_t i = 0; i < j->nodes[tuple].count && !known; i++) {
            const hawse_abi_node_t *m = &j->nodes[child];
            known = m->name_len == key.len && memcmp(j->names + m->name_at, key.data, key.len) == 0;
            child += m->span;
        }
        if (!known)
            return fault(j, key.data, HAWSE_E_EXISTS);
    }
    return fault(j, object->data, HAWSE_E_EXISTS); /* one stands there twice */
}

static int32_t read_object(struct abi_json *j, uint32_t tuple, hawse_json_value_t *object)
{
    int64_t members = count_items(j->doc, object);
    if (members < 0)
        return fault(j, object->data, HAWSE_E_FORMAT);
    if ((uint64_t)members > j->nodes[tuple].count)
        return too_many(j, tuple, object);
    uint32_t child = tuple + 1;
    for (uint32_t i = 0; i < j->nodes[tuple].count; i++) {
        hawse_json_value_t value;
        int32_t result = find_member(j, child, object, (uint64_t)members, &value);
        if (result == HAWSE_OK)
            result = abi_json_value(j, child, &value);
        if (result != HAWSE_OK)
            return fault(j, object->data, result);
        child += j->nodes[child].span;
    }
    return HAWSE_OK;
}

static int32_t read_array(struct abi_json *j, uint32_t child, int step, hawse_json_value_t *array)
{
    hawse_json_value_t value;
    int32_t more;
    while ((more = hawse_json_next(j->doc, array, NULL, &value)) > 0) {
        int32_t result = abi_json_value(j, child, &value);
        if (result != HAWSE_OK)
            return result;
        if (step)
            child += j->nodes[child].span;
    }
    return more == 0 ? HAWSE_OK : fault(j, array->data, HAWSE_E_FORMAT);
}

int32_t abi_json_members(struct abi_json *j, uint32_t node, hawse_json_value_t *value)
{
    if (value->kind == HAWSE_JSON_OBJECT)
        return read_object(j, node, value);
    if (value->kind != HAWSE_JSON_ARRAY || !j->arrays)
        return fault(j, value->data, HAWSE_E_FORMAT);
    int64_t count = count_items(j->doc, value);
    if (count != j->nodes[node].count)
        return fault(j, value->data, count < 0 ? HAWSE_E_FORMAT : HAWSE_E_RANGE);
    return read_array(j, node + 1, 1, value);
}

static int32_t read_container(struct abi_json *j, uint32_t node, hawse_json_value_t *value)
{
    const hawse_abi_node_t *type = &j->nodes[node];
    if (type->kind == HAWSE_ABI_TUPLE) {
        j->sink->open(j->self, 0);
        int32_t result = abi_json_members(j, type->ref ? type->ref - 1 : node, value);
        if (result == HAWSE_OK)
            j->sink->close(j->self);
        return result;
    }
    if (value->kind != HAWSE_JSON_ARRAY)
        return fault(j, value->data, HAWSE_E_FORMAT);
    int64_t count = count_items(j->doc, value);
    if (count < 0)
        return fault(j, value->data, HAWSE_E_FORMAT);
    if (!(type->flags & HAWSE_ABI_OPEN) && count != type->count)
        return fault(j, value->data, HAWSE_E_RANGE);
    j->sink->open(j->self, (uint64_t)count);
    int32_t result = read_array(j, node + 1, 0, value);
    if (result == HAWSE_OK)
        j->sink->close(j->self);
    return result;
}

int32_t abi_json_value(struct abi_json *j, uint32_t node, hawse_json_value_t *value)
{
    const hawse_abi_node_t *type = &j->nodes[node];
    if (type->kind == HAWSE_ABI_TUPLE || type->kind == HAWSE_ABI_LIST) {
        if (j->depth + 1 >= HAWSE_ABI_DEPTH)
            return fault(j, value->data, HAWSE_E_LIMIT);
        j->depth++;
        int32_t result = read_container(j, node, value);
        j->depth--;
        return result;
    }
    if (type->kind == HAWSE_ABI_BYTES || type->kind == HAWSE_ABI_STRING)
        return fault(j, value->data, read_bytes(j, type, value));
    uint8_t word[32];
    int32_t result = read_word(type, value, word);
    if (result == HAWSE_OK)
        j->sink->word(j->self, word);
    return fault(j, value->data, result);
}
