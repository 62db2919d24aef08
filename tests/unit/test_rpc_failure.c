/*
 * Classes of failed JSON-RPC answers, against answers that were captured or whose wording stands in
 * public sources: see tests/vectors/rpc-errors.json.
 */
#include "rpc/failure.h"
#include "vectors.h"

#include <hawse/json.h>

/* What the transport would make of a row: the id that was sent is 1. */
static struct rpc_answer answer_of(const json_t *row)
{
    const json_t *body = json_object_get(row, "body"), *error = json_object_get(body, "error");
    struct rpc_answer a = {
        .http_status = (int)json_integer_value(json_object_get(row, "http_status")),
        .method = text_of(row, "method"),
    };
    a.method_len = strlen(a.method);
    a.form = RPC_FORM_ERROR;
    if (error) {
        a.has_code = true;
        a.code = json_integer_value(json_object_get(error, "code"));
        a.message = text_of(error, "message");
        a.message_len = strlen(a.message);
    } else if (json_integer_value(json_object_get(body, "id")) == 1) {
        a.form = RPC_FORM_NULL;
        CHECK(json_is_null(json_object_get(body, "result")));
    } else if (a.http_status == 200) {
        a.form = RPC_FORM_UNREADABLE;
    }
    return a;
}

TEST(rpc_failure_vectors, "each of 92 answers gets its class, in any case of its letters")
{
    json_t *root = vectors_load("rpc-errors.json"), *row;
    size_t i;
    json_array_foreach(json_object_get(root, "vectors"), i, row)
    {
        struct rpc_answer a = answer_of(row);
        char upper[1024];
        const char *want = text_of(row, "class"), *got = rpc_policy(rpc_classify(&a))->name;
        if (strcmp(got, want) != 0)
            FAIL("row %zu, %.*s: %s, expected %s", i, (int)a.message_len, a.message, got, want);
        for (size_t k = 0; k < a.message_len; k++)
            upper[k] = (char)(a.message[k] >= 'a' && a.message[k] <= 'z' ? a.message[k] - 32
                                                                         : a.message[k]);
        a.message = upper;
        CHECK_STR(rpc_policy(rpc_classify(&a))->name, want);
    }
    CHECK_EQ(i, 92);
    json_decref(root);
}

TEST(rpc_failure_classes, "every class of the vectors is known, and says what to do")
{
    json_t *root = vectors_load("rpc-errors.json");
    const json_t *classes = json_object_get(root, "classes");
    CHECK_EQ(json_object_size(classes), RPC_CLASS_COUNT);
    for (int class = 0; class < RPC_CLASS_COUNT; class ++) {
        const struct rpc_policy *policy = rpc_policy((enum rpc_class) class);
        CHECK(json_object_get(classes, policy->name) != NULL);
        CHECK(strlen(policy->what) > 5);
    }
    json_decref(root);
}

static enum rpc_class class_of(const char *method, int status, int64_t code, const char *message)
{
    struct rpc_answer a = {.form = RPC_FORM_ERROR,
                           .http_status = status,
                           .has_code = code != 0,
                           .code = code,
                           .method = method,
                           .method_len = strlen(method),
                           .message = message,
                           .message_len = strlen(message)};
    return rpc_classify(&a);
}

TEST(rpc_failure_traps, "numbers and words that mislead do not")
{
    const char *send = "eth_sendRawTransaction";
    CHECK_EQ(class_of(send, 200, -32000, "known transaction: 0xabc"), RPC_ALREADY_KNOWN);
    CHECK_EQ(class_of(send, 200, -32000, "unknown transaction"), RPC_SERVER);
    CHECK_EQ(class_of("eth_call", 429, 3, "execution reverted"), RPC_REVERT);
    CHECK_EQ(class_of("eth_call", 400, -32000, "header not found"), RPC_MISSING_DATA);
    CHECK_EQ(class_of("eth_call", 200, -32015, "VM execution error."), RPC_REVERT);
    CHECK_EQ(class_of("eth_call", 504, -32015, "gateway timeout"), RPC_TIMEOUT);
    CHECK_EQ(class_of("eth_call", 200, 0, ""), RPC_SERVER);
    CHECK_EQ(class_of("eth_call", 403, 0, ""), RPC_AUTH);
    CHECK_EQ(class_of("eth_call", 200, -32005, "limit exceeded"), RPC_SERVER);
    struct rpc_answer nothing = {.form = RPC_FORM_TIMEOUT, .method = send, .method_len = 22};
    CHECK_EQ(rpc_classify(&nothing), RPC_TIMEOUT);
    nothing.form = RPC_FORM_BROKEN;
    CHECK_EQ(rpc_classify(&nothing), RPC_SERVER);
}

TEST(rpc_failure_solana, "codes of Solana nodes mean what they mean there, and only there")
{
    const char *send = "sendTransaction";
    static const char processed[] = "Transaction simulation failed: This transaction has already "
                                    "been processed";
    CHECK_EQ(class_of(send, 200, -32002, processed), RPC_ALREADY_KNOWN);
    CHECK_EQ(class_of(send, 200, -32002, "Transaction simulation failed: Blockhash not found"),
             RPC_MISSING_DATA);
    CHECK_EQ(class_of(send, 200, -32002,
                      "Transaction simulation failed: Error processing "
                      "Instruction 2: custom program error: 0x1"),
             RPC_REVERT);
    CHECK_EQ(class_of("eth_call", 200, -32002, "request timed out"), RPC_TIMEOUT);
    CHECK_EQ(class_of("getHealth", 200, -32005, "Node is behind by 42 slots"), RPC_MISSING_DATA);
    CHECK_EQ(class_of("eth_call", 200, -32007, "x"), RPC_RATE_LIMITED);
    CHECK_EQ(class_of("getBlock", 200, -32007, "Slot 5 was skipped"), RPC_MISSING_DATA);
    CHECK_EQ(class_of("getSlot", 200, -32016, "Minimum context slot has not been reached"),
             RPC_MISSING_DATA);
    CHECK_EQ(class_of(send, 429, 429, "Too many requests for a specific RPC call"),
             RPC_RATE_LIMITED);
    CHECK_EQ(class_of("getSlot", 200, -32601, "Method not found"), RPC_METHOD_UNSUPPORTED);
}

TEST(rpc_failure_unsure,
     "only what may have been taken is unsure, and nothing asks for a blind resend")
{
    for (int class = 0; class < RPC_CLASS_COUNT; class ++) {
        const struct rpc_policy *policy = rpc_policy((enum rpc_class) class);
        CHECK_EQ(policy->unsure, class == RPC_TIMEOUT || class == RPC_SERVER);
        CHECK(!policy->unsure || policy->again == RPC_AGAIN_NO);
    }
    CHECK_EQ(rpc_policy(RPC_NONCE_TOO_LOW)->elsewhere, RPC_ELSEWHERE_LOOK_UP);
    CHECK_EQ(rpc_policy(RPC_REVERT)->elsewhere, RPC_ELSEWHERE_NO);
    CHECK_EQ(rpc_policy(RPC_RATE_LIMITED)->blame, RPC_BLAME_PAUSE);
    CHECK_EQ(rpc_policy(RPC_AUTH)->blame, RPC_BLAME_OUT);
}

static uint32_t backoff(const char *error)
{
    uint8_t text[512] = {0};
    size_t len = strlen(error);
    memcpy(text, error, len);
    return rpc_backoff_ms(text, len);
}

TEST(rpc_failure_backoff, "the pause that an answer asks for is read in both shapes, and bounded")
{
    CHECK_EQ(backoff("{\"code\":-32005,\"data\":{\"backoff_seconds\":30.0}}"), 30000);
    CHECK_EQ(backoff("{\"data\":{\"rate\":{\"backoff_seconds\":12},\"see\":\"\"}}"), 12000);
    CHECK_EQ(backoff("{\"data\":{\"backoff_seconds\":99999999999999999999}}"), 3600000);
    CHECK_EQ(backoff("{\"data\":{\"backoff_seconds\":-5}}"), 0);
    CHECK_EQ(backoff("{\"data\":{\"backoff_seconds\":\"5\"}}"), 0);
    CHECK_EQ(backoff("{\"data\":\"0x\"}"), 0);
    CHECK_EQ(backoff("{}"), 0);
    CHECK_EQ(backoff("nonsense"), 0);
}
