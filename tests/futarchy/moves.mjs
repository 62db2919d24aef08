// Moves a futarchy market that is on a node: prices to a value or onto the edge of a tick, depth,
// liquidity of one side only, other traders, the end of a proposal. Each change of a market is one
// block, so that whoever watches never sees half of it.
// Owns: nothing but what it knows of the positions. Must never: run beside another that mints
// positions on the same node.
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { units } from './market.mjs';
import { priceOfRoot, rootAtTick, rootOfPrice, tickNear } from './ticks.mjs';

const HERE = path.dirname(fileURLToPath(import.meta.url));
const require = createRequire(path.join(HERE, '../e2e/package.json'));
const { ethers } = require('ethers');

/** Base and quote of the concentrated pools: their price is quote for a base. */
export const POOLS = {
  yes: ['yesCompany', 'yesSdai'],
  no: ['noCompany', 'noSdai'],
  predYes: ['yesSdai', 'sdai'],
  predNo: ['noSdai', 'sdai'],
};
const TOKENS = ['sdai', 'company', 'yesSdai', 'noSdai', 'yesCompany', 'noCompany'];
const SPENDERS = ['futarchyRouter', 'swapRouter', 'positionManager', 'balancerVault'];
const SPACING = 60;
const WIDEST = 887220;
const LATE = 2n ** 40n;
const MOST = 2n ** 128n - 1n;
const DUST = 1e-6; // of a base token over all prices: a pool can always be moved
const GAS = { small: 300_000, swap: 1_500_000, split: 1_500_000, shape: 4_000_000 };
const BEFORE_OTHERS = 50n * 10n ** 9n;

const abi = new ethers.Interface([
  'function approve(address,uint256)',
  'function balanceOf(address) view returns (uint256)',
  'function totalSupply() view returns (uint256)',
  'function splitPosition(address,address,uint256)',
  'function globalState() view returns (uint160,int24,uint16,uint16,uint8,uint8,bool)',
  'function liquidity() view returns (uint128)',
  'function exactInputSingle((address,address,address,uint256,uint256,uint256,uint160))',
  'function mint((address,address,int24,int24,uint256,uint256,uint256,uint256,address,uint256))',
  'function decreaseLiquidity((uint256,uint128,uint256,uint256,uint256))',
  'function collect((uint256,address,uint128,uint128))',
  'function burn(uint256)',
  'function multicall(bytes[])',
  'function positions(uint256) view returns (uint96,address,address,address,int24,int24,uint128)',
  'function getPoolTokens(bytes32) view returns (address[],uint256[],uint256)',
  `function swap((bytes32,uint8,address,address,uint256,bytes),
    (address,bool,address,bool),uint256,uint256)`,
  'function joinPool(bytes32,address,address,(address[],uint256[],bytes,bool))',
  'function exitPool(bytes32,address,address,(address[],uint256[],bytes,bool))',
  'function createProposal((string,address,address,string,string,uint256,uint32))',
  'function reportPayouts(bytes32,uint256[])',
  'event Transfer(address indexed from, address indexed to, uint256 indexed id)',
  `event Swap(address indexed sender, address indexed recipient, int256 amount0, int256 amount1,
    uint160 price, uint128 liquidity, int24 tick)`,
]);
const words = (types, values) => ethers.AbiCoder.defaultAbiCoder().encode(types, values);
const hex = (value) => `0x${BigInt(value).toString(16)}`;
const snap = (tick) => Math.floor(tick / SPACING) * SPACING;

function rangesOf(tick, sides, onEdge) {
  if (sides === 'both') {
    const near = onEdge
      ? [
          [tick - 600, tick],
          [tick, tick + 600],
        ]
      : [[tick - 600, tick + 1200]];
    return [[-WIDEST, WIDEST], [tick - 3000, tick + 3000], ...near];
  }
  return sides === 'down'
    ? [
        [tick - 3000, tick - SPACING],
        [tick - 600, tick],
      ]
    : [
        [tick + SPACING, tick + 3000],
        [tick + 2 * SPACING, tick + 600],
      ];
}

export class Moves {
  /** `node` has call(method, ...params); `at` is what deployMarket gave. */
  static async open(node, at) {
    const moves = new Moves();
    Object.assign(moves, { node, at, me: at.deployer.address, batch: null });
    moves.fees = { maxFeePerGas: hex(10n ** 11n), maxPriorityFeePerGas: hex(2n * 10n ** 9n) };
    await moves.#arm();
    await moves.#findPositions();
    return moves;
  }

  // ---- the node ----

  async view(to, name, ...args) {
    const data = abi.encodeFunctionData(name, args);
    return abi.decodeFunctionResult(name, await this.node.call('eth_call', { to, data }, 'latest'));
  }

  async send(gas, to, name, args, tip) {
    const fees = tip ? { ...this.fees, maxPriorityFeePerGas: hex(tip) } : this.fees;
    const data = abi.encodeFunctionData(name, args);
    const sent = await this.node.call('eth_sendTransaction', {
      from: this.me,
      to,
      data,
      gas: hex(gas),
      ...fees,
    });
    this.batch?.push([name, sent]);
    return sent;
  }

  /** What `act` sends goes into one block of its own, none of it may revert; receipts. */
  async atOnce(act) {
    const automatic = await this.node.call('anvil_getAutomine');
    await this.node.call('evm_setAutomine', false);
    this.batch = [];
    try {
      await act();
    } finally {
      await this.node.call('evm_mine');
      await this.node.call('evm_setAutomine', automatic);
    }
    const sent = this.batch;
    const receipts = [];
    this.batch = null;
    for (const [name, hash] of sent) {
      const receipt = await this.node.call('eth_getTransactionReceipt', hash);
      if (receipt?.status !== '0x1') {
        throw new Error(`${name} ${hash}: found ${receipt?.status ?? 'no receipt'}, expected 0x1`);
      }
      receipts.push(receipt);
    }
    return receipts;
  }

  /** What the owner needs to move prices for hours: tokens of each kind, and allowances. */
  async #arm() {
    const { at } = this;
    await this.atOnce(async () => {
      for (const token of TOKENS) {
        for (const spender of SPENDERS) {
          await this.send(60_000, at[token], 'approve', [at[spender], ethers.MaxUint256]);
        }
      }
      for (const [token, amount] of [
        ['sdai', 3_000_000],
        ['company', 100_000],
      ]) {
        const args = [at.proposal, at[token], units(amount)];
        await this.send(GAS.split, at.futarchyRouter, 'splitPosition', args);
      }
    });
  }

  // ---- concentrated pools ----

  pool(name) {
    const [base, quote] = POOLS[name].map((token) => this.at[token]);
    const first = BigInt(base) < BigInt(quote);
    const tokens = first ? [base, quote] : [quote, base];
    return { address: this.at.pools[name], base, quote, first, tokens };
  }

  async state(name) {
    const pool = this.pool(name);
    const [root, tick, fee] = await this.view(pool.address, 'globalState');
    const [liquidity] = await this.view(pool.address, 'liquidity');
    const price = priceOfRoot(root, pool.first);
    return { root, tick: Number(tick), fee: Number(fee), liquidity, price };
  }

  async #findPositions() {
    const logs = await this.node.call('eth_getLogs', {
      address: this.at.positionManager,
      fromBlock: '0x0',
      topics: [abi.getEvent('Transfer').topicHash],
    });
    const born = logs.filter((log) => BigInt(log.topics[1]) === 0n);
    const gone = new Set(
      logs.filter((log) => BigInt(log.topics[2]) === 0n).map((log) => BigInt(log.topics[3])),
    );
    this.nextId = 1n + BigInt(born.length);
    this.positions = Object.fromEntries(Object.keys(POOLS).map((name) => [name, []]));
    for (const id of born.map((log) => BigInt(log.topics[3])).filter((one) => !gone.has(one))) {
      const [, , token0, token1] = await this.view(this.at.positionManager, 'positions', id);
      const name = Object.keys(POOLS).find((one) => {
        const { tokens } = this.pool(one);
        return BigInt(tokens[0]) === BigInt(token0) && BigInt(tokens[1]) === BigInt(token1);
      });
      this.positions[name]?.push(id);
    }
    await this.atOnce(async () => {
      for (const name of Object.keys(POOLS)) {
        const { price } = await this.state(name);
        const dust = this.#mint(name, [-WIDEST, WIDEST], DUST, price);
        await this.send(GAS.shape, this.at.positionManager, 'multicall', [[dust]]);
        this.nextId++; // and stays out of the lists: it is never taken away
      }
    });
  }

  #mint(name, [low, high], size, price) {
    const { tokens, base } = this.pool(name);
    const amounts = tokens.map((token) => units(token === base ? size : size * price));
    return abi.encodeFunctionData('mint', [
      [...tokens, low, high, ...amounts, 0n, 0n, this.me, LATE],
    ]);
  }

  async #remove(id) {
    const liquidity = (await this.view(this.at.positionManager, 'positions', id))[6];
    const take = (name, args) => abi.encodeFunctionData(name, [args]);
    return [
      take('decreaseLiquidity', [id, liquidity, 0n, 0n, LATE]),
      take('collect', [id, this.me, MOST, MOST]),
      take('burn', id),
    ];
  }

  /** One swap that stops at the root. The pool has to have liquidity, if only dust, on the way. */
  async #toRoot(name, now, root) {
    if (root === now) {
      return;
    }
    const { tokens } = this.pool(name);
    const [from, to] = root < now ? tokens : [tokens[1], tokens[0]];
    const [have] = await this.view(from, 'balanceOf', this.me);
    const args = [from, to, this.me, LATE, have, 0n, root];
    await this.send(GAS.swap, this.at.swapRouter, 'exactInputSingle', [args]);
  }

  /**
   * Gives a pool another price and other liquidity: `size` base tokens a side in three positions
   * (`sides` both), or in two below or above the price (`down`, `up`, in the pool's own ticks).
   * `edge` -1, 0 or 1 puts the price onto an initialised tick, or one unit of its root beside it.
   */
  async #shape(name, { price, size, sides = 'both', edge = null }) {
    const { first } = this.pool(name);
    const tick = snap(tickNear(rootOfPrice(price, first)));
    // Beside an edge a position's liquidity would overflow: they are made half a step off it.
    const begin = edge === null ? rootOfPrice(price, first) : rootAtTick(tick + SPACING / 2);
    const root = edge === null ? begin : rootAtTick(tick) + BigInt(edge);
    const ranges = rangesOf(tick, sides, edge !== null);
    const old = (await Promise.all(this.positions[name].map((id) => this.#remove(id)))).flat();
    await this.#toRoot(name, (await this.state(name)).root, begin);
    const calls = [...ranges.map((range) => this.#mint(name, range, size, price)), ...old];
    await this.send(GAS.shape, this.at.positionManager, 'multicall', [calls]);
    await this.#toRoot(name, begin, root);
    this.positions[name] = ranges.map(() => this.nextId++);
    return root;
  }

  /** Where the last swap of these receipts left a pool; undefined without one. */
  #rootAfter(receipts, name) {
    const { address } = this.pool(name);
    const { topicHash } = abi.getEvent('Swap');
    const swaps = receipts
      .flatMap(({ logs }) => logs)
      .filter((log) => BigInt(log.address) === BigInt(address) && log.topics[0] === topicHash);
    return swaps.length > 0 ? abi.parseLog(swaps.at(-1)).args.price : undefined;
  }

  // ---- the spot pool ----

  async spot() {
    const [tokens, held] = await this.view(
      this.at.balancerVault,
      'getPoolTokens',
      this.at.weightedPoolId,
    );
    const company = BigInt(tokens[0]) === BigInt(this.at.company) ? 0 : 1;
    const [base, quote] = [held[company], held[1 - company]];
    return { tokens: [...tokens], base, quote, price: Number(quote) / Number(base) };
  }

  /** Scales both balances; then swaps until their ratio is the price (30 % of a balance a step). */
  async #shapeSpot({ price, size }) {
    const { tokens, base, quote } = await this.spot();
    const [supply] = await this.view(this.at.weightedPool, 'totalSupply');
    const constant = Math.sqrt((Number(base) / 1e18) * (Number(quote) / 1e18));
    const factor = (size * Math.sqrt(price)) / constant;
    const share = (supply * BigInt(Math.round(Math.abs(factor - 1) * 1e9))) / 10n ** 9n;
    const [verb, kind, limit] =
      factor > 1 ? ['joinPool', 3n, ethers.MaxUint256] : ['exitPool', 1n, 0n];
    const data = words(['uint256', 'uint256'], [kind, share]);
    const request = [tokens, [limit, limit], data, false];
    const id = this.at.weightedPoolId;
    await this.send(GAS.swap, this.at.balancerVault, verb, [id, this.me, this.me, request]);
    let [b, q] = [(Number(base) / 1e18) * factor, (Number(quote) / 1e18) * factor];
    for (let step = 0; step < 40 && Math.abs(q / b / price - 1) > 1e-9; step++) {
      [b, q] = await this.#stepSpot(b, q, price);
    }
  }

  /** (in + a) (in + a (1 - fee)) = in * in * ratio, solved for a. */
  async #stepSpot(b, q, price) {
    const fee = 1 / 333;
    const companyIn = q / b > price;
    const [into, out] = companyIn ? [b, q] : [q, b];
    const ratio = companyIn ? q / b / price : price / (q / b);
    const half = (2 - fee) / 2;
    const exact =
      (into * (Math.sqrt(half * half + (1 - fee) * (ratio - 1)) - half)) / (1 - fee);
    const amount = Math.min(exact, into * 0.29);
    await this.swapSpot(companyIn, amount);
    const [after, left] = [into + amount, (out * into) / (into + amount * (1 - fee))];
    return companyIn ? [after, left] : [left, after];
  }

  async swapSpot(companyIn, amount, tip) {
    const { at, me } = this;
    const tokens = companyIn ? [at.company, at.sdai] : [at.sdai, at.company];
    const single = [at.weightedPoolId, 0, ...tokens, units(amount), '0x'];
    const args = [single, [me, false, me, false], 0n, LATE];
    return this.send(GAS.small, at.balancerVault, 'swap', args, tip);
  }

  async swapPool(name, baseIn, amount, tip) {
    const { base, quote } = this.pool(name);
    const tokens = baseIn ? [base, quote] : [quote, base];
    const args = [...tokens, this.me, LATE, units(amount), 0n, 0n];
    return this.send(GAS.swap, this.at.swapRouter, 'exactInputSingle', [args], tip);
  }

  // ---- markets ----

  /**
   * { pools: { yes: { price, size, sides, edge }, ... }, spot: { price, size } }, in one block. The
   * prices are held against its receipts: others may trade as soon as it is there, and anvil then
   * answers even with the new state when it is asked for that block.
   */
  async plant({ pools = {}, spot }) {
    const roots = {};
    const receipts = await this.atOnce(async () => {
      for (const [name, shape] of Object.entries(pools)) {
        roots[name] = await this.#shape(name, shape);
      }
      if (spot) {
        await this.#shapeSpot(spot);
      }
    });
    for (const [name, root] of Object.entries(roots)) {
      const found = this.#rootAfter(receipts, name) ?? root;
      if (found !== root) {
        throw new Error(`price of ${name}: found root ${found}, expected ${root}`);
      }
    }
  }

  /** Another trader before everyone else in the next block; `hurts` is the way it gets in of. */
  async adversary(random, hurts) {
    const size = random.logUniform(0.001, 20); // company tokens
    const buy = hurts === 'buy';
    if (random.chance(0.4)) {
      const companyIn = random.chance(buy ? 0.8 : 0.2);
      await this.swapSpot(companyIn, size * (companyIn ? 1 : 135), BEFORE_OTHERS);
      return;
    }
    const name = random.pick(Object.keys(POOLS));
    const baseIn = random.chance(buy ? 0.2 : 0.8);
    const company = name === 'yes' || name === 'no';
    await this.swapPool(name, baseIn, size * (company && baseIn ? 1 : 135), BEFORE_OTHERS);
  }

  // ---- proposals ----

  /** Another proposal from the factory; its address comes with the event. */
  async propose(name) {
    const { at } = this;
    const wanted = [name, at.company, at.sdai, 'trial', 'en', 1n, 0n];
    await this.atOnce(() => this.send(8_000_000, at.futarchyFactory, 'createProposal', [wanted]));
  }

  /** The oracle's answer to the market's own proposal. */
  async resolve(yes) {
    const payouts = yes ? [1n, 0n] : [0n, 1n];
    const args = [this.at.questionId, payouts];
    await this.atOnce(() => this.send(GAS.small, this.at.conditionalTokens, 'reportPayouts', args));
  }
}
