// A node whose chain grows while it is watched, for the suites that lose things on purpose: WebSocket and JSON-RPC on
// one port, a ledger that answers for every block and log there is. A fake, because a real node can be told neither to
// fall silent nor to forget a subscription; tests/e2e holds the same promises against anvil.
import http from 'node:http';
import { createRequire } from 'node:module';
import { addUp, head, HEADS_ID, log, LOGS_ID, note } from './frames.mjs';
import { answer, takeRequests } from './rpc.mjs';
const { WebSocketServer } = createRequire(new URL('../../e2e/package.json', import.meta.url))('ws');

const BLOCK_MS = 100, FIRST = 2; // block 1 is there from the start
const hex = (n) => '0x' + n.toString(16);
const now = () => Number(process.hrtime.bigint());

export class LiveNode {
  /** `events` logs, `rate` a second. */
  constructor({ events, rate }) {
    this.perBlock = rate * BLOCK_MS / 1000;
    this.blocks = events / this.perBlock;
    this.rate = rate;
    this.events = events;
    this.newest = 1;
    this.byHash = new Map([[head(1).hash, 1]]);
    this.headers = new Map();
    this.muted = { heads: new Set(), logs: new Set() }; // sockets that get no more of these
    this.ledger = {
      eth_chainId: () => '0x64',
      net_version: () => '100',
      eth_blockNumber: () => hex(this.newest),
      eth_getBlockByNumber: (tag) => this.#header(this.#number(tag)),
      eth_getBlockByHash: (hash) => this.#header(this.byHash.get(hash)),
      eth_getLogs: (filter) => this.#logs(filter),
    };
  }

  /** The sum over all logs, as every receiver must come to. */
  expected() {
    let sum = 0;
    for (let n = FIRST; n < FIRST + this.blocks; n++)
      for (let i = 0; i < this.perBlock; i++) sum = addUp(sum, log(n, i).transactionHash);
    return { logs: this.events, sum };
  }

  #number(tag) {
    return tag === 'latest' || tag === 'pending' ? this.newest : tag === 'finalized' || tag === 'safe' ? 1
      : tag === 'earliest' ? 1 : Number(tag);
  }

  #header(n) {
    if (n === undefined || n > this.newest || n < 1) return null;
    if (!this.headers.has(n)) this.headers.set(n, head(n, { bloom: n === 1 ? '00' : 'ff' }));
    return this.headers.get(n);
  }

  #logs({ blockHash, fromBlock, toBlock }) {
    const from = blockHash ? this.byHash.get(blockHash) : this.#number(fromBlock ?? 'latest');
    const to = blockHash ? from : this.#number(toBlock ?? 'latest');
    const list = [];
    for (let n = Math.max(from ?? 1e9, FIRST); n <= Math.min(to, this.newest) && n < FIRST + this.blocks; n++)
      for (let i = 0; i < this.perBlock; i++) list.push(log(n, i));
    return list;
  }

  async open() {
    this.server = http.createServer(takeRequests(this.ledger));
    this.sockets = new WebSocketServer({ server: this.server });
    this.sockets.on('connection', (socket) => {
      socket.subscribed = new Set();
      socket.on('error', () => {});
      socket.on('message', (data) => socket.send(JSON.stringify(this.#reply(socket, JSON.parse(data)))));
    });
    await new Promise((ok) => this.server.listen(0, '127.0.0.1', ok));
    this.port = this.server.address().port;
  }

  #reply(socket, request) {
    if (request.method !== 'eth_subscribe') return answer(this.ledger, request);
    const what = request.params[0] === 'logs' ? 'logs' : 'heads';
    socket.subscribed.add(what);
    this.muted[what].delete(socket);
    return { jsonrpc: '2.0', id: request.id, result: what === 'logs' ? LOGS_ID : HEADS_ID };
  }

  /** How many connections have asked for both. */
  joined() {
    return [...this.sockets.clients].filter((s) => s.subscribed.size === 2).length;
  }

  #push(what, text) {
    for (const socket of this.sockets.clients)
      if (socket.subscribed?.has(what) && !this.muted[what].has(socket)) socket.send(text);
  }

  /** Makes all blocks and logs in their time; `at` maps numbers of events to what happens then. */
  async grow(at) {
    const begin = now();
    let block = FIRST - 1, next = 0;
    const step = () => {
      const due = Math.min(this.events, Math.floor((now() - begin) / 1e9 * this.rate));
      for (; next < due; next++) {
        const n = FIRST + Math.floor(next / this.perBlock);
        if (n !== block) {
          this.newest = block = n;
          this.byHash.set(this.#header(n).hash, n);
          this.#push('heads', note(HEADS_ID, this.#header(n)));
        }
        at[next]?.(this);
        this.#push('logs', note(LOGS_ID, log(n, next % this.perBlock)));
      }
    };
    while (next < this.events) {
      await new Promise((ok) => setTimeout(ok, 1));
      step();
    }
    this.newest = block = FIRST + this.blocks; // a last, empty block: what is missing of the one before can be noticed
    this.byHash.set(this.#header(block).hash, block);
    this.#push('heads', note(HEADS_ID, this.#header(block)));
  }

  /** Ends every connection without a word. */
  kill() {
    for (const socket of this.sockets.clients) socket.terminate();
  }

  /** From here on nothing of these comes on the connections that are there; they stay open and answer pings. */
  mute(...what) {
    this.mutedAt = now();
    for (const kind of what) for (const socket of this.sockets.clients) this.muted[kind].add(socket);
  }

  close() {
    this.kill();
    this.server.closeAllConnections?.();
    this.server.close();
  }
}
