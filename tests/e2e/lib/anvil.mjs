// Starts the EVM node that the trials run against and speaks JSON-RPC to it.
// Owns: the node's process (ended by pid, also when a trial crashes) and a keep-alive HTTP
// client.
// Must never: reach past loopback, leave a process behind, or end one that it did not start.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import path from 'node:path';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const READY_LIMIT_MS = 10_000;

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** A port that was free a moment ago. */
export async function freePort() {
  const probe = net.createServer();
  probe.listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address();
  probe.close();
  await once(probe, 'close');
  return port;
}

// Children still running; one exit hook for all of them keeps the listener count at one.
const running = new Set();
let hooked = false;

/** Ends `child` when this process goes, however it goes. Shared by every module that starts one. */
export function guardChild(child) {
  running.add(child);
  child.once('exit', () => running.delete(child));
  if (hooked) {
    return;
  }
  hooked = true;
  process.once('exit', () => {
    for (const one of running) {
      one.kill('SIGKILL'); // also ends a stopped process, which SIGTERM would not
    }
  });
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ]) {
    process.once(signal, () => process.exit(code));
  }
}

/**
 * JSON-RPC over one keep-alive agent. `call` throws on an error answer, `batch` answers in order.
 */
export class Rpc {
  #agent = new http.Agent({ keepAlive: true, maxSockets: 8 });
  #id = 0;

  constructor(port, timeoutMs = 60_000) {
    this.port = port;
    this.timeoutMs = timeoutMs;
  }

  #post(body) {
    return new Promise((resolve, reject) => {
      const request = http.request(
        {
          host: '127.0.0.1',
          port: this.port,
          method: 'POST',
          agent: this.#agent,
          headers: {
            'content-type': 'application/json',
            'content-length': Buffer.byteLength(body),
          },
        },
        (answer) => {
          const parts = [];
          answer.on('data', (part) => parts.push(part));
          answer.on('error', reject);
          answer.on('end', () => {
            try {
              resolve(JSON.parse(Buffer.concat(parts).toString()));
            } catch (error) {
              reject(error);
            }
          });
        },
      );
      request.setTimeout(this.timeoutMs, () =>
        request.destroy(new Error('node gave no answer in time')),
      );
      request.on('error', reject);
      request.end(body);
    });
  }

  async call(method, ...params) {
    const answer = await this.#post(
      JSON.stringify({ jsonrpc: '2.0', id: ++this.#id, method, params }),
    );
    if (answer.error) {
      throw rpcError(method, answer.error);
    }
    return answer.result;
  }

  /**
   * `calls` is [[method, ...params], ...]; each element of the result is the result of that call.
   */
  async batch(calls, size = 100) {
    const results = [];
    for (let at = 0; at < calls.length; at += size) {
      const part = calls.slice(at, at + size);
      const base = this.#id + 1;
      this.#id += part.length;
      const answers = await this.#post(
        JSON.stringify(
          part.map(([method, ...params], i) => ({ jsonrpc: '2.0', id: base + i, method, params })),
        ),
      );
      const byId = new Map(answers.map((answer) => [answer.id, answer]));
      part.forEach(([method], i) => {
        const answer = byId.get(base + i);
        if (!answer || answer.error) {
          throw rpcError(
            method,
            answer?.error ?? { code: 0, message: 'missing from the batch answer' },
          );
        }
        results.push(answer.result);
      });
    }
    return results;
  }

  close() {
    this.#agent.destroy();
  }
}

function rpcError(method, { code, message, data }) {
  return Object.assign(new Error(`${method}: ${code} ${message}`), { code, data });
}

/** The platform package holds the program itself; its Node wrapper would cost a second process. */
function binaryPath() {
  const root = path.dirname(require.resolve('@foundry-rs/anvil-linux-amd64/package.json'));
  return path.join(root, 'bin', 'anvil');
}

/**
 * Starts a node that mines only when told to, with transactions in order of arrival, so that a
 * trial decides what every block holds. With `timestamp` the same calls give the same block
 * hashes on every run.
 */
export async function startAnvil({
  chainId = 100,
  port,
  timestamp,
  accounts = 16,
  gasLimit = 1_000_000_000,
  hardfork = 'prague',
  order = 'fifo',
  extra = [],
} = {}) {
  const listenPort = port ?? (await freePort());
  const args = [
    '--host',
    '127.0.0.1',
    '--port',
    String(listenPort),
    '--chain-id',
    String(chainId),
    '--hardfork',
    hardfork,
    '--accounts',
    String(accounts),
    '--balance',
    '1000000000',
    '--gas-limit',
    String(gasLimit),
    '--order',
    order,
    '--no-mining',
    '--silent',
    ...extra,
  ];
  if (timestamp !== undefined) {
    args.push('--timestamp', String(timestamp));
  }
  const started = process.hrtime.bigint();
  const child = spawn(binaryPath(), args, { stdio: ['ignore', 'ignore', 'inherit'] });
  guardChild(child);
  const rpc = new Rpc(listenPort);
  const node = new Anvil(child, rpc, chainId);
  await node.ready(READY_LIMIT_MS);
  node.startMs = Number(process.hrtime.bigint() - started) / 1e6;
  return node;
}

class Anvil {
  constructor(child, rpc, chainId) {
    this.child = child;
    this.rpc = rpc;
    this.port = rpc.port;
    this.chainId = chainId;
    this.url = `http://127.0.0.1:${rpc.port}`;
    this.wsUrl = `ws://127.0.0.1:${rpc.port}`;
  }

  async ready(limitMs) {
    const until = Date.now() + limitMs;
    for (;;) {
      try {
        const id = Number(await this.rpc.call('eth_chainId'));
        if (id !== this.chainId) {
          throw Object.assign(new Error(`port ${this.port} answers for chain ${id}`), {
            fatal: true,
          });
        }
        return;
      } catch (error) {
        if (error.fatal || this.child.exitCode !== null || Date.now() > until) {
          throw new Error(`node did not start: ${error.message}`);
        }
        await sleep(10);
      }
    }
  }

  call(method, ...params) {
    return this.rpc.call(method, ...params);
  }

  batch(calls, size) {
    return this.rpc.batch(calls, size);
  }

  async height() {
    return Number(await this.rpc.call('eth_blockNumber'));
  }

  block(tag, full = false) {
    return this.rpc.call('eth_getBlockByNumber', typeof tag === 'number' ? hex(tag) : tag, full);
  }

  /** Mines what is waiting into one block at `timestamp` (seconds), or at the node's own clock. */
  async mine(timestamp) {
    await this.rpc.call('evm_mine', ...(timestamp === undefined ? [] : [hex(timestamp)]));
  }

  /** The process stays, sockets stay open, nothing is answered: what a hung node looks like. */
  pause() {
    this.child.kill('SIGSTOP');
  }

  resume() {
    this.child.kill('SIGCONT');
  }

  async stop() {
    this.rpc.close();
    if (this.child.exitCode !== null || this.child.signalCode !== null) {
      return;
    }
    this.child.kill('SIGCONT');
    this.child.kill('SIGTERM');
    const timer = setTimeout(() => this.child.kill('SIGKILL'), 3000);
    await once(this.child, 'exit');
    clearTimeout(timer);
  }
}

export const hex = (value) => `0x${BigInt(value).toString(16)}`;
