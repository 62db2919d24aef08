/* Records out: built in a small queue, flushed as there is room. See venue.h. */
#include "venue.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

bool venue_out_init(struct venue *v)
{
    v->out = calloc(v->kind->records, sizeof(v->out[0]));
    v->records = calloc(v->kind->records, v->kind->record_size);
    return v->out && v->records;
}

void venue_out_finish(struct venue *v)
{
    free(v->out);
    free(v->records);
}

void *venue_out(struct venue *v, uint16_t kind, uint32_t stream, uint64_t key, uint64_t len,
                const hawse_event_t *cause)
{
    assert(v->out_count < v->kind->records && len <= v->kind->record_size);
    uint8_t *record = v->records + (uint64_t)v->out_count * v->kind->record_size;
    uint32_t kept = HAWSE_EVENT_BACKFILLED;
    if (stream == HAWSE_MARKET_STREAM_TRADES)
        kept |= HAWSE_EVENT_REMOVED;
    memset(record, 0, len);
    v->out[v->out_count++] = (hawse_event_t){.size = sizeof(v->out[0]),
                                             .space = HAWSE_SPACE_MARKET,
                                             .kind = kind,
                                             .stream = stream,
                                             .epoch = cause ? cause->epoch : 0,
                                             .flags = cause ? cause->flags & kept : 0,
                                             .t_recv_ns = cause ? cause->t_recv_ns : 0,
                                             .t_source_ns = cause ? cause->t_source_ns : 0,
                                             .key = key,
                                             .data = record,
                                             .len = len};
    return record;
}

bool venue_out_flush(struct venue *v)
{
    while (v->out_next < v->out_count) {
        if (v->sub->publish(v->host, v->self, &v->out[v->out_next]) == HAWSE_E_AGAIN)
            return false;
        v->out_next++;
    }
    v->out_next = v->out_count = 0;
    return true;
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

void venue_state_origin(const struct venue *v, const struct venue_pool *p,
                        hawse_market_origin_t *origin, const hawse_evm_log_t *log)
{
    if (log) {
        venue_origin(origin, log);
        return;
    }
    origin->chain_id = v->chain_id;
    origin->block_number = p->read_block;
    memcpy(origin->block_hash, p->read_hash, 32);
}
