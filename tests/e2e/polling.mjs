// A chain without a stream: the subject follows it by polling, with the same guarantees. Two
// trials on real nodes, in TAP: a stream that is lost for a while and comes back, and an endpoint
// that never was. In both, swaps and reorganisations go on all the time.
//   HAWSE_BIN=... HAWSE_PLUGIN_DIR=... node polling.mjs
import { sleep } from './lib/anvil.mjs';
import { FaultProxy } from './lib/faults.mjs';
import { Hawse, configOf, programOf } from './lib/hawse.mjs';
import { Judge } from './lib/judge.mjs';
import { Ledger } from './lib/ledger.mjs';
import { reorganise } from './lib/reorg.mjs';
import { Rig, until } from './lib/rig.mjs';

const POOLS = 6;
const WARM_UP_BLOCKS = 20;

/** The rig, with HTTP on a way of its own, and a subject on it. */
async function start(withStream, seed) {
  const rig = await Rig.start({ chainId: 100, pools: POOLS, seed });
  const http = await FaultProxy.start(rig.proxy.port);
  const judge = new Judge();
  const { command, pluginDir } = programOf('hawse');
  const subject = new Hawse(command);
  subject.on('event', (event) => judge.take(event));
  subject.on('garbage', (line) => judge.differ(`not an event: ${line.slice(0, 120)}`));
  rig.onCut = (event) => judge.take(event);
  const config = configOf({
    chainId: 100,
    wsUrl: rig.faults.wsUrl,
    httpUrl: http.url,
    venue: rig.market.venue,
    pluginDir,
    stateDir: subject.folder,
  });
  const chain = config.instances.chain;
  chain.settings = { heads_idle_ms: 30_000, poll_after_ms: 1000, poll_ms: 100 };
  if (!withStream) {
    delete chain.endpoints.ws;
  }
  subject.start(config);
  return { rig, http, judge, subject };
}

const said = (subject, text) => subject.errors.some((line) => line.includes(text));

async function untilTold({ rig, judge, subject }, limitMs = 20_000) {
  await until(
    () => {
      subject.mustRun();
      return judge.headHash() === rig.chain.blocks.get(rig.chain.height).hash;
    },
    limitMs,
    'the head was not told',
  );
}

async function traffic({ rig }, blocks) {
  for (let i = 0; i < blocks; i++) {
    await rig.block(rig.random.between(2, 6));
    await sleep(20);
  }
}

async function reorg({ rig }, depth) {
  const done = await reorganise(rig.chain, rig.random, { depth, style: 'reorg', drop: 0.02 });
  await rig.traffic.sync();
  rig.swaps -= done.dropped;
}

/** No head is asked for any more: half a second passes with next to no question. */
async function untilUnpolled({ rig }) {
  for (let i = 0; i < 20; i++) {
    const before = rig.proxy.counts.requests;
    await sleep(500);
    if (rig.proxy.counts.requests - before <= 2) {
      return;
    }
  }
  throw new Error('polling did not end');
}

/** Everything is told: the verdict, as a list of differences. */
async function finish({ rig, http, judge, subject }, from) {
  await until(() => judge.openGaps.size === 0, 10_000, 'a gap was not healed').catch((error) =>
    judge.differ(error.message),
  );
  const exit = await subject.stop();
  const result = judge.finish(await Ledger.read(rig.chain, rig.market, from));
  if (exit.code !== 0) {
    judge.differ(`the subject ended with ${JSON.stringify(exit)}`);
  }
  await http.stop();
  await rig.stop();
  console.log(
    `# ${result.swapsRight} of ${result.swapsExpected} swaps, ${result.logsRight} of ` +
      `${result.logsExpected} logs exactly once, ${result.gaps} gaps, ${result.healed} healed, ` +
      `${result.reorgs} reorganisations`,
  );
  return judge.differences;
}

async function lostStream() {
  const trial = await start(true, 11);
  const { rig, judge, subject } = trial;
  await rig.untilWatched();
  await rig.chain.mine();
  await untilTold(trial);
  const from = rig.chain.height + 1;
  await traffic(trial, WARM_UP_BLOCKS);
  const away = rig.faults.refuseFor(6000);
  rig.cut('resetAll');
  await traffic(trial, 20);
  await until(() => said(subject, 'is followed by polling'), 10_000, 'polling did not begin');
  await traffic(trial, 20);
  await reorg(trial, 12);
  await traffic(trial, 5);
  await untilTold(trial);
  await away;
  await rig.untilWatched();
  await untilUnpolled(trial);
  await traffic(trial, WARM_UP_BLOCKS);
  await untilTold(trial);
  if (judge.counts.gaps !== 2) {
    judge.differ(`${judge.counts.gaps} gaps: one for blocks and one for logs were expected`);
  }
  return finish(trial, from);
}

async function noStream() {
  const trial = await start(false, 12);
  const { rig, judge, subject } = trial;
  await until(() => said(subject, 'is followed by polling'), 10_000, 'polling did not begin');
  await rig.chain.mine();
  await untilTold(trial);
  const from = rig.chain.height + 1;
  await traffic(trial, WARM_UP_BLOCKS);
  await untilTold(trial);
  for (const depth of [1, 3, 12]) {
    await reorg(trial, depth);
    await traffic(trial, 10);
    await untilTold(trial);
  }
  if (judge.counts.gaps !== 0) {
    judge.differ(`${judge.counts.gaps} gaps, and nothing was missed`);
  }
  return finish(trial, from);
}

const trials = [
  ['a stream that is lost is replaced by polling, and comes back without a further gap', lostStream],
  ['without an endpoint for a stream nothing is missed either', noStream],
];
let failed = 0;
for (const [i, [sentence, run]] of trials.entries()) {
  const differences = await run().catch((error) => [error.message]);
  differences.forEach((text) => console.log(`# ${text}`));
  console.log(`${differences.length ? 'not ' : ''}ok ${i + 1} - polling: ${sentence}`);
  failed += differences.length > 0;
}
console.log(`1..${trials.length}`);
process.exit(failed ? 1 : 0);
