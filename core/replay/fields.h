/*
 * Names of what the SDK's event spaces hold, for the words of a difference: kinds of events, and
 * the member of a record in which a byte lies.
 */
#ifndef CORE_REPLAY_FIELDS_H
#define CORE_REPLAY_FIELDS_H

#include <hawse/hawse.h>

/* "trade"; NULL where the space or the kind is not known. */
const char *kind_name(uint16_t space, uint16_t kind);

struct field {
    const char *name;
    uint32_t offset, size;
};

/* The member of a record of that kind that holds the byte; NULL: none that is known. */
const struct field *field_at(uint16_t space, uint16_t kind, uint64_t byte);

#endif
