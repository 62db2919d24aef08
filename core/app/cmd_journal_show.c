/*
 * Records of the journal for people (a line of text) and for programs (a line of JSON): all of
 * them, or by instance, intent, id, time and step.
 */
#include "app/cmd_journal.h"

#include <errno.h>
#include <hawse/hex.h>
#include <hawse/types.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const uint64_t SECOND = 1000000000ULL;

/* ---- what is asked for ---- */

static bool parse_ago(const char *text, uint64_t now_ns, uint64_t *out)
{
    char *end = NULL;
    errno = 0;
    unsigned long long n = strtoull(text, &end, 10);
    uint64_t unit = *end == 's'   ? 1
                    : *end == 'm' ? 60
                    : *end == 'h' ? 3600
                    : *end == 'd' ? 86400
                                  : 0;
    if (errno != 0 || end == text || unit == 0 || end[1] != 0 || n > now_ns / SECOND / unit)
        return false;
    *out = now_ns - n * unit * SECOND;
    return true;
}

static bool parse_date(const char *text, uint64_t *out)
{
    static const char *const forms[] = {"%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S",
                                        "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d"};
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        struct tm tm = {0};
        const char *end = strptime(text, forms[i], &tm);
        time_t seconds = end && *end == 0 ? timegm(&tm) : -1;
        if (seconds >= 0 && (uint64_t)seconds <= INT64_MAX / SECOND) {
            *out = (uint64_t)seconds * SECOND;
            return true;
        }
    }
    return false;
}

/* A time: a UTC date, a UTC date and time, or "90s", "15m", "2h", "7d" before now_ns.
 * HAWSE_E_INVAL.
 */
static int32_t journal_time_parse(const char *text, uint64_t now_ns, uint64_t *out,
                                  struct fault *fault)
{
    if (parse_ago(text, now_ns, out) || parse_date(text, out))
        return HAWSE_OK;
    (void)fault_set(fault, HAWSE_E_INVAL, "%.100s: is no time", text);
    fault_hint(fault,
               "UTC, as 2026-01-31 or 2026-01-31T12:00:00Z; or so long ago: 90s, 15m, 2h, 7d");
    return HAWSE_E_INVAL;
}

static int32_t parse_step(const char *text, uint32_t *out, struct fault *fault)
{
    for (uint32_t step = 0; step < 32; step++) {
        const char *name = journal_step_name(step);
        if (name && strcasecmp(name, text) == 0) {
            *out = step;
            return HAWSE_OK;
        }
    }
    (void)fault_set(fault, HAWSE_E_INVAL, "--step %.100s: there is no such step", text);
    fault_hint(fault,
               "PROPOSED, GATED, REFUSED, SIMULATED, SIGNED, SENT, SEEN, INCLUDED, CONFIRMED, "
               "REPLACED, EXPIRED, FAILED, UNKNOWN or RECONCILED");
    return HAWSE_E_INVAL;
}

static int32_t parse_number(const char *text, uint64_t *out, struct fault *fault)
{
    char *end = NULL;
    errno = 0;
    *out = strtoull(text, &end, 10);
    if (errno == 0 && end != text && *end == 0 && text[0] != '-' && *out > 0 && *out <= INT64_MAX)
        return HAWSE_OK;
    return fault_set(fault, HAWSE_E_INVAL, "--intent %.100s: is no number of an intent", text);
}

static int32_t parse_filter(const struct arguments *args, struct journal_filter *out,
                            struct fault *fault)
{
    struct timespec ts;
    (void)clock_gettime(CLOCK_REALTIME, &ts);
    uint64_t now = (uint64_t)ts.tv_sec * SECOND + (uint64_t)ts.tv_nsec;
    int32_t code = HAWSE_OK;
    *out = (struct journal_filter){.instance = args->instance, .id = args->id};
    if (args->intent)
        code = parse_number(args->intent, &out->intent, fault);
    if (code == HAWSE_OK && args->since)
        code = journal_time_parse(args->since, now, &out->from_ns, fault);
    if (code == HAWSE_OK && args->until)
        code = journal_time_parse(args->until, now, &out->to_ns, fault);
    if (code == HAWSE_OK && args->step)
        code = parse_step(args->step, &out->step, fault);
    return code;
}

/* ---- what is shown ---- */

struct show {
    bool json, everything;
};

static void show_time(uint64_t utc_ns, char out[40])
{
    time_t seconds = (time_t)(utc_ns / SECOND);
    struct tm tm;
    size_t len = gmtime_r(&seconds, &tm) ? strftime(out, 40, "%Y-%m-%dT%H:%M:%S", &tm) : 0;
    (void)snprintf(out + len, 40 - len, ".%06lluZ", (unsigned long long)(utc_ns % SECOND / 1000));
}

static void show_hex(const uint8_t *data, uint64_t len)
{
    char digits[128];
    (void)printf("\"0x");
    for (uint64_t at = 0; at < len; at += 64) {
        uint64_t n = len - at < 64 ? len - at : 64;
        hawse_hex_encode(data + at, n, digits);
        (void)fwrite(digits, 1, 2 * n, stdout);
    }
    (void)printf("\"");
}

static void put(hawse_view_t text)
{
    (void)fwrite(text.data, 1, text.len, stdout);
}

/* "step":N of the data, as it is written: at the beginning. */
static const char *step_word(const struct journal_record *record)
{
    unsigned step = 0;
    char head[24] = "";
    if (strcmp(record->kind, "intent") == 0)
        return journal_step_name(1);
    if (strcmp(record->kind, "step") != 0)
        return NULL;
    uint64_t n = record->data.len < sizeof(head) - 1 ? record->data.len : sizeof(head) - 1;
    memcpy(head, record->data.data, n);
    head[n] = 0;
    return sscanf(head, "{\"step\":%u", &step) == 1 ? journal_step_name(step) : NULL;
}

static int32_t show_text(void *ctx, const struct journal_record *record)
{
    char when[40];
    (void)ctx;
    const char *step = step_word(record);
    show_time(record->utc_ns, when);
    (void)printf("%s %llu", when, (unsigned long long)record->seq);
    if (record->intent > 0)
        (void)printf(" %s#%llu", record->instance, (unsigned long long)record->intent);
    (void)printf(" %s ", step ? step : record->kind);
    put(record->data);
    (void)printf("\n");
    return ferror(stdout) ? HAWSE_E_IO : 0;
}

/* Names are checked by the configuration; what could still break a line of JSON is left out. */
static void show_name(const char *name)
{
    for (; *name; name++) {
        if ((unsigned char)*name >= 0x20 && *name != '"' && *name != '\\')
            (void)putchar(*name);
    }
}

static int32_t show_json(void *ctx, const struct journal_record *record)
{
    const struct show *show = ctx;
    char when[40];
    const char *step = step_word(record);
    show_time(record->utc_ns, when);
    (void)printf("{\"seq\":%llu,\"time\":\"%s\",\"utc_ns\":\"%llu\",\"kind\":\"%s\"",
                 (unsigned long long)record->seq, when, (unsigned long long)record->utc_ns,
                 record->kind);
    if (record->intent > 0)
        (void)printf(",\"intent\":%llu", (unsigned long long)record->intent);
    (void)printf(",\"instance\":\"");
    show_name(record->instance);
    (void)printf("\"%s%s%s,\"data\":", step ? ",\"step\":\"" : "", step ? step : "",
                 step ? "\"" : "");
    put(record->data);
    if (show->everything && record->bytes.len > 0) {
        bool body = strcmp(record->kind, "intent") == 0;
        (void)printf(",\"%s\":", body ? "body" : "raw");
        if (body)
            put(record->bytes);
        else
            show_hex(record->bytes.data, record->bytes.len);
    }
    if (show->everything) {
        (void)printf(",\"hash\":");
        show_hex(record->hash, 32);
    }
    (void)printf("}\n");
    return ferror(stdout) ? HAWSE_E_IO : 0;
}

int journal_show(const struct arguments *args, const char *path, bool everything)
{
    struct fault fault = {0};
    struct journal_filter filter;
    struct journal *journal = NULL;
    struct journal_options look = {.read_only = true};
    struct show show = {.json = args->json || everything, .everything = everything};
    if (parse_filter(args, &filter, &fault) != HAWSE_OK)
        return app_fail(EXIT_USAGE, &fault);
    int32_t code = journal_open(path, &look, &journal, &fault);
    if (code == HAWSE_OK)
        code = journal_query(journal, &filter, show.json ? show_json : show_text, &show, &fault);
    journal_close(journal);
    if (code == HAWSE_OK && fflush(stdout) != 0)
        code = HAWSE_E_IO;
    if (code != HAWSE_OK && !fault.message[0])
        (void)fault_set(&fault, code, "could not write: %s", strerror(errno));
    return code == HAWSE_OK ? EXIT_GOOD : app_fail(EXIT_TROUBLE, &fault);
}
