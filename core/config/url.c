/* What may stand as the URL of an endpoint, and how it may be shown; see internal.h. */
#include "config/internal.h"

#include <ctype.h>
#include <hawse/types.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char *const schemes[] = {"ws://", "wss://", "http://", "https://"};

static bool loopback(const char *host, size_t len)
{
    return (len >= 4 && strncmp(host, "127.", 4) == 0) ||
           (len == 5 && strncmp(host, "[::1]", 5) == 0) ||
           (len == 9 && strncasecmp(host, "localhost", 9) == 0);
}

/* Host and port part of what follows the scheme. */
static void authority(const char *at, const char **host, size_t *host_len, const char **port)
{
    size_t end = strcspn(at, "/?#");
    const char *start = at;
    for (size_t i = 0; i < end; i++)
        start = at[i] == '@' ? at + i + 1 : start;
    const char *stop = at + end;
    const char *bracket = *start == '[' ? memchr(start, ']', (size_t)(stop - start)) : NULL;
    const char *from = bracket ? bracket : start;
    const char *colon = memchr(from, ':', (size_t)(stop - from));
    *host = start;
    *host_len = (size_t)((colon ? colon : stop) - start);
    *port = colon ? colon + 1 : NULL;
}

int32_t url_check(const char *url, bool insecure, const char *where, struct fault *fault)
{
    const char *rest = NULL;
    bool secure = false;
    for (size_t i = 0; i < 4; i++) {
        size_t n = strlen(schemes[i]);
        if (strncmp(url, schemes[i], n) == 0) {
            rest = url + n;
            secure = i % 2 == 1;
        }
    }
    if (!rest) {
        (void)fault_set(fault, HAWSE_E_INVAL, "%s: not a ws, wss, http or https URL", where);
        return HAWSE_E_INVAL;
    }
    const char *host, *port;
    size_t len;
    authority(rest, &host, &len, &port);
    for (const char *c = url; *c; c++) {
        if ((unsigned char)*c <= 0x20 || *c == 0x7f)
            return fault_set(fault, HAWSE_E_INVAL, "%s: a URL has no spaces or control characters",
                             where);
    }
    if (len == 0)
        return fault_set(fault, HAWSE_E_INVAL, "%s: the URL has no host", where);
    if (strchr(rest, '#'))
        return fault_set(fault, HAWSE_E_INVAL, "%s: the URL has a fragment (#...)", where);
    if (port) {
        char *end = NULL;
        long n = strtol(port, &end, 10);
        if (!isdigit((unsigned char)*port) || n < 1 || n > 65535 || !strchr("/?", *end))
            return fault_set(fault, HAWSE_E_INVAL, "%s: the port must be 1 to 65535", where);
    }
    if (secure || insecure || loopback(host, len))
        return HAWSE_OK;
    (void)fault_set(fault, HAWSE_E_DENIED, "%s: %.*s would be reached without TLS", where, (int)len,
                    host);
    fault_hint(fault, "use %s, or set \"insecure\": true on this endpoint",
               url[0] == 'w' ? "wss://" : "https://");
    return HAWSE_E_DENIED;
}

char *url_display(const char *written, const char *resolved)
{
    char *out = calloc(1, strlen(resolved) + 64);
    if (!out)
        return NULL;
    const char *start = strstr(resolved, "://");
    const char *host, *port;
    size_t len;
    if (!start) {
        free(out);
        return strdup("***");
    }
    authority(start + 3, &host, &len, &port);
    size_t port_len = port ? strcspn(port, "/?") + 1 : 0;
    bool hidden = strcmp(written, resolved) != 0; /* part of it came from a secret: show no path */
    const char *path = host + len + port_len;
    size_t path_len = strcspn(path, "?");
    (void)snprintf(out, strlen(resolved) + 64, "%.*s://%.*s%.*s%s%s", (int)(start - resolved),
                   resolved, (int)(len + port_len), host, hidden ? 0 : (int)path_len, path,
                   hidden ? "/***" : "", path[path_len] && !hidden ? "?***" : "");
    return out;
}
