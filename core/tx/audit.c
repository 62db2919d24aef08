/* Holds what was signed against what was simulated; see audit.h. */
#include "tx/audit.h"

#include "sim/sim.h"

#include <hawse/hex.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a simulation of an intent says of one of its transactions. */
struct simulation {
    uint64_t intent; /* 0 = a free place */
    uint32_t leg;
    uint8_t token[32];
    uint8_t binding[32];
    uint64_t gas_limit;
    bool success;
};

struct auditing {
    struct audit *out;
    struct simulation *list; /* open addressing; a power of two, at most half used */
    size_t used, cap;
};

static struct simulation *place(struct simulation *list, size_t cap, uint64_t intent, uint32_t leg,
                                const uint8_t token[32])
{
    uint64_t hash;
    memcpy(&hash, token, sizeof(hash));
    size_t i = (size_t)(hash ^ intent ^ leg) & (cap - 1);
    while (list[i].intent != 0 && (list[i].intent != intent || list[i].leg != leg ||
                                   memcmp(list[i].token, token, 32) != 0))
        i = (i + 1) & (cap - 1);
    return &list[i];
}

static bool grow(struct auditing *a)
{
    size_t cap = a->cap > 0 ? 2 * a->cap : 1024;
    struct simulation *list = calloc(cap, sizeof(list[0]));
    if (!list)
        return false;
    for (size_t i = 0; i < a->cap; i++) {
        if (a->list[i].intent != 0)
            *place(list, cap, a->list[i].intent, a->list[i].leg, a->list[i].token) = a->list[i];
    }
    free(a->list);
    a->list = list;
    a->cap = cap;
    return true;
}

static bool hash_of(const json_t *value, uint8_t out[32])
{
    const char *text = json_string_value(value);
    return text && hawse_hex_fixed((const uint8_t *)text, strlen(text), out, 32) == HAWSE_OK;
}

/* A step that tells of a simulation; others are none of ours. */
static int32_t on_step(struct auditing *a, uint64_t intent, const json_t *root)
{
    const json_t *data = json_object_get(root, "data"), *figures = json_object_get(data, "figures");
    const json_t *calls = json_object_get(figures, "calls");
    struct simulation s = {.intent = intent};
    uint32_t first = (uint32_t)json_integer_value(json_object_get(data, "leg"));
    if (!hash_of(json_object_get(figures, "token"), s.token))
        return HAWSE_OK;
    s.success = json_is_true(json_object_get(figures, "success"));
    for (size_t i = 0; i < json_array_size(calls); i++) {
        const json_t *call = json_array_get(calls, i);
        if (!hash_of(json_object_get(call, "binding"), s.binding))
            return HAWSE_OK;
        s.leg = first + (uint32_t)i;
        s.gas_limit = (uint64_t)json_integer_value(json_object_get(call, "gas_limit"));
        if (2 * (a->used + 1) > a->cap && !grow(a))
            return HAWSE_E_NOMEM;
        struct simulation *at = place(a->list, a->cap, intent, s.leg, s.token);
        a->used += at->intent == 0;
        *at = s;
    }
    return HAWSE_OK;
}

static void note(struct audit *out, const struct journal_record *r, const char *why)
{
    if (!out->first[0])
        (void)snprintf(out->first, sizeof(out->first),
                       "intent %llu of %.63s, record %llu: its transaction %s",
                       (unsigned long long)r->intent, r->instance, (unsigned long long)r->seq, why);
}

static void on_attempt(struct auditing *a, const struct journal_record *r, const json_t *root)
{
    uint8_t token[32], sender[20], binding[32];
    const char *text = json_string_value(json_object_get(root, "simulation"));
    const char *from = json_string_value(json_object_get(root, "sender"));
    const struct simulation *s = NULL;
    hawse_tx_signature_t signature;
    hawse_tx_t tx;
    a->out->attempts++;
    if (text && strlen(text) == 64 && a->cap > 0 &&
        hawse_hex_decode((const uint8_t *)text, token, 32) == HAWSE_OK)
        s = place(a->list, a->cap, r->intent,
                  (uint32_t)json_integer_value(json_object_get(root, "leg")), token);
    if (!s || s->intent == 0 || !s->success) {
        a->out->without++;
        note(a->out, r, "names no simulation that succeeded before it was signed");
        return;
    }
    if (!from || hawse_hex_fixed((const uint8_t *)from, strlen(from), sender, 20) != HAWSE_OK ||
        hawse_tx_decode(r->bytes.data, r->bytes.len, &tx, &signature, NULL) != HAWSE_OK) {
        a->out->wrong++;
        note(a->out, r, "cannot be read");
        return;
    }
    sim_binding(&tx, sender, binding);
    if (memcmp(binding, s->binding, 32) == 0 && tx.gas_limit >= s->gas_limit) {
        a->out->bound++;
        return;
    }
    a->out->wrong++;
    note(a->out, r, "is not the one that was simulated");
}

static int32_t on_record(void *ctx, const struct journal_record *r)
{
    struct auditing *a = ctx;
    int32_t code = HAWSE_OK;
    bool step = strcmp(r->kind, "step") == 0, attempt = strcmp(r->kind, "attempt") == 0;
    if (!step && !attempt)
        return HAWSE_OK;
    json_t *root = json_loadb((const char *)r->data.data, r->data.len, 0, NULL);
    if (step)
        code = on_step(a, r->intent, root);
    else
        on_attempt(a, r, root);
    json_decref(root);
    return code;
}

int32_t audit_simulations(struct journal *journal, struct audit *out, struct fault *fault)
{
    const struct journal_filter all = {.instance = NULL};
    struct auditing a = {.out = out};
    memset(out, 0, sizeof(*out));
    int32_t code = journal_query(journal, &all, on_record, &a, fault);
    free(a.list);
    return fault_set(fault, code, "the journal's simulations cannot be looked at");
}
