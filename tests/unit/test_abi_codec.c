/*
 * The Solidity ABI of any type against vectors of viem and ethers, hostile data, and the reasons of
 * failed calls.
 */
#include "vectors.h"

#include <hawse/abi_codec.h>
#include <hawse/keccak.h>
#include <hawse/revert.h>
#include <hawse/u256.h>

enum { ROOM = 20000 };

/* JSON as the SDK reads it. */
struct document {
    uint8_t *text;
    uint32_t *marks;
    hawse_json_t json;
    hawse_json_value_t root;
};

static struct document document_of(const json_t *value)
{
    struct document d;
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    uint64_t len = strlen(text);
    d.text = calloc(1, len + HAWSE_PADDING);
    d.marks = calloc(len + 1, sizeof(uint32_t));
    memcpy(d.text, text, len);
    free(text);
    CHECK_EQ(hawse_json_validate(d.text, len, NULL), HAWSE_OK);
    CHECK_EQ(hawse_json_index(&d.json, d.text, len, d.marks, (uint32_t)len + 1), HAWSE_OK);
    CHECK_EQ(hawse_json_root(&d.json, &d.root), HAWSE_OK);
    return d;
}

static void document_free(struct document *d)
{
    free(d->text);
    free(d->marks);
}

/* Numbers become decimal texts, as the SDK writes them. */
static json_t *with_texts(const json_t *value)
{
    char text[32];
    if (json_is_array(value)) {
        json_t *out = json_array(), *item;
        size_t i;
        json_array_foreach((json_t *)value, i, item) json_array_append_new(out, with_texts(item));
        return out;
    }
    if (!json_is_integer(value))
        return json_deep_copy(value);
    (void)snprintf(text, sizeof(text), "%lld", (long long)json_integer_value(value));
    return json_string(text);
}

static void check_json(const char *name, hawse_abi_reader_t *r, const json_t *values)
{
    static char out[ROOM];
    hawse_writer_t w = hawse_writer(out, sizeof(out) - 1);
    CHECK_EQ(hawse_abi_read_json(r, &w), HAWSE_OK);
    out[w.len] = '\0';
    json_t *got = json_loads(out, 0, NULL), *want = with_texts(values);
    if (!got || !json_equal(got, want))
        FAIL("%s: decoded as %s", name, out);
    json_decref(got);
    json_decref(want);
}

static void parse_ok(const char *text, hawse_abi_declaration_t *d)
{
    uint64_t where = 0;
    int32_t result = hawse_abi_parse(text, strlen(text), d, &where);
    if (result != HAWSE_OK)
        FAIL("%s: error %d at %d", text, result, (int)where);
}

TEST(abi_calls, "calls of 35 functions have the bytes that viem and ethers give, and read back")
{
    static hawse_abi_declaration_t d;
    static uint8_t out[ROOM];
    static hawse_abi_reader_t r;
    json_t *root = vectors_load("abi.json"), *row;
    size_t i;
    json_array_foreach(json_object_get(root, "functions"), i, row)
    {
        const char *text = text_of(row, "signature");
        struct document args = document_of(json_object_get(row, "args"));
        const uint8_t *where = NULL;
        parse_ok(text, &d);
        check_hex(text, row, "selector", d.hash, 4);
        hawse_writer_t w = hawse_writer(out, sizeof(out));
        hawse_writer_put(&w, d.hash, 4);
        int32_t result =
            hawse_abi_encode_json(&d, text, d.inputs, &args.json, &args.root, &w, &where);
        if (result != HAWSE_OK)
            FAIL("%s: error %d at %s", text, result, (const char *)where);
        check_hex(text, row, "calldata", out, w.len);
        CHECK_EQ(hawse_abi_call_read(&r, &d, out, w.len, HAWSE_ABI_CANONICAL, NULL), HAWSE_OK);
        check_json(text, &r, json_object_get(row, "args"));
        document_free(&args);
    }
    CHECK_EQ(i, 35);
    json_decref(root);
}

/* Every prefix of an encoding is refused, and so is its every shift. */
static void check_cuts(const hawse_abi_declaration_t *d, const uint8_t *bytes, uint64_t len)
{
    static hawse_abi_reader_t r;
    uint8_t *cut = malloc(len + 1);
    for (uint64_t n = 0; n < len; n++) {
        uint8_t *exact = malloc(n + 1);
        uint64_t where = UINT64_MAX;
        memcpy(exact, bytes, n);
        CHECK(hawse_abi_read_begin(&r, d, 0, exact, n, HAWSE_ABI_CANONICAL, &where) < 0);
        CHECK(where <= n);
        free(exact);
    }
    memcpy(cut, bytes, len);
    cut[len] = 0;
    CHECK_EQ(hawse_abi_read_begin(&r, d, 0, cut, len + 1, HAWSE_ABI_CANONICAL, NULL),
             HAWSE_E_FORMAT);
    CHECK_EQ(hawse_abi_read_begin(&r, d, 0, cut, len + 1, 0, NULL), HAWSE_OK);
    free(cut);
}

TEST(abi_types, "values of 19 lists of types have the bytes that viem and ethers give")
{
    static hawse_abi_declaration_t d;
    static uint8_t out[ROOM];
    static hawse_abi_reader_t r;
    json_t *root = vectors_load("abi.json"), *row;
    size_t i;
    json_array_foreach(json_object_get(root, "encode"), i, row)
    {
        const char *text = text_of(row, "types");
        struct document values = document_of(json_object_get(row, "values"));
        CHECK_EQ(hawse_abi_parse_types(text, strlen(text), &d, NULL), HAWSE_OK);
        hawse_writer_t w = hawse_writer(out, sizeof(out));
        CHECK_EQ(hawse_abi_encode_json(&d, text, 0, &values.json, &values.root, &w, NULL), 0);
        check_hex(text, row, "encoded", out, w.len);
        hawse_writer_t none = hawse_writer(NULL, 0);
        CHECK_EQ(hawse_abi_encode_json(&d, text, 0, &values.json, &values.root, &none, NULL),
                 HAWSE_E_NOSPACE);
        CHECK_EQ_U64(none.len, w.len);
        CHECK_EQ(hawse_abi_read_begin(&r, &d, 0, out, w.len, HAWSE_ABI_CANONICAL, NULL), 0);
        check_json(text, &r, json_object_get(row, "values"));
        check_cuts(&d, out, w.len);
        document_free(&values);
    }
    CHECK_EQ(i, 19);
    json_decref(root);
}

static size_t check_refused(const char *list)
{
    static hawse_abi_declaration_t d;
    static hawse_abi_reader_t r;
    json_t *root = vectors_load("abi.json"), *row;
    size_t i;
    json_array_foreach(json_object_get(root, list), i, row)
    {
        const char *text = text_of(row, "types");
        uint64_t len, where = UINT64_MAX;
        uint8_t *data = data_of(row, "data", &len);
        CHECK_EQ(hawse_abi_parse_types(text, strlen(text), &d, NULL), HAWSE_OK);
        if (hawse_abi_read_begin(&r, &d, 0, data, len, 0, &where) == HAWSE_OK || where > len)
            FAIL("%s: %s is accepted, or its place is %d", text, text_of(row, "why"), (int)where);
        free(data);
    }
    json_decref(root);
    return i;
}

TEST(abi_refused, "hostile data and dirty words are refused")
{
    CHECK_EQ(check_refused("mustReject"), 9);
    CHECK_EQ(check_refused("dirtyWords"), 5);
}

TEST(abi_events, "events have their topics, and their data reads as the rest of their parameters")
{
    static hawse_abi_declaration_t d;
    static hawse_abi_reader_t r;
    json_t *root = vectors_load("abi.json"), *row;
    size_t i;
    json_array_foreach(json_object_get(root, "events"), i, row)
    {
        char text[1024];
        uint64_t len;
        (void)snprintf(text, sizeof(text), "event %s", text_of(row, "event"));
        parse_ok(text, &d);
        CHECK_EQ(d.form, HAWSE_ABI_EVENT);
        uint8_t topic[32];
        const json_t *first = json_array_get(json_object_get(row, "topics"), 0);
        CHECK_EQ(hawse_hex_fixed((const uint8_t *)json_string_value(first), 66, topic, 32), 0);
        CHECK_MEM(d.hash, topic, 32);
        uint8_t *data = data_of(row, "data", &len);
        CHECK_EQ(hawse_abi_read_begin(&r, &d, d.outputs, data, len, HAWSE_ABI_CANONICAL, NULL), 0);
        const json_t *args = json_object_get(row, "args");
        json_t *values = json_array();
        uint32_t node = d.outputs + 1;
        for (uint32_t k = 0; k < d.nodes[d.outputs].count; k++, node += d.nodes[node].span) {
            char name[64] = "";
            memcpy(name, text + d.nodes[node].name_at, d.nodes[node].name_len);
            json_array_append(values, json_object_get(args, name));
        }
        check_json(text, &r, values);
        json_decref(values);
        free(data);
    }
    CHECK_EQ(i, 8);
    json_decref(root);
}

/* ---- declarations ---- */

static void check_form(const char *text, uint32_t form, const char *canonical, uint32_t inputs,
                       uint32_t outputs)
{
    static hawse_abi_declaration_t d;
    uint8_t hash[32] = {0};
    parse_ok(text, &d);
    CHECK_EQ(d.form, form);
    if (canonical)
        hawse_keccak_signature(canonical, hash);
    if (memcmp(d.hash, hash, 32) != 0)
        FAIL("%s is not %s", text, canonical);
    CHECK_EQ(d.nodes[d.inputs].count, inputs);
    CHECK_EQ(d.outputs ? d.nodes[d.outputs].count : 0, outputs);
}

TEST(abi_declarations, "declarations as people write them have the canonical signature")
{
    check_form("transfer(address,uint256)", HAWSE_ABI_FUNCTION, "transfer(address,uint256)", 2, 0);
    check_form(
        " function transfer ( address payable to , uint amount ) external returns ( bool ) ; ",
        HAWSE_ABI_FUNCTION, "transfer(address,uint256)", 2, 1);
    check_form(
        "function f((uint a,(int b)[2] c)[] calldata x, string memory)view returns(bytes,int8)",
        HAWSE_ABI_FUNCTION, "f((uint256,(int256)[2])[],string)", 2, 2);
    check_form("f(tuple(uint8 x, tuple(bool)[] y) z)", HAWSE_ABI_FUNCTION, "f((uint8,(bool)[]))", 1,
               0);
    check_form("error Expired(uint at)", HAWSE_ABI_ERROR, "Expired(uint256)", 1, 0);
    check_form("error(uint at)", HAWSE_ABI_FUNCTION, "error(uint256)", 1, 0);
    check_form("event Filled(bytes32 indexed id, (address maker, uint amount)[] fills)",
               HAWSE_ABI_EVENT, "Filled(bytes32,(address,uint256)[])", 2, 1);
    check_form("constructor(address owner) payable", HAWSE_ABI_CONSTRUCTOR, NULL, 1, 0);
    check_form("f()", HAWSE_ABI_FUNCTION, "f()", 0, 0);
}

static void check_fault(const char *text, int32_t want, uint64_t where)
{
    static hawse_abi_declaration_t d;
    uint64_t at = UINT64_MAX;
    int32_t result = hawse_abi_parse(text, strlen(text), &d, &at);
    if (result != want || at != where)
        FAIL("%s: error %d at %d, expected %d at %d", text, result, (int)at, want, (int)where);
}

TEST(abi_declarations_refused, "what is no declaration is refused, with the place")
{
    check_fault("", HAWSE_E_FORMAT, 0);
    check_fault("f", HAWSE_E_FORMAT, 1);
    check_fault("f(", HAWSE_E_FORMAT, 2);
    check_fault("f(uint256", HAWSE_E_FORMAT, 9);
    check_fault("f(uint7)", HAWSE_E_UNSUPPORTED, 2);
    check_fault("f(uint256 a b)", HAWSE_E_FORMAT, 12);
    check_fault("f(())", HAWSE_E_FORMAT, 2);
    check_fault("f(uint256,)", HAWSE_E_FORMAT, 10);
    check_fault("f(uint256[-1])", HAWSE_E_FORMAT, 10);
    check_fault("f(uint256[01])", HAWSE_E_FORMAT, 12);
    check_fault("f(uint256[65537])", HAWSE_E_LIMIT, 15);
    check_fault("f(fixed)", HAWSE_E_UNSUPPORTED, 2);
    check_fault("f(function)", HAWSE_E_UNSUPPORTED, 2);
    check_fault("f(Order order)", HAWSE_E_UNSUPPORTED, 2);
    check_fault("f(uint256 indexed a)", HAWSE_E_FORMAT, 18);
    check_fault("f() soon", HAWSE_E_FORMAT, 4);
    check_fault("f() returns", HAWSE_E_FORMAT, 11);
    check_fault("error E() view", HAWSE_E_FORMAT, 10);
    check_fault("event E() anonymous", HAWSE_E_UNSUPPORTED, 10);
    check_fault("event E(bool indexed a,bool indexed b,bool indexed c,bool indexed d)",
                HAWSE_E_FORMAT, 53);
    check_fault("f();;", HAWSE_E_FORMAT, 4);
    check_fault("f(((((((((((((((((bool)))))))))))))))))", HAWSE_E_LIMIT, 18);
    static hawse_abi_declaration_t d;
    uint64_t at;
    CHECK_EQ(hawse_abi_parse_types("uint8[65536][2]", 15, &d, &at), HAWSE_E_LIMIT);
    CHECK_EQ(hawse_abi_parse_types("uint8[65536],uint8[65536]", 25, &d, &at), HAWSE_E_LIMIT);
    CHECK_EQ(hawse_abi_parse_types("", 0, &d, &at), HAWSE_OK);
    CHECK_EQ(hawse_abi_parse_types("uint8)", 6, &d, &at), HAWSE_E_FORMAT);
}

TEST(abi_many, "more types than a declaration holds are refused, those of an event twice")
{
    static hawse_abi_declaration_t d;
    char text[1024];
    for (int i = 0; i < 2; i++) {
        int most = i ? HAWSE_ABI_NODES_MAX / 2 - 1 : HAWSE_ABI_NODES_MAX - 1;
        for (int count = most; count <= most + 1; count++) {
            hawse_writer_t w = hawse_writer(text, sizeof(text));
            hawse_writer_text(&w, i ? "event E(" : "f(");
            for (int k = 0; k < count; k++)
                hawse_writer_text(&w, k ? ",bool" : "bool");
            hawse_writer_text(&w, ")");
            CHECK_EQ(hawse_abi_parse(text, w.len, &d, NULL), count > most ? HAWSE_E_LIMIT : 0);
        }
    }
}

/* ---- by hand ---- */

static const char order[] =
    "f((address maker,uint128[] amounts,(bytes4 tag,string note)[2] notes) o,int24 t,bool b)";

static void put_order(hawse_abi_encoder_t *e, const hawse_abi_declaration_t *d, hawse_writer_t *w)
{
    static const uint8_t maker[20] = {9}, tag[4] = {1, 2, 3, 4};
    hawse_u256_t tick = hawse_i256(-887272);
    hawse_abi_call_begin(e, d, w);
    hawse_abi_open(e, 0);
    hawse_abi_put_address(e, maker);
    hawse_abi_open(e, 2);
    hawse_abi_put_u64(e, 5);
    hawse_abi_put_u64(e, 6);
    hawse_abi_close(e);
    hawse_abi_open(e, 2);
    for (int i = 0; i < 2; i++) {
        hawse_abi_open(e, 0);
        hawse_abi_put_fixed_bytes(e, tag, 4);
        hawse_abi_put_bytes(e, i ? "a note of more than thirty-two bytes" : "", i ? 36 : 0);
        hawse_abi_close(e);
    }
    hawse_abi_close(e);
    hawse_abi_close(e);
    hawse_abi_put_int(e, &tick);
    hawse_abi_put_bool(e, 1);
}

TEST(abi_by_hand, "values that are put one by one are read one by one, in any order")
{
    static hawse_abi_declaration_t d;
    static hawse_abi_encoder_t e;
    static hawse_abi_reader_t r;
    static uint8_t out[2000];
    hawse_abi_value_t v;
    hawse_writer_t w = hawse_writer(out, sizeof(out));
    parse_ok(order, &d);
    put_order(&e, &d, &w);
    CHECK_EQ(hawse_abi_end(&e), HAWSE_OK);
    CHECK_EQ(hawse_abi_call_read(&r, &d, out, w.len, HAWSE_ABI_CANONICAL, NULL), HAWSE_OK);
    CHECK_EQ(hawse_abi_take(&r, HAWSE_ABI_UINT, &v), HAWSE_E_INVAL);
    CHECK_EQ(hawse_abi_enter(&r), HAWSE_E_STATE);
    CHECK_EQ(hawse_abi_seek(&r, 1), HAWSE_OK);
    CHECK_EQ(hawse_abi_take(&r, HAWSE_ABI_INT, &v), HAWSE_OK);
    CHECK_EQ((int64_t)v.as.number.limb[0], -887272);
    CHECK_EQ(hawse_abi_take(&r, HAWSE_ABI_BOOL, &v), HAWSE_OK);
    CHECK_EQ(hawse_abi_read(&r, &v), 0);
    CHECK_EQ(hawse_abi_seek(&r, 3), HAWSE_E_RANGE);
    CHECK_EQ(hawse_abi_seek(&r, 0), HAWSE_OK);
    CHECK_EQ(hawse_abi_take(&r, HAWSE_ABI_TUPLE, &v), HAWSE_OK);
    CHECK_EQ_U64(v.as.span.count, 3);
    CHECK_EQ(hawse_abi_enter(&r), HAWSE_OK);
    CHECK_EQ(hawse_abi_seek(&r, 1), HAWSE_OK);
    CHECK_EQ(hawse_abi_take(&r, HAWSE_ABI_LIST, &v), HAWSE_OK);
    CHECK_EQ_U64(v.as.span.count, 2);
    CHECK_EQ(hawse_abi_enter(&r), HAWSE_OK);
    CHECK_EQ(hawse_abi_seek(&r, 1), HAWSE_OK);
    CHECK_EQ(hawse_abi_take(&r, HAWSE_ABI_UINT, &v), HAWSE_OK);
    CHECK_EQ_U64(v.as.number.limb[0], 6);
    CHECK_EQ(hawse_abi_leave(&r), HAWSE_OK);
    CHECK_EQ(hawse_abi_take(&r, HAWSE_ABI_LIST, &v), HAWSE_OK);
    CHECK_EQ(hawse_abi_enter(&r), HAWSE_OK);
    CHECK_EQ(hawse_abi_seek(&r, 1), HAWSE_OK);
    CHECK_EQ(hawse_abi_take(&r, HAWSE_ABI_TUPLE, &v), HAWSE_OK);
    CHECK_EQ(hawse_abi_enter(&r), HAWSE_OK);
    CHECK_EQ(hawse_abi_take(&r, HAWSE_ABI_FIXED_BYTES, &v), HAWSE_OK);
    CHECK_EQ(hawse_abi_take(&r, HAWSE_ABI_STRING, &v), HAWSE_OK);
    hawse_view_t note = hawse_abi_view(&r, &v);
    CHECK_EQ_U64(note.len, 36);
    CHECK_MEM(note.data, "a note of more than", 19);
    CHECK_EQ(hawse_abi_leave(&r), HAWSE_OK);
    CHECK_EQ(hawse_abi_leave(&r), HAWSE_OK);
    CHECK_EQ(hawse_abi_leave(&r), HAWSE_OK);
    CHECK_EQ(hawse_abi_leave(&r), HAWSE_E_STATE);
    CHECK_EQ(hawse_abi_take(&r, HAWSE_ABI_INT, &v), HAWSE_OK);
}

TEST(abi_put_misuse, "a value of another type, range or count is refused, and so is half a call")
{
    static hawse_abi_declaration_t d;
    static hawse_abi_encoder_t e;
    static uint8_t out[2000];
    hawse_u256_t big = hawse_u256_from_u128(0, UINT64_MAX), wide = {{0, 0, 1, 0}};
    hawse_writer_t w = hawse_writer(out, sizeof(out));
    CHECK_EQ(hawse_abi_parse_types("uint128,bool[2]", 15, &d, NULL), HAWSE_OK);
#define BEGIN() (w.len = 0, hawse_abi_encode_begin(&e, &d, 0, &w))
    BEGIN();
    hawse_abi_put_uint(&e, &wide);
    CHECK_EQ(hawse_abi_end(&e), HAWSE_E_RANGE);
    BEGIN();
    hawse_abi_put_int(&e, &big);
    CHECK_EQ(hawse_abi_end(&e), HAWSE_E_INVAL);
    BEGIN();
    hawse_abi_put_uint(&e, &big);
    CHECK_EQ(hawse_abi_end(&e), HAWSE_E_INVAL);
    BEGIN();
    hawse_abi_put_uint(&e, &big);
    hawse_abi_open(&e, 3);
    CHECK_EQ(hawse_abi_end(&e), HAWSE_E_RANGE);
    BEGIN();
    hawse_abi_put_uint(&e, &big);
    hawse_abi_open(&e, 2);
    hawse_abi_put_bool(&e, 1);
    hawse_abi_close(&e);
    CHECK_EQ(hawse_abi_end(&e), HAWSE_E_INVAL);
    BEGIN();
    hawse_abi_put_uint(&e, &big);
    hawse_abi_open(&e, 2);
    hawse_abi_put_bool(&e, 1);
    hawse_abi_put_bool(&e, 0);
    hawse_abi_close(&e);
    CHECK_EQ(hawse_abi_end(&e), HAWSE_OK);
    hawse_abi_put_bool(&e, 0);
    CHECK_EQ(hawse_abi_end(&e), HAWSE_E_INVAL);
    BEGIN();
    hawse_abi_put_bytes(&e, "", 0);
    hawse_abi_put_u64(&e, 1);
    CHECK_EQ(hawse_abi_end(&e), HAWSE_E_INVAL);
    BEGIN();
    hawse_abi_open(&e, 0);
    CHECK_EQ(hawse_abi_end(&e), HAWSE_E_INVAL);
    CHECK_EQ(hawse_abi_parse_types("bytes4[]", 8, &d, NULL), HAWSE_OK);
    BEGIN();
    hawse_abi_open(&e, HAWSE_ABI_COUNT_MAX + 1ull);
    CHECK_EQ(hawse_abi_end(&e), HAWSE_E_LIMIT);
    BEGIN();
    hawse_abi_open(&e, 1);
    hawse_abi_put_fixed_bytes(&e, (const uint8_t *)"abc", 3);
    CHECK_EQ(hawse_abi_end(&e), HAWSE_E_RANGE);
    hawse_abi_call_begin(&e, &d, &w);
    CHECK_EQ(hawse_abi_end(&e), HAWSE_E_INVAL);
    hawse_abi_encode_begin(&e, &d, 1, &w);
    CHECK_EQ(hawse_abi_end(&e), HAWSE_E_INVAL);
}

/* Words of 32 bytes with a small number each. */
static uint64_t words(uint8_t *out, const uint64_t *numbers, uint64_t count)
{
    memset(out, 0, 32 * count);
    for (uint64_t i = 0; i < count; i++) {
        hawse_u256_t n = hawse_u256(numbers[i]);
        hawse_u256_to_be(&n, out + 32 * i);
    }
    return 32 * count;
}

TEST(abi_layouts, "another layout than an encoder's is read, but not where that is asked for")
{
    static hawse_abi_declaration_t d;
    static hawse_abi_reader_t r;
    uint8_t data[32 * 8];
    const uint64_t swapped[] = {96, 64, 0, 0}, shared[] = {64, 64, 0}, gap[] = {64, 128, 0, 7, 0};
    CHECK_EQ(hawse_abi_parse_types("bytes,bytes", 11, &d, NULL), HAWSE_OK);
    const uint64_t *const cases[] = {swapped, shared, gap};
    const uint64_t sizes[] = {4, 3, 5};
    for (int i = 0; i < 3; i++) {
        uint64_t len = words(data, cases[i], sizes[i]);
        CHECK_EQ(hawse_abi_read_begin(&r, &d, 0, data, len, 0, NULL), HAWSE_OK);
        CHECK_EQ(hawse_abi_read_begin(&r, &d, 0, data, len, HAWSE_ABI_CANONICAL, NULL),
                 HAWSE_E_FORMAT);
    }
    const uint64_t good[] = {64, 96, 0, 0};
    CHECK_EQ(hawse_abi_read_begin(&r, &d, 0, data, words(data, good, 4), HAWSE_ABI_CANONICAL, NULL),
             HAWSE_OK);
    CHECK_EQ(hawse_abi_read_begin(&r, &d, 0, data, words(data, good, 4), 2, NULL), HAWSE_E_INVAL);
}

TEST(abi_offsets, "an offset behind the data is refused, whatever it points to")
{
    static const char *const types[] = {"bytes", "bool[]", "(bytes)", "bytes[2]", "(bytes)[1]"};
    static hawse_abi_declaration_t d;
    static hawse_abi_reader_t r;
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        CHECK_EQ(hawse_abi_parse_types(types[i], strlen(types[i]), &d, NULL), HAWSE_OK);
        for (uint64_t offset = 32; offset < 128; offset += 32) {
            uint8_t *data = malloc(64);
            (void)words(data, (const uint64_t[]){offset, 7}, 2);
            int32_t result = hawse_abi_read_begin(&r, &d, 0, data, 64, 0, NULL);
            CHECK_EQ(result, HAWSE_E_RANGE);
            free(data);
        }
    }
}

TEST(abi_wrap, "an offset that would come round to the front again is refused")
{
    static hawse_abi_declaration_t d;
    static hawse_abi_reader_t r;
    uint8_t data[96];
    const uint64_t numbers[] = {32, UINT64_MAX - 31, 0};
    CHECK_EQ(hawse_abi_parse_types("(bytes)", 7, &d, NULL), HAWSE_OK);
    CHECK_EQ(hawse_abi_read_begin(&r, &d, 0, data, words(data, numbers, 3), 0, NULL),
             HAWSE_E_RANGE);
}

TEST(abi_bomb, "offsets that make a billion values of a kilobyte are refused at once")
{
    static hawse_abi_declaration_t d;
    static hawse_abi_reader_t r;
    static uint8_t data[32 * 64];
    uint64_t n = 0, numbers[64];
    /* ten lists, each of ten times the next one */
    numbers[n++] = 32;
    for (int level = 0; level < 5; level++) {
        numbers[n++] = 10;
        for (int i = 0; i < 10; i++)
            numbers[n++] = 10 * 32;
    }
    numbers[n++] = 0;
    CHECK_EQ(hawse_abi_parse_types("bool[][][][][][]", 16, &d, NULL), HAWSE_OK);
    CHECK_EQ(hawse_abi_read_begin(&r, &d, 0, data, words(data, numbers, n), 0, NULL),
             HAWSE_E_LIMIT);
}

/* ---- JSON ---- */

static int32_t encode_text(const char *types, const char *json, uint64_t *where)
{
    static hawse_abi_declaration_t d;
    static uint8_t out[4000];
    json_t *value = json_loads(json, JSON_DECODE_ANY, NULL);
    CHECK(value && hawse_abi_parse_types(types, strlen(types), &d, NULL) == HAWSE_OK);
    struct document doc = document_of(value);
    hawse_writer_t w = hawse_writer(out, sizeof(out));
    const uint8_t *at = doc.text;
    int32_t result = hawse_abi_encode_json(&d, types, 0, &doc.json, &doc.root, &w, &at);
    if (where)
        *where = (uint64_t)(at - doc.text);
    document_free(&doc);
    json_decref(value);
    return result;
}

TEST(abi_json_refused, "JSON that does not hold the values is refused, with the place")
{
    uint64_t at;
    CHECK_EQ(encode_text("uint8 a,(bool x,bytes y) b", "[1,[true,\"0x\"]]", NULL), HAWSE_OK);
    CHECK_EQ(encode_text("uint8 a,(bool x,bytes y) b", "{\"b\":{\"y\":\"0x\",\"x\":true},\"a\":1}",
                         NULL),
             HAWSE_OK);
    CHECK_EQ(encode_text("uint8 a,(bool x,bytes y) b", "[1,[true]]", &at), HAWSE_E_RANGE);
    CHECK_EQ_U64(at, 3);
    CHECK_EQ(encode_text("uint8 a", "{\"b\":1}", &at), HAWSE_E_NOTFOUND);
    CHECK_EQ(encode_text("uint8 a", "{\"a\":1,\"b\":1}", &at), HAWSE_E_EXISTS);
    CHECK_EQ_U64(at, 8);
    CHECK_EQ(encode_text("uint8[]", "[[1,2,300]]", &at), HAWSE_E_RANGE);
    CHECK_EQ_U64(at, 6);
    CHECK_EQ(encode_text("uint8", "1", &at), HAWSE_E_FORMAT);
    CHECK_EQ(encode_text("string", "[5]", &at), HAWSE_E_FORMAT);
}

TEST(abi_json_strings, "strings come out as JSON, whatever characters they have")
{
    static hawse_abi_declaration_t d;
    static hawse_abi_reader_t r;
    static uint8_t out[200];
    json_t *values = json_pack("[s]", "a\n\"\\/\x01\x7f\xc3\xa9");
    struct document doc = document_of(values);
    hawse_writer_t w = hawse_writer(out, sizeof(out));
    CHECK_EQ(hawse_abi_parse_types("string", 6, &d, NULL), HAWSE_OK);
    CHECK_EQ(hawse_abi_encode_json(&d, "string", 0, &doc.json, &doc.root, &w, NULL), HAWSE_OK);
    CHECK_EQ(hawse_abi_read_begin(&r, &d, 0, out, w.len, 0, NULL), HAWSE_OK);
    check_json("string", &r, values);
    out[64] = 0xff;
    CHECK_EQ(hawse_abi_read_begin(&r, &d, 0, out, w.len, 0, NULL), HAWSE_OK);
    hawse_writer_t none = hawse_writer(NULL, 0);
    CHECK_EQ(hawse_abi_read_json(&r, &none), HAWSE_E_FORMAT);
    document_free(&doc);
    json_decref(values);
}

/* ---- reasons ---- */

TEST(revert_vectors, "reasons of failed calls are told, nested ones too")
{
    static const char *const texts[] = {"error CallFailed(uint256 index, bytes reason)",
                                        "error InvalidAuthority()",
                                        "error InsufficientBalance()",
                                        "error SwapLimit(uint256,uint256)",
                                        "error SwapDeadline()",
                                        "error AllowanceExpired(uint256)",
                                        "error InsufficientAllowance(uint256)"};
    static const char *const want[] = {"Error: Only self",
                                       "Error: Too many calls",
                                       "Error: Failed",
                                       "Error: Too little received",
                                       "Panic 0x11: arithmetic overflow or underflow",
                                       "Panic 0x32: array index out of bounds",
                                       NULL,
                                       "InvalidAuthority[]",
                                       "InsufficientBalance[]",
                                       "SwapLimit[\"5\",\"6\"]",
                                       "SwapDeadline[]",
                                       "AllowanceExpired[\"1\"]",
                                       "InsufficientAllowance[\"0\"]",
                                       "no reason given",
                                       "unknown error 0x08c379a0, 4 bytes",
                                       "unknown error 0xdeadbeef, 4 bytes"};
    static hawse_abi_declaration_t declarations[7];
    const hawse_revert_errors_t errors = {declarations, texts, 7, 0};
    for (int i = 0; i < 7; i++)
        parse_ok(texts[i], &declarations[i]);
    json_t *root = vectors_load("abi.json"), *row;
    size_t i;
    json_array_foreach(json_object_get(root, "reverts"), i, row)
    {
        uint64_t len;
        char line[1024];
        hawse_revert_t revert;
        uint8_t *data = data_of(row, "data", &len);
        hawse_writer_t w = hawse_writer(line, sizeof(line) - 1);
        hawse_revert_decode(data, len, &errors, &revert);
        CHECK_EQ(hawse_revert_text(&revert, &errors, &w), HAWSE_OK);
        line[w.len] = '\0';
        if (want[i])
            CHECK_STR(line, want[i]);
        else
            CHECK(strstr(line, "CallFailed[\"3\",\"0x08c379a0") == line &&
                  strstr(line, "\"]: Error: inner"));
        free(data);
    }
    CHECK_EQ(i, sizeof(want) / sizeof(want[0]));
    json_decref(root);
}

TEST(revert_hostile,
     "a reason that is not quite one is unknown, and control characters are not shown")
{
    uint8_t data[100] = {0x4e, 0x48, 0x7b, 0x71};
    hawse_revert_t revert;
    hawse_revert_decode(data, 36, NULL, &revert);
    CHECK_EQ(revert.kind, HAWSE_REVERT_PANIC);
    hawse_revert_decode(data, 37, NULL, &revert);
    CHECK_EQ(revert.kind, HAWSE_REVERT_UNKNOWN);
    data[4] = 1;
    hawse_revert_decode(data, 36, NULL, &revert);
    CHECK_EQ(revert.kind, HAWSE_REVERT_UNKNOWN);
    memcpy(data, "\x08\xc3\x79\xa0", 4);
    data[4] = 0;
    data[35] = 32;
    data[67] = 2;
    memcpy(data + 68, "\x1b[", 2);
    char line[64];
    hawse_writer_t w = hawse_writer(line, sizeof(line) - 1);
    hawse_revert_decode(data, 100, NULL, &revert);
    CHECK_EQ(revert.kind, HAWSE_REVERT_ERROR);
    CHECK_EQ(hawse_revert_text(&revert, NULL, &w), HAWSE_OK);
    line[w.len] = '\0';
    CHECK_STR(line, "Error: ?[");
    data[68] = 0xff;
    hawse_revert_decode(data, 100, NULL, &revert);
    CHECK_EQ(revert.kind, HAWSE_REVERT_UNKNOWN);
    CHECK_STR(hawse_panic_text(0x12), "division or modulo by zero");
    CHECK_STR(hawse_panic_text(0x99), "unknown panic");
}
