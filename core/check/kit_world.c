/* What happens to an instance from outside: connections, frames, demands, answers, steps of its
 * intents; see kit.h. */
#include "check/kit.h"

#include <hawse/space/evm.h>
#include <hawse/space/host.h>
#include <hawse/space/market.h>
#include <hawse/space/position.h>
#include <hawse/space/solana.h>
#include <hawse/space/stream.h>
#include <hawse/space/wallet.h>
#include <stdlib.h>
#include <string.h>

/* ---- records of the SDK ---- */

uint16_t kit_space(const char *id, size_t len)
{
    static const struct {
        const char *id;
        uint16_t number;
    } known[] = {{"host/1", HAWSE_SPACE_HOST},     {"stream/1", HAWSE_SPACE_STREAM},
                 {"evm/1", HAWSE_SPACE_EVM},       {"solana/1", HAWSE_SPACE_SOLANA},
                 {"market/1", HAWSE_SPACE_MARKET}, {"wallet/1", HAWSE_SPACE_WALLET},
                 {"intent/1", HAWSE_SPACE_INTENT}, {"position/1", HAWSE_SPACE_POSITION}};
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (strlen(known[i].id) == len && memcmp(known[i].id, id, len) == 0)
            return known[i].number;
    }
    return 0;
}

uint32_t kit_record_min(uint16_t space, uint16_t kind)
{
    static const struct {
        uint16_t space, kind;
        uint32_t size;
    } all[] = {
        {HAWSE_SPACE_EVM, HAWSE_EVM_BLOCK, sizeof(hawse_evm_block_t)},
        {HAWSE_SPACE_EVM, HAWSE_EVM_LOG, sizeof(hawse_evm_log_t)},
        {HAWSE_SPACE_EVM, HAWSE_EVM_PENDING_TX, sizeof(hawse_evm_pending_tx_t)},
        {HAWSE_SPACE_EVM, HAWSE_EVM_REORG, sizeof(hawse_evm_reorg_t)},
        {HAWSE_SPACE_SOLANA, HAWSE_SOLANA_SLOT, sizeof(hawse_solana_slot_t)},
        {HAWSE_SPACE_SOLANA, HAWSE_SOLANA_ACCOUNT, offsetof(hawse_solana_account_t, left)},
        {HAWSE_SPACE_SOLANA, HAWSE_SOLANA_PROGRAM_LOG, sizeof(hawse_solana_log_t)},
        {HAWSE_SPACE_SOLANA, HAWSE_SOLANA_SIGNATURE, sizeof(hawse_solana_signature_t)},
        {HAWSE_SPACE_SOLANA, HAWSE_SOLANA_ROLLBACK, sizeof(hawse_solana_rollback_t)},
        {HAWSE_SPACE_SOLANA, HAWSE_SOLANA_ACCOUNT_PART, sizeof(hawse_solana_account_part_t)},
        {HAWSE_SPACE_MARKET, HAWSE_MARKET_INFO, offsetof(hawse_market_info_t, group)},
        {HAWSE_SPACE_MARKET, HAWSE_MARKET_TRADE, sizeof(hawse_market_trade_t)},
        {HAWSE_SPACE_MARKET, HAWSE_MARKET_LIQUIDITY, sizeof(hawse_market_liquidity_t)},
        {HAWSE_SPACE_MARKET, HAWSE_MARKET_POOL_STATE, sizeof(hawse_market_pool_state_t)},
        {HAWSE_SPACE_MARKET, HAWSE_MARKET_BOOK_SNAPSHOT, sizeof(hawse_market_book_t)},
        {HAWSE_SPACE_MARKET, HAWSE_MARKET_BOOK_DELTA, sizeof(hawse_market_book_t)},
        {HAWSE_SPACE_MARKET, HAWSE_MARKET_QUOTE, sizeof(hawse_market_quote_t)},
        {HAWSE_SPACE_MARKET, HAWSE_MARKET_ORACLE_PRICE, sizeof(hawse_market_oracle_price_t)},
        {HAWSE_SPACE_MARKET, HAWSE_MARKET_STATE, sizeof(hawse_market_state_t)},
        {HAWSE_SPACE_MARKET, HAWSE_MARKET_POOL_TOKENS, sizeof(hawse_market_pool_tokens_t)},
        {HAWSE_SPACE_MARKET, HAWSE_MARKET_POOL_LIVE, sizeof(hawse_market_pool_live_t)},
        {HAWSE_SPACE_WALLET, HAWSE_WALLET_TRANSFER, sizeof(hawse_wallet_transfer_t)},
        {HAWSE_SPACE_WALLET, HAWSE_WALLET_FILL, sizeof(hawse_wallet_fill_t)},
        {HAWSE_SPACE_WALLET, HAWSE_WALLET_BALANCE, sizeof(hawse_wallet_balance_t)},
        {HAWSE_SPACE_WALLET, HAWSE_WALLET_ORDER, sizeof(hawse_wallet_order_t)},
        {HAWSE_SPACE_WALLET, HAWSE_WALLET_TRADE, sizeof(hawse_wallet_trade_t)},
        {HAWSE_SPACE_POSITION, HAWSE_POSITION_CONDITION, sizeof(hawse_position_condition_t)},
        {HAWSE_SPACE_POSITION, HAWSE_POSITION_SPLIT, sizeof(hawse_position_change_t)},
        {HAWSE_SPACE_POSITION, HAWSE_POSITION_MERGE, sizeof(hawse_position_change_t)},
        {HAWSE_SPACE_POSITION, HAWSE_POSITION_REDEMPTION, sizeof(hawse_position_change_t)},
        {HAWSE_SPACE_POSITION, HAWSE_POSITION_PROPOSAL, sizeof(hawse_position_proposal_t)},
    };
    if (space == HAWSE_SPACE_STREAM && kind >= 1 && kind <= HAWSE_STREAM_EVENT_LIVE)
        return sizeof(hawse_stream_range_t);
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        if (all[i].space == space && all[i].kind == kind)
            return all[i].size;
    }
    return 0;
}

/* ---- streams ---- */

static void push_host(struct kit *k, uint16_t kind, uint64_t key, const void *record, uint64_t len)
{
    hawse_event_t event = {.size = sizeof(event),
                           .space = HAWSE_SPACE_HOST,
                           .kind = kind,
                           .key = key,
                           .data = record,
                           .len = len};
    kit_push(k, &event);
}

void kit_connect(struct kit *k, hawse_stream_t stream, bool open, int32_t error, const char *why)
{
    struct kit_stream *s = &k->streams[(uint32_t)stream & 0xffffu];
    struct {
        hawse_host_stream_state_t state;
        char why[256];
    } r = {.state = {.size = sizeof(r.state),
                     .state = open ? HAWSE_STREAM_OPEN : HAWSE_STREAM_CLOSED,
                     .stream = stream,
                     .close_code = open ? 0 : 1006,
                     .retry_ms = open ? 0 : 100,
                     .error = error}};
    size_t len = strlen(why) < sizeof(r.why) ? strlen(why) : sizeof(r.why);
    memcpy(r.why, why, len);
    r.state.text_len = (uint32_t)len;
    s->open = open;
    if (open) {
        s->connection++;
        s->frames = 0;
    }
    for (uint32_t i = 0; open && i < k->channel_count; i++) {
        if (k->channels[i].stream == stream) {
            k->channels[i].touched_ns = k->now_ns;
            k->channels[i].silent = false;
        }
    }
    push_host(k, HAWSE_HOST_STREAM_STATE, stream, &r, sizeof(r.state) + len);
}

void kit_frame(struct kit *k, hawse_stream_t stream, const void *data, uint64_t len, bool binary)
{
    struct kit_stream *s = &k->streams[(uint32_t)stream & 0xffffu];
    if (!s->open)
        return;
    hawse_event_t event = {.size = sizeof(event),
                           .space = HAWSE_SPACE_HOST,
                           .kind = HAWSE_HOST_FRAME,
                           .epoch = s->connection,
                           .flags = binary ? HAWSE_FRAME_BINARY : 0,
                           .seq = ++s->frames,
                           .t_recv_ns = k->now_ns,
                           .key = stream,
                           .data = data,
                           .len = len};
    kit_push(k, &event);
}

void kit_demand(struct kit *k, uint32_t change, uint64_t sub, uint16_t space, uint16_t kind,
                const void *filter, uint32_t filter_len)
{
    struct {
        hawse_host_demand_t demand;
        uint8_t filter[4096];
    } r = {.demand = {.size = sizeof(r.demand),
                      .change = change,
                      .sub = sub,
                      .space = space,
                      .kind = kind,
                      .subscriber = 9,
                      .filter_len = filter_len}};
    if (filter_len > 0)
        memcpy(r.filter, filter, filter_len);
    push_host(k, HAWSE_HOST_DEMAND, sub, &r, sizeof(r.demand) + filter_len);
}

/* ---- requests ---- */

void kit_sends(struct kit *k, uint64_t what)
{
    for (uint32_t i = 0; i < k->unknown_count; i++)
        k->resent += k->unknown[i] == what;
}

static void outcome_unknown(struct kit *k, uint64_t what)
{
    if (k->unknown_count < sizeof(k->unknown) / sizeof(k->unknown[0]))
        k->unknown[k->unknown_count++] = what;
}

hawse_request_t kit_ask(struct kit *k, uint64_t tag, uint64_t asked, bool http, bool sends)
{
    for (uint32_t i = 0; i < KIT_REQUESTS; i++) {
        struct kit_request *r = &k->requests[i];
        if (r->used)
            continue;
        if (sends)
            kit_sends(k, asked);
        r->used = true;
        r->http = http;
        r->sends = sends;
        r->tag = tag;
        r->asked = asked;
        r->uses++;
        r->handle = kit_handle(k, KIT_H_REQUEST, i) | (uint64_t)r->uses << 8;
        k->request_count++;
        if (!k->answers.never)
            kit_later(k, k->answers.delay_ns ? k->answers.delay_ns : KIT_MS, kit_answer, r->handle);
        return r->handle;
    }
    return 0;
}

void kit_answer(struct kit *k, hawse_request_t request)
{
    struct kit_request *r = &k->requests[request & 0xff];
    const struct kit_answers *a = &k->answers;
    if (!r->used || r->handle != request)
        return; /* canceled */
    const char *body = a->body ? a->body : "null";
    size_t len = a->body_len ? a->body_len : strlen(body);
    size_t head = r->http ? sizeof(hawse_host_http_done_t) : sizeof(hawse_host_rpc_done_t);
    uint8_t *bytes = calloc(1, head + len);
    if (!bytes)
        abort();
    hawse_host_http_done_t http = {.size = sizeof(http),
                                   .status = a->status,
                                   .request = request,
                                   .tag = r->tag,
                                   .http_status = a->status == HAWSE_E_REMOTE ? 404 : 200,
                                   .elapsed_ns = KIT_MS,
                                   .body_len = len};
    hawse_host_rpc_done_t rpc = {.size = sizeof(rpc),
                                 .status = a->status,
                                 .request = request,
                                 .tag = r->tag,
                                 .http_status = 200,
                                 .rpc_code = a->status == HAWSE_E_REMOTE ? -32601 : 0,
                                 .elapsed_ns = KIT_MS,
                                 .body_len = len};
    if (a->status != HAWSE_OK && a->status != HAWSE_E_REMOTE)
        http.http_status = rpc.http_status = 0;
    memcpy(bytes, r->http ? (void *)&http : (void *)&rpc, head);
    memcpy(bytes + head, body, len);
    if (r->sends && a->status == HAWSE_E_UNKNOWN)
        outcome_unknown(k, r->asked);
    r->used = false;
    push_host(k, r->http ? HAWSE_HOST_HTTP_DONE : HAWSE_HOST_RPC_DONE, request, bytes, head + len);
    free(bytes);
}

/* ---- intents ---- */

void kit_step(struct kit *k, uint64_t intent, uint32_t step, int32_t error)
{
    static const char why[] = "as the conformance kit will have it";
    struct kit_intent *i = &k->intents[intent];
    struct {
        hawse_intent_step_t step;
        char why[sizeof(why)];
    } r = {.step = {.size = sizeof(r.step),
                    .step = step,
                    .intent = kit_handle(k, KIT_H_INTENT, (uint32_t)intent),
                    .attempt = step >= HAWSE_INTENT_SENT,
                    .error = error,
                    .reason_len = sizeof(why) - 1,
                    .tag = i->tag,
                    .leg_count = 1}};
    if (error == HAWSE_OK && step == HAWSE_INTENT_FAILED)
        r.step.error = HAWSE_E_REMOTE;
    if (error == HAWSE_OK && step == HAWSE_INTENT_REFUSED)
        r.step.error = HAWSE_E_DENIED;
    memcpy(r.why, why, sizeof(why));
    i->step = step;
    if (step == HAWSE_INTENT_UNKNOWN)
        outcome_unknown(k, i->what);
    hawse_event_t event = {.size = sizeof(event),
                           .space = HAWSE_SPACE_INTENT,
                           .kind = HAWSE_INTENT_STEP,
                           .key = r.step.intent,
                           .data = (const uint8_t *)&r,
                           .len = sizeof(r.step) + sizeof(why) - 1};
    kit_push(k, &event);
}
