// The truth of a trial, asked from the node itself after everything has happened: canonical logs,
// pool states, block hashes. Shares no code with what it judges.
// Owns nothing. Must never: look at what hawse said.
import { decodeEventLog } from 'viem';
import { ABI, TOPICS } from './algebra.mjs';
import { hex } from './anvil.mjs';

const BLOCKS_PER_CALL = 64;

export const logKey = (blockHash, logIndex) => `${blockHash}:${Number(logIndex)}`;

export class Ledger {
  /**
   * Everything about `market`'s pools in blocks `from` to the head. A market of another kind than
   * Algebra's says by itself what its logs and states are.
   */
  static async read(chain, market, from) {
    const ledger = new Ledger();
    const { node } = chain;
    const head = await node.block('latest');
    ledger.head = { number: Number(head.number), hash: head.hash };
    ledger.from = from;
    ledger.canonical = new Map(); // hash -> height, from the node, not from the producer
    for (let at = from; at <= ledger.head.number; at += BLOCKS_PER_CALL) {
      const heights = Array.from(
        { length: Math.min(BLOCKS_PER_CALL, ledger.head.number - at + 1) },
        (_, i) => at + i,
      );
      const blocks = await node.batch(heights.map((h) => ['eth_getBlockByNumber', hex(h), false]));
      blocks.forEach((block) => ledger.canonical.set(block.hash, Number(block.number)));
    }
    ledger.everCanonical = new Map([...chain.everCanonical].filter(([, height]) => height >= from));
    ledger.logs = await ledger.#logs(
      node,
      market.addresses ?? market.pools.map((pool) => pool.address),
      market.wants ?? (() => true),
    );
    const decode =
      market.decodeSwap ?? ((log) => (log.topics[0] === TOPICS.swap ? decodeSwap(log) : null));
    ledger.swaps = new Map(
      [...ledger.logs].map(([key, log]) => [key, decode(log)]).filter(([, swap]) => swap),
    );
    ledger.states = await (market.readStates?.() ?? readStates(market));
    return ledger;
  }

  async #logs(node, address, wants) {
    const found = new Map();
    for (let at = this.from; at <= this.head.number; at += BLOCKS_PER_CALL) {
      const logs = await node.call('eth_getLogs', {
        address,
        fromBlock: hex(at),
        toBlock: hex(Math.min(at + BLOCKS_PER_CALL - 1, this.head.number)),
      });
      for (const log of logs) {
        if (!this.canonical.has(log.blockHash)) {
          throw new Error(`the node gave a log of ${log.blockHash}, which is not canonical`);
        }
        if (wants(log)) {
          found.set(logKey(log.blockHash, log.logIndex), log);
        }
      }
    }
    return found;
  }
}

export function decodeSwap(log) {
  const { args } = decodeEventLog({ abi: ABI.pool, data: log.data, topics: log.topics });
  return {
    pool: log.address.toLowerCase(),
    block: Number(log.blockNumber),
    block_hash: log.blockHash,
    tx: log.transactionHash,
    log_index: Number(log.logIndex),
    amount0: String(args.amount0),
    amount1: String(args.amount1),
    sqrt_price: String(args.price),
    liquidity: String(args.liquidity),
    tick: args.tick,
  };
}

/** pool address (lower case) -> state at the head, by eth_call. */
export async function readStates(market) {
  const states = new Map();
  for (const pool of market.pools) {
    const { price, tick, fee } = await market.state(pool);
    const liquidity = await market.read(pool.address, ABI.pool, 'liquidity');
    states.set(pool.address.toLowerCase(), {
      sqrt_price: String(price),
      tick,
      liquidity: String(liquidity),
      fee,
    });
  }
  return states;
}
