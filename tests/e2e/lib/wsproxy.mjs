// Stands between clients and the node, over HTTP and WebSocket, and understands subscriptions.
// Two manners. Plain: every frame passes, and notifications can be dropped, doubled or swapped.
// Faithful: the proxy serves newHeads and logs itself from what the node says, and on a
// reorganisation sends the logs of the blocks that left the chain again with "removed": true,
// newest first, as production nodes do and anvil does not.
// Owns: its connections and an observer of the chain. Must never: invent a log or a block.
import http from 'node:http';
import { once } from 'node:events';
import WebSocket, { WebSocketServer } from 'ws';
import { Rpc, sleep } from './anvil.mjs';

const REMEMBERED_BLOCKS = 512;
const HELD_LIMIT_MS = 50;

/** What a provider under load answers instead of a result: status and body. */
const REFUSALS = [
  [429, '{"jsonrpc":"2.0","id":null,"error":{"code":-32005,"message":"too many requests"}}'],
  [502, '<html>bad gateway</html>'],
  [200, '{"jsonrpc":"2.0","id":null,"error":{"code":-32000,"message":"header not found"}}'],
  [200, '{"jsonrpc":"2.0",'],
];

function matches(filter, log) {
  const address = filter.address;
  if (address !== undefined && address !== null) {
    const wanted = (Array.isArray(address) ? address : [address]).map((one) => one.toLowerCase());
    if (wanted.length > 0 && !wanted.includes(log.address.toLowerCase())) {
      return false;
    }
  }
  return (filter.topics ?? []).every((topic, i) => {
    if (topic === null || (Array.isArray(topic) && topic.length === 0)) {
      return true;
    }
    const wanted = Array.isArray(topic) ? topic : [topic];
    return i < log.topics.length && wanted.some((one) => one.toLowerCase() === log.topics[i]);
  });
}

/** A production node announces the header alone. */
function headerOf({ transactions, uncles, withdrawals, size, totalDifficulty, ...header }) {
  return header;
}

/**
 * Follows the node's heads, one at a time, and tells what a production node would tell its
 * subscribers.
 */
class Observer {
  constructor(rpc, wsUrl, tell) {
    this.rpc = rpc;
    this.tell = tell;
    this.chain = []; // { number, hash, head, logs }, oldest first
    this.tail = Promise.resolve();
    this.socket = new WebSocket(wsUrl, { perMessageDeflate: false });
    this.socket.on('message', (data) => {
      const message = JSON.parse(data);
      if (message.method === 'eth_subscription') {
        this.tail = this.tail.then(() => this.#head(message.params.result)).catch(() => {});
      }
    });
  }

  async start() {
    await once(this.socket, 'open');
    this.socket.send(
      JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'eth_subscribe', params: ['newHeads'] }),
    );
    await once(this.socket, 'message');
  }

  /**
   * Blocks from the one after a remembered ancestor up to `head`; null if `head` itself is gone
   * again.
   */
  async #branch(head) {
    const known = new Set(this.chain.map((block) => block.hash));
    const branch = [];
    for (let next = head; ; ) {
      const logs = await this.rpc.call('eth_getLogs', { blockHash: next.hash }).catch(() => null);
      if (logs === null) {
        return null;
      }
      branch.unshift({ number: Number(next.number), hash: next.hash, head: next, logs });
      if (
        known.has(next.parentHash) ||
        this.chain.length === 0 ||
        branch.length > REMEMBERED_BLOCKS
      ) {
        return branch;
      }
      const parent = await this.rpc.call('eth_getBlockByHash', next.parentHash, false);
      if (parent === null) {
        return null;
      }
      next = parent;
    }
  }

  async #head(head) {
    if (this.chain.some((block) => block.hash === head.hash)) {
      return;
    }
    const branch = await this.#branch(head);
    if (branch === null) {
      return;
    }
    const ancestor = branch[0].head.parentHash;
    const removed = [];
    while (this.chain.length > 0 && this.chain.at(-1).hash !== ancestor) {
      removed.push(this.chain.pop());
    }
    for (const block of removed) {
      for (const log of [...block.logs].reverse()) {
        this.tell('logs', { ...log, removed: true });
      }
    }
    for (const block of branch) {
      this.chain.push(block);
      this.tell('newHeads', headerOf(block.head));
      for (const log of block.logs) {
        this.tell('logs', log);
      }
    }
    this.chain.splice(0, Math.max(0, this.chain.length - REMEMBERED_BLOCKS));
  }

  stop() {
    this.socket.terminate();
  }
}

/** One client, its own connection to the node, and its subscriptions by id. */
class Session {
  constructor(proxy, client) {
    this.proxy = proxy;
    this.client = client;
    this.subscriptions = new Map(); // id -> { kind, filter }
    this.asked = new Map(); // request id -> kind, in the plain manner
    this.held = null; // { text, block }: a notification waiting to be overtaken
    this.heldTimer = null;
    this.early = [];
    this.node = new WebSocket(proxy.nodeWsUrl, { perMessageDeflate: false });
    this.node.on('open', () => this.early.splice(0).forEach((text) => this.node.send(text)));
    this.node.on('message', (data) => this.#fromNode(String(data)));
    client.on('message', (data) => this.#fromClient(String(data)));
    client.on('close', () => {
      proxy.sessions.delete(this);
      this.node.terminate();
    });
    this.node.on('close', () => client.terminate());
    client.on('error', () => client.terminate());
    this.node.on('error', () => client.terminate());
  }

  #forward(text) {
    if (this.node.readyState === WebSocket.OPEN) {
      this.node.send(text);
    } else {
      this.early.push(text);
    }
  }

  #answer(id, result) {
    this.client.send(JSON.stringify({ jsonrpc: '2.0', id, result }));
  }

  #fromClient(text) {
    let message = null;
    try {
      message = JSON.parse(text);
    } catch {
      // the node says what it thinks of it
    }
    const [kind, filter] = message?.method === 'eth_subscribe' ? (message.params ?? []) : [];
    if (kind !== 'newHeads' && kind !== 'logs') {
      if (
        message?.method === 'eth_unsubscribe' &&
        this.subscriptions.delete(message.params?.[0]) &&
        this.proxy.faithful
      ) {
        this.#answer(message.id, true);
        return;
      }
      this.#forward(text);
      return;
    }
    this.proxy.counts.subscriptions++;
    if (!this.proxy.faithful) {
      this.asked.set(message.id, { kind, filter: filter ?? {} });
      this.#forward(text);
      return;
    }
    const id = `0x${(++this.proxy.lastId).toString(16).padStart(32, '0')}`;
    this.subscriptions.set(id, { kind, filter: filter ?? {} });
    this.#answer(message.id, id);
  }

  #fromNode(text) {
    const message = JSON.parse(text);
    if (message.method !== 'eth_subscription') {
      const asked = this.asked.get(message.id);
      if (asked && typeof message.result === 'string') {
        this.subscriptions.set(message.result, asked);
        this.asked.delete(message.id);
      }
      this.client.send(text);
      return;
    }
    const kind = this.subscriptions.get(message.params.subscription)?.kind ?? 'other';
    this.#notify(kind, message.params.subscription, message.params.result, text);
  }

  /** The faithful manner: the observer's word to every subscription that it concerns. */
  tell(kind, result) {
    for (const [id, subscription] of this.subscriptions) {
      if (subscription.kind === kind && (kind !== 'logs' || matches(subscription.filter, result))) {
        this.#notify(
          kind,
          id,
          result,
          JSON.stringify({
            jsonrpc: '2.0',
            method: 'eth_subscription',
            params: { subscription: id, result },
          }),
        );
      }
    }
  }

  #notify(kind, id, result, text) {
    const block = result.blockHash ?? result.hash;
    if (this.held !== null && this.held.block !== block) {
      this.#release(); // only notifications of one block change places
    }
    const order = this.proxy.takeOrder(kind, id);
    this.proxy.counts.notifications++;
    if (order === 'drop') {
      return;
    }
    if (order === 'swap' && this.held === null) {
      this.held = { text, block };
      this.heldTimer = setTimeout(() => this.#release(), HELD_LIMIT_MS);
      return;
    }
    this.#send(text);
    if (order === 'duplicate') {
      this.#send(text);
    }
    this.#release();
  }

  #release() {
    if (this.held !== null) {
      clearTimeout(this.heldTimer);
      this.#send(this.held.text);
      this.held = null;
    }
  }

  #send(text) {
    if (this.client.readyState === WebSocket.OPEN) {
      this.client.send(text);
    }
  }
}

export class NodeProxy {
  constructor(node, faithful) {
    this.nodePort = node.port;
    this.nodeWsUrl = node.wsUrl;
    this.faithful = faithful;
    this.sessions = new Set();
    this.orders = [];
    this.lastId = 0;
    this.counts = {
      sessions: 0,
      subscriptions: 0,
      notifications: 0,
      dropped: 0,
      duplicated: 0,
      swapped: 0,
      requests: 0,
      refused: 0,
    };
    this.refuseEvery = 0; // of the HTTP requests; 0: none
  }

  /** `faithful` serves subscriptions as a production node would, removed logs included. */
  static async start(node, { faithful = true, port = 0 } = {}) {
    const proxy = new NodeProxy(node, faithful);
    if (faithful) {
      proxy.rpc = new Rpc(node.port);
      proxy.observer = new Observer(proxy.rpc, node.wsUrl, (kind, result) => {
        proxy.sessions.forEach((session) => session.tell(kind, result));
      });
      await proxy.observer.start();
    }
    proxy.server = http.createServer((request, answer) => proxy.#http(request, answer));
    const sockets = new WebSocketServer({ server: proxy.server, perMessageDeflate: false });
    sockets.on('connection', (client) => {
      proxy.counts.sessions++;
      proxy.sessions.add(new Session(proxy, client));
    });
    proxy.server.listen(port, '127.0.0.1');
    await once(proxy.server, 'listening');
    proxy.port = proxy.server.address().port;
    return proxy;
  }

  get url() {
    return `http://127.0.0.1:${this.port}`;
  }

  get wsUrl() {
    return `ws://127.0.0.1:${this.port}`;
  }

  #http(request, answer) {
    this.counts.requests++;
    if (this.refuseEvery > 0 && this.counts.requests % this.refuseEvery === 0) {
      const [status, body] = REFUSALS[this.counts.refused++ % REFUSALS.length];
      request.resume();
      answer.writeHead(status, { 'content-type': 'application/json' }).end(body);
      return;
    }
    const { method, url, headers } = request;
    const onward = http.request(
      { host: '127.0.0.1', port: this.nodePort, method, path: url, headers },
      (reply) => {
        answer.writeHead(reply.statusCode, reply.headers);
        reply.pipe(answer);
      },
    );
    onward.on('error', () => answer.destroy());
    request.on('error', () => onward.destroy());
    request.pipe(onward);
  }

  /** The next `count` notifications of `kind` ('newHeads', 'logs') are lost without a word. */
  drop(kind, count = 1, id = null) {
    this.orders.push({ action: 'drop', kind, count, id });
  }

  duplicate(kind, count = 1, id = null) {
    this.orders.push({ action: 'duplicate', kind, count, id });
  }

  /**
   * Each of the next `count` notifications of `kind` arrives after the one that follows it, if
   * that belongs to the same block: two logs change places, or a head comes after its first log.
   */
  swap(kind, count = 1, id = null) {
    this.orders.push({ action: 'swap', kind, count, id });
  }

  /** The node forgets a whole subscription of that kind without a word. */
  forget(kind) {
    for (const session of this.sessions) {
      const found = [...session.subscriptions].find(([, one]) => one.kind === kind);
      if (found) {
        session.subscriptions.delete(found[0]);
        return;
      }
    }
  }

  takeOrder(kind, id) {
    const order = this.orders.find(
      (one) => one.kind === kind && (one.id === null || one.id === id),
    );
    if (!order) {
      return null;
    }
    if (--order.count === 0) {
      this.orders.splice(this.orders.indexOf(order), 1);
    }
    this.counts[{ drop: 'dropped', duplicate: 'duplicated', swap: 'swapped' }[order.action]]++;
    return order.action;
  }

  /** Waits until the block with `hash` has been told to the subscribers. */
  async told(hash, limitMs = 10_000) {
    const until = Date.now() + limitMs;
    while (this.observer.chain.at(-1)?.hash !== hash) {
      if (Date.now() > until) {
        throw new Error(`the node has not announced block ${hash} within ${limitMs} ms`);
      }
      await sleep(5);
    }
  }

  async stop() {
    this.observer?.stop();
    this.rpc?.close();
    this.sessions.forEach((session) => session.client.terminate());
    this.server.close();
    this.server.closeAllConnections();
  }
}
