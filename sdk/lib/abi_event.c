/*
 * A log into values by the table of its event; see hawse/abi.h. There is one level of offsets, and
 * every one is compared with the length of the data before it is followed.
 */
#include "abi_value.h"

#include <hawse/u256.h>

#include <string.h>

/* Can a word be wrong for this kind at all? */
static int every_word_fits(const hawse_abi_value_t *v)
{
    return v->size == 32 && v->kind != HAWSE_ABI_ADDRESS && v->kind != HAWSE_ABI_BOOL;
}

static int32_t decode_array(const hawse_abi_param_t *p, const uint8_t *data, uint64_t len,
                            hawse_abi_value_t *v)
{
    uint64_t at = p->place, count = p->count, bytes = 32ull * p->words;
    if (p->flags & HAWSE_ABI_OPEN) {
        int32_t result = abi_tail(data, len, p->place, &at, &count);
        if (result != HAWSE_OK)
            return result;
    }
    if (count > (len - at) / bytes)
        return HAWSE_E_RANGE;
    if (!every_word_fits(v)) {
        for (uint64_t i = 0; i < count * p->words; i++) {
            int32_t result = abi_decode_word(data + at + 32 * i, v);
            if (result != HAWSE_OK)
                return result;
        }
    }
    v->as.span.offset = at;
    v->as.span.len = count * bytes;
    v->as.span.count = count;
    return HAWSE_OK;
}

static int32_t decode_value(const hawse_abi_param_t *p, const uint8_t *topics, const uint8_t *data,
                            uint64_t len, hawse_abi_value_t *v)
{
    v->kind = p->kind;
    v->size = p->size;
    v->flags = p->flags;
    v->reserved = 0;
    if (p->flags & HAWSE_ABI_HASHED) {
        memcpy(v->as.bytes, topics + 32 * p->place, 32);
        return HAWSE_OK;
    }
    if (p->flags & HAWSE_ABI_INDEXED)
        return abi_decode_word(topics + 32 * p->place, v);
    if (p->flags & HAWSE_ABI_ARRAY)
        return decode_array(p, data, len, v);
    if (p->kind == HAWSE_ABI_BYTES || p->kind == HAWSE_ABI_STRING) {
        memset(&v->as, 0, sizeof(v->as));
        return abi_tail_bytes(data, len, p->place, &v->as.span);
    }
    return abi_decode_word(data + p->place, v);
}

int32_t hawse_abi_event_decode(const hawse_abi_signature_t *event, const uint8_t *topics,
                               uint32_t topic_count, const uint8_t *data, uint64_t data_len,
                               hawse_abi_value_t *values, uint32_t cap, uint32_t *fault)
{
    if (topic_count != event->topic_count || memcmp(topics, event->hash, 32) != 0)
        return HAWSE_E_NOTFOUND;
    if (cap < event->param_count)
        return HAWSE_E_NOSPACE;
    int short_data = data_len < event->head_len;
    for (uint32_t i = 0; i < event->param_count; i++) {
        const hawse_abi_param_t *p = &event->params[i];
        int32_t result = HAWSE_E_RANGE;
        if (!short_data || (p->flags & HAWSE_ABI_INDEXED))
            result = decode_value(p, topics, data, data_len, &values[i]);
        if (result != HAWSE_OK) {
            if (fault)
                *fault = i;
            return result;
        }
    }
    return (int32_t)event->param_count;
}

int32_t hawse_abi_element(const hawse_abi_value_t *array, const uint8_t *data, uint64_t data_len,
                          uint64_t index, hawse_abi_value_t *out)
{
    const hawse_abi_span_t *span = &array->as.span;
    if (!(array->flags & HAWSE_ABI_ARRAY) || (array->flags & HAWSE_ABI_HASHED))
        return HAWSE_E_INVAL;
    if (index >= span->len / 32 || span->offset > data_len || span->len > data_len - span->offset)
        return HAWSE_E_RANGE;
    hawse_abi_value_t v = {.kind = array->kind, .size = array->size};
    int32_t result = abi_decode_word(data + span->offset + 32 * index, &v);
    if (result == HAWSE_OK)
        *out = v;
    return result;
}
