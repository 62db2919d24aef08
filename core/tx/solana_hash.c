/* Recent blockhashes; see solana_hash.h. */
#include "tx/solana_hash.h"

#include <string.h>

enum { MS = 1000000 };

bool solana_hashes_due(const struct solana_hashes *h, uint64_t now_ns)
{
    if (h->asking)
        return now_ns - h->question_ns >= (uint64_t)SOLANA_HASH_LOST_MS * MS;
    return now_ns >= h->next_ns;
}

void solana_hashes_asked(struct solana_hashes *h, uint64_t now_ns)
{
    h->asking = true;
    h->question_ns = now_ns;
    h->next_ns = now_ns + (uint64_t)SOLANA_HASH_NEXT_MS * MS;
}

static void saw(struct solana_hashes *h, uint64_t slot, uint64_t height, uint64_t asked_ns)
{
    if (slot > h->min_slot)
        h->min_slot = slot;
    if (height > h->height) {
        h->height = height;
        h->height_ns = asked_ns;
    }
}

void solana_hashes_height(struct solana_hashes *h, uint64_t slot, uint64_t height,
                          uint64_t asked_ns)
{
    saw(h, slot, height, asked_ns);
}

int32_t solana_hashes_told(struct solana_hashes *h, uint64_t slot, const uint8_t hash[32],
                           uint64_t last_height)
{
    h->asking = false;
    /* Heights leave slots out, so they are never above them. */
    if (last_height < HAWSE_SOLANA_BLOCKHASH_BLOCKS ||
        last_height - HAWSE_SOLANA_BLOCKHASH_BLOCKS > slot)
        return HAWSE_E_RANGE;
    if (slot < h->min_slot || (h->known && last_height < h->last_height))
        return HAWSE_E_STALE;
    if (h->known && memcmp(h->hash, hash, sizeof(h->hash)) == 0)
        return HAWSE_OK; /* it is as old as it was */
    memcpy(h->hash, hash, sizeof(h->hash));
    h->known = true;
    h->last_height = last_height;
    h->slot = slot;
    h->asked_ns = h->question_ns;
    saw(h, slot, last_height - HAWSE_SOLANA_BLOCKHASH_BLOCKS, h->question_ns);
    return HAWSE_OK;
}

void solana_hashes_failed(struct solana_hashes *h, uint64_t now_ns)
{
    h->asking = false;
    h->next_ns = now_ns + (uint64_t)SOLANA_HASH_RETRY_MS * MS;
}

uint64_t solana_hashes_left(const struct solana_hashes *h, uint64_t last_height, uint64_t now_ns)
{
    if (!h->known)
        return 0;
    uint64_t slot_ns = (uint64_t)(h->slot_ms ? h->slot_ms : 400) * MS;
    uint64_t elapsed = now_ns > h->height_ns ? now_ns - h->height_ns : 0;
    uint64_t height = h->height + elapsed / slot_ns;
    return height >= last_height ? 0 : last_height - height;
}

bool solana_hashes_good(const struct solana_hashes *h, const hawse_solana_life_t *life,
                        uint64_t asked_ns, uint64_t now_ns)
{
    return now_ns - asked_ns <= (uint64_t)SOLANA_HASH_AGE_MS * MS &&
           solana_hashes_left(h, life->last_block_height, now_ns) >= SOLANA_HASH_BLOCKS;
}

int32_t solana_hashes_get(const struct solana_hashes *h, uint64_t now_ns, hawse_solana_life_t *life)
{
    hawse_solana_life_t found = {.size = sizeof(found), .kind = HAWSE_SOLANA_LIFE_BLOCKHASH};
    memcpy(found.hash, h->hash, sizeof(found.hash));
    found.last_block_height = h->last_height;
    if (!h->known || !solana_hashes_good(h, &found, h->asked_ns, now_ns))
        return HAWSE_E_AGAIN;
    *life = found;
    return HAWSE_OK;
}
