/*
 * What a worker process does: gives up its rights, loads one plugin, and runs its callbacks when it
 * has the turn. The host's table that the plugin holds here is the one that replays know too: each
 * call becomes a record, which goes to the host and comes back with its answer.
 */
#include "host/tap.h"
#include "plugin/elf_file.h"
#include "plugin/internal.h"
#include "worker/process.h"
#include "worker/seal.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <hawse/service/state.h>
#include <jansson.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PLUGIN_PATH "/proc/self/fd/5"

struct child {
    struct host_api api; /* what the plugin holds */
    struct tap_replay replay;
    struct link_control *link;
    struct link_patience patience;  /* within a callback, for the answer to a call */
    struct link_patience between;   /* and between callbacks */
    struct robust_list_head robust; /* by which the kernel tells the host of the end */
    struct robust_list turn;
    const uint8_t *told;
    uint8_t *said;
    uint8_t *reserved;
    uint8_t *kept; /* a state, until it can be said */
    hawse_plugin_t table;
    void *state;
    bool running; /* a callback runs: calls may be made */
};

/* ---- calls of the plugin ---- */

/* Copies what a call says to where the host finds it. False: more than there is room for. */
static bool say(struct child *c, const struct record_call *call)
{
    struct link_call *out = &c->link->call;
    uint64_t at = 0;
    out->call = call->call;
    out->arg_count = call->arg_count;
    out->view_count = call->view_count;
    memcpy(out->args, call->args, call->arg_count * sizeof(out->args[0]));
    for (uint32_t i = 0; i < call->view_count; i++) {
        const hawse_view_t *v = &call->views[i];
        if (v->len > LINK_SAID_BYTES - at)
            return false;
        out->views[i] = (struct link_view){.offset = v->data ? at : LINK_NOTHING, .len = v->len};
        if (v->len > 0)
            memcpy(c->said + at, v->data, v->len);
        at = record_pad(at + v->len);
        if (at > LINK_SAID_BYTES)
            at = LINK_SAID_BYTES;
    }
    return true;
}

static void answer(void *ctx, hawse_instance_t self, struct record_call *call)
{
    struct child *c = ctx;
    call->result = 0;
    if (!c->running || self != c->link->handle) {
        call->code = c->running ? HAWSE_E_STALE : HAWSE_E_STATE;
        return;
    }
    if (!say(c, call)) {
        call->code = HAWSE_E_LIMIT;
        return;
    }
    c->link->kind = LINK_CALL;
    link_give(c->link, LINK_TURN_HOST);
    link_wait_worker(c->link, &c->patience);
    call->code = c->link->call.code;
    call->result = c->link->call.result;
}

static uint64_t now(void *ctx, uint32_t clock)
{
    const struct child *c = ctx;
    return clock == HAWSE_CLOCK_UTC ? c->link->utc_ns : c->link->now_ns;
}

/* Room of its own: what is published is copied into the host's arena anyhow. */
static uint8_t *reserve(void *ctx, hawse_instance_t self, uint64_t len)
{
    const struct child *c = ctx;
    struct record_call call = {.call = CALL_RESERVE, .arg_count = 1, .args = {len}};
    if (!c->running || self != c->link->handle || len > BUS_RECORD_MAX)
        return NULL;
    if (c->link->asks_reserve)
        answer(ctx, self, &call);
    return call.code == HAWSE_OK ? c->reserved : NULL;
}

/* ---- callbacks ---- */

static hawse_view_t settings_of(const struct child *c)
{
    return (hawse_view_t){.data = c->told, .len = c->link->count};
}

static const hawse_state_interface_t *state_interface(const struct child *c)
{
    const hawse_state_interface_t *s = c->table.query ? c->table.query(HAWSE_STATE_ID) : NULL;
    return s && s->size >= sizeof(*s) && s->save && s->restore ? s : NULL;
}

static int32_t save(struct child *c)
{
    const hawse_state_interface_t *s = state_interface(c);
    uint64_t need = 0;
    if (!s)
        return HAWSE_E_UNSUPPORTED;
    int32_t code = s->save(c->state, c->kept, HAWSE_STATE_MAX, &need);
    if (code >= 0 && need > HAWSE_STATE_MAX)
        code = HAWSE_E_NOSPACE;
    if (code >= 0)
        memcpy(c->said, c->kept, need);
    c->link->number = need;
    return code;
}

static int32_t restore(struct child *c)
{
    const hawse_state_interface_t *s = state_interface(c);
    hawse_view_t saved = {.data = c->told + record_pad(c->link->count), .len = c->link->number};
    if (!s)
        return HAWSE_E_UNSUPPORTED;
    c->state = NULL;
    int32_t code = s->restore(&c->api.table, c->link->handle, settings_of(c), saved, &c->state);
    c->link->number = c->state != NULL;
    return code;
}

static int32_t run(struct child *c, uint32_t kind)
{
    switch (kind) {
    case LINK_CREATE:
        c->state = NULL;
        int32_t code = c->table.create(&c->api.table, c->link->handle, settings_of(c), &c->state);
        c->link->number = c->state != NULL;
        return code;
    case LINK_START:
        return c->table.start(c->state);
    case LINK_EVENTS:
        return c->table.on_events(c->state, (const hawse_event_t *const *)(const void *)c->told,
                                  c->link->count);
    case LINK_STOP:
        return c->table.stop(c->state, c->link->number);
    case LINK_DESTROY:
        c->table.destroy(c->state);
        return HAWSE_OK;
    case LINK_SAVE:
        return save(c);
    case LINK_RESTORE:
        return restore(c);
    default:
        return HAWSE_E_UNSUPPORTED;
    }
}

/* What the lane wrote on another CPU comes line by line, each after the one that says where it is,
 * unless all are asked for at once: the first event's pointer, its header, and its bytes. */
static void fetch_ahead(const struct child *c)
{
    enum { LINE = 64, HEAD_LINES = 2, DATA_LINES = 8 };
    uintptr_t ahead = (uintptr_t)c->link->ahead;
    const uint8_t *data;
    memcpy(&data, &ahead, sizeof(data));
    for (size_t i = 0; i < HEAD_LINES; i++)
        __builtin_prefetch(c->told + i * LINE);
    for (size_t i = 0; i < DATA_LINES && data; i++)
        __builtin_prefetch(data + i * LINE);
}

static _Noreturn void serve(struct child *c)
{
    for (;;) {
        link_give(c->link, LINK_TURN_HOST);
        link_wait_worker(c->link, &c->between);
        fetch_ahead(c);
        c->running = true;
        int32_t code = run(c, c->link->kind);
        c->running = false;
        c->link->code = code;
        c->link->kind = LINK_RETURN;
    }
}

/* ---- getting ready ---- */

static int32_t map(struct child *c, struct fault *fault)
{
    void *control =
        mmap(NULL, LINK_CONTROL_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, LINK_FD_CONTROL, 0);
    void *told = mmap(NULL, LINK_TOLD_BYTES, PROT_READ, MAP_SHARED, LINK_FD_TOLD, 0);
    c->reserved =
        mmap(NULL, BUS_RECORD_MAX, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    c->kept =
        mmap(NULL, HAWSE_STATE_MAX, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    void *received = NULL;
    if (control != MAP_FAILED && ((struct link_control *)control)->received > 0)
        received = mmap(NULL, ((struct link_control *)control)->received, PROT_READ, MAP_SHARED,
                        LINK_FD_RECEIVED, 0);
    if (control == MAP_FAILED || told == MAP_FAILED || received == MAP_FAILED ||
        c->reserved == MAP_FAILED || c->kept == MAP_FAILED)
        return fault_set(fault, HAWSE_E_NOMEM, "a worker could not map what it shares: %s",
                         strerror(errno));
    c->link = control;
    c->said = (uint8_t *)control + LINK_SAID_AT;
    c->told = told;
    c->link->told_at = (uintptr_t)told;
    c->link->received_at = (uintptr_t)received;
    c->patience = (struct link_patience){.spin_ns = c->link->spin_ns, .yields = c->link->yields};
    c->between = c->patience;
    c->between.lingers = c->patience.yields; /* on a CPU of its own it is in nobody's way */
    /* a list of one: the word with the turn, wherever it is mapped */
    c->turn.next = &c->robust.list;
    c->robust.list.next = &c->turn;
    c->robust.futex_offset = (long)((intptr_t)&c->link->turn - (intptr_t)&c->turn);
    (void)syscall(SYS_set_robust_list, &c->robust, sizeof(c->robust));
    return HAWSE_OK;
}

/* Libraries of the system that the plugin is linked with, while files are still there. Those beside
 * the plugin are as little trusted as itself, and would run their code before the walls stand. */
static int32_t load_needed(int fd, struct fault *fault)
{
    struct stat st;
    struct elf_file elf;
    if (fstat(fd, &st) != 0)
        return fault_set(fault, HAWSE_E_IO, "its file cannot be read: %s", strerror(errno));
    void *file = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (file == MAP_FAILED)
        return fault_set(fault, HAWSE_E_NOMEM, "its file cannot be mapped: %s", strerror(errno));
    int32_t code = elf_read(file, (size_t)st.st_size, &elf, fault);
    for (size_t i = 0; i < elf.needed_count && code == HAWSE_OK; i++) {
        const char *name = i < ELF_NEEDED ? elf.needed[i] : NULL;
        if (!name || strchr(name, '/') || !dlopen(name, RTLD_NOW | RTLD_LOCAL)) {
            code = fault_set(fault, HAWSE_E_IO,
                             "needs the library %s, which is not one of the system's",
                             name ? name : "?");
            fault_hint(fault, "link it statically: a worker loads no libraries from other places");
        }
    }
    (void)munmap(file, (size_t)st.st_size);
    return code;
}

/* Bytes that are mapped by now; what the plugin may have comes on top. */
static uint64_t mapped(void)
{
    unsigned long long pages = 0;
    FILE *f = fopen("/proc/self/statm", "re");
    int n = f ? fscanf(f, "%llu", &pages) : 0;
    if (f)
        (void)fclose(f);
    return n == 1 ? pages * (uint64_t)sysconf(_SC_PAGESIZE) : 1ull << 30;
}

static int32_t load_plugin(struct child *c, struct fault *fault)
{
    void *dl = dlopen(PLUGIN_PATH, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (!dl)
        return fault_set(fault, HAWSE_E_IO, "cannot be loaded: %s", dlerror());
    const hawse_plugin_t *(*entry)(const hawse_host_t *) = NULL;
    *(void **)(void *)&entry = dlsym(dl, "hawse_plugin_v1");
    if (!entry)
        return fault_set(fault, HAWSE_E_IO, "hawse_plugin_v1 could not be found");
    char id[sizeof(c->link->id)];
    memcpy(id, c->link->id, sizeof(id));
    id[sizeof(id) - 1] = '\0';
    return library_check_table(entry(&c->api.table), id, &c->table, fault);
}

static int32_t prepare(struct child *c, struct fault *fault)
{
    /* a descriptor with a position of its own: workers of one file are loaded at the same time */
    int file = open(PLUGIN_PATH, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return fault_set(fault, HAWSE_E_IO, "its file cannot be opened: %s", strerror(errno));
    int32_t code = load_needed(file, fault);
    json_object_seed(0); /* which reads a file, later than one can */
    uint64_t memory = mapped() + c->link->memory;
    if (code != HAWSE_OK)
        return code;
    seal_leave(c->link);
    /* once more: a change of user has taken both back */
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (getppid() != (pid_t)c->link->host)
        _exit(1);
    code = seal_limits(memory, fault);
    if (code == HAWSE_OK)
        code = seal_filter(c->link, PLUGIN_PATH, file, fault);
    if (code == HAWSE_OK)
        code = load_plugin(c, fault);
    return code == HAWSE_OK ? seal_close(fault) : code;
}

int worker_child(void)
{
    static struct child c;
    struct fault fault = {0};
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    (void)syscall(SYS_close_range, LINK_FDS, ~0u, 0);
    c.api.table = tap_table;
    c.api.replay = &c.replay;
    c.replay = (struct tap_replay){.ctx = &c, .answer = answer, .now = now, .reserve = reserve};
    if (map(&c, &fault) != HAWSE_OK)
        return 1;
    int32_t code = prepare(&c, &fault);
    c.link->kind = LINK_READY;
    c.link->code = code;
    (void)snprintf(c.link->words, sizeof(c.link->words), "%.*s", LINK_WORDS - 1, fault.message);
    if (code != HAWSE_OK) {
        link_give(c.link, LINK_TURN_HOST);
        for (;;)
            link_wait_worker(c.link, &c.patience);
    }
    serve(&c);
}
