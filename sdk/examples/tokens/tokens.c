/*
 * tokens: who holds how much of one SPL token. An example of a protocol plugin: it demands from a
 * Solana chain instance what it needs, and no more, and drops what it no longer needs.
 *
 *   the token accounts of a mint   by a filter that the node applies    -> wallet/1 balances
 *   transactions that name it      with their logs                      -> for each, its outcome
 *   outcomes                       demanded at "finalized", one by one, and dropped when told
 *
 * Balances that are taken back after a rollback are taken back here; an account that is closed has
 * the balance 0. Another build can take over while it runs (hawse.state/1): whose account is whose
 * is learnt once, and no node tells it again.
 */
#include <hawse/base58.h>
#include <hawse/hawse.h>
#include <hawse/json.h>
#include <hawse/service/state.h>
#include <hawse/service/sub.h>
#include <hawse/solana/program.h>
#include <hawse/space/solana.h>
#include <hawse/space/wallet.h>
#include <hawse/writer.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { MARKS = 64, OUTCOMES = 1024 };

HAWSE_EXPORT const char hawse_manifest_v1[] =
    "{\"id\":\"org.example.tokens\",\"version\":\"1.0.0\",\"abi\":\"1.0\",\"kind\":\"protocol\","
    "\"license\":\"MIT\","
    "\"description\":\"balances of every holder of a token\","
    "\"maturity\":\"stable\",\"requires\":{\"hawse.sub/1\":\">=1.0\"},"
    "\"consumes\":[\"solana/1\"],\"produces\":[\"wallet/1\"],"
    "\"config\":{\"type\":\"object\",\"required\":[\"mint\"],\"properties\":{"
    "\"mint\":{\"type\":\"string\","
    "\"examples\":[\"So11111111111111111111111111111111111111112\"],"
    "\"description\":\"key of the token's mint\"}}}}";

/* A token account: whose it is must be known when it is gone. */
struct holding {
    uint8_t account[32], wallet[32];
};

struct outcome {
    uint8_t signature[64];
    hawse_sub_t sub;
};

struct tokens {
    const hawse_host_t *host;
    hawse_instance_t self;
    const hawse_sub_service_t *sub;
    uint32_t chain;
    uint8_t mint[32];
    struct holding *holdings;
    uint32_t count, cap;
    struct outcome outcomes[OUTCOMES]; /* demanded and not told yet */
    uint32_t outcome_count;
};

/* ---- demands ---- */

/* A subscription whose filter the chain instance turns into one of its node's. */
static int32_t want(struct tokens *t, uint16_t kind, uint64_t key, const void *filter, uint64_t len,
                    hawse_sub_t *handle)
{
    hawse_sub_spec_t spec = {.size = sizeof(spec),
                             .source = t->chain,
                             .space = HAWSE_SPACE_SOLANA,
                             .kind = kind,
                             .flags = key ? HAWSE_SUB_KEYED : 0,
                             .key = key,
                             .policy = HAWSE_POLICY_LOSSLESS,
                             .filter = {filter, len}};
    return t->sub->subscribe(t->host, t->self, &spec, handle);
}

/* Token accounts of the mint: so many bytes, the mint first. */
static int32_t want_accounts(struct tokens *t)
{
    struct {
        hawse_solana_filter_t filter;
        hawse_solana_memcmp_t mint;
    } f = {.filter = {.size = sizeof(f.filter),
                      .watch = HAWSE_SOLANA_WATCH_PROGRAM,
                      .commitment = HAWSE_SOLANA_CONFIRMED,
                      .memcmp_count = 1,
                      .data_size = HAWSE_SOLANA_TOKEN_BYTES},
           .mint = {.offset = 0, .len = 32}};
    hawse_sub_t handle;
    memcpy(f.filter.id, hawse_solana_token_program, 32);
    memcpy(f.mint.bytes, t->mint, 32);
    return want(t, HAWSE_SOLANA_ACCOUNT, 0, &f, sizeof(f), &handle);
}

static int32_t want_logs(struct tokens *t)
{
    hawse_solana_filter_t f = {
        .size = sizeof(f), .watch = HAWSE_SOLANA_WATCH_LOGS, .commitment = HAWSE_SOLANA_CONFIRMED};
    hawse_sub_t handle;
    memcpy(f.id, t->mint, 32);
    return want(t, HAWSE_SOLANA_PROGRAM_LOG, hawse_key(t->mint, 32), &f, sizeof(f), &handle);
}

static void want_outcome(struct tokens *t, const uint8_t signature[64])
{
    hawse_solana_filter_t f = {.size = sizeof(f),
                               .watch = HAWSE_SOLANA_WATCH_SIGNATURE,
                               .commitment = HAWSE_SOLANA_FINALIZED};
    uint32_t at = t->outcome_count;
    if (at == OUTCOMES)
        return;
    memcpy(f.id, signature, 64);
    memcpy(t->outcomes[at].signature, signature, 64);
    if (want(t, HAWSE_SOLANA_SIGNATURE, hawse_key(signature, 64), &f, sizeof(f),
             &t->outcomes[at].sub) == HAWSE_OK)
        t->outcome_count++;
}

static void drop_outcome(struct tokens *t, const hawse_solana_signature_t *r)
{
    for (uint32_t i = 0; i < t->outcome_count; i++) {
        if (memcmp(t->outcomes[i].signature, r->signature, 64) != 0)
            continue;
        (void)t->sub->unsubscribe(t->host, t->self, t->outcomes[i].sub);
        t->outcomes[i] = t->outcomes[--t->outcome_count];
        return;
    }
}

/* ---- balances ---- */

static struct holding *holding_of(struct tokens *t, const uint8_t account[32],
                                  const uint8_t *wallet)
{
    for (uint32_t i = 0; i < t->count; i++) {
        if (memcmp(t->holdings[i].account, account, 32) == 0)
            return &t->holdings[i];
    }
    if (!wallet)
        return NULL;
    if (t->count == t->cap) {
        uint32_t cap = t->cap ? t->cap * 2 : 64;
        struct holding *larger = realloc(t->holdings, cap * sizeof(larger[0]));
        if (!larger)
            return NULL;
        t->holdings = larger;
        t->cap = cap;
    }
    memcpy(t->holdings[t->count].account, account, 32);
    return &t->holdings[t->count++];
}

/* 1 taken, 0 no room: it comes again. */
static int32_t on_account(struct tokens *t, const hawse_event_t *event)
{
    hawse_solana_account_t a;
    hawse_solana_token_t token = {.amount = 0};
    memset(&a, 0, sizeof(a));
    memcpy(&a, event->data, event->len < sizeof(a) ? event->len : sizeof(a));
    bool holds =
        !a.left && memcmp(a.owner, hawse_solana_token_program, 32) == 0 &&
        hawse_solana_token_parse(event->data + a.data_offset, a.data_len, &token) == HAWSE_OK &&
        memcmp(token.mint, t->mint, 32) == 0;
    struct holding *h = holding_of(t, a.pubkey, holds ? token.owner : NULL);
    if (!h) /* another's account: what others demand comes along */
        return 1;
    if (holds)
        memcpy(h->wallet, token.owner, 32);
    hawse_wallet_balance_t balance = {.size = sizeof(balance),
                                      .amount = {{holds ? token.amount : 0}},
                                      .origin = {.block_number = a.slot}};
    memcpy(balance.wallet, h->wallet, 32);
    memcpy(balance.asset, t->mint, 32);
    hawse_event_t out = {.size = sizeof(out),
                         .space = HAWSE_SPACE_WALLET,
                         .kind = HAWSE_WALLET_BALANCE,
                         .stream = 1,
                         .flags = event->flags,
                         .t_recv_ns = event->t_recv_ns,
                         .key = hawse_key(h->wallet, 32),
                         .data = (const uint8_t *)&balance,
                         .len = sizeof(balance)};
    return t->sub->publish(t->host, t->self, &out) != HAWSE_E_AGAIN;
}

static int32_t on_events(void *state, const hawse_event_t *const *events, uint32_t n)
{
    struct tokens *t = state;
    for (uint32_t i = 0; i < n; i++) {
        const hawse_event_t *e = events[i];
        if (e->space != HAWSE_SPACE_SOLANA)
            continue;
        if (e->kind == HAWSE_SOLANA_ACCOUNT && !on_account(t, e))
            return (int32_t)i;
        if (e->kind == HAWSE_SOLANA_PROGRAM_LOG && !(e->flags & HAWSE_EVENT_REMOVED))
            want_outcome(t, ((const hawse_solana_log_t *)(const void *)e->data)->signature);
        if (e->kind == HAWSE_SOLANA_SIGNATURE)
            drop_outcome(t, (const hawse_solana_signature_t *)(const void *)e->data);
    }
    return (int32_t)n;
}

/* ---- life ---- */

static int32_t read_mint(struct tokens *t, hawse_view_t config)
{
    uint32_t marks[MARKS];
    hawse_json_t doc;
    hawse_json_value_t root, mint;
    uint8_t *text = calloc(1, config.len + HAWSE_PADDING);
    int32_t code = text ? HAWSE_OK : HAWSE_E_NOMEM;
    if (code == HAWSE_OK) {
        memcpy(text, config.data, config.len);
        code = hawse_json_index(&doc, text, config.len, marks, MARKS);
    }
    if (code == HAWSE_OK)
        code = hawse_json_root(&doc, &root);
    if (code == HAWSE_OK)
        code = hawse_json_get(&doc, &root, "mint", &mint);
    if (code == HAWSE_OK)
        code = hawse_base58_key(mint.data, mint.len, t->mint);
    free(text);
    return code == HAWSE_OK || code == HAWSE_E_NOMEM
               ? code
               : hawse_fail(t->host, t->self, HAWSE_E_INVAL, "settings.mint is no key",
                            "give base58 text of 32 bytes");
}

static void destroy(void *state)
{
    struct tokens *t = state;
    if (t)
        free(t->holdings);
    free(t);
}

/* What it is told by its settings. */
static int32_t make(const hawse_host_t *host, hawse_instance_t self, hawse_view_t config,
                    struct tokens **out)
{
    struct tokens *t = *out = calloc(1, sizeof(*t));
    if (!t)
        return HAWSE_E_NOMEM;
    t->host = host;
    t->self = self;
    t->sub = host->query(host, self, HAWSE_SUB_ID);
    int32_t code = read_mint(t, config);
    if (code == HAWSE_OK && t->sub->link(host, self, hawse_text("chain"), &t->chain) != HAWSE_OK)
        code = hawse_fail(host, self, HAWSE_E_NOTFOUND, "no link \"chain\"",
                          "add \"links\": {\"chain\": \"NAME OF A SOLANA INSTANCE\"}");
    return code;
}

static int32_t create(const hawse_host_t *host, hawse_instance_t self, hawse_view_t config,
                      void **state)
{
    struct tokens *t;
    int32_t code = make(host, self, config, &t);
    if (code == HAWSE_OK) {
        code = want_accounts(t);
        if (code == HAWSE_OK)
            code = want_logs(t);
        if (code != HAWSE_OK)
            code = hawse_fail(host, self, code, "cannot subscribe", "see what the chain says");
    }
    if (code != HAWSE_OK) {
        destroy(t);
        return code;
    }
    *state = t;
    return HAWSE_OK;
}

static int32_t start(void *state)
{
    return state ? HAWSE_OK : HAWSE_E_INVAL;
}

static int32_t stop(void *state, uint64_t deadline_ns)
{
    return state && deadline_ns ? HAWSE_OK : HAWSE_E_INVAL;
}

/* ---- handed over to another build ---- */

enum { FORMAT = 1 };

/* The beginning of what is saved; then the holdings, then the outcomes. */
struct saved {
    uint32_t format, reserved;
    uint32_t count, outcome_count;
    uint8_t mint[32];
};

static int32_t save(void *state, uint8_t *out, uint64_t cap, uint64_t *need)
{
    const struct tokens *t = state;
    struct saved s = {.format = FORMAT, .count = t->count, .outcome_count = t->outcome_count};
    hawse_writer_t w = hawse_writer(out, cap);
    memcpy(s.mint, t->mint, 32);
    hawse_writer_put(&w, &s, sizeof(s));
    hawse_writer_put(&w, t->holdings, t->count * sizeof(t->holdings[0]));
    hawse_writer_put(&w, t->outcomes, t->outcome_count * sizeof(t->outcomes[0]));
    *need = w.len;
    return hawse_writer_end(&w);
}

/* The bytes are another build's: counts are held against the length before they are used. */
static int32_t load(struct tokens *t, hawse_view_t saved)
{
    struct saved s;
    if (saved.len < sizeof(s))
        return HAWSE_E_FORMAT;
    memcpy(&s, saved.data, sizeof(s));
    uint64_t holdings = s.count * (uint64_t)sizeof(t->holdings[0]);
    uint64_t outcomes = s.outcome_count * (uint64_t)sizeof(t->outcomes[0]);
    if (s.format != FORMAT || s.outcome_count > OUTCOMES || memcmp(s.mint, t->mint, 32) != 0 ||
        saved.len != sizeof(s) + holdings + outcomes)
        return HAWSE_E_FORMAT;
    t->holdings = malloc(holdings + 1);
    if (!t->holdings)
        return HAWSE_E_NOMEM;
    memcpy(t->holdings, saved.data + sizeof(s), holdings);
    memcpy(t->outcomes, saved.data + sizeof(s) + holdings, outcomes);
    t->count = t->cap = s.count;
    t->outcome_count = s.outcome_count;
    return HAWSE_OK;
}

static int32_t restore(const hawse_host_t *host, hawse_instance_t self, hawse_view_t config,
                       hawse_view_t saved, void **state)
{
    struct tokens *t;
    int32_t code = make(host, self, config, &t);
    if (code == HAWSE_OK) {
        code = load(t, saved);
        if (code != HAWSE_OK)
            code = hawse_fail(host, self, code, "the saved state is of another format or token",
                              "restart the instance instead");
    }
    if (code != HAWSE_OK) {
        destroy(t);
        return code;
    }
    *state = t;
    return HAWSE_OK;
}

static const void *query(const char *id)
{
    static const hawse_state_interface_t interface = {sizeof(interface), 0, save, restore};
    return strcmp(id, HAWSE_STATE_ID) == 0 ? &interface : NULL;
}

HAWSE_EXPORT const hawse_plugin_t *hawse_plugin_v1(const hawse_host_t *host)
{
    static const hawse_plugin_t table = {sizeof(table), HAWSE_ABI_MINOR, "org.example.tokens",
                                         create,        start,           on_events,
                                         stop,          destroy,         query};
    return host ? &table : NULL;
}
