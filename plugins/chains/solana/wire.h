/*
 * What a Solana node writes, to what readers get: PubSub messages and the answers of JSON-RPC.
 * Reads in place, checks every field it uses, allocates nothing and keeps nothing. Values point
 * into the text.
 */
#ifndef SOLANA_WIRE_H
#define SOLANA_WIRE_H

#include <hawse/json.h>
#include <hawse/space/solana.h>
#include <stdbool.h>

enum wire_kind {
    WIRE_REPLY = 1, /* to one of our requests: id, then result or error */
    WIRE_ACCOUNT,
    WIRE_PROGRAM,
    WIRE_LOGS,
    WIRE_SIGNATURE,
    WIRE_SLOT,
    WIRE_ROOT,
    WIRE_OTHER, /* a notification of something that we never ask for */
};

struct wire_message {
    enum wire_kind kind;
    uint64_t id;        /* of the request, or of the subscription: may be 0 */
    bool failed;        /* a reply with an error */
    int64_t error_code; /* its code */
    hawse_json_value_t result;
};

/* HAWSE_E_FORMAT: no message of a node. */
int32_t wire_message(const hawse_json_t *doc, hawse_json_value_t *root, struct wire_message *out);

/* {"context":{"slot":N},"value":V} */
int32_t wire_context(const hawse_json_t *doc, hawse_json_value_t *result, uint64_t *slot,
                     hawse_json_value_t *value);

/* {"parent":P,"root":R,"slot":S} */
int32_t wire_slot(const hawse_json_t *doc, hawse_json_value_t *result, hawse_solana_slot_t *out);

/* An account's value; null = there is none, which is told as zero lamports of the system program.
 * The record lacks pubkey, slot and commitment; its data are written by wire_account_data. */
struct wire_account {
    hawse_solana_account_t record;
    hawse_json_value_t data; /* base64 */
};
int32_t wire_account(const hawse_json_t *doc, hawse_json_value_t *value, struct wire_account *out);
int32_t wire_account_data(const struct wire_account *account, uint8_t *out);

/* {"pubkey":K,"account":A} */
int32_t wire_owned(const hawse_json_t *doc, hawse_json_value_t *value, struct wire_account *out);

/* {"signature":S,"err":E,"logs":[...]}: the record lacks slot and commitment. */
struct wire_logs {
    hawse_solana_log_t record;
    hawse_json_value_t lines;
};
int32_t wire_logs(const hawse_json_t *doc, hawse_json_value_t *value, struct wire_logs *out);
/* The result of getTransaction; HAWSE_E_NOTFOUND: null. The signature is left alone. */
int32_t wire_transaction(const hawse_json_t *doc, hawse_json_value_t *result,
                         struct wire_logs *out);
/* Writes record.lines_len bytes. */
int32_t wire_lines(const hawse_json_t *doc, const struct wire_logs *logs, uint8_t *out);

/* An item of getSignaturesForAddress. */
int32_t wire_listed(const hawse_json_t *doc, hawse_json_value_t *item, uint8_t signature[64],
                    uint64_t *slot);

/* An item of getSignatureStatuses, or the value of a signature notification. HAWSE_E_NOTFOUND:
 * null, or (a notification) only that the transaction was received. */
struct wire_status {
    uint64_t slot;       /* 0 with a notification */
    uint32_t commitment; /* 0 with a notification */
    bool failed;
    hawse_view_t error; /* JSON text */
};
int32_t wire_status(const hawse_json_t *doc, hawse_json_value_t *item, struct wire_status *out);

#endif
