/*
 * Any text as the URL of an endpoint, of a proxy, and as HOST:PORT. What is accepted must be shown
 * without its user, its query's values and what came from a reference: the text after the first NUL
 * stands for the secret that fills "***" in the text before it.
 */
#include "config/internal.h"

#include <hawse/types.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool truth)
{
    if (!truth)
        abort();
}

/* `shown` with each "***" replaced by the secret. */
static char *resolve(const char *shown, const char *secret)
{
    size_t n = strlen(secret), len = 0;
    char *out = malloc(strlen(shown) * (n + 1) + 1);
    require(out != NULL);
    for (const char *at = shown; *at;) {
        bool mask = strncmp(at, "***", 3) == 0;
        memcpy(out + len, mask ? secret : at, mask ? n : 1);
        len += mask ? n : 1;
        at += mask ? 3 : 1;
    }
    out[len] = '\0';
    return out;
}

/* Of a URL that came as a whole: nothing behind the host is shown. */
static void check_whole(const char *display)
{
    const char *host = strstr(display, "://");
    const char *rest = host ? host + 3 + strcspn(host + 3, "/?#") : display;
    require(!*rest || strcmp(rest, host ? "/***" : "***") == 0);
}

/* Does what is written in the file itself begin like an address? */
static bool is_written_out(const char *shown)
{
    static const char *const schemes[] = {"ws://", "wss://", "http://", "https://", "socks5h://"};
    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
        if (strncmp(shown, schemes[i], strlen(schemes[i])) == 0)
            return true;
    }
    return false;
}

static void check(const char *shown, const char *secret)
{
    struct fault fault = {0};
    char *url = resolve(shown, secret);
    char *display = url_display(url, shown);
    require(display != NULL);
    if (!is_written_out(shown))
        check_whole(display);
    else if (strcmp(url, shown) != 0 && strlen(secret) >= 6 && !strstr(shown, secret) &&
             !strchr(secret, '*'))
        require(!strstr(display, secret));
    int32_t code = url_check(url, display, false, "x", &fault);
    require((code == HAWSE_OK) == (fault.code == 0));
    if (code == HAWSE_OK) {
        require(!strchr(url, '#') && !strchr(url, ' '));
        require(url_check(url, display, true, "x", NULL) == HAWSE_OK);
        const char *query = strchr(display, '?');
        require(!query || strstr(query, "***") || !query[1]);
    }
    fault_clear(&fault);
    code = url_check_proxy(url, "x", &fault);
    require((code == HAWSE_OK) == (fault.code == 0));
    fault_clear(&fault);
    code = url_check_listen(shown, "x", &fault);
    require((code == HAWSE_OK) == (fault.code == 0));
    free(display);
    free(url);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 2);
    require(text != NULL);
    memcpy(text, data, size);
    text[size] = text[size + 1] = '\0';
    size_t first = strlen(text);
    check(text, first < size ? text + first + 1 : "");
    free(text);
    return 0;
}
