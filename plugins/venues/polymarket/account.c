/* Own orders and trades: rows in, what is news out; see account.h. */
#include "polymarket.h"

#include <hawse/hex.h>
#include <hawse/u256.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS_FIRST = 64, ROWS_MAX = 8192, OVERLAP_S = 300, ID_CAP = 64, DECIMALS = 6 };

/* ---- texts ---- */

/* A member's text: of a string or a number; length 0 = neither, or not there. */
static hawse_view_t text_of(const hawse_json_t *doc, hawse_json_value_t *object, const char *key)
{
    hawse_json_value_t v;
    if (hawse_json_get(doc, object, key, &v) != HAWSE_OK ||
        (v.kind != HAWSE_JSON_STRING && v.kind != HAWSE_JSON_NUMBER))
        return (hawse_view_t){NULL, 0};
    return (hawse_view_t){v.data, v.len};
}

static bool is(hawse_view_t text, const char *word)
{
    return text.len == strlen(word) && memcmp(text.data, word, text.len) == 0;
}

/* Without "TRADE_STATUS_" or "ORDER_STATUS_", which some answers have. */
static hawse_view_t bare(hawse_view_t status)
{
    static const char *const prefixes[] = {"TRADE_STATUS_", "ORDER_STATUS_"};
    for (int i = 0; i < 2; i++) {
        size_t n = strlen(prefixes[i]);
        if (status.len > n && memcmp(status.data, prefixes[i], n) == 0)
            return (hawse_view_t){status.data + n, status.len - n};
    }
    return status;
}

static uint64_t digits(const uint8_t *at, int n)
{
    uint64_t value = 0;
    for (int i = 0; i < n; i++)
        value = value * 10 + (uint64_t)(at[i] - '0');
    return value;
}

/* "2026-05-01T12:34:56", with anything behind it. Days by the proleptic Gregorian calendar. */
static uint64_t iso_time(hawse_view_t text)
{
    static const char form[] = "0000-00-00T00:00:00";
    if (text.len < sizeof(form) - 1)
        return 0;
    for (size_t i = 0; i + 1 < sizeof(form); i++) {
        bool digit = text.data[i] >= '0' && text.data[i] <= '9';
        if (form[i] == '0' ? !digit : text.data[i] != (uint8_t)form[i] && text.data[i] != ' ')
            return 0;
    }
    uint64_t y = digits(text.data, 4), m = digits(text.data + 5, 2), d = digits(text.data + 8, 2);
    if (y < 1970 || m < 1 || m > 12 || d < 1 || d > 31)
        return 0;
    y -= m <= 2; /* a year begins in March: its odd month is the last one */
    uint64_t day = (153 * (m + (m > 2 ? 0 : 12) - 3) + 2) / 5 + d - 1;
    uint64_t days = y * 365 + y / 4 - y / 100 + y / 400 + day - 719468;
    return (days * 86400 + digits(text.data + 11, 2) * 3600 + digits(text.data + 14, 2) * 60 +
            digits(text.data + 17, 2)) *
           1000;
}

uint64_t account_time(hawse_view_t text)
{
    uint64_t n = wire_millis(text);
    if (n != 0)
        return n < 100000000000u ? n * 1000 : n; /* seconds up to the year 5138 */
    return text.len > 0 ? iso_time(text) : 0;
}

static hawse_u256_t amount(uint64_t n)
{
    return (hawse_u256_t){{n, 0, 0, 0}};
}

static bool token_of(hawse_view_t text, uint8_t out[32])
{
    hawse_u256_t id;
    if (hawse_u256_parse(text.data, text.len, &id) != HAWSE_OK)
        return false;
    hawse_u256_to_be(&id, out);
    return true;
}

static void address_of(hawse_view_t text, uint8_t out[32])
{
    memset(out, 0, 32);
    if (text.len != 42 || hawse_hex_fixed(text.data, 42, out + 12, 20) != HAWSE_OK)
        memset(out, 0, 32);
}

static void malformed(struct pm *p, const char *what)
{
    pm_add(p, p->count.malformed, 1);
    pm_complain(p, "the account: %s is malformed", what);
}

void account_doubt(struct account *a, uint64_t what)
{
    if (a->doubt_count[1] < DOUBTS_MAX)
        a->doubts[1][a->doubt_count[1]++] = what;
}

/* ---- orders ---- */

static uint32_t state_of(hawse_view_t type, hawse_view_t status)
{
    status = bare(status);
    if (is(type, "CANCELLATION") || (status.len >= 8 && memcmp(status.data, "CANCELED", 8) == 0) ||
        is(status, "CANCELLED") || is(status, "INVALID") || is(status, "EXPIRED"))
        return HAWSE_ORDER_CANCELED;
    return is(status, "MATCHED") ? HAWSE_ORDER_FILLED : HAWSE_ORDER_OPEN;
}

static uint32_t kind_of(hawse_view_t text)
{
    static const char *const kinds[] = {"", "GTC", "GTD", "FOK", "FAK"};
    for (uint32_t i = HAWSE_ORDER_GTC; i <= HAWSE_ORDER_FAK; i++) {
        if (is(text, kinds[i]))
            return i;
    }
    return 0;
}

static bool read_order(const hawse_json_t *doc, hawse_json_value_t *row, hawse_wallet_order_t *o)
{
    uint64_t price, original, filled;
    memset(o, 0, sizeof(*o));
    hawse_view_t type = text_of(doc, row, "type");
    o->size = sizeof(*o);
    o->side = pm_side(text_of(doc, row, "side"));
    if (!pm_tx(text_of(doc, row, "id"), o->order) || o->side == HAWSE_SIDE_UNKNOWN ||
        !token_of(text_of(doc, row, "asset_id"), o->market) ||
        wallet_decimal(text_of(doc, row, "price"), DECIMALS, &price) != HAWSE_OK ||
        wallet_decimal(text_of(doc, row, "original_size"), DECIMALS, &original) != HAWSE_OK ||
        wallet_decimal(text_of(doc, row, "size_matched"), DECIMALS, &filled) != HAWSE_OK)
        return false;
    o->state = state_of(type, text_of(doc, row, "status"));
    o->kind = kind_of(text_of(doc, row, "order_type"));
    o->price_mantissa = price;
    o->price_exponent = -DECIMALS;
    o->original = amount(original);
    o->filled = amount(filled);
    /* what is bought at once is asked for in dollars, until the first match says how many shares */
    if (o->kind >= HAWSE_ORDER_FOK && o->side == HAWSE_SIDE_BUY && filled == 0)
        o->flags = HAWSE_ORDER_QUOTE_SIZE;
    (void)pm_tx(text_of(doc, row, "market"), o->group);
    address_of(text_of(doc, row, "maker_address"), o->wallet);
    o->created_s = account_time(text_of(doc, row, "created_at")) / 1000;
    o->expires_s = account_time(text_of(doc, row, "expiration")) / 1000;
    return true;
}

static struct own_order *find_order(struct account *a, const uint8_t id[32])
{
    for (uint32_t i = 0; i < a->order_count; i++) {
        if (memcmp(a->orders[i].last.order, id, 32) == 0)
            return &a->orders[i];
    }
    return NULL;
}

static uint32_t grown(uint32_t count)
{
    uint32_t cap = ROWS_FIRST;
    while (cap < count)
        cap *= 2;
    return cap;
}

bool account_reserve(struct account *a, uint32_t orders, uint32_t trades)
{
    if (orders > ROWS_MAX || trades > ROWS_MAX)
        return false;
    if (orders > 0)
        a->orders = calloc(grown(orders), sizeof(a->orders[0]));
    if (trades > 0)
        a->trades = calloc(grown(trades), sizeof(a->trades[0]));
    a->order_cap = a->orders ? grown(orders) : 0;
    a->trade_cap = a->trades ? grown(trades) : 0;
    return orders <= a->order_cap && trades <= a->trade_cap;
}

/* Room for one more; when there is none, the order that ended first is forgotten. NULL: all of them
 * live, or no memory. */
static struct own_order *add_order(struct account *a)
{
    struct own_order *oldest = NULL;
    if (a->order_count == a->order_cap && a->order_cap < ROWS_MAX) {
        uint32_t cap = a->order_cap ? 2 * a->order_cap : ROWS_FIRST;
        struct own_order *bigger = realloc(a->orders, cap * sizeof(bigger[0]));
        if (!bigger)
            return NULL;
        a->orders = bigger;
        a->order_cap = cap;
    }
    if (a->order_count < a->order_cap)
        return &a->orders[a->order_count++];
    for (uint32_t i = 0; i < a->order_count; i++) {
        struct own_order *o = &a->orders[i];
        if (o->last.state != HAWSE_ORDER_OPEN && (!oldest || o->heard_ns < oldest->heard_ns))
            oldest = o;
    }
    return oldest;
}

/* Does it say more than what was told? */
static bool order_news(const struct own_order *known, const hawse_wallet_order_t *o)
{
    if (!known || known->last.size == 0)
        return true;
    if (known->last.state != HAWSE_ORDER_OPEN)
        return false;
    uint64_t before = known->last.filled.limb[0], now = o->filled.limb[0];
    return o->state != HAWSE_ORDER_OPEN || now > before ||
           (now == before && o->original.limb[0] != known->last.original.limb[0]);
}

static void tell_order(struct pm *p, struct own_order *known, uint64_t ms, enum source source)
{
    struct account *a = &p->account;
    a->newest_ms = ms > a->newest_ms ? ms : a->newest_ms;
    emit_own(p, HAWSE_WALLET_ORDER, &known->last, sizeof(known->last), ms,
             source == FROM_PUSH ? 0 : HAWSE_EVENT_BACKFILLED);
}

void account_order(struct pm *p, const hawse_json_t *doc, hawse_json_value_t *row,
                   enum source source)
{
    struct account *a = &p->account;
    hawse_wallet_order_t o;
    if (!read_order(doc, row, &o)) {
        malformed(p, "an order");
        return;
    }
    struct own_order *known = find_order(a, o.order);
    bool news = order_news(known, &o);
    if (known && source != FROM_PUSH)
        known->swept = a->scan.number;
    if (news && source == FROM_LOOK) {
        account_doubt(a, hawse_key((const uint8_t *)&o, sizeof(o)));
        return;
    }
    if (!news)
        return;
    uint64_t filled = known ? known->last.filled.limb[0] : 0;
    if (!known)
        known = add_order(a);
    if (!known) {
        pm_complain(p, "the account has more than %d open orders: some are not told", ROWS_MAX);
        return;
    }
    known->last = o;
    known->swept = a->scan.number;
    known->heard_ns = pm_now(p);
    if (o.filled.limb[0] < filled)
        known->last.filled = amount(filled);
    tell_order(p, known, account_time(text_of(doc, row, "timestamp")), source);
}

void account_order_gone(struct pm *p, struct own_order *o)
{
    o->last.state = HAWSE_ORDER_GONE;
    o->heard_ns = pm_now(p);
    if (o->last.size > 0) /* else it was never known: its trade says all there is */
        tell_order(p, o, 0, FROM_SCAN);
}

/* ---- trades ---- */

static uint32_t settlement_of(hawse_view_t status)
{
    static const struct {
        const char *text;
        uint32_t settlement;
    } all[] = {{"MATCHED", HAWSE_TRADE_MATCHED},   {"MATCHED_NOT_BROADCASTED", HAWSE_TRADE_MATCHED},
               {"MINED", HAWSE_TRADE_MINED},       {"CONFIRMED", HAWSE_TRADE_CONFIRMED},
               {"RETRYING", HAWSE_TRADE_RETRYING}, {"FAILED", HAWSE_TRADE_FAILED}};
    status = bare(status);
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        if (is(status, all[i].text))
            return all[i].settlement;
    }
    return 0;
}

static bool is_final(uint32_t settlement)
{
    return settlement >= HAWSE_TRADE_CONFIRMED;
}

static struct own_trade *find_trade(struct account *a, const uint64_t key[2])
{
    for (uint32_t i = a->trade_count; i-- > 0;) { /* the newest are asked for most */
        if (a->trades[i].key[0] == key[0] && a->trades[i].key[1] == key[1])
            return &a->trades[i];
    }
    return NULL;
}

/* As add_order. What is forgotten is not told again when REST lists it. */
static struct own_trade *add_trade(struct account *a)
{
    struct own_trade *oldest = NULL;
    if (a->trade_count == a->trade_cap && a->trade_cap < ROWS_MAX) {
        uint32_t cap = a->trade_cap ? 2 * a->trade_cap : ROWS_FIRST;
        struct own_trade *bigger = realloc(a->trades, cap * sizeof(bigger[0]));
        if (!bigger)
            return NULL;
        a->trades = bigger;
        a->trade_cap = cap;
    }
    if (a->trade_count < a->trade_cap)
        return &a->trades[a->trade_count++];
    for (uint32_t i = 0; i < a->trade_count; i++) {
        struct own_trade *t = &a->trades[i];
        if (is_final(t->settlement) && (!oldest || t->matched_s < oldest->matched_s))
            oldest = t;
    }
    if (oldest && oldest->matched_s > a->forgotten_s)
        a->forgotten_s = oldest->matched_s;
    return oldest;
}

/* Steps go forward in time; within one second, towards the end. */
static bool trade_news(const struct own_trade *known, const hawse_wallet_trade_t *t)
{
    if (!known)
        return true;
    if (is_final(known->settlement) || known->settlement == t->settlement)
        return false;
    return t->updated_s > known->updated_s ||
           (t->updated_s == known->updated_s && t->settlement > known->settlement);
}

/* Did it end before the plugin began, or before what is still remembered? */
static bool is_old(const struct account *a, const hawse_wallet_trade_t *t)
{
    return is_final(t->settlement) && (t->matched_s < a->from_s || t->matched_s <= a->forgotten_s);
}

/* A trade of an order that was not told: it began inside a gap, or its own message is on its way.
 * Unless that comes, a scan asks for it by its id. */
static void seek_order(struct account *a, const uint8_t id[32], uint64_t heard_ns)
{
    struct own_order *o = find_order(a, id) ? NULL : add_order(a);
    if (!o)
        return;
    memset(o, 0, sizeof(*o));
    memcpy(o->last.order, id, 32);
    o->last.state = HAWSE_ORDER_OPEN;
    o->heard_ns = heard_ns;
}

static void take_trade(struct pm *p, const hawse_wallet_trade_t *t, enum source source)
{
    struct account *a = &p->account;
    uint64_t key[2] = {hawse_key(t->trade, sizeof(t->trade)) ^ hawse_key(t->order, 32),
                       hawse_key(t->trade + 1, sizeof(t->trade) - 1) + hawse_key(t->order, 32)};
    struct own_trade *known = find_trade(a, key);
    if (!trade_news(known, t) || (!known && source != FROM_PUSH && is_old(a, t)))
        return;
    if (source == FROM_LOOK) {
        account_doubt(a, key[0] ^ (uint64_t)t->settlement << 56);
        return;
    }
    seek_order(a, t->order, source == FROM_PUSH ? pm_now(p) : 0);
    if (!known)
        known = add_trade(a);
    if (!known) {
        pm_complain(p, "more than %d trades of the account are not settled: some are not told",
                    ROWS_MAX);
        return;
    }
    *known = (struct own_trade){.key = {key[0], key[1]},
                                .matched_s = t->matched_s,
                                .updated_s = t->updated_s,
                                .settlement = t->settlement};
    a->newest_ms = t->updated_s * 1000 > a->newest_ms ? t->updated_s * 1000 : a->newest_ms;
    emit_own(p, HAWSE_WALLET_TRADE, t, sizeof(*t), t->updated_s * 1000,
             source == FROM_PUSH ? 0 : HAWSE_EVENT_BACKFILLED);
}

/* What is one order's part in it: `size_key` is the name of its size. */
static bool read_leg(const hawse_json_t *doc, hawse_json_value_t *leg, const char *order_key,
                     const char *size_key, hawse_wallet_trade_t *t)
{
    uint64_t price, size;
    t->side = pm_side(text_of(doc, leg, "side"));
    if (!pm_tx(text_of(doc, leg, order_key), t->order) || t->side == HAWSE_SIDE_UNKNOWN ||
        !token_of(text_of(doc, leg, "asset_id"), t->market) ||
        wallet_decimal(text_of(doc, leg, "price"), DECIMALS, &price) != HAWSE_OK ||
        price > BOOK_ONE ||
        wallet_decimal(text_of(doc, leg, size_key), DECIMALS, &size) != HAWSE_OK)
        return false;
    address_of(text_of(doc, leg, "maker_address"), t->wallet);
    t->price_mantissa = price;
    t->price_exponent = -DECIMALS;
    t->amount0 = amount(size);
    t->amount1 = amount((uint64_t)((unsigned __int128)size * price / BOOK_ONE));
    return true;
}

static bool read_trade(const hawse_json_t *doc, hawse_json_value_t *row, hawse_wallet_trade_t *t)
{
    memset(t, 0, sizeof(*t));
    t->size = sizeof(*t);
    hawse_view_t id = text_of(doc, row, "id"), time = text_of(doc, row, "match_time");
    if (time.len == 0)
        time = text_of(doc, row, "matchtime");
    t->settlement = settlement_of(text_of(doc, row, "status"));
    t->matched_s = account_time(time) / 1000;
    t->updated_s = account_time(text_of(doc, row, "last_update")) / 1000;
    if (t->updated_s == 0)
        t->updated_s = account_time(text_of(doc, row, "timestamp")) / 1000;
    if (t->updated_s == 0)
        t->updated_s = t->matched_s;
    if (t->settlement == 0 || t->matched_s == 0 || id.len == 0 || id.len > ID_CAP)
        return false;
    memcpy(t->trade, id.data, id.len);
    (void)pm_tx(text_of(doc, row, "market"), t->group);
    (void)pm_tx(text_of(doc, row, "transaction_hash"), t->origin.tx_hash);
    return true;
}

static bool is_own(const struct pm *p, hawse_view_t owner)
{
    return owner.len > 0 &&
           p->sign->names(p->host, p->self, hawse_text(p->account.credential), owner) == 1;
}

void account_trade(struct pm *p, const hawse_json_t *doc, hawse_json_value_t *row,
                   enum source source)
{
    hawse_wallet_trade_t t;
    hawse_json_value_t legs, leg;
    if (!read_trade(doc, row, &t)) {
        malformed(p, "a trade");
        return;
    }
    hawse_view_t role = text_of(doc, row, "trader_side");
    if (is(role, "TAKER") || (role.len == 0 && is_own(p, text_of(doc, row, "owner")))) {
        t.role = HAWSE_ROLE_TAKER;
        if (read_leg(doc, row, "taker_order_id", "size", &t))
            take_trade(p, &t, source);
        else
            malformed(p, "a trade");
    }
    if (hawse_json_get(doc, row, "maker_orders", &legs) != HAWSE_OK ||
        legs.kind != HAWSE_JSON_ARRAY)
        return;
    while (hawse_json_next(doc, &legs, NULL, &leg) == 1) {
        if (leg.kind != HAWSE_JSON_OBJECT || !is_own(p, text_of(doc, &leg, "owner")))
            continue;
        t.role = HAWSE_ROLE_MAKER;
        if (read_leg(doc, &leg, "order_id", "matched_amount", &t))
            take_trade(p, &t, source);
        else
            malformed(p, "a maker's part of a trade");
    }
}

uint64_t account_after(const struct account *a)
{
    uint64_t after = a->newest_ms / 1000 > a->from_s ? a->newest_ms / 1000 : a->from_s;
    for (uint32_t i = 0; i < a->trade_count; i++) { /* what is not settled may have changed */
        if (!is_final(a->trades[i].settlement) && a->trades[i].matched_s < after)
            after = a->trades[i].matched_s;
    }
    return after > OVERLAP_S ? after - OVERLAP_S : 0;
}
