/*
 * Messages of the market channel and of GET /book, read where they stand: which fields a JSON
 * object has, which kind of message that makes it, and the levels of a book. Owns nothing: views
 * point into the frame.
 *
 * Every message is read twice at most: first in the venue's own compact form, in one pass over the
 * marks; what is written in any other way is read again as any JSON. Both give the same.
 */
#ifndef POLYMARKET_WIRE_H
#define POLYMARKET_WIRE_H

#include "book.h"

enum { WIRE_CHANGES_MAX = 16 }; /* of one message in the compact form */

enum wire_field {
    WIRE_NONE,
    WIRE_TYPE, /* event_type */
    WIRE_MARKET,
    WIRE_ASSET,
    WIRE_TIMESTAMP,
    WIRE_HASH,
    WIRE_PRICE,
    WIRE_SIZE,
    WIRE_SIDE,
    WIRE_BEST_BID,
    WIRE_BEST_ASK,
    WIRE_TICK,
    WIRE_NEW_TICK,
    WIRE_LAST_PRICE,
    WIRE_MIN_SIZE,
    WIRE_NEG_RISK,
    WIRE_TX,
    WIRE_WINNER,
    WIRE_TEXTS, /* of the above */
    WIRE_BIDS = WIRE_TEXTS,
    WIRE_ASKS,
    WIRE_CHANGES,
    WIRE_ASSETS,
};

enum wire_kind {
    WIRE_UNKNOWN, /* legal: to be skipped. An answer of GET /book is one too, with levels */
    WIRE_BOOK,
    WIRE_PRICE_CHANGE,
    WIRE_TRADE,
    WIRE_TICK_CHANGE,
    WIRE_BEST,
    WIRE_NEW_MARKET,
    WIRE_RESOLVED,
};

/* One entry of a price_change. */
struct wire_change {
    hawse_view_t asset, side_text, hash, best_bid, best_ask;
    enum side side;
    struct book_change level;
};

struct wire_message {
    enum wire_kind kind;
    bool neg_risk;
    bool has_side[2]; /* the levels of this side are in the stage */
    int32_t levels;   /* HAWSE_OK, or why the levels could not be read */
    /* texts of strings, and "true" or "false" of neg_risk; length 0 = absent, empty or no string */
    hawse_view_t text[WIRE_TEXTS];
    uint32_t change_count, change_next;
    hawse_json_value_t change_list; /* when they are not in `changes`; kind 0 = none */
    hawse_json_value_t assets;      /* of new_market; kind 0 = none */
    struct wire_change changes[WIRE_CHANGES_MAX];
};

/* A walk over the messages of a frame: one object, or an array of them. */
struct wire_frame {
    hawse_json_t doc;
    hawse_json_value_t root;
    uint32_t mark; /* of the next message, while all were compact; 0 = read as any JSON */
    uint32_t seen;
    bool over;
};

/* Begins a walk. HAWSE_E_NOSPACE: more marks than `cap`; HAWSE_E_FORMAT: neither object nor array.
 */
int32_t wire_begin(struct wire_frame *frame, const uint8_t *text, uint64_t len, uint32_t *marks,
                   uint32_t cap);
/* The next message; levels of a book go into `stage`. 1; 0 at the end; HAWSE_E_FORMAT: broken, the
 * walk is over. */
int32_t wire_next(struct wire_frame *frame, struct book *stage, struct wire_message *out);
/* The next entry of a price_change: 1; 0 at the end; HAWSE_E_FORMAT: broken, or a field is no such
 * thing; HAWSE_E_RANGE: a number that no level has. Ask no more after an error. */
int32_t wire_next_change(const struct wire_frame *frame, struct wire_message *message,
                         struct wire_change *out);

/* "1780449126930" into milliseconds; 0 when it is no such number. */
uint64_t wire_millis(hawse_view_t text);
/* 40 digits of hexadecimal. */
bool wire_hash(hawse_view_t text, uint8_t out[20]);

#endif
