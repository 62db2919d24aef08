/*
 * Compares what a plugin does now with what it did: answers its calls with the recorded answers, in
 * order, folds both sides into hashes, and puts the first difference into words.
 */
#ifndef CORE_REPLAY_JUDGE_H
#define CORE_REPLAY_JUDGE_H

#include "replay/player.h"
#include "replay/words.h"

#include <openssl/evp.h>

struct judge {
    struct played *played;
    EVP_MD_CTX *recorded, *now;   /* running hashes of the outputs */
    const struct walk_step *step; /* the callback under way */
    uint32_t next;                /* of its recorded calls */
    uint64_t reserves;            /* that succeeded since the last recorded call */
    uint64_t made_up;             /* handles that had to be invented */
    bool differed;                /* in this callback */
    bool counts;                  /* differences are counted: not before --from */
    uint64_t begun_ns;            /* of the capture */
};

int32_t judge_init(struct judge *judge, struct played *played);
void judge_finish(struct judge *judge);

void judge_begin(struct judge *judge, const struct walk_step *step);
/* Answers a call: as recorded, or, where the plugin asks for what it did not ask for then, with
 * what is likely. */
void judge_call(struct judge *judge, struct record_call *call);
/* Is there room, as there was then? */
bool judge_reserve(struct judge *judge, uint64_t len);
void judge_end(struct judge *judge, int32_t result);

#endif
