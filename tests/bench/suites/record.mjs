// What the flight recorder costs: instructions that the lane spends on it (callgrind, which no other load can change),
// and a flood with and without it. The lane stays on core 1; the recorder's thread shares core 0 with the sender.
import { readFileSync, readdirSync } from 'node:fs';
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

/** On-CPU nanoseconds of the lane: the one thread that may only run on its own core. */
function laneTime(subject) {
  const tasks = `/proc/${subject.process.pid}/task`;
  const lane = readdirSync(tasks).filter((id) => new RegExp(`Cpus_allowed_list:\\s+${CLIENT_CORE}\n`).test(readFileSync(`${tasks}/${id}/status`, 'utf8')));
  if (lane.length !== 1) throw new Error(`${lane.length} threads are pinned to core ${CLIENT_CORE}`);
  return Number(readFileSync(`${tasks}/${lane[0]}/schedstat`, 'utf8').split(' ')[0]);
}

export async function record(place, report) {
  const all = { without: [], with: [] };
  for (let run = 0; run < place.runs; run++)
    for (const [name, options] of [['without', plain], ['with', recording]])
      all[name].push(await runTrial(place, 'hawse', { messages: place.messages, mode: ['flood'], inspect: laneTime, ...options(place) }));
  const rate = (r) => place.messages / r.ns, time = (r) => r.seen / place.messages;
  console.log('flight recorder: a flood with and without it, in turns');
  for (const name of ['without', 'with']) {
    report.figure(`${name}: CPU of the lane a message`, all[name].map(time), { unit: 'ns', digits: 0 });
    report.figure(`${name}: messages a second`, all[name].map((r) => rate(r) * 1e3), { unit: 'M', digits: 3 });
  }
  report.figure('CPU of the lane with / without', ratios(all.with, all.without, time), { goal: 1.05 });
  report.figure('messages a second with / without, the recorder on the core of the sender', ratios(all.with, all.without, rate));
  await instructions(place, report);
}
