/* One member of an instance's settings; see hawse/setting.h. */
#include <hawse/hex.h>
#include <hawse/json.h>
#include <hawse/setting.h>
#include <stdlib.h>
#include <string.h>

/* A copy with the padding that the reader of JSON wants, and its marks behind it. */
struct copy {
    uint8_t *text;
    hawse_json_t doc;
};

/* The member; copy->text is to be freed, also after an error. */
static int32_t find(hawse_view_t settings, const char *name, struct copy *copy,
                    hawse_json_value_t *value)
{
    hawse_json_value_t root;
    copy->text = NULL;
    if (settings.len > UINT32_MAX / 8)
        return HAWSE_E_FORMAT;
    uint64_t room = (settings.len + HAWSE_PADDING + 3) & ~(uint64_t)3, marks = settings.len + 2;
    copy->text = calloc(1, room + marks * sizeof(uint32_t));
    if (!copy->text)
        return HAWSE_E_NOMEM;
    if (settings.len > 0)
        memcpy(copy->text, settings.data, settings.len);
    int32_t code = hawse_json_index(&copy->doc, copy->text, settings.len,
                                    (uint32_t *)(void *)(copy->text + room), (uint32_t)marks);
    if (code == HAWSE_OK)
        code = hawse_json_root(&copy->doc, &root);
    if (code == HAWSE_OK && root.kind != HAWSE_JSON_OBJECT)
        code = HAWSE_E_FORMAT;
    return code == HAWSE_OK ? hawse_json_get(&copy->doc, &root, name, value) : code;
}

int32_t hawse_setting_hex(hawse_view_t settings, const char *name, uint8_t *out, uint64_t len)
{
    struct copy copy;
    hawse_json_value_t value;
    int32_t code = find(settings, name, &copy, &value);
    if (code == HAWSE_OK)
        code = value.kind == HAWSE_JSON_STRING ? hawse_hex_fixed(value.data, value.len, out, len)
                                               : HAWSE_E_FORMAT;
    free(copy.text);
    return code;
}

int32_t hawse_setting_hex_list(hawse_view_t settings, const char *name, uint64_t len, uint8_t *out,
                               uint64_t stride, uint32_t cap, uint32_t *count)
{
    struct copy copy;
    hawse_json_value_t list, item;
    int32_t code = find(settings, name, &copy, &list), more = 0;
    *count = 0;
    if (code == HAWSE_OK && list.kind != HAWSE_JSON_ARRAY)
        code = HAWSE_E_FORMAT;
    while (code == HAWSE_OK && (more = hawse_json_next(&copy.doc, &list, NULL, &item)) == 1) {
        uint8_t *at = out + *count * stride;
        if (*count == cap)
            code = HAWSE_E_NOSPACE;
        else if (item.kind != HAWSE_JSON_STRING ||
                 hawse_hex_fixed(item.data, item.len, at, len) != HAWSE_OK)
            code = HAWSE_E_FORMAT;
        else
            ++*count;
    }
    free(copy.text);
    return code == HAWSE_OK && more < 0 ? HAWSE_E_FORMAT : code;
}

int32_t hawse_setting_text(hawse_view_t settings, const char *name, char *out, uint64_t cap)
{
    struct copy copy;
    hawse_json_value_t value;
    uint64_t len = 0;
    int32_t code = find(settings, name, &copy, &value);
    if (code == HAWSE_OK && value.kind != HAWSE_JSON_STRING)
        code = HAWSE_E_FORMAT;
    if (code == HAWSE_OK && cap == 0)
        code = HAWSE_E_NOSPACE;
    if (code == HAWSE_OK)
        code = hawse_json_unescape(&value, (uint8_t *)out, cap - 1, &len);
    if (code == HAWSE_OK)
        out[len] = '\0';
    free(copy.text);
    return code;
}

int32_t hawse_setting_u64(hawse_view_t settings, const char *name, uint64_t *out)
{
    struct copy copy;
    hawse_json_value_t value;
    int32_t code = find(settings, name, &copy, &value);
    if (code == HAWSE_OK)
        code = value.kind == HAWSE_JSON_NUMBER ? hawse_json_u64(&value, out) : HAWSE_E_FORMAT;
    free(copy.text);
    return code;
}
