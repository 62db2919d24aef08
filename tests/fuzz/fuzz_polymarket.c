/*
 * Frames of Polymarket's market channel, any bytes: what is read goes into a book, which stays in
 * order, within its limits and not torn, and whose check value can always be built.
 */
#include "../../plugins/venues/polymarket/book.h"
#include "../../plugins/venues/polymarket/wire.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct book *book, const struct wire_message *m)
{
    for (int s = 0; s < 2; s++) {
        const struct book_side *b = &book->side[s];
        for (uint32_t i = 0; i < b->count; i++) {
            bool ordered = i == 0 || (b->ascending ? b->price[i] > b->price[i - 1]
                                                   : b->price[i] < b->price[i - 1]);
            if (!ordered || b->price[i] == 0 || b->price[i] >= BOOK_ONE || b->level[i].size == 0 ||
                b->level[i].price_len + b->level[i].size_len > LEVEL_TEXT)
                abort();
        }
    }
    struct book_texts t = {m->text[WIRE_MARKET],
                           m->text[WIRE_ASSET],
                           m->text[WIRE_TIMESTAMP],
                           m->text[WIRE_MIN_SIZE],
                           m->text[WIRE_TICK],
                           m->text[WIRE_LAST_PRICE],
                           m->neg_risk};
    uint8_t digest[20], *scratch = malloc(book_text_size(book, &t)); /* sanitized: exact */
    book_hash(book, &t, scratch, digest);
    free(scratch);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint32_t *marks = malloc((size + 2) * sizeof(marks[0]));
    uint8_t *text = malloc(size + HAWSE_PADDING), hash[20];
    struct wire_frame frame;
    struct wire_message m;
    struct wire_change c;
    struct book book, stage;
    memcpy(text, data, size);
    memset(text + size, '"', HAWSE_PADDING);
    book_init(&book);
    book_init(&stage);
    if (wire_begin(&frame, text, size, marks, (uint32_t)size + 2) == HAWSE_OK) {
        while (wire_next(&frame, &stage, &m) == 1) {
            (void)wire_millis(m.text[WIRE_TIMESTAMP]);
            (void)wire_hash(m.text[WIRE_HASH], hash);
            if (m.has_side[SIDE_BID] && m.has_side[SIDE_ASK])
                book_take(&book, &stage);
            while (wire_next_change(&frame, &m, &c) == 1)
                (void)book_set(&book, c.side, &c.level);
            check(&book, &m);
        }
    }
    book_finish(&book);
    book_finish(&stage);
    free(marks);
    free(text);
    return 0;
}
