/* Between the files of an intent; see intent.h. */
#ifndef CORE_TX_INTENT_PRIVATE_H
#define CORE_TX_INTENT_PRIVATE_H

#include "tx/intent.h"

#include <jansson.h>

/* Item i of a list whose items may be longer than this host knows them. */
static inline const void *intent_item(const void *list, uint32_t size, unsigned i)
{
    return (const uint8_t *)list + (size_t)i * size;
}

/* Is this a list of that many items, between `least` and `most`, each at least `least_size`? */
int32_t intent_check_list(uint32_t count, uint32_t size, const void *list, size_t least_size,
                          uint32_t least, uint32_t most, const char *field, struct fault *fault);

/* ---- intent_solana.c ---- */

/* What is legal in the Solana part; *bytes: how many its copy takes behind the intent. */
int32_t intent_solana_check(const hawse_intent_t *in, uint64_t *bytes, struct fault *fault);
void intent_solana_copy(const hawse_intent_t *from, struct intent *to);

/* ---- intent_solana_json.c ---- */

json_t *intent_solana_write(const hawse_intent_solana_t *solana);
/* Into memory of its own, which free() ends; public.solana leads there. HAWSE_E_FORMAT. */
int32_t intent_solana_read(const json_t *value, hawse_intent_solana_t **out, struct fault *fault);

#endif
