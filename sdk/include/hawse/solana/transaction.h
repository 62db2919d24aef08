/*
 * A transaction from its parts: instructions, compute budget, and how long it lives, compiled into
 * the message that is signed, with every limit checked before anybody signs.
 *
 * Nothing is allocated and nothing is kept; all functions are [any]. Nothing here signs: give the
 * message to whoever holds the key, then hawse_solana_tx_encode joins message and signatures.
 *
 * Sources: Solana documentation, "Transactions", "Compute budget", "Durable nonces"; limits of the
 * runtime (bytes of a packet, account locks, instruction trace).
 */
#ifndef HAWSE_SOLANA_TRANSACTION_H
#define HAWSE_SOLANA_TRANSACTION_H

#include <hawse/solana/program.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HAWSE_SOLANA_LOCKS_MAX        64u  /* accounts that a transaction may lock */
#define HAWSE_SOLANA_INSTRUCTIONS_MAX 64u  /* instructions, those of the budget included */
#define HAWSE_SOLANA_BLOCKHASH_BLOCKS 150u /* blocks for which a blockhash is good */

/* How long a transaction lives. */
#define HAWSE_SOLANA_LIFE_BLOCKHASH 1u /* until a block height */
#define HAWSE_SOLANA_LIFE_NONCE     2u /* until its nonce is advanced: possibly for ever */

typedef struct hawse_solana_life {
    uint32_t size;
    uint32_t kind;              /* HAWSE_SOLANA_LIFE_... */
    uint8_t hash[32];           /* the blockhash, or the value that the nonce account holds */
    uint64_t last_block_height; /* BLOCKHASH: lastValidBlockHeight, as the node gave it with it */
    uint8_t nonce[32];          /* NONCE: its account ... */
    uint8_t authority[32];      /* ... and who must sign */
} hawse_solana_life_t;

/* What goes into a transaction. */
typedef struct hawse_solana_draft {
    uint32_t size;
    uint32_t version;     /* HAWSE_SOLANA_LEGACY or HAWSE_SOLANA_V0 */
    uint32_t table_count; /* 0 with HAWSE_SOLANA_LEGACY */
    uint32_t unit_limit;  /* compute units; 0 = the runtime's default */
    uint64_t unit_price;  /* micro-lamports for each unit; 0 = no priority fee */
    uint32_t heap;        /* bytes; 0 = the default */
    uint32_t loaded_data; /* bytes of account data loaded at most; 0 = the default */
    uint32_t locks_max;   /* 0 = HAWSE_SOLANA_LOCKS_MAX; clusters with a newer feature allow 128 */
    uint32_t reserved;
    uint8_t payer[32];
    hawse_solana_life_t life;
    const hawse_solana_builder_t *instructions;
    const hawse_solana_table_t *tables;
} hawse_solana_draft_t;

/* What keeps a draft from becoming a transaction: number, name, meaning. The list may grow. */
#define HAWSE_SOLANA_OBSTACLES(X)                                                                 \
    X(1, BYTES, "more bytes than a transaction may have, 1,232")                                  \
    X(2, KEYS, "more than 256 accounts")                                                          \
    X(3, LOCKS, "more accounts than a transaction may lock")                                      \
    X(4, INSTRUCTIONS, "more instructions than a transaction may have, 64")                       \
    X(5, BUILDER, "an instruction could not be built: see the builder's error")                   \
    X(6, BUDGET, "a figure of the compute budget that the runtime refuses")                       \
    X(7, BUDGET_TWICE, "an instruction of the compute budget stands among the instructions, too") \
    X(8, LIFE, "neither a blockhash nor a nonce")                                                 \
    X(9, VERSION, "an unknown version, or lookup tables in a legacy message")                     \
    X(10, RULE, "a rule of the runtime is broken: see fault")

#define HAWSE_SOLANA_OBSTACLE_ENUM(number, name, meaning) HAWSE_SOLANA_OBSTACLE_##name = (number),
enum { HAWSE_SOLANA_OBSTACLE_NONE = 0, HAWSE_SOLANA_OBSTACLES(HAWSE_SOLANA_OBSTACLE_ENUM) };

/* The meaning of an obstacle, in words; static. */
const char *hawse_solana_obstacle_text(uint32_t obstacle);

/* What became of a draft. Figures are given as far as they are known, also when it failed: so many
 * were found, and the obstacle says which of them is too large. */
typedef struct hawse_solana_compiled_tx {
    uint32_t size;
    uint32_t obstacle; /* HAWSE_SOLANA_OBSTACLE_...; 0 = none */
    uint32_t fault;    /* with RULE: HAWSE_SOLANA_FAULT_... */
    uint32_t message_len;
    uint32_t tx_bytes; /* with its signatures */
    uint32_t signatures;
    uint32_t keys;  /* of its own */
    uint32_t locks; /* accounts in all, looked-up ones included */
    uint32_t instructions;
    uint32_t reserved;
    uint64_t fee; /* lamports: signatures, and the priority fee where unit_limit is given; the
                     signatures that programs verify are not known here */
} hawse_solana_compiled_tx_t;

/*
 * Compiles a draft into the message to be signed, *need bytes at `out`. A durable transaction
 * begins with the advance of its nonce, then come the compute budget's instructions, then the
 * draft's own, in their order. Two equal drafts give equal bytes.
 *
 * HAWSE_E_NOSPACE: `cap` is too small (HAWSE_SOLANA_MESSAGE_MAX always suffices); HAWSE_E_LIMIT and
 * HAWSE_E_INVAL: see result->obstacle. Nothing that the runtime would refuse for its form is given
 * out as good.
 */
int32_t hawse_solana_compile(const hawse_solana_draft_t *draft, uint8_t *out, uint64_t cap,
                             uint64_t *need, hawse_solana_compiled_tx_t *result);

/* Lamports of a transaction: 5,000 for each signature, and the priority fee for its unit limit,
 * rounded up. UINT64_MAX when it does not fit. */
uint64_t hawse_solana_fee(uint32_t signatures, uint32_t unit_limit, uint64_t unit_price);

/* Blocks for which the transaction can still land, at that block height: 0 = it cannot any more;
 * UINT64_MAX = a durable one, which ends only when its nonce is advanced. A transaction may be
 * signed anew only when this is 0 at the *finalized* height and its signature is not found with
 * searchTransactionHistory: earlier, both can land. */
uint64_t hawse_solana_blocks_left(const hawse_solana_life_t *life, uint64_t block_height);

#ifdef __cplusplus
}
#endif
#endif
