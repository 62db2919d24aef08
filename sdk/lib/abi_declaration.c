/*
 * Declarations of functions, errors, events and constructors; see hawse/abi_type.h. Types are read
 * by abi_tree.c.
 */
#include "abi_tree.h"

#include <string.h>

static int is_modifier(const struct abi_word *w)
{
    static const char *const words[] = {"external", "public",     "view",    "pure",
                                        "payable",  "nonpayable", "virtual", "override",
                                        "constant", "internal",   "private"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (abi_word_is(w, words[i]))
            return 1;
    }
    return 0;
}

/* What the first word says, when another one or "(" follows as the form has it. */
static uint32_t read_form(struct abi_tree *t, struct abi_word *name)
{
    static const struct {
        const char *word;
        uint32_t form;
    } forms[] = {
        {"function", HAWSE_ABI_FUNCTION}, {"error", HAWSE_ABI_ERROR}, {"event", HAWSE_ABI_EVENT}};
    struct abi_word first = abi_text_word(&t->in);
    uint64_t behind = first.at + first.len;
    *name = abi_text_word(&t->in);
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]) && name->len > 0; i++) {
        if (abi_word_is(&first, forms[i].word))
            return forms[i].form;
    }
    *name = first;
    t->in.at = behind;
    if (abi_word_is(&first, "constructor")) {
        name->len = 0;
        return HAWSE_ABI_CONSTRUCTOR;
    }
    return HAWSE_ABI_FUNCTION;
}

/* The data of an event: its parameters but for those that are indexed. */
static int32_t add_event_data(struct abi_tree *t, hawse_abi_declaration_t *d)
{
    uint32_t data = abi_tree_add(t, HAWSE_ABI_TUPLE), from = 1;
    if (data == UINT32_MAX)
        return HAWSE_E_LIMIT;
    d->outputs = data;
    for (uint32_t i = 0; i < t->nodes[0].count; i++, from += t->nodes[from].span) {
        if (t->nodes[from].flags & HAWSE_ABI_INDEXED)
            continue;
        if (t->nodes[from].span > t->cap - t->count)
            return HAWSE_E_LIMIT;
        memcpy(&t->nodes[t->count], &t->nodes[from], t->nodes[from].span * sizeof(t->nodes[0]));
        t->count += t->nodes[from].span;
        t->nodes[data].count++;
    }
    t->nodes[data].span = t->count - data;
    return HAWSE_OK;
}

/* Modifiers and what is returned. */
static int32_t read_behind(struct abi_tree *t, hawse_abi_declaration_t *d)
{
    struct abi_word w;
    int function = d->form == HAWSE_ABI_FUNCTION, constructor = d->form == HAWSE_ABI_CONSTRUCTOR;
    while ((w = abi_text_word(&t->in)).len > 0) {
        if (function && abi_word_is(&w, "returns")) {
            d->outputs = t->count;
            int32_t result = abi_tree_params(t);
            if (result != HAWSE_OK)
                return result;
            break;
        }
        if (!(function || constructor) || !is_modifier(&w)) {
            t->in.at = w.at;
            return abi_word_is(&w, "anonymous") ? HAWSE_E_UNSUPPORTED : HAWSE_E_FORMAT;
        }
    }
    (void)abi_text_take(&t->in, ';');
    abi_text_skip_spaces(&t->in);
    return t->in.at == t->in.len ? HAWSE_OK : HAWSE_E_FORMAT;
}

static int32_t read_declaration(struct abi_tree *t, hawse_abi_declaration_t *d)
{
    struct abi_word name;
    d->form = read_form(t, &name);
    d->name_at = (uint32_t)name.at;
    d->name_len = (uint32_t)name.len;
    if (name.len == 0 && d->form != HAWSE_ABI_CONSTRUCTOR)
        return HAWSE_E_FORMAT;
    abi_text_hash(&t->in, name.text, name.len);
    t->event = d->form == HAWSE_ABI_EVENT;
    int32_t result = abi_tree_params(t);
    if (result != HAWSE_OK)
        return result;
    if (d->form != HAWSE_ABI_CONSTRUCTOR)
        hawse_keccak_final(&t->in.hash, d->hash);
    hawse_keccak_init(&t->in.hash); /* what is returned is not part of it */
    t->event = 0;
    result = read_behind(t, d);
    return result == HAWSE_OK && d->form == HAWSE_ABI_EVENT ? add_event_data(t, d) : result;
}

static int32_t read_types(struct abi_tree *t, hawse_abi_declaration_t *d)
{
    d->form = HAWSE_ABI_TYPES;
    t->depth = 1;
    return abi_tree_members(t, abi_tree_add(t, HAWSE_ABI_TUPLE), '\0');
}

static int32_t parse(const char *text, uint64_t len, hawse_abi_declaration_t *d, uint64_t *where,
                     int32_t (*read)(struct abi_tree *t, hawse_abi_declaration_t *d))
{
    struct abi_tree t = {
        .in = {.text = text, .len = len},
        .nodes = d->nodes,
        .cap = HAWSE_ABI_NODES_MAX,
    };
    memset(d, 0, offsetof(hawse_abi_declaration_t, nodes));
    hawse_keccak_init(&t.in.hash);
    int32_t result = len > UINT32_MAX ? HAWSE_E_LIMIT : read(&t, d);
    d->node_count = t.count;
    if (result == HAWSE_OK)
        result = abi_tree_measure(d->nodes, t.count);
    if (result != HAWSE_OK && where)
        *where = t.in.at;
    return result;
}

int32_t hawse_abi_parse(const char *text, uint64_t len, hawse_abi_declaration_t *declaration,
                        uint64_t *where)
{
    return parse(text, len, declaration, where, read_declaration);
}

int32_t hawse_abi_parse_types(const char *text, uint64_t len, hawse_abi_declaration_t *declaration,
                              uint64_t *where)
{
    return parse(text, len, declaration, where, read_types);
}
