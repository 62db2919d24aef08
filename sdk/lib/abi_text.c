/*
 * Names and elementary types of Solidity's declarations; see abi_text.h.
 */
#include "abi_text.h"

#include <hawse/abi.h>

#include <string.h>

void abi_text_hash(struct abi_text *r, const char *text, uint64_t len)
{
    hawse_keccak_update(&r->hash, (const uint8_t *)text, len);
}

char abi_text_peek(const struct abi_text *r)
{
    return r->at < r->len ? r->text[r->at] : '\0';
}

void abi_text_skip_spaces(struct abi_text *r)
{
    while (r->at < r->len &&
           (abi_text_peek(r) == ' ' || abi_text_peek(r) == '\t' || abi_text_peek(r) == '\n'))
        r->at++;
}

static int is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static int is_name_char(char c)
{
    char lower = (char)(c | 0x20);
    return (lower >= 'a' && lower <= 'z') || is_digit(c) || c == '_' || c == '$';
}

struct abi_word abi_text_word(struct abi_text *r)
{
    abi_text_skip_spaces(r);
    struct abi_word w = {r->text + r->at, r->at, 0};
    if (is_digit(abi_text_peek(r)))
        return w;
    while (r->at < r->len && is_name_char(abi_text_peek(r)))
        r->at++;
    w.len = r->at - w.at;
    return w;
}

int abi_word_is(const struct abi_word *w, const char *text)
{
    return w->len == strlen(text) && memcmp(w->text, text, w->len) == 0;
}

int abi_text_take(struct abi_text *r, char c)
{
    abi_text_skip_spaces(r);
    if (abi_text_peek(r) != c)
        return 0;
    r->at++;
    return 1;
}

/* A decimal number without leading zeros; 0 when there is none, UINT32_MAX when it is larger. */
static uint32_t small_number(const char *text, uint64_t len)
{
    uint64_t n = 0;
    if (len == 0 || text[0] == '0')
        return 0;
    for (uint64_t i = 0; i < len; i++) {
        if (!is_digit(text[i]))
            return 0;
        n = n * 10 + (uint64_t)(text[i] - '0');
        if (n > UINT32_MAX)
            n = UINT32_MAX;
    }
    return (uint32_t)n;
}

/* "uint160", "bytes32": is w `prefix` with a width of step to most behind it? */
static uint32_t width(const struct abi_word *w, const char *prefix, uint32_t step, uint32_t most)
{
    uint64_t begin = strlen(prefix);
    if (w->len <= begin || memcmp(w->text, prefix, begin) != 0)
        return 0;
    uint32_t n = small_number(w->text + begin, w->len - begin);
    return n <= most && n % step == 0 ? n : 0;
}

/* "fixed", "fixed128x18". */
static int is_fixed_point(const struct abi_word *w, const char *prefix)
{
    uint64_t at = strlen(prefix);
    if (w->len < at || memcmp(w->text, prefix, at) != 0)
        return 0;
    while (at < w->len && (is_digit(w->text[at]) || w->text[at] == 'x'))
        at++;
    return at == w->len;
}

int abi_word_foreign(const struct abi_word *w)
{
    return abi_word_is(w, "function") || is_fixed_point(w, "fixed") || is_fixed_point(w, "ufixed");
}

static int set_kind(struct abi_elementary *p, uint32_t kind, uint32_t size)
{
    p->kind = (uint8_t)kind;
    p->size = (uint8_t)size;
    return 1;
}

static int named_type(const struct abi_word *w, struct abi_elementary *p)
{
    static const struct {
        const char *name;
        uint8_t kind, size;
    } types[] = {
        {"address", HAWSE_ABI_ADDRESS, 20}, {"bool", HAWSE_ABI_BOOL, 1},
        {"uint", HAWSE_ABI_UINT, 32},       {"int", HAWSE_ABI_INT, 32},
        {"bytes", HAWSE_ABI_BYTES, 0},      {"string", HAWSE_ABI_STRING, 0},
    };
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (abi_word_is(w, types[i].name))
            return set_kind(p, types[i].kind, types[i].size);
    }
    return 0;
}

int abi_word_elementary(const struct abi_word *w, struct abi_elementary *p)
{
    uint32_t n;
    if (named_type(w, p))
        return 1;
    if ((n = width(w, "uint", 8, 256)) != 0)
        return set_kind(p, HAWSE_ABI_UINT, n / 8);
    if ((n = width(w, "int", 8, 256)) != 0)
        return set_kind(p, HAWSE_ABI_INT, n / 8);
    if ((n = width(w, "bytes", 1, 32)) != 0)
        return set_kind(p, HAWSE_ABI_FIXED_BYTES, n);
    return 0;
}

int32_t abi_text_dimension(struct abi_text *r, uint32_t *count)
{
    if (!abi_text_take(r, '['))
        return 0;
    uint64_t begin = r->at;
    while (r->at < r->len && is_digit(abi_text_peek(r)))
        r->at++;
    uint64_t digits = r->at - begin;
    *count = small_number(r->text + begin, digits);
    if (abi_text_peek(r) != ']' || (digits > 0 && *count == 0))
        return HAWSE_E_FORMAT;
    if (*count > HAWSE_ABI_ARRAY_MAX)
        return HAWSE_E_LIMIT;
    r->at++;
    abi_text_hash(r, "[", 1);
    abi_text_hash(r, r->text + begin, digits);
    abi_text_hash(r, "]", 1);
    return 1;
}
