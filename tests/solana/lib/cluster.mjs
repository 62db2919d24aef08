// A stand-in for a Solana cluster on loopback: no runtime, only slots that fork, transfers that land
// in them, and the questions and subscriptions that the plugin uses. Surfpool, the real runtime of
// the other trial, cannot fork. Answers have the form of Agave's: integers above 2^63 included, and
// on a fork the older content of an account is pushed again under a newer slot.
// Owns: two listeners. Must never: answer what a cluster at that slot could not know.
import { once } from 'node:events';
import http from 'node:http';
import { WebSocketServer } from 'ws';
import bs58 from 'bs58';

export const CONFIRMED_DEPTH = 5; // deeper than any fork
const FINAL_DEPTH = 32;
const SYSTEM = '11111111111111111111111111111111';

/** JSON with integers of any size: "@@N" stands for N. */
const text = (value) => JSON.stringify(value).replace(/"@@(\d+)"/g, '$1');

export class Cluster {
  constructor(keys, random) {
    this.keys = keys;
    this.random = random;
    this.slots = new Map();
    this.head = 1000;
    this.newest = 1000;
    this.slots.set(1000, { slot: 1000, parent: 999, transfers: [] });
    this.again = []; // transfers of abandoned slots that will land once more
    this.clients = new Map();
    this.nextId = 0;
    this.counts = { slots: 0, forks: 0, minor: 0, abandoned: 0, again: 0, transfers: 0, questions: 0 };
    this.up = true;
    this.rewound = new Set(); // keys whose older content is pushed again with the next slot
  }

  async start() {
    this.http = http.createServer((request, response) => this.#ask(request, response));
    this.http.listen(0, '127.0.0.1');
    await once(this.http, 'listening');
    this.sockets = new WebSocketServer({ host: '127.0.0.1', port: 0, maxPayload: 4096, perMessageDeflate: false });
    await once(this.sockets, 'listening');
    this.sockets.on('connection', (client) => this.#join(client));
    this.rpc = `http://127.0.0.1:${this.http.address().port}`;
    this.ws = `ws://127.0.0.1:${this.sockets.address().port}`;
  }

  stop() {
    this.kill();
    this.sockets.close();
    this.http.closeAllConnections();
    this.http.close();
  }

  kill() {
    for (const client of this.clients.keys()) client.terminate();
    this.clients.clear();
  }

  // ---- the chain ----

  /** Slots of the head's branch, newest first. */
  * branch(from = this.head) {
    for (let node = this.slots.get(from); node; node = this.slots.get(node.parent)) yield node;
  }

  at(commitment) {
    const depth = { processed: 0, confirmed: CONFIRMED_DEPTH, finalized: FINAL_DEPTH }[commitment];
    let n = 0;
    for (const node of this.branch()) {
      if (n++ === depth) return node.slot;
    }
    return 1000;
  }

  lamports(key, slot) {
    let sum = 0n;
    for (const node of this.branch(slot)) {
      for (const one of node.transfers) if (one.key === key) sum += one.lamports;
    }
    return sum;
  }

  /** One slot with some transfers; `parent` other than the head is a fork. */
  tick(transfers, parent = this.head) {
    const forked = parent !== this.head;
    const lost = [];
    if (forked) {
      for (const node of this.branch()) {
        if (node.slot <= parent) break;
        lost.push(...node.transfers);
        this.counts.abandoned++;
      }
      this.counts.forks++;
      this.again.push(...lost.filter(() => this.random.below(2) === 0));
    }
    this.newest += this.random.below(8) === 0 ? 2 : 1; // skipped slots are normal
    const node = { slot: this.newest, parent, transfers: [] };
    this.slots.set(node.slot, node);
    this.head = node.slot;
    this.counts.slots++;
    if (!forked) {
      const once_more = this.again.splice(0, this.random.below(3));
      this.counts.again += once_more.length;
      node.transfers.push(...once_more);
    }
    for (let i = 0; i < transfers; i++) {
      node.transfers.push({ signature: this.#signature(), key: this.keys[this.random.below(this.keys.length)], lamports: BigInt(1 + this.random.below(1e6)) });
      this.counts.transfers++;
    }
    this.#push(node, new Set([...this.rewound, ...lost.map((one) => one.key)]));
    this.rewound.clear();
  }

  fork(depth) {
    const nodes = [];
    for (const node of this.branch()) {
      nodes.push(node.slot);
      if (nodes.length > depth) break;
    }
    this.tick(0, nodes[depth]);
  }

  /** A slot of a minority, which nobody builds on: pushed like any other, then forgotten. */
  minor(depth) {
    const major = this.head;
    let parent = major;
    for (let i = 0; i < depth; i++) parent = this.slots.get(parent).parent;
    this.newest++;
    const node = { slot: this.newest, parent, transfers: [] };
    node.transfers.push({ signature: this.#signature(), key: this.keys[0], lamports: 7n });
    this.slots.set(node.slot, node);
    this.head = node.slot;
    this.#push(node, new Set());
    this.head = major;
    this.rewound.add(this.keys[0]);
    this.counts.minor++;
  }

  #signature() {
    return bs58.encode(Buffer.from(Array.from({ length: 64 }, () => this.random.below(256))));
  }

  account(key, slot) {
    const lamports = this.lamports(key, slot);
    if (lamports === 0n) return null;
    // a base above 2^63: exact integers or nothing
    return { lamports: `@@${9_300_000_000_000_000_000n + lamports}`, owner: SYSTEM, data: ['AQID', 'base64'], executable: false, rentEpoch: '@@18446744073709551615', space: 3 };
  }

  // ---- pushing ----

  #send(client, value) {
    if (client.readyState === 1) client.send(text(value));
  }

  #push(node, rewound) {
    const root = this.at('finalized');
    for (const [client, subs] of this.clients) {
      const note = (id, method, result) => this.#send(client, { jsonrpc: '2.0', method: `${method}Notification`, params: { result, subscription: id } });
      const late = this.random.below(3) === 0; // the slot may come behind what happened in it
      const slots = () => {
        for (const [id, sub] of subs) {
          // the root of a slot is older than the one that is pushed by itself
          if (sub.kind === 'slot') note(id, 'slot', { parent: node.parent, root: Math.max(1000, root - 10), slot: node.slot });
          if (sub.kind === 'root') note(id, 'root', root);
        }
      };
      if (!late) slots();
      for (const [id, sub] of subs) {
        const touched = node.transfers.filter((one) => one.key === sub.key);
        if (sub.kind === 'account' && (touched.length > 0 || rewound.has(sub.key))) {
          const none = { lamports: 0, owner: SYSTEM, data: ['', 'base64'], executable: false, rentEpoch: 0, space: 0 };
          note(id, 'account', { context: { slot: node.slot }, value: this.account(sub.key, node.slot) ?? none });
        }
        if (sub.kind === 'logs') for (const one of touched) note(id, 'logs', { context: { slot: node.slot }, value: { signature: one.signature, err: null, logs: ['Program log: "é"', 'Program success'] } });
      }
      if (late) slots();
    }
  }

  #join(client) {
    if (!this.up) {
      client.terminate();
      return;
    }
    const subs = new Map();
    this.clients.set(client, subs);
    client.on('close', () => this.clients.delete(client)).on('error', () => {});
    client.on('message', (data) => {
      const { id, method, params } = JSON.parse(data);
      const kind = /^(slot|root|account|logs)Subscribe$/.exec(method)?.[1];
      if (kind) {
        const sub = this.nextId++;
        subs.set(sub, { kind, key: kind === 'logs' ? params[0].mentions[0] : params[0] });
        this.#send(client, { jsonrpc: '2.0', result: sub, id });
      } else if (method.endsWith('Unsubscribe')) {
        this.#send(client, { jsonrpc: '2.0', result: subs.delete(params[0]), id });
      } else {
        this.#send(client, { jsonrpc: '2.0', error: { code: -32601, message: 'Method not found' }, id });
      }
    });
  }

  // ---- questions ----

  #ask(request, response) {
    const parts = [];
    request.on('data', (part) => parts.push(part));
    request.on('end', () => {
      const { id, method, params } = JSON.parse(Buffer.concat(parts));
      this.counts.questions++;
      response.setHeader('content-type', 'application/json');
      let answer;
      try {
        answer = { jsonrpc: '2.0', result: this[`q_${method}`](...params), id };
      } catch (error) {
        answer = { jsonrpc: '2.0', error: { code: error.code ?? -32601, message: error.message }, id };
      }
      response.end(text(answer));
    });
  }

  #context(options, value) {
    const slot = this.at(options.commitment);
    if (slot < (options.minContextSlot ?? 0)) throw Object.assign(new Error('Minimum context slot has not been reached'), { code: -32016 });
    return { context: { slot, apiVersion: 'double' }, value: value(slot) };
  }

  q_getSlot(options) {
    return this.at(options.commitment);
  }

  q_getMultipleAccounts(keys, options) {
    return this.#context(options, (slot) => keys.map((key) => this.account(key, slot)));
  }

  q_getBlocks(from, to, options) {
    return [...this.branch(this.at(options.commitment))].map((node) => node.slot).filter((slot) => slot >= from && slot <= to).reverse();
  }

  q_getSignaturesForAddress(key, { commitment, limit, before }) {
    const list = [];
    for (const node of this.branch(this.at(commitment))) {
      for (const one of [...node.transfers].reverse()) {
        if (one.key === key) list.push({ signature: one.signature, slot: node.slot, err: null, memo: null, confirmationStatus: 'confirmed' });
      }
    }
    const at = before ? list.findIndex((one) => one.signature === before) + 1 : 0;
    return list.slice(at, at + limit);
  }

  q_getTransaction(signature, { commitment }) {
    for (const node of this.branch(this.at(commitment))) {
      if (node.transfers.some((one) => one.signature === signature)) {
        return { slot: node.slot, meta: { err: null, logMessages: ['Program log: "é"', 'Program success'] }, transaction: ['', 'base64'] };
      }
    }
    return null;
  }
}
