/*
 * Plugin files: found, read and judged without running them, tried in a child process, loaded once
 * and never unloaded. A library is shared by all its instances.
 */
#ifndef CORE_PLUGIN_LIBRARY_H
#define CORE_PLUGIN_LIBRARY_H

#include "base/fault.h"
#include "plugin/manifest.h"

#include <hawse/hawse.h>
#include <time.h>

struct library {
    char *path;      /* canonical */
    char digest[65]; /* SHA-256 of the file, hex */
    struct manifest *manifest;
    const hawse_plugin_t *table; /* NULL until loaded; a zero-extended copy of the plugin's own */
    void *dl;                    /* kept for ever */
    int fd;                      /* the file that was judged; what is loaded is this one */
    struct timespec written;     /* when it was last, at that time */
};

/* Reads one file and refuses it, with expected, found and the fix, for: not ELF64 for this machine,
 * no hawse_manifest_v1 / hawse_plugin_v1, more exports than these two, other ABI major, manifest
 * not acceptable, RPATH or RUNPATH outside its folder, text relocations, executable stack, writable
 * by others, not a regular file. Runs none of its code. */
int32_t library_inspect(const char *path, struct library **out, struct fault *fault);
/* Whether it still holds what was judged: a worker loads it again, hours later. */
bool library_unchanged(const struct library *library);
void library_destroy(struct library *library); /* of one that was never loaded */

/* Loads it in this process and checks its table (size, NULLs, id equal to the manifest's). */
int32_t library_load(struct library *library, const hawse_host_t *host, struct fault *fault);

/* Finds the file for `plugin` (a manifest id, or a path) along the folders. Two files with one id
 * in the same folder are refused; an earlier folder wins over a later one. */
int32_t library_find(const char *plugin, char *const *folders, size_t folder_count,
                     struct library **out, struct fault *fault);

/* All plugin files of the folders, each with its verdict: for `hawse plugins`. */
struct library_entry {
    struct library *library; /* NULL when refused */
    char *path;
    struct fault fault;
};
int32_t library_list(char *const *folders, size_t folder_count, struct library_entry **out,
                     size_t *count, struct fault *fault);
void library_list_destroy(struct library_entry *entries, size_t count);

/*
 * First load in a child: a constructor or entry function that crashes, exits or hangs harms nobody.
 * One child tries them all; when it dies the culprit is found, named and put on the quarantine list
 * (state_dir/quarantine.json, by digest). Digests that passed are remembered beside it
 * (state_dir/tried.json), so that the next start needs no child. `verdicts` has one fault per
 * library, code 0 = fine.
 */
int32_t library_trial(struct library *const *libraries, size_t count, const char *state_dir,
                      struct fault *verdicts, struct fault *fault);
/* What the child runs: `hawse __trial FD` reads paths from FD and answers there. */
int library_trial_child(int fd);

/* Puts a digest on the quarantine list with the reason; refused at the next start unless the
 * operator runs `hawse plugins release DIGEST`. */
int32_t quarantine_add(const char *state_dir, const char *digest, const char *path,
                       const char *reason, struct fault *fault);
int32_t quarantine_release(const char *state_dir, const char *digest, struct fault *fault);
/* Sets the fault when the digest is on the list. */
int32_t quarantine_check(const char *state_dir, const char *digest, struct fault *fault);

#endif
