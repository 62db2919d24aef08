/*
 * Configurations: what a good one becomes, and the words for what is wrong with a bad one.
 */
#include "test_config.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- good ones ---- */

TEST(config_smallest, "the smallest configuration is accepted and everything has its default")
{
    (void)unsetenv("HAWSE_PLUGIN_PATH");
    struct config *c = good("{'hawse':1,'instances':{}}");
    CHECK_STR(c->path, CONFIG_FILE);
    CHECK_EQ(c->instance_count, 0);
    CHECK_EQ(c->log_level, HAWSE_LOG_INFO);
    CHECK_EQ(c->log_format, LOG_FORMAT_TEXT);
    CHECK(c->log_file == NULL && c->http_listen == NULL && c->control_path == NULL);
    CHECK_STR(c->state_dir, "/etc/hawse/state");
    CHECK_EQ(c->stop_deadline_ms, 5000);
    CHECK_EQ(c->lane_count, 1);
    CHECK_STR(c->lanes[0].name, "main");
    CHECK_EQ(c->lanes[0].cpu, -1);
    CHECK_EQ(c->lanes[0].spin_us, 0);
    CHECK_EQ(c->plugin_path_count, 2);
    CHECK_STR(c->plugin_path[0], "/etc/hawse/plugins");
    CHECK(c->plugin_path[1][0] == '/');
    config_destroy(c);
    config_destroy(NULL);
}

TEST(config_process, "what holds for the whole process is read, paths from the file's folder on")
{
    (void)setenv("HAWSE_PLUGIN_PATH", "/opt/one::/opt/two", 1);
    struct config *c = good("{'hawse':1,'instances':{},'log':{'level':'debug','format':'json',"
                            "'file':'logs/h.log'},'plugins':{'path':['mine','/abs']},"
                            "'lanes':{'main':{'cpu':3,'spin_us':50}},"
                            "'http':{'listen':'[::1]:9187'},'control':{'socket':'/run/h.sock'},"
                            "'state_dir':'/var/lib/hawse','stop_deadline_ms':0}");
    CHECK_EQ(c->log_level, HAWSE_LOG_DEBUG);
    CHECK_EQ(c->log_format, LOG_FORMAT_JSON);
    CHECK_STR(c->log_file, "/etc/hawse/logs/h.log");
    CHECK_STR(c->http_listen, "[::1]:9187");
    CHECK_STR(c->control_path, "/run/h.sock");
    CHECK_STR(c->state_dir, "/var/lib/hawse");
    CHECK_EQ(c->stop_deadline_ms, 0);
    CHECK_EQ(c->lanes[0].cpu, 3);
    CHECK_EQ(c->lanes[0].spin_us, 50);
    CHECK_EQ(c->plugin_path_count, 6);
    const char *const want[] = {"/etc/hawse/mine", "/abs", "/etc/hawse/plugins", "/opt/one",
                                "/opt/two"};
    for (size_t i = 0; i < 5; i++)
        CHECK_STR(c->plugin_path[i], want[i]);
    config_destroy(c);
}

TEST(config_lanes, "lanes are read by name, main is always among them, and instances name theirs")
{
    struct config *c = good("{'hawse':1,'lanes':{'fast':{'cpu':1,'spin_us':20}},'instances':{"
                            "'a':{'plugin':'p','lane':'fast'},'b':{'plugin':'p'}}}");
    CHECK_EQ(c->lane_count, 2);
    CHECK_STR(c->lanes[0].name, "fast");
    CHECK_EQ(c->lanes[0].cpu, 1);
    CHECK_EQ(c->lanes[0].spin_us, 20);
    CHECK_STR(c->lanes[1].name, "main");
    CHECK_STR(config_find(c, "a")->lane, "fast");
    CHECK_STR(config_find(c, "b")->lane, "main");
    config_destroy(c);
}

TEST(config_instance_defaults,
     "an instance that names only its plugin gets the documented defaults")
{
    struct config *c = good(ONE(",'endpoints':{'ws':'wss://node.example/x'}"));
    const struct config_instance *in = config_find(c, "a");
    CHECK(in != NULL && config_find(c, "b") == NULL);
    CHECK_STR(in->plugin, "p");
    CHECK(in->enabled);
    CHECK_EQ(in->mode, MODE_SHADOW);
    CHECK_EQ(in->allow, MATURITY_STABLE);
    CHECK_STR(in->lane, "main");
    CHECK_EQ(in->link_count + in->grant_count + in->feature_count, 0);
    CHECK_EQ(in->budget.callback_us, 0);
    CHECK_EQ(in->budget.hang_ms, 2000);
    CHECK_EQ(in->budget.on_overrun, OVERRUN_THROTTLE);
    CHECK_EQ(in->budget.on_hang, HANG_ABANDON);
    CHECK_EQ(in->isolation, ISOLATION_DEFAULT);
    CHECK_EQ(c->trusted_count, 0);
    CHECK(c->isolates);
    CHECK_EQ(in->worker.memory_mib, 256);
    CHECK_EQ(in->worker.restarts, 5);
    CHECK_EQ(in->worker.backoff_ms, 100);
    CHECK_EQ(in->worker.cpu, -1);
    CHECK_EQ(in->worker.spin_us, 0);
    CHECK_EQ(in->queue, 4096);
    CHECK_EQ(in->patience_ms, 1000);
    CHECK_STR(in->settings, "{}");
    const struct config_endpoint *e = config_endpoint_find(in, "ws");
    CHECK(e != NULL && config_endpoint_find(in, "http") == NULL);
    CHECK_STR(e->url, "wss://node.example/x");
    CHECK_STR(e->display, "wss://node.example/x");
    CHECK(!e->insecure && !e->deflate && e->validate_utf8 && !e->proxy && !e->ca_file);
    CHECK_EQ(e->connect_timeout_ms, 10000);
    CHECK_EQ(e->request_timeout_ms, 10000);
    CHECK_EQ(e->ping_ms, 20000);
    CHECK_EQ(e->idle_ms, 60000);
    CHECK_EQ(e->backoff_min_ms, 250);
    CHECK_EQ(e->backoff_max_ms, 30000);
    config_destroy(c);
}

TEST(config_instance_full, "every field of an instance and of an endpoint reaches the struct")
{
    struct config *c = good(
        SOME("'a':{'plugin':'./x/p.so','enabled':true,'mode':'canary','allow':'beta','lane':'main',"
             "'links':{'chain':'b'},'endpoints':{'ws':{'url':'ws://10.0.0.1:80','insecure':true,"
             "'headers':{'X-A':'1','X-B':'2'},'proxy':'socks5h://127.0.0.1:9050',"
             "'ca_file':'/etc/passwd','deflate':true,'validate_utf8':false,"
             "'connect_timeout_ms':10,'request_timeout_ms':20,'ping_ms':0,'idle_ms':0,"
             "'backoff_min_ms':1,'backoff_max_ms':1}},'grants':['net','rpc:eth_call'],"
             "'features':{'f':true,'g':false},'budget':{'callback_us':7,'hang_ms':10,"
             "'on_overrun':'stop','on_hang':'exit'},'queue':1030,'patience_ms':5,"
             "'isolation':'process','worker':{'memory_mib':7,'restarts':0,'backoff_ms':3,'cpu':1,"
             "'spin_us':50},"
             "'settings':{'z':[1,{'y':null}],'a':1.5}},'b':{'plugin':'q'}"));
    CHECK_STR(c->instances[0].id, "b");
    const struct config_instance *in = &c->instances[1];
    CHECK_STR(in->plugin, "/etc/hawse/./x/p.so");
    CHECK_EQ(in->mode, MODE_CANARY);
    CHECK_EQ(in->allow, MATURITY_BETA);
    CHECK_STR(in->links[0].name, "chain");
    CHECK_STR(in->links[0].target, "b");
    CHECK_EQ(in->grant_count, 2);
    CHECK_STR(in->grants[1], "rpc:eth_call");
    CHECK_EQ(in->feature_count, 2);
    CHECK(in->features[0].enabled && !in->features[1].enabled);
    CHECK_EQ(in->budget.callback_us, 7);
    CHECK_EQ(in->budget.hang_ms, 10);
    CHECK_EQ(in->budget.on_overrun, OVERRUN_STOP);
    CHECK_EQ(in->budget.on_hang, HANG_EXIT);
    CHECK_EQ(in->isolation, ISOLATION_PROCESS);
    CHECK_EQ(in->worker.memory_mib, 7);
    CHECK_EQ(in->worker.restarts, 0);
    CHECK_EQ(in->worker.backoff_ms, 3);
    CHECK_EQ(in->worker.cpu, 1);
    CHECK_EQ(in->worker.spin_us, 50);
    CHECK_EQ(in->queue, 2048);
    CHECK_EQ(in->patience_ms, 5);
    CHECK_STR(in->settings, "{\"a\":1.5,\"z\":[1,{\"y\":null}]}");
    const struct config_endpoint *e = &in->endpoints[0];
    CHECK(e->insecure && e->deflate && !e->validate_utf8);
    CHECK_EQ(e->header_count, 2);
    CHECK_STR(e->headers[1].name, "X-B");
    CHECK_STR(e->headers[1].value, "2");
    CHECK_STR(e->proxy, "socks5h://127.0.0.1:9050");
    CHECK_STR(e->ca_file, "/etc/passwd");
    CHECK_EQ(e->connect_timeout_ms + e->request_timeout_ms, 30);
    CHECK_EQ(e->ping_ms + e->idle_ms, 0);
    CHECK_EQ(e->backoff_min_ms + e->backoff_max_ms, 2);
    config_destroy(c);
}

TEST(config_schema_is_sound, "the configuration's own schema is one that the checker takes")
{
    struct fault fault = {0};
    json_t *schema = json_loads(config_schema(), 0, NULL);
    CHECK(schema != NULL);
    if (schema_check(schema, "schema", &fault) != HAWSE_OK)
        FAIL("%s", fault.message);
    json_decref(schema);
}

/* ---- order ---- */

static void check_order(const char *instances, const char *want)
{
    char text[1024], got[256] = "";
    (void)snprintf(text, sizeof(text), "{'hawse':1,'instances':{%s}}", instances);
    struct config *c = good(text);
    for (size_t i = 0; i < c->instance_count; i++) {
        size_t at = strlen(got);
        (void)snprintf(got + at, sizeof(got) - at, "%s%s", i ? " " : "", c->instances[i].id);
    }
    CHECK_STR(got, want);
    config_destroy(c);
}

#define NODE(id, links) "'" id "':{'plugin':'p','links':{" links "}}"

TEST(config_order, "instances come after those they link to, otherwise in the file's order")
{
    check_order(NODE("a", "") "," NODE("b", "") "," NODE("c", ""), "a b c");
    check_order(NODE("c", "'x':'a'") "," NODE("a", "") "," NODE("d", ""), "a c d");
    check_order(
        NODE("d", "'x':'c'") "," NODE("c", "'x':'b'") "," NODE("b", "'x':'a'") "," NODE("a", ""),
        "a b c d");
    check_order(NODE("a", "'x':'b','y':'c'") "," NODE("b", "'x':'d'") "," NODE(
                    "c", "'x':'d'") "," NODE("d", "") "," NODE("e", ""),
                "d b c a e");
}

TEST(config_order_disabled, "links of a disabled instance bind nobody, not even in a circle")
{
    struct config *c = good(SOME("'a':{'plugin':'p','enabled':false,'links':{'x':'b','y':'gone'}},"
                                 "'b':{'plugin':'p','enabled':false,'links':{'x':'a'}}"));
    CHECK_EQ(c->instance_count, 2);
    CHECK_STR(c->instances[0].id, "a");
    CHECK(!c->instances[0].enabled);
    config_destroy(c);
}

TEST(config_order_random, "in any graph without a circle every link leads backwards")
{
    for (int round = 0; round < 200; round++) {
        char text[8192] = "{\"hawse\":1,\"instances\":{";
        unsigned n = 1 + (unsigned)(test_random() % 20);
        unsigned rank[20]; /* links lead from higher to lower rank */
        for (unsigned i = 0; i < n; i++)
            rank[i] = (unsigned)(test_random() % 100);
        for (unsigned i = 0; i < n; i++) {
            size_t at = strlen(text);
            (void)snprintf(text + at, sizeof(text) - at, "%s\"i%u\":{\"plugin\":\"p\",\"links\":{",
                           i ? "," : "", i);
            unsigned links = 0;
            for (unsigned k = 0; k < n; k++) {
                at = strlen(text);
                if (rank[k] < rank[i] && test_random() % 4 == 0)
                    (void)snprintf(text + at, sizeof(text) - at, "%s\"l%u\":\"i%u\"",
                                   links++ ? "," : "", k, k);
            }
            at = strlen(text);
            (void)snprintf(text + at, sizeof(text) - at, "}}");
        }
        (void)snprintf(text + strlen(text), sizeof(text) - strlen(text), "}}");
        struct config *c = good(text);
        CHECK_EQ(c->instance_count, n);
        for (size_t i = 0; i < c->instance_count; i++) {
            for (size_t l = 0; l < c->instances[i].link_count; l++)
                CHECK(config_find(c, c->instances[i].links[l].target) < &c->instances[i]);
        }
        config_destroy(c);
    }
}

/* ---- equality ---- */

TEST(config_equal, "two instances are alike exactly when no field differs")
{
    static const char *const changes[] = {
        ",'enabled':false",
        ",'mode':'live'",
        ",'allow':'beta'",
        ",'queue':8192",
        ",'patience_ms':1",
        ",'links':{'x':'b'}",
        ",'grants':['net']",
        ",'features':{'f':true}",
        ",'budget':{'callback_us':1}",
        ",'budget':{'hang_ms':11}",
        ",'budget':{'on_overrun':'warn'}",
        ",'budget':{'on_hang':'exit'}",
        ",'isolation':'process'",
        ",'worker':{'memory_mib':1}",
        ",'worker':{'restarts':1}",
        ",'worker':{'backoff_ms':1}",
        ",'worker':{'cpu':1}",
        ",'worker':{'spin_us':1}",
        ",'settings':{'x':1}",
        ",'endpoints':{'ws':'wss://h'}",
        ",'endpoints':{'ws':'wss://i'}",
        ",'endpoints':{'wt':'wss://h'}",
        ",'endpoints':{'ws':{'url':'wss://h','insecure':true}}",
        ",'endpoints':{'ws':{'url':'wss://h','deflate':true}}",
        ",'endpoints':{'ws':{'url':'wss://h','validate_utf8':false}}",
        ",'endpoints':{'ws':{'url':'wss://h','headers':{'a':'b'}}}",
        ",'endpoints':{'ws':{'url':'wss://h','headers':{'a':'c'}}}",
        ",'endpoints':{'ws':{'url':'wss://h','proxy':'http://p'}}",
        ",'endpoints':{'ws':{'url':'wss://h','ca_file':'/etc/passwd'}}",
        ",'endpoints':{'ws':{'url':'wss://h','connect_timeout_ms':11}}",
        ",'endpoints':{'ws':{'url':'wss://h','request_timeout_ms':11}}",
        ",'endpoints':{'ws':{'url':'wss://h','ping_ms':1}}",
        ",'endpoints':{'ws':{'url':'wss://h','idle_ms':1}}",
        ",'endpoints':{'ws':{'url':'wss://h','backoff_min_ms':1}}",
        ",'endpoints':{'ws':{'url':'wss://h','backoff_max_ms':30001}}",
        "",
    };
    enum { COUNT = sizeof(changes) / sizeof(changes[0]) };
    struct config *all[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        char text[512];
        (void)snprintf(text, sizeof(text),
                       "{'hawse':1,'instances':{'b':{'plugin':'q'},'a':{'plugin':'p'%s}}}",
                       changes[i]);
        all[i] = good(text);
    }
    for (size_t i = 0; i < COUNT; i++) {
        for (size_t k = 0; k < COUNT; k++) {
            bool same = config_instance_equal(config_find(all[i], "a"), config_find(all[k], "a"));
            if (same != (i == k))
                FAIL("%s and %s: alike %d", changes[i], changes[k], same);
        }
    }
    for (size_t i = 0; i < COUNT; i++)
        config_destroy(all[i]);
}

/* ---- files ---- */

static void write_file(char path[128], const char *name, const char *text, size_t len)
{
    (void)snprintf(path, 128, "%s/%s", test_tmp_dir(), name);
    FILE *f = fopen(path, "w");
    CHECK(f && fwrite(text, 1, len, f) == len && fclose(f) == 0);
}

TEST(config_from_file, "a file is loaded by any path to it; its own folder counts, not the current")
{
    char path[128], want[160];
    const char *text = "{\"hawse\":1,\"instances\":{}}\n";
    write_file(path, "c.json", text, strlen(text));
    CHECK_EQ(chdir(test_tmp_dir()), 0);
    struct config *c = NULL;
    struct fault fault = {0};
    CHECK_EQ(config_load("./c.json", NULL, 0, &c, &fault), HAWSE_OK);
    CHECK_STR(c->path, path);
    (void)snprintf(want, sizeof(want), "%s/state", test_tmp_dir());
    CHECK_STR(c->state_dir, want);
    config_destroy(c);
}

TEST(config_file_faults, "a file that is missing, a folder, too large or cut by a NUL is refused")
{
    struct config *c = NULL;
    struct fault fault = {0};
    CHECK_EQ(config_load("/nowhere/h.json", NULL, 0, &c, &fault), HAWSE_E_NOTFOUND);
    CHECK_STR(fault.message,
              "cannot open the configuration /nowhere/h.json: No such file or directory");
    fault_clear(&fault);
    CHECK_EQ(config_load("/tmp", NULL, 0, &c, &fault), HAWSE_E_IO);
    CHECK_STR(fault.message, "cannot read the configuration /tmp: Is a directory");
    fault_clear(&fault);
    char path[128];
    char *large = malloc(CONFIG_BYTES + 2);
    CHECK(large != NULL);
    memset(large, ' ', CONFIG_BYTES + 2);
    write_file(path, "large.json", large, CONFIG_BYTES + 1);
    free(large);
    CHECK_EQ(config_load(path, NULL, 0, &c, &fault), HAWSE_E_LIMIT);
    CHECK(strstr(fault.message, "larger than 1024 KiB") != NULL);
    fault_clear(&fault);
    static const char nul[] = "{\"hawse\":1,\"instances\":{}}\0{";
    write_file(path, "nul.json", nul, sizeof(nul) - 1);
    CHECK_EQ(config_load(path, NULL, 0, &c, &fault), HAWSE_E_FORMAT);
    CHECK(c == NULL);
    CHECK_EQ(config_load(path, NULL, 0, &c, NULL), HAWSE_E_FORMAT);
}
