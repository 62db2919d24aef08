/* A contract's logs, and records made of them; see hawse/contract.h. */
#include <hawse/contract.h>
#include <hawse/space/stream.h>
#include <string.h>

int32_t hawse_contract_follow(const hawse_sub_service_t *sub, const hawse_host_t *host,
                              hawse_instance_t self, const char *link, const uint8_t address[20],
                              const hawse_abi_signature_t *events, uint32_t count,
                              hawse_sub_t *handle)
{
    struct {
        hawse_evm_log_filter_t filter;
        uint8_t topics[HAWSE_CONTRACT_EVENTS_MAX][32];
    } want = {.filter = {.size = sizeof(want.filter), .topic0_count = count}};
    hawse_sub_spec_t spec = {.size = sizeof(spec),
                             .space = HAWSE_SPACE_EVM,
                             .kind = HAWSE_EVM_LOG,
                             .flags = HAWSE_SUB_KEYED,
                             .policy = HAWSE_POLICY_LOSSLESS,
                             .key = hawse_key(address, 20)};
    if (count == 0 || count > HAWSE_CONTRACT_EVENTS_MAX)
        return HAWSE_E_INVAL;
    memcpy(want.filter.address, address, 20);
    for (uint32_t i = 0; i < count; i++)
        memcpy(want.topics[i], events[i].hash, 32);
    spec.filter.data = (const uint8_t *)&want;
    spec.filter.len = sizeof(want.filter) + (uint64_t)count * 32;
    int32_t code = sub->link(host, self, hawse_text(link), &spec.source);
    return code == HAWSE_OK ? sub->subscribe(host, self, &spec, handle) : code;
}

int32_t hawse_contract_match(const hawse_event_t *event, const hawse_abi_signature_t *events,
                             uint32_t count, const hawse_evm_log_t **log, const uint8_t **data)
{
    const hawse_evm_log_t *l = (const hawse_evm_log_t *)(const void *)event->data;
    int32_t code = HAWSE_E_NOTFOUND;
    if (event->space != HAWSE_SPACE_EVM || event->kind != HAWSE_EVM_LOG)
        return HAWSE_E_NOTFOUND;
    if (event->len < sizeof(*l) || l->data_offset > event->len ||
        l->data_len > event->len - l->data_offset)
        return HAWSE_E_FORMAT;
    for (uint32_t i = 0; i < count; i++) {
        const hawse_abi_signature_t *e = &events[i];
        if (l->topic_count == 0 || memcmp(l->topics[0], e->hash, 32) != 0)
            continue;
        if (l->topic_count == e->topic_count && l->data_len >= e->head_len) {
            *log = l;
            *data = event->data + l->data_offset;
            return (int32_t)i;
        }
        code = HAWSE_E_FORMAT; /* another one may have the same topic and fewer of them indexed */
    }
    return code;
}

void hawse_market_origin(const hawse_evm_log_t *log, hawse_market_origin_t *origin)
{
    origin->chain_id = log->chain_id;
    origin->block_number = log->block_number;
    origin->block_timestamp = log->block_timestamp;
    origin->log_index = log->log_index;
    origin->tx_index = log->tx_index;
    memcpy(origin->block_hash, log->block_hash, 32);
    memcpy(origin->tx_hash, log->tx_hash, 32);
}

int32_t hawse_market_publish(const hawse_sub_service_t *sub, const hawse_host_t *host,
                             hawse_instance_t self, const hawse_event_t *cause, uint16_t kind,
                             uint32_t stream, const uint8_t market[32], const void *record,
                             uint64_t len)
{
    hawse_event_t event = {.size = sizeof(event),
                           .space = HAWSE_SPACE_MARKET,
                           .kind = kind,
                           .stream = stream,
                           .epoch = cause->epoch,
                           /* what is lost on the way here is our own source's loss */
                           .flags = cause->flags & ~HAWSE_EVENT_LOCAL,
                           .t_recv_ns = cause->t_recv_ns,
                           .t_source_ns = cause->t_source_ns,
                           .key = hawse_key(market, 32),
                           .data = (const uint8_t *)record,
                           .len = len};
    return sub->publish(host, self, &event);
}

int32_t hawse_continuity_pass(const hawse_sub_service_t *sub, const hawse_host_t *host,
                              hawse_instance_t self, const hawse_event_t *event,
                              const uint32_t *streams, uint32_t count, uint32_t *told)
{
    hawse_event_t own = *event;
    int32_t code = HAWSE_OK;
    if (event->space != HAWSE_SPACE_STREAM || event->kind > HAWSE_STREAM_EVENT_LIVE ||
        event->len < sizeof(hawse_stream_range_t))
        return HAWSE_OK;
    own.size = sizeof(own);
    own.key = 0;
    own.flags &= ~HAWSE_EVENT_LOCAL;
    own.len = sizeof(hawse_stream_range_t);
    for (; *told < count && code == HAWSE_OK; *told += code == HAWSE_OK) {
        own.stream = streams[*told];
        code = sub->publish(host, self, &own);
    }
    if (code != HAWSE_E_AGAIN)
        *told = 0;
    return code;
}
