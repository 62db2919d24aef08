/*
 * The walls of a worker; see seal.h. Besides them it has the signal handlers that name what a
 * plugin ran into: their state is the one thing here that is not a constant, as a handler has no
 * argument.
 */
#include "worker/seal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <ucontext.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif

enum { STACK_BYTES = 64 << 10, PROBE_BYTES = 1 << 20, END_CODE = 70, NOBODY = 65534 };

static struct {
    struct link_control *link;
    const char *path; /* NULL: nothing may be opened */
    int fd;
} seal;

/* ---- last words ---- */

/* AddressSanitizer wants to look at the stack's bounds before a call that does not return, and
 * reads them in a file: in a handler, where SIGSYS is blocked, that ends the process without last
 * words. Both compilers know this attribute. */
#define BARE __attribute__((no_sanitize("address")))

static _Noreturn void end(enum link_end why, uint32_t number)
{
    seal.link->end_number = number;
    __atomic_store_n(&seal.link->end, why, __ATOMIC_RELEASE);
    for (;;)
        (void)syscall(SYS_exit_group, END_CODE);
}

/* A write into what is mapped for reading alone. */
BARE static bool wrote_into(const siginfo_t *info, uint64_t at, uint64_t bytes)
{
    return info->si_code == SEGV_ACCERR && (uintptr_t)info->si_addr - at < bytes;
}

BARE static void on_crash(int sig, siginfo_t *info, void *context)
{
    (void)context;
    if (sig == SIGSEGV && (wrote_into(info, seal.link->told_at, LINK_TOLD_BYTES) ||
                           wrote_into(info, seal.link->received_at, seal.link->received)))
        end(LINK_END_WROTE, (uint32_t)sig);
    void *probe = mmap(NULL, PROBE_BYTES, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    seal.link->out_of_memory = probe == MAP_FAILED && errno == ENOMEM;
    end(LINK_END_SIGNAL, (uint32_t)sig);
}

#if defined(__x86_64__)
#define ARCH           AUDIT_ARCH_X86_64
#define REG_ARG(uc, n) ((uc)->uc_mcontext.gregs[(n) == 0 ? REG_RDI : (n) == 1 ? REG_RSI : REG_RDX])
#define REG_OUT(uc)    ((uc)->uc_mcontext.gregs[REG_RAX])
#elif defined(__aarch64__)
#define ARCH           AUDIT_ARCH_AARCH64
#define REG_ARG(uc, n) ((uc)->uc_mcontext.regs[n])
#define REG_OUT(uc)    ((uc)->uc_mcontext.regs[0])
#else
#error "the filter of system calls has to be told of this machine"
#endif

static const char *text_argument(const ucontext_t *uc)
{
    const char *text;
    uintptr_t at = (uintptr_t)REG_ARG(uc, 1);
    memcpy(&text, &at, sizeof(text));
    return text;
}

/* Keeps the beginning of what goes to standard error: it says why an abort or a panic follows. */
static size_t keep(size_t at, const struct iovec *part)
{
    size_t room = LINK_WORDS - 1 - at, n = part->iov_len < room ? part->iov_len : room;
    if (n > 0)
        memcpy(seal.link->words + at, part->iov_base, n);
    seal.link->words[at + n] = '\0';
    return at + n;
}

/* How much a plugin thinks to have written to where the host's output would be; -1: elsewhere. */
static long long take_output(int number, const ucontext_t *uc)
{
    const int fd = (int)REG_ARG(uc, 0);
    const uintptr_t at = (uintptr_t)REG_ARG(uc, 1), n = (uintptr_t)REG_ARG(uc, 2);
    const struct iovec one = {(void *)at, n}, *list = &one;
    long long sum = 0;
    size_t kept = 0;
    if ((number != SYS_write && number != SYS_writev) ||
        (fd != STDOUT_FILENO && fd != STDERR_FILENO))
        return -1;
    if (number == SYS_writev)
        memcpy(&list, &at, sizeof(list));
    for (uintptr_t i = 0; i < (number == SYS_writev ? n : 1); i++) {
        kept = fd == STDERR_FILENO ? keep(kept, &list[i]) : 0;
        sum += (long long)list[i].iov_len;
    }
    seal.link->wrote |= fd == STDERR_FILENO ? LINK_WROTE_ERROR : LINK_WROTE_OUTPUT;
    return sum;
}

/* Two calls of the loader and of stdio that name a file only in form are answered, and so is output
 * as if it had gone somewhere: the host is told that there was some. Any other ends the process.
 * The call itself is never made. */
BARE static void on_syscall(int sig, siginfo_t *info, void *context)
{
    ucontext_t *uc = context;
    (void)sig;
    long long taken = take_output(info->si_syscall, uc);
    if (taken >= 0) {
        REG_OUT(uc) = taken;
        return;
    }
    if (info->si_syscall == SYS_openat && seal.path && seal.fd >= 0 &&
        strcmp(text_argument(uc), seal.path) == 0) {
        REG_OUT(uc) = seal.fd;
        seal.fd = -1;
        return;
    }
    if (info->si_syscall == SYS_newfstatat && text_argument(uc)[0] == '\0') {
        struct stat *st;
        uintptr_t at = (uintptr_t)REG_ARG(uc, 2);
        memcpy(&st, &at, sizeof(st));
        long n = syscall(SYS_fstat, (int)REG_ARG(uc, 0), st);
        REG_OUT(uc) = n == 0 ? 0 : -errno;
        return;
    }
    end(LINK_END_SYSCALL, (uint32_t)info->si_syscall);
}

static void handlers(void)
{
    static const int crashes[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP};
    void *stack =
        mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    stack_t alternate = {.ss_sp = stack, .ss_size = STACK_BYTES};
    if (stack != MAP_FAILED)
        (void)sigaltstack(&alternate, NULL);
    struct sigaction action = {.sa_sigaction = on_crash, .sa_flags = SA_ONSTACK | SA_SIGINFO};
    (void)sigfillset(&action.sa_mask);
    for (size_t i = 0; i < sizeof(crashes) / sizeof(crashes[0]); i++)
        (void)sigaction(crashes[i], &action, NULL);
    struct sigaction trap = {.sa_sigaction = on_syscall, .sa_flags = SA_ONSTACK | SA_SIGINFO};
    (void)sigfillset(&trap.sa_mask);
    (void)sigdelset(&trap.sa_mask, SIGSEGV);
    (void)sigaction(SIGSYS, &trap, NULL);
}

/* ---- leaving ---- */

static void drop_capabilities(void)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[2] = {{0}};
    (void)syscall(SYS_capset, &head, none);
}

/* An empty folder in the place of the machine's files. */
static bool leave_files(void)
{
    return mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
           mount("none", "/proc", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "size=4k") == 0 &&
           chdir("/proc") == 0 && mount(NULL, "/proc", NULL, MS_REMOUNT | MS_RDONLY, NULL) == 0 &&
           chroot(".") == 0 && chdir("/") == 0;
}

void seal_leave(struct link_control *link)
{
    enum { PLACES = CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS };
    bool root = geteuid() == 0;
    bool user = unshare(CLONE_NEWUSER | PLACES) == 0;
    bool places = user || (root && unshare(PLACES) == 0);
    uint32_t walls = 0;
    if (places)
        walls |= LINK_WALL_NETWORK;
    if (places && leave_files())
        walls |= LINK_WALL_FILES;
    if (user)
        walls |= LINK_WALL_USER;
    else if (root && syscall(SYS_setgroups, 0, NULL) == 0 &&
             setresgid(NOBODY, NOBODY, NOBODY) == 0 && setresuid(NOBODY, NOBODY, NOBODY) == 0)
        walls |= LINK_WALL_USER;
    drop_capabilities();
    link->walls = walls;
}

int32_t seal_limits(uint64_t memory, struct fault *fault)
{
    const struct {
        int what;
        rlim_t limit;
    } limits[] = {{RLIMIT_CORE, 0},    {RLIMIT_FSIZE, 0},    {RLIMIT_NPROC, 0},
                  {RLIMIT_MEMLOCK, 0}, {RLIMIT_MSGQUEUE, 0}, {RLIMIT_NOFILE, 16}};
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        struct rlimit limit = {limits[i].limit, limits[i].limit};
        if (setrlimit((__rlimit_resource_t)limits[i].what, &limit) != 0)
            return fault_set(fault, HAWSE_E_IO, "a limit of the worker cannot be set: %s",
                             strerror(errno));
    }
#if defined(SANITIZED)
    (void)memory; /* sanitizers map terabytes */
#else
    struct rlimit limit = {memory, memory};
    if (setrlimit(RLIMIT_AS, &limit) != 0)
        return fault_set(fault, HAWSE_E_IO, "the worker's memory cannot be limited: %s",
                         strerror(errno));
#endif
    return HAWSE_OK;
}

/* ---- the filter ---- */

enum { CODE_MAX = 256 };

struct program {
    struct sock_filter code[CODE_MAX];
    unsigned short n;
};

static void put(struct program *p, uint16_t code, uint32_t k, uint8_t yes, uint8_t no)
{
    p->code[p->n++] = (struct sock_filter){code, yes, no, k};
}

static void load(struct program *p, size_t offset)
{
    put(p, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0);
}

static void answer(struct program *p, uint32_t what)
{
    put(p, BPF_RET | BPF_K, what, 0, 0);
}

static void number_is(struct program *p, uint32_t number, uint32_t what)
{
    put(p, BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1);
    answer(p, what);
}

static size_t argument(int n)
{
    return offsetof(struct seccomp_data, args) + (size_t)n * 8; /* the low half: little-endian */
}

static void begin(struct program *p)
{
    load(p, offsetof(struct seccomp_data, arch));
    put(p, BPF_JMP | BPF_JEQ | BPF_K, ARCH, 1, 0);
    answer(p, SECCOMP_RET_KILL_PROCESS);
    load(p, offsetof(struct seccomp_data, nr));
#if defined(__x86_64__)
    put(p, BPF_JMP | BPF_JGE | BPF_K, 0x40000000u, 0, 1); /* x32 */
    answer(p, SECCOMP_RET_KILL_PROCESS);
#endif
}

/* `number` with argument `n` equal to `value` is allowed; else it goes on behind this. */
static void allow_equal(struct program *p, uint32_t number, int n, uint32_t value)
{
    put(p, BPF_JMP | BPF_JEQ | BPF_K, number, 0, 4);
    load(p, argument(n));
    put(p, BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1);
    answer(p, SECCOMP_RET_ALLOW);
    load(p, offsetof(struct seccomp_data, nr));
}

/* Waiting and waking, as locks of the language do. Others (requeue, by name) could move the host's
 * thread, asleep on the turn, to a word where nobody wakes it. */
static void allow_waiting(struct program *p)
{
    static const uint32_t ops[] = {FUTEX_WAIT, FUTEX_WAKE, FUTEX_WAIT_BITSET, FUTEX_WAKE_BITSET};
    enum { COUNT = sizeof(ops) / sizeof(ops[0]) };
    put(p, BPF_JMP | BPF_JEQ | BPF_K, SYS_futex, 0, 3 + 2 * COUNT);
    load(p, argument(1));
    put(p, BPF_ALU | BPF_AND | BPF_K, (uint32_t)FUTEX_CMD_MASK, 0, 0);
    for (size_t i = 0; i < COUNT; i++)
        number_is(p, ops[i], SECCOMP_RET_ALLOW);
    load(p, offsetof(struct seccomp_data, nr));
}

/* `number` that asks for executable memory is stopped. */
static void stop_executable(struct program *p, uint32_t number)
{
    put(p, BPF_JMP | BPF_JEQ | BPF_K, number, 0, 4);
    load(p, argument(2));
    put(p, BPF_JMP | BPF_JSET | BPF_K, PROT_EXEC, 0, 1);
    answer(p, SECCOMP_RET_TRAP);
    load(p, offsetof(struct seccomp_data, nr));
}

static int32_t install(struct program *p, struct fault *fault)
{
    struct sock_fprog filter = {.len = p->n, .filter = p->code};
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW, &filter) ==
            0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0)
        return HAWSE_OK;
    (void)fault_set(fault, HAWSE_E_UNSUPPORTED, "this kernel does not filter system calls: %s",
                    strerror(errno));
    fault_hint(fault, "plugins cannot be isolated here: \"isolation\": \"none\" runs them in the "
                      "host's own process");
    return HAWSE_E_UNSUPPORTED;
}

/* What the language's run-time needs, and nothing that reaches beyond the process. sysinfo: qsort
 * of the C library asks how much memory there is. */
static const uint32_t allowed[] = {
    SYS_clock_gettime, SYS_madvise,      SYS_munmap,
    SYS_mremap,        SYS_brk,          SYS_mmap,
    SYS_mprotect,      SYS_rt_sigreturn, SYS_rt_sigprocmask,
    SYS_exit_group,    SYS_exit,         SYS_getrandom,
    SYS_gettimeofday,  SYS_clock_getres, SYS_getpid,
    SYS_gettid,        SYS_sched_yield,  SYS_sysinfo,
    SYS_fstat,         SYS_seccomp,      SYS_restart_syscall,
#if defined(SYS_time)
    SYS_time,
#endif
#if defined(SANITIZED)
    SYS_sigaltstack,   SYS_getrusage,
#endif
};

/* For the loader only. A constructor of the plugin has these too, and could by a filter of its own
 * keep them for ever: nor may they reach beyond the process. Limits of others can be set, and a
 * worker could outlive the host, by prlimit64 and prctl as the kernel has them. */
static const uint32_t loading[] = {SYS_read,  SYS_pread64, SYS_close,
                                   SYS_lseek, SYS_prctl,   SYS_prlimit64};
enum { LOADING_ANYHOW = 4 }; /* so many of them whatever their arguments */

int32_t seal_filter(struct link_control *link, const char *path, int fd, struct fault *fault)
{
    struct program p = {.n = 0};
    seal.link = link;
    seal.path = path;
    seal.fd = fd;
    handlers();
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return fault_set(fault, HAWSE_E_UNSUPPORTED, "rights cannot be given up: %s",
                         strerror(errno));
    begin(&p);
    allow_waiting(&p); /* first: it is what each callback waits for */
    for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++)
        number_is(&p, allowed[i], SECCOMP_RET_ALLOW);
    for (size_t i = 0; i < LOADING_ANYHOW; i++)
        number_is(&p, loading[i], SECCOMP_RET_ALLOW);
    allow_equal(&p, SYS_prctl, 0, PR_SET_SECCOMP);
    number_is(&p, SYS_prctl, SECCOMP_RET_ERRNO | EINVAL);
    allow_equal(&p, SYS_prlimit64, 0, 0); /* its own */
    allow_equal(&p, SYS_tgkill, 0, (uint32_t)getpid());
    number_is(&p, SYS_ioctl, SECCOMP_RET_ERRNO | ENOTTY);
#if defined(SANITIZED) && defined(SYS_open)
    number_is(&p, SYS_open, SECCOMP_RET_ERRNO | ENOENT);
    number_is(&p, SYS_readlink, SECCOMP_RET_ERRNO | ENOENT);
#endif
    answer(&p, SECCOMP_RET_TRAP);
    int32_t code = install(&p, fault);
    if (code == HAWSE_OK)
        link->walls |= LINK_WALL_SYSCALLS;
    return code;
}

int32_t seal_close(struct fault *fault)
{
    struct program p = {.n = 0};
    struct rlimit none = {0, 0};
    for (int i = STDERR_FILENO + 1; i < 16; i++)
        (void)close(i);
    (void)setrlimit(RLIMIT_NOFILE, &none);
    seal.path = NULL;
    begin(&p);
    stop_executable(&p, SYS_mmap);
    stop_executable(&p, SYS_mprotect);
    for (size_t i = 0; i < sizeof(loading) / sizeof(loading[0]); i++)
        number_is(&p, loading[i], SECCOMP_RET_TRAP);
    number_is(&p, SYS_seccomp, SECCOMP_RET_TRAP);
    answer(&p, SECCOMP_RET_ALLOW);
    return install(&p, fault);
}
