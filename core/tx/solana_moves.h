/*
 * What a simulated Solana transaction does to the account that pays for it, from the accounts that
 * it may write, before and after: what leaves and comes, whom it makes a delegate, and what it
 * gives away for good. Pure. Assets and addresses are told as gates know them: by config_handle().
 */
#ifndef CORE_TX_SOLANA_MOVES_H
#define CORE_TX_SOLANA_MOVES_H

#include "risk/risk.h"
#include "tx/solana_engine.h"

/* The fee that the payer's lamports have paid in the simulation is left out of what leaves. */
void solana_moves(const struct solana_seen *seen, const uint8_t payer[32], uint64_t fee,
                  struct sim_result *out);
/* The token accounts among them, and whose they are afterwards: at most SOLANA_WATCHED. */
uint32_t solana_owners(const struct solana_seen *seen, struct risk_token *out);
/* What the payer had of each mint before, in those accounts: at most SOLANA_WATCHED. Zero
 * in_flight.
 */
uint32_t solana_balances(const struct solana_seen *seen, const uint8_t payer[32],
                         struct risk_balance *out);
/* Lamports that the payer had; 0 = it is not there. */
uint64_t solana_lamports(const struct solana_seen *seen, const uint8_t payer[32]);

#endif
