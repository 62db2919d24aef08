/*
 * Questions over HTTP, one at a time and no faster than the provider allows: snapshots of accounts,
 * lists of transactions, outcomes of signatures, and the slots of a hole. An answer counts only
 * when the node had reached a slot at which the subscription was surely there, so that nothing can
 * fall between the two.
 */
#include "plugin.h"

#include <hawse/base58.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HOLE_MS = 300, TRIES = 25, GIVE_UP = 6 };

/* JSON-RPC errors that another try does not change. */
static bool is_final(int64_t code)
{
    return code == -32600 || code == -32601 || code == -32602 || code == -32010 || code == -32011;
}

/* ---- asking ---- */

void audit_wait(struct sol *s, uint64_t ms)
{
    s->ask_after_ns = sol_now(s) + ms * SOL_MS;
}

/* May a request be sent now? The bucket holds one second's worth. */
static bool is_paid(struct sol *s)
{
    return s->tokens_ns <= sol_now(s);
}

static void ask(struct sol *s, enum ask what, const char *method, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static void ask(struct sol *s, enum ask what, const char *method, const char *format, ...)
{
    uint64_t now = sol_now(s), cost = 1000 * SOL_MS / s->set.requests_per_second;
    va_list ap;
    va_start(ap, format);
    int n = vsnprintf(s->scratch, s->scratch_cap, format, ap);
    va_end(ap);
    hawse_rpc_call_t call = {.size = sizeof(call),
                             .method = hawse_text(method),
                             .params = {(const uint8_t *)s->scratch, (uint64_t)n},
                             .tag = what,
                             .max_response = s->set.max_answer_bytes};
    if (s->rpc->call(s->host, s->self, &call, &s->request) != HAWSE_OK) {
        s->request = 0;
        audit_wait(s, AGAIN_MS);
        return;
    }
    uint64_t floor = now > 1000 * SOL_MS ? now - 1000 * SOL_MS : 0;
    s->tokens_ns = (s->tokens_ns > floor ? s->tokens_ns : floor) + cost;
    s->ask = what;
    sol_count(s, s->count.audits, 1);
}

void audit_cancel(struct sol *s)
{
    if (s->request)
        (void)s->rpc->cancel(s->host, s->self, s->request);
    s->request = 0;
    s->ask = ASK_NONE;
    s->fill.on = false;
    s->gone_count = 0;
    s->ask_after_ns = 0;
}

void audit_soon(struct sol *s, struct watch *w, uint64_t slot)
{
    (void)s;
    w->soon = true;
    if (w->need != 0 && slot > w->need)
        w->need = slot;
}

void audit_clean(struct sol *s, struct watch *w)
{
    w->dirty = w->fresh = w->soon = false;
    w->audited_ns = sol_now(s);
    w->messages = 0;
    w->tries = 0;
}

/* Compared: again in a second when something is suspected. */
void audit_end(struct sol *s, struct watch *w, bool suspect)
{
    uint64_t wait = s->set.check_ms > AGAIN_MS ? s->set.check_ms - AGAIN_MS : 0;
    uint64_t messages = w->messages;
    audit_clean(s, w);
    if (!suspect)
        return;
    w->messages = messages;
    w->audited_ns = sol_now(s) - wait * SOL_MS;
}

void audit_missing(struct sol *s, struct watch *w, uint64_t slot)
{
    gap_open(s, watch_stream(w), HAWSE_REASON_MISSING, slot);
    sol_count(s, s->count.missing, 1);
}

void audit_renew(struct sol *s, struct watch *w)
{
    if (w->messages == 0 && w->on && w->call == 0 && !w->dirty)
        link_subscribe(s, (uint32_t)(w - s->watches));
}

void audit_bad(struct sol *s)
{
    sol_count(s, s->count.malformed, 1);
    audit_wait(s, AGAIN_MS);
}

/* ---- what is due ---- */

static bool is_due(const struct sol *s, const struct watch *w, bool dirty)
{
    if (!watch_live(w) || w->need == 0 || (dirty && !w->dirty))
        return false;
    return w->dirty || w->soon || sol_now(s) - w->audited_ns >= s->set.check_ms * SOL_MS;
}

/* What the account takes in an answer, as far as it is known. */
static uint64_t answer_bytes(struct sol *s, const struct watch *w)
{
    const struct account_entry *e =
        w->filter.watch == HAWSE_SOLANA_WATCH_ACCOUNT
            ? accounts_find(&s->accounts, w->filter.id, w->filter.commitment, false)
            : NULL;
    return 256 + (e ? e->len / 3ull * 4 : 0);
}

/* Others like `first` that are due, for one request whose answer is not too large. */
static void gather(struct sol *s, uint32_t first, uint32_t most)
{
    const struct watch *f = &s->watches[first];
    uint64_t bytes = 0;
    s->ask_count = 0;
    for (uint32_t n = 0; n < s->watch_count && s->ask_count < most; n++) {
        uint32_t i = (first + n) % s->watch_count;
        const struct watch *w = &s->watches[i];
        if (w->filter.watch == f->filter.watch && w->filter.commitment == f->filter.commitment &&
            w->dirty == f->dirty && is_due(s, w, false)) {
            bytes += answer_bytes(s, w);
            if (s->ask_count > 0 && bytes > s->set.max_answer_bytes)
                return;
            s->ask_watches[s->ask_count++] = i;
        }
    }
}

uint64_t audit_need(const struct sol *s)
{
    uint64_t need = 0;
    for (uint32_t i = 0; i < s->ask_count; i++) {
        if (s->watches[s->ask_watches[i]].need > need)
            need = s->watches[s->ask_watches[i]].need;
    }
    return need;
}

static void ask_keys(struct sol *s, enum ask what, const uint8_t *const *keys, uint32_t count,
                     uint32_t commitment, uint64_t need)
{
    char list[ACCOUNTS_AT_ONCE * (HAWSE_BASE58_KEY_TEXT + 3)], key[HAWSE_BASE58_KEY_TEXT];
    uint32_t at = 0;
    for (uint32_t i = 0; i < count; i++) {
        (void)hawse_base58_from_key(keys[i], key);
        at += (uint32_t)snprintf(list + at, sizeof(list) - at, "%s\"%s\"", i ? "," : "", key);
    }
    ask(s, what, "getMultipleAccounts",
        "[[%s],{\"encoding\":\"base64\",\"commitment\":\"%s\",\"minContextSlot\":%llu}]", list,
        level_name(commitment), (unsigned long long)need);
}

static void ask_accounts(struct sol *s, uint32_t first)
{
    const uint8_t *keys[ACCOUNTS_AT_ONCE];
    gather(s, first, s->at_once);
    for (uint32_t i = 0; i < s->ask_count; i++)
        keys[i] = s->watches[s->ask_watches[i]].filter.id;
    ask_keys(s, ASK_ACCOUNTS, keys, s->ask_count, s->watches[first].filter.commitment,
             audit_need(s));
}

/* What a snapshot lacks: as many as fit an answer, the others with the next snapshot. */
static void ask_gone(struct sol *s)
{
    const uint8_t *keys[ACCOUNTS_AT_ONCE];
    s->gone_more |= s->gone_count > s->at_once;
    s->gone_count = s->gone_count < s->at_once ? s->gone_count : s->at_once;
    for (uint32_t i = 0; i < s->gone_count; i++)
        keys[i] = s->gone[i];
    s->ask_watches[0] = s->gone_watch;
    s->ask_count = 1;
    ask_keys(s, ASK_GONE, keys, s->gone_count, s->watches[s->gone_watch].filter.commitment,
             s->gone_slot);
}

static void ask_program(struct sol *s, uint32_t first)
{
    const struct watch *w = &s->watches[first];
    char key[HAWSE_BASE58_KEY_TEXT], filters[2048];
    s->ask_watches[0] = first;
    s->ask_count = 1;
    (void)hawse_base58_from_key(w->filter.id, key);
    filters[watch_filters(w, filters, sizeof(filters) - 1)] = '\0';
    ask(s, ASK_PROGRAM, "getProgramAccounts",
        "[\"%s\",{\"encoding\":\"base64\",\"commitment\":\"%s\",\"withContext\":true,"
        "\"minContextSlot\":%llu%s}]",
        key, level_name(w->filter.commitment), (unsigned long long)w->need, filters);
}

static void ask_statuses(struct sol *s, uint32_t first)
{
    char text[HAWSE_BASE58_SIGNATURE_TEXT];
    static const char tail[] = "],{\"searchTransactionHistory\":true}]";
    uint32_t at = 2;
    gather(s, first, STATUSES_AT_ONCE);
    char *list = s->scratch + s->scratch_cap / 2;
    memcpy(list, "[[", 2);
    for (uint32_t i = 0; i < s->ask_count; i++) {
        (void)hawse_base58_from_signature(s->watches[s->ask_watches[i]].filter.id, text);
        at +=
            (uint32_t)snprintf(list + at, s->scratch_cap / 2 - at, "%s\"%s\"", i ? "," : "", text);
    }
    memcpy(list + at, tail, sizeof(tail));
    ask(s, ASK_STATUSES, "getSignatureStatuses", "%s", list);
}

/* Lists are never given at "processed". */
static uint32_t list_level(const struct watch *w)
{
    return w->filter.commitment == HAWSE_SOLANA_FINALIZED ? HAWSE_SOLANA_FINALIZED
                                                          : HAWSE_SOLANA_CONFIRMED;
}

static void ask_level(struct sol *s, uint32_t first)
{
    s->ask_watches[0] = first;
    s->ask_count = 1;
    ask(s, ASK_LEVEL, "getSlot", "[{\"commitment\":\"%s\"}]",
        level_name(list_level(&s->watches[first])));
}

/* ---- filling logs ---- */

static void ask_list(struct sol *s)
{
    const struct fill *f = &s->fill;
    const struct watch *w = &s->watches[f->watch];
    char key[HAWSE_BASE58_KEY_TEXT], text[HAWSE_BASE58_SIGNATURE_TEXT], before[128] = "";
    (void)hawse_base58_from_key(w->filter.id, key);
    if (f->paged) {
        (void)hawse_base58_from_signature(f->before, text);
        (void)snprintf(before, sizeof(before), ",\"before\":\"%s\"", text);
    }
    ask(s, ASK_LIST, "getSignaturesForAddress", "[\"%s\",{\"commitment\":\"%s\",\"limit\":%d%s}]",
        key, level_name(list_level(w)), LIST_MAX, before);
}

static void ask_transaction(struct sol *s)
{
    const struct fill *f = &s->fill;
    char text[HAWSE_BASE58_SIGNATURE_TEXT];
    (void)hawse_base58_from_signature(f->list[f->count - 1].signature, text);
    ask(s, ASK_TRANSACTION, "getTransaction",
        "[\"%s\",{\"commitment\":\"%s\",\"encoding\":\"base64\","
        "\"maxSupportedTransactionVersion\":0}]",
        text, level_name(list_level(&s->watches[f->watch])));
}

static void end_fill(struct sol *s)
{
    struct watch *w = &s->watches[s->fill.watch];
    w->judged = s->fill.to;
    audit_clean(s, w);
    s->fill.on = false;
    s->fill.tries = 0;
}

static void fill_step(struct sol *s)
{
    struct fill *f = &s->fill;
    if (f->listing)
        ask_list(s);
    else if (f->count > 0)
        ask_transaction(s);
    else
        end_fill(s);
}

/* ---- holes between slots ---- */

static bool ask_blocks(struct sol *s)
{
    uint64_t missing = 0, from;
    if (tree_plan(&s->tree, &missing) != TREE_MISSING)
        return false;
    if (!s->gaps[HAWSE_SOLANA_STREAM_SLOTS].open) {
        if (sol_now(s) - s->hole_ns < HOLE_MS * SOL_MS)
            return false; /* it may be on its way, out of order */
        gap_open(s, HAWSE_SOLANA_STREAM_SLOTS, HAWSE_REASON_MISSING, s->tree.head + 1);
        sol_count(s, s->count.missing, 1);
    }
    /* from further back: the told head may be on a branch that was abandoned meanwhile */
    from = s->tree.head > 150 ? s->tree.head - 150 : 0;
    if (from < s->tree.root && s->tree.root <= s->tree.head)
        from = s->tree.root;
    ask(s, ASK_BLOCKS, "getBlocks", "[%llu,%llu,{\"commitment\":\"confirmed\"}]",
        (unsigned long long)from, (unsigned long long)missing);
    return true;
}

/* What was begun goes on before anything new. False: nothing was. */
static bool ask_on(struct sol *s)
{
    if (s->hole_ns != 0 && ask_blocks(s))
        return true;
    if (s->fill.on)
        fill_step(s);
    else if (s->gone_count > 0)
        ask_gone(s);
    else
        return false;
    return true;
}

static void ask_about(struct sol *s, uint32_t watch)
{
    switch (s->watches[watch].filter.watch) {
    case HAWSE_SOLANA_WATCH_ACCOUNT:
        ask_accounts(s, watch);
        return;
    case HAWSE_SOLANA_WATCH_PROGRAM:
        ask_program(s, watch);
        return;
    case HAWSE_SOLANA_WATCH_LOGS:
        ask_level(s, watch);
        return;
    default:
        ask_statuses(s, watch);
        return;
    }
}

void audit_pump(struct sol *s)
{
    if (s->request || s->phase == PHASE_DOWN || sol_now(s) < s->ask_after_ns || !is_paid(s))
        return;
    if (!s->right) {
        ask(s, ASK_GENESIS, "getGenesisHash", "[]");
        return;
    }
    if (ask_on(s))
        return;
    for (uint32_t n = 0; n < 2 * s->watch_count; n++) {
        uint32_t i = (s->next_audit + n) % s->watch_count;
        if (!is_due(s, &s->watches[i], n < s->watch_count))
            continue;
        s->next_audit = i + 1;
        ask_about(s, i);
        return;
    }
}

/* ---- answers; false = no room, the answer comes again ---- */

static void on_level(struct sol *s, const hawse_json_value_t *root)
{
    uint32_t index = s->ask_watches[0];
    struct watch *w = &s->watches[index];
    struct fill *f = &s->fill;
    uint64_t level = 0;
    if (hawse_json_u64(root, &level) != HAWSE_OK) {
        audit_bad(s);
        return;
    }
    if (level < w->need) {
        audit_wait(s, SOON_MS);
        return;
    }
    uint64_t from = w->judged > MARGIN_SLOTS ? w->judged - MARGIN_SLOTS : 0;
    f->on = f->listing = true;
    f->paged = false;
    f->watch = index;
    f->count = f->tries = 0;
    f->from = from > w->from ? from : w->from;
    /* what came since the last look may still be under way: it is judged at the next */
    f->to = w->dirty ? level : w->level;
    w->level = level;
    if (f->to < f->from || (!w->dirty && f->to <= w->judged)) {
        f->on = false;
        audit_clean(s, w);
    }
}

static bool is_listed(const struct fill *f, const uint8_t signature[64])
{
    for (uint32_t i = 0; i < f->count; i++) {
        if (memcmp(f->list[i].signature, signature, 64) == 0)
            return true;
    }
    return false;
}

static int32_t fill_add(struct sol *s, const struct listed *one)
{
    struct fill *f = &s->fill;
    if (f->count >= s->set.max_backfill)
        return HAWSE_E_LIMIT;
    if (f->count == f->cap) {
        uint32_t cap = f->cap ? f->cap * 2 : 256;
        struct listed *larger = realloc(f->list, cap * sizeof(larger[0]));
        if (!larger)
            return HAWSE_E_NOMEM;
        f->list = larger;
        f->cap = cap;
    }
    f->list[f->count++] = *one;
    return HAWSE_OK;
}

/* What cannot be listed is lost; what was listed is told. */
static void say_lost(struct sol *s, int32_t code)
{
    s->gaps[HAWSE_SOLANA_STREAM_LOGS].lost = true;
    sol_log(s, HAWSE_LOG_WARN, "more transactions were missed than %s: the others are lost",
            code == HAWSE_E_LIMIT ? "settings.max_backfill" : "there is memory for");
}

/* The list is complete: what it holds was not told. */
static void end_listing(struct sol *s)
{
    struct fill *f = &s->fill;
    struct watch *w = &s->watches[f->watch];
    f->listing = false;
    if (f->count > 0 && !w->fresh) {
        audit_missing(s, w, f->list[f->count - 1].slot);
        audit_renew(s, w);
        sol_log(s, HAWSE_LOG_INFO, "%u transactions were not pushed: they are told late", f->count);
    }
}

/* Newest first. Idempotent: asked again, it finds the same. */
static void on_list(struct sol *s, const hawse_json_t *doc, hawse_json_value_t *root)
{
    struct fill *f = &s->fill;
    struct watch *w = &s->watches[f->watch];
    hawse_json_value_t v;
    struct listed one = {.slot = UINT64_MAX};
    uint32_t items = 0;
    bool full = false;
    int32_t code = root->kind == HAWSE_JSON_ARRAY ? HAWSE_OK : HAWSE_E_FORMAT;
    while (code == HAWSE_OK && hawse_json_next(doc, root, NULL, &v) == 1) {
        code = wire_listed(doc, &v, one.signature, &one.slot);
        items++;
        if (code != HAWSE_OK || one.slot < f->from)
            break;
        if (one.slot > f->to ||
            seen_has(&s->seen, seen_mark(s->secret, one.signature, watch_salt(w)), 0) ||
            is_listed(f, one.signature))
            continue;
        int32_t added = fill_add(s, &one);
        if (added != HAWSE_OK) {
            say_lost(s, added);
            full = true;
            break;
        }
    }
    if (code != HAWSE_OK) {
        audit_bad(s);
        return;
    }
    f->paged = items > 0;
    memcpy(f->before, one.signature, 64);
    if (full || items < LIST_MAX || one.slot < f->from)
        end_listing(s);
}

static bool on_transaction(struct sol *s, const hawse_json_t *doc, hawse_json_value_t *root)
{
    struct fill *f = &s->fill;
    struct wire_logs logs;
    int32_t code = wire_transaction(doc, root, &logs);
    if (code != HAWSE_OK && f->tries++ < TRIES) {
        audit_wait(s, 2 * SOON_MS);
        return true;
    }
    if (code == HAWSE_OK) {
        memcpy(logs.record.signature, f->list[f->count - 1].signature, 64);
        if (!tell_logs(s, doc, &s->watches[f->watch], &logs, HAWSE_EVENT_BACKFILLED, 0))
            return false;
        s->gaps[HAWSE_SOLANA_STREAM_LOGS].late++;
        sol_count(s, s->count.late, 1);
    } else {
        s->gaps[HAWSE_SOLANA_STREAM_LOGS].lost = true;
        sol_complain(s, "a transaction that the node lists cannot be had (%d)", code);
    }
    f->tries = 0;
    f->count--;
    return true;
}

/* Confirmed slots, oldest first: each is the parent of the next. */
static void on_blocks(struct sol *s, const hawse_json_t *doc, hawse_json_value_t *root)
{
    hawse_json_value_t v;
    uint64_t slot = 0, previous = 0;
    while (root->kind == HAWSE_JSON_ARRAY && hawse_json_next(doc, root, NULL, &v) == 1) {
        if (hawse_json_u64(&v, &slot) != HAWSE_OK || slot <= previous)
            break;
        if (previous != 0)
            (void)tree_put(&s->tree, slot, previous, true);
        previous = slot;
    }
    s->block_tries++;
    audit_wait(s, 250);
}

/* Nothing of another cluster is told. */
static void on_genesis(struct sol *s, const hawse_json_value_t *root)
{
    uint8_t hash[32];
    bool good = root->kind == HAWSE_JSON_STRING &&
                hawse_base58_key(root->data, root->len, hash) == HAWSE_OK;
    s->right = good && memcmp(hash, s->set.genesis, 32) == 0;
    if (s->right)
        return;
    sol_count(s, s->count.malformed, good ? 0 : 1);
    sol_complain(s,
                 "endpoint \"http\" is of another cluster than settings.genesis (%.*s): nothing is "
                 "told until the endpoint is put right",
                 (int)(root->len < 50 ? root->len : 50), (const char *)root->data);
    audit_wait(s, 5 * AGAIN_MS);
}

/* ---- refusals ---- */

/* This watch cannot be compared: its sequence cannot be proved. */
static void give_up(struct sol *s)
{
    for (uint32_t i = 0; i < s->ask_count; i++) {
        struct watch *w = &s->watches[s->ask_watches[i]];
        uint32_t stream = watch_stream(w);
        s->gaps[stream].lost = true; /* counts while a gap is open */
        audit_clean(s, w);
    }
    s->fill.on = false;
    s->gone_count = 0;
}

/* The answer is more than is taken. Fewer accounts give a smaller one; a program's cannot be cut.
 */
static void on_too_large(struct sol *s, enum ask what)
{
    uint32_t asked = what == ASK_GONE ? s->gone_count : s->ask_count;
    if ((what == ASK_GONE || what == ASK_ACCOUNTS) && asked > 1) {
        s->at_once = asked / 2;
        audit_wait(s, 0);
        return;
    }
    sol_complain(s,
                 "an answer is larger than settings.max_answer_bytes (%u): what it is about cannot "
                 "be compared, and is not proved whole; raise it, or watch less",
                 s->set.max_answer_bytes);
    give_up(s);
}

static void on_refused(struct sol *s, enum ask what, const hawse_host_rpc_done_t *done,
                       const uint8_t *body)
{
    sol_count(s, s->count.errors, 1);
    if (done->status == HAWSE_E_LIMIT) {
        on_too_large(s, what);
        return;
    }
    bool behind = done->rpc_code == -32016 || done->rpc_code == -32014 || done->rpc_code == -32004;
    if (!behind)
        sol_complain(s, "the node refused a question (%d, HTTP %u, code %lld): %.*s", done->status,
                     done->http_status, (long long)done->rpc_code,
                     (int)(done->body_len < 200 ? done->body_len : 200), (const char *)body);
    if (what == ASK_BLOCKS) {
        s->block_tries += is_final(done->rpc_code) ? 100 : 1;
        audit_wait(s, 250);
    } else if (is_final(done->rpc_code) && what != ASK_GENESIS) {
        give_up(s);
    } else {
        uint64_t pause = behind ? SOON_MS : 100ull << s->ask_failures;
        if (!behind && s->ask_failures < GIVE_UP)
            s->ask_failures++;
        audit_wait(s, done->retry_after_ms > pause ? done->retry_after_ms : pause);
    }
}

static bool on_result(struct sol *s, enum ask what, const hawse_json_t *doc,
                      hawse_json_value_t *root)
{
    switch (what) {
    case ASK_ACCOUNTS:
        return compare_accounts(s, doc, root);
    case ASK_PROGRAM:
        return compare_program(s, doc, root);
    case ASK_GONE:
        return compare_gone(s, doc, root);
    case ASK_TRANSACTION:
        return on_transaction(s, doc, root);
    case ASK_STATUSES:
        return compare_statuses(s, doc, root);
    case ASK_LEVEL:
        on_level(s, root);
        return true;
    case ASK_GENESIS:
        on_genesis(s, root);
        return true;
    case ASK_LIST:
        on_list(s, doc, root);
        return true;
    default:
        on_blocks(s, doc, root);
        return true;
    }
}

int32_t audit_answer(struct sol *s, const hawse_event_t *event)
{
    hawse_host_rpc_done_t done;
    hawse_json_t doc;
    hawse_json_value_t root;
    memcpy(&done, event->data, sizeof(done));
    const uint8_t *body = event->data + sizeof(done);
    if (done.request != s->request || s->request == 0)
        return 1; /* canceled meanwhile */
    enum ask what = s->ask;
    bool taken = true;
    if (done.status == HAWSE_OK) {
        /* an answer may have more marks than a frame: its own array, bounded by the text */
        uint32_t cap = done.body_len < MARKS_MAX ? MARKS_MAX : (uint32_t)done.body_len + 2;
        uint32_t *marks = cap == MARKS_MAX ? s->marks : malloc((size_t)cap * sizeof(marks[0]));
        if (marks && hawse_json_index(&doc, body, done.body_len, marks, cap) == HAWSE_OK &&
            hawse_json_root(&doc, &root) == HAWSE_OK) {
            s->ask_failures = 0;
            s->at_once = s->at_once * 2 < ACCOUNTS_AT_ONCE ? s->at_once * 2 : ACCOUNTS_AT_ONCE;
            taken = on_result(s, what, &doc, &root);
        } else if (marks) {
            audit_bad(s);
        } else {
            sol_complain(s, "no memory to read an answer of %llu bytes: it is asked for again",
                         (unsigned long long)done.body_len);
            audit_wait(s, AGAIN_MS);
        }
        if (marks != s->marks)
            free(marks);
    } else {
        on_refused(s, what, &done, body);
    }
    if (!taken)
        return 0;
    s->request = 0;
    s->ask = ASK_NONE;
    return 1;
}
