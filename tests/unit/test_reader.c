/* A reader gives what a writer wrote, and nothing beyond it. */
#include "harness.h"

#include <hawse/reader.h>
#include <hawse/writer.h>

TEST(round, "what was written is read again, to the last byte")
{
    uint8_t bytes[16], text[3];
    uint64_t number = 0x0102030405060708u, back = 0;
    hawse_writer_t w = hawse_writer(bytes, sizeof(bytes));
    hawse_writer_put(&w, &number, sizeof(number));
    hawse_writer_text(&w, "abc");
    hawse_reader_t r = hawse_reader((hawse_view_t){bytes, w.len});
    hawse_reader_get(&r, &back, sizeof(back));
    CHECK_EQ_U64(back, number);
    CHECK_EQ(hawse_reader_end(&r), HAWSE_E_FORMAT); /* something is left */
    hawse_reader_get(&r, text, sizeof(text));
    CHECK_MEM(text, "abc", 3);
    CHECK(hawse_reader_good(&r));
    CHECK_EQ(hawse_reader_end(&r), HAWSE_OK);
}

TEST(beyond, "what is not there reads as zeros, and so does all behind it")
{
    uint8_t bytes[8] = {1, 2, 3, 4, 5, 6, 7, 8}, out[6];
    hawse_reader_t r = hawse_reader((hawse_view_t){bytes, sizeof(bytes)});
    hawse_reader_get(&r, out, 6);
    hawse_reader_get(&r, out, 3);
    CHECK_EQ(out[0], 0);
    CHECK_EQ(out[2], 0);
    CHECK(!hawse_reader_good(&r));
    out[0] = 9;
    hawse_reader_get(&r, out, 1); /* it would have fitted */
    CHECK_EQ(out[0], 0);
    CHECK_EQ(hawse_reader_end(&r), HAWSE_E_FORMAT);
}

TEST(must, "what must be and is not is remembered, whatever is read then")
{
    uint8_t bytes[4] = {1, 2, 3, 4}, out[4];
    hawse_reader_t r = hawse_reader((hawse_view_t){bytes, sizeof(bytes)});
    hawse_reader_must(&r, 1);
    CHECK(hawse_reader_good(&r));
    hawse_reader_must(&r, 0);
    hawse_reader_must(&r, 1);
    hawse_reader_get(&r, out, 4);
    CHECK_EQ(out[0], 0);
    CHECK_EQ(hawse_reader_end(&r), HAWSE_E_FORMAT);
}

TEST(nothing, "no bytes at all are read well, and nothing is in them")
{
    uint8_t out = 7;
    hawse_reader_t r = hawse_reader((hawse_view_t){NULL, 0});
    hawse_reader_get(&r, NULL, 0);
    CHECK_EQ(hawse_reader_end(&r), HAWSE_OK);
    hawse_reader_get(&r, &out, 1);
    CHECK_EQ(out, 0);
    CHECK_EQ(hawse_reader_end(&r), HAWSE_E_FORMAT);
}
