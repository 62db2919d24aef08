/*
 * See calldata.h. Functions whose arguments are all words are read at fixed places; those that hold
 * calls go through the SDK's decoder.
 */
#include "risk/calldata.h"

#include <hawse/abi_codec.h>
#include <hawse/u256.h>
#include <string.h>

/* Where in the words of the arguments things stand; NO = nowhere. */
enum { NO = 15 };

struct known {
    uint8_t selector[4];
    enum calldata_kind kind;
    uint8_t words;                /* at least so many must be there */
    uint8_t party, amount, token; /* numbers of words */
    bool all;
    const char *name;
};

static const struct known table[] = {
    {{0x09, 0x5e, 0xa7, 0xb3}, CALLDATA_ALLOWANCE, 2, 0, 1, NO, false, "approve(address,uint256)"},
    {{0x39, 0x50, 0x93, 0x51},
     CALLDATA_ALLOWANCE,
     2,
     0,
     1,
     NO,
     false,
     "increaseAllowance(address,uint256)"},
    {{0xd7, 0x3d, 0xd6, 0x23},
     CALLDATA_ALLOWANCE,
     2,
     0,
     1,
     NO,
     false,
     "increaseApproval(address,uint256)"},
    {{0xca, 0xe9, 0xca, 0x51},
     CALLDATA_ALLOWANCE,
     3,
     0,
     1,
     NO,
     false,
     "approveAndCall(address,uint256,bytes)"},
    {{0xd5, 0x05, 0xac, 0xcf},
     CALLDATA_ALLOWANCE,
     7,
     1,
     2,
     NO,
     false,
     "permit(address,address,uint256,uint256,uint8,bytes32,bytes32)"},
    {{0x8f, 0xcb, 0xaf, 0x0c},
     CALLDATA_ALLOWANCE,
     8,
     1,
     4,
     NO,
     true,
     "permit(address,address,uint256,uint256,bool,uint8,bytes32,bytes32)"},
    {{0x87, 0x51, 0x7c, 0x45},
     CALLDATA_ALLOWANCE,
     4,
     1,
     2,
     0,
     false,
     "approve(address,address,uint160,uint48)"},
    {{0x2b, 0x67, 0xb5, 0x70},
     CALLDATA_ALLOWANCE,
     8,
     5,
     2,
     1,
     false,
     "permit(address,((address,uint160,uint48,uint48),address,uint256),bytes)"},
    {{0xa2, 0x2c, 0xb4, 0x65},
     CALLDATA_ALLOWANCE,
     2,
     0,
     1,
     NO,
     true,
     "setApprovalForAll(address,bool)"},
    {{0xa4, 0x57, 0xc2, 0xd7},
     CALLDATA_LESS,
     2,
     0,
     1,
     NO,
     false,
     "decreaseAllowance(address,uint256)"},
    {{0x66, 0x18, 0x84, 0x63},
     CALLDATA_LESS,
     2,
     0,
     1,
     NO,
     false,
     "decreaseApproval(address,uint256)"},
    {{0xa9, 0x05, 0x9c, 0xbb}, CALLDATA_TRANSFER, 2, 0, 1, NO, false, "transfer(address,uint256)"},
    {{0x40, 0x00, 0xae, 0xa0},
     CALLDATA_TRANSFER,
     3,
     0,
     1,
     NO,
     false,
     "transferAndCall(address,uint256,bytes)"},
    {{0x23, 0xb8, 0x72, 0xdd},
     CALLDATA_TRANSFER,
     3,
     1,
     2,
     NO,
     false,
     "transferFrom(address,address,uint256)"},
    {{0x42, 0x84, 0x2e, 0x0e},
     CALLDATA_TRANSFER,
     3,
     1,
     NO,
     NO,
     false,
     "safeTransferFrom(address,address,uint256)"},
    {{0xb8, 0x8d, 0x4f, 0xde},
     CALLDATA_TRANSFER,
     4,
     1,
     NO,
     NO,
     false,
     "safeTransferFrom(address,address,uint256,bytes)"},
    {{0xf2, 0x42, 0x43, 0x2a},
     CALLDATA_TRANSFER,
     5,
     1,
     NO,
     NO,
     false,
     "safeTransferFrom(address,address,uint256,uint256,bytes)"},
    {{0x2e, 0xb2, 0xc2, 0xd6},
     CALLDATA_TRANSFER,
     5,
     1,
     NO,
     NO,
     false,
     "safeBatchTransferFrom(address,address,uint256[],uint256[],bytes)"},
    {{0x36, 0xc7, 0x85, 0x16},
     CALLDATA_TRANSFER,
     4,
     1,
     2,
     3,
     false,
     "transferFrom(address,address,uint160,address)"},
};

/* How the arguments of a nest hold its calls. */
enum shape {
    SELF_LIST, /* ..., bytes[]: calls of the contract itself */
    ONE,       /* (address,uint256,bytes) */
    TUPLES,    /* a list of tuples of address, bool?, uint256?, bytes */
    LISTS,     /* address[], uint256[]?, bytes[] */
    SAFE,      /* address,uint256,bytes,uint8, ... */
    PACKED,    /* bytes: operation, to, value, length, data, packed */
    MODE,      /* bytes32 mode, bytes: (address,uint256,bytes)[] */
};

struct nest {
    uint8_t selector[4];
    enum shape shape;
    const char *name;
};

static const struct nest nests[] = {
    {{0xac, 0x96, 0x50, 0xd8}, SELF_LIST, "multicall(bytes[])"},
    {{0x5a, 0xe4, 0x01, 0xdc}, SELF_LIST, "multicall(uint256,bytes[])"},
    {{0x1f, 0x04, 0x64, 0xd1}, SELF_LIST, "multicall(bytes32,bytes[])"},
    {{0xb6, 0x1d, 0x27, 0xf6}, ONE, "execute(address,uint256,bytes)"},
    {{0x34, 0xfc, 0xd5, 0xbe}, TUPLES, "executeBatch((address,uint256,bytes)[])"},
    {{0x25, 0x2d, 0xba, 0x42}, TUPLES, "aggregate((address,bytes)[])"},
    {{0xbc, 0xe3, 0x8b, 0xd7}, TUPLES, "tryAggregate(bool,(address,bytes)[])"},
    {{0x82, 0xad, 0x56, 0xcb}, TUPLES, "aggregate3((address,bool,bytes)[])"},
    {{0x17, 0x4d, 0xea, 0x71}, TUPLES, "aggregate3Value((address,bool,uint256,bytes)[])"},
    {{0x18, 0xdf, 0xb3, 0xc7}, LISTS, "executeBatch(address[],bytes[])"},
    {{0x47, 0xe1, 0xda, 0x2a}, LISTS, "executeBatch(address[],uint256[],bytes[])"},
    {{0x6a, 0x76, 0x12, 0x02},
     SAFE,
     "execTransaction(address,uint256,bytes,uint8,uint256,uint256,uint256,address,address,bytes)"},
    {{0x8d, 0x80, 0xff, 0x0a}, PACKED, "multiSend(bytes)"},
    {{0xe9, 0xae, 0x5c, 0x53}, MODE, "execute(bytes32,bytes)"},
};

static const struct nest *nest_of(hawse_view_t data)
{
    for (size_t i = 0; data.len >= 4 && i < sizeof(nests) / sizeof(nests[0]); i++) {
        if (memcmp(nests[i].selector, data.data, 4) == 0)
            return &nests[i];
    }
    return NULL;
}

/* ---- one call ---- */

static const uint8_t *word(hawse_view_t data, uint8_t n)
{
    return data.data + 4 + 32 * (size_t)n;
}

static bool read_address(hawse_view_t data, uint8_t n, uint8_t out[20])
{
    static const uint8_t zeros[12] = {0};
    memcpy(out, word(data, n) + 12, 20);
    return memcmp(word(data, n), zeros, 12) == 0;
}

static int32_t read_known(hawse_view_t data, const struct known *k, struct calldata *out)
{
    const hawse_u256_t one = {{1, 0, 0, 0}};
    out->kind = k->kind;
    out->name = k->name;
    out->all = k->all;
    if (data.len < 4 + 32 * (uint64_t)k->words || !read_address(data, k->party, out->party))
        return HAWSE_E_FORMAT;
    if (k->amount != NO)
        hawse_u256_from_be(word(data, k->amount), &out->amount);
    if (k->all && hawse_u256_compare(&out->amount, &one) > 0)
        return HAWSE_E_FORMAT; /* a bool */
    out->names_token = k->token != NO;
    return !out->names_token || read_address(data, k->token, out->token) ? HAWSE_OK
                                                                         : HAWSE_E_FORMAT;
}

int32_t calldata_read(hawse_view_t data, struct calldata *out)
{
    memset(out, 0, sizeof(*out));
    if (data.len == 0)
        return HAWSE_OK;
    if (data.len < 4)
        return HAWSE_E_FORMAT;
    memcpy(out->selector, data.data, 4);
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (memcmp(table[i].selector, data.data, 4) == 0)
            return read_known(data, &table[i], out);
    }
    const struct nest *nest = nest_of(data);
    out->kind = nest ? CALLDATA_NEST : CALLDATA_OTHER;
    out->name = nest ? nest->name : NULL;
    return HAWSE_OK;
}

/* ---- calls inside ---- */

struct walk {
    const uint8_t *outer;
    bool (*fn)(void *ctx, const struct calldata_call *call);
    void *ctx;
    uint32_t count;
    bool ended;
    bool zero_is_outer; /* ERC-7821 */
};

static int32_t give(struct walk *w, struct calldata_call *call)
{
    static const uint8_t zero[20] = {0};
    if (w->zero_is_outer && memcmp(call->to, zero, 20) == 0)
        memcpy(call->to, w->outer, 20);
    if (w->count++ == CALLDATA_INNER)
        return HAWSE_E_LIMIT;
    w->ended = !w->fn(w->ctx, call);
    return HAWSE_OK;
}

/* Fields of the tuple or parameters that are open, until the bytes that end a call. */
static int32_t read_fields(hawse_abi_reader_t *r, struct calldata_call *call)
{
    hawse_abi_value_t value = {.kind = HAWSE_ABI_BOOL};
    memset(call, 0, sizeof(*call));
    while (value.kind != HAWSE_ABI_BYTES && hawse_abi_read(r, &value) == 1) {
        if (value.kind == HAWSE_ABI_ADDRESS)
            memcpy(call->to, value.as.bytes, 20);
        else if (value.kind == HAWSE_ABI_UINT)
            call->value = value.as.number;
        else if (value.kind == HAWSE_ABI_BYTES)
            call->data = hawse_abi_view(r, &value);
    }
    return value.kind == HAWSE_ABI_BYTES ? HAWSE_OK : HAWSE_E_FORMAT;
}

static int32_t inner_self(struct walk *w, hawse_abi_reader_t *r)
{
    hawse_abi_value_t value;
    struct calldata_call call = {0};
    int32_t code = HAWSE_OK;
    memcpy(call.to, w->outer, 20);
    while (hawse_abi_read(r, &value) == 1 && value.kind != HAWSE_ABI_LIST)
        ;
    (void)hawse_abi_enter(r);
    while (code == HAWSE_OK && !w->ended && hawse_abi_read(r, &value) == 1) {
        call.data = hawse_abi_view(r, &value);
        code = give(w, &call);
    }
    return code;
}

static int32_t inner_tuples(struct walk *w, hawse_abi_reader_t *r)
{
    hawse_abi_value_t value;
    struct calldata_call call;
    int32_t code = HAWSE_OK;
    while (hawse_abi_read(r, &value) == 1 && value.kind != HAWSE_ABI_LIST)
        ;
    (void)hawse_abi_enter(r);
    while (code == HAWSE_OK && !w->ended && hawse_abi_read(r, &value) == 1) {
        (void)hawse_abi_enter(r);
        code = read_fields(r, &call);
        (void)hawse_abi_leave(r);
        if (code == HAWSE_OK)
            code = give(w, &call);
    }
    return code;
}

/* Item `index` of the list that is parameter `list`. */
static int32_t item(hawse_abi_reader_t *r, uint64_t list, uint64_t index, hawse_abi_value_t *out)
{
    int32_t code = hawse_abi_seek(r, list);
    if (code == HAWSE_OK)
        code = hawse_abi_take(r, HAWSE_ABI_LIST, out);
    if (code == HAWSE_OK)
        code = hawse_abi_enter(r);
    if (code == HAWSE_OK) {
        code = hawse_abi_seek(r, index);
        if (code == HAWSE_OK)
            (void)hawse_abi_read(r, out);
        (void)hawse_abi_leave(r);
    }
    return code;
}

static int32_t inner_lists(struct walk *w, hawse_abi_reader_t *r, uint32_t lists)
{
    hawse_abi_value_t value;
    int32_t code = hawse_abi_take(r, HAWSE_ABI_LIST, &value);
    uint64_t count = value.as.span.count;
    for (uint64_t i = 0; code == HAWSE_OK && !w->ended && i < count; i++) {
        struct calldata_call call = {0};
        code = item(r, 0, i, &value);
        memcpy(call.to, value.as.bytes, 20);
        if (code == HAWSE_OK && lists == 3) {
            code = item(r, 1, i, &value);
            call.value = value.as.number;
        }
        if (code == HAWSE_OK)
            code = item(r, lists - 1, i, &value);
        if (code != HAWSE_OK)
            return HAWSE_E_FORMAT; /* lists of different lengths */
        call.data = hawse_abi_view(r, &value);
        code = give(w, &call);
    }
    return code;
}

static int32_t inner_safe(struct walk *w, hawse_abi_reader_t *r)
{
    struct calldata_call call;
    hawse_abi_value_t operation;
    int32_t code = read_fields(r, &call);
    if (code == HAWSE_OK)
        code = hawse_abi_take(r, HAWSE_ABI_UINT, &operation);
    if (code != HAWSE_OK || operation.as.number.limb[0] > 1)
        return HAWSE_E_FORMAT;
    call.delegated = operation.as.number.limb[0] == 1;
    return give(w, &call);
}

static int32_t inner_packed(struct walk *w, hawse_abi_reader_t *r)
{
    hawse_abi_value_t value;
    (void)hawse_abi_read(r, &value);
    hawse_view_t bytes = hawse_abi_view(r, &value);
    uint64_t at = 0;
    int32_t code = HAWSE_OK;
    while (code == HAWSE_OK && !w->ended && at < bytes.len) {
        struct calldata_call call = {0};
        hawse_u256_t length;
        uint64_t len = 0;
        if (bytes.len - at < 85 || bytes.data[at] > 1)
            return HAWSE_E_FORMAT;
        call.delegated = bytes.data[at] == 1;
        memcpy(call.to, bytes.data + at + 1, 20);
        hawse_u256_from_be(bytes.data + at + 21, &call.value);
        hawse_u256_from_be(bytes.data + at + 53, &length);
        at += 85;
        if (hawse_u256_to_u64(&length, &len) != HAWSE_OK || len > bytes.len - at)
            return HAWSE_E_FORMAT;
        call.data = (hawse_view_t){bytes.data + at, len};
        at += len;
        code = give(w, &call);
    }
    return code;
}

/* ERC-7821: single batches alone; a batch of batches or one with opData is another mode. */
static int32_t inner_mode(struct walk *w, hawse_abi_reader_t *r)
{
    static const char types[] = "(address,uint256,bytes)[]";
    static const uint8_t batch[10] = {0x01};
    hawse_abi_declaration_t d;
    hawse_abi_reader_t inside;
    hawse_abi_value_t value;
    (void)hawse_abi_read(r, &value);
    if (memcmp(value.as.bytes, batch, sizeof(batch)) != 0)
        return HAWSE_E_FORMAT;
    (void)hawse_abi_read(r, &value);
    hawse_view_t bytes = hawse_abi_view(r, &value);
    if (hawse_abi_parse_types(types, sizeof(types) - 1, &d, NULL) != HAWSE_OK ||
        hawse_abi_read_begin(&inside, &d, d.inputs, bytes.data, bytes.len, 0, NULL) != HAWSE_OK)
        return HAWSE_E_FORMAT;
    w->zero_is_outer = true;
    return inner_tuples(w, &inside);
}

int32_t calldata_inner(hawse_view_t data, const uint8_t outer[20],
                       bool (*fn)(void *ctx, const struct calldata_call *call), void *ctx)
{
    struct walk w = {.outer = outer, .fn = fn, .ctx = ctx};
    const struct nest *nest = nest_of(data);
    hawse_abi_declaration_t d;
    hawse_abi_reader_t r;
    struct calldata_call call;
    if (!nest || hawse_abi_parse(nest->name, strlen(nest->name), &d, NULL) != HAWSE_OK ||
        hawse_abi_call_read(&r, &d, data.data, data.len, 0, NULL) != HAWSE_OK)
        return HAWSE_E_FORMAT;
    switch (nest->shape) {
    case SELF_LIST:
        return inner_self(&w, &r);
    case TUPLES:
        return inner_tuples(&w, &r);
    case LISTS:
        return inner_lists(&w, &r, d.nodes[0].count);
    case SAFE:
        return inner_safe(&w, &r);
    case PACKED:
        return inner_packed(&w, &r);
    case MODE:
        return inner_mode(&w, &r);
    default:
        return read_fields(&r, &call) == HAWSE_OK ? give(&w, &call) : HAWSE_E_FORMAT;
    }
}
