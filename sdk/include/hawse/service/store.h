/*
 * "hawse.store/1": what an instance has to know again after the host was stopped, killed or lost
 * its power: a few small values by key, of this instance alone. Values live in the host's journal
 * (`hawse journal query` shows them as notes "store"), so they last as long as it does, under the
 * instance's id, whatever build of the plugin runs.
 *
 * Nothing is read from a disk while an instance runs: open() has what was kept delivered as events
 * (HAWSE_HOST_KEPT), which captures hold like every other input, so that a replay knows the same.
 *
 * What was put before an intent is proposed is on the disk before anything of that intent leaves
 * the host, so a decision may rest on it. A value is lost only together with the power of the host
 * to send: when the journal cannot be written, nothing is signed. In the same way the answer to a
 * verb (hawse/service/command.h) is told when what was put before it is on the disk.
 *
 * Keep no secret here: the journal is read by operators. It only grows: put what changed, not what
 * is the same, and nothing at each event.
 */
#ifndef HAWSE_SERVICE_STORE_H
#define HAWSE_SERVICE_STORE_H

#include <hawse/hawse.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HAWSE_STORE_ID "hawse.store/1"

/* bounds */
#define HAWSE_STORE_KEY_MAX   64u    /* bytes of a key: [a-z0-9._-] */
#define HAWSE_STORE_VALUE_MAX 4096u  /* bytes of a value */
#define HAWSE_STORE_MAX       65536u /* bytes of all keys and values of one instance */

typedef struct hawse_store_service {
    uint32_t size;
    uint32_t reserved;

    /* [lane] In create() or start(): tell this instance what is kept of it, as HAWSE_HOST_KEPT
     * events; the last of them, which always comes, has HAWSE_KEPT_LAST. Other events may come
     * between: decide nothing before it. HAWSE_E_UNSUPPORTED: this host has no journal (no chains,
     * or no keys) and keeps nothing; there will be no event. */
    int32_t (*open)(const hawse_host_t *host, hawse_instance_t self);

    /* [lane; borrows key, value] Keep this value under this key, in place of what was there; an
     * empty one forgets the key. Copied, and written behind the call: it never waits.
     * HAWSE_E_INVAL: key or value is outside its bounds; HAWSE_E_LIMIT: all of them would be more
     * than HAWSE_STORE_MAX; HAWSE_E_UNSUPPORTED: as open(); HAWSE_E_NOMEM. On failure what was
     * there stays. */
    int32_t (*put)(const hawse_host_t *host, hawse_instance_t self, hawse_view_t key,
                   hawse_view_t value);
} hawse_store_service_t;

#ifdef __cplusplus
}
#endif
#endif
