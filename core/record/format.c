/* Checksums of a capture file; see format.h. */
#include "record/format.h"

#include <openssl/evp.h>
#include <string.h>
#include <zlib.h>

static uint32_t crc(const void *bytes, size_t len)
{
    return (uint32_t)crc32(0, bytes, (uInt)len);
}

void format_file_seal(struct format_file *header)
{
    header->crc = crc(header, offsetof(struct format_file, crc));
}

bool format_file_good(const struct format_file *header)
{
    return memcmp(header->magic, FORMAT_MAGIC, sizeof(header->magic)) == 0 &&
           header->size == sizeof(*header) && header->lanes <= FORMAT_LANES &&
           header->crc == crc(header, offsetof(struct format_file, crc));
}

bool format_first_hash(const struct format_file *header, uint8_t hash[FORMAT_HASH])
{
    return EVP_Digest(header, sizeof(*header), hash, NULL, EVP_sha256(), NULL) == 1;
}

bool format_chunk_hash(const struct format_chunk *chunk, const uint8_t before[FORMAT_HASH],
                       const uint8_t *stored, uint8_t hash[FORMAT_HASH])
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool good = ctx && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1 &&
                EVP_DigestUpdate(ctx, before, FORMAT_HASH) == 1 &&
                EVP_DigestUpdate(ctx, chunk, offsetof(struct format_chunk, hash)) == 1 &&
                EVP_DigestUpdate(ctx, stored, chunk->stored_len) == 1 &&
                EVP_DigestFinal_ex(ctx, hash, NULL) == 1;
    EVP_MD_CTX_free(ctx);
    return good;
}

void format_chunk_seal(struct format_chunk *chunk)
{
    chunk->crc = crc(chunk, offsetof(struct format_chunk, crc));
}

bool format_chunk_good(const struct format_chunk *chunk)
{
    return chunk->magic == FORMAT_CHUNK_MAGIC && chunk->raw_len <= FORMAT_RAW_MAX &&
           chunk->crc == crc(chunk, offsetof(struct format_chunk, crc));
}
