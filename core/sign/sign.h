/*
 * Logins of venues that the host uses in the name of an instance: what each schema needs, what it
 * lets be signed, and how. A credential is decoded once, into memory that is locked and wiped; what
 * goes out of this room is a request's headers or a message, in memory of the same kind, for the
 * connection alone. Nothing here is told to a plugin.
 *
 * Functions are [any] but those that make and end a credential; none of them waits.
 */
#ifndef CORE_SIGN_SIGN_H
#define CORE_SIGN_SIGN_H

#include "base/fault.h"
#include "config/config.h"

#include <hawse/types.h>

struct credential;

/* What stands in a message for the login, quotes included: a JSON text that no other value is. */
#define SIGN_PLACEHOLDER "\"$credential\""

enum { SIGN_HEADERS_MAX = 2048 };

/* A request as it will be sent. */
struct sign_request {
    const char *method;
    hawse_view_t path; /* with its query, which no schema signs */
    hawse_view_t body;
    uint64_t utc_s;
};

/* Decodes one. Faults name the value, and never repeat it: an unknown schema, a value that is
 * missing, unknown, malformed, or secret and written into the file itself. */
int32_t credential_make(const struct config_instance *instance,
                        const struct config_credential *config, struct credential **out,
                        struct fault *fault);
void credential_free(struct credential *credential); /* wipes; NULL is legal */

/* All of an instance. */
struct credentials {
    struct credential **list;
    size_t count;
};
int32_t credentials_make(const struct config_instance *instance, struct credentials *out,
                         struct fault *fault);
void credentials_finish(struct credentials *credentials);
/* NULL: none of that name. */
struct credential *credentials_find(const struct credentials *credentials, hawse_view_t name);

const char *credential_name(const struct credential *credential);
/* Of which schema, as grants name it. */
const char *credential_schema(const struct credential *credential);
/* May it be used with this endpoint of its instance? */
bool credential_endpoint(const struct credential *credential, const char *endpoint);
/* Is this text one of the names that the venue calls the account by? They are no secrets. */
bool credential_is(const struct credential *credential, hawse_view_t text);

/* Header lines for a request, each ended by '\n', into `out`, which the caller wipes.
 * HAWSE_E_DENIED: the schema does not let this be signed; HAWSE_E_STATE: it has to log in first. */
int32_t sign_headers(const struct credential *credential, const struct sign_request *request,
                     char out[SIGN_HEADERS_MAX], size_t *len, struct fault *fault);
/* A message with the login in the place of SIGN_PLACEHOLDER, as text of its own (secret_free) with
 * its length. HAWSE_E_DENIED: it is no message that the schema logs in with. */
int32_t sign_message(const struct credential *credential, hawse_view_t text, char **out,
                     size_t *len, struct fault *fault);

/* Where a schema that has to log in asks for its session: GET, with the headers of
 * sign_login_headers; the answer, with 64 readable bytes behind it, is for sign_login_answer alone.
 * NULL: it need not. */
const char *credential_login_path(const struct credential *credential);
int32_t sign_login_headers(const struct credential *credential, uint64_t utc_s,
                           char out[SIGN_HEADERS_MAX], size_t *len);
/* HAWSE_E_FORMAT: it is no session. */
int32_t sign_login_answer(struct credential *credential, hawse_view_t body, struct fault *fault);

#endif
