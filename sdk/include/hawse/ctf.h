/*
 * Names of conditional tokens (Gnosis Conditional Tokens Framework): conditions, collections and
 * positions, as the contract makes them.
 *
 * A condition is a question that an oracle answers, with 2 to 256 outcomes. A collection is some of
 * its outcomes, or of several conditions' together. A position is a collection with a collateral:
 * the id of an ERC-1155 token.
 *
 * Every function is [any], allocates nothing and keeps nothing; all bytes are borrowed.
 *
 * Source: CTHelpers.sol of @gnosis.pm/conditional-tokens-contracts 1.0.3; the curve is alt_bn128
 * (EIP-196).
 */
#ifndef HAWSE_CTF_H
#define HAWSE_CTF_H

#include <hawse/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The condition that `oracle` answers `question` for, with `slots` outcomes: 2 to 256. */
void hawse_ctf_condition(const uint8_t oracle[20], const uint8_t question[32], uint32_t slots,
                         uint8_t out[32]);

/* The outcomes of `condition` whose bits are set in index_set (bit i: outcome i), within `parent`;
 * all zero: within none. A tenth of a millisecond or more: not for the hot path.
 * HAWSE_E_FORMAT: parent is no collection. */
int32_t hawse_ctf_collection(const uint8_t parent[32], const uint8_t condition[32],
                             const hawse_u256_t *index_set, uint8_t out[32]);

/* The token of a collection, backed by `collateral` (an ERC-20): big-endian. */
void hawse_ctf_position(const uint8_t collateral[20], const uint8_t collection[32],
                        uint8_t out[32]);

#ifdef __cplusplus
}
#endif
#endif
