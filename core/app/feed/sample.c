/* Loads and rebases samples; see sample.h. Everything is read once, at start. */
#include "app/feed/sample.h"

#include <hawse/types.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint64_t sample_quantity(const json_t *hex)
{
    const char *text = json_string_value(hex);
    return text && strncmp(text, "0x", 2) == 0 ? strtoull(text + 2, NULL, 16) : 0;
}

static int32_t bad(struct fault *fault, const char *path, size_t line, const char *what)
{
    return fault_set(fault, HAWSE_E_FORMAT, "%s:%zu: %s", path, line, what);
}

static int32_t read_header(struct sample *s, json_t *line, const char *path, struct fault *fault)
{
    const char *format = json_string_value(json_object_get(line, "format"));
    json_t *start = json_object_get(line, "start"), *end = json_object_get(line, "end");
    if (!format || strcmp(format, "hawse-websocket-sample") != 0 || !json_is_object(start) ||
        !json_is_object(end) || !json_is_array(json_object_get(line, "pools")))
        return bad(fault, path, 1, "not the header of a hawse-websocket-sample");
    s->header = json_incref(line);
    s->chain_id = (uint64_t)json_integer_value(json_object_get(line, "chain_id"));
    s->start_number = (uint64_t)json_integer_value(json_object_get(start, "number"));
    s->start_timestamp = (uint64_t)json_integer_value(json_object_get(start, "timestamp"));
    s->end_number = (uint64_t)json_integer_value(json_object_get(end, "number"));
    uint64_t block_s = (uint64_t)json_integer_value(json_object_get(line, "block_seconds"));
    s->seconds = (s->end_number - s->start_number) * block_s;
    return s->end_number > s->start_number ? HAWSE_OK
                                           : bad(fault, path, 1, "end.number is not after start");
}

static int32_t add_frame(struct sample *s, json_t *line, const char *path, size_t n,
                         struct fault *fault)
{
    json_t *params = json_object_get(json_object_get(line, "frame"), "params");
    json_t *result = json_object_get(params, "result");
    if (!json_is_object(result) || !json_is_integer(json_object_get(line, "t_ms")))
        return bad(fault, path, n,
                   "expected {\"t_ms\": N, \"frame\": {\"params\": {\"result\": ...}}}");
    if (s->frame_count == s->frame_cap) {
        size_t cap = s->frame_cap ? s->frame_cap * 2 : 256;
        struct sample_frame *frames = realloc(s->frames, cap * sizeof(frames[0]));
        if (!frames)
            return fault_set(fault, HAWSE_E_NOMEM, "no memory for the sample");
        s->frames = frames;
        s->frame_cap = cap;
    }
    s->frames[s->frame_count++] = (struct sample_frame){
        .t_ms = (uint64_t)json_integer_value(json_object_get(line, "t_ms")),
        .result = json_incref(result),
        .is_head = json_object_get(result, "parentHash") != NULL,
    };
    return HAWSE_OK;
}

int32_t sample_read(FILE *f, const char *path, struct sample **out, struct fault *fault)
{
    struct sample *s = calloc(1, sizeof(*s));
    char *text = NULL;
    size_t cap = 0, n = 0;
    int32_t code = s ? HAWSE_OK : fault_set(fault, HAWSE_E_NOMEM, "no memory for the sample");
    while (code == HAWSE_OK && getline(&text, &cap, f) > 0) {
        json_error_t error;
        json_t *line = json_loads(text, 0, &error);
        n++;
        if (!line)
            code = bad(fault, path, n, error.text);
        else if (n == 1)
            code = read_header(s, line, path, fault);
        else
            code = add_frame(s, line, path, n, fault);
        json_decref(line);
    }
    free(text);
    if (code == HAWSE_OK && s->frame_count == 0)
        code = bad(fault, path, n, "no frames");
    if (code != HAWSE_OK) {
        sample_destroy(s);
        return code;
    }
    *out = s;
    return HAWSE_OK;
}

void sample_destroy(struct sample *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->frame_count; i++)
        json_decref(s->frames[i].result);
    free(s->frames);
    json_decref(s->header);
    free(s);
}

/* ---- rounds ---- */

/* Hash of a block (as text) in that round. out has room for 67 bytes. */
static void sample_hash(const char *recorded, uint64_t round, char *out)
{
    (void)snprintf(out, 67, "%.66s", recorded);
    if (round > 0 && strlen(out) == 66) { /* the first four bytes tell the round */
        char mark[9];
        (void)snprintf(mark, sizeof(mark), "%08x", (unsigned)(round * 2654435761u));
        memcpy(out + 2, mark, 8);
    }
}

static void set_quantity(json_t *object, const char *key, uint64_t add)
{
    json_t *old = json_object_get(object, key);
    if (!json_is_string(old))
        return;
    char text[24];
    (void)snprintf(text, sizeof(text), "0x%llx", (unsigned long long)(sample_quantity(old) + add));
    (void)json_object_set_new(object, key, json_string(text));
}

static void set_hash(json_t *object, const char *key, uint64_t round)
{
    const char *old = json_string_value(json_object_get(object, key));
    if (!old)
        return;
    char text[67];
    sample_hash(old, round, text);
    (void)json_object_set_new(object, key, json_string(text));
}

json_t *sample_result(const struct sample *s, size_t index, uint64_t round)
{
    const struct sample_frame *frame = &s->frames[index];
    if (round == 0)
        return json_incref(frame->result);
    json_t *copy = json_copy(frame->result); /* shallow: only members are replaced */
    uint64_t blocks = round * (s->end_number - s->start_number);
    if (frame->is_head) {
        uint64_t number = sample_quantity(json_object_get(copy, "number"));
        const char *last =
            json_string_value(json_object_get(json_object_get(s->header, "end"), "hash"));
        set_hash(copy, "hash", round);
        if (number == s->start_number + 1 &&
            last) { /* hangs on the last block of the round before */
            char text[67];
            sample_hash(last, round - 1, text);
            (void)json_object_set_new(copy, "parentHash", json_string(text));
        } else {
            set_hash(copy, "parentHash", round);
        }
        set_quantity(copy, "number", blocks);
        set_quantity(copy, "timestamp", round * s->seconds);
    } else {
        set_hash(copy, "blockHash", round);
        set_hash(copy, "transactionHash", round);
        set_quantity(copy, "blockNumber", blocks);
        set_quantity(copy, "blockTimestamp", round * s->seconds);
    }
    return copy;
}
