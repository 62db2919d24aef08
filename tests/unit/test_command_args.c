/*
 * Words of a command line as arguments of a verb: what fills what, what is refused and with which
 * words, and schemas that no verb may have. Texts are written with ' for ".
 */
#include "host/command_args.h"

#include <harness.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SCHEMA                                                                                     \
    "{'properties':{'what':{'type':'string','enum':['list','set']},"                               \
    "'token':{'type':'string'},'amount':{'type':'string','format':'uint256'},"                     \
    "'times':{'type':'integer','minimum':1,'default':1},'part':{'type':'number'},"                 \
    "'send':{'type':'boolean','default':false},'more':{'type':'array','items':{'type':'integer'}}" \
    "},"                                                                                           \
    "'required':['what']}"

static char *quoted(const char *text)
{
    char *copy = strdup(text);
    for (char *p = copy; p && *p; p++)
        *p = *p == '\'' ? '"' : *p;
    return copy;
}

static json_t *schema_of(const char *text, struct fault *fault)
{
    json_t *schema = NULL;
    char *copy = quoted(text);
    int32_t code = command_schema(
        (hawse_view_t){.data = (const uint8_t *)copy, .len = strlen(copy)}, &schema, fault);
    CHECK((code == HAWSE_OK) == (schema != NULL));
    CHECK(code == HAWSE_OK || code == HAWSE_E_FORMAT);
    free(copy);
    return schema;
}

/* Words are separated by spaces. What comes of them, or what is said of them. */
static void check(const char *line, const char *want)
{
    char got[1200], *copy = strdup(line), *rest = NULL;
    struct fault fault = {0};
    json_t *schema = schema_of(SCHEMA, &fault), *words = json_array(), *args = NULL;
    for (char *word = strtok_r(copy, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
        (void)json_array_append_new(words, json_string(word));
    if (command_args_of_words(schema, words, &args, &fault) == HAWSE_OK) {
        char *text = json_dumps(args, JSON_COMPACT | JSON_SORT_KEYS);
        (void)snprintf(got, sizeof(got), "%s", text);
        free(text);
    } else {
        (void)snprintf(got, sizeof(got), "%s%s%s", fault.message, fault.hint[0] ? "; " : "",
                       fault.hint);
    }
    char *wanted = quoted(want), *shown = quoted(got);
    if (!strstr(shown, wanted))
        FAIL("%s: got %s, want %s", line, got, want);
    free(wanted);
    free(shown);
    free(copy);
    json_decref(args);
    json_decref(words);
    json_decref(schema);
}

TEST(command_words, "words fill the arguments by name, or in their order")
{
    check("list", "{'send':false,'times':1,'what':'list'}");
    check("set 0xab 7 2 0.5",
          "{'amount':'7','part':0.5,'send':false,'times':2,'token':'0xab','what':'set'}");
    check("token=t --what set", "{'send':false,'times':1,'token':'t','what':'set'}");
    check("--token=a=b set --send", "{'send':true,'times':1,'token':'a=b','what':'set'}");
    check("set --send=false x", "{'send':false,'times':1,'token':'x','what':'set'}");
    check("set a 1 1 1 5 6 --more=7",
          "{'amount':'1','more':[5,6,7],'part':1,'send':false,'times':1,'token':'a','what':'set'}");
    check("set -- --send", "{'send':false,'times':1,'token':'--send','what':'set'}");
    check("set x=1", "{'send':false,'times':1,'token':'x=1','what':'set'}");
}

TEST(command_words_wrong, "what cannot be an argument is refused in words that name it")
{
    check("", "arguments.what");
    check("lst", "arguments.what: found");
    check("list --sned", "there is no argument --sned; did you mean --send?");
    check("list --token", "--token needs a value");
    check("list list=1 what=set", "what is given twice");
    check("list times=x", "times: found 'x', expected an integer");
    check("list times=1.5", "times: found '1.5', expected an integer");
    check("list times=0", "arguments.times");
    check("list times=99999999999999999999", "times: found");
    check("list part=x", "part: found 'x', expected a number");
    check("list send=yes", "send: found 'yes', expected a boolean");
    check("list amount=-1", "arguments.amount");
    check("list more=x", "more: found 'x', expected an integer");
}

TEST(command_words_too_many, "a word that has no place is one too many")
{
    struct fault fault = {0};
    json_t *schema = schema_of("{'properties':{'a':{'type':'string'}}}", &fault), *args = NULL;
    json_t *words = json_pack("[s, s]", "1", "2");
    CHECK_EQ(command_args_of_words(schema, words, &args, &fault), HAWSE_E_INVAL);
    CHECK(strstr(fault.message, "one word too many: \"2\""));
    fault_clear(&fault);
    for (int i = 0; i < 256; i++)
        (void)json_array_append_new(words, json_string("x"));
    CHECK_EQ(command_args_of_words(schema, words, &args, &fault), HAWSE_E_LIMIT);
    json_decref(words);
    json_decref(schema);
}

TEST(command_schemas, "a verb's schema is of an object, and takes no name of hawse call's own")
{
    static const struct {
        const char *text, *said;
    } wrong[] = {{"{", "args: not JSON"},
                 {"[]", "expected a schema of an object"},
                 {"{'type':'string'}", "args.type"},
                 {"{'kind':1}", "args"},
                 {"{'properties':{'json':{}}}", "args.properties.json"},
                 {"{'properties':{'live':{}}}", "args.properties.live"},
                 {"{'properties':{'-x':{}}}", "cannot stand on a command line"},
                 {"{'properties':{'a=b':{}}}", "cannot stand on a command line"}};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct fault fault = {0};
        CHECK(schema_of(wrong[i].text, &fault) == NULL);
        if (!strstr(fault.message, wrong[i].said))
            FAIL("%s: %s", wrong[i].text, fault.message);
    }
    json_t *none = schema_of("", NULL), *args = NULL;
    CHECK_EQ(command_args_of_object(none, NULL, &args, NULL), HAWSE_OK);
    CHECK_EQ(json_object_size(args), 0);
    json_decref(args);
    json_decref(none);
}

TEST(command_usage, "the usage names arguments in their order, and what may be left out")
{
    json_t *schema = schema_of(SCHEMA, NULL);
    char *text = command_usage(schema);
    CHECK(strcmp(text, "list|set [TOKEN] [AMOUNT] [TIMES] [PART] [--send] [MORE...]") == 0);
    free(text);
    json_decref(schema);
}
