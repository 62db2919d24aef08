/*
 * Ethereum's Web3 Secret Storage, version 3 (ethereum.org, "Web3 Secret Storage Definition"):
 * AES-128-CTR under a key of scrypt or PBKDF2, and a MAC that is
 * keccak256(second half of the key, ciphertext). libcrypto gives AES-CTR and PBKDF2, which
 * libsodium lacks. Owns nothing.
 */
#include "keys/import_private.h"

#include "base/secret.h"

#include <hawse/hex.h>
#include <hawse/keccak.h>
#include <hawse/types.h>
#include <jansson.h>
#include <openssl/evp.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum { DERIVED = 32 };

#define SCRYPT_MEMORY_MOST (UINT64_C(1) << 30) /* bytes: 128 * N * r */
#define SCRYPT_WORK_MOST   (UINT64_C(1) << 26) /* N * r * p */
#define PBKDF2_COUNT_MOST  UINT64_C(20000000)

/* ---- reading ---- */

static int32_t bad(struct fault *fault, const char *what)
{
    return fault_set(fault, HAWSE_E_FORMAT, "no V3 keystore, or a damaged one: %s", what);
}

/* Bytes of hexadecimal with or without "0x"; false: not there, or not of a legal length. */
static bool read_bytes(const json_t *o, const char *key, uint8_t *out, size_t least, size_t most,
                       size_t *len)
{
    uint64_t need = 0;
    const char *text = json_string_value(json_object_get(o, key));
    if (!text || hawse_hex_loose((const uint8_t *)text, strlen(text), out, most, &need) != HAWSE_OK)
        return false;
    *len = (size_t)need;
    return need >= least;
}

static bool read_number(const json_t *o, const char *key, uint64_t *out)
{
    json_int_t n = json_integer_value(json_object_get(o, key));
    *out = n > 0 ? (uint64_t)n : 0;
    return n > 0;
}

static int32_t read_scrypt(const json_t *params, struct v3 *out, struct fault *fault)
{
    if (!read_number(params, "n", &out->n) || !read_number(params, "r", &out->r) ||
        !read_number(params, "p", &out->p) || (out->n & (out->n - 1)) != 0 || out->n < 2)
        return bad(fault, "kdfparams of scrypt: n is a power of two, r and p are numbers above 0");
    if (out->n > SCRYPT_WORK_MOST || out->r > SCRYPT_WORK_MOST || out->p > SCRYPT_WORK_MOST ||
        out->n * out->r > SCRYPT_MEMORY_MOST / 128 || out->n * out->r * out->p > SCRYPT_WORK_MOST)
        return fault_set(fault, HAWSE_E_LIMIT,
                         "the V3 keystore asks for scrypt with n %llu, r %llu, p %llu: more than 1 "
                         "GiB or too long",
                         (unsigned long long)out->n, (unsigned long long)out->r,
                         (unsigned long long)out->p);
    out->scrypt = true;
    return HAWSE_OK;
}

static int32_t read_pbkdf2(const json_t *params, struct v3 *out, struct fault *fault)
{
    const char *prf = json_string_value(json_object_get(params, "prf"));
    if (!read_number(params, "c", &out->count))
        return bad(fault, "kdfparams of pbkdf2: c is a number above 0");
    if (!prf || strcmp(prf, "hmac-sha256") != 0)
        return fault_set(fault, HAWSE_E_UNSUPPORTED,
                         "the V3 keystore's prf is \"%.32s\", expected hmac-sha256",
                         prf ? prf : "");
    if (out->count > PBKDF2_COUNT_MOST)
        return fault_set(fault, HAWSE_E_LIMIT,
                         "the V3 keystore asks for %llu iterations, expected at most %llu",
                         (unsigned long long)out->count, (unsigned long long)PBKDF2_COUNT_MOST);
    return HAWSE_OK;
}

static int32_t read_kdf(const json_t *crypto, struct v3 *out, struct fault *fault)
{
    const char *kdf = json_string_value(json_object_get(crypto, "kdf"));
    const json_t *params = json_object_get(crypto, "kdfparams");
    uint64_t dklen = 0;
    if (!kdf || !json_is_object(params))
        return bad(fault, "kdf and kdfparams");
    if (!read_number(params, "dklen", &dklen) || dklen != DERIVED)
        return bad(fault, "dklen, expected 32");
    if (!read_bytes(params, "salt", out->salt, 1, sizeof(out->salt), &out->salt_len))
        return bad(fault, "salt, expected 1 to 256 bytes");
    if (strcmp(kdf, "scrypt") == 0)
        return read_scrypt(params, out, fault);
    if (strcmp(kdf, "pbkdf2") == 0)
        return read_pbkdf2(params, out, fault);
    return fault_set(fault, HAWSE_E_UNSUPPORTED,
                     "the V3 keystore's kdf is \"%.32s\", expected scrypt or pbkdf2", kdf);
}

static int32_t read_cipher(const json_t *crypto, struct v3 *out, struct fault *fault)
{
    const char *cipher = json_string_value(json_object_get(crypto, "cipher"));
    size_t len = 0;
    if (!cipher || strcmp(cipher, "aes-128-ctr") != 0)
        return fault_set(fault, HAWSE_E_UNSUPPORTED,
                         "the V3 keystore's cipher is \"%.32s\", expected aes-128-ctr",
                         cipher ? cipher : "");
    if (!read_bytes(json_object_get(crypto, "cipherparams"), "iv", out->iv, 16, 16, &len))
        return bad(fault, "iv, expected 16 bytes");
    if (!read_bytes(crypto, "ciphertext", out->ciphertext, KEY_SECRET, KEY_SECRET, &len))
        return bad(fault, "ciphertext, expected 32 bytes");
    if (!read_bytes(crypto, "mac", out->mac, 32, 32, &len))
        return bad(fault, "mac, expected 32 bytes");
    return HAWSE_OK;
}

int32_t v3_read(const char *text, struct v3 *out, struct fault *fault)
{
    json_error_t error;
    size_t len = 0;
    memset(out, 0, sizeof(*out));
    json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    const json_t *crypto = json_object_get(root, "crypto");
    if (!crypto)
        crypto = json_object_get(root, "Crypto"); /* older programs */
    int32_t code = HAWSE_OK;
    if (!crypto)
        code = bad(fault, root ? "no \"crypto\"" : "no JSON");
    else if (json_integer_value(json_object_get(root, "version")) != 3)
        code = bad(fault, "version, expected 3");
    if (code == HAWSE_OK)
        code = read_cipher(crypto, out, fault);
    if (code == HAWSE_OK)
        code = read_kdf(crypto, out, fault);
    if (code == HAWSE_OK && json_object_get(root, "address")) { /* some leave it out for privacy */
        out->has_address = read_bytes(root, "address", out->address, 20, 20, &len);
        code = out->has_address ? HAWSE_OK : bad(fault, "address, expected 20 bytes");
    }
    json_decref(root);
    return code;
}

/* ---- opening ---- */

static int32_t derive(const struct v3 *v3, const char *passphrase, uint8_t *out,
                      struct fault *fault)
{
    size_t len = strlen(passphrase);
    bool good = v3->scrypt ? crypto_pwhash_scryptsalsa208sha256_ll(
                                 (const uint8_t *)passphrase, len, v3->salt, v3->salt_len, v3->n,
                                 (uint32_t)v3->r, (uint32_t)v3->p, out, DERIVED) == 0
                           : PKCS5_PBKDF2_HMAC(passphrase, (int)len, v3->salt, (int)v3->salt_len,
                                               (int)v3->count, EVP_sha256(), DERIVED, out) == 1;
    secret_wipe_stack();
    return good ? HAWSE_OK
                : fault_set(fault, HAWSE_E_NOMEM, "no memory for the V3 keystore's passphrase");
}

static bool mac_fits(const struct v3 *v3, const uint8_t *derived)
{
    uint8_t mac[32];
    hawse_keccak_t hash;
    hawse_keccak_init(&hash);
    hawse_keccak_update(&hash, derived + 16, 16);
    hawse_keccak_update(&hash, v3->ciphertext, KEY_SECRET);
    hawse_keccak_final(&hash, mac);
    return sodium_memcmp(mac, v3->mac, sizeof(mac)) == 0;
}

static bool decrypt(const struct v3 *v3, const uint8_t *derived, uint8_t *secret)
{
    int len = 0;
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    bool good = context &&
                EVP_DecryptInit_ex(context, EVP_aes_128_ctr(), NULL, derived, v3->iv) == 1 &&
                EVP_DecryptUpdate(context, secret, &len, v3->ciphertext, KEY_SECRET) == 1 &&
                len == KEY_SECRET;
    EVP_CIPHER_CTX_free(context); /* wipes */
    return good;
}

int32_t v3_open(const struct v3 *v3, const char *passphrase, uint8_t *secret, struct fault *fault)
{
    if (strlen(passphrase) > INT32_MAX)
        return fault_set(fault, HAWSE_E_LIMIT, "the passphrase is too long");
    uint8_t *derived = (uint8_t *)secret_new(DERIVED);
    int32_t code = derived ? derive(v3, passphrase, derived, fault)
                           : fault_set(fault, HAWSE_E_NOMEM, "no memory for a key");
    if (code == HAWSE_OK && !mac_fits(v3, derived)) {
        code = fault_set(fault, HAWSE_E_DENIED,
                         "the passphrase of the V3 keystore is wrong, or the file is damaged");
        fault_hint(fault, "look for a space or a newline too many");
    }
    if (code == HAWSE_OK && !decrypt(v3, derived, secret))
        code = fault_set(fault, HAWSE_E_INTERNAL, "the V3 keystore could not be decrypted");
    secret_wipe_stack();
    secret_free((char *)derived);
    return code;
}
