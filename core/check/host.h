/*
 * Inside `hawse check --host`: its table, and the processes that it starts.
 */
#ifndef CORE_CHECK_HOST_H
#define CORE_CHECK_HOST_H

#include "check/check.h"

#include <sys/types.h>

/* what a case asks for beyond the usual */
#define HOST_ENDS      0x1u /* a crash in the host's own process: it has to end, with an error */
#define HOST_LATE      0x2u /* its stop runs into the deadline: exit code 3 */
#define HOST_WORKER    0x4u /* the plugin runs in a process of its own */
#define HOST_FEATURE   0x8u /* the unfinished feature is turned on */
#define HOST_TRUNCATED 0x10u
#define HOST_TEXT      0x20u
#define HOST_MACHINE   0x40u
#define HOST_32_BIT    0x80u
#define HOST_WRITABLE  0x100u

struct host_case {
    uint16_t number;
    const char *build;  /* the CASE of hawse/check/broken.c */
    const char *flags;  /* more for the compiler */
    const char *expect; /* a line of the host's log that names the culprit: extended regular
                           expression; empty = none is needed */
    unsigned how;       /* HOST_... */
    const char *name, *reason, *fix;
};

extern const struct host_case host_cases[];
extern const size_t host_case_count;

/* Starts a program with standard output to nowhere and standard error into `log` (NULL: nowhere as
 * well); negative: it could not. argv ends with NULL; the program is found by path alone. */
pid_t trial_start(const char *const argv[], const char *log);
/* Runs a program to its end, `limit_ms` at most, with `input` on its standard input; what it wrote
 * (both streams) into out. Returns its exit code; negative: a signal, or the limit. */
int trial_capture(const char *const argv[], const char *input, char *out, size_t cap, int limit_ms);
/* Has it ended? Waits for `ms` at most. *status as of waitpid. */
bool trial_ended(pid_t pid, int ms, int *status);

#endif
