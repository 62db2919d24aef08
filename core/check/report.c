/* What came out, as text, JSON or JUnit's XML; and the table of cases. */
#include "check/check.h"

#include <hawse/hawse.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void print_json(json_t *value)
{
    char *text = json_dumps(value, JSON_INDENT(2));
    (void)printf("%s\n", text ? text : "null");
    free(text);
    json_decref(value);
}

static unsigned tried(const struct check_report *r)
{
    return r->counts[CHECK_PASS] + r->counts[CHECK_WARN] + r->counts[CHECK_FAIL] +
           r->counts[CHECK_CRASH];
}

static json_t *case_json(const struct check_case *c, const struct check_result *r)
{
    json_t *one =
        json_pack("{s:i, s:i, s:s, s:s, s:s, s:f}", "case", c->number, "level", c->number / 100,
                  "name", c->name, "verdict", check_verdict_name(r->verdict), "text", r->text, "ms",
                  (double)r->elapsed_ns / 1e6);
    if (r->figure_name[0])
        (void)json_object_set_new(
            one, "figure", json_pack("{s:s, s:f}", "name", r->figure_name, "value", r->figure));
    return one;
}

static json_t *counts_json(const struct check_report *report)
{
    json_t *counts = json_object();
    for (int v = 0; v < CHECK_VERDICTS; v++)
        (void)json_object_set_new(counts, check_verdict_name((enum check_verdict)v),
                                  json_integer(report->counts[v]));
    return counts;
}

static void print_report_json(const struct check_report *report)
{
    json_t *cases = json_array();
    for (size_t i = 0; i < report->case_count; i++) {
        if (report->chosen[i])
            (void)json_array_append_new(cases, case_json(&report->cases[i], &report->results[i]));
    }
    json_t *abi = json_pack("{s:i, s:i}", "major", HAWSE_ABI_MAJOR, "minor", HAWSE_ABI_MINOR);
    print_json(json_pack(
        "{s:s, s:s, s:s, s:s, s:s, s:o, s:I, s:s?, s:o, s:i, s:i, s:f, s:o}", "file", report->path,
        "id", report->id, "version", report->version, "sha256", report->digest, "host",
        HAWSE_VERSION, "abi", abi, "seed", (json_int_t)report->seed, "settings", report->settings,
        "verdicts", counts_json(report), "passed", (int)report->counts[CHECK_PASS], "tried",
        (int)tried(report), "seconds", (double)report->elapsed_ns / 1e9, "cases", cases));
}

static void put_xml(const char *text)
{
    for (; *text; text++) {
        const char *entity = *text == '<'   ? "&lt;"
                             : *text == '>' ? "&gt;"
                             : *text == '&' ? "&amp;"
                             : *text == '"' ? "&quot;"
                                            : NULL;
        if (entity)
            (void)fputs(entity, stdout);
        else if ((unsigned char)*text >= ' ')
            (void)fputc(*text, stdout);
    }
}

static void print_junit(const struct check_report *report)
{
    (void)printf("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"");
    put_xml(report->id[0] ? report->id : report->path);
    (void)printf("\" tests=\"%u\" failures=\"%u\" errors=\"%u\" skipped=\"%u\" time=\"%.3f\">\n",
                 tried(report) + report->counts[CHECK_SKIP], report->counts[CHECK_FAIL],
                 report->counts[CHECK_CRASH], report->counts[CHECK_SKIP],
                 (double)report->elapsed_ns / 1e9);
    for (size_t i = 0; i < report->case_count; i++) {
        const struct check_result *r = &report->results[i];
        static const char *const tags[] = {NULL, "system-out", "failure", "skipped", "error"};
        if (!report->chosen[i])
            continue;
        (void)printf("  <testcase classname=\"L%u\" name=\"%03u ", report->cases[i].number / 100u,
                     report->cases[i].number);
        put_xml(report->cases[i].name);
        (void)printf("\" time=\"%.3f\">", (double)r->elapsed_ns / 1e9);
        if (tags[r->verdict]) {
            (void)printf("<%s>", tags[r->verdict]);
            put_xml(r->text);
            (void)printf("</%s>", tags[r->verdict]);
        }
        (void)printf("</testcase>\n");
    }
    (void)printf("</testsuite>\n");
}

static void print_text(const struct check_report *report)
{
    unsigned level = 99;
    (void)printf("%s %s  sha256 %.12s  seed %llu\n", report->id[0] ? report->id : report->path,
                 report->version, report->digest, (unsigned long long)report->seed);
    for (size_t i = 0; i < report->case_count; i++) {
        const struct check_case *c = &report->cases[i];
        const struct check_result *r = &report->results[i];
        bool blocked = r->verdict == CHECK_SKIP && (strncmp(r->text, "case ", 5) == 0 ||
                                                    strncmp(r->text, "the host refuses", 16) == 0);
        if (!report->chosen[i] || blocked) /* said once, at that case */
            continue;
        if (c->number / 100u != level)
            (void)printf("L%u %s\n", c->number / 100u, check_level_name(c->number / 100u));
        level = c->number / 100u;
        (void)printf("  %03u %-5s %s", c->number, check_verdict_name(r->verdict), c->name);
        if (r->figure_name[0])
            (void)printf("  [%s: %.6g]", r->figure_name, r->figure);
        (void)printf("\n");
        if (r->verdict != CHECK_PASS)
            (void)printf("            %s\n", r->text);
        if (r->verdict != CHECK_PASS && r->verdict != CHECK_SKIP)
            (void)printf("            why: %s | fix: %s\n", c->reason, c->fix);
    }
    (void)printf("%u of %u passed, %u warnings, %u failed, %u crashed, %u skipped, %.1f s\n",
                 report->counts[CHECK_PASS], tried(report), report->counts[CHECK_WARN],
                 report->counts[CHECK_FAIL], report->counts[CHECK_CRASH],
                 report->counts[CHECK_SKIP], (double)report->elapsed_ns / 1e9);
}

void check_print(const struct check_report *report, enum check_form form)
{
    if (form == CHECK_JSON_FORM)
        print_report_json(report);
    else if (form == CHECK_JUNIT_FORM)
        print_junit(report);
    else
        print_text(report);
}

void check_list(const struct check_case *cases, size_t count, enum check_form form)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        const struct check_case *c = &cases[i];
        if (form == CHECK_TEXT_FORM)
            (void)printf("%03u L%u  %s\n          %s\n", c->number, c->number / 100u, c->name,
                         c->reason);
        (void)json_array_append_new(
            list, json_pack("{s:i, s:i, s:s, s:s, s:s, s:s}", "case", c->number, "level",
                            c->number / 100, "level_name", check_level_name(c->number / 100u),
                            "name", c->name, "reason", c->reason, "fix", c->fix));
    }
    if (form == CHECK_TEXT_FORM)
        json_decref(list);
    else
        print_json(list);
}
