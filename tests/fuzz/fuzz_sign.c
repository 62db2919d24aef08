/*
 * What a plugin wants sent with a login, any bytes: whatever is not refused is the same text with
 * the login in the place of the placeholder, once.
 */
#include "base/secret.h"
#include "sign/sign.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct credential *login(void)
{
    static struct credential *made;
    static struct config_secret values[] = {
        {"address", "0x1111111111111111111111111111111111111111", false},
        {"api_key", "id", false},
        {"secret", "c2VjcmV0", true},
        {"passphrase", "phrase", true}};
    static struct config_credential config = {
        .name = "me", .schema = "polymarket-l2", .values = values, .value_count = 4};
    static struct config_instance instance = {.id = "a"};
    struct fault fault = {0};
    if (!made && credential_make(&instance, &config, &made, &fault) != HAWSE_OK)
        abort();
    return made;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char filled[] =
        "{\"apiKey\":\"id\",\"secret\":\"c2VjcmV0\",\"passphrase\":\"phrase\"}";
    char *out = NULL;
    size_t len = 0;
    struct fault fault = {0};
    if (sign_message(login(), (hawse_view_t){data, size}, &out, &len, &fault) != HAWSE_OK)
        return out != NULL;
    const uint8_t *at = memmem(data, size, SIGN_PLACEHOLDER, strlen(SIGN_PLACEHOLDER));
    if (!at || len != size - strlen(SIGN_PLACEHOLDER) + strlen(filled))
        abort();
    size_t before = (size_t)(at - data), rest = len - before - strlen(filled);
    if (memcmp(out, data, before) != 0 || memcmp(out + before, filled, strlen(filled)) != 0 ||
        memcmp(out + len - rest, data + size - rest, rest) != 0)
        abort();
    secret_free(out);
    return 0;
}
