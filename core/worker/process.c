/* Starting, asking and ending workers; see process.h. */
#include "worker/process.h"

#include "worker/awake.h"
#include "worker/hear.h"
#include "worker/received.h"
#include "worker/share.h"
#include "worker/syscalls.h"

#include <errno.h>
#include <fcntl.h>
#include <hawse/service/state.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    SLICE_NS = 2000000,  /* between two looks at whether it lives */
    GIVE_BACK = 1 << 20, /* of told pages: what one large event took is given back */
};

struct worker {
    struct link_control *link;
    uint8_t *told;
    int told_fd;                     /* the host's, to give pages back */
    const struct received *received; /* NULL: none */
    uint64_t told_used;              /* most bytes of it since pages were given back */
    pid_t pid;
    int death_fd;
    bool reaped;
    int status; /* of waitid, when reaped */
    int code;
    int32_t cpu, cpu_now;
    uint32_t turn;                 /* what makes it its turn */
    struct link_patience patience; /* while callbacks follow each other, and within one */
    struct link_patience first;    /* for the first leg of others: asleep, on the lane's CPU */
    struct awake awake;
    struct hearing hearing; /* private copy of what it says in a call */
};

static uint64_t clock_ns(void)
{
    struct timespec ts;
    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* ---- starting ---- */

static int32_t spawn(struct worker *w, const struct worker_options *options, int control, int told,
                     struct fault *fault)
{
    posix_spawn_file_actions_t actions;
    char *argv[] = {(char *)"hawse", (char *)"__worker", NULL}, *env[] = {NULL};
    int high[LINK_FDS] = {0}, error = posix_spawn_file_actions_init(&actions);
    const int received = options->received ? options->received->read_fd : told;
    const int from[LINK_FDS] = {-1, -1, -1, control, told, options->plugin_fd, received};
    /* beyond the numbers they are given there, so that none is overwritten before it is moved */
    for (int i = LINK_FD_CONTROL; i < LINK_FDS && error == 0; i++) {
        high[i] = fcntl(from[i], F_DUPFD_CLOEXEC, LINK_FDS);
        error = high[i] < 0 ? errno : posix_spawn_file_actions_adddup2(&actions, high[i], i);
    }
    for (int i = 0; i < LINK_FD_CONTROL && error == 0; i++)
        error = posix_spawn_file_actions_addopen(&actions, i, "/dev/null", O_RDWR, 0);
    if (error == 0)
        error = posix_spawn(&w->pid, options->program ? options->program : "/proc/self/exe",
                            &actions, NULL, argv, env);
    for (int i = LINK_FD_CONTROL; i < LINK_FDS; i++) {
        if (high[i] > 0)
            (void)close(high[i]);
    }
    (void)posix_spawn_file_actions_destroy(&actions);
    if (error == 0)
        return HAWSE_OK;
    w->pid = 0;
    return fault_set(fault, HAWSE_E_IO, "cannot start a worker process: %s", strerror(error));
}

int32_t worker_start(const struct worker_options *options, struct worker **out, struct fault *fault)
{
    struct worker *w = calloc(1, sizeof(*w));
    if (!w)
        return fault_set(fault, HAWSE_E_NOMEM, "no memory for a worker");
    int control = -1, told = -1;
    w->told_fd = w->death_fd = -1;
    w->cpu = options->cpu;
    w->cpu_now = -1;
    w->patience.spin_ns = options->spin_ns;
    w->patience.yields = options->cpu < 0;
    w->first.spin_ns = options->cpu < 0 ? 0 : options->spin_ns;
    worker_poked(w, options->poked);
    w->received = options->received;
    uint8_t *link = NULL;
    int32_t code = share_memory("hawse-worker", LINK_CONTROL_BYTES, &control, &link);
    w->link = (struct link_control *)(void *)link;
    w->awake = (struct awake){.link = w->link,
                              .window_ns = options->cpu < 0 ? options->spin_ns : 0,
                              .asked = options->asked};
    if (code == HAWSE_OK)
        code = share_memory("hawse-told", LINK_TOLD_BYTES, &w->told_fd, &w->told);
    if (code == HAWSE_OK && (told = share_read_only(w->told_fd)) < 0)
        code = HAWSE_E_IO;
    if (code != HAWSE_OK) {
        (void)fault_set(fault, code, "no shared memory for a worker: %s", strerror(errno));
    } else {
        w->link->spin_ns = options->spin_ns;
        w->link->yields = options->cpu < 0;
        w->link->memory = options->memory;
        w->link->received = options->received ? RECEIVED_BYTES : 0;
        w->link->host = getpid();
        w->link->asks_reserve = options->asks_reserve;
        (void)snprintf(w->link->id, sizeof(w->link->id), "%s", options->id);
        w->link->turn = LINK_TURN_LOADING;
        code = spawn(w, options, control, told, fault);
    }
    if (control >= 0)
        (void)close(control);
    if (told >= 0)
        (void)close(told);
    if (code != HAWSE_OK) {
        worker_destroy(w);
        return code;
    }
    w->turn = (uint32_t)w->pid | FUTEX_WAITERS;
    w->death_fd = (int)syscall(SYS_pidfd_open, w->pid, 0);
    if (w->death_fd >= 0)
        (void)fcntl(w->death_fd, F_SETFD, FD_CLOEXEC);
    *out = w;
    return HAWSE_OK;
}

/* ---- ending ---- */

static bool reap(struct worker *w, bool wait)
{
    siginfo_t info = {0};
    if (w->reaped || w->pid <= 0)
        return w->reaped;
    int n;
    while ((n = waitid(P_PID, (id_t)w->pid, &info, WEXITED | (wait ? 0 : WNOHANG))) != 0 &&
           errno == EINTR)
        ;
    if (n == 0 && info.si_pid != w->pid)
        return false;
    w->reaped = true; /* or gone, in whatever way */
    w->code = info.si_code;
    w->status = info.si_status;
    return true;
}

/* What it wrote to standard error last, as one line of plain text; "" when nothing. */
static void last_written(const struct worker *w, char words[LINK_WORDS])
{
    memcpy(words, w->link->words, LINK_WORDS);
    words[(w->link->wrote & LINK_WROTE_ERROR) ? LINK_WORDS - 1 : 0] = '\0';
    size_t n = strlen(words);
    while (n > 0 && (words[n - 1] == '\n' || words[n - 1] == ' '))
        words[--n] = '\0';
    for (size_t i = 0; i < n; i++)
        words[i] = words[i] >= ' ' && words[i] <= '~' ? words[i] : ' ';
}

/* By its own account first: it names what the kernel's status does not. */
static void tell_end(const struct worker *w, struct fault *fault)
{
    uint32_t end = w->link->end, number = w->link->end_number;
    const char *memory =
        w->link->out_of_memory ? "; its memory was used up (limit \"worker.memory_mib\")" : "";
    char words[LINK_WORDS];
    last_written(w, words);
    const char *before = words[0] ? "; it wrote before: " : "";
    if (w->code != CLD_EXITED && w->status == SIGKILL) {
        (void)fault_set(fault, HAWSE_E_INTERNAL, "its worker was killed from outside");
    } else if (end == LINK_END_SYSCALL || w->status == SIGSYS) {
        (void)fault_set(fault, HAWSE_E_DENIED, "its worker made the forbidden system call %s (%u)",
                        syscall_name(number), number);
        fault_hint(fault, "plugins have no files, sockets, processes, threads or sleep: they ask "
                          "the host");
    } else if (end == LINK_END_WROTE) {
        (void)fault_set(fault, HAWSE_E_DENIED,
                        "its worker wrote into received bytes, which are the host's");
        fault_hint(fault, "events are read where they are: a plugin copies what it changes");
    } else if (end == LINK_END_SIGNAL || w->code != CLD_EXITED) {
        int sig = end == LINK_END_SIGNAL ? (int)(number & 127u) : w->status;
        (void)fault_set(fault, HAWSE_E_INTERNAL, "its worker crashed with signal %d (%s)%s%s%.200s",
                        sig, strsignal(sig), memory, before, words);
    } else {
        (void)fault_set(fault, HAWSE_E_INTERNAL,
                        "its worker ended by itself with exit code %d%s%s%.200s", w->status, memory,
                        before, words);
    }
}

bool worker_ended(struct worker *w, struct fault *fault)
{
    if (!reap(w, false))
        return false;
    tell_end(w, fault);
    return true;
}

void worker_destroy(struct worker *w)
{
    if (!w)
        return;
    awake_forget(&w->awake);
    if (w->pid > 0 && !w->reaped) {
        (void)kill(w->pid, SIGKILL);
        (void)reap(w, true);
    }
    if (w->death_fd >= 0)
        (void)close(w->death_fd);
    if (w->told_fd >= 0)
        (void)close(w->told_fd);
    if (w->told)
        (void)munmap(w->told, LINK_TOLD_BYTES);
    if (w->link)
        (void)munmap(w->link, LINK_CONTROL_BYTES);
    hear_finish(&w->hearing);
    free(w);
}

/* ---- turns ---- */

/* Where the lane runs, unless it has a CPU of its own: waking a process there costs two
 * microseconds, elsewhere an idle CPU has to be woken first. */
static void follow(struct worker *w)
{
    int cpu = w->cpu >= 0 ? w->cpu : sched_getcpu();
    if (cpu < 0 || cpu == w->cpu_now)
        return;
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((size_t)cpu, &set);
    w->cpu_now = cpu; /* also when it may not be: no second attempt */
    (void)sched_setaffinity(w->pid, sizeof(set), &set);
}

/* Until the worker has given the turn back. */
static int32_t await(struct worker *w, const struct link_patience *patience, uint64_t until_ns,
                     struct fault *fault)
{
    while (!link_wait_host(w->link, patience)) {
        bool dying = (__atomic_load_n(&w->link->turn, __ATOMIC_RELAXED) & FUTEX_OWNER_DIED) != 0;
        if (dying)
            (void)kill(w->pid, SIGKILL); /* lest one that only says so is waited for */
        if (reap(w, dying)) {
            tell_end(w, fault);
            return HAWSE_E_INTERNAL;
        }
        if (clock_ns() > until_ns)
            return HAWSE_E_TIMEOUT;
    }
    return HAWSE_OK;
}

int32_t worker_ready(struct worker *w, uint64_t wait_ns, struct fault *fault)
{
    char words[LINK_WORDS];
    const struct link_patience short_sleeps = {.timeout_ns =
                                                   wait_ns < SLICE_NS ? wait_ns : SLICE_NS};
    int32_t code = await(w, &short_sleeps, clock_ns() + wait_ns, fault);
    if (code == HAWSE_E_TIMEOUT)
        return HAWSE_E_AGAIN;
    if (code != HAWSE_OK)
        return code;
    code = w->link->code;
    if (w->link->kind != LINK_READY || code > 0)
        return fault_set(fault, HAWSE_E_FORMAT,
                         "its worker answered something else than it should");
    if (code == HAWSE_OK)
        return HAWSE_OK;
    memcpy(words, w->link->words, sizeof(words));
    words[sizeof(words) - 1] = '\0';
    return fault_set(fault, code, "%s", words);
}

/* ---- what is told ---- */

/* Whether it is read where it is; then its address in the worker. */
static bool is_lent(const struct worker *w, const hawse_event_t *event, uint64_t *address)
{
    uint64_t offset = 0;
    if (!w->received || !received_find(w->received, event->data, event->len, &offset))
        return false;
    *address = w->link->received_at + offset;
    return true;
}

static uint64_t told_len(const struct worker *w, const hawse_event_t *event)
{
    uint64_t address, head = sizeof(hawse_event_t *) + sizeof(*event);
    if (is_lent(w, event, &address))
        return head;
    return event->len > LINK_TOLD_BYTES ? event->len
                                        : head + record_pad(event->len) + HAWSE_PADDING;
}

uint32_t worker_fits(const struct worker *w, const hawse_event_t *const *events, uint32_t n)
{
    uint64_t room = LINK_TOLD_BYTES;
    for (uint32_t i = 0; i < n; i++) {
        uint64_t len = told_len(w, events[i]);
        if (len > room)
            return i;
        room -= len;
    }
    return n;
}

/* Pointers, headers, then the data that is copied, as the worker will see them. */
static uint64_t tell_events(struct worker *w, const hawse_event_t *const *events, uint32_t n,
                            uint64_t *ahead)
{
    uint64_t base = w->link->told_at;
    uint64_t *pointers = (uint64_t *)(void *)w->told;
    hawse_event_t *headers = (hawse_event_t *)(void *)(w->told + n * sizeof(uint64_t));
    uint64_t at = n * (sizeof(uint64_t) + sizeof(headers[0]));
    for (uint32_t i = 0; i < n; i++) {
        uint64_t data = 0; /* an address over there */
        pointers[i] = base + (uint64_t)((uint8_t *)&headers[i] - w->told);
        headers[i] = *events[i];
        if (events[i]->len > 0 && !is_lent(w, events[i], &data)) {
            data = base + at;
            memcpy(w->told + at, events[i]->data, events[i]->len);
            at += record_pad(events[i]->len) + HAWSE_PADDING;
        }
        memcpy(&headers[i].data, &data, sizeof(data));
        *ahead = i == 0 ? data : *ahead;
    }
    return at;
}

static void tell(struct worker *w, const struct worker_job *job)
{
    struct link_control *link = w->link;
    uint64_t used = job->settings.len, number = job->number, ahead = 0;
    uint32_t count = job->n;
    if (link->handle != job->handle) /* the worker reads that line: it is not taken from it */
        link->handle = job->handle;
    if (job->kind == LINK_CREATE || job->kind == LINK_RESTORE) {
        memcpy(w->told, job->settings.data, job->settings.len);
        count = (uint32_t)job->settings.len;
    }
    if (job->kind == LINK_RESTORE) {
        uint64_t at = record_pad(job->settings.len);
        if (job->saved.len > 0)
            memcpy(w->told + at, job->saved.data, job->saved.len);
        number = job->saved.len;
        used = at + job->saved.len;
    }
    if (job->kind == LINK_EVENTS)
        used = tell_events(w, job->events, job->n, &ahead);
    if (used > w->told_used)
        w->told_used = used;
    link->kind = job->kind; /* last: the worker may be looking at this line */
    link->now_ns = job->now_ns;
    link->utc_ns = job->utc_ns;
    link->number = number;
    link->ahead = ahead;
    link->count = count;
}

static void give_back(struct worker *w)
{
    if (w->told_used <= GIVE_BACK)
        return;
    (void)fallocate(w->told_fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, GIVE_BACK,
                    LINK_TOLD_BYTES - GIVE_BACK);
    w->told_used = 0;
}

static int32_t too_long(struct fault *fault)
{
    return fault_set(fault, HAWSE_E_TIMEOUT, "a callback in its worker has not returned in time");
}

int32_t worker_run(struct worker *w, struct worker_job *job, int32_t *result, struct fault *fault)
{
    struct record_call call;
    follow(w);
    tell(w, job);
    const struct link_patience *patience =
        awake_ask(&w->awake, job->until_ns) ? &w->patience : &w->first;
    for (;;) {
        link_give(w->link, w->turn);
        int32_t code = await(w, patience, job->until_ns, fault);
        patience = &w->patience; /* it asks, is answered, and goes on at once */
        if (code == HAWSE_E_TIMEOUT)
            return too_long(fault);
        if (code != HAWSE_OK)
            return code;
        uint32_t kind = __atomic_load_n(&w->link->kind, __ATOMIC_RELAXED);
        if (kind == LINK_RETURN) {
            *result = w->link->code;
            job->number = w->link->number;
            give_back(w);
            return HAWSE_OK;
        }
        if (kind != LINK_CALL ||
            !hear_call(&w->hearing, w->link, (uint8_t *)w->link + LINK_SAID_AT, &call))
            return fault_set(fault, HAWSE_E_FORMAT,
                             "its worker said something that no plugin can say");
        job->call(job->ctx, &call);
        if (clock_ns() > job->until_ns) /* calls without end are no way around the limit */
            return too_long(fault);
        w->link->call.code = call.code;
        w->link->call.result = call.result;
        w->link->kind = LINK_ANSWER;
    }
}

const uint8_t *worker_saved(const struct worker *w, uint64_t len)
{
    return len <= HAWSE_STATE_MAX ? (const uint8_t *)w->link + LINK_SAID_AT : NULL;
}

int worker_death_fd(const struct worker *w)
{
    return w->death_fd;
}

void worker_poked(struct worker *w, bool poked)
{
    w->patience.timeout_ns = w->first.timeout_ns = poked ? 0 : SLICE_NS;
}

void worker_poke(struct worker *w)
{
    link_poke(w->link);
}

int worker_pid(const struct worker *w)
{
    return w->pid;
}

bool worker_wrote(const struct worker *w)
{
    return w->link->wrote != 0;
}

uint32_t worker_walls(const struct worker *w)
{
    return w->link->walls;
}
