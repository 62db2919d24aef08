// One run of the program against Surfpool behind a proxy: what the trials of continuity share. The
// keys' accounts and logs are watched, and all accounts of the system program.
// Owns: the node, the proxy and the program. Must never: make trouble.
import { createHash } from 'node:crypto';
import web3 from '@solana/web3.js';
import { sleep } from '../../e2e/lib/anvil.mjs';
import { Hawse, programOf } from '../../e2e/lib/hawse.mjs';
import { Judge } from './judge.mjs';
import { ask, startSurfpool } from './node.mjs';
import { Proxy } from './proxy.mjs';

const KEYS = 12;
const SLOT_MS = 100;

export class Run {
  constructor(seed, random, commitment) {
    this.seed = seed;
    this.random = random;
    this.commitment = commitment;
    this.judge = new Judge();
    this.sent = 0;
    this.keys = Array.from({ length: KEYS }, (_, i) => web3.Keypair.fromSeed(createHash('sha256').update(`hawse ${seed} ${i}`).digest()).publicKey);
  }

  async start() {
    this.node = await startSurfpool(SLOT_MS);
    this.payer = web3.Keypair.fromSecretKey(Buffer.from(this.node.secret, 'hex'));
    this.proxy = new Proxy(this.node, this.random);
    await this.proxy.start();
    const genesis = await ask(this.node.rpc, 'getGenesisHash');
    const { command, pluginDir } = programOf('hawse');
    this.hawse = new Hawse(command);
    this.hawse.on('event', (event) => this.judge.take(event));
    this.hawse.on('garbage', (line) => this.judge.fault(`garbage on the tape: ${line.slice(0, 200)}`));
    const keys = this.keys.map(String);
    this.hawse.start({
      hawse: 1,
      plugins: { path: [pluginDir] },
      state_dir: this.hawse.folder,
      instances: {
        chain: {
          plugin: 'org.hawse.solana',
          allow: 'experimental',
          endpoints: {
            ws: { url: this.proxy.wsUrl, ping_ms: 400, idle_ms: 1500, backoff_min_ms: 20, backoff_max_ms: 300 },
            http: { url: this.proxy.rpcUrl, request_timeout_ms: 3000 },
          },
          grants: ['net', 'rpc'],
          settings: {
            commitment: this.commitment, genesis, accounts: keys, logs: keys, programs: [String(web3.SystemProgram.programId)],
            slots_idle_ms: 1500, check_ms: 2000, reply_ms: 2000, requests_per_second: 500,
          },
        },
        tape: { plugin: 'org.hawse.jsonl', links: { chain: 'chain' }, settings: { sources: ['chain'] } },
      },
    });
    // nothing is promised of what happened before
    for (const limit = Date.now() + 30_000; this.judge.live.size < 4 && Date.now() < limit;) await sleep(50);
    this.hawse.mustRun();
  }

  /** Transfers to the watched keys until that time, one each, and at least so many. */
  async traffic(until, least = 0, signatures = []) {
    const more = () => Date.now() < until || signatures.length < least;
    while (more()) {
      const { value: { blockhash } } = await ask(this.node.rpc, 'getLatestBlockhash', [{ commitment: 'confirmed' }]);
      for (let i = 0; i < 8 && more(); i++) {
        const transaction = new web3.Transaction({ feePayer: this.payer.publicKey, recentBlockhash: blockhash })
          .add(web3.SystemProgram.transfer({ fromPubkey: this.payer.publicKey, toPubkey: this.random.pick(this.keys), lamports: 1_000_000 + this.sent++ }));
        transaction.sign(this.payer);
        signatures.push(await ask(this.node.rpc, 'sendTransaction', [transaction.serialize().toString('base64'), { encoding: 'base64', skipPreflight: true }]));
        await sleep(this.random.below(60));
      }
    }
    return signatures;
  }

  /** What happened: every transaction of the keys, as the node lists them, and all states. */
  async truth() {
    const signatures = [];
    const states = {};
    for (const key of this.keys) {
      let before;
      for (;;) {
        const page = await ask(this.node.rpc, 'getSignaturesForAddress', [key.toBase58(), { commitment: 'confirmed', limit: 1000, before }]);
        signatures.push(...page.map((one) => one.signature));
        if (page.length < 1000) break;
        before = page.at(-1).signature;
      }
    }
    // the payer is not watched by itself: the program that owns it is
    for (const key of [...this.keys, this.payer.publicKey]) {
      states[key.toBase58()] = (await ask(this.node.rpc, 'getBalance', [key.toBase58(), { commitment: 'confirmed' }])).value;
    }
    return { signatures, states };
  }

  /** Ends everything; what was told against what happened, and the checks that every run must pass. */
  async finish() {
    this.hawse.mustRun();
    const { signatures, states } = await this.truth();
    const stopped = await this.hawse.stop();
    this.proxy.stop();
    await this.node.stop();
    const { judge } = this;
    const result = judge.finish(signatures, states);
    console.log(`# troubles: ${JSON.stringify(this.proxy.counts)}`);
    console.log(`# tape: ${JSON.stringify(judge.counts)}`);
    console.log(`# gaps: ${JSON.stringify(judge.gaps)}; slots told ${judge.slots.length}`);
    for (const fault of judge.faults) console.log(`# ${fault}`);
    if (process.env.VERBOSE) console.log(this.hawse.errors.join('\n'));
    return [
      [`${result.happened} transactions, ${result.missed} missed, ${result.twice} twice`, result.happened > 100 && result.missed + result.twice === 0],
      [`${KEYS} accounts and the payer, ${result.stale} with a wrong state at the end`, result.stale === 0],
      [`frames to the node at most 4,096 bytes (${this.proxy.counts.largest})`, this.proxy.counts.largest <= 4096],
      ['sequences, gaps, late events and slots are in order', judge.faults.length === 0],
      ['the program stops by itself', stopped.code === 0],
    ];
  }
}

/** Prints checks as TAP and ends. */
export function report(checks) {
  checks.forEach(([what, good], i) => console.log(`${good ? 'ok' : 'not ok'} ${i + 1} - ${what}`));
  console.log(`1..${checks.length}`);
  process.exit(checks.every(([, good]) => good) ? 0 : 1);
}
