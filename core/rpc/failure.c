/*
 * Classes of failed answers; see failure.h. Rules are tried from top to bottom and the first one
 * that fits decides; each names its text, its code or its status, and those above are the surer
 * ones. A text fits where a word begins, in any case: "known transaction" is no part of "unknown
 * transaction".
 */
#include "rpc/failure.h"

#include <hawse/json.h>

#include <string.h>

/* ---- policies ---- */

#define POLICY(name, again, elsewhere, blame, unsure, what) \
    [RPC_##name] = {                                        \
        #name, RPC_AGAIN_##again, RPC_ELSEWHERE_##elsewhere, RPC_BLAME_##blame, unsure, what},
static const struct rpc_policy policies[] = {RPC_CLASSES(POLICY)};

const struct rpc_policy *rpc_policy(enum rpc_class class)
{
    return &policies[class];
}

/* ---- rules ---- */

struct rule {
    enum rpc_class class;
    const char *text; /* lower case; NULL = any */
    int64_t code;     /* 0 = any */
    int status;       /* 0 = any */
};

static const struct rule rules[] = {
    /* the account at the provider */
    {RPC_QUOTA_EXHAUSTED, "daily request count exceeded", 0, 0},
    {RPC_QUOTA_EXHAUSTED, "monthly capacity limit", 0, 0},
    {RPC_QUOTA_EXHAUSTED, NULL, 402, 0},
    {RPC_QUOTA_EXHAUSTED, NULL, 0, 402},
    {RPC_AUTH, "must be authenticated", 0, 0},
    {RPC_AUTH, "invalid api key", 0, 0},
    {RPC_AUTH, "invalid project id", 0, 0},
    {RPC_AUTH, NULL, 0, 401},
    {RPC_RATE_LIMITED, "project id request rate exceeded", 0, 0},
    {RPC_RATE_LIMITED, "compute units per second", 0, 0},
    {RPC_RATE_LIMITED, "request limit reached", 0, 0},
    {RPC_RATE_LIMITED, "over rate limit", 0, 0},
    {RPC_RATE_LIMITED, "rate limit exceeded", 0, 0},
    {RPC_RATE_LIMITED, "too many requests", 0, 0},
    /* what pools say of a transaction; the longer wordings first */
    {RPC_ALREADY_KNOWN, "already known", 0, 0},
    {RPC_ALREADY_KNOWN, "alreadyknown", 0, 0},
    {RPC_ALREADY_KNOWN, "known transaction", 0, 0},
    {RPC_ALREADY_KNOWN, "already imported", 0, 0},
    {RPC_ALREADY_KNOWN, "existing txn with same hash", 0, 0},
    {RPC_REPLACEMENT_UNDERPRICED, "replacement transaction underpriced", 0, 0},
    {RPC_REPLACEMENT_UNDERPRICED, "could not replace existing", 0, 0},
    {RPC_REPLACEMENT_UNDERPRICED, "replacementnotallowed", 0, 0},
    {RPC_REPLACEMENT_UNDERPRICED, "tries to replace pending", 0, 0},
    {RPC_DELEGATED_INFLIGHT, "delegated accounts", 0, 0},
    {RPC_DELEGATED_INFLIGHT, "authority already reserved", 0, 0},
    {RPC_DELEGATED_INFLIGHT, "address already reserved", 0, 0},
    {RPC_POOL_FULL, "txpool is full", 0, 0},
    {RPC_POOL_FULL, "pool is full", 0, 0},
    {RPC_POOL_FULL, "account limit exceeded", 0, 0},
    {RPC_NONCE_TOO_LOW, "nonce too low", 0, 0},
    {RPC_NONCE_TOO_LOW, "oldnonce", 0, 0},
    {RPC_NONCE_TOO_HIGH, "nonce too high", 0, 0},
    {RPC_NONCE_TOO_HIGH, "nonce too far in future", 0, 0},
    {RPC_INSUFFICIENT_FUNDS, "insufficient funds", 0, 0},
    {RPC_INSUFFICIENT_FUNDS, "insufficientfunds", 0, 0},
    {RPC_FEE_CAP, "exceeds the configured cap", 0, 0},
    {RPC_UNDERPRICED, "underpriced", 0, 0},
    {RPC_UNDERPRICED, "fee too low", 0, 0},
    {RPC_UNDERPRICED, "feetoolow", 0, 0},
    {RPC_UNDERPRICED, "gas price below minimum", 0, 0},
    {RPC_UNDERPRICED, "max fee per gas less than block base fee", 0, 0},
    {RPC_GAS_LIMIT, "intrinsic gas", 0, 0},
    {RPC_GAS_LIMIT, "intrinsicgas", 0, 0},
    {RPC_GAS_LIMIT, "exceeds block gas limit", 0, 0},
    /* what an execution says */
    {RPC_REVERT, NULL, 3, 0},
    {RPC_REVERT, "execution reverted", 0, 0},
    {RPC_REVERT, "evm error", 0, 0},
    {RPC_REVERT, "vm execution error", 0, 0},
    {RPC_REVERT, "invalid opcode", 0, 0},
    /* what can't be answered as it was asked */
    {RPC_REORGED, "not currently canonical", 0, 0},
    {RPC_INVALID_REQUEST, "invalid block range", 0, 0},
    {RPC_RANGE_TOO_LARGE, "exceed maximum block range", 0, 0},
    {RPC_RANGE_TOO_LARGE, "query returned more than", 0, 0},
    {RPC_RANGE_TOO_LARGE, "too many logs", 0, 0},
    {RPC_RANGE_TOO_LARGE, "log response size exceeded", 0, 0},
    {RPC_RANGE_TOO_LARGE, NULL, -32614, 0},
    {RPC_RESPONSE_TOO_LARGE, "response too large", 0, 0},
    {RPC_RESPONSE_TOO_LARGE, "response is too large", 0, 0},
    {RPC_TIMEOUT, "execution aborted (timeout", 0, 0},
    {RPC_TIMEOUT, "timed out", 0, 0},
    {RPC_TIMEOUT, "timeout limit", 0, 0},
    {RPC_TIMEOUT, "gateway timeout", 0, 0},
    {RPC_TIMEOUT, NULL, 4, 0}, /* of eth_sendRawTransactionSync: it was sent */
    {RPC_MISSING_DATA, "header not found", 0, 0},
    {RPC_MISSING_DATA, "header for hash not found", 0, 0},
    {RPC_MISSING_DATA, "block not found", 0, 0},
    {RPC_MISSING_DATA, "unknown block", 0, 0},
    {RPC_MISSING_DATA, "blockoutofrange", 0, 0},
    {RPC_MISSING_DATA, "missing trie node", 0, 0},
    {RPC_MISSING_DATA, "pruned", 0, 0},
    {RPC_MISSING_DATA, "resource not found", 0, 0},
    {RPC_MISSING_DATA, NULL, 4444, 0},
    {RPC_METHOD_UNSUPPORTED, "does not exist/is not available", 0, 0},
    {RPC_METHOD_UNSUPPORTED, "method not found", 0, 0},
    {RPC_METHOD_UNSUPPORTED, NULL, -32601, 0},
    {RPC_METHOD_UNSUPPORTED, NULL, -32612, 0},
    {RPC_METHOD_UNSUPPORTED, NULL, -32613, 0},
    {RPC_SERVER, "indexing is in progress", 0, 0},
    /* codes of eth_simulateV1 whose text is another one */
    {RPC_NONCE_TOO_LOW, NULL, -38010, 0},
    {RPC_NONCE_TOO_HIGH, NULL, -38011, 0},
    {RPC_UNDERPRICED, NULL, -38012, 0},
    {RPC_GAS_LIMIT, NULL, -38013, 0},
    {RPC_INSUFFICIENT_FUNDS, NULL, -38014, 0},
    {RPC_GAS_LIMIT, NULL, -38015, 0},
    {RPC_INVALID_REQUEST, NULL, -38020, 0},
    {RPC_INVALID_REQUEST, NULL, -38021, 0},
    {RPC_INVALID_REQUEST, NULL, -38024, 0},
    {RPC_INVALID_REQUEST, NULL, -38025, 0},
    {RPC_INVALID_REQUEST, NULL, -38026, 0},
    /* the status, where no text was known */
    {RPC_RATE_LIMITED, NULL, 429, 0},
    {RPC_RATE_LIMITED, NULL, -32007, 0},
    {RPC_RATE_LIMITED, NULL, -32009, 0},
    {RPC_RATE_LIMITED, NULL, 0, 429},
    {RPC_AUTH, NULL, 0, 403},
    {RPC_TIMEOUT, NULL, 0, 408},
    {RPC_TIMEOUT, NULL, 0, 504},
    {RPC_RESPONSE_TOO_LARGE, NULL, 0, 413},
    {RPC_SERVER, NULL, 0, 500},
    {RPC_SERVER, NULL, 0, 502},
    {RPC_SERVER, NULL, 0, 503},
    /* and last what only blames the request */
    {RPC_TIMEOUT, NULL, -32002, 0},
    {RPC_INVALID_REQUEST, NULL, -32600, 0},
    {RPC_INVALID_REQUEST, NULL, -32602, 0},
    {RPC_INVALID_REQUEST, NULL, -32700, 0},
    {RPC_INVALID_REQUEST, NULL, -32100, 0},
    {RPC_INVALID_REQUEST, "invalid chain id", 0, 0},
    {RPC_INVALID_REQUEST, "invalid sender", 0, 0},
    {RPC_INVALID_REQUEST, NULL, 0, 400},
};

/* What Solana nodes say, by methods without '_'; asked first, because their codes mean other things
 * elsewhere. Their documentation calls these "custom errors". */
static const struct rule solana_rules[] = {
    {RPC_ALREADY_KNOWN, "already been processed", -32002, 0},
    {RPC_MISSING_DATA, "blockhash not found", -32002, 0}, /* or not yet, at a node that is late */
    {RPC_INSUFFICIENT_FUNDS, "insufficient funds for fee", -32002, 0},
    {RPC_REVERT, NULL, -32002, 0},
    {RPC_INVALID_REQUEST, NULL, -32003, 0}, /* signatures */
    {RPC_INVALID_REQUEST, NULL, -32013, 0},
    {RPC_INVALID_REQUEST, NULL, -32015, 0},
    {RPC_REVERT, NULL, -32006, 0},
    {RPC_MISSING_DATA, NULL, -32001, 0},
    {RPC_MISSING_DATA, NULL, -32004, 0},
    {RPC_MISSING_DATA, NULL, -32005, 0}, /* the node is behind, or starting */
    {RPC_MISSING_DATA, NULL, -32007, 0}, /* slots that were skipped, or are too old */
    {RPC_MISSING_DATA, NULL, -32008, 0},
    {RPC_MISSING_DATA, NULL, -32009, 0},
    {RPC_MISSING_DATA, NULL, -32011, 0},
    {RPC_MISSING_DATA, NULL, -32014, 0},
    {RPC_MISSING_DATA, NULL, -32016, 0}, /* minContextSlot */
    {RPC_METHOD_UNSUPPORTED, NULL, -32010, 0},
};

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

static bool is_word_char(char c)
{
    return (lower(c) >= 'a' && lower(c) <= 'z') || (c >= '0' && c <= '9');
}

/* Does `text` stand in the message, from the beginning of a word? */
static bool contains(const struct rpc_answer *a, const char *text)
{
    size_t len = strlen(text);
    for (size_t at = 0; at + len <= a->message_len; at++) {
        size_t n = 0;
        if (at > 0 && is_word_char(a->message[at - 1]) && is_word_char(a->message[at]))
            continue;
        while (n < len && lower(a->message[at + n]) == text[n])
            n++;
        if (n == len)
            return true;
    }
    return false;
}

static bool fits(const struct rule *rule, const struct rpc_answer *a)
{
    if (rule->code != 0 && (!a->has_code || a->code != rule->code))
        return false;
    if (rule->status != 0 && a->http_status != rule->status)
        return false;
    return !rule->text || contains(a, rule->text);
}

/* ---- answers without an error ---- */

static bool method_is(const struct rpc_answer *a, const char *name)
{
    return a->method_len == strlen(name) && memcmp(a->method, name, a->method_len) == 0;
}

/* null means "not yet" of a transaction, and "I don't have it" of a block. */
static enum rpc_class classify_null(const struct rpc_answer *a)
{
    if (method_is(a, "eth_getTransactionReceipt") || method_is(a, "eth_getTransactionByHash") ||
        method_is(a, "getTransaction"))
        return RPC_NOT_YET;
    return RPC_MISSING_DATA;
}

enum rpc_class rpc_classify(const struct rpc_answer *answer)
{
    if (answer->form == RPC_FORM_TIMEOUT)
        return RPC_TIMEOUT;
    if (answer->form == RPC_FORM_BROKEN)
        return RPC_SERVER;
    if (answer->form == RPC_FORM_NULL)
        return classify_null(answer);
    bool solana = !memchr(answer->method, '_', answer->method_len);
    for (size_t i = 0; solana && i < sizeof(solana_rules) / sizeof(solana_rules[0]); i++) {
        if (fits(&solana_rules[i], answer))
            return solana_rules[i].class;
    }
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        if (fits(&rules[i], answer))
            return rules[i].class;
    }
    return RPC_SERVER; /* what nobody knows is tried elsewhere, and never taken for a verdict */
}

/* ---- backoff ---- */

/* Seconds with a fraction that is cut off, into milliseconds. */
static uint32_t milliseconds(const hawse_json_value_t *seconds)
{
    uint64_t n = 0;
    if (seconds->kind != HAWSE_JSON_NUMBER)
        return 0;
    for (uint32_t i = 0; i < seconds->len; i++) {
        uint8_t c = seconds->data[i];
        if (c == '.')
            break;
        if (c < '0' || c > '9' || n > 3600)
            return n > 3600 ? 3600000 : 0;
        n = n * 10 + (uint64_t)(c - '0');
    }
    return n > 3600 ? 3600000 : (uint32_t)n * 1000;
}

uint32_t rpc_backoff_ms(const uint8_t *error, size_t len)
{
    uint32_t marks[256];
    hawse_json_t doc;
    hawse_json_value_t root, data, rate, seconds;
    if (hawse_json_index(&doc, error, len, marks, 256) != HAWSE_OK ||
        hawse_json_root(&doc, &root) != HAWSE_OK ||
        hawse_json_get(&doc, &root, "data", &data) != HAWSE_OK)
        return 0;
    if (hawse_json_get(&doc, &data, "backoff_seconds", &seconds) == HAWSE_OK)
        return milliseconds(&seconds);
    if (hawse_json_get(&doc, &data, "rate", &rate) == HAWSE_OK &&
        hawse_json_get(&doc, &rate, "backoff_seconds", &seconds) == HAWSE_OK)
        return milliseconds(&seconds);
    return 0;
}
