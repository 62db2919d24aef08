/* JSON-RPC's envelope; see rpc.h. */
#include "app/feed/rpc.h"

static json_t *reply_one(const json_t *request, rpc_method *method, void *ctx)
{
    const char *name = json_string_value(json_object_get(request, "method"));
    json_t *id = json_object_get(request, "id");
    struct rpc_answer a = {.code = -32601, .message = "the feed does not have this method"};
    if (name)
        method(ctx, name, json_object_get(request, "params"), &a);
    json_t *out = json_pack("{s:s, s:O?}", "jsonrpc", "2.0", "id", id ? id : json_null());
    if (a.result)
        (void)json_object_set_new(out, "result", a.result);
    else
        (void)json_object_set_new(out, "error",
                                  json_pack("{s:i, s:s}", "code", a.code, "message", a.message));
    return out;
}

char *rpc_reply(const char *text, size_t len, rpc_method *method, void *ctx)
{
    json_t *request = json_loadb(text, len, 0, NULL);
    json_t *out = NULL;
    if (json_is_array(request)) {
        out = json_array();
        for (size_t i = 0; i < json_array_size(request); i++)
            (void)json_array_append_new(out, reply_one(json_array_get(request, i), method, ctx));
    } else if (json_is_object(request)) {
        out = reply_one(request, method, ctx);
    } else {
        out = json_pack("{s:s, s:n, s:{s:i, s:s}}", "jsonrpc", "2.0", "id", "error", "code", -32700,
                        "message", "parse error");
    }
    json_decref(request);
    char *answer = json_dumps(out, JSON_COMPACT);
    json_decref(out);
    return answer;
}
