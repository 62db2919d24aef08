// The great trial: a real node, real pools, many swaps, and on the way killed sockets, a paused
// node, lost, doubled and swapped notifications and reorganisations up to 64 deep. At the end the
// subject's tape must agree with the node: every canonical swap exactly once, pools as the node
// says, every gap announced and healed.
//   HAWSE_BIN=... HAWSE_PLUGIN_DIR=... node fullpath.mjs [--swaps 10000] [--pools 50]
//     [--chain 100|137] [--seed 1] [--venue swapr|balancer]
//     [--pace 15] [--subject hawse|plain] [--quiet-node] [--tape FILE] [--reload 0]
// --quiet-node leaves all troubles out; --tape keeps the subject's lines; --reload exchanges the
// venue's plugin so often while the blocks come. Exit code 0: no difference.
import { createWriteStream } from 'node:fs';
import { parseArgs } from 'node:util';
import { Quoter } from './amm/lab.mjs';
import { sleep } from './lib/anvil.mjs';
import {
  BalancerMarket,
  BalancerTraffic,
  compareQuotes,
  JUDGED,
  toldState,
} from './lib/balancer.mjs';
import { Hawse, configOf, programOf } from './lib/hawse.mjs';
import { Judge } from './lib/judge.mjs';
import { Ledger } from './lib/ledger.mjs';
import { Rig, until } from './lib/rig.mjs';
import { Swaps } from './lib/swaps.mjs';
import { Troubles } from './lib/trouble.mjs';

/** What --venue balancer puts in place of Swapr's market. */
const BALANCER = {
  deploy: (chain, options) => BalancerMarket.deploy(chain, options),
  states: async () => null,
  traffic: (market, random) => new BalancerTraffic(market, random),
};
const SWAPS_PER_BLOCK = 25;
const FEWEST_BLOCKS = 200;
const SLOW_START_MS = 200; // every byte is so late until it is ready
const SLOW_START_BLOCKS = 6;
const WARM_UP_BLOCKS = 70; // the deepest reorganisation stays above where the subject began
const QUIET_MS = 1500;
const CATCH_UP_MS = 60_000;

function readOptions() {
  const { values } = parseArgs({
    options: {
      swaps: { type: 'string', default: '10000' },
      pools: { type: 'string', default: '50' },
      chain: { type: 'string', default: '100' },
      seed: { type: 'string', default: '1' },
      venue: { type: 'string', default: 'swapr' },
      pace: { type: 'string', default: '15' },
      subject: { type: 'string', default: 'hawse' },
      'quiet-node': { type: 'boolean', default: false },
      reload: { type: 'string', default: '0' },
      tape: { type: 'string' },
    },
  });
  const options = { ...values, troubled: !values['quiet-node'] };
  for (const name of ['swaps', 'pools', 'chain', 'pace']) {
    options[name] = Number(values[name]);
    if (!Number.isInteger(options[name]) || options[name] < 1) {
      throw new Error(`--${name}: found ${values[name]}, expected a whole number above 0`);
    }
  }
  options.reload = Number(values.reload);
  return options;
}

/** Starts the subject, its judge, and the copy of the tape if one is wanted. */
function startSubject(options, rig, judge) {
  const { command, pluginDir } = programOf(options.subject);
  const subject = new Hawse(command);
  const copy = options.tape ? createWriteStream(options.tape) : null;
  const take = (event) => {
    if (event.t !== 'evm.log' || !rig.market.wants || rig.market.wants(event)) {
      judge.take(event);
    }
    copy?.write(`${JSON.stringify(event)}\n`);
  };
  subject.on('event', take);
  rig.onCut = take;
  subject.on('garbage', (line) => judge.differ(`not an event: ${line.slice(0, 120)}`));
  const config = configOf({
    chainId: options.chain,
    wsUrl: rig.faults.wsUrl,
    httpUrl: rig.faults.url,
    venue: rig.market.venue,
    pluginDir,
    stateDir: subject.folder,
  });
  const swaps = options.reload > 0 ? new Swaps(subject, pluginDir, 'pools', options.venue) : null;
  subject.start(swaps?.prepare(config) ?? config);
  return { subject, swaps };
}

/** The subject is subscribed and tells the head of three empty blocks: always three, for the seed. */
async function untilReady(rig, subject, judge) {
  const wait = (condition, limitMs, complaint) =>
    until(
      () => {
        subject.mustRun();
        return condition();
      },
      limitMs,
      complaint,
    );
  await wait(
    () => rig.watched(),
    30_000,
    'the subject did not subscribe to the heads and the logs of all pools',
  );
  let head = null;
  for (let i = 0; i < 3; i++) {
    await sleep(100);
    head = await rig.chain.mine();
  }
  await wait(
    () => judge.headHash() === head.hash,
    10_000,
    'the subject is subscribed, but did not tell the head',
  );
  if (rig.market.wants) { // trades are told of pools whose tokens are known
    await wait(
      () => judge.states.size === rig.market.pools.length,
      10_000,
      'the subject did not tell the state of every pool',
    );
  }
}

async function runTraffic(options, rig, troubles, subject, swaps) {
  const blocks = Math.max(FEWEST_BLOCKS, Math.ceil(options.swaps / SWAPS_PER_BLOCK));
  const every = Math.max(1, Math.floor((blocks - WARM_UP_BLOCKS) / (troubles.left + 1)));
  for (let i = 0; i < blocks || troubles.left > 0; i++) {
    subject.mustRun();
    const share = Math.max(0, options.swaps - rig.swaps) / Math.max(1, blocks - i);
    await rig.block(Math.round(share * (0.5 + rig.random.unit())));
    if (i >= WARM_UP_BLOCKS && i % every === 0 && troubles.left > 0) {
      console.log(`  block ${rig.chain.height}, swap ${rig.swaps}: ${await troubles.next()}`);
    }
    if (swaps && swaps.begun < options.reload && i % Math.ceil(blocks / options.reload) === 0) {
      swaps.begin();
    }
    await sleep(options.pace);
  }
  await swaps?.last;
  await troubles.settle();
  while (rig.swaps < options.swaps) {
    await rig.block(Math.min(SWAPS_PER_BLOCK, options.swaps - rig.swaps));
  }
  await rig.market.settle?.();
  await rig.chain.mine();
}

/**
 * The head is told, no gap is open, and nothing has come for a while. Late is not an error here:
 * finish says.
 */
async function untilQuiet(rig, judge, subject) {
  const { hash } = rig.chain.blocks.get(rig.chain.height);
  const begun = Date.now();
  await until(
    () => {
      subject.mustRun();
      return (
        judge.headHash() === hash &&
        judge.openGaps.size === 0 &&
        Date.now() - judge.lastAt > QUIET_MS
      );
    },
    CATCH_UP_MS,
    'the subject did not come to rest at the head',
  ).catch((error) => judge.differ(error.message));
  return Math.max(0, Date.now() - begun - QUIET_MS);
}

/** Told states in the judge's words, and quotes from them. */
async function finishBalancer(rig, judge) {
  const { timestamp } = await rig.node.block('latest');
  for (const [pool, event] of judge.states) {
    judge.states.set(pool, toldState(event, timestamp));
  }
  const quoter = new Quoter(process.env.HAWSE_AMM_QUOTE);
  const count = await compareQuotes(rig.market, judge.states, quoter, (text) => judge.differ(text));
  quoter.child.stdin.end();
  return count;
}

function report(options, rig, judge, facts) {
  const { ledger, result, exit, memory, trafficMs, catchUpMs, tally } = facts;
  const line = (name, value) => console.log(`${name.padEnd(18)} ${value}`);
  line(
    'chain',
    `${options.chain}, ${options.pools} pools deployed in ${rig.deployMs} ms, seed ${options.seed}`,
  );
  line(
    'traffic',
    `${rig.swaps} swaps in ${(trafficMs / 1000).toFixed(1)} s, ` +
      `${Math.round((rig.swaps * 1000) / trafficMs)} swaps/s troubles included`,
  );
  line(
    'blocks',
    `${ledger.canonical.size} canonical of ${ledger.everCanonical.size} that ever were, head ` +
      `${ledger.head.number} ${ledger.head.hash}`,
  );
  line('troubles', JSON.stringify(tally));
  if (facts.swaps) {
    line('reloads', `${facts.swaps.done}, events waited for ${facts.swaps.longestUs} us at most`);
  }
  line('bytes', JSON.stringify(rig.faults.counts));
  line('subscriptions', JSON.stringify(rig.proxy.counts));
  line(
    'tape',
    `${result.lines} lines, ${result.cuts} cuts, ${result.gaps} gaps, ` +
      `${result.healed} healed, ${result.reorgs} ` +
      `reorganisations (deepest ${result.deepestReorg}), ${result.logsRemoved} logs and ` +
      `${result.tradesRemoved} trades removed, ${result.late} logs late within gaps`,
  );
  line('swaps', `${result.swapsRight} of ${result.swapsExpected} canonical ones exactly once`);
  line('logs', `${result.logsRight} of ${result.logsExpected} exactly once`);
  line(
    'pools',
    `${result.poolsRight} of ${result.poolsExpected} as globalState() and liquidity() say`,
  );
  if (facts.quotes) {
    line('quotes', `${facts.quotes} from local state compared with queryBatchSwap`);
  }
  line(
    'subject',
    `${memory.now.toFixed(1)} MiB resident, ${memory.peak.toFixed(1)} at its peak, at rest ` +
      `${catchUpMs} ms after the last block, exit ${JSON.stringify(exit)}`,
  );
  judge.differences.forEach((text) => console.log(`  ${text}`));
  console.log(`${judge.differenceCount} differences`);
}

async function main() {
  const options = readOptions();
  programOf(options.subject); // complain before anything is started
  const rig = await Rig.start({
    chainId: options.chain,
    pools: options.pools,
    seed: options.seed,
    ...(options.venue === 'balancer' ? { world: BALANCER } : {}),
  });
  const judge = new Judge(options.venue === 'balancer' ? JUDGED : {});
  rig.faults.delayMs = options.troubled ? SLOW_START_MS : 0;
  const { subject, swaps } = startSubject(options, rig, judge);
  if (options.troubled) { // swaps while it still learns what there is
    for (let i = 0; i < SLOW_START_BLOCKS; i++) {
      await sleep(SLOW_START_MS);
      await rig.block(4);
    }
  }
  await untilReady(rig, subject, judge);
  rig.faults.delayMs = 0;
  const from = rig.chain.height + 1;
  if (options.troubled && options.subject !== 'plain') {
    rig.proxy.refuseEvery = 5; // questions over HTTP that fail, checks for lost logs among them
  }
  const troubles = new Troubles(rig, {
    drops: options.subject !== 'plain', // it cannot notice a loss without a disconnection
    subjectAlive: () => subject.mustRun(),
  });
  if (!options.troubled) {
    troubles.list = [];
  }
  const begun = Date.now();
  await runTraffic(options, rig, troubles, subject, swaps);
  const trafficMs = Date.now() - begun;
  const catchUpMs = await untilQuiet(rig, judge, subject);
  const memory = subject.memory();
  // first of all: while nothing is mined a subject rightly takes the silence for a gap
  const exit = await subject.stop();
  const quotes = options.venue === 'balancer' ? await finishBalancer(rig, judge) : 0;
  const ledger = await Ledger.read(rig.chain, rig.market, from);
  if (exit.code !== 0) {
    judge.differ(`the subject ended with ${JSON.stringify(exit)}`);
  }
  swaps?.failures.forEach((text) => judge.differ(text));
  const result = judge.finish(ledger);
  report(options, rig, judge, {
    ledger,
    result,
    exit,
    memory,
    trafficMs,
    catchUpMs,
    tally: troubles.tally,
    quotes,
    swaps,
  });
  if (judge.differenceCount > 0 && subject.errors.length > 0) {
    console.log(`the subject's last words:\n${subject.errors.slice(-20).join('\n')}`);
  }
  await rig.stop();
  return judge.differenceCount === 0 ? 0 : 1;
}

main().then(
  (code) => process.exit(code),
  (error) => {
    console.error(`fullpath: ${error.message}`);
    process.exit(2);
  },
);
