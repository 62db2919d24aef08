/*
 * Answers of Solana nodes that decide about money, on any bytes: the first byte chooses which
 * answer it is taken for. What is read has the bounds that whoever decides by it relies on.
 */
#include "tx/solana_desk.h"

#include <hawse/hawse.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void statuses(const struct solana_text *t, uint32_t count)
{
    struct solana_status s[SOLANA_STATUSES];
    uint64_t slot = 0;
    if (solana_read_statuses(t, count, &slot, s) != HAWSE_OK)
        return;
    for (uint32_t i = 0; i < count; i++) {
        if (s[i].level > SOLANA_FINALIZED || memchr(s[i].reason, '\0', SOLANA_REASON) == NULL)
            abort();
        if (s[i].level != SOLANA_NOWHERE && s[i].failed != (s[i].reason[0] != '\0'))
            abort();
    }
}

static void refusal(const struct solana_text *t)
{
    char reason[SOLANA_REASON];
    enum solana_refusal r = solana_read_refusal(t, reason);
    if (r > SOLANA_REFUSED_NEVER || memchr(reason, '\0', sizeof(reason)) == NULL ||
        (r == SOLANA_REFUSED_NEVER && reason[0] == '\0'))
        abort();
}

static void heights(const struct solana_text *t)
{
    uint64_t slot = 0, height = 0;
    if (solana_read_epoch(t, &slot, &height) == HAWSE_OK && height > slot)
        abort();
    (void)solana_read_u64(t, &slot);
}

static void others(const struct solana_text *t, uint8_t which)
{
    struct solana_simulated s;
    struct solana_blockhash b;
    hawse_solana_nonce_t n;
    uint64_t u = 0;
    if (which == 3 && solana_read_simulation(t, &s) == HAWSE_OK &&
        (s.error == HAWSE_SOLANA_TX_GOOD) != (s.reason[0] == '\0'))
        abort();
    if (which == 4)
        (void)solana_read_blockhash(t, &b);
    if (which == 5)
        (void)solana_read_nonce(t, &u, &n);
    if (which == 6)
        (void)solana_read_price(t, 60, &u);
    if (which == 7)
        (void)solana_read_sent(t, (const uint8_t[64]){0});
}

/* Accounts, of the first three of an answer or a simulation, and the data of one. */
static void accounts(const struct solana_text *t, bool simulated)
{
    static uint8_t data[SOLANA_ACCOUNT_MAX];
    struct solana_account a[3];
    uint64_t slot = 0, len = 0;
    memset(a, 0, sizeof(a));
    if (solana_read_accounts(t, simulated, 3, &slot, a) == HAWSE_OK) {
        for (int i = 0; i < 3; i++) {
            if ((a[i].token && !a[i].there) || (!a[i].there && a[i].lamports > 0))
                abort();
        }
    }
    if (solana_read_data(t, 2, data, &len) == HAWSE_OK && len > sizeof(data))
        abort();
}

/* What the journal has of an attempt, in its own words. */
static void kept(const struct solana_text *t)
{
    struct solana_attempt a;
    if (solana_attempt_read((hawse_view_t){t->text, t->len}, &a) == HAWSE_OK &&
        (a.raw_len == 0 || a.raw_len > sizeof(a.raw)))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint32_t marks[SOLANA_MARKS];
    if (size == 0)
        return 0;
    uint8_t *text = calloc(1, size + HAWSE_PADDING);
    if (text == NULL)
        return 0;
    memcpy(text, data + 1, size - 1);
    struct solana_text t = {text, size - 1, marks};
    if (data[0] & 8) {
        accounts(&t, (data[0] & 1) != 0);
        kept(&t);
        free(text);
        return 0;
    }
    switch (data[0] & 7) {
    case 0:
        statuses(&t, data[0] >> 4);
        break;
    case 1:
        refusal(&t);
        break;
    case 2:
        heights(&t);
        break;
    default:
        others(&t, data[0] & 7);
        break;
    }
    free(text);
    return 0;
}
