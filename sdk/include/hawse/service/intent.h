/*
 * "hawse.intent/1": what an instance wants done. It proposes; the host checks it against every gate
 * of the operator, simulates, signs, sends, watches, and tells exactly once how it ended. No plugin
 * sees a key, a nonce or a signed byte, and none can loosen what the operator set.
 *
 * Steps come as events of the space "intent/1" (hawse/space/intent.h) to who proposed;
 * each is in the journal before it is told. An intent that was taken over (HAWSE_OK) always ends
 * with one terminal step, also across a crash of the host: an instance that starts again asks with
 * look_up, and from then on gets what is still to come.
 *
 * Each call needs the grant "intent" or "intent:CHAIN", CHAIN being a name of the configuration's
 * "chains". Sources of the terms: EIP-1559 (fees), EIP-7702 (bundles), EIP-55 (addresses as shown).
 */
#ifndef HAWSE_SERVICE_INTENT_H
#define HAWSE_SERVICE_INTENT_H

#include <hawse/hawse.h>
#include <hawse/service/solana.h>
#include <hawse/space/intent.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HAWSE_INTENT_ID "hawse.intent/1"

/* bounds */
#define HAWSE_INTENT_ID_MAX      64u    /* bytes of an idempotency key */
#define HAWSE_INTENT_CALLS_MAX   64u    /* calls of one intent */
#define HAWSE_INTENT_FLOWS_MAX   16u    /* assets that may move */
#define HAWSE_INTENT_STREAMS_MAX 8u     /* sequences it depends on */
#define HAWSE_INTENT_DATA_MAX    65536u /* bytes of all calldata together */
#define HAWSE_INTENT_NOTE_MAX    256u   /* bytes of a note */

/* bounds of HAWSE_INTENT_SOLANA_INSTRUCTIONS; the transaction's 1,232 bytes are a bound as well */
#define HAWSE_INTENT_INSTRUCTIONS_MAX 60u   /* the host adds up to four */
#define HAWSE_INTENT_METAS_MAX        256u  /* accounts of all instructions together */
#define HAWSE_INTENT_INPUT_MAX        1232u /* bytes of all their data together */
#define HAWSE_INTENT_TABLES_MAX       8u    /* lookup tables */
#define HAWSE_INTENT_TABLE_KEYS_MAX   256u  /* keys of one of them */

/* kinds */
#define HAWSE_INTENT_EVM_CALLS           1u /* calls from one account of an EVM chain */
#define HAWSE_INTENT_SOLANA_INSTRUCTIONS 2u /* one transaction of a Solana cluster */

/* how calls become transactions */
#define HAWSE_INTENT_EACH   0u /* one transaction each; the next when the last one succeeded */
#define HAWSE_INTENT_BUNDLE 1u /* all in one, by a delegation of the account (EIP-7702) */
#define HAWSE_INTENT_SAFE   2u /* all in one transaction of a Safe, which `account` names */
/* One transaction each, all of them in one block in their order, or none of them: a bundle of the
 * chain's relay, which goes nowhere else, and for no block behind deadline_block. Refused where the
 * chain has no relay that takes bundles. */
#define HAWSE_INTENT_RELAY_BUNDLE 3u

/* by which way they go out */
#define HAWSE_INTENT_ROUTE_DEFAULT 0u /* as the chain's configuration says */
#define HAWSE_INTENT_ROUTE_PUBLIC  1u /* the public mempool */
#define HAWSE_INTENT_ROUTE_PRIVATE 2u /* the chain's private relay; refused where there is none */

/* versions of a Solana message */
#define HAWSE_INTENT_SOLANA_V0     0u
#define HAWSE_INTENT_SOLANA_LEGACY 1u /* without lookup tables */

/* flags of hawse_intent */
#define HAWSE_INTENT_STALE_OK 0x1u /* a stream it depends on need not be live */
/* cancel() ends it only while nothing of it is signed, and does nothing after that. Of
 * HAWSE_INTENT_EVM_CALLS alone */
#define HAWSE_INTENT_KEEP_SIGNED 0x2u

/* One call. An asset's own rules (approve, transfer) are checked on these bytes, decoded. */
typedef struct hawse_intent_call {
    uint32_t size;
    uint32_t flags; /* 0 */
    uint8_t to[20]; /* never zero: intents create no contracts */
    uint8_t reserved[4];
    hawse_u256_t value; /* wei */
    uint64_t gas_limit; /* gas units; 0 = what the simulation used, and a fifth more */
    hawse_view_t data;  /* calldata */
} hawse_intent_call_t;

/*
 * What may leave the account and what must come in, by asset: held against the simulation of the
 * very bytes that are signed. An asset that is not listed may not leave the account at all. Fees
 * for gas are apart: see max_cost. What is spent counts against the operator's limits by max_out.
 */
typedef struct hawse_intent_flow {
    uint32_t size;
    uint32_t flags;    /* 0 */
    uint8_t asset[20]; /* an ERC-20 token, or zero for the chain's own coin */
    uint8_t reserved[4];
    hawse_u256_t max_out;     /* smallest units, net */
    hawse_u256_t min_in;      /* smallest units, net; 0 = need not come in */
    hawse_u256_t expected_in; /* the quote that min_in allows slippage from; 0 = none. The
                                 operator's limit of slippage holds between the two */
} hawse_intent_flow_t;

/*
 * The same of a Solana account: lamports, or what it has of a mint in all its token accounts that
 * the transaction may write. Rent that is paid for new accounts is among what leaves; fees are
 * apart: see max_cost.
 */
typedef struct hawse_intent_solana_flow {
    uint32_t size;
    uint32_t flags;       /* 0 */
    uint8_t mint[32];     /* zero: lamports */
    uint64_t max_out;     /* lamports or the mint's smallest units, net */
    uint64_t min_in;      /* 0 = need not come in */
    uint64_t expected_in; /* 0 = no quote */
} hawse_intent_solana_flow_t;

/*
 * One transaction of a Solana cluster. The account pays and is its only signer. Instructions of the
 * compute budget and the advance of a nonce are the host's: they may not stand among these. What
 * tables hold is read from the chain once more before anything is signed.
 *
 * A transaction that expires without having landed is signed anew with another blockhash, three
 * times at most, and only when it is proved at finalized state that the one before can never land.
 */
typedef struct hawse_intent_solana {
    uint32_t size;
    uint32_t version;                             /* HAWSE_INTENT_SOLANA_V0, _LEGACY */
    uint32_t instruction_count, instruction_size; /* size: sizeof(hawse_solana_instruction_t) */
    const hawse_solana_instruction_t *instructions;
    uint32_t table_count, table_size; /* size: sizeof(hawse_solana_table_t) */
    const hawse_solana_table_t *tables;
    uint32_t flow_count, flow_size; /* size: sizeof(hawse_intent_solana_flow_t) */
    const hawse_intent_solana_flow_t *flows;
    uint8_t nonce[32]; /* a durable nonce's account, whose authority the account is; zero: it lives
                          by a blockhash */
    uint32_t unit_limit; /* compute units; 0 = what the simulation used, and a tenth more */
    uint32_t reserved;
    uint64_t unit_price; /* micro-lamports per unit; 0 = what others paid lately. Never above the
                            chain's max_unit_price */
} hawse_intent_solana_t;

/* A sequence that the decision was made from. By the word of its source (hawse/space/stream.h) it
 * has to be live when the intent is proposed and before each signature; otherwise the intent is
 * REFUSED. One of which nothing was said is not live. */
typedef struct hawse_intent_stream {
    uint32_t size;
    uint32_t source; /* a number from link() of hawse.sub/1 */
    uint32_t stream; /* event.stream of its events */
    uint32_t reserved;
    uint64_t key; /* of the market or account alone; 0 = the whole sequence */
} hawse_intent_stream_t;

typedef struct hawse_intent {
    uint32_t size;
    uint32_t kind;      /* HAWSE_INTENT_EVM_CALLS, HAWSE_INTENT_SOLANA_INSTRUCTIONS */
    uint64_t tag;       /* the plugin's own; comes back in every step */
    hawse_view_t id;    /* idempotency key: 1 to HAWSE_INTENT_ID_MAX visible ASCII characters. Taken
                           once per instance for ever: a second use ends at once as REFUSED with
                           HAWSE_E_EXISTS, and changes nothing of the first */
    hawse_view_t chain; /* name in the configuration's "chains" */
    hawse_view_t account;   /* whose money moves: a name in the configuration's "keys", or with
                               HAWSE_INTENT_SAFE in the chain's "safes" */
    uint32_t how;           /* HAWSE_INTENT_EACH, _BUNDLE, _SAFE, _RELAY_BUNDLE */
    uint32_t route;         /* HAWSE_INTENT_ROUTE_... */
    uint32_t flags;         /* HAWSE_INTENT_STALE_OK, _KEEP_SIGNED */
    uint32_t confirmations; /* blocks until CONFIRMED, its own among them; fewer than the chain's:
                               its. On Solana 0: as the chain's configuration says */
    uint32_t call_count, call_size; /* call_size: sizeof(hawse_intent_call_t) of the caller */
    const hawse_intent_call_t *calls;
    uint32_t flow_count, flow_size;
    const hawse_intent_flow_t *flows;
    uint32_t stream_count, stream_size;
    const hawse_intent_stream_t *streams;
    hawse_u256_t max_cost;   /* wei or lamports, fees of all its transactions; 0 = the operator's
                                limit alone */
    uint64_t deadline_ns;    /* UTC; nothing is sent for the first time after it; 0 = none */
    uint64_t deadline_block; /* the last block, or slot, it may first be sent for; 0 = none */
    hawse_view_t note;       /* text for the journal: why */
    const hawse_intent_solana_t *solana; /* HAWSE_INTENT_SOLANA_INSTRUCTIONS, which has no calls and
                                            flows of its own kind: then call_count, flow_count and
                                            how are 0 and the route is not private; else NULL */
    hawse_u256_t worth; /* wei of the chain's coin that it is worth to be done: of intents of one
                           account that wait for lower fees, or for the account's window of nonces,
                           those that are worth more get their turn first, equals in the order in
                           which they came. 0 = what it expects to gain of the coin itself, by its
                           flow: expected_in less max_out. Not used on Solana, where nothing waits
                           behind another */

    uint64_t basis_block; /* the block whose state it was decided from: it is simulated on that one
                             or a later one, and waits for it where the host's own providers are
                             behind. 0 = on the newest that they told of. Not used on Solana */
    uint64_t basis_ns;    /* t_recv_ns of the event that it was decided from: from there it is told
                             how long the signature took. 0 = not told */
} hawse_intent_t;

typedef struct hawse_intent_service {
    uint32_t size;
    uint32_t reserved;

    /* [lane; borrows intent, fills handle] Hand an intent over; everything is copied. *handle is
     * its handle in later steps, until its terminal step. HAWSE_OK promises a terminal step and
     * nothing else. HAWSE_E_INVAL: malformed, what and where stands in the log; HAWSE_E_DENIED: no
     * grant; HAWSE_E_NOTFOUND: no such chain or account; HAWSE_E_AGAIN: too many wait, it was not
     * taken over; HAWSE_E_STATE: this host has no journal or no keys, has not yet reconciled what
     * an earlier run left, may not write its journal any more, or create() has not returned:
     * nothing was taken over. */
    int32_t (*propose)(const hawse_host_t *host, hawse_instance_t self,
                       const hawse_intent_t *intent, uint64_t *handle);

    /* [lane] No longer wanted. What is not signed ends at once (FAILED, HAWSE_E_CANCELED); for what
     * was sent the host tries to take its nonce by an empty transaction, and tells what happened:
     * it may be CONFIRMED all the same; see HAWSE_INTENT_KEEP_SIGNED. HAWSE_E_STALE: its terminal
     * step was told. */
    int32_t (*cancel)(const hawse_host_t *host, hawse_instance_t self, uint64_t handle);

    /* [lane; borrows id] The last step of an intent of this instance by its id, also from earlier
     * runs: for a plugin that starts again. It comes as an event HAWSE_INTENT_STATE with this tag;
     * error is HAWSE_E_NOTFOUND with step 0 when it was never taken over, and that of its terminal
     * step when it has ended. Events HAWSE_INTENT_LEG with this tag come before it. An intent that
     * has not ended gets a handle by it, and its further steps come with this tag. HAWSE_E_AGAIN,
     * HAWSE_E_STATE as above. */
    int32_t (*look_up)(const hawse_host_t *host, hawse_instance_t self, hawse_view_t id,
                       uint64_t tag);
} hawse_intent_service_t;

#ifdef __cplusplus
}
#endif
#endif
