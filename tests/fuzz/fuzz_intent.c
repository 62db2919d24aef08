/*
 * Any bytes as an intent of an operator or of the journal: read or refused with words, and what was
 * read reads back as the same.
 */
#include "tx/intent.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct intent *intent = NULL, *again = NULL;
    struct fault fault = {0};
    if (intent_from_json((const char *)data, size, &intent, &fault) != HAWSE_OK) {
        if (!fault.message[0])
            abort();
        return 0;
    }
    char *text = intent_to_json(intent);
    char *second = NULL;
    if (!text || intent_from_json(text, strlen(text), &again, &fault) != HAWSE_OK)
        abort();
    second = intent_to_json(again);
    if (!second || strcmp(text, second) != 0)
        abort();
    free(second);
    free(text);
    free(again);
    free(intent);
    return 0;
}
