/*
 * The SDK's Solana functions on lines of text, so that a script can ask them and another client the
 * same questions. One question a line, one answer a line; bytes are hexadecimal.
 *
 *   encode HEX | decode TEXT                       base58
 *   curve KEY | pda PROGRAM SEED,SEED,...          "-" = an empty seed
 *   message legacy|0 PAYER BLOCKHASH INSTRUCTIONS TABLES
 *        instruction: PROGRAM:KEYflags,KEYflags...:DATA, joined by ";"; flags: s w - -
 *        table: ACCOUNT:KEY,KEY..., joined by ";"; "-" = none
 *   read HEX                                       a transaction
 *   compile legacy|0 PAYER LIFE BUDGET INSTRUCTIONS TABLES       a draft
 *        life: hash:HEX or nonce:VALUE:ACCOUNT:AUTHORITY
 *        budget: UNITS,PRICE,HEAP,LOADED, each 0 = none
 *   make NAME KEY|NUMBER ...                       an instruction, as above
 *   error JSON | simulation JSON                   what a node said
 */
#include <hawse/base58.h>
#include <hawse/hawse.h>
#include <hawse/hex.h>
#include <hawse/solana/address.h>
#include <hawse/solana/outcome.h>
#include <hawse/solana/transaction.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE = 1 << 20, TABLES = 8 };

static void print_hex(const uint8_t *data, uint64_t len)
{
    for (uint64_t i = 0; i < len; i++)
        printf("%02x", data[i]);
}

static uint64_t bytes_of(const char *hex, uint8_t *out, uint64_t cap)
{
    uint64_t len = strlen(hex) / 2;
    if (strcmp(hex, "-") == 0)
        return 0;
    if (len > cap || hawse_hex_decode((const uint8_t *)hex, out, len) != HAWSE_OK) {
        fprintf(stderr, "answers: bad hex %s\n", hex);
        exit(2);
    }
    return len;
}

/* The next part of *rest up to one of `ends`; NULL at the end. */
static char *part(char **rest, const char *ends)
{
    return *rest ? strsep(rest, ends) : NULL;
}

static void on_pda(char *rest)
{
    uint8_t program[32], bytes[16][64], address[32], bump = 0;
    hawse_view_t seeds[16];
    uint32_t count = 0;
    (void)bytes_of(part(&rest, " "), program, 32);
    for (char *seed; count < 16 && (seed = part(&rest, ",")) != NULL; count++) {
        seeds[count].data = bytes[count];
        seeds[count].len = bytes_of(seed, bytes[count], 64);
    }
    int32_t code = hawse_solana_find_address(seeds, count, program, address, &bump);
    if (code != HAWSE_OK) {
        printf("error %d", code);
        return;
    }
    print_hex(address, 32);
    printf(" %u", bump);
}

static void read_instruction(hawse_solana_builder_t *b, char *text)
{
    static hawse_solana_meta_t metas[HAWSE_SOLANA_KEYS_MAX];
    static uint8_t data[HAWSE_SOLANA_TX_MAX];
    uint8_t program[32];
    uint32_t count = 0;
    (void)bytes_of(part(&text, ":"), program, 32);
    char *accounts = part(&text, ":");
    for (char *one; (one = part(&accounts, ",")) != NULL && strlen(one) == 66; count++) {
        metas[count].signer = one[64] == 's';
        metas[count].writable = one[65] == 'w';
        one[64] = '\0';
        (void)bytes_of(one, metas[count].key, 32);
    }
    uint64_t len = bytes_of(text, data, sizeof(data));
    (void)hawse_solana_add(b, program, metas, count, data, (uint32_t)len);
}

static void read_instructions(hawse_solana_builder_t *b, char *list)
{
    hawse_solana_begin(b);
    for (char *one; strcmp(list ? list : "-", "-") != 0 && (one = part(&list, ";")) != NULL;)
        read_instruction(b, one);
}

/* Returns how many. */
static uint32_t read_tables(char *list, hawse_solana_table_t *tables)
{
    static uint8_t accounts[TABLES][32], keys[TABLES][256][32];
    uint32_t count = 0;
    for (char *one; strcmp(list ? list : "-", "-") != 0 && (one = part(&list, ";")) != NULL;) {
        hawse_solana_table_t *t = &tables[count];
        (void)bytes_of(part(&one, ":"), accounts[count], 32);
        *t = (hawse_solana_table_t){accounts[count], keys[count][0], 0, 0};
        for (char *key; (key = part(&one, ",")) != NULL;)
            (void)bytes_of(key, keys[count][t->key_count++], 32);
        count++;
    }
    return count;
}

static void on_message(char *rest)
{
    static hawse_solana_builder_t b;
    static uint8_t out[HAWSE_SOLANA_TX_MAX];
    hawse_solana_table_t tables[TABLES];
    uint8_t payer[32], blockhash[32];
    uint64_t need = 0;
    const char *version = part(&rest, " ");
    (void)bytes_of(part(&rest, " "), payer, 32);
    (void)bytes_of(part(&rest, " "), blockhash, 32);
    read_instructions(&b, part(&rest, " "));
    uint32_t table_count = read_tables(rest, tables);
    hawse_solana_plan_t plan = {strcmp(version, "legacy") == 0 ? HAWSE_SOLANA_LEGACY
                                                               : HAWSE_SOLANA_V0,
                                b.count,
                                table_count,
                                payer,
                                blockhash,
                                b.instructions,
                                tables};
    /* a builder holds as many bytes as a transaction: what does not fit it is too large as well */
    int32_t code = b.error == HAWSE_E_NOSPACE ? HAWSE_E_LIMIT : b.error;
    if (code == HAWSE_OK)
        code = hawse_solana_message_encode(&plan, out, sizeof(out), &need);
    if (code != HAWSE_OK)
        printf("error %d", code);
    else
        print_hex(out, need);
}

static const char *obstacle_name(uint32_t obstacle)
{
    switch (obstacle) {
#define NAME(number, name, meaning) \
    case number:                    \
        return #name;
        HAWSE_SOLANA_OBSTACLES(NAME)
#undef NAME
    default:
        return "NONE";
    }
}

static void read_life(char *text, hawse_solana_life_t *life)
{
    bool durable = strcmp(part(&text, ":"), "nonce") == 0;
    life->kind = durable ? HAWSE_SOLANA_LIFE_NONCE : HAWSE_SOLANA_LIFE_BLOCKHASH;
    (void)bytes_of(part(&text, ":"), life->hash, 32);
    if (!durable)
        return;
    (void)bytes_of(part(&text, ":"), life->nonce, 32);
    (void)bytes_of(part(&text, ":"), life->authority, 32);
}

static void on_compile(char *rest)
{
    static hawse_solana_builder_t b;
    static uint8_t out[HAWSE_SOLANA_MESSAGE_MAX];
    hawse_solana_table_t tables[TABLES];
    hawse_solana_compiled_tx_t r;
    uint64_t need = 0;
    hawse_solana_draft_t d = {.size = sizeof(d), .instructions = &b, .tables = tables};
    d.version = strcmp(part(&rest, " "), "legacy") == 0 ? HAWSE_SOLANA_LEGACY : HAWSE_SOLANA_V0;
    (void)bytes_of(part(&rest, " "), d.payer, 32);
    read_life(part(&rest, " "), &d.life);
    (void)sscanf(part(&rest, " "), "%u,%lu,%u,%u", &d.unit_limit, &d.unit_price, &d.heap,
                 &d.loaded_data);
    read_instructions(&b, part(&rest, " "));
    d.table_count = read_tables(rest, tables);
    if (hawse_solana_compile(&d, out, sizeof(out), &need, &r) != HAWSE_OK) {
        printf("refused %s", obstacle_name(r.obstacle));
        return;
    }
    printf("good ");
    print_hex(out, need);
    printf(" %u %u %u %lu", r.tx_bytes, r.signatures, r.locks, r.fee);
}

static const char *fault_name(uint32_t fault)
{
    switch (fault) {
#define NAME(number, name, meaning) \
    case number:                    \
        return #name;
        HAWSE_SOLANA_FAULTS(NAME)
    default:
        return "NONE";
    }
}

static void print_message(const hawse_solana_message_t *m)
{
    hawse_solana_compiled_t one = {0};
    hawse_solana_lookup_t lookup = {0};
    printf(" %s %u,%u,%u ", m->version == HAWSE_SOLANA_LEGACY ? "legacy" : "0",
           m->required_signatures, m->readonly_signed, m->readonly_unsigned);
    print_hex(m->keys, 32ull * m->key_count);
    printf(" ");
    print_hex(m->blockhash, 32);
    while (hawse_solana_instruction_next(m, &one)) {
        printf(" %u:", one.program);
        print_hex(one.accounts, one.account_count);
        printf(":");
        print_hex(one.data, one.data_len);
    }
    while (hawse_solana_lookup_next(m, &lookup)) {
        printf(" ");
        print_hex(lookup.table, 32);
        printf(":");
        print_hex(lookup.writable, lookup.writable_count);
        printf(":");
        print_hex(lookup.readonly, lookup.readonly_count);
    }
}

/* "form FAULT": does not decode; "rule FAULT": does not pass sanitizing; "good ...". */
static void on_read(char *rest)
{
    static uint8_t wire[LINE / 2];
    hawse_solana_tx_t tx;
    uint32_t fault = 0;
    uint64_t len = bytes_of(rest, wire, sizeof(wire));
    if (hawse_solana_tx_decode(wire, len, &tx, &fault) != HAWSE_OK) {
        printf("form %s", fault_name(fault));
    } else if (hawse_solana_tx_sanitize(&tx, &fault) != HAWSE_OK) {
        printf("rule %s", fault_name(fault));
        print_message(&tx.message);
    } else {
        printf("good %s", hawse_solana_tx_verify(&tx, NULL) == HAWSE_OK ? "signed" : "unsigned");
        print_message(&tx.message);
    }
}

/* ---- instructions by name ---- */

enum { ARGUMENTS = 8 };

/* Keys and numbers in the order in which they stand. */
struct arguments {
    uint8_t keys[ARGUMENTS][32];
    uint64_t numbers[ARGUMENTS];
    uint32_t key_count, number_count;
};

#define K(i) a->keys[i]
#define N(i) a->numbers[i]

static void make_nonce(hawse_solana_builder_t *b, const struct arguments *a)
{
    (void)hawse_solana_create_account(b, K(0), K(1), N(0), HAWSE_SOLANA_NONCE_BYTES,
                                      hawse_solana_system_program);
    (void)hawse_solana_nonce_initialize(b, K(1), K(2));
}

static void make_nonce_authorize(hawse_solana_builder_t *b, const struct arguments *a)
{
    (void)hawse_solana_nonce_authorize(b, K(0), K(1), K(2));
}

static void make_nonce_withdraw(hawse_solana_builder_t *b, const struct arguments *a)
{
    (void)hawse_solana_nonce_withdraw(b, K(0), K(1), K(2), N(0));
}

static void make_table(hawse_solana_builder_t *b, const struct arguments *a)
{
    uint8_t table[32], bump = 0;
    (void)hawse_solana_table_address(K(0), N(0), table, &bump);
    (void)hawse_solana_table_create(b, table, K(0), K(0), N(0), bump);
    (void)hawse_solana_table_extend(b, table, K(0), K(0), K(1), a->key_count - 1);
}

static void make_table_deactivate(hawse_solana_builder_t *b, const struct arguments *a)
{
    (void)hawse_solana_table_deactivate(b, K(0), K(1));
}

static void make_table_freeze(hawse_solana_builder_t *b, const struct arguments *a)
{
    (void)hawse_solana_table_freeze(b, K(0), K(1));
}

static void make_transfer(hawse_solana_builder_t *b, const struct arguments *a)
{
    (void)hawse_solana_transfer(b, K(0), K(1), N(0));
}

static void print_instruction(const hawse_solana_instruction_t *one)
{
    print_hex(one->program, 32);
    for (uint32_t i = 0; i < one->account_count; i++) {
        printf("%s", i ? "," : ":");
        print_hex(one->accounts[i].key, 32);
        printf("%c%c", one->accounts[i].signer ? 's' : '-', one->accounts[i].writable ? 'w' : '-');
    }
    printf(one->account_count ? ":" : "::");
    print_hex(one->data, one->data_len);
}

static void on_make(char *rest)
{
    static const struct {
        const char *name;
        void (*make)(hawse_solana_builder_t *b, const struct arguments *a);
    } all[] = {
        {"nonce", make_nonce},
        {"nonce_authorize", make_nonce_authorize},
        {"nonce_withdraw", make_nonce_withdraw},
        {"table", make_table},
        {"table_deactivate", make_table_deactivate},
        {"table_freeze", make_table_freeze},
        {"transfer", make_transfer},
    };
    static hawse_solana_builder_t b;
    struct arguments a = {.key_count = 0};
    const char *name = part(&rest, " ");
    for (char *one; (one = part(&rest, " ")) != NULL;) {
        if (strlen(one) == 64 && a.key_count < ARGUMENTS)
            (void)bytes_of(one, a.keys[a.key_count++], 32);
        else if (a.number_count < ARGUMENTS)
            a.numbers[a.number_count++] = strtoull(one, NULL, 10);
    }
    hawse_solana_begin(&b);
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        if (strcmp(all[i].name, name) == 0)
            all[i].make(&b, &a);
    }
    for (uint32_t i = 0; i < b.count; i++) {
        printf("%s", i ? ";" : "");
        print_instruction(&b.instructions[i]);
    }
}

/* ---- what a node said ---- */

/* The text's root; false when it is no JSON. */
static bool index_text(const char *rest, hawse_json_t *doc, hawse_json_value_t *root)
{
    static uint8_t text[LINE + HAWSE_PADDING];
    static uint32_t marks[LINE / 2];
    uint64_t len = strlen(rest);
    memset(text + len, 0, HAWSE_PADDING);
    memcpy(text, rest, len);
    return hawse_json_index(doc, text, len, marks, LINE / 2) == HAWSE_OK &&
           hawse_json_root(doc, root) == HAWSE_OK;
}

static void print_error(const hawse_solana_error_t *e)
{
    char text[256];
    (void)hawse_solana_error_text(e, text, sizeof(text));
    printf("%d %d %u %u %s", (int)e->transaction, (int)e->instruction, e->index, e->custom, text);
}

static void on_error(char *rest)
{
    hawse_json_t doc;
    hawse_json_value_t root;
    hawse_solana_error_t e;
    if (!index_text(rest, &doc, &root) || hawse_solana_error_read(&doc, &root, &e) != HAWSE_OK)
        printf("bad");
    else
        print_error(&e);
}

static void on_simulation(char *rest)
{
    hawse_json_t doc;
    hawse_json_value_t root;
    hawse_solana_simulation_t s;
    if (!index_text(rest, &doc, &root) ||
        hawse_solana_simulation_read(&doc, &root, &s) != HAWSE_OK) {
        printf("bad");
        return;
    }
    printf("%lu ", s.units);
    print_error(&s.error);
}

static void on_encode(char *rest)
{
    static uint8_t data[HAWSE_BASE58_BYTES_MAX];
    static char text[HAWSE_BASE58_DIGITS(HAWSE_BASE58_BYTES_MAX) + 1];
    uint64_t need = 0, len = bytes_of(rest, data, sizeof(data));
    (void)hawse_base58_encode(data, len, text, sizeof(text), &need);
    printf("%s", text);
}

static void on_decode(char *rest)
{
    static uint8_t data[HAWSE_BASE58_BYTES_MAX];
    uint64_t need = 0;
    int32_t code =
        hawse_base58_decode((const uint8_t *)rest, strlen(rest), data, sizeof(data), &need);
    if (code != HAWSE_OK)
        printf("error %d", code);
    else
        print_hex(data, need);
}

static void on_curve(char *rest)
{
    uint8_t key[32];
    (void)bytes_of(rest, key, 32);
    printf("%d", hawse_solana_on_curve(key));
}

int main(void)
{
    static const struct {
        const char *name;
        void (*answer)(char *rest);
    } all[] = {
        {"encode", on_encode},   {"decode", on_decode}, {"curve", on_curve},
        {"pda", on_pda},         {"read", on_read},     {"message", on_message},
        {"make", on_make},       {"error", on_error},   {"simulation", on_simulation},
        {"compile", on_compile},
    };
    static char line[LINE];
    while (fgets(line, sizeof(line), stdin)) {
        line[strcspn(line, "\n")] = '\0';
        char *rest = line;
        const char *what = part(&rest, " ");
        for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
            if (strcmp(all[i].name, what) == 0)
                all[i].answer(rest ? rest : line + strlen(line));
        }
        printf("\n");
        (void)fflush(stdout); /* the script waits for it */
    }
    return 0;
}
