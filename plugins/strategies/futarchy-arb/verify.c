/* See verify.h. */
#include "verify.h"

#include <hawse/hex.h>
#include <hawse/keccak.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { CODE_MAX = 24576, PUSH1 = 0x60, PUSH32 = 0x7f, DELEGATION = 23 };

/* ---- the code ---- */

/* The compiler's metadata: a CBOR map of one to four entries, whose length stands behind it. */
static uint64_t without_metadata(const uint8_t *code, uint64_t len)
{
    if (len < 2)
        return len;
    uint64_t tail = (uint64_t)code[len - 2] << 8 | code[len - 1];
    if (tail + 2 > len)
        return len;
    uint8_t first = code[len - 2 - tail];
    return tail > 0 && first >= 0xa1 && first <= 0xa4 ? len - 2 - tail : len;
}

void verify_scan(const uint8_t *code, uint64_t len, uint32_t *opcodes, uint32_t *bytes)
{
    uint64_t end = without_metadata(code, len);
    *opcodes = *bytes = 0;
    for (uint64_t i = 0; i < len; i++)
        *bytes += code[i] == 0xef;
    for (uint64_t i = 0; i < end; i++) {
        *opcodes += code[i] == 0xef;
        if (code[i] >= PUSH1 && code[i] <= PUSH32)
            i += code[i] - PUSH1 + 1u;
    }
}

/* ---- lines ---- */

const char *verify_name(enum verify_line line)
{
    static const char *const names[VERIFY_LINES] = {
        [VERIFY_CHAIN] = "chain_id",     [VERIFY_CODE] = "code",
        [VERIFY_OPCODES] = "opcodes",    [VERIFY_SIZE] = "size",
        [VERIFY_HASH] = "hash",          [VERIFY_SET_CODE] = "eip_7702",
        [VERIFY_ACCOUNT] = "delegation", [VERIFY_APPROVALS] = "approvals",
        [VERIFY_MONEY] = "money",        [VERIFY_COIN] = "gas"};
    return line < VERIFY_LINES ? names[line] : "?";
}

__attribute__((format(printf, 3, 4))) static void put(struct verify_verdict *v, bool good,
                                                      const char *format, ...)
{
    va_list ap;
    v->good = good;
    va_start(ap, format);
    (void)vsnprintf(v->text, sizeof(v->text), format, ap);
    va_end(ap);
}

static void fix(struct verify_verdict *v, const char *text)
{
    (void)snprintf(v->fix, sizeof(v->fix), "%s", text);
}

static void judge_code(const struct verify_facts *f, struct verify_report *r)
{
    char address[41] = "", found[65] = "", wanted[65] = "";
    uint32_t opcodes, bytes;
    uint8_t hash[32];
    hawse_hex_encode(f->executor, 20, address);
    verify_scan(f->code, f->code_len, &opcodes, &bytes);
    hawse_keccak256(f->code, f->code_len, hash);
    hawse_hex_encode(hash, 32, found);
    hawse_hex_encode(f->wanted_hash, 32, wanted);
    bool there = f->code_len > 0;
    put(&r->line[VERIFY_CODE], there, there ? "implementation deployed at 0x%s" : "no code at 0x%s",
        address);
    fix(&r->line[VERIFY_CODE], "deploy the executor, or set \"executor\" to where it is");
    bool clean = there && opcodes == 0 && f->code[0] != 0xef;
    put(&r->line[VERIFY_OPCODES], clean,
        clean ? "No 0xEF opcodes found in bytecode (%u bytes 0xEF in data)"
              : "%u 0xEF opcodes in the bytecode, or none to look at",
        clean ? bytes : opcodes);
    fix(&r->line[VERIFY_OPCODES], "this code would abort: compile the executor again");
    bool size =
        there && f->code_len <= CODE_MAX && (f->wanted_size == 0 || f->code_len == f->wanted_size);
    if (f->wanted_size == 0)
        put(&r->line[VERIFY_SIZE], size, "Contract size: %llu bytes (none is pinned)",
            (unsigned long long)f->code_len);
    else
        put(&r->line[VERIFY_SIZE], size, "Contract size: %llu bytes, pinned %llu",
            (unsigned long long)f->code_len, (unsigned long long)f->wanted_size);
    fix(&r->line[VERIFY_SIZE], "it is another contract than \"executor_code_size\" says");
    bool same = there && (!f->hash_pinned || memcmp(hash, f->wanted_hash, 32) == 0);
    put(&r->line[VERIFY_HASH], same,
        f->hash_pinned ? "code hash 0x%.16s..., pinned 0x%.16s..."
                       : "code hash 0x%s is not pinned%s",
        found, f->hash_pinned ? wanted : "");
    fix(&r->line[VERIFY_HASH],
        "look at what is there before you trust it: \"executor_code_hash\" pins another");
}

static void judge_account(const struct verify_facts *f, struct verify_report *r)
{
    static const uint8_t mark[3] = {0xef, 0x01, 0x00};
    bool none = f->account_code_len == 0;
    bool ours = f->account_code_len == DELEGATION && memcmp(f->account_code, mark, 3) == 0 &&
                memcmp(f->account_code + 3, f->executor, 20) == 0;
    put(&r->line[VERIFY_ACCOUNT], none || ours,
        none   ? "the account has no code: it is delegated with each bundle"
        : ours ? "the account is delegated to the executor"
               : "the account has code of somebody else");
    fix(&r->line[VERIFY_ACCOUNT], "who delegated it? take the money out, and use another account");
}

static void judge_approvals(const struct bundle_places *places, const struct verify_facts *f,
                            struct verify_report *r)
{
    struct approval pair;
    uint32_t missing = 0, count = approval_count(places);
    char first[64] = "";
    for (uint32_t i = 0; i < count; i++) {
        if (hawse_u256_compare(&f->allowance[i], &f->wanted_sdai) >= 0)
            continue;
        approval_at(places, i, &pair);
        if (missing++ == 0)
            (void)snprintf(first, sizeof(first), "%s > %s", pair.token_name, pair.spender_name);
    }
    if (missing == 0)
        put(&r->line[VERIFY_APPROVALS], true, "all %u approvals are there", count);
    else
        put(&r->line[VERIFY_APPROVALS], false, "%u of %u approvals are missing: %s%s", missing,
            count, first, missing > 1 ? " and others" : "");
    fix(&r->line[VERIFY_APPROVALS], "`hawse call INSTANCE approvals set --send` sets them");
}

static void judge_amount(struct verify_verdict *v, const char *name, const hawse_u256_t *has,
                         const hawse_u256_t *wanted)
{
    char a[HAWSE_U256_DECIMAL_MAX + 4], b[HAWSE_U256_DECIMAL_MAX + 4];
    (void)hawse_u256_units(has, 0, 18, 18, a);
    (void)hawse_u256_units(wanted, 0, 18, 18, b);
    put(v, hawse_u256_compare(has, wanted) >= 0, "%s: %.60s, a trade needs %.60s", name, a, b);
}

void verify_judge(const struct bundle_places *places, const struct verify_facts *f,
                  struct verify_report *r)
{
    memset(r, 0, sizeof(*r));
    put(&r->line[VERIFY_CHAIN], f->chain_id == f->wanted_chain_id, "chain id %llu, expected %llu",
        (unsigned long long)f->chain_id, (unsigned long long)f->wanted_chain_id);
    fix(&r->line[VERIFY_CHAIN],
        "the chain's provider is of another chain, or \"chain_id\" is wrong");
    judge_code(f, r);
    put(&r->line[VERIFY_SET_CODE], f->set_code,
        f->set_code ? "EIP-7702 (transaction type 0x04) supported by the node"
                    : "no EIP-7702: the node knows no transactions of type 0x04");
    fix(&r->line[VERIFY_SET_CODE],
        "another provider, or \"bundle_enabled\": false for single transactions");
    judge_account(f, r);
    judge_approvals(places, f, r);
    judge_amount(&r->line[VERIFY_MONEY], "sDAI of the account", &f->sdai, &f->wanted_sdai);
    fix(&r->line[VERIFY_MONEY], "send it sDAI, or lower \"amount\"");
    judge_amount(&r->line[VERIFY_COIN], "the chain's coin for gas", &f->coin, &f->wanted_coin);
    fix(&r->line[VERIFY_COIN], "send it coins for gas");
    r->good = true;
    for (uint32_t i = 0; i < VERIFY_LINES; i++)
        r->good = r->good && r->line[i].good;
}
