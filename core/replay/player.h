/*
 * Drives plugins from a capture: the same callbacks with the same events, the same clock and the
 * same answers, no network, no lane. What each plugin asks of the host is compared with what it
 * asked then. Plugins only ever see what was recorded, so each of them is judged by itself, however
 * many lanes there were, and one that was exchanged does not mislead the others. It may be driven
 * on several lanes too: each walks through the capture and drives its share of the instances.
 */
#ifndef CORE_REPLAY_PLAYER_H
#define CORE_REPLAY_PLAYER_H

#include "plugin/library.h"
#include "replay/walk.h"

struct player;

/* Where plugins run. */
enum player_isolation { PLAYER_IN_PROCESS, PLAYER_WORKERS, PLAYER_SPINNING };

struct player_exchange {
    const char *id;   /* of the instance */
    const char *path; /* the plugin file to use */
};

struct player_options {
    const struct player_exchange *exchanges;
    size_t exchange_count;
    char *const *folders; /* where plugin files are looked for when they are no longer in place */
    size_t folder_count;
    const char *only;       /* drive this instance alone; NULL = all */
    const char *alone;      /* a plugin's id: only its instances are driven; NULL = all */
    const char *alone_path; /* with it: the plugin file to use, whichever was recorded */
    uint32_t lanes;         /* threads that share the instances; 0 or 1: the caller's alone */
    enum player_isolation isolation;
    bool hand_over; /* each is handed over to itself after each of its on_events, in this process */
    double speed;   /* 1: as it was; 0: as fast as it goes */
    uint64_t from_ns, to_ns; /* since the capture's beginning; what is before is not judged */
    const char *out;         /* record what happens now to this file; NULL = do not */
    void (*progress)(void *ctx, const struct player *player);
    void *ctx;
};

enum { PLAYER_HASH_TEXT = 65, PLAYER_LANES = 16 };

/* One instance, as it went. */
struct played {
    char *id, *plugin, *version, *digest; /* as recorded */
    uint64_t callbacks, events, calls;
    uint64_t handed_over; /* so often; 0 without hand_over, or when it does not offer that */
    bool exchanged;
    bool differs;
    uint64_t differing; /* callbacks that differ */
    uint64_t at_ns;     /* of the first, since the beginning */
    char first[4096];   /* the first difference in words */
    char note[256];     /* why it was not driven to the end; empty = it was */
};

struct player_result {
    uint64_t callbacks, events, calls;
    uint64_t recorded_ns, took_ns;
    uint64_t lost_callbacks;
    uint64_t differing;
    const struct played *first; /* whose first difference came first; NULL = all is the same */
    char recorded_hash[PLAYER_HASH_TEXT], hash[PLAYER_HASH_TEXT]; /* of all outputs, hex */
};

int32_t player_open(const char *path, const struct player_options *options, struct player **out,
                    struct fault *fault);
void player_close(struct player *player);
/* Runs it. 0 also when outputs differ: see the result. HAWSE_E_DENIED: a plugin file is another
 * than was recorded. */
int32_t player_run(struct player *player, struct player_result *result, struct fault *fault);

const struct played *player_instances(const struct player *player, size_t *count);
const struct reader_state *player_state(const struct player *player);
/* For progress: where it is, since the beginning. */
uint64_t player_position(const struct player *player);

#endif
