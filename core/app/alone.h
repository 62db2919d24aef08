/*
 * A host that runs for one verb: `hawse call --config`. Only the instance and what it is linked to
 * are started, nothing is served and nothing recorded. Without --live no key is unlocked and no
 * journal opened, so that whatever the plugins do, nothing is signed.
 */
#ifndef CORE_APP_ALONE_H
#define CORE_APP_ALONE_H

#include "app/app.h"

#include <jansson.h>

struct alone;

/* Starts it and waits until its instances run. EXIT_GOOD, or the exit code when it was told why
 * not. */
int alone_start(const struct arguments *args, struct alone **out);
/* As control_ask, without a socket. */
int32_t alone_ask(struct alone *alone, const json_t *request, json_t **answer, struct fault *fault);
/* Stops it. NULL is legal. */
void alone_end(struct alone *alone);

#endif
