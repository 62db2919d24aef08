/* What can no longer change: by the node's "finalized" block, or by counting confirmations. */
#ifndef EVM_FINAL_H
#define EVM_FINAL_H

#include "evm.h"

void final_step(struct evm *e);
/* An answer to REQUEST_FINAL. */
void final_reply(struct evm *e, struct reply *reply);

#endif
