/*
 * Simulation: what would these calls do on the state of one block, before anything is signed?
 * Engines are asked in the operator's order until one answers; what came back is bound to the calls
 * by a token, without which nothing is signed.
 *
 * Owns the questions under way and nothing else. Never signs, never sends, never decides: the gate
 * in core/risk does. Answers come from nodes that nobody vouches for: what is not exactly what was
 * asked for counts as no answer.
 *
 * All of it is [desk]: called on the one thread that owns intents, and calls back on it.
 *
 * Sources: execution-apis (eth_simulateV1, eth_call), geth's debug_traceCall with callTracer and
 * prestateTracer, Tenderly's REST API v1, EIP-20, EIP-721, EIP-1155, EIP-173, EIP-7702.
 */
#ifndef CORE_SIM_SIM_H
#define CORE_SIM_SIM_H

#include "rpc/failure.h"

#include <hawse/hawse.h>
#include <hawse/tx.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SIM_CALLS = 64,     /* of one request */
    SIM_ASSETS = 16,    /* whose balances are measured */
    SIM_FLOWS = 48,     /* assets that a result can tell of */
    SIM_APPROVALS = 32, /* that a result can tell of */
    SIM_FINDINGS = 16,  /* that a result can tell of */
    SIM_CALLBACKS = 64, /* selectors of a policy */
    SIM_SLOTS = 64,     /* of contracts, that stand otherwise than at the block */
    SIM_WORDS = 256,    /* bytes of a reason or finding, NUL included */
    SIM_ENGINES = 4,
    SIM_JSON = 64 << 10, /* bytes of a result as text */
};

/* ---- the way out ---- */

/* An answer, valid during the call that brings it. */
struct sim_answer {
    int32_t status;       /* HAWSE_OK: body is the text of "result" (call) or of the body (http);
                             HAWSE_E_REMOTE: an error; otherwise nothing usable came */
    enum rpc_class class; /* call, when status is not HAWSE_OK */
    uint32_t http_status; /* http */
    const uint8_t *body;  /* HAWSE_E_REMOTE of a call: the text of the error object */
    uint64_t body_len;
};
typedef void (*sim_answer_fn)(void *ctx, const struct sim_answer *answer);

/* How questions go out; whoever makes the sim owns it. Both may answer before they return. After
 * HAWSE_OK `done` is called exactly once; after anything else never. */
struct sim_port {
    void *ctx;
    /* JSON-RPC at the chain's providers; params is the text of an array. */
    int32_t (*call)(void *ctx, const char *method, const char *params, size_t len,
                    sim_answer_fn done, void *done_ctx);
    /* POST of a JSON body to Tenderly, at "/simulate" or "/simulate-bundle" of its project; whoever
     * sends it knows where that is, and the access key. NULL = there is none. */
    int32_t (*post)(void *ctx, const char *path, const char *body, size_t len, sim_answer_fn done,
                    void *done_ctx);
};

enum sim_engine {
    SIM_NONE,
    SIM_SIMULATE_V1, /* eth_simulateV1 */
    SIM_TRACE,       /* debug_traceCall: callTracer, and prestateTracer between calls */
    SIM_ETH_CALL,    /* eth_call: says whether one call succeeds, and nothing of what moves */
    SIM_TENDERLY,    /* its HTTP API */
};
const char *sim_engine_name(enum sim_engine engine); /* "eth_simulateV1" ... */

struct sim_options {
    enum sim_engine order[SIM_ENGINES]; /* SIM_NONE behind the last; none at all = the first three
                                           in this order */
    bool inspect; /* ask debug_traceCall for the call tree after an engine that gives none; where
                     it is not offered the result says so in `inspected` */
};

/* ---- the question ---- */

struct sim_call {
    uint8_t to[20];
    hawse_u256_t value;
    hawse_view_t data;
    uint64_t gas_limit;       /* 0 = to be found: what it needs and a fifth more */
    hawse_view_t access_list; /* entries, as in hawse_tx_t */
};

/* Callbacks into a contract that is still running, and code that the sender may run as its own. */
struct sim_policy {
    uint8_t callbacks[SIM_CALLBACKS][4];
    uint32_t callback_count; /* 0 = the usual ones: see sim_usual_callbacks() */
    uint8_t code[SIM_ASSETS][20];
    uint32_t code_count;
};

/* A word of a contract's storage that is taken to be so. */
struct sim_slot {
    uint8_t address[20];
    uint8_t slot[32], value[32];
};

struct sim_request {
    uint64_t chain_id;
    uint8_t from[20];    /* who signs and pays for the gas */
    uint8_t subject[20]; /* whose flows, allowances and rules are looked at; zero: from's */
    bool delegated;      /* the sender's code becomes a pointer to `delegate` (EIP-7702) */
    uint8_t delegate[20];
    const struct sim_call *calls; /* transactions, one after the other in one block */
    uint32_t call_count;          /* 1 to SIM_CALLS */
    hawse_u256_t max_fee, tip;    /* wei per gas; max_fee 0 = not known yet: fees and funds are not
                                     checked then */
    bool has_nonce; /* simulate with this nonce, whatever the sender's is at the block */
    uint64_t nonce;
    /* the block whose state it runs on, and the time of the one it is simulated in */
    uint64_t block_number;
    uint8_t block_hash[32];
    uint64_t block_time; /* of it, UTC seconds; 0 = let the node choose (12 s later, as a rule) */
    uint32_t block_ms;   /* time between blocks of this chain */
    /* what else a contract can see of the block that it is simulated in, and would know a
     * simulation by, since nodes leave it at 0; all zeros = as the node has it */
    hawse_u256_t base_fee; /* of the next block, wei per gas */
    uint8_t prev_randao[32];
    uint8_t fee_recipient[20];
    /* tokens whose balances are to be measured before and after */
    uint8_t assets[SIM_ASSETS][20];
    uint32_t asset_count;
    struct sim_slot slots[SIM_SLOTS];
    uint32_t slot_count;
    struct sim_policy policy;
};

/* ---- the result ---- */

struct sim_flow {
    uint8_t asset[20];    /* zero: the chain's own coin, without fees for gas */
    hawse_u256_t out, in; /* net: one of them is 0 */
    bool measured;        /* by balances before and after; otherwise from logs and values alone */
    hawse_u256_t before;  /* measured: the balance at the block, as the simulation found it */
};

struct sim_approval {
    uint8_t asset[20];
    uint8_t spender[20];
    hawse_u256_t amount; /* ALL: 1 or 0 */
    hawse_u256_t left;   /* of it, behind the last call */
    bool left_known;     /* the token said so; otherwise `left` means nothing */
    bool indirect;       /* by a contract that has an allowance of its own: Permit2 */
    bool all;            /* ApprovalForAll, of every token of a collection */
};

/* What a simulation found: number, name, meaning. */
#define SIM_FINDING_LIST(X)                                                              \
    X(REENTRANCY, "reentrancy", "a contract was entered again while it was running")     \
    X(OWNERSHIP, "ownership", "ownership of the account's was given away")               \
    X(DELEGATECALL, "delegatecall", "the account ran code that is not known")            \
    X(SELFDESTRUCT, "selfdestruct", "a contract destroyed itself")                       \
    X(NFT, "nft", "a token of a collection left the sender")                             \
    X(OVERFLOW, "overflow", "arithmetic overflowed in a call inside, and was caught")    \
    X(CONTROL, "control", "who controls the account, or what code it runs, was changed") \
    X(NO_EFFECT, "no_effect",                                                            \
      "a call did nothing: there is no code, or none that touches anything")             \
    X(UNREADABLE, "unreadable", "more moved, or deeper, than can be told")
#define SIM_FINDING_ENUM(name, word, meaning) SIM_FINDING_##name,
enum sim_finding_kind { SIM_FINDING_LIST(SIM_FINDING_ENUM) SIM_FINDING_COUNT };
const char *sim_finding_word(enum sim_finding_kind kind);    /* "reentrancy" */
const char *sim_finding_meaning(enum sim_finding_kind kind); /* in words */

struct sim_finding {
    enum sim_finding_kind kind;
    uint32_t call; /* number of the transaction */
    uint8_t where[20];
    uint8_t selector[4];
};

struct sim_gas {
    uint64_t used;  /* what is charged for, refunds taken off */
    uint64_t limit; /* of the call, or found: a fifth above the most that is in use at a time */
};

struct sim_result {
    int32_t status;   /* HAWSE_OK: an engine answered, `success` says what. Otherwise none did:
                         nothing else here means anything but `reason` and `asked` */
    bool success;     /* every call succeeded */
    bool flows_known; /* `flows` is all that moved; otherwise the engine can't tell */
    bool inspected;   /* the call tree was looked at; otherwise findings come from logs alone */
    bool validated;   /* nonce, funds and fees were checked too */
    enum sim_engine engine;
    uint32_t asked;                   /* engines that were asked */
    uint32_t call_count, failed_call; /* the first that failed, when not success */
    struct sim_gas gas[SIM_CALLS];
    uint32_t revert;                  /* what it left, HAWSE_REVERT_... (hawse/revert.h) */
    char reason[SIM_WORDS];           /* why it failed, in words */
    struct sim_flow flows[SIM_FLOWS]; /* of the subject */
    uint32_t flow_count;
    struct sim_approval approvals[SIM_APPROVALS]; /* given by the subject */
    uint32_t approval_count;
    struct sim_finding findings[SIM_FINDINGS];
    uint32_t finding_count;
    uint64_t block_number;
    uint8_t block_hash[32];
    uint8_t bindings[SIM_CALLS][32]; /* of each call: see sim_binding() */
    uint8_t token[32];               /* over all of the above */
};

struct sim;
struct sim_run;
typedef void (*sim_done_fn)(void *ctx, const struct sim_result *result);

/* HAWSE_E_NOMEM; HAWSE_E_INVAL: an engine that the port cannot reach. The port is copied; `ctx` of
 * it must outlive the sim. */
int32_t sim_create(const struct sim_options *options, const struct sim_port *port,
                   struct sim **out);
void sim_destroy(struct sim *sim); /* no run may be under way; NULL is legal */

/* Simulates. The request is copied. `done` is called exactly once, maybe before this returns,
 * unless it was canceled; the result is valid during the call. HAWSE_E_INVAL: no calls, too many,
 * or a malformed access list; HAWSE_E_NOMEM. */
int32_t sim_start(struct sim *sim, const struct sim_request *request, sim_done_fn done, void *ctx,
                  struct sim_run **out);
/* It is over for the caller, who decides what time it has (deadlines are the caller's): `done` is
 * not called any more. Not from inside `done`. */
void sim_cancel(struct sim_run *run);

/*
 * What a token says of a transaction: Keccak-256 of the unsigned bytes with nonce, fees and gas
 * limit as 0 and the authorizations' signatures left out. So it holds chain, sender, destination,
 * value, calldata, access list and delegations. Nonce and fees are decided after the simulation;
 * the gas limit is compared apart.
 */
void sim_binding(const hawse_tx_t *tx, const uint8_t from[20], uint8_t binding[32]);

/* The token of a result, computed anew. */
void sim_token(const struct sim_result *result, uint8_t token[32]);

/*
 * May transaction `index` of what was simulated be signed as `tx`? Its binding must be the
 * simulated one, its gas limit at least what was found, the result successful and untouched, and
 * `head` the block of the simulation or the next one (parent: its parent's hash, NULL = not known).
 * Otherwise false, and `why`, unless NULL, says why not: static text.
 */
bool sim_token_good(const struct sim_result *result, uint32_t index, const hawse_tx_t *tx,
                    const uint8_t from[20], uint64_t head, const uint8_t head_hash[32],
                    const uint8_t *parent_hash, const char **why);

/*
 * What the logs of a receipt say that the account gained, lost and gave away, into flows (net),
 * approvals and findings of a result that is otherwise empty: by the same rules as simulations, but
 * without the chain's own coin, of whose way inside of calls no receipt tells. HAWSE_E_FORMAT: they
 * can't be read, or are more than can be told.
 */
int32_t sim_receipt(const uint8_t *text, uint64_t len, const uint8_t account[20],
                    struct sim_result *out);

/* The callbacks that flash loans and exchanges are known to make. */
uint32_t sim_usual_callbacks(uint8_t out[SIM_CALLBACKS][4]);

/* The result as a JSON object with a NUL, for the journal: SIM_JSON bytes are always enough.
 * Returns its length, or HAWSE_E_NOSPACE. */
int32_t sim_result_json(const struct sim_result *result, char *out, size_t cap);

#endif
