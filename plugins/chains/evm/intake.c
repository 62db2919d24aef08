/* See intake.h. This is the way that must be fast: a log is decoded where it will be read. */
#include "intake.h"

#include "report.h"
#include "request.h"
#include "session.h"
#include "sync.h"
#include "teller.h"

#include <string.h>

static int pushed_head(struct evm *e, hawse_json_value_t *value, uint64_t t_recv_ns)
{
    struct chain_header header;
    e->session.heads_seen++;
    if (decode_header(&e->decoder.doc, value, &header) != HAWSE_OK) {
        session_strike(e, WARN_HEADER, "a pushed head is not understood");
        return 1;
    }
    e->session.strikes = 0;
    sync_head(e, &header, true, t_recv_ns);
    return 1;
}

/* The block it belongs to; CHAIN_NONE when that is too far away to matter, or contradicts. */
static uint32_t block_of(struct evm *e, const hawse_evm_log_t *log)
{
    uint32_t slot = chain_find(&e->chain, log->block_hash);
    if (slot == CHAIN_NONE)
        return chain_stub(&e->chain, log->block_hash, log->block_number);
    return evm_block(e, slot)->header.number == log->block_number ? slot : CHAIN_NONE;
}

/* It cannot be told yet: it waits for its block. */
static void keep(struct evm *e, uint32_t slot, const hawse_evm_log_t *log, bool late,
                 uint64_t t_recv_ns)
{
    struct chain_block *block = evm_block(e, slot);
    if (log_store_add(&e->logs, slot, log, true, late, t_recv_ns) == STORE_FULL) {
        if (block->told)
            sync_recheck(e, block->header.number);
        block->complete = false; /* so it will be asked for when its time comes */
        report_warn(e, WARN_STORE,
                    "no room for logs that wait for their block: they will be "
                    "asked for again; enlarge log_store_kib");
        return;
    }
    teller_wake(e);
    if (!e->sync.strict && e->sync.ahead_ns == 0 && block->header.number > e->chain.high)
        e->sync.ahead_ns = e->now ? e->now : 1;
}

static int wanted_log(struct evm *e, hawse_evm_log_t *log, uint64_t t_recv_ns)
{
    uint32_t slot = block_of(e, log);
    if (slot == CHAIN_NONE) {
        report_add(e, METRIC_UNWANTED, 1);
        return 1;
    }
    if (log_store_known(&e->logs, slot, log->log_index)) {
        report_add(e, METRIC_DUPLICATES, 1);
        return 1;
    }
    if (!teller_ready(e, slot)) {
        keep(e, slot, log, false, t_recv_ns);
        return 1;
    }
    if (log->block_number < e->teller.newest_log) { /* later than logs of a later block */
        teller_gap(e, HAWSE_EVM_STREAM_LOGS, HAWSE_REASON_MISSING, log->block_number,
                   log->block_number);
        teller_recovering(e, HAWSE_EVM_STREAM_LOGS, log->block_number, log->block_number);
        keep(e, slot, log, true, t_recv_ns);
        return 1;
    }
    if (evm_block(e, slot)->known)
        log->block_timestamp = evm_block(e, slot)->header.timestamp;
    if (teller_log(e, slot, log, t_recv_ns) == HAWSE_E_AGAIN)
        return 0;
    if (log_store_add(&e->logs, slot, log, false, false, t_recv_ns) == STORE_FULL)
        log_store_note(&e->logs, slot, log->log_index);
    return 1;
}

static int pushed_log(struct evm *e, hawse_json_value_t *value, uint64_t len, uint64_t t_recv_ns)
{
    uint64_t room = (sizeof(hawse_evm_log_t) + len / 2 + 7) & ~7ull;
    if (room > EVM_RECORD_MAX)
        room = EVM_RECORD_MAX;
    hawse_evm_log_t *log = (hawse_evm_log_t *)(void *)e->sub->reserve(e->host, e->self, room);
    bool removed;
    if (!log)
        return 0;
    e->session.logs_seen++;
    int32_t code = decode_log(&e->decoder.doc, value, log, room, &removed);
    if (code != HAWSE_OK) {
        session_strike(e, WARN_LOG,
                       code == HAWSE_E_NOSPACE ? "a pushed log is larger than a record may be"
                                               : "a pushed log is not understood");
        return 1;
    }
    e->session.strikes = 0;
    log->chain_id = e->set.chain_id;
    if (!filter_match(&e->filter, log->address, log->topic_count ? log->topics[0] : NULL)) {
        report_add(e, METRIC_UNWANTED, 1);
        return 1;
    }
    if (!removed)
        return wanted_log(e, log, t_recv_ns);
    uint32_t slot = chain_find(&e->chain, log->block_hash);
    if (slot != CHAIN_NONE && evm_block(e, slot)->header.number == log->block_number)
        teller_suspect(e, slot);
    return 1;
}

static int pushed_pending(struct evm *e, hawse_json_value_t *value, uint64_t t_recv_ns)
{
    hawse_evm_pending_tx_t record = {.size = sizeof(record), .chain_id = e->set.chain_id};
    if (!e->set.pending_transactions) {
        report_add(e, METRIC_UNWANTED, 1);
        return 1;
    }
    if (decode_pending(&e->decoder.doc, value, record.hash) != HAWSE_OK) {
        session_strike(e, WARN_FRAME, "a pending transaction is not understood");
        return 1;
    }
    e->session.strikes = 0;
    if (teller_record(e, HAWSE_EVM_PENDING_TX, HAWSE_EVM_STREAM_PENDING, 0,
                      hawse_key(record.hash, 32), t_recv_ns, &record,
                      sizeof(record)) == HAWSE_E_AGAIN)
        return 0;
    e->session.pending_seen++;
    return 1;
}

static bool is_from(const struct upstream *up, hawse_view_t id)
{
    return up->id_len == id.len && memcmp(up->id, id.data, id.len) == 0;
}

/* Which subscription sent it; of one whose confirmation has not come yet, the shape must tell. */
static int notification(struct evm *e, struct decode_frame *frame, const hawse_event_t *event)
{
    struct session *ses = &e->session;
    hawse_json_value_t member;
    for (uint32_t i = 0; i < e->filter.chunk_count; i++) {
        if (is_from(&ses->chunks[i], frame->sub))
            return pushed_log(e, &frame->value, event->len, event->t_recv_ns);
    }
    if (is_from(&ses->heads, frame->sub))
        return pushed_head(e, &frame->value, event->t_recv_ns);
    if (is_from(&ses->pending, frame->sub) || frame->value.kind != HAWSE_JSON_OBJECT)
        return pushed_pending(e, &frame->value, event->t_recv_ns);
    if (hawse_json_get(&e->decoder.doc, &frame->value, "topics", &member) == HAWSE_OK)
        return pushed_log(e, &frame->value, event->len, event->t_recv_ns);
    if (hawse_json_get(&e->decoder.doc, &frame->value, "parentHash", &member) == HAWSE_OK)
        return pushed_head(e, &frame->value, event->t_recv_ns);
    return pushed_pending(e, &frame->value, event->t_recv_ns);
}

int intake_frame(struct evm *e, const hawse_event_t *event)
{
    struct decode_frame frame;
    if (event->key != e->session.stream || e->session.link == LINK_DOWN)
        return 1; /* of a stream that is gone */
    if ((event->flags & HAWSE_FRAME_BINARY) != 0 ||
        decode_frame(&e->decoder, event->data, event->len, &frame) != HAWSE_OK) {
        session_strike(e, WARN_FRAME, "a message of the node is not JSON-RPC");
        return 1;
    }
    int taken = 1;
    if (frame.kind != DECODE_NOTIFICATION)
        taken = request_frame(e, &frame);
    else if (e->session.link >= LINK_SUBSCRIBING)
        taken = notification(e, &frame, event);
    if (event->len > EVM_RECORD_MAX)
        decode_rest(&e->decoder);
    return taken;
}
