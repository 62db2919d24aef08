/*
 * What a Solana node may send, any bytes: every reader of the plugin's wire parser on every value
 * of the text, as notification, as answer and as item of a list. What is read fits what is
 * announced.
 */
#include "../../plugins/chains/solana/wire.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_account(const struct wire_account *account)
{
    uint8_t *out = malloc(account->record.data_len + 1);
    (void)wire_account_data(account, out);
    free(out);
}

static void read_lines(const hawse_json_t *doc, const struct wire_logs *logs)
{
    uint8_t *out = malloc(logs->record.lines_len + 1ull);
    uint64_t at = 0;
    if (wire_lines(doc, logs, out) == HAWSE_OK) {
        for (uint32_t i = 0; i < logs->record.line_count; i++) {
            uint32_t len;
            memcpy(&len, out + at, sizeof(len));
            at += sizeof(len) + len;
        }
        if (at != logs->record.lines_len)
            abort();
    }
    free(out);
}

static void read_all(const hawse_json_t *doc, hawse_json_value_t v)
{
    struct wire_account account;
    struct wire_logs logs;
    struct wire_status status;
    hawse_solana_slot_t slot;
    uint8_t signature[64];
    uint64_t number;
    hawse_json_value_t copy = v;
    if (wire_account(doc, &copy, &account) == HAWSE_OK)
        read_account(&account);
    copy = v;
    if (wire_owned(doc, &copy, &account) == HAWSE_OK)
        read_account(&account);
    copy = v;
    if (wire_logs(doc, &copy, &logs) == HAWSE_OK)
        read_lines(doc, &logs);
    copy = v;
    if (wire_transaction(doc, &copy, &logs) == HAWSE_OK)
        read_lines(doc, &logs);
    copy = v;
    (void)wire_status(doc, &copy, &status);
    copy = v;
    (void)wire_slot(doc, &copy, &slot);
    copy = v;
    (void)wire_listed(doc, &copy, signature, &number);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint32_t *marks = malloc((size + 2) * sizeof(marks[0]));
    uint8_t *text = malloc(size + HAWSE_PADDING);
    hawse_json_t doc;
    hawse_json_value_t root, value, item;
    struct wire_message message;
    uint64_t slot;
    memcpy(text, data, size);
    memset(text + size, '"', HAWSE_PADDING);
    if (hawse_json_index(&doc, text, size, marks, (uint32_t)size + 2) == HAWSE_OK &&
        hawse_json_root(&doc, &root) == HAWSE_OK) {
        read_all(&doc, root);
        value = root;
        if (wire_message(&doc, &root, &message) == HAWSE_OK) {
            value = message.result;
            read_all(&doc, value);
        }
        root = value;
        if (wire_context(&doc, &root, &slot, &value) == HAWSE_OK)
            read_all(&doc, value);
        while (value.kind >= HAWSE_JSON_OBJECT && hawse_json_next(&doc, &value, NULL, &item) == 1)
            read_all(&doc, item);
    }
    free(text);
    free(marks);
    return 0;
}
