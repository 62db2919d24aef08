/*
 * The text of a configuration: parsed with a fault that shows the place, and searched for the lines
 * on which values stand. Owns nothing. What is shown of a text is masked: a configuration may hold
 * credentials, and a fault goes into logs.
 */
#include "config/internal.h"

#include <ctype.h>
#include <hawse/types.h>
#include <stdio.h>
#include <string.h>

enum { EXCERPT = 160, BEFORE = 80, AFTER = 40, LINES = 20000 };

/* ---- an excerpt ---- */

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_name(const char *at, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (!isalnum((unsigned char)at[i]) && at[i] != '_' && at[i] != '-' && at[i] != '.')
            return false;
    }
    return len > 0 && len <= 40;
}

/* The length of the token at `at`, which is no space: punctuation, a string, or a bare word. */
static size_t token_length(const char *at, const char *end)
{
    const char *p = at + 1;
    if (strchr("{}[]:,", *at))
        return 1;
    if (*at == '"') {
        while (p < end && *p != '"')
            p += *p == '\\' && p + 1 < end ? 2 : 1;
        return (size_t)((p < end ? p + 1 : end) - at);
    }
    while (p < end && !is_space(*p) && !strchr("{}[]:,\"", *p))
        p++;
    return (size_t)(p - at);
}

static bool is_key(const char *at, size_t len, const char *end)
{
    bool quoted = *at == '"' && len > 2;
    const char *p = at + len;
    while (p < end && is_space(*p))
        p++;
    return p < end && *p == ':' && is_name(at + quoted, len - (quoted ? 2 : 0));
}

/* Keys, punctuation, literals and short numbers are shown; every other text is "***". */
static bool may_show(const char *at, size_t len, const char *end)
{
    if (len == 1 && strchr("{}[]:,", *at))
        return true;
    bool literal = (len == 4 && memcmp(at, "true", 4) == 0) ||
                   (len == 5 && memcmp(at, "false", 5) == 0) ||
                   (len == 4 && memcmp(at, "null", 4) == 0);
    bool digits = len <= 7;
    for (size_t i = 0; i < len && digits; i++)
        digits = isdigit((unsigned char)at[i]) || at[i] == '-' || at[i] == '.';
    return literal || digits || is_key(at, len, end);
}

static void append(char out[EXCERPT], const char *text, size_t len)
{
    size_t at = strlen(out);
    (void)snprintf(out + at, EXCERPT - at, "%.*s", (int)len, text);
}

/* What is shown of one line, token by token; on the stack of excerpt(). */
struct shown {
    char *out;        /* EXCERPT */
    const char *mark; /* behind what was read last */
    const char *end;  /* of the line */
    bool marked;
};

static void show(struct shown *s, const char *at, size_t n)
{
    bool plain = may_show(at, n, s->end);
    if (at + BEFORE < s->mark)
        return;
    append(s->out, " ", s->out[0] && !strchr(":,", *at) ? 1 : 0);
    append(s->out, plain ? at : "***", plain ? n : 3);
    if (!s->marked && at + n >= s->mark) {
        append(s->out, " <- here", 8);
        s->marked = true;
    }
}

/* The line around `position`. */
static void excerpt(const char *text, size_t len, size_t position, char out[EXCERPT])
{
    const char *mark = text + (position < len ? position : len), *start = mark;
    while (start > text && start[-1] != '\n')
        start--;
    const char *end = memchr(mark, '\n', (size_t)(text + len - mark));
    struct shown s = {.out = out, .mark = mark, .end = end ? end : text + len};
    out[0] = '\0';
    for (const char *at = start; at < s.end && at < mark + AFTER;) {
        size_t n = is_space(*at) ? 1 : token_length(at, s.end);
        if (!is_space(*at))
            show(&s, at, n);
        at += n;
    }
}

/* ---- faults ---- */

/* The length of text up to its last character before `at` that is no space. */
static size_t trim(const char *text, size_t at)
{
    while (at > 0 && is_space(text[at - 1]))
        at--;
    return at;
}

static bool begins_comment(char c)
{
    return c == '/' || c == '#';
}

static const char *likely_cause(const char *text, size_t len, size_t position, const char *what)
{
    size_t last = trim(text, position < len ? position : len);
    char read = last > 0 ? text[last - 1] : ' ', next = last < len ? text[last] : ' ';
    if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
        return "the file begins with a byte order mark: save it as UTF-8 without one";
    if (read == '\'')
        return "JSON has texts in double quotes only";
    if (begins_comment(read) || begins_comment(next))
        return "JSON has no comments: remove them";
    if (read == '}' || read == ']') {
        last = trim(text, last - 1);
        if (last > 0 && text[last - 1] == ',')
            return "remove the comma before the closing bracket";
    }
    if (strcmp(what, "'}' expected") == 0 || strcmp(what, "']' expected") == 0)
        return "a comma may be missing before it";
    return "the file must be JSON; look at that line and the one before";
}

json_t *syntax_parse(const char *text, size_t len, const char *path, struct fault *fault)
{
    json_error_t error;
    char shown[EXCERPT];
    json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
    if (root && json_is_object(root))
        return root;
    if (root) {
        json_decref(root);
        (void)fault_set(fault, HAWSE_E_FORMAT, "%s: found an array, expected one JSON object",
                        path);
        return NULL;
    }
    if (json_error_code(&error) == json_error_out_of_memory || error.text[0] == '\0') {
        (void)fault_set(fault, HAWSE_E_NOMEM, "%s: no memory", path);
        return NULL;
    }
    char *near = strstr(error.text, " near '"); /* repeats the text: it may be a secret */
    if (near)
        *near = '\0';
    size_t position = error.position > 0 ? (size_t)error.position : 0;
    excerpt(text, len, position, shown);
    (void)fault_set(fault, HAWSE_E_FORMAT, "%s:%d:%d: %s%s%s", path, error.line, error.column,
                    error.text, shown[0] ? ": " : "", shown);
    fault_hint(fault, "%s", likely_cause(text, len, position, error.text));
    return NULL;
}

/* ---- lines ---- */

/* Walks a text that has been parsed, so that it need not doubt it. */
struct scanner {
    const char *at, *end;
    uint32_t line;
    json_t *lines;
    char path[CONFIG_PATH];
    size_t path_len; /* CONFIG_PATH and more: too long to be kept */
};

static void scan_value(struct scanner *s);

static void skip_space(struct scanner *s)
{
    for (; s->at < s->end && is_space(*s->at); s->at++)
        s->line += *s->at == '\n' ? 1 : 0;
}

/* Appends to the path; returns the length that restores it. */
static size_t enter(struct scanner *s, const char *prefix, const char *name, size_t len)
{
    size_t before = s->path_len;
    if (before + len + 2 < sizeof(s->path))
        (void)snprintf(s->path + before, sizeof(s->path) - before, "%s%.*s", before ? prefix : "",
                       (int)len, name);
    s->path_len = before + len + (before ? strlen(prefix) : 0);
    return before;
}

static void leave(struct scanner *s, size_t before)
{
    s->path_len = before;
    if (before < sizeof(s->path))
        s->path[before] = '\0';
}

static void scan_members(struct scanner *s)
{
    s->at++;
    skip_space(s);
    while (s->at < s->end && *s->at == '"') {
        size_t n = token_length(s->at, s->end);
        size_t before = enter(s, ".", s->at + 1, n - 2);
        s->at += n;
        skip_space(s);
        s->at++; /* colon */
        skip_space(s);
        scan_value(s);
        leave(s, before);
        skip_space(s);
        s->at += s->at < s->end && *s->at == ',' ? 1 : 0;
        skip_space(s);
    }
    s->at++;
}

static void scan_items(struct scanner *s)
{
    char index[32];
    s->at++;
    skip_space(s);
    for (size_t i = 0; s->at < s->end && *s->at != ']'; i++) {
        int n = snprintf(index, sizeof(index), "[%zu]", i);
        size_t before = enter(s, "", index, (size_t)n);
        scan_value(s);
        leave(s, before);
        skip_space(s);
        s->at += s->at < s->end && *s->at == ',' ? 1 : 0;
        skip_space(s);
    }
    s->at++;
}

static void scan_value(struct scanner *s)
{
    if (s->path_len > 0 && s->path_len + 2 < sizeof(s->path) && json_object_size(s->lines) < LINES)
        (void)json_object_set_new(s->lines, s->path,
                                  json_integer(s->line)); /* helpful, not vital */
    if (*s->at == '{')
        scan_members(s);
    else if (*s->at == '[')
        scan_items(s);
    else
        s->at += token_length(s->at, s->end);
}

json_t *syntax_lines(const char *text, size_t len)
{
    struct scanner s = {.at = text, .end = text + len, .line = 1, .lines = json_object()};
    skip_space(&s);
    if (s.lines && s.at < s.end)
        scan_value(&s);
    return s.lines;
}
