/*
 * What happens when the process crashes: the handler writes which plugin, callback and event, to
 * the log and to state_dir/last-crash, and lets the signal end the process. Nothing is recovered:
 * after heap corruption the next allocation may deadlock. The next start tells what happened and
 * offers --safe.
 *
 * The one variable here that is not a constant is the handler's: a signal handler has no argument.
 */
#include "host/host.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

static struct {
    struct host *host;
    int crash_fd;
} crash;

enum { STACK_BYTES = 32 << 10 };

static size_t put_text(char *out, size_t at, size_t cap, const char *text)
{
    while (text && *text && at + 1 < cap)
        out[at++] = *text++;
    return at;
}

static size_t put_number(char *out, size_t at, size_t cap, uint64_t n)
{
    char digits[24];
    size_t len = 0;
    do {
        digits[len++] = (char)('0' + n % 10);
        n /= 10;
    } while (n > 0);
    while (len > 0 && at + 1 < cap)
        out[at++] = digits[--len];
    return at;
}

/* "instance X plugin P version V sha256 D callback C event ..." with async-signal-safe means only.
 */
static size_t describe(char *line, size_t cap, int sig)
{
    const struct lane *lane = host_own_lane(crash.host);
    const struct instance *inst = lane ? lane->current : NULL;
    const hawse_event_t *event = lane ? lane->current_event : NULL;
    size_t at = put_text(line, 0, cap, "crash: signal ");
    at = put_number(line, at, cap, (uint64_t)sig);
    if (!inst)
        return put_text(line, at, cap, " outside any plugin callback\n");
    at = put_text(line, at, cap, " in plugin ");
    at = put_text(line, at, cap, inst->library->manifest->id);
    at = put_text(line, at, cap, " ");
    at = put_text(line, at, cap, inst->library->manifest->version);
    at = put_text(line, at, cap, " sha256 ");
    at = put_text(line, at, cap, inst->library->digest);
    at = put_text(line, at, cap, " instance ");
    at = put_text(line, at, cap, inst->config->id);
    at = put_text(line, at, cap, " callback ");
    at = put_text(line, at, cap, callback_name(lane->callback));
    if (lane->callback == CALLBACK_EVENTS && event) {
        at = put_text(line, at, cap, " event space ");
        at = put_number(line, at, cap, event->space);
        at = put_text(line, at, cap, " kind ");
        at = put_number(line, at, cap, event->kind);
        at = put_text(line, at, cap, " seq ");
        at = put_number(line, at, cap, event->seq);
    }
    return put_text(line, at, cap, "\n");
}

static void handle(int sig)
{
    char line[1024];
    size_t len = describe(line, sizeof(line), sig);
    int saved = errno;
    if (write(log_fd(crash.host->logger), line, len) < 0)
        errno = saved;
    if (crash.crash_fd >= 0 && write(crash.crash_fd, line, len) > 0)
        (void)fsync(crash.crash_fd);
    (void)signal(sig, SIG_DFL);
    (void)raise(sig); /* ends the process with the signal's own status once this handler returns */
}

void crash_thread_stack(void)
{
    void *stack =
        mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (stack == MAP_FAILED)
        return;
    stack_t alternate = {.ss_sp = stack, .ss_size = STACK_BYTES};
    (void)sigaltstack(&alternate, NULL); /* kept for the life of the thread: an overflow needs it */
}

int32_t crash_install(struct host *host, struct fault *fault)
{
    char path[4096];
    (void)snprintf(path, sizeof(path), "%s/last-crash", host->config->state_dir);
    crash.host = host;
    crash.crash_fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (crash.crash_fd < 0)
        return fault_set(fault, HAWSE_E_IO, "cannot open %s: %s", path, strerror(errno));
    struct rlimit none = {0, 0}; /* a core dump would hold secrets */
    (void)setrlimit(RLIMIT_CORE, &none);
    static const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};
    struct sigaction action = {.sa_handler = handle, .sa_flags = (int)(SA_ONSTACK | SA_RESETHAND)};
    (void)sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
        (void)sigaction(signals[i], &action, NULL);
    return HAWSE_OK;
}

void crash_report_last(struct host *host)
{
    char path[4096], line[1024];
    (void)snprintf(path, sizeof(path), "%s/last-crash", host->config->state_dir);
    FILE *f = fopen(path, "re");
    if (!f)
        return;
    while (fgets(line, sizeof(line), f)) {
        line[strcspn(line, "\n")] = '\0';
        log_line(host->logger, HAWSE_LOG_WARN, "host",
                 "an earlier run ended with a %s; `hawse run --safe` leaves that plugin out", line);
    }
    (void)fclose(f);
}
