/* See approvals.h. */
#include "approvals.h"

#include <hawse/abi.h>
#include <string.h>

enum spender { ROUTER, SWAP_ROUTER, VAULT, PERMIT2, BATCH_ROUTER };
enum { COMMON = 10, VAULT_PAIRS = 2, PERMIT2_PAIRS = 4 };

/* Those of every market first, then those of the spot pool's kind. */
static const uint8_t pairs[COMMON][2] = {
    {TOKEN_SDAI, ROUTER},           {TOKEN_COMPANY, ROUTER},      {TOKEN_YES_SDAI, ROUTER},
    {TOKEN_NO_SDAI, ROUTER},        {TOKEN_YES_COMPANY, ROUTER},  {TOKEN_NO_COMPANY, ROUTER},
    {TOKEN_YES_SDAI, SWAP_ROUTER},  {TOKEN_NO_SDAI, SWAP_ROUTER}, {TOKEN_YES_COMPANY, SWAP_ROUTER},
    {TOKEN_NO_COMPANY, SWAP_ROUTER}};
static const uint8_t vault_pairs[VAULT_PAIRS][2] = {{TOKEN_SDAI, VAULT}, {TOKEN_COMPANY, VAULT}};
static const uint8_t permit2_pairs[PERMIT2_PAIRS][2] = {{TOKEN_SDAI, PERMIT2},
                                                        {TOKEN_COMPANY, PERMIT2},
                                                        {TOKEN_SDAI, BATCH_ROUTER},
                                                        {TOKEN_COMPANY, BATCH_ROUTER}};

uint32_t approval_count(const struct bundle_places *places)
{
    return COMMON + (places->spot == BUNDLE_SPOT_V3 ? PERMIT2_PAIRS : VAULT_PAIRS);
}

void approval_at(const struct bundle_places *places, uint32_t index, struct approval *out)
{
    static const char *const tokens[MARKET_TOKENS] = {[TOKEN_SDAI] = "sDAI",
                                                      [TOKEN_COMPANY] = "company",
                                                      [TOKEN_YES_SDAI] = "YES-sDAI",
                                                      [TOKEN_NO_SDAI] = "NO-sDAI",
                                                      [TOKEN_YES_COMPANY] = "YES-company",
                                                      [TOKEN_NO_COMPANY] = "NO-company"};
    static const char *const spenders[] = {"router", "swap_router", "vault", "permit2",
                                           "batch_router"};
    const uint8_t *const at[] = {places->router, places->swap_router, places->vault,
                                 places->permit2, places->batch_router};
    const uint8_t *pair = index < COMMON                   ? pairs[index]
                          : places->spot == BUNDLE_SPOT_V3 ? permit2_pairs[index - COMMON]
                                                           : vault_pairs[index - COMMON];
    bool by_permit2 = pair[1] == BATCH_ROUTER;
    *out = (struct approval){.token = (enum market_token)pair[0],
                             .by_permit2 = by_permit2,
                             .at = by_permit2 ? places->permit2 : places->token[pair[0]],
                             .spender = at[pair[1]],
                             .token_name = tokens[pair[0]],
                             .spender_name = spenders[pair[1]]};
}

static uint32_t encode_permit2(const struct bundle_places *places, const struct approval *pair,
                               const hawse_u256_t *amount, uint8_t out[APPROVAL_DATA])
{
    static const uint8_t approve[4] = {0x87, 0x51, 0x7c, 0x45};
    hawse_u256_t most = {{UINT64_MAX, UINT64_MAX, 0xffffffffu, 0}};
    memcpy(out, approve, 4);
    memcpy(out + 4 + 12, places->token[pair->token], 20);
    memcpy(out + 4 + 32 + 12, pair->spender, 20);
    hawse_u256_to_be(hawse_u256_compare(amount, &most) < 0 ? amount : &most, out + 4 + 64);
    memset(out + 4 + 96 + 26, 0xff, 6);
    return APPROVAL_DATA;
}

uint32_t approval_encode(const struct bundle_places *places, const struct approval *pair,
                         const hawse_u256_t *amount, uint8_t out[APPROVAL_DATA])
{
    static const uint8_t approve[4] = {0x09, 0x5e, 0xa7, 0xb3};
    memset(out, 0, APPROVAL_DATA);
    if (pair->by_permit2)
        return encode_permit2(places, pair, amount, out);
    memcpy(out, approve, 4);
    memcpy(out + 16, pair->spender, 20);
    hawse_u256_to_be(amount, out + 36);
    return 68;
}

int32_t approval_permit2(const uint8_t *words, uint64_t len, uint64_t now, hawse_u256_t *amount)
{
    hawse_u256_t n;
    uint64_t until = 0;
    if (len < 96 || hawse_abi_uint(words, 160, &n) != HAWSE_OK ||
        hawse_abi_u64(words + 32, 48, &until) != HAWSE_OK)
        return HAWSE_E_FORMAT;
    if (hawse_u256_bit_length(&n) == 160 && n.limb[0] == UINT64_MAX && n.limb[1] == UINT64_MAX &&
        n.limb[2] == 0xffffffffu)
        memset(&n, 0xff, sizeof(n));
    *amount = until < now ? hawse_u256(0) : n;
    return HAWSE_OK;
}

bool approval_endless(const hawse_u256_t *amount)
{
    return amount->limb[3] >> 63 != 0;
}
