/*
 * Are a proposal's tokens what the proposal says, and are pools those that the router swaps in? A
 * proposal is somebody's contract: it can name any token as an outcome. What an outcome's token has
 * to be follows from its condition alone (hawse/ctf.h), and is asked of the contracts that the
 * operator's router works with. Pure: questions as calldata, answers as bytes.
 *
 * Sources: FutarchyProposal.sol, FutarchyRouter.sol (seer-pm), Wrapped1155Factory.sol, ERC-20,
 * SwapRouter.sol and AlgebraFactory.sol (Algebra V1).
 */
#ifndef FUTARCHY_ARB_PROOF_H
#define FUTARCHY_ARB_PROOF_H

#include "bundle.h"

enum {
    PROOF_OUTCOMES = 4,
    PROOF_DATA = 65, /* name, symbol and decimals of a wrapper */
    PROOF_CALL = 4 + 4 * 32 + 3 * 32,
    PROOF_TEXT = 200
};

/* In this order: each needs what stands before it. */
enum proof_question {
    PROOF_TOKENS,       /* router.conditionalTokens() */
    PROOF_WRAPPER,      /* router.wrapped1155Factory() */
    PROOF_CONDITION,    /* proposal.conditionId() */
    PROOF_PARENT,       /* proposal.parentCollectionId() */
    PROOF_DECIMALS,     /* two: of the collaterals */
    PROOF_WRAPPED = 6,  /* four: the wrapper of each outcome's position */
    PROOF_FACTORY = 10, /* swap_router.factory() */
    PROOF_POOL,         /* four: the factory's pool of each market_pool's tokens; may be none */
    PROOF_QUESTIONS = PROOF_POOL + MARKET_POOLS
};

struct proof {
    uint8_t collateral[2][20];
    uint8_t outcome[PROOF_OUTCOMES][20]; /* YES and NO of collateral 1, then of 2 */
    uint8_t data[PROOF_OUTCOMES][PROOF_DATA];
    uint32_t data_len[PROOF_OUTCOMES]; /* above PROOF_DATA: it is longer */
    uint8_t conditional_tokens[20], wrapper[20], condition[32], parent[32];
    uint8_t wrapped[PROOF_OUTCOMES][20];
    uint64_t decimals[2];
    uint8_t factory[20], pool[MARKET_POOLS][20];
    uint32_t known; /* bit n: question n is answered */
};

/* Can it be asked: is all there that it needs, but for the tokens of a PROOF_POOL? */
bool proof_can_ask(const struct proof *p, enum proof_question question);

/* Whom, and with which calldata; `pair`: the tokens of a PROOF_POOL. Returns its length. */
uint32_t proof_call(const struct proof *p, const struct bundle_places *places,
                    enum proof_question question, const uint8_t *const pair[2], uint8_t to[20],
                    uint8_t data[PROOF_CALL]);

/* An answer. HAWSE_E_FORMAT: it is none. */
int32_t proof_take(struct proof *p, enum proof_question question, const uint8_t *answer,
                   uint64_t len);

/* The answer of wrappedOutcome(item), that is (address, bytes). HAWSE_E_FORMAT. */
int32_t proof_take_outcome(struct proof *p, uint32_t item, const uint8_t *answer, uint64_t len);

/* All questions before PROOF_FACTORY are answered. */
bool proof_is_whole(const struct proof *p);

/* True: the tokens are what they have to be, 18 decimals each; or nothing is wrong so far, and the
 * proof is not whole. False: `why` says which is not. With `named` the proposal is taken at its
 * word, and only what could not be traded at all is found. All outcomes and collaterals are there.
 */
bool proof_judge(const struct proof *p, bool named, char why[PROOF_TEXT]);

#endif
