/*
 * The strategy futarchy-arb from the inside: one futarchy market, from told pool states to intents.
 *
 *   arb.c       manifest, life, events in          settings.c  what the operator set
 *   learn.c     what is asked of the chain: tokens of the proposal, ticks, fees, rate, balances,
 * code answer.c    what comes back                    world.c     what venues and chain tell
 *   decide.c    from the market to an intent       outcome.c   from steps and receipts to results
 *   say.c       log lines, metrics, alerts         verbs.c     what an operator calls
 *   audit.c     ... of that, verify and approvals     stored.c    what outlives a restart
 *   carried.c   a trade that the host ended under   handover.c  all of it, to another build
 *   proof.h, verify.h, approvals.h, market.h, flow.h, size.h, bundle.h, ticks.h, whole.h, control.h
 *               the pure parts
 *
 * Between an event and a proposal nothing is asked and nothing is allocated: what decisions need is
 * learnt ahead. Nothing is proposed while any of it is missing or in doubt, while an intent of ours
 * is under way, or while the result of the last one is not known.
 *
 * Everything is [lane]. One allocation holds all of an instance.
 */
#ifndef FUTARCHY_ARB_H
#define FUTARCHY_ARB_H

#include "audit.h"
#include "bundle.h"
#include "control.h"
#include "keep.h"
#include "proof.h"
#include "size.h"
#include "ticks.h"
#include "whole.h"

#include <hawse/hawse.h>
#include <hawse/json.h>
#include <hawse/service/alert.h>
#include <hawse/service/command.h>
#include <hawse/service/intent.h>
#include <hawse/service/metrics.h>
#include <hawse/service/rpc.h>
#include <hawse/service/store.h>
#include <hawse/service/sub.h>
#include <hawse/service/timer.h>
#include <hawse/space/evm.h>
#include <hawse/space/host.h>
#include <hawse/space/market.h>
#include <hawse/space/position.h>
#include <hawse/space/stream.h>

enum {
    ARB_NAME = 64,
    ARB_TOKENS_MAX = 8,      /* of the spot pool */
    ARB_LEGS = BUNDLE_CALLS, /* transactions of a sequence */
    ARB_MARKS = 1 << 17,     /* quotes and brackets of an answer */
    ARB_ANSWER_MAX = 1 << 20,
    ARB_ERRORS = 6, /* classes of them */
};

/* What is asked of the chain. Each is asked of `item` 0 to its number; a tag holds both. */
enum ask {
    ASK_OUTCOME,    /* wrappedOutcome(item) of the proposal */
    ASK_COLLATERAL, /* its collateralToken1, 2 */
    ASK_RATE,       /* convertToAssets(10^18) of sDAI */
    ASK_TICKS,      /* Mint and Burn logs of pool item */
    ASK_FEE,        /* the quoter's fee of pool item */
    ASK_BALANCE,    /* of token item */
    ASK_CODE,       /* item 0: of the executor, 1: of the account */
    ASK_RECEIPT,    /* of transaction item */
    ASK_PROOF,      /* enum proof_question item */
    ASKS
};
enum { ASK_ITEMS = 16 };
_Static_assert((int)PROOF_QUESTIONS <= (int)ASK_ITEMS, "an item for each");

struct question {
    bool wanted, asked;
    uint32_t failures;
    uint64_t retry_ns;
    hawse_request_t request;
};

struct settings {
    char chain[ARB_NAME], account[ARB_NAME];
    struct bundle_places places; /* tokens: read from the proposal */
    uint8_t sdai[20], quoter[20], executor[20];
    uint8_t executor_hash[32];
    bool quoter_set, executor_set, hash_set, liquidation, aggressive;
    bool check_tokens; /* false: the proposal is taken at its word */
    int32_t tick_unit;
    uint32_t cooldown_blocks;
    uint32_t min_edge_ppm;
    uint32_t net_slippage_ppm;        /* what a simulation may be below the prediction */
    uint64_t chain_id, executor_size; /* 0: no size is pinned */
    uint64_t from_block, gas_units, tip_wei, deadline_s, interval_ns, whole_block_ms;
    hawse_u256_t min_profit, sweep_min;
    struct control_rules rules;
};

/* A concentrated pool as it is told, whether it is one of the market's or not: the proposal's
 * tokens may be known later than the venue's pools. */
struct told_pool {
    uint8_t market[32];
    uint8_t token[2][20];
    bool priced; /* a state came */
    int32_t tick;
    uint32_t fee_ppm;
    hawse_u256_t sqrt_price, liquidity;
};
enum { TOLD_POOLS = 256 };

/* What else a pool of the market needs. */
struct told_leg {
    uint32_t pool; /* index of it; TOLD_POOLS: not told yet */
    bool ticks_read;
    uint64_t ticks_block; /* they are as of this block, and told changes after it */
    uint64_t next_block, asked_to, range;
    uint32_t quoted_fee; /* 0: the stored one holds */
    struct ticks ticks;
};

/* Is it a trade, not one that only tidies up? */
static inline bool is_cycle(const struct flow *f)
{
    return f->way == FLOW_BUY || f->way == FLOW_SELL;
}

/* The intent under way, and what becomes of it. */
struct trade {
    bool open;                    /* proposed, no terminal step yet */
    bool measuring;               /* ended, receipts are being read */
    bool signed_out;              /* it was sent at least once */
    bool is_signed;               /* one of its transactions was told to be */
    bool outdated;                /* a pool changed before anything of it was signed */
    bool refused;                 /* by its simulation, and the pools are what they were since */
    bool unsent_by_mode;          /* the host's mode signs nothing: it would have been sent */
    uint64_t handle, run, number; /* run: in which it was proposed */
    uint64_t block;               /* head when it was decided */
    uint64_t included_ns;
    uint64_t last_ns; /* of the order before it, and whether it was a fallback: for one that is */
    bool fell_back;   /* withdrawn */
    uint32_t legs, legs_read;
    int32_t error;
    uint32_t step; /* terminal */
    uint8_t hash[ARB_LEGS][32];
    bool hash_set[ARB_LEGS];
    uint64_t gas_used;
    int64_t gas_off_ppm; /* of its transactions, against their simulations: the worst */
    hawse_u256_t fees;   /* wei */
    hawse_u256_t moved[MARKET_TOKENS]; /* what came to us less what left, signed */
    struct flow flow;
    struct control_order order;
};

struct arb_metrics {
    hawse_metric_t total, success, failed, profit_total, gained, lost, last_profit, last_gas,
        gas_cost, predicted, measured, gain_exact, outputs_exact, gain_off, breaker, rolled_back,
        amount, evaluations, opportunities, fronted, withdrawn, gas_off;
    hawse_metric_t errors[ARB_ERRORS];
};

/* Trades that ended badly, for those who look for the reason. */
struct failure {
    uint64_t number, block;
    char class_of_error[16];
    char reason[200];
};
enum { FAILURES = 32 };

/* Who else traded in our pools lately: to see whether one came before us in a block. */
struct seen_trade {
    uint64_t block;
    uint32_t tx_index;
    uint8_t tx_hash[32];
};
enum { SEEN = 64 };

/* A trade by its run and its number in it. */
struct trade_name {
    uint64_t run, number;
};

/* The trade under way as the host kept it, and what the host says of it. */
struct carried {
    struct keep_trade trade; /* number 0: none was kept */
    bool waits, asked;       /* what became of it is still to be told, or to be asked */
};

struct arb {
    const hawse_host_t *host;
    hawse_instance_t self;
    const hawse_sub_service_t *sub;
    const hawse_rpc_service_t *rpc;
    const hawse_timer_service_t *timers;
    const hawse_intent_service_t *intents;
    const hawse_metrics_service_t *metrics;
    const hawse_command_service_t *command; /* NULL: this host has none */
    const hawse_alert_service_t *alert;     /* the same */
    const hawse_store_service_t *store;     /* NULL: nothing outlives this run */
    uint32_t chain, swapr, balancer;        /* sources */
    uint32_t doubt[3];                      /* of each: bit n: sequence n is not live */
    struct settings set;
    struct control control;
    struct arb_metrics m;

    struct question ask[ASKS][ASK_ITEMS];
    uint32_t asking;
    struct proof proof;
    char untrusted[PROOF_TEXT]; /* why the proposal is not traded; empty: it is */
    bool tokens_known;
    hawse_u256_t rate; /* xDAI wei of one sDAI; 0: not known */
    hawse_u256_t held[MARKET_TOKENS];
    uint32_t held_known; /* bit n: of token n, since the last trade */
    bool code_good;      /* or not looked at because no hash is pinned */

    struct told_pool pools[TOLD_POOLS];
    uint32_t pool_count;
    struct told_leg leg[MARKET_POOLS];
    struct market market;
    hawse_bal_token_t tokens[ARB_TOKENS_MAX];
    hawse_bal3_token_t live_tokens[ARB_TOKENS_MAX]; /* of v3 */
    uint8_t spot_asset[ARB_TOKENS_MAX][20];         /* and what they wrap; 0: nothing */
    hawse_bal3_wrapper_t spot_wrapper[ARB_TOKENS_MAX];
    uint8_t spot_token[ARB_TOKENS_MAX][20];
    bool spot_good, spot_paused;
    uint64_t basis_block, basis_ns; /* of the newest state of a pool: its block, and when it came */
    uint64_t head, head_time, base_fee;
    bool changed; /* something a decision rests on, since the last one */
    struct whole whole;
    bool whole_asked; /* a timer ends the wait for the rest of the newest block */
    bool over;        /* the proposal is resolved, or gone: nothing new is begun */
    uint64_t not_before_block;
    uint32_t refusals; /* in a row */

    struct trade trade;
    hawse_u256_t stranded[MARKET_TOKENS];    /* what sequences that failed half way left, and what
                                                became of it since */
    uint64_t next_number;                    /* of the next intent */
    uint64_t run;                            /* start of this run, in ids */
    struct control stored_control;           /* as the host keeps it */
    hawse_u256_t stored_left[MARKET_TOKENS]; /* the same of stranded */
    struct trade_name ended, stored_ended;   /* the last trade that is in all of this */
    bool stored_waits;                       /* the host has not told yet what it kept */
    struct carried carried;
    struct failure failures[FAILURES];
    uint64_t failure_count;
    uint64_t measured, exact; /* trades that succeeded, and those that gained what was predicted */
    uint64_t cycles, outputs_exact; /* of them buys and sells, and those whose swaps all gave it */
    hawse_u256_t gas_cost;          /* of all that was sent in this run, in sDAI */
    hawse_u256_t put_in, gained;    /* sDAI of cycles that succeeded in this run; gained: signed */
    uint64_t errors[ARB_ERRORS];    /* of this run, by class */
    struct seen_trade seen[SEEN];
    uint32_t seen_next;
    uint64_t complaint_ns;
    hawse_timer_t tick;
    struct audit audit;
    uint32_t *marks;
};

/* ---- settings.c ---- */
int32_t settings_read(struct arb *a, hawse_view_t config);

/* ---- learn.c ---- */
void learn_want(struct arb *a, enum ask what, uint32_t item);
/* Asks what is wanted and not under way. */
void learn_next(struct arb *a);
void learn_begin(struct arb *a);
/* A block came: what has to be fresh is asked anew. */
void learn_block(struct arb *a);
/* The ticks of a pool are no longer certain. */
void learn_ticks_again(struct arb *a, uint32_t pool);

/* ---- answer.c ---- */
void answer(struct arb *a, const hawse_event_t *event);

/* ---- world.c ---- */
void world_market(struct arb *a, const hawse_event_t *event);
void world_chain(struct arb *a, const hawse_event_t *event);
void world_continuity(struct arb *a, const hawse_event_t *event);
/* What the link "futarchy" tells of the proposal. */
void world_proposal(struct arb *a, const hawse_event_t *event);
/* The market for decisions is whole, and nothing of it in doubt. */
bool world_ready(struct arb *a);
/* Which pools have the market's tokens, once these are known. */
void world_match(struct arb *a);
/* What is known of a pool, as quotes want it. */
void world_leg(struct arb *a, uint32_t leg);
/* The tokens of a pool of the market: base, and the other. */
void world_pair(enum market_pool leg, enum market_token pair[2]);

/* ---- decide.c ---- */
void decide(struct arb *a);
/* A pool is not what it was when the trade under way was decided. */
void decide_outdated(struct arb *a);
/* The best flow of one way, as it would be decided now; at most `max_in` where that is not NULL.
 * HAWSE_E_STATE: the market is not known. Otherwise as size_best. */
int32_t decide_quote(struct arb *a, enum flow_way way, const hawse_u256_t *max_in, struct flow *f,
                     struct control_order *order);

/* The id of an intent. */
void arb_intent_id(uint64_t run, uint64_t number, char id[HAWSE_INTENT_ID_MAX]);

/* ---- carried.c ---- */
/* What was kept is the trade under way. */
void carried_begin(struct arb *a);
/* The host is asked, if it could not be. */
void carried_go_on(struct arb *a);
/* False: this event says nothing of it. */
bool carried_event(struct arb *a, const hawse_event_t *event);

/* ---- outcome.c ---- */
bool outcome_is_end(uint32_t step);
/* The trade under way has this last step. */
void outcome_ended(struct arb *a, const hawse_intent_step_t *step, hawse_view_t reason);
/* Whatever it came to is in all sums: after a restart it is not asked for again. */
void outcome_done(struct arb *a);
void outcome_step(struct arb *a, const hawse_event_t *event);
/* Takes bundles out of use, or (REASON_NONE) into use again, and says so. */
void outcome_roll_back(struct arb *a, enum control_reason reason);
/* A receipt: JSON of transaction `item`; or (doc NULL) there is none. */
void outcome_receipt(struct arb *a, uint32_t item, const hawse_json_t *doc,
                     hawse_json_value_t *root);

/* ---- stored.c ---- */
void stored_open(struct arb *a);
void stored_event(struct arb *a, const hawse_event_t *event);
/* What changed since the last time is kept. */
void stored_save(struct arb *a);
/* The trade that is about to be proposed is kept. False: it is not, and may not be. */
bool stored_trade(struct arb *a);
/* It was taken over: what its record says of the control is not kept again. */
void stored_begun(struct arb *a);

/* ---- handover.c: hawse.state/1 ---- */
int32_t handover_save(void *state, uint8_t *out, uint64_t cap, uint64_t *need);
/* Into one that has taken its settings, and done nothing else yet. */
int32_t handover_load(struct arb *a, hawse_view_t saved);

/* ---- verbs.c ---- */
int32_t verbs_add(struct arb *a);
void verbs_call(struct arb *a, const hawse_event_t *event);

/* ---- say.c ---- */
int32_t say_begin(struct arb *a);
void say(struct arb *a, uint32_t level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* At most one in ten seconds. */
void complain(struct arb *a, const char *format, ...) __attribute__((format(printf, 2, 3)));
void say_decision(struct arb *a, const struct flow *f);
void say_withdrawn(struct arb *a);
void say_notices(struct arb *a, uint32_t notices);
void say_outcome(struct arb *a, const struct control_outcome *o, const char *class_of_error);
/* A class of errors, of ARB_ERRORS. */
const char *say_error_name(uint32_t class_of_error);
/* sDAI with six digits behind the point. */
const char *units(const hawse_u256_t *n, char out[HAWSE_U256_DECIMAL_MAX + 4]);

#endif
