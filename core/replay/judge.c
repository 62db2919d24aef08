/* See judge.h. */
#include "replay/judge.h"

#include "base/fault.h"

#include <stdio.h>
#include <string.h>

enum { MADE_UP = 1u << 30 };

int32_t judge_init(struct judge *judge, struct played *played)
{
    memset(judge, 0, sizeof(*judge));
    judge->played = played;
    judge->recorded = EVP_MD_CTX_new();
    judge->now = EVP_MD_CTX_new();
    bool good = judge->recorded && judge->now &&
                EVP_DigestInit_ex(judge->recorded, EVP_sha256(), NULL) == 1 &&
                EVP_DigestInit_ex(judge->now, EVP_sha256(), NULL) == 1;
    return good ? HAWSE_OK : HAWSE_E_NOMEM;
}

void judge_finish(struct judge *judge)
{
    EVP_MD_CTX_free(judge->recorded);
    EVP_MD_CTX_free(judge->now);
}

/* ---- hashes ---- */

/* Kind, arguments, lengths, bytes: what the plugin said, without what it was answered. */
static void fold_call(EVP_MD_CTX *hash, const struct record_call *call)
{
    uint64_t words[1 + RECORD_ARGS + RECORD_VIEWS];
    size_t n = 0;
    words[n++] = call->call | (uint64_t)call->arg_count << 16 | (uint64_t)call->view_count << 24;
    for (uint8_t i = 0; i < call->arg_count; i++)
        words[n++] = call->args[i];
    for (uint8_t i = 0; i < call->view_count; i++)
        words[n++] = call->views[i].len;
    (void)EVP_DigestUpdate(hash, words, n * sizeof(words[0]));
    for (uint8_t i = 0; i < call->view_count; i++) {
        if (call->views[i].len > 0)
            (void)EVP_DigestUpdate(hash, call->views[i].data, call->views[i].len);
    }
}

static void fold_end(EVP_MD_CTX *hash, uint32_t callback, int32_t result)
{
    uint64_t word = (uint64_t)callback << 32 | (uint32_t)result;
    (void)EVP_DigestUpdate(hash, &word, sizeof(word));
}

/* ---- differences ---- */

static void differ(struct judge *judge, const char *recorded, const char *now, const char *detail)
{
    struct played *p = judge->played;
    if (!judge->counts)
        return;
    if (!judge->differed)
        p->differing++;
    judge->differed = true;
    if (p->differs)
        return;
    char where[WORDS_TEXT];
    callback_words(judge->step, where);
    p->differs = true;
    p->at_ns = walk_since(judge->step->begin.now_ns, judge->begun_ns);
    (void)snprintf(p->first, sizeof(p->first),
                   "%s (%s %s) first differs %.6f s after the beginning, in its call %llu: %s\n"
                   "  then: %s\n  now:  %s%s%s",
                   p->id, p->plugin, p->version, (double)p->at_ns / 1e9,
                   (unsigned long long)p->callbacks, where, recorded, now, detail[0] ? "\n  " : "",
                   detail);
}

static void differ_calls(struct judge *judge, const struct record_call *recorded,
                         const struct record_call *now)
{
    char then_words[WORDS_LINE] = "does nothing more", now_words[WORDS_LINE] = "does nothing more";
    char detail[WORDS_LINE] = "";
    if (recorded)
        call_words(recorded, then_words);
    if (now)
        call_words(now, now_words);
    if (recorded && now)
        call_difference(recorded, now, detail);
    differ(judge, then_words, now_words, detail);
}

/* ---- a callback ---- */

void judge_begin(struct judge *judge, const struct walk_step *step)
{
    judge->step = step;
    judge->next = 0;
    judge->reserves = 0;
    judge->differed = false;
    judge->played->callbacks++;
    judge->played->events += step->event_count;
}

/* What was not asked for then: the next recorded answer of its kind, or one that is likely. */
static void answer_unexpected(struct judge *judge, struct record_call *call)
{
    const struct walk_step *step = judge->step;
    for (uint32_t i = judge->next; i < step->call_count; i++) {
        if (step->calls[i].call != call->call)
            continue;
        call->code = step->calls[i].code;
        call->result = step->calls[i].result;
        judge->next = i + 1;
        return;
    }
    call->code = HAWSE_OK;
    if (call->call != CALL_QUERY) /* which knows its answer */
        call->result = (uint64_t)MADE_UP << 32 | ++judge->made_up;
}

void judge_call(struct judge *judge, struct record_call *call)
{
    const struct walk_step *step = judge->step;
    const struct record_call *then =
        judge->next < step->call_count ? &step->calls[judge->next] : NULL;
    judge->played->calls++;
    judge->reserves = 0;
    if (judge->counts)
        fold_call(judge->now, call);
    if (!then || !call_same(then, call))
        differ_calls(judge, then, call);
    if (then && then->call == call->call) {
        call->code = then->code;
        call->result = then->result;
        judge->next++;
    } else {
        answer_unexpected(judge, call);
    }
}

bool judge_reserve(struct judge *judge, uint64_t len)
{
    const struct walk_step *step = judge->step;
    const struct record_call *then =
        judge->next < step->call_count ? &step->calls[judge->next] : NULL;
    if (!then || then->call != CALL_RESERVE || then->arg_count != 2 ||
        judge->reserves < then->args[1]) {
        judge->reserves++;
        return true;
    }
    struct record_call call = {.call = CALL_RESERVE, .arg_count = 2, .args = {len, then->args[1]}};
    judge_call(judge, &call);
    return false;
}

void judge_end(struct judge *judge, int32_t result)
{
    const struct walk_step *step = judge->step;
    if (judge->next < step->call_count)
        differ_calls(judge, &step->calls[judge->next], NULL);
    if (result != step->end.result) {
        char then[64], now[64];
        (void)snprintf(then, sizeof(then), "returns %d", step->end.result);
        (void)snprintf(now, sizeof(now), "returns %d", result);
        differ(judge, then, now, "");
    }
    if (!judge->counts)
        return;
    fold_end(judge->now, step->begin.callback, result);
    for (uint32_t i = 0; i < step->call_count; i++)
        fold_call(judge->recorded, &step->calls[i]);
    fold_end(judge->recorded, step->begin.callback, step->end.result);
}
