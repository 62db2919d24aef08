/*
 * A Solana cluster as a feed: slots, accounts and logs of a sample, to whoever subscribed to them,
 * and answers from what was played so far. Later rounds have later slots and other signatures.
 *
 * The header's "subscriptions" say what the sample holds: {"id", "method", "key"}. A subscription
 * to anything else is refused.
 */
#include "app/feed/rpc.h"
#include "app/feed/tape.h"
#include "app/feed/world.h"

#include <hawse/types.h>
#include <stdlib.h>
#include <string.h>

enum { LOGS_KEPT = 5000, SLOTS_KEPT = 20000 };

struct solana {
    struct tape tape;
    json_int_t first, newest; /* slots: before the sample, and as played */
    json_int_t per_round;
    json_t *slots;    /* played, oldest first */
    json_t *accounts; /* pubkey: its newest state */
    json_t *logs;     /* {"key", "slot", "value"}, oldest first */
};

static json_t *number_of(json_t *object, const char *key)
{
    json_t *value = json_object_get(object, key);
    return json_is_integer(value) ? value : NULL;
}

static void destroy(void *state)
{
    struct solana *s = state;
    tape_finish(&s->tape);
    json_decref(s->slots);
    json_decref(s->accounts);
    json_decref(s->logs);
    free(s);
}

static int32_t read_header(struct solana *s, const char *path, struct fault *fault)
{
    json_t *h = s->tape.header, *account;
    json_t *start = number_of(json_object_get(h, "start"), "slot");
    json_t *end = number_of(json_object_get(h, "end"), "slot");
    size_t i;
    if (!json_is_array(json_object_get(h, "subscriptions")) || !start || !end ||
        !json_is_string(json_object_get(h, "genesis")) ||
        json_integer_value(end) <= json_integer_value(start))
        return fault_set(fault, HAWSE_E_FORMAT,
                         "%s:1: expected \"genesis\", \"subscriptions\", and an \"end\" with a "
                         "slot after that of \"start\"",
                         path);
    s->first = s->newest = json_integer_value(start);
    s->per_round = json_integer_value(end) - s->first;
    json_array_foreach(json_object_get(h, "accounts"), i, account)
    {
        const char *key = json_string_value(json_object_get(account, "pubkey"));
        json_t *value = json_object_get(account, "state");
        if (key && value)
            (void)json_object_set(s->accounts, key, value);
    }
    return HAWSE_OK;
}

int32_t feed_solana_read(FILE *f, const char *path, void **state, struct fault *fault)
{
    struct solana *s = calloc(1, sizeof(*s));
    *state = NULL;
    if (!s)
        return fault_set(fault, HAWSE_E_NOMEM, "no memory for the feed");
    s->slots = json_array();
    s->accounts = json_object();
    s->logs = json_array();
    int32_t code = tape_read(f, path, &s->tape, fault);
    if (code == HAWSE_OK)
        code = read_header(s, path, fault);
    if (code == HAWSE_OK)
        *state = s;
    else
        destroy(s);
    return code;
}

/* ---- playing ---- */

/* A signature of a later round: other digits in its middle, so that it stays 64 bytes. */
static void other_signature(json_t *value, uint64_t round)
{
    static const char digits[] = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
    const char *old = json_string_value(json_object_get(value, "signature"));
    char text[96];
    if (!old || round == 0 || strlen(old) < 60 || strlen(old) >= sizeof(text))
        return;
    memcpy(text, old, strlen(old) + 1);
    for (size_t i = 40; i < 46; i++, round /= 58)
        text[i] = digits[round % 58];
    (void)json_object_set_new(value, "signature", json_string(text));
}

static void add_to(json_t *object, const char *key, json_int_t more)
{
    json_t *value = number_of(object, key);
    if (value)
        (void)json_integer_set(value, json_integer_value(value) + more);
}

static void keep(json_t *list, json_t *item, size_t most)
{
    (void)json_array_append_new(list, item);
    if (json_array_size(list) > most)
        (void)json_array_remove(list, 0);
}

/* What the frame says becomes what questions are answered from. */
static void learn(struct solana *s, const char *method, const char *key, json_t *result)
{
    json_t *value = json_object_get(result, "value");
    json_t *slot = number_of(json_object_get(result, "context"), "slot");
    if (strcmp(method, "slotSubscribe") == 0 && number_of(result, "slot")) {
        s->newest = json_integer_value(number_of(result, "slot"));
        keep(s->slots, json_integer(s->newest), SLOTS_KEPT);
    } else if (strcmp(method, "accountSubscribe") == 0 && value) {
        (void)json_object_set(s->accounts, key, value);
    } else if (strcmp(method, "logsSubscribe") == 0 && value && slot) {
        keep(s->logs,
             json_pack("{s:s, s:I, s:O}", "key", key, "slot", json_integer_value(slot), "value",
                       value),
             LOGS_KEPT);
    }
}

/* The entry of "subscriptions" with this number, or NULL. */
static json_t *entry_of(const struct solana *s, const json_t *id)
{
    json_t *entry;
    size_t i;
    json_array_foreach(json_object_get(s->tape.header, "subscriptions"), i, entry)
    {
        if (id && json_equal(json_object_get(entry, "id"), id))
            return entry;
    }
    return NULL;
}

static void play(void *state, struct feed_subscriber *first)
{
    struct solana *s = state;
    uint64_t round;
    json_t *frame = tape_play(&s->tape, &round);
    json_t *params = json_object_get(frame, "params"), *result = json_object_get(params, "result");
    json_t *entry = entry_of(s, json_object_get(params, "subscription"));
    const char *method = json_string_value(json_object_get(entry, "method"));
    const char *key = json_string_value(json_object_get(entry, "key"));
    json_int_t more = (json_int_t)round * s->per_round;
    add_to(result, "slot", more);
    add_to(result, "parent", more);
    add_to(result, "root", more);
    add_to(json_object_get(result, "context"), "slot", more);
    other_signature(json_object_get(result, "value"), round);
    if (method && result)
        learn(s, method, key ? key : "", result);
    uint32_t what = (uint32_t)json_integer_value(json_object_get(entry, "id"));
    for (struct feed_subscriber *to = entry ? first : NULL; to; to = to->next) {
        for (size_t i = 0; i < to->count; i++) {
            if (to->list[i].what != what)
                continue;
            (void)json_object_set_new(params, "subscription",
                                      json_integer(strtoll(to->list[i].id, NULL, 10)));
            feed_send_json(to, json_incref(frame));
        }
    }
    json_decref(frame);
}

/* ---- questions ---- */

struct question {
    struct solana *s;
    struct feed_subscriber *from; /* NULL = HTTP */
    const json_t *params;
    struct rpc_answer *answer;
};

static json_t *context(const struct solana *s)
{
    return json_pack("{s:s, s:I}", "apiVersion", "2.0.0", "slot", s->newest);
}

static void get_genesis(struct question *q)
{
    q->answer->result = json_incref(json_object_get(q->s->tape.header, "genesis"));
}

static void get_slot(struct question *q)
{
    q->answer->result = json_integer(q->s->newest);
}

static void get_accounts(struct question *q)
{
    json_t *key, *list = json_array();
    size_t i;
    json_array_foreach(json_array_get(q->params, 0), i, key)
    {
        const char *name = json_string_value(key);
        json_t *value = name ? json_object_get(q->s->accounts, name) : NULL;
        (void)json_array_append_new(list, value ? json_incref(value) : json_null());
    }
    q->answer->result = json_pack("{s:o, s:o}", "context", context(q->s), "value", list);
}

static bool is_signature(const json_t *log, const char *signature)
{
    const char *own =
        json_string_value(json_object_get(json_object_get(log, "value"), "signature"));
    return own && signature && strcmp(own, signature) == 0;
}

static void get_signatures(struct question *q)
{
    const char *key = json_string_value(json_array_get(q->params, 0));
    const json_t *options = json_array_get(q->params, 1);
    const char *before = json_string_value(json_object_get(options, "before"));
    const char *until = json_string_value(json_object_get(options, "until"));
    json_t *limit = json_object_get(options, "limit"), *list = json_array();
    size_t most = json_is_integer(limit) ? (size_t)json_integer_value(limit) : 1000;
    bool on = before == NULL;
    for (size_t i = json_array_size(q->s->logs); i-- > 0 && json_array_size(list) < most;) {
        json_t *log = json_array_get(q->s->logs, i), *value = json_object_get(log, "value");
        if (!key || strcmp(json_string_value(json_object_get(log, "key")), key) != 0)
            continue;
        if (until && is_signature(log, until))
            break;
        if (on)
            (void)json_array_append_new(
                list, json_pack("{s:O?, s:O, s:O?, s:n, s:n, s:s}", "signature",
                                json_object_get(value, "signature"), "slot",
                                json_object_get(log, "slot"), "err", json_object_get(value, "err"),
                                "memo", "blockTime", "confirmationStatus", "processed"));
        on = on || is_signature(log, before);
    }
    q->answer->result = list;
}

static void get_transaction(struct question *q)
{
    const char *signature = json_string_value(json_array_get(q->params, 0));
    json_t *log;
    size_t i;
    json_array_foreach(q->s->logs, i, log)
    {
        json_t *value = json_object_get(log, "value");
        if (!is_signature(log, signature))
            continue;
        q->answer->result =
            json_pack("{s:O, s:{s:O?, s:O?}, s:{s:[s]}}", "slot", json_object_get(log, "slot"),
                      "meta", "err", json_object_get(value, "err"), "logMessages",
                      json_object_get(value, "logs"), "transaction", "signatures", signature);
        return;
    }
    q->answer->result = json_null();
}

static void get_blocks(struct question *q)
{
    json_t *slot, *last = json_array_get(q->params, 1), *list = json_array();
    json_int_t from = json_integer_value(json_array_get(q->params, 0));
    json_int_t to = json_is_integer(last) ? json_integer_value(last) : q->s->newest;
    size_t i;
    json_array_foreach(q->s->slots, i, slot)
    {
        if (json_integer_value(slot) >= from && json_integer_value(slot) <= to)
            (void)json_array_append(list, slot);
    }
    q->answer->result = list;
}

static const struct {
    const char *name;
    void (*run)(struct question *q);
} methods[] = {
    {"getGenesisHash", get_genesis},       {"getSlot", get_slot},
    {"getMultipleAccounts", get_accounts}, {"getSignaturesForAddress", get_signatures},
    {"getTransaction", get_transaction},   {"getBlocks", get_blocks},
};

/* ---- subscriptions ---- */

/* What an accountSubscribe or a logsSubscribe names; "" for the others. */
static const char *key_of(const json_t *params)
{
    const json_t *first = json_array_get(params, 0);
    const char *key = json_string_value(first);
    if (!key)
        key = json_string_value(json_array_get(json_object_get(first, "mentions"), 0));
    return key ? key : "";
}

static void subscribe(struct question *q, const char *method)
{
    const json_t *list = json_object_get(q->s->tape.header, "subscriptions");
    json_t *entry;
    size_t i;
    json_array_foreach(list, i, entry)
    {
        const char *own = json_string_value(json_object_get(entry, "method"));
        const char *key = json_string_value(json_object_get(entry, "key"));
        if (!own || strcmp(own, method) != 0 || strcmp(key ? key : "", key_of(q->params)) != 0)
            continue;
        struct feed_subscription *sub = feed_subscribe(q->from);
        if (!sub)
            break;
        json_int_t id = (json_int_t)q->from->next_id++; /* from 0 on, as nodes do */
        *sub = (struct feed_subscription){
            .what = (uint32_t)json_integer_value(json_object_get(entry, "id"))};
        (void)snprintf(sub->id, sizeof(sub->id), "%lld", (long long)id);
        q->answer->result = json_integer(id);
        return;
    }
    q->answer->code = -32602;
    q->answer->message = "the sample does not hold this";
}

static void unsubscribe(struct question *q)
{
    json_int_t id = json_integer_value(json_array_get(q->params, 0));
    for (size_t i = 0; i < q->from->count; i++) {
        if (strtoll(q->from->list[i].id, NULL, 10) != id)
            continue;
        feed_unsubscribe(q->from, i);
        q->answer->result = json_true();
        return;
    }
    q->answer->code = -32602;
    q->answer->message = "Invalid subscription id.";
}

static void method(void *ctx, const char *name, const json_t *params, struct rpc_answer *answer)
{
    struct question *q = ctx;
    const char *rest = strstr(name, "Subscribe"), *end = strstr(name, "Unsubscribe");
    q->params = params;
    q->answer = answer;
    if (q->from && end && strcmp(end, "Unsubscribe") == 0)
        unsubscribe(q);
    else if (q->from && rest && strcmp(rest, "Subscribe") == 0)
        subscribe(q, name);
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        if (strcmp(methods[i].name, name) == 0)
            methods[i].run(q);
    }
}

static char *message(void *state, struct feed_subscriber *from, const char *text, size_t len)
{
    struct question q = {.s = state, .from = from};
    return rpc_reply(text, len, method, &q);
}

static char *request(void *state, const char *path, const char *text, size_t len, int *status)
{
    struct question q = {.s = state};
    (void)path;
    *status = 200;
    return rpc_reply(text, len, method, &q);
}

static double due_ms(const void *state)
{
    return tape_due_ms(&((const struct solana *)state)->tape);
}

static void describe(const void *state, char *out, size_t cap)
{
    const struct solana *s = state;
    (void)snprintf(out, cap, "Solana, %zu frames", s->tape.count);
}

const struct feed_world feed_solana = {
    .due_ms = due_ms,
    .play = play,
    .message = message,
    .request = request,
    .describe = describe,
    .destroy = destroy,
};
