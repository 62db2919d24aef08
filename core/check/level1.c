/* Level 1: the life of instances. */
#include "check/cases.h"

#include "plugin/internal.h"

#include <dirent.h>
#include <dlfcn.h>
#include <fenv.h>
#include <locale.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CYCLES = 100, WARM = 20 };

/* ---- what cases share ---- */

static struct kit *made(struct check_run *run, bool start)
{
    struct kit *k = NULL;
    int32_t code = kit_create(run->host, run->plugin, run->library->manifest, run->grants,
                              run->settings, run->note->doing, &k);
    if (code != HAWSE_OK) {
        check_fail(run, "create answered %d%s%s", code, k && k->error[0] ? ": " : "",
                   k ? k->error : "");
        kit_free(k);
        return NULL;
    }
    if (start) {
        struct script s;
        script_init(&s, k, run->seed);
        script_demands(&s);
        code = kit_start(k);
        if (code != HAWSE_OK)
            check_fail(run, "start answered %d: %s", code, k->error);
    }
    return k;
}

struct kit *case_live(struct check_run *run)
{
    struct kit *k = made(run, true);
    if (k && k->started)
        kit_pass(k, 20 * KIT_MS);
    return k;
}

static void end(struct check_run *run, struct kit *k)
{
    if (k->ended != HAWSE_OK)
        check_fail(run, "a callback ended the instance with %d: %s", k->ended, k->error);
    if (k->started) {
        int32_t code = kit_stop(k);
        if (code == HAWSE_E_AGAIN)
            check_fail(run, "stop was not done within its second");
        else if (code != HAWSE_OK)
            check_fail(run, "stop answered %d: %s", code, k->error);
    }
    kit_destroy(k);
}

void case_done(struct check_run *run, struct kit *k)
{
    end(run, k);
    kit_free(k);
}

struct kit *case_tour(struct check_run *run, uint64_t seed, uint32_t rounds)
{
    struct script s;
    struct kit *k = case_live(run);
    if (!k)
        return NULL;
    script_init(&s, k, seed);
    script_tour(&s, rounds);
    end(run, k);
    return k;
}

/* ---- the table ---- */

static const hawse_plugin_t *entry(const struct check_run *run)
{
    const hawse_plugin_t *(*fn)(const hawse_host_t *) = NULL;
    *(void **)(void *)&fn = dlsym(run->library->dl, "hawse_plugin_v1");
    return fn ? fn(run->host->table) : NULL;
}

void check_load(struct check_run *run, int arg)
{
    struct fault fault = {0};
    (void)arg;
    run->host = kit_host_create(KIT_SHAPE_PLAIN);
    if (run->host && library_load(run->library, run->host->table, &fault) != HAWSE_OK)
        check_fail(run, "%s%s%s", fault.message, fault.hint[0] ? " | fix: " : "", fault.hint);
}

void check_table_same(struct check_run *run, int arg)
{
    const hawse_plugin_t *again = entry(run);
    hawse_plugin_t copy;
    (void)arg;
    memset(&copy, 0, sizeof(copy));
    if (again)
        memcpy(&copy, again, again->size < sizeof(copy) ? again->size : sizeof(copy));
    if (memcmp(&copy, run->plugin, sizeof(copy)) != 0)
        check_fail(run, "hawse_plugin_v1 gave another table when it was called again");
}

/* ---- lives ---- */

void check_life(struct check_run *run, int arg)
{
    struct kit *k = made(run, true);
    (void)arg;
    if (k)
        case_done(run, k);
}

void check_unstarted(struct check_run *run, int arg)
{
    struct kit *k = made(run, false);
    (void)arg;
    if (k)
        case_done(run, k);
}

void check_idle(struct check_run *run, int arg)
{
    struct kit *k = made(run, true);
    (void)arg;
    if (!k)
        return;
    kit_pass(k, 60 * KIT_SECOND);
    case_done(run, k);
}

void check_stop(struct check_run *run, int arg)
{
    struct kit *k = made(run, true);
    (void)arg;
    if (!k)
        return;
    k->answers.never = true; /* requests stay open for ever: stop does not wait for them */
    kit_pass(k, KIT_SECOND);
    case_done(run, k);
}

static size_t entries(const char *folder)
{
    DIR *dir = opendir(folder);
    size_t n = 0;
    const struct dirent *e;
    while (dir && (e = readdir(dir)))
        n += e->d_name[0] != '.';
    if (dir)
        (void)closedir(dir);
    return n;
}

struct use {
    size_t fds, threads, heap;
};

static struct use in_use(void)
{
    struct mallinfo2 heap = mallinfo2();
    return (struct use){entries("/proc/self/fd"), entries("/proc/self/task"),
                        heap.uordblks + heap.hblkhd};
}

enum { LEAK_FDS, LEAK_THREADS, LEAK_HEAP };

void check_cycles(struct check_run *run, int arg)
{
    struct use before = {0};
    for (int i = 0; i < CYCLES; i++) {
        struct kit *k = made(run, true);
        if (!k)
            return;
        kit_pass(k, 20 * KIT_MS);
        case_done(run, k);
        if (i == WARM) /* what is set up once for ever is no leak */
            before = in_use();
    }
    if (arg == LEAK_THREADS)
        (void)usleep(100000); /* one that was told to end may take a moment */
    struct use after = in_use();
    int n = CYCLES - WARM - 1;
    if (arg == LEAK_FDS && after.fds > before.fds)
        check_fail(run, "%d lives left %zu file descriptors open", n, after.fds - before.fds);
    if (arg == LEAK_THREADS && after.threads > 1)
        check_fail(run, "%zu threads are left when all instances are destroyed", after.threads - 1);
    if (arg == LEAK_HEAP && after.heap > before.heap + 2048)
        check_fail(run, "%d lives left %zu bytes of heap allocated", n, after.heap - before.heap);
    if (arg == LEAK_HEAP)
        check_figure(run, "bytes left of a life",
                     after.heap > before.heap ? (double)(after.heap - before.heap) / n : 0);
}

/* ---- hosts of other versions ---- */

static void on_host(struct check_run *run, enum kit_shape shape)
{
    struct kit_host *host = kit_host_create(shape);
    const hawse_plugin_t *table;
    if (!host)
        return;
    run->host = host;
    (void)snprintf(run->note->doing, CHECK_DOING, "hawse_plugin_v1");
    table = entry(run);
    if (!table) {
        check_fail(run, "hawse_plugin_v1 gave no table to a host whose own has %u bytes",
                   host->table->size);
        return;
    }
    struct kit *k = case_tour(run, run->seed, 8);
    kit_free(k);
}

void check_newer_host(struct check_run *run, int arg)
{
    (void)arg;
    on_host(run, KIT_SHAPE_NEWER);
}

void check_older_host(struct check_run *run, int arg)
{
    (void)arg;
    on_host(run, KIT_SHAPE_EXACT);
}

/* ---- create that fails ---- */

/* create, with its nth call that can fail failing; false when it makes no so many. */
static bool create_with_fault(struct check_run *run, uint64_t n, int32_t *code, struct kit **out)
{
    struct kit *k =
        kit_new(run->host, run->plugin, run->library->manifest, run->grants, run->note->doing);
    if (!k)
        return false;
    k->fault =
        (struct kit_fault){.call = KIT_CALL_ANY, .first = n, .last = n, .code = HAWSE_E_LIMIT};
    *code = kit_make(k, run->settings);
    *out = k;
    bool failed = k->failed > 0;
    if (*code == HAWSE_OK) {
        if (kit_start(k) == HAWSE_OK)
            (void)kit_stop(k);
        kit_destroy(k);
    }
    return failed;
}

void check_failing_create(struct check_run *run, int arg)
{
    struct kit *k = NULL;
    struct use before = {0};
    int32_t code;
    uint64_t calls = 1;
    bool fatal[64] = {false};
    (void)arg;
    for (; calls < 64 && create_with_fault(run, calls, &code, &k); calls++) {
        fatal[calls] = code != HAWSE_OK;
        kit_free(k);
    }
    kit_free(k); /* the one in which none failed */
    for (int i = 0; i < 60; i++) {
        for (uint64_t n = 1; n < calls; n++) {
            if (!fatal[n] || !create_with_fault(run, n, &code, &k))
                continue;
            if (code != HAWSE_OK && k->state)
                check_fail(run, "create answered %d and yet gave a state", code);
            kit_free(k);
        }
        if (i == WARM)
            before = in_use();
    }
    struct use after = in_use();
    if (after.heap > before.heap + 2048)
        check_fail(run, "39 rounds of creates that failed left %zu bytes of heap allocated",
                   after.heap - before.heap);
    check_figure(run, "calls of create that can fail", (double)(calls - 1));
}

void check_create_words(struct check_run *run, int arg)
{
    struct kit *k = NULL;
    int32_t code;
    (void)arg;
    for (uint64_t n = 1; n < 64 && create_with_fault(run, n, &code, &k); n++) {
        if (code != HAWSE_OK && !k->error[0])
            check_fail(run, "create answered %d without a word to set_error", code);
        kit_free(k);
        k = NULL;
    }
    kit_free(k);
}

/* ---- two of them ---- */

void check_two(struct check_run *run, int arg)
{
    struct kit *alone = case_tour(run, run->seed, 24), *one, *two;
    struct script s1, s2;
    (void)arg;
    if (!alone)
        return;
    uint64_t hash = alone->words;
    kit_free(alone);
    one = case_live(run);
    two = one ? made(run, true) : NULL;
    if (!two)
        return;
    script_init(&s1, one, run->seed);
    script_init(&s2, two, run->seed + 1);
    for (int i = 0; i < 24; i++) {
        script_tour(&s1, 1);
        script_tour(&s2, 1);
    }
    end(run, one);
    end(run, two);
    if (one->words != hash)
        check_fail(run, "an instance does something else when there is a second one: what "
                        "changes belongs into the state of the instance");
    kit_free(one);
    kit_free(two);
}

/* ---- interfaces ---- */

void check_query(struct check_run *run, int arg)
{
    static const char *const ids[] = {"org.example.nobody/1", "hawse.state/999", "", "hawse.",
                                      "hawse.state/1 and more"};
    (void)arg;
    if (!run->plugin->query)
        return;
    (void)snprintf(run->note->doing, CHECK_DOING, "query");
    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        if (run->plugin->query(ids[i]))
            check_fail(run, "query gave an interface for \"%s\", which nobody has defined", ids[i]);
    }
}

/* ---- what belongs to the process ---- */

struct process {
    struct sigaction signals[32];
    char folder[4096];
    char locale[128];
    mode_t mask;
    int rounding;
    sigset_t blocked;
};

static void look_at(struct process *p)
{
    memset(p, 0, sizeof(*p));
    for (int i = 1; i < 32; i++)
        (void)sigaction(i, NULL, &p->signals[i]);
    if (!getcwd(p->folder, sizeof(p->folder)))
        p->folder[0] = '\0';
    (void)snprintf(p->locale, sizeof(p->locale), "%s", setlocale(LC_ALL, NULL));
    p->mask = umask(0);
    (void)umask(p->mask);
    p->rounding = fegetround();
    (void)sigprocmask(SIG_BLOCK, NULL, &p->blocked);
}

void check_process_state(struct check_run *run, int arg)
{
    struct process before, after;
    (void)arg;
    look_at(&before);
    kit_free(case_tour(run, run->seed, 8));
    look_at(&after);
    for (int i = 1; i < 32; i++) {
        if (before.signals[i].sa_handler != after.signals[i].sa_handler)
            check_fail(run, "it changed what signal %d does", i);
    }
    if (memcmp(&before.blocked, &after.blocked, sizeof(before.blocked)) != 0)
        check_fail(run, "it changed which signals are blocked");
    if (strcmp(before.folder, after.folder) != 0)
        check_fail(run, "it changed the working directory");
    if (strcmp(before.locale, after.locale) != 0 || before.rounding != after.rounding)
        check_fail(run, "it changed the locale or the rounding of numbers");
    if (before.mask != after.mask)
        check_fail(run, "it changed the mask of new files");
}
