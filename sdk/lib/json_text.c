/*
 * The slow and strict side of JSON: escapes, and a whole check by RFC 8259. See hawse/json.h.
 */
#include <hawse/json.h>

#include <stdbool.h>
#include <string.h>

/* ---- UTF-8 ---- */

/* Length that the first byte promises, 0 when it can be none. */
static uint32_t utf8_length(uint8_t c)
{
    if (c < 0x80)
        return 1;
    return c < 0xc2 ? 0 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf5 ? 4 : 0;
}

/* Overlong forms, surrogates, and what lies above U+10FFFF (RFC 3629, section 4). */
static bool utf8_forbidden(uint8_t first, uint8_t second)
{
    return (first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f) ||
           (first == 0xf0 && second < 0x90) || (first == 0xf4 && second > 0x8f);
}

/* Bytes of the character at s, 0 when it is none. */
static uint32_t utf8_char(const uint8_t *s, uint64_t left)
{
    uint32_t n = utf8_length(s[0]);
    if (n == 0 || n > left)
        return 0;
    for (uint32_t i = 1; i < n; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    }
    return n > 1 && utf8_forbidden(s[0], s[1]) ? 0 : n;
}

int32_t hawse_utf8_valid(const uint8_t *text, uint64_t len)
{
    uint64_t i = 0;
    while (i < len) {
        uint64_t word;
        if (len - i >= 8) { /* eight bytes of ASCII at a time */
            memcpy(&word, text + i, 8);
            if ((word & 0x8080808080808080u) == 0) {
                i += 8;
                continue;
            }
        }
        uint32_t n = utf8_char(text + i, len - i);
        if (n == 0)
            return 0;
        i += n;
    }
    return 1;
}

/* ---- escapes ---- */

static int32_t hex4(const uint8_t *p, uint64_t left, uint32_t *out)
{
    uint32_t n = 0;
    if (left < 4)
        return HAWSE_E_FORMAT;
    for (int i = 0; i < 4; i++) {
        uint8_t c = p[i], folded = c | 0x20u;
        bool digit = c >= '0' && c <= '9', letter = folded >= 'a' && folded <= 'f';
        if (!digit && !letter)
            return HAWSE_E_FORMAT;
        n = n << 4 | (uint32_t)(digit ? c - '0' : folded - 'a' + 10);
    }
    *out = n;
    return HAWSE_OK;
}

/* Behind a high surrogate its low one must stand. */
static int32_t low_surrogate(const uint8_t *p, uint64_t left, uint32_t *code, uint32_t *used)
{
    uint32_t low = 0;
    if (left < 6 || p[0] != '\\' || p[1] != 'u' || hex4(p + 2, left - 2, &low) != HAWSE_OK ||
        low < 0xdc00 || low > 0xdfff)
        return HAWSE_E_FORMAT;
    *code = 0x10000 + ((*code - 0xd800) << 10) + (low - 0xdc00);
    *used = 12;
    return HAWSE_OK;
}

/* The character of an escape that begins at p (at the backslash); *used is its length. */
static int32_t escape(const uint8_t *p, uint64_t left, uint32_t *code, uint32_t *used)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    if (left < 2)
        return HAWSE_E_FORMAT;
    const char *simple = p[1] ? strchr(from, p[1]) : NULL;
    if (simple) {
        *code = (uint8_t)to[simple - from];
        *used = 2;
        return HAWSE_OK;
    }
    if (p[1] != 'u' || hex4(p + 2, left - 2, code) != HAWSE_OK ||
        (*code >= 0xdc00 && *code <= 0xdfff))
        return HAWSE_E_FORMAT;
    *used = 6;
    return *code < 0xd800 || *code > 0xdbff ? HAWSE_OK : low_surrogate(p + 6, left - 6, code, used);
}

static uint32_t encode(uint32_t code, uint8_t out[4])
{
    if (code < 0x80) {
        out[0] = (uint8_t)code;
        return 1;
    }
    uint32_t n = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    static const uint8_t lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (uint32_t i = n - 1; i > 0; i--) {
        out[i] = (uint8_t)(0x80 | (code & 0x3f));
        code >>= 6;
    }
    out[0] = (uint8_t)(lead[n] | code);
    return n;
}

int32_t hawse_json_unescape(const hawse_json_value_t *value, uint8_t *out, uint64_t cap,
                            uint64_t *need)
{
    uint64_t len = 0;
    if (value->kind != HAWSE_JSON_STRING)
        return HAWSE_E_INVAL;
    for (uint32_t i = 0; i < value->len;) {
        const uint8_t *from = value->data + i, *slash = memchr(from, '\\', value->len - i);
        uint32_t run = slash ? (uint32_t)(slash - from) : value->len - i;
        if (run > 0 && len + run <= cap)
            memcpy(out + len, from, run);
        len += run;
        i += run;
        if (!slash)
            break;
        uint8_t piece[4];
        uint32_t code = 0, used = 0;
        int32_t result = escape(slash, value->len - i, &code, &used);
        if (result != HAWSE_OK)
            return result;
        uint32_t n = encode(code, piece);
        if (len + n <= cap)
            memcpy(out + len, piece, n);
        len += n;
        i += used;
    }
    *need = len;
    return len <= cap ? HAWSE_OK : HAWSE_E_NOSPACE;
}

/* ---- the whole grammar ---- */

struct checker {
    const uint8_t *text;
    uint64_t len, at;
    uint64_t objects; /* bit per depth: 1 = object */
    uint32_t depth;
};

static void space(struct checker *c)
{
    while (c->at < c->len && (c->text[c->at] == ' ' || c->text[c->at] == '\n' ||
                              c->text[c->at] == '\r' || c->text[c->at] == '\t'))
        c->at++;
}

static bool take(struct checker *c, uint8_t byte)
{
    if (c->at >= c->len || c->text[c->at] != byte)
        return false;
    c->at++;
    return true;
}

static bool string(struct checker *c)
{
    if (!take(c, '"'))
        return false;
    while (c->at < c->len) {
        uint8_t byte = c->text[c->at];
        uint32_t code, used = 1;
        if (byte == '"')
            return take(c, '"');
        if (byte < 0x20)
            return false;
        if (byte == '\\') {
            if (escape(c->text + c->at, c->len - c->at, &code, &used) != HAWSE_OK)
                return false;
        } else if (byte >= 0x80 && (used = utf8_char(c->text + c->at, c->len - c->at)) == 0) {
            return false;
        }
        c->at += used;
    }
    return false;
}

static bool digits(struct checker *c)
{
    uint64_t begin = c->at;
    while (c->at < c->len && c->text[c->at] >= '0' && c->text[c->at] <= '9')
        c->at++;
    return c->at > begin;
}

static bool number(struct checker *c)
{
    (void)take(c, '-');
    if (!take(c, '0') && !digits(c))
        return false;
    if (take(c, '.') && !digits(c))
        return false;
    if (take(c, 'e') || take(c, 'E')) {
        if (!take(c, '+'))
            (void)take(c, '-');
        return digits(c);
    }
    return true;
}

static bool literal(struct checker *c, const char *word)
{
    size_t n = strlen(word);
    if (c->len - c->at < n || memcmp(c->text + c->at, word, n) != 0)
        return false;
    c->at += n;
    return true;
}

/* One value that is no container, or the opening of a container: *opened tells. */
static bool value(struct checker *c, bool *opened)
{
    *opened = false;
    if (c->at >= c->len)
        return false;
    switch (c->text[c->at]) {
    case '"':
        return string(c);
    case '{':
    case '[':
        *opened = true;
        return true;
    case 't':
        return literal(c, "true");
    case 'f':
        return literal(c, "false");
    case 'n':
        return literal(c, "null");
    default:
        return number(c);
    }
}

/* `"key":` where an object wants one. */
static bool key(struct checker *c)
{
    space(c);
    if (!string(c))
        return false;
    space(c);
    if (!take(c, ':'))
        return false;
    space(c);
    return true;
}

/* Behind a value: closes containers, takes a comma. 1: a value follows; 0: the text is over. */
static int32_t after_value(struct checker *c)
{
    while (c->depth > 0) {
        bool object = (c->objects >> (c->depth - 1) & 1u) != 0;
        space(c);
        if (take(c, object ? '}' : ']')) {
            c->depth--;
            continue;
        }
        if (!take(c, ','))
            return HAWSE_E_FORMAT;
        if (object)
            return key(c) ? 1 : HAWSE_E_FORMAT;
        space(c);
        return 1;
    }
    return 0;
}

/* Behind an opening bracket: 1: a value follows; 2: it was empty. */
static int32_t open_container(struct checker *c)
{
    bool object = c->text[c->at++] == '{';
    if (c->depth == HAWSE_JSON_DEPTH)
        return HAWSE_E_LIMIT;
    uint64_t bit = 1ull << c->depth++;
    c->objects = object ? c->objects | bit : c->objects & ~bit;
    space(c);
    if (take(c, object ? '}' : ']')) {
        c->depth--;
        return 2;
    }
    if (object)
        return key(c) ? 1 : HAWSE_E_FORMAT;
    return 1;
}

static int32_t check(struct checker *c)
{
    space(c);
    for (;;) {
        bool opened;
        if (!value(c, &opened))
            return HAWSE_E_FORMAT;
        int32_t code = opened ? open_container(c) : 2;
        if (code == 2)
            code = after_value(c);
        if (code <= 0)
            return code;
    }
}

int32_t hawse_json_validate(const uint8_t *text, uint64_t len, uint64_t *at)
{
    struct checker c = {.text = text, .len = len};
    int32_t code = check(&c);
    space(&c);
    if (code == HAWSE_OK && c.at != len)
        code = HAWSE_E_FORMAT;
    if (at)
        *at = c.at;
    return code;
}
