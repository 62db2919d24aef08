// Runs the program under trial: writes its configuration, starts it, reads its tape line by line,
// ends it.
// Owns: the process and a scratch folder. Must never: interpret an event (judge.mjs does).
import { spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { guardChild } from './anvil.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const KEPT_ERROR_LINES = 200;

/**
 * The program and its plugins, from the environment; 'plain' is the stand-in that proves the
 * trial itself.
 */
export function programOf(subject) {
  if (subject === 'plain') {
    return { command: [process.execPath, path.join(here, '../plain-subject.mjs')], pluginDir: '' };
  }
  const { HAWSE_BIN, HAWSE_PLUGIN_DIR } = process.env;
  if (subject !== 'hawse' || !HAWSE_BIN || !HAWSE_PLUGIN_DIR) {
    throw new Error(
      'set HAWSE_BIN to the hawse program and HAWSE_PLUGIN_DIR to its plugins, ' +
        'or use --subject plain',
    );
  }
  return { command: [path.resolve(HAWSE_BIN)], pluginDir: path.resolve(HAWSE_PLUGIN_DIR) };
}

/** One chain, one instance that follows the pools, one sink that prints everything. On Polygon the
 * node is asked as a provider of a chain, with failover and cache, elsewhere as an endpoint. */
export function configOf({ chainId, wsUrl, httpUrl, venue, pluginDir, stateDir }) {
  const http = { url: httpUrl, request_timeout_ms: 5000 };
  const providers = ['one', 'two'].map((name) => ({ name, http, per_second: 0 }));
  const pooled = chainId === 137;
  return {
    hawse: 1,
    ...(pooled && { chains: { world: { chain_id: chainId, block_ms: 2000, providers } } }),
    plugins: { path: [pluginDir] },
    state_dir: stateDir,
    instances: {
      chain: {
        plugin: chainId === 137 ? 'org.hawse.polygon' : 'org.hawse.gnosis',
        endpoints: {
          ws: { url: wsUrl, ping_ms: 500, idle_ms: 2000, backoff_min_ms: 20, backoff_max_ms: 500 },
          http: pooled ? { chain: 'world' } : http,
        },
        grants: ['net', 'rpc'],
        settings: { heads_idle_ms: 2000 },
      },
      pools: {
        plugin: venue.plugin,
        links: { chain: 'chain' },
        grants: ['rpc'],
        settings: venue.settings,
      },
      tape: {
        plugin: 'org.hawse.jsonl',
        links: { chain: 'chain', pools: 'pools' },
        settings: { sources: ['chain', 'pools'] },
      },
    },
  };
}

/** Emits 'event' for every line of the tape, 'garbage' for a line that is none. */
export class Hawse extends EventEmitter {
  constructor(command) {
    super();
    this.command = command;
    this.folder = mkdtempSync(path.join(tmpdir(), 'hawse-e2e-'));
    process.once('exit', () => rmSync(this.folder, { recursive: true, force: true }));
    this.errors = [];
    this.lines = 0;
  }

  start(config) {
    const file = path.join(this.folder, 'config.json');
    writeFileSync(file, JSON.stringify(config, null, 2));
    const [program, ...first] = this.command;
    this.child = spawn(program, [...first, 'run', file, '--quiet'], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    guardChild(this.child);
    this.ended = Promise.race([
      once(this.child, 'exit').then(([code, signal]) => ({ code, signal })),
      once(this.child, 'error').then(([error]) => ({
        code: null,
        signal: null,
        error: error.message,
      })),
    ]);
    this.ended.then((result) => {
      this.result = result;
    });
    this.drained = once(this.child.stdout, 'close');
    split(this.child.stdout, (line) => this.#line(line));
    split(this.child.stderr, (line) => {
      this.errors.push(line);
      this.errors.splice(0, Math.max(0, this.errors.length - KEPT_ERROR_LINES));
    });
  }

  #line(line) {
    this.lines++;
    let event;
    try {
      event = JSON.parse(line);
    } catch {
      this.emit('garbage', line);
      return;
    }
    if (typeof event?.t === 'string' && typeof event.src === 'string') {
      this.emit('event', event);
    } else {
      this.emit('garbage', line);
    }
  }

  /** Throws when the program has ended by itself. */
  mustRun() {
    if (this.result) {
      throw new Error(
        `the program ended by itself: ${JSON.stringify(this.result)}\n` +
          this.errors.slice(-20).join('\n'),
      );
    }
  }

  /** Resident memory now and at its peak, in MiB. */
  memory() {
    const status = readFileSync(`/proc/${this.child.pid}/status`, 'utf8');
    const of = (name) => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1] ?? 0) / 1024;
    return { now: of('VmRSS'), peak: of('VmHWM') };
  }

  /** SIGTERM, then everything that is still in the pipe; SIGKILL after `limitMs`. */
  async stop(limitMs = 10_000) {
    const begun = Date.now();
    this.child.kill('SIGTERM');
    const timer = setTimeout(() => this.child.kill('SIGKILL'), limitMs);
    const result = await this.ended;
    clearTimeout(timer);
    await this.drained;
    return { ...result, ms: Date.now() - begun };
  }
}

function split(stream, take) {
  let rest = '';
  stream.setEncoding('utf8');
  stream.on('data', (text) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop();
    lines.filter((line) => line !== '').forEach(take);
  });
  stream.on('end', () => {
    if (rest !== '') {
      take(rest);
    }
  });
}
