/*
 * The Polymarket venue from the inside: what an instance keeps, and what its files offer each
 * other.
 *
 *   polymarket.c  the table: settings, events in      link.c    connections, subscriptions, pings
 *   feed.c        messages of the market channel      ask.c     REST: books, markets, wallets'
 * trades asset.c       assets, gaps, check values          wallet.c  fills of watched wallets
 *   chain.c       fills as the chain logs them        emit.c    records out
 *   missed.c      trades that were not pushed
 *   handover.c    all of it to another build, but for   handover_asset.c  assets and their books
 *   account.h: the operator's own orders and trades
 *   book.c, wire.c: see their headers
 *
 * The guarantee: an asset's book is either the venue's or announced as not being so. A gap is said
 * before anything that follows it; it is healed by a whole book, pushed or asked for. A socket that
 * lives proves nothing: pushed books carry check values, and every asset is compared with the
 * venue's REST answer once in a while, which finds a subscription that the server dropped in
 * silence. When a reader does not keep up, changes of a book are told as one whole book later;
 * trades and fills are never left out.
 */
#ifndef POLYMARKET_H
#define POLYMARKET_H

#include "account.h"
#include "book.h"
#include "wire.h"

#include <hawse/hawse.h>
#include <hawse/reader.h>
#include <hawse/service/http.h>
#include <hawse/service/metrics.h>
#include <hawse/service/sign.h>
#include <hawse/service/stream.h>
#include <hawse/service/sub.h>
#include <hawse/service/timer.h>
#include <hawse/space/evm.h>
#include <hawse/space/host.h>
#include <hawse/space/market.h>
#include <hawse/space/stream.h>
#include <hawse/space/wallet.h>
#include <hawse/writer.h>

enum {
    NAME_CAP = 80, /* an asset id has 78 digits at most, a condition 66 characters */
    TEXT_CAP = 23, /* a number of the venue */
    CONNECTIONS_MAX = 60,
    SLOTS = 16,       /* REST requests under way */
    BOOKS_MAX = 50,   /* assets of one POST /books */
    SEEN_MAX = 4096,  /* trades of one wallet that are remembered */
    BODY_CAP = 8192,  /* a request's body */
    PATH_CAP = 1024,  /* a request's path */
    CURSOR_CAP = 256, /* of a page */
    WALLET_STREAM = 1,
    ACCOUNT_STREAM = 5,  /* behind those of market/1 */
    TOLD_MAX = 1024,     /* transactions of one wallet that the chain told last */
    RECENT_MAX = 8192,   /* trades that were told last */
    PAUSE_MAX_SHIFT = 7, /* pauses after refusals: 250 ms to 32 s */
};
#define NONE  UINT32_MAX
#define MS_NS 1000000ull

/* Begins every struct that is found by its name. */
struct name {
    char text[NAME_CAP];
    uint32_t len;
};

/* Finds one of an array of such structs by name; the array never moves. */
struct names {
    const uint8_t *base;
    size_t stride;
    uint32_t *slots;
    uint32_t mask;
};

struct text {
    uint8_t len;
    char bytes[TEXT_CAP];
};

enum phase {
    ASSET_WAITING, /* subscribed; nothing came yet */
    ASSET_LIVE,    /* the book is the venue's */
    ASSET_GAP,     /* said so; a whole book is needed */
};

/* what is still to be told of an asset, in this order */
#define TELL_INFO     0x01u
#define TELL_GAP      0x02u
#define TELL_SNAPSHOT 0x04u
#define TELL_HEALED   0x08u
#define TELL_LIVE     0x10u
#define TELL_QUOTE    0x20u
#define TELL_STATE    0x40u
#define TELL_CHECK    0x80u /* not told: the best prices are compared first */

struct asset {
    struct name id;
    uint8_t market[32];
    uint64_t key;
    uint32_t connection;
    uint32_t condition; /* index; NONE = not known yet */
    struct book book;
    enum phase phase;
    uint32_t tell; /* TELL_... */
    uint32_t next; /* of those with something to tell; NONE = last */
    bool queued;
    /* what the check value covers, and what the last message said */
    uint64_t ts; /* ms */
    struct text timestamp, tick, min_size, last_price;
    bool meta, neg_risk;
    uint8_t hash[20];
    bool hash_due;
    uint32_t next_due;
    uint64_t said_bid, said_ask;
    bool said;
    uint32_t mismatches, distrust; /* in a row; resyncs that changed nothing */
    uint64_t mismatch_ns;
    /* continuity */
    uint64_t gap_from, gap_to;
    uint32_t gap_reason;
    uint64_t missed_ts; /* ms: of the last change that found no book to go into */
    uint64_t subscribed_ns, resynced_ns, audited_ns;
    uint64_t suspect_ts, suspect_ns; /* the venue has a newer book; since when that is known */
    bool resync, asking;             /* a whole book is wanted; is being asked for */
    uint32_t state;                  /* HAWSE_MARKET_OPEN ...; 0 = not told yet */
    uint8_t winner[32];
    hawse_market_level_t told[2]; /* the last quote */
    char outcome[16];
    struct {                     /* trades that may have been missed; from_ms 0: none */
        uint64_t from_ms, to_ms; /* of the last message before; when the book was right again */
        uint64_t due_ns;         /* when the data API is asked; 0: not yet */
        uint32_t reason;
    } lost;
    uint64_t since_ms; /* when its book was right for the first time; 0: not yet */
    bool nameless;     /* a trade was pushed without its transaction: rows can't be told apart */
};

/* A trade that was told, by its market and transaction. */
struct told {
    uint64_t key, ms; /* ms 0: none */
    uint64_t whole;   /* the key of all that was pushed of it; 0: it was not */
    uint32_t scan;    /* of the answer that told it; 0: it was pushed */
    uint32_t reserved;
};

struct missed {
    struct told told[RECENT_MAX]; /* a ring */
    uint32_t next, scan;
    uint32_t open;         /* assets whose trades have a gap */
    uint32_t failures;     /* in a row */
    uint64_t forgotten_ms; /* of the newest that fell out of the ring */
    uint64_t asked_ns, asked_ms, retry_ns;
    uint32_t condition; /* of the question under way, and since when */
    uint64_t from_ms;
    bool asking, audit;
    uint32_t audit_next;     /* condition */
    uint64_t audit_ns;       /* when it is asked for; 0: not begun */
    char cursor[CURSOR_CAP]; /* of the next page */
};

struct condition {
    struct name id;
    uint8_t bytes[32];
    bool wanted; /* named in the settings: its assets are to be followed */
    bool asking;
    uint64_t retry_ns;
    uint64_t audited_ms; /* trades before it were looked at; 0: none */
    uint32_t fee_ppm, fee_exponent;
    uint32_t state; /* HAWSE_MARKET_OPEN or HALTED: it takes no orders */
};

struct connection {
    hawse_stream_t stream;
    hawse_channel_t channel;
    bool open;
    uint64_t ping_ns, heard_ns; /* a PING was sent, a frame came */
    uint32_t assets, live;      /* of this connection */
    uint64_t frames;            /* in this batch */
    uint64_t messages;
    uint32_t silent; /* assets found silent since it opened */
};

struct seen {
    uint64_t key[2];
    uint64_t time;
    uint32_t count, now; /* told; met in the present answer */
};

struct wallet {
    struct name id; /* lower case, 0x... */
    uint8_t bytes[32];
    uint64_t key;
    struct seen *seen;
    uint32_t seen_count;
    uint64_t watermark; /* s: nothing older is told */
    uint64_t newest;    /* s */
    uint64_t poll_ns;   /* next */
    uint32_t wakes;     /* quick polls still to come */
    uint32_t failures;
    bool asking, gap;
    char cursor[CURSOR_CAP];
    uint64_t *told; /* keys of transactions, a ring */
    uint32_t told_next;
};

enum ask_kind {
    ASK_FREE,
    ASK_BOOK,
    ASK_BOOKS,
    ASK_CONDITION,
    ASK_TRADES,
    ASK_MISSED,
    ASK_ACCOUNT,
};

struct slot {
    enum ask_kind kind;
    hawse_request_t request;
    uint32_t index; /* asset, condition or wallet */
    uint32_t count;
    uint32_t assets[BOOKS_MAX];
    uint64_t sent_ns;
};

/* An event that may not be left out and found no room. */
struct held {
    hawse_event_t event;
    union {
        hawse_market_trade_t trade;
        hawse_wallet_fill_t fill;
        hawse_wallet_order_t order;
        hawse_market_info_t info;
        hawse_market_state_t state;
        hawse_wallet_trade_t own;
        hawse_stream_range_t range;
    } record;
};

struct pm_settings {
    uint32_t per_connection, ping_ms, pong_ms, dump_ms, audit_ms, poll_ms, chain_ms, account_ms,
        trades_late_ms, trades_audit_ms, requests_per_second;
};

struct pm_counters {
    hawse_metric_t messages, malformed, unknown, stale, mismatches, checked, gaps, healed, resyncs,
        silent, requests, failures, fills, live, orders, trades, doubts, late;
};

struct pm {
    const hawse_host_t *host;
    hawse_instance_t self;
    const hawse_sub_service_t *sub;
    const hawse_stream_service_t *streams;
    const hawse_timer_service_t *timers;
    const hawse_http_service_t *http;
    const hawse_sign_service_t *sign; /* NULL: this host has none */
    const hawse_metrics_service_t *metrics;
    struct pm_settings set;
    struct pm_counters count;
    bool stopping;
    hawse_timer_t tick;
    uint64_t complaint_ns;

    struct asset *assets;
    uint32_t asset_count, asset_cap;
    struct names asset_names;
    struct condition *conditions;
    uint32_t condition_count, condition_cap;
    struct names condition_names;
    struct wallet *wallets;
    uint32_t wallet_count;
    bool chain; /* an instance of Polygon is linked */
    uint8_t fill_topics[2][32];
    struct names wallet_names;

    struct connection connections[CONNECTIONS_MAX];
    uint32_t connection_count;
    hawse_stream_t rtds;
    bool rtds_open;
    uint64_t rtds_ping_ns, rtds_heard_ns;
    struct account account;

    struct missed missed;

    /* to tell */
    uint32_t tell_first, tell_last; /* assets */
    struct held *held;
    uint32_t held_first, held_count, held_cap;
    uint32_t epoch;

    /* check values that are due */
    uint32_t due_first, due_last;

    /* REST */
    struct slot slots[SLOTS];
    uint32_t slots_used;
    uint64_t tokens; /* of the bucket, in millionths */
    uint64_t filled_ns, pause_ns;
    uint32_t failures;
    uint32_t audit_next;

    struct book stage;
    struct wire_message message;
    uint32_t *marks;
    uint32_t marks_cap;
    uint8_t *scratch; /* canonical texts, subscription frames */
    uint64_t scratch_cap;
};

/* polymarket.c */
void pm_log(struct pm *p, uint32_t level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Of what may come thousands of times: one line in ten seconds. */
void pm_complain(struct pm *p, const char *format, ...) __attribute__((format(printf, 2, 3)));
void pm_add(struct pm *p, hawse_metric_t metric, int64_t n);
uint64_t pm_now(const struct pm *p);
bool pm_room(struct pm *p, uint64_t bytes); /* of scratch */
/* A transaction's hash; zeros and false when it is none. */
bool pm_tx(hawse_view_t text, uint8_t out[32]);
/* HAWSE_SIDE_... of "BUY" and "SELL". */
uint32_t pm_side(hawse_view_t text);

/* An instance that has taken its settings, and done nothing else yet. */
int32_t pm_make(const hawse_host_t *host, hawse_instance_t self, hawse_view_t config,
                struct pm **out);
void pm_free(struct pm *p);

/* handover.c: hawse.state/1 */
int32_t pm_save(void *state, uint8_t *out, uint64_t cap, uint64_t *need);
int32_t pm_restore(const hawse_host_t *host, hawse_instance_t self, hawse_view_t config,
                   hawse_view_t saved, void **state);

/* handover_asset.c: assets, conditions, and the two queues of assets. Into one that has those of
 * its settings; connections were read before. */
void handover_put_assets(const struct pm *p, hawse_writer_t *w);
void handover_get_assets(struct pm *p, hawse_reader_t *r);

/* asset.c */
bool names_init(struct names *n, const void *base, size_t stride, uint32_t cap);
uint32_t names_find(const struct names *n, hawse_view_t text);
void names_add(struct names *n, uint32_t index);
/* The asset of that id; NONE when it is no asset id or there is no room. */
uint32_t asset_add(struct pm *p, hawse_view_t id);
uint32_t condition_add(struct pm *p, hawse_view_t id);
void text_set(struct text *t, hawse_view_t from);
static inline hawse_view_t text_view(const struct text *t)
{
    return (hawse_view_t){(const uint8_t *)t->bytes, t->len};
}
void asset_tell(struct pm *p, struct asset *a, uint32_t what);
/* The book is no longer known to be the venue's. */
void asset_gap(struct pm *p, struct asset *a, uint32_t reason);
/* A whole book is in the stage. `pushed`: by the stream, else by an answer. */
void asset_book(struct pm *p, struct asset *a, const struct wire_message *m, bool pushed);
/* The venue had a newer book a moment ago: is it here by now? */
void asset_suspect(struct pm *p, struct asset *a);
/* The check value of the book as it stands is due. */
void asset_due(struct pm *p, struct asset *a, hawse_view_t hash);
/* Behind those whose check value is due; false: it is among them. */
bool asset_queue_due(struct pm *p, struct asset *a);
/* Compares check values that are due, a bounded number of them. */
void asset_check_due(struct pm *p);
/* Compares the best prices with those that came with the last change. */
void asset_check_best(struct pm *p, struct asset *a);

/* feed.c */
void feed_frame(struct pm *p, struct connection *c, const hawse_event_t *event);
/* Indexes a text, with as many marks as it takes. */
int32_t feed_begin(struct pm *p, struct wire_frame *frame, const uint8_t *text, uint64_t len);

/* link.c */
void link_open(struct pm *p);
/* Opens what new assets need, and subscribes them. */
void link_spread(struct pm *p);
void link_event(struct pm *p, const hawse_event_t *event);
void link_tick(struct pm *p);
/* Subscribes one asset anew: the server may have lost it. */
void link_resubscribe(struct pm *p, struct asset *a);
/* A frame could not be read: begins this connection anew. */
void link_broken(struct pm *p, struct connection *c);
/* An asset was found silent on an open connection: it alone, or are there many? */
void link_silent(struct pm *p, struct asset *a);
/* One more (1) or one less (-1) of the connection's assets is live. */
void link_live(struct pm *p, struct asset *a, int change);

/* ask.c */
struct ask {
    enum ask_kind kind;
    const char *endpoint, *method, *path, *body;
    uint64_t body_len;
    const char *credential; /* NULL = without a login */
    bool login;             /* it is the login itself: no path */
};
bool ask_may(const struct pm *p, uint64_t now);
/* Sends it; NULL: not now. */
struct slot *ask_send(struct pm *p, const struct ask *ask);
/* "NAME=VALUE" of a query, the value percent-encoded; the number of bytes. */
int ask_add(char *out, size_t cap, const char *name, const char *value);
void ask_tick(struct pm *p);
void ask_answer(struct pm *p, const hawse_event_t *event);
void ask_cancel(struct pm *p);

/* missed.c */
/* The asset's trades may not all have been pushed; and no more from now on. */
void missed_begin(struct pm *p, struct asset *a, uint32_t reason);
void missed_live(struct pm *p, struct asset *a);
/* A trade was pushed; false: it was told before. */
bool missed_pushed(struct pm *p, const struct asset *a, const hawse_market_trade_t *trade,
                   uint64_t ms);
void missed_tick(struct pm *p, uint64_t now);
/* Asks for the next market's trades, to see whether all were told. */
void missed_audit(struct pm *p, uint64_t now);
/* An answer about a market's trades; true when another page follows. */
bool missed_page(struct pm *p, uint32_t condition, const uint8_t *body, uint64_t len);
/* `ours`: it is no use to ask again. */
void missed_failed(struct pm *p, uint32_t condition, bool ours);

/* wallet.c */
/* A row of the data API. */
struct wallet_row {
    hawse_wallet_fill_t fill; /* without its wallet */
    uint64_t time;            /* s */
    uint64_t price;           /* times 10^12 */
    hawse_view_t token;
};
/* The rows of an answer, at most `cap`; what is none is counted. Cursor of the next page, or empty.
 */
bool wallet_rows(struct pm *p, const uint8_t *body, uint64_t len, struct wallet_row *rows,
                 uint32_t cap, uint32_t *count, char cursor[CURSOR_CAP]);
void wallet_rtds(struct pm *p, const hawse_event_t *event);
/* An answer of GET /v2/trades; true when another page follows. */
bool wallet_page(struct pm *p, struct wallet *w, const uint8_t *body, uint64_t len);
void wallet_failed(struct pm *p, struct wallet *w);
/* A number of JSON, an exponent too, times 10^decimals, half up; HAWSE_E_FORMAT, HAWSE_E_RANGE. */
int32_t wallet_decimal(hawse_view_t text, uint32_t decimals, uint64_t *out);

/* chain.c */
/* The topics of what chain_event reads. */
void chain_init(struct pm *p);
/* Follows the exchanges' logs when an instance is linked as "chain" and there are wallets. */
int32_t chain_subscribe(struct pm *p);
/* Topic 0 of OrderFilled: 0 = V2 and V3, 1 = V1. */
void chain_topic(int version, uint8_t out[32]);
void chain_event(struct pm *p, const hawse_event_t *event);
/* HAWSE_E_FORMAT: no OrderFilled; HAWSE_E_NOTFOUND: one of nothing. */
int32_t chain_fill(const struct pm *p, const hawse_evm_log_t *log, hawse_wallet_fill_t *out);
/* Did the chain tell a fill of this wallet in that transaction? */
bool chain_told(const struct wallet *w, const uint8_t tx[32]);

/* account.c */
/* One order or trade: of the user channel, or a row of REST. */
void account_order(struct pm *p, const hawse_json_t *doc, hawse_json_value_t *row,
                   enum source source);
void account_trade(struct pm *p, const hawse_json_t *doc, hawse_json_value_t *row,
                   enum source source);
/* The venue knows nothing of this order any more. */
void account_order_gone(struct pm *p, struct own_order *o);
/* Something that the channel should have told. */
void account_doubt(struct account *a, uint64_t what);
/* Milliseconds of seconds, milliseconds or ISO 8601; 0: none of them. */
uint64_t account_time(hawse_view_t text);
/* Room for so many, as it would have grown to; false: it never holds so many, or no memory. */
bool account_reserve(struct account *a, uint32_t orders, uint32_t trades);
/* Since when trades are to be asked for. */
uint64_t account_after(const struct account *a);

/* account_link.c */
int32_t account_init(struct pm *p, hawse_view_t credential);
void account_finish(struct pm *p);
void account_open(struct pm *p);
void account_frame(struct pm *p, const hawse_event_t *event);
void account_state(struct pm *p, uint32_t state);
void account_tick(struct pm *p, uint64_t now);
void account_answer(struct pm *p, const hawse_host_http_done_t *done, const uint8_t *body);

/* emit.c */
/* Tells what is to be told; false: no room. */
bool emit_flush(struct pm *p);
void emit_delta(struct pm *p, struct asset *a, const struct wire_change *c,
                const hawse_event_t *by);
void emit_trade(struct pm *p, struct asset *a, const struct wire_message *m,
                const hawse_event_t *by);
/* A trade that the data API has and the channel did not tell. */
struct wallet_row;
void emit_missed(struct pm *p, const struct asset *a, const struct wallet_row *row);
void emit_fill(struct pm *p, const struct wallet *w, const hawse_wallet_fill_t *fill,
               uint32_t flags, uint64_t t_recv_ns);
/* One outcome of a market that was made just now. */
void emit_new_market(struct pm *p, const uint8_t market[32], const uint8_t group[32], uint64_t ms);
/* HAWSE_WALLET_ORDER or HAWSE_WALLET_TRADE, of `ms`. */
void emit_own(struct pm *p, uint16_t kind, const void *record, uint64_t len, uint64_t ms,
              uint32_t flags);
void emit_range(struct pm *p, uint16_t kind, uint32_t stream, uint64_t key, uint32_t reason,
                uint64_t from, uint64_t to);

#endif
