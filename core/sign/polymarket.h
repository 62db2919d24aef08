/*
 * The arithmetic of Polymarket's logins, by itself so that it can be compared with what the venue's
 * own clients make.
 */
#ifndef CORE_SIGN_POLYMARKET_H
#define CORE_SIGN_POLYMARKET_H

#include "sign/sign.h"

enum { POLY_SIGNATURE = 45 }; /* 44 digits of base64 and a NUL */

/* The value of POLY_SIGNATURE: HMAC-SHA256 (RFC 2104) of timestamp, method, path without its query,
 * and body, in url-safe base64 with padding. As the API's documentation has it under "L2". */
void polymarket_hmac(const uint8_t *key, size_t key_len, const struct sign_request *request,
                     char out[POLY_SIGNATURE]);

#endif
