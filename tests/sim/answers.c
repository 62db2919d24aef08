/*
 * Simulations on lines of JSON, so that a script can ask for them: each line is a request, each
 * answer the result as the journal would have it. For tests: it asks one node over HTTP and waits
 * for every answer, and can pretend that the node lacks methods or answers nonsense.
 *
 *   {"url": "http://127.0.0.1:8545", "order": ["eth_simulateV1"], "inspect": true, "lacks":
 * ["..."], "garbles": ["..."], "chain_id": 100, "from": "0x...", "delegate": "0x...", "calls":
 * [{"to": "0x...", "value": "0x0", "data": "0x...", "gas": 0}], "max_fee": "0x...", "block":
 * {"number": "0x1", "hash": "0x...", "timestamp": "0x..."}, "assets": ["0x..."]}
 */
#include "rpc/envelope.h"
#include "sim/internal.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct body {
    char *data;
    size_t len;
};

struct node {
    CURL *curl;
    const json_t *question;
};

static size_t take(char *data, size_t size, size_t n, void *ctx)
{
    struct body *b = ctx;
    b->data = realloc(b->data, b->len + size * n + HAWSE_PADDING);
    memcpy(b->data + b->len, data, size * n);
    b->len += size * n;
    memset(b->data + b->len, 0, HAWSE_PADDING);
    return size * n;
}

static bool is_in(const json_t *list, const char *word)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (strcmp(json_string_value(json_array_get(list, i)), word) == 0)
            return true;
    }
    return false;
}

static void tell(const char *method, const struct body *b, sim_answer_fn done, void *done_ctx)
{
    struct rpc_envelope e = {0};
    struct sim_answer a = {.status = HAWSE_E_IO};
    if (b->len > 0 && rpc_envelope_read((const uint8_t *)b->data, b->len, &e) == HAWSE_OK) {
        a.status = e.is_error ? HAWSE_E_REMOTE : HAWSE_OK;
        a.body = e.data;
        a.body_len = e.len;
    }
    if (e.is_error) {
        json_t *error = words_parse(&a);
        const char *message = json_string_value(json_object_get(error, "message"));
        const struct rpc_answer answer = {.form = RPC_FORM_ERROR,
                                          .http_status = 200,
                                          .has_code = true,
                                          .code = e.error_code,
                                          .method = method,
                                          .method_len = strlen(method),
                                          .message = message,
                                          .message_len = message ? strlen(message) : 0};
        a.class = rpc_classify(&answer);
        json_decref(error);
    }
    done(done_ctx, &a);
}

static int32_t call(void *ctx, const char *method, const char *params, size_t len,
                    sim_answer_fn done, void *done_ctx)
{
    struct node *node = ctx;
    struct body b = {0};
    char *text = NULL;
    const char *lacks = "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32601,\"message\":"
                        "\"the method does not exist\"}}";
    const char *nonsense = "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":[{\"calls\":\"none\"}]}";
    if (is_in(json_object_get(node->question, "lacks"), method)) {
        (void)take((char *)lacks, 1, strlen(lacks), &b);
    } else if (is_in(json_object_get(node->question, "garbles"), method)) {
        (void)take((char *)nonsense, 1, strlen(nonsense), &b);
    } else {
        if (asprintf(&text, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\",\"params\":%.*s}",
                     method, (int)len, params) < 0)
            return HAWSE_E_NOMEM;
        curl_easy_setopt(node->curl, CURLOPT_POSTFIELDS, text);
        curl_easy_setopt(node->curl, CURLOPT_WRITEDATA, &b);
        if (curl_easy_perform(node->curl) != CURLE_OK)
            b.len = 0;
    }
    if (getenv("SIM_SHOW"))
        (void)fprintf(stderr, "%s\n%.*s\n", text ? text : method, (int)b.len, b.data);
    tell(method, &b, done, done_ctx);
    free(text);
    free(b.data);
    return HAWSE_OK;
}

static void print_result(void *ctx, const struct sim_result *result)
{
    (void)ctx;
    char *text = malloc(SIM_JSON);
    if (sim_result_json(result, text, SIM_JSON) < 0)
        exit(3);
    (void)printf("%s\n", text);
    (void)fflush(stdout);
    free(text);
}

static void must(bool good, const char *what)
{
    if (!good) {
        (void)fprintf(stderr, "answers: bad %s\n", what);
        exit(2);
    }
}

static void read_calls(const json_t *list, struct sim_call *calls)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *one = json_array_get(list, i);
        uint8_t *data = NULL;
        must(words_read_fixed(json_object_get(one, "to"), calls[i].to, 20) &&
                 words_read_u256(json_object_get(one, "value"), &calls[i].value) &&
                 words_read_bytes(json_object_get(one, "data"), &data, &calls[i].data.len),
             "call");
        calls[i].data.data = data;
        calls[i].gas_limit = (uint64_t)json_integer_value(json_object_get(one, "gas"));
    }
}

static void read_block(const json_t *block, struct sim_request *q)
{
    must(words_read_u64(json_object_get(block, "number"), &q->block_number) &&
             words_read_fixed(json_object_get(block, "hash"), q->block_hash, 32) &&
             words_read_u64(json_object_get(block, "timestamp"), &q->block_time),
         "block");
}

static void answer(struct node *node)
{
    const json_t *o = node->question, *list = json_object_get(o, "calls");
    const json_t *assets = json_object_get(o, "assets"), *delegate = json_object_get(o, "delegate");
    const json_t *order = json_object_get(o, "order");
    struct sim_options options = {.inspect = json_is_true(json_object_get(o, "inspect"))};
    const struct sim_port port = {node, call, NULL};
    struct sim_call calls[SIM_CALLS] = {0};
    struct sim_request q = {.chain_id = 100, .calls = calls, .block_ms = 5000};
    struct sim *sim = NULL;
    for (size_t i = 0; i < json_array_size(order); i++) {
        for (int e = SIM_SIMULATE_V1; e <= SIM_ETH_CALL; e++) {
            if (strcmp(json_string_value(json_array_get(order, i)),
                       sim_engine_name((enum sim_engine)e)) == 0)
                options.order[i] = (enum sim_engine)e;
        }
    }
    read_calls(list, calls);
    q.call_count = (uint32_t)json_array_size(list);
    read_block(json_object_get(o, "block"), &q);
    must(words_read_fixed(json_object_get(o, "from"), q.from, 20), "from");
    q.delegated = delegate && words_read_fixed(delegate, q.delegate, 20);
    if (json_object_get(o, "max_fee"))
        must(words_read_u256(json_object_get(o, "max_fee"), &q.max_fee), "max_fee");
    for (size_t i = 0; i < json_array_size(assets); i++)
        must(words_read_fixed(json_array_get(assets, i), q.assets[q.asset_count++], 20), "asset");
    curl_easy_setopt(node->curl, CURLOPT_URL, json_string_value(json_object_get(o, "url")));
    must(sim_create(&options, &port, &sim) == HAWSE_OK, "order");
    must(sim_start(sim, &q, print_result, NULL, NULL) == HAWSE_OK, "request");
    sim_destroy(sim);
    for (uint32_t i = 0; i < q.call_count; i++)
        free((void *)calls[i].data.data);
}

int main(void)
{
    char *line = NULL;
    size_t cap = 0;
    struct node node = {.curl = curl_easy_init()};
    struct curl_slist *headers = curl_slist_append(NULL, "content-type: application/json");
    curl_easy_setopt(node.curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(node.curl, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(node.curl, CURLOPT_TIMEOUT_MS, 10000L);
    curl_easy_setopt(node.curl, CURLOPT_PROXY, "");
    while (getline(&line, &cap, stdin) > 0) {
        json_t *question = json_loads(line, 0, NULL);
        must(question != NULL, "line");
        node.question = question;
        answer(&node);
        json_decref(question);
    }
    free(line);
    curl_slist_free_all(headers);
    curl_easy_cleanup(node.curl);
    return 0;
}
