/*
 * What the tests of configurations share: texts written with ' for ", parsed as if they stood in
 * /etc/hawse/test.json.
 */
#ifndef HAWSE_TESTS_UNIT_TEST_CONFIG_H
#define HAWSE_TESTS_UNIT_TEST_CONFIG_H

#include "base/schema.h"
#include "config/internal.h"

#include <harness.h>
#include <hawse/hawse.h>
#include <hawse/types.h>
#include <stdlib.h>
#include <string.h>

#define CONFIG_FILE "/etc/hawse/test.json"
/* A configuration of one instance "a" with these members, and one of these instances. */
#define ONE(members)     "{'hawse':1,'instances':{'a':{'plugin':'p'" members "}}}"
#define SOME(instances)  "{'hawse':1,'instances':{" instances "}}"
#define TOP(members)     "{'hawse':1,'instances':{}" members "}"
#define ENDPOINT(fields) ONE(",'endpoints':{'ws':{" fields "}}")

/* The text with " for ', freed by the caller. */
static inline char *quoted(const char *text)
{
    char *copy = strdup(text);
    for (char *p = copy; p && *p; p++)
        *p = *p == '\'' ? '"' : *p;
    CHECK(copy != NULL);
    return copy;
}

static inline int32_t parse_with(const char *text, const struct config_override *sets, size_t count,
                                 struct config **out, struct fault *fault)
{
    char *json = quoted(text);
    memset(fault, 0, sizeof(*fault));
    int32_t code = config_parse(json, strlen(json), CONFIG_FILE, sets, count, out, fault);
    free(json);
    return code;
}

/* Must be good. */
static inline struct config *good_with(const char *text, const struct config_override *sets,
                                       size_t count)
{
    struct config *config = NULL;
    struct fault fault;
    if (parse_with(text, sets, count, &config, &fault) != HAWSE_OK)
        FAIL("refused: %s (%s)", fault.message, fault.hint);
    return config;
}

static inline struct config *good(const char *text)
{
    return good_with(text, NULL, 0);
}

/* Must be refused, with exactly these words. */
static inline void bad_with(const char *text, const struct config_override *sets, size_t count,
                            int32_t code, const char *message, const char *hint)
{
    struct config *config = NULL;
    struct fault fault;
    int32_t got = parse_with(text, sets, count, &config, &fault);
    if (got == HAWSE_OK)
        FAIL("accepted: %s", text);
    CHECK(config == NULL);
    if (strcmp(fault.message, message) != 0 || strcmp(fault.hint, hint) != 0)
        FAIL("%s\n#  got    %s\n#         (%s)\n#  wanted %s\n#         (%s)", text, fault.message,
             fault.hint, message, hint);
    CHECK_EQ(got, code);
    CHECK_EQ(fault.code, code);
}

#endif
