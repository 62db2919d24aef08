/*
 * Proposals of a Safe for its other owners, and their signatures: by files in state_dir/safe, and
 * by the Safe Transaction Service where the configuration names one. Whatever comes back is held
 * against the hash that we signed (safe_paper_read); nobody is believed.
 *
 * A proposal is CHAIN-HASH.json; others put what they signed into CHAIN-HASH.signed.json, as a
 * service tells it or as a proposal of their own. Writes nothing else.
 */
#include "tx/safe_desk.h"

#include <errno.h>
#include <fcntl.h>
#include <hawse/eip55.h>
#include <hawse/hex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PAPER_BYTES = 1 << 20, SERVICE_MS = 5000 };
#define ASK_OTHERS_NS 10000000000ull
#define LOOK_AGAIN_NS 60000000000ull /* whether the Safe has moved on meanwhile */

/* Something came from others; taken. What is there already is nothing new. */
static void heard(struct desk_safe *s, char *text)
{
    if (text && (!s->papers || strcmp(s->papers, text) != 0)) {
        free(s->papers);
        s->papers = text;
        s->waits = false;
    } else {
        free(text);
    }
}

bool safe_waits(const struct desk_intent *intent)
{
    return intent->safe && intent->safe->waits;
}

static void path_of(const struct desk_safe *s, const char *end, char *out, size_t cap)
{
    char hash[65] = "";
    hawse_hex_encode(s->hash, 32, hash);
    (void)snprintf(out, cap, "%s/safe/%s-0x%.64s%s.json", s->intent->desk->config->state_dir,
                   s->intent->chain->config->name, hash, end);
}

/* ---- files ---- */

static bool write_all(int fd, const char *text)
{
    size_t len = strlen(text), at = 0;
    while (at < len) {
        ssize_t n = write(fd, text + at, len - at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        at += (size_t)n;
    }
    return true;
}

static void write_file(struct desk_safe *s)
{
    char path[4096], dir[4096];
    struct desk_intent *intent = s->intent;
    (void)snprintf(dir, sizeof(dir), "%s/safe", intent->desk->config->state_dir);
    path_of(s, "", path, sizeof(path));
    (void)mkdir(dir, 0700);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    bool good = fd >= 0 && write_all(fd, s->proposal);
    if (fd >= 0)
        good = close(fd) == 0 && good;
    log_line(intent->desk->logger, good ? HAWSE_LOG_INFO : HAWSE_LOG_ERROR, intent->instance,
             good ? "intent %s: for the other owners of Safe \"%s\": %s"
                  : "intent %s: for the other owners of Safe \"%s\": cannot write %s",
             intent->body->id, s->config->name, path);
}

/* malloc'd; NULL = there is none. */
static char *read_file(const struct desk_safe *s)
{
    char path[4096];
    path_of(s, ".signed", path, sizeof(path));
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    struct stat st;
    char *text = NULL;
    if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0 &&
        st.st_size < PAPER_BYTES)
        text = calloc(1, (size_t)st.st_size + 1);
    if (text && read(fd, text, (size_t)st.st_size) != st.st_size) {
        free(text);
        text = NULL;
    }
    if (fd >= 0)
        (void)close(fd);
    return text;
}

/* ---- the service ---- */

static void on_told(void *ctx, const struct http_result *result)
{
    struct desk_ask *ask = ctx;
    struct desk_intent *intent = ask->intent;
    bool asked = ask->number == 1;
    if (result->status != HAWSE_OK)
        log_line(ask->desk->logger, HAWSE_LOG_WARN, intent->instance,
                 "intent %s: the Safe Transaction Service %s (HTTP %u): %.*s", intent->body->id,
                 asked ? "cannot be asked" : "did not take the proposal", result->http_status,
                 (int)(result->body_len < 200 ? result->body_len : 200),
                 (const char *)result->body);
    if (asked && result->status == HAWSE_OK && !intent->ended && result->body_len < PAPER_BYTES)
        heard(intent->safe, strndup((const char *)result->body, result->body_len));
    desk_ask_drop(ask);
}

/* `body` is taken; NULL = a GET. */
static void tell_service(struct desk_safe *s, const char *path, char *body)
{
    static const char headers[] = "content-type: application/json\n";
    struct desk_intent *intent = s->intent;
    struct fault fault = {0};
    struct desk_ask *ask =
        desk_ask_hold(intent->chain, &(struct desk_ask){.intent = intent, .number = body ? 0 : 1});
    if (!ask) {
        free(body);
        return;
    }
    const struct http_options options = {.endpoint = &s->config->service,
                                         .method = body ? "POST" : "GET",
                                         .path = path,
                                         .path_len = strlen(path),
                                         .headers = headers,
                                         .headers_len = sizeof(headers) - 1,
                                         .body = body,
                                         .body_len = body ? strlen(body) : 0,
                                         .timeout_ms = SERVICE_MS};
    if (http_send(intent->desk->options.http, intent->desk->loop, &options, on_told, ask,
                  &ask->http, &fault) == HAWSE_OK)
        return;
    log_fault(intent->desk->logger, HAWSE_LOG_WARN, "tx", &fault);
    desk_ask_drop(ask);
}

/* ---- what the desk calls ---- */

void safe_publish(struct desk_intent *intent)
{
    struct desk_safe *s = intent->safe;
    char path[160], address[43];
    write_file(s);
    if (s->config->service.url && intent->desk->options.http) {
        hawse_eip55_format(s->place.address, address);
        (void)snprintf(path, sizeof(path), "/v2/safes/%s/multisig-transactions/", address);
        tell_service(s, path, strdup(s->proposal));
    }
    free(s->proposal);
    s->proposal = NULL;
}

void safe_wait(struct desk_intent *intent, const struct safe_result *r)
{
    char reason[200];
    (void)snprintf(reason, sizeof(reason),
                   "%u of the %u owners that Safe \"%.64s\" wants have signed: it waits for others",
                   r->signatures, r->threshold, intent->safe->config->name);
    if (!intent->told_waiting)
        desk_step(intent, HAWSE_INTENT_WAITING,
                  &(struct desk_words){.reason = reason, .hash = intent->safe->hash});
    intent->told_waiting = true;
    intent->safe->waits = true;
    intent->safe->waits_ns = loop_now(intent->desk->loop);
    leg_on(&intent->legs[0], LIFE_ON_WAIT);
}

void safe_collect(struct desk_intent *intent)
{
    struct desk_safe *s = intent->safe;
    uint64_t now = loop_now(intent->desk->loop);
    char path[160], hash[65] = "";
    if (!s->waits)
        return;
    heard(s, read_file(s));
    if (now > s->waits_ns + LOOK_AGAIN_NS)
        s->waits = false;
    if (!s->config->service.url || !intent->desk->options.http ||
        now < s->looked_ns + ASK_OTHERS_NS)
        return;
    s->looked_ns = now;
    hawse_hex_encode(s->hash, 32, hash);
    (void)snprintf(path, sizeof(path), "/v2/multisig-transactions/0x%.64s/", hash);
    tell_service(s, path, NULL);
}
