/*
 * `hawse version`: of this program and of what it runs on.
 */
#include "app/app.h"

#include <curl/curl.h>
#include <hawse/hawse.h>
#include <jansson.h>
#include <libwebsockets.h>
#include <openssl/crypto.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

int command_version(const struct arguments *args)
{
    char abi[16];
    (void)snprintf(abi, sizeof(abi), "%u.%u", HAWSE_ABI_MAJOR, HAWSE_ABI_MINOR);
    json_t *v =
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "hawse", HAWSE_VERSION, "abi", abi,
                  "compiler", __VERSION__, "libcurl", curl_version_info(CURLVERSION_NOW)->version,
                  "libwebsockets", lws_get_library_version(), "jansson", JANSSON_VERSION, "openssl",
                  OpenSSL_version(OPENSSL_VERSION_STRING), "libsodium", sodium_version_string());
    if (args->json) {
        char *text = json_dumps(v, JSON_INDENT(2));
        (void)printf("%s\n", text ? text : "{}");
        free(text);
    } else {
        const char *key;
        json_t *value;
        json_object_foreach(v, key, value)(void)
            printf("%-14s %s\n", key, json_string_value(value));
    }
    json_decref(v);
    return EXIT_GOOD;
}
