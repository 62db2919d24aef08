/* Puts events into words; see logic.h. */
#include "logic.h"

#include <stdio.h>

uint32_t tell(const hawse_event_t *event, char *out, uint32_t cap)
{
    const char *taken_back = event->flags & HAWSE_EVENT_REMOVED ? ", taken back" : "";
    int n = snprintf(out, cap, "source %u space %u kind %u seq %llu: %llu bytes%s", event->source,
                     event->space, event->kind, (unsigned long long)event->seq,
                     (unsigned long long)event->len, taken_back);
    return n < 0 ? 0 : (uint32_t)n < cap ? (uint32_t)n : cap - 1;
}
