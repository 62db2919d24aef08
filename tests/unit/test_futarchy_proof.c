/* Are a proposal's tokens what it says? See plugins/strategies/futarchy-arb/proof.h. */
#include "../../plugins/strategies/futarchy-arb/proof.h"
#include "harness.h"

#include <hawse/ctf.h>
#include <hawse/u256.h>
#include <string.h>

static struct bundle_places places;

/* An answer of one word. */
static int32_t word(struct proof *p, uint32_t question, uint8_t last)
{
    uint8_t answer[32] = {0};
    answer[31] = last;
    return proof_take(p, (enum proof_question)question, answer, 32);
}

/* wrappedOutcome's: (address, bytes). */
static int32_t outcome(struct proof *p, uint32_t item, uint8_t last, uint8_t decimals)
{
    uint8_t answer[6 * 32] = {0};
    answer[31] = last;
    answer[63] = 64;
    answer[95] = PROOF_DATA;
    answer[96 + PROOF_DATA - 1] = decimals;
    return proof_take_outcome(p, item, answer, sizeof(answer));
}

/* A proposal that says the truth. */
static void good(struct proof *p)
{
    memset(p, 0, sizeof(*p));
    for (uint8_t i = 0; i < 2; i++)
        p->collateral[i][19] = (uint8_t)(10 + i);
    for (uint8_t i = 0; i < PROOF_OUTCOMES; i++)
        CHECK_EQ(outcome(p, i, (uint8_t)(20 + i), 18), HAWSE_OK);
    for (uint8_t i = 0; i < PROOF_DECIMALS; i++)
        CHECK_EQ(word(p, i, (uint8_t)(30 + i)), HAWSE_OK);
    for (uint8_t i = PROOF_DECIMALS; i < PROOF_WRAPPED; i++)
        CHECK_EQ(word(p, i, 18), HAWSE_OK);
    for (uint8_t i = 0; i < PROOF_OUTCOMES; i++)
        CHECK_EQ(word(p, PROOF_WRAPPED + i, (uint8_t)(20 + i)), HAWSE_OK);
}

static bool says(const struct proof *p, bool named, const char *what)
{
    char why[PROOF_TEXT] = "";
    return !proof_judge(p, named, why) && strstr(why, what) != NULL;
}

TEST(proof_good, "tokens that are the wrappers of their positions are trusted")
{
    struct proof p;
    char why[PROOF_TEXT];
    good(&p);
    CHECK(proof_is_whole(&p));
    CHECK(proof_judge(&p, false, why));
}

TEST(proof_lies,
     "what is not as it has to be is named; taken at its word, only what cannot be traded")
{
    struct proof p;
    char why[PROOF_TEXT];
    good(&p);
    p.wrapped[2][19] = 99;
    CHECK(says(&p, false, "YES of collateral 2 is 0x0000000000000000000000000000000000000016"));
    CHECK(proof_judge(&p, true, why));
    good(&p);
    CHECK_EQ(word(&p, PROOF_DECIMALS + 1, 6), HAWSE_OK);
    CHECK(says(&p, false, "has 6 decimals, 18 are needed"));
    good(&p);
    CHECK_EQ(outcome(&p, 3, 23, 6), HAWSE_OK);
    CHECK(says(&p, false, "NO of collateral 2 has no wrapper's data"));
    good(&p);
    CHECK_EQ(outcome(&p, 1, 20, 18), HAWSE_OK);
    CHECK(says(&p, true, "as YES of collateral 1 and as NO of collateral 1"));
    good(&p);
    CHECK_EQ(outcome(&p, 0, 11, 18), HAWSE_OK);
    CHECK(says(&p, true, "as YES of collateral 1 and as collateral 2"));
    good(&p);
    p.known &= ~(1u << PROOF_CONDITION);
    p.wrapped[2][19] = 99;
    CHECK(!proof_is_whole(&p) && proof_judge(&p, false, why)); /* not yet */
}

TEST(proof_answers, "answers that are short, no address or no small number are none")
{
    struct proof p;
    uint8_t answer[32];
    memset(answer, 0xff, sizeof(answer));
    good(&p);
    for (uint32_t i = 0; i < PROOF_QUESTIONS; i++) {
        bool any = i == PROOF_CONDITION || i == PROOF_PARENT;
        p.known = 0;
        CHECK_EQ(proof_take(&p, (enum proof_question)i, answer, 31), HAWSE_E_FORMAT);
        CHECK_EQ(proof_take(&p, (enum proof_question)i, answer, 32),
                 any ? HAWSE_OK : HAWSE_E_FORMAT);
        CHECK_EQ(p.known, any ? 1u << i : 0);
    }
    CHECK_EQ(proof_take_outcome(&p, 0, answer, 32), HAWSE_E_FORMAT);
    memset(answer, 0, 12);
    CHECK_EQ(proof_take_outcome(&p, 0, answer, 32), HAWSE_OK); /* named, without data */
    CHECK(says(&p, false, "YES of collateral 1 has no wrapper's data"));
}

TEST(proof_order, "each question waits for what it needs, and asks whom it concerns")
{
    const uint8_t *pair[2] = {places.token[0], places.token[1]};
    uint8_t to[20], data[PROOF_CALL], collection[32], position[32];
    hawse_u256_t no = hawse_u256(2);
    struct proof p, empty = {.known = 0};
    good(&p);
    places.router[19] = 1, places.proposal[19] = 2, places.swap_router[19] = 3;
    for (uint32_t i = 0; i < PROOF_QUESTIONS; i++) {
        CHECK_EQ(proof_can_ask(&empty, (enum proof_question)i),
                 i < PROOF_DECIMALS || i == PROOF_FACTORY);
        CHECK_EQ(proof_can_ask(&p, (enum proof_question)i), i < PROOF_POOL);
    }
    CHECK_EQ(proof_call(&p, &places, PROOF_WRAPPER, pair, to, data), 4);
    CHECK_EQ(to[19], 1);
    CHECK_EQ(proof_call(&p, &places, PROOF_PARENT, pair, to, data), 4);
    CHECK_EQ(to[19], 2);
    CHECK_EQ(proof_call(&p, &places, PROOF_DECIMALS + 1, pair, to, data), 4);
    CHECK_EQ(to[19], 11);
    CHECK_EQ(proof_call(&p, &places, PROOF_FACTORY, pair, to, data), 4);
    CHECK_EQ(to[19], 3);
    CHECK_EQ(proof_call(&p, &places, PROOF_WRAPPED + 3, pair, to, data), PROOF_CALL);
    CHECK_EQ(to[19], 31);
    CHECK_EQ(hawse_ctf_collection(p.parent, p.condition, &no, collection), HAWSE_OK);
    hawse_ctf_position(p.collateral[1], collection, position);
    CHECK(memcmp(data + 4 + 32, position, 32) == 0); /* NO of collateral 2 */
    CHECK_EQ(data[4 + 4 * 32 + PROOF_DATA - 1], 18);
    CHECK_EQ(word(&p, PROOF_FACTORY, 40), HAWSE_OK);
    CHECK_EQ(proof_call(&p, &places, PROOF_POOL + 1, pair, to, data), 68);
    CHECK_EQ(to[19], 40);
}
