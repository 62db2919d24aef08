// The hot path allocates and locks nothing: shown by counting. The host takes a small and a large flood of logs; the
// calls that the larger one adds, divided by the messages it adds, must be zero but for what goes by time. Prints TAP.
//   node hotpath.mjs BUILD
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { Frames } from './lib/frames.mjs';
import { placeOf } from './lib/subjects.mjs';
import { runTrial } from './lib/trial.mjs';

const SMALL = 50_000, LARGE = 350_000;
const LIMIT = 0.002; // calls a message: timers, final blocks and metrics go by time, not by message
const HOLD_MS = 3000; // both floods get the same time: what goes by time cancels out

const place = placeOf(process.argv[2]);
place.frames = new Frames(path.join(place.scratch, 'frames'), LARGE);

async function count(messages) {
  const file = path.join(place.scratch, `counts.${messages}`);
  await runTrial(place, 'hawse', { messages, mode: ['flood'], holdMs: HOLD_MS,
    env: { LD_PRELOAD: path.join(place.bench, 'count_calls.so'), COUNT_CALLS: file } });
  return readFileSync(file, 'utf8').trim().split(' ').map(Number);
}

const small = await count(SMALL), large = await count(LARGE);
let bad = 0;
for (const [i, what] of ['allocations', 'mutex locks'].entries()) {
  const each = (large[i] - small[i]) / (LARGE - SMALL), good = each < LIMIT;
  bad += !good;
  console.log(`# ${what}: ${small[i]} with ${SMALL} messages, ${large[i]} with ${LARGE}: ${each.toFixed(6)} a message`);
  console.log(`${good ? '' : 'not '}ok ${i + 1} - a message costs no ${what}`);
}
console.log('1..2');
process.exit(bad ? 1 : 0);
