// The Polymarket venue under load: thousands of assets, tens of thousands of changes a second on one
// lane. The changes are a cycle that ends where it began, made once and sent over and over with new
// times, because making them costs far more than reading them; for the same reason they carry no
// check value. At the end every book that a reader kept must be the double's.
//
//   HAWSE_BIN=... HAWSE_PLUGIN_DIR=... BENCH_DIR=... node load.mjs [--assets 2000] [--rate 20000]
//       [--seconds 30] [--seed 1] [--peer ccxt|parse]
// With --peer it is not hawse but tests/bench/polymarket/peer.mjs that reads, after `npm ci` there.
// Exit codes: 0 no difference, 1 differences, 2 the trial could not be held.
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { Random } from '../lib/random.mjs';
import { Double } from './double.mjs';

const { values: args } = parseArgs({
  options: {
    assets: { type: 'string', default: '2000' },
    rate: { type: 'string', default: '20000' },
    seconds: { type: 'string', default: '30' },
    seed: { type: 'string', default: '1' },
    peer: { type: 'string', default: '' },
  },
});
const CYCLE = 40_000;
const STEP_MS = 5;
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
const random = new Random(args.seed);
const below = (n) => random.below(n);
const { HAWSE_BIN, HAWSE_PLUGIN_DIR, BENCH_DIR } = process.env;

/** A text message of a server, and where the digits of its time stand. */
function frameOf(message) {
  const payload = Buffer.from(JSON.stringify(message));
  const head = Buffer.from([0x81, 126, payload.length >> 8, payload.length & 255]);
  const frame = Buffer.concat([head, payload]);
  return { frame, at: frame.indexOf('"timestamp":"') + 13 };
}

/** Half a cycle of random changes, then the same taken back. */
function cycleOf(double) {
  const frames = [];
  const undo = [];
  const add = (market, side, tick, cents) => {
    const message = market.change(side, tick, cents, false);
    frames.push({ asset: market.tokens[0], ...frameOf(message) });
  };
  for (let i = 0; i < CYCLE / 2; i++) {
    const market = double.markets[below(double.markets.length)];
    const buy = below(2) === 0;
    const levels = buy ? market.bids : market.asks;
    const [bid, ask] = market.best();
    const tick = buy ? Math.max(1, ask - 1 - below(25)) : Math.min(market.ticks - 1, bid + 1 + below(25));
    undo.push([market, buy ? 'BUY' : 'SELL', tick, levels.get(tick) ?? 0]);
    add(market, buy ? 'BUY' : 'SELL', tick, levels.size > 5 && below(3) === 0 ? 0 : 1 + below(1e6));
  }
  undo.reverse().forEach((one) => add(...one));
  return frames;
}

async function send(double, frames) {
  const until = Date.now() + Number(args.seconds) * 1000;
  const perStep = (Number(args.rate) * STEP_MS) / 1000;
  const sessions = [...double.sessions];
  const owner = new Map(sessions.flatMap((s, i) => [...s.assets].map((asset) => [asset, i])));
  const begun = performance.now();
  let sent = 0;
  let next = 0;
  let late = 0;
  // whole rounds only: the books end where they began
  while (Date.now() < until || next !== 0) {
    const due = Math.floor((performance.now() - begun) / STEP_MS) * perStep;
    const batches = sessions.map(() => []);
    const time = String(Date.now());
    for (let n = 0; sent < due && n < 4 * perStep; n++, sent++) {
      const { asset, frame, at } = frames[next];
      const copy = Buffer.from(frame); // the last one may still be on its way
      copy.write(time, at, 'latin1');
      batches[owner.get(asset)].push(copy);
      next = (next + 1) % frames.length;
      if (next === 0 && Date.now() >= until) {
        sent++;
        break;
      }
    }
    late = Math.max(late, due - sent);
    batches.forEach((batch, i) => batch.length && sessions[i].socket._socket.write(Buffer.concat(batch)));
    if (next === 0 && Date.now() >= until) {
      break;
    }
    await sleep(STEP_MS);
  }
  return { sent, seconds: (performance.now() - begun) / 1000, late: Math.round(late) };
}

function configOf(double, folder) {
  return {
    hawse: 1,
    plugins: { path: [path.resolve(HAWSE_PLUGIN_DIR), path.resolve(BENCH_DIR)], isolation: 'asked' },
    state_dir: path.join(folder, 'state'),
    instances: {
      poly: {
        plugin: 'org.hawse.polymarket',
        allow: 'beta',
        endpoints: { market: double.marketUrl, clob: double.rest },
        grants: ['net', 'http'],
        settings: { assets: double.markets.flatMap((one) => one.tokens), audit_ms: 0 },
      },
      keeper: {
        plugin: 'org.hawse.bench.bookkeeper', links: { poly: 'poly' },
        budget: { callback_us: 1_000_000 }, // an instrument: its delays are the machine's
      },
    },
  };
}

const usage = (pid) => {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  const hertz = Number(execFileSync('getconf', ['CLK_TCK']));
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return {
    cpu: (Number(stat[11]) + Number(stat[12])) / hertz,
    peak: Number(/VmHWM:\s+(\d+)/.exec(status)[1]) / 1024,
  };
};

function compare(double, lines) {
  const told = new Map(lines.filter((one) => one.market).map((one) => [one.market, one]));
  const wrong = [];
  const text = (levels) =>
    levels
      .map(({ price, size }) => `${Math.round(Number(price) * 1e6)}:${Math.round(Number(size) * 1e6)}`)
      .sort()
      .join(' ');
  const kept = (levels) => levels.map(([price, size]) => `${price}:${size}`).sort().join(' ');
  for (const [token, { market, outcome }] of double.byToken) {
    const one = told.get(`0x${BigInt(token).toString(16).padStart(64, '0')}`);
    const truth = market.book(outcome);
    if (!one || kept(one.bids) !== text(truth.bids) || kept(one.asks) !== text(truth.asks)) {
      wrong.push(token);
    }
  }
  return wrong;
}

function startHawse(double, folder) {
  const file = path.join(folder, 'c.json');
  writeFileSync(file, JSON.stringify(configOf(double, folder)));
  return spawn(path.resolve(HAWSE_BIN), ['run', file, '--quiet'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

function startPeer(double) {
  const program = new URL('../../bench/polymarket/peer.mjs', import.meta.url).pathname;
  const child = spawn(process.execPath, [program, args.peer, double.marketUrl, '400'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  child.stdin.end(`${JSON.stringify(double.markets.flatMap((one) => one.tokens))}\n`);
  return child;
}

async function main() {
  const double = new Double({ markets: Number(args.assets) / 2, random: below });
  await double.start();
  const frames = cycleOf(double);
  const folder = mkdtempSync(path.join(tmpdir(), 'hawse-load-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const child = args.peer ? startPeer(double) : startHawse(double, folder);
  process.once('exit', () => child.kill('SIGKILL'));
  let out = '';
  child.stdout.on('data', (chunk) => (out += chunk));
  const want = Number(args.assets);
  for (let i = 0; i < 600; i++) {
    await sleep(50);
    if ([...double.sessions].reduce((sum, one) => sum + one.assets.size, 0) === want) {
      break;
    }
  }
  await sleep(3000); // metadata
  const before = usage(child.pid);
  const done = await send(double, frames);
  await sleep(1000);
  const after = usage(child.pid);
  child.kill('SIGTERM');
  await new Promise((end) => child.stdout.once('close', end));
  double.stop();
  const lines = out.split('\n').filter(Boolean).map((line) => JSON.parse(line));
  const total = lines.at(-1);
  const wrong = args.peer === 'parse' ? [] : compare(double, lines);
  const cpu = after.cpu - before.cpu;
  console.log(
    `${want} assets, ${double.counts.connections} connections, ${done.sent} messages in ` +
      `${done.seconds.toFixed(1)} s (${Math.round(done.sent / done.seconds)}/s, sender late by ` +
      `${done.late} at most)`,
  );
  console.log(
    `CPU ${cpu.toFixed(1)} s (${((cpu * 1e6) / done.sent).toFixed(2)} us a message, ` +
      `${((100 * cpu) / done.seconds).toFixed(0)} % of one core), peak RSS ${after.peak.toFixed(0)} MiB`,
  );
  console.log(`reader ${JSON.stringify(total)}`);
  console.log(args.peer === 'parse' ? 'it keeps no books' : `${wrong.length} books differ`);
  return wrong.length === 0 && total.changes === 2 * done.sent && total.gaps === 0 ? 0 : 1;
}

main().then(
  (code) => process.exit(code),
  (error) => {
    console.error(error);
    process.exit(2);
  },
);
