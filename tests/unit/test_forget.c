/*
 * An intent that leaves the desk's memory in the middle of its way, as all of them do when the
 * journal cannot be written: its account counts nothing of it any more, since what is counted holds
 * others back. The desk is the real one, with nothing but this intent in it.
 */
#include "tx/desk_private.h"

#include "harness.h"

#include <stdlib.h>

enum { LEGS = 2 };

static void forgets(bool together, bool delegated)
{
    struct desk *desk = calloc(1, sizeof(*desk));
    static const struct config_chain config = {.name = "local"};
    struct desk_chain *chain = calloc(1, sizeof(*chain));
    struct desk_account *account = calloc(1, sizeof(*account));
    struct desk_intent *intent = calloc(1, sizeof(*intent));
    struct plan *plan = calloc(1, sizeof(*plan));
    struct leg *legs = calloc(LEGS, sizeof(*legs));
    if (desk && chain && account && intent && plan && legs) {
        chain->config = &config;
        plan->count = LEGS;
        plan->together = together;
        plan->delegated = delegated;
        *intent = (struct desk_intent){.desk = desk,
                                       .chain = chain,
                                       .account = account,
                                       .plan = plan,
                                       .legs = legs,
                                       .at = &chain->intents};
        chain->intents = intent;
        chain->open = account->open = 1;
        account->busy = LEGS;
        account->lone = together || delegated ? LEGS : 0;
        for (uint32_t i = 0; i < LEGS; i++)
            legs[i] = (struct leg){
                .intent = intent, .index = i, .counted = true, .life.state = LIFE_SENT};
        desk_forget(intent);
        CHECK(account->busy == 0);
        CHECK(account->lone == 0);
        CHECK(chain->intents == NULL && desk->dead == intent);
    }
    free(legs);
    free(plan);
    free(intent);
    free(account);
    free(chain);
    free(desk);
}

TEST(forget_counts, "of an intent that is forgotten on its way nothing is counted")
{
    forgets(false, false);
}

TEST(forget_bundle,
     "a bundle that is forgotten on its way does not hold the others of its account back")
{
    forgets(true, false);
    forgets(false, true); /* of an account that lets its code point to an executor */
}
