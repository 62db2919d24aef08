/*
 * Values into the Solidity ABI; see hawse/abi_codec.h. When a tuple or list is opened, room for the
 * heads of its values is made at the end of the bytes; what is dynamic goes behind them, and its
 * head becomes the offset.
 */
#include "abi_json.h"
#include "abi_value.h"

#include <hawse/abi_codec.h>
#include <hawse/u256.h>

#include <string.h>

static void fail(hawse_abi_encoder_t *e, int32_t code)
{
    if (e->error == HAWSE_OK)
        e->error = code;
}

static hawse_abi_frame_t *top(hawse_abi_encoder_t *e)
{
    return &e->frames[e->depth - 1];
}

/* The node whose turn it is, or NULL. */
static const hawse_abi_node_t *turn(hawse_abi_encoder_t *e)
{
    if (e->error == HAWSE_OK && (e->depth == 0 || top(e)->left == 0))
        fail(e, HAWSE_E_INVAL);
    return e->error ? NULL : &e->nodes[top(e)->child];
}

static const hawse_abi_node_t *turn_of(hawse_abi_encoder_t *e, uint32_t kind)
{
    const hawse_abi_node_t *node = turn(e);
    if (node && node->kind != kind)
        fail(e, HAWSE_E_INVAL);
    return e->error ? NULL : node;
}

/* ---- words ---- */

/* Writes over bytes that are there, when all of them fitted. */
static void write_at(hawse_abi_encoder_t *e, uint64_t at, const uint8_t word[32])
{
    if (e->out->len <= e->out->cap)
        memcpy(e->out->data + at, word, 32);
}

static void number_word(uint64_t n, uint8_t word[32])
{
    hawse_u256_t wide = hawse_u256(n);
    hawse_u256_to_be(&wide, word);
}

/* The turn passes to the next value. */
static void pass(hawse_abi_encoder_t *e)
{
    hawse_abi_frame_t *f = top(e);
    const hawse_abi_node_t *node = &e->nodes[f->child];
    f->head += node->head;
    f->left--;
    if (e->nodes[f->node].kind == HAWSE_ABI_TUPLE)
        f->child += node->span;
}

static void put_word(hawse_abi_encoder_t *e, const uint8_t word[32])
{
    write_at(e, top(e)->head, word);
    pass(e);
}

/* The head of what is appended next: its offset. */
static void put_offset(hawse_abi_encoder_t *e)
{
    uint8_t word[32];
    number_word(e->out->len - top(e)->base, word);
    put_word(e, word);
}

/* ---- elementary values ---- */

static void put_number(hawse_abi_encoder_t *e, uint32_t kind, const hawse_u256_t *n)
{
    uint8_t word[32];
    const hawse_abi_node_t *node = turn_of(e, kind);
    if (!node)
        return;
    if (!abi_fits(kind, node->size, n)) {
        fail(e, HAWSE_E_RANGE);
        return;
    }
    hawse_u256_to_be(n, word);
    put_word(e, word);
}

void hawse_abi_put_uint(hawse_abi_encoder_t *e, const hawse_u256_t *n)
{
    put_number(e, HAWSE_ABI_UINT, n);
}

void hawse_abi_put_u64(hawse_abi_encoder_t *e, uint64_t n)
{
    hawse_u256_t wide = hawse_u256(n);
    put_number(e, HAWSE_ABI_UINT, &wide);
}

void hawse_abi_put_int(hawse_abi_encoder_t *e, const hawse_u256_t *n)
{
    put_number(e, HAWSE_ABI_INT, n);
}

void hawse_abi_put_bool(hawse_abi_encoder_t *e, int32_t truth)
{
    uint8_t word[32];
    number_word(truth ? 1 : 0, word);
    if (turn_of(e, HAWSE_ABI_BOOL))
        put_word(e, word);
}

void hawse_abi_put_address(hawse_abi_encoder_t *e, const uint8_t address[20])
{
    uint8_t word[32] = {0};
    memcpy(word + 12, address, 20);
    if (turn_of(e, HAWSE_ABI_ADDRESS))
        put_word(e, word);
}

void hawse_abi_put_fixed_bytes(hawse_abi_encoder_t *e, const uint8_t *bytes, uint64_t len)
{
    uint8_t word[32] = {0};
    const hawse_abi_node_t *node = turn_of(e, HAWSE_ABI_FIXED_BYTES);
    if (node && node->size != len)
        fail(e, HAWSE_E_RANGE);
    if (e->error)
        return;
    memcpy(word, bytes, len);
    put_word(e, word);
}

/* Bytes in parts: the word of their length is filled in at the end. */
static void begin_bytes(hawse_abi_encoder_t *e)
{
    put_offset(e);
    e->part_at = e->out->len;
    hawse_writer_fill(e->out, 0, 32);
}

static void end_bytes(hawse_abi_encoder_t *e)
{
    uint8_t word[32];
    uint64_t len = e->out->len - e->part_at - 32;
    number_word(len, word);
    write_at(e, e->part_at, word);
    hawse_writer_fill(e->out, 0, (32 - len % 32) % 32);
}

void hawse_abi_put_bytes(hawse_abi_encoder_t *e, const void *bytes, uint64_t len)
{
    const hawse_abi_node_t *node = turn(e);
    if (node && node->kind != HAWSE_ABI_BYTES && node->kind != HAWSE_ABI_STRING)
        fail(e, HAWSE_E_INVAL);
    if (e->error)
        return;
    begin_bytes(e);
    hawse_writer_put(e->out, bytes, len);
    end_bytes(e);
}

/* ---- tuples and lists ---- */

/* Opens node number `node` with `count` values whose heads begin at `head`. */
static void push(hawse_abi_encoder_t *e, uint32_t node, uint64_t count, uint64_t head)
{
    if (e->depth == HAWSE_ABI_DEPTH) {
        fail(e, HAWSE_E_LIMIT);
        return;
    }
    e->frames[e->depth++] = (hawse_abi_frame_t){node, node + 1, count, count, head, head};
}

static void open_container(hawse_abi_encoder_t *e, const hawse_abi_node_t *node, uint64_t count)
{
    uint32_t number = top(e)->child;
    uint64_t head = top(e)->head;
    uint64_t room = node->kind == HAWSE_ABI_LIST ? count * node->inner : node->inner;
    if (!(node->flags & HAWSE_ABI_DYNAMIC)) { /* its values stand among its neighbours */
        pass(e);
        push(e, number, count, head);
        return;
    }
    put_offset(e);
    if (node->flags & HAWSE_ABI_OPEN) {
        uint8_t word[32];
        number_word(count, word);
        hawse_writer_put(e->out, word, 32);
    }
    head = e->out->len;
    hawse_writer_fill(e->out, 0, room);
    push(e, number, count, head);
}

void hawse_abi_open(hawse_abi_encoder_t *e, uint64_t count)
{
    const hawse_abi_node_t *node = turn(e);
    if (!node)
        return;
    int tuple = node->kind == HAWSE_ABI_TUPLE;
    if ((tuple && count != 0) || (!tuple && node->kind != HAWSE_ABI_LIST))
        fail(e, HAWSE_E_INVAL);
    else if (!tuple && !(node->flags & HAWSE_ABI_OPEN) && node->count != count)
        fail(e, HAWSE_E_RANGE);
    else if (count > HAWSE_ABI_COUNT_MAX)
        fail(e, HAWSE_E_LIMIT);
    else
        open_container(e, node, tuple ? node->count : count);
}

void hawse_abi_close(hawse_abi_encoder_t *e)
{
    if (e->error == HAWSE_OK && (e->depth < 2 || top(e)->left > 0))
        fail(e, HAWSE_E_INVAL);
    if (e->error == HAWSE_OK)
        e->depth--;
}

/* ---- the whole ---- */

void hawse_abi_encode_begin(hawse_abi_encoder_t *e, const hawse_abi_declaration_t *d, uint32_t node,
                            hawse_writer_t *out)
{
    e->nodes = d->nodes;
    e->out = out;
    e->depth = 0;
    e->error = HAWSE_OK;
    if (node >= d->node_count || d->nodes[node].kind != HAWSE_ABI_TUPLE) {
        fail(e, HAWSE_E_INVAL);
        return;
    }
    push(e, node, d->nodes[node].count, out->len);
    hawse_writer_fill(out, 0, d->nodes[node].inner);
}

void hawse_abi_call_begin(hawse_abi_encoder_t *e, const hawse_abi_declaration_t *d,
                          hawse_writer_t *out)
{
    int has_selector = d->form == HAWSE_ABI_FUNCTION || d->form == HAWSE_ABI_ERROR;
    if (has_selector)
        hawse_writer_put(out, d->hash, 4);
    hawse_abi_encode_begin(e, d, d->inputs, out);
    if (!has_selector)
        fail(e, HAWSE_E_INVAL);
}

int32_t hawse_abi_end(hawse_abi_encoder_t *e)
{
    if (e->error == HAWSE_OK && (e->depth != 1 || top(e)->left > 0))
        fail(e, HAWSE_E_INVAL);
    return e->error == HAWSE_OK ? hawse_writer_end(e->out) : e->error;
}

/* ---- JSON ---- */

static void sink_word(void *self, const uint8_t word[32])
{
    put_word(self, word);
}

static void sink_bytes_begin(void *self)
{
    begin_bytes(self);
}

static void sink_bytes_part(void *self, const uint8_t *bytes, uint64_t len)
{
    hawse_abi_encoder_t *e = self;
    hawse_writer_put(e->out, bytes, len);
}

static void sink_bytes_end(void *self)
{
    end_bytes(self);
}

static void sink_open(void *self, uint64_t count)
{
    hawse_abi_open(self, count);
}

static void sink_close(void *self)
{
    hawse_abi_close(self);
}

static const struct abi_sink encode_sink = {sink_word,      sink_bytes_begin, sink_bytes_part,
                                            sink_bytes_end, sink_open,        sink_close};

int32_t hawse_abi_encode_json(const hawse_abi_declaration_t *d, const char *text, uint32_t node,
                              const hawse_json_t *doc, hawse_json_value_t *values,
                              hawse_writer_t *out, const uint8_t **where)
{
    hawse_abi_encoder_t e;
    struct abi_json j = {.doc = doc,
                         .nodes = d->nodes,
                         .names = text,
                         .sink = &encode_sink,
                         .self = &e,
                         .arrays = 1};
    hawse_abi_encode_begin(&e, d, node, out);
    if (e.error != HAWSE_OK)
        return e.error;
    int32_t result = abi_json_members(&j, node, values);
    if (result != HAWSE_OK && where)
        *where = j.where;
    return result == HAWSE_OK ? hawse_abi_end(&e) : result;
}
