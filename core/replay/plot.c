/* See plot.h. */
#include "replay/plot.h"

#include <string.h>

enum { WIDTH = 900, HEIGHT = 220, LEFT = 70, RIGHT = 10, TOP = 10, BOTTOM = 24, COLORS = 8 };

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

struct frame {
    double low, high;
    uint64_t span_ns;
};

static double x_of(const struct frame *f, double at_ns)
{
    double span = f->span_ns > 0 ? (double)f->span_ns : 1.0;
    return LEFT + at_ns / span * (WIDTH - LEFT - RIGHT);
}

static double y_of(const struct frame *f, double value)
{
    double range = f->high > f->low ? f->high - f->low : 1.0;
    return HEIGHT - BOTTOM - (value - f->low) / range * (HEIGHT - TOP - BOTTOM);
}

static void begin_figure(FILE *out, const char *heading, const char *unit, const struct frame *f)
{
    (void)fprintf(out, "<figure><figcaption>");
    html_text(out, heading);
    (void)fprintf(out, "</figcaption><svg viewBox=\"0 0 %d %d\" role=\"img\">", WIDTH, HEIGHT);
    for (int i = 0; i <= 4; i++) {
        double value = f->low + (f->high - f->low) * i / 4, y = y_of(f, value);
        double at = (double)f->span_ns * i / 4;
        (void)fprintf(out,
                      "<line class=\"g\" x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\"/>"
                      "<text class=\"l\" x=\"%d\" y=\"%.1f\">%.6g%s</text>"
                      "<text class=\"b\" x=\"%.1f\" y=\"%d\">%.4g s</text>",
                      LEFT, WIDTH - RIGHT, y, y, LEFT - 6, y + 4, value, i == 4 ? unit : "",
                      x_of(f, at), HEIGHT - 6, at / 1e9);
    }
}

static double value_of(const struct series *s, uint32_t i, enum plot_of what)
{
    return what == PLOT_MAX ? s->max[i] : s->sum[i] * 1e9 / (double)s->width_ns;
}

static void draw_series(FILE *out, const struct series *s, uint32_t color, enum plot_of what,
                        const struct frame *f)
{
    (void)fprintf(out, "<polyline class=\"c%u\" points=\"", color % COLORS);
    for (uint32_t i = 0; i < s->used; i++)
        (void)fprintf(out, "%.1f,%.1f ", x_of(f, ((double)i + 0.5) * (double)s->width_ns),
                      y_of(f, value_of(s, i, what)));
    (void)fprintf(out, "\"/>");
}

void plot_series(FILE *out, const char *heading, const char *unit, const struct series *list,
                 uint32_t count, enum plot_of what, uint64_t span_ns)
{
    struct frame f = {.span_ns = span_ns};
    for (uint32_t s = 0; s < count; s++) {
        for (uint32_t i = 0; i < list[s].used; i++) {
            double value = value_of(&list[s], i, what);
            f.high = value > f.high ? value : f.high;
        }
        uint64_t end = list[s].used * list[s].width_ns;
        f.span_ns = end > f.span_ns ? end : f.span_ns;
    }
    begin_figure(out, heading, unit, &f);
    for (uint32_t s = 0; s < count; s++)
        draw_series(out, &list[s], s, what, &f);
    (void)fprintf(out, "</svg><p>");
    for (uint32_t s = 0; s < count; s++) {
        (void)fprintf(out, "<span class=\"k%u\">", s % COLORS);
        html_text(out, list[s].name);
        (void)fprintf(out, "</span> ");
    }
    (void)fprintf(out, "</p></figure>\n");
}

void plot_track(FILE *out, const struct track *t, uint64_t span_ns)
{
    struct frame f = {.span_ns = span_ns};
    for (uint32_t i = 0; i < t->count; i++) {
        f.low = i == 0 || t->value[i] < f.low ? t->value[i] : f.low;
        f.high = i == 0 || t->value[i] > f.high ? t->value[i] : f.high;
    }
    begin_figure(out, t->name, "", &f);
    (void)fprintf(out, "<polyline class=\"c0\" points=\"");
    for (uint32_t i = 0; i < t->count; i++)
        (void)fprintf(out, "%.1f,%.1f ", x_of(&f, (double)t->at_ns[i]), y_of(&f, t->value[i]));
    (void)fprintf(out, "\"/></svg></figure>\n");
}
