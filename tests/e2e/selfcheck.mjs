// Proves the rig without hawse: contracts, traffic, reorganisations, faults, ledger and judge.
//   node selfcheck.mjs [--swaps 500] [--pools 10] [--chain 100] [--seed 1]
// A plain client lives through killed sockets and reorganisations and its tape is judged; the
// ledger is rebuilt from receipts by an independent library; and the judge is shown tapes that
// are wrong, which it must refuse.
import { parseArgs } from 'node:util';
import { createPublicClient, http, parseEventLogs } from 'viem';
import { ABI } from './lib/algebra.mjs';
import { sleep } from './lib/anvil.mjs';
import { PlainClient } from './lib/client.mjs';
import { Judge } from './lib/judge.mjs';
import { Ledger, logKey } from './lib/ledger.mjs';
import { reorganise } from './lib/reorg.mjs';
import { Rig, until } from './lib/rig.mjs';
import { NodeProxy } from './lib/wsproxy.mjs';

const { values } = parseArgs({
  options: {
    swaps: { type: 'string', default: '500' },
    pools: { type: 'string', default: '10' },
    chain: { type: 'string', default: '100' },
    seed: { type: 'string', default: '1' },
  },
});
const swaps = Number(values.swaps);
const failures = [];

function check(what, holds, detail = '') {
  console.log(`${holds ? 'ok  ' : 'FAIL'} ${what}${detail === '' ? '' : `: ${detail}`}`);
  if (!holds) {
    failures.push(what);
  }
}

/** A client with its tape, judged as it runs. */
async function follow(rig, wsUrl) {
  const client = new PlainClient({ wsUrl, addresses: rig.addresses, states: rig.before });
  const tape = [];
  const judge = new Judge();
  const take = (event) => {
    tape.push(event);
    judge.take(event);
  };
  client.on('event', take);
  rig.onCut = take;
  await client.start();
  return { client, tape, judge };
}

async function caughtUp(judge, hash) {
  await until(
    () => judge.headHash() === hash && judge.openGaps.size === 0,
    15_000,
    'the client did not reach the head',
  );
  await sleep(200);
}

/** What goes wrong on the way, at which share of the swaps. */
function troubles(rig) {
  const { faults, chain, random, traffic } = rig;
  const reorg = (depth, style) => async () => {
    const done = await reorganise(chain, random, { depth, style });
    await traffic.sync();
    return done.told;
  };
  return [
    [0.1, reorg(1, 'reorg')],
    [0.16, async () => `reset ${rig.cut('resetAll')} connections`],
    [0.22, reorg(3, 'rollback')],
    [0.3, reorg(12, 'reorg')],
    [0.38, async () => `closed ${rig.cut('closeAll')} connections`],
    [
      0.46,
      async () => {
        void faults.refuseFor(400);
        const killed = rig.cut('resetAll');
        return `reset ${killed} and refused; ${await reorg(12, 'rollback')()}`;
      },
    ],
    [
      0.56,
      async () => {
        void faults.stallFor(300);
        return 'stalled all bytes for 300 ms';
      },
    ],
    [
      0.66,
      async () => {
        await rig.cut('swallowFor', 100);
        return 'left the connections half-open';
      },
    ],
    [
      0.76,
      async () => {
        rig.node.pause();
        await sleep(400);
        rig.node.resume();
        return 'node stood still for 400 ms';
      },
    ],
    [0.84, reorg(3, 'reorg')],
    [0.92, reorg(1, 'rollback')],
  ];
}

async function runTrial(rig, follower) {
  const plan = troubles(rig);
  const begun = Date.now();
  while (rig.swaps < swaps) {
    await rig.block(Math.min(swaps - rig.swaps, rig.random.between(2, 10)));
    if (plan.length > 0 && rig.swaps >= plan[0][0] * swaps) {
      await rig.untilWatched();
      await until(() => follower.judge.openGaps.size === 0, 15_000, 'a gap stayed open');
      console.log(`     swap ${rig.swaps}: ${await plan.shift()[1]()}`);
    }
    await sleep(5);
  }
  const ms = Date.now() - begun;
  await caughtUp(follower.judge, (await rig.node.block('latest')).hash);
  return ms;
}

/** The canonical swaps as an independent library reads them, receipt by receipt. */
async function rebuildFromReceipts(rig, from) {
  const client = createPublicClient({ transport: http(rig.node.url, { batch: true }) });
  const pools = new Set(rig.addresses.map((address) => address.toLowerCase()));
  const found = new Map();
  let logs = 0;
  const head = Number(await client.getBlockNumber());
  for (let number = from; number <= head; number++) {
    const block = await client.getBlock({ blockNumber: BigInt(number) });
    const receipts = await Promise.all(
      block.transactions.map((hash) => client.getTransactionReceipt({ hash })),
    );
    const ours = receipts
      .flatMap((receipt) => receipt.logs)
      .filter((log) => pools.has(log.address.toLowerCase()));
    logs += ours.length;
    for (const swap of parseEventLogs({ abi: ABI.pool, eventName: 'Swap', logs: ours })) {
      found.set(logKey(swap.blockHash, swap.logIndex), {
        pool: swap.address.toLowerCase(),
        tick: swap.args.tick,
        amount0: String(swap.args.amount0),
        amount1: String(swap.args.amount1),
        sqrt_price: String(swap.args.price),
        liquidity: String(swap.args.liquidity),
      });
    }
  }
  return { found, logs };
}

function countDifferent(found, truth) {
  let different = [...found.keys()].filter((key) => !truth.has(key)).length;
  for (const [key, swap] of truth) {
    const other = found.get(key);
    if (
      !other ||
      Object.entries(other).some(([field, value]) => String(swap[field]) !== String(value))
    ) {
      different++;
    }
  }
  return different;
}

/** Tapes with one thing wrong: each must be refused. */
function forgeries(tape) {
  const at = (t, test = () => true) => tape.findIndex((event) => event.t === t && test(event));
  const without = (i) => tape.filter((_, k) => k !== i);
  const altered = (i, change) =>
    tape.map((event, k) => (k === i ? { ...event, ...change } : event));
  const twice = (i) => [
    ...tape.slice(0, i + 1),
    { ...tape[i], seq: undefined },
    ...tape.slice(i + 1),
  ];
  const last = (t) => tape.length - 1 - [...tape].reverse().findIndex((event) => event.t === t);
  const swapped = last('market.trade');
  return {
    'a log less': without(last('evm.log')),
    'a log twice': twice(last('evm.log')),
    'a trade less': without(swapped),
    'a trade twice': twice(swapped),
    'a removal less': without(at('evm.log', (event) => event.removed)),
    'a removal twice': twice(at('evm.log', (event) => event.removed)),
    'an amount off by one': altered(swapped, {
      amount0: String(BigInt(tape[swapped].amount0) + 1n),
    }),
    'a price off by one': altered(swapped, {
      sqrt_price: String(BigInt(tape[swapped].sqrt_price) + 1n),
    }),
    'a topic changed': altered(last('evm.log'), { topics: [`0x${'11'.repeat(32)}`] }),
    'a pool state off by one': altered(last('market.pool_state'), { tick: tape.at(-1).tick + 1 }),
    'a pool never told': without(last('market.pool_state')),
    'gaps not announced': tape.filter((event) => event.t !== 'stream.gap'),
    'a gap not healed': without(last('stream.healed')),
    'a block of its own': altered(last('evm.log'), { block_hash: `0x${'22'.repeat(32)}` }),
    'a sequence number again': altered(swapped, { seq: 1 }),
  };
}

function judgeTape(tape, ledger) {
  const judge = new Judge();
  tape.forEach((event) => judge.take(event));
  judge.finish(ledger);
  return judge;
}

/** The plain manner of the proxy: drop, double and swap notifications of one subscription. */
async function tamperTrial(rig) {
  const plain = await NodeProxy.start(rig.node, { faithful: false });
  const from = rig.chain.height + 1;
  rig.before = (await Ledger.read(rig.chain, rig.market, from)).states;
  const follower = await follow(rig, plain.wsUrl);
  await rig.block(4);
  plain.duplicate('logs', 5);
  await rig.block(6);
  plain.swap('logs', 3);
  await rig.block(6);
  await sleep(150);
  const clean = judgeTape(follower.tape, await Ledger.read(rig.chain, rig.market, from));
  const { duplicated, swapped } = plain.counts;
  check(
    'doubled and swapped notifications reach the client and cost nothing',
    duplicated === 5 &&
      swapped === 3 &&
      clean.logs.live.size > 0 &&
      !clean.differences.some((text) => /: (log|trade) /.test(text)),
    `${duplicated} doubled, ${swapped} swapped`,
  );
  plain.drop('logs', 2);
  await rig.block(6);
  await sleep(150);
  const judge = judgeTape(follower.tape, await Ledger.read(rig.chain, rig.market, from));
  check(
    'silently dropped notifications are missed by the client and found by the judge',
    plain.counts.dropped === 2 &&
      judge.differences.filter((text) => text.includes('is missing')).length >= 2,
    `${judge.differenceCount} differences`,
  );
  await follower.client.stop();
  await plain.stop();
}

const rig = await Rig.start({
  chainId: Number(values.chain),
  pools: Number(values.pools),
  seed: values.seed,
});
console.log(
  `     node up in ${rig.node.startMs.toFixed(0)} ms, ${values.pools} pools deployed in ` +
    `${rig.deployMs} ms`,
);
const from = rig.chain.height + 1;
const follower = await follow(rig, rig.faults.wsUrl);
await rig.block(0); // a head to begin with
await until(() => follower.judge.headHash() !== null, 5000, 'no head came');
const trialMs = await runTrial(rig, follower);
const ledger = await Ledger.read(rig.chain, rig.market, from);
follower.client.sayStates();
const result = follower.judge.finish(ledger);
console.log(
  `     ${rig.swaps} swaps in ${trialMs} ms, ${Math.round((rig.swaps * 1000) / trialMs)}/s with ` +
    `all faults, ${ledger.canonical.size} blocks, ${ledger.everCanonical.size} ever canonical`,
);
console.log(`     ${JSON.stringify(result)}`);
console.log(`     faults ${JSON.stringify(rig.faults.counts)}`);
console.log(
  `     subscriptions ${JSON.stringify(rig.proxy.counts)}, ` +
    `${follower.client.reconnects} reconnections`,
);
follower.judge.differences.forEach((text) => console.log(`     ${text}`));
check(
  'the plain client lived through it',
  result.differences === 0,
  `${result.differences} differences`,
);
check(
  'sockets were killed and came back',
  follower.client.reconnects >= 3,
  follower.client.reconnects,
);
check('removed logs were seen', result.logsRemoved > 0, result.logsRemoved);
check(
  'the producer and the node agree on the chain',
  [...ledger.canonical].every(([hash, height]) => rig.chain.blocks.get(height)?.hash === hash),
);

const receipts = await rebuildFromReceipts(rig, from);
check(
  'logs by filter equal logs by receipt',
  receipts.logs === ledger.logs.size,
  `${receipts.logs} and ${ledger.logs.size}`,
);
check(
  'swaps by receipt equal the ledger',
  countDifferent(receipts.found, ledger.swaps) === 0,
  `${receipts.found.size} swaps`,
);

check('the judge accepts the tape again', judgeTape(follower.tape, ledger).differenceCount === 0);
for (const [what, tape] of Object.entries(forgeries(follower.tape))) {
  const judge = judgeTape(tape, ledger);
  check(`the judge refuses ${what}`, judge.differenceCount > 0, judge.differences[0] ?? '');
}
await follower.client.stop();
await tamperTrial(rig);
await rig.stop();
console.log(
  failures.length === 0 ? 'selfcheck: everything holds' : `selfcheck: ${failures.length} FAILED`,
);
process.exit(failures.length === 0 ? 0 : 1);
