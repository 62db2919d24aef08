/*
 * Verbs as a plugin describes them and words as an operator gives them, by way of the control
 * socket. The first line is a schema, each further line a word. What is accepted keeps the schema:
 * applied once more it changes nothing.
 */
#include "base/schema.h"
#include "host/command_args.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int truth)
{
    if (!truth)
        abort();
}

static json_t *words_of(char *text)
{
    json_t *words = json_array();
    char *rest = NULL;
    for (char *word = strtok_r(text, "\n", &rest); word; word = strtok_r(NULL, "\n", &rest)) {
        if (json_array_append_new(words, json_string(word)) != 0)
            continue; /* not UTF-8: no JSON could have brought it */
    }
    return words;
}

static void call(const json_t *schema, const json_t *words)
{
    struct fault fault = {0};
    json_t *args = NULL, *again = NULL;
    if (command_args_of_words(schema, words, &args, &fault) != HAWSE_OK) {
        require(fault.code != 0 && fault.message[0]);
        return;
    }
    require(command_args_of_object(schema, args, &again, NULL) == HAWSE_OK);
    require(json_equal(args, again));
    json_decref(args);
    json_decref(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *end = size > 0 ? memchr(data, '\n', size) : NULL;
    size_t len = end ? (size_t)(end - data) : size;
    struct fault fault = {0};
    json_t *schema = NULL;
    if (command_schema((hawse_view_t){data, len}, &schema, &fault) != HAWSE_OK) {
        require(fault.code != 0 && !schema);
        return 0;
    }
    char *usage = command_usage(schema);
    require(usage != NULL);
    free(usage);
    char *text = end ? strndup((const char *)end + 1, size - len - 1) : strdup("");
    require(text != NULL);
    json_t *words = words_of(text);
    call(schema, words);
    json_decref(words);
    json_decref(schema);
    free(text);
    return 0;
}
