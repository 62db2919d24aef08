// A plain client that does by the book what hawse must do: subscribes, reconnects, asks for what
// it missed, honours removals, and writes a tape in the same words. It proves the rig, and is
// what hawse is measured against.
// Owns: one socket. Must never: be fast, or notice a loss that no disconnection announced.
import { EventEmitter } from 'node:events';
import WebSocket from 'ws';
import { decodeEventLog } from 'viem';
import { ABI, TOPICS } from './algebra.mjs';
import { hex, sleep } from './anvil.mjs';
import { decodeSwap, logKey } from './ledger.mjs';

const LOOK_BACK = 96; // blocks that a reorganisation may have replaced meanwhile
const RECONNECT_MS = 40;

export class PlainClient extends EventEmitter {
  constructor({ wsUrl, addresses, states, silenceMs = 1500 }) {
    super();
    this.wsUrl = wsUrl;
    this.addresses = addresses;
    this.states = states; // pool -> state before the first block
    this.silenceMs = silenceMs;
    this.live = new Map(); // key -> log
    this.branch = []; // heads as told: { number, hash }
    this.gapped = false;
    this.ended = false;
    this.reconnects = -1;
    this.seq = 0;
    this.epoch = 0;
  }

  #say(t, fields) {
    this.emit('event', { t, src: 'plain', seq: ++this.seq, epoch: this.epoch, ...fields });
  }

  /** Runs until `stop`; resolves once the first connection is subscribed. */
  async start() {
    const first = new Promise((resolve) => {
      this.once('subscribed', resolve);
    });
    this.running = this.#run();
    await first;
  }

  async #run() {
    while (!this.ended) {
      await this.#session().catch(() => {});
      if (!this.gapped && !this.ended && this.branch.length > 0) {
        this.gapped = true;
        this.epoch++;
        this.#say('stream.gap', { from: this.branch.at(-1).number + 1 });
      }
      await sleep(RECONNECT_MS);
    }
  }

  #session() {
    return new Promise((resolve, reject) => {
      const socket = new WebSocket(this.wsUrl, {
        perMessageDeflate: false,
        handshakeTimeout: this.silenceMs,
      });
      this.socket = socket;
      const asked = new Map();
      let id = 0;
      const ask = (method, ...params) =>
        new Promise((done) => {
          asked.set(++id, done);
          socket.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }));
        });
      let buffer = [];
      let watchdog = null;
      const pings = setInterval(
        () => socket.readyState === WebSocket.OPEN && socket.ping(),
        this.silenceMs / 3,
      );
      const alive = () => {
        clearTimeout(watchdog);
        watchdog = setTimeout(() => socket.terminate(), this.silenceMs);
      };
      socket.on('pong', alive); // a quiet chain is not a dead connection
      socket.on('message', (data) => {
        alive();
        const message = JSON.parse(data);
        if (message.method !== 'eth_subscription') {
          asked.get(message.id)?.(message.result);
        } else if (buffer) {
          buffer.push(message.params.result);
        } else {
          this.#notification(message.params.result);
        }
      });
      socket.on('open', async () => {
        alive();
        await ask('eth_subscribe', 'newHeads');
        await ask('eth_subscribe', 'logs', { address: this.addresses });
        await this.#backfill(ask);
        buffer.forEach((one) => this.#notification(one));
        buffer = null;
        if (this.gapped) {
          this.gapped = false;
          this.#say('stream.healed', {});
        }
        this.reconnects++;
        this.emit('subscribed');
      });
      socket.on('error', reject);
      socket.on('close', () => {
        clearTimeout(watchdog);
        clearInterval(pings);
        resolve();
      });
    });
  }

  /**
   * What the chain says now about the blocks that may have changed since the connection was lost.
   */
  async #backfill(ask) {
    if (this.branch.length === 0) {
      return;
    }
    const oldest = this.branch[0].number;
    const from = Math.max(oldest, this.branch.at(-1).number - LOOK_BACK);
    const { heads, logs } = await this.#consistent(ask, from);
    const now = new Set(logs.map((log) => logKey(log.blockHash, log.logIndex)));
    const gone = [...this.live].filter(
      ([key, log]) => Number(log.blockNumber) >= from && !now.has(key),
    );
    gone.reverse().forEach(([, log]) => this.#log({ ...log, removed: true }));
    heads.forEach((head) => this.#head(head));
    logs.forEach((log) => this.#log(log));
  }

  /** Blocks and logs of one branch: the chain may change between two questions. */
  async #consistent(ask, from) {
    for (;;) {
      const top = Number(await ask('eth_blockNumber'));
      const heads = [];
      for (let number = from; number <= top; number++) {
        heads.push(await ask('eth_getBlockByNumber', hex(number), false));
      }
      const logs = await ask('eth_getLogs', {
        address: this.addresses,
        fromBlock: hex(from),
        toBlock: hex(top),
      });
      const hashes = new Set(heads.map((head) => head?.hash));
      const whole =
        heads.every((head, i) => head && (i === 0 || head.parentHash === heads[i - 1].hash)) &&
        logs.every((log) => hashes.has(log.blockHash));
      if (whole) {
        return { heads, logs };
      }
      await sleep(20);
    }
  }

  #notification(result) {
    if (result.topics) {
      this.#log(result);
    } else {
      this.#head(result);
    }
  }

  #head(head) {
    const number = Number(head.number);
    if (this.branch.some((one) => one.hash === head.hash)) {
      return;
    }
    const below = this.branch.find((one) => one.number === number - 1);
    if (below && below.hash !== head.parentHash) {
      return; // of a branch left since: a reorganisation is told from its lowest block upward
    }
    const dropped = this.branch.filter((one) => one.number >= number);
    if (dropped.length > 0) {
      this.#say('evm.reorg', { depth: dropped.length, from: number, to: dropped.at(-1).number });
      dropped
        .reverse()
        .forEach((one) =>
          this.#say('evm.block', { block: one.number, block_hash: one.hash, removed: true }),
        );
      this.branch = this.branch.filter((one) => one.number < number);
    }
    this.branch.push({ number, hash: head.hash });
    this.#say('evm.block', {
      block: number,
      block_hash: head.hash,
      parent_hash: head.parentHash,
      removed: false,
    });
  }

  #log(log) {
    const key = logKey(log.blockHash, log.logIndex);
    if (this.live.has(key) !== Boolean(log.removed)) {
      return; // known already, or never delivered
    }
    if (log.removed) {
      this.live.delete(key);
    } else {
      this.live.set(key, log);
    }
    const removed = Boolean(log.removed);
    this.#say('evm.log', {
      block: Number(log.blockNumber),
      block_hash: log.blockHash,
      tx: log.transactionHash,
      log_index: Number(log.logIndex),
      address: log.address,
      topics: log.topics,
      data: log.data,
      removed,
    });
    if (log.topics[0] === TOPICS.swap) {
      this.#say('market.trade', { ...decodeSwap(log), removed });
    }
  }

  /** Pools folded from the logs that are live: said once, at the end. */
  sayStates() {
    const ordered = [...this.live.values()].sort(
      (a, b) =>
        Number(a.blockNumber) - Number(b.blockNumber) || Number(a.logIndex) - Number(b.logIndex),
    );
    const states = new Map([...this.states].map(([pool, state]) => [pool, { ...state }]));
    for (const log of ordered) {
      fold(states.get(log.address.toLowerCase()), log);
    }
    for (const [pool, state] of states) {
      this.#say('market.pool_state', { pool, ...state });
    }
  }

  async stop() {
    this.ended = true;
    this.socket?.terminate();
    await this.running;
  }
}

const KNOWN = new Set([TOPICS.swap, TOPICS.mint, TOPICS.burn, TOPICS.fee]);

function fold(state, log) {
  if (!KNOWN.has(log.topics[0])) {
    return;
  }
  const { eventName, args } = decodeEventLog({ abi: ABI.pool, data: log.data, topics: log.topics });
  if (eventName === 'Swap') {
    Object.assign(state, {
      sqrt_price: String(args.price),
      tick: args.tick,
      liquidity: String(args.liquidity),
    });
  } else if (eventName === 'Fee') {
    state.fee = args.fee;
  } else if (args.bottomTick <= state.tick && state.tick < args.topTick) {
    const delta = eventName === 'Mint' ? args.liquidityAmount : -args.liquidityAmount;
    state.liquidity = String(BigInt(state.liquidity) + delta);
  }
}
