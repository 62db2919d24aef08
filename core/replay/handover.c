/* What a plugin is answered while it is handed over; see handover.h. */
#include "replay/handover.h"

#include <hawse/types.h>
#include <string.h>

static bool looks_up(uint16_t call)
{
    return call == CALL_QUERY || call == CALL_LINK || call == CALL_SPACE || call == CALL_FEATURE;
}

static bool is_same(const struct handover *h, uint32_t i, const struct record_call *call)
{
    return h->answers[i].call == call->call && h->answers[i].len == call->views[0].len &&
           (call->views[0].len == 0 ||
            memcmp(h->answers[i].text, call->views[0].data, call->views[0].len) == 0);
}

static uint32_t find(const struct handover *h, const struct record_call *call)
{
    uint32_t i = 0;
    while (i < h->count && !is_same(h, i, call))
        i++;
    return i;
}

void handover_learn(struct handover *h, const struct record_call *call)
{
    if (!looks_up(call->call) || call->view_count == 0 || call->views[0].len > HANDOVER_TEXT ||
        h->count == HANDOVER_ANSWERS || find(h, call) < h->count)
        return;
    uint32_t i = h->count++;
    h->answers[i].call = call->call;
    h->answers[i].code = call->code;
    h->answers[i].result = call->result;
    h->answers[i].len = call->views[0].len;
    if (call->views[0].len > 0)
        memcpy(h->answers[i].text, call->views[0].data, call->views[0].len);
}

void handover_answer(const struct handover *h, struct record_call *call)
{
    uint32_t i = looks_up(call->call) && call->view_count > 0 ? find(h, call) : h->count;
    bool says = call->call == CALL_LOG || call->call == CALL_ERROR ||
                call->call == CALL_METRIC_ADD || call->call == CALL_METRIC_SET;
    call->result = i < h->count ? h->answers[i].result : 0;
    call->code = i < h->count                       ? h->answers[i].code
                 : says || call->call == CALL_QUERY ? HAWSE_OK
                                                    : HAWSE_E_STATE;
}
