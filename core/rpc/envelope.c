/* The JSON-RPC envelope; see envelope.h. */
#include "rpc/envelope.h"

#include <hawse/json.h>
#include <stdlib.h>

static int32_t fail(struct rpc_envelope *out, const char *why)
{
    out->why = why;
    return HAWSE_E_FORMAT;
}

static int32_t read_error(const hawse_json_t *doc, hawse_json_value_t *error,
                          struct rpc_envelope *out)
{
    hawse_json_value_t code, message;
    if (error->kind != HAWSE_JSON_OBJECT)
        return fail(out, "\"error\" is no object");
    if (hawse_json_get(doc, error, "code", &code) == HAWSE_OK)
        out->has_code = hawse_json_i64(&code, &out->error_code) == HAWSE_OK;
    if (hawse_json_get(doc, error, "message", &message) == HAWSE_OK &&
        message.kind == HAWSE_JSON_STRING) {
        out->message = message.data;
        out->message_len = message.len;
    }
    out->is_error = true;
    return HAWSE_OK;
}

/* One answer: an object of the document. */
static int32_t read_answer(const hawse_json_t *doc, hawse_json_value_t *root,
                           struct rpc_envelope *out)
{
    hawse_json_value_t value;
    hawse_view_t raw;
    *out = (struct rpc_envelope){.why = ""};
    if (root->kind != HAWSE_JSON_OBJECT)
        return fail(out, "no JSON object");
    if (hawse_json_get(doc, root, "id", &value) == HAWSE_OK)
        out->has_id = hawse_json_u64(&value, &out->id) == HAWSE_OK;
    if (hawse_json_get(doc, root, "error", &value) == HAWSE_OK && value.kind != HAWSE_JSON_NULL) {
        int32_t code = read_error(doc, &value, out);
        if (code != HAWSE_OK)
            return code;
    } else if (hawse_json_get(doc, root, "result", &value) != HAWSE_OK) {
        return fail(out, "neither \"result\" nor \"error\"");
    }
    if (hawse_json_raw(doc, &value, &raw) != HAWSE_OK)
        return fail(out, "cut off inside its value");
    out->data = raw.data;
    out->len = (size_t)raw.len;
    return HAWSE_OK;
}

/* Marks the text and gives it to `read`. */
static int32_t with_marks(const uint8_t *text, size_t len,
                          int32_t (*read)(const hawse_json_t *doc, void *ctx), void *ctx,
                          struct rpc_envelope *out)
{
    hawse_json_t doc;
    uint32_t cap = 1024;
    for (;;) { /* marks are fewer than bytes; begin small, an answer is mostly small */
        uint32_t *marks = malloc((size_t)cap * sizeof(marks[0]));
        if (!marks)
            return fail(out, "no memory to read it");
        int32_t code = hawse_json_index(&doc, text, len, marks, cap);
        if (code == HAWSE_OK)
            code = read(&doc, ctx);
        else if (code != HAWSE_E_NOSPACE)
            code = fail(out, "not JSON: a string does not end");
        free(marks);
        if (code != HAWSE_E_NOSPACE)
            return code;
        cap = cap > len ? (uint32_t)len + 2 : cap * 8;
    }
}

static int32_t read_one(const hawse_json_t *doc, void *ctx)
{
    hawse_json_value_t root;
    if (hawse_json_root(doc, &root) != HAWSE_OK)
        return fail(ctx, "no JSON object");
    return read_answer(doc, &root, ctx);
}

int32_t rpc_envelope_read(const uint8_t *text, size_t len, struct rpc_envelope *out)
{
    *out = (struct rpc_envelope){.why = ""};
    return with_marks(text, len, read_one, out, out);
}

struct each {
    void (*fn)(void *ctx, const struct rpc_envelope *answer);
    void *ctx;
};

static int32_t read_array(const hawse_json_t *doc, void *ctx)
{
    const struct each *each = ctx;
    hawse_json_value_t root, value;
    hawse_view_t whole;
    if (hawse_json_root(doc, &root) != HAWSE_OK || root.kind != HAWSE_JSON_ARRAY ||
        hawse_json_raw(doc, &root, &whole) != HAWSE_OK)
        return HAWSE_E_FORMAT;
    int32_t more;
    while ((more = hawse_json_next(doc, &root, NULL, &value)) == 1) {
        struct rpc_envelope answer;
        if (read_answer(doc, &value, &answer) == HAWSE_OK)
            each->fn(each->ctx, &answer);
    }
    return more == 0 ? HAWSE_OK : HAWSE_E_FORMAT;
}

int32_t rpc_envelope_each(const uint8_t *text, size_t len,
                          void (*fn)(void *ctx, const struct rpc_envelope *answer), void *ctx)
{
    struct rpc_envelope why;
    struct each each = {fn, ctx};
    return with_marks(text, len, read_array, &each, &why);
}
