/*
 * Why something failed, in words for an operator: what, where, what was found, what was expected,
 * and the fix. Passed down as an out-parameter; the first fault set stays. NULL is legal
 * everywhere.
 */
#ifndef CORE_BASE_FAULT_H
#define CORE_BASE_FAULT_H

#include <stdint.h>

struct fault {
    int32_t code;      /* HAWSE_E_...; 0 = none */
    char message[768]; /* what and where, found and expected */
    char hint[256];    /* what the operator can do; may be empty */
};

/* Sets the fault, unless one is set, and returns `code`, so that it can end a function. */
int32_t fault_set(struct fault *fault, int32_t code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Adds the fix to the fault just set, unless it has one. */
void fault_hint(struct fault *fault, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Puts "where: " in front of the message. */
void fault_prefix(struct fault *fault, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void fault_clear(struct fault *fault);

/* The name of a code ("DENIED") and its meaning; never NULL. */
const char *fault_name(int32_t code);
const char *fault_meaning(int32_t code);

#endif
