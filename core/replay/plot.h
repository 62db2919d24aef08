/*
 * Numbers over time in bounded memory, and their picture as SVG. A series takes any number of
 * points: when it is full it keeps every second one, or, when it sums, pairs of buckets.
 */
#ifndef CORE_REPLAY_PLOT_H
#define CORE_REPLAY_PLOT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum { SERIES_BUCKETS = 256, SERIES_POINTS = 1024, SERIES_NAME = 96 };

/* Sums or maxima in buckets of equal width, which doubles when time goes on. */
struct series {
    char name[SERIES_NAME];
    uint64_t width_ns;
    double sum[SERIES_BUCKETS];
    double max[SERIES_BUCKETS];
    uint32_t used; /* buckets up to the last one */
};

/* Single values, such as prices. */
struct track {
    char name[SERIES_NAME];
    uint64_t at_ns[SERIES_POINTS];
    double value[SERIES_POINTS];
    uint32_t count;
    uint64_t every, seen; /* one of so many is kept */
};

void series_add(struct series *series, uint64_t at_ns, double value);
void track_add(struct track *track, uint64_t at_ns, double value);
/* The last value is kept, whatever track_add left out before it. */
void track_end(struct track *track, uint64_t at_ns, double value);

/* What a plot shows of its series: sums a second, or, on logarithmic axes, those or maxima. */
enum plot_of { PLOT_RATE, PLOT_RATE_LOG, PLOT_MAX };

/* One <figure>: a heading, which has the unit, one line per series, axes with round numbers. */
void plot_series(FILE *out, const char *heading, const struct series *list, uint32_t count,
                 enum plot_of what, uint64_t span_ns);
/* The same for single values, each of which holds until the next; with more than one, their names
 * are below. */
void plot_tracks(FILE *out, const char *heading, const struct track *const *list, uint32_t count,
                 uint64_t span_ns);

/* Text for HTML: nothing in it is markup any more. */
void html_text(FILE *out, const char *text);

#endif
