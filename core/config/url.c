/*
 * What may stand as the URL of an endpoint or a proxy, and how it may be shown; see internal.h.
 * Owns nothing. Must never repeat a URL in a fault but in the form that may be shown.
 */
#include "config/internal.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <hawse/base64.h>
#include <hawse/types.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct span {
    const char *at;
    size_t len;
};

/* scheme://[user@]host[:port][path][?query][#fragment] */
struct url {
    struct span scheme, user, host, port, path, query, fragment;
    bool has_port;
};

static struct span cut(const char **at, const char *until)
{
    struct span s = {.at = *at, .len = strcspn(*at, until)};
    *at += s.len;
    return s;
}

static bool split(const char *text, struct url *u)
{
    memset(u, 0, sizeof(*u));
    const char *at = strstr(text, "://");
    if (!at)
        return false;
    u->scheme = (struct span){.at = text, .len = (size_t)(at - text)};
    at += 3;
    struct span authority = cut(&at, "/?#");
    const char *sign = memrchr(authority.at, '@', authority.len);
    if (sign) {
        u->user = (struct span){.at = authority.at, .len = (size_t)(sign - authority.at)};
        authority.len -= u->user.len + 1;
        authority.at = sign + 1;
    }
    u->host = authority;
    const char *bracket =
        authority.len && *authority.at == '[' ? memchr(authority.at, ']', authority.len) : NULL;
    const char *from = bracket ? bracket : authority.at;
    const char *colon = memchr(from, ':', authority.len - (size_t)(from - authority.at));
    if (colon) {
        u->host.len = (size_t)(colon - authority.at);
        u->port = (struct span){.at = colon + 1, .len = authority.len - u->host.len - 1};
        u->has_port = true;
    }
    u->path = cut(&at, "?#");
    if (*at == '?') {
        at++;
        u->query = cut(&at, "#");
    }
    if (*at == '#')
        u->fragment = (struct span){.at = at, .len = strlen(at)};
    return true;
}

static bool span_is(struct span s, const char *text)
{
    return s.len == strlen(text) && memcmp(s.at, text, s.len) == 0;
}

/* ---- hosts and ports ---- */

static bool is_ipv4(struct span host, unsigned char out[4])
{
    char text[16];
    if (host.len >= sizeof(text))
        return false;
    memcpy(text, host.at, host.len);
    text[host.len] = '\0';
    return inet_pton(AF_INET, text, out) == 1;
}

static bool is_ipv6(struct span host, unsigned char out[16])
{
    char text[48];
    if (host.len < 4 || host.len - 2 >= sizeof(text) || host.at[0] != '[' ||
        host.at[host.len - 1] != ']')
        return false;
    memcpy(text, host.at + 1, host.len - 2);
    text[host.len - 2] = '\0';
    return inet_pton(AF_INET6, text, out) == 1;
}

static bool is_loopback(struct span host)
{
    unsigned char ip[16];
    static const unsigned char one[16] = {[15] = 1};
    if (is_ipv4(host, ip))
        return ip[0] == 127;
    if (is_ipv6(host, ip))
        return memcmp(ip, one, sizeof(one)) == 0;
    return host.len == 9 && strncasecmp(host.at, "localhost", 9) == 0;
}

static bool host_legal(struct span host)
{
    unsigned char ip[16];
    if (host.len == 0 || host.len > 253)
        return false;
    if (host.at[0] == '[')
        return is_ipv6(host, ip);
    for (size_t i = 0; i < host.len; i++) {
        if (!isalnum((unsigned char)host.at[i]) && !memchr(".-_", host.at[i], 3))
            return false;
    }
    return host.at[0] != '.' && host.at[0] != '-';
}

static bool port_legal(struct span port, uint32_t lowest)
{
    uint32_t n = 0;
    for (size_t i = 0; i < port.len && i < 6; i++) {
        if (!isdigit((unsigned char)port.at[i]))
            return false;
        n = n * 10 + (uint32_t)(port.at[i] - '0');
    }
    return port.len > 0 && port.len < 6 && n >= lowest && n <= 65535;
}

/* ---- checks ---- */

static bool characters_legal(const char *url)
{
    for (; *url; url++) {
        if ((unsigned char)*url <= 0x20 || (unsigned char)*url >= 0x7f ||
            strchr("\"<>\\^`{|}", *url))
            return false;
    }
    return true;
}

static int32_t check_parts(const struct url *u, const char *url, const char *where,
                           struct fault *fault)
{
    const char *what = NULL;
    if (!characters_legal(url))
        what = "a URL has no spaces, control characters, \\ or others that must stand as %XX";
    else if (u->host.len == 0)
        what = "the URL has no host";
    else if (!host_legal(u->host))
        what = "the URL's host must be a name, an IPv4 address, or an IPv6 address in brackets";
    else if (u->has_port && !port_legal(u->port, 1))
        what = "the URL's port must be 1 to 65535";
    else if (u->fragment.len > 0)
        what = "the URL has a fragment (#...), which is never sent";
    return what ? fault_set(fault, HAWSE_E_INVAL, "%s: %s", where, what) : HAWSE_OK;
}

static bool scheme_known(struct span scheme)
{
    static const char *const known[] = {"ws", "wss", "http", "https", "socks5h"};
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (span_is(scheme, known[i]))
            return true;
    }
    return false;
}

/* With a scheme that an address may have: "***?to=http://..." has none that is written out. */
static bool split_known(const char *text, struct url *u)
{
    return split(text, u) && scheme_known(u->scheme);
}

int32_t url_check(const char *url, const char *display, bool insecure, const char *where,
                  struct fault *fault)
{
    struct url u;
    bool known = split(url, &u) && (span_is(u.scheme, "ws") || span_is(u.scheme, "wss") ||
                                    span_is(u.scheme, "http") || span_is(u.scheme, "https"));
    if (!known) {
        (void)fault_set(fault, HAWSE_E_INVAL,
                        "%s: expected a URL that begins with ws://, wss://, http:// or https://",
                        where);
        return HAWSE_E_INVAL;
    }
    int32_t code = check_parts(&u, url, where, fault);
    bool plain = span_is(u.scheme, "ws") || span_is(u.scheme, "http");
    if (code != HAWSE_OK || !plain || insecure || is_loopback(u.host))
        return code;
    (void)fault_set(fault, HAWSE_E_DENIED, "%s: %s goes to another machine without TLS", where,
                    display);
    fault_hint(fault, "use %ss://, or set \"insecure\": true on this endpoint",
               span_is(u.scheme, "ws") ? "ws" : "http");
    return HAWSE_E_DENIED;
}

bool url_private(const char *url, bool proxied)
{
    struct url u;
    return split(url, &u) && (span_is(u.scheme, "wss") || span_is(u.scheme, "https") ||
                              (is_loopback(u.host) && !proxied));
}

int32_t url_check_proxy(const char *url, const char *where, struct fault *fault)
{
    struct url u;
    bool known = split(url, &u) && (span_is(u.scheme, "http") || span_is(u.scheme, "https") ||
                                    span_is(u.scheme, "socks5h"));
    if (!known)
        return fault_set(fault, HAWSE_E_INVAL,
                         "%s: expected a URL that begins with http://, https:// or socks5h://",
                         where);
    return check_parts(&u, url, where, fault);
}

int32_t url_check_listen(const char *listen, const char *where, struct fault *fault)
{
    const char *colon = strrchr(listen, ':');
    struct span host = {.at = listen, .len = colon ? (size_t)(colon - listen) : 0};
    struct span port = {.at = colon ? colon + 1 : "", .len = colon ? strlen(colon + 1) : 0};
    if (host_legal(host) && port_legal(port, 0))
        return HAWSE_OK;
    return fault_set(fault, HAWSE_E_INVAL,
                     "%s: found \"%s\", expected HOST:PORT, such as 127.0.0.1:9187 or [::1]:9187",
                     where, listen);
}

/* ---- how a URL may be shown ---- */

static void put(FILE *out, struct span s)
{
    (void)fwrite(s.at, 1, s.len, out);
}

/* A part of a path that looks like a key, though it was written out. */
static bool looks_secret(struct span s)
{
    bool digit = false, letter = false;
    for (size_t i = 0; i < s.len; i++) {
        digit = digit || isdigit((unsigned char)s.at[i]);
        letter = letter || isalpha((unsigned char)s.at[i]);
    }
    return (s.len >= 20 && digit && letter) || memmem(s.at, s.len, "***", 3) != NULL;
}

static void put_path(FILE *out, struct span path)
{
    for (size_t i = 0; i < path.len;) {
        struct span part = {.at = path.at + i + 1, .len = 0};
        while (i + 1 + part.len < path.len && part.at[part.len] != '/')
            part.len++;
        (void)fputc('/', out);
        if (looks_secret(part))
            (void)fputs("***", out);
        else
            put(out, part);
        i += 1 + part.len;
    }
}

static void put_query(FILE *out, struct span query)
{
    char sign = '?';
    for (size_t i = 0; i < query.len;) {
        const char *at = query.at + i;
        const char *end = memchr(at, '&', query.len - i);
        size_t n = end ? (size_t)(end - at) : query.len - i;
        const char *equals = memchr(at, '=', n);
        struct span name = {.at = at, .len = equals ? (size_t)(equals - at) : 0};
        (void)fprintf(out, "%c%.*s%s***", sign, (int)name.len, name.at, equals ? "=" : "");
        sign = '&';
        i += n + 1;
    }
}

/* The whole came from a reference: providers put keys into the host's name too, so only its last
 * two labels are shown, with the dot before them. Returns the bytes that are not shown. */
static size_t host_hidden(struct span host)
{
    unsigned char ip[16];
    size_t dots = 0, from = host.len;
    while (from > 0 && dots < 2) {
        from--;
        dots += host.at[from] == '.' ? 1 : 0;
    }
    return dots < 2 || is_ipv4(host, ip) ? 0 : from;
}

static void put_host_end(FILE *out, struct span host)
{
    size_t from = host_hidden(host);
    if (from > 0)
        (void)fputs("***", out);
    put(out, (struct span){.at = host.at + from, .len = host.len - from});
}

static void put_url(FILE *out, const struct url *u, bool whole)
{
    put(out, u->scheme);
    (void)fputs(u->user.len ? "://***@" : "://", out);
    if (whole)
        put_host_end(out, u->host);
    else
        put(out, u->host);
    if (u->has_port) {
        (void)fputc(':', out);
        put(out, u->port);
    }
    if (whole && u->path.len + u->query.len > 1)
        (void)fputs("/***", out);
    else if (!whole)
        put_path(out, u->path);
    if (!whole)
        put_query(out, u->query);
}

/* ---- what of a URL may not be shown anywhere ---- */

/* In a URL that came as a whole, a part of the path that is no plain word. */
static bool may_be_key(struct span s)
{
    bool digit = false, letter = false;
    for (size_t i = 0; i < s.len; i++) {
        digit = digit || isdigit((unsigned char)s.at[i]);
        letter = letter || isalpha((unsigned char)s.at[i]);
    }
    return s.len >= 12 || (s.len >= 8 && digit && letter);
}

static int32_t hide_path(struct config *config, struct span path, bool whole)
{
    int32_t code = HAWSE_OK;
    for (size_t i = 0; i < path.len && code == HAWSE_OK;) {
        struct span part = {.at = path.at + i + 1, .len = 0};
        while (i + 1 + part.len < path.len && part.at[part.len] != '/')
            part.len++;
        if (looks_secret(part) || (whole && may_be_key(part)))
            code = hidden_add(config, part.at, part.len);
        i += 1 + part.len;
    }
    return code;
}

static int32_t hide_query(struct config *config, struct span query)
{
    int32_t code = HAWSE_OK;
    for (size_t i = 0; i < query.len && code == HAWSE_OK;) {
        const char *at = query.at + i;
        const char *end = memchr(at, '&', query.len - i);
        size_t n = end ? (size_t)(end - at) : query.len - i;
        const char *equals = memchr(at, '=', n);
        size_t skip = equals ? (size_t)(equals - at) + 1 : 0;
        code = hidden_add(config, at + skip, n - skip);
        i += n + 1;
    }
    return code;
}

static unsigned hex_digit(char c)
{
    return (unsigned)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
}

/* As it is sent: "Basic" and the base64 of user:password, escapes undone (RFC 7617). */
static int32_t hide_basic(struct config *config, struct span user, bool has_colon)
{
    uint8_t *plain = malloc(user.len + 1);
    size_t cap = HAWSE_BASE64_DIGITS(user.len + 1), n = 0;
    char *digits = malloc(cap);
    int32_t code = plain && digits ? HAWSE_OK : HAWSE_E_NOMEM;
    for (size_t i = 0; code == HAWSE_OK && i < user.len; i++) {
        bool escape = user.at[i] == '%' && i + 2 < user.len &&
                      isxdigit((unsigned char)user.at[i + 1]) &&
                      isxdigit((unsigned char)user.at[i + 2]);
        unsigned byte = (unsigned char)user.at[i];
        if (escape)
            byte = hex_digit(user.at[i + 1]) << 4 | hex_digit(user.at[i + 2]);
        plain[n++] = (uint8_t)(byte & 0xff);
        i += escape ? 2 : 0;
    }
    if (code == HAWSE_OK) {
        if (!has_colon)
            plain[n++] = ':';
        hawse_base64_encode(plain, n, digits);
        code = hidden_add(config, digits, HAWSE_BASE64_DIGITS(n));
    }
    if (plain)
        explicit_bzero(plain, user.len + 1);
    if (digits)
        explicit_bzero(digits, cap);
    free(plain);
    free(digits);
    return code;
}

/* user:password, each of both, and what is sent of them. */
static int32_t hide_user(struct config *config, struct span user)
{
    const char *colon = memchr(user.at, ':', user.len);
    size_t n = colon ? (size_t)(colon - user.at) : user.len;
    int32_t code = hidden_add(config, user.at, user.len);
    if (code == HAWSE_OK)
        code = hidden_add(config, user.at, n);
    if (code == HAWSE_OK && colon)
        code = hidden_add(config, colon + 1, user.len - n - 1);
    return code == HAWSE_OK ? hide_basic(config, user, colon != NULL) : code;
}

int32_t url_hide(struct config *config, const char *resolved, const char *shown)
{
    struct url u, written;
    bool whole = !split_known(shown, &written) && strcmp(resolved, shown) != 0;
    if (!split(resolved, &u))
        return HAWSE_OK;
    size_t host = whole ? host_hidden(u.host) : 0;
    int32_t code = hidden_add(config, u.host.at, host > 0 ? host + 1 : 0); /* with its dot */
    if (code == HAWSE_OK && u.user.len > 0)
        code = hide_user(config, u.user);
    if (code == HAWSE_OK)
        code = hide_path(config, u.path, whole);
    return code == HAWSE_OK ? hide_query(config, u.query) : code;
}

char *url_display(const char *resolved, const char *shown)
{
    char *text = NULL;
    size_t len = 0;
    struct url u;
    FILE *out = open_memstream(&text, &len);
    if (!out)
        return NULL;
    if (split_known(shown, &u))
        put_url(out, &u, false);
    else if (strcmp(resolved, shown) != 0 && split_known(resolved, &u))
        put_url(out, &u, true);
    else
        (void)fputs("***", out);
    bool bad = ferror(out) != 0;
    if (fclose(out) != 0 || bad) {
        free(text);
        return NULL;
    }
    return text;
}
