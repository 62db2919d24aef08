/*
 * The declaration of an event into a table that the decoder walks; see hawse/abi.h.
 *
 * Read from left to right without going back or down: there are no tuples. What makes the hash, the
 * name and the canonical types, goes to Keccak as it is met.
 */
#include <hawse/abi.h>
#include <hawse/keccak.h>

#include <string.h>

struct reader {
    const char *text;
    uint64_t len;
    uint64_t at;
    hawse_keccak_t hash;
};

static void hash_text(struct reader *r, const char *text, uint64_t len)
{
    hawse_keccak_update(&r->hash, (const uint8_t *)text, len);
}

static char peek(const struct reader *r)
{
    return r->at < r->len ? r->text[r->at] : '\0';
}

static void skip_spaces(struct reader *r)
{
    while (r->at < r->len && (peek(r) == ' ' || peek(r) == '\t' || peek(r) == '\n'))
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

struct word {
    const char *text;
    uint64_t at;
    uint64_t len;
};

/* The name or keyword that stands here: letters, digits, '_' and '$', with no digit in front. */
static struct word read_word(struct reader *r)
{
    skip_spaces(r);
    struct word w = {r->text + r->at, r->at, 0};
    if (is_digit(peek(r)))
        return w;
    while (r->at < r->len && is_name_char(peek(r)))
        r->at++;
    w.len = r->at - w.at;
    return w;
}

static int word_is(const struct word *w, const char *text)
{
    return w->len == strlen(text) && memcmp(w->text, text, w->len) == 0;
}

static int take_char(struct reader *r, char c)
{
    skip_spaces(r);
    if (peek(r) != c)
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
static uint32_t width(const struct word *w, const char *prefix, uint32_t step, uint32_t most)
{
    uint64_t begin = strlen(prefix);
    if (w->len <= begin || memcmp(w->text, prefix, begin) != 0)
        return 0;
    uint32_t n = small_number(w->text + begin, w->len - begin);
    return n <= most && n % step == 0 ? n : 0;
}

static int is_foreign(const struct word *w)
{
    return word_is(w, "function") || (w->len >= 5 && memcmp(w->text, "fixed", 5) == 0) ||
           (w->len >= 6 && memcmp(w->text, "ufixed", 6) == 0);
}

static int set_kind(hawse_abi_param_t *p, uint32_t kind, uint32_t size)
{
    p->kind = (uint8_t)kind;
    p->size = (uint8_t)size;
    return 1;
}

static int named_type(const struct word *w, hawse_abi_param_t *p)
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
        if (word_is(w, types[i].name))
            return set_kind(p, types[i].kind, types[i].size);
    }
    return 0;
}

static int elementary_type(const struct word *w, hawse_abi_param_t *p)
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

/* The dimensions behind a type, from the inside to the outside. What has an open dimension or an
 * open element inside has no words: p->words becomes 0. */
static int32_t read_dimensions(struct reader *r, hawse_abi_param_t *p)
{
    uint64_t words = p->size ? 1 : 0, count = 0;
    while (take_char(r, '[')) {
        uint64_t begin = r->at;
        while (r->at < r->len && is_digit(peek(r)))
            r->at++;
        uint64_t digits = r->at - begin;
        if (p->flags & HAWSE_ABI_ARRAY) /* what was the array is an element now */
            words *= p->flags & HAWSE_ABI_OPEN ? 0 : count;
        count = small_number(r->text + begin, digits);
        if (peek(r) != ']' || (digits > 0 && count == 0))
            return HAWSE_E_FORMAT;
        if (words > HAWSE_ABI_ARRAY_MAX || count > HAWSE_ABI_ARRAY_MAX ||
            words * count > HAWSE_ABI_ARRAY_MAX)
            return HAWSE_E_LIMIT;
        r->at++;
        hash_text(r, "[", 1);
        hash_text(r, r->text + begin, digits);
        hash_text(r, "]", 1);
        p->flags = HAWSE_ABI_ARRAY | (digits == 0 ? HAWSE_ABI_OPEN : 0);
    }
    p->words = p->flags & HAWSE_ABI_ARRAY ? (uint32_t)words : 1;
    p->count = (uint32_t)count;
    return HAWSE_OK;
}

static int32_t read_type(struct reader *r, hawse_abi_param_t *p)
{
    skip_spaces(r);
    if (peek(r) == '(')
        return HAWSE_E_UNSUPPORTED;
    struct word w = read_word(r);
    if (word_is(&w, "tuple") || is_foreign(&w) || !elementary_type(&w, p)) {
        int known = word_is(&w, "tuple") || is_foreign(&w);
        r->at = w.at;
        return known ? HAWSE_E_UNSUPPORTED : HAWSE_E_FORMAT;
    }
    hash_text(r, w.text, w.len);
    if (word_is(&w, "uint") || word_is(&w, "int"))
        hash_text(r, "256", 3);
    return read_dimensions(r, p);
}

/* Gives the parameter its topic or its place in the data. */
static int32_t place_param(hawse_abi_signature_t *event, hawse_abi_param_t *p)
{
    int array = (p->flags & HAWSE_ABI_ARRAY) != 0;
    if (p->flags & HAWSE_ABI_INDEXED) {
        if (event->topic_count == 4)
            return HAWSE_E_FORMAT;
        if (array || p->size == 0)
            p->flags |= HAWSE_ABI_HASHED;
        p->place = event->topic_count++;
        return HAWSE_OK;
    }
    if (p->words == 0)
        return HAWSE_E_UNSUPPORTED;
    p->place = event->head_len;
    event->head_len += array && !(p->flags & HAWSE_ABI_OPEN) ? 32 * p->words * p->count : 32;
    return HAWSE_OK;
}

static int32_t read_param(struct reader *r, hawse_abi_signature_t *event)
{
    hawse_abi_param_t p = {0};
    skip_spaces(r);
    uint64_t begin = r->at;
    if (event->param_count == HAWSE_ABI_PARAMS_MAX)
        return HAWSE_E_LIMIT;
    int32_t result = read_type(r, &p);
    if (result != HAWSE_OK)
        return result;
    struct word w = read_word(r);
    if (p.kind == HAWSE_ABI_ADDRESS && word_is(&w, "payable"))
        w = read_word(r);
    if (word_is(&w, "indexed")) {
        p.flags |= HAWSE_ABI_INDEXED;
        w = read_word(r);
    }
    p.name_at = (uint32_t)w.at;
    p.name_len = (uint32_t)w.len;
    result = place_param(event, &p);
    if (result != HAWSE_OK)
        r->at = begin;
    else
        event->params[event->param_count++] = p;
    return result;
}

static int32_t read_params(struct reader *r, hawse_abi_signature_t *event)
{
    if (!take_char(r, '('))
        return HAWSE_E_FORMAT;
    hash_text(r, "(", 1);
    if (!take_char(r, ')')) {
        do {
            if (event->param_count > 0)
                hash_text(r, ",", 1);
            int32_t result = read_param(r, event);
            if (result != HAWSE_OK)
                return result;
        } while (take_char(r, ','));
        if (!take_char(r, ')'))
            return HAWSE_E_FORMAT;
    }
    hash_text(r, ")", 1);
    return HAWSE_OK;
}

static int32_t read_event(struct reader *r, hawse_abi_signature_t *event)
{
    struct word name = read_word(r);
    if (word_is(&name, "event"))
        name = read_word(r);
    if (name.len == 0)
        return HAWSE_E_FORMAT;
    hash_text(r, name.text, name.len);
    int32_t result = read_params(r, event);
    if (result != HAWSE_OK)
        return result;
    struct word last = read_word(r);
    if (word_is(&last, "anonymous")) {
        r->at = last.at;
        return HAWSE_E_UNSUPPORTED;
    }
    if (last.len > 0) {
        r->at = last.at;
        return HAWSE_E_FORMAT;
    }
    (void)take_char(r, ';');
    skip_spaces(r);
    return r->at == r->len ? HAWSE_OK : HAWSE_E_FORMAT;
}

int32_t hawse_abi_event_parse(const char *text, uint64_t len, hawse_abi_signature_t *event,
                              uint64_t *where)
{
    struct reader r = {.text = text, .len = len};
    int32_t result = HAWSE_E_LIMIT;
    memset(event, 0, sizeof(*event));
    event->form = HAWSE_ABI_EVENT;
    event->topic_count = 1;
    if (len <= UINT32_MAX) {
        hawse_keccak_init(&r.hash);
        result = read_event(&r, event);
    }
    if (result == HAWSE_OK)
        hawse_keccak_final(&r.hash, event->hash);
    else if (where)
        *where = r.at;
    return result;
}
