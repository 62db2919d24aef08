/*
 * The steps of nonces as Redis runs them: one Lua script each, so that no two hosts are ever in the
 * middle of one. The meaning is that of nonce.h; what is more than one host needs is said here.
 *
 * Keys of one account, of one hash slot: {PREFIX:CHAIN:SENDER} and :m (hash: next, floor, run,
 * resync, lease, life:HOST, seen:HOST,
 * alone), :e (hash: number to "state token hash since host"), :f (free), :r
 * (reserved, by time), :s (sent), :d (mined), sorted sets. Time is the server's, in milliseconds.
 *
 * A server that was started anew, or another that took over, may have forgotten the last second:
 * its run id is another. The first script that meets it begins a pause, in which every host tells
 * again what it has (SYNC) and nobody is given a number. The same happens for an account that is
 * new.
 *
 * A host's id is its journal's, and it has many lives: one a connection, each a greater number. In
 * the first words of each it tells all that it has (SYNC), which undoes what else it was given;
 * from then on a step of an earlier life, which may have waited in a socket, is refused. So a host
 * that died between `sent` and its journal leaves nothing behind as soon as it is back. One that
 * never comes back leaves a number that is marked as sent and has no bytes: another host may CLAIM
 * it when its operator says so, and this one was not heard of for as long as the ttl (seen).
 *
 * What must be alone in its account (RESERVE) is noted there as "number host since": as long as
 * that host has that number in flight no other is given any, and -1, of one that waits until
 * nothing else is in flight, holds for half the ttl.
 *
 * Arguments: ttl, pause, host, lease ("1": this host alone may use the account), high (the lowest
 * number that this host has never signed with), life, then those of the step. Answer: status ("OK"
 * or what follows HAWSE_E_), number, next, in flight, foreign, others (numbers that other hosts
 * have), whether this life of the host has told what it has ("1"), now, then entries.
 */
#ifndef CORE_TX_NONCE_LUA_H
#define CORE_TX_NONCE_LUA_H

#include <stddef.h>

enum nonce_script {
    NONCE_LUA_RESERVE, /* floor, window, token, "1": no other host may have any meanwhile */
    NONCE_LUA_CLAIM,   /* number, token, "1": also where another host, not heard of, marked it */
    NONCE_LUA_SENT,    /* number, token, hash */
    NONCE_LUA_RELEASE, /* number, token */
    NONCE_LUA_MINED,   /* latest */
    NONCE_LUA_REWIND,  /* expected, target */
    NONCE_LUA_GAPS,    /* latest, pending, rows: entries of [latest, latest + rows) */
    NONCE_LUA_SYNC,    /* floor, top, then number, state, token, hash for each that the host has,
                          none of them above top left out; below floor all is mined. top -1: it
                          tells nothing */
    NONCE_SCRIPTS
};

enum { NONCE_LUA_KEYS = 6, NONCE_LUA_FIXED = 6, NONCE_LUA_ANSWER = 8 };

/* Its whole text, in static memory of the caller of `nonce_lua_init`. */
struct nonce_lua {
    char text[8192];
    size_t len;
    char sha[41]; /* SHA-1, as EVALSHA wants it */
};

void nonce_lua_make(enum nonce_script which, struct nonce_lua *out);

#endif
