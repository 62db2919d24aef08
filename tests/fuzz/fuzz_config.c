/*
 * Any bytes as a configuration: loaded, explained and compared, or refused with words; never a
 * crash, a leak, or a word of the secret that stands in the environment.
 */
#include "config/internal.h"

#include <hawse/types.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char secret[] = "kP0WqZ2v9LrT";

static void must_not_show(const char *text)
{
    if (text && strstr(text, secret))
        abort();
}

/* What follows the first NUL is a --set. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    const char *cut = memchr(text, '\0', size);
    size_t len = cut ? (size_t)(cut - text) : size;
    char *set = cut ? strndup(cut + 1, size - len - 1) : NULL;
    const struct config_override override = {set};
    struct config *config = NULL;
    struct fault fault = {0};
    if (memmem(data, size, secret, sizeof(secret) - 1)) { /* the fuzzer learnt it by comparing */
        free(set);
        return 0;
    }
    (void)setenv("FUZZ_SECRET", secret, 1);
    int32_t code =
        config_parse(text, len, "/nowhere/h.json", &override, set ? 1 : 0, &config, &fault);
    if ((code == HAWSE_OK) != (config != NULL) || (code != HAWSE_OK && !fault.message[0]))
        abort();
    must_not_show(fault.message);
    must_not_show(fault.hint);
    for (int as_json = 0; config && as_json < 2; as_json++) {
        char *shown = config_explain(config, NULL, as_json);
        must_not_show(shown);
        free(shown);
    }
    for (size_t i = 0; config && i < config->instance_count; i++) {
        const struct config_instance *in = &config->instances[i];
        if (!config_instance_equal(in, in) || config_find(config, in->id) != in)
            abort();
    }
    for (size_t i = 0; config && i < config->chain_count; i++) {
        struct config_chain copy;
        if (config_chain_copy(&config->chains[i], &copy) == HAWSE_OK)
            config_chain_finish(&copy);
    }
    if (config && !config_chains_equal(config, config))
        abort();
    config_destroy(config);
    free(set);
    return 0;
}
