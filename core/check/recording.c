/*
 * Level 5 on real frames: what the plugin met in a capture is played to it again, in each tier of
 * isolation, and handed over to itself all the time. Each play is a process of its own, since a
 * plugin is loaded once a process.
 */
#include "check/cases.h"

#include "replay/player.h"

#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* What a play came to, in memory that both sides share. */
struct play {
    bool ran; /* to the end; otherwise text says why not */
    bool as_recorded, differs;
    size_t instances;
    uint64_t callbacks, events, handed_over;
    char hash[PLAYER_HASH_TEXT];
    char text[CHECK_TEXT - 80];
};

static void take_result(const struct check_run *run, const struct player *player,
                        const struct player_result *result, struct play *play)
{
    const struct played *list = player_instances(player, &play->instances);
    play->as_recorded = play->instances > 0;
    play->ran = true;
    for (size_t i = 0; i < play->instances; i++) {
        const struct played *p = &list[i];
        play->as_recorded = play->as_recorded && strcmp(p->digest, run->library->digest) == 0;
        play->handed_over += p->handed_over;
        if (p->note[0] && play->ran) {
            play->ran = false;
            (void)snprintf(play->text, sizeof(play->text), "instance %.60s: %s", p->id, p->note);
        }
    }
    play->callbacks = result->callbacks;
    play->events = result->events;
    memcpy(play->hash, result->hash, sizeof(play->hash));
    play->differs = result->first != NULL;
    if (play->ran && result->first)
        (void)snprintf(play->text, sizeof(play->text), "%.500s", result->first->first);
}

static void play_here(const struct check_run *run, enum player_isolation isolation, bool hand_over,
                      struct play *play)
{
    const struct player_options options = {.isolation = isolation,
                                           .hand_over = hand_over,
                                           .alone = run->library->manifest->id,
                                           .alone_path = run->path};
    struct player *player = NULL;
    struct player_result result;
    struct fault fault = {0};
    int32_t code = player_open(run->recording, &options, &player, &fault);
    if (code == HAWSE_OK)
        code = player_run(player, &result, &fault);
    if (code == HAWSE_OK)
        take_result(run, player, &result, play);
    else
        (void)snprintf(play->text, sizeof(play->text), "%.500s", fault.message);
    player_close(player);
}

/* False: it did not come to its end, and the case is judged. */
static bool play_apart(struct check_run *run, const char *where, enum player_isolation isolation,
                       bool hand_over, struct play *play)
{
    int status = 0;
    memset(play, 0, sizeof(*play));
    pid_t pid = fork();
    if (pid == 0) {
        play_here(run, isolation, hand_over, play);
        _exit(0);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid) {
        check_skip(run, "no process could be started");
        return false;
    }
    if (WIFSIGNALED(status))
        check_fail(run, "%s it died of signal %d (%s)", where, WTERMSIG(status),
                   strsignal(WTERMSIG(status)));
    else if (!play->ran)
        check_fail(run, "%s it was not played to the end: %s", where,
                   play->text[0] ? play->text : "it ended the process");
    else if (play->instances == 0)
        check_fail(run, "the recording has no instance of %s", run->library->manifest->id);
    return run->note->verdict == CHECK_PASS;
}

static void compare(struct check_run *run, const char *where, const struct play *first,
                    const struct play *other)
{
    if (strcmp(first->hash, other->hash) != 0)
        check_fail(run, "%s it does something else: outputs %.12s, in the host's process %.12s%s%s",
                   where, other->hash, first->hash, other->text[0] ? ": " : "", other->text);
}

/* What the others are held against. False: there is nothing to hold them against, and the case is
 * judged. `sure`: it has been played again, and was the same. */
static bool play_first(struct check_run *run, bool sure, struct play play[2])
{
    if (!play_apart(run, "in the host's process", PLAYER_IN_PROCESS, false, &play[0]))
        return false;
    if (play[0].events == 0) {
        check_skip(run, "nothing came to it in the recording: record while its source speaks");
        return false;
    }
    if (!sure)
        return true;
    if (play_apart(run, "the second time", PLAYER_IN_PROCESS, false, &play[1]) &&
        strcmp(play[0].hash, play[1].hash) != 0)
        check_skip(run, "case 509 has to pass first");
    return run->note->verdict == CHECK_PASS;
}

/* arg 0: twice in the host's process, and as it was recorded if it is the same file; 1: in workers,
 * one that sleeps and one that spins on a CPU of its own; 2: handed over after each on_events. */
void check_recording(struct check_run *run, int arg)
{
    static const struct {
        const char *where;
        enum player_isolation isolation;
    } ways[3][2] = {{{"the second time", PLAYER_IN_PROCESS}, {NULL, PLAYER_IN_PROCESS}},
                    {{"in a worker", PLAYER_WORKERS}, {"in a worker that spins", PLAYER_SPINNING}},
                    {{"handed over all the time", PLAYER_IN_PROCESS}, {NULL, PLAYER_IN_PROCESS}}};
    if (!run->recording) {
        check_skip(run, "no --recording was given; `hawse run CONFIG --record FILE` makes one");
        return;
    }
    struct play *play =
        mmap(NULL, 2 * sizeof(*play), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (play == MAP_FAILED) {
        check_skip(run, "no memory");
        return;
    }
    if (play_first(run, arg > 0, play)) {
        check_figure(run, "events of the recording", (double)play[0].events);
        if (play[0].as_recorded && play[0].differs)
            check_fail(run, "the recorded file itself does something else than then: %s",
                       play[0].text);
        for (int i = 0; i < 2 && ways[arg][i].where; i++) {
            if (play_apart(run, ways[arg][i].where, ways[arg][i].isolation, arg == 2, &play[1]))
                compare(run, ways[arg][i].where, &play[0], &play[1]);
        }
        if (arg == 2 && play[1].handed_over == 0)
            check_skip(run, "it does not offer hawse.state/1");
    }
    (void)munmap(play, 2 * sizeof(*play));
}
