/*
 * "polymarket-l1": a Polymarket account by its wallet's key. The key signs one thing alone, that it
 * owns the account (EIP-712 "ClobAuth"); the venue answers with the API key, which stays here and
 * is used as in polymarket-l2. See sign.h.
 */
#include "sign/internal.h"
#include "sign/polymarket.h"

#include <errno.h>
#include <hawse/eip55.h>
#include <hawse/eip712.h>
#include <hawse/hex.h>
#include <hawse/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char type_text[] =
    "ClobAuth(address address,string timestamp,uint256 nonce,string message)";
static const char message_text[] = "This message attests that I control the given wallet";

enum { POLYGON = 137, MARKS = 256 };

struct l1 {
    struct poly_session session; /* ready: the API key is known */
    struct key *key;
    uint64_t chain_id, nonce;
};

int32_t polymarket_attest(struct key *key, uint64_t chain_id, uint64_t nonce, uint64_t utc_s,
                          uint8_t signature[65])
{
    hawse_eip712_schema_t *schema = calloc(1, sizeof(*schema));
    hawse_eip712_t h;
    struct signature made;
    uint8_t hash[32], separator[32], digest[32];
    char time[24];
    hawse_eip712_domain_t domain = {.fields = HAWSE_EIP712_NAME | HAWSE_EIP712_VERSION |
                                              HAWSE_EIP712_CHAIN_ID,
                                    .name = hawse_text("ClobAuthDomain"),
                                    .version = hawse_text("1"),
                                    .chain_id = {{chain_id, 0, 0, 0}}};
    int32_t code =
        schema ? hawse_eip712_parse(schema, type_text, strlen(type_text), NULL) : HAWSE_E_NOMEM;
    if (code == HAWSE_OK) {
        int n = snprintf(time, sizeof(time), "%llu", (unsigned long long)utc_s);
        hawse_eip712_begin(&h, schema, 0);
        hawse_eip712_address(&h, key_public(key)->address);
        hawse_eip712_bytes(&h, time, (uint64_t)n);
        hawse_eip712_u64(&h, nonce);
        hawse_eip712_bytes(&h, message_text, strlen(message_text));
        code = hawse_eip712_end(&h, hash);
    }
    if (code == HAWSE_OK)
        code = hawse_eip712_domain_hash(&domain, separator);
    if (code == HAWSE_OK) {
        hawse_eip712_digest(separator, hash, digest);
        code = key_sign_digest(key, digest, &made);
    }
    if (code == HAWSE_OK) {
        memcpy(signature, made.bytes, 64);
        signature[64] = (uint8_t)(27 + made.parity);
    }
    free(schema);
    return code;
}

/* ---- its values ---- */

/* A number in decimal digits; without the value, `otherwise`. */
static bool number(const struct config_credential *config, const char *name, uint64_t otherwise,
                   uint64_t *out)
{
    const struct config_secret *value = config_credential_value(config, name);
    *out = otherwise;
    if (!value)
        return true;
    char *end = NULL;
    errno = 0;
    *out = strtoull(value->text, &end, 10);
    return value->text[0] >= '0' && value->text[0] <= '9' && *end == '\0' && errno == 0;
}

static int32_t l1_open(void *secret, const struct config_credential *config, const char *where,
                       struct fault *fault)
{
    struct l1 *s = secret;
    uint8_t *bytes = (uint8_t *)secret_new(KEY_SECRET); /* locked while it is not yet a key */
    const char *text = config_credential_value(config, "key")->text;
    int32_t code = HAWSE_E_FORMAT;
    if (!bytes)
        return HAWSE_E_NOMEM;
    if (strlen(text) == 66 && hawse_hex_fixed((const uint8_t *)text, 66, bytes, 32) == HAWSE_OK)
        code = key_from_secret(KEY_SECP256K1, bytes, &s->key, NULL);
    secret_free((char *)bytes);
    if (code != HAWSE_OK)
        return fault_set(fault, code,
                         "%s.values.key: expected the private key of the account's wallet, 0x and "
                         "64 digits",
                         where);
    hawse_eip55_format(key_public(s->key)->address, s->session.address);
    if (!number(config, "nonce", 0, &s->nonce) ||
        !number(config, "chain_id", POLYGON, &s->chain_id))
        return fault_set(fault, HAWSE_E_FORMAT, "%s.values: nonce and chain_id are decimal numbers",
                         where);
    return HAWSE_OK;
}

static void l1_close(void *secret)
{
    struct l1 *s = secret;
    key_free(s->key);
}

/* ---- logging in ---- */

static int32_t l1_login(const void *secret, uint64_t utc_s, char out[SIGN_HEADERS_MAX], size_t *len)
{
    const struct l1 *s = secret;
    uint8_t signature[65];
    char hex[131];
    int32_t code = polymarket_attest(s->key, s->chain_id, s->nonce, utc_s, signature);
    if (code != HAWSE_OK)
        return code;
    hawse_hex_encode(signature, sizeof(signature), hex);
    hex[130] = '\0';
    int n =
        snprintf(out, SIGN_HEADERS_MAX,
                 "POLY_ADDRESS: %s\nPOLY_SIGNATURE: 0x%s\nPOLY_TIMESTAMP: %llu\nPOLY_NONCE: %llu\n",
                 s->session.address, hex, (unsigned long long)utc_s, (unsigned long long)s->nonce);
    *len = (size_t)n;
    return HAWSE_OK;
}

static int32_t l1_answer(void *secret, hawse_view_t body, struct fault *fault)
{
    struct l1 *s = secret;
    hawse_json_t doc;
    hawse_json_value_t root, v[3];
    uint32_t marks[MARKS];
    static const char *const names[] = {"apiKey", "secret", "passphrase"};
    bool good = hawse_json_index(&doc, body.data, body.len, marks, MARKS) == HAWSE_OK &&
                hawse_json_root(&doc, &root) == HAWSE_OK && root.kind == HAWSE_JSON_OBJECT;
    for (int i = 0; i < 3 && good; i++)
        good = hawse_json_get(&doc, &root, names[i], &v[i]) == HAWSE_OK &&
               v[i].kind == HAWSE_JSON_STRING && v[i].len > 0;
    if (good)
        good = poly_session_set(&s->session, (hawse_view_t){v[0].data, v[0].len},
                                (hawse_view_t){v[1].data, v[1].len},
                                (hawse_view_t){v[2].data, v[2].len});
    if (good)
        return HAWSE_OK;
    (void)fault_set(fault, HAWSE_E_FORMAT,
                    "polymarket-l1: the venue's answer to the login is no API key");
    fault_hint(fault,
               "make the API key once with the venue's own client, for this wallet and nonce");
    return HAWSE_E_FORMAT;
}

static int32_t not_yet(struct fault *fault)
{
    return fault_set(fault, HAWSE_E_STATE, "polymarket-l1: not logged in yet");
}

static bool l1_is(const void *secret, hawse_view_t text)
{
    const struct l1 *s = secret;
    return poly_session_is(&s->session, text);
}

static int32_t l1_headers(const void *secret, const struct sign_request *r,
                          char out[SIGN_HEADERS_MAX], size_t *len, struct fault *fault)
{
    const struct l1 *s = secret;
    return s->session.ready ? poly_session_headers(&s->session, r, out, len, fault)
                            : not_yet(fault);
}

static int32_t l1_message(const void *secret, hawse_view_t text, char **out, size_t *len,
                          struct fault *fault)
{
    const struct l1 *s = secret;
    return s->session.ready ? poly_session_message(&s->session, text, out, len, fault)
                            : not_yet(fault);
}

static const struct sign_value l1_values[] = {
    {"key", true, false}, {"nonce", false, true}, {"chain_id", false, true}};

const struct sign_schema sign_polymarket_l1 = {
    .name = "polymarket-l1",
    .size = sizeof(struct l1),
    .values = l1_values,
    .value_count = sizeof(l1_values) / sizeof(l1_values[0]),
    .open = l1_open,
    .close = l1_close,
    .is = l1_is,
    .headers = l1_headers,
    .message = l1_message,
    .login_path = "/auth/derive-api-key",
    .login = l1_login,
    .answer = l1_answer,
};
