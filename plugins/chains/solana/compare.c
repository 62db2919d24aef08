/*
 * Snapshots of accounts, and outcomes, against what was told. What differs is told late; while a
 * subscription lives its notification may be under way, so only what still differs a second later
 * counts as missed.
 *
 * Accounts that a program's snapshot lacks have left what its watch asks for: a node pushes nothing
 * when an account is closed, given to another program or stops matching a filter. They are asked
 * for by key, and told as what they are now.
 */
#include "plugin.h"

#include <string.h>

/* May a difference be told? `e` is what was told before, if anything. */
static bool is_certain(struct sol *s, struct watch *w, struct account_entry *e,
                       const hawse_solana_account_t *r)
{
    if (w->dirty || !e || e->content == 0)
        return true;
    if (!e->suspect || e->slot >= e->suspect_slot) {
        e->suspect = true;
        e->suspect_slot = r->slot;
        return false;
    }
    audit_missing(s, w, e->slot + 1);
    if (!r->left)
        audit_renew(s, w);
    return true;
}

/* Whose account it is, whoever told it. */
static void claim(const struct sol *s, const struct watch *w, struct account_entry *e, bool left)
{
    if (!e)
        return;
    if (w->filter.watch != HAWSE_SOLANA_WATCH_PROGRAM)
        e->own = true;
    else if (left)
        e->watch = UINT32_MAX;
    else if (e->watch == UINT32_MAX)
        e->watch = (uint32_t)(w - s->watches);
}

/* One account of a snapshot against what was told. */
static bool compare(struct sol *s, struct watch *w, struct wire_account *account)
{
    hawse_solana_account_t *r = &account->record;
    struct account_entry *e = accounts_find(&s->accounts, r->pubkey, w->filter.commitment, false);
    if (e)
        e->seen = true;
    if (e && r->slot < e->slot) { /* newer news came meanwhile */
        e->suspect = false;
        return true;
    }
    if (e && e->content == account_hash(s, account)) {
        e->suspect = false;
        claim(s, w, e, r->left);
        return true;
    }
    if (!is_certain(s, w, e, r))
        return true;
    if (!tell_account(s, w, account, HAWSE_EVENT_BACKFILLED, 0))
        return false;
    e = accounts_find(&s->accounts, r->pubkey, w->filter.commitment, false);
    if (e) { /* it may just have been made */
        e->suspect = false;
        e->seen = true;
    }
    sol_count(s, s->count.left, r->left);
    if (!w->fresh) {
        s->gaps[HAWSE_SOLANA_STREAM_ACCOUNTS].late++;
        sol_count(s, s->count.late, 1);
    }
    return true;
}

/* {"context":..,"value":[..]}; false: it cannot be used, and is asked for again. */
static bool read_list(struct sol *s, const hawse_json_t *doc, hawse_json_value_t *root,
                      uint64_t need, uint64_t *slot, hawse_json_value_t *list)
{
    if (wire_context(doc, root, slot, list) != HAWSE_OK || list->kind != HAWSE_JSON_ARRAY) {
        audit_bad(s);
        return false;
    }
    if (*slot < need) /* a node that is behind */
        audit_wait(s, SOON_MS);
    return *slot >= need;
}

bool compare_accounts(struct sol *s, const hawse_json_t *doc, hawse_json_value_t *root)
{
    hawse_json_value_t list, v;
    struct wire_account account;
    uint64_t slot = 0;
    if (!read_list(s, doc, root, audit_need(s), &slot, &list))
        return true;
    for (uint32_t i = 0; i < s->ask_count; i++) {
        struct watch *w = &s->watches[s->ask_watches[i]];
        if (hawse_json_next(doc, &list, NULL, &v) != 1 ||
            wire_account(doc, &v, &account) != HAWSE_OK) {
            audit_bad(s);
            return true;
        }
        memcpy(account.record.pubkey, w->filter.id, 32);
        account.record.slot = slot;
        if (!compare(s, w, &account))
            return false;
        const struct account_entry *e =
            accounts_find(&s->accounts, w->filter.id, w->filter.commitment, false);
        audit_end(s, w, e && e->suspect);
    }
    return true;
}

/* ---- programs ---- */

static void forget_seen(struct sol *s)
{
    for (uint64_t i = 0; i < s->accounts.cap; i++)
        s->accounts.entries[i].seen = false;
}

static bool is_of(const struct account_entry *e, const struct watch *w, uint32_t index)
{
    return e->used && e->watch == index && e->commitment == w->filter.commitment;
}

/* What the snapshot lacks, to be asked for. Returns whether something else is suspected. */
static bool list_gone(struct sol *s, const struct watch *w, uint64_t slot)
{
    uint32_t index = (uint32_t)(w - s->watches);
    bool suspect = false;
    s->gone_count = 0;
    s->gone_watch = index;
    s->gone_slot = slot;
    s->gone_more = false;
    for (uint64_t i = 0; i < s->accounts.cap; i++) {
        struct account_entry *e = &s->accounts.entries[i];
        if (!is_of(e, w, index))
            continue;
        if (!e->seen && e->content == 0) { /* taken back, and not told since */
            e->watch = UINT32_MAX;
            s->accounts.loose++;
            continue;
        }
        suspect |= e->seen && e->suspect;
        if (e->seen || e->slot > slot)
            continue;
        if (s->gone_count == ACCOUNTS_AT_ONCE)
            s->gone_more = true;
        else
            memcpy(s->gone[s->gone_count++], e->key, 32);
    }
    return suspect;
}

bool compare_program(struct sol *s, const hawse_json_t *doc, hawse_json_value_t *root)
{
    struct watch *w = &s->watches[s->ask_watches[0]];
    hawse_json_value_t list, v;
    struct wire_account account;
    uint64_t slot = 0;
    int32_t code = HAWSE_OK;
    if (!read_list(s, doc, root, w->need, &slot, &list))
        return true;
    forget_seen(s);
    while (code == HAWSE_OK && hawse_json_next(doc, &list, NULL, &v) == 1) {
        code = wire_owned(doc, &v, &account);
        account.record.slot = slot;
        if (code != HAWSE_OK || !account_wanted(s, w, &account))
            continue;
        if (!compare(s, w, &account))
            return false;
    }
    if (code != HAWSE_OK) {
        audit_bad(s);
        return true;
    }
    bool suspect = list_gone(s, w, slot);
    if (s->gone_count == 0)
        audit_end(s, w, suspect);
    return true;
}

bool compare_gone(struct sol *s, const hawse_json_t *doc, hawse_json_value_t *root)
{
    struct watch *w = &s->watches[s->gone_watch];
    hawse_json_value_t list, v;
    struct wire_account account;
    uint64_t slot = 0;
    bool suspect = s->gone_more;
    if (!read_list(s, doc, root, s->gone_slot, &slot, &list))
        return true;
    for (uint32_t i = 0; i < s->gone_count; i++) {
        if (hawse_json_next(doc, &list, NULL, &v) != 1 ||
            wire_account(doc, &v, &account) != HAWSE_OK) {
            audit_bad(s);
            return true;
        }
        memcpy(account.record.pubkey, s->gone[i], 32);
        account.record.slot = slot;
        account.record.left = !account_matches(w, &account);
        if (!compare(s, w, &account))
            return false;
        const struct account_entry *e =
            accounts_find(&s->accounts, s->gone[i], w->filter.commitment, false);
        suspect |= e && e->suspect;
    }
    s->gone_count = 0;
    if (w->dirty && s->gone_more) /* the rest comes with the next snapshot */
        return true;
    audit_end(s, w, suspect);
    return true;
}

/* ---- outcomes ---- */

/* One status against what was told: true when it is to be looked at again. */
static bool is_pending(const struct watch *w, const struct wire_status *status)
{
    bool reached = status->commitment >= w->filter.commitment && !w->done;
    return reached && !w->dirty && !w->suspect; /* its notification may be under way */
}

/* An outcome that was not pushed. */
static bool tell_late(struct sol *s, struct watch *w, const struct wire_status *status)
{
    if (status->commitment < w->filter.commitment || w->done)
        return true;
    if (!w->dirty)
        audit_missing(s, w, status->slot);
    if (!tell_status(s, w, status, HAWSE_EVENT_BACKFILLED, 0))
        return false;
    if (!w->fresh) {
        s->gaps[HAWSE_SOLANA_STREAM_SIGNATURES].late++;
        sol_count(s, s->count.late, 1);
    }
    return true;
}

bool compare_statuses(struct sol *s, const hawse_json_t *doc, hawse_json_value_t *root)
{
    hawse_json_value_t list, v;
    struct wire_status status;
    uint64_t slot = 0;
    if (!read_list(s, doc, root, audit_need(s), &slot, &list))
        return true;
    for (uint32_t i = 0; i < s->ask_count; i++) {
        struct watch *w = &s->watches[s->ask_watches[i]];
        int32_t code = HAWSE_E_FORMAT;
        if (hawse_json_next(doc, &list, NULL, &v) == 1)
            code = wire_status(doc, &v, &status); /* not found leaves a commitment of 0 */
        if (code != HAWSE_OK && code != HAWSE_E_NOTFOUND) {
            audit_bad(s);
            return true;
        }
        bool suspect = is_pending(w, &status);
        if (!suspect && !tell_late(s, w, &status))
            return false;
        w->suspect = suspect;
        audit_end(s, w, suspect);
    }
    return true;
}
