/*
 * The templates of `hawse new`, as they are in the program: made from sdk/new when it is built.
 */
#ifndef CORE_APP_TEMPLATE_H
#define CORE_APP_TEMPLATE_H

#include <stddef.h>

struct template_file {
    const char *kind; /* chain, venue ...; common: of every kind */
    const char *name;
    const char *text; /* with @NAME@, @ID@ and others to be filled in */
};

extern const struct template_file template_files[];
extern const size_t template_count;

#endif
