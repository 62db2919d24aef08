// Decides what happens in each block: random swaps in both directions over all pools, now and
// then liquidity added or taken out. The same seed on the same chain makes the same blocks.
// Owns: the list of positions that may be reduced. Must never: mine (chain.mjs does).

export class Traffic {
  /** `liquidityRate`: chance of a mint or a burn per block. `usd`: smallest and largest swap. */
  constructor(market, random, { liquidityRate = 0.3, usd = [0.5, 4000] } = {}) {
    this.market = market;
    this.random = random;
    this.liquidityRate = liquidityRate;
    this.usd = usd;
    this.positions = [];
  }

  /** After deployment and after every reorganisation: which positions exist now. */
  async sync() {
    this.positions = await this.market.reduciblePositions();
  }

  /** Signed transactions for one block with `swaps` swaps. */
  async block(swaps) {
    const { market, random } = this;
    const txs = [];
    for (let i = 0; i < swaps; i++) {
      txs.push(
        await market.swapTx(
          random.pick(market.traders),
          random.pick(market.pools),
          random.chance(0.5),
          random.logUniform(...this.usd),
        ),
      );
    }
    if (random.chance(this.liquidityRate)) {
      txs.splice(random.below(txs.length + 1), 0, await this.#liquidity());
    }
    return txs;
  }

  async #liquidity() {
    const { market, random } = this;
    if (this.positions.length > 0 && random.chance(0.5)) {
      const at = random.below(this.positions.length);
      const id = this.positions[at];
      const liquidity = await market.positionLiquidity(id);
      const all = random.chance(0.3);
      if (all) {
        this.positions.splice(at, 1); // empty from now on
      }
      if (liquidity > 0n) {
        return market.burnTx(
          id,
          all ? liquidity : (liquidity * BigInt(random.between(10, 70))) / 100n,
        );
      }
    }
    const pool = random.pick(market.pools);
    const { tick } = await market.state(pool);
    const low = tick - 60 * random.between(2, 40);
    const high = tick + 60 * random.between(3, 40);
    const snap = (value) => Math.floor(value / 60) * 60;
    return market.mintTx(
      pool,
      snap(low),
      snap(high),
      pool.depthUsd * random.logUniform(0.005, 0.2),
    );
  }
}
