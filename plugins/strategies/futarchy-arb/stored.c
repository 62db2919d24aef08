/*
 * What outlives a restart; see arb.h and keep.h. The control's state and what sequences left are
 * kept by the host under one key, each time that they changed: before the next decision, and before
 * a verb that changed them is answered; a trade under another, before it is proposed. Nothing is
 * decided before the host has told what it kept; what cannot be read takes bundles out of use, for
 * it may have said so.
 */
#include "arb.h"
#include "keep.h"

#include <string.h>

#define KEY       "control"
#define TRADE_KEY "trade"

_Static_assert((int)KEEP_TOKENS == (int)MARKET_TOKENS, "one amount for each token");

static void gather(const struct arb *a, struct keep *k)
{
    memset(k, 0, sizeof(*k));
    k->control = a->control;
    memcpy(k->left, a->stranded, sizeof(k->left));
    k->run = a->ended.run;
    k->number = a->ended.number;
}

void stored_open(struct arb *a)
{
    a->store = a->host->query(a->host, a->self, HAWSE_STORE_ID);
    if (!a->store)
        return;
    int32_t code = a->store->open(a->host, a->self);
    a->stored_waits = code == HAWSE_OK;
    if (code == HAWSE_OK)
        return;
    a->store = NULL;
    if (code != HAWSE_E_UNSUPPORTED)
        say(a, HAWSE_LOG_ERROR, "what is known of trades does not outlive a restart: %d", code);
}

void stored_save(struct arb *a)
{
    uint8_t bytes[KEEP_MAX];
    struct keep k;
    if (!a->store || a->stored_waits ||
        (memcmp(&a->stored_control, &a->control, sizeof(a->control)) == 0 &&
         memcmp(a->stored_left, a->stranded, sizeof(a->stored_left)) == 0 &&
         memcmp(&a->stored_ended, &a->ended, sizeof(a->ended)) == 0))
        return;
    gather(a, &k);
    const hawse_view_t value = {bytes, keep_write(&k, bytes)};
    int32_t code = a->store->put(a->host, a->self, hawse_text(KEY), value);
    if (code != HAWSE_OK) {
        complain(a, "what is known of trades was not kept: %d", code);
        return; /* tried again at the next event */
    }
    memcpy(&a->stored_control, &a->control, sizeof(a->control));
    memcpy(a->stored_left, a->stranded, sizeof(a->stored_left));
    a->stored_ended = a->ended;
}

bool stored_trade(struct arb *a)
{
    const struct trade *t = &a->trade;
    struct keep_trade k = {.run = a->run,
                           .number = t->number,
                           .block = t->block,
                           .way = (uint32_t)t->flow.way,
                           .order = t->order,
                           .gain = t->flow.gain,
                           .orders = a->control.orders + is_cycle(&t->flow),
                           .last_ns = a->control.last_ns,
                           .fell_back = a->control.fall_back};
    uint8_t bytes[KEEP_TRADE_MAX];
    if (!a->store)
        return true;
    const hawse_view_t value = {bytes, keep_trade_write(&k, bytes)};
    int32_t code = a->store->put(a->host, a->self, hawse_text(TRADE_KEY), value);
    if (code != HAWSE_OK)
        complain(a, "a trade could not be kept, and is not begun: %d", code);
    return code == HAWSE_OK;
}

void stored_begun(struct arb *a)
{
    a->stored_control.orders = a->control.orders;
    a->stored_control.last_ns = a->control.last_ns;
    a->stored_control.fall_back = a->control.fall_back;
}

static void take_back(struct arb *a, const uint8_t *data, uint64_t len)
{
    struct keep k;
    enum control_reason now = a->control.rolled_back; /* found out meanwhile, it holds */
    if (keep_read(data, len, &k) != HAWSE_OK) {
        say_notices(a, control_roll_back(&a->control, REASON_STATE));
        return;
    }
    a->control = k.control;
    memcpy(a->stranded, k.left, sizeof(k.left));
    a->ended.run = k.run;
    a->ended.number = k.number;
    if (a->control.rolled_back == REASON_NONE)
        a->control.rolled_back = now;
    uint32_t notices = (a->control.open ? NOTICE_OPENED : 0) |
                       (a->control.rolled_back != REASON_NONE ? NOTICE_ROLLED_BACK : 0);
    say(a, HAWSE_LOG_INFO,
        "as before the restart: step %u, day's level %u, breaker %s, bundles %s of use",
        a->control.step, a->control.level, a->control.open ? "open" : "closed",
        a->control.rolled_back == REASON_NONE ? "not out" : "out");
    say_notices(a, notices);
}

/* All of it is there. A trade that another build handed over is the newer one, and stays. */
static void told_all(struct arb *a)
{
    struct keep k;
    a->stored_waits = false;
    a->changed = true;
    gather(a, &k);
    if (!a->trade.open && !a->trade.measuring && keep_is_open(&k, &a->carried.trade))
        carried_begin(a);
}

void stored_event(struct arb *a, const hawse_event_t *event)
{
    hawse_host_kept_t kept;
    memcpy(&kept, event->data, sizeof(kept));
    const uint8_t *key = event->data + kept.size, *value = key + kept.key_len;
    if (kept.flags & HAWSE_KEPT_LAST)
        told_all(a);
    else if (kept.key_len == strlen(KEY) && memcmp(key, KEY, kept.key_len) == 0)
        take_back(a, value, kept.value_len);
    else if (kept.key_len == strlen(TRADE_KEY) && memcmp(key, TRADE_KEY, kept.key_len) == 0 &&
             keep_trade_read(value, kept.value_len, &a->carried.trade) != HAWSE_OK)
        say_notices(a, control_roll_back(&a->control, REASON_STATE));
}
