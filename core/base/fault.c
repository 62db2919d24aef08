/* Fills in faults; see fault.h. Owns nothing, never allocates: it must work when memory is out. */
#include "base/fault.h"

#include <hawse/types.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Length of the UTF-8 character at `at`; 0 when there is none that may be printed. */
static size_t character(const unsigned char *at)
{
    size_t n = at[0] < 0x80   ? 1
               : at[0] < 0xc2 ? 0
               : at[0] < 0xe0 ? 2
               : at[0] < 0xf0 ? 3
               : at[0] < 0xf5 ? 4
                              : 0;
    if (n == 1 && (at[0] < 0x20 || at[0] == 0x7f))
        return 0;
    if (at[0] == 0xc2 && at[1] < 0xa0) /* C1 controls */
        return 0;
    for (size_t i = 1; i < n; i++) {
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    }
    return n;
}

/* A fault may repeat what a stranger wrote: nothing in it may steer a terminal. */
static void make_printable(char *text)
{
    for (size_t i = 0; text[i];) {
        size_t n = character((const unsigned char *)text + i);
        if (n == 0)
            text[i] = '?';
        i += n ? n : 1;
    }
}

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
    make_printable(fault->message);
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
    make_printable(fault->hint);
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
    make_printable(fault->message);
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
