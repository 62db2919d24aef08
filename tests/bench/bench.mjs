// The benchmarks of hawse, as one command. Prints what the machine is, figures with their spread, and beside each that
// has one the goal. Never fails on time; ends with 1 when a result is wrong: an event lost, doubled or out of order.
//   node tests/bench/bench.mjs [--build DIR] [--only flood,latency,...] [--runs 5] [--peers ws,viem,ethers]
//                              [--messages 300000] [--rates 10000,...] [--nice=N] [--json FILE] [--smoke] [--list]
// --nice=-10 (as root) where others use the machine too: delays mean little without it. --smoke: every suite once and
// small, to see that it works; its figures mean nothing.
import { execFileSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Frames } from './lib/frames.mjs';
import { Report, versions } from './lib/report.mjs';
import { placeOf, SERVER_CORE } from './lib/subjects.mjs';
import { LostEvents } from './lib/trial.mjs';
import { drop, freeze, gap } from './suites/continuity.mjs';
import { burst, latency } from './suites/latency.mjs';
import { start } from './suites/start.mjs';
import { flood, tls } from './suites/flood.mjs';
import { instructions, own } from './suites/own.mjs';
import { lanes } from './suites/lanes.mjs';
import { record } from './suites/record.mjs';

const root = path.join(path.dirname(fileURLToPath(import.meta.url)), '../..');
const suites = { flood, tls, own, instructions, latency, burst, gap, freeze, drop, start, record, lanes };
const { values: arg } = parseArgs({
  options: {
    build: { type: 'string', default: path.join(root, 'build/bench') },
    only: { type: 'string', default: Object.keys(suites).join(',') },
    runs: { type: 'string', default: '5' },
    peers: { type: 'string', default: 'ws,viem,ethers' },
    messages: { type: 'string', default: '300000' },
    rates: { type: 'string' },
    nice: { type: 'string', default: '0' },
    json: { type: 'string' },
    smoke: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
  },
});

function prepare() {
  return { ...placeOf(arg.build), runs: arg.smoke ? 1 : Number(arg.runs), messages: arg.smoke ? 6000 : Number(arg.messages),
    smoke: arg.smoke, rates: arg.rates?.split(',').map(Number), peers: arg.peers.split(',').filter(Boolean) };
}

/** Whatever is started from here inherits it. */
function raise(nice) {
  if (nice === 0) return;
  os.setPriority(nice);
  const group = '/proc/self/autogroup'; // where sessions share the cores evenly, it is the session's priority that counts
  if (existsSync(group)) writeFileSync(group, String(nice));
}

async function main() {
  if (arg.list) { console.log(Object.keys(suites).join('\n')); return 0; }
  const wanted = arg.only.split(',').filter(Boolean), unknown = wanted.find((name) => !suites[name]);
  if (unknown) { console.error(`no suite "${unknown}"; there are ${Object.keys(suites).join(', ')}`); return 2; }
  const place = prepare(), report = new Report(), about = versions(place.hawse);
  raise(Number(arg.nice));
  execFileSync('taskset', ['-pc', SERVER_CORE, String(process.pid)], { stdio: 'ignore' });
  for (const [key, value] of Object.entries(about)) console.log(`${key.padEnd(10)} ${value}`);
  place.frames = new Frames(path.join(place.scratch, 'frames'), place.messages);
  const all = place.frames.expected(place.messages);
  console.log(`frames     ${all.messages}, ${Math.round(all.bytes / all.messages)} bytes each; median of ${place.runs} runs (least to most)`);
  for (const name of wanted) {
    try {
      await suites[name](place, report);
    } catch (e) {
      report.fault(`${name}: ${e instanceof LostEvents ? e.message : e.stack}`);
    }
  }
  const judged = report.rows.filter((row) => row.met !== undefined || row.good !== undefined);
  const met = judged.filter((row) => row.met ?? row.good).length;
  console.log(`${met} of ${judged.length} goals met, ${report.wrong.length} results wrong`);
  if (arg.json) writeFileSync(arg.json, JSON.stringify({ about, rows: report.rows, wrong: report.wrong }, null, 2));
  return report.wrong.length > 0 ? 1 : 0;
}

process.exit(await main());
