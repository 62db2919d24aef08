/*
 * The order book of one asset: two sides of price levels, exact. Prices and sizes are integers in
 * millionths; beside each level stand the venue's own texts, because its check value is a hash of
 * them ("0.920" is not "0.92").
 *
 * Owned by one asset, on its lane. Memory grows with the largest book seen and is kept: a message
 * costs no allocation once the book has had that many levels.
 */
#ifndef POLYMARKET_BOOK_H
#define POLYMARKET_BOOK_H

#include <hawse/json.h>
#include <stdbool.h>

enum {
    BOOK_ONE = 1000000,      /* a price of 1 */
    BOOK_LEVELS_MAX = 10000, /* of one side: the finest tick gives 9,999 */
    LEVEL_TEXT = 30,         /* price and size together */
    BOOK_TEXT_MAX = 160, /* bytes of the canonical text without its levels, at most, beside ids */
};

enum side { SIDE_BID, SIDE_ASK };

/* 40 bytes. */
struct level {
    uint64_t size;
    uint8_t price_len, size_len;
    char text[LEVEL_TEXT]; /* the price, then the size, as the venue wrote them */
};

/* Levels in the venue's order: the best one last, which is where most changes are. */
struct book_side {
    uint32_t count, cap;
    uint32_t *price;
    struct level *level;
    bool ascending; /* bids */
};

struct book {
    struct book_side side[2];
};

/* What the check value covers beside the levels; texts as the venue wrote them. */
struct book_texts {
    hawse_view_t market, asset, timestamp, min_size, tick, last_price;
    bool neg_risk;
};

/* A level as texts and numbers. */
struct book_change {
    uint32_t price;
    uint64_t size; /* 0 = gone */
    hawse_view_t price_text, size_text;
};

void book_init(struct book *book);
void book_finish(struct book *book);
void book_clear(struct book *book);

/* HAWSE_PADDING readable bytes must follow every text that is given to a book, as in a frame. */

/* "0.48", ".48", "12.5": into millionths. HAWSE_E_FORMAT: no such number; HAWSE_E_RANGE: finer than
 * a millionth, or 10^12 and more. */
int32_t book_number(hawse_view_t text, uint64_t *out);
/* A price: above 0, below 1. HAWSE_E_RANGE. */
int32_t book_price(hawse_view_t text, uint32_t *out);

/* Sets a level to a new total, or takes it away. HAWSE_E_NOMEM, HAWSE_E_LIMIT (levels, texts). */
int32_t book_set(struct book *book, enum side side, const struct book_change *change);
/* Replaces a side by an array of {"price","size"}. On error the side is empty. */
int32_t book_load(struct book *book, enum side side, const hawse_json_t *doc,
                  hawse_json_value_t array);

/* The same for an array in the venue's own form whose bracket is that mark. Returns the mark of its
 * closing bracket; 0: another form, or not good: the side is empty then. */
uint32_t book_load_plain(struct book *book, enum side side, const hawse_json_t *doc, uint32_t mark);
/* Hands the levels over; `from` gets those of `to`, to be overwritten. */
void book_take(struct book *to, struct book *from);

static inline bool book_best(const struct book *book, enum side side, uint32_t *price,
                             uint64_t *size)
{
    const struct book_side *s = &book->side[side];
    *price = s->count ? s->price[s->count - 1] : 0;
    *size = s->count ? s->level[s->count - 1].size : 0;
    return s->count > 0;
}

/* A bid at or above an ask: no real book. */
bool book_crossed(const struct book *book);

/* Room that book_hash needs. */
uint64_t book_text_size(const struct book *book, const struct book_texts *texts);
/* The venue's check value: SHA-1 of its canonical JSON, built in `scratch`. */
void book_hash(const struct book *book, const struct book_texts *texts, uint8_t *scratch,
               uint8_t digest[20]);

#endif
