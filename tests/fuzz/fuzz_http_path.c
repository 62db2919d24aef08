/*
 * What a plugin may append to an endpoint's URL, and which headers it may send. The first byte
 * chooses. A path that is accepted stays behind the endpoint's own path and in front of its query,
 * whatever a server makes of it; accepted headers hold none but the listed names.
 */
#include "rpc/http_client.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool truth)
{
    if (!truth)
        abort();
}

/* Percent-encoding undone once, as a server does; NUL-terminated. */
static char *decode(const char *text)
{
    char *out = calloc(1, strlen(text) + 1), hex[3] = "";
    size_t n = 0;
    require(out != NULL);
    for (; *text; text++) {
        if (*text == '%' && text[1] && text[2]) {
            memcpy(hex, text + 1, 2);
            out[n++] = (char)strtoul(hex, NULL, 16);
            text += 2;
        } else {
            out[n++] = *text;
        }
    }
    return out;
}

static void check_path(const uint8_t *path, size_t len)
{
    static const char *const urls[] = {"https://h", "https://h/v1/", "https://h/v1?key=k3y"};
    if (!http_path_legal(path, len))
        return;
    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
        char *url = http_path_join(urls[i], (const char *)path, len);
        require(url != NULL);
        size_t query = strcspn(url, "?");
        char *plain = strndup(url + strlen("https://h"), query - strlen("https://h"));
        require(plain != NULL && plain[0] == '/');
        require(i == 0 || strncmp(plain, "/v1/", 4) == 0);
        char *seen = decode(plain);
        require(!strstr(seen, "//") && !strstr(seen, "/../") && !strstr(seen, "/./"));
        require(!strpbrk(seen, "\\#\r\n") && strlen(seen) <= strlen(plain));
        require(i < 2 || strcmp(url + strlen(url) - strlen("key=k3y"), "key=k3y") == 0);
        free(seen);
        free(plain);
        free(url);
    }
}

static void check_headers(const uint8_t *lines, size_t len)
{
    if (!http_headers_legal(lines, len))
        return;
    require(len == 0 || lines[len - 1] == '\n');
    require(!memchr(lines, '\r', len) && !memchr(lines, '\0', len));
    for (const uint8_t *at = lines; at < lines + len;) {
        const uint8_t *end = memchr(at, '\n', (size_t)(lines + len - at));
        require(*at == 'A' || *at == 'a' || *at == 'C' || *at == 'c' || *at == 'I' || *at == 'i');
        require(memchr(at, ':', (size_t)(end - at)) != NULL);
        at = end + 1;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    uint8_t *exact = malloc(size); /* reads behind it are seen */
    require(exact != NULL);
    memcpy(exact, data + 1, size - 1);
    if (data[0] & 1)
        check_headers(exact, size - 1);
    else
        check_path(exact, size - 1);
    free(exact);
    return 0;
}
