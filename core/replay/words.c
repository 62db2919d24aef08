/* See words.h. */
#include "replay/words.h"

#include "base/fault.h"
#include "replay/fields.h"

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
    static const char *const names[] = {"space 0",  "host/1",   "stream/1", "evm/1",     "solana/1",
                                        "market/1", "wallet/1", "intent/1", "position/1"};
    return space < sizeof(names) / sizeof(names[0]) ? names[space] : "a space of its own";
}

/* "market/1 trade", or "market/1 kind 77" */
static void kind_words(uint16_t space, uint16_t kind, char out[64])
{
    const char *name = kind_name(space, kind);
    if (name)
        (void)snprintf(out, 64, "%s %s", space_name(space), name);
    else
        (void)snprintf(out, 64, "%s kind %u", space_name(space), kind);
}

static const char *host_kind(uint16_t kind)
{
    static const char *const names[] = {"nothing",      "timer",        "post",        "frame",
                                        "stream state", "channel idle", "rpc done",    "demand",
                                        "http done",    "command",      "command gone"};
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
    char shown[96], kind[64];
    show((hawse_view_t){.data = e->data, .len = e->len}, shown, sizeof(shown));
    kind_words(e->space, e->kind, kind);
    if (e->space == HAWSE_SPACE_HOST)
        (void)snprintf(out, WORDS_LINE, "%s, seq %llu, %llu bytes%s%s", host_kind(e->kind),
                       (unsigned long long)e->seq, (unsigned long long)e->len,
                       e->kind == HAWSE_HOST_FRAME ? ": " : "",
                       e->kind == HAWSE_HOST_FRAME ? shown : "");
    else
        (void)snprintf(out, WORDS_LINE,
                       "%s, seq %llu of source %u stream %u, key 0x%llx, %llu bytes", kind,
                       (unsigned long long)e->seq, e->source, e->stream, (unsigned long long)e->key,
                       (unsigned long long)e->len);
}

/* " to market/1 trade of source 2, key 0x1f": as hawse_sub_spec_t has it */
static void subscription_words(const struct record_call *c, char *out, size_t cap)
{
    enum { SOURCE, SPACE, KIND, KEY = 6 };
    char kind[64], source[32] = "every link", key[40] = "";
    kind_words((uint16_t)c->args[SPACE], (uint16_t)c->args[KIND], kind);
    if (c->args[KIND] == 0)
        (void)snprintf(kind, sizeof(kind), "all of %s", space_name((uint16_t)c->args[SPACE]));
    if (c->args[SOURCE] != 0)
        (void)snprintf(source, sizeof(source), "source %llu", (unsigned long long)c->args[SOURCE]);
    if (c->args[KEY] != 0)
        (void)snprintf(key, sizeof(key), ", key 0x%llx", (unsigned long long)c->args[KEY]);
    (void)snprintf(out, cap, " to %s of %s%s", kind, source, key);
}

void call_words(const struct record_call *c, char out[WORDS_LINE])
{
    const char *what = record_call_words(c->call);
    int n = snprintf(out, WORDS_LINE, "%s", what);
    if (c->call == CALL_SUBSCRIBE && c->arg_count == 7) {
        subscription_words(c, out + n, WORDS_LINE - (size_t)n);
        return;
    }
    if (c->call == CALL_PUBLISH && c->arg_count == sizeof(hawse_event_t) / 8) {
        char kind[64];
        hawse_event_t e;
        memcpy(&e, c->args, sizeof(e));
        kind_words(e.space, e.kind, kind);
        (void)snprintf(out + n, WORDS_LINE - (size_t)n,
                       " %s, stream %u epoch %u flags 0x%x, key 0x%llx, %llu bytes", kind, e.stream,
                       e.epoch, e.flags, (unsigned long long)e.key, (unsigned long long)e.len);
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

/* ---- what differs ---- */

/* Up to eight bytes as a number, more as hexadecimal. */
static void value_words(const uint8_t *at, uint32_t size, char out[80])
{
    uint64_t number = 0;
    if (size <= sizeof(number)) {
        memcpy(&number, at, size); /* little-endian */
        (void)snprintf(out, 80, "%llu", (unsigned long long)number);
        return;
    }
    int n = snprintf(out, 80, "0x");
    for (uint32_t i = 0; i < size && i < 32; i++)
        n += snprintf(out + n, 80 - (size_t)n, "%02x", at[i]);
}

/* The member of a published record that holds the byte, with both values. */
static bool field_difference(const struct record_call *a, const struct record_call *b,
                             uint64_t byte, char out[WORDS_LINE])
{
    hawse_event_t x, y;
    char first[80], second[80];
    if (a->call != CALL_PUBLISH)
        return false;
    record_published(a, 0, &x);
    record_published(b, 0, &y);
    const struct field *f = field_at(x.space, x.kind, byte);
    if (!f || x.space != y.space || x.kind != y.kind || f->offset + f->size > x.len ||
        f->offset + f->size > y.len)
        return false;
    value_words(x.data + f->offset, f->size, first);
    value_words(y.data + f->offset, f->size, second);
    (void)snprintf(out, WORDS_LINE, "%s is %s above, %s below", f->name, first, second);
    return true;
}

static bool view_difference(const struct record_call *a, const struct record_call *b, uint8_t i,
                            char out[WORDS_LINE])
{
    const hawse_view_t *x = &a->views[i], *y = &b->views[i];
    uint64_t n = x->len < y->len ? x->len : y->len;
    for (uint64_t at = 0; at < n; at++) {
        if (x->data[at] == y->data[at])
            continue;
        if (!field_difference(a, b, at, out))
            (void)snprintf(out, WORDS_LINE, "byte %llu of %llu is 0x%02x above, 0x%02x below",
                           (unsigned long long)at, (unsigned long long)x->len, x->data[at],
                           y->data[at]);
        return true;
    }
    if (x->len == y->len)
        return false;
    (void)snprintf(out, WORDS_LINE, "%llu bytes above, %llu below", (unsigned long long)x->len,
                   (unsigned long long)y->len);
    return true;
}

/* The header of what is published. */
static bool header_difference(const struct record_call *a, const struct record_call *b,
                              char out[WORDS_LINE])
{
    hawse_event_t x, y;
    record_published(a, 0, &x);
    record_published(b, 0, &y);
    const struct {
        const char *name;
        uint64_t first, second;
    } members[] = {{"kind", x.kind, y.kind},
                   {"stream", x.stream, y.stream},
                   {"epoch", x.epoch, y.epoch},
                   {"flags", x.flags, y.flags},
                   {"key", x.key, y.key},
                   {"t_recv_ns", x.t_recv_ns, y.t_recv_ns},
                   {"t_source_ns", x.t_source_ns, y.t_source_ns}};
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        if (members[i].first == members[i].second)
            continue;
        (void)snprintf(out, WORDS_LINE, "%s is %llu above, %llu below", members[i].name,
                       (unsigned long long)members[i].first, (unsigned long long)members[i].second);
        return true;
    }
    return false;
}

void call_difference(const struct record_call *a, const struct record_call *b, char out[WORDS_LINE])
{
    out[0] = '\0';
    if (a->call != b->call || a->view_count != b->view_count)
        return;
    bool publishes = a->call == CALL_PUBLISH && a->view_count == 1;
    if (publishes && header_difference(a, b, out))
        return;
    for (uint8_t i = 0; i < a->view_count; i++) {
        if (view_difference(a, b, i, out))
            return;
    }
}
