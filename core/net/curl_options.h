/*
 * libcurl options as tables: one place that says what a handle gets, one loop that sets it.
 */
#ifndef CORE_NET_CURL_OPTIONS_H
#define CORE_NET_CURL_OPTIONS_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>

struct curl_long {
    CURLoption option;
    long value;
};

/* Texts and objects; NULL values are left at libcurl's default. */
struct curl_pointer {
    CURLoption option;
    const void *value;
};

static inline bool curl_set_longs(CURL *easy, const struct curl_long *options, size_t count)
{
    bool ok = true;
    for (size_t i = 0; i < count; i++)
        ok = ok && curl_easy_setopt(easy, options[i].option, options[i].value) == CURLE_OK;
    return ok;
}

static inline bool curl_set_pointers(CURL *easy, const struct curl_pointer *options, size_t count)
{
    bool ok = true;
    for (size_t i = 0; i < count; i++) {
        if (options[i].value)
            ok = ok && curl_easy_setopt(easy, options[i].option, options[i].value) == CURLE_OK;
    }
    return ok;
}

#define CURL_COUNT(table) (sizeof(table) / sizeof((table)[0]))

#endif
