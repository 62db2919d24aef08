/* Questions by eth_call at a block, their answers, complaints that are not repeated; see venue.h.
 */
#include "venue.h"

#include <hawse/abi.h>
#include <hawse/hex.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { COMPLAIN_MS = 10000 };

void venue_complain(struct venue *v, const char *format, ...)
{
    char text[400];
    va_list ap;
    uint64_t now = v->host->now(v->host, HAWSE_CLOCK_MONOTONIC);
    if (v->complaint_ns != 0 && now - v->complaint_ns < (uint64_t)COMPLAIN_MS * 1000000u)
        return;
    v->complaint_ns = now;
    va_start(ap, format);
    (void)vsnprintf(text, sizeof(text), format, ap);
    va_end(ap);
    hawse_log(v->host, v->self, HAWSE_LOG_WARN, text);
}

int32_t venue_call(struct venue *v, const struct venue_question *q, const uint8_t block_hash[32],
                   uint64_t tag, hawse_request_t *request)
{
    char params[VENUE_CALL_MAX + 192], address[40], hash[64];
    hawse_hex_encode(q->to, 20, address);
    hawse_hex_encode(block_hash, 32, hash);
    int n = snprintf(params, sizeof(params),
                     "[{\"to\":\"0x%.40s\",\"data\":\"0x%s\"},{\"blockHash\":\"0x%.64s\"}]",
                     address, q->data, hash);
    if (n < 0 || (size_t)n >= sizeof(params))
        return HAWSE_E_NOSPACE;
    hawse_rpc_call_t call = {.size = sizeof(call),
                             .link = hawse_text("chain"),
                             .method = hawse_text("eth_call"),
                             .params = {(const uint8_t *)params, (uint64_t)n},
                             .tag = tag};
    int32_t code = v->rpc->call(v->host, v->self, &call, request);
    if (code != HAWSE_OK) {
        *request = 0;
        venue_complain(v,
                       "eth_call could not be asked (%d): is rpc:eth_call granted, and has the "
                       "chain instance an endpoint \"http\"?",
                       code);
    }
    return code;
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

/* ---- tokens ---- */

bool venue_take_decimals(struct venue_token *t, const uint8_t *d, uint64_t len, uint32_t most)
{
    uint64_t n = 0;
    if (len < 32 || hawse_abi_u64(d, 8, &n) != HAWSE_OK || n > most)
        return false;
    t->decimals = (uint32_t)n;
    return true;
}

void venue_take_symbol(const uint8_t *d, uint64_t len, char symbol[VENUE_SYMBOL])
{
    hawse_view_t text = {d, 0};
    if (hawse_abi_bytes(d, len, 0, &text) != HAWSE_OK && len >= 32) {
        text.data = d;
        for (text.len = 0; text.len < 32 && d[text.len] > 0x20;)
            text.len++;
    }
    uint64_t n = 0;
    for (uint64_t i = 0; i < text.len && n + 1 < VENUE_SYMBOL; i++) {
        if (text.data[i] > 0x20 && text.data[i] < 0x7f)
            symbol[n++] = (char)text.data[i];
    }
    symbol[n] = '\0';
}

void venue_info_token(hawse_market_info_t *info, uint32_t i, const struct venue_token *t)
{
    info->decimals[i] = t->decimals;
    memcpy(info->token[i] + 12, t->address, 20);
    memcpy(info->symbol[i], t->symbol, sizeof(t->symbol));
}
