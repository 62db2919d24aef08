/* A Solana node: which cluster it is of, how far it is, and what it can do. */
#include "doctor/internal.h"

#include <hawse/base58.h>
#include <hawse/types.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What the host asks for, and what it is for. All of it is needed: nothing stands in for it. */
static const struct ability {
    const char *method, *params, *why;
} abilities[] = {
    {"getLatestBlockhash", "[{\"commitment\":\"confirmed\"}]", "transactions live by it"},
    {"getSignatureStatuses", "[[],{\"searchTransactionHistory\":true}]",
     "outcomes are read from it"},
    {"getEpochInfo", "[{\"commitment\":\"finalized\"}]",
     "it proves that a transaction can no longer land"},
    {"getFirstAvailableBlock", NULL, "it says how far back the node's history goes"},
    {"getMultipleAccounts",
     "[[\"11111111111111111111111111111111\"],{\"encoding\":\"base64\","
     "\"commitment\":\"confirmed\"}]",
     "balances before and after a simulation are read from it"},
    {"getRecentPrioritizationFees", "[[]]", "prices of compute units are offered from it"},
};

static void examine_abilities(struct doctor *d, const char *where,
                              const struct config_endpoint *endpoint)
{
    static struct answer a;
    bool all = true;
    for (size_t i = 0; i < sizeof(abilities) / sizeof(abilities[0]); i++) {
        const struct ability *x = &abilities[i];
        ask(d, endpoint, x->method, x->params, &a);
        if (a.status == HAWSE_OK)
            continue;
        all = false;
        say(d, DOCTOR_BAD, where, "use a provider, or a plan of it, that has this method",
            "no %s: %s: %.200s", x->method, x->why, a.text);
    }
    /* nothing can be simulated without a transaction: what counts is that the method is known */
    ask(d, endpoint, "simulateTransaction", "[\"\",{\"encoding\":\"base64\"}]", &a);
    if (a.status != HAWSE_OK && strstr(a.text, "-32601")) {
        all = false;
        say(d, DOCTOR_BAD, where, "use a provider, or a plan of it, that has this method",
            "no simulateTransaction: nothing is signed without it");
    }
    if (all)
        say(d, DOCTOR_GOOD, where, NULL, "has every method that hawse asks for");
}

static void examine_history(struct doctor *d, const char *where,
                            const struct config_endpoint *endpoint, uint64_t slot)
{
    enum { AN_HOUR = 9000 }; /* slots of 400 ms */
    static struct answer a;
    ask(d, endpoint, "getFirstAvailableBlock", NULL, &a);
    uint64_t first = a.status == HAWSE_OK ? strtoull(a.text, NULL, 10) : 0;
    if (a.status == HAWSE_OK && slot > first && slot - first < AN_HOUR)
        say(d, DOCTOR_WARN, where, "a provider that keeps hours of history",
            "its history begins %" PRIu64 " slots ago: what was sent before a longer outage stays "
            "unknown",
            slot - first);
}

bool examine_solana(struct doctor *d, const char *where, const struct config_endpoint *endpoint,
                    const uint8_t genesis[32], struct view_of_chain *view)
{
    static struct answer a;
    char expected[HAWSE_BASE58_KEY_TEXT];
    (void)hawse_base58_from_key(genesis, expected);
    ask(d, endpoint, "getGenesisHash", NULL, &a);
    if (a.status != HAWSE_OK) {
        say(d, DOCTOR_BAD, where, "see that the URL is that of a Solana node's JSON-RPC service",
            "does not tell its genesis hash: HTTP %u, %.200s", a.http_status, a.text);
        return false;
    }
    if (strlen(a.text) < 2 || strncmp(a.text + 1, expected, strlen(expected)) != 0) {
        say(d, DOCTOR_BAD, where, "the URL is of another cluster, or genesis should be another",
            "speaks for the cluster %.60s, expected %s", a.text, expected);
        return false;
    }
    ask(d, endpoint, "getVersion", NULL, &a);
    say(d, DOCTOR_GOOD, where, NULL, "cluster %s, %.120s", expected,
        a.status == HAWSE_OK ? a.text : "of no version");
    ask(d, endpoint, "getHealth", NULL, &a);
    bool well = a.status == HAWSE_OK && strcmp(a.text, "\"ok\"") == 0;
    if (!well)
        say(d, DOCTOR_WARN, where, "another node, until this one has caught up",
            "says of itself: %.200s", a.text);
    ask(d, endpoint, "getSlot", "[{\"commitment\":\"confirmed\"}]", &a);
    view->head = a.status == HAWSE_OK ? strtoull(a.text, NULL, 10) : 0;
    if (view->head == 0)
        say(d, DOCTOR_BAD, where, NULL, "does not tell its newest slot: %.200s", a.text);
    else
        say(d, DOCTOR_GOOD, where, NULL, "newest slot %" PRIu64 ", in %.1f ms", view->head,
            (double)a.elapsed_ns / 1e6);
    examine_abilities(d, where, endpoint);
    examine_history(d, where, endpoint, view->head);
    return true;
}
