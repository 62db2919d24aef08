/*
 * Transactions of the desk that go out by a private relay: the desk decides what is signed and when
 * something is replaced, this decides where its bytes go. What takes a nonce and does nothing goes
 * public: there is nothing in it to hide. What else a relay is asked: private_ask.c.
 *
 * The one thing that must never happen here: bytes of an intent that wants to be private, or of a
 * chain whose way is private, reach the public mempool without the operator's leave.
 */
#include "tx/desk_private.h"
#include "tx/relay.h"
#include "tx/relay_client.h"

#include <hawse/service/intent.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BODY_EXTRA = 512 };

int32_t private_open(struct desk_chain *chain, struct fault *fault)
{
    const struct config_tx *tx = &chain->config->tx;
    struct relay_client_options options = {.http = chain->desk->options.http,
                                           .loop = chain->desk->loop,
                                           .endpoint = &tx->relay,
                                           .status = &tx->relay_status,
                                           .signer = chain->desk->options.signer,
                                           .signing = &chain->desk->signing,
                                           .chain = chain->name};
    if (!tx->relay.url || !options.http)
        return HAWSE_OK;
    if (tx->private_way.auth && !tx->private_way.raw) {
        options.auth = signer_find(options.signer, tx->private_way.auth);
        const struct signer_key *key = signer_key(options.signer, options.auth);
        if (!key || key->public.kind != KEY_SECP256K1)
            return fault_set(fault, HAWSE_E_NOTFOUND,
                             "chains.%s.tx.relay_auth: \"%s\" is no secp256k1 key",
                             chain->config->name, tx->private_way.auth);
    }
    return relay_client_create(&options, &chain->relay, fault);
}

static void case_of(const struct desk_intent *intent, struct route_case *out)
{
    const struct config_tx *tx = &intent->chain->config->tx;
    *out = (struct route_case){.wanted = intent->body->public.route,
                               .usual = tx->private_way.usual ? ROUTE_PRIVATE : ROUTE_PUBLIC,
                               .relay = intent->chain->relay != NULL,
                               .sandwiches =
                                   sandwich_lately(&intent->chain->sandwiches,
                                                   intent->chain->head.number, SANDWICH_WINDOW),
                               .fallback = tx->relay_fallback};
    if (intent->filler)
        out->wanted = HAWSE_INTENT_ROUTE_PUBLIC;
}

bool private_bundles(const struct leg *leg)
{
    return leg->intent->chain->config->tx.private_way.bundle || bundle_is(leg->intent);
}

/* Several transactions go nowhere but to a relay that takes bundles. */
static int32_t check_bundle(const struct desk_intent *intent, struct fault *fault)
{
    const char *name = intent->chain->config->name;
    if (intent->body->public.route == HAWSE_INTENT_ROUTE_PUBLIC)
        return fault_set(fault, HAWSE_E_INVAL, "route: a relay's bundle cannot go public");
    if (intent->chain->relay && !intent->chain->config->tx.private_way.raw)
        return HAWSE_OK;
    (void)fault_set(fault, HAWSE_E_UNSUPPORTED, "chain \"%s\" has no relay that takes bundles",
                    name);
    fault_hint(fault, "set chains.%s.tx.relay, with relay_form flashbots or bundle", name);
    return HAWSE_E_UNSUPPORTED;
}

int32_t private_check(const struct desk_intent *intent, struct fault *fault)
{
    if (bundle_is(intent))
        return check_bundle(intent, fault);
    struct route_case c;
    enum route way;
    const char *why = "";
    case_of(intent, &c);
    int32_t code = route_choose(&c, &way, &why);
    if (code == HAWSE_OK)
        return code;
    (void)fault_set(fault, code, "chain \"%s\": %s", intent->chain->config->name, why);
    fault_hint(fault, "set chains.%s.tx.relay, or propose it with another route",
               intent->chain->config->name);
    return code;
}

/* May it go public when private was in vain? By the operator and by the intent itself. */
static bool may_leave(const struct leg *leg)
{
    return leg->intent->chain->config->tx.relay_fallback && !bundle_is(leg->intent) &&
           leg->intent->body->public.route != HAWSE_INTENT_ROUTE_PRIVATE;
}

static bool is_private(const struct leg *leg, bool empty)
{
    struct route_case c;
    enum route way = ROUTE_PRIVATE;
    const char *why;
    if (empty || leg->intent->filler || leg->published)
        return false;
    if (bundle_is(leg->intent))
        return true; /* whatever the configuration says by now */
    case_of(leg->intent, &c);
    /* what cannot go private (the relay left the configuration) waits: it does not go public */
    return route_choose(&c, &way, &why) != HAWSE_OK || way != ROUTE_PUBLIC;
}

bool private_is(const struct leg *leg, uint32_t attempt)
{
    return is_private(leg, leg->attempts[attempt].empty);
}

static void rules_of(const struct leg *leg, struct relay_rules *out)
{
    const struct config_relay *way = &leg->intent->chain->config->tx.private_way;
    *out = (struct relay_rules){.blocks = way->blocks,
                                .rounds = way->rounds,
                                .fallback = may_leave(leg),
                                .status = private_may_ask(leg)};
}

/* ---- what is kept of it ---- */

/* A range begins, for attempt number `attempt`, counted from 1; as it stands in the journal. */
static const char *begin(struct leg *leg, uint32_t attempt, char out[PRIVATE_FIGURES])
{
    struct relay_rules rules;
    rules_of(leg, &rules);
    relay_begin(&leg->stay, &rules, leg->intent->chain->head.number);
    uint64_t last = bundle_is(leg->intent) ? leg->intent->body->public.deadline_block : 0;
    if (last != 0 && leg->stay.max > last)
        leg->stay.max = last;
    if (leg->stay_attempt != attempt)
        leg->relay_said = NULL;
    leg->stay_attempt = attempt;
    leg->handed = 0;
    (void)snprintf(out, PRIVATE_FIGURES, "{\"round\":\"%u\",\"until\":\"%llu\"}", leg->stay.rounds,
                   (unsigned long long)leg->stay.max);
    return out;
}

const char *private_figures(struct leg *leg, char out[PRIVATE_FIGURES])
{
    if (!leg->intent->chain->relay || !leg->signing || !is_private(leg, leg->signing->empty) ||
        leg != leg_lead(leg))
        return NULL;
    return begin(leg, leg->attempt_count + 1, out);
}

void private_restore(struct desk_intent *intent, const struct journal_step *step)
{
    bool sent = step->step == HAWSE_INTENT_SENT || step->step == HAWSE_INTENT_REPLACED;
    uint64_t round, until;
    if (!sent || step->data.len == 0)
        return;
    json_t *root = json_loadb((const char *)step->data.data, step->data.len, 0, NULL);
    const json_t *relay = json_object_get(root, "relay");
    json_int_t index = json_integer_value(json_object_get(root, "leg"));
    if (index >= 0 && index < intent->plan->count && desk_figure(relay, "round", &round) &&
        desk_figure(relay, "until", &until) && round <= UINT32_MAX) {
        struct leg *leg = &intent->legs[index];
        leg->stay = (struct relay_stay){
            .rounds = (uint32_t)round, .max = until, .offered = true, .repeat = true};
        leg->stay_attempt = leg->attempt_count;
    }
    json_decref(root);
}

/* ---- out ---- */

static void taken(struct leg *leg, uint32_t attempt)
{
    struct desk_intent *intent = leg->intent;
    leg_sent(leg, attempt);
    for (uint32_t i = 1; bundle_is(intent) && i < intent->plan->count; i++) {
        if (intent->legs[i].attempt_count == 1) /* else it is being taken back */
            leg_sent(&intent->legs[i], 0);
    }
}

static void not_taken(struct leg *leg, enum rpc_class class)
{
    const struct rpc_policy *policy = rpc_policy(class);
    bool low = class == RPC_UNDERPRICED || class == RPC_REPLACEMENT_UNDERPRICED;
    if (low && !bundle_is(leg->intent)) {
        leg->underpriced = true; /* raised at the next head */
    } else if (policy->unsure || policy->blame == RPC_BLAME_PAUSE) {
        relay_unsure(&leg->stay);
        leg_on(leg, LIFE_ON_UNSURE);
    } else {
        relay_refused(&leg->stay, leg->intent->chain->head.number);
    }
}

static void on_answer(void *ctx, const struct relay_answer *answer)
{
    struct desk_ask ask = *(struct desk_ask *)ctx;
    struct leg *leg = ask.leg;
    const struct pool_result result = {.status = answer->status,
                                       .class = answer->class,
                                       .body = answer->body,
                                       .body_len = answer->body_len,
                                       .provider = "the relay"};
    desk_ask_drop(ctx);
    if (leg->intent->ended || ask.number + 1 != leg->attempt_count)
        return;
    if (answer->status == HAWSE_OK)
        private_note_bundle(leg, ask.block, answer);
    if (answer->status == HAWSE_OK || answer->class == RPC_ALREADY_KNOWN) {
        taken(leg, ask.number);
        return;
    }
    if (ask.block != 0 && ask.block <= leg->intent->chain->head.number)
        return; /* too late for that block; those that follow say whether it takes it */
    log_line(ask.desk->logger, HAWSE_LOG_WARN, leg->intent->instance,
             "intent %s: the relay did not take it (%s): %.*s", leg->intent->body->id,
             rpc_policy(answer->class)->name, (int)(result.body_len < 200 ? result.body_len : 200),
             (const char *)result.body);
    not_taken(leg, answer->class);
}

int32_t private_write_bundle(const struct leg *leg, uint64_t block, uint64_t number, bool call,
                             hawse_writer_t *w)
{
    const struct attempt *a = &leg->attempts[leg->attempt_count - 1];
    hawse_view_t txs[PLAN_LEGS] = {{a->raw, a->raw_len}};
    char uuid[RELAY_UUID];
    struct relay_bundle b = {.txs = txs, .count = 1, .block = block, .uuid = uuid};
    for (uint32_t i = 1; bundle_is(leg->intent) && i < leg->intent->plan->count; i++) {
        const struct attempt *other = &leg->intent->legs[i].attempts[0];
        txs[b.count++] = (hawse_view_t){other->raw, other->raw_len};
    }
    if (call)
        return relay_write_call_bundle(w, number, &b);
    private_uuid(leg, block, uuid);
    return relay_write_send_bundle(w, number, &b);
}

static int32_t write_body(const struct leg *leg, const struct attempt *a, uint64_t block,
                          uint64_t number, hawse_writer_t *w)
{
    const struct config_relay *way = &leg->intent->chain->config->tx.private_way;
    const hawse_view_t raw = {a->raw, a->raw_len};
    if (private_bundles(leg))
        return private_write_bundle(leg, block, number, false, w);
    if (way->raw)
        return relay_write_raw(w, number, way->method, raw, way->bare);
    return relay_write_send_private(w, number, raw, leg->stay.max);
}

size_t private_room(const struct leg *leg)
{
    size_t room = BODY_EXTRA + strlen(leg->intent->chain->config->tx.private_way.method) +
                  2 * leg->attempts[leg->attempt_count - 1].raw_len;
    for (uint32_t i = 1; bundle_is(leg->intent) && i < leg->intent->plan->count; i++)
        room += 2 * leg->intent->legs[i].attempts[0].raw_len + 8;
    return room;
}

/* block: of a bundle, otherwise 0. */
static void hand_over(struct leg *leg, uint32_t i, uint64_t block)
{
    const struct attempt *a = &leg->attempts[i];
    struct desk_chain *chain = leg->intent->chain;
    const struct config_relay *way = &chain->config->tx.private_way;
    struct fault fault = {0};
    size_t cap = private_room(leg);
    char *body = malloc(cap);
    hawse_writer_t w = hawse_writer(body, body ? cap : 0);
    uint64_t number = relay_client_number(chain->relay);
    struct desk_ask *ask = desk_ask_hold(
        chain, &(struct desk_ask){.intent = leg->intent, .leg = leg, .number = i, .block = block});
    if (!ask || write_body(leg, a, block, number, &w) != HAWSE_OK) {
        desk_ask_drop(ask);
        free(body);
        relay_unsure(&leg->stay); /* once more at the next head */
        return;
    }
    enum relay_kind kind = private_bundles(leg) ? RELAY_SEND_BUNDLE
                           : way->raw           ? RELAY_RAW
                                                : RELAY_SEND_PRIVATE;
    if (relay_client_ask(chain->relay, kind, number, body, w.len, on_answer, ask, &fault) ==
        HAWSE_OK)
        return;
    log_fault(chain->desk->logger, HAWSE_LOG_WARN, "tx", &fault);
    desk_ask_drop(ask);
    relay_unsure(&leg->stay);
}

/* Bundles for the blocks that come next, each once: of what private_send() has handed over, since
 * that is in the journal. None while it is being taken back. */
static void hand_bundles(struct leg *leg, uint32_t i)
{
    uint64_t block;
    bool whole = !bundle_is(leg->intent) || bundle_whole(leg->intent);
    while (leg->handed == i + 1 && !leg->life.voiding && whole &&
           relay_target(&leg->stay, leg->intent->chain->head.number, &block))
        hand_over(leg, i, block);
}

void private_send(struct leg *leg, uint32_t i)
{
    struct desk_chain *chain = leg->intent->chain;
    if (!chain->relay || leg->stay_attempt != i + 1 || chain->head.number >= leg->stay.max)
        return; /* offered at the next look, or with the first of its bundle */
    if (!private_bundles(leg)) {
        hand_over(leg, i, 0);
        return;
    }
    leg->handed = i + 1;
    leg->stay.targeted = 0; /* once more for blocks that it may have: the same uuids */
    hand_bundles(leg, i);
    if (bundle_is(leg->intent) && bundle_whole(leg->intent))
        private_ask_call(leg);
}

/* ---- each head ---- */

static bool late(const struct leg *leg)
{
    const hawse_intent_t *in = &leg->intent->body->public;
    uint64_t head = leg->intent->chain->head.number;
    return (in->deadline_ns && desk_utc() > in->deadline_ns) ||
           (in->deadline_block && head >= in->deadline_block);
}

/* The same bytes for the next blocks: in the journal first, since offers are counted. */
static void offer(struct leg *leg)
{
    char figures[PRIVATE_FIGURES];
    if (!leg->intent->chain->relay || leg->life.signing)
        return;
    desk_step(leg->intent, HAWSE_INTENT_SENT,
              &(struct desk_words){.leg = leg->index,
                                   .hash = leg->attempts[leg->attempt_count - 1].hash,
                                   .relay = begin(leg, leg->attempt_count, figures),
                                   .reason = "offered to the relay again"});
    leg_on(leg, LIFE_ON_MISSING);
}

bool private_pending(struct leg *leg)
{
    uint32_t newest = leg->attempt_count - 1;
    struct desk_chain *chain = leg->intent->chain;
    struct relay_rules rules;
    if (!private_is(leg, newest))
        return false;
    /* its empty transaction could not be signed yet: fees, or a simulation */
    if (leg->life.voiding) {
        leg_on(leg, LIFE_ON_STUCK);
        return true;
    }
    if (leg != leg_lead(leg))
        return true; /* it is its bundle that is looked after */
    rules_of(leg, &rules);
    if (leg->stay.rounds == 0 || leg->stay_attempt != newest + 1) {
        offer(leg); /* it went another way, or the journal is of an older hawse */
        return true;
    }
    struct relay_look look = {.head = chain->head.number,
                              /* fees of a bundle are not raised: it would be another one */
                              .next_base = bundle_is(leg->intent) ? 0 : chain->base_fee,
                              .max_fee = leg->attempts[newest].fees.max_fee,
                              .late = late(leg)};
    switch (relay_look(&leg->stay, &rules, &look)) {
    case RELAY_REPEAT:
        leg_on(leg, LIFE_ON_MISSING);
        break;
    case RELAY_OFFER:
        offer(leg);
        break;
    case RELAY_RAISE:
        leg_on(leg, LIFE_ON_STUCK);
        break;
    case RELAY_PUBLISH:
        log_line(chain->desk->logger, HAWSE_LOG_WARN, leg->intent->instance,
                 "intent %s: the relay did not get it into a block: it goes public",
                 leg->intent->body->id);
        leg->published = true;
        leg_on(leg, LIFE_ON_MISSING);
        break;
    case RELAY_VOID:
        intent_fail(leg->intent, HAWSE_E_TIMEOUT, "the relay did not get it into a block");
        leg_on(leg, LIFE_ON_REJECTED);
        break;
    case RELAY_ASK:
        private_ask_status(leg);
        hand_bundles(leg, newest);
        break;
    case RELAY_WAIT:
        hand_bundles(leg, newest);
        break;
    }
    return true;
}
