/*
 * Any bytes as a manifest, then its own defaults and further bytes as settings: accepted or refused
 * with words, never a crash, a leak, or an endless walk.
 */
#include "plugin/manifest.h"

#include <hawse/types.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_settings(const struct manifest *manifest, const char *settings)
{
    struct fault fault = {0};
    char *out = NULL, *again = NULL;
    int32_t code = manifest_check_settings(manifest, "s", settings, &out, &fault);
    if ((code == HAWSE_OK) != (out != NULL) || (code != HAWSE_OK && !fault.message[0]))
        abort();
    /* What was checked and filled in must pass again, unchanged. */
    if (out && (manifest_check_settings(manifest, "s", out, &again, &fault) != HAWSE_OK ||
                strcmp(out, again) != 0))
        abort();
    free(out);
    free(again);
}

/* What follows the first NUL are settings. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    const char *cut = memchr(text, '\0', size);
    size_t len = cut ? (size_t)(cut - text) : size;
    char *settings = cut ? strndup(cut + 1, size - len - 1) : NULL;
    struct manifest *manifest = NULL;
    struct fault fault = {0};
    int32_t code = manifest_parse(text, len, &manifest, &fault);
    if ((code == HAWSE_OK) != (manifest != NULL) || (code != HAWSE_OK && !fault.message[0]))
        abort();
    if (manifest)
        check_settings(manifest, "{}");
    if (manifest && settings)
        check_settings(manifest, settings);
    manifest_destroy(manifest);
    free(settings);
    return 0;
}
