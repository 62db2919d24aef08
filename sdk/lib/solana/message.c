/*
 * Reading Solana messages and transactions; see hawse/solana/message.h. One walk finds every part
 * and proves that it lies inside; the iterators repeat that walk without its checks.
 */
#include <hawse/solana/message.h>
#include <string.h>

/* ---- compact-u16 ---- */

uint32_t hawse_solana_compact_encode(uint16_t n, uint8_t out[3])
{
    uint32_t len = 0;
    for (; n > 0x7f; n = (uint16_t)(n >> 7))
        out[len++] = (uint8_t)(0x80u | (n & 0x7fu));
    out[len++] = (uint8_t)n;
    return len;
}

int32_t hawse_solana_compact_decode(const uint8_t *data, uint64_t len, uint16_t *n)
{
    uint32_t value = 0;
    for (uint32_t i = 0; i < 3; i++) {
        if (i == len)
            return HAWSE_E_RANGE;
        value |= (data[i] & 0x7fu) << (7 * i);
        if (data[i] & 0x80)
            continue;
        if ((i > 0 && data[i] == 0) || value > UINT16_MAX)
            return HAWSE_E_FORMAT;
        *n = (uint16_t)value;
        return (int32_t)i + 1;
    }
    return HAWSE_E_FORMAT;
}

/* ---- faults ---- */

const char *hawse_solana_fault_text(uint32_t fault)
{
    switch (fault) {
#define TEXT(number, name, meaning) \
    case number:                    \
        return meaning;
        HAWSE_SOLANA_FAULTS(TEXT)
#undef TEXT
    default:
        return fault == HAWSE_SOLANA_FAULT_NONE ? "no fault" : "an unknown fault";
    }
}

static int32_t say(uint32_t *fault, uint32_t what)
{
    if (fault)
        *fault = what;
    switch (what) {
    case HAWSE_SOLANA_FAULT_NONE:
        return HAWSE_OK;
    case HAWSE_SOLANA_FAULT_TOO_LARGE:
        return HAWSE_E_LIMIT;
    case HAWSE_SOLANA_FAULT_VERSION:
        return HAWSE_E_UNSUPPORTED;
    default:
        return what < HAWSE_SOLANA_FAULT_VERSION ? HAWSE_E_FORMAT : HAWSE_E_INVAL;
    }
}

/* ---- the walk ---- */

/* What is left to read, and the first fault, after which every read gives nothing. */
struct reader {
    const uint8_t *at, *end;
    uint32_t fault;
};

static const uint8_t *take(struct reader *r, uint64_t len)
{
    const uint8_t *at = r->at;
    if (r->fault)
        return NULL;
    if ((uint64_t)(r->end - at) < len) {
        r->fault = HAWSE_SOLANA_FAULT_TRUNCATED;
        return NULL;
    }
    r->at += len;
    return at;
}

static uint32_t count_of(struct reader *r)
{
    uint16_t n = 0;
    if (r->fault)
        return 0;
    int32_t used = hawse_solana_compact_decode(r->at, (uint64_t)(r->end - r->at), &n);
    if (used < 0) {
        r->fault = used == HAWSE_E_RANGE ? HAWSE_SOLANA_FAULT_TRUNCATED : HAWSE_SOLANA_FAULT_COUNT;
        return 0;
    }
    r->at += used;
    return n;
}

/* compact-u16 bytes */
static const uint8_t *take_counted(struct reader *r, uint32_t *count)
{
    *count = count_of(r);
    return take(r, *count);
}

static void read_instruction(struct reader *r, hawse_solana_compiled_t *out)
{
    const uint8_t *program = take(r, 1);
    out->program = program ? *program : 0;
    out->accounts = take_counted(r, &out->account_count);
    out->data = take_counted(r, &out->data_len);
}

static void read_lookup(struct reader *r, hawse_solana_lookup_t *out)
{
    out->table = take(r, 32);
    out->writable = take_counted(r, &out->writable_count);
    out->readonly = take_counted(r, &out->readonly_count);
}

static void read_header(struct reader *r, hawse_solana_message_t *m)
{
    m->version = HAWSE_SOLANA_LEGACY;
    if (!r->fault && r->at < r->end && (*r->at & 0x80)) {
        m->version = *take(r, 1) & 0x7fu;
        if (m->version != HAWSE_SOLANA_V0)
            r->fault = HAWSE_SOLANA_FAULT_VERSION;
    }
    const uint8_t *header = take(r, 3);
    if (header) {
        m->required_signatures = header[0];
        m->readonly_signed = header[1];
        m->readonly_unsigned = header[2];
    }
    m->key_count = count_of(r);
    m->keys = take(r, 32ull * m->key_count);
    m->blockhash = take(r, 32);
}

static void read_message(struct reader *r, hawse_solana_message_t *m)
{
    hawse_solana_compiled_t instruction;
    hawse_solana_lookup_t lookup;
    memset(m, 0, sizeof(*m));
    m->bytes.data = r->at;
    m->bytes.len = (uint64_t)(r->end - r->at);
    if (m->bytes.len > HAWSE_SOLANA_MESSAGE_MAX)
        r->fault = HAWSE_SOLANA_FAULT_TOO_LARGE;
    read_header(r, m);
    m->instruction_count = count_of(r);
    m->instructions = r->at;
    for (uint32_t i = 0; i < m->instruction_count && !r->fault; i++)
        read_instruction(r, &instruction);
    if (m->version == HAWSE_SOLANA_V0) {
        m->lookup_count = count_of(r);
        m->lookups = r->at;
    }
    for (uint32_t i = 0; i < m->lookup_count && !r->fault; i++) {
        read_lookup(r, &lookup);
        m->loaded_writable += lookup.writable_count;
        m->loaded_readonly += lookup.readonly_count;
    }
    if (!r->fault && r->at != r->end)
        r->fault = HAWSE_SOLANA_FAULT_TRAILING;
}

int32_t hawse_solana_message_decode(const uint8_t *data, uint64_t len,
                                    hawse_solana_message_t *message, uint32_t *fault)
{
    struct reader r = {data, data + len, HAWSE_SOLANA_FAULT_NONE};
    read_message(&r, message);
    return say(fault, r.fault);
}

int32_t hawse_solana_tx_decode(const uint8_t *data, uint64_t len, hawse_solana_tx_t *tx,
                               uint32_t *fault)
{
    struct reader r = {data, data + len, HAWSE_SOLANA_FAULT_NONE};
    if (len > HAWSE_SOLANA_TX_MAX)
        return say(fault, HAWSE_SOLANA_FAULT_TOO_LARGE);
    tx->reserved = 0;
    tx->signature_count = count_of(&r);
    tx->signatures = take(&r, 64ull * tx->signature_count);
    read_message(&r, &tx->message);
    return say(fault, r.fault);
}

int32_t hawse_solana_instruction_next(const hawse_solana_message_t *message,
                                      hawse_solana_compiled_t *instruction)
{
    if (instruction->index >= message->instruction_count)
        return 0;
    struct reader r = {instruction->index ? instruction->next : message->instructions,
                       message->bytes.data + message->bytes.len, HAWSE_SOLANA_FAULT_NONE};
    read_instruction(&r, instruction);
    instruction->index++;
    instruction->next = r.at;
    return 1;
}

int32_t hawse_solana_lookup_next(const hawse_solana_message_t *message,
                                 hawse_solana_lookup_t *lookup)
{
    if (lookup->index >= message->lookup_count)
        return 0;
    struct reader r = {lookup->index ? lookup->next : message->lookups,
                       message->bytes.data + message->bytes.len, HAWSE_SOLANA_FAULT_NONE};
    read_lookup(&r, lookup);
    lookup->index++;
    lookup->next = r.at;
    return 1;
}

/* ---- sanitizing ---- */

static uint32_t header_fault(const hawse_solana_message_t *m)
{
    if (m->required_signatures + m->readonly_unsigned > m->key_count)
        return HAWSE_SOLANA_FAULT_TOO_FEW_KEYS;
    if (m->required_signatures == 0)
        return HAWSE_SOLANA_FAULT_NO_SIGNER;
    if (m->readonly_signed >= m->required_signatures)
        return HAWSE_SOLANA_FAULT_READONLY_PAYER;
    return HAWSE_SOLANA_FAULT_NONE;
}

static uint32_t lookup_fault(const hawse_solana_message_t *m)
{
    hawse_solana_lookup_t lookup = {0};
    while (hawse_solana_lookup_next(m, &lookup)) {
        if (lookup.writable_count + lookup.readonly_count == 0)
            return HAWSE_SOLANA_FAULT_EMPTY_LOOKUP;
    }
    if (m->key_count + m->loaded_writable + m->loaded_readonly > HAWSE_SOLANA_KEYS_MAX)
        return HAWSE_SOLANA_FAULT_TOO_MANY_KEYS;
    return HAWSE_SOLANA_FAULT_NONE;
}

static uint32_t instruction_fault(const hawse_solana_message_t *m)
{
    hawse_solana_compiled_t one = {0};
    uint32_t accounts = m->key_count + m->loaded_writable + m->loaded_readonly;
    while (hawse_solana_instruction_next(m, &one)) {
        if (one.program >= m->key_count)
            return HAWSE_SOLANA_FAULT_PROGRAM_INDEX;
        if (one.program == 0)
            return HAWSE_SOLANA_FAULT_PROGRAM_IS_PAYER;
        for (uint32_t i = 0; i < one.account_count; i++) {
            if (one.accounts[i] >= accounts)
                return HAWSE_SOLANA_FAULT_ACCOUNT_INDEX;
        }
    }
    return HAWSE_SOLANA_FAULT_NONE;
}

/* At most 36 keys fit a message: comparing each with each costs less than a table would. */
static uint32_t key_fault(const hawse_solana_message_t *m)
{
    for (uint32_t i = 0; i < m->key_count; i++) {
        for (uint32_t j = 0; j < i; j++) {
            if (memcmp(m->keys + 32ull * i, m->keys + 32ull * j, 32) == 0)
                return HAWSE_SOLANA_FAULT_DUPLICATE_KEY;
        }
    }
    return HAWSE_SOLANA_FAULT_NONE;
}

/* What sanitize() of the runtime's message says; keys are compared later there, when accounts are
 * locked, and so after the signatures were counted. */
static uint32_t rule_fault(const hawse_solana_message_t *m)
{
    uint32_t fault = header_fault(m);
    if (!fault)
        fault = lookup_fault(m);
    return fault ? fault : instruction_fault(m);
}

int32_t hawse_solana_message_sanitize(const hawse_solana_message_t *message, uint32_t *fault)
{
    uint32_t found = rule_fault(message);
    return say(fault, found ? found : key_fault(message));
}

int32_t hawse_solana_tx_sanitize(const hawse_solana_tx_t *tx, uint32_t *fault)
{
    uint32_t found = rule_fault(&tx->message);
    if (!found && tx->signature_count != tx->message.required_signatures)
        found = HAWSE_SOLANA_FAULT_SIGNATURE_COUNT;
    return say(fault, found ? found : key_fault(&tx->message));
}

int32_t hawse_solana_message_signs(const hawse_solana_message_t *message, uint32_t index)
{
    return index < message->required_signatures;
}

int32_t hawse_solana_message_writes(const hawse_solana_message_t *message, uint32_t index)
{
    if (index < message->required_signatures)
        return index < message->required_signatures - message->readonly_signed;
    if (index < message->key_count)
        return index < message->key_count - message->readonly_unsigned;
    return index - message->key_count < message->loaded_writable;
}
