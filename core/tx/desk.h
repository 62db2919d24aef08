/*
 * The desk: one thread on which every intent lives, from its proposal to its one terminal step.
 * Owns the journal, the nonces, the gates and what is known of each chain; nobody else writes to
 * them. Lanes hand intents over and hear of them by a port; no plugin and no lane ever sees a key,
 * a nonce or a signed byte.
 *
 * What the desk does in one turn of its loop is one group of the journal: it is on the disk before
 * anything of it leaves the process, be it a transaction or a word to a plugin. When the journal
 * cannot be written nothing is sent any more; what was not written is treated as not done.
 */
#ifndef CORE_TX_DESK_H
#define CORE_TX_DESK_H

#include "config/config.h"
#include "loop/loop.h"
#include "observe/log.h"
#include "observe/metrics.h"
#include "rpc/http_client.h"
#include "rpc/pool.h"
#include "store/journal.h"
#include "tx/intent.h"

struct desk;

/* Who is told. Plain data, of the host; the desk compares and hands back. */
struct desk_owner {
    uint32_t slot;     /* of the instance */
    uint32_t lane;     /* that runs it */
    uint64_t instance; /* its handle; 0 = nobody is told */
    uint64_t handle;   /* of the intent, unique in this run */
    uint64_t tag;
};

/* A step, on its way to its owner. */
struct desk_told {
    struct desk_owner owner;
    uint16_t kind; /* HAWSE_INTENT_STEP, HAWSE_INTENT_STATE */
    bool terminal; /* nothing more comes under this handle */
    hawse_intent_step_t step;
    char reason[640];
    /* of a terminal step of the journal, for others than its owner; "" = only its owner is told */
    char instance[JOURNAL_NAME], chain[JOURNAL_NAME], id[HAWSE_INTENT_ID_MAX + 1];
    uint64_t number;
};

/* The host's side. Called on the desk's thread; must not wait. */
struct desk_port {
    void *ctx;
    /* owner.instance 0: nobody proposed it in this run; others may want to hear of its end. */
    void (*tell)(void *ctx, const struct desk_told *told);
    /* Is this sequence of an instance live? key 0 = the whole of it. False: `why` has words that
     * name it. */
    bool (*live)(void *ctx, const char *source, uint32_t stream, uint64_t key, char *why,
                 size_t cap);
    /* Something to look at on a chain began, or is over. name: of config_host_alert(); config: as
     * it is now, during the call. What it pulls holds for all that is decided after it. NULL = the
     * log alone hears of it. */
    void (*alarm)(void *ctx, const struct config *config, const char *chain, const char *name,
                  bool up, const char *text);
    /* The journal can be written again: what others keep in it by notes, and it may have lost,
     * goes into it now by desk_note_now(), before anything is decided. NULL = nobody does. */
    void (*again)(void *ctx, struct desk *desk);
};

struct desk_options {
    const struct config *config; /* outlives the desk, or its next desk_reload() */
    struct signer *signer;       /* outlives the desk */
    struct logger *logger;
    struct metrics *metrics;
    struct pool *const *pools; /* one a chain of the configuration, in its order; outlive its
                                  thread, not the desk */
    struct http_client *http;  /* for relays, and what is no JSON-RPC; outlives the desk, but
                                  its thread has ended when the desk is destroyed */
    struct desk_port port;
};

/* Opens the journal and reads what earlier runs left open. */
int32_t desk_create(const struct desk_options *options, struct desk **out, struct fault *fault);
int32_t desk_start(struct desk *desk, struct fault *fault);
/* Ends its thread. What is under way stays in the journal, for the next start. The pools may go
 * after that. NULL is legal. */
void desk_stop(struct desk *desk);
void desk_destroy(struct desk *desk); /* NULL is legal */

/* [main] Other limits and instances from now on; chains, keys and `tx` stay. The old configuration
 * may go when it returns. NULL is legal. */
void desk_reload(struct desk *desk, const struct config *config);

/* [any] Hands an intent over, which is taken, also on failure. HAWSE_E_STATE, HAWSE_E_AGAIN,
 * HAWSE_E_NOTFOUND as hawse.intent/1 says. After HAWSE_OK its owner hears a terminal step. */
int32_t desk_propose(struct desk *desk, const struct desk_owner *owner, const char *instance,
                     enum config_maturity maturity, struct intent *intent, struct fault *fault);
/* [any] */
int32_t desk_cancel(struct desk *desk, uint64_t handle);
/* [any] The answer comes as HAWSE_INTENT_STATE. */
int32_t desk_look_up(struct desk *desk, const struct desk_owner *owner, const char *instance,
                     const char *id);

/* [any] Kill switches: instance NULL = all. */
int32_t desk_kill(struct desk *desk, const char *instance, const char *who, const char *why,
                  struct fault *fault);
int32_t desk_resume(struct desk *desk, const char *instance, struct fault *fault);

/* [any] An operator gives up a nonce that another host with the same keys, which will not come
 * back, has marked as sent: an empty transaction takes it, as an intent of instance "hawse".
 * Whether it may is looked at when its turn comes: see core/tx/README.md. HAWSE_E_NOTFOUND,
 * HAWSE_E_STATE, HAWSE_E_NOMEM: it is not begun. */
int32_t desk_fill(struct desk *desk, const char *chain, const char *account, uint64_t number,
                  struct fault *fault);

/* [any] Opens the breaker of an instance, before anything is decided that it proposes after this.
 * HAWSE_E_AGAIN, HAWSE_E_NOMEM: it was not. */
int32_t desk_break(struct desk *desk, const char *instance, const char *who, const char *why,
                   struct fault *fault);

/* [any] What an operator did to an instance ("" = to none), for the journal: `data` is the text of
 * a JSON object. It is written with the desk's next group. HAWSE_E_INVAL: it is too long. */
int32_t desk_note(struct desk *desk, const char *what, const char *instance, const char *data,
                  struct fault *fault);
/* [any] How many notes desk_note() took so far; and: are the first so many of them on the disk?
 * While the journal cannot be written they are not, and what replaces them then counts. */
uint64_t desk_noted(struct desk *desk);
bool desk_kept(struct desk *desk, uint64_t count);
/* [desk] The same, in the group that is open. The texts have the bounds of desk_note(). */
void desk_note_now(struct desk *desk, const char *what, const char *instance, const char *data);

/* [main] Before desk_start(): what earlier runs noted under this name, oldest first, by instance. A
 * note is written before anything of what is proposed after it leaves the process. */
int32_t desk_notes(struct desk *desk, const char *what,
                   int32_t (*fn)(void *ctx, const char *instance, hawse_view_t data), void *ctx,
                   struct fault *fault);

/* [any] Why no intent can be taken now, on any chain or on one, in words; false: all is well. */
bool desk_trouble(const struct desk *desk, char *out, size_t cap);

/* [any] Its state as a JSON object, at most a second old: counts, chains, accounts, and up to 100
 * open intents; malloc'd. */
char *desk_status(struct desk *desk);

#endif
