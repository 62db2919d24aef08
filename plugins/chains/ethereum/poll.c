/*
 * Following the chain without a stream: the head is asked for at an interval, everything else is as
 * with a stream, and so are the guarantees. Begins where there is no endpoint "ws", or when the
 * stream was not usable for settings.poll_after_ms; ends when the stream has joined again, without
 * a gap, since the stream's head is asked for after its subscriptions stand.
 */
#include "plugin.h"

void poll_begin(struct evm *e, const char *why)
{
    if (e->polling || !e->set.polling)
        return;
    e->polling = true;
    e->next_poll_ns = e->new_head_ns = evm_now(e);
    e->http_chain_ok = false;
    evm_gauge(e, e->count.polling, 1);
    evm_log(e, HAWSE_LOG_WARN, "%s: the chain is followed by polling every %u ms", why,
            e->set.poll_ms);
}

void poll_end(struct evm *e)
{
    if (!e->polling)
        return;
    e->polling = false;
    evm_gauge(e, e->count.polling, 0);
    evm_log(e, HAWSE_LOG_INFO, "the stream works again: polling ends");
}

void poll_tick(struct evm *e)
{
    uint64_t now = evm_now(e);
    if (!e->polling) {
        if (e->link != LINK_UP && e->down_since_ns != 0 &&
            now - e->down_since_ns >= e->set.poll_after_ms * EVM_MS)
            poll_begin(e, "no stream for settings.poll_after_ms");
        return;
    }
    if (!e->http_chain_ok) {
        ask_chain_id(e);
    } else if (now >= e->next_poll_ns && ask_ready(e, Q_HEAD)) {
        e->next_poll_ns = now + e->set.poll_ms * EVM_MS;
        ask_head(e);
    }
    if (e->phase != PHASE_WAITING && now - e->new_head_ns >= e->set.heads_idle_ms * EVM_MS) {
        e->new_head_ns = now;
        link_lost(e, HAWSE_REASON_SILENT);
    }
}
