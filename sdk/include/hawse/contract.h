/*
 * One contract of an EVM chain, followed by its logs and told in the space market/1: the parts that
 * every venue on a chain has. hawse/abi.h reads the events' declarations.
 *
 * Functions allocate nothing and keep nothing; threads are said of each.
 */
#ifndef HAWSE_CONTRACT_H
#define HAWSE_CONTRACT_H

#include <hawse/abi.h>
#include <hawse/service/sub.h>
#include <hawse/space/evm.h>
#include <hawse/space/market.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HAWSE_CONTRACT_EVENTS_MAX 16 /* as a filter of evm/1 has room for */

/* [lane; borrows address and events, fills handle] Subscribes, without loss, to these events of the
 * contract at `address`, of the chain instance that the configuration links as `link`. The chain
 * asks its node for these logs and no others. HAWSE_E_NOTFOUND: there is no such link;
 * HAWSE_E_INVAL: no event, or above HAWSE_CONTRACT_EVENTS_MAX; else as subscribe(). */
int32_t hawse_contract_follow(const hawse_sub_service_t *sub, const hawse_host_t *host,
                              hawse_instance_t self, const char *link, const uint8_t address[20],
                              const hawse_abi_signature_t *events, uint32_t count,
                              hawse_sub_t *handle);

/* [any; borrows event and events, lends data as long as the event] Which of the events this is: its
 * number, and its data, of which there are at least head_len bytes. HAWSE_E_NOTFOUND: it is no log,
 * or that of another event; HAWSE_E_FORMAT: its first topic says that it is one of them, but topics
 * or data are missing. */
int32_t hawse_contract_match(const hawse_event_t *event, const hawse_abi_signature_t *events,
                             uint32_t count, const hawse_evm_log_t **log, const uint8_t **data);

/* [any; borrows log, fills origin] Where on its chain a log stands. */
void hawse_market_origin(const hawse_evm_log_t *log, hawse_market_origin_t *origin);

/* [lane; borrows all] Publishes a record of market/1 that `cause` is the reason for: its flags
 * (taken back, late), epoch and times are the cause's. Errors: those of publish(); HAWSE_E_AGAIN:
 * return from on_events without having taken the cause, which comes again. */
int32_t hawse_market_publish(const hawse_sub_service_t *sub, const hawse_host_t *host,
                             hawse_instance_t self, const hawse_event_t *cause, uint16_t kind,
                             uint32_t stream, const uint8_t market[32], const void *record,
                             uint64_t len);

/* [lane; borrows event and streams] Tells one's own readers what a source said of its continuity
 * (gaps, what was healed, what is live again), for each of these sequences of the instance. *told
 * counts those that know, and is 0 before an event is begun: after HAWSE_E_AGAIN the event comes
 * again, and the rest of them are told then. Other events: nothing is told. Errors: those of
 * publish(). The manifest must produce stream/1. */
int32_t hawse_continuity_pass(const hawse_sub_service_t *sub, const hawse_host_t *host,
                              hawse_instance_t self, const hawse_event_t *event,
                              const uint32_t *streams, uint32_t count, uint32_t *told);

#ifdef __cplusplus
}
#endif
#endif
