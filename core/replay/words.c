/* See words.h. */
#include "replay/words.h"

#include "base/fault.h"

#include <hawse/space/host.h>
#include <stdio.h>
#include <string.h>

bool call_same(const struct record_call *a, const struct record_call *b)
{
    if (a->call != b->call || a->arg_count != b->arg_count || a->view_count != b->view_count ||
        memcmp(a->args, b->args, a->arg_count * sizeof(a->args[0])) != 0)
        return false;
    for (uint8_t i = 0; i < a->view_count; i++) {
        if (a->views[i].len != b->views[i].len ||
            (a->views[i].len > 0 &&
             memcmp(a->views[i].data, b->views[i].data, a->views[i].len) != 0))
            return false;
    }
    return true;
}

bool event_same(const hawse_event_t *a, const hawse_event_t *b)
{
    hawse_event_t x = *a, y = *b;
    x.data = y.data = NULL;
    return memcmp(&x, &y, sizeof(x)) == 0 && (a->len == 0 || memcmp(a->data, b->data, a->len) == 0);
}

/* ---- words ---- */

static const char *space_name(uint16_t space)
{
    static const char *const names[] = {"space 0",  "host/1",   "stream/1", "evm/1",
                                        "solana/1", "market/1", "wallet/1", "intent/1"};
    return space < sizeof(names) / sizeof(names[0]) ? names[space] : "a space of its own";
}

static const char *host_kind(uint16_t kind)
{
    static const char *const names[] = {"nothing",  "timer",        "post",
                                        "frame",    "stream state", "channel idle",
                                        "rpc done", "demand",       "http done"};
    return kind < sizeof(names) / sizeof(names[0]) ? names[kind] : "something new";
}

/* Bytes as text, cut, with what cannot be shown as '.'. */
static void show(hawse_view_t view, char *out, size_t cap)
{
    size_t n = view.len < cap - 4 ? (size_t)view.len : cap - 4;
    for (size_t i = 0; i < n; i++)
        out[i] = view.data[i] >= 0x20 && view.data[i] < 0x7f ? (char)view.data[i] : '.';
    (void)snprintf(out + n, 4, "%s", n < view.len ? "..." : "");
}

void event_words(const hawse_event_t *e, char out[WORDS_LINE])
{
    char shown[96];
    show((hawse_view_t){.data = e->data, .len = e->len}, shown, sizeof(shown));
    if (e->space == HAWSE_SPACE_HOST)
        (void)snprintf(out, WORDS_LINE, "%s, seq %llu, %llu bytes%s%s", host_kind(e->kind),
                       (unsigned long long)e->seq, (unsigned long long)e->len,
                       e->kind == HAWSE_HOST_FRAME ? ": " : "",
                       e->kind == HAWSE_HOST_FRAME ? shown : "");
    else
        (void)snprintf(out, WORDS_LINE,
                       "%s kind %u, seq %llu of source %u stream %u, key 0x%llx, %llu bytes",
                       space_name(e->space), e->kind, (unsigned long long)e->seq, e->source,
                       e->stream, (unsigned long long)e->key, (unsigned long long)e->len);
}

void call_words(const struct record_call *c, char out[WORDS_LINE])
{
    const char *what = record_call_words(c->call);
    int n = snprintf(out, WORDS_LINE, "%s", what);
    if (c->call == CALL_PUBLISH && c->arg_count == sizeof(hawse_event_t) / 8) {
        hawse_event_t e;
        memcpy(&e, c->args, sizeof(e));
        (void)snprintf(out + n, WORDS_LINE - (size_t)n,
                       " %s kind %u, stream %u epoch %u flags 0x%x, key 0x%llx, %llu bytes",
                       space_name(e.space), e.kind, e.stream, e.epoch, e.flags,
                       (unsigned long long)e.key, (unsigned long long)e.len);
        return;
    }
    for (uint8_t i = 0; i < c->view_count && n < WORDS_LINE - 130; i++) {
        char shown[120];
        if (c->views[i].len == 0)
            continue;
        show(c->views[i], shown, sizeof(shown));
        n += snprintf(out + n, WORDS_LINE - (size_t)n, " \"%s\"", shown);
    }
    for (uint8_t i = 0; i < c->arg_count && n < WORDS_LINE - 40; i++)
        n += snprintf(out + n, WORDS_LINE - (size_t)n, "%s%llu", i == 0 ? " (" : ", ",
                      (unsigned long long)c->args[i]);
    if (c->arg_count > 0 && n < WORDS_LINE - 2)
        (void)snprintf(out + n, WORDS_LINE - (size_t)n, ")");
}

void callback_words(const struct walk_step *step, char out[WORDS_TEXT])
{
    char first[WORDS_LINE];
    if (step->begin.callback != RECORD_EVENTS || step->event_count == 0) {
        (void)snprintf(out, WORDS_TEXT, "%s", record_callback_name(step->begin.callback));
        return;
    }
    event_words(&step->events[0], first);
    (void)snprintf(out, WORDS_TEXT, "on_events with %u event%s, the first: %s", step->event_count,
                   step->event_count == 1 ? "" : "s", first);
}

static bool view_difference(const struct record_call *a, const struct record_call *b, uint8_t i,
                            char out[WORDS_LINE])
{
    const hawse_view_t *x = &a->views[i], *y = &b->views[i];
    uint64_t n = x->len < y->len ? x->len : y->len;
    for (uint64_t at = 0; at < n; at++) {
        if (x->data[at] == y->data[at])
            continue;
        (void)snprintf(out, WORDS_LINE,
                       "byte %llu of %llu is 0x%02x in the first, 0x%02x in the "
                       "second",
                       (unsigned long long)at, (unsigned long long)x->len, x->data[at],
                       y->data[at]);
        return true;
    }
    if (x->len == y->len)
        return false;
    (void)snprintf(out, WORDS_LINE, "%llu bytes in the first, %llu in the second",
                   (unsigned long long)x->len, (unsigned long long)y->len);
    return true;
}

void call_difference(const struct record_call *a, const struct record_call *b, char out[WORDS_LINE])
{
    out[0] = '\0';
    if (a->call != b->call || a->view_count != b->view_count)
        return;
    for (uint8_t i = 0; i < a->view_count; i++) {
        if (view_difference(a, b, i, out))
            return;
    }
}
