/*
 * Layouts of JSON texts; see hawse/json_shape.h.
 *
 * A layout is two rows of bytes: the least and the greatest that each byte of the text may be.
 * Structure, keys and literals may only be themselves, digits only digits, string values anything
 * from the space up. A text fits when clamping it between the rows changes nothing, it has no
 * backslash, and as many quotes as the layout: all of them are then in their places, so that none
 * is in a value. Blocks that lie inside values which the caller proves are not looked at.
 */
#include "json_shape_kernels.h"

#include <string.h>

enum {
    BLOCK = 32,        /* bytes that are looked at together; rows are padded to it */
    CREDIT_FIRST = 64, /* learning costs; what is found earns */
    CREDIT_MOST = 256,
    CREDIT_LEARN = 8,
};

typedef bool (*fits_fn)(const hawse_json_layout_t *layout, const uint8_t *text);

static bool fits_scalar(const hawse_json_layout_t *layout, const uint8_t *text)
{
    uint32_t quotes = 0;
    for (uint32_t b = 0; b < layout->block_count; b++) {
        uint32_t begin = layout->blocks[b] * BLOCK, end = begin + BLOCK;
        for (uint32_t i = begin; i < end && i < layout->len; i++) {
            uint8_t c = text[i];
            if (c < layout->low[i] || c > layout->high[i] || c == '\\')
                return false;
            quotes += c == '"';
        }
    }
    return quotes == layout->quotes;
}

#if defined(__x86_64__)
#include <immintrin.h>

/* Bytes at and above `left` of a vector become 0, as the rows have it behind the text. */
static const uint8_t keep[2 * BLOCK] = {255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
                                        255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
                                        255, 255, 255, 255, 255, 255, 255, 255, 255, 255};

struct sse2_sums {
    __m128i bad, quotes;
};

static inline struct sse2_sums fit_16(struct sse2_sums s, __m128i v, const uint8_t *low,
                                      const uint8_t *high)
{
    __m128i l = _mm_load_si128((const __m128i *)(const void *)low);
    __m128i h = _mm_load_si128((const __m128i *)(const void *)high);
    __m128i wrong = _mm_xor_si128(v, _mm_min_epu8(_mm_max_epu8(v, l), h));
    wrong = _mm_or_si128(wrong, _mm_cmpeq_epi8(v, _mm_set1_epi8('\\')));
    s.bad = _mm_or_si128(s.bad, wrong);
    s.quotes = _mm_sub_epi8(s.quotes, _mm_cmpeq_epi8(v, _mm_set1_epi8('"')));
    return s;
}

static bool fits_sse2(const hawse_json_layout_t *layout, const uint8_t *text)
{
    struct sse2_sums s = {_mm_setzero_si128(), _mm_setzero_si128()};
    for (uint32_t b = 0; b < layout->block_count; b++) {
        uint32_t i = layout->blocks[b] * BLOCK, left = layout->len - i;
        const uint8_t *mask = keep + (left < BLOCK ? BLOCK - left : 0);
        for (uint32_t half = 0; half < BLOCK; half += 16) {
            __m128i v = _mm_loadu_si128((const __m128i *)(const void *)(text + i + half));
            v = _mm_and_si128(v, _mm_loadu_si128((const __m128i *)(const void *)(mask + half)));
            s = fit_16(s, v, layout->low + i + half, layout->high + i + half);
        }
    }
    if (_mm_movemask_epi8(_mm_cmpeq_epi8(s.bad, _mm_setzero_si128())) != 0xffff)
        return false;
    __m128i sum = _mm_sad_epu8(s.quotes, _mm_setzero_si128());
    return (uint32_t)(_mm_cvtsi128_si32(sum) + _mm_extract_epi16(sum, 4)) == layout->quotes;
}

#define AVX2 __attribute__((target("avx2")))

struct avx2_sums {
    __m256i bad, quotes;
};

AVX2 static inline struct avx2_sums fit_32(struct avx2_sums s, __m256i v, const uint8_t *low,
                                           const uint8_t *high)
{
    __m256i l = _mm256_load_si256((const __m256i *)(const void *)low);
    __m256i h = _mm256_load_si256((const __m256i *)(const void *)high);
    __m256i wrong = _mm256_xor_si256(v, _mm256_min_epu8(_mm256_max_epu8(v, l), h));
    wrong = _mm256_or_si256(wrong, _mm256_cmpeq_epi8(v, _mm256_set1_epi8('\\')));
    s.bad = _mm256_or_si256(s.bad, wrong);
    s.quotes = _mm256_sub_epi8(s.quotes, _mm256_cmpeq_epi8(v, _mm256_set1_epi8('"')));
    return s;
}

AVX2 static bool fits_avx2(const hawse_json_layout_t *layout, const uint8_t *text)
{
    struct avx2_sums s = {_mm256_setzero_si256(), _mm256_setzero_si256()};
    const uint8_t *low = layout->low, *high = layout->high;
    uint32_t last = layout->block_count - 1; /* the end of the text is always looked at */
#pragma GCC unroll 4
    for (uint32_t b = 0; b < last; b++) {
        uint32_t i = layout->blocks[b] * BLOCK;
        s = fit_32(s, _mm256_loadu_si256((const __m256i *)(const void *)(text + i)), low + i,
                   high + i);
    }
    uint32_t i = layout->blocks[last] * BLOCK;
    const uint8_t *mask = keep + BLOCK - (layout->len - i);
    __m256i v = _mm256_loadu_si256((const __m256i *)(const void *)(text + i));
    v = _mm256_and_si256(v, _mm256_loadu_si256((const __m256i *)(const void *)mask));
    s = fit_32(s, v, low + i, high + i);
    __m256i sum = _mm256_sad_epu8(s.quotes, _mm256_setzero_si256());
    __m128i half = _mm_add_epi64(_mm256_castsi256_si128(sum), _mm256_extracti128_si256(sum, 1));
    uint32_t quotes = (uint32_t)(_mm_cvtsi128_si32(half) + _mm_extract_epi16(half, 4));
    return _mm256_testz_si256(s.bad, s.bad) && quotes == layout->quotes;
}
#endif

static fits_fn best_fits(void)
{
#if defined(__x86_64__)
    return __builtin_cpu_supports("avx2") ? fits_avx2 : fits_sse2;
#else
    return fits_scalar;
#endif
}

bool json_shape_fits(const hawse_json_layout_t *layout, const uint8_t *text,
                     enum json_shape_kernel kernel)
{
#if defined(__x86_64__)
    if (kernel == JSON_SHAPE_AVX2 && __builtin_cpu_supports("avx2"))
        return fits_avx2(layout, text);
    if (kernel >= JSON_SHAPE_SSE2)
        return fits_sse2(layout, text);
#endif
    return kernel >= JSON_SHAPE_SCALAR && fits_scalar(layout, text);
}

/* ---- memory ---- */

static uint64_t row_bytes(uint32_t text_max)
{
    return ((uint64_t)text_max + BLOCK - 1) & ~(uint64_t)(BLOCK - 1);
}

uint64_t hawse_json_shapes_bytes(uint32_t sets, uint32_t text_max)
{
    if (sets == 0 || sets > 1024 || (sets & (sets - 1)) != 0 || text_max == 0 ||
        text_max > HAWSE_JSON_SHAPE_TEXT)
        return 0;
    uint64_t layouts = (uint64_t)sets * HAWSE_JSON_SHAPE_WAYS;
    return layouts * (sizeof(hawse_json_layout_t) + 2 * row_bytes(text_max)) + BLOCK;
}

int32_t hawse_json_shapes_init(hawse_json_shapes_t *shapes, void *memory, uint32_t sets,
                               uint32_t text_max)
{
    uint64_t bytes = hawse_json_shapes_bytes(sets, text_max), row = row_bytes(text_max);
    if (bytes == 0)
        return HAWSE_E_INVAL;
    uint32_t count = sets * HAWSE_JSON_SHAPE_WAYS;
    memset(shapes, 0, sizeof(*shapes));
    shapes->layouts = memory;
    shapes->sets = sets;
    shapes->text_max = text_max;
    shapes->credit = CREDIT_FIRST;
    uint8_t *rows = (uint8_t *)(shapes->layouts + count);
    rows += -(uintptr_t)rows & (BLOCK - 1); /* vectors never cross a cache line */
    memset(shapes->layouts, 0, count * sizeof(shapes->layouts[0]));
    for (uint32_t i = 0; i < count; i++, rows += 2 * row) {
        shapes->layouts[i].low = rows;
        shapes->layouts[i].high = rows + row;
    }
    return HAWSE_OK;
}

static hawse_json_layout_t *set_of(const hawse_json_shapes_t *shapes, uint64_t len)
{
    return shapes->layouts + (len & (shapes->sets - 1)) * HAWSE_JSON_SHAPE_WAYS;
}

/* ---- finding ---- */

const hawse_json_layout_t *hawse_json_shape_find(hawse_json_shapes_t *shapes, const uint8_t *text,
                                                 uint64_t len)
{
    static fits_fn best; /* written once with one value: the race is harmless */
    fits_fn fits = __atomic_load_n(&best, __ATOMIC_RELAXED);
    if (__builtin_expect(!fits, 0)) {
        fits = best_fits();
        __atomic_store_n(&best, fits, __ATOMIC_RELAXED);
    }
    const hawse_json_layout_t *layout = set_of(shapes, len);
    for (uint32_t way = 0; len > 0 && way < HAWSE_JSON_SHAPE_WAYS; way++, layout++) {
        if (layout->len == len && fits(layout, text)) {
            shapes->credit += shapes->credit < CREDIT_MOST;
            return layout;
        }
    }
    return NULL;
}

/* ---- learning ---- */

static bool fields_of(const hawse_json_t *doc, const hawse_json_value_t *values, uint32_t count,
                      hawse_json_layout_t *layout)
{
    for (uint32_t i = 0; i < count; i++) {
        const hawse_json_value_t *v = &values[i];
        if (v->kind > HAWSE_JSON_STRING || v->data < doc->text ||
            v->data + v->len > doc->text + doc->len)
            return false;
        layout->fields[i] = (hawse_json_field_t){(uint32_t)(v->data - doc->text), v->len, v->kind};
    }
    layout->field_count = count;
    return true;
}

/* The byte behind the spaces that begin at `at`; 0 at the end. */
static uint8_t behind_space(const hawse_json_t *doc, uint32_t at)
{
    while (at < doc->len && (doc->text[at] == ' ' || doc->text[at] == '\n' ||
                             doc->text[at] == '\r' || doc->text[at] == '\t'))
        at++;
    return at < doc->len ? doc->text[at] : 0;
}

/* Follows the bytes outside strings. False: a number or literal runs into a quote, an opening
 * bracket or a colon, as no JSON does: the walk would take it for one scalar, but only as long as
 * the values around it happen to hold no comma. */
static bool outside(uint8_t c, bool *scalar)
{
    switch (c) {
    case ',':
    case '}':
    case ']':
    case ' ':
    case '\n':
    case '\r':
    case '\t':
        *scalar = false;
        return true;
    case '"':
    case '{':
    case '[':
    case ':':
        return !*scalar;
    default:
        *scalar = true;
        return true;
    }
}

/* A value may become any other, but for the "0x" of a number. False: it has control characters. */
static bool any_value(const uint8_t *text, hawse_json_layout_t *layout, uint32_t from, uint32_t to)
{
    for (uint32_t k = from; k < to; k++) {
        if (text[k] < 0x20)
            return false;
        layout->low[k] = 0x20;
        layout->high[k] = 0xff;
    }
    if (to - from >= 2 && memcmp(text + from, "0x", 2) == 0) {
        memcpy(layout->low + from, "0x", 2);
        memcpy(layout->high + from, "0x", 2);
    }
    return true;
}

/* Outside strings digits may be other digits; inside string values everything may change. */
static bool rows_of(const hawse_json_t *doc, hawse_json_layout_t *layout)
{
    uint32_t len = (uint32_t)doc->len, mark = 0;
    if (memchr(doc->text, '\\', len))
        return false;
    memcpy(layout->low, doc->text, len);
    memcpy(layout->high, doc->text, len);
    memset(layout->low + len, 0, row_bytes(len) - len);
    memset(layout->high + len, 0, row_bytes(len) - len);
    layout->quotes = 0;
    bool scalar = false;
    for (uint32_t i = 0; i < len; i++) {
        uint8_t c = doc->text[i];
        if (!outside(c, &scalar))
            return false;
        if (c >= '0' && c <= '9') {
            layout->low[i] = '0';
            layout->high[i] = '9';
        }
        while (mark < doc->count && doc->marks[mark] < i)
            mark++;
        if (c != '"' || mark + 1 >= doc->count)
            continue;
        uint32_t end = doc->marks[mark + 1]; /* a string: its other quote */
        bool key = behind_space(doc, end + 1) == ':';
        if (!key && !any_value(doc->text, layout, i + 1, end))
            return false;
        layout->quotes += 2;
        i = end;
    }
    return true;
}

/* Is all of the block inside one of the values that the caller proves? */
static bool proven_block(const hawse_json_layout_t *layout, uint32_t begin, uint32_t proven)
{
    for (uint32_t i = proven; i < layout->field_count; i++) {
        const hawse_json_field_t *f = &layout->fields[i];
        if (f->kind != HAWSE_JSON_STRING) /* its end may be the text's, which is always looked at */
            continue;
        uint32_t prefix = f->len >= 2 && layout->high[f->at] != 0xff ? 2 : 0; /* "0x" */
        if (begin >= f->at + prefix && begin + BLOCK <= f->at + f->len)
            return true;
    }
    return false;
}

static void choose_blocks(hawse_json_layout_t *layout, uint32_t len, uint32_t proven)
{
    layout->block_count = 0;
    for (uint32_t begin = 0; begin < len; begin += BLOCK) {
        if (!proven_block(layout, begin, proven))
            layout->blocks[layout->block_count++] = (uint8_t)(begin / BLOCK);
    }
}

int32_t hawse_json_shape_learn(hawse_json_shapes_t *shapes, const hawse_json_t *doc,
                               const hawse_json_value_t *values, uint32_t count, uint32_t pinned,
                               uint32_t proven, uint32_t tag)
{
    if (doc->len == 0 || doc->len > shapes->text_max || count > HAWSE_JSON_SHAPE_FIELDS)
        return 0;
    if (shapes->credit < CREDIT_LEARN) { /* the lengths vary: a try now and then is enough */
        shapes->credit++;
        return 0;
    }
    shapes->credit -= CREDIT_LEARN;
    hawse_json_layout_t *layout = set_of(shapes, doc->len), *victim = NULL;
    for (uint32_t way = 0; way < HAWSE_JSON_SHAPE_WAYS && !victim; way++) {
        if (layout[way].len == 0)
            victim = &layout[way];
    }
    if (!victim)
        victim = &layout[shapes->next++ % HAWSE_JSON_SHAPE_WAYS];
    victim->len = 0;
    if (!fields_of(doc, values, count, victim) || !rows_of(doc, victim))
        return 0;
    for (uint32_t i = 0; i < pinned && i < count; i++) {
        const hawse_json_field_t *f = &victim->fields[i];
        memcpy(victim->low + f->at, doc->text + f->at, f->len);
        memcpy(victim->high + f->at, doc->text + f->at, f->len);
    }
    choose_blocks(victim, (uint32_t)doc->len, proven);
    victim->tag = tag;
    victim->len = (uint32_t)doc->len;
    return 1;
}
