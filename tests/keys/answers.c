/*
 * Keys on lines of text, so that a script can ask this and another client the same questions. One
 * question a line, one answer a line; bytes are hexadecimal. For tests: it takes private keys.
 *
 *   secp256k1 SECRET DIGEST      address, signature with v
 *   recover DIGEST SIGNATURE     address, or "none"; with "high" behind it where s is
 *   ed25519 SEED MESSAGE         public key, signature; "-" = an empty message
 *   chain ID                     mainnet, testnet or unknown, and its name
 */
#include "keys/chain.h"
#include "keys/key.h"

#include <hawse/eip55.h>
#include <hawse/hex.h>
#include <hawse/types.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE = 16 << 10 };

static void print_hex(const uint8_t *data, size_t len)
{
    for (size_t i = 0; i < len; i++)
        (void)printf("%02x", data[i]);
}

static size_t bytes_of(const char *hex, uint8_t *out, size_t cap)
{
    size_t len = hex ? strlen(hex) / 2 : 0;
    if (!hex || strcmp(hex, "-") == 0)
        return 0;
    if (len > cap || hawse_hex_decode((const uint8_t *)hex, out, len) != HAWSE_OK) {
        (void)fprintf(stderr, "answers: bad hex %s\n", hex);
        exit(2);
    }
    return len;
}

static void on_key(enum key_kind kind, const char *secret_text, const char *message_text)
{
    static uint8_t message[LINE];
    uint8_t secret[KEY_SECRET] = {0};
    struct key *key = NULL;
    struct signature signature;
    (void)bytes_of(secret_text, secret, sizeof(secret));
    size_t len = bytes_of(message_text, message, sizeof(message));
    if (key_from_secret(kind, secret, &key, NULL) != HAWSE_OK) {
        (void)printf("none");
        return;
    }
    const struct key_public *public = key_public(key);
    print_hex(kind == KEY_SECP256K1 ? public->address : public->bytes,
              kind == KEY_SECP256K1 ? 20 : 32);
    int32_t code = kind == KEY_SECP256K1 ? key_sign_digest(key, message, &signature)
                                         : key_sign_message(key, message, len, &signature);
    (void)printf(" ");
    if (code == HAWSE_OK)
        print_hex(signature.bytes, sizeof(signature.bytes));
    if (code == HAWSE_OK && kind == KEY_SECP256K1)
        (void)printf("%02x", 27 + signature.parity);
    key_free(key);
}

static void on_recover(const char *digest_text, const char *signature_text)
{
    uint8_t digest[32] = {0}, text[65] = {0};
    struct signature signature;
    struct key_public who;
    (void)bytes_of(digest_text, digest, sizeof(digest));
    (void)bytes_of(signature_text, text, sizeof(text));
    memcpy(signature.bytes, text, sizeof(signature.bytes));
    signature.parity = (uint8_t)(text[64] - 27);
    if (signature_recover(digest, &signature, &who) != HAWSE_OK) {
        (void)printf("none");
        return;
    }
    print_hex(who.address, sizeof(who.address));
    (void)printf("%s", signature_is_low(&signature) ? "" : " high");
}

static void on_chain(const char *text)
{
    static const char *const classes[] = {"unknown", "mainnet", "testnet"};
    struct chain chain;
    if (!text || chain_parse(text, "answers", &chain, NULL) != HAWSE_OK)
        (void)printf("none");
    else
        (void)printf("%s %s", classes[chain_class(&chain)], chain_name(&chain));
}

int main(void)
{
    static char line[LINE];
    while (fgets(line, sizeof(line), stdin)) {
        char *rest = line;
        line[strcspn(line, "\n")] = '\0';
        const char *verb = strsep(&rest, " "), *a = strsep(&rest, " "), *b = strsep(&rest, " ");
        if (strcmp(verb, "secp256k1") == 0)
            on_key(KEY_SECP256K1, a, b);
        else if (strcmp(verb, "ed25519") == 0)
            on_key(KEY_ED25519, a, b);
        else if (strcmp(verb, "recover") == 0)
            on_recover(a, b);
        else
            on_chain(a);
        (void)printf("\n");
        (void)fflush(stdout);
    }
    return 0;
}
