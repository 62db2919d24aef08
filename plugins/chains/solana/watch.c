/*
 * What readers asked for: each filter once, however many ask, with the texts that a node takes.
 */
#include "plugin.h"

#include <hawse/base58.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint32_t watch_stream(const struct watch *w)
{
    switch (w->filter.watch) {
    case HAWSE_SOLANA_WATCH_LOGS:
        return HAWSE_SOLANA_STREAM_LOGS;
    case HAWSE_SOLANA_WATCH_SIGNATURE:
        return HAWSE_SOLANA_STREAM_SIGNATURES;
    default:
        return HAWSE_SOLANA_STREAM_ACCOUNTS;
    }
}

/* What copies of its logs know as well: the key and the commitment. */
uint64_t watch_salt(const struct watch *w)
{
    return hawse_key(w->filter.id, 32) + w->filter.commitment;
}

bool watch_live(const struct watch *w)
{
    return w->used && w->on && !w->refused && !w->done;
}

const char *level_name(uint32_t commitment)
{
    static const char *const names[] = {"", "processed", "confirmed", "finalized"};
    return names[commitment & 3u];
}

/* ---- filters ---- */

static bool memcmps_good(const hawse_solana_memcmp_t *list, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (list[i].len == 0 || list[i].len > sizeof(list[i].bytes))
            return false;
    }
    return true;
}

/* Reads a filter into a watch that is otherwise empty. */
static int32_t read_filter(const uint8_t *bytes, uint64_t len, struct watch *w)
{
    hawse_solana_filter_t *f = &w->filter;
    if (len < sizeof(*f))
        return HAWSE_E_INVAL;
    memcpy(f, bytes, sizeof(*f));
    bool program = f->watch == HAWSE_SOLANA_WATCH_PROGRAM;
    if (f->watch < HAWSE_SOLANA_WATCH_ACCOUNT || f->watch > HAWSE_SOLANA_WATCH_SIGNATURE ||
        f->commitment < HAWSE_SOLANA_PROCESSED || f->commitment > HAWSE_SOLANA_FINALIZED ||
        f->memcmp_count > HAWSE_SOLANA_MEMCMP_MAX ||
        (!program && (f->memcmp_count > 0 || f->data_size > 0)) ||
        len < sizeof(*f) + f->memcmp_count * sizeof(w->memcmp[0]))
        return HAWSE_E_INVAL;
    f->size = sizeof(*f); /* so that equal filters are equal bytes */
    memcpy(w->memcmp, bytes + sizeof(*f), f->memcmp_count * sizeof(w->memcmp[0]));
    return memcmps_good(w->memcmp, f->memcmp_count) ? HAWSE_OK : HAWSE_E_INVAL;
}

static uint32_t find_equal(const struct sol *s, const struct watch *w)
{
    for (uint32_t i = 0; i < s->watch_count; i++) {
        if (s->watches[i].used &&
            memcmp(&s->watches[i].filter, &w->filter, sizeof(w->filter)) == 0 &&
            memcmp(s->watches[i].memcmp, w->memcmp, sizeof(w->memcmp)) == 0)
            return i;
    }
    return UINT32_MAX;
}

/* Room for one more; items are `size` bytes. */
static bool make_room(void **list, uint32_t count, uint32_t *cap, size_t size)
{
    if (count < *cap)
        return true;
    uint32_t more = *cap ? *cap * 2 : 16;
    void *larger = realloc(*list, more * size);
    if (!larger)
        return false;
    *list = larger;
    *cap = more;
    return true;
}

static uint32_t take_slot(struct sol *s)
{
    for (uint32_t i = 0; i < s->watch_count; i++) {
        if (!s->watches[i].used)
            return i;
    }
    void *list = s->watches;
    bool room = make_room(&list, s->watch_count, &s->watch_cap, sizeof(s->watches[0]));
    s->watches = list;
    return room ? s->watch_count++ : UINT32_MAX;
}

/* ---- by number ---- */

static uint32_t id_place(const struct sol *s, uint64_t id)
{
    return (uint32_t)(id * 0x9e3779b97f4a7c15u >> 32) & (s->id_cap - 1);
}

void watch_index(struct sol *s)
{
    memset(s->ids, 0xff, s->id_cap * sizeof(s->ids[0]));
    for (uint32_t i = 0; i < s->watch_count; i++) {
        if (!s->watches[i].used || !s->watches[i].on)
            continue;
        uint32_t at = id_place(s, s->watches[i].id);
        while (s->ids[at].watch != UINT32_MAX)
            at = (at + 1) & (s->id_cap - 1);
        s->ids[at] = (struct id_entry){s->watches[i].id, i};
    }
}

static bool index_room(struct sol *s)
{
    uint32_t cap = s->id_cap ? s->id_cap : 64;
    while (cap < 4 * s->watch_cap)
        cap *= 2;
    if (cap == s->id_cap)
        return true;
    struct id_entry *larger = realloc(s->ids, cap * sizeof(larger[0]));
    if (!larger)
        return false;
    s->ids = larger;
    s->id_cap = cap;
    return true;
}

struct watch *watch_of_id(struct sol *s, uint64_t id, enum wire_kind kind)
{
    static const uint8_t kinds[] = {0, WIRE_ACCOUNT, WIRE_PROGRAM, WIRE_LOGS, WIRE_SIGNATURE};
    if (s->id_cap == 0)
        return NULL;
    for (uint32_t at = id_place(s, id); s->ids[at].watch != UINT32_MAX;
         at = (at + 1) & (s->id_cap - 1)) {
        struct watch *w = &s->watches[s->ids[at].watch];
        if (s->ids[at].id == id && w->on && w->id == id && kinds[w->filter.watch] == kind)
            return w;
    }
    return NULL;
}

/* ---- demands ---- */

int32_t watch_add(struct sol *s, uint64_t sub, const uint8_t *filter, uint64_t len)
{
    struct watch w;
    memset(&w, 0, sizeof(w));
    int32_t code = read_filter(filter, len, &w);
    void *list = s->demands;
    if (code != HAWSE_OK)
        return code;
    if (!make_room(&list, s->demand_count, &s->demand_cap, sizeof(s->demands[0])))
        return HAWSE_E_NOMEM;
    s->demands = list;
    uint32_t at = find_equal(s, &w);
    if (at == UINT32_MAX) {
        at = take_slot(s);
        if (at == UINT32_MAX)
            return HAWSE_E_NOMEM;
        w.used = w.fresh = w.dirty = true;
        s->watches[at] = w;
        if (!index_room(s)) {
            s->watches[at].used = false;
            return HAWSE_E_NOMEM;
        }
        watch_index(s);
        if (s->phase != PHASE_DOWN)
            link_subscribe(s, at);
    }
    s->watches[at].refs++;
    s->demands[s->demand_count++] = (struct demand){sub, at};
    return HAWSE_OK;
}

void watch_drop(struct sol *s, uint64_t sub)
{
    for (uint32_t i = 0; i < s->demand_count; i++) {
        if (s->demands[i].sub != sub)
            continue;
        struct watch *w = &s->watches[s->demands[i].watch];
        s->demands[i] = s->demands[--s->demand_count];
        if (--w->refs > 0)
            return;
        audit_cancel(s); /* it may be about this watch */
        link_unsubscribe(s, w);
        accounts_leave(&s->accounts, w, (uint32_t)(w - s->watches));
        memset(w, 0, sizeof(*w));
        watch_index(s);
        return;
    }
}

/* ---- texts ---- */

uint64_t watch_filters(const struct watch *w, char *out, uint64_t cap)
{
    uint64_t at = 0;
    const char *comma = "";
    if (w->filter.memcmp_count == 0 && w->filter.data_size == 0)
        return 0;
    at += (uint64_t)snprintf(out, cap, ",\"filters\":[");
    if (w->filter.data_size > 0) {
        at += (uint64_t)snprintf(out + at, cap - at, "{\"dataSize\":%llu}",
                                 (unsigned long long)w->filter.data_size);
        comma = ",";
    }
    for (uint32_t i = 0; i < w->filter.memcmp_count; i++) {
        char text[HAWSE_BASE58_DIGITS(128) + 1];
        uint64_t need = 0;
        (void)hawse_base58_encode(w->memcmp[i].bytes, w->memcmp[i].len, text, sizeof(text), &need);
        at += (uint64_t)snprintf(
            out + at, cap - at,
            "%s{\"memcmp\":{\"offset\":%llu,\"bytes\":\"%s\",\"encoding\":\"base58\"}}", comma,
            (unsigned long long)w->memcmp[i].offset, text);
        comma = ",";
    }
    return at + (uint64_t)snprintf(out + at, cap - at, "]");
}

uint64_t watch_params(const struct watch *w, char *out, uint64_t cap)
{
    const char *level = level_name(w->filter.commitment);
    char text[HAWSE_BASE58_SIGNATURE_TEXT], filters[2048];
    if (w->filter.watch == HAWSE_SOLANA_WATCH_SIGNATURE) {
        (void)hawse_base58_from_signature(w->filter.id, text);
        return (uint64_t)snprintf(out, cap, "[\"%s\",{\"commitment\":\"%s\"}]", text, level);
    }
    (void)hawse_base58_from_key(w->filter.id, text);
    if (w->filter.watch == HAWSE_SOLANA_WATCH_LOGS)
        return (uint64_t)snprintf(out, cap, "[{\"mentions\":[\"%s\"]},{\"commitment\":\"%s\"}]",
                                  text, level);
    filters[watch_filters(w, filters, sizeof(filters) - 1)] = '\0';
    return (uint64_t)snprintf(out, cap,
                              "[\"%s\",{\"encoding\":\"base64\",\"commitment\":\"%s\"%s}]", text,
                              level, filters);
}
