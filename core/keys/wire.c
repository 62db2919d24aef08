/* Frames between a host and its signer; see wire.h. Owns nothing, allocates nothing. */
#include "keys/wire.h"

#include <string.h>

/* ---- writing: callers stay below the bounds, which are checked where the parts are made ---- */

static uint8_t *put_number(uint8_t *at, uint64_t n, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        *at++ = (uint8_t)(n >> (8 * i));
    return at;
}

static uint8_t *put_bytes(uint8_t *at, const void *data, size_t len)
{
    memcpy(at, data, len);
    return at + len;
}

static uint8_t *put_text(uint8_t *at, const char *text)
{
    size_t len = strlen(text);
    return put_bytes(put_number(at, len, 1), text, len);
}

static uint8_t *put_long_text(uint8_t *at, const char *text)
{
    size_t len = strlen(text);
    return put_bytes(put_number(at, len, 2), text, len);
}

static size_t finish(uint8_t *out, const uint8_t *end)
{
    size_t len = (size_t)(end - out);
    (void)put_number(out, len - WIRE_PREFIX, WIRE_PREFIX);
    return len;
}

size_t wire_write_question(const struct wire_question *q, uint8_t *out)
{
    uint8_t *at = put_number(out + WIRE_PREFIX, q->type, 1);
    if (q->type == WIRE_HELLO)
        return finish(out, put_number(at, q->version, 4));
    at = put_number(at, q->id, 4);
    at = put_text(at, q->name);
    at = put_text(at, q->chain.text);
    at = put_number(at, q->len, 2);
    return finish(out, put_bytes(at, q->bytes, q->len));
}

static uint8_t *put_key(uint8_t *at, const struct signer_key *key)
{
    at = put_text(at, key->name);
    at = put_number(at, key->public.kind, 1);
    at = put_bytes(at, key->public.bytes, sizeof(key->public.bytes));
    at = put_number(at, key->locks.testnet_only, 1);
    at = put_number(at, key->locks.chain_count, 1);
    for (size_t i = 0; i < key->locks.chain_count; i++)
        at = put_text(at, key->locks.chains[i].text);
    return at;
}

size_t wire_write_answer(const struct wire_answer *a, uint8_t *out)
{
    uint8_t *at = put_number(out + WIRE_PREFIX, a->type, 1);
    if (a->type == WIRE_KEYS) {
        at = put_number(at, a->version, 4);
        at = put_number(at, a->key_count, 2);
        for (size_t i = 0; i < a->key_count; i++)
            at = put_key(at, &a->keys[i]);
        return finish(out, at);
    }
    at = put_number(at, a->id, 4);
    if (a->type == WIRE_SIGNED) {
        at = put_number(at, a->signature.parity, 1);
        return finish(out, put_bytes(at, a->signature.bytes, sizeof(a->signature.bytes)));
    }
    at = put_number(at, (uint32_t)a->fault.code, 4);
    at = put_long_text(at, a->fault.message);
    return finish(out, put_long_text(at, a->fault.hint));
}

/* ---- reading ---- */

/* What is left of a body; `bad` once something did not fit, and from then on nothing is read. */
struct cursor {
    const uint8_t *at, *end;
    bool bad;
};

static const uint8_t *take(struct cursor *c, size_t len)
{
    if (c->bad || (size_t)(c->end - c->at) < len) {
        c->bad = true;
        return NULL;
    }
    c->at += len;
    return c->at - len;
}

static uint32_t take_number(struct cursor *c, unsigned bytes)
{
    const uint8_t *data = take(c, bytes);
    uint32_t n = 0;
    for (unsigned i = 0; data && i < bytes; i++)
        n |= (uint32_t)data[i] << (8 * i);
    return n;
}

/* Printable text with a NUL into `cap` bytes. */
static void take_text(struct cursor *c, char *out, size_t cap, unsigned length_bytes)
{
    size_t len = take_number(c, length_bytes);
    const uint8_t *data = take(c, len);
    out[0] = '\0';
    if (!data)
        return;
    c->bad = len >= cap;
    for (size_t i = 0; i < len && !c->bad; i++)
        c->bad = data[i] < ' ' || data[i] == 0x7f;
    if (c->bad)
        return;
    memcpy(out, data, len);
    out[len] = '\0';
}

static void take_flag(struct cursor *c, bool *out)
{
    uint32_t n = take_number(c, 1);
    c->bad = c->bad || n > 1;
    *out = n == 1;
}

static bool at_end(const struct cursor *c)
{
    return !c->bad && c->at == c->end;
}

/* A CAIP-2 name as chain_parse() writes it, or none. */
static void take_chain(struct cursor *c, struct chain *out)
{
    struct chain parsed = {""};
    take_text(c, out->text, sizeof(out->text), 1);
    if (!c->bad && !chain_is_none(out))
        c->bad = chain_parse(out->text, "", &parsed, NULL) != 0 || !chain_equal(out, &parsed);
}

uint32_t wire_length(const uint8_t prefix[WIRE_PREFIX])
{
    struct cursor c = {prefix, prefix + WIRE_PREFIX, false};
    return take_number(&c, WIRE_PREFIX);
}

bool wire_read_question(const uint8_t *body, size_t len, struct wire_question *out)
{
    struct cursor c = {body, body + len, len > WIRE_QUESTION};
    memset(out, 0, sizeof(*out));
    out->type = (enum wire_type)take_number(&c, 1);
    if (out->type == WIRE_HELLO) {
        out->version = take_number(&c, 4);
        return at_end(&c);
    }
    if (out->type != WIRE_SIGN)
        return false;
    out->id = take_number(&c, 4);
    take_text(&c, out->name, sizeof(out->name), 1);
    take_chain(&c, &out->chain);
    out->len = take_number(&c, 2);
    out->bytes = take(&c, out->len);
    return at_end(&c) && out->len > 0 && out->len <= SIGNER_MESSAGE && signer_name_legal(out->name);
}

static void take_key(struct cursor *c, struct signer_key *out)
{
    take_text(c, out->name, sizeof(out->name), 1);
    uint32_t kind = take_number(c, 1);
    const uint8_t *public = take(c, sizeof(out->public.bytes));
    take_flag(c, &out->locks.testnet_only);
    uint32_t chains = take_number(c, 1);
    c->bad = c->bad || chains > SIGNER_CHAINS || !signer_name_legal(out->name) ||
             (kind != KEY_SECP256K1 && kind != KEY_ED25519);
    if (c->bad)
        return;
    out->public.kind = (enum key_kind)kind;
    memcpy(out->public.bytes, public, sizeof(out->public.bytes));
    key_set_address(&out->public);
    out->locks.chain_count = chains;
    for (size_t i = 0; i < chains && !c->bad; i++) {
        take_chain(c, &out->locks.chains[i]);
        c->bad = c->bad || chain_is_none(&out->locks.chains[i]);
    }
}

static bool read_signed(struct cursor *c, struct wire_answer *out)
{
    bool parity = false;
    out->id = take_number(c, 4);
    take_flag(c, &parity);
    const uint8_t *bytes = take(c, sizeof(out->signature.bytes));
    if (bytes)
        memcpy(out->signature.bytes, bytes, sizeof(out->signature.bytes));
    out->signature.parity = parity;
    return at_end(c);
}

static bool read_fault(struct cursor *c, struct wire_answer *out)
{
    out->id = take_number(c, 4);
    out->fault.code = (int32_t)take_number(c, 4);
    take_text(c, out->fault.message, sizeof(out->fault.message), 2);
    take_text(c, out->fault.hint, sizeof(out->fault.hint), 2);
    return at_end(c) && out->fault.code < 0 && out->fault.message[0];
}

bool wire_read_answer(const uint8_t *body, size_t len, struct wire_answer *out)
{
    struct cursor c = {body, body + len, len > WIRE_ANSWER};
    memset(out, 0, sizeof(*out));
    out->type = (enum wire_type)take_number(&c, 1);
    if (out->type == WIRE_SIGNED)
        return read_signed(&c, out);
    if (out->type == WIRE_FAULT)
        return read_fault(&c, out);
    if (out->type != WIRE_KEYS)
        return false;
    out->version = take_number(&c, 4);
    out->key_count = take_number(&c, 2);
    c.bad = c.bad || out->key_count > SIGNER_KEYS;
    for (size_t i = 0; i < out->key_count && !c.bad; i++)
        take_key(&c, &out->keys[i]);
    return at_end(&c);
}
