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

static int32_t read_doc(const hawse_json_t *doc, struct rpc_envelope *out)
{
    hawse_json_value_t root, value;
    hawse_view_t raw;
    if (hawse_json_root(doc, &root) != HAWSE_OK || root.kind != HAWSE_JSON_OBJECT)
        return fail(out, "no JSON object");
    if (hawse_json_get(doc, &root, "id", &value) == HAWSE_OK)
        out->has_id = hawse_json_u64(&value, &out->id) == HAWSE_OK;
    if (hawse_json_get(doc, &root, "error", &value) == HAWSE_OK && value.kind != HAWSE_JSON_NULL) {
        int32_t code = read_error(doc, &value, out);
        if (code != HAWSE_OK)
            return code;
    } else if (hawse_json_get(doc, &root, "result", &value) != HAWSE_OK) {
        return fail(out, "neither \"result\" nor \"error\"");
    }
    if (hawse_json_raw(doc, &value, &raw) != HAWSE_OK)
        return fail(out, "cut off inside its value");
    out->data = raw.data;
    out->len = (size_t)raw.len;
    return HAWSE_OK;
}

int32_t rpc_envelope_read(const uint8_t *text, size_t len, struct rpc_envelope *out)
{
    hawse_json_t doc;
    *out = (struct rpc_envelope){.why = ""};
    uint32_t cap = 1024;
    for (;;) { /* marks are fewer than bytes; begin small, an answer is mostly small */
        uint32_t *marks = malloc((size_t)cap * sizeof(marks[0]));
        if (!marks)
            return fail(out, "no memory to read it");
        int32_t code = hawse_json_index(&doc, text, len, marks, cap);
        if (code == HAWSE_OK)
            code = read_doc(&doc, out);
        else if (code != HAWSE_E_NOSPACE)
            code = fail(out, "not JSON: a string does not end");
        free(marks);
        if (code != HAWSE_E_NOSPACE)
            return code;
        cap = cap > len ? (uint32_t)len + 2 : cap * 8;
    }
}
