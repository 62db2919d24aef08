// The conditional-tokens plugin beside the real contract: conditions, splits (also of positions),
// merges, transfers, answers and redemptions, at random, through a reorganisation, are told as the
// receipts have them. Prints TAP.
//   HAWSE_BIN=... HAWSE_PLUGIN_DIR=... node tokens.mjs [--steps N] [--seed N]
// Owns: one node, one contract, one host.
import { createRequire } from 'node:module';
import { parseArgs } from 'node:util';
import { startAnvil } from '../e2e/lib/anvil.mjs';
import { Chain } from '../e2e/lib/chain.mjs';
import { Hawse, configOf, programOf } from '../e2e/lib/hawse.mjs';
import { Random } from '../e2e/lib/random.mjs';
import { reorganise } from '../e2e/lib/reorg.mjs';
import { BLOCK_SECONDS, until } from '../e2e/lib/rig.mjs';

const { values: options } = parseArgs({
  options: { steps: { type: 'string', default: '80' }, seed: { type: 'string', default: '1' } },
});
const own = createRequire(import.meta.url);
const shared = createRequire(new URL('../e2e/package.json', import.meta.url));
const { decodeEventLog, encodeDeployData, encodeFunctionData, encodePacked, getContractAddress, keccak256, pad, toHex } = shared('viem');
const artifact = ({ abi, bytecode }) => ({
  abi,
  bytecode: bytecode.startsWith('0x') ? bytecode : `0x${bytecode}`,
});
const TOKENS = artifact(
  own('@gnosis.pm/conditional-tokens-contracts/build/contracts/ConditionalTokens.json'),
);
const ERC20 = artifact(shared('@uniswap/v2-core/build/ERC20.json'));
const CHAIN = 100;
const GAS = 3_000_000n;
const NONE = toHex(0, { size: 32 });
const random = new Random(Number(options.seed));
let count = 0;
let failed = 0;

function check(sentence, good, detail = '') {
  console.log(`${good ? '' : 'not '}ok ${++count} - conditional tokens: ${sentence}`);
  if (!good) console.log(`# ${detail}`);
  failed += !good;
}

const node = await startAnvil({ chainId: CHAIN, timestamp: 1_760_000_000 });
const chain = new Chain(node, { blockSeconds: BLOCK_SECONDS[CHAIN], startTime: 1_760_000_000 });
const owner = await chain.sender('owner');
const friend = await chain.sender('friend');

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

const call = (sender, to, { abi }, functionName, args) => () =>
  sender.sign({ to, gas: GAS, data: encodeFunctionData({ abi, functionName, args }) });
const read = (to, { abi }, functionName, args) =>
  node.call('eth_call', { to, data: encodeFunctionData({ abi, functionName, args }) }, 'latest');

// ---- the contract's world ----

const collateral = await deploy(ERC20, [10n ** 30n]);
const tokens = await deploy(TOKENS, []);
await mine(call(owner, collateral, ERC20, 'approve', [tokens, 2n ** 256n - 1n]));
const conditions = []; // {question, id, slots, answered}

const partitionOf = ({ slots }) => Array.from({ length: slots }, (_, i) => 1n << BigInt(i));
const collectionOf = (parent, id, set) => read(tokens, TOKENS, 'getCollectionId', [parent, id, set]);
const positionOf = async (parent, id, set) =>
  BigInt(await read(tokens, TOKENS, 'getPositionId', [collateral, await collectionOf(parent, id, set)]));

async function prepare() {
  const slots = random.between(2, 4);
  const question = toHex(conditions.length + 1, { size: 32 });
  const id = keccak256(encodePacked(['address', 'bytes32', 'uint256'], [owner.address, question, BigInt(slots)]));
  await mine(call(owner, tokens, TOKENS, 'prepareCondition', [owner.address, question, slots]));
  const c = { id, question, slots, answered: false };
  conditions.push(c);
  const args = [collateral, NONE, id, partitionOf(c), 10n ** 20n];
  await mine(call(owner, tokens, TOKENS, 'splitPosition', args));
}

/** Sometimes two of one's tokens at once. */
async function move(c) {
  const ids = await Promise.all(partitionOf(c).slice(0, 2).map((set) => positionOf(NONE, c.id, set)));
  const amounts = ids.map(() => BigInt(random.between(1, 1000)));
  const batch = random.chance(1 / 2);
  const args = batch ? [ids, amounts] : [ids[0], amounts[0]];
  const name = batch ? 'safeBatchTransferFrom' : 'safeTransferFrom';
  await mine(call(owner, tokens, TOKENS, name, [owner.address, friend.address, ...args, '0x']));
}

/** Within another condition's first outcome, of which the owner has some. */
async function nest(c) {
  const outer = random.pick(conditions.filter((other) => other !== c && !other.answered));
  if (!outer) return;
  const parent = await collectionOf(NONE, outer.id, 1n);
  const amount = BigInt(random.between(1, 1e6));
  const args = [collateral, parent, c.id, partitionOf(c), amount];
  await mine(call(owner, tokens, TOKENS, 'splitPosition', args));
  if (random.chance(1 / 2)) await mine(call(owner, tokens, TOKENS, 'mergePositions', args));
}

async function answer(c) {
  c.answered = true;
  const payouts = partitionOf(c).map((_, i) => BigInt(i === 0 ? 1 : random.below(3)));
  await mine(call(owner, tokens, TOKENS, 'reportPayouts', [c.question, payouts]));
  const args = [collateral, NONE, c.id, partitionOf(c).slice(0, 2)];
  await mine(call(owner, tokens, TOKENS, 'redeemPositions', args));
}

async function step() {
  const open = conditions.filter((c) => !c.answered);
  if (open.length < 2 || random.chance(1 / 8)) return prepare();
  const c = random.pick(open);
  const merge = [collateral, NONE, c.id, partitionOf(c), BigInt(random.between(1, 1e6))];
  const ways = [
    () => move(c),
    () => move(c),
    () => nest(c),
    () => mine(call(owner, tokens, TOKENS, 'splitPosition', merge)),
    () => mine(call(owner, tokens, TOKENS, 'mergePositions', merge)),
    () => (random.chance(1 / 3) ? answer(c) : move(c)),
  ];
  return random.pick(ways)();
}

// ---- what was told ----

const wide = (address) => pad(address, { size: 32 }).toLowerCase();
const texts = (list) => list.map(String).join();

/** What a log has to be told as: a line for each record. */
function linesOf(log) {
  const { eventName, args: a } = decodeEventLog({ abi: TOKENS.abi, data: log.data, topics: log.topics });
  const at = `${log.blockHash}:${Number(log.logIndex)}:${log.transactionHash}`;
  const change = (kind, who, sets, amount) => [
    [at, kind, a.conditionId, wide(who), wide(a.collateralToken), a.parentCollectionId, amount, texts(sets)].join(' '),
  ];
  const moved = (ids, values) =>
    [a.from, a.to].map(wide).includes(wide(friend.address))
      ? ids.map((id, i) => [at, 'wallet.transfer', wide(a.from), wide(a.to), toHex(id, { size: 32 }), values[i]].join(' '))
      : [];
  switch (eventName) {
    case 'ConditionPreparation':
      return [[at, 'position.condition', a.conditionId, wide(a.oracle), a.questionId, 1, a.outcomeSlotCount, ''].join(' ')];
    case 'ConditionResolution':
      return [[at, 'position.condition', a.conditionId, wide(a.oracle), a.questionId, 2, a.outcomeSlotCount, texts(a.payoutNumerators)].join(' ')];
    case 'PositionSplit':
      return change('position.split', a.stakeholder, a.partition, a.amount);
    case 'PositionsMerge':
      return change('position.merge', a.stakeholder, a.partition, a.amount);
    case 'PayoutRedemption':
      return change('position.redemption', a.redeemer, a.indexSets, a.payout);
    case 'TransferSingle':
      return moved([a.id], [a.value]);
    case 'TransferBatch':
      return moved(a.ids, a.values);
    default:
      return [];
  }
}

function lineOf(e) {
  const at = `${e.block_hash}:${e.log_index}:${e.tx}`;
  if (e.t === 'wallet.transfer') return [at, e.t, e.from, e.to, e.asset, e.amount].join(' ');
  if (e.t === 'position.condition') {
    return [at, e.t, e.condition, e.oracle, e.question, e.state, e.slots, texts(e.payouts)].join(' ');
  }
  return [at, e.t, e.condition, e.owner, e.collateral, e.parent, e.amount, texts(e.sets)].join(' ');
}

const told = new Map(); // line -> how often it stands
let removed = 0;
function take(event) {
  if (!/^(position|wallet)\./.test(event.t)) return;
  const line = lineOf(event);
  removed += Boolean(event.removed);
  told.set(line, (told.get(line) ?? 0) + (event.removed ? -1 : 1));
}

// ---- the trial ----

const { command, pluginDir } = programOf('hawse');
const subject = new Hawse(command);
const config = configOf({
  chainId: CHAIN,
  wsUrl: node.wsUrl,
  httpUrl: node.url,
  venue: {
    plugin: 'org.hawse.conditional-tokens',
    settings: { contract: tokens, owners: [friend.address] },
  },
  pluginDir,
  stateDir: subject.folder,
});
config.instances.pools.allow = 'beta';
config.instances.pools.grants = [];
let ready = false;
subject.on('event', (event) => {
  if (event.src === 'chain' && event.t === 'evm.block') ready = true;
  if (event.src === 'pools') take(event);
});
subject.start(config);
try {
  for (let i = 0; i < 50 && !ready; i++) await mine();
  await until(() => ready, 10_000, 'the host follows the chain');
  const from = chain.height + 1;
  const steps = Number(options.steps);
  for (let i = 0; i < steps / 2; i++) await step();
  const wantedSince = async () =>
    (await node.call('eth_getLogs', { address: tokens, fromBlock: toHex(from), toBlock: 'latest' })).flatMap(linesOf);
  const standing = () => [...told].filter(([, n]) => n !== 0);
  const all = async () => {
    const want = await wantedSince();
    await until(() => standing().length === want.length, 10_000, 'all').catch(() => {});
    return want;
  };
  await all(); // what was never told is not taken back
  await reorganise(chain, random, { depth: 4, move: 0, drop: 0 });
  for (let i = 0; i < steps / 2; i++) await step();
  const want = await all();
  const stands = new Map(standing());
  const missed = want.filter((line) => stands.get(line) !== 1);
  const kinds = new Map();
  for (const line of want) kinds.set(line.split(' ')[1], (kinds.get(line.split(' ')[1]) ?? 0) + 1);
  console.log(`# ${JSON.stringify(Object.fromEntries(kinds))}, ${removed} taken back`);
  check(`${want.length} records, each once, as the receipts have them`, missed.length === 0 && stands.size === want.length,
    `${missed.length} missed: ${missed[0]}; ${[...stands.keys()].find((line) => !want.includes(line))}`);
  check('every kind was there', kinds.size === 5, [...kinds.keys()].join());
  check('what was taken back is gone', removed > 0 && [...told.values()].every((n) => n === 0 || n === 1));
} finally {
  const end = await subject.stop();
  check('the host stops gracefully', end.code === 0, `${JSON.stringify(end)} ${subject.errors.slice(-20).join('\n# ')}`);
  await node.stop?.();
}
console.log(`1..${count}`);
process.exit(failed ? 1 : 0);
