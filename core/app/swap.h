/*
 * `hawse reload INSTANCE --plugin FILE` in the host that is asked: one swap at a time, on a thread
 * of its own, which first has the new plugin decide again what is in the last recording. Over the
 * control socket: "reload" begins one, "reload-next" says how far it is.
 */
#ifndef CORE_APP_SWAP_H
#define CORE_APP_SWAP_H

#include "host/host.h"

struct swapper;

/* `capture`: what is being recorded, which may be NULL; copied. NULL when memory is out. */
struct swapper *swapper_new(struct host *host, const char *capture);
/* Waits for one that is under way; its instances have stopped. */
void swapper_free(struct swapper *swapper);
bool swapper_has_verb(const char *verb);
/* JSON text, malloc'd; NULL with a fault. */
char *swapper_verb(struct swapper *swapper, const char *verb, const json_t *request,
                   struct fault *fault);

#endif
