/*
 * The schema checker: every keyword by a value that passes and one that does not, schemas that are
 * none, and schemas that would cost too much. Texts are written with ' for ".
 */
#include "base/schema.h"

#include <harness.h>
#include <hawse/types.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static json_t *json(const char *text)
{
    char *copy = strdup(text);
    json_error_t error;
    for (char *p = copy; p && *p; p++)
        *p = *p == '\'' ? '"' : *p;
    json_t *value = json_loads(copy, JSON_DECODE_ANY, &error);
    if (!value)
        FAIL("%s: %s", text, error.text);
    free(copy);
    return value;
}

/* The words for what is wrong, or the value with its defaults. */
static void check(const char *schema_text, const char *value_text, const char *want)
{
    char got[1200];
    struct fault fault = {0};
    json_t *schema = json(schema_text), *value = json(value_text);
    if (schema_check(schema, "schema", &fault) != HAWSE_OK)
        FAIL("%s: %s", schema_text, fault.message);
    if (schema_apply(schema, value, "v", &fault) == HAWSE_OK) {
        char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_SORT_KEYS);
        (void)snprintf(got, sizeof(got), "%s", text);
        free(text);
    } else {
        (void)snprintf(got, sizeof(got), "%s%s%s", fault.message, fault.hint[0] ? "; " : "",
                       fault.hint);
    }
    for (char *p = got; *p; p++)
        *p = *p == '"' ? '\'' : *p;
    if (strcmp(got, want) != 0)
        FAIL("%s on %s:\n#  got    %s\n#  wanted %s", schema_text, value_text, got, want);
    json_decref(schema);
    json_decref(value);
}

TEST(schema_types, "type takes a name or several; integers are numbers, and 1.0 is no integer")
{
    check("{'type':'integer'}", "1", "1");
    check("{'type':'integer'}", "1.0", "v: found 1.0, expected an integer");
    check("{'type':'number'}", "1", "1");
    check("{'type':'number'}", "1.5", "1.5");
    check("{'type':'number'}", "'1'", "v: found '1', expected a number");
    check("{'type':'string'}", "null", "v: found null, expected a string");
    check("{'type':'boolean'}", "true", "true");
    check("{'type':'object'}", "[]", "v: found an array, expected an object");
    check("{'type':'array'}", "{}", "v: found an object, expected an array");
    check("{'type':'null'}", "null", "null");
    check("{'type':['string','null']}", "null", "null");
    check("{'type':['string','null']}", "5", "v: found 5, expected string or null");
    check("{}", "5", "5");
}

TEST(schema_choices, "const and enum compare by value and suggest what was probably meant")
{
    check("{'const':7}", "7", "7");
    check("{'const':7}", "8", "v: found 8, expected 7");
    check("{'const':{'a':1}}", "{'a':1}", "v.a: no such key; there are no keys here");
    check("{'enum':['red','green',3]}", "3", "3");
    check("{'enum':['red','green',3]}", "4", "v: found 4, expected one of 'red', 'green', 3");
    check("{'enum':['red','green']}", "'gren'",
          "v: found 'gren', expected one of 'red', 'green'; did you mean 'green'?");
}

TEST(schema_ranges, "bounds include their ends and compare integers exactly")
{
    check("{'minimum':1,'maximum':2}", "1", "1");
    check("{'minimum':1,'maximum':2}", "2", "2");
    check("{'minimum':1,'maximum':2}", "0", "v: found 0, expected at least 1");
    check("{'minimum':1,'maximum':2}", "2.01", "v: found 2.01, expected at most 2");
    check("{'minimum':0.5}", "0", "v: found 0, expected at least 0.5");
    check("{'maximum':9007199254740992}", "9007199254740993",
          "v: found 9007199254740993, expected at most 9007199254740992");
    check("{'minimum':5}", "'x'", "'x'");
}

TEST(schema_texts, "lengths count characters, not bytes")
{
    check("{'minLength':2,'maxLength':3}", "'ab'", "'ab'");
    check("{'minLength':2,'maxLength':3}", "'a'", "v: found 'a', expected at least 2 characters");
    check("{'minLength':2,'maxLength':3}", "'abcd'",
          "v: found 'abcd', expected at most 3 characters");
    check("{'maxLength':3}", "'\xc3\xbc\xc3\xbc\xc3\xbc'", "'\xc3\xbc\xc3\xbc\xc3\xbc'");
    check("{'minLength':4}", "'\xc3\xbc\xc3\xbc\xc3\xbc'",
          "v: found '\xc3\xbc\xc3\xbc\xc3\xbc', expected at least 4 characters");
}

TEST(schema_address, "an address is 0x and 40 hex digits")
{
    const char *wanted = ", expected an address: 0x and 40 hex digits";
    const char *good = "'0x86042D97fd7D200AB25ed22b478650F042567E4e'";
    char want[200];
    check("{'format':'address'}", good, good);
    static const char *const bad[] = {"''", "'0x'", "'86042D97'", "'0X86042D97fd7D200AB2'"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        (void)snprintf(want, sizeof(want), "v: found %s%s", bad[i], wanted);
        check("{'format':'address'}", bad[i], want);
    }
    check("{'format':'address'}", "'0x86042D97fd7D200AB25ed22b478650F042567E4g'",
          "v: found a string of 42 bytes, expected an address: 0x and 40 hex digits");
}

TEST(schema_uint256, "a uint256 is decimal or hex and at most 2^256 - 1")
{
#define UINT256 ", expected an unsigned number below 2^256, decimal or 0x hex, as a string"
    const char *s = "{'format':'uint256'}";
#define MAX "115792089237316195423570985008687907853269984665640564039457584007913129639935"
    check(s, "'0'", "'0'");
    check(s, "'" MAX "'", "'" MAX "'");
    check(s, "'000" MAX "'", "'000" MAX "'");
    check(s, "'115792089237316195423570985008687907853269984665640564039457584007913129639936'",
          "v: found a string of 78 bytes" UINT256);
    check(s, "'" MAX "0'", "v: found a string of 79 bytes" UINT256);
    check(s, "'0x0'", "'0x0'");
    check(s, "'0xffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff'",
          "'0xffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff'");
    check(s, "'0x10000000000000000000000000000000000000000000000000000000000000000'",
          "v: found a string of 67 bytes" UINT256);
    check(s, "'0x'", "v: found '0x'" UINT256);
    check(s, "''", "v: found ''" UINT256);
    check(s, "'-1'", "v: found '-1'" UINT256);
    check(s, "'1e5'", "v: found '1e5'" UINT256);
    check(s, "' 1'", "v: found ' 1'" UINT256);
}

TEST(schema_url, "a url has a scheme and something behind it")
{
    check("{'format':'url'}", "'https://h/x'", "'https://h/x'");
    check("{'format':'url'}", "'h/x'", "v: found 'h/x', expected a URL: scheme://host...");
    check("{'format':'url'}", "'://h'", "v: found '://h', expected a URL: scheme://host...");
    check("{'format':'url'}", "'a://'", "v: found 'a://', expected a URL: scheme://host...");
    check("{'format':'url'}", "'a://b c'", "v: found 'a://b c', expected a URL: scheme://host...");
}

TEST(schema_members,
     "members are known, required ones there, missing ones filled in, all the way in")
{
    const char *s = "{'type':'object','required':['a'],'properties':{'a':{'type':'integer',"
                    "'description':'how many'},'b':{'type':'object','default':{},'properties':{"
                    "'c':{'default':[1]},'d':{'type':'object','default':{'e':2},'properties':{"
                    "'e':{'type':'integer'},'f':{'default':3}}}}}}}";
    check(s, "{'a':1}", "{'a':1,'b':{'c':[1],'d':{'e':2,'f':3}}}");
    check(s, "{'a':1,'b':{'c':null,'d':{}}}", "{'a':1,'b':{'c':null,'d':{'f':3}}}");
    check(s, "{}", "v.a: is missing; add it: how many");
    check(s, "{'aa':1}", "v.aa: no such key; did you mean 'a'?");
    check(s, "{'a':1,'b':{'dd':1}}", "v.b.dd: no such key; did you mean 'd'?");
    check(s, "{'a':1,'x':2}", "v.x: no such key; the keys here are: a, b");
    check(s, "{'a':1,'b':{'d':{'e':'5'}}}", "v.b.d.e: found '5', expected an integer");
}

TEST(schema_additional, "other members follow additionalProperties; without it there are none")
{
    check("{'additionalProperties':true}", "{'x':[{}]}", "{'x':[{}]}");
    check("{'additionalProperties':false}", "{'x':1}", "v.x: no such key; there are no keys here");
    check("{}", "{'x':1}", "v.x: no such key; there are no keys here");
    const char *s = "{'properties':{'n':{'type':'string'}},'additionalProperties':"
                    "{'type':'integer'}}";
    check(s, "{'n':'x','k':1}", "{'k':1,'n':'x'}");
    check(s, "{'k':'x'}", "v.k: found 'x', expected an integer");
}

TEST(schema_items, "items follow their rule, their number its bounds, and unique ones differ")
{
    const char *s = "{'type':'array','items':{'type':'object','properties':{'a':{'default':1}}},"
                    "'minItems':1,'maxItems':2}";
    check(s, "[{}]", "[{'a':1}]");
    check(s, "[]", "v: found 0 items, expected at least 1");
    check(s, "[{},{},{}]", "v: found 3 items, expected at most 2");
    check(s, "[{},5]", "v[1]: found 5, expected an object");
    check("{'uniqueItems':true}", "[1,1.0,'1',{'a':1,'b':2}]", "[1,1.0,'1',{'a':1,'b':2}]");
    check("{'uniqueItems':true}", "[{'a':1,'b':2},3,{'b':2,'a':1}]", "v[2]: the same as item 0");
    check("{'uniqueItems':false}", "[1,1]", "[1,1]");
}

TEST(schema_one_of, "oneOf picks the alternative by its type, and its fault is the one shown")
{
    const char *s = "{'oneOf':[{'type':'string','minLength':2},{'$ref':'#/$defs/o'}],"
                    "'$defs':{'o':{'type':'object','properties':{'n':{'default':1}}}}}";
    check(s, "'ab'", "'ab'");
    check(s, "'a'", "v: found 'a', expected at least 2 characters");
    check(s, "{}", "{'n':1}");
    check(s, "{'m':1}", "v.m: no such key; the keys here are: n");
    check(s, "7", "v: found 7, expected string or object");
}

TEST(schema_refs, "a $ref stands for its definition, its default may stand beside it or in it")
{
    const char *s = "{'properties':{'a':{'$ref':'#/$defs/d'},'b':{'$ref':'#/$defs/d',"
                    "'default':5}},'$defs':{'d':{'$ref':'#/$defs/e'},"
                    "'e':{'type':'integer','default':4,'maximum':5}}}";
    check(s, "{}", "{'a':4,'b':5}");
    check(s, "{'a':6}", "v.a: found 6, expected at most 5");
    const char *list = "{'type':'object','properties':{'next':{'$ref':'#/$defs/list'}},"
                       "'$defs':{'list':{'type':'object','properties':{'next':"
                       "{'$ref':'#/$defs/list'}}}}}";
    check(list, "{'next':{'next':{'next':{}}}}", "{'next':{'next':{'next':{}}}}");
    check(list, "{'next':{'next':{'last':1}}}",
          "v.next.next.last: no such key; the keys here are: next");
}

TEST(schema_secrets, "of a value that is writeOnly a fault says the type only")
{
    check("{'type':'string','minLength':99,'writeOnly':true}", "'hunter2'",
          "v: found a string, expected at least 99 characters");
    check("{'type':'integer','writeOnly':true}", "'hunter2'",
          "v: found a string, expected an integer");
    check("{'enum':['a'],'writeOnly':true}", "'hunter2'", "v: found a string, expected one of 'a'");
}

/* ---- schemas that are none ---- */

static void bad_schema(const char *text, int32_t code, const char *want)
{
    char got[1200];
    struct fault fault = {0};
    json_t *schema = json(text);
    CHECK_EQ(schema_check(schema, "s", &fault), code);
    (void)snprintf(got, sizeof(got), "%s%s%s", fault.message, fault.hint[0] ? "; " : "",
                   fault.hint);
    for (char *p = got; *p; p++)
        *p = *p == '"' ? '\'' : *p;
    CHECK_STR(got, want);
    json_decref(schema);
}

TEST(schema_bad_keywords, "a keyword this host cannot check is refused, not passed over")
{
    bad_schema("{'pattern':'x'}", HAWSE_E_UNSUPPORTED,
               "s: this host cannot check the keyword 'pattern'; leave it out, and let the plugin "
               "check it in create");
    bad_schema("{'properties':{'a':{'items':{'maxLenght':1}}}}", HAWSE_E_UNSUPPORTED,
               "s.properties.a.items: this host cannot check the keyword 'maxLenght'; did you mean "
               "'maxLength'?");
    bad_schema("{'$defs':{'x':{'anyOf':[]}}}", HAWSE_E_UNSUPPORTED,
               "s.$defs.x: this host cannot check the keyword 'anyOf'; leave it out, and let the "
               "plugin check it in create");
    bad_schema("{'oneOf':[{'type':'string','pattern':'x'}]}", HAWSE_E_UNSUPPORTED,
               "s.oneOf[0]: this host cannot check the keyword 'pattern'; leave it out, and let "
               "the plugin check it in create");
    bad_schema("{'$ref':'#/$defs/a','minimum':1,'$defs':{'a':{}}}", HAWSE_E_UNSUPPORTED,
               "s: this host cannot check 'minimum' beside '$ref'");
    bad_schema("{'oneOf':[{'type':'string'}],'type':'string'}", HAWSE_E_UNSUPPORTED,
               "s: this host cannot check 'type' beside 'oneOf'");
}

TEST(schema_bad_values, "a keyword with a value that makes no sense is refused")
{
    static const struct {
        const char *text, *want;
    } rows[] = {
        {"5", "s: a schema must be an object"},
        {"{'type':'strng'}", "s.type: found 'strng', expected object, array, string, integer, "
                             "number, boolean or null, or an array"},
        {"{'type':[]}", "s.type: found an array, expected object, array, string, integer, number, "
                        "boolean or null, or an array"},
        {"{'type':['string',5]}", "s.type: found an array, expected object, array, string, "
                                  "integer, number, boolean or null, or an array"},
        {"{'properties':[]}", "s.properties: found an array, expected an object of schemas"},
        {"{'properties':{'a':5}}", "s.properties.a: a schema must be an object"},
        {"{'required':'a'}", "s.required: found 'a', expected an array of strings"},
        {"{'required':[1]}", "s.required: found an array, expected an array of strings"},
        {"{'additionalProperties':1}",
         "s.additionalProperties: found 1, expected a schema, true or false"},
        {"{'enum':[]}", "s.enum: found an array, expected an array that is not empty"},
        {"{'minimum':'1'}", "s.minimum: found '1', expected a number"},
        {"{'maxLength':-1}", "s.maxLength: found -1, expected an integer from 0 on"},
        {"{'minItems':1.5}", "s.minItems: found 1.5, expected an integer from 0 on"},
        {"{'format':'date'}", "s.format: found 'date', expected address, uint256 or url"},
        {"{'items':[]}", "s.items: found an array, expected a schema"},
        {"{'uniqueItems':'yes'}", "s.uniqueItems: found 'yes', expected true or false"},
        {"{'description':1}", "s.description: found 1, expected a string"},
        {"{'oneOf':[]}",
         "s.oneOf: found an array, expected an array of schemas, each of one type, no type twice"},
        {"{'oneOf':[{'type':'object'},{'type':'object'}]}",
         "s.oneOf: found an array, expected an array of schemas, each of one type, no type twice"},
        {"{'oneOf':[{'type':'integer'},{'type':'number'}]}",
         "s.oneOf: found an array, expected an array of schemas, each of one type, no type twice"},
        {"{'oneOf':[{}]}",
         "s.oneOf: found an array, expected an array of schemas, each of one type, no type twice"},
        {"{'$ref':'#/$defs/x'}",
         "s.$ref: found '#/$defs/x', expected '#/$defs/NAME' of a definition that exists"},
        {"{'$ref':'http://h'}",
         "s.$ref: found 'http://h', expected '#/$defs/NAME' of a definition that exists"},
        {"{'$ref':'#/$defs/a','$defs':{'a':{'$ref':'#/$defs/b'},'b':{'$ref':'#/$defs/a'}}}",
         "s.$ref: found '#/$defs/a', expected '#/$defs/NAME' of a definition that exists"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        bad_schema(rows[i].text, HAWSE_E_FORMAT, rows[i].want);
}

TEST(schema_bad_defaults,
     "a default that breaks its own rule is the author's fault, not the user's")
{
    bad_schema("{'properties':{'n':{'type':'integer','default':'x'}}}", HAWSE_E_INVAL,
               "s.properties.n.default: found 'x', expected an integer");
    bad_schema("{'properties':{'o':{'default':{},'required':['k'],'properties':{'k':{}}}}}",
               HAWSE_E_INVAL, "s.properties.o.default.k: is missing");
    bad_schema("{'properties':{'r':{'$ref':'#/$defs/d','default':9}},"
               "'$defs':{'d':{'maximum':5}}}",
               HAWSE_E_INVAL, "s.properties.r.default: found 9, expected at most 5");
}

/* ---- cost ---- */

TEST(schema_depth, "schemas and values that are nested without end are refused")
{
    static char text[8192];
    size_t at = 0;
    for (int i = 0; i < 200; i++)
        at += (size_t)snprintf(text + at, sizeof(text) - at, "{'items':");
    at += (size_t)snprintf(text + at, sizeof(text) - at, "{}");
    for (int i = 0; i < 200; i++)
        at += (size_t)snprintf(text + at, sizeof(text) - at, "}");
    struct fault fault = {0};
    json_t *schema = json(text);
    CHECK_EQ(schema_check(schema, "s", &fault), HAWSE_E_LIMIT);
    json_decref(schema);
    fault_clear(&fault);
    schema = json("{'$ref':'#/$defs/l','$defs':{'l':{'items':{'$ref':'#/$defs/l'}}}}");
    CHECK_EQ(schema_check(schema, "s", &fault), HAWSE_OK);
    for (at = 0; at < 200; at++)
        text[at] = '[';
    for (; at < 400; at++)
        text[at] = ']';
    text[at] = '\0';
    json_t *value = json(text);
    CHECK_EQ(schema_apply(schema, value, "v", &fault), HAWSE_E_LIMIT);
    CHECK(strstr(fault.message, "nested deeper than 32") != NULL);
    json_decref(value);
    json_decref(schema);
}

TEST(schema_explosion, "defaults that call for ever more defaults are stopped")
{
    struct fault fault = {0};
    json_t *schema = json("{'$ref':'#/$defs/t','$defs':{'t':{'type':'object','properties':{"
                          "'a':{'$ref':'#/$defs/t','default':{}},"
                          "'b':{'$ref':'#/$defs/t','default':{}}}}}}");
    CHECK_EQ(schema_check(schema, "s", &fault), HAWSE_E_LIMIT);
    json_t *value = json_object();
    fault_clear(&fault);
    CHECK_EQ(schema_apply(schema, value, "v", &fault), HAWSE_E_LIMIT);
    json_decref(value);
    json_decref(schema);
}

TEST(schema_large_default, "a large default is counted each time it is filled in")
{
    struct fault fault = {0};
    json_t *schema = json("{'items':{'properties':{'x':{}}}}"), *large = json_array();
    for (int i = 0; i < 10000; i++)
        CHECK_EQ(json_array_append_new(large, json_integer(i)), 0);
    json_t *rule =
        json_object_get(json_object_get(json_object_get(schema, "items"), "properties"), "x");
    CHECK_EQ(json_object_set_new(rule, "default", large), 0);
    json_t *value = json("[{},{},{}]");
    CHECK_EQ(schema_apply(schema, value, "v", &fault), HAWSE_OK);
    CHECK_EQ(json_array_size(json_object_get(json_array_get(value, 2), "x")), 10000);
    json_decref(value);
    value = json_array();
    for (int i = 0; i < 100; i++)
        CHECK_EQ(json_array_append_new(value, json_object()), 0);
    CHECK_EQ(schema_apply(schema, value, "v", &fault), HAWSE_E_LIMIT);
    json_decref(value);
    json_decref(schema);
}

TEST(schema_many, "a long list of unique items is checked without comparing each with each")
{
    struct fault fault = {0};
    json_t *schema = json("{'uniqueItems':true,'items':{'type':'integer'}}");
    json_t *value = json_array();
    for (int i = 0; i < 150000; i++)
        CHECK_EQ(json_array_append_new(value, json_integer(i)), 0);
    CHECK_EQ(schema_apply(schema, value, "v", &fault), HAWSE_OK);
    CHECK_EQ(json_array_append_new(value, json_integer(77)), 0);
    CHECK_EQ(schema_apply(schema, value, "v", &fault), HAWSE_E_INVAL);
    CHECK_STR(fault.message, "v[150000]: the same as item 77");
    json_decref(value);
    json_decref(schema);
}

TEST(schema_lenient, "unknown keys can be collected instead, at any depth, with what was meant")
{
    struct fault fault = {0};
    json_t *schema = json("{'properties':{'name':{},'in':{'properties':{'size':{}}}}}");
    json_t *value = json("{'nmae':1,'in':{'zzzzzz':2,'\\u00fc':3}}"), *unknown = json_array();
    CHECK_EQ(schema_apply_lenient(schema, value, "m", unknown, &fault), HAWSE_OK);
    CHECK_EQ(json_array_size(unknown), 3);
    CHECK_STR(json_string_value(json_array_get(unknown, 0)),
              "m.nmae: no such key; did you mean \"name\"?");
    CHECK_STR(json_string_value(json_array_get(unknown, 1)), "m.in.zzzzzz: no such key");
    CHECK_STR(json_string_value(json_array_get(unknown, 2)), "m.in.\xc3\xbc: no such key");
    json_decref(unknown);
    json_decref(value);
    json_decref(schema);
}

TEST(schema_long_keys, "keys of any length and script are cut between characters, never within one")
{
    char text[2048];
    for (int shift = 0; shift < 4; shift++) {
        size_t at = (size_t)snprintf(text, sizeof(text), "{'%.*s", shift, "abcd");
        for (int i = 0; i < 200; i++)
            at += (size_t)snprintf(text + at, sizeof(text) - at, "\xe2\x82\xac");
        (void)snprintf(text + at, sizeof(text) - at, "':1}");
        struct fault fault = {0};
        json_t *schema = json("{}"), *value = json(text), *unknown = json_array();
        CHECK_EQ(schema_apply_lenient(schema, value, "", unknown, &fault), HAWSE_OK);
        CHECK(strlen(json_string_value(json_array_get(unknown, 0))) < 100);
        CHECK_EQ(schema_apply(schema, value, "", &fault), HAWSE_E_INVAL);
        CHECK(strchr(fault.message, '?') == NULL);
        json_decref(unknown);
        json_decref(value);
        json_decref(schema);
    }
}

TEST(fault_printable, "control characters and broken UTF-8 do not get through a fault")
{
    struct fault fault = {0};
    const char *dirty = "\x1b[0m \xc2\x9b \xff \xe2\x82 \x7f\n \xc3\xbc \xe2\x82\xac";
    const char *clean = "?[0m ?? ? ?? ?? \xc3\xbc \xe2\x82\xac";
    CHECK_EQ(fault_set(&fault, HAWSE_E_INVAL, "%s", dirty), HAWSE_E_INVAL);
    fault_hint(&fault, "%s", dirty);
    CHECK_STR(fault.message, clean);
    CHECK_STR(fault.hint, clean);
    fault_prefix(&fault, "%s", "\x1b");
    CHECK_EQ(fault.message[0], '?');
    CHECK_STR(fault.message + 3, clean);
}

/* ---- nearest ---- */

TEST(schema_nearest_words, "the nearest word is one edit in three letters away, or begins alike")
{
    static const char *const words[] = {"level", "lane", "links", "plugin", "ping_ms", "mode"};
    static const struct {
        const char *word, *want;
    } rows[] = {
        {"level", "level"}, {"levle", "level"},   {"lnks", "links"},   {"link", "links"},
        {"lanes", "lane"},  {"plguni", "plugin"}, {"ping", "ping_ms"}, {"mdoe", "mode"},
        {"x", NULL},        {"zzzzz", NULL},      {"", NULL},          {"li", NULL},
        {"modulo", NULL},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *got = schema_nearest(rows[i].word, words, 6);
        if ((got == NULL) != (rows[i].want == NULL) || (got && strcmp(got, rows[i].want) != 0))
            FAIL("%s: %s", rows[i].word, got ? got : "(none)");
    }
    char word[512];
    memset(word, 'x', sizeof(word));
    word[511] = '\0';
    CHECK(schema_nearest(word, words, 6) == NULL);
}

/* Distances by the textbook's recursion, to compare with. */
static size_t plain_distance(const char *a, size_t la, const char *b, size_t lb)
{
    if (la == 0 || lb == 0)
        return la + lb;
    size_t best = plain_distance(a, la - 1, b, lb) + 1;
    size_t other = plain_distance(a, la, b, lb - 1) + 1;
    best = other < best ? other : best;
    other = plain_distance(a, la - 1, b, lb - 1) + (a[la - 1] == b[lb - 1] ? 0 : 1);
    best = other < best ? other : best;
    if (la > 1 && lb > 1 && a[la - 1] == b[lb - 2] && a[la - 2] == b[lb - 1]) {
        other = plain_distance(a, la - 2, b, lb - 2) + 1;
        best = other < best ? other : best;
    }
    return best;
}

TEST(schema_nearest_random, "the suggestion is never farther than another candidate")
{
    for (int round = 0; round < 300; round++) {
        char words[6][8];
        const char *list[5];
        for (int w = 0; w < 6; w++) {
            size_t n = 3 + test_random() % 3;
            for (size_t i = 0; i < n; i++)
                words[w][i] = (char)('a' + test_random() % 3);
            words[w][n] = '\0';
            if (w < 5)
                list[w] = words[w];
        }
        const char *got = schema_nearest(words[5], list, 5);
        size_t least = 99, of_got = 99;
        for (int w = 0; w < 5; w++) {
            size_t d = plain_distance(words[w], strlen(words[w]), words[5], strlen(words[5]));
            least = d < least ? d : least;
            of_got = got == list[w] ? d : of_got;
        }
        if (least <= 1)
            CHECK(got != NULL && of_got == least);
        else
            CHECK(got == NULL || strncmp(got, words[5], strlen(words[5])) == 0);
    }
}
