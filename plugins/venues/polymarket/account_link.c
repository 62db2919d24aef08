/* The user channel and what REST says beside it; see account.h. */
#include "polymarket.h"

#include <hawse/hex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    DOUBT_MS = 3000, /* how long a push may be on its way when REST knows already */
    RETRY_MS = 2000,
    DENIED_MS = 30000, /* the login is refused: not what time heals */
};

static const char first_page[] = "MA==", last_page[] = "LTE=";

/* ---- making ---- */

int32_t account_init(struct pm *p, hawse_view_t credential)
{
    struct account *a = &p->account;
    if (credential.len >= CREDENTIAL_CAP)
        return HAWSE_E_INVAL;
    if (!p->sign)
        return hawse_fail(p->host, p->self, HAWSE_E_UNSUPPORTED,
                          "\"account\" needs hawse.sign/1, which this host does not have",
                          "use a newer host, or remove the setting");
    memcpy(a->credential, credential.data, credential.len);
    a->from_s = p->host->now(p->host, HAWSE_CLOCK_UTC) / 1000000000u;
    return HAWSE_OK;
}

void account_finish(struct pm *p)
{
    free(p->account.orders);
    free(p->account.trades);
}

void account_open(struct pm *p)
{
    struct account *a = &p->account;
    hawse_stream_spec_t spec = {.size = sizeof(spec), .endpoint = hawse_text("user")};
    if (a->credential[0] == '\0')
        return;
    if (p->streams->open(p->host, p->self, &spec, &a->stream) != HAWSE_OK) {
        pm_log(p, HAWSE_LOG_ERROR,
               "stream \"user\" cannot be opened: is that endpoint configured? The account is "
               "followed by asking alone");
        a->stream = 0;
        return;
    }
    (void)p->streams->channel(p->host, p->self, a->stream, hawse_text("account"), 0, &a->channel);
}

/* ---- gaps ---- */

static void channel_state(struct pm *p, uint32_t state)
{
    if (p->account.channel)
        (void)p->streams->channel_state(p->host, p->self, p->account.channel, state);
}

static void begin_gap(struct pm *p, uint32_t reason)
{
    struct account *a = &p->account;
    if (!a->known || a->gap)
        return; /* nothing was told yet, or it was said */
    a->gap = true;
    pm_add(p, p->count.gaps, 1);
    emit_range(p, HAWSE_STREAM_EVENT_GAP, ACCOUNT_STREAM, 0, reason, a->newest_ms,
               HAWSE_POSITION_OPEN);
    channel_state(p, HAWSE_CHANNEL_GAP);
}

static void all_known(struct pm *p)
{
    struct account *a = &p->account;
    if (a->gap) {
        pm_add(p, p->count.healed, 1);
        emit_range(p, HAWSE_STREAM_EVENT_HEALED, ACCOUNT_STREAM, 0, HAWSE_REASON_DISCONNECTED, 0,
                   a->newest_ms);
    }
    a->known = true;
    a->gap = false;
    channel_state(p, HAWSE_CHANNEL_LIVE);
}

/* ---- the connection ---- */

static void send_ping(struct pm *p, uint64_t now)
{
    p->account.ping_ns = now;
    (void)p->streams->send(p->host, p->self, p->account.stream, HAWSE_MESSAGE_TEXT,
                           hawse_text("PING"));
}

/* The first message, or, where the host has to log in itself before, not yet. */
static void log_in(struct pm *p, uint64_t now)
{
    struct account *a = &p->account;
    int32_t code = p->sign->send(p->host, p->self, hawse_text(a->credential), a->stream,
                                 hawse_text("{\"type\":\"user\",\"auth\":\"$credential\"}"));
    a->scan.login = a->scan.login || code == HAWSE_E_STATE;
    if (code == HAWSE_E_STATE)
        return;
    if (code != HAWSE_OK)
        pm_complain(p, "the login of the user channel could not be sent (%d)", code);
    a->sent = code == HAWSE_OK;
    send_ping(p, now); /* its answer comes after the login was read */
}

void account_state(struct pm *p, uint32_t state)
{
    struct account *a = &p->account;
    uint64_t now = pm_now(p);
    a->through = a->sent = false;
    a->open = state == HAWSE_STREAM_OPEN;
    if (!a->open) {
        begin_gap(p, HAWSE_REASON_DISCONNECTED);
        return;
    }
    a->epoch++;
    a->heard_ns = now;
    channel_state(p, a->gap ? HAWSE_CHANNEL_RECOVERING : HAWSE_CHANNEL_PENDING);
    log_in(p, now);
}

/* The first answer on a connection: from here on pushes come, so REST can be asked. */
static void went_through(struct pm *p, uint64_t now)
{
    struct account *a = &p->account;
    a->through = true;
    if (a->scan.step == SCAN_IDLE)
        a->scan.next_ns = now;
}

static void take(struct pm *p, const hawse_json_t *doc, hawse_json_value_t *message)
{
    hawse_json_value_t type;
    if (message->kind != HAWSE_JSON_OBJECT ||
        hawse_json_get(doc, message, "event_type", &type) != HAWSE_OK ||
        type.kind != HAWSE_JSON_STRING) {
        pm_add(p, p->count.unknown, 1);
    } else if (type.len == 5 && memcmp(type.data, "order", 5) == 0) {
        account_order(p, doc, message, FROM_PUSH);
    } else if (type.len == 5 && memcmp(type.data, "trade", 5) == 0) {
        account_trade(p, doc, message, FROM_PUSH);
    } else {
        pm_add(p, p->count.unknown, 1);
    }
}

void account_frame(struct pm *p, const hawse_event_t *event)
{
    struct account *a = &p->account;
    struct wire_frame frame; /* for its index alone */
    hawse_json_value_t item;
    int32_t more = 0;
    a->heard_ns = pm_now(p);
    if (!a->through && a->sent)
        went_through(p, a->heard_ns);
    if (event->len == 4 && memcmp(event->data, "PONG", 4) == 0)
        return;
    a->frames++;
    if (event->len == 0 || (event->data[0] != '{' && event->data[0] != '[')) {
        pm_add(p, p->count.unknown, 1);
        pm_complain(p, "the user channel says what is no message: is the login refused?");
        return;
    }
    int32_t code = feed_begin(p, &frame, event->data, event->len);
    if (code == HAWSE_OK && frame.root.kind == HAWSE_JSON_OBJECT)
        take(p, &frame.doc, &frame.root);
    while (code == HAWSE_OK && frame.root.kind == HAWSE_JSON_ARRAY &&
           (more = hawse_json_next(&frame.doc, &frame.root, NULL, &item)) == 1)
        take(p, &frame.doc, &item);
    if (code == HAWSE_OK && more >= 0)
        return;
    pm_add(p, p->count.malformed, 1);
    (void)p->streams->reconnect(p->host, p->self, a->stream,
                                hawse_text("a message could not be read"));
}

/* ---- asking for everything ---- */

static void begin_scan(struct pm *p, uint64_t now)
{
    struct account *a = &p->account;
    struct scan *s = &a->scan;
    s->number++;
    s->epoch = a->epoch;
    s->begun_ns = now;
    s->after_s = account_after(a);
    s->heals = a->through;
    s->how = a->known && !a->gap ? FROM_LOOK : FROM_SCAN;
    s->step = SCAN_ORDERS;
    a->doubt_count[1] = 0;
    (void)snprintf(s->cursor, sizeof(s->cursor), "%s", first_page);
}

static bool was_doubted(const struct account *a)
{
    for (uint32_t i = 0; i < a->doubt_count[1]; i++) {
        for (uint32_t k = 0; k < a->doubt_count[0]; k++) {
            if (a->doubts[1][i] == a->doubts[0][k])
                return true;
        }
    }
    return false;
}

/* What REST knew twice and the channel did not tell: it is open, and silent. */
static void look_ends(struct pm *p, uint64_t now)
{
    struct account *a = &p->account;
    bool silent = was_doubted(a);
    memcpy(a->doubts[0], a->doubts[1], sizeof(a->doubts[0]));
    a->doubt_count[0] = silent ? 0 : a->doubt_count[1];
    if (a->doubt_count[0] > 0)
        a->scan.next_ns = now + DOUBT_MS * MS_NS;
    if (!silent)
        return;
    pm_add(p, p->count.doubts, 1);
    begin_gap(p, HAWSE_REASON_SILENT);
    a->scan.next_ns = now;
    if (a->stream)
        (void)p->streams->reconnect(p->host, p->self, a->stream,
                                    hawse_text("the user channel is open but silent"));
}

static void end_scan(struct pm *p, uint64_t now)
{
    struct account *a = &p->account;
    struct scan *s = &a->scan;
    s->step = SCAN_IDLE;
    s->next_ns = now + p->set.account_ms * MS_NS;
    if (s->how == FROM_LOOK && !a->gap)
        look_ends(p, now);
    else if (s->how == FROM_SCAN && s->heals && a->through && s->epoch == a->epoch)
        all_known(p);
    else if (a->through)
        s->next_ns = now; /* the connection is another one: once more */
}

/* Orders that are open as far as we know, and that REST does not list. */
static bool next_lost(struct pm *p)
{
    struct account *a = &p->account;
    for (uint32_t i = 0; i < a->order_count; i++) {
        struct own_order *o = &a->orders[i];
        if (o->last.state != HAWSE_ORDER_OPEN || o->swept == a->scan.number ||
            o->heard_ns >= a->scan.begun_ns)
            continue;
        if (a->scan.how == FROM_SCAN) {
            a->scan.lost = i;
            return true;
        }
        account_doubt(a, hawse_key(o->last.order, 32));
    }
    return false;
}

static void ask_next(struct pm *p, uint64_t now)
{
    struct account *a = &p->account;
    struct scan *s = &a->scan;
    char path[PATH_CAP];
    int n = 0;
    if (s->login) {
        s->asking = ask_send(p, &(struct ask){.kind = ASK_ACCOUNT,
                                              .endpoint = "clob",
                                              .method = "GET",
                                              .path = "/auth",
                                              .credential = a->credential,
                                              .login = true}) != NULL;
        return;
    }
    if (s->step == SCAN_LOST && !next_lost(p)) {
        end_scan(p, now);
        return;
    }
    if (s->step == SCAN_LOST) {
        n = snprintf(path, sizeof(path), "/data/order/0x");
        hawse_hex_encode(a->orders[s->lost].last.order, 32, path + n);
        path[n + 64] = '\0';
    } else if (s->step == SCAN_ORDERS) {
        n = snprintf(path, sizeof(path), "/data/orders?");
        (void)ask_add(path + n, sizeof(path) - (size_t)n, "next_cursor", s->cursor);
    } else {
        n = snprintf(path, sizeof(path), "/data/trades?after=%llu&",
                     (unsigned long long)s->after_s);
        (void)ask_add(path + n, sizeof(path) - (size_t)n, "next_cursor", s->cursor);
    }
    s->asking = ask_send(p, &(struct ask){ASK_ACCOUNT, "clob", "GET", path, NULL, 0, a->credential,
                                          false}) != NULL;
}

/* ---- answers ---- */

/* A page's rows, the last one first: answers begin with the newest. */
static bool take_rows(struct pm *p, const hawse_json_t *doc, hawse_json_value_t *list)
{
    hawse_json_value_t rows[64], row;
    uint32_t count = 0;
    int32_t more = 0;
    do {
        for (count = 0; count < 64 && (more = hawse_json_next(doc, list, NULL, &row)) == 1;)
            rows[count++] = row;
        while (count-- > 0) {
            if (rows[count].kind != HAWSE_JSON_OBJECT)
                pm_add(p, p->count.malformed, 1);
            else if (p->account.scan.step == SCAN_ORDERS)
                account_order(p, doc, &rows[count], p->account.scan.how);
            else
                account_trade(p, doc, &rows[count], p->account.scan.how);
        }
    } while (more == 1);
    return more == 0;
}

static bool take_page(struct pm *p, const hawse_json_t *doc, hawse_json_value_t *root)
{
    struct scan *s = &p->account.scan;
    hawse_json_value_t list, cursor;
    if (root->kind != HAWSE_JSON_OBJECT || hawse_json_get(doc, root, "data", &list) != HAWSE_OK ||
        list.kind != HAWSE_JSON_ARRAY || !take_rows(p, doc, &list))
        return false;
    bool more =
        hawse_json_get(doc, root, "next_cursor", &cursor) == HAWSE_OK &&
        cursor.kind == HAWSE_JSON_STRING && cursor.len > 0 && cursor.len < sizeof(s->cursor) &&
        !(cursor.len == strlen(last_page) && memcmp(cursor.data, last_page, 4) == 0) &&
        !(cursor.len == strlen(s->cursor) && memcmp(cursor.data, s->cursor, cursor.len) == 0);
    if (more) {
        memcpy(s->cursor, cursor.data, cursor.len);
        s->cursor[cursor.len] = '\0';
        return true;
    }
    s->step = s->step == SCAN_ORDERS ? SCAN_TRADES : SCAN_LOST;
    (void)snprintf(s->cursor, sizeof(s->cursor), "%s", first_page);
    return true;
}

/* What became of an order that is no longer listed. */
static void take_lost(struct pm *p, const hawse_json_t *doc, hawse_json_value_t *root)
{
    struct account *a = &p->account;
    a->orders[a->scan.lost].swept = a->scan.number; /* asked once, whatever it said */
    if (root && root->kind == HAWSE_JSON_OBJECT)
        account_order(p, doc, root, FROM_SCAN);
    else if (a->orders[a->scan.lost].last.state == HAWSE_ORDER_OPEN)
        account_order_gone(p, &a->orders[a->scan.lost]);
}

/* The session is the host's; what was sent without one is sent now. */
static void login_answer(struct pm *p, const hawse_host_http_done_t *done, uint64_t now)
{
    struct account *a = &p->account;
    a->scan.login = done->status != HAWSE_OK;
    a->by_wallet = a->by_wallet || done->status == HAWSE_OK;
    if (a->scan.login) {
        pm_complain(p,
                    "the venue refuses the login of \"%s\" (%d, HTTP %u): does an API key of this "
                    "wallet and nonce exist, and is this machine's clock right?",
                    a->credential, done->status, done->http_status);
        a->scan.next_ns = now + DENIED_MS * MS_NS;
    } else if (a->open) {
        log_in(p, now);
    }
}

void account_answer(struct pm *p, const hawse_host_http_done_t *done, const uint8_t *body)
{
    struct account *a = &p->account;
    struct scan *s = &a->scan;
    struct wire_frame frame; /* for its index alone */
    uint64_t now = pm_now(p);
    s->asking = false;
    s->next_ns = now;
    if (s->login) {
        login_answer(p, done, now);
    } else if (s->step == SCAN_LOST && done->http_status == 404) {
        take_lost(p, NULL, NULL);
    } else if (done->status != HAWSE_OK) {
        bool refused = done->http_status == 401 || done->http_status == 403;
        if (refused)
            pm_complain(p,
                        "the venue refuses the login of \"%s\" (HTTP %u): are the credential's "
                        "values right, and is this machine's clock?",
                        a->credential, done->http_status);
        s->login = refused && a->by_wallet; /* the session may have ended */
        s->next_ns = now + (refused ? DENIED_MS : RETRY_MS) * MS_NS;
    } else if (s->step == SCAN_LOST && done->body_len == 4 && memcmp(body, "null", 4) == 0) {
        take_lost(p, NULL, NULL);
    } else if (feed_begin(p, &frame, body, done->body_len) != HAWSE_OK) {
        pm_add(p, p->count.malformed, 1);
        s->next_ns = now + RETRY_MS * MS_NS;
    } else if (s->step == SCAN_LOST) {
        take_lost(p, &frame.doc, &frame.root);
    } else if (!take_page(p, &frame.doc, &frame.root)) {
        pm_add(p, p->count.malformed, 1);
        s->next_ns = now + RETRY_MS * MS_NS;
    }
}

/* ---- time ---- */

static void keep_alive(struct pm *p, uint64_t now)
{
    struct account *a = &p->account;
    if (a->frames > 0)
        (void)p->streams->touch(p->host, p->self, a->channel, a->frames);
    a->frames = 0;
    if (!a->open)
        return;
    if (now > a->heard_ns && now - a->heard_ns > p->set.pong_ms * MS_NS) {
        a->heard_ns = now;
        (void)p->streams->reconnect(p->host, p->self, a->stream,
                                    hawse_text("the server sends nothing, not even a PONG"));
    } else if (now - a->ping_ns >= p->set.ping_ms * MS_NS) {
        send_ping(p, now);
    }
}

void account_tick(struct pm *p, uint64_t now)
{
    struct account *a = &p->account;
    if (a->credential[0] == '\0')
        return;
    keep_alive(p, now);
    if (a->scan.asking || now < a->scan.next_ns || !ask_may(p, now))
        return;
    if (a->scan.step == SCAN_IDLE)
        begin_scan(p, now);
    ask_next(p, now);
}
