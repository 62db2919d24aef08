/*
 * What the tests of Solana's encodings share: the vectors of tests/vectors, and texts to bytes.
 * Each function ends the test when it finds something else.
 */
#ifndef HAWSE_TESTS_SOLANA_VECTORS_H
#define HAWSE_TESTS_SOLANA_VECTORS_H

#include "vectors.h"

#include <hawse/base58.h>
#include <hawse/solana/program.h>

/* Hexadecimal text to bytes; returns how many. */
static inline uint64_t bytes_of(const char *hex, uint8_t *out, uint64_t cap)
{
    uint64_t len = strlen(hex) / 2;
    CHECK(len <= cap);
    CHECK_EQ(hawse_hex_decode((const uint8_t *)hex, out, len), HAWSE_OK);
    return len;
}

static inline void key_of(const char *text, uint8_t key[32])
{
    CHECK_EQ(hawse_base58_key((const uint8_t *)text, strlen(text), key), HAWSE_OK);
}

/* The instructions of a case, gathered. */
static inline void read_instructions(const json_t *list, hawse_solana_builder_t *b)
{
    size_t i, a;
    json_t *one, *account;
    hawse_solana_begin(b);
    json_array_foreach(list, i, one)
    {
        static uint8_t data[HAWSE_SOLANA_TX_MAX];
        hawse_solana_meta_t metas[128];
        uint8_t program[32];
        key_of(text_of(one, "program"), program);
        json_array_foreach(json_object_get(one, "accounts"), a, account)
        {
            const char *flags = json_string_value(json_array_get(account, 1));
            key_of(json_string_value(json_array_get(account, 0)), metas[a].key);
            metas[a].signer = flags[0] == 's';
            metas[a].writable = flags[1] == 'w';
        }
        uint64_t len = bytes_of(text_of(one, "data"), data, sizeof(data));
        CHECK_EQ(hawse_solana_add(b, program, metas, (uint32_t)a, data, (uint32_t)len), HAWSE_OK);
    }
}

#endif
