/* See audit.h. */
#include "audit.h"

#include "arb.h"

#include <hawse/hex.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define TAG_FIRST  0x100u /* of verbs: others have smaller ones */
#define TAG_RPC    0x100000000u
#define TAG_INTENT 0x8000000000000000u

enum { TEXT = 8192, PARAMS = 512, LATE_NS = 1000000000, MARKS = 64, PROBE_GAS = 46000 };
enum { VERIFY_VERB, APPROVALS_VERB, VERBS };

static const struct {
    const char *name, *help, *args;
} table[VERBS] = {
    [VERIFY_VERB] = {"verify", "is everything in place for a trade? exit code 0 when all of it is",
                     ""},
    [APPROVALS_VERB] = {"approvals",
                        "what contracts may spend: list it, set it, or take it back (revoke)",
                        "{\"properties\":{\"what\":{\"type\":\"string\",\"enum\":[\"list\",\"set\","
                        "\"revoke\"]},\"amount\":{\"type\":\"string\",\"maxLength\":40,"
                        "\"default\":\"max\",\"description\":\"whole tokens, or max\"},"
                        "\"send\":{\"type\":\"boolean\",\"default\":false,\"description\":"
                        "\"propose it; else the calls are shown\"}},\"required\":[\"what\"]}"}};

/* ---- words ---- */

struct text {
    char data[TEXT];
    uint32_t len;
};

__attribute__((format(printf, 2, 3))) static void put(struct text *t, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    int n = vsnprintf(t->data + t->len, TEXT - t->len, format, ap);
    va_end(ap);
    if (n > 0)
        t->len = t->len + (uint32_t)n < TEXT ? t->len + (uint32_t)n : TEXT - 1;
}

/* Words of others, without what would end a string. */
static void put_words(struct text *t, const uint8_t *words, uint64_t len)
{
    for (uint64_t i = 0; i < len && i < 300; i++)
        put(t, "%c",
            words[i] < 0x20 || words[i] > 0x7e || words[i] == '"' || words[i] == '\\' ? ' '
                                                                                      : words[i]);
}

/* Our own words in a JSON string. */
static void put_quoted(struct text *t, const char *words)
{
    for (; *words; words++)
        put(t, "%s%c", *words == '"' || *words == '\\' ? "\\" : "", *words);
}

static void end(struct arb *a, uint32_t status, const struct text *json, const struct text *text)
{
    struct audit *u = &a->audit;
    const hawse_command_result_t result = {.size = sizeof(result),
                                           .status = status,
                                           .json = {(const uint8_t *)json->data, json->len},
                                           .text = {(const uint8_t *)text->data, text->len}};
    (void)u->command->end(a->host, a->self, u->call, &result);
    if (u->request != 0)
        (void)a->rpc->cancel(a->host, a->self, u->request);
    u->what = AUDIT_NOTHING;
    u->request = 0;
    u->intent = 0;
}

static void give_up(struct arb *a, const char *why, const uint8_t *more, uint64_t len)
{
    struct text json = {.len = 0}, text = {.len = 0};
    put(&text, "%s", why);
    put_words(&text, more, len);
    put(&json, "{\"error\":\"");
    put_words(&json, (const uint8_t *)text.data, text.len);
    put(&json, "\"}");
    put(&text, "\n");
    end(a, HAWSE_COMMAND_TROUBLE, &json, &text);
}

/* ---- questions ---- */

/* What a transaction with one authorization would cost. Its signature is none, so that it changes
 * nothing, but each one counts 25,000 (EIP-7702, PER_EMPTY_ACCOUNT_COST): a node that does not know
 * them refuses, or answers 21,000. */
static void probe(const struct arb *a, char *out)
{
    char account[41] = "", executor[41] = "";
    hawse_hex_encode(a->set.places.account, 20, account);
    hawse_hex_encode(a->set.executor, 20, executor);
    (void)snprintf(out, PARAMS,
                   "[{\"from\":\"0x%s\",\"to\":\"0x000000000000000000000000000000000000fa11\","
                   "\"authorizationList\":[{\"chainId\":\"0x%llx\",\"address\":\"0x%s\","
                   "\"nonce\":\"0x0\",\"yParity\":\"0x0\",\"r\":\"0x1\",\"s\":\"0x1\"}]}]",
                   account, (unsigned long long)a->set.chain_id, executor);
}

static void ask_token(const uint8_t token[20], const char *data, char *out)
{
    char to[41] = "";
    hawse_hex_encode(token, 20, to);
    (void)snprintf(out, PARAMS, "[{\"to\":\"0x%s\",\"data\":\"0x%s\"},\"latest\"]", to, data);
}

/* The method; its parameters into `params`. */
static const char *write_question(const struct arb *a, uint32_t n, char *params)
{
    const struct bundle_places *at = &a->set.places;
    char me[41] = "", other[41] = "", token[41] = "", data[208];
    struct approval pair;
    hawse_hex_encode(at->account, 20, me);
    switch (n) {
    case AUDIT_CHAIN_ID:
        (void)snprintf(params, PARAMS, "[]");
        return "eth_chainId";
    case AUDIT_CODE:
        hawse_hex_encode(a->set.executor, 20, other);
        (void)snprintf(params, PARAMS, "[\"0x%s\",\"latest\"]", other);
        return "eth_getCode";
    case AUDIT_ACCOUNT_CODE:
        (void)snprintf(params, PARAMS, "[\"0x%s\",\"latest\"]", me);
        return "eth_getCode";
    case AUDIT_PROBE:
        probe(a, params);
        return "eth_estimateGas";
    case AUDIT_SDAI:
        (void)snprintf(data, sizeof(data), "70a08231%024d%s", 0, me);
        ask_token(at->token[TOKEN_SDAI], data, params);
        return "eth_call";
    case AUDIT_COIN:
        (void)snprintf(params, PARAMS, "[\"0x%s\",\"latest\"]", me);
        return "eth_getBalance";
    default:
        approval_at(at, n - AUDIT_ALLOWANCE, &pair);
        hawse_hex_encode(pair.spender, 20, other);
        hawse_hex_encode(at->token[pair.token], 20, token);
        if (pair.by_permit2) /* allowance(owner, token, spender) */
            (void)snprintf(data, sizeof(data), "927da105%024d%s%024d%s%024d%s", 0, me, 0, token, 0,
                           other);
        else
            (void)snprintf(data, sizeof(data), "dd62ed3e%024d%s%024d%s", 0, me, 0, other);
        ask_token(pair.at, data, params);
        return "eth_call";
    }
}

static void ask(struct arb *a)
{
    struct audit *u = &a->audit;
    char params[PARAMS];
    const char *method = write_question(a, u->next, params);
    hawse_rpc_call_t call = {.size = sizeof(call),
                             .link = hawse_text("chain"),
                             .method = hawse_text(method),
                             .params = hawse_text(params),
                             .tag = TAG_RPC | u->next};
    int32_t code = a->rpc->call(a->host, a->self, &call, &u->request);
    if (code == HAWSE_OK)
        return;
    u->request = 0;
    give_up(a, "the chain cannot be asked; is rpc granted? ", (const uint8_t *)method,
            strlen(method));
}

static bool take_number(const hawse_json_value_t *v, hawse_u256_t *out)
{
    return v->kind == HAWSE_JSON_STRING && hawse_hex_u256(v->data, v->len, out) == HAWSE_OK;
}

static bool take_allowance(struct arb *a, uint32_t index, const hawse_json_value_t *v)
{
    hawse_u256_t *amount = &a->audit.facts.allowance[index];
    struct approval pair;
    uint8_t words[96];
    uint64_t len = 0, now = a->host->now(a->host, HAWSE_CLOCK_UTC) / 1000000000u;
    approval_at(&a->set.places, index, &pair);
    if (!pair.by_permit2)
        return take_number(v, amount);
    return v->kind == HAWSE_JSON_STRING &&
           hawse_hex_data(v->data, v->len, words, sizeof(words), &len) == HAWSE_OK &&
           approval_permit2(words, len, now + a->set.deadline_s, amount) == HAWSE_OK;
}

static bool take(struct arb *a, const hawse_json_value_t *v)
{
    struct audit *u = &a->audit;
    struct verify_facts *f = &u->facts;
    hawse_u256_t n;
    switch (u->next) {
    case AUDIT_CODE:
        f->code = u->code;
        return v->kind == HAWSE_JSON_STRING &&
               hawse_hex_data(v->data, v->len, u->code, sizeof(u->code), &f->code_len) == HAWSE_OK;
    case AUDIT_ACCOUNT_CODE:
        f->account_code = u->account_code;
        if (v->kind == HAWSE_JSON_STRING && v->len > 2 + 2 * sizeof(u->account_code)) {
            f->account_code_len = sizeof(u->account_code); /* a contract: no delegation */
            return true;
        }
        return v->kind == HAWSE_JSON_STRING &&
               hawse_hex_data(v->data, v->len, u->account_code, sizeof(u->account_code),
                              &f->account_code_len) == HAWSE_OK;
    case AUDIT_CHAIN_ID:
        return v->kind == HAWSE_JSON_STRING &&
               hawse_hex_u64(v->data, v->len, &f->chain_id) == HAWSE_OK;
    case AUDIT_PROBE:
        f->set_code = take_number(v, &n) && n.limb[0] >= PROBE_GAS;
        return true;
    case AUDIT_SDAI:
        return take_number(v, &f->sdai);
    case AUDIT_COIN:
        return take_number(v, &f->coin);
    default:
        return take_allowance(a, u->next - AUDIT_ALLOWANCE, v);
    }
}

/* ---- verify ---- */

static void wanted(const struct arb *a, struct verify_facts *f)
{
    struct control now = a->control; /* a question changes nothing */
    struct control_order order;
    hawse_u256_t price = hawse_u256(2 * a->base_fee + a->set.tip_wei), one = hawse_u256(1);
    hawse_u256_t gas = hawse_u256(a->set.gas_units);
    f->wanted_chain_id = a->set.chain_id;
    f->wanted_size = a->set.executor_size;
    f->hash_pinned = a->set.hash_set;
    memcpy(f->wanted_hash, a->set.executor_hash, 32);
    memcpy(f->executor, a->set.executor, 20);
    (void)control_next(&a->set.rules, &now, a->host->now(a->host, HAWSE_CLOCK_UTC), &order, NULL);
    f->wanted_sdai = order.max_in; /* of the stage that it is in */
    (void)hawse_u256_mul_div(&price, &gas, &one, 0, &f->wanted_coin);
}

static void report(struct arb *a)
{
    struct text json = {.len = 0}, text = {.len = 0};
    struct verify_report r;
    wanted(a, &a->audit.facts);
    verify_judge(&a->set.places, &a->audit.facts, &r);
    put(&json, "{\"ready\":%s,\"lines\":[", r.good ? "true" : "false");
    for (uint32_t i = 0; i < VERIFY_LINES; i++) {
        const struct verify_verdict *v = &r.line[i];
        put(&json, "%s{\"check\":\"%s\",\"good\":%s,\"text\":\"%s\"", i ? "," : "",
            verify_name((enum verify_line)i), v->good ? "true" : "false", v->text);
        if (!v->good) {
            put(&json, ",\"fix\":\"");
            put_quoted(&json, v->fix);
            put(&json, "\"");
        }
        put(&json, "}");
        put(&text, "[%s] %s\n", v->good ? " ok " : "FAIL", v->text);
        if (!v->good)
            put(&text, "       fix: %s\n", v->fix);
    }
    put(&json, "]}");
    put(&text, r.good ? "all infrastructure ready\n" : "NOT ready\n");
    end(a, r.good ? HAWSE_COMMAND_GOOD : HAWSE_COMMAND_TROUBLE, &json, &text);
}

/* ---- approvals ---- */

static void put_allowance(struct text *json, struct text *text, const struct approval *pair,
                          const hawse_u256_t *n)
{
    char digits[HAWSE_U256_DECIMAL_MAX], shown[HAWSE_U256_DECIMAL_MAX + 4];
    (void)hawse_u256_decimal(n, digits);
    put(json, "{\"token\":\"%s\",\"spender\":\"%s\",\"amount\":\"%s\"}", pair->token_name,
        pair->spender_name, digits);
    put(text, "%-12s > %-12s %s\n", pair->token_name, pair->spender_name,
        approval_endless(n)     ? "unlimited"
        : hawse_u256_is_zero(n) ? "none"
                                : units(n, shown));
}

static void list(struct arb *a)
{
    struct text json = {.len = 0}, text = {.len = 0};
    struct approval pair;
    put(&json, "[");
    for (uint32_t i = 0; i < approval_count(&a->set.places); i++) {
        approval_at(&a->set.places, i, &pair);
        put(&json, "%s", i ? "," : "");
        put_allowance(&json, &text, &pair, &a->audit.facts.allowance[i]);
    }
    put(&json, "]");
    end(a, HAWSE_COMMAND_GOOD, &json, &text);
}

/* One call for each pair that is not as wanted. */
static uint32_t make_calls(const struct arb *a, hawse_intent_call_t *calls,
                           uint8_t data[APPROVALS][APPROVAL_DATA], struct text *text)
{
    const struct audit *u = &a->audit;
    struct approval pair;
    uint32_t n = 0;
    for (uint32_t i = 0; i < approval_count(&a->set.places); i++) {
        const hawse_u256_t *has = &u->facts.allowance[i];
        bool good = u->what == AUDIT_REVOKE
                        ? hawse_u256_is_zero(has)
                        : hawse_u256_compare(has, &u->amount) >= 0 ||
                              (approval_endless(has) && approval_endless(&u->amount));
        if (good)
            continue;
        approval_at(&a->set.places, i, &pair);
        uint32_t len = approval_encode(&a->set.places, &pair, &u->amount, data[n]);
        calls[n] = (hawse_intent_call_t){.size = sizeof(calls[n]), .data = {data[n], len}};
        memcpy(calls[n].to, pair.at, 20);
        put(text, "%s %s > %s\n", u->what == AUDIT_REVOKE ? "revoke" : "approve", pair.token_name,
            pair.spender_name);
        n++;
    }
    return n;
}

static int32_t propose(struct arb *a, const hawse_intent_call_t *calls, uint32_t n)
{
    struct audit *u = &a->audit;
    char id[HAWSE_INTENT_ID_MAX];
    (void)snprintf(id, sizeof(id), "approvals-%llx-%llu", (unsigned long long)a->run,
                   (unsigned long long)++u->intents);
    hawse_intent_t intent = {.size = sizeof(intent),
                             .kind = HAWSE_INTENT_EVM_CALLS,
                             .tag = TAG_INTENT | u->intents,
                             .id = hawse_text(id),
                             .chain = hawse_text(a->set.chain),
                             .account = hawse_text(a->set.account),
                             .how = HAWSE_INTENT_EACH,
                             .flags = HAWSE_INTENT_STALE_OK,
                             .call_count = n,
                             .call_size = sizeof(calls[0]),
                             .calls = calls,
                             .note = hawse_text(u->what == AUDIT_REVOKE
                                                    ? "an operator takes approvals back"
                                                    : "an operator sets approvals")};
    return a->intents->propose(a->host, a->self, &intent, &u->intent);
}

static void change(struct arb *a)
{
    struct audit *u = &a->audit;
    struct text json = {.len = 0}, text = {.len = 0};
    hawse_intent_call_t calls[APPROVALS];
    uint8_t data[APPROVALS][APPROVAL_DATA];
    uint32_t n = make_calls(a, calls, data, &text);
    put(&json, "{\"calls\":%u,\"sent\":%s}", n, n > 0 && u->send ? "true" : "false");
    if (n == 0 || !u->send) {
        put(&text, n == 0 ? "nothing to do\n" : "nothing was proposed: --send does it\n");
        end(a, HAWSE_COMMAND_GOOD, &json, &text);
        return;
    }
    int32_t code = propose(a, calls, n);
    if (code != HAWSE_OK) {
        give_up(a, "the host did not take the intent: its log says why", NULL, 0);
        return;
    }
    (void)u->command->print(a->host, a->self, u->call,
                            (hawse_view_t){(const uint8_t *)text.data, text.len});
}

static bool terminal(uint32_t step)
{
    return step == HAWSE_INTENT_CONFIRMED || step == HAWSE_INTENT_REFUSED ||
           step == HAWSE_INTENT_FAILED || step == HAWSE_INTENT_EXPIRED;
}

static bool on_step(struct arb *a, const hawse_event_t *event)
{
    struct audit *u = &a->audit;
    struct text json = {.len = 0}, text = {.len = 0};
    hawse_intent_step_t step;
    memset(&step, 0, sizeof(step));
    memcpy(&step, event->data, event->len < sizeof(step) ? event->len : sizeof(step));
    if ((step.tag & TAG_INTENT) == 0)
        return false;
    if (u->intent == 0 || step.tag != (TAG_INTENT | u->intents) || !terminal(step.step))
        return true;
    if (step.step != HAWSE_INTENT_CONFIRMED) {
        give_up(a, "it was not done, or not all of it: ", event->data + step.size, step.reason_len);
        return true;
    }
    put(&json, "{\"sent\":true,\"confirmed\":true}");
    put(&text, "confirmed\n");
    end(a, HAWSE_COMMAND_GOOD, &json, &text);
    return true;
}

/* ---- one after the other ---- */

static void finish(struct arb *a)
{
    switch (a->audit.what) {
    case AUDIT_VERIFY:
        report(a);
        break;
    case AUDIT_LIST:
        list(a);
        break;
    default:
        change(a);
    }
}

static void answered(struct arb *a, const hawse_event_t *event)
{
    struct audit *u = &a->audit;
    hawse_host_rpc_done_t done;
    hawse_json_t doc;
    hawse_json_value_t v;
    memcpy(&done, event->data, sizeof(done));
    if (u->request == 0 || done.request != u->request)
        return;
    u->request = 0;
    const uint8_t *body = event->data + sizeof(done);
    bool refused = u->next == AUDIT_PROBE && done.status == HAWSE_E_REMOTE; /* it says no */
    bool good = done.status == HAWSE_OK &&
                hawse_json_index(&doc, body, done.body_len, a->marks, ARB_MARKS) == HAWSE_OK &&
                hawse_json_root(&doc, &v) == HAWSE_OK && take(a, &v);
    if (!good && !refused) {
        give_up(a, "the chain did not answer as it should: ", body, done.body_len);
        return;
    }
    if (++u->next < AUDIT_ALLOWANCE + approval_count(&a->set.places))
        ask(a);
    else
        finish(a);
}

void audit_go_on(struct arb *a)
{
    struct audit *u = &a->audit;
    if (u->what == AUDIT_NOTHING || !u->waits)
        return;
    if (a->untrusted[0] != '\0') {
        give_up(a, a->untrusted, NULL, 0);
    } else if (a->tokens_known) {
        u->waits = false;
        ask(a);
    } else if (a->host->now(a->host, HAWSE_CLOCK_MONOTONIC) + LATE_NS > u->deadline_ns) {
        give_up(a, "the proposal's tokens are not known: is \"proposal\" right, and \"sdai\"?",
                NULL, 0);
    }
}

/* ---- calls ---- */

static bool read_args(struct audit *u, const hawse_event_t *event, const hawse_host_command_t *c)
{
    static const char *const words[] = {"list", "set", "revoke"};
    hawse_json_t doc;
    hawse_json_value_t args, v;
    uint32_t marks[MARKS];
    if (hawse_json_index(&doc, event->data + sizeof(*c) + c->name_len, c->args_len, marks, MARKS) !=
            HAWSE_OK ||
        hawse_json_root(&doc, &args) != HAWSE_OK ||
        hawse_json_get(&doc, &args, "what", &v) != HAWSE_OK)
        return false;
    for (uint32_t i = 0; i < 3; i++) {
        if (hawse_json_is(&v, words[i]))
            u->what = (enum audit_what)(AUDIT_LIST + i);
    }
    u->send = hawse_json_get(&doc, &args, "send", &v) == HAWSE_OK && v.kind == HAWSE_JSON_TRUE;
    u->amount = hawse_u256(0);
    if (u->what == AUDIT_REVOKE || hawse_json_get(&doc, &args, "amount", &v) != HAWSE_OK)
        return true;
    if (hawse_json_is(&v, "max")) {
        memset(&u->amount, 0xff, sizeof(u->amount));
        return true;
    }
    return hawse_u256_parse_units(v.data, v.len, 18, &u->amount) == HAWSE_OK;
}

static void refuse(struct arb *a, hawse_command_t call, const char *why)
{
    const hawse_command_result_t result = {
        .size = sizeof(result), .status = HAWSE_COMMAND_USAGE, .text = hawse_text(why)};
    (void)a->audit.command->end(a->host, a->self, call, &result);
}

static void begin(struct arb *a, const hawse_event_t *event, const hawse_host_command_t *c)
{
    struct audit *u = &a->audit;
    if (u->what != AUDIT_NOTHING) {
        refuse(a, c->command, "another verify or approvals is under way\n");
        return;
    }
    u->what = AUDIT_VERIFY;
    if (c->tag == TAG_FIRST + APPROVALS_VERB && !read_args(u, event, c)) {
        u->what = AUDIT_NOTHING;
        refuse(a, c->command, "amount: expected whole tokens as \"12.5\", or max\n");
        return;
    }
    if (u->what == AUDIT_VERIFY && !a->set.executor_set) {
        u->what = AUDIT_NOTHING;
        refuse(a, c->command, "the setting \"executor\" is not set: there is nothing to verify\n");
        return;
    }
    u->call = c->command;
    u->deadline_ns = c->deadline_ns;
    u->next = u->what == AUDIT_VERIFY ? AUDIT_CHAIN_ID : AUDIT_ALLOWANCE;
    memset(&u->facts, 0, sizeof(u->facts));
    u->waits = true;
}

bool audit_event(struct arb *a, const hawse_event_t *event)
{
    struct audit *u = &a->audit;
    hawse_host_rpc_done_t done;
    hawse_host_command_t c;
    hawse_host_command_gone_t gone;
    if (event->space == HAWSE_SPACE_INTENT)
        return on_step(a, event);
    switch (event->kind) {
    case HAWSE_HOST_RPC_DONE:
        memcpy(&done, event->data, sizeof(done));
        if ((done.tag & TAG_RPC) == 0)
            return false;
        answered(a, event);
        return true;
    case HAWSE_HOST_COMMAND:
        memcpy(&c, event->data, sizeof(c));
        if (c.tag < TAG_FIRST)
            return false;
        begin(a, event, &c);
        return true;
    case HAWSE_HOST_COMMAND_GONE:
        memcpy(&gone, event->data, sizeof(gone));
        if (u->what == AUDIT_NOTHING || gone.command != u->call)
            return false;
        give_up(a, "nobody waits", NULL, 0);
        return true;
    default:
        return false;
    }
}

int32_t audit_add(struct arb *a)
{
    a->audit.command = a->host->query(a->host, a->self, HAWSE_COMMAND_ID);
    for (uint32_t i = 0; a->audit.command && i < VERBS; i++) {
        const hawse_command_spec_t spec = {.size = sizeof(spec),
                                           .name = hawse_text(table[i].name),
                                           .help = hawse_text(table[i].help),
                                           .args = hawse_text(table[i].args),
                                           .tag = TAG_FIRST + i};
        int32_t code = a->audit.command->add(a->host, a->self, &spec);
        if (code != HAWSE_OK)
            return hawse_fail(a->host, a->self, code, "a verb cannot be offered",
                              "see what the host says");
    }
    return HAWSE_OK;
}
