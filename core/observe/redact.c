/* Redaction; see redact.h. One pass, no allocation but for the list. */
#include "observe/redact.h"

#include "base/secret.h"

#include <ctype.h>
#include <hawse/json.h>
#include <hawse/types.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char MASK[] = "***";
static const char *const words[] = {"privatekey", "private_key", "private key",   "secret",
                                    "passphrase", "mnemonic",    "password",      "apikey",
                                    "api_key",    "api-key",     "authorization", "bearer"};
enum { SECRET_MIN = 6 };

int32_t redact_add(struct redact_list *list, const char *value)
{
    if (strlen(value) < SECRET_MIN)
        return HAWSE_OK; /* would mask ordinary words */
    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(list->values[i], value) == 0)
            return HAWSE_OK; /* a reload brings it again */
    }
    if (list->count == list->cap) {
        size_t cap = list->cap ? list->cap * 2 : 16;
        char **values = realloc(list->values, cap * sizeof(values[0]));
        if (!values)
            return HAWSE_E_NOMEM;
        list->values = values;
        list->cap = cap;
    }
    char *copy = secret_copy(value);
    if (!copy)
        return HAWSE_E_NOMEM;
    list->values[list->count++] = copy;
    return HAWSE_OK;
}

void redact_finish(struct redact_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        secret_free(list->values[i]);
    free(list->values);
    memset(list, 0, sizeof(*list));
}

struct writer {
    char *out;
    size_t len, cap;
};

static void put(struct writer *w, const char *text, size_t len)
{
    for (size_t i = 0; i < len && w->len + 1 < w->cap; i++)
        w->out[w->len++] = text[i];
}

/* How much of a value begins here: all of it, or its beginning where something cut it off. Texts of
 * others cut keys anywhere; the beginnings of whole URLs and of "Bearer ..." are no secret, but for
 * what the end of the text cuts off. */
static size_t match(const char *value, const char *at, size_t left)
{
    size_t n = 0;
    while (n < left && value[n] && value[n] == at[n])
        n++;
    bool whole = value[n] == '\0';
    bool cut = n == left || (!strchr(value, ' ') && !strstr(value, "://"));
    return whole || (cut && n >= SECRET_MIN) ? n : 0;
}

/* Length of the longest listed value that begins here; 0 = none. */
static size_t listed(const struct redact_list *list, const char *at, size_t left)
{
    size_t longest = 0;
    for (size_t i = 0; list && i < list->count; i++) {
        size_t n = list->values[i][0] == *at ? match(list->values[i], at, left) : 0;
        longest = n > longest ? n : longest;
    }
    return longest;
}

static bool is_url_end(char c)
{
    return c == '\0' || isspace((unsigned char)c) || c == '"' || c == '\'' || c == '<' ||
           c == '>' || c == ')' || c == ',';
}

/* What of a URL is masked besides listed values: its user, then its query. */
struct url {
    size_t user;                  /* bytes between "://" and "@" */
    size_t query_from, query_end; /* positions in the text; from == end: none */
};

/* The URL whose "://" is at position i. */
static struct url read_url(const char *text, size_t len, size_t i)
{
    struct url u = {0};
    size_t begin = i + 3, end = begin, slash = begin;
    while (end < len && !is_url_end(text[end]))
        end++;
    while (slash < end && text[slash] != '/' && text[slash] != '?')
        slash++;
    for (size_t at = begin; at < slash; at++)
        u.user = text[at] == '@' ? at - begin : u.user;
    const char *query = memchr(text + begin, '?', end - begin);
    u.query_from = query ? (size_t)(query - text) + 1 : end;
    u.query_end = end;
    return u;
}

/* Length of a word here after which a long token is a secret; 0 = none. */
static size_t key_word(const char *at, size_t left)
{
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        size_t n = strlen(words[i]);
        if (n <= left && strncasecmp(words[i], at, n) == 0)
            return n;
    }
    return 0;
}

static bool token_char(char c)
{
    return isalnum((unsigned char)c) || c == '+' || c == '/' || c == '_' || c == '-' || c == '=' ||
           c == '.';
}

/* After a key word: separators, then a token of at least 6 characters, which is masked. */
static size_t after_word(struct writer *w, const char *at, size_t left)
{
    size_t i = 0;
    while (i < left && i < 6 && memchr(" :=\"'", at[i], 5) != NULL)
        i++;
    if (i + 7 <= left && strncasecmp(at + i, "bearer ", 7) == 0)
        i += 7;
    size_t token = i;
    while (token < left && token_char(at[token]))
        token++;
    if (i == 0 || token - i < SECRET_MIN)
        return 0;
    put(w, at, i);
    put(w, MASK, 3);
    return token;
}

/* Bytes of the UTF-8 character here, 0 when it is none. */
static size_t utf8(const unsigned char *s, size_t left)
{
    size_t n = s[0] < 0x80 ? 1 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
    return n <= left && hawse_utf8_valid(s, n) ? n : 0;
}

static size_t plain(struct writer *w, const char *at, size_t left)
{
    static const char hex[] = "0123456789abcdef";
    unsigned char c = (unsigned char)*at;
    if (c < 0x20 || c == 0x7f) {
        char escaped[4] = {'\\', 'x', hex[c >> 4], hex[c & 15]};
        put(w, escaped, 4);
        return 1;
    }
    size_t n = utf8((const unsigned char *)at, left);
    if (n == 0) {
        put(w, "?", 1);
        return 1;
    }
    if (w->len + n < w->cap)
        put(w, at, n);
    return n;
}

size_t redact_listed(const struct redact_list *list, char *text, size_t len)
{
    size_t out = 0;
    for (size_t i = 0; i < len;) {
        size_t n = listed(list, text + i, len - i);
        if (n > 0) {
            memcpy(text + out, MASK, 3); /* a value is longer than its mask */
            out += 3;
            i += n;
        } else {
            text[out++] = text[i++];
        }
    }
    return out;
}

/* What begins at `at`: a key word with its token, or a character. Returns what it took. */
static size_t word_or_character(struct writer *w, const char *at, size_t left)
{
    size_t n = key_word(at, left);
    if (n == 0)
        return plain(w, at, left);
    put(w, at, n);
    return n + after_word(w, at + n, left - n);
}

size_t redact(const struct redact_list *list, const char *text, size_t len, char *out, size_t cap)
{
    struct writer w = {.out = out, .cap = cap};
    struct url u = {0};
    size_t i = 0;
    while (i < len && cap > 0) {
        size_t left = len - i, n = listed(list, text + i, left);
        if (i >= u.query_from && i < u.query_end)
            n = u.query_end - i;
        if (n > 0) {
            put(&w, MASK, 3);
            i += n;
        } else if (left > 3 && memcmp(text + i, "://", 3) == 0) {
            u = read_url(text, len, i);
            put(&w, "://***", u.user > 0 ? 6 : 3);
            i += 3 + u.user;
        } else {
            i += word_or_character(&w, text + i, left);
        }
    }
    if (cap > 0)
        out[w.len] = '\0';
    return w.len;
}
