/* Calls, events and callbacks in words, for whoever has to find out what differs. */
#ifndef CORE_REPLAY_WORDS_H
#define CORE_REPLAY_WORDS_H

#include "replay/walk.h"

enum { WORDS_LINE = 512, WORDS_TEXT = 2048 };

/* Do these two ask for the same? Answers (code, result) do not count. */
bool call_same(const struct record_call *a, const struct record_call *b);
/* Are these the same event, with the same bytes? */
bool event_same(const hawse_event_t *a, const hawse_event_t *b);

/* "publishes market/1 kind 2, key 0x12, 160 bytes" */
void call_words(const struct record_call *call, char out[WORDS_LINE]);
/* "evm/1 kind 2 seq 12 of source 1, 312 bytes" */
void event_words(const hawse_event_t *event, char out[WORDS_LINE]);
/* "on_events with 2 events, the first ..." */
void callback_words(const struct walk_step *step, char out[WORDS_TEXT]);
/* What is not the same between two calls of one kind: "byte 40 of the record is 0x01, now 0x02". */
void call_difference(const struct record_call *a, const struct record_call *b,
                     char out[WORDS_LINE]);

#endif
