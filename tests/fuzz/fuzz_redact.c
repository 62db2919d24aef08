/*
 * Any bytes as a line for the log, with two secrets known: whatever the line, neither is in what
 * comes out, nor is a control character or a byte that is not UTF-8, in a buffer of any size. The
 * first byte is the size of the buffer.
 */
#include "observe/redact.h"

#include <hawse/json.h>
#include <hawse/types.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int truth)
{
    if (!truth)
        abort();
}

static void check(const struct redact_list *list, const uint8_t *text, size_t len, size_t cap)
{
    char *out = malloc(cap + 1);
    require(out != NULL);
    size_t n = redact(list, (const char *)text, len, out, cap);
    require(n < cap || (n == 0 && cap == 0));
    require(cap == 0 || (out[n] == '\0' && strlen(out) == n));
    for (size_t i = 0; i < list->count && cap > 0; i++)
        require(!strstr(out, list->values[i]));
    for (size_t i = 0; i < n; i++)
        require((unsigned char)out[i] >= 0x20 && out[i] != 0x7f);
    require(hawse_utf8_valid((const uint8_t *)out, n));
    free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const secrets[] = {"kpkpkpkq", "wss://h/kpkpkpkq"};
    struct redact_list list = {0};
    if (size < 1)
        return 0;
    for (size_t i = 0; i < 2; i++)
        require(redact_add(&list, secrets[i]) == HAWSE_OK);
    check(&list, data + 1, size - 1, 4 * size + 16);
    check(&list, data + 1, size - 1, data[0]);
    redact_finish(&list);
    return 0;
}
