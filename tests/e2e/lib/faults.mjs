// A TCP proxy that a trial orders about: it resets, closes, stalls, delays, swallows and refuses.
// Owns: its sockets and counters. Knows nothing of WebSocket (wsproxy.mjs does).
// Must never: reorder or change bytes; a connection that lost bytes never carries another one.
import net from 'node:net';
import { once } from 'node:events';
import { sleep } from './anvil.mjs';

function drained(socket) {
  return new Promise((resolve) => {
    const done = () => {
      socket.off('drain', done);
      socket.off('close', done);
      resolve();
    };
    socket.once('drain', done);
    socket.once('close', done);
  });
}

/** One accepted connection and its way to the target. */
class Link {
  constructor(proxy, client) {
    this.proxy = proxy;
    this.client = client;
    this.dead = proxy.swallowing; // opened while bytes are swallowed: never answers
    this.server = net.connect({ host: '127.0.0.1', port: proxy.target, noDelay: true });
    this.#carry(client, this.server, 'bytesUp');
    this.#carry(this.server, client, 'bytesDown');
    for (const [mine, other] of [
      [client, this.server],
      [this.server, client],
    ]) {
      mine.on('error', () => other.destroy());
      mine.on('close', () => this.#closed(other));
    }
  }

  #closed(other) {
    if (!this.dead || other !== this.client) {
      other.destroy();
    }
    this.proxy.links.delete(this);
  }

  #carry(from, to, counter) {
    let tail = Promise.resolve(); // each piece waits its own time, in order
    from.on('data', (piece) => {
      const due = Date.now() + this.proxy.delayMs;
      from.pause();
      tail = tail.then(async () => {
        const wait = due - Date.now();
        if (wait > 0) {
          await sleep(wait);
        }
        await this.proxy.flowing();
        if (this.dead || to.destroyed) {
          this.proxy.counts.bytesLost += piece.length;
        } else {
          this.proxy.counts[counter] += piece.length;
          if (!to.write(piece)) {
            await drained(to);
          }
        }
        from.resume();
      });
    });
    from.on('end', () => {
      tail = tail.then(() => this.dead || to.end());
    });
  }

  reset() {
    this.client.resetAndDestroy();
    this.server.destroy();
  }

  close() {
    this.client.end();
    this.server.destroy();
  }
}

export class FaultProxy {
  constructor(targetPort) {
    this.target = targetPort;
    this.links = new Set();
    this.delayMs = 0;
    this.swallowing = false;
    this.counts = {
      accepted: 0,
      resets: 0,
      closes: 0,
      stalls: 0,
      swallowed: 0,
      refusals: 0,
      bytesUp: 0,
      bytesDown: 0,
      bytesLost: 0,
    };
    this.gate = null;
    this.server = null;
  }

  static async start(targetPort, port = 0) {
    const proxy = new FaultProxy(targetPort);
    await proxy.#listen(port);
    return proxy;
  }

  async #listen(port) {
    this.server = net.createServer({ noDelay: true }, (client) => {
      this.counts.accepted++;
      this.links.add(new Link(this, client));
    });
    this.server.listen(port, '127.0.0.1');
    await once(this.server, 'listening');
    this.port = this.server.address().port;
  }

  get url() {
    return `http://127.0.0.1:${this.port}`;
  }

  get wsUrl() {
    return `ws://127.0.0.1:${this.port}`;
  }

  /** Resolves at once unless the bytes are stalled. */
  flowing() {
    return this.gate?.promise;
  }

  /** RST to every client. Answers how many connections died. */
  resetAll() {
    const live = [...this.links];
    live.forEach((link) => link.reset());
    this.counts.resets += live.length;
    return live.length;
  }

  /** FIN to every client, without a WebSocket close frame. */
  closeAll() {
    const live = [...this.links];
    live.forEach((link) => link.close());
    this.counts.closes += live.length;
    return live.length;
  }

  /** Bytes wait, both ways, for `ms`; then all of them arrive. */
  async stallFor(ms) {
    this.counts.stalls++;
    let open;
    this.gate = {
      promise: new Promise((resolve) => {
        open = resolve;
      }),
    };
    await sleep(ms);
    this.gate = null;
    open();
  }

  /**
   * Half-open: every connection stays up, and nothing it carries arrives any more, ever. New
   * connections are accepted and never answered, until `ms` have passed.
   */
  async swallowFor(ms) {
    this.swallowing = true;
    for (const link of this.links) {
      link.dead = true;
    }
    this.counts.swallowed += this.links.size;
    await sleep(ms);
    this.swallowing = false;
  }

  /** Nobody listens for `ms`: a new connection is refused. Connections that exist go on. */
  async refuseFor(ms) {
    this.counts.refusals++;
    this.server.close();
    this.server = null;
    await sleep(ms);
    await this.#listen(this.port);
  }

  async stop() {
    const server = this.server;
    for (const link of this.links) {
      link.reset();
    }
    if (server) {
      server.close();
      await once(server, 'close');
    }
  }
}
