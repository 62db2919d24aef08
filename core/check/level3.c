/* Level 3: a host that fails in every way it is allowed to. */
#include "check/cases.h"

#include "check/hooks.h"

#include <string.h>

enum { TORTURE = 64, MEMORY = 200, LONG_S = 40 };

/* A life under a fault, as far as it goes; nothing it answers is wrong, but it comes back. Gives
 * how many calls were made to fail. */
static uint64_t under(struct check_run *run, const struct kit_fault *fault, uint32_t rounds,
                      uint64_t *fallible)
{
    struct script s;
    struct kit *k =
        kit_new(run->host, run->plugin, run->library->manifest, run->grants, run->note->doing);
    if (!k)
        return 0;
    k->fault = *fault;
    if (kit_make(k, run->settings) == HAWSE_OK) {
        script_init(&s, k, run->seed);
        script_demands(&s);
        if (kit_start(k) == HAWSE_OK) {
            script_tour(&s, rounds);
            kit_pass(k, 2 * KIT_SECOND);
            (void)kit_stop(k);
        }
        kit_destroy(k);
    }
    uint64_t failed = k->failed;
    if (fallible)
        *fallible = k->fallible;
    kit_free(k);
    return failed;
}

void check_services(struct check_run *run, int arg)
{
    (void)arg;
    run->host->no_services = true;
    kit_free(case_tour(run, run->seed, 12));
}

/* arg: the first call of a group; the group reaches to that before the next group */
void check_call(struct check_run *run, int arg)
{
    static const int32_t codes[] = {HAWSE_E_LIMIT, HAWSE_E_NOTFOUND, HAWSE_E_STATE,
                                    HAWSE_E_INTERNAL, HAWSE_E_TIMEOUT};
    uint64_t failed = 0;
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        struct kit_fault fault = {
            .call = (enum kit_call)arg, .first = 1, .last = UINT64_MAX, .code = codes[i]};
        failed += under(run, &fault, 30, NULL);
    }
    if (failed == 0)
        check_skip(run, "it never calls %s", kit_call_name((enum kit_call)arg));
}

/* arg: a code that each call gives in turn */
void check_torture(struct check_run *run, int arg)
{
    struct kit_fault none = {.call = KIT_CALL_ANY};
    uint64_t count = 0, failed = 0;
    (void)under(run, &none, 6, &count);
    uint64_t step = count / TORTURE + 1;
    for (uint64_t n = 1; n <= count; n += n < 24 ? 1 : step) {
        struct kit_fault fault = {.call = KIT_CALL_ANY, .first = n, .last = n, .code = arg};
        failed += under(run, &fault, 6, NULL);
    }
    if (failed == 0)
        check_skip(run, "it calls nothing that can fail");
    check_figure(run, "calls made to fail", (double)failed);
}

static struct kit *answered(struct check_run *run, const struct kit_answers *answers)
{
    struct script s;
    struct kit *k = case_live(run);
    if (!k)
        return NULL;
    k->answers = *answers;
    script_init(&s, k, run->seed);
    for (int i = 0; i < LONG_S && k->ended == HAWSE_OK; i++) {
        script_tour(&s, 1);
        kit_pass(k, KIT_SECOND);
    }
    return k;
}

/* arg: the status with which every request ends */
void check_answer(struct check_run *run, int arg)
{
    struct kit_answers answers = {.status = arg,
                                  .body = arg == HAWSE_OK ? "{\"unexpected\":[1,{}]}" : "no luck",
                                  .last_step = HAWSE_INTENT_CONFIRMED};
    struct kit *k = answered(run, &answers);
    if (!k)
        return;
    if (k->request_count == 0)
        check_skip(run, "it asks nothing");
    case_done(run, k);
}

void check_resend(struct check_run *run, int arg)
{
    struct kit_answers answers = {.status = HAWSE_E_UNKNOWN,
                                  .body = "the connection was lost",
                                  .last_step = HAWSE_INTENT_UNKNOWN};
    struct kit *k = answered(run, &answers);
    (void)arg;
    if (!k)
        return;
    if (k->unknown_count == 0)
        check_skip(run, "it sends nothing whose outcome could be unknown");
    if (k->resent > 0)
        check_fail(run, "what may have been done was sent %llu times again",
                   (unsigned long long)k->resent);
    case_done(run, k);
}

/* arg: the step with which every intent ends */
void check_step(struct check_run *run, int arg)
{
    struct kit_answers answers = {.status = HAWSE_E_REMOTE,
                                  .body = "{\"code\":-32601,\"message\":\"not offered\"}",
                                  .last_step = (uint32_t)arg};
    struct kit *k = answered(run, &answers);
    if (!k)
        return;
    if (k->intent_count == 0)
        check_skip(run, "it proposes no intent");
    case_done(run, k);
}

void check_no_connection(struct check_run *run, int arg)
{
    struct kit *k = case_live(run);
    (void)arg;
    if (!k)
        return;
    uint64_t before = k->calls[KIT_STREAM_OPEN] + k->calls[KIT_STREAM_RECONNECT];
    k->answers.no_connection = true;
    for (uint32_t i = 0; i < k->stream_count; i++)
        kit_connect(k, kit_handle(k, KIT_H_STREAM, i), false, HAWSE_E_IO, "connection refused");
    for (int i = 0; i < LONG_S && k->ended == HAWSE_OK; i++) {
        kit_pass(k, KIT_SECOND);
        for (uint32_t n = 0; n < k->stream_count; n++)
            kit_connect(k, kit_handle(k, KIT_H_STREAM, n), false, HAWSE_E_IO, "connection refused");
    }
    uint64_t tries = k->calls[KIT_STREAM_OPEN] + k->calls[KIT_STREAM_RECONNECT] - before;
    if (k->stream_count == 0)
        check_skip(run, "it opens no stream");
    if (tries > (uint64_t)LONG_S * 2 * k->stream_count)
        check_fail(run,
                   "in %d s without a connection it asked %llu times for one: the host tries "
                   "by itself",
                   LONG_S, (unsigned long long)tries);
    case_done(run, k);
}

void check_backoff(struct check_run *run, int arg)
{
    struct kit *k = case_live(run);
    (void)arg;
    if (!k)
        return;
    uint32_t before = k->request_count;
    kit_pass(k, 10 * KIT_SECOND);
    double rate = (k->request_count - before) / 10.0;
    if (k->request_count == 0)
        check_skip(run, "it asks nothing");
    if (rate > 100)
        check_fail(run, "when each answer is an error it asks %.0f times a second", rate);
    check_figure(run, "requests a second when all are refused", rate);
    case_done(run, k);
}

/* Each allocation of a life fails in turn. */
void check_memory(struct check_run *run, int arg)
{
    struct kit_fault none = {.call = KIT_CALL_ANY};
    (void)arg;
    if (!hooks_install(run->library->dl)) {
        check_skip(run, "its import table cannot be read");
        return;
    }
    (void)under(run, &none, 6, NULL);
    uint64_t count = hooks_counts().allocations, refused = 0;
    uint64_t step = count / MEMORY + 1;
    for (uint64_t n = 1; n <= count; n += n < 64 ? 1 : step) {
        hooks_reset(n);
        (void)under(run, &none, 6, NULL);
        refused += hooks_counts().refused;
    }
    hooks_reset(0);
    if (refused == 0)
        check_skip(run, "it allocates nothing");
    check_figure(run, "allocations made to fail", (double)refused);
}
