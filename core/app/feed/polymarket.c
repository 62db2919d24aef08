/*
 * Polymarket as a feed: the market channel of a sample, to whoever subscribed to its assets, and
 * REST answers for books and markets as they are at that moment. It keeps each asset's book, and
 * says the venue's check value of it anew, because later rounds have later times.
 *
 * The header's "markets" are {"condition_id", "asset_ids", "neg_risk", "min_order_size"}.
 */
#include "app/feed/tape.h"
#include "app/feed/world.h"

#include <hawse/types.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

struct polymarket {
    struct tape tape;
    json_t *books; /* asset: its book, members in the order that the check value asks for */
};

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

static void destroy(void *state)
{
    struct polymarket *p = state;
    tape_finish(&p->tape);
    json_decref(p->books);
    free(p);
}

/* Empty books, so that all members are there and in order. */
static int32_t read_header(struct polymarket *p, const char *path, struct fault *fault)
{
    json_t *market, *asset;
    size_t i, k;
    json_array_foreach(json_object_get(p->tape.header, "markets"), i, market)
    {
        json_array_foreach(json_object_get(market, "asset_ids"), k, asset)
        {
            if (!json_is_string(asset))
                continue;
            json_t *book = json_pack(
                "{s:s, s:O, s:s, s:s, s:[], s:[], s:s, s:s, s:b, s:s}", "market",
                text_of(market, "condition_id"), "asset_id", asset, "timestamp", "0", "hash", "",
                "bids", "asks", "min_order_size", text_of(market, "min_order_size"), "tick_size",
                text_of(market, "initial_tick_size"), "neg_risk",
                json_is_true(json_object_get(market, "neg_risk")), "last_trade_price", "");
            (void)json_object_set_new(p->books, json_string_value(asset), book);
        }
    }
    return json_object_size(p->books) > 0
               ? HAWSE_OK
               : fault_set(fault, HAWSE_E_FORMAT, "%s:1: \"markets\" names no asset", path);
}

int32_t feed_polymarket_read(FILE *f, const char *path, void **state, struct fault *fault)
{
    struct polymarket *p = calloc(1, sizeof(*p));
    *state = NULL;
    if (!p)
        return fault_set(fault, HAWSE_E_NOMEM, "no memory for the feed");
    p->books = json_object();
    int32_t code = tape_read(f, path, &p->tape, fault);
    if (code == HAWSE_OK)
        code = read_header(p, path, fault);
    if (code == HAWSE_OK)
        *state = p;
    else
        destroy(p);
    return code;
}

/* ---- books ---- */

/* The venue's check value: SHA-1 of the book as JSON, with an empty hash. */
static void say_hash(json_t *book)
{
    uint8_t digest[20];
    char text[41];
    (void)json_object_set_new(book, "hash", json_string(""));
    char *whole = json_dumps(book, JSON_COMPACT);
    if (whole && EVP_Digest(whole, strlen(whole), digest, NULL, EVP_sha1(), NULL) == 1) {
        for (size_t i = 0; i < sizeof(digest); i++)
            (void)snprintf(text + 2 * i, 3, "%02x", digest[i]);
        (void)json_object_set_new(book, "hash", json_string(text));
    }
    free(whole);
}

/* One level set or, with size 0, taken out. Bids rise and asks fall towards their ends. */
static void set_level(json_t *side, bool rising, const char *price, const char *size)
{
    double wanted = strtod(price, NULL);
    size_t at = 0;
    for (; at < json_array_size(side); at++) {
        double there = strtod(text_of(json_array_get(side, at), "price"), NULL);
        if (there == wanted) {
            (void)json_array_remove(side, at);
            break;
        }
        if (rising ? there > wanted : there < wanted)
            break;
    }
    if (strtod(size, NULL) > 0)
        (void)json_array_insert_new(side, at,
                                    json_pack("{s:s, s:s}", "price", price, "size", size));
}

static void copy_member(json_t *to, const char *as, const json_t *from, const char *key)
{
    json_t *value = json_object_get(from, key);
    if (json_is_string(value) || json_is_array(value))
        (void)json_object_set_new(to, as, json_deep_copy(value));
}

static void on_book(struct polymarket *p, json_t *event)
{
    json_t *book = json_object_get(p->books, text_of(event, "asset_id"));
    if (!book)
        return;
    static const char *const keys[] = {"timestamp", "bids", "asks", "tick_size",
                                       "last_trade_price"};
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        copy_member(book, keys[i], event, keys[i]);
    say_hash(book);
    copy_member(event, "hash", book, "hash");
}

static void on_changes(struct polymarket *p, json_t *event)
{
    json_t *change;
    size_t i;
    json_array_foreach(json_object_get(event, "price_changes"), i, change)
    {
        json_t *book = json_object_get(p->books, text_of(change, "asset_id"));
        bool bid = strcmp(text_of(change, "side"), "BUY") == 0;
        if (!book)
            continue;
        set_level(json_object_get(book, bid ? "bids" : "asks"), bid, text_of(change, "price"),
                  text_of(change, "size"));
        copy_member(book, "timestamp", event, "timestamp");
        say_hash(book);
        copy_member(change, "hash", book, "hash");
    }
}

/* Moves the event's time into this round and keeps what it says. */
static void learn(struct polymarket *p, json_t *event, uint64_t round)
{
    char text[32];
    const char *type = text_of(event, "event_type");
    json_t *book = json_object_get(p->books, text_of(event, "asset_id"));
    (void)snprintf(text, sizeof(text), "%llu",
                   (unsigned long long)(strtoull(text_of(event, "timestamp"), NULL, 10) +
                                        round * p->tape.span_ms));
    (void)json_object_set_new(event, "timestamp", json_string(text));
    if (strcmp(type, "book") == 0)
        on_book(p, event);
    else if (strcmp(type, "price_change") == 0)
        on_changes(p, event);
    else if (book && strcmp(type, "last_trade_price") == 0)
        copy_member(book, "last_trade_price", event, "price");
    else if (book && strcmp(type, "tick_size_change") == 0)
        copy_member(book, "tick_size", event, "new_tick_size");
}

/* ---- playing ---- */

static bool wants(const struct feed_subscriber *to, const json_t *event)
{
    const json_t *assets = to->count > 0 ? to->list[0].filter : NULL, *change;
    size_t i;
    if (json_object_get(assets, text_of(event, "asset_id")))
        return true;
    json_array_foreach(json_object_get(event, "price_changes"), i, change)
    {
        if (json_object_get(assets, text_of(change, "asset_id")))
            return true;
    }
    return false;
}

static void send_list(struct feed_subscriber *to, const json_t *events)
{
    json_t *event, *list = json_array();
    size_t i;
    json_array_foreach(events, i, event)
    {
        if (wants(to, event))
            (void)json_array_append(list, event);
    }
    if (json_array_size(list) > 0)
        feed_send_json(to, json_incref(list));
    json_decref(list);
}

static void play(void *state, struct feed_subscriber *first)
{
    struct polymarket *p = state;
    uint64_t round;
    json_t *frame = tape_play(&p->tape, &round), *event;
    size_t i;
    if (json_is_object(frame))
        learn(p, frame, round);
    json_array_foreach(frame, i, event)
    {
        learn(p, event, round);
    }
    for (struct feed_subscriber *to = first; to; to = to->next) {
        if (json_is_array(frame))
            send_list(to, frame);
        else if (wants(to, frame))
            feed_send_json(to, json_incref(frame));
    }
    json_decref(frame);
}

/* ---- messages and questions ---- */

/* The book of an asset as the channel pushes it, or NULL: there is none yet. */
static json_t *pushed(const struct polymarket *p, const char *asset)
{
    json_t *book = json_object_get(p->books, asset);
    if (!book || text_of(book, "hash")[0] == '\0')
        return NULL;
    json_t *copy = json_copy(book);
    (void)json_object_set_new(copy, "event_type", json_string("book"));
    return copy;
}

static char *message(void *state, struct feed_subscriber *from, const char *text, size_t len)
{
    if (len == 4 && memcmp(text, "PING", 4) == 0)
        return strdup("PONG");
    json_t *request = json_loadb(text, len, 0, NULL), *asset, *dump = json_array();
    bool leaves = strcmp(text_of(request, "operation"), "unsubscribe") == 0;
    if (from->count == 0)
        *feed_subscribe(from) = (struct feed_subscription){.filter = json_object()};
    size_t i;
    json_array_foreach(json_object_get(request, "assets_ids"), i, asset)
    {
        const char *name = json_string_value(asset);
        if (!name)
            continue;
        if (leaves)
            (void)json_object_del(from->list[0].filter, name);
        else
            (void)json_object_set_new(from->list[0].filter, name, json_true());
        json_t *book = leaves ? NULL : pushed(state, name);
        if (book)
            (void)json_array_append_new(dump, book);
    }
    char *answer = json_array_size(dump) > 0 ? json_dumps(dump, JSON_COMPACT) : NULL;
    json_decref(dump);
    json_decref(request);
    return answer;
}

static json_t *books_of(const struct polymarket *p, const char *text, size_t len)
{
    json_t *asked = json_loadb(text, len, 0, NULL), *item, *list = json_array();
    size_t i;
    json_array_foreach(asked, i, item)
    {
        json_t *book = json_object_get(p->books, text_of(item, "token_id"));
        if (book && text_of(book, "hash")[0] != '\0')
            (void)json_array_append(list, book);
    }
    json_decref(asked);
    return list;
}

/* /clob-markets/CONDITION; NULL: there is none. */
static json_t *market_of(const struct polymarket *p, const char *condition)
{
    json_t *market;
    size_t i;
    json_array_foreach(json_object_get(p->tape.header, "markets"), i, market)
    {
        const json_t *assets = json_object_get(market, "asset_ids");
        if (strcmp(text_of(market, "condition_id"), condition) != 0 || json_array_size(assets) < 2)
            continue;
        return json_pack("{s:s, s:[{s:O, s:s}, {s:O, s:s}], s:b, s:{s:f, s:i, s:b}}", "c",
                         condition, "t", "t", json_array_get(assets, 0), "o", "Yes", "t",
                         json_array_get(assets, 1), "o", "No", "ao", 1, "fd", "r", 0.05, "e", 1,
                         "to", 1);
    }
    return NULL;
}

static char *request(void *state, const char *path, const char *text, size_t len, int *status)
{
    const struct polymarket *p = state;
    json_t *out = NULL;
    if (strncmp(path, "/book?token_id=", 15) == 0)
        out = json_incref(json_object_get(p->books, path + 15));
    else if (strcmp(path, "/books") == 0)
        out = books_of(p, text, len);
    else if (strncmp(path, "/clob-markets/", 14) == 0)
        out = market_of(p, path + 14);
    *status = out ? 200 : 404;
    if (!out)
        out = json_pack("{s:s}", "error", "the sample does not hold this");
    char *answer = json_dumps(out, JSON_COMPACT);
    json_decref(out);
    return answer;
}

static double due_ms(const void *state)
{
    return tape_due_ms(&((const struct polymarket *)state)->tape);
}

static void describe(const void *state, char *out, size_t cap)
{
    const struct polymarket *p = state;
    (void)snprintf(out, cap, "Polymarket, %zu assets, %zu frames", json_object_size(p->books),
                   p->tape.count);
}

const struct feed_world feed_polymarket = {
    .due_ms = due_ms,
    .play = play,
    .message = message,
    .request = request,
    .describe = describe,
    .destroy = destroy,
};
