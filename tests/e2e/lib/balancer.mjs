// A market of real Balancer v2 pools on the local node: the Vault, weighted pools of two to four
// tokens and composable stable pools with rates, from the bytecode in the npm package. Gives signed
// transactions that swap, join, exit and change fees, amplifications and rates, and the truth about
// them for the ledger.
// Owns: the addresses. Must never: mine outside deployment, or decide when a block comes.
import {
  concat,
  decodeEventLog,
  decodeFunctionResult,
  encodeAbiParameters,
  encodeDeployData,
  encodeFunctionData,
  getContractAddress,
  keccak256,
  maxUint256,
} from 'viem';
import { CONTRACTS } from '../amm/balancer.mjs';
import { compileHelpers } from '../amm/lab.mjs';
import { topicOf } from './algebra.mjs';

const ONE = 10n ** 18n;
const WINDOWS = [7_776_000n, 2_592_000n];
const ZERO = '0x0000000000000000000000000000000000000000';
const GAS = { deploy: 20_000_000n, act: 3_000_000n };
const TOKENS = [18, 18, 6, 18, 8, 18];
const CACHE_SECONDS = 100n;
const DAY = 86_400;
const TRADERS = 8;
const TOPICS = {
  swap: topicOf('Swap(bytes32,address,address,uint256,uint256)'),
  balance: topicOf('PoolBalanceChanged(bytes32,address,address[],int256[],uint256[])'),
  fee: topicOf('SwapFeePercentageChanged(uint256)'),
  ampStarted: topicOf('AmpUpdateStarted(uint256,uint256,uint256,uint256)'),
  ampStopped: topicOf('AmpUpdateStopped(uint256)'),
  rate: topicOf('TokenRateCacheUpdated(uint256,uint256)'),
  recovery: topicOf('RecoveryModeStateChanged(bool)'),
  paused: topicOf('PausedStateChanged(bool)'),
};
const WANTED = new Set(Object.values(TOPICS));

/** What the judge compares. */
export const JUDGED = {
  swapFields: ['market', 'block', 'tx', 'amount0', 'amount1'],
  stateFields: ['balances', 'scalings', 'swap_fee', 'amp_now', 'paused', 'recovery'],
};

export class BalancerMarket {
  constructor(chain, random) {
    Object.assign(this, { chain, random, node: chain.node, pools: [], tokens: [], traders: [] });
    this.helpers = compileHelpers();
    this.abi = Object.fromEntries(Object.entries(CONTRACTS).map(([name, of]) => [name, of().abi]));
  }

  static async deploy(chain, { pools = 10, random }) {
    const market = new BalancerMarket(chain, random);
    await market.#people('');
    await market.#deployTokens();
    await market.#deployVault();
    for (let i = 0; i < pools; i++) {
      await market.deployPool(i % 2 ? 'stable' : 'weighted', i);
    }
    await market.#fund();
    await market.#initialise();
    return market;
  }

  /** On the chain of an Algebra market and of its tokens: pools of {kind, tokens, rated, rate}. */
  static async beside(algebra, wanted, random) {
    const market = new BalancerMarket(algebra.chain, random);
    market.tokens = [...algebra.tokens].sort(byAddress);
    await market.#people('of balancer: ');
    await market.#deployVault();
    await algebra.fund([market.provider, ...market.traders], market.vault);
    for (const [number, { kind, ...chosen }] of wanted.entries()) {
      await market.deployPool(kind, number, ZERO, chosen);
    }
    await market.#initialise();
    return market;
  }

  async #people(label) {
    this.owner = await this.chain.sender(`${label}owner`);
    this.provider = await this.chain.sender(`${label}liquidity provider`);
    for (let i = 0; i < TRADERS; i++) {
      this.traders.push(await this.chain.sender(`${label}trader ${i}`));
    }
  }

  async mine(txs) {
    const block = await this.chain.mine(txs);
    const receipts = await this.node.call('eth_getBlockReceipts', block.number);
    const bad = receipts.findIndex((receipt) => receipt.status !== '0x1');
    if (bad >= 0) {
      throw new Error(`deployment: transaction ${bad} of block ${+block.number} was reverted`);
    }
    return receipts;
  }

  async create({ abi, bytecode }, args = []) {
    const nonce = BigInt(this.owner.nonce);
    const address = getContractAddress({ from: this.owner.address, nonce });
    const data = encodeDeployData({ abi, bytecode, args });
    await this.mine([await this.owner.sign({ data, gas: GAS.deploy })]);
    return address;
  }

  async #deployTokens() {
    const { Token } = this.helpers;
    for (const decimals of TOKENS) {
      this.tokens.push({ address: await this.create(Token, [decimals]), decimals });
    }
    this.tokens.sort(byAddress);
  }

  async #deployVault() {
    this.authorizer = await this.create(CONTRACTS.authorizer(), [this.owner.address]);
    const weth = this.tokens[0].address;
    this.vault = await this.create(CONTRACTS.vault(), [this.authorizer, weth, ...WINDOWS]);
    this.fees = await this.create(CONTRACTS.fees(), [this.vault, ONE / 2n, ONE / 2n]);
  }

  /** The pool at an address, whoever made it, as one of the market's. */
  async adopt(address, kind, more = {}) {
    const pool = { kind, number: this.pools.length, rates: [], ...more, address, abi: this.abi[kind] };
    pool.id = await this.read(address, pool.abi, 'getPoolId');
    [pool.assets] = await this.read(this.vault, this.abi.vault, 'getPoolTokens', [pool.id]);
    this.pools.push(pool);
    return pool;
  }

  #someTokens(kind, number) {
    const count = kind === 'stable' ? 2 + (number % 3) : [2, 2, 3, 4][number % 4];
    const first = this.random.below(this.tokens.length);
    return Array.from({ length: count }, (_, i) => this.tokens[(first + i) % this.tokens.length]);
  }

  /** `chosen`: {tokens, rated: the one with a rate, rate, cacheSeconds}; left out: some. Chosen tokens
   * weigh the same. */
  async deployPool(kind, number, assetManager = ZERO, chosen = {}) {
    const { random } = this;
    const tokens = (chosen.tokens ?? this.#someTokens(kind, number)).toSorted(byAddress);
    const count = tokens.length;
    const addresses = tokens.map((token) => token.address);
    const fee = 10n ** 15n * BigInt(1 + random.below(20));
    const none = addresses.map(() => ZERO);
    const pool = { kind, number, addresses, rates: [] };
    if (kind === 'weighted') {
      const part = ONE / BigInt(chosen.tokens ? count : count + 1);
      const weights = addresses.map((_, i) => (i === 0 ? ONE - part * BigInt(count - 1) : part));
      pool.address = await this.create(CONTRACTS.weighted(), [
        {
          name: 'W',
          symbol: 'W',
          tokens: addresses,
          normalizedWeights: weights,
          rateProviders: none,
          assetManagers: addresses.map(() => assetManager),
          swapFeePercentage: fee,
        },
        this.vault,
        this.fees,
        ...WINDOWS,
        this.owner.address,
        'trial',
      ]);
    } else {
      const rate = await this.create(this.helpers.Rate, [chosen.rate ?? ONE + ONE / 10n]);
      const rated = chosen.rated ? tokens.indexOf(chosen.rated) : 0;
      pool.rates = addresses.map((_, i) => (i === rated ? rate : ZERO));
      pool.address = await this.create(CONTRACTS.stable(), [
        {
          vault: this.vault,
          protocolFeeProvider: this.fees,
          name: 'S',
          symbol: 'S',
          tokens: addresses,
          rateProviders: pool.rates,
          tokenRateCacheDurations: addresses.map(() => chosen.cacheSeconds ?? CACHE_SECONDS),
          exemptFromYieldProtocolFeeFlags: addresses.map(() => false),
          amplificationParameter: 200n,
          swapFeePercentage: fee,
          pauseWindowDuration: WINDOWS[0],
          bufferPeriodDuration: WINDOWS[1],
          owner: this.owner.address,
          version: 'trial',
        },
      ]);
    }
    return this.adopt(pool.address, kind, pool);
  }

  async #fund() {
    const { abi } = this.helpers.Token;
    const txs = [];
    for (const token of this.tokens) {
      for (const holder of [this.provider, ...this.traders]) {
        const args = [holder.address, 10n ** BigInt(token.decimals + 12)];
        const data = encodeFunctionData({ abi, functionName: 'mint', args });
        txs.push(await this.owner.sign({ to: token.address, data, gas: GAS.act }));
      }
    }
    await this.mine(txs);
  }

  decimalsOf(asset) {
    return this.tokenAt(asset)?.decimals ?? 18;
  }

  /** So many of a token, or, where tokens have values, of that value. */
  #worth(asset, amount) {
    const milli = Math.max(1, Math.floor((amount * 1000) / (this.tokenAt(asset)?.usd ?? 1)));
    return (BigInt(milli) * 10n ** BigInt(this.decimalsOf(asset))) / 1000n;
  }

  tokenAt(address) {
    return this.tokens.find((token) => same(token.address, address));
  }

  /** A million of each token, of its value where it has one, into each pool. */
  async #initialise() {
    for (const pool of this.pools) {
      await this.mine([await this.firstJoin(pool)]);
    }
  }

  firstJoin(pool) {
    const amounts = pool.assets.map((asset) =>
      same(asset, pool.address) ? 0n : this.#worth(asset, 1e6),
    );
    return this.join(pool, 0, amounts);
  }

  /** A join of kind 0 (the first) or 1 (exact tokens in); a pool's own share is left out of those. */
  join(pool, joinKind, amounts) {
    const without = amounts.filter((_, i) => !same(pool.assets[i], pool.address));
    const userData =
      joinKind === 0
        ? encodeAbiParameters([{ type: 'uint256' }, { type: 'uint256[]' }], [0n, amounts])
        : encodeAbiParameters(
            [{ type: 'uint256' }, { type: 'uint256[]' }, { type: 'uint256' }],
            [1n, without, 0n],
          );
    const request = {
      assets: pool.assets,
      maxAmountsIn: pool.assets.map(() => maxUint256),
      userData,
      fromInternalBalance: false,
    };
    const { address } = this.provider;
    return this.act(this.provider, this.vault, this.abi.vault, 'joinPool', [
      pool.id,
      address,
      address,
      request,
    ]);
  }

  #exit(pool, share) {
    return this.#exitBy(
      pool,
      encodeAbiParameters([{ type: 'uint256' }, { type: 'uint256' }], [1n, share]),
    );
  }

  /** The transactions after which each pool has these balances again, its own share aside. */
  async restore(states) {
    const txs = [];
    const type = [{ type: 'uint256' }, { type: 'uint256[]' }, { type: 'uint256' }];
    for (const pool of this.pools) {
      const [, now] = await this.read(this.vault, this.abi.vault, 'getPoolTokens', [pool.id]);
      const own = pool.assets.findIndex((asset) => same(asset, pool.address));
      const less = states.get(pool.id).balances.split(',').map((was, i) => BigInt(was) - now[i]);
      const positive = (list) => list.map((n, i) => (n > 0n && i !== own ? n : 0n));
      txs.push(await this.join(pool, 1, positive(less)));
      const out = positive(less.map((n) => -n)).filter((_, i) => i !== own);
      const exact = pool.kind === 'stable' ? 1n : 2n;
      txs.push(await this.#exitBy(pool, encodeAbiParameters(type, [exact, out, maxUint256])));
    }
    return txs;
  }

  #exitBy(pool, userData) {
    const request = {
      assets: pool.assets,
      minAmountsOut: pool.assets.map(() => 0n),
      userData,
      toInternalBalance: false,
    };
    const { address } = this.provider;
    return this.act(this.provider, this.vault, this.abi.vault, 'exitPool', [
      pool.id,
      address,
      address,
      request,
    ]);
  }

  act(sender, to, abi, functionName, args, gas = GAS.act) {
    const data = encodeFunctionData({ abi, functionName, args });
    return sender.sign({ to, data, gas });
  }

  async read(to, abi, functionName, args = []) {
    const data = encodeFunctionData({ abi, functionName, args });
    const answer = await this.node.call('eth_call', { to, data }, 'latest');
    return decodeFunctionResult({ abi, functionName, data: answer });
  }

  /** A swap of a pool's own tokens, in either direction, exact in or out; some are reverted. */
  swapTx() {
    const { random } = this;
    const pool = random.pick(this.pools);
    const assets = pool.assets.filter((asset) => !same(asset, pool.address));
    const [assetIn, assetOut] = random.shuffle(assets);
    const kind = random.below(2);
    const amount = this.#worth(kind ? assetOut : assetIn, Math.floor(10 ** random.logUniform(1, 5.2)) / 10);
    const trader = random.pick(this.traders);
    return this.act(trader, this.vault, this.abi.vault, 'swap', [
      { poolId: pool.id, kind, assetIn, assetOut, amount, userData: '0x' },
      {
        sender: trader.address,
        fromInternalBalance: false,
        recipient: trader.address,
        toInternalBalance: false,
      },
      kind ? maxUint256 : 0n,
      maxUint256,
    ]);
  }

  /** Something else than a swap: a join, an exit, another fee, amplification or rate. */
  otherTx() {
    const { random, owner } = this;
    const pool = random.pick(this.pools);
    const stable = pool.kind === 'stable';
    const acts = [
      () =>
        this.join(
          pool,
          1,
          pool.assets.map(
            (asset) => BigInt(random.below(1000)) * 10n ** BigInt(this.decimalsOf(asset)),
          ),
        ),
      () =>
        stable
          ? this.act(owner, pool.rates[0], this.helpers.Rate.abi, 'set', [
              ONE + BigInt(random.u32()) * 10n ** 7n,
            ])
          : this.#exit(pool, BigInt(random.below(1000)) * ONE),
      () =>
        this.act(owner, pool.address, pool.abi, 'setSwapFeePercentage', [
          10n ** 14n * BigInt(1 + random.below(500)),
        ]),
    ];
    if (stable) {
      acts.push(
        () =>
          this.act(owner, pool.address, pool.abi, 'startAmplificationParameterUpdate', [
            BigInt(150 + random.below(200)),
            BigInt(this.chain.time + 2 * DAY),
          ]),
        () => this.act(owner, pool.address, pool.abi, 'stopAmplificationParameterUpdate', []),
      );
    }
    return random.pick(acts)();
  }

  /** Rates as their caches will have them, so that quotes at the head speak of these. */
  async settle() {
    const txs = [];
    for (const pool of this.pools.filter(({ kind }) => kind === 'stable')) {
      const args = [pool.addresses[0]];
      txs.push(await this.act(this.owner, pool.address, pool.abi, 'updateTokenRateCache', args));
    }
    await this.mine(txs);
  }

  // ---- for the rig, the ledger and the judge ----

  get addresses() {
    return [this.vault, ...this.pools.map(({ address }) => address)];
  }

  get venue() {
    const pools = this.pools.map(({ id, kind }) => ({ id, kind }));
    return { plugin: 'org.hawse.balancer', settings: { vault: this.vault, pools } };
  }

  wants = (log) => WANTED.has(log.topics[0]);

  decodeSwap = (log) => {
    if (log.topics[0] !== TOPICS.swap) {
      return null;
    }
    const { abi } = { abi: this.abi.vault };
    const { args } = decodeEventLog({ abi, data: log.data, topics: log.topics });
    const pool = this.pools.find(({ id }) => id === args.poolId);
    const index = (token) => pool.assets.findIndex((asset) => same(asset, token));
    const [i, j] = [index(args.tokenIn), index(args.tokenOut)];
    const [low, high] = [Math.min(i, j), Math.max(i, j)];
    const pair = concat([pool.id, pool.assets[low], pool.assets[high]]);
    return {
      market: pool.assets.length === 2 ? pool.id : keccak256(pair),
      block: Number(log.blockNumber),
      block_hash: log.blockHash,
      tx: log.transactionHash,
      log_index: Number(log.logIndex),
      amount0: String(i < j ? args.amountIn : -args.amountOut),
      amount1: String(i < j ? -args.amountOut : args.amountIn),
    };
  };

  async readStates() {
    const states = new Map();
    for (const pool of this.pools) {
      const view = (name) => this.read(pool.address, pool.abi, name);
      const [, balances] = await this.read(this.vault, this.abi.vault, 'getPoolTokens', [pool.id]);
      states.set(pool.id, {
        balances: balances.join(),
        scalings: (await view('getScalingFactors')).join(),
        swap_fee: String(await view('getSwapFeePercentage')),
        amp_now: pool.kind === 'stable' ? String((await view('getAmplificationParameter'))[0]) : '0',
        paused: (await view('getPausedState'))[0],
        recovery: await view('inRecoveryMode'),
      });
    }
    return states;
  }
}

const same = (a, b) => a.toLowerCase() === b.toLowerCase();
const byAddress = (a, b) => (BigInt(a.address) < BigInt(b.address) ? -1 : 1);

/** The amplification of a told state at a time, as the contract draws its line. */
function ampAt(line, time) {
  const [from, to, begins, ends] = line.map(BigInt);
  const now = BigInt(time);
  if (now >= ends) {
    return to;
  }
  return to > from
    ? from + ((to - from) * (now - begins)) / (ends - begins)
    : from - ((from - to) * (now - begins)) / (ends - begins);
}

/** A told state in the judge's words, at the time of the head. */
export function toldState(event, time) {
  return {
    ...event,
    balances: event.tokens.map(({ balance }) => balance).join(),
    scalings: event.tokens.map(({ scaling }) => scaling).join(),
    amp_now: String(ampAt(event.amp, time)),
  };
}

/** The same interface as traffic.mjs, for this market. */
export class BalancerTraffic {
  constructor(market, random) {
    Object.assign(this, { market, random });
  }

  async sync() {}

  async swaps(count) {
    const txs = [];
    for (let i = 0; i < count; i++) {
      txs.push(await this.market.swapTx());
    }
    return txs;
  }

  async block(swaps) {
    const txs = await this.swaps(swaps);
    if (this.random.chance(0.3)) {
      txs.splice(this.random.below(txs.length + 1), 0, await this.market.otherTx());
    }
    return txs;
  }
}

/**
 * Quotes from told states against the Vault's own, at the head: random swaps of each pool. Returns
 * how many were compared; `differ` hears of each difference.
 */
export async function compareQuotes(market, states, quoter, differ, perPool = 40) {
  const { timestamp } = await market.node.block('latest');
  let compared = 0;
  for (const pool of market.pools) {
    const told = states.get(pool.id);
    if (!told) {
      continue;
    }
    const tokens = told.tokens.filter((_, i) => i !== told.own_token);
    const list = tokens.map((t) => `${t.balance} ${t.scaling} ${t.weight}`).join(' ');
    for (let n = 0; n < perPool; n++) {
      const [i, j] = market.random.shuffle(tokens.map((_, at) => at));
      const exactOut = market.random.below(2);
      const size = BigInt(tokens[exactOut ? j : i].balance);
      const amount = 1n + (size * BigInt(market.random.u32())) / 10n ** BigInt(market.random.between(10, 18));
      const [ours] = await quoter.ask([
        `bal ${told.formula} ${told.swap_fee} ${ampAt(told.amp, timestamp)} ${i} ${j} ${amount} ` +
          `${exactOut} ${tokens.length} ${list}`,
      ]);
      const chain = await queryVault(market, pool, tokens[i].token, tokens[j].token, amount, exactOut);
      compared++;
      if (chain !== ours) {
        differ(`quote of ${pool.kind} ${pool.id}: ${amount} exact ${exactOut ? 'out' : 'in'}: ` +
          `ours ${ours}, the Vault says ${chain}`);
      }
    }
  }
  return compared;
}

async function queryVault(market, pool, tokenIn, tokenOut, amount, kind) {
  const steps = [
    { poolId: pool.id, assetInIndex: 0n, assetOutIndex: 1n, amount, userData: '0x' },
  ];
  const funds = {
    sender: market.provider.address,
    fromInternalBalance: false,
    recipient: market.provider.address,
    toInternalBalance: false,
  };
  try {
    const args = [kind, steps, [tokenIn, tokenOut], funds];
    const deltas = await market.read(market.vault, market.abi.vault, 'queryBatchSwap', args);
    return String(kind ? deltas[0] : -deltas[1]);
  } catch (error) {
    return /BAL#\d+/.exec(error.message)?.[0] ?? error.message;
  }
}
