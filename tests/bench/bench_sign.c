/*
 * What it costs to sign: libsecp256k1 alone, then whole tasks as the host does them, with a key
 * that lies hidden between signatures: a 1559 transaction, a 7702 authorization with its
 * transaction, an order (EIP-712); and the first of them with the key in another process.
 *   bench-sign SECRET [ROUNDS]
 * Prints "NAME ns ns ..." a task, a figure each round, then "NAME = bytes" of number 0, which
 * bench_sign.mjs compares with what other clients make of the same.
 */
#include "base/local_socket.h"
#include "keys/remote.h"
#include "keys/serve.h"

#include <hawse/eip712.h>
#include <hawse/hex.h>
#include <hawse/tx.h>
#include <secp256k1_recovery.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { EACH = 500, BYTES = 1024 };

/* What a task works with, and what it made last. */
struct bench {
    struct signer *signer;
    signer_handle key;
    struct chain chain;
    secp256k1_context *curve;
    uint8_t secret[32];
    hawse_eip712_schema_t schema;
    uint8_t separator[32];
    uint8_t out[BYTES];
    uint64_t len;
};

typedef void (*task_fn)(struct bench *b, uint64_t number);

static void die(const char *what)
{
    (void)fprintf(stderr, "bench-sign: %s\n", what);
    exit(2);
}

static hawse_u256_t u256(uint64_t n)
{
    return (hawse_u256_t){{n, 0, 0, 0}};
}

static void fill(uint8_t *out, uint8_t byte, size_t len)
{
    memset(out, byte, len);
}

static hawse_tx_signature_t sign(struct bench *b, const uint8_t digest[32])
{
    struct signature s;
    struct fault fault = {0};
    if (signer_sign_digest(b->signer, b->key, &b->chain, digest, &s, &fault) != HAWSE_OK)
        die(fault.message);
    hawse_tx_signature_t out = {.y_parity = s.parity};
    memcpy(out.r, s.bytes, 32);
    memcpy(out.s, s.bytes + 32, 32);
    return out;
}

/* ---- tasks ---- */

static void library_alone(struct bench *b, uint64_t number)
{
    secp256k1_ecdsa_recoverable_signature s;
    uint8_t digest[32] = {0};
    memcpy(digest, &number, sizeof(number));
    if (!secp256k1_ecdsa_sign_recoverable(b->curve, &s, digest, b->secret, NULL, NULL))
        die("the library refuses");
    memcpy(b->out, &s, sizeof(s));
    b->len = 0;
}

/* A transfer of a token: 68 bytes of calldata. */
static hawse_tx_t transfer(uint64_t number, const uint8_t data[68])
{
    hawse_tx_t tx = {.type = HAWSE_TX_DYNAMIC_FEE,
                     .chain_id = 100,
                     .nonce = number,
                     .gas_limit = 65000,
                     .max_priority_fee = u256(1000000000),
                     .max_fee = u256(30000000000),
                     .data = {data, 68}};
    fill(tx.to, 0x5f, 20);
    return tx;
}

static void finish(struct bench *b, const hawse_tx_t *tx)
{
    uint8_t digest[32], hash[32];
    uint32_t wrong = 0;
    hawse_writer_t w = hawse_writer(b->out, BYTES);
    if (hawse_tx_encode(tx, NULL, &w, digest, &wrong) != HAWSE_OK)
        die(hawse_tx_fault_text(wrong));
    hawse_tx_signature_t s = sign(b, digest);
    w = hawse_writer(b->out, BYTES);
    if (hawse_tx_encode(tx, &s, &w, hash, &wrong) != HAWSE_OK)
        die(hawse_tx_fault_text(wrong));
    b->len = w.len;
}

static void transaction(struct bench *b, uint64_t number)
{
    uint8_t data[68] = {0xa9, 0x05, 0x9c, 0xbb};
    fill(data + 16, 0x7e, 20);
    data[67] = 1;
    hawse_tx_t tx = transfer(number, data);
    finish(b, &tx);
}

static void delegation(struct bench *b, uint64_t number)
{
    uint8_t data[68] = {0xa9, 0x05, 0x9c, 0xbb}, list[160], digest[32];
    hawse_tx_authorization_t a = {.chain_id = u256(100), .nonce = number + 1};
    fill(a.address, 0x33, 20);
    hawse_tx_authorization_hash(&a, digest);
    a.signature = sign(b, digest);
    hawse_writer_t w = hawse_writer(list, sizeof(list));
    hawse_tx_authorization_put(&w, &a);
    hawse_tx_t tx = transfer(number, data);
    tx.type = HAWSE_TX_SET_CODE;
    tx.authorizations = (hawse_view_t){list, w.len};
    finish(b, &tx);
}

static void order(struct bench *b, uint64_t number)
{
    hawse_eip712_t h;
    uint8_t address[20], zero[32] = {0}, hash[32], digest[32];
    fill(address, 0x44, 20);
    hawse_u256_t token = {{1, 2, 3, 4}};
    hawse_eip712_begin(&h, &b->schema, 0);
    hawse_eip712_u64(&h, number);
    hawse_eip712_address(&h, address);
    hawse_eip712_address(&h, address);
    hawse_eip712_uint(&h, &token);
    hawse_eip712_u64(&h, 52000000);
    hawse_eip712_u64(&h, 100000000);
    hawse_eip712_u64(&h, 0);
    hawse_eip712_u64(&h, 0);
    hawse_eip712_u64(&h, 1700000000000);
    hawse_eip712_fixed_bytes(&h, zero, 32);
    hawse_eip712_fixed_bytes(&h, zero, 32);
    if (hawse_eip712_end(&h, hash) != HAWSE_OK)
        die("the order does not fit its type");
    hawse_eip712_digest(b->separator, hash, digest);
    hawse_tx_signature_t s = sign(b, digest);
    memcpy(b->out, s.r, 32);
    memcpy(b->out + 32, s.s, 32);
    b->out[64] = (uint8_t)(27 + s.y_parity);
    b->len = 65;
}

static const struct {
    const char *name;
    task_fn run;
} tasks[] = {{"library", library_alone},
             {"transaction", transaction},
             {"delegation", delegation},
             {"order", order}};

/* ---- set-up ---- */

static void prepare_order(struct bench *b)
{
    static const char types[] =
        "Order(uint256 salt,address maker,address signer,uint256 tokenId,uint256 makerAmount,"
        "uint256 takerAmount,uint8 side,uint8 signatureType,uint256 timestamp,bytes32 metadata,"
        "bytes32 builder)";
    hawse_eip712_domain_t domain = {.fields = HAWSE_EIP712_NAME | HAWSE_EIP712_VERSION |
                                              HAWSE_EIP712_CHAIN_ID | HAWSE_EIP712_CONTRACT,
                                    .name = {(const uint8_t *)"Polymarket CTF Exchange", 23},
                                    .version = {(const uint8_t *)"2", 1},
                                    .chain_id = u256(137)};
    fill(domain.verifying_contract, 0x55, 20);
    if (hawse_eip712_parse(&b->schema, types, sizeof(types) - 1, NULL) != HAWSE_OK ||
        hawse_eip712_domain_hash(&domain, b->separator) != HAWSE_OK)
        die("the order's type cannot be read");
}

static struct signer *own_keys(const uint8_t secret[32])
{
    struct signer *signer = NULL;
    struct key *key = NULL;
    struct fault fault = {0};
    struct key_locks none = {0};
    if (key_from_secret(KEY_SECP256K1, secret, &key, &fault) != HAWSE_OK ||
        signer_new(&signer, &fault) != HAWSE_OK ||
        signer_add(signer, "bench", key, &none, &fault) != HAWSE_OK)
        die(fault.message);
    return signer;
}

/* A process with the key, which is never in memory that a fork copies; *stop ends it. */
static pid_t start_server(const char *path, const uint8_t secret[32], int *stop)
{
    int ends[2], listening = -1;
    struct fault fault = {0};
    if (pipe(ends) != 0 ||
        local_listen(path, 0600, "bench", "bench", &listening, &fault) != HAWSE_OK)
        die("cannot listen");
    pid_t pid = fork();
    if (pid == 0) {
        struct serve_counts counts = {0};
        (void)close(ends[1]);
        _exit(serve_signer(own_keys(secret), listening, getuid(), ends[0], &counts, &fault) !=
              HAWSE_OK);
    }
    (void)close(ends[0]);
    (void)close(listening);
    *stop = ends[1];
    return pid;
}

/* ---- measuring ---- */

static double clock_ns(clockid_t id)
{
    struct timespec t;
    (void)clock_gettime(id, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void measure(struct bench *b, const char *name, task_fn run, int rounds, clockid_t id)
{
    run(b, 0);
    (void)printf("%s", name);
    for (int r = 0; r < rounds; r++) {
        double begin = clock_ns(id);
        for (uint64_t n = 1; n <= EACH; n++)
            run(b, n);
        (void)printf(" %.0f", (clock_ns(id) - begin) / EACH);
    }
    (void)printf("\n");
    run(b, 0);
    if (b->len == 0)
        return;
    (void)printf("%s = ", name);
    for (uint64_t i = 0; i < b->len; i++)
        (void)printf("%02x", b->out[i]);
    (void)printf("\n");
}

/* Waiting counts here: another process does the work. */
static void measure_remote(struct bench *b, int rounds)
{
    char path[64];
    int stop = -1;
    struct fault fault = {0};
    struct signer_want want = {.name = "bench"};
    (void)snprintf(path, sizeof(path), "/tmp/hawse-bench-%d.sock", (int)getpid());
    pid_t pid = start_server(path, b->secret, &stop);
    if (signer_connect(path, 2000, &want, 1, &b->signer, &fault) != HAWSE_OK)
        die(fault.message);
    b->key = signer_find(b->signer, "bench");
    measure(b, "remote", transaction, rounds, CLOCK_MONOTONIC);
    signer_free(b->signer);
    if (write(stop, "", 1) != 1)
        die("the other process cannot be told to end");
    (void)close(stop);
    (void)waitpid(pid, NULL, 0);
    (void)unlink(path);
}

int main(int argc, char **argv)
{
    static struct bench b;
    int rounds = argc > 2 ? atoi(argv[2]) : 9;
    if (argc < 2 || strlen(argv[1]) != 64 ||
        hawse_hex_decode((const uint8_t *)argv[1], b.secret, 32) != HAWSE_OK)
        die("SECRET is 64 hexadecimal digits, of a key without money");
    b.chain = chain_evm(100);
    b.curve = secp256k1_context_create(SECP256K1_CONTEXT_NONE);
    b.signer = own_keys(b.secret);
    b.key = signer_find(b.signer, "bench");
    prepare_order(&b);
    for (size_t i = 0; i < sizeof(tasks) / sizeof(tasks[0]); i++)
        measure(&b, tasks[i].name, tasks[i].run, rounds, CLOCK_PROCESS_CPUTIME_ID);
    signer_free(b.signer);
    measure_remote(&b, rounds);
    secp256k1_context_destroy(b.curve);
    return 0;
}
