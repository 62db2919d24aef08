/*
 * Fills of watched wallets; see polymarket.h. The source of fills is the chain where one is linked
 * (chain.c), and the data API for what the chain did not tell, asked every poll_ms and at once when
 * the activity feed names the wallet: that feed repeats frames, and a repeated frame cannot be told
 * from a second fill of the same size. Rows carry no number, so they are counted: of n equal rows
 * in an answer, those above what was told before are new.
 */
#include "polymarket.h"

#include <hawse/hex.h>
#include <hawse/u256.h>
#include <stdlib.h>
#include <string.h>

enum {
    ROWS_MAX = 1000,
    KEEP_S = 900, /* three times the overlap of two answers */
    WAKES = 4,    /* rows come seconds to a minute late */
    WAKE_MS = 1000,
    WAKE_AGAIN_MS = 5000,
    FAILURES_MAX = 2, /* then it is a gap */
    DIGITS_MAX = 30,
    PRICE_DECIMALS = 12,
};
#define PRICE_ONE 1000000000000u

/* ---- numbers ---- */

/* mantissa x 10^exponent, half up. */
static int32_t scaled(unsigned __int128 mantissa, int32_t exponent, uint64_t *out)
{
    for (; exponent > 0 && mantissa <= UINT64_MAX; exponent--)
        mantissa *= 10;
    if (exponent > 0 && mantissa > 0)
        return HAWSE_E_RANGE;
    bool up = false;
    for (; exponent < 0 && mantissa > 0; exponent++) {
        up = mantissa % 10 >= 5;
        mantissa /= 10;
    }
    if (exponent < 0)
        up = false;
    mantissa += up;
    if (mantissa > INT64_MAX)
        return HAWSE_E_RANGE;
    *out = (uint64_t)mantissa;
    return HAWSE_OK;
}

static bool read_exponent(hawse_view_t text, uint64_t at, int32_t *exponent)
{
    int32_t n = 0;
    bool negative = at < text.len && text.data[at] == '-';
    at += at < text.len && (text.data[at] == '-' || text.data[at] == '+');
    if (at == text.len || text.len - at > 3)
        return false;
    for (; at < text.len; at++) {
        if (text.data[at] < '0' || text.data[at] > '9')
            return false;
        n = n * 10 + (text.data[at] - '0');
    }
    *exponent += negative ? -n : n;
    return true;
}

int32_t wallet_decimal(hawse_view_t text, uint32_t decimals, uint64_t *out)
{
    unsigned __int128 mantissa = 0;
    int32_t exponent = (int32_t)decimals, digits = 0;
    bool point = false;
    uint64_t at = 0;
    for (; at < text.len && (text.data[at] | 0x20) != 'e'; at++) {
        uint8_t c = text.data[at];
        if (c == '.' && !point) {
            point = true;
            continue;
        }
        if (c < '0' || c > '9')
            return HAWSE_E_FORMAT;
        if (++digits > DIGITS_MAX)
            return HAWSE_E_RANGE;
        mantissa = mantissa * 10 + (c - '0');
        exponent -= point;
    }
    if (digits == 0 || (at < text.len && !read_exponent(text, at + 1, &exponent)))
        return HAWSE_E_FORMAT;
    return scaled(mantissa, exponent, out);
}

/* ---- rows ---- */

enum { ROW_SIDE, ROW_TOKEN, ROW_SIZE, ROW_PRICE, ROW_TIME, ROW_TX, ROW_FIELDS };

/* The fields of a row, by the names of either version of the API. */
static bool texts_of(const hawse_json_t *doc, hawse_json_value_t *object,
                     hawse_view_t out[ROW_FIELDS])
{
    static const char *const keys[ROW_FIELDS][2] = {
        [ROW_SIDE] = {"side", "side"},           [ROW_TOKEN] = {"token_id", "asset"},
        [ROW_SIZE] = {"size", "size"},           [ROW_PRICE] = {"price", "price"},
        [ROW_TIME] = {"timestamp", "timestamp"}, [ROW_TX] = {"transaction_hash", "transactionHash"},
    };
    hawse_json_value_t v;
    for (int i = 0; i < ROW_FIELDS; i++) {
        if (hawse_json_get(doc, object, keys[i][0], &v) != HAWSE_OK &&
            hawse_json_get(doc, object, keys[i][1], &v) != HAWSE_OK)
            return false;
        if (v.kind != HAWSE_JSON_STRING && v.kind != HAWSE_JSON_NUMBER)
            return false;
        out[i] = (hawse_view_t){v.data, v.len};
    }
    return true;
}

static bool read_row(const hawse_json_t *doc, hawse_json_value_t *object, struct wallet_row *row)
{
    hawse_view_t t[ROW_FIELDS];
    hawse_u256_t id;
    uint64_t shares, each;
    memset(row, 0, sizeof(*row));
    hawse_wallet_fill_t *f = &row->fill;
    if (!texts_of(doc, object, t) || !pm_tx(t[ROW_TX], f->origin.tx_hash) ||
        hawse_u256_parse(t[ROW_TOKEN].data, t[ROW_TOKEN].len, &id) != HAWSE_OK ||
        wallet_decimal(t[ROW_SIZE], 6, &shares) != HAWSE_OK ||
        wallet_decimal(t[ROW_PRICE], PRICE_DECIMALS, &each) != HAWSE_OK || each > PRICE_ONE)
        return false;
    row->time = wire_millis(t[ROW_TIME]); /* a plain number, of seconds here */
    row->price = each;
    row->token = t[ROW_TOKEN];
    f->size = sizeof(*f);
    f->side = pm_side(t[ROW_SIDE]);
    hawse_u256_to_be(&id, f->market);
    f->amount0.limb[0] = shares;
    /* the API rounds the price to ten digits: exact to that, half up */
    f->amount1.limb[0] = (uint64_t)(((unsigned __int128)shares * each + PRICE_ONE / 2) / PRICE_ONE);
    f->origin.block_timestamp = row->time;
    return row->time != 0 && f->side != HAWSE_SIDE_UNKNOWN;
}

/* ---- what was told ---- */

static struct seen *seen_of(struct pm *p, struct wallet *w, const struct wallet_row *row)
{
    const uint8_t *bytes = (const uint8_t *)&row->fill;
    uint64_t key[2] = {hawse_key(bytes, sizeof(row->fill)),
                       hawse_key(bytes + 8, sizeof(row->fill) - 8)};
    struct seen *oldest = &w->seen[0];
    for (uint32_t i = 0; i < w->seen_count; i++) {
        struct seen *s = &w->seen[i];
        if (s->key[0] == key[0] && s->key[1] == key[1])
            return s;
        if (s->time < oldest->time)
            oldest = s;
    }
    if (w->seen_count < SEEN_MAX) {
        oldest = &w->seen[w->seen_count++];
    } else {
        pm_complain(p, "wallet %.*s trades too much: more than %d trades in %d s", (int)w->id.len,
                    w->id.text, SEEN_MAX, KEEP_S);
    }
    *oldest = (struct seen){.key = {key[0], key[1]}, .time = row->time};
    return oldest;
}

static void forget_old(struct wallet *w)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < w->seen_count; i++) {
        w->seen[i].now = 0;
        if (w->seen[i].time + KEEP_S >= w->newest)
            w->seen[kept++] = w->seen[i];
    }
    w->seen_count = kept;
}

static void take_row(struct pm *p, struct wallet *w, struct wallet_row *row)
{
    w->newest = row->time > w->newest ? row->time : w->newest;
    bool told = p->chain && chain_told(w, row->fill.origin.tx_hash);
    uint64_t now_ms = p->host->now(p->host, HAWSE_CLOCK_UTC) / MS_NS;
    if (p->chain && !told && row->time * 1000 + p->set.chain_ms > now_ms)
        return; /* it comes from the chain, or is looked at again in the next answer */
    struct seen *s = seen_of(p, w, row);
    s->now++;
    if (s->now <= s->count)
        return;
    s->count = s->now;
    if (row->time < w->watermark || told)
        return;
    emit_fill(p, w, &row->fill, w->gap || p->chain ? HAWSE_EVENT_BACKFILLED : 0, 0);
}

/* ---- answers ---- */

static void keep_cursor(char out[CURSOR_CAP], const hawse_json_t *doc, hawse_json_value_t *root)
{
    hawse_json_value_t paging, cursor;
    out[0] = '\0';
    if (root->kind != HAWSE_JSON_OBJECT ||
        hawse_json_get(doc, root, "pagination", &paging) != HAWSE_OK ||
        paging.kind != HAWSE_JSON_OBJECT ||
        hawse_json_get(doc, &paging, "next_cursor", &cursor) != HAWSE_OK ||
        cursor.kind != HAWSE_JSON_STRING || cursor.len >= CURSOR_CAP)
        return;
    memcpy(out, cursor.data, cursor.len);
    out[cursor.len] = '\0';
}

bool wallet_rows(struct pm *p, const uint8_t *body, uint64_t len, struct wallet_row *rows,
                 uint32_t cap, uint32_t *count, char cursor[CURSOR_CAP])
{
    struct wire_frame frame; /* for its index alone */
    hawse_json_value_t list, item;
    *count = 0;
    if (feed_begin(p, &frame, body, len) != HAWSE_OK)
        return false;
    list = frame.root;
    if (frame.root.kind == HAWSE_JSON_OBJECT &&
        hawse_json_get(&frame.doc, &frame.root, "data", &list) != HAWSE_OK)
        return false;
    if (list.kind != HAWSE_JSON_ARRAY)
        return false;
    while (*count < cap && hawse_json_next(&frame.doc, &list, NULL, &item) == 1) {
        if (item.kind == HAWSE_JSON_OBJECT && read_row(&frame.doc, &item, &rows[*count]))
            ++*count;
        else
            pm_add(p, p->count.malformed, 1);
    }
    keep_cursor(cursor, &frame.doc, &frame.root);
    return true;
}

/* A scan is over. */
static void scanned(struct pm *p, struct wallet *w)
{
    w->failures = 0;
    if (w->gap)
        emit_range(p, HAWSE_STREAM_EVENT_HEALED, WALLET_STREAM, w->key, HAWSE_REASON_DISCONNECTED,
                   w->watermark * 1000, w->newest * 1000);
    w->gap = false;
    forget_old(w);
    if (w->wakes > 0) {
        w->wakes--;
        w->poll_ns = pm_now(p) + WAKE_AGAIN_MS * MS_NS;
    }
}

bool wallet_page(struct pm *p, struct wallet *w, const uint8_t *body, uint64_t len)
{
    struct wallet_row *rows = malloc(ROWS_MAX * sizeof(rows[0]));
    uint32_t count = 0;
    if (!rows || !wallet_rows(p, body, len, rows, ROWS_MAX, &count, w->cursor)) {
        free(rows);
        wallet_failed(p, w);
        return false;
    }
    for (uint32_t i = count; i-- > 0;) /* oldest first */
        take_row(p, w, &rows[i]);
    free(rows);
    if (w->cursor[0])
        return true;
    scanned(p, w);
    return false;
}

void wallet_failed(struct pm *p, struct wallet *w)
{
    w->cursor[0] = '\0';
    forget_old(w);
    w->poll_ns = pm_now(p) + WAKE_AGAIN_MS * MS_NS;
    if (++w->failures != FAILURES_MAX || w->gap)
        return;
    w->gap = true;
    emit_range(p, HAWSE_STREAM_EVENT_GAP, WALLET_STREAM, w->key, HAWSE_REASON_DISCONNECTED,
               w->newest * 1000, HAWSE_POSITION_OPEN);
}

/* ---- the activity feed ---- */

void wallet_rtds(struct pm *p, const hawse_event_t *event)
{
    struct wire_frame frame; /* for its index alone */
    hawse_json_value_t payload, wallet;
    char name[NAME_CAP];
    uint64_t now = pm_now(p);
    p->rtds_heard_ns = now;
    if (event->len == 0 || event->data[0] != '{' ||
        feed_begin(p, &frame, event->data, event->len) != HAWSE_OK ||
        hawse_json_get(&frame.doc, &frame.root, "payload", &payload) != HAWSE_OK ||
        payload.kind != HAWSE_JSON_OBJECT ||
        hawse_json_get(&frame.doc, &payload, "proxyWallet", &wallet) != HAWSE_OK ||
        wallet.kind != HAWSE_JSON_STRING || wallet.len >= NAME_CAP)
        return;
    for (uint32_t i = 0; i < wallet.len; i++) {
        uint8_t c = wallet.data[i];
        name[i] = (char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
    }
    uint32_t index =
        names_find(&p->wallet_names, (hawse_view_t){(const uint8_t *)name, wallet.len});
    if (index == NONE)
        return;
    struct wallet *w = &p->wallets[index];
    w->wakes = WAKES;
    if (w->poll_ns > now + WAKE_MS * MS_NS)
        w->poll_ns = now + WAKE_MS * MS_NS;
}
