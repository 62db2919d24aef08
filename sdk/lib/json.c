/*
 * The walk over an indexed text; see hawse/json.h. A value's end follows from the marks, so strings
 * are never read twice; scalars are read where they stand.
 */
#include <hawse/json.h>

#include "json_marks.h"

#include <stdbool.h>
#include <string.h>

static bool is_space(uint8_t c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

/* Position of the next byte that is no space; len at the end. */
static inline uint32_t skip_space(const hawse_json_t *doc, uint32_t at)
{
    while (at < doc->len && __builtin_expect(is_space(doc->text[at]), 0))
        at++;
    return at;
}

int32_t hawse_json_index(hawse_json_t *doc, const uint8_t *text, uint64_t len, uint32_t *marks,
                         uint32_t cap)
{
    static json_marks_fn best; /* written once with one value: the race is harmless */
    json_marks_fn fn = __atomic_load_n(&best, __ATOMIC_RELAXED);
    if (!fn) {
        fn = json_marks_best();
        __atomic_store_n(&best, fn, __ATOMIC_RELAXED);
    }
    if (len >= UINT32_MAX - 64)
        return HAWSE_E_LIMIT;
    if (cap == 0)
        return HAWSE_E_NOSPACE;
    uint32_t n = fn(text, (uint32_t)len, marks, cap - 1);
    if (n == JSON_MARKS_UNTERMINATED)
        return HAWSE_E_FORMAT;
    if (n == JSON_MARKS_NOSPACE)
        return HAWSE_E_NOSPACE;
    marks[n] = (uint32_t)len;
    doc->text = text;
    doc->len = len;
    doc->marks = marks;
    doc->count = n;
    doc->cap = cap;
    return HAWSE_OK;
}

static inline bool ends_scalar(uint8_t c)
{
    return c == ',' || c == '}' || c == ']' || is_space(c);
}

static int32_t scalar(const hawse_json_t *doc, uint32_t at, hawse_json_value_t *v)
{
    uint32_t end = at;
    while (end < doc->len && !ends_scalar(doc->text[end]))
        end++;
    v->data = doc->text + at;
    v->len = end - at;
    uint8_t c = *v->data;
    if (c == '-' || (c >= '0' && c <= '9'))
        v->kind = HAWSE_JSON_NUMBER;
    else if (v->len == 4 && memcmp(v->data, "true", 4) == 0)
        v->kind = HAWSE_JSON_TRUE;
    else if (v->len == 5 && memcmp(v->data, "false", 5) == 0)
        v->kind = HAWSE_JSON_FALSE;
    else if (v->len == 4 && memcmp(v->data, "null", 4) == 0)
        v->kind = HAWSE_JSON_NULL;
    else
        return HAWSE_E_FORMAT;
    return HAWSE_OK;
}

/* The value that begins at `at`; `mark` is the first mark at or behind it. */
static inline int32_t value_at(const hawse_json_t *doc, uint32_t at, uint32_t mark,
                               hawse_json_value_t *v)
{
    if (at >= doc->len)
        return HAWSE_E_FORMAT;
    uint8_t c = doc->text[at];
    v->mark = mark;
    v->last_at = v->last_mark = v->reserved = 0;
    if (c == '"') {
        if (mark + 1 >= doc->count || doc->marks[mark] != at)
            return HAWSE_E_FORMAT;
        v->kind = HAWSE_JSON_STRING;
        v->data = doc->text + at + 1;
        v->len = doc->marks[mark + 1] - at - 1;
        return HAWSE_OK;
    }
    if (c == '{' || c == '[') {
        if (mark >= doc->count || doc->marks[mark] != at)
            return HAWSE_E_FORMAT;
        v->kind = c == '{' ? HAWSE_JSON_OBJECT : HAWSE_JSON_ARRAY;
        v->data = doc->text + at;
        v->len = 0;
        return HAWSE_OK;
    }
    return scalar(doc, at, v);
}

/* Mark of the bracket that closes the container at `mark`; count when it is never closed. */
static uint32_t closing(const hawse_json_t *doc, uint32_t mark)
{
    uint32_t depth = 0;
    for (uint32_t i = mark; i < doc->count; i++) {
        uint8_t c = doc->text[doc->marks[i]];
        if (c == '"') {
            i++; /* its other quote */
        } else if (c == '{' || c == '[') {
            if (++depth > HAWSE_JSON_DEPTH)
                return doc->count;
        } else if (--depth == 0) {
            return i;
        }
    }
    return doc->count;
}

/* Where the value ends, and the first mark behind it. */
static inline int32_t step_over(const hawse_json_t *doc, const hawse_json_value_t *v, uint32_t *at,
                                uint32_t *mark)
{
    if (v->kind == HAWSE_JSON_STRING) {
        *at = doc->marks[v->mark + 1] + 1;
        *mark = v->mark + 2;
    } else if (v->kind < HAWSE_JSON_STRING) {
        *at = (uint32_t)(v->data - doc->text) + v->len;
        *mark = v->mark;
    } else {
        uint32_t end = closing(doc, v->mark);
        if (end == doc->count)
            return HAWSE_E_FORMAT;
        *at = doc->marks[end] + 1;
        *mark = end + 1;
    }
    return HAWSE_OK;
}

int32_t hawse_json_root(const hawse_json_t *doc, hawse_json_value_t *root)
{
    uint32_t at = skip_space(doc, 0), mark = 0;
    int32_t code = value_at(doc, at, 0, root);
    if (code != HAWSE_OK || root->kind >= HAWSE_JSON_OBJECT) {
        /* that a container is closed by the last mark is all that is looked at here */
        if (code == HAWSE_OK && doc->text[doc->marks[doc->count - 1]] != *root->data + 2)
            code = HAWSE_E_FORMAT;
        at = doc->count ? doc->marks[doc->count - 1] + 1 : 0;
    } else {
        code = step_over(doc, root, &at, &mark);
    }
    if (code == HAWSE_OK && skip_space(doc, at) != doc->len)
        code = HAWSE_E_FORMAT;
    return code;
}

void hawse_json_rewind(hawse_json_value_t *container)
{
    container->last_at = 0;
}

/* Where the next member or item begins, behind the comma: 1; 0 at the end of the container. */
static inline int32_t advance(const hawse_json_t *doc, const hawse_json_value_t *container,
                              uint32_t *at, uint32_t *mark)
{
    uint8_t close = container->kind == HAWSE_JSON_OBJECT ? '}' : ']';
    if (container->last_at == 0) {
        *at = skip_space(doc, doc->marks[container->mark] + 1);
        *mark = container->mark + 1;
        return *at >= doc->len ? HAWSE_E_FORMAT : doc->text[*at] != close;
    }
    hawse_json_value_t last;
    int32_t code = value_at(doc, container->last_at, container->last_mark, &last);
    if (code == HAWSE_OK)
        code = step_over(doc, &last, at, mark);
    if (code != HAWSE_OK)
        return code;
    *at = skip_space(doc, *at);
    if (*at >= doc->len)
        return HAWSE_E_FORMAT;
    if (doc->text[*at] == close)
        return 0;
    if (doc->text[*at] != ',')
        return HAWSE_E_FORMAT;
    *at = skip_space(doc, *at + 1);
    return 1;
}

/* Reads `"key" :`; *at then stands at the value. */
static inline int32_t read_key(const hawse_json_t *doc, uint32_t *at, uint32_t *mark,
                               hawse_view_t *key)
{
    if (*mark + 1 >= doc->count || doc->marks[*mark] != *at || doc->text[*at] != '"')
        return HAWSE_E_FORMAT;
    uint32_t end = doc->marks[*mark + 1];
    key->data = doc->text + *at + 1;
    key->len = end - *at - 1;
    *at = skip_space(doc, end + 1);
    if (*at >= doc->len || doc->text[*at] != ':')
        return HAWSE_E_FORMAT;
    *at = skip_space(doc, *at + 1);
    *mark += 2;
    return HAWSE_OK;
}

int32_t hawse_json_next(const hawse_json_t *doc, hawse_json_value_t *container, hawse_view_t *key,
                        hawse_json_value_t *value)
{
    hawse_view_t name = {NULL, 0};
    uint32_t at = 0, mark = 0;
    if (container->kind < HAWSE_JSON_OBJECT)
        return HAWSE_E_INVAL;
    int32_t code = advance(doc, container, &at, &mark);
    if (code != 1)
        return code;
    if (container->kind == HAWSE_JSON_OBJECT &&
        (code = read_key(doc, &at, &mark, &name)) != HAWSE_OK)
        return code;
    if (key)
        *key = name;
    code = value_at(doc, at, mark, value);
    if (code != HAWSE_OK)
        return code;
    container->last_at = at;
    container->last_mark = mark;
    return 1;
}

int32_t hawse_json_get(const hawse_json_t *doc, hawse_json_value_t *object, const char *key,
                       hawse_json_value_t *value)
{
    if (object->kind != HAWSE_JSON_OBJECT)
        return HAWSE_E_INVAL;
    size_t len = strlen(key);
    uint32_t begun_at = object->last_at; /* where a second round ends */
    bool second = begun_at == 0;
    hawse_view_t name = {NULL, 0};
    for (;;) {
        int32_t code = hawse_json_next(doc, object, &name, value);
        if (code < 0)
            return code;
        if (code == 0) {
            if (second)
                return HAWSE_E_NOTFOUND;
            second = true;
            hawse_json_rewind(object);
            continue;
        }
        if (name.len == len && memcmp(name.data, key, len) == 0)
            return HAWSE_OK;
        if (second && begun_at != 0 && object->last_at == begun_at)
            return HAWSE_E_NOTFOUND;
    }
}

int32_t hawse_json_raw(const hawse_json_t *doc, const hawse_json_value_t *value, hawse_view_t *raw)
{
    uint32_t end, mark;
    int32_t code = step_over(doc, value, &end, &mark);
    if (code != HAWSE_OK)
        return code;
    raw->data = value->kind == HAWSE_JSON_STRING ? value->data - 1 : value->data;
    raw->len = (uint64_t)(doc->text + end - raw->data);
    return HAWSE_OK;
}

int32_t hawse_json_is(const hawse_json_value_t *value, const char *text)
{
    size_t len = strlen(text);
    return value->kind == HAWSE_JSON_STRING && value->len == len &&
           memcmp(value->data, text, len) == 0;
}

/* ---- integers ---- */

int32_t hawse_json_u64(const hawse_json_value_t *value, uint64_t *out)
{
    if (value->kind != HAWSE_JSON_NUMBER)
        return HAWSE_E_INVAL;
    const uint8_t *p = value->data;
    if (p[0] == '-')
        return value->len == 2 && p[1] == '0' ? (*out = 0, HAWSE_OK) : HAWSE_E_RANGE;
    if (p[0] == '0' && value->len > 1)
        return HAWSE_E_FORMAT;
    uint64_t n = 0;
    for (uint32_t i = 0; i < value->len; i++) {
        uint64_t digit = (uint64_t)p[i] - '0';
        if (digit > 9)
            return HAWSE_E_FORMAT;
        if (__builtin_mul_overflow(n, 10u, &n) || __builtin_add_overflow(n, digit, &n))
            return HAWSE_E_RANGE;
    }
    *out = n;
    return HAWSE_OK;
}

int32_t hawse_json_i64(const hawse_json_value_t *value, int64_t *out)
{
    if (value->kind != HAWSE_JSON_NUMBER)
        return HAWSE_E_INVAL;
    bool negative = value->data[0] == '-';
    hawse_json_value_t digits = *value;
    digits.data += negative;
    digits.len -= negative;
    uint64_t n = 0;
    if (digits.len == 0 || digits.data[0] == '-')
        return HAWSE_E_FORMAT;
    int32_t code = hawse_json_u64(&digits, &n);
    if (code != HAWSE_OK)
        return code;
    if (n > (uint64_t)INT64_MAX + negative)
        return HAWSE_E_RANGE;
    *out = negative ? (int64_t)(0 - n) : (int64_t)n;
    return HAWSE_OK;
}
