/*
 * Decoded values as JSON; see hawse/abi_codec.h.
 */
#include <hawse/abi_codec.h>
#include <hawse/eip55.h>
#include <hawse/hex.h>
#include <hawse/u256.h>

#include <string.h>

static void put_hex(hawse_writer_t *out, const uint8_t *bytes, uint64_t len)
{
    char part[128];
    hawse_writer_text(out, "\"0x");
    for (uint64_t at = 0; at < len; at += 64) {
        uint64_t n = len - at < 64 ? len - at : 64;
        hawse_hex_encode(bytes + at, n, part);
        hawse_writer_put(out, part, 2 * n);
    }
    hawse_writer_text(out, "\"");
}

static void put_number(hawse_writer_t *out, const hawse_abi_value_t *v)
{
    char text[HAWSE_U256_DECIMAL_MAX];
    if (v->kind == HAWSE_ABI_INT)
        (void)hawse_i256_decimal(&v->as.number, text);
    else
        (void)hawse_u256_decimal(&v->as.number, text);
    hawse_writer_text(out, "\"");
    hawse_writer_text(out, text);
    hawse_writer_text(out, "\"");
}

static int32_t put_string(hawse_writer_t *out, hawse_view_t text)
{
    static const char digits[] = "0123456789abcdef";
    if (!hawse_utf8_valid(text.data, text.len))
        return HAWSE_E_FORMAT;
    hawse_writer_text(out, "\"");
    for (uint64_t i = 0; i < text.len; i++) {
        uint8_t c = text.data[i];
        char escape[6] = {'\\', 'u', '0', '0', digits[c >> 4], digits[c & 15]};
        if (c == '"' || c == '\\')
            hawse_writer_put(out, "\\", 1);
        if (c < 0x20)
            hawse_writer_put(out, escape, sizeof(escape));
        else
            hawse_writer_put(out, &c, 1);
    }
    hawse_writer_text(out, "\"");
    return HAWSE_OK;
}

static int32_t put_elementary(hawse_abi_reader_t *r, const hawse_abi_value_t *v,
                              hawse_writer_t *out)
{
    char address[43];
    hawse_view_t view;
    switch (v->kind) {
    case HAWSE_ABI_UINT:
    case HAWSE_ABI_INT:
        put_number(out, v);
        return HAWSE_OK;
    case HAWSE_ABI_BOOL:
        hawse_writer_text(out, v->as.number.limb[0] ? "true" : "false");
        return HAWSE_OK;
    case HAWSE_ABI_ADDRESS:
        hawse_eip55_format(v->as.bytes, address);
        hawse_writer_text(out, "\"");
        hawse_writer_text(out, address);
        hawse_writer_text(out, "\"");
        return HAWSE_OK;
    case HAWSE_ABI_FIXED_BYTES:
        put_hex(out, v->as.bytes, v->size);
        return HAWSE_OK;
    case HAWSE_ABI_BYTES:
        view = hawse_abi_view(r, v);
        put_hex(out, view.data, view.len);
        return HAWSE_OK;
    default: /* HAWSE_ABI_STRING */
        return put_string(out, hawse_abi_view(r, v));
    }
}

int32_t hawse_abi_read_json(hawse_abi_reader_t *r, hawse_writer_t *out)
{
    uint32_t outermost = r->depth;
    int first = 1;
    hawse_writer_text(out, "[");
    for (;;) {
        hawse_abi_value_t v;
        int32_t result = hawse_abi_read(r, &v);
        if (result < 0)
            return result;
        if (result == 0) {
            hawse_writer_text(out, "]");
            if (r->depth == outermost)
                return hawse_writer_end(out);
            (void)hawse_abi_leave(r);
            first = 0;
            continue;
        }
        hawse_writer_text(out, first ? "" : ",");
        first = v.kind == HAWSE_ABI_TUPLE || v.kind == HAWSE_ABI_LIST;
        if (first) {
            hawse_writer_text(out, "[");
            result = hawse_abi_enter(r);
        } else {
            result = put_elementary(r, &v, out);
        }
        if (result != HAWSE_OK)
            return result;
    }
}
