/* This machine: what a host will need of it, and the plugin files. */
#include "doctor/internal.h"
#include "plugin/library.h"

#include <errno.h>
#include <hawse/types.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <unistd.h>

enum { LOCK_KIB = 1024, ROOM_MIB = 1024, OFF_MS = 500 };

static void examine_folder(struct doctor *d, const char *path)
{
    struct stat st;
    struct statvfs room;
    if (stat(path, &st) != 0) {
        if (errno == ENOENT)
            say(d, DOCTOR_NOTE, path, NULL, "is not there yet; `hawse run` makes it");
        else
            say(d, DOCTOR_BAD, path, "another state_dir, or other rights", "%s", strerror(errno));
        return;
    }
    if (!S_ISDIR(st.st_mode) || access(path, W_OK) != 0) {
        say(d, DOCTOR_BAD, path, "another state_dir, or other rights",
            "is no folder that this user may write to");
        return;
    }
    if ((st.st_mode & 077) != 0)
        say(d, DOCTOR_WARN, path, "chmod 700", "others may look into it (mode %o)",
            st.st_mode & 0777u);
    if (statvfs(path, &room) != 0)
        return;
    unsigned long long mib = (unsigned long long)room.f_bavail * room.f_frsize >> 20;
    say(d, mib < ROOM_MIB ? DOCTOR_WARN : DOCTOR_GOOD, path,
        mib < ROOM_MIB ? "make room: where the journal cannot be written nothing is signed" : NULL,
        "%llu MiB free", mib);
}

static void examine_memory(struct doctor *d)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_MEMLOCK, &limit) != 0 || geteuid() == 0)
        return;
    bool little = limit.rlim_cur != RLIM_INFINITY && limit.rlim_cur / 1024 < LOCK_KIB;
    say(d, little ? DOCTOR_WARN : DOCTOR_GOOD, "RLIMIT_MEMLOCK",
        little ? "ulimit -l 8192, or LimitMEMLOCK=8M of systemd: else secrets may be swapped out"
               : NULL,
        "%llu KiB of memory may be locked", (unsigned long long)limit.rlim_cur / 1024);
}

/* What the kernel knows of its clock: who keeps it, and how far it is off at most. */
static void examine_clock(struct doctor *d)
{
    struct timex t = {0};
    int state = adjtimex(&t);
    if (state < 0)
        return;
    long off_ms = t.maxerror / 1000;
    if (state == TIME_ERROR || (t.status & STA_UNSYNC) != 0)
        say(d, DOCTOR_NOTE, "clock",
            "run chrony or systemd-timesyncd: deadlines and records count by this clock",
            "nothing keeps it in time, as far as the kernel knows");
    else
        say(d, off_ms > OFF_MS ? DOCTOR_WARN : DOCTOR_GOOD, "clock", NULL,
            "kept in time, at most %ld ms off", off_ms);
}

static void examine_plugins(struct doctor *d)
{
    struct library_entry *entries = NULL;
    size_t count = 0, good = 0;
    struct fault fault = {0};
    if (library_list(d->config->plugin_path, d->config->plugin_path_count, &entries, &count,
                     &fault) != HAWSE_OK) {
        say(d, DOCTOR_BAD, "plugin_path", fault.hint, "%s", fault.message);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        if (entries[i].library)
            good++;
        else
            say(d, DOCTOR_WARN, entries[i].path, entries[i].fault.hint, "%s",
                entries[i].fault.message);
    }
    say(d, good > 0 ? DOCTOR_GOOD : DOCTOR_BAD, "plugin_path", NULL, "%zu plugin files", good);
    library_list_destroy(entries, count);
}

void examine_machine(struct doctor *d)
{
    if (d->config->state_dir)
        examine_folder(d, d->config->state_dir);
    examine_memory(d);
    examine_clock(d);
    examine_plugins(d);
}
