/*
 * What readers are told about continuity: gaps, their healing, retractions. An announcement that
 * finds no room waits here, and nothing is published before it: the order is part of what it says.
 */
#include "plugin.h"

#include <string.h>

static int32_t publish(struct evm *e, uint16_t space, uint16_t kind, uint32_t stream,
                       uint32_t epoch, uint32_t flags, uint64_t key, uint64_t t_recv_ns,
                       const void *record, uint64_t len)
{
    hawse_event_t event = {.size = sizeof(event),
                           .space = space,
                           .kind = kind,
                           .stream = stream,
                           .epoch = epoch,
                           .flags = flags,
                           .t_recv_ns = t_recv_ns,
                           .key = key,
                           .data = record,
                           .len = len};
    return e->sub->publish(e->host, e->self, &event);
}

int32_t say_publish(struct evm *e, uint16_t space, uint16_t kind, uint32_t stream, uint32_t flags,
                    uint64_t key, const void *record, uint64_t len)
{
    if (e->notice_count > 0)
        return HAWSE_E_AGAIN;
    return publish(e, space, kind, stream, e->epoch, flags, key, 0, record, len);
}

int32_t say_copy(struct evm *e, const struct log_copy *copy, uint32_t flags)
{
    uint64_t len = copy->log.size + (uint64_t)copy->log.data_len;
    if (e->notice_count > 0)
        return HAWSE_E_AGAIN;
    return publish(e, HAWSE_SPACE_EVM, HAWSE_EVM_LOG, HAWSE_EVM_STREAM_LOGS, e->epoch, flags,
                   hawse_key(copy->log.address, 20), flags ? 0 : copy->t_recv_ns, &copy->log, len);
}

bool say_waiting(struct evm *e)
{
    while (e->notice_count > 0) {
        const struct evm_notice *n = &e->notices[e->notice_first];
        if (publish(e, HAWSE_SPACE_STREAM, n->kind, n->stream, n->epoch, 0, 0, 0, &n->range,
                    sizeof(n->range)) == HAWSE_E_AGAIN)
            return false;
        e->notice_first = (e->notice_first + 1) % NOTICES;
        e->notice_count--;
    }
    return true;
}

void say(struct evm *e, uint16_t kind, uint32_t stream, uint32_t reason, uint64_t from, uint64_t to,
         uint64_t count)
{
    if (e->notice_count == NOTICES) { /* each step of the pump waits for room: out of reach */
        evm_log(e, HAWSE_LOG_ERROR, "announcement %u of blocks %llu to %llu is lost", kind,
                (unsigned long long)from, (unsigned long long)to);
        return;
    }
    struct evm_notice *n = &e->notices[(e->notice_first + e->notice_count++) % NOTICES];
    *n = (struct evm_notice){.range = {.size = sizeof(n->range),
                                       .reason = reason,
                                       .from = from,
                                       .to = to,
                                       .count = count},
                             .stream = stream,
                             .epoch = e->epoch,
                             .kind = kind};
    (void)say_waiting(e);
}

void say_both(struct evm *e, uint16_t kind, uint32_t reason, uint64_t from, uint64_t to,
              uint64_t count)
{
    say(e, kind, HAWSE_EVM_STREAM_BLOCKS, reason, from, to, count);
    say(e, kind, HAWSE_EVM_STREAM_LOGS, reason, from, to, count);
}

/* ---- gaps ---- */

static void channels(struct evm *e, uint32_t state)
{
    if (!e->stream)
        return;
    (void)e->streams->channel_state(e->host, e->self, e->heads_channel, state);
    (void)e->streams->channel_state(e->host, e->self, e->logs_channel, state);
}

void gap_open(struct evm *e, enum evm_gap why, uint32_t reason, uint64_t from)
{
    bool first = e->gaps == 0;
    e->gaps |= (uint32_t)why;
    if (!first && from >= e->gap_from)
        return; /* said already */
    e->gap_from = from;
    e->epoch++;
    if (first) {
        e->gap_reason = reason;
        e->late_logs = 0;
    }
    say_both(e, HAWSE_STREAM_EVENT_GAP, reason, from, HAWSE_POSITION_OPEN, 0);
    channels(e, HAWSE_CHANNEL_GAP);
}

void say_live(struct evm *e)
{
    e->live_due = true;
    if (e->gaps != 0)
        return;
    e->live_due = false;
    say_both(e, HAWSE_STREAM_EVENT_LIVE, HAWSE_REASON_START, e->chain.high, HAWSE_POSITION_OPEN, 0);
    channels(e, HAWSE_CHANNEL_LIVE);
}

void gap_close(struct evm *e, uint32_t whys)
{
    if (!(e->gaps & whys))
        return;
    e->gaps &= ~whys;
    if (e->gaps != 0)
        return;
    if (e->gap_from > e->chain.high) /* no block came meanwhile */
        e->gap_from = e->chain.high;
    say_both(e, HAWSE_STREAM_EVENT_HEALED, e->gap_reason, e->gap_from, e->chain.high, e->late_logs);
    evm_log(e, HAWSE_LOG_INFO, "healed: blocks %llu to %llu, %llu logs told late",
            (unsigned long long)e->gap_from, (unsigned long long)e->chain.high,
            (unsigned long long)e->late_logs);
    channels(e, HAWSE_CHANNEL_LIVE);
    if (e->live_due)
        say_live(e);
}

void gap_give_up(struct evm *e, uint32_t reason, uint64_t from, uint64_t to)
{
    if (e->gaps == 0)
        e->epoch++;
    say_both(e, HAWSE_STREAM_EVENT_UNHEALABLE, reason, from, to < from ? from : to, 0);
    channels(e, HAWSE_CHANNEL_UNHEALABLE);
}
