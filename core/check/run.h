/*
 * What a case works with, in its child process.
 */
#ifndef CORE_CHECK_RUN_H
#define CORE_CHECK_RUN_H

#include "check/check.h"
#include "check/kit.h"
#include "plugin/grants.h"

/* Between child and parent: shared memory. */
struct check_note {
    int32_t verdict; /* enum check_verdict */
    int32_t done;    /* the case came to its end */
    char text[CHECK_TEXT];
    char doing[CHECK_DOING]; /* the callback that runs */
    char figure_name[48];
    double figure;
};

struct check_run {
    const char *path;
    const uint8_t *bytes; /* of the file */
    size_t len;
    struct library *library;      /* NULL: the host refuses the file */
    struct fault refusal;         /* why */
    struct grants *grants;        /* all that it asks for */
    const char *settings;         /* JSON text */
    const char *recording;        /* a capture; NULL: none */
    const hawse_plugin_t *plugin; /* once loaded */
    uint64_t seed;
    struct check_note *note;
    struct kit_host *host;
};

/* Verdicts; the first that is worse than pass stays. */
void check_fail(struct check_run *run, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void check_warn(struct check_run *run, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void check_skip(struct check_run *run, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void check_figure(struct check_run *run, const char *name, double figure);

/* The settings that instances are made with: canonical JSON, malloc'd. From the schema: members
 * that are required or have `examples`, by their examples, defaults, or the least that the schema
 * allows. `given` (may be NULL) takes their place. */
int32_t check_settings(const struct manifest *manifest, const char *given, char **out,
                       struct fault *fault);

#endif
