/* Balancer's Vault in a feed; see vault.h. */
#include "app/feed/vault.h"

#include "app/feed/word.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* topics of the Vault: keccak-256 of the event signatures */
#define TOPIC_SWAP    "0x2170c741c41531aec20e7c107c24eecfdd15e69c9bb0a8dd37b1840b9e0b207b"
#define TOPIC_BALANCE "0xe5ce249087ce04f05a957192435400fd97868dba0e6a4b4c049abf8af80dae78"
#define GET_TOKENS    "0xf94d4668" /* getPoolTokens(bytes32) */

static const json_t *part(const struct sample *s, const char *name)
{
    return json_object_get(json_object_get(s->header, "balancer"), name);
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

size_t feed_vault_pools(const struct sample *sample)
{
    return json_array_size(part(sample, "pools"));
}

static size_t token_count(const json_t *pool)
{
    size_t n = json_array_size(json_object_get(pool, "tokens"));
    return n < FEED_VAULT_TOKENS ? n : FEED_VAULT_TOKENS;
}

static const char *token_at(const json_t *pool, size_t i)
{
    return json_string_value(json_array_get(json_object_get(pool, "tokens"), i));
}

/* The pool of an id, `0x` and 64 digits. */
static const json_t *pool_of(const struct sample *s, const char *id, size_t *index)
{
    for (*index = 0; *index < feed_vault_pools(s); (*index)++) {
        const json_t *pool = json_array_get(part(s, "pools"), *index);
        if (strncasecmp(text_of(pool, "id") + 2, id + 2, WORD) == 0)
            return pool;
    }
    return NULL;
}

void feed_vault_first(const struct sample *sample, struct feed_vault_state *states)
{
    char word[65];
    for (size_t p = 0; p < feed_vault_pools(sample); p++) {
        const json_t *pool = json_array_get(part(sample, "pools"), p);
        for (size_t i = 0; i < token_count(pool); i++) {
            const json_t *balance = json_array_get(json_object_get(pool, "balances"), i);
            word_of_decimal(json_string_value(balance), word);
            states[p].balance[i] = word_low(word);
        }
    }
}

/* ---- logs ---- */

/* Swap(poolId, tokenIn, tokenOut; amountIn, amountOut) */
static void swap(const json_t *pool, struct feed_vault_state *state, const json_t *topics,
                 const char *words)
{
    const char *in = json_string_value(json_array_get(topics, 2));
    const char *out = json_string_value(json_array_get(topics, 3));
    for (size_t i = 0; i < token_count(pool) && in && out; i++) {
        const char *token = token_at(pool, i);
        if (strcasecmp(in + 2 + 24, token + 2) == 0)
            state->balance[i] += word_low(words);
        if (strcasecmp(out + 2 + 24, token + 2) == 0)
            state->balance[i] -= word_low(words + WORD);
    }
}

/* PoolBalanceChanged(poolId, provider; tokens[], deltas[], fees[]): what was put in or taken out,
 * less what the protocol took. The low halves of negative numbers add up as well. */
static void balance_changed(const json_t *pool, struct feed_vault_state *state, const char *words,
                            size_t count)
{
    size_t n = token_count(pool), deltas = 3 + n + 1 + 1, fees = deltas + n + 1;
    if (count < fees + n)
        return;
    for (size_t i = 0; i < n; i++)
        state->balance[i] +=
            word_low(words + WORD * (deltas + i)) - word_low(words + WORD * (fees + i));
}

void feed_vault_apply(const struct sample *sample, struct feed_vault_state *states,
                      const json_t *log)
{
    const json_t *topics = json_object_get(log, "topics");
    const char *topic = json_string_value(json_array_get(topics, 0));
    const char *id = json_string_value(json_array_get(topics, 1));
    const char *data = text_of(log, "data");
    size_t words = strlen(data) >= 2 ? (strlen(data) - 2) / WORD : 0, index;
    if (!topic || !id ||
        strcasecmp(text_of(log, "address"),
                   text_of(json_object_get(sample->header, "balancer"), "vault")) != 0)
        return;
    const json_t *pool = pool_of(sample, id, &index);
    if (pool && strcmp(topic, TOPIC_SWAP) == 0 && words >= 2)
        swap(pool, &states[index], topics, data + 2);
    else if (pool && strcmp(topic, TOPIC_BALANCE) == 0)
        balance_changed(pool, &states[index], data + 2, words);
}

/* ---- calls ---- */

/* (address[] tokens, uint256[] balances, uint256 lastChangeBlock) */
static char *pool_tokens(const json_t *pool, const struct feed_vault_state *state)
{
    size_t n = token_count(pool), len = 2;
    char word[65];
    char *out = malloc(3 + WORD * (5 + 2 * n));
    if (!out)
        return NULL;
    const unsigned __int128 head[] = {96, 96 + 32 * (n + 1), 0};
    memcpy(out, "0x", 3);
    for (size_t i = 0; i < 3; i++, len += WORD) {
        word_of_unsigned(head[i], word);
        memcpy(out + len, word, sizeof(word));
    }
    for (int balances = 0; balances < 2; balances++) {
        word_of_unsigned(n, word);
        memcpy(out + len, word, sizeof(word));
        len += WORD;
        for (size_t i = 0; i < n; i++, len += WORD) {
            if (balances)
                word_of_unsigned(state->balance[i], word);
            else
                (void)snprintf(word, sizeof(word), "%024x%.40s", 0u, token_at(pool, i) + 2);
            memcpy(out + len, word, sizeof(word));
        }
    }
    return out;
}

char *feed_vault_call(const struct sample *sample, const struct feed_vault_state *states,
                      const char *to, const char *data)
{
    size_t index;
    const char *vault = text_of(json_object_get(sample->header, "balancer"), "vault");
    if (strcasecmp(to, vault) == 0 && strncasecmp(data, GET_TOKENS, 10) == 0 &&
        strlen(data) == 10 + WORD) {
        const json_t *pool = pool_of(sample, data + 8, &index);
        return pool ? pool_tokens(pool, &states[index]) : NULL;
    }
    const json_t *calls = part(sample, "calls");
    for (size_t i = 0; i < json_array_size(calls); i++) {
        const json_t *call = json_array_get(calls, i);
        if (strcasecmp(to, text_of(call, "to")) == 0 &&
            strcasecmp(data, text_of(call, "data")) == 0)
            return strdup(text_of(call, "result"));
    }
    return NULL;
}
