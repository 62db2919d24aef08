/*
 * The declaration of an event into a table that the decoder walks; see hawse/abi.h.
 *
 * Read from left to right without going back or down: there are no tuples.
 */
#include "abi_text.h"

#include <hawse/abi.h>

#include <string.h>

/* The dimensions behind a type, from the inside to the outside. What has an open dimension or an
 * open element inside has no words: p->words becomes 0. */
static int32_t read_dimensions(struct abi_text *r, hawse_abi_param_t *p)
{
    uint64_t words = p->size ? 1 : 0;
    uint32_t count = 0;
    int32_t more;
    while ((more = abi_text_dimension(r, &count)) > 0) {
        if (p->flags & HAWSE_ABI_ARRAY) /* what was the array is an element now */
            words *= p->flags & HAWSE_ABI_OPEN ? 0 : p->count;
        if (words * (count ? count : 1) > HAWSE_ABI_ARRAY_MAX)
            return HAWSE_E_LIMIT;
        p->count = count;
        p->flags = HAWSE_ABI_ARRAY | (count == 0 ? HAWSE_ABI_OPEN : 0);
    }
    if (more < 0)
        return more;
    p->words = p->flags & HAWSE_ABI_ARRAY ? (uint32_t)words : 1;
    return HAWSE_OK;
}

static int32_t read_type(struct abi_text *r, hawse_abi_param_t *p)
{
    abi_text_skip_spaces(r);
    if (abi_text_peek(r) == '(')
        return HAWSE_E_UNSUPPORTED;
    struct abi_word w = abi_text_word(r);
    struct abi_elementary type = {0, 0};
    if (!abi_word_elementary(&w, &type)) {
        int known = abi_word_is(&w, "tuple") || abi_word_foreign(&w);
        r->at = w.at;
        return known ? HAWSE_E_UNSUPPORTED : HAWSE_E_FORMAT;
    }
    p->kind = type.kind;
    p->size = type.size;
    abi_text_hash(r, w.text, w.len);
    if (abi_word_is(&w, "uint") || abi_word_is(&w, "int"))
        abi_text_hash(r, "256", 3);
    return read_dimensions(r, p);
}

/* Gives the parameter its topic or its place in the data. */
static int32_t place_param(hawse_abi_signature_t *event, hawse_abi_param_t *p)
{
    int array = (p->flags & HAWSE_ABI_ARRAY) != 0;
    if (p->flags & HAWSE_ABI_INDEXED) {
        if (event->topic_count == 4)
            return HAWSE_E_FORMAT;
        if (array || p->size == 0)
            p->flags |= HAWSE_ABI_HASHED;
        p->place = event->topic_count++;
        return HAWSE_OK;
    }
    if (p->words == 0)
        return HAWSE_E_UNSUPPORTED;
    p->place = event->head_len;
    event->head_len += array && !(p->flags & HAWSE_ABI_OPEN) ? 32 * p->words * p->count : 32;
    return HAWSE_OK;
}

static int32_t read_param(struct abi_text *r, hawse_abi_signature_t *event)
{
    hawse_abi_param_t p = {0};
    abi_text_skip_spaces(r);
    uint64_t begin = r->at;
    if (event->param_count == HAWSE_ABI_PARAMS_MAX)
        return HAWSE_E_LIMIT;
    int32_t result = read_type(r, &p);
    if (result != HAWSE_OK)
        return result;
    struct abi_word w = abi_text_word(r);
    if (p.kind == HAWSE_ABI_ADDRESS && abi_word_is(&w, "payable"))
        w = abi_text_word(r);
    if (abi_word_is(&w, "indexed")) {
        p.flags |= HAWSE_ABI_INDEXED;
        w = abi_text_word(r);
    }
    p.name_at = (uint32_t)w.at;
    p.name_len = (uint32_t)w.len;
    result = place_param(event, &p);
    if (result != HAWSE_OK)
        r->at = begin;
    else
        event->params[event->param_count++] = p;
    return result;
}

static int32_t read_params(struct abi_text *r, hawse_abi_signature_t *event)
{
    if (!abi_text_take(r, '('))
        return HAWSE_E_FORMAT;
    abi_text_hash(r, "(", 1);
    if (!abi_text_take(r, ')')) {
        do {
            if (event->param_count > 0)
                abi_text_hash(r, ",", 1);
            int32_t result = read_param(r, event);
            if (result != HAWSE_OK)
                return result;
        } while (abi_text_take(r, ','));
        if (!abi_text_take(r, ')'))
            return HAWSE_E_FORMAT;
    }
    abi_text_hash(r, ")", 1);
    return HAWSE_OK;
}

static int32_t read_event(struct abi_text *r, hawse_abi_signature_t *event)
{
    struct abi_word name = abi_text_word(r);
    if (abi_word_is(&name, "event"))
        name = abi_text_word(r);
    if (name.len == 0)
        return HAWSE_E_FORMAT;
    abi_text_hash(r, name.text, name.len);
    int32_t result = read_params(r, event);
    if (result != HAWSE_OK)
        return result;
    struct abi_word last = abi_text_word(r);
    if (abi_word_is(&last, "anonymous")) {
        r->at = last.at;
        return HAWSE_E_UNSUPPORTED;
    }
    if (last.len > 0) {
        r->at = last.at;
        return HAWSE_E_FORMAT;
    }
    (void)abi_text_take(r, ';');
    abi_text_skip_spaces(r);
    return r->at == r->len ? HAWSE_OK : HAWSE_E_FORMAT;
}

int32_t hawse_abi_event_parse(const char *text, uint64_t len, hawse_abi_signature_t *event,
                              uint64_t *where)
{
    struct abi_text r = {.text = text, .len = len};
    int32_t result = HAWSE_E_LIMIT;
    memset(event, 0, sizeof(*event));
    event->form = HAWSE_ABI_EVENT;
    event->topic_count = 1;
    if (len <= UINT32_MAX) {
        hawse_keccak_init(&r.hash);
        result = read_event(&r, event);
    }
    if (result == HAWSE_OK)
        hawse_keccak_final(&r.hash, event->hash);
    else if (where)
        *where = r.at;
    return result;
}
