/*
 * Between the files of this room.
 */
#ifndef CORE_CONFIG_INTERNAL_H
#define CORE_CONFIG_INTERNAL_H

#include "base/secret.h"
#include "config/config.h"

#include <jansson.h>

enum {
    CONFIG_PATH = 256,      /* bytes of a JSON path in a fault */
    CONFIG_BYTES = 1 << 20, /* of the file */
    CONFIG_INSTANCES = 250, /* what the host has slots for */
    CONFIG_CHAINS = 32,
};

extern const char config_schema_text[];
extern const char *const config_mode_names[5]; /* by enum config_mode */
extern const char *const config_maturity_names[3];

/* What a config was made of, kept for explain. Nothing in it is secret once loading is over. */
struct config_source {
    json_t *effective; /* with defaults and overrides; URLs as they may be shown, headers "***" */
    json_t *lines;     /* where the file has a value: path -> line */
    json_t *set;       /* array of paths that --set changed */
    json_t *folders;   /* where each folder of plugin_path comes from, in order */
};

/* What the functions that read the checked tree into the struct share. Lives while loading. */
struct reader {
    struct config *config;
    const char *dir; /* relative paths are relative to this */
    struct fault *fault;
};

/* load.c: parses and checks text; `path` names it in faults and gives relative paths their root. */
int32_t config_parse(const char *text, size_t len, const char *path,
                     const struct config_override *overrides, size_t count, struct config **out,
                     struct fault *fault);
/* load.c: the line of the value at a path, or of the nearest one around it; 0 = not in the file. */
uint32_t config_line(const struct config_source *source, const char *path);
/* load.c: is this path, or one around it, what --set changed? */
bool config_is_set(const struct config_source *source, const char *path);

/* syntax.c: JSON text to a tree; faults show the place with every text masked. */
json_t *syntax_parse(const char *text, size_t len, const char *path, struct fault *fault);
/* syntax.c: the line of every value of a text that syntax_parse took. */
json_t *syntax_lines(const char *text, size_t len);

/* overrides.c: carries out PATH=VALUE on the tree; `path` gets its path. */
int32_t override_apply(json_t *root, const char *assignment, char path[CONFIG_PATH],
                       struct fault *fault);

/* process.c: the checked tree into the struct. */
int32_t read_config(struct reader *r, json_t *root);
/* keys.c */
int32_t read_keys(struct reader *r, json_t *keys);
void keys_destroy(struct config_keys *keys);
/* nonces.c */
int32_t read_nonces(struct reader *r, json_t *nonces);
void redis_destroy(struct config_redis *redis);
/* alerts.c */
int32_t read_alerts(struct reader *r, const json_t *alerts);
int32_t check_alerts(struct reader *r); /* after the instances, which rules name */
void alerts_destroy(struct config_alerts *alerts);
/* chain.c: before the instances, whose endpoints may name them */
int32_t read_chains(struct reader *r, json_t *chains);
/* safes.c */
int32_t read_safes(struct reader *r, struct config_chain *chain, json_t *safes, const char *where);
bool safes_copy(const struct config_chain *from, struct config_chain *out);
bool safes_equal(const struct config_chain *a, const struct config_chain *b);
void safes_finish(struct config_chain *chain);
/* read.c */
int32_t read_instances(struct reader *r, json_t *instances);
/* endpoint.c */
int32_t read_endpoints(struct reader *r, struct config_instance *in, json_t *endpoints);
/* endpoint.c: one that has a URL of its own; `where` is its path. */
int32_t read_address(struct reader *r, struct config_endpoint *e, const char *name, json_t *value,
                     const char *where);
int32_t endpoint_copy(const struct config_endpoint *e, struct config_endpoint *out);
/* equal.c */
bool endpoint_equal(const struct config_endpoint *a, const struct config_endpoint *b);
void endpoint_finish(struct config_endpoint *endpoint);
/* limits.c: after the chains, which they name */
int32_t read_limits(struct reader *r, struct config_instance *in, json_t *limits);
void limits_destroy(struct config_instance *in);
/* credential.c: after the endpoints, which they name */
int32_t read_credentials(struct reader *r, struct config_instance *in, json_t *credentials);
void credential_finish(struct config_credential *credential);
/* links.c: every link leads to an enabled instance and none in a circle; sorts by them. */
int32_t links_resolve(struct config *config, struct fault *fault);

/* read.c: values that the schema has checked. A path is NULL when there is none. */
uint32_t read_number(const json_t *o, const char *key);
unsigned read_word(const json_t *o, const char *key, const char *const *names, unsigned count);
int32_t read_path(struct reader *r, json_t *o, const char *key, char **out);
int32_t no_memory(struct reader *r, const char *where);
/* read.c: a copy into *out; false when memory is out. */
bool copy_text(char **out, const char *text);
/* read.c: a path as it is from the configuration's folder on; malloc'd, NULL when memory is out. */
char *path_from(const char *dir, const char *path);
/* read.c: 1 to 63 letters, digits, '_' and '-'. */
bool name_legal(const char *name, bool upper_case);

/* secrets.c: resolves "${NAME}" and "file:PATH" in a value that the host keeps to itself. *value is
 * the secret (secret_free); *shown is the same with "***" for each reference, malloc'd. */
int32_t secret_resolve(struct reader *r, const char *text, const char *where, char **value,
                       char **shown);
/* secrets.c: hides what the references in a text that was resolved stand for. */
int32_t secret_note_references(struct reader *r, const char *text, const char *value,
                               const char *where);
/* secrets.c: refuses references everywhere but in endpoints and credentials. */
int32_t secret_refuse(const json_t *root, struct fault *fault);
/* secrets.c: puts what may be shown in the place of a text of the tree, and wipes that text. */
int32_t secret_mask(json_t *object, const char *key, const char *shown, const char *where,
                    struct fault *fault);

/* url.c: is this a URL for an endpoint, or for a proxy? `display` is how faults call it. */
int32_t url_check(const char *url, const char *display, bool insecure, const char *where,
                  struct fault *fault);
int32_t url_check_proxy(const char *url, const char *where, struct fault *fault);
/* url.c: can nobody on the way read along? It is encrypted, or stays on this machine. */
bool url_private(const char *url, bool proxied);
/* url.c: how a URL may be shown: without user, without values of the query, without what came from
 * a reference. `shown` is that of secret_resolve. malloc'd, NULL when memory is out. */
char *url_display(const char *resolved, const char *shown);
/* url.c: hides the parts of a URL that url_display masks. */
int32_t url_hide(struct config *config, const char *resolved, const char *shown);

/* hidden.c: this text must not appear by itself either. Short ones, which are words, are left out;
 * HAWSE_E_NOMEM. */
int32_t hidden_add(struct config *config, const char *text, size_t len);
/* hidden.c: the value of a header, and what stands behind its scheme ("Bearer ..."). */
int32_t hidden_header(struct config *config, const char *value);

/* url.c: HOST:PORT. */
int32_t url_check_listen(const char *listen, const char *where, struct fault *fault);

#endif
