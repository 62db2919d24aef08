/*
 * The part of broken.c that is handed over: hawse.state/1, good or broken in one way. Belongs
 * behind its struct plugin.
 */
enum { FORMAT = 1 };

/* All that it knows and does not hold of this process. */
struct saved {
    uint32_t format, room;
    uint64_t len; /* of the whole */
    hawse_stream_t stream;
    hawse_channel_t channel;
    hawse_timer_t timer;
    hawse_request_t request;
    hawse_metric_t metric;
    uint64_t events, ticks, frames, full, seen[SEEN], last_block, last_hash, retracted;
    uint64_t lives, saves;
    uint32_t proposed, place;
};

static uint64_t saves;

static int32_t save(void *state, uint8_t *out, uint64_t cap, uint64_t *need)
{
    struct plugin *p = state;
    hawse_timer_t timer;
    struct saved s = {.format = FORMAT,
                      .len = sizeof(s),
                      .stream = p->stream,
                      .channel = p->channel,
                      .timer = p->timer,
                      .request = p->request,
                      .metric = p->metric,
                      .events = p->events,
                      .ticks = p->ticks,
                      .frames = p->frames,
                      .full = p->full,
                      .last_block = p->last_block,
                      .last_hash = p->last_hash,
                      .retracted = p->retracted,
                      .lives = (uint64_t)p->lives,
                      .saves = FAULT == 512 ? ++saves : 0,
                      .proposed = FAULT == 511 ? 0 : p->proposed,
                      .place = p->events % SEEN};
    memcpy(s.seen, p->seen, sizeof(s.seen));
    uint64_t more = FAULT == 607 ? p->events * 24 : 0;
    s.len = *need = sizeof(s) + more;
    if (FAULT == 513)
        (void)p->timers->cancel(p->host, p->self, 0);
    if (cap < *need && FAULT != 514)
        return HAWSE_E_NOSPACE;
    memcpy(out, &s, sizeof(s));
    memset(out + sizeof(s), 0, more);
    return HAWSE_OK;
}

static int32_t refuse(struct plugin *p, const hawse_host_t *host, hawse_instance_t self)
{
    if (FAULT != 518)
        free(p);
    return hawse_fail(host, self, HAWSE_E_FORMAT, "no state that it can read", "start it anew");
}

static int32_t restore(const hawse_host_t *host, hawse_instance_t self, hawse_view_t config,
                       hawse_view_t saved, void **state)
{
    struct saved s = {0};
    struct plugin *p = calloc(1, sizeof(*p));
    (void)config;
    if (!p)
        return HAWSE_E_NOMEM;
    memcpy(&s, saved.data, saved.len < sizeof(s) ? saved.len : sizeof(s));
    bool whole = saved.len >= sizeof(s) && s.len == saved.len;
    if ((!whole && FAULT != 515) || (s.format != FORMAT && FAULT != 516 && saved.len > 4))
        return refuse(p, host, self);
    if (s.place >= SEEN) {
        if (FAULT == 517)
            fail_here();
        return refuse(p, host, self);
    }
    *p = (struct plugin){.host = host,
                         .self = self,
                         .sub = host->query(host, self, HAWSE_SUB_ID),
                         .streams = host->query(host, self, HAWSE_STREAM_ID),
                         .timers = host->query(host, self, HAWSE_TIMER_ID),
                         .rpc = host->query(host, self, HAWSE_RPC_ID),
                         .intents = host->query(host, self, HAWSE_INTENT_ID),
                         .metrics = host->query(host, self, HAWSE_METRICS_ID),
                         .http = host->query(host, self, HAWSE_HTTP_ID),
                         .stream = s.stream,
                         .channel = s.channel,
                         .timer = s.timer,
                         .request = s.request,
                         .metric = s.metric,
                         .events = s.events,
                         .ticks = s.ticks,
                         .frames = s.frames,
                         .full = s.full,
                         .last_block = s.last_block,
                         .last_hash = s.last_hash,
                         .retracted = s.retracted,
                         .lives = (int)s.lives,
                         .proposed = s.proposed,
                         .started = true,
                         .restored = true};
    memcpy(p->seen, s.seen, sizeof(p->seen));
    alive++;
    *state = p;
    return HAWSE_OK;
}
