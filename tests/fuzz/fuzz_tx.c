/*
 * A transaction, signed or to be signed, and any RLP: what is accepted is encoded to the same bytes
 * again, and a fault lies inside the data.
 */
#include <hawse/tx.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int truth)
{
    if (!truth)
        abort();
}

static void check_tx(const uint8_t *data, size_t size, hawse_tx_signature_t *signature)
{
    hawse_tx_t tx;
    hawse_tx_place_t place = {0, NULL};
    uint64_t intrinsic, least;
    uint32_t fault;
    if (hawse_tx_decode(data, size, &tx, signature, &place) != HAWSE_OK) {
        require(place.at <= size && place.field);
        return;
    }
    uint8_t *again = malloc(size);
    hawse_writer_t w = hawse_writer(again, size);
    require(hawse_tx_encode(&tx, signature, &w, NULL, NULL) == HAWSE_OK);
    require(w.len == size && memcmp(again, data, size) == 0);
    hawse_tx_intrinsic_gas(&tx, &intrinsic, &least);
    require(intrinsic >= 21000 && least >= 21000);
    require(hawse_tx_check(&tx, &fault) == HAWSE_OK || fault != HAWSE_TX_FAULT_NONE);
    free(again);
}

/* Writes the items that a reader gives. */
static void copy_items(hawse_writer_t *w, hawse_rlp_t *r)
{
    hawse_rlp_item_t item;
    int32_t more;
    while ((more = hawse_rlp_next(r, &item)) == 1) {
        if (!item.list) {
            hawse_rlp_bytes(w, item.data, item.len);
            continue;
        }
        hawse_rlp_t inside = hawse_rlp_inside(r, &item);
        uint64_t list = hawse_rlp_list_begin(w);
        copy_items(w, &inside);
        hawse_rlp_list_end(w, list);
    }
    require(more == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    hawse_tx_signature_t signature;
    uint64_t where = UINT64_MAX;
    uint8_t *exact = malloc(size + 1); /* reads behind it are seen by the sanitizer */
    if (size > 0)
        memcpy(exact, data, size);
    exact = realloc(exact, size ? size : 1);
    check_tx(exact, size, &signature);
    check_tx(exact, size, NULL);
    if (hawse_rlp_validate(exact, size, &where) == HAWSE_OK) {
        uint8_t *again = malloc(size);
        hawse_writer_t w = hawse_writer(again, size);
        hawse_rlp_t r = hawse_rlp(exact, size);
        copy_items(&w, &r);
        require(w.len == size && memcmp(again, exact, size) == 0);
        free(again);
    }
    require(where <= size);
    free(exact);
    return 0;
}
