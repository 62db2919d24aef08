/*
 * Slots in order: telling them, and, when the newest one is on another branch, taking back what the
 * abandoned ones held, newest first. A branch that comes back has its records told again. Whatever
 * finds no room is tried again from where it stopped.
 */
#include "plugin.h"

#include <string.h>

enum { RETELL_MAX = 128 };

/* ---- slots ---- */

/* What is told up to the root is final. A root that is ahead of what was told says nothing yet. */
static void say_final(struct sol *s)
{
    const struct tree_node *node = tree_find(&s->tree, s->root);
    if (s->root <= s->tree.root || s->root > s->tree.head || !node || !node->told ||
        s->say_count > SAYS_MAX / 2)
        return;
    uint64_t from = s->tree.root >= s->tree.first ? s->tree.root + 1 : s->tree.first;
    tell_range(s, HAWSE_STREAM_EVENT_FINAL, HAWSE_SOLANA_STREAM_SLOTS, 0, from, s->root, 0);
    tree_root(&s->tree, s->root);
}

void tell_slot(struct sol *s, const hawse_solana_slot_t *slot)
{
    sol_count(s, s->count.slots, 1);
    if (!tree_put(&s->tree, slot->slot, slot->parent, false))
        sol_count(s, s->count.stale, 1);
    if (slot->root > s->root && slot->root < slot->slot)
        s->root = slot->root;
    if (slot->slot > s->newest)
        s->newest = slot->slot;
    for (uint32_t i = 0; i < s->watch_count; i++) {
        struct watch *w = &s->watches[i];
        if (!w->on || w->need != 0)
            continue;
        /* the subscription is there since this slot, or the one that follows it, at the latest */
        w->need = s->newest + 2;
        if (w->from == 0)
            w->from = s->newest;
    }
}

static bool tell_one_slot(struct sol *s, uint64_t number, uint32_t flags)
{
    const struct tree_node *node = tree_find(&s->tree, number);
    hawse_solana_slot_t slot = {.size = sizeof(slot),
                                .commitment = HAWSE_SOLANA_PROCESSED,
                                .slot = number,
                                .parent = node->parent,
                                .root = s->root};
    if (node->late)
        flags |= HAWSE_EVENT_BACKFILLED;
    if (!tell_event(s, HAWSE_SOLANA_SLOT, HAWSE_SOLANA_STREAM_SLOTS, flags, 0, 0, &slot,
                    sizeof(slot)))
        return false;
    if (node->late && !(flags & HAWSE_EVENT_REMOVED))
        s->gaps[HAWSE_SOLANA_STREAM_SLOTS].late++;
    return true;
}

/* ---- rollback ---- */

/* Announces that slots above the ancestor are abandoned. */
static bool say_rollback(struct sol *s)
{
    uint64_t ancestor = tree_ancestor(&s->tree), from = s->tree.head;
    hawse_solana_rollback_t record = {
        .size = sizeof(record), .slots = 1, .to = s->tree.head, .ancestor = ancestor};
    const struct tree_node *node = tree_find(&s->tree, from);
    for (; node && node->parent > ancestor; node = tree_find(&s->tree, from)) {
        from = node->parent;
        record.slots++;
    }
    record.from = from;
    if (s->roll == ROLL_NONE) {
        for (uint32_t stream = 1; stream < STREAMS; stream++)
            tell_range(s, HAWSE_STREAM_EVENT_RETRACT, stream, HAWSE_REASON_REORG, from, record.to,
                       0);
        s->roll = ROLL_SAID;
    }
    if (!tell_event(s, HAWSE_SOLANA_ROLLBACK, HAWSE_SOLANA_STREAM_SLOTS, 0, 0, 0, &record,
                    sizeof(record)))
        return false;
    s->roll = ROLL_SWEEPING;
    s->sweep = s->copies.newest;
    s->roll_ancestor = ancestor;
    s->roll_target = s->tree.target;
    sol_count(s, s->count.rollbacks, 1);
    sol_count(s, s->count.depth, record.slots);
    sol_log(s, HAWSE_LOG_INFO, "rollback: %u slots abandoned, from %llu to %llu", record.slots,
            (unsigned long long)from, (unsigned long long)record.to);
    return true;
}

static uint32_t stream_of(uint16_t kind)
{
    if (kind == HAWSE_SOLANA_PROGRAM_LOG)
        return HAWSE_SOLANA_STREAM_LOGS;
    return kind == HAWSE_SOLANA_SIGNATURE ? HAWSE_SOLANA_STREAM_SIGNATURES
                                          : HAWSE_SOLANA_STREAM_ACCOUNTS;
}

static struct account_entry *entry_of(struct sol *s, const struct copy *copy)
{
    const hawse_solana_account_t *whole = (const void *)(copy + 1);
    const hawse_solana_account_part_t *part = (const void *)(copy + 1);
    const uint8_t *key = copy->kind == HAWSE_SOLANA_ACCOUNT ? whole->pubkey : part->pubkey;
    return accounts_find(&s->accounts, key, HAWSE_SOLANA_PROCESSED, true);
}

static uint64_t mark_of(const struct sol *s, const struct copy *copy)
{
    const hawse_solana_log_t *log = (const void *)(copy + 1);
    return seen_mark(s->secret, log->signature, copy->key + HAWSE_SOLANA_PROCESSED);
}

static void unlearn_signature(struct sol *s, const hawse_solana_signature_t *record)
{
    for (uint32_t i = 0; i < s->watch_count; i++) {
        struct watch *w = &s->watches[i];
        if (!w->used || w->filter.watch != HAWSE_SOLANA_WATCH_SIGNATURE ||
            w->filter.commitment != HAWSE_SOLANA_PROCESSED ||
            memcmp(w->filter.id, record->signature, 64) != 0)
            continue;
        w->done = w->on = false; /* a subscription ends with its notification */
        w->need = 0;
        link_subscribe(s, i);
    }
}

/* What was taken back may be told again when it happens on the other branch. */
static void unlearn(struct sol *s, const struct copy *copy)
{
    if (stream_of(copy->kind) == HAWSE_SOLANA_STREAM_ACCOUNTS) {
        struct account_entry *entry = entry_of(s, copy);
        if (entry)
            entry->slot = entry->content = 0;
    } else if (copy->kind == HAWSE_SOLANA_PROGRAM_LOG) {
        seen_drop(&s->seen, mark_of(s, copy), copy->slot);
    } else {
        unlearn_signature(s, (const void *)(copy + 1));
    }
}

/* Takes back the copies of abandoned slots, newest first. */
static bool sweep_copies(struct sol *s)
{
    struct copy *copy;
    while ((copy = copies_at(&s->copies, s->sweep)) != NULL) {
        bool abandoned = !copy->gone && copy->slot > s->roll_ancestor &&
                         copy->slot <= s->roll_target && !tree_on_branch(&s->tree, copy->slot);
        if (abandoned) {
            if (!tell_event(s, copy->kind, stream_of(copy->kind), HAWSE_EVENT_REMOVED, copy->key, 0,
                            copy + 1, copy->len))
                return false;
            copy->gone = true;
            unlearn(s, copy);
        }
        s->sweep = copy->prev;
    }
    s->roll = ROLL_SLOTS;
    return true;
}

/* Records of slots between a slot and its parent: they were told before their slots were, which
 * then never came. */
static bool has_strays(struct sol *s, uint64_t parent, uint64_t slot)
{
    struct copy *copy = copies_at(&s->copies, s->copies.newest);
    if (!s->tree.started || slot == parent + 1)
        return false;
    for (; copy; copy = copies_at(&s->copies, copy->prev)) { /* late ones are not in order */
        if (!copy->gone && copy->slot > parent && copy->slot < slot)
            return true;
    }
    return false;
}

static bool say_strays(struct sol *s, uint64_t parent, uint64_t slot)
{
    hawse_solana_rollback_t record = {
        .size = sizeof(record), .from = parent + 1, .to = slot - 1, .ancestor = parent};
    if (s->roll == ROLL_NONE) {
        for (uint32_t stream = HAWSE_SOLANA_STREAM_ACCOUNTS; stream < STREAMS; stream++)
            tell_range(s, HAWSE_STREAM_EVENT_RETRACT, stream, HAWSE_REASON_REORG, parent + 1,
                       slot - 1, 0);
        s->roll = ROLL_SAID;
    }
    if (!tell_event(s, HAWSE_SOLANA_ROLLBACK, HAWSE_SOLANA_STREAM_SLOTS, 0, 0, 0, &record,
                    sizeof(record)))
        return false;
    s->roll = ROLL_SWEEPING;
    s->sweep = s->copies.newest;
    s->roll_ancestor = parent;
    s->roll_target = slot - 1;
    sol_count(s, s->count.rollbacks, 1);
    return true;
}

/* ---- a branch that comes back ---- */

/* False: it, or something newer, was told meanwhile in another way. An outcome is asked for anew as
 * soon as it is taken back, and a large account, whose data are not kept, with the next audit. */
static bool is_wanted_again(struct sol *s, const struct copy *copy)
{
    if (copy->kind == HAWSE_SOLANA_ACCOUNT) {
        const struct account_entry *entry = entry_of(s, copy);
        return entry && (entry->content == 0 || entry->slot <= copy->slot);
    }
    return copy->kind == HAWSE_SOLANA_PROGRAM_LOG &&
           !seen_has(&s->seen, mark_of(s, copy), copy->slot);
}

/* Known again as it was before it was taken back. */
static void relearn(struct sol *s, const struct copy *copy)
{
    if (copy->kind == HAWSE_SOLANA_PROGRAM_LOG) {
        seen_add(&s->seen, mark_of(s, copy), copy->slot);
        return;
    }
    struct account_entry *entry = entry_of(s, copy);
    entry->slot = copy->slot;
    entry->content = copy->content;
}

/* The records of a slot that is told again, oldest first. False: no room. */
static bool retell(struct sol *s)
{
    uint64_t places[RETELL_MAX]; /* the oldest ones, newest first */
    uint32_t found;
    do {
        found = 0;
        struct copy *copy;
        for (uint64_t at = s->copies.newest; (copy = copies_at(&s->copies, at)) != NULL;
             at = copy->prev) {
            if (copy->gone && copy->slot == s->retell)
                places[found++ % RETELL_MAX] = at;
        }
        for (uint32_t n = 0; n < found && n < RETELL_MAX; n++) {
            copy = copies_at(&s->copies, places[(found - 1 - n) % RETELL_MAX]);
            if (!is_wanted_again(s, copy)) {
                copy->slot = 0; /* never again */
                continue;
            }
            if (!tell_event(s, copy->kind, stream_of(copy->kind), 0, copy->key, 0, copy + 1,
                            copy->len))
                return false;
            copy->gone = false;
            relearn(s, copy);
        }
    } while (found > RETELL_MAX);
    s->retell = 0;
    return true;
}

/* The other branch has its own states and transactions: processed watches are compared again, logs
 * from where the branches part. */
static void end_rollback(struct sol *s)
{
    s->roll = ROLL_NONE;
    for (uint32_t i = 0; i < s->watch_count; i++) {
        struct watch *w = &s->watches[i];
        if (!w->used || w->filter.commitment != HAWSE_SOLANA_PROCESSED)
            continue;
        if (s->fill.on && s->fill.watch == i)
            audit_cancel(s); /* it would count as judged what was just taken back */
        if (w->judged > s->roll_ancestor)
            w->judged = s->roll_ancestor;
        audit_soon(s, w, s->tree.target);
    }
}

/* ---- the pump ---- */

/* The way from the told slots to the newest one cannot be had. */
static void start_afresh(struct sol *s)
{
    gap_open(s, HAWSE_SOLANA_STREAM_SLOTS, HAWSE_REASON_MISSING, s->tree.head + 1);
    s->gaps[HAWSE_SOLANA_STREAM_SLOTS].lost = true;
    sol_log(s, HAWSE_LOG_WARN,
            "the slots between %llu and %llu cannot be had: readers start afresh",
            (unsigned long long)s->tree.head, (unsigned long long)s->tree.target);
    tree_forget(&s->tree);
    s->hole_ns = 0;
    s->block_tries = 0;
}

static bool take_back(struct sol *s, uint64_t slot)
{
    if (s->roll < ROLL_SWEEPING && !say_rollback(s))
        return false;
    if (s->roll == ROLL_SWEEPING && !sweep_copies(s))
        return false;
    if (!tell_one_slot(s, slot, HAWSE_EVENT_REMOVED))
        return false;
    tree_untell(&s->tree);
    return true;
}

static bool go_on(struct sol *s, uint64_t slot)
{
    uint64_t parent = tree_find(&s->tree, slot)->parent;
    if (s->roll < ROLL_SWEEPING && has_strays(s, parent, slot) && !say_strays(s, parent, slot))
        return false;
    if (s->roll == ROLL_SWEEPING && !sweep_copies(s))
        return false;
    if (s->roll != ROLL_NONE)
        end_rollback(s);
    if (!tell_one_slot(s, slot, 0))
        return false;
    if (tree_find(&s->tree, slot)->again)
        s->retell = slot;
    if (s->tree.started)
        tree_tell(&s->tree, slot);
    else
        tree_start(&s->tree, slot);
    return true;
}

bool tell_pump(struct sol *s)
{
    uint64_t slot = 0;
    if (!tell_flush(s))
        return false;
    for (;;) {
        if (s->retell != 0 && !retell(s))
            return false;
        enum tree_step step = tree_plan(&s->tree, &slot);
        if (step == TREE_BROKEN || (step == TREE_MISSING && s->block_tries > 60)) {
            start_afresh(s);
            continue;
        }
        if (step == TREE_MISSING) {
            if (s->hole_ns == 0)
                s->hole_ns = sol_now(s);
            gap_try_heal(s); /* the other sequences do not wait for slots */
            return true;
        }
        s->hole_ns = 0;
        s->block_tries = 0;
        if (step == TREE_REST) {
            if (s->roll != ROLL_NONE)
                end_rollback(s);
            say_final(s);
            gap_try_heal(s);
            return true;
        }
        if (!(step == TREE_UNTELL ? take_back(s, slot) : go_on(s, slot)))
            return false;
    }
}
