/* See final.h. */
#include "final.h"

#include "backfill.h"
#include "report.h"
#include "request.h"
#include "teller.h"

#include <string.h>

enum { REFUSALS = 3 }; /* then the node is taken to have no finalized block */

static void tell_final(struct evm *e, uint64_t number)
{
    uint64_t logs = number < e->sync.complete ? number : e->sync.complete;
    uint64_t from = e->final.from;
    if (number < from || number > e->chain.high)
        return;
    teller_final(e, HAWSE_EVM_STREAM_BLOCKS, from, number);
    if (logs >= from)
        teller_final(e, HAWSE_EVM_STREAM_LOGS, from, logs);
    report_set(e, METRIC_FINAL, number);
}

static void by_count(struct evm *e)
{
    if (e->chain.high >= e->set.confirmations)
        tell_final(e, e->chain.high - e->set.confirmations);
}

void final_step(struct evm *e)
{
    struct final *f = &e->final;
    uint64_t high = e->chain.high;
    if (!e->chain.started || e->teller.count > EVM_ANNOUNCEMENTS / 2)
        return;
    if (!f->any) {
        f->any = true;
        f->from = e->chain.low;
    }
    if (high == f->seen)
        return;
    if (!e->set.final_tag || f->refused >= REFUSALS) {
        f->seen = high;
        by_count(e);
        return;
    }
    if (f->asked != 0 && high < f->asked + e->set.final_every && high >= f->asked)
        return;
    if (e->now < f->retry_ns || request_pending(e, REQUEST_FINAL, 0, NULL))
        return;
    if (request_head(e, true) == HAWSE_OK)
        f->asked = high;
    else
        f->retry_ns = e->now + 1000 * EVM_MS;
}

static void refused(struct evm *e, const struct reply *reply)
{
    struct final *f = &e->final;
    f->retry_ns = e->now + backfill_backoff_ns(reply, 4);
    f->asked = 0;
    if (reply->code != HAWSE_E_REMOTE && reply->code != HAWSE_OK)
        return; /* no answer is no refusal */
    if (++f->refused == REFUSALS)
        report_log(e, HAWSE_LOG_WARN,
                   "the node does not tell a finalized block (%s); counting %llu confirmations "
                   "instead",
                   reply->text, (unsigned long long)e->set.confirmations);
}

void final_reply(struct evm *e, struct reply *reply)
{
    struct chain_header header;
    teller_wake(e);
    if (reply->code != HAWSE_OK || reply->value.kind == HAWSE_JSON_NULL) {
        refused(e, reply);
        return;
    }
    if (decode_header(&e->decoder.doc, &reply->value, &header) != HAWSE_OK) {
        report_add(e, METRIC_MALFORMED, 1);
        report_warn(e, WARN_ANSWER, "the finalized block is not understood");
        return;
    }
    e->final.refused = 0;
    uint32_t slot = chain_told(&e->chain, header.number);
    if (slot != CHAIN_NONE && memcmp(evm_block(e, slot)->header.hash, header.hash, 32) != 0) {
        report_warn(e, WARN_CHAIN, "block %llu is final, but not the one that was told",
                    (unsigned long long)header.number);
        e->sync.want_head = true;
        return;
    }
    tell_final(e, header.number);
}
