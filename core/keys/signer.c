/* Keys by name with their locks; see signer.h. Owns the keys it holds, and its link. */
#include "keys/signer_private.h"

#include <hawse/types.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool signer_name_legal(const char *name)
{
    size_t legal = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");
    return legal > 0 && legal < SIGNER_NAME && name[legal] == '\0';
}

/* ---- locks ---- */

static bool listed(const struct key_locks *locks, const struct chain *chain)
{
    for (size_t i = 0; i < locks->chain_count; i++) {
        if (chain_equal(&locks->chains[i], chain))
            return true;
    }
    return false;
}

static int32_t check_testnet(const struct key_locks *locks, const char *name,
                             const struct chain *chain, struct fault *fault)
{
    enum chain_class class = chain_class(chain);
    if (class == CHAIN_TESTNET || (class == CHAIN_UNKNOWN && listed(locks, chain)))
        return HAWSE_OK;
    if (class == CHAIN_MAINNET) {
        (void)fault_set(fault, HAWSE_E_DENIED,
                        "key \"%s\" is for test networks only, and %s (%s) holds real money", name,
                        chain->text, chain_name(chain));
        fault_hint(fault, "use a key that is not marked testnet-only");
        return HAWSE_E_DENIED;
    }
    (void)fault_set(fault, HAWSE_E_DENIED,
                    "key \"%s\" is for test networks only, and %s is not known as one", name,
                    chain->text);
    fault_hint(fault, "if it is one, add it to the chains that the key is locked to");
    return HAWSE_E_DENIED;
}

int32_t key_locks_check(const struct key_locks *locks, const char *name, const struct chain *chain,
                        struct fault *fault)
{
    if (locks->chain_count == 0 && !locks->testnet_only)
        return HAWSE_OK;
    if (chain_is_none(chain)) {
        (void)fault_set(fault, HAWSE_E_DENIED,
                        "key \"%s\" is locked to some chains, and this signature is bound to none",
                        name);
        fault_hint(fault, "use a key without locks for what no chain id protects");
        return HAWSE_E_DENIED;
    }
    if (locks->chain_count > 0 && !listed(locks, chain)) {
        (void)fault_set(fault, HAWSE_E_DENIED, "key \"%s\" is locked to %s%s, not to %s", name,
                        locks->chains[0].text, locks->chain_count > 1 ? " and others" : "",
                        chain->text);
        fault_hint(fault, "use the key of that chain, or change the key's lock");
        return HAWSE_E_DENIED;
    }
    return locks->testnet_only ? check_testnet(locks, name, chain, fault) : HAWSE_OK;
}

int32_t key_locks_merge(const struct key_locks *a, const struct key_locks *b, const char *name,
                        struct key_locks *out, struct fault *fault)
{
    struct key_locks both = *a;
    if (a->chain_count == 0)
        both = *b;
    both.testnet_only = a->testnet_only || b->testnet_only;
    if (a->chain_count > 0 && b->chain_count > 0) {
        both.chain_count = 0;
        for (size_t i = 0; i < a->chain_count; i++) {
            if (listed(b, &a->chains[i]))
                both.chains[both.chain_count++] = a->chains[i];
        }
        if (both.chain_count == 0) {
            (void)fault_set(fault, HAWSE_E_DENIED,
                            "key \"%s\" is locked to %s%s, and the configuration to %s%s: nothing "
                            "is left",
                            name, a->chains[0].text, a->chain_count > 1 ? " and others" : "",
                            b->chains[0].text, b->chain_count > 1 ? " and others" : "");
            fault_hint(fault, "a configuration can only tighten the lock of a key");
            return HAWSE_E_DENIED;
        }
    }
    *out = both;
    return HAWSE_OK;
}

/* ---- making ---- */

int32_t signer_new(struct signer **out, struct fault *fault)
{
    *out = calloc(1, sizeof(**out));
    return *out ? HAWSE_OK : fault_set(fault, HAWSE_E_NOMEM, "no memory for a signer");
}

int32_t signer_describe(struct signer *signer, const struct signer_key *key, size_t *added,
                        struct fault *fault)
{
    if (!signer_name_legal(key->name))
        return fault_set(fault, HAWSE_E_INVAL,
                         "a key's name has 1 to 63 letters, digits, '_' or '-', found \"%.80s\"",
                         key->name);
    if (signer_find(signer, key->name))
        return fault_set(fault, HAWSE_E_EXISTS, "there are two keys named \"%s\"", key->name);
    if (signer->count == SIGNER_KEYS)
        return fault_set(fault, HAWSE_E_LIMIT, "more than %d keys", SIGNER_KEYS);
    *added = signer->count++;
    signer->keys[*added] = *key;
    return HAWSE_OK;
}

int32_t signer_add(struct signer *signer, const char *name, struct key *key,
                   const struct key_locks *locks, struct fault *fault)
{
    struct signer_key described = {.public = *key_public(key), .locks = *locks};
    size_t added = 0;
    int n = snprintf(described.name, sizeof(described.name), "%s", name);
    int32_t code = n < SIGNER_NAME ? signer_describe(signer, &described, &added, fault)
                                   : fault_set(fault, HAWSE_E_INVAL, "a key's name is too long");
    if (code != HAWSE_OK)
        key_free(key);
    else
        signer->held[added] = key;
    return code;
}

void signer_free(struct signer *signer)
{
    if (!signer)
        return;
    for (size_t i = 0; i < signer->count; i++)
        key_free(signer->held[i]);
    if (signer->link.free)
        signer->link.free(signer->link.ctx);
    free(signer);
}

bool signer_locked(const struct signer *signer)
{
    bool locked = true;
    for (size_t i = 0; i < signer->count; i++)
        locked = locked && (!signer->held[i] || key_locked(signer->held[i]));
    return locked;
}

/* ---- finding ---- */

size_t signer_count(const struct signer *signer)
{
    return signer->count;
}

const struct signer_key *signer_at(const struct signer *signer, size_t index)
{
    return index < signer->count ? &signer->keys[index] : NULL;
}

const struct signer_key *signer_key(const struct signer *signer, signer_handle handle)
{
    return handle > 0 ? signer_at(signer, handle - 1) : NULL;
}

signer_handle signer_find(const struct signer *signer, const char *name)
{
    for (size_t i = 0; i < signer->count; i++) {
        if (strcmp(signer->keys[i].name, name) == 0)
            return (signer_handle)(i + 1);
    }
    return 0;
}

/* ---- signing ---- */

/* Is there such a key, of this kind, and do its locks allow the chain? */
static int32_t check(const struct signer *signer, signer_handle handle, enum key_kind kind,
                     const struct chain *chain, struct fault *fault)
{
    const struct signer_key *key = signer_key(signer, handle);
    if (!key)
        return fault_set(fault, HAWSE_E_STALE, "there is no key with handle %u", handle);
    if (key->public.kind != kind)
        return fault_set(fault, HAWSE_E_UNSUPPORTED, "key \"%s\" is of %s, which does not sign %s",
                         key->name, key_kind_name(key->public.kind),
                         kind == KEY_SECP256K1 ? "digests" : "messages");
    return key_locks_check(&key->locks, key->name, chain, fault);
}

static int32_t sign(struct signer *signer, const struct signer_order *order, struct signature *out,
                    struct fault *fault)
{
    if (signer->link.sign)
        return signer->link.sign(signer->link.ctx, order, out, fault);
    struct key *key = signer->held[order->index];
    int32_t code = key_public(key)->kind == KEY_SECP256K1
                       ? key_sign_digest(key, order->bytes, out)
                       : key_sign_message(key, order->bytes, order->len, out);
    return code == HAWSE_OK ? code
                            : fault_set(fault, code, "key \"%s\" could not sign",
                                        signer->keys[order->index].name);
}

int32_t signer_sign_digest(struct signer *signer, signer_handle handle, const struct chain *chain,
                           const uint8_t digest[32], struct signature *out, struct fault *fault)
{
    struct signer_order order = {handle - 1, chain, digest, 32};
    int32_t code = check(signer, handle, KEY_SECP256K1, chain, fault);
    return code == HAWSE_OK ? sign(signer, &order, out, fault) : code;
}

int32_t signer_sign_message(struct signer *signer, signer_handle handle, const struct chain *chain,
                            const uint8_t *message, size_t len, struct signature *out,
                            struct fault *fault)
{
    struct signer_order order = {handle - 1, chain, message, len};
    int32_t code = check(signer, handle, KEY_ED25519, chain, fault);
    if (code == HAWSE_OK && (len == 0 || len > SIGNER_MESSAGE))
        code = fault_set(fault, HAWSE_E_LIMIT, "a message of %zu bytes, expected 1 to %d", len,
                         SIGNER_MESSAGE);
    return code == HAWSE_OK ? sign(signer, &order, out, fault) : code;
}
