/*
 * Logins of venues: the signatures of the venue's own client, every refusal of a credential and of
 * what is to be signed, and that none of it repeats a secret.
 */
#include "test_config.h"

#include "sign/polymarket.h"

#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <sys/stat.h>

#define ADDRESS "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
#define API_KEY "9180014b-33c8-9240-a14b-bdca11c0a465"
#define SECRET  "-_8BAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4="
#define PHRASE  "s3cr3t-passphrase"
#define PLACES                                                                      \
    "'endpoints':{'clob':'https://clob.example','user':'wss://ws.example/ws/user'," \
    "'near':'ws://127.0.0.1:1','plain':{'url':'ws://ws.example','insecure':true}}"
#define VALUES                                                                         \
    "'address':'" ADDRESS "','api_key':'" API_KEY "','secret':'${HAWSE_TEST_SECRET}'," \
    "'passphrase':'${HAWSE_TEST_PHRASE}'"
#define LOGIN(schema, where, values)                                                      \
    ONE("," PLACES ",'credentials':{'me':{'schema':'" schema "','endpoints':[" where "]," \
        "'values':{" values "}}}")

static void set_secrets(void)
{
    (void)setenv("HAWSE_TEST_SECRET", SECRET, 1);
    (void)setenv("HAWSE_TEST_PHRASE", PHRASE, 1);
    (void)setenv("HAWSE_TEST_SPACE", "two words", 1);
    (void)setenv("HAWSE_TEST_PLAIN", "no base64!", 1);
}

static struct credential *make(struct config **config)
{
    struct credential *c = NULL;
    struct fault fault = {0};
    set_secrets();
    *config = good(LOGIN("polymarket-l2", "'clob','user'", VALUES));
    const struct config_instance *in = config_find(*config, "a");
    if (credential_make(in, &in->credentials[0], &c, &fault) != HAWSE_OK)
        FAIL("%s", fault.message);
    return c;
}

static hawse_view_t view(const char *text)
{
    return (hawse_view_t){(const uint8_t *)text, strlen(text)};
}

TEST(sign_hmac, "L2 signatures are those of the venue's client")
{
    char path[512];
    json_error_t error;
    (void)snprintf(path, sizeof(path), "%s/vectors/polymarket-l2-hmac.json", test_source_dir());
    json_t *root = json_load_file(path, 0, &error), *row;
    size_t i;
    CHECK(root != NULL);
    json_array_foreach(json_object_get(root, "rows"), i, row)
    {
        uint8_t key[64];
        size_t key_len = 0;
        char out[POLY_SIGNATURE];
        const char *hex = json_string_value(json_object_get(row, "secret_hex"));
        const char *body = json_string_value(json_object_get(row, "body"));
        CHECK(sodium_hex2bin(key, sizeof(key), hex, strlen(hex), NULL, &key_len, NULL) == 0);
        struct sign_request r = {
            .method = json_string_value(json_object_get(row, "method")),
            .path = view(json_string_value(json_object_get(row, "request_path"))),
            .body = view(body ? body : ""),
            .utc_s = (uint64_t)json_integer_value(json_object_get(row, "timestamp")),
        };
        polymarket_hmac(key, key_len, &r, out);
        CHECK_STR(out, json_string_value(
                           json_object_get(json_object_get(row, "headers"), "POLY_SIGNATURE")));
    }
    CHECK(i >= 20);
    json_decref(root);
}

TEST(sign_attest, "L1 signatures are those of the venue's client")
{
    char path[512];
    json_error_t error;
    (void)snprintf(path, sizeof(path), "%s/vectors/polymarket-l1-auth.json", test_source_dir());
    json_t *root = json_load_file(path, 0, &error), *row;
    size_t i, len = 0;
    CHECK(root != NULL);
    json_array_foreach(json_object_get(root, "rows"), i, row)
    {
        uint8_t secret[32], signature[65];
        char text[133] = "0x";
        struct key *key = NULL;
        const json_t *headers = json_object_get(row, "headers");
        const json_t *named = json_object_get(json_object_get(root, "keys"),
                                              json_string_value(json_object_get(row, "key")));
        const char *hex = json_string_value(json_object_get(named, "private_key"));
        CHECK(sodium_hex2bin(secret, 32, hex + 2, 64, NULL, &len, NULL) == 0);
        CHECK_EQ(key_from_secret(KEY_SECP256K1, secret, &key, NULL), HAWSE_OK);
        uint64_t nonce = strtoull(json_string_value(json_object_get(row, "nonce")), NULL, 10);
        uint64_t time = strtoull(json_string_value(json_object_get(row, "timestamp")), NULL, 10);
        CHECK_EQ(polymarket_attest(key,
                                   (uint64_t)json_integer_value(json_object_get(row, "chain_id")),
                                   nonce, time, signature),
                 HAWSE_OK);
        (void)sodium_bin2hex(text + 2, 131, signature, 65);
        CHECK_STR(text, json_string_value(json_object_get(headers, "POLY_SIGNATURE")));
        key_free(key);
    }
    CHECK(i >= 8);
    json_decref(root);
}

TEST(sign_login, "a wallet's key asks for its API key and signs nothing else; then it is as L2")
{
    static const char *const bad[] = {
        "", "{}", "[]", "{\"apiKey\":\"a b\",\"secret\":\"" SECRET "\",\"passphrase\":\"x\"}",
        "{\"apiKey\":\"a\",\"secret\":\"~\",\"passphrase\":\"x\"}"};
    (void)setenv("HAWSE_TEST_KEY",
                 "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80", 1);
    struct config *config = good(LOGIN("polymarket-l1", "'clob'", "'key':'${HAWSE_TEST_KEY}'"));
    const struct config_instance *in = config_find(config, "a");
    struct credential *c = NULL;
    struct fault fault = {0};
    char out[SIGN_HEADERS_MAX], *text = NULL;
    size_t len = 0;
    struct sign_request r = {.method = "GET", .path = view("/data/orders"), .utc_s = 1780449126};
    CHECK_EQ(credential_make(in, &in->credentials[0], &c, &fault), HAWSE_OK);
    CHECK_STR(credential_login_path(c), "/auth/derive-api-key");
    CHECK_EQ(sign_headers(c, &r, out, &len, &fault), HAWSE_E_STATE);
    CHECK_EQ(
        sign_message(c, view("{\"type\":\"user\",\"auth\":\"$credential\"}"), &text, &len, &fault),
        HAWSE_E_STATE);
    CHECK(!credential_is(c, view("")));
    CHECK_EQ(sign_login_headers(c, 1780449126, out, &len), HAWSE_OK);
    out[len] = '\0';
    CHECK_STR(out, "POLY_ADDRESS: " ADDRESS "\nPOLY_SIGNATURE: "
                   "0x868a3dfd8dce2ebf6fa47d25b2bec8518b594f4300073d1b6610d65fa888fcc133676ba53ce9c"
                   "556a2e8c656b324b232de1b2e881e5b1497e6b0a3e02820475c1c\n"
                   "POLY_TIMESTAMP: 1780449126\nPOLY_NONCE: 0\n");
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        uint8_t body[512] = {0};
        memset(&fault, 0, sizeof(fault));
        memcpy(body, bad[i], strlen(bad[i]));
        CHECK_EQ(sign_login_answer(c, (hawse_view_t){body, strlen(bad[i])}, &fault),
                 HAWSE_E_FORMAT);
        CHECK(!strstr(fault.message, SECRET));
        CHECK_EQ(sign_headers(c, &r, out, &len, &fault), HAWSE_E_STATE);
    }
    uint8_t body[512] =
        "{\"apiKey\":\"" API_KEY "\",\"secret\":\"" SECRET "\",\"passphrase\":\"" PHRASE "\"}";
    memset(&fault, 0, sizeof(fault));
    CHECK_EQ(sign_login_answer(c, (hawse_view_t){body, strlen((char *)body)}, &fault), HAWSE_OK);
    CHECK_EQ(sign_headers(c, &r, out, &len, &fault), HAWSE_OK);
    out[len] = '\0';
    CHECK(strstr(out, "POLY_SIGNATURE: cguSZc5n4bueDyQUJrsLgFGw7ZUpVoyxC_BGPUca9xA=\n"));
    CHECK(credential_is(c, view(API_KEY)));
    r.method = "POST";
    CHECK_EQ(sign_headers(c, &r, out, &len, &fault), HAWSE_E_DENIED);
    credential_free(c);
    config_destroy(config);
}

TEST(sign_headers, "a request that reads gets the venue's headers; its query is not signed")
{
    struct config *config;
    struct credential *c = make(&config);
    char plain[SIGN_HEADERS_MAX], queried[SIGN_HEADERS_MAX];
    size_t len = 0, queried_len = 0;
    struct fault fault = {0};
    struct sign_request r = {.method = "GET", .path = view("/data/orders"), .utc_s = 1780449126};
    CHECK_EQ(sign_headers(c, &r, plain, &len, &fault), HAWSE_OK);
    plain[len] = '\0';
    CHECK_STR(plain, "POLY_ADDRESS: " ADDRESS "\n"
                     "POLY_SIGNATURE: cguSZc5n4bueDyQUJrsLgFGw7ZUpVoyxC_BGPUca9xA=\n"
                     "POLY_TIMESTAMP: 1780449126\nPOLY_API_KEY: " API_KEY "\n"
                     "POLY_PASSPHRASE: " PHRASE "\n");
    r.path = view("/data/orders?next_cursor=MA==");
    CHECK_EQ(sign_headers(c, &r, queried, &queried_len, &fault), HAWSE_OK);
    CHECK(queried_len == len && memcmp(plain, queried, len) == 0);
    credential_free(c);
    config_destroy(config);
}

TEST(sign_denied, "what changes something, and what answers with keys, is not signed")
{
    static const struct {
        const char *method, *path;
    } bad[] = {{"POST", "/order"}, {"DELETE", "/orders"},
               {"PUT", "/x"},      {"PATCH", "/x"},
               {"HEAD", "/ok"},    {"GET", "/auth/derive-api-key"},
               {"GET", "/auth"},   {"GET", "/auth/api-keys?x"}};
    struct config *config;
    struct credential *c = make(&config);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char out[SIGN_HEADERS_MAX] = "";
        size_t len = 0;
        struct fault fault = {0};
        struct sign_request r = {.method = bad[i].method, .path = view(bad[i].path)};
        CHECK_EQ(sign_headers(c, &r, out, &len, &fault), HAWSE_E_DENIED);
        CHECK(len == 0 && out[0] == '\0' && fault.hint[0]);
        CHECK(!strstr(fault.message, PHRASE));
    }
    credential_free(c);
    config_destroy(config);
}

TEST(sign_message, "the first message of the user channel, and no other, gets the login")
{
    static const char login[] =
        "{\"apiKey\":\"" API_KEY "\",\"secret\":\"" SECRET "\",\"passphrase\":\"" PHRASE "\"}";
    static const char market[] =
        "0x5f65177b394277fd294cd75650044e32ba009a95022d88a0c1d565897d72f8f1";
    static const char *const forms[][2] = {
        {"{\"type\":\"user\",\"auth\":", "}"},
        {" { \"auth\" : ", " , \"type\":\"user\", \"markets\":[] } "},
    };
    static const char *const bad[] = {
        "",
        "{}",
        "\"$credential\"",
        "[\"$credential\"]",
        "{\"type\":\"user\"}",
        "{\"auth\":\"$credential\"}",
        "{\"type\":\"market\",\"auth\":\"$credential\"}",
        "{\"type\":\"user\",\"auth\":\"$credential\",\"auth\":\"$credential\"}",
        "{\"type\":\"user\",\"auth\":\"$credential\",\"echo\":\"$credential\"}",
        "{\"type\":\"user\",\"auth\":\"$credential\",\"markets\":[\"$credential\"]}",
        "{\"type\":\"user\",\"auth\":\"$credential\",\"markets\":\"0x\"}",
        "{\"type\":\"user\",\"auth\":\"$credential \"}",
        "{\"type\":\"user\",\"auth\":[\"$credential\"]}",
        "{\"type\":\"user\",\"auth\":\"$credential\"",
        "{\"type\":\"user\",\"auth\":\"$credential\"}{}",
        "{\"type\":\"$credential\",\"auth\":\"user\"}",
        "{\"type\":\"us\\u0065r\",\"auth\":\"$credential\"}",
    };
    struct config *config;
    struct credential *c = make(&config);
    char text[512], want[512], *out = NULL;
    size_t len = 0;
    struct fault fault = {0};
    for (size_t i = 0; i < 2; i++) {
        (void)snprintf(text, sizeof(text), "%s%s%s", forms[i][0], SIGN_PLACEHOLDER, forms[i][1]);
        (void)snprintf(want, sizeof(want), "%s%s%s", forms[i][0], login, forms[i][1]);
        CHECK_EQ(sign_message(c, view(text), &out, &len, &fault), HAWSE_OK);
        CHECK(len == strlen(want) && memcmp(out, want, len) == 0);
        secret_free(out);
    }
    (void)snprintf(text, sizeof(text),
                   "{\"type\":\"user\",\"auth\":" SIGN_PLACEHOLDER ",\"markets\":[\"%s\"]}",
                   market);
    CHECK_EQ(sign_message(c, view(text), &out, &len, &fault), HAWSE_OK);
    secret_free(out);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        memset(&fault, 0, sizeof(fault));
        out = NULL;
        if (sign_message(c, view(bad[i]), &out, &len, &fault) != HAWSE_E_DENIED || out)
            FAIL("filled in: %s", bad[i]);
        CHECK(fault.hint[0] && !strstr(fault.message, SECRET));
    }
    credential_free(c);
    config_destroy(config);
}

TEST(sign_names, "an account is known by its key's id and its address, not by its secrets")
{
    struct config *config;
    struct credential *c = make(&config);
    CHECK(credential_is(c, view(API_KEY)));
    CHECK(credential_is(c, view("0xF39FD6E51AAD88F6F4CE6AB8827279CFFFB92266")));
    CHECK(!credential_is(c, view(PHRASE)) && !credential_is(c, view(SECRET)));
    CHECK(!credential_is(c, view("")) && !credential_is(c, view("9180014b")));
    CHECK(!credential_is(c, view("9180014b-33c8-9240-a14b-bdca11c0a466")));
    CHECK(credential_endpoint(c, "user") && !credential_endpoint(c, "near"));
    CHECK(!credential_endpoint(c, "use") && !credential_endpoint(c, ""));
    credential_free(c);
    config_destroy(config);
}

TEST(sign_values, "a credential that is not what its schema needs is refused in words")
{
    static const struct {
        const char *text, *want;
    } bad[] = {
        {LOGIN("polymarket-l3", "'clob'", VALUES), "me.schema: this host knows no login"},
        {LOGIN("polymarket-l2", "'clob'", "'address':'" ADDRESS "'"), "\"api_key\" is missing"},
        {LOGIN("polymarket-l1", "'clob'", "'nonce':'1'"), "\"key\" is missing"},
        {LOGIN("polymarket-l1", "'clob'", "'key':'0x12'"), "values.key: a secret stands in"},
        {LOGIN("polymarket-l1", "'clob'", "'key':'${HAWSE_TEST_PHRASE}'"),
         "values.key: expected the private key"},
        {LOGIN("polymarket-l2", "'clob'", VALUES ",'x':'y'"), "values.x: \"polymarket-l2\" has no"},
        {LOGIN("polymarket-l2", "'clob'",
               "'address':'" ADDRESS "','api_key':'k','secret':'" SECRET "','passphrase':'" PHRASE
               "'"),
         "values.secret: a secret stands in the configuration itself"},
        {LOGIN("polymarket-l2", "'clob'",
               "'address':'" ADDRESS "','api_key':'k','secret':'${HAWSE_TEST_PLAIN}',"
               "'passphrase':'${HAWSE_TEST_PHRASE}'"),
         "values.secret: expected one word"},
        {LOGIN("polymarket-l2", "'clob'",
               "'address':'" ADDRESS "','api_key':'k','secret':'${HAWSE_TEST_PHRASE}x',"
               "'passphrase':'${HAWSE_TEST_SPACE}'"),
         "values.passphrase: expected one word"},
        {LOGIN("polymarket-l2", "'clob'",
               "'address':'" ADDRESS "','api_key':'k','secret':'${HAWSE_TEST_PHRASE}~~',"
               "'passphrase':'${HAWSE_TEST_PHRASE}'"),
         "values.secret: expected base64"},
        {LOGIN("polymarket-l2", "'clob'",
               "'address':'0xf39fd6e51aad88F6F4ce6aB8827279cffFb92266','api_key':'k',"
               "'secret':'${HAWSE_TEST_SECRET}','passphrase':'${HAWSE_TEST_PHRASE}'"),
         "values.address: expected the address"},
    };
    set_secrets();
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct config *config = good(bad[i].text);
        const struct config_instance *in = config_find(config, "a");
        struct credential *c = NULL;
        struct fault fault = {0};
        CHECK(credential_make(in, &in->credentials[0], &c, &fault) != HAWSE_OK && !c);
        if (!strstr(fault.message, bad[i].want))
            FAIL("%zu: found \"%s\", expected \"%s\"", i, fault.message, bad[i].want);
        CHECK(!strstr(fault.message, PHRASE) && !strstr(fault.message, SECRET));
        config_destroy(config);
    }
}

TEST(sign_places,
     "a login never goes where others can read it, nor to an endpoint that is not there")
{
    set_secrets();
    config_destroy(good(LOGIN("polymarket-l2", "'clob','user','near'", VALUES)));
    struct config *config = NULL;
    struct fault fault;
    CHECK_EQ(parse_with(LOGIN("polymarket-l2", "'plain'", VALUES), NULL, 0, &config, &fault),
             HAWSE_E_DENIED);
    CHECK(strstr(fault.message, "endpoint \"plain\" would send a login in plain text"));
    CHECK_EQ(parse_with(LOGIN("polymarket-l2", "'usr'", VALUES), NULL, 0, &config, &fault),
             HAWSE_E_NOTFOUND);
    CHECK(strstr(fault.message, "no endpoint \"usr\""));
    CHECK_EQ(parse_with(ONE(",'endpoints':{'n':{'url':'ws://127.0.0.1:1','proxy':"
                            "'http://proxy.example:1'}},'credentials':{'me':{'schema':'x',"
                            "'endpoints':['n'],'values':{}}}"),
                        NULL, 0, &config, &fault),
             HAWSE_E_DENIED);
}

TEST(sign_explain,
     "explain shows that there is a login, and nothing of it; a new secret is a change")
{
    set_secrets();
    struct config *config = good(LOGIN("polymarket-l2", "'clob'", VALUES));
    char *text = config_explain(config, NULL, false);
    CHECK(strstr(text, "instances.a.credentials.me.schema") && strstr(text, "polymarket-l2"));
    CHECK(!strstr(text, SECRET) && !strstr(text, PHRASE) && !strstr(text, API_KEY));
    free(text);
    struct config *same = good(LOGIN("polymarket-l2", "'clob'", VALUES));
    CHECK(config_instance_equal(config_find(config, "a"), config_find(same, "a")));
    (void)setenv("HAWSE_TEST_PHRASE", "another", 1);
    struct config *other = good(LOGIN("polymarket-l2", "'clob'", VALUES));
    CHECK(!config_instance_equal(config_find(config, "a"), config_find(other, "a")));
    config_destroy(config);
    config_destroy(same);
    config_destroy(other);
}
