/*
 * A provider that stands on a branch which is not the chain's: what it shows neither confirms a
 * transaction nor proves that its nonce is used. Around track.c and proof.c stands a desk of this
 * test alone, whose questions the test answers.
 */
#include "tx/desk_private.h"

#include "harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint64_t S = 1000000000ULL;

enum { NONCE = 5, BLOCK = 100, HEAD = 120 };

static struct desk_ask asked;
static char method[64];
static uint32_t questions, asked_flags, quorum, logged;
static struct nonce_gap gaps[2];
static struct nonce_answer gaps_answer, rewind_answer;
static uint64_t rewound_from, rewound_to;
static uint64_t now_ns;
static struct life_event said[8];
static uint32_t said_count;
static uint32_t fills;
static struct signer_key key_of_account;
static struct desk desk;
static struct config_chain config;
static struct desk_chain chain;
static struct desk_account account;
static struct intent body;
static struct plan plan;
static struct leg leg;
static struct desk_intent intent;
static struct attempt *const first = &leg.attempts[0];

/* ---- the desk ---- */

bool desk_ask(struct desk_chain *of, const struct desk_ask *ask, const char *name,
              const char *params, uint32_t flags, enum pool_class class, uint32_t deadline_ms)
{
    (void)of, (void)params, (void)class, (void)deadline_ms;
    asked = *ask;
    asked_flags = flags;
    (void)snprintf(method, sizeof(method), "%s", name);
    questions++;
    return true;
}

bool chain_has(const struct desk_chain *of, uint64_t number, const uint8_t hash[32])
{
    const struct desk_block *b = &of->ring[number % DESK_RING];
    return b->number != number || memcmp(b->hash, hash, 32) == 0;
}

void leg_event(struct leg *of, const struct life_event *event)
{
    (void)life_step(&of->life, event);
    said[said_count++ % 8] = *event;
}

void leg_on(struct leg *of, enum life_happening what)
{
    leg_event(of, &(struct life_event){.what = what});
}

bool desk_group(struct desk *of)
{
    (void)of;
    return true;
}

int32_t journal_attempt_state(struct journal *journal, uint64_t number, uint32_t index,
                              uint32_t attempt, uint32_t state, struct fault *fault)
{
    (void)journal, (void)number, (void)index, (void)attempt, (void)state, (void)fault;
    return HAWSE_OK;
}

int32_t safe_receipt(struct leg *of, uint32_t i, const struct pool_result *r,
                     struct answer_receipt *receipt)
{
    (void)of, (void)i, (void)r, (void)receipt;
    return HAWSE_OK;
}

int32_t sim_receipt(const uint8_t *text, uint64_t len, const uint8_t who[20],
                    struct sim_result *out)
{
    (void)text, (void)len, (void)who, (void)out;
    return HAWSE_E_FORMAT;
}

void nonce_gaps(struct nonces *nonces, const struct nonce_key *key, const struct nonce_view *view,
                nonce_done_fn done, void *ctx)
{
    (void)nonces, (void)key, (void)view;
    gaps_answer.gaps = gaps;
    if (gaps_answer.gap_count > 0)
        done(ctx, &gaps_answer);
}

void nonce_rewind(struct nonces *nonces, const struct nonce_key *key, uint64_t expected,
                  uint64_t target, nonce_done_fn done, void *ctx)
{
    (void)nonces, (void)key;
    rewound_from = expected;
    rewound_to = target;
    done(ctx, &rewind_answer);
}

enum nonce_mode nonce_mode(const struct nonces *nonces)
{
    (void)nonces;
    return NONCE_SHARED;
}

uint32_t chain_quorum(const struct desk_chain *of)
{
    (void)of;
    return quorum;
}

uint64_t loop_now(const struct loop *loop)
{
    (void)loop;
    return now_ns;
}

const uint8_t *intent_subject(const struct desk_intent *of)
{
    return of->account->nonces.sender;
}

void log_line(struct logger *logger, uint32_t level, const char *who, const char *fmt, ...)
{
    (void)logger, (void)level, (void)who, (void)fmt;
    logged++;
}

/* Never needed here. */
void log_fault(struct logger *logger, uint32_t level, const char *who, const struct fault *fault)
{
    (void)logger, (void)level, (void)who, (void)fault;
}

void desk_broke(struct desk *of, const struct fault *fault)
{
    (void)of, (void)fault;
    abort();
}

void desk_forget(struct desk_intent *of)
{
    (void)of;
    abort();
}

/* A hole is about to be filled: noted, and no more. */
int32_t desk_intent_new(struct desk *of, struct intent *what, const char *instance,
                        struct desk_intent **out, struct fault *fault)
{
    (void)of, (void)what, (void)instance, (void)out, (void)fault;
    fills++;
    return HAWSE_E_NOMEM;
}

bool desk_journal_add(struct desk_intent *of)
{
    (void)of;
    abort();
}

int32_t intent_copy(const hawse_intent_t *from, struct intent **out, struct fault *fault)
{
    (void)from, (void)out, (void)fault;
    return HAWSE_OK;
}

void intent_plan(struct desk_intent *of)
{
    (void)of;
    abort();
}

bool private_pending(struct leg *of)
{
    (void)of;
    abort();
}

bool bundle_is(const struct desk_intent *of)
{
    return of->plan->together;
}

void bundle_look(struct desk_intent *of)
{
    (void)of;
    abort();
}

void safe_look(struct desk_intent *of)
{
    (void)of;
    abort();
}

void alarms_gas(struct desk_chain *of, uint64_t simulated, uint64_t used)
{
    (void)of, (void)simulated, (void)used;
}

void watch_included(struct leg *of)
{
    (void)of;
}

/* ---- what happens ---- */

static void begin(void)
{
    memset(&chain, 0, sizeof(chain));
    memset(&account, 0, sizeof(account));
    memset(&leg, 0, sizeof(leg));
    memset(&intent, 0, sizeof(intent));
    questions = said_count = quorum = logged = 0;
    memset(gaps, 0, sizeof(gaps));
    gaps_answer = rewind_answer = (struct nonce_answer){0};
    rewound_from = rewound_to = 0;
    fills = 0;
    now_ns = 1;
    desk.scratch = calloc(1, sizeof(*desk.scratch));
    chain.desk = &desk;
    chain.config = &config;
    chain.head.number = HEAD;
    config.block_ms = 1000;
    config.tx.confirmations = 3;
    chain.ring[BLOCK] = (struct desk_block){.number = BLOCK, .hash = {0xaa}};
    account.chain = &chain;
    account.key = &key_of_account;
    account.latest = NONCE + 1;
    account.nonces.sender[19] = 7;
    plan.count = 1;
    intent = (struct desk_intent){.desk = &desk,
                                  .chain = &chain,
                                  .account = &account,
                                  .body = &body,
                                  .plan = &plan,
                                  .legs = &leg};
    chain.intents = &intent;
    leg.intent = &intent;
    leg.nonce.number = NONCE;
    leg.life.state = LIFE_SENT;
    leg.attempt_count = 1;
    first->nonce = NONCE;
    first->hash[31] = 1;
}

static void end(void)
{
    free(desk.scratch);
}

static void answer(const char *text)
{
    static uint8_t room[1024 + HAWSE_PADDING];
    struct desk_ask ask = asked;
    size_t len = strlen(text);
    memset(room, 0, sizeof(room));
    memcpy(room, text, len);
    struct pool_result r = {.body = room, .body_len = len, .provider = "p"};
    ask.done(&ask, &r);
}

static void receipt_of(const char *branch)
{
    char text[512];
    (void)snprintf(text, sizeof(text),
                   "{\"transactionHash\":\"0x%064x\",\"blockHash\":\"0x%s%062x\",\"blockNumber\":"
                   "\"0x%x\",\"status\":\"0x1\",\"gasUsed\":\"0x5208\"}",
                   1u, branch, 0u, (unsigned)BLOCK);
    answer(text);
}

static bool was_said(enum life_happening what)
{
    for (uint32_t i = 0; i < said_count && i < 8; i++) {
        if (said[i].what == what)
            return true;
    }
    return false;
}

TEST(elsewhere, "a receipt of a block that is not the chain's says nothing")
{
    begin();
    account_track(&account);
    CHECK_STR(method, "eth_getTransactionReceipt");
    receipt_of("bb");
    CHECK_EQ(said_count, 0);
    account_track(&account);
    CHECK_EQ(questions, 2);
    receipt_of("aa"); /* by a provider that knows better */
    CHECK(was_said(LIFE_ON_INCLUDED));
    end();
}

TEST(above, "a receipt of a block above the head that is known counts")
{
    begin();
    chain.head.number = BLOCK - 1;
    chain.ring[BLOCK].number = 0;
    account_track(&account);
    receipt_of("bb");
    CHECK(was_said(LIFE_ON_INCLUDED));
    end();
}

TEST(confirmed, "a receipt of a block that left the chain confirms nothing, however deep it is")
{
    begin();
    account_track(&account);
    receipt_of("aa");
    CHECK(was_said(LIFE_ON_INCLUDED));
    chain.ring[BLOCK].hash[0] = 0xcc;
    account_track(&account); /* its provider has not seen the reorganisation */
    CHECK_EQ(questions, 2);
    receipt_of("aa");
    CHECK(!was_said(LIFE_ON_CONFIRMED));
    account_track(&account);
    CHECK_EQ(questions, 3);
    receipt_of("cc");
    account_track(&account);
    receipt_of("cc");
    CHECK(was_said(LIFE_ON_CONFIRMED));
    end();
}

/* The search ends at BLOCK, which a provider shows with a transaction of another hash, or none. */
static void show_block(const char *branch, const char *transactions)
{
    char text[900];
    leg.proving = false;
    leg.gone_head = BLOCK;
    leg_prove(&leg);
    for (int i = 0; i < 12 && strcmp(method, "eth_getBlockByNumber") != 0; i++)
        answer("\"0x5\"");
    CHECK_STR(method, "eth_getBlockByNumber");
    (void)snprintf(text, sizeof(text),
                   "{\"number\":\"0x%x\",\"hash\":\"0x%s%062x\",\"parentHash\":\"0x%064x\","
                   "\"timestamp\":\"0x1\",\"gasLimit\":\"0x1\",\"gasUsed\":\"0x1\","
                   "\"transactions\":[%s]}",
                   (unsigned)BLOCK, branch, 0u, 0u, transactions);
    answer(text);
    method[0] = '\0';
}

TEST(counted, "a receipt that the account's count does not bear out confirms nothing")
{
    begin();
    account_track(&account);
    receipt_of("aa");
    account.latest = NONCE; /* another provider's word */
    account_track(&account);
    receipt_of("aa");
    CHECK(!was_said(LIFE_ON_CONFIRMED));
    account.latest = NONCE + 1;
    account_track(&account);
    receipt_of("aa");
    CHECK(was_said(LIFE_ON_CONFIRMED));
    end();
}

static void not_there(int32_t status)
{
    struct desk_ask ask = asked;
    struct pool_result r = {.status = status,
                            .class = status == HAWSE_E_STATE ? RPC_SERVER : RPC_NOT_YET};
    ask.done(&ask, &r);
}

TEST(quorum_proof, "two providers have to agree that a nonce is another's, before it is proved")
{
    begin();
    quorum = POOL_QUORUM;
    leg.gone_head = BLOCK;
    account_track(&account);
    CHECK_EQ(asked_flags & POOL_QUORUM, 0);
    not_there(HAWSE_E_NOTFOUND); /* by one of them */
    CHECK(!leg.proving);
    account_track(&account);
    CHECK_EQ(asked_flags & POOL_QUORUM, POOL_QUORUM);
    not_there(HAWSE_E_STATE); /* they disagree: somebody has it */
    CHECK(!leg.proving);
    account_track(&account);
    CHECK_EQ(asked_flags & POOL_QUORUM, 0);
    not_there(HAWSE_E_NOTFOUND);
    account_track(&account);
    CHECK_STR(method, "eth_getTransactionReceipt");
    not_there(HAWSE_E_NOTFOUND); /* by both */
    CHECK(leg.proving);
    CHECK_STR(method, "eth_getTransactionCount");
    CHECK_EQ(asked_flags & POOL_QUORUM, POOL_QUORUM);
    CHECK_EQ(said_count, 0);
    for (int i = 0; i <= 20; i++) { /* one provider alone is there, for good */
        now_ns += 15 * S;
        leg.gone_head = BLOCK;
        leg.proving = false;
        leg_prove(&leg);
        CHECK(!was_said(LIFE_ON_GONE));
        not_there(HAWSE_E_AGAIN);
    }
    CHECK(was_said(LIFE_ON_GONE)); /* it is never executed again */
    end();
}

/* A round of receipts that any provider may answer, and one in which two have to agree. */
static void two_rounds(int32_t by_two)
{
    account_track(&account);
    CHECK_EQ(asked_flags & POOL_QUORUM, 0);
    not_there(HAWSE_E_NOTFOUND);
    account_track(&account);
    CHECK_EQ(asked_flags & POOL_QUORUM, POOL_QUORUM);
    not_there(by_two);
}

TEST(alone,
     "where one of two providers is down for minutes a lost nonce ends, never executed again")
{
    begin();
    quorum = POOL_QUORUM;
    leg.gone_head = BLOCK;
    for (int i = 0; i < 100; i++) { /* it may come back in a moment */
        now_ns += 2 * S;
        two_rounds(HAWSE_E_AGAIN);
    }
    CHECK_EQ(said_count, 0);
    now_ns += 299 * S;
    account_track(&account);
    receipt_of("aa"); /* that one has it after all */
    CHECK(was_said(LIFE_ON_INCLUDED) && !was_said(LIFE_ON_GONE));
    end();
    begin();
    quorum = POOL_QUORUM;
    leg.gone_head = BLOCK;
    for (int i = 0; i <= 20; i++) {
        CHECK(!was_said(LIFE_ON_GONE));
        now_ns += 15 * S;
        two_rounds(HAWSE_E_AGAIN);
    }
    CHECK(was_said(LIFE_ON_GONE) && leg.life.state == LIFE_ENDED);
    CHECK(!was_said(LIFE_ON_TAKEN));
    CHECK_EQ(leg.life.end, LIFE_END_LOST);
    end();
}

TEST(skipped,
     "numbers that a provider's word had skipped are taken back; holes below ours are filled")
{
    begin();
    chain.ready = 1;
    leg.has_nonce = true;
    account.latest = NONCE;
    gaps[0] = (struct nonce_gap){.number = NONCE + 1, .trouble = NONCE_HOLE};
    gaps_answer = (struct nonce_answer){.next = NONCE + 40, .gap_count = 1};
    rewind_answer = (struct nonce_answer){.next = NONCE + 1};
    leg.sent_head = HEAD;
    account.pending = NONCE + 1;
    leg.life.state = LIFE_SIGNING; /* has a nonce, and is not looked at here */
    account_track(&account);
    CHECK_EQ_U64(rewound_from, NONCE + 40);
    CHECK_EQ_U64(rewound_to, NONCE + 1);
    CHECK_EQ_U64(account.top, NONCE + 1);
    CHECK_EQ(fills, 0);
    rewind_answer = (struct nonce_answer){.status = HAWSE_E_STATE, .next = NONCE + 40};
    account_track(&account); /* another host has one of them */
    CHECK_EQ(fills, 0);
    account_track(&account);
    CHECK_EQ(fills, 1);
    rewound_to = 0;
    account.no_rewind = 0;
    leg.nonce.number = NONCE + 2; /* one of ours waits for it */
    account_track(&account);
    CHECK_EQ(fills, 2);
    CHECK_EQ_U64(rewound_to, 0);
    end();
}

TEST(orphans,
     "what was sent and no pool shows is its transaction's; what none of ours has is told once")
{
    begin();
    chain.ready = 1;
    leg.life.state = LIFE_SIGNING;
    gaps[0] = (struct nonce_gap){.number = NONCE, .trouble = NONCE_UNSEEN};
    gaps_answer = (struct nonce_answer){.next = NONCE + 1, .gap_count = 1};
    account_track(&account);
    CHECK_EQ(logged, 0);
    gaps[0].number = NONCE + 9;
    gaps[1] = (struct nonce_gap){.number = NONCE + 11, .trouble = NONCE_UNSEEN};
    gaps_answer.gap_count = 2;
    account_track(&account);
    account_track(&account);
    CHECK_EQ(logged, 2);
    CHECK_EQ(questions, 0);
    end();
}

TEST(proof,
     "a block of another branch proves neither that a nonce is another's nor that it is lost")
{
    char other[256];
    begin();
    (void)snprintf(other, sizeof(other),
                   "{\"from\":\"0x%040x\",\"nonce\":\"0x%x\",\"hash\":\"0x%064x\"}", 7u,
                   (unsigned)NONCE, 2u);
    show_block("bb", other);
    show_block("bb", "");
    CHECK_EQ(said_count, 0);
    CHECK_EQ(leg.life.state, LIFE_SENT);
    show_block("aa", other);
    CHECK(was_said(LIFE_ON_TAKEN));
    end();
}
