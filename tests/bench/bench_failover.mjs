// What a failing provider costs who asks: hawse's pool, viem's `fallback` transport and ethers' FallbackProvider, each
// with its defaults, over the same three servers, one client after the other. The first server goes wrong after a few
// good answers; a call is eth_call, where the server's head is stale eth_blockNumber; it is right with the answer of a good server, and
// late after five seconds. ethers asks two by default: with a quorum of one it takes an error for the answer.
//   bench_failover.mjs BUILD [--rounds 3] [--calls 32]
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import path from 'node:path';
import readline from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Report, median, versions } from './lib/report.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const require = createRequire(path.join(here, '../e2e/package.json'));
const { values: arg, positionals } = parseArgs({ allowPositionals: true,
  options: { rounds: { type: 'string', default: '3' }, calls: { type: 'string', default: '32' } } });
const build = path.resolve(positionals[0] ?? 'build/bench'), program = path.join(build, 'tests/bench/bench-failover');
const ROUNDS = Number(arg.rounds), CALLS = Number(arg.calls), LATE = 5000, AT_ONCE = 8;
const RIGHT = { head: 1000n, call: 0xc8n }, TO = { to: '0x00000000000000000000000000000000000000aa' };
const FAULTS = ['refused', 'reset', '500', '429', '429 with Retry-After', 'garbage', 'HTML', 'half', 'wrong id', 'quota', 'hang', 'stale'];

class Child {
  constructor(...args) {
    this.process = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.lines = readline.createInterface({ input: this.process.stdout })[Symbol.asyncIterator]();
  }

  async line() { return (await this.lines.next()).value; }
  say(text) { this.process.stdin.write(`${text}\n`); return this.line(); }
  end() { this.process.stdin.end(); }
}

/** Milliseconds and whether it was right, of `calls` calls, some at once. */
async function drive(ask, what, calls) {
  const told = [];
  let left = calls;
  const worker = async () => {
    while (left-- > 0) {
      const begin = performance.now();
      let timer;
      const late = new Promise((resolve) => { timer = setTimeout(resolve, LATE); });
      const right = await Promise.race([ask().then((answer) => BigInt(answer) === RIGHT[what], () => false), late]);
      clearTimeout(timer);
      told.push([performance.now() - begin, right === true]);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return told;
}

const clients = {
  hawse: async (ports) => {
    const child = new Child('pool', ...ports);
    return { ask: async (what, n) => JSON.parse(await child.say(`${what} ${n}`)).map(([ns, right]) => [ns / 1e6, right === 1]), end: () => child.end() };
  },
};
try {
  const { createPublicClient, fallback, http } = require('viem');
  clients.viem = async (ports) => {
    const client = createPublicClient({ transport: fallback(ports.map((port) => http(`http://127.0.0.1:${port}`))) });
    const ways = {
      head: () => client.request({ method: 'eth_blockNumber' }, { dedupe: false }),
      call: () => client.request({ method: 'eth_call', params: [TO, 'latest'] }, { dedupe: false }),
    };
    return { ask: (what, n) => drive(ways[what], what, n), end: () => {} };
  };
} catch { /* not installed */ }
try {
  const { FallbackProvider, JsonRpcProvider, Network } = require('ethers');
  clients.ethers = async (ports) => {
    const network = Network.from(100), options = { staticNetwork: network, cacheTimeout: -1, batchMaxCount: 1 }; // the servers know no batches
    const all = ports.map((port) => new JsonRpcProvider(`http://127.0.0.1:${port}`, network, options));
    const provider = new FallbackProvider(all.map((p, i) => ({ provider: p, priority: i + 1, weight: 1 })), network, { cacheTimeout: -1 });
    const ways = { head: () => provider.getBlockNumber(), call: () => provider.call(TO) };
    return { ask: (what, n) => drive(ways[what], what, n), end: () => { provider.destroy(); all.forEach((p) => p.destroy()); } };
  };
} catch { /* not installed */ }

const percentile = (list, p) => { const s = [...list].sort((a, b) => a - b); return s[Math.min(s.length - 1, Math.floor(s.length * p))]; };

/** One client through one fault. */
async function trial(servers, ports, client, fault) {
  await servers.say('0 good');
  const { ask, end } = await client(ports);
  const what = fault === 'stale' ? 'head' : 'call';
  await ask(what, 4);
  await new Promise((resolve) => { setTimeout(resolve, 50); });
  await servers.say(`0 ${fault}`);
  const told = await ask(what, CALLS);
  end();
  await servers.say('0 good');
  return told;
}

process.on('unhandledRejection', () => {}); // calls that came late may still fail
const servers = new Child('serve', '3'), ports = (await servers.line()).split(' ');
const report = new Report(), all = {};
console.log(Object.entries(versions(path.join(build, 'core/hawse'))).map(([k, v]) => `${k}: ${v}`).join('\n'));
console.log(`\n${CALLS} calls after the first server went wrong, ${ROUNDS} rounds; medians of rounds, ms\n`);
console.log(`${'fault'.padEnd(22)}${Object.keys(clients).map((name) => `${name}: right    p50     p99`.padStart(32)).join('')}`);
for (const fault of FAULTS) {
  let row = fault.padEnd(22);
  for (const [name, client] of Object.entries(clients)) {
    const runs = [];
    for (let round = 0; round < ROUNDS; round++) runs.push(await trial(servers, ports, client, fault));
    const right = runs.flat().filter(([, good]) => good).length / runs.flat().length;
    const p50 = median(runs.map((told) => percentile(told.map(([ms]) => ms), 0.5)));
    const p99 = median(runs.map((told) => percentile(told.map(([ms]) => ms), 0.99)));
    (all[name] ??= []).push({ right, p99 });
    row += `${(right * 100).toFixed(0)} % ${p50.toFixed(1).padStart(8)} ${p99.toFixed(1).padStart(8)}`.padStart(32);
  }
  console.log(row);
}
console.log('');
report.figure('hawse: worst p99 of all faults', Math.max(...all.hawse.map((r) => r.p99)), { unit: 'ms', goal: 500, digits: 1 });
report.figure('hawse: calls answered rightly', 100 * Math.min(...all.hawse.map((r) => r.right)), { unit: '%', goal: 100, least: true, digits: 1 });
servers.end();
process.exit(0);
