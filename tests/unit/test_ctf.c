/* Names of conditional tokens, as the deployed contract answered them. */
#include "vectors.h"

#include <hawse/ctf.h>
#include <hawse/u256.h>

static hawse_u256_t decimal_of(const json_t *row, const char *key)
{
    const char *text = json_string_value(json_object_get(row, key));
    hawse_u256_t n;
    if (!text || hawse_u256_parse((const uint8_t *)text, strlen(text), &n) != HAWSE_OK)
        FAIL("%s is not a number", key);
    return n;
}

TEST(ctf_conditions, "a condition is its oracle, question and number of outcomes")
{
    json_t *all = vectors_load("ctf-ids.json");
    size_t i;
    json_t *row;
    json_array_foreach(json_object_get(all, "condition"), i, row)
    {
        uint8_t oracle[20], question[32], want[32], got[32];
        fixed_of(row, "oracle", oracle, 20);
        fixed_of(row, "questionId", question, 32);
        fixed_of(row, "conditionId", want, 32);
        hawse_ctf_condition(oracle, question,
                            (uint32_t)json_integer_value(json_object_get(row, "outcomeSlotCount")),
                            got);
        CHECK_MEM(got, want, 32);
    }
    CHECK(i >= 6);
    json_decref(all);
}

TEST(ctf_collections, "a collection is a point of the curve, alone or within another")
{
    json_t *all = vectors_load("ctf-ids.json");
    size_t i, within = 0;
    json_t *row;
    json_array_foreach(json_object_get(all, "collection"), i, row)
    {
        static const uint8_t none[32];
        uint8_t parent[32], condition[32], want[32], got[32];
        fixed_of(row, "parentCollectionId", parent, 32);
        fixed_of(row, "conditionId", condition, 32);
        hawse_u256_t set = decimal_of(row, "indexSet");
        if (strncmp(text_of(row, "collectionId"), "revert", 6) == 0) {
            CHECK_EQ(hawse_ctf_collection(parent, condition, &set, got), HAWSE_E_FORMAT);
            continue;
        }
        fixed_of(row, "collectionId", want, 32);
        CHECK_EQ(hawse_ctf_collection(parent, condition, &set, got), HAWSE_OK);
        CHECK_MEM(got, want, 32);
        within += memcmp(parent, none, 32) != 0;
    }
    CHECK(i >= 50 && within > 0);
    json_decref(all);
}

TEST(ctf_positions, "a position is a collection with a collateral")
{
    json_t *all = vectors_load("ctf-ids.json");
    size_t i;
    json_t *row;
    json_array_foreach(json_object_get(all, "position"), i, row)
    {
        uint8_t collateral[20], collection[32], want[32], got[32];
        fixed_of(row, "collateral", collateral, 20);
        fixed_of(row, "collectionId", collection, 32);
        hawse_u256_t id = decimal_of(row, "positionId");
        hawse_u256_to_be(&id, want);
        hawse_ctf_position(collateral, collection, got);
        CHECK_MEM(got, want, 32);
    }
    CHECK(i >= 12);
    json_decref(all);
}

TEST(ctf_order, "the order of conditions does not matter; what is no collection is no parent")
{
    static const uint8_t none[32];
    uint8_t a[32], b[32], one[32], two[32], parent[32];
    const hawse_u256_t yes = hawse_u256(1), no = hawse_u256(2);
    memset(a, 0x11, 32);
    memset(b, 0x22, 32);
    CHECK_EQ(hawse_ctf_collection(none, a, &yes, parent), HAWSE_OK);
    CHECK_EQ(hawse_ctf_collection(parent, b, &no, one), HAWSE_OK);
    CHECK_EQ(hawse_ctf_collection(none, b, &no, parent), HAWSE_OK);
    CHECK_EQ(hawse_ctf_collection(parent, a, &yes, two), HAWSE_OK);
    CHECK_MEM(one, two, 32);
    CHECK_EQ(hawse_ctf_collection(parent, b, &no, one), HAWSE_OK); /* twice the same: doubled */
    memset(parent, 0xff, 32);
    CHECK_EQ(hawse_ctf_collection(parent, b, &no, one), HAWSE_E_FORMAT); /* above the prime */
    uint32_t bad = 0;
    for (uint8_t i = 1; i < 40; i++) { /* half of all x have no point */
        memset(parent, 0, 32);
        parent[31] = i;
        bad += hawse_ctf_collection(parent, b, &no, one) == HAWSE_E_FORMAT;
    }
    CHECK(bad > 8 && bad < 32);
}
