/*
 * Between the files of the desk. Everything in here is [desk]: it lives on the desk's thread.
 *
 *   desk.c    thread, groups of the journal and what leaves after them
 *   inbox.c   what other threads want of the desk
 *   chain.c   heads, fees, accounts: what is known of a chain
 *   leg.c     carries out what life.h says, up to the nonce
 *   alarms.c  what an operator should look at
 *   queue.c   whose turn it is, and what waits for lower fees
 *   send.c    from the nonce to the provider
 *   track.c   what became of what was sent
 *   proof.c   who used a nonce, when it was none of ours
 *   load.c    what earlier runs left
 *   reload.c  what an operator changes while it runs
 *   recall.c  what the journal has of an intent, for who asks
 *   private*.c what goes by a private relay
 *   bundle.c  transactions that a relay gets together
 *   watch.c   whether a trade was run into
 *   safe_*.c  what intents of a Safe need beside: see safe_desk.h
 *   ask.c     questions to providers and their answers
 *   words.c   status, and what is written to the journal
 *
 * A chain of Solana has no legs: solana_desk.c puts an engine of its own into the same desk.
 */
#ifndef CORE_TX_DESK_PRIVATE_H
#define CORE_TX_DESK_PRIVATE_H

#include "keys/signer.h"
#include "risk/risk.h"
#include "rpc/http_client.h"
#include "sim/sim.h"
#include "store/journal.h"
#include "tx/accuracy.h"
#include "tx/answer.h"
#include "tx/desk.h"
#include "tx/fees.h"
#include "tx/life.h"
#include "tx/nonce.h"
#include "tx/plan.h"
#include "tx/relay.h"
#include "tx/sandwich.h"
#include "tx/signing.h"

#include <jansson.h>
#include <pthread.h>

enum {
    DESK_RING = 512,       /* blocks whose hashes are kept */
    DESK_WALK = 64,        /* blocks walked back from a new head at most */
    DESK_ATTEMPTS = 64,    /* of one leg */
    DESK_SIMULATING = 16,  /* intents under simulation, of one chain */
    DESK_STUCK_BLOCKS = 3, /* without a block so long, and */
    DESK_RESEND_BLOCKS = 3,
    DESK_MOVED = 16,    /* assets that one receipt can tell of */
    DESK_HASHED = 4096, /* chains of the table of handles; a power of two */
};
#define DESK_STUCK_NS 20000000000ull
#define DESK_MS       1000000ull
#define DESK_OWN      "hawse" /* whose intents fill holes: no instance may have this id */

struct solana_engine;
struct solana_part;
struct desk_chain;
struct desk_account;
struct desk_intent;
struct desk_safe;

/* One signed transaction. */
struct attempt {
    uint8_t hash[32];
    uint64_t nonce;
    struct fees fees;
    uint64_t gas_limit;
    uint8_t *raw; /* malloc'd */
    size_t raw_len;
    uint64_t gas_simulated; /* that it uses; 0 = not known */
    uint64_t signed_ns;     /* monotonic; 0 = in an earlier run */
    bool empty;             /* takes the nonce and does nothing */
    uint32_t ended; /* of an earlier run: JOURNAL_SUPERSEDED, JOURNAL_LOST; 0 = it may be out */
};

enum { LEG_BUNDLES = 4 }; /* more than RELAY_AHEAD */

/* A bundle that a relay took. */
struct leg_bundle {
    uint64_t block; /* that it is for; 0 = none */
    uint8_t hash[32];
};

/* One transaction of an intent, through all its attempts. */
struct leg {
    struct desk_intent *intent;
    uint32_t index;
    struct life life;
    bool queued; /* waits for its turn: in its account's list */
    struct leg *next_queued;
    bool counted; /* among its account's `busy` */

    /* WAITING for lower fees */
    uint64_t fee_most;  /* wei per gas, below which it is looked at again; 0 = it waits for else */
    bool dear;          /* counted among its chain's `dear` */
    uint64_t dear_head; /* since when */

    /* from the check to the signature */
    struct sim_run *run;
    uint64_t sim_began_ns;
    bool sim_done;
    bool simulating_empty;
    uint32_t sim_tries; /* simulations that came too late, or were none */
    uint32_t asking;    /* balances that are still to come */
    struct risk_balance balances[HAWSE_INTENT_FLOWS_MAX];
    uint32_t balance_count;
    struct sim_result *sim; /* of the last simulation; malloc'd */
    struct fees fees;       /* to sign with */
    bool has_nonce;         /* `nonce` is reserved or sent */
    struct nonce nonce;
    struct attempt *signing; /* under way; malloc'd */
    bool committing;         /* its nonce is being marked as sent */
    bool canceled;           /* meanwhile */

    /* what is out */
    struct attempt attempts[DESK_ATTEMPTS];
    uint32_t attempt_count;
    uint32_t receipts_wanted, receipts_asked; /* of this round; under way */
    uint32_t receipts_null;
    bool receipt_found;
    bool receipts_alone;         /* two were to agree, and only one answered */
    uint64_t sent_ns, sent_head; /* of the newest attempt, or since it was found stuck */
    uint64_t resent_head;
    bool underpriced;   /* a pool said so: its fee is raised at the next head */
    bool restored;      /* by an earlier run; the chain has not spoken of it */
    uint64_t gone_head; /* head at which its nonce was found used without a receipt; 0 = not */
    bool proving;       /* it is found out by what: see proof.c */
    uint64_t proof_low, proof_high; /* blocks: the count is not above the nonce; it is */
    uint64_t proof_middle;          /* asked about; UINT64_MAX = none yet */
    uint64_t proof_top;             /* where proof_high began */
    uint32_t proof_tries;           /* that found nothing there */
    uint32_t alone_tries;           /* that only one provider could answer */
    uint64_t alone_ns;              /* the first of them */
    bool by_quorum; /* this round of receipts: two providers have to agree that there is none */
    struct answer_receipt receipt;          /* INCLUDED */
    uint32_t mined;                         /* INCLUDED: which attempt */
    struct relay_stay stay;                 /* with a private relay */
    uint32_t stay_attempt;                  /* which attempt it has, counted from 1 */
    struct leg_bundle bundles[LEG_BUNDLES]; /* that the relay took, by block */
    uint32_t handed;                     /* of which attempt bundles go out by themselves: from 1 */
    const char *relay_said;              /* of the newest attempt; NULL = nothing yet */
    uint32_t taken_back;                 /* which attempt the relay was asked to forget */
    bool published;                      /* it is public, or may be because private was in vain */
    struct watch *watch;                 /* see watch.c; NULL = nothing is looked at */
    struct risk_moved moved[DESK_MOVED]; /* of it, without the chain's own coin */
    uint32_t moved_count;
    bool moved_known; /* it could be read */
};

struct desk_intent {
    struct desk *desk;
    struct desk_intent *next, **at; /* of its chain, oldest first */
    struct desk_intent *next_hashed;
    struct desk_owner owner;
    char instance[JOURNAL_NAME];
    enum config_maturity maturity;
    uint64_t number; /* in the journal; 0 = not there */
    uint64_t utc_ns; /* proposed */
    struct intent *body;
    hawse_u256_t worth; /* wei: orders it among those that wait */
    struct desk_chain *chain;
    struct desk_account *account;
    struct desk_safe *safe;     /* whose money moves; NULL = the account's */
    struct solana_part *solana; /* malloc'd; on a chain of Solana, instead of the next two */
    struct plan *plan;
    struct leg *legs; /* plan->count of them */
    uint32_t last_step;
    uint32_t attempts; /* sends so far */
    bool held;         /* passed AFTER: risk_ended() is owed */
    bool filler;       /* of the host's own: closes a hole of nonces */
    bool take;         /* ... also if a host that is gone has marked it as sent: see desk_fill() */
    uint64_t fill;     /* the hole */
    bool told_waiting;
    bool ended;
    bool durable;         /* its PROPOSED is on the disk */
    uint32_t asks;        /* questions under way about it: it may not be freed */
    uint32_t bundle_left; /* of a bundle: signatures that are still to come */
    bool restoring;       /* read from the journal: nothing begins by itself */
    int32_t error;        /* why it ends badly, the first that was found */
    char reason[640];
    char gate[16]; /* that refused it; "" = none */
    char figures[1024];
};

/* An account on a chain: what its nonces and its coin are. */
struct desk_account {
    struct desk_account *next;
    struct desk_chain *chain;
    const struct signer_key *key;
    signer_handle handle;
    struct nonce_key nonces;
    uint64_t latest, pending; /* counts */
    uint64_t top;             /* above all nonces that this host knows of; 0 = not known yet */
    uint64_t mined_told; /* the count that nonces were told of as mined, and one more; 0 = none */
    uint64_t no_rewind;  /* `top` at which it could not be taken back */
    uint64_t orphan;     /* the highest nonce that was warned of, and one more; 0 = none */
    hawse_u256_t balance;
    uint64_t view_head; /* at which they were read; 0 = never */
    uint64_t new_latest, new_pending;
    hawse_u256_t new_balance;
    uint32_t asking;
    bool asked, asked_badly;        /* by this refresh */
    uint32_t lone;                  /* of `busy`, those beside which nothing may go */
    uint32_t busy;                  /* legs from simulation until they are in a block */
    uint32_t open;                  /* intents */
    uint32_t window;                /* how many nonces may be in flight */
    uint64_t looked;                /* head at which what waits was looked at */
    struct leg *queue, *queue_last; /* the next one; the last one, NULL = none waits */
};

enum { DESK_ALARMS = HOST_ALERT_COUNT };

/* Of a chain; NULL = there are no metrics. */
struct desk_gauges {
    struct metric_gauge *alarms[DESK_ALARMS], *base_fee, *trend, *dear, *drift;
    struct metric_counter *slow;
};

struct desk_block {
    uint64_t number; /* 0 = none */
    uint8_t hash[32];
};

struct desk_chain {
    struct desk *desk;
    struct config_chain copy; /* of the configuration, which may be reloaded */
    const struct config_chain *config;
    struct pool *pool;
    struct relay_client *relay; /* NULL = there is none */
    struct chain name;          /* for the signer */
    struct sim *sim;
    struct desk_account *accounts;
    struct desk_intent *intents, **intents_end;
    uint32_t open;
    struct loop_timer timer;
    bool refreshing;
    uint64_t expected;     /* the highest block that anything waited for */
    bool pushed;           /* a head came by push while it was refreshing */
    uint32_t refresh_left; /* answers of this refresh that are still to come */
    bool refresh_failed;
    uint32_t failures;                   /* refreshes in a row */
    struct answer_block head;            /* number 0 = none */
    struct answer_block walk[DESK_WALK]; /* new blocks, newest first */
    uint32_t walk_count;
    struct desk_block ring[DESK_RING];
    uint64_t final_block; /* by the chain's tag; 0 = by depth */
    struct fees_history history;
    struct fees_trend trend;
    uint64_t refresh_head; /* of which this refresh asks fees and accounts */
    uint64_t fees_head;
    uint64_t base_fee; /* of the next block */
    uint64_t view_ns;  /* monotonic: when all of it was last true */
    uint32_t simulating;
    uint32_t dear;            /* transactions that wait for lower fees */
    bool alarms[DESK_ALARMS]; /* that are up */
    struct accuracy accuracy; /* of simulations */
    uint64_t slow;            /* simulations */
    uint32_t in_time;         /* of them, since a slow one */
    struct desk_gauges gauges;
    int ready;        /* atomic: what earlier runs left is reconciled */
    uint32_t unready; /* restored legs that the chain has not spoken of */
    uint64_t reorgs, deepest;
    struct sandwich_count sandwiches; /* of ours, lately */
    bool pumping;
    struct solana_engine *solana; /* of that family; NULL = there was no memory for it */
    uint64_t engines;             /* that it had: an answer to an earlier one is not for this */
};

enum desk_effect_kind { DESK_TELL, DESK_BROADCAST, DESK_SAFE };

#define DESK_GATE(name, stages, asks) GATE_##name,
enum { RISK_GATES(DESK_GATE) DESK_GATES }; /* in their order */
enum { SIMULATED_WELL, SIMULATED_BADLY, SIMULATED_NOT, SIMULATED_KINDS, SIMULATED_REVERTS = 5 };

/* What leaves the process after the group is on the disk. */
struct desk_effect {
    enum desk_effect_kind kind;
    struct desk_told *told;
    struct leg *leg;
    uint32_t attempt;
};

/* A question to the providers, under way. */
struct desk_ask;
typedef void (*desk_ask_fn)(struct desk_ask *ask, const struct pool_result *result);

struct desk_ask {
    struct desk_ask *next, **at; /* of the desk */
    struct desk *desk;
    struct desk_chain *chain;
    struct pool_request *request;
    struct http_request *http; /* instead of request */
    desk_ask_fn done;
    struct desk_intent *intent; /* or NULL: held while the question is under way */
    struct leg *leg;
    struct desk_account *account;
    uint32_t number;        /* which of several */
    uint64_t block;         /* of a bundle */
    pool_done_fn pool_done; /* of the Solana engine */
    void *pool_ctx;
    sim_answer_fn sim_done;
    void *sim_ctx;
};

struct desk_counts {
    uint64_t proposed, confirmed, failed, refused, expired, sent, bumps, voids, resent, reorged,
        unknown, superseded, fillers, waited, halted;
};

/* Memory that one function fills and the next one reads, within one turn. */
struct desk_scratch {
    hawse_tx_t txs[PLAN_LEGS];
    struct sim_call calls[SIM_CALLS];
    struct risk_moved done[PLAN_LEGS * (DESK_MOVED + 1)];
    struct risk_moved ended[SIM_FLOWS + PLAN_LEGS * DESK_MOVED + 2 * HAWSE_INTENT_FLOWS_MAX];
    struct sim_result receipt;
    uint8_t authorization[256];
    char dead_stream[256];
};

enum { DESK_NONCE_COUNTS = sizeof(struct nonce_counts) / sizeof(uint64_t) };

struct desk {
    struct desk_options options;
    const struct config *config; /* instances and their limits alone */
    struct config_desk tx;
    struct logger *logger;
    struct loop *loop;
    pthread_t thread;
    bool running;
    int quit;         /* atomic */
    int halted;       /* atomic: the journal cannot be written */
    uint32_t waiting; /* atomic: handed over, not looked at */
    struct journal *journal;
    struct nonces *nonces;
    struct risk *risk;
    struct signing *signing; /* keys are asked on its thread */
    struct desk_scratch *scratch;
    struct desk_chain *chains;
    size_t chain_count;
    struct desk_intent *hashed[DESK_HASHED];
    struct desk_intent *dead; /* ended; freed at the end of the turn */
    struct desk_ask *asks;
    struct desk_effect *effects;
    size_t effect_count, effect_cap;
    uint32_t signing_now;               /* signatures under way that a transaction waits for */
    uint64_t gathers_ns;                /* since when the group waits for them; 0 = it does not */
    struct desk_remembered *remembered; /* while it is halted */
    size_t remembered_count;
    uint64_t notes_given;             /* atomic: to desk_note() */
    uint64_t notes_taken, notes_kept; /* of these: written; atomic: on the disk */
    bool failed;                      /* this turn's group: nothing of it holds */
    uint64_t handles;                 /* atomic: of intents of the host's own */
    uint64_t stuck_ns;
    struct loop_timer tick;
    struct desk_counts counts;
    struct metric_counter *steps[HAWSE_INTENT_WAITING + 1];
    struct metric_counter *refused[DESK_GATES], *waited[DESK_GATES];
    struct metric_counter *simulated[SIMULATED_KINDS];
    struct metric_counter *reverts[SIMULATED_REVERTS]; /* by HAWSE_REVERT_... */
    struct metric_histogram *simulating;
    struct metric_gauge *open;
    struct metric_histogram *to_sent, *reaction;
    struct metric_counter *nonce_counts[DESK_NONCE_COUNTS]; /* in the order of nonce_counts */
    pthread_mutex_t status_lock;
    char *status; /* as of the last tick */
};

/* ---- gather.c ---- */

/* Asked at the end of a turn: is its group to be added to, rather than committed now? */
bool desk_gathers(struct desk *desk);

/* ---- desk.c ---- */

/* Writing begins: the group of this turn. False: the journal fails, nothing may be done. */
bool desk_group(struct desk *desk);
/* Something of this turn's group could not be written: all of it is void. */
void desk_broke(struct desk *desk, const struct fault *fault);
void desk_effect(struct desk *desk, const struct desk_effect *effect);
struct desk_intent *desk_by_handle(struct desk *desk, uint64_t handle);
/* For metrics: what a gate said, and how a simulation ended. */
void desk_count_verdict(struct desk *desk, const struct risk_verdict *v);
void desk_count_simulation(struct desk *desk, const struct sim_result *result, uint64_t ns);
/* Another owner is told of it from now on; one at a time. */
void desk_own(struct desk_intent *intent, const struct desk_owner *owner);
void desk_forget(struct desk_intent *intent); /* out of all lists; freed when nothing asks */
uint64_t desk_utc(void);
struct desk_chain *desk_chain_of(struct desk *desk, const char *name);
/* A new intent into the lists; takes the body, also on failure. */
int32_t desk_intent_new(struct desk *desk, struct intent *body, const char *instance,
                        struct desk_intent **out, struct fault *fault);

/* ---- inbox.c ---- */

/* The journal has it now. False: it has not, and the fault was logged. */
bool desk_journal_add(struct desk_intent *intent);
/* Of what proposed it: stands behind the mode in the journal. */
enum config_maturity desk_maturity(const char *mode);

/* ---- words.c ---- */

bool desk_metrics(struct desk *desk);

struct desk_words {
    int32_t error;
    const char *reason;       /* NULL = none */
    const char *gate;         /* NULL = none */
    const char *figures;      /* JSON object; NULL = none */
    const uint8_t *hash;      /* 32 bytes; NULL = none */
    const uint8_t *signature; /* 64 bytes, of Solana, instead of it */
    uint64_t block;
    uint32_t leg;
    const char *relay; /* JSON object: what a relay was offered; NULL = nothing */
};
/* Journals a step and tells it once that is on the disk. */
void desk_step(struct desk_intent *intent, uint32_t step, const struct desk_words *words);
/* Told when what this turn has written is on the disk. */
void desk_tell(struct desk *desk, const struct desk_told *what);
/* Tells without the journal: answers to look_up, and proposals that were never taken over. */
void desk_answer(struct desk *desk, const struct desk_owner *owner, uint16_t kind, uint32_t step,
                 int32_t error, const char *reason, bool terminal);
void desk_status_write(struct desk *desk);

/* A whole number that stands as text in a step's data. */
bool desk_figure(const json_t *figures, const char *key, uint64_t *out);

/* ---- ask.c ---- */

/* params is the text of an array; copied. False: it could not be asked. */
bool desk_ask(struct desk_chain *chain, const struct desk_ask *ask, const char *method,
              const char *params, uint32_t flags, enum pool_class class, uint32_t deadline_ms);
/* How simulations ask; see sim.h. */
int32_t desk_sim_call(void *ctx, const char *method, const char *params, size_t len,
                      sim_answer_fn done, void *done_ctx);
/* The same to Tenderly. */
int32_t desk_sim_post(void *ctx, const char *path, const char *body, size_t len, sim_answer_fn done,
                      void *done_ctx);
void desk_asks_cancel(struct desk *desk);
/* A question that goes another way: its intent is held until it is dropped, and it is dropped with
 * all others. NULL: no memory; NULL is legal to drop. */
struct desk_ask *desk_ask_hold(struct desk_chain *chain, const struct desk_ask *what);
void desk_ask_drop(struct desk_ask *ask);

/* ---- bundle.c ---- */

/* Do its transactions go together? */
bool bundle_is(const struct desk_intent *intent);
/* bundle.c: is it to have its account for itself while it is under way? */
bool goes_alone(const struct desk_intent *intent);
/* Whose simulation is also this one's: the first of a bundle, otherwise itself. */
struct leg *leg_lead(const struct leg *leg);
/* What was simulated of it, or of one after it; NULL = nothing. */
const struct sim_gas *leg_gas(const struct leg *leg, uint32_t index);
/* Of all of its transactions, by the first: nonces, which follow each other; signatures. */
void bundle_reserve(struct leg *lead);
void bundle_release(struct desk_intent *intent);
void bundle_sign(struct leg *lead);
/* One is signed, and taken; NULL: it could not be. */
void bundle_signed(struct leg *leg, struct attempt *attempt);
/* Are all of them out, as one, and is none of them being taken back? */
bool bundle_whole(const struct desk_intent *intent);
/* At each head: when one of them is over, the others must not come alone. */
void bundle_look(struct desk_intent *intent);

/* ---- private.c ---- */

/* The body of a request about its bundle for a block, eth_sendBundle or (call) eth_callBundle; and
 * how many bytes that takes at most. */
int32_t private_write_bundle(const struct leg *leg, uint64_t block, uint64_t number, bool call,
                             hawse_writer_t *w);
size_t private_room(const struct leg *leg);
/* Does it go to the relay in a bundle, of its own or of several? */
bool private_bundles(const struct leg *leg);
int32_t private_open(struct desk_chain *chain, struct fault *fault);
/* Is there a way for this intent? */
int32_t private_check(const struct desk_intent *intent, struct fault *fault);
bool private_is(const struct leg *leg, uint32_t attempt);
enum { PRIVATE_FIGURES = 80 };
/* What was signed is about to go: where that is by a relay its range begins, and this is what the
 * journal keeps of it; otherwise NULL. */
const char *private_figures(struct leg *leg, char out[PRIVATE_FIGURES]);
/* A step of an earlier run: how often, and up to which block, it was offered. */
void private_restore(struct desk_intent *intent, const struct journal_step *step);
void private_send(struct leg *leg, uint32_t attempt);
/* Looks at what a relay has; false: the newest attempt is public. */
bool private_pending(struct leg *leg);

/* ---- private_ask.c ---- */

struct relay_answer;
/* Of the bundle for a block, by the first transaction with its nonce. */
void private_uuid(const struct leg *leg, uint64_t block, char out[RELAY_UUID]);
/* The relay took a bundle (block not 0). */
void private_note_bundle(struct leg *leg, uint64_t block, const struct relay_answer *answer);
bool private_may_ask(const struct leg *leg); /* what became of it */
void private_ask_status(struct leg *leg);
void private_ask_call(struct leg *lead); /* would the whole bundle succeed? */
/* It is no longer wanted: the relay is asked to forget what it has of it, once. */
void private_take_back(struct leg *leg);

/* ---- chain.c ---- */

int32_t chain_open(struct desk *desk, size_t index, struct fault *fault);
/* Nothing is asked or listened for any more; what was posted comes with the next drain of the loop.
 */
void chain_quiet(struct desk_chain *chain);
void chain_close(struct desk_chain *chain);
void chain_watch(struct desk_chain *chain); /* something is open: look at each head */
void chain_soon(struct desk_chain *chain);  /* something waits for a new view */
/* Something waits for this block, which somebody saw already. */
void chain_expect(struct desk_chain *chain, uint64_t number);
/* POOL_QUORUM, where two providers can be asked and configuration wants it; else 0. */
uint32_t chain_quorum(const struct desk_chain *chain);
/* Is it looked at, at each head? */
bool chain_looks(const struct desk_chain *chain);
bool chain_fresh(const struct desk_chain *chain, const struct desk_account *account);
struct desk_account *chain_account(struct desk_chain *chain, const char *name, struct fault *fault);
/* Is this block where the chain has it? Unknown numbers are. */
bool chain_has(const struct desk_chain *chain, uint64_t number, const uint8_t hash[32]);
struct fees chain_offer(const struct desk_chain *chain);
uint64_t chain_cap(const struct desk_chain *chain);

/* ---- solana_desk.c ---- */

bool desk_is_solana(const struct desk_chain *chain);
int32_t solana_open(struct desk_chain *chain, struct fault *fault);
void solana_close(struct desk_chain *chain);
/* Nothing that was asked is answered any more. */
void solana_canceled(struct desk_chain *chain);
/* As if nothing had been: all of it is read from the journal again. */
void solana_reset(struct desk_chain *chain);
/* A new intent; one of an earlier run, which may have ended by it. */
void solana_begin(struct desk_intent *intent);
int32_t solana_restore(struct desk_intent *intent, struct fault *fault);
void solana_cancel(struct desk_intent *intent);
/* The group is on the disk: sends and tells. True: something was written again. */
bool solana_go(struct desk *desk);
/* Of its newest transaction, 64 bytes; NULL = none was signed. */
const uint8_t *solana_signature(const struct desk_intent *intent);
uint64_t solana_slot(const struct desk_chain *chain);

/* ---- leg.c ---- */

/* Something happened: see life.h. The intent may have ended after it. */
void leg_on(struct leg *leg, enum life_happening what);
void leg_event(struct leg *leg, const struct life_event *event);
/* A new intent, or one of an earlier run: its transactions, and the first step of each. */
void intent_plan(struct desk_intent *intent);
/* Begins what may begin, and ends the intent when all of it has ended. */
void intent_advance(struct desk_intent *intent);
void intent_fail(struct desk_intent *intent, int32_t error, const char *reason);
/* Its turn has come, and all that is needed is known. */
void leg_check(struct leg *leg);
/* What a gate said: true after a pass; else the leg has been told. */
bool leg_verdict(struct leg *leg, const struct risk_verdict *v);
/* Deadline and cancellation. */
void intent_expire(struct desk_intent *intent);
void intent_cancel(struct desk_intent *intent);

/* ---- queue.c ---- */

/* What an intent is worth to whom it is of, in wei: as it says, or what it expects to gain of the
 * chain's own coin. */
void intent_worth(const hawse_intent_t *in, hawse_u256_t *out);
/* Does `a` get its turn before `b`, which came earlier? */
bool leg_before(const struct leg *a, const struct leg *b);
void leg_queue(struct leg *leg);
void leg_unqueue(struct leg *leg);
/* Of an account whose queue is not empty: may the first of it begin beside what is under way? */
bool account_has_room(const struct desk_account *account);
/* Its state is another: does it (still) wait for lower fees? */
void leg_count_dear(struct leg *leg);
/* leg.c: is it among its account's `busy` from now on? */
void leg_count(struct leg *leg, bool busy);
/* Legs whose turn it is, of one account or of a chain: as far as view, window and simulations
 * allow. */
void account_pump(struct desk_account *account);
void chain_pump(struct desk_chain *chain);

/* ---- alarms.c ---- */

bool alarms_open(struct desk_chain *chain);   /* false: no memory for metrics */
void alarms_sample(struct desk_chain *chain); /* into metrics */
void alarms_fees(struct desk_chain *chain);   /* a new head */
void alarms_tick(struct desk_chain *chain);   /* each second: what is under way */
/* A simulation took so long; a transaction used so much of what was simulated (0 = not known). */
void alarms_simulated(struct desk_chain *chain, uint64_t ns);
void alarms_gas(struct desk_chain *chain, uint64_t simulated, uint64_t used);

/* ---- gates.c ---- */

/* What gates are asked about, from what is known now. `txs` has room for PLAN_LEGS. */
void gate_case(struct leg *leg, struct risk_case *c, hawse_tx_t *txs);
/* The last look before a signature, of what is not the host's own: switches, fees, and the
 * simulation of these very bytes. False: `told` was told. */
bool leg_may_sign(struct leg *leg, struct leg *told);
/* Is the simulation too old to sign by? Then the leg has been told to wait. */
bool leg_stale(struct leg *leg);
/* Simulates what the leg and those after it will do, or its empty transaction. */
void leg_simulate(struct leg *leg, bool empty);
void leg_simulate_stop(struct leg *leg);

/* ---- send.c ---- */

/* What nonces say when they cannot be had, into the log. */
void desk_nonce_fault(const struct desk *desk, const struct nonce_answer *answer);
void leg_reserve(struct leg *leg);
void leg_release(struct leg *leg);
void leg_sign(struct leg *leg, bool empty); /* with leg->nonce and leg->fees */
void leg_discard(struct leg *leg);
/* From what its intent was decided from to this signature; 0 = not told. */
uint64_t leg_reaction_ns(const struct leg *leg, const struct attempt *a);
void leg_send(struct leg *leg);   /* what was signed: journal, then out */
void leg_resend(struct leg *leg); /* the newest attempt */
/* Somebody took attempt `i`. */
void leg_sent(struct leg *leg, uint32_t i);
void leg_broadcast(struct leg *leg, uint32_t attempt);
/* A first attempt: its signature is asked for. False: no memory. */
bool leg_give(struct leg *leg, bool empty);
/* With higher fees, or empty: simulates, then signs. */
void leg_replace(struct leg *leg, bool empty);

/* ---- track.c ---- */

/* The account's view is new: what became of what it sent. */
void account_track(struct desk_account *account);
/* An intent of the host's own, unless there is one: nothing, to itself, with that nonce, which is a
 * hole, or (take) may have been marked as sent by a host that is gone. */
void account_fill(struct desk_account *account, uint64_t number, bool take);
/* In the journal: none of its attempts was it (JOURNAL_SUPERSEDED), or nobody knows
 * (JOURNAL_LOST). */
void leg_superseded(struct leg *leg, uint32_t state);

/* ---- proof.c ---- */

/* Its nonce is used, deep enough, and no attempt has a receipt: finds out by what. */
void leg_prove(struct leg *leg);
/* Two providers were to agree about that, and only one answered. True: so often and for so long
 * that it is over, and never executed again. */
bool leg_alone(struct leg *leg);

/* The last block that is final for the intent; 0 = none is. */
uint64_t intent_deep(const struct desk_intent *intent);

/* ---- watch.c ---- */

/* It is in a block: did somebody run into it? */
void watch_included(struct leg *leg);
void watch_free(struct leg *leg);

/* ---- safe_desk.c ---- */

/* The account of an intent is a Safe: it gets what that takes. */
int32_t safe_open(struct desk_intent *intent, const struct config_safe *config,
                  struct fault *fault);
/* What is under way is dropped. */
void safe_stop(struct desk_intent *intent);
void safe_close(struct desk_intent *intent);
/* Instead of leg_simulate() before the executor has signed: finds out what the Safe would do. */
void safe_simulate(struct leg *leg);
/* What a simulation has to know of it. */
void safe_question(const struct leg *leg, struct sim_request *q);
/* All gates passed what was not signed by its owners yet: now they are asked. */
void safe_sign(struct leg *leg);
/* The effect: the signatures, or a proposal, may leave. */
void safe_go(struct leg *leg);
/* From the journal: what a signed transaction carries, and what its owners signed. */
int32_t safe_restore_call(struct desk_intent *intent, hawse_view_t data);
void safe_restore_step(struct desk_intent *intent, const struct journal_step *step);
/* Does it wait for other owners, who have not signed since? */
bool safe_waits(const struct desk_intent *intent);
bool safe_complete(const struct desk_intent *intent);
bool safe_signed(const struct desk_intent *intent); /* by owners: others may have that */
const char *safe_failure(const struct leg *leg);    /* why the Safe would refuse, in words, or "" */
const uint8_t *safe_batch(const struct desk_intent *intent);
/* 20 bytes: whose money an intent moves. */
const uint8_t *intent_subject(const struct desk_intent *intent);

/* ---- safe_proof.c ---- */

/* Asks what became of what its owners signed. */
void safe_prove(struct desk_intent *intent);
/* Before it ends badly: is that still to be found out? Then it is, and the intent ends later. */
bool safe_unproved(struct desk_intent *intent);
void safe_look(struct desk_intent *intent); /* a new head */
/* Was it executed all the same? Then `w` says by what. */
bool safe_executed(const struct desk_intent *intent, struct desk_words *w);
/* It ends badly: adds to its reason what may still come of it. */
void safe_warn(struct desk_intent *intent);
/* Did it move what it was for, or may it still? */
bool safe_may_move(const struct desk_intent *intent);
/* A receipt of attempt i: a success that the Safe does not confirm is none. */
int32_t safe_receipt(struct leg *leg, uint32_t i, const struct pool_result *r,
                     struct answer_receipt *receipt);

/* ---- totals.c ---- */

/* It passed AFTER, and has ended: counts what it moved. */
void totals_ended(struct desk_intent *intent, enum risk_outcome outcome);
/* Adds to a list with room for one more; what comes in and goes out of an asset is net. */
void moved_add(struct risk_moved *list, uint32_t *count, const uint8_t asset[20],
               const hawse_u256_t *amount, bool in);
/* The same of all that the leg moved by its receipt. */
void moved_by(const struct leg *leg, struct risk_moved *list, uint32_t *count);
/* The same of what is known otherwise: tells the gates, and the journal. */
void totals_moved(struct desk_intent *intent, enum risk_outcome outcome,
                  const struct risk_moved *list, uint32_t count);
int32_t totals_restore(struct desk *desk, struct fault *fault);

/* ---- load.c ---- */

int32_t desk_load(struct desk *desk, struct fault *fault);
/* reload.c: what others note anew when the journal can be written again. */
void desk_notes_again(struct desk *desk);
/* reload.c: a group is on the disk, and the notes in it. */
void desk_notes_kept(struct desk *desk);
/* recall.c: answers who asks for an intent by its id. The intent when it has not ended, else NULL.
 */
struct desk_intent *desk_recall(struct desk *desk, const struct desk_owner *owner,
                                const char *instance, const char *id);

#endif
