/*
 * Where nonces of shared keys are: a Redis server, from the checked tree into the struct. Its
 * password is a secret, resolved here and shown nowhere.
 */
#include "config/internal.h"

#include <arpa/inet.h>
#include <hawse/types.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void redis_destroy(struct config_redis *redis)
{
    free(redis->address);
    free(redis->user);
    secret_free(redis->password);
    free(redis->prefix);
    free(redis->lease);
}

/* Numeric, as looking a name up would block who sends. Redis speaks in the clear: what leaves this
 * machine needs a word of the operator. */
static int32_t check_address(struct reader *r, const char *address, bool insecure)
{
    struct in_addr four;
    struct in6_addr six;
    bool is_four = inet_pton(AF_INET, address, &four) == 1;
    bool is_six = inet_pton(AF_INET6, address, &six) == 1;
    bool here = address[0] == '/' || (is_four && ntohl(four.s_addr) >> 24 == 127) ||
                (is_six && IN6_IS_ADDR_LOOPBACK(&six));
    if (address[0] != '/' && !is_four && !is_six) {
        (void)fault_set(r->fault, HAWSE_E_INVAL,
                        "nonces.redis.address: \"%.64s\" is no numeric address and no path of a "
                        "Unix socket",
                        address);
        fault_hint(r->fault, "write the address itself, as 10.0.0.7 or /run/redis/redis.sock");
        return HAWSE_E_INVAL;
    }
    if (here || insecure)
        return HAWSE_OK;
    (void)fault_set(r->fault, HAWSE_E_DENIED,
                    "nonces.redis.address: %.64s is another machine, and Redis speaks in the clear",
                    address);
    fault_hint(r->fault, "put a tunnel between (WireGuard, stunnel), and set \"insecure\": true");
    return HAWSE_E_DENIED;
}

static int32_t read_password(struct reader *r, json_t *value, struct config_redis *out)
{
    const char *written = json_string_value(json_object_get(value, "password"));
    char *shown = NULL;
    if (!written)
        return HAWSE_OK;
    int32_t code = secret_resolve(r, written, "nonces.redis.password", &out->password, &shown);
    if (code == HAWSE_OK)
        code = secret_note_references(r, written, out->password, "nonces.redis.password");
    if (code == HAWSE_OK && hidden_add(r->config, out->password, strlen(out->password)) != HAWSE_OK)
        code = no_memory(r, "nonces.redis.password");
    free(shown);
    return code == HAWSE_OK
               ? secret_mask(value, "password", "***", "nonces.redis.password", r->fault)
               : code;
}

int32_t read_nonces(struct reader *r, json_t *nonces)
{
    struct config_redis *out = &r->config->redis;
    json_t *value = json_object_get(nonces, "redis");
    const char *address = json_string_value(json_object_get(value, "address"));
    const char *user = json_string_value(json_object_get(value, "user"));
    if (!address)
        return HAWSE_OK;
    if (!copy_text(&out->address, address) ||
        !copy_text(&out->prefix, json_string_value(json_object_get(value, "prefix"))) ||
        (user && !copy_text(&out->user, user)))
        return no_memory(r, "nonces.redis");
    out->port = (uint16_t)read_number(value, "port");
    out->database = (uint16_t)read_number(value, "database");
    out->budget_ms = read_number(value, "budget_ms");
    out->pause_ms = read_number(value, "pause_ms");
    int32_t code = check_address(r, address, json_is_true(json_object_get(value, "insecure")));
    if (code == HAWSE_OK)
        code = read_password(r, value, out);
    return code == HAWSE_OK ? read_path(r, value, "lease", &out->lease) : code;
}
