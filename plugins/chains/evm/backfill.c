/* See backfill.h. */
#include "backfill.h"

#include "report.h"
#include "request.h"
#include "session.h"
#include "sync.h"
#include "teller.h"

#include <string.h>

enum {
    CANDIDATES = 256,
    BY_HASH_MAX = 3, /* more blocks than this are asked for as a range */
    NEAR_HEAD = 8,   /* so close to the head an empty answer may only be a node that lags */
    SILENT_RUN = 2,  /* checks that found nothing pushed before the subscription counts as dead */
};

/* ---- what is complete ---- */

/* A block on the told branch or on the way to the target; CHAIN_NONE when unknown. */
static uint32_t block_at(struct evm *e, uint64_t number)
{
    uint32_t slot = chain_told(&e->chain, number);
    return slot != CHAIN_NONE ? slot : chain_path(&e->chain, number);
}

static bool complete(struct evm *e, struct chain_block *block)
{
    if (block->complete)
        return true;
    if (e->filter.live == 0) {
        block->complete = true;
    } else if (block->header.has_bloom && block->checked != e->filter.version) {
        if (filter_bloom(&e->filter, block->header.bloom))
            block->checked = e->filter.version;
        else
            block->complete = true;
    }
    return block->complete;
}

static bool advance(struct evm *e)
{
    struct sync *s = &e->sync;
    uint64_t before = s->complete;
    while (s->complete < e->chain.high) {
        uint32_t slot = chain_told(&e->chain, s->complete + 1);
        if (slot != CHAIN_NONE && !complete(e, evm_block(e, slot)))
            break;
        s->complete++; /* what is below the window was complete, or is past checking */
    }
    if (s->complete != before)
        report_set(e, METRIC_COMPLETE, s->complete);
    return s->complete != before;
}

static bool being_asked(const struct evm *e, const struct chain_block *block)
{
    for (int i = 0; i < EVM_JOBS && block->asked != 0; i++) {
        if (e->sync.jobs[i].used && e->sync.jobs[i].serial == block->asked)
            return true;
    }
    return false;
}

static bool due(struct evm *e, const struct chain_block *block)
{
    if (e->now < block->retry_ns || being_asked(e, block))
        return false;
    return e->sync.strict || block->header.number + e->set.verify_blocks <= e->chain.high ||
           e->now - block->told_ns >= e->set.verify_ms * EVM_MS;
}

/* Numbers of the blocks whose logs are to be asked for now. */
static uint32_t candidates(struct evm *e, uint64_t numbers[CANDIDATES])
{
    const struct chain *chain = &e->chain;
    uint64_t top = chain->high;
    uint32_t n = 0;
    if (e->sync.strict && chain->target != CHAIN_NONE)
        top = chain->blocks[chain->target].header.number;
    for (uint64_t at = e->sync.complete + 1; at <= top && n < CANDIDATES; at++) {
        uint32_t slot = block_at(e, at);
        if (slot == CHAIN_NONE || !evm_block(e, slot)->known)
            break;
        if (!complete(e, evm_block(e, slot)) && due(e, evm_block(e, slot)))
            numbers[n++] = at;
    }
    return n;
}

/* ---- jobs ---- */

static struct job *free_job(struct evm *e)
{
    for (int i = 0; i < EVM_JOBS; i++) {
        if (!e->sync.jobs[i].used)
            return &e->sync.jobs[i];
    }
    return NULL;
}

static bool range_running(const struct evm *e)
{
    for (int i = 0; i < EVM_JOBS; i++) {
        if (e->sync.jobs[i].used && !e->sync.jobs[i].by_hash)
            return true;
    }
    return false;
}

/* The block that the job means, as far as it is still where it was. */
static uint32_t job_block(struct evm *e, const struct job *job, uint64_t number)
{
    return job->by_hash ? chain_find(&e->chain, job->hash) : block_at(e, number);
}

void backfill_reset(struct evm *e)
{
    for (int i = 0; i < EVM_JOBS; i++)
        e->sync.jobs[i].used = false;
    e->sync.retry_ns = 0;
}

/* Asks the job's next chunk. False: it can't be asked now. */
static bool send_job(struct evm *e, struct job *job)
{
    while (job->chunk < e->filter.chunk_count && e->filter.chunks[job->chunk].addresses == 0)
        job->chunk++;
    if (job->chunk >= e->filter.chunk_count) { /* nobody wants anything any more */
        job->used = false;
        return true;
    }
    job->sent = request_logs(e, job) == HAWSE_OK;
    return job->sent;
}

static bool begin_job(struct evm *e, bool by_hash, uint64_t from, uint64_t to,
                      const uint64_t *numbers, uint32_t n)
{
    struct job *job = free_job(e);
    if (!job)
        return false;
    *job = (struct job){.used = true,
                        .by_hash = by_hash,
                        .from = from,
                        .to = to,
                        .serial = ++e->sync.serial,
                        .version = e->filter.version};
    if (by_hash)
        memcpy(job->hash, evm_block(e, block_at(e, from))->header.hash, 32);
    for (uint32_t i = 0; i < n && numbers[i] <= to; i++)
        evm_block(e, block_at(e, numbers[i]))->asked = job->serial;
    if (send_job(e, job))
        return true;
    job->used = false;
    e->sync.retry_ns = e->now + EVM_TICK_MS * EVM_MS;
    return false;
}

static bool resend_jobs(struct evm *e)
{
    for (int i = 0; i < EVM_JOBS; i++) {
        struct job *job = &e->sync.jobs[i];
        if (job->used && !job->sent && !send_job(e, job))
            return false;
    }
    return true;
}

bool backfill_step(struct evm *e)
{
    struct sync *s = &e->sync;
    uint64_t numbers[CANDIDATES];
    if (!e->chain.started)
        return false;
    bool changed = advance(e);
    if (e->now < s->retry_ns || !resend_jobs(e))
        return changed;
    uint32_t n = candidates(e, numbers);
    if (n == 0)
        return changed;
    if (n <= BY_HASH_MAX) {
        for (uint32_t i = 0; i < n; i++) {
            if (!begin_job(e, true, numbers[i], numbers[i], &numbers[i], 1))
                break;
        }
    } else if (!range_running(e)) {
        uint64_t to = numbers[0] + s->range - 1;
        uint32_t last = n - 1;
        while (numbers[last] > to)
            last--;
        (void)begin_job(e, false, numbers[0], numbers[last], numbers, last + 1);
    }
    return changed;
}

/* ---- answers ---- */

enum took { TOOK, TOOK_NOTHING, TOOK_FULL, TOOK_OTHER_BRANCH, TOOK_BAD };

static void note_late(struct job *job, uint64_t n, bool missed)
{
    job->late_from = job->late && job->late_from < n ? job->late_from : n;
    job->late_to = job->late && job->late_to > n ? job->late_to : n;
    job->late++;
    job->late_missed = job->late_missed || missed;
    job->missed += missed;
}

static enum took take_log(struct evm *e, struct job *job, hawse_json_value_t *item)
{
    hawse_evm_log_t *log = (hawse_evm_log_t *)(void *)e->scratch;
    bool removed;
    int32_t code = decode_log(&e->decoder.doc, item, log, EVM_RECORD_MAX, &removed);
    if (code == HAWSE_E_NOSPACE) {
        report_warn(e, WARN_LOG, "a log of more than %d bytes is left out", EVM_RECORD_MAX);
        return TOOK_NOTHING;
    }
    if (code != HAWSE_OK)
        return TOOK_BAD;
    log->chain_id = e->set.chain_id;
    const struct filter_address *wanted =
        filter_match(&e->filter, log->address, log->topic_count ? log->topics[0] : NULL);
    if (!wanted || removed || log->block_number < wanted->since)
        return TOOK_NOTHING;
    uint32_t slot = chain_find(&e->chain, log->block_hash);
    if (slot == CHAIN_NONE || log->block_number < job->from || log->block_number > job->to ||
        slot != job_block(e, job, log->block_number) ||
        evm_block(e, slot)->header.number != log->block_number)
        return TOOK_OTHER_BRANCH;
    job->found++;
    if (e->logs.blocks[slot].blind)
        return TOOK_NOTHING;
    int kept = log_store_add(&e->logs, slot, log, true, true, e->now);
    if (kept == STORE_SEEN)
        return TOOK_NOTHING;
    if (kept == STORE_FULL)
        return TOOK_FULL;
    job->fresh++;
    if (!e->sync.strict && evm_block(e, slot)->told)
        note_late(job, log->block_number, log->block_number >= wanted->sure_from);
    return TOOK;
}

/* Logs of told blocks that no subscription brought: said before they are told, even when the rest
 * of the answer was of no use. */
static void announce_late(struct evm *e, struct job *job)
{
    uint32_t reason = job->late_missed ? HAWSE_REASON_MISSING : HAWSE_REASON_START;
    if (job->late == 0)
        return;
    if (job->late_missed)
        report_warn(e, WARN_GAP, "%u logs of blocks %llu to %llu were never pushed; fetched",
                    job->late, (unsigned long long)job->late_from,
                    (unsigned long long)job->late_to);
    teller_gap(e, HAWSE_EVM_STREAM_LOGS, reason, job->late_from, job->late_to);
    teller_recovering(e, HAWSE_EVM_STREAM_LOGS, job->late_from, job->late_to);
    job->late = 0;
    job->late_missed = false;
}

/* Checks in a row that found logs, none of which was pushed: the subscription is dead. */
static void judge_silence(struct evm *e, const struct job *job)
{
    struct sync *s = &e->sync;
    report_add(e, METRIC_MISSING, job->missed);
    if (s->strict || job->found == 0)
        return;
    s->silent_run = job->missed > 0 && job->missed == job->found ? s->silent_run + 1 : 0;
    if (s->silent_run < SILENT_RUN || e->session.polling)
        return;
    s->silent_run = 0;
    session_resubscribe(e, true, false, "nothing was pushed although there were logs");
}

static void job_done(struct evm *e, struct job *job)
{
    struct sync *s = &e->sync;
    job->used = false;
    s->fails = 0;
    if (!job->by_hash && s->range < e->set.max_range)
        s->range = s->range * 2 < e->set.max_range ? s->range * 2 : e->set.max_range;
    for (uint64_t n = job->from; n <= job->to; n++) {
        uint32_t slot = job_block(e, job, n);
        struct chain_block *block = slot == CHAIN_NONE ? NULL : evm_block(e, slot);
        if (!block || block->asked != job->serial)
            continue; /* another block stands there by now */
        const struct store_block *logs = &e->logs.blocks[slot];
        block->asked = 0;
        bool doubt = !s->strict && block->header.has_bloom && logs->told + logs->held == 0 &&
                     !logs->truncated && n + NEAR_HEAD > e->chain.high;
        if (doubt && !block->empty) {
            block->empty = true;
            block->retry_ns = e->now + e->set.verify_ms * EVM_MS;
            continue;
        }
        block->complete = true;
    }
    judge_silence(e, job);
}

static bool mentions(const char *text, const char *const *words)
{
    for (; *words; words++) {
        if (strcasestr(text, *words))
            return true;
    }
    return false;
}

bool backfill_too_much(const struct reply *reply)
{
    static const char *const words[] = {"too many", "too large", "too big",   "exceed",  "limit",
                                        "range",    "result",    "timed out", "timeout", NULL};
    static const char *const rate[] = {"rate", "per second", "capacity", "quota", NULL};
    if (reply->code == HAWSE_E_TIMEOUT || reply->code == HAWSE_E_NOSPACE ||
        reply->code == HAWSE_E_LIMIT || reply->http_status == 413)
        return true;
    return reply->code == HAWSE_E_REMOTE && reply->http_status != 429 &&
           mentions(reply->text, words) && !mentions(reply->text, rate);
}

uint64_t backfill_backoff_ns(const struct reply *reply, uint32_t fails)
{
    uint64_t wait = 50ull << (fails < 8 ? fails : 8);
    if (reply->retry_after_ms > wait)
        wait = reply->retry_after_ms < 60000 ? reply->retry_after_ms : 60000;
    return (wait < 10000 || reply->retry_after_ms ? wait : 10000) * EVM_MS;
}

static void job_failed(struct evm *e, struct job *job, const struct reply *reply)
{
    struct sync *s = &e->sync;
    bool split = !job->by_hash && job->to > job->from && backfill_too_much(reply);
    s->fails++;
    if (split) {
        uint64_t blocks = job->to - job->from + 1;
        s->range = (blocks < s->range ? blocks : s->range) / 2;
        s->range = s->range ? s->range : 1;
        job->used = false;
        return;
    }
    report_warn(e, WARN_REQUEST,
                "eth_getLogs of blocks %llu to %llu failed: code %d, JSON-RPC %lld, HTTP %u: %s; "
                "asking again",
                (unsigned long long)job->from, (unsigned long long)job->to, reply->code,
                (long long)reply->rpc_code, reply->http_status, reply->text);
    if (s->fails >= 2) /* perhaps these blocks are no longer the chain */
        s->want_head = true;
    s->retry_ns = e->now + backfill_backoff_ns(reply, s->fails);
    job->used = false;
}

static void took_full(struct evm *e, struct job *job)
{
    struct reply full = {.code = HAWSE_E_LIMIT};
    if (job->to > job->from) {
        job_failed(e, job, &full);
        return;
    }
    report_warn(e, WARN_STORE,
                "block %llu has more wanted logs than log_store_kib holds; the rest is lost",
                (unsigned long long)job->from);
    teller_unhealable(e, HAWSE_EVM_STREAM_LOGS, HAWSE_REASON_OVERFLOW, job->from, job->from, false);
    job_done(e, job);
}

static void take_answer(struct evm *e, struct job *job, struct reply *reply)
{
    hawse_json_value_t item;
    int32_t more = HAWSE_E_FORMAT;
    enum took took = TOOK;
    if (reply->value.kind == HAWSE_JSON_ARRAY) {
        while (took <= TOOK_NOTHING &&
               (more = hawse_json_next(&e->decoder.doc, &reply->value, NULL, &item)) == 1)
            took = take_log(e, job, &item);
    }
    announce_late(e, job);
    if (took == TOOK_FULL) {
        took_full(e, job);
        return;
    }
    if (took == TOOK_OTHER_BRANCH) { /* the chain changed between the questions */
        e->sync.want_head = true;
        e->sync.retry_ns = e->now + EVM_TICK_MS * EVM_MS;
        job->used = false;
        return;
    }
    if (took == TOOK_BAD || more < 0) {
        struct reply bad = {.code = HAWSE_E_FORMAT, .text = "the answer is not a list of logs"};
        report_add(e, METRIC_MALFORMED, 1);
        job_failed(e, job, &bad);
        return;
    }
    job->chunk++;
    while (job->chunk < e->filter.chunk_count && e->filter.chunks[job->chunk].addresses == 0)
        job->chunk++;
    job->sent = false;
    if (job->chunk >= e->filter.chunk_count)
        job_done(e, job);
}

void backfill_reply(struct evm *e, const struct request *request, struct reply *reply)
{
    struct job *job = &e->sync.jobs[request->arg];
    teller_wake(e);
    if (!job->used || !job->sent || job->serial != request->number)
        return;
    if (job->version != e->filter.version) /* others are wanted now: ask anew */
        job->used = false;
    else if (reply->code != HAWSE_OK)
        job_failed(e, job, reply);
    else
        take_answer(e, job, reply);
}
