/*
 * Secrets: resolved where the host keeps them, refused elsewhere, and never shown, whatever goes
 * wrong. Overrides and explain, which could show them.
 */
#include "base/secret.h"
#include "json_sweep.h"
#include "test_config.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECRET "s3cr3t-AbCdEf0123456789"

/* The endpoint "ws" of the instance "a". */
static const struct config_endpoint *ws(const struct config *c)
{
    return config_endpoint_find(config_find(c, "a"), "ws");
}

static char *secret_file(const char *name, const char *text, size_t len, mode_t mode)
{
    char path[128];
    (void)snprintf(path, sizeof(path), "%s/%s", test_tmp_dir(), name);
    FILE *f = fopen(path, "w");
    CHECK(f && fwrite(text, 1, len, f) == len && fclose(f) == 0 && chmod(path, mode) == 0);
    return strdup(path);
}

/* ---- references ---- */

TEST(secret_variables, "${NAME} is replaced wherever it stands, $${ is a dollar and a brace")
{
    (void)setenv("HAWSE_TEST_KEY", SECRET, 1);
    (void)setenv("HAWSE_TEST_HOST", "node.example", 1);
    struct config *c =
        good(ENDPOINT("'url':'wss://${HAWSE_TEST_HOST}/v3/${HAWSE_TEST_KEY}/x',"
                      "'headers':{'Authorization':'Bearer ${HAWSE_TEST_KEY}','B':'a$${B}$c'},"
                      "'proxy':'http://u:${HAWSE_TEST_KEY}@127.0.0.1:3128'"));
    CHECK_STR(ws(c)->url, "wss://node.example/v3/" SECRET "/x");
    CHECK_STR(ws(c)->display, "wss://***/v3/***/x");
    CHECK_STR(ws(c)->headers[0].value, "Bearer " SECRET);
    CHECK_STR(ws(c)->headers[1].value, "a${B}$c");
    CHECK_STR(ws(c)->proxy, "http://u:" SECRET "@127.0.0.1:3128");
    config_destroy(c);
}

TEST(secret_files, "file:PATH is the file's text without its last line break")
{
    char text[512];
    char *url = secret_file("url", "wss://a.b.node.example/" SECRET "\r\n", 48, 0600);
    char *key = secret_file("key", SECRET "\n", strlen(SECRET) + 1, 0400);
    (void)snprintf(text, sizeof(text), ENDPOINT("'url':'file:%s','headers':{'K':'file:%s'}"), url,
                   key);
    struct config *c = good(text);
    CHECK_STR(ws(c)->url, "wss://a.b.node.example/" SECRET);
    CHECK_STR(ws(c)->display, "wss://***.node.example/***");
    CHECK_STR(ws(c)->headers[0].value, SECRET);
    config_destroy(c);
    free(url);
    free(key);
}

TEST(secret_file_relative, "the path of a secret's file counts from the configuration's folder on")
{
    char path[128];
    free(secret_file("key", SECRET, strlen(SECRET), 0600));
    char *config = quoted(ENDPOINT("'url':'wss://h','headers':{'K':'file:key'}"));
    free(secret_file("c.json", config, strlen(config), 0644));
    free(config);
    (void)snprintf(path, sizeof(path), "%s/c.json", test_tmp_dir());
    struct config *c = NULL;
    struct fault fault = {0};
    if (config_load(path, NULL, 0, &c, &fault) != HAWSE_OK)
        FAIL("%s", fault.message);
    CHECK_STR(ws(c)->headers[0].value, SECRET);
    config_destroy(c);
}

static void bad_file(const char *path, int32_t code, const char *message, const char *hint)
{
    char text[512], want[512], fix[256];
    (void)snprintf(text, sizeof(text), ENDPOINT("'url':'file:%s'"), path);
    (void)snprintf(want, sizeof(want), CONFIG_FILE ":1: instances.a.endpoints.ws.url: %s", message);
    (void)snprintf(fix, sizeof(fix), "%s", hint);
    bad_with(text, NULL, 0, code, want, fix);
}

TEST(secret_bad_files, "a secret's file that others can read, or that is none, is refused")
{
    char message[256], hint[160];
    for (int bits = 0; bits < 6; bits++) {
        mode_t mode = 0600 | (mode_t)(1 << bits);
        char *open_file = secret_file("open", SECRET, strlen(SECRET), mode);
        (void)snprintf(message, sizeof(message),
                       "the secret's file %s is open to others (mode %04o, expected 0600)",
                       open_file, (unsigned)mode);
        (void)snprintf(hint, sizeof(hint), "chmod 600 '%s'", open_file);
        bad_file(open_file, HAWSE_E_DENIED, message, hint);
        CHECK_EQ(unlink(open_file), 0);
        free(open_file);
    }
    static const char nul[] = "wss://h\0" SECRET;
    char *path = secret_file("nul", nul, sizeof(nul) - 1, 0600);
    (void)snprintf(message, sizeof(message),
                   "the secret's file %s holds a NUL byte: it must be text", path);
    bad_file(path, HAWSE_E_FORMAT, message, "");
    free(path);
    path = secret_file("empty", "\n\n", 2, 0600);
    (void)snprintf(message, sizeof(message), "the secret's file %s is empty", path);
    bad_file(path, HAWSE_E_FORMAT, message, "");
    free(path);
    char *large = malloc((64 << 10) + 1);
    CHECK(large != NULL);
    memset(large, 'x', (64 << 10) + 1);
    path = secret_file("large", large, (64 << 10) + 1, 0600);
    free(large);
    (void)snprintf(message, sizeof(message),
                   "the secret's file %s is no regular file of at most 64 KiB", path);
    bad_file(path, HAWSE_E_INVAL, message, "");
    CHECK_EQ(unlink(path), 0);
    CHECK_EQ(mkfifo(path, 0600), 0); /* must not wait for a writer */
    (void)snprintf(message, sizeof(message),
                   "the secret's file %s is no regular file of at most 64 KiB", path);
    bad_file(path, HAWSE_E_INVAL, message, "");
    free(path);
    bad_file("/nowhere/key", HAWSE_E_NOTFOUND,
             "cannot read the secret's file /nowhere/key: No such file or directory",
             "write the secret there, mode 600; the path is relative to the configuration");
    bad_file("/dev/null", HAWSE_E_INVAL,
             "the secret's file /dev/null is no regular file of at most 64 KiB", "");
}

TEST(secret_bad_variables, "a variable that is not set, empty or misspelt is named with its path")
{
    static const char where[] = CONFIG_FILE ":1: instances.a.endpoints.ws.";
    char want[256];
    (void)unsetenv("HAWSE_TEST_GONE");
    (void)setenv("HAWSE_TEST_EMPTY", "", 1);
    (void)snprintf(want, sizeof(want), "%surl: the environment variable HAWSE_TEST_GONE is not set",
                   where);
    bad_with(ENDPOINT("'url':'wss://h/${HAWSE_TEST_GONE}'"), NULL, 0, HAWSE_E_NOTFOUND, want,
             "export HAWSE_TEST_GONE=..., or read the value from a file: \"file:PATH\"");
    (void)snprintf(want, sizeof(want),
                   "%surl: the environment variable HAWSE_TEST_GONE is not set; nor are these: "
                   "HAWSE_TEST_GON, HAWSE_TEST_GONE2",
                   where);
    bad_with(ENDPOINT("'url':'wss://h/${HAWSE_TEST_GONE}/${HAWSE_TEST_GON}',"
                      "'headers':{'K':'$${HAWSE_NO}${HAWSE_TEST_GONE2}${HAWSE_TEST_GON}'}"),
             NULL, 0, HAWSE_E_NOTFOUND, want,
             "export HAWSE_TEST_GONE=..., or read the value from a file: \"file:PATH\"");
    (void)snprintf(want, sizeof(want),
                   "%sheaders.K: the environment variable HAWSE_TEST_EMPTY is empty", where);
    bad_with(ENDPOINT("'url':'wss://h','headers':{'K':'${HAWSE_TEST_EMPTY}'}"), NULL, 0,
             HAWSE_E_NOTFOUND, want,
             "export HAWSE_TEST_EMPTY=..., or read the value from a file: \"file:PATH\"");
    static const char *const misspelt[] = {"${", "${}", "${A", "${A B}", "${1A}", "${A-}"};
    (void)snprintf(want, sizeof(want),
                   "%sproxy: found \"${\" without the name of a variable and \"}\" behind it",
                   where);
    for (size_t i = 0; i < sizeof(misspelt) / sizeof(misspelt[0]); i++) {
        char text[256];
        (void)snprintf(text, sizeof(text), ENDPOINT("'url':'wss://h','proxy':'http://%s'"),
                       misspelt[i]);
        bad_with(text, NULL, 0, HAWSE_E_FORMAT, want,
                 "write ${NAME}; where a dollar and a brace are meant, write $${");
    }
}

TEST(secret_limits, "a value that variables make longer than 128 KiB is refused")
{
    char *large = malloc(100001);
    CHECK(large != NULL);
    memset(large, 'x', 100000);
    large[100000] = '\0';
    (void)setenv("HAWSE_TEST_LARGE", large, 1);
    free(large);
    struct config *c = good(ENDPOINT("'url':'wss://h/${HAWSE_TEST_LARGE}'"));
    CHECK_EQ(strlen(ws(c)->url), 8 + 100000);
    config_destroy(c);
    bad_with(ENDPOINT("'url':'wss://h/${HAWSE_TEST_LARGE}${HAWSE_TEST_LARGE}'"), NULL, 0,
             HAWSE_E_LIMIT, CONFIG_FILE ":1: instances.a.endpoints.ws.url: longer than 128 KiB",
             "");
}

/* ---- what is shown ---- */

TEST(secret_display, "what is shown of a URL has no user, no values of the query, no secret part")
{
    static const struct {
        const char *url, *display;
    } rows[] = {
        {"wss://node.example", "wss://node.example"},
        {"wss://node.example:8546/ws/v3", "wss://node.example:8546/ws/v3"},
        {"wss://user:" SECRET "@node.example/a", "wss://***@node.example/a"},
        {"wss://user@x:" SECRET "@node.example/a", "wss://***@node.example/a"},
        {"wss://h/p?apikey=" SECRET "&b=" SECRET, "wss://h/p?apikey=***&b=***"},
        {"wss://h?" SECRET, "wss://h?***"},
        {"wss://h/v3/" SECRET, "wss://h/v3/***"},
        {"wss://h/v3/" SECRET "/x/", "wss://h/v3/***/x/"},
        {"wss://[2001:db8::1]:1/x", "wss://[2001:db8::1]:1/x"},
        {"wss://${HAWSE_TEST_KEY}.node.example/x", "wss://***.node.example/x"},
        {"wss://h/${HAWSE_TEST_KEY}", "wss://h/***"},
        {"wss://h/v2-${HAWSE_TEST_KEY}-z/y", "wss://h/***/y"},
        {"wss://h/y?k=${HAWSE_TEST_KEY}", "wss://h/y?k=***"},
        {"wss://u:${HAWSE_TEST_KEY}@h/y", "wss://***@h/y"},
        {"${HAWSE_TEST_URL}", "wss://***@***.node.example:444/***"},
        {"${HAWSE_TEST_URL}/more", "wss://***@***.node.example:444/***"},
        {"${HAWSE_TEST_URL}&to=http://h/?k=" SECRET, "wss://***@***.node.example:444/***"},
        {"${HAWSE_TEST_IP}", "ws://127.0.0.1:8546"},
    };
    (void)setenv("HAWSE_TEST_KEY", SECRET, 1);
    (void)setenv("HAWSE_TEST_URL", "wss://u:p@" SECRET ".node.example:444/" SECRET "?k=1", 1);
    (void)setenv("HAWSE_TEST_IP", "ws://127.0.0.1:8546", 1);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[512];
        (void)snprintf(text, sizeof(text), ENDPOINT("'url':'%s'"), rows[i].url);
        struct config *c = good(text);
        CHECK_STR(ws(c)->display, rows[i].display);
        char *shown = config_explain(c, NULL, false);
        CHECK(shown && strstr(shown, rows[i].display) && !strstr(shown, SECRET));
        free(shown);
        config_destroy(c);
    }
}

static const char everything[] =
    ENDPOINT("'url':'wss://u:" SECRET "@h/${HAWSE_TEST_KEY}?k=" SECRET "','proxy':"
             "'http://u:" SECRET "@127.0.0.1:1','headers':{'Authorization':'Bearer " SECRET "',"
             "'X':'${HAWSE_TEST_KEY}','Y':'file:%s'},'ca_file':'%s'") "\n";

TEST(secret_explain, "explain never shows a secret: neither written out nor resolved, in no format")
{
    (void)setenv("HAWSE_TEST_KEY", SECRET, 1);
    char text[1024];
    char *key = secret_file("key", SECRET, strlen(SECRET), 0600);
    (void)snprintf(text, sizeof(text), everything, key, key);
    free(key);
    struct config *c = good(text);
    CHECK_STR(ws(c)->headers[2].value, SECRET);
    for (int as_json = 0; as_json < 2; as_json++) {
        char *shown = config_explain(c, "", as_json);
        CHECK(shown && strstr(shown, "endpoints.ws.headers.Authorization"));
        CHECK(!strstr(shown, SECRET) && !strstr(shown, "Bearer"));
        free(shown);
    }
    config_destroy(c);
}

/* Breaks the text at every place in turn; whatever is said must not repeat the secret. */
TEST_LIMIT(secret_faults, 60, "no fault repeats a secret, wherever the file is broken")
{
    (void)setenv("HAWSE_TEST_KEY", SECRET, 1);
    char text[1024];
    static const char noise[] = {'"', ',', '}', '{', ':', '7', 'x', '\0', '#', '\n', '\\', ' '};
    char *key = secret_file("key", SECRET, strlen(SECRET), 0600);
    (void)snprintf(text, sizeof(text), everything, key, key);
    char *json = quoted(text);
    size_t len = strlen(json), refused = 0;
    for (size_t i = 0; i < len; i++) {
        for (size_t k = 0; k < sizeof(noise); k++) {
            char old = json[i];
            struct config *c = NULL;
            struct fault fault = {0};
            json[i] = noise[k];
            if (config_parse(json, len, CONFIG_FILE, NULL, 0, &c, &fault) != HAWSE_OK) {
                refused++;
                if (strstr(fault.message, SECRET) || strstr(fault.hint, SECRET))
                    FAIL("%s (%s)", fault.message, fault.hint);
            }
            config_destroy(c);
            json[i] = old;
        }
    }
    CHECK(refused > 1000);
    free(json);
    free(key);
}

/* ---- wiping ---- */

/* The secret, nowhere written out: what is searched for must not be found in the searcher. */
static char hidden(size_t i)
{
    return (char)("bdfhjlnprtvxBDFH"[i] ^ 0x01);
}
enum { HIDDEN = 16 };

/* How often it stands in this process's writable memory: in pages that are locked and left out of
 * core dumps, and elsewhere, freed or not. */
struct found {
    int locked, elsewhere;
};

static int count_in(FILE *memory, char *page, size_t cap, unsigned long from, unsigned long to)
{
    int found = 0;
    for (unsigned long at = from; at < to; at += cap - HIDDEN) {
        size_t want = to - at < cap ? to - at : cap;
        size_t n = fseek(memory, (long)at, SEEK_SET) == 0 ? fread(page, 1, want, memory) : 0;
        for (size_t i = 0; i + HIDDEN <= n; i++) {
            size_t k = 0;
            while (k < HIDDEN && page[i + k] == hidden(k))
                k++;
            found += k == HIDDEN ? 1 : 0;
        }
    }
    return found;
}

static struct found in_memory(void)
{
    static char page[1 << 16];
    char line[512], rights[8];
    unsigned long from = 0, to = 0, a = 0, b = 0;
    struct found found = {0};
    int here = 0;
    FILE *maps = fopen("/proc/self/smaps", "r"), *memory = fopen("/proc/self/mem", "r");
    CHECK(maps && memory && setvbuf(memory, NULL, _IONBF, 0) == 0);
    while (fgets(line, sizeof(line), maps)) {
        if (sscanf(line, "%lx-%lx %7s", &a, &b, rights) == 3) {
            bool own = (unsigned long)page >= a && (unsigned long)page < b;
            from = a;
            to = b;
            here = strncmp(rights, "rw", 2) == 0 && !own
                       ? count_in(memory, page, sizeof(page), from, to)
                       : 0;
        } else if (strncmp(line, "VmFlags:", 8) == 0) {
            bool locked = strstr(line, " lo") && strstr(line, " dd");
            found.locked += locked ? here : 0;
            found.elsewhere += locked ? 0 : here;
        }
    }
    (void)fclose(maps);
    (void)fclose(memory);
    return found;
}

TEST(secret_wiped,
     "secrets are in locked memory alone, and gone when the configuration ends or fails")
{
    if (!test_alloc_hooks())
        test_skip("under sanitizers memory is kept for ever");
    char text[512], value[3 * HIDDEN]; /* a freed block's first bytes are overwritten anyway */
    char *path = secret_file("key", "", 0, 0600);
    int fd = open(path, O_WRONLY);
    memset(value, 'x', sizeof(value));
    for (size_t i = 0; i < HIDDEN; i++)
        value[sizeof(value) - HIDDEN + i] = hidden(i);
    CHECK(write(fd, value, sizeof(value)) == sizeof(value) && close(fd) == 0);
    explicit_bzero(value, sizeof(value));
    (void)snprintf(text, sizeof(text),
                   ENDPOINT("'url':'wss://h','headers':{'A':'file:%s','B':'file:%s'}"), path, path);
    struct config *c = good(text);
    struct found found = in_memory();
    CHECK(secret_locked(ws(c)->headers[0].value));
    CHECK_EQ(found.locked, 3); /* two headers, and the list of what must not be shown */
    CHECK_EQ(found.elsewhere, 0);
    config_destroy(c);
    found = in_memory();
    CHECK_EQ(found.locked + found.elsewhere, 0);
    (void)snprintf(text, sizeof(text),
                   ENDPOINT("'url':'wss://h','headers':{'A':'file:%s','A B':'x'}"), path);
    struct fault fault;
    CHECK_EQ(parse_with(text, NULL, 0, &c, &fault), HAWSE_E_INVAL);
    found = in_memory();
    CHECK_EQ(found.locked + found.elsewhere, 0);
    free(path);
}

/* ---- what no output may hold ---- */

static bool hides(const struct config *c, const char *text)
{
    for (size_t i = 0; i < c->hidden_count; i++) {
        if (strcmp(c->hidden[i], text) == 0)
            return true;
    }
    return false;
}

TEST(hidden_parts, "what a reference stands for is hidden by itself, and so is each masked part")
{
    (void)setenv("HAWSE_TEST_KEY", "pr0vider-k3y", 1);
    (void)setenv("HAWSE_TEST_TOKEN", "t0k3n.of.header", 1);
    char text[1024];
    const char *url = "wss://quiet-lake.pro.example.org/v2/0a1b2c3d4e5f/mainnet?auth=qu3ryk3y";
    char *path = secret_file("url", url, strlen(url), 0600);
    (void)snprintf(
        text, sizeof(text),
        SOME("'a':{'plugin':'p','endpoints':{'ws':{'url':'wss://h/x/${HAWSE_TEST_KEY}',"
             "'headers':{'Authorization':'Bearer ${HAWSE_TEST_TOKEN}','X':'sh0wn-to-n0ne'},"
             "'proxy':'http://some-user:pass-w0rd@p:1'},'http':'https://h/?k=wr1tten-out',"
             "'w':'file:%s'}}"),
        path);
    struct config *c = good(text);
    static const char *const hidden_texts[] = {"pr0vider-k3y",
                                               "t0k3n.of.header",
                                               "Bearer t0k3n.of.header",
                                               "sh0wn-to-n0ne",
                                               "some-user",
                                               "pass-w0rd",
                                               "some-user:pass-w0rd",
                                               "wr1tten-out",
                                               "0a1b2c3d4e5f",
                                               "qu3ryk3y",
                                               "quiet-lake.pro.",
                                               "c29tZS11c2VyOnBhc3MtdzByZA=="};
    for (size_t i = 0; i < sizeof(hidden_texts) / sizeof(hidden_texts[0]); i++) {
        if (!hides(c, hidden_texts[i]))
            FAIL("\"%s\" is not hidden", hidden_texts[i]);
    }
    CHECK(hides(c, url));
    CHECK(!hides(c, "mainnet")); /* a plain word */
    CHECK_EQ_U64(c->hidden_count, 13);
    config_destroy(c);
    free(path);
}

TEST(hidden_basic, "what is sent of a user and a password is hidden, with escapes undone")
{
    struct config *c = good(ENDPOINT("'url':'wss://us%65r-name:p%40ss%2@h/'"));
    CHECK(hides(c, "dXNlci1uYW1lOnBAc3MlMg==")); /* user-name:p@ss%2 */
    config_destroy(c);
    c = good(ENDPOINT("'url':'wss://only-a-user@h/'"));
    CHECK(hides(c, "b25seS1hLXVzZXI6")); /* only-a-user: */
    config_destroy(c);
}

TEST(hidden_short, "what is shorter than six bytes is not hidden: it would mask ordinary words")
{
    (void)setenv("HAWSE_TEST_KEY", "short", 1);
    struct config *c = good(ENDPOINT("'url':'wss://u:p@h/${HAWSE_TEST_KEY}?a=b'"));
    CHECK_EQ_U64(c->hidden_count, 0);
    config_destroy(c);
}

/* ---- overrides ---- */

#define BASE                                                                                   \
    SOME("'gnosis':{'plugin':'p','mode':'shadow','endpoints':{'ws':'wss://old','http':{'url':" \
         "'https://old','ping_ms':5}},'settings':{'feed':{'url':'x'}}}")

TEST(override_paths, "paths of --set count from the working folder, not from the configuration's")
{
    char here[512], want[600];
    CHECK(getcwd(here, sizeof(here)) != NULL);
    static const struct config_override sets[] = {
        {"plugins.path=[\"build/plugins\",\"/abs\"]"},
        {"state_dir=state"},
        {"control={\"socket\":\"sock\"}"},
        {"record.file=/var/today.hrec"},
        {"instances.gnosis.plugin=./my.so"},
    };
    struct config *c = good_with(BASE, sets, sizeof(sets) / sizeof(sets[0]));
    const struct config_instance *in = config_find(c, "gnosis");
    (void)snprintf(want, sizeof(want), "%s/build/plugins", here);
    CHECK_STR(c->plugin_path[0], want);
    CHECK_STR(c->plugin_path[1], "/abs");
    (void)snprintf(want, sizeof(want), "%s/state", here);
    CHECK_STR(c->state_dir, want);
    (void)snprintf(want, sizeof(want), "%s/sock", here);
    CHECK_STR(c->control_path, want);
    CHECK_STR(c->record.file, "/var/today.hrec");
    (void)snprintf(want, sizeof(want), "%s/./my.so", here);
    CHECK_STR(in->plugin, want);
    config_destroy(c);
}

TEST(override_names, "--set of a plugin's id stays an id")
{
    static const struct config_override sets[] = {{"instances.gnosis.plugin=org.hawse.gnosis"}};
    struct config *c = good_with(BASE, sets, 1);
    CHECK_STR(config_find(c, "gnosis")->plugin, "org.hawse.gnosis");
    config_destroy(c);
}

TEST(override_values, "--set takes JSON where it is JSON and text otherwise, in any depth")
{
    static const struct config_override sets[] = {
        {"instances.gnosis.mode=live"},
        {"instances.gnosis.queue=128"},
        {"instances.gnosis.grants=[\"net\",\"rpc\"]"},
        {"instances.gnosis.endpoints.ws=wss://new/?a=b"},
        {"instances.gnosis.endpoints.ws.ping_ms=7"},
        {"instances.gnosis.endpoints.http=https://new"},
        {"instances.gnosis.endpoints.more={\"url\":\"wss://more\",\"idle_ms\":0}"},
        {"instances.gnosis.settings.feed=text"},
        {"instances.gnosis.settings.deep.er=true"},
        {"instances.gnosis.settings.address=0x86042D97fd7D200AB25ed22b478650F042567E4e"},
        {"log.level=debug"},
        {"log.level=warn"},
        {"lanes.main.spin_us=9"},
        {"http={\"listen\":\"127.0.0.1:1\"}"},
    };
    struct config *c = good_with(BASE, sets, sizeof(sets) / sizeof(sets[0]));
    const struct config_instance *in = config_find(c, "gnosis");
    CHECK_EQ(in->mode, MODE_LIVE);
    CHECK_EQ(in->queue, 128);
    CHECK_EQ(in->grant_count, 2);
    CHECK_STR(config_endpoint_find(in, "ws")->url, "wss://new/?a=b");
    CHECK_EQ(config_endpoint_find(in, "ws")->ping_ms, 7);
    CHECK_STR(config_endpoint_find(in, "http")->url, "https://new");
    CHECK_EQ(config_endpoint_find(in, "http")->ping_ms, 5);
    CHECK_EQ(config_endpoint_find(in, "more")->idle_ms, 0);
    CHECK_STR(in->settings, "{\"address\":\"0x86042D97fd7D200AB25ed22b478650F042567E4e\","
                            "\"deep\":{\"er\":true},\"feed\":\"text\"}");
    CHECK_EQ(c->log_level, HAWSE_LOG_WARN);
    CHECK_EQ(c->lanes[0].spin_us, 9);
    CHECK_STR(c->http_listen, "127.0.0.1:1");
    config_destroy(c);
}

TEST(override_bad, "what --set cannot do is refused in so many words, without its value")
{
    static const struct {
        const char *set;
        int32_t code;
        const char *message, *hint;
    } rows[] = {
        {"log.level", HAWSE_E_INVAL, "--set: log.level: expected PATH=VALUE", ""},
        {"=x", HAWSE_E_INVAL, "--set: : expected PATH=VALUE", ""},
        {"log..level=x", HAWSE_E_INVAL, "--set: log..level: a part of the path is empty", ""},
        {".log=x", HAWSE_E_INVAL, "--set: .log: a part of the path is empty", ""},
        {"log.=x", HAWSE_E_INVAL, "--set: log.: a part of the path is empty", ""},
        {"plugins.path[0]=x", HAWSE_E_INVAL,
         "--set: plugins.path[0]: items of an array cannot be set one by one",
         "set the whole array: PATH='[...]'"},
        {"instances={}", HAWSE_E_INVAL,
         "--set: instances: cannot be set as a whole, only members of its instances", ""},
        {"instances.gnosys.mode=live", HAWSE_E_NOTFOUND,
         "--set: instances.gnosys.mode: there is no instance \"gnosys\" in the file",
         "did you mean \"gnosis\"?"},
        {"instances.polygon={\"plugin\":\"p\"}", HAWSE_E_NOTFOUND,
         "--set: instances.polygon: there is no instance \"polygon\" in the file",
         "--set changes instances; write new ones into the file"},
        {"instances.gnosis.mdoe=live", HAWSE_E_INVAL, "--set: instances.gnosis.mdoe: no such key",
         "did you mean \"mode\"?"},
        {"lgo.level=info", HAWSE_E_INVAL, "--set: lgo: no such key", "did you mean \"log\"?"},
        {"log.levle=info", HAWSE_E_INVAL, "--set: log.levle: no such key",
         "did you mean \"level\"?"},
        {"instances.gnosis.mode.x=1", HAWSE_E_INVAL,
         "--set: instances.gnosis.mode.x: \"mode\" is no object, nothing can be set in it", ""},
        {"log.level.x=1", HAWSE_E_INVAL, "--set: log.level: found an object, expected a string",
         ""},
        {"instances.gnosis.mode=7", HAWSE_E_INVAL,
         "--set: instances.gnosis.mode: found 7, expected a string", ""},
        {"instances.gnosis.mode=\"live", HAWSE_E_INVAL,
         "--set: instances.gnosis.mode: found \"\\\"live\", expected one of \"replay\", "
         "\"shadow\", \"dry-run\", \"canary\", \"live\"",
         "did you mean \"live\"?"},
        {"instances.gnosis.endpoints.ws=ws://h/" SECRET, HAWSE_E_DENIED,
         "--set: instances.gnosis.endpoints.ws.url: ws://h/*** goes to another machine without "
         "TLS",
         "use wss://, or set \"insecure\": true on this endpoint"},
        {"instances.gnosis.endpoints.ws.headers={\"a b\":\"" SECRET "\"}", HAWSE_E_INVAL,
         "--set: instances.gnosis.endpoints.ws.headers.a b: a header's name has letters, digits "
         "and '-', no spaces or colons",
         ""},
        {"instances.gnosis.settings.x=${HOME}", HAWSE_E_DENIED,
         "--set: instances.gnosis.settings.x: references to secrets are not resolved here: "
         "settings reach the plugin",
         "what is secret belongs into an endpoint's url or headers, which stay with the host"},
        {"state_dir=\xff\xfe", HAWSE_E_INVAL, "--set: state_dir: the value is not UTF-8", ""},
        {"a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q.r.s.t.u.v.w.x.y.z.a.b.c.d.e.f.g=1", HAWSE_E_LIMIT,
         "--set: a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q.r.s.t.u.v.w.x.y.z.a.b.c.d.e.f.g: more than 32 "
         "parts",
         ""},
        {"wss://user:" SECRET "@h", HAWSE_E_INVAL, "--set: wss: expected PATH=VALUE", ""},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct config_override set = {rows[i].set};
        bad_with(BASE, &set, 1, rows[i].code, rows[i].message, rows[i].hint);
    }
}

TEST(override_leaves_file_faults, "a fault of the file is not blamed on --set")
{
    const struct config_override set = {"log.level=debug"};
    bad_with(ONE(",\n'mode':'x'"), &set, 1, HAWSE_E_INVAL,
             CONFIG_FILE ":2: instances.a.mode: found \"x\", expected one of \"replay\", "
                         "\"shadow\", \"dry-run\", \"canary\", \"live\"",
             "");
}

/* ---- explain ---- */

static void check_line(const char *text, const char *from, const char *path, const char *value)
{
    char want[256];
    (void)snprintf(want, sizeof(want), "%-11s %-56s %s\n", from, path, value);
    if (!strstr(text, want))
        FAIL("no line \"%s\" in:\n%s", want, text);
}

TEST(explain_origin, "explain says of every value whether the file, --set or a default gave it")
{
    (void)setenv("HAWSE_PLUGIN_PATH", "/opt/p", 1);
    static const struct config_override sets[] = {{"instances.a.mode=live"},
                                                  {"instances.a.settings.n=2"}};
    struct config *c =
        good_with("{'hawse':1,\n'log':{\n'level':'warn'},'plugins':{'path':\n['x']},\n"
                  "'instances':{'a':{'plugin':'./p.so',\n'queue':100,\n"
                  "'endpoints':{\n'ws':'wss://h','http':{\n'url':'https://i'}},"
                  "'settings':{'k':\n'v'}}}}",
                  sets, 2);
    char *text = config_explain(c, NULL, false);
    CHECK(text != NULL);
    check_line(text, "file:1", "hawse", "1");
    check_line(text, "file:3", "log.level", "\"warn\"");
    check_line(text, "default", "log.format", "\"text\"");
    check_line(text, "file:4", "plugins.path[0]", "\"/etc/hawse/x\"");
    check_line(text, "default", "plugins.path[1]", "\"/etc/hawse/plugins\"");
    check_line(text, "environment", "plugins.path[2]", "\"/opt/p\"");
    check_line(text, "default", "state_dir", "\"/etc/hawse/state\"");
    check_line(text, "file:5", "instances.a.plugin", "\"/etc/hawse/./p.so\"");
    check_line(text, "file:6", "instances.a.queue", "128");
    check_line(text, "--set", "instances.a.mode", "\"live\"");
    check_line(text, "file:8", "instances.a.endpoints.ws.url", "\"wss://h\"");
    check_line(text, "default", "instances.a.endpoints.ws.ping_ms", "20000");
    check_line(text, "file:9", "instances.a.endpoints.http.url", "\"https://i\"");
    check_line(text, "--set", "instances.a.settings.n", "2");
    check_line(text, "file:10", "instances.a.settings.k", "\"v\"");
    check_line(text, "default", "lanes.main.cpu", "null");
    free(text);
    config_destroy(c);
}

TEST(explain_prefix, "explain of a path shows what is inside it and nothing beside it")
{
    struct config *c = good(SOME("'a':{'plugin':'p'},'ab':{'plugin':'q'}"));
    char *text = config_explain(c, "instances.a", false);
    CHECK(text && strstr(text, "instances.a.plugin") && !strstr(text, "instances.ab"));
    free(text);
    text = config_explain(c, "instances.a.queue", true);
    json_t *rows = json_loads(text, 0, NULL);
    CHECK_EQ(json_array_size(rows), 1);
    const json_t *row = json_array_get(rows, 0);
    CHECK_STR(json_string_value(json_object_get(row, "path")), "instances.a.queue");
    CHECK_STR(json_string_value(json_object_get(row, "from")), "default");
    CHECK_EQ(json_integer_value(json_object_get(row, "value")), 4096);
    json_decref(rows);
    free(text);
    text = config_explain(c, "no.such", false);
    CHECK_STR(text, "");
    free(text);
    config_destroy(c);
}

/* ---- memory ---- */

TEST_LIMIT(config_memory, 120, "whichever allocation fails, loading and explain only say so")
{
    (void)setenv("HAWSE_TEST_KEY", SECRET, 1);
    (void)setenv("HAWSE_PLUGIN_PATH", "/opt/p:/opt/q", 1);
    char text[1024];
    char *key = secret_file("key", SECRET, strlen(SECRET), 0600);
    (void)snprintf(text, sizeof(text), everything, key, key);
    char *json = quoted(text);
    static const struct config_override sets[] = {{"instances.a.settings.x=[1]"},
                                                  {"instances.a.endpoints.ws.ping_ms=1"}};
    uint64_t failures = 0;
    for (uint64_t n = 1;; n++) {
        struct config *c = NULL;
        struct fault fault = {0};
        int64_t live = test_alloc_live();
        sweep_begin(n);
        int32_t code = config_parse(json, strlen(json), CONFIG_FILE, sets, 2, &c, &fault);
        char *shown = code == HAWSE_OK ? config_explain(c, NULL, n % 2) : NULL;
        bool reached = sweep_end();
        if (code != HAWSE_OK) {
            failures++;
            CHECK(c == NULL && code < 0 && fault.code == code && fault.message[0]);
            CHECK(!strstr(fault.message, SECRET));
        } else {
            CHECK_STR(ws(c)->headers[2].value, SECRET); /* nothing was silently left out */
            CHECK_EQ(c->plugin_path_count, 4);
            CHECK_STR(config_find(c, "a")->settings, "{\"x\":[1]}");
        }
        free(shown);
        config_destroy(c);
        if (test_alloc_live() != live)
            FAIL("allocation %d failed: %d more are left than before", (int)n,
                 (int)(test_alloc_live() - live));
        if (!reached)
            break;
    }
    CHECK(failures > 500);
    free(json);
    free(key);
}

TEST(secret_env, "a variable is moved out of what the process was started with, once")
{
    char copy[4096];
    const char *given = getenv("HAWSE_TESTS_DIR");
    CHECK(given != NULL && given[0] != '\0');
    (void)snprintf(copy, sizeof(copy), "%s", given);
    const char *moved = secret_env("HAWSE_TESTS_DIR");
    CHECK(moved != given);
    CHECK_STR(moved, copy);
    CHECK_STR(given, "");
    CHECK(getenv("HAWSE_TESTS_DIR") == moved);
    CHECK(secret_env("HAWSE_TESTS_DIR") == moved);
    CHECK(secret_env("HAWSE_NO_SUCH_VARIABLE") == NULL);
    CHECK(setenv("HAWSE_TEST_OWN", "x", 1) == 0);
    CHECK_STR(secret_env("HAWSE_TEST_OWN"), "x");
}
