/*
 * What is said of an event, apart from any host. test.c tries it.
 */
#ifndef LOGIC_H
#define LOGIC_H

#include <hawse/hawse.h>

/* A line on the event, cut where it does not fit; its length. */
uint32_t tell(const hawse_event_t *event, char *out, uint32_t cap);

#endif
