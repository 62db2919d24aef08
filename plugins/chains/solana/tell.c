/*
 * Publishing: continuity, logs and outcomes. Whatever finds no room is tried again from the
 * beginning, so nothing is remembered as told before it was published. Continuity events wait in a
 * queue of their own, which goes before everything else.
 */
#include "plugin.h"

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
        if (gap->lost) /* what was lost is lost; from here on it is whole again */
            tell_range(s, HAWSE_STREAM_EVENT_LIVE, stream, gap->reason, to, to, 0);
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

void tell_copy(struct sol *s, uint16_t kind, uint64_t slot, uint64_t key, uint64_t content,
               const uint8_t *record, uint64_t len)
{
    const struct copy head = {
        .kind = kind, .slot = slot, .key = key, .content = content, .len = len};
    copies_add(&s->copies, &head, record);
}

bool tell_is_past(struct sol *s, const struct watch *w, uint64_t slot, uint32_t flags)
{
    if (w->filter.commitment != HAWSE_SOLANA_PROCESSED || flags & HAWSE_EVENT_BACKFILLED ||
        !tree_abandoned(&s->tree, slot))
        return false;
    sol_count(s, s->count.stale, 1);
    return true;
}

/* ---- logs and signatures ---- */

bool tell_logs(struct sol *s, const hawse_json_t *doc, struct watch *w, struct wire_logs *logs,
               uint32_t flags, uint64_t t_recv_ns)
{
    hawse_solana_log_t *r = &logs->record;
    uint64_t len = sizeof(*r) + r->lines_len,
             mark = seen_mark(s->secret, r->signature, watch_salt(w));
    /* on another fork the same transaction is another event; the older one is taken back */
    bool forks =
        w->filter.commitment == HAWSE_SOLANA_PROCESSED && !(flags & HAWSE_EVENT_BACKFILLED);
    if (tell_is_past(s, w, r->slot, flags))
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
        tell_copy(s, HAWSE_SOLANA_PROGRAM_LOG, r->slot, key, 0, at, len);
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
        tell_copy(s, HAWSE_SOLANA_SIGNATURE, r.slot, key, 0, at, len);
    w->done = true;
    w->dirty = false;
    sol_count(s, s->count.signatures, 1);
    return true;
}
