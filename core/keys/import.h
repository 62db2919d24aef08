/*
 * Private keys as other programs write them: Ethereum's "Web3 Secret Storage" version 3, raw
 * hexadecimal, and Solana's JSON array of 64 numbers.
 *
 * Takes seconds where a passphrase is hard to guess: never on a lane.
 */
#ifndef CORE_KEYS_IMPORT_H
#define CORE_KEYS_IMPORT_H

#include "keys/key.h"

enum import_format { IMPORT_AUTO, IMPORT_V3, IMPORT_HEX, IMPORT_SOLANA };

/* "auto", "v3", "hex", "solana"; false: none of them. */
bool import_format_parse(const char *name, enum import_format *format);
/* By how it begins: "{" is V3, "[" Solana, else hexadecimal. */
enum import_format import_guess(const char *text);

/* The key of a text; `passphrase` is for V3 alone, NULL otherwise; `kind` for hexadecimal alone.
 * HAWSE_E_FORMAT: not that format, or damaged; HAWSE_E_DENIED: V3's passphrase is wrong;
 * HAWSE_E_LIMIT: V3 asks for more than 1 GiB of memory or hours; HAWSE_E_UNSUPPORTED: a cipher or
 * function that the specification does not name; HAWSE_E_RANGE: no private key. */
int32_t import_key(const char *text, enum import_format format, enum key_kind kind,
                   const char *passphrase, struct key **out, struct fault *fault);

#endif
