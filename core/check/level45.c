/* Levels 4 and 5: threads, and doing the same again. */
#include "check/cases.h"

#include "check/hooks.h"

#include <malloc.h>
#include <string.h>

/* ---- level 4 ---- */

struct ride {
    struct script *script;
    uint32_t rounds;
};

static void *ride(void *ctx)
{
    struct ride *r = ctx;
    script_tour(r->script, r->rounds);
    return NULL;
}

/* One lane, but every callback on another thread. */
void check_moved(struct check_run *run, int arg)
{
    struct script s;
    struct kit *k = case_live(run);
    (void)arg;
    if (!k)
        return;
    script_init(&s, k, run->seed);
    for (int i = 0; i < 12; i++) {
        struct ride r = {&s, 1};
        pthread_t thread;
        if (pthread_create(&thread, NULL, ride, &r) != 0)
            break;
        (void)pthread_join(thread, NULL);
    }
    case_done(run, k);
}

void check_together(struct check_run *run, int arg)
{
    struct script s[2];
    struct ride r[2];
    pthread_t threads[2];
    struct kit *k[2], *alone = case_tour(run, run->seed, 12);
    (void)arg;
    if (!alone)
        return;
    uint64_t words = alone->words;
    kit_free(alone);
    k[0] = case_live(run);
    k[1] = k[0] ? case_live(run) : NULL;
    if (!k[1])
        return;
    for (int i = 0; i < 2; i++) {
        k[i]->meet = true;
        k[i]->doing = NULL; /* one text, two threads */
        script_init(&s[i], k[i], run->seed + (uint64_t)i);
        r[i] = (struct ride){&s[i], 12};
        if (pthread_create(&threads[i], NULL, ride, &r[i]) != 0)
            return;
    }
    for (int i = 0; i < 2; i++)
        (void)pthread_join(threads[i], NULL);
    k[0]->meet = k[1]->meet = false;
    struct kit *first = k[0];
    if (kit_stop(first) == HAWSE_OK)
        kit_destroy(first);
    if (first->words != words)
        check_fail(run, "an instance does something else when another runs on another thread");
    kit_free(first);
    case_done(run, k[1]);
}

/* ---- level 5 ---- */

struct outcome {
    uint64_t words, hash, published;
};

static bool outcome_of(struct check_run *run, uint32_t batch, uint8_t garbage, struct outcome *out)
{
    struct script s;
    struct kit *k = case_live(run);
    if (!k)
        return false;
    k->batch = batch;
    k->garbage = garbage;
    script_init(&s, k, run->seed);
    for (int i = 0; i < 12; i++) {
        script_push(&s, 32);
        script_tour(&s, 1);
    }
    kit_pass(k, 2 * KIT_SECOND);
    *out = (struct outcome){k->words, k->hash, k->published};
    case_done(run, k);
    return true;
}

void check_again(struct check_run *run, int arg)
{
    struct outcome first, other;
    (void)arg;
    if (!outcome_of(run, 8, 0, &first))
        return;
    for (int i = 2; i <= 5 && outcome_of(run, 8, 0, &other); i++) {
        if (other.words != first.words)
            check_fail(run, "run %d of the same events did something else than the first", i);
    }
}

/* arg: a family of the C library that has no place in a replay */
void check_ambient(struct check_run *run, int arg)
{
    static const char *const instead[] = {
        "now() of the host, which is the recorded one in a replay",
        "nothing: a replay can't repeat it", "settings: they are recorded", "the host's services"};
    if (!hooks_install(run->library->dl)) {
        check_skip(run, "its import table cannot be read");
        return;
    }
    kit_free(case_tour(run, run->seed, 24));
    struct hook_counts counts = hooks_counts();
    if (counts.ambient[arg] > 0)
        check_fail(run, "it called %s %llu times; use %s", counts.first[arg],
                   (unsigned long long)counts.ambient[arg], instead[arg]);
}

void check_batches(struct check_run *run, int arg)
{
    static const uint32_t sizes[] = {3, 32};
    struct outcome first, other;
    (void)arg;
    if (!outcome_of(run, 8, 0, &first))
        return;
    for (int i = 0; i < 2 && outcome_of(run, sizes[i], 0, &other); i++) {
        if (other.hash != first.hash)
            check_fail(run, "the same events in batches of %u instead of 8: it did something else",
                       sizes[i]);
    }
}

void check_garbage(struct check_run *run, int arg)
{
    struct outcome first, other;
    (void)arg;
    if (!outcome_of(run, 8, 0x11, &first))
        return;
    (void)mallopt(M_PERTURB, 0x77);
    if (outcome_of(run, 8, 0xee, &other) && other.words != first.words)
        check_fail(run, "what it does depends on memory that was never written");
}

void check_handles(struct check_run *run, int arg)
{
    struct outcome first, other;
    (void)arg;
    if (!outcome_of(run, 8, 0, &first))
        return;
    struct kit *before = kit_new(run->host, run->plugin, run->library->manifest, run->grants, NULL);
    if (outcome_of(run, 8, 0, &other) && other.words != first.words)
        check_fail(run, "what it does depends on the numbers of handles");
    kit_free(before);
}
