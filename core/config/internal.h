/*
 * Between the files of this room.
 */
#ifndef CORE_CONFIG_INTERNAL_H
#define CORE_CONFIG_INTERNAL_H

#include "config/config.h"

#include <jansson.h>

extern const char config_schema_text[];

/* What a config was made of, kept for explain. */
struct config_source {
    json_t *effective; /* with defaults and overrides; references not resolved */
    json_t *written;   /* as in the file */
    json_t *set;       /* array of paths that --set changed */
};

/* Parses and checks text; `dir` is what relative paths are relative to. */
int32_t config_parse(const char *text, size_t len, const char *path,
                     const struct config_override *overrides, size_t count, struct config **out,
                     struct fault *fault);

/* secrets.c: resolves "${NAME}" and "file:PATH" in a value that the host keeps to itself. *secret
 * tells whether anything was resolved. malloc'd. */
int32_t secret_resolve(const char *text, const char *dir, const char *where, char **out,
                       bool *secret, struct fault *fault);
/* Refuses references in what reaches a plugin. */
int32_t secret_refuse(const json_t *settings, const char *where, struct fault *fault);
void secret_free(char *text);

/* url.c: scheme, host and port are legal; plain ones stay on this machine unless insecure. */
int32_t url_check(const char *url, bool insecure, const char *where, struct fault *fault);
/* How a URL may be shown: without user, query, and what came from a secret. malloc'd. */
char *url_display(const char *written, const char *resolved);

/* overrides.c */
int32_t override_apply(json_t *root, const char *assignment, char *path, size_t cap,
                       struct fault *fault);

#endif
