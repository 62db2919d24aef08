/*
 * Every instruction of a Solana transaction, decoded, against the operator's table of
 * counterparties.
 *
 * - Transfers of lamports and tokens go to the account itself or to a recipient. A token account is
 *   its owner's: who that is, the simulation tells, or the account stands in the table by itself.
 * - Delegates have to be spenders; how much they may take is held against what the simulation
 * leaves.
 * - Everything else is an instruction of a counterparty, whose table lists how it begins. So is
 * what gives something away for good: an authority, an owner. What programs call inside of each
 * other is not decoded: what moved by it is what the simulation says.
 */
#include "risk/internal.h"

#include <hawse/base58.h>
#include <hawse/hex.h>
#include <hawse/solana/program.h>
#include <stdio.h>
#include <string.h>

struct key_text {
    char text[HAWSE_BASE58_KEY_TEXT];
};

static struct key_text key_text(const uint8_t key[32])
{
    struct key_text out;
    (void)hawse_base58_from_key(key, out.text);
    return out;
}

static const struct config_counterparty *party_at(const struct gate *g, const uint8_t key[32])
{
    uint8_t handle[20];
    config_handle(key, handle);
    return gate_counterparty(g, handle);
}

static enum risk_answer touch(struct gate *g, const uint8_t key[32])
{
    uint8_t handle[20];
    config_handle(key, handle);
    return gate_touch(g, handle);
}

static bool own(const struct gate *g, const uint8_t key[32])
{
    return memcmp(key, g->c->solana->payer, 32) == 0;
}

/* One instruction, as it is looked at. */
struct look {
    struct gate *g;
    const hawse_solana_instruction_t *in;
    unsigned number;
    bool *quote; /* something is paid that has to come with a quote */
};

static enum risk_answer no_recipient(struct look *l, const uint8_t key[32], const char *what)
{
    return gate_refuse(
        l->g, json_pack("{s:i,s:s}", "instruction", (int)l->number, "to", key_text(key).text),
        "instruction %u: %s %s, which is no recipient in the table of "
        "counterparties",
        l->number, what, key_text(key).text);
}

/* Lamports, or what is left of an account that is closed. */
static enum risk_answer check_recipient(struct look *l, const uint8_t key[32], const char *what)
{
    const struct config_counterparty *c = party_at(l->g, key);
    if (own(l->g, key))
        return RISK_PASS;
    if (!c || !c->recipient)
        return no_recipient(l, key, what);
    return touch(l->g, key);
}

/* Tokens. Before the simulation it is not known whose an account is. */
static enum risk_answer check_token_account(struct look *l, const uint8_t key[32])
{
    const struct risk_solana *s = l->g->c->solana;
    const struct config_counterparty *c = party_at(l->g, key);
    if (c && c->recipient)
        return touch(l->g, key);
    if (l->g->stage == RISK_BEFORE)
        return RISK_PASS;
    for (uint32_t i = 0; i < s->token_count; i++) {
        if (memcmp(s->tokens[i].key, key, 32) == 0)
            return check_recipient(l, s->tokens[i].owner, "pays tokens to an account of");
    }
    return no_recipient(l, key, "pays tokens to what is no token account:");
}

/* It has to be listed, with how it begins. */
static enum risk_answer check_listed(struct look *l)
{
    const hawse_solana_instruction_t *in = l->in;
    const struct config_counterparty *c = party_at(l->g, in->program);
    uint32_t len = in->data_len < 8 ? in->data_len : 8;
    char begins[17] = "";
    for (size_t i = 0; c && i < c->prefix_count; i++) {
        const struct config_prefix *p = &c->prefixes[i];
        if (p->len > in->data_len || (p->len > 0 && memcmp(p->bytes, in->data, p->len) != 0))
            continue;
        *l->quote = *l->quote || !c->without_quote;
        return touch(l->g, in->program);
    }
    hawse_hex_encode(in->data, len, begins);
    return gate_refuse(
        l->g,
        json_pack("{s:i,s:s,s:s}", "instruction", (int)l->number, "program",
                  key_text(in->program).text, "data", begins),
        "instruction %u: begins with 0x%s and is for the program %s, which %s; add it "
        "to its functions if that is meant",
        l->number, begins, key_text(in->program).text,
        c ? "does not list that" : "is not in the table of counterparties");
}

/* ---- programs that are known ---- */

static uint32_t tag32(const hawse_solana_instruction_t *in)
{
    uint32_t tag = UINT32_MAX;
    if (in->data_len >= 4)
        tag = (uint32_t)in->data[0] | (uint32_t)in->data[1] << 8 | (uint32_t)in->data[2] << 16 |
              (uint32_t)in->data[3] << 24;
    return tag;
}

static enum risk_answer check_system(struct look *l)
{
    enum { TRANSFER = 2 };
    if (tag32(l->in) == TRANSFER && l->in->account_count >= 2)
        return check_recipient(l, l->in->accounts[1].key, "pays lamports to");
    return check_listed(l);
}

/* accounts[i] is given a share of what is in accounts[0]. */
static enum risk_answer check_delegate(struct look *l, uint32_t i)
{
    const uint8_t *key = l->in->accounts[i].key;
    const struct config_counterparty *c = party_at(l->g, key);
    if (c && c->spender != SPENDER_NO)
        return touch(l->g, key); /* how much: see gate_simulation */
    return gate_refuse(
        l->g, json_pack("{s:i,s:s}", "instruction", (int)l->number, "spender", key_text(key).text),
        "instruction %u: makes %s a delegate, which is no spender in the table of "
        "counterparties",
        l->number, key_text(key).text);
}

/* By the first byte of the data, for both token programs. */
static enum risk_answer check_token(struct look *l)
{
    enum {
        TRANSFER = 3,
        APPROVE = 4,
        REVOKE = 5,
        CLOSE = 9,
        TRANSFER_CHECKED = 12,
        APPROVE_CHECKED = 13,
        SYNC_NATIVE = 17
    };
    const hawse_solana_instruction_t *in = l->in;
    uint32_t tag = in->data_len > 0 ? in->data[0] : UINT32_MAX, n = in->account_count;
    if (tag == TRANSFER && n >= 3)
        return check_token_account(l, in->accounts[1].key);
    if (tag == TRANSFER_CHECKED && n >= 4)
        return check_token_account(l, in->accounts[2].key);
    if (tag == APPROVE && n >= 3)
        return check_delegate(l, 1);
    if (tag == APPROVE_CHECKED && n >= 4)
        return check_delegate(l, 2);
    if (tag == CLOSE && n >= 3)
        return check_recipient(l, in->accounts[1].key, "closes an account, whose lamports go to");
    if (tag == REVOKE || tag == SYNC_NATIVE)
        return RISK_PASS;
    return check_listed(l);
}

static enum risk_answer check_associated(struct look *l)
{
    enum { CREATE = 0, CREATE_IDEMPOTENT = 1 };
    uint32_t tag = l->in->data_len > 0 ? l->in->data[0] : CREATE;
    if (tag <= CREATE_IDEMPOTENT && l->in->account_count >= 4)
        return check_recipient(l, l->in->accounts[2].key, "makes a token account of");
    return check_listed(l);
}

static enum risk_answer check_table(struct look *l)
{
    enum { CREATE = 0, EXTEND = 2, DEACTIVATE = 3, CLOSE = 4 };
    uint32_t tag = tag32(l->in);
    if (tag == CREATE || tag == EXTEND || tag == DEACTIVATE)
        return RISK_PASS;
    if (tag == CLOSE && l->in->account_count >= 3)
        return check_recipient(l, l->in->accounts[2].key, "closes a table, whose lamports go to");
    return check_listed(l);
}

static enum risk_answer check_nothing(struct look *l)
{
    (void)l;
    return RISK_PASS;
}

static const struct known {
    const uint8_t *program;
    enum risk_answer (*check)(struct look *l);
} known[] = {{hawse_solana_system_program, check_system},
             {hawse_solana_token_program, check_token},
             {hawse_solana_token_2022_program, check_token},
             {hawse_solana_associated_token_program, check_associated},
             {hawse_solana_lookup_table_program, check_table},
             {hawse_solana_memo_program, check_nothing}};

static enum risk_answer check_instruction(struct look *l)
{
    for (uint32_t i = 0; i < l->in->account_count; i++) {
        const hawse_solana_meta_t *m = &l->in->accounts[i];
        if (m->signer && !own(l->g, m->key))
            return gate_refuse(l->g,
                               json_pack("{s:i,s:s}", "instruction", (int)l->number, "signer",
                                         key_text(m->key).text),
                               "instruction %u: wants a signature of %s; the account is the only "
                               "signer",
                               l->number, key_text(m->key).text);
    }
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (memcmp(known[i].program, l->in->program, 32) == 0)
            return known[i].check(l);
    }
    return check_listed(l);
}

enum risk_answer gate_instructions(struct gate *g)
{
    const hawse_intent_solana_t *s = g->c->intent->solana;
    enum risk_answer answer = RISK_PASS;
    bool quote = false;
    for (uint32_t i = 0; answer == RISK_PASS && i < s->instruction_count; i++) {
        struct look l = {.g = g, .in = &s->instructions[i], .number = i + 1, .quote = &quote};
        answer = check_instruction(&l);
    }
    if (answer == RISK_PASS && quote)
        answer = gate_quote(g);
    return answer == RISK_PASS ? gate_shares(g) : answer;
}

enum risk_answer gate_bound(struct gate *g)
{
    const struct risk_solana *s = g->c->solana;
    if (s->simulated && s->signing && memcmp(s->simulated, s->signing, 32) == 0)
        return RISK_PASS;
    return gate_refuse(g, NULL, "what is to be signed is not the message that was simulated");
}
