// What the flight recorder costs: instructions that the lane spends on it (callgrind, which no other load can change), its
// CPU time at the same offered load with and without, and that of the whole process. The lane stays on core 1; the
// recorder's thread shares core 0 with the sender. The load is one that the recorder's thread keeps up with (nothing is
// left out); a flood is not, and says little: there callbacks are left out.
import path from 'node:path';
import { ratios } from '../lib/rounds.mjs';
import { CLIENT_CORE, SERVER_CORE } from '../lib/subjects.mjs';
import { runTrial } from '../lib/trial.mjs';
import { count } from './own.mjs';

const LANE = /^(recorder_|tap_|sub_publish|stream_touch|put_|store_|copy_|spool_|take$|end$|begin$|commit$|tell_loss|count_loss|metrics_add|timer_set|give_up)/;
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
  report.figure("recorder: the lane's instructions a message, copies and all", withit.lane - without.lane, { digits: 0 });
}

const BURST = 301, EVERY_MS = 2; // 150,000 messages a second, 240 MB/s of records

export async function record(place, report) {
  const all = { without: [], with: [] }, rate = (r) => place.messages / r.ns;
  for (let run = 0; run < place.runs; run++)
    for (const [name, options] of [['without', plain], ['with', recording]])
      all[name].push(await runTrial(place, 'hawse', { messages: place.messages, mode: ['burst', BURST, EVERY_MS], ...options(place) }));
  console.log('flight recorder: the same offered load with and without it, in turns');
  for (const name of ['without', 'with']) {
    report.figure(`${name}: messages a second`, all[name].map((r) => rate(r) * 1e6), { unit: 'k', digits: 1 });
    report.figure(`${name}: CPU of the lane a message`, all[name].map((r) => r.lane_ns / place.messages), { unit: 'ns', digits: 0 });
    report.figure(`${name}: other CPU a message`, all[name].map((r) => (r.cpu_ns - r.lane_ns) / place.messages), { unit: 'ns', digits: 0 });
    report.figure(`${name}: peak memory`, all[name].map((r) => r.peak_kb / 1024), { unit: 'MiB', digits: 1 });
  }
  const more = ratios(all.with, all.without, (r) => r.lane_ns).map((ratio) => (ratio - 1) * 100);
  report.figure("recorder: more CPU of the lane", more, { unit: '%', digits: 1, goal: 5 });
  await instructions(place, report);
}
