/* The queue of one member; see inbox.h. Allocates at set-up, and once when conflation is first
 * used. */
#include "bus/inbox.h"

#include <stdlib.h>
#include <string.h>

#include <hawse/service/sub.h>

/* All of it zero. */
static void forget(struct inbox *inbox)
{
    inbox->entries = NULL;
    inbox->latest = NULL;
    inbox->cap = inbox->live = inbox->loss_count = 0;
    inbox->full_since = 0;
    memset(inbox->losses, 0, sizeof(inbox->losses));
    inbox_count(&inbox->first, 0);
    inbox_count(&inbox->next, 0);
    inbox_count(&inbox->dropped, 0);
}

int32_t inbox_init(struct inbox *inbox, uint32_t cap)
{
    forget(inbox);
    inbox->entries = calloc(cap, sizeof(inbox->entries[0]));
    if (!inbox->entries)
        return HAWSE_E_NOMEM;
    inbox->cap = cap;
    return HAWSE_OK;
}

static void drop_entry(struct inbox_entry *entry)
{
    if (entry->owned)
        free((void *)(uintptr_t)entry->event);
    entry->event = NULL;
    entry->owned = 0;
}

void inbox_clear(struct inbox *inbox)
{
    for (; inbox->first < inbox->next; inbox_count(&inbox->first, inbox->first + 1))
        drop_entry(inbox_at(inbox, inbox->first));
    inbox->live = 0;
    inbox->loss_count = 0;
    inbox->full_since = 0;
}

void inbox_finish(struct inbox *inbox)
{
    if (inbox->entries)
        inbox_clear(inbox);
    free(inbox->entries);
    free(inbox->latest);
    forget(inbox);
}

static void merge_loss(struct inbox_loss *loss, const struct inbox_loss *more)
{
    loss->from_seq = more->from_seq < loss->from_seq ? more->from_seq : loss->from_seq;
    loss->to_seq = more->to_seq > loss->to_seq ? more->to_seq : loss->to_seq;
    loss->epoch = more->epoch;
    loss->count += more->count;
}

void inbox_note_loss(struct inbox *inbox, const struct inbox_loss *more)
{
    for (uint32_t i = 0; i < inbox->loss_count; i++) {
        struct inbox_loss *loss = &inbox->losses[i];
        bool adjoins = loss->after == more->after || loss->to_seq + 1 == more->from_seq;
        if (loss->source == more->source && loss->stream == more->stream && adjoins) {
            merge_loss(loss, more);
            return;
        }
    }
    if (inbox->loss_count == INBOX_LOSSES) /* too many sequences: widen the last one announced */
        merge_loss(&inbox->losses[INBOX_LOSSES - 1], more);
    else
        inbox->losses[inbox->loss_count++] = *more;
}

void inbox_lose(struct inbox *inbox, const hawse_event_t *event, uint64_t before)
{
    struct inbox_loss loss = {.source = event->source,
                              .stream = event->stream,
                              .epoch = event->epoch,
                              .from_seq = event->seq,
                              .to_seq = event->seq,
                              .count = 1,
                              .after = before};
    inbox_count(&inbox->dropped, inbox->dropped + 1);
    inbox_note_loss(inbox, &loss);
}

/* Moves the live entries together so that conflated ones no longer take room. */
static void compact(struct inbox *inbox)
{
    uint64_t to = inbox->next;
    for (uint64_t from = inbox->next; from-- > inbox->first;) {
        struct inbox_entry *entry = inbox_at(inbox, from);
        if (!entry->event)
            continue;
        *inbox_at(inbox, --to) = *entry;
        if (entry->policy == HAWSE_POLICY_LATEST)
            inbox_latest_set(inbox, entry->slot, to);
    }
    inbox_count(&inbox->first, to);
}

bool inbox_make_room(struct inbox *inbox)
{
    if (inbox->live < inbox_depth(inbox)) {
        compact(inbox);
        return true;
    }
    for (uint64_t i = inbox->first; i < inbox->next; i++) {
        struct inbox_entry *entry = inbox_at(inbox, i);
        if (entry->policy == HAWSE_POLICY_LOSSLESS)
            continue;
        inbox_lose(inbox, entry->event, i);
        drop_entry(entry);
        inbox->live--;
        compact(inbox);
        return true;
    }
    return false;
}

int32_t inbox_conflate(struct inbox *inbox, uint64_t slot)
{
    if (!inbox->latest) {
        inbox->latest = calloc((size_t)inbox->cap * 2, sizeof(inbox->latest[0]));
        if (!inbox->latest)
            return HAWSE_E_NOMEM;
        return HAWSE_OK;
    }
    uint64_t number = inbox->latest[slot & (inbox->cap * 2u - 1)];
    if (number == 0 || number - 1 < inbox->first || number - 1 >= inbox->next)
        return HAWSE_OK;
    struct inbox_entry *entry = inbox_at(inbox, number - 1);
    if (!entry->event || entry->slot != slot)
        return HAWSE_OK; /* another slot took its place in the table: both stay queued */
    drop_entry(entry);
    inbox->live--;
    inbox_count(&inbox->dropped, inbox->dropped + 1);
    return HAWSE_OK;
}

void inbox_latest_set(struct inbox *inbox, uint64_t slot, uint64_t number)
{
    if (inbox->latest)
        inbox->latest[slot & (inbox->cap * 2u - 1)] = number + 1;
}

void inbox_take(struct inbox *inbox, uint32_t n)
{
    if (n > 0) /* asked again and again and taking nothing does not make it patient for ever */
        inbox->full_since = 0;
    while (inbox->first < inbox->next) {
        struct inbox_entry *entry = inbox_at(inbox, inbox->first);
        if (entry->event) {
            if (n == 0)
                break;
            n--;
            drop_entry(entry);
            inbox->live--;
        }
        inbox_count(&inbox->first, inbox->first + 1);
    }
}
