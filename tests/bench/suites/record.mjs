// What the flight recorder costs: instructions that the lane spends on it (callgrind, which no other load can change),
// and a flood with and without it. The lane stays on core 1; the recorder's thread shares core 0 with the sender.
import path from 'node:path';
import { ratios } from '../lib/rounds.mjs';
import { CLIENT_CORE, SERVER_CORE } from '../lib/subjects.mjs';
import { runTrial } from '../lib/trial.mjs';
import { count } from './own.mjs';

const LANE = /^(recorder_|tap_|sub_publish|stream_touch|put_event|put_refs|take$|end$|tell_loss|count_loss|metrics_add|timer_set|give_up)/;
let captures = 0;

const recording = (place, more = {}) => ({
  config: { record: { file: path.join(place.scratch, `capture-${++captures}`), ...more },
    lanes: { main: { cpu: Number(CLIENT_CORE) } } },
  cores: `${SERVER_CORE},${CLIENT_CORE}`,
});
const plain = (place) => ({ ...recording(place), config: { lanes: { main: { cpu: Number(CLIENT_CORE) } } } });

async function instructions(place, report) {
  const small = Math.min(4_000, Math.floor(place.messages / 4)), large = Math.min(24_000, place.messages);
  const each = async (options) => {
    const a = await count(place, small, options()), b = await count(place, large, options());
    const lane = (by) => [...by].filter(([name]) => LANE.test(name)).reduce((sum, [, n]) => sum + n, 0);
    return { all: (b.total - a.total) / (large - small), lane: (lane(b.by) - lane(a.by)) / (large - small) };
  };
  const without = await each(() => ({})), withit = await each(() => ({ config: recording(place, { when_full: 'wait' }).config }));
  report.figure('hawse: instructions a message', without.all, { digits: 0 });
  report.figure("recorder: the lane's instructions a message, copies left out", withit.lane - without.lane, { digits: 0 });
  report.figure('recorder: share of the lane', (withit.lane - without.lane) / without.all * 100, { unit: '%', digits: 1, goal: 5 });
}

// as many as the ring takes: the recorder's thread, which shares a core with nobody here, is not what is measured
const OWN = 30_000;

/** Own CPU time of the lane a message: frames come from memory (recv_shim.c), kernel and socket are left out. */
async function ownTime(place, options) {
  const messages = Math.min(place.messages, OWN);
  const env = { LD_PRELOAD: path.join(place.bench, 'recv_shim.so'), BENCH_FILE: place.frames.file, BENCH_MESSAGES: String(messages), BENCH_FD: '3' };
  return (await runTrial(place, 'hawse', { messages, mode: ['mark'], env, ...options })).own.own_ns / messages;
}

export async function record(place, report) {
  const all = { without: [], with: [] }, own = { without: [], with: [] };
  for (let run = 0; run < place.runs; run++) {
    for (const [name, options] of [['without', plain], ['with', recording]]) {
      all[name].push(await runTrial(place, 'hawse', { messages: place.messages, mode: ['flood'], ...options(place) }));
      own[name].push(await ownTime(place, options(place, { buffer_mib: 64 })));
    }
  }
  const rate = (r) => place.messages / r.ns;
  console.log('flight recorder: with and without it, in turns');
  for (const name of ['without', 'with']) {
    report.figure(`${name}: own CPU of the lane a message`, own[name], { unit: 'ns', digits: 0 });
    report.figure(`${name}: messages a second`, all[name].map((r) => rate(r) * 1e3), { unit: 'M', digits: 3 });
  }
  report.figure('own CPU, least with less least without', Math.min(...own.with) - Math.min(...own.without), { unit: 'ns', digits: 0 });
  report.figure('messages a second with / without, the recorder on the core of the sender', ratios(all.with, all.without, rate));
  await instructions(place, report);
}
