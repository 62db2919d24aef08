// The whole rig in one call: node, contracts, traffic, and the two proxies before the node.
//   subject -> FaultProxy (bytes) -> NodeProxy (subscriptions) -> node
// Owns all of them. Must never: leave one running; `stop` is safe at any time.
import { startAnvil, sleep } from './anvil.mjs';
import { Market } from './algebra.mjs';
import { Chain } from './chain.mjs';
import { FaultProxy } from './faults.mjs';
import { readStates } from './ledger.mjs';
import { Random } from './random.mjs';
import { Traffic } from './traffic.mjs';
import { NodeProxy } from './wsproxy.mjs';

export const BLOCK_SECONDS = { 100: 5, 137: 2 };
const GENESIS = 1_760_000_000;

/** What is deployed and traded on the node; balancer.mjs has another one. */
const SWAPR = {
  deploy: (chain, options) => Market.deploy(chain, options),
  states: readStates,
  traffic: (market, random, options) => new Traffic(market, random, options),
};

export class Rig {
  static async start({
    chainId = 100,
    pools = 10,
    seed = 1,
    faithful = true,
    traffic = {},
    world = SWAPR,
  } = {}) {
    if (!(chainId in BLOCK_SECONDS)) {
      throw new Error(
        `chain: found ${chainId}, expected ${Object.keys(BLOCK_SECONDS).join(' or ')}`,
      );
    }
    const rig = new Rig();
    rig.random = new Random(seed);
    rig.node = await startAnvil({ chainId, timestamp: GENESIS });
    rig.chain = new Chain(rig.node, { blockSeconds: BLOCK_SECONDS[chainId], startTime: GENESIS });
    const begun = Date.now();
    rig.market = await world.deploy(rig.chain, { pools, random: rig.random });
    rig.deployMs = Date.now() - begun;
    rig.before = await world.states(rig.market);
    rig.traffic = world.traffic(rig.market, rig.random, traffic);
    await rig.traffic.sync();
    rig.proxy = await NodeProxy.start(rig.node, { faithful });
    rig.faults = await FaultProxy.start(rig.proxy.port);
    rig.swaps = 0;
    return rig;
  }

  get addresses() {
    return this.market.addresses ?? this.market.pools.map((pool) => pool.address);
  }

  /** 'resetAll', 'closeAll', 'swallowFor': what the subject must announce as a gap. */
  cut(how, ...args) {
    if (this.watched()) {
      this.onCut?.({ t: 'rig.cut', src: 'rig', block: this.chain.height });
    }
    return this.faults[how](...args);
  }

  async block(swaps) {
    await this.chain.mine(await this.traffic.block(swaps));
    this.swaps += swaps;
  }

  /** Does some client hold subscriptions for heads and for the logs of every pool? */
  watched() {
    const wanted = new Set(this.addresses.map((address) => address.toLowerCase()));
    let heads = false;
    for (const session of this.proxy.sessions) {
      for (const { kind, filter } of session.subscriptions.values()) {
        heads ||= kind === 'newHeads';
        if (kind === 'logs') {
          [filter.address ?? [...wanted]].flat().forEach((one) => wanted.delete(one.toLowerCase()));
        }
      }
    }
    return heads && wanted.size === 0;
  }

  async untilWatched(limitMs = 30_000) {
    await until(
      () => this.watched(),
      limitMs,
      'nobody subscribed to the heads and the logs of all pools',
    );
  }

  async stop() {
    await this.faults?.stop();
    await this.proxy?.stop();
    await this.node?.stop();
  }
}

/** Waits for a condition, or says what was waited for in vain. */
export async function until(condition, limitMs, complaint) {
  const end = Date.now() + limitMs;
  while (!condition()) {
    if (Date.now() > end) {
      throw new Error(`${complaint} within ${limitMs} ms`);
    }
    await sleep(5);
  }
}
