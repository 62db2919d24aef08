/* See approvals.h. */
#include "approvals.h"

#include <string.h>

void approval_at(const struct bundle_places *places, uint32_t index, struct approval *out)
{
    enum { ROUTER, SWAP_ROUTER, VAULT };
    static const uint8_t pairs[APPROVALS][2] = {{TOKEN_SDAI, ROUTER},
                                                {TOKEN_COMPANY, ROUTER},
                                                {TOKEN_YES_SDAI, ROUTER},
                                                {TOKEN_NO_SDAI, ROUTER},
                                                {TOKEN_YES_COMPANY, ROUTER},
                                                {TOKEN_NO_COMPANY, ROUTER},
                                                {TOKEN_YES_SDAI, SWAP_ROUTER},
                                                {TOKEN_NO_SDAI, SWAP_ROUTER},
                                                {TOKEN_YES_COMPANY, SWAP_ROUTER},
                                                {TOKEN_NO_COMPANY, SWAP_ROUTER},
                                                {TOKEN_SDAI, VAULT},
                                                {TOKEN_COMPANY, VAULT}};
    static const char *const tokens[MARKET_TOKENS] = {[TOKEN_SDAI] = "sDAI",
                                                      [TOKEN_COMPANY] = "company",
                                                      [TOKEN_YES_SDAI] = "YES-sDAI",
                                                      [TOKEN_NO_SDAI] = "NO-sDAI",
                                                      [TOKEN_YES_COMPANY] = "YES-company",
                                                      [TOKEN_NO_COMPANY] = "NO-company"};
    static const char *const spenders[] = {"router", "swap_router", "vault"};
    const uint8_t *const at[] = {places->router, places->swap_router, places->vault};
    const uint8_t *pair = pairs[index];
    *out = (struct approval){.token = (enum market_token)pair[0],
                             .spender = at[pair[1]],
                             .token_name = tokens[pair[0]],
                             .spender_name = spenders[pair[1]]};
}

void approval_encode(const struct approval *pair, const hawse_u256_t *amount,
                     uint8_t out[APPROVAL_DATA])
{
    static const uint8_t approve[4] = {0x09, 0x5e, 0xa7, 0xb3};
    memset(out, 0, APPROVAL_DATA);
    memcpy(out, approve, 4);
    memcpy(out + 16, pair->spender, 20);
    hawse_u256_to_be(amount, out + 36);
}

bool approval_endless(const hawse_u256_t *amount)
{
    return amount->limb[3] >> 63 != 0;
}
