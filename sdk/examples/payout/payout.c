/*
 * payout: pays lamports to each of a list of addresses once, on a Solana cluster. An example of how
 * instructions are proposed: the SDK's builder gathers them, and the host checks, simulates, signs,
 * sends and tells how it ended. It keeps nothing itself: the id of a payment is its recipient, and
 * an id is taken once for ever, so that after a restart it asks about each again.
 */
#include <hawse/base58.h>
#include <hawse/json.h>
#include <hawse/service/intent.h>
#include <hawse/service/timer.h>
#include <hawse/solana/program.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MARKS = 4096, NAME = 64, MOST = 256, AGAIN_MS = 100 };

HAWSE_EXPORT const char hawse_manifest_v1[] =
    "{\"id\":\"org.example.payout\",\"version\":\"1.0.0\",\"abi\":\"1.0\",\"kind\":\"strategy\","
    "\"license\":\"MIT\","
    "\"description\":\"pays each of a list once, on Solana\","
    "\"maturity\":\"stable\",\"requires\":{\"hawse.intent/1\":\">=1.0\","
    "\"hawse.timer/1\":\">=1.0\"},\"consumes\":[\"intent/1\"],\"capabilities\":[\"intent\"],"
    "\"config\":{\"type\":\"object\",\"required\":[\"chain\",\"account\",\"payer\",\"lamports\","
    "\"to\"],\"properties\":{"
    "\"chain\":{\"type\":\"string\",\"description\":\"name in chains\"},"
    "\"account\":{\"type\":\"string\",\"description\":\"name of a key\"},"
    "\"payer\":{\"type\":\"string\","
    "\"examples\":[\"So11111111111111111111111111111111111111112\"],\"description\":\"address of "
    "that key\"},"
    "\"lamports\":{\"type\":\"integer\",\"minimum\":1,\"description\":\"for each\"},"
    "\"nonce\":{\"type\":\"string\",\"description\":\"account of a durable nonce, whose authority "
    "the key is; without one they live by a blockhash\"},"
    "\"to\":{\"type\":\"array\",\"maxItems\":256,\"items\":{\"type\":\"string\"},"
    "\"examples\":[[\"So11111111111111111111111111111111111111112\"]],"
    "\"description\":\"addresses\"}}}}";

struct payout {
    const hawse_host_t *host;
    hawse_instance_t self;
    const hawse_intent_service_t *intents;
    const hawse_timer_service_t *timers;
    char chain[NAME], account[NAME];
    uint8_t payer[32], nonce[32], to[MOST][32];
    uint64_t lamports;
    bool done[MOST], asked[MOST];
    uint64_t count, ended;
    bool armed; /* the timer runs */
};

static void later(struct payout *p)
{
    hawse_timer_t timer;
    if (!p->armed)
        p->armed =
            p->timers->set(p->host, p->self, AGAIN_MS * 1000000ull, 0, 0, &timer) == HAWSE_OK;
}

/* ---- one payment; its tag is its place in the list ---- */

static int32_t propose(struct payout *p, uint64_t i)
{
    static hawse_solana_builder_t b; /* used up before this returns: everything is copied */
    char id[HAWSE_BASE58_KEY_TEXT];
    uint64_t handle = 0;
    hawse_solana_begin(&b);
    int32_t code = hawse_solana_transfer(&b, p->payer, p->to[i], p->lamports);
    if (code != HAWSE_OK)
        return code;
    const hawse_intent_solana_flow_t flow = {.size = sizeof(flow), .max_out = p->lamports};
    hawse_intent_solana_t solana = {.size = sizeof(solana),
                                    .version = HAWSE_INTENT_SOLANA_V0,
                                    .instruction_count = b.count,
                                    .instruction_size = sizeof(b.instructions[0]),
                                    .instructions = b.instructions,
                                    .flow_count = 1,
                                    .flow_size = sizeof(flow),
                                    .flows = &flow};
    memcpy(solana.nonce, p->nonce, 32);
    (void)hawse_base58_from_key(p->to[i], id);
    const hawse_intent_t intent = {.size = sizeof(intent),
                                   .kind = HAWSE_INTENT_SOLANA_INSTRUCTIONS,
                                   .tag = i,
                                   .id = hawse_text(id),
                                   .chain = hawse_text(p->chain),
                                   .account = hawse_text(p->account),
                                   .solana = &solana,
                                   .note = hawse_text("an example")};
    return p->intents->propose(p->host, p->self, &intent, &handle);
}

/* Asks what is known of each that was not asked about yet. */
static void go_on(struct payout *p)
{
    for (uint64_t i = 0; i < p->count; i++) {
        char id[HAWSE_BASE58_KEY_TEXT];
        if (p->asked[i])
            continue;
        (void)hawse_base58_from_key(p->to[i], id);
        if (p->intents->look_up(p->host, p->self, hawse_text(id), i) != HAWSE_OK) {
            later(p);
            return;
        }
        p->asked[i] = true;
    }
}

static void say(struct payout *p, uint64_t i, const hawse_intent_step_t *step, const uint8_t *why)
{
    char text[512], to[HAWSE_BASE58_KEY_TEXT], id[HAWSE_BASE58_SIGNATURE_TEXT];
    (void)hawse_base58_from_key(p->to[i], to);
    (void)hawse_base58_from_signature(step->reference, id);
    (void)snprintf(text, sizeof(text), "%s: step %u, error %d, %s in slot %llu %.*s", to,
                   step->step, step->error, id, (unsigned long long)step->block_number,
                   (int)(step->reason_len < 200 ? step->reason_len : 200), (const char *)why);
    p->host->log(p->host, p->self, HAWSE_LOG_INFO, hawse_text(text));
}

static void on_step(struct payout *p, const hawse_event_t *event)
{
    hawse_intent_step_t step = {.step = 0};
    memcpy(&step, event->data, event->len < sizeof(step) ? event->len : sizeof(step));
    uint64_t i = step.tag;
    bool over = step.step == HAWSE_INTENT_REFUSED || step.step == HAWSE_INTENT_CONFIRMED ||
                step.step == HAWSE_INTENT_EXPIRED || step.step == HAWSE_INTENT_FAILED;
    if (i >= p->count || p->done[i])
        return;
    if (event->kind == HAWSE_INTENT_STATE && step.step == 0) {
        int32_t code = propose(p, i);
        p->asked[i] = code != HAWSE_E_AGAIN && code != HAWSE_E_STATE; /* not now is no error */
        over = code != HAWSE_OK && p->asked[i];
        step.error = code;
        if (!p->asked[i])
            later(p);
    }
    if (!over)
        return;
    p->done[i] = true;
    say(p, i, &step, (const uint8_t *)event->data + sizeof(step));
    if (++p->ended == p->count)
        p->host->log(p->host, p->self, HAWSE_LOG_INFO, hawse_text("all payments are over"));
}

static int32_t on_events(void *state, const hawse_event_t *const *events, uint32_t n)
{
    struct payout *p = state;
    for (uint32_t i = 0; i < n; i++) {
        if (events[i]->space == HAWSE_SPACE_INTENT)
            on_step(p, events[i]);
        else
            p->armed = false; /* the timer */
    }
    if (!p->armed)
        go_on(p);
    return (int32_t)n;
}

/* ---- settings ---- */

static bool text_of(const hawse_json_t *doc, hawse_json_value_t *root, const char *key,
                    char out[NAME])
{
    hawse_json_value_t v;
    if (hawse_json_get(doc, root, key, &v) != HAWSE_OK || v.len >= NAME)
        return false;
    memcpy(out, v.data, v.len);
    out[v.len] = '\0';
    return true;
}

static bool key_of(const hawse_json_t *doc, hawse_json_value_t *root, const char *key,
                   uint8_t out[32])
{
    char text[NAME];
    return text_of(doc, root, key, text) &&
           hawse_base58_key((const uint8_t *)text, strlen(text), out) == HAWSE_OK;
}

static bool read_settings(struct payout *p, const uint8_t *text, uint64_t len)
{
    static uint32_t marks[MARKS]; /* read once, by one thread */
    hawse_json_t doc;
    hawse_json_value_t root, v, one;
    if (hawse_json_index(&doc, text, len, marks, MARKS) != HAWSE_OK ||
        hawse_json_root(&doc, &root) != HAWSE_OK || !text_of(&doc, &root, "chain", p->chain) ||
        !text_of(&doc, &root, "account", p->account) || !key_of(&doc, &root, "payer", p->payer) ||
        hawse_json_get(&doc, &root, "lamports", &v) != HAWSE_OK ||
        hawse_json_u64(&v, &p->lamports) != HAWSE_OK)
        return false;
    if (hawse_json_get(&doc, &root, "nonce", &v) == HAWSE_OK &&
        !key_of(&doc, &root, "nonce", p->nonce))
        return false;
    if (hawse_json_get(&doc, &root, "to", &v) != HAWSE_OK || v.kind != HAWSE_JSON_ARRAY)
        return false;
    while (p->count < MOST && hawse_json_next(&doc, &v, NULL, &one) == 1) {
        if (hawse_base58_key(one.data, one.len, p->to[p->count++]) != HAWSE_OK)
            return false;
    }
    return true;
}

static int32_t create(const hawse_host_t *host, hawse_instance_t self, hawse_view_t config,
                      void **state)
{
    struct payout *p = calloc(1, sizeof(*p));
    uint8_t *text = calloc(1, config.len + HAWSE_PADDING);
    if (!p || !text) {
        free(p);
        free(text);
        return HAWSE_E_NOMEM;
    }
    p->host = host;
    p->self = self;
    p->intents = host->query(host, self, HAWSE_INTENT_ID);
    p->timers = host->query(host, self, HAWSE_TIMER_ID);
    memcpy(text, config.data, config.len);
    bool good = read_settings(p, text, config.len);
    free(text);
    if (!good) {
        free(p);
        return hawse_fail(host, self, HAWSE_E_INVAL, "settings cannot be read",
                          "payer, nonce and to are addresses in base58");
    }
    *state = p;
    return HAWSE_OK;
}

static int32_t start(void *state)
{
    go_on(state);
    return HAWSE_OK;
}

static int32_t stop(void *state, uint64_t deadline_ns)
{
    (void)state;
    (void)deadline_ns;
    return HAWSE_OK; /* what is open goes on, and is in the journal */
}

HAWSE_EXPORT const hawse_plugin_t *hawse_plugin_v1(const hawse_host_t *host)
{
    static const hawse_plugin_t table = {
        sizeof(table), HAWSE_ABI_MINOR, "org.example.payout", create, start, on_events, stop, free,
        NULL};
    return host ? &table : NULL;
}
