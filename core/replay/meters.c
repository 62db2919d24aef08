/* See meters.h. */
#include "replay/meters.h"

#include "replay/plot.h"

#include <stdlib.h>
#include <string.h>

enum { METERS = 256, NAME = 64, HELP = 120 };

struct meter {
    uint32_t owner;
    uint64_t handle;
    char name[NAME], help[HELP];
    int64_t value;
    struct track *track; /* NULL until it changes; its name is the label */
    char label[SERIES_NAME];
};

struct meters {
    struct meter list[METERS];
    uint32_t count;
};

struct meters *meters_new(void)
{
    return calloc(1, sizeof(struct meters));
}

void meters_free(struct meters *meters)
{
    for (uint32_t i = 0; meters && i < meters->count; i++)
        free(meters->list[i].track);
    free(meters);
}

static void copy(char *out, size_t size, hawse_view_t text)
{
    (void)snprintf(out, size, "%.*s", (int)(text.len < size ? text.len : size - 1),
                   text.data ? (const char *)text.data : "");
}

/* type="gate" is shown as gate. */
static void copy_label(char *out, size_t size, hawse_view_t text)
{
    const char *from = text.len ? memchr(text.data, '"', (size_t)text.len) : NULL;
    if (from && text.data[text.len - 1] == '"' && from + 1 < (const char *)text.data + text.len) {
        text.len -= (uint64_t)(from + 1 - (const char *)text.data) + 1;
        text.data = (const uint8_t *)from + 1;
    }
    copy(out, size, text);
}

static void declare(struct meters *meters, uint32_t owner, const struct record_call *call)
{
    if (meters->count == METERS || call->view_count != 3 || call->code != HAWSE_OK)
        return;
    struct meter *m = &meters->list[meters->count++];
    m->owner = owner;
    m->handle = call->result;
    copy(m->name, sizeof(m->name), call->views[0]);
    copy(m->help, sizeof(m->help), call->views[1]);
    copy_label(m->label, sizeof(m->label), call->views[2]);
}

static void take(struct meters *meters, uint32_t owner, uint64_t handle, int64_t value, bool adds,
                 uint64_t at_ns)
{
    for (uint32_t i = meters->count; i-- > 0;) { /* the newest: a handle may be used again */
        struct meter *m = &meters->list[i];
        if (m->owner != owner || m->handle != handle)
            continue;
        int64_t next = adds ? (int64_t)((uint64_t)m->value + (uint64_t)value) : value;
        if (next == m->value)
            return;
        if (!m->track && (m->track = calloc(1, sizeof(*m->track))) != NULL) {
            (void)snprintf(m->track->name, sizeof(m->track->name), "%s", m->label);
            track_add(m->track, 0, 0);
        }
        m->value = next;
        if (m->track)
            track_add(m->track, at_ns, (double)next);
        return;
    }
}

void meters_take(struct meters *meters, uint32_t owner, const struct record_call *call,
                 uint64_t at_ns)
{
    if (call->call == CALL_METRIC_DECLARE)
        declare(meters, owner, call);
    else if ((call->call == CALL_METRIC_ADD || call->call == CALL_METRIC_SET) &&
             call->code == HAWSE_OK && call->arg_count == 2)
        take(meters, owner, call->args[0], (int64_t)call->args[1], call->call == CALL_METRIC_ADD,
             at_ns);
}

bool meters_any(const struct meters *meters, uint32_t owner)
{
    for (uint32_t i = 0; i < meters->count; i++) {
        if (meters->list[i].owner == owner && meters->list[i].track)
            return true;
    }
    return false;
}

/* All labels of the metric that has its first line at `first`. */
static void plot(struct meters *meters, uint32_t first, FILE *out, uint64_t span_ns)
{
    const struct track *lines[METERS];
    const struct meter *m = &meters->list[first];
    char heading[NAME + HELP + 4];
    uint32_t count = 0;
    for (uint32_t i = first; i < meters->count; i++) {
        struct meter *other = &meters->list[i];
        if (other->owner != m->owner || !other->track || strcmp(other->name, m->name) != 0)
            continue;
        track_end(other->track, span_ns, (double)other->value);
        lines[count++] = other->track;
    }
    (void)snprintf(heading, sizeof(heading), "%s: %s", m->name, m->help);
    plot_tracks(out, heading, lines, count, span_ns);
}

void meters_plot(struct meters *meters, uint32_t owner, FILE *out, uint64_t span_ns)
{
    for (uint32_t i = 0; i < meters->count; i++) {
        const struct meter *m = &meters->list[i];
        bool first = m->owner == owner && m->track;
        for (uint32_t k = 0; k < i && first; k++)
            first = meters->list[k].owner != owner || !meters->list[k].track ||
                    strcmp(meters->list[k].name, m->name) != 0;
        if (first)
            plot(meters, i, out, span_ns);
    }
}
