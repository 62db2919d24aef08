/*
 * The registry of metrics and its text form; see metrics.h. A metric's memory never moves and is
 * freed with its instance or the registry; writers hold plain pointers to it.
 */
#include "observe/metrics.h"

#include <ctype.h>
#include <hawse/types.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum kind { COUNTER, GAUGE, SECONDS, HISTOGRAM };

struct metric {
    struct metric *next;
    enum kind kind;
    char *name, *help, *labels;
    union {
        struct metric_counter counter;
        struct metric_gauge gauge;
        struct metric_histogram histogram;
    } u;
};

struct metrics {
    pthread_mutex_t lock; /* guards the list */
    struct metric *first;
};

#define READ(x) __atomic_load_n(&(x), __ATOMIC_RELAXED)

int32_t metrics_create(struct metrics **out)
{
    struct metrics *m = calloc(1, sizeof(*m));
    if (!m)
        return HAWSE_E_NOMEM;
    (void)pthread_mutex_init(&m->lock, NULL);
    *out = m;
    return HAWSE_OK;
}

static void metric_free(struct metric *metric)
{
    free(metric->name);
    free(metric->help);
    free(metric->labels);
    free(metric);
}

void metrics_destroy(struct metrics *m)
{
    if (!m)
        return;
    while (m->first) {
        struct metric *next = m->first->next;
        metric_free(m->first);
        m->first = next;
    }
    (void)pthread_mutex_destroy(&m->lock);
    free(m);
}

/* ---- registration ---- */

static bool name_legal(const char *name)
{
    if (!isalpha((unsigned char)name[0]) && name[0] != '_')
        return false;
    for (; *name; name++) {
        if (!isalnum((unsigned char)*name) && *name != '_' && *name != ':')
            return false;
    }
    return true;
}

/* Steps over one name="value"; NULL when it is none. Quotes and backslashes are escaped. */
static const char *one_label(const char *at)
{
    if (!isalpha((unsigned char)*at) && *at != '_')
        return NULL;
    while (isalnum((unsigned char)*at) || *at == '_')
        at++;
    if (*at++ != '=' || *at++ != '"')
        return NULL;
    for (; *at && *at != '"'; at++) {
        if ((unsigned char)*at < 0x20 || (*at == '\\' && *++at == '\0'))
            return NULL;
    }
    return *at == '"' ? at + 1 : NULL;
}

static bool labels_legal(const char *at)
{
    while (*at) {
        at = one_label(at);
        if (!at || (*at && *at != ','))
            return false;
        if (*at == ',' && !*++at)
            return false;
    }
    return true;
}

static struct metric *metric_new(enum kind kind, const char *name, const char *help,
                                 const char *labels)
{
    size_t size = kind == HISTOGRAM ? sizeof(struct metric)
                                    : offsetof(struct metric, u) + sizeof(struct metric_counter);
    struct metric *metric = calloc(1, size);
    if (!metric)
        return NULL;
    metric->kind = kind;
    metric->name = strdup(name);
    metric->help = strdup(help);
    metric->labels = strdup(labels);
    if (!metric->name || !metric->help || !metric->labels) {
        metric_free(metric);
        return NULL;
    }
    for (char *c = metric->help; *c; c++)
        *c = *c == '\n' || *c == '\\' ? ' ' : *c;
    return metric;
}

/* The metric of that name and labels; a name keeps one kind. New ones stand behind their family. */
static struct metric *get(struct metrics *m, enum kind kind, const char *name, const char *help,
                          const char *labels)
{
    if (!name_legal(name) || !labels_legal(labels))
        return NULL;
    struct metric *found = NULL, *family = NULL;
    (void)pthread_mutex_lock(&m->lock);
    for (struct metric *at = m->first; at && !found; at = at->next) {
        if (strcmp(at->name, name) != 0)
            continue;
        family = at;
        if (strcmp(at->labels, labels) == 0)
            found = at;
    }
    if (!found && (!family || family->kind == kind)) {
        found = metric_new(kind, name, help, labels);
        if (found && family) {
            found->next = family->next;
            family->next = found;
        } else if (found) {
            found->next = m->first;
            m->first = found;
        }
    }
    (void)pthread_mutex_unlock(&m->lock);
    return found && found->kind == kind ? found : NULL;
}

struct metric_counter *metrics_counter(struct metrics *m, const char *name, const char *help,
                                       const char *labels)
{
    struct metric *metric = get(m, COUNTER, name, help, labels);
    return metric ? &metric->u.counter : NULL;
}

struct metric_gauge *metrics_gauge(struct metrics *m, const char *name, const char *help,
                                   const char *labels)
{
    struct metric *metric = get(m, GAUGE, name, help, labels);
    return metric ? &metric->u.gauge : NULL;
}

struct metric_gauge *metrics_seconds(struct metrics *m, const char *name, const char *help,
                                     const char *labels)
{
    struct metric *metric = get(m, SECONDS, name, help, labels);
    return metric ? &metric->u.gauge : NULL;
}

struct metric_histogram *metrics_histogram(struct metrics *m, const char *name, const char *help,
                                           const char *labels)
{
    struct metric *metric = get(m, HISTOGRAM, name, help, labels);
    return metric ? &metric->u.histogram : NULL;
}

void metrics_drop_instance(struct metrics *m, const char *instance)
{
    char label[128];
    (void)snprintf(label, sizeof(label), "instance=\"%s\"", instance);
    (void)pthread_mutex_lock(&m->lock);
    for (struct metric **at = &m->first; *at;) {
        struct metric *metric = *at;
        if (strstr(metric->labels, label)) {
            *at = metric->next;
            metric_free(metric);
        } else {
            at = &metric->next;
        }
    }
    (void)pthread_mutex_unlock(&m->lock);
}

/* ---- reading ---- */

/* First nanosecond that lies above the bucket: the inverse of histogram_bucket. */
static uint64_t bucket_edge(unsigned bucket)
{
    if (bucket < 4)
        return 80u + 16u * bucket; /* the first power of two, 64 to 127, and all below it */
    unsigned top = bucket / 4 + 6;
    return (1ull << top) + (uint64_t)(bucket % 4 + 1) * (1ull << (top - 2));
}

uint64_t histogram_quantile(const struct metric_histogram *h, uint32_t ppm)
{
    uint64_t total = READ(h->count), seen = 0;
    uint64_t want = total / 1000000u * ppm + total % 1000000u * ppm / 1000000u;
    if (total == 0)
        return 0;
    for (unsigned b = 0; b < METRIC_HISTOGRAM_BUCKETS; b++) {
        seen += READ(h->bucket[b]);
        if (seen > want || (seen == total && want == total)) {
            uint64_t edge = bucket_edge(b), max = READ(h->max_ns);
            return edge < max ? edge : max;
        }
    }
    return READ(h->max_ns);
}

static void write_series(FILE *f, const struct metric *m, const char *suffix, const char *extra,
                         const char *value)
{
    bool braces = m->labels[0] || extra[0];
    (void)fprintf(f, "%s%s%s%s%s%s%s %s\n", m->name, suffix, braces ? "{" : "", m->labels,
                  m->labels[0] && extra[0] ? "," : "", extra, braces ? "}" : "", value);
}

/* Powers of four from 256 ns to 4.4 s: what a dashboard needs of the 128 buckets. */
static void write_histogram(FILE *f, const struct metric *m)
{
    const struct metric_histogram *h = &m->u.histogram;
    uint64_t seen = 0;
    unsigned bucket = 0;
    char le[48], value[32];
    for (unsigned power = 8; power <= 32; power += 2) {
        for (; bucket < METRIC_HISTOGRAM_BUCKETS && bucket_edge(bucket) <= 1ull << power; bucket++)
            seen += READ(h->bucket[bucket]);
        (void)snprintf(le, sizeof(le), "le=\"%.9g\"", (double)(1ull << power) / 1e9);
        (void)snprintf(value, sizeof(value), "%llu", (unsigned long long)seen);
        write_series(f, m, "_bucket", le, value);
    }
    for (; bucket < METRIC_HISTOGRAM_BUCKETS; bucket++)
        seen += READ(h->bucket[bucket]);
    (void)snprintf(value, sizeof(value), "%llu", (unsigned long long)seen);
    write_series(f, m, "_bucket", "le=\"+Inf\"", value);
    write_series(f, m, "_count", "", value);
    (void)snprintf(value, sizeof(value), "%.9f", (double)READ(h->sum_ns) / 1e9);
    write_series(f, m, "_sum", "", value);
}

static void write_metric(FILE *f, const struct metric *m, bool first_of_family)
{
    static const char *const kinds[] = {"counter", "gauge", "gauge", "histogram"};
    char value[32];
    if (first_of_family)
        (void)fprintf(f, "# HELP %s %s\n# TYPE %s %s\n", m->name, m->help, m->name, kinds[m->kind]);
    if (m->kind == HISTOGRAM) {
        write_histogram(f, m);
        return;
    }
    if (m->kind == COUNTER)
        (void)snprintf(value, sizeof(value), "%llu", (unsigned long long)READ(m->u.counter.value));
    else if (m->kind == SECONDS)
        (void)snprintf(value, sizeof(value), "%.9f", (double)READ(m->u.gauge.value) / 1e9);
    else
        (void)snprintf(value, sizeof(value), "%lld", (long long)READ(m->u.gauge.value));
    write_series(f, m, "", "", value);
}

char *metrics_text(struct metrics *m, size_t *len)
{
    char *text = NULL;
    FILE *f = open_memstream(&text, len);
    if (!f)
        return NULL;
    (void)pthread_mutex_lock(&m->lock);
    const struct metric *before = NULL;
    for (const struct metric *at = m->first; at; at = at->next) {
        write_metric(f, at, !before || strcmp(before->name, at->name) != 0);
        before = at;
    }
    (void)pthread_mutex_unlock(&m->lock);
    if (fclose(f) != 0) {
        free(text);
        return NULL;
    }
    return text;
}

void metrics_escape(const char *text, char *out, size_t cap)
{
    size_t len = 0;
    for (; *text && len + 3 < cap; text++) {
        if (*text == '"' || *text == '\\')
            out[len++] = '\\';
        out[len++] = (unsigned char)*text < 0x20 ? ' ' : *text;
    }
    if (cap > 0)
        out[len] = '\0';
}
