// What it costs an event to cross from one lane to another, beside what it costs to stay (bench_crossing.c). The time that
// crosses is mostly that of the machine: a cache line that the other core has is 0.1 us away, more on virtual machines
// whose cores move about.
import { execFileSync } from 'node:child_process';
import path from 'node:path';

const EVENTS = 2_000_000;

export async function lanes(place, report) {
  const runs = [];
  for (let run = 0; run < place.runs; run++) {
    const command = ['0,1', path.join(place.bench, 'bench-crossing'), String(place.smoke ? 64_000 : EVENTS)];
    runs.push(JSON.parse(execFileSync('taskset', ['-c', ...command], { encoding: 'utf8' })));
  }
  const of = (pick) => runs.map(pick), ns = { unit: 'ns', digits: 0 };
  report.figure('in lane: CPU an event, batches of 64', of((r) => r.in_lane_ns), ns);
  report.figure("crossing: CPU of the source's lane an event", of((r) => r.cross_source_ns), ns);
  report.figure("crossing: CPU of the reader's lane an event", of((r) => r.cross_reader_ns), ns);
  for (const [name, what] of [['in_lane', 'in lane'], ['awake', 'crossing, reader polls'], ['asleep', 'crossing, reader sleeps']])
    for (const p of ['p50', 'p99'])
      report.figure(`${what}: publish to callback, ${p}`, of((r) => r[name][p]), ns);
}
