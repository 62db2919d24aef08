/*
 * "hawse.alert/1": what an operator must hear of. An instance raises an alert by name and clears
 * it; the host keeps each name once, so that a condition that comes and goes makes no storm: an
 * alert is noticed (log, `hawse status`, hawse_alerts) when it has been up for the configured
 * `raise_ms`, and is over when it has been down for `clear_ms`. Raising one that is up, as often as
 * one likes, only counts.
 *
 * The configuration may say that an alert, once noticed, pulls the kill switch or opens the
 * breaker. Clearing it takes neither back: that is the operator's. All alerts of an instance are
 * cleared when it ends.
 */
#ifndef HAWSE_SERVICE_ALERT_H
#define HAWSE_SERVICE_ALERT_H

#include <hawse/hawse.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HAWSE_ALERT_ID "hawse.alert/1"

/* bounds */
#define HAWSE_ALERTS_MAX       64u   /* names of one instance, in its life */
#define HAWSE_ALERT_NAME_MAX   64u   /* bytes of a name: [a-z][a-z0-9_]* */
#define HAWSE_ALERT_TEXT_MAX   512u  /* bytes of its text */
#define HAWSE_ALERT_FIELDS_MAX 2048u /* bytes of its fields */

/* severities, in their order */
#define HAWSE_ALERT_INFO     1u /* worth knowing */
#define HAWSE_ALERT_WARNING  2u /* somebody should look today */
#define HAWSE_ALERT_CRITICAL 3u /* somebody must look now */

typedef struct hawse_alert {
    uint32_t size;
    uint32_t severity;   /* HAWSE_ALERT_... */
    hawse_view_t name;   /* "fund_loss"; what varies belongs into the fields */
    hawse_view_t text;   /* one line for people: what happened, and what to do */
    hawse_view_t fields; /* figures, as a JSON object; may be empty */
} hawse_alert_t;

typedef struct hawse_alert_service {
    uint32_t size;
    uint32_t reserved;

    /* [lane; borrows alert] The condition holds. Raised again it counts once more, and text, fields
     * and severity become those of this call; a higher severity is noticed at once when the alert
     * is. Everything is copied. HAWSE_E_LIMIT: HAWSE_ALERTS_MAX names; HAWSE_E_FORMAT: `fields` is
     * no JSON object; HAWSE_E_INVAL: an argument is outside its bounds, or no UTF-8. */
    int32_t (*raise)(const hawse_host_t *host, hawse_instance_t self, const hawse_alert_t *alert);

    /* [lane; borrows name] It holds no longer. HAWSE_E_NOTFOUND: it is not up. */
    int32_t (*clear)(const hawse_host_t *host, hawse_instance_t self, hawse_view_t name);
} hawse_alert_service_t;

#ifdef __cplusplus
}
#endif
#endif
