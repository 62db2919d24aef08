/*
 * Private relays and bundles, as pure functions: which way a transaction goes out, the bytes of
 * each request, what an answer says, and what is next when a block range has passed without it.
 * Asks nobody, signs nothing and keeps nothing: relay_client.h does the asking.
 *
 * One rule carries it. A relay's word is never proof that a transaction cannot be mined any more:
 * signed bytes that have left stay good until their nonce is used on the chain. So a nonce that is
 * "free again" is free for this transaction alone: the same bytes, one that pays more, or an empty
 * one in its place. It never goes to another intent.
 *
 * Sources: Flashbots documentation (JSON-RPC endpoints, rate limits, Protect status API);
 * bloXroute documentation (polygon_private_tx).
 */
#ifndef CORE_TX_RELAY_H
#define CORE_TX_RELAY_H

#include <hawse/hawse.h>
#include <hawse/writer.h>
#include <stdbool.h>
#include <stddef.h>

enum {
    RELAY_BUNDLE_TXS = 100,      /* of one bundle */
    RELAY_BUNDLE_BYTES = 300000, /* of one bundle */
    RELAY_BLOCKS = 25,           /* that a private transaction is tried for, at most */
    RELAY_AHEAD = 2,             /* blocks that bundles are sent for, at a head */
    RELAY_UUID = 37,             /* with its NUL */
};

/* ---- which way ---- */

enum route { ROUTE_PUBLIC, ROUTE_PRIVATE };

/* What is known when a transaction is about to go out. */
struct route_case {
    uint32_t wanted;     /* by the intent: HAWSE_INTENT_ROUTE_... */
    enum route usual;    /* of the chain */
    bool relay;          /* the chain has one */
    bool fallback;       /* the operator lets what the relay does not take go public */
    bool relay_down;     /* it cannot be asked at all */
    uint32_t sandwiches; /* of ours on this chain lately */
};

/* HAWSE_OK with the way; HAWSE_E_UNSUPPORTED: private is wanted, and there is no relay;
 * HAWSE_E_AGAIN: the relay is down and may not be gone round. *why is a constant text.
 * An intent that asks for private never goes public, whatever the operator's fallback says; one
 * that asks for public does, unless it was sandwiched lately and there is a relay. */
int32_t route_choose(const struct route_case *c, enum route *out, const char **why);

/* ---- requests ---- */

/* What is asked of a relay. X(NAME, "method", requests a minute, costs nothing but a look) */
#define RELAY_KINDS(X)                                                 \
    X(SEND_BUNDLE, "eth_sendBundle", 1800, false)                      \
    X(CANCEL_BUNDLE, "eth_cancelBundle", 600, false)                   \
    X(SEND_PRIVATE, "eth_sendPrivateTransaction", 120, false)          \
    X(CANCEL_PRIVATE, "eth_cancelPrivateTransaction", 600, false)      \
    X(BUNDLE_STATS, "flashbots_getBundleStatsV2", 120, true)           \
    X(CALL_BUNDLE, "eth_callBundle", 300, true)                        \
    X(RAW, "", 120, false)   /* one method of the operator's choice */ \
    X(STATUS, "", 120, true) /* GET of the Protect status API */
#define RELAY_KIND_ENUM(name, method, minute, look) RELAY_##name,
enum relay_kind { RELAY_KINDS(RELAY_KIND_ENUM) RELAY_KIND_COUNT };

const char *relay_method(enum relay_kind kind);
/* Requests in any minute, from one address. */
uint32_t relay_per_minute(enum relay_kind kind);
enum { RELAY_LIMITS = 4 };
/* Which of RELAY_LIMITS limits a kind counts for: those with the same figure share it. */
uint32_t relay_limit_of(enum relay_kind kind);
bool relay_is_look(enum relay_kind kind);

struct relay_bundle {
    const hawse_view_t *txs; /* signed, raw */
    uint32_t count;
    uint64_t block;
    uint64_t min_time, max_time;    /* Unix seconds; 0 = none */
    const uint8_t (*reverting)[32]; /* hashes that may revert */
    uint32_t reverting_count;
    const char *uuid; /* replacementUuid; NULL = none */
};

/* Bodies of requests, to their last byte. HAWSE_E_NOSPACE: w->len bytes are needed; HAWSE_E_LIMIT:
 * more than a bundle may hold; HAWSE_E_INVAL: an empty bundle. */
int32_t relay_write_send_bundle(hawse_writer_t *w, uint64_t id, const struct relay_bundle *b);
/* What would it do on the newest block's state, in `block`? min_time is the block's. */
int32_t relay_write_call_bundle(hawse_writer_t *w, uint64_t id, const struct relay_bundle *b);
int32_t relay_write_cancel_bundle(hawse_writer_t *w, uint64_t id, const char *uuid);
/* max_block 0 = the relay's own bound. */
int32_t relay_write_send_private(hawse_writer_t *w, uint64_t id, hawse_view_t tx,
                                 uint64_t max_block);
int32_t relay_write_cancel_private(hawse_writer_t *w, uint64_t id, const uint8_t hash[32]);
int32_t relay_write_bundle_stats(hawse_writer_t *w, uint64_t id, const uint8_t hash[32],
                                 uint64_t block);
/* A plain endpoint that takes private transactions by a method of its own; bare: without 0x. */
int32_t relay_write_raw(hawse_writer_t *w, uint64_t id, const char *method, hawse_view_t tx,
                        bool bare);

/* The replacementUuid of a bundle for one target block, by the hash of the first transaction that
 * had its nonce: one that pays more takes the place of what is with the relay for that block, and
 * the same bytes their own. One a block, since a relay keeps one bundle an uuid. */
void relay_uuid(const uint8_t first[32], uint64_t block, char out[RELAY_UUID]);
/* The value of X-Flashbots-Signature: "0xADDRESS:0xSIGNATURE" with v of 27 or 28, and a NUL. */
enum { RELAY_HEADER = 42 + 1 + 132 + 1 };
void relay_header(const uint8_t address[20], const uint8_t signature[64], uint8_t parity,
                  char out[RELAY_HEADER]);

/* ---- answers ---- */

/* Every `text` is the text of "result", or of the whole body of the status API. HAWSE_E_FORMAT: not
 * what the method answers with. */

/* A hash: of the bundle (eth_sendBundle), of the transaction (eth_sendPrivateTransaction, and
 * plain endpoints, some of which put it into an object as txHash, or leave out 0x). */
int32_t relay_read_hash(const uint8_t *text, size_t len, uint8_t hash[32]);
/* eth_cancelPrivateTransaction; eth_cancelBundle, which answers null. */
int32_t relay_read_cancel(const uint8_t *text, size_t len, bool *canceled);

/* eth_callBundle: which transaction of it would fail first. */
struct relay_call {
    uint32_t count, failed; /* failed == count: none */
    char reason[96];        /* printable ASCII */
};
int32_t relay_read_call(const uint8_t *text, size_t len, struct relay_call *out);

/* How far a bundle came, by flashbots_getBundleStatsV2. X(NAME, "word") */
#define RELAY_STAGES(X)         \
    X(MISSING, "not received")  \
    X(RECEIVED, "received")     \
    X(SIMULATED, "simulated")   \
    X(CONSIDERED, "considered") \
    X(SEALED, "sealed")
#define RELAY_STAGE_ENUM(name, word) RELAY_STAGE_##name,
enum relay_stage { RELAY_STAGES(RELAY_STAGE_ENUM) RELAY_STAGE_COUNT };
int32_t relay_read_stage(const uint8_t *text, size_t len, enum relay_stage *out);
const char *relay_stage_word(enum relay_stage stage);

/* The status API. X(NAME, "word") */
#define RELAY_STATUSES(X)   \
    X(UNKNOWN, "UNKNOWN")   \
    X(PENDING, "PENDING")   \
    X(INCLUDED, "INCLUDED") \
    X(FAILED, "FAILED")     \
    X(CANCELLED, "CANCELLED")
#define RELAY_STATUS_ENUM(name, word) RELAY_IS_##name,
enum relay_status { RELAY_STATUSES(RELAY_STATUS_ENUM) RELAY_STATUS_COUNT };
struct relay_fate {
    enum relay_status status;
    uint64_t max_block; /* 0 = not told */
    bool leaked;        /* seen in the public mempool */
};
const char *relay_status_word(enum relay_status status);
int32_t relay_read_fate(const uint8_t *text, size_t len, struct relay_fate *out);

/* ---- the time with a relay ---- */

/* What is to be done next with what a relay has. */
enum relay_next {
    RELAY_WAIT,
    RELAY_ASK,     /* its status */
    RELAY_REPEAT,  /* the same bytes for the same blocks: nobody knows whether it has them */
    RELAY_OFFER,   /* the same bytes for the next blocks */
    RELAY_RAISE,   /* its fee is below what the next block asks: sign one that pays more */
    RELAY_PUBLISH, /* to the public mempool: allowed, and private was in vain */
    RELAY_VOID,    /* an empty transaction in its place, in public */
};

/* One transaction with a relay. Plain data; begins as zeroes. */
struct relay_stay {
    uint32_t rounds;     /* block ranges begun */
    uint64_t first, max; /* blocks of this one */
    uint64_t asked;      /* head at which its status was asked last */
    uint64_t targeted;   /* the last block that a bundle was sent for */
    bool offered;        /* the relay has it, or may have it */
    bool repeat;         /* nobody knows whether it has it */
    bool leaked;         /* it is public already: keeping it private is in vain */
    bool over;           /* given back: published or voided */
};

struct relay_rules {
    uint32_t blocks; /* of one range, 1 to RELAY_BLOCKS */
    uint32_t rounds; /* ranges before private was in vain; at least 1 */
    bool fallback;   /* may go public then: by the operator and by the intent */
    bool status;     /* its status can be asked */
};

/* What is true when it is looked at. */
struct relay_look {
    uint64_t head;      /* newest block */
    uint64_t next_base; /* base fee of the next block, wei per gas */
    uint64_t max_fee;   /* of the transaction */
    bool unwanted;      /* canceled by its owner */
    bool late;          /* its deadline is over */
};

/* A range begins: it goes out now for the blocks from head + 1 on. */
void relay_begin(struct relay_stay *stay, const struct relay_rules *rules, uint64_t head);
/* The next block of the range that a bundle goes out for at this head, each once; false: none. */
bool relay_target(struct relay_stay *stay, uint64_t head, uint64_t *block);
/* The status API answered. */
void relay_heard(struct relay_stay *stay, const struct relay_fate *fate, uint64_t head);
/* No answer came: once more at the next head. */
void relay_unsure(struct relay_stay *stay);
/* The relay refused it for good: this range is over at once. */
void relay_refused(struct relay_stay *stay, uint64_t head);
/* What is next. Called with each head until its nonce is used on the chain, which is for the caller
 * to see; changes nothing but notes when it says RELAY_ASK, RELAY_REPEAT, RELAY_PUBLISH or
 * RELAY_VOID. */
enum relay_next relay_look(struct relay_stay *stay, const struct relay_rules *rules,
                           const struct relay_look *look);

#endif
