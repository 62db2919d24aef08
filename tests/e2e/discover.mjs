// Pools that nobody named: found by their factory, those that were there before and those that
// come later, for configured pairs and for all; one whose creation is taken back and done again.
// Meanwhile another build of the venue takes over in each host, and reads nothing anew.
// Real factory, real pools, a real node. Prints TAP.
//   HAWSE_BIN=... HAWSE_PLUGIN_DIR=... node discover.mjs
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { sleep, startAnvil } from './lib/anvil.mjs';
import { Market } from './lib/algebra.mjs';
import { Chain } from './lib/chain.mjs';
import { Hawse, configOf, programOf } from './lib/hawse.mjs';
import { Random } from './lib/random.mjs';
import { reorganise } from './lib/reorg.mjs';
import { BLOCK_SECONDS, until } from './lib/rig.mjs';

const CHAIN = 100;
const START = 1_760_000_000;
const PATIENCE_MS = 10_000;
let count = 0;
let failed = 0;

async function check(sentence, condition) {
  let good = true;
  await until(condition, PATIENCE_MS, sentence).catch((error) => {
    console.log(`# ${error.message}`);
    good = false;
  });
  console.log(`${good ? '' : 'not '}ok ${++count} - discover: ${sentence}`);
  failed += !good;
}

/** A pool that was found is read at a block that came after it. */
async function minePatiently(condition) {
  for (let i = 0; i < 40 && !condition(); i++) {
    await chain.mine();
    await sleep(100);
  }
}

const { command, pluginDir } = programOf('hawse');
// what is behind the end of an ELF file is nothing to its loader: the same code, another build
const build = Buffer.concat([readFileSync(path.join(pluginDir, 'swapr.so')), Buffer.from('2')]);
const digest = createHash('sha256').update(build).digest('hex');

/** A host that follows what `settings` say; remembers the pools it tells of and their last states. */
function follow(node, settings, isolation) {
  const subject = new Hawse(command);
  const config = configOf({
    chainId: CHAIN,
    wsUrl: node.wsUrl,
    httpUrl: node.url,
    venue: { plugin: 'org.hawse.swapr', settings: {} },
    pluginDir,
    stateDir: subject.folder,
  });
  Object.assign(config.instances.pools, { settings, isolation });
  config.plugins.trusted = [`sha256:${digest}`];
  config.control = { socket: path.join(subject.folder, 'c.sock') };
  subject.pools = new Set();
  subject.states = new Map();
  subject.on('event', (event) => {
    if (event.t === 'market.info') subject.pools.add(event.pool);
    if (event.t === 'market.pool_state') subject.states.set(event.pool, event);
  });
  subject.start(config);
  return subject;
}

/** Another build takes over while it runs; false, and said why, when it does not. */
async function exchange(subject) {
  const file = path.join(subject.folder, 'swapr.so');
  writeFileSync(file, build, { mode: 0o755 });
  const words = ['reload', 'pools', '--plugin', file, '--allow-diff', 'any', '--json'];
  return promisify(execFile)(command[0], [...words, '--socket', path.join(subject.folder, 'c.sock')])
    .then(({ stdout }) => JSON.parse(stdout).digest === digest)
    .catch((error) => (console.log(`# ${error.stderr}`), false));
}

const same = (set, list) => set.size === list.length && list.every((one) => set.has(one));

const node = await startAnvil({ chainId: CHAIN, timestamp: START });
const chain = new Chain(node, { blockSeconds: BLOCK_SECONDS[CHAIN], startTime: START });
const market = await Market.deploy(chain, { pools: 4 });
const factory = market.factory.toLowerCase();
const token = (i) => market.tokens[i].address.toLowerCase();
const old = market.pools.map((pool) => pool.address.toLowerCase());
const pair = market.pairOf(2, 3); // not among the four; the first of those is 0 and 1
const subjects = [
  follow(node, { factory, factory_block: 0 }, 'process'),
  follow(node, { factory, pairs: [[token(1), token(0)], [token(2), token(3)]] }, 'none'),
  follow(node, { factory }, 'none'),
];
const [all, pairs, later] = subjects;
try {
  await minePatiently(() => same(all.pools, old) && pairs.pools.size > 0);
  await check('pools that were there are found from a block on', () => same(all.pools, old));
  await check('and the pool of a configured pair, in any order of its tokens', () =>
    same(pairs.pools, [old[0]]),
  );
  await chain.mine([await market.createTx(pair)]);
  const created = (await market.poolAddress(pair)).toLowerCase();
  await chain.mine();
  await check('a new pool is found as soon as it is created', () => all.pools.has(created));
  await check('also where only its pair is configured', () => pairs.pools.has(created));
  await check('also where nothing older is asked for', () => same(later.pools, [created]));
  await check('its state is told', () => subjects.every((s) => s.states.has(created)));
  subjects.forEach((s) => s.states.clear());
  const exchanged = await Promise.all(subjects.map(exchange));
  await check('another build takes over while it runs', () => exchanged.every(Boolean));
  await chain.mine();
  await sleep(500);
  await check('and reads no pool anew', () => subjects.every((s) => s.states.size === 0));
  await reorganise(chain, new Random(7), { depth: 3, style: 'rollback', drop: 1 });
  await chain.mine();
  await chain.mine([await market.createTx(pair)]);
  await chain.mine();
  await check('after its creation was taken back and done again it is followed again', () =>
    subjects.every((s) => s.states.has(created)),
  );
  const state = await market.state({ address: created });
  const told = subjects.map((s) => s.states.get(created));
  await check('with the state that the node says', () =>
    told.every((one) => one && BigInt(one.sqrt_price) === BigInt(state.price) && one.tick === Number(state.tick)),
  );
  if (failed) subjects.forEach((s) => s.errors.slice(-5).forEach((line) => console.log(`# ${line}`)));
} finally {
  await Promise.all(subjects.map((s) => s.stop()));
  await node.stop();
}
console.log(`1..${count}`);
process.exit(failed ? 1 : 0);
