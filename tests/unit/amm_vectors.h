/*
 * Reading of the AMM vectors (tests/vectors/amm-*.json): numbers are decimal texts or JSON
 * integers.
 */
#ifndef TESTS_UNIT_AMM_VECTORS_H
#define TESTS_UNIT_AMM_VECTORS_H

#include "vectors.h"

#include <hawse/u256.h>

static inline hawse_u256_t u256_text(const char *text)
{
    hawse_u256_t r = {{0, 0, 0, 0}};
    if (!text || hawse_i256_parse((const uint8_t *)text, strlen(text), &r) != HAWSE_OK)
        FAIL("no number: %s", text ? text : "(null)");
    return r;
}

static inline hawse_u256_t u256_of(const json_t *value)
{
    if (json_is_integer(value))
        return hawse_i256(json_integer_value(value));
    return u256_text(json_string_value(value));
}

static inline hawse_u256_t member(const json_t *object, const char *key)
{
    return u256_of(json_object_get(object, key));
}

static inline void check_u256(const char *what, size_t row, const hawse_u256_t *got,
                              const hawse_u256_t *want)
{
    char a[HAWSE_U256_DECIMAL_MAX], b[HAWSE_U256_DECIMAL_MAX];
    if (hawse_u256_compare(got, want) == 0)
        return;
    (void)hawse_i256_decimal(got, a);
    (void)hawse_i256_decimal(want, b);
    FAIL("row %zu: %s is %s, expected %s", row, what, a, b);
}

#endif
