/*
 * Keys in locked memory; see key.h. Owns the memory of each key, a fenced allocation with the
 * secret XOR a mask, and the mask: the key is put together for the time of one signature, and lies
 * nowhere as it is before and after.
 *
 * Must never log, print or return a secret, nor leave one on the stack.
 */
#include "keys/key_private.h"

#include "base/secret.h"

#include <hawse/base58.h>
#include <hawse/eip55.h>
#include <hawse/keccak.h>
#include <hawse/types.h>
#include <pthread.h>
#include <secp256k1.h>
#include <secp256k1_preallocated.h>
#include <secp256k1_recovery.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { PAGE = 4096 };

/* What is secret of a key. */
struct vault {
    uint8_t masked[KEY_SECRET];
    uint8_t mask[KEY_SECRET];
    struct {
        uint8_t secret[KEY_SECRET];
        uint8_t pair[KEY_SECRET + 32]; /* Ed25519: seed and public key in a row */
        uint8_t entropy[32];
    } open; /* all zero while the key is closed */
};

struct key {
    struct key_public public;
    secp256k1_context *context; /* blinded; NULL for Ed25519 */
    void *context_memory;
    struct vault *vault; /* not accessible while the key is closed */
    pthread_mutex_t lock;
    bool hedged;
};

/* ---- memory ---- */

/* Locked, fenced, not dumped (libsodium), and not in the children that this process forks. */
static void *fenced(size_t size)
{
    char *memory = secret_new(size);
    if (memory) {
        uintptr_t page = (uintptr_t)memory & ~(uintptr_t)(PAGE - 1);
        (void)madvise((void *)page, (uintptr_t)memory + size - page, MADV_DONTFORK);
    }
    return memory;
}

const uint8_t *key_open(struct key *key)
{
    struct vault *v = key->vault;
    (void)pthread_mutex_lock(&key->lock);
    (void)sodium_mprotect_readwrite(v);
    for (size_t i = 0; i < KEY_SECRET; i++)
        v->open.secret[i] = v->masked[i] ^ v->mask[i];
    return v->open.secret;
}

void key_close(struct key *key)
{
    explicit_bzero(&key->vault->open, sizeof(key->vault->open));
    secret_wipe_stack();
    (void)sodium_mprotect_noaccess(key->vault);
    (void)pthread_mutex_unlock(&key->lock);
}

bool key_locked(struct key *key)
{
    (void)key_open(key);
    bool locked = mlock(key->vault, sizeof(*key->vault)) == 0;
    key_close(key);
    return locked;
}

/* ---- making ---- */

void key_set_address(struct key_public *public)
{
    uint8_t hash[32];
    if (public->kind != KEY_SECP256K1)
        return;
    hawse_keccak256(public->bytes, sizeof(public->bytes), hash);
    memcpy(public->address, hash + 12, sizeof(public->address));
}

static int32_t derive_secp256k1(struct key *key, const uint8_t *secret)
{
    secp256k1_pubkey point;
    uint8_t text[65], seed[32];
    size_t len = sizeof(text);
    key->context_memory = malloc(secp256k1_context_preallocated_size(SECP256K1_CONTEXT_NONE));
    if (!key->context_memory) /* memory of its own: the library ends the process without it */
        return HAWSE_E_NOMEM;
    key->context =
        secp256k1_context_preallocated_create(key->context_memory, SECP256K1_CONTEXT_NONE);
    randombytes_buf(seed, sizeof(seed)); /* blinds what is computed with the key */
    int blinded = secp256k1_context_randomize(key->context, seed);
    explicit_bzero(seed, sizeof(seed));
    if (!blinded || !secp256k1_ec_pubkey_create(key->context, &point, secret))
        return HAWSE_E_RANGE;
    (void)secp256k1_ec_pubkey_serialize(key->context, text, &len, &point,
                                        SECP256K1_EC_UNCOMPRESSED);
    memcpy(key->public.bytes, text + 1, sizeof(key->public.bytes));
    key_set_address(&key->public);
    return HAWSE_OK;
}

/* The public part of the open key; HAWSE_E_RANGE: it is no key of this kind. */
static int32_t derive(struct key *key, const uint8_t *secret)
{
    if (key->public.kind == KEY_SECP256K1)
        return derive_secp256k1(key, secret);
    return crypto_sign_seed_keypair(key->public.bytes, key->vault->open.pair, secret) == 0
               ? HAWSE_OK
               : HAWSE_E_RANGE;
}

/* A key of which only the mask is made yet; its vault is open. */
static struct key *key_new(enum key_kind kind)
{
    struct key *key = sodium_init() < 0 ? NULL : calloc(1, sizeof(*key));
    if (!key)
        return NULL;
    key->public.kind = kind;
    key->vault = fenced(sizeof(*key->vault));
    if (!key->vault || pthread_mutex_init(&key->lock, NULL) != 0) {
        sodium_free(key->vault);
        free(key);
        return NULL;
    }
    randombytes_buf(key->vault->mask, sizeof(key->vault->mask));
    return key;
}

int32_t key_from_secret(enum key_kind kind, const uint8_t secret[KEY_SECRET], struct key **out,
                        struct fault *fault)
{
    *out = NULL;
    struct key *key = key_new(kind);
    if (!key)
        return fault_set(fault, HAWSE_E_NOMEM, "no memory for a key");
    for (size_t i = 0; i < KEY_SECRET; i++)
        key->vault->masked[i] = secret[i] ^ key->vault->mask[i];
    int32_t code = derive(key, key_open(key));
    key_close(key);
    if (code == HAWSE_OK) {
        *out = key;
        return HAWSE_OK;
    }
    key_free(key);
    if (code == HAWSE_E_NOMEM)
        return fault_set(fault, code, "no memory for a key");
    return fault_set(fault, HAWSE_E_RANGE,
                     "these 32 bytes are no private key: expected a number above 0 and below the "
                     "order of secp256k1");
}

int32_t key_generate(enum key_kind kind, struct key **out, struct fault *fault)
{
    int32_t code = HAWSE_E_RANGE;
    *out = NULL;
    uint8_t *secret = sodium_init() < 0 ? NULL : fenced(KEY_SECRET);
    if (!secret)
        return fault_set(fault, HAWSE_E_NOMEM, "no memory for a key");
    while (code == HAWSE_E_RANGE) { /* once in 2^128 it is no scalar */
        randombytes_buf(secret, KEY_SECRET);
        struct fault again = {0};
        code = key_from_secret(kind, secret, out, &again);
        if (code != HAWSE_OK && code != HAWSE_E_RANGE)
            (void)fault_set(fault, code, "%s", again.message);
    }
    sodium_free(secret);
    return code;
}

void key_free(struct key *key)
{
    if (!key)
        return;
    if (key->context)
        secp256k1_context_preallocated_destroy(key->context); /* wipes it */
    free(key->context_memory);
    sodium_free(key->vault);
    (void)pthread_mutex_destroy(&key->lock);
    free(key);
}

/* ---- what is public ---- */

const struct key_public *key_public(const struct key *key)
{
    return &key->public;
}

const char *key_kind_name(enum key_kind kind)
{
    return kind == KEY_SECP256K1 ? "secp256k1" : kind == KEY_ED25519 ? "ed25519" : "unknown";
}

bool key_kind_parse(const char *name, enum key_kind *kind)
{
    for (enum key_kind k = KEY_SECP256K1; k <= KEY_ED25519; k++) {
        if (strcmp(key_kind_name(k), name) == 0) {
            *kind = k;
            return true;
        }
    }
    return false;
}

void key_describe(const struct key_public *public, char out[KEY_ADDRESS])
{
    if (public->kind == KEY_SECP256K1)
        hawse_eip55_format(public->address, out);
    else
        (void)hawse_base58_from_key(public->bytes, out);
}

bool key_same(const struct key_public *a, const struct key_public *b)
{
    return a->kind == b->kind && memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

/* ---- signing ---- */

void key_hedge(struct key *key, bool on)
{
    (void)pthread_mutex_lock(&key->lock);
    key->hedged = on;
    (void)pthread_mutex_unlock(&key->lock);
}

int32_t key_sign_digest(struct key *key, const uint8_t digest[32], struct signature *out)
{
    secp256k1_ecdsa_recoverable_signature signature;
    int parity = 0;
    if (key->public.kind != KEY_SECP256K1)
        return HAWSE_E_UNSUPPORTED;
    const uint8_t *secret = key_open(key);
    uint8_t *entropy = key->hedged ? key->vault->open.entropy : NULL;
    if (entropy)
        randombytes_buf(entropy, sizeof(key->vault->open.entropy));
    int good = secp256k1_ecdsa_sign_recoverable(key->context, &signature, digest, secret,
                                                secp256k1_nonce_function_rfc6979, entropy);
    key_close(key);
    if (!good)
        return HAWSE_E_INTERNAL;
    (void)secp256k1_ecdsa_recoverable_signature_serialize_compact(key->context, out->bytes, &parity,
                                                                  &signature);
    out->parity = (uint8_t)parity;
    return parity <= 1 ? HAWSE_OK : HAWSE_E_INTERNAL; /* no v for those; once in 2^127 */
}

int32_t key_sign_message(struct key *key, const uint8_t *message, size_t len, struct signature *out)
{
    if (key->public.kind != KEY_ED25519)
        return HAWSE_E_UNSUPPORTED;
    const uint8_t *secret = key_open(key);
    uint8_t *pair = key->vault->open.pair;
    memcpy(pair, secret, KEY_SECRET);
    memcpy(pair + KEY_SECRET, key->public.bytes, 32);
    int bad = crypto_sign_detached(out->bytes, NULL, message, len, pair);
    key_close(key);
    out->parity = 0;
    return bad ? HAWSE_E_INTERNAL : HAWSE_OK;
}

/* ---- judging signatures ---- */

int32_t signature_recover(const uint8_t digest[32], const struct signature *signature,
                          struct key_public *out)
{
    const secp256k1_context *context = secp256k1_context_static;
    secp256k1_ecdsa_recoverable_signature parsed;
    secp256k1_pubkey point;
    uint8_t text[65];
    size_t len = sizeof(text);
    if (signature->parity > 1 ||
        !secp256k1_ecdsa_recoverable_signature_parse_compact(context, &parsed, signature->bytes,
                                                             signature->parity) ||
        !secp256k1_ecdsa_recover(context, &point, &parsed, digest))
        return HAWSE_E_FORMAT;
    (void)secp256k1_ec_pubkey_serialize(context, text, &len, &point, SECP256K1_EC_UNCOMPRESSED);
    memset(out, 0, sizeof(*out));
    out->kind = KEY_SECP256K1;
    memcpy(out->bytes, text + 1, sizeof(out->bytes));
    key_set_address(out);
    return HAWSE_OK;
}

bool signature_is_low(const struct signature *signature)
{
    secp256k1_ecdsa_signature parsed;
    const secp256k1_context *context = secp256k1_context_static;
    return secp256k1_ecdsa_signature_parse_compact(context, &parsed, signature->bytes) &&
           !secp256k1_ecdsa_signature_normalize(context, NULL, &parsed);
}

bool signature_verify(const struct key_public *public, const uint8_t *message, size_t len,
                      const struct signature *signature)
{
    struct key_public who;
    if (public->kind == KEY_ED25519)
        return crypto_sign_verify_detached(signature->bytes, message, len, public->bytes) == 0;
    return len == 32 && signature_recover(message, signature, &who) == HAWSE_OK &&
           key_same(public, &who);
}
