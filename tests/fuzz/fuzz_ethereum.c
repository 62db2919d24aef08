/*
 * What a node sends, as the EVM chains' plugin reads it: headers and logs, alone and in lists. What
 * is accepted has every field inside its bounds, and its data decodes into the room it asks for.
 */
#include "plugin.h"

#include <hawse/hawse.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int truth)
{
    if (!truth)
        abort();
}

static void one(const hawse_json_t *doc, hawse_json_value_t value)
{
    struct chain_header header;
    struct wire_log log;
    struct wire_places places;
    hawse_json_value_t copy = value;
    (void)wire_header(doc, &copy, &header);
    copy = value;
    if (wire_log(doc, &copy, &places, &log) != HAWSE_OK)
        return;
    require(log.record.topic_count <= 4 && log.record.data_len <= DATA_MAX);
    uint8_t *out = malloc(log.record.data_len + 1);
    require(out != NULL);
    (void)wire_log_data(&log, out);
    free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint32_t *marks = malloc((size + 2) * sizeof(marks[0]));
    uint8_t *text = malloc(size + HAWSE_PADDING);
    hawse_json_t doc;
    hawse_json_value_t root, item;
    require(marks && text);
    memcpy(text, data, size);
    memset(text + size, '"', HAWSE_PADDING);
    if (hawse_json_index(&doc, text, size, marks, (uint32_t)size + 2) == HAWSE_OK &&
        hawse_json_root(&doc, &root) == HAWSE_OK) {
        one(&doc, root);
        while (root.kind >= HAWSE_JSON_OBJECT && hawse_json_next(&doc, &root, NULL, &item) == 1)
            one(&doc, item);
    }
    free(marks);
    free(text);
    return 0;
}
