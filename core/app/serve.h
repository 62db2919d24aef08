/*
 * What a running host offers its operator: HTTP, the control socket, the live view.
 */
#ifndef CORE_APP_SERVE_H
#define CORE_APP_SERVE_H

#include "host/host.h"

struct serve;

int32_t serve_start(struct host *host, struct metrics *metrics, struct logger *logger, bool view,
                    struct serve **out, struct fault *fault);
/* [main] Ten times a second: draws the view. */
void serve_tick(struct serve *serve);
/* Ends all of it; with a summary on standard output when there was a view. */
void serve_stop(struct serve *serve, bool summary);

#endif
