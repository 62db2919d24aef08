/* Questions that are waited for; see internal.h. */
#include "doctor/internal.h"
#include "rpc/rpc_client.h"

#include <hawse/hex.h>
#include <hawse/types.h>
#include <stdio.h>
#include <string.h>

void say(struct doctor *d, enum doctor_level level, const char *where, const char *fix,
         const char *what, ...)
{
    char raw[1024], text[1024], advice[512];
    va_list args;
    va_start(args, what);
    (void)vsnprintf(raw, sizeof(raw), what, args);
    va_end(args);
    log_redact(d->logger, raw, strlen(raw), text, sizeof(text));
    log_redact(d->logger, fix ? fix : "", fix ? strlen(fix) : 0, advice, sizeof(advice));
    struct finding finding = {.level = level, .where = where, .what = text, .fix = advice};
    d->tell(d->ctx, &finding);
}

struct waiting {
    struct answer *answer;
    bool done;
};

static void arrived(void *ctx, const struct http_result *result)
{
    struct waiting *w = ctx;
    struct answer *a = w->answer;
    size_t room = sizeof(a->text) - 1 - 64;
    a->status = result->status;
    a->elapsed_ns = result->elapsed_ns;
    a->http_status = result->http_status;
    a->whole = result->body_len <= room;
    a->len = a->whole ? (size_t)result->body_len : room;
    memset(a->text, 0, sizeof(a->text));
    if (a->len > 0)
        memcpy(a->text, result->body, a->len);
    w->done = true;
}

void ask(struct doctor *d, const struct config_endpoint *endpoint, const char *method,
         const char *params, struct answer *out)
{
    struct waiting w = {.answer = out};
    struct http_request *request = NULL;
    struct fault fault = {0};
    struct rpc_options options = {.endpoint = endpoint,
                                  .method = method,
                                  .method_len = strlen(method),
                                  .params = (const uint8_t *)params,
                                  .params_len = params ? strlen(params) : 0,
                                  .timeout_ms = DOCTOR_PATIENCE_MS,
                                  .max_response = 4 << 20};
    memset(out, 0, sizeof(*out));
    out->status = rpc_call(d->http, d->loop, &options, arrived, &w, &request, &fault);
    if (out->status != HAWSE_OK) {
        (void)snprintf(out->text, sizeof(out->text), "%s", fault.message);
        return;
    }
    while (!w.done)
        (void)loop_step(d->loop, 100000000, 0);
}

bool ask_number(struct doctor *d, const struct config_endpoint *endpoint, const char *method,
                const char *params, struct answer *out, uint64_t *number)
{
    ask(d, endpoint, method, params, out);
    return out->status == HAWSE_OK && out->len > 4 && out->text[0] == '"' &&
           hawse_hex_u64((const uint8_t *)out->text + 1, out->len - 2, number) == HAWSE_OK;
}
