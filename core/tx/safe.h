/*
 * Transactions of a Safe, from calls to the bytes that somebody's account sends: what the owners
 * sign, who has signed, and the call of execTransaction when enough have. Pure; asks nobody, keeps
 * nothing and holds no key: safe_run.h does the asking.
 *
 * Three rules. A hash is made for the chain and the Safe of the configuration and for no other,
 * and the Safe's own domain separator must agree. Nobody's signature counts before it was
 * recovered to an owner. And what changes the Safe itself (its owners, threshold, modules) is not
 * an intent's to ask for.
 *
 * Sources: safe-smart-account 1.3.0, 1.4.1 and 1.5.0 (checkNSignatures, execTransaction,
 * MultiSend); Safe Transaction Service (multisig-transactions).
 */
#ifndef CORE_TX_SAFE_H
#define CORE_TX_SAFE_H

#include "base/fault.h"

#include <hawse/safe.h>
#include <hawse/service/intent.h>
#include <hawse/writer.h>
#include <stdbool.h>
#include <stddef.h>

enum {
    SAFE_OWNERS = 64,       /* of one Safe that we take part in */
    SAFE_SIGNATURE = 65,    /* bytes: r, s, v */
    SAFE_CONTRACTS = 16384, /* bytes that signatures of contracts may take together */
    SAFE_ORIGIN = 200,      /* characters of a note that the service takes */
};

/* A Safe as the operator names it. */
struct safe_place {
    uint64_t chain_id;
    uint8_t address[20];
    uint8_t batch[20]; /* MultiSendCallOnly: several calls go through it */
};

/* What the chain says of it. */
struct safe_state {
    uint8_t domain[32];
    uint64_t nonce;
    uint32_t threshold;
    uint32_t owner_count;
    uint8_t owners[SAFE_OWNERS][20];
};

/* How an owner agreed. */
enum safe_by {
    SAFE_BY_HASH,    /* signed the hash itself (EIP-712): v is 27 or 28 */
    SAFE_BY_MESSAGE, /* signed it as a message (EIP-191): v is 31 or 32 */
    SAFE_BY_CHAIN,   /* approved it on the chain: v is 1. Whether that is so, only the chain says */
    SAFE_BY_CONTRACT, /* a contract will say so: v is 0. Here too */
};

struct safe_approval {
    enum safe_by by;
    uint8_t owner[20];
    uint8_t bytes[SAFE_SIGNATURE]; /* as the owner gave it; SAFE_BY_CONTRACT: unused */
    uint32_t from, len;            /* SAFE_BY_CONTRACT: its bytes in `contracts` */
};

/* Those of one hash, one an owner. Begins as zeroes. */
struct safe_approvals {
    uint32_t count;
    struct safe_approval items[SAFE_OWNERS];
    uint32_t contracts_len;
    uint8_t contracts[SAFE_CONTRACTS];
};

/* ---- what is asked of a Safe, and what it answers ---- */

/* In the order of asking. X(NAME, "declaration") */
#define SAFE_QUESTIONS(X)                   \
    X(DOMAIN, "domainSeparator()(bytes32)") \
    X(NONCE, "nonce()(uint256)")            \
    X(THRESHOLD, "getThreshold()(uint256)") \
    X(OWNERS, "getOwners()(address[])")
#define SAFE_QUESTION_ENUM(name, text) SAFE_ASK_##name,
enum safe_question { SAFE_QUESTIONS(SAFE_QUESTION_ENUM) SAFE_ASK_COUNT };

/* The call's four bytes. */
void safe_question_data(enum safe_question question, uint8_t data[4]);
/* Takes an answer, the bytes that eth_call returned. HAWSE_E_FORMAT; HAWSE_E_LIMIT: more than
 * SAFE_OWNERS owners. */
int32_t safe_answer(enum safe_question question, const uint8_t *data, uint64_t len,
                    struct safe_state *state, struct fault *fault);
/* Is this our Safe, on our chain? HAWSE_E_DENIED: its domain separator is another than that of the
 * configuration's chain and address, or of a Safe before 1.3.0, whose signatures are good on every
 * chain. HAWSE_E_FORMAT: no owners, or a threshold that they cannot reach. */
int32_t safe_state_check(const struct safe_place *place, const struct safe_state *state,
                         struct fault *fault);
bool safe_is_owner(const struct safe_state *state, const uint8_t address[20]);

/* ---- what the owners agree to ---- */

/* One call as it is, several as a batch, whose bytes are written to `memory`. Gas fields are 0: a
 * call that fails inside reverts the whole, and no nonce is burnt. The views of *out lead into the
 * calls and the memory. HAWSE_E_DENIED: a call of the Safe itself; HAWSE_E_NOSPACE: memory->len
 * bytes are needed. */
int32_t safe_build(const struct safe_place *place, const hawse_intent_call_t *calls, uint32_t count,
                   uint64_t nonce, hawse_writer_t *memory, hawse_safe_tx_t *out,
                   struct fault *fault);
/* The hash for this chain and this Safe. HAWSE_E_INVAL. */
int32_t safe_hash(const struct safe_place *place, const hawse_safe_tx_t *tx, uint8_t hash[32]);

/* The call of getTransactionHash, by which the Safe says what it would take for the hash.
 * HAWSE_E_NOSPACE. */
int32_t safe_hash_data(const hawse_safe_tx_t *tx, hawse_writer_t *out);

/* Is this the code of a MultiSendCallOnly of 1.3.0, 1.4.1 or 1.5.0? The Safe runs it as its own:
 * anything else may take all that it has. */
bool safe_batch_known(const uint8_t *code, uint64_t len);

/* ---- who agrees ---- */

/* Takes a signature as services and wallets give it: one of SAFE_SIGNATURE bytes, or with the
 * contract's bytes behind it. `owner`, unless NULL, must be whose it is. HAWSE_E_FORMAT: no
 * signature; HAWSE_E_DENIED: of nobody who owns the Safe, or of another hash, which looks the same;
 * HAWSE_E_EXISTS: that owner's is there already, and stays; HAWSE_E_LIMIT. */
int32_t safe_approve(struct safe_approvals *approvals, const struct safe_state *state,
                     const uint8_t hash[32], const uint8_t *owner, const uint8_t *bytes,
                     uint64_t len, struct fault *fault);
bool safe_approved_by(const struct safe_approvals *approvals, const uint8_t owner[20]);

/* The signatures as the contract reads them: as many as the threshold wants, those that anybody
 * can check before those that the chain has to, by owner. HAWSE_E_AGAIN: too few;
 * HAWSE_E_NOSPACE. */
int32_t safe_signatures(const struct safe_approvals *approvals, uint32_t threshold,
                        hawse_writer_t *out);
/* The call of execTransaction. HAWSE_E_NOSPACE. */
int32_t safe_execute_data(const hawse_safe_tx_t *tx, const uint8_t *signatures, uint64_t len,
                          hawse_writer_t *out);

/* ---- how it ended ---- */

enum safe_end { SAFE_NOT_EXECUTED, SAFE_SUCCEEDED, SAFE_FAILED };

/* One log of a receipt; `topics` is topic_count times 32 bytes. */
struct safe_log {
    const uint8_t *address, *topics, *data;
    uint32_t topic_count;
    uint64_t data_len;
};
/* Does this log say how the transaction of that hash ended? A receipt that says success is not
 * enough: with gas fields of others the Safe reports a failure inside and its nonce is gone. */
enum safe_end safe_log_read(const struct safe_place *place, const uint8_t hash[32],
                            const struct safe_log *log);

/* ---- safe_json.c: as the Safe Transaction Service has it ---- */

struct safe_paper {
    const struct safe_place *place;
    const hawse_safe_tx_t *tx;
    const uint8_t *hash; /* 32 bytes */
};
/* The body that proposes it: POST .../v2/safes/SAFE/multisig-transactions/. `signature` is of
 * `sender`, an owner or delegate; `origin` is cut at SAFE_ORIGIN. malloc'd; NULL: no memory. */
char *safe_proposal(const struct safe_paper *paper, const uint8_t sender[20],
                    const uint8_t signature[SAFE_SIGNATURE], const char *origin);
/* Reads what the service tells of a transaction (GET .../v2/multisig-transactions/HASH/), a
 * proposal, or a list of either, and takes the signatures in it. Each that names a field must name
 * ours. Returns how many were new, or: HAWSE_E_FORMAT; HAWSE_E_DENIED: of another transaction, or a
 * signature that does not count. */
int32_t safe_paper_read(const struct safe_paper *paper, const struct safe_state *state,
                        const char *text, size_t len, struct safe_approvals *approvals,
                        struct fault *fault);

#endif
