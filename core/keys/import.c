/*
 * Keys of other programs; see import.h. Owns nothing. What is read of a plain text goes into locked
 * memory only, so it is read here and not by a JSON library.
 */
#include "keys/import_private.h"

#include "base/secret.h"

#include <hawse/hex.h>
#include <hawse/types.h>
#include <string.h>

static const char BLANK[] = " \t\r\n";

bool import_format_parse(const char *name, enum import_format *format)
{
    static const char *const names[] = {"auto", "v3", "hex", "solana"};
    for (int i = IMPORT_AUTO; i <= IMPORT_SOLANA; i++) {
        if (strcmp(names[i], name) == 0) {
            *format = (enum import_format)i;
            return true;
        }
    }
    return false;
}

enum import_format import_guess(const char *text)
{
    char first = text[strspn(text, BLANK)];
    return first == '{' ? IMPORT_V3 : first == '[' ? IMPORT_SOLANA : IMPORT_HEX;
}

/* ---- formats ---- */

static int32_t from_v3(const char *text, const char *passphrase, uint8_t *secret, struct key **out,
                       struct fault *fault)
{
    struct v3 v3;
    if (!passphrase)
        return fault_set(fault, HAWSE_E_INVAL, "a V3 keystore needs its passphrase");
    int32_t code = v3_read(text, &v3, fault);
    if (code == HAWSE_OK)
        code = v3_open(&v3, passphrase, secret, fault);
    if (code == HAWSE_OK)
        code = key_from_secret(KEY_SECP256K1, secret, out, fault);
    if (code == HAWSE_OK && v3.has_address &&
        memcmp(v3.address, key_public(*out)->address, sizeof(v3.address)) != 0)
        code = fault_set(fault, HAWSE_E_FORMAT,
                         "the V3 keystore holds the key of another address than it says");
    return code;
}

static int32_t from_hex(const char *text, enum key_kind kind, uint8_t *secret, struct key **out,
                        struct fault *fault)
{
    const char *begin = text + strspn(text, BLANK);
    size_t len = strcspn(begin, BLANK);
    uint64_t need = 0;
    if (begin[len + strspn(begin + len, BLANK)] != '\0' ||
        hawse_hex_loose((const uint8_t *)begin, len, secret, KEY_SECRET, &need) != HAWSE_OK ||
        need != KEY_SECRET)
        return fault_set(fault, HAWSE_E_FORMAT,
                         "no private key in hexadecimal: expected 64 digits, with or without 0x");
    return key_from_secret(kind, secret, out, fault);
}

/* A number from 0 to 255 at *at, which moves behind it. */
static bool take_byte(const char **at, uint8_t *out)
{
    unsigned n = 0, digits = 0;
    for (; **at >= '0' && **at <= '9' && digits < 4; (*at)++, digits++)
        n = n * 10 + (unsigned)(**at - '0');
    *out = (uint8_t)n;
    return digits > 0 && n <= 255;
}

/* "[n, n, ... n]": `count` numbers and nothing else. */
static bool take_array(const char *at, uint8_t *out, size_t count)
{
    at += strspn(at, BLANK);
    for (size_t i = 0; i < count; i++) {
        if (*at++ != (i == 0 ? '[' : ','))
            return false;
        at += strspn(at, BLANK);
        if (!take_byte(&at, &out[i]))
            return false;
        at += strspn(at, BLANK);
    }
    return *at == ']' && at[1 + strspn(at + 1, BLANK)] == '\0';
}

/* The seed and the public key in a row; `secret` has room for both. */
static int32_t from_solana(const char *text, uint8_t *secret, struct key **out, struct fault *fault)
{
    if (!take_array(text, secret, 2 * KEY_SECRET))
        return fault_set(fault, HAWSE_E_FORMAT,
                         "no Solana key: expected an array of 64 numbers from 0 to 255");
    int32_t code = key_from_secret(KEY_ED25519, secret, out, fault);
    if (code == HAWSE_OK && memcmp(key_public(*out)->bytes, secret + KEY_SECRET, 32) != 0)
        code = fault_set(fault, HAWSE_E_FORMAT,
                         "the last 32 numbers are not the public key of the first 32");
    return code;
}

int32_t import_key(const char *text, enum import_format format, enum key_kind kind,
                   const char *passphrase, struct key **out, struct fault *fault)
{
    uint8_t *secret = (uint8_t *)secret_new(2 * KEY_SECRET);
    int32_t code = HAWSE_OK;
    *out = NULL;
    if (!secret)
        return fault_set(fault, HAWSE_E_NOMEM, "no memory for a key");
    if (format == IMPORT_AUTO)
        format = import_guess(text);
    if (format == IMPORT_V3)
        code = from_v3(text, passphrase, secret, out, fault);
    else if (format == IMPORT_SOLANA)
        code = from_solana(text, secret, out, fault);
    else
        code = from_hex(text, kind, secret, out, fault);
    secret_free((char *)secret);
    if (code != HAWSE_OK) {
        key_free(*out);
        *out = NULL;
    }
    return code;
}
