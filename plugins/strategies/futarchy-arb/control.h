/*
 * How much may be traded, and how: stages, the breaker, what takes bundles out of use by itself,
 * and both arms of a comparison. A state machine over outcomes and the clock; pure, exact, owned by
 * one instance. It can only take away: the host's gates hold whatever it says.
 *
 *   order    what comes next: its way, the most it may put in, and whether it is a trial
 *   outcome  how that ended
 *
 * Rules. Three failures in a row open the breaker: only the smallest amount goes, as a trial, until
 * ten trials in a row succeeded; any failure begins the ten anew. Both edges are told, once.
 * The canary's amounts are gone up one by one, each after so many successes; a failure begins at
 * the first again. Amounts by the day go up at midnight, UTC, when the day gained and fewer than
 * one in twenty of its trades failed; they stay when not, and go down when the day lost or one in
 * five failed. Whatever rolls back (more than one in five of the last bundles failed, a loss, twice
 * the gas of single transactions, a contract that is not what it was) holds until an operator ends
 * it: single transactions of the safe amount, at the safe interval.
 */
#ifndef FUTARCHY_ARB_CONTROL_H
#define FUTARCHY_ARB_CONTROL_H

#include <hawse/types.h>
#include <stdbool.h>

enum { CONTROL_AMOUNTS = 8, CONTROL_WINDOW = 20, CONTROL_WINDOW_MIN = 10 };

enum control_stage { STAGE_FIXED, STAGE_CANARY, STAGE_PROGRESSIVE };
enum control_execution { EXECUTE_BUNDLED, EXECUTE_SEQUENTIAL, EXECUTE_FALLBACK, EXECUTE_BOTH };
enum control_path { PATH_BUNDLE, PATH_SEQUENTIAL, PATHS };

/* Why bundles are out of use. */
enum control_reason {
    REASON_NONE,
    REASON_FAILURES, /* more than one in five of the last 20 (10 at least) */
    REASON_LOSS,     /* sDAI was lost, before gas */
    REASON_GAS,      /* more than twice that of single transactions */
    REASON_CONTRACT, /* the executor's code, or the account's, is not what it was */
    REASON_OPERATOR,
    REASON_STATE, /* what was known before a restart cannot be read */
    REASONS
};

struct control_rules {
    bool enabled; /* false: as if rolled back */
    bool test_mode;
    bool bundle_enabled;
    bool fallback_enabled;
    enum control_stage stage;
    enum control_execution execution;
    hawse_u256_t amount, max_bundle, test_amount, safe_amount; /* sDAI */
    hawse_u256_t ladder[CONTROL_AMOUNTS], daily[CONTROL_AMOUNTS];
    uint32_t ladder_count, daily_count, ladder_passes;
    uint32_t breaker_failures, breaker_successes;
    uint32_t slippage_ppm, canary_slippage_ppm, safe_slippage_ppm;
    uint32_t rollback_ppm;   /* failures among the last bundles: more takes them out of use */
    uint64_t sequential_gas; /* of one cycle, as long as none was measured */
    uint64_t interval_ns, canary_interval_ns, safe_interval_ns; /* 0: by events alone */
};

struct control_arm {
    uint64_t ended, succeeded, gas;
    uint64_t delay_ns; /* of those that succeeded, from the decision to the block */
    hawse_u256_t gain; /* of those that ended, and of tidying up after them, before gas; signed */
};

struct control {
    bool open;                 /* the breaker */
    bool fall_back;            /* the next one goes by single transactions */
    uint32_t failures, trials; /* in a row */
    uint32_t step, passes;     /* of the ladder */
    uint32_t level;            /* of the amounts by the day */
    uint64_t day;              /* since 1970; 0: none begun */
    uint64_t day_ended, day_failed;
    hawse_u256_t day_gain; /* signed */
    uint32_t window_count, window_next;
    uint8_t window[CONTROL_WINDOW]; /* 1: that bundle failed */
    enum control_reason rolled_back;
    uint64_t orders;
    uint64_t last_ns; /* of the last order; 0: none */
    struct control_arm arm[PATHS];
};

struct control_order {
    enum control_path path;
    bool trial; /* of an open breaker */
    uint32_t slippage_ppm;
    hawse_u256_t max_in;
    uint64_t at_ns;
};

struct control_outcome {
    bool succeeded;
    bool counts;        /* it was signed: what a gate refused is no failure of a bundle */
    bool may_fall_back; /* nothing was broadcast, or it was mined and reverted */
    uint64_t gas_used;
    uint64_t delay_ns;
    hawse_u256_t gain; /* before gas; signed */
};

/* What changed, to be told. */
enum control_notice {
    NOTICE_OPENED = 1,
    NOTICE_CLOSED = 2,
    NOTICE_UP = 4,
    NOTICE_DOWN = 8,
    NOTICE_ROLLED_BACK = 16,
};

/* What may be done now (UTC); *notices, unless NULL, gets what a new day changed. HAWSE_E_AGAIN:
 * not before the interval is over, the order is what it would be; HAWSE_E_DENIED: the switches
 * leave nothing. */
int32_t control_next(const struct control_rules *rules, struct control *c, uint64_t now_ns,
                     struct control_order *order, uint32_t *notices);

/* The order is carried out. */
void control_begun(struct control *c, const struct control_order *order);

/* It ended. Returns notices. */
uint32_t control_ended(const struct control_rules *rules, struct control *c,
                       const struct control_order *order, const struct control_outcome *outcome,
                       uint64_t now_ns);

/* Takes bundles out of use, or (REASON_NONE) into use again. Returns notices. */
uint32_t control_roll_back(struct control *c, enum control_reason reason);

const char *control_reason_text(enum control_reason reason);

#endif
