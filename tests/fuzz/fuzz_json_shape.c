/*
 * Layouts: the first half of the input is learned, the second half, which is as long, is compared
 * with it. When it fits, a walk must find the same values in the same places. Of inputs of an odd
 * length the last values are left to the caller to prove, as far as they are strings.
 */
#include <hawse/json_shape.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { VALUES_MAX = HAWSE_JSON_SHAPE_FIELDS, TEXT = 1024 };

static int collect(const hawse_json_t *doc, hawse_json_value_t *v, hawse_json_value_t *out, int n)
{
    hawse_json_value_t item;
    int code;
    if (v->kind < HAWSE_JSON_OBJECT) {
        if (n < VALUES_MAX)
            out[n] = *v;
        return n + 1;
    }
    while (n >= 0 && (code = hawse_json_next(doc, v, NULL, &item)) != 0)
        n = code < 0 ? -1 : collect(doc, &item, out, n);
    return n;
}

static int walk(hawse_json_t *doc, const uint8_t *text, uint64_t len, uint32_t *marks,
                hawse_json_value_t *out)
{
    hawse_json_value_t root;
    if (hawse_json_index(doc, text, len, marks, TEXT + 2) != HAWSE_OK ||
        hawse_json_root(doc, &root) != HAWSE_OK)
        return -1;
    return collect(doc, &root, out, 0);
}

/* The first of the last values that are strings. */
static int strings_from(const hawse_json_value_t *values, int n)
{
    while (n > 0 && n <= VALUES_MAX && values[n - 1].kind == HAWSE_JSON_STRING)
        n--;
    return n;
}

static int is_digit(uint8_t c)
{
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

/* What a caller does with the values that are left to it; text `b` lies behind `a`. */
static int proven(const hawse_json_value_t *values, int from, int n, const uint8_t *a,
                  const uint8_t *b)
{
    for (int i = from; i < n; i++) {
        const uint8_t *text = b + (values[i].data - a);
        uint32_t k = values[i].len >= 2 && memcmp(values[i].data, "0x", 2) == 0 ? 2 : 0;
        for (; k < values[i].len; k++) {
            if (!is_digit(text[k]))
                return 0;
        }
    }
    return 1;
}

static void same(const hawse_json_value_t *first, const uint8_t *a,
                 const hawse_json_value_t *second, const uint8_t *b, int n)
{
    for (int i = 0; i < n; i++) {
        if (second[i].data - b != first[i].data - a || second[i].len != first[i].len ||
            second[i].kind != first[i].kind)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t len = size / 2;
    static uint32_t marks[TEXT + 2];
    hawse_json_t doc;
    hawse_json_value_t first[VALUES_MAX], second[VALUES_MAX];
    hawse_json_shapes_t shapes;
    if (len == 0 || len > TEXT)
        return 0;
    uint8_t *a = calloc(2, len + HAWSE_PADDING), *b = a ? a + len + HAWSE_PADDING : NULL;
    void *memory = malloc(hawse_json_shapes_bytes(1, TEXT));
    if (!a || !memory || hawse_json_shapes_init(&shapes, memory, 1, TEXT) != HAWSE_OK)
        abort();
    memcpy(a, data, len);
    memcpy(b, data + len, len);
    int n = walk(&doc, a, len, marks, first);
    int from = size % 2 == 0 ? n : strings_from(first, n);
    if (n >= 0 && n <= VALUES_MAX &&
        hawse_json_shape_learn(&shapes, &doc, first, (uint32_t)n, 0, (uint32_t)from, 1) == 1) {
        if (!hawse_json_shape_find(&shapes, a, len))
            abort(); /* a text fits its own layout */
        if (hawse_json_shape_find(&shapes, b, len) && proven(first, from, n, a, b)) {
            if (walk(&doc, b, len, marks, second) != n)
                abort();
            same(first, a, second, b, n);
        }
    }
    free(memory);
    free(a);
    return 0;
}
