// The flood: the same bytes to a raw reader, to hawse, and to what people use from npm, one after the other on one
// machine; CPU time a message, from the process's own accounting. Not a test: it prints, it never fails on time.
//   node flood.mjs --hawse BIN --plugins DIR --bench DIR [--messages 300000] [--runs 5] [--peers ws,viem,ethers]
import { spawn, execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, writeFileSync, rmSync } from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const here = path.dirname(fileURLToPath(import.meta.url));
const { values: arg } = parseArgs({
  options: {
    hawse: { type: 'string' },
    plugins: { type: 'string' },
    bench: { type: 'string' },
    messages: { type: 'string', default: '300000' },
    runs: { type: 'string', default: '5' },
    peers: { type: 'string', default: 'ws' },
    serve: { type: 'boolean', default: false },
  },
});
const MESSAGES = Number(arg.messages);
const LOGS_PER_BLOCK = 300;
const ADDRESS = '0x' + 'aa'.repeat(20);
const word = (n) => n.toString(16).padStart(64, '0');
const hash = (n) => '0x' + createHash('sha256').update(String(n)).digest('hex');

function head(n) {
  return { number: '0x' + n.toString(16), hash: hash(n), parentHash: hash(n - 1), timestamp: '0x' + (1.7e9 + n).toString(16),
    gasLimit: '0x1c9c380', gasUsed: '0xe4e1c0', baseFeePerGas: '0x7', logsBloom: '0x' + '00'.repeat(256), miner: ADDRESS,
    stateRoot: hash('s' + n), receiptsRoot: hash('r' + n), transactionsRoot: hash('t' + n), extraData: '0x', nonce: '0x0000000000000000',
    mixHash: hash('m' + n), sha3Uncles: hash('u'), difficulty: '0x0', size: '0x220' };
}

function frame(text) {
  const body = Buffer.from(text);
  const top = body.length < 126 ? Buffer.from([0x81, body.length]) : Buffer.from([0x81, 126, body.length >> 8, body.length & 255]);
  return Buffer.concat([top, body]);
}

const note = (id, result) => frame(JSON.stringify({ jsonrpc: '2.0', method: 'eth_subscription', params: { subscription: id, result } }));

function buildFlood() {
  const parts = [];
  let made = 0;
  for (let block = 2; made < MESSAGES; block++) {
    parts.push(note('0x1', head(block)));
    made++;
    const bh = hash(block), number = '0x' + block.toString(16);
    for (let i = 0; i < LOGS_PER_BLOCK && made < MESSAGES; i++, made++) {
      parts.push(note('0x2', { address: ADDRESS, topics: ['0xc42079f94a6350d7e6235f29174924f928cc2ac818eb64fed8004e115fbcca67', '0x' + word(i + 1), '0x' + word(i + 2)],
        data: '0x' + word(BigInt(i) * 10n ** 18n) + 'f'.repeat(64) + word(79228162514264337593543950336n) + word(10n ** 20n) + word(1234),
        blockHash: bh, blockNumber: number, transactionHash: hash('x' + made), transactionIndex: '0x' + i.toString(16), logIndex: '0x' + i.toString(16), removed: false }));
    }
  }
  return Buffer.concat(parts);
}

function answer(request) {
  const { id, method } = request;
  const result = { eth_chainId: '0x64', eth_blockNumber: '0x1', eth_getBlockByNumber: head(1), eth_getBlockByHash: head(1), eth_getLogs: [] }[method] ?? null;
  return JSON.stringify({ jsonrpc: '2.0', id, result });
}

// The server: a process of its own, pinned to core 0.
function serve() {
  const flood = buildFlood();
  const server = http.createServer((req, res) => {
    let body = '';
    req.on('data', (d) => { body += d; });
    req.on('end', () => res.end(answer(JSON.parse(body))));
  });
  server.on('upgrade', (req, socket) => {
    const key = req.headers['sec-websocket-key'];
    const accept = createHash('sha1').update(key + '258EAFA5-E914-47DA-95CA-C5AB0DC85B11').digest('base64');
    socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`);
    let held = Buffer.alloc(0), asked = 0;
    socket.on('error', () => {});
    socket.on('data', (d) => {
      held = Buffer.concat([held, d]);
      while (held.length >= 6) {
        let n = held[1] & 127, at = 2;
        if (n === 126) { n = held.readUInt16BE(2); at = 4; }
        if (held.length < at + 4 + n) return;
        const mask = held.subarray(at, at + 4), body = Buffer.from(held.subarray(at + 4, at + 4 + n));
        for (let i = 0; i < n; i++) body[i] ^= mask[i & 3];
        const opcode = held[0] & 15;
        held = held.subarray(at + 4 + n);
        if (opcode !== 1) continue;
        const j = JSON.parse(body);
        if (j.method !== 'eth_subscribe') { socket.write(frame(answer(j))); continue; }
        const logs = j.params[0] === 'logs';
        asked |= logs ? 2 : 1;
        socket.write(frame(JSON.stringify({ jsonrpc: '2.0', id: j.id, result: logs ? '0x2' : '0x1' })));
        if (asked === 3) setTimeout(() => pour(socket, flood), 700);
      }
    });
  });
  server.listen(0, '127.0.0.1', () => console.log(server.address().port));
}

function pour(socket, flood) {
  let at = 0;
  const more = () => {
    while (at < flood.length) {
      const piece = flood.subarray(at, at += 65536);
      if (!socket.write(piece)) { socket.once('drain', more); return; }
    }
  };
  more();
}

const cpuUs = (pid) => { const f = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' '); return (Number(f[11]) + Number(f[12])) * 1e4; };
const rssKb = (pid) => Number(readFileSync(`/proc/${pid}/status`, 'utf8').match(/VmHWM:\s+(\d+)/)[1]);
const sleep = (ms) => new Promise((r) => setTimeout(r, ms));

async function withServer(run) {
  const child = spawn('taskset', ['-c', '0', process.execPath, fileURLToPath(import.meta.url), '--serve', '--messages', arg.messages], { stdio: ['ignore', 'pipe', 'inherit'] });
  const port = await new Promise((r) => child.stdout.once('data', (d) => r(Number(d))));
  try { return await run(port); } finally { child.kill(); }
}

const runRaw = (port) => JSON.parse(execFileSync('taskset', ['-c', '1', path.join(arg.bench, 'raw_reader'), String(port), String(MESSAGES)]));

async function runHawse(port) {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'hawse-flood-')), file = path.join(folder, 'c.json');
  const metricsPort = 20000 + process.pid % 20000;
  writeFileSync(file, JSON.stringify({ hawse: 1, plugins: { path: [arg.plugins, arg.bench] }, state_dir: folder, log: { level: 'warn' },
    http: { listen: `127.0.0.1:${metricsPort}` },
    instances: { chain: { plugin: 'org.hawse.gnosis', grants: ['net', 'rpc'], endpoints: { ws: `ws://127.0.0.1:${port}/`, http: `http://127.0.0.1:${port}/` }, settings: { check_logs: false } },
      sink: { plugin: 'org.hawse.bench.counter', links: { chain: 'chain' } } } }));
  const child = spawn('taskset', ['-c', '1', arg.hawse, 'run', file], { stdio: ['ignore', 'inherit', 'inherit'] });
  const want = MESSAGES - Math.ceil(MESSAGES / (LOGS_PER_BLOCK + 1));
  const seen = async () => Number((await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text()).match(/hawse_events_in_total\{instance="sink"\} (\d+)/)?.[1] ?? 0);
  try {
    await sleep(500);
    const before = cpuUs(child.pid);
    for (let i = 0; i < 300; i++) { await sleep(100); if (await seen() >= want) break; }
    const got = await seen();
    if (got < want) throw new Error(`${got} of ${want} logs`);
    return { cpu_us: (cpuUs(child.pid) - before) / MESSAGES, rss_kb: rssKb(child.pid) };
  } finally { child.kill(); await sleep(200); rmSync(folder, { recursive: true, force: true }); }
}

async function runNode(port, script) {
  const child = spawn('taskset', ['-c', '1', process.execPath, path.join(here, script), String(port), String(MESSAGES)], { stdio: ['ignore', 'pipe', 'inherit'], cwd: path.join(here, '../e2e') });
  return JSON.parse(await new Promise((r) => child.stdout.once('data', r)));
}

const median = (list) => [...list].sort((a, b) => a - b)[list.length >> 1];

if (arg.serve) {
  serve();
} else {
  const cpu = os.cpus()[0].model.trim();
  console.log(`machine  ${cpu}, ${os.cpus().length} cores, Linux ${os.release()}, Node ${process.version}`);
  console.log(`flood    ${MESSAGES} messages, about ${Math.round(buildFlood().length / MESSAGES)} bytes each, median of ${arg.runs} runs`);
  const subjects = { raw: runRaw, hawse: runHawse, ...Object.fromEntries(arg.peers.split(',').filter(Boolean).map((p) => [p, (port) => runNode(port, `peer-${p}.mjs`)])) };
  const results = {};
  for (let run = 0; run < Number(arg.runs); run++)
    for (const [name, subject] of Object.entries(subjects)) (results[name] ??= []).push(await withServer(subject));
  const raw = median(results.raw.map((r) => r.cpu_us));
  for (const [name, list] of Object.entries(results)) {
    const us = median(list.map((r) => r.cpu_us));
    console.log(`${name.padEnd(8)} ${us.toFixed(3)} us CPU a message, ${(us / raw).toFixed(2)} x raw, peak RSS ${(median(list.map((r) => r.rss_kb)) / 1024).toFixed(1)} MB`);
  }
}
