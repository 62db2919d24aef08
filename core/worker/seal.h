/*
 * What a worker gives up before it runs any code of a plugin: files, network, users, new rights,
 * memory beyond its limit, and all system calls but a few that touch nothing outside the process.
 * Namespaces are used where the kernel lets us; the list of system calls holds everywhere.
 *
 * In builds with a sanitizer, which nobody runs with money, the walls are lower: address space is
 * not limited (its shadow takes terabytes), it may set a signal stack, and what it opens for its
 * reports is refused instead of being the worker's end.
 *
 * [the worker's only thread]
 */
#ifndef CORE_WORKER_SEAL_H
#define CORE_WORKER_SEAL_H

#include "base/fault.h"
#include "worker/link.h"

/* Leaves the machine's network and files behind, and rights. Which walls stand is noted in `link`.
 * Nothing that is not open by now can be opened afterwards. */
void seal_leave(struct link_control *link);
/* Limits: no descriptors beyond those there are, no files, no core, this much memory. */
int32_t seal_limits(uint64_t memory, struct fault *fault);
/* Handlers that write the last words, then the filter for loading: the plugin's own file is the one
 * thing that can be opened, once, by the name `path`, which gives the descriptor `fd`. */
int32_t seal_filter(struct link_control *link, const char *path, int fd, struct fault *fault);
/* When the plugin is loaded: nothing can be opened, read, or made executable any more. */
int32_t seal_close(struct fault *fault);

#endif
