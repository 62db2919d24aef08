/*
 * `hawse check`: the conformance kit. Numbered cases over eight levels, each in a child process of
 * its own with a limit of time, all offline and reproducible from a seed. What a case proves, and
 * what to do when it fails, stands in one table (cases.c), from which the page of documentation is
 * made as well.
 */
#ifndef CORE_CHECK_CHECK_H
#define CORE_CHECK_CHECK_H

#include "base/fault.h"
#include "plugin/library.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CHECK_LIMIT_MS = 5000, CHECK_RECORDING_MS = 60000, CHECK_TEXT = 600, CHECK_DOING = 240 };

enum check_verdict {
    CHECK_PASS,
    CHECK_WARN, /* it may run, but its author should look */
    CHECK_FAIL,
    CHECK_SKIP,  /* nothing of the plugin to try, or an earlier case has to pass first */
    CHECK_CRASH, /* the process of the case died */
    CHECK_VERDICTS,
};

/* What a case needs of the ones before. */
enum check_needs {
    CHECK_NEEDS_NOTHING, /* judges the file's bytes */
    CHECK_NEEDS_FILE,    /* a file that the host accepts */
    CHECK_NEEDS_TABLE,   /* loading it has given a good table */
    CHECK_NEEDS_LIFE,    /* an instance can be created, started, stopped and destroyed */
    CHECK_NEEDS_PLAY,    /* the same; the case loads it by itself, and may take longer */
};

struct check_run;

struct check_case {
    uint16_t number;    /* level * 100 + n; never reused */
    uint8_t needs;      /* enum check_needs */
    const char *name;   /* a sentence that holds of a good plugin */
    const char *reason; /* why that matters */
    const char *fix;    /* what to do when it fails */
    void (*run)(struct check_run *run, int arg);
    int arg;
};

extern const struct check_case check_cases[];
extern const size_t check_case_count;
const char *check_level_name(unsigned level);
const char *check_verdict_name(enum check_verdict verdict);

struct check_options {
    const char *path;
    const char *settings;  /* JSON text; NULL = made from the manifest's schema */
    const char *only;      /* "203", "203,205" or "L2"; NULL = all */
    const char *recording; /* a capture with instances of this plugin; NULL = none */
    uint64_t seed;
};

struct check_result {
    enum check_verdict verdict;
    uint64_t elapsed_ns;
    char text[CHECK_TEXT];
    char figure_name[48]; /* what was measured; empty = nothing */
    double figure;
};

struct check_report {
    char *path;
    const struct check_case *cases; /* the table that was run */
    size_t case_count;
    struct check_case *own_cases; /* that table when the report owns it */
    char digest[65];
    char id[104], version[72];
    uint64_t seed, elapsed_ns;
    char *settings;               /* that instances were made with; may be NULL */
    struct check_result *results; /* one per case of the table */
    bool *chosen;
    unsigned counts[CHECK_VERDICTS];
};

/* Runs the chosen cases. Faults: the file cannot be opened, no such case. */
int32_t check_file(const struct check_options *options, struct check_report **out,
                   struct fault *fault);
void check_report_destroy(struct check_report *report);

/*
 * The other way round: broken plugins against a host. Each is built by the system's compiler from
 * the installed SDK (hawse/check/broken.c), and run by `program`, as `program run`, beside a good
 * instance and one that feeds both. What has to hold: the host names the culprit and the reason,
 * goes on with the others, and stops as it should. Only a crash in the host's own process may end
 * it, which the report says.
 */
struct check_host_options {
    const char *program; /* path of a hawse */
    const char *only;    /* as above */
};
/* Faults: no such program, no such case, no compiler, no folder for temporary files. */
int32_t check_host(const struct check_host_options *options, struct check_report **out,
                   struct fault *fault);
/* Its table; NULL: no memory. The caller frees. */
struct check_case *check_host_cases(size_t *count);

enum check_form { CHECK_TEXT_FORM, CHECK_JSON_FORM, CHECK_JUNIT_FORM };
/* Writes the report to standard output. */
void check_print(const struct check_report *report, enum check_form form);
/* A table of cases, likewise. */
void check_list(const struct check_case *cases, size_t count, enum check_form form);

/* For the runners: an empty report on a table; which cases `only` means; the file's digest. */
struct check_report *check_report_new(const char *path, const struct check_case *cases,
                                      size_t count);
int32_t check_choose(struct check_report *report, const char *only, struct fault *fault);
void check_digest(const uint8_t *bytes, size_t len, char out[65]);
/* A regular file of at most 256 MiB, malloc'd. */
int32_t check_read_file(const char *path, uint8_t **bytes, size_t *len, struct fault *fault);
uint64_t check_now_ns(void);

#endif
