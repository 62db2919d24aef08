/*
 * The texts of a configuration that no output may hold. The log masks them wherever they stand, so
 * a line that repeats only a part of a URL, as servers and libraries do, does not give it away.
 */
#include "config/internal.h"

#include <hawse/types.h>
#include <stdlib.h>
#include <string.h>

enum { SHORTEST = 6, SCHEME_MAX = 16 }; /* shorter ones would mask ordinary words */

int32_t hidden_add(struct config *c, const char *text, size_t len)
{
    if (len < SHORTEST || memchr(text, '*', len)) /* "***": it was masked before */
        return HAWSE_OK;
    for (size_t i = 0; i < c->hidden_count; i++) {
        if (strlen(c->hidden[i]) == len && memcmp(c->hidden[i], text, len) == 0)
            return HAWSE_OK;
    }
    char **bigger = realloc(c->hidden, (c->hidden_count + 1) * sizeof(bigger[0]));
    if (!bigger)
        return HAWSE_E_NOMEM;
    c->hidden = bigger;
    char *copy = secret_new(len + 1);
    if (!copy)
        return HAWSE_E_NOMEM;
    memcpy(copy, text, len);
    c->hidden[c->hidden_count++] = copy;
    return HAWSE_OK;
}

int32_t hidden_header(struct config *c, const char *value)
{
    const char *space = strchr(value, ' ');
    int32_t code = hidden_add(c, value, strlen(value));
    if (code == HAWSE_OK && space && space - value < SCHEME_MAX)
        code = hidden_add(c, space + 1, strlen(space + 1));
    return code;
}
