/*
 * `hawse new`: a folder with a plugin that builds, passes `hawse check` and has a test, to be
 * changed into what its author wants.
 */
#include "app/app.h"
#include "app/template.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NAME_MAX_LEN = 40, ID_MAX_LEN = 100 };

struct language {
    const char *option, *extension, *header; /* header: what is said of logic.h, if there is one */
    const char *compiler, *variable, *standard;
    const char *packages; /* of Debian, that have its compiler */
    const char *suffix;   /* of the folder of its templates */
};

static const struct language languages[] = {
    {"c", "c", ", `logic.h`", "cc", "CC", "c11", "gcc", ""},
    {"cpp", "cpp", ", `logic.h`", "c++", "CXX", "c++17", "g++", ""},
    {"rust", "rs", "", "rustc", "RUSTC", "2021", "gcc rustc", "-rust"}};

static const struct kind {
    const char *name;
    const char *of;     /* --of; NULL = without it */
    const char *folder; /* of its templates */
    const char *config; /* what an instance of it needs in a configuration */
} kinds[] = {
    {"chain", NULL, "chain",
     ",\n        \"grants\": [\"net\"], \"endpoints\": {\"ws\": \"wss://your.node/\"}"},
    {"venue", NULL, "venue",
     ",\n        \"grants\": [\"net\"], \"endpoints\": {\"ws\": \"wss://the.venue/\"}"},
    {"venue", "contract", "venue-contract",
     ",\n        \"links\": {\"chain\": \"NAME OF A CHAIN INSTANCE\"}, "
     "\"settings\": {\"contract\": \"0x...\"}"},
    {"protocol", NULL, "protocol",
     ",\n        \"links\": {\"chain\": \"NAME OF A CHAIN INSTANCE\"}, "
     "\"settings\": {\"pool\": \"0x...\"}"},
    {"strategy", NULL, "strategy",
     ",\n        \"grants\": [\"intent\"], \"links\": {\"venue\": \"NAME OF A VENUE "
     "INSTANCE\"},\n        \"settings\": {\"chain\": \"...\", \"account\": \"...\", "
     "\"target\": \"0x...\"}"},
    {"sink", NULL, "sink", ", \"links\": {\"source\": \"NAME OF AN INSTANCE\"}"},
};

struct scaffold {
    const struct kind *kind;
    const struct language *language;
    const char *name; /* the last part of the id */
    char id[ID_MAX_LEN + 1];
};

static int usage(const char *what, const char *fix)
{
    (void)fprintf(stderr, "hawse: new: %s\n  fix: %s\n", what, fix);
    return EXIT_USAGE;
}

/* Words of small letters, digits and hyphens, with dots between them. */
static bool is_id(const char *id)
{
    char before = '.';
    for (const char *c = id; *c; before = *c++) {
        bool word = islower((unsigned char)*c) || isdigit((unsigned char)*c) || *c == '-';
        bool letter = islower((unsigned char)*c);
        if (before == '.' ? !letter : !word && *c != '.')
            return false;
    }
    return before != '.' && before != '-' && strlen(id) <= ID_MAX_LEN;
}

/* The value of a mark at `at`, and its length there; NULL: it is none. */
static const char *value_of(const struct scaffold *s, const char *at, size_t *len)
{
    const struct {
        const char *mark, *value;
    } marks[] = {{"@NAME@", s->name},
                 {"@ID@", s->id},
                 {"@KIND@", s->kind->name},
                 {"@CONFIG@", s->kind->config},
                 {"@EXT@", s->language->extension},
                 {"@HEADER@", s->language->header},
                 {"@CC@", s->language->compiler},
                 {"@CCVAR@", s->language->variable},
                 {"@STD@", s->language->standard},
                 {"@PACKAGES@", s->language->packages}};
    for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
        *len = strlen(marks[i].mark);
        if (strncmp(at, marks[i].mark, *len) == 0)
            return marks[i].value;
    }
    return NULL;
}

static void write_filled(FILE *out, const struct scaffold *s, const char *text)
{
    while (*text) {
        size_t plain = strcspn(text, "@"), len = 0;
        (void)fwrite(text, 1, plain, out);
        text += plain;
        const char *value = *text ? value_of(s, text, &len) : NULL;
        if (value)
            (void)fputs(value, out);
        else if (*text)
            (void)fputc(*text, out);
        text += value ? len : *text != '\0';
    }
}

/* Where a template goes, below the folder. */
static void place(const struct scaffold *s, const struct template_file *t, char *out, size_t cap)
{
    size_t stem = strlen(t->name) > 2 ? strlen(t->name) - 2 : 0;
    if (strcmp(t->name, "gitignore") == 0)
        (void)snprintf(out, cap, "%s/.gitignore", s->name);
    else if (strcmp(t->name, "check.yml") == 0)
        (void)snprintf(out, cap, "%s/.github/workflows/check.yml", s->name);
    else if (strcmp(t->name + stem, ".c") == 0)
        (void)snprintf(out, cap, "%s/%.*s.%s", s->name, (int)stem, t->name, s->language->extension);
    else
        (void)snprintf(out, cap, "%s/%s", s->name, t->name);
}

static int write_file(const struct scaffold *s, const struct template_file *t)
{
    char path[256];
    place(s, t, path, sizeof(path));
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    FILE *out = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (!out && fd >= 0)
        (void)close(fd);
    if (out)
        write_filled(out, s, t->text);
    bool bad = !out || ferror(out) != 0;
    if (out && fclose(out) != 0)
        bad = true;
    if (bad)
        (void)fprintf(stderr, "hawse: new: cannot write %s: %s\n", path, strerror(errno));
    return bad ? EXIT_TROUBLE : EXIT_GOOD;
}

/* Of this kind and language, or common to all; a language's own Makefile takes the place of the
 * common one. */
static bool is_wanted(const struct scaffold *s, const struct template_file *t)
{
    size_t n = strlen(s->kind->folder);
    bool own =
        strncmp(t->kind, s->kind->folder, n) == 0 && strcmp(t->kind + n, s->language->suffix) == 0;
    bool common = strcmp(t->kind, "common") == 0;
    return own || (common && (!s->language->suffix[0] || strcmp(t->name, "Makefile") != 0));
}

static bool has_template(const struct scaffold *s)
{
    for (size_t i = 0; i < template_count; i++) {
        if (strcmp(template_files[i].kind, "common") != 0 && is_wanted(s, &template_files[i]))
            return true;
    }
    return false;
}

static int write_folder(const struct scaffold *s)
{
    char github[128], workflows[128];
    (void)snprintf(github, sizeof(github), "%s/.github", s->name);
    (void)snprintf(workflows, sizeof(workflows), "%s/.github/workflows", s->name);
    if (mkdir(s->name, 0755) != 0 || mkdir(github, 0755) != 0 || mkdir(workflows, 0755) != 0) {
        (void)fprintf(stderr, "hawse: new: cannot make the folder %s: %s\n", s->name,
                      strerror(errno));
        return EXIT_TROUBLE;
    }
    int code = EXIT_GOOD;
    for (size_t i = 0; i < template_count && code == EXIT_GOOD; i++) {
        if (is_wanted(s, &template_files[i]))
            code = write_file(s, &template_files[i]);
    }
    return code;
}

static bool same_word(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

/* What the two words, --of and --lang ask for. */
static bool choose(const struct arguments *args, struct scaffold *s)
{
    const char *lang = args->lang ? args->lang : "c";
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (strcmp(args->words[0], kinds[i].name) == 0 && same_word(args->of, kinds[i].of))
            s->kind = &kinds[i];
    }
    for (size_t i = 0; i < sizeof(languages) / sizeof(languages[0]); i++) {
        if (strcmp(lang, languages[i].option) == 0)
            s->language = &languages[i];
    }
    return s->kind != NULL;
}

int command_new(const struct arguments *args)
{
    struct scaffold s = {0};
    if (args->word_count != 2)
        return usage("needs a kind and a name", "hawse new venue my-venue");
    if (!choose(args, &s))
        return usage("there is no such kind", "chain, venue, venue --of contract, protocol, "
                                              "strategy or sink");
    if (!s.language || !has_template(&s))
        return usage("there is no template of that kind in that language", "--lang c, cpp or rust");
    const char *word = args->words[1], *dot = strrchr(word, '.');
    s.name = dot ? dot + 1 : word;
    if (!is_id(word) || strlen(s.name) > NAME_MAX_LEN)
        return usage("the name is no id", "small letters, digits and hyphens, such as my-venue, or "
                                          "org.example.my-venue to choose the whole id");
    (void)snprintf(s.id, sizeof(s.id), "%s%.*s", dot ? "" : "org.example.", ID_MAX_LEN - 12, word);
    int code = write_folder(&s);
    if (code == EXIT_GOOD)
        (void)printf("%s/: a %s plugin, %s. Next: cd %s && make && make test && make check\n",
                     s.name, s.kind->name, s.id, s.name);
    return code;
}
