/*
 * Keys and signers: signatures against vectors made with viem, ethers and the Flashbots client,
 * what is refused, and where the private key lies in memory meanwhile.
 */
#include "harness.h"

#include "keys/key.h"
#include "keys/signer.h"

#include <fcntl.h>
#include <hawse/base58.h>
#include <hawse/hex.h>
#include <hawse/keccak.h>
#include <hawse/types.h>
#include <jansson.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static json_t *vectors(const char *name)
{
    char path[512];
    json_error_t error;
    (void)snprintf(path, sizeof(path), "%s/vectors/%s", test_source_dir(), name);
    json_t *root = json_load_file(path, 0, &error);
    if (!root)
        FAIL("%s: %s", path, error.text);
    return root;
}

static void hex(const json_t *object, const char *name, uint8_t *out, size_t len)
{
    const char *text = json_string_value(json_object_get(object, name));
    if (!text || hawse_hex_fixed((const uint8_t *)text, strlen(text), out, len) != HAWSE_OK)
        FAIL("\"%s\" is not %zu bytes of hex: %s", name, len, text ? text : "absent");
}

static struct key *key_of(enum key_kind kind, const uint8_t secret[KEY_SECRET])
{
    struct fault fault = {0};
    struct key *key = NULL;
    if (key_from_secret(kind, secret, &key, &fault) != HAWSE_OK)
        FAIL("%s", fault.message);
    return key;
}

/* The keys of the vectors: k = keccak256("sprocket test key k"). */
static struct key *vector_key(json_int_t k)
{
    uint8_t secret[32];
    char text[40];
    int n = snprintf(text, sizeof(text), "sprocket test key %d", (int)k);
    hawse_keccak256((const uint8_t *)text, (uint64_t)n, secret);
    return key_of(KEY_SECP256K1, secret);
}

/* The digest gives this signature by this key, byte for byte, and leads back to the key. */
static void check_signature(struct key *key, const uint8_t digest[32], const uint8_t want[64],
                            json_int_t parity)
{
    struct signature got;
    struct key_public who;
    CHECK_EQ(key_sign_digest(key, digest, &got), HAWSE_OK);
    CHECK_MEM(got.bytes, want, 64);
    CHECK_EQ(got.parity, parity);
    CHECK(signature_is_low(&got));
    CHECK_EQ(signature_recover(digest, &got, &who), HAWSE_OK);
    CHECK(key_same(&who, key_public(key)));
    CHECK(signature_verify(key_public(key), digest, 32, &got));
}

TEST(keys_addresses, "public keys and addresses are those of the vectors")
{
    json_t *root = vectors("evm-tx.json"), *row;
    const char *number;
    json_object_foreach(json_object_get(root, "keys"), number, row)
    {
        uint8_t secret[32], point[65];
        char text[KEY_ADDRESS];
        hex(row, "privateKey", secret, 32);
        hex(row, "publicKey", point, 65);
        struct key *key = key_of(KEY_SECP256K1, secret);
        CHECK_MEM(key_public(key)->bytes, point + 1, 64);
        key_describe(key_public(key), text);
        CHECK_STR(text, json_string_value(json_object_get(row, "address")));
        key_free(key);
    }
    json_decref(root);
}

TEST_LIMIT(keys_transactions, 10, "signatures of transactions and EIP-7702 authorizations")
{
    json_t *root = vectors("evm-tx.json"), *row, *auth;
    uint8_t digest[32], want[64];
    size_t i, a, authorizations = 0;
    json_array_foreach(json_object_get(root, "cases"), i, row)
    {
        struct key *key = vector_key(json_integer_value(json_object_get(row, "keyIndex")));
        hex(row, "signingHash", digest, 32);
        hex(row, "r", want, 32);
        hex(row, "s", want + 32, 32);
        check_signature(key, digest, want, json_integer_value(json_object_get(row, "yParity")));
        key_free(key);
        json_t *list = json_object_get(json_object_get(row, "tx"), "authorizationList");
        json_array_foreach(list, a, auth)
        {
            if (!json_object_get(auth, "keyIndex"))
                continue;
            key = vector_key(json_integer_value(json_object_get(auth, "keyIndex")));
            hex(auth, "hash", digest, 32);
            hex(auth, "r", want, 32);
            hex(auth, "s", want + 32, 32);
            check_signature(key, digest, want,
                            json_integer_value(json_object_get(auth, "yParity")));
            key_free(key);
            authorizations++;
        }
    }
    CHECK_EQ(i, 44);
    CHECK(authorizations > 5);
    json_decref(root);
}

TEST(keys_typed_data, "signatures of EIP-712 digests")
{
    json_t *root = vectors("eip712.json"), *row;
    uint8_t digest[32], want[64];
    size_t i;
    json_array_foreach(json_object_get(root, "cases"), i, row)
    {
        struct key *key = vector_key(json_integer_value(json_object_get(row, "keyIndex")));
        hex(row, "digest", digest, 32);
        hex(row, "r", want, 32);
        hex(row, "s", want + 32, 32);
        check_signature(key, digest, want, json_integer_value(json_object_get(row, "v")) - 27);
        key_free(key);
    }
    CHECK_EQ(i, 15);
    json_decref(root);
}

TEST(keys_flashbots, "signatures of relay requests, and none of the mistakes")
{
    json_t *root = vectors("flashbots-signature.json"), *row;
    uint8_t secret[32], digest[32], want[65];
    size_t i;
    hex(json_object_get(root, "authKey"), "privateKey", secret, 32);
    struct key *key = key_of(KEY_SECP256K1, secret);
    json_array_foreach(json_object_get(root, "vectors"), i, row)
    {
        hex(row, "eip191Digest", digest, 32);
        hex(row, "signature", want, 65);
        check_signature(key, digest, want, want[64] - 27);
    }
    CHECK_EQ(i, 6);
    key_free(key);
    json_decref(root);
}

TEST(keys_rfc8032, "Ed25519: the first three test vectors of RFC 8032, 7.1")
{
    static const struct {
        const char *seed, *public, *message, *signature;
    } rows[] = {
        {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
         "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
         "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701"
         "c"
         "f9b46bd25bf5f0595bbe24655141438e7a100b"},
        {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
         "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
         "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d"
         "0"
         "f11d8c387b2eaeb4302aeeb00d291612bb0c00"},
        {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
         "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
         "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f7609"
         "84"
         "dc6594a7c15e9716ed28dc027beceea1ec40a"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint8_t seed[32], public[32], message[2], want[64];
        struct signature got;
        CHECK_EQ(hawse_hex_decode((const uint8_t *)rows[i].seed, seed, 32), 0);
        CHECK_EQ(hawse_hex_decode((const uint8_t *)rows[i].public, public, 32), 0);
        CHECK_EQ(hawse_hex_decode((const uint8_t *)rows[i].signature, want, 64), 0);
        size_t len = strlen(rows[i].message) / 2;
        CHECK_EQ(hawse_hex_decode((const uint8_t *)rows[i].message, message, len), 0);
        struct key *key = key_of(KEY_ED25519, seed);
        CHECK_MEM(key_public(key)->bytes, public, 32);
        CHECK_EQ(key_sign_message(key, message, len, &got), HAWSE_OK);
        CHECK_MEM(got.bytes, want, 64);
        CHECK(signature_verify(key_public(key), message, len, &got));
        got.bytes[3] ^= 1;
        CHECK(!signature_verify(key_public(key), message, len, &got));
        key_free(key);
    }
}

TEST(keys_bounds, "0 and the order are no keys; one less is; a key signs only its own kind")
{
    uint8_t secret[32] = {0}, digest[32] = {7};
    static const char order[] = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";
    struct fault fault = {0};
    struct key *key = NULL;
    struct signature out;
    int64_t before = test_alloc_live();
    CHECK_EQ(key_from_secret(KEY_SECP256K1, secret, &key, &fault), HAWSE_E_RANGE);
    CHECK(key == NULL && strstr(fault.message, "no private key"));
    CHECK_EQ(hawse_hex_decode((const uint8_t *)order, secret, 32), 0);
    CHECK_EQ(key_from_secret(KEY_SECP256K1, secret, &key, &fault), HAWSE_E_RANGE);
    secret[31]--;
    key = key_of(KEY_SECP256K1, secret);
    CHECK_EQ(key_sign_digest(key, digest, &out), HAWSE_OK);
    CHECK_EQ(key_sign_message(key, digest, 32, &out), HAWSE_E_UNSUPPORTED);
    key_free(key);
    key = key_of(KEY_ED25519, secret);
    CHECK_EQ(key_sign_digest(key, digest, &out), HAWSE_E_UNSUPPORTED);
    CHECK(key_locked(key));
    key_free(key);
    key_free(NULL);
    CHECK_EQ(test_alloc_live(), before);
}

TEST(keys_generated, "generated keys differ, sign, and are recovered")
{
    struct fault fault = {0};
    struct key *a = NULL, *b = NULL;
    struct signature signature;
    struct key_public who;
    uint8_t digest[32];
    CHECK_EQ(key_generate(KEY_SECP256K1, &a, &fault), HAWSE_OK);
    CHECK_EQ(key_generate(KEY_SECP256K1, &b, &fault), HAWSE_OK);
    CHECK(!key_same(key_public(a), key_public(b)));
    for (int i = 0; i < 200; i++) {
        test_random_bytes(digest, sizeof(digest));
        CHECK_EQ(key_sign_digest(a, digest, &signature), HAWSE_OK);
        CHECK(signature_is_low(&signature));
        CHECK_EQ(signature_recover(digest, &signature, &who), HAWSE_OK);
        CHECK(key_same(&who, key_public(a)));
        CHECK(!signature_verify(key_public(b), digest, 32, &signature));
    }
    key_free(a);
    key_free(b);
}

TEST(keys_recover_bad, "what nobody can have signed is refused; s in the upper half is told")
{
    uint8_t digest[32] = {1};
    struct signature signature = {{0}, 0};
    struct key_public who;
    struct key *key = vector_key(1);
    CHECK_EQ(signature_recover(digest, &signature, &who), HAWSE_E_FORMAT); /* r = s = 0 */
    memset(signature.bytes, 0xff, 64);
    CHECK_EQ(signature_recover(digest, &signature, &who), HAWSE_E_FORMAT); /* above the order */
    CHECK_EQ(key_sign_digest(key, digest, &signature), HAWSE_OK);
    signature.parity = 2;
    CHECK_EQ(signature_recover(digest, &signature, &who), HAWSE_E_FORMAT);
    signature.parity = 0;
    /* s -> order - s gives the same signer with the other parity, and is not low */
    static const char order[] = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";
    uint8_t n[32];
    CHECK_EQ(key_sign_digest(key, digest, &signature), HAWSE_OK);
    CHECK_EQ(hawse_hex_decode((const uint8_t *)order, n, 32), 0);
    for (int i = 31, borrow = 0; i >= 0; i--) {
        int d = n[i] - signature.bytes[32 + i] - borrow;
        borrow = d < 0;
        signature.bytes[32 + i] = (uint8_t)d;
    }
    signature.parity ^= 1;
    CHECK(!signature_is_low(&signature));
    CHECK_EQ(signature_recover(digest, &signature, &who), HAWSE_OK);
    CHECK(key_same(&who, key_public(key)));
    key_free(key);
}

TEST(keys_hedged, "extra entropy gives another valid signature each time, and only where asked for")
{
    uint8_t digest[32] = {9};
    struct signature a, b, c;
    struct key *key = vector_key(2);
    CHECK_EQ(key_sign_digest(key, digest, &a), HAWSE_OK);
    CHECK_EQ(key_sign_digest(key, digest, &b), HAWSE_OK);
    CHECK_MEM(a.bytes, b.bytes, 64);
    key_hedge(key, true);
    CHECK_EQ(key_sign_digest(key, digest, &b), HAWSE_OK);
    CHECK_EQ(key_sign_digest(key, digest, &c), HAWSE_OK);
    CHECK(memcmp(a.bytes, b.bytes, 64) != 0 && memcmp(b.bytes, c.bytes, 64) != 0);
    CHECK(signature_is_low(&b) && signature_verify(key_public(key), digest, 32, &b));
    key_hedge(key, false);
    CHECK_EQ(key_sign_digest(key, digest, &b), HAWSE_OK);
    CHECK_MEM(a.bytes, b.bytes, 64);
    key_free(key);
}

/* ---- where the private key lies ---- */

/* Times that `wanted` lies in the readable and writable memory of this process, but not where it is
 * meant to be; reads by /proc, which sees pages that the process itself may not read. */
static unsigned appearances(const uint8_t wanted[32], const uint8_t *meant)
{
    char line[512];
    unsigned found = 0;
    FILE *maps = fopen("/proc/self/maps", "r");
    int memory = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
    CHECK(maps != NULL && memory >= 0);
    uint8_t *block = malloc(1 << 20);
    CHECK(block != NULL);
    while (fgets(line, sizeof(line), maps)) {
        uintptr_t begin, end;
        CHECK(sscanf(line, "%lx-%lx", &begin, &end) == 2);
        if (strstr(line, "r-x") || strstr(line, "[v"))
            continue;
        for (uintptr_t at = begin; at < end; at += (1 << 20) - 64) {
            size_t want = end - at < (1 << 20) ? end - at : 1 << 20;
            ssize_t n = pread(memory, block, want, (off_t)at);
            for (uint8_t *p = block; n > 31 && p + 32 <= block + n; p++) {
                p = memchr(p, wanted[0], (size_t)(block + n - p - 31));
                if (!p)
                    break;
                const uint8_t *where = (const uint8_t *)at + (p - block);
                bool ours = where >= block && where < block + (1 << 20);
                if (memcmp(p, wanted, 32) == 0 && where != meant && !ours)
                    found++;
            }
        }
    }
    explicit_bzero(block, 1 << 20); /* or the next search finds what this one saw */
    free(block);
    (void)close(memory);
    (void)fclose(maps);
    return found;
}

TEST_LIMIT(keys_nowhere, 20, "between signatures the private key is nowhere in memory")
{
    static uint8_t secret[32];
    struct signature out;
    if (!test_alloc_hooks())
        test_skip("a sanitizer's own memory is too large to search");
    for (enum key_kind kind = KEY_SECP256K1; kind <= KEY_ED25519; kind++) {
        test_random_bytes(secret, sizeof(secret));
        CHECK_EQ(appearances(secret, NULL), 1); /* it would be seen */
        struct key *key = key_of(kind, secret);
        CHECK_EQ(appearances(secret, secret), 0);
        for (int i = 0; i < 3; i++)
            CHECK_EQ(kind == KEY_SECP256K1 ? key_sign_digest(key,
                                                             (const uint8_t *)"digest of the "
                                                                              "test, of 32 bytes",
                                                             &out)
                                           : key_sign_message(key, (const uint8_t *)"m", 1, &out),
                     HAWSE_OK);
        CHECK_EQ(appearances(secret, secret), 0);
        key_free(key);
        CHECK_EQ(appearances(secret, secret), 0);
    }
}

/* ---- signers ---- */

static struct signer *a_signer(const char *name, json_int_t k, const struct key_locks *locks)
{
    struct fault fault = {0};
    struct signer *signer = NULL;
    CHECK_EQ(signer_new(&signer, &fault), HAWSE_OK);
    CHECK_EQ(signer_add(signer, name, vector_key(k), locks, &fault), HAWSE_OK);
    return signer;
}

static int32_t try(struct signer *signer, struct chain chain, struct fault *fault)
{
    struct signature out;
    uint8_t digest[32] = {1};
    fault_clear(fault);
    return signer_sign_digest(signer, signer_find(signer, "bot"), &chain, digest, &out, fault);
}

TEST(signer_names, "keys are found by name; names are checked, and each is taken once")
{
    struct fault fault = {0};
    struct key_locks none = {0};
    struct signer *signer = a_signer("bot", 1, &none);
    CHECK_EQ(signer_count(signer), 1);
    CHECK_EQ(signer_find(signer, "bot"), 1);
    CHECK_EQ(signer_find(signer, "bo"), 0);
    CHECK(signer_key(signer, 0) == NULL && signer_key(signer, 2) == NULL);
    CHECK_STR(signer_key(signer, 1)->name, "bot");
    CHECK_EQ(signer_add(signer, "bot", vector_key(2), &none, &fault), HAWSE_E_EXISTS);
    CHECK_EQ(signer_add(signer, "a/b", vector_key(2), &none, &fault), HAWSE_E_INVAL);
    CHECK_EQ(signer_add(signer, "", vector_key(2), &none, &fault), HAWSE_E_INVAL);
    for (int i = 1; i < SIGNER_KEYS; i++) {
        char name[16];
        uint8_t seed[32] = {(uint8_t)i};
        (void)snprintf(name, sizeof(name), "k%d", i);
        CHECK_EQ(signer_add(signer, name, key_of(KEY_ED25519, seed), &none, &fault), HAWSE_OK);
    }
    CHECK_EQ(signer_add(signer, "more", vector_key(2), &none, &fault), HAWSE_E_LIMIT);
    signer_free(signer);
    signer_free(NULL);
}

TEST(signer_testnet_only, "a key for test networks signs for no mainnet, nor for what nobody knows")
{
    static const uint64_t mainnets[] = {1, 10, 56, 100, 137, 8453, 42161, 43114, 59144, 534352};
    static const uint64_t testnets[] = {11155111, 17000, 560048, 10200, 80002, 84532, 31337};
    struct key_locks locks = {.testnet_only = true};
    struct fault fault = {0};
    struct signer *signer = a_signer("bot", 1, &locks);
    for (size_t i = 0; i < sizeof(mainnets) / sizeof(mainnets[0]); i++) {
        CHECK_EQ(try(signer, chain_evm(mainnets[i]), &fault), HAWSE_E_DENIED);
        CHECK(strstr(fault.message, "holds real money") && fault.hint[0]);
    }
    for (size_t i = 0; i < sizeof(testnets) / sizeof(testnets[0]); i++)
        CHECK_EQ(try(signer, chain_evm(testnets[i]), &fault), HAWSE_OK);
    CHECK_EQ(try(signer, chain_evm(987654321), &fault), HAWSE_E_DENIED);
    CHECK(strstr(fault.message, "not known as one"));
    CHECK_EQ(try(signer, chain_evm(0), &fault), HAWSE_E_DENIED);
    CHECK(strstr(fault.message, "bound to none"));
    signer_free(signer);
    locks.chains[0] = chain_evm(987654321); /* the operator knows it */
    locks.chains[1] = chain_evm(100);       /* that does not make a mainnet a test network */
    locks.chain_count = 2;
    signer = a_signer("bot", 1, &locks);
    CHECK_EQ(try(signer, chain_evm(987654321), &fault), HAWSE_OK);
    CHECK_EQ(try(signer, chain_evm(100), &fault), HAWSE_E_DENIED);
    CHECK_EQ(try(signer, chain_evm(10200), &fault), HAWSE_E_DENIED); /* not in the lock */
    signer_free(signer);
}

TEST(signer_chain_lock, "a key locked to chains signs for those alone")
{
    struct key_locks locks = {.chain_count = 1, .chains = {chain_evm(137)}}, none = {0};
    struct fault fault = {0};
    struct signature out;
    struct chain polygon = chain_evm(137);
    struct signer *signer = a_signer("bot", 1, &locks);
    CHECK_EQ(try(signer, chain_evm(137), &fault), HAWSE_OK);
    CHECK_EQ(try(signer, chain_evm(1), &fault), HAWSE_E_DENIED);
    CHECK_STR(fault.message, "key \"bot\" is locked to eip155:137, not to eip155:1");
    CHECK_EQ(try(signer, chain_evm(13), &fault), HAWSE_E_DENIED);
    CHECK_EQ(try(signer, chain_evm(0), &fault), HAWSE_E_DENIED);
    CHECK_EQ(signer_sign_digest(signer, 0, &polygon, (const uint8_t[32]){0}, &out, &fault),
             HAWSE_E_STALE);
    fault_clear(&fault);
    CHECK_EQ(signer_sign_message(signer, 1, &polygon, (const uint8_t *)"m", 1, &out, &fault),
             HAWSE_E_UNSUPPORTED);
    signer_free(signer);
    signer = a_signer("bot", 1, &none);
    CHECK_EQ(try(signer, chain_evm(1), &fault), HAWSE_OK);
    CHECK_EQ(try(signer, chain_evm(0), &fault), HAWSE_OK);
    signer_free(signer);
}

TEST(signer_messages, "an Ed25519 key signs messages of 1 to 1,232 bytes for its cluster")
{
    uint8_t seed[32] = {5}, message[SIGNER_MESSAGE + 1] = {1};
    struct key_locks locks = {.testnet_only = true};
    struct fault fault = {0};
    struct signer *signer = NULL;
    struct signature out;
    struct chain devnet, mainnet;
    CHECK_EQ(chain_parse("solana:devnet", "t", &devnet, &fault), HAWSE_OK);
    CHECK_EQ(chain_parse("solana:mainnet", "t", &mainnet, &fault), HAWSE_OK);
    CHECK_EQ(signer_new(&signer, &fault), HAWSE_OK);
    CHECK_EQ(signer_add(signer, "sol", key_of(KEY_ED25519, seed), &locks, &fault), HAWSE_OK);
    CHECK_EQ(signer_sign_message(signer, 1, &devnet, message, SIGNER_MESSAGE, &out, &fault), 0);
    CHECK(signature_verify(&signer_key(signer, 1)->public, message, SIGNER_MESSAGE, &out));
    CHECK_EQ(signer_sign_message(signer, 1, &mainnet, message, 5, &out, &fault), HAWSE_E_DENIED);
    fault_clear(&fault);
    CHECK_EQ(signer_sign_message(signer, 1, &devnet, message, 0, &out, &fault), HAWSE_E_LIMIT);
    CHECK_EQ(signer_sign_message(signer, 1, &devnet, message, sizeof(message), &out, &fault),
             HAWSE_E_LIMIT);
    CHECK_EQ(signer_sign_digest(signer, 1, &devnet, message, &out, &fault), HAWSE_E_UNSUPPORTED);
    signer_free(signer);
}

TEST(chain_names, "what operators write for a chain, and what names none")
{
    static const char *const bad[] = {"",
                                      "0",
                                      "01",
                                      "-1",
                                      "137 ",
                                      "0x89",
                                      "eip155:",
                                      "eip155:01",
                                      "eip155:1a",
                                      "solana:",
                                      "goerli",
                                      "solana:xyz",
                                      "18446744073709551616",
                                      "solana:0eykt4UsFv8P8NJdTREpY1vzqKqZKvdp"};
    static const char mainnet[] = "5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d";
    uint8_t genesis[32];
    struct fault fault = {0};
    struct chain chain, other = chain_evm(137);
    CHECK_EQ(chain_parse("137", "t", &chain, &fault), HAWSE_OK);
    CHECK(chain_equal(&chain, &other));
    CHECK_EQ(chain_parse("eip155:137", "t", &chain, &fault), HAWSE_OK);
    CHECK(chain_equal(&chain, &other));
    CHECK_STR(chain_name(&chain), "Polygon");
    CHECK_EQ(chain_parse("18446744073709551615", "t", &chain, &fault), HAWSE_OK);
    CHECK_EQ(hawse_base58_key((const uint8_t *)mainnet, strlen(mainnet), genesis), HAWSE_OK);
    other = chain_solana(genesis);
    CHECK_EQ(chain_parse("solana:mainnet", "t", &chain, &fault), HAWSE_OK);
    CHECK(chain_equal(&chain, &other));
    CHECK_EQ(chain_class(&chain), CHAIN_MAINNET);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        fault_clear(&fault);
        CHECK_EQ(chain_parse(bad[i], "t", &chain, &fault), HAWSE_E_FORMAT);
        CHECK(fault.hint[0]);
    }
}

/* ---- many threads ---- */

static void *sign_many(void *ctx)
{
    struct key *key = ctx;
    struct signature first, out;
    uint8_t digest[32] = {3};
    (void)key_sign_digest(key, digest, &first);
    for (int i = 0; i < 200; i++) {
        if (key_sign_digest(key, digest, &out) != HAWSE_OK || memcmp(&first, &out, 65) != 0)
            return key;
    }
    return NULL;
}

TEST_LIMIT(keys_threads, 10, "threads that sign with one key at once all get its signature")
{
    pthread_t threads[4];
    struct key *key = vector_key(3);
    for (int i = 0; i < 4; i++)
        CHECK_EQ(pthread_create(&threads[i], NULL, sign_many, key), 0);
    for (int i = 0; i < 4; i++) {
        void *wrong = NULL;
        CHECK_EQ(pthread_join(threads[i], &wrong), 0);
        CHECK(wrong == NULL);
    }
    key_free(key);
}

TEST(keys_fork, "a forked child has no key")
{
    struct key *key = vector_key(4);
    pid_t child = fork();
    if (child == 0) {
        struct signature out;
        uint8_t digest[32] = {1};
        (void)close(STDERR_FILENO);
        _exit(key_sign_digest(key, digest, &out) == HAWSE_OK ? 71 : 72); /* it does not get here */
    }
    int status = 0;
    CHECK_EQ(waitpid(child, &status, 0), child);
    CHECK(!WIFEXITED(status) || WEXITSTATUS(status) != 71);
    key_free(key);
}
