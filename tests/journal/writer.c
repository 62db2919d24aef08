/*
 * Writes a journal as a host would, until it is killed or has written enough:
 *   journal-writer FILE COUNT [GROUP]
 * Each intent goes from PROPOSED to CONFIRMED with a nonce, an attempt and a total, GROUP of them
 * in a group. After each commit the last number is printed: what was printed must be there
 * afterwards.
 */
#include "store/journal.h"
#include "tx/nonce.h"

#include <hawse/space/intent.h>
#include <hawse/types.h>
#include <hawse/u256.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct nonce_answer last;

static void keep(void *ctx, const struct nonce_answer *answer)
{
    (void)ctx;
    last = *answer;
}

static void good(int32_t code, const struct fault *fault)
{
    if (code == HAWSE_OK)
        return;
    (void)fprintf(stderr, "journal-writer: %d %s\n", code, fault->message);
    exit(1);
}

static hawse_view_t view(const char *text)
{
    return (hawse_view_t){(const uint8_t *)text, strlen(text)};
}

static void step(struct journal *journal, uint64_t intent, uint32_t what, const char *data)
{
    struct fault fault = {0};
    struct journal_step s = {.intent = intent, .step = what, .attempts = 1, .data = view(data)};
    good(journal_step(journal, &s, &fault), &fault);
}

static uint64_t one_intent(struct journal *journal, struct nonces *nonces, uint64_t n)
{
    static const struct nonce_key key = {100, {0xaa}};
    static const uint8_t raw[180] = {2, 0xf8};
    struct fault fault = {0};
    struct journal_intent intent = {.instance = "arb",
                                    .chain = "gnosis",
                                    .account = "bot",
                                    .mode = "live",
                                    .body = view("{\"calls\":[]}")};
    (void)snprintf(intent.id, sizeof(intent.id), "%ld-%llu", (long)getpid(), (unsigned long long)n);
    good(journal_intent_add(journal, &intent, &fault), &fault);
    step(journal, intent.number, HAWSE_INTENT_GATED, "{\"gates\":11}");
    nonce_reserve(nonces, &key, 0, 1000000, keep, NULL);
    good(last.status, &last.fault);
    struct journal_attempt attempt = {.intent = intent.number,
                                      .attempt = 1,
                                      .chain_id = 100,
                                      .nonce = last.nonce.number,
                                      .sender = {0xaa},
                                      .raw = {raw, sizeof(raw)}};
    memcpy(attempt.hash, last.nonce.token, 16);
    struct nonce nonce = last.nonce;
    nonce_sent(nonces, &key, &nonce, attempt.hash, keep, NULL);
    good(last.status, &last.fault);
    good(journal_attempt_add(journal, &attempt, &fault), &fault);
    step(journal, intent.number, HAWSE_INTENT_SENT, "");
    nonce_mined(nonces, &key, nonce.number + 1, keep, NULL);
    good(last.status, &last.fault);
    hawse_u256_t amount = hawse_u256(n);
    good(journal_count(journal, intent.number, "spent", "0x01", &amount, 0, &fault), &fault);
    step(journal, intent.number, HAWSE_INTENT_CONFIRMED, "");
    return intent.number;
}

int main(int argc, char **argv)
{
    struct fault fault = {0};
    struct journal *journal = NULL;
    struct nonces *nonces = NULL;
    struct journal_options options = {.create = true, .reserve_bytes = 1};
    if (argc < 3) {
        (void)fprintf(stderr, "usage: journal-writer FILE COUNT [GROUP]\n");
        return 2;
    }
    uint64_t count = strtoull(argv[2], NULL, 10),
             group = argc > 3 ? strtoull(argv[3], NULL, 10) : 1;
    good(journal_open(argv[1], &options, &journal, &fault), &fault);
    good(nonces_open(journal, NULL, &nonces, &fault), &fault);
    for (uint64_t n = 0; n < count; n += group) {
        uint64_t number = 0;
        good(journal_begin(journal, &fault), &fault);
        for (uint64_t i = 0; i < group; i++)
            number = one_intent(journal, nonces, n + i);
        good(journal_commit(journal, &fault), &fault);
        (void)printf("%llu\n", (unsigned long long)number);
        (void)fflush(stdout);
    }
    nonces_close(nonces);
    journal_close(journal);
    return 0;
}
