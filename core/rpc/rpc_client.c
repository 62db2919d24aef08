/* JSON-RPC over the HTTP client; see rpc_client.h. */
#include "rpc/rpc_client.h"

#include "rpc/envelope.h"

#include <hawse/hawse.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Errors may have none: who could not read the request does not know its id. */
static bool is_mine(uint64_t number, const struct rpc_envelope *e)
{
    return e->has_id ? e->id == number : e->is_error;
}

__attribute__((format(printf, 4, 5))) static void say(struct http_result *result, int32_t status,
                                                      char words[RPC_WORDS], const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(words, RPC_WORDS, fmt, args);
    va_end(args);
    result->status = status;
    result->body = (const uint8_t *)words;
    result->body_len = strlen(words);
}

void rpc_read(uint64_t number, struct http_result *result, char words[RPC_WORDS])
{
    struct rpc_envelope envelope;
    if (result->body_len == 0) {
        say(result, HAWSE_E_FORMAT, words, "the answer is empty");
        return;
    }
    int32_t code = rpc_envelope_read(result->body, result->body_len, &envelope);
    if (code != HAWSE_OK) {
        say(result, result->http_status == 200 ? HAWSE_E_FORMAT : HAWSE_E_IO, words,
            "HTTP %u, and the body is not a JSON-RPC answer: %s", result->http_status,
            envelope.why);
        return;
    }
    if (!is_mine(number, &envelope)) {
        say(result, HAWSE_E_FORMAT, words, "the answer is to another request: its id is not ours");
        return;
    }
    result->status = envelope.is_error ? HAWSE_E_REMOTE : HAWSE_OK;
    result->rpc_code = envelope.error_code;
    result->body = envelope.data;
    result->body_len = envelope.len;
}

void rpc_judge(struct http_request *request, struct http_result *result)
{
    char words[RPC_WORDS];
    struct http_result read = *result;
    rpc_read(http_request_number(request), &read, words);
    if (read.body == (const uint8_t *)words)
        http_words(request, read.status, words);
    else
        *result = read;
}

size_t rpc_body_put(char *out, size_t cap, const char *method, size_t method_len,
                    const uint8_t *params, size_t params_len, uint64_t id)
{
    bool none = params_len == 0;
    int n =
        snprintf(out, cap, "{\"jsonrpc\":\"2.0\",\"id\":%llu,\"method\":\"%.*s\",\"params\":%.*s}",
                 (unsigned long long)id, (int)method_len, method, none ? 2 : (int)params_len,
                 none ? "[]" : (const char *)params);
    return n > 0 && (size_t)n < cap ? (size_t)n : 0;
}

char *rpc_body(const char *method, size_t method_len, const uint8_t *params, size_t params_len,
               uint64_t id, size_t *len)
{
    size_t cap = method_len + params_len + RPC_BODY;
    char *body = malloc(cap);
    *len = body ? rpc_body_put(body, cap, method, method_len, params, params_len, id) : 0;
    if (*len > 0)
        return body;
    free(body);
    return NULL;
}

/* eth_sendRawTransaction, sendTransaction, eth_sendBundle ...: not to be asked twice by libcurl. */
static bool sends(const struct rpc_options *o)
{
    return memmem(o->method, o->method_len, "send", 4) ||
           memmem(o->method, o->method_len, "Send", 4);
}

int32_t rpc_call(struct http_client *client, struct loop *loop, const struct rpc_options *options,
                 http_done_fn done, void *ctx, struct http_request **out, struct fault *fault)
{
    struct http_options http = {.endpoint = options->endpoint,
                                .method = "POST",
                                .once = sends(options),
                                .timeout_ms = options->timeout_ms,
                                .max_response = options->max_response,
                                .number = http_number(client),
                                .judge = rpc_judge};
    http.body = rpc_body(options->method, options->method_len, options->params, options->params_len,
                         http.number, &http.body_len);
    if (!http.body)
        return fault_set(fault, HAWSE_E_NOMEM, "no memory for a request");
    return http_send(client, loop, &http, done, ctx, out, fault);
}
