// The Solana plugin against a stand-in for a cluster that forks (lib/cluster.mjs; the real runtime
// of trial.mjs cannot): rollbacks of one to three slots, while connected and while not,
// and slots of a minority, after which the branch before comes back. At the end
// exactly what the surviving branch holds stands told, once; what was abandoned was taken back.
//
//   HAWSE_BIN=... HAWSE_PLUGIN_DIR=... forks.mjs [--slots 1500] [--seed 1]
import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import bs58 from 'bs58';
import { sleep } from '../e2e/lib/anvil.mjs';
import { Hawse, programOf } from '../e2e/lib/hawse.mjs';
import { Random } from '../e2e/lib/random.mjs';
import { Cluster } from './lib/cluster.mjs';
import { Judge } from './lib/judge.mjs';
import { report } from './lib/run.mjs';

const SLOT_MS = 20;

/** One slot each SLOT_MS; every tenth or so a fork, now and then the connection is lost. */
async function play(cluster, random, total) {
  let kills = 0;
  let dark = 0;
  for (let i = 0; i < total; i++) {
    const quiet = i > total - 120; // so that all of it is confirmed at the end
    if (!quiet && i > 60 && random.below(12) === 0) cluster.fork(1 + random.below(3));
    else if (!quiet && i > 60 && random.below(20) === 0) cluster.minor(1 + random.below(2));
    else cluster.tick(quiet || i < 60 ? 0 : random.below(4));
    if (!quiet && i > 60 && random.below(60) === 0) {
      cluster.kill();
      cluster.up = false;
      kills++;
      dark = 2 + random.below(20); // slots, and forks, that nobody sees
    }
    if (--dark <= 0) cluster.up = true;
    await sleep(SLOT_MS);
  }
  return kills;
}

/** Plays so many slots, and tells what came of it: the checks. */
export async function forks({ slots: total, seed }) {
  const random = new Random(seed);
  const keys = Array.from({ length: 10 }, (_, i) => bs58.encode(createHash('sha256').update(`forks ${seed} ${i}`).digest()));
  const cluster = new Cluster(keys, random);
  await cluster.start();
  const judge = new Judge();
  judge.snapshots = (event) => event.t === 'solana.account' && judge.rollbacks.length > 0; // read again after a rollback
  const { command, pluginDir } = programOf('hawse');
  const hawse = new Hawse(command);
  hawse.on('event', (event) => judge.take(event));
  hawse.on('garbage', (line) => judge.fault(`garbage on the tape: ${line.slice(0, 200)}`));
  hawse.start({
    hawse: 1,
    plugins: { path: [pluginDir] },
    state_dir: hawse.folder,
    instances: {
      chain: {
        plugin: 'org.hawse.solana',
        allow: 'experimental',
        endpoints: { ws: { url: cluster.ws, ping_ms: 1000, idle_ms: 3000, backoff_min_ms: 10, backoff_max_ms: 100 }, http: { url: cluster.rpc } },
        grants: ['net', 'rpc'],
        settings: { commitment: 'processed', accounts: keys, logs: keys, slots_idle_ms: 3000, check_ms: 1000, requests_per_second: 1000 },
      },
      tape: { plugin: 'org.hawse.jsonl', links: { chain: 'chain' }, settings: { sources: ['chain'] } },
    },
  });

  const kills = await play(cluster, random, total);
  // the last slots are told while nothing changes any more
  for (let i = 0; i < 200; i++) {
    cluster.tick(0);
    await sleep(SLOT_MS);
  }
  await sleep(500);
  hawse.mustRun();
  const stopped = await hawse.stop();
  cluster.stop();

  const signatures = [];
  const branch = new Set();
  for (const node of cluster.branch()) {
    branch.add(node.slot);
    signatures.push(...node.transfers.map((one) => one.signature));
  }
  const states = Object.fromEntries(keys.map((key) => [key, 9_300_000_000_000_000_000n + cluster.lamports(key, cluster.head)]));
  const result = judge.finish(signatures, states);
  const astray = judge.slots.filter((slot) => !branch.has(slot));
  const depth = judge.rollbacks.reduce((sum, one) => sum + one.slots, 0);
  const wrong = [...judge.accounts.values()].flat().filter((one) => one.lamports !== '0' && one.rent_epoch !== '18446744073709551615');

  console.log(`# seed ${seed}: ${JSON.stringify(cluster.counts)}, connection lost ${kills} times`);
  console.log(`# tape: ${JSON.stringify(judge.counts)}`);
  console.log(`# gaps: ${JSON.stringify(judge.gaps)}; rollbacks told ${judge.rollbacks.length}, ${depth} slots`);
  for (const fault of judge.faults) console.log(`# ${fault}`);
  if (process.env.VERBOSE) console.log(hawse.errors.join('\n'));
  return [
    [`${result.happened} transactions stand, ${result.missed} missed, ${result.twice} twice`, result.happened > 100 && result.missed + result.twice === 0],
    [`${keys.length} accounts above 2^63 lamports, ${result.stale} with a wrong state at the end`, result.stale === 0 && wrong.length === 0],
    [`${judge.slots.length} slots stand told, ${astray.length} of them abandoned`, astray.length === 0 && judge.slots.at(-1) === cluster.head],
    [`${judge.rollbacks.length} rollbacks were told of ${cluster.counts.forks} forks and ${cluster.counts.minor} slots of minorities, the others happened unseen`, judge.rollbacks.length > 0 && judge.rollbacks.length <= cluster.counts.forks + 2 * cluster.counts.minor],
    [`final up to slot ${judge.final}, as rootSubscribe says, and nothing of it was taken back`, judge.final === cluster.at('finalized')],
    ['sequences, gaps, late events and slots are in order', judge.faults.length === 0],
    ['the program stops by itself', stopped.code === 0],
  ];
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const option = (name, preset) => {
    const at = process.argv.indexOf(`--${name}`);
    return at > 0 ? Number(process.argv[at + 1]) : preset;
  };
  report(await forks({ slots: option('slots', 1500), seed: option('seed', 1) }));
}
