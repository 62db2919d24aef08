/*
 * A provider's circuit breaker: closed while it answers, open after 5 failures in a row or when
 * half of at least 20 in 30 s failed; open for 10 s, doubling to 5 minutes; then one probe at a
 * time, and 3 good ones close it. Pure: time is an argument. What counts as a failure is
 * rpc_policy's to say.
 */
#ifndef CORE_RPC_BREAKER_H
#define CORE_RPC_BREAKER_H

#include <stdbool.h>
#include <stdint.h>

enum breaker_state { BREAKER_CLOSED, BREAKER_OPEN, BREAKER_HALF_OPEN };

enum { BREAKER_SECONDS = 30 };

/* All zero is a closed one. */
struct breaker {
    enum breaker_state state;
    uint32_t in_a_row; /* failures while closed, good probes while half-open */
    uint64_t until_ns; /* open until then */
    uint64_t open_ns;  /* how long it was opened last */
    bool probing;      /* its one probe is under way */
    struct {
        uint64_t second;
        uint32_t good, bad;
    } past[BREAKER_SECONDS];
};

/* An answer came that says the provider works. True: this closed it. */
bool breaker_success(struct breaker *breaker, uint64_t now_ns);
/* One that says it does not. True: this opened it. */
bool breaker_failure(struct breaker *breaker, uint64_t now_ns);
/* Is a probe due? True gives it to the caller, who ends it with one of the two above, or with
 * breaker_forget when nothing came of it. */
bool breaker_probe(struct breaker *breaker, uint64_t now_ns);
void breaker_forget(struct breaker *breaker);
/* Failures of the last 30 s, of 1,000. */
uint32_t breaker_errors(const struct breaker *breaker, uint64_t now_ns);

#endif
