/* What is written and told of an intent, and the desk's status; see desk_private.h. */
#include "tx/desk_private.h"

#include <hawse/base58.h>
#include <hawse/hex.h>
#include <hawse/u256.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SHOWN = 100 };

/* ---- steps ---- */

void desk_tell(struct desk *desk, const struct desk_told *what)
{
    if (what->owner.instance == 0 && !what->instance[0])
        return;
    struct desk_told *told = malloc(sizeof(*told));
    if (!told) {
        struct fault fault = {0};
        (void)fault_set(&fault, HAWSE_E_NOMEM, "no memory for what is to be told");
        desk_broke(desk, &fault);
        return;
    }
    *told = *what;
    desk_effect(desk, &(struct desk_effect){.kind = DESK_TELL, .told = told});
}

void desk_answer(struct desk *desk, const struct desk_owner *owner, uint16_t kind, uint32_t step,
                 int32_t error, const char *reason, bool terminal)
{
    struct desk_told told = {.owner = *owner, .kind = kind, .terminal = terminal};
    told.step = (hawse_intent_step_t){.size = sizeof(told.step),
                                      .step = step,
                                      .intent = owner->handle,
                                      .error = error,
                                      .tag = owner->tag};
    if (reason)
        told.step.reason_len =
            (uint32_t)snprintf(told.reason, sizeof(told.reason), "%.639s", reason);
    desk_tell(desk, &told);
}

/* The data of a step in the journal: what decided, and by which figures. */
static char *step_data(const struct desk_intent *intent, const struct desk_words *w)
{
    json_t *o = json_object();
    if (intent->plan && intent->plan->count > 1)
        (void)json_object_set_new(o, "leg", json_integer(w->leg));
    if (w->gate)
        (void)json_object_set_new(o, "gate", json_string(w->gate));
    if (w->reason)
        (void)json_object_set_new(o, "reason", json_string(w->reason));
    if (w->figures && w->figures[0])
        (void)json_object_set_new(o, "figures", json_loads(w->figures, 0, NULL));
    if (w->relay)
        (void)json_object_set_new(o, "relay", json_loads(w->relay, 0, NULL));
    char *text = o ? json_dumps(o, JSON_COMPACT) : NULL;
    json_decref(o);
    return text;
}

bool desk_figure(const json_t *figures, const char *key, uint64_t *out)
{
    const char *text = json_string_value(json_object_get(figures, key));
    hawse_u256_t wide;
    return text && hawse_u256_parse((const uint8_t *)text, strlen(text), &wide) == HAWSE_OK &&
           hawse_u256_to_u64(&wide, out) == HAWSE_OK;
}

static void count_step(struct desk *desk, uint32_t step)
{
    struct desk_counts *c = &desk->counts;
    if (step <= HAWSE_INTENT_WAITING && desk->steps[step])
        counter_add(desk->steps[step], 1);
    c->confirmed += step == HAWSE_INTENT_CONFIRMED;
    c->failed += step == HAWSE_INTENT_FAILED;
    c->refused += step == HAWSE_INTENT_REFUSED;
    c->expired += step == HAWSE_INTENT_EXPIRED;
    c->sent += step == HAWSE_INTENT_SENT;
    c->reorged += step == HAWSE_INTENT_REORGED;
    c->unknown += step == HAWSE_INTENT_UNKNOWN;
    c->waited += step == HAWSE_INTENT_WAITING;
}

/* Whose it is, in words. */
static void for_others(const struct desk_intent *intent, struct desk_told *told)
{
    told->number = intent->number;
    (void)snprintf(told->instance, sizeof(told->instance), "%s", intent->instance);
    (void)snprintf(told->chain, sizeof(told->chain), "%s", intent->body->chain);
    (void)snprintf(told->id, sizeof(told->id), "%s", intent->body->id);
}

void desk_step(struct desk_intent *intent, uint32_t step, const struct desk_words *w)
{
    struct desk *desk = intent->desk;
    struct fault fault = {0};
    if (!desk_group(desk))
        return;
    struct journal_step row = {.intent = intent->number,
                               .step = step,
                               .attempts = intent->attempts,
                               .block = w->block,
                               .error = w->error};
    char *data = step_data(intent, w);
    if (data)
        row.data = hawse_text(data);
    if (w->hash)
        memcpy(row.reference, w->hash, 32);
    if (w->signature)
        memcpy(row.reference, w->signature, 64);
    int32_t code = journal_step(desk->journal, &row, &fault);
    free(data);
    if (code != HAWSE_OK) {
        desk_broke(desk, &fault);
        return;
    }
    intent->last_step = step;
    count_step(desk, step);
    struct desk_told told = {
        .owner = intent->owner, .kind = HAWSE_INTENT_STEP, .terminal = journal_terminal(step)};
    told.step = (hawse_intent_step_t){.size = sizeof(told.step),
                                      .step = step,
                                      .intent = intent->owner.handle,
                                      .attempt = intent->attempts,
                                      .block_number = w->block,
                                      .error = w->error,
                                      .tag = intent->owner.tag,
                                      .leg = w->leg,
                                      .leg_count = intent->plan ? intent->plan->count : 0};
    memcpy(told.step.reference, row.reference, sizeof(told.step.reference));
    if (w->reason)
        told.step.reason_len =
            (uint32_t)snprintf(told.reason, sizeof(told.reason), "%.639s", w->reason);
    if (told.terminal)
        for_others(intent, &told);
    desk_tell(desk, &told);
}

/* ---- metrics ---- */

static bool nonce_metrics(struct desk *desk)
{
    static const char *const names[] = {"reserved", "reused",  "sent",    "released", "expired",
                                        "busy",     "stale",   "hole",    "claimed",  "mined",
                                        "foreign",  "rewound", "resynced"};
    _Static_assert(sizeof(names) / sizeof(names[0]) == DESK_NONCE_COUNTS, "one name each");
    char labels[48];
    for (size_t i = 0; i < DESK_NONCE_COUNTS; i++) {
        (void)snprintf(labels, sizeof(labels), "what=\"%s\"", names[i]);
        desk->nonce_counts[i] = metrics_counter(desk->options.metrics, "hawse_nonces_total",
                                                "what became of nonces", labels);
        if (!desk->nonce_counts[i])
            return false;
    }
    return true;
}

#define GATE_NAME(name, stages, asks) #name,
static const char *const gate_names[DESK_GATES] = {RISK_GATES(GATE_NAME)};

static bool gate_metrics(struct desk *desk)
{
    static const char verdicts[] = "gates that let an intent not pass, by gate";
    struct metrics *m = desk->options.metrics;
    bool ok = true;
    for (uint32_t i = 0; i < DESK_GATES; i++) {
        char labels[64];
        (void)snprintf(labels, sizeof(labels), "gate=\"%s\",answer=\"refused\"", gate_names[i]);
        desk->refused[i] = metrics_counter(m, "hawse_gate_verdicts_total", verdicts, labels);
        (void)snprintf(labels, sizeof(labels), "gate=\"%s\",answer=\"waits\"", gate_names[i]);
        desk->waited[i] = metrics_counter(m, "hawse_gate_verdicts_total", verdicts, labels);
        ok = ok && desk->refused[i] && desk->waited[i];
    }
    for (uint32_t i = 0; i < SIMULATED_KINDS; i++) {
        static const char *const labels[] = {"result=\"success\"", "result=\"failure\"",
                                             "result=\"none\""};
        desk->simulated[i] = metrics_counter(m, "hawse_simulations_total",
                                             "simulations of transactions, by result", labels[i]);
        ok = ok && desk->simulated[i];
    }
    for (uint32_t i = 0; i < SIMULATED_REVERTS; i++) {
        static const char *const labels[] = {"reason=\"none\"", "reason=\"error\"",
                                             "reason=\"panic\"", "reason=\"custom\"",
                                             "reason=\"unknown\""};
        desk->reverts[i] =
            metrics_counter(m, "hawse_simulation_reverts_total",
                            "simulations that failed, by what the failed call left", labels[i]);
        ok = ok && desk->reverts[i];
    }
    desk->simulating = metrics_histogram(m, "hawse_simulation_seconds",
                                         "from the question to the result of a simulation", "");
    return ok && desk->simulating;
}

bool desk_metrics(struct desk *desk)
{
    struct metrics *m = desk->options.metrics;
    bool ok = true;
    if (!m)
        return true;
    for (uint32_t step = 1; step <= HAWSE_INTENT_WAITING; step++) {
        char labels[48];
        const char *name = journal_step_name(step);
        if (!name)
            continue;
        (void)snprintf(labels, sizeof(labels), "step=\"%s\"", name);
        desk->steps[step] =
            metrics_counter(m, "hawse_intent_steps_total", "steps of intents, by step", labels);
        ok = ok && desk->steps[step];
    }
    desk->open = metrics_gauge(m, "hawse_intents_open", "intents without a terminal step", "");
    desk->to_sent = metrics_histogram(m, "hawse_intent_sent_seconds",
                                      "from the proposal to the first broadcast", "");
    desk->reaction = metrics_histogram(
        m, "hawse_intent_reaction_seconds",
        "from what an intent was decided from, as it came off the socket, to its signature", "");
    return ok && desk->open && desk->to_sent && desk->reaction && nonce_metrics(desk) &&
           gate_metrics(desk);
}

/* What the nonces count themselves: since they were opened last. */
static void sample_nonces(struct desk *desk)
{
    struct nonce_counts counts;
    uint64_t n[DESK_NONCE_COUNTS];
    if (!desk->nonces || !desk->nonce_counts[0])
        return;
    nonce_counts(desk->nonces, &counts);
    memcpy(n, &counts, sizeof(n));
    for (size_t i = 0; i < DESK_NONCE_COUNTS; i++)
        counter_set(desk->nonce_counts[i], n[i]);
}

void desk_count_verdict(struct desk *desk, const struct risk_verdict *v)
{
    struct metric_counter **counters = v->answer == RISK_WAIT ? desk->waited : desk->refused;
    for (uint32_t i = 0; i < DESK_GATES && v->answer != RISK_PASS; i++) {
        if (counters[i] && strcmp(gate_names[i], v->gate) == 0)
            counter_add(counters[i], 1);
    }
}

void desk_count_simulation(struct desk *desk, const struct sim_result *result, uint64_t ns)
{
    uint32_t kind = result->status != HAWSE_OK ? SIMULATED_NOT
                    : result->success          ? SIMULATED_WELL
                                               : SIMULATED_BADLY;
    if (!desk->simulating)
        return;
    counter_add(desk->simulated[kind], 1);
    if (kind == SIMULATED_BADLY && result->revert < SIMULATED_REVERTS)
        counter_add(desk->reverts[result->revert], 1);
    histogram_add(desk->simulating, ns, 1);
}

/* ---- status ---- */

static json_t *show_amount(const hawse_u256_t *n)
{
    char text[HAWSE_U256_DECIMAL_MAX + 4];
    (void)hawse_u256_units(n, 0, 0, 0, text);
    return json_string(text);
}

static json_t *show_hash(const uint8_t hash[32])
{
    char text[67] = "0x";
    hawse_hex_encode(hash, 32, text + 2);
    text[66] = '\0';
    return json_string(text);
}

static json_t *show_account(const struct desk_account *a)
{
    char address[KEY_ADDRESS];
    key_describe(&a->key->public, address);
    return json_pack("{s:s, s:s, s:I, s:I, s:o, s:I, s:I}", "name", a->key->name, "address",
                     address, "latest", (json_int_t)a->latest, "pending", (json_int_t)a->pending,
                     "balance", show_amount(&a->balance), "open", (json_int_t)a->open, "busy",
                     (json_int_t)a->busy);
}

static json_t *show_alarms(const struct desk_chain *c)
{
    json_t *list = json_array();
    for (int i = 0; i < DESK_ALARMS; i++) {
        if (c->alarms[i])
            (void)json_array_append_new(list,
                                        json_string(config_host_alert((enum host_alert_kind)i)));
    }
    return list;
}

static json_t *show_chain(const struct desk_chain *c)
{
    json_t *accounts = json_array();
    for (const struct desk_account *a = c->accounts; a; a = a->next)
        (void)json_array_append_new(accounts, show_account(a));
    if (desk_is_solana(c))
        return json_pack("{s:s, s:s, s:s, s:b, s:I, s:o}", "name", c->config->name, "family",
                         "solana", "cluster", c->name.text, "ready",
                         __atomic_load_n(&c->ready, __ATOMIC_RELAXED), "head",
                         (json_int_t)solana_slot(c), "accounts", accounts);
    return json_pack(
        "{s:s, s:I, s:b, s:I, s:I, s:I, s:I, s:b, s:I, s:I, s:I, s:I, s:I, s:o, s:o}", "name",
        c->config->name, "chain_id", (json_int_t)c->config->chain_id, "ready",
        __atomic_load_n(&c->ready, __ATOMIC_RELAXED), "head", (json_int_t)c->head.number,
        "base_fee", (json_int_t)c->base_fee, "tip", (json_int_t)c->history.tip, "cap",
        (json_int_t)chain_cap(c), "spike", fees_trend_spike(&c->trend), "trend_permille",
        (json_int_t)fees_trend_permille(&c->trend), "dear", (json_int_t)c->dear, "reorgs",
        (json_int_t)c->reorgs, "deepest_reorg", (json_int_t)c->deepest, "simulation_drift_ppm",
        (json_int_t)c->accuracy.drift_ppm, "alarms", show_alarms(c), "accounts", accounts);
}

static json_t *show_leg(const struct leg *leg)
{
    const struct attempt *newest =
        leg->attempt_count > 0 ? &leg->attempts[leg->attempt_count - 1] : NULL;
    json_t *o = json_pack("{s:s, s:I}", "state", life_state_word(leg->life.state), "attempts",
                          (json_int_t)leg->attempt_count);
    if (newest) {
        (void)json_object_set_new(o, "nonce", json_integer((json_int_t)newest->nonce));
        (void)json_object_set_new(o, "hash", show_hash(newest->hash));
        (void)json_object_set_new(o, "max_fee", json_integer((json_int_t)newest->fees.max_fee));
    }
    if (leg->dear)
        (void)json_object_set_new(o, "fee_most", json_integer((json_int_t)leg->fee_most));
    if (leg->relay_said && leg->life.state == LIFE_SENT)
        (void)json_object_set_new(o, "relay", json_string(leg->relay_said));
    if (leg->life.state == LIFE_INCLUDED)
        (void)json_object_set_new(o, "block", json_integer((json_int_t)leg->receipt.block));
    return o;
}

static json_t *show_intent(const struct desk_intent *in)
{
    json_t *legs = json_array();
    for (uint32_t i = 0; in->legs && i < in->plan->count; i++)
        (void)json_array_append_new(legs, show_leg(&in->legs[i]));
    if (solana_signature(in)) {
        char text[HAWSE_BASE58_SIGNATURE_TEXT];
        (void)hawse_base58_from_signature(solana_signature(in), text);
        (void)json_array_append_new(legs, json_pack("{s:s, s:s, s:I}", "state", "signed", "hash",
                                                    text, "attempts", (json_int_t)in->attempts));
    }
    return json_pack(
        "{s:I, s:s, s:s, s:s, s:s, s:I, s:s, s:s, s:o, s:o}", "number", (json_int_t)in->number,
        "instance", in->instance, "id", in->body->id, "chain", in->body->chain, "account",
        in->body->account, "age_ms", (json_int_t)((desk_utc() - in->utc_ns) / DESK_MS), "step",
        journal_step_name(in->last_step) ? journal_step_name(in->last_step) : "PROPOSED", "reason",
        in->reason, "worth", show_amount(&in->worth), "legs", legs);
}

static json_t *show_counts(const struct desk_counts *c)
{
    return json_pack(
        "{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "proposed",
        (json_int_t)c->proposed, "confirmed", (json_int_t)c->confirmed, "failed",
        (json_int_t)c->failed, "refused", (json_int_t)c->refused, "expired", (json_int_t)c->expired,
        "sent", (json_int_t)c->sent, "bumps", (json_int_t)c->bumps, "voids", (json_int_t)c->voids,
        "resent", (json_int_t)c->resent, "reorged", (json_int_t)c->reorged, "unknown",
        (json_int_t)c->unknown, "fillers", (json_int_t)c->fillers, "halted", (json_int_t)c->halted);
}

void desk_status_write(struct desk *desk)
{
    json_t *chains = json_array(), *intents = json_array();
    uint64_t open = 0;
    for (size_t i = 0; i < desk->chain_count; i++) {
        (void)json_array_append_new(chains, show_chain(&desk->chains[i]));
        alarms_sample(&desk->chains[i]);
        open += desk->chains[i].open;
        for (const struct desk_intent *in = desk->chains[i].intents;
             in && json_array_size(intents) < SHOWN; in = in->next)
            (void)json_array_append_new(intents, show_intent(in));
    }
    if (desk->open)
        gauge_set(desk->open, (int64_t)open);
    sample_nonces(desk);
    json_t *o = json_pack("{s:b, s:b, s:s, s:I, s:o, s:o, s:o}", "halted",
                          __atomic_load_n(&desk->halted, __ATOMIC_RELAXED), "killed",
                          risk_killed(desk->risk, NULL, NULL, 0), "nonces",
                          desk->nonces ? nonce_mode_name(nonce_mode(desk->nonces)) : "none", "open",
                          (json_int_t)open, "counts", show_counts(&desk->counts), "chains", chains,
                          "intents", intents);
    char *text = o ? json_dumps(o, JSON_COMPACT) : NULL;
    json_decref(o);
    (void)pthread_mutex_lock(&desk->status_lock);
    char *old = desk->status;
    desk->status = text ? text : old;
    (void)pthread_mutex_unlock(&desk->status_lock);
    free(text ? old : NULL);
}

char *desk_status(struct desk *desk)
{
    (void)pthread_mutex_lock(&desk->status_lock);
    char *copy = strdup(desk->status ? desk->status : "{}");
    (void)pthread_mutex_unlock(&desk->status_lock);
    return copy;
}

bool desk_trouble(const struct desk *desk, char *out, size_t cap)
{
    if (__atomic_load_n(&desk->halted, __ATOMIC_RELAXED)) {
        (void)snprintf(out, cap,
                       "intents: the journal cannot be written: nothing is signed or sent");
        return true;
    }
    for (size_t i = 0; i < desk->chain_count; i++) {
        const struct desk_chain *c = &desk->chains[i];
        if (__atomic_load_n(&c->ready, __ATOMIC_RELAXED))
            continue;
        (void)snprintf(out, cap, "intents: what an earlier run sent on %s is not reconciled yet",
                       c->config->name);
        return true;
    }
    return false;
}
