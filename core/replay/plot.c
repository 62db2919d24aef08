/* See plot.h. */
#include "replay/plot.h"

#include <math.h>
#include <string.h>

enum { WIDTH = 640, HEIGHT = 230, LEFT = 74, RIGHT = 14, TOP = 12, BOTTOM = 28, COLORS = 8 };
enum { TICKS = 5 };

static const uint64_t FIRST_WIDTH_NS = 10000000;

/* ---- collecting ---- */

static void widen(struct series *s)
{
    for (uint32_t i = 0; i < SERIES_BUCKETS / 2; i++) {
        s->sum[i] = s->sum[2 * i] + s->sum[2 * i + 1];
        double a = s->max[2 * i], b = s->max[2 * i + 1];
        s->max[i] = a > b ? a : b;
    }
    memset(s->sum + SERIES_BUCKETS / 2, 0, sizeof(s->sum) / 2);
    memset(s->max + SERIES_BUCKETS / 2, 0, sizeof(s->max) / 2);
    s->used = (s->used + 1) / 2;
    s->width_ns *= 2;
}

void series_add(struct series *s, uint64_t at_ns, double value)
{
    if (s->width_ns == 0)
        s->width_ns = FIRST_WIDTH_NS;
    while (at_ns / s->width_ns >= SERIES_BUCKETS)
        widen(s);
    uint32_t i = (uint32_t)(at_ns / s->width_ns);
    s->sum[i] += value;
    s->max[i] = value > s->max[i] ? value : s->max[i];
    s->used = i + 1 > s->used ? i + 1 : s->used;
}

void track_add(struct track *t, uint64_t at_ns, double value)
{
    if (t->every == 0)
        t->every = 1;
    if (t->seen++ % t->every != 0)
        return;
    if (t->count == SERIES_POINTS) {
        for (uint32_t i = 0; i < SERIES_POINTS / 2; i++) {
            t->at_ns[i] = t->at_ns[2 * i];
            t->value[i] = t->value[2 * i];
        }
        t->count = SERIES_POINTS / 2;
        t->every *= 2;
    }
    t->at_ns[t->count] = at_ns;
    t->value[t->count++] = value;
}

void track_end(struct track *t, uint64_t at_ns, double value)
{
    if (t->count == 0 || t->at_ns[t->count - 1] != at_ns)
        t->count += t->count < SERIES_POINTS;
    if (t->count == 0)
        return;
    t->at_ns[t->count - 1] = at_ns;
    t->value[t->count - 1] = value;
}

/* ---- drawing ---- */

void html_text(FILE *out, const char *text)
{
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '<' || c == '>' || c == '&' || c == '"' || c == '\'')
            (void)fprintf(out, "&#%u;", c);
        else if (c >= 0x20 || c == '\n')
            (void)fputc(c, out);
    }
}

/* The area of a plot. Logarithmic: low and high are exponents of ten. */
struct frame {
    double low, high;
    uint64_t span_ns;
    bool logarithmic;
};

static double x_of(const struct frame *f, double at_ns)
{
    double span = f->span_ns > 0 ? (double)f->span_ns : 1.0;
    return LEFT + at_ns / span * (WIDTH - LEFT - RIGHT);
}

static double y_of(const struct frame *f, double value)
{
    double range = f->high > f->low ? f->high - f->low : 1.0;
    double at = f->logarithmic ? log10(value) : value;
    return HEIGHT - BOTTOM - (at - f->low) / range * (HEIGHT - TOP - BOTTOM);
}

/* 1, 2 or 5 times a power of ten, so that about TICKS of them make the range. */
static double step_of(double range)
{
    double power = pow(10, floor(log10(range / TICKS)));
    double times = range / TICKS / power;
    return power * (times <= 1 ? 1 : times <= 2 ? 2 : times <= 5 ? 5 : 10);
}

/* The area, widened to whole steps. */
static double fit(struct frame *f)
{
    if (!(f->high > f->low)) {
        double around = f->low != 0 ? fabs(f->low) / 100 : 1;
        f->low -= around;
        f->high += around;
    }
    double step = f->logarithmic ? 1 : step_of(f->high - f->low);
    f->low = floor(f->low / step + 1e-9) * step;
    f->high = ceil(f->high / step - 1e-9) * step;
    return step;
}

/* Seconds, minutes, hours or days, whichever makes short numbers. */
static void put_times(FILE *out, const struct frame *f)
{
    double seconds = (double)f->span_ns / 1e9;
    static const struct {
        double above, unit;
        const char *name;
    } units[] = {{259200, 86400, "d"}, {7200, 3600, "h"}, {300, 60, "min"}, {-1, 1, "s"}};
    uint32_t of = 0;
    while (seconds <= units[of].above)
        of++;
    double unit = units[of].unit, step = seconds > 0 ? step_of(seconds / unit) : 1;
    const char *name = units[of].name;
    for (double at = 0; at * unit <= seconds * 1.0001 && at < 20 * step; at += step)
        (void)fprintf(out, "<text class=\"b\" x=\"%.1f\" y=\"%d\">%.6g %s</text>",
                      x_of(f, at * unit * 1e9), HEIGHT - 8, at, name);
}

/* Long numbers are shortened: 2.5 M. */
static void put_number(FILE *out, double value)
{
    double size = fabs(value);
    double by = size >= 1e9 ? 1e9 : size >= 1e6 ? 1e6 : size >= 1e5 ? 1e3 : 1;
    (void)fprintf(out, "%.7g%s", value / by,
                  by >= 1e9   ? " G"
                  : by >= 1e6 ? " M"
                  : by > 1    ? " k"
                              : "");
}

static void begin_figure(FILE *out, const char *heading, struct frame *f)
{
    double step = fit(f);
    int count = (int)lround((f->high - f->low) / step);
    (void)fprintf(out, "<figure><figcaption>");
    html_text(out, heading);
    (void)fprintf(out, "</figcaption><svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"", WIDTH,
                  HEIGHT);
    html_text(out, heading);
    (void)fprintf(out, "\">");
    for (int i = 0; i <= count && i < 4 * TICKS; i++) {
        double at = f->low + i * step, value = f->logarithmic ? pow(10, at) : at;
        double y = y_of(f, value);
        if (fabs(value) < step / 1e6) /* 0.1 + 0.2 - 0.3 */
            value = 0;
        (void)fprintf(out,
                      "<line class=\"g\" x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\"/>"
                      "<text class=\"l\" x=\"%d\" y=\"%.1f\">",
                      LEFT, WIDTH - RIGHT, y, y, LEFT - 8, y + 4);
        put_number(out, value);
        (void)fprintf(out, "</text>");
    }
    put_times(out, f);
}

static double value_of(const struct series *s, uint32_t i, enum plot_of what)
{
    return what == PLOT_MAX ? s->max[i] : s->sum[i] * 1e9 / (double)s->width_ns;
}

/* A logarithmic line ends where nothing was, and begins anew behind it. */
static void draw_series(FILE *out, const struct series *s, uint32_t color, enum plot_of what,
                        const struct frame *f)
{
    bool open = false;
    for (uint32_t i = 0; i < s->used; i++) {
        double value = value_of(s, i, what), from = (double)i * (double)s->width_ns;
        double to = from + (double)s->width_ns;
        bool there = !f->logarithmic || value > 0;
        if (there && !open)
            (void)fprintf(out, "<polyline class=\"c%u\" points=\"", color % COLORS);
        else if (!there && open)
            (void)fprintf(out, "\"/>");
        open = there;
        if (there) /* a bucket is a flat piece: it holds for all of its time */
            (void)fprintf(out, "%.1f,%.1f %.1f,%.1f ", x_of(f, from), y_of(f, value), x_of(f, to),
                          y_of(f, value));
    }
    if (open)
        (void)fprintf(out, "\"/>");
}

static void put_legend(FILE *out, const struct series *list, uint32_t count)
{
    (void)fprintf(out, "<p class=\"legend\">");
    for (uint32_t s = 0; s < count; s++) {
        if (list[s].used == 0)
            continue;
        (void)fprintf(out, "<span class=\"k%u\">", s % COLORS);
        html_text(out, list[s].name);
        (void)fprintf(out, "</span> ");
    }
    (void)fprintf(out, "</p>");
}

void plot_series(FILE *out, const char *heading, const struct series *list, uint32_t count,
                 enum plot_of what, uint64_t span_ns)
{
    struct frame f = {.span_ns = span_ns, .logarithmic = what != PLOT_RATE};
    double least = 0;
    for (uint32_t s = 0; s < count; s++) {
        for (uint32_t i = 0; i < list[s].used; i++) {
            double value = value_of(&list[s], i, what);
            f.high = value > f.high ? value : f.high;
            least = value > 0 && (least == 0 || value < least) ? value : least;
        }
        uint64_t end = list[s].used * list[s].width_ns;
        f.span_ns = end > f.span_ns ? end : f.span_ns;
    }
    if (f.logarithmic) {
        f.low = least > 0 ? floor(log10(least)) : 0;
        f.high = f.high > 0 ? ceil(log10(f.high)) : 1;
    }
    begin_figure(out, heading, &f);
    for (uint32_t s = 0; s < count; s++)
        draw_series(out, &list[s], s, what, &f);
    (void)fprintf(out, "</svg>");
    put_legend(out, list, count);
    (void)fprintf(out, "</figure>\n");
}

static void draw_track(FILE *out, const struct track *t, uint32_t color, const struct frame *f)
{
    (void)fprintf(out, "<polyline class=\"c%u\" points=\"", color % COLORS);
    for (uint32_t i = 0; i < t->count; i++) { /* a value holds until the next */
        if (i > 0)
            (void)fprintf(out, "%.1f,%.1f ", x_of(f, (double)t->at_ns[i]),
                          y_of(f, t->value[i - 1]));
        (void)fprintf(out, "%.1f,%.1f ", x_of(f, (double)t->at_ns[i]), y_of(f, t->value[i]));
    }
    if (t->count > 0)
        (void)fprintf(out, "%.1f,%.1f", x_of(f, (double)f->span_ns),
                      y_of(f, t->value[t->count - 1]));
    (void)fprintf(out, "\"/>");
}

void plot_tracks(FILE *out, const char *heading, const struct track *const *list, uint32_t count,
                 uint64_t span_ns)
{
    struct frame f = {.span_ns = span_ns};
    bool any = false;
    for (uint32_t n = 0; n < count; n++) {
        for (uint32_t i = 0; i < list[n]->count; i++) {
            double value = list[n]->value[i];
            f.low = !any || value < f.low ? value : f.low;
            f.high = !any || value > f.high ? value : f.high;
            any = true;
        }
    }
    begin_figure(out, heading, &f);
    for (uint32_t n = 0; n < count; n++)
        draw_track(out, list[n], n, &f);
    (void)fprintf(out, "</svg>");
    for (uint32_t n = 0; n < count && count > 1; n++) {
        (void)fprintf(out, "%s<span class=\"k%u\">", n == 0 ? "<p class=\"legend\">" : " ",
                      n % COLORS);
        html_text(out, list[n]->name);
        (void)fprintf(out, "</span>%s", n + 1 == count ? "</p>" : "");
    }
    (void)fprintf(out, "</figure>\n");
}
