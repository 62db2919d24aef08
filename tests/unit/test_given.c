/* Structs of plugins that were built for an earlier 1.x. */
#include "harness.h"
#include "host/given.h"

/* hawse_sub_spec_t as a later 1.x could have it. */
struct grown {
    hawse_sub_spec_t first;
    uint64_t more;
};

TEST(given_sizes, "what 1.0 had is enough, whatever was appended since")
{
    CHECK_EQ(GIVEN_EVENT, 72);
    CHECK_EQ(GIVEN_SUB_SPEC, 48);
    CHECK_EQ(GIVEN_STREAM_SPEC, 80);
    CHECK_EQ(GIVEN_RPC_CALL, 72);
    CHECK_EQ(GIVEN_HTTP_CALL, 120);
    CHECK_EQ(GIVEN_COMMAND_SPEC, 64);
    CHECK_EQ(GIVEN_ALERT, 56);
    CHECK_EQ(GIVEN_COMMAND_RESULT, 40);
}

TEST(given_older, "a shorter struct is taken, with 0 where it has nothing, and not read beyond")
{
    struct grown own, theirs;
    memset(&own, 0x5a, sizeof(own));
    memset(&theirs, 0x77, sizeof(theirs));
    theirs.first.size = GIVEN_SUB_SPEC;
    theirs.first.space = 3;
    const struct grown *taken = GIVEN(&theirs, &own, GIVEN_SUB_SPEC);
    CHECK(taken == &own);
    CHECK_MEM(&taken->first, &theirs.first, sizeof(theirs.first));
    CHECK_EQ_U64(taken->more, 0);
}

TEST(given_same, "one of today's or longer is used where it is")
{
    struct grown own, theirs = {.first.size = sizeof(theirs)};
    CHECK(GIVEN(&theirs, &own, GIVEN_SUB_SPEC) == &theirs);
    theirs.first.size = sizeof(theirs) + 8;
    CHECK(GIVEN(&theirs, &own, GIVEN_SUB_SPEC) == &theirs);
}

TEST(given_short, "one that has less than 1.0 is refused, and so is none")
{
    struct grown own, theirs = {.first.size = GIVEN_SUB_SPEC - 1};
    CHECK(GIVEN(&theirs, &own, GIVEN_SUB_SPEC) == NULL);
    theirs.first.size = 0;
    CHECK(GIVEN(&theirs, &own, GIVEN_SUB_SPEC) == NULL);
    CHECK(given(NULL, &own, sizeof(own), GIVEN_SUB_SPEC) == NULL);
}
