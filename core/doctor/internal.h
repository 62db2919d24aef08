/*
 * Between the files of this room: one examination, what it asks with, and what it says.
 */
#ifndef CORE_DOCTOR_INTERNAL_H
#define CORE_DOCTOR_INTERNAL_H

#include "doctor/doctor.h"
#include "net/stream.h"
#include "rpc/http_client.h"

#include <stdarg.h>

enum { DOCTOR_PATH = 256, DOCTOR_PATIENCE_MS = 10000 };

struct doctor {
    const struct config *config;
    doctor_fn tell;
    void *ctx;
    struct logger *logger; /* masks secrets; what it would log is not written */
    struct loop *loop;
    struct http_client *http;
    struct connector *connector;
};

/* An answer that stays until the next question. */
struct answer {
    int32_t status;  /* 0: `text` is the result; HAWSE_E_REMOTE: the error; else words */
    char text[4096]; /* cut, with a NUL; HAWSE_PADDING readable bytes follow what is there */
    size_t len;
    uint64_t elapsed_ns;
    uint32_t http_status;
    bool whole; /* text holds all of it */
};

/* Tells; texts are masked and cut. `fix` may be NULL. */
void say(struct doctor *d, enum doctor_level level, const char *where, const char *fix,
         const char *what, ...) __attribute__((format(printf, 5, 6)));

/* One question, waited for. `params` NULL = []. */
void ask(struct doctor *d, const struct config_endpoint *endpoint, const char *method,
         const char *params, struct answer *out);
/* ask() for a quantity. False: it gave none, see *out. */
bool ask_number(struct doctor *d, const struct config_endpoint *endpoint, const char *method,
                const char *params, struct answer *out, uint64_t *number);

/* Does this answer say that there is no such method? */
bool answer_lacks(const char *method, const struct answer *a);

/* What answered at an address. */
enum speaks { SPEAKS_NOTHING, SPEAKS_EVM, SPEAKS_SOLANA, SPEAKS_HTTP };

/* What one address told of an EVM chain; for a comparison of those that should agree. */
struct view_of_chain {
    uint64_t chain_id, head, head_time;
};

/* Looks at an address for requests. chain_id 0: none is expected. block_ms 0: unknown. */
enum speaks examine_http(struct doctor *d, const char *where,
                         const struct config_endpoint *endpoint, uint64_t chain_id,
                         uint32_t block_ms, bool sends, struct view_of_chain *view);
/* The same for a Solana node of that cluster; false: it is none. */
bool examine_solana(struct doctor *d, const char *where, const struct config_endpoint *endpoint,
                    const uint8_t genesis[32], struct view_of_chain *view);
/* Looks at an address for a stream. */
void examine_stream(struct doctor *d, const char *where, const struct config_endpoint *endpoint,
                    enum speaks speaks, uint32_t block_ms);
/* How the connection is protected, and for how long yet. */
void examine_tls(struct doctor *d, const char *where, const struct config_endpoint *endpoint);
/* Looks at the private relay of a chain, and at its Safes, where it has any. */
void examine_relay(struct doctor *d, const struct config_chain *chain);
void examine_safes(struct doctor *d, const struct config_chain *chain);
/* This machine: folders, memory, clock; plugin files. */
void examine_machine(struct doctor *d);

#endif
