/*
 * Values that JSON writes, by their types; internal. Serves the documents of EIP-712 and arguments
 * of the ABI: what they differ in is the sink.
 */
#ifndef SDK_LIB_ABI_JSON_H
#define SDK_LIB_ABI_JSON_H

#include <hawse/abi_type.h>
#include <hawse/json.h>

/* Takes the values in order; each fits its type. */
struct abi_sink {
    void (*word)(void *self, const uint8_t word[32]);
    void (*bytes_begin)(void *self); /* bytes or string, in parts */
    void (*bytes_part)(void *self, const uint8_t *bytes, uint64_t len);
    void (*bytes_end)(void *self);
    void (*open)(void *self, uint64_t count); /* a TUPLE, with 0, or a LIST */
    void (*close)(void *self);
};

struct abi_json {
    const hawse_json_t *doc; /* valid JSON as a whole */
    const hawse_abi_node_t *nodes;
    const char *names; /* the text that the nodes' names refer to */
    const struct abi_sink *sink;
    void *self;
    const uint8_t *where; /* of the fault, after an error */
    uint32_t depth;
    int arrays; /* tuples may be arrays too */
};

/*
 * Gives the value of type `node` to the sink. Objects have exactly the members of their type.
 * HAWSE_E_FORMAT: it does not have the form of its type; HAWSE_E_RANGE: a number that its type has
 * not, or another count than T[k] has; HAWSE_E_NOTFOUND: a member is missing; HAWSE_E_EXISTS: one
 * is too many; HAWSE_E_LIMIT: deeper than HAWSE_ABI_DEPTH.
 */
int32_t abi_json_value(struct abi_json *j, uint32_t node, hawse_json_value_t *value);

/* The members of the TUPLE at `node`, without opening it. */
int32_t abi_json_members(struct abi_json *j, uint32_t node, hawse_json_value_t *value);

#endif
