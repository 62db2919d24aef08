/*
 * Layouts of JSON texts: what fits a layout is what a walk finds in the same places, on every
 * kernel, whatever bytes are changed.
 */
#include "harness.h"
#include "json_shape_kernels.h"

#include <ctype.h>
#include <hawse/json_shape.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 2048, VALUES_MAX = 64, SETS = 2 };

static uint8_t text[TEXT_MAX + HAWSE_PADDING];
static uint32_t marks[TEXT_MAX + 2];

static const char *const samples[] = {
    "{\"jsonrpc\":\"2.0\",\"method\":\"eth_subscription\",\"params\":{\"subscription\":\"0x2\","
    "\"result\":{\"address\":\"0xaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\",\"topics\":[\"0x01\","
    "\"0x02\"],\"data\":\"0x\",\"blockNumber\":\"0x1\",\"logIndex\":\"0x0\",\"removed\":false}}}",
    "{ \"a\" : -12.5e3 , \"b\":[1,22,null, true ,\"\"],\"c\":{\"d\":18446744073709551615}}",
    "[\"only\",\"strings\",[],{}]",
    "\"one string, as long as a vector is wide and longer\"",
    "7",
};

static uint64_t state = 88172645463325252u;

static uint32_t random_below(uint32_t n)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)((state * 0x2545f4914f6cdd1du) >> 33) % n;
}

/* Every scalar of the text, in order. Returns how many, or -1 when the walk fails. */
static int collect(const hawse_json_t *doc, hawse_json_value_t *v, hawse_json_value_t *out, int n)
{
    hawse_json_value_t item;
    hawse_view_t key;
    int code;
    if (v->kind < HAWSE_JSON_OBJECT) {
        if (n < VALUES_MAX)
            out[n] = *v;
        return n + 1;
    }
    while (n >= 0 && (code = hawse_json_next(doc, v, &key, &item)) != 0)
        n = code < 0 ? -1 : collect(doc, &item, out, n);
    return n;
}

static int walk(hawse_json_t *doc, const uint8_t *bytes, uint64_t len, hawse_json_value_t *out)
{
    hawse_json_value_t root;
    if (hawse_json_index(doc, bytes, len, marks, TEXT_MAX + 2) != HAWSE_OK ||
        hawse_json_root(doc, &root) != HAWSE_OK)
        return -1;
    return collect(doc, &root, out, 0);
}

/* All values from number `proven` on are the caller's to check. */
static int learn_proven(hawse_json_shapes_t *shapes, const char *sample, uint32_t pinned,
                        uint32_t proven)
{
    hawse_json_t doc;
    hawse_json_value_t values[VALUES_MAX];
    size_t len = strlen(sample);
    memset(text, 'x', sizeof(text));
    memcpy(text, sample, len);
    int n = walk(&doc, text, len, values);
    if (n < 0)
        return -1;
    return hawse_json_shape_learn(shapes, &doc, values, (uint32_t)n, pinned, proven, 7);
}

static int learn(hawse_json_shapes_t *shapes, const char *sample, uint32_t pinned)
{
    return learn_proven(shapes, sample, pinned, VALUES_MAX);
}

static hawse_json_shapes_t make(void **memory)
{
    hawse_json_shapes_t shapes;
    *memory = malloc(hawse_json_shapes_bytes(SETS, TEXT_MAX));
    CHECK(*memory != NULL);
    CHECK_EQ(hawse_json_shapes_init(&shapes, *memory, SETS, TEXT_MAX), HAWSE_OK);
    return shapes;
}

static const hawse_json_layout_t *find(hawse_json_shapes_t *shapes, const char *sample)
{
    size_t len = strlen(sample);
    memcpy(text, sample, len); /* padding follows */
    return hawse_json_shape_find(shapes, text, len);
}

/* Changes some bytes: mostly to what may stand there, sometimes to anything. */
static void mutate(size_t len)
{
    static const char likely[] = "0123456789abcdef\",:{}[]\\ -";
    for (uint32_t n = random_below(4); n > 0; n--) {
        uint32_t at = random_below((uint32_t)len);
        text[at] = random_below(4) == 0 ? (uint8_t)random_below(256)
                                        : (uint8_t)likely[random_below(sizeof(likely) - 1)];
    }
}

static void same_places(const hawse_json_layout_t *layout, size_t len)
{
    hawse_json_t doc;
    hawse_json_value_t values[VALUES_MAX];
    int n = walk(&doc, text, len, values);
    CHECK_EQ(n, (int)layout->field_count);
    for (int i = 0; i < n && i < VALUES_MAX; i++) {
        CHECK_EQ((uint32_t)(values[i].data - text), layout->fields[i].at);
        CHECK_EQ(values[i].len, layout->fields[i].len);
        CHECK_EQ(values[i].kind, layout->fields[i].kind);
    }
}

TEST(shape_proves, "a text that fits a layout has the same values in the same places by a walk")
{
    void *memory;
    hawse_json_shapes_t shapes = make(&memory);
    uint32_t hits = 0, misses = 0;
    for (size_t s = 0; s < sizeof(samples) / sizeof(samples[0]); s++) {
        size_t len = strlen(samples[s]);
        CHECK_EQ(learn(&shapes, samples[s], 0), 1);
        for (int round = 0; round < 20000; round++) {
            memcpy(text, samples[s], len);
            text[len] = (uint8_t) "\"\\x"[random_below(3)]; /* what follows must not matter */
            mutate(len);
            const hawse_json_layout_t *layout = hawse_json_shape_find(&shapes, text, len);
            if (layout)
                same_places(layout, len);
            *(layout ? &hits : &misses) += 1;
        }
    }
    CHECK(hits > 20000);
    CHECK(misses > 20000);
    free(memory);
}

static bool all_digits(const hawse_json_layout_t *layout, uint32_t proven)
{
    for (uint32_t i = proven; i < layout->field_count; i++) {
        for (uint32_t k = 2; k < layout->fields[i].len; k++) {
            if (!isxdigit(text[layout->fields[i].at + k]))
                return false;
        }
    }
    return true;
}

TEST(shape_caller_proves,
     "blocks inside values that the caller proves are left out, and only those")
{
    enum { PROVEN = 1, DIGITS = 200 };
    char sample[512], digits[DIGITS + 1];
    uint32_t hits = 0, unproven = 0;
    memset(digits, '7', DIGITS);
    digits[DIGITS] = '\0';
    for (uint32_t round = 0; round < 20000; round++) {
        void *memory;
        hawse_json_shapes_t shapes = make(&memory);
        size_t len = (size_t)snprintf(
            sample, sizeof(sample), "{\"id\":\"%.*s\",\"a\":\"0x%.*s\",\"b\":\"0x%s\"}",
            (int)random_below(70), digits, (int)random_below(190), digits, digits + DIGITS - 64);
        CHECK_EQ(learn_proven(&shapes, sample, 0, PROVEN), 1);
        mutate(len);
        const hawse_json_layout_t *layout = hawse_json_shape_find(&shapes, text, len);
        if (layout) {
            hits++;
            CHECK(json_shape_fits(layout, text, JSON_SHAPE_SCALAR));
            CHECK(json_shape_fits(layout, text, JSON_SHAPE_SSE2));
            if (all_digits(layout, PROVEN))
                same_places(layout, len);
            else
                unproven++;
        }
        free(memory);
    }
    CHECK(hits > 5000);
    CHECK(unproven > 500);
}

TEST(shape_only_strings_are_proven, "a number is looked at whatever the caller says of it")
{
    static const char number[] = "7777777777777777777777777777777777777777777777777777777777777777";
    void *memory;
    hawse_json_shapes_t shapes = make(&memory);
    CHECK_EQ(learn_proven(&shapes, number, 0, 0), 1);
    CHECK(find(&shapes, number) != NULL);
    text[40] = 'x';
    CHECK(hawse_json_shape_find(&shapes, text, sizeof(number) - 1) == NULL);
    free(memory);
}

TEST(shape_kernels, "every kernel says the same of every text")
{
    void *memory;
    hawse_json_shapes_t shapes = make(&memory);
    for (size_t s = 0; s < sizeof(samples) / sizeof(samples[0]); s++) {
        size_t len = strlen(samples[s]);
        CHECK_EQ(learn(&shapes, samples[s], 0), 1);
        const hawse_json_layout_t *layout = hawse_json_shape_find(&shapes, text, len);
        CHECK(layout != NULL);
        for (int round = 0; layout && round < 20000; round++) {
            memcpy(text, samples[s], len);
            mutate(len);
            bool plain = json_shape_fits(layout, text, JSON_SHAPE_SCALAR);
            CHECK_EQ(json_shape_fits(layout, text, JSON_SHAPE_SSE2), plain);
            CHECK_EQ(json_shape_fits(layout, text, JSON_SHAPE_AVX2), plain);
        }
    }
    free(memory);
}

TEST(shape_values_vary, "other characters in values and other digits in numbers fit")
{
    void *memory;
    hawse_json_shapes_t shapes = make(&memory);
    static const char a[] = "{\"id\":\"0x1\",\"n\":[100,7],\"s\":\"abc\"}";
    static const char b[] = "{\"id\":\"0xf\",\"n\":[999,0],\"s\":\"{,}\"}";
    CHECK_EQ(learn(&shapes, a, 0), 1);
    const hawse_json_layout_t *layout = find(&shapes, b);
    CHECK(layout != NULL && layout->tag == 7 && layout->field_count == 4);
    free(memory);
}

TEST(shape_structure_counts, "another key, literal, sign, space or place of a quote does not fit")
{
    void *memory;
    hawse_json_shapes_t shapes = make(&memory);
    static const char a[] = "{\"id\":\"0x1\",\"ok\":true ,\"n\":-5,\"s\":\"ab\"}";
    static const char *const others[] = {
        "{\"ix\":\"0x1\",\"ok\":true ,\"n\":-5,\"s\":\"ab\"}",
        "{\"id\":\"0x1\",\"ok\":false,\"n\":-5,\"s\":\"ab\"}",
        "{\"id\":\"0x1\",\"ok\":true ,\"n\":55,\"s\":\"ab\"}",
        "{\"id\":\"0x1\",\"ok\":true,\"n\": -5,\"s\":\"ab\"}",
        "{\"id\":\"0x\",\"\"ok\":true ,\"n\":-5,\"s\":\"b\"}",
        "{\"id\":\"0x1\",\"ok\":true ,\"n\":-5,\"s\":\"\\b\"}",
        "{\"id\":\"0x1\",\"ok\":true ,\"n\":-5,\"s\":\"a\t\"}",
        "{\"id\":\"0x1\",\"ok\":true ,\"n\":-5,\"s\":\"a\"\"}",
        "{\"id\":\"0y1\",\"ok\":true ,\"n\":-5,\"s\":\"ab\"}",
    };
    CHECK_EQ(learn(&shapes, a, 0), 1);
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        CHECK(find(&shapes, others[i]) == NULL);
    free(memory);
}

TEST(shape_pinned, "a pinned value must be the same, the others may differ")
{
    void *memory;
    hawse_json_shapes_t shapes = make(&memory);
    static const char a[] = "{\"method\":\"push\",\"id\":\"0x1\"}";
    static const char b[] = "{\"method\":\"pull\",\"id\":\"0x1\"}";
    static const char c[] = "{\"method\":\"push\",\"id\":\"0x2\"}";
    CHECK_EQ(learn(&shapes, a, 1), 1);
    CHECK(find(&shapes, b) == NULL);
    CHECK(find(&shapes, c) != NULL);
    free(memory);
}

TEST(shape_refuses,
     "texts with escapes, broken scalars, too long, or with too many fields are not learned")
{
    void *memory;
    hawse_json_shapes_t shapes = make(&memory);
    static uint8_t longer[TEXT_MAX + 2 + HAWSE_PADDING];
    hawse_json_t doc;
    hawse_json_value_t values[HAWSE_JSON_SHAPE_FIELDS + 1];
    CHECK_EQ(learn(&shapes, "{\"a\":\"\\n\"}", 0), 0);
    CHECK_EQ(learn(&shapes, "{\"\\n\":1}", 0), 0);
    CHECK_EQ(learn(&shapes, "[1\"a\"]", 0), 0);
    CHECK_EQ(learn(&shapes, "[1:\"a\"]", 0), 0);
    CHECK_EQ(learn(&shapes, "[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]", 0), 0);
    memset(longer, ' ', sizeof(longer));
    longer[0] = '1';
    CHECK_EQ(walk(&doc, longer, TEXT_MAX + 1, values), 1);
    CHECK_EQ(hawse_json_shape_learn(&shapes, &doc, values, 1, 0, 1, 0), 0);
    CHECK_EQ(hawse_json_shapes_bytes(3, 100), 0);
    CHECK_EQ(hawse_json_shapes_bytes(1, HAWSE_JSON_SHAPE_TEXT + 1), 0);
    CHECK(hawse_json_shape_find(&shapes, text, 0) == NULL);
    free(memory);
}

TEST(shape_credit,
     "a stream whose layouts never come again is learned rarely, and pays again later")
{
    void *memory;
    hawse_json_shapes_t shapes = make(&memory);
    char sample[64];
    int learned = 0;
    for (int i = 0; i < 1000; i++) {
        (void)snprintf(sample, sizeof(sample), "{\"k%d\":1}", 1000 + i);
        learned += learn(&shapes, sample, 0);
    }
    CHECK(learned > 10 && learned < 250);
    static const char again[] = "{\"same\":12}";
    int hits = 0;
    for (int i = 0; i < 100; i++) {
        if (find(&shapes, again))
            hits++;
        else
            (void)learn(&shapes, again, 0);
    }
    CHECK(hits > 80);
    free(memory);
}
