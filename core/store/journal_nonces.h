/*
 * The journal's two tables of nonces, row by row. What the rows mean, and what may become of them,
 * is core/tx/nonce_journal.c's. [desk]; writes need a group; errors are those of journal.h.
 */
#ifndef CORE_STORE_JOURNAL_NONCES_H
#define CORE_STORE_JOURNAL_NONCES_H

#include "store/journal.h"

/* One statement each; `a` and `b` are what is named here. Those that ask give a number, UINT64_MAX
 * when there is none; those that change give how many rows. */
enum journal_nonce_op {
    JOURNAL_NONCE_FIRST_FREE,
    JOURNAL_NONCE_LAST_FREE,
    JOURNAL_NONCE_IN_FLIGHT, /* reserved and sent */
    JOURNAL_NONCE_USED_FROM, /* from a on, not free */
    JOURNAL_NONCE_EXPIRE,    /* reserved until b, or after a, which is now: free from a */
    JOURNAL_NONCE_DROP_FREE, /* free, below a */
    JOURNAL_NONCE_MINED,     /* sent, below a: mined at b */
    JOURNAL_NONCE_DROP_LOST, /* free and reserved, below a */
    JOURNAL_NONCE_PRUNE,     /* mined, below a */
    JOURNAL_NONCE_DROP_FROM, /* all from a on */
    JOURNAL_NONCE_DELETE,    /* a */
    JOURNAL_NONCE_FREE_ALL,  /* of every account, reserved: free from a */
    JOURNAL_NONCE_OPS
};

struct journal_account {
    uint64_t chain_id;
    uint8_t sender[20];
    uint64_t next, floor; /* 0, 0 when the account is new */
    bool known;
};

struct journal_nonce_row {
    uint64_t number;
    uint32_t state;
    uint8_t token[16], hash[32];
    uint64_t since_ns;
};

/* chain_id and sender say which. */
int32_t journal_account_get(struct journal *journal, struct journal_account *in_out,
                            struct fault *fault);
int32_t journal_account_put(struct journal *journal, const struct journal_account *account,
                            struct fault *fault);
int32_t journal_nonce_do(struct journal *journal, const struct journal_account *account,
                         enum journal_nonce_op op, uint64_t a, uint64_t b, uint64_t *out,
                         struct fault *fault);
int32_t journal_nonce_put(struct journal *journal, const struct journal_account *account,
                          const struct journal_nonce_row *row, struct fault *fault);
/* Rows from <= number < to, the lowest first, at most `cap`; those that are not mined first when
 * `open_first`. */
int32_t journal_nonce_rows(struct journal *journal, const struct journal_account *account,
                           uint64_t from, uint64_t to, bool open_first,
                           struct journal_nonce_row *rows, size_t cap, size_t *count,
                           struct fault *fault);

/* Every account that a nonce was ever had of; ends at the first answer that is not HAWSE_OK. */
int32_t journal_accounts(struct journal *journal,
                         int32_t (*fn)(void *ctx, const struct journal_account *account), void *ctx,
                         struct fault *fault);
/* A number that is greater than any that it gave before, and `least` at least: by it the same host
 * is told from what it was earlier. */
int32_t journal_nonce_life(struct journal *journal, uint64_t least, uint64_t *out,
                           struct fault *fault);

#endif
