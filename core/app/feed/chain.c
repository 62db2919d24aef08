/* The played chain; see chain.h. Cold: every value stays the text that the node sent. */
#include "app/feed/chain.h"

#include "app/feed/vault.h"
#include "app/feed/word.h"

#include <hawse/types.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* topics of Algebra V1 pools: keccak-256 of the event signatures */
#define TOPIC_SWAP "0xc42079f94a6350d7e6235f29174924f928cc2ac818eb64fed8004e115fbcca67"
#define TOPIC_MINT "0x7a53080ba414158be7ec69b987b5fb7d07dee101fe85488f0853ae16239d0bde"
#define TOPIC_BURN "0x0c396cd989a39f4459b5fa1aed6a9a8dcdbc45908acfd67e028cd568da98982c"
#define TOPIC_FEE  "0x598b9f043c813aa6be3426ca60d1c65d17256312890be5118dab55b0775ebe2a"

static json_t *pools(const struct sample *s)
{
    return json_object_get(s->header, "pools");
}

static int32_t tick_of(const char *word)
{
    return (int32_t)(uint32_t)word_low(word);
}

/* ---- state ---- */

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

static void first_state(const json_t *pool, struct feed_pool_state *state)
{
    const json_t *s = json_object_get(pool, "state");
    char liquidity[65];
    state->tick_number = (int32_t)json_integer_value(json_object_get(s, "tick"));
    word_of_decimal(text_of(s, "sqrt_price"), state->price);
    word_of_signed(state->tick_number, state->tick);
    word_of_unsigned((unsigned __int128)json_integer_value(json_object_get(s, "fee")), state->fee);
    word_of_decimal(text_of(s, "liquidity"), liquidity);
    state->liquidity = word_low(liquidity);
}

static void change_liquidity(struct feed_pool_state *state, const json_t *topics, const char *word,
                             bool add)
{
    const char *bottom = json_string_value(json_array_get(topics, 2));
    const char *top = json_string_value(json_array_get(topics, 3));
    if (!bottom || !top || state->tick_number < tick_of(bottom + 2) ||
        state->tick_number >= tick_of(top + 2))
        return;
    state->liquidity = add ? state->liquidity + word_low(word) : state->liquidity - word_low(word);
}

static void apply_to_state(struct feed_pool_state *state, const json_t *log)
{
    const json_t *topics = json_object_get(log, "topics");
    const char *topic = json_string_value(json_array_get(topics, 0));
    const char *data = text_of(log, "data");
    size_t words = strlen(data) >= 2 ? (strlen(data) - 2) / WORD : 0;
    data += 2;
    if (!topic)
        return;
    if (strcmp(topic, TOPIC_SWAP) == 0 && words >= 5) {
        word_copy(state->price, data, 2);
        state->liquidity = word_low(data + (size_t)3 * WORD);
        word_copy(state->tick, data, 4);
        state->tick_number = tick_of(state->tick);
    } else if (strcmp(topic, TOPIC_FEE) == 0 && words >= 1) {
        word_copy(state->fee, data, 0);
    } else if (strcmp(topic, TOPIC_MINT) == 0 && words >= 2) {
        change_liquidity(state, topics, data + WORD, true);
    } else if (strcmp(topic, TOPIC_BURN) == 0 && words >= 1) {
        change_liquidity(state, topics, data, false);
    }
}

/* ---- blocks ---- */

static void block_finish(struct feed_block *block)
{
    json_decref(block->header);
    json_decref(block->logs);
    free(block->states);
    free(block->vault);
    memset(block, 0, sizeof(*block));
}

static void drop_from(struct feed_chain *chain, uint64_t number)
{
    while (chain->count > 1 && chain->sample->start_number + chain->count - 1 >= number)
        block_finish(&chain->blocks[--chain->count]);
}

static int32_t push_block(struct feed_chain *chain, json_t *header)
{
    if (chain->count == chain->cap) {
        size_t cap = chain->cap ? chain->cap * 2 : 128;
        struct feed_block *blocks = realloc(chain->blocks, cap * sizeof(blocks[0]));
        if (!blocks)
            return HAWSE_E_NOMEM;
        chain->blocks = blocks;
        chain->cap = cap;
    }
    struct feed_block block = {.header = json_incref(header), .logs = json_array()};
    block.states = calloc(chain->pool_count + 1, sizeof(block.states[0]));
    block.vault = calloc(chain->vault_pools + 1, sizeof(block.vault[0]));
    if (!block.logs || !block.states || !block.vault) {
        block_finish(&block);
        return HAWSE_E_NOMEM;
    }
    if (chain->count > 0) {
        const struct feed_block *before = &chain->blocks[chain->count - 1];
        memcpy(block.states, before->states, chain->pool_count * sizeof(block.states[0]));
        memcpy(block.vault, before->vault, chain->vault_pools * sizeof(block.vault[0]));
    }
    chain->blocks[chain->count++] = block;
    return HAWSE_OK;
}

int32_t feed_chain_create(const struct sample *sample, struct feed_chain **out, struct fault *fault)
{
    struct feed_chain *chain = calloc(1, sizeof(*chain));
    if (!chain)
        return fault_set(fault, HAWSE_E_NOMEM, "no memory for the feed's chain");
    chain->sample = sample;
    chain->pool_count = json_array_size(pools(sample));
    chain->vault_pools = feed_vault_pools(sample);
    chain->early = json_array();
    char number[24], time[24];
    (void)snprintf(number, sizeof(number), "0x%llx", (unsigned long long)sample->start_number);
    (void)snprintf(time, sizeof(time), "0x%llx", (unsigned long long)sample->start_timestamp);
    static const char zero[] = "0x0000000000000000000000000000000000000000000000000000000000000000";
    /* the block before the sample: a header like any other, without logs */
    json_t *header = json_copy(sample->frames[0].result);
    for (size_t i = 0; i < sample->frame_count && !sample->frames[i].is_head; i++) {
        json_decref(header);
        header = json_copy(sample->frames[i + 1 < sample->frame_count ? i + 1 : i].result);
    }
    (void)json_object_set_new(header, "number", json_string(number));
    (void)json_object_set_new(header, "timestamp", json_string(time));
    (void)json_object_set_new(
        header, "hash", json_string(text_of(json_object_get(sample->header, "start"), "hash")));
    (void)json_object_set_new(header, "parentHash", json_string(zero));
    int32_t code = push_block(chain, header);
    json_decref(header);
    for (size_t i = 0; code == HAWSE_OK && i < chain->pool_count; i++)
        first_state(json_array_get(pools(sample), i), &chain->blocks[0].states[i]);
    if (code == HAWSE_OK)
        feed_vault_first(sample, chain->blocks[0].vault);
    if (code != HAWSE_OK) {
        feed_chain_destroy(chain);
        return fault_set(fault, code, "no memory for the feed's chain");
    }
    *out = chain;
    return HAWSE_OK;
}

void feed_chain_destroy(struct feed_chain *chain)
{
    if (!chain)
        return;
    for (size_t i = 0; i < chain->count; i++)
        block_finish(&chain->blocks[i]);
    json_decref(chain->early);
    free(chain->blocks);
    free(chain);
}

static size_t pool_index(const struct feed_chain *chain, const char *address)
{
    for (size_t i = 0; i < chain->pool_count; i++) {
        if (strcasecmp(text_of(json_array_get(pools(chain->sample), i), "address"), address) == 0)
            return i;
    }
    return chain->pool_count;
}

static int32_t add_log(struct feed_chain *chain, struct feed_block *block, json_t *log)
{
    size_t pool = pool_index(chain, text_of(log, "address"));
    if (pool < chain->pool_count)
        apply_to_state(&block->states[pool], log);
    feed_vault_apply(chain->sample, block->vault, log);
    return json_array_append(block->logs, log) == 0 ? HAWSE_OK : HAWSE_E_NOMEM;
}

static int32_t apply_head(struct feed_chain *chain, json_t *header)
{
    uint64_t number = sample_quantity(json_object_get(header, "number"));
    const char *hash = text_of(header, "hash");
    if (feed_chain_block_by_hash(chain, hash))
        return HAWSE_OK;
    if (number <= feed_chain_head(chain))
        drop_from(chain, number);
    int32_t code = push_block(chain, header);
    struct feed_block *block = &chain->blocks[chain->count - 1];
    for (size_t i = 0; code == HAWSE_OK && i < json_array_size(chain->early);) {
        json_t *log = json_array_get(chain->early, i);
        if (strcmp(text_of(log, "blockHash"), hash) != 0) {
            i++;
            continue;
        }
        code = add_log(chain, block, log);
        (void)json_array_remove(chain->early, i);
    }
    return code;
}

int32_t feed_chain_apply(struct feed_chain *chain, json_t *result, bool is_head)
{
    if (is_head)
        return apply_head(chain, result);
    if (json_is_true(json_object_get(result, "removed"))) {
        if (feed_chain_block_by_hash(chain, text_of(result, "blockHash")))
            drop_from(chain, sample_quantity(json_object_get(result, "blockNumber")));
        return HAWSE_OK;
    }
    const struct feed_block *block = feed_chain_block_by_hash(chain, text_of(result, "blockHash"));
    if (block)
        return add_log(chain, &chain->blocks[block - chain->blocks], result);
    return json_array_append(chain->early, result) == 0 ? HAWSE_OK : HAWSE_E_NOMEM;
}

uint64_t feed_chain_head(const struct feed_chain *chain)
{
    return chain->sample->start_number + chain->count - 1;
}

const struct feed_block *feed_chain_block(const struct feed_chain *chain, uint64_t number)
{
    uint64_t first = chain->sample->start_number;
    if (number < first || number >= first + chain->count)
        return NULL;
    return &chain->blocks[number - first];
}

const struct feed_block *feed_chain_block_by_hash(const struct feed_chain *chain, const char *hash)
{
    for (size_t i = chain->count; i-- > 0;) {
        if (strcasecmp(text_of(chain->blocks[i].header, "hash"), hash) == 0)
            return &chain->blocks[i];
    }
    return NULL;
}

/* ---- filters ---- */

/* A filter's element: null = anything, a text, or an array of texts. */
static bool element_matches(const json_t *wanted, const char *value)
{
    if (!wanted || json_is_null(wanted))
        return true;
    if (json_is_string(wanted))
        return value && strcasecmp(json_string_value(wanted), value) == 0;
    for (size_t i = 0; i < json_array_size(wanted); i++) {
        const char *one = json_string_value(json_array_get(wanted, i));
        if (one && value && strcasecmp(one, value) == 0)
            return true;
    }
    return json_array_size(wanted) == 0;
}

bool feed_log_matches(const json_t *log, const json_t *filter)
{
    if (!element_matches(json_object_get(filter, "address"), text_of(log, "address")))
        return false;
    const json_t *topics = json_object_get(filter, "topics");
    for (size_t i = 0; i < json_array_size(topics); i++) {
        const json_t *have = json_array_get(json_object_get(log, "topics"), i);
        if (!element_matches(json_array_get(topics, i), json_string_value(have)))
            return false;
    }
    return true;
}

/* ---- calls ---- */

static char *pool_call(const struct feed_chain *chain, size_t pool, const char *selector,
                       const struct feed_pool_state *state)
{
    const json_t *p = json_array_get(pools(chain->sample), pool);
    char word[65];
    char *out = malloc(3 + 7 * WORD);
    if (!out)
        return NULL;
    if (strcmp(selector, "0xe76c01e4") == 0) { /* globalState() */
        word_of_unsigned(0, word);
        char one[65];
        word_of_unsigned(1, one);
        (void)snprintf(out, 3 + 7 * WORD, "0x%s%s%s%s%s%s%s", state->price, state->tick, state->fee,
                       word, word, word, one);
        return out;
    }
    if (strcmp(selector, "0x1a686502") == 0) { /* liquidity() */
        word_of_unsigned(state->liquidity, word);
    } else if (strcmp(selector, "0xd0c93a7c") == 0) { /* tickSpacing() */
        word_of_signed(json_integer_value(json_object_get(p, "tick_spacing")), word);
    } else if (strcmp(selector, "0x0dfe1681") == 0 || strcmp(selector, "0xd21220a7") == 0) {
        bool zero = selector[3] == 'd'; /* token0(), token1() */
        const char *token = text_of(json_object_get(p, zero ? "token0" : "token1"), "address");
        (void)snprintf(word, sizeof(word), "%024x%.40s", 0u, token + 2);
    } else {
        free(out);
        return NULL;
    }
    (void)snprintf(out, 3 + WORD, "0x%s", word);
    return out;
}

static const json_t *find_token(const struct feed_chain *chain, const char *address)
{
    for (size_t i = 0; i < chain->pool_count; i++) {
        const json_t *p = json_array_get(pools(chain->sample), i);
        const json_t *t0 = json_object_get(p, "token0"), *t1 = json_object_get(p, "token1");
        if (strcasecmp(text_of(t0, "address"), address) == 0)
            return t0;
        if (strcasecmp(text_of(t1, "address"), address) == 0)
            return t1;
    }
    return NULL;
}

static char *token_call(const json_t *token, const char *selector)
{
    char word[65], symbol[65];
    char *out = malloc(3 + 3 * WORD);
    if (!out)
        return NULL;
    if (strcmp(selector, "0x313ce567") == 0) { /* decimals() */
        word_of_unsigned((unsigned __int128)json_integer_value(json_object_get(token, "decimals")),
                         word);
        (void)snprintf(out, 3 + WORD, "0x%s", word);
        return out;
    }
    if (strcmp(selector, "0x95d89b41") == 0) { /* symbol(): a dynamic string */
        const char *text = text_of(token, "symbol");
        size_t len = strlen(text) < 32 ? strlen(text) : 31;
        memset(symbol, '0', WORD);
        symbol[WORD] = '\0';
        for (size_t i = 0; i < len; i++) {
            char pair[3];
            (void)snprintf(pair, sizeof(pair), "%02x", (unsigned char)text[i]);
            memcpy(symbol + 2 * i, pair, 2);
        }
        (void)snprintf(out, 3 + 3 * WORD, "0x%064x%064zx%s", 32u, len, symbol);
        return out;
    }
    free(out);
    return NULL;
}

char *feed_chain_call(const struct feed_chain *chain, const char *to, const char *data,
                      uint64_t number)
{
    char selector[11];
    (void)snprintf(selector, sizeof(selector), "%.10s", data);
    const struct feed_block *block = feed_chain_block(chain, number);
    size_t pool = pool_index(chain, to);
    if (pool < chain->pool_count && block)
        return pool_call(chain, pool, selector, &block->states[pool]);
    const json_t *token = find_token(chain, to);
    if (token)
        return token_call(token, selector);
    return block ? feed_vault_call(chain->sample, block->vault, to, data) : NULL;
}
