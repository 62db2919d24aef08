/*
 * The JSON reader on any bytes: every kernel finds the same marks, the walk stays inside, and what
 * the strict check accepts the walk can read whole.
 */
#include "json_marks.h"

#include <hawse/json.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void walk(const hawse_json_t *doc, hawse_json_value_t v, int strict, int depth)
{
    hawse_json_value_t member;
    hawse_view_t key, raw;
    uint8_t plain[64];
    uint64_t need, n;
    int64_t i;
    int32_t code;
    if (hawse_json_raw(doc, &v, &raw) != HAWSE_OK && strict)
        abort();
    (void)hawse_json_u64(&v, &n);
    (void)hawse_json_i64(&v, &i);
    if (v.kind == HAWSE_JSON_STRING &&
        hawse_json_unescape(&v, plain, sizeof(plain), &need) == HAWSE_E_FORMAT && strict)
        abort();
    if (v.kind < HAWSE_JSON_OBJECT || depth > 80)
        return;
    while ((code = hawse_json_next(doc, &v, &key, &member)) == 1)
        walk(doc, member, strict, depth + 1);
    if (code != 0 && strict)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint32_t *marks = malloc((size + 2) * sizeof(marks[0])), *other;
    uint8_t *text = malloc(size + HAWSE_PADDING);
    hawse_json_t doc;
    hawse_json_value_t root;
    memcpy(text, data, size);
    memset(text + size, '"', HAWSE_PADDING);
    int strict = hawse_json_validate(text, size, NULL) == HAWSE_OK;
    int32_t code = hawse_json_index(&doc, text, size, marks, (uint32_t)size + 2);
    if (code == HAWSE_OK)
        code = hawse_json_root(&doc, &root);
    if (code != HAWSE_OK && strict)
        abort();
    if (code == HAWSE_OK)
        walk(&doc, root, strict, 0);
    other = malloc((size + 2) * sizeof(other[0]));
    uint32_t a = json_marks_scalar(text, (uint32_t)size, marks, (uint32_t)size + 1);
    uint32_t b = json_marks_sse2(text, (uint32_t)size, other, (uint32_t)size + 1);
    if (a != b || (a < JSON_MARKS_NOSPACE && memcmp(marks, other, a * sizeof(a)) != 0))
        abort();
    free(other);
    free(marks);
    free(text);
    return 0;
}
