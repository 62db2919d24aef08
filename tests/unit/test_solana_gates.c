/*
 * Instructions of Solana against an operator's table, what a simulation shows that they do, and
 * what the journal has of them.
 */
#include "config/internal.h"
#include "harness.h"
#include "tx/intent.h"
#include "tx/solana_desk.h"
#include "tx/solana_moves.h"

#include <hawse/base58.h>
#include <hawse/solana/address.h>
#include <hawse/u256.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ME = 1, FRIEND, VAULT, DELEGATE, PROGRAM, FREE, STRANGER, MINE, THEIRS, MINT, OTHER };

#define SOL 1000000000ull

/* A key for each of them. */
static const uint8_t *key(int who)
{
    static uint8_t keys[32][32];
    memset(keys[who], 0x40 + who, 32);
    return keys[who];
}

static const char *text(int who)
{
    static char texts[32][HAWSE_BASE58_KEY_TEXT];
    (void)hawse_base58_from_key(key(who), texts[who]);
    return texts[who];
}

struct rig {
    struct config *config;
    struct risk *risk;
    char dir[64];
    hawse_solana_builder_t b;
    hawse_intent_solana_flow_t flows[2];
    uint32_t flow_count;
    struct intent *intent;
    struct solana_seen seen;
    struct sim_result sim;
    struct risk_token tokens[SOLANA_WATCHED];
    struct risk_balance balances[SOLANA_WATCHED];
    struct risk_solana solana;
    hawse_tx_t tx;
    struct risk_case c;
    struct risk_verdict v;
    uint8_t binding[32], handle[20];
    uint64_t fee;
};

static struct rig *rig_new(void)
{
    struct rig *r = calloc(1, sizeof(*r));
    struct fault fault = {0};
    char *config = NULL;
    CHECK(r != NULL);
    CHECK(asprintf(
              &config,
              "{\"hawse\":1,\"chains\":{\"sol\":{\"family\":\"solana\",\"genesis\":\"devnet\","
              "\"block_ms\":400,\"providers\":[{\"name\":\"a\",\"http\":\"http://127.0.0.1:1\"}"
              "]}},\"instances\":{\"a\":{\"plugin\":\"p\",\"mode\":\"live\",\"limits\":{\"sol\":{"
              "\"assets\":{\"sol\":{\"decimals\":9,\"per_intent\":\"1\",\"per_day\":\"3\"},"
              "\"usdc\":{\"address\":\"%s\",\"decimals\":6,\"per_intent\":\"100\",\"per_day\":"
              "\"200\"}},\"counterparties\":{\"%s\":{\"recipient\":true},\"%s\":{\"recipient\":"
              "true},\"%s\":{\"spender\":\"exact\"},\"%s\":{\"functions\":[\"0x0a0b\"],"
              "\"per_day\":{\"usdc\":\"5\"}},\"%s\":{\"functions\":[\"any\"],\"without_quote\":"
              "true}},\"intents_per_day\":5,\"open_intents\":5}}}}}",
              text(MINT), text(FRIEND), text(VAULT), text(DELEGATE), text(PROGRAM),
              text(FREE)) > 0);
    if (config_parse(config, strlen(config), "/t.json", NULL, 0, &r->config, &fault) != HAWSE_OK)
        FAIL("%s", fault.message);
    free(config);
    (void)snprintf(r->dir, sizeof(r->dir), "/tmp/hawse-gates-%d", (int)getpid());
    const struct risk_options options = {.dir = r->dir};
    CHECK_EQ(risk_create(r->config, &options, &r->risk, &fault), HAWSE_OK);
    hawse_solana_begin(&r->b);
    r->flows[0] = (hawse_intent_solana_flow_t){.size = sizeof(r->flows[0]), .max_out = SOL};
    r->flows[1] = (hawse_intent_solana_flow_t){.size = sizeof(r->flows[1]), .max_out = 5000000};
    memcpy(r->flows[1].mint, key(MINT), 32);
    r->flow_count = 2;
    r->fee = 5000;
    /* the account, a token account of it, one of somebody else, and one that is no token's */
    static const int who[] = {ME, MINE, THEIRS, STRANGER};
    r->seen.slot = 50;
    for (uint32_t i = 0; i < 4; i++) {
        struct solana_account *a = &r->seen.before[i];
        memcpy(a->key, key(who[i]), 32);
        a->there = true;
        a->lamports = i == 0 ? 5 * SOL : 2039280;
        a->token = i == 1 || i == 2;
        memcpy(a->owner, a->token ? hawse_solana_token_program : hawse_solana_system_program, 32);
        memcpy(a->held.mint, key(MINT), 32);
        memcpy(a->held.owner, key(i == 1 ? ME : FRIEND), 32);
        a->held.amount = 10000000;
        r->seen.after[i] = *a;
    }
    r->seen.after[0].lamports -= r->fee;
    r->seen.count = 4;
    return r;
}

static void rig_free(struct rig *r)
{
    risk_destroy(r->risk);
    config_destroy(r->config);
    (void)rmdir(r->dir);
    free(r->intent);
    free(r);
}

/* Asks; and begins a new transaction. */
static void ask(struct rig *r, enum risk_stage stage)
{
    struct fault fault = {0};
    const hawse_intent_solana_t solana = {.size = sizeof(solana),
                                          .instruction_count = r->b.count,
                                          .instruction_size = sizeof(r->b.instructions[0]),
                                          .instructions = r->b.instructions,
                                          .flow_count = r->flow_count,
                                          .flow_size = sizeof(r->flows[0]),
                                          .flows = r->flows};
    const hawse_intent_t in = {.size = sizeof(in),
                               .kind = HAWSE_INTENT_SOLANA_INSTRUCTIONS,
                               .id = hawse_text("x"),
                               .chain = hawse_text("sol"),
                               .account = hawse_text("bot"),
                               .solana = &solana};
    free(r->intent);
    r->intent = NULL;
    CHECK_EQ(r->b.error, 0);
    if (intent_copy(&in, &r->intent, &fault) != HAWSE_OK)
        FAIL("%s", fault.message);
    solana_moves(&r->seen, key(ME), r->fee, &r->sim);
    config_handle(key(ME), r->handle);
    r->solana = (struct risk_solana){.payer = key(ME),
                                     .simulated = r->binding,
                                     .signing = r->solana.signing ? r->solana.signing : r->binding,
                                     .tokens = r->tokens,
                                     .token_count = solana_owners(&r->seen, r->tokens),
                                     .reserve = 895880};
    r->tx = (hawse_tx_t){.gas_limit = 1, .max_fee = hawse_u256(r->fee)};
    r->c = (struct risk_case){.intent = &r->intent->public,
                              .solana = &r->solana,
                              .number = 7,
                              .instance = "a",
                              .from = r->handle,
                              .maturity = MATURITY_STABLE,
                              .utc_ns = 86400000000000ull,
                              .head = 50,
                              .fee_cap = hawse_u256(1000000),
                              .simulation_required = true,
                              .sim = &r->sim,
                              .txs = &r->tx,
                              .tx_count = 1,
                              .native_balance = hawse_u256(solana_lamports(&r->seen, key(ME))),
                              .balances = r->balances,
                              .balance_count = solana_balances(&r->seen, key(ME), r->balances)};
    risk_check(r->risk, stage, &r->c, &r->v);
    hawse_solana_begin(&r->b);
}

static void passes(struct rig *r, enum risk_stage stage)
{
    ask(r, stage);
    if (r->v.answer != RISK_PASS)
        FAIL("%s: %s", r->v.gate, r->v.reason);
}

static void refused(struct rig *r, enum risk_stage stage, const char *gate, const char *why)
{
    ask(r, stage);
    CHECK_EQ(r->v.answer, RISK_REFUSE);
    if (strcmp(r->v.gate, gate) != 0 || !strstr(r->v.reason, why))
        FAIL("expected %s: %s, found %s: %s", gate, why, r->v.gate, r->v.reason);
}

/* Any instruction. */
static void add(struct rig *r, const uint8_t *program, const char *data, uint32_t len,
                const int *accounts, uint32_t count)
{
    hawse_solana_meta_t metas[8] = {{.signer = 0}};
    for (uint32_t i = 0; i < count; i++)
        memcpy(metas[i].key, key(accounts[i]), 32);
    (void)hawse_solana_add(&r->b, program, metas, count, (const uint8_t *)data, len);
}

TEST(solana_gates_lamports,
     "lamports go to the account itself and to recipients, and to nobody else")
{
    struct rig *r = rig_new();
    static const int two[] = {ME, STRANGER};
    (void)hawse_solana_transfer(&r->b, key(ME), key(FRIEND), 5);
    (void)hawse_solana_transfer(&r->b, key(ME), key(ME), 5);
    passes(r, RISK_BEFORE);
    (void)hawse_solana_transfer(&r->b, key(ME), key(FRIEND), 5);
    (void)hawse_solana_transfer(&r->b, key(ME), key(STRANGER), 5);
    refused(r, RISK_BEFORE, "calls", "instruction 2: pays lamports to");
    (void)hawse_solana_transfer(&r->b, key(ME), key(PROGRAM), 5); /* listed, for other things */
    refused(r, RISK_BEFORE, "calls", "no recipient");
    (void)hawse_solana_assign(&r->b, key(ME), key(STRANGER));
    refused(r, RISK_BEFORE, "calls", "begins with 0x01000000");
    add(r, hawse_solana_system_program, "\2\0\0", 3, two, 2); /* cut short */
    refused(r, RISK_BEFORE, "calls", "not in the table");
    add(r, hawse_solana_system_program, "\2\0\0\0\0\0\0\0\0\0\0\0", 12, two, 1);
    refused(r, RISK_BEFORE, "calls", "not in the table");
    (void)hawse_solana_transfer(&r->b, key(STRANGER), key(FRIEND), 5);
    refused(r, RISK_BEFORE, "calls", "the account is the only signer");
    rig_free(r);
}

TEST(solana_gates_tokens, "tokens go to accounts of the account and of recipients, as simulated")
{
    struct rig *r = rig_new();
    const uint8_t *p = hawse_solana_token_program, *q = hawse_solana_token_2022_program;
    static const int three[] = {MINE, STRANGER, ME};
    (void)hawse_solana_token_transfer(&r->b, p, key(MINE), key(THEIRS), key(ME), 5);
    (void)hawse_solana_token_transfer_checked(&r->b, q, key(MINE), key(MINT), key(THEIRS), key(ME),
                                              5, 6);
    (void)hawse_solana_token_revoke(&r->b, p, key(MINE), key(ME));
    (void)hawse_solana_token_sync_native(&r->b, p, key(MINE));
    (void)hawse_solana_token_close(&r->b, p, key(MINE), key(ME), key(ME));
    (void)hawse_solana_token_create_associated(&r->b, p, key(ME), key(THEIRS), key(FRIEND),
                                               key(MINT));
    (void)hawse_solana_token_approve(&r->b, p, key(MINE), key(DELEGATE), key(ME), 5);
    (void)hawse_solana_token_approve_checked(&r->b, p, key(MINE), key(MINT), key(DELEGATE), key(ME),
                                             5, 6);
    passes(r, RISK_AFTER);
    (void)hawse_solana_token_transfer(&r->b, p, key(MINE), key(OTHER), key(ME), 5);
    passes(r, RISK_BEFORE); /* whose that is, nobody knows yet */
    (void)hawse_solana_token_transfer(&r->b, p, key(MINE), key(OTHER), key(ME), 5);
    refused(r, RISK_AFTER, "calls", "what is no token account");
    (void)hawse_solana_token_transfer(&r->b, p, key(MINE), key(VAULT), key(ME), 5);
    passes(r, RISK_AFTER); /* the account itself is a recipient */
    memcpy(r->seen.after[2].held.owner, key(STRANGER), 32);
    (void)hawse_solana_token_transfer(&r->b, p, key(MINE), key(THEIRS), key(ME), 5);
    refused(r, RISK_AFTER, "calls", "pays tokens to an account of");
    (void)hawse_solana_token_close(&r->b, p, key(MINE), key(STRANGER), key(ME));
    refused(r, RISK_BEFORE, "calls", "whose lamports go");
    (void)hawse_solana_token_create_associated(&r->b, p, key(ME), key(OTHER), key(STRANGER),
                                               key(MINT));
    refused(r, RISK_BEFORE, "calls", "makes a token account");
    (void)hawse_solana_token_approve(&r->b, p, key(MINE), key(STRANGER), key(ME), 5);
    refused(r, RISK_BEFORE, "calls", "which is no spender");
    (void)hawse_solana_token_approve(&r->b, p, key(MINE), key(FRIEND), key(ME), 5);
    refused(r, RISK_BEFORE, "calls", "which is no spender");
    (void)hawse_solana_token_burn(&r->b, p, key(MINE), key(MINT), key(ME), 5);
    refused(r, RISK_BEFORE, "calls", "begins with 0x08");
    add(r, p, "\6\2\1", 3, three, 3); /* SetAuthority */
    refused(r, RISK_BEFORE, "calls", "begins with 0x060201");
    add(r, p, "", 0, three, 3);
    refused(r, RISK_BEFORE, "calls", "begins with 0x and");
    add(r, p, "\3", 1, three, 2);
    refused(r, RISK_BEFORE, "calls", "begins with 0x03");
    add(r, hawse_solana_associated_token_program, "\2", 1, three, 3);
    refused(r, RISK_BEFORE, "calls", "begins with 0x02");
    rig_free(r);
}

TEST(solana_gates_programs,
     "programs are given what their list says, with a quote where they are paid")
{
    struct rig *r = rig_new();
    static const int some[] = {MINE, ME, STRANGER};
    (void)hawse_solana_memo(&r->b, hawse_text("why"), key(ME), 1);
    add(r, hawse_solana_lookup_table_program, "\0\0\0\0", 4, some, 3);
    add(r, hawse_solana_lookup_table_program, "\2\0\0\0", 4, some, 3);
    add(r, hawse_solana_lookup_table_program, "\3\0\0\0", 4, some, 3);
    add(r, key(FREE), "\7", 1, some, 1);
    add(r, key(FREE), "", 0, some, 1);
    passes(r, RISK_BEFORE);
    add(r, hawse_solana_lookup_table_program, "\4\0\0\0", 4, some, 3);
    refused(r, RISK_BEFORE, "calls", "closes a table");
    add(r, hawse_solana_lookup_table_program, "\1\0\0\0", 4, some, 3);
    refused(r, RISK_BEFORE, "calls", "begins with 0x01000000");
    add(r, key(STRANGER), "\12\13", 2, some, 1);
    refused(r, RISK_BEFORE, "calls", "not in the table");
    add(r, key(PROGRAM), "\12", 1, some, 1);
    refused(r, RISK_BEFORE, "calls", "does not list that");
    add(r, key(PROGRAM), "\12", 1, some, 0); /* what follows belongs to the next one */
    add(r, key(FREE), "\13", 1, some, 0);
    refused(r, RISK_BEFORE, "calls", "does not list that");
    add(r, key(PROGRAM), "\12\13\14", 3, some, 1);
    refused(r, RISK_BEFORE, "calls", "slippage has no bound");
    r->flows[0].expected_in = r->flows[0].min_in = 1;
    add(r, key(PROGRAM), "\12\13\14", 3, some, 1);
    passes(r, RISK_BEFORE); /* five dollars are what it may be given in a day */
    r->flows[1].max_out++;
    add(r, key(PROGRAM), "\12\13\14", 3, some, 1);
    refused(r, RISK_BEFORE, "calls", "intents with");
    rig_free(r);
}

TEST(solana_gates_moves,
     "what a simulation shows is held against the plan: flows, delegates, owners")
{
    struct rig *r = rig_new();
    struct solana_account *mine = &r->seen.after[1], *me = &r->seen.after[0];
    const int none[] = {ME};
    r->flow_count = 2;
    me->lamports -= SOL;
    mine->held.amount -= 5000000;
    add(r, key(FREE), "\1", 1, none, 0);
    passes(r, RISK_AFTER);
    me->lamports--;
    add(r, key(FREE), "\1", 1, none, 0);
    refused(r, RISK_AFTER, "simulation", "would leave the account");
    me->lamports++;
    mine->held.amount--;
    add(r, key(FREE), "\1", 1, none, 0);
    refused(r, RISK_AFTER, "simulation", "would leave the account");
    mine->held.amount++;
    memcpy(mine->held.delegate, key(DELEGATE), 32);
    mine->held.delegated_amount = 5;
    add(r, key(FREE), "\1", 1, none, 0);
    passes(r, RISK_AFTER);
    memcpy(mine->held.delegate, key(STRANGER), 32);
    add(r, key(FREE), "\1", 1, none, 0);
    refused(r, RISK_AFTER, "simulation", "no spender");
    memcpy(r->seen.before[1].held.delegate, key(STRANGER), 32); /* it was there before */
    r->seen.before[1].held.delegated_amount = 5;
    add(r, key(FREE), "\1", 1, none, 0);
    passes(r, RISK_AFTER);
    mine->held.delegated_amount++; /* but not so much */
    add(r, key(FREE), "\1", 1, none, 0);
    refused(r, RISK_AFTER, "simulation", "no spender");
    memset(mine->held.delegate, 0, 32);
    memcpy(mine->held.close_authority, key(STRANGER), 32);
    add(r, key(FREE), "\1", 1, none, 0);
    refused(r, RISK_AFTER, "simulation", "ownership");
    memset(mine->held.close_authority, 0, 32);
    memcpy(mine->held.owner, key(STRANGER), 32);
    r->flows[1].max_out = 100000000;
    add(r, key(FREE), "\1", 1, none, 0);
    refused(r, RISK_AFTER, "simulation", "ownership");
    memcpy(mine->held.owner, key(ME), 32);
    memcpy(me->owner, key(STRANGER), 32);
    add(r, key(FREE), "\1", 1, none, 0);
    refused(r, RISK_AFTER, "simulation", "ownership");
    rig_free(r);
}

TEST(solana_gates_money, "fees, funds and what must come in are asked for as everywhere")
{
    struct rig *r = rig_new();
    const int none[] = {ME};
    r->flows[1].max_out = 0;
    r->flows[1].min_in = r->flows[1].expected_in = 100;
    add(r, key(FREE), "\1", 1, none, 0);
    refused(r, RISK_AFTER, "simulation", "the intent wants");
    r->seen.after[1].held.amount += 100;
    add(r, key(FREE), "\1", 1, none, 0);
    passes(r, RISK_AFTER);
    r->seen.before[0].lamports = 900880; /* what stays, and the fee */
    r->seen.after[0].lamports = 895880;
    add(r, key(FREE), "\1", 1, none, 0);
    passes(r, RISK_AFTER);
    r->seen.before[0].lamports--;
    r->seen.after[0].lamports--;
    add(r, key(FREE), "\1", 1, none, 0);
    refused(r, RISK_AFTER, "funds", "are missing");
    r->fee = 1000001;
    add(r, key(FREE), "\1", 1, none, 0);
    ask(r, RISK_AFTER);
    CHECK_EQ(r->v.answer, RISK_WAIT);
    CHECK_STR(r->v.gate, "fee_cap");
    rig_free(r);
}

TEST(solana_gates_words, "an asset that nobody listed is called by its mint")
{
    struct rig *r = rig_new();
    const int none[] = {ME};
    memcpy(r->flows[1].mint, key(OTHER), 32);
    add(r, key(FREE), "\1", 1, none, 0);
    refused(r, RISK_BEFORE, "limits", text(OTHER));
    rig_free(r);
}

TEST(solana_gates_bound, "what is signed is what was simulated, or nothing is")
{
    struct rig *r = rig_new();
    uint8_t other[32] = {1};
    const int none[] = {ME};
    add(r, key(FREE), "\1", 1, none, 0);
    passes(r, RISK_AFTER);
    add(r, key(FREE), "\1", 1, none, 0);
    passes(r, RISK_SIGN);
    r->solana.signing = other;
    add(r, key(FREE), "\1", 1, none, 0);
    refused(r, RISK_SIGN, "simulation", "not the message that was simulated");
    rig_free(r);
}

TEST(solana_gates_many, "more assets than can be told of are unreadable, which nothing allows")
{
    struct rig *r = rig_new();
    const int none[] = {ME};
    r->seen.count = SOLANA_WATCHED;
    for (uint32_t i = 4; i < SOLANA_WATCHED; i++) {
        r->seen.before[i] = r->seen.before[1];
        r->seen.before[i].held.mint[0] = (uint8_t)i;
        r->seen.after[i] = r->seen.before[i];
        r->seen.after[i].held.amount--;
        memcpy(r->seen.after[i].held.delegate, key(STRANGER), 32);
        r->seen.after[i].held.delegated_amount = i;
    }
    add(r, key(FREE), "\1", 1, none, 0);
    ask(r, RISK_AFTER);
    CHECK_EQ(r->v.answer, RISK_REFUSE);
    CHECK_EQ(r->sim.approval_count, SIM_APPROVALS);
    CHECK_EQ(r->sim.finding_count, SIM_FINDINGS);
    CHECK_EQ(r->sim.findings[0].kind, SIM_FINDING_UNREADABLE);
    rig_free(r);
}

/* ---- the journal ---- */

static void signed_attempt(struct solana_attempt *a, bool durable)
{
    static hawse_solana_builder_t b;
    uint8_t public[32], secret[64], seed[32] = {3}, message[HAWSE_SOLANA_MESSAGE_MAX];
    uint64_t len = 0, need = 0;
    hawse_solana_compiled_tx_t made = {.size = sizeof(made)};
    CHECK(sodium_init() >= 0);
    CHECK_EQ(crypto_sign_seed_keypair(public, secret, seed), 0);
    hawse_solana_begin(&b);
    (void)hawse_solana_transfer(&b, public, key(FRIEND), 5);
    *a = (struct solana_attempt){.number = 3, .renewals = 2, .empty = durable, .slot = UINT64_MAX};
    a->life = (hawse_solana_life_t){.size = sizeof(a->life),
                                    .kind = durable ? HAWSE_SOLANA_LIFE_NONCE
                                                    : HAWSE_SOLANA_LIFE_BLOCKHASH,
                                    .last_block_height = 77};
    memset(a->life.hash, 5, 32);
    memset(a->binding, 6, 32);
    if (durable) {
        memset(a->life.nonce, 7, 32);
        memcpy(a->life.authority, public, 32);
    }
    hawse_solana_draft_t draft = {
        .size = sizeof(draft), .version = HAWSE_SOLANA_V0, .life = a->life, .instructions = &b};
    memcpy(draft.payer, public, 32);
    CHECK_EQ(hawse_solana_compile(&draft, message, sizeof(message), &len, &made), HAWSE_OK);
    CHECK_EQ(crypto_sign_detached(a->signature, NULL, message, len, secret), 0);
    CHECK_EQ(hawse_solana_tx_encode(a->signature, 1, message, len, a->raw, sizeof(a->raw), &need),
             HAWSE_OK);
    a->raw_len = (uint32_t)need;
}

TEST(solana_gates_kept, "what was signed reads back from the journal as the same, or not at all")
{
    for (int durable = 0; durable < 2; durable++) {
        struct solana_attempt a, b;
        char step[8192];
        signed_attempt(&a, durable);
        char *kept = solana_attempt_text(&a);
        CHECK(kept != NULL);
        int n = snprintf(step, sizeof(step), "{\"figures\":%s}", kept);
        CHECK(n > 0 && (size_t)n < sizeof(step));
        CHECK_EQ(solana_attempt_read(hawse_text(step), &b), HAWSE_OK);
        CHECK_EQ(b.number, 3);
        CHECK_EQ(b.renewals, 2);
        CHECK_EQ(b.empty, durable);
        CHECK_EQ_U64(b.slot, UINT64_MAX);
        CHECK_EQ(b.raw_len, a.raw_len);
        CHECK_MEM(b.raw, a.raw, a.raw_len);
        CHECK_MEM(b.signature, a.signature, 64);
        CHECK_MEM(b.binding, a.binding, 32);
        CHECK_MEM(&b.life, &a.life, sizeof(a.life));
        for (const char *at = strchr(kept, ':'); at; at = strchr(at + 1, ':')) { /* cut anywhere */
            (void)snprintf(step, sizeof(step), "{\"figures\":%.*s", (int)(at - kept), kept);
            CHECK_EQ(solana_attempt_read(hawse_text(step), &b), HAWSE_E_FORMAT);
        }
        a.signature[0] ^= 1; /* not that of its bytes */
        free(kept);
        kept = solana_attempt_text(&a);
        (void)snprintf(step, sizeof(step), "{\"figures\":%s}", kept);
        CHECK_EQ(solana_attempt_read(hawse_text(step), &b), HAWSE_E_FORMAT);
        free(kept);
    }
    struct solana_attempt none;
    CHECK_EQ(solana_attempt_read(hawse_text("{}"), &none), HAWSE_E_FORMAT);
    CHECK_EQ(solana_attempt_read(hawse_text("{\"figures\":{\"nonce\":1}}"), &none), HAWSE_E_FORMAT);
}
