/* A deep copy of an intent, and what is legal in one; see intent.h. */
#include "tx/intent_private.h"

#include <hawse/json.h>
#include <hawse/u256.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static bool all_zero(const uint8_t *bytes, size_t len)
{
    uint8_t any = 0;
    for (size_t i = 0; i < len; i++)
        any |= bytes[i];
    return any == 0;
}

/* ---- checking ---- */

static int32_t check_text(hawse_view_t text, size_t least, size_t most, const char *field,
                          struct fault *fault)
{
    if (text.len > 0 && !text.data)
        return fault_set(fault, HAWSE_E_INVAL, "%s: %llu bytes at no address", field,
                         (unsigned long long)text.len);
    if (text.len >= least && text.len <= most)
        return HAWSE_OK;
    return fault_set(fault, HAWSE_E_INVAL, "%s: %llu bytes; it may have %zu to %zu", field,
                     (unsigned long long)text.len, least, most);
}

static int32_t check_id(hawse_view_t id, struct fault *fault)
{
    int32_t code = check_text(id, 1, HAWSE_INTENT_ID_MAX, "id", fault);
    for (uint64_t i = 0; i < id.len && code == HAWSE_OK; i++) {
        if (id.data[i] <= ' ' || id.data[i] > '~')
            code = fault_set(fault, HAWSE_E_INVAL,
                             "id: byte %llu is 0x%02x; only visible ASCII characters are legal",
                             (unsigned long long)i, id.data[i]);
    }
    return code;
}

int32_t intent_check_list(uint32_t count, uint32_t size, const void *list, size_t least_size,
                          uint32_t least, uint32_t most, const char *field, struct fault *fault)
{
    if (count < least || count > most)
        return fault_set(fault, HAWSE_E_INVAL, "%s: %u of them; there may be %u to %u", field,
                         count, least, most);
    if (count > 0 && (!list || size < least_size || size > 4096 || size % 8 != 0))
        return fault_set(fault, HAWSE_E_INVAL,
                         "%s: a size of %u bytes each; it must be at least %zu", field, size,
                         least_size);
    return HAWSE_OK;
}

static int32_t check_call(const hawse_intent_call_t *call, unsigned i, uint64_t *bytes,
                          struct fault *fault)
{
    if (call->size < sizeof(*call) || call->flags != 0)
        return fault_set(fault, HAWSE_E_INVAL, "calls[%u]: size %u or flags 0x%x are not legal", i,
                         call->size, call->flags);
    if (all_zero(call->to, sizeof(call->to)))
        return fault_set(fault, HAWSE_E_INVAL,
                         "calls[%u].to is the zero address: intents create no contracts", i);
    if (call->data.len > 0 && !call->data.data)
        return fault_set(fault, HAWSE_E_INVAL, "calls[%u].data: bytes at no address", i);
    if (call->data.len > HAWSE_INTENT_DATA_MAX ||
        (*bytes += call->data.len) > HAWSE_INTENT_DATA_MAX)
        return fault_set(fault, HAWSE_E_INVAL,
                         "calls[%u].data: more than %u bytes of calldata in all", i,
                         HAWSE_INTENT_DATA_MAX);
    return HAWSE_OK;
}

static int32_t check_flow(const hawse_intent_t *in, const hawse_intent_flow_t *flow, unsigned i,
                          struct fault *fault)
{
    if (flow->size < sizeof(*flow) || flow->flags != 0)
        return fault_set(fault, HAWSE_E_INVAL, "flows[%u]: size %u or flags 0x%x are not legal", i,
                         flow->size, flow->flags);
    for (unsigned k = 0; k < i; k++) {
        const hawse_intent_flow_t *other =
            (const void *)((const uint8_t *)in->flows + (size_t)k * in->flow_size);
        if (memcmp(other->asset, flow->asset, sizeof(flow->asset)) == 0)
            return fault_set(fault, HAWSE_E_INVAL, "flows[%u] and flows[%u] are of one asset", k,
                             i);
    }
    if (!hawse_u256_is_zero(&flow->expected_in) &&
        hawse_u256_compare(&flow->min_in, &flow->expected_in) > 0)
        return fault_set(fault, HAWSE_E_INVAL, "flows[%u]: min_in is above expected_in", i);
    return HAWSE_OK;
}

static int32_t check_words(const hawse_intent_t *in, struct fault *fault)
{
    if (in->kind != HAWSE_INTENT_EVM_CALLS && in->kind != HAWSE_INTENT_SOLANA_INSTRUCTIONS)
        return fault_set(fault, HAWSE_E_INVAL,
                         "kind %u is not known; there is EVM_CALLS (1) and SOLANA_INSTRUCTIONS (2)",
                         in->kind);
    if ((in->kind == HAWSE_INTENT_SOLANA_INSTRUCTIONS) != (in->solana != NULL))
        return fault_set(fault, HAWSE_E_INVAL,
                         "solana: has to be there for SOLANA_INSTRUCTIONS, "
                         "and for nothing else");
    if (in->how > HAWSE_INTENT_RELAY_BUNDLE)
        return fault_set(fault, HAWSE_E_INVAL,
                         "how is %u; there is EACH (0), BUNDLE (1), SAFE (2) and RELAY_BUNDLE (3)",
                         in->how);
    if (in->route > HAWSE_INTENT_ROUTE_PRIVATE)
        return fault_set(fault, HAWSE_E_INVAL,
                         "route is %u; there is DEFAULT (0), PUBLIC (1) and PRIVATE (2)",
                         in->route);
    if ((in->flags & ~(HAWSE_INTENT_STALE_OK | HAWSE_INTENT_KEEP_SIGNED)) != 0 ||
        (in->flags & HAWSE_INTENT_KEEP_SIGNED && in->solana))
        return fault_set(fault, HAWSE_E_INVAL,
                         "flags 0x%x: there is STALE_OK (1), and for EVM_CALLS KEEP_SIGNED (2)",
                         in->flags);
    int32_t code = check_id(in->id, fault);
    if (code == HAWSE_OK)
        code = check_text(in->chain, 1, 63, "chain", fault);
    if (code == HAWSE_OK)
        code = check_text(in->account, 1, 63, "account", fault);
    if (code == HAWSE_OK)
        code = check_text(in->note, 0, HAWSE_INTENT_NOTE_MAX, "note", fault);
    if (code == HAWSE_OK && in->note.len > 0 && !hawse_utf8_valid(in->note.data, in->note.len))
        code = fault_set(fault, HAWSE_E_INVAL, "note: not UTF-8");
    return code;
}

/* A copy that is handed on, as a worker does, has the flows of its Solana part once more. */
static int32_t check_lists(const hawse_intent_t *in, struct fault *fault)
{
    bool evm = in->kind == HAWSE_INTENT_EVM_CALLS;
    bool again = !evm && in->flow_count == in->solana->flow_count;
    int32_t code = intent_check_list(in->call_count, in->call_size, in->calls, sizeof(in->calls[0]),
                                     evm ? 1 : 0, evm ? HAWSE_INTENT_CALLS_MAX : 0, "calls", fault);
    if (code == HAWSE_OK)
        code = intent_check_list(in->flow_count, in->flow_size, in->flows, sizeof(in->flows[0]), 0,
                                 evm || again ? HAWSE_INTENT_FLOWS_MAX : 0, "flows", fault);
    if (code == HAWSE_OK)
        code = intent_check_list(in->stream_count, in->stream_size, in->streams,
                                 sizeof(in->streams[0]), 0, HAWSE_INTENT_STREAMS_MAX, "streams",
                                 fault);
    return code;
}

static int32_t check(const hawse_intent_t *in, uint64_t *bytes, struct fault *fault)
{
    int32_t code = check_words(in, fault);
    if (code == HAWSE_OK)
        code = check_lists(in, fault);
    for (unsigned i = 0; i < in->call_count && code == HAWSE_OK; i++)
        code = check_call(intent_item(in->calls, in->call_size, i), i, bytes, fault);
    for (unsigned i = 0; i < in->flow_count && code == HAWSE_OK; i++)
        code = check_flow(in, intent_item(in->flows, in->flow_size, i), i, fault);
    for (unsigned i = 0; i < in->stream_count && code == HAWSE_OK; i++) {
        const hawse_intent_stream_t *s = intent_item(in->streams, in->stream_size, i);
        if (s->size < sizeof(*s))
            code = fault_set(fault, HAWSE_E_INVAL, "streams[%u]: size %u is not legal", i, s->size);
    }
    if (code == HAWSE_OK && in->solana)
        code = intent_solana_check(in, bytes, fault);
    return code;
}

/* ---- copying ---- */

static hawse_view_t copy_text(hawse_view_t text, char *out)
{
    if (text.len > 0)
        memcpy(out, text.data, text.len);
    return (hawse_view_t){(const uint8_t *)out, text.len};
}

static void copy_calls(const hawse_intent_t *from, struct intent *to)
{
    uint8_t *at = to->data;
    for (unsigned i = 0; i < from->call_count; i++) {
        hawse_intent_call_t *call = &to->calls[i];
        memcpy(call, intent_item(from->calls, from->call_size, i), sizeof(*call));
        call->size = sizeof(*call);
        memset(call->reserved, 0, sizeof(call->reserved));
        if (call->data.len > 0)
            memcpy(at, call->data.data, call->data.len);
        call->data.data = at;
        at += call->data.len;
    }
}

static void copy_rest(const hawse_intent_t *from, struct intent *to)
{
    for (unsigned i = 0; i < from->flow_count; i++) {
        memcpy(&to->flows[i], intent_item(from->flows, from->flow_size, i), sizeof(to->flows[i]));
        to->flows[i].size = sizeof(to->flows[i]);
        memset(to->flows[i].reserved, 0, sizeof(to->flows[i].reserved));
    }
    for (unsigned i = 0; i < from->stream_count; i++) {
        memcpy(&to->streams[i], intent_item(from->streams, from->stream_size, i),
               sizeof(to->streams[i]));
        to->streams[i].size = sizeof(to->streams[i]);
        to->streams[i].reserved = 0;
    }
}

/* As much as its maker knew of it; nothing for the rest. */
static int32_t take(const hawse_intent_t *given, hawse_intent_t *out, struct fault *fault)
{
    const size_t least = offsetof(hawse_intent_t, solana); /* of the first plugins */
    *out = (hawse_intent_t){.size = 0};
    if (given->size < least)
        return fault_set(fault, HAWSE_E_INVAL, "size is %u; it must be at least %zu", given->size,
                         least);
    memcpy(out, given, given->size < sizeof(*out) ? given->size : sizeof(*out));
    return HAWSE_OK;
}

int32_t intent_copy(const hawse_intent_t *given, struct intent **out, struct fault *fault)
{
    uint64_t bytes = 0;
    hawse_intent_t all, *from = &all;
    int32_t code = take(given, from, fault);
    if (code == HAWSE_OK)
        code = check(from, &bytes, fault);
    if (code != HAWSE_OK)
        return code;
    struct intent *to = calloc(1, sizeof(*to) + bytes + HAWSE_PADDING);
    if (!to)
        return fault_set(fault, HAWSE_E_NOMEM, "no memory for an intent");
    to->public = *from;
    to->public.size = sizeof(to->public);
    to->public.call_size = sizeof(to->calls[0]);
    to->public.flow_size = sizeof(to->flows[0]);
    to->public.stream_size = sizeof(to->streams[0]);
    to->public.id = copy_text(from->id, to->id);
    to->public.chain = copy_text(from->chain, to->chain);
    to->public.account = copy_text(from->account, to->account);
    to->public.note = copy_text(from->note, to->note);
    copy_calls(from, to);
    copy_rest(from, to);
    to->public.calls = to->calls;
    to->public.flows = to->flows;
    to->public.streams = to->streams;
    if (from->solana)
        intent_solana_copy(from, to);
    *out = to;
    return HAWSE_OK;
}
