/*
 * "hawse.state/1": an interface of a plugin, which the host asks its query() for. A plugin that
 * offers it can be exchanged for another build while it runs (`hawse reload INSTANCE --plugin
 * FILE`): the old one says what it knows, the new one goes on from there, and events wait
 * meanwhile.
 *
 * What an instance has of the host is not handed over, it stays: subscriptions, timers, streams and
 * their channels, requests that are under way, metrics, verbs, intents. Their handles go on being
 * good, so a state that is saved holds them, and what they bring comes to the new plugin. The old
 * plugin is not stopped; it stands by until the new one has taken its first events, or asks the
 * host for something that cannot be taken back, and goes on as if nothing had been when the new one
 * fails before. What it has of the host stays the instance's also when it is destroyed: its
 * handle as an instance is stale by then.
 *
 * The bytes are the plugin's own. Begin them with a number of the format, in the first four of
 * them, read those of earlier formats, and refuse what is not known: the host compares nothing but
 * the plugin's id. Behind `saved` nothing may be read, and it is not aligned.
 */
#ifndef HAWSE_SERVICE_STATE_H
#define HAWSE_SERVICE_STATE_H

#include <hawse/hawse.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HAWSE_STATE_ID "hawse.state/1"

#define HAWSE_STATE_MAX 4194304u /* bytes of a saved state */

/* Of the plugin; static, constant for the life of the process. Both functions are required. */
typedef struct hawse_state_interface {
    uint32_t size;
    uint32_t reserved;

    /* [lane, started; fills out, need] Write all that a new build needs to go on, and its length in
     * bytes to *need. The instance may go on afterwards as if nothing had been: change nothing, and
     * ask the host for nothing but log(), set_error() and now(). cap is HAWSE_STATE_MAX.
     * HAWSE_E_NOSPACE: it is more. Any negative code: not now, with set_error's reason. */
    int32_t (*save)(void *state, uint8_t *out, uint64_t cap, uint64_t *need);

    /* [lane; borrows config, saved, gives made] Instead of create() and start(): make the state of
     * an instance that runs already. `config` is as in create(), checked against this plugin's own
     * schema; `saved` is what another build wrote. Services may be asked for, and read; whatever
     * would change something is HAWSE_E_STATE until events come. On failure: set_error, return a
     * negative code, leave *made alone; destroy is then not called. */
    int32_t (*restore)(const hawse_host_t *host, hawse_instance_t self, hawse_view_t config,
                       hawse_view_t saved, void **made);
} hawse_state_interface_t;

#ifdef __cplusplus
}
#endif
#endif
