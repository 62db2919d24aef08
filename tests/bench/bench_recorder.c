/*
 * What the flight recorder adds to a lane, alone: batches of frames are read (UTF-8 and JSON, as
 * the cheapest lane would) and a record is published for each, by turns with and without the
 * recorder. A second thread takes what was recorded, looks at every byte as the writer does, and
 * gives the memory back. Prints medians over the turns, of the lane's own CPU time; other load on
 * the machine meets both alike.
 *
 *   bench-recorder [bytes of a frame] [bytes of a record] [frames in a batch]
 */
#include "latency.h"
#include "record/recorder.h"

#include <hawse/json.h>
#include <pthread.h>
#include <sched.h>

enum { TURNS = 400, BATCHES = 40, BATCH_MAX = 64, SPOOL = 16 << 20, MARKS = 4096 };

struct lane {
    struct recorder recorder;
    size_t frame_len, record_len, batch;
    uint8_t *frames, *record;
    hawse_event_t events[BATCH_MAX];
    const hawse_event_t *list[BATCH_MAX];
    uint32_t marks[MARKS];
    int quit; /* atomic */
    uint64_t sum;
};

static void pin(size_t core)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(core, &set);
    if (pthread_setaffinity_np(pthread_self(), sizeof(set), &set) != 0)
        (void)fprintf(stderr, "core %zu cannot be had: the figures mix both\n", core);
}

static void *take_all(void *ctx)
{
    struct lane *l = ctx;
    const struct timespec pause = {.tv_nsec = 200000};
    pin(0);
    while (!__atomic_load_n(&l->quit, __ATOMIC_RELAXED)) {
        uint64_t bytes, word;
        bool closed;
        const uint8_t *at = spool_front(&l->recorder.spool, &bytes, &closed);
        for (uint64_t i = 0; i + 8 <= bytes; i += 8) {
            memcpy(&word, at + i, 8);
            l->sum += word;
        }
        spool_release(&l->recorder.spool, bytes);
        if (bytes < 65536)
            (void)nanosleep(&pause, NULL);
    }
    return NULL;
}

/* Frames as they come: JSON of one long string, each behind the other in one buffer. */
static void prepare(struct lane *l)
{
    l->frames = malloc(l->batch * l->frame_len);
    l->record = calloc(1, l->record_len);
    if (!l->frames || !l->record || l->frame_len < 16)
        abort();
    memset(l->frames, 'a', l->batch * l->frame_len);
    for (size_t i = 0; i < l->batch; i++) {
        uint8_t *at = l->frames + i * l->frame_len;
        memcpy(at, "{\"a\":\"", 6);
        memcpy(at + l->frame_len - 2, "\"}", 2);
        l->events[i] = (hawse_event_t){
            .size = sizeof(hawse_event_t), .space = 1, .len = l->frame_len, .data = at};
        l->list[i] = &l->events[i];
    }
}

static void one_batch(struct lane *l, bool with, uint64_t number)
{
    struct recorder *r = &l->recorder;
    hawse_json_t doc;
    if (with) {
        recorder_begin(r, 1, RECORD_EVENTS, number, number, 0, (uint32_t)l->batch);
        recorder_events(r, l->list, (uint32_t)l->batch);
    }
    for (size_t i = 0; i < l->batch; i++) {
        if (hawse_json_index(&doc, l->events[i].data, l->frame_len, l->marks, MARKS) != HAWSE_OK)
            abort();
        memset(l->record, (int)number, l->record_len);
        hawse_event_t event = {.size = sizeof(event),
                               .space = 2,
                               .kind = 1,
                               .len = l->record_len,
                               .data = l->record,
                               .t_recv_ns = number};
        __asm__ volatile("" : : "r"(&event), "r"(l->record) : "memory");
        if (with)
            recorder_publish(r, &event, number * l->batch + i);
    }
    if (with)
        recorder_end(r, (int32_t)l->batch, 1);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, size_t n)
{
    qsort(values, n, sizeof(*values), by_value);
    return values[n / 2];
}

static void measure(struct lane *l)
{
    static double with[TURNS], without[TURNS], more[TURNS];
    const struct timespec pause = {.tv_nsec = 1000000};
    for (size_t turn = 0; turn < TURNS; turn++) {
        double ns[2];
        for (int on = 0; on < 2; on++) {
            one_batch(l, on, turn);
            uint64_t begin = bench_clock(CLOCK_THREAD_CPUTIME_ID);
            for (uint64_t i = 0; i < BATCHES; i++)
                one_batch(l, on, turn * BATCHES + i);
            ns[on] = (double)(bench_clock(CLOCK_THREAD_CPUTIME_ID) - begin) /
                     (double)(BATCHES * l->batch);
            (void)nanosleep(&pause, NULL);
        }
        without[turn] = ns[0];
        with[turn] = ns[1];
        more[turn] = ns[1] - ns[0];
    }
    (void)printf("frames of %zu bytes, records of %zu, %zu in a batch: %.1f ns a message without, "
                 "%.1f with, %.1f more (median of %d turns); %llu callbacks left out\n",
                 l->frame_len, l->record_len, l->batch, median(without, TURNS), median(with, TURNS),
                 median(more, TURNS), TURNS, (unsigned long long)l->recorder.lost_callbacks);
}

int main(int argc, char **argv)
{
    static struct lane l;
    struct fault fault = {0};
    pthread_t thread;
    l.frame_len = argc > 1 ? strtoul(argv[1], NULL, 10) : 1005;
    l.record_len = argc > 2 ? strtoul(argv[2], NULL, 10) : 400;
    l.batch = argc > 3 ? strtoul(argv[3], NULL, 10) : 32;
    if (l.batch == 0 || l.batch > BATCH_MAX)
        return 2;
    prepare(&l);
    pin(1);
    if (recorder_init(&l.recorder, SPOOL, RECORD_FULL_MARK, &fault) != HAWSE_OK ||
        pthread_create(&thread, NULL, take_all, &l) != 0)
        return 1;
    measure(&l);
    __atomic_store_n(&l.quit, 1, __ATOMIC_RELAXED);
    (void)pthread_join(thread, NULL);
    recorder_finish(&l.recorder);
    free(l.frames);
    free(l.record);
    return l.sum == 0;
}
