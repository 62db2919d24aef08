/*
 * The JSON reader: against jansson, against itself with other kernels, and on what is no JSON.
 */
#include "harness.h"
#include "json_marks.h"

#include <hawse/json.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 4096 };

static uint8_t text[TEXT_MAX + HAWSE_PADDING];
static uint32_t marks[TEXT_MAX + 2];

static size_t put(const char *s)
{
    size_t n = strlen(s);
    memset(text, 'x', sizeof(text)); /* what follows must not matter */
    memcpy(text, s, n);
    return n;
}

static int32_t index_text(hawse_json_t *doc, const char *s, hawse_json_value_t *root)
{
    size_t n = put(s);
    int32_t code = hawse_json_index(doc, text, n, marks, TEXT_MAX + 2);
    return code == HAWSE_OK ? hawse_json_root(doc, root) : code;
}

TEST(json_reads_a_log, "members of a log notification are found in any order")
{
    hawse_json_t doc;
    hawse_json_value_t root, params, result, v, topics;
    CHECK_EQ(index_text(&doc,
                        "{\"jsonrpc\":\"2.0\",\"method\":\"eth_subscription\",\"params\":{"
                        "\"subscription\":\"0x1\",\"result\":{\"address\":\"0xab\",\"topics\":["
                        "\"0x1\",\"0x2\"] , \"data\":\"0x\",\"removed\":false,\"n\":12}}}",
                        &root),
             HAWSE_OK);
    CHECK_EQ(hawse_json_get(&doc, &root, "method", &v), HAWSE_OK);
    CHECK(hawse_json_is(&v, "eth_subscription"));
    CHECK_EQ(hawse_json_get(&doc, &root, "params", &params), HAWSE_OK);
    CHECK_EQ(hawse_json_get(&doc, &params, "result", &result), HAWSE_OK);
    CHECK_EQ(hawse_json_get(&doc, &params, "subscription", &v), HAWSE_OK); /* an earlier one */
    CHECK_EQ(hawse_json_get(&doc, &result, "removed", &v), HAWSE_OK);
    CHECK_EQ(v.kind, HAWSE_JSON_FALSE);
    CHECK_EQ(hawse_json_get(&doc, &result, "topics", &topics), HAWSE_OK);
    CHECK_EQ(hawse_json_next(&doc, &topics, NULL, &v), 1);
    CHECK(hawse_json_is(&v, "0x1"));
    CHECK_EQ(hawse_json_next(&doc, &topics, NULL, &v), 1);
    CHECK(hawse_json_is(&v, "0x2"));
    CHECK_EQ(hawse_json_next(&doc, &topics, NULL, &v), 0);
    CHECK_EQ(hawse_json_get(&doc, &result, "absent", &v), HAWSE_E_NOTFOUND);
    CHECK_EQ(hawse_json_get(&doc, &result, "absent", &v), HAWSE_E_NOTFOUND);
    CHECK_EQ(hawse_json_get(&doc, &result, "n", &v), HAWSE_OK);
    uint64_t n = 0;
    CHECK_EQ(hawse_json_u64(&v, &n), HAWSE_OK);
    CHECK_EQ_U64(n, 12);
    hawse_view_t raw;
    CHECK_EQ(hawse_json_raw(&doc, &topics, &raw), HAWSE_OK);
    CHECK_EQ_U64(raw.len, 13);
}

TEST(json_integers_are_exact, "integers are exact to 2^64 - 1, and what does not fit is refused")
{
    static const struct {
        const char *json;
        int32_t code;
        uint64_t value;
    } rows[] = {
        {"18446744073709551615", HAWSE_OK, UINT64_MAX},
        {"18446744073709551616", HAWSE_E_RANGE, 0},
        {"9007199254740993", HAWSE_OK, 9007199254740993u},
        {"-0", HAWSE_OK, 0},
        {"-1", HAWSE_E_RANGE, 0},
        {"1.5", HAWSE_E_FORMAT, 0},
        {"1e3", HAWSE_E_FORMAT, 0},
        {"01", HAWSE_E_FORMAT, 0},
        {"0", HAWSE_OK, 0},
        {"\"1\"", HAWSE_E_INVAL, 0},
    };
    hawse_json_t doc;
    hawse_json_value_t root;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint64_t n = 0;
        CHECK_EQ(index_text(&doc, rows[i].json, &root), HAWSE_OK);
        CHECK_EQ(hawse_json_u64(&root, &n), rows[i].code);
        CHECK_EQ_U64(n, rows[i].value);
    }
    int64_t m = 0;
    CHECK_EQ(index_text(&doc, "-9223372036854775808", &root), HAWSE_OK);
    CHECK_EQ(hawse_json_i64(&root, &m), HAWSE_OK);
    CHECK(m == INT64_MIN);
    CHECK_EQ(index_text(&doc, "-9223372036854775809", &root), HAWSE_OK);
    CHECK_EQ(hawse_json_i64(&root, &m), HAWSE_E_RANGE);
}

TEST(json_refuses, "what is no JSON is refused by the strict check")
{
    static const char *const bad[] = {"",
                                      " ",
                                      "{",
                                      "}",
                                      "[",
                                      "]",
                                      "[1,]",
                                      "[,1]",
                                      "{\"a\"}",
                                      "{\"a\":}",
                                      "{\"a\":1,}",
                                      "{1:2}",
                                      "{\"a\" 1}",
                                      "[1 2]",
                                      "01",
                                      "+1",
                                      ".5",
                                      "5.",
                                      "1e",
                                      "1e+",
                                      "-",
                                      "--1",
                                      "0x10",
                                      "nul",
                                      "tru",
                                      "True",
                                      "NaN",
                                      "Infinity",
                                      "'a'",
                                      "\"",
                                      "\"\\\"",
                                      "\"\\x\"",
                                      "\"\\u12\"",
                                      "\"\\u12G4\"",
                                      "\"\\ud800\"",
                                      "\"\\udc00\"",
                                      "\"\\ud800\\u0041\"",
                                      "\"\t\"",
                                      "\"\n\"",
                                      "\"\x01\"",
                                      "\"\x80\"",
                                      "\"\xc0\xaf\"",
                                      "\"\xed\xa0\x80\"",
                                      "\"\xf4\x90\x80\x80\"",
                                      "\"\xf0\x80\x80\x80\"",
                                      "\xef\xbb\xbf{}",
                                      "{}x",
                                      "[]]",
                                      "{}{}",
                                      "1 2",
                                      "\"a\"\"b\"",
                                      "[\"a\":1]",
                                      "{\"a\":1:2}",
                                      "[1}",
                                      "{\"a\":1]",
                                      "[[]",
                                      "nulll",
                                      "/**/1",
                                      "[1,\n",
                                      "\"a",
                                      "{\"a\":\"b}",
                                      "-01",
                                      "1.e5",
                                      "\\",
                                      "[\\\"]",
                                      "{\"\\\":1}",
                                      "[1e5.2]",
                                      "- 1",
                                      "[-]",
                                      "\"\\u\"",
                                      "[\"\\\"",
                                      "{\"a\":tru}",
                                      "[nul]",
                                      "1,",
                                      ",",
                                      ":",
                                      "{,}",
                                      "[:]",
                                      "{\"a\"::1}"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        size_t n = put(bad[i]);
        if (hawse_json_validate(text, n, NULL) == HAWSE_OK)
            FAIL("accepted: %s", bad[i]);
    }
    static const char *const good[] = {"0",
                                       "-0",
                                       "1e400",
                                       "-1.5E-7",
                                       "\"\\ud83d\\ude00\"",
                                       "[]",
                                       "{}",
                                       " [ 1 , {\"a\" : null } ] ",
                                       "\"\\u0000\"",
                                       "true",
                                       "\"\xf0\x9f\x98\x80\"",
                                       "[[[[[]]]]]",
                                       "{\"\":\"\"}"};
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        size_t n = put(good[i]);
        if (hawse_json_validate(text, n, NULL) != HAWSE_OK)
            FAIL("refused: %s", good[i]);
    }
    char deep[300];
    memset(deep, '[', 100);
    memset(deep + 100, ']', 100);
    deep[200] = '\0';
    CHECK_EQ(hawse_json_validate(text, put(deep), NULL), HAWSE_E_LIMIT);
}

/* ---- random documents ---- */

static size_t grow(char *out, size_t at, int depth)
{
    static const char *const atoms[] = {
        "null",        "true",           "false",     "0",
        "-12",         "3.25",           "1e9",       "18446744073709551615",
        "\"\"",        "\"a\\\"b\"",     "\"\\\\\"",  "\"{[]}\"",
        "\"\\u00e9\"", "\"x\\\\\\\"y\"", "\"0x12ab\""};
    if (at > 3000 || depth > 6 || test_random() % 3 == 0) {
        const char *a = atoms[test_random() % (sizeof(atoms) / sizeof(atoms[0]))];
        return at + (size_t)snprintf(out + at, 64, "%s", a);
    }
    bool object = test_random() % 2;
    uint64_t n = test_random() % 5;
    out[at++] = object ? '{' : '[';
    for (uint64_t i = 0; i < n; i++) {
        if (i)
            out[at++] = ',';
        if (test_random() % 4 == 0)
            out[at++] = ' ';
        if (object)
            at += (size_t)snprintf(out + at, 64, "\"k%llu\":", (unsigned long long)i);
        at = grow(out, at, depth + 1);
    }
    out[at++] = object ? '}' : ']';
    out[at] = '\0';
    return at;
}

/* The walk sees the same tree as jansson. */
static void compare(const hawse_json_t *doc, hawse_json_value_t v, const json_t *j)
{
    hawse_json_value_t member;
    hawse_view_t key;
    size_t n = 0;
    int32_t code;
    switch (json_typeof(j)) {
    case JSON_OBJECT:
        CHECK_EQ(v.kind, HAWSE_JSON_OBJECT);
        while ((code = hawse_json_next(doc, &v, &key, &member)) == 1) {
            char name[16] = "";
            memcpy(name, key.data, key.len);
            compare(doc, member, json_object_get(j, name));
            n++;
        }
        CHECK_EQ(code, 0);
        CHECK_EQ(n, json_object_size(j));
        break;
    case JSON_ARRAY:
        CHECK_EQ(v.kind, HAWSE_JSON_ARRAY);
        while ((code = hawse_json_next(doc, &v, NULL, &member)) == 1)
            compare(doc, member, json_array_get(j, n++));
        CHECK_EQ(code, 0);
        CHECK_EQ(n, json_array_size(j));
        break;
    case JSON_STRING: {
        uint8_t plain[256];
        uint64_t need = 0;
        CHECK_EQ(hawse_json_unescape(&v, plain, sizeof(plain), &need), HAWSE_OK);
        CHECK_EQ_U64(need, json_string_length(j));
        CHECK_MEM(plain, json_string_value(j), need);
        break;
    }
    case JSON_TRUE:
        CHECK_EQ(v.kind, HAWSE_JSON_TRUE);
        break;
    case JSON_FALSE:
        CHECK_EQ(v.kind, HAWSE_JSON_FALSE);
        break;
    case JSON_NULL:
        CHECK_EQ(v.kind, HAWSE_JSON_NULL);
        break;
    default:
        CHECK_EQ(v.kind, HAWSE_JSON_NUMBER);
    }
}

TEST(json_equals_jansson, "random documents read like jansson reads them")
{
    static char s[TEXT_MAX];
    size_t flags = JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL;
    for (int round = 0; round < 5000; round++) {
        size_t n = grow(s, 0, 0);
        json_t *j = json_loadb(s, n, flags, NULL);
        hawse_json_t doc;
        hawse_json_value_t root;
        CHECK(j != NULL);
        CHECK_EQ(hawse_json_validate((const uint8_t *)s, n, NULL), HAWSE_OK);
        CHECK_EQ(index_text(&doc, s, &root), HAWSE_OK);
        compare(&doc, root, j);
        json_decref(j);
    }
}

TEST(json_verdict_equals_jansson, "on mutated documents the strict check agrees with jansson")
{
    static char s[TEXT_MAX];
    static const char alphabet[] = "{}[]\",:\\0129-.eE+ntfx \t\n\x01\x7f\xc3\xa9u";
    size_t flags = JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL;
    for (int round = 0; round < 40000; round++) {
        size_t n = grow(s, 0, 4);
        for (uint64_t m = test_random() % 3 + 1; m > 0; m--)
            s[test_random() % n] = alphabet[test_random() % (sizeof(alphabet) - 1)];
        json_error_t error;
        json_t *j = json_loadb(s, n, flags, &error);
        bool range = !j && strstr(error.text, "overflow") != NULL; /* jansson reads into a double */
        int32_t code = hawse_json_validate((const uint8_t *)s, n, NULL);
        if (!range && (code == HAWSE_OK) != (j != NULL))
            FAIL("%.*s: %d, jansson: %s", (int)n, s, code, j ? "good" : error.text);
        json_decref(j);
    }
}

TEST(json_kernels_agree, "every kernel finds the same marks in any bytes")
{
#if defined(__x86_64__)
    static uint32_t a[TEXT_MAX], b[TEXT_MAX];
    static const char alphabet[] = "\"\\{}[]x\"\\ ";
    bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("pclmul");
    bool avx512 =
        avx2 && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vbmi2");
    for (int round = 0; round < 30000; round++) {
        uint32_t n = (uint32_t)(test_random() % 700);
        uint64_t sparse = test_random() % 3;
        for (size_t i = 0; i < sizeof(text); i++)
            text[i] = sparse && test_random() % 8
                          ? 'y'
                          : (uint8_t)alphabet[test_random() % (sizeof(alphabet) - 1)];
        uint32_t cap = test_random() % 4 ? TEXT_MAX : (uint32_t)(test_random() % 100);
        uint32_t want = json_marks_scalar(text, n, a, cap);
        uint32_t got = json_marks_sse2(text, n, b, cap);
        bool odd = want >= JSON_MARKS_NOSPACE || got >= JSON_MARKS_NOSPACE;
        if (!odd) {
            CHECK_EQ(got, want);
            CHECK_MEM(b, a, want * sizeof(a[0]));
        } else if (cap == TEXT_MAX) {
            CHECK_EQ(got, want);
        }
        if (avx2)
            CHECK_EQ(json_marks_avx2(text, n, b, cap), got);
        if (avx2 && !odd)
            CHECK_MEM(b, a, want * sizeof(a[0]));
        if (avx512)
            CHECK_EQ(json_marks_avx512(text, n, b, cap), got);
        if (avx512 && !odd)
            CHECK_MEM(b, a, want * sizeof(a[0]));
    }
#else
    test_skip("one kernel on this machine");
#endif
}

TEST(json_walk_is_safe, "the walk over any bytes ends without reading beyond them")
{
    static const char alphabet[] = "{}[]\",:\\09-t x";
    for (int round = 0; round < 30000; round++) {
        size_t n = test_random() % 200;
        uint8_t *exact = malloc(n + HAWSE_PADDING);
        for (size_t i = 0; i < n + HAWSE_PADDING; i++)
            exact[i] = (uint8_t)alphabet[test_random() % (sizeof(alphabet) - 1)];
        hawse_json_t doc;
        hawse_json_value_t root, v;
        hawse_view_t key, raw;
        if (hawse_json_index(&doc, exact, n, marks, TEXT_MAX) == HAWSE_OK &&
            hawse_json_root(&doc, &root) == HAWSE_OK) {
            (void)hawse_json_raw(&doc, &root, &raw);
            (void)hawse_json_get(&doc, &root, "t", &v);
            for (int i = 0; i < 300 && hawse_json_next(&doc, &root, &key, &v) == 1; i++)
                (void)hawse_json_raw(&doc, &v, &raw);
        }
        free(exact);
    }
}
