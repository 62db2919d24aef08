/* Renders status; see view.h. Pure: no terminal, no time. */
#include "observe/view.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *text_of(const json_t *o, const char *key)
{
    const char *t = json_string_value(json_object_get(o, key));
    return t ? t : "";
}

static double number_of(const json_t *o, const char *key)
{
    return json_number_value(json_object_get(o, key));
}

/* 1234567 -> 1.2M */
static const char *short_number(double n, char out[16])
{
    static const char *const units[] = {"", "k", "M", "G", "T"};
    int u = 0;
    while (n >= 10000 && u < 4) {
        n /= 1000;
        u++;
    }
    (void)snprintf(out, 16, n >= 100 || u == 0 ? "%.0f%s" : "%.1f%s", n, units[u]);
    return out;
}

/* Nanoseconds with a unit. */
static const char *short_time(double ns, char out[16])
{
    if (ns < 10000)
        (void)snprintf(out, 16, "%.0fns", ns);
    else if (ns < 10e6)
        (void)snprintf(out, 16, "%.0fus", ns / 1e3);
    else if (ns < 10e9)
        (void)snprintf(out, 16, "%.0fms", ns / 1e6);
    else
        (void)snprintf(out, 16, "%.0fs", ns / 1e9);
    return out;
}

/* The entry of the same name in the earlier document. */
static const json_t *same(const json_t *before, const char *list, const char *key, const char *name)
{
    size_t i;
    json_t *entry;
    json_array_foreach(json_object_get(before, list), i, entry)
    {
        if (strcmp(text_of(entry, key), name) == 0)
            return entry;
    }
    return NULL;
}

static double rate(const json_t *before, const json_t *now, const char *key, double seconds)
{
    return before && seconds > 0 ? (number_of(now, key) - number_of(before, key)) / seconds : 0;
}

static void streams(FILE *f, const json_t *before, const json_t *now, double seconds)
{
    size_t i, c;
    json_t *s, *ch;
    char a[16], b[16], d[16], e[16];
    (void)fprintf(f, "%-22s %-11s %9s %8s %8s %9s %6s  %s\n", "STREAM", "STATE", "MESSAGES",
                  "MSG/S", "RTT", "LAST", "LOST", "CHANNELS");
    json_array_foreach(json_object_get(now, "streams"), i, s)
    {
        const json_t *old = same(before, "streams", "name", text_of(s, "name"));
        (void)fprintf(f, "%-22.22s %-11s %9s %8s %8s %9s %6s  ", text_of(s, "name"),
                      text_of(s, "state"), short_number(number_of(s, "messages"), a),
                      short_number(rate(old, s, "messages", seconds), b),
                      short_time(number_of(s, "rtt_ns"), d),
                      short_time(number_of(s, "last_message_age_ms") * 1e6, e),
                      short_number(number_of(s, "disconnects"), (char[16]){0}));
        json_array_foreach(json_object_get(s, "channels"), c, ch)(void)
            fprintf(f, "%s:%s ", text_of(ch, "name"), text_of(ch, "state"));
        (void)fputc('\n', f);
    }
}

static void features(FILE *f, json_t *features)
{
    const char *name;
    json_t *on;
    if (json_object_size(features) == 0)
        return;
    (void)fprintf(f, "  features:");
    json_object_foreach(features, name, on)(void)
        fprintf(f, " %s %s", name, json_is_true(on) ? "on" : "off");
    (void)fputc('\n', f);
}

static void instances(FILE *f, const json_t *before, const json_t *now, double seconds)
{
    size_t i;
    json_t *p;
    char a[16], b[16], c[16], d[16], e[16], q[16];
    (void)fprintf(f, "%-14s %-20s %-9s %8s %8s %8s %8s %8s %8s %6s\n", "INSTANCE", "PLUGIN",
                  "STATE", "IN", "IN/S", "OUT", "P50", "P99", "MAX", "QUEUE");
    json_array_foreach(json_object_get(now, "instances"), i, p)
    {
        const json_t *old = same(before, "instances", "id", text_of(p, "id"));
        const json_t *t = json_object_get(p, "callback_ns");
        (void)fprintf(
            f, "%-14.14s %-20.20s %-9s %8s %8s %8s %8s %8s %8s %6s%s\n", text_of(p, "id"),
            text_of(p, "plugin"),
            json_is_true(json_object_get(p, "throttled")) ? "throttled" : text_of(p, "state"),
            short_number(number_of(p, "events_in"), a),
            short_number(rate(old, p, "events_in", seconds), b),
            short_number(number_of(p, "events_out"), c), short_time(number_of(t, "p50"), d),
            short_time(number_of(t, "p99"), e), short_time(number_of(t, "max"), (char[16]){0}),
            short_number(number_of(p, "queue_depth"), q),
            number_of(p, "dropped") > 0 ? " DROPS" : "");
        features(f, json_object_get(p, "features"));
        if (text_of(p, "error")[0])
            (void)fprintf(f, "  ! %s\n", text_of(p, "error"));
    }
}

/* Those that somebody should look at; one that waits to be noticed is not told yet. */
static void alerts(FILE *f, const json_t *now)
{
    size_t i;
    json_t *a;
    json_array_foreach(json_object_get(now, "alerts"), i, a)
    {
        if (strcmp(text_of(a, "state"), "pending") != 0)
            (void)fprintf(f, "  %s %s: %s: %s%s\n",
                          strcmp(text_of(a, "severity"), "critical") == 0 ? "!!" : "!",
                          text_of(a, "instance"), text_of(a, "name"), text_of(a, "text"),
                          strcmp(text_of(a, "state"), "fading") == 0 ? " (fading)" : "");
    }
}

/* No line wider than the screen, and nothing that would steer a terminal: the document comes from
 * another process. */
static void fit(char *text, int columns)
{
    int column = 0;
    char *out = text;
    for (const char *at = text; *at; at++) {
        column = *at == '\n' ? 0 : column + 1;
        if (columns > 0 && column > columns)
            continue;
        *out++ = (unsigned char)*at < 0x20 && *at != '\n' ? '?' : *at;
    }
    *out = '\0';
}

char *view_render(const json_t *before, const json_t *now, double elapsed_s, const char *lines,
                  int columns)
{
    char *text = NULL;
    size_t len = 0, i;
    json_t *reason;
    FILE *f = open_memstream(&text, &len);
    if (!f)
        return NULL;
    bool ready = json_is_true(json_object_get(now, "ready"));
    (void)fprintf(f, "hawse %s  pid %.0f  up %.0f s  mode %s  memory %.1f MB  %s\n",
                  text_of(now, "version"), number_of(now, "pid"), number_of(now, "uptime_s"),
                  text_of(now, "mode"), number_of(now, "rss_bytes") / 1e6,
                  ready ? "READY" : "NOT READY");
    json_array_foreach(json_object_get(now, "reasons"), i, reason)(void)
        fprintf(f, "  ! %s\n", json_is_string(reason) ? json_string_value(reason) : "?");
    alerts(f, now);
    (void)fputc('\n', f);
    streams(f, before, now, elapsed_s);
    (void)fputc('\n', f);
    instances(f, before, now, elapsed_s);
    if (lines)
        (void)fprintf(f, "\n%s", lines);
    if (fclose(f) != 0) {
        free(text);
        return NULL;
    }
    fit(text, columns);
    return text;
}
