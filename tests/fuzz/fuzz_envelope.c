/*
 * Any bytes as a JSON-RPC answer: read or refused with words; what is handed on lies inside the
 * text.
 */
#include "rpc/envelope.h"

#include <hawse/hawse.h>
#include <hawse/json.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int truth)
{
    if (!truth)
        abort();
}

static void take(void *ctx, const struct rpc_envelope *answer)
{
    const hawse_view_t *text = ctx;
    require(answer->data >= text->data && answer->len > 0 &&
            answer->len <= (size_t)(text->data + text->len - answer->data));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *text = malloc(size + HAWSE_PADDING);
    struct rpc_envelope envelope;
    require(text != NULL);
    memcpy(text, data, size);
    memset(text + size, 0, HAWSE_PADDING);
    int32_t code = rpc_envelope_read(text, size, &envelope);
    require(code == HAWSE_OK || code == HAWSE_E_FORMAT);
    if (code == HAWSE_OK) {
        require(envelope.data >= text && envelope.len > 0 &&
                envelope.len <= (size_t)(text + size - envelope.data));
        if (hawse_json_validate(text, size, NULL) == HAWSE_OK)
            require(hawse_json_validate(envelope.data, envelope.len, NULL) == HAWSE_OK);
        require(!envelope.is_error || envelope.data[0] == '{');
    } else {
        require(envelope.why[0] != '\0');
    }
    hawse_view_t whole = {.data = text, .len = size};
    (void)rpc_envelope_each(text, size, take, &whole);
    free(text);
    return 0;
}
