// Balancer: weighted and stable pools as deployed, asked by onSwap in the Vault's name with random
// balances, against hawse_bal_swap. The Vault's own checks are applied here to what the pool says.
import { createRequire } from 'node:module';
import { toFunctionSelector } from 'viem';
import { anySize, revertText, Score, word, wordAt } from './lab.mjs';

const require = createRequire(import.meta.url);
const TASKS = '@balancer-labs/v2-deployments/dist/tasks/';
const BATCH = 250;
const ONE = 10n ** 18n;
const WINDOWS = [7_776_000n, 2_592_000n];
const ZERO = '0x0000000000000000000000000000000000000000';
const KIND = { weighted: 1, weighted2021: 2, stable: 3, stable2021: 4 };
const REQUEST = '(uint8,address,address,uint256,bytes32,uint256,address,address,bytes)';
const MINIMAL = toFunctionSelector(`onSwap(${REQUEST},uint256,uint256)`);
const GENERAL = toFunctionSelector(`onSwap(${REQUEST},uint256[],uint256,uint256)`);

function artifact(task, name) {
  try {
    return require(`${TASKS}${task}/artifact/${name}.json`);
  } catch {
    return {
      abi: Object.values(require(`${TASKS}${task}/abi/${name}.json`)),
      bytecode: require(`${TASKS}${task}/bytecode/${name}.json`).creationCode,
    };
  }
}

export const CONTRACTS = {
  authorizer: () => artifact('20210418-authorizer', 'Authorizer'),
  vault: () => artifact('20210418-vault', 'Vault'),
  fees: () =>
    artifact('20220725-protocol-fee-percentages-provider', 'ProtocolFeePercentagesProvider'),
  weighted: () => artifact('20230206-weighted-pool-v3', 'WeightedPool'),
  weightedFactory: () => artifact('20230206-weighted-pool-v3', 'WeightedPoolFactory'),
  stableFactory: () => artifact('20230206-composable-stable-pool-v3', 'ComposableStablePoolFactory'),
  weighted2021: () => artifact('deprecated/20210418-weighted-pool', 'WeightedPool'),
  stable: () => artifact('20230206-composable-stable-pool-v3', 'ComposableStablePool'),
  stable2021: () => artifact('deprecated/20210624-stable-pool', 'StablePool'),
};

/** The real Vault with its authorizer and the provider of protocol fees. */
export async function deployVault(lab) {
  const authorizer = await lab.deploy(CONTRACTS.authorizer(), [lab.owner]);
  const [weth] = await lab.tokens([18]);
  const vault = await lab.deploy(CONTRACTS.vault(), [authorizer, weth.address, ...WINDOWS]);
  const fees = await lab.deploy(CONTRACTS.fees(), [vault, ONE / 2n, ONE / 2n]);
  return { authorizer, vault, fees };
}

/** Weights that add up to 1, none below 1 %, the extremes among them. */
function randomWeights(random, count) {
  if (count === 2 && random.chance(0.4)) {
    return random.chance(0.5) ? [ONE / 100n, (ONE * 99n) / 100n] : [(ONE * 99n) / 100n, ONE / 100n];
  }
  const parts = Array.from({ length: count }, () => BigInt(1 + random.below(1000)));
  const sum = parts.reduce((a, b) => a + b, 0n);
  const free = ONE - (ONE * BigInt(count)) / 100n;
  const weights = parts.map((part) => ONE / 100n + (free * part) / sum);
  weights[0] += ONE - weights.reduce((a, b) => a + b, 0n);
  return weights;
}

const randomFee = (random) =>
  random.pick([10n ** 12n, 3n * 10n ** 15n, 10n ** 17n, 10n ** 12n + BigInt(random.u32())]);

/** Constructor arguments of each kind. */
const CONSTRUCT = {
  weighted: (p) => [
    {
      name: 'W',
      symbol: 'W',
      tokens: p.addresses,
      normalizedWeights: p.weights,
      rateProviders: p.addresses.map(() => ZERO),
      assetManagers: p.addresses.map(() => ZERO),
      swapFeePercentage: p.fee,
    },
    p.world.vault,
    p.world.fees,
    ...WINDOWS,
    p.owner,
    'trial',
  ],
  weighted2021: (p) => [p.world.vault, 'W', 'W', p.addresses, p.weights, p.fee, ...WINDOWS, p.owner],
  stable: (p) => [
    {
      vault: p.world.vault,
      protocolFeeProvider: p.world.fees,
      name: 'S',
      symbol: 'S',
      tokens: p.addresses,
      rateProviders: p.rates,
      tokenRateCacheDurations: p.addresses.map(() => 10_000n),
      exemptFromYieldProtocolFeeFlags: p.addresses.map(() => false),
      amplificationParameter: p.amp,
      swapFeePercentage: p.fee,
      pauseWindowDuration: WINDOWS[0],
      bufferPeriodDuration: WINDOWS[1],
      owner: p.owner,
      version: 'trial',
    },
  ],
  stable2021: (p) => [p.world.vault, 'S', 'S', p.addresses, p.amp, p.fee, ...WINDOWS, p.owner],
};

/** Deploys a pool of the kind with random parameters and reads back what a quote needs. */
export async function deployPool(lab, world, random, kind, options = {}) {
  const isStable = kind.startsWith('stable');
  const count = options.count ?? (isStable ? random.pick([2, 2, 3, 4, 5]) : random.pick([2, 2, 3, 8]));
  const decimals = Array.from({ length: count }, () => random.pick([18, 18, 6, 8, 0]));
  const tokens = await lab.tokens(options.decimals ?? decimals);
  const rates = [];
  for (let i = 0; i < count; i++) {
    const rate = ONE + BigInt(random.below(2 ** 31)) * 10n ** 8n;
    rates.push(random.chance(0.5) ? ZERO : await lab.deploy(lab.helpers.Rate, [rate]));
  }
  const parameters = {
    world,
    owner: lab.owner,
    addresses: tokens.map((token) => token.address),
    weights: options.weights ?? randomWeights(random, count),
    rates,
    fee: options.fee ?? randomFee(random),
    amp: options.amp ?? BigInt(random.pick([1, 2, 50, 200, 5000, 1 + random.below(5000)])),
  };
  const contract = CONTRACTS[kind]();
  const address = await lab.deploy(contract, CONSTRUCT[kind](parameters));
  return describe(lab, { kind, address, tokens, isStable, contract, ...parameters });
}

/** Scalings and amplification as the contract itself tells them; 2021's pools tell no scalings. */
async function describe(lab, pool) {
  const { abi } = pool.contract;
  const view = (name) => lab.read(pool.address, abi, name);
  pool.scalings = pool.tokens.map(({ decimals }) => 10n ** BigInt(36 - decimals));
  pool.id = await view('getPoolId');
  pool.bpt = -1;
  if (pool.kind === 'stable') {
    pool.bpt = Number(await view('getBptIndex'));
    pool.allScalings = await view('getScalingFactors');
    pool.scalings = pool.allScalings.filter((_, i) => i !== pool.bpt);
  }
  pool.ampNow = pool.isStable ? (await view('getAmplificationParameter'))[0] : 0n;
  return pool;
}

function randomBalances(random, pool) {
  const common = random.below(12) - 3;
  return pool.tokens.map(({ decimals }) => {
    const spread = pool.isStable ? random.below(3) : random.below(6);
    const power = Math.max(1, decimals + common + spread);
    const mantissa = 2n ** 32n + 9n * BigInt(random.u32());
    const value = ((10n ** BigInt(power) * mantissa) >> 32n) + BigInt(random.below(10));
    return value < 2n ** 111n ? value : 2n ** 111n;
  });
}

/** From one wei over the ratio limits to more than there is. */
function randomAmount(random, balance) {
  const unit = BigInt(random.u32());
  return random.pick([
    () => 1n,
    () => BigInt(random.below(1000)),
    () => (balance * unit) >> 40n,
    () => (balance * unit) >> 36n,
    () => (balance * unit) >> 34n,
    () => (balance * 3n) / 10n + BigInt(random.below(3)) - 1n,
    () => (balance * unit) >> 31n,
    () => anySize(random, 110),
  ])();
}

function requestWords(pool, { exactOut, i, j, amount }, headWords) {
  const { tokens, id } = pool;
  const request = [
    word(exactOut),
    word(tokens[i].address),
    word(tokens[j].address),
    word(amount),
    id.slice(2),
    word(0),
    word(0),
    word(0),
    word(9 * 32),
    word(0),
  ].join('');
  return { offset: word(32 * headWords), request };
}

function callOf(pool, one) {
  const { i, j, balances } = one;
  if (!pool.isStable || (pool.kind === 'stable2021' && pool.tokens.length === 2)) {
    const { offset, request } = requestWords(pool, one, 3);
    return `${MINIMAL}${offset}${word(balances[i])}${word(balances[j])}${request}`;
  }
  const all = [...balances];
  if (pool.bpt >= 0) {
    all.splice(pool.bpt, 0, 2n ** 111n);
  }
  const shift = (at) => (pool.bpt >= 0 && at >= pool.bpt ? at + 1 : at);
  const { offset, request } = requestWords(pool, one, 4);
  const list = `${word(all.length)}${all.map(word).join('')}`;
  const listAt = word(32 * 4 + request.length / 2);
  return `${GENERAL}${offset}${listAt}${word(shift(i))}${word(shift(j))}${request}${list}`;
}

export function lineOf(pool, { exactOut, i, j, amount, balances }) {
  const tokens = balances
    .map((balance, k) => `${balance} ${pool.scalings[k]} ${pool.isStable ? 0 : pool.weights[k]}`)
    .join(' ');
  return (
    `bal ${KIND[pool.kind]} ${pool.fee} ${pool.ampNow} ${i} ${j} ${amount} ${exactOut} ` +
    `${balances.length} ${tokens}`
  );
}

/** What the Vault makes of the pool's answer. */
function vaultSays({ good, data }, { exactOut, i, j, amount, balances }) {
  if (!good) {
    return revertText(data) ?? `revert ${data}`;
  }
  const result = wordAt(data, 0);
  const [paid, got] = exactOut ? [result, amount] : [amount, result];
  if (balances[i] + paid >= 2n ** 112n) {
    return 'BAL#526';
  }
  return got > balances[j] ? 'BAL#001' : String(result);
}

function balancerKind(kind, poolCount) {
  return async (lab, random, wanted) => {
    const world = (lab.balancer ??= await deployVault(lab));
    const score = new Score(kind);
    const pools = [];
    for (let i = 0; i < poolCount; i++) {
      pools.push(await deployPool(lab, world, random, kind));
    }
    while (score.compared < wanted) {
      const pool = random.pick(pools);
      const cases = Array.from({ length: BATCH }, () => {
        const balances = randomBalances(random, pool);
        const i = random.below(balances.length);
        const j = (i + 1 + random.below(balances.length - 1)) % balances.length;
        const exactOut = random.below(2);
        const amount = randomAmount(random, balances[exactOut ? j : i]);
        return { balances, i, j, exactOut, amount };
      });
      const told = await lab.ask(
        cases.map((one) => [pool.address, callOf(pool, one)]),
        world.vault,
      );
      const lines = cases.map((one) => lineOf(pool, one));
      const ours = await lab.quoter.ask(lines);
      told.forEach((answer, k) => score.compare(lines[k], vaultSays(answer, cases[k]), ours[k]));
    }
    return [score];
  };
}

export const weighted = balancerKind('weighted', 24);
export const weighted2021 = balancerKind('weighted2021', 16);
export const stable = balancerKind('stable', 24);
export const stable2021 = balancerKind('stable2021', 16);
