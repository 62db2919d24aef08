/*
 * Between the files of this room: a schema, and a credential that is decoded.
 */
#ifndef CORE_SIGN_INTERNAL_H
#define CORE_SIGN_INTERNAL_H

#include "base/secret.h"
#include "sign/sign.h"

struct sign_value {
    const char *name;
    bool secret;   /* only by reference */
    bool optional; /* it may be left out */
};

/* What one kind of login is. Constant. */
struct sign_schema {
    const char *name;
    size_t size; /* of its secret, which is locked and zeroed */
    const struct sign_value *values;
    size_t value_count;
    /* Decodes into the secret; `where` names the credential, faults name the value behind it. */
    int32_t (*open)(void *secret, const struct config_credential *config, const char *where,
                    struct fault *fault);
    void (*close)(void *secret); /* NULL: nothing but memory to give back */
    bool (*is)(const void *secret, hawse_view_t text);
    int32_t (*headers)(const void *secret, const struct sign_request *request,
                       char out[SIGN_HEADERS_MAX], size_t *len, struct fault *fault);
    int32_t (*message)(const void *secret, hawse_view_t text, char **out, size_t *len,
                       struct fault *fault);
    /* for schemas that log in first: GET this path with these headers; the answer stays here */
    const char *login_path; /* NULL: they do not */
    int32_t (*login)(const void *secret, uint64_t utc_s, char out[SIGN_HEADERS_MAX], size_t *len);
    int32_t (*answer)(void *secret, hawse_view_t body, struct fault *fault);
};

extern const struct sign_schema sign_polymarket_l1, sign_polymarket_l2;

#endif
