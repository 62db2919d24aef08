// Records the sample that the quickstart replays for Solana: the notifications of one WebSocket, as
// a real runtime (Surfpool) sent them, a hundred seconds of slots of 400 ms. A token with three holders
// who pay each other: their accounts, and the logs of all transactions that name the mint.
//   node record-sample.mjs [--out FILE] [--slots 300] [--seed 1]
// First line: what was recorded (cluster, subscriptions by id, accounts before the first frame, and
// what stands at the end). Then one line per frame: {"t_ms": milliseconds since the first frame,
// "frame": the frame as it came}. Everything that a plugin asks over HTTP follows from these: see
// tests/solana/README.md.
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import web3 from '@solana/web3.js';
import WebSocket from 'ws';
import { sleep } from '../e2e/lib/anvil.mjs';
import { Random } from '../e2e/lib/random.mjs';
import { ask, startSurfpool } from './lib/node.mjs';
import { Proxy } from './lib/proxy.mjs';
import * as spl from './lib/spl.mjs';

const SLOT_MS = 400;
const SIZE_LIMIT = 200_000;
const COMMITMENT = 'processed';
const here = path.dirname(fileURLToPath(import.meta.url));
const { values } = parseArgs({
  options: {
    out: { type: 'string', default: path.join(here, '../../packaging/quickstart/solana-sample.ndjson') },
    slots: { type: 'string', default: '240' },
    seed: { type: 'string', default: '1' },
  },
});
const random = new Random(values.seed);
const keypair = (name) => web3.Keypair.fromSeed(createHash('sha256').update(`hawse sample ${values.seed} ${name}`).digest());

async function run(node, payer, instructions, signers = []) {
  const { value: { blockhash } } = await ask(node.rpc, 'getLatestBlockhash', [{ commitment: COMMITMENT }]);
  const transaction = new web3.Transaction({ feePayer: payer.publicKey, recentBlockhash: blockhash }).add(...instructions);
  transaction.sign(payer, ...signers);
  return ask(node.rpc, 'sendTransaction', [transaction.serialize().toString('base64'), { encoding: 'base64', skipPreflight: true }]);
}

/** Subscribes and keeps every notification with the time of its arrival. */
async function record(url, holders, mint) {
  const frames = [];
  const replies = new Map();
  const socket = new WebSocket(url, { perMessageDeflate: false });
  await once(socket, 'open');
  socket.on('message', (data) => {
    const text = String(data);
    const message = JSON.parse(text);
    if (message.method) frames.push({ at: performance.now(), text, message });
    else replies.set(message.id, message.result);
  });
  let id = 0;
  const subscribe = async (method, ...params) => {
    socket.send(JSON.stringify({ jsonrpc: '2.0', id: ++id, method, params }));
    while (!replies.has(id)) await sleep(5);
    return { id: replies.get(id), method };
  };
  const subscriptions = [await subscribe('slotSubscribe')];
  for (const key of holders) {
    subscriptions.push({ ...await subscribe('accountSubscribe', key, { encoding: 'base64', commitment: COMMITMENT }), key });
  }
  subscriptions.push({ ...await subscribe('logsSubscribe', { mentions: [mint] }, { commitment: COMMITMENT }), key: mint });
  return { frames, subscriptions, close: () => socket.close() };
}

const node = await startSurfpool(SLOT_MS);
const proxy = new Proxy(node, random); // puts the slot right that Surfpool names
await proxy.start();
const payer = web3.Keypair.fromSecretKey(Buffer.from(node.secret, 'hex'));
const mint = keypair('mint');
const holders = ['ada', 'ben', 'eve'].map(keypair);
await run(node, payer, spl.createMint(payer.publicKey, mint.publicKey, 6), [mint]);
for (const holder of holders) {
  await run(node, payer, [
    spl.createAssociated(payer.publicKey, holder.publicKey, mint.publicKey),
    spl.mintTo(mint.publicKey, spl.associated(holder.publicKey, mint.publicKey), payer.publicKey, 1_000_000_000n),
  ]);
}
await sleep(2 * SLOT_MS);
const accounts = holders.map((holder) => String(spl.associated(holder.publicKey, mint.publicKey)));
const { value: states } = await ask(node.rpc, 'getMultipleAccounts', [accounts, { encoding: 'base64', commitment: COMMITMENT }]);
const recording = await record(proxy.wsUrl, accounts, String(mint.publicKey));
const { frames } = recording;

const slotsOf = () => frames.filter((f) => f.message.method === 'slotNotification').map((f) => f.message.params.result);
while (slotsOf().length === 0) await sleep(5);
const sent = [];
while (slotsOf().length < Number(values.slots)) {
  const [from, to] = random.shuffle(holders);
  const amount = BigInt(random.between(1, 9_000_000));
  // one in eight asks for more than there is: a transaction that fails has logs too
  const lamports = random.chance(1 / 8) ? 10_000_000_000_000n : amount;
  sent.push(run(node, payer, [
    spl.transferChecked(from.publicKey, to.publicKey, mint.publicKey, lamports, 6),
    spl.memo(`hawse ${sent.length}`),
  ], [from]));
  await sleep(random.between(400, 2000));
}
await Promise.all(sent);
await sleep(2 * SLOT_MS); // the last notifications are on their way
recording.close();
proxy.stop();
const genesis = await ask(node.rpc, 'getGenesisHash');
await node.stop();

// it begins with a slot and ends before one, so that rounds can follow each other
const isSlot = (f) => f.message.method === 'slotNotification';
const played = frames.slice(frames.findIndex(isSlot), frames.findLastIndex(isSlot));
const slots = played.filter(isSlot).map((f) => f.message.params.result);
const count = (method) => played.filter((f) => f.message.method === method).length;
const last = new Map(accounts.map((key, i) => [key, states[i]]));
const keyOf = new Map(recording.subscriptions.map((s) => [s.id, s.key]));
for (const { message } of played) {
  if (message.method === 'accountNotification') last.set(keyOf.get(message.params.subscription), message.params.result.value);
}
const header = {
  format: 'hawse-websocket-sample',
  version: 1,
  protocol: 'solana',
  genesis,
  slot_ms: SLOT_MS,
  commitment: COMMITMENT,
  subscriptions: recording.subscriptions,
  start: { slot: slots[0].parent, root: slots[0].root },
  accounts: accounts.map((pubkey, i) => ({ pubkey, owner_wallet: String(holders[i].publicKey), mint: String(mint.publicKey), decimals: 6, state: states[i] })),
  end: {
    slot: slots.at(-1).slot,
    frames: played.length,
    slots: slots.length,
    account_notifications: count('accountNotification'),
    logs: count('logsNotification'),
    failed: played.filter((f) => f.message.method === 'logsNotification' && f.message.params.result.value.err !== null).length,
    accounts: Object.fromEntries(last),
  },
};
const text = [
  JSON.stringify(header),
  ...played.map((f) => `{"t_ms":${Math.round(f.at - played[0].at)},"frame":${f.text}}`),
].join('\n') + '\n';
const chained = slots.every((s, i) => i === 0 || s.parent === slots[i - 1].slot);
if (!chained || header.end.logs < 20 || text.length > SIZE_LIMIT) {
  console.error(`not written: ${text.length} bytes of ${SIZE_LIMIT} allowed, ${header.end.logs} logs, slots ${chained ? 'follow each other' : 'have a hole'}`);
  process.exit(1);
}
writeFileSync(values.out, text);
console.log(JSON.stringify({ out: values.out, bytes: text.length, ...header.end, accounts: undefined }));
process.exit(0);
