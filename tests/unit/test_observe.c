/*
 * What an operator sees holds no secret and steers no terminal: redaction, the status screen, and
 * the answers of the control socket.
 */
#include "harness.h"

#include "base/secret.h"
#include "base/secret_heap.h"
#include "observe/control.h"
#include "observe/redact.h"
#include "observe/view.h"

#include <hawse/types.h>
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static const char *clean(const char *const *secrets, size_t count, const char *text, size_t len)
{
    static char out[4096];
    struct redact_list list = {0};
    for (size_t i = 0; i < count; i++)
        CHECK_EQ(redact_add(&list, secrets[i]), HAWSE_OK);
    size_t n = redact(&list, text, len, out, sizeof(out));
    CHECK_EQ_U64(n, strlen(out));
    redact_finish(&list);
    return out;
}

static const char *clean_one(const char *secret, const char *text)
{
    return clean(&secret, 1, text, strlen(text));
}

TEST(listed_anywhere, "a listed value is masked wherever it stands in a line")
{
    CHECK_STR(clean_one("k3y-0f-m1ne", "k3y-0f-m1ne"), "***");
    CHECK_STR(clean_one("k3y-0f-m1ne", "the key k3y-0f-m1ne, twice: k3y-0f-m1nek3y-0f-m1ne."),
              "the key ***, twice: ******.");
}

TEST(listed_in_url, "a listed value is masked inside a URL, whose path is else shown")
{
    CHECK_STR(clean_one("k3y-0f-m1ne", "lost wss://rpc.example/v3/k3y-0f-m1ne/ws now"),
              "lost wss://rpc.example/v3/***/ws now");
    CHECK_STR(clean_one("k3y-0f-m1ne", "http://k3y-0f-m1ne.example/"), "http://***.example/");
}

TEST(longest_listed, "of two listed values the longer one is masked as a whole")
{
    const char *const secrets[] = {"k3y-0f-m1ne", "k3y-0f-m1ne-and-more"};
    const char *text = "k3y-0f-m1ne-and-more";
    CHECK_STR(clean(secrets, 2, text, strlen(text)), "***");
}

TEST(listed_cut, "a listed value that was cut off is masked too, but for what begins every URL")
{
    CHECK_STR(clean_one("k3y-0f-m1ne", "the key is k3y-0f"), "the key is ***");
    CHECK_STR(clean_one("k3y-0f-m1ne", "no key k3y-0f-m instead, k3y-0 k3y-0f"),
              "no key *** instead, k3y-0 ***");
    CHECK_STR(clean_one("Bearer k3y-0f", "Bearer xyz"), "Bearer xyz");
    CHECK_STR(clean_one("wss://example.org/k3y-0f-m1ne", "wss://example.org/other"),
              "wss://example.org/other");
    CHECK_STR(clean_one("wss://example.org/k3y-0f-m1ne", "wss://example.org/k3y"), "***");
}

TEST(listed_in_place, "listed values are masked in the text itself, and nothing else is touched")
{
    struct redact_list list = {0};
    char text[] = "{\"message\":\"bad key k3y-0f-m1ne?x=1\",\"secret\":\"abcdefgh\"} k3y-0f-m1ne";
    CHECK_EQ(redact_add(&list, "k3y-0f-m1ne"), HAWSE_OK);
    text[redact_listed(&list, text, sizeof(text) - 1)] = '\0';
    CHECK_STR(text, "{\"message\":\"bad key ***?x=1\",\"secret\":\"abcdefgh\"} ***");
    redact_finish(&list);
}

TEST(listed_once, "a value that a reload brings again is not listed again")
{
    struct redact_list list = {0};
    for (int i = 0; i < 3; i++)
        CHECK_EQ(redact_add(&list, "k3y-0f-m1ne"), HAWSE_OK);
    CHECK_EQ_U64(list.count, 1);
    CHECK(secret_locked(list.values[0]));
    redact_finish(&list);
}

/* ---- memory ---- */

TEST(wiped_blocks, "what libraries free through our free holds nothing of what it held")
{
    if (!test_alloc_hooks())
        test_skip("under sanitizers freed memory may not be looked at");
    char *block = strdup("0123456789abcdefghijklmnopqrstuvwxyz");
    volatile const char *old = block;
    wiping_free(block);
    for (size_t i = 16; i < 37; i++) /* the allocator's own links stand before */
        CHECK(old[i] == 0);
    wiping_free(NULL);
}

/* As a library would: blocks of all sizes, in any order. */
static void use_heap(uint64_t seed)
{
    enum { BLOCKS = 64, TURNS = 4000 };
    uint8_t *block[BLOCKS] = {0};
    size_t size[BLOCKS] = {0};
    for (unsigned turn = 0; turn < TURNS; turn++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        unsigned i = (unsigned)(seed >> 33) % BLOCKS;
        size_t want = (seed >> 40) % 7 == 0 ? (seed >> 24) % 300000 : (seed >> 24) % 5000;
        if (block[i] && seed >> 63) {
            secret_heap_free(block[i]);
            block[i] = NULL;
            size[i] = 0;
            continue;
        }
        uint8_t *b = block[i] ? secret_heap_realloc(block[i], want) : secret_heap_calloc(1, want);
        CHECK(b != NULL && (uintptr_t)b % _Alignof(max_align_t) == 0);
        for (size_t k = 0; k < want && k < size[i]; k++)
            CHECK(b[k] == (uint8_t)i);
        for (size_t k = 0; k < want && size[i] == 0; k++)
            CHECK(b[k] == 0);
        memset(b, (int)i, want);
        block[i] = b;
        size[i] = want;
    }
    for (unsigned i = 0; i < BLOCKS; i++)
        secret_heap_free(block[i]);
}

TEST(secret_heap,
     "blocks for libraries are whole, aligned, apart from each other, and wiped when freed")
{
    size_t before = secret_heap_living();
    use_heap(test_random());
    CHECK_EQ(secret_heap_living(), before);
    char *text = secret_heap_strdup("0123456789abcdefghijklmnopqrstuvwxyz");
    volatile const char *old = text;
    CHECK_STR(text, "0123456789abcdefghijklmnopqrstuvwxyz");
    char *same = secret_heap_realloc(text, 20);
    CHECK(same == text);
    for (size_t i = 20; i < 37; i++)
        CHECK(old[i] == 0);
    CHECK(secret_heap_realloc(text, 4000) != (void *)(uintptr_t)old);
    for (size_t i = 8; i < 37; i++)
        CHECK(old[i] == 0);
    CHECK(secret_heap_calloc(SIZE_MAX, 2) == NULL && secret_heap_malloc(SIZE_MAX) == NULL);
}

static void *use_heap_on(void *arg)
{
    use_heap(7);
    return arg;
}

TEST(secret_heap_threads, "several threads may use it")
{
    pthread_t other;
    CHECK_EQ(pthread_create(&other, NULL, use_heap_on, NULL), 0);
    use_heap(test_random());
    for (int i = 0; i < 200; i++)
        secret_heap_free(secret_heap_malloc((size_t)i * 50));
    CHECK_EQ(pthread_join(other, NULL), 0);
    CHECK_EQ(secret_heap_living(), 0);
}

TEST(url_parts, "user and query of a URL are masked, its path is shown")
{
    CHECK_STR(clean_one("unrelated", "to wss://u:p@h.example/a/b?key=1&x=2, again"),
              "to wss://***@h.example/a/b?***, again");
    CHECK_STR(clean_one("unrelated", "http://h?k=v http://h/p"), "http://h?*** http://h/p");
}

TEST(url_controls, "control characters and broken UTF-8 are escaped inside a URL too")
{
    CHECK_STR(clean_one("unrelated", "http://h/\x1b[31m\xff"), "http://h/\\x1b[31m?");
}

TEST(word_nul, "a NUL behind a word like \"secret\" is escaped")
{
    const char *secret = "unrelated";
    static const char text[] = "secret\0abcdefgh";
    CHECK_STR(clean(&secret, 1, text, sizeof(text) - 1), "secret\\x00abcdefgh");
}

TEST(word_token, "a long token behind a word like \"private_key\" is masked")
{
    CHECK_STR(clean_one("unrelated", "private_key=0xdeadbeef Authorization: Bearer abcdefgh"),
              "private_key=*** Authorization: Bearer ***");
}

static char *draw(const char *document, const char *lines, int columns)
{
    json_t *now = json_loads(document, 0, NULL);
    CHECK(now != NULL);
    char *text = view_render(now, now, 1.0, lines, columns);
    CHECK(text != NULL);
    json_decref(now);
    return text;
}

TEST(view_width,
     "no line of the screen is wider than asked, the last one without a newline neither")
{
    char *text = draw("{\"ready\":true}", "a last line that is far too long and ends nowhere", 10);
    int column = 0;
    for (const char *at = text; *at; at++) {
        column = *at == '\n' ? 0 : column + 1;
        CHECK(column <= 10);
    }
    CHECK_STR(strrchr(text, '\n'), "\na last lin");
    free(text);
}

TEST(view_controls, "a document of strange types is drawn, and cannot steer the terminal")
{
    char *text = draw("{\"reasons\":[7,\"a\\u001b[2J\"],\"instances\":[1,{\"id\":[]}],"
                      "\"streams\":[{\"channels\":[null]}]}",
                      NULL, 0);
    CHECK(strstr(text, "  ! ?\n  ! a?[2J\n") != NULL);
    CHECK(strchr(text, '\x1b') == NULL);
    free(text);
}

static char *on_verb(void *ctx, const char *verb, const json_t *request, struct fault *fault)
{
    if (strcmp(verb, "good") == 0)
        return strdup(ctx);
    if (strcmp(verb, "who") == 0)
        return json_dumps(json_object_get(request, CONTROL_BY), JSON_ENCODE_ANY);
    (void)fault_set(fault, HAWSE_E_NOTFOUND, "no verb \"%s\"", verb);
    fault_hint(fault, "ask for good");
    return NULL;
}

TEST(control_lines,
     "every line to the control socket is answered, wrong ones with what was expected")
{
    static char good[] = "{\"x\":1}";
    static const struct {
        const char *line, *answer;
    } cases[] = {
        {"{\"verb\":\"good\"}", good},
        {"{\"verb\":\"who\"}", "7"},
        {"{\"verb\":\"who\",\"by_uid\":0}", "7"},
        {"{\"verb\":\"bad\"}", "{\"error\":\"no verb \\\"bad\\\"\",\"fix\":\"ask for good\"}"},
        {"", "{\"error\":\"expected a line {\\\"verb\\\": ...}\",\"fix\":\"\"}"},
        {"{\"verb\":1}", "{\"error\":\"expected a line {\\\"verb\\\": ...}\",\"fix\":\"\"}"},
        {"[\"verb\"]", "{\"error\":\"expected a line {\\\"verb\\\": ...}\",\"fix\":\"\"}"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char *answer = control_answer(on_verb, good, cases[i].line, 7);
        CHECK_STR(answer, cases[i].answer);
        free(answer);
    }
}
