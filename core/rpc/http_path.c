/*
 * What a plugin may append to an endpoint's URL and which headers it may send; see http_client.h.
 * Owns nothing. A server may read a path in more ways than one (dot segments, percent signs,
 * backslashes); what could mean another path than it seems to is refused here, because grants
 * compare prefixes.
 */
#include "rpc/http_client.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static int digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The byte at *at, percent-encoding undone, and moves behind it; -1: no legal encoding. */
static int next_byte(const uint8_t *p, size_t len, size_t *at)
{
    uint8_t c = p[(*at)++];
    if (c != '%')
        return c;
    if (*at + 2 > len || digit(p[*at]) < 0 || digit(p[*at + 1]) < 0)
        return -1;
    int byte = digit(p[*at]) * 16 + digit(p[*at + 1]);
    *at += 2;
    return byte;
}

/* What no reading of a path gives another meaning. */
static bool byte_legal(int byte, bool encoded)
{
    if (byte <= 0x20 || byte == 0x7f || byte == '\\' || byte == '#')
        return false;
    return !encoded || (byte != '/' && byte != '?' && byte != '%');
}

/* Segments of the path part: none is empty but the last, and none goes anywhere else. */
static bool segments_legal(const uint8_t *path, size_t len)
{
    size_t at = 1, begin = 1;
    bool dots = true; /* nothing but dots in this segment so far */
    while (at <= len) {
        if (at == len || path[at] == '/') {
            size_t n = at - begin;
            if ((n == 0 && at < len) || (n > 0 && dots))
                return false;
            begin = ++at;
            dots = true;
            continue;
        }
        bool encoded = path[at] == '%';
        int byte = next_byte(path, len, &at);
        if (!byte_legal(byte, encoded))
            return false;
        dots = dots && byte == '.';
    }
    return true;
}

bool http_path_legal(const uint8_t *path, size_t len)
{
    if (len == 0 || path[0] != '/')
        return false;
    const uint8_t *query = memchr(path, '?', len);
    size_t path_len = query ? (size_t)(query - path) : len;
    for (size_t at = path_len; at < len;) {
        uint8_t c = path[at];
        if (c <= 0x20 || c >= 0x7f || c == '#' || c == '\\' || next_byte(path, len, &at) < 0)
            return false;
    }
    for (size_t i = 0; i < path_len; i++) {
        if (path[i] <= 0x20 || path[i] >= 0x7f)
            return false;
    }
    return segments_legal(path, path_len);
}

char *http_path_join(const char *url, const char *path, size_t path_len)
{
    size_t base = strcspn(url, "?#"), query = url[base] == '?' ? strcspn(url + base + 1, "#") : 0;
    const char *from = url + base + 1;
    while (base > 0 && url[base - 1] == '/')
        base--;
    char *out = malloc(base + path_len + query + 2);
    if (!out)
        return NULL;
    memcpy(out, url, base);
    memcpy(out + base, path, path_len);
    size_t n = base + path_len;
    if (query > 0) {
        out[n++] = memchr(path, '?', path_len) ? '&' : '?';
        memcpy(out + n, from, query);
        n += query;
    }
    out[n] = '\0';
    return out;
}

static bool name_allowed(const char *name, size_t len)
{
    static const char *const names[] = {"Accept", "Accept-Language", "Content-Type",
                                        "If-Modified-Since", "If-None-Match"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strlen(names[i]) == len && strncasecmp(names[i], name, len) == 0)
            return true;
    }
    return false; /* X-... among them: some stand for another method or path */
}

bool http_headers_legal(const uint8_t *lines, size_t len)
{
    while (len > 0) {
        const uint8_t *end = memchr(lines, '\n', len),
                      *colon = end ? memchr(lines, ':', len) : NULL;
        if (!colon || colon > end || !name_allowed((const char *)lines, (size_t)(colon - lines)))
            return false;
        const uint8_t *value = colon + 1;
        while (value < end && *value == ' ')
            value++;
        if (value == end)
            return false;
        for (; value < end; value++) {
            if ((*value < 0x20 && *value != '\t') || *value == 0x7f)
                return false;
        }
        len -= (size_t)(end + 1 - lines);
        lines = end + 1;
    }
    return true;
}
