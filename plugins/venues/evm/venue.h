/*
 * What venues of EVM chains share: questions by eth_call at a block, their answers, origins of
 * records, complaints that are not repeated. Owns nothing; every function is [lane].
 */
#ifndef VENUES_EVM_VENUE_H
#define VENUES_EVM_VENUE_H

#include <hawse/hawse.h>
#include <hawse/json.h>
#include <hawse/service/rpc.h>
#include <hawse/space/evm.h>
#include <hawse/space/host.h>
#include <hawse/space/market.h>
#include <stdbool.h>

enum { VENUE_ANSWER_MAX = 4096, VENUE_SYMBOL = 16 };

/* A warning of the instance, at most one in ten seconds: *last_ns is the caller's, 0 at first. */
void venue_complain(const hawse_host_t *host, hawse_instance_t self, uint64_t *last_ns,
                    const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Asks the link "chain" for eth_call of `data` (hexadecimal digits) at the block of that hash. */
int32_t venue_call(const hawse_host_t *host, hawse_instance_t self, const hawse_rpc_service_t *rpc,
                   const uint8_t to[20], const char *data, const uint8_t block_hash[32],
                   uint64_t tag, hawse_request_t *request);

/* The bytes of such an answer, VENUE_ANSWER_MAX at most; false when it holds none. */
bool venue_answer(const hawse_event_t *event, uint8_t *out, uint64_t *len);

/* Did the contract itself refuse the call? Every other error (a limit, a node that is behind, one
 * that is ill) says nothing about the contract, and the question is to be asked again. */
bool venue_reverted(const hawse_event_t *event);

/* symbol(): a string, for some old tokens 32 bytes; what is not printable is left out. */
void venue_symbol(const uint8_t *data, uint64_t len, char symbol[VENUE_SYMBOL]);

void venue_origin(hawse_market_origin_t *origin, const hawse_evm_log_t *log);

/* Reads the instance's settings and hands their root to `take`, whose answer it returns. */
int32_t venue_settings(hawse_view_t config, void *state,
                       int32_t (*take)(void *state, const hawse_json_t *doc,
                                       hawse_json_value_t *root));

#endif
