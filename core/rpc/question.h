/*
 * What a JSON-RPC request of an EVM chain asks: whether it changes something, at which block it
 * looks, and how long an answer to it stays true. Also its canonical text, under which equal
 * requests are found. Pure; what it does not know it takes for something that may change the world.
 */
#ifndef CORE_RPC_QUESTION_H
#define CORE_RPC_QUESTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum question_kind {
    QUESTION_OTHER,   /* may change something: asked once, never shared */
    QUESTION_SEND,    /* a signed transaction: the same bytes may go to many */
    QUESTION_FILTER,  /* state of one node, which the next one does not have: refused */
    QUESTION_READ,    /* changes nothing; the answer is not kept */
    QUESTION_STATIC,  /* of the chain itself: always true */
    QUESTION_HEAD,    /* eth_blockNumber */
    QUESTION_GAS,     /* fees of the moment */
    QUESTION_BALANCE, /* of an address, at a block */
    QUESTION_STATE,   /* anything else at a block */
    QUESTION_BLOCK,   /* a block, or a part of it, by number or hash */
    QUESTION_TX,      /* a transaction or a receipt, by the transaction's hash */
    QUESTION_LOGS,
};

/* Which block it looks at. */
enum question_at {
    AT_NOTHING, /* none, or one that it does not name */
    AT_LATEST,
    AT_PENDING,
    AT_TAG, /* safe, finalized */
    AT_NUMBER,
    AT_HASH, /* named by its hash: the answer can't change, though the block may be orphaned */
};

struct question {
    enum question_kind kind;
    enum question_at at;
    uint64_t height; /* AT_NUMBER; of logs the last block */
    bool has_address;
    uint8_t address[20]; /* whose state it is */
    char *key;           /* "method params": canonical; question_finish frees it */
    size_t key_len;
};

/* `params` is JSON text, an array, followed by HAWSE_PADDING readable bytes. HAWSE_E_FORMAT: it is
 * not; HAWSE_E_LIMIT: nested too deep; HAWSE_E_NOMEM. */
int32_t question_read(const char *method, size_t method_len, const uint8_t *params,
                      size_t params_len, struct question *out);
void question_finish(struct question *question);

/* May it be asked of two at once, or with the answer to another's call? */
bool question_is_read(const struct question *question);

/* Is null, for this question, no answer when the block should be there? */
bool question_null_is_missing(const struct question *question, const char *method,
                              size_t method_len);

#define QUESTION_ANY_HEIGHT UINT64_MAX       /* looks at the head: any reorganisation ends it */
#define QUESTION_PINNED     (UINT64_MAX - 1) /* none does */

/* How an answer may be kept. */
struct question_keep {
    uint64_t ttl_ns; /* 0 = as long as there is room */
    uint64_t height; /* a reorganisation from here on, or below, ends it; or one of the above */
    bool block;      /* the next block ends it */
};

/* What is known of the chain when an answer came. */
struct question_chain {
    uint64_t head;          /* 0 = not known: nothing is final */
    uint32_t confirmations; /* a block with so many, itself among them, is final */
    uint32_t block_ms;
};

/* May this answer ("result", as it stands, followed by HAWSE_PADDING readable bytes) be kept?
 * Never: what is empty, pending or not yet there; nor what decides at the head. Times are those of
 * Ethereum's 12 s blocks (balances 30 s, fees 15 s, head 12 s), shorter where blocks are. */
bool question_keeps(const struct question *question, const struct question_chain *chain,
                    const uint8_t *result, size_t len, struct question_keep *out);

#endif
