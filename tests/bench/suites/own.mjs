// The host's own share: what a message costs without kernel and socket, in nanoseconds (recv_shim.c answers from
// memory) and in instructions (callgrind), which no other load on the machine can change.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { runTrial } from '../lib/trial.mjs';

export async function own(place, report) {
  const runs = [];
  for (let run = 0; run < place.runs; run++) {
    const env = { LD_PRELOAD: path.join(place.bench, 'recv_shim.so'), BENCH_FILE: place.frames.file,
      BENCH_MESSAGES: String(place.messages), BENCH_FD: '3' };
    runs.push((await runTrial(place, 'hawse', { messages: place.messages, mode: ['mark'], env })).own);
  }
  console.log('own share: frames, JSON, routing and calls; kernel and socket left out');
  report.figure('hawse: own CPU a message', runs.map((r) => r.own_ns / r.messages), { unit: 'ns', digits: 0, goal: 250 });
  report.figure('the copy that stands for recv(), not in it', runs.map((r) => r.copy_ns / r.messages), { unit: 'ns', digits: 0 });
}

/** Instructions by function and in all, as callgrind wrote them. */
function read(file) {
  const text = execFileSync('callgrind_annotate', ['--show-percs=no', '--threshold=100', file], { encoding: 'utf8', maxBuffer: 1 << 26 });
  const by = new Map();
  let total = 0;
  for (const line of text.split('\n')) {
    const m = /^\s*([\d,]+)\s+(.*)$/.exec(line);
    if (!m) continue;
    const n = Number(m[1].replaceAll(',', ''));
    if (m[2].startsWith('PROGRAM TOTALS')) total = n;
    else {
      const name = m[2].replace(/^.*?:(\S+)( \[.*)?$/, '$1');
      by.set(name, (by.get(name) ?? 0) + n);
    }
  }
  return { total, by };
}

/** What a flood of so many messages takes in instructions; `options` are those of the trial. */
export async function count(place, messages, options = {}) {
  const file = path.join(place.scratch, `callgrind.${messages}`);
  await runTrial(place, 'hawse', { messages, mode: ['flood'], limitMs: 120_000, ...options,
    wrap: ['valgrind', '--tool=callgrind', '--quiet', `--callgrind-out-file=${file}`],
    env: { LD_PRELOAD: path.join(place.bench, 'recv_shim.so'), BENCH_EXE: place.hawse } });
  return read(file);
}

/** More than this is a step back that no load on the machine excuses: the run fails. Lower it with every step ahead. */
const RATCHET = 3200;

/** What the larger of two floods adds, a message: the start-up is in both. */
export async function instructions(place, report) {
  const small = Math.min(4_000, Math.floor(place.messages / 4)), large = Math.min(24_000, place.messages);
  const a = await count(place, small), b = await count(place, large);
  const each = (n) => n / (large - small);
  console.log('instructions: callgrind, from recv() to the callback, the whole host');
  const n = each(b.total - a.total);
  report.figure('hawse: instructions a message (P7)', n, { digits: 0, goal: 3300 });
  if (n > RATCHET && / avx2 /.test(readFileSync('/proc/cpuinfo', 'utf8')))
    report.fault(`instructions: ${Math.round(n)} a message, it was less than ${RATCHET}; callgrind_annotate says where`);
  const rows = [...b.by].map(([name, n]) => [name, each(n - (a.by.get(name) ?? 0))]).sort((x, y) => y[1] - x[1]);
  for (const [name, count] of rows.slice(0, 14)) report.figure(`  of these ${name}`, count, { digits: 0 });
}
