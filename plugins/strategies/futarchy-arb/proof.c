/* Are the tokens of a proposal what it says? See proof.h. */
#include "proof.h"

#include <hawse/abi.h>
#include <hawse/ctf.h>
#include <hawse/hex.h>
#include <hawse/u256.h>
#include <stdio.h>
#include <string.h>

enum { DECIMALS = 18 };

static bool is_known(const struct proof *p, uint32_t question)
{
    return (p->known >> question & 1u) != 0;
}

bool proof_can_ask(const struct proof *p, enum proof_question question)
{
    static const uint8_t none[20];
    if (question >= PROOF_POOL)
        return is_known(p, PROOF_FACTORY);
    if (question == PROOF_FACTORY || question < PROOF_DECIMALS)
        return true;
    if (question < PROOF_WRAPPED)
        return memcmp(p->collateral[question - PROOF_DECIMALS], none, 20) != 0;
    uint32_t item = (uint32_t)question - PROOF_WRAPPED;
    return is_known(p, PROOF_TOKENS) && is_known(p, PROOF_WRAPPER) &&
           is_known(p, PROOF_CONDITION) && is_known(p, PROOF_PARENT) &&
           memcmp(p->outcome[item], none, 20) != 0 &&
           memcmp(p->collateral[item / 2], none, 20) != 0 && p->data_len[item] == PROOF_DATA;
}

static void put_address(uint8_t *word, const uint8_t address[20])
{
    memset(word, 0, 12);
    memcpy(word + 12, address, 20);
}

/* getWrapped1155(conditionalTokens, positionId, data) */
static uint32_t ask_wrapped(const struct proof *p, uint32_t item, uint8_t *args)
{
    uint8_t collection[32] = {0};
    hawse_u256_t side = hawse_u256(1ull << item % 2), offset = hawse_u256(96),
                 len = hawse_u256(PROOF_DATA);
    /* a parent that is none gives a position that nothing has: the answer is another token */
    (void)hawse_ctf_collection(p->parent, p->condition, &side, collection);
    put_address(args, p->conditional_tokens);
    hawse_ctf_position(p->collateral[item / 2], collection, args + 32);
    hawse_u256_to_be(&offset, args + 64);
    hawse_u256_to_be(&len, args + 96);
    memset(args + 128, 0, 96);
    memcpy(args + 128, p->data[item], PROOF_DATA);
    return 4 + 4 * 32 + 3 * 32;
}

uint32_t proof_call(const struct proof *p, const struct bundle_places *places,
                    enum proof_question question, const uint8_t *const pair[2], uint8_t to[20],
                    uint8_t data[PROOF_CALL])
{
    static const uint8_t selectors[][4] = {
        [PROOF_TOKENS] = {0x5b, 0xd9, 0xe2, 0x99},    [PROOF_WRAPPER] = {0x15, 0x0c, 0x5b, 0x97},
        [PROOF_CONDITION] = {0x2d, 0xdc, 0x7d, 0xe7}, [PROOF_PARENT] = {0x44, 0xbe, 0xa3, 0x7e},
        [PROOF_DECIMALS] = {0x31, 0x3c, 0xe5, 0x67},  [PROOF_WRAPPED] = {0x08, 0xb2, 0xea, 0x5e},
        [PROOF_FACTORY] = {0xc4, 0x5a, 0x01, 0x55},   [PROOF_POOL] = {0xd9, 0xa6, 0x41, 0xe1}};
    uint32_t first = question >= PROOF_POOL       ? PROOF_POOL
                     : question >= PROOF_FACTORY  ? PROOF_FACTORY
                     : question >= PROOF_WRAPPED  ? PROOF_WRAPPED
                     : question >= PROOF_DECIMALS ? PROOF_DECIMALS
                                                  : (uint32_t)question;
    const uint8_t *whom[] = {
        [PROOF_TOKENS] = places->router,       [PROOF_WRAPPER] = places->router,
        [PROOF_CONDITION] = places->proposal,  [PROOF_PARENT] = places->proposal,
        [PROOF_DECIMALS] = p->collateral[0],   [PROOF_WRAPPED] = p->wrapper,
        [PROOF_FACTORY] = places->swap_router, [PROOF_POOL] = p->factory};
    memcpy(data, selectors[first], 4);
    memcpy(to, question == PROOF_DECIMALS + 1 ? p->collateral[1] : whom[first], 20);
    if (first == PROOF_WRAPPED)
        return ask_wrapped(p, (uint32_t)question - PROOF_WRAPPED, data + 4);
    if (first != PROOF_POOL)
        return 4;
    put_address(data + 4, pair[0]);
    put_address(data + 36, pair[1]);
    return 4 + 2 * 32;
}

int32_t proof_take(struct proof *p, enum proof_question question, const uint8_t *answer,
                   uint64_t len)
{
    int32_t code = HAWSE_OK;
    if (len < 32)
        return HAWSE_E_FORMAT;
    if (question == PROOF_CONDITION || question == PROOF_PARENT)
        memcpy(question == PROOF_PARENT ? p->parent : p->condition, answer, 32);
    else if (question == PROOF_DECIMALS || question == PROOF_DECIMALS + 1)
        code = hawse_abi_u64(answer, 8, &p->decimals[question - PROOF_DECIMALS]);
    else
        code = hawse_abi_address(answer, question == PROOF_TOKENS    ? p->conditional_tokens
                                         : question == PROOF_WRAPPER ? p->wrapper
                                         : question == PROOF_FACTORY ? p->factory
                                         : question >= PROOF_POOL
                                             ? p->pool[question - PROOF_POOL]
                                             : p->wrapped[question - PROOF_WRAPPED]);
    if (code != HAWSE_OK)
        return HAWSE_E_FORMAT;
    p->known |= 1u << question;
    return HAWSE_OK;
}

int32_t proof_take_outcome(struct proof *p, uint32_t item, const uint8_t *answer, uint64_t len)
{
    hawse_view_t data;
    if (len < 32 || hawse_abi_address(answer, p->outcome[item]) != HAWSE_OK)
        return HAWSE_E_FORMAT;
    p->data_len[item] = 0;
    if (hawse_abi_bytes(answer, len, 1, &data) != HAWSE_OK)
        return HAWSE_OK; /* the token is named, and cannot be proved */
    p->data_len[item] = data.len > PROOF_DATA ? PROOF_DATA + 1 : (uint32_t)data.len;
    if (data.len == PROOF_DATA)
        memcpy(p->data[item], data.data, PROOF_DATA);
    return HAWSE_OK;
}

bool proof_is_whole(const struct proof *p)
{
    const uint32_t all = (1u << PROOF_FACTORY) - 1;
    return (p->known & all) == all;
}

/* ---- the verdict ---- */

static const char *const names[] = {"YES of collateral 1", "NO of collateral 1",
                                    "YES of collateral 2", "NO of collateral 2",
                                    "collateral 1",        "collateral 2"};

static bool all_differ(const struct proof *p, char why[PROOF_TEXT])
{
    const uint8_t *all[PROOF_OUTCOMES + 2];
    char address[41] = "";
    for (uint32_t i = 0; i < PROOF_OUTCOMES; i++)
        all[i] = p->outcome[i];
    all[PROOF_OUTCOMES] = p->collateral[0];
    all[PROOF_OUTCOMES + 1] = p->collateral[1];
    for (uint32_t i = 0; i < PROOF_OUTCOMES + 2; i++) {
        for (uint32_t k = 0; k < i; k++) {
            if (memcmp(all[i], all[k], 20) != 0)
                continue;
            hawse_hex_encode(all[i], 20, address);
            (void)snprintf(why, PROOF_TEXT, "the proposal names 0x%s as %s and as %s", address,
                           names[k], names[i]);
            return false;
        }
    }
    return true;
}

static bool has_data(const struct proof *p, char why[PROOF_TEXT])
{
    for (uint32_t i = 0; i < PROOF_OUTCOMES; i++) {
        if (p->data_len[i] == PROOF_DATA && p->data[i][PROOF_DATA - 1] == DECIMALS)
            continue;
        (void)snprintf(why, PROOF_TEXT,
                       "the proposal's %s has no wrapper's data (%d bytes, %d decimals)", names[i],
                       PROOF_DATA, DECIMALS);
        return false;
    }
    return true;
}

bool proof_judge(const struct proof *p, bool named, char why[PROOF_TEXT])
{
    char is[41] = "", wanted[41] = "";
    if (!all_differ(p, why) || (!named && !has_data(p, why)))
        return false;
    if (named || !proof_is_whole(p))
        return true;
    for (uint32_t i = 0; i < 2; i++) {
        if (p->decimals[i] == DECIMALS)
            continue;
        hawse_hex_encode(p->collateral[i], 20, is);
        (void)snprintf(why, PROOF_TEXT, "the proposal's %s (0x%s) has %llu decimals, %d are needed",
                       names[PROOF_OUTCOMES + i], is, (unsigned long long)p->decimals[i], DECIMALS);
        return false;
    }
    for (uint32_t i = 0; i < PROOF_OUTCOMES; i++) {
        if (memcmp(p->outcome[i], p->wrapped[i], 20) == 0)
            continue;
        hawse_hex_encode(p->outcome[i], 20, is);
        hawse_hex_encode(p->wrapped[i], 20, wanted);
        (void)snprintf(why, PROOF_TEXT,
                       "the proposal's %s is 0x%s, and the wrapper of its position 0x%s", names[i],
                       is, wanted);
        return false;
    }
    return true;
}
