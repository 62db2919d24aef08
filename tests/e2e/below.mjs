// Reorganisations that reach below the first block that the subject told: all it told is taken
// back, the other branch is told from the same height on, and pools are read anew. Real node, real
// pools; a fresh subject for each round. Every state that is told of a block that stays is compared
// with the contracts at that block, and at the end everything with the ledger. Prints TAP.
//   HAWSE_BIN=... HAWSE_PLUGIN_DIR=... node below.mjs [--rounds 6] [--seed 1]
import { parseArgs } from 'node:util';
import { ABI } from './lib/algebra.mjs';
import { sleep } from './lib/anvil.mjs';
import { Hawse, configOf, programOf } from './lib/hawse.mjs';
import { Judge } from './lib/judge.mjs';
import { Ledger } from './lib/ledger.mjs';
import { reorganise } from './lib/reorg.mjs';
import { Rig, until } from './lib/rig.mjs';

const POOLS = 6;
const SWAPS = 8; // of a block
const OLDER = 45; // blocks with swaps below the first subject's first
const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '6' }, seed: { type: 'string', default: '1' } },
});
const { command, pluginDir } = programOf('hawse');
let number = 0;
let failed = 0;
let compared = 0;

const rig = await Rig.start({ pools: POOLS, seed: values.seed });

function startSubject(judge, states) {
  const subject = new Hawse(command);
  subject.on('event', (event) => {
    judge.take(event);
    if (event.t === 'market.pool_state') {
      states.set(`${event.block_hash} ${event.pool}`, event); // the last one of the block
    }
  });
  const { wsUrl, url: httpUrl } = rig.faults;
  const { venue } = rig.market;
  const stateDir = subject.folder;
  subject.start(configOf({ chainId: 100, wsUrl, httpUrl, venue, pluginDir, stateDir }));
  return subject;
}

/** Told states of blocks that are canonical, each beside the pool at that block. */
async function wrongStates(states) {
  const wrong = [];
  const canonical = new Set([...rig.chain.blocks.values()].map(({ hash }) => hash));
  for (const event of states.values()) {
    if (!canonical.has(event.block_hash)) {
      continue;
    }
    const at = { blockHash: event.block_hash };
    const { read } = rig.market;
    const ask = (name) => read.call(rig.market, event.pool, ABI.pool, name, [], at);
    const [price, tick, fee] = await ask('globalState');
    const truth = [price, tick, fee, await ask('liquidity')].join();
    const told = [event.sqrt_price, event.tick, event.fee, event.liquidity].join();
    compared++;
    if (told !== truth) {
      wrong.push(`pool ${event.pool} at block ${event.block}: told ${told}, it was ${truth}`);
    }
  }
  return wrong;
}

async function blocks(count, swaps = SWAPS) {
  for (let i = 0; i < count; i++) {
    await rig.block(swaps);
    await sleep(20);
  }
}

async function reorg(round, depth) {
  const style = round % 4 < 2 ? 'rollback' : 'reorg';
  const unseen = round % 3 === 2;
  const refused = unseen ? rig.faults.refuseFor(400) : null;
  if (unseen) {
    rig.cut('resetAll');
  }
  const { told } = await reorganise(rig.chain, rig.random, { depth, style, drop: 0.1, move: 0.3 });
  await rig.traffic.sync();
  await refused;
  return `${unseen ? 'unseen ' : ''}${told}`;
}

async function run(round) {
  const judge = new Judge();
  const states = new Map();
  // nothing happens in what is told: only that the branch is another one says that pools changed
  const swaps = round % 2 ? SWAPS : 0;
  const subject = startSubject(judge, states);
  rig.onCut = (event) => judge.take(event);
  const wait = (condition, what) => until(() => (subject.mustRun(), condition()), 15_000, what);
  await wait(() => rig.watched(), 'the subject did not subscribe');
  await blocks(1, swaps);
  await wait(() => judge.headHash() === rig.chain.blocks.get(rig.chain.height).hash, 'no head');
  await wait(() => judge.states.size === POOLS, 'not every pool was read');
  const [first] = judge.heads.get('chain');
  await blocks(2, swaps);
  const depth = rig.chain.height - first.number + 1 + rig.random.between(1, 30);
  const told = await reorg(round, depth);
  await blocks(4, swaps);
  const { hash } = rig.chain.blocks.get(rig.chain.height);
  await wait(
    () => judge.headHash() === hash && judge.openGaps.size === 0 && Date.now() - judge.lastAt > 700,
    'the subject did not come to rest at the head',
  ).catch((error) => judge.differ(error.message));
  await subject.stop();
  const ledger = await Ledger.read(rig.chain, rig.market, first.number + 1);
  const result = judge.finish(ledger);
  const wrong = await wrongStates(states);
  [...judge.differences, ...wrong].slice(0, 8).forEach((text) => console.log(`# ${text}`));
  const good = judge.differenceCount + wrong.length === 0 && result.reorgs > 0;
  console.log(
    `${good ? '' : 'not '}ok ${++number} - below: ${told}, telling began at ${first.number}: ` +
      `${result.swapsRight} of ${result.swapsExpected} swaps, ${result.poolsRight} pools right, ` +
      `${wrong.length} wrong states`,
  );
  if (!good) subject.errors.slice(-12).forEach((line) => console.log(`# ${line}`));
  failed += !good;
}

try {
  await blocks(OLDER);
  for (let round = 0; round < Number(values.rounds); round++) {
    await run(round);
    await blocks(10);
  }
} finally {
  await rig.stop();
}
console.log(`# ${compared} states compared with the contracts at their blocks`);
console.log(`1..${number}`);
process.exit(failed ? 1 : 0);
