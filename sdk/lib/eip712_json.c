/*
 * Documents of eth_signTypedData_v4; see hawse/eip712.h. Their types become the text that
 * hawse_eip712_parse() reads, so that one parser judges both; where it finds a fault, the text is
 * built again up to there to find the place in the document.
 */
#include "abi_json.h"
#include "eip712_word.h"

#include <string.h>

/* The one member of that name: a second one, or a key in escapes that may be one, is what another
 * reader takes for it. HAWSE_E_NOTFOUND, HAWSE_E_EXISTS, HAWSE_E_FORMAT. */
static int32_t take_once(const hawse_json_t *doc, hawse_json_value_t *object, const char *name,
                         hawse_json_value_t *value)
{
    hawse_view_t key;
    hawse_json_value_t one;
    int32_t more, found = 0;
    hawse_json_rewind(object);
    while ((more = hawse_json_next(doc, object, &key, &one)) == 1) {
        if (key.len > 0 && memchr(key.data, '\\', key.len))
            return HAWSE_E_FORMAT;
        if (key.len != strlen(name) || memcmp(key.data, name, key.len) != 0)
            continue;
        if (found++)
            return HAWSE_E_EXISTS;
        *value = one;
    }
    return more < 0 ? more : found ? HAWSE_OK : HAWSE_E_NOTFOUND;
}

/* ---- types into text ---- */

struct type_text {
    const hawse_json_t *doc;
    hawse_writer_t out;
    uint64_t stop; /* where = what reaches this offset of the text */
    const uint8_t *where;
};

/* A name or type as it stands: an escape, a space or a bracket in it would say something else. */
static int is_plain(const hawse_view_t *text)
{
    for (uint64_t i = 0; i < text->len; i++) {
        if (memchr("\\\"(), \t\n", text->data[i], 9) || text->data[i] < 0x20)
            return 0;
    }
    return text->len > 0;
}

static int32_t put_text(struct type_text *t, const uint8_t *data, uint64_t len, const char *behind)
{
    hawse_view_t text = {data, len};
    if (t->where)
        return HAWSE_OK;
    if (!is_plain(&text)) {
        t->where = data;
        return HAWSE_E_FORMAT;
    }
    hawse_writer_put(&t->out, data, len);
    if (t->out.len >= t->stop)
        t->where = data;
    hawse_writer_text(&t->out, behind);
    return HAWSE_OK;
}

static int32_t refuse(struct type_text *t, const hawse_json_value_t *in, int32_t code)
{
    t->where = in->data;
    return code;
}

static int32_t put_member(struct type_text *t, hawse_json_value_t *member)
{
    hawse_json_value_t name, type;
    if (member->kind != HAWSE_JSON_OBJECT)
        return refuse(t, member, HAWSE_E_FORMAT);
    int32_t result = take_once(t->doc, member, "name", &name);
    if (result == HAWSE_OK)
        result = take_once(t->doc, member, "type", &type);
    if (result != HAWSE_OK)
        return refuse(t, member, result);
    if (name.kind != HAWSE_JSON_STRING || type.kind != HAWSE_JSON_STRING)
        return refuse(t, member, HAWSE_E_FORMAT);
    result = put_text(t, type.data, type.len, " ");
    return result == HAWSE_OK ? put_text(t, name.data, name.len, "") : result;
}

static int32_t put_struct(struct type_text *t, const hawse_view_t *name,
                          hawse_json_value_t *members)
{
    hawse_json_value_t member;
    int32_t more, n = 0;
    if (members->kind != HAWSE_JSON_ARRAY)
        return refuse(t, members, HAWSE_E_FORMAT);
    int32_t result = put_text(t, name->data, name->len, "(");
    while (result == HAWSE_OK && (more = hawse_json_next(t->doc, members, NULL, &member)) != 0) {
        if (more < 0)
            return refuse(t, members, more);
        if (n++ > 0)
            hawse_writer_text(&t->out, ",");
        result = put_member(t, &member);
    }
    hawse_writer_text(&t->out, ")");
    return result;
}

/* EIP712Domain made of what the domain has. */
static int32_t put_domain(struct type_text *t, hawse_json_value_t *domain)
{
    static const char *const members[][2] = {{"name", "string name"},
                                             {"version", "string version"},
                                             {"chainId", "uint256 chainId"},
                                             {"verifyingContract", "address verifyingContract"},
                                             {"salt", "bytes32 salt"}};
    int n = 0;
    hawse_writer_text(&t->out, "EIP712Domain(");
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        hawse_json_value_t value;
        int32_t result = hawse_json_get(t->doc, domain, members[i][0], &value);
        if (result == HAWSE_E_NOTFOUND)
            continue;
        if (result != HAWSE_OK)
            return refuse(t, domain, HAWSE_E_FORMAT);
        if (n++ > 0)
            hawse_writer_text(&t->out, ",");
        hawse_writer_text(&t->out, members[i][1]);
    }
    hawse_writer_text(&t->out, ")");
    return HAWSE_OK;
}

static int32_t put_types(struct type_text *t, hawse_json_value_t *types, hawse_json_value_t *domain)
{
    hawse_view_t name;
    hawse_json_value_t members;
    int32_t more, has_domain = 0;
    hawse_json_rewind(types);
    while ((more = hawse_json_next(t->doc, types, &name, &members)) != 0) {
        if (more < 0)
            return refuse(t, types, more);
        if (name.len == 12 && memcmp(name.data, "EIP712Domain", 12) == 0)
            has_domain = 1;
        int32_t result = put_struct(t, &name, &members);
        if (result != HAWSE_OK)
            return result;
    }
    return has_domain ? HAWSE_OK : put_domain(t, domain);
}

/* ---- the document ---- */

struct document {
    hawse_json_t json;
    hawse_json_value_t types, primary, domain, message;
    hawse_eip712_schema_t *schema;
    hawse_eip712_result_t *result;
};

static int32_t fail_at(struct document *d, const uint8_t *where, int32_t code)
{
    d->result->where = where ? (uint64_t)(where - d->json.text) : 0;
    return code;
}

/* One of the four parts, of the kind that it must have. */
static int32_t take_part(struct document *d, hawse_json_value_t *root, const char *name,
                         uint32_t kind, hawse_json_value_t *part)
{
    int32_t result = take_once(&d->json, root, name, part);
    if (result != HAWSE_OK)
        return fail_at(d, root->data, result);
    return part->kind == kind ? HAWSE_OK : fail_at(d, part->data, HAWSE_E_FORMAT);
}

static int32_t open_document(struct document *d, const uint8_t *text, uint64_t len, uint32_t *marks,
                             uint32_t cap)
{
    hawse_json_value_t root;
    d->json.text = text;
    int32_t result = hawse_json_validate(text, len, &d->result->where);
    if (result != HAWSE_OK)
        return result;
    result = hawse_json_index(&d->json, text, len, marks, cap);
    if (result == HAWSE_OK)
        result = hawse_json_root(&d->json, &root);
    if (result == HAWSE_OK && root.kind != HAWSE_JSON_OBJECT)
        result = HAWSE_E_FORMAT;
    if (result != HAWSE_OK)
        return fail_at(d, text, result);
    if ((result = take_part(d, &root, "types", HAWSE_JSON_OBJECT, &d->types)) == HAWSE_OK &&
        (result = take_part(d, &root, "primaryType", HAWSE_JSON_STRING, &d->primary)) == HAWSE_OK &&
        (result = take_part(d, &root, "domain", HAWSE_JSON_OBJECT, &d->domain)) == HAWSE_OK)
        result = take_part(d, &root, "message", HAWSE_JSON_OBJECT, &d->message);
    return result;
}

static int32_t read_types(struct document *d)
{
    hawse_eip712_schema_t *schema = d->schema;
    struct type_text t = {
        .doc = &d->json,
        .out = hawse_writer(schema->text, HAWSE_EIP712_TEXT_MAX),
        .stop = UINT64_MAX,
    };
    int32_t result = put_types(&t, &d->types, &d->domain);
    if (result != HAWSE_OK)
        return fail_at(d, t.where, result);
    if (hawse_writer_end(&t.out) != HAWSE_OK)
        return fail_at(d, d->types.data, HAWSE_E_LIMIT);
    uint64_t where = 0;
    result = hawse_eip712_parse(schema, schema->text, t.out.len, &where);
    if (result == HAWSE_OK)
        return HAWSE_OK;
    t.out = hawse_writer(NULL, 0);
    t.stop = where + 1;
    (void)put_types(&t, &d->types, &d->domain);
    return fail_at(d, t.where ? t.where : d->types.data, result);
}

/* ---- values into the hash ---- */

/* What bytes in parts need beside the hash of the struct. */
struct hasher {
    hawse_eip712_t h;
    hawse_keccak_t bytes;
};

static void sink_word(void *self, const uint8_t word[32])
{
    struct hasher *s = self;
    eip712_word(&s->h, word);
}

static void sink_bytes_begin(void *self)
{
    struct hasher *s = self;
    hawse_keccak_init(&s->bytes);
}

static void sink_bytes_part(void *self, const uint8_t *bytes, uint64_t len)
{
    struct hasher *s = self;
    hawse_keccak_update(&s->bytes, bytes, len);
}

static void sink_bytes_end(void *self)
{
    struct hasher *s = self;
    uint8_t word[32];
    hawse_keccak_final(&s->bytes, word);
    eip712_word(&s->h, word);
}

static void sink_open(void *self, uint64_t count)
{
    struct hasher *s = self;
    hawse_eip712_open(&s->h, count);
}

static void sink_close(void *self)
{
    struct hasher *s = self;
    hawse_eip712_close(&s->h);
}

static const struct abi_sink hash_sink = {sink_word,      sink_bytes_begin, sink_bytes_part,
                                          sink_bytes_end, sink_open,        sink_close};

static int32_t hash_struct(struct document *d, uint32_t which, hawse_json_value_t *value,
                           uint8_t hash[32])
{
    struct hasher s;
    struct abi_json j = {
        .doc = &d->json,
        .nodes = d->schema->nodes,
        .names = d->schema->text,
        .sink = &hash_sink,
        .self = &s,
    };
    hawse_eip712_begin(&s.h, d->schema, which);
    int32_t result = abi_json_members(&j, d->schema->structs[which].node, value);
    if (result != HAWSE_OK)
        return fail_at(d, j.where, result);
    result = hawse_eip712_end(&s.h, hash);
    return result == HAWSE_OK ? result : fail_at(d, value->data, result);
}

int32_t hawse_eip712_typed_data(const uint8_t *text, uint64_t len, uint32_t *marks, uint32_t cap,
                                hawse_eip712_schema_t *schema, hawse_eip712_result_t *result)
{
    struct document d = {.schema = schema, .result = result};
    memset(result, 0, sizeof(*result));
    int32_t code = open_document(&d, text, len, marks, cap);
    if (code == HAWSE_OK)
        code = read_types(&d);
    if (code != HAWSE_OK)
        return code;
    int32_t primary = hawse_eip712_find(schema, (const char *)d.primary.data, d.primary.len);
    int32_t domain = hawse_eip712_find(schema, "EIP712Domain", 12);
    if (primary < 0 || primary == domain)
        return fail_at(&d, d.primary.data, primary < 0 ? HAWSE_E_NOTFOUND : HAWSE_E_FORMAT);
    result->primary = (uint32_t)primary;
    code = hash_struct(&d, (uint32_t)domain, &d.domain, result->separator);
    if (code == HAWSE_OK)
        code = hash_struct(&d, result->primary, &d.message, result->struct_hash);
    if (code == HAWSE_OK)
        hawse_eip712_digest(result->separator, result->struct_hash, result->digest);
    return code;
}
