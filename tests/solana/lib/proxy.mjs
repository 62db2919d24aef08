// Stands between the plugin and a node, over HTTP and WebSocket, and makes trouble on command:
// closes, freezes, doubles, swaps and drops notifications, lets one subscription fall silent, holds
// replies back until notifications came before them, refuses questions.
// Owns: its connections. Must never: invent a notification.
//
// One correction: Surfpool states the slot of its start in every account notification; here it is
// the newest slot that the same connection was told, as on a cluster.
import { once } from 'node:events';
import http from 'node:http';
import WebSocket, { WebSocketServer } from 'ws';

const REFUSALS = [
  [429, '{"jsonrpc":"2.0","id":null,"error":{"code":-32005,"message":"too many requests"}}'],
  [502, '<html>bad gateway</html>'],
  [200, '{"jsonrpc":"2.0",'],
];

export class Proxy {
  constructor(node, random) {
    this.node = node;
    this.random = random;
    this.clients = new Set();
    /** In a hundred, of notifications; `refuse` of questions. `early`: replies wait so long, ms. */
    this.chance = { twice: 0, swap: 0, drop: 0, refuse: 0 };
    this.early = 0;
    /** Replies and answers of what begins now wait so long, ms: a node that is just starting. */
    this.slow = 0;
    this.counts = { twice: 0, swap: 0, drop: 0, refuse: 0, killed: 0, frozen: 0, halfOpen: 0, slowed: 0, silenced: 0, largest: 0 };
  }

  async start() {
    this.http = http.createServer((request, response) => this.#ask(request, response));
    this.http.listen(0, '127.0.0.1');
    await once(this.http, 'listening');
    this.sockets = new WebSocketServer({ host: '127.0.0.1', port: 0, maxPayload: 4096, perMessageDeflate: false });
    await once(this.sockets, 'listening');
    this.sockets.on('connection', (client) => this.#join(client));
    this.rpcUrl = `http://127.0.0.1:${this.http.address().port}`;
    this.wsUrl = `ws://127.0.0.1:${this.sockets.address().port}`;
  }

  stop() {
    for (const one of this.clients) this.#end(one);
    this.sockets.close();
    this.http.closeAllConnections();
    this.http.close();
  }

  #hit(name) {
    const hit = this.random.below(100) < this.chance[name];
    if (hit) this.counts[name]++;
    return hit;
  }

  #ask(request, response) {
    const parts = [];
    request.on('data', (part) => parts.push(part));
    request.on('end', () => {
      if (Date.now() < (this.deafUntil ?? 0)) return;
      if (this.#hit('refuse')) {
        const [status, body] = REFUSALS[this.random.below(REFUSALS.length)];
        response.writeHead(status, { 'content-type': 'application/json', 'retry-after': '0' });
        response.end(body);
        return;
      }
      setTimeout(() => this.#forward(response, Buffer.concat(parts)), this.slow);
    });
  }

  #forward(response, body) {
    const forward = http.request(this.node.rpc, { method: 'POST', headers: { 'content-type': 'application/json' } }, (answer) => {
      response.writeHead(answer.statusCode, { 'content-type': 'application/json' });
      answer.pipe(response);
    });
    forward.on('error', () => response.destroy());
    forward.end(body);
  }

  #join(client) {
    const one = { client, up: new WebSocket(this.node.ws, { perMessageDeflate: false }), waiting: [], silent: new Set(), ids: new Map(), calls: new Map(), newest: 0, held: null };
    this.clients.add(one);
    if (Date.now() < (this.deafUntil ?? 0)) this.#deafen(one);
    one.up.on('open', () => one.waiting.splice(0).forEach((text) => one.up.send(text)));
    client.on('message', (data) => {
      const text = String(data);
      this.counts.largest = Math.max(this.counts.largest, text.length);
      const question = JSON.parse(text);
      one.calls.set(question.id, question.method);
      if (one.up.readyState === WebSocket.OPEN) one.up.send(text);
      else one.waiting.push(text);
    });
    one.up.on('message', (data) => this.#tell(one, String(data)));
    const end = () => this.#end(one);
    client.on('close', end).on('error', end);
    one.up.on('close', end).on('error', end);
  }

  #end(one) {
    if (!this.clients.delete(one)) return;
    one.client.terminate();
    one.up.terminate();
  }

  #send(one, text) {
    if (one.client.readyState === WebSocket.OPEN && !one.frozen) one.client.send(text);
  }

  #tell(one, text) {
    const message = JSON.parse(text);
    if (!message.method) {
      const method = one.calls.get(message.id);
      if (/^(logs|account|program|slot)Subscribe$/.test(method)) one.ids.set(message.result, method);
      if (this.slow > 0) this.counts.slowed++;
      setTimeout(() => this.#send(one, text), this.early + this.slow);
      return;
    }
    const { result, subscription } = message.params;
    if (message.method === 'slotNotification') one.newest = result.slot;
    if (/^(account|program)/.test(message.method) && one.newest > 0) {
      result.context.slot = one.newest;
      text = JSON.stringify(message);
    }
    if (one.silent.has(subscription) || (one.ids.has(subscription) && one.ids.get(subscription) !== 'slotSubscribe' && this.#hit('drop'))) return;
    if (one.held === null && this.#hit('swap')) {
      one.held = text;
      setTimeout(() => this.#release(one), 100);
      return;
    }
    this.#send(one, text);
    if (this.#hit('twice')) this.#send(one, text);
    this.#release(one);
  }

  #release(one) {
    if (one.held !== null) this.#send(one, one.held);
    one.held = null;
  }

  // ---- troubles ----

  kill() {
    this.counts.killed++;
    for (const one of this.clients) this.#end(one);
  }

  /** Connections that live and say nothing, and answer no ping. */
  freeze() {
    this.counts.frozen++;
    for (const one of this.clients) this.#deafen(one);
  }

  /** The node is gone without a word: nothing is read, answered or closed; what connects anew for so
   * long is accepted and meets the same. */
  halfOpen(ms) {
    this.counts.halfOpen++;
    this.deafUntil = Date.now() + ms;
    for (const one of this.clients) this.#deafen(one);
  }

  #deafen(one) {
    one.frozen = true;
    one.client._socket.pause();
  }

  /** One subscription of logs or accounts falls silent for good: of all, or of one kind. */
  silence(method = '') {
    for (const one of this.clients) {
      const ids = [...one.ids].filter(([id, by]) => !one.silent.has(id) && (method ? by === method : by !== 'slotSubscribe')).map(([id]) => id);
      if (ids.length === 0) continue;
      one.silent.add(ids[this.random.below(ids.length)]);
      this.counts.silenced++;
    }
  }
}
