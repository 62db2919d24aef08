// JSON-RPC over HTTP with 16 requests in flight: hawse's provider pool over HTTP and over a WebSocket,
// libcurl alone, viem and ethers, one after the other against the same server, five times round; medians.
//   BENCH_DIR=build/bench/tests/bench node tests/bench/bench_rpc.mjs [--requests 20000] [--rounds 5]
// NODE_PATH or the folder's own packages have viem and ethers; one that is missing is left out.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const here = path.dirname(fileURLToPath(import.meta.url));
const require = createRequire(path.join(here, '../e2e/package.json'));
const { values: arg } = parseArgs({
  options: { requests: { type: 'string', default: '20000' }, rounds: { type: 'string', default: '5' } },
});
const program = path.join(process.env.BENCH_DIR ?? path.join(here, '../../build/bench/tests/bench'), 'bench-rpc');
const call = { to: '0x00000000000000000000000000000000000000aa', data: '0x18160ddd' };

/** Requests per second of a function that asks once. */
async function drive(ask, requests) {
  let left = requests;
  const worker = async () => { while (left-- > 0) await ask(); };
  const begin = process.hrtime.bigint(), cpu = process.cpuUsage();
  await Promise.all(Array.from({ length: 16 }, worker));
  const used = process.cpuUsage(cpu);
  return { per_second: requests / (Number(process.hrtime.bigint() - begin) / 1e9), cpu_us: (used.user + used.system) / requests };
}

function peers(url) {
  const found = {};
  try {
    const { createPublicClient, http } = require('viem');
    const client = createPublicClient({ transport: http(url) });
    found.viem = () => client.request({ method: 'eth_call', params: [call, 'latest'] });
  } catch { /* not installed */ }
  try {
    const { JsonRpcProvider, Network } = require('ethers');
    const provider = new JsonRpcProvider(url, 100, { staticNetwork: Network.from(100), batchMaxCount: 1, cacheTimeout: -1 });
    found.ethers = () => provider.send('eth_call', [call, 'latest']);
  } catch { /* not installed */ }
  return found;
}

const median = (list) => list.sort((a, b) => a - b)[Math.floor(list.length / 2)];

const server = spawn(program, ['serve'], { stdio: ['pipe', 'pipe', 'inherit'] });
const [first] = await once(server.stdout, 'data');
const port = String(first).trim(), requests = Number(arg.requests), results = {};
const others = peers(`http://127.0.0.1:${port}`);
for (let round = 0; round < Number(arg.rounds); round++) {
  for (const kind of ['pool', 'link', 'curl']) {
    (results[kind] ??= []).push(JSON.parse(execFileSync(program, [kind, port, String(requests)], { encoding: 'utf8' })));
  }
  for (const [name, ask] of Object.entries(others)) {
    await drive(ask, 200);
    (results[name] ??= []).push(await drive(ask, Math.min(requests, 3000)));
  }
}
server.stdin.end();
const names = { pool: 'hawse pool', link: 'by WebSocket', curl: 'libcurl multi', viem: 'viem', ethers: 'ethers' };
const rate = Object.fromEntries(Object.entries(results).map(([k, l]) => [k, median(l.map((r) => r.per_second))]));
const cpu = Object.fromEntries(Object.entries(results).map(([k, l]) => [k, median(l.map((r) => r.cpu_us))]));
for (const kind of Object.keys(results)) {
  console.log(`${names[kind].padEnd(14)} ${rate[kind].toFixed(0).padStart(7)} requests/s  ${cpu[kind].toFixed(1).padStart(7)} us of CPU each`);
}
console.log(`libcurl alone is ${(rate.curl / rate.pool).toFixed(2)} times as fast as the pool (goal: at most 1.30)`);
for (const name of Object.keys(others)) {
  for (const [kind, way] of [['pool', 'over HTTP'], ['link', 'over a WebSocket']]) {
    console.log(`the pool ${way} is ${(rate[kind] / rate[name]).toFixed(1)} times as fast as ${name} in requests/s, ` +
      `${(cpu[name] / cpu[kind]).toFixed(1)} times in CPU (goal: 20 for viem)`);
  }
}
