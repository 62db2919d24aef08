/*
 * "hawse.sign/1": requests and messages that carry a login. A plugin names a credential of its
 * configuration and says what is to be sent; the host looks at it, refuses what the credential's
 * schema does not let pass, adds the login and sends it. No key, secret or signature ever comes
 * back, and none is in a log or a capture. A credential is used with the endpoints that the
 * operator names for it, and no others.
 *
 * Each call needs the grant "sign:SCHEMA" or "sign". Schemas:
 *
 *   polymarket-l2  the API key of a Polymarket account (docs.polymarket.com, "L2 methods"):
 *                  `http` signs GET requests outside /auth with the headers POLY_ADDRESS,
 *                  POLY_SIGNATURE, POLY_TIMESTAMP, POLY_API_KEY and POLY_PASSPHRASE;
 *                  `send` fills in the first message of the user channel,
 *                  {"type":"user","auth":"$credential","markets":["0x..."]}, markets or not
 *   polymarket-l1  the same account by its wallet's key: `login` asks the venue for the API key
 * that belongs to it (GET /auth/derive-api-key, "L1 methods") and keeps it; then as polymarket-l2.
 * The key signs nothing else
 *
 * What changes anything at a venue is not sent here: it is an intent, which passes gates.
 */
#ifndef HAWSE_SERVICE_SIGN_H
#define HAWSE_SERVICE_SIGN_H

#include <hawse/hawse.h>
#include <hawse/service/http.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HAWSE_SIGN_ID "hawse.sign/1"

typedef struct hawse_sign_service {
    uint32_t size;
    uint32_t reserved;

    /* [lane; borrows credential, call, fills request] As `call` of hawse.http/1, with its grants,
     * its limits, its completion and its `cancel`; the link must be empty. The time that is signed
     * is the host's clock, UTC. HAWSE_E_NOTFOUND: no such credential or endpoint; HAWSE_E_DENIED:
     * not granted, not an endpoint of this credential, or nothing that its schema signs;
     * HAWSE_E_STATE: `login` comes first. */
    int32_t (*http)(const hawse_host_t *host, hawse_instance_t self, hawse_view_t credential,
                    const hawse_http_call_t *call, hawse_request_t *request);

    /* [lane; borrows credential, text] Send a text message on a stream of this instance, with the
     * login in the place of the text "$credential", quotes included. HAWSE_E_NOTFOUND,
     * HAWSE_E_DENIED as above; HAWSE_E_STALE: no such stream; HAWSE_E_STATE: it is not open;
     * HAWSE_E_AGAIN: 1 MiB waits. */
    int32_t (*send)(const hawse_host_t *host, hawse_instance_t self, hawse_view_t credential,
                    hawse_stream_t stream, hawse_view_t text);

    /* [lane; borrows credential, text] Does the venue call the account by this text, as an API
     * key's id or an address? These names are in what the venue tells, and no secrets. 1, 0, or
     * HAWSE_E_NOTFOUND, HAWSE_E_DENIED.
     */
    int32_t (*names)(const hawse_host_t *host, hawse_instance_t self, hawse_view_t credential,
                     hawse_view_t text);

    /* [lane; borrows credential, endpoint, fills request] Log in at an endpoint, for schemas that
     * have to. HAWSE_HOST_HTTP_DONE says how it went, without a body: HAWSE_OK, or HAWSE_E_FORMAT
     * where the venue gave no session. Codes as of `http`, and HAWSE_E_UNSUPPORTED: this schema
     * need not. A session stays until the instance ends; log in again when the venue no longer
     * takes it. */
    int32_t (*login)(const hawse_host_t *host, hawse_instance_t self, hawse_view_t credential,
                     hawse_view_t endpoint, uint64_t tag, hawse_request_t *request);
} hawse_sign_service_t;

#ifdef __cplusplus
}
#endif
#endif
