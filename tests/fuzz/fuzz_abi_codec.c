/*
 * The first line is a declaration, the rest the data of its inputs. What passes the check is walked
 * to its end without an error and encoded again: to the same bytes when they were canonical. When
 * the rest is JSON that holds the inputs, it comes back from its encoding. The reason of a failed
 * call is told whatever the data is.
 */
#include <hawse/abi_codec.h>
#include <hawse/revert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int truth)
{
    if (!truth)
        abort();
}

static void put_value(hawse_abi_encoder_t *e, hawse_abi_reader_t *r, const hawse_abi_value_t *v)
{
    hawse_view_t view;
    switch (v->kind) {
    case HAWSE_ABI_UINT:
        hawse_abi_put_uint(e, &v->as.number);
        break;
    case HAWSE_ABI_INT:
        hawse_abi_put_int(e, &v->as.number);
        break;
    case HAWSE_ABI_BOOL:
        hawse_abi_put_bool(e, v->as.number.limb[0] != 0);
        break;
    case HAWSE_ABI_ADDRESS:
        hawse_abi_put_address(e, v->as.bytes);
        break;
    case HAWSE_ABI_FIXED_BYTES:
        hawse_abi_put_fixed_bytes(e, v->as.bytes, v->size);
        break;
    default:
        view = hawse_abi_view(r, v);
        require(view.data >= r->data && view.len <= r->len - (uint64_t)(view.data - r->data));
        hawse_abi_put_bytes(e, view.data, view.len);
    }
}

/* Copies the values of the tuple or list that is open. */
static void copy(hawse_abi_encoder_t *e, hawse_abi_reader_t *r)
{
    hawse_abi_value_t v;
    int32_t more;
    while ((more = hawse_abi_read(r, &v)) == 1) {
        if (v.kind != HAWSE_ABI_TUPLE && v.kind != HAWSE_ABI_LIST) {
            put_value(e, r, &v);
            continue;
        }
        hawse_abi_open(e, v.kind == HAWSE_ABI_LIST ? v.as.span.count : 0);
        require(hawse_abi_enter(r) == HAWSE_OK);
        copy(e, r);
        require(hawse_abi_leave(r) == HAWSE_OK);
        hawse_abi_close(e);
    }
    require(more == 0);
}

static void check_data(const hawse_abi_declaration_t *d, const uint8_t *data, size_t len)
{
    static hawse_abi_reader_t r;
    static hawse_abi_encoder_t e;
    static uint8_t again[1 << 20];
    uint64_t where = UINT64_MAX;
    int32_t result = hawse_abi_read_begin(&r, d, d->inputs, data, len, 0, &where);
    require(result == HAWSE_OK || where <= len);
    if (result == HAWSE_OK) {
        hawse_writer_t w = hawse_writer(again, sizeof(again));
        hawse_abi_encode_begin(&e, d, d->inputs, &w);
        copy(&e, &r);
        result = hawse_abi_end(&e);
        require(result == HAWSE_OK || result == HAWSE_E_NOSPACE);
        int canonical =
            hawse_abi_read_begin(&r, d, d->inputs, data, len, HAWSE_ABI_CANONICAL, NULL) == 0;
        int same = w.len == len && memcmp(again, data, len) == 0;
        require(result == HAWSE_E_NOSPACE || canonical == same);
        w = hawse_writer(again, sizeof(again));
        require(hawse_abi_read_begin(&r, d, d->inputs, data, len, 0, NULL) == HAWSE_OK);
        result = hawse_abi_read_json(&r, &w);
        require(result == HAWSE_E_FORMAT || hawse_json_validate(again, w.len, NULL) == HAWSE_OK ||
                w.len > sizeof(again) - HAWSE_PADDING);
    } else {
        require(hawse_abi_read_begin(&r, d, d->inputs, data, len, HAWSE_ABI_CANONICAL, NULL) != 0);
    }
}

/* Encodes JSON; the length of the encoding, or 0. */
static uint64_t encode_json(const hawse_abi_declaration_t *d, const char *names, uint8_t *text,
                            uint64_t len, uint8_t *out, uint64_t cap)
{
    static uint32_t marks[1 << 16];
    hawse_json_t doc;
    hawse_json_value_t root;
    const uint8_t *where = text;
    hawse_writer_t w = hawse_writer(out, cap);
    if (len >= sizeof(marks) / sizeof(marks[0]) ||
        hawse_json_validate(text, len, NULL) != HAWSE_OK ||
        hawse_json_index(&doc, text, len, marks, 1 << 16) != HAWSE_OK ||
        hawse_json_root(&doc, &root) != HAWSE_OK)
        return 0;
    int32_t result = hawse_abi_encode_json(d, names, d->inputs, &doc, &root, &w, &where);
    require(where >= text && where <= text + len);
    return result == HAWSE_OK ? w.len : 0;
}

static void check_json(const hawse_abi_declaration_t *d, const char *names, const uint8_t *data,
                       size_t len)
{
    static uint8_t text[1 << 16], out[1 << 16], again[1 << 16];
    static hawse_abi_reader_t r;
    if (len + HAWSE_PADDING > sizeof(text))
        return;
    memset(text, 0, sizeof(text));
    if (len > 0)
        memcpy(text, data, len);
    uint64_t size = encode_json(d, names, text, len, out, sizeof(out));
    if (size == 0)
        return;
    require(hawse_abi_read_begin(&r, d, d->inputs, out, size, HAWSE_ABI_CANONICAL, NULL) == 0);
    hawse_writer_t w = hawse_writer(text, sizeof(text) - HAWSE_PADDING);
    if (hawse_abi_read_json(&r, &w) == HAWSE_OK) {
        memset(text + w.len, 0, HAWSE_PADDING);
        require(encode_json(d, names, text, w.len, again, sizeof(again)) == size);
        require(memcmp(again, out, size) == 0);
    }
}

static void check_reason(const hawse_abi_declaration_t *d, const char *text, const uint8_t *data,
                         size_t len)
{
    char line[256];
    const hawse_revert_errors_t errors = {d, &text, 1, 0};
    hawse_revert_t revert;
    hawse_writer_t w = hawse_writer(line, sizeof(line));
    hawse_revert_decode(data, len, &errors, &revert);
    require(hawse_revert_text(&revert, &errors, &w) == HAWSE_OK || w.len > sizeof(line));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static hawse_abi_declaration_t d;
    const uint8_t *cut = memchr(data, '\n', size);
    size_t len = cut ? (size_t)(cut - data) : size, left = cut ? size - len - 1 : 0;
    uint64_t where = 0;
    if (hawse_abi_parse((const char *)data, len, &d, &where) != HAWSE_OK) {
        require(where <= len);
        return 0;
    }
    uint8_t *exact = malloc(left + 4);
    memcpy(exact, d.hash, 4);
    if (left > 0)
        memcpy(exact + 4, cut + 1, left);
    check_reason(&d, (const char *)data, exact, left + 4);
    check_data(&d, exact + 4, left);
    check_json(&d, (const char *)data, exact + 4, left);
    free(exact);
    return 0;
}
