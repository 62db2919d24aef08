/* Collects what a report shows in one walk, then writes the page; see report.h. */
#include "replay/report.h"

#include "host/host.h"
#include "replay/meters.h"
#include "replay/plot.h"
#include "replay/words.h"

#include <errno.h>
#include <fcntl.h>
#include <hawse/space/evm.h>
#include <hawse/space/market.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { ACTORS = 32, MARKETS = 32, DECISIONS = 300, TIMES = 256 };

struct actor {
    char id[SERIES_NAME], what[160];
    uint64_t callbacks, events, calls, published, errors;
    uint64_t times[TIMES]; /* callbacks by duration, four classes an octave */
    uint64_t longest_ns;
};

struct market {
    uint64_t key;
    char name[64];
    uint32_t decimals[2];
    struct track *track; /* NULL until it has a price */
    bool quoted;         /* it is an order book: the middle of its best prices is shown */
};

struct decision {
    uint64_t at_ns;
    uint32_t actor;
    char words[WORDS_LINE];
};

struct report {
    struct walk *walk;
    struct walk_step step;
    uint64_t begun_ns, now_ns, lost;
    bool by_blocks;
    uint64_t first_block_s, last_block_s; /* times of the first and the newest block */
    struct meters *meters;
    struct actor actors[ACTORS];
    struct series events[ACTORS], latency[ACTORS], decided[ACTORS]; /* by actor */
    uint32_t actor_count;
    uint32_t slots[HOST_INSTANCES]; /* actor + 1 */
    struct market markets[MARKETS];
    uint32_t market_count;
    struct decision decisions[DECISIONS]; /* the newest: a ring */
    uint64_t decision_count;
};

/* ---- prices ---- */

static double to_double(const hawse_u256_t *n)
{
    double value = 0;
    for (int i = 3; i >= 0; i--)
        value = value * 18446744073709551616.0 + (double)n->limb[i];
    return value;
}

static double scaled(double mantissa, int32_t exponent)
{
    for (; exponent < 0 && exponent > -400; exponent++)
        mantissa /= 10;
    for (; exponent > 0 && exponent < 400; exponent--)
        mantissa *= 10;
    return mantissa;
}

static struct market *market_of(struct report *r, uint64_t key)
{
    for (uint32_t i = 0; i < r->market_count; i++) {
        if (r->markets[i].key == key)
            return &r->markets[i];
    }
    if (r->market_count == MARKETS)
        return NULL;
    struct market *m = &r->markets[r->market_count++];
    m->key = key;
    (void)snprintf(m->name, sizeof(m->name), "market %016llx", (unsigned long long)key);
    return m;
}

static void take_info(struct market *m, const hawse_market_info_t *info)
{
    m->decimals[0] = info->decimals[0];
    m->decimals[1] = info->decimals[1];
    if (info->symbol[0][0] && info->symbol[1][0])
        (void)snprintf(m->name, sizeof(m->name), "%.15s in %.15s", (const char *)info->symbol[0],
                       (const char *)info->symbol[1]);
    static const uint8_t none[sizeof(info->group)];
    size_t n = strlen(m->name);
    if (memcmp(info->group, none, sizeof(none)) != 0) /* outcomes of many markets have one name */
        (void)snprintf(m->name + n, sizeof(m->name) - n, ", market %02x%02x", info->group[0],
                       info->group[1]);
}

/* 0 = this event states none. For the eye: amounts that count are never computed like this. */
static double price_of(struct market *m, const hawse_event_t *e)
{
    hawse_market_trade_t trade;
    hawse_market_quote_t quote;
    if (e->kind == HAWSE_MARKET_TRADE && e->len >= sizeof(trade)) {
        memcpy(&trade, e->data, sizeof(trade));
        if (m->quoted)
            return 0;
        if (trade.price_mantissa != 0)
            return scaled((double)trade.price_mantissa, trade.price_exponent);
        double root = to_double(&trade.sqrt_price_x96) / 79228162514264337593543950336.0;
        return scaled(root * root, (int32_t)m->decimals[0] - (int32_t)m->decimals[1]);
    }
    if (e->kind == HAWSE_MARKET_QUOTE && e->len >= sizeof(quote)) {
        memcpy(&quote, e->data, sizeof(quote));
        m->quoted = true;
        if (quote.bid.size_mantissa && quote.ask.size_mantissa)
            return scaled(((double)quote.bid.price_mantissa + (double)quote.ask.price_mantissa) / 2,
                          quote.price_exponent);
    }
    return 0;
}

static void take_market(struct report *r, const hawse_event_t *e, uint64_t at_ns)
{
    struct market *m = market_of(r, e->key);
    hawse_market_info_t info;
    if (m && e->kind == HAWSE_MARKET_INFO && e->len >= sizeof(info)) {
        memcpy(&info, e->data, sizeof(info));
        take_info(m, &info);
    }
    double price = m ? price_of(m, e) : 0;
    if (price > 0 && !m->track)
        m->track = calloc(1, sizeof(*m->track));
    if (price > 0 && m->track)
        track_add(m->track, at_ns, price);
}

/* ---- time ---- */

static void take_block(struct report *r, const hawse_event_t *e)
{
    hawse_evm_block_t block;
    if (e->kind != HAWSE_EVM_BLOCK || e->len < sizeof(block))
        return;
    memcpy(&block, e->data, sizeof(block));
    if (r->first_block_s == 0)
        r->first_block_s = block.timestamp;
    if (block.timestamp > r->last_block_s)
        r->last_block_s = block.timestamp;
}

/* Since the beginning. */
static uint64_t time_of(const struct report *r, uint64_t now_ns)
{
    if (!r->by_blocks)
        return walk_since(now_ns, r->begun_ns);
    uint64_t since = r->last_block_s > r->first_block_s ? r->last_block_s - r->first_block_s : 0;
    return since < UINT64_MAX / 2000000000u ? since * 1000000000u : 0;
}

/* ---- decisions ---- */

/* What somebody may want to look at: everything but data that flows. */
static bool is_decision(const struct record_call *call)
{
    hawse_event_t event;
    switch (call->call) {
    case CALL_PUBLISH:
        record_published(call, 0, &event);
        return event.space == HAWSE_SPACE_STREAM || event.space == HAWSE_SPACE_INTENT;
    case CALL_LOG:
        return call->args[0] <= HAWSE_LOG_WARN;
    case CALL_ERROR:
    case CALL_STREAM_OPEN:
    case CALL_STREAM_SEND:
    case CALL_STREAM_RECONNECT:
    case CALL_STREAM_CLOSE:
    case CALL_CHANNEL_STATE:
    case CALL_SUBSCRIBE:
        return true;
    default:
        return false;
    }
}

static void take_call(struct report *r, uint32_t actor, const struct record_call *call,
                      uint64_t at_ns)
{
    struct actor *a = &r->actors[actor];
    hawse_event_t event;
    a->calls++;
    a->errors += call->call == CALL_ERROR;
    if (call->call == CALL_PUBLISH) {
        a->published++;
        record_published(call, 0, &event);
        if (event.space == HAWSE_SPACE_MARKET)
            take_market(r, &event, at_ns);
        if (event.space == HAWSE_SPACE_EVM)
            take_block(r, &event);
    }
    meters_take(r->meters, actor, call, at_ns);
    if (!is_decision(call))
        return;
    series_add(&r->decided[actor], at_ns, 1);
    struct decision *d = &r->decisions[r->decision_count++ % DECISIONS];
    d->at_ns = at_ns;
    d->actor = actor;
    call_words(call, d->words);
}

/* ---- walking ---- */

static uint32_t class_of(uint64_t ns)
{
    if (ns < 4)
        return (uint32_t)ns;
    uint32_t bits = 63 - (uint32_t)__builtin_clzll(ns);
    return bits * 4 + (uint32_t)(ns >> (bits - 2) & 3);
}

static double class_top(uint32_t class)
{
    uint32_t bits = class / 4;
    return bits < 2 ? (double)class : (double)(1ull << bits) * (1.0 + (class % 4 + 1) / 4.0);
}

static void take_instance(struct report *r)
{
    const struct walk_step *step = &r->step;
    json_t *o = json_loadb((const char *)step->text.data, (size_t)step->text.len, 0, NULL);
    const char *id = json_string_value(json_object_get(o, "id"));
    if (id && step->instance < HOST_INSTANCES && r->actor_count < ACTORS) {
        struct actor *a = &r->actors[r->actor_count];
        const char *plugin = json_string_value(json_object_get(o, "plugin"));
        const char *version = json_string_value(json_object_get(o, "version"));
        const char *digest = json_string_value(json_object_get(o, "digest"));
        (void)snprintf(a->id, sizeof(a->id), "%s", id);
        (void)snprintf(a->what, sizeof(a->what), "%s %s, sha256 %.12s", plugin ? plugin : "",
                       version ? version : "", digest ? digest : "");
        (void)snprintf(r->events[r->actor_count].name, SERIES_NAME, "%s", id);
        (void)snprintf(r->latency[r->actor_count].name, SERIES_NAME, "%s", id);
        (void)snprintf(r->decided[r->actor_count].name, SERIES_NAME, "%s", id);
        r->slots[step->instance] = ++r->actor_count;
    }
    json_decref(o);
}

static void take_callback(struct report *r)
{
    const struct walk_step *step = &r->step;
    uint32_t slot = step->instance < HOST_INSTANCES ? r->slots[step->instance] : 0;
    r->begun_ns = r->begun_ns ? r->begun_ns : step->begin.now_ns;
    r->now_ns = step->begin.now_ns > r->now_ns ? step->begin.now_ns : r->now_ns;
    if (slot == 0)
        return;
    struct actor *a = &r->actors[slot - 1];
    uint64_t at = time_of(r, step->begin.now_ns), took = step->end.elapsed_ns;
    a->callbacks++;
    a->events += step->event_count;
    series_add(&r->events[slot - 1], at, step->event_count);
    if (step->begin.callback == RECORD_EVENTS) {
        a->times[class_of(took) % TIMES]++;
        a->longest_ns = took > a->longest_ns ? took : a->longest_ns;
        series_add(&r->latency[slot - 1], at, (double)took / 1e3);
    }
    for (uint32_t i = 0; i < step->call_count; i++)
        take_call(r, slot - 1, &step->calls[i], at);
}

static int32_t collect(struct report *r, struct fault *fault)
{
    int32_t code;
    while ((code = walk_next(r->walk, &r->step, fault)) == HAWSE_OK && r->step.kind != WALK_END) {
        if (r->step.kind == WALK_INSTANCE)
            take_instance(r);
        else if (r->step.kind == WALK_CALLBACK)
            take_callback(r);
        else
            r->lost += r->step.loss.callbacks;
    }
    return code;
}

/* ---- the page ---- */

/* Colours of lines and their names, for a light and for a dark page. */
#define COLORS_LIGHT                                                                       \
    "--0:#0b62a4;--1:#c0392b;--2:#2f7a3a;--3:#8a4fb0;--4:#a36f00;--5:#007a87;--6:#ad1457;" \
    "--7:#546e7a;--text:#1c1e21;--quiet:#5b6168;--line:#dcdfe3;--page:#fff"
#define COLORS_DARK                                                                        \
    "--0:#6cb4f0;--1:#ff8a75;--2:#7fd18b;--3:#cf9df0;--4:#e8b84a;--5:#5fd0dc;--6:#ff86b3;" \
    "--7:#a9bac4;--text:#e6e8ea;--quiet:#9aa2aa;--line:#363b41;--page:#15181b"
#define COLOR(n) ".c" #n "{stroke:var(--" #n ")}.k" #n "{color:var(--" #n ")}"

static const char head[] =
    "<!DOCTYPE html><html lang=\"en\"><meta charset=\"utf-8\">"
    "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">"
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
    "'unsafe-inline'\"><title>hawse: a capture</title><style>"
    ":root{color-scheme:light dark;" COLORS_LIGHT "}"
    "@media(prefers-color-scheme:dark){:root{" COLORS_DARK "}}"
    "body{font:14px/1.45 system-ui,sans-serif;margin:0 auto;padding:1.5em 1em;max-width:1240px;"
    "color:var(--text);background:var(--page)}h2{margin:1.6em 0 .4em}"
    ".wide{overflow-x:auto}table{border-collapse:collapse;width:100%}"
    "td,th{padding:3px 10px;text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums;"
    "border-bottom:1px solid var(--line);vertical-align:top}th{color:var(--quiet);font-weight:500}"
    "td.t,th.t{text-align:left}td.w{white-space:normal;overflow-wrap:anywhere;min-width:16em}"
    ".plots{display:grid;margin-top:1.6em;gap:1.2em "
    "2em;grid-template-columns:repeat(auto-fit,minmax(min(100%,440px)"
    ",1fr))}figure{margin:0;min-width:0}figcaption{font-weight:600}.legend{margin:0 0 0 3em}"
    ".legend span{margin-right:.8em}.legend span::before{content:'\\25A0\\00A0'}"
    "svg{width:100%;height:auto;display:block}svg text{fill:var(--quiet);font-size:13px}"
    "polyline{fill:none;stroke-width:1.6;stroke-linejoin:round}.g{stroke:var(--line)}"
    ".l{text-anchor:end}.b{text-anchor:middle}p{color:var(--quiet)}" COLOR(0) COLOR(1) COLOR(2)
        COLOR(3) COLOR(4) COLOR(5) COLOR(6) COLOR(7) "</style>\n<h1>Capture</h1>\n";

static double quantile(const struct actor *a, double q)
{
    uint64_t total = 0, sum = 0;
    for (uint32_t i = 0; i < TIMES; i++)
        total += a->times[i];
    for (uint32_t i = 0; i < TIMES; i++) {
        sum += a->times[i];
        if (total > 0 && (double)sum >= q * (double)total) {
            double top = class_top(i);
            return top < (double)a->longest_ns ? top : (double)a->longest_ns;
        }
    }
    return 0;
}

static void put_summary(const struct report *r, FILE *out, const char *capture)
{
    const struct reader_state *s = walk_state(r->walk);
    (void)fprintf(out, "<p>");
    html_text(out, capture);
    char when[40] = "";
    time_t utc = (time_t)(s->first.utc_ns / 1000000000u);
    struct tm tm;
    if (gmtime_r(&utc, &tm))
        (void)strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S UTC", &tm);
    (void)fprintf(out, ": begun %s, %.3f s, %llu records in %llu chunks", when,
                  (double)(r->now_ns - r->begun_ns) / 1e9, (unsigned long long)s->records,
                  (unsigned long long)s->chunks);
    if (s->missing[0])
        (void)fprintf(out, "; it has no end: %s", s->missing);
    if (r->lost > 0)
        (void)fprintf(out, "; <b>%llu callbacks were not recorded</b>",
                      (unsigned long long)r->lost);
    (void)fprintf(
        out,
        ".</p>\n<div class=\"wide\"><table><tr><th class=\"t\">instance<th>callbacks<th>events "
        "in<th>published<th>calls<th>errors<th>p50, us<th>p99, us<th>longest, us"
        "<th class=\"t\">plugin</tr>\n");
    for (uint32_t i = 0; i < r->actor_count; i++) {
        const struct actor *a = &r->actors[i];
        (void)fprintf(out, "<tr><td class=\"t\">");
        html_text(out, a->id);
        (void)fprintf(out, "<td>%llu<td>%llu<td>%llu<td>%llu<td>%llu<td>%.1f<td>%.1f<td>%.1f",
                      (unsigned long long)a->callbacks, (unsigned long long)a->events,
                      (unsigned long long)a->published, (unsigned long long)a->calls,
                      (unsigned long long)a->errors, quantile(a, 0.5) / 1e3,
                      quantile(a, 0.99) / 1e3, (double)a->longest_ns / 1e3);
        (void)fprintf(out, "<td class=\"t\">");
        html_text(out, a->what);
        (void)fprintf(out, "</tr>\n");
    }
    (void)fprintf(out, "</table></div>\n");
}

static void put_decisions(const struct report *r, FILE *out)
{
    uint64_t shown = r->decision_count < DECISIONS ? r->decision_count : DECISIONS;
    (void)fprintf(out,
                  "<h2>Decisions</h2><p>%llu: what was opened, sent, said about continuity, warned "
                  "of; the last %llu.</p>\n<div class=\"wide\"><table><tr><th>at, s<th "
                  "class=\"t\">instance<th class=\"t\">what</tr>\n",
                  (unsigned long long)r->decision_count, (unsigned long long)shown);
    for (uint64_t i = r->decision_count - shown; i < r->decision_count; i++) {
        const struct decision *d = &r->decisions[i % DECISIONS];
        (void)fprintf(out, "<tr><td>%.3f<td class=\"t\">", (double)d->at_ns / 1e9);
        html_text(out, r->actors[d->actor].id);
        (void)fprintf(out, "<td class=\"t w\">");
        html_text(out, d->words);
        (void)fprintf(out, "</tr>\n");
    }
    (void)fprintf(out, "</table></div>\n");
}

static void put_page(struct report *r, FILE *out, const char *capture)
{
    uint64_t span = time_of(r, r->now_ns);
    (void)fputs(head, out);
    put_summary(r, out, capture);
    (void)fprintf(out, "<div class=\"plots\">\n");
    plot_series(out, "Events taken, each second", r->events, r->actor_count, PLOT_RATE, span);
    plot_series(out, "Longest call of on_events, microseconds", r->latency, r->actor_count,
                PLOT_MAX, span);
    plot_series(out, "Decisions (see below), each second", r->decided, r->actor_count,
                PLOT_RATE_LOG, span);
    (void)fprintf(out, "</div><h2>Prices</h2><div class=\"plots\">\n");
    for (uint32_t i = 0; i < r->market_count; i++) {
        struct market *m = &r->markets[i];
        if (!m->track)
            continue;
        const struct track *line = m->track;
        plot_tracks(out, m->name, &line, 1, span);
    }
    (void)fprintf(out, "</div>\n");
    for (uint32_t i = 0; i < r->actor_count; i++) {
        if (!meters_any(r->meters, i))
            continue;
        (void)fprintf(out, "<h2>What ");
        html_text(out, r->actors[i].id);
        (void)fprintf(out, " measures</h2><div class=\"plots\">\n");
        meters_plot(r->meters, i, out, span);
        (void)fprintf(out, "</div>\n");
    }
    put_decisions(r, out);
    (void)fprintf(out, "</html>\n");
}

static int32_t write_page(struct report *r, const char *capture, const char *path,
                          struct fault *fault)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    FILE *out = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (!out) {
        if (fd >= 0)
            (void)close(fd);
        return fault_set(fault, HAWSE_E_IO, "cannot write %s: %s", path, strerror(errno));
    }
    put_page(r, out, capture);
    bool good = ferror(out) == 0;
    good = fclose(out) == 0 && good;
    return good ? HAWSE_OK : fault_set(fault, HAWSE_E_IO, "cannot write %s", path);
}

int32_t report_write(const char *capture, const char *out, bool by_blocks, struct fault *fault)
{
    struct report *r = calloc(1, sizeof(*r));
    if (!r)
        return fault_set(fault, HAWSE_E_NOMEM, "no memory for a report");
    r->by_blocks = by_blocks;
    r->meters = meters_new();
    int32_t code = r->meters ? HAWSE_OK : fault_set(fault, HAWSE_E_NOMEM, "no memory for a report");
    if (code == HAWSE_OK)
        code = walk_open(capture, &r->walk, fault);
    if (code == HAWSE_OK)
        code = collect(r, fault);
    if (code == HAWSE_OK)
        code = write_page(r, capture, out, fault);
    for (uint32_t i = 0; i < r->market_count; i++)
        free(r->markets[i].track);
    meters_free(r->meters);
    walk_close(r->walk);
    free(r);
    return code;
}
