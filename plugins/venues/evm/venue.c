/* What venues of EVM chains share; see venue.h. */
#include "venue.h"

#include <hawse/abi.h>
#include <hawse/hex.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COMPLAIN_MS = 10000 };

void venue_complain(const hawse_host_t *host, hawse_instance_t self, uint64_t *last_ns,
                    const char *format, ...)
{
    char text[400];
    va_list ap;
    uint64_t now = host->now(host, HAWSE_CLOCK_MONOTONIC);
    if (*last_ns != 0 && now - *last_ns < (uint64_t)COMPLAIN_MS * 1000000u)
        return;
    *last_ns = now;
    va_start(ap, format);
    (void)vsnprintf(text, sizeof(text), format, ap);
    va_end(ap);
    hawse_log(host, self, HAWSE_LOG_WARN, text);
}

int32_t venue_call(const hawse_host_t *host, hawse_instance_t self, const hawse_rpc_service_t *rpc,
                   const uint8_t to[20], const char *data, const uint8_t block_hash[32],
                   uint64_t tag, hawse_request_t *request)
{
    char params[384], address[40], hash[64];
    hawse_hex_encode(to, 20, address);
    hawse_hex_encode(block_hash, 32, hash);
    int n = snprintf(params, sizeof(params),
                     "[{\"to\":\"0x%.40s\",\"data\":\"0x%s\"},{\"blockHash\":\"0x%.64s\"}]",
                     address, data, hash);
    if (n < 0 || (size_t)n >= sizeof(params))
        return HAWSE_E_NOSPACE;
    hawse_rpc_call_t call = {.size = sizeof(call),
                             .link = hawse_text("chain"),
                             .method = hawse_text("eth_call"),
                             .params = {(const uint8_t *)params, (uint64_t)n},
                             .tag = tag};
    return rpc->call(host, self, &call, request);
}

bool venue_answer(const hawse_event_t *event, uint8_t *out, uint64_t *len)
{
    uint32_t marks[8];
    hawse_json_t doc;
    hawse_json_value_t v;
    const uint8_t *body = event->data + sizeof(hawse_host_rpc_done_t);
    uint64_t body_len = event->len - sizeof(hawse_host_rpc_done_t);
    return hawse_json_index(&doc, body, body_len, marks, 8) == HAWSE_OK &&
           hawse_json_root(&doc, &v) == HAWSE_OK && v.kind == HAWSE_JSON_STRING &&
           hawse_hex_data(v.data, v.len, out, VENUE_ANSWER_MAX, len) == HAWSE_OK;
}

bool venue_reverted(const hawse_event_t *event)
{
    enum { REVERTED = 3, REVERTED_NETHERMIND = -32015 };
    hawse_host_rpc_done_t done;
    memcpy(&done, event->data, sizeof(done));
    if (done.status != HAWSE_E_REMOTE)
        return false;
    /* others use a code that means many things, and a text */
    return done.rpc_code == REVERTED || done.rpc_code == REVERTED_NETHERMIND ||
           memmem(event->data + sizeof(done), event->len - sizeof(done), "revert", 6) != NULL;
}

void venue_symbol(const uint8_t *data, uint64_t len, char symbol[VENUE_SYMBOL])
{
    hawse_view_t text = {data, 0};
    if (hawse_abi_bytes(data, len, 0, &text) != HAWSE_OK && len >= 32) {
        text.data = data;
        for (text.len = 0; text.len < 32 && data[text.len] > 0x20;)
            text.len++;
    }
    uint64_t n = 0;
    for (uint64_t i = 0; i < text.len && n + 1 < VENUE_SYMBOL; i++) {
        if (text.data[i] > 0x20 && text.data[i] < 0x7f)
            symbol[n++] = (char)text.data[i];
    }
    symbol[n] = '\0';
}

void venue_origin(hawse_market_origin_t *origin, const hawse_evm_log_t *log)
{
    origin->chain_id = log->chain_id;
    origin->block_number = log->block_number;
    origin->block_timestamp = log->block_timestamp;
    origin->log_index = log->log_index;
    origin->tx_index = log->tx_index;
    memcpy(origin->block_hash, log->block_hash, 32);
    memcpy(origin->tx_hash, log->tx_hash, 32);
}

int32_t venue_settings(hawse_view_t config, void *state,
                       int32_t (*take)(void *state, const hawse_json_t *doc,
                                       hawse_json_value_t *root))
{
    hawse_json_t doc;
    hawse_json_value_t root;
    uint8_t *text = calloc(1, config.len + HAWSE_PADDING);
    uint32_t *marks = malloc((config.len + 2) * sizeof(marks[0]));
    int32_t code = text && marks ? HAWSE_OK : HAWSE_E_NOMEM;
    if (code == HAWSE_OK) {
        memcpy(text, config.data, config.len);
        code = hawse_json_index(&doc, text, config.len, marks, (uint32_t)config.len + 2);
    }
    if (code == HAWSE_OK)
        code = hawse_json_root(&doc, &root);
    if (code == HAWSE_OK)
        code = take(state, &doc, &root);
    free(text);
    free(marks);
    return code;
}
