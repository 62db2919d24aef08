/*
 * What a node sends, as the EVM chains' plugin reads it: headers and logs, alone and in lists, and
 * frames that push a log. What is accepted has every field inside its bounds, and its data decodes
 * into the room it asks for. A newline in the input separates two frames: the layout of the first
 * is learned, and what it makes of the second must be what a walk through it finds.
 */
#include "plugin.h"

#include <hawse/hawse.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SETS = 2, TEXT = 2048 };

/* A text with room behind it, as the host gives it, and its marks. */
struct text {
    uint8_t *bytes;
    uint32_t *marks;
    size_t len;
    hawse_json_t doc;
    hawse_json_value_t root;
    bool good;
};

static void require(int truth)
{
    if (!truth)
        abort();
}

static struct text text_of(const uint8_t *data, size_t size)
{
    struct text t = {.len = size};
    t.marks = malloc((size + 2) * sizeof(t.marks[0]));
    t.bytes = malloc(size + HAWSE_PADDING);
    require(t.marks && t.bytes);
    if (size > 0)
        memcpy(t.bytes, data, size);
    memset(t.bytes + size, '"', HAWSE_PADDING);
    t.good = hawse_json_index(&t.doc, t.bytes, size, t.marks, (uint32_t)size + 2) == HAWSE_OK &&
             hawse_json_root(&t.doc, &t.root) == HAWSE_OK;
    return t;
}

static void finish(struct text *t)
{
    free(t->marks);
    free(t->bytes);
}

/* False: its data is no hexadecimal text, which the plugin finds before it acts on the log. */
static bool decode(const struct wire_log *log)
{
    require(log->record.topic_count <= 4 && log->record.data_len <= DATA_MAX);
    uint8_t *out = malloc(log->record.data_len + 1);
    require(out != NULL);
    bool good = wire_log_data(log, out) == HAWSE_OK;
    free(out);
    return good;
}

static void one(const hawse_json_t *doc, hawse_json_value_t value)
{
    struct chain_header header;
    struct wire_log log;
    struct wire_places places;
    hawse_json_value_t copy = value;
    (void)wire_header(doc, &copy, &header);
    copy = value;
    if (wire_log(doc, &copy, &places, &log) == HAWSE_OK)
        (void)decode(&log);
}

/* As link.c walks a frame. False: no pushed log. */
static bool walk(struct text *t, hawse_json_value_t *method, hawse_json_value_t *id,
                 struct wire_places *places, struct wire_log *log)
{
    hawse_json_value_t params, result;
    return t->good && t->root.kind == HAWSE_JSON_OBJECT &&
           hawse_json_get(&t->doc, &t->root, "method", method) == HAWSE_OK &&
           hawse_json_is(method, "eth_subscription") &&
           hawse_json_get(&t->doc, &t->root, "params", &params) == HAWSE_OK &&
           hawse_json_get(&t->doc, &params, "subscription", id) == HAWSE_OK &&
           hawse_json_get(&t->doc, &params, "result", &result) == HAWSE_OK &&
           wire_log(&t->doc, &result, places, log) == HAWSE_OK;
}

static void frames(struct text *first, struct text *second)
{
    hawse_json_shapes_t shapes;
    hawse_json_value_t method, id;
    struct wire_places places;
    struct wire_log log, known;
    hawse_view_t known_id;
    void *memory = malloc(hawse_json_shapes_bytes(SETS, TEXT));
    require(memory && hawse_json_shapes_init(&shapes, memory, SETS, TEXT) == HAWSE_OK);
    if (walk(first, &method, &id, &places, &log))
        wire_log_learn(&shapes, &first->doc, &method, &id, &places);
    if (wire_log_known(&shapes, second->bytes, second->len, &known_id, &known) && decode(&known)) {
        require(walk(second, &method, &id, &places, &log));
        require(memcmp(&log.record, &known.record, sizeof(log.record)) == 0);
        require(log.data == known.data && log.removed == known.removed);
        require(id.data == known_id.data && id.len == known_id.len);
    }
    free(memory);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *end = size > 0 ? memchr(data, '\n', size) : NULL;
    size_t first_len = end ? (size_t)(end - data) : size;
    struct text first = text_of(data, first_len);
    struct text second = end ? text_of(end + 1, size - first_len - 1) : text_of(data, size);
    hawse_json_value_t item;
    frames(&first, &second);
    if (first.good) {
        hawse_json_rewind(&first.root);
        one(&first.doc, first.root);
        hawse_json_rewind(&first.root);
        while (first.root.kind >= HAWSE_JSON_OBJECT &&
               hawse_json_next(&first.doc, &first.root, NULL, &item) == 1)
            one(&first.doc, item);
    }
    finish(&first);
    finish(&second);
    return 0;
}
