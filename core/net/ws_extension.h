/*
 * The Sec-WebSocket-Extensions header, as far as this client speaks it: what it offers, and whether
 * the server's reply is one that RFC 7692 allows to that offer. Owns nothing.
 */
#ifndef HAWSE_CORE_NET_WS_EXTENSION_H
#define HAWSE_CORE_NET_WS_EXTENSION_H

#include "net/ws_deflate.h"
#include "net/ws_failure.h"

/* The offer: any window of ours that the server asks for; all else as the server likes. */
#define WS_EXTENSION_OFFER "permessage-deflate; client_max_window_bits"

/* Reads the server's reply to WS_EXTENSION_OFFER. HAWSE_E_FORMAT: not a legal one; *agreed is then
 * of no use. */
int32_t ws_extension_read(const char *text, size_t len, struct ws_deflate_agreed *agreed,
                          struct ws_failure *failure);

#endif
