/*
 * EIP-712: types, values and documents against vectors made by viem and ethers, Polymarket's login
 * and Safe's hashes; and what is refused, with its place.
 */
#include "vectors.h"

#include <hawse/eip55.h>
#include <hawse/eip712.h>
#include <hawse/u256.h>

/* A text with the padding that readers of JSON ask for, and room for its marks. */
struct document {
    uint8_t *text;
    uint32_t *marks;
    uint64_t len;
};

static struct document document_of(const char *text)
{
    struct document d = {.len = strlen(text)};
    d.text = calloc(1, d.len + HAWSE_PADDING);
    d.marks = calloc(d.len + 1, sizeof(uint32_t));
    memcpy(d.text, text, d.len);
    return d;
}

static int32_t hash_text(const char *text, hawse_eip712_schema_t *schema,
                         hawse_eip712_result_t *out)
{
    struct document d = document_of(text);
    int32_t result =
        hawse_eip712_typed_data(d.text, d.len, d.marks, (uint32_t)d.len + 1, schema, out);
    free(d.text);
    free(d.marks);
    return result;
}

static void check_encode_type(const json_t *row, const hawse_eip712_schema_t *schema,
                              uint32_t which)
{
    char text[HAWSE_EIP712_TEXT_MAX + 1];
    hawse_writer_t w = hawse_writer(text, HAWSE_EIP712_TEXT_MAX);
    CHECK_EQ(hawse_eip712_encode_type(schema, which, &w), HAWSE_OK);
    text[w.len] = '\0';
    CHECK_STR(text, text_of(row, "encodeType"));
}

TEST(eip712_vectors, "documents have the type, the hashes and the digest that viem and ethers give")
{
    static hawse_eip712_schema_t schema;
    hawse_eip712_result_t out;
    json_t *root = vectors_load("eip712.json"), *row;
    size_t i;
    json_array_foreach(json_object_get(root, "cases"), i, row)
    {
        const char *name = text_of(row, "name");
        char *text = json_dumps(row, i % 2 ? JSON_COMPACT | JSON_ENSURE_ASCII : JSON_INDENT(1));
        int32_t result = hash_text(text, &schema, &out);
        if (result != HAWSE_OK)
            FAIL("%s: error %d at %s", name, result, text + out.where);
        check_encode_type(row, &schema, out.primary);
        check_hex(name, row, "typeHash", schema.structs[out.primary].hash, 32);
        check_hex(name, row, "domainSeparator", out.separator, 32);
        check_hex(name, row, "structHash", out.struct_hash, 32);
        check_hex(name, row, "digest", out.digest, 32);
        free(text);
    }
    CHECK_EQ(i, 15);
    json_decref(root);
}

TEST(eip712_login, "Polymarket's login hashes as its own client has it, without JSON")
{
    static hawse_eip712_schema_t schema;
    static hawse_eip712_t h;
    json_t *root = vectors_load("polymarket-l1-auth.json"), *row;
    const char *type = text_of(root, "type_string"), *message = text_of(root, "message");
    CHECK_EQ(hawse_eip712_parse(&schema, type, strlen(type), NULL), HAWSE_OK);
    size_t i;
    json_array_foreach(json_object_get(root, "rows"), i, row)
    {
        const char *id = text_of(row, "id"), *timestamp = text_of(row, "timestamp");
        const char *nonce_text = text_of(row, "nonce");
        uint8_t address[20], separator[32], hash[32], digest[32];
        hawse_u256_t nonce;
        fixed_of(json_object_get(row, "headers"), "POLY_ADDRESS", address, 20);
        CHECK_EQ(hawse_u256_parse((const uint8_t *)nonce_text, strlen(nonce_text), &nonce), 0);
        hawse_eip712_domain_t domain = {
            .fields = HAWSE_EIP712_NAME | HAWSE_EIP712_VERSION | HAWSE_EIP712_CHAIN_ID,
            .name = {(const uint8_t *)"ClobAuthDomain", 14},
            .version = {(const uint8_t *)"1", 1},
        };
        domain.chain_id =
            hawse_u256((uint64_t)json_integer_value(json_object_get(row, "chain_id")));
        CHECK_EQ(hawse_eip712_domain_hash(&domain, separator), HAWSE_OK);
        check_hex(id, row, "domain_separator", separator, 32);
        hawse_eip712_begin(&h, &schema, 0);
        hawse_eip712_address(&h, address);
        hawse_eip712_bytes(&h, timestamp, strlen(timestamp));
        hawse_eip712_uint(&h, &nonce);
        hawse_eip712_bytes(&h, message, strlen(message));
        CHECK_EQ(hawse_eip712_end(&h, hash), HAWSE_OK);
        check_hex(id, row, "struct_hash", hash, 32);
        hawse_eip712_digest(separator, hash, digest);
        check_hex(id, row, "digest", digest, 32);
    }
    CHECK(i > 3);
    json_decref(root);
}

static const char mail[] =
    "Mail(Person[] to,string text,uint8 kind,int16 shift,bytes4 tag,bool read)"
    "Person(string name,address wallet)";

/* The same values pushed and as a document. */
TEST(eip712_pushed, "pushed values hash as the document that holds them")
{
    static hawse_eip712_schema_t schema, again;
    static hawse_eip712_t h;
    hawse_eip712_result_t out;
    uint8_t hash[32], wallet[20] = {1, 2, 3};
    hawse_u256_t kind = hawse_u256(255), shift = hawse_i256(-32768);
    const char *text =
        "{\"types\":{\"Mail\":[{\"name\":\"to\",\"type\":\"Person[]\"},{\"name\":\"text\",\"type\":"
        "\"string\"},{\"name\":\"kind\",\"type\":\"uint8\"},{\"name\":\"shift\",\"type\":\"int16\"}"
        ","
        "{\"name\":\"tag\",\"type\":\"bytes4\"},{\"name\":\"read\",\"type\":\"bool\"}],\"Person\":"
        "[{\"name\":\"name\",\"type\":\"string\"},{\"name\":\"wallet\",\"type\":\"address\"}]},"
        "\"primaryType\":\"Mail\",\"domain\":{},\"message\":{\"read\":true,\"to\":[{\"name\":\"A\","
        "\"wallet\":\"0x0102030000000000000000000000000000000000\"},{\"wallet\":"
        "\"0x0102030000000000000000000000000000000000\",\"name\":\"\\u00e9\\ud83d\\ude80\\n\"}],"
        "\"text\":\"Hello\",\"kind\":\"0xff\",\"shift\":-32768,\"tag\":\"0xdeadbeef\"}}";
    CHECK_EQ(hawse_eip712_parse(&schema, mail, strlen(mail), NULL), HAWSE_OK);
    hawse_eip712_begin(&h, &schema, 0);
    hawse_eip712_open(&h, 2);
    hawse_eip712_open(&h, 0);
    hawse_eip712_bytes(&h, "A", 1);
    hawse_eip712_address(&h, wallet);
    hawse_eip712_close(&h);
    hawse_eip712_open(&h, 0);
    hawse_eip712_bytes(&h, "\xc3\xa9\xf0\x9f\x9a\x80\n", 7);
    hawse_eip712_address(&h, wallet);
    hawse_eip712_close(&h);
    hawse_eip712_close(&h);
    hawse_eip712_bytes(&h, "Hello", 5);
    hawse_eip712_uint(&h, &kind);
    hawse_eip712_int(&h, &shift);
    hawse_eip712_fixed_bytes(&h, (const uint8_t *)"\xde\xad\xbe\xef", 4);
    hawse_eip712_bool(&h, 7);
    CHECK_EQ(hawse_eip712_end(&h, hash), HAWSE_OK);
    int32_t result = hash_text(text, &again, &out);
    if (result != HAWSE_OK)
        FAIL("error %d at %s", result, text + out.where);
    CHECK_MEM(hash, out.struct_hash, 32);
}

/* Pushes one value where the first member of T is of `type`. */
static int32_t push_one(const char *type, void (*push)(hawse_eip712_t *))
{
    static hawse_eip712_schema_t schema;
    static hawse_eip712_t h;
    char text[64];
    uint8_t hash[32];
    (void)snprintf(text, sizeof(text), "T(%s x)S(bool y)", type);
    CHECK_EQ(hawse_eip712_parse(&schema, text, strlen(text), NULL), HAWSE_OK);
    hawse_eip712_begin(&h, &schema, 0);
    push(&h);
    return hawse_eip712_end(&h, hash);
}

static void push_256(hawse_eip712_t *h)
{
    hawse_eip712_u64(h, 256);
}

static void push_word(hawse_eip712_t *h)
{
    hawse_eip712_fixed_bytes(h, (const uint8_t *)"0123456789abcdef0123456789abcdef", 32);
}

static void push_text(hawse_eip712_t *h)
{
    hawse_eip712_bytes(h, "\xff", 1);
}

static void push_nothing(hawse_eip712_t *h)
{
    (void)h;
}

static void push_two(hawse_eip712_t *h)
{
    push_256(h);
    push_256(h);
}

static void push_list(hawse_eip712_t *h)
{
    hawse_eip712_open(h, 1);
    hawse_eip712_u64(h, 1);
    hawse_eip712_close(h);
}

static void push_open(hawse_eip712_t *h)
{
    hawse_eip712_open(h, 1);
    hawse_eip712_u64(h, 1);
}

static void push_closed_twice(hawse_eip712_t *h)
{
    push_list(h);
    hawse_eip712_close(h);
}

static void push_empty_struct(hawse_eip712_t *h)
{
    hawse_eip712_open(h, 0);
    hawse_eip712_close(h);
}

TEST(eip712_push_misuse, "a pushed value of another type, range or place is refused")
{
    CHECK_EQ(push_one("uint16", push_256), HAWSE_OK);
    CHECK_EQ(push_one("uint8", push_256), HAWSE_E_RANGE);
    CHECK_EQ(push_one("int16", push_256), HAWSE_E_INVAL);
    CHECK_EQ(push_one("bytes32", push_word), HAWSE_OK);
    CHECK_EQ(push_one("bytes31", push_word), HAWSE_E_RANGE);
    CHECK_EQ(push_one("bytes", push_text), HAWSE_OK);
    CHECK_EQ(push_one("string", push_text), HAWSE_E_FORMAT);
    CHECK_EQ(push_one("uint16", push_nothing), HAWSE_E_INVAL);
    CHECK_EQ(push_one("uint16", push_two), HAWSE_E_INVAL);
    CHECK_EQ(push_one("uint8[]", push_list), HAWSE_OK);
    CHECK_EQ(push_one("uint8[1]", push_list), HAWSE_OK);
    CHECK_EQ(push_one("uint8[2]", push_list), HAWSE_E_RANGE);
    CHECK_EQ(push_one("uint8", push_list), HAWSE_E_INVAL);
    CHECK_EQ(push_one("uint8[]", push_open), HAWSE_E_INVAL);
    CHECK_EQ(push_one("uint8[]", push_closed_twice), HAWSE_E_INVAL);
    CHECK_EQ(push_one("S", push_empty_struct), HAWSE_E_INVAL);
    CHECK_EQ(push_one("S", push_list), HAWSE_E_INVAL);
}

static void check_refused(const char *text, int32_t want, uint64_t where)
{
    static hawse_eip712_schema_t schema;
    uint64_t at = UINT64_MAX;
    int32_t result = hawse_eip712_parse(&schema, text, strlen(text), &at);
    if (result != want || at != where)
        FAIL("%s: error %d at %d, expected %d at %d", text, result, (int)at, want, (int)where);
}

TEST(eip712_types_refused, "types that are none are refused, with the place")
{
    check_refused("", HAWSE_E_FORMAT, 0);
    check_refused("T", HAWSE_E_FORMAT, 1);
    check_refused("T(", HAWSE_E_FORMAT, 2);
    check_refused("T(uint256)", HAWSE_E_FORMAT, 9);
    check_refused("T(uint256 x", HAWSE_E_FORMAT, 11);
    check_refused("T(uint256 x)U", HAWSE_E_FORMAT, 13);
    check_refused("T(uint256  x)", HAWSE_E_FORMAT, 9);
    check_refused("T(uint256 x, bool y)", HAWSE_E_FORMAT, 12);
    check_refused("T(uint256 x )", HAWSE_E_FORMAT, 11);
    check_refused("T(uint256 [] x)", HAWSE_E_FORMAT, 9);
    check_refused("T(uint x)", HAWSE_E_UNSUPPORTED, 2);
    check_refused("T(int x)", HAWSE_E_UNSUPPORTED, 2);
    check_refused("T(fixed128x18 x)", HAWSE_E_UNSUPPORTED, 2);
    check_refused("T(function x)", HAWSE_E_UNSUPPORTED, 2);
    check_refused("T(uint257 x)", HAWSE_E_NOTFOUND, 2);
    check_refused("T(bool a,Other x)", HAWSE_E_NOTFOUND, 9);
    check_refused("T(bool a,bool b,bool a)", HAWSE_E_EXISTS, 21);
    check_refused("T(bool a)T(bool a)", HAWSE_E_EXISTS, 9);
    check_refused("bool(bool a)", HAWSE_E_FORMAT, 0);
    check_refused("T(uint8[0] a)", HAWSE_E_FORMAT, 9);
    check_refused("T(uint8[65537] a)", HAWSE_E_LIMIT, 13);
    check_refused("T((bool x) a)", HAWSE_E_FORMAT, 2);
    check_refused("T(bool[][][][][][][][][][][][][][][][][] a)", HAWSE_E_LIMIT, 40);
}

/* A document around one member of type `type` with the value `value`. */
static int32_t hash_one(const char *type, const char *value, uint64_t *from_value)
{
    static hawse_eip712_schema_t schema;
    static char text[4096];
    hawse_eip712_result_t out;
    int at = 0;
    (void)snprintf(
        text, sizeof(text),
        "{\"types\":{\"T\":[{\"name\":\"x\",\"type\":\"%s\"}],\"N\":[{\"name\":\"n\","
        "\"type\":\"N[]\"}]},\"primaryType\":\"T\",\"domain\":{},\"message\":{\"x\":%n%s}}",
        type, &at, value);
    int32_t result = hash_text(text, &schema, &out);
    if (from_value)
        *from_value = out.where - (uint64_t)at;
    return result;
}

#define CHECK_ONE(type, value, want) CHECK_EQ(hash_one(type, value, NULL), want)

TEST(eip712_values_refused, "values of a document that are not of their type are refused")
{
    CHECK_ONE("uint8", "255", HAWSE_OK);
    CHECK_ONE("uint8", "256", HAWSE_E_RANGE);
    CHECK_ONE("uint8", "\"0x100\"", HAWSE_E_RANGE);
    CHECK_ONE("uint8", "-1", HAWSE_E_FORMAT);
    CHECK_ONE("uint8", "1.0", HAWSE_E_FORMAT);
    CHECK_ONE("uint8", "1e2", HAWSE_E_FORMAT);
    CHECK_ONE("uint8", "true", HAWSE_E_FORMAT);
    CHECK_ONE("uint8", "null", HAWSE_E_FORMAT);
    CHECK_ONE("uint8", "\"\"", HAWSE_E_FORMAT);
    CHECK_ONE("uint8", "\"0x\"", HAWSE_E_FORMAT);
    CHECK_ONE("uint8", "\" 1\"", HAWSE_E_FORMAT);
    CHECK_ONE("uint256",
              "115792089237316195423570985008687907853269984665640564039457584007913129639935", 0);
    CHECK_ONE("uint256",
              "115792089237316195423570985008687907853269984665640564039457584007913129639936",
              HAWSE_E_RANGE);
    CHECK_ONE("int8", "-128", HAWSE_OK);
    CHECK_ONE("int8", "\"-129\"", HAWSE_E_RANGE);
    CHECK_ONE("int8", "128", HAWSE_E_RANGE);
    CHECK_ONE("int256", "\"0xffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff\"",
              HAWSE_E_RANGE);
    CHECK_ONE("bool", "1", HAWSE_E_FORMAT);
    CHECK_ONE("bool", "\"true\"", HAWSE_E_FORMAT);
    CHECK_ONE("address", "\"0xCD2a3d9F938E13CD947Ec05AbC7FE734Df8DD826\"", HAWSE_OK);
    CHECK_ONE("address", "\"0xcD2a3d9F938E13CD947Ec05AbC7FE734Df8DD826\"", HAWSE_E_FORMAT);
    CHECK_ONE("address", "\"0xcd2a3d9f938e13cd947ec05abc7fe734df8dd82\"", HAWSE_E_FORMAT);
    CHECK_ONE("bytes4", "\"0xdeadbeef\"", HAWSE_OK);
    CHECK_ONE("bytes4", "\"0xdeadbe\"", HAWSE_E_FORMAT);
    CHECK_ONE("bytes4", "\"0xdeadbeef00\"", HAWSE_E_FORMAT);
    CHECK_ONE("bytes", "\"0xabc\"", HAWSE_E_FORMAT);
    CHECK_ONE("bytes", "\"abcd\"", HAWSE_E_FORMAT);
    CHECK_ONE("bytes", "\"0xabcg\"", HAWSE_E_FORMAT);
    CHECK_ONE("string", "7", HAWSE_E_FORMAT);
    CHECK_ONE("string", "\"\\ud83d\"", HAWSE_E_FORMAT);
    CHECK_ONE("string", "\"\\ude80\\ud83d\"", HAWSE_E_FORMAT);
    CHECK_ONE("uint8[2]", "[1,2]", HAWSE_OK);
    CHECK_ONE("uint8[2]", "[1]", HAWSE_E_RANGE);
    CHECK_ONE("uint8[]", "{}", HAWSE_E_FORMAT);
    CHECK_ONE("uint8[][]", "[[1],2]", HAWSE_E_FORMAT);
    CHECK_ONE("N", "[]", HAWSE_E_FORMAT);
    CHECK_ONE("N", "null", HAWSE_E_FORMAT);
    CHECK_ONE("N", "{}", HAWSE_E_NOTFOUND);
    CHECK_ONE("N", "{\"n\":[],\"m\":1}", HAWSE_E_EXISTS);
    CHECK_ONE("N", "{\"n\":[],\"n\":[]}", HAWSE_E_EXISTS);
}

TEST(eip712_deep, "a struct that holds itself is hashed, as deep as the limit and no deeper")
{
    char text[1024];
    for (int depth = 1; depth <= 10; depth++) {
        hawse_writer_t w = hawse_writer(text, sizeof(text));
        for (int i = 0; i < depth; i++)
            hawse_writer_text(&w, i ? "[{\"n\":" : "{\"n\":");
        hawse_writer_text(&w, "[]");
        for (int i = 0; i < depth; i++)
            hawse_writer_text(&w, i < depth - 1 ? "}]" : "}");
        hawse_writer_fill(&w, 0, 1);
        CHECK_EQ(hash_one("N", text, NULL), depth <= 7 ? HAWSE_OK : HAWSE_E_LIMIT);
    }
}

TEST(eip712_places, "the place of a fault in a document is told")
{
    uint64_t at;
    CHECK_EQ(hash_one("uint8[]", "[1,2,256]", &at), HAWSE_E_RANGE);
    CHECK_EQ_U64(at, 5);
    CHECK_EQ(hash_one("N", "{\"n\":[{\"n\":[],\"m\":1}]}", &at), HAWSE_E_EXISTS);
    CHECK_EQ_U64(at, 15);
    CHECK_EQ(hash_one("N", "{\"n\":[}", &at), HAWSE_E_FORMAT);
    CHECK_EQ_U64(at, 6);
    static hawse_eip712_schema_t schema;
    hawse_eip712_result_t out;
    static const char *const texts[][2] = {
        {"{\"types\":{\"T\":[{\"name\":\"x\",\"type\":\"Gone[]\"}]},\"primaryType\":\"T\","
         "\"domain\":{},"
         "\"message\":{}}",
         "Gone"},
        {"{\"types\":{\"T\":[{\"name\":\"x\",\"type\":\"bool\"},{\"name\":\"x\",\"type\":\"bool\"}]"
         "},"
         "\"primaryType\":\"T\",\"domain\":{},\"message\":{}}",
         "x\",\"type\":\"bool\"}]}"},
        {"{\"types\":{\"T\":[{\"name\":\"x\",\"type\":\"(bool "
         "a)\"}]},\"primaryType\":\"T\",\"domain\":{},"
         "\"message\":{}}",
         "(bool"},
        {"{\"types\":{\"T\":[]},\"primaryType\":\"U\",\"domain\":{},\"message\":{}}", "U\""},
        {"{\"types\":{\"T\":[]},\"primaryType\":\"T\",\"domain\":{\"chain\":1},\"message\":{}}",
         "chain\""},
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        CHECK(hash_text(texts[i][0], &schema, &out) < 0);
        const char *want = strstr(texts[i][0], texts[i][1]);
        CHECK_STR(texts[i][0] + out.where, want);
    }
}

TEST(eip712_parts, "a document without one of its parts is refused")
{
    static hawse_eip712_schema_t schema;
    hawse_eip712_result_t out;
    static const char *const whole[] = {"\"types\":{\"T\":[]}", "\"primaryType\":\"T\"",
                                        "\"domain\":{}", "\"message\":{}"};
    for (int left_out = 0; left_out < 5; left_out++) {
        char text[256];
        hawse_writer_t w = hawse_writer(text, sizeof(text));
        hawse_writer_text(&w, "{");
        for (int i = 0; i < 4; i++) {
            if (i == left_out)
                continue;
            hawse_writer_text(&w, w.len > 1 ? "," : "");
            hawse_writer_text(&w, whole[i]);
        }
        hawse_writer_text(&w, "}");
        hawse_writer_fill(&w, 0, 1);
        CHECK_EQ(hash_text(text, &schema, &out), left_out < 4 ? HAWSE_E_NOTFOUND : HAWSE_OK);
    }
    CHECK_EQ(hash_text("[]", &schema, &out), HAWSE_E_FORMAT);
    CHECK_EQ(
        hash_text("{\"types\":{},\"primaryType\":\"EIP712Domain\",\"domain\":{},\"message\":{}}",
                  &schema, &out),
        HAWSE_E_FORMAT);
}

/* A document with these types and this domain, and an empty message of T. */
static int32_t hash_with(const char *types, const char *domain, hawse_eip712_result_t *out)
{
    static hawse_eip712_schema_t schema;
    static char text[16384];
    (void)snprintf(text, sizeof(text),
                   "{\"types\":%s,\"primaryType\":\"T\",\"domain\":%s,\"message\":{}}", types,
                   domain);
    return hash_text(text, &schema, out);
}

#define SALT "0x0100000000000000000000000000000000000000000000000000000000000002"

TEST(eip712_domains, "a domain is hashed by its type, made or given, and has exactly its fields")
{
    hawse_eip712_result_t made, given;
    uint8_t separator[32];
    hawse_eip712_domain_t domain = {
        .fields = HAWSE_EIP712_NAME | HAWSE_EIP712_SALT,
        .name = {(const uint8_t *)"x", 1},
        .salt = {[0] = 1, [31] = 2},
    };
    const char *fields = "{\"salt\":\"" SALT "\",\"name\":\"x\"}";
    CHECK_EQ(hash_with("{\"T\":[]}", fields, &made), HAWSE_OK);
    CHECK_EQ(hawse_eip712_domain_hash(&domain, separator), HAWSE_OK);
    CHECK_MEM(made.separator, separator, 32);
#define GIVEN(list) "{\"T\":[],\"EIP712Domain\":[" list "]}"
#define NAME        "{\"name\":\"name\",\"type\":\"string\"}"
#define SALTED      "{\"name\":\"salt\",\"type\":\"bytes32\"}"
    CHECK_EQ(hash_with(GIVEN(NAME "," SALTED), fields, &given), HAWSE_OK);
    CHECK_MEM(given.separator, separator, 32);
    CHECK_EQ(hash_with(GIVEN(SALTED "," NAME), fields, &given), HAWSE_OK);
    CHECK(memcmp(given.separator, separator, 32) != 0);
    CHECK_EQ(hash_with(GIVEN(NAME), fields, &given), HAWSE_E_EXISTS);
    CHECK_EQ(hash_with(GIVEN(NAME "," SALTED), "{\"name\":\"x\"}", &given), HAWSE_E_NOTFOUND);
    domain.fields = 32;
    CHECK_EQ(hawse_eip712_domain_hash(&domain, separator), HAWSE_E_INVAL);
}

TEST(eip712_types_broken, "types of a document that are not lists of members are refused")
{
    hawse_eip712_result_t out;
    CHECK_EQ(hash_with("{\"T\":{}}", "{}", &out), HAWSE_E_FORMAT);
    CHECK_EQ(hash_with("{\"T\":[5]}", "{}", &out), HAWSE_E_FORMAT);
    CHECK_EQ(hash_with("{\"T\":[{\"name\":\"x\"}]}", "{}", &out), HAWSE_E_NOTFOUND);
    CHECK_EQ(hash_with("{\"T\":[{\"name\":1,\"type\":\"bool\"}]}", "{}", &out), HAWSE_E_FORMAT);
    CHECK_EQ(hash_with("{\"T\":[{\"name\":\"a b\",\"type\":\"bool\"}]}", "{}", &out),
             HAWSE_E_FORMAT);
    CHECK_EQ(hash_with("{\"T\":[{\"name\":\"\",\"type\":\"bool\"}]}", "{}", &out), HAWSE_E_FORMAT);
    CHECK_EQ(hash_with("{\"T\":[{\"name\":\"x,bool y\",\"type\":\"bool\"}]}", "{}", &out),
             HAWSE_E_FORMAT);
    CHECK_EQ(hash_with("{\"T\":[],\"T\":[]}", "{}", &out), HAWSE_E_EXISTS);
    CHECK_EQ(hash_with("{\"T\":[{\"name\":\"x\",\"name\":\"y\",\"type\":\"bool\"}]}", "{}", &out),
             HAWSE_E_EXISTS);
    CHECK_EQ(hash_with("{\"T\":[]}", "{},\"domain\":{\"name\":\"x\"}", &out), HAWSE_E_EXISTS);
    CHECK_EQ(hash_with("{\"T\":[]}", "{},\"dom\\u0061in\":{\"name\":\"x\"}", &out), HAWSE_E_FORMAT);
}

TEST(eip712_limits, "what is larger than a schema holds is refused, not cut")
{
    static char text[8192];
    static hawse_eip712_schema_t schema;
    hawse_eip712_result_t out;
    uint64_t where = 0;
    hawse_writer_t w = hawse_writer(text, sizeof(text));
    for (int i = 0; i <= HAWSE_EIP712_STRUCTS_MAX; i++) {
        char name[16];
        (void)snprintf(name, sizeof(name), "S%d(bool a)", i);
        CHECK_EQ(hawse_eip712_parse(&schema, text, w.len, NULL) == HAWSE_OK, i > 0);
        hawse_writer_text(&w, name);
    }
    CHECK_EQ(hawse_eip712_parse(&schema, text, w.len, &where), HAWSE_E_LIMIT);
    w = hawse_writer(text, sizeof(text));
    hawse_writer_text(&w, "T(bool");
    for (int i = 0; i < HAWSE_EIP712_NODES_MAX - 1; i++)
        hawse_writer_text(&w, "[]");
    hawse_writer_text(&w, " x)");
    CHECK_EQ(hawse_eip712_parse(&schema, text, w.len, &where), HAWSE_E_LIMIT);
    hawse_writer_fill(&w, 'x', HAWSE_EIP712_TEXT_MAX);
    CHECK_EQ(hawse_eip712_parse(&schema, text, w.len, &where), HAWSE_E_LIMIT);
    CHECK_EQ_U64(where, HAWSE_EIP712_TEXT_MAX);
    w = hawse_writer(text, sizeof(text));
    hawse_writer_text(&w, "{\"T\":[],\"");
    hawse_writer_fill(&w, 'U', HAWSE_EIP712_TEXT_MAX);
    hawse_writer_text(&w, "\":[]}");
    hawse_writer_fill(&w, 0, 1);
    CHECK_EQ(hash_with(text, "{}", &out), HAWSE_E_LIMIT);
    static hawse_eip712_t h;
    uint8_t hash[32];
    hawse_eip712_begin(&h, &schema, HAWSE_EIP712_STRUCTS_MAX);
    CHECK_EQ(hawse_eip712_end(&h, hash), HAWSE_E_INVAL);
    w = hawse_writer(NULL, 0);
    CHECK_EQ(hawse_eip712_encode_type(&schema, HAWSE_EIP712_STRUCTS_MAX, &w), HAWSE_E_INVAL);
}

TEST(eip712_push_deep, "pushed structs go as deep as the limit")
{
    static hawse_eip712_schema_t schema;
    static hawse_eip712_t h;
    uint8_t hash[32];
    CHECK_EQ(hawse_eip712_parse(&schema, "N(N[] n)", 8, NULL), HAWSE_OK);
    hawse_eip712_begin(&h, &schema, 0);
    for (int i = 0; i < 8; i++) {
        hawse_eip712_open(&h, 1);
        hawse_eip712_open(&h, 0);
    }
    CHECK_EQ(hawse_eip712_end(&h, hash), HAWSE_E_LIMIT);
}
