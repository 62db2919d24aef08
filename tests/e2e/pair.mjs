// The author's guide's venue (sdk/examples/pair) beside real pairs: trades and reserves that it
// tells equal the receipts, through a reorganisation and a cut. Prints TAP.
//   HAWSE_BIN=... HAWSE_PLUGIN_DIR=... node pair.mjs [--swaps N] [--seed N] [--plugin ID|FILE]
//       [--setting NAME]
// Owns: one node, one pair of Uniswap's own contracts, one host. --plugin: another author's venue,
// whose setting for the pair's address has that name.
import { createRequire } from 'node:module';
import { parseArgs } from 'node:util';
import { decodeEventLog, encodeDeployData, encodeFunctionData, getContractAddress } from 'viem';
import { startAnvil } from './lib/anvil.mjs';
import { Chain } from './lib/chain.mjs';
import { Hawse, configOf, programOf } from './lib/hawse.mjs';
import { Random } from './lib/random.mjs';
import { reorganise } from './lib/reorg.mjs';
import { BLOCK_SECONDS, until } from './lib/rig.mjs';

const { values: options } = parseArgs({
  options: {
    swaps: { type: 'string', default: '120' },
    seed: { type: 'string', default: '1' },
    plugin: { type: 'string', default: 'org.example.pair' },
    setting: { type: 'string', default: 'pair' },
  },
});
const require = createRequire(import.meta.url);
const artifact = (name) => {
  const { abi, bytecode } = require(`@uniswap/v2-core/build/${name}.json`);
  return { abi, bytecode: bytecode.startsWith('0x') ? bytecode : `0x${bytecode}` };
};
const [FACTORY, PAIR, TOKEN] = ['UniswapV2Factory', 'UniswapV2Pair', 'ERC20'].map(artifact);
const CHAIN = 100;
const START = 1_760_000_000;
const GAS = 5_000_000n;
const random = new Random(Number(options.seed));
let count = 0;
let failed = 0;

function check(sentence, good, detail = '') {
  console.log(`${good ? '' : 'not '}ok ${++count} - pair: ${sentence}`);
  if (!good) console.log(`# ${detail}`);
  failed += !good;
}

const node = await startAnvil({ chainId: CHAIN, timestamp: START });
const chain = new Chain(node, { blockSeconds: BLOCK_SECONDS[CHAIN], startTime: START });
const owner = await chain.sender('pair');
const trader = await chain.sender('trader');
const call = (sender, to, { abi }, functionName, args) =>
  sender.sign({ to, gas: GAS, data: encodeFunctionData({ abi, functionName, args }) });

/** One block with all of these. */
async function mine(...calls) {
  const txs = [];
  for (const one of calls) txs.push(await one());
  await chain.mine(txs);
}

async function deploy(contract, args) {
  const from = { from: owner.address, nonce: BigInt(owner.nonce) };
  await mine(() => owner.sign({ gas: 10_000_000n, data: encodeDeployData({ ...contract, args }) }));
  return getContractAddress(from);
}

const read = async (to, { abi }, functionName, args = []) =>
  node.call('eth_call', { to, data: encodeFunctionData({ abi, functionName, args }) }, 'latest');

async function market() {
  const tokens = [await deploy(TOKEN, [10n ** 30n]), await deploy(TOKEN, [10n ** 30n])];
  const factory = await deploy(FACTORY, [owner.address]);
  await mine(() => call(owner, factory, FACTORY, 'createPair', tokens));
  const pair = `0x${(await read(factory, FACTORY, 'getPair', tokens)).slice(26)}`;
  tokens.sort((a, b) => (BigInt(a) < BigInt(b) ? -1 : 1));
  await mine(
    () => call(owner, tokens[0], TOKEN, 'transfer', [pair, 10n ** 24n]),
    () => call(owner, tokens[1], TOKEN, 'transfer', [pair, 3n * 10n ** 24n]),
    () => call(owner, pair, PAIR, 'mint', [owner.address]),
    ...tokens.map((t) => () => call(owner, t, TOKEN, 'transfer', [trader.address, 10n ** 29n])),
  );
  return { pair, tokens };
}

const logsOf = async (address, from) =>
  node.call('eth_getLogs', { address, fromBlock: `0x${from.toString(16)}`, toBlock: 'latest' });

async function reserves(pair) {
  const told = await read(pair, PAIR, 'getReserves');
  return [0, 1].map((i) => BigInt(`0x${told.slice(2 + 64 * i, 66 + 64 * i)}`));
}

/** A swap of a random amount, in a random direction; sometimes with more out than a router asks. */
async function swap({ pair, tokens }, held) {
  const side = random.below(2);
  const amount = 1n + BigInt(random.u32()) * 10n ** BigInt(random.below(9));
  const [rIn, rOut] = side ? [held[1], held[0]] : held;
  const out = (amount * 997n * rOut) / (rIn * 1000n + amount * 997n);
  if (out === 0n) return false;
  held[side] += amount;
  held[1 - side] -= out;
  const outs = side ? [out, 0n] : [0n, out];
  await mine(
    () => call(trader, tokens[side], TOKEN, 'transfer', [pair, amount]),
    () => call(trader, pair, PAIR, 'swap', [...outs, trader.address, '0x']),
  );
  return true;
}

/** What stands of all that was told: a trade that was taken back is gone. */
const idOf = (log) => `${log.blockHash}:${Number(log.logIndex)}`;

function sameTrade({ args, log }, event) {
  return (
    event &&
    event.tx === log.transactionHash &&
    BigInt(event.amount0) === args.amount0In - args.amount0Out &&
    BigInt(event.amount1) === args.amount1In - args.amount1Out
  );
}

class Told {
  trades = new Map();
  twice = 0;
  removed = 0;
  unknown = 0; // taken back, but never told
  state = null;

  take(event) {
    if (event.t === 'market.pool_state') this.state = event;
    if (event.t !== 'market.trade') return;
    const id = `${event.block_hash}:${event.log_index}`;
    this.removed += Boolean(event.removed);
    if (event.removed) this.unknown += !this.trades.delete(id);
    else if (this.trades.has(id)) this.twice++;
    else this.trades.set(id, event);
  }
}

const world = await market();
const first = chain.height;
const { command, pluginDir } = programOf('hawse');
const subject = new Hawse(command);
const told = new Told();
const config = configOf({
  chainId: CHAIN,
  wsUrl: node.wsUrl,
  httpUrl: node.url,
  venue: { plugin: options.plugin, settings: { [options.setting]: world.pair } },
  pluginDir,
  stateDir: subject.folder,
});
config.plugins.trusted = [pluginDir]; // an author's own file is not, and runs in a worker
config.instances.pools.allow = 'experimental';
config.instances.pools.grants = [];
let ready = false;
subject.on('event', (event) => {
  if (event.src === 'chain' && event.t === 'evm.block') ready = true;
  if (event.src === 'pools') told.take(event);
});
subject.start(config);
try {
  for (let i = 0; i < 50 && !ready; i++) await mine();
  await until(() => ready, 10_000, 'the host follows the chain');
  const from = chain.height + 1;
  let held = await reserves(world.pair);
  const half = Math.floor(Number(options.swaps) / 2);
  for (let i = 0; i < half; ) i += await swap(world, held);
  await until(() => told.trades.size === half, 10_000, 'the first half').catch(() => {});
  await reorganise(chain, random, { depth: 3, move: 0, drop: 0 });
  await mine();
  held = await reserves(world.pair);
  for (let i = half; i < Number(options.swaps); ) i += await swap(world, held);
  const events = (await logsOf(world.pair, from)).map((log) => ({
    ...decodeEventLog({ abi: PAIR.abi, data: log.data, topics: log.topics }),
    log,
  }));
  const swaps = events.filter((e) => e.eventName === 'Swap');
  held = await reserves(world.pair);
  const sameReserves = () =>
    held.every((reserve, i) => told.state && BigInt(told.state[`reserve${i}`]) === reserve);
  const whole = () => told.trades.size === swaps.length && sameReserves();
  await until(whole, 10_000, 'all that was traded').catch(() => {});
  check(
    `${swaps.length} trades, each told once`,
    told.trades.size === swaps.length && told.twice === 0,
    `${told.trades.size} told, ${told.twice} twice`,
  );
  const wrong = swaps.filter((e) => !sameTrade(e, told.trades.get(idOf(e.log))));
  check('each as its receipt has it', wrong.length === 0, JSON.stringify(wrong[0]?.log));
  check('trades that were taken back are gone', told.removed > 0 && told.unknown === 0);
  check('reserves as the pair says', sameReserves(), JSON.stringify(told.state));
} finally {
  const end = await subject.stop();
  check(
    'the host stops gracefully',
    end.code === 0,
    `${JSON.stringify(end)} ${subject.errors.slice(-20).join('\n# ')}`,
  );
  await node.stop?.();
}
console.log(`1..${count}`);
process.exit(failed ? 1 : 0);
