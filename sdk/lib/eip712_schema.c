/*
 * Types of EIP-712 into a schema, and their hashes; see hawse/eip712.h.
 */
#include "abi_tree.h"

#include <hawse/eip712.h>

#include <string.h>

/* The grammar leaves no choice of spaces, though the reader of types does. */
static int spaces_are_canonical(const char *text, uint64_t len, uint64_t *where)
{
    for (uint64_t i = 0; i < len; i++) {
        int name_before = i > 0 && text[i - 1] != ' ' && text[i - 1] != ',' && text[i - 1] != '(';
        int name_behind = i + 1 < len && text[i + 1] != ' ' && text[i + 1] != ',' &&
                          text[i + 1] != '(' && text[i + 1] != ')' && text[i + 1] != '[';
        *where = i;
        if (text[i] == '\t' || text[i] == '\n' || (text[i] == ' ' && !(name_before && name_behind)))
            return 0;
    }
    return 1;
}

static int same_text(const char *text, uint32_t a, uint32_t a_len, uint32_t b, uint32_t b_len)
{
    return a_len == b_len && memcmp(text + a, text + b, a_len) == 0;
}

int32_t hawse_eip712_find(const hawse_eip712_schema_t *schema, const char *name, uint64_t len)
{
    for (uint32_t i = 0; i < schema->struct_count; i++) {
        const hawse_eip712_struct_t *s = &schema->structs[i];
        if (s->name_len == len && memcmp(schema->text + s->name_at, name, len) == 0)
            return (int32_t)i;
    }
    return HAWSE_E_NOTFOUND;
}

/* No two members of one struct have the same name. */
static int32_t check_members(const hawse_eip712_schema_t *schema, uint32_t tuple, uint64_t *where)
{
    const hawse_abi_node_t *nodes = schema->nodes;
    uint32_t a = tuple + 1;
    for (uint32_t i = 0; i < nodes[tuple].count; i++, a += nodes[a].span) {
        for (uint32_t b = tuple + 1; b < a; b += nodes[b].span) {
            if (same_text(schema->text, nodes[a].name_at, nodes[a].name_len, nodes[b].name_at,
                          nodes[b].name_len)) {
                *where = nodes[a].name_at;
                return HAWSE_E_EXISTS;
            }
        }
    }
    return HAWSE_OK;
}

static int32_t read_struct(hawse_eip712_schema_t *schema, struct abi_tree *t)
{
    struct abi_word name = abi_text_word(&t->in);
    struct abi_elementary type;
    t->in.at = name.at;
    if (name.len == 0 || abi_word_elementary(&name, &type) || abi_word_foreign(&name))
        return HAWSE_E_FORMAT;
    if (hawse_eip712_find(schema, name.text, name.len) >= 0)
        return HAWSE_E_EXISTS;
    if (schema->struct_count == HAWSE_EIP712_STRUCTS_MAX)
        return HAWSE_E_LIMIT;
    t->in.at = name.at + name.len;
    uint32_t node = abi_tree_add(t, HAWSE_ABI_TUPLE);
    if (node == UINT32_MAX)
        return HAWSE_E_LIMIT;
    if (!abi_text_take(&t->in, '('))
        return HAWSE_E_FORMAT;
    int32_t result = abi_tree_members(t, node, ')');
    if (result != HAWSE_OK)
        return result;
    hawse_eip712_struct_t *s = &schema->structs[schema->struct_count++];
    s->node = node;
    s->name_at = (uint32_t)name.at;
    s->name_len = (uint32_t)name.len;
    s->text_len = (uint32_t)(t->in.at - name.at);
    return check_members(schema, node, &t->in.at);
}

/* Names of structs become references to their TUPLEs. */
static int32_t resolve(hawse_eip712_schema_t *schema, uint64_t *where)
{
    for (uint32_t i = 0; i < schema->node_count; i++) {
        hawse_abi_node_t *node = &schema->nodes[i];
        if (node->kind != HAWSE_ABI_TUPLE || node->ref == 0)
            continue;
        *where = node->inner;
        int32_t which = hawse_eip712_find(schema, schema->text + node->inner, node->ref);
        if (which < 0)
            return which;
        node->ref = schema->structs[which].node + 1;
        node->count = schema->nodes[schema->structs[which].node].count;
        node->inner = 0;
    }
    return HAWSE_OK;
}

/* ---- type hashes ---- */

/* The structs that the members of struct `which` name, as bits. */
static uint32_t uses(const hawse_eip712_schema_t *schema, uint32_t which)
{
    uint32_t found = 0, tuple = schema->structs[which].node;
    for (uint32_t i = tuple + 1; i < tuple + schema->nodes[tuple].span; i++) {
        for (uint32_t k = 0; k < schema->struct_count; k++) {
            if (schema->nodes[i].ref == schema->structs[k].node + 1)
                found |= 1u << k;
        }
    }
    return found;
}

static uint32_t uses_all(const hawse_eip712_schema_t *schema, uint32_t which)
{
    uint32_t all = uses(schema, which), before = 0;
    while (all != before) {
        before = all;
        for (uint32_t k = 0; k < schema->struct_count; k++) {
            if (before >> k & 1)
                all |= uses(schema, k);
        }
    }
    return all & ~(1u << which);
}

static int name_is_before(const hawse_eip712_schema_t *schema, uint32_t a, uint32_t b)
{
    const hawse_eip712_struct_t *x = &schema->structs[a], *y = &schema->structs[b];
    uint32_t shared = x->name_len < y->name_len ? x->name_len : y->name_len;
    int order = memcmp(schema->text + x->name_at, schema->text + y->name_at, shared);
    return order < 0 || (order == 0 && x->name_len < y->name_len);
}

/* The numbers of the structs of an encodeType in its order; returns how many. */
static uint32_t type_order(const hawse_eip712_schema_t *schema, uint32_t which,
                           uint32_t order[HAWSE_EIP712_STRUCTS_MAX])
{
    uint32_t n = 1, left = uses_all(schema, which);
    order[0] = which;
    while (left != 0) {
        uint32_t first = UINT32_MAX;
        for (uint32_t k = 0; k < schema->struct_count; k++) {
            if ((left >> k & 1) && (first == UINT32_MAX || name_is_before(schema, k, first)))
                first = k;
        }
        left &= ~(1u << first);
        order[n++] = first;
    }
    return n;
}

static void hash_type(hawse_eip712_schema_t *schema, uint32_t which)
{
    uint32_t order[HAWSE_EIP712_STRUCTS_MAX], n = type_order(schema, which, order);
    hawse_keccak_t hash;
    hawse_keccak_init(&hash);
    for (uint32_t i = 0; i < n; i++) {
        const hawse_eip712_struct_t *s = &schema->structs[order[i]];
        hawse_keccak_update(&hash, (const uint8_t *)schema->text + s->name_at, s->text_len);
    }
    hawse_keccak_final(&hash, schema->structs[which].hash);
}

int32_t hawse_eip712_encode_type(const hawse_eip712_schema_t *schema, uint32_t which,
                                 hawse_writer_t *out)
{
    uint32_t order[HAWSE_EIP712_STRUCTS_MAX];
    if (which >= schema->struct_count)
        return HAWSE_E_INVAL;
    uint32_t n = type_order(schema, which, order);
    for (uint32_t i = 0; i < n; i++) {
        const hawse_eip712_struct_t *s = &schema->structs[order[i]];
        hawse_writer_put(out, schema->text + s->name_at, s->text_len);
    }
    return hawse_writer_end(out);
}

/* ---- the whole ---- */

static int32_t read_schema(hawse_eip712_schema_t *schema, struct abi_tree *t)
{
    if (!spaces_are_canonical(schema->text, schema->text_len, &t->in.at))
        return HAWSE_E_FORMAT;
    t->in.at = 0;
    do {
        int32_t result = read_struct(schema, t);
        if (result != HAWSE_OK)
            return result;
    } while (t->in.at < t->in.len);
    schema->node_count = t->count;
    return resolve(schema, &t->in.at);
}

int32_t hawse_eip712_parse(hawse_eip712_schema_t *schema, const char *text, uint64_t len,
                           uint64_t *where)
{
    memset(schema, 0, offsetof(hawse_eip712_schema_t, nodes));
    if (len > HAWSE_EIP712_TEXT_MAX) {
        if (where)
            *where = HAWSE_EIP712_TEXT_MAX;
        return HAWSE_E_LIMIT;
    }
    memmove(schema->text, text, len); /* which may be there already */
    schema->text_len = (uint32_t)len;
    struct abi_tree t = {
        .in = {.text = schema->text, .len = len},
        .nodes = schema->nodes,
        .cap = HAWSE_EIP712_NODES_MAX,
        .structs = 1,
    };
    hawse_keccak_init(&t.in.hash);
    int32_t result = read_schema(schema, &t);
    if (result != HAWSE_OK) {
        if (where)
            *where = t.in.at;
        return result;
    }
    for (uint32_t i = 0; i < schema->struct_count; i++)
        hash_type(schema, i);
    return HAWSE_OK;
}
