/*
 * Recursive Length Prefix; see hawse/rlp.h.
 */
#include <hawse/rlp.h>
#include <hawse/u256.h>

#include <string.h>

enum { BYTES = 0x80, LIST = 0xc0, SHORT_MAX = 55 };

/* ---- encoding ---- */

/* The header of `len` bytes of payload; returns its length, 9 at most. */
static uint32_t make_header(uint8_t kind, uint64_t len, uint8_t out[9])
{
    uint32_t n = 0;
    if (len <= SHORT_MAX) {
        out[0] = (uint8_t)(kind + len);
        return 1;
    }
    for (uint64_t left = len; left > 0; left >>= 8)
        n++;
    out[0] = (uint8_t)(kind + SHORT_MAX + n);
    for (uint32_t i = 0; i < n; i++)
        out[1 + i] = (uint8_t)(len >> 8 * (n - 1 - i));
    return 1 + n;
}

void hawse_rlp_bytes(hawse_writer_t *w, const uint8_t *bytes, uint64_t len)
{
    uint8_t header[9];
    if (len != 1 || bytes[0] >= BYTES)
        hawse_writer_put(w, header, make_header(BYTES, len, header));
    hawse_writer_put(w, bytes, len);
}

void hawse_rlp_u256(hawse_writer_t *w, const hawse_u256_t *n)
{
    uint8_t bytes[32];
    uint32_t len = (hawse_u256_bit_length(n) + 7) / 8;
    hawse_u256_to_be(n, bytes);
    hawse_rlp_bytes(w, bytes + 32 - len, len);
}

void hawse_rlp_u64(hawse_writer_t *w, uint64_t n)
{
    hawse_u256_t wide = hawse_u256(n);
    hawse_rlp_u256(w, &wide);
}

uint64_t hawse_rlp_list_begin(const hawse_writer_t *w)
{
    return w->len;
}

void hawse_rlp_list_end(hawse_writer_t *w, uint64_t begun)
{
    uint8_t header[9];
    uint64_t len = w->len - begun;
    uint32_t n = make_header(LIST, len, header);
    if (w->len <= w->cap && n <= w->cap - w->len) {
        memmove(w->data + begun + n, w->data + begun, len);
        memcpy(w->data + begun, header, n);
    }
    w->len += n;
}

/* ---- decoding ---- */

/* The length that `n` bytes behind the first one say. */
static int32_t long_length(const uint8_t *p, uint64_t left, uint32_t n, uint64_t *len)
{
    *len = 0;
    if (n > left)
        return HAWSE_E_RANGE;
    for (uint32_t i = 0; i < n; i++)
        *len = *len << 8 | p[i];
    return p[0] == 0 || *len <= SHORT_MAX ? HAWSE_E_FORMAT : HAWSE_OK;
}

int32_t hawse_rlp_next(hawse_rlp_t *r, hawse_rlp_item_t *item)
{
    if (r->at >= r->end)
        return 0;
    const uint8_t *p = r->data + r->at;
    uint64_t left = r->end - r->at, header = 1, len = 1;
    uint8_t kind = p[0] >= LIST ? LIST : BYTES;
    if (p[0] < BYTES) {
        header = 0;
    } else if (p[0] <= kind + SHORT_MAX) {
        len = (uint64_t)p[0] - kind;
    } else {
        uint32_t n = (uint32_t)p[0] - kind - SHORT_MAX;
        int32_t result = long_length(p + 1, left - 1, n, &len);
        if (result != HAWSE_OK)
            return result;
        header += n;
    }
    if (len > left - header)
        return HAWSE_E_RANGE;
    if (p[0] == BYTES + 1 && p[1] < BYTES)
        return HAWSE_E_FORMAT;
    item->data = p + header;
    item->len = len;
    item->at = r->at + header;
    item->list = kind == LIST;
    item->reserved = 0;
    r->at += header + len;
    return 1;
}

/* The next item, a list or not; r->at stays at its first byte when it is something else. */
static int32_t take(hawse_rlp_t *r, uint32_t list, hawse_rlp_item_t *item)
{
    uint64_t begin = r->at;
    int32_t result = hawse_rlp_next(r, item);
    if (result == 1 && item->list == list)
        return HAWSE_OK;
    r->at = begin;
    return result == 0 ? HAWSE_E_RANGE : result == 1 ? HAWSE_E_FORMAT : result;
}

int32_t hawse_rlp_take_bytes(hawse_rlp_t *r, hawse_view_t *out)
{
    hawse_rlp_item_t item;
    int32_t result = take(r, 0, &item);
    if (result == HAWSE_OK) {
        out->data = item.data;
        out->len = item.len;
    }
    return result;
}

int32_t hawse_rlp_take_list(hawse_rlp_t *r, hawse_rlp_t *inside)
{
    hawse_rlp_item_t item;
    int32_t result = take(r, 1, &item);
    if (result == HAWSE_OK)
        *inside = hawse_rlp_inside(r, &item);
    return result;
}

int32_t hawse_rlp_take_fixed(hawse_rlp_t *r, uint8_t *out, uint64_t len)
{
    hawse_view_t bytes;
    uint64_t begin = r->at;
    int32_t result = hawse_rlp_take_bytes(r, &bytes);
    if (result == HAWSE_OK && bytes.len != len)
        result = HAWSE_E_FORMAT;
    if (result == HAWSE_OK)
        memcpy(out, bytes.data, len);
    else
        r->at = begin;
    return result;
}

int32_t hawse_rlp_take_u256(hawse_rlp_t *r, hawse_u256_t *out)
{
    hawse_view_t bytes;
    uint8_t word[32] = {0};
    uint64_t begin = r->at;
    int32_t result = hawse_rlp_take_bytes(r, &bytes);
    if (result == HAWSE_OK && bytes.len > 0 && bytes.data[0] == 0)
        result = HAWSE_E_FORMAT;
    else if (result == HAWSE_OK && bytes.len > 32)
        result = HAWSE_E_RANGE;
    if (result != HAWSE_OK) {
        r->at = begin;
        return result;
    }
    memcpy(word + 32 - bytes.len, bytes.data, bytes.len);
    hawse_u256_from_be(word, out);
    return HAWSE_OK;
}

int32_t hawse_rlp_take_u64(hawse_rlp_t *r, uint64_t *out)
{
    hawse_u256_t n;
    uint64_t begin = r->at;
    int32_t result = hawse_rlp_take_u256(r, &n);
    if (result == HAWSE_OK)
        result = hawse_u256_to_u64(&n, out);
    if (result != HAWSE_OK)
        r->at = begin;
    return result;
}

/* Walks to the end of the item that r begins with, into every list. */
static int32_t walk(hawse_rlp_t *r)
{
    uint64_t ends[HAWSE_RLP_DEPTH];
    uint32_t depth = 0;
    for (;;) {
        hawse_rlp_item_t item;
        int32_t more = hawse_rlp_next(r, &item);
        if (more < 0 || (more == 0 && depth == 0))
            return more;
        if (more == 0) {
            r->end = ends[--depth]; /* r->at is the end of the list already */
        } else if (item.list) {
            if (depth == HAWSE_RLP_DEPTH)
                return HAWSE_E_LIMIT;
            ends[depth++] = r->end;
            *r = hawse_rlp_inside(r, &item);
        }
    }
}

int32_t hawse_rlp_validate(const uint8_t *data, uint64_t len, uint64_t *where)
{
    hawse_rlp_t r = hawse_rlp(data, len);
    hawse_rlp_item_t item;
    int32_t result = hawse_rlp_next(&r, &item);
    if (result == 1)
        result = hawse_rlp_end(&r);
    else if (result == 0)
        result = HAWSE_E_RANGE;
    if (result == HAWSE_OK) {
        r = hawse_rlp(data, len);
        result = walk(&r);
    }
    if (where)
        *where = r.at;
    return result;
}
