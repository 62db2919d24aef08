// Who is measured, and how each is started: pinned to core 1, one line of JSON per thing it has to say.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import readline from 'node:readline';
import { fileURLToPath } from 'node:url';

const here = path.dirname(fileURLToPath(import.meta.url));
export const SERVER_CORE = '0', CLIENT_CORE = '1';

export async function freePort() {
  const server = net.createServer();
  await new Promise((ok) => server.listen(0, '127.0.0.1', ok));
  const { port } = server.address();
  await new Promise((ok) => server.close(ok));
  return port;
}

/** A child that speaks JSON lines on `channel` (1 stdout, 3 its own descriptor). */
export class Child {
  constructor(core, command, { channel = 1, env = {}, cwd } = {}) {
    const stdio = ['pipe', channel === 1 ? 'pipe' : 'ignore', 'pipe', channel === 3 ? 'pipe' : 'ignore'];
    this.process = spawn('taskset', ['-c', core, ...command], { stdio, cwd, env: { ...process.env, ...env } });
    this.process.stdin.on('error', () => {});
    this.lines = [];
    this.waiting = [];
    this.error = '';
    this.ended = once(this.process, 'exit');
    this.ended.then(() => { this.over = true; this.#look(); });
    this.process.stderr.on('data', (d) => { this.error = (this.error + d).slice(-4000); });
    readline.createInterface({ input: this.process.stdio[channel] }).on('line', (line) => {
      let value = line;
      try { value = JSON.parse(line); } catch { /* a bare word */ }
      this.lines.push(value);
      this.#look();
    });
  }

  #look() {
    this.waiting = this.waiting.filter((w) => {
      const found = this.lines.find(w.test);
      if (found !== undefined) w.good(found);
      else if (this.over) w.bad(new Error(`ended before it said "${w.what}": ${this.error}`));
      else return true;
      return false;
    });
  }

  /** The first line, said or to come, for which `test` holds. */
  line(what, test, limitMs) {
    return new Promise((good, bad) => {
      const timer = setTimeout(() => bad(new Error(`did not say "${what}" within ${limitMs} ms: ${this.error}`)), limitMs);
      const end = (f) => (value) => { clearTimeout(timer); f(value); };
      this.waiting.push({ what, test, good: end(good), bad: end(bad) });
      this.#look();
    });
  }

  peakKb() {
    return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${this.process.pid}/status`, 'utf8'))?.[1] ?? 0);
  }

  async stop(limitMs = 5000) {
    if (this.over) return;
    this.process.kill('SIGTERM');
    const timer = setTimeout(() => this.process.kill('SIGKILL'), limitMs);
    await this.ended;
    clearTimeout(timer);
  }
}

/** Where everything is: a build folder with -Dbench=true, and a scratch folder in memory that goes with the process. */
export function placeOf(build) {
  const at = (...parts) => path.resolve(build, ...parts);
  const place = { hawse: at('core/hawse'), plugins: at('plugins'), bench: at('tests/bench') };
  for (const file of [place.hawse, path.join(place.bench, 'bench-sender')])
    if (!existsSync(file))
      throw new Error(`${file} is missing: meson setup ${at()} --buildtype=release -Dtests=false -Dbench=true && ninja -C ${at()}`);
  place.scratch = mkdtempSync('/dev/shm/hawse-bench-');
  process.once('exit', () => rmSync(place.scratch, { recursive: true, force: true }));
  mkdirSync(path.join(place.scratch, 'plugins'));
  copyFileSync(path.join(place.bench, 'counter.so'), path.join(place.scratch, 'plugins/counter.so'));
  return place;
}

function hawseConfig(place, trial, folder, httpPort) {
  const tls = trial.tls ? 's' : '';
  const url = { url: `ws${tls}://127.0.0.1:${trial.port}/`, ...(trial.tls ? { ca_file: trial.tls.ca } : {}), ...trial.endpoint };
  return {
    hawse: 1,
    plugins: { path: [place.plugins, path.join(place.scratch, 'plugins')], isolation: 'asked' },
    state_dir: path.join(folder, 'state'),
    log: { level: 'warn' },
    http: { listen: `127.0.0.1:${httpPort}` },
    ...(trial.spin ? { lanes: { main: { spin_us: 1_000_000 } } } : {}),
    ...trial.config,
    instances: {
      chain: { plugin: 'org.hawse.gnosis', grants: ['net', 'rpc'],
        endpoints: { ws: url, http: `http://127.0.0.1:${trial.rpcPort}/` },
        settings: { check_logs: false, ...trial.settings } },
      sink: { plugin: 'org.hawse.bench.counter', links: { chain: 'chain' },
        settings: { report_fd: 3, expect: trial.logs, skip: trial.skip ?? 0, every: trial.every ?? 0 } },
      ...trial.instances,
    },
  };
}

let configs = 0;

/** The whole host: the Gnosis plugin and a counting subscriber behind it. */
export async function startHawse(place, trial) {
  const folder = path.join(place.scratch, `hawse-${++configs}`);
  mkdirSync(folder);
  const httpPort = await freePort(), file = path.join(folder, 'config.json');
  writeFileSync(file, JSON.stringify(hawseConfig(place, trial, folder, httpPort)));
  trial.starting?.();
  const child = new Child(trial.cores ?? CLIENT_CORE, [...(trial.wrap ?? []), place.hawse, 'run', file, '--quiet'], { channel: 3, env: trial.env });
  child.httpPort = httpPort;
  child.ready = (limitMs) => child.line('live', (l) => l.live, limitMs);
  return child;
}

export function startRaw(place, trial) {
  const args = [trial.port, trial.messages, trial.skip ?? 0, trial.every ?? 0, ...(trial.tls ? ['tls'] : [])];
  return new Child(CLIENT_CORE, [path.join(place.bench, 'bench-reader'), ...args.map(String)]);
}

export function startPeer(name) {
  return (place, trial) => {
    const options = JSON.stringify({ port: trial.port, tls: Boolean(trial.tls), messages: trial.messages, logs: trial.logs,
      skip: trial.skip ?? 0, every: trial.every ?? 0, distinct: trial.distinct });
    return new Child(CLIENT_CORE, [process.execPath, path.join(here, '../peers', `${name}.mjs`), options],
      { env: trial.tls ? { NODE_EXTRA_CA_CERTS: trial.tls.ca } : {} });
  };
}

export const subjects = {
  raw: startRaw,
  hawse: startHawse,
  'hawse spin': (place, trial) => startHawse(place, { ...trial, spin: true }),
  ws: startPeer('ws'),
  viem: startPeer('viem'),
  ethers: startPeer('ethers'),
};
