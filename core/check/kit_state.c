/* The kit's host while an instance is handed over by hawse.state/1; see kit.h. */
#include "check/kit.h"

#include <hawse/service/state.h>
#include <stdlib.h>
#include <string.h>

const hawse_state_interface_t *kit_state(const struct kit *k)
{
    const hawse_state_interface_t *i = k->plugin->query ? k->plugin->query(HAWSE_STATE_ID) : NULL;
    return i && i->size >= sizeof(*i) && i->save && i->restore ? i : NULL;
}

int32_t kit_save(struct kit *k, uint8_t *out, uint64_t cap, uint64_t *need)
{
    const hawse_state_interface_t *i = kit_state(k);
    *need = 0;
    k->phase = KIT_SAVES;
    kit_begin(k, "save");
    int32_t code = i->save(k->state, out, cap, need);
    kit_end(k);
    k->phase = KIT_RUNS;
    return code;
}

int32_t kit_restore(struct kit *k, const char *settings, hawse_view_t saved, void **made)
{
    const hawse_state_interface_t *i = kit_state(k);
    char *copy = strdup(settings); /* borrowed for the call, and gone after it */
    *made = NULL;
    k->error[0] = '\0';
    if (!copy)
        return HAWSE_E_NOMEM;
    k->phase = KIT_RESTORES;
    kit_begin(k, "restore");
    int32_t code = i->restore(k->host->table, k->self, hawse_text(copy), saved, made);
    kit_end(k);
    k->phase = KIT_RUNS;
    memset(copy, KIT_STALE, strlen(copy));
    free(copy);
    return code;
}

void kit_part(struct kit *k, void *leaves, void *stays)
{
    k->phase = KIT_LEAVES;
    kit_begin(k, "destroy of one that was handed over");
    k->plugin->destroy(leaves);
    kit_end(k);
    k->phase = KIT_RUNS;
    k->state = stays;
}
