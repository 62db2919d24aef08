/* What the node sends over the stream: notifications, and answers to questions asked there. */
#ifndef EVM_INTAKE_H
#define EVM_INTAKE_H

#include "evm.h"

/* One message. Returns 1 when it was taken, 0 when a subscriber has no room: it must come again. */
int intake_frame(struct evm *e, const hawse_event_t *event);

#endif
