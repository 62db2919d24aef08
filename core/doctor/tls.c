/* How an address is protected: whether others can read along, and how long its certificate lasts.
 */
#include "doctor/internal.h"

#include <curl/curl.h>
#include <hawse/types.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { DAYS_SOON = 14, DAY_S = 86400 };

/* The peer's own certificate is the first one. -1: it does not say. */
static long long expires(CURL *easy)
{
    struct curl_certinfo *info = NULL;
    if (curl_easy_getinfo(easy, CURLINFO_CERTINFO, &info) != CURLE_OK || !info ||
        info->num_of_certs < 1)
        return -1;
    for (const struct curl_slist *line = info->certinfo[0]; line; line = line->next) {
        if (strncmp(line->data, "Expire date:", 12) == 0)
            return (long long)curl_getdate(line->data + 12, NULL);
    }
    return -1;
}

static void judge(struct doctor *d, const char *where, CURL *easy)
{
    long long until = expires(easy), now = (long long)time(NULL);
    if (until < 0)
        return;
    long long days = (until - now) / DAY_S;
    if (days < DAYS_SOON)
        say(d, DOCTOR_WARN, where, "tell whoever runs it, or change the provider before that",
            "its certificate ends in %lld days", days);
    else
        say(d, DOCTOR_GOOD, where, NULL, "TLS, certificate good for %lld days", days);
}

/* wss:// is https:// to libcurl. malloc'd; NULL: not encrypted, or no memory. */
static char *secure_url(const char *url)
{
    bool web_socket = strncmp(url, "wss://", 6) == 0;
    if (!web_socket && strncmp(url, "https://", 8) != 0)
        return NULL;
    char *out = malloc(strlen(url) + 3);
    if (out) {
        memcpy(out, "https://", 9);
        memcpy(out + 8, url + (web_socket ? 6 : 8), strlen(url + (web_socket ? 6 : 8)) + 1);
    }
    return out;
}

static bool prepare(CURL *easy, const char *url, const struct config_endpoint *endpoint)
{
    return easy && curl_easy_setopt(easy, CURLOPT_URL, url) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_CONNECT_ONLY, 1L) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_CERTINFO, 1L) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)DOCTOR_PATIENCE_MS) ==
               CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_PROXY, endpoint->proxy ? endpoint->proxy : "") ==
               CURLE_OK &&
           (!endpoint->ca_file ||
            curl_easy_setopt(easy, CURLOPT_CAINFO, endpoint->ca_file) == CURLE_OK);
}

void examine_tls(struct doctor *d, const char *where, const struct config_endpoint *endpoint)
{
    char *url = secure_url(endpoint->url);
    if (!url) {
        if (endpoint->insecure)
            say(d, DOCTOR_WARN, where, "wss:// or https://, and no \"insecure\"",
                "is not encrypted: others can read along, and change what comes");
        return;
    }
    CURL *easy = curl_easy_init();
    if (prepare(easy, url, endpoint)) {
        CURLcode code = curl_easy_perform(easy);
        if (code == CURLE_OK)
            judge(d, where, easy);
        else if (code == CURLE_PEER_FAILED_VERIFICATION)
            say(d, DOCTOR_BAD, where,
                "see its name and date, or set ca_file to the authority that signed it",
                "its certificate is not believed: %s", curl_easy_strerror(code));
    }
    if (easy)
        curl_easy_cleanup(easy);
    free(url);
}
