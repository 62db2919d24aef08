/*
 * Was each transaction of a journal simulated as it was signed? Its bytes are decoded and bound
 * anew, and held against the simulation that it names, as the journal had it before. Reads alone;
 * what it finds says nothing of the chain of hashes, which journal_verify() proves.
 */
#ifndef CORE_TX_AUDIT_H
#define CORE_TX_AUDIT_H

#include "store/journal.h"

struct audit {
    uint64_t attempts; /* transactions that were signed */
    uint64_t bound;    /* by a simulation that succeeded, of these very bytes */
    uint64_t without;  /* none, or one that is not in the journal or did not succeed */
    uint64_t wrong;    /* of other bytes, or of less gas */
    char first[256];   /* what is not bound, in words; "" = all are */
};

int32_t audit_simulations(struct journal *journal, struct audit *out, struct fault *fault);

#endif
