// What can happen to a stream, one by one, with counts: the Solana plugin against a real runtime
// (Surfpool) behind a proxy that closes, freezes, goes half-open, doubles, swaps, drops, answers
// slowly, or lets one subscription fall silent; then rollbacks of one to three slots on the stand-in
// of forks.mjs. Nothing missed, nothing twice, each gap announced before later data, and healed.
//
//   HAWSE_BIN=... HAWSE_PLUGIN_DIR=... continuity.mjs [--seconds 2] [--slots 400] [--seed 1]
// seconds: of traffic under each trouble.
import { sleep } from '../e2e/lib/anvil.mjs';
import { Random } from '../e2e/lib/random.mjs';
import { forks } from './forks.mjs';
import { report, Run } from './lib/run.mjs';

const option = (name, preset) => {
  const at = process.argv.indexOf(`--${name}`);
  return at > 0 ? Number(process.argv[at + 1]) : preset;
};
const seconds = option('seconds', 2);
const seed = option('seed', 1);
const SETTLE_MS = 15_000;
const LEAST = 6; // transactions before a trouble, and after it began

const chance = (proxy, what) => Object.assign(proxy.chance, what);
/** Each begins in the middle of the traffic; `end` undoes what lasts. */
const troubles = [
  { name: 'kill', begin: (proxy) => proxy.kill() },
  { name: 'freeze', begin: (proxy) => proxy.freeze() },
  { name: 'half-open', begin: (proxy) => proxy.halfOpen(1500) },
  { name: 'duplicate', begin: (proxy) => chance(proxy, { twice: 40 }), end: (proxy) => chance(proxy, { twice: 0 }) },
  { name: 'reorder', begin: (proxy) => chance(proxy, { swap: 40 }), end: (proxy) => chance(proxy, { swap: 0 }) },
  { name: 'drop', begin: (proxy) => chance(proxy, { drop: 20 }), end: (proxy) => chance(proxy, { drop: 0 }) },
  { name: 'slow start', begin: (proxy) => { proxy.slow = 700; proxy.kill(); }, end: (proxy) => { proxy.slow = 0; } },
  { name: 'silent account', begin: (proxy) => proxy.silence('accountSubscribe') },
  { name: 'silent program', begin: (proxy) => proxy.silence('programSubscribe') },
  { name: 'silent logs', begin: (proxy) => proxy.silence('logsSubscribe') },
  { name: 'silent slots', begin: (proxy) => proxy.silence('slotSubscribe') },
];

const total = (counts) => Object.entries(counts).reduce((sum, [name, n]) => sum + (name === 'largest' ? 0 : n), 0);

/** Traffic before, under and after a trouble, until every gap has ended. */
async function phase(run, trouble) {
  const { judge, proxy } = run;
  const before = { ...judge.gaps };
  const made = total(proxy.counts);
  const begun = Date.now();
  const signatures = [];
  const traffic = run.traffic(begun + seconds * 1000, 2 * LEAST, signatures);
  while (signatures.length < LEAST || Date.now() < begun + seconds * 300) await sleep(10);
  trouble.begin(proxy);
  await traffic;
  const ended = Date.now();
  trouble.end?.(proxy);
  const told = () => signatures.every((signature) => judge.logs.has(signature)) && judge.open.size === 0;
  while (!told() && Date.now() - ended < SETTLE_MS) await sleep(50);
  const delta = (name) => judge.gaps[name] - before[name];
  return {
    name: trouble.name, signatures, made: total(proxy.counts) - made, announced: delta('announced'), healed: delta('healed'),
    unhealable: delta('unhealable'), late: delta('late'), ms: Date.now() - ended,
  };
}

const run = new Run(seed, new Random(seed), 'confirmed');
await run.start();
const phases = [];
for (const trouble of troubles) phases.push(await phase(run, trouble));
await sleep(4500); // two rounds of comparisons, without trouble
const checks = await run.finish();
for (const one of phases) {
  const times = one.signatures.map((signature) => run.judge.logs.get(signature)?.length ?? 0);
  const missed = times.filter((n) => n === 0).length;
  const twice = times.filter((n) => n > 1).length;
  const gone = one.unhealable > 0 || one.announced !== one.healed;
  checks.push([
    `${one.name}: ${one.made} times, ${times.length} happened, ${missed} missed, ${twice} twice, ${one.announced} gaps, ` +
      `${one.healed} healed, ${one.late} late, whole ${one.ms} ms after the traffic`,
    one.made > 0 && times.length >= 2 * LEAST && missed + twice === 0 && !gone,
  ]);
}
checks.push(...(await forks({ slots: option('slots', 400), seed })));
report(checks);
