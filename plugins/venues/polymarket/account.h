/*
 * The account of the operator: its orders and trades, pushed by the user channel and compared with
 * REST. The login is the host's (hawse.sign/1); nothing of it is here.
 *
 *   account.c       what is known of orders and trades, and what of a row is news
 *   account_link.c  the connection, what is asked by REST, gaps
 *
 * The guarantee: each state of an order and each step of a trade's settlement is told once, none
 * backwards. When the channel was down, or was open but silent, that is announced, what REST knows
 * is told as backfilled, and then it is healed. REST is asked after the login went through, which
 * the first answer on the same connection proves: between the two nothing can be missed.
 */
#ifndef POLYMARKET_ACCOUNT_H
#define POLYMARKET_ACCOUNT_H

#include <hawse/hawse.h>
#include <hawse/json.h>
#include <hawse/service/stream.h>
#include <hawse/space/wallet.h>
#include <stdbool.h>

enum { CREDENTIAL_CAP = 64, ACCOUNT_CURSOR_CAP = 256, DOUBTS_MAX = 256 };

/* Where a row comes from. */
enum source {
    FROM_PUSH,
    FROM_SCAN, /* REST, after a gap: what is news is told as backfilled */
    FROM_LOOK, /* REST, while the channel lives: what is news is doubted, the push may be on its way
                */
};

struct own_order {
    hawse_wallet_order_t last; /* as told; size 0 = only its id is known, from a trade */
    uint64_t heard_ns;
    uint32_t swept; /* the scan that met it last */
};

struct own_trade {
    uint64_t key[2]; /* of its id and the order */
    uint64_t matched_s, updated_s;
    uint32_t settlement;
};

enum scan_step { SCAN_IDLE, SCAN_ORDERS, SCAN_TRADES, SCAN_LOST };

/* Asking REST for everything, in steps. */
struct scan {
    enum scan_step step;
    bool asking;
    enum source how;
    bool heals; /* it began after a login went through, on connection `epoch` */
    uint32_t epoch, number;
    uint64_t begun_ns, next_ns, after_s;
    bool login;    /* the venue's session comes first */
    uint32_t lost; /* SCAN_LOST: index of the order asked for */
    char cursor[ACCOUNT_CURSOR_CAP];
};

struct account {
    char credential[CREDENTIAL_CAP]; /* empty = no account */
    hawse_stream_t stream;
    hawse_channel_t channel;
    bool open, sent, through; /* the login was sent, and the server answered behind it */
    bool by_wallet;           /* the host logs in by a wallet's key before */
    uint32_t epoch;           /* connections so far */
    uint64_t ping_ns, heard_ns, frames;
    bool known, gap; /* all was told once; something may be missing */
    uint64_t from_s; /* nothing that ended before is told */
    uint64_t newest_ms;
    struct scan scan;
    struct own_order *orders;
    uint32_t order_count, order_cap;
    struct own_trade *trades;
    uint32_t trade_count, trade_cap;
    uint64_t forgotten_s;           /* trades that ended before are no longer known */
    uint64_t doubts[2][DOUBTS_MAX]; /* of the last scan, and of this one */
    uint32_t doubt_count[2];
};

#endif
