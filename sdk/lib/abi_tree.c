/*
 * Types of any depth into nodes; see abi_tree.h. The nodes of a type stand behind one another in
 * the order of its text, but for lists, which stand before the element that was read first.
 */
#include "abi_tree.h"

#include <string.h>

uint32_t abi_tree_add(struct abi_tree *t, uint8_t kind)
{
    if (t->count == t->cap)
        return UINT32_MAX;
    hawse_abi_node_t *node = &t->nodes[t->count];
    memset(node, 0, sizeof(*node));
    node->kind = kind;
    node->span = 1;
    return t->count++;
}

static int32_t read_tuple(struct abi_tree *t)
{
    uint32_t tuple = abi_tree_add(t, HAWSE_ABI_TUPLE);
    if (tuple == UINT32_MAX || t->depth == HAWSE_ABI_DEPTH)
        return HAWSE_E_LIMIT;
    t->depth++;
    abi_text_hash(&t->in, "(", 1);
    int32_t result = abi_tree_members(t, tuple, ')');
    abi_text_hash(&t->in, ")", 1);
    t->depth--;
    return result;
}

/* A type that is named: elementary, or a struct where these are known. */
static int32_t read_named(struct abi_tree *t, const struct abi_word *w)
{
    struct abi_elementary type = {0, 0};
    int alias = abi_word_is(w, "uint") || abi_word_is(w, "int");
    int known = abi_word_elementary(w, &type);
    if (!known && (abi_word_foreign(w) || !t->structs))
        return w->len == 0 ? HAWSE_E_FORMAT : HAWSE_E_UNSUPPORTED;
    if (w->len == 0)
        return HAWSE_E_FORMAT;
    if (alias && t->structs)
        return HAWSE_E_UNSUPPORTED;
    uint32_t i = abi_tree_add(t, known ? type.kind : HAWSE_ABI_TUPLE);
    if (i == UINT32_MAX)
        return HAWSE_E_LIMIT;
    t->nodes[i].size = type.size;
    if (!known) {
        t->nodes[i].inner = (uint32_t)w->at;
        t->nodes[i].ref = (uint32_t)w->len;
    }
    abi_text_hash(&t->in, w->text, w->len);
    if (alias)
        abi_text_hash(&t->in, "256", 3);
    return HAWSE_OK;
}

/* The dimensions behind the type at node `base`, each of which becomes the outermost. */
static int32_t read_lists(struct abi_tree *t, uint32_t base)
{
    uint32_t count, depth = t->depth;
    int32_t more;
    while ((more = abi_text_dimension(&t->in, &count)) > 0) {
        if (abi_tree_add(t, HAWSE_ABI_LIST) == UINT32_MAX || ++depth > HAWSE_ABI_DEPTH)
            return HAWSE_E_LIMIT;
        hawse_abi_node_t list = t->nodes[t->count - 1];
        list.span = t->count - base;
        list.count = count;
        list.flags = count == 0 ? HAWSE_ABI_OPEN : 0;
        memmove(&t->nodes[base + 1], &t->nodes[base], (t->count - 1 - base) * sizeof(list));
        t->nodes[base] = list;
    }
    return more;
}

/* One type with its dimensions. */
static int32_t read_type(struct abi_tree *t)
{
    uint32_t base = t->count;
    abi_text_skip_spaces(&t->in);
    uint64_t begin = t->in.at;
    struct abi_word w = abi_text_word(&t->in);
    if (w.len > 0 && (!abi_word_is(&w, "tuple") || t->structs)) {
        int32_t result = read_named(t, &w);
        if (result != HAWSE_OK) {
            t->in.at = begin;
            return result;
        }
    } else if (!t->structs && abi_text_take(&t->in, '(')) {
        int32_t result = read_tuple(t);
        if (result != HAWSE_OK)
            return result;
        if (t->nodes[base].count == 0) { /* Solidity has no empty tuple */
            t->in.at = begin;
            return HAWSE_E_FORMAT;
        }
    } else {
        return HAWSE_E_FORMAT;
    }
    return read_lists(t, base);
}

/* What may stand between a type and its name. */
static int is_location(const struct abi_word *w)
{
    return abi_word_is(w, "calldata") || abi_word_is(w, "memory") || abi_word_is(w, "storage") ||
           abi_word_is(w, "payable");
}

static int32_t read_member(struct abi_tree *t)
{
    uint32_t node = t->count;
    abi_text_skip_spaces(&t->in);
    uint64_t begin = t->in.at;
    int32_t result = read_type(t);
    if (result != HAWSE_OK)
        return result;
    struct abi_word w = abi_text_word(&t->in);
    while (!t->structs && is_location(&w))
        w = abi_text_word(&t->in);
    if (t->event && t->depth == 1 && abi_word_is(&w, "indexed")) {
        if (++t->indexed > 3) {
            t->in.at = begin;
            return HAWSE_E_FORMAT;
        }
        t->nodes[node].flags |= HAWSE_ABI_INDEXED;
        w = abi_text_word(&t->in);
    }
    t->nodes[node].name_at = (uint32_t)w.at;
    t->nodes[node].name_len = (uint32_t)w.len;
    return w.len == 0 && t->structs ? HAWSE_E_FORMAT : HAWSE_OK; /* members of structs have names */
}

int32_t abi_tree_members(struct abi_tree *t, uint32_t tuple, char end)
{
    abi_text_skip_spaces(&t->in);
    int empty = end ? abi_text_take(&t->in, end) : t->in.at == t->in.len;
    if (!empty) {
        do {
            if (t->nodes[tuple].count > 0)
                abi_text_hash(&t->in, ",", 1);
            int32_t result = read_member(t);
            if (result != HAWSE_OK)
                return result;
            t->nodes[tuple].count++;
        } while (abi_text_take(&t->in, ','));
        abi_text_skip_spaces(&t->in);
        if (end ? !abi_text_take(&t->in, end) : t->in.at != t->in.len)
            return HAWSE_E_FORMAT;
    }
    t->nodes[tuple].span = t->count - tuple;
    return HAWSE_OK;
}

int32_t abi_tree_params(struct abi_tree *t)
{
    return abi_text_take(&t->in, '(') ? read_tuple(t) : HAWSE_E_FORMAT;
}

/* ---- heads ---- */

static int32_t measure_tuple(hawse_abi_node_t *nodes, uint32_t i)
{
    uint64_t head = 0;
    uint32_t child = i + 1;
    for (uint32_t k = 0; k < nodes[i].count; k++) {
        head += nodes[child].head;
        nodes[i].flags |= nodes[child].flags & HAWSE_ABI_DYNAMIC;
        child += nodes[child].span;
    }
    if (head > 32ull * HAWSE_ABI_ARRAY_MAX)
        return HAWSE_E_LIMIT;
    nodes[i].inner = (uint32_t)head;
    nodes[i].head = nodes[i].flags & HAWSE_ABI_DYNAMIC ? 32 : (uint32_t)head;
    return HAWSE_OK;
}

static int32_t measure_list(hawse_abi_node_t *nodes, uint32_t i)
{
    uint64_t head = (uint64_t)nodes[i].count * nodes[i + 1].head;
    if (head > 32ull * HAWSE_ABI_ARRAY_MAX)
        return HAWSE_E_LIMIT;
    nodes[i].inner = nodes[i + 1].head;
    nodes[i].flags |= nodes[i + 1].flags & HAWSE_ABI_DYNAMIC;
    if (nodes[i].flags & HAWSE_ABI_OPEN)
        nodes[i].flags |= HAWSE_ABI_DYNAMIC;
    nodes[i].head = nodes[i].flags & HAWSE_ABI_DYNAMIC ? 32 : (uint32_t)head;
    return HAWSE_OK;
}

int32_t abi_tree_measure(hawse_abi_node_t *nodes, uint32_t count)
{
    for (uint32_t i = count; i-- > 0;) { /* children stand behind their parents */
        int32_t result = HAWSE_OK;
        if (nodes[i].kind == HAWSE_ABI_TUPLE)
            result = measure_tuple(nodes, i);
        else if (nodes[i].kind == HAWSE_ABI_LIST)
            result = measure_list(nodes, i);
        else
            nodes[i].head = 32;
        if (nodes[i].kind == HAWSE_ABI_BYTES || nodes[i].kind == HAWSE_ABI_STRING)
            nodes[i].flags |= HAWSE_ABI_DYNAMIC;
        if (result != HAWSE_OK)
            return result;
    }
    return HAWSE_OK;
}
