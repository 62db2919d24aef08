/*
 * What the kit offers of hawse.command/1, hawse.alert/1 and hawse.store/1: verbs may be offered and
 * alerts raised, nobody calls and nobody hears of them; nothing is kept, as by a host without a
 * journal. A plugin that cannot do without one of them is judged all the same.
 */
#include "check/kit.h"

#include <hawse/service/alert.h>
#include <hawse/service/command.h>
#include <hawse/service/store.h>
#include <string.h>

static int32_t command_add(const hawse_host_t *table, hawse_instance_t self,
                           const hawse_command_spec_t *spec)
{
    (void)self;
    if (kit_untimely(table, "command.add"))
        return HAWSE_E_STATE;
    return spec && spec->name.len > 0 && spec->name.len <= HAWSE_COMMAND_NAME_MAX ? HAWSE_OK
                                                                                  : HAWSE_E_INVAL;
}

static int32_t command_print(const hawse_host_t *table, hawse_instance_t self, hawse_command_t call,
                             hawse_view_t text)
{
    (void)table, (void)self, (void)call, (void)text;
    return HAWSE_E_STALE;
}

static int32_t command_end(const hawse_host_t *table, hawse_instance_t self, hawse_command_t call,
                           const hawse_command_result_t *result)
{
    (void)table, (void)self, (void)call, (void)result;
    return HAWSE_E_STALE;
}

static int32_t alert_raise(const hawse_host_t *table, hawse_instance_t self,
                           const hawse_alert_t *alert)
{
    (void)self;
    if (kit_untimely(table, "alert.raise"))
        return HAWSE_E_STATE;
    return alert && alert->name.len > 0 && alert->name.len <= HAWSE_ALERT_NAME_MAX ? HAWSE_OK
                                                                                   : HAWSE_E_INVAL;
}

static int32_t alert_clear(const hawse_host_t *table, hawse_instance_t self, hawse_view_t name)
{
    (void)self;
    if (kit_untimely(table, "alert.clear"))
        return HAWSE_E_STATE;
    return name.len > 0 && name.len <= HAWSE_ALERT_NAME_MAX ? HAWSE_OK : HAWSE_E_INVAL;
}

static int32_t store_open(const hawse_host_t *table, hawse_instance_t self)
{
    (void)self;
    if (kit_untimely(table, "store.open"))
        return HAWSE_E_STATE;
    return HAWSE_E_UNSUPPORTED;
}

static int32_t store_put(const hawse_host_t *table, hawse_instance_t self, hawse_view_t key,
                         hawse_view_t value)
{
    (void)self;
    if (kit_untimely(table, "store.put"))
        return HAWSE_E_STATE;
    return key.len == 0 || key.len > HAWSE_STORE_KEY_MAX || value.len > HAWSE_STORE_VALUE_MAX
               ? HAWSE_E_INVAL
               : HAWSE_E_UNSUPPORTED;
}

const void *kit_operator_service(const char *id)
{
    static const hawse_command_service_t command = {
        .size = sizeof(command), .add = command_add, .print = command_print, .end = command_end};
    static const hawse_alert_service_t alert = {
        .size = sizeof(alert), .raise = alert_raise, .clear = alert_clear};
    static const hawse_store_service_t store = {
        .size = sizeof(store), .open = store_open, .put = store_put};
    if (strcmp(id, HAWSE_COMMAND_ID) == 0)
        return &command;
    if (strcmp(id, HAWSE_STORE_ID) == 0)
        return &store;
    return strcmp(id, HAWSE_ALERT_ID) == 0 ? &alert : NULL;
}
