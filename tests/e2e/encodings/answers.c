/*
 * The SDK's encodings of the EVM on lines of text, so that a script can ask them and other clients
 * the same questions. One question a line, one answer a line; parts are divided by tabs; a refusal
 * is "error CODE PLACE".
 *
 *   rlp HEX              the item as JSON: texts and arrays; it is encoded again to the same bytes
 *   tx HEX               a signed transaction as JSON, with its bytes encoded again and both hashes
 *   encode TYPES JSON    the ABI encoding of an array of values
 *   decode TYPES HEX     the values as JSON, then 1 when the encoding is the canonical one
 *   call SIGNATURE JSON  calldata
 *   typed JSON           separator, struct hash and digest of a document
 */
#include <hawse/abi_codec.h>
#include <hawse/eip712.h>
#include <hawse/hex.h>
#include <hawse/tx.h>
#include <hawse/u256.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE = 1 << 20 };

static char *line;
static uint8_t *bytes, *out;
static uint32_t *marks;

static void print_hex(const uint8_t *data, uint64_t len)
{
    printf("0x");
    for (uint64_t i = 0; i < len; i++)
        printf("%02x", data[i]);
}

static void print_field(const char *name, const hawse_u256_t *n)
{
    char text[HAWSE_U256_DECIMAL_MAX];
    (void)hawse_u256_decimal(n, text);
    printf("\"%s\":\"%s\",", name, text);
}

static void refuse(int32_t code, uint64_t where)
{
    printf("error %d %llu", code, (unsigned long long)where);
}

static uint64_t bytes_of(const char *hex)
{
    uint64_t len = 0;
    if (hawse_hex_data((const uint8_t *)hex, strlen(hex), bytes, LINE, &len) != HAWSE_OK) {
        fprintf(stderr, "answers: bad hex %.80s\n", hex);
        exit(2);
    }
    return len;
}

/* ---- RLP ---- */

static void print_items(hawse_rlp_t *r, hawse_writer_t *w)
{
    hawse_rlp_item_t item;
    for (int n = 0; hawse_rlp_next(r, &item) == 1; n++) {
        printf(n ? "," : "");
        if (item.list) {
            hawse_rlp_t inside = hawse_rlp_inside(r, &item);
            uint64_t list = hawse_rlp_list_begin(w);
            printf("[");
            print_items(&inside, w);
            printf("]");
            hawse_rlp_list_end(w, list);
        } else {
            printf("\"");
            print_hex(item.data, item.len);
            printf("\"");
            hawse_rlp_bytes(w, item.data, item.len);
        }
    }
}

static void on_rlp(const char *hex)
{
    uint64_t where = 0, len = bytes_of(hex);
    int32_t code = hawse_rlp_validate(bytes, len, &where);
    if (code != HAWSE_OK) {
        refuse(code, where);
        return;
    }
    hawse_rlp_t r = hawse_rlp(bytes, len);
    hawse_writer_t w = hawse_writer(out, LINE);
    print_items(&r, &w);
    if (w.len != len || memcmp(out, bytes, len) != 0)
        printf(" but encoded otherwise");
}

/* ---- transactions ---- */

static void print_lists(const hawse_tx_t *tx)
{
    hawse_rlp_t list = hawse_rlp(tx->access_list.data, tx->access_list.len);
    hawse_tx_access_t access;
    printf("\"accessList\":[");
    for (int n = 0; hawse_tx_access_next(&list, &access) == 1; n++) {
        printf("%s[\"", n ? "," : "");
        print_hex(access.address, 20);
        printf("\",[");
        for (uint64_t i = 0; i < access.key_count; i++) {
            printf(i ? ",\"" : "\"");
            print_hex(access.keys + 33 * i + 1, 32);
            printf("\"");
        }
        printf("]]");
    }
    list = hawse_rlp(tx->authorizations.data, tx->authorizations.len);
    hawse_tx_authorization_t a;
    printf("],\"authorizations\":[");
    for (int n = 0; hawse_tx_authorization_next(&list, &a) == 1; n++) {
        uint8_t hash[32];
        hawse_tx_authorization_hash(&a, hash);
        printf("%s{", n ? "," : "");
        print_field("chainId", &a.chain_id);
        printf("\"nonce\":\"%llu\",\"address\":\"", (unsigned long long)a.nonce);
        print_hex(a.address, 20);
        printf("\",\"hash\":\"");
        print_hex(hash, 32);
        printf("\",\"yParity\":%u}", a.signature.y_parity);
    }
    uint8_t blob[32];
    list = hawse_rlp(tx->blob_hashes.data, tx->blob_hashes.len);
    printf("],\"blobHashes\":[");
    for (int n = 0; hawse_tx_blob_hash_next(&list, blob) == 1; n++) {
        printf(n ? ",\"" : "\"");
        print_hex(blob, 32);
        printf("\"");
    }
    printf("],");
}

static void print_tx(const hawse_tx_t *tx)
{
    printf("{\"type\":%u,\"chainId\":\"%llu\",\"nonce\":\"%llu\",\"gas\":\"%llu\",", tx->type,
           (unsigned long long)tx->chain_id, (unsigned long long)tx->nonce,
           (unsigned long long)tx->gas_limit);
    print_field("tip", &tx->max_priority_fee);
    print_field("fee", &tx->max_fee);
    print_field("blobFee", &tx->max_blob_fee);
    print_field("value", &tx->value);
    printf("\"to\":\"");
    print_hex(tx->to, tx->create ? 0 : 20);
    printf("\",\"data\":\"");
    print_hex(tx->data.data, tx->data.len);
    printf("\",");
    print_lists(tx);
}

/* Encodes and prints `name`, the bytes when they were asked for, and their hash. */
static void print_encoded(const hawse_tx_t *tx, const hawse_tx_signature_t *signature,
                          const char *end)
{
    uint8_t hash[32];
    hawse_writer_t w = hawse_writer(out, LINE);
    if (hawse_tx_encode(tx, signature, &w, hash, NULL) != HAWSE_OK)
        printf("\"fault\":true,");
    printf("\"%s\":\"", signature ? "raw" : "unsigned");
    print_hex(out, w.len);
    printf("\",\"%s\":\"", signature ? "hash" : "signingHash");
    print_hex(hash, 32);
    printf("\"%s", end);
}

static void on_tx(const char *hex)
{
    hawse_tx_t tx;
    hawse_tx_signature_t signature;
    hawse_tx_place_t place = {0, ""};
    int32_t code = hawse_tx_decode(bytes, bytes_of(hex), &tx, &signature, &place);
    if (code != HAWSE_OK) {
        refuse(code, place.at);
        printf(" %s", place.field);
        return;
    }
    print_tx(&tx);
    print_encoded(&tx, NULL, ",");
    print_encoded(&tx, &signature, "}");
}

/* ---- ABI ---- */

static int32_t open_json(char *text, hawse_json_t *doc, hawse_json_value_t *root)
{
    uint64_t len = strlen(text);
    int32_t code = hawse_json_validate((uint8_t *)text, len, NULL);
    if (code == HAWSE_OK)
        code = hawse_json_index(doc, (uint8_t *)text, len, marks, LINE);
    return code == HAWSE_OK ? hawse_json_root(doc, root) : code;
}

static void encode(const hawse_abi_declaration_t *d, const char *types, char *json,
                   hawse_writer_t *w)
{
    hawse_json_t doc;
    hawse_json_value_t root;
    const uint8_t *where = (uint8_t *)json;
    int32_t code = open_json(json, &doc, &root);
    if (code == HAWSE_OK)
        code = hawse_abi_encode_json(d, types, d->inputs, &doc, &root, w, &where);
    if (code == HAWSE_OK)
        print_hex(w->data, w->len);
    else
        refuse(code, (uint64_t)(where - (uint8_t *)json));
}

static void on_encode(const char *types, char *json)
{
    static hawse_abi_declaration_t d;
    uint64_t where = 0;
    hawse_writer_t w = hawse_writer(out, LINE);
    int32_t code = hawse_abi_parse_types(types, strlen(types), &d, &where);
    if (code != HAWSE_OK)
        refuse(code, where);
    else
        encode(&d, types, json, &w);
}

static void on_call(const char *signature, char *json)
{
    static hawse_abi_declaration_t d;
    uint64_t where = 0;
    hawse_writer_t w = hawse_writer(out, LINE);
    int32_t code = hawse_abi_parse(signature, strlen(signature), &d, &where);
    if (code != HAWSE_OK) {
        refuse(code, where);
        return;
    }
    hawse_writer_put(&w, d.hash, 4);
    encode(&d, signature, json, &w);
}

static void on_decode(const char *types, const char *hex)
{
    static hawse_abi_declaration_t d;
    static hawse_abi_reader_t r;
    uint64_t where = 0, len = bytes_of(hex);
    int32_t code = hawse_abi_parse_types(types, strlen(types), &d, &where);
    if (code == HAWSE_OK)
        code = hawse_abi_read_begin(&r, &d, 0, bytes, len, 0, &where);
    hawse_writer_t w = hawse_writer(out, LINE);
    if (code == HAWSE_OK)
        code = hawse_abi_read_json(&r, &w);
    if (code != HAWSE_OK) {
        refuse(code, where);
        return;
    }
    code = hawse_abi_read_begin(&r, &d, 0, bytes, len, HAWSE_ABI_CANONICAL, NULL);
    printf("%.*s\t%d", (int)w.len, (char *)out, code == HAWSE_OK);
}

/* ---- typed data ---- */

static void on_typed(char *json)
{
    static hawse_eip712_schema_t schema;
    hawse_eip712_result_t result;
    int32_t code =
        hawse_eip712_typed_data((uint8_t *)json, strlen(json), marks, LINE, &schema, &result);
    if (code != HAWSE_OK) {
        refuse(code, result.where);
        return;
    }
    print_hex(result.separator, 32);
    printf(" ");
    print_hex(result.struct_hash, 32);
    printf(" ");
    print_hex(result.digest, 32);
}

static void answer(char *rest)
{
    const char *what = strsep(&rest, "\t"), *first = rest ? strsep(&rest, "\t") : "";
    if (strcmp(what, "rlp") == 0)
        on_rlp(first);
    else if (strcmp(what, "tx") == 0)
        on_tx(first);
    else if (strcmp(what, "encode") == 0 && rest)
        on_encode(first, rest);
    else if (strcmp(what, "call") == 0 && rest)
        on_call(first, rest);
    else if (strcmp(what, "decode") == 0 && rest)
        on_decode(first, rest);
    else if (strcmp(what, "typed") == 0)
        on_typed((char *)(uintptr_t)first);
    else
        printf("error 0 unknown question");
}

int main(void)
{
    line = calloc(1, LINE + HAWSE_PADDING);
    bytes = malloc(LINE);
    out = malloc(LINE);
    marks = calloc(LINE, sizeof(uint32_t));
    if (!line || !bytes || !out || !marks)
        return 2;
    while (fgets(line, LINE, stdin)) {
        line[strcspn(line, "\n")] = '\0';
        answer(line);
        printf("\n");
        fflush(stdout);
    }
    return 0;
}
