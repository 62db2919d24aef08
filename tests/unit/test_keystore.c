/*
 * Key files, the folder they are in, and what is imported: round trips, every byte changed, wrong
 * passphrases, loose permissions, disks that fill up and processes that are killed.
 */
#include "harness.h"

#include "base/secret.h"
#include "keys/import.h"
#include "keys/keystore.h"
#include "keys/passphrase.h"

#include <errno.h>
#include <fcntl.h>
#include <hawse/hex.h>
#include <hawse/keccak.h>
#include <hawse/types.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char PASSPHRASE[] = "correct horse battery staple", OTHER[] = "another one, as long";
static const struct keyfile_cost CHEAP = {8, 1};

static struct key *a_key(enum key_kind kind, uint8_t first)
{
    struct fault fault = {0};
    uint8_t secret[KEY_SECRET] = {first, 1, 2, 3};
    struct key *key = NULL;
    if (key_from_secret(kind, secret, &key, &fault) != HAWSE_OK)
        FAIL("%s", fault.message);
    return key;
}

static struct keyfile about(const char *name)
{
    struct keyfile out = {.created = "2026-01-31T12:00:00Z", .cost = CHEAP};
    (void)snprintf(out.key.name, sizeof(out.key.name), "%s", name);
    return out;
}

static const char *store_path(void)
{
    static char path[512];
    (void)snprintf(path, sizeof(path), "%s/keys", test_tmp_dir());
    return path;
}

static struct keystore *a_store(void)
{
    struct fault fault = {0};
    struct keystore *store = NULL;
    if (keystore_open(store_path(), true, &store, &fault) != HAWSE_OK)
        FAIL("%s", fault.message);
    return store;
}

static const char *file_of(const char *name)
{
    static char path[640];
    (void)snprintf(path, sizeof(path), "%s/%s.key", store_path(), name);
    return path;
}

static void add(struct keystore *store, const char *name, uint8_t first)
{
    struct fault fault = {0};
    struct keyfile file = about(name);
    struct key *key = a_key(KEY_SECP256K1, first);
    if (keystore_add(store, key, &file, PASSPHRASE, &fault) != HAWSE_OK)
        FAIL("%s", fault.message);
    key_free(key);
}

/* Does the key open with this passphrase, and is it the one that begins so? */
static bool opens(const struct keystore *store, const char *name, const char *passphrase,
                  uint8_t first)
{
    struct fault fault = {0};
    struct keyfile file;
    struct key *key = NULL, *want = a_key(KEY_SECP256K1, first);
    int32_t code = keystore_unlock(store, name, passphrase, &key, &file, &fault);
    bool good = code == HAWSE_OK && key_same(key_public(key), key_public(want));
    CHECK((code == HAWSE_OK) == (key != NULL) && (code == HAWSE_OK || fault.message[0]));
    key_free(key);
    key_free(want);
    return good;
}

/* ---- the format ---- */

TEST(keyfile_roundtrip, "what is sealed opens, with all that was said of it, for both kinds")
{
    struct fault fault = {0};
    for (enum key_kind kind = KEY_SECP256K1; kind <= KEY_ED25519; kind++) {
        struct key *key = a_key(kind, 7), *again = NULL;
        struct keyfile in = about("bot-1_A"), out;
        char *text = NULL;
        in.key.locks.testnet_only = true;
        in.key.locks.chains[0] = chain_evm(137);
        CHECK_EQ(chain_parse("solana:devnet", "t", &in.key.locks.chains[1], &fault), HAWSE_OK);
        in.key.locks.chain_count = 2;
        CHECK_EQ(keyfile_seal(key, &in, PASSPHRASE, &text, &fault), HAWSE_OK);
        CHECK_EQ(keyfile_read(text, strlen(text), "bot-1_A", &out, &fault), HAWSE_OK);
        CHECK(key_same(&out.key.public, key_public(key)));
        CHECK_STR(out.key.name, "bot-1_A");
        CHECK_STR(out.created, in.created);
        CHECK(out.key.locks.testnet_only && out.key.locks.chain_count == 2);
        CHECK(chain_equal(&out.key.locks.chains[1], &in.key.locks.chains[1]));
        CHECK(out.cost.memory_kib == CHEAP.memory_kib && out.cost.passes == CHEAP.passes);
        CHECK_EQ(keyfile_open(text, strlen(text), "bot-1_A", PASSPHRASE, &out, &again, &fault), 0);
        CHECK(key_same(key_public(again), key_public(key)));
        key_free(again);
        CHECK_EQ(keyfile_open(text, strlen(text), "bot-1_A", OTHER, &out, &again, &fault),
                 HAWSE_E_DENIED);
        CHECK(again == NULL && fault.hint[0]);
        fault_clear(&fault);
        free(text);
        key_free(key);
    }
}

TEST(keyfile_salted,
     "two files of one key and passphrase have nothing in common but what is public")
{
    struct fault fault = {0};
    struct key *key = a_key(KEY_SECP256K1, 7);
    struct keyfile in = about("bot");
    char *a = NULL, *b = NULL;
    CHECK_EQ(keyfile_seal(key, &in, PASSPHRASE, &a, &fault), HAWSE_OK);
    CHECK_EQ(keyfile_seal(key, &in, PASSPHRASE, &b, &fault), HAWSE_OK);
    const char *x = strrchr(strstr(a, "}\n"), '}'), *y = strrchr(strstr(b, "}\n"), '}');
    CHECK(memcmp(x + 2, y + 2, 16) != 0);
    CHECK(memcmp(strstr(a, "salt"), strstr(b, "salt"), 39) != 0);
    CHECK(memcmp(strstr(a, "nonce"), strstr(b, "nonce"), 56) != 0);
    free(a);
    free(b);
    key_free(key);
}

/* Puts a good sum behind a text that somebody changed. */
static void sum_again(char *text)
{
    char path[512], command[1200], sum[40] = "";
    (void)snprintf(path, sizeof(path), "%s/changed", test_tmp_dir());
    char *last = text + strlen(text) - 33;
    FILE *f = fopen(path, "w");
    CHECK(f && fwrite(text, 1, (size_t)(last - text), f) == (size_t)(last - text));
    CHECK(fclose(f) == 0);
    (void)snprintf(command, sizeof(command), "b2sum -l 128 '%s'", path);
    f = popen(command, "r");
    CHECK(f && fread(sum, 1, 32, f) == 32 && pclose(f) >= 0);
    memcpy(last, sum, 32);
}

TEST(keyfile_authentic, "whoever changes a lock and mends the sum gets a file that does not open")
{
    static const struct {
        const char *from, *to;
    } changes[] = {
        {"\"testnet_only\":true", "\"testnet_only\":null"}, /* another type */
        {"\"testnet_only\":true,", "\"testnet_only\":false"},
        {"eip155:137", "eip155:100"},
        {"2026-01-31", "2025-01-31"},
        {"\"passes\":1", "\"passes\":2"},
    };
    struct fault fault = {0};
    struct key *key = a_key(KEY_SECP256K1, 7), *again = NULL;
    struct keyfile in = about("bot"), out;
    char *text = NULL;
    in.key.locks.testnet_only = true;
    in.key.locks.chains[0] = chain_evm(137);
    in.key.locks.chain_count = 1;
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        CHECK_EQ(keyfile_seal(key, &in, PASSPHRASE, &text, &fault), HAWSE_OK);
        size_t len = strlen(text);
        char *at = strstr(text, changes[i].from);
        if (!at && i == 1) /* it is the last member: take the digit's room */
            at = strstr(text, "\"testnet_only\":true");
        CHECK(at != NULL);
        if (i == 1) { /* one byte longer: the text moves */
            char *longer = calloc(1, len + 2);
            CHECK(longer != NULL);
            (void)snprintf(longer, len + 2, "%.*s\"testnet_only\":false%s", (int)(at - text), text,
                           at + strlen("\"testnet_only\":true"));
            free(text);
            text = longer;
        } else {
            memcpy(at, changes[i].to, strlen(changes[i].to));
        }
        fault_clear(&fault);
        CHECK_EQ(keyfile_open(text, strlen(text), "bot", PASSPHRASE, &out, &again, &fault),
                 HAWSE_E_FORMAT);
        CHECK(strstr(fault.message, "damaged: its sum is another"));
        sum_again(text);
        fault_clear(&fault);
        int32_t code = keyfile_open(text, strlen(text), "bot", PASSPHRASE, &out, &again, &fault);
        CHECK_EQ(code, i == 0 ? HAWSE_E_FORMAT : HAWSE_E_DENIED);
        fault_clear(&fault);
        free(text);
    }
    key_free(key);
}

TEST_LIMIT(keyfile_every_byte, 20,
           "a file with any one bit changed, or cut anywhere, does not open")
{
    struct fault fault = {0};
    struct key *key = a_key(KEY_SECP256K1, 7), *again = NULL;
    struct keyfile in = about("bot"), out;
    char *text = NULL;
    CHECK_EQ(keyfile_seal(key, &in, PASSPHRASE, &text, &fault), HAWSE_OK);
    size_t len = strlen(text);
    for (size_t i = 0; i < len; i++) {
        fault_clear(&fault);
        text[i] ^= (char)(1 << (i % 7));
        CHECK(keyfile_open(text, len, "bot", PASSPHRASE, &out, &again, &fault) != HAWSE_OK);
        CHECK(again == NULL && fault.message[0]);
        text[i] ^= (char)(1 << (i % 7));
        CHECK(keyfile_open(text, i, "bot", PASSPHRASE, &out, &again, &fault) != HAWSE_OK);
    }
    CHECK_EQ(keyfile_open(text, len, "bot", PASSPHRASE, &out, &again, &fault), HAWSE_OK);
    key_free(again);
    fault_clear(&fault);
    CHECK_EQ(keyfile_open(text, len, "treasury", PASSPHRASE, &out, &again, &fault), HAWSE_E_FORMAT);
    CHECK_STR(fault.message, "the file of key \"treasury\" holds key \"bot\"");
    free(text);
    key_free(key);
}

/* For jansson, which writes beyond its buffer where memory runs out; only the next call fails. */
static void *stubborn_malloc(size_t size)
{
    void *block = malloc(size);
    return block ? block : malloc(size);
}

TEST(keyfile_memory, "memory that runs out anywhere is told, and nothing is left behind")
{
    struct fault fault = {0};
    struct keyfile in = about("bot"), out;
    if (!test_alloc_hooks())
        test_skip("allocations are not counted in this build");
    json_set_alloc_funcs(stubborn_malloc, free);
    for (uint64_t n = 1; n < 60; n++) {
        int64_t before = test_alloc_live();
        struct key *key = NULL, *again = NULL;
        char *text = NULL;
        test_alloc_fail_after(n);
        uint8_t secret[KEY_SECRET] = {9};
        int32_t code = key_from_secret(KEY_SECP256K1, secret, &key, &fault);
        if (code == HAWSE_OK)
            code = keyfile_seal(key, &in, PASSPHRASE, &text, &fault);
        if (code == HAWSE_OK)
            code = keyfile_open(text, strlen(text), "bot", PASSPHRASE, &out, &again, &fault);
        test_alloc_fail_after(0);
        CHECK((code == HAWSE_OK) == (again != NULL));
        key_free(key);
        key_free(again);
        free(text);
        CHECK_EQ(test_alloc_live(), before);
        fault_clear(&fault);
    }
}

/* ---- the folder ---- */

TEST(keystore_files, "a new key is a file of mode 0600 in a folder of mode 0700, found by name")
{
    struct fault fault = {0};
    struct keyfile file;
    struct stat st;
    struct keystore *store = a_store();
    folder_name *names = NULL;
    size_t count = 0;
    (void)umask(0);
    add(store, "b", 1);
    add(store, "a", 2);
    CHECK(stat(store_path(), &st) == 0 && (st.st_mode & 07777) == 0700);
    CHECK(stat(file_of("a"), &st) == 0 && (st.st_mode & 07777) == 0600);
    CHECK_EQ(keystore_names(store, &names, &count, &fault), HAWSE_OK);
    CHECK_EQ(count, 2);
    CHECK_STR(names[0], "a");
    CHECK_STR(names[1], "b");
    free(names);
    CHECK_EQ(keystore_look(store, "a", &file, &fault), HAWSE_OK);
    CHECK(opens(store, "a", PASSPHRASE, 2) && opens(store, "b", PASSPHRASE, 1));
    CHECK(!opens(store, "a", OTHER, 2));
    CHECK_EQ(keystore_look(store, "c", &file, &fault), HAWSE_E_NOTFOUND);
    fault_clear(&fault);
    CHECK_EQ(keystore_look(store, "../a", &file, &fault), HAWSE_E_INVAL);
    keystore_close(store);
    keystore_close(NULL);
}

TEST(keystore_taken, "a name that is taken, and a key that is there, are refused and left alone")
{
    struct fault fault = {0};
    struct keystore *store = a_store();
    struct keyfile file = about("a");
    struct key *same = a_key(KEY_SECP256K1, 1), *other = a_key(KEY_SECP256K1, 2);
    add(store, "a", 1);
    CHECK_EQ(keystore_add(store, other, &file, OTHER, &fault), HAWSE_E_EXISTS);
    fault_clear(&fault);
    file = about("b");
    CHECK_EQ(keystore_add(store, same, &file, OTHER, &fault), HAWSE_E_EXISTS);
    CHECK_STR(fault.message, "this key is here already, as \"a\"");
    fault_clear(&fault);
    CHECK_EQ(keystore_add(store, other, &file, "too short", &fault), HAWSE_E_INVAL);
    fault_clear(&fault);
    file = about("a");
    CHECK_EQ(keystore_rotate(store, other, &file, OTHER, &fault), HAWSE_E_STATE);
    CHECK(opens(store, "a", PASSPHRASE, 1));
    key_free(same);
    key_free(other);
    keystore_close(store);
}

TEST(keystore_rotated, "after rotation the new passphrase opens and the old one does not")
{
    struct fault fault = {0};
    struct keystore *store = a_store();
    struct keyfile file;
    struct key *key = NULL;
    add(store, "a", 1);
    CHECK_EQ(keystore_unlock(store, "a", PASSPHRASE, &key, &file, &fault), HAWSE_OK);
    CHECK_EQ(keystore_rotate(store, key, &file, OTHER, &fault), HAWSE_OK);
    key_free(key);
    CHECK(opens(store, "a", OTHER, 1) && !opens(store, "a", PASSPHRASE, 1));
    keystore_close(store);
}

static void refused(const char *path, const char *words)
{
    struct fault fault = {0};
    struct keystore *store = NULL;
    struct keyfile file;
    int32_t code = keystore_open(path, false, &store, &fault);
    if (code == HAWSE_OK)
        code = keystore_look(store, "a", &file, &fault);
    keystore_close(store);
    CHECK_EQ(code, HAWSE_E_DENIED);
    if (!strstr(fault.message, words) || !fault.hint[0])
        FAIL("found \"%s\" (%s), expected %s and a fix", fault.message, fault.hint, words);
}

TEST(keystore_loose,
     "what others can read, links, and what belongs to others are refused with the fix")
{
    char link[600], target[660];
    struct keystore *store = a_store();
    add(store, "a", 1);
    keystore_close(store);
    for (mode_t mode = 1; mode < 0100; mode <<= 1) {
        CHECK_EQ(chmod(file_of("a"), 0600 | mode), 0);
        refused(store_path(), "the file");
        CHECK_EQ(chmod(file_of("a"), 0600), 0);
        CHECK_EQ(chmod(store_path(), 0700 | mode), 0);
        refused(store_path(), "the folder");
        CHECK_EQ(chmod(store_path(), 0700), 0);
    }
    (void)snprintf(link, sizeof(link), "%s/link", test_tmp_dir());
    CHECK_EQ(symlink(store_path(), link), 0);
    refused(link, "symbolic link");
    (void)snprintf(target, sizeof(target), "%s/elsewhere", store_path());
    CHECK_EQ(rename(file_of("a"), target), 0);
    CHECK_EQ(symlink(target, file_of("a")), 0);
    refused(store_path(), "symbolic link");
    CHECK_EQ(unlink(file_of("a")), 0);
    CHECK_EQ(rename(target, file_of("a")), 0);
    if (geteuid() != 0)
        return;
    CHECK_EQ(chown(file_of("a"), 12345, 0), 0);
    refused(store_path(), "belongs to user 12345");
    CHECK_EQ(chown(file_of("a"), 0, 0), 0);
    CHECK_EQ(chown(store_path(), 12345, 0), 0);
    refused(store_path(), "belongs to user 12345");
}

TEST(keystore_full,
     "a disk that is full loses no key: the old file stays, and a new one has no name")
{
    struct fault fault = {0};
    struct keystore *store = a_store();
    struct keyfile file;
    struct key *key = NULL;
    struct rlimit limit = {100, 100}; /* of a file's bytes: writing fails as on a full disk */
    add(store, "a", 1);
    CHECK_EQ(keystore_unlock(store, "a", PASSPHRASE, &key, &file, &fault), HAWSE_OK);
    (void)signal(SIGXFSZ, SIG_IGN);
    CHECK_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
    CHECK_EQ(keystore_rotate(store, key, &file, OTHER, &fault), HAWSE_E_IO);
    CHECK(strstr(fault.message, "cannot write"));
    fault_clear(&fault);
    CHECK(opens(store, "a", PASSPHRASE, 1));
    struct key *second = a_key(KEY_SECP256K1, 2);
    struct keyfile b = about("b");
    CHECK_EQ(keystore_add(store, second, &b, PASSPHRASE, &fault), HAWSE_E_IO);
    fault_clear(&fault);
    CHECK_EQ(keystore_look(store, "b", &file, &fault), HAWSE_E_NOTFOUND);
    key_free(key);
    key_free(second);
    keystore_close(store);
}

/* Rotates from one passphrase to the other and back for ever; a byte for each time. */
static void rotate_for_ever(int told)
{
    struct keystore *store = a_store();
    for (int turn = 0;; turn++) {
        struct keyfile file;
        struct key *key = NULL;
        const char *old = turn % 2 ? OTHER : PASSPHRASE, *new = turn % 2 ? PASSPHRASE : OTHER;
        int32_t code = keystore_unlock(store, "a", old, &key, &file, NULL);
        if (code == HAWSE_E_DENIED) { /* the one before ended behind its rename */
            continue;
        }
        if (code != HAWSE_OK || keystore_rotate(store, key, &file, new, NULL) != HAWSE_OK)
            _exit(1);
        key_free(key);
        if (write(told, "r", 1) != 1)
            _exit(1);
    }
}

TEST_LIMIT(keystore_killed, 20,
           "100 rotations that are killed at any moment leave a key that opens")
{
    struct keystore *store = a_store();
    unsigned turned = 0;
    add(store, "a", 1);
    for (int i = 0; i < 100; i++) {
        int status = 0;
        int told[2];
        char byte;
        CHECK_EQ(pipe(told), 0);
        pid_t child = fork();
        if (child == 0)
            rotate_for_ever(told[1]);
        (void)close(told[1]); /* it runs, however busy the machine is; then at any moment */
        CHECK_EQ(read(told[0], &byte, 1), 1);
        struct timespec pause = {.tv_nsec = (long)(test_random() % 5000000)};
        (void)nanosleep(&pause, NULL);
        CHECK_EQ(kill(child, SIGKILL), 0);
        CHECK_EQ(waitpid(child, &status, 0), child);
        (void)close(told[0]);
        CHECK(WIFSIGNALED(status)); /* it had not failed by itself */
        bool old = opens(store, "a", PASSPHRASE, 1), new = opens(store, "a", OTHER, 1);
        CHECK(old != new);
        turned += new;
    }
    CHECK(turned > 0 && turned < 100);
    keystore_close(store);
}

/* ---- imports ---- */

TEST_LIMIT(import_v3, 20,
           "V3 keystores of scrypt and PBKDF2 open to the keys that ethers finds in them")
{
    char path[512];
    json_error_t error;
    (void)snprintf(path, sizeof(path), "%s/vectors/v3-keystores.json", test_source_dir());
    json_t *root = json_load_file(path, 0, &error), *row;
    size_t i;
    CHECK(root != NULL);
    json_array_foreach(json_object_get(root, "cases"), i, row)
    {
        struct fault fault = {0};
        struct key *key = NULL;
        char address[KEY_ADDRESS], changed[2048];
        const char *text = json_string_value(json_object_get(row, "keystore"));
        const char *passphrase = json_string_value(json_object_get(row, "password"));
        CHECK_EQ(import_key(text, IMPORT_AUTO, KEY_SECP256K1, passphrase, &key, &fault), HAWSE_OK);
        key_describe(key_public(key), address);
        CHECK_STR(address, json_string_value(json_object_get(row, "address")));
        key_free(key);
        CHECK_EQ(import_key(text, IMPORT_V3, KEY_SECP256K1, "wrong", &key, &fault), HAWSE_E_DENIED);
        fault_clear(&fault);
        CHECK_EQ(import_key(text, IMPORT_V3, KEY_SECP256K1, NULL, &key, &fault), HAWSE_E_INVAL);
        fault_clear(&fault);
        (void)snprintf(changed, sizeof(changed), "%s", text);
        char *at = strstr(changed, "\"address\":\"") + 11;
        *at = *at == '1' ? '2' : '1';
        CHECK_EQ(import_key(changed, IMPORT_V3, KEY_SECP256K1, passphrase, &key, &fault),
                 HAWSE_E_FORMAT);
        CHECK(key == NULL);
    }
    CHECK_EQ(i, 4);
    json_decref(root);
}

static void refuse_v3(const char *kdf, const char *params, int32_t code)
{
    struct fault fault = {0};
    struct key *key = NULL;
    char text[1024];
    (void)snprintf(
        text, sizeof(text),
        "{\"version\":3,\"crypto\":{\"cipher\":\"aes-128-ctr\",\"cipherparams\":{\"iv\":\"%032d\"},"
        "\"ciphertext\":\"%064d\",\"mac\":\"%064d\",\"kdf\":\"%s\",\"kdfparams\":{%s}}}",
        1, 2, 3, kdf, params);
    CHECK_EQ(import_key(text, IMPORT_AUTO, KEY_SECP256K1, "p", &key, &fault), code);
    CHECK(key == NULL && fault.message[0]);
}

TEST(import_v3_bounds,
     "a V3 keystore that asks for too much, or for what it may not, is refused at once")
{
#define SALT "\"dklen\":32,\"salt\":\"00\","
    refuse_v3("scrypt", SALT "\"n\":2,\"r\":1,\"p\":1",
              HAWSE_E_DENIED); /* legal, and not the key */
    refuse_v3("scrypt", SALT "\"n\":2097152,\"r\":8,\"p\":1", HAWSE_E_LIMIT);
    refuse_v3("scrypt", SALT "\"n\":2,\"r\":67108865,\"p\":67108865", HAWSE_E_LIMIT);
    refuse_v3("scrypt", SALT "\"n\":1073741824,\"r\":1073741824,\"p\":1073741824", HAWSE_E_LIMIT);
    refuse_v3("scrypt", SALT "\"n\":3,\"r\":1,\"p\":1", HAWSE_E_FORMAT);
    refuse_v3("scrypt", SALT "\"n\":2,\"r\":0,\"p\":1", HAWSE_E_FORMAT);
    refuse_v3("scrypt", SALT "\"n\":-2,\"r\":1,\"p\":1", HAWSE_E_FORMAT);
    refuse_v3("scrypt", "\"dklen\":16,\"salt\":\"00\",\"n\":2,\"r\":1,\"p\":1", HAWSE_E_FORMAT);
    refuse_v3("scrypt", "\"dklen\":32,\"salt\":\"\",\"n\":2,\"r\":1,\"p\":1", HAWSE_E_FORMAT);
    refuse_v3("pbkdf2", SALT "\"c\":1,\"prf\":\"hmac-sha256\"", HAWSE_E_DENIED);
    refuse_v3("pbkdf2", SALT "\"c\":1,\"prf\":\"hmac-sha1\"", HAWSE_E_UNSUPPORTED);
    refuse_v3("pbkdf2", SALT "\"c\":4294967297,\"prf\":\"hmac-sha256\"", HAWSE_E_LIMIT);
    refuse_v3("argon2", SALT "\"c\":1", HAWSE_E_UNSUPPORTED);
#undef SALT
}

static int32_t try_import(const char *text, enum key_kind kind, struct key **key)
{
    struct fault fault = {0};
    int32_t code = import_key(text, IMPORT_AUTO, kind, NULL, key, &fault);
    CHECK((code == HAWSE_OK) == (*key != NULL) && (code == HAWSE_OK || fault.message[0]));
    return code;
}

TEST(import_hex, "64 digits of hexadecimal are a key of either kind; anything else is none")
{
    static const char hex[] = "0707070707070707070707070707070707070707070707070707070707070707";
    char text[128];
    struct key *key = NULL;
    CHECK_EQ(try_import(hex, KEY_SECP256K1, &key), HAWSE_OK);
    key_free(key);
    (void)snprintf(text, sizeof(text), " \n0x%s\r\n", hex);
    CHECK_EQ(try_import(text, KEY_ED25519, &key), HAWSE_OK);
    CHECK_EQ(key_public(key)->kind, KEY_ED25519);
    key_free(key);
    (void)snprintf(text, sizeof(text), "%.63s", hex);
    CHECK_EQ(try_import(text, KEY_SECP256K1, &key), HAWSE_E_FORMAT);
    (void)snprintf(text, sizeof(text), "%.62s", hex);
    CHECK_EQ(try_import(text, KEY_SECP256K1, &key), HAWSE_E_FORMAT);
    (void)snprintf(text, sizeof(text), "%s07", hex);
    CHECK_EQ(try_import(text, KEY_SECP256K1, &key), HAWSE_E_FORMAT);
    (void)snprintf(text, sizeof(text), "%s 7", hex);
    CHECK_EQ(try_import(text, KEY_SECP256K1, &key), HAWSE_E_FORMAT);
    CHECK_EQ(try_import("", KEY_SECP256K1, &key), HAWSE_E_FORMAT);
    (void)snprintf(text, sizeof(text), "%064d", 0);
    CHECK_EQ(try_import(text, KEY_SECP256K1, &key), HAWSE_E_RANGE);
}

TEST(import_solana, "Solana's array of 64 numbers, of which the second half must be the public key")
{
    struct key *key = a_key(KEY_ED25519, 7), *found = NULL;
    uint8_t bytes[64] = {7, 1, 2, 3};
    char text[512];
    memcpy(bytes + 32, key_public(key)->bytes, 32);
    size_t len = 0;
    for (int i = 0; i < 64; i++)
        len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%d", i ? ", " : " [", bytes[i]);
    (void)snprintf(text + len, sizeof(text) - len, "]\n");
    CHECK_EQ(try_import(text, KEY_SECP256K1, &found), HAWSE_OK);
    CHECK(key_same(key_public(found), key_public(key)));
    key_free(found);
    text[len + 1] = 'x'; /* behind the end */
    text[len + 2] = '\0';
    CHECK_EQ(try_import(text, KEY_ED25519, &found), HAWSE_E_FORMAT);
    text[len] = '\0'; /* without its end */
    CHECK_EQ(try_import(text, KEY_ED25519, &found), HAWSE_E_FORMAT);
    text[2] = '8'; /* another seed */
    text[len] = ']';
    text[len + 1] = '\0';
    CHECK_EQ(try_import(text, KEY_ED25519, &found), HAWSE_E_FORMAT);
    CHECK_EQ(try_import("[256]", KEY_ED25519, &found), HAWSE_E_FORMAT);
    CHECK_EQ(try_import("[1,2]", KEY_ED25519, &found), HAWSE_E_FORMAT);
    CHECK_EQ(try_import("[", KEY_ED25519, &found), HAWSE_E_FORMAT);
    key_free(key);
}

/* ---- passphrases ---- */

static int32_t get(const char *source, char **out, struct fault *fault)
{
    struct passphrase_source parsed;
    fault_clear(fault);
    CHECK_EQ(passphrase_source_parse(source, "t", &parsed, fault), HAWSE_OK);
    return passphrase_get(&parsed, "Passphrase", false, out, fault);
}

TEST(passphrase_sources, "a passphrase comes from a file, the environment, or a credential")
{
    char path[512], source[600], *out = NULL;
    struct fault fault = {0};
    (void)snprintf(path, sizeof(path), "%s/pass", test_tmp_dir());
    FILE *f = fopen(path, "w");
    CHECK(f && fputs("from a file \n", f) >= 0 && fclose(f) == 0);
    CHECK_EQ(chmod(path, 0600), 0);
    (void)snprintf(source, sizeof(source), "file:%s", path);
    CHECK_EQ(get(source, &out, &fault), HAWSE_OK);
    CHECK_STR(out, "from a file ");
    secret_free(out);
    CHECK_EQ(setenv("CREDENTIALS_DIRECTORY", test_tmp_dir(), 1), 0);
    CHECK_EQ(get("credential:pass", &out, &fault), HAWSE_OK);
    secret_free(out);
    CHECK_EQ(get("credential:none", &out, &fault), HAWSE_E_NOTFOUND);
    CHECK_EQ(unsetenv("CREDENTIALS_DIRECTORY"), 0);
    CHECK_EQ(get("credential:pass", &out, &fault), HAWSE_E_NOTFOUND);
    CHECK_EQ(chmod(path, 0604), 0);
    CHECK_EQ(get(source, &out, &fault), HAWSE_E_DENIED);
    CHECK_EQ(setenv("HAWSE_TEST_PASS", "from the environment", 1), 0);
    CHECK_EQ(get("env:HAWSE_TEST_PASS", &out, &fault), HAWSE_OK);
    CHECK_STR(out, "from the environment");
    secret_free(out);
    struct passphrase_source parsed;
    CHECK_EQ(passphrase_source_parse("env:HAWSE_TEST_PASS", "t", &parsed, &fault), HAWSE_OK);
    passphrase_forget(&parsed);
    CHECK_EQ(get("env:HAWSE_TEST_PASS", &out, &fault), HAWSE_E_NOTFOUND);
}

TEST(passphrase_never_said,
     "what is no source is refused, and not repeated: it may be a passphrase")
{
    static const char *const bad[] = {"hunter2 hunter2", "file:",  "env:",        "credential:", "",
                                      "credential:../x", "PROMPT", "pass:hunter2"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct passphrase_source parsed;
        struct fault fault = {0};
        CHECK_EQ(passphrase_source_parse(bad[i], "t", &parsed, &fault), HAWSE_E_FORMAT);
        CHECK(!strstr(fault.message, "hunter") && fault.hint[0]);
    }
}
