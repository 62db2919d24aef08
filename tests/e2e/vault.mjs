// Balancer, what the great trial does not do: pools that nobody named, found by their factories;
// what asset managers move; pauses, recovery mode, rates whose caches ran out. Real Vault, real
// factories and pools, a real node. After every act each followed pool's told state is compared
// with the contracts, and quotes from it with queryBatchSwap. Prints TAP.
//   HAWSE_BIN=... HAWSE_PLUGIN_DIR=... HAWSE_AMM_QUOTE=... node vault.mjs
import { toFunctionSelector } from 'viem';
import { CONTRACTS } from './amm/balancer.mjs';
import { Quoter } from './amm/lab.mjs';
import { topicOf } from './lib/algebra.mjs';
import { sleep, startAnvil } from './lib/anvil.mjs';
import { BalancerMarket, compareQuotes, JUDGED, toldState } from './lib/balancer.mjs';
import { Chain } from './lib/chain.mjs';
import { Hawse, configOf, programOf } from './lib/hawse.mjs';
import { Random } from './lib/random.mjs';
import { BLOCK_SECONDS, until } from './lib/rig.mjs';

const CHAIN = 100;
const START = 1_760_000_000;
const PATIENCE_MS = 8000;
const ONE = 10n ** 18n;
const ZERO = '0x0000000000000000000000000000000000000000';
const CACHE_SECONDS = 100;
const GAS = 12_000_000n; // a factory deploys the pool
const QUOTES = 12; // of each pool after each act
const CREATED = topicOf('PoolCreated(address)');
const [WITHDRAW, DEPOSIT, UPDATE] = [0, 1, 2]; // kinds of managePoolBalance
let number = 0;
let failed = 0;
let quotes = 0;

function report(good, sentence, notes = []) {
  notes.forEach((note) => console.log(`# ${note}`));
  console.log(`${good ? '' : 'not '}ok ${++number} - vault: ${sentence}`);
  failed += !good;
}

const node = await startAnvil({ chainId: CHAIN, timestamp: START });
const chain = new Chain(node, { blockSeconds: BLOCK_SECONDS[CHAIN], startTime: START });
const market = await BalancerMarket.deploy(chain, { pools: 2, random: new Random(5) });
const strangers = market.pools.splice(0); // made by nobody's factory
const { owner, vault } = market;
const rateAbi = market.helpers.Rate.abi;
programOf("hawse"); // complain before anything is started
const quoter = new Quoter(process.env.HAWSE_AMM_QUOTE);
const states = new Map(); // pool id -> what was told last
let subject = null;

const act = (to, abi, name, args) => market.act(owner, to, abi, name, args);

async function deployFactory(name) {
  return market.create(CONTRACTS[name](), [vault, market.fees, '', '']);
}

/** A pool by its factory, with liquidity. */
async function createPool(kind, factory, count) {
  const tokens = market.tokens.slice(0, count).map(({ address }) => address);
  const none = tokens.map(() => ZERO);
  const taxed = tokens.map(() => false);
  const fee = ONE / 500n;
  const { Rate } = market.helpers;
  const rate = kind === 'stable' ? await market.create(Rate, [ONE + ONE / 8n]) : ZERO;
  const rates = tokens.map((_, i) => (i === 0 ? rate : ZERO));
  const weights = tokens.map((_, i) => ONE / BigInt(count) + (i === 0 ? ONE % BigInt(count) : 0n));
  const args =
    kind === 'stable'
      ? ['S', 'S', tokens, 200n, rates, tokens.map(() => CACHE_SECONDS), taxed, fee]
      : ['W', 'W', tokens, weights, none, fee];
  const { abi } = CONTRACTS[`${kind}Factory`]();
  const create = [...args, owner.address];
  const tx = await market.act(owner, factory, abi, 'create', create, GAS);
  const [receipt] = await market.mine([tx]);
  const [log] = receipt.logs.filter(({ topics }) => topics[0] === CREATED);
  const address = `0x${log.topics[1].slice(26)}`;
  const pool = await market.adopt(address, kind, { rates, addresses: tokens });
  await market.mine([await market.firstJoin(pool)]);
  return pool;
}

/** The owner may do this from now on. */
async function allow(target, abi, signature) {
  const role = await market.read(target, abi, 'getActionId', [toFunctionSelector(signature)]);
  const { abi: authorizer } = CONTRACTS.authorizer();
  await market.mine([await act(market.authorizer, authorizer, 'grantRole', [role, owner.address])]);
}

const wrongOf = (told, truth, vaultPaused) => {
  if (!told) return 'was never told';
  const wanted = { ...truth, paused: truth.paused || vaultPaused };
  // a rate that is due is the provider's, not the one that the pool has cached: quotes prove it
  const fields = JUDGED.stateFields.filter((field) => field !== 'scalings' || !told.rates_due);
  const wrong = fields.find((field) => String(told[field]) !== String(wanted[field]));
  return wrong && `says ${wrong} ${told[wrong]}, the chain ${wanted[wrong]}`;
};

/** Each pool's told state is the contracts', and `also` holds of the told events. */
async function agree(sentence, { vaultPaused = false, also = () => true } = {}) {
  const truth = await market.readStates();
  const { timestamp } = await node.block('latest');
  const told = (id) => states.has(id) && toldState(states.get(id), timestamp);
  const wrongs = () =>
    [...truth].map(([id, one]) => wrongOf(told(id), one, vaultPaused)).filter(Boolean);
  const notes = [];
  await until(() => wrongs().length === 0 && also(), PATIENCE_MS, sentence).catch((error) =>
    notes.push(error.message, ...wrongs()),
  );
  const open = market.pools.filter(({ id }) => !vaultPaused && !truth.get(id).paused);
  const quoted = Object.create(market, { pools: { value: open } });
  quotes += await compareQuotes(quoted, states, quoter, (text) => notes.push(text), QUOTES);
  report(notes.length === 0, sentence, notes);
}

async function stay(blocks, seconds) {
  for (let i = 0; i < blocks; i++) {
    chain.time += seconds - chain.blockSeconds;
    await chain.mine();
    await sleep(30);
  }
}

/** A pool that was found is read at a block that came after it. */
async function mineUntilTold(pools) {
  for (let i = 0; i < 40 && states.size < pools; i++) {
    await chain.mine();
    await sleep(100);
  }
}

function follow(settings) {
  const { command, pluginDir } = programOf('hawse');
  subject = new Hawse(command);
  subject.on('event', (event) => {
    if (event.t === 'market.pool_tokens') states.set(event.market, event);
  });
  const venue = { plugin: 'org.hawse.balancer', settings };
  const urls = { wsUrl: node.wsUrl, httpUrl: node.url };
  subject.start(configOf({ chainId: CHAIN, ...urls, venue, pluginDir, stateDir: subject.folder }));
}

try {
  const factories = {
    weighted: await deployFactory('weightedFactory'),
    stable: await deployFactory('stableFactory'),
  };
  await createPool('weighted', factories.weighted, 3);
  const stable = await createPool('stable', factories.stable, 2);
  const managed = await market.deployPool('weighted', 0, owner.address);
  await market.mine([await market.firstJoin(managed)]);
  follow({
    vault,
    pools: [{ id: managed.id, kind: 'weighted' }],
    factories: Object.entries(factories).map(([kind, address]) => ({ kind, address })),
    factory_block: 0,
  });
  await mineUntilTold(3);
  await agree('pools that were registered before are found, each of the kind of its factory');
  report(
    strangers.every(({ id }) => !states.has(id)),
    'a pool of no configured factory is left alone',
  );

  const later = await createPool('weighted', factories.weighted, 2);
  await mineUntilTold(4);
  await agree('a pool is followed as soon as the Vault registers it, its tokens with it', {
    also: () => states.get(later.id)?.tokens.length === 2,
  });

  const [token] = managed.assets;
  const move = (kind, amount) => {
    const ops = [{ kind, poolId: managed.id, token, amount }];
    return act(vault, market.abi.vault, 'managePoolBalance', [ops]);
  };
  const unit = 10n ** BigInt(market.decimalsOf(token));
  await market.mine([await move(WITHDRAW, 1000n * unit)]);
  await agree('what an asset manager takes out stays in the balance');
  await market.mine([await move(UPDATE, 1234n * unit)]);
  await agree('what an asset manager gained is in the balance');
  await market.mine([await move(UPDATE, 7n * unit), await market.swapTx()]);
  await agree('what an asset manager lost is not');
  await market.mine([await move(DEPOSIT, 7n * unit)]);
  await agree('what an asset manager gives back changes nothing');

  for (const pool of [managed, stable]) {
    await allow(pool.address, pool.abi, 'function enableRecoveryMode()');
    await allow(pool.address, pool.abi, 'function disableRecoveryMode()');
    await allow(pool.address, pool.abi, 'function pause()');
    await allow(pool.address, pool.abi, 'function unpause()');
    const flag = (name) => () => states.get(pool.id)[name];
    await market.mine([await act(pool.address, pool.abi, 'enableRecoveryMode', [])]);
    await agree(`a ${pool.kind} pool in recovery mode is quoted as before`, {
      also: flag('recovery'),
    });
    await market.mine([await act(pool.address, pool.abi, 'pause', [])]);
    await agree(`a paused ${pool.kind} pool is told to be`, { also: flag('paused') });
    await market.mine([
      await act(pool.address, pool.abi, 'unpause', []),
      await act(pool.address, pool.abi, 'disableRecoveryMode', []),
    ]);
    await agree(`a ${pool.kind} pool that goes on is told to`, { also: () => !flag('paused')() });
  }

  await market.settle();
  await stay(3, 20);
  const due = () => states.get(stable.id).rates_due;
  await agree("a cached rate is the pool's until its time", { also: () => !due() });
  await market.mine([await act(stable.rates[0], rateAbi, 'set', [ONE * 2n])]);
  await agree('another rate of the provider changes nothing while the cache is good');
  await stay(1, CACHE_SECONDS);
  await agree("when the cache has run out the provider's rate is told", { also: due });
  await market.mine([await act(stable.rates[0], rateAbi, 'set', [ONE * 3n])]);
  await stay(1, chain.blockSeconds);
  await agree('and its next one too, which no log tells of', { also: due });
  await market.settle();
  await agree('until the pool has cached it', { also: () => !due() });

  await allow(vault, market.abi.vault, 'function setPaused(bool)');
  await market.mine([await act(vault, market.abi.vault, 'setPaused', [true])]);
  await chain.mine();
  await agree("the Vault's pause is every pool's", { vaultPaused: true });
  await market.mine([await act(vault, market.abi.vault, 'setPaused', [false])]);
  await chain.mine();
  await agree('and its end too');
} finally {
  if (failed) subject?.errors.slice(-8).forEach((line) => console.log(`# ${line}`));
  await subject?.stop();
  quoter.child.stdin.end();
  await node.stop();
}
console.log(`# ${quotes} quotes from local state compared with queryBatchSwap`);
console.log(`1..${number}`);
process.exit(failed ? 1 : 0);
