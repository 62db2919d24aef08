/*
 * The control socket: a Unix stream socket, mode 0600, for the same user and root only. One request
 * a line, {"verb":"status"}, one answer a line. On a thread of its own.
 */
#ifndef CORE_OBSERVE_CONTROL_H
#define CORE_OBSERVE_CONTROL_H

#include "base/fault.h"

#include <jansson.h>
#include <sys/types.h>

struct control;

/* Member of every request: the user id of who asks, as the kernel says it. What a client writes
 * there itself is overwritten. */
#define CONTROL_BY "by_uid"

/* Answers a verb with a JSON text (malloc'd), or NULL with a fault. */
typedef char *(*control_fn)(void *ctx, const char *verb, const json_t *request,
                            struct fault *fault);

/* The answer to one line of a client: what fn says, or {"error", "fix"}. malloc'd, without a
 * newline; NULL when memory is out. */
char *control_answer(control_fn fn, void *ctx, const char *line, uid_t uid);

int32_t control_start(const char *path, control_fn fn, void *ctx, struct control **out,
                      struct fault *fault);
void control_stop(struct control *control);

/* The same with a request of one's own: an object with "verb". */
int32_t control_ask(const char *path, const json_t *request, int timeout_ms, json_t **answer,
                    struct fault *fault);
/* The client's side: asks and waits; *answer is a new reference. */
int32_t control_request(const char *path, const char *verb, int timeout_ms, json_t **answer,
                        struct fault *fault);

#endif
