// Judges a tape: what a subject said happened, event by event, against the ledger.
// Rules while the tape runs: no log twice without a removal between, no removal of what is not
// there, blocks connect, a cut connection is announced as a gap before later data, and a log that
// comes late lies inside an announced gap. Rules at the end: exactly the canonical logs and swaps
// are there, with the right fields; pools are as the node says; every gap is healed.
// Owns its counts and differences. Must never: ask the node, or forgive.
import { logKey } from './ledger.mjs';

const SWAP_FIELDS = [
  'pool',
  'block',
  'tx',
  'amount0',
  'amount1',
  'sqrt_price',
  'liquidity',
  'tick',
];
const STATE_FIELDS = ['sqrt_price', 'tick', 'liquidity', 'fee'];
const same = (a, b) => String(a).toLowerCase() === String(b).toLowerCase();

/** Additions and removals of one kind of event by (block hash, log index). */
class Account {
  constructor(name, judge) {
    this.name = name;
    this.judge = judge;
    this.live = new Map(); // key -> event
    this.adds = 0;
    this.removes = 0;
  }

  take(event) {
    const key = logKey(event.block_hash, event.log_index);
    if (event.removed) {
      this.removes++;
      if (!this.live.delete(key)) {
        this.judge.differ(`${this.name} ${key} (block ${event.block}) removed without being there`);
      }
      return;
    }
    this.adds++;
    if (this.live.has(key)) {
      this.judge.differ(`${this.name} ${key} (block ${event.block}) came twice without a removal`);
    }
    this.live.set(key, event);
  }

  /** `truth` maps keys to records; `check(event, record)` names what is wrong, or null. */
  settle(truth, ledger, check) {
    let right = 0;
    for (const [key, record] of truth) {
      const event = this.live.get(key);
      const wrong = event ? check(event, record) : 'is missing';
      if (wrong) {
        this.judge.differ(
          `${this.name} ${key} (block ${Number(record.block ?? record.blockNumber)}) ${wrong}`,
        );
      } else {
        right++;
      }
    }
    for (const [key, event] of this.live) {
      if (!truth.has(key) && event.block >= ledger.from) {
        const was = ledger.everCanonical.has(event.block_hash)
          ? 'left the chain and was not removed'
          : 'never existed';
        this.judge.differ(`${this.name} ${key} (block ${event.block}) ${was}`);
      }
    }
    return right;
  }
}

export class Judge {
  constructor({ keep = 20, swapFields = SWAP_FIELDS, stateFields = STATE_FIELDS } = {}) {
    Object.assign(this, { keep, swapFields, stateFields });
    this.differences = [];
    this.differenceCount = 0;
    this.line = 0;
    this.logs = new Account('log', this);
    this.trades = new Account('trade', this);
    this.states = new Map(); // pool -> last state
    this.openGaps = new Map(); // source and stream -> gap event
    this.counts = {
      cuts: 0,
      gaps: 0,
      healed: 0,
      retracts: 0,
      reorgs: 0,
      deepestReorg: 0,
      blocks: 0,
      late: 0,
    };
    this.cuts = []; // { block, announced }: connections cut by the rig, not yet followed by data
    this.liveBlocks = new Map(); // height -> live logs in it
    this.heads = new Map(); // source -> [{ number, hash }], the branch as told
    this.sequence = new Map(); // source, space and stream -> { epoch, seq }
    this.lastAt = 0;
  }

  differ(text) {
    this.differenceCount++;
    if (this.differences.length < this.keep) {
      this.differences.push(`line ${this.line}: ${text}`);
    }
  }

  /** One event of the tape, in its order. */
  take(event) {
    this.line++;
    this.lastAt = Date.now();
    this.#sequence(event);
    switch (event.t) {
      case 'rig.cut':
        this.counts.cuts++;
        this.cuts.push({ block: event.block, announced: this.openGaps.size > 0 });
        break;
      case 'evm.log':
        this.#log(event);
        break;
      case 'evm.block':
        this.#block(event);
        break;
      case 'market.trade':
        this.trades.take(event);
        break;
      case 'market.pool_state':
        this.states.set(event.pool.toLowerCase(), event);
        break;
      case 'market.pool_tokens':
        this.states.set(event.market, event);
        break;
      case 'evm.reorg':
        this.counts.reorgs++;
        this.counts.deepestReorg = Math.max(this.counts.deepestReorg, event.depth ?? 0);
        break;
      case 'stream.gap':
        this.counts.gaps++;
        this.cuts.forEach((cut) => {
          cut.announced = true;
        });
        this.openGaps.set(gapKey(event), event);
        break;
      case 'stream.healed':
        this.counts.healed++;
        this.openGaps.delete(gapKey(event));
        break;
      case 'stream.unhealable':
        this.differ(`gap of ${gapKey(event)} was given up`);
        break;
      case 'stream.retract':
        this.counts.retracts++;
        break;
      default: // other events are none of this judge's business
    }
  }

  /** After a cut, data of blocks that came later must find the gap announced. */
  #afterCut(event) {
    const reached = this.cuts.filter((cut) => event.block > cut.block);
    if (reached.some((cut) => !cut.announced)) {
      this.differ(
        `${event.t} of block ${event.block} after the connection was cut at block ` +
          `${reached[0].block}, and no gap was announced`,
      );
    }
    this.cuts = this.cuts.filter((cut) => event.block <= cut.block);
  }

  #sequence(event) {
    if (event.seq === undefined) {
      return;
    }
    const key = `${event.src} ${event.t.split('.')[0]} ${event.stream ?? ''}`;
    const last = this.sequence.get(key);
    if (last && (event.epoch ?? 0) === last.epoch && event.seq <= last.seq) {
      this.differ(`${key}: sequence number ${event.seq} after ${last.seq}`);
    }
    this.sequence.set(key, { epoch: event.epoch ?? 0, seq: event.seq });
  }

  #log(event) {
    this.#afterCut(event);
    const count = this.liveBlocks.get(event.block) ?? 0;
    if (event.removed) {
      if (count > 1) {
        this.liveBlocks.set(event.block, count - 1);
      } else {
        this.liveBlocks.delete(event.block);
      }
    } else {
      if (this.#newestLive() > event.block) {
        this.counts.late++;
        if (this.openGaps.size === 0) {
          this.differ(
            `log of block ${event.block} came after one of block ${this.#newestLive()}, ` +
              'and no gap was announced',
          );
        }
      }
      this.liveBlocks.set(event.block, count + 1);
    }
    this.logs.take(event);
  }

  #newestLive() {
    let newest = -1;
    for (const height of this.liveBlocks.keys()) {
      newest = Math.max(newest, height);
    }
    return newest;
  }

  #block(event) {
    const { block: number, block_hash: hash } = event;
    this.#afterCut(event);
    const branch = this.heads.get(event.src) ?? [];
    this.heads.set(event.src, branch);
    if (event.removed) {
      if (branch.at(-1)?.hash !== hash) {
        this.differ(
          `block ${number} ${hash} removed, the newest told was ${branch.at(-1)?.number}`,
        );
      }
      branch.pop();
      return;
    }
    this.counts.blocks++;
    const last = branch.at(-1);
    if (last && number !== last.number + 1 && this.openGaps.size === 0) {
      this.differ(`block ${number} after block ${last.number}, and no gap was announced`);
    }
    if (
      last &&
      event.parent_hash &&
      number === last.number + 1 &&
      event.parent_hash !== last.hash
    ) {
      this.differ(`block ${number} does not follow the block ${last.number} told before`);
    }
    branch.push({ number, hash });
  }

  /** The newest block told by any source, for waiting. */
  headHash() {
    for (const branch of this.heads.values()) {
      if (branch.length > 0) {
        return branch.at(-1).hash;
      }
    }
    return null;
  }

  /** Everything was told: compare. `trades` off for a subject that decodes nothing. */
  finish(ledger, { trades = true, states = true } = {}) {
    const result = { logsExpected: ledger.logs.size, swapsExpected: ledger.swaps.size };
    result.logsRight = this.logs.settle(ledger.logs, ledger, (event, log) =>
      compareLog(event, log),
    );
    if (trades) {
      result.swapsRight = this.trades.settle(ledger.swaps, ledger, (event, swap) =>
        compareFields(event, swap, this.swapFields),
      );
    }
    if (states) {
      result.poolsRight = this.#settleStates(ledger);
      result.poolsExpected = ledger.states.size;
    }
    for (const [key, gap] of this.openGaps) {
      this.differ(`gap of ${key} was never healed: ${JSON.stringify(gap)}`);
    }
    for (const event of [...this.logs.live.values(), ...this.trades.live.values()]) {
      if (!ledger.everCanonical.has(event.block_hash) && event.block >= ledger.from) {
        this.differ(`block ${event.block_hash} was never canonical`);
      }
    }
    return {
      ...result,
      ...this.counts,
      logsRemoved: this.logs.removes,
      tradesRemoved: this.trades.removes,
      lines: this.line,
      differences: this.differenceCount,
    };
  }

  #settleStates(ledger) {
    let right = 0;
    for (const [pool, truth] of ledger.states) {
      const told = this.states.get(pool);
      const wrong = told ? compareFields(told, truth, this.stateFields) : 'was never told';
      if (wrong) {
        this.differ(`state of pool ${pool} ${wrong}`);
      } else {
        right++;
      }
    }
    return right;
  }
}

const gapKey = (event) => `${event.src} ${event.stream ?? ''}`.trim();

function compareFields(event, truth, fields) {
  for (const field of fields) {
    if (!same(event[field], truth[field])) {
      return `says ${field} ${event[field]}, the node says ${truth[field]}`;
    }
  }
  return null;
}

function compareLog(event, log) {
  const truth = {
    block: Number(log.blockNumber),
    tx: log.transactionHash,
    address: log.address,
    data: log.data,
    topics: log.topics.join(),
  };
  return compareFields({ ...event, topics: event.topics.join() }, truth, Object.keys(truth));
}
