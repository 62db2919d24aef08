/* The word that somebody probably meant; see schema.h. Owns nothing, allocates nothing. */
#include "base/schema.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum { WORD_MAX = 64 };

static size_t min2(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Optimal string alignment distance: Damerau's edits, without edits inside a swapped pair. */
static size_t distance(const char *a, const char *b)
{
    size_t la = strlen(a), lb = strlen(b);
    size_t rows[3][WORD_MAX + 1];
    if (la > WORD_MAX || lb > WORD_MAX)
        return SIZE_MAX;
    for (size_t j = 0; j <= lb; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= la; i++) {
        size_t *row = rows[i % 3], *above = rows[(i + 2) % 3], *second = rows[(i + 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= lb; j++) {
            size_t changed = above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
            row[j] = min2(min2(above[j], row[j - 1]) + 1, changed);
            bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
            if (swapped)
                row[j] = min2(row[j], second[j - 2] + 1);
        }
    }
    return rows[la % 3][lb];
}

/* One edit in three letters, and at least one: more would be guessing. Otherwise a candidate that
 * begins with the word. */
const char *schema_nearest(const char *word, const char *const *candidates, size_t count)
{
    const char *best = NULL;
    size_t letters = strlen(word);
    size_t limit = letters < 6 ? (letters > 1 ? 1 : 0) : letters / 3;
    for (size_t i = 0; i < count; i++) {
        size_t n = distance(word, candidates[i]);
        if (n > limit || (best && n == limit))
            continue;
        best = candidates[i];
        limit = n;
    }
    for (size_t i = 0; i < count && !best && letters > 2; i++) { /* a unit that was left out */
        if (strncmp(candidates[i], word, letters) == 0)
            best = candidates[i];
    }
    return best;
}
