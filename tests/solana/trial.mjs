// The Solana plugin against a real runtime (Surfpool) through a proxy that makes trouble: nothing
// missed, nothing twice, every late event inside an announced gap, every state right at the end.
//
//   HAWSE_BIN=... HAWSE_PLUGIN_DIR=... trial.mjs [--seconds 40] [--commitment confirmed] [--seed 1]
import { createHash } from 'node:crypto';
import web3 from '@solana/web3.js';
import { sleep } from '../e2e/lib/anvil.mjs';
import { Hawse, programOf } from '../e2e/lib/hawse.mjs';
import { Random } from '../e2e/lib/random.mjs';
import { Judge } from './lib/judge.mjs';
import { ask, startSurfpool } from './lib/node.mjs';
import { Proxy } from './lib/proxy.mjs';

const option = (name, preset) => {
  const at = process.argv.indexOf(`--${name}`);
  return at > 0 ? process.argv[at + 1] : preset;
};
const seconds = Number(option('seconds', 40));
const commitment = option('commitment', 'confirmed');
const seed = Number(option('seed', 1));
const KEYS = 12;
const SLOT_MS = 100;

/** Sends transfers to the watched keys, one each, some of which fail. */
async function traffic(node, keys, random, until, sent) {
  const payer = web3.Keypair.fromSecretKey(Buffer.from(node.secret, 'hex'));
  let n = 0;
  while (Date.now() < until) {
    const { value: { blockhash } } = await ask(node.rpc, 'getLatestBlockhash', [{ commitment: 'confirmed' }]);
    for (let i = 0; i < 8 && Date.now() < until; i++) {
      const to = keys[random.below(keys.length)];
      const lamports = 1_000_000 + n++;
      const transaction = new web3.Transaction({ feePayer: payer.publicKey, recentBlockhash: blockhash })
        .add(web3.SystemProgram.transfer({ fromPubkey: payer.publicKey, toPubkey: to, lamports }));
      transaction.sign(payer);
      sent.push(await ask(node.rpc, 'sendTransaction', [transaction.serialize().toString('base64'), { encoding: 'base64', skipPreflight: true }]));
      await sleep(random.below(60));
    }
  }
}

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

/** What happened: every transaction of the keys, as the node lists them. */
async function truth(node, keys) {
  const signatures = [];
  const states = {};
  for (const key of keys) {
    let before;
    for (;;) {
      const page = await ask(node.rpc, 'getSignaturesForAddress', [key.toBase58(), { commitment: 'confirmed', limit: 1000, before }]);
      signatures.push(...page.map((one) => one.signature));
      if (page.length < 1000) break;
      before = page.at(-1).signature;
    }
  }
  // the payer is not watched by itself: the program that owns it is
  const payer = web3.Keypair.fromSecretKey(Buffer.from(node.secret, 'hex')).publicKey;
  for (const key of [...keys, payer]) {
    states[key.toBase58()] = (await ask(node.rpc, 'getBalance', [key.toBase58(), { commitment: 'confirmed' }])).value;
  }
  return { signatures, states };
}

const random = new Random(seed);
const keys = Array.from({ length: KEYS }, (_, i) => web3.Keypair.fromSeed(createHash('sha256').update(`hawse ${seed} ${i}`).digest()).publicKey);
const node = await startSurfpool(SLOT_MS);
const proxy = new Proxy(node, random);
await proxy.start();
const judge = new Judge();
const genesis = await ask(node.rpc, 'getGenesisHash', []);
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
      endpoints: {
        ws: { url: proxy.wsUrl, ping_ms: 400, idle_ms: 1500, backoff_min_ms: 20, backoff_max_ms: 300 },
        http: { url: proxy.rpcUrl, request_timeout_ms: 3000 },
      },
      grants: ['net', 'rpc'],
      settings: {
        commitment, genesis, accounts: keys.map(String), logs: keys.map(String), programs: [String(web3.SystemProgram.programId)], slots_idle_ms: 1500, check_ms: 2000,
        reply_ms: 2000, requests_per_second: 500,
      },
    },
    tape: { plugin: 'org.hawse.jsonl', links: { chain: 'chain' }, settings: { sources: ['chain'] } },
  },
});
await sleep(1500);
hawse.mustRun();
const until = Date.now() + seconds * 1000;
const sent = [];
await Promise.all([traffic(node, keys, random, until, sent), troubles(proxy, new Random(seed + 1), until)]);
await sleep(10_000); // two rounds of comparisons, without trouble
hawse.mustRun();
const { signatures, states } = await truth(node, keys);
const stopped = await hawse.stop();
proxy.stop();
await node.stop();

const result = judge.finish(signatures, states);
console.log(`# seed ${seed}, ${commitment}, ${seconds} s: ${sent.length} sent, ${result.happened} happened`);
console.log(`# troubles: ${JSON.stringify(proxy.counts)}`);
console.log(`# tape: ${JSON.stringify(judge.counts)}`);
console.log(`# gaps: ${JSON.stringify(judge.gaps)}; slots told ${judge.slots.length}`);
for (const fault of judge.faults) console.log(`# ${fault}`);
if (process.env.VERBOSE) console.log(hawse.errors.join('\n'));
const checks = [
  [`${result.happened} transactions, ${result.missed} missed, ${result.twice} twice`, result.happened > 100 && result.missed + result.twice === 0],
  [`${KEYS} accounts and the payer, ${result.stale} with a wrong state at the end`, result.stale === 0],
  [`frames to the node at most 4,096 bytes (${proxy.counts.largest})`, proxy.counts.largest <= 4096],
  ['sequences, gaps, late events and slots are in order', judge.faults.length === 0],
  ['the program stops by itself', stopped.code === 0],
];
checks.forEach(([what, good], i) => console.log(`${good ? 'ok' : 'not ok'} ${i + 1} - ${what}`));
console.log(`1..${checks.length}`);
process.exit(checks.every(([, good]) => good) ? 0 : 1);
