/*
 * The Solana engine on lines of text, so that a script can be its cluster, its disk's end and its
 * operator: sending.mjs stands between it and a real runtime, and kills it at any moment.
 *
 *   sender JOURNAL SLOT_MS SECRET...     keys: 64 bytes in hexadecimal; the first pays unless said
 *
 *   in   add NUMBER KEY TO LAMPORTS LIMIT [NONCE]   KEY: which of the secrets pays; LIMIT: compute
 *                                        units, 0 = by simulation; NONCE: account, key 0 advances
 * it cancel NUMBER answer ID STATUS BODY           STATUS: 0 a result, 1 an error, 2 nothing came
 *   out  ask ID METHOD PARAMS
 *        tell NUMBER TELL END ATTEMPTS SLOT REASON
 *
 * What is signed is in the journal before its question goes out. The journal is this program's own:
 * attempts as they are in memory, one a line.
 */
#include "tx/solana_engine.h"

#include <hawse/hawse.h>
#include <hawse/hex.h>
#include <poll.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { LINE = 1 << 18, QUESTIONS = 4096, KEYS = 4, WAIT_MS = 10 };

struct question {
    bool used;
    uint64_t id;
    pool_done_fn done;
    void *ctx;
};

struct sender {
    struct solana_engine *engine;
    FILE *journal;
    uint8_t secrets[KEYS][64];
    struct question questions[QUESTIONS];
    uint64_t asked;
    struct solana_attempt kept[SOLANA_ENTRIES * SOLANA_ATTEMPTS];
    uint32_t kept_count;
};

static _Noreturn void die(const char *why)
{
    fprintf(stderr, "sender: %s\n", why);
    exit(2);
}

static uint64_t now_ns(void *ctx)
{
    struct timespec t;
    (void)ctx;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int32_t call(void *ctx, const struct pool_options *o, pool_done_fn done, void *done_ctx)
{
    struct sender *s = ctx;
    struct question *q = s->questions;
    while (q < s->questions + QUESTIONS && q->used)
        q++;
    if (q == s->questions + QUESTIONS)
        return HAWSE_E_LIMIT;
    *q = (struct question){true, ++s->asked, done, done_ctx};
    printf("ask %lu %.*s %.*s\n", q->id, (int)o->method_len, o->method, (int)o->params_len,
           (const char *)o->params);
    return HAWSE_OK;
}

static bool sign(void *ctx, const struct solana_signing *signing)
{
    struct sender *s = ctx;
    uint8_t signatures[64 * KEYS] = {0};
    if (signing->count > KEYS)
        return false;
    for (uint32_t i = 0; i < signing->count; i++) {
        const uint8_t *key = signing->keys + 32 * (size_t)i;
        int which = 0;
        while (which < KEYS && memcmp(s->secrets[which] + 32, key, 32) != 0)
            which++;
        if (which == KEYS)
            return false;
        (void)crypto_sign_detached(signatures + 64 * (size_t)i, NULL, signing->message,
                                   signing->message_len, s->secrets[which]);
    }
    solana_engine_signed(s->engine, signing->ticket, signatures);
    return true;
}

static int32_t keep(void *ctx, const struct solana_attempt *attempt)
{
    struct sender *s = ctx;
    char text[2 * sizeof(*attempt) + 1] = "";
    hawse_hex_encode((const uint8_t *)attempt, sizeof(*attempt), text);
    return fprintf(s->journal, "%s\n", text) > 0 ? HAWSE_OK : HAWSE_E_IO;
}

static void tell(void *ctx, const struct solana_told *t)
{
    (void)ctx;
    printf("tell %lu %d %s %u %lu %s\n", t->number, (int)t->tell, solana_end_word((uint8_t)t->end),
           t->attempts, t->slot, t->reason);
}

static enum solana_verdict gate(void *ctx, const struct solana_case *about, char *reason)
{
    (void)ctx;
    (void)about;
    reason[0] = '\0';
    return SOLANA_PASS;
}

/* ---- what an earlier run left ---- */

static void read_journal(struct sender *s, const char *path)
{
    static char line[LINE];
    FILE *f = fopen(path, "r");
    size_t len = 2 * sizeof(struct solana_attempt);
    while (f && fgets(line, sizeof(line), f)) {
        if (strlen(line) != len + 1)
            continue; /* cut short when it was killed: it never left */
        if (s->kept_count == SOLANA_ENTRIES * SOLANA_ATTEMPTS ||
            hawse_hex_decode((const uint8_t *)line, (uint8_t *)&s->kept[s->kept_count++],
                             len / 2) != HAWSE_OK)
            die("a bad journal");
    }
    if (f)
        (void)fclose(f);
    s->journal = fopen(path, "a");
    if (!s->journal)
        die("no journal");
}

/* ---- lines ---- */

static void hex_key(const char *text, uint8_t key[32])
{
    if (!text || strlen(text) != 64 || hawse_hex_decode((const uint8_t *)text, key, 32) != HAWSE_OK)
        die("a bad key");
}

static void on_add(struct sender *s, char *rest)
{
    static hawse_solana_builder_t b;
    struct solana_attempt mine[SOLANA_ATTEMPTS];
    struct solana_wanted w = {.version = HAWSE_SOLANA_V0, .instructions = &b};
    struct fault fault = {0};
    uint8_t to[32];
    uint32_t count = 0;
    w.number = strtoull(strsep(&rest, " "), NULL, 10);
    unsigned long key = strtoul(strsep(&rest, " "), NULL, 10);
    hex_key(strsep(&rest, " "), to);
    uint64_t lamports = strtoull(strsep(&rest, " "), NULL, 10);
    w.unit_limit = (uint32_t)strtoul(strsep(&rest, " "), NULL, 10);
    w.durable = rest != NULL;
    if (w.durable)
        hex_key(rest, w.nonce);
    if (key >= KEYS)
        die("no such key");
    memcpy(w.payer, s->secrets[key] + 32, 32);
    memcpy(w.authority, s->secrets[0] + 32, 32);
    hawse_solana_begin(&b);
    (void)hawse_solana_transfer(&b, w.payer, to, lamports);
    for (uint32_t i = 0; i < s->kept_count && count < SOLANA_ATTEMPTS; i++) {
        if (s->kept[i].intent == w.number)
            mine[count++] = s->kept[i];
    }
    if (solana_engine_restore(s->engine, &w, mine, count, &fault) != HAWSE_OK)
        die(fault.message);
}

static void on_answer(struct sender *s, char *rest)
{
    static uint8_t body[LINE + HAWSE_PADDING];
    static const int32_t statuses[] = {HAWSE_OK, HAWSE_E_REMOTE, HAWSE_E_UNKNOWN};
    uint64_t id = strtoull(strsep(&rest, " "), NULL, 10);
    unsigned long status = strtoul(strsep(&rest, " "), NULL, 10);
    size_t len = rest ? strlen(rest) : 0;
    if (status > 2)
        die("a bad answer");
    memset(body + len, 0, HAWSE_PADDING);
    if (len > 0)
        memcpy(body, rest, len);
    struct pool_result r = {
        .status = statuses[status], .provider = "script", .body = body, .body_len = len};
    for (struct question *q = s->questions; q < s->questions + QUESTIONS; q++) {
        if (q->used && q->id == id) {
            q->used = false;
            q->done(q->ctx, &r);
            return;
        }
    }
}

static void on_line(struct sender *s, char *line)
{
    char *what = strsep(&line, " ");
    if (strcmp(what, "add") == 0)
        on_add(s, line);
    else if (strcmp(what, "answer") == 0)
        on_answer(s, line);
    else if (strcmp(what, "cancel") == 0)
        (void)solana_engine_cancel(s->engine, strtoull(line, NULL, 10));
    else
        die("what?");
}

/* Everything that came; false at the end. */
static bool read_lines(struct sender *s)
{
    static char buffer[LINE];
    static size_t have;
    struct pollfd p = {.fd = 0, .events = POLLIN};
    if (poll(&p, 1, WAIT_MS) <= 0)
        return true;
    ssize_t n = read(0, buffer + have, sizeof(buffer) - have - 1);
    if (n <= 0)
        return false;
    have += (size_t)n;
    buffer[have] = '\0';
    char *at = buffer;
    for (char *end; (end = strchr(at, '\n')) != NULL; at = end + 1) {
        *end = '\0';
        on_line(s, at);
    }
    have -= (size_t)(at - buffer);
    memmove(buffer, at, have);
    return true;
}

int main(int argc, char **argv)
{
    static struct sender s;
    if (argc < 4 || argc > 3 + KEYS || sodium_init() < 0)
        die("sender JOURNAL SLOT_MS SECRET...");
    for (int i = 3; i < argc; i++) {
        if (strlen(argv[i]) != 128 ||
            hawse_hex_decode((const uint8_t *)argv[i], s.secrets[i - 3], 64) != HAWSE_OK)
            die("a bad secret");
    }
    read_journal(&s, argv[1]);
    struct solana_options options = {
        .slot_ms = (uint32_t)strtoul(argv[2], NULL, 10), .resend_ms = 200, .poll_ms = 100};
    struct solana_port port = {&s, now_ns, call, sign, keep, tell, gate};
    if (solana_engine_new(&options, &port, &s.engine) != HAWSE_OK)
        die("no memory");
    while (read_lines(&s)) {
        (void)solana_engine_turn(s.engine);
        if (fflush(s.journal) != 0) /* enough for kill -9, which is all that happens here */
            die("the journal fails");
        solana_engine_go(s.engine);
        (void)fflush(stdout);
    }
    solana_engine_free(s.engine);
    (void)fclose(s.journal);
    return 0;
}
