/*
 * The functions of the cases, by level, and what they share. The table that names them is cases.c.
 */
#ifndef CORE_CHECK_CASES_H
#define CORE_CHECK_CASES_H

#include "check/run.h"
#include "check/script.h"

/* An instance, created and started, its connections open; NULL: it was not to be had, and the case
 * is judged. */
struct kit *case_live(struct check_run *run);
/* Stops and destroys it, and judges that no callback failed. */
void case_done(struct check_run *run, struct kit *k);
/* Create, start, `rounds` of the tour from this seed, stop, destroy. The kit is to be freed. */
struct kit *case_tour(struct check_run *run, uint64_t seed, uint32_t rounds);

#define CASE(name) void name(struct check_run *run, int arg)

/* level0.c: the file */
CASE(check_readable);
CASE(check_elf);
CASE(check_entry);
CASE(check_manifest_symbol);
CASE(check_exports);
CASE(check_manifest);
CASE(check_manifest_keys);
CASE(check_requires);
CASE(check_stack);
CASE(check_text);
CASE(check_rpath);
CASE(check_writable);
CASE(check_libraries);
CASE(check_imports);
CASE(check_published);
CASE(check_schema);
/* level1.c: life */
CASE(check_load);
CASE(check_table_same);
CASE(check_life);
CASE(check_unstarted);
CASE(check_idle);
CASE(check_cycles);
CASE(check_newer_host);
CASE(check_older_host);
CASE(check_failing_create);
CASE(check_create_words);
CASE(check_two);
CASE(check_stop);
CASE(check_query);
CASE(check_process_state);
/* level2.c: events */
CASE(check_batch);
CASE(check_kind);
CASE(check_header_newer);
CASE(check_record_newer);
CASE(check_record_exact);
CASE(check_record_older);
CASE(check_large);
CASE(check_empty);
CASE(check_twice);
CASE(check_order);
CASE(check_extremes);
CASE(check_kept);
CASE(check_partial);
CASE(check_bad_text);
CASE(check_rule);
/* level2_world.c: what happens to a source, a connection, a clock */
CASE(check_range);
CASE(check_retract);
CASE(check_clock);
CASE(check_stale);
CASE(check_flapping);

/* level3.c: a hostile host */
CASE(check_services);
CASE(check_call);
CASE(check_torture);
CASE(check_answer);
CASE(check_resend);
CASE(check_step);
CASE(check_no_connection);
CASE(check_backoff);
CASE(check_memory);
/* level45.c: threads, and doing the same again */
CASE(check_moved);
CASE(check_together);
CASE(check_again);
CASE(check_ambient);
CASE(check_batches);
CASE(check_garbage);
CASE(check_handles);
/* level5_state.c: levels 5 and 6 of plugins that can be exchanged while they run */
CASE(check_hand_over);
CASE(check_saving);
CASE(check_untimely);
CASE(check_room);
CASE(check_cut);
CASE(check_format);
CASE(check_garbled);
CASE(check_refusing);
CASE(check_growth);
/* recording.c: level 5 on what was recorded */
CASE(check_recording);
/* level67.c: costs, and nonsense */
CASE(check_cost);
CASE(check_lines);
CASE(check_weight);
CASE(check_fuzz);

#undef CASE
#endif
