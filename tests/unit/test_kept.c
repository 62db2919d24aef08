/*
 * What instances keep, where memory runs out behind it: either the journal's note is under way and
 * the host knows the value, or neither is. Around service_store.c stands a desk of this test alone.
 */
#include "harness.h"
#include "host/host.h"
#include "tx/desk.h"

#include <hawse/service/store.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

extern const hawse_store_service_t host_store_service;

static struct host *host;
static struct instance *inst;
static struct lane lane;
static struct config_instance config = {.id = (char *)"one"};
static int32_t note_status;
static uint32_t noted;       /* notes on their way to the journal */
static char board[4][128];   /* what is on the board, as it is written anew */
static uint32_t board_count; /* behind the note that forgets all */

/* ---- around it ---- */

struct instance *host_enter(const hawse_host_t *table, hawse_instance_t self, int32_t *code)
{
    (void)table, (void)self;
    *code = HAWSE_OK;
    return inst;
}

int32_t desk_note(struct desk *desk, const char *what, const char *instance, const char *data,
                  struct fault *fault)
{
    (void)desk, (void)what, (void)instance, (void)data, (void)fault;
    noted += note_status == HAWSE_OK;
    return note_status;
}

void desk_note_now(struct desk *desk, const char *what, const char *instance, const char *data)
{
    (void)desk, (void)what;
    if (instance[0])
        (void)snprintf(board[board_count++], sizeof(board[0]), "%s", data);
}

/* Never needed here. */
int32_t desk_notes(struct desk *desk, const char *what,
                   int32_t (*fn)(void *ctx, const char *instance, hawse_view_t data), void *ctx,
                   struct fault *fault)
{
    (void)desk, (void)what, (void)fn, (void)ctx, (void)fault;
    abort();
}

struct instance *host_instance(const hawse_host_t *table, hawse_instance_t handle)
{
    (void)table, (void)handle;
    abort();
}

int32_t bus_send(struct bus *bus, uint32_t to, const hawse_event_t *event)
{
    (void)bus, (void)to, (void)event;
    abort();
}

void lane_arm_retry(struct lane *of)
{
    (void)of;
    abort();
}

/* ---- what happens ---- */

static int32_t put(const char *key, const char *value)
{
    return host_store_service.put(NULL, 1, hawse_text(key), hawse_text(value));
}

static void look(void)
{
    board_count = 0;
    store_again(host, host->desk);
}

static void begin(void)
{
    host = calloc(1, sizeof(*host));
    inst = calloc(1, sizeof(*inst));
    CHECK(host && inst);
    (void)pthread_mutex_init(&host->store.lock, NULL);
    host->desk = (struct desk *)host; /* never looked into */
    inst->host = host;
    inst->lane = &lane;
    inst->config = &config;
    note_status = HAWSE_OK;
    noted = 0;
}

static void end(void)
{
    store_free(host);
    (void)pthread_mutex_destroy(&host->store.lock);
    free(inst);
    free(host);
}

TEST(kept_nomem, "when memory runs out behind a put, what was there stays, and no note is written")
{
    begin();
    CHECK_EQ(put("a", "1"), HAWSE_OK);
    note_status = HAWSE_E_NOMEM;
    CHECK_EQ(put("a", "2"), HAWSE_E_NOMEM); /* another value */
    CHECK_EQ(put("a", ""), HAWSE_E_NOMEM);  /* none any more */
    CHECK_EQ(put("b", "3"), HAWSE_E_NOMEM); /* a new key */
    CHECK_EQ(noted, 1);
    look();
    CHECK_EQ(board_count, 1);
    CHECK(strcmp(board[0], "{\"key\":\"a\",\"value\":\"0x31\"}") == 0);
    note_status = HAWSE_OK;
    CHECK_EQ(put("b", "3"), HAWSE_OK);
    CHECK_EQ(put("a", "2"), HAWSE_OK);
    look();
    CHECK_EQ(board_count, 2);
    CHECK(strstr(board[0], "0x32") || strstr(board[1], "0x32"));
    CHECK_EQ(put("a", ""), HAWSE_OK);
    CHECK_EQ(put("a", ""), HAWSE_OK); /* what is not there is forgotten too */
    look();
    CHECK_EQ(board_count, 1);
    CHECK(strcmp(board[0], "{\"key\":\"b\",\"value\":\"0x33\"}") == 0);
    end();
}

TEST(kept_limit, "a value beyond the room of an instance is refused, and what was there stays")
{
    static char large[HAWSE_STORE_VALUE_MAX + 1];
    char key[8];
    uint32_t fits = 0;
    begin();
    memset(large, 'v', HAWSE_STORE_VALUE_MAX);
    for (uint32_t i = 0; i < 17; i++) {
        (void)snprintf(key, sizeof(key), "k%u", i);
        fits += put(key, i < 16 ? large + 100 : "") == HAWSE_OK;
    }
    CHECK_EQ(fits, 17);
    CHECK_EQ(put("k17", large), HAWSE_E_LIMIT);
    CHECK_EQ(put("k0", ""), HAWSE_OK);
    CHECK_EQ(put("k17", large + 100), HAWSE_OK);
    end();
}
