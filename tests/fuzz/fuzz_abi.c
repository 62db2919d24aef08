/*
 * The first line is a signature as text, the rest the topics and data of a log. What parses must
 * describe itself without contradiction; what decodes must stay inside the data. Topic 0 is filled
 * in, so that the fuzzer need not find a hash.
 */
#include <hawse/abi.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int truth)
{
    if (!truth)
        abort();
}

static void check_signature(const hawse_abi_signature_t *event, const char *text, uint64_t len)
{
    hawse_abi_signature_t again;
    require(event->param_count <= HAWSE_ABI_PARAMS_MAX);
    require(event->topic_count >= 1 && event->topic_count <= 4);
    for (uint32_t i = 0; i < event->param_count; i++) {
        const hawse_abi_param_t *p = &event->params[i];
        require((uint64_t)p->name_at + p->name_len <= len);
        require(!(p->flags & HAWSE_ABI_INDEXED) || (p->place >= 1 && p->place <= 3));
        require((p->flags & HAWSE_ABI_INDEXED) || p->place % 32 == 0);
        require((p->flags & HAWSE_ABI_INDEXED) || p->place + 32 <= event->head_len);
    }
    require(hawse_abi_event_parse(text, len, &again, NULL) == HAWSE_OK);
    require(memcmp(again.hash, event->hash, 32) == 0);
}

static void check_array(const hawse_abi_value_t *v, const uint8_t *data, uint64_t len)
{
    hawse_abi_value_t element;
    const hawse_abi_span_t *s = &v->as.span;
    uint64_t words = s->len / 32;
    for (uint64_t i = 0; i < words && i < 64; i++)
        require(hawse_abi_element(v, data, len, i, &element) == HAWSE_OK);
    require(hawse_abi_element(v, data, len, words, &element) != HAWSE_OK);
    require(hawse_abi_element(v, data, len, UINT64_MAX, &element) != HAWSE_OK);
}

static void check_values(const hawse_abi_value_t *values, int32_t n, const uint8_t *data,
                         uint64_t len)
{
    for (int32_t i = 0; i < n; i++) {
        const hawse_abi_value_t *v = &values[i];
        int array = (v->flags & HAWSE_ABI_ARRAY) && !(v->flags & HAWSE_ABI_HASHED);
        int bytes = (v->kind == HAWSE_ABI_BYTES || v->kind == HAWSE_ABI_STRING) &&
                    !(v->flags & HAWSE_ABI_HASHED);
        if (!array && !bytes)
            continue;
        require(v->as.span.offset <= len && v->as.span.len <= len - v->as.span.offset);
        if (array)
            check_array(v, data, len);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *cut = memchr(data, '\n', size);
    size_t len = cut ? (size_t)(cut - data) : size;
    size_t left = cut ? size - len - 1 : 0;
    hawse_abi_signature_t event;
    hawse_abi_value_t values[HAWSE_ABI_PARAMS_MAX];
    uint64_t where = 0;
    uint32_t fault = 0;
    uint8_t topics[128];
    if (hawse_abi_event_parse((const char *)data, len, &event, &where) != HAWSE_OK) {
        require(where <= len);
        return 0;
    }
    check_signature(&event, (const char *)data, len);
    size_t more = (event.topic_count - 1) * 32u;
    memset(topics, 0, sizeof(topics));
    memcpy(topics, event.hash, 32);
    if (left >= more && more > 0)
        memcpy(topics + 32, cut + 1, more);
    size_t data_len = left >= more ? left - more : 0;
    uint8_t *exact = malloc(data_len + 1); /* reads behind it are seen */
    if (data_len > 0)
        memcpy(exact, cut + 1 + more, data_len);
    int32_t n = hawse_abi_event_decode(&event, topics, event.topic_count, exact, data_len, values,
                                       HAWSE_ABI_PARAMS_MAX, &fault);
    require(n == (int32_t)event.param_count || n == HAWSE_E_RANGE || n == HAWSE_E_FORMAT);
    require(n >= 0 || fault < event.param_count);
    check_values(values, n, exact, data_len);
    free(exact);
    return 0;
}
