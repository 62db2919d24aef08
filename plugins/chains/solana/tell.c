/*
 * Publishing: records, continuity, slots in order, and rollbacks. Whatever finds no room is tried
 * again from the beginning, so nothing is remembered as told before it was published. Continuity
 * events wait in a queue of their own, which goes before everything else.
 */
#include "plugin.h"

#include <hawse/keccak.h>
#include <string.h>

/* ---- one event ---- */

bool tell_flush(struct sol *s)
{
    while (s->say_count > 0) {
        const struct say *say = &s->says[s->say_first];
        hawse_stream_range_t range = {.size = sizeof(range),
                                      .reason = say->reason,
                                      .from = say->from,
                                      .to = say->to,
                                      .count = say->count};
        hawse_event_t event = {.size = sizeof(event),
                               .space = HAWSE_SPACE_STREAM,
                               .kind = say->kind,
                               .stream = say->stream,
                               .epoch = say->epoch,
                               .data = (const uint8_t *)&range,
                               .len = sizeof(range)};
        if (s->sub->publish(s->host, s->self, &event) == HAWSE_E_AGAIN)
            return false;
        s->say_first = (s->say_first + 1) % SAYS_MAX;
        s->say_count--;
    }
    return true;
}

void tell_range(struct sol *s, uint16_t kind, uint32_t stream, uint32_t reason, uint64_t from,
                uint64_t to, uint64_t count)
{
    if (s->say_count == SAYS_MAX && !tell_flush(s)) {
        sol_complain(s, "readers take nothing: a continuity event is lost");
        return;
    }
    s->says[(s->say_first + s->say_count++) % SAYS_MAX] =
        (struct say){kind, stream, reason, s->epochs[stream], from, to, count};
    (void)tell_flush(s);
}

bool tell_event(struct sol *s, uint16_t kind, uint32_t stream, uint32_t flags, uint64_t key,
                uint64_t t_recv_ns, const void *record, uint64_t len)
{
    hawse_event_t event = {.size = sizeof(event),
                           .space = HAWSE_SPACE_SOLANA,
                           .kind = kind,
                           .stream = stream,
                           .epoch = s->epochs[stream],
                           .flags = flags,
                           .t_recv_ns = t_recv_ns,
                           .key = key,
                           .data = record,
                           .len = len};
    if (!tell_flush(s))
        return false;
    return s->sub->publish(s->host, s->self, &event) != HAWSE_E_AGAIN;
}

/* ---- gaps ---- */

void gap_open(struct sol *s, uint32_t stream, uint32_t reason, uint64_t from)
{
    struct gap *gap = &s->gaps[stream];
    if (gap->open || !s->live[stream])
        return;
    *gap = (struct gap){.open = true, .reason = reason, .from = from};
    s->epochs[stream]++;
    tell_range(s, HAWSE_STREAM_EVENT_GAP, stream, reason, from, HAWSE_POSITION_OPEN, 0);
    (void)s->streams->channel_state(s->host, s->self, s->channels[stream], HAWSE_CHANNEL_GAP);
}

/* Is there something about this watch that is not proved? */
static bool is_open(const struct watch *w)
{
    return w->used && !w->refused && !w->done && (!w->on || w->dirty || w->call != 0);
}

/* Is everything of this sequence proved or filled? */
static bool is_whole(const struct sol *s, uint32_t stream)
{
    uint64_t slot;
    if (s->phase == PHASE_DOWN || !s->slot_came) /* the tree is at rest while nothing comes */
        return false;
    if (stream == HAWSE_SOLANA_STREAM_SLOTS)
        return s->slot_on && s->tree.started && tree_plan(&s->tree, &slot) == TREE_REST;
    if (s->fill.on && stream == HAWSE_SOLANA_STREAM_LOGS)
        return false;
    /* what stands of processed records is only known when the way to the newest slot is */
    bool settled = s->tree.started && tree_plan(&s->tree, &slot) == TREE_REST;
    for (uint32_t i = 0; i < s->watch_count; i++) {
        const struct watch *w = &s->watches[i];
        bool waits = w->used && w->filter.commitment == HAWSE_SOLANA_PROCESSED && !settled;
        if (watch_stream(w) == stream && (waits || is_open(w)))
            return false;
    }
    return true;
}

static void heal(struct sol *s, uint32_t stream)
{
    struct gap *gap = &s->gaps[stream];
    uint64_t to = stream == HAWSE_SOLANA_STREAM_SLOTS ? s->tree.head : s->newest;
    if (!s->live[stream]) {
        s->live[stream] = true;
        tell_range(s, HAWSE_STREAM_EVENT_LIVE, stream, HAWSE_REASON_START, to, to, 0);
    }
    if (gap->open) {
        uint16_t kind = gap->lost ? HAWSE_STREAM_EVENT_UNHEALABLE : HAWSE_STREAM_EVENT_HEALED;
        tell_range(s, kind, stream, gap->reason, gap->from, to > gap->from ? to : gap->from,
                   gap->late);
        gap->open = false;
    }
    (void)s->streams->channel_state(s->host, s->self, s->channels[stream], HAWSE_CHANNEL_LIVE);
}

void gap_try_heal(struct sol *s)
{
    bool all = true;
    for (uint32_t stream = 1; stream < STREAMS; stream++) {
        if ((s->gaps[stream].open || !s->live[stream]) && is_whole(s, stream))
            heal(s, stream);
        all = all && s->live[stream] && !s->gaps[stream].open;
    }
    if (s->phase == PHASE_JOINING && all)
        s->phase = PHASE_LIVE;
}

/* ---- accounts ---- */

/* A hash that nobody can aim at: an account whose new content looks like the old one would be lost.
 */
uint64_t account_hash(const struct wire_account *account)
{
    const hawse_solana_account_t *r = &account->record;
    uint8_t digest[32];
    uint64_t hash;
    hawse_keccak_t k;
    hawse_keccak_init(&k);
    hawse_keccak_update(&k, (const uint8_t *)&r->lamports, sizeof(r->lamports));
    hawse_keccak_update(&k, (const uint8_t *)&r->rent_epoch, sizeof(r->rent_epoch));
    hawse_keccak_update(&k, (const uint8_t *)&r->executable, sizeof(r->executable));
    hawse_keccak_update(&k, r->owner, sizeof(r->owner));
    hawse_keccak_update(&k, account->data.data, r->data_len > 0 ? account->data.len : 0);
    hawse_keccak_final(&k, digest);
    memcpy(&hash, digest, sizeof(hash));
    return hash ? hash : 1;
}

/* Is this news, after what was told last? */
static bool is_news(struct sol *s, struct watch *w, const struct account_entry *entry,
                    uint64_t slot, uint64_t hash, uint32_t flags)
{
    if (!entry || entry->content == 0)
        return true;
    if (slot < entry->slot) {
        sol_count(s, s->count.stale, 1);
        return false;
    }
    if (entry->content == hash && (slot == entry->slot || flags & HAWSE_EVENT_BACKFILLED)) {
        if (!(flags & HAWSE_EVENT_BACKFILLED))
            sol_count(s, s->count.duplicates, 1);
        return false;
    }
    if (slot == entry->slot) /* two states of one slot: which came last is worth a question */
        audit_soon(s, w, slot);
    return true;
}

/* A processed record of a slot that left the chain before it came: nobody needs to hear of it. */
static bool is_past(struct sol *s, const struct watch *w, uint64_t slot, uint32_t flags)
{
    if (w->filter.commitment != HAWSE_SOLANA_PROCESSED || flags & HAWSE_EVENT_BACKFILLED ||
        !tree_abandoned(&s->tree, slot))
        return false;
    sol_count(s, s->count.stale, 1);
    return true;
}

bool tell_account(struct sol *s, struct watch *w, struct wire_account *account, uint32_t flags,
                  uint64_t t_recv_ns)
{
    hawse_solana_account_t *r = &account->record;
    uint64_t len = sizeof(*r) + r->data_len, hash = account_hash(account);
    r->commitment = w->filter.commitment;
    struct account_entry *entry = accounts_find(&s->accounts, r->pubkey, r->commitment, true);
    if (!entry)
        sol_complain(s, "more accounts than settings.max_accounts: some may be told twice");
    if (is_past(s, w, r->slot, flags) || !is_news(s, w, entry, r->slot, hash, flags))
        return true;
    if (len > RECORD_MAX) {
        sol_complain(s, "an account of %llu bytes is more than an event can carry: left out",
                     (unsigned long long)r->data_len);
        return true;
    }
    uint8_t *at = s->sub->reserve(s->host, s->self, len);
    if (!at)
        return false;
    memcpy(at, r, sizeof(*r));
    if (wire_account_data(account, at + sizeof(*r)) != HAWSE_OK) {
        sol_count(s, s->count.malformed, 1);
        return true;
    }
    uint64_t key = hawse_key(r->pubkey, 32);
    if (!tell_event(s, HAWSE_SOLANA_ACCOUNT, HAWSE_SOLANA_STREAM_ACCOUNTS, flags, key, t_recv_ns,
                    at, len))
        return false;
    if (r->commitment == HAWSE_SOLANA_PROCESSED)
        copies_add(&s->copies, HAWSE_SOLANA_ACCOUNT, r->slot, key, at, len);
    if (entry) {
        entry->slot = r->slot;
        entry->content = hash;
        if (w->filter.watch == HAWSE_SOLANA_WATCH_PROGRAM)
            entry->watch = (uint32_t)(w - s->watches);
    }
    sol_count(s, s->count.accounts, 1);
    return true;
}

/* ---- logs and signatures ---- */

bool tell_logs(struct sol *s, const hawse_json_t *doc, struct watch *w, struct wire_logs *logs,
               uint32_t flags, uint64_t t_recv_ns)
{
    hawse_solana_log_t *r = &logs->record;
    uint64_t len = sizeof(*r) + r->lines_len, mark = seen_mark(r->signature, watch_salt(w));
    /* on another fork the same transaction is another event; the older one is taken back */
    bool forks =
        w->filter.commitment == HAWSE_SOLANA_PROCESSED && !(flags & HAWSE_EVENT_BACKFILLED);
    if (is_past(s, w, r->slot, flags))
        return true;
    if (seen_has(&s->seen, mark, forks ? r->slot : 0)) {
        sol_count(s, s->count.duplicates, 1);
        return true;
    }
    r->commitment = w->filter.commitment;
    if (len > RECORD_MAX) {
        sol_complain(s, "logs of %u bytes are more than an event can carry: left out",
                     r->lines_len);
        return true;
    }
    uint8_t *at = s->sub->reserve(s->host, s->self, len);
    if (!at)
        return false;
    memcpy(at, r, sizeof(*r));
    if (wire_lines(doc, logs, at + sizeof(*r)) != HAWSE_OK) {
        sol_count(s, s->count.malformed, 1);
        return true;
    }
    uint64_t key = hawse_key(w->filter.id, 32);
    if (!tell_event(s, HAWSE_SOLANA_PROGRAM_LOG, HAWSE_SOLANA_STREAM_LOGS, flags, key, t_recv_ns,
                    at, len))
        return false;
    seen_add(&s->seen, mark, r->slot);
    if (r->commitment == HAWSE_SOLANA_PROCESSED)
        copies_add(&s->copies, HAWSE_SOLANA_PROGRAM_LOG, r->slot, key, at, len);
    sol_count(s, s->count.logs, 1);
    return true;
}

bool tell_status(struct sol *s, struct watch *w, const struct wire_status *status, uint32_t flags,
                 uint64_t t_recv_ns)
{
    hawse_solana_signature_t r = {.size = sizeof(r),
                                  .commitment = w->filter.commitment,
                                  .slot = status->slot,
                                  .failed = status->failed,
                                  .error_len = (uint32_t)status->error.len};
    uint64_t len = sizeof(r) + r.error_len, key = hawse_key(w->filter.id, 64);
    if (w->done)
        return true;
    memcpy(r.signature, w->filter.id, 64);
    uint8_t *at = len > RECORD_MAX ? NULL : s->sub->reserve(s->host, s->self, len);
    if (!at)
        return false;
    memcpy(at, &r, sizeof(r));
    if (r.error_len > 0)
        memcpy(at + sizeof(r), status->error.data, r.error_len);
    if (!tell_event(s, HAWSE_SOLANA_SIGNATURE, HAWSE_SOLANA_STREAM_SIGNATURES, flags, key,
                    t_recv_ns, at, len))
        return false;
    if (r.commitment == HAWSE_SOLANA_PROCESSED)
        copies_add(&s->copies, HAWSE_SOLANA_SIGNATURE, r.slot, key, at, len);
    w->done = true;
    w->dirty = false;
    sol_count(s, s->count.signatures, 1);
    return true;
}

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
    const void *record = copy + 1;
    if (copy->kind == HAWSE_SOLANA_ACCOUNT) {
        const hawse_solana_account_t *a = record;
        struct account_entry *entry =
            accounts_find(&s->accounts, a->pubkey, HAWSE_SOLANA_PROCESSED, false);
        if (entry)
            entry->slot = entry->content = 0;
    } else if (copy->kind == HAWSE_SOLANA_PROGRAM_LOG) {
        const hawse_solana_log_t *log = record;
        seen_drop(&s->seen, seen_mark(log->signature, copy->key + HAWSE_SOLANA_PROCESSED),
                  copy->slot);
    } else {
        unlearn_signature(s, record);
    }
}

static uint32_t stream_of(uint16_t kind)
{
    return kind == HAWSE_SOLANA_ACCOUNT       ? HAWSE_SOLANA_STREAM_ACCOUNTS
           : kind == HAWSE_SOLANA_PROGRAM_LOG ? HAWSE_SOLANA_STREAM_LOGS
                                              : HAWSE_SOLANA_STREAM_SIGNATURES;
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
