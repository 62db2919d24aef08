/*
 * What a node says of a transaction, on any bytes: errors and simulations. What is read lies inside
 * the text, and can be said in words in any room.
 */
#include <hawse/hawse.h>
#include <hawse/solana/outcome.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MARKS = 4096 };

static void inside(hawse_view_t view, const uint8_t *text, size_t size)
{
    if (view.len > 0 && (view.data < text || view.data + view.len > text + size))
        abort();
}

static void check_error(const hawse_solana_error_t *e, const uint8_t *text, size_t size)
{
    char words[64];
    inside(e->name, text, size);
    if (e->instruction != HAWSE_SOLANA_IX_NONE &&
        e->transaction != HAWSE_SOLANA_TX_InstructionError)
        abort();
    for (uint64_t cap = 1; cap <= sizeof(words); cap *= 2) {
        if (hawse_solana_error_text(e, words, cap) >= cap)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint32_t marks[MARKS];
    hawse_json_t doc;
    hawse_json_value_t root, again;
    hawse_solana_error_t error;
    hawse_solana_simulation_t simulation;
    uint8_t *text = calloc(1, size + HAWSE_PADDING);
    if (!text)
        return 0;
    memcpy(text, data, size);
    if (hawse_json_index(&doc, text, size, marks, MARKS) == HAWSE_OK &&
        hawse_json_root(&doc, &root) == HAWSE_OK) {
        again = root;
        if (hawse_solana_error_read(&doc, &root, &error) == HAWSE_OK)
            check_error(&error, text, size);
        if (hawse_solana_simulation_read(&doc, &again, &simulation) == HAWSE_OK) {
            check_error(&simulation.error, text, size);
            inside(simulation.return_data, text, size);
            inside(simulation.blockhash, text, size);
        }
    }
    free(text);
    return 0;
}
