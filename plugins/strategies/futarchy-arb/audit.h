/*
 * The verbs `verify` and `approvals`: asks the chain what they need to know, one question after the
 * other, and answers the operator. One at a time. Part of arb.h's strategy; [lane].
 */
#ifndef FUTARCHY_ARB_AUDIT_H
#define FUTARCHY_ARB_AUDIT_H

#include "verify.h"

#include <hawse/service/command.h>
#include <hawse/service/rpc.h>

struct arb;

enum audit_what { AUDIT_NOTHING, AUDIT_VERIFY, AUDIT_LIST, AUDIT_SET, AUDIT_REVOKE };

enum audit_question {
    AUDIT_CHAIN_ID,
    AUDIT_CODE,
    AUDIT_ACCOUNT_CODE,
    AUDIT_PROBE,
    AUDIT_SDAI,
    AUDIT_COIN,
    AUDIT_ALLOWANCE, /* and approval_count() - 1 more */
    AUDIT_QUESTIONS = AUDIT_ALLOWANCE + APPROVALS
};

enum { AUDIT_CODE_MAX = 32768 };

struct audit {
    const hawse_command_service_t *command; /* NULL: this host has no verbs */
    enum audit_what what;
    hawse_command_t call;
    uint64_t deadline_ns;
    bool waits;              /* for the proposal's tokens */
    uint32_t next;           /* question under way */
    hawse_request_t request; /* 0: none */
    bool send;
    hawse_u256_t amount; /* to be approved */
    uint64_t intents;    /* of this run, for their ids */
    uint64_t intent;     /* handle; 0: none is under way */
    struct verify_facts facts;
    uint8_t code[AUDIT_CODE_MAX], account_code[32];
};

/* In create(): offers the verbs. */
int32_t audit_add(struct arb *a);
/* An event of the host's own, or of intents: true when it was this one's. */
bool audit_event(struct arb *a, const hawse_event_t *event);
/* After each batch: goes on when what it waits for is there. */
void audit_go_on(struct arb *a);

#endif
