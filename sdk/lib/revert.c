/*
 * Reasons of failed calls; see hawse/revert.h.
 */
#include <hawse/hex.h>
#include <hawse/revert.h>
#include <hawse/u256.h>

#include <stdio.h>
#include <string.h>

enum { NESTED_MAX = 4 };

const char *hawse_panic_text(uint64_t code)
{
#define PANIC_CASE(number, meaning) \
    case number:                    \
        return meaning;
    switch (code) {
        HAWSE_PANICS(PANIC_CASE)
    default:
        return "unknown panic";
    }
}

static int selects(const uint8_t *data, uint64_t len, uint32_t selector)
{
    const uint8_t want[4] = {(uint8_t)(selector >> 24), (uint8_t)(selector >> 16),
                             (uint8_t)(selector >> 8), (uint8_t)selector};
    return len >= 4 && memcmp(data, want, 4) == 0;
}

/* Error(string). */
static int decode_error(const uint8_t *data, uint64_t len, hawse_revert_t *out)
{
    if (!selects(data, len, 0x08c379a0) ||
        hawse_abi_bytes(data + 4, len - 4, 0, &out->text) != HAWSE_OK ||
        !hawse_utf8_valid(out->text.data, out->text.len))
        return 0;
    out->kind = HAWSE_REVERT_ERROR;
    return 1;
}

/* Panic(uint256). */
static int decode_panic(const uint8_t *data, uint64_t len, hawse_revert_t *out)
{
    hawse_u256_t code;
    if (!selects(data, len, 0x4e487b71) || len != 36)
        return 0;
    hawse_u256_from_be(data + 4, &code);
    if (hawse_u256_to_u64(&code, &out->panic) != HAWSE_OK)
        return 0;
    out->kind = HAWSE_REVERT_PANIC;
    return 1;
}

/* The last argument, when it may be the reason of an inner call. */
static hawse_view_t inner_reason(hawse_abi_reader_t *r)
{
    hawse_abi_value_t v = {0};
    hawse_view_t none = {NULL, 0};
    while (hawse_abi_read(r, &v) == 1)
        continue;
    if (v.kind != HAWSE_ABI_BYTES || v.as.span.len < 4)
        return none;
    return hawse_abi_view(r, &v);
}

static int decode_custom(const uint8_t *data, uint64_t len, const hawse_revert_errors_t *errors,
                         hawse_revert_t *out)
{
    hawse_abi_reader_t r;
    for (uint32_t i = 0; errors && i < errors->count; i++) {
        if (hawse_abi_call_read(&r, &errors->declarations[i], data, len, 0, NULL) != HAWSE_OK)
            continue;
        out->kind = HAWSE_REVERT_CUSTOM;
        out->index = i;
        out->nested = inner_reason(&r);
        return 1;
    }
    return 0;
}

void hawse_revert_decode(const uint8_t *data, uint64_t len, const hawse_revert_errors_t *errors,
                         hawse_revert_t *out)
{
    memset(out, 0, sizeof(*out));
    out->data.data = data;
    out->data.len = len;
    if (len == 0 || decode_error(data, len, out) || decode_panic(data, len, out) ||
        decode_custom(data, len, errors, out))
        return;
    out->kind = HAWSE_REVERT_UNKNOWN;
    out->text = (hawse_view_t){NULL, 0};
}

/* ---- words ---- */

static void put_error(hawse_writer_t *out, const hawse_view_t *text)
{
    hawse_writer_text(out, "Error: ");
    for (uint64_t i = 0; i < text->len; i++) {
        uint8_t c = text->data[i];
        hawse_writer_fill(out, c < 0x20 || c == 0x7f ? '?' : c, 1);
    }
}

static void put_unknown(hawse_writer_t *out, const hawse_view_t *data)
{
    char line[64], selector[9] = "";
    hawse_hex_encode(data->data, data->len < 4 ? data->len : 4, selector);
    (void)snprintf(line, sizeof(line), "unknown error 0x%s, %llu bytes", selector,
                   (unsigned long long)data->len);
    hawse_writer_text(out, line);
}

static void put_custom(hawse_writer_t *out, const hawse_revert_t *revert,
                       const hawse_revert_errors_t *errors)
{
    hawse_abi_reader_t r;
    const hawse_abi_declaration_t *d = &errors->declarations[revert->index];
    hawse_writer_put(out, errors->texts[revert->index] + d->name_at, d->name_len);
    (void)hawse_abi_call_read(&r, d, revert->data.data, revert->data.len, 0, NULL);
    if (hawse_abi_read_json(&r, out) == HAWSE_E_FORMAT)
        hawse_writer_text(out, "?"); /* a string that is no text */
}

/* One reason without the nested ones. */
static void put_reason(hawse_writer_t *out, const hawse_revert_t *revert,
                       const hawse_revert_errors_t *errors)
{
    char line[32];
    switch (revert->kind) {
    case HAWSE_REVERT_NONE:
        hawse_writer_text(out, "no reason given");
        break;
    case HAWSE_REVERT_ERROR:
        put_error(out, &revert->text);
        break;
    case HAWSE_REVERT_PANIC:
        (void)snprintf(line, sizeof(line), "Panic 0x%02llx: ", (unsigned long long)revert->panic);
        hawse_writer_text(out, line);
        hawse_writer_text(out, hawse_panic_text(revert->panic));
        break;
    case HAWSE_REVERT_CUSTOM:
        put_custom(out, revert, errors);
        break;
    default:
        put_unknown(out, &revert->data);
    }
}

int32_t hawse_revert_text(const hawse_revert_t *revert, const hawse_revert_errors_t *errors,
                          hawse_writer_t *out)
{
    hawse_revert_t one = *revert;
    for (int depth = 0;; depth++) {
        put_reason(out, &one, errors);
        if (one.nested.len == 0 || depth == NESTED_MAX)
            break;
        hawse_writer_text(out, ": ");
        hawse_revert_decode(one.nested.data, one.nested.len, errors, &one);
    }
    return hawse_writer_end(out);
}
