/* See diff.h. */
#include "replay/diff.h"

#include "host/host.h"
#include "replay/words.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A capture as one instance sees it. */
struct side {
    struct walk *walk;
    struct walk_step step;
    const char *id;
    bool mine[HOST_INSTANCES]; /* slots that this instance has */
    uint64_t begun_ns;
};

static bool instance_id(const struct walk_step *step, char out[DIFF_ID])
{
    json_t *o = json_loadb((const char *)step->text.data, (size_t)step->text.len, 0, NULL);
    const char *id = json_string_value(json_object_get(o, "id"));
    (void)snprintf(out, DIFF_ID, "%s", id ? id : "");
    json_decref(o);
    return out[0] != '\0';
}

/* The next callback of the instance; step.kind is WALK_END when there is none. */
static int32_t side_next(struct side *s, struct fault *fault)
{
    char id[DIFF_ID];
    int32_t code;
    while ((code = walk_next(s->walk, &s->step, fault)) == HAWSE_OK) {
        const struct walk_step *step = &s->step;
        if (step->kind == WALK_END)
            return HAWSE_OK;
        if (step->kind == WALK_CALLBACK && s->begun_ns == 0)
            s->begun_ns = step->begin.now_ns;
        if (step->instance >= HOST_INSTANCES)
            continue;
        if (step->kind == WALK_INSTANCE)
            s->mine[step->instance] = instance_id(step, id) && strcmp(id, s->id) == 0;
        else if (step->kind == WALK_CALLBACK && s->mine[step->instance])
            return HAWSE_OK;
    }
    return code;
}

/* ---- one callback ---- */

static bool compare_begin(const struct walk_step *a, const struct walk_step *b, char *text,
                          size_t cap)
{
    if (a->begin.callback != b->begin.callback)
        (void)snprintf(text, cap, "  first:  %s\n  second: %s",
                       record_callback_name(a->begin.callback),
                       record_callback_name(b->begin.callback));
    else if (a->begin.now_ns != b->begin.now_ns || a->begin.utc_ns != b->begin.utc_ns ||
             a->begin.argument != b->begin.argument)
        (void)snprintf(text, cap,
                       "  an input differs: the clock: %llu ns in the first, %llu ns in "
                       "the second",
                       (unsigned long long)a->begin.now_ns, (unsigned long long)b->begin.now_ns);
    else if (a->event_count != b->event_count)
        (void)snprintf(text, cap, "  an input differs: %u events in the first, %u in the second",
                       a->event_count, b->event_count);
    else
        return true;
    return false;
}

static bool compare_events(const struct walk_step *a, const struct walk_step *b, char *text,
                           size_t cap)
{
    char x[WORDS_LINE], y[WORDS_LINE];
    for (uint32_t i = 0; i < a->event_count; i++) {
        if (event_same(&a->events[i], &b->events[i]))
            continue;
        event_words(&a->events[i], x);
        event_words(&b->events[i], y);
        (void)snprintf(text, cap, "  an input differs: event %u\n  first:  %s\n  second: %s", i + 1,
                       x, y);
        return false;
    }
    return true;
}

/* Either may be NULL: it makes no call more. */
static void tell_calls(const struct record_call *a, const struct record_call *b, char *text,
                       size_t cap)
{
    char x[WORDS_LINE] = "does nothing more", y[WORDS_LINE] = "does nothing more";
    char detail[WORDS_LINE] = "";
    if (a)
        call_words(a, x);
    if (b)
        call_words(b, y);
    if (a && b && call_same(a, b))
        (void)snprintf(detail, sizeof(detail),
                       "an input differs: answered %d (%llu) in the first, %d (%llu) in the second",
                       a->code, (unsigned long long)a->result, b->code,
                       (unsigned long long)b->result);
    else if (a && b)
        call_difference(a, b, detail);
    (void)snprintf(text, cap, "  first:  %s\n  second: %s%s%s", x, y, detail[0] ? "\n  " : "",
                   detail);
}

static bool compare_calls(const struct walk_step *a, const struct walk_step *b, char *text,
                          size_t cap)
{
    uint32_t n = a->call_count > b->call_count ? a->call_count : b->call_count;
    for (uint32_t i = 0; i < n; i++) {
        const struct record_call *ca = i < a->call_count ? &a->calls[i] : NULL;
        const struct record_call *cb = i < b->call_count ? &b->calls[i] : NULL;
        if (ca && cb && call_same(ca, cb) && ca->code == cb->code && ca->result == cb->result)
            continue;
        tell_calls(ca, cb, text, cap);
        return false;
    }
    if (a->end.result == b->end.result)
        return true;
    (void)snprintf(text, cap, "  returns %d in the first, %d in the second", a->end.result,
                   b->end.result);
    return false;
}

/* ---- one instance ---- */

static void tell(struct diff_result *r, const struct side *a, const struct side *b, uint64_t number,
                 const char *what)
{
    const struct side *at = a->step.kind == WALK_CALLBACK ? a : b;
    char where[WORDS_TEXT];
    uint64_t since = walk_since(at->step.begin.now_ns, at->begun_ns);
    if (r->differs && r->at_ns <= since)
        return;
    callback_words(&at->step, where);
    r->differs = true;
    r->at_ns = since;
    (void)snprintf(r->instance, sizeof(r->instance), "%s", a->id);
    (void)snprintf(r->text, sizeof(r->text),
                   "%s first differs %.6f s after the beginning, in its call %llu: %s\n%s", a->id,
                   (double)since / 1e9, (unsigned long long)number, where, what);
}

static int32_t compare_instance(struct side *a, struct side *b, struct diff_result *r,
                                struct fault *fault)
{
    char text[2048] = "";
    for (uint64_t number = 1;; number++) {
        int32_t code = side_next(a, fault);
        if (code == HAWSE_OK)
            code = side_next(b, fault);
        if (code != HAWSE_OK)
            return code;
        if (a->step.kind == WALK_END && b->step.kind == WALK_END)
            return HAWSE_OK;
        if (a->step.kind == WALK_END || b->step.kind == WALK_END) {
            (void)snprintf(text, sizeof(text), "  is only in the %s",
                           a->step.kind == WALK_END ? "second" : "first");
            tell(r, a, b, number, text);
            return HAWSE_OK;
        }
        r->callbacks++;
        if (!compare_begin(&a->step, &b->step, text, sizeof(text)) ||
            !compare_events(&a->step, &b->step, text, sizeof(text)) ||
            !compare_calls(&a->step, &b->step, text, sizeof(text))) {
            tell(r, a, b, number, text);
            return HAWSE_OK;
        }
    }
}

static int32_t compare_by_id(const char *a, const char *b, const char *id, struct diff_result *r,
                             struct fault *fault)
{
    struct side *sides = calloc(2, sizeof(*sides));
    if (!sides)
        return fault_set(fault, HAWSE_E_NOMEM, "no memory to compare");
    sides[0].id = sides[1].id = id;
    int32_t code = walk_open(a, &sides[0].walk, fault);
    if (code == HAWSE_OK)
        code = walk_open(b, &sides[1].walk, fault);
    if (code == HAWSE_OK)
        code = compare_instance(&sides[0], &sides[1], r, fault);
    walk_close(sides[0].walk);
    walk_close(sides[1].walk);
    free(sides);
    return code;
}

/* ---- all ---- */

struct ids {
    char (*list)[DIFF_ID];
    size_t count;
};

static int32_t add_ids(struct ids *ids, const char *path, struct fault *fault)
{
    struct walk *walk = NULL;
    struct walk_step step = {0};
    char id[DIFF_ID];
    int32_t code = walk_open(path, &walk, fault);
    if (code != HAWSE_OK)
        return code;
    while ((code = walk_next(walk, &step, fault)) == HAWSE_OK && step.kind != WALK_END) {
        bool known = step.kind != WALK_INSTANCE || !instance_id(&step, id);
        for (size_t i = 0; i < ids->count && !known; i++)
            known = strcmp(ids->list[i], id) == 0;
        if (known)
            continue;
        void *bigger = realloc(ids->list, (ids->count + 1) * sizeof(ids->list[0]));
        if (!bigger) {
            code = fault_set(fault, HAWSE_E_NOMEM, "no memory to compare");
            break;
        }
        ids->list = bigger;
        memcpy(ids->list[ids->count++], id, DIFF_ID);
    }
    walk_close(walk);
    return code;
}

int32_t diff_captures(const char *a, const char *b, struct diff_result *result, struct fault *fault)
{
    struct ids ids = {0};
    memset(result, 0, sizeof(*result));
    int32_t code = add_ids(&ids, a, fault);
    if (code == HAWSE_OK)
        code = add_ids(&ids, b, fault);
    for (size_t i = 0; i < ids.count && code == HAWSE_OK; i++) {
        code = compare_by_id(a, b, ids.list[i], result, fault);
        result->instances++;
    }
    free(ids.list);
    return code;
}
