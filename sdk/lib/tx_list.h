/*
 * The lists inside a transaction; internal.
 */
#ifndef SDK_LIB_TX_LIST_H
#define SDK_LIB_TX_LIST_H

#include <hawse/tx.h>

/* Walks to the end of a list of entries; r->at is the place of a fault. */
int32_t tx_access_check(hawse_rlp_t *r);
int32_t tx_authorizations_check(hawse_rlp_t *r);
int32_t tx_blob_hashes_check(hawse_rlp_t *r);

/* An integer whose bytes may begin with zeros. */
void tx_put_number(hawse_writer_t *w, const uint8_t bytes[32]);

/* Reports a fault: HAWSE_E_INVAL. */
int32_t tx_fault(uint32_t *fault, uint32_t number);

#endif
