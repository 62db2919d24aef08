/* Records read back from bytes that may be anything; see record.h. */
#include "record/record.h"

#include <string.h>

const char *record_call_words(uint16_t call)
{
#define WORDS(number, name, what) [number] = what,
    static const char *const words[] = {RECORD_CALLS(WORDS)};
    return call < CALL_KINDS && words[call] ? words[call] : "makes a call that is not known";
}

const char *record_callback_name(uint32_t callback)
{
    static const char *const names[] = {"none", "create",  "start", "on_events",
                                        "stop", "destroy", "save",  "restore"};
    return callback < sizeof(names) / sizeof(names[0]) ? names[callback] : "unknown";
}

void record_published(const struct record_call *call, uint16_t instance, hawse_event_t *event)
{
    memcpy(event, call->args, sizeof(*event));
    event->size = sizeof(*event);
    event->source = (uint32_t)instance + 1;
    event->seq = call->result;
    event->data = call->views[0].data;
    event->len = call->views[0].len;
}

const struct record_head *record_next(const uint8_t *bytes, size_t len, size_t *at, bool *bad)
{
    *bad = false;
    if (*at == len)
        return NULL;
    const struct record_head *head = (const void *)(bytes + *at);
    if (len - *at < sizeof(*head) || head->len < sizeof(*head) || head->len % 8 != 0 ||
        head->len > len - *at) {
        *bad = true;
        return NULL;
    }
    *at += head->len;
    return head;
}

const void *record_read_fixed(const struct record_head *head, uint16_t kind, size_t size)
{
    return head->kind == kind && head->len == size ? head : NULL;
}

bool record_read_instance(const struct record_head *head, uint64_t *handle, hawse_view_t *text)
{
    const struct record_instance *record = (const void *)head;
    if (head->kind != RECORD_INSTANCE || head->len < sizeof(*record) ||
        record->text_len > head->len - sizeof(*record))
        return false;
    *handle = record->handle;
    *text = (hawse_view_t){.data = (const uint8_t *)(record + 1), .len = record->text_len};
    return true;
}

bool record_read_event(const struct record_head *head, hawse_event_t *event)
{
    if (head->kind != RECORD_EVENT || head->len < sizeof(*head) + sizeof(*event))
        return false;
    memcpy(event, head + 1, sizeof(*event));
    if (event->len > head->len - sizeof(*head) - sizeof(*event))
        return false;
    event->data = (const uint8_t *)(head + 1) + sizeof(*event);
    return true;
}

bool record_read_call(const struct record_head *head, struct record_call *call)
{
    const struct record_call_head *h = (const void *)head;
    if (head->kind != RECORD_CALL || head->len < sizeof(*h) || h->arg_count > RECORD_ARGS ||
        h->view_count > RECORD_VIEWS)
        return false;
    uint64_t at = sizeof(*h) + (uint64_t)h->arg_count * 8 + (uint64_t)h->view_count * 8;
    if (at > head->len)
        return false;
    memset(call, 0, sizeof(*call));
    call->call = h->call;
    call->arg_count = h->arg_count;
    call->view_count = h->view_count;
    call->code = h->code;
    call->result = h->result;
    const uint64_t *words = (const void *)(h + 1);
    memcpy(call->args, words, (size_t)h->arg_count * 8);
    for (uint8_t i = 0; i < h->view_count; i++) {
        uint64_t len = words[h->arg_count + i];
        if (len > head->len - at || record_pad(len) > head->len - at)
            return false;
        call->views[i] = (hawse_view_t){.data = (const uint8_t *)head + at, .len = len};
        at += record_pad(len);
    }
    /* what a published event is built from must be whole */
    return call->call != CALL_PUBLISH ||
           (call->arg_count == sizeof(hawse_event_t) / 8 && call->view_count == 1);
}
