/* What the tests of the journal share: journals in the scratch folder, with something in them. */
#ifndef TESTS_JOURNAL_RIG_H
#define TESTS_JOURNAL_RIG_H

#include "store/journal.h"

extern struct fault fault; /* of the last call; each test is a process of its own */

#define GOOD(call)                                               \
    do {                                                         \
        fault_clear(&fault);                                     \
        if ((call) != HAWSE_OK)                                  \
            FAIL("%s: %d %s", #call, fault.code, fault.message); \
    } while (0)

/* The body of every intent here. */
#define JOURNAL_BODY "{\"calls\":[{\"to\":\"0x01\"}],\"note\":\"\\u00e9\"}"

const char *path_of(const char *name);
struct journal *open_as(const char *name, bool read_only);
int32_t open_code(const char *name, struct fault *why);
hawse_view_t text_view(const char *text);
struct journal_intent an_intent(const char *instance, const char *id);
uint64_t add_intent(struct journal *journal, const char *id);
struct journal_step a_step(uint64_t intent, uint32_t step);
void add_step(struct journal *journal, uint64_t intent, uint32_t step);
struct journal_attempt an_attempt(uint64_t intent, uint64_t nonce);
void add_attempt(struct journal *journal, uint64_t intent, uint64_t nonce);
void verify_good(struct journal *journal);
void fill(struct journal *journal);
void change(const char *name, const char *sql);

#endif
