/*
 * A document of typed data, or types in the form of encodeType. What is accepted has types that
 * read back as themselves, and a fault lies inside the text.
 */
#include <hawse/eip712.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int truth)
{
    if (!truth)
        abort();
}

static void check_schema(const hawse_eip712_schema_t *schema)
{
    static hawse_eip712_schema_t again;
    static uint8_t text[HAWSE_EIP712_TEXT_MAX];
    for (uint32_t i = 0; i < schema->struct_count; i++) {
        hawse_writer_t w = hawse_writer(text, sizeof(text));
        require(hawse_eip712_encode_type(schema, i, &w) == HAWSE_OK);
        require(hawse_eip712_parse(&again, (const char *)text, w.len, NULL) == HAWSE_OK);
        require(memcmp(again.structs[0].hash, schema->structs[i].hash, 32) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static hawse_eip712_schema_t schema;
    hawse_eip712_result_t result;
    uint64_t where = 0;
    if (hawse_eip712_parse(&schema, (const char *)data, size, &where) == HAWSE_OK)
        check_schema(&schema);
    else
        require(where <= size);
    uint8_t *text = calloc(1, size + HAWSE_PADDING);
    uint32_t *marks = calloc(size + 1, sizeof(uint32_t));
    require(text && marks);
    if (size > 0)
        memcpy(text, data, size);
    if (hawse_eip712_typed_data(text, size, marks, (uint32_t)size + 1, &schema, &result) ==
        HAWSE_OK)
        check_schema(&schema);
    else
        require(result.where <= size);
    free(marks);
    free(text);
    return 0;
}
