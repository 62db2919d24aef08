/*
 * Answers of Solana nodes that decide about a transaction, read from the text of "result" into
 * numbers. What has not exactly the form that the node's documentation gives it is HAWSE_E_FORMAT:
 * no answer at all, never a guess. Pure; nothing is kept.
 *
 * At least HAWSE_PADDING readable bytes follow each text. `marks` is memory of the caller for the
 * reading, SOLANA_MARKS of them; HAWSE_E_NOSPACE: the text needs more.
 *
 * Source: Solana documentation, "RPC methods".
 */
#ifndef CORE_TX_SOLANA_ANSWER_H
#define CORE_TX_SOLANA_ANSWER_H

#include <hawse/solana/outcome.h>
#include <hawse/solana/program.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SOLANA_MARKS = 16384, SOLANA_STATUSES = 16, SOLANA_REASON = 256 };

struct solana_text {
    const uint8_t *text;
    uint64_t len;
    uint32_t *marks;
};

/* getLatestBlockhash; slot: of the answer's context */
struct solana_blockhash {
    uint64_t slot;
    uint64_t last_height;
    uint8_t hash[32];
};
int32_t solana_read_blockhash(const struct solana_text *t, struct solana_blockhash *out);

/* getEpochInfo: a slot and the block height at it, in one answer */
int32_t solana_read_epoch(const struct solana_text *t, uint64_t *slot, uint64_t *height);

/* a bare integer: getFirstAvailableBlock */
int32_t solana_read_u64(const struct solana_text *t, uint64_t *out);

enum solana_level { SOLANA_NOWHERE, SOLANA_PROCESSED, SOLANA_CONFIRMED, SOLANA_FINALIZED };

/* getSignatureStatuses, of one signature. */
struct solana_status {
    enum solana_level level; /* NOWHERE: null; nothing else is set then */
    bool failed;             /* "err" is not null */
    uint64_t slot;
    uint64_t confirmations;     /* UINT64_MAX: rooted, the field is null */
    char reason[SOLANA_REASON]; /* of what failed, in words */
};
/* Must be exactly `count` of them. */
int32_t solana_read_statuses(const struct solana_text *t, uint32_t count, uint64_t *slot,
                             struct solana_status *out);

/* getAccountInfo with encoding base64, of a nonce account. HAWSE_E_NOTFOUND: there is no such
 * account; HAWSE_E_INVAL: it is no initialized account of the system program of that size. */
int32_t solana_read_nonce(const struct solana_text *t, uint64_t *slot, hawse_solana_nonce_t *out);

/* simulateTransaction. */
struct solana_simulated {
    uint64_t slot;
    uint64_t units;  /* consumed */
    uint32_t advice; /* HAWSE_SOLANA_ADVICE_... */
    uint32_t error;  /* HAWSE_SOLANA_TX_...; GOOD = it would succeed */
    char reason[SOLANA_REASON];
};
int32_t solana_read_simulation(const struct solana_text *t, struct solana_simulated *out);

/* An account, as far as what it holds is of interest. */
struct solana_account {
    uint8_t key[32];
    bool there;
    bool token; /* of one of the token programs, and initialized: `held` is what it says */
    uint64_t lamports;
    uint8_t owner[32]; /* the program whose it is */
    hawse_solana_token_t held;
};

/* getMultipleAccounts, or with `simulated` the "accounts" of simulateTransaction; encoding base64.
 * Exactly `count` accounts, whose keys the caller has filled in. HAWSE_E_LIMIT: one of them has
 * more than SOLANA_ACCOUNT_MAX bytes and is no token account; it is told as it is otherwise. */
enum { SOLANA_ACCOUNT_MAX = 8248 }; /* a full lookup table */
int32_t solana_read_accounts(const struct solana_text *t, bool simulated, uint32_t count,
                             uint64_t *slot, struct solana_account *out);
/* The data of account `index` of the same answer, into SOLANA_ACCOUNT_MAX bytes. HAWSE_E_NOTFOUND:
 * there is none, or more of it. */
int32_t solana_read_data(const struct solana_text *t, uint32_t index, uint8_t *out, uint64_t *len);

/* getRecentPrioritizationFees: the price below which `percent` of the slots' prices are; 0 for an
 * empty list. At most the last 150 are looked at. */
int32_t solana_read_price(const struct solana_text *t, uint32_t percent, uint64_t *price);

/* sendTransaction: a signature, the transaction's first. HAWSE_E_STATE: another one than `expected`
 * was answered, which no honest node does. */
int32_t solana_read_sent(const struct solana_text *t, const uint8_t expected[64]);

/* What a node's error object says of a send. */
enum solana_refusal {
    SOLANA_REFUSED_MAYBE, /* it says nothing about the transaction: it may have been taken */
    SOLANA_REFUSED_AGAIN, /* not taken here, and the same bytes may be sent again */
    SOLANA_REFUSED_KNOWN, /* it has landed already: read its status */
    SOLANA_REFUSED_NEVER, /* it can only fail: see reason */
};
enum solana_refusal solana_read_refusal(const struct solana_text *t, char reason[SOLANA_REASON]);

#endif
