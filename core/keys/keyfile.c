/*
 * Reads and writes key files; see keyfile.h. Owns nothing.
 *
 * Must never write the key, the passphrase or what is derived from it anywhere but into locked
 * memory that is wiped before the function returns.
 */
#include "keys/keyfile.h"
#include "keys/key_private.h"

#include "base/secret.h"

#include <hawse/base64.h>
#include <hawse/hex.h>
#include <hawse/types.h>
#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char MAGIC[] = "hawse-key ", VERSION[] = "1";
static const char KDF[] = "argon2id", CIPHER[] = "xchacha20poly1305-ietf";

enum {
    SALT = crypto_pwhash_SALTBYTES,
    NONCE = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES,
    SEALED = KEY_SECRET + crypto_aead_xchacha20poly1305_ietf_ABYTES,
    SEALED_TEXT = HAWSE_BASE64_DIGITS(SEALED),
    SUM = 16,
    MEMORY_LEAST = 8,
    MEMORY_MOST = 1 << 20, /* KiB: a hostile file must not take all there is */
    PASSES_MOST = 16,
    HEADER_TEXT = 160, /* of the longest hexadecimal text and more */
};

/* Where the parts of a file lie in its text. */
struct layout {
    size_t header, sealed, sum; /* where the second line, the third and the fourth begin */
};

/* The numbers of the header that only opening needs. */
struct lock {
    uint8_t salt[SALT], nonce[NONCE], sealed[SEALED];
};

bool keyfile_cost_parse(const char *name, struct keyfile_cost *cost)
{
    static const struct {
        const char *name;
        struct keyfile_cost cost;
    } costs[] = {
        {"interactive", {64 << 10, 2}},
        {"moderate", {256 << 10, 3}},
        {"sensitive", {1 << 20, 4}},
    };
    for (size_t i = 0; i < sizeof(costs) / sizeof(costs[0]); i++) {
        if (strcmp(costs[i].name, name) == 0) {
            *cost = costs[i].cost;
            return true;
        }
    }
    return false;
}

/* ---- the passphrase ---- */

static int32_t derive(const char *passphrase, const uint8_t *salt, const struct keyfile_cost *cost,
                      uint8_t *out, struct fault *fault)
{
    int bad = crypto_pwhash(out, crypto_aead_xchacha20poly1305_ietf_KEYBYTES, passphrase,
                            strlen(passphrase), salt, cost->passes, (size_t)cost->memory_kib << 10,
                            crypto_pwhash_ALG_ARGON2ID13);
    secret_wipe_stack();
    return bad ? fault_set(fault, HAWSE_E_NOMEM, "no %u MiB of memory for the passphrase's key",
                           cost->memory_kib >> 10)
               : HAWSE_OK;
}

/* ---- the header ---- */

static void hex_text(const uint8_t *data, size_t len, char out[HEADER_TEXT])
{
    hawse_hex_encode(data, len, out);
    out[2 * len] = '\0';
}

static size_t public_size(enum key_kind kind)
{
    return kind == KEY_SECP256K1 ? 64 : 32;
}

static json_t *chains_json(const struct key_locks *locks)
{
    json_t *chains = json_array();
    for (size_t i = 0; i < locks->chain_count; i++)
        (void)json_array_append_new(chains, json_string(locks->chains[i].text));
    return chains;
}

/* One line without its end; malloc'd. */
static char *write_header(const struct keyfile *about, const struct lock *lock)
{
    const struct signer_key *k = &about->key;
    char address[KEY_ADDRESS], public[HEADER_TEXT], salt[HEADER_TEXT], nonce[HEADER_TEXT];
    key_describe(&k->public, address);
    hex_text(k->public.bytes, public_size(k->public.kind), public);
    hex_text(lock->salt, SALT, salt);
    hex_text(lock->nonce, NONCE, nonce);
    json_t *header = json_pack(
        "{s:s, s:s, s:s, s:s, s:s, s:b, s:o, s:{s:s, s:I, s:I, s:s}, s:{s:s, s:s}}", "name",
        k->name, "kind", key_kind_name(k->public.kind), "address", address, "public", public,
        "created", about->created, "testnet_only", k->locks.testnet_only, "chains",
        chains_json(&k->locks), "kdf", "name", KDF, "memory_kib",
        (json_int_t)about->cost.memory_kib, "passes", (json_int_t)about->cost.passes, "salt", salt,
        "cipher", "name", CIPHER, "nonce", nonce);
    char *text = header ? json_dumps(header, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
    json_decref(header);
    return text;
}

static int32_t bad_header(struct fault *fault, const char *name, const char *what)
{
    return fault_set(fault, HAWSE_E_FORMAT, "key \"%s\": the file's second line is wrong: %s", name,
                     what);
}

/* Exactly `len` bytes in lower case: there is one way to write a header. */
static bool read_hex(const char *text, uint8_t *out, size_t len)
{
    return strlen(text) == 2 * len && strspn(text, "0123456789abcdef") == 2 * len &&
           hawse_hex_decode((const uint8_t *)text, out, len) == HAWSE_OK;
}

static bool read_time(const char *text, char out[KEYFILE_CREATED])
{
    static const char shape[] = "dddd-dd-ddTdd:dd:ddZ";
    if (strlen(text) != sizeof(shape) - 1)
        return false;
    for (size_t i = 0; i < sizeof(shape) - 1; i++) {
        bool digit = text[i] >= '0' && text[i] <= '9';
        if (shape[i] == 'd' ? !digit : text[i] != shape[i])
            return false;
    }
    (void)snprintf(out, KEYFILE_CREATED, "%s", text);
    return true;
}

static bool read_chains(const json_t *chains, struct key_locks *locks)
{
    size_t i;
    json_t *one;
    if (!json_is_array(chains) || json_array_size(chains) > SIGNER_CHAINS)
        return false;
    json_array_foreach(chains, i, one)
    {
        const char *text = json_string_value(one);
        if (!text || chain_parse(text, "chains", &locks->chains[i], NULL) != HAWSE_OK ||
            strcmp(locks->chains[i].text, text) != 0)
            return false;
        locks->chain_count++;
    }
    return true;
}

/* The members that are texts, and what is made of them. */
struct texts {
    const char *name, *kind, *address, *public, *created, *kdf, *salt, *cipher, *nonce;
};

static int32_t read_texts(const struct texts *t, const char *name, struct keyfile *out,
                          struct lock *lock, struct fault *fault)
{
    struct signer_key *k = &out->key;
    char address[KEY_ADDRESS];
    if (strcmp(t->kdf, KDF) != 0 || strcmp(t->cipher, CIPHER) != 0)
        return fault_set(fault, HAWSE_E_UNSUPPORTED,
                         "key \"%s\": its file is of %.32s and %.32s, expected %s and %s", name,
                         t->kdf, t->cipher, KDF, CIPHER);
    if (!signer_name_legal(t->name))
        return bad_header(fault, name, "name");
    if (strcmp(t->name, name) != 0) {
        (void)fault_set(fault, HAWSE_E_FORMAT, "the file of key \"%s\" holds key \"%s\"", name,
                        t->name);
        fault_hint(fault, "call the file %s.key again", t->name);
        return HAWSE_E_FORMAT;
    }
    (void)snprintf(k->name, sizeof(k->name), "%s", t->name);
    if (!key_kind_parse(t->kind, &k->public.kind))
        return bad_header(fault, name, "kind");
    if (!read_hex(t->public, k->public.bytes, public_size(k->public.kind)))
        return bad_header(fault, name, "public");
    key_set_address(&k->public);
    key_describe(&k->public, address);
    if (strcmp(address, t->address) != 0)
        return bad_header(fault, name, "address is not that of the public key");
    if (!read_time(t->created, out->created))
        return bad_header(fault, name, "created");
    if (!read_hex(t->salt, lock->salt, SALT) || !read_hex(t->nonce, lock->nonce, NONCE))
        return bad_header(fault, name, "salt or nonce");
    return HAWSE_OK;
}

static int32_t read_cost(json_int_t memory, json_int_t passes, const char *name,
                         struct keyfile_cost *cost, struct fault *fault)
{
    if (memory < MEMORY_LEAST || memory > MEMORY_MOST || passes < 1 || passes > PASSES_MOST)
        return fault_set(fault, HAWSE_E_LIMIT,
                         "key \"%s\": its file asks for %lld KiB and %lld passes, expected %d to "
                         "%d and 1 to %d",
                         name, (long long)memory, (long long)passes, MEMORY_LEAST, MEMORY_MOST,
                         PASSES_MOST);
    cost->memory_kib = (uint32_t)memory;
    cost->passes = (uint32_t)passes;
    return HAWSE_OK;
}

static int32_t read_header(const char *text, size_t len, const char *name, struct keyfile *out,
                           struct lock *lock, struct fault *fault)
{
    struct texts t;
    json_t *chains;
    json_int_t memory, passes;
    json_error_t error;
    int testnet_only;
    json_t *header = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
    if (!header)
        return bad_header(fault, name, "no JSON");
    int32_t code = HAWSE_OK;
    if (json_unpack_ex(header, &error, JSON_STRICT,
                       "{s:s, s:s, s:s, s:s, s:s, s:b, s:o, s:{s:s, s:I, s:I, s:s !}, s:{s:s, s:s "
                       "!} !}",
                       "name", &t.name, "kind", &t.kind, "address", &t.address, "public", &t.public,
                       "created", &t.created, "testnet_only", &testnet_only, "chains", &chains,
                       "kdf", "name", &t.kdf, "memory_kib", &memory, "passes", &passes, "salt",
                       &t.salt, "cipher", "name", &t.cipher, "nonce", &t.nonce) != 0)
        code = bad_header(fault, name, error.text);
    else if (!read_chains(chains, &out->key.locks))
        code = bad_header(fault, name, "chains");
    else
        code = read_cost(memory, passes, name, &out->cost, fault);
    if (code == HAWSE_OK) {
        out->key.locks.testnet_only = testnet_only;
        code = read_texts(&t, name, out, lock, fault);
    }
    json_decref(header);
    return code;
}

/* ---- the file ---- */

static void sum_of(const char *text, size_t len, char out[HEADER_TEXT])
{
    uint8_t sum[SUM];
    (void)crypto_generichash(sum, sizeof(sum), (const uint8_t *)text, len, NULL, 0);
    hex_text(sum, sizeof(sum), out);
}

/* Four lines, each of which ends; nothing behind them. */
static bool find_lines(const char *text, size_t len, struct layout *at)
{
    size_t *const begins[] = {&at->header, &at->sealed, &at->sum};
    size_t line = 0;
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '\n' && line < 3)
            *begins[line++] = i + 1;
        else if (text[i] == '\n')
            return line == 3 && i + 1 == len && len - at->sum == 2 * SUM + 1;
    }
    return false;
}

static int32_t damaged(struct fault *fault, const char *name, const char *what)
{
    (void)fault_set(fault, HAWSE_E_FORMAT, "key \"%s\": its file is damaged: %s", name, what);
    fault_hint(fault, "take the file from a backup; hawse changed nothing");
    return HAWSE_E_FORMAT;
}

static int32_t read_file(const char *text, size_t len, const char *name, struct layout *at,
                         struct keyfile *out, struct lock *lock, struct fault *fault)
{
    char sum[HEADER_TEXT];
    uint64_t size = 0;
    memset(out, 0, sizeof(*out));
    if (len > KEYFILE_MAX || len < sizeof(MAGIC) || memcmp(text, MAGIC, sizeof(MAGIC) - 1) != 0)
        return fault_set(fault, HAWSE_E_FORMAT, "key \"%s\": its file is no key file", name);
    if (memchr(text, '\0', len) || !find_lines(text, len, at))
        return damaged(fault, name, "it is not four lines");
    sum_of(text, at->sum, sum);
    if (memcmp(sum, text + at->sum, 2 * SUM) != 0)
        return damaged(fault, name, "its sum is another");
    if (at->header != sizeof(MAGIC) - 1 + sizeof(VERSION) ||
        memcmp(text + sizeof(MAGIC) - 1, VERSION, sizeof(VERSION) - 1) != 0) {
        (void)fault_set(fault, HAWSE_E_UNSUPPORTED,
                        "key \"%s\": its file is of version %.*s, expected %s", name,
                        (int)(at->header - sizeof(MAGIC) < 16 ? at->header - sizeof(MAGIC) : 16),
                        text + sizeof(MAGIC) - 1, VERSION);
        fault_hint(fault, "use the hawse that wrote it, or a later one");
        return HAWSE_E_UNSUPPORTED;
    }
    const uint8_t *sealed = (const uint8_t *)text + at->sealed;
    if (at->sum - at->sealed != SEALED_TEXT + 1 ||
        hawse_base64_size(sealed, SEALED_TEXT, &size) != HAWSE_OK || size != SEALED ||
        hawse_base64_decode(sealed, SEALED_TEXT, lock->sealed) != HAWSE_OK)
        return damaged(fault, name, "its third line is no base64 of 48 bytes");
    return read_header(text + at->header, at->sealed - 1 - at->header, name, out, lock, fault);
}

int32_t keyfile_read(const char *text, size_t len, const char *name, struct keyfile *out,
                     struct fault *fault)
{
    struct layout at;
    struct lock lock;
    return read_file(text, len, name, &at, out, &lock, fault);
}

/* ---- closing and opening ---- */

/* The whole text, of a header that is written and a ciphertext. */
static char *write_file(const char *head, size_t head_len, const uint8_t sealed[SEALED])
{
    char *text = malloc(head_len + SEALED_TEXT + 1 + 2 * SUM + 2), sum[HEADER_TEXT];
    if (!text)
        return NULL;
    memcpy(text, head, head_len);
    hawse_base64_encode(sealed, SEALED, text + head_len);
    size_t len = head_len + SEALED_TEXT;
    text[len++] = '\n';
    sum_of(text, len, sum);
    memcpy(text + len, sum, 2 * SUM);
    memcpy(text + len + 2 * SUM, "\n", 2);
    return text;
}

int32_t keyfile_seal(struct key *key, const struct keyfile *about, const char *passphrase,
                     char **text, struct fault *fault)
{
    struct keyfile complete = *about;
    struct lock lock;
    char head[KEYFILE_MAX];
    *text = NULL;
    complete.key.public = *key_public(key);
    randombytes_buf(lock.salt, SALT);
    randombytes_buf(lock.nonce, NONCE);
    char *header = write_header(&complete, &lock);
    uint8_t *wrap = (uint8_t *)secret_new(crypto_aead_xchacha20poly1305_ietf_KEYBYTES);
    int32_t code =
        header && wrap ? HAWSE_OK : fault_set(fault, HAWSE_E_NOMEM, "no memory for a key file");
    if (code == HAWSE_OK)
        code = derive(passphrase, lock.salt, &about->cost, wrap, fault);
    if (code == HAWSE_OK) {
        size_t len = (size_t)snprintf(head, sizeof(head), "%s%s\n%s\n", MAGIC, VERSION, header);
        (void)crypto_aead_xchacha20poly1305_ietf_encrypt(lock.sealed, NULL, key_open(key),
                                                         KEY_SECRET, (const uint8_t *)head, len,
                                                         NULL, lock.nonce, wrap);
        key_close(key);
        *text = write_file(head, len, lock.sealed);
        code = *text ? HAWSE_OK : fault_set(fault, HAWSE_E_NOMEM, "no memory for a key file");
    }
    secret_free((char *)wrap);
    free(header);
    return code;
}

/* The decrypted key, which must be the one that the header tells of. */
static int32_t make_key(const uint8_t *secret, const struct keyfile *about, struct key **out,
                        struct fault *fault)
{
    int32_t code = key_from_secret(about->key.public.kind, secret, out, fault);
    if (code != HAWSE_OK || key_same(key_public(*out), &about->key.public))
        return code;
    key_free(*out);
    *out = NULL;
    return fault_set(fault, HAWSE_E_FORMAT, "key \"%s\": its file holds the key of another address",
                     about->key.name);
}

int32_t keyfile_open(const char *text, size_t len, const char *name, const char *passphrase,
                     struct keyfile *about, struct key **out, struct fault *fault)
{
    struct layout at;
    struct lock lock;
    *out = NULL;
    int32_t code = read_file(text, len, name, &at, about, &lock, fault);
    if (code != HAWSE_OK)
        return code;
    uint8_t *secret = (uint8_t *)secret_new(KEY_SECRET);
    uint8_t *wrap = (uint8_t *)secret_new(crypto_aead_xchacha20poly1305_ietf_KEYBYTES);
    code = secret && wrap ? derive(passphrase, lock.salt, &about->cost, wrap, fault)
                          : fault_set(fault, HAWSE_E_NOMEM, "no memory for a key");
    if (code == HAWSE_OK && crypto_aead_xchacha20poly1305_ietf_decrypt(
                                secret, NULL, NULL, lock.sealed, SEALED, (const uint8_t *)text,
                                at.sealed, lock.nonce, wrap) != 0) {
        code = fault_set(fault, HAWSE_E_DENIED,
                         "key \"%s\": the passphrase is wrong, or the file was changed on purpose",
                         name);
        fault_hint(fault, "look for a space or a newline too many; the passphrase cannot be reset");
    }
    secret_wipe_stack();
    if (code == HAWSE_OK)
        code = make_key(secret, about, out, fault);
    secret_free((char *)secret);
    secret_free((char *)wrap);
    return code;
}
