/*
 * Any bytes as frames to a signer, one behind the other on a connection, and as its answer: signed,
 * refused or hung up on, never a signature that the locks forbid, and what is read is written again
 * byte for byte.
 */
#include "keys/serve.h"

#include <hawse/types.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t out[WIRE_PREFIX + WIRE_ANSWER];
static struct wire_answer answer;

/* "bot" of secp256k1, for Polygon alone, and "sol" of Ed25519; made once. */
static struct signer *the_signer(void)
{
    static struct signer *signer;
    struct key *bot = NULL, *sol = NULL;
    struct key_locks locks = {.chain_count = 1, .chains = {chain_evm(137)}}, none = {0};
    uint8_t secret[KEY_SECRET] = {7};
    if (!signer && (signer_new(&signer, NULL) != HAWSE_OK ||
                    key_from_secret(KEY_SECP256K1, secret, &bot, NULL) != HAWSE_OK ||
                    key_from_secret(KEY_ED25519, secret, &sol, NULL) != HAWSE_OK ||
                    signer_add(signer, "bot", bot, &locks, NULL) != HAWSE_OK ||
                    signer_add(signer, "sol", sol, &none, NULL) != HAWSE_OK))
        abort();
    return signer;
}

static void check_signed(const uint8_t *body, size_t len, size_t size)
{
    struct wire_question q;
    if (!wire_read_answer(out + WIRE_PREFIX, size - WIRE_PREFIX, &answer) ||
        !wire_read_question(body, len, &q))
        abort();
    if (answer.type != WIRE_SIGNED)
        return;
    const struct signer_key *key = signer_key(the_signer(), signer_find(the_signer(), q.name));
    if (!key || !signature_verify(&key->public, q.bytes, q.len, &answer.signature) ||
        (strcmp(q.name, "bot") == 0 && strcmp(q.chain.text, "eip155:137") != 0))
        abort();
}

static void as_questions(const uint8_t *data, size_t size)
{
    struct serve_counts counts = {0};
    struct wire_question q;
    bool greeted = false;
    while (size > WIRE_PREFIX) {
        size_t len = wire_length(data);
        len = len < size - WIRE_PREFIX ? len : size - WIRE_PREFIX;
        const uint8_t *body = data + WIRE_PREFIX;
        if (wire_read_question(body, len, &q)) {
            size_t again = wire_write_question(&q, out);
            if (again != WIRE_PREFIX + len || memcmp(out + WIRE_PREFIX, body, len) != 0)
                abort();
        }
        size_t answered = serve_answer(the_signer(), body, len, &greeted, out, &counts);
        if (answered == 0)
            return;
        check_signed(body, len, answered);
        data += WIRE_PREFIX + len;
        size -= WIRE_PREFIX + len;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    as_questions(data, size);
    if (size <= WIRE_ANSWER && wire_read_answer(data, size, &answer)) {
        size_t len = wire_write_answer(&answer, out);
        if (len != WIRE_PREFIX + size)
            abort();
        if (answer.type != WIRE_KEYS && memcmp(out + WIRE_PREFIX, data, size) != 0)
            abort();
    }
    return 0;
}
