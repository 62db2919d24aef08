/*
 * "hawse.http/1": HTTP requests to endpoints of this instance or of one it is linked to. A plugin
 * names an endpoint and a path below it; it never sees the URL or the headers that the operator put
 * there, which may hold a secret. The answer arrives as HAWSE_HOST_HTTP_DONE.
 *
 * Nothing is retried here and no redirect is followed: the asker knows what may be asked twice. A
 * GET or HEAD on a kept connection that the server closed meanwhile is the one exception; every
 * other method goes out on a connection of its own, so that it is sent once at most.
 */
#ifndef HAWSE_SERVICE_HTTP_H
#define HAWSE_SERVICE_HTTP_H

#include <hawse/hawse.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HAWSE_HTTP_ID "hawse.http/1"

#define HAWSE_HTTP_PATH_MAX    8192u    /* bytes of path and query */
#define HAWSE_HTTP_HEADERS_MAX 8192u    /* bytes of all header lines */
#define HAWSE_HTTP_BODY_MAX    1048576u /* bytes of a request's body */

typedef struct hawse_http_call {
    uint32_t size;
    uint32_t timeout_ms;   /* of the whole request; 0 = the configuration's, 10 s */
    hawse_view_t link;     /* whose endpoint: a link's name; empty = this instance's own */
    hawse_view_t endpoint; /* its name in "endpoints": "clob" */
    hawse_view_t method;   /* GET, HEAD, POST, PUT, PATCH or DELETE */
    hawse_view_t path;    /* appended to the endpoint's URL: "/book?token_id=1". Begins with '/', is
                             visible ASCII, percent-encoded where need be; no "." or ".." segment,
                             no "//", no '\', no '#', and none of them percent-encoded */
    hawse_view_t headers; /* lines "Name: value", each ended by '\n': Accept, Accept-Language,
                             Content-Type, If-Modified-Since and If-None-Match, no others; one that
                             the operator set wins */
    hawse_view_t body;    /* none with GET and HEAD. Content-Type is application/json unless said */
    uint64_t tag;         /* comes back in the event */
    uint64_t max_response; /* bytes of the answer's body, decompressed; 0 = 32 MiB */
} hawse_http_call_t;

typedef struct hawse_http_service {
    uint32_t size;
    uint32_t reserved;

    /* [lane; borrows call, fills request] Send a request; all views are copied. Its completion
     * always comes, once, unless canceled. Needs the grant "http:METHOD:/PREFIX" (the prefix ends
     * at a '/', a '?' or the end of the path), "http:METHOD" or "http". HAWSE_E_DENIED: not
     * granted; HAWSE_E_NOTFOUND: no such link or endpoint; HAWSE_E_LIMIT: 256 requests of this
     * instance are under way, JSON-RPC included; HAWSE_E_INVAL: an argument is not as described
     * above, or the endpoint is no http:// or https:// URL. */
    int32_t (*call)(const hawse_host_t *host, hawse_instance_t self, const hawse_http_call_t *call,
                    hawse_request_t *request);

    /* [lane] Ask for no completion any more. One that is already queued still comes; the request
     * may still reach the server. HAWSE_E_STALE when it is done. */
    int32_t (*cancel)(const hawse_host_t *host, hawse_instance_t self, hawse_request_t request);
} hawse_http_service_t;

#ifdef __cplusplus
}
#endif
#endif
