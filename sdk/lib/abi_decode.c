/*
 * The Solidity ABI into values; see hawse/abi_codec.h. Every offset is compared with the length of
 * the data before it is followed. The whole is walked once before anything is given out, so that a
 * caller never acts upon the first half of what turns out to be wrong.
 */
#include "abi_value.h"

#include <hawse/abi_codec.h>
#include <hawse/u256.h>

#include <string.h>

/* ---- one value ---- */

/* Where the value with a dynamic type at `head` begins. */
static int32_t follow(const hawse_abi_reader_t *r, const hawse_abi_frame_t *f, uint64_t *at)
{
    uint64_t offset;
    if (r->len < 32 || f->head > r->len - 32)
        return HAWSE_E_RANGE;
    offset = abi_small_number(r->data + f->head);
    if (offset > r->len || f->base > r->len - offset)
        return HAWSE_E_RANGE;
    *at = f->base + offset;
    if ((r->flags & HAWSE_ABI_CANONICAL) && *at != r->tail)
        return HAWSE_E_FORMAT;
    return HAWSE_OK;
}

static int32_t read_bytes(hawse_abi_reader_t *r, const hawse_abi_frame_t *f, hawse_abi_value_t *v)
{
    uint64_t at;
    int32_t result = follow(r, f, &at);
    if (result == HAWSE_OK)
        result = abi_bytes_at(r->data, r->len, at, &v->as.span);
    if (result != HAWSE_OK)
        return result;
    uint64_t size = v->as.span.len, end = v->as.span.offset + size + (32 - size % 32) % 32;
    if ((r->flags & HAWSE_ABI_CANONICAL) && end > r->len)
        return HAWSE_E_FORMAT;
    r->tail = end;
    return HAWSE_OK;
}

/* A tuple or list: where the heads of its values are, all of them inside the data. */
static int32_t read_container(hawse_abi_reader_t *r, const hawse_abi_frame_t *f,
                              const hawse_abi_node_t *node, hawse_abi_value_t *v)
{
    uint64_t at = f->head, count = node->count;
    int dynamic = (node->flags & HAWSE_ABI_DYNAMIC) != 0;
    if (dynamic) {
        int32_t result = follow(r, f, &at);
        if (result != HAWSE_OK)
            return result;
    }
    if (node->flags & HAWSE_ABI_OPEN) {
        if (r->len < 32 || at > r->len - 32)
            return HAWSE_E_RANGE;
        count = abi_small_number(r->data + at);
        at += 32;
    }
    uint64_t heads = node->kind == HAWSE_ABI_LIST ? node->inner : 1;
    if (node->kind == HAWSE_ABI_LIST ? count > (r->len - at) / heads : node->inner > r->len - at)
        return HAWSE_E_RANGE;
    heads = node->kind == HAWSE_ABI_LIST ? count * node->inner : node->inner;
    if (dynamic)
        r->tail = at + heads;
    v->as.span.offset = at;
    v->as.span.len = heads;
    v->as.span.count = count;
    r->last = (hawse_abi_frame_t){f->child, f->child + 1, count, count, at, at};
    return HAWSE_OK;
}

/* The value whose turn it is in f. */
static int32_t read_value(hawse_abi_reader_t *r, const hawse_abi_frame_t *f, hawse_abi_value_t *v)
{
    const hawse_abi_node_t *node = &r->nodes[f->child];
    memset(v, 0, sizeof(*v));
    v->kind = node->kind;
    v->size = node->size;
    v->flags = node->flags;
    if (node->kind == HAWSE_ABI_TUPLE || node->kind == HAWSE_ABI_LIST)
        return read_container(r, f, node, v);
    if (node->kind == HAWSE_ABI_BYTES || node->kind == HAWSE_ABI_STRING)
        return read_bytes(r, f, v);
    if (r->len < 32 || f->head > r->len - 32)
        return HAWSE_E_RANGE;
    return abi_decode_word(r->data + f->head, v);
}

/* The turn passes to the next value. */
static void pass(hawse_abi_reader_t *r)
{
    hawse_abi_frame_t *f = &r->frames[r->depth - 1];
    const hawse_abi_node_t *node = &r->nodes[f->child];
    f->head += node->head;
    f->left--;
    if (r->nodes[f->node].kind == HAWSE_ABI_TUPLE)
        f->child += node->span;
}

/* ---- the walk ---- */

int32_t hawse_abi_read(hawse_abi_reader_t *r, hawse_abi_value_t *value)
{
    r->last.node = 0; /* which is never inside another one */
    if (r->frames[r->depth - 1].left == 0)
        return 0;
    int32_t result = read_value(r, &r->frames[r->depth - 1], value);
    if (result != HAWSE_OK)
        return result;
    pass(r);
    return 1;
}

int32_t hawse_abi_take(hawse_abi_reader_t *r, uint32_t kind, hawse_abi_value_t *value)
{
    const hawse_abi_frame_t *f = &r->frames[r->depth - 1];
    if (f->left == 0 || r->nodes[f->child].kind != kind)
        return HAWSE_E_INVAL;
    int32_t result = hawse_abi_read(r, value);
    return result == 1 ? HAWSE_OK : result;
}

int32_t hawse_abi_enter(hawse_abi_reader_t *r)
{
    if (r->last.node == 0)
        return HAWSE_E_STATE;
    if (r->depth == HAWSE_ABI_DEPTH)
        return HAWSE_E_LIMIT;
    r->frames[r->depth++] = r->last;
    r->last.node = 0;
    return HAWSE_OK;
}

int32_t hawse_abi_leave(hawse_abi_reader_t *r)
{
    if (r->depth < 2)
        return HAWSE_E_STATE;
    r->depth--;
    r->last.node = 0;
    return HAWSE_OK;
}

int32_t hawse_abi_seek(hawse_abi_reader_t *r, uint64_t index)
{
    hawse_abi_frame_t *f = &r->frames[r->depth - 1];
    if (index >= f->count)
        return HAWSE_E_RANGE;
    f->child = f->node + 1;
    f->head = f->base;
    f->left = f->count;
    r->last.node = 0;
    if (r->nodes[f->node].kind == HAWSE_ABI_LIST) {
        f->head += index * r->nodes[f->node].inner;
        f->left -= index;
    } else {
        for (uint64_t i = 0; i < index; i++)
            pass(r);
    }
    return HAWSE_OK;
}

hawse_view_t hawse_abi_view(const hawse_abi_reader_t *r, const hawse_abi_value_t *value)
{
    hawse_view_t view = {r->data + value->as.span.offset, value->as.span.len};
    return view;
}

/* ---- the check ---- */

/* Goes through every value. A word can stand for itself and for the tuples and lists around it;
 * offsets that share words must not make more of them than that. */
static int32_t check_all(hawse_abi_reader_t *r, uint64_t *where)
{
    uint64_t budget = (r->len / 32 + 1) * HAWSE_ABI_DEPTH;
    for (;;) {
        hawse_abi_value_t v;
        *where = r->frames[r->depth - 1].head;
        int32_t more = hawse_abi_read(r, &v);
        if (more < 0)
            return more;
        if (more == 0) {
            if (r->depth == 1)
                return HAWSE_OK;
            r->depth--;
            continue;
        }
        uint64_t words = 1;
        if (v.kind == HAWSE_ABI_BYTES || v.kind == HAWSE_ABI_STRING)
            words += v.as.span.len / 32;
        if (words > budget)
            return HAWSE_E_LIMIT;
        budget -= words;
        if (v.kind == HAWSE_ABI_TUPLE || v.kind == HAWSE_ABI_LIST) {
            int32_t result = hawse_abi_enter(r);
            if (result != HAWSE_OK)
                return result;
        }
    }
}

int32_t hawse_abi_read_begin(hawse_abi_reader_t *r, const hawse_abi_declaration_t *d, uint32_t node,
                             const uint8_t *data, uint64_t len, uint32_t flags, uint64_t *where)
{
    uint64_t place = 0;
    if (node >= d->node_count || d->nodes[node].kind != HAWSE_ABI_TUPLE ||
        (flags & ~HAWSE_ABI_CANONICAL))
        return HAWSE_E_INVAL;
    const hawse_abi_node_t *root = &d->nodes[node];
    hawse_abi_frame_t first = {node, node + 1, root->count, root->count, 0, 0};
    memset(r, 0, sizeof(*r));
    r->nodes = d->nodes;
    r->data = data;
    r->len = len;
    r->flags = flags;
    r->frames[0] = first;
    r->depth = 1;
    r->tail = root->inner;
    int32_t result = root->inner > len ? HAWSE_E_RANGE : check_all(r, &place);
    if (result == HAWSE_OK && (flags & HAWSE_ABI_CANONICAL) && r->tail != len) {
        place = r->tail;
        result = HAWSE_E_FORMAT;
    }
    if (where)
        *where = root->inner > len ? len : place;
    r->flags = 0; /* what was checked need not be met in order */
    r->frames[0] = first;
    r->last.node = 0;
    return result;
}

int32_t hawse_abi_call_read(hawse_abi_reader_t *r, const hawse_abi_declaration_t *d,
                            const uint8_t *data, uint64_t len, uint32_t flags, uint64_t *where)
{
    if (d->form != HAWSE_ABI_FUNCTION && d->form != HAWSE_ABI_ERROR)
        return HAWSE_E_INVAL;
    if (where)
        *where = 0;
    if (len < 4 || memcmp(data, d->hash, 4) != 0)
        return len < 4 ? HAWSE_E_RANGE : HAWSE_E_NOTFOUND;
    int32_t result = hawse_abi_read_begin(r, d, d->inputs, data + 4, len - 4, flags, where);
    if (where)
        *where += 4;
    return result;
}
