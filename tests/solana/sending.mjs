// The Solana engine (sender.c) against a real runtime (Surfpool): this script stands between them,
// drops what is sent, sends it twice, loses answers and kills the engine. Each intent pays a key of
// its own, so that balances say how often it was executed: exactly as it is told, also after every
// byte that was ever signed was sent once more.
//
//   sending.mjs SENDER [--intents 24] [--kills 6] [--seed 1]
//
// Must never: invent an answer of a node. One correction: Surfpool answers getEpochInfo by its
// newest slot at any commitment; here it is put together from getSlot and getBlockHeight.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import readline from 'node:readline';
import web3 from '@solana/web3.js';
import { guardChild, sleep } from '../e2e/lib/anvil.mjs';
import { Random } from '../e2e/lib/random.mjs';
import { ask, startSurfpool } from './lib/node.mjs';
import { report } from './lib/run.mjs';

const SLOT_MS = 20;
const RENT = 890_880; // an account must hold at least so much
const option = (name, preset) => {
  const at = process.argv.indexOf(`--${name}`);
  return at > 0 ? Number(process.argv[at + 1]) : preset;
};
const total = option('intents', 24);
const seed = option('seed', 1);
const random = new Random(seed);
const keypair = (name) => web3.Keypair.fromSeed(createHash('sha256').update(`hawse sending ${seed} ${name}`).digest());
const hex = (data) => Buffer.from(data).toString('hex');
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'hawse-sending-'));
const node = await startSurfpool(SLOT_MS);
const payer = web3.Keypair.fromSecretKey(Buffer.from(node.secret, 'hex'));
const poor = keypair('poor');

/** Lands a transaction of the official client. */
async function land(instructions, signers = []) {
  const { value } = await ask(node.rpc, 'getLatestBlockhash', [{ commitment: 'confirmed' }]);
  const transaction = new web3.Transaction({ feePayer: payer.publicKey, ...value }).add(...instructions);
  transaction.sign(payer, ...signers);
  return ask(node.rpc, 'sendTransaction', [transaction.serialize().toString('base64'), { encoding: 'base64' }]);
}
const balance = async (key) => (await ask(node.rpc, 'getBalance', [String(key), { commitment: 'processed' }])).value;

// ---- what is wanted ----

const nonces = [keypair('nonce 0'), keypair('nonce 1')];
for (const nonce of nonces) {
  await land([
    web3.SystemProgram.createNonceAccount({ fromPubkey: payer.publicKey, noncePubkey: nonce.publicKey, authorizedPubkey: payer.publicKey, lamports: 1_447_680 }),
  ].flatMap((one) => one.instructions ?? one), [nonce]);
}
await land([web3.SystemProgram.transfer({ fromPubkey: payer.publicKey, toPubkey: poor.publicKey, lamports: RENT + 1_000_000 + 20_000 })]);

const KINDS = ['plain', 'durable', 'swallowed', 'too much', 'few units', 'poor', 'poor', 'canceled'];
const intents = new Map();
for (let n = 1; n <= total; n++) {
  const kind = n <= KINDS.length ? KINDS[n - 1] : KINDS[n % 2];
  intents.set(n, {
    kind,
    to: keypair(`to ${n}`).publicKey,
    lamports: kind === 'too much' ? 9_000_000_000_000_000 : kind === 'poor' ? 1_000_000 : 1_000_000 + n,
    limit: kind === 'few units' ? 100 : 0,
    key: kind === 'poor' ? 1 : 0,
    nonce: kind === 'durable' || kind === 'canceled' ? nonces[n % 2].publicKey : null,
    ends: [],
    renewals: 0,
  });
}

// ---- between the engine and the node ----

const counts = { asked: 0, dropped: 0, twice: 0, lost: 0, killed: 0, sent: 0 };
const bytes = new Set(); // all that was ever sent
let trouble = true;
let engine = null;

async function truth(method, params) {
  if (method !== 'getEpochInfo') return ask(node.rpc, method, params);
  const absoluteSlot = await ask(node.rpc, 'getSlot', params);
  const blockHeight = await ask(node.rpc, 'getBlockHeight', params);
  // of two answers: the older slot with the newer height would prove too much
  return { absoluteSlot: absoluteSlot + 2, blockHeight, epoch: 0 };
}

/** Which intent these bytes are of: by whom they pay. */
function owner(wire) {
  const keys = web3.VersionedTransaction.deserialize(Buffer.from(wire, 'base64')).message.staticAccountKeys.map(String);
  return [...intents.values()].find((one) => keys.includes(String(one.to)));
}

async function answer(method, params) {
  counts.asked++;
  if (method === 'sendTransaction') {
    counts.sent++;
    bytes.add(params[0]);
    const intent = owner(params[0]);
    // never reaches the node, which is what a leader that forgets it looks like
    const swallowed = (intent?.kind === 'swallowed' && intent.renewals === 0) || (intent?.kind === 'canceled');
    if (swallowed || (trouble && random.below(100) < 30)) {
      counts.dropped++;
      const { signatures } = web3.VersionedTransaction.deserialize(Buffer.from(params[0], 'base64'));
      return JSON.stringify((await import('bs58')).default.encode(Buffer.from(signatures[0])));
    }
    if (trouble && random.below(100) < 20) {
      counts.twice++;
      await truth(method, params).catch(() => {});
    }
  }
  const result = JSON.stringify(await truth(method, params));
  if (trouble && random.below(100) < 10) throw new Error('lost');
  return result;
}

async function on(mine, line) {
  const [what, id, method, ...rest] = line.split(' ');
  if (what === 'ask') {
    let reply;
    try {
      reply = `0 ${await answer(method, JSON.parse(rest.join(' ')))}`;
    } catch (error) {
      if (!error.code) counts.lost++;
      reply = error.code ? `1 ${JSON.stringify({ code: error.code, message: 'm', data: error.data })}` : '2 ';
    }
    if (mine.alive) mine.child.stdin.write(`answer ${id} ${reply}\n`);
    return;
  }
  const [tell, end] = [Number(method), rest[0]];
  const intent = intents.get(Number(id));
  if (process.env.VERBOSE) console.log(`# ${new Date().toISOString()} ${intent.kind}: ${line}`);
  if (tell === 9) intent.renewals++;
  if (tell === 3 && intent.kind === 'canceled' && mine.alive) mine.child.stdin.write(`cancel ${id}\n`);
  const words = line.slice(5).match(/not yet|\S+/g);
  if (words[2] !== 'not yet') intent.ends.push({ end, attempts: Number(words[3]), reason: words.slice(5).join(' ') });
}

/** Starts the engine with what has not ended. */
function start() {
  const mine = { alive: true };
  mine.child = spawn(process.argv[2], [path.join(folder, 'journal'), SLOT_MS, node.secret, hex(poor.secretKey)].map(String), { stdio: ['pipe', 'pipe', 'inherit'] });
  guardChild(mine.child);
  mine.child.stdin.on('error', () => {});
  mine.child.on('exit', () => { mine.alive = false; });
  readline.createInterface({ input: mine.child.stdout }).on('line', (line) => on(mine, line));
  for (const [n, one] of intents) {
    if (one.ends.length > 0) continue;
    mine.child.stdin.write(`add ${n} ${one.key} ${hex(one.to.toBytes())} ${one.lamports} ${one.limit}${one.nonce ? ` ${hex(one.nonce.toBytes())}` : ''}\n`);
  }
  engine = mine;
}

const open = () => [...intents.values()].filter((one) => one.ends.length === 0).length;
start();
for (let i = 0; i < option('kills', 6); i++) {
  await sleep(200 + random.below(400));
  const { child } = engine;
  engine.alive = false;
  counts.killed++;
  const gone = new Promise((done) => child.once('exit', done));
  child.kill('SIGKILL');
  await gone;
  start();
}
trouble = false;
const until = Date.now() + 30_000;
while (open() > 0 && Date.now() < until) await sleep(50);
engine.child.stdin.end();

// ---- what happened ----

// dead bytes are dead
for (const wire of bytes) await ask(node.rpc, 'sendTransaction', [wire, { encoding: 'base64', skipPreflight: true }]).catch(() => {});
await sleep(20 * SLOT_MS);
const wrong = [];
const ends = {};
for (const [n, one] of intents) {
  const got = await balance(one.to);
  const end = one.ends[0]?.end ?? 'none';
  ends[`${one.kind} ${end}`] = (ends[`${one.kind} ${end}`] ?? 0) + 1;
  if (one.ends.length !== 1 || got !== (end === 'confirmed' ? one.lamports : 0)) wrong.push(`${n} (${one.kind}): ${JSON.stringify(one.ends)}, balance ${got}`);
}
console.log(`# seed ${seed}: ${JSON.stringify(counts)}, ${bytes.size} different transactions signed`);
console.log(`# ${JSON.stringify(ends)}`);
for (const one of wrong) console.log(`# ${one}`);
const of = (kind) => [...intents.values()].filter((one) => one.kind === kind).map((one) => one.ends[0] ?? {});
fs.rmSync(folder, { recursive: true });
await node.stop();
report([
  [`${total} intents with ${counts.killed} kill -9, ${counts.dropped} sends dropped and ${counts.twice} doubled: each ended once, and was executed as often as it is told`, wrong.length === 0],
  ['plain and durable ones are confirmed', [...of('plain'), ...of('durable')].every(({ end }) => end === 'confirmed')],
  ['what no leader took was signed anew once it had expired, and confirmed', of('swallowed').every(({ end, attempts }) => end === 'confirmed' && attempts === 2)],
  [`too much money: ${of('too much')[0].reason}`, of('too much').every(({ end }) => end === 'refused')],
  [`too few units: ${of('few units')[0].reason}`, of('few units').every(({ end }) => end === 'refused')],
  ['of two that the same money pays for, one is confirmed', of('poor').filter(({ end }) => end === 'confirmed').length === 1],
  ['a durable one that is canceled is ended by an empty transaction', of('canceled').every(({ end, attempts }) => end === 'canceled' && attempts === 2)],
]);
