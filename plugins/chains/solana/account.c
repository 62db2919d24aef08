/*
 * Telling states of accounts: what is news, whole records, and large accounts in parts. A state is
 * remembered as told when its last part was published; one that finds no room in the middle goes on
 * there when it comes again.
 */
#include "plugin.h"

#include <hawse/base58.h>
#include <hawse/base64.h>
#include <hawse/siphash.h>
#include <string.h>

_Static_assert(HAWSE_SOLANA_WHOLE_MAX % 3 == 0, "a part is a whole number of base64's groups");
_Static_assert(HAWSE_SOLANA_WHOLE_MAX + sizeof(hawse_solana_account_part_t) <= RECORD_MAX,
               "a part fits an event");

/* Under a key of this instance: an account made to look unchanged would be lost. */
uint64_t account_hash(const struct sol *s, const struct wire_account *account)
{
    const hawse_solana_account_t *r = &account->record;
    uint64_t head[8] = {r->lamports, r->rent_epoch, r->executable, 0};
    memcpy(head + 3, r->owner, 32);
    if (r->data_len > 0)
        head[7] = hawse_siphash(s->secret, account->data.data, account->data.len);
    uint64_t hash = hawse_siphash(s->secret, (const uint8_t *)head, sizeof(head));
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

/* ---- does it match? ---- */

/* `len` bytes of the data from `offset` on are these. Only the base64 around them is decoded. */
static bool has_bytes(const struct wire_account *a, const hawse_solana_memcmp_t *m)
{
    uint8_t bytes[3 * (sizeof(m->bytes) / 3 + 2)];
    if (m->offset > a->record.data_len || m->len > a->record.data_len - m->offset)
        return false;
    uint64_t first = m->offset / 3, groups = (m->offset + m->len + 2) / 3 - first;
    return hawse_base64_decode(a->data.data + 4 * first, 4 * groups, bytes) == HAWSE_OK &&
           memcmp(bytes + m->offset % 3, m->bytes, m->len) == 0;
}

bool account_matches(const struct watch *w, const struct wire_account *a)
{
    if (a->record.lamports == 0 || memcmp(a->record.owner, w->filter.id, 32) != 0 ||
        (w->filter.data_size > 0 && w->filter.data_size != a->record.data_len))
        return false;
    for (uint32_t i = 0; i < w->filter.memcmp_count; i++) {
        if (!has_bytes(a, &w->memcmp[i]))
            return false;
    }
    return true;
}

bool account_wanted(struct sol *s, const struct watch *w, struct wire_account *a)
{
    a->record.left = !account_matches(w, a);
    return !a->record.left ||
           accounts_find(&s->accounts, a->record.pubkey, w->filter.commitment, false) != NULL;
}

/* ---- telling ---- */

/* As dispatch: 1 told, 0 no room, or an error. */
static int32_t tell_whole(struct sol *s, struct wire_account *account, uint64_t hash,
                          uint32_t flags, uint64_t t_recv_ns)
{
    hawse_solana_account_t *r = &account->record;
    uint64_t len = sizeof(*r) + r->data_len, key = hawse_key(r->pubkey, 32);
    uint8_t *at = s->sub->reserve(s->host, s->self, len);
    if (!at)
        return 0;
    memcpy(at, r, sizeof(*r));
    if (wire_account_data(account, at + sizeof(*r)) != HAWSE_OK)
        return HAWSE_E_FORMAT;
    if (!tell_event(s, HAWSE_SOLANA_ACCOUNT, HAWSE_SOLANA_STREAM_ACCOUNTS, flags, key, t_recv_ns,
                    at, len))
        return 0;
    if (r->commitment == HAWSE_SOLANA_PROCESSED)
        tell_copy(s, HAWSE_SOLANA_ACCOUNT, r->slot, key, hash, at, len);
    return 1;
}

static hawse_solana_account_part_t part_of(const hawse_solana_account_t *r)
{
    hawse_solana_account_part_t part = {.size = sizeof(part),
                                        .commitment = r->commitment,
                                        .slot = r->slot,
                                        .lamports = r->lamports,
                                        .rent_epoch = r->rent_epoch,
                                        .executable = r->executable,
                                        .left = r->left,
                                        .total_len = r->data_len,
                                        .data_offset = sizeof(part)};
    memcpy(part.pubkey, r->pubkey, 32);
    memcpy(part.owner, r->owner, 32);
    return part;
}

/* One part, of as many bytes as `part` says. */
static int32_t tell_part(struct sol *s, const struct wire_account *account,
                         const hawse_solana_account_part_t *part, uint32_t flags,
                         uint64_t t_recv_ns)
{
    const hawse_json_value_t *data = &account->data;
    uint64_t from = part->part_offset / 3 * 4, digits = HAWSE_BASE64_DIGITS(part->part_len);
    uint64_t len = sizeof(*part) + part->part_len;
    uint8_t *at = s->sub->reserve(s->host, s->self, len);
    if (!at)
        return 0;
    memcpy(at, part, sizeof(*part));
    if (digits > 0 &&
        hawse_base64_decode(data->data + from, digits, at + sizeof(*part)) != HAWSE_OK)
        return HAWSE_E_FORMAT;
    return tell_event(s, HAWSE_SOLANA_ACCOUNT_PART, HAWSE_SOLANA_STREAM_ACCOUNTS, flags,
                      hawse_key(part->pubkey, 32), t_recv_ns, at, len);
}

static void say_withheld(struct sol *s, const hawse_solana_account_t *r)
{
    char key[HAWSE_BASE58_KEY_TEXT];
    (void)hawse_base58_from_key(r->pubkey, key);
    sol_count(s, s->count.withheld, 1);
    sol_complain(s,
                 "account %s has %llu bytes, settings.max_account_bytes is %u: its data are not "
                 "told; raise it if they are wanted",
                 key, (unsigned long long)r->data_len, s->set.max_account_bytes);
}

static int32_t tell_parts(struct sol *s, const struct wire_account *account, uint64_t hash,
                          uint32_t flags, uint64_t t_recv_ns)
{
    const hawse_solana_account_t *r = &account->record;
    hawse_solana_account_part_t part = part_of(r);
    struct large *large = &s->large;
    int32_t code = 1;
    if (large->slot != r->slot || large->content != hash ||
        memcmp(large->key, r->pubkey, 32) != 0 || large->commitment != r->commitment) {
        *large = (struct large){.slot = r->slot, .content = hash, .commitment = r->commitment};
        memcpy(large->key, r->pubkey, 32);
    }
    if (r->data_len > s->set.max_account_bytes) {
        code = tell_part(s, account, &part, flags, t_recv_ns);
        if (code == 1)
            say_withheld(s, r);
        large->told = r->data_len;
    }
    while (code == 1 && large->told < r->data_len) {
        uint64_t rest = r->data_len - large->told;
        part.part_offset = large->told;
        part.part_len = rest < HAWSE_SOLANA_WHOLE_MAX ? (uint32_t)rest : HAWSE_SOLANA_WHOLE_MAX;
        code = tell_part(s, account, &part, flags, t_recv_ns);
        if (code == 1)
            large->told += part.part_len;
    }
    if (code == 0)
        return 0;
    memset(large, 0, sizeof(*large));
    if (code == 1 && r->commitment == HAWSE_SOLANA_PROCESSED) {
        part.part_offset = part.part_len = 0; /* what is taken back is the state, not its bytes */
        tell_copy(s, HAWSE_SOLANA_ACCOUNT_PART, r->slot, hawse_key(r->pubkey, 32), hash,
                  (const uint8_t *)&part, sizeof(part));
    }
    return code;
}

static void remember(struct account_entry *entry, const struct sol *s, const struct watch *w,
                     const hawse_solana_account_t *r, uint64_t hash)
{
    entry->slot = r->slot;
    entry->content = hash;
    entry->len = (uint32_t)(r->data_len < UINT32_MAX ? r->data_len : UINT32_MAX);
    if (w->filter.watch != HAWSE_SOLANA_WATCH_PROGRAM)
        entry->own = true;
    else
        entry->watch = r->left ? UINT32_MAX : (uint32_t)(w - s->watches);
}

bool tell_account(struct sol *s, struct watch *w, struct wire_account *account, uint32_t flags,
                  uint64_t t_recv_ns)
{
    hawse_solana_account_t *r = &account->record;
    uint64_t hash = account_hash(s, account);
    r->commitment = w->filter.commitment;
    struct account_entry *entry = accounts_find(&s->accounts, r->pubkey, r->commitment, true);
    if (!entry)
        sol_complain(s, "more accounts than settings.max_accounts: some may be told twice");
    if (tell_is_past(s, w, r->slot, flags) || !is_news(s, w, entry, r->slot, hash, flags))
        return true;
    int32_t code = r->data_len <= HAWSE_SOLANA_WHOLE_MAX
                       ? tell_whole(s, account, hash, flags, t_recv_ns)
                       : tell_parts(s, account, hash, flags, t_recv_ns);
    if (code == 0)
        return false;
    if (code < 0) {
        sol_count(s, s->count.malformed, 1);
        return true;
    }
    if (entry)
        remember(entry, s, w, r, hash);
    if (r->left)
        s->accounts.loose++;
    sol_count(s, s->count.accounts, 1);
    return true;
}
