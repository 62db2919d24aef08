/*
 * The error object of an answer: any bytes have a class and a pause within its bounds, and the
 * class does not depend on the case of the letters.
 */
#include "rpc/failure.h"

#include <hawse/json.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int truth)
{
    if (!truth)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int64_t codes[] = {0, 3, 4, 429, -32000, -32005, -32601, -32603};
    static const int statuses[] = {0, 200, 400, 403, 413, 429, 500, 504};
    if (size < 2)
        return 0;
    char *upper = malloc(size);
    for (size_t i = 2; i < size; i++)
        upper[i - 2] = (char)(data[i] >= 'a' && data[i] <= 'z' ? data[i] - 32 : data[i]);
    struct rpc_answer answer = {
        .form = (enum rpc_form)(data[0] % 5),
        .has_code = data[0] & 0x80,
        .code = codes[data[1] % 8],
        .http_status = statuses[data[1] / 8 % 8],
        .method = "eth_call",
        .method_len = 8,
        .message = (const char *)data + 2,
        .message_len = size - 2,
    };
    enum rpc_class class = rpc_classify(&answer);
    require(class < RPC_CLASS_COUNT && rpc_policy(class)->name);
    answer.message = upper;
    require(rpc_classify(&answer) == class);
    free(upper);
    uint8_t *text = calloc(1, size + HAWSE_PADDING);
    memcpy(text, data, size);
    require(rpc_backoff_ms(text, size) <= 3600000);
    free(text);
    return 0;
}
