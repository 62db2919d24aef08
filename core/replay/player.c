/* Drives plugins from a capture; see player.h. */
#include "replay/player.h"

#include "host/tap.h"
#include "record/writer.h"
#include "replay/actor.h"
#include "replay/handover.h"
#include "replay/judge.h"

#include <hawse/service/state.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { RESERVE_MAX = BUS_RECORD_MAX, OUT_RING = 64 << 20, PROGRESS_EVERY = 1024 };

/* An instance of the capture. Listed in the order of appearance; addresses stay. */
struct actor {
    struct actor *next;
    struct played played;
    struct judge judge;
    struct handover handover;
    struct library *library;
    uint64_t handle;
    char *settings;
    void *state;
    struct worker *worker; /* where it runs; NULL = in this process */
    bool created;          /* and not destroyed */
    bool gone;             /* not driven any more */
};

/* One lane of a replay; the first owns what all share, and has all actors at the end. */
struct player {
    struct host_api api; /* the first's is what plugins hold */
    struct player *first_lane;
    struct player *lanes[PLAYER_LANES]; /* of the first: all, itself included */
    uint32_t lane_count, lane;
    pthread_mutex_t lock; /* of the first: guards libraries while all lanes run */
    bool canceled;        /* of the first: not all lanes could be started */
    int32_t code;         /* how this lane ended */
    struct fault fault;
    uint32_t described;          /* instances, whoever drives them */
    bool others[HOST_INSTANCES]; /* slots that another lane drives */
    struct tap_replay replay;
    struct player_options options;
    struct walk *walk;
    struct walk_step step;
    struct actor *first, *last;
    struct actor *slots[HOST_INSTANCES]; /* by index of the capture */
    struct actor *current;               /* whose callback runs */
    pthread_t thread;
    uint8_t *reserve;
    struct library *libraries[HOST_INSTANCES];
    size_t library_count;
    struct played *table; /* for player_instances */
    size_t count;
    uint64_t begun_ns, now_ns; /* of the capture's clock */
    uint64_t wall_ns;          /* when it began to be driven */
    struct recorder recorder;  /* with options.out */
    struct writer *writer;
    struct player_result *result;
};

/* ---- what stands for the host ---- */

/* The lane of the calling thread; NULL: it is one of a plugin's own. */
static struct player *own_lane(const struct player *first)
{
    for (uint32_t i = 0; i < first->lane_count; i++) {
        if (pthread_equal(first->lanes[i]->thread, pthread_self()))
            return first->lanes[i];
    }
    return NULL;
}

static void answer(void *ctx, hawse_instance_t self, struct record_call *call)
{
    struct player *p = own_lane(ctx);
    if (!p || !p->current || p->current->handle != self) {
        call->code = HAWSE_E_STATE; /* as the host does */
        return;
    }
    if (p->current->handover.now) {
        handover_answer(&p->current->handover, call);
        return;
    }
    judge_call(&p->current->judge, call);
    handover_learn(&p->current->handover, call);
    if (p->writer)
        recorder_call(&p->recorder, call);
}

static uint64_t now(void *ctx, uint32_t clock)
{
    const struct player *p = own_lane(ctx);
    if (!p)
        p = ctx;
    return clock == HAWSE_CLOCK_UTC ? p->step.begin.utc_ns : p->step.begin.now_ns;
}

static uint8_t *reserve(void *ctx, hawse_instance_t self, uint64_t len)
{
    struct player *p = own_lane(ctx);
    if (!p || !p->current || p->current->handle != self ||
        !judge_reserve(&p->current->judge, len) || len > RESERVE_MAX)
        return NULL;
    return p->reserve;
}

/* ---- callbacks ---- */

static void answer_worker(void *ctx, struct record_call *call)
{
    struct player *p = ctx;
    if (call->call == CALL_RESERVE)
        call->code = judge_reserve(&p->current->judge, call->args[0]) ? HAWSE_OK : HAWSE_E_AGAIN;
    else
        answer(p->first_lane, p->current->handle, call);
}

static void note(struct actor *a, const char *why)
{
    if (a->played.note[0] == '\0')
        (void)snprintf(a->played.note, sizeof(a->played.note), "%.255s", why);
    a->gone = true;
}

static bool makes(uint32_t callback)
{
    return callback == RECORD_CREATE || callback == RECORD_RESTORE;
}

static const hawse_state_interface_t *state_interface(const struct actor *a)
{
    const hawse_plugin_t *table = a->library->table;
    const hawse_state_interface_t *s = table->query ? table->query(HAWSE_STATE_ID) : NULL;
    return s && s->size >= sizeof(*s) && s->save && s->restore ? s : NULL;
}

/* What it saves is not compared: builds may keep it in forms of their own. */
static int32_t call_save(const struct actor *a)
{
    const hawse_state_interface_t *s = state_interface(a);
    uint8_t *room = s ? malloc(HAWSE_STATE_MAX) : NULL;
    uint64_t need = 0;
    int32_t code = room ? s->save(a->state, room, HAWSE_STATE_MAX, &need) : HAWSE_E_UNSUPPORTED;
    free(room);
    return code;
}

static int32_t call_restore(struct player *p, struct actor *a)
{
    const hawse_state_interface_t *s = state_interface(a);
    if (!s || p->step.event_count != 1)
        return HAWSE_E_UNSUPPORTED;
    hawse_view_t saved = {.data = p->step.events[0].data, .len = p->step.events[0].len};
    int32_t code =
        s->restore(&p->first_lane->api.table, a->handle, hawse_text(a->settings), saved, &a->state);
    a->created = code >= 0;
    return code;
}

/* To another of the same, which knows what this one has saved and nothing else. */
static void hand_over(struct player *p, struct actor *a)
{
    const struct hawse_state_interface *s = a->worker ? NULL : state_interface(a);
    uint8_t *room = s ? malloc(HAWSE_STATE_MAX) : NULL;
    uint64_t len = 0;
    void *made = NULL;
    if (!room)
        return;
    p->current = a;
    a->handover.now = true;
    int32_t code = s->save(a->state, room, HAWSE_STATE_MAX, &len);
    if (code >= 0)
        code = s->restore(&p->first_lane->api.table, a->handle, hawse_text(a->settings),
                          (hawse_view_t){.data = room, .len = len}, &made);
    a->handover.now = false;
    p->current = NULL;
    free(room);
    if (code < 0) {
        note(a, "it could not be handed over");
        return;
    }
    a->library->table->destroy(a->state);
    a->state = made;
    a->played.handed_over++;
}

static int32_t call_worker(struct player *p, struct actor *a)
{
    struct fault fault = {0};
    int32_t code = 0;
    if (actor_call(a->worker, &p->step, a->handle, a->settings, answer_worker, p, &code, &fault) !=
        HAWSE_OK) {
        note(a, fault.message);
        return fault.code;
    }
    if (makes(p->step.begin.callback) || p->step.begin.callback == RECORD_DESTROY)
        a->created = makes(p->step.begin.callback) && code >= 0;
    return code;
}

static int32_t call_plugin(struct player *p, struct actor *a)
{
    const hawse_plugin_t *table = a->library->table;
    const struct walk_step *step = &p->step;
    int32_t code = 0;
    if (a->worker)
        return call_worker(p, a);
    switch (step->begin.callback) {
    case RECORD_CREATE:
        code =
            table->create(&p->first_lane->api.table, a->handle, hawse_text(a->settings), &a->state);
        a->created = code >= 0;
        return code;
    case RECORD_START:
        return table->start(a->state);
    case RECORD_EVENTS:
        return table->on_events(a->state, step->event_list, step->event_count);
    case RECORD_STOP:
        return table->stop(a->state, step->begin.argument);
    case RECORD_SAVE:
        return call_save(a);
    case RECORD_RESTORE:
        return call_restore(p, a);
    case RECORD_DESTROY:
        table->destroy(a->state);
        a->created = false;
        return 0;
    default:
        return HAWSE_E_UNSUPPORTED;
    }
}

static void run_callback(struct player *p, struct actor *a)
{
    const struct walk_step *step = &p->step;
    struct judge *judge = &a->judge;
    if (step->unresolved > 0)
        note(a, "the capture does not hold all events that it was given");
    else if (step->end.flags & RECORD_ABANDONED)
        note(a, "its callback never returned then; it is not called here");
    else if (!makes(step->begin.callback) && !a->created)
        note(a, "it was not created");
    if (a->gone)
        return;
    judge->counts = walk_since(step->begin.now_ns, p->begun_ns) >= p->options.from_ns;
    judge->begun_ns = p->begun_ns;
    if (p->writer) {
        recorder_begin(&p->recorder, step->instance, (enum record_callback)step->begin.callback,
                       step->begin.now_ns, step->begin.utc_ns, step->begin.argument,
                       step->event_count);
        recorder_events(&p->recorder, step->event_list, step->event_count);
    }
    judge_begin(judge, step);
    p->current = a;
    int32_t code = call_plugin(p, a);
    p->current = NULL;
    judge_end(judge, code);
    if (p->writer)
        recorder_end(&p->recorder, code, step->end.elapsed_ns);
    p->result->callbacks++;
    p->result->events += step->event_count;
    if (p->options.hand_over && a->created && step->begin.callback == RECORD_EVENTS && code >= 0)
        hand_over(p, a);
}

/* ---- instances ---- */

static char *text_of(const json_t *o, const char *key)
{
    const char *text = json_string_value(json_object_get(o, key));
    return strdup(text ? text : "");
}

/* The file itself, when it is still in place and the same; else one of that id along the folders.
 */
static int32_t find_library(struct player *p, const json_t *o, struct actor *a,
                            struct library **out, struct fault *fault)
{
    for (size_t i = 0; i < p->options.exchange_count; i++) {
        if (strcmp(p->options.exchanges[i].id, a->played.id) == 0) {
            a->played.exchanged = true;
            return library_inspect(p->options.exchanges[i].path, out, fault);
        }
    }
    if (p->options.alone) {
        a->played.exchanged = true;
        return library_inspect(p->options.alone_path, out, fault);
    }
    const char *path = json_string_value(json_object_get(o, "path"));
    struct fault ignored = {0};
    if (path && library_inspect(path, out, &ignored) == HAWSE_OK) {
        if (strcmp((*out)->digest, a->played.digest) == 0)
            return HAWSE_OK;
        if (p->options.folder_count == 0)
            return HAWSE_OK; /* another: the caller says so */
        library_destroy(*out);
    }
    *out = NULL;
    int32_t code =
        library_find(a->played.plugin, p->options.folders, p->options.folder_count, out, fault);
    if (code == HAWSE_OK)
        return code;
    fault_clear(fault);
    (void)fault_set(fault, code,
                    "instance \"%s\" ran %s %s (sha256 %.12s), which is not in %s any more",
                    a->played.id, a->played.plugin, a->played.version, a->played.digest,
                    path ? path : "its place");
    fault_hint(fault,
               "give its folder by --path, or a file by --plugin %s=FILE, which then is used "
               "for all of its life",
               a->played.id);
    return code;
}

/* Each file is loaded once. Takes `found`. */
static int32_t share_library(struct player *first, struct actor *a, struct library *found,
                             struct fault *fault)
{
    for (size_t i = 0; i < first->library_count; i++) {
        if (strcmp(first->libraries[i]->digest, found->digest) == 0) {
            library_destroy(found);
            a->library = first->libraries[i];
            return HAWSE_OK;
        }
    }
    int32_t code = HAWSE_OK;
    if (first->library_count == HOST_INSTANCES)
        code = fault_set(fault, HAWSE_E_LIMIT, "more than %d plugin files", HOST_INSTANCES);
    else if (first->options.isolation == PLAYER_IN_PROCESS)
        code = library_load(found, &first->api.table, fault);
    if (code != HAWSE_OK) {
        library_destroy(found);
        return code;
    }
    first->libraries[first->library_count++] = found;
    a->library = found;
    return HAWSE_OK;
}

static int32_t use_library(struct player *p, struct actor *a, struct library *found,
                           struct fault *fault)
{
    if (!a->played.exchanged && strcmp(found->digest, a->played.digest) != 0) {
        (void)fault_set(fault, HAWSE_E_DENIED,
                        "instance \"%s\" was recorded with %s sha256 %.12s, found %s with %.12s",
                        a->played.id, a->played.plugin, a->played.digest, found->path,
                        found->digest);
        fault_hint(fault, "give the same file by --path, or say --plugin %s=%s to compare it",
                   a->played.id, found->path);
        library_destroy(found);
        return HAWSE_E_DENIED;
    }
    struct player *first = p->first_lane;
    (void)pthread_mutex_lock(&first->lock);
    int32_t code = share_library(first, a, found, fault);
    (void)pthread_mutex_unlock(&first->lock);
    if (code == HAWSE_OK && p->options.isolation != PLAYER_IN_PROCESS)
        code = actor_worker(a->library, p->options.isolation == PLAYER_SPINNING, &a->worker, fault);
    return code;
}

static int32_t make_actor(struct player *p, const json_t *o, struct actor **out,
                          struct fault *fault)
{
    struct actor *a = calloc(1, sizeof(*a));
    if (!a)
        return fault_set(fault, HAWSE_E_NOMEM, "no memory for an instance");
    if (p->last)
        p->last->next = a;
    else
        p->first = a;
    p->last = a;
    p->count++;
    a->handle = p->step.handle;
    a->settings = text_of(o, "settings");
    a->played.id = text_of(o, "id");
    a->played.plugin = text_of(o, "plugin");
    a->played.version = text_of(o, "version");
    a->played.digest = text_of(o, "digest");
    if (!a->settings || !a->played.id || !a->played.plugin || !a->played.version ||
        !a->played.digest || judge_init(&a->judge, &a->played) != HAWSE_OK)
        return fault_set(fault, HAWSE_E_NOMEM, "no memory for an instance");
    *out = a;
    struct library *found = NULL;
    int32_t code = find_library(p, o, a, &found, fault);
    return code == HAWSE_OK ? use_library(p, a, found, fault) : code;
}

static bool is_named(const json_t *o, const char *key, const char *name)
{
    const char *text = json_string_value(json_object_get(o, key));
    return !name || (text && strcmp(text, name) == 0);
}

/* Does another lane drive it, or nobody? One that was swapped in stays where the old one was. */
static bool is_other(struct player *p, const json_t *o)
{
    bool *other = &p->others[p->step.instance];
    if (!json_is_true(json_object_get(o, "swapped")))
        *other = p->described++ % p->first_lane->lane_count != p->lane;
    if (!is_named(o, "plugin", p->options.alone) || !is_named(o, "id", p->options.only))
        *other = true;
    return *other;
}

/* The plugin in whose place another was swapped then: destroyed, which the capture does not say. */
static void end_swapped(struct player *p, const json_t *o, struct actor *old)
{
    if (!old || !json_is_true(json_object_get(o, "swapped")))
        return;
    if (old->created && !old->worker)
        old->library->table->destroy(old->state);
    worker_destroy(old->worker);
    old->worker = NULL;
    old->created = false;
    old->gone = true;
    p->slots[p->step.instance] = NULL;
}

static int32_t take_instance(struct player *p, struct fault *fault)
{
    const struct walk_step *step = &p->step;
    struct actor *a = NULL;
    json_t *o = json_loadb((const char *)step->text.data, (size_t)step->text.len, 0, NULL);
    if (!o || step->instance >= HOST_INSTANCES) {
        json_decref(o);
        return fault_set(fault, HAWSE_E_FORMAT, "the capture describes an instance wrongly");
    }
    if (is_other(p, o)) {
        json_decref(o);
        return HAWSE_OK;
    }
    end_swapped(p, o, p->slots[step->instance]);
    int32_t code = make_actor(p, o, &a, fault);
    json_decref(o);
    if (code == HAWSE_OK) {
        p->slots[step->instance] = a;
        if (p->writer)
            recorder_instance(&p->recorder, step->instance, step->handle, step->text);
    }
    return code;
}

/* ---- hashes ---- */

static int by_id(const void *x, const void *y)
{
    return strcmp((*(struct actor *const *)x)->played.id, (*(struct actor *const *)y)->played.id);
}

static void hex(const uint8_t *bytes, char out[PLAYER_HASH_TEXT])
{
    for (int i = 0; i < 32; i++)
        (void)snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

/* One hash for all, by id: the order in which lanes took turns does not count. */
static int32_t sum_up(struct player *p, bool recorded, char out[PLAYER_HASH_TEXT])
{
    struct actor **list = calloc(p->count + 1, sizeof(list[0]));
    EVP_MD_CTX *all = EVP_MD_CTX_new();
    size_t n = 0;
    uint8_t digest[EVP_MAX_MD_SIZE];
    bool good = list && all && EVP_DigestInit_ex(all, EVP_sha256(), NULL) == 1;
    for (struct actor *a = p->first; good && a; a = a->next)
        list[n++] = a;
    if (good)
        qsort(list, n, sizeof(list[0]), by_id);
    for (size_t i = 0; good && i < n; i++) {
        const char *id = list[i]->played.id;
        EVP_MD_CTX *ctx = recorded ? list[i]->judge.recorded : list[i]->judge.now;
        good = EVP_DigestFinal_ex(ctx, digest, NULL) == 1 &&
               EVP_DigestUpdate(all, id, strlen(id) + 1) == 1 &&
               EVP_DigestUpdate(all, digest, 32) == 1;
    }
    good = good && EVP_DigestFinal_ex(all, digest, NULL) == 1;
    if (good)
        hex(digest, out);
    EVP_MD_CTX_free(all);
    free(list);
    return good ? HAWSE_OK : HAWSE_E_NOMEM;
}

/* ---- life ---- */

static int32_t open_lane(const char *path, const struct player_options *options,
                         struct player **out, struct fault *fault)
{
    struct player *p = calloc(1, sizeof(*p));
    if (!p)
        return fault_set(fault, HAWSE_E_NOMEM, "no memory for a replay");
    p->options = *options;
    p->thread = pthread_self();
    p->first_lane = p->lanes[0] = p;
    p->lane_count = 1;
    (void)pthread_mutex_init(&p->lock, NULL);
    p->api.table = tap_table;
    p->api.replay = &p->replay;
    p->replay = (struct tap_replay){.ctx = p, .answer = answer, .now = now, .reserve = reserve};
    p->reserve = calloc(1, RESERVE_MAX + HAWSE_PADDING);
    int32_t code = p->reserve ? walk_open(path, &p->walk, fault)
                              : fault_set(fault, HAWSE_E_NOMEM, "no memory for a replay");
    if (code == HAWSE_OK && walk_state(p->walk)->first.segment != 1) {
        code = fault_set(fault, HAWSE_E_STATE,
                         "%s is segment %u of a run, and plugins can only be driven from the "
                         "beginning",
                         path, walk_state(p->walk)->first.segment);
        fault_hint(fault,
                   "give the first segment; when it was deleted, keep more (record.keep_mib)");
    }
    struct writer_options writer = {.path = options->out};
    if (code == HAWSE_OK && options->out) {
        code = recorder_init(&p->recorder, OUT_RING, RECORD_FULL_WAIT, fault);
        p->recorder.whole_events = true;
        if (code == HAWSE_OK)
            code = writer_start(&p->recorder, &writer, &p->writer, fault);
    }
    if (code != HAWSE_OK) {
        player_close(p);
        return code;
    }
    *out = p;
    return HAWSE_OK;
}

static void actor_free(struct actor *a)
{
    judge_finish(&a->judge);
    worker_destroy(a->worker);
    free(a->settings);
    free(a->played.id);
    free(a->played.plugin);
    free(a->played.version);
    free(a->played.digest);
    free(a);
}

/* Libraries stay: a plugin is never unloaded. States of plugins that the capture does not destroy
 * end with the process. */
void player_close(struct player *p)
{
    if (!p)
        return;
    (void)writer_stop(p->writer);
    recorder_finish(&p->recorder);
    walk_close(p->walk);
    for (uint32_t i = 1; i < p->lane_count; i++) {
        p->lanes[i]->lane_count = 0;
        player_close(p->lanes[i]);
    }
    (void)pthread_mutex_destroy(&p->lock);
    for (struct actor *a = p->first, *next; a; a = next) {
        next = a->next;
        actor_free(a);
    }
    free(p->table);
    free(p->reserve);
    free(p);
}

int32_t player_open(const char *path, const struct player_options *options, struct player **out,
                    struct fault *fault)
{
    struct player *first = NULL;
    if (options->lanes > PLAYER_LANES || (options->lanes > 1 && options->out))
        return fault_set(fault, HAWSE_E_INVAL,
                         "lanes: found %u, expected 1 with an output, else %d", options->lanes,
                         PLAYER_LANES);
    int32_t code = open_lane(path, options, &first, fault);
    for (uint32_t i = 1; i < options->lanes && code == HAWSE_OK; i++) {
        code = open_lane(path, options, &first->lanes[i], fault);
        if (code != HAWSE_OK)
            break;
        first->lanes[i]->first_lane = first;
        first->lanes[i]->lane = i;
        first->lane_count++;
    }
    if (code != HAWSE_OK) {
        player_close(first);
        return code;
    }
    *out = first;
    return HAWSE_OK;
}

/* ---- running ---- */

/* As far from the beginning as it was then, divided by the speed. */
static void pace(const struct player *p)
{
    uint64_t since = p->now_ns - p->begun_ns;
    if (p->options.speed <= 0 || since < p->options.from_ns)
        return;
    uint64_t due = p->wall_ns + (uint64_t)((double)(since - p->options.from_ns) / p->options.speed);
    uint64_t now_wall = loop_clock();
    if (due <= now_wall)
        return;
    struct timespec ts = {.tv_sec = (time_t)((due - now_wall) / 1000000000u),
                          .tv_nsec = (long)((due - now_wall) % 1000000000u)};
    (void)nanosleep(&ts, NULL);
}

/* The clock of a callback. False: it is after what is wanted; another lane may not be there yet. */
static bool pass_time(struct player *p)
{
    uint64_t now_ns = p->step.begin.now_ns;
    if (p->begun_ns == 0)
        p->begun_ns = now_ns;
    if (p->options.to_ns > 0 && walk_since(now_ns, p->begun_ns) > p->options.to_ns)
        return false;
    if (now_ns > p->now_ns)
        p->now_ns = now_ns;
    return true;
}

static int32_t pass_by(struct player *p)
{
    (void)pass_time(p);
    return HAWSE_OK;
}

static int32_t take_step(struct player *p, struct fault *fault)
{
    const struct walk_step *step = &p->step;
    if (step->kind == WALK_INSTANCE)
        return take_instance(p, fault);
    if (step->kind == WALK_LOSS) {
        p->result->lost_callbacks += step->loss.callbacks;
        return HAWSE_OK;
    }
    if (step->instance < HOST_INSTANCES && p->others[step->instance])
        return pass_by(p);
    if (step->instance >= HOST_INSTANCES || !p->slots[step->instance])
        return fault_set(fault, HAWSE_E_FORMAT,
                         "the capture holds a callback of an instance it does not describe");
    if (pass_time(p)) {
        pace(p);
        run_callback(p, p->slots[step->instance]);
    }
    return HAWSE_OK;
}

/* True: nothing that follows is wanted. */
static bool over(const struct player *p)
{
    if (p->result->lost_callbacks > 0) /* what follows was not given all that was given then */
        return true;
    return p->options.to_ns > 0 && walk_state(p->walk)->first.lanes <= 1 &&
           p->step.kind == WALK_CALLBACK &&
           walk_since(p->step.begin.now_ns, p->begun_ns) > p->options.to_ns;
}

static int32_t run(struct player *p, struct fault *fault)
{
    int32_t code;
    uint64_t steps = 0;
    while ((code = walk_next(p->walk, &p->step, fault)) == HAWSE_OK && p->step.kind != WALK_END) {
        code = take_step(p, fault);
        if (code != HAWSE_OK || over(p))
            break;
        if (p->lane == 0 && p->options.progress &&
            (steps++ % PROGRESS_EVERY == 0 || p->options.speed > 0))
            p->options.progress(p->options.ctx, p);
    }
    return code;
}

static void *lane_main(void *arg)
{
    struct player *p = arg, *first = p->first_lane;
    (void)pthread_mutex_lock(&first->lock); /* until every lane is there */
    bool go = !first->canceled;
    (void)pthread_mutex_unlock(&first->lock);
    if (go)
        p->code = run(p, &p->fault);
    return NULL;
}

/* What another lane has done becomes the first's. */
static void join(struct player *first, struct player *p)
{
    for (struct actor *a = p->first; a; a = a->next)
        first->count++;
    if (first->last)
        first->last->next = p->first;
    else
        first->first = p->first;
    first->last = p->last ? p->last : first->last;
    p->first = p->last = NULL;
    first->result->callbacks += p->result->callbacks;
    first->result->events += p->result->events;
    if (first->code == HAWSE_OK && p->code != HAWSE_OK) {
        first->code = p->code;
        first->fault = p->fault;
    }
}

/* All lanes from the beginning to the end, this thread being the first. */
static int32_t run_lanes(struct player *p, struct fault *fault)
{
    struct player_result results[PLAYER_LANES] = {0};
    uint32_t started = 1;
    (void)pthread_mutex_lock(&p->lock);
    for (; started < p->lane_count && !p->canceled; started++) {
        struct player *lane = p->lanes[started];
        lane->result = &results[started];
        p->canceled = pthread_create(&lane->thread, NULL, lane_main, lane) != 0;
    }
    started -= p->canceled;
    (void)pthread_mutex_unlock(&p->lock);
    (void)lane_main(p);
    for (uint32_t i = 1; i < started; i++) {
        (void)pthread_join(p->lanes[i]->thread, NULL);
        join(p, p->lanes[i]);
    }
    if (p->canceled)
        return fault_set(fault, HAWSE_E_NOMEM, "cannot start %u lanes", p->lane_count);
    *fault = p->fault;
    return p->code;
}

static int32_t collect(struct player *p)
{
    p->table = calloc(p->count + 1, sizeof(p->table[0]));
    if (!p->table)
        return HAWSE_E_NOMEM;
    size_t n = 0;
    for (struct actor *a = p->first; a; a = a->next) {
        p->table[n] = a->played;
        p->result->calls += a->played.calls;
        p->result->differing += a->played.differing;
        const struct played *first = p->result->first;
        if (a->played.differs && (!first || a->played.at_ns < first->at_ns))
            p->result->first = &p->table[n];
        n++;
    }
    return HAWSE_OK;
}

int32_t player_run(struct player *p, struct player_result *result, struct fault *fault)
{
    memset(result, 0, sizeof(*result));
    p->result = result;
    p->wall_ns = loop_clock();
    int32_t code = run_lanes(p, fault);
    result->took_ns = loop_clock() - p->wall_ns;
    result->recorded_ns = p->now_ns - p->begun_ns;
    if (code == HAWSE_OK)
        code = collect(p);
    if (code == HAWSE_OK && sum_up(p, true, result->recorded_hash) != HAWSE_OK)
        code = HAWSE_E_NOMEM;
    if (code == HAWSE_OK && sum_up(p, false, result->hash) != HAWSE_OK)
        code = HAWSE_E_NOMEM;
    if (p->writer) {
        recorder_flush(&p->recorder);
        int32_t written = writer_stop(p->writer);
        p->writer = NULL;
        if (code != HAWSE_OK && result->events == 0) /* refused: nothing to compare with */
            (void)unlink(p->options.out);
        if (code == HAWSE_OK && written != HAWSE_OK)
            code = fault_set(fault, written, "%s could not be written", p->options.out);
    }
    return code == HAWSE_OK ? code : fault_set(fault, code, "the replay ended early");
}

const struct played *player_instances(const struct player *p, size_t *count)
{
    *count = p->table ? p->count : 0;
    return p->table;
}

const struct reader_state *player_state(const struct player *p)
{
    return walk_state(p->walk);
}

uint64_t player_position(const struct player *p)
{
    return p->now_ns - p->begun_ns;
}
