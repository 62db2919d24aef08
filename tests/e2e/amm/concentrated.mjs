// Concentrated liquidity: pools of Uniswap v3 and Algebra V1 with random positions, asked by swaps
// that are undone in their callback, against hawse_clmm_swap. Between rounds a real trade moves the
// price, often onto a tick's border, and the share of the fee that leaves the pool is compared too.
import { createRequire } from 'node:module';
import { decodeFunctionResult, encodeFunctionData } from 'viem';
import { anySize, revertText, Score, signed, wordAt } from './lab.mjs';

const require = createRequire(import.meta.url);
const UNISWAP = '@uniswap/v3-core/artifacts/contracts/';
const ALGEBRA = '@cryptoalgebra/v1-core/artifacts/contracts/';
const BATCH = 200;
const MIN_PRICE = 4295128740n; // the furthest limits that a pool takes
const MAX_PRICE = 1461446703485210103287273052203988822378723970341n;
const MAX_TICK = 887272;
const POSITIONS = 9;
const FAR = 30_000; // ticks; further limits take very many steps in pools with narrow rows

/** Pools of every fee and spacing that the factory allows, the extremes among them. */
async function uniswapPools(lab, tokens) {
  const factory = require(`${UNISWAP}UniswapV3Factory.sol/UniswapV3Factory.json`);
  const { abi } = require(`${UNISWAP}UniswapV3Pool.sol/UniswapV3Pool.json`);
  const address = await lab.deploy(factory);
  const pools = [];
  const fees = [
    [0, 1],
    [1, 1],
    [100, 1],
    [500, 10],
    [3000, 60],
    [10000, 200],
    [250_000, 1000],
    [999_999, 16383],
  ];
  for (const [fee, spacing] of fees) {
    if (fee !== 500 && fee !== 3000 && fee !== 10000) {
      await lab.send(address, factory.abi, 'enableFeeAmount', [fee, spacing]);
    }
    const pair = tokens.map((token) => token.address);
    await lab.send(address, factory.abi, 'createPool', [...pair, fee]);
    const pool = await lab.read(address, factory.abi, 'getPool', [...pair, fee]);
    pools.push({ address: pool, abi, fee, spacing, kind: 1 });
  }
  return pools;
}

async function algebraPools(lab, tokens) {
  const deployer = require(`${ALGEBRA}AlgebraPoolDeployer.sol/AlgebraPoolDeployer.json`);
  const factory = require(`${ALGEBRA}AlgebraFactory.sol/AlgebraFactory.json`);
  const { abi } = require(`${ALGEBRA}AlgebraPool.sol/AlgebraPool.json`);
  const operator = require(`${ALGEBRA}DataStorageOperator.sol/DataStorageOperator.json`).abi;
  const makes = await lab.deploy(deployer);
  const address = await lab.deploy(factory, [makes, '0x00000000000000000000000000000000000000fe']);
  await lab.send(makes, deployer.abi, 'setFactory', [address]);
  const pools = [];
  for (let i = 0; i + 1 < tokens.length; i++) {
    const pair = [tokens[i].address, tokens[i + 1].address];
    await lab.send(address, factory.abi, 'createPool', pair);
    const pool = await lab.read(address, factory.abi, 'poolByPair', pair);
    const storage = await lab.read(pool, abi, 'dataStorageOperator');
    pools.push({ address: pool, abi, spacing: 60, kind: 2, storage, operator });
  }
  return pools;
}

class Subject {
  constructor(lab, random, pool, score) {
    Object.assign(this, { lab, random, ...pool, score, net: new Map() });
    this.stateView = this.kind === 1 ? 'slot0' : 'globalState';
  }

  async priceAt(tick) {
    return BigInt((await this.lab.quoter.ask([`price ${tick}`]))[0]);
  }

  send(functionName, args) {
    return this.lab.send(this.address, this.abi, functionName, args);
  }

  read(functionName) {
    return this.lab.read(this.address, this.abi, functionName);
  }

  async prepare() {
    const { random, spacing } = this;
    const edge = Math.floor(MAX_TICK / spacing) * spacing;
    const start = random.between(-150_000, 150_000);
    await this.send('initialize', [(await this.priceAt(start)) + BigInt(random.below(1000))]);
    const snap = (tick) => Math.max(-edge, Math.min(edge, Math.round(tick / spacing) * spacing));
    for (let i = 0; i < POSITIONS; i++) {
      const wide = spacing * (1 + random.below(i < 3 ? 4 : 200));
      const low = i === 0 ? -edge : snap(start - random.below(wide) - spacing);
      const high = i === 0 ? edge : Math.max(low + spacing, snap(start + random.below(wide)));
      await this.#provide(low, high, 10n ** 3n + anySize(random, random.pick([20, 60, 90, 100])));
    }
  }

  async #provide(low, high, liquidity) {
    const { abi } = this.lab.helpers.Prober;
    const args = [this.address, this.kind === 2, low, high, liquidity];
    await this.lab.send(this.lab.prober, abi, 'provide', args);
    const add = (tick, delta) => this.net.set(tick, (this.net.get(tick) ?? 0n) + delta);
    add(low, liquidity);
    add(high, -liquidity);
  }

  /** The fee's rules change: what leaves the pool, and with Algebra the dynamic fee. */
  async changeFees() {
    const { random } = this;
    if (this.kind === 1) {
      const share = () => random.pick([0, 4, 5, 10]);
      await this.send('setFeeProtocol', [share(), share()]);
      return;
    }
    await this.send('setCommunityFee', [random.below(251), random.below(251)]);
    const config = {
      alpha1: random.below(20000),
      alpha2: random.below(20000),
      beta1: random.below(1000),
      beta2: random.below(100_000),
      gamma1: 1 + random.below(1000),
      gamma2: 1 + random.below(20000),
      volumeBeta: random.below(2) * random.below(1000),
      volumeGamma: 1 + random.below(1000),
      baseFee: random.pick([0, 1, 100, random.below(25_000)]),
    };
    await this.lab.send(this.storage, this.operator, 'changeFeeConfiguration', [config]);
    this.config = config;
  }

  /** Reads the state and tells it to the quoter. */
  async tell() {
    const [price, tick, ...rest] = await this.read(this.stateView);
    const liquidity = await this.read('liquidity');
    Object.assign(this, { price, tick, liquidity });
    this.shares = this.kind === 1 ? [rest[3] & 15, rest[3] >> 4] : [rest[2], rest[3]];
    this.fee = this.kind === 2 ? rest[0] : this.fee;
    this.index = rest[1];
    await this.#say(0);
  }

  async #say(community) {
    const ticks = [...this.net].filter(([, net]) => net !== 0n).sort(([a], [b]) => a - b);
    const list = ticks.map(([tick, net]) => `${tick} ${net}`).join(' ');
    await this.lab.quoter.ask([
      `pool ${this.kind} ${this.spacing} ${this.tick} ${community} ${this.price} ` +
        `${this.liquidity} ${ticks.length} ${list}`,
    ]);
  }

  async #limit(down) {
    const { random, tick } = this;
    const sign = down ? -1 : 1;
    const clamp = (t) => Math.max(-MAX_TICK, Math.min(MAX_TICK, t));
    const furthest = down ? MIN_PRICE : MAX_PRICE;
    const initialised = [...this.net.keys()].filter((t) => (down ? t <= tick : t > tick));
    const choices = [
      async () => this.priceAt(clamp(tick + sign * random.below(FAR))),
      async () => this.priceAt(initialised.length ? random.pick(initialised) : clamp(tick + sign)),
      async () => this.price + BigInt(sign * random.below(1000)),
    ];
    if (this.spacing >= 60 || random.chance(0.002)) {
      choices.push(async () => furthest);
    }
    const limit = await random.pick(choices)();
    return limit < MIN_PRICE ? MIN_PRICE : limit > MAX_PRICE ? MAX_PRICE : limit;
  }

  async #case() {
    const { random } = this;
    const down = random.chance(0.5);
    const size = anySize(random, random.pick([3, 40, 80, 110, 126]));
    return { down, amount: random.chance(0.5) ? size : -size, limit: await this.#limit(down) };
  }

  async probe() {
    const { abi } = this.lab.helpers.Prober;
    const cases = [];
    for (let i = 0; i < BATCH; i++) {
      cases.push(await this.#case());
    }
    const views = [this.stateView, 'liquidity'].map((functionName) =>
      encodeFunctionData({ abi: this.abi, functionName }),
    );
    const answer = await this.lab.node.call(
      'eth_call',
      {
        to: this.lab.prober,
        gas: '0x35a4e900',
        data: encodeFunctionData({
          abi,
          functionName: 'probe',
          args: [this.address, cases, views],
        }),
      },
      'latest',
    );
    const told = decodeFunctionResult({ abi, functionName: 'probe', data: answer });
    const facts = told.map((data) => this.#decode(data));
    const lines = cases.map(
      ({ down, amount, limit }, i) =>
        `clmm ${+down} ${amount} ${limit} ${facts[i].fee ?? this.fee}`,
    );
    const ours = await this.lab.quoter.ask(lines);
    facts.forEach(({ text }, i) => this.#compare(lines[i], text, ours[i]));
  }

  #decode(data) {
    if (data === '0x' || revertText(data) !== null) {
      return { text: 'revert' };
    }
    const at = (i) => wordAt(data, i);
    const amounts = `${signed(at(0))} ${signed(at(1))}`;
    const text = `${amounts} ${at(2)} ${at(9)} ${signed(at(3))}`;
    return { text, fee: this.kind === 2 ? Number(at(4)) : this.fee };
  }

  #compare(line, chain, answer) {
    const ours = answer.startsWith('refused') ? 'revert' : answer.split(' ').slice(0, 5).join(' ');
    const where = `${this.kind}/${this.spacing} at ${this.tick} ${this.price}`;
    this.score.compare(`${where}: ${line}`, chain, ours);
  }

  async #shareOf(down) {
    if (this.kind === 1) {
      return (await this.read('protocolFees'))[down ? 0 : 1];
    }
    const { abi } = this.lab.helpers.Token;
    const token = await this.read(down ? 'token0' : 'token1');
    return this.lab.read(token, abi, 'balanceOf', ['0x00000000000000000000000000000000000000fe']);
  }

  /** A swap that stays: state and share afterwards are compared. */
  async trade() {
    const { abi } = this.lab.helpers.Prober;
    const one = await this.#case();
    if (one.amount === 0n) {
      return;
    }
    const before = await this.#shareOf(one.down);
    const done = await this.lab
      .send(this.lab.prober, abi, 'trade', [this.address, one])
      .catch(() => null);
    const [price, tick, third] = await this.read(this.stateView);
    const fee = this.kind === 2 ? third : this.fee;
    await this.#say(this.shares[one.down ? 0 : 1]);
    const line = `clmm ${+one.down} ${one.amount} ${one.limit} ${fee}`;
    const [answer] = await this.lab.quoter.ask([line]);
    if (!done) {
      this.#compare(`trade ${line}`, 'revert', answer);
      return;
    }
    const liquidity = await this.read('liquidity');
    let share = (await this.#shareOf(one.down)) - before;
    const told = answer.split(' ').slice(2);
    if (this.kind === 1) { // Uniswap keeps 128 bits of what is collected
      share = BigInt.asUintN(128, share);
      told[3] = BigInt.asUintN(128, BigInt(told[3] ?? 0));
    }
    const ours = told.join(' ');
    const chain = `${price} ${liquidity} ${tick} ${share}`;
    this.score.compare(`trade ${this.kind}/${this.spacing} share: ${line}`, chain, ours);
  }

  /** Algebra's fee from the averages that the pool's own storage tells for some later time. */
  async dynamicFee(score) {
    const { number } = this.random.chance(0.5) ? { number: 1 } : { number: 40_000 };
    const latest = await this.lab.node.block('latest');
    const time = Number(latest.timestamp) + this.random.below(number);
    const args = [time, this.tick, this.index, this.liquidity];
    const ask = (name) => this.lab.read(this.storage, this.operator, name, args, this.address);
    const [volatility, volume] = await ask('getAverages');
    const c = this.config;
    const line =
      `fee ${volatility / 15n} ${volume} ${c.alpha1} ${c.alpha2} ${c.beta1} ${c.beta2} ` +
      `${c.gamma1} ${c.gamma2} ${c.volumeBeta} ${c.volumeGamma} ${c.baseFee}`;
    const [ours] = await this.lab.quoter.ask([line]);
    score.compare(line, String(await ask('getFee')), ours);
  }
}

function concentratedKind(name, makePools, tokenCount) {
  return async (lab, random, wanted) => {
    const score = new Score(name);
    const fees = new Score(`${name}'s dynamic fee`);
    const tokens = await lab.tokens(Array(tokenCount).fill(18));
    const subjects = [];
    for (const pool of await makePools(lab, tokens)) {
      const subject = new Subject(lab, random, pool, score);
      await subject.prepare();
      subjects.push(subject);
    }
    for (let round = 0; score.compared < wanted; round++) {
      const subject = subjects[round % subjects.length];
      if (round % 3 === 0 || (subject.kind === 2 && !subject.config)) {
        await subject.changeFees();
      }
      await subject.tell();
      await subject.probe();
      await subject.trade();
      if (subject.kind === 2) {
        await subject.dynamicFee(fees);
      }
    }
    return fees.compared > 0 ? [score, fees] : [score];
  };
}

export const uniswapV3 = concentratedKind('uniswap v3', uniswapPools, 2);
export const algebra = concentratedKind('algebra', algebraPools, 7);
