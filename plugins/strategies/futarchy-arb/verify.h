/*
 * Is everything in place for a trade? Facts in, a list of lines out: good or not, and what to do.
 * Pure: who asks the chain is audit.c.
 *
 * Sources: EIP-3541 (0xEF), EIP-170 (code size), EIP-7702 (delegations).
 */
#ifndef FUTARCHY_ARB_VERIFY_H
#define FUTARCHY_ARB_VERIFY_H

#include "approvals.h"

enum verify_line {
    VERIFY_CHAIN,
    VERIFY_CODE,
    VERIFY_OPCODES,
    VERIFY_SIZE,
    VERIFY_HASH,
    VERIFY_SET_CODE,
    VERIFY_ACCOUNT,
    VERIFY_APPROVALS,
    VERIFY_MONEY,
    VERIFY_COIN,
    VERIFY_LINES
};

struct verify_facts {
    uint64_t chain_id, wanted_chain_id;
    const uint8_t *code; /* of the executor */
    uint64_t code_len;
    const uint8_t *account_code;
    uint64_t account_code_len;
    uint8_t executor[20];
    uint64_t wanted_size; /* 0 = none is pinned */
    bool hash_pinned;
    uint8_t wanted_hash[32];
    bool set_code; /* the node takes transactions of type 4 */
    hawse_u256_t allowance[APPROVALS];
    hawse_u256_t sdai, coin;               /* of the account */
    hawse_u256_t wanted_sdai, wanted_coin; /* for one trade */
};

struct verify_verdict {
    bool good;
    char text[160], fix[160];
};

struct verify_report {
    struct verify_verdict line[VERIFY_LINES];
    bool good; /* all of them */
};

/* 0xEF as an opcode, where data behind PUSH and the compiler's metadata at the end are none; and as
 * a byte anywhere. */
void verify_scan(const uint8_t *code, uint64_t len, uint32_t *opcodes, uint32_t *bytes);
/* The line's name, for programs. */
const char *verify_name(enum verify_line line);
void verify_judge(const struct bundle_places *places, const struct verify_facts *facts,
                  struct verify_report *out);

#endif
