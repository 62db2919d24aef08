/*
 * futarchy: proposals of one chain, named by the configuration or found by their factory, and what
 * becomes of them.
 *
 * What a proposal is cannot change, so each is asked once (ask.c), one question at a time; what it
 * came to is followed by the logs of Conditional Tokens (futarchy.c). Nothing is told of a proposal
 * before all of it is known. What can't be told for want of room is told later, as it is then.
 */
#ifndef PLUGIN_FUTARCHY_H
#define PLUGIN_FUTARCHY_H

#include <hawse/abi.h>
#include <hawse/hawse.h>
#include <hawse/service/rpc.h>
#include <hawse/service/sub.h>
#include <hawse/service/timer.h>
#include <hawse/space/host.h>
#include <hawse/space/position.h>
#include <stdbool.h>

enum { PROPOSALS_MAX = 256 };

/* What is asked of a proposal, in this order. */
enum ask {
    ASK_CONDITION,
    ASK_COLLATERAL,                   /* two */
    ASK_OUTCOME = ASK_COLLATERAL + 2, /* four */
    ASK_DENOMINATOR = ASK_OUTCOME + 4,
    ASK_PAYOUT, /* two, where it is resolved */
    ASKS = ASK_PAYOUT + 2,
};

struct proposal {
    hawse_position_proposal_t is;
    uint32_t step;   /* enum ask: the next question; ASKS: it is known */
    uint32_t failed; /* times that it could not be answered */
    uint64_t retry_ns;
    bool answered; /* a log told what it came to: what is asked for that is older */
    bool changed;  /* to be told */
    bool named;    /* by the configuration: it is asked for ever */
};

enum { EVENT_RESOLVED, EVENT_PROPOSED, EVENTS };

struct futarchy {
    const hawse_host_t *host;
    hawse_instance_t self;
    const hawse_sub_service_t *sub;
    const hawse_rpc_service_t *rpc;
    const hawse_timer_service_t *timers;
    hawse_abi_signature_t events[EVENTS];
    uint8_t conditional_tokens[20], factory[20];
    bool factory_set, full;
    struct proposal all[PROPOSALS_MAX];
    uint32_t count;
    bool asking;
    uint32_t asked; /* which of all */
    hawse_request_t request;
    uint32_t told;         /* of hawse_continuity_pass */
    uint64_t complaint_ns; /* when it was said last that one is not answered */
    uint32_t unsaid;       /* others since */
};

/* [lane] Asks the next question, when none is under way and one is due. */
void ask_next(struct futarchy *f);

/* [lane; borrows event] Takes an answer. */
void ask_take(struct futarchy *f, const hawse_event_t *event);

/* [lane] One line of the log. */
void futarchy_say(const struct futarchy *f, uint32_t level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
