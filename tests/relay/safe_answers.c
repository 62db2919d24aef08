/*
 * One transaction of a Safe on lines of text: what it asks of the chain goes out, the script that
 * runs it answers from a real node. For tests: it takes private keys.
 *
 *   safe-answers CHAIN SAFE BATCH SENDER NONCE KEYS PAPERS TO:VALUE:DATA...
 *
 * NONCE "-" = the Safe's own; KEYS: hexadecimal, divided by ',', or "-"; PAPERS: a file, or "-".
 * Asks "ask METHOD PARAMS"; takes "ok RESULT" or "error OBJECT". Ends with "done" and status, hash,
 * nonce, threshold, signatures, data or proposal, reason, divided by tabs.
 */
#include "tx/safe_run.h"

#include <hawse/hex.h>
#include <hawse/u256.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE = 1 << 20, KEYS = 8 };

struct keys {
    struct key *items[KEYS];
    uint8_t addresses[KEYS][20];
    uint32_t count;
};

static char line[LINE];

static void bytes_of(const char *text, uint8_t *out, uint64_t len)
{
    if (hawse_hex_fixed((const uint8_t *)text, strlen(text), out, len) != HAWSE_OK) {
        (void)fprintf(stderr, "safe-answers: bad hex %.80s\n", text);
        exit(2);
    }
}

static int32_t on_call(void *ctx, const char *method, const char *params, size_t len,
                       sim_answer_fn done, void *done_ctx)
{
    struct sim_answer answer = {0};
    (void)ctx;
    (void)printf("ask %s %.*s\n", method, (int)len, params);
    (void)fflush(stdout);
    if (!fgets(line, sizeof(line), stdin))
        exit(2);
    line[strcspn(line, "\n")] = '\0';
    bool good = strncmp(line, "ok ", 3) == 0;
    const char *text = line + (good ? 3 : 6);
    answer.status = good ? HAWSE_OK : HAWSE_E_REMOTE;
    answer.body = (const uint8_t *)text;
    answer.body_len = strlen(text);
    done(done_ctx, &answer);
    return HAWSE_OK;
}

static int32_t on_sign(void *ctx, const uint8_t owner[20], const uint8_t digest[32],
                       safe_signed_fn done, void *done_ctx)
{
    const struct keys *keys = ctx;
    struct signature signature;
    for (uint32_t i = 0; i < keys->count; i++) {
        if (memcmp(keys->addresses[i], owner, 20) != 0)
            continue;
        int32_t code = key_sign_digest(keys->items[i], digest, &signature);
        (void)printf("signed\n");
        done(done_ctx, code, &signature);
        return HAWSE_OK;
    }
    return HAWSE_E_NOTFOUND;
}

static void print_hex(const uint8_t *data, uint64_t len)
{
    (void)printf("0x");
    for (uint64_t i = 0; i < len; i++)
        (void)printf("%02x", data[i]);
}

static void print_done(void *ctx, const struct safe_result *r)
{
    (void)ctx;
    (void)printf("done\t%d\t", r->status);
    print_hex(r->hash, 32);
    (void)printf("\t%llu\t%u\t%u\t", (unsigned long long)r->nonce, r->threshold, r->signatures);
    if (r->proposal)
        (void)printf("%s", r->proposal);
    else
        print_hex(r->data.data, r->data.len);
    (void)printf("\t%s\n", r->reason);
}

/* It could be simulated now; the second half. */
struct second {
    struct safe_run *run;
    hawse_view_t papers;
};

static void on_done(void *ctx, const struct safe_result *r)
{
    struct second *second = ctx;
    struct fault fault = {0};
    if (r->status != HAWSE_OK) {
        print_done(NULL, r);
        return;
    }
    int32_t code = safe_run_sign(second->run, second->papers, print_done, NULL, &fault);
    if (code == HAWSE_OK)
        return;
    safe_run_cancel(second->run);
    (void)printf("done\t%d\t0x\t0\t0\t0\t0x\t%s\n", code, fault.message);
}

static void read_keys(char *text, struct keys *keys)
{
    char *part;
    while (strcmp(text, "-") != 0 && (part = strsep(&text, ",")) != NULL && keys->count < KEYS) {
        uint8_t secret[32];
        bytes_of(part, secret, 32);
        if (key_from_secret(KEY_SECP256K1, secret, &keys->items[keys->count], NULL) != HAWSE_OK)
            exit(2);
        memcpy(keys->addresses[keys->count], key_public(keys->items[keys->count])->address, 20);
        keys->count++;
        if (!text)
            break;
    }
}

/* TO:VALUE:DATA; its data stays allocated. */
static void read_call(char *text, hawse_intent_call_t *call)
{
    const char *to = strsep(&text, ":"), *value = strsep(&text, ":");
    uint64_t cap = text ? strlen(text) : 0, len = 0;
    uint8_t *data = malloc(cap + 1);
    bytes_of(to, call->to, 20);
    if (!data || !value || !text ||
        hawse_u256_parse((const uint8_t *)value, strlen(value), &call->value) != HAWSE_OK ||
        hawse_hex_data((const uint8_t *)text, cap, data, cap, &len) != HAWSE_OK)
        exit(2);
    call->data = (hawse_view_t){data, len};
}

static char *read_papers(const char *path, size_t *len)
{
    FILE *f = strcmp(path, "-") == 0 ? NULL : fopen(path, "r");
    char *text = malloc(LINE);
    *len = f && text ? fread(text, 1, LINE, f) : 0;
    if (f)
        (void)fclose(f);
    return text;
}

int main(int argc, char **argv)
{
    static hawse_intent_call_t calls[HAWSE_INTENT_CALLS_MAX];
    struct keys keys = {0};
    struct safe_request q = {.calls = calls, .origin = "trial"};
    struct fault fault = {0};
    size_t len = 0;
    if (argc < 9 || argc > 8 + (int)HAWSE_INTENT_CALLS_MAX)
        return 2;
    q.place.chain_id = strtoull(argv[1], NULL, 10);
    bytes_of(argv[2], q.place.address, 20);
    bytes_of(argv[3], q.place.batch, 20);
    bytes_of(argv[4], q.sender, 20);
    q.later = strcmp(argv[5], "-") != 0;
    q.nonce = q.later ? strtoull(argv[5], NULL, 10) : 0;
    read_keys(argv[6], &keys);
    q.owners = (const uint8_t(*)[20])keys.addresses;
    q.owner_count = keys.count;
    char *papers = read_papers(argv[7], &len);
    struct second second = {.papers = {(const uint8_t *)papers, len}};
    for (int i = 8; i < argc; i++)
        read_call(argv[i], &calls[q.count++]);
    const struct safe_port port = {&keys, on_call, on_sign};
    int32_t code = safe_run(&port, &q, on_done, &second, &second.run, &fault);
    if (code != HAWSE_OK)
        (void)printf("done\t%d\t0x\t0\t0\t0\t0x\t%s\n", code, fault.message);
    for (uint32_t i = 0; i < q.count; i++)
        free((void *)(uintptr_t)calls[i].data.data);
    for (uint32_t i = 0; i < keys.count; i++)
        key_free(keys.items[i]);
    free(papers);
    return 0;
}
