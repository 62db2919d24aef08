/* Reads the lines of a sample; see tape.h. */
#include "app/feed/tape.h"

#include <hawse/types.h>
#include <stdlib.h>
#include <string.h>

enum { FRAMES_MAX = 1000000, PAUSE_MS = 1000 };

static int32_t bad(struct fault *fault, const char *path, size_t line, const char *what)
{
    return fault_set(fault, HAWSE_E_FORMAT, "%s:%zu: %s", path, line, what);
}

static int32_t add(struct tape *t, const json_t *line, const char *path, size_t n,
                   struct fault *fault)
{
    json_t *frame = json_object_get(line, "frame"), *when = json_object_get(line, "t_ms");
    uint64_t t_ms = (uint64_t)json_integer_value(when);
    if (!json_is_integer(when) || !(json_is_object(frame) || json_is_array(frame)))
        return bad(fault, path, n, "expected {\"t_ms\": N, \"frame\": {...} or [...]}");
    if (json_integer_value(when) < 0 || (t->count > 0 && t_ms < t->frames[t->count - 1].t_ms))
        return bad(fault, path, n, "t_ms: expected a time not before the frame above");
    if (t->count == t->cap) {
        size_t cap = t->cap ? t->cap * 2 : 256;
        struct tape_frame *more =
            cap <= FRAMES_MAX ? realloc(t->frames, cap * sizeof(more[0])) : NULL;
        if (!more)
            return fault_set(fault, HAWSE_E_NOMEM, "%s: more frames than fit", path);
        t->frames = more;
        t->cap = cap;
    }
    t->frames[t->count++] = (struct tape_frame){.t_ms = t_ms, .frame = json_incref(frame)};
    t->span_ms = t_ms + PAUSE_MS;
    return HAWSE_OK;
}

int32_t tape_read(FILE *f, const char *path, struct tape *t, struct fault *fault)
{
    char *text = NULL;
    size_t cap = 0, n = 0;
    int32_t code = HAWSE_OK;
    memset(t, 0, sizeof(*t));
    while (code == HAWSE_OK && getline(&text, &cap, f) > 0) {
        json_error_t error;
        json_t *line = json_loads(text, 0, &error);
        const char *format = json_string_value(json_object_get(line, "format"));
        n++;
        if (!line)
            code = bad(fault, path, n, error.text);
        else if (n > 1)
            code = add(t, line, path, n, fault);
        else if (!format || strcmp(format, "hawse-websocket-sample") != 0)
            code = bad(fault, path, n, "not the header of a hawse-websocket-sample");
        else
            t->header = json_incref(line);
        json_decref(line);
    }
    free(text);
    if (code == HAWSE_OK && t->count == 0)
        code = bad(fault, path, n, "no frames");
    if (code != HAWSE_OK)
        tape_finish(t);
    return code;
}

void tape_finish(struct tape *t)
{
    for (size_t i = 0; i < t->count; i++)
        json_decref(t->frames[i].frame);
    free(t->frames);
    json_decref(t->header);
    memset(t, 0, sizeof(*t));
}

double tape_due_ms(const struct tape *t)
{
    return (double)t->round * (double)t->span_ms + (double)t->frames[t->next].t_ms;
}

json_t *tape_play(struct tape *t, uint64_t *round)
{
    json_t *frame = json_deep_copy(t->frames[t->next].frame);
    *round = t->round;
    if (++t->next == t->count) {
        t->next = 0;
        t->round++;
    }
    return frame;
}
