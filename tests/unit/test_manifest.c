/*
 * Manifests: what a good one becomes, the words for what is wrong with a bad one, and settings
 * against the schema that a plugin brings. Texts are written with ' for ".
 */
#include "base/schema.h"
#include "json_sweep.h"
#include "plugin/manifest.h"
#include "plugin/manifest_rules.h"

#include <harness.h>
#include <hawse/service/sub.h>
#include <hawse/types.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEAD       "'id':'org.example.x','version':'1.2.3','abi':'1.0','kind':'chain'"
#define WITH(more) "{" HEAD "," more "}"

static char *quoted(const char *text)
{
    char *copy = strdup(text);
    for (char *p = copy; p && *p; p++)
        *p = *p == '\'' ? '"' : *p;
    CHECK(copy != NULL);
    return copy;
}

static struct manifest *good(const char *text)
{
    struct manifest *m = NULL;
    struct fault fault = {0};
    char *json = quoted(text);
    if (manifest_parse(json, strlen(json), &m, &fault) != HAWSE_OK)
        FAIL("%s: %s (%s)", text, fault.message, fault.hint);
    free(json);
    return m;
}

static void unquote(char *text)
{
    for (; *text; text++)
        *text = *text == '"' ? '\'' : *text;
}

static void bad(const char *text, int32_t code, const char *message, const char *hint)
{
    struct manifest *m = NULL;
    struct fault fault = {0};
    char *json = quoted(text);
    int32_t got = manifest_parse(json, strlen(json), &m, &fault);
    unquote(fault.message);
    unquote(fault.hint);
    if (got == HAWSE_OK || strcmp(fault.message, message) != 0 || strcmp(fault.hint, hint) != 0)
        FAIL("%s\n#  got    %s\n#         (%s)\n#  wanted %s\n#         (%s)", text, fault.message,
             fault.hint, message, hint);
    CHECK_EQ(got, code);
    CHECK(m == NULL);
    free(json);
}

/* ---- good ones ---- */

TEST(manifest_smallest, "four keys make a manifest; what is not said is empty or experimental")
{
    struct manifest *m = good("{" HEAD "}");
    CHECK_STR(m->id, "org.example.x");
    CHECK_STR(m->version, "1.2.3");
    CHECK_STR(m->kind, "chain");
    CHECK_EQ(m->abi_major, 1);
    CHECK_EQ(m->abi_minor, 0);
    CHECK_EQ(m->maturity, MATURITY_EXPERIMENTAL);
    CHECK(!m->description && !m->license && !m->source && !m->fork && !m->config_schema);
    CHECK_EQ(m->service_count + m->provide_count + m->produce_count + m->consume_count, 0);
    CHECK_EQ(m->capability_count + m->feature_count + m->stream_count + m->warning_count, 0);
    CHECK_EQ(m->callback_us, 0);
    manifest_destroy(m);
    manifest_destroy(NULL);
}

TEST(manifest_full, "every key of a manifest reaches the struct")
{
    struct manifest *m = good(
        "{'id':'com.example-x.venue_1','version':'0.1.0-rc.1+build.7','abi':'1.12','kind':'venue',"
        "'description':'trades','license':'MIT','source':'https://example.com/x','fork':'hawse',"
        "'maturity':'beta','requires':{'hawse.sub/1':'1','hawse.stream/1':'>=1.0',"
        "'hawse.timer/1':'1.x'},'provides':{'org.example.quotes/1':'1.2','evm.chain':'1'},"
        "'produces':['market/1','org.example.y/2'],'consumes':['evm/1'],"
        "'capabilities':['net','rpc:eth_call','sign:eip712:domain'],"
        "'features':{'fast':{'maturity':'experimental','description':'faster'},"
        "'slow':{'maturity':'stable'}},'streams':{'a':{'overflow':'lossless'},"
        "'b':{'overflow':'latest'},'c':{'overflow':'drop-oldest'}},"
        "'budget':{'callback_us':500},'config':{'type':'object','properties':{}}}");
    CHECK_EQ(m->abi_minor, 12);
    CHECK_STR(m->description, "trades");
    CHECK_STR(m->license, "MIT");
    CHECK_STR(m->source, "https://example.com/x");
    CHECK_STR(m->fork, "hawse");
    CHECK_EQ(m->maturity, MATURITY_BETA);
    CHECK_EQ(m->service_count, 3);
    CHECK_STR(m->services[1], "hawse.stream/1");
    CHECK_EQ(m->provide_count, 2);
    CHECK_STR(m->provides[0], "org.example.quotes/1");
    CHECK_EQ(m->produce_count, 2);
    CHECK_STR(m->produces[1], "org.example.y/2");
    CHECK_STR(m->consumes[0], "evm/1");
    CHECK_EQ(m->capability_count, 3);
    CHECK_STR(m->capabilities[2], "sign:eip712:domain");
    CHECK_EQ(m->feature_count, 2);
    CHECK_STR(m->features[0].name, "fast");
    CHECK_EQ(m->features[0].maturity, MATURITY_EXPERIMENTAL);
    CHECK_STR(m->features[0].description, "faster");
    CHECK_EQ(m->features[1].maturity, MATURITY_STABLE);
    CHECK(m->features[1].description == NULL);
    CHECK_EQ(m->streams[0].policy, HAWSE_POLICY_LOSSLESS);
    CHECK_EQ(m->streams[1].policy, HAWSE_POLICY_LATEST);
    CHECK_EQ(m->streams[2].policy, HAWSE_POLICY_DROP_OLDEST);
    CHECK_EQ(m->callback_us, 500);
    CHECK(json_is_object(m->config_schema));
    CHECK_EQ(m->warning_count, 0);
    manifest_destroy(m);
}

TEST(manifest_warnings, "unknown keys and unknown capabilities warn, at every depth")
{
    struct manifest *m =
        good(WITH("'descripton':'x','x-note':[1],'features':{'f':{'maturity':'beta','why':'x'}},"
                  "'capabilities':['nett','disk:1','rpc']"));
    CHECK_EQ(m->warning_count, 5);
    CHECK_STR(m->warnings[0], "manifest.descripton: no such key; did you mean \"description\"?");
    CHECK_STR(m->warnings[1], "manifest.x-note: no such key");
    CHECK_STR(m->warnings[2], "manifest.features.f.why: no such key");
    CHECK_STR(m->warnings[3],
              "manifest.capabilities[0]: this host knows no \"nett\"; did you mean \"net\"?");
    CHECK_STR(m->warnings[4], "manifest.capabilities[1]: this host knows no \"disk\"");
    CHECK_EQ(m->feature_count, 1);
    CHECK_EQ(m->capability_count, 3);
    manifest_destroy(m);
}

TEST(manifest_schema_is_sound, "the manifest's own schema is one that the checker takes")
{
    struct fault fault = {0};
    json_t *schema = json_loads(manifest_schema_text, 0, NULL);
    CHECK(schema != NULL);
    if (schema_check(schema, "schema", &fault) != HAWSE_OK)
        FAIL("%s", fault.message);
    json_decref(schema);
}

TEST(manifest_versions, "versions are semantic ones, as semver.org counts them")
{
    static const char *const fine[] = {"0.0.0",       "10.20.30", "1.0.0-alpha",
                                       "1.0.0-a.1.-", "1.0.0+x",  "1.0.0-x+y.z"};
    static const char *const wrong[] = {"",           "1",         "1.2",    "1.2.3.4",
                                        "01.2.3",     "1.2.x",     "1.2.3-", "1.2.3+",
                                        "1.2.3-a..b", "1.2.3-a.",  "1.2.3 ", "v1.2.3",
                                        "1.2.3-+a",   "1.2.3+a+b", "-1.2.3", "1.2.1234567"};
    char text[256], want[256];
    for (size_t i = 0; i < sizeof(fine) / sizeof(fine[0]); i++) {
        (void)snprintf(text, sizeof(text), "{'id':'a.b','version':'%s','abi':'1.0','kind':'sink'}",
                       fine[i]);
        manifest_destroy(good(text));
    }
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        (void)snprintf(text, sizeof(text), "{'id':'a.b','version':'%s','abi':'1.0','kind':'sink'}",
                       wrong[i]);
        (void)snprintf(want, sizeof(want),
                       "manifest.version: found '%s', expected a semantic version, such as 1.2.0",
                       wrong[i]);
        bad(text, HAWSE_E_FORMAT, want, "");
    }
}

/* ---- bad ones ---- */

#define ABI_IS(abi)  "{'id':'a.b','version':'1.0.0','abi':'" abi "','kind':'sink'}"
#define ID_IS(id)    "{'id':'" id "','version':'1.0.0','abi':'1.0','kind':'sink'}"
#define ABI_BAD(abi) "manifest.abi: found '" abi "', expected MAJOR.MINOR, such as 1.0"
#define ID_BAD(id)                                                              \
    "manifest.id: found '" id "', expected reverse DNS in lower case, such as " \
    "org.example.weather"
#define RANGE(id, r) WITH("'requires':{'" id "':'" r "'}")
#define RANGE_BAD(r) "manifest.requires.x/1: found '" r "', expected a range: '1', '1.x' or '>=1.0'"
#define SERVICE_BAD(id) \
    "manifest.requires: found '" id "', expected NAME/MAJOR, such as hawse.stream/1"
#define MATURITIES "expected one of 'experimental', 'beta', 'stable'"
#define KINDS      "expected one of 'chain', 'venue', 'protocol', 'strategy', 'sink'"

struct row {
    const char *text;
    int32_t code;
    const char *message, *hint;
};

static void check(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        bad(rows[i].text, rows[i].code, rows[i].message, rows[i].hint);
}
#define CHECK_ROWS(rows) check(rows, sizeof(rows) / sizeof((rows)[0]))

TEST(manifest_bad_head, "id, version, abi and kind are there and well formed")
{
    static const struct row rows[] = {
        {"", HAWSE_E_FORMAT,
         "manifest: not JSON: line 1, column 0: '[' or '{' expected near end of file", ""},
        {"{'id':1 2}", HAWSE_E_FORMAT,
         "manifest: not JSON: line 1, column 9: '}' expected near '2'", ""},
        {"{'id':1,'id':2}", HAWSE_E_FORMAT,
         "manifest: not JSON: line 1, column 12: duplicate object key near ''id''", ""},
        {"[]", HAWSE_E_INVAL, "manifest: found an array, expected an object", ""},
        {"{}", HAWSE_E_INVAL, "manifest.id: is missing",
         "add it: reverse DNS, such as org.example.weather"},
        {"{'id':'a.b'}", HAWSE_E_INVAL, "manifest.version: is missing",
         "add it: semantic version, such as 1.2.0"},
        {"{'id':'a.b','version':'1.0.0'}", HAWSE_E_INVAL, "manifest.abi: is missing",
         "add it: MAJOR.MINOR of the ABI it was built against, such as 1.0"},
        {"{'id':'a.b','version':'1.0.0','abi':'1.0'}", HAWSE_E_INVAL, "manifest.kind: is missing",
         "add it: chain, venue, protocol, strategy or sink"},
        {"{'id':7,'version':'1.0.0','abi':'1.0','kind':'sink'}", HAWSE_E_INVAL,
         "manifest.id: found 7, expected a string", ""},
        {ID_IS("ab"), HAWSE_E_INVAL, "manifest.id: found 'ab', expected at least 3 characters", ""},
        {ID_IS("abc"), HAWSE_E_FORMAT, ID_BAD("abc"), ""},
        {ID_IS("Org.x"), HAWSE_E_FORMAT, ID_BAD("Org.x"), ""},
        {ID_IS("org..x"), HAWSE_E_FORMAT, ID_BAD("org..x"), ""},
        {ID_IS(".org"), HAWSE_E_FORMAT, ID_BAD(".org"), ""},
        {ID_IS("org."), HAWSE_E_FORMAT, ID_BAD("org."), ""},
        {ID_IS("org/x.y"), HAWSE_E_FORMAT, ID_BAD("org/x.y"), ""},
        {ABI_IS(""), HAWSE_E_FORMAT, ABI_BAD(""), ""},
        {ABI_IS("1"), HAWSE_E_FORMAT, ABI_BAD("1"), ""},
        {ABI_IS("1."), HAWSE_E_FORMAT, ABI_BAD("1."), ""},
        {ABI_IS(" 1.0"), HAWSE_E_FORMAT, ABI_BAD(" 1.0"), ""},
        {ABI_IS("-1.0"), HAWSE_E_FORMAT, ABI_BAD("-1.0"), ""},
        {ABI_IS("1.0.0"), HAWSE_E_FORMAT, ABI_BAD("1.0.0"), ""},
        {ABI_IS("4294967297.0"), HAWSE_E_FORMAT, ABI_BAD("4294967297.0"), ""},
        {ABI_IS("2.0"), HAWSE_E_UNSUPPORTED,
         "manifest.abi: the plugin speaks ABI 2.0, this host 1.0",
         "build the plugin with an SDK of ABI 1"},
        {ABI_IS("0.9"), HAWSE_E_UNSUPPORTED,
         "manifest.abi: the plugin speaks ABI 0.9, this host 1.0",
         "build the plugin with an SDK of ABI 1"},
        {"{'id':'a.b','version':'1.0.0','abi':'1.0','kind':'stratgy'}", HAWSE_E_INVAL,
         "manifest.kind: found 'stratgy', " KINDS, "did you mean 'strategy'?"},
    };
    CHECK_ROWS(rows);
}

TEST(manifest_bad_body, "wrong types, ids, ranges and choices refuse the plugin")
{
    static const struct row rows[] = {
        {WITH("'description':5"), HAWSE_E_INVAL, "manifest.description: found 5, expected a string",
         ""},
        {WITH("'maturity':'alpha'"), HAWSE_E_INVAL, "manifest.maturity: found 'alpha', " MATURITIES,
         ""},
        {WITH("'requires':['x/1']"), HAWSE_E_INVAL,
         "manifest.requires: found an array, expected an object", ""},
        {WITH("'requires':{'x/1':1}"), HAWSE_E_INVAL,
         "manifest.requires.x/1: found 1, expected a string", ""},
        {RANGE("x", "1"), HAWSE_E_FORMAT, SERVICE_BAD("x"), ""},
        {RANGE("x/", "1"), HAWSE_E_FORMAT, SERVICE_BAD("x/"), ""},
        {RANGE("x/0", "1"), HAWSE_E_FORMAT, SERVICE_BAD("x/0"), ""},
        {RANGE("/1", "1"), HAWSE_E_FORMAT, SERVICE_BAD("/1"), ""},
        {RANGE("x/1", ""), HAWSE_E_FORMAT, RANGE_BAD(""), ""},
        {RANGE("x/1", "1.0"), HAWSE_E_FORMAT, RANGE_BAD("1.0"), ""},
        {RANGE("x/1", "^1.0"), HAWSE_E_FORMAT, RANGE_BAD("^1.0"), ""},
        {RANGE("x/1", ">=1"), HAWSE_E_FORMAT, RANGE_BAD(">=1"), ""},
        {RANGE("x/1", "1.x.x"), HAWSE_E_FORMAT, RANGE_BAD("1.x.x"), ""},
        {RANGE("x/1", "2.x"), HAWSE_E_INVAL,
         "manifest.requires.x/1: found the range '2.x', expected one of major 1", ""},
        {RANGE("hawse.sub/1", ">=1.3"), HAWSE_E_UNSUPPORTED,
         "manifest.requires.hawse.sub/1: found '>=1.3', this host has 1.0",
         "a newer hawse may have it"},
        {WITH("'provides':{'X':'1'}"), HAWSE_E_FORMAT,
         "manifest.provides: found 'X', expected the id of an interface, such as "
         "org.example.quotes/1",
         ""},
        {WITH("'provides':{'x':'>=1.0'}"), HAWSE_E_FORMAT,
         "manifest.provides.x: found '>=1.0', expected a version: '1' or '1.0'", ""},
        {WITH("'produces':'evm/1'"), HAWSE_E_INVAL,
         "manifest.produces: found 'evm/1', expected an array", ""},
        {WITH("'produces':['evm']"), HAWSE_E_FORMAT,
         "manifest.produces[0]: found 'evm', expected NAME/MAJOR, such as evm/1", ""},
        {WITH("'produces':['evm/1','intent/1']"), HAWSE_E_DENIED,
         "manifest.produces[1]: found 'intent/1', which the host alone tells",
         "publish in a space of your own, such as org.example.outcomes/1"},
        {WITH("'produces':['host/1']"), HAWSE_E_DENIED,
         "manifest.produces[0]: found 'host/1', which the host alone tells",
         "publish in a space of your own, such as org.example.outcomes/1"},
        {WITH("'consumes':['evm/1','evm/1']"), HAWSE_E_INVAL,
         "manifest.consumes[1]: the same as item 0", ""},
        {WITH("'consumes':['evm/1','evm/x']"), HAWSE_E_FORMAT,
         "manifest.consumes[1]: found 'evm/x', expected NAME/MAJOR, such as evm/1", ""},
        {WITH("'capabilities':['']"), HAWSE_E_INVAL,
         "manifest.capabilities[0]: found '', expected at least 1 characters", ""},
        {WITH("'capabilities':['net wss']"), HAWSE_E_FORMAT,
         "manifest.capabilities[0]: found 'net wss', expected ASCII without spaces", ""},
        {WITH("'features':{'f':'beta'}"), HAWSE_E_INVAL,
         "manifest.features.f: found 'beta', expected an object", ""},
        {WITH("'features':{'f':{}}"), HAWSE_E_INVAL, "manifest.features.f.maturity: is missing",
         "add it: below stable it is off unless the operator switches it on"},
        {WITH("'features':{'f g':{'maturity':'beta'}}"), HAWSE_E_FORMAT,
         "manifest.features: found 'f g', expected a name of 1 to 63 letters, digits, '_', '-' or "
         "'.'",
         ""},
        {WITH("'streams':{'s':{'overflow':'drop_oldest'}}"), HAWSE_E_INVAL,
         "manifest.streams.s.overflow: found 'drop_oldest', expected one of 'lossless', 'latest', "
         "'drop-oldest'",
         "did you mean 'drop-oldest'?"},
        {WITH("'streams':{'':{'overflow':'latest'}}"), HAWSE_E_FORMAT,
         "manifest.streams: found '', expected a name of 1 to 63 letters, digits, '_', '-' or '.'",
         ""},
        {WITH("'budget':{'callback_us':0}"), HAWSE_E_INVAL,
         "manifest.budget.callback_us: found 0, expected at least 1", ""},
        {WITH("'config':[]"), HAWSE_E_INVAL, "manifest.config: found an array, expected an object",
         ""},
        {WITH("'config':{'type':'array'}"), HAWSE_E_FORMAT,
         "manifest.config.type: expected 'object': settings are an object", ""},
        {WITH("'config':{'properties':{'n':{'pattern':'x'}}}"), HAWSE_E_UNSUPPORTED,
         "manifest.config.properties.n: this host cannot check the keyword 'pattern'",
         "leave it out, and let the plugin check it in create"},
        {WITH("'config':{'properties':{'n':{'type':'integer','default':'x'}}}"), HAWSE_E_INVAL,
         "manifest.config.properties.n.default: found 'x', expected an integer", ""},
    };
    CHECK_ROWS(rows);
}

/* ---- settings ---- */

#define SCHEMA                                                                               \
    WITH("'config':{'type':'object','required':['pools'],'properties':{"                     \
         "'pools':{'type':'array','minItems':1,'uniqueItems':true,'items':{'type':'string'," \
         "'format':'address'},'description':'addresses of pools'},"                          \
         "'window':{'type':'integer','minimum':16,'maximum':4096,'default':256},"            \
         "'mode':{'enum':['fast','exact'],'default':'exact'},"                               \
         "'more':{'type':'object','default':{},'properties':{'deep':{'default':true}}}}}")
#define POOL "'0x720eab2d138b7a083b5bc1418c28dd8edbbcf092'"

static void settings(const char *manifest, const char *text, int32_t code, const char *want)
{
    struct manifest *m = good(manifest);
    struct fault fault = {0};
    char *json = quoted(text), *out = NULL;
    int32_t got = manifest_check_settings(m, "instances.a.settings", json, &out, &fault);
    CHECK((got == HAWSE_OK) == (out != NULL));
    char said[1100];
    (void)snprintf(said, sizeof(said), "%s%s%s", out ? out : fault.message,
                   fault.hint[0] ? "; " : "", fault.hint);
    unquote(said);
    if (strcmp(said, want) != 0)
        FAIL("%s\n#  got    %s\n#  wanted %s", text, said, want);
    CHECK_EQ(got, code);
    free(out);
    free(json);
    manifest_destroy(m);
}

TEST(settings_good, "good settings come back in one form, with the defaults filled in")
{
    settings(SCHEMA, "{'pools':[" POOL "]}", HAWSE_OK,
             "{'mode':'exact','more':{'deep':true},'pools':[" POOL "],'window':256}");
    settings(SCHEMA, "{'window':16,'pools':[" POOL "],'more':{'deep':1},'mode':'fast'}", HAWSE_OK,
             "{'mode':'fast','more':{'deep':1},'pools':[" POOL "],'window':16}");
    settings("{" HEAD "}", "{'any':[1,{}]}", HAWSE_OK, "{'any':[1,{}]}");
    settings(WITH("'config':{}"), "{}", HAWSE_OK, "{}");
}

TEST(settings_bad, "bad settings are named with the instance's path, and what the plugin allows")
{
    settings(SCHEMA, "{}", HAWSE_E_INVAL,
             "instances.a.settings.pools: is missing; add it: addresses of pools");
    settings(SCHEMA, "{'pool':[]}", HAWSE_E_INVAL,
             "instances.a.settings.pool: no such key; did you mean 'pools'?");
    settings(SCHEMA, "{'pools':[" POOL "," POOL "]}", HAWSE_E_INVAL,
             "instances.a.settings.pools[1]: the same as item 0");
    settings(SCHEMA, "{'pools':['0x12']}", HAWSE_E_INVAL,
             "instances.a.settings.pools[0]: found '0x12', expected an address: 0x and 40 hex "
             "digits");
    settings(SCHEMA, "{'pools':[" POOL "],'window':5000}", HAWSE_E_INVAL,
             "instances.a.settings.window: found 5000, expected at most 4096");
    settings(SCHEMA, "{'pools':[" POOL "],'mode':'exakt'}", HAWSE_E_INVAL,
             "instances.a.settings.mode: found 'exakt', expected one of 'fast', 'exact'; did you "
             "mean 'exact'?");
    settings(SCHEMA, "{'pools':[" POOL "],'more':{'deeep':1}}", HAWSE_E_INVAL,
             "instances.a.settings.more.deeep: no such key; did you mean 'deep'?");
    settings(WITH("'config':{}"), "{'x':1}", HAWSE_E_INVAL,
             "instances.a.settings.x: no such key; there are no keys here");
    settings(SCHEMA, "[]", HAWSE_E_FORMAT, "instances.a.settings: expected a JSON object");
    settings(SCHEMA, "{'pools'", HAWSE_E_FORMAT, "instances.a.settings: expected a JSON object");
}

/* ---- memory ---- */

TEST_LIMIT(manifest_memory, 60, "whichever allocation fails, parsing and checking only say so")
{
    char *json = quoted(WITH("'description':'d','license':'l','source':'s','fork':'f','zz':1,"
                             "'requires':{'hawse.sub/1':'1'},'provides':{'x':'1'},"
                             "'produces':['a/1'],'consumes':['b/1'],'capabilities':['net','zz'],"
                             "'features':{'f':{'maturity':'beta','description':'d'}},"
                             "'streams':{'s':{'overflow':'latest'}},'config':{'properties':{"
                             "'n':{'default':{'m':[1,'x']},'additionalProperties':true},"
                             "'l':{'uniqueItems':true}}}"));
    uint64_t failures = 0;
    for (uint64_t n = 1;; n++) {
        struct manifest *m = NULL;
        struct fault fault = {0};
        char *out = NULL;
        int64_t live = test_alloc_live();
        sweep_begin(n);
        int32_t code = manifest_parse(json, strlen(json), &m, &fault);
        if (code == HAWSE_OK)
            code = manifest_check_settings(m, "s", "{\"l\":[1,2]}", &out, &fault);
        bool reached = sweep_end();
        if (code != HAWSE_OK) {
            failures++;
            CHECK(code < 0 && fault.code == code && fault.message[0] && out == NULL);
        } else {
            CHECK_STR(out, "{\"l\":[1,2],\"n\":{\"m\":[1,\"x\"]}}");
            CHECK(m->warning_count == 2 && m->feature_count == 1 && m->features[0].description);
            CHECK(m->description && m->license && m->source && m->fork);
        }
        free(out);
        manifest_destroy(m);
        if (test_alloc_live() != live)
            FAIL("allocation %d failed: %d more are left than before", (int)n,
                 (int)(test_alloc_live() - live));
        if (!reached)
            break;
    }
    CHECK(failures > 300);
    free(json);
}
