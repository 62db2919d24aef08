/*
 * The plugin's table: manifest, settings, demands, events in, pump out.
 */
#include "plugin.h"

#include <hawse/base58.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TICK_MS = 100, COMPLAIN_MS = 10000, SCRATCH = 128 << 10, SEEN_MAX = 1 << 16 };
enum { TIMER_TICK = 1 };

HAWSE_EXPORT const char hawse_manifest_v1[] =
    "{\"id\":\"org.hawse.solana\",\"version\":\"0.1.0\",\"abi\":\"1.0\",\"kind\":\"chain\","
    "\"description\":\"Solana: slots, accounts, logs and signatures\",\"license\":\"MIT\","
    "\"maturity\":\"experimental\","
    "\"requires\":{\"hawse.sub/1\":\">=1.0\",\"hawse.stream/1\":\">=1.0\","
    "\"hawse.timer/1\":\">=1.0\",\"hawse.rpc/1\":\">=1.0\",\"hawse.metrics/1\":\">=1.0\"},"
    "\"provides\":{\"solana.chain\":\"1.0\"},"
    "\"produces\":[\"solana/1\",\"stream/1\"],"
    "\"streams\":{\"slots\":{\"overflow\":\"lossless\"},\"accounts\":{\"overflow\":\"lossless\"},"
    "\"logs\":{\"overflow\":\"lossless\"},\"signatures\":{\"overflow\":\"lossless\"}},"
    "\"capabilities\":[\"net\",\"rpc:getSlot\",\"rpc:getBlocks\",\"rpc:getMultipleAccounts\","
    "\"rpc:getProgramAccounts\",\"rpc:getSignaturesForAddress\",\"rpc:getTransaction\","
    "\"rpc:getSignatureStatuses\",\"rpc:getGenesisHash\"],"
    "\"features\":{},"
    "\"budget\":{\"callback_us\":20000},"
    "\"config\":{\"type\":\"object\",\"properties\":{"
    "\"accounts\":{\"type\":\"array\",\"maxItems\":1000,\"items\":{\"type\":\"string\"},"
    "\"description\":\"keys of accounts to be told, beside those that readers ask for\"},"
    "\"programs\":{\"type\":\"array\",\"maxItems\":100,\"items\":{\"type\":\"string\"},"
    "\"description\":\"programs all of whose accounts are to be told\"},"
    "\"logs\":{\"type\":\"array\",\"maxItems\":1000,\"items\":{\"type\":\"string\"},"
    "\"description\":\"keys: transactions that name one are to be told with their logs\"},"
    "\"commitment\":{\"type\":\"string\",\"enum\":[\"processed\",\"confirmed\",\"finalized\"],"
    "\"default\":\"confirmed\",\"description\":\"when the three above are told\"},"
    "\"genesis\":{\"type\":\"string\",\"default\":\"\","
    "\"description\":\"genesis hash of the cluster that the endpoints must belong to; empty = "
    "any\"},"
    "\"window\":{\"type\":\"integer\",\"minimum\":64,\"maximum\":16384,\"default\":1024,"
    "\"description\":\"slots remembered, and rolled back at most\"},"
    "\"slots_idle_ms\":{\"type\":\"integer\",\"minimum\":100,\"maximum\":3600000,"
    "\"default\":10000,\"description\":\"reconnect when no slot came for so long\"},"
    "\"check_ms\":{\"type\":\"integer\",\"minimum\":100,\"maximum\":3600000,\"default\":10000,"
    "\"description\":\"compare each subscription with the node's answers this often\"},"
    "\"reply_ms\":{\"type\":\"integer\",\"minimum\":100,\"maximum\":600000,\"default\":10000,"
    "\"description\":\"reconnect when a subscription is not answered for so long\"},"
    "\"requests_per_second\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":10000,\"default\":8,"
    "\"description\":\"what the provider allows over HTTP\"},"
    "\"max_subscriptions\":{\"type\":\"integer\",\"minimum\":3,\"maximum\":100000,"
    "\"default\":1000,\"description\":\"what the provider allows on one connection\"},"
    "\"max_backfill\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":1000000,\"default\":10000,"
    "\"description\":\"transactions fetched for one key after a gap; more are given up\"},"
    "\"max_accounts\":{\"type\":\"integer\",\"minimum\":64,\"maximum\":10000000,"
    "\"default\":16384,\"description\":\"accounts remembered, those of programs included\"},"
    "\"copy_bytes\":{\"type\":\"integer\",\"minimum\":65536,\"maximum\":1073741824,"
    "\"default\":2097152,\"description\":\"memory for processed records that can be taken "
    "back\"},"
    "\"max_account_bytes\":{\"type\":\"integer\",\"minimum\":0,\"maximum\":1073741824,"
    "\"default\":10485760,\"description\":\"larger accounts are told without their data; a cluster "
    "has none above the default\"},"
    "\"max_answer_bytes\":{\"type\":\"integer\",\"minimum\":65536,\"maximum\":1073741824,"
    "\"default\":33554432,\"description\":\"of one answer over HTTP; a program's accounts come in "
    "one\"}"
    "}}}";

/* ---- words and numbers for the operator ---- */

uint64_t sol_now(const struct sol *s)
{
    return s->host->now(s->host, HAWSE_CLOCK_MONOTONIC);
}

/* Nodes send anything, and a text that is cut may end within a character; the log is UTF-8. */
static void say(struct sol *s, uint32_t level, char *text)
{
    if (hawse_utf8_valid((const uint8_t *)text, strlen(text)) != 1) {
        for (char *c = text; *c; c++)
            *c = (unsigned char)*c < 0x80 ? *c : '?';
    }
    hawse_log(s->host, s->self, level, text);
}

void sol_log(struct sol *s, uint32_t level, const char *format, ...)
{
    char text[512];
    va_list ap;
    va_start(ap, format);
    (void)vsnprintf(text, sizeof(text), format, ap);
    va_end(ap);
    say(s, level, text);
}

/* At most one complaint in ten seconds: a broken peer must not fill the disk. */
void sol_complain(struct sol *s, const char *format, ...)
{
    char text[512];
    va_list ap;
    if (s->complaint_ns != 0 && sol_now(s) - s->complaint_ns < COMPLAIN_MS * SOL_MS)
        return;
    s->complaint_ns = sol_now(s);
    va_start(ap, format);
    (void)vsnprintf(text, sizeof(text), format, ap);
    va_end(ap);
    say(s, HAWSE_LOG_WARN, text);
}

void sol_count(struct sol *s, hawse_metric_t metric, int64_t n)
{
    if (metric)
        (void)s->metrics->add(s->host, s->self, metric, n);
}

static void declare(struct sol *s)
{
    const struct {
        hawse_metric_t *metric;
        const char *name, *help;
    } all[] = {
        {&s->count.slots, "solana_slots_total", "Slots received."},
        {&s->count.accounts, "solana_accounts_total", "States of accounts told."},
        {&s->count.logs, "solana_logs_total", "Transactions told with their logs."},
        {&s->count.signatures, "solana_signatures_total", "Outcomes of transactions told."},
        {&s->count.duplicates, "solana_duplicates_total", "Notifications told before."},
        {&s->count.stale, "solana_stale_total", "Notifications older than what was told."},
        {&s->count.rollbacks, "solana_rollbacks_total", "Rollbacks of processed slots."},
        {&s->count.depth, "solana_rolled_back_slots_total", "Processed slots abandoned."},
        {&s->count.late, "solana_late_total", "Records told late, after a gap."},
        {&s->count.missing, "solana_missing_total", "Times that something was never pushed."},
        {&s->count.malformed, "solana_malformed_total",
         "Frames and answers that were not what a node sends."},
        {&s->count.errors, "solana_rpc_errors_total", "Refused questions."},
        {&s->count.audits, "solana_questions_total", "Questions asked over HTTP."},
        {&s->count.orphans, "solana_orphans_total", "Notifications of unknown subscriptions."},
        {&s->count.left, "solana_left_total",
         "Accounts that left what a program's watch asks for."},
        {&s->count.withheld, "solana_withheld_total",
         "States too large to be told with their data."},
    };
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        hawse_view_t none = {NULL, 0};
        (void)s->metrics->declare(s->host, s->self, HAWSE_METRIC_COUNTER, hawse_text(all[i].name),
                                  hawse_text(all[i].help), none, all[i].metric);
    }
}

/* ---- settings ---- */

static uint32_t setting(const hawse_json_t *doc, hawse_json_value_t *root, const char *key,
                        uint32_t preset)
{
    hawse_json_value_t v;
    uint64_t n = preset;
    if (hawse_json_get(doc, root, key, &v) != HAWSE_OK || hawse_json_u64(&v, &n) != HAWSE_OK)
        return preset;
    return (uint32_t)n;
}

/* The watches that the configuration asks for, as if a reader did. */
static int32_t read_watches(struct sol *s, const hawse_json_t *doc, hawse_json_value_t *root,
                            const char *name, uint32_t watch)
{
    hawse_json_value_t list, v;
    if (hawse_json_get(doc, root, name, &list) != HAWSE_OK)
        return HAWSE_OK;
    while (hawse_json_next(doc, &list, NULL, &v) == 1) {
        hawse_solana_filter_t filter = {
            .size = sizeof(filter), .watch = watch, .commitment = s->set.commitment};
        if (hawse_base58_key(v.data, v.len, filter.id) != HAWSE_OK)
            return hawse_fail(s->host, s->self, HAWSE_E_INVAL,
                              "an entry of settings.accounts, programs or logs is no key",
                              "give base58 text of 32 bytes");
        int32_t code =
            watch_add(s, UINT64_MAX - s->demand_count, (const uint8_t *)&filter, sizeof(filter));
        if (code != HAWSE_OK)
            return code;
    }
    return HAWSE_OK;
}

static uint32_t read_commitment(const hawse_json_t *doc, hawse_json_value_t *root)
{
    hawse_json_value_t v;
    if (hawse_json_get(doc, root, "commitment", &v) != HAWSE_OK)
        return HAWSE_SOLANA_CONFIRMED;
    for (uint32_t level = HAWSE_SOLANA_PROCESSED; level <= HAWSE_SOLANA_FINALIZED; level++) {
        if (hawse_json_is(&v, level_name(level)))
            return level;
    }
    return HAWSE_SOLANA_CONFIRMED;
}

static int32_t read_genesis(struct sol *s, const hawse_json_t *doc, hawse_json_value_t *root)
{
    hawse_json_value_t v;
    if (hawse_json_get(doc, root, "genesis", &v) != HAWSE_OK || v.len == 0)
        return HAWSE_OK;
    s->set.has_genesis = true;
    if (hawse_base58_key(v.data, v.len, s->set.genesis) == HAWSE_OK)
        return HAWSE_OK;
    return hawse_fail(s->host, s->self, HAWSE_E_INVAL, "settings.genesis is no hash",
                      "give base58 text of 32 bytes, as getGenesisHash answers");
}

static int32_t read_numbers(struct sol *s, const hawse_json_t *doc, hawse_json_value_t *root)
{
    struct sol_settings *set = &s->set;
    set->commitment = read_commitment(doc, root);
    set->window = 64;
    while (set->window < setting(doc, root, "window", 1024))
        set->window *= 2;
    set->slots_idle_ms = setting(doc, root, "slots_idle_ms", 10000);
    set->check_ms = setting(doc, root, "check_ms", 10000);
    set->reply_ms = setting(doc, root, "reply_ms", 10000);
    set->requests_per_second = setting(doc, root, "requests_per_second", 8);
    set->max_subscriptions = setting(doc, root, "max_subscriptions", 1000);
    set->max_backfill = setting(doc, root, "max_backfill", 10000);
    set->max_accounts = setting(doc, root, "max_accounts", 16384);
    set->copy_bytes = setting(doc, root, "copy_bytes", 2 << 20);
    set->max_account_bytes = setting(doc, root, "max_account_bytes", 10 << 20);
    set->max_answer_bytes = setting(doc, root, "max_answer_bytes", 32 << 20);
    int32_t code = read_genesis(s, doc, root);
    if (code == HAWSE_OK)
        code = read_watches(s, doc, root, "accounts", HAWSE_SOLANA_WATCH_ACCOUNT);
    if (code == HAWSE_OK)
        code = read_watches(s, doc, root, "programs", HAWSE_SOLANA_WATCH_PROGRAM);
    return code == HAWSE_OK ? read_watches(s, doc, root, "logs", HAWSE_SOLANA_WATCH_LOGS) : code;
}

static int32_t read_settings(struct sol *s, hawse_view_t config)
{
    hawse_json_t doc;
    hawse_json_value_t root;
    uint8_t *text = calloc(1, config.len + HAWSE_PADDING);
    if (!text)
        return HAWSE_E_NOMEM;
    memcpy(text, config.data, config.len);
    int32_t code = hawse_json_index(&doc, text, config.len, s->marks, MARKS_MAX);
    if (code == HAWSE_OK)
        code = hawse_json_root(&doc, &root);
    if (code == HAWSE_OK)
        code = read_numbers(s, &doc, &root);
    free(text);
    return code;
}

/* ---- life ---- */

static void destroy(void *state)
{
    struct sol *s = state;
    if (!s)
        return;
    tree_finish(&s->tree);
    accounts_finish(&s->accounts);
    seen_finish(&s->seen);
    copies_finish(&s->copies);
    free(s->watches);
    free(s->demands);
    free(s->ids);
    free(s->fill.list);
    free(s->early_bytes);
    free(s->marks);
    free(s->scratch);
    free(s);
}

static bool find_services(struct sol *s)
{
    s->sub = s->host->query(s->host, s->self, HAWSE_SUB_ID);
    s->streams = s->host->query(s->host, s->self, HAWSE_STREAM_ID);
    s->timers = s->host->query(s->host, s->self, HAWSE_TIMER_ID);
    s->rpc = s->host->query(s->host, s->self, HAWSE_RPC_ID);
    s->metrics = s->host->query(s->host, s->self, HAWSE_METRICS_ID);
    return s->sub && s->streams && s->timers && s->rpc && s->metrics;
}

static int32_t create(const hawse_host_t *host, hawse_instance_t self, hawse_view_t config,
                      void **state)
{
    struct sol *s = calloc(1, sizeof(*s));
    if (!s)
        return HAWSE_E_NOMEM;
    s->host = host;
    s->self = self;
    for (uint32_t i = 0; i < STREAMS; i++)
        s->epochs[i] = 1;
    s->scratch_cap = SCRATCH;
    s->at_once = ACCOUNTS_AT_ONCE;
    /* whoever writes accounts cannot know when this process began, to the nanosecond */
    s->secret[0] = host->now(host, HAWSE_CLOCK_MONOTONIC) * 0x9e3779b97f4a7c15u;
    s->secret[1] = host->now(host, HAWSE_CLOCK_UTC) ^ s->secret[0] >> 32;
    s->marks = malloc(MARKS_MAX * sizeof(s->marks[0]));
    s->scratch = malloc(s->scratch_cap);
    s->early_bytes = malloc(EARLY_BYTES);
    int32_t code = s->marks && s->scratch && s->early_bytes ? HAWSE_OK : HAWSE_E_NOMEM;
    if (code == HAWSE_OK && !find_services(s))
        code = hawse_fail(host, self, HAWSE_E_UNSUPPORTED, "the host lacks a service of ABI 1.0",
                          "use hawse 0.1 or newer");
    if (code == HAWSE_OK)
        code = read_settings(s, config);
    if (code == HAWSE_OK &&
        (!tree_init(&s->tree, s->set.window) || !accounts_init(&s->accounts, s->set.max_accounts) ||
         !seen_init(&s->seen, SEEN_MAX) || !copies_init(&s->copies, s->set.copy_bytes)))
        code = HAWSE_E_NOMEM;
    if (code != HAWSE_OK) {
        destroy(s);
        return code;
    }
    declare(s);
    *state = s;
    return HAWSE_OK;
}

static int32_t start(void *state)
{
    struct sol *s = state;
    int32_t code =
        s->timers->set(s->host, s->self, TICK_MS * SOL_MS, TICK_MS * SOL_MS, TIMER_TICK, &s->tick);
    if (code == HAWSE_OK)
        link_open(s);
    return code;
}

static int32_t stop(void *state, uint64_t deadline_ns)
{
    struct sol *s = state;
    (void)deadline_ns;
    s->stopping = true;
    return HAWSE_OK;
}

/* ---- events ---- */

static void on_demand(struct sol *s, const hawse_event_t *event)
{
    hawse_host_demand_t demand;
    if (event->len < sizeof(demand))
        return;
    memcpy(&demand, event->data, sizeof(demand));
    if (demand.space != HAWSE_SPACE_SOLANA)
        return;
    if (demand.change == HAWSE_DEMAND_DROP) {
        watch_drop(s, demand.sub);
        return;
    }
    int32_t code = watch_add(s, demand.sub, event->data + sizeof(demand), demand.filter_len);
    if (code == HAWSE_E_NOMEM)
        sol_log(s, HAWSE_LOG_ERROR,
                "no memory for what instance number %u asks for: it is told nothing of it",
                demand.subscriber);
    else if (code != HAWSE_OK)
        sol_log(s, HAWSE_LOG_WARN, "instance number %u subscribes with a filter that is none (%d)",
                demand.subscriber, code);
}

/* 1 taken, 0 no room. */
static int32_t on_host_event(struct sol *s, const hawse_event_t *event)
{
    switch (event->kind) {
    case HAWSE_HOST_FRAME:
        return link_frame(s, event);
    case HAWSE_HOST_RPC_DONE:
        return audit_answer(s, event);
    case HAWSE_HOST_DEMAND:
        on_demand(s, event);
        return 1;
    case HAWSE_HOST_TIMER:
        link_tick(s);
        return 1;
    default:
        link_event(s, event);
        return 1;
    }
}

static int32_t on_events(void *state, const hawse_event_t *const *events, uint32_t n)
{
    struct sol *s = state;
    if (!tell_pump(s) || (s->early_count > 0 && !link_early(s)))
        return 0; /* what found no room before goes first */
    for (uint32_t i = 0; i < n; i++) {
        if (events[i]->space != HAWSE_SPACE_HOST || s->stopping)
            continue;
        if (on_host_event(s, events[i]) == 0) {
            n = i;
            break;
        }
        if (!tell_pump(s)) { /* taken, and goes on at the next event: a tick at the latest */
            n = i + 1;
            break;
        }
    }
    audit_pump(s);
    link_touch(s);
    return (int32_t)n;
}

HAWSE_EXPORT const hawse_plugin_t *hawse_plugin_v1(const hawse_host_t *host)
{
    static const hawse_plugin_t table = {
        .size = sizeof(table),
        .abi_minor = HAWSE_ABI_MINOR,
        .id = "org.hawse.solana",
        .create = create,
        .start = start,
        .on_events = on_events,
        .stop = stop,
        .destroy = destroy,
    };
    (void)host;
    return &table;
}
