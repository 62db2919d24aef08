/* An intent as JSON and back; see intent.h. */
#include "tx/intent_private.h"

#include <hawse/hex.h>
#include <hawse/u256.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static const char *const how_words[] = {"each", "bundle", "safe", "relay_bundle"};
static const char *const route_words[] = {"default", "public", "private"};

/* ---- writing ---- */

static json_t *hex_text(const uint8_t *bytes, uint64_t len)
{
    char *text = malloc(2 * len + 2);
    if (!text)
        return NULL;
    text[0] = '0';
    text[1] = 'x';
    hawse_hex_encode(bytes, len, text + 2);
    json_t *value = json_stringn_nocheck(text, 2 * len + 2);
    free(text);
    return value;
}

static json_t *amount_text(const hawse_u256_t *n)
{
    char text[HAWSE_U256_DECIMAL_MAX + 4];
    (void)hawse_u256_units(n, 0, 0, 0, text);
    return json_string(text);
}

static json_t *view_text(hawse_view_t view)
{
    return json_stringn((const char *)view.data, view.len);
}

static json_t *write_calls(const hawse_intent_t *in)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < in->call_count; i++) {
        const hawse_intent_call_t *c = &in->calls[i];
        (void)json_array_append_new(
            list, json_pack("{s:o, s:o, s:o, s:I}", "to", hex_text(c->to, 20), "value",
                            amount_text(&c->value), "data", hex_text(c->data.data, c->data.len),
                            "gas_limit", (json_int_t)c->gas_limit));
    }
    return list;
}

static json_t *write_flows(const hawse_intent_t *in)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < in->flow_count; i++) {
        const hawse_intent_flow_t *f = &in->flows[i];
        (void)json_array_append_new(
            list, json_pack("{s:o, s:o, s:o, s:o}", "asset", hex_text(f->asset, 20), "max_out",
                            amount_text(&f->max_out), "min_in", amount_text(&f->min_in),
                            "expected_in", amount_text(&f->expected_in)));
    }
    return list;
}

/* Numbers of 64 bits that a JSON reader may not hold exactly are texts. */
static json_t *u64_text(uint64_t n)
{
    hawse_u256_t wide = hawse_u256(n);
    return amount_text(&wide);
}

static json_t *write_streams(const struct intent *intent)
{
    const hawse_intent_t *in = &intent->public;
    json_t *list = json_array();
    for (uint32_t i = 0; i < in->stream_count; i++) {
        const hawse_intent_stream_t *s = &in->streams[i];
        json_t *source = intent->sources[i][0] ? json_string(intent->sources[i])
                                               : json_integer((json_int_t)s->source);
        (void)json_array_append_new(list,
                                    json_pack("{s:o, s:I, s:o}", "source", source, "stream",
                                              (json_int_t)s->stream, "key", u64_text(s->key)));
    }
    return list;
}

char *intent_to_json(const struct intent *intent)
{
    const hawse_intent_t *in = &intent->public;
    json_t *o = json_pack(
        "{s:o, s:o, s:o, s:s, s:s, s:b, s:b, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
        "id", view_text(in->id), "chain", view_text(in->chain), "account", view_text(in->account),
        "how", how_words[in->how], "route", route_words[in->route], "stale_ok",
        (in->flags & HAWSE_INTENT_STALE_OK) != 0, "keep_signed",
        (in->flags & HAWSE_INTENT_KEEP_SIGNED) != 0, "confirmations", (json_int_t)in->confirmations,
        "calls", write_calls(in), "flows", write_flows(in), "streams", write_streams(intent),
        "max_cost", amount_text(&in->max_cost), "deadline_ns", u64_text(in->deadline_ns),
        "deadline_block", u64_text(in->deadline_block), "tag", u64_text(in->tag), "note",
        view_text(in->note), "worth", amount_text(&in->worth));
    if (o && in->basis_block != 0)
        (void)json_object_set_new(o, "basis_block", u64_text(in->basis_block));
    if (o && in->solana) { /* its flows stand there, by their mints */
        (void)json_object_del(o, "calls");
        (void)json_object_del(o, "flows");
        (void)json_object_set_new(o, "solana", intent_solana_write(in->solana));
    }
    char *text = o ? json_dumps(o, JSON_COMPACT) : NULL;
    json_decref(o);
    return text;
}

/* ---- reading ---- */

/* What the members are read into; lists and texts live in `into` and in the tree. */
struct reading {
    struct intent *into;
    uint8_t *data; /* room for all calldata */
    uint64_t used, cap;
    struct fault *fault;
};

static int32_t bad(struct reading *r, const char *where, const char *expected)
{
    return fault_set(r->fault, HAWSE_E_FORMAT, "%s: expected %s", where, expected);
}

static int32_t read_view(struct reading *r, const json_t *o, const char *key, bool needed,
                         hawse_view_t *out)
{
    const json_t *value = json_object_get(o, key);
    if (!value && !needed)
        return HAWSE_OK;
    if (!json_is_string(value))
        return bad(r, key, "a text");
    *out = (hawse_view_t){(const uint8_t *)json_string_value(value), json_string_length(value)};
    return HAWSE_OK;
}

/* A decimal or "0x" text, or a JSON number that is not negative. */
static int32_t read_amount(struct reading *r, const json_t *o, const char *key, hawse_u256_t *out)
{
    const json_t *value = json_object_get(o, key);
    int32_t code = HAWSE_E_FORMAT;
    *out = hawse_u256(0);
    if (!value)
        return HAWSE_OK;
    if (json_is_integer(value) && json_integer_value(value) >= 0) {
        *out = hawse_u256((uint64_t)json_integer_value(value));
        return HAWSE_OK;
    }
    if (json_is_string(value)) {
        const uint8_t *text = (const uint8_t *)json_string_value(value);
        uint64_t len = json_string_length(value);
        bool hex = len > 1 && text[0] == '0' && text[1] == 'x';
        code = hex ? hawse_hex_u256(text, len, out) : hawse_u256_parse(text, len, out);
    }
    return code == HAWSE_OK ? HAWSE_OK : bad(r, key, "a whole number of smallest units");
}

static int32_t read_u64(struct reading *r, const json_t *o, const char *key, uint64_t *out)
{
    hawse_u256_t wide;
    int32_t code = read_amount(r, o, key, &wide);
    if (code == HAWSE_OK && hawse_u256_to_u64(&wide, out) != HAWSE_OK)
        code = bad(r, key, "a number of 64 bits");
    return code;
}

static int32_t read_u32(struct reading *r, const json_t *o, const char *key, uint32_t *out)
{
    uint64_t wide = 0;
    int32_t code = read_u64(r, o, key, &wide);
    if (code == HAWSE_OK && wide > UINT32_MAX)
        code = bad(r, key, "a number of 32 bits");
    *out = (uint32_t)wide;
    return code;
}

static int32_t read_word(struct reading *r, const json_t *o, const char *key,
                         const char *const *words, uint32_t count, uint32_t *out)
{
    const json_t *value = json_object_get(o, key);
    if (!value)
        return HAWSE_OK;
    for (uint32_t i = 0; json_is_string(value) && i < count; i++) {
        if (strcmp(json_string_value(value), words[i]) == 0) {
            *out = i;
            return HAWSE_OK;
        }
    }
    return bad(r, key,
               count == 2 ? "\"each\" or \"bundle\""
                          : "\"default\", \"public\" or "
                            "\"private\"");
}

static int32_t read_address(struct reading *r, const json_t *o, const char *key, uint8_t out[20])
{
    const json_t *value = json_object_get(o, key);
    if (json_is_string(value) && hawse_hex_fixed((const uint8_t *)json_string_value(value),
                                                 json_string_length(value), out, 20) == HAWSE_OK)
        return HAWSE_OK;
    return bad(r, key, "an address: \"0x\" and 40 digits");
}

static int32_t read_call(struct reading *r, const json_t *o, hawse_intent_call_t *call)
{
    uint64_t need = 0;
    *call = (hawse_intent_call_t){.size = sizeof(*call)};
    int32_t code = read_address(r, o, "to", call->to);
    if (code == HAWSE_OK)
        code = read_amount(r, o, "value", &call->value);
    if (code == HAWSE_OK)
        code = read_u64(r, o, "gas_limit", &call->gas_limit);
    const json_t *data = json_object_get(o, "data");
    if (code != HAWSE_OK || !data)
        return code;
    if (!json_is_string(data) ||
        hawse_hex_data((const uint8_t *)json_string_value(data), json_string_length(data),
                       r->data + r->used, r->cap - r->used, &need) != HAWSE_OK)
        return bad(r, "data", "calldata: \"0x\" and an even number of digits");
    call->data = (hawse_view_t){r->data + r->used, need};
    r->used += need;
    return HAWSE_OK;
}

static int32_t read_flow(struct reading *r, const json_t *o, hawse_intent_flow_t *flow)
{
    *flow = (hawse_intent_flow_t){.size = sizeof(*flow)};
    int32_t code = read_address(r, o, "asset", flow->asset);
    if (code == HAWSE_OK)
        code = read_amount(r, o, "max_out", &flow->max_out);
    if (code == HAWSE_OK)
        code = read_amount(r, o, "min_in", &flow->min_in);
    if (code == HAWSE_OK)
        code = read_amount(r, o, "expected_in", &flow->expected_in);
    return code;
}

/* By the id of an instance; or by a number, which means nothing in another run. */
static int32_t read_stream(struct reading *r, const json_t *o, uint32_t i)
{
    hawse_intent_stream_t *stream = &r->into->streams[i];
    const char *id = json_string_value(json_object_get(o, "source"));
    *stream = (hawse_intent_stream_t){.size = sizeof(*stream)};
    if (id && (!id[0] || strlen(id) >= sizeof(r->into->sources[0])))
        return bad(r, "source", "the id of an instance");
    if (id)
        (void)snprintf(r->into->sources[i], sizeof(r->into->sources[i]), "%s", id);
    int32_t code = id ? HAWSE_OK : read_u32(r, o, "source", &stream->source);
    if (code == HAWSE_OK)
        code = read_u32(r, o, "stream", &stream->stream);
    if (code == HAWSE_OK)
        code = read_u64(r, o, "key", &stream->key);
    return code;
}

static int32_t read_lists(struct reading *r, const json_t *root)
{
    struct intent *into = r->into;
    const json_t *calls = json_object_get(root, "calls"), *flows = json_object_get(root, "flows"),
                 *streams = json_object_get(root, "streams");
    int32_t code = HAWSE_OK;
    size_t i;
    json_t *o;
    bool solana = into->public.kind == HAWSE_INTENT_SOLANA_INSTRUCTIONS;
    if (solana ? calls || flows
               : !json_is_array(calls) || json_array_size(calls) > HAWSE_INTENT_CALLS_MAX)
        return solana ? bad(r, "calls, flows", "none beside \"solana\"")
                      : bad(r, "calls", "a list of 1 to 64 calls");
    if (json_array_size(flows) > HAWSE_INTENT_FLOWS_MAX)
        return bad(r, "flows", "a list of at most 16 assets");
    if (json_array_size(streams) > HAWSE_INTENT_STREAMS_MAX)
        return bad(r, "streams", "a list of at most 8 sequences");
    into->public.call_count = (uint32_t)json_array_size(calls);
    into->public.flow_count = (uint32_t)json_array_size(flows);
    into->public.stream_count = (uint32_t)json_array_size(streams);
    json_array_foreach(calls, i, o) if (code == HAWSE_OK) code = read_call(r, o, &into->calls[i]);
    json_array_foreach(flows, i, o) if (code == HAWSE_OK) code = read_flow(r, o, &into->flows[i]);
    json_array_foreach(streams, i, o) if (code == HAWSE_OK) code = read_stream(r, o, (uint32_t)i);
    return code;
}

static int32_t check_members(struct reading *r, json_t *root)
{
    static const char *const known[] = {
        "id",       "chain",       "account",       "how",        "route",
        "stale_ok", "keep_signed", "confirmations", "calls",      "flows",
        "streams",  "max_cost",    "deadline_ns",   "tag",        "deadline_block",
        "note",     "solana",      "worth",         "basis_block"};
    const char *key;
    json_t *value;
    json_object_foreach(root, key, value)
    {
        bool found = false;
        for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
            found = found || strcmp(key, known[i]) == 0;
        if (!found)
            return fault_set(r->fault, HAWSE_E_FORMAT, "an intent has no member \"%.40s\"", key);
    }
    return HAWSE_OK;
}

static uint32_t kind_of(const json_t *root)
{
    return json_object_get(root, "solana") ? HAWSE_INTENT_SOLANA_INSTRUCTIONS
                                           : HAWSE_INTENT_EVM_CALLS;
}

/* How much, how long, and how much it is worth. */
static int32_t read_bounds(struct reading *r, const json_t *root, hawse_intent_t *in)
{
    int32_t code = read_amount(r, root, "max_cost", &in->max_cost);
    if (code == HAWSE_OK)
        code = read_amount(r, root, "worth", &in->worth);
    if (code == HAWSE_OK)
        code = read_u64(r, root, "deadline_ns", &in->deadline_ns);
    if (code == HAWSE_OK)
        code = read_u64(r, root, "deadline_block", &in->deadline_block);
    if (code == HAWSE_OK)
        code = read_u64(r, root, "tag", &in->tag);
    if (code == HAWSE_OK)
        code = read_u64(r, root, "basis_block", &in->basis_block);
    return code;
}

static int32_t read_root(struct reading *r, json_t *root)
{
    hawse_intent_t *in = &r->into->public;
    *in = (hawse_intent_t){.size = sizeof(*in),
                           .kind = kind_of(root),
                           .call_size = sizeof(r->into->calls[0]),
                           .calls = r->into->calls,
                           .flow_size = sizeof(r->into->flows[0]),
                           .flows = r->into->flows,
                           .stream_size = sizeof(r->into->streams[0]),
                           .streams = r->into->streams};
    if (!json_is_object(root))
        return bad(r, "an intent", "a JSON object");
    int32_t code = check_members(r, root);
    if (code == HAWSE_OK)
        code = read_view(r, root, "id", true, &in->id);
    if (code == HAWSE_OK)
        code = read_view(r, root, "chain", true, &in->chain);
    if (code == HAWSE_OK)
        code = read_view(r, root, "account", true, &in->account);
    if (code == HAWSE_OK)
        code = read_view(r, root, "note", false, &in->note);
    if (code == HAWSE_OK)
        code = read_word(r, root, "how", how_words, 4, &in->how);
    if (code == HAWSE_OK)
        code = read_word(r, root, "route", route_words, 3, &in->route);
    if (code == HAWSE_OK)
        code = read_u32(r, root, "confirmations", &in->confirmations);
    if (code == HAWSE_OK)
        code = read_bounds(r, root, in);
    if (json_is_true(json_object_get(root, "stale_ok")))
        in->flags |= HAWSE_INTENT_STALE_OK;
    if (json_is_true(json_object_get(root, "keep_signed")))
        in->flags |= HAWSE_INTENT_KEEP_SIGNED;
    return code == HAWSE_OK ? read_lists(r, root) : code;
}

int32_t intent_from_json(const char *text, size_t len, struct intent **out, struct fault *fault)
{
    json_error_t error;
    json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
    if (!root)
        return fault_set(fault, HAWSE_E_FORMAT, "line %d: %s", error.line, error.text);
    hawse_intent_solana_t *solana = NULL;
    const json_t *part = json_object_get(root, "solana");
    struct reading r = {.into = calloc(1, sizeof(*r.into)),
                        .data = malloc(len + 1), /* digits are longer than what they stand for */
                        .cap = len + 1,
                        .fault = fault};
    int32_t code = r.into && r.data ? read_root(&r, root)
                                    : fault_set(fault, HAWSE_E_NOMEM, "no memory for an intent");
    if (code == HAWSE_OK && part)
        code = intent_solana_read(part, &solana, fault);
    if (code == HAWSE_OK) {
        r.into->public.solana = solana;
        code = intent_copy(&r.into->public, out, fault);
    }
    if (code == HAWSE_OK)
        memcpy((*out)->sources, r.into->sources, sizeof(r.into->sources));
    free(solana);
    free(r.data);
    free(r.into);
    json_decref(root);
    return code;
}
