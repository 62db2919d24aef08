/*
 * Takes secrets out of text before it is written anywhere.
 */
#ifndef CORE_OBSERVE_REDACT_H
#define CORE_OBSERVE_REDACT_H

#include <stddef.h>
#include <stdint.h>

/* Exact texts that must never appear, locked in memory. Owned by the logger; guarded by its lock.
 */
struct redact_list {
    char **values;
    size_t count, cap;
};

int32_t redact_add(struct redact_list *list, const char *value); /* at least 6 bytes */
void redact_finish(struct redact_list *list);

/* Copies text into out (NUL-terminated, cut at cap): listed values, user names and queries of URLs,
 * and long hex or base64 after words such as "key" or "secret" become "***"; control characters are
 * escaped; bytes that are not UTF-8 become '?'. Returns the length. */
size_t redact(const struct redact_list *list, const char *text, size_t len, char *out, size_t cap);

/* Masks listed values, and nothing else, in the text itself; returns its new length, which is not
 * above the old one. */
size_t redact_listed(const struct redact_list *list, char *text, size_t len);

#endif
