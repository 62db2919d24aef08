/*
 * The status document as a screen of text, for `hawse top`, `hawse status` and the live view.
 */
#ifndef CORE_OBSERVE_VIEW_H
#define CORE_OBSERVE_VIEW_H

#include <jansson.h>

/* malloc'd text. `before` (may be NULL) is the document of elapsed_s seconds ago: rates need both.
 * `lines` (may be NULL) is shown below the tables. */
char *view_render(const json_t *before, const json_t *now, double elapsed_s, const char *lines,
                  int columns);

#endif
