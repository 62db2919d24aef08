/*
 * The operator's configuration: one JSON file, checked against one documented schema, secrets
 * resolved. A config is immutable after loading; reload makes a new one and compares.
 *
 * Secrets: "${NAME}" (environment) and "file:PATH" are allowed only in fields that the host keeps
 * to itself (endpoint URLs and headers, proxy, tls files, credentials), never in "settings", which
 * reach a plugin.
 */
#ifndef CORE_CONFIG_CONFIG_H
#define CORE_CONFIG_CONFIG_H

#include "base/fault.h"
#include "keys/passphrase.h"
#include "keys/signer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hawse/types.h>

enum config_mode { MODE_REPLAY, MODE_SHADOW, MODE_DRY_RUN, MODE_CANARY, MODE_LIVE };
enum config_maturity { MATURITY_EXPERIMENTAL, MATURITY_BETA, MATURITY_STABLE };
enum config_log_format { LOG_FORMAT_TEXT, LOG_FORMAT_JSON };
enum config_overrun { OVERRUN_WARN, OVERRUN_THROTTLE, OVERRUN_STOP };
enum config_hang { HANG_ABANDON, HANG_EXIT };
enum config_isolation {
    ISOLATION_NONE,
    ISOLATION_PROCESS,
    ISOLATION_DEFAULT, /* not said: decided by whose the file is; never in an instance that runs */
};
/* What an alert sets off. */
enum config_then { THEN_KILL, THEN_KILL_INSTANCE, THEN_BREAKER };
enum config_when_full { WHEN_FULL_MARK, WHEN_FULL_STOP, WHEN_FULL_WAIT };

struct config_header {
    char *name;
    char *value; /* resolved; secret */
};

/* One network address of an instance. The URL and headers are secrets once resolved: print only
 * `display`, in which references and credentials are masked. */
struct config_endpoint {
    char *name;  /* "ws", "http" */
    char *chain; /* of `chains`, whose providers are asked instead of a URL; NULL = none. The url is
                    then "chain:NAME", which nothing connects to */
    char *url;
    char *display;
    struct config_header *headers;
    size_t header_count;
    char *proxy;                 /* NULL = none; http://, socks5h:// */
    char *ca_file;               /* NULL = the system's */
    bool insecure;               /* plain text to another machine is allowed */
    bool deflate;                /* offer permessage-deflate */
    bool validate_utf8;          /* check text frames; default true */
    uint32_t connect_timeout_ms; /* default 10,000: resolve, connect, TLS and upgrade together */
    uint32_t request_timeout_ms; /* JSON-RPC; default 10,000 */
    uint32_t ping_ms;            /* default 20,000; 0 = off */
    uint32_t idle_ms;            /* default 60,000; 0 = off */
    uint32_t backoff_min_ms;     /* default 250 */
    uint32_t backoff_max_ms;     /* default 30,000 */
};

/* A value of a credential. */
struct config_secret {
    char *name;
    char *text;     /* resolved; secret */
    bool reference; /* it does not stand in the file itself */
};

/* A login that the host uses in the name of an instance. What it is of, and which values it needs,
 * is known in core/sign. */
struct config_credential {
    char *name;       /* what the plugin calls it */
    char *schema;     /* "polymarket-l2" */
    char **endpoints; /* of the same instance, where it may be used: encrypted, or this machine */
    size_t endpoint_count;
    struct config_secret *values;
    size_t value_count;
};

struct config_link {
    char *name;   /* what the plugin calls it */
    char *target; /* instance id */
};

struct config_feature {
    char *name;
    bool enabled;
};

struct config_budget {
    uint32_t callback_us; /* soft limit of one on_events call; 0 = the manifest's, else 10,000 */
    uint32_t hang_ms;     /* a callback that runs longer is hung; default 2,000 */
    enum config_overrun on_overrun; /* default throttle */
    enum config_hang on_hang;       /* default abandon */
};

/* The process that an isolated instance's plugin runs in. */
struct config_worker {
    uint32_t memory_mib; /* that the plugin may have; default 256 */
    uint32_t restarts;   /* in ten minutes, then its file is quarantined; 0 = never; default 5 */
    uint32_t backoff_ms; /* before the second restart; doubles from there; default 100 */
    int32_t cpu;         /* -1 = where its lane runs, so that waking it costs least */
    uint32_t spin_us;    /* lane and worker look so long for each other, on one CPU while events
                            follow each other; 0 = sleep, the default */
};

/* What may leave an account, by asset. Amounts are in the smallest unit. */
struct config_asset {
    char *name;          /* what the operator calls it */
    bool native;         /* the chain's own coin; its address is zero */
    uint8_t address[20]; /* of the token; on Solana config_handle() of its mint */
    uint8_t mint[32];    /* on Solana */
    uint32_t decimals;   /* what the amounts of the file were read with */
    hawse_u256_t per_intent, per_day;
    bool limits_loss;          /* loss_per_day holds */
    hawse_u256_t loss_per_day; /* what left less what came, in a UTC day */
    hawse_u256_t keep;         /* must be left in the account */
    bool limits_held;          /* max_held holds, and holding it is a position */
    hawse_u256_t max_held;
};

enum config_spender { SPENDER_NO, SPENDER_EXACT, SPENDER_UNLIMITED };

/* Part of an asset's limit per day: what intents that touch a counterparty may take. */
struct config_share {
    size_t asset; /* of the same limits */
    hawse_u256_t per_day;
};

/* How the data of an instruction begins. */
struct config_prefix {
    uint8_t bytes[8];
    uint32_t len; /* 0 = all do */
};

/* What may be done with one address. */
struct config_counterparty {
    uint8_t address[20];            /* on Solana config_handle() of it */
    struct config_prefix *prefixes; /* on Solana, of the instructions that it may be given */
    size_t prefix_count;
    uint8_t (*selectors)[4]; /* of the functions that may be called */
    size_t selector_count;
    bool plain;                  /* the native coin may be sent to it without calldata */
    bool value;                  /* the native coin may go with a call */
    bool recipient;              /* assets may be transferred to it */
    bool without_quote;          /* it may be paid without expected_in */
    enum config_spender spender; /* it may be given allowances: up to per_intent, or any */
    struct config_share *shares;
    size_t share_count;
};

enum { CONFIG_ASSETS = 16, CONFIG_COUNTERPARTIES = 256 };

/* What the intents of an instance may do on one chain. What is not here is refused. */
struct config_limits {
    char *chain;
    struct config_asset *assets;
    size_t asset_count;
    struct config_counterparty *counterparties;
    size_t counterparty_count;
    uint32_t intents_per_day;    /* UTC */
    uint32_t open_intents;       /* at a time */
    uint32_t open_positions;     /* assets with max_held that are held; 0 = not limited */
    uint32_t slippage_ppm;       /* millionths of expected_in */
    bool limits_fee;             /* fee_per_intent holds */
    hawse_u256_t fee_per_intent; /* smallest units of the coin */
    uint32_t canary_ppm;         /* of every amount, in mode canary and for what is beta */
    uint8_t (*callbacks)[4];     /* beside the usual ones */
    size_t callback_count;
    uint8_t (*code)[20]; /* that the account may run as its own */
    size_t code_count;
    uint32_t allowed_findings; /* bit n: enum sim_finding_kind n */
};

/* When an instance stops by itself. */
struct config_breaker {
    uint32_t failures;  /* in a row; default 3 */
    uint32_t successes; /* of probes in a row; default 10 */
    uint32_t pause_ms;  /* from opening to the first probe; default 60,000 */
};

struct config_instance {
    char *id;     /* [a-z0-9_-]{1,63} */
    char *plugin; /* manifest id, or a path to a shared object (contains '/') */
    bool enabled;
    enum config_mode mode;      /* default shadow */
    enum config_maturity allow; /* lowest maturity the operator accepts; default stable */
    char *lane;                 /* default "main" */
    struct config_link *links;
    size_t link_count;
    struct config_endpoint *endpoints;
    size_t endpoint_count;
    struct config_credential *credentials;
    size_t credential_count;
    char **grants; /* "net", "net:wss://host", "rpc", "rpc:eth_getLogs", ... */
    size_t grant_count;
    struct config_feature *features;
    size_t feature_count;
    struct config_budget budget;
    enum config_isolation isolation;
    bool isolation_left;       /* to the host; when it has decided, it stands above */
    const char *isolation_why; /* the host's reason; NULL: the configuration says so, or nothing */
    struct config_worker worker;
    struct config_limits *limits; /* by chain; none = its intents are refused */
    size_t limit_count;
    struct config_breaker breaker;
    uint32_t queue;       /* events of its inbox; default 4,096, power of two */
    uint32_t patience_ms; /* how long a full lossless queue may hold its sources; default 1,000 */
    char *settings;       /* canonical JSON text of an object, "{}" when absent */
};

enum { CONFIG_LANES = 16 }; /* what the host runs at most */

struct config_lane {
    char *name;
    int32_t cpu;      /* -1 = not pinned */
    uint32_t spin_us; /* keep polling so long after the last event before sleeping; 0 = sleep */
};

/* The flight recorder. */
struct config_record {
    char *file;          /* NULL = nothing is recorded */
    uint32_t rotate_mib; /* 0 = never */
    uint32_t keep_mib;   /* 0 = all */
    uint32_t buffer_mib; /* a power of two */
    enum config_when_full when_full;
};

/* A key that the host may sign with. */
struct config_key {
    char *name;
    struct passphrase_source unlock; /* of a key file; prompt unless said otherwise */
    struct key_locks locks;          /* on top of those of its file, or of the signer */
    bool hedged;                     /* see key_hedge() */
};

/* Private keys: key files of a folder, or another process that holds them, never both. */
struct config_keys {
    char *dir;    /* NULL = none */
    char *signer; /* Unix socket; NULL = none */
    uint32_t timeout_ms;
    struct config_key *use;
    size_t use_count;
};

/* What one method costs at a provider, and how often it may be asked there. */
struct config_method {
    char *name;
    uint32_t per_second; /* 0 = as often as the provider allows in all */
    uint32_t cost;       /* units of the provider's rate; 0 = what core/rpc takes it for */
};

/* One of those that answer for a chain. */
struct config_provider {
    char *name;                  /* alchemy, infura, quicknode, public ... */
    struct config_endpoint http; /* its name is that of the provider */
    struct config_endpoint ws;   /* the same by WebSocket; url NULL = none */
    uint32_t priority;           /* 1 is asked first, the next when those are out */
    uint32_t weight;             /* share among those of the same priority */
    uint32_t per_second;         /* hard cap of units in any second; 0 = none */
    uint32_t in_flight;          /* requests under way at a time; a batch is one */
    uint32_t batch;              /* reads in one request at most; 0 = each by itself */
    uint32_t batch_delay_ms;     /* how long the first of them waits for others */
    struct config_method *methods;
    size_t method_count;
};

enum config_finality { FINALITY_DEPTH, FINALITY_SAFE, FINALITY_FINALIZED };

/* How a contract wants several calls. */
enum config_executor { EXECUTOR_NONE, EXECUTOR_ERC7821, EXECUTOR_BATCH, EXECUTOR_TEN };

enum config_call_tree { CALL_TREE_OFF, CALL_TREE_OFFERED, CALL_TREE_REQUIRED };
enum { CONFIG_ENGINES = 4 };

/* How a chain's relay is asked. */
struct config_relay {
    bool usual;      /* the way of intents that name none; default: when there is a relay */
    bool bundle;     /* bundles of one transaction, for each block in turn */
    bool raw;        /* takes the bytes by a method of its own, unsigned; false: as Flashbots' */
    bool bare;       /* raw: digits without 0x */
    char *method;    /* raw */
    char *auth;      /* key that signs requests, and nothing else; NULL = none, raw only */
    uint32_t blocks; /* that one offer is good for */
    uint32_t rounds; /* offers before private was in vain */
};

/* How transactions of a chain are priced, sent and believed. */
struct config_tx {
    uint32_t confirmations;          /* blocks on top that make an outcome final; default 12 */
    enum config_finality finality;   /* depth: confirmations; else the block with that tag */
    uint32_t max_gas_price_gwei;     /* of maxFeePerGas, never above; default 500 */
    uint64_t min_tip_wei;            /* what the chain's pools take at least; default 0 */
    bool quorum;                     /* see the schema; default true */
    bool keep_view;                  /* see the schema; default false */
    uint32_t base_fee_denominator;   /* of EIP-1559; default 8, Polygon 64 */
    bool simulation_required;        /* nothing is signed without; default true */
    uint8_t engines[CONFIG_ENGINES]; /* enum sim_engine, in the order in which they are asked; 0
                                        behind the last */
    enum config_call_tree
        call_tree; /* is it asked for, and does its lack refuse? default offered */
    struct config_endpoint tenderly; /* its project, with the access key; url NULL = none */
    struct config_endpoint relay;    /* takes transactions in private; url NULL = none */
    struct config_endpoint
        relay_status;    /* says what became of one, GET URL/HASH; url NULL = none */
    bool relay_fallback; /* to the public pool when the relay does not take one */
    struct config_relay private_way;
    enum config_executor executor; /* how bundles are called */
    uint8_t delegate[20];          /* the executor's contract */
};

/* A Safe (safe-smart-account 1.3.0 or later) of which keys of ours are owners. */
struct config_safe {
    char *name; /* what intents call it */
    uint8_t address[20];
    uint8_t batch[20]; /* MultiSendCallOnly, by which it makes several calls */
    char *executor;    /* the key that sends its transactions and pays for the gas */
    char **owners;     /* keys that sign for it */
    size_t owner_count;
    struct config_endpoint service; /* where other owners are asked; url NULL = by files alone */
};

enum config_family { FAMILY_EVM, FAMILY_SOLANA };

/* How transactions of a Solana cluster are priced, sent and believed. */
struct config_solana {
    uint8_t genesis[32];     /* every provider must tell the same */
    bool confirmed;          /* an outcome is final when it is confirmed; false: when rooted */
    uint64_t max_fee;        /* lamports of a transaction, never above */
    uint64_t max_unit_price; /* micro-lamports per compute unit, never above */
    uint32_t price_percent;
    uint32_t resend_ms;
};

/* A chain that the host itself asks, through several providers. */
struct config_chain {
    char *name; /* [a-z0-9_-]{1,63} */
    enum config_family family;
    uint64_t chain_id;           /* EVM; every provider must tell the same */
    struct config_solana solana; /* of that family */
    uint32_t block_ms;           /* mean time of a block, or of a slot */
    struct config_provider *providers;
    size_t provider_count;
    bool cache;
    uint32_t cache_mib;
    uint32_t cache_entries;
    uint32_t attempt_ms; /* of one attempt at one provider; default 2,000 */
    uint32_t hedge_ms;   /* a read that takes longer is asked elsewhere too; 0 = never */
    struct config_tx tx;
    struct config_safe *safes;
    size_t safe_count;
};

/* The Redis server that has nonces of keys which other hosts have too. */
struct config_redis {
    char *address; /* numeric, or a path; NULL = none: the journal has them */
    uint16_t port, database;
    char *user;     /* NULL = the server's default */
    char *password; /* secret; NULL = none */
    char *prefix;
    char *lease; /* NULL = never alone */
    uint32_t budget_ms, pause_ms;
};

/* How intents are worked on. */
struct config_desk {
    uint32_t queue;
    uint32_t window;
    uint32_t stuck_ms;
    uint32_t restart_s;
};

/* Alerts of the host itself, which rules name by the instance HOST_ALERTS_OF. */
#define HOST_ALERTS_OF "hawse"
#define HOST_ALERTS(X)         \
    X(FEES, "fees_near_cap")   \
    X(SPIKE, "fees_spike")     \
    X(SLOW, "simulation_slow") \
    X(DRIFT, "simulation_drift")
#define HOST_ALERT_ENUM(name, word) ALARM_##name,
enum host_alert_kind { HOST_ALERTS(HOST_ALERT_ENUM) HOST_ALERT_COUNT };
const char *config_host_alert(enum host_alert_kind kind);

struct config_alert_rule {
    char *instance, *name; /* NULL = any instance's, which are not the host's; any */
    uint32_t severity;     /* HAWSE_ALERT_..., at least */
    enum config_then then;
};

/* Of alerts that instances raise (hawse.alert/1). */
struct config_alerts {
    uint32_t raise_ms, clear_ms;
    struct config_alert_rule *rules;
    size_t rule_count;
};

struct config_source;

struct config {
    struct config_source *source; /* what it was made of, for explain */
    char *path;
    char **plugin_path; /* folders, searched in order, never recursively */
    size_t plugin_path_count;
    char **trusted; /* folders, and digests "sha256:...", whose plugins may run in this process */
    size_t trusted_count;
    bool isolates; /* instances that do not say where they run: what is not trusted, what is
                      experimental and what may sign runs in workers */
    struct config_lane *lanes; /* at least "main" */
    size_t lane_count;
    struct config_instance *instances; /* links first: an instance comes after those it links to */
    size_t instance_count;
    char **hidden; /* texts that no output may hold: what references stand for, and the parts of
                      URLs and headers that are masked; locked in memory */
    size_t hidden_count;
    uint32_t log_level; /* HAWSE_LOG_... */
    enum config_log_format log_format;
    char *log_file;     /* NULL = stderr */
    char *http_listen;  /* "127.0.0.1:9187"; NULL = off */
    char *control_path; /* Unix socket; NULL = off */
    struct config_record record;
    struct config_keys keys;
    struct config_chain *chains;
    size_t chain_count;
    char *journal; /* file of all intents; never NULL */
    struct config_redis redis;
    struct config_alerts alerts;
    struct config_desk tx;
    char *state_dir;           /* quarantine list and, later, journals; created 0700 */
    uint32_t stop_deadline_ms; /* default 5,000 */
};

/* A change on the command line: --set instances.gnosis.endpoints.ws=wss://... The value is JSON
 * when it parses as such, otherwise a text. */
struct config_override {
    const char *assignment;
};

/* Loads, checks and resolves. Every fault names the file, the JSON path ("instances.gnosis.mode"),
 * what was found, what is allowed, and for an unknown key the nearest known one. Returns 0 and a
 * config that the caller destroys, or a negative code. */
int32_t config_load(const char *path, const struct config_override *overrides, size_t count,
                    struct config **out, struct fault *fault);
void config_destroy(struct config *config); /* wipes secrets; NULL is legal */

const struct config_instance *config_find(const struct config *config, const char *id);
const struct config_endpoint *config_endpoint_find(const struct config_instance *instance,
                                                   const char *name);

const struct config_chain *config_chain_find(const struct config *config, const char *name);
/* A copy that outlives the configuration, for config_chain_finish. HAWSE_E_NOMEM. */
int32_t config_chain_copy(const struct config_chain *chain, struct config_chain *out);
void config_chain_finish(struct config_chain *chain);

/* An address of 32 bytes in tables whose keys have 20: the last bytes of its Keccak-256. As hard to
 * meet on purpose as an EVM address is. */
void config_handle(const uint8_t address[32], uint8_t out[20]);

/* NULL = nothing is allowed there. */
const struct config_limits *config_limits_find(const struct config_instance *instance,
                                               const char *chain);

/* NULL = it has no such value. */
const struct config_secret *config_credential_value(const struct config_credential *credential,
                                                    const char *name);

/* Are these two alike in everything that needs a restart of the instance to change? */
bool config_instance_equal(const struct config_instance *a, const struct config_instance *b);

/* Do they use the same keys from the same places? Keys are unlocked once, when the host starts. */
/* NULL = the chain has none of this name. */
const struct config_safe *config_safe_find(const struct config_chain *chain, const char *name);
/* Is there a key of this name in keys.use? */
bool config_has_key(const struct config *config, const char *name);
/* Does a relay of any chain use this key? Then nothing else may. */
bool config_relay_key(const struct config *config, const char *name);
bool config_keys_equal(const struct config *a, const struct config *b);

/* The same chains, with the same providers and rules? Limits and breakers are kept by provider, so
 * they change with a restart only. */
bool config_chains_equal(const struct config *a, const struct config *b);

const char *config_mode_name(enum config_mode mode);
const char *config_maturity_name(enum config_maturity maturity);

/* The effective configuration with defaults filled in, secrets masked and for each value where it
 * came from (file, default, --set): what `hawse config explain` prints. malloc'd text. */
char *config_explain(const struct config *config, const char *json_path_prefix, bool as_json);

/* A feature that the file does not mention, as the plugin's manifest has it: for explain. */
void config_note_feature(struct config *config, const char *instance, const char *name,
                         bool enabled);

/* The address of a key, as its file or the signer has it: for explain. */
void config_note_address(struct config *config, const char *key, const char *address);

/* The JSON Schema of the file, constant text. */
const char *config_schema(void);

#endif
