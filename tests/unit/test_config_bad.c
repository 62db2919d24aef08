/*
 * Bad configurations: each row is refused with exactly these words. The words are what an operator
 * has at three in the morning, so they are part of the contract.
 */
#include "test_config.h"

#define AT(line) CONFIG_FILE ":" #line ": "
#define IN_A     AT(1) "instances.a."
#define IN_WS    IN_A "endpoints.ws."
#define MODES    "expected one of \"replay\", \"shadow\", \"dry-run\", \"canary\", \"live\""
#define LOOK     "the file must be JSON; look at that line and the one before"
#define REACH    "references to secrets are not resolved here: settings reach the plugin"
#define REACH_HINT \
    "what is secret belongs into an endpoint's url or headers, which stay with the host"
#define ONLY        "references to secrets are resolved in endpoints and credentials only"
#define URL_SCHEMES "expected a URL that begins with ws://, wss://, http:// or https://"

#define URL_HOST "the URL's host must be a name, an IPv4 address, or an IPv6 address in brackets"

#define URL_SIGNS    "a URL has no spaces, control characters, \\ or others that must stand as %XX"
#define ENDPOINTS_64 "an endpoint's name has 1 to 63 letters, digits, '_' or '-'"
#define KEYS_OF_LOG  "the keys here are: level, format, file"

struct row {
    const char *text;
    int32_t code;
    const char *message, *hint;
};

static void check(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        bad_with(rows[i].text, NULL, 0, rows[i].code, rows[i].message, rows[i].hint);
}
#define CHECK_ROWS(rows) check(rows, sizeof(rows) / sizeof((rows)[0]))

TEST(config_bad_syntax, "what is no JSON is shown with its line and column, and no text of it")
{
    static const struct row rows[] = {
        {"", HAWSE_E_FORMAT, CONFIG_FILE ":1:0: '[' or '{' expected near end of file", LOOK},
        {"[]", HAWSE_E_FORMAT, CONFIG_FILE ": found an array, expected one JSON object", ""},
        {"{'hawse':1,\n 'instances':{},\n}", HAWSE_E_FORMAT,
         CONFIG_FILE ":3:1: string or '}' expected: } <- here",
         "remove the comma before the closing bracket"},
        {"{'hawse':1\n'instances':{}}", HAWSE_E_FORMAT,
         CONFIG_FILE ":2:11: '}' expected: \"instances\" <- here: { } }",
         "a comma may be missing before it"},
        {"{'hawse':1, # mine\n'instances':{}}", HAWSE_E_FORMAT,
         CONFIG_FILE ":1:13: string or '}' expected: { \"hawse\": 1, *** <- here ***",
         "JSON has no comments: remove them"},
        {"{'hawse':1, // mine\n'instances':{}}", HAWSE_E_FORMAT,
         CONFIG_FILE ":1:13: string or '}' expected: { \"hawse\": 1, *** <- here ***",
         "JSON has no comments: remove them"},
        {"{'hawse':1,'instances':{'a':{'plugin':'p'},'a':{'plugin':'q'}}}", HAWSE_E_FORMAT,
         CONFIG_FILE ":1:46: duplicate object key: { \"hawse\": 1, \"instances\": { \"a\": { "
                     "\"plugin\": *** }, \"a\" <- here: { \"plugin\": *** } } }",
         LOOK},
        {"{'hawse':1,'url':'wss://u:hunter2@h/key' 'x':hunter2}", HAWSE_E_FORMAT,
         CONFIG_FILE ":1:44: '}' expected: { \"hawse\": 1, \"url\": *** \"x\" <- here: *** }",
         "a comma may be missing before it"},
        {"{'token':hunter2}", HAWSE_E_FORMAT,
         CONFIG_FILE ":1:15: invalid token: { \"token\": *** <- here }", LOOK},
        {"{'token':'hunter2\n'}", HAWSE_E_FORMAT,
         CONFIG_FILE ":1:17: unexpected newline: { \"token\": *** <- here", LOOK},
        {"{'hawse':1,'x':{'hunter2hunter2hunter2hunter2hunter2hunter2':1 2}}", HAWSE_E_FORMAT,
         CONFIG_FILE ":1:64: '}' expected: { \"hawse\": 1, \"x\": { ***: 1 2 <- here } }",
         "a comma may be missing before it"},
    };
    CHECK_ROWS(rows);
}

TEST(config_bad_syntax_raw, "single quotes and a byte order mark are named as what they are")
{
    struct fault fault = {0};
    struct config *c = NULL;
    const char *single = "{'hawse': 1}", *mark = "\xef\xbb\xbf{\"hawse\":1}";
    CHECK_EQ(config_parse(single, strlen(single), "c", NULL, 0, &c, &fault), HAWSE_E_FORMAT);
    CHECK_STR(fault.hint, "JSON has texts in double quotes only");
    fault_clear(&fault);
    CHECK_EQ(config_parse(mark, strlen(mark), "c", NULL, 0, &c, &fault), HAWSE_E_FORMAT);
    CHECK_STR(fault.hint, "the file begins with a byte order mark: save it as UTF-8 without one");
    CHECK(c == NULL);
}

TEST(config_bad_excerpt, "of a very long line only what surrounds the fault is shown")
{
    char *text = malloc(400000);
    CHECK(text != NULL);
    size_t n = 0;
    text[n++] = '[';
    for (int i = 0; i < 100000; i++) {
        text[n++] = '1';
        text[n++] = ',';
    }
    text[n++] = 'x';
    for (int i = 0; i < 1000; i++) {
        text[n++] = ',';
        text[n++] = '1';
    }
    struct fault fault = {0};
    struct config *c = NULL;
    CHECK_EQ(config_parse(text, n, "c", NULL, 0, &c, &fault), HAWSE_E_FORMAT);
    free(text);
    CHECK(strlen(fault.message) < 200);
    CHECK(strstr(fault.message, ", *** <- here, 1") != NULL);
}

TEST(config_bad_top,
     "faults at the top are named with the path, what was found and what is allowed")
{
    static const struct row rows[] = {
        {"{}", HAWSE_E_INVAL, CONFIG_FILE ": hawse: is missing",
         "add it: version of this format: 1"},
        {"{'hawse':1}", HAWSE_E_INVAL, CONFIG_FILE ": instances: is missing",
         "add it: configured uses of plugins, by id ([a-z0-9_-], at most 63)"},
        {"{'hawse':2,'instances':{}}", HAWSE_E_INVAL, AT(1) "hawse: found 2, expected 1", ""},
        {"{'hawse':'1','instances':{}}", HAWSE_E_INVAL,
         AT(1) "hawse: found \"1\", expected an integer", ""},
        {"{'hawse':1,'instances':[]}", HAWSE_E_INVAL,
         AT(1) "instances: found an array, expected an object", ""},
        {TOP(",\n'instancse':{}"), HAWSE_E_INVAL, AT(2) "instancse: no such key",
         "did you mean \"instances\"?"},
        {TOP(",'zzz':1"), HAWSE_E_INVAL, AT(1) "zzz: no such key",
         "the keys here are: hawse, log, plugins, lanes, http, control, alerts, record, keys, "
         "chains, "
         "journal, nonces, tx, state_dir, "
         "stop_deadline_ms, instances"},
        {TOP(",'alerts':{'rules':[{'then':'kill'},{'instance':'arb','then':'kill'}]}"),
         HAWSE_E_NOTFOUND, AT(1) "alerts.rules[1].instance: there is no instance \"arb\"",
         "name one of \"instances\", null for all of them, or \"hawse\" for the host's "
         "own alerts"},
        {TOP(",'alerts':{'rules':[{'instance':'hawse','name':'loss','then':'kill'}]}"),
         HAWSE_E_NOTFOUND, AT(1) "alerts.rules[0].name: the host has no alert \"loss\"",
         "it has fees_near_cap, fees_spike, simulation_slow and simulation_drift; null for all of "
         "them"},
        {TOP(",'alerts':{'rules':[{'instance':'hawse','name':'fees_spike','then':'kill'}]}"),
         HAWSE_E_INVAL,
         AT(1) "alerts.rules[0].severity: alerts of the host are warnings: this rule would never "
               "pull anything",
         "set it to \"warning\""},
        {TOP(",'alerts':{'rules':[{'name':'loss'}]}"), HAWSE_E_INVAL,
         AT(1) "alerts.rules[0].then: is missing",
         "add it: sign nothing new for anybody; for the instance; or open the instance's breaker; "
         "of "
         "a chain's alert: for all instances with limits on it"},
        {TOP(",'log':{'levle':'info'}"), HAWSE_E_INVAL, AT(1) "log.levle: no such key",
         "did you mean \"level\"?"},
        {TOP(",'log':{'colour':true}"), HAWSE_E_INVAL, AT(1) "log.colour: no such key",
         KEYS_OF_LOG},
        {TOP(",\n'log':\n{'level':'inof'}"), HAWSE_E_INVAL,
         AT(3) "log.level: found \"inof\", expected one of \"error\", \"warn\", \"info\", "
               "\"debug\"",
         "did you mean \"info\"?"},
        {TOP(",'log':{'level':2}"), HAWSE_E_INVAL, AT(1) "log.level: found 2, expected a string",
         ""},
        {TOP(",'log':{'format':'xml'}"), HAWSE_E_INVAL,
         AT(1) "log.format: found \"xml\", expected one of \"text\", \"json\"", ""},
        {TOP(",'log':{'file':7}"), HAWSE_E_INVAL,
         AT(1) "log.file: found 7, expected string or null", ""},
        {TOP(",'log':null"), HAWSE_E_INVAL, AT(1) "log: found null, expected an object", ""},
        {TOP(",'plugins':{'path':'x'}"), HAWSE_E_INVAL,
         AT(1) "plugins.path: found \"x\", expected an array", ""},
        {TOP(",'plugins':{'path':['x',\n1]}"), HAWSE_E_INVAL,
         AT(2) "plugins.path[1]: found 1, expected a string", ""},
        {TOP(",'plugins':{'path':['']}"), HAWSE_E_INVAL,
         AT(1) "plugins.path[0]: found \"\", expected at least 1 characters", ""},
        {TOP(",'stop_deadline_ms':-1"), HAWSE_E_INVAL,
         AT(1) "stop_deadline_ms: found -1, expected at least 0", ""},
        {TOP(",'stop_deadline_ms':600001"), HAWSE_E_INVAL,
         AT(1) "stop_deadline_ms: found 600001, expected at most 600000", ""},
        {TOP(",'stop_deadline_ms':1.0"), HAWSE_E_INVAL,
         AT(1) "stop_deadline_ms: found 1.0, expected an integer", ""},
        {TOP(",'stop_deadline_ms':9223372036854775807"), HAWSE_E_INVAL,
         AT(1) "stop_deadline_ms: found 9223372036854775807, expected at most 600000", ""},
        {TOP(",'state_dir':''"), HAWSE_E_INVAL,
         AT(1) "state_dir: found \"\", expected at least 1 characters", ""},
        {TOP(",'state_dir':'${HOME}/x'"), HAWSE_E_DENIED, AT(1) "state_dir: " ONLY,
         "write the value itself"},
        {TOP(",'plugins':{'path':['a','file:b']}"), HAWSE_E_DENIED, AT(1) "plugins.path[1]: " ONLY,
         "write the value itself"},
    };
    CHECK_ROWS(rows);
}

TEST(config_bad_services, "addresses and sockets of the host's own services are checked")
{
    static const struct row rows[] = {
        {TOP(",'http':{}"), HAWSE_E_INVAL, AT(1) "http.listen: is missing",
         "add it: HOST:PORT, such as 127.0.0.1:9187"},
        {TOP(",'http':{'listen':'9187'}"), HAWSE_E_INVAL,
         AT(1) "http.listen: found \"9187\", expected HOST:PORT, such as 127.0.0.1:9187 or "
               "[::1]:9187",
         ""},
        {TOP(",'http':{'listen':'h:65536'}"), HAWSE_E_INVAL,
         AT(1) "http.listen: found \"h:65536\", expected HOST:PORT, such as 127.0.0.1:9187 or "
               "[::1]:9187",
         ""},
        {TOP(",'http':{'listen':'::1:9187'}"), HAWSE_E_INVAL,
         AT(1) "http.listen: found \"::1:9187\", expected HOST:PORT, such as 127.0.0.1:9187 or "
               "[::1]:9187",
         ""},
        {TOP(",'http':{'listen':'127.0.0.1:80x'}"), HAWSE_E_INVAL,
         AT(1) "http.listen: found \"127.0.0.1:80x\", expected HOST:PORT, such as 127.0.0.1:9187 "
               "or [::1]:9187",
         ""},
        {TOP(",'control':{'socket':'"
             "0123456789012345678901234567890123456789012345678901234567890123456789"
             "0123456789012345678901234567890123456789'}"),
         HAWSE_E_LIMIT, AT(1) "control.socket: the whole path has 121 bytes, expected at most 107",
         ""},
        {TOP(",'control':'x'"), HAWSE_E_INVAL,
         AT(1) "control: found \"x\", expected object or null", ""},
    };
    CHECK_ROWS(rows);
}

TEST(config_bad_nonces, "a Redis server is named by its numeric address, and not read along")
{
    static const struct row rows[] = {
        {TOP(",'nonces':{'redis':{}}"), HAWSE_E_INVAL, AT(1) "nonces.redis.address: is missing",
         "add it: numeric address, or the path of a Unix socket"},
        {TOP(",'nonces':{'redis':{'address':'redis.example'}}"), HAWSE_E_INVAL,
         AT(1) "nonces.redis.address: \"redis.example\" is no numeric address and no path of a "
               "Unix "
               "socket",
         "write the address itself, as 10.0.0.7 or /run/redis/redis.sock"},
        {TOP(",'nonces':{'redis':{'address':'10.0.0.7'}}"), HAWSE_E_DENIED,
         AT(1) "nonces.redis.address: 10.0.0.7 is another machine, and Redis speaks in the clear",
         "put a tunnel between (WireGuard, stunnel), and set \"insecure\": true"},
        {TOP(",'nonces':{'redis':{'address':'::1','prefix':'file:x'}}"), HAWSE_E_DENIED,
         AT(1) "nonces.redis.prefix: references to secrets are resolved in endpoints and "
               "credentials only",
         "write the value itself"},
    };
    CHECK_ROWS(rows);
}

TEST(config_bad_lanes, "lanes are bounded in number, and those that instances name are there")
{
    static const struct row rows[] = {
        {TOP(",'lanes':{'main':{'cpu':1024}}"), HAWSE_E_INVAL,
         AT(1) "lanes.main.cpu: found 1024, expected at most 1023", ""},
        {TOP(",'lanes':{'main':{'spin_ms':1}}"), HAWSE_E_INVAL,
         AT(1) "lanes.main.spin_ms: no such key", "did you mean \"spin_us\"?"},
        {TOP(",'lanes':{'1':{},'2':{},'3':{},'4':{},'5':{},'6':{},'7':{},'8':{},'9':{},'10':{},"
             "'11':{},'12':{},'13':{},'14':{},'15':{},'16':{}}"),
         HAWSE_E_LIMIT, AT(1) "lanes: found 17 with \"main\", expected at most 16",
         "a lane is a thread: no more of them than CPUs"},
        {TOP(",'lanes':{'a b':{}}"), HAWSE_E_INVAL,
         AT(1) "lanes.a b: a lane's name has 1 to 63 letters, digits, '_' or '-'", ""},
        {ONE(",'lane':'mian'"), HAWSE_E_NOTFOUND, IN_A "lane: there is no lane \"mian\"",
         "did you mean \"main\"?"},
        {ONE(",'lane':'fast'"), HAWSE_E_NOTFOUND, IN_A "lane: there is no lane \"fast\"",
         "the lanes are: main; add lanes.fast, or name one of them"},
    };
    CHECK_ROWS(rows);
}

TEST(config_bad_instance, "faults of an instance are named with its id")
{
    static const struct row rows[] = {
        {SOME("'a':{}"), HAWSE_E_INVAL, IN_A "plugin: is missing",
         "add it: a manifest id, or a path that contains a slash, relative to this file"},
        {SOME("'a':{'plugn':'p'}"), HAWSE_E_INVAL, IN_A "plugn: no such key",
         "did you mean \"plugin\"?"},
        {SOME("'a':7"), HAWSE_E_INVAL, AT(1) "instances.a: found 7, expected an object", ""},
        {SOME("'A':{'plugin':'p'}"), HAWSE_E_INVAL,
         AT(1) "instances.A: an instance's id has 1 to 63 of a-z, 0-9, '_' and '-'", ""},
        {SOME("'':{'plugin':'p'}"), HAWSE_E_INVAL,
         AT(1) "instances.: an instance's id has 1 to 63 of a-z, 0-9, '_' and '-'", ""},
        {SOME("'0123456789012345678901234567890123456789012345678901234567890123':{'plugin':'p'}"),
         HAWSE_E_INVAL,
         AT(1) "instances.0123456789012345678901234567890123456789012345678901234567890123: an "
               "instance's id has 1 to 63 of a-z, 0-9, '_' and '-'",
         ""},
        {SOME("'a':{'plugin':''}"), HAWSE_E_INVAL,
         IN_A "plugin: found \"\", expected at least 1 characters", ""},
        {ONE(",'mode':'livee'"), HAWSE_E_INVAL, IN_A "mode: found \"livee\", " MODES,
         "did you mean \"live\"?"},
        {ONE(",'mode':'dryrun'"), HAWSE_E_INVAL, IN_A "mode: found \"dryrun\", " MODES,
         "did you mean \"dry-run\"?"},
        {ONE(",'allow':'alpha'"), HAWSE_E_INVAL,
         IN_A "allow: found \"alpha\", expected one of \"experimental\", \"beta\", \"stable\"", ""},
        {ONE(",'allow_maturity':'beta'"), HAWSE_E_INVAL, IN_A "allow_maturity: no such key",
         "the keys here are: plugin, enabled, mode, allow, lane, links, endpoints, credentials, "
         "grants, "
         "limits, breaker, features, budget, isolation, worker, queue, patience_ms, settings"},
        {ONE(",'enabled':1"), HAWSE_E_INVAL, IN_A "enabled: found 1, expected a boolean", ""},
        {ONE(",'queue':63"), HAWSE_E_INVAL, IN_A "queue: found 63, expected at least 64", ""},
        {ONE(",'queue':2000000"), HAWSE_E_INVAL,
         IN_A "queue: found 2000000, expected at most 1048576", ""},
        {ONE(",'budget':{'callback_ms':1}"), HAWSE_E_INVAL, IN_A "budget.callback_ms: no such key",
         "did you mean \"callback_us\"?"},
        {ONE(",'budget':{'hang_ms':9}"), HAWSE_E_INVAL,
         IN_A "budget.hang_ms: found 9, expected at least 10", ""},
        {ONE(",'isolation':'thread'"), HAWSE_E_INVAL,
         IN_A "isolation: found \"thread\", expected one of \"none\", \"process\", \"default\"",
         ""},
        {ONE(",'worker':{'memory_mib':0}"), HAWSE_E_INVAL,
         IN_A "worker.memory_mib: found 0, expected at least 1", ""},
        {ONE(",'budget':{'on_overrun':'kill'}"), HAWSE_E_INVAL,
         IN_A "budget.on_overrun: found \"kill\", expected one of \"warn\", \"throttle\", \"stop\"",
         ""},
        {ONE(",'grants':['net','net']"), HAWSE_E_INVAL, IN_A "grants[1]: the same as item 0", ""},
        {ONE(",'grants':[\n'net',\n5]"), HAWSE_E_INVAL,
         AT(3) "instances.a.grants[1]: found 5, expected a string", ""},
        {ONE(",'grants':'net'"), HAWSE_E_INVAL, IN_A "grants: found \"net\", expected an array",
         ""},
        {ONE(",'features':{'f':'yes'}"), HAWSE_E_INVAL,
         IN_A "features.f: found \"yes\", expected a boolean", ""},
        {ONE(",'settings':[]"), HAWSE_E_INVAL, IN_A "settings: found an array, expected an object",
         ""},
        {ONE(",'settings':{'key':'${KEY}'}"), HAWSE_E_DENIED, IN_A "settings.key: " REACH,
         REACH_HINT},
        {ONE(",'settings':{'k':[{'x':'file:/a'}]}"), HAWSE_E_DENIED, IN_A "settings.k[0].x: " REACH,
         REACH_HINT},
        {ONE(",'settings':{'k':'a$${b'}"), HAWSE_E_DENIED, IN_A "settings.k: " REACH, REACH_HINT},
        {ONE(",'grants':['net:wss://${H}']"), HAWSE_E_DENIED, IN_A "grants[0]: " ONLY,
         "write the value itself"},
    };
    CHECK_ROWS(rows);
}

TEST(config_bad_links, "links lead to enabled instances, and a circle is named")
{
    static const struct row rows[] = {
        {SOME("'gnosis':{'plugin':'p'},'b':{'plugin':'q','links':{'chain':'gnosys'}}"),
         HAWSE_E_NOTFOUND, AT(1) "instances.b.links.chain: there is no instance \"gnosys\"",
         "did you mean \"gnosis\"?"},
        {ONE(",'links':{'chain':'polygon'}"), HAWSE_E_NOTFOUND,
         IN_A "links.chain: there is no instance \"polygon\"",
         "add instances.polygon, or remove the link"},
        {ONE(",'links':{'my chain':'a'}"), HAWSE_E_INVAL,
         IN_A "links.my chain: a link's name has 1 to 63 letters, digits, '_' or '-'", ""},
        {ONE(",'links':{'chain':''}"), HAWSE_E_INVAL,
         IN_A "links.chain: found \"\", expected at least 1 characters", ""},
        {SOME("'b':{'plugin':'q','enabled':false},\n'a':{'plugin':'p','links':{'x':'b'}}"),
         HAWSE_E_STATE, AT(2) "instances.a.links.x: instance \"b\" is not enabled",
         "set instances.b.enabled to true, or disable instances.a too"},
        {ONE(",'links':{'x':'a'}"), HAWSE_E_INVAL,
         IN_A "links.x: the links go round in a circle: a -> a", "remove one of these links"},
        {SOME("'z':{'plugin':'p','links':{'x':'a'}},'a':{'plugin':'p','links':{'x':'b'}},"
              "'b':{'plugin':'p','links':{'y':'c'}},'c':{'plugin':'p','links':{'x':'a'}},"
              "'d':{'plugin':'p'}"),
         HAWSE_E_INVAL,
         AT(1) "instances.b.links.y: the links go round in a circle: b -> c -> a -> b",
         "remove one of these links"},
    };
    CHECK_ROWS(rows);
}

TEST(config_bad_urls, "a URL that cannot work or would go out in the clear is refused")
{
    static const struct row rows[] = {
        {ENDPOINT("'url':'ftp://h'"), HAWSE_E_INVAL, IN_WS "url: " URL_SCHEMES, ""},
        {ENDPOINT("'url':'WSS://h'"), HAWSE_E_INVAL, IN_WS "url: " URL_SCHEMES, ""},
        {ENDPOINT("'url':'h:8545'"), HAWSE_E_INVAL, IN_WS "url: " URL_SCHEMES, ""},
        {ENDPOINT("'url':''"), HAWSE_E_INVAL,
         IN_WS "url: found a string, expected at least 1 characters", ""},
        {ENDPOINT("'url':7"), HAWSE_E_INVAL, IN_WS "url: found an integer, expected a string", ""},
        {ONE(",'endpoints':{'ws':7}"), HAWSE_E_INVAL,
         IN_A "endpoints.ws: found 7, expected string or object", ""},
        {ONE(",\n'endpoints':{\n'ws':'wss://'}"), HAWSE_E_INVAL,
         AT(3) "instances.a.endpoints.ws.url: the URL has no host", ""},
        {ENDPOINT("'url':'wss:///path'"), HAWSE_E_INVAL, IN_WS "url: the URL has no host", ""},
        {ENDPOINT("'url':'wss://user@'"), HAWSE_E_INVAL, IN_WS "url: the URL has no host", ""},
        {ENDPOINT("'url':'wss://h/x#part'"), HAWSE_E_INVAL,
         IN_WS "url: the URL has a fragment (#...), which is never sent", ""},
        {ENDPOINT("'url':'wss://h:0'"), HAWSE_E_INVAL,
         IN_WS "url: the URL's port must be 1 to 65535", ""},
        {ENDPOINT("'url':'wss://h:65536'"), HAWSE_E_INVAL,
         IN_WS "url: the URL's port must be 1 to 65535", ""},
        {ENDPOINT("'url':'wss://h:'"), HAWSE_E_INVAL,
         IN_WS "url: the URL's port must be 1 to 65535", ""},
        {ENDPOINT("'url':'wss://h:80 '"), HAWSE_E_INVAL, IN_WS "url: " URL_SIGNS, ""},
        {ENDPOINT("'url':'wss://h\\n.x'"), HAWSE_E_INVAL, IN_WS "url: " URL_SIGNS, ""},
        {ENDPOINT("'url':'wss://h\\\\@evil/'"), HAWSE_E_INVAL, IN_WS "url: " URL_SIGNS, ""},
        {ENDPOINT("'url':'wss://b\xc3\xbc"
                  "cher.example'"),
         HAWSE_E_INVAL, IN_WS "url: " URL_SIGNS, ""},
        {ENDPOINT("'url':'wss://::1/'"), HAWSE_E_INVAL, IN_WS "url: the URL has no host", ""},
        {ENDPOINT("'url':'wss://[::1'"), HAWSE_E_INVAL, IN_WS "url: " URL_HOST, ""},
        {ENDPOINT("'url':'wss://[12345::]/'"), HAWSE_E_INVAL, IN_WS "url: " URL_HOST, ""},
        {ENDPOINT("'url':'wss://a%20b/'"), HAWSE_E_INVAL, IN_WS "url: " URL_HOST, ""},
        {ENDPOINT("'url':'ws://node.example/k?key=hunter2'"), HAWSE_E_DENIED,
         IN_WS "url: ws://node.example/k?key=*** goes to another machine without TLS",
         "use wss://, or set \"insecure\": true on this endpoint"},
        {ENDPOINT("'url':'http://u:hunter2@10.0.0.1'"), HAWSE_E_DENIED,
         IN_WS "url: http://***@10.0.0.1 goes to another machine without TLS",
         "use https://, or set \"insecure\": true on this endpoint"},
        {ENDPOINT("'url':'ws://127.evil.example/'"), HAWSE_E_DENIED,
         IN_WS "url: ws://127.evil.example/ goes to another machine without TLS",
         "use wss://, or set \"insecure\": true on this endpoint"},
        {ENDPOINT("'url':'ws://[::2]/'"), HAWSE_E_DENIED,
         IN_WS "url: ws://[::2]/ goes to another machine without TLS",
         "use wss://, or set \"insecure\": true on this endpoint"},
    };
    CHECK_ROWS(rows);
}

TEST(config_bad_endpoints, "faults of an endpoint are named with its name")
{
    static const struct row rows[] = {
        {ENDPOINT("'headers':{}"), HAWSE_E_INVAL, IN_WS "url: is missing",
         "add it: ws, wss, http or https; ${NAME} reads the environment, file:PATH a file of mode "
         "600, $${ is a plain ${"},
        {ENDPOINT("'url':'wss://h','tls':true"), HAWSE_E_INVAL, IN_WS "tls: no such key",
         "the keys here are: chain, url, headers, proxy, ca_file, insecure, deflate, "
         "validate_utf8, "
         "connect_timeout_ms, request_timeout_ms, ping_ms, idle_ms, backoff_min_ms, "
         "backoff_max_ms"},
        {ENDPOINT("'url':'wss://h','header':{}"), HAWSE_E_INVAL, IN_WS "header: no such key",
         "did you mean \"headers\"?"},
        {ENDPOINT("'url':'wss://h','ping':1"), HAWSE_E_INVAL, IN_WS "ping: no such key",
         "did you mean \"ping_ms\"?"},
        {ENDPOINT("'url':'wss://h','ping_ms':3600001"), HAWSE_E_INVAL,
         IN_WS "ping_ms: found 3600001, expected at most 3600000", ""},
        {ENDPOINT("'url':'wss://h','backoff_min_ms':400,'backoff_max_ms':300"), HAWSE_E_INVAL,
         IN_WS "backoff_min_ms: found 400, expected at most backoff_max_ms, which is 300", ""},
        {ENDPOINT("'url':'wss://h','headers':{'A':5}"), HAWSE_E_INVAL,
         IN_WS "headers.A: found an integer, expected a string", ""},
        {ENDPOINT("'url':'wss://h','headers':{'A B':'x'}"), HAWSE_E_INVAL,
         IN_WS "headers.A B: a header's name has letters, digits and '-', no spaces or colons", ""},
        {ENDPOINT("'url':'wss://h','headers':{'A':'x\\r\\nHost: evil'}"), HAWSE_E_INVAL,
         IN_WS "headers.A: a header's value is one line without control characters", ""},
        {ENDPOINT("'url':'wss://h','headers':{'A':'x','a':'y'}"), HAWSE_E_EXISTS,
         IN_WS "headers.a: the same header as \"A\"", ""},
        {ENDPOINT("'url':'wss://h','headers':{'Sec-WebSocket-Key':'x'}"), HAWSE_E_INVAL,
         IN_WS "headers.Sec-WebSocket-Key: the host writes this header itself", "remove it"},
        {ENDPOINT("'url':'wss://h','headers':{'host':'x'}"), HAWSE_E_INVAL,
         IN_WS "headers.host: the host writes this header itself", "remove it"},
        {ENDPOINT("'url':'wss://h','proxy':'socks5://p:1'"), HAWSE_E_INVAL,
         IN_WS "proxy: expected a URL that begins with http://, https:// or socks5h://", ""},
        {ENDPOINT("'url':'wss://h','proxy':'http://:1'"), HAWSE_E_INVAL,
         IN_WS "proxy: the URL has no host", ""},
        {ENDPOINT("'url':'wss://h','ca_file':'/nowhere.pem'"), HAWSE_E_NOTFOUND,
         IN_WS "ca_file: cannot read /nowhere.pem: No such file or directory", ""},
        {ENDPOINT("'url':'wss://h','insecure':'yes'"), HAWSE_E_INVAL,
         IN_WS "insecure: found \"yes\", expected a boolean", ""},
        {ONE(",'endpoints':{'w s':'wss://h'}"), HAWSE_E_INVAL, IN_A "endpoints.w s: " ENDPOINTS_64,
         ""},
    };
    CHECK_ROWS(rows);
}

TEST(config_bad_depth, "settings that are nested without end are refused, not followed")
{
    static char text[8192];
    size_t at = (size_t)snprintf(text, sizeof(text),
                                 "{'hawse':1,'instances':{'a':{'plugin':'p',"
                                 "'settings':{'x':");
    for (int i = 0; i < 1000; i++)
        at += (size_t)snprintf(text + at, sizeof(text) - at, "[");
    for (int i = 0; i < 1000; i++)
        at += (size_t)snprintf(text + at, sizeof(text) - at, "]");
    (void)snprintf(text + at, sizeof(text) - at, "}}}}");
    struct config *c = NULL;
    struct fault fault;
    CHECK_EQ(parse_with(text, NULL, 0, &c, &fault), HAWSE_E_LIMIT);
    CHECK(strstr(fault.message, "nested deeper than 64") != NULL);
}

TEST(config_bad_count, "more instances than the host has room for are refused")
{
    static char text[16384];
    size_t at = (size_t)snprintf(text, sizeof(text), "{'hawse':1,'instances':{");
    for (int i = 0; i < 251; i++)
        at += (size_t)snprintf(text + at, sizeof(text) - at, "%s'i%d':{'plugin':'p'}", i ? "," : "",
                               i);
    (void)snprintf(text + at, sizeof(text) - at, "}}");
    bad_with(text, NULL, 0, HAWSE_E_LIMIT, AT(1) "instances: found 251, expected at most 250", "");
}

TEST(config_bad_printable, "what a stranger wrote cannot steer the terminal that shows a fault")
{
    bad_with(TOP(",'\\u001b[31mred\\u009b':1"), NULL, 0, HAWSE_E_INVAL,
             CONFIG_FILE ": ?[31mred??: no such key",
             "the keys here are: hawse, log, plugins, lanes, http, control, alerts, record, keys, "
             "chains, "
             "journal, nonces, tx, state_dir, "
             "stop_deadline_ms, instances");
}
