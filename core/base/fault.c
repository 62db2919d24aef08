/* Fills in faults; see fault.h. Owns nothing, never allocates: it must work when memory is out. */
#include "base/fault.h"

#include <hawse/types.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int32_t fault_set(struct fault *fault, int32_t code, const char *fmt, ...)
{
    if (!fault || fault->code != 0)
        return code;
    fault->code = code;
    fault->hint[0] = '\0';
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(fault->message, sizeof(fault->message), fmt, ap);
    va_end(ap);
    return code;
}

void fault_hint(struct fault *fault, const char *fmt, ...)
{
    if (!fault || fault->hint[0])
        return;
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(fault->hint, sizeof(fault->hint), fmt, ap);
    va_end(ap);
}

void fault_prefix(struct fault *fault, const char *fmt, ...)
{
    if (!fault || fault->code == 0)
        return;
    char front[256];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(front, sizeof(front), fmt, ap);
    va_end(ap);
    size_t n = strlen(front);
    size_t keep = strlen(fault->message);
    if (keep > sizeof(fault->message) - n - 3)
        keep = sizeof(fault->message) - n - 3;
    memmove(fault->message + n + 2, fault->message, keep);
    memcpy(fault->message, front, n);
    memcpy(fault->message + n, ": ", 2);
    fault->message[n + 2 + keep] = '\0';
}

void fault_clear(struct fault *fault)
{
    if (fault)
        memset(fault, 0, sizeof(*fault));
}

#define NAME_CASE(code, name, meaning) \
    case (code):                       \
        return #name;
#define MEANING_CASE(code, name, meaning) \
    case (code):                          \
        return meaning;

const char *fault_name(int32_t code)
{
    switch (code) {
        HAWSE_ERRORS(NAME_CASE)
    case 0:
        return "OK";
    default:
        return "UNLISTED";
    }
}

const char *fault_meaning(int32_t code)
{
    switch (code) {
        HAWSE_ERRORS(MEANING_CASE)
    case 0:
        return "no error";
    default:
        return "an error code this version does not know";
    }
}
