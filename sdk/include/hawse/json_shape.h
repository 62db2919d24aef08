/*
 * Remembering the layout of JSON texts, for streams whose messages have the same members in the
 * same places. A text is compared with the layouts of earlier ones: where everything outside string
 * values and digits is equal, and no value holds a quote, a backslash or a control character, the
 * structure is proven to be the same, and the places of all fields are known without looking for
 * them. What a walk (hawse/json.h) would find is found, byte for byte, at the cost of one pass.
 *
 * A layout is of one exact length. Streams whose lengths vary everywhere gain nothing and lose
 * little: learning is rationed by how often a layout was found.
 *
 * The memory is the caller's; nothing here allocates. At least HAWSE_PADDING readable bytes must
 * follow a text. Functions are [any], one set of shapes by one thread at a time.
 */
#ifndef HAWSE_JSON_SHAPE_H
#define HAWSE_JSON_SHAPE_H

#include <hawse/json.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HAWSE_JSON_SHAPE_FIELDS 16u   /* of one layout, at most */
#define HAWSE_JSON_SHAPE_TEXT   4064u /* bytes of a text, at most */
#define HAWSE_JSON_SHAPE_WAYS   4u    /* layouts of lengths that fall together */

/* Where a value stands: data = text + at, len and kind as in hawse_json_value_t. */
typedef struct hawse_json_field {
    uint32_t at;
    uint32_t len;
    uint32_t kind;
} hawse_json_field_t;

/* A known layout. The fields and the tag are what hawse_json_shape_learn was given. */
typedef struct hawse_json_layout {
    uint32_t len; /* of the text; 0 = unused */
    uint32_t tag;
    uint32_t quotes; /* in the text */
    uint32_t field_count;
    hawse_json_field_t fields[HAWSE_JSON_SHAPE_FIELDS];
    uint8_t *low; /* per byte of the text: the least and the greatest that it may be */
    uint8_t *high;
    uint32_t block_count; /* which 32 bytes of the text are looked at */
    uint8_t blocks[HAWSE_JSON_SHAPE_TEXT / 32 + 1];
} hawse_json_layout_t;

typedef struct hawse_json_shapes {
    hawse_json_layout_t *layouts;
    uint32_t sets; /* a power of two; each of HAWSE_JSON_SHAPE_WAYS layouts */
    uint32_t text_max;
    uint32_t next;   /* which way is given up next */
    uint32_t credit; /* what may be spent on learning */
} hawse_json_shapes_t;

/* Bytes of memory for `sets` (a power of two) of layouts of texts up to text_max bytes (at most
 * HAWSE_JSON_SHAPE_TEXT). 0 when out of range. */
uint64_t hawse_json_shapes_bytes(uint32_t sets, uint32_t text_max);

/* Begins with nothing known. `memory`: hawse_json_shapes_bytes, aligned to 8; stays the caller's
 * and must live as long as the shapes. HAWSE_E_INVAL when out of range. */
int32_t hawse_json_shapes_init(hawse_json_shapes_t *shapes, void *memory, uint32_t sets,
                               uint32_t text_max);

/* The layout of this text, or NULL when it has none that is known. Valid until the next learn. */
const hawse_json_layout_t *hawse_json_shape_find(hawse_json_shapes_t *shapes, const uint8_t *text,
                                                 uint64_t len);

/* Remembers the layout of an indexed text in which a walk has found `values` (strings, numbers and
 * literals of this text; at most HAWSE_JSON_SHAPE_FIELDS). The first `pinned` of them stay as they
 * are, as does the "0x" of every string that begins with it: a text in which one differs is of
 * another layout. Values from number `proven` on (count = none) are strings in which the caller,
 * whenever this layout is found and it acts on the text, makes sure that every byte (behind "0x")
 * is a hexadecimal digit: they need not be looked at here. Does nothing when the text has escapes
 * or is too long, or when learning did not pay lately. Returns 1 when it was learned, else 0. */
int32_t hawse_json_shape_learn(hawse_json_shapes_t *shapes, const hawse_json_t *doc,
                               const hawse_json_value_t *values, uint32_t count, uint32_t pinned,
                               uint32_t proven, uint32_t tag);

#ifdef __cplusplus
}
#endif
#endif
