/*
 * hawse ABI v1: everything a plugin must know. Read it top to bottom; it takes a quarter of an
 * hour.
 *
 * A plugin is a shared object with exactly two exports:
 *
 *     HAWSE_EXPORT const char hawse_manifest_v1[];                 JSON, read without running code
 *     HAWSE_EXPORT const hawse_plugin_t *hawse_plugin_v1(const hawse_host_t *host);
 *
 * The host reads the manifest from the file, decides whether this plugin may run, loads it, asks
 * for its table, and creates one state per configured instance. All that reaches an instance
 * arrives as events in on_events; all that an instance wants goes through the host's table and the
 * services that query() hands out by name (hawse/service/). Plugins decide, the host acts: no keys,
 * sockets, files, clocks or threads in a plugin.
 *
 * Threads. Each function carries a tag:
 *   [lane]  the one serial thread of the instance: never two calls of one instance at a time
 *   [any]   any thread
 * Two instances of one plugin may run on two lanes at the same time: keep what changes in the state
 * of the instance, never in a global.
 * The host never calls a plugin from inside that plugin's own host call.
 *
 * Memory. Nobody frees what the other made. Behind the thread the tag says, for each view and
 * pointer of a function and all that it leads to, whose it is:
 *   borrows X   the callee reads it until the call returns, and copies what it wants to keep
 *   fills X     the callee writes it before the call returns, and not later
 *   lends X     it stays the callee's; the caller may use it as long as is said there
 *   gives X     the caller has it from now on, to hand it back; `ends X` is where it goes back
 * `host` and `self` are the host's, `state` is the plugin's own, until destroy. A view in a record
 * is borrowed or lent with the record. Tags are part of the ABI: sdk/abi/v1.layout holds them.
 *
 * Growth. Each struct begins with its size; fields are only ever appended; test with HAWSE_HAS.
 */
#ifndef HAWSE_H
#define HAWSE_H

#include <hawse/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HAWSE_ABI_MAJOR 1u
#define HAWSE_ABI_MINOR 0u

#if defined(__GNUC__) || defined(__clang__) || defined(__TINYC__)
#define HAWSE_EXPORT __attribute__((visibility("default")))
#else
#define HAWSE_EXPORT
#endif

/* ---- events ---------------------------------------------------------------------------------- */

/*
 * One event: a header the host understands and bytes that only an event space defines.
 * Owned by the host; header and data are valid until on_events returns. To keep it: copy.
 */
typedef struct hawse_event {
    uint32_t size;        /* bytes of this header that the maker filled in */
    uint16_t space;       /* HAWSE_SPACE_..., or a number got from hawse.sub/1 space() */
    uint16_t kind;        /* defined by the space; unknown kinds are legal and to be skipped */
    uint32_t source;      /* number of the publishing instance; 0 = the host itself */
    uint32_t stream;      /* the source's own sequence: seq counts within (source, stream) */
    uint32_t epoch;       /* counts up each time the stream's continuity was interrupted */
    uint32_t flags;       /* HAWSE_EVENT_... */
    uint64_t seq;         /* 1, 2, 3, ... without holes: a hole that is seen is a loss */
    uint64_t t_recv_ns;   /* monotonic, when the bytes came off the socket; 0 = no socket */
    uint64_t t_source_ns; /* UTC nanoseconds as the source states it; 0 = not stated */
    uint64_t key;         /* routing key (address, asset, account ...): see hawse_key */
    const uint8_t *data;  /* the record; 8-byte aligned, but for frames, which begin anywhere */
    uint64_t len;
} hawse_event_t;

/* flags of an event */
#define HAWSE_EVENT_BACKFILLED 0x1u /* late: fetched after a gap, not pushed live */
#define HAWSE_EVENT_REMOVED    0x2u /* takes back an earlier event: its block left the chain */
#define HAWSE_EVENT_LOCAL      0x4u /* concerns this subscriber only (a gap in its own queue) */

/* Numbers of the spaces that ship with ABI v1; 0x8000 and up are handed out at run time. */
#define HAWSE_SPACE_HOST     1u /* hawse/space/host.h timers, frames, completions: host to owner */
#define HAWSE_SPACE_STREAM   2u /* hawse/space/stream.h gap, healed, retract, final, state */
#define HAWSE_SPACE_EVM      3u /* hawse/space/evm.h */
#define HAWSE_SPACE_SOLANA   4u /* hawse/space/solana.h */
#define HAWSE_SPACE_MARKET   5u /* hawse/space/market.h */
#define HAWSE_SPACE_WALLET   6u /* hawse/space/wallet.h */
#define HAWSE_SPACE_INTENT   7u /* hawse/space/intent.h */
#define HAWSE_SPACE_POSITION 8u /* hawse/space/position.h */

/* At most this many events come in one call of on_events. */
#define HAWSE_BATCH_MAX 64u
/* At least this many readable bytes follow the data of a frame; their value means nothing. */
#define HAWSE_PADDING 64u

/* The routing key of an identifier: an address (20 bytes), an asset or account (32), any name.
 * Equal identifiers have equal keys; the reverse is not promised, so compare the identifier too. */
static inline uint64_t hawse_key(const uint8_t *id, uint64_t len)
{
    uint64_t k = len * 0x9e3779b97f4a7c15u;
    for (uint64_t i = 0; i < len; i += 8) {
        const uint8_t *p = id + i;
        uint64_t word = 0, left = len - i, low = 0;
        if (left >= 8) { /* written so that compilers make one load of it */
            word = (uint64_t)p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 |
                   (uint64_t)p[3] << 24 | (uint64_t)p[4] << 32 | (uint64_t)p[5] << 40 |
                   (uint64_t)p[6] << 48 | (uint64_t)p[7] << 56;
        } else {
            if (left >= 4) {
                word = (uint64_t)p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 |
                       (uint64_t)p[3] << 24;
                low = 4;
            }
            for (; low < left; low++)
                word |= (uint64_t)p[low] << (8 * low);
        }
        k = (k ^ word) * 0xff51afd7ed558ccdu; /* finalizer constant of MurmurHash3 */
        k ^= k >> 32;
    }
    return k;
}

/* ---- what the plugin offers ------------------------------------------------------------------ */

typedef struct hawse_host hawse_host_t;

/*
 * The plugin's table. Static, owned by the plugin, constant for the life of the process: a plugin
 * is never unloaded. All functions but query are required.
 */
typedef struct hawse_plugin {
    uint32_t size;      /* sizeof(hawse_plugin_t) as the plugin was compiled */
    uint32_t abi_minor; /* HAWSE_ABI_MINOR as the plugin was compiled; informational */
    const char *id;     /* must equal the manifest's id */

    /* [lane; borrows config, gives state] Make the state of one instance. `config` is the
     * instance's settings as JSON text (an object, checked against the manifest's schema), borrowed
     * for the call. Query services and subscribe here or in start. On failure: set_error, return a
     * negative code, leave *state alone; destroy is then not called. */
    int32_t (*create)(const hawse_host_t *host, hawse_instance_t self, hawse_view_t config,
                      void **state);

    /* [lane, created] Begin: open streams, set timers. Called once every instance is created. */
    int32_t (*start)(void *state);

    /* [lane, started; borrows events] Take events, oldest first. Returns how many were taken (0 to
     * n): the rest stay queued and come again, and their source is slowed down or loses them as the
     * subscription's policy says. A negative code stops the instance as failed. */
    int32_t (*on_events)(void *state, const hawse_event_t *const *events, uint32_t n);

    /* [lane, started] Wind down: no events but completions follow. HAWSE_E_AGAIN asks to be called
     * again; at deadline_ns (monotonic) the instance is destroyed whatever it answered. */
    int32_t (*stop)(void *state, uint64_t deadline_ns);

    /* [lane, stopped or never started; ends state] Free the state. All its handles are already
     * stale. */
    void (*destroy)(void *state);

    /* [any; borrows interface_id, lends return for the process] Optional interfaces of the plugin
     * by id ("hawse.state/1", "org.example.x/1"): a static table that begins with uint32_t size, or
     * NULL. */
    const void *(*query)(const char *interface_id);
} hawse_plugin_t;

/* ---- what the host offers -------------------------------------------------------------------- */

/* clocks of now() */
#define HAWSE_CLOCK_MONOTONIC 0u /* nanoseconds since an arbitrary start: order and latency */
#define HAWSE_CLOCK_UTC       1u /* nanoseconds since 1970-01-01T00:00:00Z: records */

/* levels of log() */
#define HAWSE_LOG_ERROR 0u /* somebody must look now */
#define HAWSE_LOG_WARN  1u /* edge case, failover, degraded */
#define HAWSE_LOG_INFO  2u /* what an operator wants to read */
#define HAWSE_LOG_DEBUG 3u /* traces; off in production */

/*
 * The host's table: a small core that never grows much; everything else is a service, by query.
 * Owned by the host, constant for the life of the process.
 */
struct hawse_host {
    uint32_t size;
    uint32_t abi_minor;
    const char *fork_tag; /* "hawse" for the original; forks must change it */

    /* [any] The time of the current callback: it does not move until the callback returns, and
     * under replay it is the recorded one. On other threads: the time of the call. */
    uint64_t (*now)(const hawse_host_t *host, uint32_t clock);

    /* [any; borrows text] Write one line of text (no newline needed) to the host's log in the
     * instance's name. Lines above 1 KiB are cut, lines above 100 a second are counted and left
     * out. */
    void (*log)(const hawse_host_t *host, hawse_instance_t self, uint32_t level, hawse_view_t text);

    /* [any; borrows message, hint] State why a call is about to fail: what went wrong, and what the
     * operator can do. Returns `code`, so that a callback can end with `return
     * host->set_error(...)`. */
    int32_t (*set_error)(const hawse_host_t *host, hawse_instance_t self, int32_t code,
                         hawse_view_t message, hawse_view_t hint);

    /* [any] Deliver an event HAWSE_HOST_POST with `token` to the instance on its own lane. The only
     * way in from threads of the plugin's own. HAWSE_E_AGAIN when 1,024 are waiting. */
    int32_t (*post)(const hawse_host_t *host, hawse_instance_t self, uint64_t token);

    /* [any; borrows id, lends return for the process] The service named `id` ("hawse.timer/1"): a
     * table that begins with uint32_t size and stays valid for the life of the process, or NULL
     * when this host has none of that name. */
    const void *(*query)(const hawse_host_t *host, hawse_instance_t self, const char *id);
};

/* The plugin's two exports. */
HAWSE_EXPORT extern const char hawse_manifest_v1[];

/* [any; lends return for the process] Called once a process, before everything else. The host's
 * table is constant for the life of the process. NULL: this plugin does not run on this host. */
HAWSE_EXPORT const hawse_plugin_t *hawse_plugin_v1(const hawse_host_t *host);

/* ---- conveniences ---------------------------------------------------------------------------- */

/* A view of a NUL-terminated text. */
static inline hawse_view_t hawse_text(const char *text)
{
    hawse_view_t v;
    v.data = (const uint8_t *)text;
    v.len = 0;
    while (text && text[v.len])
        v.len++;
    return v;
}

/* log() and set_error() with NUL-terminated texts. */
static inline void hawse_log(const hawse_host_t *host, hawse_instance_t self, uint32_t level,
                             const char *text)
{
    host->log(host, self, level, hawse_text(text));
}

static inline int32_t hawse_fail(const hawse_host_t *host, hawse_instance_t self, int32_t code,
                                 const char *message, const char *hint)
{
    return host->set_error(host, self, code, hawse_text(message), hawse_text(hint));
}

#ifdef __cplusplus
}
#endif
#endif
