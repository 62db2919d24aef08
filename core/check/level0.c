/* Level 0: what can be said of the file without running it. */
#include "check/cases.h"

#include "plugin/elf_file.h"
#include "plugin/internal.h"

#include <string.h>
#include <sys/stat.h>

/* The ELF file, or the case is skipped. */
static bool parsed(struct check_run *run, struct elf_file *elf)
{
    struct fault fault = {0};
    if (elf_read(run->bytes, run->len, elf, &fault) == HAWSE_OK)
        return true;
    check_skip(run, "no ELF file that can be read (case 002)");
    return false;
}

static void report(struct check_run *run, const struct fault *fault)
{
    if (fault->code != HAWSE_OK)
        check_fail(run, "%s%s%s", fault->message, fault->hint[0] ? " | fix: " : "", fault->hint);
}

void check_readable(struct check_run *run, int arg)
{
    struct stat st;
    (void)arg;
    if (stat(run->path, &st) != 0 || !S_ISREG(st.st_mode))
        check_fail(run, "it is no regular file");
    else if ((st.st_mode & S_IWOTH) != 0)
        check_fail(run, "anybody may write to it: mode %03o", (unsigned)(st.st_mode & 0777));
}

void check_elf(struct check_run *run, int arg)
{
    struct elf_file elf;
    struct fault fault = {0};
    (void)arg;
    (void)elf_read(run->bytes, run->len, &elf, &fault);
    report(run, &fault);
}

void check_entry(struct check_run *run, int arg)
{
    struct elf_file elf;
    struct fault fault = {0};
    (void)arg;
    if (parsed(run, &elf))
        (void)plugin_check_entry(&elf, &fault);
    report(run, &fault);
}

void check_manifest_symbol(struct check_run *run, int arg)
{
    struct elf_file elf;
    struct fault fault = {0};
    const char *text;
    size_t len;
    (void)arg;
    if (parsed(run, &elf))
        (void)plugin_manifest_text(&elf, &text, &len, &fault);
    report(run, &fault);
}

void check_exports(struct check_run *run, int arg)
{
    struct elf_file elf;
    struct fault fault = {0};
    (void)arg;
    if (parsed(run, &elf))
        (void)plugin_check_exports(&elf, &fault);
    report(run, &fault);
}

/* The manifest, parsed; NULL with the case skipped when there is none. The fault says why it does
 * not parse. */
static struct manifest *manifest_of(struct check_run *run, struct fault *fault)
{
    struct elf_file elf;
    struct manifest *m = NULL;
    struct fault none = {0};
    const char *text;
    size_t len;
    if (!parsed(run, &elf))
        return NULL;
    if (plugin_manifest_text(&elf, &text, &len, &none) != HAWSE_OK)
        check_skip(run, "it has no manifest (case 004)");
    else
        (void)manifest_parse(text, len, &m, fault);
    return m;
}

void check_manifest(struct check_run *run, int arg)
{
    struct fault fault = {0};
    (void)arg;
    manifest_destroy(manifest_of(run, &fault));
    report(run, &fault);
}

void check_manifest_keys(struct check_run *run, int arg)
{
    struct fault fault = {0};
    struct manifest *m = manifest_of(run, &fault);
    (void)arg;
    if (m && m->warning_count > 0)
        check_warn(run, "%s%s", m->warnings[0], m->warning_count > 1 ? ", and others" : "");
    if (fault.code != HAWSE_OK)
        check_skip(run, "the manifest cannot be read (case 006)");
    manifest_destroy(m);
}

void check_requires(struct check_run *run, int arg)
{
    struct fault fault = {0}, unmet = {0};
    struct manifest *m = manifest_of(run, &fault);
    (void)arg;
    if (m)
        (void)plugin_check_requires(m, &unmet);
    if (fault.code != HAWSE_OK)
        check_skip(run, "the manifest cannot be read (case 006)");
    report(run, &unmet);
    manifest_destroy(m);
}

void check_stack(struct check_run *run, int arg)
{
    struct elf_file elf;
    struct fault fault = {0};
    (void)arg;
    if (parsed(run, &elf))
        (void)plugin_check_stack(&elf, &fault);
    report(run, &fault);
}

void check_text(struct check_run *run, int arg)
{
    struct elf_file elf;
    struct fault fault = {0};
    (void)arg;
    if (parsed(run, &elf))
        (void)plugin_check_text(&elf, &fault);
    report(run, &fault);
}

void check_rpath(struct check_run *run, int arg)
{
    struct elf_file elf;
    struct fault fault = {0};
    (void)arg;
    if (parsed(run, &elf))
        (void)plugin_check_rpath(&elf, run->path, &fault);
    report(run, &fault);
}

void check_writable(struct check_run *run, int arg)
{
    struct elf_file elf;
    (void)arg;
    if (parsed(run, &elf) && elf.writable_code)
        check_fail(run, "a segment of it can be written and executed at once");
}

/* ---- what it takes from others ---- */

struct taken {
    struct check_run *run;
    const char *const *names; /* that must not be among them */
    const char *family;
};

static void look_at_import(void *ctx, const char *name)
{
    const struct taken *t = ctx;
    for (size_t i = 0; t->names[i]; i++) {
        if (strcmp(name, t->names[i]) == 0)
            check_fail(t->run, "it imports %s: %s", name, t->family);
    }
}

void check_libraries(struct check_run *run, int arg)
{
    static const char *const known[] = {"libc.so.",  "libm.so.",      "libpthread.so.",
                                        "libdl.so.", "librt.so.",     "libgcc_s.so.",
                                        "ld-linux-", "libstdc++.so.", "libsodium.so."};
    struct elf_file elf;
    (void)arg;
    if (!parsed(run, &elf))
        return;
    for (size_t n = 0; n < elf.needed_count && n < ELF_NEEDED; n++) {
        bool good = false;
        for (size_t i = 0; elf.needed[n] && i < sizeof(known) / sizeof(known[0]); i++)
            good = good || strncmp(elf.needed[n], known[i], strlen(known[i])) == 0;
        if (!good)
            check_warn(run, "it needs %s, which another machine may not have",
                       elf.needed[n] ? elf.needed[n] : "a library without a name");
    }
}

void check_imports(struct check_run *run, int arg)
{
    static const char *const network[] = {
        "socket",   "connect",     "bind",    "listen",  "accept",        "accept4",    "sendto",
        "recvfrom", "getaddrinfo", "sendmsg", "recvmsg", "gethostbyname", "socketpair", NULL};
    static const char *const processes[] = {
        "fork",   "vfork",       "execve",           "execv",  "execvp", "execl",
        "execlp", "posix_spawn", "posix_spawnp",     "system", "popen",  "kill",
        "ptrace", "clone",       "process_vm_readv", NULL};
    static const char *const code[] = {"dlopen",  "dlmopen",      "dlsym", "mprotect",
                                       "syscall", "memfd_create", NULL};
    struct taken all[] = {
        {.names = network, .family = "the network is the host's (hawse.stream/1, hawse.http/1)"},
        {.names = processes, .family = "a plugin starts no programs and touches no processes"},
        {.names = code, .family = "code that was not in the file can't be judged"}};
    struct elf_file elf;
    all[arg].run = run;
    if (parsed(run, &elf))
        (void)elf_imports(run->bytes, run->len, look_at_import, &all[arg], NULL);
}

void check_published(struct check_run *run, int arg)
{
    struct fault fault = {0};
    struct manifest *m = manifest_of(run, &fault);
    (void)arg;
    if (m && (!m->description || !m->license))
        check_warn(run, "the manifest has no %s", m->description ? "license" : "description");
    if (fault.code != HAWSE_OK)
        check_skip(run, "the manifest cannot be read (case 006)");
    manifest_destroy(m);
}

void check_schema(struct check_run *run, int arg)
{
    struct fault fault = {0};
    char *text = NULL;
    (void)arg;
    (void)check_settings(run->library->manifest, NULL, &text, &fault);
    if (!run->settings)
        report(run, &fault);
}
