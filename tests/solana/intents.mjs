// Payments as intents, from a plugin (sdk/examples/payout) through a whole host to a real runtime
// (Surfpool), while providers drop what is sent, lose answers, refuse, hang and are of another
// cluster, transactions expire, and the host is killed. Each recipient is paid once or not at all:
// as it is told, as the journal has it, and also after every byte that was ever signed was sent
// once more.
//
//   intents.mjs [--payments 24] [--kills 4] [--seed 1]      with HAWSE_BIN and HAWSE_PLUGIN_DIR
//
// Must never: invent an answer of a node. One correction: Surfpool answers getEpochInfo by its
// newest slot at any commitment; here it is put together from getSlot and getBlockHeight.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import web3 from '@solana/web3.js';
import { sleep } from '../e2e/lib/anvil.mjs';
import { Hawse, programOf } from '../e2e/lib/hawse.mjs';
import { Random } from '../e2e/lib/random.mjs';
import { ask, startSurfpool } from './lib/node.mjs';
import { report } from './lib/run.mjs';
import { associated, createAssociated, createMint, mintTo, transferChecked } from './lib/spl.mjs';

const SLOT_MS = 20;
const LAMPORTS = 1_000_000; // more than what an account must hold at least
const option = (name, preset) => {
  const at = process.argv.indexOf(`--${name}`);
  return at > 0 ? Number(process.argv[at + 1]) : preset;
};
const payments = option('payments', 24);
const kills = option('kills', 4);
const seed = option('seed', 1);
const random = new Random(seed);
const { command, pluginDir } = programOf('hawse');
const keypair = (name) => web3.Keypair.fromSeed(createHash('sha256').update(`hawse intents ${seed} ${name}`).digest());
const node = await startSurfpool(SLOT_MS);
const rich = web3.Keypair.fromSecretKey(Buffer.from(node.secret, 'hex'));
const genesis = await ask(node.rpc, 'getGenesisHash');
const balance = async (key) => (await ask(node.rpc, 'getBalance', [String(key), { commitment: 'processed' }])).value;

async function land(instructions, signers = []) {
  const { value } = await ask(node.rpc, 'getLatestBlockhash', [{ commitment: 'confirmed' }]);
  const transaction = new web3.Transaction({ feePayer: rich.publicKey, ...value }).add(...instructions);
  transaction.sign(rich, ...signers);
  return ask(node.rpc, 'sendTransaction', [transaction.serialize().toString('base64'), { encoding: 'base64' }]);
}

// ---- who is paid ----

const kinds = ['plain', 'swallowed', 'unlisted', 'durable'];
const intents = new Map();
for (let n = 0; n < payments; n++) {
  const kind = n < 4 ? kinds[n] : n % 3 === 0 ? 'durable' : 'plain';
  const to = keypair(`to ${n}`).publicKey.toBase58();
  intents.set(to, { kind, to, sends: new Set() });
}
// by `hawse send`: lamports to somebody who may have them; tokens to a friend, to a stranger, of a
// mint that nobody listed, and more than the intent says
const HAND = ['hand', 'tokens', 'tokens to nobody', 'tokens unlisted', 'more tokens'];
const hand = Object.fromEntries(HAND.map((kind) => [kind, keypair(kind).publicKey.toBase58()]));
for (const kind of HAND) intents.set(hand[kind], { kind, to: hand[kind], sends: new Set() });
const of = (...wanted) => [...intents.values()].filter((one) => wanted.includes(one.kind)).map((one) => one.to);

// ---- providers ----

const counts = { asked: 0, dropped: 0, lost: 0, refused: 0, hung: 0, killed: 0 };
const bytes = new Set(); // all that was ever sent
let trouble = true;

async function truth(method, params) {
  if (method !== 'getEpochInfo') return ask(node.rpc, method, params);
  const absoluteSlot = await ask(node.rpc, 'getSlot', params);
  const blockHeight = await ask(node.rpc, 'getBlockHeight', params);
  return { absoluteSlot: absoluteSlot + 2, blockHeight, epoch: 0 };
}

/** What is sent may go no further, which is what a leader that forgets it looks like. */
async function swallow(wire) {
  const { message, signatures } = web3.VersionedTransaction.deserialize(Buffer.from(wire, 'base64'));
  const intent = message.staticAccountKeys.map((key) => intents.get(key.toBase58())).find(Boolean);
  const name = Buffer.from(signatures[0]).toString('hex');
  bytes.add(wire);
  intent?.sends.add(name);
  const first = intent?.kind === 'swallowed' && [...intent.sends][0] === name;
  if (!first && !(trouble && random.below(100) < 30)) return null;
  counts.dropped++;
  return (await import('bs58')).default.encode(Buffer.from(signatures[0]));
}

async function answer({ id, method, params = [] }) {
  counts.asked++;
  try {
    const gone = method === 'sendTransaction' ? await swallow(params[0]) : null;
    return { jsonrpc: '2.0', id, result: gone ?? (await truth(method, params)) };
  } catch (error) {
    if (error.code === undefined) throw error;
    return { jsonrpc: '2.0', id, error: { code: error.code, message: error.message, data: error.data } };
  }
}

/** A provider; what it does is its own mode, for a while. */
function provider(own = (question) => answer(question)) {
  const self = { mode: 'good' };
  self.server = http.createServer((request, response) => {
    let body = '';
    request.on('data', (text) => (body += text));
    request.on('end', async () => {
      if (trouble && self.mode === 'down') return request.socket.destroy();
      if (trouble && self.mode === 'busy') {
        counts.refused++;
        response.writeHead(429, { 'retry-after': '0' });
        return response.end('too many');
      }
      if (trouble && self.mode === 'hung') return counts.hung++;
      let text = '';
      try {
        text = JSON.stringify(await own(JSON.parse(body)));
      } catch {
        return request.socket.destroy();
      }
      if (trouble && random.below(100) < 8) {
        counts.lost++;
        return request.socket.destroy();
      }
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(text);
      return null;
    });
  });
  return new Promise((done) => self.server.listen(0, '127.0.0.1', () => {
    self.url = `http://127.0.0.1:${self.server.address().port}`;
    done(self);
  }));
}
const providers = [await provider(), await provider(), await provider()];
const foreign = await provider(async (question) => (question.method === 'getGenesisHash'
  ? { jsonrpc: '2.0', id: question.id, result: '5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d' }
  : { jsonrpc: '2.0', id: question.id, error: { code: 1, message: `asked for ${question.method}` } }));

// ---- the host ----

const hawse = new Hawse(command);
const { folder } = hawse;
const tool = (...args) => execFileSync(command[0], args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], maxBuffer: 1 << 28 });
fs.writeFileSync(path.join(folder, 'pass'), 'open sesame, and let me in\n', { mode: 0o600 });
tool('keys', 'new', 'bot', '--kind', 'ed25519', '--dir', path.join(folder, 'keys'), '--cost', 'interactive', '--passphrase-file',
  path.join(folder, 'pass'), '--chain', `solana:${genesis.slice(0, 32)}`);
const bot = new web3.PublicKey(tool('keys', 'export-public', 'bot', '--dir', path.join(folder, 'keys')).match(/[1-9A-HJ-NP-Za-km-z]{43,44}/)[0]);
const nonce = keypair('nonce');
await land([web3.SystemProgram.transfer({ fromPubkey: rich.publicKey, toPubkey: bot, lamports: 5_000_000_000 })]);
await land(web3.SystemProgram.createNonceAccount({
  fromPubkey: rich.publicKey, noncePubkey: nonce.publicKey, authorizedPubkey: bot, lamports: 1_447_680,
}).instructions, [nonce]);
const before = 5_000_000_000;

const friend = keypair('friend').publicKey;
const stranger = keypair('stranger').publicKey;
const mints = [keypair('mint'), keypair('other mint')];
for (const mint of mints) {
  await land(createMint(rich.publicKey, mint.publicKey, 6), [mint]);
  await land([createAssociated(rich.publicKey, bot, mint.publicKey), createAssociated(rich.publicKey, friend, mint.publicKey),
    createAssociated(rich.publicKey, stranger, mint.publicKey), mintTo(mint.publicKey, associated(bot, mint.publicKey), rich.publicKey, 1_000_000)]);
}
const [mint, other] = mints.map((one) => one.publicKey);
const tokens = async (who, of = mint) => Number((await ask(node.rpc, 'getTokenAccountBalance', [String(associated(who, of)), { commitment: 'processed' }])).value.amount);

const payer = (to, more = {}) => ({
  plugin: 'org.example.payout', mode: 'live', grants: ['intent:local'], breaker: { failures: 1000, pause_ms: 1000 },
  settings: { chain: 'local', account: 'bot', payer: bot.toBase58(), lamports: LAMPORTS, to, ...more },
  limits: {
    local: {
      intents_per_day: 1000, open_intents: 300, fee_per_intent: '0.0001',
      assets: {
        sol: { decimals: 9, per_intent: '0.001', per_day: '1' },
        coin: { address: String(mint), decimals: 6, per_intent: '0.01', per_day: '0.01' },
      },
      counterparties: Object.fromEntries([...of('plain', 'swallowed', 'durable', 'hand'), String(friend)].map((one) => [one, { recipient: true }])),
    },
  },
});
const config = {
  hawse: 1, plugins: { path: [pluginDir] }, state_dir: path.join(folder, 'state'), control: { socket: path.join(folder, 'control.sock') },
  keys: { dir: path.join(folder, 'keys'), use: { bot: { unlock: `file:${path.join(folder, 'pass')}` } } },
  chains: {
    local: {
      family: 'solana', genesis, block_ms: SLOT_MS, attempt_ms: 400,
      providers: [foreign, ...providers].map((one, i) => ({ name: `p${i}`, http: one.url, per_second: 0, priority: i ? 2 : 1 })),
      solana: { commitment: 'confirmed', resend_ms: 200 },
    },
  },
  instances: {
    plain: payer(of('plain', 'swallowed', 'unlisted')),
    durable: payer(of('durable'), { nonce: nonce.publicKey.toBase58() }),
  },
};

const journal = () => {
  const steps = new Map();
  const ids = new Map();
  let text = '';
  try {
    text = tool('journal', 'export', path.join(folder, 'state'));
  } catch {
    return { steps, ids };
  }
  for (const line of text.split('\n').filter(Boolean)) {
    const record = JSON.parse(line);
    if (record.kind === 'intent') ids.set(record.intent, record.data?.id ?? record.id);
    if (record.kind === 'step') steps.set(record.intent, [...(steps.get(record.intent) ?? []), record.data]);
  }
  return { steps, ids };
};
// numbers of hawse/space/intent.h
const REFUSED = 3, SIGNED = 5, CONFIRMED = 9, TERMINAL = [REFUSED, CONFIRMED, 11, 12];
const over = () => [...journal().steps.values()].filter((steps) => steps.some((one) => TERMINAL.includes(one.step))).length;

hawse.start(config);
const byHand = {
  hand: [web3.SystemProgram.transfer({ fromPubkey: bot, toPubkey: new web3.PublicKey(hand.hand), lamports: LAMPORTS }), { mint: 'sol', max_out: LAMPORTS }],
  tokens: [transferChecked(bot, friend, mint, 700, 6), { mint: String(mint), max_out: 700 }],
  'tokens to nobody': [transferChecked(bot, stranger, mint, 700, 6), { mint: String(mint), max_out: 700 }],
  'tokens unlisted': [transferChecked(bot, friend, other, 700, 6), { mint: String(other), max_out: 700 }],
  'more tokens': [transferChecked(bot, friend, mint, 701, 6), { mint: String(mint), max_out: 700 }],
};
for (const [kind, [one, flow]] of Object.entries(byHand)) {
  fs.writeFileSync(path.join(folder, `${kind}.json`), JSON.stringify({
    id: hand[kind], chain: 'local', account: 'bot', note: 'by hand',
    solana: {
      instructions: [{
        program: String(one.programId), data: `0x${one.data.toString('hex')}`,
        accounts: one.keys.map((key) => ({ key: String(key.pubkey), signer: key.isSigner, writable: key.isWritable })),
      }],
      flows: [flow],
    },
  }));
}
const all = payments + HAND.length;
const limit = Date.now() + Number(process.env.LIMIT_MS ?? 120_000);
let shown = false;
const taken = new Set();
const socket = path.join(folder, 'control.sock');
for (let done = 0; done < all && Date.now() < limit;) {
  await sleep(random.below(500) + 100);
  for (const one of providers) one.mode = random.below(3) ? 'good' : random.pick(['down', 'busy', 'hung']);
  providers[random.below(3)].mode = 'good';
  done = over();
  try {
    shown ||= /slot \d+/.test(tool('intents', '--socket', socket));
    const known = new Set(journal().ids.values());
    for (const kind of HAND) {
      if (known.has(hand[kind])) taken.add(kind);
      else tool('send', 'plain', path.join(folder, `${kind}.json`), '--socket', socket);
    }
  } catch { /* it is starting, or was killed before it had written what was sent: an id is taken once */ }
  trouble = counts.killed < kills || done < all - 2;
  if (counts.killed < kills && done >= (all * counts.killed) / (kills + 1)) {
    hawse.child.kill('SIGKILL');
    await hawse.ended;
    hawse.result = undefined;
    counts.killed++;
    hawse.start(config);
  }
}
trouble = false;
tool('kill', 'plain', '--why', 'the trial says so', '--socket', socket);
const late = { ...JSON.parse(fs.readFileSync(path.join(folder, 'hand.json'))), id: 'late' };
fs.writeFileSync(path.join(folder, 'late.json'), JSON.stringify(late));
tool('send', 'plain', path.join(folder, 'late.json'), '--socket', socket);
await sleep(1500); // what was sent last is settled
const stopped = await hawse.stop();
const { steps, ids } = journal();
const paid = async () => Object.fromEntries(await Promise.all([...intents.keys()].map(async (to) => [to, await balance(to)])));
const first = await paid();
for (const wire of bytes) await ask(node.rpc, 'sendTransaction', [wire, { encoding: 'base64', skipPreflight: true }]).catch(() => {});
await sleep(1000);
const second = await paid();
const left = await balance(bot);
const [got, own, none] = [await tokens(friend), await tokens(bot), (await tokens(stranger)) + (await tokens(friend, other))];

// ---- what must be so ----

const bs58 = (await import('bs58')).default;
/** Does the node have what the journal calls confirmed, in that slot and without an error? */
async function agrees(end) {
  const { value: [status] } = await ask(node.rpc, 'getSignatureStatuses', [[bs58.encode(Buffer.from(end.reference.slice(2), 'hex'))], { searchTransactionHistory: true }]);
  return status?.slot === end.block && status.err === null;
}
let once = 0;
let strange = 0;
let killed = false;
let wrong = 0;
let confirmed = 0;
let renewed = false;
const reasons = new Map();
for (const [number, list] of steps) {
  const ends = list.filter((one) => TERMINAL.includes(one.step));
  const to = ids.get(number);
  if (to === 'late') {
    killed = ends.length === 1 && ends[0].data?.gate === 'kill';
    continue;
  }
  const good = ends[0]?.step === CONFIRMED;
  once += ends.length === 1;
  confirmed += good;
  strange += good && !(await agrees(ends[0]));
  const paidTo = good && !intents.get(to).kind.includes('tokens') ? LAMPORTS : 0;
  wrong += first[to] !== paidTo || second[to] !== first[to];
  reasons.set(to, ends[0]);
  renewed ||= intents.get(to).kind === 'swallowed' && list.filter((one) => one.step === SIGNED).length > 1;
  if (process.env.VERBOSE) console.log(`# ${intents.get(to).kind} ${list.map((one) => one.step).join(' ')} ${JSON.stringify(ends[0])}`);
}
const cost = before - left - (confirmed - 1) * LAMPORTS; // one pays tokens
const unlisted = reasons.get(of('unlisted')[0]);
console.log(`# ${JSON.stringify(counts)}; ${confirmed} of ${all} paid, ${bytes.size} transactions were sent`);
if (process.env.VERBOSE) console.log(hawse.errors.join('\n'));
await node.stop();
for (const one of [...providers, foreign]) one.server.closeAllConnections();
report([
  [`${all} payments with ${counts.killed} kill -9 of the host: each ended once in the journal`, once === all && steps.size === all + 1],
  ['each recipient has what the journal says, also after everything was sent once more', wrong === 0],
  ['what the journal calls confirmed is on the chain, in that slot', strange === 0],
  ['everybody who may be paid was', confirmed === all - of('unlisted').length - 3],
  [`what left the account is what was paid, and fees (${cost} lamports)`, cost > 0 && cost <= confirmed * 10_000],
  [`who is in no table of the operator is not paid: ${unlisted?.data?.gate}`, unlisted?.step === REFUSED],
  ['tokens go to accounts of those who may have them', reasons.get(hand.tokens)?.step === CONFIRMED && got === 700 && own === 999_300],
  ...[['tokens to nobody', 'calls'], ['tokens unlisted', 'limits'], ['more tokens', 'simulation']].map(([kind, gate]) => [
    `${kind}: refused by the gate ${reasons.get(hand[kind])?.data?.gate}: ${reasons.get(hand[kind])?.data?.reason}`, reasons.get(hand[kind])?.data?.gate === gate && none === 0]),
  ['what no leader took was proved dead and signed anew', renewed],
  ['`hawse intents` shows the chain, and `hawse send` has one paid by hand', shown && taken.size === HAND.length && reasons.get(hand.hand)?.step === CONFIRMED],
  ['what comes after `hawse kill` is refused', killed],
  ['the journal verifies', tool('journal', 'verify', path.join(folder, 'state')).length > 0],
  ['the host stops by itself', stopped.code === 0],
]);
