// A market of real Algebra V1 pools on the local node, built from the bytecode in the npm
// packages: factory, pool deployer, router, position manager, ERC-20 tokens, pools with
// liquidity. Gives signed transactions that swap, add and remove liquidity.
// Owns: the addresses. Must never: compile anything, or decide what happens in a block
// (traffic.mjs does).
import { createRequire } from 'node:module';
import { encodeDeployData, getContractAddress, keccak256, maxUint256, stringToHex } from 'viem';
import { decodeFunctionResult, encodeFunctionData } from 'viem';
import { TOKENS, pairsOf } from './tokens.mjs';

const require = createRequire(import.meta.url);
const CORE = '@cryptoalgebra/v1-core/artifacts/contracts/';
const PERIPHERY = '@cryptoalgebra/periphery/artifacts/contracts/';
const ARTIFACTS = {
  token: 'canonical-weth/build/contracts/WETH9.json',
  deployer: `${CORE}AlgebraPoolDeployer.sol/AlgebraPoolDeployer.json`,
  factory: `${CORE}AlgebraFactory.sol/AlgebraFactory.json`,
  router: `${PERIPHERY}SwapRouter.sol/SwapRouter.json`,
  positions: `${PERIPHERY}NonfungiblePositionManager.sol/NonfungiblePositionManager.json`,
  pool: `${CORE}AlgebraPool.sol/AlgebraPool.json`,
};
const ZERO = '0x0000000000000000000000000000000000000000';
const DEADLINE = 2n ** 40n;
const MAX_U128 = 2n ** 128n - 1n;
const TICK_SPACING = 60;
const MAX_TICK = 887220;
/**
 * Generous: the first action of a block also writes an oracle slot, and a large swap crosses
 * ticks.
 */
const GAS = { deploy: 8_000_000n, create: 9_000_000n, liquidity: 3_000_000n, swap: 2_000_000n };

const artifact = (name) => require(ARTIFACTS[name]);
export const ABI = Object.fromEntries(
  Object.keys(ARTIFACTS).map((name) => [name, artifact(name).abi]),
);
const word = (value) => BigInt.asUintN(256, BigInt(value)).toString(16).padStart(64, '0');
const slotOf = (key, slot) => keccak256(`0x${word(key)}${word(slot)}`);

function squareRoot(n) {
  let x = 1n << BigInt((n.toString(2).length + 1) >> 1);
  for (;;) {
    const y = (x + n / x) >> 1n;
    if (y >= x) {
      return x;
    }
    x = y;
  }
}

/** A decimal value as an integer with six more digits, for exact ratios. */
const micro = (value) => BigInt(Math.round(value * 1e6));
const units = (token, usd) => (micro(usd) * 10n ** BigInt(token.decimals)) / micro(token.usd);
const snap = (tick) => Math.floor(tick / TICK_SPACING) * TICK_SPACING;

export class Market {
  constructor(chain) {
    this.chain = chain;
    this.node = chain.node;
    this.pools = [];
    this.tokens = [];
    this.traders = [];
  }

  /** How hawse is told to follow this market. */
  get venue() {
    const pools = this.pools.map((pool) => pool.address.toLowerCase());
    return { plugin: 'org.hawse.swapr', settings: { pools } };
  }

  /** Everything up to pools with three positions each, in a handful of blocks. */
  static async deploy(chain, { pools = 10, traders = 24, depthUsd = 400_000 } = {}) {
    const market = new Market(chain);
    const pairs = pairsOf(pools);
    market.owner = await chain.sender('owner');
    market.provider = await chain.sender('liquidity provider');
    for (let i = 0; i < traders; i++) {
      market.traders.push(await chain.sender(`trader ${i}`));
    }
    await market.#deployContracts(1 + Math.max(...pairs.flat()));
    await market.#dressTokens();
    await market.#createPools(pairs);
    await market.#addLiquidity(depthUsd);
    return market;
  }

  async #deployContracts(tokenCount) {
    const txs = [];
    const create = async (name, args = []) => {
      const address = getContractAddress({
        from: this.owner.address,
        nonce: BigInt(this.owner.nonce),
      });
      const { abi, bytecode } = artifact(name);
      const data = encodeDeployData({ abi, bytecode, args });
      txs.push(await this.owner.sign({ data, gas: GAS.deploy }));
      return address;
    };
    for (const token of TOKENS[this.node.chainId].slice(0, tokenCount)) {
      this.tokens.push({ ...token, address: await create('token') });
    }
    const native = this.tokens[0].address;
    this.deployer = await create('deployer');
    this.factory = await create('factory', [this.deployer, this.owner.address]);
    this.router = await create('router', [this.factory, native, this.deployer]);
    this.positions = await create('positions', [this.factory, native, ZERO, this.deployer]);
    txs.push(
      await this.owner.sign({
        to: this.deployer,
        gas: GAS.liquidity,
        data: encodeFunctionData({
          abi: ABI.deployer,
          functionName: 'setFactory',
          args: [this.factory],
        }),
      }),
    );
    const block = await this.chain.mine(txs);
    await this.#mustSucceed(block);
  }

  /**
   * The token contract is the canonical wrapped ether; its name, symbol and decimals are storage
   * slots 0 to 2, balances and allowances the mappings at 3 and 4. Writing them spares some
   * thousand transactions.
   */
  async #dressTokens() {
    const calls = [];
    const store = (address, slot, value) =>
      calls.push(['anvil_setStorageAt', address, `0x${word(slot)}`, `0x${word(value)}`]);
    const text = (value) => {
      const bytes = Buffer.alloc(32);
      bytes.write(value);
      bytes[31] = Buffer.byteLength(value) * 2;
      return `0x${bytes.toString('hex')}`;
    };
    for (const token of this.tokens) {
      store(token.address, 0, text(token.name));
      store(token.address, 1, text(token.symbol));
      store(token.address, 2, token.decimals);
      for (const holder of [this.provider, ...this.traders]) {
        const spender = holder === this.provider ? this.positions : this.router;
        store(token.address, slotOf(holder.address, 3), 2n ** 120n);
        store(token.address, slotOf(spender, slotOf(holder.address, 4)), maxUint256);
      }
    }
    await this.node.batch(calls, 250);
  }

  /** Gives others plenty of each token, which `spender` may move. */
  async fund(holders, spender) {
    const calls = this.tokens.flatMap(({ address }) =>
      holders.flatMap((holder) => [
        [slotOf(holder.address, 3), 2n ** 120n],
        [slotOf(spender, slotOf(holder.address, 4)), maxUint256],
      ]).map(([slot, value]) =>
        ['anvil_setStorageAt', address, `0x${word(slot)}`, `0x${word(value)}`]),
    );
    await this.node.batch(calls, 250);
  }

  /** The pair as a pool has it, at the price that the tokens' values make. */
  pairOf(a, b) {
    const [token0, token1] = [this.tokens[a], this.tokens[b]].sort((x, y) =>
      BigInt(x.address) < BigInt(y.address) ? -1 : 1,
    );
    const sqrtPrice = squareRoot(
      ((micro(token0.usd) * 10n ** BigInt(token1.decimals)) << 192n) /
        (micro(token1.usd) * 10n ** BigInt(token0.decimals)),
    );
    return { token0, token1, sqrtPrice };
  }

  createTx({ token0, token1, sqrtPrice }) {
    return this.provider.sign({
      to: this.positions,
      gas: GAS.create,
      data: encodeFunctionData({
        abi: ABI.positions,
        functionName: 'createAndInitializePoolIfNecessary',
        args: [token0.address, token1.address, sqrtPrice],
      }),
    });
  }

  poolAddress({ token0, token1 }) {
    return this.read(this.factory, ABI.factory, 'poolByPair', [token0.address, token1.address]);
  }

  async #createPools(pairs) {
    const txs = [];
    for (const [a, b] of pairs) {
      const pool = this.pairOf(a, b);
      this.pools.push(pool);
      txs.push(await this.createTx(pool));
    }
    await this.#mustSucceed(await this.chain.mine(txs));
    for (const pool of this.pools) {
      pool.address = await this.poolAddress(pool);
      pool.createdTick = (await this.state(pool)).tick;
    }
  }

  /** One position over all prices and two narrower ones, so that swaps cross initialised ticks. */
  async #addLiquidity(depthUsd) {
    const txs = [];
    for (const pool of this.pools) {
      pool.depthUsd = depthUsd;
      const tick = pool.createdTick;
      const ranges = [
        [-MAX_TICK, MAX_TICK],
        [tick - 3000, tick + 3000],
        [tick - 600, tick + 1200],
      ];
      for (const [low, high] of ranges) {
        txs.push(await this.mintTx(pool, snap(low), snap(high), depthUsd / ranges.length));
      }
    }
    for (let at = 0; at < txs.length; at += 60) {
      await this.#mustSucceed(await this.chain.mine(txs.slice(at, at + 60)));
    }
  }

  async #mustSucceed(block) {
    const receipts = await this.node.call('eth_getBlockReceipts', block.number);
    const bad = receipts.findIndex((receipt) => receipt.status !== '0x1');
    if (bad >= 0) {
      throw new Error(`transaction ${bad} of block ${Number(block.number)} was reverted`);
    }
  }

  async read(to, abi, functionName, args = [], block = 'latest') {
    const data = encodeFunctionData({ abi, functionName, args });
    const answer = await this.node.call('eth_call', { to, data }, block);
    return decodeFunctionResult({ abi, functionName, data: answer });
  }

  async state(pool) {
    const [price, tick, fee] = await this.read(pool.address, ABI.pool, 'globalState');
    return { price, tick, fee };
  }

  /** A swap of about `usd`; token0 goes in when `zeroForOne`. */
  swapTx(trader, pool, zeroForOne, usd) {
    const [from, to] = zeroForOne ? [pool.token0, pool.token1] : [pool.token1, pool.token0];
    const amountIn = units(from, usd) || 1n;
    return trader.sign({
      to: this.router,
      gas: GAS.swap,
      data:
        `0xbc651188${word(from.address)}${word(to.address)}${word(trader.address)}` +
        `${word(DEADLINE)}` +
        `${word(amountIn)}${word(0)}${word(0)}`,
    });
  }

  mintTx(pool, tickLower, tickUpper, usd) {
    const params = {
      token0: pool.token0.address,
      token1: pool.token1.address,
      tickLower,
      tickUpper,
      amount0Desired: units(pool.token0, usd / 2),
      amount1Desired: units(pool.token1, usd / 2),
      amount0Min: 0n,
      amount1Min: 0n,
      recipient: this.provider.address,
      deadline: DEADLINE,
    };
    return this.provider.sign({
      to: this.positions,
      gas: GAS.liquidity,
      data: encodeFunctionData({ abi: ABI.positions, functionName: 'mint', args: [params] }),
    });
  }

  /** Takes liquidity out of a position and the tokens with it, in one transaction. */
  burnTx(tokenId, liquidity) {
    const data = [
      encodeFunctionData({
        abi: ABI.positions,
        functionName: 'decreaseLiquidity',
        args: [{ tokenId, liquidity, amount0Min: 0n, amount1Min: 0n, deadline: DEADLINE }],
      }),
      encodeFunctionData({
        abi: ABI.positions,
        functionName: 'collect',
        args: [
          { tokenId, recipient: this.provider.address, amount0Max: MAX_U128, amount1Max: MAX_U128 },
        ],
      }),
    ];
    return this.provider.sign({
      to: this.positions,
      gas: GAS.liquidity,
      data: encodeFunctionData({ abi: ABI.positions, functionName: 'multicall', args: [data] }),
    });
  }

  /**
   * The provider's positions as the chain has them now, without the ones over all prices: those
   * stay, because a pool without liquidity takes no swaps. Ids count from 1, three a pool.
   */
  async reduciblePositions() {
    const owner = this.provider.address;
    const count = Number(await this.read(this.positions, ABI.positions, 'balanceOf', [owner]));
    const ids = [];
    for (let i = 0; i < count; i++) {
      ids.push(
        await this.read(this.positions, ABI.positions, 'tokenOfOwnerByIndex', [owner, BigInt(i)]),
      );
    }
    const staying = (id) => id <= BigInt(3 * this.pools.length) && (id - 1n) % 3n === 0n;
    return ids.filter((id) => !staying(id));
  }

  async positionLiquidity(tokenId) {
    return (await this.read(this.positions, ABI.positions, 'positions', [tokenId]))[6];
  }
}

export const topicOf = (signature) => keccak256(stringToHex(signature));
export const TOPICS = {
  swap: topicOf('Swap(address,address,int256,int256,uint160,uint128,int24)'),
  mint: topicOf('Mint(address,address,int24,int24,uint128,uint256,uint256)'),
  burn: topicOf('Burn(address,int24,int24,uint128,uint256,uint256)'),
  fee: topicOf('Fee(uint16)'),
};
