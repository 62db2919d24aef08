/* See journal_nonces.h. */
#include "store/journal_nonces.h"

#include "store/journal_private.h"

#include <hawse/hex.h>
#include <string.h>

static void show(const struct journal_account *account, char sender[43])
{
    memcpy(sender, "0x", 2);
    hawse_hex_encode(account->sender, 20, sender + 2);
    sender[42] = 0;
}

int32_t journal_account_get(struct journal *journal, struct journal_account *in_out,
                            struct fault *fault)
{
    char sender[43];
    sqlite3_stmt *s = journal_sql(journal, SQL_ACCOUNT_GET, fault);
    show(in_out, sender);
    journal_bind(s, "it", in_out->chain_id, sender);
    int rc = journal_next(journal, s, "read", fault);
    in_out->known = rc == SQLITE_ROW;
    in_out->next = in_out->known ? (uint64_t)sqlite3_column_int64(s, 0) : 0;
    in_out->floor = in_out->known ? (uint64_t)sqlite3_column_int64(s, 1) : 0;
    (void)sqlite3_reset(s);
    return rc < 0 ? rc : HAWSE_OK;
}

int32_t journal_account_put(struct journal *journal, const struct journal_account *account,
                            struct fault *fault)
{
    char sender[43];
    sqlite3_stmt *s = journal_sql(journal, SQL_ACCOUNT_PUT, fault);
    show(account, sender);
    journal_bind(s, "itii", account->chain_id, sender, account->next, account->floor);
    return journal_run(journal, s, "add to", fault);
}

int32_t journal_nonce_do(struct journal *journal, const struct journal_account *account,
                         enum journal_nonce_op op, uint64_t a, uint64_t b, uint64_t *out,
                         struct fault *fault)
{
    char sender[43];
    sqlite3_stmt *s = journal_sql(journal, SQL_NONCE_OPS + op, fault);
    *out = 0;
    show(account, sender);
    journal_bind(s, "itii", account->chain_id, sender, a, b);
    int rc = journal_next(journal, s, "change nonces of", fault);
    if (rc == SQLITE_DONE)
        *out = (uint64_t)sqlite3_changes(journal->db);
    else if (rc == SQLITE_ROW)
        *out = sqlite3_column_type(s, 0) == SQLITE_NULL ? UINT64_MAX
                                                        : (uint64_t)sqlite3_column_int64(s, 0);
    (void)sqlite3_reset(s);
    return rc < 0 ? rc : HAWSE_OK;
}

int32_t journal_nonce_put(struct journal *journal, const struct journal_account *account,
                          const struct journal_nonce_row *row, struct fault *fault)
{
    char sender[43];
    sqlite3_stmt *s = journal_sql(journal, SQL_NONCE_PUT, fault);
    show(account, sender);
    journal_bind(s, "itiibbi", account->chain_id, sender, row->number, (uint64_t)row->state,
                 (const void *)row->token, sizeof(row->token), (const void *)row->hash,
                 sizeof(row->hash), row->since_ns);
    return journal_run(journal, s, "add to", fault);
}

static bool read_row(sqlite3_stmt *s, struct journal_nonce_row *out)
{
    out->number = (uint64_t)sqlite3_column_int64(s, 0);
    out->state = (uint32_t)sqlite3_column_int(s, 1);
    const void *token = sqlite3_column_blob(s, 2), *hash = sqlite3_column_blob(s, 3);
    out->since_ns = (uint64_t)sqlite3_column_int64(s, 4);
    if (!token || !hash || sqlite3_column_bytes(s, 2) != 16 || sqlite3_column_bytes(s, 3) != 32)
        return false;
    memcpy(out->token, token, 16);
    memcpy(out->hash, hash, 32);
    return true;
}

int32_t journal_nonce_rows(struct journal *journal, const struct journal_account *account,
                           uint64_t from, uint64_t to, bool open_first,
                           struct journal_nonce_row *rows, size_t cap, size_t *count,
                           struct fault *fault)
{
    char sender[43];
    sqlite3_stmt *s = journal_sql(journal, SQL_NONCE_ROWS, fault);
    *count = 0;
    show(account, sender);
    journal_bind(s, "itiiii", account->chain_id, sender, from, to, (uint64_t)open_first,
                 (uint64_t)cap);
    int rc = SQLITE_ROW;
    while (*count < cap && (rc = journal_next(journal, s, "read", fault)) == SQLITE_ROW) {
        if (!read_row(s, &rows[(*count)++]))
            rc = journal_fail(journal, SQLITE_CORRUPT, "read a nonce of", fault);
        if (rc < 0)
            break;
    }
    (void)sqlite3_reset(s);
    return rc < 0 ? rc : HAWSE_OK;
}

int32_t journal_accounts(struct journal *journal,
                         int32_t (*fn)(void *ctx, const struct journal_account *account), void *ctx,
                         struct fault *fault)
{
    sqlite3_stmt *s = journal_sql(journal, SQL_ACCOUNTS, fault);
    int rc;
    int32_t code = HAWSE_OK;
    while (code == HAWSE_OK && (rc = journal_next(journal, s, "read", fault)) != SQLITE_DONE) {
        struct journal_account account = {.known = true};
        const char *sender = rc == SQLITE_ROW ? (const char *)sqlite3_column_text(s, 1) : NULL;
        if (rc < 0)
            code = rc;
        else if (!sender || strlen(sender) != 42 ||
                 hawse_hex_decode((const uint8_t *)sender + 2, account.sender, 20) != HAWSE_OK)
            code = journal_fail(journal, SQLITE_CORRUPT, "read an account of", fault);
        account.chain_id = code == HAWSE_OK ? (uint64_t)sqlite3_column_int64(s, 0) : 0;
        account.next = code == HAWSE_OK ? (uint64_t)sqlite3_column_int64(s, 2) : 0;
        account.floor = code == HAWSE_OK ? (uint64_t)sqlite3_column_int64(s, 3) : 0;
        if (code == HAWSE_OK)
            code = fn(ctx, &account);
    }
    (void)sqlite3_reset(s);
    return code;
}

int32_t journal_nonce_life(struct journal *journal, uint64_t least, uint64_t *out,
                           struct fault *fault)
{
    sqlite3_stmt *s = journal_sql(journal, SQL_NONCE_LIFE, fault);
    journal_bind(s, "i", least);
    int rc = journal_next(journal, s, "add to", fault);
    *out = rc == SQLITE_ROW ? (uint64_t)sqlite3_column_int64(s, 0) : 0;
    (void)sqlite3_reset(s);
    return rc < 0 ? rc : HAWSE_OK;
}
