// The Solana plugin against a real runtime (Surfpool) through a proxy that makes all its troubles at
// once, at random: nothing missed, nothing twice, every late event inside an announced gap, every
// state right at the end. continuity.mjs makes them one by one.
//
//   HAWSE_BIN=... HAWSE_PLUGIN_DIR=... trial.mjs [--seconds 40] [--commitment confirmed] [--seed 1]
import { sleep } from '../e2e/lib/anvil.mjs';
import { Random } from '../e2e/lib/random.mjs';
import { report, Run } from './lib/run.mjs';

const option = (name, preset) => {
  const at = process.argv.indexOf(`--${name}`);
  return at > 0 ? process.argv[at + 1] : preset;
};
const seconds = Number(option('seconds', 40));
const commitment = option('commitment', 'confirmed');
const seed = Number(option('seed', 1));

async function troubles(proxy, random, until) {
  proxy.chance = { twice: 5, swap: 5, drop: 3, refuse: 10 };
  proxy.early = 60;
  const acts = ['kill', 'silence', 'freeze', 'kill', 'silence'];
  for (let i = 0; Date.now() < until; i++) {
    await sleep(1500 + random.below(2000));
    if (process.env.VERBOSE) console.log(new Date().toISOString(), acts[i % acts.length]);
    proxy[acts[i % acts.length]]();
  }
  proxy.chance = { twice: 0, swap: 0, drop: 0, refuse: 0 };
  proxy.early = 0;
}

const run = new Run(seed, new Random(seed), commitment);
await run.start();
const until = Date.now() + seconds * 1000;
await Promise.all([run.traffic(until), troubles(run.proxy, new Random(seed + 1), until)]);
await sleep(10_000); // two rounds of comparisons, without trouble
console.log(`# seed ${seed}, ${commitment}, ${seconds} s: ${run.sent} sent`);
report(await run.finish());
