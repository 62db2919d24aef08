/*
 * "polymarket-l2": the API key of a Polymarket account. It signs requests that read, and the first
 * message of the user channel. What changes anything at the venue is not signed here: orders go
 * through intents and their gates. See sign.h.
 */
#include "sign/polymarket.h"

#include "sign/internal.h"

#include <ctype.h>
#include <hawse/eip55.h>
#include <hawse/json.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { CONDITION = 66, MARKS = 4096, MESSAGE_MAX = 65536 };

/* ---- the signature ---- */

void polymarket_hmac(const uint8_t *key, size_t key_len, const struct sign_request *r,
                     char out[POLY_SIGNATURE])
{
    crypto_auth_hmacsha256_state state;
    uint8_t mac[crypto_auth_hmacsha256_BYTES];
    char time[24];
    const uint8_t *query = r->path.len > 0 ? memchr(r->path.data, '?', r->path.len) : NULL;
    size_t path_len = query ? (size_t)(query - r->path.data) : r->path.len;
    int n = snprintf(time, sizeof(time), "%llu", (unsigned long long)r->utc_s);
    (void)crypto_auth_hmacsha256_init(&state, key, key_len);
    (void)crypto_auth_hmacsha256_update(&state, (const uint8_t *)time, (unsigned long long)n);
    (void)crypto_auth_hmacsha256_update(&state, (const uint8_t *)r->method, strlen(r->method));
    (void)crypto_auth_hmacsha256_update(&state, r->path.data, path_len);
    if (r->body.len > 0)
        (void)crypto_auth_hmacsha256_update(&state, r->body.data, r->body.len);
    (void)crypto_auth_hmacsha256_final(&state, mac);
    (void)sodium_bin2base64(out, POLY_SIGNATURE, mac, sizeof(mac), sodium_base64_VARIANT_URLSAFE);
    sodium_memzero(&state, sizeof(state));
}

/* ---- its values ---- */

/* Copies one printable word that needs no escape in JSON or a header. */
static bool take(char to[POLY_TEXT], hawse_view_t text)
{
    for (uint64_t i = 0; i < text.len; i++) {
        if (text.data[i] <= 0x20 || text.data[i] >= 0x7f || memchr("\"\\", text.data[i], 2))
            return false;
    }
    if (text.len == 0 || text.len >= POLY_TEXT)
        return false;
    memcpy(to, text.data, text.len);
    to[text.len] = '\0';
    return true;
}

/* Base64 in either alphabet, with its padding or without. */
static bool decode_key(struct poly_session *s)
{
    char text[POLY_TEXT];
    size_t n = 0;
    for (const char *c = s->secret; *c && *c != '='; c++)
        text[n++] = *c;
    text[n] = '\0';
    for (size_t i = 0; i < n; i++)
        text[i] = text[i] == '+' ? '-' : text[i] == '/' ? '_' : text[i];
    bool good = sodium_base642bin(s->key, sizeof(s->key), text, n, NULL, &s->key_len, NULL,
                                  sodium_base64_VARIANT_URLSAFE_NO_PADDING) == 0;
    sodium_memzero(text, sizeof(text));
    return good && strspn(s->secret + n, "=") == strlen(s->secret + n) && s->key_len > 0;
}

bool poly_session_set(struct poly_session *s, hawse_view_t api_key, hawse_view_t secret,
                      hawse_view_t passphrase)
{
    s->ready = take(s->api_key, api_key) && take(s->passphrase, passphrase) &&
               take(s->secret, secret) && decode_key(s);
    return s->ready;
}

static int32_t l2_open(void *secret, const struct config_credential *config, const char *where,
                       struct fault *fault)
{
    static const char *const names[] = {"api_key", "secret", "passphrase"};
    struct poly_session *s = secret;
    hawse_view_t texts[3];
    char word[POLY_TEXT];
    uint8_t address[20];
    for (int i = 0; i < 3; i++) {
        texts[i] = hawse_text(config_credential_value(config, names[i])->text);
        bool good = take(word, texts[i]);
        sodium_memzero(word, sizeof(word));
        if (!good)
            return fault_set(fault, HAWSE_E_FORMAT,
                             "%s.values.%s: expected one word of printable ASCII, at most %d bytes",
                             where, names[i], POLY_TEXT - 1);
    }
    if (!poly_session_set(s, texts[0], texts[1], texts[2]))
        return fault_set(fault, HAWSE_E_FORMAT,
                         "%s.values.secret: expected base64 of 1 to %d bytes, as the venue gave it",
                         where, POLY_KEY_MAX);
    const char *text = config_credential_value(config, "address")->text;
    if (hawse_eip55_parse((const uint8_t *)text, strlen(text), address) != HAWSE_OK)
        return fault_set(fault, HAWSE_E_FORMAT,
                         "%s.values.address: expected the address that the API key belongs to, 0x "
                         "and 40 digits, in mixed case only with the right checksum",
                         where);
    hawse_eip55_format(address, s->address);
    return HAWSE_OK;
}

bool poly_session_is(const struct poly_session *s, hawse_view_t text)
{
    if (text.len == strlen(s->address))
        return strncasecmp(s->address, (const char *)text.data, text.len) == 0;
    return text.len > 0 && text.len == strlen(s->api_key) &&
           memcmp(s->api_key, text.data, text.len) == 0;
}

/* ---- requests ---- */

static int32_t deny(struct fault *fault, const char *what, const char *hint)
{
    (void)fault_set(fault, HAWSE_E_DENIED, "polymarket: %s", what);
    fault_hint(fault, "%s", hint);
    return HAWSE_E_DENIED;
}

int32_t poly_session_headers(const struct poly_session *s, const struct sign_request *r,
                             char out[SIGN_HEADERS_MAX], size_t *len, struct fault *fault)
{
    char signature[POLY_SIGNATURE];
    if (strcmp(r->method, "GET") != 0)
        return deny(fault, "only requests that read are signed here",
                    "what changes something at the venue is an intent");
    if (r->path.len >= 5 && memcmp(r->path.data, "/auth", 5) == 0)
        return deny(fault, "nothing below /auth is signed: its answers hold keys",
                    "API keys are the operator's to make and to end");
    polymarket_hmac(s->key, s->key_len, r, signature);
    int n =
        snprintf(out, SIGN_HEADERS_MAX,
                 "POLY_ADDRESS: %s\nPOLY_SIGNATURE: %s\nPOLY_TIMESTAMP: %llu\n"
                 "POLY_API_KEY: %s\nPOLY_PASSPHRASE: %s\n",
                 s->address, signature, (unsigned long long)r->utc_s, s->api_key, s->passphrase);
    *len = (size_t)n;
    return HAWSE_OK;
}

/* ---- the user channel ---- */

static bool is_text(const hawse_json_value_t *v, const char *text)
{
    return v->kind == HAWSE_JSON_STRING && v->len == strlen(text) &&
           memcmp(v->data, text, v->len) == 0;
}

/* A list of condition ids and nothing else. */
static bool are_conditions(const hawse_json_t *doc, hawse_json_value_t *list)
{
    hawse_json_value_t item;
    int32_t more = HAWSE_E_FORMAT;
    while (list->kind == HAWSE_JSON_ARRAY &&
           (more = hawse_json_next(doc, list, NULL, &item)) == 1) {
        bool good = item.kind == HAWSE_JSON_STRING && item.len == CONDITION &&
                    memcmp(item.data, "0x", 2) == 0;
        for (uint32_t i = 2; good && i < CONDITION; i++)
            good = isxdigit(item.data[i]) != 0;
        if (!good)
            return false;
    }
    return more == 0;
}

enum { SEEN_TYPE = 1, SEEN_LOGIN = 2, SEEN_MARKETS = 4 };

static bool is_key(hawse_view_t key, const char *name)
{
    return key.len == strlen(name) && memcmp(key.data, name, key.len) == 0;
}

/* Which member this is; 0: none that may be there, or not with this value. */
static unsigned member_of(const hawse_json_t *doc, hawse_view_t key, hawse_json_value_t *value)
{
    if (is_key(key, "type"))
        return is_text(value, "user") ? SEEN_TYPE : 0;
    if (is_key(key, "auth"))
        return is_text(value, "$credential") ? SEEN_LOGIN : 0;
    return is_key(key, "markets") && are_conditions(doc, value) ? SEEN_MARKETS : 0;
}

/* {"type":"user","auth":"$credential"}, with "markets" or without; *at is where the login goes. */
static bool read_login(const hawse_json_t *doc, size_t *at)
{
    hawse_json_value_t root, value;
    hawse_view_t key;
    int32_t more = HAWSE_E_FORMAT;
    unsigned seen = 0;
    if (hawse_json_root(doc, &root) != HAWSE_OK || root.kind != HAWSE_JSON_OBJECT)
        return false;
    while ((more = hawse_json_next(doc, &root, &key, &value)) == 1) {
        unsigned member = member_of(doc, key, &value);
        if (member == 0 || (seen & member) != 0)
            return false;
        seen |= member;
        if (member == SEEN_LOGIN)
            *at = (size_t)(value.data - doc->text) - 1; /* the quote before it */
    }
    return more == 0 && (seen & SEEN_TYPE) != 0 && (seen & SEEN_LOGIN) != 0;
}

static int32_t fill(const struct poly_session *s, hawse_view_t text, size_t at, char **out,
                    size_t *len)
{
    size_t gap = strlen(SIGN_PLACEHOLDER), cap = text.len + 4u * POLY_TEXT;
    char *filled = secret_new(cap);
    if (!filled)
        return HAWSE_E_NOMEM;
    memcpy(filled, text.data, at);
    int n = snprintf(filled + at, cap - at,
                     "{\"apiKey\":\"%s\",\"secret\":\"%s\",\"passphrase\":\"%s\"}", s->api_key,
                     s->secret, s->passphrase);
    memcpy(filled + at + n, text.data + at + gap, text.len - at - gap);
    *len = text.len - gap + (size_t)n;
    *out = filled;
    return HAWSE_OK;
}

int32_t poly_session_message(const struct poly_session *s, hawse_view_t text, char **out,
                             size_t *len, struct fault *fault)
{
    hawse_json_t doc;
    size_t at = 0;
    int32_t code = HAWSE_E_LIMIT;
    uint32_t *marks = NULL;
    uint8_t *copy = NULL; /* the reader looks beyond the end, and a plugin's memory may end there */
    if (text.len <= MESSAGE_MAX) {
        marks = malloc(MARKS * sizeof(marks[0]));
        copy = calloc(1, text.len + HAWSE_PADDING);
        code = marks && copy ? HAWSE_OK : HAWSE_E_NOMEM;
    }
    if (code == HAWSE_OK) {
        if (text.len > 0)
            memcpy(copy, text.data, text.len);
        bool good = hawse_json_validate(copy, text.len, NULL) == HAWSE_OK &&
                    hawse_json_index(&doc, copy, text.len, marks, MARKS) == HAWSE_OK &&
                    read_login(&doc, &at);
        code = good ? fill(s, (hawse_view_t){copy, text.len}, at, out, len)
                    : deny(fault, "this is not the first message of the user channel",
                           "it is {\"type\":\"user\",\"auth\":" SIGN_PLACEHOLDER
                           ",\"markets\":[...]} and nothing else");
    }
    free(marks);
    free(copy);
    return code == HAWSE_OK
               ? code
               : fault_set(fault, code, "polymarket: the message is too long, or no memory");
}

static bool l2_is(const void *secret, hawse_view_t text)
{
    return poly_session_is(secret, text);
}

static int32_t l2_headers(const void *secret, const struct sign_request *r,
                          char out[SIGN_HEADERS_MAX], size_t *len, struct fault *fault)
{
    return poly_session_headers(secret, r, out, len, fault);
}

static int32_t l2_message(const void *secret, hawse_view_t text, char **out, size_t *len,
                          struct fault *fault)
{
    return poly_session_message(secret, text, out, len, fault);
}

static const struct sign_value l2_values[] = {{"address", false, false},
                                              {"api_key", false, false},
                                              {"secret", true, false},
                                              {"passphrase", true, false}};

const struct sign_schema sign_polymarket_l2 = {
    .name = "polymarket-l2",
    .size = sizeof(struct poly_session),
    .values = l2_values,
    .value_count = sizeof(l2_values) / sizeof(l2_values[0]),
    .open = l2_open,
    .is = l2_is,
    .headers = l2_headers,
    .message = l2_message,
};
