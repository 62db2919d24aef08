/*
 * Polymarket's logins: the arithmetic, by itself so that it can be compared with what the venue's
 * own clients make, and what both schemas do with an API key.
 */
#ifndef CORE_SIGN_POLYMARKET_H
#define CORE_SIGN_POLYMARKET_H

#include "keys/key.h"
#include "sign/sign.h"

enum {
    POLY_SIGNATURE = 45, /* 44 digits of base64 and a NUL */
    POLY_KEY_MAX = 64,
    POLY_TEXT = 256,
};

/* An account that is logged in, or will be. All of it is in locked memory. */
struct poly_session {
    bool ready;       /* the API key is known */
    char address[43]; /* of the account that signs, as EIP-55 writes it */
    char api_key[POLY_TEXT];
    char secret[POLY_TEXT]; /* as the venue gave it: the user channel wants it so */
    char passphrase[POLY_TEXT];
    uint8_t key[POLY_KEY_MAX]; /* the same, decoded */
    size_t key_len;
};

/* Printable words, and base64; false: one of them is not. */
bool poly_session_set(struct poly_session *session, hawse_view_t api_key, hawse_view_t secret,
                      hawse_view_t passphrase);
/* As credential_is, sign_headers and sign_message; the session is ready. */
bool poly_session_is(const struct poly_session *session, hawse_view_t text);
int32_t poly_session_headers(const struct poly_session *session, const struct sign_request *request,
                             char out[SIGN_HEADERS_MAX], size_t *len, struct fault *fault);
int32_t poly_session_message(const struct poly_session *session, hawse_view_t text, char **out,
                             size_t *len, struct fault *fault);

/* r, s and v (27 or 28) of the EIP-712 "ClobAuth" of a wallet's key: "L1" in the API's
 * documentation. HAWSE_E_UNSUPPORTED: no secp256k1 key; HAWSE_E_NOMEM. */
int32_t polymarket_attest(struct key *key, uint64_t chain_id, uint64_t nonce, uint64_t utc_s,
                          uint8_t signature[65]);

/* The value of POLY_SIGNATURE: HMAC-SHA256 (RFC 2104) of timestamp, method, path without its query,
 * and body, in url-safe base64 with padding. As the API's documentation has it under "L2". */
void polymarket_hmac(const uint8_t *key, size_t key_len, const struct sign_request *request,
                     char out[POLY_SIGNATURE]);

#endif
